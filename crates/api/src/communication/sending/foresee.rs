//! What would become of a message: the decision that a send would take, without the send.

use domain::decide::{self, Known, Setting};
use domain::decision::Decision;
use domain::time::Instant;

use super::super::refused;
use super::Sending;
use crate::error::Failure;
use crate::seen;

impl Sending<'_> {
    /// Decides as [`Sending::save`] does, under the policy that is in force at this moment, and keeps nothing of it.
    pub(in crate::communication) async fn foresee(&self) -> Result<Decision, Failure> {
        let tenant = &self.context.caller.tenant;
        let known = self.context.state.policies.current(tenant).await?;
        let policy = self.context.state.policies.newer(tenant, &known).await?.unwrap_or(known);
        let mut ids = self.ids.clone();
        let id = ids.next_id();
        let (view, memories) = tokio::try_join!(self.continued(), self.remembered(&policy))?;
        let message = self.read_by_policy(&id)?;
        let seen = match view.as_ref().filter(|_| message.occurred_at.is_some()) {
            Some(view) => Some(seen::of(self.context, &view.thread.id, None).await?),
            None => None,
        };
        let known = Known {
            thread: view.as_ref(),
            sender: memories.sender.as_ref(),
            everyone: memories.everyone.as_ref(),
            ..Known::default()
        };
        let setting = Setting { policy: &policy, now: Instant::from(self.now) };
        decide::ingest(setting, &message, known, seen.as_ref(), &mut ids).map_err(|refusal| refused(&refusal))
    }
}

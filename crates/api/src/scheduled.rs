//! A message whose instant has come, with all that a decision about it needs.

use domain::access::Visibility;
use domain::change::{Change, ResourceWrite, Stored};
use domain::correspondent::{Correspondent, Who};
use domain::decide::{self, Known, Setting};
use domain::id::{Ids, Key, ResourceType, TenantId};
use domain::message::{Message, Side, Standing};
use domain::policy::Policy;
use domain::schedule::{ScheduleChange, Scheduled};
use domain::search::Read;
use domain::store::{StoreError, ThreadView};
use domain::time::Instant;
use fhir::communication::{Communication, standing};
use fhir::decided::{self, Frame};
use fhir::issue::Issue;

use crate::seen;
use crate::state::AppState;

/// A message whose instant has come, and what belongs to it, as they are stored.
pub struct Due {
    stored: Stored,
    text: Communication,
    message: Message,
    view: Option<ThreadView>,
    sender: Option<Correspondent>,
    everyone: Option<Correspondent>,
}

impl Due {
    /// Reads what belongs to a schedule; `None` when the message waits no more.
    ///
    /// # Errors
    /// The store does not answer, or lacks what a schedule cannot be without.
    pub async fn read(
        state: &AppState,
        tenant: &TenantId,
        scheduled: &Scheduled,
        policy: &Policy,
    ) -> Result<Option<Self>, StoreError> {
        let key = Key::new(ResourceType::Communication, scheduled.message.clone());
        let read = Read { tenant: tenant.clone(), key, version: None, visibility: Visibility::Everything };
        let missing = || StoreError::Internal(format!("the scheduled message {} is not there", scheduled.message));
        let stored = state.store.read(read).await?.ok_or_else(missing)?;
        let text = Communication::stored(&stored).map_err(|issues| unreadable(&issues))?;
        if standing(text.document()) != Standing::Scheduled {
            return Ok(None);
        }
        let text = text.let_go().map_err(|issues| unreadable(&issues))?;
        let mut view = None;
        for message in text.continues().map_err(|issue| unreadable(&[issue]))? {
            view = view.or(seen::going_on(state, tenant, message).await?);
        }
        let mut message = text.message(&scheduled.message, &scheduled.facts);
        message.machine_generated &= scheduled.believed;
        let limited = matches!(Side::of(&message.sender), Side::Patient | Side::Proxy);
        let of = |who| state.store.correspondent(tenant.clone(), who);
        let sender = if limited { Some(of(Who::Sender(message.sender.clone())).await?) } else { None };
        let counted = state.policies.count_everyone(tenant, policy);
        let everyone = if limited && counted { Some(of(Who::Everyone).await?) } else { None };
        Ok(Some(Self { stored, text, message, view, sender, everyone }))
    }

    /// Decides about it as about a message that is sent now: the change that sends it, with its first write, that of the
    /// message.
    ///
    /// # Errors
    /// A text that was made cannot be read: a fault of the service.
    pub fn sent(
        &self,
        state: &AppState,
        policy: &Policy,
        frame: &Frame<'_>,
        ids: &mut Ids,
    ) -> Result<(Change, ResourceWrite), StoreError> {
        let setting = Setting { policy, now: Instant::from(frame.now) };
        let shadow = state.policies.shadow(frame.tenant, policy);
        let known = Known {
            thread: self.view.as_ref(),
            sender: self.sender.as_ref(),
            everyone: self.everyone.as_ref(),
            remember: shadow.as_ref().map(|shadow| shadow.counts_within()).unwrap_or_default(),
        };
        let shadow = shadow.map(|shadow| {
            let setting = Setting { policy: &shadow, ..setting };
            decide::shadow(setting, &self.message, known, &mut ids.beside())
        });
        let decision = decide::send_scheduled(setting, &self.message, known, ids);
        let thread = decision.thread.id.clone();
        let patient = decision.thread.patient.clone();
        let named = (&self.stored.key.id, self.stored.version.next());
        let mut change = decided::sent(frame, &self.text, named, self.view.as_ref(), &[], decision)
            .map_err(|issues| unreadable(&issues))?;
        for write in change.resources.iter_mut().filter(|write| write.patient.is_none()) {
            write.patient.clone_from(&patient);
        }
        change.shadows = shadow.map(|record| record.row(Some(thread))).into_iter().collect();
        change.schedules = vec![ScheduleChange::Ended { message: self.message.id.clone(), at: setting.now }];
        let write = change.resources.first().cloned();
        Ok((change, write.ok_or_else(|| StoreError::Internal("a message without a text".to_owned()))?))
    }
}

fn unreadable(issues: &[Issue]) -> StoreError {
    let first = issues.first().map(|issue| issue.message.as_str()).unwrap_or_default();
    StoreError::Internal(format!("a scheduled message cannot be read: {first}"))
}

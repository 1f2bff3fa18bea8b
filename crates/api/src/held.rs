//! A held message with all that a decision about its release needs.

use domain::access::Visibility;
use domain::change::{DecisionRow, Stored};
use domain::correspondent::{Correspondent, Who};
use domain::decide::{HeldMessage, Known, Setting};
use domain::decision::Decision;
use domain::hold::Hold;
use domain::id::{Ids, Key, ResourceType, TenantId};
use domain::message::Message;
use domain::policy::Policy;
use domain::search::Read;
use domain::store::{StoreError, ThreadView};
use domain::time::Instant;
use fhir::communication::Communication;

use crate::seen;
use crate::state::AppState;

/// A held message and what belongs to it, as they are stored.
pub struct Held {
    /// The hold.
    pub hold: Hold,
    /// The message.
    pub stored: Stored,
    /// The message as policy sees it.
    pub message: Message,
    /// The Task of its review.
    pub review: Option<Stored>,
    /// Its thread, or the one that goes on in its place.
    pub view: ThreadView,
    sender: Correspondent,
}

impl Held {
    /// Reads what belongs to a hold.
    ///
    /// # Errors
    /// The store does not answer, or lacks what a hold cannot be without.
    pub async fn read(state: &AppState, tenant: &TenantId, hold: Hold) -> Result<Self, StoreError> {
        let missing = |what: &str| StoreError::Internal(format!("the held message {} has no {what}", hold.message));
        let resource = async |kind, id| {
            let key = Key::new(kind, id);
            let read = Read { tenant: tenant.clone(), key, version: None, visibility: Visibility::Everything };
            state.store.read(read).await
        };
        let written_in = state.store.thread_of(tenant.clone(), hold.message.clone()).await?;
        let written_in = written_in.ok_or_else(|| missing("thread"))?;
        let mut view = seen::going_on(state, tenant, hold.message.clone()).await?.ok_or_else(|| missing("thread"))?;
        if view.thread.id != written_in.thread.id {
            // Its thread has been merged into another: it is delivered there, and its review ends with it.
            view.clocks.extend(written_in.clocks.into_iter().filter(|clock| clock.id == hold.clock));
        }
        let stored = resource(ResourceType::Communication, hold.message.clone()).await?;
        let stored = stored.ok_or_else(|| missing("text"))?;
        let review = resource(ResourceType::Task, hold.task.clone()).await?;
        let sender = state.store.correspondent(tenant.clone(), Who::Sender(hold.sender.clone())).await?;
        let communication = Communication::stored(&stored).map_err(|_| missing("text that can be read"))?;
        let mut message = communication.message(&hold.message, &hold.facts);
        // It was held as a person's: that a machine wrote is believed of nobody outside the team.
        message.machine_generated = false;
        Ok(Self { hold, stored, message, review, view, sender })
    }

    /// The message for a decision.
    pub fn message(&self) -> HeldMessage<'_> {
        HeldMessage { hold: &self.hold, message: &self.message, view: &self.view }
    }

    /// What the bundle in shadow, if there is one, would decide about its end: the record that is kept beside the live
    /// one. Where it would refuse, nothing is.
    pub fn shadow(
        &self,
        state: &AppState,
        (tenant, policy): (&TenantId, &Policy),
        (now, ids): (Instant, &Ids),
        end: impl FnOnce(Setting<'_>, &mut Ids) -> Option<Decision>,
    ) -> Vec<DecisionRow> {
        let shadow = state.policies.shadow(tenant, policy);
        let decision = shadow.and_then(|shadow| end(Setting { policy: &shadow, now }, &mut ids.beside()));
        let row = |decision: Decision| decision.record.of_shadow().row(Some(self.hold.thread.clone()));
        decision.map(row).into_iter().collect()
    }

    /// What is known of those whom it concerns.
    pub fn known(&self) -> Known<'_> {
        Known { thread: Some(&self.view), sender: Some(&self.sender), ..Known::default() }
    }
}

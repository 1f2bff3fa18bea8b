//! Messages that are kept until their instant comes.

use domain::access::Visibility;
use domain::change::Change;
use domain::decision::Record;
use domain::id::{ResourceId, Version};
use domain::message::Message;
use domain::schedule::{ScheduleChange, Scheduled};
use domain::time::Instant;

use super::Sending;
use crate::error::Failure;
use crate::read::unreadable;

impl Sending<'_> {
    /// The change of a message that is kept until its instant comes. Nothing else is decided about it before.
    pub(super) fn scheduled(
        &self,
        (id, version): (&ResourceId, Version),
        message: &Message,
        release_at: Instant,
        record: &Record,
    ) -> Result<Change, Failure> {
        let caller = &self.context.caller;
        let mut change = Change::new(caller.tenant.clone());
        change.resources = vec![unreadable(self.message.scheduled(id, version, self.now))?];
        change.decisions = vec![record.row(None)];
        change.schedules = vec![ScheduleChange::Set(Scheduled {
            message: id.clone(),
            sender: message.sender.clone(),
            release_at,
            facts: caller.facts.clone(),
            believed: !matches!(self.visibility, Visibility::Patient { .. }),
        })];
        Ok(change)
    }

    /// What waited for its instant and is sent now waits no longer.
    pub(super) fn ended(&self, id: &ResourceId) -> Vec<ScheduleChange> {
        let ended = || ScheduleChange::Ended { message: id.clone(), at: self.now.into() };
        self.was_scheduled.then(ended).into_iter().collect()
    }
}

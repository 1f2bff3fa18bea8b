//! Answers that nobody on the patient's side reads: when whoever wrote one is told, and whether there is still need to.

use crate::change::{Mark, OutboxRow};
use crate::id::{Key, Reference, ResourceId, ResourceType};
use crate::message::{Message, Side, Standing};
use crate::policy::bundle::Patience;
use crate::policy::turnaround::PauseReason;
use crate::thread::Thread;

use super::answering;
use super::inbound::Inbound;
use super::notice::Unread;
use super::obligation::UNBOUNDED;

/// What tells an author that nobody has read their answer.
pub const UNREAD: &str = "unread-by-patient";

impl Inbound<'_, '_> {
    /// Writes what tells the author of an answer, once the time to read it is over: whether somebody has read it by then
    /// is looked at when it is about to leave. Time counts from when it was written, whenever that was delivered.
    pub(super) fn until_read(&mut self, thread: &Thread) {
        let (policy, now, message) = (self.setting.policy, self.setting.now, self.message);
        let patience = &policy.bundle.unread_by_patient;
        let patience = match message.awaits {
            Some(PauseReason::WaitingOnPatient) => &patience.action_required,
            Some(PauseReason::WaitingOnThirdParty) | None => &patience.otherwise,
        };
        let Patience::Days(days) = patience else { return };
        let pool = answering(policy, thread);
        let written = message.occurred_at.unwrap_or(now);
        let over = policy.calendar(&pool.calendar).and_then(|calendar| days.over(calendar, &policy.zone, written));
        match over {
            Some(over) if over > now => {
                let unread = Unread {
                    focus: Key::new(ResourceType::Communication, message.id.clone()),
                    author: &message.sender,
                    priority: message.priority.unwrap_or_default(),
                    over,
                };
                self.outbox.unread(self.ids, &mut self.record, unread, (thread, pool));
            }
            Some(_) => self.record.left("notice", UNREAD, "pre-existing: it stood before the message was delivered"),
            None => self.record.left("notice", UNREAD, UNBOUNDED),
        }
    }
}

/// The answer that a notice says nobody has read; `None` of any other notice.
pub fn unread_answer(row: &OutboxRow) -> Option<&ResourceId> {
    let focus = row.focus.as_ref().filter(|_| row.topic == UNREAD)?;
    Some(&focus.id)
}

/// Whether nobody on the patient's side has read an answer: neither the patient nor, of their proxies, one whom it is for.
/// What was taken back or never sent is nobody's to read.
pub fn is_unread(answer: &Message, standing: Standing, marks: &[Mark]) -> bool {
    let theirs = |reader: &Reference| match Side::of(reader) {
        Side::Patient => answer.patient.as_ref() == Some(reader) || answer.recipients.contains(reader),
        Side::Proxy => answer.recipients.contains(reader),
        Side::Staff | Side::Machine => false,
    };
    standing == Standing::Sent && !marks.iter().any(|mark| mark.read_at.is_some() && theirs(&mark.reader))
}

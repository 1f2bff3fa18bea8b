//! What a bundle in shadow would decide about a message.

use crate::decision::{Mode, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::message::Message;

use super::send::facts_of;
use super::{Known, Refusal, Setting, named, send};

/// The record of what a bundle in shadow would decide about a message that is sent now. Nothing else is kept of that
/// decision. `ids` are not those of the live decision: [`Ids::beside`] gives them.
pub fn shadow<'a>(setting: Setting<'a>, message: &'a Message, known: impl Into<Known<'a>>, ids: &mut Ids) -> Record {
    let known = known.into();
    let record = match send(setting, message, known, ids) {
        Ok(decision) => decision.record,
        Err(refusal) => refused(setting, message, known, &refusal, ids),
    };
    record.of_shadow()
}

/// The record of a message that is refused: nothing of it is written but what a bundle in shadow would have refused.
pub fn refused<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    known: impl Into<Known<'a>>,
    refusal: &Refusal,
    ids: &mut Ids,
) -> Record {
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, setting.policy, focus, seed, setting.now, Outcome::Refused);
    let before = known.into().thread.map_or(0, |view| view.thread.patient_messages);
    record.message = Some(facts_of(message, before + i32::from(message.from_patient() && message.has_payload)));
    record.left("send", refusal.code(), &format!("{refusal}: {}", refusal.remedy()));
    record
}

impl Record {
    /// The record as that of a bundle in shadow: nothing of it was done.
    #[must_use]
    pub fn of_shadow(self) -> Self {
        Self { mode: Mode::Shadow, ..self }
    }
}

//! A message as policy sees it: codes, counts, references, and the words that only matching may read.

mod standing;

use crate::access::PatientFacts;
use crate::id::{Reference, ResourceId};
use crate::policy::rule::{Fact, Field};
use crate::policy::turnaround::PauseReason;
use crate::text::{self, Found, Words};
use crate::thread::Priority;
use crate::time::Instant;

pub use standing::Standing;

/// Which side a message comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The patient.
    Patient,
    /// Someone acting for the patient.
    Proxy,
    /// A human of the team.
    Staff,
    /// A machine or an organisation's robot.
    Machine,
}

impl Side {
    /// The code that rules compare.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Proxy => "proxy",
            Self::Staff => "staff",
            Self::Machine => "machine",
        }
    }

    /// The side that a sender is on. A sender of another type counts as a machine: it stops no clock and starts none.
    pub fn of(sender: &Reference) -> Self {
        match sender.kind() {
            "Patient" => Self::Patient,
            "RelatedPerson" => Self::Proxy,
            "Practitioner" | "PractitionerRole" => Self::Staff,
            _ => Self::Machine,
        }
    }
}

/// A message to decide about.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own that any other may go with")]
pub struct Message {
    /// The Communication's id.
    pub id: ResourceId,
    /// Who wrote it.
    pub sender: Reference,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// Whom it is for.
    pub recipients: Vec<Reference>,
    /// The category's code in our code system.
    pub category: Option<String>,
    /// The urgency asked for.
    pub priority: Option<Priority>,
    /// The medium's code.
    pub channel: Option<String>,
    /// Everything a person wrote, attachments' names included.
    pub texts: Vec<String>,
    /// The message proper, to measure its length.
    pub body: String,
    /// Whether it has a payload; without one it is a thread's header.
    pub has_payload: bool,
    /// Whether a file is attached.
    pub has_attachment: bool,
    /// Its language, when it says one.
    pub language: Option<String>,
    /// Whether it says that a machine wrote it.
    pub machine_generated: bool,
    /// Whether it carries a mark that a machine sent it, whoever says so: then it gets no automatic reply. Unlike
    /// `machine_generated` it takes nothing else from it, for a mark that is wrong must not cost the patient an answer.
    pub marked_automatic: bool,
    /// Whether it is a note among staff.
    pub internal: bool,
    /// What the request says about the patient.
    pub facts: PatientFacts,
    /// For whom the team waits from this answer on, when it says so.
    pub awaits: Option<PauseReason>,
    /// When it was written, where an engine delivers it late.
    pub occurred_at: Option<Instant>,
}

/// What policies read of a message's texts, once for all rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its length in Unicode scalar values after NFC.
    pub length: usize,
    /// The phrases that stand in it, of all that are looked for.
    pub found: Found,
}

impl Message {
    /// A person's message with a text, and nothing else said about it.
    pub fn new(id: ResourceId, sender: Reference, text: &str) -> Self {
        Self {
            id,
            sender,
            patient: None,
            recipients: vec![],
            category: None,
            priority: None,
            channel: None,
            texts: vec![text.to_owned()],
            body: text.to_owned(),
            has_payload: true,
            has_attachment: false,
            language: None,
            machine_generated: false,
            marked_automatic: false,
            internal: false,
            facts: PatientFacts::default(),
            awaits: None,
            occurred_at: None,
        }
    }

    /// Which side it comes from; what a machine wrote in a person's name is the machine's.
    pub fn side(&self) -> Side {
        if self.machine_generated { Side::Machine } else { Side::of(&self.sender) }
    }

    /// Whether the patient's side wrote it.
    pub fn from_patient(&self) -> bool {
        matches!(self.side(), Side::Patient | Side::Proxy)
    }

    /// Whether it is a human answer of the team to the patient's side.
    pub fn is_human_reply(&self) -> bool {
        self.side() == Side::Staff && !self.internal && self.has_payload
    }

    /// Its length in Unicode scalar values after NFC.
    pub fn length(&self) -> usize {
        text::length(&self.body)
    }

    /// All its words, for matching.
    pub fn words(&self) -> Words {
        Words::of_all(self.texts.iter().map(String::as_str))
    }

    /// The facts that need nothing but the message and what was read of it.
    pub fn fact<'a>(&'a self, field: Field, reading: &'a Reading) -> Option<Fact<'a>> {
        match field {
            Field::MessageCategory => self.category.as_deref().map(|code| Fact::Text(code.into())),
            Field::MessagePriority => Some(Fact::Text(self.priority.unwrap_or_default().as_str().into())),
            Field::MessageChannel => self.channel.as_deref().map(|code| Fact::Text(code.into())),
            Field::MessageHasAttachment => Some(Fact::Flag(self.has_attachment)),
            Field::MessageTextLength => Some(Fact::Number(reading.length as i64)),
            Field::MessageText => Some(Fact::Words(&reading.found)),
            Field::MessageMachineGenerated => Some(Fact::Flag(self.machine_generated)),
            Field::SenderKind => Some(Fact::Text(self.side().as_str().into())),
            Field::SenderId => Some(Fact::Text(self.sender.to_string().into())),
            Field::PatientAgeYears => self.facts.age_years.map(|age| Fact::Number(i64::from(age))),
            Field::PatientTag => (!self.facts.tags.is_empty()).then_some(Fact::List(&self.facts.tags)),
            Field::ThreadStatus
            | Field::ThreadPool
            | Field::ThreadOwner
            | Field::ThreadTag
            | Field::CalendarOpen
            | Field::RecipientAbsent => None,
        }
    }
}

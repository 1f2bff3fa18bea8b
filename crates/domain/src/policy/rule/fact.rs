//! The facts of a message and its thread that conditions may ask for.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::text::Found;

macro_rules! fields {
    ($($name:ident = $code:literal $doc:literal),+ $(,)?) => {
        /// The facts that a rule may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Field {
            $(#[doc = $doc] #[serde(rename = $code)] $name,)+
        }

        impl Field {
            /// The name in a bundle.
            pub const fn as_str(self) -> &'static str {
                match self { $(Field::$name => $code),+ }
            }
        }
    };
}
fields! {
    MessageCategory = "message.category" "The category's code.",
    MessagePriority = "message.priority" "The urgency, as FHIR names it.",
    MessageChannel = "message.channel" "The medium's code.",
    MessageHasAttachment = "message.hasAttachment" "Whether a file is attached.",
    MessageTextLength = "message.textLength" "Unicode scalar values of the text after NFC.",
    MessageText = "message.text" "The text, by words alone.",
    MessageMachineGenerated = "message.machineGenerated" "Whether a machine wrote it.",
    SenderKind = "sender.kind" "`patient`, `proxy`, `staff` or `machine`.",
    SenderId = "sender.id" "The sender's reference.",
    PatientAgeYears = "patient.ageYears" "The patient's age in whole years.",
    PatientTag = "patient.tag" "The portal's tags of the patient.",
    ThreadStatus = "thread.status" "Where the conversation stands.",
    ThreadPool = "thread.pool" "The id of the pool that answers.",
    ThreadOwner = "thread.owner" "Who has claimed the thread.",
    ThreadTag = "thread.tag" "The thread's marks.",
    CalendarOpen = "calendar.open" "Whether the answering pool is open.",
    RecipientAbsent = "recipient.absent" "Whether the person written to is away.",
}

impl Field {
    /// What the fact is: it decides how it can be compared.
    pub const fn kind(self) -> FactKind {
        match self {
            Self::MessageText => FactKind::Words,
            Self::MessageTextLength | Self::PatientAgeYears => FactKind::Number,
            Self::MessageHasAttachment | Self::MessageMachineGenerated | Self::CalendarOpen | Self::RecipientAbsent => {
                FactKind::Flag
            }
            Self::PatientTag | Self::ThreadTag => FactKind::List,
            Self::MessageCategory
            | Self::MessagePriority
            | Self::MessageChannel
            | Self::SenderKind
            | Self::SenderId
            | Self::ThreadStatus
            | Self::ThreadPool
            | Self::ThreadOwner => FactKind::Text,
        }
    }
}

/// The kinds of facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// A code or name.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Several codes.
    List,
    /// The words of a text.
    Words,
}

/// A fact's value, borrowed from where it stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<'a> {
    /// A code or name.
    Text(Cow<'a, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Several codes.
    List(&'a [String]),
    /// Which of the phrases that are looked for stand in a text; its letters never leave the evaluation.
    Words(&'a Found),
}

//! What must leave: events and notices, and the deliveries that they become.

use crate::id::{Key, ResourceId};
use crate::thread::Priority;
use crate::time::Instant;

/// An event for subscribers or a notice for people, written with the change that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its identifier; receivers use it to recognise repetitions.
    pub id: ResourceId,
    /// Event or notice.
    pub kind: OutboxKind,
    /// What happened: a topic (`message-received`) or a notice's reason (`warn-50`).
    pub topic: String,
    /// Whom a notice is for, such as `HealthcareService/refill` or `Practitioner/lead`; empty for events.
    pub recipient: Option<String>,
    /// The thread concerned.
    pub thread: Option<ResourceId>,
    /// The resource concerned; notices carry references, never text.
    pub focus: Option<Key>,
    /// When it happened.
    pub occurred_at: Instant,
    /// The earliest moment at which it may leave.
    pub release_at: Instant,
    /// Whose hours it keeps; looked at again when it is about to leave.
    pub hours: Hours,
    /// Its urgency, by which it may pass quiet hours.
    pub priority: Priority,
}

/// Whose hours a notice keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Nobody's: it leaves at once.
    None,
    /// The team's: it leaves while whom it is for is at work, and it is not quiet for staff.
    Team,
    /// Those of the person on the patient's side whom it is for: it leaves while it is not quiet for them.
    Person,
}

impl Hours {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Team => "team",
            Self::Person => "person",
        }
    }

    /// The hours of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::None, Self::Team, Self::Person].into_iter().find(|hours| hours.as_str() == code)
    }
}

/// The two kinds of outbox rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxKind {
    /// For subscribers' machines.
    Event,
    /// For people; several that wait for one recipient leave as one digest.
    Notice,
}

impl OutboxKind {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Notice => "notice",
        }
    }
}

/// An outbox row taken care of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// The outbox row.
    pub outbox: ResourceId,
    /// The delivery it became part of; `None` when nobody is to be told.
    pub delivery: Option<ResourceId>,
    /// When.
    pub at: Instant,
}

/// An outbox row that may not leave yet after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// The outbox row.
    pub outbox: ResourceId,
    /// The earliest moment at which it may leave, as it stands now.
    pub until: Instant,
}

/// What is sent to one recipient at one time: a single notice or a digest of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier.
    pub id: ResourceId,
    /// The recipient.
    pub recipient: String,
    /// When it was put together.
    pub at: Instant,
    /// The outbox rows in it, oldest first.
    pub outbox: Vec<ResourceId>,
    /// The topics in it, in the same order.
    pub topics: Vec<String>,
}

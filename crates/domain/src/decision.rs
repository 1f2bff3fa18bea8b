//! The decision record: why this happened, in codes, counts and references. It is written with what it decided, and
//! replaying the same inputs under the same bundle writes the same bytes.

use serde::{Deserialize, Serialize};

use crate::change::OutboxRow;
use crate::clock::{Clock, LedgerEntry};
use crate::correspondent::Correspondent;
use crate::hold::Hold;
use crate::id::{Reference, ResourceId};
use crate::task::Task;
use crate::thread::Thread;

mod explain;
mod record;
mod tell;

pub use record::{
    ClockNote, Counted, Effect, MessageFacts, Record, SenderNotice, Stretch, Tried, TriedKind, Unconfirmed,
};
pub use tell::spoken;

/// Whether what was decided was also done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// It was.
    Live,
    /// It was not: a bundle in shadow would have decided it.
    Shadow,
    /// It was not: a simulation would have decided it. Such records are told in its report and not kept.
    Simulation,
}

impl Mode {
    const ALL: [Self; 3] = [Self::Live, Self::Shadow, Self::Simulation];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
            Self::Simulation => "simulation",
        }
    }

    /// The mode of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == code)
    }
}

/// What came of a message or an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The message is with those it is for.
    Delivered,
    /// It is, and its sender is told something.
    DeliveredWithNotice,
    /// Another pool answers than the one written to.
    Rerouted,
    /// It is delivered to the default pool, and a person must look.
    NeedsReview,
    /// Someone of the team took the obligation.
    Claimed,
    /// A threshold fired.
    Fired,
    /// The sender would have been sent another way: in records of a bundle in shadow alone, since nothing is written of
    /// a message that is refused.
    Refused,
    /// An authorised person overrode what the policy asks.
    Overridden,
    /// Another calendar counts for an obligation than before.
    Recalendared,
    /// Another pool answers from now on.
    HandedOver,
    /// Somebody of the pool is asked to answer.
    Assigned,
    /// Its owner has given it back to the pool.
    GivenBack,
    /// Someone of the team has opened what was written.
    Opened,
    /// Two conversations go on as one.
    Merged,
    /// A message turned out to be sent in error.
    Retracted,
    /// It is stored, and waits for a lead of the pool that is to answer.
    HeldForReview,
    /// It is kept until its instant comes.
    Scheduled,
    /// A held message is delivered.
    Released,
    /// An authorised person has blocked a sender, or ended a block.
    Blocked,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 19] = [
        Self::Delivered,
        Self::DeliveredWithNotice,
        Self::Rerouted,
        Self::NeedsReview,
        Self::Claimed,
        Self::Fired,
        Self::Refused,
        Self::Overridden,
        Self::Recalendared,
        Self::HandedOver,
        Self::Assigned,
        Self::GivenBack,
        Self::Opened,
        Self::Merged,
        Self::Retracted,
        Self::HeldForReview,
        Self::Scheduled,
        Self::Released,
        Self::Blocked,
    ];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::DeliveredWithNotice => "delivered-with-notice",
            Self::Rerouted => "rerouted",
            Self::NeedsReview => "needs-review",
            Self::Claimed => "claimed",
            Self::Fired => "fired",
            Self::Refused => "refused",
            Self::Overridden => "overridden",
            Self::Recalendared => "recalendared",
            Self::HandedOver => "handed-over",
            Self::Assigned => "assigned",
            Self::GivenBack => "given-back",
            Self::Opened => "opened",
            Self::Merged => "merged",
            Self::Retracted => "retracted",
            Self::HeldForReview => "held-for-review",
            Self::Scheduled => "scheduled",
            Self::Released => "released",
            Self::Blocked => "blocked",
        }
    }

    /// The outcome of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == code)
    }
}

/// An automatic reply to be written as a Communication of the thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomaticReply {
    /// Its Communication's id.
    pub id: ResourceId,
    /// The template.
    pub template: String,
    /// The text, with nothing left to fill.
    pub text: String,
    /// The text's language.
    pub language: String,
    /// The pool that speaks.
    pub sender: Reference,
    /// Whom it answers.
    pub recipient: Reference,
}

/// What a decision changes, before it is written as resources.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// Why.
    pub record: Record,
    /// The thread's new state.
    pub thread: Thread,
    /// New states of clocks.
    pub clocks: Vec<Clock>,
    /// Entries for their ledgers.
    pub ledger: Vec<LedgerEntry>,
    /// The Tasks that mirror them, with whether each is new.
    pub tasks: Vec<Task>,
    /// The automatic reply, if there is one.
    pub reply: Option<AutomaticReply>,
    /// The hold that begins or ends.
    pub hold: Option<Hold>,
    /// What is remembered of those who write, where that has changed.
    pub correspondents: Vec<Correspondent>,
    /// Events and notices.
    pub outbox: Vec<OutboxRow>,
}

impl Decision {
    /// What is decided about a thread, and why: nothing else changes and nobody is told, until it is filled in.
    pub const fn of(thread: Thread, record: Record) -> Self {
        Self {
            record,
            thread,
            clocks: vec![],
            ledger: vec![],
            tasks: vec![],
            reply: None,
            hold: None,
            correspondents: vec![],
            outbox: vec![],
        }
    }
}

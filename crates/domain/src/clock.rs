//! Clocks: one obligation each, folded from a ledger of events.
//!
//! Time already used stays as it was counted; only what remains moves when a clock is paused, retargeted or moved to
//! another calendar.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId};
use crate::policy::turnaround::{Rest, Target, Threshold};
use crate::thread::Priority;
use crate::time::{Instant, Span};

mod explain;
mod fold;
mod target;
mod threshold;

pub use explain::{Explanation, Language, Placed, Step, Walked};
pub use fold::Calendars;
pub use threshold::{PAUSE_ENDS, PROMISE_MISSED};

/// Which obligation a clock measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockName {
    /// Until a human of the team has opened the message.
    FirstOpened,
    /// Until a human of the team has answered.
    NextResponse,
    /// Until the matter is closed.
    Resolve,
    /// As `NextResponse`, from hand-over to the present team.
    Team,
    /// Until a lead has reviewed a held message.
    Review,
}

impl ClockName {
    const ALL: [Self; 5] = [Self::FirstOpened, Self::NextResponse, Self::Resolve, Self::Team, Self::Review];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FirstOpened => "first-opened",
            Self::NextResponse => "next-response",
            Self::Resolve => "resolve",
            Self::Team => "team",
            Self::Review => "review",
        }
    }

    /// The name of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == code)
    }
}

impl fmt::Display for ClockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The state of a clock. `overdue` is derived: running, and now is later than due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockState {
    /// Not started.
    Pending,
    /// Time is being used.
    Running,
    /// Waiting for someone outside the team.
    Paused,
    /// Stopped at or before due.
    Met,
    /// Stopped after due.
    MetLate,
    /// Ended because the obligation fell away.
    Cancelled,
    /// Ended by an authorised person; shown, never counted as met.
    Waived,
}

impl ClockState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Pending, Self::Running, Self::Paused, Self::Met, Self::MetLate, Self::Cancelled, Self::Waived];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Met => "met",
            Self::MetLate => "met-late",
            Self::Cancelled => "cancelled",
            Self::Waived => "waived",
        }
    }

    /// The state of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }

    /// Whether the clock can still change.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Met | Self::MetLate | Self::Cancelled | Self::Waived)
    }
}

/// The terms under which a clock was started. They stay with the clock when its bundle is retired.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The bundle, as `id/version`.
    pub bundle: String,
    /// The turnaround policy's id.
    pub policy: String,
    /// The pool that answers, as the bundle names it.
    pub pool: String,
    /// The calendar that counted when it began, as [`crate::policy::Policy::calendar`] knows it.
    pub calendar: String,
    /// Whose calendar counts, whatever becomes of it: a pool's resource or a calendar of the bundle.
    #[serde(default)]
    pub counted_by: String,
    /// The urgency that chose the target.
    pub priority: Priority,
    /// Warnings and escalations.
    pub thresholds: Vec<Threshold>,
    /// When the service came to know of it, where that is later than it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_from: Option<Instant>,
    /// When it rests.
    #[serde(default = "Rest::shipped")]
    pub rests: Vec<Rest>,
    /// What is reviewed, of the clock of a held message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<Reviewed>,
    /// Who has written what is to be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<Reference>,
}

/// What a review is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reviewed {
    /// The held message.
    pub message: ResourceId,
    /// The pool that is to answer, as a reference.
    pub pool: Reference,
    /// The lead whose Task it is; the pool when it has none.
    pub reviewer: Reference,
}

/// What happened to a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The obligation began.
    Activate {
        /// How much time it has.
        target: Target,
        /// The calendar that counts.
        calendar: String,
    },
    /// The team waits for someone else.
    Pause {
        /// Why, as a code.
        reason: String,
        /// When it goes on by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Instant>,
    },
    /// The team can go on.
    Resume,
    /// A human did what was owed.
    Fulfill,
    /// The obligation fell away.
    Cancel {
        /// Why, as a code.
        reason: String,
    },
    /// An authorised person let it go.
    Waive {
        /// Why, as a code.
        reason: String,
    },
    /// Another target from now on; time already used counts against it.
    Retarget {
        /// The new target.
        target: Target,
        /// When it is due by it, where that does not follow from the time used: danger counts from when it is told, and
        /// what was owed in another thread is owed by when it was due there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        due: Option<Instant>,
        /// Why, as a code.
        reason: String,
    },
    /// More time of the kind that the target counts.
    Extend {
        /// How much.
        amount: Span,
        /// Why, as a code.
        reason: String,
    },
    /// Another calendar from now on.
    Recalendar {
        /// The new calendar.
        calendar: String,
        /// Why, as a code: `hours`, `bundle`, `holiday`, `tzdb`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Due has passed.
    Breach,
}

/// An entry of a clock's ledger. Entries are folded by (`at`, `sequence`), whatever order they arrive in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The clock.
    pub clock: ResourceId,
    /// Its place among entries of the same instant; unique within the clock.
    pub sequence: i32,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub event: Event,
}

/// A stretch of a clock's life under one calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// When it began.
    pub from: Instant,
    /// When it ended; `None` while it lasts.
    pub until: Option<Instant>,
    /// Whether time was being used.
    pub running: bool,
    /// The calendar that counted.
    pub calendar: String,
    /// Time used in it, counted at its end.
    pub used: Span,
}

/// The next threshold of a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextThreshold {
    /// The threshold's id.
    pub id: String,
    /// The first instant at which it may fire.
    pub at: Instant,
}

/// One run of one obligation. `revision` is compared on save: a lost race is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// Its id; one per cycle.
    pub id: ResourceId,
    /// The thread.
    pub thread: ResourceId,
    /// Which obligation.
    pub name: ClockName,
    /// Which run of it: reopening starts the next.
    pub cycle: i32,
    /// The Task that mirrors it, if one does.
    pub task: Option<ResourceId>,
    /// The terms it was started under.
    pub terms: Terms,
    /// The folded ledger.
    pub fold: Fold,
    /// What patients were told; may only move earlier.
    pub promised_at: Option<Instant>,
    /// The ids of thresholds that have fired.
    pub fired: Vec<String>,
    /// The next threshold.
    pub next: Option<NextThreshold>,
    /// How many entries its ledger has.
    pub entries: i32,
    /// 1 for the first state, one more for each change.
    pub revision: i32,
}

/// A threshold's firing: at most one per clock, cycle and threshold, for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// The clock.
    pub clock: ResourceId,
    /// Its cycle.
    pub cycle: i32,
    /// The threshold's id.
    pub threshold: String,
    /// The instant the threshold stood at: the true one, whenever it was noticed.
    pub at: Instant,
    /// When it was noticed.
    pub fired_at: Instant,
    /// Why, when not simply because time passed: `target-changed`, `pre-existing`.
    pub cause: Option<String>,
}

/// The state that a ledger folds to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Fold {
    /// The state.
    pub state: ClockState,
    /// The target in force.
    pub target: Option<Target>,
    /// The calendar in force.
    pub calendar: String,
    /// When the obligation began.
    pub started_at: Option<Instant>,
    /// When it is due; exists only while running.
    pub due_at: Option<Instant>,
    /// When it was last due, kept when it stops or pauses.
    pub last_due_at: Option<Instant>,
    /// When a pause ends by itself; only while it rests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<Instant>,
    /// When it ended.
    pub stopped_at: Option<Instant>,
    /// When its breach was recorded; never erased.
    pub breached_at: Option<Instant>,
    /// When it was last given another target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retargeted_at: Option<Instant>,
    /// All the time it has, in the unit of its target; of a due instant that a person has set, the open time until then.
    pub allowance: Span,
    /// Time used in ended segments.
    pub used: Span,
    /// Its stretches, in order.
    pub segments: Vec<Segment>,
}

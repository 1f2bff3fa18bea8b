//! Turnaround policies: which clocks a message starts, how much time they have and who is warned when.

use serde::{Deserialize, Serialize};

use crate::clock::ClockName;
use crate::policy::rule::{Action, Condition, Guarded};
use crate::text::Phrases;
use crate::thread::Priority;
use crate::time::{Instant, Span};

mod pause;

pub use pause::{PauseCap, PauseReason, Rest};

/// How much time an obligation has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "count", rename_all = "kebab-case")]
pub enum Target {
    /// An amount of open time.
    OpenTime {
        /// The amount.
        amount: Span,
    },
    /// A number of open days after the first open date.
    OpenDays {
        /// The number.
        days: u16,
        /// Where in the last day it ends.
        #[serde(rename = "dayEnds")]
        day_ends: DayEnds,
    },
    /// An amount of wall-clock time.
    ElapsedTime {
        /// The amount.
        amount: Span,
    },
    /// A due instant set by a person; pausing does not move it.
    Manual {
        /// The instant.
        due: Instant,
    },
}

/// Where in its last day a target of open days ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DayEnds {
    /// At the last closing instant of the date.
    #[default]
    Close,
    /// At the wall time of receipt, clipped to open time.
    SameTime,
}

/// A warning or escalation on the way to due or after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Threshold {
    /// Its id within the clock, such as `warn-50`.
    pub id: String,
    /// When it fires.
    pub at: At,
    /// What it does.
    #[serde(rename = "do")]
    pub actions: Vec<Action>,
    /// Whether its notices wait for the recipient's calendar to open.
    #[serde(default)]
    pub deliver: Deliver,
}

/// The place of a threshold. `before` and `after` are open time unless they say elapsed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "one of percent, before, after (with elapsed or without) and due: true is expected"
)]
pub enum At {
    /// A percentage of the open time from start to due.
    Percent {
        /// 1 to 99.
        percent: u8,
    },
    /// An amount before due.
    Before {
        /// The amount.
        before: Span,
    },
    /// An amount after due.
    After {
        /// The amount.
        after: Span,
        /// Whether the amount is wall-clock time.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        elapsed: bool,
    },
    /// The breach: fires when now is later than due.
    Due {
        /// Always true.
        due: True,
    },
}

/// The literal `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct True;

impl TryFrom<bool> for True {
    type Error = &'static str;
    fn try_from(value: bool) -> Result<Self, Self::Error> {
        if value { Ok(Self) } else { Err("only true is allowed") }
    }
}

impl From<True> for bool {
    fn from(_: True) -> Self {
        true
    }
}

/// When a notice may leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// At once.
    Now,
    /// When the recipient's calendar is open.
    #[default]
    WhenOpen,
}

/// A turnaround policy. Of all policies the first by order whose condition holds governs a message; exactly one has no
/// condition and governs what is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Turnaround {
    /// Its id.
    pub id: String,
    /// Its place; lower is earlier.
    pub order: i32,
    /// When it governs; absent in the fallback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Condition>,
    /// The clocks it starts.
    pub clocks: Vec<ClockPolicy>,
}

impl Turnaround {
    /// Whether one of its clocks counts by the hours of the person who is to answer.
    pub fn counts_by_owner(&self) -> bool {
        self.clocks.iter().any(|clock| matches!(clock.calendar, CalendarRef::Of { of: CalendarOf::Owner }))
    }
}

/// How one clock of a policy behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClockPolicy {
    /// Which obligation.
    pub id: ClockName,
    /// What starts it.
    pub starts: Starts,
    /// What stops it.
    pub stops: Stops,
    /// The states of a thread in which it rests.
    #[serde(default)]
    pub pauses_while: Vec<PauseReason>,
    /// How long it rests at most; what is not named has no cap.
    #[serde(default = "pause::shipped_caps", skip_serializing_if = "pause::are_shipped")]
    pub pause_caps: Vec<PauseCap>,
    /// What a patient's message after the end of a cycle does.
    #[serde(default)]
    pub on_reopen: OnReopen,
    /// The calendar that counts.
    pub calendar: CalendarRef,
    /// How much time it has, by urgency.
    pub targets: Vec<PriorityTarget>,
    /// Warnings and escalations.
    #[serde(default)]
    pub thresholds: Vec<Threshold>,
}

/// What starts a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Starts {
    /// The first message of the patient's side in the thread.
    ThreadOpened,
    /// The first unanswered message of the patient's side.
    PatientMessage,
    /// Hand-over to a pool.
    HandedToPool,
    /// Assignment to a person.
    Assigned,
}

/// What stops a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stops {
    /// A human of the team has opened the message: said so, claimed it or answered it. A read by a token proves no eyes.
    OpenedByHuman,
    /// A human of the team has answered the patient.
    HumanReply,
    /// The team has closed the matter.
    ThreadResolved,
}

/// What reopening does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnReopen {
    /// Starts the next cycle.
    #[default]
    NewCycle,
    /// Nothing.
    None,
}

/// Names the calendar that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "the id of a calendar, or {\"of\": \"answering-pool\"} or {\"of\": \"owner\"} is expected"
)]
pub enum CalendarRef {
    /// The calendar of whoever answers.
    Of {
        /// Whose.
        of: CalendarOf,
    },
    /// A calendar of the bundle.
    Id(String),
}

/// Whose calendar counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CalendarOf {
    /// The pool that answers.
    AnsweringPool,
    /// The person who has claimed the thread, else the pool.
    Owner,
}

/// The target of an urgency. `asap` counts as `urgent`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenTarget", into = "WrittenTarget")]
pub struct PriorityTarget {
    /// The urgency.
    pub priority: Priority,
    /// The amount; of open days 24 hours for each.
    pub amount: Span,
    /// What the amount counts.
    pub count: Count,
    /// Where in the last open day it ends.
    pub day_ends: Option<DayEnds>,
}

/// A target as it is written: days (`P2D`) count open days and nothing else does, so that nobody takes a day for 24
/// open hours or the other way round.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenTarget {
    priority: Priority,
    amount: String,
    count: Count,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    day_ends: Option<DayEnds>,
}

impl TryFrom<WrittenTarget> for PriorityTarget {
    type Error = &'static str;

    fn try_from(WrittenTarget { priority, amount, count, day_ends }: WrittenTarget) -> Result<Self, Self::Error> {
        match (count, amount.starts_with("PT"), amount.ends_with('D')) {
            (Count::OpenDays, _, false) => Err("open days are written in whole days, such as P2D"),
            (Count::OpenTime | Count::ElapsedTime, false, _) => {
                Err("time is written in hours, minutes and seconds, such as PT4H; days count open-days alone")
            }
            _ => Ok(Self { priority, amount: amount.parse()?, count, day_ends }),
        }
    }
}

impl From<PriorityTarget> for WrittenTarget {
    fn from(PriorityTarget { priority, amount, count, day_ends }: PriorityTarget) -> Self {
        let amount = match count {
            Count::OpenDays => format!("P{}D", amount.seconds() / DAY),
            Count::OpenTime | Count::ElapsedTime => amount.to_string(),
        };
        Self { priority, amount, count, day_ends }
    }
}

/// The seconds that stand for an open day in an amount.
const DAY: i64 = 86_400;

/// What an amount counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Count {
    /// Time inside the calendar's shifts.
    OpenTime,
    /// Wall-clock time.
    ElapsedTime,
    /// Dates on which the calendar opens.
    OpenDays,
}

impl PriorityTarget {
    /// The target as clocks use it.
    pub fn target(&self) -> Target {
        match self.count {
            Count::OpenTime => Target::OpenTime { amount: self.amount },
            Count::ElapsedTime => Target::ElapsedTime { amount: self.amount },
            Count::OpenDays => Target::OpenDays {
                days: (self.amount.seconds() / DAY).clamp(0, i64::from(u16::MAX)) as u16,
                day_ends: self.day_ends.unwrap_or_default(),
            },
        }
    }
}

impl Turnaround {
    /// The policy made ready; `phrases` are those that are looked for in texts.
    pub fn ready(self, phrases: &Phrases) -> Guarded<Self> {
        Guarded::new(&self.id.clone(), self.when.as_ref().map(|when| when.ready(phrases)), self)
    }
}

impl ClockPolicy {
    /// The target for an urgency; a bundle that passed lint has one for each.
    pub fn target(&self, priority: Priority) -> Option<Target> {
        let wanted = if priority == Priority::Asap { Priority::Urgent } else { priority };
        self.targets.iter().find(|target| target.priority == wanted).map(PriorityTarget::target)
    }
}

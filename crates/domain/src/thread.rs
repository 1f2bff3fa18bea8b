//! A thread: a root Communication, its parts, and where the conversation stands.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::{Reference, ResourceId};
use crate::time::Instant;

/// The urgency of a message (<https://hl7.org/fhir/R4/valueset-request-priority.html>). Sorts by acuity, least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// The normal urgency; what a message without a priority has.
    #[default]
    Routine,
    /// To be answered the same half-day.
    Urgent,
    /// Counts as urgent.
    Asap,
    /// Immediately.
    Stat,
}

impl Priority {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Routine => "routine",
            Self::Urgent => "urgent",
            Self::Asap => "asap",
            Self::Stat => "stat",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Priority {
    type Err = crate::id::InvalidId;
    fn from_str(code: &str) -> Result<Self, Self::Err> {
        [Self::Routine, Self::Urgent, Self::Asap, Self::Stat]
            .into_iter()
            .find(|priority| priority.as_str() == code)
            .ok_or(crate::id::InvalidId)
    }
}

/// The service's own mark of a conversation that a person must look at: see [`Thread::needs_review`].
pub const NEEDS_REVIEW: &str = "needs-review";

/// The service's own mark of a conversation in which a visit has been suggested.
pub const VISIT_SUGGESTED: &str = "visit-suggested";

impl Thread {
    /// The marks of the conversation as the team finds them: the service's own, then those of rules, in order.
    pub fn marks(&self) -> impl Iterator<Item = &str> {
        let own = self.needs_review.then_some(NEEDS_REVIEW);
        own.into_iter().chain(self.tags.iter().map(String::as_str))
    }

    /// Who is to answer: who has claimed it or else is asked to; `None` when it is the pool.
    pub fn answerer(&self) -> Option<&Reference> {
        self.owner.as_ref().or(self.assigned.as_ref())
    }

    /// Whether the team waits for someone else.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.state, ThreadState::WaitingOnPatient | ThreadState::WaitingOnThirdParty)
    }
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThreadState {
    /// A patient's message waits for an answer.
    AwaitingTeam,
    /// The team has answered; nobody waits.
    Answered,
    /// The team has asked the patient something.
    WaitingOnPatient,
    /// The team waits for someone else.
    WaitingOnThirdParty,
    /// The team has closed the matter; a patient's message reopens it.
    Resolved,
}

impl ThreadState {
    const ALL: [Self; 5] =
        [Self::AwaitingTeam, Self::Answered, Self::WaitingOnPatient, Self::WaitingOnThirdParty, Self::Resolved];

    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwaitingTeam => "awaiting-team",
            Self::Answered => "answered",
            Self::WaitingOnPatient => "waiting-on-patient",
            Self::WaitingOnThirdParty => "waiting-on-third-party",
            Self::Resolved => "resolved",
        }
    }

    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }
}

/// The state of a thread that policies work on. `revision` is compared on save: a lost race is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The root Communication's id.
    pub id: ResourceId,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// The id of the pool that answers, as the bundle names it.
    pub pool: Option<String>,
    /// That pool's resource.
    pub pool_reference: Option<Reference>,
    /// Who has claimed it.
    pub owner: Option<Reference>,
    /// Who is asked to answer: the person written to, their cover, or whom a rule names. Others of the pool may claim it
    /// all the same.
    pub assigned: Option<Reference>,
    /// Marks that rules have given it, in order.
    pub tags: Vec<String>,
    /// The category's code.
    pub category: Option<String>,
    /// The highest urgency asked for or found.
    pub priority: Priority,
    /// Where the conversation stands.
    pub state: ThreadState,
    /// When its first message arrived.
    pub opened_at: Instant,
    /// When anybody last wrote, notes among staff aside: patients find it, and learn of no note by it.
    pub last_activity_at: Instant,
    /// When a human of the team last wrote to the patient.
    pub last_staff_at: Option<Instant>,
    /// How many messages the patient's side has sent.
    pub patient_messages: i32,
    /// How many response cycles have begun.
    pub cycle: i32,
    /// The Task of the open obligation.
    pub task: Option<ResourceId>,
    /// The cycle in which a person last said who answers, by a hand-over or an assignment.
    pub handed_cycle: i32,
    /// The cycle in which an automatic reply was last sent.
    pub replied_cycle: i32,
    /// Whether policy could not be evaluated in full, or nobody reviewed what was held, so that a person must look. It
    /// is over once a person of the team has claimed, opened, answered, assigned or handed over the conversation, or let
    /// what was owed in it fall away.
    pub needs_review: bool,
    /// The thread that goes on in its place, once the two have been merged.
    pub merged_into: Option<ResourceId>,
    /// Until when an authorised person has lifted the limits of number, length and time for it.
    pub limits_lifted_until: Option<Instant>,
    /// Until when an authorised person has lifted quiet hours for its notices.
    pub quiet_lifted_until: Option<Instant>,
    /// The IANA zone of the patient's side, as a request of theirs last told it.
    pub zone: Option<String>,
    /// 1 for the first state, one more for each change.
    pub revision: i32,
}

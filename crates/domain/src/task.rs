//! The Task that mirrors a clock: one awaited answer, as the team and the patient see it.

use crate::clock::{Clock, ClockState};
use crate::id::{Reference, ResourceId};
use crate::policy::turnaround::At;
use crate::thread::{Priority, Thread};
use crate::time::Instant;

/// A Task as the service writes it (<https://hl7.org/fhir/R4/task.html>). It says nothing that its thread and clock do
/// not say: it is written anew with each of their changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: ResourceId,
    /// The root of the thread.
    pub thread: ResourceId,
    /// The message that it is about: the root of the thread, or the one that is to be reviewed.
    pub focus: ResourceId,
    /// Whether a held message is to be reviewed, rather than the patient answered.
    pub review: bool,
    /// The patient it is for.
    pub patient: Option<Reference>,
    /// The pool that answers.
    pub pool: Option<Reference>,
    /// Who has claimed it, or is asked to answer.
    pub owner: Option<Reference>,
    /// The category's code.
    pub category: Option<String>,
    /// The marks of the conversation; a review has none.
    pub marks: Vec<String>,
    /// The urgency.
    pub priority: Priority,
    /// `Task.status`
    pub status: Status,
    /// `Task.businessStatus`
    pub business: Business,
    /// When the obligation began.
    pub start: Option<Instant>,
    /// When it is due; for an ended one, when it was.
    pub due: Option<Instant>,
    /// What the patient was told.
    pub promised: Option<Instant>,
    /// Which clock it mirrors.
    pub clock: ResourceId,
    /// Its cycle.
    pub cycle: i32,
    /// When it ended.
    pub stopped: Option<Instant>,
}

/// `Task.status` (<https://hl7.org/fhir/R4/valueset-task-status.html>), as far as it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Waits for someone of the pool.
    Requested,
    /// Someone has claimed it.
    Accepted,
    /// Rests.
    OnHold,
    /// Answered, or let go.
    Completed,
    /// Fell away.
    Cancelled,
}

impl Status {
    /// The FHIR code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::OnHold => "on-hold",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// `Task.businessStatus`, in our code system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Business {
    /// No warning has fired.
    OnTrack,
    /// A warning has fired.
    AtRisk,
    /// Due has passed.
    Overdue,
    /// Nobody can say by when: the calendar does not open for long enough.
    Unbounded,
    /// Rests.
    Paused,
    /// Answered in time.
    Met,
    /// Answered late.
    MetLate,
    /// Fell away.
    Cancelled,
    /// Let go by an authorised person.
    Waived,
}

impl Business {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnTrack => "on-track",
            Self::AtRisk => "at-risk",
            Self::Overdue => "overdue",
            Self::Unbounded => "unbounded",
            Self::Paused => "paused",
            Self::Met => "met",
            Self::MetLate => "met-late",
            Self::Cancelled => "cancelled",
            Self::Waived => "waived",
        }
    }
}

impl Task {
    /// The Task of a clock at an instant; `None` for a clock without one.
    pub fn mirror(thread: &Thread, clock: &Clock, now: Instant) -> Option<Self> {
        let warned = clock.terms.thresholds.iter().any(|threshold| {
            matches!(threshold.at, At::Percent { .. } | At::Before { .. }) && clock.fired.contains(&threshold.id)
        });
        let fold = &clock.fold;
        let (status, business) = match fold.state {
            ClockState::Pending => (Status::Requested, Business::OnTrack),
            ClockState::Running => {
                let claimed = thread.owner.is_some() && clock.terms.review.is_none();
                let status = if claimed { Status::Accepted } else { Status::Requested };
                let late = fold.breached_at.is_some() || fold.is_overdue(now);
                let business = match (late, warned) {
                    (true, _) => Business::Overdue,
                    _ if fold.is_unbounded() => Business::Unbounded,
                    (false, true) => Business::AtRisk,
                    (false, false) => Business::OnTrack,
                };
                (status, business)
            }
            ClockState::Paused => (Status::OnHold, Business::Paused),
            ClockState::Met => (Status::Completed, Business::Met),
            ClockState::MetLate => (Status::Completed, Business::MetLate),
            ClockState::Cancelled => (Status::Cancelled, Business::Cancelled),
            ClockState::Waived => (Status::Completed, Business::Waived),
        };
        let review = clock.terms.review.as_ref();
        Some(Self {
            id: clock.task.clone()?,
            thread: thread.id.clone(),
            focus: review.map_or(&thread.id, |review| &review.message).clone(),
            review: review.is_some(),
            patient: thread.patient.clone(),
            pool: review.map(|review| review.pool.clone()).or_else(|| thread.pool_reference.clone()),
            owner: review.map(|review| review.reviewer.clone()).or_else(|| thread.answerer().cloned()),
            category: thread.category.clone(),
            marks: review.map_or_else(|| thread.marks().map(str::to_owned).collect(), |_| vec![]),
            priority: thread.priority,
            status,
            business,
            start: fold.started_at,
            due: fold.due_at.or(fold.last_due_at).filter(|_| !fold.is_unbounded()),
            promised: clock.promised_at,
            clock: clock.id.clone(),
            cycle: clock.cycle,
            stopped: fold.stopped_at,
        })
    }
}

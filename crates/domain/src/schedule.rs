//! Messages that wait for their instant.

use crate::access::PatientFacts;
use crate::id::{Reference, ResourceId};
use crate::time::Instant;

/// How far ahead a message may be scheduled, in seconds: a year.
pub const FARTHEST: i64 = 366 * 86_400;

/// A message that is to be sent at an instant, by a worker. What is decided about it is decided then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled {
    /// The message.
    pub message: ResourceId,
    /// Who wrote it.
    pub sender: Reference,
    /// When it is to be sent.
    pub release_at: Instant,
    /// What the request said about the patient, for the rules that are looked at then.
    pub facts: PatientFacts,
    /// Whether it is believed when it says that a machine wrote it: not of a patient's own token.
    pub believed: bool,
}

/// What becomes of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScheduleChange {
    /// A message is scheduled, or for another instant than before.
    Set(Scheduled),
    /// A scheduled message was sent, cancelled or retracted.
    Ended {
        /// The message.
        message: ResourceId,
        /// When.
        at: Instant,
    },
}

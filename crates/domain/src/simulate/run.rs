//! A simulation on its way: asked for, run by some worker, told when it is done. Its row is all that a simulation
//! writes.

use crate::id::ResourceId;
use crate::time::Instant;

/// The longest time that one simulation may cover, in seconds: a leap year.
pub const LONGEST: i64 = 366 * 86_400;

/// How many simulations of a tenant may wait or run at once.
pub const WAITING: usize = 20;

/// A bundle as it stood when the simulation was asked for: a draft may be another by the time it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name, `id/version`.
    pub name: String,
    /// SHA-256 of its canonical text, in hex.
    pub hash: String,
    /// Its JSON text.
    pub body: String,
}

/// A simulation as stored. `revision` is compared on save: of a worker and whoever cancels one is first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulationRow {
    /// Its id.
    pub id: ResourceId,
    /// When it was asked for.
    pub created_at: Instant,
    /// One side.
    pub baseline: Compared,
    /// The other.
    pub candidate: Compared,
    /// The first instant of the messages.
    pub from: Instant,
    /// The first instant after them.
    pub to: Instant,
    /// How far it is.
    pub state: SimulationState,
    /// How many stored messages have been read.
    pub processed: i64,
    /// How many there are to read.
    pub total: i64,
    /// The report as JSON text, once it is done.
    pub report: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Until when a worker holds it.
    pub claimed_until: Option<Instant>,
    /// 1 for the first state, one more for each change.
    pub revision: i32,
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulationState {
    /// Waits for a worker.
    Queued,
    /// A worker replays messages.
    Running,
    /// It has a report.
    Done,
    /// It could not be run.
    Failed,
    /// Somebody wants it no more.
    Cancelled,
}

impl SimulationState {
    const ALL: [Self; 5] = [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == code)
    }

    /// Whether nothing more becomes of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// It is over: nothing is left to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the simulation is over")]
pub struct Over;

impl SimulationRow {
    /// The simulation with so many messages read, held by its worker until an instant.
    #[must_use]
    pub fn advanced(self, processed: i64, claimed_until: Option<Instant>) -> Self {
        let (state, revision) = (SimulationState::Running, self.revision + 1);
        Self { state, processed, claimed_until, revision, ..self }
    }

    /// The simulation at its end, with its report or why there is none.
    #[must_use]
    pub fn ended(self, now: Instant, report: Result<String, String>) -> Self {
        let (state, report, error) = match report {
            Ok(report) => (SimulationState::Done, Some(report), None),
            Err(error) => (SimulationState::Failed, None, Some(error)),
        };
        Self { state, report, error, ended_at: Some(now), claimed_until: None, revision: self.revision + 1, ..self }
    }

    /// The simulation cancelled. Whoever runs it finds that when it next says how far it is.
    pub fn cancelled(self, now: Instant) -> Result<Self, Over> {
        if self.state.is_over() {
            return Err(Over);
        }
        let state = SimulationState::Cancelled;
        Ok(Self { state, ended_at: Some(now), claimed_until: None, revision: self.revision + 1, ..self })
    }
}

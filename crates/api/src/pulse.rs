//! Whether the workers of this process still work.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A worker that has ended no step for so long hangs or is gone.
const SILENCE: Duration = Duration::from_mins(2);

/// When a worker of this process last ended a step. By the machine's own clock, for it is about the process and nothing
/// that a policy knows.
#[derive(Debug, Default)]
pub struct Pulse(Mutex<Option<Instant>>);

impl Pulse {
    /// Notes that a worker has ended a step.
    pub fn beat(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// How long ago that was; `None` where no worker has begun.
    pub fn age(&self) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).map(|last| last.elapsed())
    }

    /// Whether nothing is wrong with the workers, as far as can be told.
    pub fn is_well(&self) -> bool {
        self.age().is_none_or(|age| age < SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_is_silent_for_too_long_is_not_well_and_none_at_all_is_nobodys_fault() {
        assert!(Pulse::default().is_well());
        let pulse = Pulse::default();
        pulse.beat();
        assert!(pulse.is_well());
        let long_ago = Instant::now().checked_sub(SILENCE);
        let pulse = Pulse(Mutex::new(long_ago));
        assert!(long_ago.is_some() && !pulse.is_well());
    }
}

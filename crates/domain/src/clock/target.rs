//! How much time a target gives, and by when.

use crate::calendar::Calendar;
use crate::policy::turnaround::{DayEnds, Target};
use crate::time::{Instant, Span};

impl Target {
    /// When an obligation that begins at `start` is due. `None` when the calendar does not open for long enough.
    pub fn due(&self, calendar: &Calendar, start: Instant) -> Option<Instant> {
        match self {
            Self::OpenTime { amount } => calendar.add(start, *amount),
            Self::OpenDays { days, day_ends: DayEnds::Close } => calendar.open_day_close(start, u32::from(*days)),
            Self::OpenDays { days, day_ends: DayEnds::SameTime } => {
                calendar.open_day_same_time(start, u32::from(*days))
            }
            Self::ElapsedTime { amount } => Some(start.plus(amount.seconds())),
            Self::Manual { due } => Some(*due),
        }
    }

    /// Time used between two instants, in the unit of the target.
    pub(super) fn measure(&self, calendar: &Calendar, from: Instant, until: Instant) -> Span {
        match self {
            Self::OpenTime { .. } | Self::OpenDays { .. } | Self::Manual { .. } => calendar.elapsed(from, until),
            Self::ElapsedTime { .. } => Span::from_seconds(until.since(from).max(0)),
        }
    }

    /// The instant at which `amount` more has been used, counted from `from`.
    pub(super) fn after(&self, calendar: &Calendar, from: Instant, amount: Span) -> Option<Instant> {
        if amount == Span::default() {
            return Some(from);
        }
        match self {
            Self::OpenTime { .. } | Self::OpenDays { .. } | Self::Manual { .. } => calendar.add(from, amount),
            Self::ElapsedTime { .. } => Some(from.plus(amount.seconds())),
        }
    }

    /// All the time an obligation has that begins at `start`: for open days the open time until it is due.
    pub(super) fn allowance(&self, calendar: &Calendar, start: Instant) -> Span {
        match self {
            Self::OpenTime { amount } | Self::ElapsedTime { amount } => *amount,
            Self::OpenDays { .. } | Self::Manual { .. } => {
                self.due(calendar, start).map(|due| self.measure(calendar, start, due)).unwrap_or_default()
            }
        }
    }
}

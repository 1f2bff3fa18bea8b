//! How long an answer may stay unread before whoever wrote it is told.

use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::calendar::Calendar;
use crate::policy::turnaround::{DayEnds, Target};
use crate::time::{Instant, Span};

/// How long the patient's side may leave an answer unread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct UnreadByPatient {
    /// An answer that awaits the patient.
    pub action_required: Patience,
    /// Any other answer.
    pub otherwise: Patience,
}

impl Default for UnreadByPatient {
    fn default() -> Self {
        let days = |number, count| {
            Patience::Days(Days { amount: Span::from_seconds(number * DAY), count, day_ends: DayEnds::Close })
        };
        Self { action_required: days(3, DaysOf::OpenDays), otherwise: days(7, DaysOf::CalendarDays) }
    }
}

impl UnreadByPatient {
    /// Whether it says nothing that would not hold without it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// How long is waited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "\"never\", or an amount in whole days with what it counts, is expected")]
pub enum Patience {
    /// For ever: nobody is told.
    Never(Never),
    /// For a number of days.
    Days(Days),
}

/// The literal `never`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Never {
    /// Nobody is told.
    Never,
}

/// A number of days, after the one on which it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenDays", into = "WrittenDays")]
pub struct Days {
    /// How many: 24 hours stand for each.
    pub amount: Span,
    /// Which days.
    pub count: DaysOf,
    /// Where in the last of them it ends.
    pub day_ends: DayEnds,
}

/// Which days count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DaysOf {
    /// Dates on which the calendar of the pool opens that answers.
    OpenDays,
    /// Every date of the clinic's zone.
    CalendarDays,
}

/// Days as they are written: like those of targets, in whole days.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenDays {
    amount: String,
    count: DaysOf,
    #[serde(default, skip_serializing_if = "is_close")]
    day_ends: DayEnds,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_close(ends: &DayEnds) -> bool {
    *ends == DayEnds::Close
}

impl TryFrom<WrittenDays> for Days {
    type Error = &'static str;

    fn try_from(WrittenDays { amount, count, day_ends }: WrittenDays) -> Result<Self, Self::Error> {
        if amount.starts_with("PT") || !amount.ends_with('D') {
            return Err("days are written whole, such as P3D");
        }
        Ok(Self { amount: amount.parse()?, count, day_ends })
    }
}

impl From<Days> for WrittenDays {
    fn from(Days { amount, count, day_ends }: Days) -> Self {
        Self { amount: format!("P{}D", amount.seconds() / DAY), count, day_ends }
    }
}

/// The seconds that stand for a day in an amount.
const DAY: i64 = 86_400;

impl Days {
    /// How many there are.
    pub fn number(&self) -> u16 {
        (self.amount.seconds() / DAY).clamp(0, i64::from(u16::MAX)) as u16
    }

    /// When they are over that begin with the day of an instant; `None` where the calendar does not open for so long.
    /// Every date is open, from midnight to midnight, for what counts calendar days.
    pub fn over(&self, calendar: &Calendar, zone: &TimeZone, from: Instant) -> Option<Instant> {
        let (days, day_ends) = (self.number(), self.day_ends);
        if self.count == DaysOf::OpenDays {
            return Target::OpenDays { days, day_ends }.due(calendar, from);
        }
        let begun = zone.to_datetime(from.timestamp());
        let last = begun.date().checked_add(i64::from(days).days()).ok()?;
        let ends = match day_ends {
            DayEnds::Close => last.tomorrow().ok()?.at(0, 0, 0, 0),
            DayEnds::SameTime => last.to_datetime(begun.time()),
        };
        Some(zone.to_timestamp(ends).ok()?.into())
    }
}

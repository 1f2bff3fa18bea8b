//! How a calendar is written down: the JSON form of policy bundles and of golden vectors.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::time::Instant;

/// When a pool, a service or a person is open, as written: shifts of a week in local time, what replaces single dates,
/// and what is closed regardless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenCalendar", into = "WrittenCalendar")]
pub struct CalendarSpec {
    /// The name that pools and clocks use.
    pub id: String,
    /// IANA name of the zone whose wall clock the shifts follow, such as `America/New_York`.
    pub timezone: String,
    /// The hours of an ordinary week.
    pub hours: Hours,
    /// Ids of the holiday sets whose confirmed entries replace their dates. Of two entries for one date, the one listed
    /// later counts.
    pub holiday_sets: Vec<String>,
    /// Dates with hours of their own. Of two for one date, the one listed later counts.
    pub exceptions: Vec<DateException>,
    /// Stretches of closed time, whatever the rest says.
    pub closures: Vec<Closure>,
    /// Other calendars that are laid over all of this, in order.
    pub combined: Vec<Combined>,
}

/// Another calendar of the bundle, and how it is laid over one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Combined {
    /// What is open then.
    pub how: Combination,
    /// The other calendar's id; it is no combination itself.
    pub with: String,
}

/// Set algebra on open time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combination {
    /// Open when either is.
    Union,
    /// Open when both are.
    Intersection,
    /// Open when the other is not.
    Minus,
}

/// The hours of an ordinary week.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Day and night. Holidays, exceptions and closures still apply.
    AlwaysOpen,
    /// The shifts of each day; what no entry names is closed, what two entries name is open for both.
    Weekly(Vec<WeeklyShifts>),
}

/// Shifts that some days of the week have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WeeklyShifts {
    /// The days on which the shifts start.
    pub days: Vec<Day>,
    /// The shifts; they may overlap.
    pub shifts: Vec<Shift>,
}

/// A stretch of open wall-clock time. It belongs to the date on which it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Shift {
    /// When it starts.
    pub start: WallTime,
    /// When it ends; this moment is closed.
    pub end: WallTime,
    /// Whether `end` is on the day after `start`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ends_next_day: bool,
}

/// Dates, both ends included, whose shifts replace those of the week and of holidays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DateException {
    /// The first date.
    #[serde(with = "iso_date")]
    pub from: Date,
    /// The last date.
    #[serde(with = "iso_date")]
    pub to: Date,
    /// The shifts of each of these dates; none means closed.
    pub shifts: Vec<Shift>,
    /// Why, for people.
    pub reason: String,
}

/// Closed time between two instants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Closure {
    /// The first closed instant.
    pub from: Instant,
    /// The first instant that is no longer closed.
    pub until: Instant,
    /// Why, for people.
    pub reason: String,
}

/// Holidays from one source, shared by calendars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HolidaySet {
    /// The name that calendars use.
    pub id: String,
    /// Where the entries come from, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The holidays.
    pub entries: Vec<Holiday>,
}

/// A holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holiday {
    /// The local date, whatever the zone of the calendar that uses it.
    #[serde(with = "iso_date")]
    pub date: Date,
    /// What it is called.
    pub name: String,
    /// The shifts of that date; none means closed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shifts: Vec<Shift>,
    /// Whether a person has confirmed it. Until then it has no effect.
    #[serde(default, skip_serializing_if = "is_false")]
    pub confirmed: bool,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// Monday to Sunday.
    pub const ALL: [Self; 7] = [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];
}

/// A time of day on a wall clock in whole seconds, from 00:00 up to 24:00, the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(u32);

impl WallTime {
    /// The start of a day.
    pub const MIDNIGHT: Self = Self(0);
    /// The end of a day.
    pub const END_OF_DAY: Self = Self(86_400);

    /// The time that many seconds after midnight; `None` beyond 24:00.
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds <= Self::END_OF_DAY.0 { Some(Self(seconds)) } else { None }
    }

    /// Seconds after midnight on a day without clock changes.
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        write!(f, "{hours:02}:{minutes:02}")?;
        if seconds == 0 { Ok(()) } else { write!(f, ":{seconds:02}") }
    }
}

impl FromStr for WallTime {
    type Err = &'static str;

    /// Reads `HH:MM` and, as in the FHIR `time` type, `HH:MM:SS` (<https://hl7.org/fhir/R4/datatypes.html#time>).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "a time of day from 00:00 to 24:00, such as 09:00 or 09:00:30, is expected";
        let two = |part: Option<&str>| {
            part.filter(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|part| part.parse().ok())
        };
        let mut parts = text.split(':');
        let (hours, minutes): (u32, u32) = two(parts.next()).zip(two(parts.next())).ok_or(EXPECTED)?;
        let seconds = match parts.next() {
            Some(part) => two(Some(part)).ok_or(EXPECTED)?,
            None => 0,
        };
        if parts.next().is_some() || minutes > 59 || seconds > 59 {
            return Err(EXPECTED);
        }
        Self::from_seconds(hours * 3600 + minutes * 60 + seconds).ok_or(EXPECTED)
    }
}

impl Serialize for WallTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WallTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The JSON members as they stand, before the choice between `alwaysOpen` and `weekly` is made.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenCalendar {
    id: String,
    timezone: String,
    #[serde(default, skip_serializing_if = "is_false")]
    always_open: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weekly: Option<Vec<WeeklyShifts>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    holiday_sets: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    exceptions: Vec<DateException>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    closures: Vec<Closure>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    combined: Vec<Combined>,
}

impl TryFrom<WrittenCalendar> for CalendarSpec {
    type Error = &'static str;

    fn try_from(written: WrittenCalendar) -> Result<Self, Self::Error> {
        let hours = match (written.always_open, written.weekly) {
            (true, None) => Hours::AlwaysOpen,
            (false, Some(weekly)) => Hours::Weekly(weekly),
            _ => return Err("a calendar has either `alwaysOpen: true` or `weekly`"),
        };
        Ok(Self {
            id: written.id,
            timezone: written.timezone,
            hours,
            holiday_sets: written.holiday_sets,
            exceptions: written.exceptions,
            closures: written.closures,
            combined: written.combined,
        })
    }
}

impl From<CalendarSpec> for WrittenCalendar {
    fn from(spec: CalendarSpec) -> Self {
        let (always_open, weekly) = match spec.hours {
            Hours::AlwaysOpen => (true, None),
            Hours::Weekly(weekly) => (false, Some(weekly)),
        };
        Self {
            id: spec.id,
            timezone: spec.timezone,
            always_open,
            weekly,
            holiday_sets: spec.holiday_sets,
            exceptions: spec.exceptions,
            closures: spec.closures,
            combined: spec.combined,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_false(value: &bool) -> bool {
    !value
}

/// Dates as RFC 3339 writes them and nothing else; `jiff` alone would also read a date out of a date and time.
mod iso_date {
    use jiff::civil::Date;
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
    pub fn serialize<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        let text = String::deserialize(deserializer)?;
        let shaped = text.len() == 10
            && text.bytes().enumerate().all(|(index, byte)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        shaped
            .then(|| text.parse().ok())
            .flatten()
            .ok_or_else(|| serde::de::Error::custom("a date such as 2026-12-24 is expected"))
    }
}

//! What can be wrong with a calendar, where, and what to do about it.

use std::fmt;

use super::spec::{CalendarSpec, HolidaySet, Hours, Shift, WallTime};
use super::zone;

/// Most entries of `weekly`.
pub const MAX_WEEKLY: usize = 100;
/// Most shifts in one list.
pub const MAX_SHIFTS: usize = 48;
/// Most stretches of open time that one date may have once overlapping and touching shifts are one.
pub const MAX_STRETCHES: usize = 48;
/// Most holiday sets of a calendar.
pub const MAX_HOLIDAY_SETS: usize = 50;
/// Most entries of a holiday set.
pub const MAX_HOLIDAYS: usize = 2000;
/// Most exceptions of a calendar.
pub const MAX_EXCEPTIONS: usize = 1000;
/// Most closures of a calendar.
pub const MAX_CLOSURES: usize = 500;
/// Most calendars that one is combined with.
pub const MAX_COMBINED: usize = 4;

/// Why a calendar cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CalendarError {
    /// The holiday set in which `pointer` counts; absent when it counts in the calendar itself.
    pub holiday_set: Option<String>,
    /// JSON pointer (RFC 6901) to the offending member, relative to the calendar or the holiday set.
    pub pointer: String,
    /// What is wrong there.
    pub fault: CalendarFault,
}

impl fmt::Display for CalendarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.pointer, self.fault, self.fault.remedy())
    }
}

/// What is wrong at one place of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CalendarFault {
    /// The zone is not in the binary's time zone data.
    #[error("the time zone is unknown")]
    UnknownZone,
    /// A shift ends at or before its start on the same day.
    #[error("the shift ends before it starts")]
    EndsBeforeStart,
    /// A shift starts at 24:00.
    #[error("a shift cannot start at 24:00")]
    StartsAtEndOfDay,
    /// An overnight shift is longer than 24 hours on the wall clock.
    #[error("the shift is longer than 24 hours")]
    TooLong,
    /// An exception's last date is before its first.
    #[error("the last date is before the first")]
    DatesReversed,
    /// A closure ends at or before its start.
    #[error("the closure ends before it starts")]
    ClosureReversed,
    /// No holiday set has that id.
    #[error("there is no holiday set of this id")]
    UnknownHolidaySet,
    /// A list is longer than allowed.
    #[error("the list has more than {0} entries")]
    TooMany(usize),
    /// A date is cut into too many separate stretches of open time.
    #[error("a date has more than {MAX_STRETCHES} separate stretches of open time")]
    TooManyStretches,
}

impl CalendarFault {
    /// What to change.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::UnknownZone => "use an IANA name such as America/New_York",
            Self::EndsBeforeStart => "say endsNextDay for an overnight shift, or 24:00 for the end of the day",
            Self::StartsAtEndOfDay => "start at 00:00 of the next day",
            Self::TooLong => "end it at most 24 hours after its start, or split it over the days",
            Self::DatesReversed => "make `to` the same date as `from` or a later one",
            Self::ClosureReversed => "make `until` later than `from`",
            Self::UnknownHolidaySet => "name a holiday set of the same bundle",
            Self::TooMany(_) => "merge or split the entries",
            Self::TooManyStretches => "merge shifts that follow each other closely",
        }
    }
}

/// Collects faults with their places.
struct Findings(Vec<CalendarError>);

impl Findings {
    fn add(&mut self, pointer: String, fault: CalendarFault) {
        self.0.push(CalendarError { holiday_set: None, pointer, fault });
    }

    fn count(&mut self, pointer: &str, found: usize, most: usize) {
        if found > most {
            self.add(pointer.to_owned(), CalendarFault::TooMany(most));
        }
    }

    fn shifts(&mut self, pointer: &str, shifts: &[Shift]) {
        self.count(pointer, shifts.len(), MAX_SHIFTS);
        for (index, shift) in shifts.iter().enumerate() {
            if let Some(fault) = shift.fault() {
                self.add(format!("{pointer}/{index}"), fault);
            }
        }
    }
}

impl Shift {
    /// What keeps the shift from being used.
    pub fn fault(self) -> Option<CalendarFault> {
        match (self.start, self.end, self.ends_next_day) {
            (WallTime::END_OF_DAY, _, _) => Some(CalendarFault::StartsAtEndOfDay),
            (start, end, false) => (end <= start).then_some(CalendarFault::EndsBeforeStart),
            (start, end, true) => (end > start).then_some(CalendarFault::TooLong),
        }
    }
}

impl CalendarSpec {
    /// Everything that keeps the calendar from being compiled, in the order of the document.
    ///
    /// A calendar that never opens is not a fault: ask [`Calendar::opens`](super::Calendar::opens).
    pub fn faults(&self, holidays: &[HolidaySet]) -> Vec<CalendarError> {
        let mut findings = Findings(Vec::new());
        if zone::named(&self.timezone).is_none() {
            findings.add("/timezone".to_owned(), CalendarFault::UnknownZone);
        }
        if let Hours::Weekly(weekly) = &self.hours {
            findings.count("/weekly", weekly.len(), MAX_WEEKLY);
            for (index, entry) in weekly.iter().enumerate() {
                findings.shifts(&format!("/weekly/{index}/shifts"), &entry.shifts);
            }
        }
        findings.count("/holidaySets", self.holiday_sets.len(), MAX_HOLIDAY_SETS);
        for (index, id) in self.holiday_sets.iter().enumerate() {
            match holidays.iter().find(|set| set.id == *id) {
                Some(set) => findings.0.extend(set.faults()),
                None => findings.add(format!("/holidaySets/{index}"), CalendarFault::UnknownHolidaySet),
            }
        }
        findings.count("/exceptions", self.exceptions.len(), MAX_EXCEPTIONS);
        for (index, exception) in self.exceptions.iter().enumerate() {
            if exception.to < exception.from {
                findings.add(format!("/exceptions/{index}/to"), CalendarFault::DatesReversed);
            }
            findings.shifts(&format!("/exceptions/{index}/shifts"), &exception.shifts);
        }
        findings.count("/combined", self.combined.len(), MAX_COMBINED);
        findings.count("/closures", self.closures.len(), MAX_CLOSURES);
        for (index, closure) in self.closures.iter().enumerate() {
            if closure.until <= closure.from {
                findings.add(format!("/closures/{index}/until"), CalendarFault::ClosureReversed);
            }
        }
        findings.0
    }
}

impl HolidaySet {
    /// Everything that keeps the set from being used, with pointers relative to the set. Unconfirmed entries count too:
    /// somebody is about to confirm them.
    pub fn faults(&self) -> Vec<CalendarError> {
        let mut findings = Findings(Vec::new());
        findings.count("/entries", self.entries.len(), MAX_HOLIDAYS);
        for (index, entry) in self.entries.iter().enumerate() {
            findings.shifts(&format!("/entries/{index}/shifts"), &entry.shifts);
        }
        let mut faults = findings.0;
        for error in &mut faults {
            error.holiday_set = Some(self.id.clone());
        }
        faults
    }
}

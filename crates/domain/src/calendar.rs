//! Open time: when somebody is there to answer, and how open time is counted.
//!
//! A [`CalendarSpec`] says it in rules of local time; [`Calendar::compile`] turns the rules into sorted UTC intervals
//! with running totals, so that every question is a binary search. The order of the rules is: weekly shifts, replaced
//! by a confirmed holiday, replaced by an exception for the date; overlapping shifts are one; closures are taken away.
//!
//! A local time is the first instant at which the wall clock has reached it: the first occurrence of a repeated hour,
//! the transition itself for a skipped one. Intervals are `[from, until)`: the closing instant is closed.

mod compile;
mod fault;
mod intervals;
mod kept;
mod spec;
mod table;
pub mod vectors;
pub(crate) mod zone;

use std::fmt;
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::Serialize;

use compile::{Rules, Source};
pub use fault::{
    CalendarError, CalendarFault, MAX_CLOSURES, MAX_COMBINED, MAX_EXCEPTIONS, MAX_HOLIDAY_SETS, MAX_HOLIDAYS,
    MAX_SHIFTS, MAX_STRETCHES, MAX_WEEKLY,
};
pub use kept::{Kept, Moved, is_ahead, name_of};
pub use spec::{
    CalendarSpec, Closure, Combination, Combined, DateException, Day, Holiday, HolidaySet, Hours, Shift, WallTime,
    WeeklyShifts,
};
use table::{Answer, Table};
use zone::DAY;
pub use zone::{named as zone_named, tzdb_version};

use crate::time::{Instant, Span};

const YEAR: i64 = 366;

/// How many years after the instant asked about an answer is looked for: what has not opened by then never opens.
const SEARCH_YEARS: [i64; 3] = [2, 8, 30];

/// The search from any instant before this ends before the years do in which there is open time (the end of 2168).
const LAST_SEARCHED: i64 = 6_279_638_400;

/// Instants between which open time can lie, generously: the years 1899 to 2201. They bound loops over time.
const KNOWN: (i64, i64) = (-2_240_524_800, 7_289_654_400);

/// Compiled open time: a year back and three ahead of a chosen instant, and further on demand.
///
/// Every answer is a function of the rules alone; the compiled years only decide how fast it comes. Open time exists
/// in the local dates of 1900 to 2199, and a point in future is looked for up to thirty years after the instant asked
/// about.
#[derive(Clone)]
pub struct Calendar {
    id: String,
    around: Instant,
    source: Arc<Source>,
    table: Table,
}

/// A stretch of open or closed time, `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Period {
    /// Whether it is open.
    pub open: bool,
    /// Its first instant.
    pub from: Instant,
    /// The first instant after it.
    pub until: Instant,
}

impl Calendar {
    /// Compiles the calendar for the years around an instant, without those that it is combined with: [`Kept`] lays them
    /// over it. `holidays` are all the sets there are; the calendar picks
    /// those it names. Reports the first of [`CalendarSpec::faults`]; never opening is not a fault.
    pub fn compile(spec: &CalendarSpec, holidays: &[HolidaySet], around: Instant) -> Result<Self, CalendarError> {
        Ok(Self::around(spec.id.clone(), Source::Rules(Box::new(Rules::new(spec, holidays)?)), around))
    }

    fn around(id: String, source: Source, around: Instant) -> Self {
        let day = day_of(source.zone(), clamped(around));
        let table = Table::compile(&source, day - YEAR, day + 3 * YEAR);
        Self { id, around, source: Arc::new(source), table }
    }

    /// Its name in the policy bundle.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The zone whose wall clock it follows, from the binary's own zone data.
    pub fn zone(&self) -> &TimeZone {
        self.source.zone()
    }

    /// The zone's IANA name.
    pub fn zone_name(&self) -> &str {
        self.zone().iana_name().unwrap_or("UTC")
    }

    /// The first instant of the compiled years.
    pub fn compiled_from(&self) -> Instant {
        Instant::from_second(self.table.from)
    }

    /// The first instant after the compiled years.
    pub fn compiled_until(&self) -> Instant {
        Instant::from_second(self.table.until)
    }

    /// Whether it is open at all at or after the instant it was compiled around.
    pub fn opens(&self) -> bool {
        self.next_open(self.around).is_some()
    }

    /// Whether it is open at `at`.
    pub fn is_open(&self, at: Instant) -> bool {
        let second = at.as_second();
        if self.table.covers(second) { self.table.is_open(second) } else { self.elapsed(at, at.plus(1)).seconds() > 0 }
    }

    /// Open time from `from` until `until`; none when `until` is not later.
    pub fn elapsed(&self, from: Instant, until: Instant) -> Span {
        let (start, end) = (from.as_second(), until.as_second());
        if end <= start {
            return Span::default();
        }
        if self.table.covers(start) && end <= self.table.until {
            return Span::from_seconds(self.table.elapsed(start, end));
        }
        let mut total = 0;
        self.for_each_table(start, end, |table, start, end| total += table.elapsed(start, end));
        Span::from_seconds(total)
    }

    /// The least instant before which `span` of open time has passed since `at`: the closing instant when the span ends
    /// there, not the next opening. For no span at all it is the next open instant. `None` when there is not that much
    /// open time in the thirty years after `at`.
    pub fn add(&self, at: Instant, span: Span) -> Option<Instant> {
        self.ask(at, |table, at| table.add(at, span.seconds()))
    }

    /// The first open instant at or after `at`.
    pub fn next_open(&self, at: Instant) -> Option<Instant> {
        self.ask(at, Table::next_open)
    }

    /// The end of the open time that holds `at` or, when closed, of the next open time. `None` when it never opens or
    /// never closes again.
    pub fn next_close(&self, at: Instant) -> Option<Instant> {
        let second = clamped(at);
        let never = self.table.covers(second)
            && self.table.next_close(second) == Answer::Beyond
            && self.source.always_open_from().is_some_and(|from| from < self.table.until)
            && second < LAST_SEARCHED;
        if never { None } else { self.ask(at, Table::next_close) }
    }

    /// The close of the `days`-th open date after day 0, which is the first open date that is not over at `at`.
    ///
    /// An open date is a local date to which open time belongs; a shift belongs to the date on which it starts, and the
    /// time of an always-open calendar to each date from midnight to midnight. The close is the date's last closing
    /// instant, after closures; should an overnight shift of an earlier date end later still, it is that end.
    pub fn open_day_close(&self, at: Instant, days: u32) -> Option<Instant> {
        self.ask(at, |table, at| table.open_day_close(at, days as usize))
    }

    /// The wall time of `at` on the `days`-th open date after day 0 (see [`Self::open_day_close`]), clipped to that
    /// date's open time: before an opening it is the opening, after the last close it is the close. A closing instant
    /// itself is left as it is.
    ///
    /// Past midnight in an overnight shift the wall time counts on from the shift's date: 02:00 on Saturday in Friday's
    /// shift is 26:00 of Friday, and stays the small hours after the date counted to.
    pub fn open_day_same_time(&self, at: Instant, days: u32) -> Option<Instant> {
        self.ask(at, |table, at| table.open_day_same_time(self.zone(), at, days as usize))
    }

    /// Open and closed time in turn, covering `from` until `until` exactly; nothing when `until` is not later.
    pub fn walk(&self, from: Instant, until: Instant) -> Vec<Period> {
        let mut periods: Vec<Period> = Vec::new();
        let mut reached = from.as_second();
        let mut push = |open, end: i64| {
            let (from, until) = (Instant::from_second(reached), Instant::from_second(end));
            if from < until {
                match periods.last_mut() {
                    Some(last) if last.open == open => last.until = until,
                    _ => periods.push(Period { open, from, until }),
                }
                reached = end;
            }
        };
        self.for_each_table(from.as_second(), until.as_second(), |table, start, end| {
            for open in table.inside(start, end) {
                push(false, open.from);
                push(true, open.until);
            }
        });
        push(false, until.as_second());
        periods
    }

    /// Open when either is open. Open time of `other` belongs to the date it belongs to there or, when its zone is
    /// another, to the date in this calendar's zone on which the stretch starts.
    #[must_use]
    pub fn union(&self, other: &Self, id: impl Into<String>) -> Self {
        self.combined(Combination::Union, other, id.into())
    }

    /// Open when both are open. Dates and zone are this calendar's.
    #[must_use]
    pub fn intersection(&self, other: &Self, id: impl Into<String>) -> Self {
        self.combined(Combination::Intersection, other, id.into())
    }

    /// Open when this one is open and `other` is not. Dates and zone are this calendar's.
    #[must_use]
    pub fn minus(&self, other: &Self, id: impl Into<String>) -> Self {
        self.combined(Combination::Minus, other, id.into())
    }

    /// Open as [`Combination`] says.
    #[must_use]
    pub fn combined(&self, how: Combination, other: &Self, id: String) -> Self {
        let (left, right) = (Arc::clone(&self.source), Arc::clone(&other.source));
        Self::around(id, Source::Combined { how, left, right }, self.around)
    }

    /// Asks the compiled years and, where they do not know, more and more years from `at` on.
    fn ask(&self, at: Instant, question: impl Fn(&Table, i64) -> Answer<i64>) -> Option<Instant> {
        let second = clamped(at);
        if self.table.covers(second)
            && let Answer::Certain(found) = question(&self.table, second)
        {
            return Some(Instant::from_second(found));
        }
        let day = day_of(self.zone(), second);
        SEARCH_YEARS.iter().map(|years| day + years * YEAR).find_map(|last| {
            if self.table.covers(second) && last * DAY < self.table.until {
                return None;
            }
            let table = Table::compile(&self.source, day - 1, last);
            match question(&table, second) {
                Answer::Certain(found) => Some(Instant::from_second(found)),
                Answer::Beyond => None,
            }
        })
    }

    /// Visits tables that together cover `[start, end)`, each with the part that it is to answer for.
    fn for_each_table(&self, start: i64, end: i64, mut visit: impl FnMut(&Table, i64, i64)) {
        let (mut start, end) = (start.clamp(KNOWN.0, KNOWN.1), end.clamp(KNOWN.0, KNOWN.1));
        while start < end {
            let fresh;
            let table = if self.table.covers(start) {
                &self.table
            } else {
                let day = day_of(self.zone(), start);
                let last = day_of(self.zone(), end) + 2;
                fresh = Table::compile(&self.source, day - 1, last.min(day + 8 * YEAR));
                &fresh
            };
            let until = end.min(table.until);
            visit(table, start, until);
            start = until;
        }
    }
}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calendar").field("id", &self.id).field("zone", &self.zone_name()).finish_non_exhaustive()
    }
}

/// The instant in seconds, kept near the years in which there is open time.
fn clamped(at: Instant) -> i64 {
    at.as_second().clamp(KNOWN.0, KNOWN.1)
}

fn day_of(zone: &TimeZone, second: i64) -> i64 {
    zone::wall(zone, Instant::from_second(second)).div_euclid(DAY)
}

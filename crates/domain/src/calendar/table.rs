//! Open time of some years, ready for binary search, and the answers it can give with certainty.

use jiff::tz::TimeZone;

use super::compile::{Piece, SPREAD, Source};
use super::fault::MAX_STRETCHES;
use super::intervals::{Interval, Intervals};
use super::zone::{DAY, Offsets, wall};
use crate::time::Instant;

/// An open date: a local date to which open time belongs.
#[derive(Clone, Copy, Debug)]
struct OpenDate {
    day: i64,
    /// Where its pieces are.
    pieces: (usize, usize),
    /// Its last closing instant, or that of an earlier date whose overnight shift ends later still: the calendar has
    /// not closed before, and a longer term must never end earlier than a shorter one.
    close: i64,
}

/// Open time compiled for the dates of a range. Inside `from..until` it is all there is; the dates are whole.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub from: i64,
    pub until: i64,
    open: Intervals,
    pieces: Vec<Piece>,
    dates: Vec<OpenDate>,
}

/// What a table says about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer<T> {
    /// The answer, whatever lies beyond the table.
    Certain(T),
    /// The table ends too early.
    Beyond,
}

impl<T> From<Option<T>> for Answer<T> {
    fn from(found: Option<T>) -> Self {
        found.map_or(Self::Beyond, Self::Certain)
    }
}

impl Table {
    /// Compiles a range that is certain at least from midnight of `first` to midnight of `last`, local time.
    pub fn compile(source: &Source, first: i64, last: i64) -> Self {
        let (earliest, latest) = (first - SPREAD, last + 1);
        let pieces = source.pieces(earliest, latest);
        let offsets = Offsets::of(source.zone(), first, last);
        let (from, until) = (offsets.instant(first * DAY), offsets.instant(last * DAY));
        let inside = pieces.iter().filter_map(|piece| piece.open.within(from, until));
        let open = Intervals::new(inside.collect());
        let dates = dates(&pieces);
        Self { from, until, open, pieces, dates }
    }

    /// Whether the table knows about this instant.
    pub fn covers(&self, at: i64) -> bool {
        self.from <= at && at < self.until
    }

    pub fn is_open(&self, at: i64) -> bool {
        self.open.holding(at).is_some()
    }

    /// Open seconds between two instants of the table.
    pub fn elapsed(&self, from: i64, until: i64) -> i64 {
        self.open.before(until) - self.open.before(from)
    }

    /// Whether its dates are cut into more separate stretches, on the average, than one calendar may have.
    pub fn is_cut_up(&self) -> bool {
        self.open.count() as i64 > (self.until - self.from) / DAY * MAX_STRETCHES as i64
    }

    /// The open stretches inside `[from, until)`.
    pub fn inside(&self, from: i64, until: i64) -> impl Iterator<Item = Interval> + '_ {
        self.open.inside(from, until)
    }

    pub fn add(&self, at: i64, seconds: i64) -> Answer<i64> {
        if seconds == 0 {
            return self.next_open(at);
        }
        self.open.reaching(self.open.before(at).saturating_add(seconds)).into()
    }

    pub fn next_open(&self, at: i64) -> Answer<i64> {
        self.open.ending_after(at).map(|open| open.from.max(at)).into()
    }

    pub fn next_close(&self, at: i64) -> Answer<i64> {
        // What ends with the table may in truth go on.
        self.open.ending_after(at).map(|open| open.until).filter(|&close| close < self.until).into()
    }

    pub fn open_day_close(&self, at: i64, days: usize) -> Answer<i64> {
        let (_, date) = match self.open_dates(at, days) {
            Answer::Certain(found) => found,
            Answer::Beyond => return Answer::Beyond,
        };
        Answer::Certain(date.close)
    }

    pub fn open_day_same_time(&self, zone: &TimeZone, at: i64, days: usize) -> Answer<i64> {
        let (first, date) = match self.open_dates(at, days) {
            Answer::Certain(found) => found,
            Answer::Beyond => return Answer::Beyond,
        };
        let shown = wall(zone, Instant::from_second(at));
        // In the small hours of an overnight shift it is, say, 26:00 of the date on which the shift began.
        let past_midnight = (shown.div_euclid(DAY) - first.day).max(0);
        let day = date.day + past_midnight;
        let target = Offsets::of(zone, day, day).instant(day * DAY + shown.rem_euclid(DAY)).max(at);
        let pieces = &self.pieces[date.pieces.0..date.pieces.1];
        let clipped = pieces.iter().find(|piece| target <= piece.open.until).map(|piece| target.max(piece.open.from));
        Answer::Certain(clipped.unwrap_or(date.close))
    }

    /// Day 0, the first open date not yet closed at `at`, and the open date that many after it.
    fn open_dates(&self, at: i64, days: usize) -> Answer<(OpenDate, OpenDate)> {
        let first = self.dates.partition_point(|date| date.close <= at);
        let last = first.checked_add(days).and_then(|index| self.dates.get(index));
        self.dates.get(first).zip(last).map(|(first, last)| (*first, *last)).into()
    }
}

fn dates(pieces: &[Piece]) -> Vec<OpenDate> {
    let mut dates: Vec<OpenDate> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let latest = dates.last().map_or(i64::MIN, |date| date.close).max(piece.open.until);
        match dates.last_mut() {
            Some(date) if date.day == piece.day => {
                date.pieces.1 = index + 1;
                date.close = latest;
            }
            _ => dates.push(OpenDate { day: piece.day, pieces: (index, index + 1), close: latest }),
        }
    }
    dates
}

//! From rules to open time: which shifts each date has, and which instants these are.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::fault::{CalendarError, CalendarFault, MAX_STRETCHES};
use super::intervals::{Interval, Intervals, merged};
use super::spec::{CalendarSpec, Combination, Day, HolidaySet, Hours, Shift};
use super::zone::{self, DAY, Offsets, wall};
use crate::time::Instant;

/// A stretch of open time of one date. A date's pieces are disjoint; those of different dates may overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    /// The open date it belongs to, in days since 1970-01-01.
    pub day: i64,
    pub open: Interval,
}

/// Open time exists from the start of 1900 to the end of 2199, in local dates: enough for any message, and an end to
/// every calculation.
const FIRST_DAY: i64 = -25_567;
const LAST_DAY: i64 = 84_005;

/// Days that a piece may lie after its date or, when two zones meet, be labelled apart.
pub(super) const SPREAD: i64 = 5;

/// Where open time comes from. Days of any range can be asked for, so a compiled table is only ever a view.
#[derive(Debug)]
pub(super) enum Source {
    Rules(Box<Rules>),
    Combined { how: Combination, left: Arc<Source>, right: Arc<Source> },
}

impl Source {
    /// The zone whose dates the pieces belong to.
    pub fn zone(&self) -> &TimeZone {
        match self {
            Self::Rules(rules) => &rules.zone,
            Self::Combined { left, .. } => left.zone(),
        }
    }

    /// The instant from which on it never closes, where that can be told from the rules alone.
    pub fn always_open_from(&self) -> Option<i64> {
        match self {
            Self::Rules(rules) => rules.always_open_from,
            Self::Combined { how: Combination::Union, left, right } => {
                let (left, right) = (left.always_open_from(), right.always_open_from());
                left.into_iter().chain(right).min()
            }
            Self::Combined { how: Combination::Intersection, left, right } => {
                Some(left.always_open_from()?.max(right.always_open_from()?))
            }
            Self::Combined { how: Combination::Minus, .. } => None,
        }
    }

    /// Every piece of the open dates from `first` to `last`, whole, sorted by date and time.
    pub fn pieces(&self, first: i64, last: i64) -> Vec<Piece> {
        match self {
            Self::Rules(rules) => rules.pieces(first, last),
            Self::Combined { how, left, right } => {
                let mut pieces = left.pieces(first, last);
                let mut others = right.pieces(first - SPREAD, last + SPREAD);
                if *how == Combination::Union {
                    relabel(&mut others, right.zone(), left.zone());
                    pieces.extend(others.into_iter().filter(|piece| (first..=last).contains(&piece.day)));
                    return joined(pieces);
                }
                let others = Intervals::new(others.into_iter().map(|piece| piece.open).collect());
                let mut kept = Vec::with_capacity(pieces.len());
                for Piece { day, open: Interval { from, until } } in pieces {
                    if *how == Combination::Intersection {
                        kept.extend(others.inside(from, until).map(|open| Piece { day, open }));
                    } else {
                        kept.extend(others.outside(from, until).map(|open| Piece { day, open }));
                    }
                }
                kept
            }
        }
    }
}

/// Moves pieces to the dates of another zone: the local date on which each starts. In one and the same zone they stay
/// where they are, so that an overnight shift keeps its date.
fn relabel(pieces: &mut [Piece], from: &TimeZone, to: &TimeZone) {
    if from != to {
        for piece in pieces {
            piece.day = wall(to, Instant::from_second(piece.open.from)).div_euclid(DAY);
        }
    }
}

/// Sorts pieces and joins those of one date that overlap or touch.
fn joined(mut pieces: Vec<Piece>) -> Vec<Piece> {
    pieces.sort();
    let mut kept: Vec<Piece> = Vec::with_capacity(pieces.len());
    for next in pieces {
        match kept.last_mut() {
            Some(last) if last.day == next.day && next.open.from <= last.open.until => {
                last.open.until = last.open.until.max(next.open.until);
            }
            _ => kept.push(next),
        }
    }
    kept
}

/// A calendar's rules, checked and laid out by date.
#[derive(Debug)]
pub(super) struct Rules {
    zone: TimeZone,
    /// Seconds after midnight, Monday first.
    week: [Vec<Interval>; 7],
    /// Dates that do not follow the week: sorted, disjoint.
    overrides: Vec<Override>,
    /// The shifts that overrides point to.
    shifts: Vec<Vec<Interval>>,
    closures: Intervals,
    always_open_from: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
struct Override {
    first: i64,
    last: i64,
    shifts: usize,
}

impl Rules {
    /// Lays out the rules of a calendar. Reports the first fault.
    pub fn new(spec: &CalendarSpec, holidays: &[HolidaySet]) -> Result<Self, CalendarError> {
        if let Some(fault) = spec.faults(holidays).into_iter().next() {
            return Err(fault);
        }
        let at = |pointer: String, fault| CalendarError { holiday_set: None, pointer, fault };
        let zone = zone::named(&spec.timezone).ok_or_else(|| at("/timezone".to_owned(), CalendarFault::UnknownZone))?;
        let week = match &spec.hours {
            Hours::AlwaysOpen => Day::ALL.map(|_| vec![Interval { from: 0, until: DAY }]),
            Hours::Weekly(weekly) => Day::ALL.map(|day| {
                union(weekly.iter().filter(|entry| entry.days.contains(&day)).flat_map(|entry| &entry.shifts))
            }),
        };
        if week.iter().any(|day| day.len() > MAX_STRETCHES) {
            return Err(at("/weekly".to_owned(), CalendarFault::TooManyStretches));
        }
        let mut shifts = Vec::new();
        let mut ranges = Vec::new();
        let sets = spec.holiday_sets.iter().filter_map(|id| holidays.iter().find(|set| set.id == *id));
        for holiday in sets.flat_map(|set| &set.entries).filter(|holiday| holiday.confirmed) {
            let day = zone::day_number(holiday.date);
            ranges.push((day, day));
            shifts.push(union(&holiday.shifts));
        }
        for exception in &spec.exceptions {
            ranges.push((zone::day_number(exception.from), zone::day_number(exception.to)));
            shifts.push(union(&exception.shifts));
        }
        let closures = spec
            .closures
            .iter()
            .map(|closure| Interval { from: closure.from.as_second(), until: closure.until.as_second() });
        let overrides = overrides(&ranges);
        let closures = Intervals::new(closures.collect());
        let always_open_from = covers_every_hour(&week).then(|| {
            // Three days on, no clock anywhere shows an overridden date any more, nor does a shift of it run on.
            let ordinary = overrides.last().map_or(i64::MIN, |range| (range.last + 3).saturating_mul(DAY));
            ordinary.max(closures.end().unwrap_or(i64::MIN))
        });
        Ok(Self { zone, week, overrides, shifts, closures, always_open_from })
    }

    fn pieces(&self, first: i64, last: i64) -> Vec<Piece> {
        let (first, last) = (first.max(FIRST_DAY), last.min(LAST_DAY));
        if first > last {
            return Vec::new();
        }
        let offsets = Offsets::of(&self.zone, first, last);
        let mut pieces = Vec::with_capacity((last - first + 1) as usize);
        let mut ahead = &self.overrides[self.overrides.partition_point(|range| range.last < first)..];
        for day in first..=last {
            while let [passed, rest @ ..] = ahead
                && passed.last < day
            {
                ahead = rest;
            }
            let shifts = match ahead.first() {
                Some(range) if range.first <= day => &self.shifts[range.shifts],
                // 1970-01-01 was a Thursday.
                _ => &self.week[(day + 3).rem_euclid(7) as usize],
            };
            for shift in shifts {
                let from = offsets.instant(day * DAY + shift.from);
                let until = offsets.instant(day * DAY + shift.until);
                if self.closures.is_empty() {
                    // A shift that lies wholly in a skipped hour is no time at all.
                    if from < until {
                        pieces.push(Piece { day, open: Interval { from, until } });
                    }
                } else {
                    pieces.extend(self.closures.outside(from, until).map(|open| Piece { day, open }));
                }
            }
        }
        pieces
    }
}

/// The wall-clock time that shifts cover, in seconds after midnight of the date they belong to.
fn union<'a>(shifts: impl IntoIterator<Item = &'a Shift>) -> Vec<Interval> {
    let covered = shifts.into_iter().map(|shift| Interval {
        from: i64::from(shift.start.seconds()),
        until: i64::from(shift.end.seconds()) + if shift.ends_next_day { DAY } else { 0 },
    });
    merged(covered.collect())
}

/// Whether the shifts of an ordinary week leave no gap.
fn covers_every_hour(week: &[Vec<Interval>; 7]) -> bool {
    let shifts = (0..).map(|day| day * DAY).zip(week.iter().chain(&week[..1])).flat_map(|(midnight, shifts)| {
        shifts.iter().map(move |shift| Interval { from: midnight + shift.from, until: midnight + shift.until })
    });
    // From Tuesday on Monday's overnight shift counts; it is Monday again after seven days.
    merged(shifts.collect()).iter().any(|open| open.from <= DAY && open.until >= 8 * DAY)
}

/// Lays date ranges over each other, so that for every date the one listed last counts. The ranges themselves are
/// never taken apart into dates: an exception may last for centuries.
fn overrides(ranges: &[(i64, i64)]) -> Vec<Override> {
    let mut changes: Vec<(i64, usize, bool)> = Vec::with_capacity(2 * ranges.len());
    for (index, &(first, last)) in ranges.iter().enumerate() {
        changes.push((first, index, true));
        changes.push((last + 1, index, false));
    }
    changes.sort_unstable();
    let mut laid = Vec::new();
    let mut current = BTreeSet::new();
    for (position, &(day, index, begins)) in changes.iter().enumerate() {
        if begins {
            current.insert(index);
        } else {
            current.remove(&index);
        }
        if let (Some(&shifts), Some(&(next, ..))) = (current.last(), changes.get(position + 1))
            && day < next
        {
            laid.push(Override { first: day, last: next - 1, shifts });
        }
    }
    laid
}

//! `notAvailable` as dates and stretches of time in which a calendar is closed.

use domain::calendar::{Closure, DateException};
use domain::time::Instant;
use fhir_model::{NotAvailable, When};
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::issue::{Issue, IssueCode};

/// The first instant that no calendar knows: an absence without an end lasts until here.
const NEVER: Instant = Instant::from_second(7_258_118_400);

/// The longest absence that is written down as dates; a longer one is a stretch of time. It keeps what a calendar
/// compiles small.
const MOST_DATES: i32 = 366;

/// The longest reason that is kept, in characters.
const MAX_REASON: usize = 200;

/// What `notAvailable` says.
#[derive(Default)]
pub(super) struct Absences {
    pub(super) exceptions: Vec<DateException>,
    pub(super) closures: Vec<Closure>,
    /// Each absence from its first instant until the first after it.
    pub(super) stretches: Vec<(Instant, Instant)>,
}

/// An end of an absence.
#[derive(Clone, Copy)]
enum Bound {
    /// A whole date.
    Date(Date),
    /// An instant.
    Instant(Instant),
}

/// Reads the absences. A period of dates closes those dates, the last one included; one with times closes from the first
/// instant until the last; an end that is not told is never.
pub(super) fn read(entries: &[NotAvailable], kind: &str, zone: Option<&TimeZone>, issues: &mut Vec<Issue>) -> Absences {
    let mut absences = Absences::default();
    for (position, entry) in entries.iter().enumerate() {
        if let Err(message) = add(&mut absences, entry, zone) {
            let place = format!("{kind}.notAvailable[{position}].during");
            issues.push(Issue::error(IssueCode::Value, message).at(place));
        }
    }
    absences
}

fn add(absences: &mut Absences, entry: &NotAvailable, zone: Option<&TimeZone>) -> Result<(), &'static str> {
    let bound = |when: Option<When>, is_last| {
        when.map(|when| bound(when, is_last).ok_or("the date does not exist")).transpose()
    };
    let (start, end) = (bound(entry.start, false)?, bound(entry.end, true)?);
    if start.is_none() && end.is_none() {
        return Err("an absence needs the period in which it is: say when it starts and ends");
    }
    let reason: String = entry.description.chars().take(MAX_REASON).collect();
    if matches!((start, end), (Some(Bound::Date(from)), Some(Bound::Date(to))) if to < from) {
        return Err("the absence ends before it starts");
    }
    // Without a zone no date has a first instant, and the missing zone is an issue already.
    let Some(zone) = zone else { return Ok(()) };
    let from = start.map_or(Some(Instant::from_second(0)), |start| instant(start, zone, false));
    let until = end.map_or(Some(NEVER), |end| instant(end, zone, true));
    let (Some(from), Some(until)) = (from, until) else { return Err("the date is out of range") };
    if until <= from {
        return Err("the absence ends before it starts");
    }
    absences.stretches.push((from, until));
    match (start, end) {
        (Some(Bound::Date(from)), Some(Bound::Date(to)))
            if from.until(to).is_ok_and(|span| span.get_days() < MOST_DATES) =>
        {
            absences.exceptions.push(DateException { from, to, shifts: Vec::new(), reason });
        }
        _ => absences.closures.push(Closure { from, until, reason }),
    }
    Ok(())
}

/// The first or the last date of a year, a month or a day; an instant as it is.
fn bound(when: When, is_last: bool) -> Option<Bound> {
    let first = |year: i32, month: u8, day: u8| {
        Date::new(i16::try_from(year).ok()?, month.cast_signed(), day.cast_signed()).ok()
    };
    Some(match when {
        When::Instant(second) => Bound::Instant(Instant::from_second(second)),
        When::Day(year, month, day) => Bound::Date(first(year, month, day)?),
        When::Month(year, month) if is_last => Bound::Date(first(year, month, 1)?.last_of_month()),
        When::Month(year, month) => Bound::Date(first(year, month, 1)?),
        When::Year(year) if is_last => Bound::Date(first(year, 12, 31)?),
        When::Year(year) => Bound::Date(first(year, 1, 1)?),
    })
}

/// The instant at which a period begins or, for its end, the first after it.
pub(crate) fn period(when: When, zone: &TimeZone, is_last: bool) -> Option<Instant> {
    instant(bound(when, is_last)?, zone, is_last)
}

/// The instant of a bound: a date's first, or the first after it where it is the last date.
fn instant(bound: Bound, zone: &TimeZone, is_last: bool) -> Option<Instant> {
    let date = match bound {
        Bound::Instant(instant) => return Some(instant),
        Bound::Date(date) if is_last => date.tomorrow().ok()?,
        Bound::Date(date) => date,
    };
    // The start of a day is its first instant, also where midnight is skipped: the transition.
    zone.to_timestamp(date.at(0, 0, 0, 0)).ok().map(Instant::from)
}

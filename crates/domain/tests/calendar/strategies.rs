//! Calendars of every kind, in zones that have caught people out, around the days on which they did.

use domain::calendar::{
    CalendarSpec, Closure, DateException, Day, Holiday, HolidaySet, Hours, Shift, WallTime, WeeklyShifts,
};
use domain::time::Instant;
use jiff::ToSpan as _;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Days that a scan lasts.
pub const DAYS: i64 = 16;

/// A calendar and the moment around which its rules differ from day to day.
#[derive(Clone, Debug)]
pub struct Sample {
    pub spec: CalendarSpec,
    pub holidays: Vec<HolidaySet>,
    /// UTC midnight, some days before the zone's clocks change.
    pub start: Instant,
}

/// A zone and a date on which its clocks change.
fn clock_change() -> impl Strategy<Value = (&'static str, Date)> {
    select(vec![
        ("America/New_York", date(2026, 3, 8)),
        ("America/New_York", date(2026, 11, 1)),
        ("Africa/Cairo", date(2026, 4, 24)),
        ("Africa/Cairo", date(2026, 10, 30)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("Australia/Lord_Howe", date(2026, 10, 4)),
        ("America/Havana", date(2026, 3, 8)),
        ("America/Havana", date(2026, 11, 1)),
        ("America/Santiago", date(2026, 4, 5)),
        ("America/Santiago", date(2026, 9, 6)),
        ("Pacific/Apia", date(2011, 12, 30)),
        ("Antarctica/Troll", date(2026, 3, 29)),
        ("Antarctica/Troll", date(2026, 10, 25)),
    ])
}

/// A minute of the day, more often than not in the small hours, where clocks change.
fn minute() -> impl Strategy<Value = u32> {
    prop_oneof![0_u32..240, 0_u32..1440, (0_u32..48).prop_map(|half_hours| half_hours * 30)]
}

fn shift() -> impl Strategy<Value = Shift> {
    (minute(), 1_u32..=1440).prop_map(|(start, length)| {
        let end = start + length;
        let ends_next_day = end > 1440;
        let wall = |minute: u32| WallTime::from_seconds(minute * 60).unwrap();
        Shift { start: wall(start), end: wall(if ends_next_day { end - 1440 } else { end }), ends_next_day }
    })
}

fn shifts(most: usize) -> impl Strategy<Value = Vec<Shift>> {
    prop::collection::vec(shift(), 0..=most)
}

fn hours() -> impl Strategy<Value = Hours> {
    let entry =
        (subsequence(Day::ALL.to_vec(), 1..=7), shifts(3)).prop_map(|(days, shifts)| WeeklyShifts { days, shifts });
    prop_oneof![1 => Just(Hours::AlwaysOpen), 7 => prop::collection::vec(entry, 0..4).prop_map(Hours::Weekly)]
}

/// Any calendar, for the zone and date given.
fn spec(zone: &'static str, changes_on: Date) -> impl Strategy<Value = (CalendarSpec, Vec<HolidaySet>)> {
    let day = move |offset: i64| changes_on.checked_add(offset.days()).unwrap();
    let holiday = (-7_i64..8, shifts(2), any::<bool>()).prop_map(move |(offset, shifts, confirmed)| Holiday {
        date: day(offset),
        name: "holiday".to_owned(),
        shifts,
        confirmed,
    });
    let exception = (-7_i64..8, 0_i64..4, shifts(2)).prop_map(move |(offset, length, shifts)| DateException {
        from: day(offset),
        to: day(offset + length),
        shifts,
        reason: "exception".to_owned(),
    });
    let middle = midnight(changes_on).as_second();
    let closure = (-7 * 1440_i64..8 * 1440, 1_i64..2000).prop_map(move |(minute, length)| Closure {
        from: Instant::from_second(middle + minute * 60),
        until: Instant::from_second(middle + (minute + length) * 60),
        reason: "closure".to_owned(),
    });
    let several = prop::collection::vec(holiday, 0..3);
    (hours(), several, prop::collection::vec(exception, 0..3), prop::collection::vec(closure, 0..3)).prop_map(
        move |(hours, entries, exceptions, closures)| {
            let spec = CalendarSpec {
                combined: vec![],
                id: "c".to_owned(),
                timezone: zone.to_owned(),
                hours,
                holiday_sets: vec!["h".to_owned()],
                exceptions,
                closures,
            };
            (spec, vec![HolidaySet { id: "h".to_owned(), source: None, entries }])
        },
    )
}

fn midnight(on: Date) -> Instant {
    Instant::from(jiff::tz::TimeZone::UTC.to_timestamp(on.at(0, 0, 0, 0)).unwrap())
}

fn start_of(changes_on: Date) -> Instant {
    midnight(changes_on).plus(-4 * 86_400)
}

pub fn sample() -> impl Strategy<Value = Sample> {
    clock_change().prop_flat_map(|(zone, changes_on)| {
        spec(zone, changes_on).prop_map(move |(spec, holidays)| Sample { spec, holidays, start: start_of(changes_on) })
    })
}

/// Two calendars with rules for the same days, often in different zones.
pub fn two_samples() -> impl Strategy<Value = (Sample, Sample)> {
    let years = [2026_i16, 2011];
    (select(years.to_vec()), clock_change(), clock_change()).prop_flat_map(|(year, (zone, changes_on), (other, _))| {
        let changes_on = if year == 2011 { date(2011, 12, 30) } else { changes_on };
        let of = move |zone| {
            spec(zone, changes_on).prop_map(move |(spec, holidays)| Sample {
                spec,
                holidays,
                start: start_of(changes_on),
            })
        };
        (of(zone), of(other))
    })
}

/// A minute of the first half of a scan, in minutes from its start.
pub fn early_minute() -> impl Strategy<Value = i64> {
    0..DAYS * 1440 / 2
}

//! The rules of open time, read slowly: minute after minute, looking at a wall clock and at the list of shifts.

use std::collections::BTreeMap;

use domain::calendar::{CalendarSpec, Day, HolidaySet, Hours, Shift, WallTime};
use domain::time::Instant;
use jiff::ToSpan as _;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{TimeZone, TimeZoneDatabase};

pub const MINUTE: i64 = 60;

/// What was seen: from `start`, one entry a minute.
pub struct Scan {
    pub start: i64,
    pub open: Vec<bool>,
    /// For each date, the open minutes of its shifts.
    dates: BTreeMap<Date, Vec<usize>>,
    /// What the clock shows at each minute, and the furthest that it has shown by then.
    clock: Vec<(DateTime, DateTime)>,
}

/// Watches the clock for that many minutes. Shifts and closures start and end on whole minutes.
pub fn scan(spec: &CalendarSpec, holidays: &[HolidaySet], start: Instant, minutes: usize) -> Scan {
    let zone = TimeZoneDatabase::bundled().get(&spec.timezone).unwrap();
    let mut watcher = Watcher { spec, holidays, shifts: BTreeMap::new() };
    let start = start.as_second();
    // What the clock showed in the days before decides whether a time is shown for the first time.
    let mut furthest = shown(&zone, start - 3 * 86_400);
    for minute in -3 * 1440..0 {
        furthest = furthest.max(shown(&zone, start + minute * MINUTE));
    }
    let mut seen = Scan { start, open: Vec::with_capacity(minutes), dates: BTreeMap::new(), clock: vec![] };
    for minute in 0..minutes {
        let now = start + minute as i64 * MINUTE;
        let shows = shown(&zone, now);
        furthest = furthest.max(shows);
        seen.clock.push((shows, furthest));
        let dates = watcher.dates_open(furthest, now);
        seen.open.push(!dates.is_empty());
        for date in dates {
            seen.dates.entry(date).or_default().push(minute);
        }
    }
    seen
}

fn shown(zone: &TimeZone, second: i64) -> DateTime {
    zone.to_datetime(jiff::Timestamp::from_second(second).unwrap())
}

struct Watcher<'a> {
    spec: &'a CalendarSpec,
    holidays: &'a [HolidaySet],
    shifts: BTreeMap<Date, Vec<Shift>>,
}

impl Watcher<'_> {
    /// The dates whose shifts hold the wall time, unless a closure holds the instant.
    fn dates_open(&mut self, wall: DateTime, now: i64) -> Vec<Date> {
        if self.spec.closures.iter().any(|each| each.from.as_second() <= now && now < each.until.as_second()) {
            return Vec::new();
        }
        let (date, time) = (wall.date(), wall.time());
        let of_day = i64::from(time.hour()) * 3600 + i64::from(time.minute()) * 60 + i64::from(time.second());
        let yesterday = date.yesterday().unwrap();
        let mut dates = Vec::new();
        if self.shifts_of(yesterday).iter().any(|shift| holds(*shift, of_day + 86_400)) {
            dates.push(yesterday);
        }
        if self.shifts_of(date).iter().any(|shift| holds(*shift, of_day)) {
            dates.push(date);
        }
        dates
    }

    fn shifts_of(&mut self, date: Date) -> &[Shift] {
        let (spec, holidays) = (self.spec, self.holidays);
        self.shifts.entry(date).or_insert_with(|| shifts_of(spec, holidays, date))
    }
}

fn holds(shift: Shift, second: i64) -> bool {
    let end = i64::from(shift.end.seconds()) + if shift.ends_next_day { 86_400 } else { 0 };
    i64::from(shift.start.seconds()) <= second && second < end
}

fn shifts_of(spec: &CalendarSpec, holidays: &[HolidaySet], date: Date) -> Vec<Shift> {
    if let Some(exception) = spec.exceptions.iter().rev().find(|each| each.from <= date && date <= each.to) {
        return exception.shifts.clone();
    }
    for id in spec.holiday_sets.iter().rev() {
        let set = holidays.iter().find(|set| set.id == *id).unwrap();
        if let Some(holiday) = set.entries.iter().rev().find(|each| each.confirmed && each.date == date) {
            return holiday.shifts.clone();
        }
    }
    let today = match date.weekday() {
        Weekday::Monday => Day::Mon,
        Weekday::Tuesday => Day::Tue,
        Weekday::Wednesday => Day::Wed,
        Weekday::Thursday => Day::Thu,
        Weekday::Friday => Day::Fri,
        Weekday::Saturday => Day::Sat,
        Weekday::Sunday => Day::Sun,
    };
    match &spec.hours {
        Hours::AlwaysOpen => {
            vec![Shift { start: WallTime::MIDNIGHT, end: WallTime::END_OF_DAY, ends_next_day: false }]
        }
        Hours::Weekly(weekly) => {
            weekly.iter().filter(|entry| entry.days.contains(&today)).flat_map(|entry| entry.shifts.clone()).collect()
        }
    }
}

impl Scan {
    fn index(&self, at: Instant) -> usize {
        usize::try_from((at.as_second() - self.start) / MINUTE).unwrap()
    }

    fn instant(&self, index: usize) -> Instant {
        Instant::from_second(self.start + index as i64 * MINUTE)
    }

    pub fn is_open(&self, at: Instant) -> bool {
        self.open[self.index(at)]
    }

    /// Open minutes between two whole minutes.
    pub fn elapsed(&self, from: Instant, until: Instant) -> i64 {
        self.open[self.index(from)..self.index(until)].iter().filter(|open| **open).count() as i64
    }

    /// When so many open minutes, at least one, have passed; `None` if not before the scan ends.
    pub fn add(&self, at: Instant, minutes: i64) -> Option<Instant> {
        let mut left = minutes;
        for index in self.index(at)..self.open.len() {
            left -= i64::from(self.open[index]);
            if left == 0 {
                return Some(self.instant(index + 1));
            }
        }
        None
    }

    pub fn next_open(&self, at: Instant) -> Option<Instant> {
        (self.index(at)..self.open.len()).find(|index| self.open[*index]).map(|index| self.instant(index))
    }

    pub fn next_close(&self, at: Instant) -> Option<Instant> {
        let opens = self.index(self.next_open(at)?);
        (opens..self.open.len()).find(|index| !self.open[*index]).map(|index| self.instant(index))
    }

    /// Day 0, the open date so many after it, and that one's close: no earlier than the closes of dates before. `None`
    /// unless the scan lasts three days longer.
    fn open_dates(&self, at: Instant, days: usize) -> Option<(Date, Date, i64)> {
        let known = self.start + self.open.len() as i64 * MINUTE - 3 * 86_400;
        let closes =
            self.dates.iter().map(|(date, open)| (*date, self.start + (open[open.len() - 1] as i64 + 1) * MINUTE));
        let counted: Vec<(Date, i64)> =
            closes.skip_while(|(_, close)| *close <= at.as_second()).take(days + 1).collect();
        let close = counted.iter().map(|(_, close)| *close).max()?;
        (counted.len() == days + 1 && close <= known).then(|| (counted[0].0, counted[days].0, close))
    }

    /// The close of the open date so many after day 0.
    pub fn open_day_close(&self, at: Instant, days: usize) -> Option<Instant> {
        self.open_dates(at, days).map(|(_, _, close)| Instant::from_second(close))
    }

    /// What the clock shows at `at`, looked for on the open date so many after day 0: as many midnights after that date as
    /// it is after day 0. From there on the date's next open minute, or the end of one; after its last the close.
    pub fn open_day_same_time(&self, at: Instant, days: usize) -> Option<Instant> {
        let (first, last, close) = self.open_dates(at, days)?;
        let shows = self.clock[self.index(at)].0;
        let midnights = first.until(shows.date()).unwrap().get_days().max(0);
        let wanted = last.checked_add(midnights.days()).unwrap().to_datetime(shows.time());
        let reached = self.clock.iter().position(|(_, furthest)| *furthest >= wanted)?.max(self.index(at));
        let open = &self.dates[&last];
        if open.contains(&reached) || reached.checked_sub(1).is_some_and(|before| open.contains(&before)) {
            return Some(self.instant(reached));
        }
        let opens = open.iter().find(|minute| **minute >= reached);
        Some(opens.map_or(Instant::from_second(close), |minute| self.instant(*minute)))
    }
}

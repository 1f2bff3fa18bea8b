//! Dates and times as FHIR writes them: to the year, month, day or second
//! (<https://hl7.org/fhir/R4/datatypes.html#dateTime>).

use jiff::Timestamp;
use jiff::civil::Date;

/// A date or time with the precision that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A year.
    Year(i16),
    /// A month of a year.
    Month(i16, i8),
    /// A day.
    Day(Date),
    /// An instant, and the day on which it falls where it was written.
    Instant(Timestamp, Date),
}

impl Moment {
    /// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or that with `Thh:mm:ss`, fractions and a zone offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !text.is_ascii() {
            return None;
        }
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let year = year(date.get(..4)?)?;
        let moment = match date.len() {
            4 => Self::Year(year),
            7 => {
                let month = two(date.get(4..)?.strip_prefix('-')?, 1, 12)?;
                Self::Month(year, month)
            }
            10 => {
                let (month, day) = date.get(4..)?.strip_prefix('-')?.split_once('-')?;
                Self::Day(Date::new(year, two(month, 1, 12)?, two(day, 1, 31)?).ok()?)
            }
            _ => return None,
        };
        match (time, moment) {
            (None, moment) => Some(moment),
            (Some(time), Self::Day(day)) => Some(Self::Instant(instant(day, time)?, day)),
            _ => None,
        }
    }

    /// Whether the moment is certainly later than the other, as far as both are told.
    pub(crate) fn is_after(self, other: Self) -> bool {
        if let (Self::Instant(own, _), Self::Instant(other, _)) = (self, other) {
            return own > other;
        }
        let (own, other) = (self.fields(), other.fields());
        let mut known = own.iter().zip(&other).take_while(|(a, b)| **a != 0 && **b != 0);
        known.find(|(a, b)| a != b).is_some_and(|(a, b)| a > b)
    }

    /// Year, month and day; 0 for what is not told.
    fn fields(self) -> [i16; 3] {
        match self {
            Self::Year(year) => [year, 0, 0],
            Self::Month(year, month) => [year, i16::from(month), 0],
            Self::Day(day) | Self::Instant(_, day) => [day.year(), i16::from(day.month()), i16::from(day.day())],
        }
    }
}

/// Four digits that are not all zero: there is no year 0.
fn year(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|year| digits && *year > 0)
}

/// Two digits within bounds.
fn two(text: &str, least: i8, most: i8) -> Option<i8> {
    let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && (least..=most).contains(number))
}

/// The instant of `hh:mm:ss[.fraction]` with `Z` or an offset on a day. A leap second counts as the second after it.
fn instant(day: Date, text: &str) -> Option<Timestamp> {
    let (clock, zone) = text.split_at(text.find(['Z', '+', '-'])?);
    let (hour, minute, second, nanosecond) = clock_time(clock)?;
    let leap = second == 60;
    // Whole seconds first: before 1970 those of a fraction would be counted the other way.
    let at = day.at(hour, minute, if leap { 59 } else { second }, 0);
    let seconds = jiff::tz::Offset::UTC.to_timestamp(at).ok()?.as_second() + i64::from(leap) - i64::from(offset(zone)?);
    Timestamp::new(seconds, nanosecond).ok()
}

/// The seconds of a zone offset: `Z` or `+hh:mm` up to 14 hours.
fn offset(zone: &str) -> Option<i32> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (i32::from(two(hours, 0, 14)?), i32::from(two(minutes, 0, 59)?));
    (hours < 14 || minutes == 0).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Hour, minute, second (60 for a leap second) and nanosecond of `hh:mm:ss[.fraction]`.
pub(super) fn clock_time(text: &str) -> Option<(i8, i8, i8, i32)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut parts = whole.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let nanosecond = fraction.map_or(Some(0), nanoseconds)?;
    Some((two(hour, 0, 23)?, two(minute, 0, 59)?, two(second, 0, 60)?, nanosecond))
}

/// The nanoseconds of the digits after the point; what is finer is cut off.
fn nanoseconds(digits: &str) -> Option<i32> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{digits:0<9.9}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_the_precision_they_are_written_in() {
        assert_eq!(Moment::parse("2026"), Some(Moment::Year(2026)));
        assert_eq!(Moment::parse("2026-06"), Some(Moment::Month(2026, 6)));
        assert_eq!(Moment::parse("2024-02-29"), Some(Moment::Day(jiff::civil::date(2024, 2, 29))));
        for bad in [
            "",
            "26",
            "0000",
            "2026-13",
            "2026-6",
            "2023-02-29",
            "2026-06-19T10:00",
            "2026-06-19T10:00:00",
            "2026-06T10:00:00Z",
            "２０２６",
        ] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_instant_is_the_same_in_every_zone() {
        let instant = |text: &str| match Moment::parse(text) {
            Some(Moment::Instant(at, _)) => at.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(instant("2026-06-19T17:30:00.5-04:00"), "2026-06-19T21:30:00.5Z");
        assert_eq!(instant("2026-06-20T11:30:00+14:00"), "2026-06-19T21:30:00Z");
        assert_eq!(instant("2016-12-31T23:59:60Z"), "2017-01-01T00:00:00Z");
        assert_eq!(instant("1969-12-31T18:59:59.25-05:00"), "1969-12-31T23:59:59.25Z");
        for bad in [
            "2026-06-19T24:00:00Z",
            "2026-06-19T10:00:00+14:30",
            "2026-06-19T10:00:00.Z",
            "2026-06-19T10:00:00z",
            "2026-06-19T1:00:00Z",
        ] {
            assert_eq!(Moment::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_moment_is_after_another_only_when_that_is_certain() {
        let after = |a: &str, b: &str| Moment::parse(a).unwrap().is_after(Moment::parse(b).unwrap());
        assert!(after("2027", "2026-12-31"));
        assert!(!after("2026", "2026-01-01") && !after("2026-01-01", "2026"));
        assert!(after("2026-06-19T10:00:00Z", "2026-06-19T11:00:00+02:00"));
        assert!(!after("2026-06-19", "2026-06-19T00:00:00Z"));
    }
}

//! Dates and times as intervals `[low, high)` of the precision they are written in
//! (<https://hl7.org/fhir/R4/search.html#date>). Those without a zone are in UTC.

use jiff::civil::{Date, date};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};

use crate::validate::Moment;

/// From the first moment of a date or time to the first moment after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: Timestamp,
    pub(crate) high: Timestamp,
}

impl Interval {
    /// The interval of a date or time in a resource.
    pub(super) fn stored(text: &str) -> Option<Self> {
        let moment = Moment::parse(text)?;
        let step = match moment {
            Moment::Instant(..) => step(text.split_once('T')?.1),
            _ => SignedDuration::ZERO,
        };
        Some(Self::of(moment, step))
    }

    /// The interval of a date or time in a query, which may leave seconds and zone out. A plus that was not
    /// percent-encoded arrives as a space; nothing else could have been meant by it.
    pub(crate) fn asked(text: &str) -> Option<Self> {
        let Some((day, time)) = text.split_once('T') else { return Self::stored(text) };
        let time = time.replace(' ', "+");
        let (clock, zone) = match time.find(['Z', '+', '-']) {
            Some(at) => time.split_at(at),
            None => (time.as_str(), "Z"),
        };
        let (step, seconds) = if clock.len() == 5 { (SignedDuration::from_mins(1), ":00") } else { (step(clock), "") };
        Some(Self::of(Moment::parse(&format!("{day}T{clock}{seconds}{zone}"))?, step))
    }

    /// The interval for `ap`, wider at each end by a tenth of the time between now and the value
    /// (<https://hl7.org/fhir/R4/search.html#prefix>).
    pub(super) fn widened(self, now: Timestamp) -> Self {
        let gap = if now < self.low {
            self.low.duration_since(now)
        } else if now > self.high {
            now.duration_since(self.high)
        } else {
            SignedDuration::ZERO
        };
        let tenth = SignedDuration::from_micros((gap.as_micros() / 10) as i64);
        Self {
            low: self.low.checked_sub(tenth).unwrap_or(Timestamp::MIN),
            high: self.high.checked_add(tenth).unwrap_or(Timestamp::MAX),
        }
    }

    /// The interval of a Period: what it leaves open goes on for ever.
    pub(super) fn period(start: Option<&str>, end: Option<&str>) -> Option<Self> {
        let (start, end) = (start.map(Self::stored), end.map(Self::stored));
        let low = match start {
            None => Timestamp::MIN,
            Some(read) => read?.low,
        };
        let high = match end {
            None => Timestamp::MAX,
            Some(read) => read?.high,
        };
        (start.is_some() || end.is_some()).then_some(Self { low, high })
    }

    /// `step` is how long a time lasts.
    fn of(moment: Moment, step: SignedDuration) -> Self {
        match moment {
            Moment::Year(year) => Self::between(date(year, 1, 1), year.checked_add(1).map(|next| (next, 1, 1))),
            Moment::Month(year, month) => {
                let next = if month == 12 { (year + 1, 1, 1) } else { (year, month + 1, 1) };
                Self::between(date(year, month, 1), Some(next))
            }
            Moment::Day(day) => {
                let next = day.tomorrow().ok().map(|next| (next.year(), next.month(), next.day()));
                Self::between(day, next)
            }
            Moment::Instant(at, _) => {
                let low =
                    Timestamp::from_microsecond(at.as_nanosecond().div_euclid(1000) as i64).unwrap_or(Timestamp::MIN);
                Self { low, high: low.checked_add(step).unwrap_or(Timestamp::MAX) }
            }
        }
    }

    /// What lies beyond the end of time ends with it.
    fn between(first: Date, next: Option<(i16, i8, i8)>) -> Self {
        let midnight = |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let next = next.and_then(|(year, month, day)| Date::new(year, month, day).ok());
        Self { low: midnight(first).unwrap_or(Timestamp::MAX), high: next.and_then(midnight).unwrap_or(Timestamp::MAX) }
    }
}

/// How long a time lasts that is written `hh:mm:ss` or with a fraction of so many digits. The store keeps microseconds,
/// so nothing is shorter.
fn step(time: &str) -> SignedDuration {
    let digits = time.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    let micros = 10_i64.pow(6_u32.saturating_sub(digits as u32));
    SignedDuration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(interval: Option<Interval>) -> String {
        interval.map_or_else(|| "none".to_owned(), |interval| format!("{} {}", interval.low, interval.high))
    }

    #[test]
    fn a_date_lasts_as_long_as_it_is_precise() {
        for (text, interval) in [
            ("2026", "2026-01-01T00:00:00Z 2027-01-01T00:00:00Z"),
            ("2026-12", "2026-12-01T00:00:00Z 2027-01-01T00:00:00Z"),
            ("2024-02", "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z 2024-03-01T00:00:00Z"),
            ("2026-06-19T17:30:00-04:00", "2026-06-19T21:30:00Z 2026-06-19T21:30:01Z"),
            ("2026-06-19T20:30:00.250Z", "2026-06-19T20:30:00.25Z 2026-06-19T20:30:00.251Z"),
            ("2026-06-19T20:30:00.2Z", "2026-06-19T20:30:00.2Z 2026-06-19T20:30:00.3Z"),
            ("2026-06-19T20:30:00.123456789Z", "2026-06-19T20:30:00.123456Z 2026-06-19T20:30:00.123457Z"),
            ("1969-12-31T23:59:59.1234567Z", "1969-12-31T23:59:59.123456Z 1969-12-31T23:59:59.123457Z"),
            ("0001", "0001-01-01T00:00:00Z 0002-01-01T00:00:00Z"),
        ] {
            assert_eq!(spell(Interval::stored(text)), interval, "{text}");
            assert_eq!(spell(Interval::asked(text)), interval, "{text}");
        }
    }

    #[test]
    fn a_query_may_leave_out_seconds_and_zone() {
        let minute = "2026-06-19T21:30:00Z 2026-06-19T21:31:00Z";
        for text in ["2026-06-19T21:30", "2026-06-19T21:30Z", "2026-06-19T17:30-04:00", "2026-06-19T23:30 02:00"] {
            assert_eq!(spell(Interval::asked(text)), minute, "{text}");
            assert_eq!(Interval::stored(text), None, "{text}");
        }
        let second = "2026-06-19T21:30:15Z 2026-06-19T21:30:16Z";
        for text in ["2026-06-19T21:30:15", "2026-06-19T23:30:15+02:00", "2026-06-19T23:30:15 02:00"] {
            assert_eq!(spell(Interval::asked(text)), second, "{text}");
        }
    }

    #[test]
    fn what_is_approximate_is_wider_the_farther_away_it_is() {
        let now: Timestamp = "2026-06-19T00:00:00Z".parse().unwrap();
        let wide = |text| spell(Interval::asked(text).map(|own| own.widened(now)));
        assert_eq!(wide("2026-06-09"), "2026-06-08T02:24:00Z 2026-06-10T21:36:00Z", "nine days ago: 21.6 hours");
        assert_eq!(wide("2026-06-29"), "2026-06-28T00:00:00Z 2026-07-01T00:00:00Z", "in ten days: a day");
        assert_eq!(wide("2026-06-19"), "2026-06-19T00:00:00Z 2026-06-20T00:00:00Z");
        assert_eq!(wide("9999").split(' ').next_back(), Some(Timestamp::MAX.to_string().as_str()));
    }

    #[test]
    fn a_period_goes_on_where_it_is_open() {
        let own = |start, end| spell(Interval::period(start, end));
        assert_eq!(own(Some("2026-06-19"), Some("2026-06")), "2026-06-19T00:00:00Z 2026-07-01T00:00:00Z");
        assert_eq!(own(None, Some("2026")), format!("{} 2027-01-01T00:00:00Z", Timestamp::MIN));
        assert_eq!(own(Some("2026"), None), format!("2026-01-01T00:00:00Z {}", Timestamp::MAX));
        assert_eq!((own(None, None), own(Some("soon"), None)), ("none".to_owned(), "none".to_owned()));
    }

    #[test]
    fn the_last_dates_end_where_time_ends() {
        for text in ["9999", "9999-12", "9999-12-31"] {
            let interval = Interval::asked(text).unwrap();
            assert_eq!(interval.high, Timestamp::MAX, "{text}");
            assert!(interval.low <= interval.high, "{text}");
        }
        assert_eq!(Interval::asked("9999-12-31T23:59:59-14:00"), None, "no clock here can say it");
    }

    #[test]
    fn what_is_no_date_has_no_interval() {
        for text in [
            "",
            "T",
            "2026-",
            "2026-13",
            "0000",
            "9999-99",
            "2026-02-30",
            "2026-06-19T",
            "2026-06-19T10",
            "2026-06-19T1:30",
            "2026-06-19T10:30:",
            "2026-06-19T25:00",
            "2026-06-19T10:30+15:00",
            "2026-06-19T10:30ZZ",
            "yesterday",
            "20260619",
        ] {
            assert_eq!(Interval::asked(text), None, "{text}");
        }
    }
}

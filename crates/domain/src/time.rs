//! Instants and open durations: whole seconds, because every policy speaks in whole seconds.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where the time comes from: the machine's clock, or a movable one in demonstrations and tests. Everything that asks
/// what time it is asks this, token checks included, so that one clock governs the whole service.
pub trait TimeSource: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A policy instant: whole seconds since the Unix epoch in UTC. Finer times are truncated on entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(i64);

impl Instant {
    /// The instant `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_second(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn as_second(self) -> i64 {
        self.0
    }

    /// This instant moved by a number of elapsed (wall-clock) seconds, saturating at the ends of time.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Elapsed seconds from `earlier` to this instant; negative when `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant as a `jiff` timestamp, clamped to the years that `jiff` can say.
    pub fn timestamp(self) -> Timestamp {
        let clamped = self.0.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(clamped).unwrap_or(Timestamp::MAX)
    }
}

impl From<Timestamp> for Instant {
    /// Truncates towards the past, so that an instant is never later than the moment it stands for.
    fn from(at: Timestamp) -> Self {
        let second = at.as_second();
        Self(if at.subsec_nanosecond() < 0 { second - 1 } else { second })
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.timestamp())
    }
}

impl FromStr for Instant {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant = if is_rfc_3339(&text) { text.parse().ok() } else { None };
        instant.ok_or_else(|| serde::de::Error::custom("an RFC 3339 instant such as 2026-06-19T21:30:00Z is expected"))
    }
}

/// Whether a text has the shape of a `date-time` (<https://www.rfc-editor.org/rfc/rfc3339#section-5.6>); `jiff` alone
/// reads more forms than documents should hold.
fn is_rfc_3339(text: &str) -> bool {
    let shaped = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                like => byte == like,
            })
    };
    let (Some(time), Some(rest)) = (text.get(..19), text.get(19..)) else { return false };
    let fraction = rest.strip_prefix('.').map_or(0, |rest| 1 + rest.bytes().take_while(u8::is_ascii_digit).count());
    let zone = &rest[fraction..];
    shaped(time, "0000-00-00T00:00:00")
        && fraction != 1
        && (zone == "Z" || shaped(zone, "+00:00") || shaped(zone, "-00:00"))
}

/// An amount of time in whole seconds, said in ISO 8601 (`PT4H`, `P5D`, `PT30M`). Whether the seconds are open time or
/// elapsed time is said by whatever holds it; a day written `P1D` counts 24 hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// The longest span that can be written down: 114 years, so that what is written can always be read again.
    pub const LONGEST: Self = Self(999_999 * 3600);

    /// A span of that many seconds; negative amounts become zero.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(if seconds < 0 { 0 } else { seconds })
    }

    /// A span of that many hours.
    pub const fn hours(hours: i64) -> Self {
        Self::from_seconds(hours * 3600)
    }

    /// The span in seconds; never negative.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// What is left after taking `used` away; never below zero.
    #[must_use]
    pub const fn less(self, used: Self) -> Self {
        Self::from_seconds(self.0.saturating_sub(used.0))
    }

    /// The sum of two spans.
    #[must_use]
    pub const fn and(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", SignedDuration::from_secs(self.0))
    }
}

impl FromStr for Span {
    type Err = &'static str;

    /// Reads the forms a policy bundle may use: days, hours, minutes and seconds, each at most once and in that order,
    /// and at most [`Span::LONGEST`] altogether.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str = "an ISO 8601 duration such as PT4H, PT30M or P5D, of at most 999999 hours, is expected";
        let rest = text.strip_prefix('P').filter(|rest| !rest.is_empty()).ok_or(EXPECTED)?;
        let (days, time) = match rest.split_once('T') {
            Some((_, "")) => return Err(EXPECTED),
            Some((days, time)) => (days, time),
            None => (rest, ""),
        };
        let mut total = units(days, &[('D', 86_400)]).ok_or(EXPECTED)?;
        total += units(time, &[('H', 3600), ('M', 60), ('S', 1)]).ok_or(EXPECTED)?;
        if total <= Self::LONGEST.0 { Ok(Self(total)) } else { Err(EXPECTED) }
    }
}

fn units(mut text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut total = 0_i64;
    for (letter, seconds) in units {
        if let Some((amount, rest)) = text.split_once(*letter) {
            if amount.is_empty() || amount.len() > 6 || !amount.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            total += amount.parse::<i64>().ok()? * seconds;
            text = rest;
        }
    }
    text.is_empty().then_some(total)
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_truncated_to_the_second_also_before_1970() {
        let at = |text: &str| text.parse::<Instant>().unwrap().as_second();
        assert_eq!(at("2026-06-19T20:30:00.999Z"), at("2026-06-19T20:30:00Z"));
        assert_eq!(at("1969-12-31T23:59:59.5Z"), -1);
    }

    #[test]
    fn a_document_holds_instants_as_rfc_3339_writes_them() {
        let read = |text: &str| serde_json::from_value::<Instant>(text.into());
        for good in ["2026-06-19T21:30:00Z", "2026-06-19T17:30:00-04:00", "2026-06-19T21:30:00.25Z"] {
            assert!(read(good).is_ok(), "{good}");
        }
        for bad in [
            "2026-06-19",
            "2026-06-19 21:30:00Z",
            "2026-06-19T21:30Z",
            "2026-06-19T21:30:00",
            "2026-06-19T21:30:00.Z",
            "2026-02-30T21:30:00Z",
            "2026-06-19T21:30:00+04",
            "2026-06-19T21:30:00Z[UTC]",
            "\u{e9}\u{e9}\u{e9}",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_span_reads_and_writes_iso_8601() {
        for (text, seconds) in [("PT4H", 14_400), ("PT30M", 1800), ("P5D", 432_000), ("P1DT1H2M3S", 90_123)] {
            assert_eq!(text.parse::<Span>().unwrap().seconds(), seconds, "{text}");
        }
        assert_eq!(Span::hours(27).to_string(), "PT27H");
        assert_eq!("PT999999H".parse::<Span>().unwrap(), Span::LONGEST);
        for bad in ["", "P", "PT", "4H", "PT4", "PT4M3H", "P1W", "PT-4H", "PT1.5H", "P1DT", "PT1000000H", "P41667D"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
    }
}

//! A [Period](https://hl7.org/fhir/R4/datatypes.html#Period) whose ends may be as coarse as a year.

use domain::time::Instant;
use fhir_model::When;
use jiff::tz::TimeZone;

use crate::healthcare_service::period;
use crate::json::Value;
use crate::validate::Moment;

/// A Period as it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Period {
    start: Option<When>,
    end: Option<When>,
}

impl Period {
    /// The `period` of an element; without one it is for ever.
    pub(crate) fn of(element: Value<'_>) -> Self {
        let bound = |name: &str| element.text(name).and_then(|text| Moment::parse(&text)).map(when);
        Self { start: bound("period.start"), end: bound("period.end") }
    }

    /// When it begins, in that zone.
    pub(crate) fn from(self, zone: &TimeZone) -> Option<Instant> {
        self.start.and_then(|when| period(when, zone, false))
    }

    /// When it is over, in that zone: after the whole of the year, month or day that it ends with.
    pub(crate) fn until(self, zone: &TimeZone) -> Option<Instant> {
        self.end.and_then(|when| period(when, zone, true))
    }

    /// Whether an instant is in it.
    pub(crate) fn contains(self, at: Instant, zone: &TimeZone) -> bool {
        self.from(zone).is_none_or(|from| from <= at) && self.until(zone).is_none_or(|until| at < until)
    }
}

fn when(moment: Moment) -> When {
    match moment {
        Moment::Year(year) => When::Year(i32::from(year)),
        Moment::Month(year, month) => When::Month(i32::from(year), month.unsigned_abs()),
        Moment::Day(day) => When::Day(i32::from(day.year()), day.month().unsigned_abs(), day.day().unsigned_abs()),
        Moment::Instant(at, _) => When::Instant(at.as_second()),
    }
}

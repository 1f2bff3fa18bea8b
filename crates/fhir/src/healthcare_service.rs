//! A [HealthcareService](https://hl7.org/fhir/R4/healthcareservice.html) as a pool: its hours as a calendar.
//!
//! `availableTime` gives the shifts of a week, `notAvailable` the dates and stretches on which it is closed after all,
//! and the standard extension `timezone` the zone of both. FHIR has no zone of its own here, so without the extension
//! the hours mean nothing and are refused.

mod absence;
mod week;

use domain::calendar::{CalendarSpec, Closure, DateException, Hours, WeeklyShifts, zone_named};
use domain::time::Instant;
use fhir_model::ServiceHours;

use crate::canonical::TIMEZONE;
use crate::issue::{Issue, IssueCode};
use crate::resource::Document;

pub(crate) use absence::period;

/// What a HealthcareService says about when it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// Its name for people.
    pub name: Option<String>,
    /// Whether it is in use; a service that does not say is.
    pub is_active: bool,
    /// The IANA zone of its hours; always there when `hours`, `exceptions` or `closures` hold anything.
    pub timezone: Option<String>,
    /// Its hours in an ordinary week; none when it leaves them to the policy.
    pub hours: Option<Hours>,
    /// The dates on which it is closed.
    pub exceptions: Vec<DateException>,
    /// The stretches of time in which it is closed.
    pub closures: Vec<Closure>,
    /// Every absence as the instants from and until which it lasts, in the order in which they are written.
    pub absences: Vec<(Instant, Instant)>,
}

impl Availability {
    /// Reads the hours off a valid HealthcareService.
    ///
    /// # Errors
    /// Every issue with them: no zone, an unknown one, a shift without an end, an absence that ends before it starts.
    pub fn read(service: &Document) -> Result<Self, Vec<Issue>> {
        let hours = fhir_model::service_hours(service.text())
            .map_err(|error| vec![Issue::error(IssueCode::Value, error.to_string()).at("HealthcareService")])?;
        Self::of(&hours, "HealthcareService")
    }

    /// The hours as a resource of the type named `kind` says them.
    ///
    /// # Errors
    /// As for [`Availability::read`].
    pub(crate) fn of(hours: &ServiceHours, kind: &str) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let zone = zone(hours, kind, &mut issues);
        let shifts = week::shifts(&hours.available, kind, &mut issues);
        let known = zone.as_ref().map(|(_, zone)| zone);
        let absences = absence::read(&hours.not_available, kind, known, &mut issues);
        if !issues.is_empty() {
            return Err(issues);
        }
        Ok(Self {
            name: hours.name.clone(),
            is_active: hours.active.unwrap_or(true),
            timezone: zone.map(|(name, _)| name),
            hours: (!hours.available.is_empty()).then(|| week::hours(shifts)),
            exceptions: absences.exceptions,
            closures: absences.closures,
            absences: absences.stretches,
        })
    }

    /// The calendar of that id which the service keeps: its own hours or else those of the fallback, less its absences.
    /// None when neither has hours, or when it has nothing to say that the fallback does not.
    pub fn calendar(&self, id: &str, fallback: Option<&CalendarSpec>) -> Option<CalendarSpec> {
        let mut calendar = match (&self.hours, &self.timezone, fallback) {
            (Some(hours), Some(timezone), _) => CalendarSpec {
                combined: vec![],
                id: id.to_owned(),
                timezone: timezone.clone(),
                hours: hours.clone(),
                holiday_sets: Vec::new(),
                exceptions: Vec::new(),
                closures: Vec::new(),
            },
            (_, _, Some(fallback)) if self.has_absences() => CalendarSpec { id: id.to_owned(), ..fallback.clone() },
            _ => return None,
        };
        calendar.exceptions.extend(self.exceptions.iter().cloned());
        calendar.closures.extend(self.closures.iter().cloned());
        Some(calendar)
    }

    fn has_absences(&self) -> bool {
        !self.exceptions.is_empty() || !self.closures.is_empty()
    }
}

/// The resource's zone, which it must have when it speaks of times.
fn zone(hours: &ServiceHours, kind: &str, issues: &mut Vec<Issue>) -> Option<(String, jiff::tz::TimeZone)> {
    let Some(name) = &hours.timezone else {
        if !hours.available.is_empty() || !hours.not_available.is_empty() {
            let message = format!(
                "the hours have no time zone: add the extension {TIMEZONE} with a valueCode such as America/New_York"
            );
            issues.push(Issue::error(IssueCode::Required, message).at(format!("{kind}.extension")));
        }
        return None;
    };
    let Some(zone) = zone_named(name) else {
        let message = "the time zone is not known: use an IANA name such as America/New_York";
        let place = format!("{kind}.extension.where(url='{TIMEZONE}').value");
        issues.push(Issue::error(IssueCode::Value, message).at(place));
        return None;
    };
    Some((name.clone(), zone))
}

/// The shifts of one week, as they are compiled.
type Week = Vec<WeeklyShifts>;

#[cfg(test)]
mod tests;

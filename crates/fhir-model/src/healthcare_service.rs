//! When a [HealthcareService](https://hl7.org/fhir/R4/healthcareservice.html) is open, and when somebody in a
//! [PractitionerRole](https://hl7.org/fhir/R4/practitionerrole.html) is there: both say it in the same words.

use fhir_sdk::r4b::codes::DaysOfWeek;
use fhir_sdk::r4b::resources::{
    HealthcareService, HealthcareServiceAvailableTime, HealthcareServiceNotAvailable, PractitionerRole,
    PractitionerRoleAvailableTime, PractitionerRoleNotAvailable, Resource,
};
use fhir_sdk::r4b::types::{Extension, ExtensionValue, Period};
use fhir_sdk::{Date, DateTime, Time};

use crate::{ModelError, read};

/// The standard extension that says in which zone the times are meant.
const TIMEZONE: &str = "http://hl7.org/fhir/StructureDefinition/timezone";

/// What a HealthcareService or a PractitionerRole says of itself and its hours, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceHours {
    /// `name`; a role has none.
    pub name: Option<String>,
    /// `active`
    pub active: Option<bool>,
    /// The IANA name of the zone of all local times, from the standard extension on the resource.
    pub timezone: Option<String>,
    /// `availableTime`
    pub available: Vec<AvailableTime>,
    /// `notAvailable`
    pub not_available: Vec<NotAvailable>,
}

/// An entry of `availableTime`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailableTime {
    /// `daysOfWeek`; empty when it says nothing of days.
    pub days: Vec<Weekday>,
    /// `allDay`
    pub all_day: bool,
    /// `availableStartTime`
    pub start: Option<TimeOfDay>,
    /// `availableEndTime`
    pub end: Option<TimeOfDay>,
}

/// An entry of `notAvailable`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotAvailable {
    /// `description`
    pub description: String,
    /// Whether there is a `during`.
    pub has_period: bool,
    /// `during.start`
    pub start: Option<When>,
    /// `during.end`
    pub end: Option<When>,
}

/// A time of day in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOfDay {
    /// Seconds after 00:00:00, up to 86 399.
    pub seconds: u32,
}

/// A date or time with the precision in which it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// A year.
    Year(i32),
    /// A month, from 1, of a year.
    Month(i32, u8),
    /// Year, month and day.
    Day(i32, u8, u8),
    /// Whole seconds since 1970-01-01T00:00:00Z.
    Instant(i64),
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

/// Reads the hours off a HealthcareService.
///
/// # Errors
/// The text is none.
pub fn service_hours(text: &str) -> Result<ServiceHours, ModelError> {
    match read(text)? {
        Resource::HealthcareService(service) => Ok(hours(&service)),
        _ => Err(ModelError::OtherType),
    }
}

fn hours(service: &HealthcareService) -> ServiceHours {
    ServiceHours {
        name: service.name.clone(),
        active: service.active,
        timezone: timezone(&service.extension),
        available: service.available_time.iter().flatten().map(available_time).collect(),
        not_available: service.not_available.iter().flatten().map(not_available).collect(),
    }
}

/// What a PractitionerRole says of its time, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleHours {
    /// `availableTime`, `notAvailable`, `active` and the zone.
    pub hours: ServiceHours,
    /// `period.start`
    pub start: Option<When>,
    /// `period.end`
    pub end: Option<When>,
}

/// Reads the hours off a PractitionerRole.
///
/// # Errors
/// The text is none.
pub fn role_hours(text: &str) -> Result<RoleHours, ModelError> {
    match read(text)? {
        Resource::PractitionerRole(role) => Ok(of_role(&role)),
        _ => Err(ModelError::OtherType),
    }
}

fn of_role(role: &PractitionerRole) -> RoleHours {
    let bound = |of: fn(&Period) -> Option<&DateTime>| role.period.as_ref().and_then(of).map(when);
    RoleHours {
        hours: ServiceHours {
            name: None,
            active: role.active,
            timezone: timezone(&role.extension),
            available: role.available_time.iter().flatten().map(available_time_of_role).collect(),
            not_available: role.not_available.iter().flatten().map(not_available_of_role).collect(),
        },
        start: bound(|period| period.start.as_ref()),
        end: bound(|period| period.end.as_ref()),
    }
}

fn timezone(extensions: &[Extension]) -> Option<String> {
    let timezone = extensions.iter().find(|extension| extension.url == TIMEZONE)?;
    match &timezone.value {
        Some(ExtensionValue::Code(zone) | ExtensionValue::String(zone)) => Some(zone.clone()),
        _ => None,
    }
}

/// The model has types of its own for the same words in each resource.
macro_rules! entries {
    ($available:ident of $Available:ident, $not:ident of $Not:ident) => {
        fn $available(entry: &$Available) -> AvailableTime {
            AvailableTime {
                days: entry.days_of_week.iter().flatten().map(|day| weekday(*day)).collect(),
                all_day: entry.all_day.unwrap_or(false),
                start: entry.available_start_time.as_ref().map(time_of_day),
                end: entry.available_end_time.as_ref().map(time_of_day),
            }
        }

        fn $not(entry: &$Not) -> NotAvailable {
            let bound = |of: fn(&Period) -> Option<&DateTime>| entry.during.as_ref().and_then(of).map(when);
            NotAvailable {
                description: entry.description.clone(),
                has_period: entry.during.is_some(),
                start: bound(|period| period.start.as_ref()),
                end: bound(|period| period.end.as_ref()),
            }
        }
    };
}
entries!(available_time of HealthcareServiceAvailableTime, not_available of HealthcareServiceNotAvailable);
entries!(available_time_of_role of PractitionerRoleAvailableTime, not_available_of_role of PractitionerRoleNotAvailable);

fn weekday(day: DaysOfWeek) -> Weekday {
    match day {
        DaysOfWeek::Mon => Weekday::Mon,
        DaysOfWeek::Tue => Weekday::Tue,
        DaysOfWeek::Wed => Weekday::Wed,
        DaysOfWeek::Thu => Weekday::Thu,
        DaysOfWeek::Fri => Weekday::Fri,
        DaysOfWeek::Sat => Weekday::Sat,
        DaysOfWeek::Sun => Weekday::Sun,
    }
}

fn time_of_day(time: &Time) -> TimeOfDay {
    let (hour, minute, second) = time.0.as_hms();
    TimeOfDay { seconds: u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second) }
}

fn when(time: &DateTime) -> When {
    match time {
        DateTime::Date(Date::Year(year)) => When::Year(*year),
        DateTime::Date(Date::YearMonth(year, month)) => When::Month(*year, *month as u8),
        DateTime::Date(Date::Date(date)) => When::Day(date.year(), date.month() as u8, date.day()),
        DateTime::DateTime(instant) => When::Instant(instant.0.unix_timestamp()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLINIC: &str = r#"{"resourceType":"HealthcareService","active":true,"name":"Family medicine",
        "extension":[{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"America/New_York"}],
        "availableTime":[{"daysOfWeek":["mon","fri"],"availableStartTime":"08:00:00","availableEndTime":"17:00:00"},{"allDay":true}],
        "notAvailable":[{"description":"Juneteenth","during":{"start":"2026-06-19","end":"2026-06-19"}},
                        {"description":"move","during":{"start":"2026-07","end":"2026-08-01T12:00:00-04:00"}},{"description":"whenever"}]}"#;

    #[test]
    fn hours_are_read_as_they_are_written() {
        let hours = service_hours(CLINIC).unwrap();
        assert_eq!(hours.timezone.as_deref(), Some("America/New_York"));
        assert_eq!((hours.name.as_deref(), hours.active), (Some("Family medicine"), Some(true)));
        let start = Some(TimeOfDay { seconds: 8 * 3600 });
        let weekdays = AvailableTime {
            days: vec![Weekday::Mon, Weekday::Fri],
            all_day: false,
            start,
            end: Some(TimeOfDay { seconds: 17 * 3600 }),
        };
        assert_eq!(hours.available, [weekdays, AvailableTime { all_day: true, ..AvailableTime::default() }]);
        let day = Some(When::Day(2026, 6, 19));
        let absence = |description: &str, start, end| NotAvailable {
            description: description.to_owned(),
            has_period: true,
            start,
            end,
        };
        assert_eq!(hours.not_available[0], absence("Juneteenth", day, day));
        assert_eq!(
            hours.not_available[1],
            absence("move", Some(When::Month(2026, 7)), Some(When::Instant(1_785_600_000)))
        );
        assert!(!hours.not_available[2].has_period);
    }

    #[test]
    fn a_role_says_its_hours_in_the_same_words() {
        let role = CLINIC.replace("HealthcareService", "PractitionerRole").replace(r#""name":"Family medicine","#, "");
        let mut of_service = service_hours(CLINIC).unwrap();
        of_service.name = None;
        let role = role.replacen('{', r#"{"period":{"start":"2026-01-01","end":"2026-12"},"#, 1);
        let hours = role_hours(&role).unwrap();
        assert_eq!(hours.hours, of_service);
        assert_eq!((hours.start, hours.end), (Some(When::Day(2026, 1, 1)), Some(When::Month(2026, 12))));
        assert_eq!(role_hours(CLINIC), Err(ModelError::OtherType));
    }

    #[test]
    fn another_resource_is_no_service() {
        assert_eq!(service_hours(r#"{"resourceType":"Patient"}"#), Err(ModelError::OtherType));
        assert!(matches!(service_hours("{"), Err(ModelError::Unreadable { .. })));
    }
}

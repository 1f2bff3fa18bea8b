use domain::calendar::{Calendar, Day, Shift, WallTime};
use domain::id::ResourceType;
use domain::time::Instant;

use super::*;

fn read(members: &str) -> Result<Availability, Vec<Issue>> {
    let text = format!(r#"{{"resourceType":"HealthcareService","name":"Family medicine"{members}}}"#);
    Availability::read(&Document::parse(text.as_bytes(), ResourceType::HealthcareService).unwrap())
}

const NEW_YORK: &str =
    r#","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"America/New_York"}]"#;

fn in_new_york(members: &str) -> Result<Availability, Vec<Issue>> {
    read(&format!("{NEW_YORK}{members}"))
}

const OFFICE: &str = r#","availableTime":[{"daysOfWeek":["mon","tue","wed","thu","fri"],"availableStartTime":"08:00:00","availableEndTime":"17:00:00"}]"#;

fn shift(start: u32, end: u32, ends_next_day: bool) -> Shift {
    let hour = |hour: u32| WallTime::from_seconds(hour * 3600).unwrap();
    Shift { start: hour(start), end: hour(end), ends_next_day }
}

#[test]
fn office_hours_become_a_week_of_shifts() {
    let service = in_new_york(OFFICE).unwrap();
    assert!(service.is_active);
    let calendar = service.calendar("family-medicine", None).unwrap();
    assert_eq!((calendar.id.as_str(), calendar.timezone.as_str()), ("family-medicine", "America/New_York"));
    let days = vec![Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    assert_eq!(calendar.hours, Hours::Weekly(vec![WeeklyShifts { days, shifts: vec![shift(8, 17, false)] }]));
    assert_eq!(calendar.faults(&[]), []);
}

#[test]
fn an_end_before_the_start_is_on_the_next_day() {
    let night = r#","availableTime":[{"daysOfWeek":["sat"],"availableStartTime":"22:00:00","availableEndTime":"06:00:00"},
        {"daysOfWeek":["sun"],"availableStartTime":"12:00:00","availableEndTime":"00:00:00"}]"#;
    let Some(Hours::Weekly(week)) = in_new_york(night).unwrap().hours else { panic!() };
    assert_eq!(week[0].shifts, [shift(22, 6, true)]);
    assert_eq!(week[1].shifts, [shift(12, 0, true)]);
}

#[test]
fn all_day_on_every_day_is_always_open() {
    assert_eq!(in_new_york(r#","availableTime":[{"allDay":true}]"#).unwrap().hours, Some(Hours::AlwaysOpen));
    let weekend = in_new_york(r#","availableTime":[{"allDay":true,"daysOfWeek":["sat","sun"]}]"#).unwrap();
    let Some(Hours::Weekly(week)) = weekend.hours else { panic!() };
    assert_eq!(week[0].shifts, [shift(0, 24, false)]);
}

#[test]
fn hours_without_a_known_zone_are_refused_with_the_remedy() {
    let issues = read(OFFICE).unwrap_err();
    assert_eq!((issues.len(), issues[0].code), (1, IssueCode::Required));
    assert!(issues[0].message.contains(TIMEZONE), "{}", issues[0].message);
    let elsewhere =
        r#","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"America/Atlantis"}]"#;
    let issues = read(&format!("{elsewhere}{OFFICE}")).unwrap_err();
    assert_eq!((issues.len(), issues[0].code), (1, IssueCode::Value));
    assert!(read("").unwrap().calendar("x", None).is_none());
}

#[test]
fn hours_that_can_not_be_meant_are_refused_where_they_stand() {
    for entry in [
        r#"{"daysOfWeek":["mon"]}"#,
        r#"{"availableStartTime":"08:00:00"}"#,
        r#"{"availableStartTime":"08:00:00","availableEndTime":"08:00:00"}"#,
    ] {
        let issues = in_new_york(&format!(r#","availableTime":[{{"allDay":true}},{entry}]"#)).unwrap_err();
        assert_eq!(issues[0].expression.as_deref(), Some("HealthcareService.availableTime[1]"), "{entry}");
    }
    for during in ["", r#","during":{"start":"2026-06-19T10:00:00Z","end":"2026-06-19T10:00:00Z"}"#] {
        let issues = in_new_york(&format!(r#","notAvailable":[{{"description":"x"{during}}}]"#)).unwrap_err();
        assert_eq!(issues[0].expression.as_deref(), Some("HealthcareService.notAvailable[0].during"), "{during}");
    }
}

#[test]
fn absences_close_dates_and_stretches_of_time() {
    let absences = r#","notAvailable":[{"description":"Juneteenth","during":{"start":"2026-06-19","end":"2026-06-19"}},
        {"description":"July","during":{"start":"2026-07","end":"2026-07"}},
        {"description":"training","during":{"start":"2026-06-18T12:00:00-04:00","end":"2026-06-18T13:00:00-04:00"}},
        {"description":"for good","during":{"start":"2027-01-01"}}]"#;
    let service = in_new_york(&format!("{OFFICE}{absences}")).unwrap();
    let dates: Vec<_> = service.exceptions.iter().map(|own| (own.from.to_string(), own.to.to_string())).collect();
    assert_eq!(dates[0], ("2026-06-19".to_owned(), "2026-06-19".to_owned()));
    assert_eq!(dates[1], ("2026-07-01".to_owned(), "2026-07-31".to_owned()));
    let closed: Vec<_> = service.closures.iter().map(|own| own.from.to_string()).collect();
    assert_eq!(closed, ["2026-06-18T16:00:00Z", "2027-01-01T05:00:00Z"]);

    let spec = service.calendar("x", None).unwrap();
    assert_eq!(spec.faults(&[]), []);
    let at = |text: &str| text.parse::<Instant>().unwrap();
    let calendar = Calendar::compile(&spec, &[], at("2026-06-17T00:00:00Z")).unwrap();
    assert!(calendar.is_open(at("2026-06-18T15:59:59Z")) && !calendar.is_open(at("2026-06-18T16:00:00Z")));
    assert!(!calendar.is_open(at("2026-06-19T15:00:00Z")) && calendar.is_open(at("2026-06-22T15:00:00Z")));
    assert!(!calendar.is_open(at("2027-01-04T15:00:00Z")));
}

#[test]
fn absences_alone_are_taken_off_the_policys_hours() {
    let fallback = in_new_york(OFFICE).unwrap().calendar("policy", None).unwrap();
    let service =
        in_new_york(r#","notAvailable":[{"description":"x","during":{"start":"2026-06-19","end":"2026-06-19"}}]"#)
            .unwrap();
    let calendar = service.calendar("pool", Some(&fallback)).unwrap();
    assert_eq!((calendar.id.as_str(), calendar.exceptions.len()), ("pool", 1));
    assert_eq!(calendar.hours, fallback.hours);
    assert!(in_new_york("").unwrap().calendar("pool", Some(&fallback)).is_none());
}

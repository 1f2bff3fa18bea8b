use domain::id::ResourceType;

use super::*;

const NEW_YORK: &str =
    r#","extension":[{"url":"http://hl7.org/fhir/StructureDefinition/timezone","valueCode":"America/New_York"}]"#;

fn read(members: &str) -> Result<Working, Vec<Issue>> {
    let text = format!(
        r#"{{"resourceType":"PractitionerRole","id":"lee-family","practitioner":{{"reference":"Practitioner/lee"}},
            "healthcareService":[{{"reference":"HealthcareService/family"}}]{members}}}"#
    );
    Working::read(&Document::parse(text.as_bytes(), ResourceType::PractitionerRole).unwrap())
}

fn absent(extension: &str) -> String {
    format!(
        r#","notAvailable":[{{"description":"away"{extension},"during":{{"start":"2026-06-22","end":"2026-06-26"}}}}]"#
    )
}

fn covered(by: &str) -> String {
    format!(r#","extension":[{{"url":"{COVERED_BY}","valueReference":{{"reference":"{by}"}}}}]"#)
}

#[test]
fn a_role_says_who_answers_where_and_until_when() {
    let working = read(&format!(r#"{NEW_YORK},"period":{{"start":"2026-01-01","end":"2026-06-30"}}"#)).unwrap();
    assert_eq!(working.practitioner.as_ref().unwrap().to_string(), "Practitioner/lee");
    assert_eq!(working.services[0].to_string(), "HealthcareService/family");
    assert_eq!(working.until.unwrap().to_string(), "2026-07-01T04:00:00Z");
    let key = Key::new(ResourceType::PractitionerRole, "lee-family".parse().unwrap());
    assert!(working.role(&key, Version::FIRST).unwrap().calendar.is_none(), "the pool's hours count");
    let retired = read(r#","active":false"#).unwrap();
    assert!(retired.role(&key, Version::FIRST).is_none());
}

#[test]
fn an_absence_is_the_stretch_of_its_local_dates_with_its_cover() {
    let working = read(&format!("{NEW_YORK}{}", absent(&covered("Practitioner/ray")))).unwrap();
    let key = Key::new(ResourceType::PractitionerRole, "lee-family".parse().unwrap());
    let absences = working.absences(&key, &mut Ids::new(Instant::from_second(0), 1));
    assert_eq!(absences.len(), 1);
    let told = (absences[0].from.to_string(), absences[0].until.to_string());
    assert_eq!(told, ("2026-06-22T04:00:00Z".to_owned(), "2026-06-27T04:00:00Z".to_owned()));
    assert_eq!(absences[0].cover.as_ref().unwrap().to_string(), "Practitioner/ray");
    assert_eq!(absences[0].person.to_string(), "PractitionerRole/lee-family");
}

#[test]
fn the_cover_of_the_role_counts_where_an_absence_names_nobody() {
    let both = NEW_YORK.replace(
        "}]",
        &format!(r#"}},{{"url":"{COVERED_BY}","valueReference":{{"reference":"PractitionerRole/ray-family"}}}}]"#),
    );
    let working = read(&format!("{both}{}", absent(""))).unwrap();
    assert_eq!(working.covers[0].as_ref().unwrap().to_string(), "PractitionerRole/ray-family");
    let named = read(&format!("{both}{}", absent(&covered("Practitioner/kim")))).unwrap();
    assert_eq!(named.covers[0].as_ref().unwrap().to_string(), "Practitioner/kim");
}

#[test]
fn hours_of_a_role_without_a_zone_are_refused_with_the_remedy() {
    for members in [absent(""), r#","availableTime":[{"allDay":true}]"#.to_owned()] {
        let issues = read(&members).unwrap_err();
        assert_eq!(issues[0].expression.as_deref(), Some("PractitionerRole.extension"), "{members}");
        assert!(issues[0].message.contains("timezone"), "{}", issues[0].message);
    }
}

#[test]
fn a_cover_that_cannot_cover_is_refused_where_it_stands() {
    for by in ["Practitioner/lee", "PractitionerRole/lee-family", "Patient/p", "HealthcareService/family"] {
        let issues = read(&format!("{NEW_YORK}{}", absent(&covered(by)))).unwrap_err();
        let place = issues[0].expression.as_deref().unwrap();
        assert!(place.starts_with("PractitionerRole.notAvailable[0].extension"), "{place}");
    }
}

use domain::id::ResourceType;

use super::*;

macro_rules! example {
    ($name:literal) => {
        include_str!(concat!("../../../tests/examples/", $name, ".json"))
    };
}

fn spelled(text: &str, kind: ResourceType) -> Vec<String> {
    let document = Document::stored(text, kind).unwrap();
    let spell = |own: SearchValue| match own.value {
        Indexed::Token { system: Some(system), code } => format!("{} {system}|{code}", own.param),
        Indexed::Token { system: None, code } => format!("{} {code}", own.param),
        Indexed::Reference(to) => format!("{} {to}", own.param),
        Indexed::Date { low, high } => format!("{} {low} {high}", own.param),
        Indexed::Text(text) => format!("{} ~{text}", own.param),
        Indexed::Identifier { system, value } => format!("{} #{}|{value}", own.param, system.unwrap_or_default()),
    };
    values(&document).into_iter().map(spell).collect()
}

fn message(text: &str) -> Vec<String> {
    spelled(text, ResourceType::Communication)
}

const CATEGORY: &str = "https://postern.example/CodeSystem/message-category";

#[test]
fn a_refill_is_found_by_its_patient_pool_category_and_identifier() {
    assert_eq!(
        message(example!("patient-refill")),
        [
            "sender Patient/p-1001",
            "recipient HealthcareService/refill-pool",
            "status in-progress",
            "priority routine",
            &format!("category {CATEGORY}|refill"),
            "category ~medication refill",
            "topic ~blood pressure tablets",
            "sent 2026-06-19T20:29:58Z 2026-06-19T20:29:59Z",
            "identifier urn:ietf:rfc:3986|urn:uuid:6f1c2a52-1f0e-4f0f-9c0e-0f7b8a3d5a11",
        ]
    );
}

#[test]
fn a_proxy_is_the_sender_and_the_child_is_known_to_the_row() {
    let values = message(example!("proxy-with-photo"));
    assert!(values.iter().any(|own| own == "sender RelatedPerson/rp-17"));
    assert!(!values.iter().any(|own| own.contains("Patient/p-2002")), "{values:?}");
    assert!(values.iter().any(|own| own == "sent 2026-03-08T06:59:30Z 2026-03-08T06:59:31Z"));
}

#[test]
fn a_header_is_found_by_each_of_its_recipients() {
    let values = message(example!("thread-header"));
    let recipients: Vec<_> = values.iter().filter(|own| own.starts_with("recipient ")).collect();
    assert_eq!(
        recipients,
        ["recipient Patient/p-1001", "recipient HealthcareService/family-medicine", "recipient CareTeam/ct-9"]
    );
    assert!(!values.iter().any(|own| own.starts_with("sent ")));
}

#[test]
fn a_fraction_of_a_second_is_kept() {
    let values = message(example!("everything-kept"));
    assert!(values.iter().any(|own| own == "sent 2026-06-19T20:30:00.25Z 2026-06-19T20:30:00.251Z"));
    assert!(values.iter().any(|own| own == "identifier https://ehr.example/messages|000123"));
}

#[test]
fn every_example_has_a_sender_and_a_status() {
    for text in [example!("red-flag-in-billing"), example!("staff-reply"), example!("everything-kept")] {
        let values = message(text);
        assert!(values.iter().any(|own| own.starts_with("sender ")));
        assert!(values.iter().any(|own| own.starts_with("status ")));
    }
}

#[test]
fn a_group_is_a_subject_and_no_patient() {
    let values = message(r#"{"resourceType":"Communication","status":"completed","subject":{"reference":"Group/g"}}"#);
    assert_eq!(values, ["subject Group/g", "status completed"]);
}

#[test]
fn a_reference_is_found_whatever_version_or_address_it_has() {
    let values = message(
        r##"{"resourceType":"Communication","status":"completed","subject":{"reference":"Patient/p/_history/3"},
            "sender":{"reference":"https://ehr.example/fhir/Patient/p"},
            "recipient":[{"reference":"#r"},{"identifier":{"value":"x"}},{"display":"somebody"}],
            "partOf":[{"reference":"Communication/root"}]}"##,
    );
    assert_eq!(
        values,
        [
            "sender https://ehr.example/fhir/Patient/p",
            "recipient #|x",
            "part-of Communication/root",
            "status completed",
        ]
    );
    let elsewhere = r#"{"resourceType":"Communication","subject":{"reference":"https://ehr.example/fhir/Patient/p"}}"#;
    assert_eq!(message(elsewhere)[0], "patient https://ehr.example/fhir/Patient/p");
}

#[test]
fn each_value_is_there_once_and_half_a_code_not_at_all() {
    let values = message(
        r#"{"resourceType":"Communication","sender":{"reference":"Patient/p"},"recipient":[{"reference":"Patient/p"}],
            "category":[{"coding":[{"system":"urn:a","code":"x"},{"code":"y"},{"system":"urn:a"}]},
                        {"coding":[{"system":"urn:a","code":"x"}]},{"text":"only words"}],
            "identifier":[{"system":"urn:a"},{"value":"7"}]}"#,
    );
    assert_eq!(
        values,
        [
            "sender Patient/p",
            "recipient Patient/p",
            "category urn:a|x",
            "category y",
            "category ~only words",
            "identifier 7",
        ]
    );
}

#[test]
fn a_task_is_found_by_its_pool_also_while_a_person_owns_it() {
    let text = r#"{"resourceType":"Task","id":"t",
        "extension":[{"url":"urn:other","valueString":"x"},
                     {"url":"http://postern.example/fhir/StructureDefinition/pool","valueReference":{"reference":"HealthcareService/refill"}}],
        "status":"accepted","businessStatus":{"coding":[{"system":"http://postern.example/fhir/CodeSystem/business-status","code":"on-track"}]},
        "intent":"order","focus":{"reference":"Communication/root"},"for":{"reference":"Patient/p"},
        "owner":{"reference":"Practitioner/nurse"},
        "restriction":{"period":{"start":"2026-06-22T12:00:00Z","end":"2026-06-24T21:00:00Z"}}}"#;
    assert_eq!(
        spelled(text, ResourceType::Task),
        [
            "owner Practitioner/nurse",
            "status accepted",
            "business-status http://postern.example/fhir/CodeSystem/business-status|on-track",
            "due 2026-06-24T21:00:00Z 2026-06-24T21:00:01Z",
            "focus Communication/root",
            "pool HealthcareService/refill",
        ]
    );
}

#[test]
fn a_service_is_found_by_whether_it_is_active() {
    let text = r#"{"resourceType":"HealthcareService","active":true,"providedBy":{"reference":"Organization/o"},
        "identifier":[{"system":"urn:s","value":"1"}]}"#;
    let expected = ["identifier urn:s|1", "active true", "organization Organization/o"];
    assert_eq!(spelled(text, ResourceType::HealthcareService), expected);
}

#[test]
fn texts_identifiers_and_versions_stand_beside_what_they_explain() {
    let values = message(
        r#"{"resourceType":"Communication",
            "meta":{"tag":[{"system":"urn:t","code":"x","display":"Ein Tag"}],"profile":["urn:p"],"security":[{"code":"s"}]},
            "sender":{"reference":"Practitioner/a","identifier":{"system":"urn:npi","value":"7"}},
            "topic":{"coding":[{"code":"c","display":"ÄRGER"}],"text":"Großer Ärger"},
            "identifier":[{"type":{"text":"Number"},"value":"1"}],
            "received":"2026-06-19","instantiatesCanonical":["urn:plan|2"],"instantiatesUri":["urn:u|1"]}"#,
    );
    assert_eq!(
        values,
        [
            "_tag urn:t|x",
            "_tag ~ein tag",
            "_security s",
            "_profile urn:p",
            "sender Practitioner/a",
            "sender #urn:npi|7",
            "topic c",
            "topic ~arger",
            "topic ~großer arger",
            "received 2026-06-19T00:00:00Z 2026-06-20T00:00:00Z",
            "identifier 1",
            "identifier ~number",
            "instantiates-canonical urn:plan|2",
            "instantiates-canonical urn:plan",
            "instantiates-uri urn:u|1",
        ]
    );
}

#[test]
fn a_service_is_found_by_the_beginning_of_its_name() {
    let values =
        spelled(r#"{"resourceType":"HealthcareService","name":"Réfill Pool"}"#, ResourceType::HealthcareService);
    assert_eq!(values, ["name ~refill pool"]);
}

/// A message that is sent writes this many rows of search values with its reply and its Task: each costs.
#[test]
fn what_is_found_by_much_keeps_few_values() {
    let in_columns = ["status ", "priority "];
    let rows =
        |values: Vec<String>| values.iter().filter(|own| !in_columns.iter().any(|name| own.starts_with(name))).count();
    assert!(rows(message(example!("patient-refill"))) <= 7);
}

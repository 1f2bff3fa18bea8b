//! What values mean.

use super::*;

fn tokens(kind: ResourceType, query: &str) -> Vec<TokenMatch> {
    match only(kind, query) {
        Filter::Token { any, .. } => any,
        other => panic!("{query}: {other:?}"),
    }
}

/// The references asked for, without their absolute forms, which must be there. What is asked of the patient is asked of
/// the row, too.
fn references(kind: ResourceType, query: &str) -> Vec<String> {
    let any = match only(kind, query) {
        Filter::Reference { any, .. } => any,
        Filter::Any(both) => match &both[..] {
            [Filter::Patient(patients), Filter::Reference { any, .. }] => {
                let own: Vec<_> = any.iter().filter(|own| own.starts_with("Patient/")).cloned().collect();
                assert_eq!(patients.iter().map(ToString::to_string).collect::<Vec<_>>(), own, "{query}");
                any.clone()
            }
            [Filter::Reference { param: "sender", any }, Filter::Reference { param: "recipient", any: other }] => {
                assert_eq!(any, other);
                any.clone()
            }
            other => panic!("{query}: {other:?}"),
        },
        other => panic!("{query}: {other:?}"),
    };
    let (absolute, relative): (Vec<_>, Vec<_>) = any.into_iter().partition(|own| own.starts_with(BASE));
    assert_eq!(absolute, relative.iter().map(|own| format!("{BASE}/{own}")).collect::<Vec<_>>(), "{query}");
    relative
}

fn dates(kind: ResourceType, query: &str) -> Vec<DateMatch> {
    match only(kind, query) {
        Filter::Date { any, .. } | Filter::LastUpdated(any) => any,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn a_token_has_four_forms() {
    for (value, system, code) in [
        ("000123", None, Some("000123")),
        ("urn:x%7C000123", Some("urn:x"), Some("000123")),
        ("urn:x|000123", Some("urn:x"), Some("000123")),
        ("%7C000123", Some(""), Some("000123")),
        ("urn:x%7C", Some("urn:x"), None),
        (r"a%5C%2Cb%5C%7Cc%5C%24d%5C%5Ce", None, Some(r"a,b|c$d\e")),
        ("+x", None, Some(" x")),
    ] {
        assert_eq!(tokens(COMMUNICATION, &format!("identifier={value}")), one(system, code), "{value}");
    }
    for bad in ["", "|", "%7C", "a|b|c", "a,", ",a", "a,,b", r"a\b", r"a\"] {
        assert_eq!(refused(COMMUNICATION, &format!("identifier={bad}")).code, IssueCode::Value, "{bad}");
    }
}

#[test]
fn commas_mean_or_and_repeats_mean_and() {
    let parsed = good(COMMUNICATION, "status=completed,on-hold&status=in-progress&_id=a,b");
    let codes = |filter: &Filter| match filter {
        Filter::Token { any, .. } => any.iter().map(|own| own.code.clone().unwrap()).collect::<Vec<_>>(),
        Filter::Id(ids) => ids.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    let filters: Vec<_> = parsed.search.filters.iter().map(codes).collect();
    assert_eq!(filters, [vec!["completed", "on-hold"], vec!["in-progress"], vec!["a", "b"]]);
}

#[test]
fn a_status_is_found_with_and_without_the_system_that_it_implies() {
    assert_eq!(tokens(COMMUNICATION, "status=completed"), one(None, Some("completed")));
    let implied = "status=http://hl7.org/fhir/event-status%7Ccompleted";
    assert_eq!(tokens(COMMUNICATION, implied), one(Some(""), Some("completed")));
    assert_eq!(tokens(COMMUNICATION, "status=urn:other%7Ccompleted"), one(Some("urn:other"), Some("completed")));
    assert_eq!(tokens(ResourceType::HealthcareService, "active=true"), one(None, Some("true")));
    assert_eq!(refused(ResourceType::HealthcareService, "active=yes").code, IssueCode::Value);
}

#[test]
fn a_category_is_found_under_each_name_of_our_system() {
    let refill = |system: &str| TokenMatch { system: Some(system.to_owned()), code: Some("refill".to_owned()) };
    let both: Vec<_> = canonical::MESSAGE_CATEGORY_SYSTEMS.iter().map(|system| refill(system)).collect();
    for system in canonical::MESSAGE_CATEGORY_SYSTEMS {
        assert_eq!(tokens(COMMUNICATION, &format!("category={system}%7Crefill")), both);
    }
    assert_eq!(tokens(COMMUNICATION, "category=urn:x%7Crefill"), [refill("urn:x")]);
    assert_eq!(tokens(COMMUNICATION, "category=refill"), one(None, Some("refill")));
}

#[test]
fn a_reference_has_many_forms() {
    for query in [
        "patient=Patient/1",
        "patient=1",
        "patient:Patient=1",
        "patient:Patient=Patient/1",
        "patient=https://clinic.example/fhir/Patient/1",
    ] {
        assert_eq!(references(COMMUNICATION, query), ["Patient/1"], "{query}");
    }
    assert_eq!(references(COMMUNICATION, "subject=1"), ["Patient/1", "Group/1"]);
    assert_eq!(references(COMMUNICATION, "subject:Group=1"), ["Group/1"]);
    assert_eq!(
        references(COMMUNICATION, "recipient=HealthcareService/a,CareTeam/b"),
        ["HealthcareService/a", "CareTeam/b"]
    );
    assert_eq!(references(TASK, "pool=refill"), ["HealthcareService/refill", "CareTeam/refill"]);
    for elsewhere in ["https://ehr.example/fhir/Patient/1", "https://clinic.example/fhir2/Patient/1", "urn:uuid:1"] {
        let Filter::Any(both) = only(COMMUNICATION, &format!("subject={elsewhere}")) else { panic!() };
        let Filter::Reference { any, .. } = &both[1] else { panic!() };
        assert_eq!(any, &[elsewhere]);
    }
}

#[test]
fn a_reference_that_can_find_nothing_is_refused() {
    for (query, code) in [
        ("patient=Practitioner/1", IssueCode::Value),
        ("subject:Patient=Group/1", IssueCode::Value),
        ("patient=a_b", IssueCode::Value),
        ("patient=Patient/", IssueCode::Value),
        ("patient=Patient/1/2", IssueCode::Value),
        ("patient=patient/1", IssueCode::Value),
        ("patient=Patient/1/_history/2", IssueCode::Value),
        ("patient=https://clinic.example/fhir/Practitioner/1", IssueCode::Value),
        ("patient:Group=1", IssueCode::NotSupported),
    ] {
        assert_eq!(refused(COMMUNICATION, query).code, code, "{query}");
    }
}

#[test]
fn a_date_has_a_prefix_and_lasts_as_long_as_it_is_precise() {
    for (prefix, expected) in [
        ("", Prefix::Eq),
        ("eq", Prefix::Eq),
        ("ne", Prefix::Ne),
        ("gt", Prefix::Gt),
        ("ge", Prefix::Ge),
        ("lt", Prefix::Lt),
        ("le", Prefix::Le),
        ("sa", Prefix::Sa),
        ("eb", Prefix::Eb),
    ] {
        let asked = dates(COMMUNICATION, &format!("sent={prefix}2026-06-19"));
        let at = |text: &str| text.parse().unwrap();
        let day = DateMatch { prefix: expected, low: at("2026-06-19T00:00:00Z"), high: at("2026-06-20T00:00:00Z") };
        assert_eq!(asked, [day], "{prefix}");
    }
    assert_eq!(dates(COMMUNICATION, "_lastUpdated=ge2026,lt2020-01").len(), 2);
    assert_eq!(
        dates(TASK, "due=2026-06-24T17:00:00-04:00"),
        dates(TASK, "due=2026-06-24T21:00:00Z"),
        "a plus that is not encoded and offsets mean what they say"
    );
    assert_eq!(dates(TASK, "due=2026-06-24T23:00:00+02:00"), dates(TASK, "due=2026-06-24T21:00:00Z"));
    let at = |text: &str| text.parse().unwrap();
    let wider =
        DateMatch { prefix: Prefix::Overlap, low: at("2026-06-08T02:24:00Z"), high: at("2026-06-10T21:36:00Z") };
    assert_eq!(dates(COMMUNICATION, "sent=ap2026-06-09"), [wider]);
    for bad in ["xx2026", "ge", "g", "2026-02-30", "GE2026", "ge ge2026", "ü2026", "2026-06-19T10"] {
        assert_eq!(refused(COMMUNICATION, &format!("sent={bad}")).code, IssueCode::Value, "{bad}");
    }
}

mod reach;
mod value;

use domain::access::Visibility;
use domain::id::{ResourceType, TenantId};
use domain::search::{DateMatch, Filter, Link, Prefix, SortBy, TokenMatch};
use proptest::prelude::*;

use super::*;
use crate::canonical;
use crate::search::{MAX_PARAMETERS, MAX_VALUE_BYTES, encode};

const BASE: &str = "https://clinic.example/fhir";

const COMMUNICATION: ResourceType = ResourceType::Communication;
const TASK: ResourceType = ResourceType::Task;

fn asker(handling: Handling, visibility: &Visibility) -> Asker<'static> {
    let sees = ResourceType::ALL.iter().map(|kind| (*kind, visibility.clone())).collect();
    let now = "2026-06-19T00:00:00Z".parse().unwrap();
    Asker { handling, base_url: BASE, tenant: TenantId::new("t"), now, sees }
}

fn read(kind: ResourceType, query: &str, handling: Handling) -> Result<Parsed, Vec<Issue>> {
    parse(kind, query, &asker(handling, &Visibility::Everything))
}

fn good(kind: ResourceType, query: &str) -> Parsed {
    read(kind, query, Handling::Strict).unwrap_or_else(|issues| panic!("{query}: {issues:?}"))
}

fn only(kind: ResourceType, query: &str) -> Filter {
    let mut filters = good(kind, query).search.filters;
    assert_eq!(filters.len(), 1, "{query}");
    filters.remove(0)
}

fn refused(kind: ResourceType, query: &str) -> Issue {
    let mut issues = read(kind, query, Handling::Strict).expect_err(query);
    assert_eq!(issues.len(), 1, "{query}: {issues:?}");
    issues.remove(0)
}

fn one(system: Option<&str>, code: Option<&str>) -> Vec<TokenMatch> {
    vec![TokenMatch { system: system.map(str::to_owned), code: code.map(str::to_owned) }]
}

#[test]
fn a_page_has_an_order_and_a_size() {
    let search = |query: &str| good(COMMUNICATION, query).search;
    let newest = search("");
    let keys = |search: &Search| search.sort.iter().map(|key| (key.by, key.descending)).collect::<Vec<_>>();
    assert_eq!(keys(&newest), [(SortBy::LastUpdated, true)]);
    assert_eq!((newest.count, newest.total, newest.after), (DEFAULT_COUNT, false, None));
    let sent = search("_sort=sent&_count=500&_total=accurate");
    assert_eq!(keys(&sent), [(SortBy::Date, false)]);
    let several = search("_sort=-last-activity,sent,-_id");
    assert_eq!(keys(&several), [(SortBy::LastActivity, true), (SortBy::Date, false), (SortBy::Id, true)]);
    assert_eq!((sent.count, sent.total), (MAX_COUNT, true));
    assert_eq!(search("_sort=-_lastUpdated").sort, newest.sort);
    assert_eq!(search("_count=999999999999999999999999").count, MAX_COUNT);
    let counted = search("_count=0");
    assert!(counted.count == 0 && counted.total, "no results: their number is wanted");
    assert_eq!(keys(&good(TASK, "_sort=-due").search), [(SortBy::Date, true)]);
    for (query, code) in [
        ("_sort=sent,status", IssueCode::NotSupported),
        ("_sort=sent,-sent", IssueCode::Value),
        ("_summary=all", IssueCode::Value),
        ("_summary=true&_elements=sent", IssueCode::Value),
        ("_elements=colour", IssueCode::NotSupported),
        ("_sort=status", IssueCode::NotSupported),
        ("_sort=due", IssueCode::NotSupported),
        ("_sort=", IssueCode::NotSupported),
        ("_sort=sent&_sort=-sent", IssueCode::Value),
        ("_count=-1", IssueCode::Value),
        ("_count=", IssueCode::Value),
        ("_count=ten", IssueCode::Value),
        ("_count=1&_count=2", IssueCode::Value),
        ("_total=all", IssueCode::Value),
        ("_cursor=AAAA", IssueCode::Value),
        ("_cursor=", IssueCode::Value),
    ] {
        assert_eq!(refused(COMMUNICATION, query).code, code, "{query}");
    }
}

#[test]
fn what_is_not_offered_is_refused_by_name_along_with_what_is() {
    for query in [
        "foo=1",
        "patient.name=x",
        "sender.colour=x",
        "_has:Task:owner:status=x",
        "_has:Patient:link:name=x",
        "_contained=true",
        "_text=x",
    ] {
        let issue = refused(COMMUNICATION, query);
        assert_eq!(issue.code, IssueCode::NotSupported);
        let name = query.split_once('=').unwrap().0;
        assert!(issue.message.contains(name), "{}", issue.message);
        assert!(issue.message.contains("part-of") && issue.message.contains("_sort"), "{}", issue.message);
    }
    let both = read(COMMUNICATION, "foo=1&bar=2&status=a|b|c", Handling::Strict).unwrap_err();
    assert_eq!(both.len(), 3, "all that is wrong is told at once");
}

#[test]
fn a_lenient_client_is_told_what_was_ignored() {
    let parsed =
        read(COMMUNICATION, "foo=1&status=completed&_sort=status&_format=json&_count=10", Handling::Lenient).unwrap();
    assert_eq!(parsed.search.filters.len(), 1);
    assert_eq!(parsed.ignored.len(), 2);
    assert!(parsed.ignored.iter().all(|issue| !issue.is_error()) && parsed.ignored[0].message.contains("foo"));
    let applied = [("status", "completed"), ("_count", "10")];
    assert_eq!(parsed.applied, applied.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(read(COMMUNICATION, "foo=1&sent=yesterday", Handling::Lenient).is_err(), "what is wrong stays wrong");
}

#[test]
fn a_modifier_is_never_ignored_for_that_would_turn_the_meaning_around() {
    for query in
        ["status:text=completed", "patient:not=1", "sent:x=2026", "category:in=a", "patient:Group=1", "sent:not=2026"]
    {
        for handling in [Handling::Strict, Handling::Lenient] {
            let issues = read(COMMUNICATION, query, handling).expect_err(query);
            assert_eq!(issues[0].code, IssueCode::NotSupported, "{query}");
            assert!(issues[0].message.contains(query.split_once('=').unwrap().0), "{}", issues[0].message);
        }
    }
}

#[test]
fn no_error_repeats_a_value_or_a_name_that_is_not_one() {
    for query in [
        "identifier=a|Jane+Doe|b",
        "sent=JaneDoe",
        "patient=Jane+Doe",
        "_id=Jane_Doe",
        "Jane+Doe=1",
        "_count=Jane",
        "_total=Jane",
        "_cursor=Jane",
        "_sort=Jane+Doe",
        r"identifier=Jane\Doe",
        "active=Jane",
    ] {
        for kind in ResourceType::ALL {
            for issue in read(*kind, query, Handling::Strict).err().into_iter().flatten() {
                assert!(!issue.message.contains("Jane") && !issue.message.contains("Doe"), "{}", issue.message);
            }
        }
    }
}

#[test]
fn a_query_has_limits() {
    let many = |count: usize| format!("_id={}", vec!["a"; count].join(","));
    assert!(read(COMMUNICATION, &many(MAX_VALUES), Handling::Strict).is_ok());
    assert_eq!(refused(COMMUNICATION, &many(MAX_VALUES + 1)).code, IssueCode::TooCostly);
    assert_eq!(refused(COMMUNICATION, &format!("{0}&{0}&{0}", many(150))).code, IssueCode::TooCostly);
    assert_eq!(refused(COMMUNICATION, &"_id=a&".repeat(MAX_PARAMETERS + 1)).code, IssueCode::TooCostly);
    let long = |bytes: usize| format!("identifier={}", "a".repeat(bytes));
    assert!(read(COMMUNICATION, &long(MAX_VALUE_BYTES), Handling::Strict).is_ok());
    assert_eq!(refused(COMMUNICATION, &long(MAX_VALUE_BYTES + 1)).code, IssueCode::TooLong);
    assert_eq!(refused(COMMUNICATION, "identifier=a%00").code, IssueCode::Invalid);
}

#[test]
fn a_patient_finds_nothing_by_what_patients_are_not_shown() {
    let patient = Visibility::Patient {
        patient: "Patient/1".parse().unwrap(),
        me: "Patient/1".parse().unwrap(),
        sees: domain::access::Sees::ALL,
    };
    let read = |query: &str| parse(TASK, query, &asker(Handling::Strict, &patient));
    for query in [
        "owner=Practitioner/1",
        "owner:missing=true",
        "priority=stat",
        "modified=2026",
        "owner.active=true",
        "business-status=at-risk",
        "due=lt2026",
        "_sort=due",
    ] {
        let issues = read(query).expect_err(query);
        assert_eq!(issues[0].code, IssueCode::NotSupported, "{query}");
        let offered = issues[0].message.split_once(':').unwrap().1;
        assert!(!offered.contains("owner") && !offered.contains("due"), "{offered}");
    }
    let codes = |query: &str| match &read(query).unwrap().search.filters[0] {
        Filter::Token { any, .. } => any.iter().map(|own| own.code.clone().unwrap()).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(codes("status=requested"), ["requested", "accepted", "in-progress"]);
    assert_eq!(codes("status=completed"), ["completed"]);
    assert!(codes("status=accepted").is_empty(), "nothing that a patient sees is accepted");
    let hidden = parse(COMMUNICATION, "_has:Task:focus:owner=Practitioner/1", &asker(Handling::Strict, &patient));
    assert_eq!(hidden.expect_err("a hidden parameter")[0].code, IssueCode::NotSupported);
    let folded = parse(COMMUNICATION, "_has:Task:focus:status=accepted", &asker(Handling::Strict, &patient)).unwrap();
    let Filter::ReferredTo { from, .. } = &folded.search.filters[0] else { panic!() };
    assert_eq!(*from.filter, Filter::Token { param: "status", any: vec![] });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(2000)))]

    #[test]
    fn no_query_makes_the_reader_panic(query in "\\PC{0,200}") {
        for kind in ResourceType::ALL {
            for handling in [Handling::Strict, Handling::Lenient] {
                let _ = read(*kind, &query, handling);
            }
        }
    }

    #[test]
    fn no_value_makes_the_reader_panic(
        name in prop::sample::select(vec![
            "_id", "_lastUpdated", "patient", "subject:Patient", "sender", "status", "category", "sent", "due", "pool",
            "identifier", "active", "_sort", "status:not", "sender:missing", "category:text", "subject:identifier",
            "focus.category", "recipient:HealthcareService.name", "_has:Task:focus:status", "_has:", "_include",
            "_revinclude:iterate", "_summary", "_elements", "participant", "thread", "last-activity", "name", "_count", "_total", "_cursor", "_format", "sent:", ":", "",
        ]),
        value in "([a-z]{0,2}[0-9]{4}(-[0-9]{2}){0,2}(T[0-9:.+Z -]{0,20})?|[\\\\|,$/:a-zA-Z0-9%+ ü.-]{0,40})",
    ) {
        for kind in ResourceType::ALL {
            let _ = read(*kind, &format!("{name}={value}"), Handling::Strict);
            let encoded = encode([(name, value.as_str())]);
            if let Ok(parsed) = read(*kind, &encoded, Handling::Strict) {
                // What `self` shows means the same search.
                let again = encode(parsed.applied.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let mut again = read(*kind, &again, Handling::Strict).unwrap();
                again.search.after.clone_from(&parsed.search.after);
                prop_assert_eq!(again.search, parsed.search);
            }
        }
    }
}

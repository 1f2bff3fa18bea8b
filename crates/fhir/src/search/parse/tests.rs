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

fn refused(kind: ResourceType, query: &str) -> Issue {
    let mut issues = read(kind, query, Handling::Strict).expect_err(query);
    assert_eq!(issues.len(), 1, "{query}: {issues:?}");
    issues.remove(0)
}

fn one(system: Option<&str>, code: Option<&str>) -> Vec<TokenMatch> {
    vec![TokenMatch { system: system.map(str::to_owned), code: code.map(str::to_owned) }]
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

#[test]
fn a_modifier_changes_what_is_asked() {
    let not = |filter: Filter| Filter::Not(Box::new(filter));
    let status = Filter::Token { param: "status", any: one(None, Some("completed")) };
    assert_eq!(only(COMMUNICATION, "status:not=completed"), not(status));
    assert_eq!(only(COMMUNICATION, "category:missing=false"), Filter::Present { param: "category" });
    assert_eq!(only(COMMUNICATION, "category:missing=true"), not(Filter::Present { param: "category" }));
    assert_eq!(only(COMMUNICATION, "thread:missing=true"), not(Filter::InThread));
    assert_eq!(only(COMMUNICATION, "_id:missing=true"), not(Filter::All(vec![])));
    let text = Filter::Text { param: "category", any: vec!["wiederholung".into(), "refill".into()] };
    assert_eq!(only(COMMUNICATION, "category:text=WIEDERHOLUNG,Refill"), text);
    let identifier = Filter::Identifier { param: "sender", any: one(Some("urn:mrn"), Some("7")) };
    assert_eq!(only(COMMUNICATION, "sender:identifier=urn:mrn|7"), identifier);
    assert_eq!(
        only(ResourceType::HealthcareService, "name=Réf"),
        Filter::Text { param: "name", any: vec!["ref".into()] }
    );
    for bad in ["status:missing=maybe", "status:missing=true,false", "category:text=", "sender:identifier=|"] {
        assert_eq!(refused(COMMUNICATION, bad).code, IssueCode::Value, "{bad}");
    }
}

#[test]
fn a_chain_asks_the_resource_referred_to_and_has_the_one_that_refers() {
    let Filter::Refers { by, to } = only(TASK, "focus.category:not=refill") else { panic!() };
    let messages = |param| {
        let prefixes = vec!["Communication/".to_owned(), format!("{BASE}/Communication/")];
        Link::Params { params: vec![param], prefixes }
    };
    assert_eq!((by, to.kind), (messages("focus"), COMMUNICATION));
    assert!(matches!(*to.filter, Filter::Not(_)));
    let Filter::Refers { by, to } = only(TASK, "pool:HealthcareService.name=refill") else { panic!() };
    let prefixes = vec!["HealthcareService/".to_owned(), format!("{BASE}/HealthcareService/")];
    assert_eq!(by, Link::Params { params: vec!["pool"], prefixes });
    assert_eq!(to.kind, ResourceType::HealthcareService);
    let Filter::ReferredTo { by, from } = only(COMMUNICATION, "_has:Task:focus:status=requested") else { panic!() };
    assert_eq!((by, from.kind), (messages("focus"), TASK));
    let Filter::Refers { by, to } = only(COMMUNICATION, "thread.category=refill") else { panic!() };
    assert_eq!((by, to.kind), (Link::Thread, COMMUNICATION));
    for far in ["_has:Task:focus:pool.name=x", "_has:Task:focus:_has:Task:focus:status=x", "focus.part-of.status=x"] {
        let kind = if far.starts_with('_') { COMMUNICATION } else { TASK };
        assert_eq!(refused(kind, far).code, IssueCode::NotSupported, "{far}");
    }
    assert_eq!(refused(COMMUNICATION, "_has:Task=x").code, IssueCode::Value);
}

#[test]
fn what_the_token_does_not_allow_to_search_is_no_way_around_it() {
    let mut asker = asker(Handling::Lenient, &Visibility::Everything);
    asker.sees.remove(&TASK);
    for query in ["_has:Task:focus:status=requested", "_revinclude=Task:focus"] {
        let issues = parse(COMMUNICATION, query, &asker).expect_err(query);
        assert_eq!(issues[0].code, IssueCode::Forbidden, "{query}");
    }
    assert_eq!(parse(TASK, "", &asker).expect_err("not theirs")[0].code, IssueCode::Forbidden);
    asker.sees.remove(&COMMUNICATION);
    asker.sees.insert(TASK, Visibility::Everything);
    assert_eq!(parse(TASK, "focus.status=completed", &asker).unwrap_err()[0].code, IssueCode::Forbidden);
    let all = parse(TASK, "_include=*", &asker).unwrap();
    let row = |body: &str| domain::change::Stored {
        key: domain::id::Key::new(TASK, "t".parse().unwrap()),
        version: domain::id::Version::FIRST,
        last_updated: asker.now,
        date: asker.now,
        deleted: false,
        made_by_update: false,
        thread: None,
        patient: None,
        body: body.to_owned(),
    };
    let task = row(
        r#"{"resourceType":"Task","focus":{"reference":"Communication/m"},"owner":{"reference":"HealthcareService/h"}}"#,
    );
    let kinds: Vec<_> = all
        .includes
        .iter()
        .flat_map(|include| include.searches(&asker.tenant, BASE, std::slice::from_ref(&task)).unwrap())
        .map(|search| search.kind)
        .collect();
    assert_eq!(kinds, [ResourceType::HealthcareService], "the message that it is about does not come along");
}

#[test]
fn what_comes_along_is_named_by_type_and_parameter() {
    let good = |query: &str| good(COMMUNICATION, query).includes;
    assert_eq!(good("_include=Communication:part-of").len(), 1);
    assert!(good("_revinclude:iterate=Task:focus")[0].iterates && good("_revinclude=Task:focus")[0].is_reverse);
    assert_eq!(good("_include=*"), good("_include=Communication:*"));
    for (query, code) in [
        ("_include=Communication:colour", IssueCode::NotSupported),
        ("_include=Communication:status", IssueCode::NotSupported),
        ("_include=Patient:link", IssueCode::NotSupported),
        ("_revinclude=*", IssueCode::NotSupported),
        ("_include=Communication", IssueCode::Value),
        ("_include=a:b:c:d", IssueCode::Value),
    ] {
        assert_eq!(refused(COMMUNICATION, query).code, code, "{query}");
    }
    let many = "_include=Communication:part-of&".repeat(MAX_INCLUDES + 1);
    assert_eq!(refused(COMMUNICATION, &many).code, IssueCode::TooCostly);
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

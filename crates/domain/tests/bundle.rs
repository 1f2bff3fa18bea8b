//! The schema that sites write bundles by, and the reader of bundles: what the one describes the other reads.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::policy::DEFAULT_BUNDLE;
use domain::policy::bundle::Bundle;
use domain::policy::lint::Severity;
use domain::time::Instant;
use jsonschema::Validator;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../docs/policy-bundle.sample.json");
const SCHEMA: &str = include_str!("../../../docs/policy-bundle.schema.json");

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn schema() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&parsed(SCHEMA)).unwrap()
}

fn now() -> Instant {
    "2026-06-19T21:30:00Z".parse().unwrap()
}

fn complaints(schema: &Validator, document: &Value) -> Vec<String> {
    schema.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The pointers of all errors, whether the reader's or lint's.
fn errors(document: &Value) -> Vec<String> {
    match Bundle::read(&document.to_string()) {
        Err(finding) => vec![finding.pointer],
        Ok(bundle) => {
            let findings = bundle.lint(now()).into_iter();
            findings.filter(|finding| finding.severity == Severity::Error).map(|finding| finding.pointer).collect()
        }
    }
}

/// The sample with every optional member, so that each place of the form is there to be spoilt.
fn full() -> Value {
    let mut whole = parsed(SAMPLE);
    whole["effective"]["until"] = json!("2027-03-01T05:00:00Z");
    whole["routing"][1]["do"] = json!([
        {"type": "route-to-pool", "to": "refill"}, {"type": "assign", "to": "Practitioner/dr-lee"},
        {"type": "set-priority", "value": "urgent"}, {"type": "add-tag", "value": "x"},
        {"type": "notify", "to": "owner"}, {"type": "send-template", "value": "accepted"},
        {"type": "suggest-visit"}, {"type": "stop"},
    ]);
    let thresholds = &mut whole["turnaround"][3]["clocks"][1]["thresholds"];
    thresholds[0]["at"] = json!({"before": "PT1H"});
    thresholds[0]["deliver"] = json!("now");
    thresholds[3]["at"] = json!({"after": "PT4H", "elapsed": true});
    whole["turnaround"][3]["clocks"][0]["calendar"] = json!("clinic");
    whole["awayReplies"][0]["when"] = json!("calendar-closed");
    whole["awayReplies"][0]["calendar"] = json!("clinic");
    whole["awayReplies"][0]["throttle"] = json!({"per": "sender-closure", "window": "PT12H"});
    whole["unreadByPatient"] = json!({ "actionRequired": { "amount": "P2D", "count": "open-days", "dayEnds": "same-time" },
        "otherwise": "never" });
    whole["calendars"].as_array_mut().unwrap().push(json!({"id": "always", "timezone": "UTC", "alwaysOpen": true,
        "combined": [{"how": "intersection", "with": "clinic"}]}));
    whole
}

/// Every place in a document: its JSON pointer.
fn places(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Array(list) => {
            for (place, value) in list.iter().enumerate() {
                places(value, &format!("{pointer}/{place}"), found);
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                places(value, &format!("{pointer}/{name}"), found);
            }
        }
        _ => {}
    }
}

fn every_place(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    places(document, "", &mut found);
    found
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&parsed(SCHEMA)));
}

#[test]
fn the_bundle_that_ships_and_the_sample_follow_the_schema_as_written_and_as_stored() {
    let schema = schema();
    for text in [DEFAULT_BUNDLE, SAMPLE] {
        assert_eq!(complaints(&schema, &parsed(text)), [""; 0]);
        let bundle = Bundle::read(text).unwrap();
        assert_eq!(complaints(&schema, &parsed(&bundle.canonical())), [""; 0]);
        assert_eq!(Bundle::read(&bundle.canonical()).unwrap(), bundle);
    }
    assert_eq!(complaints(&schema, &full()), [""; 0]);
    assert!(Bundle::read(&full().to_string()).is_ok());
}

#[test]
fn the_sample_has_no_errors() {
    let findings = Bundle::read(SAMPLE).unwrap().lint(now());
    assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:#?}");
}

#[test]
fn every_property_of_the_schema_says_what_it_means() {
    let schema = parsed(SCHEMA);
    let own = every_place(&schema).into_iter().filter(|place| {
        place.rsplit('/').nth(1) == Some("properties") && !place.contains("/if/") && !place.contains("/then/")
    });
    let described = |place: &String| {
        let node = schema.pointer(place).unwrap();
        node.get("description").is_some()
            || node.get("const").is_some()
            || place.contains("/oneOf/")
            || node.is_boolean()
    };
    let silent: Vec<String> = own
        .filter(|place| !place.contains("/allOf/") && !place.contains("/else/"))
        .filter(|place| !described(place))
        .collect();
    assert_eq!(silent, [""; 0]);
}

#[test]
fn an_unknown_member_is_refused_at_every_level() {
    let (schema, whole) = (schema(), full());
    // Languages and channels are members by nature; what names them is another matter.
    let open = ["/texts", "/maxLength"];
    let objects: Vec<String> = every_place(&whole)
        .into_iter()
        .filter(|place| whole.pointer(place).unwrap().is_object() && !open.iter().any(|end| place.ends_with(end)))
        .collect();
    assert!(objects.len() > 100, "{}", objects.len());
    for place in objects {
        let mut spoilt = whole.clone();
        spoilt.pointer_mut(&place).unwrap()["unheardOf"] = json!(true);
        assert!(!schema.is_valid(&spoilt), "the schema takes an unknown member at {place}");
        let finding = Bundle::read(&spoilt.to_string()).expect_err(&place);
        assert!(!finding.remedy.is_empty());
        assert!(format!("{place}/unheardOf").starts_with(&finding.pointer), "{place}: {finding}");
    }
}

#[test]
fn a_value_of_another_type_is_refused_at_every_place() {
    let (schema, whole) = (schema(), full());
    for place in every_place(&whole) {
        for other in [json!(null), json!({}), json!([]), json!(7), json!("\u{1}"), json!(true)] {
            let mut spoilt = whole.clone();
            *spoilt.pointer_mut(&place).unwrap() = other.clone();
            let (allowed, read) = (schema.is_valid(&spoilt), Bundle::read(&spoilt.to_string()));
            if allowed {
                assert!(read.is_ok(), "{place} = {other}: in the schema, yet {}", read.unwrap_err());
            } else {
                assert_ne!(errors(&spoilt), [""; 0], "{place} = {other}: read, yet not in the schema");
            }
        }
    }
}

#[test]
fn a_member_that_is_left_out_is_missed_where_the_schema_requires_it() {
    let (schema, whole) = (schema(), full());
    for place in every_place(&whole) {
        let (parent, name) = place.rsplit_once('/').unwrap_or_default();
        let mut spoilt = whole.clone();
        let Some(members) = spoilt.pointer_mut(parent).and_then(Value::as_object_mut) else { continue };
        if members.remove(name).is_none() || parent.ends_with("/texts") {
            continue;
        }
        let read = Bundle::read(&spoilt.to_string());
        assert_eq!(schema.is_valid(&spoilt), read.is_ok(), "without {place}: {:?}", read.err());
    }
}

#[test]
fn days_for_which_an_answer_may_stay_unread_are_judged_alike() {
    let schema = schema();
    let judged = |unread: Value| {
        let mut whole = parsed(SAMPLE);
        whole["unreadByPatient"] = unread;
        assert_eq!(complaints(&schema, &whole).is_empty(), errors(&whole).is_empty(), "{}", whole["unreadByPatient"]);
        schema.is_valid(&whole)
    };
    let after = |amount: &str, count: &str| json!({"otherwise": {"amount": amount, "count": count}});
    assert!(judged(json!({})) && judged(json!({"actionRequired": "never", "otherwise": "never"})));
    assert!(judged(after("P366D", "calendar-days")) && judged(after("P01D", "open-days")));
    assert!(!judged(json!("never")) && !judged(json!({"otherwise": "always"})));
    for (amount, count) in [
        ("P0D", "calendar-days"),
        ("P367D", "open-days"),
        ("PT72H", "open-days"),
        ("P1DT1H", "calendar-days"),
        ("P7D", "elapsed-time"),
    ] {
        assert!(!judged(after(amount, count)), "{amount} {count}");
    }
}

#[test]
fn values_at_the_edges_of_what_they_may_be_are_judged_alike() {
    let schema = schema();
    let at = |place: &str, value: Value| {
        let mut whole = parsed(SAMPLE);
        *whole.pointer_mut(place).unwrap() = value;
        whole
    };
    let clock = "/turnaround/3/clocks/1";
    let good = [
        ("/id".to_owned(), json!("a-1")),
        ("/version".to_owned(), json!(i32::MAX)),
        ("/effective/from".to_owned(), json!("2026-03-01T00:00:00.5-05:00")),
        ("/calendars/0/weekly/0/shifts/0/end".to_owned(), json!("24:00")),
        ("/calendars/0/weekly/0/shifts/0/start".to_owned(), json!("09:00:01")),
        (format!("{clock}/targets/0"), json!({"priority": "stat", "amount": "PT24H", "count": "open-time"})),
        (format!("{clock}/targets/2"), json!({"priority": "routine", "amount": "P366D", "count": "open-days"})),
        (format!("{clock}/calendar"), json!({"of": "owner"})),
        (format!("{clock}/thresholds/0/at"), json!({"percent": 99})),
        ("/replyWindow".to_owned(), json!("P1DT1H1M1S")),
        ("/routing/0/when".to_owned(), json!({"not": {"field": "calendar.open", "op": "is", "value": true}})),
        ("/templates/0/texts".to_owned(), json!({"zh-Hant-TW": "x"})),
        ("/pools/0/leads".to_owned(), json!([])),
    ];
    for (place, value) in good {
        let whole = at(&place, value.clone());
        assert_eq!(complaints(&schema, &whole), [""; 0], "{place} = {value}");
        assert_eq!(errors(&whole), [""; 0], "{place} = {value}");
    }
    let bad = [
        ("/schema".to_owned(), json!("policy-bundle/2")),
        ("/id".to_owned(), json!("Riverside")),
        ("/id".to_owned(), json!("r".repeat(64))),
        ("/version".to_owned(), json!(0)),
        ("/version".to_owned(), json!(2_147_483_648_u64)),
        ("/timezoneData".to_owned(), json!("2026")),
        ("/effective/from".to_owned(), json!("2026-03-01")),
        ("/effective/from".to_owned(), json!("2026-03-01T00:00:00")),
        ("/clinic/name".to_owned(), json!("")),
        ("/clinic/language".to_owned(), json!("english!")),
        ("/holidaySets/0/entries/0/date".to_owned(), json!("2026-02-30")),
        ("/calendars/0/weekly/0/days/0".to_owned(), json!("monday")),
        ("/calendars/0/weekly/0/shifts/0/end".to_owned(), json!("24:01")),
        ("/calendars/0/weekly/0/shifts/0/start".to_owned(), json!("9:00")),
        ("/calendars/0/weekly/0/shifts".to_owned(), json!(vec![json!({"start": "08:00", "end": "09:00"}); 49])),
        ("/calendars/0/exceptions/0/reason".to_owned(), json!("")),
        ("/pools/0/reference".to_owned(), json!("Practitioner/lee")),
        ("/pools/0/reference".to_owned(), json!("http://elsewhere/HealthcareService/1")),
        ("/pools".to_owned(), json!([])),
        ("/redFlags/lists".to_owned(), json!([])),
        ("/redFlags/priority".to_owned(), json!("routine")),
        ("/redFlags/target/count".to_owned(), json!("open-time")),
        ("/redFlags/target/amount".to_owned(), json!("PT0S")),
        (format!("{clock}/id"), json!("first-response")),
        (format!("{clock}/stops"), json!("any-human-action")),
        (format!("{clock}/calendar"), json!({"of": "patient"})),
        (format!("{clock}/calendar"), json!({"of": "owner", "id": "clinic"})),
        (format!("{clock}/targets/0/amount"), json!("P1D")),
        (format!("{clock}/targets/0/amount"), json!("PT0S")),
        (
            format!("{clock}/targets/0"),
            json!({"priority": "stat", "amount": "PT1H", "count": "open-time", "dayEnds": "close"}),
        ),
        (format!("{clock}/targets/2/amount"), json!("PT48H")),
        (format!("{clock}/targets/2/amount"), json!("P1DT1H")),
        (format!("{clock}/targets/2/amount"), json!("P0D")),
        (format!("{clock}/targets/2/amount"), json!("P367D")),
        (format!("{clock}/thresholds/0/at"), json!({"percent": 0})),
        (format!("{clock}/thresholds/0/at"), json!({"percent": 100})),
        (format!("{clock}/thresholds/0/at"), json!({"percent": 50, "due": true})),
        (format!("{clock}/thresholds/0/at"), json!({"before": "PT1H", "elapsed": true})),
        (format!("{clock}/thresholds/0/at"), json!({"after": "PT0S"})),
        (format!("{clock}/thresholds/0/at"), json!({"due": false})),
        ("/routing/0/when".to_owned(), json!({"all": [], "any": []})),
        ("/routing/0/when".to_owned(), json!({"field": "message.text", "op": "eq", "value": "x"})),
        ("/routing/0/when".to_owned(), json!({"field": "message.text", "op": "anyWord", "value": []})),
        ("/routing/0/when".to_owned(), json!({"field": "patient.ageYears", "op": "lt", "value": "18"})),
        ("/routing/0/when".to_owned(), json!({"field": "patient.mood", "op": "eq", "value": "x"})),
        ("/routing/0/when".to_owned(), json!({"field": "message.category", "op": "eq"})),
        ("/routing/0/do".to_owned(), json!([])),
        ("/routing/0/do/0".to_owned(), json!({"type": "stop", "to": "refill"})),
        ("/routing/0/do/0".to_owned(), json!({"type": "require-ack"})),
        ("/quietHours/0/shifts".to_owned(), json!([])),
        ("/quietHours/0/maxHold".to_owned(), json!("PT0H")),
        ("/quietHours/0/onMaxHold".to_owned(), json!("drop")),
        ("/length".to_owned(), json!({"notice": 1, "limit": 0})),
        ("/length".to_owned(), json!({"notice": 1, "limit": 1_000_001})),
        ("/replyWindow".to_owned(), json!("45 days")),
        ("/visitSuggestedFrom".to_owned(), json!(0)),
        ("/visitSuggestedFrom".to_owned(), json!(65_536)),
        ("/templates/0/variables/0".to_owned(), json!("patient.diagnosis")),
        ("/templates/0/texts".to_owned(), json!({})),
        ("/templates/0/texts".to_owned(), json!({"e": "x"})),
        ("/templates/0/texts/en".to_owned(), json!("x".repeat(2001))),
        ("/templates/0/maxLength".to_owned(), json!({"sms": 0})),
    ];
    for (place, value) in bad {
        let whole = at(&place, value.clone());
        assert!(!schema.is_valid(&whole), "{place} = {value}: the schema takes it");
        assert_ne!(errors(&whole), [""; 0], "{place} = {value}: reader and lint take it");
    }
}

#[test]
fn limits_at_the_edges_of_what_they_may_be_are_judged_alike() {
    let schema = schema();
    for (place, value, good) in [
        ("/limits/0/max", json!(1000), true),
        ("/limits/0/max", json!(0), false),
        ("/limits/0/max", json!(1001), false),
        ("/limits/0/window", json!("PT0S"), false),
        ("/limits/1/reviewWithin", json!("PT0H"), false),
        ("/limits/1/longestHold", json!("P0D"), false),
        ("/awayReplies/0/when", json!("message-held"), false),
    ] {
        let mut whole = parsed(SAMPLE);
        *whole.pointer_mut(place).unwrap() = value.clone();
        assert_eq!(schema.is_valid(&whole), good, "{place} = {value}");
        assert_eq!(errors(&whole).is_empty(), good, "{place} = {value}");
    }
}

/// A condition that fits its facts.
fn condition() -> impl Strategy<Value = Value> {
    let test = prop_oneof![
        select(vec!["refill", "form", "thanks"])
            .prop_map(|code| json!({"field": "message.category", "op": "eq", "value": code})),
        subsequence(vec!["refill", "form", "thanks"], 1..3)
            .prop_map(|codes| json!({"field": "message.category", "op": "in", "value": codes})),
        (0_i64..200).prop_map(|age| json!({"field": "patient.ageYears", "op": "ge", "value": age})),
        any::<bool>().prop_map(|open| json!({"field": "calendar.open", "op": "is", "value": open})),
        "[a-z]{1,9}".prop_map(|word| json!({"field": "message.text", "op": "anyWord", "value": [word]})),
        "[a-z]{1,9}".prop_map(|tag| json!({"field": "patient.tag", "op": "contains", "value": tag})),
    ];
    test.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|all| json!({"all": all})),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

fn place_of_threshold() -> impl Strategy<Value = Value> {
    prop_oneof![
        (1_u8..=99).prop_map(|percent| json!({"percent": percent})),
        (1_u32..9000).prop_map(|minutes| json!({"before": format!("PT{minutes}M")})),
        (1_u32..9000, any::<bool>())
            .prop_map(|(seconds, elapsed)| json!({"after": format!("PT{seconds}S"), "elapsed": elapsed})),
    ]
}

fn target(priority: &'static str) -> impl Strategy<Value = Value> {
    prop_oneof![
        (1_u32..300).prop_map(move |hours| json!({"priority": priority, "amount": format!("PT{hours}H"), "count": "open-time"})),
        (1_u32..300_000).prop_map(move |seconds| json!({"priority": priority, "amount": format!("PT{seconds}S"), "count": "elapsed-time"})),
        (1_u32..=100, select(vec!["close", "same-time"]))
            .prop_map(move |(days, ends)| json!({"priority": priority, "amount": format!("P{days}D"), "count": "open-days", "dayEnds": ends})),
    ]
}

prop_compose! {
    /// A bundle that a site could write.
    fn bundle()(
        when in prop::collection::vec((condition(), any::<bool>()), 0..6),
        governs in prop::collection::vec(condition(), 0..4),
        targets in (target("routine"), target("urgent"), target("stat")),
        places in prop::collection::vec(place_of_threshold(), 0..5),
        calendar in select(vec![json!("clinic"), json!("refills"), json!({"of": "owner"}), json!({"of": "answering-pool"})]),
        (start, end) in (0_u32..23, 1_u32..=24),
        reply_window in 1_u32..9000,
        length in 1_usize..5000,
    ) -> Value {
        let mut whole = parsed(SAMPLE);
        whole["routing"] = when.into_iter().enumerate().map(|(order, (when, enabled))| json!({
            "id": format!("r{order}"), "order": order, "when": when, "enabled": enabled,
            "do": [{"type": "route-to-pool", "to": "refill"}],
        })).collect();
        let mut thresholds: Vec<Value> = places.into_iter().enumerate().map(|(place, at)| json!({
            "id": format!("t{place}"), "at": at, "do": [{"type": "notify", "to": "pool"}],
        })).collect();
        thresholds.push(json!({"id": "breach", "at": {"due": true}, "do": []}));
        let mut fallback = whole["turnaround"][3].clone();
        fallback["clocks"][1]["calendar"] = calendar;
        fallback["clocks"][1]["targets"] = json!([targets.0, targets.1, targets.2]);
        fallback["clocks"][1]["thresholds"] = json!(thresholds);
        let mut policies: Vec<Value> = governs.into_iter().enumerate().map(|(order, when)| {
            let mut policy = fallback.clone();
            policy["id"] = json!(format!("p{order}"));
            policy["order"] = json!(order);
            policy["when"] = when;
            policy
        }).collect();
        policies.push(fallback);
        whole["turnaround"] = json!(policies);
        if start < end && end - start < 24 {
            let wall = |hour: u32| format!("{hour:02}:00");
            whole["quietHours"] = json!([{
                "id": "q", "audience": "patient", "windowsIn": "recipient-timezone",
                "shifts": [{"start": wall(start), "end": wall(end)}],
            }]);
        }
        whole["replyWindow"] = json!(format!("PT{reply_window}M"));
        whole["length"] = json!({"notice": length / 2, "limit": length});
        whole
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bundle_that_a_site_could_write_follows_the_schema_before_and_after_it_is_read(written in bundle()) {
        let schema = schema();
        prop_assert_eq!(complaints(&schema, &written), [""; 0]);
        prop_assert_eq!(errors(&written), [""; 0]);
        let read = Bundle::read(&written.to_string()).unwrap();
        prop_assert_eq!(complaints(&schema, &parsed(&read.canonical())), [""; 0]);
        let again = Bundle::read(&read.canonical()).unwrap();
        prop_assert_eq!(again.hash(), read.hash());
        prop_assert_eq!(again, read);
    }
}

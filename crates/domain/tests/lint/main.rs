//! Lint: each kind of finding, with its place and a remedy.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::calendar::tzdb_version;
use domain::policy::bundle::Bundle;
use domain::policy::lint::{Finding, Severity};
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::time::Instant;
use serde_json::{Value, json};

mod boundaries;
mod size;
mod turnaround;

const SAMPLE: &str = include_str!("../../../../docs/policy-bundle.sample.json");

fn now() -> Instant {
    "2026-06-19T21:30:00Z".parse().unwrap()
}

/// What is found in the sample with one place changed. A place that is not there is added to the object that holds it.
fn found(changes: &[(&str, Value)]) -> Vec<Finding> {
    let mut whole: Value = serde_json::from_str(SAMPLE).unwrap();
    whole["timezoneData"] = json!(tzdb_version());
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match whole.pointer_mut(parent).unwrap() {
            Value::Array(list) if name == "-" => list.push(value.clone()),
            Value::Array(list) => list[name.parse::<usize>().unwrap()] = value.clone(),
            parent => parent[name] = value.clone(),
        }
    }
    Bundle::read(&whole.to_string()).unwrap().lint(now())
}

/// Asserts that a change gives one finding of that severity at that place, besides those allowed elsewhere.
fn finds(severity: Severity, pointer: &str, message: &str, changes: &[(&str, Value)]) {
    let findings = found(changes);
    let own: Vec<&Finding> = findings.iter().filter(|finding| finding.pointer == pointer).collect();
    assert!(
        own.iter().any(|finding| finding.severity == severity && finding.message.contains(message)),
        "{pointer} is not said to be {message:?} for {changes:?}: {findings:#?}",
    );
    assert!(findings.iter().all(|finding| !finding.remedy.is_empty() && !finding.message.is_empty()));
}

fn error(pointer: &str, message: &str, changes: &[(&str, Value)]) {
    finds(Severity::Error, pointer, message, changes);
}

fn warning(pointer: &str, message: &str, changes: &[(&str, Value)]) {
    finds(Severity::Warning, pointer, message, changes);
    let findings = found(changes);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Warning), "{findings:#?}");
}

fn is(code: &str) -> Value {
    json!({"field": "message.category", "op": "eq", "value": code})
}

#[test]
fn the_sample_and_the_bundle_that_ships_give_no_finding_at_all() {
    assert_eq!(found(&[]), []);
    let mut shipped = Bundle::read(DEFAULT_BUNDLE).unwrap();
    tzdb_version().clone_into(&mut shipped.timezone_data);
    assert_eq!(shipped.lint(now()), []);
    assert!(Policy::compile(shipped, &Directory::default(), 1, now()).is_ok());
}

#[test]
fn a_bundle_with_errors_is_not_compiled_and_says_why() {
    let mut bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
    bundle.default_pool = "nobody".into();
    let findings = Policy::compile(bundle, &Directory::default(), 1, now()).unwrap_err();
    assert_eq!(findings[0].to_string(), "/defaultPool: there is no pool of this id (name one of /pools)");
}

#[test]
fn names_and_texts_of_the_bundle_and_its_clinic() {
    error("/id", "legal id", &[("/id", json!("River Side"))]);
    error("/version", "begin at 1", &[("/version", json!(0))]);
    error("/timezoneData", "not a release", &[("/timezoneData", json!("latest"))]);
    warning("/timezoneData", "2020a", &[("/timezoneData", json!("2020a"))]);
    error("/clinic/timezone", "no such IANA zone", &[("/clinic/timezone", json!("America/Springfield"))]);
    error("/clinic/name", "is empty", &[("/clinic/name", json!("  "))]);
    error("/clinic/phone", "is empty", &[("/clinic/phone", json!(""))]);
    error("/clinic/emergencyNumber", "more than", &[("/clinic/emergencyNumber", json!("9".repeat(201)))]);
    error("/clinic/language", "language tag", &[("/clinic/language", json!("e"))]);
    error("/effective/until", "not later than from", &[("/effective/until", json!("2026-03-01T05:00:00Z"))]);
    for list in [
        "/holidaySets",
        "/calendars",
        "/pools",
        "/redFlags/lists",
        "/routing",
        "/turnaround",
        "/quietHours",
        "/awayReplies",
        "/templates",
        "/turnaround/3/clocks/1/thresholds",
    ] {
        error(&format!("{list}/0/id"), "legal id", &[(&format!("{list}/0/id"), json!("No Name"))]);
        let whole: Value = serde_json::from_str(SAMPLE).unwrap();
        let list_of = whole.pointer(list).unwrap().as_array().unwrap();
        let again = format!("{list}/{}/id", list_of.len());
        error(&again, "taken already", &[(&format!("{list}/-"), list_of[0].clone())]);
    }
}

#[test]
fn calendars_that_cannot_be_compiled_or_never_open() {
    let calendar = |name: &str| format!("/calendars/0/{name}");
    error(&calendar("timezone"), "unknown", &[("/calendars/0/timezone", json!("Mars/Olympus"))]);
    error(
        "/calendars/0",
        "never opens",
        &[("/calendars/0/weekly", json!([])), ("/calendars/0/holidaySets", json!([]))],
    );
    error(&calendar("holidaySets/0"), "no holiday set", &[("/calendars/0/holidaySets/0", json!("moon"))]);
    let reversed = ("/calendars/0/weekly/0/shifts/0/end", json!("07:00"));
    error(&calendar("weekly/0/shifts/0"), "ends before it starts", &[reversed]);
    error(&calendar("exceptions/0/to"), "before the first", &[("/calendars/0/exceptions/0/to", json!("2026-01-01"))]);
    error(&calendar("exceptions/0/reason"), "is empty", &[("/calendars/0/exceptions/0/reason", json!(""))]);
    let until = ("/calendars/0/closures/0/until", json!("2026-01-01T00:00:00Z"));
    error(&calendar("closures/0/until"), "ends before it starts", &[until]);
    error(&calendar("closures/0/reason"), "is empty", &[("/calendars/0/closures/0/reason", json!(" "))]);
    let shift = json!([{"start": "12:00", "end": "09:00"}]);
    let findings = found(&[("/holidaySets/0/entries/0/shifts", shift)]);
    let places: Vec<&str> = findings.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(places, ["/holidaySets/0/entries/0/shifts/0"], "said once, though two calendars use the set");
}

#[test]
fn pools_and_red_flags_that_lead_nowhere() {
    error("/defaultPool", "no pool", &[("/defaultPool", json!("nobody"))]);
    error("/pools", "there is no pool", &[("/pools", json!([]))]);
    error("/pools/0/calendar", "no calendar", &[("/pools/0/calendar", json!("lunar"))]);
    error("/pools/0/reference", "cannot be a pool", &[("/pools/0/reference", json!("Practitioner/lee"))]);
    let same = ("/pools/1/reference", json!("HealthcareService/family-medicine"));
    error("/pools/1/reference", "another pool already", &[same]);
    error("/redFlags/lists", "no word to look for", &[("/redFlags/lists", json!([]))]);
    error("/redFlags/lists/0/phrases/0", "holds no word", &[("/redFlags/lists/0/phrases/0", json!("?!"))]);
    error("/redFlags/lists/0/phrases/0", "more than", &[("/redFlags/lists/0/phrases/0", json!("a".repeat(201)))]);
    error("/redFlags/lists/0/label", "is empty", &[("/redFlags/lists/0/label", json!(""))]);
    error("/redFlags/lists/0/language", "language tag", &[("/redFlags/lists/0/language", json!("?"))]);
    error("/redFlags/target/count", "wall clock", &[("/redFlags/target/count", json!("open-time"))]);
    error("/redFlags/target/amount", "leaves no time", &[("/redFlags/target/amount", json!("PT0M"))]);
    error("/redFlags/priority", "at least urgent", &[("/redFlags/priority", json!("routine"))]);
    error("/redFlags/pool", "no pool", &[("/redFlags/pool", json!("nobody"))]);
    error("/redFlags/template", "no template", &[("/redFlags/template", json!("nothing"))]);
    let named = ("/templates/1/variables/0", json!("patient.givenName"));
    error("/redFlags/template", "no reply knows", &[named]);
}

#[test]
fn rules_that_cannot_hold_cannot_act_or_are_never_reached() {
    let when = |when: Value| [("/routing/0/when", when)];
    error("/routing/0/when", "cannot be compared", &when(json!({"field": "message.text", "op": "eq", "value": "x"})));
    error(
        "/routing/0/when",
        "cannot be compared",
        &when(json!({"field": "calendar.open", "op": "is", "value": "yes"})),
    );
    let nested = json!({"not": {"all": [is("form"), {"field": "patient.tag", "op": "lt", "value": 3}]}});
    error("/routing/0/when/not/all/1", "cannot be compared", &when(nested));
    let blank = json!({"field": "message.text", "op": "anyWord", "value": ["pill", "..."]});
    error("/routing/0/when/value/1", "holds no word", &when(blank));
    let long = json!({"field": "message.category", "op": "in", "value": ["a".repeat(201)]});
    error("/routing/0/when/value/0", "more than", &when(long));
    warning("/routing/0/when", "never holds", &when(json!({"all": [is("form"), {"any": []}]})));
    error("/routing/0/do", "does nothing", &[("/routing/0/do", json!([]))]);
    error("/routing/0/do/0/to", "no pool", &[("/routing/0/do/0/to", json!("nobody"))]);
    error(
        "/routing/0/do/0/value",
        "no template",
        &[("/routing/0/do/0", json!({"type": "send-template", "value": "x"}))],
    );
    error("/routing/0/do/0", "cannot stand here", &[("/routing/0/do/0", json!({"type": "notify", "to": "pool"}))]);
    error(
        "/routing/0/do/0/value",
        "not a legal tag",
        &[("/routing/0/do/0", json!({"type": "add-tag", "value": "X y"}))],
    );
    let patient = json!({"type": "assign", "to": "Patient/p"});
    error("/routing/0/do/0/to", "cannot be assigned", &[("/routing/0/do/0", patient)]);
    error("/routing/1/order", "two rules", &[("/routing/1/order", json!(10))]);
    let stops = ("/routing/0/do/-", json!({"type": "stop"}));
    warning("/routing/1/when", "refills ends the rules", &[("/routing/0/when", json!({"all": []})), stops.clone()]);
    warning(
        "/routing/1/when",
        "refills ends the rules",
        &[("/routing/0/when", is("form")), stops.clone(), ("/routing/1/when", is("form"))],
    );
    let disabled = ("/routing/0/enabled", json!(false));
    assert_eq!(
        found(&[("/routing/0/when", json!({"all": []})), stops, disabled]),
        [],
        "what is not looked at ends nothing"
    );
    let chain = (0..8).fold(is("form"), |inner, _| json!({"not": inner}));
    error("/routing/0/when", "nests 9 deep", &when(chain));
    error("/routing/0/when", "with 201 nodes", &when(json!({"any": vec![is("form"); 200]})));
}

#[test]
fn calendars_that_are_combined_with_nothing_or_in_a_circle() {
    let laid = |how: &str, with: &str| json!([{"how": how, "with": with}]);
    let one = |how: &str, with: &str| [("/calendars/0/combined", laid(how, with))];
    error("/calendars/0/combined/0/with", "no calendar", &one("union", "lunar"));
    error("/calendars/0/combined/0/with", "combined with others itself", &one("union", "clinic"));
    let both =
        [("/calendars/0/combined", laid("union", "refills")), ("/calendars/1/combined", laid("minus", "clinic"))];
    error("/calendars/0/combined/0/with", "combined with others itself", &both);
    error(
        "/calendars/0",
        "never opens",
        &[
            ("/calendars/-", json!({"id": "always", "timezone": "UTC", "alwaysOpen": true})),
            ("/calendars/0/combined", laid("minus", "always")),
        ],
    );
    error(
        "/calendars/0/combined",
        "more than 4",
        &[("/calendars/0/combined", json!(vec![laid("union", "refills")[0].clone(); 5]))],
    );
    assert_eq!(found(&one("intersection", "refills")), []);
}

#[test]
fn covers_that_go_in_a_circle_or_too_far() {
    let covers = |pairs: &[(&str, &str)]| {
        let person = |name: &str| format!("Practitioner/{name}");
        let covers = pairs.iter().map(|(who, by)| json!({"person": person(who), "by": person(by)}));
        [("/absence/covers", covers.collect::<Value>())]
    };
    error("/absence/covers/0/by", "in the end, by the person", &covers(&[("a", "a")]));
    for place in 0..3 {
        let pointer = format!("/absence/covers/{place}/by");
        error(&pointer, "in the end, by the person", &covers(&[("a", "b"), ("b", "c"), ("c", "a")]));
    }
    let chain = covers(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "e")]);
    error("/absence/covers/0/by", "a chain of more than 3", &chain);
    error("/absence/covers/1/person", "has a cover already", &covers(&[("a", "b"), ("a", "c")]));
    let patient = json!([{"person": "Patient/p", "by": "Practitioner/b"}]);
    error("/absence/covers/0/person", "cannot answer", &[("/absence/covers", patient)]);
    assert_eq!(found(&covers(&[("a", "b"), ("b", "c"), ("c", "d")])), []);
}

#[test]
fn templates_that_could_not_be_sent_or_would_not_fit() {
    let text = |text: &str| [("/templates/0/texts/en", json!(text))];
    error("/templates/0/texts", "is empty", &[("/templates/0/texts", json!({}))]);
    error("/templates/0/texts/en", "is empty", &text(" "));
    error("/templates/0/texts/en", "does not declare", &text("Until {{clinic.phone}}"));
    error("/templates/0/texts/en", "does not declare", &text("Until {{due.local"));
    error("/templates/0/texts/en", "more than 2000", &text(&"x".repeat(2001)));
    error("/templates/0/texts/a~1b", "language tag", &[("/templates/0/texts", json!({"a/b": "x"}))]);
    error("/templates/0/version", "begin at 1", &[("/templates/0/version", json!(0))]);
    error("/templates/0/maxLength/Sms", "legal id", &[("/templates/0/maxLength", json!({"Sms": 320}))]);
    error("/templates/0/maxLength/sms", "no room", &[("/templates/0/maxLength", json!({"sms": 0}))]);
    // 37 characters as written, 72 once the longest instant stands in them.
    let sms = ("/templates/0/maxLength", json!({"sms": 60}));
    let fits = ("/templates/0/texts", json!({"en": "Someone will answer by {{due.local}}."}));
    error("/templates/0/texts/en", "may have 72 characters; sms takes 60", &[sms, fits]);
    let cover = ("/templates/0/variables/0", json!("cover.displayName"));
    error("/awayReplies/0/template", "cover.displayName, which no reply knows", &[cover]);
}

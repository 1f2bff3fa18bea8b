//! Lint: each kind of finding, with its place and a remedy, and input of any size in bounded time.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::time::{Duration, Instant as Stopwatch};

use domain::calendar::tzdb_version;
use domain::policy::bundle::Bundle;
use domain::policy::document::MAX_TEXT;
use domain::policy::lint::{Finding, Severity};
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::time::Instant;
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../docs/policy-bundle.sample.json");

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
fn turnaround_that_leaves_a_message_without_a_promise_or_with_two() {
    let clock = "/turnaround/3/clocks/1";
    let at = |name: &str| format!("{clock}/{name}");
    error(
        "/turnaround",
        "2 policies have no condition",
        &[("/turnaround/2", serde_json::from_str::<Value>(SAMPLE).unwrap()["turnaround"][3].clone())],
    );
    error("/turnaround", "0 policies have no condition", &[("/turnaround/3/when", is("x"))]);
    error("/turnaround/1/order", "two policies", &[("/turnaround/1/order", json!(10))]);
    warning("/turnaround/1", "never governs", &[("/turnaround/1/when", is("appointment"))]);
    warning("/turnaround/3", "never governs", &[("/turnaround/2/when", json!({"all": []}))]);
    warning("/turnaround/0/when", "never holds", &[("/turnaround/0/when", json!({"any": []}))]);
    let first: Value = serde_json::from_str::<Value>(SAMPLE).unwrap()["turnaround"][3]["clocks"][0].clone();
    error("/turnaround/3/clocks", "nobody has to answer", &[("/turnaround/3/clocks", json!([first.clone()]))]);
    error("/turnaround/3/clocks/2/id", "has this clock already", &[("/turnaround/3/clocks/-", first)]);
    error(&at("calendar"), "no calendar", &[(&at("calendar"), json!("lunar"))]);
    error(&at("stops"), "does not stop", &[(&at("stops"), json!("opened-by-human"))]);
    error(&at("starts"), "does not begin with a team", &[(&at("starts"), json!("assigned"))]);
    error(&at("starts"), "every message but the first", &[(&at("starts"), json!("thread-opened"))]);
    error(&at("onReopen"), "writes again", &[(&at("onReopen"), json!("none"))]);
    error(&at("targets"), "no target for stat", &[(&at("targets/0/priority"), json!("asap"))]);
    error(&at("targets/1/priority"), "has a target already", &[(&at("targets/1/priority"), json!("stat"))]);
    error(&at("targets/2/amount"), "at most 366", &[(&at("targets/2/amount"), json!("P367D"))]);
    error(&at("targets/0/amount"), "leaves no time", &[(&at("targets/0/amount"), json!("PT0S"))]);
    error(&at("targets/0/dayEnds"), "open-days alone", &[(&at("targets/0/dayEnds"), json!("close"))]);
    error(&at("targets/0"), "beyond what the calendar clinic opens", &[(&at("targets/0/amount"), json!("PT9000H"))]);
    warning(&at("thresholds"), "nothing records", &[(&at("thresholds"), json!([]))]);
}

#[test]
fn thresholds_that_do_not_stand_where_they_should() {
    let threshold = |name: &str| format!("/turnaround/3/clocks/1/thresholds/0/{name}");
    let stands = |at: Value| [("/turnaround/3/clocks/1/thresholds/0/at", at)];
    for own in ["promise-missed", "pause-ends", "pause-ends-2"] {
        error(&threshold("id"), "every clock records by itself", &[(&threshold("id"), json!(own))]);
    }
    for percent in [0, 100, 200] {
        error(&threshold("at/percent"), "between start and due", &stands(json!({"percent": percent})));
    }
    error(&threshold("at"), "at due itself", &stands(json!({"before": "PT0S"})));
    error(&threshold("at"), "at due itself", &stands(json!({"after": "PT0S"})));
    warning(&threshold("at/before"), "before the start", &stands(json!({"before": "PT4H"})));
    let routes = ("/turnaround/3/clocks/1/thresholds/0/do/0", json!({"type": "route-to-pool", "to": "nobody"}));
    error(&threshold("do/0/to"), "no pool", &[routes]);
    let stands = |action: Value| [("/turnaround/3/clocks/1/thresholds/0/do/0", action)];
    for action in [
        json!({"type": "set-priority", "value": "stat"}),
        json!({"type": "assign", "to": "Practitioner/p"}),
        json!({"type": "send-template", "value": "accepted"}),
        json!({"type": "suggest-visit"}),
        json!({"type": "stop"}),
    ] {
        error(&threshold("do/0"), "cannot stand here", &stands(action));
    }
    for action in [json!({"type": "add-tag", "value": "late"}), json!({"type": "route-to-pool", "to": "refill"})] {
        assert_eq!(found(&stands(action)), []);
    }
    for own in ["needs-review", "visit-suggested"] {
        let tag = stands(json!({"type": "add-tag", "value": own}));
        error(&threshold("do/0/value"), "gives itself", &tag);
    }
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
fn rests_that_say_something_twice_or_of_nothing() {
    let clock = |name: &str| format!("/turnaround/3/clocks/1/{name}");
    let caps = |caps: Value| [("/turnaround/3/clocks/1/pauseCaps", caps)];
    let cap = |reason: &str| json!({"while": reason, "openDays": 3});
    let twice = json!(["waiting-on-patient", "waiting-on-patient"]);
    error(&clock("pausesWhile/1"), "stands there already", &[("/turnaround/3/clocks/1/pausesWhile", twice)]);
    let patient = "waiting-on-patient";
    error(&clock("pauseCaps/1/while"), "a cap already", &caps(json!([cap(patient), cap(patient)])));
    let only = ("/turnaround/3/clocks/1/pausesWhile", json!([patient]));
    let other = ("/turnaround/3/clocks/1/pauseCaps", json!([cap(patient), cap("waiting-on-third-party")]));
    error(&clock("pauseCaps/1/while"), "never rests", &[only, other]);
    assert_eq!(found(&caps(json!([cap(patient)]))), []);
}

#[test]
fn answers_that_may_stay_unread_for_no_time_or_for_longer_than_a_calendar_holds() {
    let after = |amount: &str, count: &str| {
        [("/unreadByPatient", json!({"actionRequired": {"amount": amount, "count": count}, "otherwise": "never"}))]
    };
    let amount = "/unreadByPatient/actionRequired/amount";
    error(amount, "leaves no time", &after("P0D", "calendar-days"));
    error(amount, "at most 366", &after("P367D", "open-days"));
    let mut seldom = after("P200D", "open-days").to_vec();
    seldom.push(("/calendars/0/weekly", json!([{"days": ["sun"], "shifts": [{"start": "08:00", "end": "09:00"}]}])));
    error("/unreadByPatient/actionRequired", "lies beyond what the calendar clinic opens", &seldom);
    assert_eq!(found(&after("P366D", "calendar-days")), []);
    let named = [("/turnaround/3/clocks/1/thresholds/0/id", json!("unread-by-patient"))];
    error("/turnaround/3/clocks/1/thresholds/0/id", "tells that an answer is unread", &named);
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
fn d4_quiet_hours_that_end_where_they_start_are_an_error_and_no_length_is_guessed() {
    for shift in
        [json!({"start": "08:00", "end": "08:00"}), json!({"start": "08:00", "end": "08:00", "endsNextDay": true})]
    {
        error("/quietHours/0/shifts/0", "all day", &[("/quietHours/0/shifts", json!([shift]))]);
    }
}

#[test]
fn boundaries_that_are_none_or_shut_everything() {
    let shifts = |shifts: Value| [("/quietHours/0/shifts", shifts)];
    let all_day = "all day";
    error("/quietHours/0/shifts/0", "ends before", &shifts(json!([{"start": "22:00", "end": "07:00"}])));
    error("/quietHours/0/shifts", all_day, &shifts(json!([{"start": "00:00", "end": "24:00"}])));
    let halves = json!([{"start": "20:00", "end": "08:00", "endsNextDay": true}, {"start": "08:00", "end": "20:00"}]);
    error("/quietHours/0/shifts", all_day, &shifts(halves));
    error("/quietHours/0/shifts", "no window", &shifts(json!([])));
    error("/quietHours/0/maxHold", "holds nothing", &[("/quietHours/0/maxHold", json!("PT0S"))]);
    let other = json!({
        "id": "day", "audience": "patient", "windowsIn": "clinic-timezone", "shifts": [{"start": "07:00", "end": "21:00"}],
    });
    error("/quietHours", "leave no time", &[("/quietHours/-", other)]);

    error("/awayReplies/0/template", "no template", &[("/awayReplies/0/template", json!("nothing"))]);
    error("/awayReplies/0/calendar", "no calendar", &[("/awayReplies/0/calendar", json!("lunar"))]);
    let second = json!({"id": "again", "when": "message-accepted", "template": "accepted"});
    warning("/awayReplies/3", "never sent", &[("/awayReplies/-", second)]);
    error("/awayReplies/0/calendar", "calendar-closed alone", &[("/awayReplies/0/calendar", json!("clinic"))]);
    let throttle = |per: &str, window: &str| [("/awayReplies/0/throttle", json!({"per": per, "window": window}))];
    error("/awayReplies/0/throttle/window", "holds nothing back", &throttle("sender", "PT0S"));
    error("/awayReplies/0/throttle/window", "longer than", &throttle("sender", "P32D"));
    error("/awayReplies/0/throttle/per", "no closure", &throttle("sender-closure", "PT1H"));
    error("/awayReplies/1/template", "not known yet", &[("/awayReplies/1/template", json!("accepted"))]);
    error("/length", "after the limit", &[("/length", json!({"notice": 2, "limit": 1}))]);
    error("/length/limit", "more than", &[("/length", json!({"notice": 2, "limit": 1_000_001}))]);
    error("/replyWindow", "at once", &[("/replyWindow", json!("PT0S"))]);
    error("/visitSuggestedFrom", "before the first", &[("/visitSuggestedFrom", json!(0))]);
}

#[test]
fn limits_that_lose_or_hold_what_they_must_not() {
    let limit = |scope: &str, on_exceed: &str, more: Value| {
        let mut limit = json!({"id": "l", "scope": scope, "max": 1, "window": "PT1H", "onExceed": on_exceed});
        limit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        [("/limits", json!([limit]))]
    };
    for (scope, on_exceed) in [("sender", "drop"), ("sender-thread", "reject"), ("tenant", "drop")] {
        error("/limits/0/onExceed", "would be lost", &limit(scope, on_exceed, json!({})));
    }
    error("/limits/0/onExceed", "not reviewed", &limit("automatic-per-thread", "hold-for-review", json!({})));
    let person = |more| limit("sender-new-threads", "hold-for-review", more);
    error("/limits/0/max", "lets nothing pass", &person(json!({"max": 0})));
    error("/limits/0/max", "more than 1000", &person(json!({"max": 1001})));
    error("/limits/0/max", "more than 100", &limit("automatic-per-recipient", "drop", json!({"max": 101})));
    error("/limits/0/window", "counts nothing", &person(json!({"window": "PT0S"})));
    error("/limits/0/window", "longer than", &person(json!({"window": "P32D"})));
    error("/limits/0/reviewWithin", "no time", &person(json!({"reviewWithin": "PT0S"})));
    error("/limits/0/longestHold", "no time", &person(json!({"longestHold": "PT0S"})));
    error("/limits/0/longestHold", "no time", &person(json!({"longestHold": "P32D"})));
    warning("/pools/0/leads", "nobody leads", &[("/pools/0/leads", json!([]))]);
    error("/turnaround/3/clocks/0/id", "started by holds", &[("/turnaround/3/clocks/0/id", json!("review"))]);
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

/// The one finding about a text that cannot be read, and the time that took.
fn refused(text: &str) -> (Finding, Duration) {
    let watch = Stopwatch::now();
    let finding = Bundle::read(text).unwrap_err();
    (finding, watch.elapsed())
}

#[test]
fn a_text_that_is_no_bundle_gets_one_clear_answer() {
    for (text, pointer, message) in [
        ("", "", "EOF"),
        ("{} {}", "", "trailing characters"),
        ("[]", "", "invalid"),
        ("{}", "", "missing field"),
        ("{\"schema\": \"policy-bundle/2\"}", "/schema", "unknown variant"),
        ("{\"clinic\": null}", "/clinic", "null says nothing"),
        ("{\"templates\": [{\"texts\": {\"a/b~c\": null}}]}", "/templates/0/texts/a~1b~0c", "null says nothing"),
        ("{\"id\": \"a\", \"id\": \"b\"}", "", "duplicate field `id`"),
    ] {
        let (finding, _) = refused(text);
        assert_eq!(finding.pointer, pointer, "{text}: {finding}");
        assert!(finding.message.contains(message) && !finding.remedy.is_empty(), "{text}: {finding}");
    }
}

#[test]
fn ten_megabytes_and_a_thousand_levels_are_refused_at_once() {
    let blown = SAMPLE.replacen("Riverside Clinic", &"x".repeat(10 * 1024 * 1024), 1);
    let (finding, took) = refused(&blown);
    assert!(finding.message.contains(&MAX_TEXT.to_string()) && finding.pointer == "/clinic", "{finding}");
    assert!(took < Duration::from_secs(2), "{took:?}");
    // What is no document has no member to name.
    assert_eq!(refused(&"[".repeat(10 * 1024 * 1024)).0.pointer, "");

    let chain = (0..1000).fold(is("form").to_string(), |inner, _| format!("{{\"not\": {inner}}}"));
    let deep = SAMPLE.replacen("\"when\": {", &format!("\"unless\": {chain}, \"when\": {{"), 1);
    let (finding, took) = refused(&deep);
    assert!(finding.message.contains("recursion limit"), "{finding}");
    assert!(took < Duration::from_millis(500), "{took:?}");
}

#[test]
fn ten_thousand_rules_get_one_finding() {
    let rule =
        |order: usize| json!({"id": format!("r{order}"), "order": order, "when": is("x"), "do": [{"type": "stop"}]});
    let many: Value = (0..8000).map(rule).collect();
    let watch = Stopwatch::now();
    let findings = found(&[("/routing", many)]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!((findings[0].pointer.as_str(), findings[0].severity), ("/routing", Severity::Error));
    assert!(findings[0].message.contains("8000 entries; at most 200"), "{}", findings[0]);
    assert!(watch.elapsed() < Duration::from_secs(5), "{:?}", watch.elapsed());
    let rules: Value = (0..10_000).map(rule).collect();
    let mut whole: Value = serde_json::from_str(SAMPLE).unwrap();
    whole["routing"] = rules;
    let (finding, _) = refused(&serde_json::to_string_pretty(&whole).unwrap());
    assert!(finding.message.contains("bytes"), "written out, ten thousand rules are too long a text: {finding}");
}

#[test]
fn each_list_has_an_end() {
    let sample: Value = serde_json::from_str(SAMPLE).unwrap();
    for (list, most) in [
        ("/holidaySets", 50),
        ("/holidaySets/0/entries", 2000),
        ("/calendars", 200),
        ("/pools", 500),
        ("/pools/0/leads", 50),
        ("/redFlags/lists", 50),
        ("/redFlags/lists/0/phrases", 2000),
        ("/routing", 200),
        ("/routing/0/do", 10),
        ("/turnaround", 100),
        ("/turnaround/3/clocks", 4),
        ("/turnaround/3/clocks/1/targets", 4),
        ("/turnaround/3/clocks/1/thresholds", 10),
        ("/turnaround/3/clocks/1/thresholds/0/do", 10),
        ("/quietHours", 50),
        ("/quietHours/0/shifts", 48),
        ("/awayReplies", 50),
        ("/limits", 50),
        ("/absence/covers", 200),
        ("/templates", 500),
    ] {
        let entry = sample.pointer(list).unwrap()[0].clone();
        let findings = found(&[(list, json!(vec![entry; most + 1]))]);
        let said = format!("has {} entries; at most {most} are read", most + 1);
        assert_eq!(findings.len(), 1, "{list}: {findings:#?}");
        assert_eq!((findings[0].pointer.as_str(), findings[0].message.as_str()), (list, said.as_str()));
    }
    let values = json!({"field": "message.category", "op": "in", "value": vec!["x"; 201]});
    error("/routing/0/when/any/0/value", "201 entries", &[("/routing/0/when", json!({"any": [values]}))]);
}

#[test]
fn the_fullest_bundle_that_can_be_read_is_linted_in_bounded_time() {
    let mut whole: Value = serde_json::from_str(SAMPLE).unwrap();
    // Calendars that open once a year make every target far away, and there are as many as there may be.
    let rare = |id: usize| {
        json!({
            "id": format!("c{id}"), "timezone": "America/New_York", "weekly": [],
            "exceptions": (2026..2030).map(|year| json!({
                "from": format!("{year}-07-01"), "to": format!("{year}-07-01"), "reason": "open day",
                "shifts": [{"start": "09:00", "end": "10:00"}],
            })).collect::<Value>(),
        })
    };
    whole["calendars"] = (0..200).map(rare).collect();
    whole["pools"] = (0..200)
        .map(|id| json!({"id": format!("p{id}"), "reference": format!("CareTeam/t{id}"), "calendar": format!("c{id}")}))
        .collect();
    whole["defaultPool"] = json!("p0");
    whole["redFlags"]["pool"] = json!("p0");
    whole["routing"] = json!([]);
    let targets = |order: usize| {
        json!([
            {"priority": "routine", "amount": format!("P{}D", 366 - order), "count": "open-days"},
            {"priority": "urgent", "amount": format!("PT{}H", 100 + order), "count": "open-time"},
            {"priority": "stat", "amount": format!("P{}D", 366 - order), "count": "open-days", "dayEnds": "same-time"},
        ])
    };
    let mut policies: Vec<Value> = (0..100)
        .map(|order| {
            let mut policy = whole["turnaround"][3].clone();
            policy["id"] = json!(format!("t{order}"));
            policy["order"] = json!(order);
            policy["when"] = is(&format!("c{order}"));
            policy["clocks"][1]["targets"] = targets(order);
            policy
        })
        .collect();
    policies[99].as_object_mut().unwrap().remove("when");
    whole["turnaround"] = json!(policies);
    let text = whole.to_string();
    assert!(text.len() < MAX_TEXT, "{}", text.len());
    let watch = Stopwatch::now();
    let findings = Bundle::read(&text).unwrap().lint(now());
    let took = watch.elapsed();
    assert!(!findings.is_empty());
    assert!(took < Duration::from_secs(20), "{took:?} for {} findings", findings.len());
}

//! Open time, against what happened to people, against a slow reading of the rules, and against algebra.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]
#![expect(clippy::needless_pass_by_value, reason = "`json!` values are made where they are passed")]

mod faults;
mod open_days;
mod oracle;
mod properties;
mod scenarios;
mod strategies;

use domain::calendar::{Calendar, CalendarSpec, HolidaySet, vectors};
use domain::time::{Instant, Span};
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn seconds(amount: i64) -> Span {
    Span::from_seconds(amount)
}

/// A calendar in New York with members added to it, and the holiday sets it may name.
fn calendar(members: Value, holidays: Value, around: &str) -> Calendar {
    let mut whole = json!({ "id": "c", "timezone": "America/New_York" });
    for (name, value) in members.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let spec: CalendarSpec = serde_json::from_value(whole).unwrap();
    let holidays: Vec<HolidaySet> = serde_json::from_value(holidays).unwrap();
    Calendar::compile(&spec, &holidays, at(around)).unwrap()
}

/// Monday to Friday, 09:00 to 17:00.
fn office_hours() -> Value {
    json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": [{ "start": "09:00", "end": "17:00" }] }])
}

/// Friday and Saturday nights, 19:00 to 07:00.
fn nights() -> Value {
    json!([{ "days": ["fri", "sat"], "shifts": [{ "start": "19:00", "end": "07:00", "endsNextDay": true }] }])
}

fn clinic() -> Calendar {
    calendar(json!({ "weekly": office_hours() }), json!([]), "2026-06-19T12:00:00Z")
}

#[test]
fn every_golden_result_is_met() {
    let outcomes = vectors::check(include_str!("../vectors/calendar.json")).unwrap();
    assert_eq!(outcomes.len(), 23);
    for outcome in outcomes {
        assert!(outcome.ok, "{}: expected {}, got {}", outcome.id, outcome.expected, outcome.got);
    }
}

#[test]
fn a_golden_result_that_differs_is_shown_with_both_values() {
    let case = json!([{
        "id": "wrong", "calendar": { "id": "c", "timezone": "America/New_York", "weekly": office_hours() },
        "op": "add", "start": "2026-06-19T20:30:00Z", "openSeconds": 3600, "due": "2026-06-19T21:30:00Z",
    }]);
    let outcome = &vectors::check(&case.to_string()).unwrap()[0];
    assert!(!outcome.ok);
    assert_eq!(outcome.expected, json!("2026-06-19T21:30:00Z"));
    assert_eq!(outcome.got, json!("2026-06-22T13:30:00Z"));
}

#[test]
fn a_case_without_what_its_operation_needs_is_refused_by_number() {
    for (case, lacking) in [
        (json!({ "op": "add", "openSeconds": 1 }), "due"),
        (json!({ "op": "elapsed", "openSeconds": 1 }), "end"),
        (json!({ "op": "openDays", "due": null }), "openDays"),
        (json!({ "op": "subtract" }), "subtract"),
        (json!({ "op": "add", "openSeconds": 1, "due": null, "dew": null }), "dew"),
    ] {
        let mut whole = json!({
            "id": "x", "calendar": { "id": "c", "timezone": "UTC", "weekly": [] }, "start": "2026-06-19T20:30:00Z",
        });
        whole.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
        let error = vectors::check(&json!([whole]).to_string()).unwrap_err().to_string();
        assert!(error.starts_with("case 1 cannot be read") && error.contains(lacking), "{error}");
    }
    assert!(vectors::check("{}").is_err());
}

//! Texts that are no bundles, and bundles of any size: one clear answer, in bounded time.

use std::time::{Duration, Instant as Stopwatch};

use domain::policy::bundle::Bundle;
use domain::policy::document::MAX_TEXT;
use domain::policy::lint::{Finding, MAX_FINDINGS, Severity};
use serde_json::{Value, json};

use crate::{SAMPLE, error, found, is, now};

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
fn a_template_of_twenty_thousand_languages_and_channels_gets_a_finding_for_each_list() {
    let many = |value: Value| -> Value {
        let named = (0..20_000).map(|n| (format!("l{n}"), value.clone()));
        Value::Object(named.collect())
    };
    let findings = found(&[("/templates/0/texts", many(json!("xx"))), ("/templates/0/maxLength", many(json!(1)))]);
    let pointers: Vec<&str> = findings.iter().map(|finding| finding.pointer.as_str()).collect();
    assert_eq!(pointers, ["/templates/0/texts", "/templates/0/maxLength"]);
}

#[test]
fn of_very_many_findings_the_first_are_told_and_an_error_is_among_them() {
    let broken =
        |n: usize| json!({"id": format!("t{n}"), "version": 1, "texts": {"en": "{{nobody}} {{nobody}} {{nobody}}"}});
    let findings = found(&[("/templates", (0..400).map(broken).collect())]);
    assert_eq!(findings.len(), MAX_FINDINGS);
    assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
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

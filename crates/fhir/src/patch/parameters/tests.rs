//! What a FHIRPath Patch does to a text, byte for byte.

use domain::id::ResourceType;
use serde_json::{Value, json};

use super::*;
use crate::resource::Document;

const TEXT: &str = r#"{ "resourceType":"Communication", "status":"preparation", "_status":{"id":"s"},
 "identifier":[{"system":"urn:a","value":"1"},{"system":"urn:b","value":"2"}],
 "category":[ {"text":"refill"} , {"text":"billing"}, {"text":"form"} ],
 "extension":[{"url":"http://e/weight","valueDecimal":1.10}],
 "subject":{"reference":"Patient/1"},
 "payload":[{"contentString":"One"},{"contentString":"Two"}] }"#;

fn part(name: &str, (kind, value): (&str, Value)) -> Value {
    let mut part = json!({ "name": name });
    part[kind] = value;
    part
}

fn text(name: &str, text: &str) -> Value {
    part(name, ("valueString", json!(text)))
}

fn operation(kind: &str, path: &str, more: Vec<Value>) -> Value {
    let mut parts = vec![part("type", ("valueCode", json!(kind))), text("path", path)];
    parts.extend(more);
    json!({ "name": "operation", "part": parts })
}

fn patch(operations: &[Value]) -> String {
    json!({ "resourceType": "Parameters", "parameter": operations }).to_string()
}

fn patched(operation: Value) -> Result<String, Issue> {
    apply(TEXT, patch(&[operation]).as_bytes(), 10_000).map_err(|mut issues| issues.remove(0))
}

fn number(name: &str, number: i32) -> Value {
    part(name, ("valueInteger", json!(number)))
}

#[test]
fn each_kind_of_operation_changes_its_place_and_nothing_else() {
    let concept = |text: &str| part("value", ("valueCodeableConcept", json!({ "text": text })));
    for (operation, expected) in [
        (
            operation(
                "add",
                "Communication",
                vec![text("name", "priority"), part("value", ("valueCode", json!("urgent")))],
            ),
            TEXT.replace("\"Two\"}] }", "\"Two\"}],\"priority\":\"urgent\" }"),
        ),
        (
            operation("add", "Communication", vec![text("name", "category"), concept("new")]),
            TEXT.replace("\"form\"}", "\"form\"},{\"text\":\"new\"}"),
        ),
        (
            operation("add", "Communication", vec![text("name", "reasonCode"), concept("new")]),
            TEXT.replace("\"Two\"}] }", "\"Two\"}],\"reasonCode\":[{\"text\":\"new\"}] }"),
        ),
        (
            operation(
                "add",
                "Communication.subject",
                vec![text("name", "display"), part("value", ("valueString", json!("A")))],
            ),
            TEXT.replace("Patient/1\"", "Patient/1\",\"display\":\"A\""),
        ),
        (
            operation("insert", "Communication.category", vec![number("index", 1), concept("new")]),
            TEXT.replace("{\"text\":\"billing\"}", "{\"text\":\"new\"},{\"text\":\"billing\"}"),
        ),
        (
            operation("insert", "Communication.reasonCode", vec![number("index", 0), concept("new")]),
            TEXT.replace("\"Two\"}] }", "\"Two\"}],\"reasonCode\":[{\"text\":\"new\"}] }"),
        ),
        (operation("delete", "Communication.category[0]", vec![]), TEXT.replace("{\"text\":\"refill\"} , ", "")),
        (
            operation("delete", "Communication.identifier.where(system = 'urn:b')", vec![]),
            TEXT.replace(",{\"system\":\"urn:b\",\"value\":\"2\"}", ""),
        ),
        (
            // What stands beside a primitive goes with it.
            operation("delete", "Communication.status", vec![]),
            TEXT.replace(", \"status\":\"preparation\", \"_status\":{\"id\":\"s\"}", ""),
        ),
        (
            // FHIR has no empty object: the last element takes its holder along.
            operation("delete", "Communication.subject.reference", vec![]),
            TEXT.replace(",\n \"subject\":{\"reference\":\"Patient/1\"}", ""),
        ),
        (operation("delete", "Communication.note", vec![]), TEXT.to_owned()),
        (
            operation(
                "replace",
                "Communication.payload.last().content",
                vec![part("value", ("valueString", json!("3")))],
            ),
            TEXT.replace("Two", "3"),
        ),
        (
            operation(
                "replace",
                "Communication.payload.where(content = 'One').content.ofType(string)",
                vec![part("value", ("valueReference", json!({ "reference": "Binary/1" })))],
            ),
            TEXT.replace("\"contentString\":\"One\"", "\"contentReference\":{\"reference\":\"Binary/1\"}"),
        ),
        (
            operation(
                "replace",
                "Communication.extension('http://e/weight').value",
                vec![part("value", ("valueDecimal", json!(2)))],
            ),
            TEXT.replace("1.10", "2"),
        ),
        (
            operation("move", "Communication.category", vec![number("source", 2), number("destination", 0)]),
            TEXT.replace(", {\"text\":\"form\"}", "")
                .replace("{\"text\":\"refill\"}", "{\"text\":\"form\"},{\"text\":\"refill\"}"),
        ),
    ] {
        assert_eq!(patched(operation.clone()).unwrap(), expected, "{operation}");
    }
}

#[test]
fn a_structure_is_given_by_its_parts() {
    let value = json!({ "name": "value", "part": [
        { "name": "system", "valueUri": "urn:c" },
        { "name": "value", "valueString": "3" },
        { "name": "type", "part": [
            { "name": "coding", "part": [{ "name": "code", "valueCode": "x" }] },
            { "name": "coding", "part": [{ "name": "code", "valueCode": "y" }] },
        ] },
    ] });
    let text = patched(operation("add", "Communication", vec![text("name", "identifier"), value])).unwrap();
    let new = r#"{"system":"urn:c","value":"3","type":{"coding":[{"code":"x"},{"code":"y"}]}}"#;
    assert!(text.contains(new), "{text}");
    Document::parse(text.as_bytes(), ResourceType::Communication).unwrap();
    let payload = json!({ "name": "value", "part": [{ "name": "content", "valueString": "Three" }] });
    let text = patched(operation("add", "Communication", vec![self::text("name", "payload"), payload])).unwrap();
    assert!(text.contains(r#"{"contentString":"Two"},{"contentString":"Three"}]"#), "{text}");
}

#[test]
fn later_operations_find_what_earlier_ones_have_left() {
    let all = [
        operation("delete", "Communication.payload[0]", vec![]),
        operation("replace", "Communication.payload[0].content", vec![part("value", ("valueString", json!("Only")))]),
        operation("delete", "Communication.payload[0]", vec![]),
    ];
    let after = apply(TEXT, patch(&all[..2]).as_bytes(), 10_000).unwrap();
    assert!(after.contains(r#""payload":[{"contentString":"Only"}]"#), "{after}");
    let after = apply(TEXT, patch(&all).as_bytes(), 10_000).unwrap();
    assert!(!after.contains("payload"), "no empty array is left: {after}");
}

#[test]
fn what_cannot_be_made_is_told_by_its_place_and_nothing_is_made() {
    let string = || part("value", ("valueString", json!("x")));
    for (operation, code) in [
        (operation("replace", "Communication.note", vec![string()]), IssueCode::Processing),
        (operation("replace", "Communication.category", vec![string()]), IssueCode::Processing),
        (operation("replace", "Communication", vec![string()]), IssueCode::Processing),
        (operation("delete", "Communication.payload", vec![]), IssueCode::Processing),
        (operation("delete", "Communication", vec![]), IssueCode::Processing),
        (operation("add", "Communication", vec![text("name", "status"), string()]), IssueCode::Processing),
        (operation("insert", "Communication.category", vec![number("index", 4), string()]), IssueCode::Processing),
        (
            operation("move", "Communication.category", vec![number("source", 3), number("destination", 0)]),
            IssueCode::Processing,
        ),
        (
            operation("move", "Communication.category", vec![number("source", 0), number("destination", 3)]),
            IssueCode::Processing,
        ),
        (operation("add", "Communication", vec![text("name", "colour"), string()]), IssueCode::Value),
        (operation("replace", "Communication.colour", vec![string()]), IssueCode::Value),
        (operation("insert", "Communication.status", vec![number("index", 0), string()]), IssueCode::Value),
        (operation("insert", "Communication.category[0]", vec![number("index", 0), string()]), IssueCode::Value),
        (
            operation("replace", "Communication.payload[0].content", vec![part("value", ("valueInteger", json!(1)))]),
            IssueCode::Value,
        ),
        (operation("delete", "Communication.status.extension", vec![]), IssueCode::NotSupported),
        (operation("delete", "Communication.payload.tail()", vec![]), IssueCode::NotSupported),
        (operation("colour", "Communication", vec![]), IssueCode::Structure),
        (operation("add", "Communication", vec![string()]), IssueCode::Structure),
        (operation("replace", "Communication.status", vec![]), IssueCode::Structure),
        (json!({ "name": "else", "valueString": "x" }), IssueCode::Structure),
    ] {
        let issue = patched(operation.clone()).unwrap_err();
        assert_eq!(issue.code, code, "{operation}: {}", issue.message);
        assert_eq!(issue.expression.as_deref(), Some("Parameters.parameter[0]"), "{operation}");
        assert!(issue.message.starts_with("Operation 0 "), "{}", issue.message);
    }
    for none in [r#"{"resourceType":"Parameters"}"#, r#"{"resourceType":"Patient"}"#, "[]", "{"] {
        assert!(apply(TEXT, none.as_bytes(), 10_000).is_err(), "{none}");
    }
    let invalid = patched(json!({ "name": "operation", "part": [{ "name": "type", "valueCode": 1 }] })).unwrap_err();
    assert_eq!(invalid.expression.as_deref(), Some("Parameters.parameter[0].part[0].value"));
    let long = operation("replace", "Communication.payload[0].content", vec![text("value", &"x".repeat(9000))]);
    let issues = apply(TEXT, patch(&[long]).as_bytes(), 1000).unwrap_err();
    assert_eq!(issues[0].code, IssueCode::TooLong);
}

#[test]
fn many_operations_on_a_long_resource_are_refused() {
    let long = TEXT.replace("\"One\"", &format!("\"{}\"", "x".repeat(1 << 20)));
    let replaced = |count: usize| {
        let one =
            operation("replace", "Communication.status", vec![part("value", ("valueCode", json!("preparation")))]);
        apply(&long, patch(&vec![one; count]).as_bytes(), usize::MAX)
    };
    assert_eq!(replaced(15).unwrap(), long);
    assert_eq!(replaced(16).unwrap_err()[0].code, IssueCode::TooCostly);
}

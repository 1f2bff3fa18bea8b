use domain::id::ResourceType;

use super::*;
use crate::canonical::MESSAGE_CATEGORY;
use crate::issue::{IssueCode, Severity};

const MESSAGE: &str = r#"{"resourceType":"Communication","id":"c-1","status":"in-progress",
    "category":[{"coding":[{"system":"x","code":"1"},{"system":"http://postern.example/fhir/CodeSystem/message-category","code":"refill"}]}],
    "subject":{"reference":"Patient/p-1/_history/2"},"sent":"2026-06-19T17:30:00.75-04:00",
    "extension":[{"url":"http://x.example/a","valueString":"b"}],"payload":[{"contentString":"caf\u00e9"}]}"#;

#[test]
fn a_message_can_be_walked_over() {
    let message = Document::parse(MESSAGE.as_bytes(), ResourceType::Communication).unwrap();
    assert_eq!(message.id().unwrap().as_str(), "c-1");
    assert_eq!(message.reference("subject").unwrap().to_string(), "Patient/p-1");
    assert_eq!(message.reference("sender"), None);
    let root = message.root();
    let category = root.each("category").next().unwrap();
    assert_eq!(category.code_from(MESSAGE_CATEGORY).as_deref(), Some("refill"));
    assert_eq!(category.codings().count(), 2);
    assert_eq!(root.each("payload").next().unwrap().choice("content").unwrap().as_str().unwrap(), "café");
    assert_eq!(root.extension_value("http://x.example/a").unwrap().as_str().unwrap(), "b");
    assert_eq!(root.get("sent").unwrap().as_instant().unwrap().to_string(), "2026-06-19T21:30:00Z");
    assert_eq!(root.each("recipient").count(), 0);
}

#[test]
fn empty_arrays_are_removed_with_a_warning_unless_they_are_to_be_refused() {
    let text = r#"{"resourceType":"Communication","note":[],"status":"completed","topic":{"coding":[],"text":"x"}}"#;
    let message = Document::parse(text.as_bytes(), ResourceType::Communication).unwrap();
    assert_eq!(message.text(), r#"{"resourceType":"Communication","status":"completed","topic":{"text":"x"}}"#);
    let warned: Vec<_> =
        message.warnings().iter().map(|own| (own.severity, own.expression.as_deref().unwrap())).collect();
    assert_eq!(warned, [(Severity::Warning, "Communication.note"), (Severity::Warning, "Communication.topic.coding")]);
    let strict = Options { refuse_empty_arrays: true };
    let issues = Document::parse_with(text.as_bytes(), ResourceType::Communication, strict).unwrap_err();
    assert!(issues.iter().all(|own| own.severity == Severity::Error && own.code == IssueCode::Structure));
}

#[test]
fn what_is_stored_is_read_back_without_a_second_look() {
    let stored = Document::stored(r#"{"resourceType":"Communication"}"#, ResourceType::Communication).unwrap();
    assert!(stored.get("status").is_none());
    assert!(Document::stored("{", ResourceType::Communication).is_err());
}

//! The six example messages, and what a round trip may change of them.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

pub const PATIENT_REFILL: &str = include_str!("examples/patient-refill.json");
pub const PROXY_WITH_PHOTO: &str = include_str!("examples/proxy-with-photo.json");
pub const RED_FLAG_IN_BILLING: &str = include_str!("examples/red-flag-in-billing.json");
pub const STAFF_REPLY: &str = include_str!("examples/staff-reply.json");
pub const THREAD_HEADER: &str = include_str!("examples/thread-header.json");
pub const EVERYTHING_KEPT: &str = include_str!("examples/everything-kept.json");

type Members = BTreeMap<String, Box<RawValue>>;

/// Panics unless `stored` says what `sent` says, member by member as text: decimals, order and companions included.
/// Only what the service sets may differ: `id`, `meta`, `status`, `sent`, `received`, `partOf`, `instantiatesUri` and
/// its own extensions.
#[track_caller]
pub fn unchanged(sent: &str, stored: &str) {
    let (before, after): (Members, Members) =
        (serde_json::from_str(sent).unwrap(), serde_json::from_str(stored).unwrap());
    for (name, value) in &before {
        let now = after.get(name).unwrap_or_else(|| panic!("{name} is lost: {stored}"));
        match name.as_str() {
            "status" | "sent" => {}
            "meta" => {
                let (before, after): (Members, Members) =
                    (serde_json::from_str(value.get()).unwrap(), serde_json::from_str(now.get()).unwrap());
                for (name, value) in before {
                    assert_eq!(packed(value.get()), packed(after[&name].get()), "meta.{name}");
                }
            }
            "extension" => {
                let (before, after): (Vec<Box<RawValue>>, Vec<Box<RawValue>>) =
                    (serde_json::from_str(value.get()).unwrap(), serde_json::from_str(now.get()).unwrap());
                let after: Vec<String> = after.iter().map(|one| packed(one.get())).collect();
                assert!(before.iter().all(|one| after.contains(&packed(one.get()))), "an extension is lost: {stored}");
            }
            _ => assert_eq!(packed(value.get()), packed(now.get()), "{name}"),
        }
    }
    let ours = ["id", "meta", "received", "sent", "partOf", "instantiatesUri", "extension"];
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        assert!(ours.contains(&name.as_str()), "{name} was added: {stored}");
    }
    let after: Value = serde_json::from_str(stored).unwrap();
    let before: Value = serde_json::from_str(sent).unwrap();
    assert_eq!(after["status"], "completed");
    let said = |url: &str| {
        let extensions = after["extension"].as_array().cloned().unwrap_or_default();
        extensions.into_iter().find(|extension| extension["url"] == url)
    };
    let stated = said(fhir::canonical::CLIENT_SENT).map_or(json!(null), |extension| extension["valueDateTime"].clone());
    assert_eq!(stated, before["sent"], "what the client said of its own clock");
    assert!(said(fhir::canonical::DECISION).is_some(), "the decision is named");
}

/// JSON text without the whitespace between its tokens.
fn packed(text: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    text.chars()
        .filter(|&c| {
            if quoted {
                (quoted, escaped) = (escaped || c != '"', !escaped && c == '\\');
                return true;
            }
            quoted = c == '"';
            !c.is_ascii_whitespace()
        })
        .collect()
}

#[test]
fn whitespace_alone_is_packed_away() {
    assert_eq!(packed("{ \"a b\" : [ 5.10 , \"\\\" \" ] }"), "{\"a b\":[5.10,\"\\\" \"]}");
}

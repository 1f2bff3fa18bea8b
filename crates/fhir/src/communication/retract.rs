//! A message that was retracted: what it was stays to be seen, what it said does not.

use domain::change::{Audience, ResourceWrite, Stored};
use domain::id::{Reference, ResourceId, ResourceType, Version};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use super::sent::decision;
use super::{Communication, INTERNAL};
use crate::canonical;
use crate::issue::Issue;
use crate::json::Value;
use crate::resource::Document;
use crate::write::{Filing, filed, instant};

/// Members that are the service's, or are codes, addresses and instants: kept as they are.
const KEPT: &[&str] = &["id", "language", "instantiatesUri", "priority", "sent", "received"];

/// What is said of a retraction.
#[derive(Clone, Debug)]
pub struct Retraction<'a> {
    /// The version that is written.
    pub version: Version,
    /// Now.
    pub now: Timestamp,
    /// Why, as whoever retracts it says: a `CodeableConcept` as JSON text.
    pub reason: Option<&'a str>,
    /// The record of the decision about it.
    pub decision: Option<&'a ResourceId>,
    /// The patient that the row is about.
    pub patient: Option<Reference>,
}

/// The version that says that a message was entered in error. Of what stood in it there stay the members that the
/// service has set, codes of its own, references and identifiers: none of its words is among them, for anybody. Those
/// who may still see what was written read an earlier version.
///
/// # Errors
/// The text that was made cannot be read: a fault of ours.
pub fn retracted(stored: &Stored, retraction: &Retraction<'_>) -> Result<ResourceWrite, Vec<Issue>> {
    let message = Communication::stored(stored)?;
    let root = message.document.root();
    let internal = message.is_internal();
    let mut kept = Map::new();
    kept.insert("resourceType".to_owned(), json!("Communication"));
    kept.extend(member(root, "id"));
    kept.insert("meta".to_owned(), meta(retraction, internal));
    kept.extend(KEPT.iter().skip(1).filter_map(|name| member(root, name)));
    kept.extend(some("extension", extensions(root, retraction)));
    kept.extend(some("identifier", root.each("identifier").filter_map(identifier).collect()));
    for name in ["partOf", "inResponseTo", "recipient"] {
        kept.extend(some(name, root.each(name).filter_map(reference).collect()));
    }
    kept.insert("status".to_owned(), json!("entered-in-error"));
    kept.extend(message.category().map(|code| {
        let coding = json!({ "system": canonical::MESSAGE_CATEGORY, "code": code });
        ("category".to_owned(), json!([{ "coding": [coding] }]))
    }));
    for name in ["subject", "sender"] {
        kept.extend(root.get(name).and_then(reference).map(|value| (name.to_owned(), value)));
    }
    let private = super::standing(message.document()).is_private() || held(root);
    let filing = Filing {
        version: retraction.version,
        last_updated: retraction.now,
        date: stored.date,
        thread: stored.thread.clone(),
        patient: retraction.patient.clone().or_else(|| message.patient()),
        author: Some(message.sender.clone()),
        audience: match (private, internal) {
            (true, _) => Audience::Author,
            (false, true) => Audience::Staff,
            (false, false) => Audience::Thread,
        },
    };
    let text = Document::stored(Json::Object(kept).to_string(), ResourceType::Communication)?;
    let edit = text.edit();
    // Whoever retracts it has said why; that is theirs, byte for byte.
    let edit = retraction.reason.into_iter().fold(edit, |edit, reason| edit.set("statusReason", reason));
    filed(stored.key.clone(), edit.finish(), filing)
}

fn held(root: Value<'_>) -> bool {
    root.text("status").is_some_and(|status| status == "on-hold")
}

fn meta(retraction: &Retraction<'_>, internal: bool) -> Json {
    let mut meta = json!({
        "versionId": retraction.version.to_string(),
        "lastUpdated": instant(retraction.now),
    });
    if internal {
        meta["security"] = json!([{ "system": canonical::SECURITY_LABEL, "code": INTERNAL }]);
    }
    meta
}

/// The service's own extensions, with the record of the last decision.
fn extensions(root: Value<'_>, retraction: &Retraction<'_>) -> Vec<Json> {
    let ours = |extension: &Value<'_>| {
        let url = extension.text("url").unwrap_or_default();
        url.starts_with(canonical::BASE) && (url != canonical::DECISION || retraction.decision.is_none())
    };
    let kept = root.each("extension").filter(ours).filter_map(|extension| parsed(extension.raw()));
    kept.chain(retraction.decision.and_then(|id| parsed(&decision(id)))).collect()
}

fn some(name: &str, items: Vec<Json>) -> Option<(String, Json)> {
    (!items.is_empty()).then(|| (name.to_owned(), Json::Array(items)))
}

fn member(root: Value<'_>, name: &str) -> Option<(String, Json)> {
    Some((name.to_owned(), parsed(root.get(name)?.raw())?))
}

/// A literal reference alone: what is shown beside it may be a person's words.
fn reference(value: Value<'_>) -> Option<Json> {
    Some(json!({ "reference": value.reference()? }))
}

fn identifier(value: Value<'_>) -> Option<Json> {
    let parts = ["system", "value"].into_iter().filter_map(|name| member(value, name));
    Some(Json::Object(parts.collect())).filter(|identifier| identifier.get("value").is_some())
}

fn parsed(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use domain::id::Key;

    use super::*;

    const KEPT: &str = include_str!("../../tests/examples/everything-kept.json");

    #[test]
    fn nothing_that_a_person_wrote_stays_in_what_was_retracted() {
        let mut before: Json = serde_json::from_str(KEPT).unwrap();
        before["id"] = json!("m1");
        before["sender"]["display"] = json!("Mrs Canary");
        before["note"] = json!([{ "text": "Canary notes." }]);
        before["topic"] = json!({ "text": "Canary topic" });
        before["statusReason"] = json!({ "text": "Canary reason" });
        let stored = Stored {
            key: Key::new(ResourceType::Communication, "m1".parse().unwrap()),
            version: Version::FIRST,
            last_updated: "2026-06-19T21:30:00Z".parse().unwrap(),
            date: "2026-06-19T21:30:00Z".parse().unwrap(),
            deleted: false,
            made_by_update: false,
            thread: "m1".parse().ok(),
            patient: None,
            body: before.to_string(),
        };
        let decision = "d1".parse().unwrap();
        let reason = r#"{ "extension":[{"url":"urn:x","valueDecimal":5.10}],"coding":[{"code":"duplicate"}]}"#;
        let retraction = Retraction {
            version: Version(2),
            now: "2026-06-19T21:40:00Z".parse().unwrap(),
            reason: Some(reason),
            decision: Some(&decision),
            patient: None,
        };
        let write = retracted(&stored, &retraction).unwrap();
        let after: Json = serde_json::from_str(&write.body).unwrap();
        assert_eq!(after["status"], "entered-in-error");
        assert!(write.body.contains(&format!("\"statusReason\":{reason}")), "{}", write.body);
        for gone in ["payload", "note", "topic", "contained", "text"] {
            assert_eq!(after[gone], Json::Null, "{gone}");
        }
        assert!(!write.body.contains("Canary") && !write.body.contains("contentString"), "{}", write.body);
        assert_eq!(after["sender"], json!({ "reference": before["sender"]["reference"] }));
        let read = Document::parse(write.body.as_bytes(), ResourceType::Communication).unwrap();
        assert!(read.warnings().is_empty(), "{:?}", read.warnings());
    }
}

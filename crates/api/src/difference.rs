//! What is said otherwise in a resource that is sent back than in the one that is stored.

use fhir::canonical;
use serde_json::Value;

/// The elements that differ, by their names; of `meta`, which member of it. Which version it is may be left out or be
/// older, for the address and `If-Match` say it; the service's own labels are the service's; and a `meta` that is left out
/// asks for nothing.
pub(crate) fn changed(before: &str, after: &str) -> Vec<String> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    let names = [&before, &after].map(|own| own.as_object().into_iter().flatten().map(|(name, _)| name));
    let mut changed = vec![];
    for name in names.into_iter().flatten().filter(|name| *name != "meta" && before[*name] != after[*name]) {
        let element = name.trim_start_matches('_').to_owned();
        if !changed.contains(&element) {
            changed.push(element);
        }
    }
    changed.extend(labelled(&before["meta"], &after["meta"]).map(|name| format!("meta.{name}")));
    changed
}

/// The first member of a `meta` that says something else.
fn labelled(before: &Value, after: &Value) -> Option<String> {
    let said = |meta: &Value| {
        let mut said = meta.as_object().cloned().unwrap_or_default();
        said.retain(|name, _| !matches!(name.trim_start_matches('_'), "versionId" | "lastUpdated"));
        if let Some(labels) = said.get_mut("security").and_then(Value::as_array_mut) {
            labels.retain(|label| label["system"] != canonical::SECURITY_LABEL);
        }
        said.retain(|_, value| value.as_array().is_none_or(|items| !items.is_empty()));
        said
    };
    let (before, mut after) = (said(before), said(after.is_object().then_some(after)?));
    let other = before.iter().find(|(name, value)| after.remove(*name).as_ref() != Some(*value));
    let other = other.map(|(name, _)| name.clone());
    other.or_else(|| after.keys().next().cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORED: &str = r#"{"id":"m","meta":{"versionId":"2","lastUpdated":"2026-06-19T14:00:00Z","tag":[{"code":"x"}],
        "security":[{"system":"http://postern.example/fhir/CodeSystem/security-label","code":"internal"}]},
        "status":"completed","_status":{"id":"s"},"priority":"routine"}"#;

    #[test]
    fn what_differs_is_told_by_its_name_and_what_is_the_services_is_not_looked_at() {
        assert_eq!(changed(STORED, STORED), [""; 0]);
        for (from, to, expected) in [
            (r#""versionId":"2""#, r#""versionId":"1""#, &[][..]),
            (r#""code":"internal""#, r#""code":"other""#, &[]),
            (r#""priority":"routine""#, r#""priority":"urgent""#, &["priority"]),
            (r#""completed","_status":{"id":"s"}"#, r#""stopped""#, &["status"]),
            (r#""code":"x""#, r#""code":"y""#, &["meta.tag"]),
            (r#","tag":[{"code":"x"}]"#, "", &["meta.tag"]),
            (r#""versionId":"2""#, r#""profile":["urn:p"]"#, &["meta.profile"]),
            (r#"label","code":"internal"}"#, r#"label","code":"internal"},{"code":"mine"}"#, &["meta.security"]),
        ] {
            let sent = STORED.replacen(from, to, 1);
            assert_ne!(sent, STORED);
            assert_eq!(changed(STORED, &sent), expected, "{to}");
        }
        assert_eq!(
            changed(STORED, r#"{"id":"m","status":"completed","_status":{"id":"s"},"priority":"routine"}"#),
            [""; 0]
        );
    }
}

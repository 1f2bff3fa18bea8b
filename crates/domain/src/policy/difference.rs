//! What differs between two bundles, place by place.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::policy::lint::escaped;

/// Something that one document says and the other says differently or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Difference {
    /// Only the new document has it.
    Added {
        /// Where in the new document, as a JSON pointer (RFC 6901).
        pointer: String,
        /// What it says.
        after: Value,
    },
    /// Only the old document has it.
    Removed {
        /// Where in the old document.
        pointer: String,
        /// What it said.
        before: Value,
    },
    /// Both have it and differ.
    Changed {
        /// Where in the new document.
        pointer: String,
        /// What the old one said.
        before: Value,
        /// What the new one says.
        after: Value,
    },
}

/// Every place in which two documents differ, in the order of the new one. Elements that have an `id` are compared with
/// those of the same id wherever they stand, so that a rule put first does not make every other rule look changed.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), before, after, &mut found);
    found
}

fn compare(pointer: String, before: &Value, after: &Value, found: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => members(&pointer, old, new, found),
        (Value::Array(old), Value::Array(new)) => elements(&pointer, old, new, found),
        _ if before == after => {}
        _ => found.push(Difference::Changed { pointer, before: before.clone(), after: after.clone() }),
    }
}

fn members(pointer: &str, old: &Map<String, Value>, new: &Map<String, Value>, found: &mut Vec<Difference>) {
    let at = |name: &str| format!("{pointer}/{}", escaped(name));
    for (name, after) in new {
        match old.get(name) {
            Some(before) => compare(at(name), before, after, found),
            None => found.push(Difference::Added { pointer: at(name), after: after.clone() }),
        }
    }
    for (name, before) in old.iter().filter(|(name, _)| !new.contains_key(*name)) {
        found.push(Difference::Removed { pointer: at(name), before: before.clone() });
    }
}

fn elements(pointer: &str, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    let (Some(by_id), Some(theirs)) = (named(old), named(new)) else {
        return in_place(pointer, old, new, found);
    };
    for (place, after) in new.iter().enumerate() {
        let at = format!("{pointer}/{place}");
        match id(after).and_then(|id| by_id.get(id)) {
            Some(before) => compare(at, &old[*before], after, found),
            None => found.push(Difference::Added { pointer: at, after: after.clone() }),
        }
    }
    for (place, before) in old.iter().enumerate() {
        if id(before).is_some_and(|id| !theirs.contains_key(id)) {
            found.push(Difference::Removed { pointer: format!("{pointer}/{place}"), before: before.clone() });
        }
    }
}

fn in_place(pointer: &str, old: &[Value], new: &[Value], found: &mut Vec<Difference>) {
    for (place, after) in new.iter().enumerate() {
        let at = format!("{pointer}/{place}");
        match old.get(place) {
            Some(before) => compare(at, before, after, found),
            None => found.push(Difference::Added { pointer: at, after: after.clone() }),
        }
    }
    for (place, before) in old.iter().enumerate().skip(new.len()) {
        found.push(Difference::Removed { pointer: format!("{pointer}/{place}"), before: before.clone() });
    }
}

fn id(element: &Value) -> Option<&str> {
    element.get("id")?.as_str()
}

/// The places of elements by their id, when all have one of their own.
fn named(elements: &[Value]) -> Option<BTreeMap<&str, usize>> {
    let by_id: BTreeMap<&str, usize> =
        elements.iter().enumerate().map(|(place, element)| Some((id(element)?, place))).collect::<Option<_>>()?;
    (by_id.len() == elements.len()).then_some(by_id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_differs_in_nothing_from_itself() {
        let document = json!({ "a": [1, { "b": 2 }], "rules": [{ "id": "x" }] });
        assert_eq!(differences(&document, &document), []);
    }

    #[test]
    fn members_are_added_removed_and_changed_at_their_pointers() {
        let before = json!({ "kept": 1, "gone": true, "a/b": { "c~d": "old" }, "list": [1, 2, 3] });
        let after = json!({ "kept": 1, "a/b": { "c~d": "new" }, "list": [1, 5], "more": {} });
        let told = serde_json::to_value(differences(&before, &after)).unwrap();
        let expected = json!([
            { "kind": "changed", "pointer": "/a~1b/c~0d", "before": "old", "after": "new" },
            { "kind": "changed", "pointer": "/list/1", "before": 2, "after": 5 },
            { "kind": "removed", "pointer": "/list/2", "before": 3 },
            { "kind": "added", "pointer": "/more", "after": {} },
            { "kind": "removed", "pointer": "/gone", "before": true },
        ]);
        let sorted = |value: &Value| {
            let mut all: Vec<String> = value.as_array().unwrap().iter().map(ToString::to_string).collect();
            all.sort();
            all
        };
        assert_eq!(sorted(&told), sorted(&expected));
    }

    #[test]
    fn a_rule_put_before_the_others_is_the_only_difference() {
        let before = json!({ "routing": [{ "id": "a", "order": 10 }, { "id": "b", "order": 20 }] });
        let after = json!({ "routing": [{ "id": "new", "order": 5 }, { "id": "a", "order": 11 }] });
        let found = differences(&before, &after);
        assert_eq!(
            found,
            [
                Difference::Added { pointer: "/routing/0".into(), after: json!({ "id": "new", "order": 5 }) },
                Difference::Changed { pointer: "/routing/1/order".into(), before: json!(10), after: json!(11) },
                Difference::Removed { pointer: "/routing/1".into(), before: json!({ "id": "b", "order": 20 }) },
            ]
        );
    }
}

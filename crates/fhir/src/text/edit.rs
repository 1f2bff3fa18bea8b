//! The edits that the service makes to a resource before it is stored.

use std::fmt;

use super::quote;
use super::rewrite::{Change, Changes, rewrite};
use crate::canonical::SECURITY_LABEL;
use crate::json::{Tree, Value};

/// The tag of what is not the whole resource.
const SUBSETTED: &str = r#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}"#;

/// Changes to the outermost members of a resource, collected and then made at once.
///
/// The result has `resourceType` first, then `id`, then `meta`, then the other members in the client's order, then the
/// new ones. Without a change it is the text itself. Where a member with a `_` companion is set or removed, its
/// companion goes, for it told about the old value.
///
/// Texts given to it must be JSON; strings are turned into JSON by [`quote`] or by [`Edit::set_text`].
#[derive(Clone, Debug)]
#[must_use = "the text changes only in what `finish` returns"]
pub struct Edit<'t> {
    tree: &'t Tree,
    changes: Changes,
}

impl<'t> Edit<'t> {
    /// An edit of that resource, with no change yet.
    pub fn new(tree: &'t Tree) -> Self {
        Self { tree, changes: Changes::default() }
    }

    /// Sets a member to a JSON text, whether or not it is there.
    pub fn set(mut self, name: &str, json: impl Into<String>) -> Self {
        self.changes.set(name, json.into());
        self
    }

    /// Sets a member to a string.
    pub fn set_text(self, name: &str, text: &str) -> Self {
        self.set(name, quote(text))
    }

    /// Removes a member, when it is there.
    pub fn remove(mut self, name: &str) -> Self {
        self.changes.remove(name);
        self
    }

    /// Adds a JSON text at the end of an array, which is made when it is not there.
    pub fn push(mut self, array: &str, json: impl Into<String>) -> Self {
        self.changes.array(array).pushed.push(json.into());
        self
    }

    /// Removes the items that match from an array; a JSON array left empty goes too.
    pub fn remove_items(mut self, array: &str, matches: impl Fn(Value<'t>) -> bool) -> Self {
        let found = positions(self.tree.root(), array, matches);
        if !found.is_empty() {
            self.changes.array(array).removed.extend(found);
        }
        self
    }

    /// Replaces the outermost extensions of that address by one whose JSON text is given, or by none.
    pub fn extension(self, url: &str, json: Option<&str>) -> Self {
        let edit = self.remove_items("extension", |item| item.get("url").is_some_and(|own| own.is_str(url)));
        match json {
            Some(json) => edit.push("extension", json),
            None => edit,
        }
    }

    /// Sets what the server owns in `meta`: the version, the instant of the change (as FHIR writes an instant) and the
    /// service's own security labels, of which earlier ones go. All else in `meta` stays as the client sent it.
    pub fn meta(mut self, version: impl fmt::Display, last_updated: &str, labels: &[&str]) -> Self {
        let mut changes = Changes::default();
        changes.set("versionId", format!("\"{version}\""));
        changes.set("lastUpdated", quote(last_updated));
        let meta = self.tree.root().get("meta").filter(|meta| meta.is_object());
        let ours = |item: Value<'_>| item.get("system").is_some_and(|system| system.is_str(SECURITY_LABEL));
        let removed = meta.map(|meta| positions(meta, "security", ours)).unwrap_or_default();
        if !removed.is_empty() || !labels.is_empty() {
            let security = changes.array("security");
            security.removed = removed;
            security.pushed = labels.iter().map(|code| label(code)).collect();
        }
        let text = match meta {
            Some(meta) => rewrite(meta, &["versionId", "lastUpdated"], &changes),
            None => changes.alone(),
        };
        self.changes.put("meta", Change::Set(text));
        self
    }

    /// Replaces the items that match, of an array of the object that a member holds, by one or by none. An object of which
    /// nothing but an id is left goes too; else all that is in it stays as it is.
    pub fn replace_within(
        mut self,
        member: &str,
        array: &str,
        matches: impl Fn(Value<'t>) -> bool,
        json: Option<String>,
    ) -> Self {
        let object = self.tree.root().get(member).filter(|object| object.is_object());
        let mut changes = Changes::default();
        let own = changes.array(array);
        own.removed = object.map(|object| positions(object, array, matches)).unwrap_or_default();
        own.pushed = json.into_iter().collect();
        let removed = own.removed.len();
        let is_left = |member: Value<'_>| {
            if member.is_named(array) { member.items().count() > removed } else { !member.is_named("id") }
        };
        let says_something = !own.pushed.is_empty() || object.is_some_and(|object| object.members().any(is_left));
        let text = match object {
            Some(object) => rewrite(object, &[], &changes),
            None => changes.alone(),
        };
        self.changes.put(member, if says_something { Change::Set(text) } else { Change::Remove });
        self
    }

    /// Marks the resource as one of which parts are left out (<https://hl7.org/fhir/R4/search.html#summary>).
    pub fn subsetted(self) -> Self {
        self.replace_within("meta", "tag", |_| false, Some(SUBSETTED.to_owned()))
    }

    /// The text with all changes made.
    pub fn finish(self) -> String {
        if self.changes.is_empty() {
            return self.tree.text().to_owned();
        }
        rewrite(self.tree.root(), &["resourceType", "id", "meta"], &self.changes)
    }
}

fn label(code: &str) -> String {
    format!("{{\"system\":{},\"code\":{}}}", quote(SECURITY_LABEL), quote(code))
}

/// The positions of the array's items that match.
fn positions<'t>(object: Value<'t>, array: &str, matches: impl Fn(Value<'t>) -> bool) -> Vec<usize> {
    let items = object.get(array).into_iter().flat_map(Value::items);
    items.enumerate().filter(|(_, item)| matches(*item)).map(|(position, _)| position).collect()
}

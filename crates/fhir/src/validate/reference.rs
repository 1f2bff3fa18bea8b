//! References: what they may point to, and the contained resources they point to
//! (<https://hl7.org/fhir/R4/references.html>).

use std::borrow::Cow;
use std::collections::HashMap;

use super::primitive::is_id;
use super::walk::Walk;
use crate::definitions::TargetsId;
use crate::issue::IssueCode;
use crate::json::Value;

/// A resource, what it contains, and which of that was referred to.
pub(super) struct Scope<'t> {
    contained: Vec<Contained<'t>>,
    /// The first contained resource of each id.
    by_id: HashMap<Cow<'t, str>, usize>,
}

struct Contained<'t> {
    value: Value<'t>,
    id: Cow<'t, str>,
    kind: Cow<'t, str>,
    is_referred_to: bool,
}

impl<'t> Scope<'t> {
    pub(super) fn new(resource: Value<'t>) -> Self {
        let text = |value: Value<'t>, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        let contained = |value| Contained {
            value,
            id: text(value, "id"),
            kind: text(value, "resourceType"),
            is_referred_to: false,
        };
        let contained: Vec<_> = resource.get("contained").into_iter().flat_map(Value::items).map(contained).collect();
        let mut by_id = HashMap::new();
        for (position, own) in contained.iter().enumerate() {
            by_id.entry(own.id.clone()).or_insert(position);
        }
        Self { contained, by_id }
    }

    /// Takes note of an address that may be `#id`.
    pub(super) fn note_fragment(&mut self, value: Value<'t>) {
        if self.contained.is_empty() {
            return;
        }
        if let Some(fragment) = value.as_str().as_deref().and_then(|text| text.strip_prefix('#')) {
            self.resolve(fragment);
        }
    }

    /// The type of the contained resource of that id.
    fn resolve(&mut self, id: &str) -> Option<&str> {
        let found = &mut self.contained[*self.by_id.get(id)?];
        found.is_referred_to = true;
        Some(&found.kind)
    }
}

impl<'t> Walk<'t> {
    /// Checks what a Reference says against the types that it may point to.
    pub(super) fn check_reference(&mut self, value: Value<'t>, targets: TargetsId) {
        let stated = value.get("type").filter(|stated| stated.as_str().is_some());
        if let Some(stated) = stated {
            self.check_target(stated, &stated.as_str().unwrap_or_default(), targets);
        }
        let Some(reference) = value.get("reference") else { return };
        let Some(literal) = reference.as_str().filter(|literal| !literal.is_empty()) else { return };
        let named = if let Some(id) = literal.strip_prefix('#') {
            match self.scope.resolve(id).map(str::to_owned) {
                Some(kind) => Some(Cow::Owned(kind)),
                // Within a contained resource `#` is the container.
                None if id.is_empty() => None,
                None => {
                    let message =
                        "there is no contained resource of that id: add it to contained, or refer to a stored one";
                    self.issues.error(reference, IssueCode::Value, message);
                    return;
                }
            }
        } else {
            match self.literal_target(&literal) {
                Ok(kind) => kind.map(|kind| Cow::Owned(kind.to_owned())),
                Err(remedy) => {
                    self.issues.error(reference, IssueCode::Value, remedy);
                    return;
                }
            }
        };
        let Some(named) = named else { return };
        if stated.is_some_and(|stated| !stated.is_str(&named)) {
            self.issues.error(
                reference,
                IssueCode::Value,
                "type and reference name different resource types: make them agree",
            );
        }
        self.check_target(reference, &named, targets);
    }

    fn check_target(&mut self, at: Value<'t>, kind: &str, targets: TargetsId) {
        let allowed = self.definitions.targets(targets);
        if !allowed.is_empty() && !allowed.contains(&kind) {
            let message = format!("the reference must be to one of: {}", allowed.join(", "));
            self.issues.error(at, IssueCode::Value, message);
        }
    }

    /// The type that a literal reference names; nothing where it can not be told from the address.
    fn literal_target<'a>(&self, literal: &'a str) -> Result<Option<&'a str>, &'static str> {
        const REMEDY: &str = "the reference must be like Patient/123, #id, urn:uuid:... or an absolute address";
        if literal.chars().any(|char| char.is_whitespace() || char.is_control()) {
            return Err(REMEDY);
        }
        let is_absolute = literal.split_once(':').is_some_and(|(scheme, rest)| is_scheme(scheme) && !rest.is_empty());
        let mut parts: Vec<&str> = literal.split('/').collect();
        if let [.., "_history", version] = parts[..] {
            if !is_id(version) && !is_absolute {
                return Err(REMEDY);
            }
            parts.truncate(parts.len() - 2);
        }
        match parts[..] {
            [.., kind, id]
                if (is_absolute || parts.len() == 2) && is_id(id) && self.definitions.resource(kind).is_some() =>
            {
                Ok(Some(kind))
            }
            _ if is_absolute => Ok(None),
            _ => Err(REMEDY),
        }
    }

    /// The rules for a contained resource: dom-2, dom-4 and dom-5 of
    /// <https://hl7.org/fhir/R4/domainresource.html#invs>.
    pub(super) fn check_as_contained(&mut self, value: Value<'t>) {
        if let Some(nested) = value.get("contained").filter(|nested| !nested.is_empty()) {
            let message = "a contained resource must not contain others: put them side by side";
            self.issues.error(nested, IssueCode::Invariant, message);
        }
        for name in ["versionId", "lastUpdated", "security"] {
            if let Some(member) = value.get("meta").and_then(|meta| meta.get(name)).filter(|member| !member.is_empty())
            {
                self.issues.error(
                    member,
                    IssueCode::Invariant,
                    format!("a contained resource must not have meta.{name}"),
                );
            }
        }
        if value.get("id").is_none() {
            let message = "a contained resource needs an id, by which it is referred to as #id";
            self.issues.missing(value, "id", IssueCode::Required, message);
        }
    }

    /// Every contained resource is referred to (dom-3), and by an id of its own.
    pub(super) fn check_contained(&mut self) {
        let contained = std::mem::take(&mut self.scope.contained);
        for (at, own) in contained.iter().enumerate() {
            // What has no id is an issue already.
            if own.id.is_empty() || !own.value.is_object() {
                continue;
            }
            if self.scope.by_id.get(&own.id) != Some(&at) {
                let message = "two contained resources have one id: give each its own";
                self.issues.missing(own.value, "id", IssueCode::Value, message);
            } else if !own.is_referred_to && !own_refers_to_container(own.value) {
                let message = "nothing refers to the contained resource: refer to it as #id or leave it out";
                self.issues.error(own.value, IssueCode::Invariant, message);
            }
        }
    }
}

/// Whether something in the contained resource refers to its container, by `#`.
fn own_refers_to_container(contained: Value<'_>) -> bool {
    contained.within().any(|value| value.is_str("#"))
}

/// Whether the text is the scheme of an absolute address.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

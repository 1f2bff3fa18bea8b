//! What a resource is found by, taken from the places that the table names.

use std::borrow::Cow;

use domain::search::{Indexed, SearchValue, folded};

use super::date::Interval;
use super::{Parameter, ParameterKind, Place, Source, TokenOf, parameters};
use crate::json::Value;
use crate::resource::Document;

/// The values that a version of a resource is found by, each once, in the order of the table. What its row knows is not
/// among them: its id, the time of writing, its thread, and the patient whom it is about. Nor is what is the same in
/// nearly each resource, or what other parameters keep already.
///
/// References are indexed as written but for a version in them; those to contained resources are not.
pub fn values(document: &Document) -> Vec<SearchValue> {
    let mut values = Vec::new();
    for parameter in parameters(document.kind()) {
        let (Source::Elements(places) | Source::Patient(places) | Source::Usually(places, ..)) = parameter.source
        else {
            continue;
        };
        let from = values.len();
        for place in places {
            for found in place.find(document.root()) {
                for value in indexed(parameter.kind, found) {
                    let is_known = is_known(parameter.source, found, &value);
                    let value = SearchValue { param: parameter.name, value };
                    if !is_known && !values[from..].contains(&value) {
                        values.push(value);
                    }
                }
            }
        }
    }
    values
}

/// Whether a value need not be kept: the row knows the patient, though not by which identifiers, and what nearly every
/// resource says is known of those that say nothing else.
fn is_known(source: Source, found: Value<'_>, value: &Indexed) -> bool {
    match (source, value) {
        (Source::Patient(_), Indexed::Reference(_)) => found.local_reference().is_some_and(|own| own.is("Patient")),
        (Source::Usually(_, system, usual), Indexed::Token { system: own, code }) => {
            own.as_deref().unwrap_or_default() == system && code == usual
        }
        _ => false,
    }
}

/// The literal references that a resource has for a parameter, without versions.
pub(super) fn references(document: &Document, parameter: &Parameter) -> Vec<String> {
    let places = parameter.places(document.kind());
    places.iter().flat_map(|place| place.find(document.root())).filter_map(literal).collect()
}

impl Place {
    /// The values at this place of a resource.
    fn find(self, root: Value<'_>) -> Vec<Value<'_>> {
        match self {
            Self::Element(path) => elements(root, path),
            Self::ReferenceTo(path, target) => {
                let mut found = elements(root, path);
                found.retain(|reference| literal(*reference).is_some_and(|literal| names_type(&literal, target)));
                found
            }
            Self::Extension(url) => {
                let is_meant = |own: &Value<'_>| own.get("url").is_some_and(|own| own.is_str(url));
                root.each("extension").filter(is_meant).filter_map(|own| own.choice("value")).collect()
            }
        }
    }
}

/// The values at a path, all items of arrays on the way.
fn elements<'t>(root: Value<'t>, path: &str) -> Vec<Value<'t>> {
    path.split('.').fold(vec![root], |found, name| {
        let members = found.into_iter().filter_map(|value| value.get(name));
        members.flat_map(|value| if value.is_array() { value.items().collect() } else { vec![value] }).collect()
    })
}

fn indexed(kind: ParameterKind, value: Value<'_>) -> Vec<Indexed> {
    let whole = |own: Option<Indexed>| own.into_iter().collect::<Vec<_>>();
    match kind {
        ParameterKind::Token(TokenOf::Id | TokenOf::Code(_)) => whole(value.as_str().map(|code| token(None, &code))),
        ParameterKind::Token(TokenOf::Boolean) => {
            whole(value.as_bool().map(|own| token(None, if own { "true" } else { "false" })))
        }
        ParameterKind::Token(TokenOf::Coding) => coded(value).collect(),
        ParameterKind::Token(TokenOf::Concept | TokenOf::ConceptOf(_)) => {
            let text = value.text("text").into_iter().filter_map(|own| text(&own));
            value.each("coding").flat_map(coded).chain(text).collect()
        }
        ParameterKind::Token(TokenOf::Identifier) => {
            let identifier = value.as_identifier();
            let named = identifier.value.map(|code| token(identifier.system.as_deref(), &code));
            named.into_iter().chain(value.text("type.text").and_then(|own| text(&own))).collect()
        }
        ParameterKind::Reference(_) => {
            let known = value.get("identifier").map(Value::as_identifier).and_then(|own| {
                let system = own.system.map(Cow::into_owned);
                own.value.map(|value| Indexed::Identifier { system, value: value.into_owned() })
            });
            literal(value).map(Indexed::Reference).into_iter().chain(known).collect()
        }
        ParameterKind::Canonical(_) => {
            let canonical = value.as_str().unwrap_or_default().into_owned();
            let bare = canonical.split_once('|').map(|(bare, _)| bare.to_owned());
            let all = [Some(canonical), bare].into_iter().flatten().filter(|own| !own.is_empty());
            all.map(Indexed::Reference).collect()
        }
        ParameterKind::Uri => whole(value.as_str().map(|own| Indexed::Reference(own.into_owned()))),
        ParameterKind::Text => whole(value.as_str().and_then(|own| text(&own))),
        ParameterKind::Date => whole(interval(value).map(|Interval { low, high }| Indexed::Date { low, high })),
    }
}

fn token(system: Option<&str>, code: &str) -> Indexed {
    Indexed::Token { system: system.map(str::to_owned), code: code.to_owned() }
}

fn text(text: &str) -> Option<Indexed> {
    Some(folded(text)).filter(|own| !own.is_empty()).map(Indexed::Text)
}

/// The code of a Coding and how it is shown.
fn coded(value: Value<'_>) -> impl Iterator<Item = Indexed> {
    let coding = value.as_coding();
    let code = coding.code.map(|code| token(coding.system.as_deref(), &code));
    code.into_iter().chain(value.text("display").and_then(|own| text(&own)))
}

/// The interval of a date, a time or a Period.
fn interval(value: Value<'_>) -> Option<Interval> {
    if value.is_object() {
        Interval::period(value.text("start").as_deref(), value.text("end").as_deref())
    } else {
        Interval::stored(&value.as_str()?)
    }
}

/// What a Reference refers to outside its resource, without a version.
fn literal(reference: Value<'_>) -> Option<String> {
    let literal = reference.reference()?;
    if literal.starts_with('#') {
        return None;
    }
    Some(literal.split_once("/_history/").map_or(&*literal, |(plain, _)| plain).to_owned())
}

/// Whether a literal reference ends in `[type]/[id]`.
fn names_type(literal: &str, kind: &str) -> bool {
    let mut parts = literal.rsplit('/');
    parts.next().is_some_and(|id| !id.is_empty()) && parts.next() == Some(kind)
}

#[cfg(test)]
mod tests;

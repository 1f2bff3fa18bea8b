//! What a resource is found by, taken from the places that the table names.

use domain::search::{Indexed, SearchValue};

use super::date::Interval;
use super::{ParameterKind, Place, Source, TokenOf, parameters};
use crate::json::Value;
use crate::resource::Document;

/// The values that a version of a resource is found by, each once, in the order of the table. Its id and the time of
/// writing are the row's own and not among them.
///
/// References are indexed as written but for a version in them; those to contained resources, and those that have only
/// an identifier, are not.
pub fn values(document: &Document) -> Vec<SearchValue> {
    let mut values = Vec::new();
    for parameter in parameters(document.kind()) {
        let Source::Elements(places) = parameter.source else { continue };
        let from = values.len();
        for place in places {
            for found in place.find(document.root()) {
                for value in indexed(parameter.kind, found) {
                    let value = SearchValue { param: parameter.name, value };
                    if !values[from..].contains(&value) {
                        values.push(value);
                    }
                }
            }
        }
    }
    values
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
    let token =
        |system: Option<&str>, code: &str| Indexed::Token { system: system.map(str::to_owned), code: code.to_owned() };
    match kind {
        ParameterKind::Token(TokenOf::Id | TokenOf::Code(_)) => {
            value.as_str().map(|code| token(None, &code)).into_iter().collect()
        }
        ParameterKind::Token(TokenOf::Boolean) => {
            value.as_bool().map(|own| token(None, if own { "true" } else { "false" })).into_iter().collect()
        }
        ParameterKind::Token(TokenOf::Concept | TokenOf::ConceptOf(_)) => value
            .codings()
            .filter_map(|coding| coding.code.map(|code| token(coding.system.as_deref(), &code)))
            .collect(),
        ParameterKind::Token(TokenOf::Identifier) => {
            let identifier = value.as_identifier();
            identifier.value.map(|code| token(identifier.system.as_deref(), &code)).into_iter().collect()
        }
        ParameterKind::Reference(_) => literal(value).map(Indexed::Reference).into_iter().collect(),
        ParameterKind::Date => value
            .as_str()
            .and_then(|text| Interval::stored(&text))
            .map(|Interval { low, high }| Indexed::Date { low, high })
            .into_iter()
            .collect(),
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

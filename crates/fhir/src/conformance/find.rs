//! A search among definitions: few, and all in memory.

use domain::search::{TokenMatch, folded};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Defined, DefinedParameter, Definition, definitions};
use crate::issue::{Issue, IssueCode};
use crate::search::{
    Asked, DEFAULT_COUNT, Handling, MAX_COUNT, MAX_VALUES, ParameterKind, Refused, encode, pairs, split, unescape,
};

/// Parameters that shape the answer, or that have been read before.
const SHAPING: [&str; 5] = ["_count", "_cursor", "_format", "_pretty", "_total"];

/// What a search has found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The Bundle, as JSON text.
    pub bundle: String,
    /// How many definitions are in it.
    pub count: usize,
}

/// Finds definitions. Repeated parameters must all hold; commas join alternatives.
///
/// # Errors
/// Every parameter that is not offered, and every value that cannot be read. Unknown parameters are passed over when
/// leniency is preferred.
pub fn find(kind: Defined, query: &str, handling: Handling, base_url: &str) -> Result<Found, Vec<Issue>> {
    let asked = pairs(query).map_err(|issue| vec![issue])?;
    let (mut issues, mut ignored, mut applied) = (vec![], vec![], vec![]);
    let (mut count, mut from, mut values) = (usize::from(DEFAULT_COUNT), 0, 0);
    let mut found: Vec<&Definition> = definitions().iter().filter(|own| own.kind == kind).collect();
    for (name, value) in &asked {
        let number = || value.parse::<usize>().ok();
        match (name.as_str(), kind.parameters().find(|own| own.name == name)) {
            ("_count", _) => match number() {
                Some(wanted) => count = wanted.min(usize::from(MAX_COUNT)),
                None => issues.push(Issue::error(IssueCode::Value, "_count is not a number").at("_count")),
            },
            ("_cursor", _) => match number() {
                Some(place) => from = place,
                None => issues.push(Issue::error(IssueCode::Value, "_cursor is not one of ours").at("_cursor")),
            },
            (_, Some(parameter)) => match parameter.meant(value, &mut values) {
                Ok(meant) => found.retain(|own| parameter.holds(&own.resource, &meant)),
                Err((code, remedy)) => {
                    issues.push(Issue::error(code, format!("{name} {remedy}.")).at(name.clone()));
                }
            },
            _ if SHAPING.contains(&name.as_str()) => {}
            _ => {
                let offered: Vec<_> = kind.parameters().map(|own| own.name).chain(SHAPING).collect();
                let text = format!("This parameter is not offered. There are: {}.", offered.join(" "));
                let told = if handling == Handling::Strict { &mut issues } else { &mut ignored };
                let issue = Issue::error(IssueCode::NotSupported, text);
                // A name that is none of a parameter may hold a person's words.
                let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
                told.push(if is_name && name.len() <= 64 { issue.at(name.clone()) } else { issue });
                continue;
            }
        }
        if name != "_cursor" {
            applied.push((name.as_str(), value.as_str()));
        }
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let page: Vec<&&Definition> = found.iter().skip(from).take(count).collect();
    let address = |cursor: Option<String>| {
        let cursor = cursor.iter().map(|place| ("_cursor", place.as_str()));
        let query = encode(applied.iter().copied().chain(cursor));
        let query = if query.is_empty() { query } else { format!("?{query}") };
        format!("{base_url}/{}{query}", kind.as_str())
    };
    let mut links = vec![json!({ "relation": "self", "url": address((from > 0).then(|| from.to_string())) })];
    if count > 0 && from + page.len() < found.len() {
        links.push(json!({ "relation": "next", "url": address(Some((from + page.len()).to_string())) }));
    }
    let entry = |own: &&&Definition| {
        let url = format!("{base_url}/{}/{}", kind.as_str(), own.id);
        json!({ "fullUrl": url, "resource": own.resource, "search": { "mode": "match" } })
    };
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": found.len(), "link": links });
    let mut entries: Vec<Value> = page.iter().map(entry).collect();
    if !ignored.is_empty() {
        let warnings = ignored.into_iter().map(|issue| Issue { severity: crate::issue::Severity::Warning, ..issue });
        let outcome = crate::outcome::Outcome::new(warnings.collect()).to_value();
        entries.push(json!({ "resource": outcome, "search": { "mode": "outcome" } }));
    }
    if !entries.is_empty() {
        bundle["entry"] = entries.into();
    }
    Ok(Found { bundle: bundle.to_string(), count: page.len() })
}

/// What the alternatives of a parameter mean.
enum Meant {
    Tokens(Vec<TokenMatch>),
    Beginnings(Vec<String>),
    Wholes(Vec<String>),
}

impl DefinedParameter {
    /// Reads the alternatives as every search does. `values` counts those of all parameters.
    fn meant(&self, value: &str, values: &mut usize) -> Result<Meant, Refused> {
        let alternatives = split(value, ',');
        *values += alternatives.len();
        if *values > MAX_VALUES {
            return Err((
                IssueCode::TooCostly,
                format!("is one too many: a search may have {MAX_VALUES} values at most"),
            ));
        }
        let asked = Asked { values: &alternatives, base: "", now: Timestamp::UNIX_EPOCH };
        asked.check()?;
        Ok(match self.kind {
            ParameterKind::Token(of) => Meant::Tokens(asked.tokens(of)?),
            ParameterKind::Text => Meant::Beginnings(asked.each(|value| Ok(folded(&unescape(value)?)))?),
            _ => Meant::Wholes(asked.each(unescape)?),
        })
    }

    /// Whether one of the alternatives is a value of the resource.
    fn holds(&self, resource: &Value, meant: &Meant) -> bool {
        let is_meant = |own: &str| match meant {
            // No element that is asked for has a system of its own.
            Meant::Tokens(any) => any.iter().any(|one| {
                one.system.as_deref().is_none_or(str::is_empty) && one.code.as_deref().is_none_or(|code| code == own)
            }),
            Meant::Beginnings(any) => any.iter().any(|beginning| folded(own).starts_with(beginning)),
            Meant::Wholes(any) => any.iter().any(|whole| whole == own),
        };
        match &resource[self.member] {
            Value::Array(items) => items.iter().filter_map(Value::as_str).any(is_meant),
            value => value.as_str().is_some_and(is_meant),
        }
    }
}

//! Values of search parameters: escapes, tokens, references and dates.

use std::slice;

use domain::id::{InvalidId, Reference, ResourceId};
use domain::search::{DateMatch, Filter, Prefix, TokenMatch};

use super::date::Interval;
use super::{MAX_VALUE_BYTES, Parameter, ParameterKind, Source, TokenOf};
use crate::issue::IssueCode;

/// The system of `true` and `false` (<https://hl7.org/fhir/R4/search.html#token>).
const SPECIAL_VALUES: &str = "http://terminology.hl7.org/CodeSystem/special-values";

const PREFIXES: &[(&str, Prefix)] = &[
    ("eq", Prefix::Eq),
    ("ne", Prefix::Ne),
    ("gt", Prefix::Gt),
    ("ge", Prefix::Ge),
    ("lt", Prefix::Lt),
    ("le", Prefix::Le),
    ("sa", Prefix::Sa),
    ("eb", Prefix::Eb),
];

/// Why a value is refused: the kind of issue and the end of a sentence that begins with the parameter's name. It never
/// repeats the value, which may be a person's.
pub(super) type Refused = (IssueCode, String);

/// The condition that a parameter with these alternatives makes. `target` is the type that a modifier has named; `base`
/// is the service's own address.
pub(super) fn filter(
    parameter: &'static Parameter,
    target: Option<&'static str>,
    alternatives: &[&str],
    base: &str,
) -> Result<Filter, Refused> {
    for value in alternatives {
        if value.is_empty() {
            return Err(invalid("has an empty value: leave the parameter out to ask for all"));
        }
        if value.len() > MAX_VALUE_BYTES {
            return Err((IssueCode::TooLong, format!("takes values of {MAX_VALUE_BYTES} bytes at most")));
        }
    }
    let param = parameter.name;
    let each = alternatives.iter().copied();
    Ok(match (parameter.source, parameter.kind) {
        (Source::RowId, _) => Filter::Id(each.map(id).collect::<Result<_, _>>()?),
        (Source::RowLastUpdated, _) => Filter::LastUpdated(each.map(date).collect::<Result<_, _>>()?),
        (_, ParameterKind::Date) => Filter::Date { param, any: each.map(date).collect::<Result<_, _>>()? },
        (_, ParameterKind::Token(of)) => {
            let any: Vec<_> = each.map(|value| token(value, of)).collect::<Result<_, _>>()?;
            Filter::Token { param, any: any.concat() }
        }
        (_, ParameterKind::Reference(targets)) => {
            let targets = target.as_ref().map_or(targets, slice::from_ref);
            let any: Vec<_> = each.map(|value| reference(value, targets, base)).collect::<Result<_, _>>()?;
            Filter::Reference { param, any: any.concat() }
        }
    })
}

fn invalid(remedy: impl Into<String>) -> Refused {
    (IssueCode::Value, remedy.into())
}

/// The parts of a value between separators that no backslash stands before. The escapes stay.
pub(super) fn split(value: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut is_escaped) = (0, false);
    for (at, char) in value.char_indices() {
        if is_escaped {
            is_escaped = false;
        } else if char == '\\' {
            is_escaped = true;
        } else if char == separator {
            parts.push(&value[start..at]);
            start = at + separator.len_utf8();
        }
    }
    parts.push(&value[start..]);
    parts
}

/// The text that is meant by an escaped one (<https://hl7.org/fhir/R4/search.html#escaping>).
fn unescape(value: &str) -> Result<String, Refused> {
    let mut text = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(char) = chars.next() {
        text.push(match char {
            '\\' => chars.next().filter(|next| ['\\', ',', '|', '$'].contains(next)).ok_or_else(|| {
                invalid(r"has a backslash that escapes nothing: \, \| \$ and \\ stand for the characters themselves")
            })?,
            plain => plain,
        });
    }
    Ok(text)
}

fn id(value: &str) -> Result<ResourceId, Refused> {
    value.parse().map_err(|_| invalid("takes ids: 1 to 64 of the characters A-Z a-z 0-9 - ."))
}

/// What a token matches; several, when its system has several names.
fn token(value: &str, of: TokenOf) -> Result<Vec<TokenMatch>, Refused> {
    let parts = split(value, '|');
    let (system, code) = match parts[..] {
        [code] => (None, unescape(code)?),
        [system, code] => (Some(unescape(system)?), unescape(code)?),
        _ => return Err(invalid(r"has more than one bar: system|code is expected; write \| for a bar within a code")),
    };
    if code.is_empty() && system.as_deref().is_none_or(str::is_empty) {
        return Err(invalid("needs a code, a system or both: code, system|code, |code or system|"));
    }
    let implied = match of {
        TokenOf::Code(system) => Some(system),
        TokenOf::Boolean => Some(SPECIAL_VALUES),
        _ => None,
    };
    if of == TokenOf::Boolean && !matches!(code.as_str(), "true" | "false" | "") {
        return Err(invalid("is true or false"));
    }
    // The element has no system of its own, so the one that its definition implies counts as none.
    let system = if system.is_some() && system.as_deref() == implied { Some(String::new()) } else { system };
    let code = Some(code).filter(|code| !code.is_empty());
    Ok(match (of, &system) {
        (TokenOf::ConceptOf(names), Some(asked)) if names.contains(&asked.as_str()) => {
            names.iter().map(|name| TokenMatch { system: Some((*name).to_owned()), code: code.clone() }).collect()
        }
        _ => vec![TokenMatch { system, code }],
    })
}

/// The literal references that are meant. One to a resource of this service's address space may have been stored with
/// the address or without.
fn reference(value: &str, targets: &[&str], base: &str) -> Result<Vec<String>, Refused> {
    let value = unescape(value)?;
    let local = value.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&value);
    if local.contains("/_history/") {
        return Err(invalid("finds references whatever version they name: leave /_history and the version out"));
    }
    let meant: Vec<Reference> = if let Ok(id) = local.parse::<ResourceId>() {
        targets.iter().map(|kind| Reference::new(*kind, id.clone())).collect()
    } else if local.contains(':') {
        return Ok(vec![value]);
    } else {
        let reference: Reference = local.parse().map_err(|InvalidId| {
            invalid(format!("takes [type]/[id], [id] or an address; the type is one of: {}", targets.join(", ")))
        })?;
        if !targets.contains(&reference.kind()) {
            return Err(invalid(format!("refers to one of: {}", targets.join(", "))));
        }
        vec![reference]
    };
    Ok(meant.iter().flat_map(|reference| [reference.to_string(), format!("{base}/{reference}")]).collect())
}

fn date(value: &str) -> Result<DateMatch, Refused> {
    let has_prefix = value.starts_with(|first: char| first.is_ascii_alphabetic());
    let (prefix, date) = match value.split_at_checked(2) {
        Some((prefix, date)) if has_prefix => (prefix, date),
        _ => ("eq", value),
    };
    if prefix == "ap" {
        return Err((
            IssueCode::NotSupported,
            "does not support the prefix ap: ask for a range with ge and lt".to_owned(),
        ));
    }
    let known = PREFIXES.iter().find(|(name, _)| *name == prefix).map(|(_, prefix)| *prefix);
    match (known, Interval::asked(date)) {
        (Some(prefix), Some(Interval { low, high })) => Ok(DateMatch { prefix, low, high }),
        (None, _) => Err(invalid("takes dates with no prefix or one of: eq ne gt ge lt le sa eb")),
        (_, None) => Err(invalid(
            "takes dates that exist, such as 2026, 2026-06, 2026-06-19, 2026-06-19T17:30 or 2026-06-19T17:30:00-04:00",
        )),
    }
}

//! Values of search parameters: escapes, tokens, references and dates.

use std::slice;

use domain::id::{InvalidId, Reference, ResourceId, ResourceType};
use domain::search::{DateMatch, Filter, Prefix, TokenMatch, folded};
use jiff::Timestamp;

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
    ("ap", Prefix::Overlap),
];

/// Why a value is refused: the kind of issue and the end of a sentence that begins with the parameter's name. It never
/// repeats the value, which may be a person's.
pub(crate) type Refused = (IssueCode, String);

/// What a query asks the values of a parameter to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// The alternatives, escapes and all.
    pub(crate) values: &'a [&'a str],
    /// The service's own address.
    pub(crate) base: &'a str,
    /// Now, from which approximate dates are measured.
    pub(crate) now: Timestamp,
}

impl Asked<'_> {
    /// The condition that a parameter with these alternatives makes, which a type may narrow.
    pub(super) fn plain(self, parameter: &'static Parameter, target: Option<&'static str>) -> Result<Filter, Refused> {
        self.check()?;
        Ok(match (parameter.source, parameter.kind) {
            (Source::RowId, _) => Filter::Id(self.each(id)?),
            (Source::RowLastUpdated, _) => Filter::LastUpdated(self.dates()?),
            (Source::LastActivity, _) => Filter::LastActivity(self.dates()?),
            (Source::Usually(_, system, code), ParameterKind::Token(of)) => {
                let param = parameter.name;
                let any = self.tokens(of)?;
                let is_usual = |asked: &TokenMatch| {
                    asked.system.as_deref().is_none_or(|own| own == system)
                        && asked.code.as_deref().is_none_or(|own| own == code)
                };
                // Those that say nothing else are the usual ones.
                let usual = any.iter().any(is_usual).then(|| Filter::Not(Box::new(Filter::Present { param })));
                Filter::Any(usual.into_iter().chain([Filter::Token { param, any }]).collect())
            }
            (_, ParameterKind::Date) => {
                let any = self.dates()?;
                either(parameter, |param| Filter::Date { param, any: any.clone() })
            }
            (_, ParameterKind::Token(of)) => {
                let any = self.tokens(of)?;
                either(parameter, |param| Filter::Token { param, any: any.clone() })
            }
            (_, ParameterKind::Text) => self.text(parameter)?,
            (_, ParameterKind::Uri | ParameterKind::Canonical(_)) => {
                let any: Vec<_> = self.each(unescape)?;
                either(parameter, |param| Filter::Reference { param, any: any.clone() })
            }
            (source, ParameterKind::Reference(targets)) => {
                let targets = target.as_ref().map_or(targets, slice::from_ref);
                let any = self.each(|value| reference(value, targets, self.base))?.concat();
                let local = |kind: &'static str| {
                    any.iter().filter_map(|own| own.parse::<Reference>().ok()).filter(move |own| own.is(kind))
                };
                match source {
                    Source::Thread(_) => Filter::Thread(local("Communication").map(|own| own.id().clone()).collect()),
                    Source::UnreadBy => Filter::UnreadBy(any.iter().filter_map(|own| own.parse().ok()).collect()),
                    Source::Patient(_) => Filter::Any(vec![
                        Filter::Patient(local("Patient").collect()),
                        Filter::Reference { param: parameter.name, any },
                    ]),
                    Source::Party(_) => {
                        let who = any.iter().filter_map(|own| own.parse().ok()).collect();
                        let named = either(parameter, |param| Filter::Reference { param, any: any.clone() });
                        Filter::Any(vec![named, Filter::AnsweredBy(who)])
                    }
                    _ => either(parameter, |param| Filter::Reference { param, any: any.clone() }),
                }
            }
        })
    }

    /// The condition that the texts beside a parameter's codes, or those it consists of, begin with one of these.
    pub(super) fn text(self, parameter: &'static Parameter) -> Result<Filter, Refused> {
        self.check()?;
        let any: Vec<_> = self.each(|value| Ok(folded(&unescape(value)?)))?;
        if any.iter().any(String::is_empty) {
            return Err(invalid("has an empty value: leave the parameter out to ask for all"));
        }
        Ok(either(parameter, |param| Filter::Text { param, any: any.clone() }))
    }

    /// The condition that a reference names one of these identifiers of its target.
    pub(super) fn identifiers(self, parameter: &'static Parameter) -> Result<Filter, Refused> {
        self.check()?;
        let any = self.tokens(TokenOf::Identifier)?;
        Ok(either(parameter, |param| Filter::Identifier { param, any: any.clone() }))
    }

    /// Whether values are asked to be missing.
    pub(super) fn missing(self) -> Result<bool, Refused> {
        match self.values {
            ["true"] => Ok(true),
            ["false"] => Ok(false),
            _ => Err(invalid("is asked with :missing, which takes true or false")),
        }
    }

    /// Refuses values that are empty or too long.
    pub(crate) fn check(self) -> Result<(), Refused> {
        for value in self.values {
            if value.is_empty() {
                return Err(invalid("has an empty value: leave the parameter out to ask for all"));
            }
            if value.len() > MAX_VALUE_BYTES {
                return Err((IssueCode::TooLong, format!("takes values of {MAX_VALUE_BYTES} bytes at most")));
            }
        }
        Ok(())
    }

    /// Each of them, read in a certain way.
    pub(crate) fn each<T>(self, read: impl Fn(&str) -> Result<T, Refused>) -> Result<Vec<T>, Refused> {
        self.values.iter().map(|value| read(value)).collect()
    }

    fn dates(self) -> Result<Vec<DateMatch>, Refused> {
        self.each(|value| date(value, self.now))
    }

    /// What each of them matches, read as tokens.
    pub(crate) fn tokens(self, of: TokenOf) -> Result<Vec<TokenMatch>, Refused> {
        Ok(self.each(|value| token(value, of))?.concat())
    }
}

/// The condition on each of the names under which a parameter's values are kept: one of them suffices.
pub(super) fn either(parameter: &Parameter, filter: impl Fn(&'static str) -> Filter) -> Filter {
    let mut filters: Vec<_> = parameter.indexed().into_iter().map(filter).collect();
    match filters.pop() {
        Some(only) if filters.is_empty() => only,
        last => Filter::Any(filters.into_iter().chain(last).collect()),
    }
}

/// The condition that a resource has a value for a parameter.
pub(super) fn present(parameter: &'static Parameter) -> Filter {
    match parameter.source {
        Source::RowId | Source::RowLastUpdated | Source::Usually(..) => Filter::All(vec![]),
        Source::LastActivity | Source::UnreadBy | Source::Thread(_) => Filter::InThread,
        Source::Patient(_) => Filter::Any(vec![Filter::AboutPatient, Filter::Present { param: parameter.name }]),
        Source::Elements(_) | Source::Party(_) => either(parameter, |param| Filter::Present { param }),
    }
}

fn invalid(remedy: impl Into<String>) -> Refused {
    (IssueCode::Value, remedy.into())
}

/// The parts of a value between separators that no backslash stands before. The escapes stay.
pub(crate) fn split(value: &str, separator: char) -> Vec<&str> {
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
pub(crate) fn unescape(value: &str) -> Result<String, Refused> {
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
        // Where any type may be meant, an id alone is that of a resource which is stored here.
        let stored: Vec<_> = ResourceType::ALL.iter().map(|kind| kind.as_str()).collect();
        let targets = if targets.is_empty() { &stored } else { targets };
        targets.iter().map(|kind| Reference::new(*kind, id.clone())).collect()
    } else if local.contains(':') {
        return Ok(vec![value]);
    } else {
        let reference: Reference = local.parse().map_err(|InvalidId| {
            let types = if targets.is_empty() { "any".to_owned() } else { format!("one of: {}", targets.join(", ")) };
            invalid(format!("takes [type]/[id], [id] or an address; the type is {types}"))
        })?;
        if !targets.is_empty() && !targets.contains(&reference.kind()) {
            return Err(invalid(format!("refers to one of: {}", targets.join(", "))));
        }
        vec![reference]
    };
    Ok(meant.iter().flat_map(|reference| [reference.to_string(), format!("{base}/{reference}")]).collect())
}

fn date(value: &str, now: Timestamp) -> Result<DateMatch, Refused> {
    let has_prefix = value.starts_with(|first: char| first.is_ascii_alphabetic());
    let (prefix, date) = match value.split_at_checked(2) {
        Some((prefix, date)) if has_prefix => (prefix, date),
        _ => ("eq", value),
    };
    let known = PREFIXES.iter().find(|(name, _)| *name == prefix).map(|(_, prefix)| *prefix);
    match (known, Interval::asked(date)) {
        (Some(Prefix::Overlap), Some(interval)) => {
            let Interval { low, high } = interval.widened(now);
            Ok(DateMatch { prefix: Prefix::Overlap, low, high })
        }
        (Some(prefix), Some(Interval { low, high })) => Ok(DateMatch { prefix, low, high }),
        (None, _) => Err(invalid("takes dates with no prefix or one of: eq ne gt ge lt le sa eb ap")),
        (_, None) => Err(invalid(
            "takes dates that exist, such as 2026, 2026-06, 2026-06-19, 2026-06-19T17:30 or 2026-06-19T17:30:00-04:00",
        )),
    }
}

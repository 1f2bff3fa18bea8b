//! From a query to a search.

use std::collections::BTreeMap;

use domain::access::Visibility;
use domain::id::{ResourceType, TenantId};
use domain::search::{Filter, Search, Sort};
use jiff::Timestamp;

use super::condition::{Problem, Sees, condition, not_theirs, offered};
use super::include::{self, Include};
use super::result::{DEFAULT_COUNT, MAX_COUNT, RESULT_PARAMETERS};
use super::shape::{Shape, has_element};
use super::value::{Asked, Refused, split};
use super::{MAX_VALUES, cursor, query, sort};
use crate::issue::{Issue, IssueCode};

/// How many includes a search may ask for.
const MAX_INCLUDES: usize = 10;

/// What to do with parameters that are not offered (<https://hl7.org/fhir/R4/search.html#errors>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// Refuse the search. What a client has not said otherwise about gets this: an ignored condition finds too much.
    #[default]
    Strict,
    /// Ignore and tell them: `Prefer: handling=lenient`.
    Lenient,
}

/// Who asks, and how.
#[derive(Clone, Debug)]
pub struct Asker<'a> {
    /// What to do with what is not offered.
    pub handling: Handling,
    /// The service's own address, by which references may be absolute, without a slash at its end.
    pub base_url: &'a str,
    /// The tenant.
    pub tenant: TenantId,
    /// Now, from which approximate dates are measured.
    pub now: Timestamp,
    /// Which rows of each type exist for the caller; of a type that is not there the caller may search none.
    pub sees: BTreeMap<ResourceType, Visibility>,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The search.
    pub search: Search,
    /// What comes along with the matches.
    pub includes: Vec<Include>,
    /// How much of each resource is given out.
    pub shape: Shape,
    /// The parameters that were applied, names and values as they were sent but decoded, without the position of the
    /// page: what the `self` link shows.
    pub applied: Vec<(String, String)>,
    /// What was ignored, to be told along with the results.
    pub ignored: Vec<Issue>,
}

/// Reads a query: the part of the address after the question mark, percent-encoded as it was sent, or the body of a
/// form; for both, joined by `&`.
///
/// # Errors
/// Everything that is wrong with the query; parameters are named, values are not repeated. What the caller may not
/// search is [`IssueCode::Forbidden`].
pub fn parse(kind: ResourceType, query: &str, asker: &Asker<'_>) -> Result<Parsed, Vec<Issue>> {
    let pairs = query::pairs(query).map_err(|issue| vec![issue])?;
    let mut reading = Reading::new(kind, asker);
    for (name, value) in pairs {
        reading.take(name, value);
    }
    reading.finish()
}

/// What can be asked where no search is made: how much is given out, and in which form.
const GENERAL: [&str; 4] = ["_summary", "_elements", "_format", "_pretty"];

/// How much of each resource is to be given out by a read or a history: `_summary` and `_elements` belong to every
/// interaction that gives out resources (<https://hl7.org/fhir/R4/http.html#parameters>).
///
/// # Errors
/// Everything that is wrong with the query; what is not offered is passed over when leniency is preferred.
pub fn general(kind: ResourceType, query: &str, handling: Handling) -> Result<Shape, Vec<Issue>> {
    if query.is_empty() {
        return Ok(Shape::Whole);
    }
    let sees = BTreeMap::from([(kind, Visibility::Everything)]);
    let asker = Asker { handling, base_url: "", tenant: TenantId::new(""), now: Timestamp::UNIX_EPOCH, sees };
    let mut reading = Reading::new(kind, &asker);
    for (name, value) in query::pairs(query).map_err(|issue| vec![issue])? {
        if GENERAL.contains(&name.as_str()) {
            reading.take(name, value);
        } else {
            reading.unsupported(format!(
                "{} is not a parameter here. There are: {}.",
                shown(&name),
                GENERAL.join(", ")
            ));
        }
    }
    let parsed = reading.finish()?;
    if parsed.search.count == 0 {
        let message = "_summary takes count in a search alone: here there is nothing to count.";
        return Err(vec![Issue::error(IssueCode::Value, message)]);
    }
    Ok(parsed.shape)
}

/// A query being read.
struct Reading<'a> {
    kind: ResourceType,
    asker: &'a Asker<'a>,
    filters: Vec<Filter>,
    values: usize,
    sort: Option<Vec<Sort>>,
    count: Option<u16>,
    total: Option<bool>,
    cursor: Option<String>,
    includes: Vec<Include>,
    summary: Option<String>,
    elements: Option<Vec<String>>,
    applied: Vec<(String, String)>,
    ignored: Vec<Issue>,
    errors: Vec<Issue>,
}

/// What became of a parameter.
enum Taken {
    /// It was applied as it was sent.
    Applied,
    /// It was applied as if this value had been sent.
    AppliedAs(String),
    /// It is no part of what the `self` link shows.
    NotShown,
    /// It is not offered, for the reason told.
    Unsupported(String),
    /// Only the part that is offered was applied; about the other, the reason is told.
    Partly(Option<String>, String),
}

impl<'a> Reading<'a> {
    fn new(kind: ResourceType, asker: &'a Asker<'a>) -> Self {
        Self {
            kind,
            asker,
            filters: Vec::new(),
            values: 0,
            sort: None,
            count: None,
            total: None,
            cursor: None,
            includes: Vec::new(),
            summary: None,
            elements: None,
            applied: Vec::new(),
            ignored: Vec::new(),
            errors: Vec::new(),
        }
    }

    fn take(&mut self, name: String, value: String) {
        let taken = match name.as_str() {
            "_sort" => self.take_sort(&value),
            "_count" => self.take_count(&value),
            "_total" => self.take_total(&value),
            "_cursor" => self.take_cursor(&value),
            "_summary" => self.take_summary(&value),
            "_elements" => self.take_elements(&value),
            "_include" => self.take_include(&name, false, false, &value),
            "_include:iterate" | "_include:recurse" => self.take_include(&name, false, true, &value),
            "_revinclude" => self.take_include(&name, true, false, &value),
            "_revinclude:iterate" | "_revinclude:recurse" => self.take_include(&name, true, true, &value),
            // The answer's form is settled before the search is read.
            "_format" | "_pretty" => Ok(Taken::NotShown),
            _ => self.take_filter(&name, &value),
        };
        match taken {
            Ok(Taken::Applied) => self.applied.push((name, value)),
            Ok(Taken::AppliedAs(value)) => self.applied.push((name, value)),
            Ok(Taken::NotShown) => {}
            Ok(Taken::Unsupported(message)) => self.unsupported(message),
            Ok(Taken::Partly(applied, message)) => {
                self.applied.extend(applied.map(|value| (name, value)));
                self.unsupported(message);
            }
            Err((code, remedy)) => self.errors.push(Issue::error(code, format!("{} {remedy}.", shown(&name)))),
        }
    }

    fn unsupported(&mut self, message: String) {
        match self.asker.handling {
            Handling::Strict => self.errors.push(Issue::error(IssueCode::NotSupported, message)),
            Handling::Lenient => {
                let message = format!("{message} It was ignored.");
                self.ignored.push(Issue::warning(IssueCode::NotSupported, message));
            }
        }
    }

    fn take_filter(&mut self, name: &str, value: &str) -> Result<Taken, Refused> {
        let alternatives = split(value, ',');
        let asked =
            Asked { values: &alternatives, base: self.asker.base_url.trim_end_matches('/'), now: self.asker.now };
        self.values += alternatives.len();
        if self.values > MAX_VALUES {
            // Told once, for the parameter that was too many.
            let is_first = self.values - alternatives.len() <= MAX_VALUES;
            if !is_first {
                return Ok(Taken::NotShown);
            }
            let remedy = format!("is one too many: a search may have {MAX_VALUES} values at most");
            return Err((IssueCode::TooCostly, remedy));
        }
        match condition(self.sees(), self.kind, name, asked) {
            Ok(filter) => self.filters.push(filter),
            Err(Problem::Unknown) => return Ok(Taken::Unsupported(self.unknown(name))),
            Err(Problem::Refused(refused)) => return Err(refused),
        }
        Ok(Taken::Applied)
    }

    fn sees(&self) -> &'a Sees {
        &self.asker.sees
    }

    fn take_sort(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.sort.is_some())?;
        let (keys, unknown) = sort::keys(self.sees(), self.kind, value);
        let order: Vec<Sort> = keys.iter().map(|(key, _)| *key).collect();
        if order.iter().enumerate().any(|(at, key)| order[..at].iter().any(|own| own.by == key.by)) {
            return Err((IssueCode::Value, "takes each parameter once".to_owned()));
        }
        let applied: Vec<_> = keys.iter().map(|(_, key)| *key).collect();
        if !order.is_empty() {
            self.sort = Some(order);
        }
        if unknown.is_empty() {
            return Ok(Taken::Applied);
        }
        let unknown: Vec<_> = unknown.into_iter().map(shown).collect();
        let message = format!(
            "_sort by {} is not supported for {}. What can be sorted by: {}; with a minus before it for the latest first.",
            unknown.join(", "),
            self.kind,
            sort::names(self.sees(), self.kind).join(", ")
        );
        Ok(Taken::Partly((!applied.is_empty()).then(|| applied.join(",")), message))
    }

    fn take_count(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.count.is_some())?;
        if value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err((IssueCode::Value, format!("takes a whole number from 0 to {MAX_COUNT}")));
        }
        // More digits than the type holds are more than is given at once, too.
        let count = value.parse::<u16>().unwrap_or(MAX_COUNT).min(MAX_COUNT);
        self.count = Some(count);
        Ok(Taken::AppliedAs(count.to_string()))
    }

    fn take_total(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.total.is_some())?;
        self.total = Some(match value {
            "none" => false,
            "estimate" | "accurate" => true,
            _ => return Err((IssueCode::Value, "is one of: none, estimate, accurate".to_owned())),
        });
        Ok(Taken::Applied)
    }

    fn take_cursor(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.cursor.is_some())?;
        self.cursor = Some(value.to_owned());
        Ok(Taken::NotShown)
    }

    fn take_summary(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.summary.is_some())?;
        if !matches!(value, "true" | "false" | "text" | "data" | "count") {
            return Err((IssueCode::Value, "is one of: true, false, text, data, count".to_owned()));
        }
        self.summary = Some(value.to_owned());
        Ok(Taken::Applied)
    }

    fn take_elements(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.elements.is_some())?;
        // A name may say the type that it is of.
        let prefix = format!("{}.", self.kind);
        let names: Vec<_> = value.split(',').map(|name| name.strip_prefix(&prefix).unwrap_or(name)).collect();
        let (known, unknown): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| has_element(self.kind, name));
        let applied = (!known.is_empty()).then(|| known.join(","));
        if !known.is_empty() {
            self.elements = Some(known.into_iter().map(str::to_owned).collect());
        }
        if unknown.is_empty() {
            return Ok(Taken::Applied);
        }
        let unknown: Vec<_> = unknown.into_iter().map(shown).collect();
        let message = format!("_elements names {}, which {} does not have.", unknown.join(", "), self.kind);
        Ok(Taken::Partly(applied, message))
    }

    fn take_include(&mut self, name: &str, is_reverse: bool, iterates: bool, value: &str) -> Result<Taken, Refused> {
        match include::read(self.sees(), self.kind, is_reverse, iterates, value) {
            Ok(includes) if !value.ends_with('*') && self.includes.len() + includes.len() > MAX_INCLUDES => {
                Err((IssueCode::TooCostly, format!("is one too many: a search may have {MAX_INCLUDES} at most")))
            }
            Ok(includes) => {
                self.includes.extend(includes);
                Ok(Taken::Applied)
            }
            Err(Problem::Unknown) => Ok(Taken::Unsupported(format!(
                "{} takes [type]:[parameter] of a reference that the type has; what this one names is not supported.",
                shown(name)
            ))),
            Err(Problem::Refused(refused)) => Err(refused),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let offered = offered(self.sees(), self.kind).map(|parameter| parameter.name);
        let offered: Vec<_> = offered.chain(RESULT_PARAMETERS.iter().map(|parameter| parameter.name)).collect();
        let kind = self.kind;
        format!(
            "{} is not a search parameter that is supported for {kind}. There are: {}.",
            shown(name),
            offered.join(", ")
        )
    }

    fn finish(mut self) -> Result<Parsed, Vec<Issue>> {
        let Some(visibility) = self.sees().get(&self.kind).cloned() else {
            let (code, remedy) = not_theirs(self.kind);
            return Err(vec![Issue::error(code, format!("The search {remedy}."))]);
        };
        let sort = self.sort.take().unwrap_or_else(|| vec![sort::DEFAULT]);
        let after = self.cursor.as_deref().map(|token| cursor::position(self.kind, &sort, token));
        if after == Some(None) {
            let message = "_cursor is not a page of this search: take the next link as it is, or leave _cursor out to begin \
                           at the first page.";
            self.errors.push(Issue::error(IssueCode::Value, message));
        }
        if self.elements.is_some() && self.summary.as_deref().is_some_and(|summary| summary != "false") {
            let message = "_elements and _summary both say how much of a resource is wanted: leave one of them out.";
            self.errors.push(Issue::error(IssueCode::Value, message));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let counts = self.summary.as_deref() == Some("count");
        let count = if counts { 0 } else { self.count.unwrap_or(DEFAULT_COUNT) };
        let shape = match (self.summary.as_deref(), self.elements) {
            (Some("true"), _) => Shape::Summary,
            (Some("text"), _) => Shape::Text,
            (Some("data"), _) => Shape::Data,
            (_, Some(elements)) => Shape::Elements(elements),
            _ => Shape::Whole,
        };
        let search = Search {
            tenant: self.asker.tenant.clone(),
            kind: self.kind,
            filters: self.filters,
            sort,
            count,
            after: after.flatten(),
            // To ask for no results is to ask for their number.
            total: self.total.unwrap_or_default() || count == 0,
            visibility,
        };
        Ok(Parsed { search, includes: self.includes, shape, applied: self.applied, ignored: self.ignored })
    }
}

fn once(is_there: bool) -> Result<(), Refused> {
    if is_there { Err((IssueCode::Value, "may be there once".to_owned())) } else { Ok(()) }
}

/// A name that a client has sent, when it is one that could be a parameter's; what is not may be anything.
fn shown(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(is_plain) {
        name.to_owned()
    } else {
        "A parameter with an unusual name".to_owned()
    }
}

#[cfg(test)]
mod tests;

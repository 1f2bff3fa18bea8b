//! From a query to a search.

use domain::access::Visibility;
use domain::id::{ResourceType, TenantId};
use domain::search::{Filter, Search, Sort, SortBy, TokenMatch};

use super::result::{DEFAULT_COUNT, MAX_COUNT, RESULT_PARAMETERS};
use super::value::{Refused, filter, split};
use super::{ForPatients, MAX_VALUES, Parameter, ParameterKind, cursor, parameters, query};
use crate::issue::{Issue, IssueCode};

/// What to do with parameters that are not offered (<https://hl7.org/fhir/R4/search.html#errors>).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handling {
    /// Refuse the search. What a client has not said otherwise about gets this: an ignored condition finds too much.
    #[default]
    Strict,
    /// Ignore and tell them: `Prefer: handling=lenient`.
    Lenient,
}

/// What a query asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    /// The search.
    pub search: Search,
    /// The parameters that were applied, names and values as they were sent but decoded, without the position of the
    /// page: what the `self` link shows.
    pub applied: Vec<(String, String)>,
    /// What was ignored, to be told along with the results.
    pub ignored: Vec<Issue>,
}

/// Reads a query: the part of the address after the question mark, percent-encoded as it was sent, or the body of a
/// form; for both, joined by `&`. `base_url` is the service's own address, by which references may be absolute, without a
/// slash at its end.
///
/// # Errors
/// Everything that is wrong with the query; parameters are named, values are not repeated.
pub fn parse(
    kind: ResourceType,
    query: &str,
    handling: Handling,
    base_url: &str,
    tenant: TenantId,
    visibility: Visibility,
) -> Result<Parsed, Vec<Issue>> {
    let pairs = query::pairs(query).map_err(|issue| vec![issue])?;
    let is_patient = matches!(visibility, Visibility::Patient { .. });
    let mut reading = Reading::new(kind, handling, base_url.trim_end_matches('/'), is_patient);
    for (name, value) in pairs {
        reading.take(name, value);
    }
    reading.finish(tenant, visibility)
}

/// A query being read.
struct Reading<'a> {
    kind: ResourceType,
    handling: Handling,
    base: &'a str,
    is_patient: bool,
    filters: Vec<Filter>,
    values: usize,
    sort: Option<Sort>,
    count: Option<u16>,
    total: Option<bool>,
    cursor: Option<String>,
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
}

impl<'a> Reading<'a> {
    fn new(kind: ResourceType, handling: Handling, base: &'a str, is_patient: bool) -> Self {
        Self {
            kind,
            handling,
            base,
            is_patient,
            filters: Vec::new(),
            values: 0,
            sort: None,
            count: None,
            total: None,
            cursor: None,
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
            // The answer's form is settled before the search is read.
            "_format" | "_pretty" => Ok(Taken::NotShown),
            _ => self.take_filter(&name, &value),
        };
        match taken {
            Ok(Taken::Applied) => self.applied.push((name, value)),
            Ok(Taken::AppliedAs(value)) => self.applied.push((name, value)),
            Ok(Taken::NotShown) => {}
            Ok(Taken::Unsupported(message)) => match self.handling {
                Handling::Strict => self.errors.push(Issue::error(IssueCode::NotSupported, message)),
                Handling::Lenient => {
                    let message = format!("{message} It was ignored.");
                    self.ignored.push(Issue::warning(IssueCode::NotSupported, message));
                }
            },
            Err((code, remedy)) => self.errors.push(Issue::error(code, format!("{} {remedy}.", shown(&name)))),
        }
    }

    fn take_filter(&mut self, name: &str, value: &str) -> Result<Taken, Refused> {
        let (plain, modifier) = name.split_once(':').map_or((name, None), |(plain, modifier)| (plain, Some(modifier)));
        let Some(parameter) = self.offered().find(|parameter| parameter.name == plain) else {
            return Ok(Taken::Unsupported(self.unknown(name)));
        };
        let target = modifier.map(|modifier| target(parameter, modifier)).transpose()?;
        let alternatives = split(value, ',');
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
        let filter = filter(parameter, target, &alternatives, self.base)?;
        self.filters.push(if self.is_patient { for_patients(parameter, filter) } else { filter });
        Ok(Taken::Applied)
    }

    /// The parameters that there are for the caller.
    fn offered(&self) -> impl Iterator<Item = &'static Parameter> + Clone + use<> {
        let is_patient = self.is_patient;
        let is_offered = move |own: &&Parameter| !is_patient || own.for_patients != ForPatients::Hidden;
        parameters(self.kind).iter().filter(is_offered)
    }

    fn take_sort(&mut self, value: &str) -> Result<Taken, Refused> {
        once(self.sort.is_some())?;
        if value.contains(',') {
            return Ok(Taken::Unsupported(
                "_sort takes one parameter to sort by; several are not supported.".to_owned(),
            ));
        }
        let (name, descending) = value.strip_prefix('-').map_or((value, false), |name| (name, true));
        let offered = self.offered().filter_map(|parameter| parameter.sort.map(|by| (parameter.name, by)));
        let Some((_, by)) = offered.clone().find(|(own, _)| *own == name) else {
            let offered: Vec<_> = offered.map(|(name, _)| name).collect();
            let message = format!(
                "_sort by {} is not supported for {}. What can be sorted by: {}; with a minus before it for the latest first.",
                shown(name),
                self.kind,
                offered.join(", ")
            );
            return Ok(Taken::Unsupported(message));
        };
        self.sort = Some(Sort { by, descending });
        Ok(Taken::Applied)
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

    fn unknown(&self, name: &str) -> String {
        let offered = self.offered().map(|parameter| parameter.name);
        let offered: Vec<_> = offered.chain(RESULT_PARAMETERS.iter().map(|parameter| parameter.name)).collect();
        let kind = self.kind;
        format!(
            "{} is not a search parameter that is supported for {kind}. There are: {}.",
            shown(name),
            offered.join(", ")
        )
    }

    fn finish(mut self, tenant: TenantId, visibility: Visibility) -> Result<Parsed, Vec<Issue>> {
        let sort = self.sort.unwrap_or(Sort { by: SortBy::LastUpdated, descending: true });
        let after = self.cursor.as_deref().map(|token| cursor::position(self.kind, sort, token));
        if after == Some(None) {
            let message = "_cursor is not a page of this search: take the next link as it is, or leave _cursor out to begin \
                           at the first page.";
            self.errors.push(Issue::error(IssueCode::Value, message));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let count = self.count.unwrap_or(DEFAULT_COUNT);
        let search = Search {
            tenant,
            kind: self.kind,
            filters: self.filters,
            sort,
            count,
            after: after.flatten(),
            // To ask for no results is to ask for their number.
            total: self.total.unwrap_or_default() || count == 0,
            visibility,
        };
        Ok(Parsed { search, applied: self.applied, ignored: self.ignored })
    }
}

/// The condition as patients may make it: by the codes that they are shown.
fn for_patients(parameter: &Parameter, filter: Filter) -> Filter {
    let ForPatients::Folded { shown, stored } = parameter.for_patients else { return filter };
    let Filter::Token { param, any } = filter else { return filter };
    let unfold = |asked: TokenMatch| match asked.code.as_deref() {
        Some(code) if code == shown => {
            stored.iter().map(|code| TokenMatch { code: Some((*code).to_owned()), ..asked.clone() }).collect()
        }
        // They never see this one, so nothing matches it.
        Some(code) if stored.contains(&code) => vec![],
        _ => vec![asked],
    };
    Filter::Token { param, any: any.into_iter().flat_map(unfold).collect() }
}

/// The type that a modifier names: the only modifiers there are.
fn target(parameter: &Parameter, modifier: &str) -> Result<&'static str, Refused> {
    let targets = parameter.kind.targets();
    if let Some(target) = targets.iter().find(|target| **target == modifier) {
        return Ok(target);
    }
    let remedy = match parameter.kind {
        ParameterKind::Reference(_) => format!("does not support this modifier; there are: {}", targets.join(", ")),
        ParameterKind::Token(_) | ParameterKind::Date => {
            "does not support modifiers: leave out what follows the colon".to_owned()
        }
    };
    Err((IssueCode::NotSupported, remedy))
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

//! What comes along with the matches: `_include` and `_revinclude`
//! (<https://hl7.org/fhir/R4/search.html#include>).

use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Key, Reference, ResourceId, ResourceType, TenantId};
use domain::search::{Filter, Search, Sort, SortBy};

use super::condition::{Problem, Sees, not_theirs, offered};
use super::value::either;
use super::{MAX_COUNT, Parameter, ParameterKind, Source, index};
use crate::issue::{Issue, IssueCode};
use crate::resource::Document;

/// How many resources come along with a page at most; what is left out is told.
pub const MAX_INCLUDED: usize = 1000;

/// Resources that come along with the matches.
#[derive(Clone, Debug, PartialEq)]
pub struct Include {
    /// Whether those come that refer to what was found, rather than those referred to.
    pub is_reverse: bool,
    /// Whether what came along brings others in turn.
    pub iterates: bool,
    from: ResourceType,
    parameter: Reach,
    /// The types referred to, or referring, and which of their rows exist for the caller.
    reached: Vec<(ResourceType, Visibility)>,
}

/// The reference by which they are reached. Parameters are told apart by their names.
#[derive(Clone, Copy, Debug)]
struct Reach(&'static Parameter);

impl PartialEq for Reach {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

/// The includes that a parameter of a query asks for: `[type]:[parameter]`, `[type]:[parameter]:[target]`,
/// `[type]:*` and `*`.
pub(super) fn read(
    sees: &Sees,
    kind: ResourceType,
    is_reverse: bool,
    iterates: bool,
    value: &str,
) -> Result<Vec<Include>, Problem> {
    let mut parts = value.split(':');
    let (source, name, target) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("*"), None, ..) => (kind, "*", None),
        (Some(source), Some(name), target, None) => (source.parse().map_err(|_| Problem::Unknown)?, name, target),
        _ => {
            let remedy = "takes [type]:[parameter], which may be followed by :[type of the target]".to_owned();
            return Err((IssueCode::Value, remedy).into());
        }
    };
    let target: Option<ResourceType> = target.map(|target| target.parse().map_err(|_| Problem::Unknown)).transpose()?;
    if name == "*" {
        if is_reverse || target.is_some() {
            return Err(Problem::Unknown);
        }
        let all = offered(sees, source).filter(|own| matches!(own.kind, ParameterKind::Reference(_)));
        return Ok(all.map(|own| forward(sees, source, own, None, iterates)).collect());
    }
    let parameter = offered(sees, source)
        .find(|own| own.name == name && matches!(own.kind, ParameterKind::Reference(_)))
        .ok_or(Problem::Unknown)?;
    if is_reverse {
        let visibility = sees.get(&source).cloned().ok_or_else(|| not_theirs(source))?;
        let reached = vec![(source, visibility)];
        return Ok(vec![Include { is_reverse, iterates, from: source, parameter: Reach(parameter), reached }]);
    }
    let include = forward(sees, source, parameter, target, iterates);
    let unseen = parameter.stored_targets().find(|own| target == Some(*own) && !sees.contains_key(own));
    match unseen {
        Some(kind) => Err(not_theirs(kind).into()),
        None => Ok(vec![include]),
    }
}

/// What a reference leads to, as far as it is stored here and the caller may find it.
fn forward(
    sees: &Sees,
    from: ResourceType,
    parameter: &'static Parameter,
    target: Option<ResourceType>,
    iterates: bool,
) -> Include {
    let reached = parameter
        .stored_targets()
        .filter(|own| target.is_none_or(|target| target == *own))
        .filter_map(|own| sees.get(&own).map(|visibility| (own, visibility.clone())))
        .collect();
    Include { is_reverse: false, iterates, from, parameter: Reach(parameter), reached }
}

impl Include {
    /// The searches that find what these rows bring along; none when they bring nothing.
    ///
    /// # Errors
    /// A row's text is not JSON: the store is damaged.
    pub fn searches(&self, tenant: &TenantId, base_url: &str, rows: &[Stored]) -> Result<Vec<Search>, Vec<Issue>> {
        let base = base_url.trim_end_matches('/');
        let search = |kind: ResourceType, visibility: &Visibility, filter: Filter| Search {
            tenant: tenant.clone(),
            kind,
            filters: vec![filter],
            sort: vec![Sort { by: SortBy::Id, descending: false }],
            count: MAX_COUNT,
            after: None,
            total: false,
            visibility: visibility.clone(),
        };
        if self.is_reverse {
            let to: Vec<&Key> = rows.iter().map(|row| &row.key).filter(|key| self.refers_to(key.kind)).collect();
            if to.is_empty() {
                return Ok(vec![]);
            }
            let filter = self.referring(base, &to);
            return Ok(self
                .reached
                .iter()
                .map(|(kind, visibility)| search(*kind, visibility, filter.clone()))
                .collect());
        }
        let mut keys: Vec<Reference> = Vec::new();
        for row in rows.iter().filter(|row| row.key.kind == self.from) {
            let document = Document::stored(row.body.clone(), row.key.kind)?;
            let found = index::references(&document, self.parameter.0).into_iter();
            keys.extend(found.filter_map(|own| {
                own.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&own).parse().ok()
            }));
        }
        let of = |kind: ResourceType| {
            let mut ids: Vec<ResourceId> =
                keys.iter().filter(|own| own.is(kind.as_str())).map(|own| own.id().clone()).collect();
            ids.sort();
            ids.dedup();
            ids
        };
        let reached = self.reached.iter().map(|(kind, visibility)| (*kind, visibility, of(*kind)));
        Ok(reached
            .filter(|(_, _, ids)| !ids.is_empty())
            .map(|(kind, visibility, ids)| search(kind, visibility, Filter::Id(ids)))
            .collect())
    }

    fn refers_to(&self, kind: ResourceType) -> bool {
        self.parameter.0.stored_targets().any(|own| own == kind)
    }

    /// The condition of those that refer to one of these.
    fn referring(&self, base: &str, to: &[&Key]) -> Filter {
        let parameter = self.parameter.0;
        if matches!(parameter.source, Source::Thread(_)) {
            return Filter::Thread(to.iter().map(|key| key.id.clone()).collect());
        }
        let any: Vec<_> = to.iter().flat_map(|key| [key.to_string(), format!("{base}/{key}")]).collect();
        either(parameter, |param| Filter::Reference { param, any: any.clone() })
    }
}

//! Searches over current resources.

use diesel::dsl::{IntoBoxed, Select, count_star, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use domain::access::Visibility;
use domain::change::Stored;
use domain::id::ResourceId;
use domain::search::{Cursor, DateMatch, Filter, Page, Prefix, Search, SortBy, TokenMatch};

use super::resource::{VersionColumns, stored};
use super::visibility::seen;
use super::{Conn, Db, dialect};
use crate::error::QueryError;
use crate::schema::{resource, search_value};
use crate::types::{Micros, indexed};

type Resources<'a> = resource::BoxedQuery<'a, Db>;
type OfResource = Box<dyn BoxableExpression<resource::table, Db, SqlType = Bool>>;
type OfValue = Box<dyn BoxableExpression<search_value::table, Db, SqlType = Nullable<Bool>>>;

/// A page of what matches and, when asked for, the number of all matches in the same state of the database.
pub fn search(conn: &mut Conn, search: &Search) -> Result<Page, QueryError> {
    if !search.total {
        let (rows, next) = page(conn, search)?;
        return Ok(Page { rows, next, total: None });
    }
    dialect::snapshot(conn, |conn| {
        let total: i64 = matching(search).select(count_star()).first(conn)?;
        let (rows, next) = page(conn, search)?;
        Ok(Page { rows, next, total: Some(total.unsigned_abs()) })
    })
}

fn page(conn: &mut Conn, search: &Search) -> Result<(Vec<Stored>, Option<Cursor>), QueryError> {
    if search.count == 0 {
        return Ok((vec![], None));
    }
    let mut query = matching(search);
    if let Some(after) = &search.after {
        query = query.filter(beyond(search, after));
    }
    query = match (search.sort.by, search.sort.descending) {
        (SortBy::LastUpdated, false) => query.order((resource::last_updated_at.asc(), resource::id.asc())),
        (SortBy::LastUpdated, true) => query.order((resource::last_updated_at.desc(), resource::id.desc())),
        (SortBy::Date, false) => query.order((resource::date_at.asc(), resource::id.asc())),
        (SortBy::Date, true) => query.order((resource::date_at.desc(), resource::id.desc())),
    };
    let columns = (
        resource::id,
        resource::version,
        resource::last_updated_at,
        resource::date_at,
        resource::deleted,
        resource::thread,
        resource::body,
    );
    // One more than asked for tells whether there is a next page.
    let found: Vec<VersionColumns> = query.select(columns).limit(i64::from(search.count) + 1).load(conn)?;
    let more = found.len() > usize::from(search.count);
    let mut rows = vec![];
    for row in found.into_iter().take(search.count.into()) {
        rows.push(stored(search.kind, row)?);
    }
    let next = rows.last().filter(|_| more).map(|last| {
        let at = match search.sort.by {
            SortBy::LastUpdated => last.last_updated,
            SortBy::Date => last.date,
        };
        Cursor { at, id: last.key.id.clone() }
    });
    Ok((rows, next))
}

/// The rows after a position. The first comparison alone lets the index begin at the right place.
fn beyond(search: &Search, after: &Cursor) -> OfResource {
    macro_rules! beyond {
        ($column:expr, $not_before:ident, $after:ident) => {
            Box::new(
                $column
                    .$not_before(Micros::from(after.at))
                    .and($column.$after(Micros::from(after.at)).or(resource::id.$after(after.id.as_str().to_owned()))),
            )
        };
    }
    match (search.sort.by, search.sort.descending) {
        (SortBy::LastUpdated, false) => beyond!(resource::last_updated_at, ge, gt),
        (SortBy::LastUpdated, true) => beyond!(resource::last_updated_at, le, lt),
        (SortBy::Date, false) => beyond!(resource::date_at, ge, gt),
        (SortBy::Date, true) => beyond!(resource::date_at, le, lt),
    }
}

/// All rows that match and exist for the caller, in no order.
fn matching(search: &Search) -> Resources<'_> {
    let mut query = resource::table
        .filter(resource::tenant.eq(search.tenant.as_str()))
        .filter(resource::kind.eq(search.kind.as_str()))
        .filter(not(resource::deleted))
        .into_boxed();
    if let Some(seen) = seen!(resource, &search.visibility) {
        query = query.filter(seen);
    }
    for filter in &search.filters {
        query = match filter {
            Filter::Id(any) => query.filter(resource::id.eq_any(any.iter().map(ResourceId::as_str))),
            Filter::LastUpdated(any) => match any.iter().map(updated).reduce(|a, b| Box::new(a.or(b))) {
                Some(condition) => query.filter(condition),
                None => query.filter(resource::id.eq_any(Vec::<String>::new())),
            },
            Filter::Token { param, any } => {
                query.filter(resource::id.eq_any(having(search, param, any.iter().map(token))))
            }
            Filter::Reference { param, any } => {
                query.filter(resource::id.eq_any(having(search, param, any.iter().map(|any| reference(any)))))
            }
            Filter::Date { param, any } => {
                query.filter(resource::id.eq_any(having(search, param, any.iter().map(date))))
            }
        };
    }
    query
}

/// The ids of resources with a value for which one of the alternatives holds.
fn having<'a>(
    search: &'a Search,
    param: &'static str,
    alternatives: impl Iterator<Item = OfValue>,
) -> IntoBoxed<'a, Select<search_value::table, search_value::id>, Db> {
    let ids = search_value::table
        .select(search_value::id)
        .filter(search_value::tenant.eq(search.tenant.as_str()))
        .filter(search_value::kind.eq(search.kind.as_str()))
        .filter(search_value::param.eq(param))
        .into_boxed();
    match alternatives.reduce(|a, b| Box::new(a.or(b))) {
        Some(condition) => ids.filter(condition),
        None => ids.filter(search_value::id.eq_any(Vec::<String>::new())),
    }
}

fn token(asked: &TokenMatch) -> OfValue {
    let code = asked.code.as_deref().map(|code| search_value::value.eq(indexed(code).into_owned()));
    let system: Option<OfValue> = asked.system.as_deref().map(|system| {
        if system.is_empty() {
            Box::new(search_value::system.is_null().nullable()) as OfValue
        } else {
            Box::new(search_value::system.eq(system.to_owned()))
        }
    });
    match (code, system) {
        (Some(code), Some(system)) => Box::new(code.and(system)),
        (Some(code), None) => Box::new(code),
        (None, Some(system)) => Box::new(system.and(search_value::value.is_not_null().nullable())),
        (None, None) => Box::new(search_value::value.is_not_null().nullable()),
    }
}

fn reference(asked: &str) -> OfValue {
    Box::new(search_value::value.eq(indexed(asked).into_owned()))
}

/// Compares a value's interval `[low_at, high_at)` with the asked one.
fn date(asked: &DateMatch) -> OfValue {
    let (low, high) = (Micros::from(asked.low), Micros::from(asked.high));
    let within = || search_value::low_at.ge(low).and(search_value::high_at.le(high));
    match asked.prefix {
        Prefix::Eq => Box::new(within()),
        Prefix::Ne => Box::new(search_value::low_at.lt(low).or(search_value::high_at.gt(high))),
        Prefix::Gt => Box::new(search_value::high_at.gt(high)),
        Prefix::Ge => Box::new(search_value::high_at.gt(high).or(within())),
        Prefix::Lt => Box::new(search_value::low_at.lt(low)),
        Prefix::Le => Box::new(search_value::low_at.lt(low).or(within())),
        Prefix::Sa => Box::new(search_value::low_at.ge(high)),
        Prefix::Eb => Box::new(search_value::high_at.le(low)),
    }
}

/// Compares the moment of a row's last update, an interval as short as can be, with the asked interval.
fn updated(asked: &DateMatch) -> OfResource {
    let (low, high) = (Micros::from(asked.low), Micros::from(asked.high));
    let at = resource::last_updated_at;
    match asked.prefix {
        Prefix::Eq => Box::new(at.ge(low).and(at.lt(high))),
        Prefix::Ne => Box::new(at.lt(low).or(at.ge(high))),
        Prefix::Gt | Prefix::Sa => Box::new(at.ge(high)),
        Prefix::Ge => Box::new(at.ge(low)),
        Prefix::Lt | Prefix::Eb => Box::new(at.lt(low)),
        Prefix::Le => Box::new(at.lt(high)),
    }
}

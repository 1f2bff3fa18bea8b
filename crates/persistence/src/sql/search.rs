//! Searches over current resources.

use diesel::dsl::{count_star, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use domain::access::Visibility;
use domain::change::Stored;
use domain::search::{Cursor, Page, Search, Sort, SortBy};

use super::condition::{Condition, activity, coalesce, condition};
use super::resource::{VersionColumns, stored, version_columns};
use super::visibility::seen;
use super::{Conn, Db, dialect};
use crate::error::QueryError;
use crate::page::Room;
use crate::schema::{resource, thread};
use crate::types::Micros;

type Resources<'a> = resource::BoxedQuery<'a, Db>;

/// A page of what matches and, when asked for, the number of all matches in the same state of the database.
pub fn search(conn: &mut Conn, search: &Search) -> Result<Page, QueryError> {
    if !search.total {
        return page(conn, search);
    }
    dialect::snapshot(conn, |conn| {
        let total: i64 = matching(search).select(count_star()).first(conn)?;
        Ok(Page { total: Some(total.unsigned_abs()), ..page(conn, search)? })
    })
}

fn page(conn: &mut Conn, search: &Search) -> Result<Page, QueryError> {
    let nothing = Page { rows: vec![], next: None, previous: None, total: None };
    if search.count == 0 {
        return Ok(nothing);
    }
    // A page that ends before a row is found from its end, and then turned around.
    let backward = search.after.as_ref().is_some_and(|after| after.backward);
    let order: Vec<Sort> =
        search.sort.iter().map(|key| Sort { descending: key.descending != backward, ..*key }).collect();
    let mut query = matching(search);
    if let Some(after) = &search.after {
        query = query.filter(beyond(&order, after));
    }
    for key in &order {
        query = match (key.by, key.descending) {
            (SortBy::LastUpdated, false) => query.then_order_by(resource::last_updated_at.asc()),
            (SortBy::LastUpdated, true) => query.then_order_by(resource::last_updated_at.desc()),
            (SortBy::Date, false) => query.then_order_by(resource::date_at.asc()),
            (SortBy::Date, true) => query.then_order_by(resource::date_at.desc()),
            (SortBy::LastActivity, false) => query.then_order_by(activity!().asc()),
            (SortBy::LastActivity, true) => query.then_order_by(activity!().desc()),
            (SortBy::Id, false) => query.then_order_by(resource::id.asc()),
            (SortBy::Id, true) => query.then_order_by(resource::id.desc()),
        };
    }
    query =
        if ties(&order) { query.then_order_by(resource::id.desc()) } else { query.then_order_by(resource::id.asc()) };
    let (mut rows, mut room) = (vec![], Room::of(search.count));
    let query = query.select(version_columns!(resource)).limit(room.limit());
    let found = query.load_iter::<VersionColumns, dialect::OneByOne>(conn)?;
    let more = room.fill(&mut rows, found, |row| stored(search.kind, row), |row| row.body.len())?;
    if backward {
        rows.reverse();
    }
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(nothing) };
    // On the side that the page was reached from there is the row that it was reached by, or was.
    let (before, behind) = if backward { (more, true) } else { (search.after.is_some(), more) };
    let previous = before.then(|| cursor(conn, search, first, true)).transpose()?;
    let next = behind.then(|| cursor(conn, search, last, false)).transpose()?;
    Ok(Page { rows, next, previous, total: None })
}

/// Whether rows that are alike in all keys go by their ids from the last to the first.
fn ties(order: &[Sort]) -> bool {
    order.last().is_some_and(|key| key.descending)
}

/// The position of a row in the order of a search.
fn cursor(conn: &mut Conn, search: &Search, row: &Stored, backward: bool) -> Result<Cursor, QueryError> {
    let mut at = vec![];
    for key in &search.sort {
        at.push(match key.by {
            SortBy::LastUpdated => row.last_updated,
            SortBy::Date => row.date,
            SortBy::LastActivity => {
                let found: Micros = resource::table
                    .find((search.tenant.as_str(), search.kind.as_str(), row.key.id.as_str()))
                    .select(activity!())
                    .first(conn)?;
                found.timestamp()
            }
            SortBy::Id => continue,
        });
    }
    Ok(Cursor { at, id: row.key.id.clone(), backward })
}

/// The rows after a position: those that are greater in the first key in which they differ. The first comparison alone
/// lets the index begin at the right place.
fn beyond(order: &[Sort], after: &Cursor) -> Condition {
    macro_rules! compared {
        ($column:expr, $value:expr, $descending:expr, $rest:expr) => {{
            let value = $value;
            if $descending {
                (
                    Box::new($column.lt(value.clone()).or($column.eq(value.clone()).and($rest))) as Condition,
                    Box::new($column.le(value)) as Condition,
                )
            } else {
                (
                    Box::new($column.gt(value.clone()).or($column.eq(value.clone()).and($rest))) as Condition,
                    Box::new($column.ge(value)) as Condition,
                )
            }
        }};
    }
    let id = || after.id.as_str().to_owned();
    let mut beyond: Condition =
        if ties(order) { Box::new(resource::id.lt(id())) } else { Box::new(resource::id.gt(id())) };
    let mut moments = after.at.iter().rev();
    let mut start = None;
    for key in order.iter().rev() {
        let moment = if key.by == SortBy::Id { None } else { moments.next().map(|at| Micros::from(*at)) };
        let (next, first) = match (key.by, moment) {
            (SortBy::LastUpdated, Some(at)) => compared!(resource::last_updated_at, at, key.descending, beyond),
            (SortBy::Date, Some(at)) => compared!(resource::date_at, at, key.descending, beyond),
            (SortBy::LastActivity, Some(at)) => compared!(activity!(), at, key.descending, beyond),
            // Nothing is alike in its id and differs in what follows.
            _ => compared!(resource::id, id(), key.descending, not(resource::id.is_not_null())),
        };
        beyond = next;
        start = Some(first);
    }
    match start {
        Some(start) => Box::new(start.and(beyond)),
        None => beyond,
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
        query = query.filter(condition(&search.tenant, search.kind, filter));
    }
    query
}

//! The versions of resources, the latest first: those that are current and those that they have superseded.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Reference, ResourceType};
use domain::search::{History, HistoryPage, Place};

use super::resource::{VersionColumns, stored, version_columns};
use super::visibility::{kept, seen};
use super::{Conn, Db, dialect};
use crate::error::QueryError;
use crate::schema::{resource, resource_history};
use crate::types::Micros;

diesel::alias!(resource_history as later: Later);

/// Leaves out what was not yet written at the end of a time, and what was superseded at its beginning or before; the
/// current version never was.
macro_rules! current {
    (resource, $query:expr, $from:expr, $until:expr) => {
        $query.filter(resource::last_updated_at.lt($until))
    };
    (resource_history, $query:expr, $from:expr, $until:expr) => {{
        let next = later
            .filter(later.field(resource_history::tenant).eq(resource_history::tenant))
            .filter(later.field(resource_history::kind).eq(resource_history::kind))
            .filter(later.field(resource_history::id).eq(resource_history::id))
            .filter(later.field(resource_history::version).eq(resource_history::version + 1))
            .filter(later.field(resource_history::last_updated_at).le($from));
        let current = resource::table
            .filter(resource::tenant.eq(resource_history::tenant))
            .filter(resource::kind.eq(resource_history::kind))
            .filter(resource::id.eq(resource_history::id))
            .filter(resource::version.eq(resource_history::version + 1))
            .filter(resource::last_updated_at.le($from));
        let written = resource_history::last_updated_at.lt($until);
        $query.filter(written).filter(not(exists(next))).filter(not(exists(current)))
    }};
}

/// The versions of a type from one of the two tables: as many as the page may need, and one more.
macro_rules! versions {
    ($table:ident, $of:expr, $conn:expr, $history:expr, $kind:expr, $visibility:expr) => {{
        let (history, kind): (&History, ResourceType) = ($history, $kind);
        let mut query = $table::table
            .filter($table::tenant.eq(history.tenant.as_str()))
            .filter($table::kind.eq(kind.as_str()))
            .filter($of)
            .select(version_columns!($table))
            .order(($table::last_updated_at.desc(), $table::id.desc(), $table::version.desc()))
            .limit(i64::from(history.count) + 1)
            .into_boxed();
        if let Some(id) = &history.id {
            query = query.filter($table::id.eq(id.as_str()));
        }
        if let Some(since) = history.since {
            query = query.filter($table::last_updated_at.ge(Micros::from(since)));
        }
        if let Some(at) = history.at {
            query = current!($table, query, Micros::from(at.0), Micros::from(at.1));
        }
        if let Some(after) = &history.after {
            let at = Micros::from(after.at);
            let older = $table::last_updated_at.lt(at);
            query = query.filter($table::last_updated_at.le(at));
            query = match kind.cmp(&after.key.kind) {
                std::cmp::Ordering::Less => query,
                std::cmp::Ordering::Greater => query.filter(older),
                std::cmp::Ordering::Equal => {
                    let id = || after.key.id.as_str();
                    let same = $table::id.eq(id()).and($table::version.lt(after.version.0));
                    query.filter(older.or($table::id.lt(id()).or(same)))
                }
            };
        }
        if let Some(seen) = seen!($table, $visibility) {
            query = query.filter(seen);
        }
        if let Some(kept) = kept!($table, $visibility) {
            query = query.filter(kept);
        }
        let mut found = vec![];
        for row in query.load::<VersionColumns>($conn)? {
            found.push(stored(kind, row)?);
        }
        found
    }};
}

/// A page of a history, in one state of the database.
pub fn history(conn: &mut Conn, history: &History) -> Result<HistoryPage, QueryError> {
    dialect::snapshot(conn, |conn| {
        let mut rows: Vec<Stored> = vec![];
        for (kind, visibility) in &history.of {
            // Each with the condition of the index that has them in this order.
            rows.extend(versions!(resource, not(resource::deleted), conn, history, *kind, visibility));
            rows.extend(versions!(resource, resource::deleted, conn, history, *kind, visibility));
            let all = resource_history::version.gt(0);
            rows.extend(versions!(resource_history, all, conn, history, *kind, visibility));
        }
        rows.sort_by_cached_key(|row| std::cmp::Reverse(Place::from(row)));
        let more = rows.len() > usize::from(history.count);
        rows.truncate(history.count.into());
        let next = rows.last().filter(|_| more).map(Place::from);
        Ok(HistoryPage { rows, next })
    })
}

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
use crate::page::Room;
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

/// The versions of a type from one of the two tables, as many as the page may need, and whether there are others.
macro_rules! versions {
    ($table:ident, $of:expr, $conn:expr, $history:expr, $kind:expr, $visibility:expr) => {{
        let (history, kind): (&History, ResourceType) = ($history, $kind);
        let (mut found, mut room) = (vec![], Room::of(history.count));
        let mut query = $table::table
            .filter($table::tenant.eq(history.tenant.as_str()))
            .filter($table::kind.eq(kind.as_str()))
            .filter($of)
            .select(version_columns!($table))
            .order(($table::last_updated_at.desc(), $table::id.desc(), $table::version.desc()))
            .limit(room.limit())
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
        let rows = query.load_iter::<VersionColumns, dialect::OneByOne>($conn)?;
        let more = room.fill(&mut found, rows, |row| stored(kind, row), |row| row.body.len())?;
        (found, more)
    }};
}

/// The versions that are known of a page, the latest first.
#[derive(Default)]
struct Known {
    rows: Vec<Stored>,
    /// The version behind which there are others that are not known; `None` while there are none.
    end: Option<Place>,
}

impl Known {
    /// Puts others between them, and lets go what finds no room on a page, so that of many types no more is kept than of one.
    fn join(&mut self, (rows, more): (Vec<Stored>, bool), history: &History) -> Result<(), QueryError> {
        self.end = self.end.take().max(rows.last().filter(|_| more).map(Place::from));
        let mut all = std::mem::take(&mut self.rows);
        all.extend(rows);
        all.retain(|row| self.end.as_ref().is_none_or(|end| Place::from(row) >= *end));
        all.sort_by_cached_key(|row| std::cmp::Reverse(Place::from(row)));
        let (all, mut room) = (all.into_iter().map(Ok), Room::of(history.count));
        if room.fill(&mut self.rows, all, Ok, |row| row.body.len())? {
            self.end = self.rows.last().map(Place::from);
        }
        Ok(())
    }
}

/// A page of a history, in one state of the database.
pub fn history(conn: &mut Conn, history: &History) -> Result<HistoryPage, QueryError> {
    dialect::snapshot(conn, |conn| {
        let mut known = Known::default();
        for (kind, visibility) in &history.of {
            // Each with the condition of the index that has them in this order.
            known.join(versions!(resource, not(resource::deleted), conn, history, *kind, visibility), history)?;
            known.join(versions!(resource, resource::deleted, conn, history, *kind, visibility), history)?;
            let all = resource_history::version.gt(0);
            known.join(versions!(resource_history, all, conn, history, *kind, visibility), history)?;
        }
        Ok(HistoryPage { rows: known.rows, next: known.end })
    })
}

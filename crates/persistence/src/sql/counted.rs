//! Calendars by which clocks are counted.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use domain::calendar::Kept;
use domain::change::Change;
use domain::id::TenantId;
use domain::store::CountedBy;
use serde_json::{from_str, to_string};

use super::Conn;
use super::statement::insert;
use crate::error::{QueryError, unreadable};
use crate::schema::{calendar, clock};

rows! {
    KeptRow, KeptRows in "calendar" on "DO NOTHING" {
        tenant: Text = &'a str,
        key: Text = &'a str,
        body: Text = String,
    }
}

/// Keeps calendars; those that are kept already stay as they are.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<(), QueryError> {
    let mut all: Vec<(&str, &Kept)> = vec![];
    for change in changes {
        all.extend(change.calendars.iter().map(|kept| (change.tenant.as_str(), kept)));
    }
    // In one order, so that two who keep the same never wait for each other.
    all.sort_unstable_by(|(a, one), (b, two)| (a, &one.key).cmp(&(b, &two.key)));
    let mut rows = KeptRows::default();
    for (tenant, kept) in all {
        let body = to_string(kept).map_err(|_| unreadable("a calendar"))?;
        rows.push(KeptRow { tenant, key: &kept.key, body });
    }
    insert(conn, &rows)?;
    Ok(())
}

/// The calendars that are kept of these keys.
pub fn calendars(conn: &mut Conn, tenant: &TenantId, keys: &[String]) -> Result<Vec<Kept>, QueryError> {
    let found: Vec<String> = calendar::table
        .filter(calendar::tenant.eq(tenant.as_str()))
        .filter(calendar::key.eq_any(keys))
        .order(calendar::key)
        .select(calendar::body)
        .load(conn)?;
    found.iter().map(|body| Ok(from_str(body).map_err(|_| unreadable("calendar.body"))?)).collect()
}

/// What a tenant's clocks that run or rest are counted by, each once.
pub fn counted_by(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<CountedBy>, QueryError> {
    let found: Vec<(String, String)> = clock::table
        // In so many words, because a plan with a parameter could not use the partial index.
        .filter(sql::<Bool>("clock.state IN ('running', 'paused')"))
        .filter(clock::tenant.eq(tenant.as_str()))
        .select((clock::counted_by, clock::calendar))
        .distinct()
        .order((clock::counted_by, clock::calendar))
        .load(conn)?;
    Ok(found.into_iter().map(|(counted_by, calendar)| CountedBy { counted_by, calendar }).collect())
}

/// The calendars by which a tenant's clocks that run or rest are counted.
pub fn in_use(conn: &mut Conn, tenant: &TenantId) -> Result<Vec<Kept>, QueryError> {
    let mut keys: Vec<String> = counted_by(conn, tenant)?.into_iter().map(|by| by.calendar).collect();
    keys.sort_unstable();
    keys.dedup();
    calendars(conn, tenant, &keys)
}

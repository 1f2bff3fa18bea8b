//! Clocks that workers take for the time of a lease.

use std::collections::BTreeMap;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use domain::change::BundleRow;
use domain::clock::ClockName;
use domain::id::TenantId;
use domain::store::{ClaimedClock, CountedBy};
use domain::time::{Instant, Span};

use super::clock::Found;
use super::{Conn, dialect};
use crate::error::QueryError;
use crate::readable::readable;
use crate::schema::{catalogue_generation, clock};
use crate::types::Micros;

/// Rows that run or rest and that nobody holds. The states stand in so many words, because a plan with a parameter could
/// not use the partial indexes.
macro_rules! free {
    ($rows:expr, $now:expr) => {
        $rows
            .filter(sql::<Bool>("clock.state IN ('running', 'paused')"))
            .filter(clock::claimed_until.is_null().or(clock::claimed_until.lt($now)))
    };
}

/// The tenants that have clocks. Each is looked for behind the one before, so that the clocks themselves are not read.
fn tenants(conn: &mut Conn) -> QueryResult<Vec<String>> {
    let mut found: Vec<String> = vec![];
    loop {
        let behind = found.last().cloned().unwrap_or_default();
        let next = clock::table.filter(clock::tenant.gt(behind)).order(clock::tenant).select(clock::tenant);
        match next.first(conn).optional()? {
            Some(tenant) => found.push(tenant),
            None => return Ok(found),
        }
    }
}

/// The tenants that have clocks, each with the generation of its catalogue.
pub fn generations(conn: &mut Conn) -> Result<Vec<(TenantId, i64)>, QueryError> {
    let mut all = vec![];
    for tenant in tenants(conn)? {
        let found = catalogue_generation::table.find(&tenant).select(catalogue_generation::value);
        let generation: Option<i64> = found.first(conn).optional()?;
        all.push((TenantId::new(tenant), generation.unwrap_or(0)));
    }
    Ok(all)
}

/// Takes clocks that run or rest and whose next threshold has come and that no other worker holds, oldest first. Each
/// tenant has its share of what is taken; what one leaves is for the oldest of all.
pub fn due(conn: &mut Conn, now: Instant, lease: Span, limit: u16) -> Result<Vec<ClaimedClock>, QueryError> {
    let until = Micros::from(now.plus(lease.seconds()));
    let now = Micros::from(now);
    macro_rules! ready {
        ($rows:expr, $limit:expr) => {
            dialect::ready!(
                free!($rows, now)
                    .filter(clock::next_at.is_not_null())
                    .filter(clock::next_at.le(now))
                    .order(clock::next_at)
                    .limit($limit)
                    .select((clock::tenant, clock::id))
            )
        };
    }
    let mut claimed = dialect::write(conn, |conn| {
        let tenants = tenants(conn)?;
        let mut claimed: Vec<Found> = vec![];
        if tenants.len() > 1 {
            let share = (i64::from(limit) / tenants.len() as i64).max(1);
            for tenant in tenants.iter().take(usize::from(limit)) {
                let theirs = ready!(clock::table.filter(clock::tenant.eq(tenant)), share).load(conn)?;
                claimed.extend(hold(conn, theirs, until)?);
            }
        }
        let rest = i64::from(limit) - claimed.len() as i64;
        if rest > 0 {
            let oldest = ready!(clock::table, rest).load(conn)?;
            claimed.extend(hold(conn, oldest, until)?);
        }
        QueryResult::Ok(claimed)
    })?;
    claimed.sort_by(|a, b| (a.next_at, &a.tenant, &a.id).cmp(&(b.next_at, &b.tenant, &b.id)));
    Ok(readable(claimed, |row| (&row.tenant, &row.id), ClaimedClock::try_from))
}

/// Takes clocks that run or rest and are counted by a calendar, those due first first.
pub fn counted(
    conn: &mut Conn,
    tenant: &TenantId,
    by: &CountedBy,
    now: Instant,
    lease: Span,
    limit: u16,
) -> Result<Vec<ClaimedClock>, QueryError> {
    let until = Micros::from(now.plus(lease.seconds()));
    let now = Micros::from(now);
    let mut claimed = dialect::write(conn, |conn| {
        let free = free!(clock::table, now)
            .filter(clock::tenant.eq(tenant.as_str()))
            .filter(clock::counted_by.eq(&by.counted_by))
            .filter(clock::calendar.eq(&by.calendar))
            .order((clock::due_at, clock::id))
            .limit(limit.into())
            .select((clock::tenant, clock::id));
        let found = dialect::ready!(free).load(conn)?;
        hold(conn, found, until)
    })?;
    claimed.sort_by(|a, b| (a.next_at, &a.id).cmp(&(b.next_at, &b.id)));
    Ok(readable(claimed, |row| (&row.tenant, &row.id), ClaimedClock::try_from))
}

/// Takes clocks of what is owed to patients that run or rest since before a bundle came into force, under another one.
pub fn before(
    conn: &mut Conn,
    tenant: &TenantId,
    bundle: &BundleRow,
    now: Instant,
    lease: Span,
    limit: u16,
) -> Result<Vec<ClaimedClock>, QueryError> {
    let until = Micros::from(now.plus(lease.seconds()));
    let now = Micros::from(now);
    let claimed = dialect::write(conn, |conn| {
        let free = free!(clock::table, now)
            .filter(clock::tenant.eq(tenant.as_str()))
            .filter(clock::name.ne(ClockName::Review.as_str()))
            .filter(clock::bundle.ne(bundle.name()))
            .filter(clock::started_at.le(Micros::from(bundle.effective_from)))
            .order((clock::due_at, clock::id))
            .limit(limit.into())
            .select((clock::tenant, clock::id));
        let found = dialect::ready!(free).load(conn)?;
        hold(conn, found, until)
    })?;
    Ok(readable(claimed, |row| (&row.tenant, &row.id), ClaimedClock::try_from))
}

/// Marks clocks as held.
fn hold(conn: &mut Conn, found: Vec<(String, String)>, until: Micros) -> QueryResult<Vec<Found>> {
    let mut by_tenant = BTreeMap::<String, Vec<String>>::new();
    for (tenant, id) in found {
        by_tenant.entry(tenant).or_default().push(id);
    }
    let mut held = vec![];
    for (tenant, ids) in by_tenant {
        let theirs = clock::table.filter(clock::tenant.eq(tenant)).filter(clock::id.eq_any(ids));
        let taken = diesel::update(theirs).set(clock::claimed_until.eq(until)).returning(Found::as_returning());
        held.extend(taken.get_results(conn)?);
    }
    Ok(held)
}

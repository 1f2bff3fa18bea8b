//! Simulations, and how many messages they are to read.

use diesel::dsl::{count_star, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
use domain::change::Change;
use domain::id::{ResourceId, ResourceType, TenantId};
use domain::simulate::{Compared, SimulationRow, SimulationState};
use domain::time::{Instant, Span};

use super::resource::read_id;
use super::statement::{Rows, insert};
use super::{Conn, dialect};
use crate::error::{QueryError, unreadable};
use crate::schema::{resource, simulation};
use crate::types::{Micros, Ts};

rows! {
    NewSimulation, NewSimulations in "simulation"
        on "(tenant, id) DO UPDATE SET state = excluded.state, processed = excluded.processed, \
            report = excluded.report, error = excluded.error, ended_at = excluded.ended_at, \
            claimed_until = excluded.claimed_until, revision = excluded.revision \
            WHERE simulation.revision = excluded.revision - 1" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        created_at: Ts = Micros,
        baseline: Text = &'a str,
        baseline_hash: Text = &'a str,
        baseline_body: Text = &'a str,
        candidate: Text = &'a str,
        candidate_hash: Text = &'a str,
        candidate_body: Text = &'a str,
        from_at: Ts = Micros,
        to_at: Ts = Micros,
        state: Text = &'static str,
        processed: BigInt = i64,
        total: BigInt = i64,
        report: Nullable<Text> = Option<&'a str>,
        error: Nullable<Text> = Option<&'a str>,
        ended_at: Nullable<Ts> = Option<Micros>,
        claimed_until: Nullable<Ts> = Option<Micros>,
        revision: Integer = i32,
    }
}

/// Writes simulations; `false` when one has moved on since it was read.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut rows = NewSimulations::default();
    for change in changes {
        rows.extend(change.simulations.iter().map(|row| NewSimulation {
            tenant: change.tenant.as_str(),
            id: row.id.as_str(),
            created_at: row.created_at.into(),
            baseline: &row.baseline.name,
            baseline_hash: &row.baseline.hash,
            baseline_body: &row.baseline.body,
            candidate: &row.candidate.name,
            candidate_hash: &row.candidate.hash,
            candidate_body: &row.candidate.body,
            from_at: row.from.into(),
            to_at: row.to.into(),
            state: row.state.as_str(),
            processed: row.processed,
            total: row.total,
            report: row.report.as_deref(),
            error: row.error.as_deref(),
            ended_at: row.ended_at.map(Micros::from),
            claimed_until: row.claimed_until.map(Micros::from),
            revision: row.revision,
        }));
    }
    Ok(insert(conn, &rows)? == rows.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = simulation)]
struct Found {
    tenant: String,
    id: String,
    created_at: Micros,
    baseline: String,
    baseline_hash: String,
    candidate: String,
    candidate_hash: String,
    from_at: Micros,
    to_at: Micros,
    state: String,
    processed: i64,
    total: i64,
    error: Option<String>,
    ended_at: Option<Micros>,
    claimed_until: Option<Micros>,
    revision: i32,
}

/// The long texts: the two bundles and the report.
type Texts = (String, String, Option<String>);

fn read(row: Found, (baseline, candidate, report): Texts) -> Result<SimulationRow, QueryError> {
    let compared = |name, hash, body| Compared { name, hash, body };
    Ok(SimulationRow {
        id: read_id(row.id)?,
        created_at: row.created_at.instant(),
        baseline: compared(row.baseline, row.baseline_hash, baseline),
        candidate: compared(row.candidate, row.candidate_hash, candidate),
        from: row.from_at.instant(),
        to: row.to_at.instant(),
        state: SimulationState::from_code(&row.state).ok_or_else(|| unreadable("simulation.state"))?,
        processed: row.processed,
        total: row.total,
        report,
        error: row.error,
        ended_at: row.ended_at.map(Micros::instant),
        claimed_until: row.claimed_until.map(Micros::instant),
        revision: row.revision,
    })
}

/// A simulation.
pub fn one(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<SimulationRow>, QueryError> {
    let texts = (simulation::baseline_body, simulation::candidate_body, simulation::report);
    let found: Option<(Found, Texts)> = simulation::table
        .find((tenant.as_str(), id.as_str()))
        .select((Found::as_select(), texts))
        .first(conn)
        .optional()?;
    found.map(|(row, texts)| read(row, texts)).transpose()
}

/// The latest simulations, newest first, without their long texts.
pub fn latest(conn: &mut Conn, tenant: &TenantId, limit: u16) -> Result<Vec<SimulationRow>, QueryError> {
    let found: Vec<Found> = simulation::table
        .filter(simulation::tenant.eq(tenant.as_str()))
        .order((simulation::created_at.desc(), simulation::id.desc()))
        .limit(limit.into())
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(|row| read(row, Texts::default())).collect()
}

/// Takes the oldest simulation that waits, or that nobody holds any more.
pub fn claim(conn: &mut Conn, now: Instant, lease: Span) -> Result<Option<(TenantId, SimulationRow)>, QueryError> {
    let until = Micros::from(now.plus(lease.seconds()));
    let now = Micros::from(now);
    let taken: Option<Found> = dialect::write(conn, |conn| {
        let oldest: Option<(String, String)> = dialect::ready!(
            simulation::table
                // In so many words, because a plan with a parameter could not use the partial index.
                .filter(sql::<Bool>("simulation.state IN ('queued', 'running')"))
                .filter(simulation::claimed_until.is_null().or(simulation::claimed_until.lt(now)))
                .order(simulation::created_at)
                .limit(1)
                .select((simulation::tenant, simulation::id))
        )
        .first(conn)
        .optional()?;
        let Some((tenant, id)) = oldest else { return QueryResult::Ok(None) };
        let row = simulation::table.find((tenant, id));
        let held = diesel::update(row).set(simulation::claimed_until.eq(until)).returning(Found::as_returning());
        held.get_result(conn).map(Some)
    })?;
    let Some(taken) = taken else { return Ok(None) };
    let (tenant, id) = (TenantId::new(taken.tenant), read_id(taken.id)?);
    Ok(one(conn, &tenant, &id)?.map(|row| (tenant, row)))
}

/// How many messages are stored with a date in `[from, to)`, drafts included.
pub fn count_messages(conn: &mut Conn, tenant: &TenantId, from: Instant, to: Instant) -> Result<i64, QueryError> {
    Ok(resource::table
        .filter(resource::tenant.eq(tenant.as_str()))
        .filter(resource::kind.eq(ResourceType::Communication.as_str()))
        .filter(not(resource::deleted))
        .filter(resource::date_at.ge(Micros::from(from)))
        .filter(resource::date_at.lt(Micros::from(to)))
        .select(count_star())
        .first(conn)?)
}

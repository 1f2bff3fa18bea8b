//! Messages held for review.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use domain::change::Change;
use domain::hold::{Hold, HoldCause, HoldEnd, HoldState};
use domain::id::{Reference, ResourceId, TenantId};
use domain::time::Instant;
use serde_json::{from_str, to_string};

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use super::thread::read_reference;
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::held_message;
use crate::types::{Micros, Ts};

rows! {
    HoldRow, HoldRows in "held_message" on "DO NOTHING" {
        tenant: Text = &'a str,
        message: Text = &'a str,
        thread: Text = &'a str,
        sender: Text = String,
        patient: Nullable<Text> = Option<String>,
        pool: Text = &'a str,
        pool_reference: Text = String,
        cause: Text = &'static str,
        rule: Text = &'a str,
        clock: Text = &'a str,
        task: Text = &'a str,
        received_at: Ts = Micros,
        until_at: Ts = Micros,
        facts: Text = String,
        state: Text = &'static str,
    }
}

rows! {
    EndRow, EndRows {
        tenant: Text = &'a str,
        message: Text = &'a str,
        state: Text = &'static str,
        ended_at: Ts = Micros,
        reason: Text = &'a str,
        decision: Text = &'a str,
        agent: Nullable<Text> = Option<String>,
        client: Text = &'a str,
    }
}

/// Ends holds; each ends once.
struct End;
impl Sql for End {
    const BEFORE: &'static str = "UPDATE held_message SET state = given.state, ended_at = given.ended_at, \
         reason = given.reason, decision = given.decision, agent = given.agent, client = given.client FROM ";
    const AFTER: &'static str = " WHERE held_message.tenant = given.tenant AND held_message.message = given.message \
         AND held_message.state = 'held'";
}

/// Writes holds that begin or end; `false` when one has begun or ended before.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<bool, QueryError> {
    let (mut begun, mut ended) = (HoldRows::default(), EndRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for hold in &change.holds {
            match &hold.ended {
                None => begun.push(row(tenant, hold)?),
                Some(end) => ended.push(EndRow {
                    tenant,
                    message: hold.message.as_str(),
                    state: hold.state.as_str(),
                    ended_at: end.at.into(),
                    reason: &end.reason,
                    decision: end.decision.as_str(),
                    agent: end.agent.as_ref().map(ToString::to_string),
                    client: &end.client,
                }),
            }
        }
    }
    Ok(insert(conn, &begun)? == begun.count() && run::<End, _>(conn, &ended)? == ended.count())
}

fn row<'a>(tenant: &'a str, hold: &'a Hold) -> Result<HoldRow<'a>, QueryError> {
    Ok(HoldRow {
        tenant,
        message: hold.message.as_str(),
        thread: hold.thread.as_str(),
        sender: hold.sender.to_string(),
        patient: hold.patient.as_ref().map(ToString::to_string),
        pool: &hold.pool,
        pool_reference: hold.pool_reference.to_string(),
        cause: hold.cause.as_str(),
        rule: &hold.rule,
        clock: hold.clock.as_str(),
        task: hold.task.as_str(),
        received_at: hold.received_at.into(),
        until_at: hold.until.into(),
        facts: to_string(&hold.facts).map_err(|_| unreadable("a hold's facts"))?,
        state: hold.state.as_str(),
    })
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = held_message)]
struct Found {
    message: String,
    thread: String,
    sender: String,
    patient: Option<String>,
    pool: String,
    pool_reference: String,
    cause: String,
    rule: String,
    clock: String,
    task: String,
    received_at: Micros,
    until_at: Micros,
    facts: String,
    state: String,
    ended_at: Option<Micros>,
    reason: Option<String>,
    decision: Option<String>,
    agent: Option<String>,
    client: Option<String>,
}

impl TryFrom<Found> for Hold {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let ended = match (row.ended_at, row.reason, row.decision, row.client) {
            (Some(at), Some(reason), Some(decision), Some(client)) => Some(HoldEnd {
                at: at.instant(),
                reason,
                decision: read_id(decision)?,
                agent: row.agent.map(read_reference).transpose()?,
                client,
            }),
            _ => None,
        };
        Ok(Self {
            message: read_id(row.message)?,
            thread: read_id(row.thread)?,
            sender: read_reference(row.sender)?,
            patient: row.patient.map(read_reference).transpose()?,
            pool: row.pool,
            pool_reference: read_reference(row.pool_reference)?,
            cause: HoldCause::from_code(&row.cause).ok_or_else(|| unreadable("held_message.cause"))?,
            rule: row.rule,
            clock: read_id(row.clock)?,
            task: read_id(row.task)?,
            received_at: row.received_at.instant(),
            until: row.until_at.instant(),
            facts: from_str(&row.facts).map_err(|_| unreadable("held_message.facts"))?,
            state: HoldState::from_code(&row.state).ok_or_else(|| unreadable("held_message.state"))?,
            ended,
        })
    }
}

/// The hold of a message, whether it waits or has ended.
pub fn of_message(conn: &mut Conn, tenant: &TenantId, message: &ResourceId) -> Result<Option<Hold>, QueryError> {
    let found: Option<Found> = held_message::table
        .find((tenant.as_str(), message.as_str()))
        .select(Found::as_select())
        .first(conn)
        .optional()?;
    found.map(Hold::try_from).transpose()
}

/// Holds in a state, the oldest first: those of the pools named or, without any, of the tenant.
pub fn list(
    conn: &mut Conn,
    tenant: &TenantId,
    pools: Option<&[Reference]>,
    state: HoldState,
    limit: u16,
) -> Result<Vec<Hold>, QueryError> {
    let mut query = held_message::table
        .filter(held_message::tenant.eq(tenant.as_str()))
        .filter(held_message::state.eq(state.as_str()))
        .filter(held_message::received_at.is_not_null())
        .order((held_message::received_at, held_message::message))
        .limit(limit.into())
        .select(Found::as_select())
        .into_boxed();
    if let Some(pools) = pools {
        let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
        query = query.filter(held_message::pool_reference.eq_any(pools));
    }
    let found: Vec<Found> = query.load(conn)?;
    found.into_iter().map(Hold::try_from).collect()
}

/// Holds that wait no longer than until `now`, of all tenants, the oldest first.
pub fn due(conn: &mut Conn, now: Instant, limit: u16) -> Result<Vec<(TenantId, Hold)>, QueryError> {
    let found: Vec<(String, Found)> = held_message::table
        // In so many words, because a plan with a parameter could not use the partial index.
        .filter(sql::<Bool>("held_message.state = 'held'"))
        .filter(held_message::until_at.le(Micros::from(now)))
        .order((held_message::until_at, held_message::tenant, held_message::message))
        .limit(limit.into())
        .select((held_message::tenant, Found::as_select()))
        .load(conn)?;
    Ok(readable(
        found,
        |(tenant, row)| (tenant, &row.message),
        |(tenant, row)| Ok((TenantId::new(tenant), row.try_into()?)),
    ))
}

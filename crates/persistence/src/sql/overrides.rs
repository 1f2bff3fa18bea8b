//! Overrides by authorised persons.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use domain::change::Change;
use domain::id::{ResourceId, TenantId};
use domain::overrides::OverrideRow;
use domain::time::Span;

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, insert};
use super::thread::read_reference;
use crate::error::{QueryError, unreadable};
use crate::schema::obligation_override;
use crate::types::{Micros, Ts};

rows! {
    NewOverride, NewOverrides in "obligation_override" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        at: Ts = Micros,
        thread: Text = &'a str,
        task: Nullable<Text> = Option<&'a str>,
        decision: Text = &'a str,
        kind: Text = &'a str,
        reason: Text = &'a str,
        amount_seconds: Nullable<BigInt> = Option<i64>,
        due_at: Nullable<Ts> = Option<Micros>,
        until_at: Nullable<Ts> = Option<Micros>,
        note: Nullable<Text> = Option<&'a str>,
        agent: Nullable<Text> = Option<String>,
        client: Text = &'a str,
        sender: Nullable<Text> = Option<String>,
    }
}

/// Writes overrides; `false` when an id exists.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut rows = NewOverrides::default();
    for change in changes {
        rows.extend(change.overrides.iter().map(|row| NewOverride {
            tenant: change.tenant.as_str(),
            id: row.id.as_str(),
            at: row.at.into(),
            thread: row.thread.as_str(),
            task: row.task.as_ref().map(ResourceId::as_str),
            decision: row.decision.as_str(),
            kind: &row.kind,
            reason: &row.reason,
            amount_seconds: row.amount.map(Span::seconds),
            due_at: row.due.map(Micros::from),
            until_at: row.until.map(Micros::from),
            note: row.note.as_deref(),
            agent: row.agent.as_ref().map(ToString::to_string),
            client: &row.client,
            sender: row.sender.as_ref().map(ToString::to_string),
        }));
    }
    Ok(insert(conn, &rows)? == rows.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = obligation_override)]
struct Found {
    id: String,
    at: Micros,
    thread: String,
    task: Option<String>,
    decision: String,
    kind: String,
    reason: String,
    amount_seconds: Option<i64>,
    due_at: Option<Micros>,
    until_at: Option<Micros>,
    note: Option<String>,
    agent: Option<String>,
    client: String,
    sender: Option<String>,
}

impl TryFrom<Found> for OverrideRow {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let agent = row.agent.map(|agent| agent.parse().map_err(|_| unreadable("obligation_override.agent")));
        Ok(Self {
            id: read_id(row.id)?,
            at: row.at.instant(),
            thread: read_id(row.thread)?,
            task: row.task.map(read_id).transpose()?,
            decision: read_id(row.decision)?,
            kind: row.kind,
            reason: row.reason,
            amount: row.amount_seconds.map(Span::from_seconds),
            due: row.due_at.map(Micros::instant),
            until: row.until_at.map(Micros::instant),
            sender: row.sender.map(read_reference).transpose()?,
            note: row.note,
            agent: agent.transpose()?,
            client: row.client,
        })
    }
}

/// The overrides in a thread, oldest first.
pub fn of_thread(conn: &mut Conn, tenant: &TenantId, thread: &ResourceId) -> Result<Vec<OverrideRow>, QueryError> {
    let found: Vec<Found> = obligation_override::table
        .filter(obligation_override::tenant.eq(tenant.as_str()))
        .filter(obligation_override::thread.eq(thread.as_str()))
        .order((obligation_override::at, obligation_override::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(OverrideRow::try_from).collect()
}

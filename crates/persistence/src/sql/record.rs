//! Decision records.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use domain::change::{Change, DecisionRow};
use domain::decision::{Mode, Outcome};
use domain::id::{Key, ResourceId, TenantId};

use super::resource::{read_id, read_key};
use super::statement::{Rows, insert};
use super::{Conn, Db};
use crate::error::{QueryError, unreadable};
use crate::schema::decision;
use crate::types::{Micros, Ts};

rows! {
    NewDecision, NewDecisions in "decision" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        at: Ts = Micros,
        focus_kind: Text = &'static str,
        focus_id: Text = &'a str,
        thread: Nullable<Text> = Option<&'a str>,
        outcome: Text = &'a str,
        mode: Text = &'static str,
        bundle: Text = &'a str,
        body: Text = &'a str,
    }
}

/// Writes decision records; `false` when an id exists.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut decisions = NewDecisions::default();
    for change in changes {
        let tenant = change.tenant.as_str();
        decisions.extend(change.decisions.iter().chain(&change.shadows).map(|decision| NewDecision {
            tenant,
            id: decision.id.as_str(),
            at: decision.at.into(),
            focus_kind: decision.focus.kind.as_str(),
            focus_id: decision.focus.id.as_str(),
            thread: decision.thread.as_ref().map(ResourceId::as_str),
            outcome: &decision.outcome,
            mode: decision.mode.as_str(),
            bundle: &decision.bundle,
            body: &decision.body,
        }));
    }
    Ok(insert(conn, &decisions)? == decisions.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = decision)]
struct Found {
    id: String,
    at: Micros,
    focus_kind: String,
    focus_id: String,
    thread: Option<String>,
    outcome: String,
    mode: String,
    bundle: String,
    body: String,
}

impl TryFrom<Found> for DecisionRow {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        Ok(Self {
            id: read_id(row.id)?,
            at: row.at.instant(),
            focus: read_key(&row.focus_kind, row.focus_id)?,
            thread: row.thread.map(read_id).transpose()?,
            outcome: row.outcome,
            mode: Mode::from_code(&row.mode).ok_or_else(|| unreadable("decision.mode"))?,
            bundle: row.bundle,
            body: row.body,
        })
    }
}

/// A decision record.
pub fn decision(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<DecisionRow>, QueryError> {
    let found: Option<Found> =
        decision::table.find((tenant.as_str(), id.as_str())).select(Found::as_select()).first(conn).optional()?;
    found.map(DecisionRow::try_from).transpose()
}

/// The latest decision records about a resource or of the tenant, of one mode or of all, newest first.
pub fn decisions(
    conn: &mut Conn,
    tenant: &TenantId,
    focus: Option<&Key>,
    (mode, outcome): (Option<Mode>, Option<Outcome>),
    limit: u16,
) -> Result<Vec<DecisionRow>, QueryError> {
    let mut query = decision::table
        .filter(decision::tenant.eq(tenant.as_str()))
        .order((decision::at.desc(), decision::id.desc()))
        .limit(limit.into())
        .select(Found::as_select())
        .into_boxed::<Db>();
    if let Some(focus) = focus {
        query =
            query.filter(decision::focus_kind.eq(focus.kind.as_str())).filter(decision::focus_id.eq(focus.id.as_str()));
    }
    query = match mode {
        // In so many words, because a plan with a parameter could not use the partial index.
        Some(Mode::Shadow) => query.filter(sql::<Bool>("decision.mode = 'shadow'")),
        Some(mode) => query.filter(decision::mode.eq(mode.as_str())),
        None => query,
    };
    if let Some(outcome) = outcome {
        query = query.filter(decision::outcome.eq(outcome.as_str()));
    }
    query.load(conn)?.into_iter().map(DecisionRow::try_from).collect()
}

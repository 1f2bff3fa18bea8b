//! The audit trail and its chain.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text};
use domain::audit::{Sealed, TrailQuery};
use domain::change::{AuditAction, AuditOutcome, AuditRow, Change};
use domain::id::{Reference, TenantId, Version};

use super::Conn;
use super::resource::{read_id, read_key};
use super::statement::{Rows, Sql, insert, run};
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::{audit, audit_about};
use crate::types::{Micros, Ts};

rows! {
    NewAudit, NewAudits in "audit" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        at: Ts = Micros,
        client: Text = &'a str,
        subject: Nullable<Text> = Option<&'a str>,
        issuer: Nullable<Text> = Option<&'a str>,
        agent: Nullable<Text> = Option<String>,
        action: Text = &'static str,
        interaction: Text = &'a str,
        focus_kind: Nullable<Text> = Option<&'static str>,
        focus_id: Nullable<Text> = Option<&'a str>,
        version: Nullable<Integer> = Option<i32>,
        patient: Nullable<Text> = Option<String>,
        about: Nullable<Text> = Option<String>,
        query: Nullable<Text> = Option<&'a str>,
        given: Integer = i32,
        request: Text = &'a str,
        outcome: Text = &'static str,
        source: Nullable<Text> = Option<&'a str>,
        purpose: Nullable<Text> = Option<&'a str>,
    }
}

rows! {
    NewAbout, NewAbouts in "audit_about" on "DO NOTHING" {
        tenant: Text = &'a str,
        reference: Text = String,
        audit: Text = &'a str,
    }
}

rows! {
    SealRow, SealRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
        sequence: BigInt = i64,
        seal: Text = &'a str,
    }
}

/// A row that has a seal keeps it.
struct SetSeal;
impl Sql for SetSeal {
    const BEFORE: &'static str = "UPDATE audit SET sequence = given.sequence, seal = given.seal FROM ";
    const AFTER: &'static str = " WHERE audit.tenant = given.tenant AND audit.id = given.id \
         AND CASE WHEN audit.sequence IS NULL THEN true ELSE false END";
}

/// Writes audit rows and seals; `false` when an id exists or a row is sealed already.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let (mut rows, mut about, mut seals) = (NewAudits::default(), NewAbouts::default(), SealRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        rows.extend(change.audit.iter().map(|audit| NewAudit {
            tenant,
            id: audit.id.as_str(),
            at: audit.at.into(),
            client: &audit.client,
            subject: audit.subject.as_deref(),
            issuer: audit.issuer.as_deref(),
            agent: audit.agent.as_ref().map(ToString::to_string),
            action: audit.action.as_str(),
            interaction: &audit.interaction,
            focus_kind: audit.focus.as_ref().map(|focus| focus.kind.as_str()),
            focus_id: audit.focus.as_ref().map(|focus| focus.id.as_str()),
            version: audit.version.map(|version| version.0),
            patient: audit.patient.as_ref().map(ToString::to_string),
            about: written(&audit.about),
            query: audit.query.as_deref(),
            given: audit.count,
            request: &audit.request,
            outcome: audit.outcome.as_str(),
            source: audit.source.as_deref(),
            purpose: audit.purpose.as_deref(),
        }));
        about.extend(change.audit.iter().flat_map(|audit| {
            audit.found_by().into_iter().map(|reference| NewAbout { tenant, reference, audit: audit.id.as_str() })
        }));
        seals.extend(change.seals.iter().map(|seal| SealRow {
            tenant,
            id: seal.row.as_str(),
            sequence: seal.sequence,
            seal: &seal.seal,
        }));
    }
    insert(conn, &about)?;
    Ok(insert(conn, &rows)? == rows.count() && run::<SetSeal, _>(conn, &seals)? == seals.count())
}

/// References in one column; none of them holds a space.
fn written(about: &[Reference]) -> Option<String> {
    let all: Vec<String> = about.iter().map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit)]
struct Found {
    tenant: String,
    id: String,
    at: Micros,
    client: String,
    subject: Option<String>,
    issuer: Option<String>,
    agent: Option<String>,
    action: String,
    interaction: String,
    focus_kind: Option<String>,
    focus_id: Option<String>,
    version: Option<i32>,
    patient: Option<String>,
    about: Option<String>,
    query: Option<String>,
    given: i32,
    request: String,
    outcome: String,
    source: Option<String>,
    purpose: Option<String>,
    sequence: Option<i64>,
    seal: Option<String>,
}

impl TryFrom<Found> for AuditRow {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let reference = |text: Option<String>, column: &'static str| {
            text.map(|text| text.parse().map_err(|_| unreadable(column))).transpose()
        };
        let action = AuditAction::ALL.into_iter().find(|action| action.as_str() == row.action);
        let outcome = AuditOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == row.outcome);
        Ok(Self {
            id: read_id(row.id)?,
            at: row.at.timestamp(),
            client: row.client,
            subject: row.subject,
            issuer: row.issuer,
            agent: reference(row.agent, "audit.agent")?,
            action: action.ok_or_else(|| unreadable("audit.action"))?,
            interaction: row.interaction.into(),
            focus: match (row.focus_kind, row.focus_id) {
                (Some(kind), Some(id)) => Some(read_key(&kind, id)?),
                _ => None,
            },
            version: row.version.map(Version),
            patient: reference(row.patient, "audit.patient")?,
            about: match row.about {
                Some(all) => all.split(' ').map(|one| one.parse().map_err(|_| unreadable("audit.about"))).collect(),
                None => Ok(vec![]),
            }?,
            query: row.query,
            count: row.given,
            request: row.request,
            outcome: outcome.ok_or_else(|| unreadable("audit.outcome"))?,
            source: row.source,
            purpose: row.purpose,
        })
    }
}

/// Rows of a chain with what they are found by.
fn of_chain(conn: &mut Conn, tenant: &TenantId, rows: Vec<Found>) -> Result<Vec<Sealed>, QueryError> {
    let kept: Vec<(String, String)> = audit_about::table
        .filter(audit_about::tenant.eq(tenant.as_str()))
        .filter(audit_about::audit.eq_any(rows.iter().map(|row| row.id.as_str())))
        .select((audit_about::audit, audit_about::reference))
        .load(conn)?;
    let mut found_by: HashMap<String, BTreeSet<String>> = HashMap::new();
    for (audit, reference) in kept {
        found_by.entry(audit).or_default().insert(reference);
    }
    let sealed = |mut row: Found| {
        let (sequence, seal) = (row.sequence.take(), row.seal.take());
        Ok(Sealed {
            found_by: found_by.remove(&row.id).unwrap_or_default(),
            row: row.try_into()?,
            sequence: sequence.ok_or_else(|| unreadable("audit.sequence"))?,
            seal: seal.ok_or_else(|| unreadable("audit.seal"))?,
        })
    };
    rows.into_iter().map(sealed).collect()
}

/// Rows that have no seal yet, of all tenants, the earliest of each tenant first and at most so many of each: what one
/// cannot have sealed keeps no other back.
pub fn unsealed(conn: &mut Conn, limit: u16) -> Result<Vec<(TenantId, AuditRow)>, QueryError> {
    let mut all: Vec<Found> = vec![];
    loop {
        let behind = all.last().map(|row| row.tenant.clone()).unwrap_or_default();
        let waiting = audit::table.filter(audit::sequence.is_null());
        let next = waiting.filter(audit::tenant.gt(behind)).order(audit::tenant).select(audit::tenant);
        let Some(tenant): Option<String> = next.first(conn).optional()? else { break };
        let theirs = waiting
            .filter(audit::tenant.eq(tenant))
            .order((audit::at, audit::id))
            .limit(limit.into())
            .select(Found::as_select());
        all.extend(theirs.load(conn)?);
    }
    Ok(readable(all, |row| (&row.tenant, &row.id), |row| Ok((TenantId::new(row.tenant.clone()), row.try_into()?))))
}

/// Rows of a tenant's trail, the latest first.
pub fn trail(conn: &mut Conn, asked: &TrailQuery) -> Result<Vec<AuditRow>, QueryError> {
    let mut query = audit::table
        .filter(audit::tenant.eq(asked.tenant.as_str()))
        .order((audit::at.desc(), audit::id.desc()))
        .limit(asked.count.into())
        .select(Found::as_select())
        .into_boxed();
    if let Some(id) = &asked.id {
        query = query.filter(audit::id.eq(id.as_str()));
    }
    if let Some(agent) = &asked.agent {
        query = query.filter(audit::agent.eq(agent.to_string()));
    }
    if let Some(patient) = &asked.patient {
        query = query.filter(audit::id.eq_any(about(asked, patient.to_string())));
    }
    if let Some(entity) = &asked.entity {
        query = query.filter(audit::id.eq_any(about(asked, entity.to_string())));
    }
    if let Some(action) = asked.action {
        query = query.filter(audit::action.eq(action.as_str()));
    }
    if let Some(outcome) = asked.outcome {
        query = query.filter(audit::outcome.eq(outcome.as_str()));
    }
    if let Some(from) = asked.from {
        query = query.filter(audit::at.ge(Micros::from(from)));
    }
    if let Some(until) = asked.until {
        query = query.filter(audit::at.lt(Micros::from(until)));
    }
    if let Some((at, id)) = &asked.after {
        let at = Micros::from(*at);
        query = query.filter(audit::at.lt(at).or(audit::at.eq(at).and(audit::id.lt(id.as_str()))));
    }
    let found: Vec<Found> = query.load(conn)?;
    found.into_iter().map(TryInto::try_into).collect()
}

/// The rows that are about something: in which it is the patient, the focus, or among what was given out.
#[diesel::dsl::auto_type(no_type_alias)]
fn about<'a>(asked: &'a TrailQuery, reference: String) -> _ {
    let tenant: &'a str = asked.tenant.as_str();
    audit_about::table
        .filter(audit_about::tenant.eq(tenant))
        .filter(audit_about::reference.eq(reference))
        .select(audit_about::audit)
}

/// The tenants that have an audit trail.
pub fn tenants(conn: &mut Conn) -> Result<Vec<TenantId>, QueryError> {
    let found: Vec<String> = audit::table.select(audit::tenant).distinct().order(audit::tenant).load(conn)?;
    Ok(found.into_iter().map(TenantId::new).collect())
}

/// Rows of the chain behind a place, in their order.
pub fn sealed(conn: &mut Conn, tenant: &TenantId, after: i64, limit: u16) -> Result<Vec<Sealed>, QueryError> {
    let found: Vec<Found> = audit::table
        .filter(audit::tenant.eq(tenant.as_str()))
        .filter(audit::sequence.gt(after))
        .order(audit::sequence)
        .limit(limit.into())
        .select(Found::as_select())
        .load(conn)?;
    of_chain(conn, tenant, found)
}

/// The last rows of the chain, in their order.
pub fn last_sealed(conn: &mut Conn, tenant: &TenantId, limit: u16) -> Result<Vec<Sealed>, QueryError> {
    let mut found: Vec<Found> = audit::table
        .filter(audit::tenant.eq(tenant.as_str()))
        .filter(audit::sequence.is_not_null())
        .order(audit::sequence.desc())
        .limit(limit.into())
        .select(Found::as_select())
        .load(conn)?;
    found.reverse();
    of_chain(conn, tenant, found)
}

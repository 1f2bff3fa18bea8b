//! Absences.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use domain::absence::{Absence, AbsenceChange, AbsenceReason, AbsenceSource};
use domain::change::Change;
use domain::id::{ResourceId, TenantId};
use domain::time::Instant;

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use crate::error::{QueryError, unreadable};
use crate::schema::absence;
use crate::types::{Micros, Ts};

rows! {
    NewAbsence, NewAbsences in "absence" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        person: Text = String,
        from_at: Ts = Micros,
        until_at: Ts = Micros,
        cover: Nullable<Text> = Option<String>,
        reason: Text = &'static str,
        source: Text = &'static str,
        role: Nullable<Text> = Option<&'a str>,
    }
}

rows! {
    Named, NamedRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
    }
}

struct Withdraw;
impl Sql for Withdraw {
    const BEFORE: &'static str = "DELETE FROM absence WHERE (tenant, id) IN (SELECT given.tenant, given.id FROM ";
    const AFTER: &'static str = ")";
}

/// Takes away all that roles said.
struct Clear;
impl Sql for Clear {
    const BEFORE: &'static str = "DELETE FROM absence WHERE (tenant, role) IN (SELECT given.tenant, given.id FROM ";
    const AFTER: &'static str = ")";
}

/// Writes what changes; `false` when one that is taken away is not there, or the id of a new one is taken.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let (mut new, mut gone, mut cleared) = (NewAbsences::default(), NamedRows::default(), NamedRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for absence in &change.absences {
            match absence {
                AbsenceChange::Declared(absence) => new.push(row(tenant, absence)),
                AbsenceChange::Withdrawn(id) => gone.push(Named { tenant, id: id.as_str() }),
                AbsenceChange::Projected(role, absences) => {
                    cleared.push(Named { tenant, id: role.as_str() });
                    new.extend(absences.iter().map(|absence| row(tenant, absence)));
                }
            }
        }
    }
    run::<Clear, _>(conn, &cleared)?;
    Ok(run::<Withdraw, _>(conn, &gone)? == gone.count() && insert(conn, &new)? == new.count())
}

fn row<'a>(tenant: &'a str, absence: &'a Absence) -> NewAbsence<'a> {
    NewAbsence {
        tenant,
        id: absence.id.as_str(),
        person: absence.person.to_string(),
        from_at: absence.from.into(),
        until_at: absence.until.into(),
        cover: absence.cover.as_ref().map(ToString::to_string),
        reason: absence.reason.as_str(),
        source: absence.source.as_str(),
        role: match &absence.source {
            AbsenceSource::Api => None,
            AbsenceSource::Resource(role) => Some(role.as_str()),
        },
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = absence)]
struct Found {
    id: String,
    person: String,
    from_at: Micros,
    until_at: Micros,
    cover: Option<String>,
    reason: String,
    source: String,
    role: Option<String>,
}

impl TryFrom<Found> for Absence {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let cover = row.cover.map(|cover| cover.parse().map_err(|_| unreadable("absence.cover")));
        let source = match (row.source.as_str(), row.role) {
            ("api", None) => AbsenceSource::Api,
            ("resource", Some(role)) => AbsenceSource::Resource(read_id(role)?),
            _ => return Err(unreadable("absence.source").into()),
        };
        Ok(Self {
            id: read_id(row.id)?,
            person: row.person.parse().map_err(|_| unreadable("absence.person"))?,
            from: row.from_at.instant(),
            until: row.until_at.instant(),
            cover: cover.transpose()?,
            reason: AbsenceReason::from_code(&row.reason).ok_or_else(|| unreadable("absence.reason"))?,
            source,
        })
    }
}

/// The absences that end after `since`, by person and time.
pub fn not_ended(conn: &mut Conn, tenant: &TenantId, since: Instant) -> Result<Vec<Absence>, QueryError> {
    let found: Vec<Found> = absence::table
        .filter(absence::tenant.eq(tenant.as_str()))
        .filter(absence::until_at.gt(Micros::from(since)))
        .order((absence::person, absence::from_at, absence::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(Absence::try_from).collect()
}

/// An absence by its id, whether it has ended or not.
pub fn read(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<Absence>, QueryError> {
    let found: Option<Found> =
        absence::table.find((tenant.as_str(), id.as_str())).select(Found::as_select()).first(conn).optional()?;
    found.map(Absence::try_from).transpose()
}

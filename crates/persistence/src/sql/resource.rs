//! Resources: their versions, the values they are found by, and the keys they own.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use domain::access::Visibility;
use domain::change::{Audience, Change, ResourceWrite, Stored};
use domain::id::{Key, Reference, ResourceId, ResourceType, TenantId, Version};
use domain::search::{Indexed, Read};

use super::statement::{Rows, Sql, insert, run};
use super::visibility::{kept, seen};
use super::{Conn, Db};
use crate::error::{QueryError, unreadable};
use crate::schema::{resource, resource_history, unique_key};
use crate::types::{Column, Micros, Ts, identifiers, indexed, texts};

rows! {
    ResourceRow, ResourceRows in "resource" on "DO NOTHING" {
        tenant: Text = &'a str,
        kind: Text = &'static str,
        id: Text = &'a str,
        version: Integer = i32,
        last_updated_at: Ts = Micros,
        date_at: Ts = Micros,
        deleted: Bool = bool,
        thread: Nullable<Text> = Option<&'a str>,
        patient: Nullable<Text> = Option<String>,
        author: Nullable<Text> = Option<String>,
        audience: Text = &'static str,
        body: Text = &'a str,
        status: Nullable<Text> = Option<&'a str>,
        priority: Nullable<Text> = Option<&'a str>,
        made_by_update: Bool = bool,
    }
}

rows! {
    VersionRow, VersionRows {
        tenant: Text = &'a str,
        kind: Text = &'static str,
        id: Text = &'a str,
        version: Integer = i32,
    }
}

rows! {
    ValueRow, ValueRows in "search_value" on "DO NOTHING" {
        tenant: Text = &'a str,
        kind: Text = &'static str,
        id: Text = &'a str,
        number: Integer = i32,
        param: Text = Cow<'a, str>,
        system: Nullable<Text> = Option<&'a str>,
        value: Nullable<Text> = Option<Cow<'a, str>>,
        low_at: Nullable<Ts> = Option<Micros>,
        high_at: Nullable<Ts> = Option<Micros>,
    }
}

rows! {
    ParticipantRow, ParticipantRows in "thread_participant" on "DO NOTHING" {
        tenant: Text = &'a str,
        participant: Text = &'a str,
        thread: Text = &'a str,
    }
}

rows! {
    UniqueRow, UniqueRows in "unique_key" on "DO NOTHING" {
        tenant: Text = &'a str,
        namespace: Text = &'static str,
        key: Text = &'a str,
        owner_kind: Text = &'static str,
        owner_id: Text = &'a str,
    }
}

/// Copies the versions about to be superseded.
struct Supersede;
impl Sql for Supersede {
    const BEFORE: &'static str = "INSERT INTO resource_history (tenant, kind, id, version, last_updated_at, date_at, \
         deleted, thread, patient, author, audience, body, made_by_update) \
         SELECT old.tenant, old.kind, old.id, old.version, old.last_updated_at, old.date_at, \
         old.deleted, old.thread, old.patient, old.author, old.audience, old.body, \
         old.made_by_update FROM ";
    const AFTER: &'static str = " JOIN resource AS old ON old.tenant = given.tenant AND old.kind = given.kind \
         AND old.id = given.id AND old.version = given.version - 1 WHERE true ON CONFLICT DO NOTHING";
}

/// Writes the next versions over the ones before.
struct Update;
impl Sql for Update {
    const BEFORE: &'static str = "UPDATE resource SET version = given.version, \
         last_updated_at = given.last_updated_at, date_at = given.date_at, deleted = given.deleted, \
         thread = given.thread, patient = given.patient, author = given.author, audience = given.audience, \
         body = given.body, status = given.status, priority = given.priority, \
         made_by_update = given.made_by_update FROM ";
    const AFTER: &'static str = " WHERE resource.tenant = given.tenant AND resource.kind = given.kind \
         AND resource.id = given.id AND resource.version = given.version - 1";
}

/// Removes what the versions before were found by.
struct Forget;
impl Sql for Forget {
    const BEFORE: &'static str =
        "DELETE FROM search_value WHERE (tenant, kind, id) IN (SELECT given.tenant, given.kind, given.id FROM ";
    const AFTER: &'static str = ")";
}

/// Gives back the keys of resources that are deleted: what they were made under finds none any more, so the next may be
/// made.
struct GiveBack;
impl Sql for GiveBack {
    const BEFORE: &'static str = "DELETE FROM unique_key WHERE (tenant, owner_kind, owner_id) IN \
         (SELECT given.tenant, given.kind, given.id FROM ";
    const AFTER: &'static str = ")";
}

/// Claims unique keys; `false` when one is taken.
pub fn claim_keys(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut rows = UniqueRows::default();
    for change in changes {
        rows.extend(change.unique.iter().map(|unique| UniqueRow {
            tenant: change.tenant.as_str(),
            namespace: unique.namespace,
            key: &unique.key,
            owner_kind: unique.owner.kind.as_str(),
            owner_id: unique.owner.id.as_str(),
        }));
    }
    Ok(insert(conn, &rows)? == rows.count())
}

/// Writes the new versions of resources; `false` when one before it is not the current one.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut writes: Vec<(&str, &ResourceWrite)> = vec![];
    for change in changes {
        writes.extend(change.resources.iter().map(|write| (change.tenant.as_str(), write)));
    }
    // Two writers that lock the same rows lock them in the same order.
    writes.sort_unstable_by(|(a, one), (b, two)| (a, &one.key).cmp(&(b, &two.key)));

    let (mut new, mut next, mut old) = (ResourceRows::default(), ResourceRows::default(), VersionRows::default());
    let mut gone = VersionRows::default();
    let (mut values, mut participants) = (ValueRows::default(), ParticipantRows::default());
    for (tenant, write) in writes {
        if write.version == Version::FIRST {
            new.push(row(tenant, write));
        } else {
            next.push(row(tenant, write));
            let (kind, id) = (write.key.kind.as_str(), write.key.id.as_str());
            old.push(VersionRow { tenant, kind, id, version: write.version.0 });
            if write.deleted {
                gone.push(VersionRow { tenant, kind, id, version: write.version.0 });
            }
        }
        if !write.deleted {
            values.extend(found_by(tenant, write));
            participants.extend(taking_part(tenant, write));
        }
    }
    let done = insert(conn, &new)? == new.count()
        && run::<Supersede, _>(conn, &old)? == old.count()
        && run::<Update, _>(conn, &next)? == next.count();
    if !done {
        return Ok(false);
    }
    run::<Forget, _>(conn, &old)?;
    run::<GiveBack, _>(conn, &gone)?;
    insert(conn, &values)?;
    insert(conn, &participants)?;
    Ok(true)
}

fn row<'a>(tenant: &'a str, write: &'a ResourceWrite) -> ResourceRow<'a> {
    ResourceRow {
        tenant,
        kind: write.key.kind.as_str(),
        id: write.key.id.as_str(),
        version: write.version.0,
        last_updated_at: write.last_updated.into(),
        date_at: write.date.into(),
        deleted: write.deleted,
        thread: write.thread.as_ref().map(ResourceId::as_str),
        patient: write.patient.as_ref().map(ToString::to_string),
        author: write.author.as_ref().map(ToString::to_string),
        audience: write.audience.as_str(),
        body: &write.body,
        status: code(write, Column::Status),
        priority: code(write, Column::Priority),
        made_by_update: write.made_by_update,
    }
}

/// The code that a column keeps.
fn code(write: &ResourceWrite, column: Column) -> Option<&str> {
    write.values.iter().find_map(|value| match &value.value {
        Indexed::Token { system: None, code } if Column::of(value.param) == Some(column) => Some(code.as_str()),
        _ => None,
    })
}

fn found_by<'a>(tenant: &'a str, write: &'a ResourceWrite) -> impl Iterator<Item = ValueRow<'a>> {
    (0..).zip(write.values.iter().filter(|value| Column::of(value.param).is_none())).map(move |(number, value)| {
        let plain = Cow::Borrowed(value.param);
        let (param, system, text, dates) = match &value.value {
            Indexed::Token { system, code } => (plain, system.as_deref(), Some(code), None),
            Indexed::Reference(reference) => (plain, None, Some(reference), None),
            Indexed::Text(text) => (Cow::Owned(texts(value.param)), None, Some(text), None),
            Indexed::Identifier { system, value: identifier } => {
                (Cow::Owned(identifiers(value.param)), system.as_deref(), Some(identifier), None)
            }
            Indexed::Date { low, high } => (plain, None, None, Some((Micros::from(*low), Micros::from(*high)))),
        };
        ValueRow {
            tenant,
            kind: write.key.kind.as_str(),
            id: write.key.id.as_str(),
            number,
            param,
            system,
            value: text.map(|text| indexed(text)),
            low_at: dates.map(|(low, _)| low),
            high_at: dates.map(|(_, high)| high),
        }
    })
}

/// Who takes part in the thread by this message: its sender and whom it is for, of the team and of those who act for the
/// patient, another patient too. Nobody takes part by being named in a draft.
fn taking_part<'a>(tenant: &'a str, write: &'a ResourceWrite) -> impl Iterator<Item = ParticipantRow<'a>> {
    let thread = write.thread.as_ref().filter(|_| write.audience != Audience::Author);
    let patient = write.patient.as_ref().map(ToString::to_string);
    let takes_part = move |who: &str| match who.split_once('/') {
        Some(("Practitioner" | "PractitionerRole" | "RelatedPerson", _)) => true,
        Some(("Patient", _)) => patient.as_deref() != Some(who),
        _ => false,
    };
    let named = write.values.iter().filter(|value| matches!(value.param, "sender" | "recipient"));
    named.filter_map(move |value| match (thread, &value.value) {
        (Some(thread), Indexed::Reference(who)) if takes_part(who) => {
            Some(ParticipantRow { tenant, participant: who, thread: thread.as_str() })
        }
        _ => None,
    })
}

/// The resource of a change whose version before is not the current one.
pub fn overtaken(conn: &mut Conn, change: &Change) -> QueryResult<Option<Key>> {
    for write in &change.resources {
        let current: Option<i32> = resource::table
            .find((change.tenant.as_str(), write.key.kind.as_str(), write.key.id.as_str()))
            .select(resource::version)
            .first(conn)
            .optional()?;
        if current.unwrap_or(0) != write.version.0 - 1 {
            return Ok(Some(write.key.clone()));
        }
    }
    Ok(None)
}

/// The owner of a change's first unique key that is taken.
pub fn taken(conn: &mut Conn, change: &Change) -> Result<Option<Key>, QueryError> {
    for unique in &change.unique {
        let owner = owner_of(conn, &change.tenant, unique.namespace, &unique.key)?;
        if owner.is_some() {
            return Ok(owner);
        }
    }
    Ok(None)
}

/// The resource that owns a unique key.
pub fn owner_of(conn: &mut Conn, tenant: &TenantId, namespace: &str, key: &str) -> Result<Option<Key>, QueryError> {
    let owner: Option<(String, String)> = unique_key::table
        .find((tenant.as_str(), namespace, key))
        .select((unique_key::owner_kind, unique_key::owner_id))
        .first(conn)
        .optional()?;
    owner.map(|(kind, id)| read_key(&kind, id)).transpose()
}

/// A key from its columns.
pub fn read_key(kind: &str, id: String) -> Result<Key, QueryError> {
    let kind = kind.parse().map_err(|_| unreadable("a resource's kind"))?;
    Ok(Key::new(kind, read_id(id)?))
}

/// An id from its column.
pub fn read_id(id: String) -> Result<ResourceId, QueryError> {
    Ok(id.try_into().map_err(|_| unreadable("an id"))?)
}

/// The columns of a version, of either of the two tables.
macro_rules! version_columns {
    ($table:ident) => {
        (
            $table::id,
            $table::version,
            $table::last_updated_at,
            $table::date_at,
            $table::deleted,
            $table::made_by_update,
            $table::thread,
            $table::patient,
            $table::body,
        )
    };
}
pub(super) use version_columns;

/// Their types.
pub type VersionColumns = (String, i32, Micros, Micros, bool, bool, Option<String>, Option<String>, String);

/// A stored version from its columns.
pub fn stored(kind: ResourceType, row: VersionColumns) -> Result<Stored, QueryError> {
    let (id, version, last_updated, date, deleted, made_by_update, thread, patient, body) = row;
    Ok(Stored {
        key: Key::new(kind, read_id(id)?),
        version: Version(version),
        last_updated: last_updated.timestamp(),
        date: date.timestamp(),
        deleted,
        made_by_update,
        thread: thread.map(read_id).transpose()?,
        patient: patient.map(|text| text.parse().map_err(|_| unreadable("resource.patient"))).transpose()?,
        body,
    })
}

/// Reads one version from one of the two tables.
macro_rules! version_of {
    ($table:ident, $conn:expr, $read:expr, $version:expr) => {{
        let read: &Read = $read;
        let mut query = $table::table
            .filter($table::tenant.eq(read.tenant.as_str()))
            .filter($table::kind.eq(read.key.kind.as_str()))
            .filter($table::id.eq(read.key.id.as_str()))
            .select(version_columns!($table))
            .into_boxed();
        if let Some(version) = $version {
            query = query.filter($table::version.eq(version));
        }
        if let Some(seen) = seen!($table, &read.visibility) {
            query = query.filter(seen);
        }
        if let Some(kept) = kept!($table, &read.visibility) {
            query = query.filter(kept);
        }
        query.first::<VersionColumns>($conn).optional()?
    }};
}

/// A version of a resource, if the caller may see it.
pub fn read(conn: &mut Conn, read: &Read) -> Result<Option<Stored>, QueryError> {
    let version = read.version.map(|version| version.0);
    let row = match version_of!(resource, conn, read, version) {
        None if version.is_some() => version_of!(resource_history, conn, read, version),
        row => row,
    };
    row.map(|row| stored(read.key.kind, row)).transpose()
}

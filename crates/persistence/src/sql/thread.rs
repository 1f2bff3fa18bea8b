//! Threads: where conversations stand.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer, Nullable, Text};
use domain::access::Visibility;
use domain::change::Change;
use domain::clock::ClockName;
use domain::id::{Key, Reference, ResourceId, ResourceType, TenantId};
use domain::search::Read;
use domain::store::ThreadView;
use domain::thread::{Thread, ThreadState};

use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use super::{Conn, clock};
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::{resource, thread};
use crate::types::{Micros, Ts};

rows! {
    ThreadRow, ThreadRows in "thread" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        patient: Nullable<Text> = Option<String>,
        pool: Nullable<Text> = Option<&'a str>,
        pool_reference: Nullable<Text> = Option<String>,
        owner: Nullable<Text> = Option<String>,
        category: Nullable<Text> = Option<&'a str>,
        priority: Text = &'static str,
        state: Text = &'static str,
        opened_at: Ts = Micros,
        last_activity_at: Ts = Micros,
        last_staff_at: Nullable<Ts> = Option<Micros>,
        patient_messages: Integer = i32,
        cycle: Integer = i32,
        task: Nullable<Text> = Option<&'a str>,
        replied_cycle: Integer = i32,
        handed_cycle: Integer = i32,
        needs_review: Bool = bool,
        merged_into: Nullable<Text> = Option<&'a str>,
        limits_lifted_until: Nullable<Ts> = Option<Micros>,
        quiet_lifted_until: Nullable<Ts> = Option<Micros>,
        zone: Nullable<Text> = Option<&'a str>,
        revision: Integer = i32,
        assigned: Nullable<Text> = Option<String>,
        tags: Text = String,
    }
}

struct Update;
impl Sql for Update {
    const BEFORE: &'static str = "UPDATE thread SET patient = given.patient, pool = given.pool, \
         pool_reference = given.pool_reference, owner = given.owner, category = given.category, \
         priority = given.priority, state = given.state, opened_at = given.opened_at, \
         last_activity_at = given.last_activity_at, last_staff_at = given.last_staff_at, \
         patient_messages = given.patient_messages, cycle = given.cycle, task = given.task, \
         replied_cycle = given.replied_cycle, handed_cycle = given.handed_cycle, needs_review = given.needs_review, merged_into = given.merged_into, \
         limits_lifted_until = given.limits_lifted_until, quiet_lifted_until = given.quiet_lifted_until, \
         zone = given.zone, assigned = given.assigned, tags = given.tags, revision = given.revision FROM ";
    const AFTER: &'static str = " WHERE thread.tenant = given.tenant AND thread.id = given.id \
         AND thread.revision = given.revision - 1";
}

/// Writes the new states of threads; `false` when one before it is not the current one.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut threads: Vec<(&str, &Thread)> = vec![];
    for change in changes {
        threads.extend(change.threads.iter().map(|thread| (change.tenant.as_str(), thread)));
    }
    threads.sort_unstable_by(|(a, one), (b, two)| (a, &one.id).cmp(&(b, &two.id)));
    let (mut new, mut next) = (ThreadRows::default(), ThreadRows::default());
    for (tenant, thread) in threads {
        if thread.revision == 1 { &mut new } else { &mut next }.push(row(tenant, thread));
    }
    Ok(insert(conn, &new)? == new.count() && run::<Update, _>(conn, &next)? == next.count())
}

fn row<'a>(tenant: &'a str, thread: &'a Thread) -> ThreadRow<'a> {
    ThreadRow {
        tenant,
        id: thread.id.as_str(),
        patient: thread.patient.as_ref().map(ToString::to_string),
        pool: thread.pool.as_deref(),
        pool_reference: thread.pool_reference.as_ref().map(ToString::to_string),
        owner: thread.owner.as_ref().map(ToString::to_string),
        category: thread.category.as_deref(),
        priority: thread.priority.as_str(),
        state: thread.state.as_str(),
        opened_at: thread.opened_at.into(),
        last_activity_at: thread.last_activity_at.into(),
        last_staff_at: thread.last_staff_at.map(Micros::from),
        patient_messages: thread.patient_messages,
        cycle: thread.cycle,
        task: thread.task.as_ref().map(ResourceId::as_str),
        replied_cycle: thread.replied_cycle,
        handed_cycle: thread.handed_cycle,
        needs_review: thread.needs_review,
        merged_into: thread.merged_into.as_ref().map(ResourceId::as_str),
        limits_lifted_until: thread.limits_lifted_until.map(Micros::from),
        quiet_lifted_until: thread.quiet_lifted_until.map(Micros::from),
        zone: thread.zone.as_deref(),
        revision: thread.revision,
        assigned: thread.assigned.as_ref().map(ToString::to_string),
        tags: serde_json::to_string(&thread.tags).expect("tags are strings"),
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = thread)]
struct Found {
    id: String,
    patient: Option<String>,
    pool: Option<String>,
    pool_reference: Option<String>,
    owner: Option<String>,
    category: Option<String>,
    priority: String,
    state: String,
    opened_at: Micros,
    last_activity_at: Micros,
    last_staff_at: Option<Micros>,
    patient_messages: i32,
    cycle: i32,
    task: Option<String>,
    replied_cycle: i32,
    handed_cycle: i32,
    needs_review: bool,
    merged_into: Option<String>,
    limits_lifted_until: Option<Micros>,
    quiet_lifted_until: Option<Micros>,
    zone: Option<String>,
    revision: i32,
    assigned: Option<String>,
    tags: String,
}

impl TryFrom<Found> for Thread {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        Ok(Self {
            id: read_id(row.id)?,
            patient: row.patient.map(read_reference).transpose()?,
            pool: row.pool,
            pool_reference: row.pool_reference.map(read_reference).transpose()?,
            owner: row.owner.map(read_reference).transpose()?,
            category: row.category,
            priority: row.priority.parse().map_err(|_| unreadable("thread.priority"))?,
            state: ThreadState::from_code(&row.state).ok_or_else(|| unreadable("thread.state"))?,
            opened_at: row.opened_at.instant(),
            last_activity_at: row.last_activity_at.instant(),
            last_staff_at: row.last_staff_at.map(Micros::instant),
            patient_messages: row.patient_messages,
            cycle: row.cycle,
            task: row.task.map(read_id).transpose()?,
            replied_cycle: row.replied_cycle,
            handed_cycle: row.handed_cycle,
            needs_review: row.needs_review,
            merged_into: row.merged_into.map(read_id).transpose()?,
            limits_lifted_until: row.limits_lifted_until.map(Micros::instant),
            quiet_lifted_until: row.quiet_lifted_until.map(Micros::instant),
            zone: row.zone,
            revision: row.revision,
            assigned: row.assigned.map(read_reference).transpose()?,
            tags: serde_json::from_str(&row.tags).map_err(|_| unreadable("thread.tags"))?,
        })
    }
}

/// A reference as it is stored.
pub fn read_reference(text: String) -> Result<Reference, QueryError> {
    Ok(text.try_into().map_err(|_| unreadable("a reference"))?)
}

/// A thread by its id.
pub fn by_id(conn: &mut Conn, tenant: &TenantId, id: &ResourceId) -> Result<Option<Thread>, QueryError> {
    let found: Option<Found> =
        thread::table.find((tenant.as_str(), id.as_str())).select(Found::as_select()).first(conn).optional()?;
    found.map(Thread::try_from).transpose()
}

/// Threads by their ids; those that are not there, or cannot be understood, are left out.
pub fn by_ids(conn: &mut Conn, tenant: &TenantId, ids: &[ResourceId]) -> Result<Vec<Thread>, QueryError> {
    let ids: Vec<&str> = ids.iter().map(ResourceId::as_str).collect();
    let of = thread::table.filter(thread::tenant.eq(tenant.as_str())).filter(thread::id.eq_any(ids));
    let found: Vec<(String, Found)> = of.order(thread::id).select((thread::tenant, Found::as_select())).load(conn)?;
    Ok(readable(found, |(tenant, row)| (tenant, &row.id), |(_, row)| row.try_into()))
}

/// The threads that were merged into that one.
pub fn merged(conn: &mut Conn, tenant: &TenantId, into: &ResourceId) -> Result<Vec<ResourceId>, QueryError> {
    let of = thread::table.filter(thread::tenant.eq(tenant.as_str())).filter(thread::merged_into.eq(into.as_str()));
    let found: Vec<String> = of.order(thread::id).select(thread::id).load(conn)?;
    found.into_iter().map(read_id).collect()
}

/// Threads that are not closed, of a pool with neither one of these ids nor one of these resources, the oldest first.
pub fn orphaned(
    conn: &mut Conn,
    tenant: &TenantId,
    ids: &[String],
    pools: &[Reference],
    limit: u16,
) -> Result<Vec<ResourceId>, QueryError> {
    let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
    let found: Vec<String> = thread::table
        .filter(thread::tenant.eq(tenant.as_str()))
        .filter(thread::pool_reference.is_not_null().and(thread::pool_reference.ne_all(pools)))
        .filter(thread::pool.is_null().or(thread::pool.ne_all(ids)))
        .filter(thread::state.ne(ThreadState::Resolved.as_str()))
        .filter(thread::merged_into.is_null())
        .order((thread::opened_at, thread::id))
        .limit(limit.into())
        .select(thread::id)
        .load(conn)?;
    found.into_iter().map(read_id).collect()
}

/// The thread that a message belongs to, with its open clocks and the Task of its obligation.
pub fn of_message(conn: &mut Conn, tenant: &TenantId, message: &ResourceId) -> Result<Option<ThreadView>, QueryError> {
    let found: Option<Found> = thread::table
        .inner_join(
            resource::table.on(resource::tenant.eq(thread::tenant).and(resource::thread.eq(thread::id.nullable()))),
        )
        .filter(resource::tenant.eq(tenant.as_str()))
        .filter(resource::kind.eq(ResourceType::Communication.as_str()))
        .filter(resource::id.eq(message.as_str()))
        .select(Found::as_select())
        .first(conn)
        .optional()?;
    let Some(found) = found else { return Ok(None) };
    let thread = Thread::try_from(found)?;
    // The thread was read first: whatever happens meanwhile moves its revision on, and a decision about it is refused.
    let mut clocks = clock::of_thread(conn, tenant, &thread.id)?;
    clocks.retain(|clock| !clock.fold.state.is_over());
    // A Task that exists is always found, also where its thread has lost it: a decision writes its next version.
    let owed = || clocks.iter().find(|clock| clock.name == ClockName::NextResponse)?.task.as_ref();
    let task = match thread.task.as_ref().or_else(owed) {
        Some(task) => super::resource::read(
            conn,
            &Read {
                tenant: tenant.clone(),
                key: Key::new(ResourceType::Task, task.clone()),
                version: None,
                visibility: Visibility::Everything,
            },
        )?,
        None => None,
    };
    Ok(Some(ThreadView { thread, clocks, task }))
}

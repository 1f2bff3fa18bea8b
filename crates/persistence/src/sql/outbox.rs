//! The outbox: what must leave, and what was put together for whom.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use domain::change::{Change, Delivery, Hours, OutboxKind, OutboxRow};
use domain::id::{ResourceId, TenantId};
use domain::store::ClaimedOutbox;
use domain::time::{Instant, Span};
use serde_json::{from_str, to_string};

use super::resource::{read_id, read_key};
use super::statement::{Rows, Sql, insert, run};
use super::{Conn, dialect};
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::{delivery, outbox};
use crate::types::{Micros, Ts};

rows! {
    NewRow, NewRows in "outbox" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        kind: Text = &'static str,
        topic: Text = &'a str,
        recipient: Nullable<Text> = Option<&'a str>,
        thread: Nullable<Text> = Option<&'a str>,
        focus_kind: Nullable<Text> = Option<&'static str>,
        focus_id: Nullable<Text> = Option<&'a str>,
        occurred_at: Ts = Micros,
        release_at: Ts = Micros,
        hours: Text = &'static str,
        priority: Text = &'static str,
    }
}

rows! {
    LaterRow, LaterRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
        until: Ts = Micros,
    }
}

/// Found by their key, for the reason that [`Done`] gives.
struct Later;
impl Sql for Later {
    const BEFORE: &'static str = "UPDATE outbox SET release_at = given.until, claimed_until = NULL FROM ";
    const AFTER: &'static str = " WHERE outbox.tenant = given.tenant AND outbox.id = given.id \
         AND CASE WHEN outbox.dispatched_at IS NULL THEN true ELSE false END";
}

rows! {
    DoneRow, DoneRows {
        tenant: Text = &'a str,
        id: Text = &'a str,
        at: Ts = Micros,
        delivery: Nullable<Text> = Option<&'a str>,
    }
}

/// The last condition is said in a roundabout way so that rows are found by their key: the index of what waits would
/// serve a short queue, and the plan would be kept when the queue is long.
struct Done;
impl Sql for Done {
    const BEFORE: &'static str =
        "UPDATE outbox SET dispatched_at = given.at, delivery = given.delivery, claimed_until = NULL FROM ";
    const AFTER: &'static str = " WHERE outbox.tenant = given.tenant AND outbox.id = given.id \
         AND CASE WHEN outbox.dispatched_at IS NULL THEN true ELSE false END";
}

rows! {
    DeliveryRow, DeliveryRows in "delivery" on "DO NOTHING" {
        tenant: Text = &'a str,
        id: Text = &'a str,
        recipient: Text = &'a str,
        at: Ts = Micros,
        outbox: Text = String,
        topics: Text = String,
    }
}

/// Puts rows off; `false` when one has left.
pub fn put_off(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut later: Vec<LaterRow> = vec![];
    for change in changes {
        later.extend(change.put_off.iter().map(|put_off| LaterRow {
            tenant: change.tenant.as_str(),
            id: put_off.outbox.as_str(),
            until: put_off.until.into(),
        }));
    }
    later.sort_unstable_by(|a, b| (a.tenant, a.id).cmp(&(b.tenant, b.id)));
    let mut rows = LaterRows::default();
    rows.extend(later);
    Ok(run::<Later, _>(conn, &rows)? == rows.count())
}

/// Marks rows as taken care of; `false` when somebody else did it.
pub fn dispatch(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut done: Vec<DoneRow> = vec![];
    for change in changes {
        done.extend(change.dispatched.iter().map(|dispatched| DoneRow {
            tenant: change.tenant.as_str(),
            id: dispatched.outbox.as_str(),
            at: dispatched.at.into(),
            delivery: dispatched.delivery.as_ref().map(ResourceId::as_str),
        }));
    }
    done.sort_unstable_by(|a, b| (a.tenant, a.id).cmp(&(b.tenant, b.id)));
    let mut rows = DoneRows::default();
    rows.extend(done);
    Ok(run::<Done, _>(conn, &rows)? == rows.count())
}

/// Writes new rows and deliveries; `false` when an id exists.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<bool, QueryError> {
    let (mut rows, mut deliveries) = (NewRows::default(), DeliveryRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        rows.extend(change.outbox.iter().map(|row| NewRow {
            tenant,
            id: row.id.as_str(),
            kind: row.kind.as_str(),
            topic: &row.topic,
            recipient: row.recipient.as_deref(),
            thread: row.thread.as_ref().map(ResourceId::as_str),
            focus_kind: row.focus.as_ref().map(|focus| focus.kind.as_str()),
            focus_id: row.focus.as_ref().map(|focus| focus.id.as_str()),
            occurred_at: row.occurred_at.into(),
            release_at: row.release_at.into(),
            hours: row.hours.as_str(),
            priority: row.priority.as_str(),
        }));
        for delivery in &change.deliveries {
            deliveries.push(DeliveryRow {
                tenant,
                id: delivery.id.as_str(),
                recipient: &delivery.recipient,
                at: delivery.at.into(),
                outbox: to_string(&delivery.outbox).map_err(|_| unreadable("a delivery's rows"))?,
                topics: to_string(&delivery.topics).map_err(|_| unreadable("a delivery's topics"))?,
            });
        }
    }
    Ok(insert(conn, &rows)? == rows.count() && insert(conn, &deliveries)? == deliveries.count())
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct Found {
    tenant: String,
    id: String,
    kind: String,
    topic: String,
    recipient: Option<String>,
    thread: Option<String>,
    focus_kind: Option<String>,
    focus_id: Option<String>,
    occurred_at: Micros,
    release_at: Micros,
    hours: String,
    priority: String,
}

impl TryFrom<Found> for ClaimedOutbox {
    type Error = QueryError;

    fn try_from(row: Found) -> Result<Self, QueryError> {
        let kind = [OutboxKind::Event, OutboxKind::Notice].into_iter().find(|kind| kind.as_str() == row.kind);
        let focus = row.focus_kind.zip(row.focus_id).map(|(kind, id)| read_key(&kind, id)).transpose()?;
        Ok(Self {
            tenant: TenantId::new(row.tenant),
            row: OutboxRow {
                id: read_id(row.id)?,
                kind: kind.ok_or_else(|| unreadable("outbox.kind"))?,
                topic: row.topic,
                recipient: row.recipient,
                thread: row.thread.map(read_id).transpose()?,
                focus,
                occurred_at: row.occurred_at.instant(),
                release_at: row.release_at.instant(),
                hours: Hours::from_code(&row.hours).ok_or_else(|| unreadable("outbox.hours"))?,
                priority: row.priority.parse().map_err(|_| unreadable("outbox.priority"))?,
            },
        })
    }
}

/// Takes released rows that nobody holds, oldest first: events one by one, and of each recipient taken everything that
/// is due, so that it leaves together.
pub fn claim(conn: &mut Conn, now: Instant, lease: Span, limit: u16) -> Result<Vec<ClaimedOutbox>, QueryError> {
    let until = Micros::from(now.plus(lease.seconds()));
    let now = Micros::from(now);
    macro_rules! due {
        ($rows:expr) => {
            $rows
                .filter(outbox::dispatched_at.is_null())
                .filter(outbox::release_at.le(now))
                .filter(outbox::claimed_until.is_null().or(outbox::claimed_until.lt(now)))
        };
    }
    let mut claimed = dialect::write(conn, |conn| {
        dialect::claim_alone(conn)?;
        let oldest: Vec<(String, String, Option<String>)> = due!(outbox::table)
            .order(outbox::release_at)
            .limit(limit.into())
            .select((outbox::tenant, outbox::id, outbox::recipient))
            .load(conn)?;
        let mut events = BTreeMap::<String, Vec<String>>::new();
        let mut recipients = BTreeMap::<String, BTreeSet<String>>::new();
        for (tenant, id, recipient) in oldest {
            match recipient {
                Some(recipient) => drop(recipients.entry(tenant).or_default().insert(recipient)),
                None => events.entry(tenant).or_default().push(id),
            }
        }
        let mut claimed: Vec<Found> = vec![];
        for (tenant, ids) in events {
            let rows = due!(outbox::table.filter(outbox::tenant.eq(tenant)).filter(outbox::id.eq_any(ids)));
            let taken = diesel::update(rows).set(outbox::claimed_until.eq(until)).returning(Found::as_returning());
            claimed.extend(taken.get_results(conn)?);
        }
        for (tenant, names) in recipients {
            let rows = due!(outbox::table.filter(outbox::tenant.eq(tenant)).filter(outbox::recipient.eq_any(names)));
            let taken = diesel::update(rows).set(outbox::claimed_until.eq(until)).returning(Found::as_returning());
            claimed.extend(taken.get_results(conn)?);
        }
        QueryResult::Ok(claimed)
    })?;
    let key = |row: &Found| (row.release_at, row.occurred_at, row.tenant.clone(), row.id.clone());
    claimed.sort_by_cached_key(key);
    Ok(readable(claimed, |row| (&row.tenant, &row.id), ClaimedOutbox::try_from))
}

/// The notices of a thread that have not left yet, the oldest first. Few wait at a time, and they are looked for only when a
/// message is retracted: an index of their own would cost each send more than that.
pub fn notices(conn: &mut Conn, tenant: &TenantId, thread: &ResourceId) -> Result<Vec<OutboxRow>, QueryError> {
    let found: Vec<Found> = outbox::table
        .filter(outbox::dispatched_at.is_null())
        .filter(outbox::tenant.eq(tenant.as_str()))
        .filter(outbox::thread.eq(thread.as_str()))
        .filter(outbox::recipient.is_not_null())
        .order((outbox::release_at, outbox::id))
        .select(Found::as_select())
        .load(conn)?;
    found.into_iter().map(|row| ClaimedOutbox::try_from(row).map(|claimed| claimed.row)).collect()
}

/// The latest deliveries, newest first.
pub fn deliveries(conn: &mut Conn, tenant: &TenantId, limit: u16) -> Result<Vec<Delivery>, QueryError> {
    let found: Vec<(String, String, Micros, String, String)> = delivery::table
        .filter(delivery::tenant.eq(tenant.as_str()))
        .order((delivery::at.desc(), delivery::id.desc()))
        .limit(limit.into())
        .select((delivery::id, delivery::recipient, delivery::at, delivery::outbox, delivery::topics))
        .load(conn)?;
    let delivery = |(id, recipient, at, outbox, topics): (String, String, Micros, String, String)| {
        Ok(Delivery {
            id: read_id(id)?,
            recipient,
            at: at.instant(),
            outbox: from_str(&outbox).map_err(|_| unreadable("delivery.outbox"))?,
            topics: from_str(&topics).map_err(|_| unreadable("delivery.topics"))?,
        })
    };
    found.into_iter().map(delivery).collect()
}

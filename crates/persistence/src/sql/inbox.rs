//! Somebody's conversations: a page of them, with what they have not read.

use std::collections::HashMap;

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Reference, ResourceId};
use domain::inbox::{Inbox, InboxPage, InboxPlace, InboxRow, Pressing};
use domain::time::Instant;

use super::condition::{Condition, unread};
use super::resource::{VersionColumns, stored};
use super::thread::by_id;
use super::visibility::seen;
use super::{Conn, Db, dialect};
use crate::error::{QueryError, unreadable};
use crate::schema::{clock, resource, thread};
use crate::types::{Micros, Ts};

#[diesel::declare_sql_function]
extern "SQL" {
    fn coalesce(first: Nullable<Ts>, otherwise: Ts) -> Ts;
}

/// When the answer is due that is owed in a row's thread.
macro_rules! due {
    () => {
        coalesce(
            clock::table
                .filter(clock::tenant.eq(resource::tenant))
                .filter(clock::thread.nullable().eq(resource::thread))
                .filter(clock::name.eq("next-response"))
                .filter(clock::state.eq("running"))
                .select(clock::due_at)
                .order(clock::cycle.desc())
                .limit(1)
                .single_value(),
            resource::last_updated_at,
        )
    };
}

/// When anybody last wrote in a row's thread.
macro_rules! activity {
    () => {
        coalesce(
            thread::table
                .filter(thread::tenant.eq(resource::tenant))
                .filter(thread::id.nullable().eq(resource::thread))
                .select(thread::last_activity_at)
                .single_value(),
            resource::last_updated_at,
        )
    };
}

/// A page of conversations, in one state of the database.
pub fn page(conn: &mut Conn, inbox: &Inbox) -> Result<InboxPage, QueryError> {
    dialect::snapshot(conn, |conn| {
        let wanted = usize::from(inbox.count) + 1;
        let mut found: Vec<(Pressing, Stored, Micros)> = vec![];
        let by_urgency = !matches!(inbox.visibility, Visibility::Patient { .. });
        // A page that ends before a conversation is found from its end, and then turned around.
        let backward = inbox.backward && inbox.after.is_some();
        let mut degrees = Pressing::ALL;
        if backward {
            degrees.reverse();
        }
        let from = inbox.after.as_ref().map_or(Pressing::Stat, |after| after.pressing);
        for pressing in degrees {
            let passed = if backward { pressing > from } else { pressing < from };
            let skipped = passed || (!by_urgency && pressing != Pressing::Nothing);
            if skipped || found.len() >= wanted {
                continue;
            }
            let after = inbox.after.as_ref().filter(|after| after.pressing == pressing);
            found.extend(roots(conn, inbox, (pressing, by_urgency), after, wanted - found.len())?);
        }
        let more = found.len() >= wanted;
        found.truncate(inbox.count.into());
        if backward {
            found.reverse();
        }
        let mut rows = vec![];
        for (pressing, root, at) in found {
            let id = root.key.id.clone();
            let thread = by_id(conn, &inbox.tenant, &id)?.ok_or_else(|| unreadable("an inbox's thread"))?;
            let place = InboxPlace { pressing, at: at.timestamp(), id };
            rows.push(InboxRow { root, thread, due_at: None, promised_at: None, unread: None, place });
        }
        owed(conn, inbox, &mut rows)?;
        if let Some(reader) = &inbox.reader {
            count(conn, inbox, reader, &mut rows)?;
        }
        let next = rows.last().filter(|_| more || backward).map(|row| row.place.clone());
        let begins = if backward { !more } else { inbox.after.is_none() };
        let previous = rows.first().filter(|_| !begins).map(|row| row.place.clone());
        Ok(InboxPage { rows, next, previous })
    })
}

/// The first messages of conversations that are so pressing, in order, or against it from a place backwards; of all, where
/// that is not looked at.
fn roots(
    conn: &mut Conn,
    inbox: &Inbox,
    (pressing, by_urgency): (Pressing, bool),
    after: Option<&InboxPlace>,
    limit: usize,
) -> Result<Vec<(Pressing, Stored, Micros)>, QueryError> {
    let running = || {
        exists(
            clock::table
                .filter(clock::tenant.eq(resource::tenant))
                .filter(clock::thread.nullable().eq(resource::thread))
                .filter(clock::name.eq("next-response"))
                .filter(clock::state.eq("running")),
        )
    };
    let priorities: &[&str] = match pressing {
        Pressing::Stat => &["stat"],
        Pressing::Urgent => &["urgent", "asap"],
        Pressing::Routine | Pressing::Nothing => &["routine"],
    };
    let mut query = resource::table
        .filter(resource::tenant.eq(inbox.tenant.as_str()))
        .filter(resource::kind.eq("Communication"))
        .filter(not(resource::deleted))
        .filter(resource::thread.eq(resource::id.nullable()))
        .into_boxed();
    if let Some(seen) = seen!(resource, &inbox.visibility) {
        query = query.filter(seen);
    }
    let columns = (
        resource::id,
        resource::version,
        resource::last_updated_at,
        resource::date_at,
        resource::deleted,
        resource::thread,
        resource::patient,
        resource::body,
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let found: Vec<(VersionColumns, Micros)> = if pressing == Pressing::Nothing {
        if by_urgency {
            query = query.filter(not(running()));
        }
        if let Some(after) = after {
            let at = Micros::from(after.at);
            let (same, id) = (activity!().eq(at), after.id.as_str().to_owned());
            query = if inbox.backward {
                query.filter(activity!().gt(at).or(same.and(resource::id.lt(id))))
            } else {
                query.filter(activity!().lt(at).or(same.and(resource::id.gt(id))))
            };
        }
        query = if inbox.backward && inbox.after.is_some() {
            query.order((activity!().asc(), resource::id.desc()))
        } else {
            query.order((activity!().desc(), resource::id.asc()))
        };
        query.limit(limit).select((columns, activity!())).load(conn)?
    } else {
        let urgent = exists(
            thread::table
                .filter(thread::tenant.eq(resource::tenant))
                .filter(thread::id.nullable().eq(resource::thread))
                .filter(thread::priority.eq_any(priorities.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>())),
        );
        query = query.filter(running()).filter(urgent);
        if let Some(after) = after {
            let at = Micros::from(after.at);
            let (same, id) = (due!().eq(at), after.id.as_str().to_owned());
            query = if inbox.backward {
                query.filter(due!().lt(at).or(same.and(resource::id.lt(id))))
            } else {
                query.filter(due!().gt(at).or(same.and(resource::id.gt(id))))
            };
        }
        query = if inbox.backward && inbox.after.is_some() {
            query.order((due!().desc(), resource::id.desc()))
        } else {
            query.order((due!().asc(), resource::id.asc()))
        };
        query.limit(limit).select((columns, due!())).load(conn)?
    };
    let root =
        |(row, at): (VersionColumns, Micros)| Ok((pressing, stored(domain::id::ResourceType::Communication, row)?, at));
    found.into_iter().map(root).collect()
}

/// When the answers are due, and what was promised.
fn owed(conn: &mut Conn, inbox: &Inbox, rows: &mut [InboxRow]) -> Result<(), QueryError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.thread.id.as_str()).collect();
    let found: Vec<(String, Option<Micros>, Option<Micros>)> = clock::table
        .filter(clock::tenant.eq(inbox.tenant.as_str()))
        .filter(clock::thread.eq_any(ids))
        .filter(clock::name.eq("next-response"))
        .filter(clock::state.eq_any(["running", "paused"]))
        .select((clock::thread, clock::due_at, clock::promised_at))
        .load(conn)?;
    let mut owed: HashMap<String, (Option<Instant>, Option<Instant>)> = found
        .into_iter()
        .map(|(thread, due, promised)| (thread, (due.map(Micros::instant), promised.map(Micros::instant))))
        .collect();
    for row in rows {
        (row.due_at, row.promised_at) = owed.remove(row.thread.id.as_str()).unwrap_or_default();
    }
    Ok(())
}

/// How much a reader has not read.
fn count(conn: &mut Conn, inbox: &Inbox, reader: &Reference, rows: &mut [InboxRow]) -> Result<(), QueryError> {
    let ids: Vec<Option<&str>> = rows.iter().map(|row| Some(row.thread.id.as_str())).collect();
    let unread: Condition = unread(reader);
    let mut query = resource::table
        .filter(resource::tenant.eq(inbox.tenant.as_str()))
        .filter(resource::kind.eq("Communication"))
        .filter(not(resource::deleted))
        .filter(resource::thread.eq_any(ids))
        .filter(unread)
        .group_by(resource::thread)
        .select((resource::thread, count_star()))
        .into_boxed();
    if let Some(seen) = seen!(resource, &inbox.visibility) {
        query = query.filter(seen);
    }
    let found: Vec<(Option<String>, i64)> = query.load(conn)?;
    let counted: HashMap<String, i64> =
        found.into_iter().filter_map(|(thread, count)| Some((thread?, count))).collect();
    for row in rows {
        let id: &ResourceId = &row.thread.id;
        row.unread = Some(counted.get(id.as_str()).copied().unwrap_or_default());
    }
    Ok(())
}

//! Somebody's conversations: a page of them, with what they have not read.

use std::collections::HashMap;

use diesel::dsl::{count_star, exists, not};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};
use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Reference, ResourceId, ResourceType};
use domain::inbox::{Inbox, InboxPage, InboxPlace, InboxRow, Pressing};
use domain::time::Instant;

use super::condition::{Condition, activity, coalesce, unread};
use super::resource::{VersionColumns, stored, version_columns};
use super::thread::by_id;
use super::visibility::seen;
use super::{Conn, Db, dialect};
use crate::error::{QueryError, unreadable};
use crate::page::Room;
use crate::schema::{clock, held_message, resource, thread, thread_participant};
use crate::types::Micros;

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

/// How many threads are looked at first, where nothing is owed.
const FIRST_STEP: usize = 50;

/// How many at most, when few of those before could be seen.
const LONGEST_STEP: usize = 2000;

/// A page of conversations, in one state of the database.
pub fn page(conn: &mut Conn, inbox: &Inbox) -> Result<InboxPage, QueryError> {
    dialect::snapshot(conn, |conn| {
        let (mut found, mut room, mut more): (Vec<Root>, _, _) = (vec![], Room::of(inbox.count), false);
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
            if skipped || more {
                continue;
            }
            let after = inbox.after.as_ref().filter(|after| after.pressing == pressing);
            more = match pressing {
                Pressing::Nothing if by_urgency => quiet(conn, inbox, after, (&mut found, &mut room))?,
                pressing => roots(conn, inbox, pressing, after, (&mut found, &mut room))?,
            };
        }
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

/// A first message of a conversation that is so pressing, and since when or until when.
type Root = (Pressing, Stored, Micros);

/// Whether an answer is owed in a row's thread.
macro_rules! running {
    () => {
        exists(
            clock::table
                .filter(clock::tenant.eq(resource::tenant))
                .filter(clock::thread.nullable().eq(resource::thread))
                .filter(clock::name.eq("next-response"))
                .filter(clock::state.eq("running")),
        )
    };
}

/// The first messages that exist for whoever asks.
fn visible(inbox: &Inbox) -> resource::BoxedQuery<'_, Db> {
    let mut query = resource::table
        .filter(resource::tenant.eq(inbox.tenant.as_str()))
        .filter(resource::kind.eq("Communication"))
        .filter(not(resource::deleted))
        .filter(resource::thread.eq(resource::id.nullable()))
        .into_boxed();
    if let Some(seen) = seen!(resource, &inbox.visibility) {
        query = query.filter(seen);
    }
    query
}

/// The first messages of conversations in which nothing is owed, by what happened last. Threads are gone through in that
/// order, as many at a time as are likely to do, so that nobody sorts all that there ever were. Answers whether there are
/// more than the page has room for.
fn quiet(
    conn: &mut Conn,
    inbox: &Inbox,
    after: Option<&InboxPlace>,
    (found, room): (&mut Vec<Root>, &mut Room),
) -> Result<bool, QueryError> {
    let backward = inbox.backward && inbox.after.is_some();
    let mut place: Option<(Micros, String)> = after.map(|after| (Micros::from(after.at), after.id.to_string()));
    let mut step = usize::try_from(room.limit()).unwrap_or(LONGEST_STEP).max(FIRST_STEP);
    loop {
        let mut threads = thread::table
            .filter(thread::tenant.eq(inbox.tenant.as_str()))
            .limit(i64::try_from(step).unwrap_or(i64::MAX))
            .select((thread::id, thread::last_activity_at))
            .into_boxed();
        threads = if backward {
            threads.order((thread::last_activity_at.asc(), thread::id.desc()))
        } else {
            threads.order((thread::last_activity_at.desc(), thread::id.asc()))
        };
        if let Some((at, id)) = place {
            // The first comparison alone lets the index begin at the right place.
            threads = if backward {
                let before = thread::last_activity_at.gt(at).or(thread::id.lt(id));
                threads.filter(thread::last_activity_at.ge(at)).filter(before)
            } else {
                let behind = thread::last_activity_at.lt(at).or(thread::id.gt(id));
                threads.filter(thread::last_activity_at.le(at)).filter(behind)
            };
        }
        if let Visibility::Staff { me, pools, leads, .. } = &inbox.visibility {
            // No more than what the condition of the messages says, for threads: who sees few passes over the others here.
            let pools: Vec<String> = pools.iter().map(ToString::to_string).collect();
            let leads: Vec<String> = leads.iter().map(ToString::to_string).collect();
            let took_part = exists(
                thread_participant::table
                    .filter(thread_participant::tenant.eq(thread::tenant))
                    .filter(thread_participant::participant.eq(me.to_string()))
                    .filter(thread_participant::thread.eq(thread::id)),
            );
            let to_review = exists(
                held_message::table
                    .filter(held_message::tenant.eq(thread::tenant))
                    .filter(held_message::message.eq(thread::id))
                    .filter(held_message::pool_reference.eq_any(leads)),
            );
            let mine = thread::pool_reference.eq_any(pools).or(thread::owner.eq(me.to_string()));
            threads = threads.filter(mine.or(took_part.nullable()).or(to_review.nullable()));
        }
        let threads: Vec<(String, Micros)> = threads.load(conn)?;
        let ids: Vec<&str> = threads.iter().map(|(id, _)| id.as_str()).collect();
        let rows = visible(inbox).filter(resource::id.eq_any(ids)).filter(not(running!()));
        let rows = if backward {
            rows.order((activity!().asc(), resource::id.desc()))
        } else {
            rows.order((activity!().desc(), resource::id.asc()))
        };
        let rows = rows.limit(room.limit()).select((version_columns!(resource), activity!()));
        if fill(rows.load_iter::<(VersionColumns, Micros), dialect::OneByOne>(conn)?, Pressing::Nothing, found, room)? {
            return Ok(true);
        }
        if threads.len() < step {
            return Ok(false);
        }
        place = threads.into_iter().next_back().map(|(id, at)| (at, id));
        step = (step * 2).min(LONGEST_STEP);
    }
}

/// Puts first messages of conversations that are so pressing on a page; answers whether there was no room for the next.
fn fill(
    rows: impl Iterator<Item = QueryResult<(VersionColumns, Micros)>>,
    pressing: Pressing,
    found: &mut Vec<Root>,
    room: &mut Room,
) -> Result<bool, QueryError> {
    let first = |(row, at): (VersionColumns, Micros)| Ok((pressing, stored(ResourceType::Communication, row)?, at));
    room.fill(found, rows, first, |(_, root, _)| root.body.len())
}

/// The first messages of conversations that are so pressing, by when the answer is due; of all conversations of a patient,
/// by what happened last. Answers whether there are more than the page has room for.
fn roots(
    conn: &mut Conn,
    inbox: &Inbox,
    pressing: Pressing,
    after: Option<&InboxPlace>,
    (found, room): (&mut Vec<Root>, &mut Room),
) -> Result<bool, QueryError> {
    let priorities: &[&str] = match pressing {
        Pressing::Stat => &["stat"],
        Pressing::Urgent => &["urgent", "asap"],
        Pressing::Routine | Pressing::Nothing => &["routine"],
    };
    let mut query = visible(inbox);
    if pressing == Pressing::Nothing {
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
        let query = query.limit(room.limit()).select((version_columns!(resource), activity!()));
        fill(query.load_iter::<(VersionColumns, Micros), dialect::OneByOne>(conn)?, pressing, found, room)
    } else {
        let urgent = exists(
            thread::table
                .filter(thread::tenant.eq(resource::tenant))
                .filter(thread::id.nullable().eq(resource::thread))
                .filter(thread::priority.eq_any(priorities.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>())),
        );
        query = query.filter(running!()).filter(urgent);
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
        let query = query.limit(room.limit()).select((version_columns!(resource), due!()));
        fill(query.load_iter::<(VersionColumns, Micros), dialect::OneByOne>(conn)?, pressing, found, room)
    }
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

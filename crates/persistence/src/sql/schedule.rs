//! Messages that wait for their instant.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use domain::change::Change;
use domain::id::TenantId;
use domain::schedule::{ScheduleChange, Scheduled};
use domain::time::Instant;
use serde_json::{from_str, to_string};

use super::Conn;
use super::resource::read_id;
use super::statement::{Rows, Sql, insert, run};
use super::thread::read_reference;
use crate::error::{QueryError, unreadable};
use crate::readable::readable;
use crate::schema::scheduled_message;
use crate::types::{Micros, Ts};

rows! {
    ScheduleRow, ScheduleRows in "scheduled_message" on "(tenant, message) DO UPDATE SET \
        release_at = excluded.release_at, facts = excluded.facts, believed = excluded.believed" {
        tenant: Text = &'a str,
        message: Text = &'a str,
        sender: Text = String,
        release_at: Ts = Micros,
        facts: Text = String,
        believed: Bool = bool,
    }
}

rows! {
    EndRow, EndRows {
        tenant: Text = &'a str,
        message: Text = &'a str,
        ended_at: Ts = Micros,
    }
}

/// Ends schedules; each ends once.
struct End;
impl Sql for End {
    const BEFORE: &'static str = "UPDATE scheduled_message SET ended_at = given.ended_at FROM ";
    const AFTER: &'static str = " WHERE scheduled_message.tenant = given.tenant \
         AND scheduled_message.message = given.message AND scheduled_message.ended_at IS NULL";
}

/// Writes schedules that begin, move or end; `false` when one has ended before.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<bool, QueryError> {
    let (mut set, mut ended) = (ScheduleRows::default(), EndRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for schedule in &change.schedules {
            match schedule {
                ScheduleChange::Set(scheduled) => set.push(ScheduleRow {
                    tenant,
                    message: scheduled.message.as_str(),
                    sender: scheduled.sender.to_string(),
                    release_at: scheduled.release_at.into(),
                    facts: to_string(&scheduled.facts).map_err(|_| unreadable("a schedule's facts"))?,
                    believed: scheduled.believed,
                }),
                ScheduleChange::Ended { message, at } => {
                    ended.push(EndRow { tenant, message: message.as_str(), ended_at: (*at).into() });
                }
            }
        }
    }
    Ok(insert(conn, &set)? == set.count() && run::<End, _>(conn, &ended)? == ended.count())
}

/// What is due to be sent, of all tenants, the earliest first.
pub fn due(conn: &mut Conn, now: Instant, limit: u16) -> Result<Vec<(TenantId, Scheduled)>, QueryError> {
    type Found = (String, String, String, Micros, String, bool);
    let found: Vec<Found> = scheduled_message::table
        // In so many words, because a plan with a parameter could not use the partial index.
        .filter(sql::<Bool>("scheduled_message.ended_at IS NULL"))
        .filter(scheduled_message::release_at.le(Micros::from(now)))
        .order((scheduled_message::release_at, scheduled_message::tenant, scheduled_message::message))
        .limit(limit.into())
        .select((
            scheduled_message::tenant,
            scheduled_message::message,
            scheduled_message::sender,
            scheduled_message::release_at,
            scheduled_message::facts,
            scheduled_message::believed,
        ))
        .load(conn)?;
    let read = |(tenant, message, sender, release_at, facts, believed): Found| {
        let scheduled = Scheduled {
            message: read_id(message)?,
            sender: read_reference(sender)?,
            release_at: release_at.instant(),
            facts: from_str(&facts).map_err(|_| unreadable("scheduled_message.facts"))?,
            believed,
        };
        Ok((TenantId::new(tenant), scheduled))
    };
    Ok(readable(found, |row: &Found| (row.0.as_str(), row.1.as_str()), read))
}

//! Who has read what.

use diesel::prelude::*;
use diesel::sql_types::Text;
use domain::change::{Change, Mark};
use domain::id::{ResourceId, TenantId};

use super::Conn;
use super::resource::read_id;
use super::statement::{Sql, insert, run};
use super::thread::read_reference;
use crate::error::QueryError;
use crate::schema::read_mark;
use crate::types::{Micros, Ts};

rows! {
    ReadRow, ReadRows in "read_mark" on "DO NOTHING" {
        tenant: Text = &'a str,
        message: Text = &'a str,
        reader: Text = String,
        read_at: Ts = Micros,
    }
}

rows! {
    UnreadRow, UnreadRows {
        tenant: Text = &'a str,
        message: Text = &'a str,
        reader: Text = String,
    }
}

/// Takes marks away.
struct Unread;
impl Sql for Unread {
    const BEFORE: &'static str = "DELETE FROM read_mark WHERE (tenant, message, reader) IN \
         (SELECT given.tenant, given.message, given.reader FROM ";
    const AFTER: &'static str = ")";
}

/// Writes and takes away marks. What was read before stays read since then, and what is unread is not made more so.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<()> {
    let (mut read, mut unread) = (ReadRows::default(), UnreadRows::default());
    for change in changes {
        let tenant = change.tenant.as_str();
        for mark in &change.marks {
            let (message, reader) = (mark.message.as_str(), mark.reader.to_string());
            match mark.read_at {
                Some(at) => read.push(ReadRow { tenant, message, reader, read_at: at.into() }),
                None => unread.push(UnreadRow { tenant, message, reader }),
            }
        }
    }
    insert(conn, &read)?;
    run::<Unread, _>(conn, &unread)?;
    Ok(())
}

/// Who has read these messages.
pub fn of(conn: &mut Conn, tenant: &TenantId, messages: &[ResourceId]) -> Result<Vec<Mark>, QueryError> {
    let messages: Vec<&str> = messages.iter().map(ResourceId::as_str).collect();
    let found: Vec<(String, String, Micros)> = read_mark::table
        .filter(read_mark::tenant.eq(tenant.as_str()))
        .filter(read_mark::message.eq_any(messages))
        .order((read_mark::message, read_mark::reader))
        .select((read_mark::message, read_mark::reader, read_mark::read_at))
        .load(conn)?;
    let mark = |(message, reader, at): (String, String, Micros)| {
        let read_at = Some(at.timestamp());
        Ok(Mark { message: read_id(message)?, reader: read_reference(reader)?, read_at })
    };
    found.into_iter().map(mark).collect()
}

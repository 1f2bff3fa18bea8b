//! What is remembered of those who write.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};
use domain::change::Change;
use domain::correspondent::{Correspondent, Who};
use domain::id::TenantId;
use serde_json::{from_str, to_string};

use super::Conn;
use super::statement::{Rows, Sql, insert, run};
use crate::error::{QueryError, unreadable};
use crate::schema::correspondent;

rows! {
    CorrespondentRow, CorrespondentRows in "correspondent" on "DO NOTHING" {
        tenant: Text = &'a str,
        who: Text = String,
        memory: Text = String,
        revision: Integer = i32,
    }
}

struct Update;
impl Sql for Update {
    const BEFORE: &'static str = "UPDATE correspondent SET memory = given.memory, revision = given.revision FROM ";
    const AFTER: &'static str = " WHERE correspondent.tenant = given.tenant AND correspondent.who = given.who \
         AND correspondent.revision = given.revision - 1";
}

/// Writes new states of memories; `false` when one before it is not the current one.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> Result<bool, QueryError> {
    let mut memories: Vec<(&str, String, &Correspondent)> = vec![];
    for change in changes {
        let tenant = change.tenant.as_str();
        memories.extend(change.correspondents.iter().map(|own| (tenant, own.who.name(), own)));
    }
    // Two writers that lock the same rows lock them in the same order.
    memories.sort_unstable_by(|(a, one, _), (b, two, _)| (a, one).cmp(&(b, two)));
    let (mut new, mut next) = (CorrespondentRows::default(), CorrespondentRows::default());
    for (tenant, who, own) in memories {
        let memory = to_string(&own.memory).map_err(|_| unreadable("a correspondent's memory"))?;
        let row = CorrespondentRow { tenant, who, memory, revision: own.revision };
        if own.revision == 1 { &mut new } else { &mut next }.push(row);
    }
    Ok(insert(conn, &new)? == new.count() && run::<Update, _>(conn, &next)? == next.count())
}

/// What is remembered of somebody; of one not heard of yet, nothing.
pub fn of(conn: &mut Conn, tenant: &TenantId, who: &Who) -> Result<Correspondent, QueryError> {
    let found: Option<(String, i32)> = correspondent::table
        .find((tenant.as_str(), who.name()))
        .select((correspondent::memory, correspondent::revision))
        .first(conn)
        .optional()?;
    let Some((memory, revision)) = found else { return Ok(Correspondent::unknown(who.clone())) };
    let memory = from_str(&memory).map_err(|_| unreadable("correspondent.memory"))?;
    Ok(Correspondent { who: who.clone(), memory, revision })
}

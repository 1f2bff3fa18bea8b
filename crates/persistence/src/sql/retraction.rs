//! Messages that were retracted: what their earlier versions say is hidden.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use domain::change::Change;
use domain::id::ResourceId;

use super::Conn;
use super::statement::{Rows, insert};
use crate::types::{Micros, Ts};

rows! {
    RetractionRow, RetractionRows in "retracted_message" on "DO NOTHING" {
        tenant: Text = &'a str,
        message: Text = &'a str,
        at: Ts = Micros,
        pool_reference: Nullable<Text> = Option<String>,
        decision: Nullable<Text> = Option<&'a str>,
        agent: Nullable<Text> = Option<String>,
        client: Text = &'a str,
    }
}

/// Writes retractions; `false` when a message was retracted before.
pub fn write(conn: &mut Conn, changes: &[&Change]) -> QueryResult<bool> {
    let mut rows = RetractionRows::default();
    for change in changes {
        rows.extend(change.retractions.iter().map(|retraction| RetractionRow {
            tenant: change.tenant.as_str(),
            message: retraction.message.as_str(),
            at: retraction.at.into(),
            pool_reference: retraction.pool.as_ref().map(ToString::to_string),
            decision: retraction.decision.as_ref().map(ResourceId::as_str),
            agent: retraction.agent.as_ref().map(ToString::to_string),
            client: &retraction.client,
        }));
    }
    Ok(insert(conn, &rows)? == rows.count())
}

//! Figures for the metrics page, and whether the schema is the one this program was built for.

use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Integer};
use domain::clock::ClockState;
use domain::time::Instant;

use super::{Conn, dialect};
use crate::error::QueryError;
use crate::schema::{clock, outbox, thread};
use crate::store::Figures;
use crate::types::Micros;

/// Clocks that are not over by state, every such state named, how many conversations a person must look at, and when the oldest outbox row that should have left was
/// due to leave. Those that are over are as many as there ever were: nobody counts them every few seconds.
pub fn figures(conn: &mut Conn, now: Instant) -> Result<Figures, QueryError> {
    let found: Vec<(String, i64)> = clock::table
        // In so many words, because a plan with a parameter could not use the partial index.
        .filter(sql::<Bool>("clock.state IN ('pending', 'running', 'paused')"))
        .group_by(clock::state)
        .select((clock::state, count_star()))
        .load(conn)?;
    let count = |code: &str| found.iter().find(|(state, _)| state == code).map_or(0, |(_, count)| *count);
    let open = ClockState::ALL.iter().filter(|state| !state.is_over());
    let clocks = open.map(|state| (state.as_str().to_owned(), count(state.as_str()))).collect();
    let needing_review = thread::table.filter(sql::<Bool>("thread.needs_review")).count().get_result(conn)?;
    let oldest: Option<Micros> = outbox::table
        .filter(outbox::dispatched_at.is_null())
        .filter(outbox::release_at.le(Micros::from(now)))
        .order(outbox::release_at)
        .select(outbox::release_at)
        .first(conn)
        .optional()?;
    Ok((clocks, needing_review, oldest.map(Micros::instant)))
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// The migrations that the database has had.
pub fn applied(conn: &mut Conn) -> Result<Vec<String>, QueryError> {
    if !dialect::has_table(conn, "__diesel_schema_migrations")? {
        return Ok(vec![]);
    }
    Ok(__diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn)?)
}

/// Whether the database answers.
pub fn ping(conn: &mut Conn) -> QueryResult<()> {
    diesel::select(sql::<Integer>("1")).execute(conn).map(drop)
}

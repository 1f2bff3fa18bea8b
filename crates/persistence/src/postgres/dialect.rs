//! What PostgreSQL does in its own way.

use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager as _};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, HasSqlType, Text};

use super::statement::{Rows, columns};
use crate::schema::catalogue_generation;

/// How rows are taken one by one: without it libpq keeps all of them first.
pub type OneByOne = diesel::pg::PgRowByRowLoadingMode;

/// Begins a source of rows: one array for each column.
pub const SOURCE_BEGINS: &str = "unnest(";

/// Ends a source of rows by naming its columns.
pub fn source_ends<R: Rows>(out: &mut AstPass<'_, '_, Pg>) -> QueryResult<()> {
    out.push_sql(") AS given (");
    columns::<R>(out)?;
    out.push_sql(")");
    Ok(())
}

/// Binds a column of a source: all its rows at once.
pub fn bind<'b, S, T>(
    column: &'b Vec<T>,
    _row: usize,
    _name: &'static str,
    out: &mut AstPass<'_, 'b, Pg>,
) -> QueryResult<()>
where
    S: 'static,
    T: Debug + ToSql<S, Pg>,
    Pg: HasSqlType<S>,
{
    out.push_bind_param::<Array<S>, Vec<T>>(column)
}

/// The rounds in which a statement over so many rows runs: one, unless there is nothing to do.
pub fn rounds(rows: usize) -> Range<usize> {
    0..rows.min(1)
}

/// Prepares a new connection for reading. A plan is kept while tables grow: one made over an almost empty table must
/// not read all of it later. A question that takes too long is given up, so that it keeps no reader from the others.
pub fn begin_reading(conn: &mut PgConnection, statement: Duration) -> QueryResult<()> {
    conn.batch_execute("SET application_name = 'postern-reader'; SET jit = off; SET enable_seqscan = off")?;
    conn.batch_execute(&format!("SET statement_timeout = {}", statement.as_millis()))
}

/// Prepares a new connection for writing: an answer means flushed, and every statement finds its rows by index, also
/// when it was planned while the tables were still empty.
pub fn begin_writing(conn: &mut PgConnection, _statement: Duration) -> QueryResult<()> {
    conn.batch_execute(
        "SET application_name = 'postern-writer'; SET synchronous_commit = on; SET jit = off; \
         SET plan_cache_mode = force_generic_plan; \
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off",
    )
}

/// Runs in a transaction that may write.
pub fn write<T, E, F>(conn: &mut PgConnection, f: F) -> Result<T, E>
where
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
    E: From<diesel::result::Error>,
{
    conn.transaction(f)
}

/// Runs in a transaction in which every query sees the same state; within one that is open already, in that one, whose
/// state is its own.
pub fn snapshot<T, E, F>(conn: &mut PgConnection, f: F) -> Result<T, E>
where
    F: FnOnce(&mut PgConnection) -> Result<T, E>,
    E: From<diesel::result::Error>,
{
    let open = AnsiTransactionManager::transaction_manager_status_mut(conn).transaction_depth()?;
    if open.is_some() { conn.transaction(f) } else { conn.build_transaction().repeatable_read().read_only().run(f) }
}

/// Bounds each statement that follows in the transaction that is open.
pub fn bound(conn: &mut PgConnection, time: Duration) -> QueryResult<()> {
    // None would be no bound at all.
    conn.batch_execute(&format!("SET LOCAL statement_timeout = {}", time.as_millis().max(1)))
}

/// The generations of tenants, held against change until the transaction ends; held for oneself alone by who is going
/// to start the `next`. A tenant without a row is at 0.
pub fn generations(conn: &mut PgConnection, tenants: &[&str], next: bool) -> QueryResult<Vec<(String, i64)>> {
    let found = catalogue_generation::table
        .filter(catalogue_generation::tenant.eq_any(tenants))
        .order(catalogue_generation::tenant)
        .select((catalogue_generation::tenant, catalogue_generation::value));
    if next { found.for_no_key_update().load(conn) } else { found.for_share().load(conn) }
}

/// Lets one worker at a time choose outbox rows, so that what waits for one recipient is not split between two.
pub fn claim_alone(conn: &mut PgConnection) -> QueryResult<()> {
    // Any number that nothing else in the database uses as an advisory lock.
    const OUTBOX: i64 = 0x706f_7374_6572_6e01;
    diesel::select(pg_advisory_xact_lock(OUTBOX)).execute(conn).map(drop)
}

/// Whether a table exists.
pub fn has_table(conn: &mut PgConnection, name: &str) -> QueryResult<bool> {
    diesel::select(to_regclass(name).is_not_null()).get_result(conn)
}

#[diesel::declare_sql_function]
extern "SQL" {
    fn pg_advisory_xact_lock(key: BigInt);
    fn to_regclass(name: Text) -> Nullable<Oid>;
}

/// Passes over rows that another worker holds.
macro_rules! ready {
    ($query:expr) => {
        $query.for_update().skip_locked()
    };
}
pub(super) use ready;

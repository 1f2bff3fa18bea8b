//! What SQLite does in its own way.

use std::ops::Range;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::serialize::ToSql;
use diesel::sql_types::HasSqlType;
use diesel::sqlite::Sqlite;

use super::statement::Rows;
use crate::schema::catalogue_generation;

/// How rows are taken one by one.
pub type OneByOne = diesel::connection::DefaultLoadingMode;

/// Begins a source of rows: one row of values.
pub const SOURCE_BEGINS: &str = "(SELECT ";

/// Ends a source of rows.
#[expect(clippy::unnecessary_wraps, reason = "its twin for PostgreSQL may fail")]
pub fn source_ends<R: Rows>(out: &mut AstPass<'_, '_, Sqlite>) -> QueryResult<()> {
    out.push_sql(") AS given");
    Ok(())
}

/// Binds a column of a source: the value of one row.
pub fn bind<'b, S, T>(
    column: &'b [T],
    row: usize,
    name: &'static str,
    out: &mut AstPass<'_, 'b, Sqlite>,
) -> QueryResult<()>
where
    T: ToSql<S, Sqlite>,
    Sqlite: HasSqlType<S>,
{
    out.push_bind_param::<S, T>(&column[row])?;
    out.push_sql(" AS ");
    out.push_identifier(name)
}

/// The rounds in which a statement over so many rows runs: one a row.
pub fn rounds(rows: usize) -> Range<usize> {
    0..rows
}

/// Prepares a new connection for reading.
pub fn begin_reading(conn: &mut SqliteConnection, patience: Duration) -> QueryResult<()> {
    begin_writing(conn, patience)
}

/// Prepares a new connection for writing: an answer means flushed, and other processes may use the file too.
pub fn begin_writing(conn: &mut SqliteConnection, patience: Duration) -> QueryResult<()> {
    conn.batch_execute(&format!("PRAGMA busy_timeout = {}", patience.as_millis()))?;
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
    )
}

/// Runs in a transaction that may write, from its beginning: one that began by reading could not wait for another's.
pub fn write<T, E, F>(conn: &mut SqliteConnection, f: F) -> Result<T, E>
where
    F: FnOnce(&mut SqliteConnection) -> Result<T, E>,
    E: From<diesel::result::Error>,
{
    conn.immediate_transaction(f)
}

/// Runs in a transaction in which every query sees the same state.
pub fn snapshot<T, E, F>(conn: &mut SqliteConnection, f: F) -> Result<T, E>
where
    F: FnOnce(&mut SqliteConnection) -> Result<T, E>,
    E: From<diesel::result::Error>,
{
    conn.transaction(f)
}

/// Nothing to do: SQLite gives no statement up by itself.
#[expect(clippy::unnecessary_wraps, reason = "its twin for PostgreSQL may fail")]
pub fn bound(_conn: &mut SqliteConnection, _time: Duration) -> QueryResult<()> {
    Ok(())
}

/// The generations of tenants; a tenant without a row is at 0. The transaction is the only one that writes.
pub fn generations(conn: &mut SqliteConnection, tenants: &[&str], _next: bool) -> QueryResult<Vec<(String, i64)>> {
    let mut found = vec![];
    for tenant in tenants {
        let one: Option<i64> =
            catalogue_generation::table.find(tenant).select(catalogue_generation::value).first(conn).optional()?;
        found.extend(one.map(|value| ((*tenant).to_owned(), value)));
    }
    Ok(found)
}

/// Nothing to do: the transaction is the only one that writes.
#[expect(clippy::unnecessary_wraps, reason = "its twin for PostgreSQL may fail")]
pub fn claim_alone(_conn: &mut SqliteConnection) -> QueryResult<()> {
    Ok(())
}

/// Whether a table exists.
pub fn has_table(conn: &mut SqliteConnection, name: &str) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(
        sqlite_master::table.filter(sqlite_master::kind.eq("table")).filter(sqlite_master::name.eq(name)),
    ))
    .get_result(conn)
}

diesel::table! {
    sqlite_master (rowid) {
        rowid -> Integer,
        #[sql_name = "type"]
        kind -> Text,
        name -> Text,
    }
}

/// Passes over rows that another worker holds: there can be none within a transaction that may write.
macro_rules! ready {
    ($query:expr) => {
        $query
    };
}
pub(super) use ready;

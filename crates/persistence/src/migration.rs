//! Migrations, embedded in the program.

use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::config::Url;
use crate::error::{OpenError, QueryError, unreachable};
use crate::{postgres, sqlite};

const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");
const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Applies what is missing and names it. Several processes may do this at once: one does the work, the others wait.
pub fn migrate(url: &Url) -> Result<Vec<String>, OpenError> {
    let names = pending(url)?;
    if !names.is_empty() {
        match url {
            Url::Postgres(_) => in_postgres(url, |conn| conn.run_pending_migrations(POSTGRES).map(drop))?,
            Url::Sqlite(_) => in_sqlite(url, |conn| conn.run_pending_migrations(SQLITE).map(drop))?,
        }
    }
    Ok(names)
}

/// Takes every migration back, and all data with it. For tests.
pub fn revert_all(url: &Url) -> Result<(), OpenError> {
    match url {
        Url::Postgres(_) => in_postgres(url, |conn| conn.revert_all_migrations(POSTGRES).map(drop)),
        Url::Sqlite(_) => in_sqlite(url, |conn| conn.revert_all_migrations(SQLITE).map(drop)),
    }
}

/// The names of migrations that the database lacks, in order.
pub fn pending(url: &Url) -> Result<Vec<String>, OpenError> {
    let applied = match url {
        Url::Postgres(_) => postgres::gauge::applied(&mut connect_postgres(url)?),
        Url::Sqlite(_) => sqlite::gauge::applied(&mut connect_sqlite(url)?),
    };
    Ok(missing(url, &applied.map_err(failed)?))
}

/// The names of migrations that are not among those applied.
pub fn missing(url: &Url, applied: &[String]) -> Vec<String> {
    let names = match url {
        Url::Postgres(_) => names::<Pg>(&POSTGRES),
        Url::Sqlite(_) => names::<Sqlite>(&SQLITE),
    };
    names.into_iter().filter(|(version, _)| !applied.contains(version)).map(|(_, name)| name).collect()
}

/// Versions and names, in order.
fn names<Db: diesel::backend::Backend>(source: &EmbeddedMigrations) -> Vec<(String, String)>
where
    EmbeddedMigrations: MigrationSource<Db>,
{
    // The folders were read when the program was built; there is nothing left to fail.
    let migrations: Vec<Box<dyn Migration<Db>>> = source.migrations().unwrap_or_default();
    let mut names: Vec<_> =
        migrations.iter().map(|one| (one.name().version().to_string(), one.name().to_string())).collect();
    names.sort_unstable();
    names
}

type Outcome = diesel::migration::Result<()>;

fn in_postgres(url: &Url, work: impl FnOnce(&mut PgConnection) -> Outcome) -> Result<(), OpenError> {
    let mut conn = connect_postgres(url)?;
    // Held until the connection closes. Any number that nothing else uses as an advisory lock.
    let lock = conn.batch_execute("SET client_min_messages = warning; SELECT pg_advisory_lock(8101815670912281602)");
    lock.map_err(failed)?;
    work(&mut conn).map_err(|error| OpenError::Migration(error.to_string()))
}

fn in_sqlite(url: &Url, work: impl FnOnce(&mut SqliteConnection) -> Outcome) -> Result<(), OpenError> {
    let mut conn = connect_sqlite(url)?;
    // The file is locked from the beginning, so that another process finds everything done or nothing.
    conn.exclusive_transaction(|conn| work(conn).map_err(|error| OpenError::Migration(error.to_string())))
}

fn connect_postgres(url: &Url) -> Result<PgConnection, OpenError> {
    let Url::Postgres(address) = url else { return Err(OpenError::Url) };
    PgConnection::establish(address).map_err(|error| OpenError::Connection(unreachable(&error).to_string()))
}

fn connect_sqlite(url: &Url) -> Result<SqliteConnection, OpenError> {
    let Url::Sqlite(path) = url else { return Err(OpenError::Url) };
    let mut conn = SqliteConnection::establish(&path.to_string_lossy())
        .map_err(|error| OpenError::Connection(unreachable(&error).to_string()))?;
    sqlite::dialect::begin_writing(&mut conn, std::time::Duration::from_mins(1)).map_err(failed)?;
    Ok(conn)
}

fn failed(error: impl Into<QueryError>) -> OpenError {
    OpenError::Migration(error.into().told().to_string())
}

impl From<diesel::result::Error> for OpenError {
    fn from(error: diesel::result::Error) -> Self {
        failed(error)
    }
}

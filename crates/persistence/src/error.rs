//! What goes wrong, without ever repeating a stored value.

use diesel::result::{ConnectionError, DatabaseErrorKind, Error};
use domain::store::StoreError;
use domain::time::Span;

/// Why the store could not be opened or migrated.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is of no known kind.
    #[error(
        "POSTERN_DATABASE_URL is not a database that Postern knows: set it to sqlite:PATH (such as \
         sqlite:/var/lib/postern/postern.db) or postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    Url,
    /// Nothing answers there.
    #[error("the database of POSTERN_DATABASE_URL cannot be reached: {0}")]
    Connection(String),
    /// A migration failed; the database is as it was before that migration.
    #[error("the database could not be migrated: {0}")]
    Migration(String),
    /// A thread could not be started.
    #[error("a database thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// How long a caller should wait before trying again when too many wait already.
pub const RETRY_AFTER: Span = Span::from_seconds(1);

/// The answer when a queue is full.
pub const BUSY: StoreError = StoreError::Busy { retry_after: RETRY_AFTER };

/// The answer when a thread went away with the question.
pub fn gone() -> StoreError {
    StoreError::Unavailable("the store is shutting down or had to start again".into())
}

/// A connection that could not be made. The text may hold host and database, never a password: libpq leaves it out.
pub fn unreachable(error: &ConnectionError) -> StoreError {
    StoreError::Unavailable(error.to_string().lines().next().unwrap_or_default().to_owned())
}

/// A row that does not say what this version of the program expects.
pub fn unreadable(column: &'static str) -> StoreError {
    StoreError::Internal(format!("{column} holds something that cannot be read"))
}

/// Whether the connection must be given up.
pub fn is_broken(error: &Error) -> bool {
    matches!(
        error,
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Error::BrokenTransactionManager
            | Error::RollbackErrorOnCommit { .. }
            | Error::AlreadyInTransaction
    )
}

/// Whether SQLite gave up waiting for another process's transaction.
fn is_locked(error: &Error) -> bool {
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message() == "database is locked")
}

/// Why the database takes no writes for now, where Diesel has no kind of its own for it: the disk is full or failing, or
/// the file may only be read. SQLite is known by its fixed texts, PostgreSQL by what the operating system calls it.
fn refuses_writes(error: &Error) -> Option<&'static str> {
    let Error::DatabaseError(kind, info) = error else { return None };
    let message = info.message();
    match kind {
        DatabaseErrorKind::ReadOnlyTransaction => Some("the database accepts no writes"),
        DatabaseErrorKind::Unknown if message == "attempt to write a readonly database" => {
            Some("the database accepts no writes")
        }
        DatabaseErrorKind::Unknown if message == "database or disk is full" => Some("the disk of the database is full"),
        DatabaseErrorKind::Unknown if message.ends_with("No space left on device") => {
            Some("the disk of the database is full")
        }
        DatabaseErrorKind::Unknown if message == "disk I/O error" || message == "unable to open database file" => {
            Some("the disk of the database fails")
        }
        _ => None,
    }
}

/// Whether PostgreSQL gave a statement up because it took too long. That has no kind of its own here, so it is known by
/// its message.
fn is_late(error: &Error) -> bool {
    let late = "canceling statement due to statement timeout";
    matches!(error, Error::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message() == late)
}

/// Whether PostgreSQL undid the transaction so that others could go on: it can be tried again as it is. A deadlock has no
/// kind of its own here, so it is known by its message.
fn is_victim(error: &Error) -> bool {
    match error {
        Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        Error::DatabaseError(DatabaseErrorKind::Unknown, info) => info.message() == "deadlock detected",
        _ => false,
    }
}

/// What is told of a failed statement: messages and details of the database may repeat values, so only the kind of the
/// error and the names of table, column and constraint are kept.
pub fn told(error: &Error) -> StoreError {
    match error {
        _ if is_broken(error) => StoreError::Unavailable("the connection to the database was lost".into()),
        _ if is_locked(error) || is_victim(error) || is_late(error) => BUSY,
        Error::DatabaseError(kind, info) => {
            if let Some(why) = refuses_writes(error) {
                return StoreError::Unavailable(why.into());
            }
            let names: Vec<&str> =
                [info.table_name(), info.column_name(), info.constraint_name()].into_iter().flatten().collect();
            StoreError::Internal(format!("{kind:?} {}", names.join(" ")).trim_end().to_owned())
        }
        Error::QueryBuilderError(_) => StoreError::Internal("a statement could not be built".into()),
        Error::SerializationError(_) => StoreError::Internal("a value could not be written".into()),
        Error::DeserializationError(_) => StoreError::Internal("a row could not be read".into()),
        Error::NotFound => StoreError::Internal("a row was expected".into()),
        _ => StoreError::Internal("a statement failed".into()),
    }
}

/// What a query says: the database's error, or a row that could not be understood.
#[derive(Debug)]
pub enum QueryError {
    /// The database refused or was lost.
    Database(Error),
    /// A row could not be understood.
    Row(StoreError),
}

impl From<Error> for QueryError {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        Self::Row(error)
    }
}

impl QueryError {
    /// Whether the connection must be given up.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Database(error) if is_broken(error))
    }

    /// Whether the transaction was undone in favour of others and can be tried again.
    pub fn is_victim(&self) -> bool {
        matches!(self, Self::Database(error) if is_victim(error))
    }

    /// What the caller is told.
    pub fn told(self) -> StoreError {
        match self {
            Self::Database(error) => told(&error),
            Self::Row(error) => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection as _;
    use diesel::prelude::*;
    use diesel::{PgConnection, SqliteConnection};

    use super::*;

    fn unavailable(result: QueryResult<()>) -> String {
        match told(&result.unwrap_err()) {
            StoreError::Unavailable(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn d16_a_full_disk_and_a_file_that_may_only_be_read_are_told_as_what_they_are() {
        let path = std::env::temp_dir().join(format!("postern-full-{}.sqlite", std::process::id()));
        let mut conn = SqliteConnection::establish(&path.display().to_string()).unwrap();
        conn.batch_execute("PRAGMA journal_mode = WAL; CREATE TABLE t (x text); PRAGMA max_page_count = 8").unwrap();
        let full = conn.transaction(|conn| {
            (0..100).try_for_each(|n| conn.batch_execute(&format!("CREATE TABLE t{n} AS SELECT printf('%4000c', 'x')")))
        });
        assert_eq!(unavailable(full), "the disk of the database is full");
        assert!(conn.batch_execute("SELECT count(*) FROM t").is_ok(), "what is there can be read");
        conn.batch_execute("PRAGMA query_only = ON").unwrap();
        assert_eq!(unavailable(conn.batch_execute("DROP TABLE t")), "the database accepts no writes");
        drop(conn);
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }

    #[test]
    fn d16_a_postgres_that_takes_no_writes_is_told_as_what_it_is() {
        let url = std::env::var("POSTERN_TEST_POSTGRES_URL").expect("`make test` starts PostgreSQL and names it");
        let mut conn = PgConnection::establish(&url).unwrap();
        conn.batch_execute("SET default_transaction_read_only = on").unwrap();
        assert_eq!(unavailable(conn.batch_execute("CREATE TABLE t (x text)")), "the database accepts no writes");
        let full = "DO $$ BEGIN RAISE EXCEPTION 'could not extend file \"base/1/2\": No space left on device' \
                    USING ERRCODE = 'disk_full'; END $$";
        assert_eq!(unavailable(conn.batch_execute(full)), "the disk of the database is full");
    }
}

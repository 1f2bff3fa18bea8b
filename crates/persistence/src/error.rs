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
        _ if is_locked(error) || is_victim(error) => BUSY,
        Error::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _) => {
            StoreError::Unavailable("the database accepts no writes".into())
        }
        Error::DatabaseError(kind, info) => {
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

//! Where the database is and how much may wait for it.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::error::OpenError;

/// How the store is opened.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the database is.
    pub url: Url,
    /// Connections that read; twice the processors by default, because more only wait for each other.
    pub readers: usize,
    /// Connections that write on PostgreSQL, 2 by default; SQLite has one by nature.
    pub writers: usize,
    /// The most reads that wait, 1024 by default; the next is [`domain::store::StoreError::Busy`].
    pub read_queue: usize,
    /// The most changes that wait, 1024 by default; the next is [`domain::store::StoreError::Busy`].
    pub write_queue: usize,
    /// The most changes committed together, 128 by default.
    pub group: usize,
    /// How long a read waits for its turn or for a connection, and SQLite for another process's write; 5 s by default.
    /// Who waits longer is told [`domain::store::StoreError::Busy`].
    pub patience: Duration,
    /// How long one statement of a read may take on PostgreSQL, 10 s by default; the next is
    /// [`domain::store::StoreError::Busy`] too. SQLite has no such bound.
    pub read_timeout: Duration,
    /// How long a transaction of several changes may keep others from writing, 10 s by default; then it is undone. On
    /// PostgreSQL a statement of it ends with that time, on SQLite it is waited for.
    pub turn: Duration,
}

impl Config {
    /// The defaults for a database.
    pub fn new(url: Url) -> Self {
        let processors = available_parallelism().map_or(2, NonZeroUsize::get);
        Self {
            url,
            readers: processors * 2,
            writers: 2,
            read_queue: 1024,
            write_queue: 1024,
            group: 128,
            patience: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            turn: Duration::from_secs(10),
        }
    }
}

/// Where a database is: `sqlite:PATH` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    /// A file, created when it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL connection URL, handed to libpq as it is.
    Postgres(String),
}

impl std::fmt::Debug for Url {
    /// Says the kind alone: a URL may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(..)"),
        }
    }
}

impl FromStr for Url {
    type Err = OpenError;

    fn from_str(url: &str) -> Result<Self, Self::Err> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            // A database in memory would be another one for every connection.
            return if path.is_empty() || path.starts_with(":memory:") || path.contains('\0') {
                Err(OpenError::Url)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(OpenError::Url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_url_has_one_of_two_schemes_and_the_error_names_the_variable() {
        assert!(matches!("sqlite:/var/lib/postern.db".parse(), Ok(Url::Sqlite(_))));
        assert!(matches!("postgres://u:secret@h/db".parse(), Ok(Url::Postgres(_))));
        for bad in ["", "mysql://h/db", "/var/lib/postern.db", "sqlite:", "sqlite::memory:"] {
            let error = bad.parse::<Url>().unwrap_err().to_string();
            assert!(error.contains("POSTERN_DATABASE_URL") && error.contains("sqlite:"), "{error}");
        }
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", "postgres://u:secret@h/db".parse::<Url>().unwrap()).contains("secret"));
    }
}

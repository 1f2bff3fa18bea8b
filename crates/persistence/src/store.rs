//! [`SqlStore`]: the port of the domain, answered by either database.

use std::sync::Arc;
use std::time::Duration;

use diesel::{Connection, PgConnection, SqliteConnection};
use domain::change::Change;
use domain::store::{Answer, Store, StoreError, Transaction};
use domain::time::Instant;
use tokio::sync::Semaphore;

use crate::config::{Config, Url};
use crate::error::{BUSY, OpenError, QueryError, gone};
use crate::reader::{Manager, Readers};
use crate::transaction::{Bound, Run, Session, Steps, Within};
use crate::writer::{Lost, Saved, Scribe, Writer};
use crate::{postgres, sqlite};

mod port;

/// How many may wait to be told whether the database is ready.
const PROBES: usize = 64;

/// The store. Clones share its connections; when the last is dropped, what was taken is saved and the connections end.
#[derive(Clone)]
pub struct SqlStore {
    inner: Arc<Inner>,
}

struct Inner {
    url: Url,
    engine: Engine,
}

enum Engine {
    Postgres(Source<PgConnection>),
    Sqlite(Source<SqliteConnection>),
}

/// Where questions are answered and changes are saved.
enum Source<C: Connection + Send + 'static> {
    /// By many connections.
    Open(Connections<C>),
    /// Within one transaction.
    Within(Session<C>),
}

struct Connections<C: Connection + Send + 'static> {
    readers: Readers<C>,
    /// One that answers whether the database is ready, behind nobody's search.
    probe: Readers<C>,
    writer: Writer<C>,
    /// One transaction at a time: two could wait for each other, and would take all writers.
    turn: Arc<Semaphore>,
    turn_time: Duration,
    patience: Duration,
}

impl<C: Connection + Send + 'static> Source<C> {
    async fn ask<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut C) -> Result<T, QueryError> + Send + 'static,
    {
        match self {
            Self::Open(open) => open.readers.ask(question).await,
            Self::Within(session) => session.ask(question).await,
        }
    }

    /// Asks what must not wait behind what others ask.
    async fn probe<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut C) -> Result<T, QueryError> + Send + 'static,
    {
        match self {
            Self::Open(open) => open.probe.ask(question).await,
            Self::Within(session) => session.ask(question).await,
        }
    }

    async fn save(&self, change: Change, within: Within<C>) -> Saved {
        match self {
            Self::Open(open) => open.writer.save(change).await,
            Self::Within(session) => {
                session.ask(move |conn| within(conn, &change)).await.unwrap_or_else(|error| Err(error.into()))
            }
        }
    }

    /// A transaction of its own.
    async fn begin(&self, run: Run<C>, bound: Bound<C>) -> Result<Self, StoreError> {
        let Self::Open(open) = self else {
            return Err(StoreError::Internal("a transaction was begun within another".into()));
        };
        let turn = tokio::time::timeout(open.patience, Arc::clone(&open.turn).acquire_owned());
        let turn = turn.await.map_err(|_| BUSY)?.map_err(|_| gone())?;
        let steps = Steps { run, bound, time: open.turn_time };
        Session::begin(&open.writer, steps, turn).map(Self::Within)
    }

    async fn commit(&self) -> Result<(), StoreError> {
        match self {
            Self::Open(_) => Err(StoreError::Internal("there is no transaction to commit".into())),
            Self::Within(session) => session.commit().await,
        }
    }

    async fn undo(&self) -> Result<(), StoreError> {
        match self {
            Self::Open(_) => Err(StoreError::Internal("there is no transaction to undo".into())),
            Self::Within(session) => session.undo().await,
        }
    }

    fn close(&self) {
        if let Self::Open(open) = self {
            open.writer.close();
            open.readers.close();
            open.probe.close();
        }
    }

    fn waiting(&self) -> usize {
        match self {
            Self::Open(open) => open.writer.waiting(),
            Self::Within(_) => 0,
        }
    }
}

/// Opens the store. The database must answer, but need not be migrated: [`Store::ready`] tells.
pub fn open(config: &Config) -> Result<SqlStore, OpenError> {
    let engine = match &config.url {
        Url::Postgres(address) => {
            let manager = |begin| Manager {
                address: address.clone(),
                patience: config.patience,
                bound: config.read_timeout,
                begin,
                ping: postgres::gauge::ping,
            };
            let readers = || manager(postgres::dialect::begin_reading as fn(&mut _, _) -> _);
            let scribe = Pen { manager: manager(postgres::dialect::begin_writing), save: postgres::group::save };
            Engine::Postgres(connect(readers, scribe, config.writers, config)?)
        }
        Url::Sqlite(path) => {
            let address = path.to_string_lossy().into_owned();
            let manager = |begin| Manager {
                address: address.clone(),
                patience: config.patience,
                bound: config.patience,
                begin,
                ping: sqlite::gauge::ping,
            };
            let readers = || manager(sqlite::dialect::begin_reading as fn(&mut _, _) -> _);
            let scribe = Pen { manager: manager(sqlite::dialect::begin_writing), save: sqlite::group::save };
            Engine::Sqlite(connect(readers, scribe, 1, config)?)
        }
    };
    Ok(SqlStore { inner: Arc::new(Inner { url: config.url.clone(), engine }) })
}

fn connect<C>(
    manager: impl Fn() -> Manager<C>,
    scribe: Pen<C>,
    writers: usize,
    config: &Config,
) -> Result<Source<C>, OpenError>
where
    C: Connection + Send + 'static,
{
    // Better to hear of a wrong address now than with the first request.
    manager().establish().map_err(|error| OpenError::Connection(error.to_string()))?;
    let readers = Readers::start(manager(), config.readers, config.read_queue)?;
    let probe = Readers::start(manager(), 1, PROBES)?;
    let writer = Writer::start(scribe, writers, config.write_queue, config.group)?;
    let turn = Arc::new(Semaphore::new(1));
    Ok(Source::Open(Connections { readers, probe, writer, turn, turn_time: config.turn, patience: config.patience }))
}

/// Clocks by state, and when the oldest outbox row that should have left was due to leave.
pub type Figures = (Vec<(String, i64)>, i64, Option<Instant>);

/// How a writer writes to one of the databases.
struct Pen<C> {
    manager: Manager<C>,
    save: fn(&mut C, &[&Change]) -> Result<Vec<Saved>, Lost>,
}

impl<C: Connection + Send + 'static> Scribe for Pen<C> {
    type Conn = C;

    fn connect(&self) -> Result<C, StoreError> {
        self.manager.establish()
    }

    fn save(&self, conn: &mut C, changes: &[&Change]) -> Result<Vec<Saved>, Lost> {
        (self.save)(conn, changes)
    }
}

impl SqlStore {
    /// Takes no more changes and questions. What was taken is still answered; dropping the last clone waits for it.
    pub fn close(&self) {
        match &self.inner.engine {
            Engine::Postgres(source) => source.close(),
            Engine::Sqlite(source) => source.close(),
        }
    }
}

/// A transaction that has begun.
struct Begun(SqlStore);

impl Transaction for Begun {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }

    fn commit(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            match &self.0.inner.engine {
                Engine::Postgres(source) => source.commit().await,
                Engine::Sqlite(source) => source.commit().await,
            }
        })
    }

    fn undo(self: Box<Self>) -> Answer<'static, ()> {
        Box::pin(async move {
            match &self.0.inner.engine {
                Engine::Postgres(source) => source.undo().await,
                Engine::Sqlite(source) => source.undo().await,
            }
        })
    }
}

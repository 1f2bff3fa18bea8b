//! Readers: a fixed number of threads that take turns on a pool of connections, fed by a bounded queue.
//!
//! As many threads as connections: nobody waits for a connection while holding a thread, and under load the queue is
//! fair, which keeps the slowest answers near the median.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use diesel::Connection;
use diesel::r2d2::{ManageConnection, Pool};
use domain::store::StoreError;
use tokio::sync::oneshot;

use crate::error::{BUSY, QueryError, gone, unreachable};
use crate::queue::{Queue, Refused};

/// Makes connections and prepares them.
pub struct Manager<C> {
    /// The address, as Diesel takes it.
    pub address: String,
    /// How long to wait.
    pub patience: Duration,
    /// Prepares a new connection.
    pub begin: fn(&mut C, Duration) -> diesel::QueryResult<()>,
    /// Whether a connection answers.
    pub ping: fn(&mut C) -> diesel::QueryResult<()>,
}

/// A connection, and whether it turned out to be broken.
pub struct Held<C> {
    conn: C,
    broken: bool,
}

/// Why no connection was made.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotConnected(#[from] pub StoreError);

impl<C: Connection> Manager<C> {
    /// A new connection.
    pub fn establish(&self) -> Result<C, StoreError> {
        let mut conn = C::establish(&self.address).map_err(|error| unreachable(&error))?;
        (self.begin)(&mut conn, self.patience).map_err(|error| QueryError::from(error).told())?;
        Ok(conn)
    }
}

impl<C: Connection + Send + 'static> ManageConnection for Manager<C> {
    type Connection = Held<C>;
    type Error = NotConnected;

    fn connect(&self) -> Result<Held<C>, NotConnected> {
        Ok(Held { conn: self.establish()?, broken: false })
    }

    fn is_valid(&self, held: &mut Held<C>) -> Result<(), NotConnected> {
        Ok((self.ping)(&mut held.conn).map_err(|error| QueryError::from(error).told())?)
    }

    fn has_broken(&self, held: &mut Held<C>) -> bool {
        held.broken
    }
}

type Task<C> = Box<dyn FnOnce(&Pool<Manager<C>>) + Send>;

/// The readers.
pub struct Readers<C: Connection + Send + 'static> {
    queue: Arc<Queue<Task<C>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<C: Connection + Send + 'static> Readers<C> {
    /// Starts so many threads with a connection each, made when first needed; at most `capacity` questions wait.
    pub fn start(manager: Manager<C>, readers: usize, capacity: usize) -> std::io::Result<Self> {
        let readers = readers.max(1);
        let pool = Pool::builder()
            .max_size(u32::try_from(readers).unwrap_or(u32::MAX))
            .min_idle(Some(0))
            .connection_timeout(manager.patience)
            .test_on_check_out(false)
            .build_unchecked(manager);
        let queue = Arc::new(Queue::new(capacity));
        let mut this = Self { queue: Arc::clone(&queue), threads: vec![] };
        for number in 0..readers {
            let (queue, pool) = (Arc::clone(&queue), pool.clone());
            let thread = Builder::new().name(format!("reader-{number}")).spawn(move || {
                while let Some(task) = queue.pop() {
                    // The question is dropped with the panic, which answers it.
                    if catch_unwind(AssertUnwindSafe(|| task(&pool))).is_err() {
                        tracing::error!("a reader panicked");
                    }
                }
            });
            this.threads.push(thread?);
        }
        Ok(this)
    }

    /// Asks a question, again on a new connection when the first turns out to be broken.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut C) -> Result<T, QueryError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let task = move |pool: &Pool<Manager<C>>| {
            // Who went away meanwhile needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(ask(pool, &question));
            }
        };
        match self.queue.push(Box::new(task)) {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(gone())),
            Err(Refused::Full) => Err(BUSY),
            Err(Refused::Closed) => Err(gone()),
        }
    }

    /// Takes no more questions.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl<C: Connection + Send + 'static> Drop for Readers<C> {
    /// Waits until everything that was asked is answered.
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            // A reader catches its panics; there is nothing more to say of one that did not.
            let _ = thread.join();
        }
    }
}

/// Asks until a connection holds, at most as often as the pool may hold broken ones: when the database has restarted,
/// all of them are.
fn ask<C, T, F>(pool: &Pool<Manager<C>>, question: &F) -> Result<T, StoreError>
where
    C: Connection + Send + 'static,
    F: Fn(&mut C) -> Result<T, QueryError>,
{
    let mut answer = once(pool, question);
    for _ in 0..pool.max_size() {
        if answer.is_ok() {
            break;
        }
        answer = once(pool, question);
    }
    answer.unwrap_or_else(Err)
}

/// Asks once; the outer error means that the connection was broken and another may do.
fn once<C, T, F>(pool: &Pool<Manager<C>>, question: &F) -> Result<Result<T, StoreError>, StoreError>
where
    C: Connection + Send + 'static,
    F: Fn(&mut C) -> Result<T, QueryError>,
{
    let Ok(mut held) = pool.get() else {
        return Ok(Err(StoreError::Unavailable("no connection to the database".into())));
    };
    // A panic leaves the connection in an unknown state; it is kept only by whoever returns from here.
    held.broken = true;
    let answer = question(&mut held.conn);
    held.broken = matches!(&answer, Err(error) if error.is_broken());
    match answer {
        Err(error) if held.broken => Err(error.told()),
        answer => Ok(answer.map_err(QueryError::told)),
    }
}

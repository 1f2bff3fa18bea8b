//! Readers: a fixed number of threads that take turns on a pool of connections, fed by a bounded queue.
//!
//! As many threads as connections: nobody waits for a connection while holding a thread, and under load the queue is
//! fair, which keeps the slowest answers near the median.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use diesel::Connection;
use diesel::r2d2::{ManageConnection, Pool};
use domain::store::StoreError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::error::{BUSY, QueryError, gone, unreachable};
use crate::queue::{Queue, Refused};

/// Makes connections and prepares them.
pub struct Manager<C> {
    /// The address, as Diesel takes it.
    pub address: String,
    /// How long to wait.
    pub patience: Duration,
    /// What a new connection is bounded by: how long a statement of a read may take on PostgreSQL, how long SQLite waits
    /// for another process's write.
    pub bound: Duration,
    /// Prepares a new connection, with that bound.
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
        (self.begin)(&mut conn, self.bound).map_err(|error| QueryError::from(error).told())?;
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
    patience: Duration,
    threads: Vec<JoinHandle<()>>,
}

impl<C: Connection + Send + 'static> Readers<C> {
    /// Starts so many threads with a connection each, made when first needed; at most `capacity` questions wait.
    pub fn start(manager: Manager<C>, readers: usize, capacity: usize) -> std::io::Result<Self> {
        let readers = readers.max(1);
        let patience = manager.patience;
        let pool = Pool::builder()
            .max_size(u32::try_from(readers).unwrap_or(u32::MAX))
            .min_idle(Some(0))
            .connection_timeout(manager.patience)
            .test_on_check_out(false)
            .build_unchecked(manager);
        let queue = Arc::new(Queue::new(capacity));
        let mut this = Self { queue: Arc::clone(&queue), patience, threads: vec![] };
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

    /// Asks a question, again on a new connection when the first turns out to be broken. A question that nobody has
    /// taken up in time is taken back.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut C) -> Result<T, QueryError> + Send + 'static,
    {
        let (answer, mut answered) = oneshot::channel();
        let taken_up = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&taken_up);
        let task = move |pool: &Pool<Manager<C>>| {
            // Who went away meanwhile needs no answer.
            if !answer.is_closed() {
                begins.store(true, Ordering::Release);
                let _ = answer.send(ask(pool, &question));
            }
        };
        self.queue.push(Box::new(task)).map_err(|refused| match refused {
            Refused::Full => BUSY,
            Refused::Closed => gone(),
        })?;
        let answer = match timeout(self.patience, &mut answered).await {
            Ok(answer) => answer,
            Err(_) if taken_up.load(Ordering::Acquire) => answered.await,
            Err(_) => return Err(BUSY),
        };
        answer.unwrap_or_else(|_| Err(gone()))
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use diesel::SqliteConnection;

    use super::*;

    fn readers(patience: Duration, capacity: usize) -> Arc<Readers<SqliteConnection>> {
        let (begin, ping) = (|_: &mut _, _| Ok(()), |_: &mut _| Ok(()));
        let manager = Manager { address: ":memory:".to_owned(), patience, bound: patience, begin, ping };
        Arc::new(Readers::start(manager, 1, capacity).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_waits_too_long_for_a_reader_is_told_and_whoever_is_being_answered_is_not() {
        let readers = readers(Duration::from_millis(200), 1);
        let (begun, begins) = channel();
        let (release, released) = channel::<()>();
        let released = std::sync::Mutex::new(released);
        let other = Arc::clone(&readers);
        let slow = tokio::spawn(async move {
            let question = move |_: &mut SqliteConnection| {
                begun.send(()).unwrap();
                released.lock().unwrap().recv().unwrap();
                Ok(1)
            };
            other.ask(question).await
        });
        tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();
        // Both are asked in this order: the queue has one place, and the first takes it.
        let (waits, full) = tokio::join!(biased; readers.ask(|_| Ok(2)), readers.ask(|_| Ok(3)));
        assert_eq!((waits, full), (Err(BUSY), Err(BUSY)));
        release.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(1), "it took longer than the others waited, and is answered");
        // The question that was taken back keeps the one place until the reader comes to it.
        let next = loop {
            match readers.ask(|_| Ok(4)).await {
                Err(BUSY) => tokio::task::yield_now().await,
                answer => break answer,
            }
        };
        assert_eq!(next, Ok(4));
    }
}

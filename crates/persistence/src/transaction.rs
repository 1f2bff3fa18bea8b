//! A transaction of several changes takes a turn at the writer: its questions and its changes go, one after the other, to
//! the connection of that turn, so that each finds what those before it have left, and the database itself keeps all of
//! it or nothing.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use diesel::{Connection, QueryResult};
use domain::change::Change;
use domain::store::StoreError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::error::{QueryError, gone};
use crate::writer::{Saved, Writer};

/// How a database runs the steps of a transaction.
pub type Run<C> = fn(&mut C, &mut dyn FnMut(&mut C) -> bool) -> Result<bool, QueryError>;

/// How a database is told how long each statement of a transaction may still take.
pub type Bound<C> = fn(&mut C, Duration) -> QueryResult<()>;

/// How a turn goes.
pub struct Steps<C> {
    /// Runs them.
    pub run: Run<C>,
    /// Bounds each of them.
    pub bound: Bound<C>,
    /// How long all of them may keep the others waiting. Whoever takes longer is undone.
    pub time: Duration,
}

/// How a database saves a change within a transaction.
pub type Within<C> = fn(&mut C, &Change) -> Result<Saved, QueryError>;

/// What comes to the connection next.
enum Step<C> {
    /// A question or a change; answers whether the transaction can go on.
    Do(Box<dyn FnOnce(&mut C) -> bool + Send>),
    /// All of it is to be kept, or nothing.
    End { keep: bool, answer: oneshot::Sender<Result<(), StoreError>> },
}

/// A transaction that has begun. Dropped before it is committed, it is undone.
pub struct Session<C> {
    steps: Sender<Step<C>>,
    _turn: OwnedSemaphorePermit,
}

impl<C: Connection + Send + 'static> Session<C> {
    /// Waits in the writer's queue for a turn of its own.
    pub fn begin(writer: &Writer<C>, steps: Steps<C>, turn: OwnedSemaphorePermit) -> Result<Self, StoreError> {
        let (sender, taken) = channel();
        writer.lend(Box::new(move |conn| serve(conn, &taken, &steps)))?;
        Ok(Self { steps: sender, _turn: turn })
    }

    /// Asks within the transaction. A question that fails is its end, for what it would have said is not known.
    pub async fn ask<T, F>(&self, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut C) -> Result<T, QueryError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let step = Step::Do(Box::new(move |conn: &mut C| {
            let found = question(conn);
            let sound = found.is_ok();
            // Who went away meanwhile needs no answer.
            let _ = answer.send(found.map_err(QueryError::told));
            sound
        }));
        self.steps.send(step).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }

    /// Commits; when this answers, it is flushed.
    pub async fn commit(&self) -> Result<(), StoreError> {
        self.end(true).await
    }

    /// Keeps nothing; when this answers, the turn is over.
    pub async fn undo(&self) -> Result<(), StoreError> {
        self.end(false).await
    }

    async fn end(&self, keep: bool) -> Result<(), StoreError> {
        let (answer, answered) = oneshot::channel();
        self.steps.send(Step::End { keep, answer }).map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Serves a transaction until it is committed, given up or too long; answers whether the connection is broken.
fn serve<C>(conn: &mut C, taken: &Receiver<Step<C>>, Steps { run, bound, time }: &Steps<C>) -> bool {
    let until = Instant::now() + *time;
    let left = || until.saturating_duration_since(Instant::now());
    let mut ending = None;
    let done = run(conn, &mut |conn| {
        loop {
            match taken.recv_timeout(left()) {
                Ok(Step::Do(step)) => {
                    // One statement alone must not keep the others waiting for longer either.
                    if bound(conn, left()).is_err() || !step(conn) {
                        return false;
                    }
                }
                Ok(Step::End { keep, answer }) => {
                    ending = Some(answer);
                    return keep;
                }
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!("a transaction took longer than its turn and was undone");
                    return false;
                }
                // Nobody asks any more.
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    });
    let broken = matches!(&done, Err(error) if error.is_broken());
    if let Some(answer) = ending {
        // Who went away meanwhile needs no answer.
        let _ = answer.send(done.map(|_| ()).map_err(QueryError::told));
    }
    broken
}

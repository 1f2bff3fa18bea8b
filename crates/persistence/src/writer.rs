//! The one write door: changes wait in a bounded queue, a writer takes what waits, commits it at once and answers each.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, sleep};
use std::time::Duration;

use domain::change::Change;
use domain::store::{SaveError, StoreError};
use tokio::sync::oneshot;

use crate::error::{BUSY, gone};
use crate::queue::{Queue, Refused};

/// How often a group is tried: a connection may have been lost long before it is noticed, and the next one too.
const ATTEMPTS: usize = 3;

/// The answer to one change.
pub type Saved = Result<(), SaveError>;

/// A group that got no answers of its own.
#[derive(Debug)]
pub struct Lost {
    /// Whether nothing can have been written, so that it may be tried again on another connection.
    pub again: bool,
    /// Whether the connection must be given up.
    pub broken: bool,
    /// What everybody in it is told.
    pub error: StoreError,
}

/// What the writer does with a database.
pub trait Scribe: Send + Sync + 'static {
    /// A connection of its own.
    type Conn: Send;

    /// Connects.
    fn connect(&self) -> Result<Self::Conn, StoreError>;

    /// Saves changes that touch nothing in common and answers each, in order.
    fn save(&self, conn: &mut Self::Conn, changes: &[&Change]) -> Result<Vec<Saved>, Lost>;
}

/// Somebody who takes the writer's connection for a transaction of their own; answers whether it must be given up.
pub type Turn<C> = Box<dyn FnOnce(&mut C) -> bool + Send>;

/// What waits at the door, in its order.
#[expect(clippy::large_enum_variant, reason = "nearly all that waits are changes, which need no allocation more")]
enum Waiting<C> {
    /// A change.
    Change(Pending),
    /// A transaction, which goes alone.
    Turn(Turn<C>),
}

/// A change that waits, and who waits for it. Dropped without an answer, it answers that the store was lost.
struct Pending {
    change: Change,
    answer: oneshot::Sender<Saved>,
}

/// The door.
pub struct Writer<C> {
    queue: Arc<Queue<Waiting<C>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<C: Send + 'static> Writer<C> {
    /// Opens the door with so many writers, each committing at most `group` changes at once.
    pub fn start<S>(scribe: S, writers: usize, capacity: usize, group: usize) -> std::io::Result<Self>
    where
        S: Scribe<Conn = C>,
    {
        let queue = Arc::new(Queue::new(capacity));
        let scribe = Arc::new(scribe);
        let mut writer = Self { queue: Arc::clone(&queue), threads: vec![] };
        for number in 0..writers.max(1) {
            let desk = Desk { scribe: Arc::clone(&scribe), queue: Arc::clone(&queue), conn: None };
            let thread = Builder::new().name(format!("writer-{number}")).spawn(move || desk.work(group.max(1)));
            writer.threads.push(thread?);
        }
        Ok(writer)
    }

    /// Saves a change.
    pub async fn save(&self, change: Change) -> Saved {
        let (answer, answered) = oneshot::channel();
        self.push(Waiting::Change(Pending { change, answer })).map_err(SaveError::Store)?;
        answered.await.unwrap_or_else(|_| Err(SaveError::Store(gone())))
    }

    /// Gives somebody a turn once those before them have been served. A turn that is never taken is dropped.
    pub fn lend(&self, turn: Turn<C>) -> Result<(), StoreError> {
        self.push(Waiting::Turn(turn))
    }

    fn push(&self, waiting: Waiting<C>) -> Result<(), StoreError> {
        self.queue.push(waiting).map_err(|refused| match refused {
            Refused::Full => BUSY,
            Refused::Closed => gone(),
        })
    }
}

impl<C> Writer<C> {
    /// How many changes wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Takes no more changes.
    pub fn close(&self) {
        self.queue.close();
    }
}

impl<C> Drop for Writer<C> {
    /// Waits until everything that was taken is committed and answered.
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.drain(..) {
            // A writer catches its panics; there is nothing more to say of one that did not.
            let _ = thread.join();
        }
    }
}

/// One writer at work.
struct Desk<S: Scribe> {
    scribe: Arc<S>,
    queue: Arc<Queue<Waiting<S::Conn>>>,
    conn: Option<S::Conn>,
}

/// What a writer does next.
enum Next<C> {
    Group(Vec<Pending>),
    Turn(Turn<C>),
}

impl<S: Scribe> Desk<S> {
    fn work(mut self, limit: usize) {
        // What was put off stays at the front, in its order.
        let mut waiting = VecDeque::new();
        while self.queue.take(limit, &mut waiting) {
            let next = choose(&mut waiting);
            // A panic drops the group, which answers everybody in it, and the connection with its open transaction.
            let done = catch_unwind(AssertUnwindSafe(|| match next {
                Next::Group(group) if group.is_empty() => {}
                Next::Group(group) => self.save(group),
                Next::Turn(turn) => self.lend(turn),
            }));
            if done.is_err() {
                tracing::error!("the writer panicked");
                self.conn = None;
            }
        }
    }

    /// Lends the connection. Without one the turn is dropped, which tells whoever waits for it.
    fn lend(&mut self, turn: Turn<S::Conn>) {
        match self.connected() {
            Ok(mut conn) => {
                if !turn(&mut conn) {
                    self.conn = Some(conn);
                }
            }
            Err(lost) => tracing::error!(error = %lost.error, "a transaction was not begun"),
        }
    }

    fn save(&mut self, group: Vec<Pending>) {
        let changes: Vec<&Change> = group.iter().map(|waiting| &waiting.change).collect();
        let mut answers = self.attempt(&changes);
        for _ in 1..ATTEMPTS {
            if !matches!(&answers, Err(lost) if lost.again) {
                break;
            }
            answers = self.attempt(&changes);
        }
        match answers {
            Ok(answers) => {
                for (waiting, answer) in group.into_iter().zip(answers) {
                    // Who went away meanwhile needs no answer.
                    let _ = waiting.answer.send(answer);
                }
            }
            Err(lost) => {
                tracing::error!(error = %lost.error, changes = group.len(), "a group of changes was not saved");
                for waiting in group {
                    let _ = waiting.answer.send(Err(SaveError::Store(lost.error.clone())));
                }
            }
        }
    }

    fn connected(&mut self) -> Result<S::Conn, Lost> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => self.scribe.connect().map_err(|error| {
                // Whoever asks next should not make the database's return harder.
                sleep(Duration::from_millis(100));
                Lost { again: false, broken: true, error }
            }),
        }
    }

    fn attempt(&mut self, changes: &[&Change]) -> Result<Vec<Saved>, Lost> {
        let mut conn = self.connected()?;
        let saved = self.scribe.save(&mut conn, changes);
        if !matches!(&saved, Err(lost) if lost.broken) {
            self.conn = Some(conn);
        }
        saved
    }
}

/// Takes from the front the changes that can be committed together. One that touches what an earlier one touches stays
/// behind, because it must find that one's outcome; so does everything after a change of the catalogue or a transaction,
/// which go alone.
fn choose<C>(waiting: &mut VecDeque<Waiting<C>>) -> Next<C> {
    let (mut group, mut behind) = (vec![], VecDeque::new());
    let mut touched = HashSet::new();
    while let Some(next) = waiting.pop_front() {
        let next = match next {
            Waiting::Change(next) => next,
            Waiting::Turn(turn) if group.is_empty() && behind.is_empty() => return Next::Turn(turn),
            Waiting::Turn(turn) => {
                behind.push_back(Waiting::Turn(turn));
                break;
            }
        };
        let alone = next.change.new_generation;
        let marks = marks(&next.change);
        let meets = marks.iter().any(|mark| touched.contains(mark));
        // Also when it stays behind: a third change must not overtake the second.
        touched.extend(marks);
        if meets || (alone && !(group.is_empty() && behind.is_empty())) {
            behind.push_back(Waiting::Change(next));
            if alone {
                break;
            }
        } else {
            group.push(next);
            if alone {
                break;
            }
        }
    }
    behind.append(waiting);
    *waiting = behind;
    Next::Group(group)
}

/// Marks of what a change touches that another change could touch too. Equal marks of different things only make one
/// of them wait.
fn marks(change: &Change) -> Vec<u64> {
    let mark = |what: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        change.tenant.hash(&mut hasher);
        what(&mut hasher);
        hasher.finish()
    };
    let mut marks = vec![];
    marks.extend(change.unique.iter().map(|unique| mark(&|to| (0, unique.namespace, &unique.key).hash(to))));
    marks.extend(change.resources.iter().map(|write| mark(&|to| (1, &write.key).hash(to))));
    marks.extend(change.threads.iter().map(|thread| mark(&|to| (2, &thread.id).hash(to))));
    marks.extend(change.clocks.iter().map(|clock| mark(&|to| (3, &clock.id).hash(to))));
    marks.extend(change.ledger.iter().map(|entry| mark(&|to| (4, &entry.clock, entry.sequence).hash(to))));
    marks.extend(change.firings.iter().map(|firing| mark(&|to| (5, &firing.clock, &firing.threshold).hash(to))));
    marks.extend(change.dispatched.iter().map(|dispatched| mark(&|to| (6, &dispatched.outbox).hash(to))));
    marks.extend(change.put_off.iter().map(|put_off| mark(&|to| (6, &put_off.outbox).hash(to))));
    marks.extend(change.bundles.iter().map(|_| mark(&|to| 7.hash(to))));
    marks.extend(change.simulations.iter().map(|row| mark(&|to| (8, &row.id).hash(to))));
    marks.extend(change.correspondents.iter().map(|own| mark(&|to| (11, &own.who).hash(to))));
    marks.extend(change.holds.iter().map(|hold| mark(&|to| (9, &hold.message).hash(to))));
    marks.extend(change.blocks.iter().map(|block| mark(&|to| (10, &block.id).hash(to))));
    marks
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    use domain::id::TenantId;
    use domain::thread::{Priority, Thread, ThreadState};
    use domain::time::Instant;

    use super::*;

    /// A database that keeps the sizes of its groups; it fails, or waits at its gate, as told by the threads' names.
    #[derive(Default)]
    struct Sizes(Arc<Mutex<Vec<usize>>>, Arc<AtomicBool>);

    impl Scribe for Sizes {
        type Conn = ();

        fn connect(&self) -> Result<(), StoreError> {
            Ok(())
        }

        fn save(&self, (): &mut (), changes: &[&Change]) -> Result<Vec<Saved>, Lost> {
            self.0.lock().unwrap().push(changes.len());
            let named = |name: &str| changes.iter().any(|change| change.threads[0].id.as_str() == name);
            assert!(!named("panic"), "as asked");
            if named("lost") {
                return Err(Lost { again: true, broken: true, error: gone() });
            }
            if named("slow") {
                while self.1.load(Ordering::Acquire) {
                    std::thread::yield_now();
                }
            }
            Ok(vec![Ok(()); changes.len()])
        }
    }

    fn touching(name: &str) -> Change {
        let thread = Thread {
            id: name.parse().unwrap(),
            patient: None,
            pool: None,
            pool_reference: None,
            owner: None,
            assigned: None,
            tags: vec![],
            category: None,
            priority: Priority::Routine,
            state: ThreadState::Answered,
            opened_at: Instant::from_second(0),
            last_activity_at: Instant::from_second(0),
            last_staff_at: None,
            patient_messages: 0,
            cycle: 0,
            task: None,
            handed_cycle: 0,
            replied_cycle: 0,
            needs_review: false,
            merged_into: None,
            limits_lifted_until: None,
            quiet_lifted_until: None,
            zone: None,
            revision: 1,
        };
        Change { threads: vec![thread], ..Change::new(TenantId::new("t")) }
    }

    fn waiting(name: &str) -> Waiting<()> {
        Waiting::Change(Pending { change: touching(name), answer: oneshot::channel().0 })
    }

    /// The names of the group that is chosen next, or that it is a turn.
    fn chosen(waiting: &mut VecDeque<Waiting<()>>) -> Vec<String> {
        match choose(waiting) {
            Next::Group(group) => group.into_iter().map(|one| one.change.threads[0].id.to_string()).collect(),
            Next::Turn(_) => vec!["a turn".to_owned()],
        }
    }

    #[test]
    fn changes_that_touch_the_same_wait_for_each_other_in_their_order() {
        let mut all: VecDeque<_> = ["a", "b", "a", "c", "b", "a"].map(waiting).into();
        assert_eq!(chosen(&mut all), ["a", "b", "c"]);
        assert_eq!(chosen(&mut all), ["a", "b"]);
        assert_eq!(chosen(&mut all), ["a"]);
        assert!(chosen(&mut all).is_empty());
    }

    #[test]
    fn a_change_of_the_catalogue_goes_alone_and_nothing_overtakes_it() {
        let mut all: VecDeque<_> = ["a", "b", "c", "d"].map(waiting).into();
        let Waiting::Change(second) = &mut all[1] else { panic!("it is a change") };
        second.change.new_generation = true;
        assert_eq!(chosen(&mut all), ["a"]);
        assert_eq!(chosen(&mut all), ["b"]);
        assert_eq!(chosen(&mut all), ["c", "d"]);
    }

    #[test]
    fn a_transaction_goes_alone_and_nothing_overtakes_it() {
        let mut all: VecDeque<_> = ["a", "b"].map(waiting).into();
        all.push_back(Waiting::Turn(Box::new(|()| false)));
        all.extend(["c", "d"].map(waiting));
        assert_eq!(chosen(&mut all), ["a", "b"]);
        assert_eq!(chosen(&mut all), ["a turn"]);
        assert_eq!(chosen(&mut all), ["c", "d"]);
    }

    #[tokio::test]
    async fn a_panic_and_a_lost_connection_are_answered_and_the_writer_goes_on() {
        let sizes = Sizes::default();
        let seen = Arc::clone(&sizes.0);
        let writer = Writer::start(sizes, 1, 8, 8).unwrap();
        for bad in ["panic", "lost"] {
            let answer = writer.save(touching(bad)).await;
            assert!(matches!(answer, Err(SaveError::Store(StoreError::Unavailable(_)))), "{bad}");
            assert_eq!(writer.save(touching("good")).await, Ok(()));
        }
        assert_eq!(*seen.lock().unwrap(), [1, 1, 1, 1, 1, 1], "a lost group is tried three times");
    }

    #[tokio::test]
    async fn what_waits_meanwhile_is_one_group_and_closing_answers_it() {
        let sizes = Sizes::default();
        let (seen, gate) = (Arc::clone(&sizes.0), Arc::clone(&sizes.1));
        let writer = Arc::new(Writer::start(sizes, 1, 8, 8).unwrap());
        let save = |name: &'static str| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move { writer.save(touching(name)).await })
        };
        gate.store(true, Ordering::Release);
        let first = save("slow");
        while seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        let rest = ["a", "b", "c"].map(save);
        while writer.waiting() < rest.len() {
            tokio::task::yield_now().await;
        }
        writer.close();
        gate.store(false, Ordering::Release);
        assert_eq!(first.await.unwrap(), Ok(()));
        for one in rest {
            assert_eq!(one.await.unwrap(), Ok(()));
        }
        assert_eq!(*seen.lock().unwrap(), [1, 3]);
        assert!(writer.save(touching("late")).await.is_err());
    }
}

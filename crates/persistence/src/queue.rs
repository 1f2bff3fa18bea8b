//! A bounded queue between many callers and a few threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A queue that refuses when it is full and drains when it is closed.
pub struct Queue<T> {
    capacity: usize,
    state: Mutex<State<T>>,
    filled: Condvar,
}

struct State<T> {
    waiting: VecDeque<T>,
    open: bool,
}

/// Why the queue took nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too many wait.
    Full,
    /// Nothing is taken any more.
    Closed,
}

impl<T> Queue<T> {
    /// A queue for so many.
    pub fn new(capacity: usize) -> Self {
        let state = State { waiting: VecDeque::with_capacity(capacity.min(1024)), open: true };
        Self { capacity: capacity.max(1), state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Adds one at the end.
    pub fn push(&self, item: T) -> Result<(), Refused> {
        let mut state = self.lock();
        if !state.open {
            return Err(Refused::Closed);
        }
        if state.waiting.len() >= self.capacity {
            return Err(Refused::Full);
        }
        state.waiting.push_back(item);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for one and takes it; `None` when the queue is closed and empty.
    pub fn pop(&self) -> Option<T> {
        self.wait().waiting.pop_front()
    }

    /// Waits for at least one and takes what is there, at most `limit`, at the end of `into`. Returns at once when
    /// `into` holds something already. `false`: the queue is closed and empty.
    pub fn take(&self, limit: usize, into: &mut VecDeque<T>) -> bool {
        let mut state = if into.is_empty() { self.wait() } else { self.lock() };
        let count = state.waiting.len().min(limit.saturating_sub(into.len()));
        into.extend(state.waiting.drain(..count));
        if !state.waiting.is_empty() {
            // Others may take the rest meanwhile.
            self.filled.notify_one();
        }
        state.open || !into.is_empty()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Takes no more; what waits is still handed out.
    pub fn close(&self) {
        self.lock().open = false;
        self.filled.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Nothing panics while holding the lock, so that the state is sound even then.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) -> MutexGuard<'_, State<T>> {
        let waited = self.filled.wait_while(self.lock(), |state| state.open && state.waiting.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_refuses_and_a_closed_one_drains() {
        let queue = Queue::new(2);
        assert_eq!((queue.push(1), queue.push(2), queue.push(3)), (Ok(()), Ok(()), Err(Refused::Full)));
        queue.close();
        assert_eq!(queue.push(4), Err(Refused::Closed));
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(1), Some(2), None));
    }

    #[test]
    fn what_waits_is_taken_together_up_to_the_limit() {
        let queue = Queue::new(10);
        (0..5).for_each(|n| queue.push(n).unwrap());
        let mut taken = VecDeque::new();
        assert!(queue.take(3, &mut taken));
        assert_eq!(taken, [0, 1, 2]);
        assert!(queue.take(4, &mut taken));
        assert_eq!((taken.len(), queue.len()), (4, 1));
    }
}

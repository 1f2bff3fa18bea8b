//! Turns: who has lost a race for the same rows waits for the others of this process, rather than lose the next too.
//!
//! It spares work and promises nothing: what makes a save right is that versions are compared.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use domain::id::{Reference, TenantId};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many queues there are; two senders who share one only wait for each other.
const QUEUES: usize = 64;

/// The queues.
pub(crate) struct Turns {
    queues: Vec<Arc<Mutex<()>>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { queues: (0..QUEUES).map(|_| Arc::default()).collect() }
    }
}

impl Turns {
    /// The turn of somebody, once those before have had theirs; it lasts until it is dropped.
    pub(crate) async fn of(&self, tenant: &TenantId, who: &Reference) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        (tenant, who).hash(&mut hasher);
        let queue = (hasher.finish() % QUEUES as u64) as usize;
        Arc::clone(&self.queues[queue]).lock_owned().await
    }
}

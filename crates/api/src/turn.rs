//! Turns: who would lose race after race for the same row waits for the others of this process.
//!
//! It spares work and promises nothing: what makes a save right is that versions are compared.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use domain::correspondent::Who;
use domain::id::TenantId;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::sleep;

/// How long a process lets others be first.
const MOMENT: Duration = Duration::from_millis(3);

/// How many queues there are; two who share one only wait for each other. So nobody may wait in two at once.
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
    pub(crate) async fn of(&self, tenant: &TenantId, who: &Who) -> OwnedMutexGuard<()> {
        let mut hasher = DefaultHasher::new();
        (tenant, who).hash(&mut hasher);
        let queue = (hasher.finish() % QUEUES as u64) as usize;
        Arc::clone(&self.queues[queue]).lock_owned().await
    }

    /// Ends a turn a moment later. Another process that has lost the race for the row begins anew meanwhile: it is always
    /// a little later than whoever is next here, and would lose to each of them.
    pub(crate) fn passed_on(turn: OwnedMutexGuard<()>) {
        tokio::spawn(async move {
            sleep(MOMENT).await;
            drop(turn);
        });
    }
}

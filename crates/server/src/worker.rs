//! Workers: reconcilers that look at what is there and do what is due. They take no input and may run anywhere, any
//! number of times: what has been done once is not done again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::state::AppState;
use domain::id::TenantId;
use domain::store::StoreError;
use tokio::sync::watch;

mod activation;
mod dispatch;
mod hold;
mod recalendar;
mod schedule;
mod seal;
mod simulation;
mod threshold;

pub use simulation::Simulated;

/// What one tick did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bundles that came into force at their instant, as `id/version`.
    pub activated: Vec<String>,
    /// Clocks that another calendar counts from now on, as `reason: clock`.
    pub recalendared: Vec<String>,
    /// Held messages delivered without a review, because their longest hold was over.
    pub released: usize,
    /// Messages sent because their instant had come.
    pub sent: usize,
    /// Thresholds fired, as `threshold@instant`.
    pub fired: Vec<String>,
    /// Clocks that someone else had taken care of.
    pub elsewhere: usize,
    /// Deliveries put together, as `recipient: topics`.
    pub delivered: Vec<String>,
    /// Events let go.
    pub events: usize,
    /// Audit rows sealed.
    pub sealed: usize,
    /// Whether as much was taken as one tick may take, so that more may be waiting.
    pub full: bool,
}

impl Report {
    /// Whether there was anything to do.
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

/// How long a worker may hold what it has claimed before another may take it.
const LEASE: domain::time::Span = domain::time::Span::from_seconds(30);

/// How many clocks one tick takes.
const CLOCKS: u16 = 100;

/// How many held messages one tick delivers.
const HOLDS: u16 = 100;

/// How many scheduled messages one tick sends.
const SCHEDULES: u16 = 100;

/// How many outbox rows one tick takes.
const OUTBOX: u16 = 500;

/// How long a worker that was told of a change waits for others: what many senders cause leaves together, and a tick
/// for each message would cost more than the message.
const GATHER: Duration = Duration::from_millis(100);

/// A worker.
#[derive(Clone)]
pub struct Worker {
    state: Arc<AppState>,
    /// The generation of each tenant's catalogue for which no clock is left to be counted anew.
    counted: Arc<Mutex<HashMap<TenantId, i64>>>,
}

impl Worker {
    /// A worker over the service's state.
    pub fn new(state: Arc<AppState>) -> Self {
        Self { state, counted: Arc::default() }
    }

    /// Does what is due now: bundles whose instant has come, then clocks whose calendar has changed, held messages whose
    /// time is over, messages whose instant has come, then thresholds, so that what they cause can leave in the same tick.
    pub async fn tick(&self) -> Result<Report, StoreError> {
        let mut report = Report::default();
        self.activate(&mut report).await?;
        self.recalendar(&mut report).await?;
        self.deliver_held(&mut report).await?;
        self.send_scheduled(&mut report).await?;
        self.fire(&mut report).await?;
        self.dispatch(&mut report).await?;
        self.seal(&mut report).await?;
        Ok(report)
    }

    /// Ticks every second and soon after something has changed, until told to stop.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let full = match self.tick().await {
                Ok(report) => report.full,
                Err(error) => {
                    tracing::error!(%error, "a worker's tick failed; it is tried again");
                    false
                }
            };
            if let Err(error) = self.state.policies.refresh_if_changed().await {
                tracing::warn!(%error, "could not look for a newer policy");
            }
            tokio::select! {
                () = self.pause(full) => {}
                _ = stop.changed() => return,
            }
        }
    }

    /// Until there is something to do again.
    async fn pause(&self, full: bool) {
        if full {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
            () = self.state.nudge.notified() => tokio::time::sleep(GATHER).await,
        }
    }
}

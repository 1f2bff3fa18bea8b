//! Workers: reconcilers that look at what is there and do what is due. They take no input and may run anywhere, any
//! number of times: what has been done once is not done again.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use api::state::AppState;
use domain::id::TenantId;
use domain::store::{SaveError, StoreError};
use futures_util::FutureExt as _;
use tokio::sync::watch;

mod activation;
mod adoption;
mod dispatch;
mod hold;
mod recalendar;
mod schedule;
mod seal;
mod simulation;
mod threshold;
mod withdrawal;

pub use simulation::Simulated;

/// What one tick did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bundles that came into force at their instant, as `id/version`.
    pub activated: Vec<String>,
    /// Clocks that have fallen away with the bundle they began under, as `reason: clock`.
    pub cancelled: Vec<String>,
    /// Conversations that the default pool answers because theirs is no more, as `pool: conversation`.
    pub adopted: Vec<String>,
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
    /// What could not be done and was left for later, as `step: why`.
    pub failed: Vec<String>,
    /// Whether as much was taken as one tick may take, so that more may be waiting.
    pub full: bool,
}

impl Report {
    /// Whether nothing was done. What could not be done is not done by trying at once again.
    pub fn is_idle(&self) -> bool {
        Self { failed: vec![], ..self.clone() } == Self::default()
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
    /// A step that fails, or panics, keeps none of the others back. An error is of the store as a whole.
    pub async fn tick(&self) -> Result<Report, StoreError> {
        let mut report = Report::default();
        macro_rules! steps {
            ($($step:ident),+) => {
                $(
                    let done = AssertUnwindSafe(self.$step(&mut report)).catch_unwind().await;
                    let done = done.unwrap_or_else(|_| Err(StoreError::Internal("it panicked".to_owned())));
                    self.alone(stringify!($step), None, done, &mut report)?;
                    self.state.pulse.beat();
                )+
            };
        }
        steps!(activate, recalendar, deliver_held, send_scheduled, fire, dispatch, seal);
        Ok(report)
    }

    /// Goes on after a fault of one row, one tenant or one step alone: it is told, counted and left for later, and keeps
    /// nothing else back. A store that does not answer ends the tick: the rest would only wait for it too.
    fn alone(
        &self,
        step: &'static str,
        tenant: Option<&TenantId>,
        done: Result<(), StoreError>,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        match done {
            Err(error @ (StoreError::Internal(_) | StoreError::Busy { .. })) => {
                let tenant = tenant.map(TenantId::as_str);
                tracing::error!(step, tenant, %error, "a worker has left something for later");
                self.state.metrics.failed(step);
                report.failed.push(format!("{step}: {error}"));
                Ok(())
            }
            other => other,
        }
    }

    /// What a save that may not fail any other way says.
    fn saved(saved: Result<(), SaveError>) -> Result<(), StoreError> {
        saved.map_err(|error| match error {
            SaveError::Store(error) => error,
            error => StoreError::Internal(error.to_string()),
        })
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
            self.state.pulse.beat();
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

//! Simulations that somebody asked for: taken up by whichever worker is free, and taken up again when it dies.

use std::time::{Duration, Instant as Moment};

use domain::change::{BundleRow, BundleState, Change};
use domain::id::TenantId;
use domain::simulate::{Compared, SimulationRow};
use domain::store::{SaveError, StoreError};
use tokio::sync::watch;

use super::{LEASE, Worker};
use crate::simulate::{Replay, Sides};

/// How often a worker says how far it is, and learns that nobody wants it any more.
const SAY: Duration = Duration::from_secs(1);

/// What came of looking for a simulation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Simulated {
    /// None waits.
    Nothing,
    /// One has its report, or why there is none.
    Ended(String),
    /// Somebody cancelled it, or another worker has taken it over.
    Elsewhere,
    /// The service stops; another takes it up.
    Left,
}

impl Worker {
    /// Takes the oldest simulation that waits and runs it to its end.
    pub async fn simulate(&self, stop: &watch::Receiver<bool>) -> Result<Simulated, StoreError> {
        let store = &self.state.store;
        let Some((tenant, row)) = store.claim_simulation(self.state.now(), LEASE).await? else {
            return Ok(Simulated::Nothing);
        };
        let (baseline, candidate) = (bundle(&row.baseline, &row), bundle(&row.candidate, &row));
        let sides = Sides::read(store, &tenant, Some(&baseline), &candidate, row.from).await?;
        if let Some(fault) = sides.fault() {
            let error = format!("a bundle cannot be used: {fault}");
            return self.end(&tenant, row, Err(error)).await;
        }
        let mut replay = Replay::new(store, &tenant, &sides, row.from, row.to);
        let mut row = row;
        let mut said: Option<Moment> = None;
        loop {
            let began = Moment::now();
            let read = match replay.page().await {
                Ok(Some(read)) => read,
                Ok(None) => break,
                // A message that cannot be read stays so; what is only busy or away is tried again when the lease ends.
                Err(StoreError::Internal(error)) => return self.end(&tenant, row, Err(error)).await,
                Err(error) => return Err(error),
            };
            let leaves = *stop.borrow();
            if leaves || said.is_none_or(|said| said.elapsed() >= SAY) {
                let until = (!leaves).then(|| self.state.now().plus(LEASE.seconds()));
                row = row.advanced(read, until);
                if !self.kept(&tenant, &row).await? {
                    return Ok(Simulated::Elsewhere);
                }
                said = Some(Moment::now());
            }
            if leaves {
                return Ok(Simulated::Left);
            }
            // At most half of a processor and of a reader: messages come first.
            tokio::time::sleep(began.elapsed()).await;
        }
        row.processed = row.total;
        let report =
            serde_json::to_string(&replay.finish()).map_err(|error| StoreError::Internal(error.to_string()))?;
        self.end(&tenant, row, Ok(report)).await
    }

    /// Looks for simulations every second, until told to stop.
    pub async fn run_simulations(self, mut stop: watch::Receiver<bool>) {
        loop {
            let found = self.simulate(&stop).await.unwrap_or_else(|error| {
                tracing::error!(%error, "a simulation failed; it is tried again");
                Simulated::Nothing
            });
            let wait = if found == Simulated::Nothing { Duration::from_secs(1) } else { Duration::ZERO };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                _ = stop.changed() => return,
            }
        }
    }

    async fn end(
        &self,
        tenant: &TenantId,
        row: SimulationRow,
        report: Result<String, String>,
    ) -> Result<Simulated, StoreError> {
        let row = row.ended(self.state.now(), report);
        let kept = self.kept(tenant, &row).await?;
        Ok(if kept { Simulated::Ended(row.id.to_string()) } else { Simulated::Elsewhere })
    }

    /// Saves how far a simulation is; `false` when somebody else has moved it on.
    async fn kept(&self, tenant: &TenantId, row: &SimulationRow) -> Result<bool, StoreError> {
        let mut change = Change::new(tenant.clone());
        change.simulations = vec![row.clone()];
        match self.state.store.save(change).await {
            Err(SaveError::Conflict { .. }) => Ok(false),
            saved => Self::saved(saved).map(|()| true),
        }
    }
}

/// One of the two sides as the catalogue would hold it.
fn bundle(compared: &Compared, row: &SimulationRow) -> BundleRow {
    let (id, version) = compared.name.rsplit_once('/').unwrap_or((&compared.name, ""));
    BundleRow {
        id: id.to_owned(),
        version: version.parse().unwrap_or_default(),
        hash: compared.hash.clone(),
        state: BundleState::Active,
        effective_from: row.from,
        body: compared.body.clone(),
        cancels: None,
    }
}

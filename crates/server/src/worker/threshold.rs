//! Thresholds that have come.

use std::collections::HashMap;

use domain::access::Visibility;
use domain::change::Stored;
use domain::clock::{Clock, ClockName};
use domain::decide::{Setting, fire};
use domain::id::{Key, ResourceId, ResourceType, TenantId};
use domain::search::Read;
use domain::store::{ClaimedClock, SaveError, StoreError, ThreadView};
use domain::time::Instant;
use fhir::decided::{self, Frame};
use futures_util::future::join_all;

use super::{CLOCKS, LEASE, Report, Worker};

impl Worker {
    /// Fires the thresholds that have come, oldest first: those of one thread one after the other, for each changes what
    /// the next is decided about; those of different threads at once, so that they are committed together.
    pub(super) async fn fire(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let claimed = self.state.store.claim_clocks(now, LEASE, CLOCKS).await?;
        report.full |= claimed.len() >= usize::from(CLOCKS);
        let mut threads: Vec<Vec<ClaimedClock>> = vec![];
        let mut known: HashMap<(TenantId, ResourceId), usize> = HashMap::new();
        for claimed in claimed {
            let place = *known.entry((claimed.tenant.clone(), claimed.clock.thread.clone())).or_insert(threads.len());
            if place == threads.len() {
                threads.push(vec![]);
            }
            threads[place].push(claimed);
        }
        let fired = threads.iter().map(|clocks| async move {
            let mut fired = vec![];
            for claimed in clocks {
                fired.push((&claimed.tenant, self.fire_one(claimed, now).await));
            }
            fired
        });
        for (tenant, fired) in join_all(fired).await.into_iter().flatten() {
            match fired {
                Ok(Some(fired)) => report.fired.extend(fired),
                Ok(None) => report.elsewhere += 1,
                Err(error) => self.alone("fire", Some(tenant), Err(error), report)?,
            }
        }
        Ok(())
    }

    /// The thresholds of a clock that have fired; `None` when somebody else has taken care of it.
    async fn fire_one(&self, claimed: &ClaimedClock, now: Instant) -> Result<Option<Vec<String>>, StoreError> {
        let ClaimedClock { tenant, clock } = claimed;
        let mut policy = self.state.policies.current(tenant).await?;
        loop {
            let view = self.view_of(claimed).await?;
            // The clock as it stands now: it may have been stopped or moved since it was claimed.
            let Some(current) = view.clocks.iter().find(|other| other.id == clock.id) else {
                return Ok(None);
            };
            let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
            let setting = Setting { policy: &policy, now };
            let (change, fired) = match fire(setting, &view, current, &mut self.state.ids(now)) {
                Some(fired) => {
                    let names: Vec<String> =
                        fired.firings.iter().map(|firing| format!("{}@{}", firing.threshold, firing.at)).collect();
                    self.state.metrics.decided(fired.record.outcome.as_str());
                    let mut change = decided::fired(&frame, &view, fired)
                        .map_err(|issues| StoreError::Internal(format!("a Task could not be written: {issues:?}")))?;
                    change.audit = vec![self.noted_of(&view.thread, now, "fire-threshold")];
                    (change, names)
                }
                None => match moved(current, &policy) {
                    Some(clock) => {
                        let mut change = domain::change::Change::new(tenant.clone());
                        change.generation = Some(policy.generation);
                        change.clocks = vec![clock];
                        (change, vec![])
                    }
                    None => return Ok(Some(vec![])),
                },
            };
            match self.state.store.save(change).await {
                Ok(()) => return Ok(Some(fired)),
                Err(SaveError::StaleCatalogue) => policy = self.state.policies.renewed(tenant, &policy).await?,
                // Someone answered, or another worker fired it: there is nothing left to do here.
                Err(SaveError::Conflict { .. } | SaveError::AlreadyFired) => return Ok(None),
                Err(SaveError::NotUnique { .. }) => {
                    return Err(StoreError::Internal("a firing named an identifier that is taken".to_owned()));
                }
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

impl Worker {
    /// The thread of a clock, with the Task of what that clock counts.
    pub(super) async fn view_of(&self, claimed: &ClaimedClock) -> Result<ThreadView, StoreError> {
        let ClaimedClock { tenant, clock } = claimed;
        let view = self.state.store.thread_of(tenant.clone(), clock.thread.clone()).await?;
        let mut view = view.ok_or_else(|| StoreError::Internal(format!("clock {} belongs to no thread", clock.id)))?;
        if clock.name == ClockName::Review {
            // A review is not what the thread owes its patient: it has a Task of its own.
            view.task = self.review(tenant, clock).await?;
        }
        Ok(view)
    }

    /// The Task of a review as it is stored.
    async fn review(&self, tenant: &TenantId, clock: &Clock) -> Result<Option<Stored>, StoreError> {
        let Some(task) = clock.task.clone() else { return Ok(None) };
        let key = Key::new(ResourceType::Task, task);
        let read = Read { tenant: tenant.clone(), key, version: None, visibility: Visibility::Everything };
        self.state.store.read(read).await
    }
}

/// The clock with its next threshold found anew, when the stored one no longer is where the calendar puts it.
fn moved(clock: &Clock, policy: &domain::policy::Policy) -> Option<Clock> {
    let next = clock.next_threshold(policy);
    (next != clock.next).then(|| Clock { next, revision: clock.revision + 1, ..clock.clone() })
}

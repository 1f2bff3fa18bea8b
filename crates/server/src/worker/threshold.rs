//! Thresholds that have come.

use domain::access::Visibility;
use domain::clock::{Clock, ClockName};
use domain::decide::{Setting, fire};
use domain::id::{Key, ResourceType, TenantId};
use domain::search::Read;
use domain::store::{ClaimedClock, SaveError, StoreError, ThreadView};
use domain::time::Instant;
use fhir::decided::{self, Frame};

use super::{CLOCKS, LEASE, Report, Worker};

impl Worker {
    /// Fires the thresholds that have come, oldest first.
    pub(super) async fn fire(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let claimed = self.state.store.claim_clocks(now, LEASE, CLOCKS).await?;
        report.full |= claimed.len() >= usize::from(CLOCKS);
        for claimed in claimed {
            let done = self.fire_one(&claimed, now, report).await;
            self.alone("fire", Some(&claimed.tenant), done, report)?;
        }
        Ok(())
    }

    async fn fire_one(&self, claimed: &ClaimedClock, now: Instant, report: &mut Report) -> Result<(), StoreError> {
        let ClaimedClock { tenant, clock } = claimed;
        let mut policy = self.state.policies.current(tenant).await?;
        loop {
            let view = self.view_of(tenant, clock).await?;
            // The clock as it stands now: it may have been stopped or moved since it was claimed.
            let Some(current) = view.clocks.iter().find(|other| other.id == clock.id) else {
                report.elsewhere += 1;
                return Ok(());
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
                    None => return Ok(()),
                },
            };
            match self.state.store.save(change).await {
                Ok(()) => {
                    report.fired.extend(fired);
                    return Ok(());
                }
                Err(SaveError::StaleCatalogue) => policy = self.state.policies.renewed(tenant, &policy).await?,
                // Someone answered, or another worker fired it: there is nothing left to do here.
                Err(SaveError::Conflict { .. } | SaveError::AlreadyFired) => {
                    report.elsewhere += 1;
                    return Ok(());
                }
                Err(SaveError::NotUnique { .. }) => {
                    return Err(StoreError::Internal("a firing named an identifier that is taken".to_owned()));
                }
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

impl Worker {
    /// The thread of a clock, with the Task that mirrors it. A review is not what the thread owes its patient: it has a
    /// Task of its own.
    pub(super) async fn view_of(&self, tenant: &TenantId, clock: &Clock) -> Result<ThreadView, StoreError> {
        let found = self.state.store.thread_of(tenant.clone(), clock.thread.clone()).await?;
        let lost = || StoreError::Internal(format!("clock {} belongs to no thread", clock.id));
        let mut view = found.ok_or_else(lost)?;
        if clock.name == ClockName::Review
            && let Some(task) = clock.task.clone()
        {
            let key = Key::new(ResourceType::Task, task);
            let read = Read { tenant: tenant.clone(), key, version: None, visibility: Visibility::Everything };
            view.task = self.state.store.read(read).await?;
        }
        Ok(view)
    }
}

/// The clock with its next threshold found anew, when the stored one no longer is where the calendar puts it.
fn moved(clock: &Clock, policy: &domain::policy::Policy) -> Option<Clock> {
    let next = clock.next_threshold(policy);
    (next != clock.next).then(|| Clock { next, revision: clock.revision + 1, ..clock.clone() })
}

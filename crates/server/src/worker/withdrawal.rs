//! Clocks that fall away with the bundle they began under.

use domain::change::{BundleState, CancelReason};
use domain::decide::{Setting, withdraw};
use domain::id::TenantId;
use domain::policy::Policy;
use domain::store::{ClaimedClock, SaveError, StoreError};
use domain::time::Instant;
use fhir::decided::{self, Frame};

use super::{CLOCKS, LEASE, Report, Worker};

impl Worker {
    /// Cancels what is owed under bundles before the one in force, a batch at a time, where its activation says why.
    /// Whether nothing of that is left.
    pub(super) async fn withdraw_all(
        &self,
        tenant: &TenantId,
        policy: &Policy,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let bundles = self.state.store.bundles(tenant.clone()).await?;
        let active = bundles.into_iter().find(|row| row.state == BundleState::Active);
        // Where the built-in bundle stands in, it is not the one that was activated.
        let Some(active) = active.filter(|row| row.name() == policy.name()) else { return Ok(true) };
        let Some(reason) = active.cancels else { return Ok(true) };
        let now = self.state.now();
        let claimed = self.state.store.claim_before(tenant.clone(), active, now, LEASE, CLOCKS).await?;
        report.full |= claimed.len() >= usize::from(CLOCKS);
        for claimed in &claimed {
            let done = self.withdraw_one(claimed, policy, (reason, now), report).await;
            self.alone("withdraw", Some(tenant), done, report)?;
        }
        Ok(claimed.is_empty())
    }

    async fn withdraw_one(
        &self,
        claimed: &ClaimedClock,
        policy: &Policy,
        (reason, now): (CancelReason, Instant),
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let ClaimedClock { tenant, clock } = claimed;
        let view = self.view_of(claimed).await?;
        let current = view.clocks.iter().find(|other| other.id == clock.id);
        let setting = Setting { policy, now };
        let waiting = self.state.store.waiting_notices(tenant.clone(), view.thread.id.clone()).await?;
        let mut ids = self.state.ids(now);
        let decision = current.and_then(|current| withdraw(setting, &view, current, (reason, &waiting), &mut ids));
        let Some((decision, dropped)) = decision else {
            report.elsewhere += 1;
            return Ok(());
        };
        self.state.metrics.decided(decision.record.outcome.as_str());
        let told = format!("{}: {}", reason.as_str(), clock.id);
        let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
        let mut change = decided::fired(&frame, &view, decision)
            .map_err(|issues| StoreError::Internal(format!("a Task could not be written: {issues:?}")))?;
        change.dispatched = dropped;
        change.audit = vec![self.noted_of(&view.thread, now, "withdraw")];
        match self.state.store.save(change).await {
            Ok(()) => report.cancelled.push(told),
            // Someone answered, or another worker did it; after a newer generation the next tick looks again.
            Err(SaveError::Conflict { .. } | SaveError::AlreadyFired | SaveError::StaleCatalogue) => {
                report.elsewhere += 1;
            }
            saved => return Self::saved(saved),
        }
        Ok(())
    }
}

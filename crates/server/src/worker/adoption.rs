//! Conversations whose pool is gone with the bundle that named it.

use domain::decide::{Setting, adopt};
use domain::id::{ResourceId, TenantId};
use domain::policy::Policy;
use domain::store::{SaveError, StoreError};
use domain::time::Instant;
use fhir::decided::{self, Frame};

use super::{CLOCKS, Report, Worker};

impl Worker {
    /// Hands conversations that are not closed to the default pool where the bundle in force has not theirs, a
    /// batch at a time. What makes it happen once is the save. Whether none is left.
    pub(super) async fn adopt_all(
        &self,
        tenant: &TenantId,
        policy: &Policy,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let now = self.state.now();
        let ids = policy.pools().iter().map(|pool| pool.id.clone()).collect();
        let pools = policy.bundle.pools.iter().map(|pool| pool.reference.clone()).collect();
        let found = self.state.store.orphaned(tenant.clone(), ids, pools, CLOCKS).await?;
        let before = report.adopted.len();
        for thread in &found {
            let done = self.adopt_one((tenant, thread), policy, now, report).await;
            self.alone("adopt", Some(tenant), done, report)?;
        }
        // Where nothing could be done there is nothing more to expect at once.
        report.full |= found.len() >= usize::from(CLOCKS) && report.adopted.len() > before;
        Ok(found.is_empty())
    }

    async fn adopt_one(
        &self,
        (tenant, thread): (&TenantId, &ResourceId),
        policy: &Policy,
        now: Instant,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let view = self.state.store.thread_of(tenant.clone(), thread.clone()).await?;
        let decided = view.and_then(|view| {
            let decision = adopt(Setting { policy, now }, &view, &mut self.state.ids(now))?;
            Some((view, decision))
        });
        let Some((view, decision)) = decided else {
            report.elsewhere += 1;
            return Ok(());
        };
        self.state.metrics.decided(decision.record.outcome.as_str());
        let told = format!("{}: {thread}", view.thread.pool.as_deref().unwrap_or_default());
        let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
        let mut change = decided::decided(&frame, Some(&view), decision)
            .map_err(|issues| StoreError::Internal(format!("a Task could not be written: {issues:?}")))?;
        change.audit = vec![self.noted_of(&view.thread, now, "hand-over")];
        match self.state.store.save(change).await {
            Ok(()) => report.adopted.push(told),
            // Somebody has written, or another worker did it; after a newer generation the next tick looks again.
            Err(SaveError::Conflict { .. } | SaveError::StaleCatalogue) => report.elsewhere += 1,
            saved => return Self::saved(saved),
        }
        Ok(())
    }
}

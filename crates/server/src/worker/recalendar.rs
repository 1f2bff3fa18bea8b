//! Clocks that are counted by a calendar which is no longer in force.

use std::sync::{Arc, PoisonError};

use domain::decide::{Setting, another_calendar, recalendar};
use domain::id::TenantId;
use domain::policy::Policy;
use domain::store::{ClaimedClock, CountedBy, SaveError, StoreError};
use domain::time::Instant;
use fhir::decided::{self, Frame};

use super::{CLOCKS, LEASE, Report, Worker};

impl Worker {
    /// Lets clocks fall away that began under a bundle whose clocks were to be cancelled, hands conversations over whose
    /// pool is no more, and moves clocks to the calendar that counts today, a batch at a time. What clocks are counted by is looked at once
    /// for each generation of the catalogue: a clock that begins later begins under the calendar in force, because its
    /// save names the generation.
    pub(super) async fn recalendar(&self, report: &mut Report) -> Result<(), StoreError> {
        for (tenant, generation) in self.state.store.generations().await? {
            let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied();
            if counted == Some(generation) {
                continue;
            }
            let done = self.recalendar_tenant(&tenant, generation, report).await;
            self.alone("recalendar", Some(&tenant), done, report)?;
        }
        Ok(())
    }

    async fn recalendar_tenant(
        &self,
        tenant: &TenantId,
        generation: i64,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let mut policy = self.state.policies.current(tenant).await?;
        if policy.generation != generation {
            policy = self.state.policies.renewed(tenant, &policy).await?;
        }
        if policy.degraded.is_some() {
            // What stands in was not activated by anybody: nothing that runs is moved, ended or handed over for it.
            return Ok(());
        }
        let cancelled = self.withdraw_all(tenant, &policy, report).await?;
        let adopted = self.adopt_all(tenant, &policy, report).await?;
        if self.recalendar_all(tenant, &policy, report).await? && cancelled && adopted {
            let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
            counted.insert(tenant.clone(), policy.generation);
        }
        Ok(())
    }

    /// Whether no clock of the tenant is left that another calendar should count.
    async fn recalendar_all(
        &self,
        tenant: &TenantId,
        policy: &Arc<Policy>,
        report: &mut Report,
    ) -> Result<bool, StoreError> {
        let now = self.state.now();
        let stale = |by: &CountedBy| another_calendar(policy, &by.counted_by, &by.calendar).is_some();
        let found = self.state.store.counted_by(tenant.clone()).await?;
        let stale: Vec<CountedBy> = found.into_iter().filter(stale).collect();
        let none = stale.is_empty();
        let mut left = usize::from(CLOCKS);
        for by in stale {
            let limit = u16::try_from(left).unwrap_or(CLOCKS);
            if limit == 0 {
                break;
            }
            let claimed = self.state.store.claim_counted(tenant.clone(), by, now, LEASE, limit).await?;
            left = left.saturating_sub(claimed.len());
            for claimed in claimed {
                let done = self.recalendar_one(&claimed, policy, now, report).await;
                self.alone("recalendar", Some(tenant), done, report)?;
            }
        }
        report.full |= left == 0;
        Ok(none)
    }

    async fn recalendar_one(
        &self,
        claimed: &ClaimedClock,
        policy: &Policy,
        now: Instant,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let ClaimedClock { tenant, clock } = claimed;
        let view = self.view_of(claimed).await?;
        let current = view.clocks.iter().find(|other| other.id == clock.id);
        let setting = Setting { policy, now };
        let decision = current.and_then(|current| recalendar(setting, &view, current, &mut self.state.ids(now)));
        let Some(decision) = decision else {
            report.elsewhere += 1;
            return Ok(());
        };
        self.state.metrics.decided(decision.record.outcome.as_str());
        let why = decision.record.effects.iter().find(|effect| effect.kind == "calendar");
        let told = format!("{}: {}", why.map_or("", |effect| &effect.what), clock.id);
        let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
        let mut change = decided::fired(&frame, &view, decision)
            .map_err(|issues| StoreError::Internal(format!("a Task could not be written: {issues:?}")))?;
        change.audit = vec![self.noted_of(&view.thread, now, "recalendar")];
        match self.state.store.save(change).await {
            Ok(()) => report.recalendared.push(told),
            // Someone answered, or another worker did it; after a newer generation the next tick looks again.
            Err(SaveError::Conflict { .. } | SaveError::AlreadyFired | SaveError::StaleCatalogue) => {
                report.elsewhere += 1;
            }
            Err(SaveError::NotUnique { .. }) => {
                return Err(StoreError::Internal("a decision named an identifier that is taken".to_owned()));
            }
            Err(SaveError::Store(error)) => return Err(error),
        }
        Ok(())
    }
}

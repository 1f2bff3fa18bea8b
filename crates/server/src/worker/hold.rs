//! Held messages that nobody has reviewed in time: they are delivered, and a person must look.

use api::held::Held;
use domain::change::{AuditAction, AuditRow};
use domain::decide::{Setting, expire};
use domain::hold::Hold;
use domain::id::TenantId;
use domain::store::{SaveError, StoreError};
use domain::time::Instant;
use fhir::decided::{self, Frame};

use super::{HOLDS, Report, Worker};

impl Worker {
    /// Delivers what has been held for longest, the oldest first. What makes it happen once is the save: a hold ends
    /// once.
    pub(super) async fn deliver_held(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let due = self.state.store.due_holds(now, HOLDS).await?;
        let full = due.len() >= usize::from(HOLDS);
        let before = report.released;
        for (tenant, hold) in due {
            let done = self.deliver_one(&tenant, hold, now, report).await;
            self.alone("deliver_held", Some(&tenant), done, report)?;
        }
        // Of those that nobody can deliver there is nothing more to expect at once.
        report.full |= full && report.released > before;
        Ok(())
    }

    async fn deliver_one(
        &self,
        tenant: &TenantId,
        found: Hold,
        now: Instant,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let policy = self.state.policies.current(tenant).await?;
        let held = Held::read(&self.state, tenant, found).await?;
        let setting = Setting { policy: &policy, now };
        let mut ids = self.state.ids(now);
        let shadow = held.shadow(&self.state, (tenant, &policy), (now, &ids), |setting, ids| {
            expire(setting, held.message(), held.known(), ids)
        });
        let Some(decision) = expire(setting, held.message(), held.known(), &mut ids) else { return Ok(()) };
        let outcome = decision.record.outcome;
        let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
        let rows = (&held.stored, held.review.as_ref());
        let mut change = decided::released(&frame, &held.view, rows, decision)
            .map_err(|issues| StoreError::Internal(format!("a message could not be released: {issues:?}")))?;
        change.shadows = shadow;
        change.audit = vec![AuditRow {
            action: AuditAction::Execute,
            focus: Some(held.stored.key.clone()),
            version: Some(held.stored.version.next()),
            patient: held.hold.patient.clone(),
            count: 1,
            ..self.noted(now, "release-hold")
        }];
        match self.state.store.save(change).await {
            Ok(()) => {
                self.state.metrics.decided(outcome.as_str());
                report.released += 1;
            }
            // Somebody reviewed it, or another worker delivered it; if it was only that the thread or the policy moved
            // on, the next tick does it.
            Err(SaveError::Conflict { .. }) => report.elsewhere += 1,
            Err(SaveError::StaleCatalogue) => drop(self.state.policies.renewed(tenant, &policy).await?),
            saved => return Self::saved(saved),
        }
        Ok(())
    }
}

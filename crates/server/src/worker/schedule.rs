//! Messages whose instant has come: they are sent, each once.

use api::scheduled::Due;
use domain::change::{AuditAction, AuditRow};
use domain::id::TenantId;
use domain::schedule::Scheduled;
use domain::store::{SaveError, StoreError};
use domain::time::Instant;
use fhir::decided::Frame;

use super::{Report, SCHEDULES, Worker};

impl Worker {
    /// Sends what is due, the earliest first. What makes it happen once is the save: a message has each version once.
    pub(super) async fn send_scheduled(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let due = self.state.store.due_schedules(now, SCHEDULES).await?;
        let full = due.len() >= usize::from(SCHEDULES);
        let before = report.sent;
        for (tenant, scheduled) in due {
            let done = self.send_one(&tenant, &scheduled, now, report).await;
            self.alone("send_scheduled", Some(&tenant), done, report)?;
        }
        // Of those that nobody can send there is nothing more to expect at once.
        report.full |= full && report.sent > before;
        Ok(())
    }

    async fn send_one(
        &self,
        tenant: &TenantId,
        scheduled: &Scheduled,
        now: Instant,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let policy = self.state.policies.current(tenant).await?;
        let Some(due) = Due::read(&self.state, tenant, scheduled, &policy).await? else {
            report.elsewhere += 1;
            return Ok(());
        };
        let frame = Frame { tenant, generation: policy.generation, now: self.state.time.now() };
        let (mut change, write) = due.sent(&self.state, &policy, &frame, &mut self.state.ids(now))?;
        change.audit = vec![AuditRow {
            action: AuditAction::Execute,
            focus: Some(write.key.clone()),
            version: Some(write.version),
            patient: write.patient.clone(),
            count: 1,
            ..self.noted(now, "release-scheduled")
        }];
        let outcomes: Vec<String> = change.decisions.iter().map(|decision| decision.outcome.clone()).collect();
        match self.state.store.save(change).await {
            Ok(()) => {
                for outcome in outcomes {
                    self.state.metrics.decided(&outcome);
                }
                report.sent += 1;
            }
            // Another worker sent it, its author has changed it, or its thread or the policy has moved on: if it still
            // waits, the next tick sends it.
            Err(SaveError::Conflict { .. }) => report.elsewhere += 1,
            Err(SaveError::StaleCatalogue) => drop(self.state.policies.renewed(tenant, &policy).await?),
            saved => return Self::saved(saved),
        }
        Ok(())
    }
}

//! Bundles that come into force at an instant.

use domain::change::{AuditAction, AuditOutcome, AuditRow, BundleRow, Change};
use domain::id::{Key, ResourceType, TenantId};
use domain::policy::bundle::Bundle;
use domain::policy::life;
use domain::policy::lint::Severity;
use domain::store::{SaveError, StoreError};
use domain::thread::Thread;
use domain::time::Instant;

use super::{Report, Worker};

impl Worker {
    /// Puts in force the bundles whose instant has come, the earliest first. What makes it happen once is the save: it
    /// starts a generation of the catalogue, and only one change can start the one that follows.
    pub(super) async fn activate(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        for (tenant, bundle) in self.state.store.due_bundles(now).await? {
            let done = self.activate_one(&tenant, &bundle, now, report).await;
            self.alone("activate", Some(&tenant), done, report)?;
        }
        Ok(())
    }

    async fn activate_one(
        &self,
        tenant: &TenantId,
        due: &BundleRow,
        now: Instant,
        report: &mut Report,
    ) -> Result<(), StoreError> {
        let store = &self.state.store;
        // Before the bundles: what changes between the two is found on saving.
        let generation = store.generation(tenant.clone()).await?;
        let known = store.bundles(tenant.clone()).await?;
        if !known.contains(due) {
            report.elsewhere += 1;
            return Ok(());
        }
        let usable = is_usable(due, now);
        let rows = if usable { life::activated(&known, due, due.effective_from, now) } else { life::retired(due) };
        let mut change = Change::new(tenant.clone());
        change.generation = Some(generation);
        change.new_generation = true;
        change.bundles = rows.map_err(|refusal| StoreError::Internal(format!("{}: {refusal}", due.name())))?;
        change.audit = vec![self.noted(now, if usable { "activate-bundle" } else { "retire-bundle" })];
        match store.save(change).await {
            Ok(()) if usable => report.activated.push(due.name()),
            Ok(()) => {
                let bundle = due.name();
                tracing::error!(%tenant, bundle, "a bundle that was to come into force has errors now; it was retired");
            }
            // Another worker did it, or it was taken back; if it was only that hours changed, the next tick does it.
            Err(SaveError::StaleCatalogue | SaveError::Conflict { .. }) => report.elsewhere += 1,
            saved => return Self::saved(saved),
        }
        Ok(())
    }

    /// What the service itself decided about a conversation.
    pub(super) fn noted_of(&self, thread: &Thread, now: Instant, interaction: &'static str) -> AuditRow {
        AuditRow {
            focus: Some(Key::new(ResourceType::Communication, thread.id.clone())),
            patient: thread.patient.clone(),
            ..self.noted(now, interaction)
        }
    }

    /// Nobody asked for it at this moment: the service did it.
    pub(super) fn noted(&self, now: Instant, interaction: &'static str) -> AuditRow {
        AuditRow {
            id: self.state.ids(now).next_id(),
            at: self.state.time.now(),
            client: "postern".to_owned(),
            subject: None,
            issuer: None,
            agent: None,
            action: AuditAction::Execute,
            interaction: interaction.into(),
            focus: None,
            version: None,
            patient: None,
            about: vec![],
            query: None,
            count: 0,
            request: String::new(),
            outcome: AuditOutcome::Done,
            source: None,
            purpose: None,
        }
    }
}

/// Lint found no error when the instant was set; a newer program may see more.
fn is_usable(bundle: &BundleRow, now: Instant) -> bool {
    Bundle::read(&bundle.body)
        .is_ok_and(|bundle| bundle.lint(now).iter().all(|finding| finding.severity != Severity::Error))
}

//! The audit trail is sealed behind the writers, in the order of what is committed, so that they never wait for each
//! other.

use std::collections::BTreeMap;

use api::audit::AuditKey;
use domain::audit::Chain;
use domain::change::{AuditRow, Change};
use domain::id::TenantId;
use domain::store::{SaveError, StoreError};

use super::{Report, Worker};

/// How many rows of a tenant one tick seals.
const ROWS: u16 = 1000;

impl Worker {
    /// Seals what has been recorded since. Of two workers that do so at once, one is told that it was done.
    pub(super) async fn seal(&self, report: &mut Report) -> Result<(), StoreError> {
        if self.state.audit_key.is_none() {
            return Ok(());
        }
        let found = self.state.store.unsealed(ROWS).await?;
        let mut by_tenant = BTreeMap::<TenantId, Vec<AuditRow>>::new();
        for (tenant, row) in found {
            by_tenant.entry(tenant).or_default().push(row);
        }
        for (tenant, rows) in by_tenant {
            let done = self.extend(&tenant, &rows, report).await;
            self.alone("seal", Some(&tenant), done, report)?;
        }
        Ok(())
    }

    async fn extend(&self, tenant: &TenantId, rows: &[AuditRow], report: &mut Report) -> Result<(), StoreError> {
        let Some(key) = &self.state.audit_key else { return Ok(()) };
        let Some(mut chain) = self.end_of_chain(tenant, key).await? else {
            return Err(StoreError::Internal(
                "the audit trail is not sealed: its end was changed, or POSTERN_AUDIT_KEY is not the key it was sealed with"
                    .to_owned(),
            ));
        };
        let mut change = Change::new(tenant.clone());
        change.seals = rows.iter().map(|row| chain.seal(row, &|text| key.digest(text))).collect();
        match self.state.store.save(change).await {
            Ok(()) => {
                let end = chain.checkpoint();
                // Kept with the logs, away from the database: a chain that is cut can be told from one that ends.
                tracing::info!(target: "postern::audit", %tenant, sequence = end.sequence, seal = end.seal, "sealed");
                report.sealed += rows.len();
                report.full |= rows.len() >= usize::from(ROWS);
            }
            // Another sealer was there first, and its tick says so.
            Err(SaveError::Conflict { .. }) => {}
            saved => return Self::saved(saved),
        }
        Ok(())
    }

    /// The chain as far as it goes; `None` when its last row does not follow from the one before it under this key.
    async fn end_of_chain(&self, tenant: &TenantId, key: &AuditKey) -> Result<Option<Chain>, StoreError> {
        let last = self.state.store.last_sealed(tenant.clone(), 2).await?;
        let (mut chain, next) = match last.as_slice() {
            [] => return Ok(Some(Chain::new(tenant.clone()))),
            [only] => (Chain::new(tenant.clone()), only),
            [before, .., only] => (Chain::after(tenant.clone(), before), only),
        };
        Ok(chain.follow(next, &|text| key.digest(text)).ok().map(|()| chain))
    }
}

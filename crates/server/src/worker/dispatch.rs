//! The outbox: notices that may leave become deliveries, several for one recipient a single digest.

use std::collections::BTreeMap;

use domain::change::{Change, Delivery, Dispatched, OutboxRow};
use domain::decide::{answering, released};
use domain::id::{Reference, TenantId};
use domain::store::{ClaimedOutbox, SaveError, StoreError};
use domain::time::Instant;
use futures_util::future::join_all;

use super::{LEASE, OUTBOX, Report, Worker};

impl Worker {
    /// Lets go what may leave. Each recipient's notices are one change of their own: what one worker loses to another
    /// holds nothing else back.
    pub(super) async fn dispatch(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let mut waiting: BTreeMap<(TenantId, Option<String>), Vec<OutboxRow>> = BTreeMap::new();
        let claimed = self.state.store.claim_outbox(now, LEASE, OUTBOX).await?;
        report.full |= claimed.len() >= usize::from(OUTBOX);
        if claimed.iter().any(|claimed| claimed.row.recipient.is_some()) {
            // Who is there is to be known as it stands: no save of what leaves compares it.
            self.state.policies.refresh_if_changed().await?;
        }
        for ClaimedOutbox { tenant, row } in claimed {
            let recipient = self.recipient(&tenant, &row, now).await?;
            waiting.entry((tenant, recipient)).or_default().push(row);
        }
        let mut ids = self.state.ids(now);
        let saves = waiting.into_iter().map(|((tenant, recipient), mut rows)| {
            rows.sort_by(|a, b| (a.release_at, &a.id).cmp(&(b.release_at, &b.id)));
            let delivery = recipient.map(|recipient| Delivery {
                id: ids.next_id(),
                recipient,
                at: now,
                outbox: rows.iter().map(|row| row.id.clone()).collect(),
                topics: rows.iter().map(|row| row.topic.clone()).collect(),
            });
            let done = |row: &OutboxRow| Dispatched {
                outbox: row.id.clone(),
                delivery: delivery.as_ref().map(|delivery| delivery.id.clone()),
                at: now,
            };
            let mut change = Change::new(tenant);
            change.dispatched = rows.iter().map(done).collect();
            change.deliveries = delivery.clone().into_iter().collect();
            async move { (delivery, rows.len(), self.state.store.save(change).await) }
        });
        // All at once, so that they are committed together.
        for (delivery, rows, saved) in join_all(saves).await {
            match saved {
                Ok(()) => match delivery {
                    Some(delivery) => {
                        report.delivered.push(format!("{}: {}", delivery.recipient, delivery.topics.join(", ")));
                    }
                    None => report.events += rows,
                },
                Err(SaveError::Conflict { .. }) => report.elsewhere += 1,
                Err(SaveError::Store(error)) => return Err(error),
                Err(error) => return Err(StoreError::Internal(error.to_string())),
            }
        }
        Ok(())
    }

    /// Whom a notice is for at this moment: in the place of somebody who has gone away since it was written, who covers.
    async fn recipient(&self, tenant: &TenantId, row: &OutboxRow, now: Instant) -> Result<Option<String>, StoreError> {
        let Some(named) = row.recipient.as_ref().and_then(|recipient| recipient.parse::<Reference>().ok()) else {
            return Ok(row.recipient.clone());
        };
        let policy = self.state.policies.current(tenant).await?;
        if !policy.people().has_absences(&named) {
            return Ok(row.recipient.clone());
        }
        let thread = match &row.thread {
            Some(thread) => self.state.store.thread_of(tenant.clone(), thread.clone()).await?,
            None => None,
        };
        let pool = thread.map_or_else(|| policy.default_pool(), |view| answering(&policy, &view.thread));
        Ok(Some(released(&policy, &named, pool, now).unwrap_or(named).to_string()))
    }
}

//! The outbox: notices that may leave become deliveries, several for one recipient a single digest.

use std::collections::{BTreeMap, BTreeSet};

use api::mandate::denies;
use api::unread::is_needless;
use domain::change::{AuditRow, Change, Delivery, Dispatched, Hours, OutboxRow, PutOff};
use domain::decide::{answering, put_off, released};
use domain::id::{Reference, ResourceId, TenantId};
use domain::store::{ClaimedOutbox, SaveError, StoreError};
use domain::thread::Thread;
use domain::time::Instant;
use futures_util::future::join_all;

use super::{LEASE, OUTBOX, Report, Worker};

impl Worker {
    /// Lets go what may leave. Each recipient's notices are one change of their own: what one worker loses to another
    /// holds nothing else back. What may not leave after all, because hours have changed since or the worker is late,
    /// waits on; what tells of nothing any more is dropped.
    pub(super) async fn dispatch(&self, report: &mut Report) -> Result<(), StoreError> {
        let now = self.state.now();
        let claimed = self.state.store.claim_outbox(now, LEASE, OUTBOX).await?;
        report.full |= claimed.len() >= usize::from(OUTBOX);
        if claimed.iter().any(|claimed| claimed.row.recipient.is_some()) {
            // Who is there is to be known as it stands: no save of what leaves compares it.
            let refreshed = self.state.policies.refresh_if_changed().await;
            // Where it is not known, notices leave by what was known last: better than not at all.
            self.alone("dispatch", None, refreshed.map(drop), report)?;
        }
        let threads = self.threads_of(&claimed).await?;
        let mut waiting: BTreeMap<(TenantId, Option<String>), Vec<OutboxRow>> = BTreeMap::new();
        let mut later: BTreeMap<TenantId, Vec<PutOff>> = BTreeMap::new();
        let mut needless: Vec<(TenantId, Dispatched)> = vec![];
        for ClaimedOutbox { tenant, row } in claimed {
            let thread = row.thread.as_ref().and_then(|thread| threads.get(&(tenant.clone(), thread.clone())));
            match self.leaves(&tenant, &row, thread, now).await {
                Ok(Leaves::To(recipient)) => waiting.entry((tenant, recipient)).or_default().push(row),
                Ok(Leaves::Later(until)) => {
                    later.entry(tenant).or_default().push(PutOff { outbox: row.id, until });
                }
                Ok(Leaves::Needless) => {
                    needless.push((tenant, Dispatched { outbox: row.id, delivery: None, at: now }));
                }
                // It stays claimed, and is taken again once the lease has ended.
                Err(error) => self.alone("dispatch", Some(&tenant), Err(error), report)?,
            }
        }
        let mut ids = self.state.ids(now);
        let waits = later.into_iter().map(|(tenant, put_off)| (None, 0, Change { put_off, ..Change::new(tenant) }));
        let dropped = needless.into_iter().map(|(tenant, row)| {
            let change = Change { dispatched: vec![row], ..Change::new(tenant) };
            (None, 0, change)
        });
        let gone = waiting.into_iter().map(|((tenant, recipient), mut rows)| {
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
            change.audit = delivery.iter().map(|delivery| self.told(delivery, &rows, now)).collect();
            let events = if delivery.is_some() { 0 } else { rows.len() };
            (delivery, events, change)
        });
        let saves = waits
            .chain(dropped)
            .chain(gone)
            .map(|(delivery, events, change)| async move { (delivery, events, self.state.store.save(change).await) });
        // All at once, so that they are committed together.
        for (delivery, events, saved) in join_all(saves).await {
            match saved {
                Ok(()) => {
                    report.events += events;
                    if let Some(delivery) = delivery {
                        report.delivered.push(format!("{}: {}", delivery.recipient, delivery.topics.join(", ")));
                    }
                }
                Err(SaveError::Conflict { .. }) => report.elsewhere += 1,
                Err(error) => self.alone("dispatch", None, Self::saved(Err(error)), report)?,
            }
        }
        Ok(())
    }

    /// Who was told, of which conversations.
    fn told(&self, delivery: &Delivery, rows: &[OutboxRow], now: Instant) -> AuditRow {
        let threads: BTreeSet<&ResourceId> = rows.iter().filter_map(|row| row.thread.as_ref()).collect();
        let threads = threads.into_iter().map(|thread| Reference::new("Communication", thread.clone()));
        AuditRow {
            about: delivery.recipient.parse().into_iter().chain(threads).collect(),
            count: i32::try_from(rows.len()).unwrap_or(i32::MAX),
            ..self.noted(now, "deliver-notices")
        }
    }

    /// The threads that people are told about, of each tenant at once. A notice about one that cannot be understood leaves
    /// as if it were about none: better than not at all.
    async fn threads_of(
        &self,
        claimed: &[ClaimedOutbox],
    ) -> Result<BTreeMap<(TenantId, ResourceId), Thread>, StoreError> {
        let mut wanted: BTreeMap<TenantId, BTreeSet<ResourceId>> = BTreeMap::new();
        for ClaimedOutbox { tenant, row } in claimed.iter().filter(|claimed| claimed.row.recipient.is_some()) {
            wanted.entry(tenant.clone()).or_default().extend(row.thread.clone());
        }
        let mut threads = BTreeMap::new();
        for (tenant, ids) in wanted {
            let found = self.state.store.threads(tenant.clone(), ids.into_iter().collect()).await?;
            threads.extend(found.into_iter().map(|thread| ((tenant.clone(), thread.id.clone()), thread)));
        }
        Ok(threads)
    }

    /// Whether a row leaves at this moment, or at all, and to whom: in the place of somebody who has gone away since it was
    /// written, to who covers.
    async fn leaves(
        &self,
        tenant: &TenantId,
        row: &OutboxRow,
        thread: Option<&Thread>,
        now: Instant,
    ) -> Result<Leaves, StoreError> {
        let Some(mut recipient) = row.recipient.clone() else { return Ok(Leaves::To(None)) };
        let mut named = recipient.parse::<Reference>().ok();
        // Whoever the patient's Consents no longer show the conversation hears nothing of it; the patient does.
        if let (Some(who), Some(thread)) = (&named, thread)
            && let Some(patient) = &thread.patient
            && denies(&self.state, tenant, (patient, who), &thread.id).await?
        {
            (recipient, named) = (patient.to_string(), Some(patient.clone()));
        }
        let policy = self.state.policies.current(tenant).await?;
        let away = named.filter(|named| policy.people().has_absences(named));
        if row.hours == Hours::None && away.is_none() {
            return Ok(Leaves::To(Some(recipient)));
        }
        if let Some(until) = thread.and_then(|thread| put_off(&policy, thread, row, now)) {
            return Ok(Leaves::Later(until));
        }
        if is_needless(&self.state, tenant, row).await? {
            return Ok(Leaves::Needless);
        }
        let pool = thread.map_or_else(|| policy.default_pool(), |thread| answering(&policy, thread));
        let covered = away.and_then(|away| released(&policy, &away, pool, now));
        Ok(Leaves::To(Some(covered.map_or(recipient, |covered| covered.to_string()))))
    }
}

/// What becomes of an outbox row that is due.
enum Leaves {
    /// It leaves, to that recipient; to nobody in particular when it is an event.
    To(Option<String>),
    /// It waits until then.
    Later(Instant),
    /// It tells of nothing any more.
    Needless,
}

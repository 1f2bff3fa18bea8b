//! A store in memory, as small as the tests of the interface need.

mod rows;

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use domain::absence::Absence;
use domain::audit::{Sealed, TrailQuery};
use domain::calendar::Kept;
use domain::change::{
    AuditRow, BundleRow, BundleState, Change, DecisionRow, Delivery, Mark, OutboxRow, ResourceWrite, Stored,
};
use domain::clock::{Clock, Firing, LedgerEntry};
use domain::correspondent::{Correspondent, Who};
use domain::decision::{Mode, Outcome};
use domain::hold::{Block, Hold, HoldState};
use domain::holiday::KeptHoliday;
use domain::id::{Key, Reference, ResourceId, ResourceType, TenantId};
use domain::inbox::{Inbox, InboxPage, InboxPlace, InboxRow, Pressing};
use domain::overrides::OverrideRow;
use domain::schedule::Scheduled;
use domain::search::{History, HistoryPage, Page, Place, Read, Search};
use domain::simulate::SimulationRow;
use domain::store::{
    Answer, Catalogue, ClaimedClock, ClaimedOutbox, CountedBy, Gauges, SaveError, Service, Store, StoreError,
    ThreadView, Transaction,
};
use domain::thread::Thread;
use domain::time::{Instant, Span};

use self::rows::{matches, sees};
use crate::context::stored;

#[derive(Default)]
pub(crate) struct Rows {
    versions: BTreeMap<(TenantId, Key), Vec<ResourceWrite>>,
    unique: HashMap<(TenantId, &'static str, String), Key>,
    threads: BTreeMap<(TenantId, ResourceId), Thread>,
    clocks: BTreeMap<(TenantId, ResourceId), Clock>,
    ledger: Vec<LedgerEntry>,
    outbox: Vec<OutboxRow>,
    pub(crate) decisions: Vec<DecisionRow>,
    overrides: Vec<OverrideRow>,
    pub(crate) simulations: BTreeMap<(TenantId, ResourceId), SimulationRow>,
    absences: BTreeMap<(TenantId, ResourceId), Absence>,
    holidays: BTreeMap<(TenantId, ResourceId), KeptHoliday>,
    calendars: BTreeMap<String, Kept>,
    firings: Vec<Firing>,
    correspondents: BTreeMap<(TenantId, Who), Correspondent>,
    holds: BTreeMap<(TenantId, ResourceId), Hold>,
    blocks: BTreeMap<(TenantId, ResourceId), Block>,
    schedules: BTreeMap<(TenantId, ResourceId), Scheduled>,
    marks: BTreeMap<(TenantId, ResourceId, Reference), Mark>,
    pub(crate) audit: Vec<AuditRow>,
    pub(crate) bundles: BTreeMap<(TenantId, String, i32), BundleRow>,
    generation: i64,
    pub(crate) down: bool,
    /// How often it was asked whether it is ready.
    pub(crate) readied: usize,
    pub(crate) bursts: bool,
    /// Nothing is saved, and everything can be read.
    pub(crate) deaf: bool,
}

#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Rows>);

fn now<'a, T: Send + 'a, E: Send + 'a>(value: Result<T, E>) -> Answer<'a, T, E> {
    Box::pin(std::future::ready(value))
}

impl Store for Memory {
    fn save(&self, change: Change) -> Answer<'_, (), SaveError> {
        let mut rows = self.0.lock().unwrap();
        let checked = rows.check(&change);
        if checked.is_ok() {
            rows.write(change);
        }
        now(checked)
    }

    fn begin(&self) -> Answer<'_, Box<dyn Transaction>> {
        now(Err(StoreError::Internal("a store as small as this has no transactions".into())))
    }

    fn read(&self, read: Read) -> Answer<'_, Option<Stored>> {
        let rows = self.0.lock().unwrap();
        assert!(!rows.bursts, "Mrs Canary's inhaler");
        if rows.down {
            return now(Err(StoreError::Unavailable("gone".into())));
        }
        let versions = rows.versions.get(&(read.tenant, read.key));
        let found = versions.and_then(|versions| match read.version {
            None => versions.last(),
            Some(version) => versions.iter().find(|row| row.version == version),
        });
        now(Ok(found.filter(|row| sees(&read.visibility, row)).map(stored)))
    }

    fn search(&self, search: Search) -> Answer<'_, Page> {
        let rows = self.0.lock().unwrap();
        if rows.down {
            return now(Err(StoreError::Unavailable("gone".into())));
        }
        let found = rows.current(&search.tenant, search.kind).filter(|row| {
            !row.deleted && sees(&search.visibility, row) && search.filters.iter().all(|filter| matches(filter, row))
        });
        now(Ok(Page {
            rows: found.take(search.count.into()).map(stored).collect(),
            next: None,
            previous: None,
            total: None,
        }))
    }

    fn history(&self, asked: History) -> Answer<'_, HistoryPage> {
        let rows = self.0.lock().unwrap();
        let of = |key: &Key| asked.of.iter().find(|(kind, _)| *kind == key.kind).map(|(_, visibility)| visibility);
        let all = rows.versions.iter().filter(|((tenant, key), _)| {
            *tenant == asked.tenant && asked.id.as_ref().is_none_or(|id| *id == key.id) && of(key).is_some()
        });
        let seen = all.flat_map(|((_, key), versions)| {
            versions.iter().filter(move |row| of(key).is_some_and(|visibility| sees(visibility, row)))
        });
        let mut found: Vec<Stored> = seen.map(stored).collect();
        found.sort_by_cached_key(|row| std::cmp::Reverse(Place::from(row)));
        found.truncate(asked.count.into());
        now(Ok(HistoryPage { rows: found, next: None }))
    }

    fn thread_of(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<ThreadView>> {
        let rows = self.0.lock().unwrap();
        let key = Key::new(ResourceType::Communication, message);
        let thread = rows.versions.get(&(tenant.clone(), key)).and_then(|versions| versions.last()?.thread.clone());
        let view = thread.and_then(|id| {
            let thread = rows.threads.get(&(tenant.clone(), id))?.clone();
            let open = |clock: &&Clock| clock.thread == thread.id && !clock.fold.state.is_over();
            let clocks: Vec<Clock> = rows.clocks.values().filter(open).cloned().collect();
            let task = clocks
                .iter()
                .find_map(|clock| clock.task.clone())
                .and_then(|task| rows.versions.get(&(tenant, Key::new(ResourceType::Task, task)))?.last().map(stored));
            Some(ThreadView { thread, clocks, task })
        });
        now(Ok(view))
    }

    fn threads(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Thread>> {
        let rows = self.0.lock().unwrap();
        now(Ok(ids.into_iter().filter_map(|id| rows.threads.get(&(tenant.clone(), id)).cloned()).collect()))
    }

    fn merged(&self, tenant: TenantId, into: ResourceId) -> Answer<'_, Vec<ResourceId>> {
        let rows = self.0.lock().unwrap();
        let of = rows
            .threads
            .iter()
            .filter(|((own, _), thread)| *own == tenant && thread.merged_into.as_ref() == Some(&into));
        now(Ok(of.map(|((_, id), _)| id.clone()).collect()))
    }

    fn correspondent(&self, tenant: TenantId, who: Who) -> Answer<'_, Correspondent> {
        let rows = self.0.lock().unwrap();
        let known = rows.correspondents.get(&(tenant, who.clone())).cloned();
        now(Ok(known.unwrap_or_else(|| Correspondent::unknown(who))))
    }

    fn hold(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<Hold>> {
        now(Ok(self.0.lock().unwrap().holds.get(&(tenant, message)).cloned()))
    }

    fn holds(&self, _: TenantId, pools: Option<Vec<Reference>>, state: HoldState, _: u16) -> Answer<'_, Vec<Hold>> {
        let rows = self.0.lock().unwrap();
        let theirs = |hold: &&Hold| pools.as_ref().is_none_or(|pools| pools.contains(&hold.pool_reference));
        now(Ok(rows.holds.values().filter(|hold| hold.state == state).filter(theirs).cloned().collect()))
    }

    fn due_holds(&self, _: Instant, _: u16) -> Answer<'_, Vec<(TenantId, Hold)>> {
        now(Ok(vec![]))
    }

    fn block(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Block>> {
        now(Ok(self.0.lock().unwrap().blocks.get(&(tenant, id)).cloned()))
    }

    fn blocks(&self, _: TenantId, pools: Option<Vec<Reference>>, since: Instant, _: u16) -> Answer<'_, Vec<Block>> {
        let rows = self.0.lock().unwrap();
        let of = |block: &&Block| {
            pools.as_ref().is_none_or(|pools| block.pool_reference.as_ref().is_some_and(|pool| pools.contains(pool)))
        };
        now(Ok(rows.blocks.values().filter(|block| block.until > since).filter(of).cloned().collect()))
    }

    fn owner_of(&self, tenant: TenantId, namespace: &'static str, key: String) -> Answer<'_, Option<Key>> {
        now(Ok(self.0.lock().unwrap().unique.get(&(tenant, namespace, key)).cloned()))
    }

    fn catalogue(&self, tenant: TenantId, since: Instant) -> Answer<'_, Catalogue> {
        let rows = self.0.lock().unwrap();
        let service =
            |row: &ResourceWrite| Service { key: row.key.clone(), version: row.version, body: row.body.clone() };
        let of = |state| rows.bundles_of(&tenant).into_iter().find(|bundle| bundle.state == state);
        now(Ok(Catalogue {
            generation: rows.generation,
            bundle: of(BundleState::Active),
            shadow: of(BundleState::Shadow),
            services: rows.current(&tenant, ResourceType::HealthcareService).map(service).collect(),
            roles: rows.current(&tenant, ResourceType::PractitionerRole).map(service).collect(),
            teams: rows.current(&tenant, ResourceType::CareTeam).map(service).collect(),
            absences: rows.absences_of(&tenant, since),
            holidays: rows.holidays.values().cloned().collect(),
            calendars: vec![],
        }))
    }

    fn teams(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Service>> {
        let rows = self.0.lock().unwrap();
        let found = rows.current(&tenant, ResourceType::CareTeam).filter(|row| ids.contains(&row.key.id));
        let team = |row: &ResourceWrite| Service { key: row.key.clone(), version: row.version, body: row.body.clone() };
        now(Ok(found.map(team).collect()))
    }

    fn absences(&self, tenant: TenantId, since: Instant) -> Answer<'_, Vec<Absence>> {
        now(Ok(self.0.lock().unwrap().absences_of(&tenant, since)))
    }

    fn absence(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Absence>> {
        now(Ok(self.0.lock().unwrap().absences.get(&(tenant, id)).cloned()))
    }

    fn holidays(&self, tenant: TenantId) -> Answer<'_, Vec<KeptHoliday>> {
        let rows = self.0.lock().unwrap();
        let theirs = rows.holidays.iter().filter(|((owner, _), _)| *owner == tenant);
        now(Ok(theirs.map(|(_, kept)| kept.clone()).collect()))
    }

    fn generation(&self, _: TenantId) -> Answer<'_, i64> {
        now(Ok(self.0.lock().unwrap().generation))
    }

    fn claim_clocks(&self, _: Instant, _: Span, _: u16) -> Answer<'_, Vec<ClaimedClock>> {
        now(Ok(vec![]))
    }

    fn generations(&self) -> Answer<'_, Vec<(TenantId, i64)>> {
        now(Ok(vec![]))
    }

    fn counted_by(&self, _: TenantId) -> Answer<'_, Vec<CountedBy>> {
        now(Ok(vec![]))
    }

    fn claim_counted(&self, _: TenantId, _: CountedBy, _: Instant, _: Span, _: u16) -> Answer<'_, Vec<ClaimedClock>> {
        now(Ok(vec![]))
    }

    fn claim_before(&self, _: TenantId, _: BundleRow, _: Instant, _: Span, _: u16) -> Answer<'_, Vec<ClaimedClock>> {
        now(Ok(vec![]))
    }

    fn calendars(&self, _: TenantId, keys: Vec<String>) -> Answer<'_, Vec<Kept>> {
        let rows = self.0.lock().unwrap();
        now(Ok(keys.iter().filter_map(|key| rows.calendars.get(key).cloned()).collect()))
    }

    fn clock(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Clock>> {
        now(Ok(self.0.lock().unwrap().clocks.get(&(tenant, id)).cloned()))
    }

    fn firings(&self, _: TenantId, clock: ResourceId) -> Answer<'_, Vec<Firing>> {
        let rows = self.0.lock().unwrap();
        now(Ok(rows.firings.iter().filter(|firing| firing.clock == clock).cloned().collect()))
    }

    fn claim_outbox(&self, _: Instant, _: Span, _: u16) -> Answer<'_, Vec<ClaimedOutbox>> {
        now(Ok(vec![]))
    }

    fn orphaned(&self, _: TenantId, _: Vec<String>, _: Vec<Reference>, _: u16) -> Answer<'_, Vec<ResourceId>> {
        now(Ok(vec![]))
    }

    fn waiting_notices(&self, _: TenantId, thread: ResourceId) -> Answer<'_, Vec<OutboxRow>> {
        let rows = self.0.lock().unwrap();
        let waits = |row: &&OutboxRow| row.recipient.is_some() && row.thread.as_ref() == Some(&thread);
        now(Ok(rows.outbox.iter().filter(waits).cloned().collect()))
    }

    fn due_schedules(&self, at: Instant, limit: u16) -> Answer<'_, Vec<(TenantId, Scheduled)>> {
        let rows = self.0.lock().unwrap();
        let due = rows.schedules.iter().filter(|(_, scheduled)| scheduled.release_at <= at);
        now(Ok(due.take(limit.into()).map(|((tenant, _), scheduled)| (tenant.clone(), scheduled.clone())).collect()))
    }

    fn marks(&self, tenant: TenantId, messages: Vec<ResourceId>) -> Answer<'_, Vec<Mark>> {
        let rows = self.0.lock().unwrap();
        let of = |((own, message, _), _): &(&(TenantId, ResourceId, Reference), &Mark)| {
            *own == tenant && messages.contains(message)
        };
        now(Ok(rows.marks.iter().filter(of).map(|(_, mark)| mark.clone()).collect()))
    }

    fn inbox(&self, asked: Inbox) -> Answer<'_, InboxPage> {
        let rows = self.0.lock().unwrap();
        let roots = rows
            .current(&asked.tenant, ResourceType::Communication)
            .filter(|row| !row.deleted && row.thread.as_ref() == Some(&row.key.id) && sees(&asked.visibility, row));
        let row = |root: &ResourceWrite| {
            let thread = rows.threads.get(&(asked.tenant.clone(), root.key.id.clone()))?.clone();
            let place = InboxPlace { pressing: Pressing::Nothing, at: root.last_updated, id: root.key.id.clone() };
            let (due_at, promised_at, unread) = (None, None, None);
            Some(InboxRow { root: stored(root), thread, due_at, promised_at, unread, place })
        };
        now(Ok(InboxPage { rows: roots.filter_map(row).collect(), next: None, previous: None }))
    }

    fn ledger(&self, _: TenantId, clock: ResourceId) -> Answer<'_, Vec<LedgerEntry>> {
        let rows = self.0.lock().unwrap();
        now(Ok(rows.ledger.iter().filter(|entry| entry.clock == clock).cloned().collect()))
    }

    fn clocks(&self, _: TenantId, thread: ResourceId) -> Answer<'_, Vec<Clock>> {
        let rows = self.0.lock().unwrap();
        now(Ok(rows.clocks.values().filter(|clock| clock.thread == thread).cloned().collect()))
    }

    fn overrides(&self, _: TenantId, thread: ResourceId) -> Answer<'_, Vec<OverrideRow>> {
        let rows = self.0.lock().unwrap();
        now(Ok(rows.overrides.iter().filter(|row| row.thread == thread).cloned().collect()))
    }

    fn unsealed(&self, _: u16) -> Answer<'_, Vec<(TenantId, AuditRow)>> {
        now(Ok(vec![]))
    }

    fn trail(&self, asked: TrailQuery) -> Answer<'_, Vec<AuditRow>> {
        let rows = self.0.lock().unwrap();
        let found = rows.audit.iter().rev().filter(|row| asked.id.as_ref().is_none_or(|id| *id == row.id));
        now(Ok(found.take(asked.count.into()).cloned().collect()))
    }

    fn audited(&self) -> Answer<'_, Vec<TenantId>> {
        now(Ok(vec![]))
    }

    fn sealed(&self, _: TenantId, _: i64, _: u16) -> Answer<'_, Vec<Sealed>> {
        now(Ok(vec![]))
    }

    fn last_sealed(&self, _: TenantId, _: u16) -> Answer<'_, Vec<Sealed>> {
        now(Ok(vec![]))
    }

    fn decision(&self, _: TenantId, id: ResourceId) -> Answer<'_, Option<DecisionRow>> {
        now(Ok(self.0.lock().unwrap().decisions.iter().find(|decision| decision.id == id).cloned()))
    }

    fn decisions(
        &self,
        _: TenantId,
        focus: Option<Key>,
        mode: Option<Mode>,
        outcome: Option<Outcome>,
        limit: u16,
    ) -> Answer<'_, Vec<DecisionRow>> {
        let rows = self.0.lock().unwrap();
        let about = |decision: &&DecisionRow| {
            focus.as_ref().is_none_or(|focus| decision.focus == *focus)
                && mode.is_none_or(|mode| decision.mode == mode)
                && outcome.is_none_or(|outcome| decision.outcome == outcome.as_str())
        };
        now(Ok(rows.decisions.iter().rev().filter(about).take(limit.into()).cloned().collect()))
    }

    fn deliveries(&self, _: TenantId, _: u16) -> Answer<'_, Vec<Delivery>> {
        now(Ok(vec![]))
    }

    fn bundles(&self, tenant: TenantId) -> Answer<'_, Vec<BundleRow>> {
        now(Ok(self.0.lock().unwrap().bundles_of(&tenant)))
    }

    fn bundle(&self, tenant: TenantId, id: String, version: i32) -> Answer<'_, Option<BundleRow>> {
        now(Ok(self.0.lock().unwrap().bundles.get(&(tenant, id, version)).cloned()))
    }

    fn due_bundles(&self, _: Instant) -> Answer<'_, Vec<(TenantId, BundleRow)>> {
        now(Ok(vec![]))
    }

    fn count_messages(&self, _: TenantId, _: Instant, _: Instant) -> Answer<'_, i64> {
        now(Ok(3))
    }

    fn simulation(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<SimulationRow>> {
        now(Ok(self.0.lock().unwrap().simulations.get(&(tenant, id)).cloned()))
    }

    fn simulations(&self, tenant: TenantId, _: u16) -> Answer<'_, Vec<SimulationRow>> {
        let rows = self.0.lock().unwrap();
        now(Ok(rows
            .simulations
            .iter()
            .filter(|((owner, _), _)| *owner == tenant)
            .map(|(_, row)| row.clone())
            .collect()))
    }

    fn claim_simulation(&self, _: Instant, _: Span) -> Answer<'_, Option<(TenantId, SimulationRow)>> {
        now(Ok(None))
    }

    fn gauges(&self, _: Instant) -> Answer<'_, Gauges> {
        now(Ok(Gauges::default()))
    }

    fn ready(&self) -> Answer<'_, ()> {
        let mut rows = self.0.lock().unwrap();
        rows.readied += 1;
        let down = rows.down;
        now(if down { Err(StoreError::Unavailable("gone".into())) } else { Ok(()) })
    }
}

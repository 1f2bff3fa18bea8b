//! Each question of the port, answered by the query of whichever database is there.

use std::sync::Arc;

use domain::absence::Absence;
use domain::audit::{Sealed, TrailQuery};
use domain::calendar::Kept;
use domain::change::{AuditRow, BundleRow, Change, DecisionRow, Delivery, Mark, OutboxRow, Stored};
use domain::clock::{Clock, Firing, LedgerEntry};
use domain::correspondent::{Correspondent, Who};
use domain::decision::{Mode, Outcome};
use domain::hold::{Block, Hold, HoldState};
use domain::holiday::KeptHoliday;
use domain::id::{Key, Reference, ResourceId, TenantId};
use domain::inbox::{Inbox, InboxPage};
use domain::overrides::OverrideRow;
use domain::schedule::Scheduled;
use domain::search::{History, HistoryPage, Page, Read, Search};
use domain::simulate::SimulationRow;
use domain::store::{
    Answer, Catalogue, ClaimedClock, ClaimedOutbox, CountedBy, Gauges, SaveError, Service, Store, StoreError,
    ThreadView, Transaction,
};
use domain::thread::Thread;
use domain::time::{Instant, Span};

use super::{Begun, Engine, Figures, Inner, SqlStore};
use crate::migration::missing;
use crate::readable::left_out;
use crate::{postgres, sqlite};

/// Asks the database that is there with the query of its own compilation: `ask!(self, clock::ledger(tenant, clock))`.
macro_rules! ask {
    ($self:ident, $module:ident::$query:ident($($argument:expr),*)) => {
        Box::pin(async move {
            match &$self.inner.engine {
                Engine::Postgres(source) => {
                    source.ask(move |conn| postgres::$module::$query(conn, $($argument),*)).await
                }
                Engine::Sqlite(source) => {
                    source.ask(move |conn| sqlite::$module::$query(conn, $($argument),*)).await
                }
            }
        })
    };
}

impl Store for SqlStore {
    fn save(&self, change: Change) -> Answer<'_, (), SaveError> {
        Box::pin(async move {
            match &self.inner.engine {
                Engine::Postgres(source) => source.save(change, postgres::group::within).await,
                Engine::Sqlite(source) => source.save(change, sqlite::group::within).await,
            }
        })
    }

    fn begin(&self) -> Answer<'_, Box<dyn Transaction>> {
        Box::pin(async move {
            let engine = match &self.inner.engine {
                Engine::Postgres(source) => {
                    Engine::Postgres(source.begin(postgres::group::transaction, postgres::dialect::bound).await?)
                }
                Engine::Sqlite(source) => {
                    Engine::Sqlite(source.begin(sqlite::group::transaction, sqlite::dialect::bound).await?)
                }
            };
            let inner = Arc::new(Inner { url: self.inner.url.clone(), engine });
            Ok(Box::new(Begun(SqlStore { inner })) as _)
        })
    }

    fn read(&self, read: Read) -> Answer<'_, Option<Stored>> {
        ask!(self, resource::read(&read))
    }

    fn search(&self, search: Search) -> Answer<'_, Page> {
        ask!(self, search::search(&search))
    }

    fn inbox(&self, inbox: Inbox) -> Answer<'_, InboxPage> {
        ask!(self, inbox::page(&inbox))
    }

    fn history(&self, history: History) -> Answer<'_, HistoryPage> {
        ask!(self, history::history(&history))
    }

    fn thread_of(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<ThreadView>> {
        ask!(self, thread::of_message(&tenant, &message))
    }

    fn threads(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Thread>> {
        ask!(self, thread::by_ids(&tenant, &ids))
    }

    fn merged(&self, tenant: TenantId, into: ResourceId) -> Answer<'_, Vec<ResourceId>> {
        ask!(self, thread::merged(&tenant, &into))
    }

    fn correspondent(&self, tenant: TenantId, who: Who) -> Answer<'_, Correspondent> {
        ask!(self, correspondent::of(&tenant, &who))
    }

    fn hold(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<Hold>> {
        ask!(self, hold::of_message(&tenant, &message))
    }

    fn holds(
        &self,
        tenant: TenantId,
        pools: Option<Vec<Reference>>,
        state: HoldState,
        limit: u16,
    ) -> Answer<'_, Vec<Hold>> {
        ask!(self, hold::list(&tenant, pools.as_deref(), state, limit))
    }

    fn due_holds(&self, now: Instant, limit: u16) -> Answer<'_, Vec<(TenantId, Hold)>> {
        ask!(self, hold::due(now, limit))
    }

    fn due_schedules(&self, now: Instant, limit: u16) -> Answer<'_, Vec<(TenantId, Scheduled)>> {
        ask!(self, schedule::due(now, limit))
    }

    fn marks(&self, tenant: TenantId, messages: Vec<ResourceId>) -> Answer<'_, Vec<Mark>> {
        ask!(self, mark::of(&tenant, &messages))
    }

    fn block(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Block>> {
        ask!(self, block::by_id(&tenant, &id))
    }

    fn blocks(
        &self,
        tenant: TenantId,
        pools: Option<Vec<Reference>>,
        since: Instant,
        limit: u16,
    ) -> Answer<'_, Vec<Block>> {
        ask!(self, block::list(&tenant, pools.as_deref(), since, limit))
    }

    fn owner_of(&self, tenant: TenantId, namespace: &'static str, key: String) -> Answer<'_, Option<Key>> {
        ask!(self, resource::owner_of(&tenant, namespace, &key))
    }

    fn catalogue(&self, tenant: TenantId, since: Instant) -> Answer<'_, Catalogue> {
        ask!(self, catalogue::catalogue(&tenant, since))
    }

    fn teams(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Service>> {
        ask!(self, catalogue::teams(&tenant, &ids))
    }

    fn absences(&self, tenant: TenantId, since: Instant) -> Answer<'_, Vec<Absence>> {
        ask!(self, absence::not_ended(&tenant, since))
    }

    fn absence(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Absence>> {
        ask!(self, absence::read(&tenant, &id))
    }

    fn holidays(&self, tenant: TenantId) -> Answer<'_, Vec<KeptHoliday>> {
        ask!(self, holiday::all(&tenant))
    }

    fn generation(&self, tenant: TenantId) -> Answer<'_, i64> {
        ask!(self, catalogue::generation(&tenant))
    }

    fn claim_clocks(&self, now: Instant, lease: Span, limit: u16) -> Answer<'_, Vec<ClaimedClock>> {
        ask!(self, claim::due(now, lease, limit))
    }

    fn generations(&self) -> Answer<'_, Vec<(TenantId, i64)>> {
        ask!(self, claim::generations())
    }

    fn counted_by(&self, tenant: TenantId) -> Answer<'_, Vec<CountedBy>> {
        ask!(self, counted::counted_by(&tenant))
    }

    fn claim_counted(
        &self,
        tenant: TenantId,
        by: CountedBy,
        now: Instant,
        lease: Span,
        limit: u16,
    ) -> Answer<'_, Vec<ClaimedClock>> {
        ask!(self, claim::counted(&tenant, &by, now, lease, limit))
    }

    fn claim_before(
        &self,
        tenant: TenantId,
        bundle: BundleRow,
        now: Instant,
        lease: Span,
        limit: u16,
    ) -> Answer<'_, Vec<ClaimedClock>> {
        ask!(self, claim::before(&tenant, &bundle, now, lease, limit))
    }

    fn calendars(&self, tenant: TenantId, keys: Vec<String>) -> Answer<'_, Vec<Kept>> {
        ask!(self, counted::calendars(&tenant, &keys))
    }

    fn clock(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Clock>> {
        ask!(self, clock::one(&tenant, &id))
    }

    fn firings(&self, tenant: TenantId, clock: ResourceId) -> Answer<'_, Vec<Firing>> {
        ask!(self, clock::firings(&tenant, &clock))
    }

    fn claim_outbox(&self, now: Instant, lease: Span, limit: u16) -> Answer<'_, Vec<ClaimedOutbox>> {
        ask!(self, outbox::claim(now, lease, limit))
    }

    fn orphaned(
        &self,
        tenant: TenantId,
        ids: Vec<String>,
        pools: Vec<Reference>,
        limit: u16,
    ) -> Answer<'_, Vec<ResourceId>> {
        ask!(self, thread::orphaned(&tenant, &ids, &pools, limit))
    }

    fn waiting_notices(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<OutboxRow>> {
        ask!(self, outbox::notices(&tenant, &thread))
    }

    fn ledger(&self, tenant: TenantId, clock: ResourceId) -> Answer<'_, Vec<LedgerEntry>> {
        ask!(self, clock::ledger(&tenant, &clock))
    }

    fn clocks(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<Clock>> {
        ask!(self, clock::of_thread(&tenant, &thread))
    }

    fn overrides(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<OverrideRow>> {
        ask!(self, overrides::of_thread(&tenant, &thread))
    }

    fn unsealed(&self, limit: u16) -> Answer<'_, Vec<(TenantId, AuditRow)>> {
        ask!(self, audit::unsealed(limit))
    }

    fn trail(&self, asked: TrailQuery) -> Answer<'_, Vec<AuditRow>> {
        ask!(self, audit::trail(&asked))
    }

    fn audited(&self) -> Answer<'_, Vec<TenantId>> {
        ask!(self, audit::tenants())
    }

    fn sealed(&self, tenant: TenantId, after: i64, limit: u16) -> Answer<'_, Vec<Sealed>> {
        ask!(self, audit::sealed(&tenant, after, limit))
    }

    fn last_sealed(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<Sealed>> {
        ask!(self, audit::last_sealed(&tenant, limit))
    }

    fn decision(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<DecisionRow>> {
        ask!(self, record::decision(&tenant, &id))
    }

    fn decisions(
        &self,
        tenant: TenantId,
        focus: Option<Key>,
        mode: Option<Mode>,
        outcome: Option<Outcome>,
        limit: u16,
    ) -> Answer<'_, Vec<DecisionRow>> {
        ask!(self, record::decisions(&tenant, focus.as_ref(), (mode, outcome), limit))
    }

    fn deliveries(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<Delivery>> {
        ask!(self, outbox::deliveries(&tenant, limit))
    }

    fn bundles(&self, tenant: TenantId) -> Answer<'_, Vec<BundleRow>> {
        ask!(self, catalogue::bundles(&tenant))
    }

    fn bundle(&self, tenant: TenantId, id: String, version: i32) -> Answer<'_, Option<BundleRow>> {
        ask!(self, catalogue::bundle(&tenant, &id, version))
    }

    fn due_bundles(&self, now: Instant) -> Answer<'_, Vec<(TenantId, BundleRow)>> {
        ask!(self, catalogue::due(now))
    }

    fn count_messages(&self, tenant: TenantId, from: Instant, to: Instant) -> Answer<'_, i64> {
        ask!(self, simulation::count_messages(&tenant, from, to))
    }

    fn simulation(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<SimulationRow>> {
        ask!(self, simulation::one(&tenant, &id))
    }

    fn simulations(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<SimulationRow>> {
        ask!(self, simulation::latest(&tenant, limit))
    }

    fn claim_simulation(&self, now: Instant, lease: Span) -> Answer<'_, Option<(TenantId, SimulationRow)>> {
        ask!(self, simulation::claim(now, lease))
    }

    fn gauges(&self, now: Instant) -> Answer<'_, Gauges> {
        let figures: Answer<'_, Figures> = ask!(self, gauge::figures(now));
        Box::pin(async move {
            let (clocks, needing_review, oldest_outbox_release_at) = figures.await?;
            let write_queue = match &self.inner.engine {
                Engine::Postgres(source) => source.waiting(),
                Engine::Sqlite(source) => source.waiting(),
            };
            Ok(Gauges { clocks, needing_review, oldest_outbox_release_at, write_queue, left_out: left_out() })
        })
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let applied = match &self.inner.engine {
                Engine::Postgres(source) => source.probe(postgres::gauge::applied).await?,
                Engine::Sqlite(source) => source.probe(sqlite::gauge::applied).await?,
            };
            match missing(&self.inner.url, &applied) {
                names if names.is_empty() => Ok(()),
                names => Err(StoreError::Unavailable(format!(
                    "the database lacks the migrations {}: run `postern migrate`",
                    names.join(", ")
                ))),
            }
        })
    }
}

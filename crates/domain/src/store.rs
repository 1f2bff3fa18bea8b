//! The ports: how values come out of the store and how a [`Change`] goes in.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::absence::Absence;
use crate::audit::{Sealed, TrailQuery};
use crate::calendar::Kept;
use crate::change::{AuditRow, BundleRow, Change, DecisionRow, Delivery, Mark, OutboxRow, Stored};
use crate::clock::{Clock, ClockName, Firing, LedgerEntry};
use crate::correspondent::{Correspondent, Who};
use crate::decision::{Decision, Mode, Outcome};
use crate::hold::{Block, Hold, HoldState};
use crate::holiday::KeptHoliday;
use crate::id::{Key, Reference, ResourceId, TenantId};
use crate::inbox::{Inbox, InboxPage};
use crate::overrides::OverrideRow;
use crate::schedule::Scheduled;
use crate::search::{History, HistoryPage, Page, Read, Search};
use crate::simulate::SimulationRow;
use crate::thread::Thread;
use crate::time::{Instant, Span};

/// What a port answers, in its own time.
pub type Answer<'a, T, E = StoreError> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'a>>;

/// Why a read was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too many wait already; try again after that time.
    #[error("the store is busy")]
    Busy {
        /// When trying again is sensible.
        retry_after: Span,
    },
    /// The database cannot be reached.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// A row could not be understood, or the database refused a statement: a fault of ours.
    #[error("the store failed: {0}")]
    Internal(String),
}

/// Why a change was not saved. Nothing of it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// A resource, thread or clock has moved on since it was read.
    #[error("the resource has changed since it was read")]
    Conflict {
        /// The resource, when it is one.
        key: Option<Key>,
    },
    /// A unique key is taken already.
    #[error("a resource with this key exists already")]
    NotUnique {
        /// Who has the key, when known.
        owner: Option<Key>,
    },
    /// The threshold has been fired already: someone else did it.
    #[error("the threshold has fired already")]
    AlreadyFired,
    /// Bundles or hours have changed since the decision was taken: take it again.
    #[error("the policy has changed since the decision was taken")]
    StaleCatalogue,
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A thread with what a decision about it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadView {
    /// Its state.
    pub thread: Thread,
    /// Its clocks that are not over.
    pub clocks: Vec<Clock>,
    /// The Task of its open obligation.
    pub task: Option<Stored>,
}

impl ThreadView {
    /// The clocks of what is owed to the patient: not those of reviews, which are between a lead and the service.
    pub fn owed(&self) -> impl Iterator<Item = &Clock> {
        self.clocks.iter().filter(|clock| clock.name != ClockName::Review && !clock.fold.state.is_over())
    }

    /// The view that a store would give after a decision about `before`, except for the Task's stored version.
    pub fn after(before: Option<&Self>, decision: &Decision) -> Self {
        let changed = |clock: &&Clock| decision.clocks.iter().all(|other| other.id != clock.id);
        let kept = before.into_iter().flat_map(|view| &view.clocks).filter(changed);
        let clocks = kept.chain(&decision.clocks).filter(|clock| !clock.fold.state.is_over()).cloned().collect();
        Self { thread: decision.thread.clone(), clocks, task: before.and_then(|view| view.task.clone()) }
    }
}

/// What policy is made of: the bundle in force and the pools' own resources.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// Rises with every change of the catalogue.
    pub generation: i64,
    /// The active bundle; `None` before the first was activated.
    pub bundle: Option<BundleRow>,
    /// The bundle that is evaluated beside it, without effects.
    pub shadow: Option<BundleRow>,
    /// Every current `HealthcareService`.
    pub services: Vec<Service>,
    /// Every current `PractitionerRole`.
    pub roles: Vec<Service>,
    /// The current `CareTeam`s that a bundle, in force or in shadow, names as pools.
    pub teams: Vec<Service>,
    /// The absences that had not ended at the instant that was asked for.
    pub absences: Vec<Absence>,
    /// The holidays kept beside the bundle.
    pub holidays: Vec<KeptHoliday>,
    /// The calendars by which clocks that run or rest are counted.
    pub calendars: Vec<Kept>,
}

/// A resource that policy is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its key.
    pub key: Key,
    /// Its version.
    pub version: crate::id::Version,
    /// The resource as JSON text.
    pub body: String,
}

/// A clock taken for firing, for the time of a lease.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedClock {
    /// The tenant.
    pub tenant: TenantId,
    /// The clock as it stood.
    pub clock: Clock,
}

/// What clocks that run or rest are counted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountedBy {
    /// Whose calendar: a pool's resource or a calendar of the bundle.
    pub counted_by: String,
    /// The key of the calendar.
    pub calendar: String,
}

/// An outbox row taken for dispatch, for the time of a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedOutbox {
    /// The tenant.
    pub tenant: TenantId,
    /// The row.
    pub row: OutboxRow,
}

/// Figures for the metrics page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Clocks by state code.
    pub clocks: Vec<(String, i64)>,
    /// Conversations that a person must look at.
    pub needing_review: i64,
    /// When the oldest row that should have left was due to leave.
    pub oldest_outbox_release_at: Option<Instant>,
    /// Changes waiting for the writer.
    pub write_queue: usize,
    /// How many rows workers have left out since the process began, because they could not be understood.
    pub left_out: u64,
}

/// Several changes of which each is decided with the state that those before it leave. Others see nothing of them until
/// they are committed; dropped before, none of them ever was.
pub trait Transaction: Send {
    /// The store as it is within: what is saved there is what is read there next, and no more than that.
    fn store(&self) -> Arc<dyn Store>;

    /// Keeps what was saved: when this answers, it is committed and flushed.
    fn commit(self: Box<Self>) -> Answer<'static, ()>;

    /// Keeps nothing: when this answers, others can write again, whoever still holds its store.
    fn undo(self: Box<Self>) -> Answer<'static, ()>;
}

/// The store, as the rest of the service sees it. What workers take of all tenants leaves rows out that cannot be
/// understood, for none of them may keep the others back; [`Gauges::left_out`] counts them.
pub trait Store: Send + Sync + 'static {
    /// Saves a change: when this answers, it is committed and flushed.
    fn save(&self, change: Change) -> Answer<'_, (), SaveError>;

    /// Begins a transaction of several changes that are kept together or not at all.
    fn begin(&self) -> Answer<'_, Box<dyn Transaction>>;

    /// A version of a resource, if the caller may see it. A deleted version is answered as such.
    fn read(&self, read: Read) -> Answer<'_, Option<Stored>>;

    /// A page of the current, undeleted resources that match.
    fn search(&self, search: Search) -> Answer<'_, Page>;

    /// A page of somebody's conversations.
    fn inbox(&self, inbox: Inbox) -> Answer<'_, InboxPage>;

    /// A page of the versions of resources.
    fn history(&self, history: History) -> Answer<'_, HistoryPage>;

    /// The thread that a message belongs to; a root message names its own.
    fn thread_of(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<ThreadView>>;

    /// Threads by their ids; those that are not there, or cannot be understood, are left out.
    fn threads(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Thread>>;

    /// The threads that were merged into that one, by their ids.
    fn merged(&self, tenant: TenantId, into: ResourceId) -> Answer<'_, Vec<ResourceId>>;

    /// What is remembered of somebody who writes.
    fn correspondent(&self, tenant: TenantId, who: Who) -> Answer<'_, Correspondent>;

    /// The hold of a message, whether it waits or has ended.
    fn hold(&self, tenant: TenantId, message: ResourceId) -> Answer<'_, Option<Hold>>;

    /// Holds in a state, the oldest first: those of the pools named or, without any, of the tenant.
    fn holds(
        &self,
        tenant: TenantId,
        pools: Option<Vec<Reference>>,
        state: HoldState,
        limit: u16,
    ) -> Answer<'_, Vec<Hold>>;

    /// Holds that wait no longer than until `now`, of all tenants, the oldest first.
    fn due_holds(&self, now: Instant, limit: u16) -> Answer<'_, Vec<(TenantId, Hold)>>;

    /// Messages whose instant to be sent is not after `now`, of all tenants, the earliest first.
    fn due_schedules(&self, now: Instant, limit: u16) -> Answer<'_, Vec<(TenantId, Scheduled)>>;

    /// Who has read these messages, by message and reader.
    fn marks(&self, tenant: TenantId, messages: Vec<ResourceId>) -> Answer<'_, Vec<Mark>>;

    /// A block.
    fn block(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Block>>;

    /// The blocks that end after `since`, newest first, also those that a person has ended: those of the pools named or,
    /// without any, of the tenant.
    fn blocks(
        &self,
        tenant: TenantId,
        pools: Option<Vec<Reference>>,
        since: Instant,
        limit: u16,
    ) -> Answer<'_, Vec<Block>>;

    /// The resource that owns a unique key.
    fn owner_of(&self, tenant: TenantId, namespace: &'static str, key: String) -> Answer<'_, Option<Key>>;

    /// What policy is made of, less the absences that ended at `since` or before.
    fn catalogue(&self, tenant: TenantId, since: Instant) -> Answer<'_, Catalogue>;

    /// The current `CareTeam`s of these ids.
    fn teams(&self, tenant: TenantId, ids: Vec<ResourceId>) -> Answer<'_, Vec<Service>>;

    /// The absences that end after `since`, by person and time.
    fn absences(&self, tenant: TenantId, since: Instant) -> Answer<'_, Vec<Absence>>;

    /// An absence by its id, whether it has ended or not.
    fn absence(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Absence>>;

    /// The holidays kept beside the bundle, by set, date and id.
    fn holidays(&self, tenant: TenantId) -> Answer<'_, Vec<KeptHoliday>>;

    /// The current generation of the catalogue.
    fn generation(&self, tenant: TenantId) -> Answer<'_, i64>;

    /// Takes clocks with a threshold before `now`, oldest first, that no other worker holds.
    fn claim_clocks(&self, now: Instant, lease: Span, limit: u16) -> Answer<'_, Vec<ClaimedClock>>;

    /// The tenants that have clocks, each with the current generation of its catalogue.
    fn generations(&self) -> Answer<'_, Vec<(TenantId, i64)>>;

    /// What a tenant's clocks that run or rest are counted by, each once.
    fn counted_by(&self, tenant: TenantId) -> Answer<'_, Vec<CountedBy>>;

    /// Takes clocks that run or rest and are counted by that calendar, those due first first, that no other worker
    /// holds.
    fn claim_counted(
        &self,
        tenant: TenantId,
        by: CountedBy,
        now: Instant,
        lease: Span,
        limit: u16,
    ) -> Answer<'_, Vec<ClaimedClock>>;

    /// Takes clocks of what is owed to patients that run or rest since before `bundle` came into force, under another
    /// one, those due first first, that no other worker holds.
    fn claim_before(
        &self,
        tenant: TenantId,
        bundle: BundleRow,
        now: Instant,
        lease: Span,
        limit: u16,
    ) -> Answer<'_, Vec<ClaimedClock>>;

    /// Calendars that are kept, of these keys.
    fn calendars(&self, tenant: TenantId, keys: Vec<String>) -> Answer<'_, Vec<Kept>>;

    /// A clock by its id.
    fn clock(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<Clock>>;

    /// The firings of a clock, in the order of their instants.
    fn firings(&self, tenant: TenantId, clock: ResourceId) -> Answer<'_, Vec<Firing>>;

    /// Takes outbox rows released before `now`: all rows of the recipients it takes, so that they leave together.
    fn claim_outbox(&self, now: Instant, lease: Span, limit: u16) -> Answer<'_, Vec<ClaimedOutbox>>;

    /// Conversations that are not closed and whose pool has neither one of these ids nor is one of these resources, the
    /// oldest first.
    fn orphaned(
        &self,
        tenant: TenantId,
        ids: Vec<String>,
        pools: Vec<Reference>,
        limit: u16,
    ) -> Answer<'_, Vec<ResourceId>>;

    /// The notices of a thread that have not left yet, the oldest first.
    fn waiting_notices(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<OutboxRow>>;

    /// The ledger of a clock, by time and sequence.
    fn ledger(&self, tenant: TenantId, clock: ResourceId) -> Answer<'_, Vec<LedgerEntry>>;

    /// The clocks of a thread, of all cycles.
    fn clocks(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<Clock>>;

    /// The overrides in a thread, oldest first.
    fn overrides(&self, tenant: TenantId, thread: ResourceId) -> Answer<'_, Vec<OverrideRow>>;

    /// Audit rows that have no seal yet, of all tenants, the earliest of each tenant first, at most so many of each.
    fn unsealed(&self, limit: u16) -> Answer<'_, Vec<(TenantId, AuditRow)>>;

    /// Rows of a tenant's audit trail, the latest first.
    fn trail(&self, asked: TrailQuery) -> Answer<'_, Vec<AuditRow>>;

    /// The tenants that have an audit trail.
    fn audited(&self) -> Answer<'_, Vec<TenantId>>;

    /// Rows of a tenant's audit chain behind a place, in their order.
    fn sealed(&self, tenant: TenantId, after: i64, limit: u16) -> Answer<'_, Vec<Sealed>>;

    /// The last rows of a tenant's audit chain, in their order.
    fn last_sealed(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<Sealed>>;

    /// A decision record.
    fn decision(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<DecisionRow>>;

    /// The latest decision records about a resource or, without one, of the tenant; of one mode or of all, of one outcome
    /// or of all; newest first.
    fn decisions(
        &self,
        tenant: TenantId,
        focus: Option<Key>,
        mode: Option<Mode>,
        outcome: Option<Outcome>,
        limit: u16,
    ) -> Answer<'_, Vec<DecisionRow>>;

    /// The latest deliveries, newest first.
    fn deliveries(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<Delivery>>;

    /// The bundles of a tenant, newest version first.
    fn bundles(&self, tenant: TenantId) -> Answer<'_, Vec<BundleRow>>;

    /// One version of a bundle.
    fn bundle(&self, tenant: TenantId, id: String, version: i32) -> Answer<'_, Option<BundleRow>>;

    /// Bundles whose instant to come into force is not after `now`, of all tenants, the earliest first.
    fn due_bundles(&self, now: Instant) -> Answer<'_, Vec<(TenantId, BundleRow)>>;

    /// How many messages are stored with a date in `[from, to)`, drafts included.
    fn count_messages(&self, tenant: TenantId, from: Instant, to: Instant) -> Answer<'_, i64>;

    /// A simulation.
    fn simulation(&self, tenant: TenantId, id: ResourceId) -> Answer<'_, Option<SimulationRow>>;

    /// The latest simulations, newest first, without their bundles' texts and reports.
    fn simulations(&self, tenant: TenantId, limit: u16) -> Answer<'_, Vec<SimulationRow>>;

    /// Takes the oldest simulation that waits, or that nobody holds any more.
    fn claim_simulation(&self, now: Instant, lease: Span) -> Answer<'_, Option<(TenantId, SimulationRow)>>;

    /// Figures for the metrics page.
    fn gauges(&self, now: Instant) -> Answer<'_, Gauges>;

    /// Whether the database answers and its migrations are those of this binary; the text says what is missing.
    fn ready(&self) -> Answer<'_, ()>;
}

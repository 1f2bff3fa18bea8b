//! What a decision writes: one [`Change`] is one transaction, all of it or nothing.

use jiff::Timestamp;

use crate::absence::AbsenceChange;
use crate::audit::Seal;
use crate::calendar::Kept;
use crate::clock::{Clock, Firing, LedgerEntry};
use crate::correspondent::Correspondent;
use crate::decision::Mode;
use crate::hold::{Block, Hold};
use crate::holiday::HolidayChange;
use crate::id::{Key, Reference, ResourceId, TenantId, Version};
use crate::overrides::OverrideRow;
use crate::schedule::ScheduleChange;
use crate::search::SearchValue;
use crate::simulate::SimulationRow;
use crate::thread::Thread;
use crate::time::Instant;

mod audit;
mod bundle;
mod outbox;

pub use audit::{AuditAction, AuditOutcome, AuditRow};
pub use bundle::{BundleRow, BundleState, CancelReason};
pub use outbox::{Delivery, Dispatched, Hours, OutboxKind, OutboxRow, PutOff};

/// Everything that one decision writes, saved in one transaction or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The tenant of every row.
    pub tenant: TenantId,
    /// The catalogue generation that the decision was taken under: if bundles or hours have changed since, the save is
    /// refused as [`crate::store::SaveError::StaleCatalogue`] and the decision is taken again. `None`: not under policy.
    pub generation: Option<i64>,
    /// Whether this change alters the catalogue (pools' hours or bundles), which starts the next generation.
    pub new_generation: bool,
    /// Keys that may exist only once, such as the criteria of a conditional create.
    pub unique: Vec<UniqueKey>,
    /// New versions of resources.
    pub resources: Vec<ResourceWrite>,
    /// New states of threads.
    pub threads: Vec<Thread>,
    /// New states of clocks.
    pub clocks: Vec<Clock>,
    /// Entries added to clocks' ledgers.
    pub ledger: Vec<LedgerEntry>,
    /// Thresholds fired, each of which can be written once for ever.
    pub firings: Vec<Firing>,
    /// Events and notices that must leave, in the transaction of what caused them.
    pub outbox: Vec<OutboxRow>,
    /// Outbox rows taken care of, with the delivery that did it.
    pub dispatched: Vec<Dispatched>,
    /// Outbox rows that wait longer than was thought when they were written.
    pub put_off: Vec<PutOff>,
    /// What would be, or was, sent to one recipient.
    pub deliveries: Vec<Delivery>,
    /// Decision records.
    pub decisions: Vec<DecisionRow>,
    /// What the bundle in shadow would have decided: records beside the live ones, without any effect.
    pub shadows: Vec<DecisionRow>,
    /// Who did what.
    pub audit: Vec<AuditRow>,
    /// Seals of audit rows that have none.
    pub seals: Vec<Seal>,
    /// A bundle stored or moved to another state.
    pub bundles: Vec<BundleRow>,
    /// Overrides by authorised persons.
    pub overrides: Vec<OverrideRow>,
    /// Simulations asked for, on their way or ended.
    pub simulations: Vec<SimulationRow>,
    /// Absences that begin to be known or cease to; with them a generation of the catalogue starts.
    pub absences: Vec<AbsenceChange>,
    /// Holidays kept beside the bundle; with them a generation of the catalogue starts.
    pub holidays: Vec<HolidayChange>,
    /// Calendars by which clocks are going to be counted; one that is kept already stays as it is.
    pub calendars: Vec<Kept>,
    /// What is remembered of those who write.
    pub correspondents: Vec<Correspondent>,
    /// Messages held for review, and those whose hold ends.
    pub holds: Vec<Hold>,
    /// Blocks that begin, and those that a person ends.
    pub blocks: Vec<Block>,
    /// Messages that are retracted: what their earlier versions say is hidden from now on.
    pub retractions: Vec<Retraction>,
    /// Messages that are scheduled, and those that wait no longer.
    pub schedules: Vec<ScheduleChange>,
    /// Who has read what, or says that they have not.
    pub marks: Vec<Mark>,
}

impl Change {
    /// A change of nothing, to be filled.
    pub fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            generation: None,
            new_generation: false,
            unique: vec![],
            resources: vec![],
            threads: vec![],
            clocks: vec![],
            ledger: vec![],
            firings: vec![],
            outbox: vec![],
            dispatched: vec![],
            put_off: vec![],
            deliveries: vec![],
            decisions: vec![],
            shadows: vec![],
            audit: vec![],
            seals: vec![],
            bundles: vec![],
            overrides: vec![],
            simulations: vec![],
            absences: vec![],
            holidays: vec![],
            calendars: vec![],
            correspondents: vec![],
            holds: vec![],
            blocks: vec![],
            retractions: vec![],
            schedules: vec![],
            marks: vec![],
        }
    }
}

/// A message that is retracted. Its earlier versions are its author's from now on, and the leads' of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// The message.
    pub message: ResourceId,
    /// When.
    pub at: Instant,
    /// The pool that answers, or is to review it: its leads go on seeing what was written. None: no pool does.
    pub pool: Option<Reference>,
    /// The decision record; a message that nobody but its author has seen needs none.
    pub decision: Option<ResourceId>,
    /// The person who has retracted it, if any.
    pub agent: Option<Reference>,
    /// The client they used.
    pub client: String,
}

/// That somebody has read a message, or has not. It changes no version of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The message.
    pub message: ResourceId,
    /// The reader.
    pub reader: Reference,
    /// When they said that they have read it; `None`: it is unread again.
    pub read_at: Option<Timestamp>,
}

/// A key that may exist once per tenant and namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UniqueKey {
    /// What the key is about, such as `If-None-Exist:Communication`.
    pub namespace: &'static str,
    /// The key: a digest, never a person's data.
    pub key: String,
    /// The resource that owns it.
    pub owner: Key,
}

/// Who may see a row, beyond the rules for its thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Everyone who sees the thread.
    Thread,
    /// The author alone: drafts. While a message is held for review also the leads of the pool that is to answer, who
    /// see its Task too.
    Author,
    /// Staff who see the thread, never the patient (internal notes).
    Staff,
}

impl Audience {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Thread => "thread",
            Self::Author => "author",
            Self::Staff => "staff",
        }
    }
}

/// A new version of a resource. The version before it must be the current one: `version - 1`, or none for the first.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceWrite {
    /// The resource.
    pub key: Key,
    /// The version written.
    pub version: Version,
    /// When; `meta.lastUpdated`.
    pub last_updated: Timestamp,
    /// The type's own date (`sent`, `due`), for sorting; the time of writing where there is none.
    pub date: Timestamp,
    /// Whether this version says that the resource is deleted.
    pub deleted: bool,
    /// Whether an update made the resource with this version: there was none, or none any more.
    pub made_by_update: bool,
    /// The thread it belongs to.
    pub thread: Option<ResourceId>,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// Who wrote it.
    pub author: Option<Reference>,
    /// Who may see it.
    pub audience: Audience,
    /// The resource as JSON text.
    pub body: String,
    /// The values it is found by.
    pub values: Vec<SearchValue>,
}

/// A stored version of a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The resource.
    pub key: Key,
    /// Its version.
    pub version: Version,
    /// When it was written.
    pub last_updated: Timestamp,
    /// The type's own date.
    pub date: Timestamp,
    /// Whether this version says that the resource is deleted.
    pub deleted: bool,
    /// Whether an update made the resource with this version: there was none, or none any more.
    pub made_by_update: bool,
    /// The thread it belongs to.
    pub thread: Option<ResourceId>,
    /// The patient it is about.
    pub patient: Option<Reference>,
    /// The resource as JSON text.
    pub body: String,
}

/// A decision record as stored: its text is the canonical JSON that a replay must reproduce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRow {
    /// Its identifier.
    pub id: ResourceId,
    /// When it was taken.
    pub at: Instant,
    /// What it was about.
    pub focus: Key,
    /// The thread.
    pub thread: Option<ResourceId>,
    /// The outcome's code, such as `delivered`.
    pub outcome: String,
    /// Whether anything of it was done.
    pub mode: Mode,
    /// The hash of the bundle it was taken under.
    pub bundle: String,
    /// The record as JSON text.
    pub body: String,
}

//! What a decision writes: one [`Change`] is one transaction, all of it or nothing.

use std::borrow::Cow;

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
use crate::policy::bundle::Bundle;
use crate::search::SearchValue;
use crate::simulate::SimulationRow;
use crate::thread::{Priority, Thread};
use crate::time::Instant;

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
        }
    }
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
    /// The thread it belongs to.
    pub thread: Option<ResourceId>,
    /// The resource as JSON text.
    pub body: String,
}

/// An event for subscribers or a notice for people, written with the change that caused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its identifier; receivers use it to recognise repetitions.
    pub id: ResourceId,
    /// Event or notice.
    pub kind: OutboxKind,
    /// What happened: a topic (`message-received`) or a notice's reason (`warn-50`).
    pub topic: String,
    /// Whom a notice is for, such as `HealthcareService/refill` or `Practitioner/lead`; empty for events.
    pub recipient: Option<String>,
    /// The thread concerned.
    pub thread: Option<ResourceId>,
    /// The resource concerned; notices carry references, never text.
    pub focus: Option<Key>,
    /// When it happened.
    pub occurred_at: Instant,
    /// The earliest moment at which it may leave.
    pub release_at: Instant,
    /// Whose hours it keeps; looked at again when it is about to leave.
    pub hours: Hours,
    /// Its urgency, by which it may pass quiet hours.
    pub priority: Priority,
}

/// Whose hours a notice keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hours {
    /// Nobody's: it leaves at once.
    None,
    /// The team's: it leaves while the pool is open and it is not quiet for staff.
    Team,
    /// Those of the person on the patient's side whom it is for: it leaves while it is not quiet for them.
    Person,
}

impl Hours {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Team => "team",
            Self::Person => "person",
        }
    }

    /// The hours of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::None, Self::Team, Self::Person].into_iter().find(|hours| hours.as_str() == code)
    }
}

/// The two kinds of outbox rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutboxKind {
    /// For subscribers' machines.
    Event,
    /// For people; several that wait for one recipient leave as one digest.
    Notice,
}

impl OutboxKind {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Notice => "notice",
        }
    }
}

/// An outbox row taken care of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatched {
    /// The outbox row.
    pub outbox: ResourceId,
    /// The delivery it became part of; `None` when nobody is to be told.
    pub delivery: Option<ResourceId>,
    /// When.
    pub at: Instant,
}

/// An outbox row that may not leave yet after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutOff {
    /// The outbox row.
    pub outbox: ResourceId,
    /// The earliest moment at which it may leave, as it stands now.
    pub until: Instant,
}

/// What is sent to one recipient at one time: a single notice or a digest of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier.
    pub id: ResourceId,
    /// The recipient.
    pub recipient: String,
    /// When it was put together.
    pub at: Instant,
    /// The outbox rows in it, oldest first.
    pub outbox: Vec<ResourceId>,
    /// The topics in it, in the same order.
    pub topics: Vec<String>,
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

/// One access or decision: who did what, for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its identifier.
    pub id: ResourceId,
    /// When.
    pub at: Timestamp,
    /// The client.
    pub client: String,
    /// The person behind it, if any.
    pub agent: Option<Reference>,
    /// `C`, `R`, `U`, `D` or `E` (<https://hl7.org/fhir/R4/valueset-audit-event-action.html>).
    pub action: AuditAction,
    /// The interaction, such as `read`, `search-type`, `$claim`; of a refusal the method and the route's template.
    pub interaction: Cow<'static, str>,
    /// The resource, when it is one.
    pub focus: Option<Key>,
    /// Its version.
    pub version: Option<Version>,
    /// The patient concerned.
    pub patient: Option<Reference>,
    /// A search's query in base64; never shown to those who may not see the audit.
    pub query: Option<String>,
    /// How many resources were given out.
    pub count: i32,
    /// The request it belongs to.
    pub request: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The network address that the request came from.
    pub source: Option<String>,
    /// What for, as the token says it.
    pub purpose: Option<String>,
}

/// How an access ended (<https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused: not who they say, not allowed, or not there for them.
    Refused,
    /// The service failed.
    Failed,
}

impl AuditOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// The code of the FHIR value set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "0",
            Self::Refused => "4",
            Self::Failed => "8",
        }
    }
}

/// The action code of an `AuditEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// Something new.
    Create,
    /// Something seen.
    Read,
    /// Something changed.
    Update,
    /// Something deleted.
    Delete,
    /// An operation or a decision of the service itself.
    Execute,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Execute];

    /// The code of the FHIR value set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Delete => "D",
            Self::Execute => "E",
        }
    }
}

/// A policy bundle as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRow {
    /// The bundle's id.
    pub id: String,
    /// Its version.
    pub version: i32,
    /// SHA-256 of its canonical text, in hex.
    pub hash: String,
    /// Where in its life it is.
    pub state: BundleState,
    /// From when it is in force.
    pub effective_from: Instant,
    /// Its JSON text.
    pub body: String,
}

impl BundleRow {
    /// A bundle as a draft of its own text.
    pub fn draft(bundle: &Bundle, now: Instant) -> Self {
        Self {
            id: bundle.id.clone(),
            version: bundle.version,
            hash: bundle.hash(),
            state: BundleState::Draft,
            effective_from: now,
            body: bundle.canonical(),
        }
    }

    /// Its name in records and URLs: `id/version`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }
}

/// The life of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleState {
    /// May still be edited.
    Draft,
    /// Evaluated beside the active one, without effects: at most one per tenant.
    Shadow,
    /// Comes into force at its instant; the active one stays in force until then.
    Scheduled,
    /// In force: exactly one per tenant.
    Active,
    /// No longer in force.
    Retired,
}

impl BundleState {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Shadow => "shadow",
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Draft, Self::Shadow, Self::Scheduled, Self::Active, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == code)
    }
}

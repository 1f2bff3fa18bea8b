//! The record itself.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::access::PatientFacts;
use crate::change::DecisionRow;
use crate::clock::Clock;
use crate::id::{Key, Reference, ResourceId};
use crate::name::Name;
use crate::policy::bundle::LimitScope;
use crate::policy::rule::{Fact, Field, Guarded, Trace};
use crate::policy::turnaround::Target;
use crate::policy::{Policy, RedFlagHit};
use crate::thread::Priority;
use crate::time::{Instant, Span};

use super::{Mode, Outcome};

/// What is not copied into records.
const MASKED: &[Cow<'static, str>] = &[Cow::Borrowed("message.text"), Cow::Borrowed("message.title")];

/// A decision record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Its id.
    pub id: ResourceId,
    /// The engine that decided.
    pub engine: Cow<'static, str>,
    /// The IANA release in the binary.
    pub timezone_data: Cow<'static, str>,
    /// Whether anything of it was done.
    pub mode: Mode,
    /// When it was decided.
    pub at: Instant,
    /// The bundle, as `id/version`.
    pub bundle: String,
    /// The bundle's SHA-256, in hex.
    pub bundle_hash: String,
    /// The seed of new identifiers, in hex.
    pub seed: String,
    /// What was decided about.
    pub focus: Key,
    /// When the message was written, where an engine says so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub occurred_at: Option<Instant>,
    /// The message, in codes, counts and references.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageFacts>,
    /// What is not shown.
    pub masked: Cow<'static, [Cow<'static, str>]>,
    /// Red flags found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub red_flags: Vec<RedFlagHit>,
    /// Every rule and policy tried, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub tried: Vec<Tried>,
    /// Every limit looked at, with what it counted.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub limits: Vec<Counted>,
    /// How the answering pool was found.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub path: Vec<String>,
    /// The pool that answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool: Option<String>,
    /// The urgency in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Clocks started, stopped or changed.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub clocks: Vec<ClockNote>,
    /// What was done, and what was not and why.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub effects: Vec<Effect>,
    /// What could not be evaluated.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
}

/// A message without its words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageFacts {
    /// `patient`, `proxy`, `staff` or `machine`.
    pub side: String,
    /// Who wrote it.
    pub sender: Reference,
    /// The patient it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<Reference>,
    /// Whom it is for.
    pub recipients: Vec<Reference>,
    /// The category's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The urgency asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Its length in Unicode scalar values after NFC.
    pub length: usize,
    /// Whether a file is attached.
    pub attachment: bool,
    /// How many messages the patient's side has sent in the thread, this one included.
    pub round: i32,
    /// What the request said about the patient, when it said anything: the message itself does not, and a replay needs
    /// it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub facts: Option<PatientFacts>,
}

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TriedKind {
    /// A rule of the routing list.
    Rule,
    /// A turnaround policy.
    Turnaround,
}

/// A rule or policy that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tried {
    /// Which of the two.
    pub kind: TriedKind,
    /// Its id.
    pub id: Name,
    /// Whether its condition held.
    pub held: bool,
    /// Facts it asked for that are not known.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unknown: Vec<Field>,
}

/// A limit that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counted {
    /// Its id.
    pub id: String,
    /// What it counts.
    pub scope: LimitScope,
    /// How many had passed before in its window.
    pub count: usize,
    /// The most that pass.
    pub max: u32,
    /// Its window.
    pub window: Span,
    /// Whether this one exceeds it.
    pub exceeded: bool,
    /// Why it passes all the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passes: Option<String>,
}

/// What happened to a clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClockNote {
    /// The clock.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its cycle.
    pub cycle: i32,
    /// What happened, as the ledger says it.
    pub event: String,
    /// The turnaround policy.
    pub policy: String,
    /// The target in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The calendar that counts.
    pub calendar: String,
    /// That calendar's zone.
    pub zone: String,
    /// The state it is in now.
    pub state: String,
    /// When it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Instant>,
    /// What the patient had been told before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub promised_at: Option<Instant>,
    /// Holidays from now to due that count only once a person confirms them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub unconfirmed: Vec<Unconfirmed>,
    /// Open and closed stretches from now to due.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub walk: Vec<Stretch>,
}

/// A holiday that nobody has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unconfirmed {
    /// Its local date, as `2026-11-11`.
    pub date: String,
    /// What it is called.
    pub name: String,
}

/// A stretch of time in which a calendar is open or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stretch {
    /// Whether it is open.
    pub open: bool,
    /// From.
    pub from: Instant,
    /// Until.
    pub until: Instant,
}

/// Something done or left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// What, such as `automatic-reply` or `notice`.
    pub kind: Cow<'static, str>,
    /// What about, such as a template's or threshold's id.
    pub what: String,
    /// Whom it reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The earliest moment at which it leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_at: Option<Instant>,
    /// Why it was not done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<String>,
}

/// What the sender of a message is told beside its automatic reply, on the message itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderNotice {
    /// A visit may serve better than further messages.
    VisitSuggested,
    /// The message is longer than people like to read.
    MessageLong,
    /// An answer of the team is longer than people like to read.
    ReplyLong,
}

impl SenderNotice {
    /// Every notice.
    pub const ALL: [Self; 3] = [Self::VisitSuggested, Self::MessageLong, Self::ReplyLong];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VisitSuggested => crate::thread::VISIT_SUGGESTED,
            Self::MessageLong => "message-long",
            Self::ReplyLong => "reply-long",
        }
    }
}

/// The kind of the effect that tells the sender something.
const SENDER_NOTICE: &str = "sender-notice";

impl Record {
    /// Tells the sender something.
    pub fn tell_sender(&mut self, notice: SenderNotice) {
        self.did(SENDER_NOTICE, notice.as_str(), None, None);
    }

    /// What the sender is told, in order.
    pub fn sender_notices(&self) -> impl Iterator<Item = SenderNotice> {
        let told = self.effects.iter().filter(|effect| effect.kind == SENDER_NOTICE && effect.suppressed.is_none());
        told.filter_map(|effect| SenderNotice::ALL.into_iter().find(|notice| notice.as_str() == effect.what))
    }

    /// A record to be filled.
    pub fn new(id: ResourceId, policy: &Policy, focus: Key, seed: u128, now: Instant, outcome: Outcome) -> Self {
        Self {
            id,
            engine: Cow::Borrowed(concat!("postern/", env!("CARGO_PKG_VERSION"))),
            timezone_data: Cow::Borrowed(crate::calendar::tzdb_version()),
            mode: Mode::Live,
            at: now,
            bundle: policy.name(),
            bundle_hash: policy.hash.clone(),
            seed: format!("{seed:032x}"),
            focus,
            occurred_at: None,
            message: None,
            masked: Cow::Borrowed(MASKED),
            red_flags: vec![],
            tried: vec![],
            limits: vec![],
            path: vec![],
            pool: None,
            priority: None,
            clocks: vec![],
            effects: vec![],
            errors: vec![],
            outcome,
        }
    }

    /// Whether a rule or policy applies; noted with the facts that are missing.
    pub fn tries<'f, T>(
        &mut self,
        kind: TriedKind,
        what: &Guarded<T>,
        facts: &dyn Fn(Field) -> Option<Fact<'f>>,
    ) -> bool {
        let mut trace = Trace::default();
        let held = what.applies(facts, &mut trace);
        self.tried.push(Tried { kind, id: what.name.clone(), held, unknown: trace.unknown });
        held
    }

    /// Notes what happened to a clock, with the walk from `now` to due while it runs.
    pub fn note(&mut self, clock: &Clock, event: &str, policy: &Policy, now: Instant) {
        let calendar = policy.calendar(&clock.fold.calendar);
        let walk = clock.fold.due_at.zip(calendar).map(|(due, calendar)| calendar.walk(now, due)).unwrap_or_default();
        self.clocks.push(ClockNote {
            id: clock.id.clone(),
            name: clock.name.as_str().to_owned(),
            cycle: clock.cycle,
            event: event.to_owned(),
            policy: clock.terms.policy.clone(),
            target: clock.fold.target.clone(),
            calendar: clock.fold.calendar.clone(),
            zone: calendar.map(|calendar| calendar.zone_name().to_owned()).unwrap_or_default(),
            state: clock.fold.state.as_str().to_owned(),
            due_at: clock.fold.due_at,
            promised_at: clock.promised_at.filter(|_| clock.fold.due_at.is_some()),
            unconfirmed: clock
                .fold
                .due_at
                .into_iter()
                .flat_map(|due| policy.unconfirmed(&clock.fold.calendar, now, due))
                .take(60)
                .map(|holiday| Unconfirmed { date: holiday.date.to_string(), name: holiday.name.clone() })
                .collect(),
            // A year of shifts would drown the record; the walk says enough with its first stretches.
            walk: walk
                .into_iter()
                .take(60)
                .map(|period| Stretch { open: period.open, from: period.from, until: period.until })
                .collect(),
        });
    }

    /// Notes something done.
    pub fn did(&mut self, kind: &'static str, what: &str, to: Option<String>, release_at: Option<Instant>) {
        self.effects.push(Effect { kind: kind.into(), what: what.to_owned(), to, release_at, suppressed: None });
    }

    /// Notes something left, and why.
    pub fn left(&mut self, kind: &'static str, what: &str, why: &str) {
        let suppressed = Some(why.to_owned());
        self.effects.push(Effect { kind: kind.into(), what: what.to_owned(), to: None, release_at: None, suppressed });
    }

    /// The row that keeps the record.
    pub fn row(&self, thread: Option<ResourceId>) -> DecisionRow {
        DecisionRow {
            id: self.id.clone(),
            at: self.at,
            focus: self.focus.clone(),
            thread,
            outcome: self.outcome.as_str().to_owned(),
            mode: self.mode,
            bundle: self.bundle_hash.clone(),
            body: serde_json::to_string(self).expect("a record has string keys and finite numbers alone"),
        }
    }
}

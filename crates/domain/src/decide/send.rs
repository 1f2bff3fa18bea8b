//! What happens to a message that someone sends.

use crate::access::PatientFacts;
use crate::calendar::zone_named;
use crate::decision::{Decision, MessageFacts, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::message::{Message, Reading, Side};
use crate::policy::{Policy, RedFlagHit};
use crate::schedule::FARTHEST as FARTHEST_AHEAD;
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};
use crate::time::Instant;

use super::inbound::Inbound;
use super::late::History;
use super::{Known, Refusal, Setting, mirrors, named, needing_review};

/// How far back an engine may say that a message was written, in seconds: a week.
const FARTHEST_BACK: i64 = 7 * 86_400;

/// Decides about a message that is sent now, from what is known of the thread it continues and of its sender.
pub fn send<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    known: impl Into<Known<'a>>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    ingest(setting, message, known, None, ids)
}

/// Decides about a message that was perhaps written before others that are here already: `history` is then what its
/// thread has seen, and what is owed is set right as if everything had come in its order.
pub fn ingest<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    known: impl Into<Known<'a>>,
    history: Option<&History>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    if message.occurred_at.is_some_and(|at| at > now || now.since(at) > FARTHEST_BACK) {
        return Err(Refusal::OccurredUnfit);
    }
    let known = known.into();
    let read = Read::of(policy, message);
    within_boundaries(setting, message, &read, &known)?;
    Ok(decided(setting, message, read, &known, history, ids))
}

/// Decides about a message whose instant has come. It was accepted when it was scheduled, so that no boundary refuses it
/// now: one that would is recorded, and a person must look.
pub fn send_scheduled<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    known: impl Into<Known<'a>>,
    ids: &mut Ids,
) -> Decision {
    let known = known.into();
    let read = Read::of(setting.policy, message);
    let refused = within_boundaries(setting, message, &read, &known).err();
    let mut decision = decided(setting, message, read, &known, None, ids);
    if let Some(refusal) = refused {
        decision.record.left("boundary", refusal.code(), "it was accepted when it was scheduled");
        return needing_review(decision, setting.now);
    }
    decision
}

/// Decides whether a message may be scheduled for an instant: ahead, within a year, and such that it could be sent now.
/// Words of the patient's side that name danger are not kept for later: the answer is then that it is sent now.
///
/// # Errors
/// The instant is past or too far ahead, or the message could not be sent.
pub fn schedule<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    known: impl Into<Known<'a>>,
    release_at: Instant,
    ids: &mut Ids,
) -> Result<Option<Record>, Refusal> {
    let Setting { policy, now } = setting;
    let read = Read::of(policy, message);
    if message.from_patient() && !read.hits.is_empty() {
        return Ok(None);
    }
    if release_at <= now || release_at.since(now) > FARTHEST_AHEAD {
        return Err(Refusal::NotAhead { member: "release-at" });
    }
    within_boundaries(setting, message, &read, &known.into())?;
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, policy, focus, seed, now, Outcome::Scheduled);
    record.did("send", "scheduled", None, Some(release_at));
    Ok(Some(record))
}

/// What was read of a message, once, and the danger that it names.
struct Read {
    reading: Reading,
    hits: Vec<RedFlagHit>,
}

impl Read {
    fn of(policy: &Policy, message: &Message) -> Self {
        let reading = policy.read(message);
        let hits = policy.red_flags_in(&reading);
        Self { reading, hits }
    }
}

/// What a patient's message may be refused for; with a red flag it passes all the same.
fn within_boundaries(setting: Setting<'_>, message: &Message, read: &Read, known: &Known<'_>) -> Result<(), Refusal> {
    let Setting { policy, now } = setting;
    let limited = message.from_patient() && read.hits.is_empty() && !is_lifted(known, now);
    if limited { boundaries(policy, message, known.thread, now) } else { Ok(()) }
}

fn decided<'a>(
    setting: Setting<'a>,
    message: &'a Message,
    Read { reading, hits }: Read,
    known: &Known<'a>,
    history: Option<&History>,
    ids: &mut Ids,
) -> Decision {
    let Setting { policy, now } = setting;
    let view = known.thread;
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Delivered);
    record.red_flags = hits;
    record.errors.extend(policy.degraded.clone());
    let at = message.occurred_at.unwrap_or(now);
    record.occurred_at = message.occurred_at;
    let mut thread = view.map_or_else(|| opened(message, at), |view| continued(&view.thread, message, at));
    record.message = Some(facts_of(message, thread.patient_messages));

    let mut inbound = Inbound::new(setting, message, reading, known, ids, record);
    inbound.history = message.occurred_at.and_then(|at| Some(history?.clone().with(message, at)));
    match message.side() {
        Side::Patient | Side::Proxy => inbound.by_patient(&mut thread, view),
        Side::Staff => inbound.by_staff(&mut thread, view),
        Side::Machine => inbound.by_machine(&mut thread, view),
    }
    let correspondents = inbound.remembered();
    let Inbound { mut outbox, mut record, clocks, ledger, reply, hold, .. } = inbound;
    if hold.is_some() {
        outbox.event(ids, "hold-for-review", &thread, focus);
    } else if !message.internal {
        outbox.event(ids, "message-received", &thread, focus);
    }
    // A person of the team who answers has looked.
    thread.needs_review = !message.is_human_reply() && (thread.needs_review || !record.errors.is_empty());
    record.outcome = if hold.is_some() { Outcome::HeldForReview } else { outcome(&record, &thread, message) };
    record.pool = hold.as_ref().map(|hold| hold.pool.clone()).or_else(|| thread.pool.clone());
    record.priority = Some(thread.priority);
    let tasks = mirrors(&thread, &clocks, now);
    let outbox = outbox.into_rows();
    Decision { clocks, ledger, tasks, reply, hold, correspondents, outbox, ..Decision::of(thread, record) }
}

/// Keeps a draft: nobody is told and nothing runs; only the record says that it was kept.
pub fn draft(setting: Setting<'_>, message: &Message, ids: &mut Ids) -> Record {
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, setting.policy, focus, seed, setting.now, Outcome::Delivered);
    record.left("send", "draft", "a draft is its author's alone until it is sent");
    record
}

/// Whether an authorised person has lifted the limits for the thread or the sender.
fn is_lifted(known: &Known<'_>, now: Instant) -> bool {
    known.sender.is_some_and(|sender| sender.is_exempt(now))
        || known.thread.and_then(|view| view.thread.limits_lifted_until).is_some_and(|until| until > now)
}

/// A patient's message may be too long or too late; with a red flag it passes all the same.
fn boundaries(policy: &Policy, message: &Message, view: Option<&ThreadView>, now: Instant) -> Result<(), Refusal> {
    let (length, limit) = (message.length(), policy.bundle.length.limit);
    if length > limit {
        return Err(Refusal::TooLong { length, limit });
    }
    if let Some(view) = view {
        let window = policy.bundle.reply_window;
        let closed_at = view.thread.last_activity_at.plus(window.seconds());
        if now > closed_at {
            return Err(Refusal::WindowClosed { closed_at, window });
        }
    }
    Ok(())
}

fn opened(message: &Message, now: Instant) -> Thread {
    Thread {
        id: message.id.clone(),
        patient: message.patient.clone(),
        pool: None,
        pool_reference: None,
        owner: None,
        assigned: None,
        tags: vec![],
        category: message.category.clone(),
        priority: message.priority.unwrap_or_default(),
        state: ThreadState::Answered,
        opened_at: now,
        last_activity_at: now,
        last_staff_at: None,
        patient_messages: 0,
        cycle: 0,
        task: None,
        handed_cycle: 0,
        replied_cycle: 0,
        needs_review: false,
        merged_into: None,
        limits_lifted_until: None,
        quiet_lifted_until: None,
        zone: None,
        revision: 1,
    }
    .with(message, now)
}

pub(super) fn continued(thread: &Thread, message: &Message, now: Instant) -> Thread {
    // Patients see and find this instant: a note among staff leaves no trace in it.
    let wrote = if message.internal { thread.last_activity_at } else { now };
    let mut thread = Thread {
        revision: thread.revision + 1,
        last_activity_at: wrote.max(thread.last_activity_at),
        ..thread.clone()
    };
    if thread.patient.is_none() {
        thread.patient.clone_from(&message.patient);
    }
    thread.with(message, now)
}

impl Thread {
    fn with(mut self, message: &Message, now: Instant) -> Self {
        if message.from_patient() && message.has_payload {
            self.patient_messages += 1;
        }
        if message.from_patient() {
            let told = message.facts.zone.clone().filter(|name| zone_named(name).is_some());
            self.zone = told.or(self.zone);
        }
        if message.is_human_reply() {
            self.last_staff_at = self.last_staff_at.max(Some(now));
        }
        self
    }
}

pub(super) fn facts_of(message: &Message, round: i32) -> MessageFacts {
    MessageFacts {
        side: message.side().as_str().to_owned(),
        sender: message.sender.clone(),
        patient: message.patient.clone(),
        recipients: message.recipients.clone(),
        category: message.category.clone(),
        priority: message.priority,
        length: message.length(),
        attachment: message.has_attachment,
        round,
        facts: (message.facts != PatientFacts::default()).then(|| message.facts.clone()),
    }
}

pub(super) fn outcome(record: &Record, thread: &Thread, message: &Message) -> Outcome {
    let addressed = message.recipients.iter().any(|to| Some(to) == thread.pool_reference.as_ref());
    let to_pool = message.recipients.iter().any(|to| to.is("HealthcareService") || to.is("CareTeam"));
    if !record.errors.is_empty() {
        Outcome::NeedsReview
    } else if message.from_patient() && to_pool && !addressed {
        Outcome::Rerouted
    } else if record.sender_notices().next().is_some() {
        Outcome::DeliveredWithNotice
    } else {
        Outcome::Delivered
    }
}

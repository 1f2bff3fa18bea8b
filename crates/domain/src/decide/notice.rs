//! Notices and events: who is told, and the earliest moment at which it may leave.

use crate::change::{Hours, OutboxKind, OutboxRow};
use crate::clock::Clock;
use crate::decision::Record;
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::policy::Pool;
use crate::policy::bundle::QuietAudience;
use crate::policy::rule::Recipient;
use crate::policy::turnaround::Deliver;
use crate::thread::{Priority, Thread};
use crate::time::Instant;

use super::Setting;
use super::attendance::told;
use super::leave::{leaves, passes};
use super::obligation::UNBOUNDED;
use super::unread::UNREAD;

/// What leaves because of one decision.
pub struct Outbox<'a> {
    setting: Setting<'a>,
    rows: Vec<OutboxRow>,
}

/// An answer that may stay unread.
pub struct Unread<'a> {
    /// The answer.
    pub focus: Key,
    /// Who wrote it.
    pub author: &'a Reference,
    /// Its urgency.
    pub priority: Priority,
    /// When the time to read it is over.
    pub over: Instant,
}

/// A notice to the team.
pub struct Notice<'a> {
    /// What it is about: a topic or a threshold's id.
    pub topic: &'a str,
    /// Whom it is for.
    pub to: Recipient,
    /// Whether it waits until whom it is for is at work, or until it is not quiet for them.
    pub deliver: Deliver,
}

impl<'a> Outbox<'a> {
    /// Nothing yet.
    pub fn new(setting: Setting<'a>) -> Self {
        Self { setting, rows: Vec::new() }
    }

    /// The rows.
    pub fn into_rows(self) -> Vec<OutboxRow> {
        self.rows
    }

    /// An event for subscribers: machines keep no hours.
    pub fn event(&mut self, ids: &mut Ids, topic: &str, thread: &Thread, focus: Key) {
        let now = self.setting.now;
        self.rows.push(OutboxRow {
            id: ids.next_id(),
            kind: OutboxKind::Event,
            topic: topic.to_owned(),
            recipient: None,
            thread: Some(thread.id.clone()),
            focus: Some(focus),
            occurred_at: now,
            release_at: now,
            hours: Hours::None,
            priority: thread.priority,
        });
    }

    /// What a threshold tells: the team in its hours, the author or the patient in theirs. Where nobody is known on the
    /// patient's side, the pool is told.
    pub fn threshold(
        &mut self,
        ids: &mut Ids,
        record: &mut Record,
        notice: &Notice<'_>,
        (thread, pool): (&Thread, &Pool),
        author: Option<&Reference>,
    ) {
        let outside = match notice.to {
            Recipient::Author => author.or(thread.patient.as_ref()),
            Recipient::Patient => thread.patient.as_ref(),
            Recipient::Owner | Recipient::Pool | Recipient::PoolLead | Recipient::Supervisors => None,
        };
        match (outside, notice.deliver) {
            (None, _) => self.team(ids, record, notice, thread, pool),
            (Some(to), Deliver::Now) => self.at_once(ids, record, notice.topic, to, thread),
            (Some(to), Deliver::WhenOpen) => self.person(ids, record, notice.topic, to, thread.priority, thread),
        }
    }

    /// A notice to the team: to everyone whom the recipient stands for, when they are at work or at once.
    pub fn team(&mut self, ids: &mut Ids, record: &mut Record, notice: &Notice<'_>, thread: &Thread, pool: &Pool) {
        let Setting { policy, now } = self.setting;
        let hours = match notice.deliver {
            Deliver::Now => Hours::None,
            Deliver::WhenOpen => Hours::Team,
        };
        let at_work = |to: &Reference| leaves(policy, to, (thread, pool), (hours, thread.priority), (now, now));
        let mut all: Vec<Reference> = Vec::new();
        for meant in recipients(notice.to, thread, pool) {
            // Who is there when it leaves: it may be held until somebody is back, or gone.
            let (found, path) = told(policy, &meant, pool, at_work(&meant));
            if !path.is_empty() {
                record.left("notice", notice.topic, &path.join(", "));
            }
            for person in found {
                if !all.contains(&person) {
                    all.push(person);
                }
            }
        }
        for recipient in all {
            let leaves = (hours, thread.priority, at_work(&recipient));
            self.push(ids, record, notice.topic, &recipient, thread, leaves);
        }
    }

    /// Tells the pool, and says in the record, that a clock is due later than its patient was told: once, when a change
    /// makes it so.
    pub fn due_after_promise(
        &mut self,
        ids: &mut Ids,
        record: &mut Record,
        (before, after): (&Clock, &Clock),
        thread: &Thread,
        pool: &Pool,
    ) {
        if after.fold.state.is_over() || before.is_due_after_promise() || !after.is_due_after_promise() {
            return;
        }
        record.did("promise", "due-after-promise", None, after.promised_at);
        let told = Notice { topic: "due-after-promise", to: Recipient::Pool, deliver: Deliver::WhenOpen };
        self.team(ids, record, &told, thread, pool);
    }

    /// Tells the clinic's default pool, and says in the record, that nobody can say any more by when a clock is due: once,
    /// when a change makes it so. Nothing else would warn of it, so that a person must look; answers whether it is so.
    pub fn unbounded(
        &mut self,
        ids: &mut Ids,
        record: &mut Record,
        (before, after): (&Clock, &Clock),
        thread: &Thread,
    ) -> bool {
        if before.fold.is_unbounded() || !after.fold.is_unbounded() {
            return false;
        }
        record.errors.push(format!("{}: {UNBOUNDED}", after.name));
        let told = Notice { topic: "unbounded", to: Recipient::Pool, deliver: Deliver::WhenOpen };
        self.team(ids, record, &told, thread, self.setting.policy.default_pool());
        true
    }

    /// A notice to the patient's side, outside their quiet hours.
    pub fn person(
        &mut self,
        ids: &mut Ids,
        record: &mut Record,
        topic: &str,
        to: &Reference,
        priority: Priority,
        thread: &Thread,
    ) {
        let Setting { policy, now } = self.setting;
        let about = (thread, super::answering(policy, thread));
        let release_at = leaves(policy, to, about, (Hours::Person, priority), (now, now));
        self.push(ids, record, topic, to, thread, (Hours::Person, priority, release_at));
    }

    /// Tells the author of an answer, in their hours, once the time to read it is over. That is when it happens: from
    /// then on quiet hours may hold it.
    pub fn unread(&mut self, ids: &mut Ids, record: &mut Record, unread: Unread<'_>, about: (&Thread, &Pool)) {
        let Unread { focus, author, priority, over } = unread;
        let release_at = leaves(self.setting.policy, author, about, (Hours::Team, priority), (over, over));
        record.did("notice", UNREAD, Some(author.to_string()), Some(release_at));
        self.rows.push(OutboxRow {
            id: ids.next_id(),
            kind: OutboxKind::Notice,
            topic: UNREAD.to_owned(),
            recipient: Some(author.to_string()),
            thread: Some(about.0.id.clone()),
            focus: Some(focus),
            occurred_at: over,
            release_at,
            hours: Hours::Team,
            priority,
        });
    }

    /// A notice that waits for nothing.
    pub fn at_once(&mut self, ids: &mut Ids, record: &mut Record, topic: &str, to: &Reference, thread: &Thread) {
        let leaves = (Hours::None, thread.priority, self.setting.now);
        self.push(ids, record, topic, to, thread, leaves);
    }

    fn push(
        &mut self,
        ids: &mut Ids,
        record: &mut Record,
        topic: &str,
        to: &Reference,
        thread: &Thread,
        (hours, priority, release_at): (Hours, Priority, Instant),
    ) {
        let Setting { policy, now } = self.setting;
        let patient = to.is("Patient") || to.is("RelatedPerson");
        let audience = if patient { QuietAudience::Patient } else { QuietAudience::Staff };
        let to = to.to_string();
        record.did("notice", topic, Some(to.clone()), Some(release_at));
        let passed = passes(policy, thread, audience, (hours, priority), now).filter(|_| release_at == now);
        if let Some((entry, why)) = passed {
            record.left("quiet-hours", entry, &why);
        }
        self.rows.push(OutboxRow {
            id: ids.next_id(),
            kind: OutboxKind::Notice,
            topic: topic.to_owned(),
            recipient: Some(to),
            thread: Some(thread.id.clone()),
            focus: Some(Key::new(ResourceType::Communication, thread.id.clone())),
            occurred_at: self.setting.now,
            release_at,
            hours,
            priority,
        });
    }
}

/// Whom of the team a recipient stands for. Nobody is left untold: without an owner it is the pool, without leads or
/// supervisors those next below, and the pool in the place of somebody on the patient's side who is not known.
fn recipients(to: Recipient, thread: &Thread, pool: &Pool) -> Vec<Reference> {
    let leads = || if pool.leads.is_empty() { vec![pool.reference.clone()] } else { pool.leads.clone() };
    match to {
        Recipient::Owner => vec![thread.answerer().unwrap_or(&pool.reference).clone()],
        Recipient::Pool | Recipient::Author | Recipient::Patient => vec![pool.reference.clone()],
        Recipient::PoolLead => leads(),
        Recipient::Supervisors => pool.supervisors.clone().map_or_else(leads, |supervisors| vec![supervisors]),
    }
}

//! What happens to a message that someone sends.

use crate::clock::{Clock, ClockName, Event, LedgerEntry};
use crate::decision::{Decision, MessageFacts, Outcome, Record, Tried};
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::message::{Message, Side};
use crate::policy::rule::{Action, Fact, Field, Recipient, Trace};
use crate::policy::turnaround::Deliver;
use crate::policy::{Policy, Pool, RedFlagHit};
use crate::store::ThreadView;
use crate::text::Words;
use crate::thread::{Priority, Thread, ThreadState};
use crate::time::Instant;

use super::automatic::{Cause, Saying};
use super::notice::{Notice, Outbox};
use super::obligation;
use super::{Refusal, Setting, mirrors, named, open_clock};

/// Decides about a message that is sent now. `view` is the thread it continues; without one it begins a thread.
pub fn send(
    setting: Setting<'_>,
    message: &Message,
    view: Option<&ThreadView>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    let words = message.words();
    let hits = policy.red_flags_in(&words);
    if message.from_patient() && hits.is_empty() {
        boundaries(policy, message, view, now)?;
    }
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Delivered);
    record.red_flags = hits;
    record.errors.extend(policy.degraded.clone());
    let mut thread = view.map_or_else(|| opened(message, now), |view| continued(&view.thread, message, now));
    record.message = Some(facts_of(message, &thread));

    let mut inbound = Inbound {
        setting,
        message,
        words,
        outbox: Outbox::new(setting),
        ids,
        record,
        clocks: vec![],
        ledger: vec![],
        reply: None,
    };
    match message.side() {
        Side::Patient | Side::Proxy => inbound.by_patient(&mut thread, view),
        Side::Staff => inbound.by_staff(&mut thread, view),
        Side::Machine => inbound.by_machine(&mut thread, view),
    }
    let Inbound { mut outbox, mut record, clocks, ledger, reply, .. } = inbound;
    if !message.internal {
        outbox.event(ids, "message-received", &thread, focus);
    }
    thread.needs_review |= !record.errors.is_empty();
    record.outcome = outcome(&record, &thread, message);
    record.pool.clone_from(&thread.pool);
    record.priority = Some(thread.priority);
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { record, thread, clocks, ledger, tasks, reply, outbox: outbox.into_rows() })
}

/// Keeps a draft: nobody is told and nothing runs; only the record says that it was kept.
pub fn draft(setting: Setting<'_>, message: &Message, ids: &mut Ids) -> Record {
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, setting.policy, focus, seed, setting.now, Outcome::Delivered);
    record.left("send", "draft", "a draft is its author's alone until it is sent");
    record
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
        category: message.category.clone(),
        priority: message.priority.unwrap_or_default(),
        state: ThreadState::Answered,
        opened_at: now,
        last_activity_at: now,
        last_staff_at: None,
        patient_messages: 0,
        cycle: 0,
        task: None,
        replied_cycle: 0,
        needs_review: false,
        revision: 1,
    }
    .with(message, now)
}

fn continued(thread: &Thread, message: &Message, now: Instant) -> Thread {
    let mut thread = Thread { revision: thread.revision + 1, last_activity_at: now, ..thread.clone() };
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
        if message.is_human_reply() {
            self.last_staff_at = Some(now);
        }
        self
    }
}

fn facts_of(message: &Message, thread: &Thread) -> MessageFacts {
    MessageFacts {
        side: message.side().as_str().to_owned(),
        sender: message.sender.clone(),
        patient: message.patient.clone(),
        recipients: message.recipients.clone(),
        category: message.category.clone(),
        priority: message.priority,
        length: message.length(),
        attachment: message.has_attachment,
        round: thread.patient_messages,
    }
}

fn outcome(record: &Record, thread: &Thread, message: &Message) -> Outcome {
    let addressed = message.recipients.iter().any(|to| Some(to) == thread.pool_reference.as_ref());
    let to_pool = message.recipients.iter().any(|to| to.is("HealthcareService") || to.is("CareTeam"));
    if !record.errors.is_empty() {
        Outcome::NeedsReview
    } else if message.from_patient() && to_pool && !addressed {
        Outcome::Rerouted
    } else if record.effects.iter().any(|effect| effect.suppressed.is_none() && effect.kind == "sender-notice") {
        Outcome::DeliveredWithNotice
    } else {
        Outcome::Delivered
    }
}

/// A message on its way through the order of evaluation.
struct Inbound<'a, 'i> {
    setting: Setting<'a>,
    message: &'a Message,
    words: Words,
    outbox: Outbox<'a>,
    ids: &'i mut Ids,
    record: Record,
    clocks: Vec<Clock>,
    ledger: Vec<LedgerEntry>,
    reply: Option<crate::decision::AutomaticReply>,
}

impl Inbound<'_, '_> {
    /// The patient's side waits for an answer: an obligation begins, or goes on.
    fn by_patient(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        let policy = self.setting.policy;
        let message = self.message;
        let flagged = !self.record.red_flags.is_empty();
        let routed = self.route(thread, flagged);
        let pool = routed.pool.clone();
        thread.pool = Some(pool.id.clone());
        thread.pool_reference = Some(pool.reference.clone());
        let priority = message.priority.unwrap_or_default();
        let wanted = if flagged { policy.bundle.red_flags.priority.max(priority) } else { priority };
        let running = view.and_then(|view| open_clock(view, ClockName::NextResponse));
        if running.is_none() {
            // A new cycle has its own urgency; within one it only rises.
            thread.priority = wanted.max(routed.priority);
            thread.category = message.category.clone().or(thread.category.take());
        }
        let raised = thread.priority.max(wanted).max(routed.priority);
        let rises = raised > thread.priority;
        thread.priority = raised;
        if !message.has_payload && !flagged {
            self.record.left("clock", "next-response", "a thread's header asks for no answer");
            return;
        }
        if let Some(view) = view.filter(|_| running.is_some()) {
            self.go_on(thread, view, rises, flagged);
        } else {
            self.begin(thread, &pool, flagged);
        }
        thread.state = ThreadState::AwaitingTeam;
        self.suggestions(thread);

        let due = self.waiting().and_then(|clock| clock.fold.due_at);
        let topic = if flagged { "red-flag" } else { "message-received" };
        let deliver = if flagged { Deliver::Now } else { Deliver::WhenOpen };
        let told = Notice { topic, to: Recipient::Owner, deliver };
        self.outbox.team(self.ids, &mut self.record, &told, thread, &pool);
        let cause = match (flagged, &routed.template) {
            (true, _) => Cause::RedFlag,
            (false, Some(template)) => Cause::Rule(template),
            (false, None) => Cause::Accepted,
        };
        let saying = Saying { setting: self.setting, message, pool: &pool, due };
        self.reply = saying.reply(cause, thread, self.ids, &mut self.record);
        if let Some(reply) = &self.reply {
            thread.replied_cycle = thread.cycle;
            if flagged {
                self.outbox.at_once(self.ids, &mut self.record, "red-flag", &reply.recipient, thread);
            }
            let told = policy
                .template(&reply.template)
                .is_some_and(|template| template.variables.contains(&crate::policy::bundle::Variable::DueLocal));
            if told {
                self.promise(due);
            }
        }
    }

    /// The clock that the patient waits for.
    fn waiting(&self) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.name == ClockName::NextResponse)
    }

    /// What was told is kept, and never later than what was told before.
    fn promise(&mut self, due: Option<Instant>) {
        if let Some(clock) = self.clocks.iter_mut().find(|clock| clock.name == ClockName::NextResponse) {
            clock.promised_at = match (clock.promised_at, due) {
                (Some(before), Some(due)) => Some(before.min(due)),
                (before, due) => before.or(due),
            };
        }
    }

    fn begin(&mut self, thread: &mut Thread, pool: &Pool, flagged: bool) {
        let policy = self.setting.policy;
        thread.cycle += 1;
        thread.owner = None;
        let fact = |field| fact(policy, self.message, &self.words, thread, pool, field);
        let Some(turnaround) = obligation::governing(policy, &fact, &mut self.record) else {
            self.record.errors.push("no turnaround policy governs".to_owned());
            return;
        };
        let (clocks, ledger) =
            obligation::begin(self.setting, turnaround, thread, pool, flagged, self.ids, &mut self.record);
        self.clocks.extend(clocks);
        self.ledger.extend(ledger);
        thread.task = self.waiting().and_then(|clock| clock.task.clone());
        if let Some(task) = &thread.task {
            self.outbox.event(self.ids, "task-opened", thread, Key::new(ResourceType::Task, task.clone()));
        }
    }

    /// Further messages do not restart a clock; a more urgent one may tighten it, and one that was paused goes on.
    fn go_on(&mut self, thread: &Thread, view: &ThreadView, rises: bool, flagged: bool) {
        for open in view.clocks.iter().filter(|clock| !clock.fold.state.is_over()) {
            let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
            // Whoever answers now is warned: rerouting moves no due, but it moves the notices.
            clock.terms.pool = thread.pool.clone().unwrap_or(clock.terms.pool);
            let mut entries = Vec::new();
            // A red flag does not rest with the thread; otherwise it is the patient's answer that was waited for.
            let goes_on = flagged || view.thread.state == ThreadState::WaitingOnPatient;
            if goes_on && open.fold.state == crate::clock::ClockState::Paused {
                entries.push(clock.record(self.setting.now, Event::Resume, self.setting.policy));
                self.record.note(&clock, "resume", self.setting.policy, self.setting.now);
            }
            if (rises || flagged) && clock.name == ClockName::NextResponse {
                entries.extend(obligation::tighten(
                    self.setting,
                    &mut clock,
                    thread.priority,
                    flagged,
                    &mut self.record,
                ));
            }
            // The clock that a patient waits for is kept even unchanged: its Task and promise may follow the thread.
            if !entries.is_empty() || clock.name == ClockName::NextResponse {
                self.ledger.extend(entries);
                self.clocks.push(clock);
            }
        }
    }

    /// Rules in order, then the person or pool written to, then the clinic's default.
    fn route(&mut self, thread: &Thread, flagged: bool) -> Routed {
        let policy = self.setting.policy;
        let mut routed = Routed { pool: self.addressed(thread).clone(), priority: Priority::Routine, template: None };
        for rule in policy.rules() {
            let mut trace = Trace::default();
            let fact = |field| fact(policy, self.message, &self.words, thread, &routed.pool, field);
            let held = rule.when.holds(&fact, &mut trace);
            self.record.tried.push(Tried {
                kind: "rule".to_owned(),
                id: rule.id.clone(),
                held,
                unknown: trace.unknown,
            });
            if held && self.apply(&rule.id, &rule.actions, &mut routed) {
                break;
            }
        }
        if flagged && let Some(pool) = policy.pool(&policy.bundle.red_flags.pool) {
            self.record.path.push(format!("red flag: {}", pool.id));
            routed.pool = pool.clone();
        }
        routed
    }

    /// Does what a rule says; answers whether the rules end here.
    fn apply(&mut self, rule: &str, actions: &[Action], routed: &mut Routed) -> bool {
        for action in actions {
            match action {
                Action::RouteToPool { to } => match self.setting.policy.pool(to) {
                    Some(pool) => {
                        self.record.path.push(format!("rule {rule}: {to}"));
                        routed.pool = pool.clone();
                    }
                    None => self.record.errors.push(format!("rule {rule}: no pool is called {to}")),
                },
                Action::SetPriority { value } => routed.priority = routed.priority.max(*value),
                Action::SendTemplate { value } => routed.template = Some(value.clone()),
                Action::SuggestVisit {} => self.record.did("sender-notice", "visit-suggested", None, None),
                Action::Stop {} => return true,
                Action::Assign { .. } | Action::AddTag { .. } | Action::Notify { .. } => {
                    self.record.errors.push(format!("rule {rule}: an action cannot be done here"));
                }
            }
        }
        false
    }

    /// The pool written to; in a thread that has one, that pool; the clinic's default when none is known.
    fn addressed(&mut self, thread: &Thread) -> &Pool {
        let policy: &Policy = self.setting.policy;
        if let Some(pool) = thread.pool.as_deref().and_then(|id| policy.pool(id)) {
            self.record.path.push(format!("thread: {}", pool.id));
            return pool;
        }
        if let Some(pool) = self.message.recipients.iter().find_map(|to| policy.pool_of(to)) {
            self.record.path.push(format!("recipient: {}", pool.id));
            return pool;
        }
        let pool = policy.default_pool();
        self.record.path.push(format!("clinic's default: {}", pool.id));
        pool
    }

    fn suggestions(&mut self, thread: &Thread) {
        let bundle = &self.setting.policy.bundle;
        if thread.patient_messages >= i32::from(bundle.visit_suggested_from) {
            self.record.did("sender-notice", "visit-suggested", None, None);
        }
        if self.message.length() > bundle.length.notice {
            self.record.did("sender-notice", "message-long", None, None);
        }
    }

    /// A human answer stops what the patient waits for; a note among staff stops nothing.
    fn by_staff(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        let Setting { policy, now } = self.setting;
        self.red_flag_in_answer();
        if !self.message.is_human_reply() {
            self.record.left("clock", "stop", "only a human answer to the patient stops a clock");
            return;
        }
        if let Some(view) = view {
            for open in
                view.clocks.iter().filter(|clock| !clock.fold.state.is_over() && clock.name != ClockName::Resolve)
            {
                let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
                self.ledger.push(clock.record(now, Event::Fulfill, policy));
                self.record.note(&clock, "fulfill", policy, now);
                self.clocks.push(clock);
            }
        }
        if self.clocks.iter().any(|clock| clock.name == ClockName::NextResponse) {
            thread.owner = thread.owner.take().or_else(|| Some(self.message.sender.clone()));
        }
        thread.state = ThreadState::Answered;
        thread.task = None;
        let person = |to: &&Reference| to.is("Patient") || to.is("RelatedPerson");
        let mut people: Vec<&Reference> = self.message.recipients.iter().filter(person).collect();
        if people.is_empty() {
            people.extend(thread.patient.as_ref());
        }
        for to in people {
            let priority = self.message.priority.unwrap_or_default();
            self.outbox.person(self.ids, &mut self.record, "reply-received", to, priority, thread);
        }
    }

    /// What a machine wrote is delivered, and neither starts nor stops nor answers anything; a red flag is still told.
    fn by_machine(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        self.record.left("clock", "next-response", "what a machine wrote starts and stops nothing");
        if self.record.red_flags.is_empty() {
            return;
        }
        let policy = self.setting.policy;
        let pool = view
            .and_then(|view| view.thread.pool.as_deref())
            .and_then(|id| policy.pool(id))
            .or_else(|| policy.pool(&policy.bundle.red_flags.pool))
            .unwrap_or_else(|| policy.default_pool());
        if thread.pool.is_none() {
            thread.pool = Some(pool.id.clone());
            thread.pool_reference = Some(pool.reference.clone());
        }
        let told = Notice { topic: "red-flag", to: Recipient::Pool, deliver: Deliver::Now };
        self.outbox.team(self.ids, &mut self.record, &told, thread, pool);
    }

    /// The team's own words may name danger ("if you have chest pain, call"): found, recorded, and of no effect.
    fn red_flag_in_answer(&mut self) {
        let hits: &[RedFlagHit] = &self.record.red_flags;
        if !hits.is_empty() {
            self.record.left("red-flag", "urgency", "written by the team");
        }
    }
}

/// Where a message goes and what rules asked for.
struct Routed {
    pool: Pool,
    priority: Priority,
    template: Option<String>,
}

fn fact(policy: &Policy, message: &Message, words: &Words, thread: &Thread, pool: &Pool, field: Field) -> Option<Fact> {
    match field {
        Field::ThreadStatus => Some(Fact::Text(thread.state.as_str().to_owned())),
        Field::ThreadPool => Some(Fact::Text(pool.id.clone())),
        Field::ThreadOwner => thread.owner.as_ref().map(|owner| Fact::Text(owner.to_string())),
        Field::CalendarOpen => {
            policy.calendar(&pool.calendar).map(|calendar| Fact::Flag(calendar.is_open(thread.last_activity_at)))
        }
        // Tags and absences come with later facts; until then a rule on them is false and noted.
        Field::ThreadTag | Field::RecipientAbsent => None,
        _ => message.fact(field, words),
    }
}

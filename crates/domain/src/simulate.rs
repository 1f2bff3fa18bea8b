//! Simulation: the same messages under two policies, side by side, and what differs.
//!
//! Nothing is stored and nobody is told. Both sides replay every message and every threshold in the order of time, so a
//! policy against itself differs in nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};

use crate::clock::ClockName;
use crate::correspondent::{Correspondent, Who};
use crate::decide::{HeldMessage, Known, Refusal, Setting, expire, fire, send};
use crate::decision::{Decision, Effect, Mode, Record};
use crate::hold::Hold;
use crate::id::{Ids, ResourceId};
use crate::message::Message;
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::time::{Instant, Span};

use report::Shifts;

mod report;
mod run;

pub use report::{Band, Comparison, Difference, DueShift, Totals};
pub use run::{Compared, LONGEST, Over, SimulationRow, SimulationState, WAITING};

/// How many differences are told in full.
const TOLD: usize = 20;

/// A message as it once arrived.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    /// When.
    pub at: Instant,
    /// The thread it belongs to; its own id when it began one.
    pub thread: ResourceId,
    /// The message.
    pub message: Message,
}

/// One policy's side.
struct Side<'p> {
    policy: &'p Policy,
    threads: HashMap<ResourceId, ThreadView>,
    correspondents: HashMap<Who, Correspondent>,
    /// Thresholds to come: their instant and thread.
    coming: BinaryHeap<Reverse<(Instant, ResourceId)>>,
    /// Held messages by the end of their longest hold.
    held: BTreeMap<(Instant, u64), Held>,
    totals: Totals,
}

/// A held message, and the conversation it belongs to.
struct Held {
    hold: Hold,
    message: Message,
    thread: ResourceId,
}

/// How one message came out.
struct Came {
    outcome: String,
    pool: Option<String>,
    due: Option<Instant>,
    why: Why,
}

impl Came {
    /// What was done, whoever did it: two sides that do the same do not differ by how they came to it.
    fn effects(&self) -> &[Effect] {
        match &self.why {
            Why::Decided(record) => &record.effects,
            Why::Refused(_) => &[],
        }
    }

    fn differs(&self, other: &Self) -> bool {
        let urgency = |came: &Self| match &came.why {
            Why::Decided(record) => record.priority,
            Why::Refused(_) => None,
        };
        (&self.outcome, &self.pool, self.due, urgency(self)) != (&other.outcome, &other.pool, other.due, urgency(other))
            || self.effects() != other.effects()
    }
}

/// What can be told of it; put into words only for what is shown.
enum Why {
    Decided(Box<Record>),
    Refused(Refusal),
}

impl Why {
    fn told(&self) -> String {
        match self {
            Self::Decided(record) => record.paragraph(),
            Self::Refused(refusal) => format!("Refused: {refusal}: {}.", refusal.remedy()),
        }
    }
}

/// Two policies over the same messages.
pub struct Simulation<'p> {
    baseline: Side<'p>,
    candidate: Side<'p>,
    shifts: Shifts,
    comparison: Comparison,
}

impl<'p> Simulation<'p> {
    /// A simulation that has seen nothing yet.
    pub fn new(baseline: &'p Policy, candidate: &'p Policy) -> Self {
        let (baseline, candidate) = (Side::new(baseline), Side::new(candidate));
        Self { baseline, candidate, shifts: Shifts::default(), comparison: Comparison::default() }
    }

    /// Forgets conversations in which nothing is to come: closed on both sides by `now`, with no threshold ahead. So the
    /// memory that is needed follows how much is written in a reply window, not how long a time is replayed.
    pub fn forget(&mut self, now: Instant) {
        self.baseline.forget(now);
        self.candidate.forget(now);
    }

    /// Replays a message. Messages come in the order of time.
    pub fn take(&mut self, arrival: &Arrival) {
        let number = self.comparison.messages;
        self.comparison.messages += 1;
        let before = self.baseline.take(arrival, number);
        let after = self.candidate.take(arrival, number);
        *self.comparison.outcomes.entry(format!("{} -> {}", before.outcome, after.outcome)).or_default() += 1;
        if before.pool != after.pool {
            let name = |pool: &Option<String>| pool.clone().unwrap_or_else(|| "none".to_owned());
            let pair = format!("{} -> {}", name(&before.pool), name(&after.pool));
            *self.comparison.pools.entry(pair).or_default() += 1;
        }
        let shift = self.shifts.add(before.due, after.due);
        if before.differs(&after) {
            self.comparison.different += 1;
            self.tell(arrival, shift, &before.why, &after.why);
        }
    }

    /// Lets thresholds come until `end` and answers what was found.
    pub fn finish(mut self, end: Instant) -> Comparison {
        self.baseline.fire_until(end);
        self.candidate.fire_until(end);
        self.comparison.due = self.shifts.told();
        self.comparison.baseline = self.baseline.totals;
        self.comparison.candidate = self.candidate.totals;
        self.comparison
    }

    /// Keeps the largest differences; of equal ones the earliest.
    fn tell(&mut self, arrival: &Arrival, shift: i64, before: &Why, after: &Why) {
        let told = &mut self.comparison.differences;
        let place = told.partition_point(|other| other.due_shift_seconds.abs() >= shift.abs());
        if place < TOLD {
            told.insert(
                place,
                Difference {
                    message: arrival.message.id.clone(),
                    thread: arrival.thread.clone(),
                    at: arrival.at,
                    due_shift_seconds: shift,
                    baseline: before.told(),
                    candidate: after.told(),
                },
            );
            told.truncate(TOLD);
        }
    }
}

impl<'p> Side<'p> {
    fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            threads: HashMap::new(),
            correspondents: HashMap::new(),
            coming: BinaryHeap::new(),
            held: BTreeMap::new(),
            totals: Totals::default(),
        }
    }

    fn take(&mut self, arrival: &Arrival, number: u64) -> Came {
        self.fire_until(arrival.at);
        let setting = Setting { policy: self.policy, now: arrival.at };
        let mut ids = Ids::new(arrival.at, u128::from(number));
        let view = self.threads.remove(&arrival.thread);
        let mut message = arrival.message.clone();
        if view.is_none() {
            // A thread that began before the simulation, or whose beginning was refused, begins here.
            message.id = arrival.thread.clone();
        }
        let known = Known {
            thread: view.as_ref(),
            sender: self.correspondents.get(&Who::Sender(message.sender.clone())),
            everyone: self.correspondents.get(&Who::Everyone),
            remember: Span::default(),
        };
        let mut decision = match send(setting, &message, known, &mut ids) {
            Ok(decision) => decision,
            Err(refusal) => {
                self.totals.refused += 1;
                self.threads.extend(view.map(|view| (arrival.thread.clone(), view)));
                let outcome = format!("refused:{}", refusal.code());
                return Came { outcome, pool: None, due: None, why: Why::Refused(refusal) };
            }
        };
        decision.record.mode = Mode::Simulation;
        if let Some(hold) = decision.hold.clone() {
            self.totals.held += 1;
            self.held.insert((hold.until, number), Held { hold, message, thread: arrival.thread.clone() });
        }
        let due = decision
            .clocks
            .iter()
            .find(|clock| clock.name == ClockName::NextResponse)
            .and_then(|clock| clock.fold.due_at);
        self.keep(&arrival.thread, view.as_ref(), &decision);
        Came {
            outcome: decision.record.outcome.as_str().to_owned(),
            pool: decision.thread.pool.clone(),
            due,
            why: Why::Decided(Box::new(decision.record)),
        }
    }

    fn forget(&mut self, now: Instant) {
        let window = self.policy.bundle.reply_window.seconds();
        let held: HashSet<&ResourceId> = self.held.values().map(|held| &held.thread).collect();
        self.threads.retain(|id, view| {
            now.since(view.thread.last_activity_at) <= window
                || view.clocks.iter().any(|clock| clock.next.is_some())
                || held.contains(id)
        });
    }

    /// What a decision about a message comes to: what it sends, what it remembers, and how its conversation stands.
    fn keep(&mut self, thread: &ResourceId, view: Option<&ThreadView>, decision: &Decision) {
        self.totals.count(&decision.outbox, &self.policy.zone);
        self.correspondents.extend(decision.correspondents.iter().map(|own| (own.who.clone(), own.clone())));
        if let Some(reply) = &decision.reply {
            *self.totals.automatic_replies.entry(reply.template.clone()).or_default() += 1;
        }
        let next = ThreadView::after(view, decision);
        let coming = next.clocks.iter().filter_map(|clock| clock.next.as_ref());
        self.coming.extend(coming.map(|next| Reverse((next.at, thread.clone()))));
        self.threads.insert(thread.clone(), next);
    }

    /// Lets happen what comes up to `end`, oldest first: thresholds, and deliveries of what has been held for longest.
    fn fire_until(&mut self, end: Instant) {
        loop {
            let threshold = self.coming.peek().map(|Reverse((at, _))| *at);
            let release = self.held.first_key_value().map(|((until, _), _)| *until);
            match (threshold, release) {
                (Some(at), release) if at <= end && release.is_none_or(|until| at <= until) => self.fire(),
                (_, Some(until)) if until <= end => self.release(),
                _ => return,
            }
        }
    }

    /// Fires the next threshold.
    fn fire(&mut self) {
        let Some(Reverse((at, thread))) = self.coming.pop() else { return };
        let Some(view) = self.threads.get_mut(&thread) else { return };
        let setting = Setting { policy: self.policy, now: at };
        let mut rows = Vec::new();
        for place in 0..view.clocks.len() {
            // Stale entries of the heap fire nothing: the clock says what has come.
            let Some(fired) = fire(setting, view, &view.clocks[place], &mut Ids::new(at, 0)) else { continue };
            for firing in &fired.firings {
                *self.totals.thresholds.entry(firing.threshold.clone()).or_default() += 1;
            }
            if let Some(next) = &fired.clock.next {
                self.coming.push(Reverse((next.at, thread.clone())));
            }
            rows.extend(fired.outbox);
            view.clocks[place] = fired.clock;
            if let Some(thread) = fired.thread {
                view.thread = thread;
            }
        }
        self.totals.count(&rows, &self.policy.zone);
    }

    /// Delivers the next held message.
    fn release(&mut self) {
        let Some(((now, number), Held { hold, message, thread })) = self.held.pop_first() else { return };
        let Some(view) = self.threads.remove(&thread) else { return };
        let sender = self.correspondents.get(&Who::Sender(message.sender.clone()));
        let known = Known { thread: Some(&view), sender, ..Known::default() };
        let held = HeldMessage { hold: &hold, message: &message, view: &view };
        let setting = Setting { policy: self.policy, now };
        match expire(setting, held, known, &mut Ids::new(now, u128::from(number))) {
            Some(decision) => {
                self.totals.released += 1;
                self.keep(&thread, Some(&view), &decision);
            }
            None => drop(self.threads.insert(thread, view)),
        }
    }
}

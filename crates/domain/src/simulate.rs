//! Simulation: the same messages under two policies, side by side, and what differs.
//!
//! Nothing is stored and nobody is told. Both sides replay every message and every threshold in the order of time, so a
//! policy against itself differs in nothing.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use serde::{Deserialize, Serialize};

use crate::calendar::zone::{DAY, wall};
use crate::change::{OutboxKind, OutboxRow};
use crate::clock::ClockName;
use crate::correspondent::{Correspondent, Who};
use crate::decide::{Known, Refusal, Setting, fire, send};
use crate::decision::Record;
use crate::id::{Ids, ResourceId};
use crate::message::Message;
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::time::{Instant, Span};

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

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// How many messages were replayed.
    pub messages: u64,
    /// How many messages came out differently in any respect.
    pub different: u64,
    /// Outcomes under both, as `baseline -> candidate`, with their number.
    pub outcomes: BTreeMap<String, u64>,
    /// Answering pools under both, where they differ.
    pub pools: BTreeMap<String, u64>,
    /// How due instants moved.
    pub due: DueShift,
    /// The baseline's totals.
    pub baseline: Totals,
    /// The candidate's totals.
    pub candidate: Totals,
    /// The largest differences, with both explanations.
    pub differences: Vec<Difference>,
}

/// How due instants moved from baseline to candidate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DueShift {
    /// Alike.
    pub same: u64,
    /// Earlier under the candidate.
    pub earlier: u64,
    /// Later under the candidate.
    pub later: u64,
    /// Under one of the two alone.
    pub one_sided: u64,
    /// The largest move to an earlier instant, in seconds.
    pub most_earlier_seconds: i64,
    /// The largest move to a later instant, in seconds.
    pub most_later_seconds: i64,
}

/// What one side adds up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Totals {
    /// Notices to people, by the hour of the clinic's day at which they may leave.
    pub notices_by_hour: [u64; 24],
    /// Thresholds fired, by id.
    pub thresholds: BTreeMap<String, u64>,
    /// Automatic replies.
    pub automatic_replies: u64,
    /// Messages held for review.
    pub held: u64,
    /// Messages refused with another way to reach care.
    pub refused: u64,
}

/// A message that came out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The Communication's id.
    pub message: ResourceId,
    /// When it arrived.
    pub at: Instant,
    /// How far due moved, in seconds; positive is later.
    pub due_shift_seconds: i64,
    /// The baseline's decision in plain words.
    pub baseline: String,
    /// The candidate's decision in plain words.
    pub candidate: String,
}

/// One policy's side.
struct Side<'p> {
    policy: &'p Policy,
    threads: HashMap<ResourceId, ThreadView>,
    correspondents: HashMap<Who, Correspondent>,
    /// Thresholds to come: their instant and thread.
    coming: BinaryHeap<Reverse<(Instant, ResourceId)>>,
    totals: Totals,
}

/// How one message came out.
struct Came {
    outcome: String,
    pool: Option<String>,
    due: Option<Instant>,
    why: Why,
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
    comparison: Comparison,
}

impl<'p> Simulation<'p> {
    /// A simulation that has seen nothing yet.
    pub fn new(baseline: &'p Policy, candidate: &'p Policy) -> Self {
        Self { baseline: Side::new(baseline), candidate: Side::new(candidate), comparison: Comparison::default() }
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
        let shift = self.comparison.due.add(before.due, after.due);
        if before.outcome != after.outcome || before.pool != after.pool || before.due != after.due {
            self.comparison.different += 1;
            self.tell(arrival, shift, &before.why, &after.why);
        }
    }

    /// Lets thresholds come until `end` and answers what was found.
    pub fn finish(mut self, end: Instant) -> Comparison {
        self.baseline.fire_until(end);
        self.candidate.fire_until(end);
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

impl DueShift {
    fn add(&mut self, before: Option<Instant>, after: Option<Instant>) -> i64 {
        let (Some(before), Some(after)) = (before, after) else {
            if before == after {
                self.same += 1;
            } else {
                self.one_sided += 1;
            }
            return 0;
        };
        let shift = after.since(before);
        match shift {
            0 => self.same += 1,
            1.. => {
                self.later += 1;
                self.most_later_seconds = self.most_later_seconds.max(shift);
            }
            _ => {
                self.earlier += 1;
                self.most_earlier_seconds = self.most_earlier_seconds.max(-shift);
            }
        }
        shift
    }
}

impl<'p> Side<'p> {
    fn new(policy: &'p Policy) -> Self {
        Self {
            policy,
            threads: HashMap::new(),
            correspondents: HashMap::new(),
            coming: BinaryHeap::new(),
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
        let decision = match send(setting, &message, known, &mut ids) {
            Ok(decision) => decision,
            Err(refusal) => {
                self.totals.refused += 1;
                self.threads.extend(view.map(|view| (arrival.thread.clone(), view)));
                let outcome = format!("refused:{}", refusal.code());
                return Came { outcome, pool: None, due: None, why: Why::Refused(refusal) };
            }
        };
        self.count(&decision.outbox);
        self.totals.held += u64::from(decision.hold.is_some());
        self.correspondents.extend(decision.correspondents.iter().map(|own| (own.who.clone(), own.clone())));
        self.totals.automatic_replies += u64::from(decision.reply.is_some());
        let due = decision
            .clocks
            .iter()
            .find(|clock| clock.name == ClockName::NextResponse)
            .and_then(|clock| clock.fold.due_at);
        let next = ThreadView::after(view.as_ref(), &decision);
        self.expect(&next);
        self.threads.insert(arrival.thread.clone(), next);
        Came {
            outcome: decision.record.outcome.as_str().to_owned(),
            pool: decision.thread.pool.clone(),
            due,
            why: Why::Decided(Box::new(decision.record)),
        }
    }

    fn expect(&mut self, view: &ThreadView) {
        let coming = view.clocks.iter().filter_map(|clock| clock.next.as_ref());
        self.coming.extend(coming.map(|next| Reverse((next.at, view.thread.id.clone()))));
    }

    /// Fires what comes up to `end`, oldest first.
    fn fire_until(&mut self, end: Instant) {
        while self.coming.peek().is_some_and(|Reverse((at, _))| *at <= end) {
            let Some(Reverse((at, thread))) = self.coming.pop() else { return };
            let Some(view) = self.threads.get_mut(&thread) else { continue };
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
            }
            self.count(&rows);
        }
    }

    fn count(&mut self, rows: &[OutboxRow]) {
        for row in rows.iter().filter(|row| row.kind == OutboxKind::Notice) {
            let second_of_day = wall(&self.policy.zone, row.release_at).rem_euclid(DAY);
            let hour = usize::try_from(second_of_day / 3600).unwrap_or(0).min(23);
            self.totals.notices_by_hour[hour] += 1;
        }
    }
}

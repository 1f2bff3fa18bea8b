//! Which obligations begin, under which terms, and how they rest and tighten.

use crate::clock::{Clock, ClockName, ClockState, Event, Fold, LedgerEntry, Terms};
use crate::decision::{Record, TriedKind};
use crate::id::{Ids, Reference};
use crate::policy::rule::{Action, Recipient};
use crate::policy::rule::{Fact, Field};
use crate::policy::turnaround::{
    At, ClockPolicy, Deliver, OnReopen, PauseReason, Starts, Target, Threshold, True, Turnaround,
};
use crate::policy::{Policy, Pool};
use crate::thread::{Priority, Thread};
use crate::time::Instant;

use super::Setting;

/// Why a clock is never due.
pub const UNBOUNDED: &str = "the calendar does not open for long enough";

/// The turnaround policy that governs: the first whose condition holds, the fallback at last.
pub fn governing<'a, 'f>(
    policy: &'a Policy,
    facts: &dyn Fn(Field) -> Option<Fact<'f>>,
    record: &mut Record,
) -> Option<&'a Turnaround> {
    let found = policy.turnaround().iter().find(|turnaround| record.tries(TriedKind::Turnaround, turnaround, facts));
    found.map(|turnaround| &**turnaround)
}

/// What happens that clocks may start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The patient's side writes while nothing is owed.
    Wrote {
        /// Whether that reopens what the team had closed.
        reopens: bool,
    },
    /// Another pool answers from now on.
    HandedToPool,
    /// Someone has taken the thread.
    Assigned,
}

impl Occasion {
    fn starts(self, clock: &ClockPolicy, thread: &Thread) -> bool {
        let again = clock.on_reopen == OnReopen::NewCycle;
        match (self, clock.starts) {
            (Self::Wrote { .. }, Starts::PatientMessage) => thread.cycle == 1 || again,
            (Self::Wrote { reopens }, Starts::ThreadOpened) => thread.cycle == 1 || (reopens && again),
            (Self::HandedToPool, Starts::HandedToPool) | (Self::Assigned, Starts::Assigned) => true,
            _ => false,
        }
    }
}

/// Where clocks begin.
pub struct Beginning<'a> {
    /// What the decision is taken under.
    pub setting: Setting<'a>,
    /// The policy that says which.
    pub turnaround: &'a Turnaround,
    /// The thread.
    pub thread: &'a Thread,
    /// The clocks that are open.
    pub open: &'a [Clock],
    /// The pool that answers.
    pub pool: &'a Pool,
    /// What they begin with.
    pub occasion: Occasion,
    /// Who has written what is to be answered.
    pub author: Option<&'a Reference>,
    /// Whether there is danger.
    pub red_flag: bool,
    /// From when on.
    pub at: Instant,
}

impl Beginning<'_> {
    /// The clocks that begin, running, with their first ledger entries. One that is open already goes on. Their Task is
    /// named by the clock that a patient waits for.
    pub fn clocks(&self, ids: &mut Ids, record: &mut Record) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let Setting { policy, now } = self.setting;
        let open = |name| self.open.iter().any(|clock| clock.name == name && !clock.fold.state.is_over());
        let begins = |clock: &&ClockPolicy| self.occasion.starts(clock, self.thread) && !open(clock.id);
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        for clock_policy in self.turnaround.clocks.iter().filter(begins) {
            let priority = self.thread.priority;
            let hurried = (self.red_flag && hurries(clock_policy.id)).then(|| red_flag_target(policy));
            let Some(target) = hurried.or_else(|| clock_policy.target(priority)) else {
                record.errors.push(format!("{}: no target for {priority}", clock_policy.id));
                continue;
            };
            let mut clock = self.clock(clock_policy, ids);
            let calendar = clock.terms.calendar.clone();
            ledger.push(clock.record(self.at, Event::Activate { target, calendar }, policy));
            record.note(&clock, "activate", policy, now);
            if clock.fold.due_at.is_none() {
                record.errors.push(format!("{}: {UNBOUNDED}", clock.name));
            }
            clocks.push(clock);
        }
        (clocks, ledger)
    }

    fn clock(&self, named: &ClockPolicy, ids: &mut Ids) -> Clock {
        let policy = self.setting.policy;
        let counted_by = policy.counted_by(&named.calendar, self.pool, self.thread.answerer());
        let calendar = policy.counting(&counted_by).unwrap_or(&self.pool.calendar).to_owned();
        // A team's runs are counted by themselves: each hand-over starts the next.
        let before = self.open.iter().filter(|clock| clock.name == named.id).map(|clock| clock.cycle + 1).max();
        Clock {
            id: ids.next_id(),
            thread: self.thread.id.clone(),
            name: named.id,
            cycle: before.unwrap_or(self.thread.cycle),
            task: (named.id == ClockName::NextResponse).then(|| ids.next_id()),
            terms: Terms {
                bundle: policy.name(),
                policy: self.turnaround.id.clone(),
                pool: self.pool.id.clone(),
                calendar,
                counted_by,
                priority: self.thread.priority,
                thresholds: if self.red_flag && hurries(named.id) {
                    flag_thresholds(named.id, &named.thresholds)
                } else {
                    named.thresholds.clone()
                },
                known_from: None,
                rests: named.rests(),
                review: None,
                author: self.author.cloned(),
            },
            fold: Fold::default(),
            promised_at: None,
            fired: vec![],
            next: None,
            entries: 0,
            revision: 1,
        }
    }
}

/// The pause of a clock that rests for a reason, with its end: the cap of its terms, or what a person asks for when that
/// is earlier. `None` for a clock that does not run or does not rest for it.
pub fn pause(
    policy: &Policy,
    clock: &Clock,
    reason: PauseReason,
    until: Option<Instant>,
    now: Instant,
) -> Option<Event> {
    let rest = clock.terms.rests.iter().find(|rest| rest.reason == reason)?;
    let cap = policy.calendar(&clock.fold.calendar).and_then(|calendar| rest.ends(calendar, now));
    // Whichever comes first: a person may shorten the pause that the policy allows, and not lengthen it.
    let until = match (cap, until) {
        (Some(cap), Some(until)) => Some(cap.min(until)),
        (cap, until) => cap.or(until),
    };
    let event = Event::Pause { reason: reason.as_str().to_owned(), until };
    (clock.fold.state == ClockState::Running).then_some(event)
}

/// The turnaround policy that a thread's open clocks began under, as the bundle in force says it.
pub fn underlying<'p>(policy: &'p Policy, open: &[Clock]) -> Option<&'p Turnaround> {
    let named = open.iter().find(|clock| clock.name == ClockName::NextResponse).or_else(|| open.first())?;
    let found = policy.turnaround().iter().find(|turnaround| turnaround.id == named.terms.policy);
    found.map(|turnaround| &**turnaround)
}

/// The time that there is to answer danger.
pub fn red_flag_target(policy: &Policy) -> Target {
    Target::ElapsedTime { amount: policy.bundle.red_flags.target.amount }
}

/// Whether danger hurries an obligation: whoever is to see the message and to answer it. The matter may take its time.
pub fn hurries(name: ClockName) -> bool {
    matches!(name, ClockName::NextResponse | ClockName::FirstOpened)
}

/// The thresholds of a red flag's clock: the same ones, but nothing waits for an opening.
fn flag_thresholds(name: ClockName, thresholds: &[Threshold]) -> Vec<Threshold> {
    let mut thresholds: Vec<Threshold> =
        thresholds.iter().map(|threshold| Threshold { deliver: Deliver::Now, ..threshold.clone() }).collect();
    for threshold in &mut thresholds {
        if let At::After { elapsed, .. } = &mut threshold.at {
            *elapsed = true;
        }
    }
    if thresholds.iter().all(|threshold| !matches!(threshold.at, At::Due { .. })) && name == ClockName::NextResponse {
        thresholds.push(Threshold {
            id: "breach".to_owned(),
            at: At::Due { due: True },
            actions: vec![Action::Notify { to: Recipient::PoolLead }],
            deliver: Deliver::Now,
        });
    }
    thresholds
}

/// Tightens a clock for a more urgent message: time already used stays counted, and due only moves earlier.
pub fn tighten(
    setting: Setting<'_>,
    clock: &mut Clock,
    priority: Priority,
    red_flag: bool,
    record: &mut Record,
) -> Option<LedgerEntry> {
    let Setting { policy, now } = setting;
    let (target, due, reason) = if red_flag {
        clock.terms.thresholds = flag_thresholds(clock.name, &clock.terms.thresholds);
        clock.next = clock.next_threshold(policy);
        let target = red_flag_target(policy);
        (target, Some(now.plus(policy.bundle.red_flags.target.amount.seconds())), "red-flag")
    } else {
        let turnaround = policy.turnaround().iter().find(|turnaround| turnaround.id == clock.terms.policy)?;
        let target = turnaround.clocks.iter().find(|other| other.id == clock.name)?.target(priority)?;
        (target, None, "priority-raised")
    };
    let entry = earlier(setting, clock, Event::Retarget { target, due, reason: reason.to_owned() })?;
    clock.terms.priority = priority;
    record.note(clock, "retarget", policy, now);
    Some(entry)
}

/// Counts a clock from a message that was received before it began, because it was held until now: due only moves
/// earlier. The time for danger counts from when it was told, whatever was received before.
pub fn since(
    setting: Setting<'_>,
    clock: &mut Clock,
    received_at: Instant,
    record: &mut Record,
) -> Option<LedgerEntry> {
    let Setting { policy, now } = setting;
    clock.fold.started_at.filter(|started| *started > received_at)?;
    let target = clock.fold.target.clone().filter(|target| *target != red_flag_target(policy))?;
    let due = clock.fold.due_if_begun(received_at, now, policy)?;
    let entry =
        earlier(setting, clock, Event::Retarget { target, due: Some(due), reason: "received-earlier".to_owned() })?;
    record.note(clock, "retarget", policy, now);
    Some(entry)
}

/// Gives a clock another target if it is due earlier by it than it is, or would be once it goes on.
pub fn earlier(setting: Setting<'_>, clock: &mut Clock, retarget: Event) -> Option<LedgerEntry> {
    let Setting { policy, now } = setting;
    let due = clock.fold.clone().then(now, &retarget, policy).due_going_on(now, policy)?;
    let before = clock.fold.due_going_on(now, policy);
    before.is_none_or(|before| due < before).then(|| clock.record(now, retarget, policy))
}

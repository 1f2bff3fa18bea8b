//! Thresholds that have come: each fires once, whatever happens.

use crate::change::OutboxRow;
use crate::clock::{Clock, ClockName, Event, Firing, LedgerEntry, PAUSE_ENDS, PROMISE_MISSED};
use crate::decision::{Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::rule::Action;
use crate::policy::turnaround::{At, Threshold};
use crate::policy::{Policy, Pool};
use crate::store::ThreadView;
use crate::task::Task;
use crate::thread::{Thread, ThreadState};
use crate::time::Instant;

use super::notice::{Notice, Outbox};
use super::overrule::pool_in;
use super::route::handed_over;
use super::routing::tag;
use super::{Setting, mirrors, named, open_clock};

/// What the firing of a clock's thresholds changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Why.
    pub record: Record,
    /// The thread's new state, when it has one.
    pub thread: Option<Thread>,
    /// The clock's new state.
    pub clock: Clock,
    /// Other clocks of the thread, where another pool answers from now on.
    pub beside: Vec<Clock>,
    /// Entries for its ledger.
    pub ledger: Vec<LedgerEntry>,
    /// The firings, each of which can be written once.
    pub firings: Vec<Firing>,
    /// The Tasks that mirror them.
    pub tasks: Vec<Task>,
    /// Events and notices.
    pub outbox: Vec<OutboxRow>,
}

/// Fires every threshold of a clock that has come by `now`, in order; before them a pause ends that ends by itself, and a
/// promise that has passed is recorded. `None` when none has: the clock was stopped,
/// paused or moved since it was claimed.
pub fn fire(setting: Setting<'_>, view: &ThreadView, clock: &Clock, ids: &mut Ids) -> Option<Fired> {
    let Setting { policy, now } = setting;
    let mut fired = Clock { revision: clock.revision + 1, ..clock.clone() };
    let mut ledger = Vec::new();
    let mut firings = Vec::new();
    let pause_ended = clock.fold.paused_until.filter(|until| *until <= now);
    if let Some(until) = pause_ended {
        // At its true instant, whenever it is noticed.
        ledger.push(fired.record(until, Event::Resume, policy));
        firings.push(firing(&fired, format!("{PAUSE_ENDS}-{}", fired.entries), until, now));
    }
    let come = come(&fired, policy, now);
    let missed = fired.promise_passes().filter(|promised| *promised < now);
    if come.is_empty() && pause_ended.is_none() && missed.is_none() {
        return None;
    }
    let focus = clock.task.as_ref().map_or_else(
        || Key::new(ResourceType::Communication, clock.thread.clone()),
        |task| Key::new(ResourceType::Task, task.clone()),
    );
    let (id, seed) = named(ids);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Fired);
    let of_terms = || policy.pool_known_as(Some(&clock.terms.pool), None);
    let (pool, named) = match &clock.terms.review {
        // Leads of the pool that the message is held for review it, and nobody else sees it.
        Some(review) => (policy.pool_known_as(Some(&clock.terms.pool), Some(&review.pool)), None),
        // Whoever answers now is told; the clock itself never changes hands.
        None => (pool_in(policy, &view.thread).or_else(of_terms), view.thread.pool.as_ref()),
    };
    record.pool = Some(named.unwrap_or(&clock.terms.pool).clone());
    record.priority = Some(view.thread.priority);
    let pool = pool.unwrap_or_else(|| policy.default_pool());
    let mut outbox = Outbox::new(setting);
    let mut thread = view.thread.clone();
    let mut escalated = None;
    if let Some(until) = pause_ended {
        record.did("pause", PAUSE_ENDS, None, Some(until));
        outbox.due_after_promise(ids, &mut record, (clock, &fired), &view.thread, pool);
        // The thread waits as its answer does; without one that is owed, nobody is waited for any more.
        let owed = view.clocks.iter().any(|open| open.name == ClockName::NextResponse);
        let state = if owed { ThreadState::AwaitingTeam } else { ThreadState::Answered };
        let decides = clock.name == ClockName::NextResponse || !owed;
        if decides && view.thread.is_waiting() {
            thread.state = state;
        }
        thread.needs_review |= outbox.unbounded(ids, &mut record, (clock, &fired), &view.thread);
    }
    if let Some(promised) = missed {
        firings.push(firing(&fired, PROMISE_MISSED.to_owned(), promised, now));
        fired.fire(PROMISE_MISSED, policy);
        record.did("promise", PROMISE_MISSED, None, Some(promised));
    }
    for (threshold, at) in come {
        let breach = matches!(threshold.at, At::Due { .. });
        // The breach stands at due; it only fires once now is later.
        let stood_at = if breach { at.plus(-1) } else { at };
        if breach && fired.fold.breached_at.is_none() {
            ledger.push(fired.record(now, Event::Breach, policy));
            let topic = if fired.name == ClockName::Review { "review-overdue" } else { "turnaround-breached" };
            outbox.event(ids, topic, &view.thread, focus.clone());
        } else if fired.name != ClockName::Review && matches!(threshold.at, At::Percent { .. } | At::Before { .. }) {
            outbox.event(ids, "turnaround-at-risk", &view.thread, focus.clone());
        }
        // Nobody could be warned before the service knew of it; that it is late is told all the same.
        let unknown = !breach && clock.terms.known_from.is_some_and(|known| stood_at < known);
        let cause = match (unknown, past_at_change(&fired, stood_at)) {
            (true, _) => Some("pre-existing".to_owned()),
            (false, true) => Some("target-changed".to_owned()),
            (false, false) => None,
        };
        firings.push(Firing { cause, ..firing(&fired, threshold.id.clone(), stood_at, now) });
        fired.fire(&threshold.id, policy);
        record.did("threshold", &threshold.id, None, Some(stood_at));
        if unknown {
            record.left("notice", &threshold.id, "pre-existing: it stood before the message was delivered");
            continue;
        }
        for action in &threshold.actions {
            match action {
                Action::Notify { to } => {
                    let told = Notice { topic: &threshold.id, to: *to, deliver: threshold.deliver };
                    let author = fired.terms.author.as_ref();
                    outbox.threshold(ids, &mut record, &told, (&view.thread, pool), author);
                }
                Action::AddTag { value } => tag(&mut thread, value, &mut record),
                Action::RouteToPool { to } => escalated = Some(to.clone()),
                // Lint lets nothing else stand here.
                _ => record.left("action", &threshold.id, "it cannot be done by a threshold"),
            }
        }
    }
    record.note(&fired, "fire", policy, now);
    let mut clocks = vec![fired];
    if let Some(to) = escalated {
        let handing = Escalating { setting, view, focus };
        (thread, ledger) = handing.to(&to, (thread, ledger), &mut clocks, ids, (&mut record, &mut outbox));
    }
    let changed = thread != view.thread;
    thread.revision = view.thread.revision + i32::from(changed);
    if thread.marks().ne(view.thread.marks()) {
        clocks.extend(mirroring(view, &clocks));
    }
    let tasks = mirrors(&thread, &clocks, now);
    let clock = clocks.remove(0);
    let beside = clocks;
    let thread = changed.then_some(thread);
    Some(Fired { record, thread, clock, beside, ledger, firings, tasks, outbox: outbox.into_rows() })
}

/// A threshold lets another pool answer.
struct Escalating<'a> {
    setting: Setting<'a>,
    view: &'a ThreadView,
    focus: Key,
}

impl Escalating<'_> {
    /// Hands the thread over as a person would: its new state, and the ledger with what the hand-over adds. `clocks` begin
    /// with the one that has fired.
    fn to(
        self,
        to: &str,
        (thread, mut ledger): (Thread, Vec<LedgerEntry>),
        clocks: &mut Vec<Clock>,
        ids: &mut Ids,
        (record, outbox): (&mut Record, &mut Outbox<'_>),
    ) -> (Thread, Vec<LedgerEntry>) {
        let policy = self.setting.policy;
        let answers = |to: &&Pool| pool_in(policy, &self.view.thread).is_some_and(|pool| pool.id == to.id);
        let Some(to) = policy.pool(to).filter(|to| !answers(to)) else {
            record.left("hand-over", "threshold", "that pool answers already, or is no more");
            return (thread, ledger);
        };
        record.did("hand-over", "threshold", None, None);
        record.path.push(format!("handed over: {}", to.id));
        record.pool = Some(to.id.clone());
        let standing = standing(self.view, &clocks[0]);
        let handed = handed_over(self.setting, (&standing, thread), to, ids, (record, outbox));
        outbox.event(ids, "thread-handed-over", &handed.thread, self.focus);
        ledger.extend(handed.ledger);
        for clock in handed.clocks {
            if clock.id == clocks[0].id { clocks[0] = clock } else { clocks.push(clock) }
        }
        (handed.thread, ledger)
    }
}

/// The thread with the clock as it has fired, before its next revision.
fn standing(view: &ThreadView, fired: &Clock) -> ThreadView {
    let as_fired = |clock: &Clock| {
        if clock.id == fired.id { Clock { revision: clock.revision, ..fired.clone() } } else { clock.clone() }
    };
    ThreadView { clocks: view.clocks.iter().map(as_fired).collect(), ..view.clone() }
}

/// The clock whose Task shows the thread's marks and pool, where it does not change by itself.
fn mirroring(view: &ThreadView, changed: &[Clock]) -> Option<Clock> {
    let waiting = open_clock(view, ClockName::NextResponse)?;
    let known = changed.iter().any(|clock| clock.id == waiting.id);
    (!known).then(|| Clock { revision: waiting.revision + 1, ..waiting.clone() })
}

/// The thresholds that have come, with their instants, in order.
fn come(clock: &Clock, policy: &Policy, now: Instant) -> Vec<(Threshold, Instant)> {
    let mut come: Vec<(Threshold, Instant)> = clock
        .terms
        .thresholds
        .iter()
        .filter(|threshold| !clock.fired.contains(&threshold.id))
        .filter_map(|threshold| Some((threshold.clone(), clock.threshold_at(threshold, policy)?)))
        .filter(|(_, at)| *at <= now)
        .collect();
    come.sort_by_key(|(_, at)| *at);
    come
}

fn firing(clock: &Clock, threshold: String, at: Instant, fired_at: Instant) -> Firing {
    Firing { clock: clock.id.clone(), cycle: clock.cycle, threshold, at, fired_at, cause: None }
}

/// Whether the instant had passed already when the clock was given its present due: then the change made it fire, and
/// not the team's silence.
fn past_at_change(clock: &Clock, at: Instant) -> bool {
    clock.fold.retargeted_at.is_some_and(|since| at <= since)
}

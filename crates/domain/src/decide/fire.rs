//! Thresholds that have come: each fires once, whatever happens.

use crate::change::OutboxRow;
use crate::clock::{Clock, ClockState, Event, Firing, LedgerEntry};
use crate::decision::{Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::rule::Action;
use crate::policy::turnaround::{At, Target, Threshold};
use crate::store::ThreadView;
use crate::task::Task;
use crate::time::Instant;

use super::notice::{Notice, Outbox};
use super::{Setting, named};

/// What the firing of a clock's thresholds changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fired {
    /// Why.
    pub record: Record,
    /// The clock's new state.
    pub clock: Clock,
    /// Entries for its ledger.
    pub ledger: Vec<LedgerEntry>,
    /// The firings, each of which can be written once.
    pub firings: Vec<Firing>,
    /// The Task that mirrors the clock.
    pub task: Option<Task>,
    /// Events and notices.
    pub outbox: Vec<OutboxRow>,
}

/// Fires every threshold of a clock that has come by `now`, in order. `None` when none has: the clock was stopped,
/// paused or moved since it was claimed.
pub fn fire(setting: Setting<'_>, view: &ThreadView, clock: &Clock, ids: &mut Ids) -> Option<Fired> {
    let Setting { policy, now } = setting;
    if clock.fold.state != ClockState::Running {
        return None;
    }
    let mut come: Vec<(Threshold, Instant)> = clock
        .terms
        .thresholds
        .iter()
        .filter(|threshold| !clock.fired.contains(&threshold.id))
        .filter_map(|threshold| Some((threshold.clone(), clock.threshold_at(threshold, policy)?)))
        .filter(|(_, at)| *at <= now)
        .collect();
    come.sort_by_key(|(_, at)| *at);
    if come.is_empty() {
        return None;
    }
    let focus = clock.task.as_ref().map_or_else(
        || Key::new(ResourceType::Communication, clock.thread.clone()),
        |task| Key::new(ResourceType::Task, task.clone()),
    );
    let (id, seed) = named(ids);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Fired);
    record.pool = Some(view.thread.pool.clone().unwrap_or_else(|| clock.terms.pool.clone()));
    record.priority = Some(view.thread.priority);
    // Whoever answers now is told; the clock itself never changes hands.
    let now_answering = view.thread.pool.as_deref().and_then(|id| policy.pool(id));
    let pool = now_answering.or_else(|| policy.pool(&clock.terms.pool)).unwrap_or_else(|| policy.default_pool());
    let mut outbox = Outbox::new(setting);
    let mut fired = Clock { revision: clock.revision + 1, ..clock.clone() };
    let mut ledger = Vec::new();
    let mut firings = Vec::new();
    for (threshold, at) in come {
        let breach = matches!(threshold.at, At::Due { .. });
        // The breach stands at due; it only fires once now is later.
        let stood_at = if breach { at.plus(-1) } else { at };
        if breach && fired.fold.breached_at.is_none() {
            ledger.push(fired.record(now, Event::Breach, policy));
            outbox.event(ids, "turnaround-breached", &view.thread, focus.clone());
        } else if matches!(threshold.at, At::Percent { .. } | At::Before { .. }) {
            outbox.event(ids, "turnaround-at-risk", &view.thread, focus.clone());
        }
        firings.push(Firing {
            clock: clock.id.clone(),
            cycle: clock.cycle,
            threshold: threshold.id.clone(),
            at: stood_at,
            fired_at: now,
            cause: past_at_change(&fired, stood_at).then(|| "target-changed".to_owned()),
        });
        fired.fire(&threshold.id, policy);
        record.did("threshold", &threshold.id, None, Some(stood_at));
        for action in &threshold.actions {
            if let Action::Notify { to } = action {
                let told = Notice { topic: &threshold.id, to: *to, deliver: threshold.deliver };
                outbox.team(ids, &mut record, &told, &view.thread, pool);
            }
        }
    }
    record.note(&fired, "fire", policy, now);
    let task = Task::mirror(&view.thread, &fired, now);
    Some(Fired { record, clock: fired, ledger, firings, task, outbox: outbox.into_rows() })
}

/// Whether the instant had passed already when the clock was given its present due: then the change made it fire, and
/// not the team's silence.
fn past_at_change(clock: &Clock, at: Instant) -> bool {
    let retargeted = matches!(clock.fold.target, Some(Target::Manual { .. }));
    let since = clock.fold.segments.last().filter(|_| clock.fold.segments.len() > 1).map(|segment| segment.from);
    retargeted && since.is_some_and(|since| at <= since)
}

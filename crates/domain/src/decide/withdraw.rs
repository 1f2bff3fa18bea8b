//! What is owed under a bundle that has retired falls away, because whoever activated the next has said so.

use crate::change::{CancelReason, Dispatched, OutboxRow};
use crate::clock::{Clock, ClockName, Event};
use crate::decision::{Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::task::Task;
use crate::thread::Thread;

use super::fire::Fired;
use super::notice::Outbox;
use super::{Setting, named};

/// Cancels a clock that began under a bundle that has retired; nobody is warned of it any more, neither later nor by the
/// warnings of it that are among `waiting`, the notices of the thread that have not left yet: those are dropped. A patient
/// who waits is left to a person who must look. `None` when it has ended, or began under the bundle in force.
pub fn withdraw(
    setting: Setting<'_>,
    view: &ThreadView,
    clock: &Clock,
    (reason, waiting): (CancelReason, &[OutboxRow]),
    ids: &mut Ids,
) -> Option<(Fired, Vec<Dispatched>)> {
    let Setting { policy, now } = setting;
    if !falls_away(policy, clock) {
        return None;
    }
    let focus = clock.task.as_ref().map_or_else(
        || Key::new(ResourceType::Communication, clock.thread.clone()),
        |task| Key::new(ResourceType::Task, task.clone()),
    );
    let (id, seed) = named(ids);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Overridden);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut cancelled = Clock { revision: clock.revision + 1, ..clock.clone() };
    let event = Event::Cancel { reason: format!("bundle-retired {}", reason.as_str()) };
    let ledger = vec![cancelled.record(now, event, policy)];
    record.note(&cancelled, "cancel", policy, now);
    record.did("override", "bundle-retired", None, None);
    record.did("override-reason", reason.as_str(), None, None);
    let mut outbox = Outbox::new(setting);
    let thread = (clock.name == ClockName::NextResponse).then(|| Thread {
        task: None,
        needs_review: true,
        revision: view.thread.revision + 1,
        ..view.thread.clone()
    });
    if let Some(thread) = &thread {
        outbox.event(ids, "task-overridden", thread, focus);
    }
    let tasks = Task::mirror(thread.as_ref().unwrap_or(&view.thread), &cancelled, now).into_iter().collect();
    let tells =
        |row: &&OutboxRow| row.recipient.is_some() && warns_of(clock, row) && !warned_of_others(setting, view, row);
    let mut dropped = vec![];
    for row in waiting.iter().filter(tells) {
        record.left("notice", &row.topic, "what it warns of has been cancelled");
        dropped.push(Dispatched { outbox: row.id.clone(), delivery: None, at: now });
    }
    let fired = Fired {
        record,
        thread,
        clock: cancelled,
        beside: vec![],
        ledger,
        firings: vec![],
        tasks,
        outbox: outbox.into_rows(),
    };
    Some((fired, dropped))
}

/// Reviews go on, and what began under the bundle in force.
fn falls_away(policy: &Policy, clock: &Clock) -> bool {
    !clock.fold.state.is_over() && clock.terms.bundle != policy.name() && clock.name != ClockName::Review
}

/// Whether a notice is a warning of a clock.
fn warns_of(clock: &Clock, row: &OutboxRow) -> bool {
    let began = clock.fold.started_at.is_some_and(|began| began <= row.occurred_at);
    began
        && clock.fired.contains(&row.topic)
        && clock.terms.thresholds.iter().any(|threshold| threshold.id == row.topic)
}

/// Whether a notice may be a warning of what stays owed in the thread: it does not say of which clock it is.
fn warned_of_others(Setting { policy, .. }: Setting<'_>, view: &ThreadView, row: &OutboxRow) -> bool {
    view.clocks.iter().any(|other| !falls_away(policy, other) && !other.fold.state.is_over() && warns_of(other, row))
}

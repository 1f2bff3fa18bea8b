//! What is owed under a bundle that has retired falls away, because whoever activated the next has said so.

use crate::change::CancelReason;
use crate::clock::{Clock, ClockName, Event};
use crate::decision::{Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::store::ThreadView;
use crate::task::Task;
use crate::thread::Thread;

use super::fire::Fired;
use super::notice::Outbox;
use super::{Setting, named};

/// Cancels a clock that began under a bundle that has retired; nobody is warned of it any more. A patient who waits is
/// left to a person who must look. `None` when it has ended, or began under the bundle in force.
pub fn withdraw(
    setting: Setting<'_>,
    view: &ThreadView,
    clock: &Clock,
    reason: CancelReason,
    ids: &mut Ids,
) -> Option<Fired> {
    let Setting { policy, now } = setting;
    if clock.fold.state.is_over() || clock.terms.bundle == policy.name() || clock.name == ClockName::Review {
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
    Some(Fired {
        record,
        thread,
        clock: cancelled,
        beside: vec![],
        ledger,
        firings: vec![],
        tasks,
        outbox: outbox.into_rows(),
    })
}

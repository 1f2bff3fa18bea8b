//! A clock that runs or rests is moved to the calendar that counts today.

use crate::calendar::{Moved, is_ahead};
use crate::clock::{Clock, Event};
use crate::decision::{Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::Policy;
use crate::store::ThreadView;
use crate::task::Task;
use crate::thread::Thread;

use super::fire::Fired;
use super::notice::Outbox;
use super::{Setting, answering, named};

/// The calendar that a clock is to be counted by from now on, and why: `None` while it is counted by the right one, when
/// that is no longer known, or when somebody with newer zone data has counted it.
pub fn another_calendar<'p>(policy: &'p Policy, counted_by: &str, calendar: &str) -> Option<(&'p str, Moved)> {
    let now = policy.counting(counted_by).filter(|_| !is_ahead(calendar))?;
    Moved::between(calendar, now).map(|moved| (now, moved))
}

/// Moves a clock to the calendar that counts today: the time that it has used stays as it was counted, what remains is
/// projected anew. Where nothing can be projected, because the calendar opens too little, the default pool is told and a
/// person must look. `None` when there is nothing to move, because it has ended or somebody has moved it.
pub fn recalendar(setting: Setting<'_>, view: &ThreadView, clock: &Clock, ids: &mut Ids) -> Option<Fired> {
    let Setting { policy, now } = setting;
    if clock.fold.state.is_over() {
        return None;
    }
    let (calendar, moved) = another_calendar(policy, &clock.terms.counted_by, &clock.fold.calendar)?;
    let focus = clock.task.as_ref().map_or_else(
        || Key::new(ResourceType::Communication, clock.thread.clone()),
        |task| Key::new(ResourceType::Task, task.clone()),
    );
    let (id, seed) = named(ids);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Recalendared);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut after = Clock { revision: clock.revision + 1, ..clock.clone() };
    let event = Event::Recalendar { calendar: calendar.to_owned(), reason: moved.as_str().to_owned() };
    let ledger = vec![after.record(now, event, policy)];
    record.note(&after, "recalendar", policy, now);
    record.did("calendar", moved.as_str(), None, None);
    let mut outbox = Outbox::new(setting);
    if after.fold.due_at != clock.fold.due_at {
        record.did("due", "moved", None, after.fold.due_at);
        outbox.event(ids, "turnaround-rescheduled", &view.thread, focus);
        let pool = answering(policy, &view.thread);
        outbox.due_after_promise(ids, &mut record, (clock, &after), &view.thread, pool);
    }
    let mut thread = None;
    if outbox.unbounded(ids, &mut record, (clock, &after), &view.thread) {
        thread = Some(Thread { needs_review: true, revision: view.thread.revision + 1, ..view.thread.clone() });
    }
    let shown = thread.as_ref().unwrap_or(&view.thread);
    let tasks = Task::mirror(shown, &after, now).into_iter().collect();
    Some(Fired {
        record,
        thread,
        clock: after,
        beside: vec![],
        ledger,
        firings: vec![],
        tasks,
        outbox: outbox.into_rows(),
    })
}

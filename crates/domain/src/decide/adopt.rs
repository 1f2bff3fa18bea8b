//! A conversation whose pool is no more is handed to the pool that answers when nothing else decides.

use crate::decision::Decision;
use crate::id::Ids;
use crate::store::ThreadView;
use crate::thread::{NEEDS_REVIEW, Thread, ThreadState};

use super::notice::Outbox;
use super::route::{handed_over, handing_over};
use super::{Setting, mirrors};

/// Hands a conversation that is not closed to the clinic's default pool when the bundle in force has its own neither by
/// its id nor by its resource: otherwise nobody but who has claimed it would see it any more. Due, promise and the time
/// used stay; where something is owed, the pool is told and a person must look. `None` when there is nothing to do.
pub fn adopt(setting: Setting<'_>, view: &ThreadView, ids: &mut Ids) -> Option<Decision> {
    let Setting { policy, now } = setting;
    let Thread { pool, pool_reference, merged_into, state, .. } = &view.thread;
    let is_over = merged_into.is_some() || *state == ThreadState::Resolved;
    let reference = pool_reference.as_ref().filter(|_| !is_over)?;
    // A service that is stored answers beside the bundle; those who answered for a pool of the bundle are not its people.
    let is_known = pool.as_deref().is_some_and(|id| policy.pool(id).is_some());
    if is_known || policy.bundle.pools.iter().any(|pool| pool.reference == *reference) {
        return None;
    }
    let to = policy.default_pool();
    let (mut record, focus) = handing_over(setting, view, to, ids);
    record.path.push(format!("clinic's default: {}", to.id));
    record.did("hand-over", "pool-retired", None, None);
    let mut thread = view.thread.clone();
    if !thread.needs_review && view.owed().next().is_some() {
        record.did("mark", NEEDS_REVIEW, None, None);
        thread.needs_review = true;
    }
    let mut outbox = Outbox::new(setting);
    let handed = handed_over(setting, (view, thread), to, ids, (&mut record, &mut outbox));
    outbox.event(ids, "thread-handed-over", &handed.thread, focus);
    let tasks = mirrors(&handed.thread, &handed.clocks, now);
    let (clocks, ledger) = (handed.clocks, handed.ledger);
    Some(Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(handed.thread, record) })
}

//! A decision as the change that writes it: the message, its automatic reply, the Tasks and everything beside them.

use domain::change::{Change, ResourceWrite, Stored};
use domain::clock::Clock;
use domain::decide::Fired;
use domain::decision::Decision;
use domain::id::{Key, ResourceId, ResourceType, TenantId, Version};
use domain::store::ThreadView;
use domain::task::Task;
use jiff::Timestamp;

use crate::communication::{self, Communication, Stamp, automatic};
use crate::issue::Issue;
use crate::task;

/// What a change is made under.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// The catalogue generation of the decision.
    pub generation: i64,
    /// Now.
    pub now: Timestamp,
}

/// The change of a message that is sent, as that version of its id: the first, unless it was a draft. `earlier` are stored
/// Tasks of runs that have ended and that it sets right.
///
/// # Errors
/// A text that was made cannot be read: a fault of ours.
pub fn sent(
    frame: &Frame<'_>,
    communication: &Communication,
    (id, version): (&ResourceId, Version),
    view: Option<&ThreadView>,
    earlier: &[Stored],
    decision: Decision,
) -> Result<Change, Vec<Issue>> {
    let part_of = view.map(|view| &view.thread.id);
    let stamp = Stamp { id, version, now: frame.now, thread: &decision.thread, record: &decision.record, part_of };
    let mut resources = vec![communication.sent(&stamp)?];
    if let Some(reply) = &decision.reply {
        resources.push(automatic(reply, id, &stamp)?);
    }
    let mut change = whole(frame, view, earlier, decision)?;
    resources.append(&mut change.resources);
    change.resources = resources;
    Ok(change)
}

/// The change of a decision that writes no message.
///
/// # Errors
/// A text that was made cannot be read: a fault of ours.
pub fn decided(frame: &Frame<'_>, view: Option<&ThreadView>, decision: Decision) -> Result<Change, Vec<Issue>> {
    whole(frame, view, &[], decision)
}

fn whole(
    frame: &Frame<'_>,
    view: Option<&ThreadView>,
    earlier: &[Stored],
    decision: Decision,
) -> Result<Change, Vec<Issue>> {
    let mut change = Change::new(frame.tenant.clone());
    change.generation = Some(frame.generation);
    let stored: Vec<&Stored> = task_of(view).into_iter().chain(earlier).collect();
    change.resources = mirrored(frame, &stored, &decision.tasks, &decision.clocks)?;
    change.decisions = vec![decision.record.row(Some(decision.thread.id.clone()))];
    if view.is_none_or(|view| view.thread.revision != decision.thread.revision) {
        change.threads = vec![decision.thread];
    }
    change.clocks = decision.clocks;
    change.ledger = decision.ledger;
    change.outbox = decision.outbox;
    change.correspondents = decision.correspondents;
    change.holds = decision.hold.into_iter().collect();
    Ok(change)
}

/// The change of a held message that is delivered: `message` and `review` are the message and the Task of its review as
/// they are stored.
///
/// # Errors
/// A text that was made cannot be read: a fault of ours.
pub fn released(
    frame: &Frame<'_>,
    view: &ThreadView,
    (message, review): (&Stored, Option<&Stored>),
    decision: Decision,
) -> Result<Change, Vec<Issue>> {
    let mut resources = vec![];
    let stamp = Stamp {
        id: &message.key.id,
        version: message.version.next(),
        now: frame.now,
        thread: &decision.thread,
        record: &decision.record,
        part_of: None,
    };
    if let Some(hold) = &decision.hold {
        resources.push(communication::released(message, hold, &stamp)?);
    }
    if let Some(reply) = &decision.reply {
        resources.push(automatic(reply, &message.key.id, &stamp)?);
    }
    let stored: Vec<&Stored> = view.task.iter().chain(review).collect();
    let tasks = mirrored(frame, &stored, &decision.tasks, &decision.clocks)?;
    let bare = Decision { tasks: vec![], ..decision };
    let mut change = decided(frame, Some(view), bare)?;
    resources.extend(tasks);
    change.resources = resources;
    Ok(change)
}

/// The change of a message that is retracted, as it is stored. `earlier` are stored Tasks beside the open one that the
/// decision writes anew, such as that of a review.
///
/// # Errors
/// A text that was made cannot be read: a fault of ours.
pub fn retracted(
    frame: &Frame<'_>,
    view: &ThreadView,
    message: &Stored,
    (reason, earlier): (Option<&str>, &[Stored]),
    decision: Decision,
) -> Result<Change, Vec<Issue>> {
    let retraction = communication::Retraction {
        version: message.version.next(),
        now: frame.now,
        reason,
        decision: Some(&decision.record.id),
        patient: decision.thread.patient.clone(),
    };
    let write = communication::retracted(message, &retraction)?;
    let mut change = whole(frame, Some(view), earlier, decision)?;
    change.resources.insert(0, write);
    Ok(change)
}

/// The change of thresholds that fire.
///
/// # Errors
/// A text that was made cannot be read: a fault of ours.
pub fn fired(frame: &Frame<'_>, view: &ThreadView, fired: Fired) -> Result<Change, Vec<Issue>> {
    let mut change = Change::new(frame.tenant.clone());
    change.generation = Some(frame.generation);
    change.resources = mirrored(frame, &task_of(Some(view)), &fired.tasks, std::slice::from_ref(&fired.clock))?;
    change.decisions = vec![fired.record.row(Some(view.thread.id.clone()))];
    change.threads = fired.thread.into_iter().collect();
    change.clocks = [vec![fired.clock], fired.beside].concat();
    change.ledger = fired.ledger;
    change.firings = fired.firings;
    change.outbox = fired.outbox;
    Ok(change)
}

fn task_of(view: Option<&ThreadView>) -> Vec<&Stored> {
    view.and_then(|view| view.task.as_ref()).into_iter().collect()
}

/// The Tasks as they are written next. One that exists and of which no version is known is left as it is: it cannot be
/// written anew, and what else was decided is not to wait for it.
fn mirrored(
    frame: &Frame<'_>,
    stored: &[&Stored],
    tasks: &[Task],
    clocks: &[Clock],
) -> Result<Vec<ResourceWrite>, Vec<Issue>> {
    let mut written = Vec::new();
    for mirror in tasks {
        let key = Key::new(ResourceType::Task, mirror.id.clone());
        let version = match stored.iter().find(|stored| stored.key == key) {
            Some(known) => known.version.next(),
            None if clocks.iter().any(|clock| clock.id == mirror.clock && clock.revision > 1) => continue,
            None => Version::FIRST,
        };
        written.push(task::written(mirror, version, frame.now)?);
    }
    Ok(written)
}

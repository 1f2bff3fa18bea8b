//! Someone of the team takes an obligation.

use crate::clock::{Clock, ClockName, Event};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::store::ThreadView;
use crate::thread::Thread;

use super::notice::Outbox;
use super::obligation::Occasion;
use super::route::team_begins;
use super::{Refusal, Setting, mirrors, named, open_clock};

/// Decides about a claim by a person who answers for `pools`. Claiming what one has claimed already changes nothing
/// but is no error, so that a retry is safe: the decision then has no clocks.
pub fn claim(
    setting: Setting<'_>,
    view: &ThreadView,
    who: Option<&Reference>,
    pools: &[Reference],
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    let person =
        who.filter(|user| user.is("Practitioner") || user.is("PractitionerRole")).ok_or(Refusal::NotAPerson)?;
    let waiting = open_clock(view, ClockName::NextResponse).ok_or(Refusal::Over)?;
    let pool = view.thread.pool_reference.as_ref();
    if !pool.is_some_and(|pool| pools.contains(pool)) {
        return Err(Refusal::NotAMember);
    }
    let of_another = view.thread.owner.as_ref().filter(|owner| *owner != person);
    // What somebody who is away has claimed may be taken over: it is owed all the same.
    let away = |owner| pool.is_some_and(|pool| policy.people().away(owner, pool, now).is_some());
    if of_another.is_some_and(|owner| !away(owner)) {
        return Err(Refusal::ClaimedByOther);
    }
    let (id, seed) = named(ids);
    let task = waiting.task.clone().ok_or(Refusal::Over)?;
    let focus = Key::new(ResourceType::Task, task);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Claimed);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut outbox = Outbox::new(setting);
    let repeated = view.thread.owner.as_ref() == Some(person);
    let thread = Thread {
        owner: Some(person.clone()),
        needs_review: repeated && view.thread.needs_review,
        revision: view.thread.revision + i32::from(!repeated),
        ..view.thread.clone()
    };
    let mut clocks = Vec::new();
    let mut ledger = Vec::new();
    if repeated {
        record.left("claim", "owner", "claimed already by the same person");
    } else {
        clocks.push(Clock { revision: waiting.revision + 1, ..waiting.clone() });
        if let Some(opened) = open_clock(view, ClockName::FirstOpened) {
            let mut clock = Clock { revision: opened.revision + 1, ..opened.clone() };
            ledger.push(clock.record(now, Event::Fulfill, policy));
            record.note(&clock, "fulfill", policy, now);
            clocks.push(clock);
        }
        let begun = team_begins(setting, view, &thread, Occasion::Assigned, ids, &mut record);
        clocks.extend(begun.0);
        ledger.extend(begun.1);
        record.did("claim", "owner", Some(person.to_string()), None);
        outbox.event(ids, "task-claimed", &thread, focus);
    }
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}

//! A human of the team has opened what the patient wrote.

use crate::clock::{Clock, ClockName, Event};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::store::ThreadView;
use crate::thread::NEEDS_REVIEW;

use super::notice::Outbox;
use super::overrule::{Actor, allowed};
use super::{Refusal, Setting, mirrors, named, open_clock};

/// Decides about a person of the team who says that they have opened a thread. Where that has been said, or nothing
/// waits to be opened or looked at, it changes nothing and is no error: the decision then has no clocks.
pub fn open(setting: Setting<'_>, view: &ThreadView, actor: Actor<'_>, ids: &mut Ids) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    allowed(policy, view, actor)?;
    let person = actor.person.ok_or(Refusal::NotAPerson)?;
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, view.thread.id.clone());
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Opened);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut outbox = Outbox::new(setting);
    let (mut clocks, mut ledger, mut thread) = (Vec::new(), Vec::new(), view.thread.clone());
    if let Some(waiting) = open_clock(view, ClockName::FirstOpened) {
        let mut clock = Clock { revision: waiting.revision + 1, ..waiting.clone() };
        ledger.push(clock.record(now, Event::Fulfill, policy));
        record.note(&clock, "fulfill", policy, now);
        record.did("open", ClockName::FirstOpened.as_str(), Some(person.to_string()), None);
        outbox.event(ids, "thread-opened-by-human", &thread, focus);
        clocks.push(clock);
    }
    if thread.needs_review {
        record.did("open", NEEDS_REVIEW, Some(person.to_string()), None);
        thread.needs_review = false;
        // Its Task says so too.
        clocks.extend(
            open_clock(view, ClockName::NextResponse)
                .map(|waiting| Clock { revision: waiting.revision + 1, ..waiting.clone() }),
        );
    }
    if view.thread.needs_review || !clocks.is_empty() {
        thread.revision += 1;
    } else {
        record.left("open", ClockName::FirstOpened.as_str(), "nothing waits to be opened");
    }
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}

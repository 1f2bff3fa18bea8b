//! Who answers, by hand: an obligation is given back to its pool, or somebody of the pool is asked to take it.

use crate::clock::{Clock, ClockName};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::policy::rule::Recipient;
use crate::policy::turnaround::Deliver;
use crate::store::ThreadView;
use crate::thread::Thread;

use super::notice::{Notice, Outbox};
use super::overrule::{Actor, allowed};
use super::route::RouteReason;
use super::{Refusal, Setting, answering, mirrors, named, open_clock};

/// Decides about an owner who gives an obligation back, or a lead who takes it from them: the pool answers again, and is
/// told. What nobody has claimed stays as it is, which is no error: the decision then has no clocks.
///
/// # Errors
/// Nothing is owed, somebody else has claimed it, or the caller does not answer for the pool.
pub fn give_back(
    setting: Setting<'_>,
    view: &ThreadView,
    actor: Actor<'_>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let policy = setting.policy;
    allowed(policy, view, actor)?;
    let pool = answering(policy, &view.thread);
    let owner = view.thread.answerer();
    let may = actor.administrator || actor.leads(policy.people(), pool) || owner.is_none() || owner == actor.person;
    if !may {
        return Err(Refusal::ClaimedByOther);
    }
    let told = Notice { topic: "task-released", to: Recipient::Pool, deliver: Deliver::WhenOpen };
    handed(setting, view, None, &Handing { outcome: Outcome::GivenBack, reason: "given-back", actor, told }, ids)
}

/// Decides about an obligation that somebody of the pool is asked to take, by somebody of the pool. Others of the pool
/// may claim it all the same; what is owed is due as before.
///
/// # Errors
/// Nothing is owed, the caller does not answer for the pool, or the person does not, as far as is known, or is away.
pub fn assign(
    setting: Setting<'_>,
    view: &ThreadView,
    (to, reason): (&Reference, RouteReason),
    actor: Actor<'_>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    allowed(policy, view, actor)?;
    let pool = answering(policy, &view.thread);
    let themselves = actor.person == Some(to) && actor.pools.contains(&pool.reference);
    if !themselves && !policy.people().belongs(to, pool, now) {
        return Err(Refusal::NotOfThePool);
    }
    if policy.people().away(to, &pool.reference, now).is_some() {
        return Err(Refusal::Away);
    }
    let told = Notice { topic: "task-assigned", to: Recipient::Owner, deliver: Deliver::WhenOpen };
    let handing = Handing { outcome: Outcome::Assigned, reason: reason.as_str(), actor, told };
    handed(setting, view, Some(to), &handing, ids)
}

/// How an obligation changes hands.
struct Handing<'a> {
    outcome: Outcome,
    reason: &'a str,
    actor: Actor<'a>,
    told: Notice<'a>,
}

fn handed(
    setting: Setting<'_>,
    view: &ThreadView,
    to: Option<&Reference>,
    handing: &Handing<'_>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    let waiting = open_clock(view, ClockName::NextResponse).ok_or(Refusal::Over)?;
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Task, waiting.task.clone().ok_or(Refusal::Over)?);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, handing.outcome);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let mut outbox = Outbox::new(setting);
    let (mut thread, mut clocks) = (view.thread.clone(), Vec::new());
    let repeated = view.thread.owner.is_none() && view.thread.assigned.as_ref() == to;
    if repeated {
        record.left("hand-over", "owner", "it stands so already");
    } else {
        let handed_cycle = thread.cycle;
        // Whoever asks somebody to answer has looked; whoever gives it back need not have.
        let needs_review = thread.needs_review && to.is_none();
        let revision = thread.revision + 1;
        thread = Thread { owner: None, assigned: to.cloned(), needs_review, handed_cycle, revision, ..thread };
        clocks.push(Clock { revision: waiting.revision + 1, ..waiting.clone() });
        record.did("hand-over", handing.reason, to.map(ToString::to_string), None);
        record.did("hand-over-by", "person", handing.actor.person.map(ToString::to_string), None);
        outbox.event(ids, handing.told.topic, &thread, focus);
        outbox.team(ids, &mut record, &handing.told, &thread, answering(policy, &thread));
    }
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { clocks, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}

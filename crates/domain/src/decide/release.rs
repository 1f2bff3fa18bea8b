//! A held message goes on its way: a lead lets it pass, or has answered it in another way, or its longest hold is over.

use crate::clock::{Clock, Event};
use crate::decision::{Decision, Outcome, Record};
use crate::hold::{Hold, HoldEnd, HoldState, Review, ReviewOutcome};
use crate::id::{Ids, Key, ResourceType};
use crate::message::Message;
use crate::policy::{Policy, Pool};
use crate::store::ThreadView;

use super::inbound::Inbound;
use super::overrule::Actor;
use super::send::{continued, facts_of};
use super::{Known, Refusal, Setting, mirrors, named, needing_review};

/// Why a hold ends when nobody has reviewed it.
const LONGEST_HOLD: &str = "longest-hold";

/// A message that is held.
#[derive(Clone, Copy, Debug)]
pub struct HeldMessage<'a> {
    /// The hold.
    pub hold: &'a Hold,
    /// The message.
    pub message: &'a Message,
    /// Its thread.
    pub view: &'a ThreadView,
}

/// How a hold ends.
struct Ending<'a> {
    state: HoldState,
    outcome: ReviewOutcome,
    reason: &'a str,
    pool: Option<&'a Pool>,
    actor: Option<Actor<'a>>,
    client: &'a str,
}

/// Decides about a review by a lead of the pool that is to answer, or by an administrator. What is owed is counted from
/// the receipt of the message, not from now.
///
/// # Errors
/// The hold has ended, the caller does not lead the pool, or what is asked for does not fit.
pub fn release<'a>(
    setting: Setting<'a>,
    held: HeldMessage<'a>,
    known: Known<'a>,
    review: &'a Review,
    (actor, client): (Actor<'a>, &'a str),
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let policy = setting.policy;
    leads(policy, &actor, held.hold)?;
    if held.hold.state != HoldState::Held {
        return Err(Refusal::NotHeld);
    }
    if !review.outcome.reasons().contains(&review.reason) {
        return Err(Refusal::ReasonUnfit);
    }
    if review.pool.is_some() && review.outcome != ReviewOutcome::Deliver {
        return Err(Refusal::Misplaced { member: "pool" });
    }
    let pool = review.pool.as_deref().map(|id| policy.pool(id).ok_or(Refusal::NoSuchPool)).transpose()?;
    let state = match review.outcome {
        ReviewOutcome::Deliver => HoldState::Released,
        ReviewOutcome::Answered => HoldState::Answered,
    };
    let reason = review.reason.as_str();
    let ending = Ending { state, outcome: review.outcome, reason, pool, actor: Some(actor), client };
    Ok(ended(setting, held, known, &ending, ids))
}

/// Delivers a message whose longest hold is over: nobody has reviewed it, so that a person must look. `None` when it is
/// not held any more, or not so long yet.
pub fn expire<'a>(setting: Setting<'a>, held: HeldMessage<'a>, known: Known<'a>, ids: &mut Ids) -> Option<Decision> {
    if held.hold.state != HoldState::Held || held.hold.until > setting.now {
        return None;
    }
    let ending = Ending {
        state: HoldState::Delivered,
        outcome: ReviewOutcome::Deliver,
        reason: LONGEST_HOLD,
        pool: None,
        actor: None,
        client: "postern",
    };
    Some(needing_review(ended(setting, held, known, &ending, ids), setting.now))
}

/// Whether somebody leads the pool that a hold is for; where nobody does, its members review.
pub(super) fn leads(policy: &Policy, actor: &Actor<'_>, hold: &Hold) -> Result<(), Refusal> {
    let pool = policy.pool(&hold.pool).or_else(|| policy.pool_of(&hold.pool_reference));
    if actor.administrator || pool.is_some_and(|pool| actor.leads(policy.people(), pool)) {
        Ok(())
    } else {
        Err(Refusal::NotALead)
    }
}

fn ended<'a>(
    setting: Setting<'a>,
    held: HeldMessage<'a>,
    known: Known<'a>,
    ending: &Ending<'a>,
    ids: &mut Ids,
) -> Decision {
    let Setting { policy, now } = setting;
    let HeldMessage { hold, message, view } = held;
    let reading = policy.read(message);
    let (id, seed) = named(ids);
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Released);
    record.red_flags = policy.red_flags_in(&reading);
    record.errors.extend(policy.degraded.clone());
    let mut thread = continued(&view.thread, message, now);
    record.message = Some(facts_of(message, thread.patient_messages));
    record.did("release", ending.state.as_str(), None, None);
    let agent = ending.actor.and_then(|actor| actor.person).cloned();
    record.did("release-reason", ending.reason, agent.as_ref().map(ToString::to_string), None);

    let mut inbound = Inbound::new(setting, message, reading, &known, ids, record);
    inbound.received_at = hold.received_at;
    let of_hold = policy.pool(&hold.pool).or_else(|| policy.pool_of(&hold.pool_reference));
    match ending.outcome {
        ReviewOutcome::Deliver => {
            let flagged = !inbound.record.red_flags.is_empty();
            let mut routed = inbound.route(&thread, Some(view), flagged);
            if let Some(pool) = ending.pool.or(of_hold).filter(|_| !flagged) {
                inbound.record.path.push(format!("released to: {}", pool.id));
                routed.pool = pool;
            }
            inbound.deliver(&mut thread, Some(view), &routed);
        }
        ReviewOutcome::Answered => {
            // Whoever answers for the pool finds it from now on.
            let pool = of_hold.unwrap_or_else(|| policy.default_pool());
            thread.pool_reference.get_or_insert_with(|| pool.reference.clone());
            thread.pool.get_or_insert_with(|| pool.id.clone());
        }
    }
    let correspondents = inbound.remembered();
    let Inbound { mut outbox, mut record, mut clocks, mut ledger, reply, .. } = inbound;
    for open in view.clocks.iter().filter(|clock| clock.id == hold.clock) {
        let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
        let (name, event) = match ending.actor {
            Some(_) => ("fulfill", Event::Fulfill),
            None => ("cancel", Event::Cancel { reason: ending.reason.to_owned() }),
        };
        ledger.push(clock.record(now, event, policy));
        record.note(&clock, name, policy, now);
        clocks.push(clock);
    }
    outbox.event(ids, "message-released", &thread, focus.clone());
    outbox.event(ids, "message-received", &thread, focus);
    thread.needs_review |= !record.errors.is_empty();
    record.pool.clone_from(&thread.pool);
    record.priority = Some(thread.priority);
    let end = HoldEnd {
        at: now,
        reason: ending.reason.to_owned(),
        decision: record.id.clone(),
        agent,
        client: ending.client.to_owned(),
    };
    let over = Hold { state: ending.state, ended: Some(end), ..hold.clone() };
    let tasks = mirrors(&thread, &clocks, now);
    Decision {
        clocks,
        ledger,
        tasks,
        reply,
        hold: Some(over),
        correspondents,
        outbox: outbox.into_rows(),
        ..Decision::of(thread, record)
    }
}

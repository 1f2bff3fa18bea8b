//! An authorised person overrides what the policy asks of an obligation.

use crate::clock::{Clock, ClockName, ClockState, Event, LedgerEntry};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::overrides::{Override, OverrideKind, OverrideReason};
use crate::policy::people::People;
use crate::policy::turnaround::Target;
use crate::policy::{Policy, Pool};
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};
use crate::time::{Instant, Span};

use super::notice::Outbox;
use super::{Refusal, Setting, mirrors, named, obligation, open_clock};

/// The most open time that one extension adds.
const LONGEST: Span = Span::hours(400);

/// How far ahead a person may set a due instant, in seconds: a year.
const FARTHEST: i64 = 366 * 86_400;

/// Who overrides.
#[derive(Clone, Copy, Debug)]
pub struct Actor<'a> {
    /// The person, if any.
    pub person: Option<&'a Reference>,
    /// The pools that the person answers for.
    pub pools: &'a [Reference],
    /// Whether the caller administers policies, whose say is enough.
    pub administrator: bool,
}

impl Actor<'_> {
    /// Whether the person leads a pool, themself or in a role; where nobody does, its members do together.
    pub fn leads(&self, people: &People, pool: &Pool) -> bool {
        let staff = |user: &&Reference| user.is("Practitioner") || user.is("PractitionerRole");
        self.person.filter(staff).is_some_and(|person| {
            people.leads(person, pool) || (pool.leads.is_empty() && self.pools.contains(&pool.reference))
        })
    }
}

/// The pool that answers in a thread, as the policy in force knows it: the clinic's default where it knows none.
pub fn answering<'a>(policy: &'a Policy, thread: &Thread) -> &'a Pool {
    pool_in(policy, thread).unwrap_or_else(|| policy.default_pool())
}

/// The pool of a thread, if the policy in force has it.
pub(super) fn pool_in<'a>(policy: &'a Policy, thread: &Thread) -> Option<&'a Pool> {
    policy.pool_known_as(thread.pool.as_deref(), thread.pool_reference.as_ref())
}

/// Decides about an override. What was promised to the patient never moves later: due does, the team is told that it
/// has, and the passing of the promise is recorded.
pub fn overrule(
    setting: Setting<'_>,
    view: &ThreadView,
    asked: &Override,
    actor: Actor<'_>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    allowed(policy, view, actor)?;
    well_formed(asked, now)?;
    let (id, seed) = named(ids);
    let waiting = open_clock(view, ClockName::NextResponse);
    let task = waiting.and_then(|clock| clock.task.clone());
    let focus = task.map_or_else(
        || Key::new(ResourceType::Communication, view.thread.id.clone()),
        |task| Key::new(ResourceType::Task, task),
    );
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Overridden);
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    let (clocks, ledger) = changed(setting, view, asked, &mut record)?;
    let mut thread = Thread { revision: view.thread.revision + 1, ..view.thread.clone() };
    thread.state = state_after(asked, &thread);
    if matches!(asked.kind, OverrideKind::Waive | OverrideKind::NoReplyNeeded | OverrideKind::Resolve) {
        thread.task = None;
        thread.needs_review = false;
    }
    record.did("override", asked.kind.as_str(), None, None);
    record.did("override-reason", asked.reason.as_str(), actor.person.map(ToString::to_string), None);
    let mut outbox = Outbox::new(setting);
    let pool = answering(policy, &thread);
    for clock in &clocks {
        if let Some(before) = view.clocks.iter().find(|before| before.id == clock.id) {
            outbox.due_after_promise(ids, &mut record, (before, clock), &thread, pool);
            thread.needs_review |= outbox.unbounded(ids, &mut record, (before, clock), &view.thread);
        }
    }
    let topic = if asked.kind == OverrideKind::Resolve { "thread-closed" } else { "task-overridden" };
    outbox.event(ids, topic, &thread, focus);
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}

/// Members and leads of the pool that answers, and whoever administers policies.
pub(super) fn allowed(policy: &Policy, view: &ThreadView, actor: Actor<'_>) -> Result<(), Refusal> {
    if actor.administrator {
        return Ok(());
    }
    let staff = |user: &&Reference| user.is("Practitioner") || user.is("PractitionerRole");
    let person = actor.person.filter(staff).ok_or(Refusal::NotAPerson)?;
    let member = view.thread.pool_reference.as_ref().is_some_and(|pool| actor.pools.contains(pool));
    let leads = policy.people().leads(person, answering(policy, &view.thread));
    if member || leads { Ok(()) } else { Err(Refusal::NotAMember) }
}

/// Each kind has its members and its reasons, and takes no others.
pub(super) fn well_formed(asked: &Override, now: Instant) -> Result<(), Refusal> {
    let kind = asked.kind;
    let misplaced = [
        ("amount", asked.amount.is_some() && kind != OverrideKind::Extend),
        ("due", asked.due.is_some() && kind != OverrideKind::SetDue),
        ("until", asked.until.is_some() && kind != OverrideKind::Pause && !kind.exempts()),
        ("sender", asked.sender.is_some() && kind != OverrideKind::ExemptLimit),
    ];
    if let Some((member, _)) = misplaced.into_iter().find(|(_, misplaced)| *misplaced) {
        return Err(Refusal::Misplaced { member });
    }
    if !kind.reasons().contains(&asked.reason) {
        return Err(Refusal::ReasonUnfit);
    }
    let ahead = |at: Instant| at > now && at.since(now) <= FARTHEST;
    match kind {
        OverrideKind::Extend if !asked.amount.is_some_and(|amount| amount > Span::default() && amount <= LONGEST) => {
            Err(Refusal::AmountUnfit)
        }
        OverrideKind::SetDue if !asked.due.is_some_and(ahead) => Err(Refusal::NotAhead { member: "due" }),
        _ if kind.exempts() && !asked.until.is_some_and(ahead) => Err(Refusal::NotAhead { member: "until" }),
        OverrideKind::Pause if !asked.until.is_none_or(ahead) => Err(Refusal::NotAhead { member: "until" }),
        _ => Ok(()),
    }
}

/// The clocks that it changes, with the entries for their ledgers. An override that changes none is refused, except
/// that a thread may be closed while nothing is owed in it.
fn changed(
    setting: Setting<'_>,
    view: &ThreadView,
    asked: &Override,
    record: &mut Record,
) -> Result<(Vec<Clock>, Vec<LedgerEntry>), Refusal> {
    let Setting { policy, now } = setting;
    let resolving = asked.kind == OverrideKind::Resolve;
    if !resolving && open_clock(view, ClockName::NextResponse).is_none() {
        return Err(Refusal::Over);
    }
    if resolving && view.thread.state == ThreadState::Resolved {
        return Err(Refusal::Over);
    }
    let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
    for open in view.owed() {
        let Some((name, event)) = event(policy, asked, open, now) else { continue };
        let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
        ledger.push(clock.record(now, event, policy));
        record.note(&clock, name, policy, now);
        clocks.push(clock);
    }
    match asked.kind {
        _ if !clocks.is_empty() || resolving => Ok((clocks, ledger)),
        OverrideKind::Pause => Err(Refusal::NothingRests),
        OverrideKind::Resume => Err(Refusal::NotPaused),
        _ => Err(Refusal::Over),
    }
}

/// What happens to one clock; `None` for one that it leaves alone.
fn event(policy: &Policy, asked: &Override, clock: &Clock, now: Instant) -> Option<(&'static str, Event)> {
    let reason = asked.reason.as_str().to_owned();
    let waiting = clock.name == ClockName::NextResponse;
    match asked.kind {
        OverrideKind::Extend => {
            asked.amount.filter(|_| waiting).map(|amount| ("extend", Event::Extend { amount, reason }))
        }
        OverrideKind::SetDue => asked
            .due
            .filter(|_| waiting)
            .map(|due| ("retarget", Event::Retarget { target: Target::Manual { due }, due: None, reason })),
        OverrideKind::Waive => (clock.name != ClockName::Resolve).then_some(("waive", Event::Waive { reason })),
        OverrideKind::Pause => {
            obligation::pause(policy, clock, asked.reason.pauses()?, asked.until, now).map(|event| ("pause", event))
        }
        OverrideKind::Resume => (clock.fold.state == ClockState::Paused).then_some(("resume", Event::Resume)),
        OverrideKind::NoReplyNeeded => {
            (clock.name != ClockName::Resolve).then_some(("cancel", Event::Cancel { reason }))
        }
        // Boundaries are lifted elsewhere; they change no clock.
        OverrideKind::ExemptLimit | OverrideKind::ExemptQuiet => None,
        OverrideKind::Resolve if clock.name == ClockName::Resolve => Some(("fulfill", Event::Fulfill)),
        OverrideKind::Resolve => Some(("cancel", Event::Cancel { reason: "resolved".to_owned() })),
    }
}

fn state_after(asked: &Override, thread: &Thread) -> ThreadState {
    match (asked.kind, asked.reason) {
        (OverrideKind::Extend | OverrideKind::SetDue | OverrideKind::ExemptLimit | OverrideKind::ExemptQuiet, _) => {
            thread.state
        }
        (OverrideKind::Pause, OverrideReason::WaitingOnPatient) => ThreadState::WaitingOnPatient,
        (OverrideKind::Pause, _) => ThreadState::WaitingOnThirdParty,
        (OverrideKind::Resume, _) => ThreadState::AwaitingTeam,
        (OverrideKind::Waive | OverrideKind::NoReplyNeeded, _) => ThreadState::Answered,
        (OverrideKind::Resolve, _) => ThreadState::Resolved,
    }
}

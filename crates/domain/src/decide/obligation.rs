//! Which obligations a patient's message starts, and under which terms.

use crate::clock::{Clock, ClockName, Event, Fold, LedgerEntry, Terms};
use crate::decision::{Record, TriedKind};
use crate::id::Ids;
use crate::policy::bundle::RedFlags;
use crate::policy::rule::{Action, Recipient};
use crate::policy::rule::{Fact, Field};
use crate::policy::turnaround::{At, CalendarRef, ClockPolicy, Deliver, Starts, Target, Threshold, True, Turnaround};
use crate::policy::{Policy, Pool};
use crate::thread::{Priority, Thread};
use crate::time::Instant;

use super::Setting;

/// The turnaround policy that governs: the first whose condition holds, the fallback at last.
pub fn governing<'a>(
    policy: &'a Policy,
    facts: &dyn Fn(Field) -> Option<Fact<'a>>,
    record: &mut Record,
) -> Option<&'a Turnaround> {
    let found = policy.turnaround().iter().find(|turnaround| record.tries(TriedKind::Turnaround, turnaround, facts));
    found.map(|turnaround| &**turnaround)
}

/// The clocks that a patient's message starts, running, with their first ledger entries. Their Task is named by the
/// clock that a patient waits for.
pub fn begin(
    setting: Setting<'_>,
    turnaround: &Turnaround,
    thread: &Thread,
    pool: &Pool,
    red_flag: bool,
    ids: &mut Ids,
    record: &mut Record,
) -> (Vec<Clock>, Vec<LedgerEntry>) {
    let mut clocks = Vec::new();
    let mut ledger = Vec::new();
    for clock_policy in &turnaround.clocks {
        let starts = match clock_policy.starts {
            Starts::PatientMessage => true,
            Starts::ThreadOpened => thread.cycle == 1,
            Starts::HandedToPool | Starts::Assigned => false,
        };
        if !starts {
            continue;
        }
        let Some(target) = target(setting.policy, clock_policy, thread.priority, red_flag) else {
            record.errors.push(format!("{}: no target for {}", clock_policy.id, thread.priority));
            continue;
        };
        let calendar = setting.policy.calendar_key(&clock_policy.calendar, pool);
        let thresholds = if red_flag { flag_thresholds(clock_policy) } else { clock_policy.thresholds.clone() };
        let mut clock = Clock {
            id: ids.next_id(),
            thread: thread.id.clone(),
            name: clock_policy.id,
            cycle: thread.cycle,
            task: (clock_policy.id == ClockName::NextResponse).then(|| ids.next_id()),
            terms: Terms {
                bundle: setting.policy.name(),
                policy: turnaround.id.clone(),
                pool: pool.id.clone(),
                calendar: calendar.clone(),
                priority: thread.priority,
                thresholds,
                rests: clock_policy.rests(),
                review: None,
            },
            fold: Fold::default(),
            promised_at: None,
            fired: vec![],
            next: None,
            entries: 0,
            revision: 1,
        };
        ledger.push(clock.record(setting.now, Event::Activate { target, calendar }, setting.policy));
        record.note(&clock, "activate", setting.policy, setting.now);
        if clock.fold.due_at.is_none() {
            record.errors.push(format!("{}: the calendar does not open for long enough", clock.name));
        }
        clocks.push(clock);
    }
    (clocks, ledger)
}

fn target(policy: &Policy, clock: &ClockPolicy, priority: Priority, red_flag: bool) -> Option<Target> {
    let RedFlags { target, .. } = &policy.bundle.red_flags;
    if red_flag { Some(Target::ElapsedTime { amount: target.amount }) } else { clock.target(priority) }
}

/// The thresholds of a red flag's clock: the same ones, but nothing waits for an opening.
fn flag_thresholds(clock: &ClockPolicy) -> Vec<Threshold> {
    let mut thresholds: Vec<Threshold> =
        clock.thresholds.iter().map(|threshold| Threshold { deliver: Deliver::Now, ..threshold.clone() }).collect();
    for threshold in &mut thresholds {
        if let At::After { elapsed, .. } = &mut threshold.at {
            *elapsed = true;
        }
    }
    if thresholds.iter().all(|threshold| !matches!(threshold.at, At::Due { .. })) && clock.id == ClockName::NextResponse
    {
        thresholds.push(Threshold {
            id: "breach".to_owned(),
            at: At::Due { due: True },
            actions: vec![Action::Notify { to: Recipient::PoolLead }],
            deliver: Deliver::Now,
        });
    }
    thresholds
}

/// Tightens a running clock for a more urgent message: time already used stays counted, and due only moves earlier.
pub fn tighten(
    setting: Setting<'_>,
    clock: &mut Clock,
    priority: Priority,
    red_flag: bool,
    record: &mut Record,
) -> Option<LedgerEntry> {
    let Setting { policy, now } = setting;
    let due = if red_flag {
        clock.terms.thresholds = flag_thresholds(&ClockPolicy {
            id: clock.name,
            starts: Starts::PatientMessage,
            stops: crate::policy::turnaround::Stops::HumanReply,
            pauses_while: vec![],
            pause_caps: vec![],
            on_reopen: crate::policy::turnaround::OnReopen::NewCycle,
            calendar: CalendarRef::Id(clock.fold.calendar.clone()),
            targets: vec![],
            thresholds: clock.terms.thresholds.clone(),
        });
        now.plus(policy.bundle.red_flags.target.amount.seconds())
    } else {
        let turnaround = policy.turnaround().iter().find(|turnaround| turnaround.id == clock.terms.policy)?;
        let target = turnaround.clocks.iter().find(|other| other.id == clock.name)?.target(priority)?;
        earliest(policy, clock, &target, now)?
    };
    if clock.fold.due_at.is_some_and(|before| before <= due) {
        return None;
    }
    clock.terms.priority = priority;
    let reason = if red_flag { "red-flag" } else { "priority-raised" };
    let event = Event::Retarget { target: Target::Manual { due }, reason: reason.to_owned() };
    let entry = clock.record(now, event, policy);
    record.note(clock, "retarget", policy, now);
    Some(entry)
}

/// Counts a running clock from a message that was received before it began, because it was held until now: due only
/// moves earlier.
pub fn since(
    setting: Setting<'_>,
    clock: &mut Clock,
    received_at: Instant,
    record: &mut Record,
) -> Option<LedgerEntry> {
    let Setting { policy, now } = setting;
    clock.fold.started_at.filter(|started| *started > received_at)?;
    let calendar = policy.calendar(&clock.fold.calendar)?;
    let due = clock.fold.target.as_ref()?.due(calendar, received_at)?.max(now);
    if clock.fold.due_at.is_some_and(|before| before <= due) {
        return None;
    }
    let event = Event::Retarget { target: Target::Manual { due }, reason: "received-earlier".to_owned() };
    let entry = clock.record(now, event, policy);
    record.note(clock, "retarget", policy, now);
    Some(entry)
}

/// When the new target is due, counted from the clock's beginning, but never in the past: time used stays used.
fn earliest(policy: &Policy, clock: &Clock, target: &Target, now: Instant) -> Option<Instant> {
    let calendar = policy.calendar(&clock.fold.calendar)?;
    target.due(calendar, clock.fold.started_at?).map(|due| due.max(now))
}

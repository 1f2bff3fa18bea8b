//! When a notice may leave: as it is written, and again when it is about to, because hours, zones and closures change
//! while it waits and a worker may come late.

use crate::calendar::zone_named;
use crate::change::{Hours, OutboxRow};
use crate::id::Reference;
use crate::policy::bundle::QuietAudience;
use crate::policy::{Policy, Pool};
use crate::thread::{Priority, Thread};
use crate::time::Instant;

/// The earliest instant at or after `at` at which a notice to somebody may leave that was written at `since`.
pub(super) fn leaves(
    policy: &Policy,
    to: &Reference,
    (thread, pool): (&Thread, &Pool),
    (hours, priority): (Hours, Priority),
    (since, at): (Instant, Instant),
) -> Instant {
    let lifted = |at: Instant| thread.quiet_lifted_until.is_some_and(|until| until > at);
    match hours {
        Hours::Person if !lifted(at) => {
            let zone = thread.zone.as_deref().and_then(zone_named);
            policy.quiet_until(QuietAudience::Patient, zone.as_ref(), priority, (since, at))
        }
        Hours::Team => {
            let calendar = policy.hours_of(to, pool);
            // Who never works is told all the same.
            let opening = |at: Instant| calendar.and_then(|calendar| calendar.next_open(at)).unwrap_or(at);
            let (since, at) = (opening(since), opening(at));
            if lifted(at) {
                return at;
            }
            policy.quiet_until(QuietAudience::Staff, Some(&policy.zone), priority, (since, at))
        }
        Hours::Person | Hours::None => at,
    }
}

/// The entry of quiet hours that a notice passes which leaves at `now`, and what lets it pass; `None` where it passes none.
pub(super) fn passes<'p>(
    policy: &'p Policy,
    thread: &Thread,
    audience: QuietAudience,
    (hours, priority): (Hours, Priority),
    now: Instant,
) -> Option<(&'p str, String)> {
    let zone = thread.zone.as_deref().and_then(zone_named).filter(|_| audience == QuietAudience::Patient);
    let entry = policy.quiet_at(audience, zone.as_ref(), now)?;
    let why = if hours == Hours::None {
        "it waits for nothing".to_owned()
    } else if thread.quiet_lifted_until.is_some_and(|until| until > now) {
        "lifted by an authorised person".to_owned()
    } else {
        format!("its urgency is {priority}")
    };
    Some((&entry.id, why))
}

/// Until when a notice that is about to leave waits after all, by the hours, the zone and the policy of this moment;
/// `None` when it leaves.
pub fn put_off(policy: &Policy, thread: &Thread, row: &OutboxRow, now: Instant) -> Option<Instant> {
    let about = (thread, super::answering(policy, thread));
    let to: Reference = row.recipient.as_deref()?.parse().ok()?;
    let until = leaves(policy, &to, about, (row.hours, row.priority), (row.occurred_at, now));
    (until > now).then_some(until)
}

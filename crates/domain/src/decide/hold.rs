//! A message is kept back: stored, answered at once, and given to the leads of its pool with a clock of its own.

use crate::clock::{Clock, ClockName, Event, Fold, Reviewed, Terms};
use crate::hold::{Hold, HoldCause, HoldState};
use crate::policy::Pool;
use crate::policy::rule::{Action, Recipient};
use crate::policy::turnaround::{At, Deliver, Target, Threshold, True};
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};
use crate::time::Span;

use super::Setting;
use super::automatic::{Cause, Saying};
use super::inbound::Inbound;
use super::limit::KeptBack;
use super::notice::Notice;

impl Inbound<'_, '_> {
    /// Holds the message for the leads of a pool. Its conversation stands as it stood: nothing is owed in it yet, and a
    /// conversation that it would begin is nobody's until the message is released.
    pub fn hold(&mut self, thread: &mut Thread, view: Option<&ThreadView>, pool: &Pool, why: KeptBack) {
        let Setting { policy, now } = self.setting;
        let message = self.message;
        *thread = match view {
            Some(view) => Thread { revision: thread.revision, last_activity_at: now, ..view.thread.clone() },
            None => Thread { state: ThreadState::Answered, patient_messages: 0, ..thread.clone() },
        };
        self.record.did("hold", &why.rule, Some(pool.id.clone()), Some(why.until));
        let clock = self.review(thread, pool, &why);
        let told = Notice { topic: "held-for-review", to: Recipient::PoolLead, deliver: Deliver::WhenOpen };
        self.outbox.team(self.ids, &mut self.record, &told, thread, pool);
        let cause = match why.cause {
            HoldCause::Limit => Cause::Held,
            HoldCause::Block => Cause::Blocked(why.contact.as_deref()),
        };
        self.reply = self.answer(cause, thread, Saying { pool, due: None });
        let (clock_id, task) = (clock.id.clone(), self.ids.next_id());
        let clock = Clock { task: Some(task.clone()), ..clock };
        self.record.note(&clock, "activate", policy, now);
        self.clocks.push(clock);
        self.hold = Some(Hold {
            message: message.id.clone(),
            thread: thread.id.clone(),
            sender: message.sender.clone(),
            patient: thread.patient.clone(),
            pool: pool.id.clone(),
            pool_reference: pool.reference.clone(),
            cause: why.cause,
            rule: why.rule,
            clock: clock_id,
            task,
            received_at: now,
            until: why.until,
            facts: message.facts.clone(),
            state: HoldState::Held,
            ended: None,
        });
    }

    /// The clock of a review, running.
    fn review(&mut self, thread: &Thread, pool: &Pool, why: &KeptBack) -> Clock {
        let Setting { policy, now } = self.setting;
        let mut clock = Clock {
            id: self.ids.next_id(),
            thread: thread.id.clone(),
            name: ClockName::Review,
            cycle: thread.cycle,
            task: None,
            terms: Terms {
                bundle: policy.name(),
                policy: why.rule.clone(),
                pool: pool.id.clone(),
                calendar: pool.calendar.clone(),
                counted_by: pool.reference.to_string(),
                priority: thread.priority,
                thresholds: thresholds(),
                known_from: None,
                rests: vec![],
                review: Some(Reviewed {
                    message: self.message.id.clone(),
                    pool: pool.reference.clone(),
                    reviewer: pool.leads.first().unwrap_or(&pool.reference).clone(),
                }),
                author: Some(self.message.sender.clone()),
            },
            fold: Fold::default(),
            promised_at: None,
            fired: vec![],
            next: None,
            entries: 0,
            revision: 1,
        };
        let target = Target::OpenTime { amount: why.within };
        self.ledger.push(clock.record(now, Event::Activate { target, calendar: pool.calendar.clone() }, policy));
        clock
    }
}

/// Who is told when a review is late: the leads at half of its time, then the supervisors, and again four open hours
/// later.
fn thresholds() -> Vec<Threshold> {
    let tell = |id: &str, at: At, to: Recipient| Threshold {
        id: id.to_owned(),
        at,
        actions: vec![Action::Notify { to }],
        deliver: Deliver::WhenOpen,
    };
    vec![
        tell("review-due-soon", At::Percent { percent: 50 }, Recipient::PoolLead),
        tell("review-overdue", At::Due { due: True }, Recipient::Supervisors),
        tell("review-late", At::After { after: Span::hours(4), elapsed: false }, Recipient::Supervisors),
    ]
}

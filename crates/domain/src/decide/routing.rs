//! Where a message goes, and what the clinic's rules ask for on the way.

use crate::decision::TriedKind;
use crate::id::Reference;
use crate::message::{Message, Reading};
use crate::policy::rule::{Action, Fact, Field};
use crate::policy::{Policy, Pool};
use crate::thread::{Priority, Thread};

use super::attendance::Attendance;
use super::inbound::Inbound;

/// How many marks a conversation can have.
const MOST_TAGS: usize = 20;

/// Where a message goes and what rules asked for.
pub struct Routed<'a> {
    /// The pool that is to answer.
    pub pool: &'a Pool,
    /// The person written to, or named by a rule.
    pub(super) named: Option<&'a Reference>,
    /// Marks that the thread does not have yet.
    pub(super) tags: Vec<&'a str>,
    /// How urgent rules make it, at least.
    pub(super) priority: Priority,
    /// The automatic reply that a rule asks for.
    pub(super) template: Option<&'a str>,
}

impl<'a> Inbound<'a, '_> {
    /// Rules in order, then the person or pool written to, then the clinic's default.
    pub(super) fn route(&mut self, thread: &Thread, flagged: bool) -> Routed<'a> {
        let policy = self.setting.policy;
        self.record.tried.reserve(policy.rules().len() + policy.turnaround().len());
        let pool = self.addressed(thread);
        let named = self.named();
        let mut routed = Routed { pool, named, tags: vec![], priority: Priority::Routine, template: None };
        self.attendance = Attendance::of(policy, named.or(thread.answerer()), pool, self.setting.now);
        for rule in policy.rules() {
            let at = (thread, routed.pool, self.attendance);
            let fact = |field| fact(policy, self.message, &self.reading, at, field);
            let held = self.record.tries(TriedKind::Rule, rule, &fact);
            if held && self.apply(&rule.id, &rule.actions, thread, &mut routed) {
                break;
            }
        }
        if flagged && let Some(pool) = policy.pool(&policy.bundle.red_flags.pool) {
            self.record.path.push(format!("red flag: {}", pool.id));
            routed.pool = pool;
        }
        let person = routed.named.or(thread.answerer());
        self.attendance = Attendance::of(policy, person, routed.pool, self.setting.now);
        routed
    }

    /// Does what a rule says; answers whether the rules end here.
    fn apply(&mut self, rule: &str, actions: &'a [Action], thread: &Thread, routed: &mut Routed<'a>) -> bool {
        for action in actions {
            match action {
                Action::RouteToPool { to } => match self.setting.policy.pool(to) {
                    Some(pool) => {
                        self.record.path.push(format!("rule {rule}: {to}"));
                        routed.pool = pool;
                    }
                    None => self.record.errors.push(format!("rule {rule}: no pool is called {to}")),
                },
                Action::SetPriority { value } => routed.priority = routed.priority.max(*value),
                Action::SendTemplate { value } => routed.template = Some(value),
                Action::SuggestVisit {} => self.record.did("sender-notice", "visit-suggested", None, None),
                Action::Stop {} => return true,
                Action::Assign { to } => {
                    self.record.path.push(format!("rule {rule}: {to}"));
                    routed.named = Some(to);
                }
                Action::AddTag { value } => {
                    if thread.tags.len() + routed.tags.len() >= MOST_TAGS {
                        self.record.left("tag", value, "the conversation has as many as it can");
                    } else if !thread.tags.contains(value) && !routed.tags.contains(&value.as_str()) {
                        self.record.did("tag", value, None, None);
                        routed.tags.push(value);
                    }
                }
                Action::Notify { .. } => {
                    self.record.errors.push(format!("rule {rule}: an action cannot be done here"));
                }
            }
        }
        false
    }
}

/// A fact about a message on its way to a pool; what an earlier rule has marked is not seen by a later one, so that no
/// rule triggers another.
pub(super) fn fact<'a>(
    policy: &Policy,
    message: &'a Message,
    reading: &'a Reading,
    (thread, pool, attendance): (&'a Thread, &'a Pool, Attendance),
    field: Field,
) -> Option<Fact<'a>> {
    match field {
        Field::ThreadStatus => Some(Fact::Text(thread.state.as_str().into())),
        Field::ThreadPool => Some(Fact::Text(pool.id.as_str().into())),
        Field::ThreadOwner => thread.owner.as_ref().map(|owner| Fact::Text(owner.to_string().into())),
        Field::CalendarOpen => {
            policy.calendar(&pool.calendar).map(|calendar| Fact::Flag(calendar.is_open(thread.last_activity_at)))
        }
        Field::ThreadTag => Some(Fact::List(&thread.tags)),
        Field::RecipientAbsent => attendance.person_absent.map(Fact::Flag),
        _ => message.fact(field, reading),
    }
}

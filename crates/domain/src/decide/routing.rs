//! Where a message goes, and what the clinic's rules ask for on the way.

use crate::clock::ClockName;
use crate::decision::{Record, TriedKind};
use crate::id::Reference;
use crate::message::{Message, Reading};
use crate::policy::rule::{Action, Fact, Field};
use crate::policy::{Policy, Pool};
use crate::store::ThreadView;
use crate::thread::{Priority, Thread};

use super::attendance::Attendance;
use super::inbound::Inbound;
use super::open_clock;

/// How many marks a conversation can have.
const MOST_TAGS: usize = 20;

/// Where a message goes and what rules asked for.
pub struct Routed<'a> {
    /// The pool that is to answer.
    pub pool: &'a Pool,
    /// The person written to, or named by a rule.
    pub(super) named: Option<&'a Reference>,
    /// Marks that rules ask for.
    pub(super) tags: Vec<&'a str>,
    /// Whether a rule suggests a visit.
    pub(super) visit: bool,
    /// How urgent rules make it, at least.
    pub(super) priority: Priority,
    /// The automatic reply that a rule asks for.
    pub(super) template: Option<&'a str>,
}

impl<'a> Inbound<'a, '_> {
    /// Where a message is to go: rules in order, then the person or pool written to, then the clinic's default. What else
    /// rules ask for is kept for its delivery. Within a cycle in which a person has said who answers, rules do not.
    pub(super) fn route(&mut self, thread: &Thread, view: Option<&ThreadView>, flagged: bool) -> Routed<'a> {
        let policy = self.setting.policy;
        self.record.tried.reserve(policy.rules().len() + policy.turnaround().len());
        let faults = self.record.errors.len();
        let pool = self.addressed(thread);
        let named = self.named();
        let mut routed =
            Routed { pool, named, tags: vec![], visit: false, priority: Priority::Routine, template: None };
        self.attendance = Attendance::of(policy, named.or(thread.answerer()), pool, self.setting.now);
        let owed = view.is_some_and(|view| open_clock(view, ClockName::NextResponse).is_some());
        let decided = owed && thread.handed_cycle == thread.cycle;
        // Each rule sees the message as it came: what one has done, no other sees.
        let at = (thread, pool, self.attendance);
        for rule in policy.rules() {
            let fact = |field| fact(policy, self.message, &self.reading, at, field);
            let held = self.record.tries(TriedKind::Rule, rule, &fact);
            if held && self.apply(&rule.id, &rule.actions, decided, &mut routed) {
                break;
            }
        }
        if flagged {
            if let Some(pool) = policy.pool(&policy.bundle.red_flags.pool) {
                self.record.path.push(format!("red flag: {}", pool.id));
                routed.pool = pool;
            }
        } else if self.record.errors.len() > faults {
            routed.pool = self.unevaluated();
            routed.named = None;
        }
        let person = routed.named.or(thread.answerer());
        self.attendance = Attendance::of(policy, person, routed.pool, self.setting.now);
        routed
    }

    /// The pool to which a message goes that could not be evaluated in full.
    pub(super) fn unevaluated(&mut self) -> &'a Pool {
        let pool = self.setting.policy.default_pool();
        self.record.path.push(format!("could not be evaluated: {}", pool.id));
        pool
    }

    /// Takes down what a rule asks for; answers whether the rules end here.
    fn apply(&mut self, rule: &str, actions: &'a [Action], decided: bool, routed: &mut Routed<'a>) -> bool {
        for action in actions {
            match action {
                Action::RouteToPool { to } if decided => {
                    self.record.left("route", to, "a person has said who answers");
                }
                Action::RouteToPool { to } => match self.setting.policy.pool(to) {
                    Some(pool) => {
                        self.record.path.push(format!("rule {rule}: {to}"));
                        routed.pool = pool;
                    }
                    None => self.record.errors.push(format!("rule {rule}: no pool is called {to}")),
                },
                Action::Assign { to } if decided => {
                    self.record.left("assign", &to.to_string(), "a person has said who answers");
                }
                Action::Assign { to } => {
                    self.record.path.push(format!("rule {rule}: {to}"));
                    routed.named = Some(to);
                }
                Action::SetPriority { value } => routed.priority = routed.priority.max(*value),
                Action::SendTemplate { value } => routed.template = Some(value),
                Action::SuggestVisit {} => routed.visit = true,
                Action::AddTag { value } => routed.tags.push(value),
                Action::Stop {} => return true,
                Action::Notify { .. } => {
                    self.record.errors.push(format!("rule {rule}: an action cannot be done here"));
                }
            }
        }
        false
    }

    /// Marks the thread as rules ask for.
    pub(super) fn mark(&mut self, thread: &mut Thread, routed: &Routed<'a>) {
        for &mark in &routed.tags {
            tag(thread, mark, &mut self.record);
        }
    }
}

/// Marks a thread, unless it has the mark or as many as it can.
pub(super) fn tag(thread: &mut Thread, mark: &str, record: &mut Record) {
    if thread.tags.iter().any(|own| own == mark) {
        return;
    }
    if thread.tags.len() < MOST_TAGS {
        record.did("tag", mark, None, None);
        thread.tags.push(mark.to_owned());
    } else {
        record.left("tag", mark, "the conversation has as many as it can");
    }
}

/// A fact about a message on its way to a pool.
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

//! Who is there: the person written to, somebody of the pool, and who is told in the place of who is away.

use crate::id::Reference;
use crate::policy::{Policy, Pool};
use crate::time::Instant;

/// Whether those are there whom a message is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Whether the person who is to answer is away; `None` when the message is for no person in particular.
    pub person_absent: Option<bool>,
    /// Whether every member of the answering pool that is known is away.
    pub pool_unstaffed: bool,
    /// Until when, as far as it is known now: of the person, or else of the pool.
    pub until: Option<Instant>,
}

impl Attendance {
    /// Who is there of a pool, and of it the person who is to answer.
    pub fn of(policy: &Policy, person: Option<&Reference>, pool: &Pool, now: Instant) -> Self {
        let people = policy.people();
        let away = person.map(|person| people.away(person, &pool.reference, now));
        let unstaffed_until = people.unstaffed_until(&pool.reference, now);
        Self {
            person_absent: away.map(|away| away.is_some()),
            pool_unstaffed: unstaffed_until.is_some(),
            until: away.flatten().map(|away| away.until).or(unstaffed_until),
        }
    }
}

/// Whether a reference is to somebody of the team, who can be away. A pool and a patient cannot.
pub(super) fn is_staff(who: &Reference) -> bool {
    who.is("Practitioner") || who.is("PractitionerRole")
}

/// The pool that a person answers for: the first that their roles name and the policy knows, else one that they lead.
pub(super) fn pool_of<'a>(policy: &'a Policy, person: &Reference, now: Instant) -> Option<&'a Pool> {
    let people = policy.people();
    let of_roles = people.pools_of(person, now).find_map(|service| policy.pool_of(service));
    of_roles.or_else(|| policy.pools().iter().find(|pool| people.belongs(person, pool, now)))
}

/// Who is told at an instant what is meant for somebody, with the way there when it is somebody else: their cover, the
/// leads of the pool who are there, and at last the clinic's default pool. Never nobody.
pub(super) fn told(policy: &Policy, to: &Reference, pool: &Pool, at: Instant) -> (Vec<Reference>, Vec<String>) {
    if !is_staff(to) {
        return (vec![to.clone()], vec![]);
    }
    let people = policy.people();
    let reached = people.reach(to, pool, at);
    let mut path = reached.path;
    if let Some(person) = reached.person {
        return (vec![person], path);
    }
    let mut leads: Vec<Reference> = Vec::new();
    for lead in &pool.leads {
        let there = if is_staff(lead) { people.reach(lead, pool, at).person } else { Some(lead.clone()) };
        leads.extend(there.filter(|there| !leads.contains(there)));
    }
    if !leads.is_empty() {
        path.extend(leads.iter().map(|lead| format!("lead: {lead}")));
        return (leads, path);
    }
    let staffed = pool.leads.is_empty() && people.unstaffed_until(&pool.reference, at).is_none();
    let last = if staffed { pool } else { policy.default_pool() };
    path.push(format!("pool: {}", last.id));
    (vec![last.reference.clone()], path)
}

/// Who gets a notice that is about to leave, when the one it was for is away by now; `None` when it stays as it is.
pub fn released(policy: &Policy, to: &Reference, pool: &Pool, now: Instant) -> Option<Reference> {
    let (found, path) = told(policy, to, pool, now);
    if path.is_empty() { None } else { found.into_iter().next() }
}

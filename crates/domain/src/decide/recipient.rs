//! To whom a message goes: the pool, and of it the person written to or who covers for them.

use crate::id::Reference;
use crate::policy::bundle::OnReturn;
use crate::policy::{Policy, Pool};
use crate::thread::Thread;

use super::Setting;
use super::attendance::{is_staff, pool_of};
use super::inbound::Inbound;
use super::overrule::pool_in;

impl<'a> Inbound<'a, '_> {
    /// The pool written to, or that of the person written to; in a thread that has one, that pool; the clinic's default
    /// when none is known.
    pub(super) fn addressed(&mut self, thread: &Thread) -> &'a Pool {
        let Setting { policy, now } = self.setting;
        let policy: &'a Policy = policy;
        if let Some(pool) = pool_in(policy, thread) {
            self.record.path.push(format!("thread: {}", pool.id));
            return pool;
        }
        if let Some(pool) = self.message.recipients.iter().find_map(|to| policy.pool_of(to)) {
            self.record.path.push(format!("recipient: {}", pool.id));
            return pool;
        }
        if let Some(pool) = self.named().and_then(|person| pool_of(policy, person, now)) {
            self.record.path.push(format!("recipient's pool: {}", pool.id));
            return pool;
        }
        let pool = policy.default_pool();
        self.record.path.push(format!("clinic's default: {}", pool.id));
        pool
    }

    /// The person of the team whom the message is for, if it names one.
    pub(super) fn named(&self) -> Option<&'a Reference> {
        self.message.recipients.iter().find(|to| is_staff(to))
    }

    /// Who is asked to answer for the pool: the person, or who covers while they are away. Nobody when the person does
    /// not answer for the pool or nobody covers: the pool has the message, and that is enough.
    pub(super) fn assigned(&mut self, person: &Reference, pool: &Pool) -> Option<Reference> {
        let Setting { policy, now } = self.setting;
        let people = policy.people();
        if !people.belongs(person, pool, now) {
            self.record.path.push(format!("person: {person}: does not answer for {}", pool.id));
            return None;
        }
        self.record.path.push(format!("person: {person}"));
        let reached = people.reach(person, pool, now);
        self.record.path.extend(reached.path);
        let Some(there) = reached.person else {
            self.record.path.push(format!("pool: {}", pool.id));
            return None;
        };
        // What returns is the person's all the time; until then each notice about it finds who covers.
        let assigned = match policy.bundle.absence.on_return {
            OnReturn::Stay => there,
            OnReturn::Return => person.clone(),
        };
        self.record.did("assign", "owner", Some(assigned.to_string()), None);
        Some(assigned)
    }
}

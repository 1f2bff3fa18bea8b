//! The one automatic reply that a message may get: which one, what holds it back, and what it says.
//!
//! Two services that answer each other automatically must end: what a machine marks as its own is not answered, a
//! trigger speaks once per sender and cycle or closure, and every reply but that to a red flag is paid for from a budget
//! of its thread and one of its recipient.

use crate::correspondent::Replied;
use crate::decision::AutomaticReply;
use crate::id::Reference;
use crate::policy::bundle::{AwayReply, Limit, LimitScope, Template, ThrottlePer, Trigger, Variable};
use crate::policy::template::{TemplateError, fill, local};
use crate::policy::{Policy, Pool, shipped_template};
use crate::thread::Thread;
use crate::time::{Instant, Span};

use super::Setting;
use super::inbound::Inbound;

/// How recently the team must have written for a trigger to be silent, unless the reply says otherwise.
const STAFF_WROTE: Span = Span::from_seconds(15 * 60);

/// How many automatic replies a person gets in a thread, and in which time, unless the bundle limits them itself.
const PER_THREAD: (u32, Span) = (3, Span::from_seconds(10 * 60));

/// How many automatic replies a person gets in all, and in which time, unless the bundle limits them itself.
const PER_RECIPIENT: (u32, Span) = (10, Span::hours(24));

/// Why a reply is sent, which decides what can hold it back.
#[derive(Clone, Copy)]
pub enum Cause<'a> {
    /// A red flag: no budget holds it back.
    RedFlag,
    /// A routing rule asked for this template.
    Rule(&'a str),
    /// A message was accepted; the bundle's triggers say which reply fits.
    Accepted,
    /// The message waits for a review.
    Held,
    /// The sender is blocked; the template names another way to reach care.
    Blocked(Option<&'a str>),
}

/// What a reply speaks of.
#[derive(Clone, Copy)]
pub struct Saying<'a> {
    /// The pool that speaks.
    pub pool: &'a Pool,
    /// What is promised; without it, nothing that names an instant is said.
    pub due: Option<Instant>,
}

/// What a reply is paid with.
struct Chosen<'a> {
    template: &'a Template,
    reply: Option<&'a AwayReply>,
    closure: Option<Instant>,
}

impl Inbound<'_, '_> {
    /// The reply for a cause, or `None` with the reason in the record.
    pub fn answer(&mut self, cause: Cause<'_>, thread: &Thread, saying: Saying<'_>) -> Option<AutomaticReply> {
        let policy = self.setting.policy;
        let marked = self.message.marked_automatic;
        if marked && !matches!(cause, Cause::RedFlag) {
            self.record.left("automatic-reply", "any", "the message says that a machine sent it");
            return None;
        }
        let plain = |template| Chosen { template, reply: None, closure: None };
        match cause {
            Cause::RedFlag => {
                // Whatever keeps the bundle's own text from being said, somebody in danger is told what to do.
                let own = policy.template(&policy.bundle.red_flags.template);
                let texts = own.into_iter().chain(shipped_template("red-flag"));
                texts.into_iter().find_map(|template| self.say(&plain(template), thread, saying, !marked))
            }
            Cause::Rule(id) => {
                let Some(template) = policy.template(id) else {
                    self.record.errors.push(format!("template {id} has no text"));
                    return None;
                };
                // What a rule asks for is an automatic reply like any other; where it comes too soon, the bundle's triggers
                // may still say by when somebody answers.
                let closure = self.opens(&saying.pool.calendar);
                if let Some(why) = self.too_soon(STAFF_WROTE, closure, thread) {
                    self.record.left("automatic-reply", id, why);
                    return self.accepted(thread, saying);
                }
                self.say(&plain(template), thread, saying, false)
            }
            Cause::Accepted => self.accepted(thread, saying),
            Cause::Held => self.held_back(Trigger::HeldForReview, None, thread, saying),
            Cause::Blocked(contact) => self.held_back(Trigger::Blocked, contact, thread, saying),
        }
    }

    /// The first reply that the bundle has for what is the case, the most telling trigger first, and that nothing holds
    /// back.
    fn accepted(&mut self, thread: &Thread, saying: Saying<'_>) -> Option<AutomaticReply> {
        let policy = self.setting.policy;
        let case = [Trigger::PersonAbsent, Trigger::PoolUnstaffed, Trigger::CalendarClosed, Trigger::MessageAccepted];
        for trigger in case {
            for reply in policy.bundle.away_replies.iter().filter(|reply| reply.when == trigger) {
                let Some(closure) = self.closure(reply, saying.pool) else { continue };
                let closure = closure.end;
                if let Some(why) = self.silent(reply, closure, thread) {
                    self.record.left("automatic-reply", &reply.id, why);
                    continue;
                }
                let Some(template) = policy.template(&reply.template) else { continue };
                let said = self.say(&Chosen { template, reply: Some(reply), closure }, thread, saying, false);
                if said.is_some() {
                    return said;
                }
            }
        }
        None
    }

    /// Tells that a message waits for a review: with the text of the block, else the bundle's, else the one that ships;
    /// as often as the bundle says.
    fn held_back(
        &mut self,
        trigger: Trigger,
        contact: Option<&str>,
        thread: &Thread,
        saying: Saying<'_>,
    ) -> Option<AutomaticReply> {
        let policy = self.setting.policy;
        let reply = policy.bundle.away_replies.iter().find(|reply| reply.when == trigger);
        if let Some((reply, why)) = reply.and_then(|reply| Some((reply, self.silent(reply, None, thread)?))) {
            self.record.left("automatic-reply", &reply.id, why);
            return None;
        }
        let own = contact.or(reply.map(|reply| reply.template.as_str())).and_then(|id| policy.template(id));
        let shipped = shipped_template(if trigger == Trigger::Blocked { "blocked" } else { "held-for-review" });
        for template in [own, shipped].into_iter().flatten() {
            let said = self.say(&Chosen { template, reply, closure: None }, thread, saying, false);
            if said.is_some() {
                return said;
            }
        }
        None
    }

    /// Whether a trigger is the case, with the closure it would tell of.
    fn closure(&self, reply: &AwayReply, pool: &Pool) -> Option<Closure> {
        let Setting { policy, now } = self.setting;
        let key = reply.calendar.as_deref().unwrap_or(&pool.calendar);
        let away =
            |away: bool| away.then(|| Closure { end: Some(self.attendance.until.unwrap_or(day_ends(policy, now))) });
        match reply.when {
            Trigger::PersonAbsent => away(self.attendance.person_absent == Some(true)),
            Trigger::PoolUnstaffed => away(self.attendance.pool_unstaffed),
            Trigger::CalendarClosed => self.opens(key).map(|end| Closure { end: Some(end) }),
            Trigger::MessageAccepted => Some(Closure { end: None }),
            Trigger::HeldForReview | Trigger::Blocked => None,
        }
    }

    /// When a calendar that is closed now opens.
    fn opens(&self, key: &str) -> Option<Instant> {
        let Setting { policy, now } = self.setting;
        policy.calendar(key)?.next_open(now).filter(|opens| *opens > now)
    }

    /// Why a reply is silent, if it is.
    fn silent(&self, reply: &AwayReply, closure: Option<Instant>, thread: &Thread) -> Option<&'static str> {
        let now = self.setting.now;
        // That a message is kept back is told also while the team writes, unless the reply says otherwise.
        let held = matches!(reply.when, Trigger::HeldForReview | Trigger::Blocked);
        let unless = if held { Span::default() } else { STAFF_WROTE };
        let within = reply.not_if_staff_wrote_within.unwrap_or(unless);
        if let Some(why) = self.too_soon(within, closure, thread) {
            return Some(why);
        }
        if reply.when == Trigger::MessageAccepted && thread.replied_cycle >= thread.cycle {
            return Some("one per sender and cycle");
        }
        let throttle = reply.throttle?;
        let same = |before: &&Replied| match throttle.per {
            ThrottlePer::Sender => true,
            ThrottlePer::SenderThread => before.thread == thread.id,
            ThrottlePer::SenderClosure => before.closure == closure,
        };
        let own = self.sender.replies().iter().filter(|before| before.reply.as_ref() == Some(&reply.id)).filter(same);
        let recent = own.filter(|before| now.since(before.at) < throttle.window.seconds()).count();
        (recent > 0).then_some("throttled")
    }

    /// Why no automatic reply comes now: somebody of the team has written within that time, or the closure has had its
    /// reply.
    fn too_soon(&self, within: Span, closure: Option<Instant>, thread: &Thread) -> Option<&'static str> {
        let now = self.setting.now;
        if thread.last_staff_at.is_some_and(|at| now.since(at) <= within.seconds()) && within > Span::default() {
            return Some("staff wrote a moment ago");
        }
        let answered = closure.is_some() && self.sender.replies().iter().any(|before| before.closure == closure);
        answered.then_some("one per sender and closure")
    }

    /// Why the budgets do not allow one more reply, if they do not.
    fn spent(&mut self, thread: &Thread) -> Option<String> {
        let Setting { policy, now } = self.setting;
        for (scope, default) in
            [(LimitScope::AutomaticPerThread, PER_THREAD), (LimitScope::AutomaticPerRecipient, PER_RECIPIENT)]
        {
            let listed: Vec<&Limit> = policy.bundle.limits.iter().filter(|limit| limit.scope == scope).collect();
            let shipped = listed.is_empty().then_some(("shipped", default.0, default.1));
            let budgets = listed.iter().map(|limit| (limit.id.as_str(), limit.max, limit.window)).chain(shipped);
            for (id, max, window) in budgets {
                let of_scope =
                    |before: &&Replied| scope == LimitScope::AutomaticPerRecipient || before.thread == thread.id;
                let recent = self.sender.replies().iter().filter(of_scope);
                let count = recent.filter(|before| now.since(before.at) < window.seconds()).count();
                if count >= max as usize {
                    return Some(format!("the budget {id} allows {max} in {window}, and {count} were sent"));
                }
            }
        }
        None
    }

    /// Writes a reply and remembers it, unless its budget is spent or its text cannot be filled.
    fn say(&mut self, chosen: &Chosen<'_>, thread: &Thread, saying: Saying<'_>, free: bool) -> Option<AutomaticReply> {
        let now = self.setting.now;
        let template = chosen.template;
        if let Some(why) = self.spent(thread).filter(|_| !free) {
            self.record.left("automatic-reply", &template.id, &why);
            return None;
        }
        let said = self.text(template, saying)?;
        if !free {
            let reply = chosen.reply.map(|reply| reply.id.clone());
            // Whatever is said while the pool is closed: the closure has been answered, and no trigger tells of it again.
            let closure = chosen.closure.or_else(|| self.opens(&saying.pool.calendar));
            let replied = Replied { at: now, thread: thread.id.clone(), reply, closure };
            self.sender.change().reply(replied);
        }
        Some(said)
    }

    fn text(&mut self, template: &Template, saying: Saying<'_>) -> Option<AutomaticReply> {
        let Setting { policy, now } = self.setting;
        let recipient: &Reference = &self.message.sender;
        let own = self.message.language.as_deref().or(self.message.facts.language.as_deref());
        let languages: Vec<&str> = own.into_iter().chain([policy.bundle.clinic.language.as_str()]).collect();
        let Some((language, text)) = template.text(&languages) else {
            self.record.errors.push(format!("template {} has no text", template.id));
            return None;
        };
        match fill(text, |variable| self.value(variable, language, saying)) {
            Ok(text) => {
                self.record.did("automatic-reply", &template.id, Some(recipient.to_string()), Some(now));
                Some(AutomaticReply {
                    id: self.ids.next_id(),
                    template: template.id.clone(),
                    text,
                    language: language.to_owned(),
                    sender: saying.pool.reference.clone(),
                    recipient: recipient.clone(),
                })
            }
            Err(error) => {
                self.record.left("automatic-reply", &template.id, &error.to_string());
                // That nothing can be promised any more, or yet, is no fault of the text.
                if error != TemplateError::Missing(Variable::DueLocal.as_str()) {
                    self.record.errors.push(format!("template {}: {error}", template.id));
                }
                None
            }
        }
    }

    fn value(&self, variable: Variable, language: &str, saying: Saying<'_>) -> Option<String> {
        let Setting { policy, now } = self.setting;
        let clinic = &policy.bundle.clinic;
        let own_zone = self.message.facts.zone.as_deref().and_then(crate::calendar::zone_named);
        let say = |at: Instant| local(at, own_zone.as_ref().unwrap_or(&policy.zone), language);
        match variable {
            Variable::ClinicName => Some(clinic.name.clone()),
            Variable::ClinicPhone => Some(clinic.phone.clone()),
            Variable::EmergencyNumber => Some(clinic.emergency_number.clone()),
            Variable::DueLocal => saying.due.map(say),
            Variable::NextOpenLocal => policy.calendar(&saying.pool.calendar)?.next_open(now).map(say),
            // Nothing about a person is looked up: these come from the request, which does not carry them yet.
            Variable::CoverDisplayName | Variable::PatientGivenName => None,
        }
    }
}

/// A closure that a reply tells of, known by its end; a trigger that tells of none has no end.
struct Closure {
    end: Option<Instant>,
}

/// The end of the clinic's day: the closure of an absence whose end is not known.
fn day_ends(policy: &Policy, now: Instant) -> Instant {
    use crate::calendar::zone::{DAY, wall};
    now.plus(DAY - wall(&policy.zone, now).rem_euclid(DAY))
}

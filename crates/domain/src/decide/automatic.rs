//! The one automatic reply that a message may get.

use crate::decision::{AutomaticReply, Record};
use crate::id::{Ids, Reference};
use crate::message::Message;
use crate::policy::Pool;
use crate::policy::bundle::{Trigger, Variable};
use crate::policy::template::{fill, local};
use crate::thread::Thread;
use crate::time::Instant;

use super::Setting;

/// Why a reply is sent, which decides what can hold it back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cause<'a> {
    /// A red flag: nothing holds it back.
    RedFlag,
    /// A routing rule asked for this template.
    Rule(&'a str),
    /// A message was accepted.
    Accepted,
}

/// What a reply can say.
pub struct Saying<'a> {
    /// What the decision is taken under.
    pub setting: Setting<'a>,
    /// The message answered.
    pub message: &'a Message,
    /// The pool that speaks.
    pub pool: &'a Pool,
    /// What is promised.
    pub due: Option<Instant>,
}

impl Saying<'_> {
    /// The reply for a cause, or `None` with the reason in the record. Machines are never answered.
    pub fn reply(
        &self,
        cause: Cause<'_>,
        thread: &Thread,
        ids: &mut Ids,
        record: &mut Record,
    ) -> Option<AutomaticReply> {
        let Setting { policy, now } = self.setting;
        match cause {
            Cause::RedFlag => self.write(&policy.bundle.red_flags.template, ids, record),
            Cause::Rule(template) => self.write(template, ids, record),
            Cause::Accepted => {
                let reply = policy.bundle.away_replies.iter().find(|reply| reply.when == Trigger::MessageAccepted)?;
                if thread.replied_cycle >= thread.cycle {
                    record.left("automatic-reply", &reply.template, "one per sender and cycle");
                    return None;
                }
                let staff_wrote = |within: crate::time::Span| {
                    thread.last_staff_at.is_some_and(|at| now.since(at) <= within.seconds())
                };
                if reply.not_if_staff_wrote_within.is_some_and(staff_wrote) {
                    record.left("automatic-reply", &reply.template, "staff wrote a moment ago");
                    return None;
                }
                self.write(&reply.template, ids, record)
            }
        }
    }

    fn write(&self, template: &str, ids: &mut Ids, record: &mut Record) -> Option<AutomaticReply> {
        let Setting { policy, .. } = self.setting;
        let recipient: &Reference = &self.message.sender;
        let own = self.message.language.as_deref().or(self.message.facts.language.as_deref());
        let languages: Vec<&str> = own.into_iter().chain([policy.bundle.clinic.language.as_str()]).collect();
        let Some((language, text)) = policy.template(template).and_then(|found| found.text(&languages)) else {
            record.errors.push(format!("template {template} has no text"));
            return None;
        };
        match fill(text, |variable| self.value(variable, language)) {
            Ok(text) => {
                record.did("automatic-reply", template, Some(recipient.to_string()), Some(self.setting.now));
                Some(AutomaticReply {
                    id: ids.next_id(),
                    template: template.to_owned(),
                    text,
                    language: language.to_owned(),
                    sender: self.pool.reference.clone(),
                    recipient: recipient.clone(),
                })
            }
            Err(error) => {
                record.left("automatic-reply", template, &error.to_string());
                record.errors.push(format!("template {template}: {error}"));
                None
            }
        }
    }

    fn value(&self, variable: Variable, language: &str) -> Option<String> {
        let Setting { policy, now } = self.setting;
        let clinic = &policy.bundle.clinic;
        let own_zone = self.message.facts.zone.as_deref().and_then(crate::calendar::zone_named);
        let say = |at: Instant| local(at, own_zone.as_ref().unwrap_or(&policy.zone), language);
        match variable {
            Variable::ClinicName => Some(clinic.name.clone()),
            Variable::ClinicPhone => Some(clinic.phone.clone()),
            Variable::EmergencyNumber => Some(clinic.emergency_number.clone()),
            Variable::DueLocal => self.due.map(say),
            Variable::NextOpenLocal => policy.calendar(&self.pool.calendar)?.next_open(now).map(say),
            // Nothing about a person is looked up: these come from the request, which does not carry them yet.
            Variable::CoverDisplayName | Variable::PatientGivenName => None,
        }
    }
}

//! What does not wait for an answer: the team's own answers, which stop what the patient waits for, and what machines
//! wrote, which starts and stops nothing.

use crate::clock::{Clock, ClockName, ClockState, Event};
use crate::decision::SenderNotice;
use crate::id::Reference;
use crate::policy::RedFlagHit;
use crate::policy::turnaround::PauseReason;
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};

use super::inbound::Inbound;
use super::{Setting, obligation};

impl Inbound<'_, '_> {
    /// A human answer stops what the patient waits for; a note among staff stops nothing.
    pub fn by_staff(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        let Setting { policy, now } = self.setting;
        self.red_flag_in_answer();
        if !self.message.is_human_reply() {
            self.record.left("clock", "stop", "only a human answer to the patient stops a clock");
            return;
        }
        if self.message.body.split_whitespace().count() > usize::from(policy.bundle.staff_reply_words) {
            self.record.tell_sender(SenderNotice::ReplyLong);
        }
        if let Some(history) = self.history.take() {
            let pool = super::answering(policy, thread).clone();
            self.set_right(thread, &history, &pool);
        } else {
            for open in view.into_iter().flat_map(ThreadView::owed) {
                let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
                let Some((name, event)) = self.after_answer(&clock) else { continue };
                self.ledger.push(clock.record(now, event, policy));
                self.record.note(&clock, name, policy, now);
                self.clocks.push(clock);
            }
            thread.state = match self.message.awaits {
                Some(PauseReason::WaitingOnPatient) => ThreadState::WaitingOnPatient,
                Some(_) => ThreadState::WaitingOnThirdParty,
                None => ThreadState::Answered,
            };
            thread.task = None;
        }
        if self.clocks.iter().any(|clock| clock.name == ClockName::NextResponse) {
            thread.owner = thread.owner.take().or_else(|| Some(self.message.sender.clone()));
        }
        let person = |to: &&Reference| to.is("Patient") || to.is("RelatedPerson");
        let mut people: Vec<&Reference> = self.message.recipients.iter().filter(person).collect();
        if people.is_empty() {
            people.extend(thread.patient.as_ref());
        }
        let told = !people.is_empty();
        for to in people {
            let priority = self.message.priority.unwrap_or_default();
            self.outbox.person(self.ids, &mut self.record, "reply-received", to, priority, thread);
        }
        if told {
            self.until_read(thread);
        }
    }

    /// What an answer does to a clock: it meets all but the one that runs until the matter is closed, which rests while
    /// the team waits for someone and goes on when it waits no longer.
    fn after_answer(&self, clock: &Clock) -> Option<(&'static str, Event)> {
        let Setting { policy, now } = self.setting;
        if clock.name != ClockName::Resolve {
            return Some(("fulfill", Event::Fulfill));
        }
        match self.message.awaits {
            Some(reason) => obligation::pause(policy, clock, reason, None, now).map(|event| ("pause", event)),
            None => (clock.fold.state == ClockState::Paused).then_some(("resume", Event::Resume)),
        }
    }

    /// What a machine wrote is delivered, and neither starts nor stops nor answers anything; a red flag is still told.
    pub fn by_machine(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        self.record.left("clock", "next-response", "what a machine wrote starts and stops nothing");
        let written_to = |to: &Reference| to.is("HealthcareService") || to.is("CareTeam");
        if self.record.red_flags.is_empty() {
            // Nobody is disturbed, but the pool that was written to finds it: a message that nobody sees is lost.
            if thread.pool.is_none() && self.message.recipients.iter().any(written_to) {
                let pool = self.addressed(thread);
                thread.is_for(pool);
            }
            return;
        }
        let policy = self.setting.policy;
        let pool = view
            .and_then(|view| super::overrule::pool_in(policy, &view.thread))
            .or_else(|| policy.pool(&policy.bundle.red_flags.pool))
            .unwrap_or_else(|| policy.default_pool());
        if thread.pool.is_none() {
            thread.is_for(pool);
        }
        self.alarm(thread, pool);
    }

    /// The team's own words may name danger ("if you have chest pain, call"): found, recorded, and of no effect.
    fn red_flag_in_answer(&mut self) {
        let hits: &[RedFlagHit] = &self.record.red_flags;
        if !hits.is_empty() {
            self.record.left("red-flag", "urgency", "written by the team");
        }
    }
}

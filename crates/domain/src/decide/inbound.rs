//! A message on its way through the order of evaluation: where it goes, what it starts and stops, who is told.

use crate::clock::{Clock, ClockName, LedgerEntry};
use crate::correspondent::Who;
use crate::decision::{AutomaticReply, Record, SenderNotice};
use crate::hold::Hold;
use crate::id::Ids;
use crate::message::{Message, Reading};
use crate::policy::Pool;
use crate::policy::bundle::Variable;
use crate::policy::rule::Recipient;
use crate::policy::turnaround::Deliver;
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState, VISIT_SUGGESTED};
use crate::time::{Instant, Span};

use super::attendance::Attendance;
use super::automatic::{Cause, Saying};
use super::late::History;
use super::limit::Remembered;
use super::notice::{Notice, Outbox};
use super::routing::Routed;
use super::{Known, Setting, open_clock};

/// A message on its way through the order of evaluation.
pub struct Inbound<'a, 'i> {
    /// What the decision is taken under.
    pub setting: Setting<'a>,
    /// The message.
    pub message: &'a Message,
    /// What was read of it.
    pub reading: Reading,
    /// What leaves.
    pub outbox: Outbox<'a>,
    /// New names.
    pub ids: &'i mut Ids,
    /// Why.
    pub record: Record,
    /// New states of clocks.
    pub clocks: Vec<Clock>,
    /// Entries for their ledgers.
    pub ledger: Vec<LedgerEntry>,
    /// The automatic reply.
    pub reply: Option<AutomaticReply>,
    /// Who is there of those whom it is for; known once it is routed.
    pub attendance: Attendance,
    /// What its thread has seen, where the message is delivered late.
    pub history: Option<History>,
    /// The hold, when it is kept back.
    pub hold: Option<Hold>,
    /// What is remembered of the sender.
    pub sender: Remembered,
    /// What is remembered of everybody.
    pub everyone: Remembered,
    /// For how long messages are remembered for the sake of another bundle.
    pub remember: Span,
    /// When it was received: now, but of a message that was held.
    pub received_at: Instant,
}

impl<'a, 'i> Inbound<'a, 'i> {
    /// A message at the beginning of its way.
    pub fn new(
        setting: Setting<'a>,
        message: &'a Message,
        reading: Reading,
        known: &Known<'a>,
        ids: &'i mut Ids,
        record: Record,
    ) -> Self {
        Self {
            setting,
            message,
            reading,
            outbox: Outbox::new(setting),
            ids,
            record,
            clocks: vec![],
            ledger: vec![],
            reply: None,
            hold: None,
            sender: Remembered::of(known.sender, || Who::Sender(message.sender.clone())),
            everyone: Remembered::of(known.everyone, || Who::Everyone),
            remember: known.remember,
            attendance: Attendance::default(),
            history: None,
            received_at: setting.now,
        }
    }
}

impl<'a> Inbound<'a, '_> {
    /// The patient's side waits for an answer: an obligation begins, or goes on. Where the message is to go is found first,
    /// because blocks and reviews are a pool's; then blocks and limits keep it back or let it pass, by the urgency that it
    /// was sent with; only then is done what rules ask for.
    pub fn by_patient(&mut self, thread: &mut Thread, view: Option<&ThreadView>) {
        let message = self.message;
        let flagged = !self.record.red_flags.is_empty();
        let routed = self.route(thread, view, flagged);
        if message.has_payload && !flagged {
            let began = begins(view);
            if let Some(why) = self.kept_back(thread, began, routed.pool, message.priority.unwrap_or_default()) {
                return self.hold(thread, view, routed.pool, why);
            }
            self.count(thread, began);
        }
        self.deliver(thread, view, &routed);
    }

    /// It goes to the pool that is to answer.
    pub(super) fn deliver(&mut self, thread: &mut Thread, view: Option<&ThreadView>, routed: &Routed<'a>) {
        let policy = self.setting.policy;
        let message = self.message;
        let flagged = !self.record.red_flags.is_empty();
        let mut pool = routed.pool;
        thread.is_for(pool);
        self.mark(thread, routed);
        let assigned = routed.named.and_then(|person| self.assigned(person, pool));
        let priority = message.priority.unwrap_or_default();
        let wanted = if flagged { policy.bundle.red_flags.priority.max(priority) } else { priority };
        let running = view.and_then(|view| open_clock(view, ClockName::NextResponse));
        if running.is_none() {
            // A new cycle has its own urgency; within one it only rises.
            thread.priority = wanted.max(routed.priority);
            thread.category = message.category.clone().or(thread.category.take());
            thread.assigned = None;
        }
        thread.assigned = assigned.or(thread.assigned.take());
        let raised = thread.priority.max(wanted).max(routed.priority);
        let rises = raised > thread.priority;
        thread.priority = raised;
        if !message.has_payload && !flagged {
            self.record.left("clock", "next-response", "a thread's header asks for no answer");
            return;
        }
        // Danger is looked at, whatever has been answered since; a raised urgency tightens what runs.
        let in_order = flagged || (rises && running.is_some());
        if let Some(history) = self.history.take().filter(|_| !in_order) {
            self.set_right(thread, &history, pool);
        } else {
            if let Some(view) = view {
                self.go_on(thread, view, rises, flagged);
            }
            if running.is_none() {
                pool = self.begin(thread, view, pool, flagged);
            }
            thread.state = ThreadState::AwaitingTeam;
        }
        self.suggestions(thread, routed.visit);

        let due = self.waiting().and_then(|clock| clock.to_be_told(self.setting.now));
        if message.occurred_at.is_some() && !flagged && due.is_none() {
            let why = "delivered late: nothing can be promised any more";
            self.record.left("automatic-reply", "message-accepted", why);
            if thread.state == ThreadState::AwaitingTeam {
                let told = Notice { topic: "message-received", to: Recipient::Owner, deliver: Deliver::WhenOpen };
                self.outbox.team(self.ids, &mut self.record, &told, thread, pool);
            }
            return;
        }
        if flagged {
            self.alarm(thread, pool);
        } else {
            let told = Notice { topic: "message-received", to: Recipient::Owner, deliver: Deliver::WhenOpen };
            self.outbox.team(self.ids, &mut self.record, &told, thread, pool);
        }
        let cause = match (flagged, routed.template) {
            (true, _) => Cause::RedFlag,
            (false, Some(template)) => Cause::Rule(template),
            (false, None) => Cause::Accepted,
        };
        self.reply = self.answer(cause, thread, Saying { pool, due });
        if let Some(reply) = &self.reply {
            thread.replied_cycle = thread.cycle;
            if flagged {
                self.outbox.at_once(self.ids, &mut self.record, "red-flag", &reply.recipient, thread);
            }
            let told = policy
                .template(&reply.template)
                .is_some_and(|template| template.variables.contains(&Variable::DueLocal));
            if told {
                self.promise(due);
            }
        }
    }

    /// Danger is told at once to the whole pool for red flags, and to whoever else is to answer.
    pub(super) fn alarm(&mut self, thread: &Thread, answering: &Pool) {
        let policy = self.setting.policy;
        let alarmed = policy.pool(&policy.bundle.red_flags.pool).unwrap_or_else(|| policy.default_pool());
        let mut tell = |to, pool: &Pool| {
            let told = Notice { topic: "red-flag", to, deliver: Deliver::Now };
            self.outbox.team(self.ids, &mut self.record, &told, thread, pool);
        };
        tell(Recipient::Pool, alarmed);
        if thread.answerer().is_some() || answering.reference != alarmed.reference {
            tell(Recipient::Owner, answering);
        }
    }

    /// The clock that the patient waits for.
    pub(super) fn waiting(&self) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.name == ClockName::NextResponse && !clock.fold.state.is_over())
    }

    /// What was told is kept, and never later than what was told before.
    fn promise(&mut self, due: Option<Instant>) {
        if let Some(clock) = self.clocks.iter_mut().find(|clock| clock.name == ClockName::NextResponse) {
            clock.promised_at = match (clock.promised_at, due) {
                (Some(before), Some(due)) => Some(before.min(due)),
                (before, due) => before.or(due),
            };
        }
    }

    /// What the sender is told beside the reply, on the message itself. A visit is suggested to both sides: the team
    /// finds it as a mark of the conversation.
    fn suggestions(&mut self, thread: &mut Thread, by_rule: bool) {
        let bundle = &self.setting.policy.bundle;
        if by_rule || thread.patient_messages >= i32::from(bundle.visit_suggested_from) {
            self.record.tell_sender(SenderNotice::VisitSuggested);
            if thread.tags.iter().all(|tag| tag != VISIT_SUGGESTED) {
                thread.tags.push(VISIT_SUGGESTED.to_owned());
            }
        }
        if self.reading.length > bundle.length.notice {
            self.record.tell_sender(SenderNotice::MessageLong);
        }
    }
}

/// Whether a message begins a conversation: nobody but a header has said anything in it.
fn begins(view: Option<&ThreadView>) -> bool {
    view.is_none_or(|view| view.thread.patient_messages == 0 && view.thread.last_staff_at.is_none())
}

//! A cycle of a thread: what begins to be owed with a message, and what becomes of it with further ones.

use crate::clock::{Clock, ClockName, ClockState, Event, LedgerEntry};
use crate::id::{Key, ResourceType};
use crate::policy::Pool;
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};

use super::inbound::Inbound;
use super::late::{History, SettingRight};
use super::obligation::{self, Beginning, Occasion};
use super::routing::fact;

impl<'a> Inbound<'a, '_> {
    /// A cycle begins; answers the pool that is to answer. Where it cannot be said by when, that is the clinic's default.
    pub(super) fn begin(
        &mut self,
        thread: &mut Thread,
        view: Option<&ThreadView>,
        pool: &'a Pool,
        flagged: bool,
    ) -> &'a Pool {
        thread.cycle += 1;
        thread.owner = None;
        let (faults, notes) = (self.record.errors.len(), self.record.clocks.len());
        let mut begun = self.beginning(thread, view, pool, flagged);
        let mut answers = pool;
        if self.record.errors.len() > faults && !flagged {
            answers = self.unevaluated();
            if answers.reference != pool.reference {
                thread.is_for(answers);
                thread.assigned = None;
                self.record.clocks.truncate(notes);
                begun = self.beginning(thread, view, answers, flagged);
            }
        }
        let (clocks, ledger) = begun;
        self.clocks.extend(clocks);
        self.ledger.extend(ledger);
        thread.task = self.waiting().and_then(|clock| clock.task.clone());
        if let Some(task) = &thread.task {
            self.outbox.event(self.ids, "task-opened", thread, Key::new(ResourceType::Task, task.clone()));
        }
        answers
    }

    /// The clocks that begin where a pool is to answer.
    fn beginning(
        &mut self,
        thread: &Thread,
        view: Option<&ThreadView>,
        pool: &Pool,
        flagged: bool,
    ) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let policy = self.setting.policy;
        let attendance = self.attendance;
        let fact = |field| fact(policy, self.message, &self.reading, (thread, pool, attendance), field);
        let Some(turnaround) = obligation::governing(policy, &fact, &mut self.record) else {
            self.record.errors.push("no turnaround policy governs".to_owned());
            return (vec![], vec![]);
        };
        let reopens = view.is_some_and(|view| view.thread.state == ThreadState::Resolved);
        let beginning = Beginning {
            setting: self.setting,
            turnaround,
            thread,
            open: view.map(|view| view.clocks.as_slice()).unwrap_or_default(),
            pool,
            occasion: Occasion::Wrote { reopens },
            author: Some(&self.message.sender),
            red_flag: flagged,
            // What is owed is counted from receipt, also of a message that was held until now.
            at: self.message.occurred_at.unwrap_or(self.received_at),
        };
        let (mut clocks, ledger) = beginning.clocks(self.ids, &mut self.record);
        if self.message.occurred_at.is_some() {
            for clock in &mut clocks {
                clock.terms.known_from = Some(self.setting.now);
            }
        }
        (clocks, ledger)
    }

    /// A message that is delivered late: what is owed is set right as if everything had come in its order.
    pub(super) fn set_right(&mut self, thread: &mut Thread, history: &History, pool: &Pool) {
        let policy = self.setting.policy;
        let attendance = self.attendance;
        let fact = |field| fact(policy, self.message, &self.reading, (thread, pool, attendance), field);
        let Some(turnaround) = obligation::governing(policy, &fact, &mut self.record) else {
            self.record.errors.push("no turnaround policy governs".to_owned());
            return;
        };
        let late = Some((self.message, self.message.occurred_at.unwrap_or(self.received_at)));
        let right = SettingRight { setting: self.setting, history, turnaround, pool, late };
        let (clocks, ledger) = right.clocks(thread, self.ids, &mut self.record);
        self.clocks.extend(clocks);
        self.ledger.extend(ledger);
    }

    /// Further messages do not restart a clock; a more urgent one may tighten it, and one that was paused goes on.
    pub(super) fn go_on(&mut self, thread: &Thread, view: &ThreadView, rises: bool, flagged: bool) {
        for open in view.owed() {
            let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
            // Whoever answers now is warned: rerouting moves no due, but it moves the notices.
            clock.terms.pool = thread.pool.clone().unwrap_or(clock.terms.pool);
            let mut entries = Vec::new();
            // A red flag does not rest with the thread; otherwise it is the patient's answer that was waited for.
            let goes_on = flagged || view.thread.state == ThreadState::WaitingOnPatient;
            if goes_on && open.fold.state == ClockState::Paused {
                // A message that was held ended the waiting when it was received: since then nobody waits for the patient.
                let rests_since = open.fold.segments.last().map(|rest| rest.from);
                let at = self.received_at.max(rests_since.unwrap_or(self.setting.now)).min(self.setting.now);
                entries.push(clock.record(at, Event::Resume, self.setting.policy));
                self.record.note(&clock, "resume", self.setting.policy, self.setting.now);
            }
            // A red flag hurries whoever is to see and to answer it; a raised urgency has targets of its own for each.
            let hurried = flagged && obligation::hurries(clock.name);
            if rises || hurried {
                let record = &mut self.record;
                entries.extend(obligation::tighten(self.setting, &mut clock, thread.priority, hurried, record));
            }
            if clock.name == ClockName::NextResponse {
                entries.extend(obligation::since(self.setting, &mut clock, self.received_at, &mut self.record));
            }
            let pool = super::answering(self.setting.policy, thread);
            self.outbox.due_after_promise(self.ids, &mut self.record, (open, &clock), thread, pool);
            self.outbox.unbounded(self.ids, &mut self.record, (open, &clock), thread);
            // The clock that a patient waits for is kept even unchanged: its Task and promise may follow the thread.
            if !entries.is_empty() || clock.terms != open.terms || clock.name == ClockName::NextResponse {
                self.ledger.extend(entries);
                self.clocks.push(clock);
            }
        }
    }
}

impl Thread {
    /// The pool answers from now on.
    pub(super) fn is_for(&mut self, pool: &Pool) {
        self.pool = Some(pool.id.clone());
        self.pool_reference = Some(pool.reference.clone());
    }
}

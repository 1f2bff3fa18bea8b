//! Messages that are delivered later than they were written, in whatever order. What is owed follows from when people
//! wrote, so that any order of arrival ends alike: each unanswered message of the patient begins a run, and the first
//! human answer after it ends that run. What was recorded meanwhile stays: entries are only added.

use crate::clock::{Calendars, Clock, ClockName, ClockState, Event, Fold, LedgerEntry};
use crate::decision::Record;
use crate::id::{Ids, Reference};
use crate::message::Message;
use crate::policy::Pool;
use crate::policy::turnaround::Turnaround;
use crate::thread::{Thread, ThreadState};
use crate::time::Instant;

use super::Setting;
use super::obligation::{Beginning, Occasion};

/// What a human has written in a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// When it was written.
    pub at: Instant,
    /// By whom. Of one instant the patient's counts first, so that an answer in the same second answers it.
    pub by: Voice,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Voice {
    /// The patient's side, with something to answer.
    Patient,
    /// A human of the team, to the patient.
    Team,
}

impl Voice {
    /// Who speaks in a message; `None` for notes, machines and a thread's header.
    pub fn of(message: &Message) -> Option<Self> {
        if message.is_human_reply() {
            Some(Self::Team)
        } else {
            (message.from_patient() && message.has_payload).then_some(Self::Patient)
        }
    }
}

/// A clock with its ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledgered {
    /// The clock.
    pub clock: Clock,
    /// All its entries.
    pub entries: Vec<LedgerEntry>,
}

/// What a thread has seen so far: more than a decision about a message in its order needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// What humans have written, in any order.
    pub said: Vec<Said>,
    /// The clocks of all runs.
    pub clocks: Vec<Ledgered>,
}

/// A run as it follows from who wrote when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// When the first unanswered message of it was written.
    pub from: Instant,
    /// When it ended, and whether an answer ended it.
    pub until: Option<(Instant, bool)>,
}

impl History {
    /// With one more message, where a human has written it to somebody who waits for it.
    #[must_use]
    pub fn with(mut self, message: &Message, at: Instant) -> Self {
        self.said.extend(Voice::of(message).map(|by| Said { at, by }));
        self
    }

    /// The runs that follow from what was written. Where a person has let an obligation fall away, that ends its run.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut marks: Vec<(Instant, Option<Voice>)> = self.said.iter().map(|said| (said.at, Some(said.by))).collect();
        let fell = |clock: &Clock| matches!(clock.fold.state, ClockState::Cancelled | ClockState::Waived);
        let ends = self.clocks.iter().map(|ledgered| &ledgered.clock);
        let ends = ends.filter(|clock| clock.name == ClockName::NextResponse && fell(clock));
        marks.extend(ends.filter_map(|clock| clock.fold.stopped_at).map(|at| (at, None)));
        // The patient first, then the team, then what fell away.
        marks.sort_by_key(|(at, voice)| (*at, voice.is_none(), *voice));
        let (mut runs, mut open) = (Vec::new(), None);
        for (at, voice) in marks {
            match (voice, open) {
                (Some(Voice::Patient), None) => open = Some(at),
                (Some(Voice::Patient), Some(_)) | (_, None) => {}
                (voice, Some(from)) => {
                    runs.push(Run { from, until: Some((at, voice.is_some())) });
                    open = None;
                }
            }
        }
        runs.extend(open.map(|from| Run { from, until: None }));
        runs
    }
}

impl Run {
    fn holds(&self, at: Instant) -> bool {
        self.from <= at && self.until.is_none_or(|(until, _)| at <= until)
    }
}

/// What a late message is set right with.
pub struct SettingRight<'a> {
    /// What the decision is taken under.
    pub setting: Setting<'a>,
    /// What the thread has seen, the message included.
    pub history: &'a History,
    /// The policy for runs that begin.
    pub turnaround: &'a Turnaround,
    /// The pool that answers.
    pub pool: &'a Pool,
    /// Who has written the message, where it is for the team to answer.
    pub author: Option<&'a Reference>,
}

impl SettingRight<'_> {
    /// The clocks that are not as they would be had everything come in its order, with what their ledgers lack.
    pub fn clocks(&self, thread: &mut Thread, ids: &mut Ids, record: &mut Record) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        let mut known: Vec<&Ledgered> = self.history.clocks.iter().collect();
        known.sort_by_key(|ledgered| ledgered.clock.fold.started_at);
        let mut owed = None;
        for run in self.history.runs() {
            let matching = known.iter().position(|ledgered| {
                let clock = &ledgered.clock;
                clock.name == ClockName::NextResponse && clock.fold.started_at.is_some_and(|at| run.holds(at))
            });
            let (changed, entries) = match matching.map(|place| known.remove(place)) {
                Some(waiting) => self.set_right(run, waiting, record),
                None => self.begun(run, thread, ids, record),
            };
            let waiting = |clock: &&Clock| clock.name == ClockName::NextResponse;
            if run.until.is_none() {
                let stored = self.history.clocks.iter().map(|ledgered| &ledgered.clock);
                let stored = stored.filter(waiting).find(|clock| clock.fold.started_at.is_some_and(|at| run.holds(at)));
                owed = changed.iter().find(waiting).or(stored).and_then(|clock| clock.task.clone());
            }
            clocks.extend(changed);
            ledger.extend(entries);
        }
        thread.state = match (&owed, thread.state) {
            (Some(_), ThreadState::Answered | ThreadState::Resolved) => ThreadState::AwaitingTeam,
            (None, ThreadState::AwaitingTeam) => ThreadState::Answered,
            (_, state) => state,
        };
        thread.task = owed;
        (clocks, ledger)
    }

    /// A run that nobody knew of, with its clocks from their true beginning to their true end.
    pub(super) fn begun(
        &self,
        run: Run,
        thread: &mut Thread,
        ids: &mut Ids,
        record: &mut Record,
    ) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let Setting { policy, now } = self.setting;
        thread.cycle += 1;
        let lasting =
            |clock: &&Clock| matches!(clock.name, ClockName::Resolve | ClockName::Team) && !clock.fold.state.is_over();
        let open: Vec<Clock> =
            self.history.clocks.iter().map(|ledgered| &ledgered.clock).filter(lasting).cloned().collect();
        let beginning = Beginning {
            setting: self.setting,
            turnaround: self.turnaround,
            thread,
            open: &open,
            pool: self.pool,
            occasion: Occasion::Wrote { reopens: false },
            author: self.author,
            red_flag: false,
            at: run.from,
        };
        let (mut clocks, mut ledger) = beginning.clocks(ids, record);
        for clock in &mut clocks {
            clock.terms.known_from = Some(now);
            if let Some((until, true)) = run.until.filter(|_| clock.name != ClockName::Resolve) {
                ledger.push(clock.record(until, Event::Fulfill, policy));
                record.note(clock, "fulfill", policy, now);
            }
        }
        (clocks, ledger)
    }

    /// A run that is known, with an earlier beginning or end when it turns out to have one. What else ran for it follows.
    fn set_right(&self, run: Run, waiting: &Ledgered, record: &mut Record) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let Setting { policy, now } = self.setting;
        let of_the_run = |ledgered: &&Ledgered| {
            let (clock, cycle) = (&ledgered.clock, waiting.clock.cycle);
            clock.cycle == cycle && matches!(clock.name, ClockName::NextResponse | ClockName::FirstOpened)
        };
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        for ledgered in self.history.clocks.iter().filter(of_the_run) {
            let Ledgered { clock, entries } = ledgered;
            let mut added = Vec::new();
            let starts = clock.fold.started_at.is_some_and(|started| run.from < started);
            added.extend(activation(entries).filter(|_| starts).map(|event| (run.from, event)));
            if let Some((until, true)) = run.until
                && clock.fold.stopped_at.is_none_or(|stopped| until < stopped)
            {
                added.push((until, Event::Fulfill));
            }
            if added.is_empty() {
                continue;
            }
            let mut clock = Clock { revision: clock.revision + 1, ..clock.clone() };
            ledger.extend(clock.insert(entries, added, policy));
            record.note(&clock, "set-right", policy, now);
            clocks.push(clock);
        }
        (clocks, ledger)
    }
}

/// How a ledger begins.
fn activation(entries: &[LedgerEntry]) -> Option<Event> {
    let mut begins = entries.iter().filter(|entry| matches!(entry.event, Event::Activate { .. }));
    begins.next().map(|entry| entry.event.clone())
}

impl Clock {
    /// Adds events at their true instants, among those that the ledger has, and folds it from the beginning.
    fn insert(
        &mut self,
        entries: &[LedgerEntry],
        added: Vec<(Instant, Event)>,
        calendars: &dyn Calendars,
    ) -> Vec<LedgerEntry> {
        let mut whole = entries.to_vec();
        for (at, event) in added {
            self.entries += 1;
            whole.push(LedgerEntry { clock: self.id.clone(), sequence: self.entries, at, event });
        }
        self.fold = Fold::of(&whole, calendars);
        self.next = self.next_threshold(calendars);
        if let (Some(promised), Some(due)) = (self.promised_at, self.fold.due_at) {
            self.promised_at = Some(promised.min(due));
        }
        whole.split_off(entries.len())
    }
}

//! Messages that are delivered later than they were written, in whatever order. What is owed follows from when people
//! wrote, so that any order of arrival ends alike: each unanswered message of the patient begins a run, and the first
//! human answer after it ends that run. What was recorded meanwhile stays: entries are only added.

use crate::clock::{Calendars, Clock, ClockName, ClockState, Event, Fold, LedgerEntry};
use crate::decision::Record;
use crate::id::{Ids, Reference};
use crate::message::Message;
use crate::policy::Pool;
use crate::policy::turnaround::{PauseReason, Turnaround};
use crate::thread::{Thread, ThreadState};
use crate::time::Instant;

use super::Setting;
use super::merge::MERGED_INTO;
use super::obligation::{self, Beginning, Occasion};

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
    /// The patient's side, in a message without a text of its own: it asks for nothing, unless it names danger, and then
    /// a clock began with it.
    Header,
    /// A human of the team, to the patient.
    Team,
}

impl Voice {
    /// Who speaks in a message; `None` for notes and machines.
    pub fn of(message: &Message) -> Option<Self> {
        if message.is_human_reply() {
            Some(Self::Team)
        } else {
            let by = if message.has_payload { Self::Patient } else { Self::Header };
            message.from_patient().then_some(by)
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
    /// The threads that were merged into it.
    pub merged: Vec<Merged>,
}

/// A thread that was merged into another.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// When that was.
    pub at: Instant,
    /// What it had seen.
    pub seen: History,
}

/// What happens in a thread, in the order in which it counts where it happens at one instant: whoever waits first, then
/// the answer, then what fell away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    /// The patient has written.
    Asked,
    /// Another thread was merged into it, in which the patient had waited since then.
    Brought(Instant),
    /// The team has answered.
    Answered,
    /// A person has let what was owed fall away.
    Fell,
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
    /// What nobody had answered in a thread when it was merged into this one waits here from then on: an answer that was
    /// given here before is none to it.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut marks: Vec<(Instant, Mark)> = self.said.iter().filter_map(|said| self.mark(*said)).collect();
        let fell = self.next_responses().filter(|ledgered| !goes_on(ledgered)).map(|known| &known.clock);
        let fell = fell.filter(|clock| matches!(clock.fold.state, ClockState::Cancelled | ClockState::Waived));
        marks.extend(fell.filter_map(|clock| clock.fold.stopped_at).map(|at| (at, Mark::Fell)));
        marks.extend(self.merged.iter().filter_map(Merged::brings));
        marks.sort_unstable();
        let (mut runs, mut open) = (Vec::new(), None);
        for (at, mark) in marks {
            match (mark, open) {
                (Mark::Asked, None) => open = Some(at),
                (Mark::Brought(from), None) => open = Some(from),
                (Mark::Asked | Mark::Brought(_), Some(_)) | (_, None) => {}
                (Mark::Answered | Mark::Fell, Some(from)) => {
                    runs.push(Run { from, until: Some((at, mark == Mark::Answered)) });
                    open = None;
                }
            }
        }
        runs.extend(open.map(|from| Run { from, until: None }));
        runs
    }

    /// Whether the patient's side has written something at an instant, here or in what was merged into this, that a
    /// clock may have begun with.
    pub(super) fn asked(&self, at: Instant) -> bool {
        let asks = |said: &Said| said.at == at && matches!(said.by, Voice::Patient | Voice::Header);
        self.said.iter().any(asks) || self.merged.iter().any(|merged| merged.seen.asked(at))
    }

    /// The clock that an answer of that instant has met, here or in what was merged into this.
    pub(super) fn met(&self, at: Instant) -> Option<&Ledgered> {
        let met = |ledgered: &&Ledgered| {
            let fold = &ledgered.clock.fold;
            matches!(fold.state, ClockState::Met | ClockState::MetLate) && fold.stopped_at == Some(at)
        };
        self.next_responses().find(met).or_else(|| self.merged.iter().find_map(|merged| merged.seen.met(at)))
    }

    fn next_responses(&self) -> impl Iterator<Item = &Ledgered> {
        self.clocks.iter().filter(|ledgered| ledgered.clock.name == ClockName::NextResponse)
    }

    fn mark(&self, Said { at, by }: Said) -> Option<(Instant, Mark)> {
        let began = || self.next_responses().any(|known| known.clock.fold.started_at == Some(at));
        match by {
            Voice::Team => Some((at, Mark::Answered)),
            Voice::Header if !began() => None,
            Voice::Patient | Voice::Header => Some((at, Mark::Asked)),
        }
    }
}

impl Merged {
    /// What nobody had answered in it, which waits in the other one from then on.
    fn brings(&self) -> Option<(Instant, Mark)> {
        let run = self.seen.runs().pop().filter(|run| run.until.is_none())?;
        Some((self.at, Mark::Brought(run.from)))
    }
}

/// Whether what a clock measured goes on in another thread.
fn goes_on(ledgered: &Ledgered) -> bool {
    let merged = |event: &Event| matches!(event, Event::Cancel { reason } if reason.starts_with(MERGED_INTO));
    ledgered.entries.iter().any(|entry| merged(&entry.event))
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
    /// The message, and when it was written; none where one is taken back.
    pub late: Option<(&'a Message, Instant)>,
}

impl SettingRight<'_> {
    /// The clocks that are not as they would be had everything come in its order, with what their ledgers lack.
    pub fn clocks(&self, thread: &mut Thread, ids: &mut Ids, record: &mut Record) -> (Vec<Clock>, Vec<LedgerEntry>) {
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        let mut known: Vec<&Ledgered> = self.history.next_responses().collect();
        known.sort_by_key(|ledgered| ledgered.clock.fold.started_at);
        let mut owed: Option<Clock> = None;
        for run in self.history.runs() {
            let begun_in = |ledgered: &&Ledgered| {
                let clock = &ledgered.clock;
                // What is over answers for nothing that still waits: the answer that met it was taken back.
                let fits = run.until.is_some() || !clock.fold.state.is_over();
                fits && !self.outlives(run, clock) && clock.fold.started_at.is_some_and(|at| run.holds(at))
            };
            let outlived = || known.iter().any(|ledgered| self.outlives(run, &ledgered.clock));
            let (changed, entries) = match known.iter().position(begun_in) {
                Some(place) => {
                    let waiting = known.remove(place);
                    owed = owed.or_else(|| Some(waiting.clock.clone()).filter(|_| run.until.is_none()));
                    self.set_right(run, waiting, record)
                }
                // Danger waits on, whatever was answered: its clock is that of this run.
                None if outlived() => (vec![], vec![]),
                None => self.begun(run, thread, ids, record),
            };
            let waiting = |clock: &&Clock| clock.name == ClockName::NextResponse;
            owed = changed.iter().find(waiting).filter(|_| run.until.is_none()).cloned().or(owed);
            clocks.extend(changed);
            ledger.extend(entries);
        }
        // What is owed for a message that is not known to wait stays owed, until it is answered.
        for waiting in known.into_iter().filter(|ledgered| !ledgered.clock.fold.state.is_over()) {
            match self.answered(&waiting.clock) {
                Some(at) => {
                    let run = Run { from: waiting.clock.fold.started_at.unwrap_or(at), until: Some((at, true)) };
                    let (changed, entries) = self.set_right(run, waiting, record);
                    clocks.extend(changed);
                    ledger.extend(entries);
                }
                None => owed = owed.or_else(|| Some(waiting.clock.clone())),
            }
        }
        let resumed = |entry: &LedgerEntry| entry.event == Event::Resume;
        for ledgered in &self.history.clocks {
            let added =
                if clocks.iter().any(|clock| clock.id == ledgered.clock.id) { vec![] } else { self.brings(ledgered) };
            if !added.is_empty() {
                let (clock, entries) = self.inserted(ledgered, added, record);
                clocks.push(clock);
                ledger.extend(entries);
            }
        }
        let owed = owed.map(|known| clocks.iter().find(|clock| clock.id == known.id).cloned().unwrap_or(known));
        // The patient's message ends the waiting: what it brings back, or what begins with it, waits for the team.
        let begins = owed.as_ref().is_some_and(|clock| clock.revision == 1);
        let ends_waiting = self.author().is_some() && (begins || ledger.iter().any(resumed));
        thread.state = match (&owed, thread.state) {
            (Some(_), ThreadState::WaitingOnPatient | ThreadState::WaitingOnThirdParty) if ends_waiting => {
                ThreadState::AwaitingTeam
            }
            (Some(_), ThreadState::Answered | ThreadState::Resolved) => ThreadState::AwaitingTeam,
            (None, ThreadState::AwaitingTeam) => ThreadState::Answered,
            (_, state) => state,
        };
        thread.task = owed.and_then(|clock| clock.task);
        (clocks, ledger)
    }

    /// Whether a clock of danger goes on although its run was answered: it came to be known only after that.
    fn outlives(&self, run: Run, clock: &Clock) -> bool {
        let dangerous = clock.fold.target.as_ref() == Some(&obligation::red_flag_target(self.setting.policy));
        let answered = run.until.filter(|(_, answered)| *answered).map(|(until, _)| until);
        let unseen = answered.zip(clock.terms.known_from).is_some_and(|(until, known)| until < known);
        let holds = clock.fold.started_at.is_some_and(|at| run.holds(at));
        holds && dangerous && unseen && !clock.fold.state.is_over()
    }

    /// When the message at hand answers what a clock measures, where it does: danger only once it was known of.
    fn answered(&self, clock: &Clock) -> Option<Instant> {
        let (_, at) = self.late.filter(|(message, _)| message.is_human_reply())?;
        let dangerous = clock.fold.target.as_ref() == Some(&obligation::red_flag_target(self.setting.policy));
        let known = clock.terms.known_from.filter(|_| dangerous);
        let from = known.max(clock.fold.started_at)?;
        (from <= at).then_some(at)
    }

    /// What the message at hand brings to a clock beside a beginning and an end: the patient's ends the waiting for them.
    fn brings(&self, Ledgered { clock, entries }: &Ledgered) -> Vec<(Instant, Event)> {
        let Some((message, at)) = self.late.filter(|_| !clock.fold.state.is_over()) else { return vec![] };
        let for_the_patient = |event: &Event| match event {
            Event::Pause { reason, .. } => *reason == PauseReason::WaitingOnPatient.as_str(),
            _ => false,
        };
        let before: Vec<LedgerEntry> = entries.iter().filter(|entry| entry.at <= at).cloned().collect();
        let pauses = before.iter().filter(|entry| matches!(entry.event, Event::Pause { .. }));
        let last = pauses.max_by_key(|entry| (entry.at, entry.sequence));
        let fold = Fold::of(&before, self.setting.policy);
        let rests = fold.state == ClockState::Paused && fold.paused_until.is_none_or(|until| at < until);
        let answers = message.from_patient() && message.has_payload;
        if answers && rests && last.is_some_and(|entry| for_the_patient(&entry.event)) {
            return vec![(at, Event::Resume)];
        }
        vec![]
    }

    fn inserted(
        &self,
        Ledgered { clock, entries }: &Ledgered,
        added: Vec<(Instant, Event)>,
        record: &mut Record,
    ) -> (Clock, Vec<LedgerEntry>) {
        let Setting { policy, now } = self.setting;
        let mut clock = Clock { revision: clock.revision + 1, ..clock.clone() };
        let entries = clock.insert(entries, added, policy);
        record.note(&clock, "set-right", policy, now);
        (clock, entries)
    }

    /// Who has written what is to be answered, where the message at hand is that.
    fn author(&self) -> Option<&Reference> {
        self.late.map(|(message, _)| message).filter(|message| message.from_patient()).map(|message| &message.sender)
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
            author: self.author(),
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
            added.extend(self.brings(ledgered));
            if added.is_empty() {
                continue;
            }
            let (clock, entries) = self.inserted(ledgered, added, record);
            ledger.extend(entries);
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

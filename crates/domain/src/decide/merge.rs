//! Two threads about one patient go on as one. Whoever waited longest is answered first, and no promise moves later.

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockName, ClockState, Event, LedgerEntry};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};

use super::notice::Outbox;
use super::overrule::{Actor, allowed};
use super::{Refusal, Setting, mirrors, named};

/// How the reason begins for which clocks end that go on in another thread.
pub(super) const MERGED_INTO: &str = "merged-into";

/// Why threads are merged: a closed list, so that it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MergeReason {
    /// The same was asked twice.
    Duplicate,
    /// One matter was split over two conversations.
    SameMatter,
    /// One message was sent in parts.
    SplitMessage,
}

impl MergeReason {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::SameMatter => "same-matter",
            Self::SplitMessage => "split-message",
        }
    }
}

/// Decides about a merge of `from` into `into` by someone who answers in both: what is owed in `from` falls away there,
/// and the earlier of the two is owed in `into`. Both stay readable. `ledgers` are those of the clocks of `from` that are
/// not over. The decisions are about `into` and about `from`, to be saved together.
pub fn merge(
    setting: Setting<'_>,
    into: &ThreadView,
    (from, ledgers): (&ThreadView, &[LedgerEntry]),
    reason: MergeReason,
    actor: Actor<'_>,
    ids: &mut Ids,
) -> Result<(Decision, Decision), Refusal> {
    allowed(setting.policy, into, actor)?;
    allowed(setting.policy, from, actor)?;
    if into.thread.id == from.thread.id {
        return Err(Refusal::SameThread);
    }
    if into.thread.merged_into.is_some() || from.thread.merged_into.is_some() {
        return Err(Refusal::Merged);
    }
    if into.thread.patient.is_none() || into.thread.patient != from.thread.patient {
        return Err(Refusal::OtherPatient);
    }
    let merging = Merging { setting, into, from, ledgers, reason, actor };
    Ok((merging.goes_on(ids), merging.ends(ids)))
}

struct Merging<'a> {
    setting: Setting<'a>,
    into: &'a ThreadView,
    from: &'a ThreadView,
    ledgers: &'a [LedgerEntry],
    reason: MergeReason,
    actor: Actor<'a>,
}

impl Merging<'_> {
    fn record(&self, ids: &mut Ids, thread: &Thread, link: &Thread) -> Record {
        let (id, seed) = named(ids);
        let focus = Key::new(ResourceType::Communication, thread.id.clone());
        let mut record = Record::new(id, self.setting.policy, focus, seed, self.setting.now, Outcome::Merged);
        record.pool.clone_from(&thread.pool);
        record.priority = Some(thread.priority);
        record.did("merge", self.reason.as_str(), self.actor.person.map(ToString::to_string), None);
        record.path.push(format!("merged with: Communication/{}", link.id));
        record
    }

    /// What ends: every clock falls away, and the thread names the one that goes on.
    fn ends(&self, ids: &mut Ids) -> Decision {
        let Setting { policy, now } = self.setting;
        let mut record = self.record(ids, &self.from.thread, &self.into.thread);
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        for open in self.from.owed() {
            let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
            let reason = format!("{MERGED_INTO} Communication/{}", self.into.thread.id);
            ledger.push(clock.record(now, Event::Cancel { reason }, policy));
            record.note(&clock, "cancel", policy, now);
            clocks.push(clock);
        }
        let thread = Thread {
            state: ThreadState::Resolved,
            task: None,
            merged_into: Some(self.into.thread.id.clone()),
            needs_review: false,
            revision: self.from.thread.revision + 1,
            ..self.from.thread.clone()
        };
        self.decision(ids, record, thread, clocks, ledger)
    }

    /// What goes on: for each obligation that is owed in either, the earlier one.
    fn goes_on(&self, ids: &mut Ids) -> Decision {
        let mut record = self.record(ids, &self.into.thread, &self.from.thread);
        let (one, other) = (&self.into.thread, &self.from.thread);
        let mut thread = Thread {
            priority: one.priority.max(other.priority),
            last_activity_at: one.last_activity_at.max(other.last_activity_at),
            last_staff_at: one.last_staff_at.max(other.last_staff_at),
            patient_messages: one.patient_messages + other.patient_messages,
            needs_review: one.needs_review || other.needs_review,
            zone: one.zone.clone().or_else(|| other.zone.clone()),
            revision: one.revision + 1,
            ..one.clone()
        };
        let owes = |view: &ThreadView| super::open_clock(view, ClockName::NextResponse).is_some();
        if !owes(self.into) && owes(self.from) {
            thread.cycle += 1;
            thread.owner = None;
            thread.state = other.state;
        }
        let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
        for name in [ClockName::FirstOpened, ClockName::NextResponse, ClockName::Resolve] {
            let Some(brought) = super::open_clock(self.from, name) else { continue };
            let (clock, entries) = match super::open_clock(self.into, name) {
                Some(kept) => earlier(self.setting, kept, brought, "merged"),
                None => self.taken_over(&thread, brought, ids),
            };
            record.note(&clock, "merge", self.setting.policy, self.setting.now);
            if name == ClockName::NextResponse {
                thread.task.clone_from(&clock.task);
                if clock.fold.state == ClockState::Running {
                    thread.state = ThreadState::AwaitingTeam;
                }
            }
            clocks.push(clock);
            ledger.extend(entries);
        }
        self.decision(ids, record, thread, clocks, ledger)
    }

    /// The obligation of the other thread as one of this, with all that happened to it there.
    fn taken_over(&self, thread: &Thread, brought: &Clock, ids: &mut Ids) -> (Clock, Vec<LedgerEntry>) {
        let mut clock = Clock {
            id: ids.next_id(),
            thread: thread.id.clone(),
            cycle: thread.cycle,
            task: brought.task.as_ref().map(|_| ids.next_id()),
            revision: 1,
            ..brought.clone()
        };
        if let Some(pool) = &thread.pool {
            pool.clone_into(&mut clock.terms.pool);
        }
        let theirs = self.ledgers.iter().filter(|entry| entry.clock == brought.id);
        let entries = theirs.map(|entry| LedgerEntry { clock: clock.id.clone(), ..entry.clone() }).collect();
        (clock, entries)
    }

    fn decision(
        &self,
        ids: &mut Ids,
        record: Record,
        thread: Thread,
        clocks: Vec<Clock>,
        ledger: Vec<LedgerEntry>,
    ) -> Decision {
        let mut outbox = Outbox::new(self.setting);
        outbox.event(ids, "thread-merged", &thread, record.focus.clone());
        let tasks = mirrors(&thread, &clocks, self.setting.now);
        Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) }
    }
}

/// The clock that stays, due no later than the one that falls away. Where that one was due earlier, what remained of
/// it remains here, counted as it was counted there.
pub(super) fn earlier(setting: Setting<'_>, kept: &Clock, brought: &Clock, why: &str) -> (Clock, Vec<LedgerEntry>) {
    let Setting { policy, now } = setting;
    let mut clock = Clock { revision: kept.revision + 1, ..kept.clone() };
    let mut entries = Vec::new();
    if brought.fold.state == ClockState::Running && kept.fold.state == ClockState::Paused {
        entries.push(clock.record(now, Event::Resume, policy));
    }
    // What rests there waits for somebody; what runs here is due before that.
    let rests = brought.fold.state == ClockState::Paused && clock.fold.state == ClockState::Running;
    let due = brought.fold.due_going_on(now, policy).filter(|_| !rests);
    let own = clock.fold.due_going_on(now, policy);
    let sooner = due.filter(|due| own.is_none_or(|own| *due < own));
    if let Some((due, target)) = sooner.zip(brought.fold.target.clone()) {
        if clock.fold.calendar != brought.fold.calendar {
            let (calendar, reason) = (brought.fold.calendar.clone(), why.to_owned());
            entries.push(clock.record(now, Event::Recalendar { calendar, reason }, policy));
            clock.terms.counted_by.clone_from(&brought.terms.counted_by);
        }
        let retarget = Event::Retarget { target, due: Some(due), reason: why.to_owned() };
        entries.push(clock.record(now, retarget, policy));
        warned_as(&mut clock, brought);
    }
    clock.promised_at = earliest(clock.promised_at, brought.promised_at);
    clock.next = clock.next_threshold(policy);
    (clock, entries)
}

/// Who is owed an answer as it was owed in another thread is warned of it as there: danger at once, whatever the hour.
/// What had fired there has fired; what is ahead fires once, under another name where this clock has used its own.
fn warned_as(clock: &mut Clock, brought: &Clock) {
    let used = std::mem::take(&mut clock.fired);
    let is_taken = |id: &str| used.iter().chain(&brought.fired).any(|fired| fired == id);
    clock.terms.thresholds.clone_from(&brought.terms.thresholds);
    for threshold in &mut clock.terms.thresholds {
        if !brought.fired.contains(&threshold.id) {
            while is_taken(&threshold.id) {
                threshold.id.push_str("-merged");
            }
        }
    }
    clock.fired = used;
    for fired in &brought.fired {
        if !clock.fired.contains(fired) {
            clock.fired.push(fired.clone());
        }
    }
}

fn earliest<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

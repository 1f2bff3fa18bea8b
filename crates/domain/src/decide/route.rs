//! A thread is handed to another pool. What the patient was promised does not change hands.

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, ClockName, Event, LedgerEntry};
use crate::decision::{Decision, Outcome, Record};
use crate::id::{Ids, Key, ResourceType};
use crate::policy::Pool;
use crate::policy::rule::Recipient;
use crate::policy::turnaround::Deliver;
use crate::store::ThreadView;
use crate::thread::Thread;

use super::notice::{Notice, Outbox};
use super::obligation::{self, Beginning, Occasion};
use super::overrule::{Actor, allowed};
use super::{Refusal, Setting, answering, mirrors, named, open_clock};

/// Why a thread is handed over: a closed list, so that it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteReason {
    /// It was written to the wrong pool.
    WrongPool,
    /// It needs somebody who knows more of the matter.
    NeedsExpertise,
    /// The pool has too much to do.
    Workload,
    /// The other pool stands in.
    Cover,
    /// The patient has asked for it.
    PatientAsked,
}

impl RouteReason {
    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongPool => "wrong-pool",
            Self::NeedsExpertise => "needs-expertise",
            Self::Workload => "workload",
            Self::Cover => "cover",
            Self::PatientAsked => "patient-asked",
        }
    }
}

/// Decides about a hand-over by someone of the pool that answers. The clocks that the patient waits for run on as they
/// did, and the new pool is warned; the clock of the team that had it ends, and one of the new team begins.
pub fn route(
    setting: Setting<'_>,
    view: &ThreadView,
    to: &Pool,
    reason: RouteReason,
    actor: Actor<'_>,
    ids: &mut Ids,
) -> Result<Decision, Refusal> {
    let Setting { policy, now } = setting;
    allowed(policy, view, actor)?;
    if view.thread.merged_into.is_some() {
        return Err(Refusal::Merged);
    }
    if view.thread.pool_reference.as_ref() == Some(&to.reference) {
        return Err(Refusal::SamePool);
    }
    let (mut record, focus) = handing_over(setting, view, to, ids);
    record.path.push(format!("handed over: {}", to.id));
    record.did("hand-over", reason.as_str(), actor.person.map(ToString::to_string), None);
    // Whoever hands it over has looked.
    let looked = Thread { needs_review: false, handed_cycle: view.thread.cycle, ..view.thread.clone() };
    let mut outbox = Outbox::new(setting);
    let handed = handed_over(setting, (view, looked), to, ids, (&mut record, &mut outbox));
    let HandedOver { thread, clocks, ledger } = handed;
    outbox.event(ids, "thread-handed-over", &thread, focus);
    let tasks = mirrors(&thread, &clocks, now);
    Ok(Decision { clocks, ledger, tasks, outbox: outbox.into_rows(), ..Decision::of(thread, record) })
}

/// The record of a thread's way to another pool, and what it is about: the Task of what is owed, else the thread.
pub(super) fn handing_over(setting: Setting<'_>, view: &ThreadView, to: &Pool, ids: &mut Ids) -> (Record, Key) {
    let Setting { policy, now } = setting;
    let (id, seed) = named(ids);
    let task = open_clock(view, ClockName::NextResponse).and_then(|clock| clock.task.clone());
    let focus = task.map_or_else(
        || Key::new(ResourceType::Communication, view.thread.id.clone()),
        |task| Key::new(ResourceType::Task, task),
    );
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::HandedOver);
    record.pool = Some(to.id.clone());
    record.priority = Some(view.thread.priority);
    (record, focus)
}

/// A thread that another pool answers from now on.
pub(super) struct HandedOver {
    /// Its new state.
    pub thread: Thread,
    /// New states of its clocks.
    pub clocks: Vec<Clock>,
    /// Entries for their ledgers.
    pub ledger: Vec<LedgerEntry>,
}

/// Lets another pool answer, which is told: the clocks that the patient waits for run on as they did.
pub(super) fn handed_over(
    setting: Setting<'_>,
    (view, thread): (&ThreadView, Thread),
    to: &Pool,
    ids: &mut Ids,
    (record, outbox): (&mut Record, &mut Outbox<'_>),
) -> HandedOver {
    let thread = Thread {
        pool: Some(to.id.clone()),
        pool_reference: Some(to.reference.clone()),
        owner: None,
        // Who was asked to answer for the other pool does not answer for this one.
        assigned: None,
        revision: view.thread.revision + 1,
        ..thread
    };
    let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
    for open in view.owed().filter(|clock| clock.name != ClockName::Team) {
        let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
        to.id.clone_into(&mut clock.terms.pool);
        clocks.push(clock);
    }
    let begun = team_begins(setting, view, &thread, Occasion::HandedToPool, ids, record);
    clocks.extend(begun.0);
    ledger.extend(begun.1);
    if !clocks.is_empty() {
        let told = Notice { topic: "handed-over", to: Recipient::Pool, deliver: Deliver::WhenOpen };
        outbox.team(ids, record, &told, &thread, to);
    }
    HandedOver { thread, clocks, ledger }
}

/// The clocks of a team that ends and of one that begins: a hand-over ends the one before in any case, an assignment
/// when it begins the next. Without an answer that is owed there is nothing for a team to be measured by.
pub fn team_begins(
    setting: Setting<'_>,
    view: &ThreadView,
    thread: &Thread,
    occasion: Occasion,
    ids: &mut Ids,
    record: &mut Record,
) -> (Vec<Clock>, Vec<LedgerEntry>) {
    let Setting { policy, now } = setting;
    let begun =
        obligation::underlying(policy, &view.clocks).filter(|_| open_clock(view, ClockName::NextResponse).is_some());
    let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
    let before = open_clock(view, ClockName::Team);
    // What ends makes room for what begins, and tells the next run's number.
    let mut ended = before.cloned();
    if let Some(clock) = &mut ended {
        clock.revision += 1;
        ledger.push(clock.record(now, Event::Cancel { reason: "handed-over".to_owned() }, policy));
    }
    let open: Vec<Clock> = ended.iter().cloned().collect();
    if let Some(turnaround) = begun {
        let pool = answering(policy, thread);
        let at = now;
        let author = open_clock(view, ClockName::NextResponse).and_then(|clock| clock.terms.author.as_ref());
        let open = open.as_slice();
        let beginning = Beginning { setting, turnaround, thread, open, pool, occasion, author, red_flag: false, at };
        let (new, entries) = beginning.clocks(ids, record);
        clocks.extend(new);
        ledger.extend(entries);
    }
    match ended {
        Some(ended) if occasion == Occasion::HandedToPool || !clocks.is_empty() => {
            record.note(&ended, "cancel", policy, now);
            clocks.insert(0, ended);
            (clocks, ledger)
        }
        // Nothing ended after all.
        Some(_) => (Vec::new(), Vec::new()),
        None => (clocks, ledger),
    }
}

//! A message that was not meant, or not so: what it alone began falls away, and what it alone ended is owed again.

use crate::change::{Dispatched, OutboxRow};
use crate::clock::{Clock, ClockName, ClockState, Event, Fold, LedgerEntry};
use crate::decision::{Decision, Outcome, Record};
use crate::hold::{Hold, HoldEnd, HoldState};
use crate::id::{Ids, Key, Reference, ResourceType};
use crate::message::{Message, Side};
use crate::policy::rule::Recipient;
use crate::policy::turnaround::Deliver;
use crate::store::ThreadView;
use crate::thread::{Thread, ThreadState};
use crate::time::Instant;

use super::late::{History, Ledgered, Run, SettingRight};
use super::merge::earlier;
use super::notice::{Notice, Outbox};
use super::unread::unread_answer;
use super::{Refusal, Setting, answering, mirrors, named, obligation, open_clock};

/// Why clocks and holds end.
const REASON: &str = "entered-in-error";

/// A message that is retracted, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Retracted<'a> {
    /// The message.
    pub message: &'a Message,
    /// The hold in which it waits, or has waited.
    pub hold: Option<&'a Hold>,
    /// When it was received.
    pub received_at: Instant,
    /// The person, if any.
    pub agent: Option<&'a Reference>,
    /// The client they use.
    pub client: &'a str,
    /// Notices of its thread that have not left yet.
    pub waiting: &'a [OutboxRow],
}

/// Whether somebody may retract a message: its author, a lead of the pool that answers or is to review it, and machines
/// of the tenant, which act for either. Whoever merely sees it may not: what was said is not theirs to take back.
///
/// # Errors
/// None of these.
pub fn may_retract(
    author: Option<&Reference>,
    pool: Option<&Reference>,
    agent: Option<&Reference>,
    led: &[Reference],
    machine: bool,
) -> Result<(), Refusal> {
    let wrote = agent.is_some() && agent == author;
    let leads = pool.is_some_and(|pool| led.contains(pool));
    if machine || wrote || leads { Ok(()) } else { Err(Refusal::NotTheAuthor) }
}

/// Decides about a message that is retracted. `history` is what its thread has seen without it. What is owed stays owed
/// where another message of the patient waits, and where this one names danger: words once sent are looked at by a
/// person of the team, who alone may let them go. When the team's answer is retracted and the patient waits again, what
/// was owed is owed again, counted from when the patient wrote. With it, the notices that need not leave any more.
pub fn retract(
    setting: Setting<'_>,
    view: &ThreadView,
    retracted: &Retracted<'_>,
    history: &History,
    ids: &mut Ids,
) -> (Decision, Vec<Dispatched>) {
    let Setting { policy, now } = setting;
    let message = retracted.message;
    let focus = Key::new(ResourceType::Communication, message.id.clone());
    let (id, seed) = named(ids);
    let mut record = Record::new(id, policy, focus.clone(), seed, now, Outcome::Retracted);
    record.red_flags = policy.red_flags_in(&policy.read(message));
    record.pool.clone_from(&view.thread.pool);
    record.priority = Some(view.thread.priority);
    record.did("retract", message.side().as_str(), retracted.agent.map(ToString::to_string), None);
    let mut outbox = Outbox::new(setting);
    let mut thread = Thread { revision: view.thread.revision + 1, ..view.thread.clone() };
    let held = retracted.hold.filter(|hold| hold.state == HoldState::Held);
    let runs = history.runs();
    let written_at = message.occurred_at.unwrap_or(retracted.received_at);
    let waits = runs.last().is_some_and(|run| run.until.is_none());
    let waiting = open_clock(view, ClockName::NextResponse);
    let owed = waiting.is_some();

    let (mut clocks, mut ledger) = (Vec::new(), Vec::new());
    let mut needless = false;
    if let Some(hold) = held {
        // Nothing but its review was owed for it.
        let review = view.clocks.iter().filter(|clock| clock.id == hold.clock && !clock.fold.state.is_over());
        cancelled(setting, review, &mut record, (&mut clocks, &mut ledger));
        needless = !owed && !waits;
    } else if matches!(Side::of(&message.sender), Side::Patient | Side::Proxy) {
        // What another message began is that message's, whatever has been answered since.
        let theirs = waiting.and_then(|clock| clock.fold.started_at).is_some_and(|at| history.asked(at));
        let by_team = retracted.agent.is_some_and(|agent| Side::of(agent) == Side::Staff);
        if waits || theirs {
            record.left("clock", "cancel", "another message waits for an answer");
        } else if owed && !record.red_flags.is_empty() && !by_team {
            record.left("clock", "cancel", "a red flag is looked at by a person of the team all the same");
        } else {
            let open = view.owed().filter(|clock| clock.name != ClockName::Resolve);
            cancelled(setting, open, &mut record, (&mut clocks, &mut ledger));
            thread.task = None;
            if thread.state == ThreadState::AwaitingTeam {
                thread.state = ThreadState::Answered;
            }
            needless = true;
        }
    } else if message.is_human_reply()
        && let Some(kept) = waiting
    {
        // What it answered is owed again beside what came after it: one clock runs for both, due and promised by the
        // earlier.
        if let Some(before) = answered_again(setting, history, (written_at, &runs), kept) {
            let (clock, entries) = earlier(setting, kept, &before, "answer-retracted");
            record.note(&clock, "merge", policy, now);
            clocks.push(clock);
            ledger.extend(entries);
            thread.state = ThreadState::AwaitingTeam;
            let told = Notice { topic: "answer-retracted", to: Recipient::Owner, deliver: Deliver::WhenOpen };
            let pool = answering(policy, &thread);
            outbox.team(ids, &mut record, &told, &thread, pool);
        }
    } else if message.is_human_reply()
        && let Some(run) = runs.last().filter(|run| run.until.is_none())
    {
        let known = history.clocks.iter().map(|ledgered| &ledgered.clock);
        let latest = known.filter(|clock| clock.name == ClockName::NextResponse);
        let latest = latest.max_by_key(|clock| (clock.cycle, clock.fold.started_at));
        let answered = history.met(written_at).map(|ledgered| &ledgered.clock).or(latest);
        let before: Vec<Clock> = answered.cloned().into_iter().collect();
        if let Some(turnaround) = obligation::underlying(policy, &before).or_else(|| fallback(policy)) {
            let pool = answering(policy, &thread);
            let right = SettingRight { setting, history, turnaround, pool, late: None };
            let begun = right.begun(*run, &mut thread, ids, &mut record);
            let promised = before.first().and_then(|clock| clock.promised_at);
            for mut clock in begun.0 {
                if clock.name == ClockName::NextResponse {
                    // What the patient was told holds, and what they are owed is no later.
                    clock.promised_at = promised.min(clock.fold.due_at).or(promised);
                    thread.task.clone_from(&clock.task);
                }
                clocks.push(clock);
            }
            ledger.extend(begun.1);
            thread.state = ThreadState::AwaitingTeam;
            let told = Notice { topic: "answer-retracted", to: Recipient::Owner, deliver: Deliver::WhenOpen };
            outbox.team(ids, &mut record, &told, &thread, pool);
            if let Some(task) = &thread.task {
                outbox.event(ids, "task-opened", &thread, Key::new(ResourceType::Task, task.clone()));
            }
        }
    }
    outbox.event(ids, "message-retracted", &thread, focus);
    let tasks = mirrors(&thread, &clocks, now);
    let over = held.map(|hold| ended(hold, retracted, &record));
    let dropped = dropped(setting, retracted, needless, &mut record);
    let decision =
        Decision { clocks, ledger, tasks, hold: over, outbox: outbox.into_rows(), ..Decision::of(thread, record) };
    (decision, dropped)
}

/// The clock that an answer of that instant met, as it would be had the answer not been given; `None` where what it
/// answered waits for nothing more: another answer came after it.
fn answered_again(
    setting: Setting<'_>,
    history: &History,
    (at, runs): (Instant, &[Run]),
    kept: &Clock,
) -> Option<Clock> {
    let Ledgered { clock, entries } = history.met(at)?;
    let run = runs.last().filter(|run| run.until.is_none())?;
    let started = clock.fold.started_at.filter(|started| clock.id != kept.id && run.from <= *started)?;
    kept.fold.started_at.filter(|kept| started < *kept)?;
    let mut without = entries.clone();
    without.retain(|entry| entry.at != at || entry.event != Event::Fulfill);
    Some(Clock { fold: Fold::of(&without, setting.policy), ..clock.clone() })
}

/// The policy that governs what no other does.
fn fallback(policy: &crate::policy::Policy) -> Option<&crate::policy::turnaround::Turnaround> {
    policy.turnaround().last().map(|turnaround| &**turnaround)
}

fn cancelled<'c>(
    setting: Setting<'_>,
    open: impl Iterator<Item = &'c Clock>,
    record: &mut Record,
    (clocks, ledger): (&mut Vec<Clock>, &mut Vec<LedgerEntry>),
) {
    for open in open.filter(|clock| clock.fold.state != ClockState::Cancelled) {
        let mut clock = Clock { revision: open.revision + 1, ..open.clone() };
        ledger.push(clock.record(setting.now, Event::Cancel { reason: REASON.to_owned() }, setting.policy));
        record.note(&clock, "cancel", setting.policy, setting.now);
        clocks.push(clock);
    }
}

fn ended(hold: &Hold, retracted: &Retracted<'_>, record: &Record) -> Hold {
    let end = HoldEnd {
        at: record.at,
        reason: REASON.to_owned(),
        decision: record.id.clone(),
        agent: retracted.agent.cloned(),
        client: retracted.client.to_owned(),
    };
    Hold { state: HoldState::Retracted, ended: Some(end), ..hold.clone() }
}

/// The notices that tell of nothing any more: all that wait in the thread once nothing is owed in it; of the team's own
/// message those to the patient, and what would say that nobody has read it.
fn dropped(setting: Setting<'_>, retracted: &Retracted<'_>, needless: bool, record: &mut Record) -> Vec<Dispatched> {
    let to_patient = |row: &&OutboxRow| {
        let to = row.recipient.as_ref().and_then(|recipient| recipient.parse::<Reference>().ok());
        let of_it = row.topic == "reply-received" && row.occurred_at == retracted.received_at;
        of_it && to.is_some_and(|to| to.is("Patient") || to.is("RelatedPerson"))
    };
    let of_the_team = retracted.message.is_human_reply();
    // An answer that nobody has read is told of whatever else is taken back.
    let tells = |row: &&OutboxRow| match unread_answer(row) {
        Some(answer) => *answer == retracted.message.id,
        None if of_the_team => to_patient(row),
        None => needless,
    };
    let notices = retracted.waiting.iter().filter(|row| row.recipient.is_some()).filter(tells);
    notices
        .map(|row| {
            record.left("notice", &row.topic, "the message that it tells of was retracted");
            Dispatched { outbox: row.id.clone(), delivery: None, at: setting.now }
        })
        .collect()
}

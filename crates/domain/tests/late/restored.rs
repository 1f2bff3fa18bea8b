//! Conversations whose past changes: merged with another, answered late, or with a message taken back. What somebody
//! waits for stays owed, and a Task that exists is never forgotten.

use domain::clock::{Clock, ClockName, ClockState};
use domain::decide::{
    Actor, History, Ledgered, MergeReason, Merged, Retracted, Said, Setting, Voice, ingest, merge, overrule, retract,
    send,
};
use domain::decision::Decision;
use domain::id::Ids;
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::turnaround::PauseReason;
use domain::store::ThreadView;
use domain::thread::{Thread, ThreadState};
use domain::time::Instant;

use crate::{june, policy, reference};

fn message(sender: &str, text: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        ..Message::new("m1".parse().unwrap(), reference(sender), text)
    }
}

fn patient() -> Message {
    message("Patient/p-1001", "A refill, please.")
}

fn danger() -> Message {
    message("Patient/p-1001", "I have chest pain.")
}

fn nurse() -> Message {
    message("Practitioner/nurse", "Done.")
}

fn at(message: Message, occurred: Instant) -> Message {
    Message { occurred_at: Some(occurred), ..message }
}

/// A thread as a store would keep it.
#[derive(Clone, Default)]
struct Kept {
    view: Option<ThreadView>,
    history: History,
    count: u128,
}

impl Kept {
    /// The thread that begins with a message.
    fn begun(name: &str, message: &Message, now: Instant) -> Self {
        let id = name.parse().unwrap();
        let count = u128::from(name.as_bytes()[0]) << 64;
        let mut kept = Self { count, ..Self::default() };
        kept.says(&Message { id, ..message.clone() }, now);
        kept
    }

    /// A message that is sent now, or delivered late when it says when it was written.
    fn says(&mut self, message: &Message, now: Instant) -> Decision {
        let history = self.view.as_ref().map(|_| &self.history).filter(|_| message.occurred_at.is_some());
        let (view, mut ids) = (self.view.as_ref(), self.ids(now));
        let setting = Setting { policy: policy(), now };
        let decision = match history {
            Some(history) => ingest(setting, message, view, Some(history), &mut ids),
            None => send(setting, message, view, &mut ids),
        };
        let decision = decision.unwrap();
        self.count += 1;
        self.keep(&decision);
        let at = message.occurred_at.unwrap_or(now);
        self.history.said.extend(Voice::of(message).map(|by| Said { at, by }));
        decision
    }

    /// A message is taken back that was written at an instant.
    fn takes_back(&mut self, message: &Message, written: Instant, by: &str, now: Instant) -> Decision {
        let agent = reference(by);
        let retracted = Retracted {
            message,
            hold: None,
            received_at: written,
            agent: Some(&agent),
            client: "portal",
            waiting: &[],
        };
        let place = self.history.said.iter().position(|said| Some(said.by) == Voice::of(message) && said.at == written);
        place.map(|place| self.history.said.remove(place));
        let setting = Setting { policy: policy(), now };
        let view = self.view.as_ref().unwrap();
        let (decision, _) = retract(setting, view, &retracted, &self.history, &mut self.ids(now));
        self.count += 1;
        self.keep(&decision);
        decision
    }

    /// Another thread is merged into this one.
    fn takes_in(&mut self, mut from: Self, now: Instant) {
        let (person, pools) = (reference("Practitioner/nurse"), [reference("HealthcareService/default")]);
        let actor = Actor { person: Some(&person), pools: &pools, administrator: false };
        let ledgers: Vec<_> = from.history.clocks.iter().flat_map(|known| known.entries.clone()).collect();
        let setting = Setting { policy: policy(), now };
        let (into, brought) = (self.view.as_ref().unwrap(), from.view.as_ref().unwrap());
        let (into, brought) =
            merge(setting, into, (brought, &ledgers), MergeReason::SameMatter, actor, &mut self.ids(now)).unwrap();
        self.count += 1;
        self.keep(&into);
        from.keep(&brought);
        self.history.merged.push(Merged { at: now, seen: from.history });
    }

    fn ids(&self, now: Instant) -> Ids {
        Ids::new(now, self.count)
    }

    fn keep(&mut self, decision: &Decision) {
        for clock in &decision.clocks {
            let entries = decision.ledger.iter().filter(|entry| entry.clock == clock.id).cloned();
            match self.history.clocks.iter_mut().find(|known| known.clock.id == clock.id) {
                Some(known) => {
                    assert_eq!(clock.revision, known.clock.revision + 1);
                    known.clock = clock.clone();
                    known.entries.extend(entries);
                }
                None => self.history.clocks.push(Ledgered { clock: clock.clone(), entries: entries.collect() }),
            }
        }
        self.view = Some(ThreadView::after(self.view.as_ref(), decision));
        // An obligation that is open has the Task that its thread names.
        let open: Vec<_> = self.open(ClockName::NextResponse).into_iter().map(|clock| clock.task).collect();
        assert!(open.is_empty() || open.contains(&self.thread().task), "{open:?} {:?}", self.thread());
    }

    fn thread(&self) -> &Thread {
        &self.view.as_ref().unwrap().thread
    }

    fn open(&self, name: ClockName) -> Vec<Clock> {
        let clocks = &self.view.as_ref().unwrap().clocks;
        clocks.iter().filter(|clock| clock.name == name && !clock.fold.state.is_over()).cloned().collect()
    }

    /// The only clock that the patient waits for.
    fn waiting(&self) -> Clock {
        let [clock] = self.open(ClockName::NextResponse).try_into().unwrap();
        clock
    }
}

/// A conversation that was answered, and another one into which the patient wrote and that was merged into it.
fn answered_and_merged(other: &Message) -> Kept {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    let from = Kept::begun("b1", other, june(22, "09:30"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.takes_in(from, june(22, "11:00"));
    assert_eq!(kept.waiting().fold.started_at, Some(june(22, "09:30")));
    kept
}

#[test]
fn what_waits_in_a_merged_conversation_stays_owed_when_an_answered_message_is_taken_back() {
    for other in [patient(), danger()] {
        let mut kept = answered_and_merged(&other);
        let before = kept.waiting();
        let decision = kept.takes_back(&patient(), june(22, "09:00"), "Patient/p-1001", june(22, "12:00"));
        assert!(decision.clocks.is_empty() && decision.thread.task == before.task, "{decision:?}");
        assert_eq!(decision.thread.state, ThreadState::AwaitingTeam);
        // Taken back itself by a lead, it falls away.
        kept.history.merged[0].seen.said.clear();
        let decision = kept.takes_back(&other, june(22, "09:30"), "Practitioner/lead", june(22, "12:30"));
        assert!(decision.clocks.iter().any(|clock| clock.fold.state == ClockState::Cancelled));
        assert_eq!((decision.thread.task, decision.thread.state), (None, ThreadState::Answered));
    }
}

#[test]
fn what_waits_in_a_merged_conversation_stays_owed_when_the_message_that_began_the_clock_here_is_taken_back() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    let from = Kept::begun("b1", &patient(), june(22, "09:30"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.says(&patient(), june(22, "10:30"));
    kept.takes_in(from, june(22, "11:00"));
    let decision = kept.takes_back(&patient(), june(22, "10:30"), "Patient/p-1001", june(22, "12:00"));
    assert!(decision.clocks.is_empty() && decision.thread.task.is_some(), "what was asked at 09:30 waits");
}

#[test]
fn danger_in_a_header_stays_owed_when_another_message_is_taken_back() {
    let header = Message { has_payload: false, body: String::new(), ..danger() };
    let mut kept = Kept::begun("a1", &header, june(22, "09:00"));
    kept.says(&patient(), june(22, "09:10"));
    let decision = kept.takes_back(&patient(), june(22, "09:10"), "Practitioner/lead", june(22, "09:20"));
    assert!(decision.clocks.is_empty() && decision.thread.task.is_some());
    // A header that names none asks for nothing.
    let mut kept = Kept::begun("b1", &Message { has_payload: false, ..patient() }, june(22, "09:00"));
    kept.says(&patient(), june(22, "09:10"));
    let decision = kept.takes_back(&patient(), june(22, "09:10"), "Patient/p-1001", june(22, "09:20"));
    assert!(decision.thread.task.is_none());
}

#[test]
fn danger_that_came_late_stays_owed_when_another_message_is_taken_back() {
    let mut kept = Kept::begun("a1", &nurse(), june(22, "08:00"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.says(&at(danger(), june(22, "09:00")), june(22, "11:00"));
    kept.says(&patient(), june(22, "11:30"));
    let decision = kept.takes_back(&patient(), june(22, "11:30"), "Practitioner/lead", june(22, "11:40"));
    assert!(decision.clocks.is_empty() && decision.thread.task.is_some());
}

#[test]
fn an_answer_that_is_taken_back_is_owed_again_where_its_conversation_was_merged_to() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    let mut from = Kept::begun("b1", &patient(), june(22, "09:30"));
    from.says(&nurse(), june(22, "09:45"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.takes_in(from, june(22, "11:00"));
    assert!(kept.thread().task.is_none());
    kept.history.merged[0].seen.said.retain(|said| said.by == Voice::Patient);
    kept.takes_back(&nurse(), june(22, "09:45"), "Practitioner/nurse", june(22, "12:00"));
    assert_eq!(kept.thread().state, ThreadState::AwaitingTeam);
}

#[test]
fn a_late_answer_meets_what_was_taken_over_from_another_conversation() {
    let mut kept = answered_and_merged(&patient());
    let task = kept.thread().task.clone();
    let decision = kept.says(&at(nurse(), june(22, "11:30")), june(22, "12:00"));
    let met = decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap();
    assert_eq!((met.fold.state, met.fold.stopped_at, &met.task), (ClockState::Met, Some(june(22, "11:30")), &task));
    assert_eq!((decision.thread.task, decision.thread.state), (None, ThreadState::Answered));
    // One that was given before they became one answers the one conversation and not the other.
    let mut kept = answered_and_merged(&patient());
    let decision = kept.says(&at(nurse(), june(22, "10:30")), june(22, "12:00"));
    assert_eq!((decision.thread.task, decision.thread.state), (task, ThreadState::AwaitingTeam));
}

#[test]
fn what_is_owed_for_a_message_that_nobody_knows_of_keeps_its_task_and_is_met_by_a_late_answer() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    let task = kept.thread().task.clone();
    kept.history.said.clear();
    let decision = kept.says(&at(nurse(), june(22, "08:00")), june(22, "10:00"));
    assert_eq!((decision.thread.task, decision.thread.state), (task, ThreadState::AwaitingTeam));
    let decision = kept.says(&at(nurse(), june(22, "09:30")), june(22, "10:10"));
    let met = decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap();
    assert_eq!((met.fold.state, met.fold.stopped_at), (ClockState::Met, Some(june(22, "09:30"))));
    assert_eq!((decision.thread.task, decision.thread.state), (None, ThreadState::Answered));
}

#[test]
fn danger_that_came_late_is_not_met_by_what_was_answered_before_anybody_knew_of_it() {
    let mut kept = Kept::begun("a1", &nurse(), june(22, "08:00"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.says(&at(danger(), june(22, "09:00")), june(22, "11:00"));
    let task = kept.thread().task.clone();
    let decision = kept.says(&at(nurse(), june(22, "10:30")), june(22, "11:10"));
    assert!(decision.clocks.is_empty() && decision.thread.task == task, "{decision:?}");
    let decision = kept.says(&at(nurse(), june(22, "11:15")), june(22, "11:20"));
    assert_eq!((decision.thread.task, decision.thread.state), (None, ThreadState::Answered));
}

#[test]
fn after_an_answer_was_taken_back_a_late_message_keeps_the_task_of_what_is_owed_again() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    kept.says(&nurse(), june(22, "10:00"));
    kept.takes_back(&nurse(), june(22, "10:00"), "Practitioner/nurse", june(22, "11:00"));
    let waiting = kept.waiting();
    let decision = kept.says(&at(patient(), june(22, "10:30")), june(22, "12:00"));
    assert_eq!((kept.waiting().id, decision.thread.task), (waiting.id, waiting.task));
    kept.says(&at(nurse(), june(22, "12:30")), june(22, "13:00"));
    assert!(kept.open(ClockName::NextResponse).is_empty() && kept.thread().task.is_none());
}

/// What people are told.
fn told(decision: &Decision) -> Vec<&str> {
    decision.outbox.iter().filter(|row| row.recipient.is_some()).map(|row| row.topic.as_str()).collect()
}

fn paused(kept: &mut Kept, now: Instant) {
    let (person, pools) = (reference("Practitioner/nurse"), [reference("HealthcareService/default")]);
    let actor = Actor { person: Some(&person), pools: &pools, administrator: false };
    let pause = Override {
        kind: OverrideKind::Pause,
        reason: OverrideReason::WaitingOnPatient,
        amount: None,
        due: None,
        until: None,
        note: None,
        sender: None,
    };
    let setting = Setting { policy: policy(), now };
    let decision = overrule(setting, kept.view.as_ref().unwrap(), &pause, actor, &mut kept.ids(now)).unwrap();
    kept.count += 1;
    kept.keep(&decision);
    assert_eq!(kept.waiting().fold.state, ClockState::Paused);
}

#[test]
fn a_patients_late_message_ends_the_waiting_at_its_own_time_and_is_told() {
    let (mut one, mut other) = (Kept::begun("a1", &patient(), june(22, "09:00")), Kept::default());
    paused(&mut one, june(22, "10:00"));
    other.clone_from(&one);
    one.says(&patient(), june(22, "11:00"));
    let decision = other.says(&at(patient(), june(22, "11:00")), june(22, "11:01"));
    assert!(told(&decision).contains(&"message-received"), "{:?}", told(&decision));
    assert_eq!(decision.thread.state, ThreadState::AwaitingTeam);
    assert_eq!(other.waiting().fold, one.waiting().fold);
    assert_eq!(other.waiting().fold.state, ClockState::Running);
    // What was written before the team began to wait is not what it waits for.
    let mut before = Kept::begun("a1", &patient(), june(22, "09:00"));
    paused(&mut before, june(22, "10:00"));
    let decision = before.says(&at(patient(), june(22, "09:30")), june(22, "11:00"));
    assert_eq!(
        (before.waiting().fold.state, decision.thread.state),
        (ClockState::Paused, ThreadState::WaitingOnPatient)
    );
}

#[test]
fn a_patients_late_message_goes_on_after_an_answer_that_waits_for_it() {
    let awaits = Message { awaits: Some(PauseReason::WaitingOnPatient), ..nurse() };
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    kept.says(&awaits, june(22, "10:00"));
    assert_eq!(kept.thread().state, ThreadState::WaitingOnPatient);
    let decision = kept.says(&at(patient(), june(22, "11:00")), june(22, "11:01"));
    assert_eq!(decision.thread.state, ThreadState::AwaitingTeam);
    assert!(told(&decision).contains(&"message-received"), "{:?}", told(&decision));
    assert_eq!(kept.waiting().fold.started_at, Some(june(22, "11:00")));
}

#[test]
fn what_an_answer_in_error_answered_is_owed_again_beside_what_came_after_it() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    let first = kept.waiting();
    kept.says(&nurse(), june(22, "14:00"));
    kept.says(&patient(), june(23, "10:00"));
    let second = kept.waiting();
    assert!(first.promised_at < second.promised_at && first.fold.due_at < second.fold.due_at);
    let decision = kept.takes_back(&nurse(), june(22, "14:00"), "Practitioner/nurse", june(23, "11:00"));
    assert!(told(&decision).contains(&"answer-retracted"), "{:?}", told(&decision));
    let waiting = kept.waiting();
    assert_eq!((&waiting.id, &waiting.task), (&second.id, &second.task));
    assert_eq!((waiting.promised_at, waiting.fold.due_at), (first.promised_at, first.fold.due_at));
    assert_eq!(decision.thread.state, ThreadState::AwaitingTeam);
    assert!(waiting.next.is_some(), "it is looked at when that passes");
}

#[test]
fn an_answer_in_error_that_was_given_once_more_is_owed_no_more() {
    let mut kept = Kept::begun("a1", &patient(), june(22, "09:00"));
    kept.says(&nurse(), june(22, "14:00"));
    kept.says(&nurse(), june(22, "14:30"));
    kept.says(&patient(), june(23, "10:00"));
    let decision = kept.takes_back(&nurse(), june(22, "14:00"), "Practitioner/nurse", june(23, "11:00"));
    assert!(decision.clocks.is_empty() && told(&decision).is_empty(), "{:?}", told(&decision));
}

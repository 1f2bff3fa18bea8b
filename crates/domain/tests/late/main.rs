//! Messages that are delivered late and in any order: what is owed ends alike, and what was recorded stays.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

mod restored;

use std::sync::LazyLock;

use domain::clock::{Clock, ClockName, ClockState, Event};
use domain::decide::{History, Ledgered, Refusal, Retracted, Said, Setting, Voice, fire, ingest, retract};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Policy};
use domain::store::ThreadView;
use domain::thread::ThreadState;
use domain::time::Instant;
use proptest::prelude::*;

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

fn policy() -> &'static Policy {
    static COMPILED: LazyLock<Policy> = LazyLock::new(|| {
        let bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
        Policy::compile(bundle, &domain::policy::Directory::default(), 1, june(1, "00:00")).unwrap()
    });
    &COMPILED
}

fn message(sender: &str, at: Instant) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        occurred_at: Some(at),
        ..Message::new("m1".parse().unwrap(), reference(sender), "A refill, please.")
    }
}

fn patient(at: Instant) -> Message {
    message("Patient/p-1001", at)
}

fn nurse(at: Instant) -> Message {
    message("Practitioner/nurse", at)
}

/// A run: its state, when it began, stopped and was due, and the time it used.
type Ran = (ClockState, Option<Instant>, Option<Instant>, Option<Instant>, String);

/// A thread as a store would keep it.
#[derive(Clone, Default)]
struct Kept {
    view: Option<ThreadView>,
    history: History,
    count: u128,
}

impl Kept {
    fn deliver(&mut self, message: &Message, now: Instant) -> Decision {
        self.count += 1;
        let history = self.view.as_ref().map(|_| &self.history);
        let mut ids = Ids::new(now, self.count);
        let decision =
            ingest(Setting { policy: policy(), now }, message, self.view.as_ref(), history, &mut ids).unwrap();
        self.keep(&decision);
        let at = message.occurred_at.unwrap_or(now);
        self.history.said.extend(Voice::of(message).map(|by| Said { at, by }));
        decision
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
    }

    /// Fires what has come, as a worker does.
    fn work(&mut self, now: Instant) {
        let view = self.view.clone().unwrap();
        for known in &mut self.history.clocks {
            self.count += 1;
            let setting = Setting { policy: policy(), now };
            let open = !known.clock.fold.state.is_over();
            if let Some(fired) = fire(setting, &view, &known.clock, &mut Ids::new(now, self.count)).filter(|_| open) {
                known.clock = fired.clock;
                known.entries.extend(fired.ledger);
            }
        }
        self.view.as_mut().unwrap().clocks = self.open();
    }

    fn open(&self) -> Vec<Clock> {
        let clocks = self.history.clocks.iter().map(|known| known.clock.clone());
        clocks.filter(|clock| !clock.fold.state.is_over()).collect()
    }

    /// The runs of a clock, in the order in which they began, without what names and numbers them.
    fn runs(&self, name: ClockName) -> Vec<Ran> {
        let clocks = self.history.clocks.iter().map(|known| &known.clock).filter(|clock| clock.name == name);
        let told = |clock: &Clock| {
            let fold = &clock.fold;
            (fold.state, fold.started_at, fold.stopped_at, fold.due_at.or(fold.last_due_at), fold.used.to_string())
        };
        let mut runs: Vec<_> = clocks.map(told).collect();
        runs.sort_by_key(|run| run.1);
        runs
    }
}

const NOW: (u8, &str) = (23, "12:00");

fn now() -> Instant {
    june(NOW.0, NOW.1)
}

#[test]
fn b25_an_answer_that_is_delivered_before_its_message_meets_it() {
    let (asked, answered) = (patient(june(22, "09:00")), nurse(june(22, "10:00")));
    // Somebody had begun the thread before.
    let begun = nurse(june(19, "09:00"));
    let (mut one, mut other) = (Kept::default(), Kept::default());
    for message in [&begun, &asked, &answered] {
        one.deliver(message, now());
    }
    for message in [&begun, &answered, &asked] {
        other.deliver(message, now());
    }
    let runs = one.runs(ClockName::NextResponse);
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].0, runs[0].2, runs[0].4.as_str()), (ClockState::Met, Some(june(22, "10:00")), "PT1H"));
    assert_eq!(other.runs(ClockName::NextResponse), runs);
    assert_eq!(other.runs(ClockName::FirstOpened), one.runs(ClockName::FirstOpened));
    assert_eq!(other.view.unwrap().thread.state, ThreadState::Answered);
}

#[test]
fn b25_a_late_answer_meets_an_overdue_clock_and_its_breach_stays() {
    let mut kept = Kept::default();
    let sent = june(17, "09:00");
    kept.deliver(&Message { occurred_at: None, ..patient(sent) }, sent);
    kept.work(now());
    let breached = |kept: &Kept| {
        let known = kept.history.clocks.iter().find(|known| known.clock.name == ClockName::NextResponse).unwrap();
        (known.clock.fold.state, known.clock.fold.breached_at.is_some(), known.clock.next.is_some())
    };
    assert_eq!(breached(&kept).0, ClockState::Running);
    assert!(breached(&kept).1, "it was late as far as was known");
    let decision = kept.deliver(&nurse(june(18, "10:00")), now());
    assert_eq!(breached(&kept), (ClockState::Met, true, false));
    assert_eq!(decision.record.occurred_at, Some(june(18, "10:00")));
    let entry = decision.ledger.iter().find(|entry| entry.event == Event::Fulfill).unwrap();
    assert_eq!(entry.at, june(18, "10:00"), "the ledger has the true instant");
}

#[test]
fn a_late_answer_leaves_what_was_written_after_it_owed() {
    let mut kept = Kept::default();
    for message in [patient(june(22, "09:00")), patient(june(22, "14:00")), nurse(june(22, "10:00"))] {
        kept.deliver(&message, now());
    }
    let runs = kept.runs(ClockName::NextResponse);
    let states: Vec<_> = runs.iter().map(|run| (run.0, run.1)).collect();
    let expected = [(ClockState::Met, Some(june(22, "09:00"))), (ClockState::Running, Some(june(22, "14:00")))];
    assert_eq!(states, expected);
    let view = kept.view.unwrap();
    assert_eq!((view.thread.state, view.thread.task.is_some()), (ThreadState::AwaitingTeam, true));
}

#[test]
fn a_warning_that_stood_before_delivery_is_recorded_as_pre_existing_and_nobody_is_told() {
    let mut kept = Kept::default();
    let decision = kept.deliver(&patient(june(17, "09:00")), now());
    assert!(decision.reply.is_none(), "nothing can be promised any more");
    let view = kept.view.clone().unwrap();
    let clock = view.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap();
    let fired = fire(Setting { policy: policy(), now: now() }, &view, clock, &mut Ids::new(now(), 9)).unwrap();
    let causes: Vec<_> =
        fired.firings.iter().map(|firing| (firing.threshold.as_str(), firing.cause.as_deref())).collect();
    assert_eq!(causes[..2], [("warn-50", Some("pre-existing")), ("warn-80", Some("pre-existing"))]);
    assert!(causes.contains(&("breach", None)), "that it is late is told: {causes:?}");
    let told: Vec<_> =
        fired.outbox.iter().filter(|row| row.recipient.is_some()).map(|row| row.topic.as_str()).collect();
    assert!(told.contains(&"breach") && !told.iter().any(|topic| topic.starts_with("warn")), "{told:?}");
}

#[test]
fn a_message_is_late_by_seven_days_at_most_and_never_early() {
    let mut kept = Kept::default();
    kept.deliver(&patient(now().plus(-7 * 86_400)), now());
    for unfit in [now().plus(1), now().plus(-7 * 86_400 - 1)] {
        let setting = Setting { policy: policy(), now: now() };
        let refused = ingest(setting, &patient(unfit), None, None, &mut Ids::new(now(), 1));
        assert_eq!(refused.unwrap_err(), Refusal::OccurredUnfit);
    }
}

#[test]
fn a_red_flag_that_comes_late_is_looked_at_whatever_has_been_answered_since() {
    let mut kept = Kept::default();
    for message in [nurse(june(19, "09:00")), nurse(june(22, "10:00"))] {
        kept.deliver(&message, now());
    }
    let flagged = Message { texts: vec!["chest pain".into()], ..patient(june(22, "09:00")) };
    let decision = kept.deliver(&flagged, now());
    let clock = decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap();
    assert_eq!(clock.fold.state, ClockState::Running);
    assert!(decision.outbox.iter().any(|row| row.topic == "red-flag"));
}

/// Retracts that message of a thread that has seen, but for it, what was said here.
fn taken_back(kept: &Kept, message: &Message, by: &str, said: Vec<Said>) -> Decision {
    let agent = reference(by);
    let received_at = message.occurred_at.unwrap();
    let retracted = Retracted { message, hold: None, received_at, agent: Some(&agent), client: "portal", waiting: &[] };
    let history = History { said, ..kept.history.clone() };
    let setting = Setting { policy: policy(), now: now() };
    retract(setting, kept.view.as_ref().unwrap(), &retracted, &history, &mut Ids::new(now(), 4)).0
}

#[test]
fn b26_what_a_message_in_error_began_falls_away_with_its_reason() {
    let mut kept = Kept::default();
    let at = june(22, "09:00");
    kept.deliver(&patient(at), now());
    let decision = taken_back(&kept, &patient(at), "Patient/p-1001", vec![]);
    assert_eq!((decision.record.outcome, decision.thread.state), (Outcome::Retracted, ThreadState::Answered));
    assert!(decision.clocks.iter().all(|clock| clock.fold.state == ClockState::Cancelled && clock.next.is_none()));
    let reason = Event::Cancel { reason: "entered-in-error".into() };
    assert!(decision.ledger.iter().all(|entry| entry.event == reason) && decision.ledger.len() == 2);
    assert_eq!(decision.tasks[0].status.as_str(), "cancelled");

    kept.deliver(&patient(at.plus(600)), now());
    let other = vec![Said { at: at.plus(600), by: Voice::Patient }];
    let waits = taken_back(&kept, &patient(at), "Patient/p-1001", other);
    assert!(waits.clocks.is_empty(), "somebody waits all the same");
}

#[test]
fn a_retracted_red_flag_stays_owed_unless_somebody_of_the_team_retracts_it() {
    let mut kept = Kept::default();
    let flagged = Message { texts: vec!["chest pain".into()], ..patient(june(22, "09:00")) };
    kept.deliver(&flagged, now());
    let by_patient = taken_back(&kept, &flagged, "Patient/p-1001", vec![]);
    assert!(by_patient.clocks.is_empty() && by_patient.thread.task.is_some());
    let by_lead = taken_back(&kept, &flagged, "Practitioner/lead", vec![]);
    assert!(
        by_lead.clocks.iter().all(|clock| clock.fold.state == ClockState::Cancelled) && by_lead.thread.task.is_none()
    );
}

#[test]
fn a_note_that_is_retracted_changes_nothing_of_what_is_owed() {
    let mut kept = Kept::default();
    kept.deliver(&patient(june(22, "09:00")), now());
    let note = Message { internal: true, ..nurse(june(22, "09:30")) };
    // Even were nobody known to wait: only who began a run can end it so.
    let decision = taken_back(&kept, &note, "Practitioner/nurse", vec![]);
    assert!(decision.clocks.is_empty() && decision.thread.task.is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_arrival_ends_in_the_same_state(
        (said, order) in prop::collection::vec((any::<bool>(), 0_i64..400_000), 1..8)
            .prop_flat_map(|said| (Just(said.clone()), Just((0..said.len()).collect::<Vec<_>>()).prop_shuffle())),
        ticks in prop::collection::vec(any::<bool>(), 8),
    ) {
        let start = june(18, "12:00");
        let messages: Vec<Message> = said
            .iter()
            .map(|(patients, gap)| if *patients { patient(start.plus(*gap)) } else { nurse(start.plus(*gap)) })
            .collect();
        let begun = nurse(start);
        let mut sorted: Vec<&Message> = messages.iter().collect();
        // Of one instant the patient's comes first.
        sorted.sort_by_key(|message| (message.occurred_at, !message.from_patient()));
        let (mut one, mut other) = (Kept::default(), Kept::default());
        one.deliver(&begun, now());
        other.deliver(&begun, now());
        for message in sorted {
            one.deliver(message, now());
        }
        for (place, tick) in order.into_iter().zip(ticks) {
            other.deliver(&messages[place], now());
            if tick {
                other.work(now());
            }
        }
        for name in [ClockName::NextResponse, ClockName::FirstOpened] {
            prop_assert_eq!(one.runs(name), other.runs(name));
        }
        let (one, other) = (one.view.unwrap().thread, other.view.unwrap().thread);
        prop_assert_eq!((one.state, one.cycle, one.task.is_some()), (other.state, other.cycle, other.task.is_some()));
    }
}

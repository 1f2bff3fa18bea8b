//! The main job as decisions alone: what a patient is promised, who is told when, and that each threshold fires once.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::clock::{Clock, ClockName, ClockState};
use domain::decide::{Refusal, Setting, claim, fire, send};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::store::ThreadView;
use domain::task::{Business, Status};
use domain::thread::Priority;
use domain::time::Instant;

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026.
fn new_york(day: u8, time: &str) -> Instant {
    at(&format!("2026-06-{day:02}T{time}:00-04:00"))
}

fn policy() -> Policy {
    let mut bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
    bundle.pools[0].leads = vec![reference("Practitioner/lead")];
    bundle.pools[0].supervisors = Some(reference("HealthcareService/supervisors"));
    Policy::compile(bundle, &Directory::default(), 1, at("2026-06-01T00:00:00Z")).unwrap()
}

fn message(id: &str, sender: &str, text: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        ..Message::new(id.parse().unwrap(), reference(sender), text)
    }
}

fn decide(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> Decision {
    send(Setting { policy, now }, message, view, &mut Ids::new(now, 1)).unwrap()
}

/// The thread as a store would give it back.
fn after(before: Option<&ThreadView>, decision: &Decision) -> ThreadView {
    let mut clocks: Vec<Clock> = before.map(|view| view.clocks.clone()).unwrap_or_default();
    for clock in &decision.clocks {
        clocks.retain(|old| old.id != clock.id);
        clocks.push(clock.clone());
    }
    clocks.retain(|clock| !clock.fold.state.is_over());
    ThreadView { thread: decision.thread.clone(), clocks, task: None }
}

fn clock(decision: &Decision, name: ClockName) -> &Clock {
    decision.clocks.iter().find(|clock| clock.name == name).unwrap()
}

const FRIDAY: (u8, &str) = (19, "17:30");

#[test]
fn a_message_sent_on_friday_evening_is_promised_by_wednesday_at_closing() {
    let policy = policy();
    let friday = new_york(FRIDAY.0, FRIDAY.1);
    let decision = decide(&policy, friday, &message("m1", "Patient/p-1001", "Five tablets left."), None);
    let waiting = clock(&decision, ClockName::NextResponse);
    assert_eq!(waiting.fold.due_at, Some(new_york(24, "17:00")));
    assert_eq!(waiting.promised_at, waiting.fold.due_at);
    assert_eq!(waiting.fold.allowance.to_string(), "PT27H");
    let reply = decision.reply.as_ref().unwrap();
    assert!(reply.text.contains("Wednesday, June 24 at 5:00 PM EDT"), "{}", reply.text);
    assert!(reply.text.contains("911"), "{}", reply.text);
    let told: Vec<_> = decision.outbox.iter().filter(|row| row.recipient.is_some()).collect();
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].recipient.as_deref(), told[0].release_at),
        (Some("HealthcareService/default"), new_york(22, "08:00"))
    );
    assert_eq!(decision.record.outcome, Outcome::Delivered);
    assert!(decision.record.errors.is_empty(), "{:?}", decision.record.errors);
}

#[test]
fn an_answer_on_monday_meets_the_target_and_the_next_message_opens_the_next_cycle() {
    let policy = policy();
    let sent = decide(&policy, new_york(19, "17:30"), &message("m1", "Patient/p-1001", "Refill?"), None);
    let view = after(None, &sent);
    let monday = new_york(22, "08:05");
    let nurse = reference("Practitioner/nurse");
    let pools = [reference("HealthcareService/default")];
    let claimed =
        claim(Setting { policy: &policy, now: monday }, &view, Some(&nurse), &pools, &mut Ids::new(monday, 2)).unwrap();
    assert_eq!(clock(&claimed, ClockName::FirstOpened).fold.state, ClockState::Met);
    assert_eq!((claimed.tasks[0].status, claimed.tasks[0].owner.clone()), (Status::Accepted, Some(nurse.clone())));
    let view = after(Some(&view), &claimed);
    let other = reference("Practitioner/other");
    let race = claim(Setting { policy: &policy, now: monday }, &view, Some(&other), &pools, &mut Ids::new(monday, 3));
    assert_eq!(race.unwrap_err(), Refusal::ClaimedByOther);

    let mut answer = message("m2", "Practitioner/nurse", "Ready after 3 PM.");
    answer.recipients = vec![reference("Patient/p-1001")];
    let answered = decide(&policy, monday, &answer, Some(&view));
    assert_eq!((answered.tasks[0].status, answered.tasks[0].business), (Status::Completed, Business::Met));
    assert!(answered.reply.is_none());
    let view = after(Some(&view), &answered);
    assert!(view.clocks.is_empty());

    let next =
        decide(&policy, new_york(22, "09:00"), &message("m3", "Patient/p-1001", "And the other one?"), Some(&view));
    assert_eq!((next.thread.cycle, next.tasks.len()), (2, 1));
    assert_eq!(clock(&next, ClockName::NextResponse).fold.due_at, Some(new_york(24, "17:00")));
}

#[test]
fn an_unanswered_message_fires_each_threshold_once_at_its_instant() {
    let policy = policy();
    let sent = decide(&policy, new_york(19, "17:30"), &message("m1", "Patient/p-1001", "Refill?"), None);
    let view = after(None, &sent);
    let mut waiting = clock(&sent, ClockName::NextResponse).clone();
    let expected = [
        ("warn-50", new_york(23, "12:30"), "HealthcareService/default", new_york(23, "12:30")),
        ("warn-80", new_york(24, "11:36"), "Practitioner/lead", new_york(24, "11:36")),
        ("breach", new_york(24, "17:00").plus(1), "Practitioner/lead", new_york(25, "08:00")),
        ("late", new_york(25, "12:00"), "HealthcareService/supervisors", new_york(25, "12:00")),
    ];
    for (id, instant, to, release) in expected {
        assert_eq!(waiting.next.as_ref().map(|next| (next.id.as_str(), next.at)), Some((id, instant)));
        let early = instant.plus(-1);
        assert!(fire(Setting { policy: &policy, now: early }, &view, &waiting, &mut Ids::new(early, 9)).is_none());
        let fired =
            fire(Setting { policy: &policy, now: instant }, &view, &waiting, &mut Ids::new(instant, 9)).unwrap();
        assert_eq!(fired.firings.len(), 1, "{id}");
        let notice = fired.outbox.iter().find(|row| row.recipient.is_some()).unwrap();
        assert_eq!((notice.recipient.as_deref(), notice.release_at), (Some(to), release), "{id}");
        waiting = fired.clock;
    }
    assert_eq!(waiting.next, None);
    assert_eq!(waiting.fold.breached_at, Some(new_york(24, "17:00").plus(1)));
}

#[test]
fn a_red_flag_in_a_billing_message_at_night_passes_every_boundary() {
    let policy = policy();
    let night = new_york(20, "23:10");
    let mut flagged =
        message("m1", "Patient/p-1001", &format!("{} I have CHEST\u{a0}PAIN.", "The invoice is wrong. ".repeat(90)));
    flagged.category = Some("billing".into());
    let decision = decide(&policy, night, &flagged, None);
    assert_eq!(clock(&decision, ClockName::NextResponse).fold.due_at, Some(night.plus(1800)));
    assert_eq!(decision.thread.priority, Priority::Stat);
    assert!(decision.outbox.iter().all(|row| row.release_at == night), "nothing of a red flag waits");
    assert!(decision.reply.as_ref().unwrap().text.contains("call 911 now"));
    let text = serde_json::to_string(&decision.record).unwrap();
    assert!(!text.to_lowercase().contains("chest"), "the record holds no words of the message");
}

#[test]
fn a_red_flag_in_a_later_message_tightens_the_running_clock() {
    let policy = policy();
    let sent = decide(&policy, new_york(19, "17:30"), &message("m1", "Patient/p-1001", "Refill?"), None);
    let view = after(None, &sent);
    let night = new_york(20, "22:00");
    let decision = decide(&policy, night, &message("m2", "Patient/p-1001", "now chest pain"), Some(&view));
    let waiting = clock(&decision, ClockName::NextResponse);
    assert_eq!(waiting.fold.due_at, Some(night.plus(1800)));
    assert!(waiting.promised_at <= clock(&sent, ClockName::NextResponse).promised_at);
    assert_eq!(decision.tasks[0].priority, Priority::Stat);
}

#[test]
fn a_patients_long_or_late_message_is_refused_with_another_way() {
    let policy = policy();
    let friday = new_york(19, "10:00");
    let long = message("m1", "Patient/p-1001", &"a".repeat(1501));
    let refused = send(Setting { policy: &policy, now: friday }, &long, None, &mut Ids::new(friday, 1)).unwrap_err();
    assert_eq!(refused, Refusal::TooLong { length: 1501, limit: 1500 });
    let sent = decide(&policy, friday, &message("m1", "Patient/p-1001", "Hello"), None);
    let view = after(None, &sent);
    let window = 45 * 24 * 3600;
    let edge = friday.plus(window);
    assert!(
        send(
            Setting { policy: &policy, now: edge },
            &message("m2", "Patient/p-1001", "x"),
            Some(&view),
            &mut Ids::new(edge, 1)
        )
        .is_ok()
    );
    let late = edge.plus(1);
    let refused = send(
        Setting { policy: &policy, now: late },
        &message("m2", "Patient/p-1001", "x"),
        Some(&view),
        &mut Ids::new(late, 1),
    );
    assert!(matches!(refused, Err(Refusal::WindowClosed { .. })));
}

#[test]
fn b14_an_internal_note_stops_no_clock_and_the_same_words_to_the_patient_do() {
    let policy = policy();
    let friday = new_york(19, "10:00");
    let sent = decide(&policy, friday, &message("m1", "Patient/p-1001", "Hello"), None);
    let view = after(None, &sent);
    let mut note = message("m2", "Practitioner/nurse", "Looks fine to me.");
    note.internal = true;
    assert!(decide(&policy, friday.plus(60), &note, Some(&view)).clocks.is_empty());
    note.internal = false;
    let answered = decide(&policy, friday.plus(60), &note, Some(&view));
    assert_eq!(clock(&answered, ClockName::NextResponse).fold.state, ClockState::Met);
}

#[test]
fn b13_robots_and_headers_stop_and_start_no_clock() {
    let policy = policy();
    let friday = new_york(19, "10:00");
    let sent = decide(&policy, friday, &message("m1", "Patient/p-1001", "Hello"), None);
    let view = after(None, &sent);
    let mut robot = message("m3", "Practitioner/nurse", "I am away.");
    robot.machine_generated = true;
    assert!(decide(&policy, friday.plus(60), &robot, Some(&view)).clocks.is_empty());
    let mut away = message("m4", "Patient/p-1001", "I am on holiday.");
    away.machine_generated = true;
    let heard = decide(&policy, friday.plus(60), &away, None);
    assert!(heard.clocks.is_empty() && heard.reply.is_none());
    let mut header = message("m5", "PractitionerRole/dr-lee", "");
    header.has_payload = false;
    assert!(decide(&policy, friday, &header, None).clocks.is_empty());
}

#[test]
fn a_message_under_a_policy_that_cannot_be_evaluated_is_delivered_and_needs_review() {
    let policy = Policy::fallback(
        Bundle::standing_in("{}"),
        &Directory::default(),
        3,
        at("2026-06-01T00:00:00Z"),
        "the bundle cannot be read".to_owned(),
    );
    let decision = decide(&policy, new_york(19, "10:00"), &message("m1", "Patient/p-1001", "Refill?"), None);
    assert_eq!(decision.record.outcome, Outcome::NeedsReview);
    assert!(decision.thread.needs_review);
    assert_eq!(decision.thread.pool.as_deref(), Some("default"));
    assert!(clock(&decision, ClockName::NextResponse).fold.due_at.is_some(), "somebody still has to answer");
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let policy = policy();
    let once = || {
        let decision = decide(&policy, new_york(19, "17:30"), &message("m1", "Patient/p-1001", "Refill?"), None);
        serde_json::to_string(&decision.record).unwrap()
    };
    assert_eq!(once(), once());
}

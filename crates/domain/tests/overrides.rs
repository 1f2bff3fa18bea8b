//! Overrides: what an authorised person may let happen, and what stays as it was told.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::change::CancelReason;
use domain::clock::{Clock, ClockName, ClockState, PROMISE_MISSED};
use domain::decide::{Actor, Refusal, Setting, fire, overrule, send, withdraw};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::store::ThreadView;
use domain::task::{Business, Status};
use domain::thread::ThreadState;
use domain::time::{Instant, Span};

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn new_york(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

fn policy() -> Policy {
    let mut bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
    bundle.pools[0].leads = vec![reference("Practitioner/lead")];
    Policy::compile(bundle, &Directory::default(), 1, "2026-06-01T00:00:00Z".parse().unwrap()).unwrap()
}

fn message(id: &str, sender: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        ..Message::new(id.parse().unwrap(), reference(sender), "A refill, please.")
    }
}

/// A patient's message, and the thread after it. It is promised for Wednesday the 24th, 17:00, when it comes on Friday
/// evening.
fn written(policy: &Policy, now: Instant, view: Option<&ThreadView>) -> ThreadView {
    let decision =
        send(Setting { policy, now }, &message("m1", "Patient/p-1001"), view, &mut Ids::new(now, 1)).unwrap();
    ThreadView::after(view, &decision)
}

fn friday(policy: &Policy) -> ThreadView {
    written(policy, new_york(19, "17:30"), None)
}

fn asked(kind: OverrideKind, reason: OverrideReason) -> Override {
    Override { kind, reason, amount: None, due: None, until: None, sender: None, note: None }
}

fn decide(policy: &Policy, now: Instant, view: &ThreadView, asked: &Override) -> Result<Decision, Refusal> {
    let nurse = reference("Practitioner/nurse");
    let pools = [view.thread.pool_reference.clone().unwrap()];
    let actor = Actor { person: Some(&nurse), pools: &pools, administrator: false };
    overrule(Setting { policy, now }, view, asked, actor, &mut Ids::new(now, 7))
}

fn waiting(view: &ThreadView) -> &Clock {
    view.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap()
}

fn topics(decision: &Decision) -> Vec<&str> {
    decision.outbox.iter().map(|row| row.topic.as_str()).collect()
}

fn extension(hours: i64) -> Override {
    Override { amount: Some(Span::hours(hours)), ..asked(OverrideKind::Extend, OverrideReason::Staffing) }
}

#[test]
fn an_extension_moves_due_and_never_what_was_promised() {
    let policy = policy();
    let before = friday(&policy);
    assert_eq!(waiting(&before).promised_at, Some(new_york(24, "17:00")));
    let decision = decide(&policy, new_york(22, "09:00"), &before, &extension(4)).unwrap();
    let after = ThreadView::after(Some(&before), &decision);
    let clock = waiting(&after);
    assert_eq!(clock.fold.due_at, Some(new_york(25, "12:00")), "four open hours more");
    assert_eq!(clock.promised_at, Some(new_york(24, "17:00")));
    assert!(topics(&decision).contains(&"due-after-promise"), "the pool is told");
    assert_eq!(decision.record.outcome, Outcome::Overridden);
    assert!(decision.record.effects.iter().any(|effect| effect.what == "due-after-promise"));
    let again = decide(&policy, new_york(22, "10:00"), &after, &extension(1)).unwrap();
    assert!(!topics(&again).contains(&"due-after-promise"), "once is enough");
}

#[test]
fn a_promise_that_passes_while_due_is_later_is_recorded_once() {
    let policy = policy();
    let before = friday(&policy);
    let extended = decide(&policy, new_york(22, "09:00"), &before, &extension(9)).unwrap();
    let mut view = ThreadView::after(Some(&before), &extended);
    let promised = new_york(24, "17:00");
    let missed =
        |view: &ThreadView, now| fire(Setting { policy: &policy, now }, view, waiting(view), &mut Ids::new(now, 9));
    let at_promise = missed(&view, promised).unwrap();
    assert!(at_promise.firings.iter().all(|firing| firing.threshold != PROMISE_MISSED), "in time is not too late");
    let now = promised.plus(1);
    let fired = missed(&view, now).unwrap();
    let firing = fired.firings.iter().find(|firing| firing.threshold == PROMISE_MISSED).unwrap();
    assert_eq!((firing.at, firing.fired_at), (promised, now));
    assert!(fired.firings.iter().all(|firing| firing.threshold != "breach"), "a breach is judged on due");
    view.clocks.retain(|clock| clock.id != fired.clock.id);
    view.clocks.push(fired.clock);
    assert!(missed(&view, now.plus(60)).is_none());
}

#[test]
fn b9_a_resolved_thread_owes_nothing_and_the_next_message_begins_a_new_cycle() {
    let policy = policy();
    let before = friday(&policy);
    let resolve = asked(OverrideKind::Resolve, OverrideReason::ThanksOnly);
    let decision = decide(&policy, new_york(22, "09:00"), &before, &resolve).unwrap();
    assert!(decision.clocks.iter().all(|clock| matches!(clock.fold.state, ClockState::Cancelled | ClockState::Met)));
    assert_eq!((decision.tasks[0].status, decision.tasks[0].business), (Status::Cancelled, Business::Cancelled));
    assert_eq!((decision.thread.state, decision.thread.task.as_ref()), (ThreadState::Resolved, None));
    assert!(topics(&decision).contains(&"thread-closed"));
    let closed = ThreadView::after(Some(&before), &decision);
    assert_eq!(decide(&policy, new_york(22, "10:00"), &closed, &resolve), Err(Refusal::Over));
    let reopened = written(&policy, new_york(23, "09:00"), Some(&closed));
    let clock = waiting(&reopened);
    assert_eq!((clock.cycle, reopened.thread.state), (2, ThreadState::AwaitingTeam));
    assert_eq!(clock.fold.started_at, Some(new_york(23, "09:00")), "resolved time is never counted");
}

#[test]
fn c10_a_closed_thread_has_no_timer_left() {
    let policy = policy();
    let before = friday(&policy);
    for kind in [OverrideKind::Resolve, OverrideKind::NoReplyNeeded] {
        let closing = asked(kind, OverrideReason::ThanksOnly);
        let decision = decide(&policy, new_york(22, "09:00"), &before, &closing).unwrap();
        assert!(decision.clocks.len() >= before.clocks.len(), "each clock that ran is written");
        for clock in &decision.clocks {
            let fired = fire(
                Setting { policy: &policy, now: new_york(30, "12:00") },
                &before,
                clock,
                &mut Ids::new(new_york(30, "12:00"), 9),
            );
            assert!(clock.next.is_none() && fired.is_none(), "{:?}", clock.name);
        }
        assert!(ThreadView::after(Some(&before), &decision).clocks.is_empty(), "nothing is left for workers to claim");
    }
}

#[test]
fn b10_what_needs_no_reply_is_cancelled_with_its_reason() {
    let policy = policy();
    let before = friday(&policy);
    let asked = asked(OverrideKind::NoReplyNeeded, OverrideReason::ThanksOnly);
    let decision = decide(&policy, new_york(22, "09:00"), &before, &asked).unwrap();
    assert_eq!(decision.tasks[0].business, Business::Cancelled);
    assert!(decision.clocks.iter().all(|clock| clock.next.is_none() && clock.fold.breached_at.is_none()));
    assert!(decision.ledger.iter().any(|entry| format!("{:?}", entry.event).contains("thanks-only")));
}

#[test]
fn what_is_waived_is_shown_as_waived_and_not_as_met() {
    let policy = policy();
    let waive = asked(OverrideKind::Waive, OverrideReason::AnsweredByPhone);
    let decision = decide(&policy, new_york(22, "09:00"), &friday(&policy), &waive).unwrap();
    assert_eq!((decision.tasks[0].status, decision.tasks[0].business), (Status::Completed, Business::Waived));
}

#[test]
fn b15_a_patients_message_while_waiting_on_the_patient_resumes_at_its_time() {
    let policy = policy();
    let before = friday(&policy);
    let pause = asked(OverrideKind::Pause, OverrideReason::WaitingOnPatient);
    let decision = decide(&policy, new_york(22, "09:00"), &before, &pause).unwrap();
    let paused = ThreadView::after(Some(&before), &decision);
    assert_eq!(decision.tasks[0].business, Business::Paused);
    assert_eq!(waiting(&paused).fold.due_at, None);
    let resumed = written(&policy, new_york(22, "11:00"), Some(&paused));
    let clock = waiting(&resumed);
    assert_eq!((clock.fold.state, clock.fold.due_at), (ClockState::Running, Some(new_york(25, "10:00"))));
    assert_eq!(clock.promised_at, Some(new_york(24, "17:00")));
}

#[test]
fn a_pause_for_the_patient_ends_by_itself_after_five_open_days_once() {
    let policy = policy();
    let before = written(&policy, new_york(1, "09:00"), None);
    let pause = asked(OverrideKind::Pause, OverrideReason::WaitingOnPatient);
    let decision = decide(&policy, new_york(1, "10:00"), &before, &pause).unwrap();
    let mut view = ThreadView::after(Some(&before), &decision);
    let ends = new_york(8, "17:00");
    assert_eq!(waiting(&view).fold.paused_until, Some(ends), "by close of the fifth open day after Monday the 1st");
    // The promise passes on the way, and is recorded while it rests.
    let noticed = new_york(9, "03:00");
    let fired =
        fire(Setting { policy: &policy, now: noticed }, &view, waiting(&view), &mut Ids::new(noticed, 3)).unwrap();
    assert_eq!(fired.clock.fold.state, ClockState::Running);
    assert_eq!(fired.ledger[0].at, ends, "it goes on at the true instant, whenever that is noticed");
    assert_eq!(fired.thread.as_ref().unwrap().state, ThreadState::AwaitingTeam);
    assert!(fired.firings.iter().any(|firing| firing.threshold.starts_with("pause-ends")));
    assert!(fired.firings.iter().any(|firing| firing.threshold == PROMISE_MISSED));
    view.thread = fired.thread.unwrap();
    view.clocks.retain(|clock| clock.id != fired.clock.id);
    view.clocks.push(fired.clock);
    assert!(
        fire(Setting { policy: &policy, now: noticed }, &view, waiting(&view), &mut Ids::new(noticed, 4)).is_none()
    );
}

#[test]
fn a_person_may_shorten_a_pause_and_not_lengthen_it() {
    let policy = policy();
    let before = written(&policy, new_york(1, "09:00"), None);
    for (until, ends) in [(new_york(3, "12:00"), new_york(3, "12:00")), (new_york(20, "12:00"), new_york(8, "17:00"))] {
        let pause = Override { until: Some(until), ..asked(OverrideKind::Pause, OverrideReason::WaitingOnPatient) };
        let decision = decide(&policy, new_york(1, "10:00"), &before, &pause).unwrap();
        assert_eq!(waiting(&ThreadView::after(Some(&before), &decision)).fold.paused_until, Some(ends));
    }
}

#[test]
fn b2_an_override_that_resumes_moves_due_by_the_open_time_it_rested() {
    let policy = policy();
    let before = friday(&policy);
    let pause = asked(OverrideKind::Pause, OverrideReason::WaitingOnThirdParty);
    let paused = ThreadView::after(Some(&before), &decide(&policy, new_york(22, "09:00"), &before, &pause).unwrap());
    assert_eq!(waiting(&paused).fold.paused_until, None, "nothing caps a pause for somebody else");
    let resume = asked(OverrideKind::Resume, OverrideReason::ThirdPartyAnswered);
    let decision = decide(&policy, new_york(22, "12:00"), &paused, &resume).unwrap();
    let resumed = ThreadView::after(Some(&paused), &decision);
    assert_eq!(waiting(&resumed).fold.due_at, Some(new_york(25, "11:00")));
    assert_eq!(decide(&policy, new_york(22, "12:30"), &resumed, &resume), Err(Refusal::NotPaused));
}

#[test]
fn b21_pausing_does_not_move_a_due_instant_that_a_person_has_set() {
    let policy = policy();
    let before = friday(&policy);
    let due = new_york(24, "12:00");
    let set = Override { due: Some(due), ..asked(OverrideKind::SetDue, OverrideReason::ClinicalJudgement) };
    let mut view = ThreadView::after(Some(&before), &decide(&policy, new_york(22, "09:00"), &before, &set).unwrap());
    assert_eq!(waiting(&view).promised_at, Some(due), "a promise may move earlier");
    for (hour, kind, reason) in [
        ("10:00", OverrideKind::Pause, OverrideReason::WaitingOnPatient),
        ("15:00", OverrideKind::Resume, OverrideReason::PatientAnswered),
    ] {
        let decision = decide(&policy, new_york(22, hour), &view, &asked(kind, reason)).unwrap();
        view = ThreadView::after(Some(&view), &decision);
    }
    assert_eq!(waiting(&view).fold.due_at, Some(due));
}

#[test]
fn whoever_does_not_answer_for_the_pool_overrides_nothing() {
    let policy = policy();
    let (view, now) = (friday(&policy), new_york(22, "09:00"));
    let waive = asked(OverrideKind::Waive, OverrideReason::AnsweredByPhone);
    let attempt = |person: Option<&Reference>, pools: &[Reference], administrator| {
        let actor = Actor { person, pools, administrator };
        overrule(Setting { policy: &policy, now }, &view, &waive, actor, &mut Ids::new(now, 1)).map(drop)
    };
    let (lead, other, patient) =
        (reference("Practitioner/lead"), reference("Practitioner/other"), reference("Patient/p-1001"));
    let pool = view.thread.pool_reference.clone().unwrap();
    assert_eq!(attempt(Some(&other), &[], false), Err(Refusal::NotAMember));
    assert_eq!(attempt(Some(&patient), &[pool], false), Err(Refusal::NotAPerson));
    assert_eq!(attempt(None, &[], false), Err(Refusal::NotAPerson));
    assert_eq!(attempt(Some(&lead), &[], false), Ok(()));
    assert_eq!(attempt(None, &[], true), Ok(()));
}

#[test]
fn an_override_that_says_too_much_or_too_little_is_refused_with_a_code() {
    let policy = policy();
    let (view, now) = (friday(&policy), new_york(22, "09:00"));
    let extend = asked(OverrideKind::Extend, OverrideReason::Staffing);
    let set = asked(OverrideKind::SetDue, OverrideReason::Staffing);
    let cases = [
        (extend.clone(), "amount-unfit"),
        (Override { amount: Some(Span::default()), ..extend.clone() }, "amount-unfit"),
        (Override { amount: Some(Span::hours(401)), ..extend }, "amount-unfit"),
        (set.clone(), "not-ahead"),
        (Override { due: Some(now), ..set.clone() }, "not-ahead"),
        (Override { due: Some(now.plus(400 * 86_400)), ..set.clone() }, "not-ahead"),
        (Override { until: Some(now.plus(60)), ..set }, "member-misplaced"),
        (asked(OverrideKind::Waive, OverrideReason::ThanksOnly), "reason-unfit"),
        (asked(OverrideKind::Resume, OverrideReason::PatientAnswered), "not-paused"),
    ];
    for (asked, code) in cases {
        let refusal = decide(&policy, now, &view, &asked).unwrap_err();
        assert_eq!(refusal.code(), code);
        assert!(!refusal.remedy().is_empty());
    }
}

#[test]
fn b18_what_is_owed_under_a_bundle_that_was_to_be_cancelled_falls_away_and_the_next_is_left_alone() {
    let before = policy();
    let view = friday(&before);
    let now = new_york(22, "09:00");
    let cancelled = |policy: &Policy, clock: &Clock| {
        let asked = (CancelReason::ClinicCloses, [].as_slice());
        withdraw(Setting { policy, now }, &view, clock, asked, &mut Ids::new(now, 3)).map(|(fired, _)| fired)
    };
    assert!(cancelled(&before, waiting(&view)).is_none(), "it is the one in force");
    let mut bundle = before.bundle.clone();
    bundle.version += 1;
    let after = Policy::compile(bundle, &Directory::default(), 2, now).unwrap();
    let done = cancelled(&after, waiting(&view)).unwrap();
    assert_eq!((done.clock.fold.state, done.clock.next.as_ref()), (ClockState::Cancelled, None));
    let thread = done.thread.as_ref().unwrap();
    assert!(thread.needs_review && thread.task.is_none(), "the patient waits: a person must look");
    assert!(done.record.effects.iter().any(|effect| effect.what == "clinic-closes"));
    assert!(done.outbox.iter().all(|row| row.recipient.is_none()), "nobody is warned any more");
    assert!(cancelled(&after, &done.clock).is_none(), "once");
}

//! Clocks beside the answer itself: opening, the present team's, the matter's; hand-overs, merges, and waiting.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::clock::{Clock, ClockName, ClockState, Event, Fold, LedgerEntry};
use domain::decide::{
    Actor, MergeReason, Refusal, RouteReason, Setting, claim, fire, merge, open, overrule, route, send,
};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::bundle::Bundle;
use domain::policy::turnaround::PauseReason;
use domain::policy::{DEFAULT_BUNDLE, Policy};
use domain::store::ThreadView;
use domain::thread::{Priority, ThreadState};
use domain::time::Instant;
use serde_json::{Value, json};

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

/// The default bundle with two pools, and with clocks of the team and of the matter.
fn policy(team_starts: &str, on_reopen: &str) -> Policy {
    let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    let pool = |id: &str| json!({ "id": id, "reference": format!("HealthcareService/{id}"), "leads": ["Practitioner/lead"], "calendar": "clinic" });
    document["pools"] = json!([pool("default"), pool("other")]);
    for turnaround in document["turnaround"].as_array_mut().unwrap() {
        let targets = turnaround["clocks"][0]["targets"].clone();
        let clocks = turnaround["clocks"].as_array_mut().unwrap();
        clocks.push(json!({ "id": "team", "starts": team_starts, "stops": "human-reply",
            "calendar": { "of": "answering-pool" }, "targets": targets }));
        clocks.push(
            json!({ "id": "resolve", "starts": "thread-opened", "stops": "thread-resolved", "onReopen": on_reopen,
            "pausesWhile": ["waiting-on-patient"], "calendar": { "of": "answering-pool" }, "targets": targets }),
        );
    }
    Policy::compile(
        Bundle::read(&document.to_string()).unwrap(),
        &domain::policy::Directory::default(),
        1,
        june(1, "00:00"),
    )
    .unwrap()
}

fn message(id: &str, sender: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        ..Message::new(id.parse().unwrap(), reference(sender), "A refill, please.")
    }
}

fn patient() -> Message {
    message("m1", "Patient/p-1001")
}

fn answer(awaits: Option<PauseReason>) -> Message {
    Message { awaits, recipients: vec![reference("Patient/p-1001")], ..message("m2", "Practitioner/nurse") }
}

fn sent(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> (Decision, ThreadView) {
    let seed = u128::try_from(now.as_second()).unwrap();
    let decision = send(Setting { policy, now }, message, view, &mut Ids::new(now, seed)).unwrap();
    let view = ThreadView::after(view, &decision);
    (decision, view)
}

fn of(clocks: &[Clock], name: ClockName) -> Option<&Clock> {
    clocks.iter().rev().find(|clock| clock.name == name)
}

fn staff<'a>(person: &'a Reference, pools: &'a [Reference]) -> Actor<'a> {
    Actor { person: Some(person), pools, administrator: false }
}

fn pools() -> [Reference; 2] {
    [reference("HealthcareService/default"), reference("HealthcareService/other")]
}

fn resolve() -> Override {
    Override {
        kind: OverrideKind::Resolve,
        reason: OverrideReason::MatterClosed,
        amount: None,
        due: None,
        until: None,
        note: None,
        sender: None,
    }
}

#[test]
fn b8_a_hand_over_leaves_the_patients_clock_alone_and_starts_the_next_run_of_the_teams() {
    let policy = policy("handed-to-pool", "new-cycle");
    let (nurse, pools) = (reference("Practitioner/nurse"), pools());
    let (_, before) = sent(&policy, june(19, "09:00"), &patient(), None);
    assert!(of(&before.clocks, ClockName::Team).is_none(), "nobody has handed anything over");
    let waiting = of(&before.clocks, ClockName::NextResponse).unwrap();
    let handed = |view: &ThreadView, to: &str, now| {
        let to = policy.pool(to).unwrap();
        route(
            Setting { policy: &policy, now },
            view,
            to,
            RouteReason::WrongPool,
            staff(&nurse, &pools),
            &mut Ids::new(now, 3),
        )
    };
    let decision = handed(&before, "other", june(19, "11:00")).unwrap();
    let view = ThreadView::after(Some(&before), &decision);
    let after = of(&view.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((&after.fold, after.promised_at, after.cycle), (&waiting.fold, waiting.promised_at, waiting.cycle));
    assert_eq!((after.terms.pool.as_str(), after.terms.counted_by.as_str()), ("other", "HealthcareService/default"));
    let team = of(&view.clocks, ClockName::Team).unwrap();
    assert_eq!((team.cycle, team.fold.due_at), (1, Some(june(19, "15:00"))), "four open hours from the hand-over");
    assert_eq!((decision.record.outcome, view.thread.pool.as_deref()), (Outcome::HandedOver, Some("other")));
    assert_eq!(decision.tasks[0].pool, Some(reference("HealthcareService/other")));
    assert_eq!(handed(&view, "other", june(19, "12:00")).unwrap_err(), Refusal::SamePool);

    let back = handed(&view, "default", june(19, "13:00")).unwrap();
    let ended = back.clocks.iter().find(|clock| clock.id == team.id).unwrap();
    assert_eq!(ended.fold.state, ClockState::Cancelled);
    let view = ThreadView::after(Some(&view), &back);
    let team = of(&view.clocks, ClockName::Team).unwrap();
    assert_eq!((team.cycle, team.fold.due_at), (2, Some(june(19, "17:00"))));
    let (answered, _) = sent(&policy, june(19, "14:00"), &answer(None), Some(&view));
    for name in [ClockName::Team, ClockName::NextResponse] {
        assert_eq!(of(&answered.clocks, name).unwrap().fold.state, ClockState::Met);
    }
}

#[test]
fn only_who_answers_for_the_pool_hands_over() {
    let policy = policy("handed-to-pool", "new-cycle");
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    let now = june(19, "10:00");
    let to = policy.pool("other").unwrap();
    let (stranger, patient) = (reference("Practitioner/x"), reference("Patient/p-1001"));
    for (person, refusal) in [(&stranger, Refusal::NotAMember), (&patient, Refusal::NotAPerson)] {
        let other = [reference("HealthcareService/other")];
        let refused = route(
            Setting { policy: &policy, now },
            &view,
            to,
            RouteReason::Workload,
            staff(person, &other),
            &mut Ids::new(now, 3),
        );
        assert_eq!(refused.unwrap_err(), refusal);
    }
}

#[test]
fn an_assigned_team_clock_begins_with_the_claim() {
    let policy = policy("assigned", "new-cycle");
    let (nurse, pools) = (reference("Practitioner/nurse"), pools());
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    assert!(of(&view.clocks, ClockName::Team).is_none());
    let now = june(19, "10:00");
    let claimed = claim(Setting { policy: &policy, now }, &view, Some(&nurse), &pools, &mut Ids::new(now, 2)).unwrap();
    let view = ThreadView::after(Some(&view), &claimed);
    let team = of(&view.clocks, ClockName::Team).unwrap();
    assert_eq!((team.fold.started_at, team.fold.due_at), (Some(now), Some(june(19, "14:00"))));
    assert!(of(&view.clocks, ClockName::FirstOpened).is_none(), "claiming is opening");
}

#[test]
fn who_says_that_they_have_opened_it_meets_the_first_clock_once() {
    let policy = policy("assigned", "new-cycle");
    let (nurse, pools) = (reference("Practitioner/nurse"), pools());
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    let now = june(19, "10:00");
    let opened = |view: &ThreadView| {
        open(Setting { policy: &policy, now }, view, staff(&nurse, &pools), &mut Ids::new(now, 2)).unwrap()
    };
    let decision = opened(&view);
    assert_eq!(decision.clocks.len(), 1);
    assert_eq!((decision.clocks[0].name, decision.clocks[0].fold.state), (ClockName::FirstOpened, ClockState::Met));
    let view = ThreadView::after(Some(&view), &decision);
    assert!(of(&view.clocks, ClockName::NextResponse).is_some(), "the answer is still owed");
    let again = opened(&view);
    assert!(again.clocks.is_empty() && again.outbox.is_empty() && again.thread == view.thread);
}

#[test]
fn b4_an_answer_that_waits_for_the_patient_meets_the_response_and_rests_the_matter() {
    let policy = policy("assigned", "new-cycle");
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    let (answered, view) = sent(&policy, june(19, "10:00"), &answer(Some(PauseReason::WaitingOnPatient)), Some(&view));
    let met = of(&answered.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((met.fold.state, met.fold.used.to_string()), (ClockState::Met, "PT1H".to_owned()));
    assert_eq!((view.thread.state, view.thread.task.as_ref()), (ThreadState::WaitingOnPatient, None));
    let matter = of(&view.clocks, ClockName::Resolve).unwrap();
    assert_eq!((matter.fold.state, matter.fold.paused_until), (ClockState::Paused, Some(june(26, "17:00"))));
    // The patient's answer begins the next obligation, and the matter goes on at its time.
    let (_, view) = sent(&policy, june(22, "09:00"), &patient(), Some(&view));
    assert_eq!(of(&view.clocks, ClockName::NextResponse).unwrap().fold.started_at, Some(june(22, "09:00")));
    let matter = of(&view.clocks, ClockName::Resolve).unwrap();
    assert_eq!((matter.fold.state, matter.cycle), (ClockState::Running, 1));
    assert_eq!(matter.fold.due_at, Some(june(22, "12:00")), "one of its four hours was used");
}

#[test]
fn a_matter_that_rests_alone_goes_on_at_its_cap_and_nobody_is_waited_for_any_more() {
    let policy = policy("assigned", "new-cycle");
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    let (_, view) = sent(&policy, june(19, "10:00"), &answer(Some(PauseReason::WaitingOnPatient)), Some(&view));
    let now = june(28, "09:00");
    let matter = of(&view.clocks, ClockName::Resolve).unwrap();
    let fired = fire(Setting { policy: &policy, now }, &view, matter, &mut Ids::new(now, 5)).unwrap();
    assert_eq!(fired.clock.fold.state, ClockState::Running);
    assert_eq!(fired.thread.unwrap().state, ThreadState::Answered);
}

#[test]
fn the_matters_clock_runs_through_answers_and_is_met_when_it_is_closed() {
    let (nurse, pools) = (reference("Practitioner/nurse"), pools());
    for (on_reopen, again) in [("new-cycle", true), ("none", false)] {
        let policy = policy("assigned", on_reopen);
        let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
        let (_, view) = sent(&policy, june(19, "10:00"), &answer(None), Some(&view));
        let (_, view) = sent(&policy, june(19, "10:30"), &patient(), Some(&view));
        let matter = of(&view.clocks, ClockName::Resolve).unwrap();
        assert_eq!((matter.cycle, matter.fold.started_at), (1, Some(june(19, "09:00"))), "the same run goes on");
        let now = june(19, "11:00");
        let closed =
            overrule(Setting { policy: &policy, now }, &view, &resolve(), staff(&nurse, &pools), &mut Ids::new(now, 4))
                .unwrap();
        let state = |name| of(&closed.clocks, name).unwrap().fold.state;
        assert_eq!(
            (state(ClockName::Resolve), state(ClockName::NextResponse)),
            (ClockState::Met, ClockState::Cancelled)
        );
        let view = ThreadView::after(Some(&view), &closed);
        assert!(view.clocks.is_empty(), "c10: a closed thread has no timers left");
        // b9: what reopens it begins anew.
        let (_, view) = sent(&policy, june(22, "09:00"), &patient(), Some(&view));
        let reopened = of(&view.clocks, ClockName::Resolve).map(|clock| (clock.cycle, clock.fold.started_at));
        assert_eq!(reopened, again.then_some((3, Some(june(22, "09:00")))), "{on_reopen}");
        assert!(of(&view.clocks, ClockName::NextResponse).is_some(), "an answer is owed in any case");
    }
}

#[test]
fn b12_a_thread_that_staff_begin_owes_nothing_until_the_patient_writes() {
    let policy = policy("assigned", "new-cycle");
    let (decision, view) = sent(&policy, june(19, "09:00"), &answer(None), None);
    assert!(decision.clocks.is_empty() && decision.tasks.is_empty());
    let (_, view) = sent(&policy, june(22, "10:00"), &patient(), Some(&view));
    let waiting = of(&view.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((waiting.cycle, waiting.fold.started_at), (1, Some(june(22, "10:00"))));
}

#[test]
fn b23_one_clock_alone_runs_for_the_answer_whatever_is_written() {
    let policy = policy("assigned", "new-cycle");
    let (_, mut view) = sent(&policy, june(19, "09:00"), &patient(), None);
    for (day, time, message) in [
        (19, "09:30", patient()),
        (19, "10:00", answer(None)),
        (19, "10:30", patient()),
        (19, "11:00", Message { priority: Some(Priority::Stat), ..patient() }),
        (22, "09:00", patient()),
    ] {
        view = sent(&policy, june(day, time), &message, Some(&view)).1;
        let owed = view.clocks.iter().filter(|clock| clock.name == ClockName::NextResponse).count();
        assert_eq!(owed, usize::from(message.from_patient()));
    }
}

#[test]
fn a_raised_urgency_hurries_whoever_is_to_open_it_too() {
    let policy = policy("assigned", "new-cycle");
    let (_, view) = sent(&policy, june(19, "09:00"), &patient(), None);
    let stat = Message { priority: Some(Priority::Stat), ..patient() };
    let (decision, _) = sent(&policy, june(19, "10:00"), &stat, Some(&view));
    for name in [ClockName::FirstOpened, ClockName::NextResponse] {
        let clock = of(&decision.clocks, name).unwrap();
        assert_eq!(clock.fold.due_at, Some(june(19, "10:00")), "thirty minutes had passed already: {name}");
    }
}

fn merged(
    policy: &Policy,
    into: &ThreadView,
    (from, ledger): (&ThreadView, &[LedgerEntry]),
    now: Instant,
) -> Result<(Decision, Decision), Refusal> {
    let (nurse, pools) = (reference("Practitioner/nurse"), pools());
    merge(
        Setting { policy, now },
        into,
        (from, ledger),
        MergeReason::SameMatter,
        staff(&nurse, &pools),
        &mut Ids::new(now, 8),
    )
}

/// A thread in which the patient waits, with its ledger.
fn thread(policy: &Policy, id: &str, now: Instant) -> (ThreadView, Vec<LedgerEntry>) {
    let (decision, view) = sent(policy, now, &message(id, "Patient/p-1001"), None);
    (view, decision.ledger)
}

#[test]
fn b17_a_merge_cancels_the_clocks_of_one_with_a_link_and_the_earliest_unanswered_wins_in_the_other() {
    let policy = policy("assigned", "new-cycle");
    let ((a, _), (b, ledger)) = (thread(&policy, "a", june(22, "10:00")), thread(&policy, "b", june(19, "10:00")));
    let earlier = of(&b.clocks, ClockName::NextResponse).unwrap();
    let (kept, ended) = merged(&policy, &a, (&b, &ledger), june(22, "11:00")).unwrap();
    assert!(ended.clocks.iter().all(|clock| clock.fold.state == ClockState::Cancelled && clock.next.is_none()));
    let link = format!("{:?}", ended.ledger);
    assert!(link.contains("merged-into Communication/a"), "{link}");
    assert_eq!(ended.thread.merged_into, Some("a".parse().unwrap()));
    assert_eq!(ended.tasks[0].status.as_str(), "cancelled");
    let clock = of(&kept.clocks, ClockName::NextResponse).unwrap();
    assert_eq!(clock.id, of(&a.clocks, ClockName::NextResponse).unwrap().id);
    assert_eq!((clock.fold.due_at, clock.promised_at), (earlier.fold.due_at, earlier.promised_at));
    assert_eq!(kept.thread.patient_messages, 2);
    let (view, gone) = (ThreadView::after(Some(&a), &kept), ThreadView::after(Some(&b), &ended));
    assert_eq!(merged(&policy, &view, (&gone, &ledger), june(22, "12:00")).unwrap_err(), Refusal::Merged);
}

#[test]
fn b17_a_merge_into_an_answered_thread_takes_the_obligation_over() {
    let policy = policy("assigned", "new-cycle");
    let (a, _) = thread(&policy, "a", june(18, "10:00"));
    let (_, a) = sent(&policy, june(18, "11:00"), &answer(None), Some(&a));
    let (b, ledger) = thread(&policy, "b", june(19, "10:00"));
    let before = of(&b.clocks, ClockName::NextResponse).unwrap();
    let (kept, _) = merged(&policy, &a, (&b, &ledger), june(22, "11:00")).unwrap();
    let clock = of(&kept.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((clock.cycle, clock.thread.as_str()), (2, "a"));
    assert_eq!((clock.fold.started_at, clock.fold.due_at), (before.fold.started_at, before.fold.due_at));
    assert_eq!((clock.promised_at, kept.thread.task.as_ref()), (before.promised_at, clock.task.as_ref()));
    assert_eq!(kept.thread.state, ThreadState::AwaitingTeam);
}

#[test]
fn b17_what_rested_in_a_thread_that_is_taken_over_has_not_used_its_time() {
    let policy = policy("assigned", "new-cycle");
    let (a, _) = thread(&policy, "a", june(18, "10:00"));
    let (_, a) = sent(&policy, june(18, "11:00"), &answer(None), Some(&a));
    let (mut b, mut ledger) = thread(&policy, "b", june(19, "10:00"));
    for clock in b.clocks.iter_mut().filter(|clock| clock.name == ClockName::NextResponse) {
        let waits = Event::Pause { reason: "waiting-on-patient".into(), until: None };
        ledger.push(clock.record(june(19, "12:00"), waits, &policy));
    }
    let before = of(&b.clocks, ClockName::NextResponse).unwrap();
    let (kept, _) = merged(&policy, &a, (&b, &ledger), june(22, "11:00")).unwrap();
    let clock = of(&kept.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((&clock.fold, clock.fold.used), (&before.fold, domain::time::Span::hours(2)));
    let own: Vec<LedgerEntry> = kept.ledger.iter().filter(|entry| entry.clock == clock.id).cloned().collect();
    assert_eq!(Fold::of(&own, &policy), clock.fold, "its ledger tells the same");
    let went_on = clock.fold.clone().then(june(22, "12:00"), &Event::Resume, &policy);
    let due = before.fold.clone().then(june(22, "12:00"), &Event::Resume, &policy).due_at;
    assert_eq!(went_on.due_at, due);
}

#[test]
fn b17_b2_the_earlier_due_that_a_merge_brings_moves_with_a_pause() {
    let policy = policy("assigned", "new-cycle");
    let ((a, _), (b, ledger)) = (thread(&policy, "a", june(22, "10:00")), thread(&policy, "b", june(19, "10:00")));
    let (kept, _) = merged(&policy, &a, (&b, &ledger), june(22, "11:00")).unwrap();
    let mut clock = of(&kept.clocks, ClockName::NextResponse).unwrap().clone();
    assert_eq!(clock.fold.due_at, Some(june(23, "17:00")));
    let waits = Event::Pause { reason: "waiting-on-patient".into(), until: None };
    clock.record(june(22, "12:00"), waits, &policy);
    clock.record(june(22, "14:00"), Event::Resume, &policy);
    assert_eq!(clock.fold.due_at, Some(june(24, "10:00")), "two open hours later");
}

#[test]
fn b5_b2_a_raised_urgency_counts_what_was_used_and_not_what_rested() {
    let policy = policy("assigned", "new-cycle");
    let (mut view, _) = thread(&policy, "a", june(18, "09:00"));
    for clock in &mut view.clocks {
        clock.record(june(18, "10:00"), Event::Pause { reason: "waiting-on-patient".into(), until: None }, &policy);
    }
    view.thread.state = ThreadState::WaitingOnPatient;
    let urgent = Message { priority: Some(Priority::Urgent), ..patient() };
    let (decision, view) = sent(&policy, june(22, "10:00"), &urgent, Some(&view));
    let mut clock = of(&decision.clocks, ClockName::NextResponse).unwrap().clone();
    let hour = domain::time::Span::hours;
    assert_eq!((clock.fold.used, clock.fold.due_at), (hour(1), Some(june(22, "13:00"))), "three of four hours remain");
    assert_eq!(clock.fold.allowance, hour(4), "a share is of those four");
    // It rests again, and goes on again: the raised target moves as any other.
    clock.record(june(22, "11:00"), Event::Pause { reason: "waiting-on-patient".into(), until: None }, &policy);
    clock.record(june(22, "15:00"), Event::Resume, &policy);
    assert_eq!(clock.fold.due_at, Some(june(22, "17:00")));
    assert!(of(&view.clocks, ClockName::FirstOpened).is_some());
}

#[test]
fn b17_a_later_thread_moves_neither_due_nor_promise() {
    let policy = policy("assigned", "new-cycle");
    let ((a, _), (b, ledger)) = (thread(&policy, "a", june(19, "10:00")), thread(&policy, "b", june(22, "10:00")));
    let before = of(&a.clocks, ClockName::NextResponse).unwrap();
    let (kept, _) = merged(&policy, &a, (&b, &ledger), june(22, "11:00")).unwrap();
    let clock = of(&kept.clocks, ClockName::NextResponse).unwrap();
    assert_eq!((&clock.fold, clock.promised_at), (&before.fold, before.promised_at));
}

#[test]
fn threads_of_two_patients_and_a_thread_with_itself_are_not_merged() {
    let policy = policy("assigned", "new-cycle");
    let (a, _) = thread(&policy, "a", june(19, "10:00"));
    let (mut b, ledger) = thread(&policy, "b", june(22, "10:00"));
    let now = june(22, "11:00");
    assert_eq!(merged(&policy, &a, (&a, &ledger), now).unwrap_err(), Refusal::SameThread);
    b.thread.patient = Some(reference("Patient/p-2"));
    assert_eq!(merged(&policy, &a, (&b, &ledger), now).unwrap_err(), Refusal::OtherPatient);
    b.thread.patient = None;
    assert_eq!(merged(&policy, &a, (&b, &ledger), now).unwrap_err(), Refusal::OtherPatient);
    b.thread.patient.clone_from(&a.thread.patient);
    b.thread.pool_reference = Some(reference("HealthcareService/third"));
    assert_eq!(merged(&policy, &a, (&b, &ledger), now).unwrap_err(), Refusal::NotAMember);
}

//! Holds: who is told, what the patient is told, and what becomes of a held message. Blocks.

use domain::clock::{ClockName, Event};
use domain::decide::{Actor, Refusal, Setting, fire, overrule};
use domain::decision::Outcome;
use domain::hold::{HoldState, Review, ReviewOutcome};
use domain::id::Ids;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::store::ThreadView;
use domain::task::Status;
use serde_json::json;

use crate::world::*;

/// One thread a day, and the second is held: Thursday at 10:00.
fn holding() -> (World, domain::decision::Decision) {
    let mut world = World::new(policy(|whole| whole["limits"] = json!([limit("sender-new-threads", 1, "PT24H")])));
    world.begin(june(18, "09:00"), "One.");
    let held = world.begin(june(18, "10:00"), "Two.");
    (world, held)
}

#[test]
fn a_held_message_is_answered_at_once_and_given_to_the_leads_with_a_clock_of_its_own() {
    let (_, held) = holding();
    let reply = held.reply.as_ref().unwrap();
    assert!(reply.text.contains("a person will look at it") && reply.text.contains("911"), "{}", reply.text);
    assert!(held.thread.pool_reference.is_none(), "the conversation is nobody's yet");
    assert_eq!(held.thread.patient_messages, 0);
    let review = clock(&held, ClockName::Review).unwrap();
    assert_eq!(review.fold.due_at, Some(june(18, "14:00")), "four open hours");
    assert!(clock(&held, ClockName::NextResponse).is_none());
    let task = &held.tasks[0];
    assert_eq!((task.status, task.review, task.owner.as_ref()), (Status::Requested, true, Some(&reference(LEAD))));
    assert_eq!(task.focus, held.hold.as_ref().unwrap().message);
    let told: Vec<_> = held.outbox.iter().filter_map(|row| row.recipient.as_deref()).collect();
    assert_eq!(told, [LEAD]);
    let topics: Vec<_> = held.outbox.iter().map(|row| row.topic.as_str()).collect();
    assert_eq!(topics, ["held-for-review", "hold-for-review"], "nobody else hears of a message");
}

#[test]
fn a_review_that_is_late_is_told_to_the_leads_and_then_to_the_supervisors() {
    let (world, held) = holding();
    let view = &world.threads[&held.thread.id];
    let mut review = clock(&held, ClockName::Review).unwrap().clone();
    let mut told = vec![];
    for now in [june(18, "12:00"), june(18, "14:00").plus(1), june(19, "09:00")] {
        let setting = Setting { policy: &world.policy, now };
        let fired = fire(setting, view, &review, &mut Ids::new(now, 9)).unwrap();
        told.extend(fired.outbox.iter().filter_map(|row| Some((row.topic.clone(), row.recipient.clone()?))));
        review = fired.clock;
    }
    let expected = [
        ("review-due-soon", LEAD),
        ("review-overdue", "CareTeam/supervisors"),
        ("review-late", "CareTeam/supervisors"),
    ];
    assert_eq!(told, expected.map(|(topic, to)| (topic.to_owned(), to.to_owned())));
}

#[test]
fn a_released_message_is_owed_an_answer_from_its_receipt_and_the_review_is_met() {
    let (mut world, held) = holding();
    let id = held.hold.unwrap().message;
    // Received on Thursday at 10:00, released on Friday: due is that of a message that was never held.
    let released = world.review(june(19, "11:00"), &id, LEAD, &delivering()).unwrap();
    let waiting = clock(&released, ClockName::NextResponse).unwrap();
    assert_eq!(waiting.fold.started_at, Some(june(18, "10:00")));
    assert_eq!(waiting.fold.due_at, Some(june(22, "17:00")));
    assert_eq!(waiting.promised_at, waiting.fold.due_at, "the patient is told by when");
    assert_eq!(clock(&released, ClockName::Review).unwrap().fold.state.as_str(), "met-late");
    assert_eq!(released.hold.as_ref().unwrap().state, HoldState::Released);
    assert_eq!(released.thread.pool.as_deref(), Some("default"));
    assert_eq!((released.record.outcome, released.thread.patient_messages), (Outcome::Released, 1));
    let topics: Vec<_> = released.outbox.iter().map(|row| row.topic.as_str()).collect();
    assert!(topics.contains(&"message-released") && topics.contains(&"message-received"), "{topics:?}");
    assert!(matches!(world.review(june(19, "11:01"), &id, LEAD, &delivering()), Err(Refusal::NotHeld)));
}

#[test]
fn a_held_message_in_a_conversation_leaves_what_is_owed_alone_and_its_release_moves_due_only_earlier() {
    let limits = json!([limit("sender-thread", 1, "PT24H")]);
    let mut world = World::new(policy(|whole| whole["limits"] = limits));
    let thread = world.begin(june(18, "09:00"), "One.").thread.id;
    let before = world.threads[&thread].clone();
    let held = world.send(june(18, "10:00"), message(PATIENT, "Two."), Some(&thread));
    assert_eq!(held.clocks.len(), 1, "the review alone");
    assert_eq!((held.thread.state, held.thread.cycle), (before.thread.state, before.thread.cycle));
    // The team answers the first message; later an urgent one, which passes, begins the next cycle.
    world.send(june(18, "11:00"), message("Practitioner/nurse", "An answer."), Some(&thread));
    assert_eq!(world.threads[&thread].clocks.len(), 1, "the answer does not review what is held");
    let next = world.send(june(19, "12:00"), message(PATIENT, "Three, a day later."), Some(&thread));
    assert_eq!(clock(&next, ClockName::NextResponse).unwrap().fold.due_at, Some(june(23, "17:00")));
    let id = held.hold.unwrap().message;
    let released = world.review(june(19, "13:00"), &id, LEAD, &delivering()).unwrap();
    let waiting = clock(&released, ClockName::NextResponse).unwrap();
    assert_eq!(waiting.fold.due_at, Some(june(22, "17:00")), "two open days from its receipt on Thursday");
}

#[test]
fn a_held_answer_of_the_patient_ends_the_waiting_when_it_is_received_and_not_when_it_is_released() {
    let limits = json!([limit("sender-thread", 1, "PT240H")]);
    let [released_at_once, later] = [june(23, "09:00"), june(24, "09:00")].map(|released| {
        let limits = limits.clone();
        let mut world = World::new(policy(|whole| whole["limits"] = limits));
        let thread = world.begin(june(22, "09:00"), "One.").thread.id;
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
        let (view, now) = (world.threads[&thread].clone(), june(22, "10:00"));
        let setting = Setting { policy: &world.policy, now };
        let paused = overrule(setting, &view, &pause, actor, &mut Ids::new(now, 7)).unwrap();
        world.threads.insert(thread.clone(), ThreadView::after(Some(&view), &paused));
        let held = world.send(june(23, "09:00"), message(PATIENT, "Two."), Some(&thread));
        let id = held.hold.unwrap().message;
        let decision = world.review(released, &id, LEAD, &delivering()).unwrap();
        let waiting = clock(&decision, ClockName::NextResponse).unwrap().clone();
        let resumed = decision.ledger.iter().find(|entry| entry.event == Event::Resume).unwrap();
        assert_eq!(resumed.at, june(23, "09:00"));
        waiting.fold.due_at
    });
    assert_eq!(released_at_once, later);
}

#[test]
fn a_lead_may_send_it_to_another_pool_or_say_that_it_was_answered_and_nothing_else() {
    let (mut world, held) = holding();
    let id = held.hold.unwrap().message;
    let review = |outcome, reason, pool: Option<&str>| Review { outcome, reason, pool: pool.map(str::to_owned) };
    let (deliver, answered) = (ReviewOutcome::Deliver, ReviewOutcome::Answered);
    let refuse = |world: &mut World, review: &Review| world.review(june(18, "11:00"), &id, LEAD, review).unwrap_err();
    let phone = OverrideReason::AnsweredByPhone;
    assert_eq!(refuse(&mut world, &review(deliver, phone, None)), Refusal::ReasonUnfit);
    assert_eq!(refuse(&mut world, &review(answered, OverrideReason::Reviewed, None)), Refusal::ReasonUnfit);
    assert_eq!(refuse(&mut world, &review(deliver, OverrideReason::Reviewed, Some("x"))), Refusal::NoSuchPool);
    let misplaced = review(answered, phone, Some("billing"));
    assert_eq!(refuse(&mut world, &misplaced), Refusal::Misplaced { member: "pool" });
    for stranger in ["Practitioner/nurse", "Practitioner/billing-lead", PATIENT] {
        let refused = world.review(june(18, "11:00"), &id, stranger, &delivering());
        assert_eq!(refused.unwrap_err(), Refusal::NotALead, "{stranger}");
    }
    let elsewhere = review(deliver, OverrideReason::Reviewed, Some("billing"));
    let mut other = World::new(world.policy.clone());
    other.threads.clone_from(&world.threads);
    other.held.clone_from(&world.held);
    let released = other.review(june(18, "11:00"), &id, LEAD, &elsewhere).unwrap();
    assert_eq!(released.thread.pool.as_deref(), Some("billing"));

    let done = world.review(june(18, "11:00"), &id, LEAD, &review(answered, phone, None)).unwrap();
    assert_eq!(done.hold.unwrap().state, HoldState::Answered);
    assert!(done.clocks.iter().all(|clock| clock.name == ClockName::Review), "no answer is owed");
    assert_eq!(done.thread.pool.as_deref(), Some("default"), "the pool sees it from now on");
}

#[test]
fn what_nobody_reviews_is_delivered_when_its_longest_hold_is_over() {
    let (mut world, held) = holding();
    let kept = held.hold.unwrap();
    assert!(world.expire(kept.until.plus(-1), &kept.message).is_none());
    let delivered = world.expire(kept.until, &kept.message).unwrap();
    assert_eq!(delivered.hold.as_ref().unwrap().state, HoldState::Delivered);
    assert!(delivered.thread.needs_review);
    let task = delivered.tasks.iter().find(|task| !task.review).unwrap();
    assert_eq!(task.marks, ["needs-review"]);
    assert!(clock(&delivered, ClockName::NextResponse).is_some());
    assert_eq!(clock(&delivered, ClockName::Review).unwrap().fold.state.as_str(), "cancelled");
    assert!(world.expire(kept.until.plus(1), &kept.message).is_none(), "once");
}

#[test]
fn what_a_blocked_person_writes_to_the_pool_is_held_and_answered_with_another_way_until_the_block_ends() {
    let mut world = World::new(policy(|_| {}));
    world.block(june(18, "08:00"), "default", june(20, "08:00"));
    let held = world.begin(june(18, "09:00"), "You again.");
    assert!(is_held(&held));
    let reply = held.reply.as_ref().unwrap();
    assert!(reply.text.contains("the number on your card"), "{}", reply.text);
    let mut elsewhere = message(PATIENT, "A bill.");
    elsewhere.recipients = vec![reference("HealthcareService/billing")];
    assert!(!is_held(&world.send(june(18, "09:10"), elsewhere, None)), "the block is one pool's");
    assert!(!is_held(&world.begin(june(18, "09:20"), "chest pain")), "a red flag passes");
    assert!(!is_held(&world.send(june(18, "09:30"), message("Patient/other", "Hello."), None)));
    assert!(!is_held(&world.begin(june(20, "08:00"), "Hello again.")));
}

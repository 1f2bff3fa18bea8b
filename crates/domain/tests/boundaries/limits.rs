//! Limits: what is counted, what is held, and what always passes.

use domain::decision::Outcome;
use domain::hold::HoldCause;
use domain::overrides::OverrideKind;
use domain::thread::Priority;
use serde_json::{Value, json};

use crate::world::*;

fn limited(limits: Value) -> World {
    World::new(policy(|whole| whole["limits"] = limits))
}

#[test]
fn three_new_threads_a_day_pass_and_the_fourth_is_held_until_the_first_has_left_the_window() {
    let mut world = limited(json!([limit("sender-new-threads", 3, "PT24H")]));
    for hour in ["08:00", "09:00", "10:00"] {
        assert!(!is_held(&world.begin(june(18, hour), "A question.")));
    }
    let fourth = world.begin(june(18, "11:00"), "One more.");
    let hold = fourth.hold.clone().unwrap();
    assert_eq!((hold.cause, hold.rule.as_str()), (HoldCause::Limit, "sender-new-threads-3"));
    assert_eq!(hold.until, june(21, "11:00"), "72 hours is later than the end of the window");
    assert_eq!(fourth.record.outcome, Outcome::HeldForReview);
    let counted = &fourth.record.limits[0];
    assert_eq!((counted.count, counted.max, counted.exceeded), (3, 3, true));
    assert!(!is_held(&world.begin(june(19, "08:00"), "The next day.")), "the first has left the window");
    assert!(is_held(&world.begin(june(19, "08:30"), "And again.")), "what was held is not counted, the rest is");
}

#[test]
fn a_hold_lasts_until_the_message_would_have_fitted_when_that_is_later() {
    let mut limit = limit("sender-new-threads", 1, "P7D");
    limit["longestHold"] = json!("PT48H");
    let mut world = limited(json!([limit]));
    world.begin(june(15, "08:00"), "A question.");
    let held = world.begin(june(16, "08:00"), "Another.").hold.unwrap();
    assert_eq!(held.until, june(22, "08:00"));
}

#[test]
fn a_text_in_parts_counts_once_and_a_thread_that_goes_on_is_no_new_one() {
    let mut world = limited(json!([limit("sender", 2, "PT24H"), limit("sender-new-threads", 1, "PT24H")]));
    let first = world.begin(june(18, "09:00"), "Part one.").thread.id;
    for minute in 1..5 {
        let part = message(PATIENT, "And a part.");
        let sent = world.send(june(18, &format!("09:0{minute}")), part, Some(&first));
        assert!(!is_held(&sent), "part {minute}");
    }
    let second = world.send(june(18, "09:05"), message(PATIENT, "A sixth part is a new message."), Some(&first));
    assert!(!is_held(&second));
    let third = world.send(june(18, "09:20"), message(PATIENT, "Later."), Some(&first));
    assert!(is_held(&third), "{:?}", third.record.limits);
    assert_eq!(third.record.limits.len(), 1, "no thread begins: that limit is not looked at");
}

#[test]
fn a_limit_of_a_thread_counts_that_thread_and_one_of_the_tenant_everybody() {
    let mut world = limited(json!([limit("sender-thread", 1, "PT1H")]));
    let first = world.begin(june(18, "09:00"), "One.").thread.id;
    assert!(!is_held(&world.begin(june(18, "09:30"), "Elsewhere.")));
    assert!(is_held(&world.send(june(18, "09:30"), message(PATIENT, "Two."), Some(&first))));

    let mut world = limited(json!([limit("tenant", 2, "PT1H")]));
    assert!(!is_held(&world.send(june(18, "09:00"), message("Patient/a", "One."), None)));
    assert!(!is_held(&world.send(june(18, "09:01"), message("Patient/b", "Two."), None)));
    assert!(is_held(&world.send(june(18, "09:02"), message("Patient/c", "Three."), None)));
    assert!(!is_held(&world.send(june(18, "10:00"), message("Patient/c", "Four."), None)));
}

#[test]
fn urgent_messages_pass_a_limit_that_says_so_and_red_flags_every_limit() {
    let mut own = limit("sender-new-threads", 1, "PT24H");
    own["neverBlocks"] = json!(["urgent"]);
    let mut world = limited(json!([own, limit("sender", 9, "PT24H")]));
    world.begin(june(18, "09:00"), "One.");
    let mut urgent = message(PATIENT, "Two.");
    urgent.priority = Some(Priority::Asap);
    let passed = world.send(june(18, "09:01"), urgent, None);
    assert!(!is_held(&passed));
    assert_eq!(passed.record.limits[0].passes.as_deref(), Some("its urgency always passes"));
    assert!(is_held(&world.begin(june(18, "09:02"), "Three.")));
    let flagged = world.begin(june(18, "09:03"), "Now chest pain.");
    assert!(!is_held(&flagged) && flagged.record.limits.is_empty());
}

#[test]
fn d16_of_25_messages_in_an_hour_the_excess_is_held_nothing_is_lost_and_red_flags_pass() {
    let mut world = limited(json!([limit("sender", 10, "PT1H")]));
    let (mut held, mut delivered) = (0, 0);
    for number in 0_i64..25 {
        let text = if number % 6 == 5 { "I think it is a stroke" } else { "And another thing." };
        let sent = world.begin(june(18, "09:00").plus(number * 140), text);
        match (is_held(&sent), number % 6 == 5) {
            (true, flagged) => {
                assert!(!flagged, "a red flag is never held");
                held += 1;
            }
            (false, _) => delivered += 1,
        }
        assert!(!sent.thread.id.as_str().is_empty());
    }
    assert_eq!((delivered, held), (10 + 4, 11));
    assert_eq!(world.threads.len(), 25, "each is kept");
    assert_eq!(world.held.len(), 11);
}

#[test]
fn an_authorised_person_lifts_limits_for_a_thread_or_a_sender_until_an_instant() {
    let mut world = limited(json!([limit("sender", 1, "PT24H")]));
    let thread = world.begin(june(18, "09:00"), "One.").thread.id;
    world.exempt(june(18, "09:30"), OverrideKind::ExemptLimit, &thread, None, june(18, "12:00"));
    let more = || message(PATIENT, "More.");
    assert!(!is_held(&world.send(june(18, "10:00"), more(), Some(&thread))));
    assert!(is_held(&world.send(june(18, "10:00"), more(), None)), "the exemption is the thread's");
    assert!(is_held(&world.send(june(18, "12:00"), more(), Some(&thread))), "it ends at its instant");

    world.exempt(june(18, "12:30"), OverrideKind::ExemptLimit, &thread, Some(PATIENT), june(18, "16:00"));
    assert!(!is_held(&world.send(june(18, "13:00"), more(), None)));
    assert!(!is_held(&world.send(june(18, "13:01"), more(), None)));
    assert!(is_held(&world.send(june(18, "16:00"), more(), None)));
}

#[test]
fn an_exemption_opens_a_closed_conversation_and_lets_a_long_message_pass() {
    let mut world = World::new(policy(|_| {}));
    let thread = world.begin(june(1, "09:00"), "One.").thread.id;
    let late = at("2026-09-01T12:00:00Z");
    let long = message(PATIENT, &"long ".repeat(400));
    assert!(world.refused(late, &long, Some(&thread)).is_some());
    world.exempt(late, OverrideKind::ExemptLimit, &thread, None, late.plus(3600));
    assert_eq!(world.refused(late, &long, Some(&thread)), None);
}

#[test]
fn notices_of_a_thread_pass_quiet_hours_while_they_are_lifted() {
    let mut world = World::new(policy(|_| {}));
    let thread = world.begin(june(18, "09:00"), "One.").thread.id;
    let night = june(18, "22:00");
    let told = |world: &mut World| {
        let answered = world.send(night, message("Practitioner/nurse", "An answer."), Some(&thread));
        answered.outbox.iter().find(|row| row.recipient.as_deref() == Some(PATIENT)).unwrap().release_at
    };
    assert_eq!(told(&mut world), june(19, "08:00"));
    world.exempt(june(18, "21:00"), OverrideKind::ExemptQuiet, &thread, None, june(18, "23:00"));
    assert_eq!(told(&mut world), night);
}

//! Automatic replies: which one, when, and what holds it back.

use domain::decision::Decision;
use domain::id::ResourceId;
use domain::policy::Policy;
use domain::policy::bundle::Variable;
use serde_json::{Value, json};

use crate::world::*;

/// The clinic with a reply for when it is closed, beside the one for what is accepted.
fn closing(change: impl FnOnce(&mut Value)) -> Policy {
    policy(|whole| {
        let text = "We open {{nextOpen.local}}. In an emergency call {{emergency.number}}.";
        let spanish = "Abrimos el {{nextOpen.local}}. En una emergencia llame al {{emergency.number}}.";
        whole["templates"].as_array_mut().unwrap().push(json!({
            "id": "closed", "version": 1, "variables": ["nextOpen.local", "emergency.number"],
            "texts": { "en": text, "es": spanish },
        }));
        let reply = json!({ "id": "closed", "when": "calendar-closed", "template": "closed" });
        whole["awayReplies"].as_array_mut().unwrap().insert(0, reply);
        change(whole);
    })
}

fn template(decision: &Decision) -> Option<&str> {
    decision.reply.as_ref().map(|reply| reply.template.as_str())
}

fn left(decision: &Decision) -> Vec<&str> {
    let replies = decision.record.effects.iter().filter(|effect| effect.kind == "automatic-reply");
    replies.filter_map(|effect| effect.suppressed.as_deref()).collect()
}

#[test]
fn a_closed_clinic_says_when_it_opens_once_for_each_sender_and_closure() {
    let mut world = World::new(closing(|_| {}));
    let friday = world.begin(june(19, "17:30"), "One.");
    assert_eq!(template(&friday), Some("closed"));
    assert!(friday.reply.as_ref().unwrap().text.contains("Monday, June 22 at 8:00 AM EDT"));
    let again = world.begin(june(20, "12:00"), "Two.");
    assert_eq!(template(&again), Some("accepted"), "the second thread of the closure gets its promise");
    assert_eq!(left(&again), ["one per sender and closure"]);
    let open = world.begin(june(22, "09:00"), "Three.");
    assert_eq!(template(&open), Some("accepted"));
    let monday = world.begin(june(22, "17:30"), "Four.");
    assert_eq!(template(&monday), Some("closed"), "the next closure");
    let other = world.send(june(20, "12:00"), message("Patient/other", "One."), None);
    assert_eq!(template(&other), Some("closed"), "another sender");
}

#[test]
fn d7_an_away_reply_and_a_patients_autoresponder_end_after_one_reply() {
    let mut world = World::new(closing(|_| {}));
    let first = world.begin(june(19, "17:30"), "One.");
    assert_eq!(template(&first), Some("closed"));
    for minute in 1..20 {
        // It does not say that it is a machine.
        let away = message(PATIENT, "I am away and read this later.");
        let sent = world.send(june(19, "17:30").plus(minute * 60), away, Some(&first.thread.id));
        assert_eq!(template(&sent), None);
    }
}

#[test]
fn d9_a_staff_members_own_message_when_closed_gets_no_reply() {
    let mut world = World::new(closing(|_| {}));
    let sent = world.send(june(19, "20:00"), message("Practitioner/nurse", "Your result is fine."), None);
    assert_eq!(template(&sent), None);
    let thread = world.begin(june(18, "09:00"), "One.").thread.id;
    let answered = world.send(june(19, "20:00"), message("Practitioner/nurse", "An answer."), Some(&thread));
    assert_eq!(template(&answered), None);
}

#[test]
fn d10_staff_wrote_5_minutes_ago_and_the_clinic_just_closed_so_no_reply() {
    let mut world = World::new(closing(|_| {}));
    let thread = world.begin(june(19, "16:00"), "One.").thread.id;
    world.send(june(19, "16:57"), message("Practitioner/nurse", "An answer."), Some(&thread));
    let soon = world.send(june(19, "17:02"), message(PATIENT, "Thanks."), Some(&thread));
    assert_eq!(template(&soon), None);
    assert_eq!(left(&soon), ["staff wrote a moment ago", "staff wrote a moment ago"]);
    let later = world.send(june(19, "17:13"), message(PATIENT, "One more thing."), Some(&thread));
    assert_eq!(template(&later), Some("closed"), "16 minutes later nobody is there any more");
}

#[test]
fn d11_a_thread_that_a_bot_handles_gets_one_answer_only() {
    let mut world = World::new(closing(|whole| {
        whole["routing"] = json!([{
            "id": "bot", "order": 1, "when": { "field": "message.category", "op": "eq", "value": "refill" },
            "do": [{ "type": "send-template", "value": "accepted" }],
        }]);
    }));
    let mut asked = message(PATIENT, "A refill, please.");
    asked.category = Some("refill".into());
    let sent = world.send(june(19, "20:00"), asked, None);
    assert_eq!(template(&sent), Some("accepted"), "the rule's reply, and no other");
    let thread = sent.thread.id;
    let bot = world.send(june(19, "20:01"), message("Device/refill-bot", "I am looking into it."), Some(&thread));
    assert_eq!(template(&bot), None);
    let more = world.send(june(19, "20:02"), message(PATIENT, "Thank you."), Some(&thread));
    assert_eq!(template(&more), None);
    assert_eq!(left(&more), ["one per sender and closure", "one per sender and cycle"]);
}

#[test]
fn a_reply_that_a_rule_asks_for_is_one_per_closure_and_silent_while_staff_write() {
    let mut world = World::new(closing(|whole| {
        let text = json!({ "id": "bot", "version": 1, "texts": { "en": "Your pharmacy can renew it." } });
        whole["templates"].as_array_mut().unwrap().push(text);
        whole["routing"] = json!([{
            "id": "bot", "order": 1, "when": { "all": [] }, "do": [{ "type": "send-template", "value": "bot" }],
        }]);
    }));
    let first = world.begin(june(19, "20:00"), "One.");
    assert_eq!(template(&first), Some("bot"));
    let again = world.begin(june(20, "12:00"), "Two.");
    assert_eq!(template(&again), Some("accepted"), "the closure has been answered; an answer is promised all the same");
    assert_eq!(left(&again), ["one per sender and closure", "one per sender and closure"]);
    let open = world.begin(june(22, "09:00"), "Three.");
    assert_eq!(template(&open), Some("bot"));
    world.send(june(22, "16:57"), message("Practitioner/nurse", "An answer."), Some(&open.thread.id));
    let thanks = world.send(june(22, "17:02"), message(PATIENT, "Thanks."), Some(&open.thread.id));
    assert_eq!(template(&thanks), None, "{:?}", left(&thanks));
    assert!(left(&thanks).iter().all(|why| *why == "staff wrote a moment ago"));
}

#[test]
fn what_is_held_is_told_as_often_as_the_bundle_says() {
    let held = |change: fn(&mut Value)| {
        let mut world = World::new(policy(|whole| {
            whole["limits"] = json!([limit("sender", 1, "PT24H")]);
            let held = json!({ "id": "held", "when": "held-for-review", "template": "held-for-review" });
            let replies = whole["awayReplies"].as_array_mut().unwrap();
            replies.retain(|reply| reply["when"] != "held-for-review");
            replies.insert(0, held);
            change(&mut replies[0]);
        }));
        let root = world.begin(june(18, "09:00"), "One.").thread.id;
        world.send(june(18, "10:00"), message("Practitioner/nurse", "An answer."), Some(&root));
        let mut told = vec![];
        for minute in [1, 2] {
            // After a pause, so that it is no part of the message before.
            let now = june(18, "10:00").plus(minute * 600);
            let sent = world.send(now, message(PATIENT, "More."), Some(&root));
            assert!(is_held(&sent));
            told.push(sent.reply.is_some());
        }
        told
    };
    assert_eq!(held(|_| {}), [true, true], "whoever is kept back is told, though staff wrote a moment ago");
    assert_eq!(held(|reply| reply["throttle"] = json!({ "per": "sender", "window": "PT1H" })), [true, false]);
    assert_eq!(held(|reply| reply["notIfStaffWroteWithin"] = json!("PT15M")), [false, true]);
}

#[test]
fn a_message_that_says_a_machine_sent_it_is_owed_an_answer_and_gets_no_automatic_one() {
    let mut world = World::new(closing(|_| {}));
    let mut marked = message(PATIENT, "I am away.");
    marked.marked_automatic = true;
    let sent = world.send(june(19, "20:00"), marked, None);
    assert_eq!((template(&sent), left(&sent)), (None, vec!["the message says that a machine sent it"]));
    assert!(sent.clocks.iter().any(|clock| clock.task.is_some()), "a wrong mark must not cost the patient an answer");
}

#[test]
fn a_throttle_holds_back_by_sender_or_by_thread() {
    for (per, second) in [("sender", Some("accepted")), ("sender-thread", Some("closed"))] {
        let mut world = World::new(closing(|whole| {
            whole["awayReplies"][0]["throttle"] = json!({ "per": per, "window": "P3D" });
        }));
        assert_eq!(template(&world.begin(june(18, "20:00"), "One.")), Some("closed"));
        let next = world.begin(june(19, "20:00"), "Two.");
        assert_eq!(template(&next), second, "{per}: another thread in another closure");
    }
}

#[test]
fn budgets_allow_3_replies_in_a_thread_within_10_minutes_and_10_to_a_person_within_a_day() {
    let mut world = World::new(policy(|whole| {
        whole["routing"] = json!([{
            "id": "always", "order": 1, "when": { "all": [] },
            "do": [{ "type": "send-template", "value": "accepted" }],
        }]);
    }));
    let start = june(18, "09:00");
    let thread: ResourceId = world.begin(start, "One.").thread.id;
    let mut sent = 1;
    for minute in 1..10 {
        let next = world.send(start.plus(minute * 60), message(PATIENT, "More."), Some(&thread));
        sent += usize::from(next.reply.is_some());
    }
    assert_eq!(sent, 3, "in one thread");
    for number in 0_i64..12 {
        sent += usize::from(world.begin(start.plus(600 + number), "Another thread.").reply.is_some());
    }
    assert_eq!(sent, 10, "to one person");
    let flagged = world.begin(start.plus(700), "chest pain");
    assert_eq!(template(&flagged), Some("red-flag"), "outside every budget");
    let next_day = world.begin(start.plus(86_400), "The next day.");
    assert!(next_day.reply.is_some());
}

#[test]
fn a_bundle_may_say_other_budgets() {
    let mut world = World::new(policy(|whole| {
        whole["limits"] = json!([{
            "id": "few", "scope": "automatic-per-recipient", "max": 1, "window": "PT1H", "onExceed": "drop",
        }]);
    }));
    assert!(world.begin(june(18, "09:00"), "One.").reply.is_some());
    let second = world.begin(june(18, "09:30"), "Two.");
    assert_eq!(left(&second), ["the budget few allows 1 in PT1H, and 1 were sent"]);
    assert!(world.begin(june(18, "10:00"), "Three.").reply.is_some());
}

#[test]
fn d19_a_template_whose_variable_has_no_value_is_not_queued() {
    let mut policy = closing(|_| {});
    // Lint refuses such a bundle; a text that slips through all the same is never sent with braces.
    let closed = policy.bundle.templates.iter_mut().find(|template| template.id == "closed").unwrap();
    closed.variables.push(Variable::PatientGivenName);
    closed.texts.insert("en".to_owned(), "Dear {{patient.givenName}}, we are closed.".to_owned());
    let mut world = World::new(policy);
    let sent = world.begin(june(19, "20:00"), "One.");
    assert_eq!(template(&sent), Some("accepted"), "the next reply that can be said");
    assert!(!sent.reply.unwrap().text.contains("{{"));
    assert!(sent.record.errors[0].contains("needs patient.givenName"), "{:?}", sent.record.errors);
    assert!(sent.thread.needs_review);
}

#[test]
fn d20_next_open_is_told_after_the_holiday_in_the_patients_language_and_zone() {
    let mut world = World::new(closing(|whole| {
        whole["holidaySets"] = json!([{ "id": "us", "source": "manual", "entries": [
            { "date": "2026-06-22", "name": "A holiday", "confirmed": true },
            { "date": "2026-06-23", "name": "One that nobody has confirmed", "confirmed": false },
        ] }]);
        whole["calendars"][0]["holidaySets"] = json!(["us"]);
    }));
    let mut spanish = message(PATIENT, "Hola.");
    spanish.language = Some("es-US".into());
    spanish.facts.zone = Some("America/Los_Angeles".into());
    let sent = world.send(june(19, "20:00"), spanish, None);
    let text = &sent.reply.as_ref().unwrap().text;
    assert!(text.contains("Abrimos el martes 23 de junio a las 5:00 (PDT)"), "{text}");
    let english = world.send(june(19, "20:00"), message("Patient/other", "Hello."), None);
    let text = &english.reply.as_ref().unwrap().text;
    assert!(text.contains("Tuesday, June 23 at 8:00 AM EDT"), "{text}");
}

//! What patients are told: never later than before, and never an instant that has passed.

use domain::clock::{Clock, ClockName, Event};
use domain::id::ResourceId;
use domain::thread::ThreadState;
use domain::time::{Instant, Span};
use serde_json::{Value, json};

use crate::world::*;

const BY_MONDAY: &str = "Monday, June 22 at 5:00 PM EDT";

/// A text that says by when, for a closed calendar and for a rule.
fn saying(whole: &mut Value) {
    let text = json!({ "id": "by", "version": 1, "variables": ["due.local"], "texts": { "en": "By {{due.local}}." } });
    whole["templates"].as_array_mut().unwrap().push(text);
    let closed = json!({ "id": "closed", "when": "calendar-closed", "template": "by" });
    whole["awayReplies"].as_array_mut().unwrap().push(closed);
    whole["routing"] = json!([{ "id": "forms", "order": 1, "do": [{ "type": "send-template", "value": "by" }],
        "when": { "field": "message.category", "op": "eq", "value": "form" } }]);
    let mut short = whole["calendars"][0].clone();
    short["id"] = json!("short");
    short["weekly"] = json!([{ "days": ["mon"], "shifts": [{ "start": "08:00", "end": "12:00" }] }]);
    whole["calendars"].as_array_mut().unwrap().push(short);
}

/// The clinic, with a thread of Thursday at 9:00 whose patient was told Monday at five, and whose due was moved on since.
fn moved(events: &[(Instant, Event)]) -> (World, ResourceId) {
    let mut world = World::new(policy(saying));
    let begun = world.begin(june(18, "09:00"), "One.");
    assert!(begun.reply.unwrap().text.contains(BY_MONDAY));
    let policy = world.policy.clone();
    let view = world.threads.get_mut(&begun.thread.id).unwrap();
    let waits = |clock: &&mut Clock| clock.name == ClockName::NextResponse;
    let clock = view.clocks.iter_mut().find(waits).unwrap();
    for (at, event) in events {
        clock.record(*at, event.clone(), &policy);
    }
    assert!(clock.is_due_after_promise(), "{:?}", clock.fold.due_at);
    (world, begun.thread.id)
}

#[test]
fn a_patient_is_never_told_a_later_instant_than_before_whatever_has_moved_due_and_whatever_answers() {
    let extended = [(june(18, "10:00"), Event::Extend { amount: Span::hours(9), reason: "staffing".into() })];
    let rested = [
        (june(18, "10:00"), Event::Pause { reason: "waiting-on-patient".into(), until: None }),
        (june(19, "10:00"), Event::Resume),
    ];
    let short = policy(saying).counting("short").unwrap().to_owned();
    let closed = [(june(18, "10:00"), Event::Recalendar { calendar: short, reason: "hours".into() })];
    for events in [&extended[..], &rested[..], &closed[..]] {
        for (now, category) in [(june(20, "12:00"), None), (june(19, "12:00"), Some("form"))] {
            let (mut world, thread) = moved(events);
            let mut more = message(PATIENT, "Two.");
            more.category = category.map(str::to_owned);
            let decision = world.send(now, more, Some(&thread));
            assert_eq!(decision.reply.as_ref().unwrap().text, format!("By {BY_MONDAY}."), "{events:?} {category:?}");
            let told = clock(&decision, ClockName::NextResponse).unwrap().promised_at;
            assert_eq!(told, Some(june(22, "17:00")));
        }
    }
}

#[test]
fn what_is_explained_to_the_patient_names_what_was_promised_and_not_what_is_due_later() {
    let (mut world, thread) = moved(&[
        (june(18, "10:00"), Event::Pause { reason: "waiting-on-patient".into(), until: None }),
        (june(19, "10:00"), Event::Resume),
        (june(19, "11:00"), Event::Pause { reason: "waiting-on-patient".into(), until: None }),
    ]);
    world.threads.get_mut(&thread).unwrap().thread.state = ThreadState::WaitingOnPatient;
    let record = world.send(june(19, "12:00"), message(PATIENT, "Here it is."), Some(&thread)).record;
    let told = record.told("en");
    assert!(told.contains(&format!("answers by {BY_MONDAY}")) && !told.contains("June 23"), "{told}");
    assert!(record.told("es").contains("lunes 22 de junio a las 17:00"), "{}", record.told("es"));
}

#[test]
fn what_is_released_after_it_was_due_promises_nothing_that_has_passed() {
    let mut world = World::new(policy(|whole| {
        saying(whole);
        whole["limits"] = json!([limit("sender-new-threads", 1, "PT24H")]);
    }));
    world.begin(june(18, "09:00"), "One.");
    let kept = world.begin(june(18, "10:00"), "Two.").hold.unwrap();
    for (now, by_hand) in [(june(23, "09:00"), true), (june(24, "19:00"), false)] {
        let mut world = world.clone();
        let released = if by_hand {
            world.review(now, &kept.message, LEAD, &delivering()).unwrap()
        } else {
            world.expire(now, &kept.message).unwrap()
        };
        let waiting = clock(&released, ClockName::NextResponse).unwrap();
        assert_eq!(waiting.fold.due_at, Some(june(22, "17:00")));
        assert_eq!(waiting.promised_at, None);
        assert!(released.reply.is_none(), "{:?}", released.reply);
        assert!(released.record.errors.is_empty(), "{:?}", released.record.errors);
        let told = released.record.told("en");
        assert!(!told.contains("June 22") && told.contains("cannot be said"), "{told}");
        let team = released.outbox.iter().any(|row| row.recipient.as_deref() == Some("HealthcareService/default"));
        assert!(team, "the team is told all the same");
    }
}

#[test]
fn somebody_in_danger_is_told_what_to_do_also_where_the_bundles_own_text_cannot_be_said() {
    let mut world = World::new(policy(|whole| {
        saying(whole);
        whole["redFlags"]["template"] = json!("by");
    }));
    let thread = world.begin(june(18, "09:00"), "One.").thread.id;
    // Nobody has answered by Monday at five, so nothing that lies ahead was promised.
    let flagged = world.send(june(23, "09:00"), message(PATIENT, "chest pain"), Some(&thread));
    assert!(flagged.reply.unwrap().text.contains("call 911 now"));
}

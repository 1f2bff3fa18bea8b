//! Answers that the patient's side may leave unread: when their author is told, and who has read one.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::change::{Hours, Mark, OutboxRow};
use domain::decide::{History, Retracted, Setting, UNREAD, ingest, is_unread, put_off, retract, send, unread_answer};
use domain::decision::Decision;
use domain::id::{Ids, Reference};
use domain::message::{Message, Standing};
use domain::policy::bundle::Bundle;
use domain::policy::turnaround::PauseReason;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::store::ThreadView;
use domain::time::Instant;
use serde_json::{Value, json};

const PATIENT: &str = "Patient/p-1001";
const NURSE: &str = "Practitioner/nurse";

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

/// The default bundle, changed.
fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    let mut whole: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    change(&mut whole);
    let bundle = Bundle::read(&whole.to_string()).unwrap();
    Policy::compile(bundle, &Directory::default(), 1, june(1, "00:00")).unwrap()
}

fn message(id: &str, sender: &str) -> Message {
    Message {
        patient: Some(reference(PATIENT)),
        recipients: vec![reference("HealthcareService/default")],
        ..Message::new(id.parse().unwrap(), reference(sender), "Secret words.")
    }
}

fn answer() -> Message {
    Message { recipients: vec![reference(PATIENT)], ..message("m-2", NURSE) }
}

fn awaiting() -> Message {
    Message { awaits: Some(PauseReason::WaitingOnPatient), ..answer() }
}

fn decided(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> Decision {
    send(Setting { policy, now }, message, view, &mut Ids::new(now, 3)).unwrap()
}

/// A conversation that the patient has begun, on Friday morning.
fn begun(policy: &Policy) -> ThreadView {
    ThreadView::after(None, &decided(policy, june(19, "09:00"), &message("m-1", PATIENT), None))
}

fn unread(decision: &Decision) -> Vec<&OutboxRow> {
    decision.outbox.iter().filter(|row| row.topic == UNREAD).collect()
}

/// When the time to read an answer is over, and when its author is told.
fn told(policy: &Policy, now: Instant, message: &Message) -> Option<(Instant, Instant)> {
    let decision = decided(policy, now, message, Some(&begun(policy)));
    let found = unread(&decision);
    assert!(found.len() < 2, "{found:#?}");
    found.first().map(|row| (row.occurred_at, row.release_at))
}

#[test]
fn an_author_is_told_after_three_open_days_when_the_patient_is_to_act_and_after_seven_days_otherwise() {
    let policy = policy(|_| {});
    // Friday is day 0; Wednesday closes at five, and the author is back on Thursday.
    assert_eq!(told(&policy, june(19, "10:00"), &awaiting()), Some((june(24, "17:00"), june(25, "08:00"))));
    // Written after closing, Monday is day 0.
    assert_eq!(told(&policy, june(19, "18:00"), &awaiting()), Some((june(25, "17:00"), june(26, "08:00"))));
    // The next Friday ends at midnight, and the author is back on Monday.
    let otherwise = Some((june(27, "00:00"), june(29, "08:00")));
    assert_eq!(told(&policy, june(19, "10:00"), &answer()), otherwise);
    let third = Message { awaits: Some(PauseReason::WaitingOnThirdParty), ..answer() };
    assert_eq!(told(&policy, june(19, "10:00"), &third), otherwise);

    let decision = decided(&policy, june(19, "10:00"), &awaiting(), Some(&begun(&policy)));
    let row = unread(&decision)[0];
    assert_eq!((row.recipient.as_deref(), row.hours), (Some(NURSE), Hours::Team));
    assert_eq!((unread_answer(row).unwrap().as_str(), row.thread.as_ref().unwrap().as_str()), ("m-2", "m-1"));
    let said = decision.record.paragraph();
    let expected = "Practitioner/nurse is told if nobody on the patient's side has read it until Thursday, June 25 at 8:00 AM EDT.";
    assert!(said.contains(expected), "{said}");
    assert!(!decision.record.row(None).body.contains("Secret"));
}

#[test]
fn how_long_is_waited_is_the_bundles_to_say_and_never_tells_nobody() {
    let one = |action: Value, otherwise: Value| {
        policy(|whole| whole["unreadByPatient"] = json!({ "actionRequired": action, "otherwise": otherwise }))
    };
    let days = |amount: &str, count: &str, ends: &str| json!({ "amount": amount, "count": count, "dayEnds": ends });
    let changed = one(json!("never"), days("P2D", "calendar-days", "same-time"));
    let now = june(19, "10:00");
    assert_eq!(told(&changed, now, &awaiting()), None);
    assert_eq!(told(&changed, now, &answer()), Some((june(21, "10:00"), june(22, "08:00"))));
    let changed = one(days("P1D", "open-days", "same-time"), json!("never"));
    assert_eq!(told(&changed, now, &awaiting()), Some((june(22, "10:00"), june(22, "10:00"))));
    assert_eq!(told(&changed, now, &answer()), None);
    // What is left out is as shipped, and what says no more than that is nothing of the document's own.
    let half = policy(|whole| whole["unreadByPatient"] = json!({ "actionRequired": "never" }));
    assert_eq!(told(&half, now, &answer()), Some((june(27, "00:00"), june(29, "08:00"))));
    let shipped = policy(|whole| whole["unreadByPatient"] = json!({}));
    assert_eq!(shipped.hash, policy(|_| {}).hash);
}

#[test]
fn a_calendar_day_is_a_date_of_the_clinics_zone_also_where_it_has_25_hours() {
    let same = json!({ "amount": "P3D", "count": "calendar-days", "dayEnds": "same-time" });
    let policy = policy(|whole| whole["unreadByPatient"] = json!({ "otherwise": same }));
    let over = told(&policy, "2026-10-30T09:30:00-04:00".parse().unwrap(), &answer());
    let monday: Instant = "2026-11-02T09:30:00-05:00".parse().unwrap();
    assert_eq!(over, Some((monday, monday)));
}

#[test]
fn nobody_is_told_of_what_no_person_of_the_team_has_answered_a_patient() {
    let policy = policy(|_| {});
    let now = june(19, "10:00");
    for other in [
        message("m-2", PATIENT),
        message("m-2", "RelatedPerson/mother"),
        message("m-2", "Device/robot"),
        Message { machine_generated: true, ..answer() },
        Message { internal: true, ..answer() },
        Message { has_payload: false, ..answer() },
    ] {
        assert_eq!(told(&policy, now, &other), None, "{}", other.sender);
    }
    let among_staff =
        Message { patient: None, recipients: vec![reference("Practitioner/lead")], ..message("m-1", NURSE) };
    assert!(unread(&decided(&policy, now, &among_staff, None)).is_empty());
    let first = decided(&policy, now, &message("m-1", PATIENT), None);
    assert!(first.reply.is_some() && unread(&first).is_empty(), "an automatic reply is no answer");
    // A conversation that the team begins is for its patient to read as well.
    assert_eq!(unread(&decided(&policy, now, &Message { id: "m-1".parse().unwrap(), ..answer() }, None)).len(), 1);
}

#[test]
fn an_answer_that_comes_late_counts_from_when_it_was_written_and_tells_nothing_that_has_passed() {
    let policy = policy(|_| {});
    let view = begun(&policy);
    let late = |written: Instant, now: Instant| {
        let message = Message { occurred_at: Some(written), ..awaiting() };
        let setting = Setting { policy: &policy, now };
        ingest(setting, &message, Some(&view), Some(&History::default()), &mut Ids::new(now, 3)).unwrap()
    };
    let delivered = late(june(19, "10:00"), june(23, "12:00"));
    assert_eq!(unread(&delivered)[0].occurred_at, june(24, "17:00"));
    let delivered = late(june(19, "10:00"), june(25, "12:00"));
    assert!(unread(&delivered).is_empty());
    let left = delivered.record.effects.iter().find(|effect| effect.what == UNREAD).unwrap();
    assert!(left.suppressed.as_ref().unwrap().starts_with("pre-existing"), "{left:?}");
}

#[test]
fn the_notice_keeps_the_hours_of_its_author_as_they_are_when_it_leaves() {
    let policy = policy(|_| {});
    let decision = decided(&policy, june(19, "10:00"), &awaiting(), Some(&begun(&policy)));
    let row = unread(&decision)[0];
    let waits = |at: Instant| put_off(&policy, &decision.thread, row, at);
    assert_eq!(waits(june(25, "08:00")), None);
    assert_eq!(waits(june(25, "23:00")), Some(june(26, "08:00")), "a worker that comes late wakes nobody");
}

#[test]
fn an_answer_is_read_by_the_patient_or_by_a_proxy_whom_it_is_for() {
    let mother = "RelatedPerson/mother";
    let answer = Message { recipients: vec![reference(mother)], ..answer() };
    let read_at = Some("2026-06-20T12:00:00Z".parse().unwrap());
    let by = |reader: &str, read_at| [Mark { message: answer.id.clone(), reader: reference(reader), read_at }];
    let is_unread_by = |reader: &str| is_unread(&answer, Standing::Sent, &by(reader, read_at));
    assert!(is_unread(&answer, Standing::Sent, &[]));
    assert!(!is_unread_by(PATIENT) && !is_unread_by(mother));
    for nobody in ["RelatedPerson/father", "Patient/p-2002", NURSE, "Practitioner/lead"] {
        assert!(is_unread_by(nobody), "{nobody}");
    }
    assert!(is_unread(&answer, Standing::Sent, &by(PATIENT, None)), "it is unread again");
    assert!(!is_unread(&answer, Standing::Retracted, &[]));
}

#[test]
fn what_is_retracted_takes_its_own_notice_with_it_and_no_other() {
    let policy = policy(|_| {});
    let first = decided(&policy, june(19, "10:00"), &awaiting(), Some(&begun(&policy)));
    let view = ThreadView::after(Some(&begun(&policy)), &first);
    let now = june(19, "11:00");
    let waiting: Vec<OutboxRow> = first.outbox.iter().filter(|row| row.recipient.is_some()).cloned().collect();
    let nurse = reference(NURSE);
    let dropped = |message: &Message, received_at: Instant| {
        let retracted =
            Retracted { message, received_at, agent: Some(&nurse), client: "ehr", hold: None, waiting: &waiting };
        let setting = Setting { policy: &policy, now };
        let (_, dropped) = retract(setting, &view, &retracted, &History::default(), &mut Ids::new(now, 4));
        let of = |id: &domain::id::ResourceId| waiting.iter().find(|row| row.id == *id).unwrap().topic.clone();
        dropped.iter().map(|dropped| of(&dropped.outbox)).collect::<Vec<_>>()
    };
    assert_eq!(dropped(&awaiting(), june(19, "10:00")), ["reply-received", UNREAD]);
    // Another answer is taken back, and a message of the patient's: the first answer is still to be read.
    let other = Message { id: "m-3".parse().unwrap(), ..answer() };
    assert!(dropped(&other, june(19, "10:30")).is_empty());
    assert!(!dropped(&message("m-1", PATIENT), june(19, "09:00")).contains(&UNREAD.to_owned()));
}

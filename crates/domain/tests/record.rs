//! The bytes of decision records: they are kept for years, and replaying what was decided must give them again.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::path::Path;

use domain::access::PatientFacts;
use domain::decide::{
    Actor, HeldMessage, History, Known, Ledgered, MergeReason, Retracted, Said, Setting, Voice, merge, release,
    retract, send,
};
use domain::hold::{Review, ReviewOutcome};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::overrides::OverrideReason;
use domain::policy::Policy;
use domain::policy::bundle::Bundle;
use domain::store::ThreadView;
use domain::thread::Priority;
use domain::time::Instant;
use serde_json::{Value, json};

/// A bundle of its own, so that the records change with what decides alone.
const BUNDLE: &str = include_str!("record/bundle.json");

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn message(id: &str, sender: &str, category: &str, text: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/family-medicine")],
        category: Some(category.into()),
        ..Message::new(id.parse().unwrap(), reference(sender), text)
    }
}

/// A conversation in which each side has its say, a red flag and a refusal among it.
fn conversation() -> Vec<(&'static str, Message)> {
    let patient = "Patient/p-1001";
    let mut first = message("m-1", patient, "refill", "I have five tablets of lisinopril left.");
    first.facts = PatientFacts {
        age_years: Some(71),
        zone: Some("America/Chicago".into()),
        tags: vec!["complex-care".into()],
        ..PatientFacts::default()
    };
    let mut urgent =
        message("m-2", "RelatedPerson/rp-17", "refill", "Only one is left, and caf\u{e9} \u{2615} is bad.");
    urgent.priority = Some(Priority::Urgent);
    urgent.language = Some("es".into());
    let mut robot = message("m-3", "Device/robot", "refill", "I am away.");
    robot.machine_generated = true;
    let mut note = message("m-4", "Practitioner/nurse", "refill", "Who has the key?");
    note.internal = true;
    let mut answer = message("m-5", "Practitioner/nurse", "refill", "It is ready. With chest pain call 911.");
    answer.recipients = vec![reference(patient)];
    vec![
        ("2026-06-19T17:30:00-04:00", first),
        ("2026-06-19T18:00:00-04:00", urgent),
        ("2026-06-19T18:00:05-04:00", robot),
        ("2026-06-22T08:05:00-04:00", note),
        ("2026-06-22T09:00:00-04:00", answer),
        (
            "2026-06-22T23:10:00-04:00",
            message("m-6", patient, "billing", "Two invoices. Also, CHEST\u{a0}PAIN on stairs."),
        ),
        ("2026-06-23T10:00:00-04:00", message("m-7", patient, "form", &"Far too long. ".repeat(200))),
    ]
}

/// The records of the conversation as they are kept, one a line; of a refusal its code.
fn records() -> String {
    let bundle = Bundle::read(BUNDLE).unwrap();
    let around = "2026-06-01T00:00:00Z".parse().unwrap();
    let policy = Policy::compile(bundle, &domain::policy::Directory::default(), 1, around).unwrap();
    let mut view: Option<ThreadView> = None;
    let mut lines = String::new();
    for (number, (at, message)) in conversation().into_iter().enumerate() {
        let now: Instant = at.parse().unwrap();
        match send(Setting { policy: &policy, now }, &message, view.as_ref(), &mut Ids::new(now, number as u128)) {
            Ok(decision) => {
                lines.push_str(&decision.record.row(None).body);
                view = Some(ThreadView::after(view.as_ref(), &decision));
            }
            Err(refusal) => lines.push_str(refusal.code()),
        }
        lines.push('\n');
    }
    lines
}

/// The records of what is done to messages that were sent: an answer is retracted, a held message is released, and its
/// conversation is merged into the first.
fn records_of_changes() -> String {
    let mut whole: Value = serde_json::from_str(BUNDLE).unwrap();
    whole["limits"] = json!([{ "id": "one", "scope": "sender-new-threads", "max": 1, "window": "PT24H",
        "onExceed": "hold-for-review" }]);
    let bundle = Bundle::read(&whole.to_string()).unwrap();
    let around = "2026-06-01T00:00:00Z".parse().unwrap();
    let policy = Policy::compile(bundle, &domain::policy::Directory::default(), 1, around).unwrap();
    let at = |time: &str| -> Instant { format!("2026-06-18T{time}:00-04:00").parse().unwrap() };
    let setting = |time: &str| Setting { policy: &policy, now: at(time) };
    let ids = |time: &str| Ids::new(at(time), 8);
    let patient = "Patient/p-1001";

    let asked = message("m-1", patient, "form", "The school form, please.");
    let first = send(setting("09:00"), &asked, None, &mut ids("09:00")).unwrap();
    let view = ThreadView::after(None, &first);
    let answer = Message {
        recipients: vec![reference(patient)],
        ..message("m-2", "Practitioner/nurse", "form", "Not for you.")
    };
    let second = send(setting("09:30"), &answer, Some(&view), &mut ids("09:30")).unwrap();
    let view = ThreadView::after(Some(&view), &second);
    let ledgered = second.clocks.iter().map(|clock| {
        let entries = first.ledger.iter().chain(&second.ledger).filter(|entry| entry.clock == clock.id);
        Ledgered { clock: clock.clone(), entries: entries.cloned().collect() }
    });
    let history = History {
        said: vec![Said { at: at("09:00"), by: Voice::Patient }],
        clocks: ledgered.collect(),
        ..History::default()
    };
    let nurse = reference("Practitioner/nurse");
    let retracted = Retracted {
        message: &answer,
        hold: None,
        received_at: at("09:30"),
        agent: Some(&nurse),
        client: "ehr",
        waiting: &second.outbox,
    };
    let (third, _) = retract(setting("10:00"), &view, &retracted, &history, &mut ids("10:00"));
    let view = ThreadView::after(Some(&view), &third);

    let other = message("m-3", patient, "form", "And one for camp.");
    let known = Known { sender: first.correspondents.first(), ..Known::default() };
    let fourth = send(setting("11:00"), &other, known, &mut ids("11:00")).unwrap();
    let beside = ThreadView::after(None, &fourth);
    let held = HeldMessage { hold: fourth.hold.as_ref().unwrap(), message: &other, view: &beside };
    let known = Known { thread: Some(&beside), sender: fourth.correspondents.first(), ..Known::default() };
    let review = Review { outcome: ReviewOutcome::Deliver, reason: OverrideReason::Reviewed, pool: None };
    let lead = reference("Practitioner/dr-lee");
    let by = Actor { person: Some(&lead), pools: &[], administrator: false };
    let fifth = release(setting("12:00"), held, known, &review, (by, "ehr"), &mut ids("12:00")).unwrap();
    let beside = ThreadView::after(Some(&beside), &fifth);
    let (kept, ended) =
        merge(setting("13:00"), &view, (&beside, &fifth.ledger), MergeReason::SameMatter, by, &mut ids("13:00"))
            .unwrap();
    let bodies = [third, fifth, kept, ended].map(|decision| decision.record.row(None).body + "\n");
    bodies.concat()
}

/// After a change that is meant to change records, `POSTERN_RECORDS=write cargo test -p domain --test record` keeps the
/// new ones.
#[test]
fn records_have_the_bytes_that_are_kept() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/record/records.jsonl");
    let now = records() + &records_of_changes();
    if std::env::var("POSTERN_RECORDS").is_ok_and(|wish| wish == "write") {
        std::fs::write(&path, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    for (now, kept) in now.lines().zip(kept.lines()) {
        assert_eq!(now, kept);
    }
    assert_eq!(now.lines().count(), kept.lines().count());
}

/// As its patient would understand it, in both languages; what rules and pools did is the team's to know.
#[test]
fn a_decision_is_told_as_a_paragraph_that_its_patient_understands() {
    let bundle = Bundle::read(BUNDLE).unwrap();
    let around = "2026-06-01T00:00:00Z".parse().unwrap();
    let policy = Policy::compile(bundle, &domain::policy::Directory::default(), 1, around).unwrap();
    let now: Instant = "2026-06-19T16:30:00-04:00".parse().unwrap();
    let asked = message("m-1", "Patient/p-1001", "form", "The school form, please.");
    let decision = send(Setting { policy: &policy, now }, &asked, None, &mut Ids::new(now, 1)).unwrap();
    let english = decision.record.told("en-US");
    assert!(english.starts_with("Received Friday, June 19 at 4:30 PM EDT. Open until Friday, June 19 at 5:00 PM EDT, then closed until Monday, June 22"), "{english}");
    assert!(english.contains("Somebody answers by "), "{english}");
    let spanish = decision.record.told("es");
    assert!(
        spanish.starts_with("Recibido el viernes 19 de junio a las 16:30 (EDT). Abierto hasta el viernes 19"),
        "{spanish}"
    );
    assert!(spanish.contains("Alguien responderá a más tardar el "), "{spanish}");
    assert_eq!(decision.record.told("tlh"), english, "a language without words is told in English");
    for hidden in ["riverside", "family", "HealthcareService", "turnaround"] {
        assert!(!english.contains(hidden), "{english}");
    }
    let flagged = message("m-2", "Patient/p-1001", "form", "Also, chest pain.");
    let decision = send(Setting { policy: &policy, now }, &flagged, None, &mut Ids::new(now, 1)).unwrap();
    assert!(decision.record.told("en").contains("It may tell of an emergency"));
}

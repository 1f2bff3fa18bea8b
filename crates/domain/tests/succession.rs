//! What stays when time passes over a bundle, and when another follows it: pools, who is warned, and who is not.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::change::{CancelReason, Hours, OutboxRow};
use domain::clock::{Clock, ClockName};
use domain::decide::{Actor, Fired, MergeReason, Setting, adopt, answering, fire, merge, overrule, send, withdraw};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, Reference, Version};
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::bundle::Bundle;
use domain::policy::lint::Severity;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy, ServiceHours};
use domain::store::ThreadView;
use domain::time::Instant;
use serde_json::{Value, json};

const PATIENT: &str = "Patient/p-1001";

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in June 2026; the 19th is a Friday.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}-04:00").parse().unwrap()
}

/// The default bundle with two pools, each with a lead of its own, changed.
fn document(change: impl FnOnce(&mut Value)) -> Value {
    let mut whole: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    let pool = |id: &str| {
        json!({ "id": id, "reference": format!("HealthcareService/{id}"),
            "leads": [format!("Practitioner/{id}-lead")], "calendar": "clinic" })
    };
    whole["pools"] = json!([pool("default"), pool("refill")]);
    change(&mut whole);
    whole
}

fn bundle(change: impl FnOnce(&mut Value)) -> Bundle {
    Bundle::read(&document(change).to_string()).unwrap()
}

fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    Policy::compile(bundle(change), &Directory::default(), 1, june(1, "00:00:00")).unwrap()
}

fn message(id: &str, pool: &str, text: &str) -> Message {
    Message {
        patient: Some(reference(PATIENT)),
        recipients: vec![reference(pool)],
        ..Message::new(id.parse().unwrap(), reference(PATIENT), text)
    }
}

fn sent(policy: &Policy, now: Instant, message: &Message) -> (Decision, ThreadView) {
    let seed = u128::try_from(now.as_second()).unwrap();
    let decision = send(Setting { policy, now }, message, None, &mut Ids::new(now, seed)).unwrap();
    let view = ThreadView::after(None, &decision);
    (decision, view)
}

fn of(view: &ThreadView, name: ClockName) -> &Clock {
    view.clocks.iter().find(|clock| clock.name == name).unwrap()
}

fn fired(policy: &Policy, now: Instant, view: &ThreadView, name: ClockName) -> Fired {
    fire(Setting { policy, now }, view, of(view, name), &mut Ids::new(now, 7)).unwrap()
}

/// Whom a topic is told to.
fn told<'a>(rows: &'a [OutboxRow], topic: &str) -> Vec<&'a str> {
    rows.iter().filter(|row| row.topic == topic).filter_map(|row| row.recipient.as_deref()).collect()
}

/// Refills are answered until the end of September alone.
fn until_september(whole: &mut Value) {
    let mut season = whole["calendars"][0].clone();
    season["id"] = json!("season");
    season["weekly"] = json!([]);
    season["exceptions"] = json!([{ "from": "2026-06-01", "to": "2026-09-30", "reason": "the season",
        "shifts": [{ "start": "08:00", "end": "17:00" }] }]);
    whole["calendars"].as_array_mut().unwrap().push(season);
    whole["pools"][1]["calendar"] = json!("season");
}

#[test]
fn a_calendar_that_ends_is_an_error_of_a_draft_and_takes_nothing_from_a_bundle_in_force() {
    let later: Instant = "2026-10-05T10:00:00-04:00".parse().unwrap();
    assert!(bundle(until_september).lint(june(1, "00:00:00")).iter().all(|one| one.severity == Severity::Warning));
    assert!(Policy::compile(bundle(until_september), &Directory::default(), 1, later).is_err(), "too late to begin");
    let policy = Policy::in_force(bundle(until_september), &Directory::default(), 1, later).unwrap();
    assert!(policy.degraded.is_none());
    // The other pool keeps its hours and its promises.
    let (usual, _) = sent(&policy, later, &message("m1", "HealthcareService/default", "Five left."));
    assert_eq!((usual.record.outcome, usual.thread.needs_review), (Outcome::Delivered, false));
    assert!(usual.clocks.iter().all(|clock| clock.fold.due_at.is_some()));
    // What the pool without hours cannot say by when is delivered, and a person must look.
    let (ended, _) = sent(&policy, later, &message("m2", "HealthcareService/refill", "Five left."));
    assert!(ended.thread.needs_review && policy.pool_of(ended.thread.pool_reference.as_ref().unwrap()).is_some());
    // What else is wrong with a bundle stays an error, whenever it is looked at.
    let faulty = bundle(|whole| whole["defaultPool"] = json!("nobody"));
    assert!(Policy::in_force(faulty, &Directory::default(), 1, later).is_err());
}

#[test]
fn what_stands_in_for_a_bundle_that_cannot_be_used_delivers_to_its_pools() {
    let faulty = document(|whole| {
        whole["defaultPool"] = json!("refill");
        whole["turnaround"] = json!("nothing of the kind");
    });
    assert!(Bundle::read(&faulty.to_string()).is_err());
    let now = june(19, "10:00:00");
    let stand_in = |text: &str| {
        let bundle = Bundle::standing_in(text);
        Policy::fallback(bundle, &Directory::default(), 1, now, "the bundle cannot be read".to_owned())
    };
    let policy = stand_in(&faulty.to_string());
    let pools: Vec<_> = policy.pools().iter().map(|pool| pool.reference.to_string()).collect();
    assert_eq!(pools, ["HealthcareService/default", "HealthcareService/refill"]);
    assert_eq!(policy.default_pool().id, "refill");
    let (written, view) = sent(&policy, now, &message("m1", "HealthcareService/default", "Five left."));
    assert_eq!(view.thread.pool_reference, Some(reference("HealthcareService/default")));
    assert_eq!((written.record.outcome, view.thread.needs_review), (Outcome::NeedsReview, true));
    assert!(of(&view, ClockName::NextResponse).fold.due_at.is_some());
    // Where nothing of it can be read, or its pools are none, the built-in pool answers.
    for text in ["", "[]", "{\"pools\": [{}]}", "{\"pools\": [{\"id\": \"\", \"reference\": \"Patient/p\"}]}"] {
        assert_eq!(stand_in(text).default_pool().reference, reference("HealthcareService/default"), "{text}");
    }
}

#[test]
fn a_pool_that_is_called_otherwise_is_warned_as_before_and_overrides_as_before() {
    let before = policy(|_| {});
    let (_, view) = sent(&before, june(19, "09:00:00"), &message("m1", "HealthcareService/refill", "Five left."));
    let renamed = policy(|whole| whole["pools"][1]["id"] = json!("refills"));
    assert_eq!(answering(&renamed, &view.thread).id, "refills");
    let late = of(&view, ClockName::NextResponse).fold.due_at.unwrap().plus(1);
    let done = fired(&renamed, late, &view, ClockName::NextResponse);
    assert_eq!(told(&done.outbox, "breach"), ["Practitioner/refill-lead"]);
    let extend = Override {
        kind: OverrideKind::NoReplyNeeded,
        reason: OverrideReason::ThanksOnly,
        amount: None,
        due: None,
        until: None,
        sender: None,
        note: None,
    };
    for (lead, may) in [("Practitioner/refill-lead", true), ("Practitioner/default-lead", false)] {
        let person = reference(lead);
        let actor = Actor { person: Some(&person), pools: &[], administrator: false };
        let done = overrule(Setting { policy: &renamed, now: late }, &view, &extend, actor, &mut Ids::new(late, 3));
        assert_eq!(done.is_ok(), may, "{lead}");
    }
    assert!(adopt(Setting { policy: &renamed, now: late }, &view, &mut Ids::new(late, 3)).is_none());
}

#[test]
fn a_conversation_whose_pool_is_no_more_is_handed_to_the_default_pool_once_and_due_as_before() {
    let before = policy(|_| {});
    let (_, view) = sent(&before, june(19, "09:00:00"), &message("m1", "HealthcareService/refill", "Five left."));
    let next = policy(|whole| _ = whole["pools"].as_array_mut().unwrap().pop());
    let now = june(22, "10:00:00");
    let setting = Setting { policy: &next, now };
    let done = adopt(setting, &view, &mut Ids::new(now, 3)).unwrap();
    assert_eq!(done.thread.pool_reference, Some(reference("HealthcareService/default")));
    assert!(done.thread.needs_review);
    assert_eq!(told(&done.outbox, "handed-over"), ["HealthcareService/default"]);
    let after = ThreadView::after(Some(&view), &done);
    for name in [ClockName::FirstOpened, ClockName::NextResponse] {
        let (then, now) = (of(&view, name), of(&after, name));
        assert_eq!((&now.fold, now.promised_at), (&then.fold, then.promised_at), "{name}");
    }
    assert!(adopt(setting, &after, &mut Ids::new(now, 4)).is_none(), "once");
    // A service that no bundle names answers as long as it is stored.
    let mut beside = view.clone();
    beside.thread.pool = Some("HealthcareService/refill".into());
    assert!(adopt(setting, &beside, &mut Ids::new(now, 5)).is_some());
    let stored = ServiceHours {
        reference: reference("HealthcareService/refill"),
        version: Version(1),
        name: None,
        calendar: None,
    };
    let directory = Directory { services: vec![stored], ..Directory::default() };
    let next = Policy::compile(next.bundle, &directory, 1, now).unwrap();
    let setting = Setting { policy: &next, now };
    assert!(adopt(setting, &beside, &mut Ids::new(now, 6)).is_none());
    assert!(adopt(setting, &view, &mut Ids::new(now, 7)).is_some(), "its members are not those of the bundle's pool");
}

#[test]
fn who_reviews_a_held_message_is_reminded_whoever_answers_in_its_conversation() {
    let limit = json!([{ "id": "none", "scope": "sender-new-threads", "max": 1, "window": "PT24H",
        "onExceed": "hold-for-review" }]);
    let policy = policy(|whole| whole["limits"] = limit);
    let now = june(19, "09:00:00");
    let setting = Setting { policy: &policy, now };
    let first = send(setting, &message("m1", "HealthcareService/refill", "One."), None, &mut Ids::new(now, 1)).unwrap();
    let known = domain::decide::Known { sender: first.correspondents.first(), ..domain::decide::Known::default() };
    let held = message("m2", "HealthcareService/refill", "Two.");
    let held = send(setting, &held, known, &mut Ids::new(now, 2)).unwrap();
    assert_eq!(held.record.outcome, Outcome::HeldForReview);
    let mut view = ThreadView::after(None, &held);
    view.thread.pool = Some("default".into());
    view.thread.pool_reference = Some(reference("HealthcareService/default"));
    let late = of(&view, ClockName::Review).fold.due_at.unwrap().plus(1);
    let done = fired(&policy, late, &view, ClockName::Review);
    assert_eq!(done.record.pool.as_deref(), Some("refill"));
    let told: Vec<_> = done.outbox.iter().filter_map(|row| row.recipient.as_deref()).collect();
    assert!(!told.is_empty() && told.iter().all(|to| *to == "Practitioner/refill-lead"), "{told:?}");
}

#[test]
fn a_warning_that_waits_for_the_morning_falls_away_with_the_clock_it_warns_of() {
    let before = policy(|_| {});
    let (_, view) = sent(&before, june(19, "09:00:00"), &message("m1", "HealthcareService/refill", "Five left."));
    let late = of(&view, ClockName::NextResponse).fold.due_at.unwrap().plus(1);
    let done = fired(&before, late, &view, ClockName::NextResponse);
    let mut view = view;
    *view.clocks.iter_mut().find(|clock| clock.name == ClockName::NextResponse).unwrap() = done.clock.clone();
    let breach: Vec<OutboxRow> = done.outbox.iter().filter(|row| row.topic == "breach").cloned().collect();
    assert!(breach[0].release_at > late, "it waits until the lead is there");
    let reply = OutboxRow { topic: "reply-received".into(), id: "other".parse().unwrap(), ..breach[0].clone() };
    let waiting = [breach.clone(), vec![reply]].concat();
    let next = policy(|whole| whole["version"] = json!(2));
    let withdrawn = |view: &ThreadView| {
        let setting = Setting { policy: &next, now: late.plus(3600) };
        let asked = (CancelReason::ClinicCloses, waiting.as_slice());
        let clock = of(view, ClockName::NextResponse);
        withdraw(setting, view, clock, asked, &mut Ids::new(setting.now, 5)).unwrap()
    };
    let (_, dropped) = withdrawn(&view);
    assert_eq!(dropped.iter().map(|row| &row.outbox).collect::<Vec<_>>(), [&breach[0].id]);
    assert!(dropped[0].delivery.is_none());
    // What stays owed in the conversation may be what it warns of.
    let mut stays = done.clock.clone();
    stays.name = ClockName::Resolve;
    stays.id = "stays".parse().unwrap();
    stays.terms.bundle = next.name();
    view.clocks.push(stays);
    assert!(withdrawn(&view).1.is_empty());
}

#[test]
fn danger_that_is_merged_into_a_routine_conversation_is_warned_of_at_once() {
    let policy = policy(|whole| {
        for turnaround in whole["turnaround"].as_array_mut().unwrap() {
            for clock in turnaround["clocks"].as_array_mut().unwrap() {
                for threshold in clock["thresholds"].as_array_mut().unwrap() {
                    threshold["deliver"] = json!("when-open");
                }
            }
        }
    });
    let (_, routine) = sent(&policy, june(18, "09:00:00"), &message("m1", "HealthcareService/refill", "Five left."));
    let warned = {
        let half = of(&routine, ClockName::NextResponse).next.as_ref().unwrap().at;
        fired(&policy, half, &routine, ClockName::NextResponse).clock
    };
    let mut routine = routine;
    *routine.clocks.iter_mut().find(|clock| clock.name == ClockName::NextResponse).unwrap() = warned.clone();
    let danger = message("m2", "HealthcareService/refill", "I have chest pain.");
    let (flagged, view) = sent(&policy, june(20, "22:00:00"), &danger);
    assert_eq!(of(&view, ClockName::NextResponse).fold.due_at, Some(june(20, "22:30:00")));
    let (nurse, pools, now) =
        (reference("Practitioner/nurse"), [reference("HealthcareService/refill")], june(20, "22:10:00"));
    let pools = [pools.as_slice(), &[reference("HealthcareService/default")]].concat();
    let actor = Actor { person: Some(&nurse), pools: &pools, administrator: false };
    let setting = Setting { policy: &policy, now };
    let from = (&view, flagged.ledger.as_slice());
    let (kept, _) = merge(setting, &routine, from, MergeReason::SameMatter, actor, &mut Ids::new(now, 8)).unwrap();
    let after = ThreadView::after(Some(&routine), &kept);
    let clock = of(&after, ClockName::NextResponse);
    assert_eq!(clock.fold.due_at, Some(june(20, "22:30:00")));
    assert!(warned.fired.iter().all(|fired| clock.fired.contains(fired)), "what has fired has fired");
    let late = june(20, "22:30:01");
    let done = fired(&policy, late, &after, ClockName::NextResponse);
    let breach = done.outbox.iter().find(|row| row.topic == "breach" && row.recipient.is_some()).unwrap();
    assert_eq!((breach.hours, breach.release_at), (Hours::None, late), "it leaves at once");
    let mut names: Vec<&str> = done.firings.iter().map(|firing| firing.threshold.as_str()).collect();
    names.dedup();
    assert_eq!(names.len(), done.firings.len());
    assert!(names.iter().all(|name| !warned.fired.iter().any(|fired| fired == name)), "{names:?}");
    let again = ThreadView { clocks: vec![done.clock.clone()], ..after };
    assert!(fire(setting, &again, &done.clock, &mut Ids::new(late, 9)).is_none(), "once");
}

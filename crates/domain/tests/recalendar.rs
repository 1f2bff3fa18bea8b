//! Calendars that change while clocks run: time used stays as it was counted, what remains moves, once.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::calendar::{CalendarSpec, Kept, tzdb_version};
use domain::clock::{Clock, ClockName, ClockState, Event, Fold, LedgerEntry};
use domain::decide::{Fired, Setting, fire, recalendar, send};
use domain::id::{Ids, Reference, Version};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy, ServiceHours};
use domain::store::ThreadView;
use domain::time::{Instant, Span};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn new_york(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

fn around() -> Instant {
    new_york(1, "00:00")
}

/// The default bundle with its calendar changed.
fn bundle(members: &Value) -> Bundle {
    let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    for (name, value) in members.as_object().unwrap() {
        match name.as_str() {
            "holidaySets" => document["holidaySets"].clone_from(value),
            _ => document["calendars"][0][name].clone_from(value),
        }
    }
    Bundle::read(&document.to_string()).unwrap()
}

fn policy(members: &Value) -> Policy {
    Policy::compile(bundle(members), &Directory::default(), 1, around()).unwrap()
}

fn of(services: &[ServiceHours]) -> Directory {
    Directory { services: services.to_vec(), ..Directory::default() }
}

/// The policy after a change, with what the one before counted by.
fn after(members: &Value, services: &[ServiceHours], before: &Policy) -> Policy {
    let kept: Vec<Kept> = before.kept().cloned().collect();
    Policy::compile(bundle(members), &of(services), 2, around()).unwrap().remembering(&kept, around())
}

fn closed(day: u8) -> Value {
    json!([{ "from": format!("2026-06-{day:02}"), "to": format!("2026-06-{day:02}"), "shifts": [], "reason": "closed" }])
}

fn holiday(day: u8, confirmed: bool) -> Value {
    let entry = json!({ "date": format!("2026-06-{day:02}"), "name": "Day", "confirmed": confirmed });
    json!({ "holidaySets": [{ "id": "us", "entries": [entry] }] })
}

fn sent(policy: &Policy, now: Instant) -> ThreadView {
    let message = Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: vec![reference("HealthcareService/default")],
        category: Some("refill".into()),
        ..Message::new("m1".parse().unwrap(), reference("Patient/p-1001"), "A refill, please.")
    };
    let decision = send(Setting { policy, now }, &message, None, &mut Ids::new(now, 1)).unwrap();
    ThreadView::after(None, &decision)
}

fn waiting(view: &ThreadView) -> &Clock {
    view.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap()
}

fn moved(policy: &Policy, view: &ThreadView, now: Instant) -> Option<Fired> {
    recalendar(Setting { policy, now }, view, waiting(view), &mut Ids::new(now, 7))
}

/// The thread as a store would give it back.
fn following(view: &ThreadView, decision: &Fired) -> ThreadView {
    let mut view = view.clone();
    view.clocks.retain(|clock| clock.id != decision.clock.id);
    view.clocks.push(decision.clock.clone());
    view
}

fn reason(decision: &Fired) -> &str {
    match &decision.ledger[0].event {
        Event::Recalendar { reason, .. } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn b19_a_date_closed_tomorrow_moves_what_remains_and_keeps_the_promise() {
    let before = policy(&json!({}));
    let view = sent(&before, new_york(19, "17:30"));
    assert_eq!(waiting(&view).fold.due_at, Some(new_york(24, "17:00")));
    let policy = after(&json!({ "exceptions": closed(23) }), &[], &before);
    let now = new_york(22, "12:00");
    let decision = moved(&policy, &view, now).unwrap();
    let clock = &decision.clock;
    assert_eq!(reason(&decision), "bundle");
    assert_eq!((clock.fold.used, clock.fold.due_at), (Span::hours(4), Some(new_york(25, "17:00"))));
    assert_eq!(clock.promised_at, Some(new_york(24, "17:00")), "a promise never moves later");
    assert!(decision.outbox.iter().any(|row| row.topic == "due-after-promise"), "the pool is told");
    assert_eq!(decision.tasks[0].due, Some(new_york(25, "17:00")));
    assert!(clock.next.as_ref().is_some_and(|next| next.at > now));
    let told = decision.record.paragraph();
    assert!(told.contains("the clinic's calendar has changed"), "{told}");
    let again = following(&view, &decision);
    assert_eq!(moved(&policy, &again, now.plus(60)), None, "once is enough");
}

#[test]
fn b19_what_has_ended_is_left_alone() {
    let before = policy(&json!({}));
    let mut view = sent(&before, new_york(19, "09:00"));
    for clock in &mut view.clocks {
        clock.record(new_york(19, "10:00"), Event::Fulfill, &before);
    }
    let policy = after(&json!({ "exceptions": closed(22) }), &[], &before);
    assert_eq!(moved(&policy, &view, new_york(19, "12:00")), None);
}

#[test]
fn the_reason_says_what_has_changed() {
    let plain = json!({ "holidaySets": [{ "id": "us", "entries": [] }] });
    let named = |mut members: Value| {
        let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
        document["holidaySets"] = members["holidaySets"].take();
        document["calendars"][0]["holidaySets"] = json!(["us"]);
        Bundle::read(&document.to_string()).unwrap()
    };
    let compile =
        |bundle: Bundle, services: &[ServiceHours]| Policy::compile(bundle, &of(services), 1, around()).unwrap();
    let before = compile(named(plain.clone()), &[]);
    let view = sent(&before, new_york(19, "17:30"));
    let now = new_york(22, "12:00");
    assert_eq!(moved(&compile(named(holiday(23, false)), &[]), &view, now), None, "a24: not confirmed, no effect");
    let confirmed = compile(named(holiday(23, true)), &[]);
    assert_eq!(reason(&moved(&confirmed, &view, now).unwrap()), "holiday");
    let own = ServiceHours {
        reference: reference("HealthcareService/default"),
        version: Version(1),
        name: None,
        calendar: Some(
            serde_json::from_value::<CalendarSpec>(json!({"id": "x", "timezone": "America/New_York",
            "weekly": [{"days": ["mon", "tue", "wed", "thu"], "shifts": [{"start": "08:00", "end": "12:00"}]}]}))
            .unwrap(),
        ),
    };
    let hours = compile(named(plain), &[own]);
    let decision = moved(&hours, &view, now).unwrap();
    assert_eq!((reason(&decision), decision.clock.fold.used), ("hours", Span::hours(4)));
}

#[test]
fn a28_newer_zone_data_moves_what_remains_with_its_reason_and_leaves_what_was_used() {
    let policy = policy(&json!({}));
    let older = |key: &str| key.replace(tzdb_version(), "1999a");
    let mut view = sent(&policy, new_york(19, "12:00"));
    let kept: Vec<Kept> = policy.kept().map(|kept| Kept { key: older(&kept.key), ..kept.clone() }).collect();
    let policy = policy.remembering(&kept, around());
    for clock in &mut view.clocks {
        clock.fold.calendar = older(&clock.fold.calendar);
        clock.fold.segments[0].calendar.clone_from(&clock.fold.calendar);
    }
    let now = new_york(19, "15:00");
    let decision = moved(&policy, &view, now).unwrap();
    assert_eq!((reason(&decision), decision.clock.fold.used), ("tzdb", Span::hours(3)));
    assert_eq!(decision.clock.fold.due_at, waiting(&view).fold.due_at, "the same transitions, the same due");
    for clock in &mut view.clocks {
        clock.fold.calendar = clock.fold.calendar.replace("1999a", "9999a");
    }
    assert_eq!(moved(&policy, &view, now), None, "who knows less zone data moves nothing back");
}

#[test]
fn b7_what_changes_while_a_clock_rests_leaves_its_pauses_as_they_were() {
    let before = policy(&json!({}));
    let mut view = sent(&before, new_york(19, "09:00"));
    let paused = new_york(19, "12:00");
    for clock in &mut view.clocks {
        clock.record(paused, Event::Pause { reason: "waiting-on-patient".into(), until: None }, &before);
    }
    let policy = after(&json!({ "exceptions": closed(23) }), &[], &before);
    let decision = moved(&policy, &view, new_york(22, "09:00")).unwrap();
    let mut clock = decision.clock.clone();
    assert_eq!((clock.fold.state, clock.fold.due_at), (ClockState::Paused, None));
    assert_eq!(clock.fold.segments[0], waiting(&view).fold.segments[0]);
    assert_eq!(clock.fold.segments[1].from, paused);
    clock.record(new_york(22, "17:00"), Event::Resume, &policy);
    assert_eq!(clock.fold.used, Span::hours(3));
    let calendar = policy.calendar(&clock.fold.calendar).unwrap();
    let due = clock.fold.due_at.unwrap();
    assert_eq!(calendar.elapsed(new_york(22, "17:00"), due), clock.fold.allowance.less(Span::hours(3)));
}

#[test]
fn what_is_late_stays_late_by_as_much() {
    let before = policy(&json!({}));
    let view = sent(&before, new_york(19, "17:30"));
    let policy = after(&json!({ "exceptions": closed(26) }), &[], &before);
    let decision = moved(&policy, &view, new_york(25, "12:00")).unwrap();
    assert_eq!(decision.clock.fold.due_at, Some(new_york(24, "17:00")));
    assert!(decision.clock.fold.is_overdue(new_york(25, "12:00")));
}

#[test]
fn what_would_have_been_told_hours_after_due_is_not_told_at_once_because_hours_changed() {
    let before = policy(&json!({}));
    let view = sent(&before, new_york(22, "22:14"));
    let now = new_york(26, "09:00");
    let weekly =
        json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": [{ "start": "07:00", "end": "20:00" }] }]);
    let policy = after(&json!({ "weekly": weekly }), &[], &before);
    let decision = moved(&policy, &view, now).unwrap();
    let late = |clock: &Clock, policy| {
        let threshold = clock.terms.thresholds.iter().find(|threshold| threshold.id == "late").unwrap();
        clock.threshold_at(threshold, policy)
    };
    // Due on Thursday at 17:00; of four open hours one had passed on Friday at 9:00, by either.
    assert_eq!(late(waiting(&view), &before), Some(new_york(26, "12:00")));
    assert_eq!(late(&decision.clock, &policy), Some(new_york(26, "12:00")));
}

#[test]
fn a_pool_that_is_gone_leaves_its_clocks_where_they_were() {
    let before = policy(&json!({}));
    let mut view = sent(&before, new_york(19, "17:30"));
    for clock in &mut view.clocks {
        "HealthcareService/gone".clone_into(&mut clock.terms.counted_by);
    }
    let policy = after(&json!({ "exceptions": closed(23) }), &[], &before);
    assert_eq!(moved(&policy, &view, new_york(22, "12:00")), None);
    let clock = waiting(&view);
    assert_eq!(clock.fold.used_until(new_york(23, "12:00"), &policy), Span::hours(13), "counted as it was promised");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn recalendar_leaves_time_used_alone_and_equals_the_ledger_from_scratch(
        start in 0_i64..500_000, wait in 0_i64..400_000, day in select(vec![22_u8, 23, 24, 25, 26, 29]),
        hours in select(vec![("08:00", "17:00"), ("09:00", "12:00"), ("07:00", "20:00")]),
    ) {
        let before = policy(&json!({}));
        let view = sent(&before, new_york(18, "08:00").plus(start));
        let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": [{ "start": hours.0, "end": hours.1 }] }]);
        let policy = after(&json!({ "exceptions": closed(day), "weekly": weekly }), &[], &before);
        let now = waiting(&view).fold.started_at.unwrap().plus(wait);
        let used = waiting(&view).fold.used_until(now, &before);
        let decision = moved(&policy, &view, now).unwrap();
        let clock = &decision.clock;
        prop_assert_eq!(clock.fold.used_until(now, &policy), used);
        prop_assert!(clock.promised_at <= waiting(&view).promised_at);
        // Nobody was slow because hours changed: what stood ahead stands ahead.
        for threshold in &clock.terms.thresholds {
            let come = |clock: &Clock, policy| clock.threshold_at(threshold, policy).is_some_and(|at| at <= now);
            prop_assert!(come(waiting(&view), &before) || !come(clock, &policy), "{}", threshold.id);
        }
        let target = waiting(&view).fold.target.clone().unwrap();
        let begun = Event::Activate { target, calendar: waiting(&view).fold.calendar.clone() };
        let first = LedgerEntry {
            clock: clock.id.clone(),
            sequence: 1,
            at: waiting(&view).fold.started_at.unwrap(),
            event: begun,
        };
        prop_assert_eq!(&Fold::of(&[decision.ledger[0].clone(), first], &policy), &clock.fold);
        prop_assert!(moved(&policy, &following(&view, &decision), now).is_none());
    }
}

#[test]
fn a21_hours_that_end_for_good_leave_no_clock_without_somebody_who_looks_and_hours_that_come_back_bound_it_again() {
    let before = policy(&json!({}));
    let view = sent(&before, new_york(18, "09:00"));
    let own = |members: Value| ServiceHours {
        reference: reference("HealthcareService/default"),
        version: Version(1),
        name: None,
        calendar: Some(serde_json::from_value::<CalendarSpec>(members).unwrap()),
    };
    let compile = |hours: ServiceHours| {
        let bundle = Bundle::read(DEFAULT_BUNDLE).unwrap();
        Policy::compile(bundle, &of(&[hours]), 2, around()).unwrap()
    };
    let ended = compile(own(json!({ "id": "x", "timezone": "America/New_York", "weekly": [],
        "exceptions": [{ "from": "2026-06-18", "to": "2026-06-18", "reason": "the last day", "shifts": [{ "start": "08:00", "end": "12:00" }] }] })));
    let decision = moved(&ended, &view, new_york(18, "10:00")).unwrap();
    assert_eq!(decision.clock.fold.standing(new_york(18, "11:00")), "unbounded");
    assert_eq!(decision.tasks[0].business.as_str(), "unbounded");
    assert!(decision.thread.as_ref().is_some_and(|thread| thread.needs_review));
    assert!(!decision.record.errors.is_empty());
    let told = decision.outbox.iter().find(|row| row.topic == "unbounded").unwrap();
    assert_eq!(told.recipient.as_deref(), Some("HealthcareService/default"));
    assert_eq!(decision.clock.next.as_ref().map(|next| next.id.as_str()), Some("promise-missed"), "a promise passes");
    // Whatever rests meanwhile says so when it goes on.
    let mut resting = view.clone();
    let waits = Event::Pause { reason: "waiting-on-patient".into(), until: Some(new_york(18, "11:00")) };
    for clock in &mut resting.clocks {
        clock.record(new_york(18, "09:30"), waits.clone(), &before);
    }
    let rests = moved(&ended, &resting, new_york(18, "10:00")).unwrap();
    assert!(rests.thread.is_none(), "nothing is due while it rests");
    let now = new_york(18, "11:00");
    let resumed = fire(Setting { policy: &ended, now }, &resting, &rests.clock, &mut Ids::new(now, 4)).unwrap();
    assert!(resumed.thread.is_some_and(|thread| thread.needs_review));
    assert!(resumed.outbox.iter().any(|row| row.topic == "unbounded"));
    let again = following(&view, &decision);
    let back = compile(own(json!({ "id": "x", "timezone": "America/New_York",
        "weekly": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": [{ "start": "08:00", "end": "17:00" }] }] })));
    let mended = moved(&back, &again, new_york(18, "10:30")).unwrap();
    assert_eq!(mended.clock.fold.due_at, Some(new_york(22, "17:00")), "what remained is counted on");
    assert!(mended.clock.next.is_some() && mended.thread.is_none());
}

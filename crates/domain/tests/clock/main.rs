//! Clocks: what happened to some, and what holds for any life of one.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::calendar::Calendar;
use domain::clock::{Calendars, Clock, ClockName, ClockState, Event, Fold, LedgerEntry, Terms};
use domain::policy::turnaround::{At, Deliver, Rest, Target, Threshold, True};
use domain::thread::Priority;
use domain::time::{Instant, Span};
use serde_json::{Value, json};

mod properties;

struct Known(BTreeMap<&'static str, Calendar>);

impl Calendars for Known {
    fn calendar(&self, key: &str) -> Option<&Calendar> {
        self.0.get(key)
    }
}

impl Known {
    fn office(&self) -> &Calendar {
        &self.0["office"]
    }
}

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// An instant of New York's summer of 2026; the 19th of June is a Friday.
fn june(day: u8, time: &str) -> Instant {
    at(&format!("2026-06-{day:02}T{time}:00-04:00"))
}

/// The calendars, compiled once for all cases.
fn known() -> &'static Known {
    static COMPILED: LazyLock<Known> = LazyLock::new(compiled);
    &COMPILED
}

fn compiled() -> Known {
    let calendar = |members: Value| {
        let mut whole = json!({"id": "c", "timezone": "America/New_York"});
        whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        Calendar::compile(&serde_json::from_value(whole).unwrap(), &[], at("2026-06-01T00:00:00Z")).unwrap()
    };
    let weekdays = json!(["mon", "tue", "wed", "thu", "fri"]);
    Known(BTreeMap::from([
        ("office", calendar(json!({"weekly": [{"days": weekdays, "shifts": [{"start": "09:00", "end": "17:00"}]}]}))),
        (
            "nights",
            calendar(json!({"weekly": [
                {"days": ["fri", "sat"], "shifts": [{"start": "19:00", "end": "07:00", "endsNextDay": true}]},
            ]})),
        ),
        ("always", calendar(json!({"alwaysOpen": true}))),
    ]))
}

fn open(hours: i64) -> Target {
    Target::OpenTime { amount: Span::hours(hours) }
}

fn activate(target: Target) -> Event {
    Event::Activate { target, calendar: "office".into() }
}

fn pause() -> Event {
    Event::Pause { reason: "waiting-on-patient".into(), until: None }
}

fn retarget(target: Target) -> Event {
    Event::Retarget { target, due: None, reason: "priority-raised".into() }
}

fn fold(events: &[(Instant, Event)], known: &Known) -> Fold {
    events.iter().fold(Fold::default(), |fold, (at, event)| fold.then(*at, event, known))
}

fn clock(thresholds: Vec<Threshold>) -> Clock {
    Clock {
        id: "c1".parse().unwrap(),
        thread: "t1".parse().unwrap(),
        name: ClockName::NextResponse,
        cycle: 1,
        task: None,
        terms: Terms {
            bundle: "b/1".into(),
            policy: "default".into(),
            pool: "default".into(),
            calendar: "office".into(),
            counted_by: "office".into(),
            priority: Priority::Routine,
            thresholds,
            known_from: None,
            rests: Rest::shipped(),
            review: None,
            author: None,
        },
        fold: Fold::default(),
        promised_at: None,
        fired: vec![],
        next: None,
        entries: 0,
        revision: 1,
    }
}

fn threshold(id: &str, at: At) -> Threshold {
    Threshold { id: id.into(), at, actions: vec![], deliver: Deliver::Now }
}

#[test]
fn b1_a_pause_over_the_weekend_leaves_due_as_it_was() {
    let known = known();
    let before = fold(&[(june(19, "15:00"), activate(open(4)))], known);
    let events =
        [(june(19, "15:00"), activate(open(4))), (june(19, "17:00"), pause()), (june(22, "09:00"), Event::Resume)];
    assert_eq!(before.due_at, Some(june(22, "11:00")));
    assert_eq!(fold(&events, known).due_at, before.due_at);
    assert_eq!(fold(&events[..2], known).due_at, None, "nothing is due while it rests");
}

#[test]
fn b1_a_pause_that_begins_at_due_and_lasts_until_the_opening_leaves_due_as_it_was() {
    let known = known();
    let events =
        [(june(19, "13:00"), activate(open(4))), (june(19, "17:00"), pause()), (june(22, "09:00"), Event::Resume)];
    assert_eq!(fold(&events, known).due_at, Some(june(19, "17:00")));
}

#[test]
fn b2_a_pause_of_two_open_hours_moves_due_by_two_open_hours() {
    let known = known();
    let events =
        [(june(19, "15:00"), activate(open(4))), (june(19, "16:00"), pause()), (june(22, "10:00"), Event::Resume)];
    assert_eq!(fold(&events, known).due_at, Some(june(22, "13:00")));
}

#[test]
fn b4_an_answer_that_also_waits_meets_the_target_with_the_time_used() {
    let known = known();
    let now = june(19, "16:00");
    let fold = fold(&[(june(19, "15:00"), activate(open(4))), (now, Event::Fulfill), (now, pause())], known);
    assert_eq!((fold.state, fold.used), (ClockState::Met, Span::hours(1)));
}

#[test]
fn b5_a_raised_priority_keeps_the_time_used_and_is_due_now() {
    let known = known();
    let now = june(19, "12:00");
    let events = [(june(19, "09:00"), activate(open(4))), (now, retarget(open(1)))];
    let fold = fold(&events, known);
    assert_eq!((fold.used, fold.due_at), (Span::hours(3), Some(now)));
    assert!(!fold.is_overdue(now) && fold.is_overdue(now.plus(1)));
}

#[test]
fn b21_a_due_instant_set_by_a_person_is_not_moved_by_pausing() {
    let known = known();
    let due = june(23, "12:00");
    let events = [
        (june(19, "09:00"), activate(open(4))),
        (june(19, "10:00"), retarget(Target::Manual { due })),
        (june(19, "11:00"), pause()),
        (june(22, "15:00"), Event::Resume),
    ];
    assert_eq!(fold(&events, known).due_at, Some(due));
}

#[test]
fn the_share_of_a_due_that_a_person_has_set_is_of_the_open_time_until_then() {
    let known = known();
    let mut clock = clock(vec![threshold("half", At::Percent { percent: 50 })]);
    clock.record(june(19, "15:00"), activate(open(4)), known);
    clock.record(june(19, "16:00"), retarget(Target::Manual { due: june(22, "15:00") }), known);
    assert_eq!(clock.fold.allowance, Span::hours(8), "two on Friday, six on Monday");
    assert_eq!(clock.next.as_ref().unwrap().at, june(22, "11:00"));
}

/// Danger is told: half an hour by the clock on the wall, from now on.
fn danger(now: Instant) -> Event {
    let target = Target::ElapsedTime { amount: Span::from_seconds(1800) };
    Event::Retarget { target, due: Some(now.plus(1800)), reason: "red-flag".into() }
}

#[test]
fn b2_b19_what_is_due_by_an_instant_that_nobody_has_set_moves_with_a_pause_and_a_calendar() {
    let known = known();
    let now = june(19, "14:00");
    // What was owed in another thread: two open hours remain of it.
    let merged = Event::Retarget { target: open(4), due: Some(june(19, "16:00")), reason: "merged".into() };
    let begun = [(june(19, "09:00"), activate(open(7))), (now, merged)];
    let moved = fold(&begun, known);
    assert_eq!((moved.due_at, moved.used, moved.allowance), (Some(june(19, "16:00")), Span::hours(5), Span::hours(7)));
    let rested = moved.clone().then(june(19, "15:00"), &pause(), known).then(june(22, "10:00"), &Event::Resume, known);
    assert_eq!(rested.due_at, Some(june(22, "11:00")), "one open hour remained");
    let nights = Event::Recalendar { calendar: "nights".into(), reason: "hours".into() };
    assert_eq!(moved.then(june(19, "15:00"), &nights, known).due_at, Some(june(19, "20:00")));

    let flagged = fold(&[(june(19, "09:00"), activate(open(7))), (now, danger(now))], known);
    let rests = flagged.then(june(19, "14:10"), &pause(), known).then(june(19, "23:00"), &Event::Resume, known);
    assert_eq!(rests.due_at, Some(june(19, "23:20")));
}

#[test]
fn b22_an_answer_in_the_second_of_due_is_in_time_and_the_next_second_is_late() {
    let known = known();
    let (start, due) = (june(19, "09:00"), june(19, "13:00"));
    for (stop, state) in [(due, ClockState::Met), (due.plus(1), ClockState::MetLate)] {
        assert_eq!(fold(&[(start, activate(open(4))), (stop, Event::Fulfill)], known).state, state);
    }
    let mut clock = clock(vec![threshold("breach", At::Due { due: True })]);
    clock.record(start, activate(open(4)), known);
    assert_eq!(clock.next.unwrap().at, due.plus(1), "a breach fires once now is later than due");
}

#[test]
fn b25_an_answer_delivered_before_its_message_folds_to_the_same_state() {
    let known = known();
    let entry = |sequence, at, event| LedgerEntry { clock: "c1".parse().unwrap(), sequence, at, event };
    let message = entry(1, june(19, "09:00"), activate(open(4)));
    let answer = entry(2, june(19, "10:00"), Event::Fulfill);
    let backwards = Fold::of(&[answer.clone(), message.clone()], known);
    assert_eq!(backwards, Fold::of(&[message, answer], known));
    assert_eq!(backwards.state, ClockState::Met);
}

#[test]
fn c6_a_warning_at_three_quarters_stands_in_open_time() {
    let known = known();
    let mut clock = clock(vec![threshold("warn", At::Percent { percent: 75 })]);
    clock.record(june(22, "16:00"), activate(open(4)), known);
    assert_eq!(clock.next.unwrap().at, june(23, "11:00"));
}

#[test]
fn b25_a_breach_that_was_recorded_stays_when_a_late_answer_turns_out_to_have_been_in_time() {
    let known = known();
    let entry = |sequence, at, event| LedgerEntry { clock: "c1".parse().unwrap(), sequence, at, event };
    let late = [
        entry(1, june(19, "09:00"), activate(open(4))),
        entry(2, june(19, "13:00").plus(1), Event::Breach),
        entry(3, june(19, "10:00"), Event::Fulfill),
    ];
    let fold = Fold::of(&late, known);
    assert_eq!((fold.state, fold.breached_at), (ClockState::Met, Some(june(19, "13:00").plus(1))));
    assert_eq!(self::fold(&[(june(19, "09:00"), Event::Breach)], known).breached_at, None, "nothing was owed");
}

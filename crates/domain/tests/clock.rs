//! Clocks: what holds for any life of one, and what happened to some.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::calendar::Calendar;
use domain::clock::{Calendars, Clock, ClockName, ClockState, Event, Fold, LedgerEntry, Terms};
use domain::policy::turnaround::{At, DayEnds, Deliver, Rest, Target, Threshold, True};
use domain::thread::Priority;
use domain::time::{Instant, Span};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

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

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        3 => (1_i64..200_000).prop_map(|seconds| Target::OpenTime { amount: Span::from_seconds(seconds) }),
        1 => (1_i64..400_000).prop_map(|seconds| Target::ElapsedTime { amount: Span::from_seconds(seconds) }),
        3 => (1_u16..6, select(vec![DayEnds::Close, DayEnds::SameTime]))
            .prop_map(|(days, day_ends)| Target::OpenDays { days, day_ends }),
        1 => (0_i64..1_000_000).prop_map(|seconds| Target::Manual { due: june(15, "00:00").plus(seconds) }),
    ]
}

fn key() -> impl Strategy<Value = String> {
    select(vec!["office", "nights", "always"]).prop_map(str::to_owned)
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (target(), key()).prop_map(|(target, calendar)| Event::Activate { target, calendar }),
        4 => Just(pause()),
        4 => Just(Event::Resume),
        2 => target().prop_map(retarget),
        1 => (target(), 0_i64..1_000_000).prop_map(|(target, seconds)| {
            Event::Retarget { target, due: Some(june(15, "00:00").plus(seconds)), reason: "merged".into() }
        }),
        2 => (1_i64..100_000).prop_map(|seconds| {
            Event::Extend { amount: Span::from_seconds(seconds), reason: "staffing".into() }
        }),
        2 => (0_i64..2_000_000).prop_map(|seconds| {
            Event::Pause { reason: "waiting-on-patient".into(), until: Some(june(15, "00:00").plus(seconds)) }
        }),
        2 => key().prop_map(|calendar| Event::Recalendar { calendar, reason: String::new() }),
        1 => Just(Event::Fulfill),
        1 => Just(Event::Cancel { reason: "resolved".into() }),
        1 => Just(Event::Waive { reason: "called".into() }),
        1 => Just(Event::Breach),
    ]
}

/// Some seconds, more often whole hours, now and then none.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0_i64), 3 => (0_i64..60).prop_map(|hours| hours * 3600), 3 => 0_i64..200_000]
}

/// Events of one clock in the order in which they happen. Most begin with a start and end late.
fn life() -> impl Strategy<Value = Vec<(Instant, Event)>> {
    (gap(), target(), key(), prop::collection::vec((gap(), event()), 0..12)).prop_map(
        |(first, target, calendar, rest)| {
            let mut now = june(15, "00:00").plus(first);
            let mut events = vec![(now, Event::Activate { target, calendar })];
            for (gap, event) in rest {
                now = now.plus(gap);
                events.push((now, event));
            }
            events
        },
    )
}

fn ledger(events: &[(Instant, Event)]) -> Vec<LedgerEntry> {
    let entry = |(place, (at, event)): (usize, &(Instant, Event))| LedgerEntry {
        clock: "c1".parse().unwrap(),
        sequence: i32::try_from(place).unwrap() + 1,
        at: *at,
        event: event.clone(),
    };
    events.iter().enumerate().map(entry).collect()
}

fn places() -> Vec<Threshold> {
    vec![
        threshold("half", At::Percent { percent: 50 }),
        threshold("soon", At::Before { before: Span::hours(1) }),
        threshold("breach", At::Due { due: True }),
        threshold("late", At::After { after: Span::hours(4), elapsed: false }),
        threshold("later", At::After { after: Span::hours(4), elapsed: true }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn time_used_never_decreases(events in life(), gap in gap()) {
        let known = known();
        let mut fold = Fold::default();
        let mut used = Span::default();
        for (at, event) in &events {
            let before = fold.used_until(*at, known);
            fold = fold.then(*at, event, known);
            let after = fold.used_until(*at, known);
            prop_assert!(used <= before && before <= after, "{used} {before} {after}");
            used = after;
        }
        let last = events.last().unwrap().0;
        prop_assert!(used <= fold.used_until(last.plus(gap), known));
    }

    #[test]
    fn the_time_used_is_the_sum_of_what_its_stretches_used(events in life()) {
        let known = known();
        let fold = fold(&events, known);
        let sum = fold.segments.iter().fold(Span::default(), |sum, segment| sum.and(segment.used));
        prop_assert_eq!(sum, fold.used);
        for (one, next) in fold.segments.iter().zip(fold.segments.iter().skip(1)) {
            prop_assert_eq!(one.until, Some(next.from), "stretches follow each other");
        }
        prop_assert!(fold.segments.iter().all(|segment| segment.running || segment.used == Span::default()));
    }

    #[test]
    fn a_clock_is_met_exactly_when_it_stops_no_later_than_due(events in life(), gap in gap()) {
        let known = known();
        let before = fold(&events, known);
        let stop = events.last().unwrap().0.plus(gap);
        let stopped = before.clone().then(stop, &Event::Fulfill, known);
        if let (ClockState::Running, Some(due)) = (before.state, before.due_at) {
            prop_assert_eq!(stopped.state, if stop <= due { ClockState::Met } else { ClockState::MetLate });
            prop_assert_eq!(stopped.used, before.used_until(stop, known));
        } else if before.state.is_over() {
            prop_assert_eq!(stopped, before, "what has ended does not end again");
        }
    }

    #[test]
    fn the_order_of_arrival_and_duplicates_change_nothing(
        (events, shuffled) in life().prop_flat_map(|events| {
            let twice: Vec<LedgerEntry> = ledger(&events).into_iter().chain(ledger(&events)).collect();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        let known = known();
        prop_assert_eq!(Fold::of(&shuffled, known), Fold::of(&ledger(&events), known));
    }

    #[test]
    fn a_clock_kept_event_by_event_equals_its_ledger_folded_from_scratch(events in life()) {
        let known = known();
        let mut clock = clock(places());
        let entries: Vec<LedgerEntry> =
            events.iter().map(|(at, event)| clock.record(*at, event.clone(), known)).collect();
        prop_assert_eq!(&entries, &ledger(&events));
        prop_assert_eq!(Fold::of(&entries, known), clock.fold);
    }

    #[test]
    fn a_promise_never_moves_later(events in life()) {
        let known = known();
        let mut clock = clock(places());
        let mut told: Option<Instant> = None;
        for (at, event) in events {
            clock.record(at, event, known);
            if told.is_none() {
                // What a patient is told once is the due instant of that moment.
                clock.promised_at = clock.fold.due_at;
            } else {
                prop_assert!(clock.promised_at.is_some() && clock.promised_at <= told);
            }
            told = clock.promised_at;
        }
    }

    #[test]
    fn another_target_or_calendar_changes_nothing_already_used(
        events in life(), gap in gap(), target in target(), key in key()
    ) {
        let known = known();
        let before = fold(&events, known);
        let now = events.last().unwrap().0.plus(gap);
        let used = before.used_until(now, known);
        for event in [retarget(target), Event::Recalendar { calendar: key, reason: "hours".into() }] {
            let after = before.clone().then(now, &event, known);
            prop_assert_eq!(after.used_until(now, known), used);
            prop_assert_eq!(after.started_at, before.started_at);
        }
    }

    #[test]
    fn a_pause_that_lies_in_closed_time_alone_leaves_due_as_it_was(
        target in prop_oneof![
            (1_i64..300_000).prop_map(|seconds| Target::OpenTime { amount: Span::from_seconds(seconds) }),
            (1_u16..6, select(vec![DayEnds::Close, DayEnds::SameTime]))
                .prop_map(|(days, day_ends)| Target::OpenDays { days, day_ends }),
        ],
        start in gap(), wait in gap(), share in 0_i64..=100,
    ) {
        let known = known();
        let start = june(15, "00:00").plus(start);
        let running = Fold::default().then(start, &activate(target), known);
        let wanted = start.plus(wait);
        let begins = if known.office().is_open(wanted) { known.office().next_close(wanted).unwrap() } else { wanted };
        let opening = known.office().next_open(begins).unwrap();
        let ends = begins.plus(opening.since(begins) * share / 100);
        let resumed = running.clone().then(begins, &pause(), known).then(ends, &Event::Resume, known);
        prop_assert_eq!(resumed.due_at, running.due_at);
    }

    #[test]
    fn a_paused_clock_is_due_when_the_rest_of_its_time_has_been_used(
        amount in 1_i64..200_000, start in gap(), wait in gap(), rest in gap()
    ) {
        let known = known();
        let start = june(15, "00:00").plus(start);
        let amount = Span::from_seconds(amount);
        let running = Fold::default().then(start, &activate(Target::OpenTime { amount }), known);
        let (begins, ends) = (start.plus(wait), start.plus(wait + rest));
        prop_assume!(running.due_at.is_some_and(|due| begins < due));
        let resumed = running.then(begins, &pause(), known).then(ends, &Event::Resume, known);
        let due = resumed.due_at.unwrap();
        prop_assert_eq!(resumed.used.and(known.office().elapsed(ends, due)), amount);
    }

    #[test]
    fn thresholds_stand_where_they_say(amount in 7200_i64..200_000, start in gap(), percent in 1_u8..=99) {
        let known = known();
        let (start, office) = (june(15, "00:00").plus(start), known.office());
        let mut thresholds = places();
        thresholds[0].at = At::Percent { percent };
        let mut clock = clock(thresholds.clone());
        clock.record(start, activate(Target::OpenTime { amount: Span::from_seconds(amount) }), known);
        let due = clock.fold.due_at.unwrap();
        let stands = |place: usize| clock.threshold_at(&thresholds[place], known).unwrap();
        let share = (amount * i64::from(percent) + 99) / 100;
        prop_assert_eq!(office.elapsed(start, stands(0)).seconds(), share);
        prop_assert_eq!(office.elapsed(stands(1), due), Span::hours(1));
        prop_assert_eq!(stands(2), due.plus(1));
        prop_assert_eq!(office.elapsed(due, stands(3)), Span::hours(4));
        prop_assert_eq!(stands(4), due.plus(4 * 3600));
        let first = thresholds.iter().map(|threshold| clock.threshold_at(threshold, known).unwrap()).min();
        prop_assert_eq!(clock.next.map(|next| next.at), first);
    }

    #[test]
    fn the_next_threshold_is_none_exactly_while_nothing_runs_and_no_pause_ends(events in life()) {
        let known = known();
        let mut clock = clock(places());
        for (at, event) in events {
            clock.record(at, event, known);
            prop_assert_eq!(clock.next.is_some(), clock.fold.due_at.is_some() || clock.fold.paused_until.is_some());
            prop_assert!(clock.fold.paused_until.is_none() || clock.fold.state == ClockState::Paused);
            prop_assert_eq!(clock.fold.due_at.is_some(), clock.fold.state == ClockState::Running);
        }
    }
}

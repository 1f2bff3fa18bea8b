//! What holds for any life of a clock.

use domain::clock::{ClockState, Event, Fold, LedgerEntry};
use domain::policy::turnaround::{At, DayEnds, Target, Threshold, True};
use domain::time::{Instant, Span};
use proptest::prelude::*;
use proptest::sample::select;

use crate::{activate, clock, fold, june, known, pause, retarget, threshold};

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

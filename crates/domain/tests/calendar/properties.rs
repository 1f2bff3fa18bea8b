//! What must hold for any calendar.

use domain::calendar::{Calendar, Closure, Hours, Shift, WallTime, WeeklyShifts};
use domain::time::Instant;
use proptest::prelude::*;

use super::oracle::{MINUTE, Scan, scan};
use super::seconds;
use super::strategies::{DAYS, Sample, early_minute, sample, two_samples};

impl Sample {
    fn compile(&self) -> Calendar {
        self.compile_around(self.start)
    }

    fn compile_around(&self, around: Instant) -> Calendar {
        Calendar::compile(&self.spec, &self.holidays, around).unwrap()
    }

    fn scan(&self) -> Scan {
        scan(&self.spec, &self.holidays, self.start, (DAYS * 1440) as usize)
    }

    fn minute(&self, minute: i64) -> Instant {
        self.start.plus(minute * MINUTE)
    }

    fn end(&self) -> Instant {
        self.minute(DAYS * 1440)
    }
}

/// Asserts that a calendar is open in exactly the minutes for which `open` is true.
fn assert_open_minutes(
    calendar: &Calendar,
    sample: &Sample,
    open: impl Fn(usize) -> bool,
) -> Result<(), TestCaseError> {
    for minute in 0..DAYS * 1440 {
        let at = sample.minute(minute);
        prop_assert_eq!(calendar.is_open(at), open(minute as usize), "{}", at);
    }
    Ok(())
}

/// More than ten thousand calendars in each run, and as many questions to the oracle: most where a case costs little.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_answer_is_what_watching_the_clock_gives(
        sample in sample(),
        questions in prop::collection::vec((early_minute(), early_minute(), 1_i64..4000, 0_usize..4), 40),
    ) {
        let (calendar, watched) = (sample.compile(), sample.scan());
        assert_open_minutes(&calendar, &sample, |minute| watched.open[minute])?;
        for (minute, length, amount, days) in questions {
            let (from, until) = (sample.minute(minute), sample.minute(minute + length));
            prop_assert_eq!(calendar.is_open(from), watched.is_open(from));
            prop_assert_eq!(calendar.elapsed(from, until).seconds(), watched.elapsed(from, until) * MINUTE);
            if let Some(due) = watched.add(from, amount) {
                prop_assert_eq!(calendar.add(from, seconds(amount * MINUTE)), Some(due));
            }
            if let Some(opens) = watched.next_open(from) {
                prop_assert_eq!(calendar.next_open(from), Some(opens));
                prop_assert_eq!(calendar.add(from, seconds(0)), Some(opens));
            }
            if let Some(closes) = watched.next_close(from) {
                prop_assert_eq!(calendar.next_close(from), Some(closes));
            }
            if let Some(close) = watched.open_day_close(from, days) {
                prop_assert_eq!(calendar.open_day_close(from, days as u32), Some(close), "{} + {}", from, days);
            }
            if let Some(same) = watched.open_day_same_time(from, days) {
                prop_assert_eq!(calendar.open_day_same_time(from, days as u32), Some(same), "{} + {}", from, days);
            }
        }
    }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn set_algebra_is_and_or_and_not_of_every_minute((one, other) in two_samples()) {
        let (left, right) = (one.compile(), other.compile());
        let (in_left, in_right) = (one.scan().open, other.scan().open);
        assert_open_minutes(&left.union(&right, "u"), &one, |minute| in_left[minute] || in_right[minute])?;
        assert_open_minutes(&left.intersection(&right, "i"), &one, |minute| in_left[minute] && in_right[minute])?;
        assert_open_minutes(&left.minus(&right, "m"), &one, |minute| in_left[minute] && !in_right[minute])?;
    }

    #[test]
    fn algebra_with_itself_keeps_every_open_date_or_leaves_none(sample in sample(), from in early_minute(), days in 0_u32..5) {
        let calendar = sample.compile();
        let from = sample.minute(from);
        let close = calendar.open_day_close(from, days);
        prop_assert_eq!(calendar.union(&calendar, "u").open_day_close(from, days), close);
        prop_assert_eq!(calendar.intersection(&calendar, "i").open_day_close(from, days), close);
        prop_assert!(!calendar.minus(&calendar, "m").opens());
    }

    #[test]
    fn algebra_answers_do_not_depend_on_the_compiled_years_either(
        (one, other) in two_samples(), from in early_minute(), amount in 0_i64..30_000_000, days in 0_u32..40,
        years in (-8_i64..8),
    ) {
        let right = other.compile();
        let [here, there] = [0, years].map(|years| {
            let left = one.compile_around(one.start.plus(years * 366 * 86_400 + 40_000));
            [left.union(&right, "u"), left.intersection(&right, "i"), left.minus(&right, "m")]
        });
        let from = one.minute(from);
        let until = from.plus(amount);
        for (here, there) in here.iter().zip(&there) {
            prop_assert_eq!(here.elapsed(from, until), there.elapsed(from, until));
            prop_assert_eq!(here.add(from, seconds(amount)), there.add(from, seconds(amount)));
            prop_assert_eq!(here.next_close(from), there.next_close(from));
            let close = here.open_day_close(from, days);
            prop_assert_eq!(close, there.open_day_close(from, days));
            prop_assert_eq!(here.open_day_same_time(from, days), there.open_day_same_time(from, days));
            prop_assert!(here.open_day_close(from, days + 1).is_none_or(|next| Some(next) >= close));
        }
    }
}

proptest! {
    #![proptest_config(cases(1_500))]

    #[test]
    fn open_time_adds_up_and_never_exceeds_elapsed_time(
        sample in sample(), mut points in prop::collection::vec(-4_000_000_i64..4_000_000, 3),
    ) {
        points.sort_unstable();
        let calendar = sample.compile();
        let [a, b, c] = [0, 1, 2].map(|index| sample.start.plus(points[index]));
        let whole = calendar.elapsed(a, c);
        prop_assert_eq!(calendar.elapsed(a, b).and(calendar.elapsed(b, c)), whole);
        prop_assert!(whole.seconds() <= c.since(a));
        prop_assert_eq!(calendar.elapsed(c, a), seconds(0));
    }

    #[test]
    fn a_due_time_is_the_least_with_that_much_open_time(
        sample in sample(), from in 0_i64..1_000_000, first in 1_i64..200_000, more in 1_i64..200_000,
    ) {
        let calendar = sample.compile();
        let from = sample.start.plus(from);
        if let Some(due) = calendar.add(from, seconds(first)) {
            prop_assert_eq!(calendar.elapsed(from, due).seconds(), first);
            prop_assert_eq!(calendar.elapsed(from, due.plus(-1)).seconds(), first - 1);
            // In open time or at a close: the second before is open in either case.
            prop_assert!(calendar.is_open(due.plus(-1)));
            let later = calendar.add(from, seconds(first + more));
            match (later, calendar.add(due, seconds(more))) {
                // Two steps may go further than the thirty years that one step looks ahead.
                (None, Some(beyond)) => prop_assert!(beyond.since(from) > 30 * 365 * 86_400),
                (later, in_two_steps) => prop_assert_eq!(later, in_two_steps),
            }
            prop_assert!(later.is_none_or(|later| later > due));
            let received_later = calendar.add(from.plus(more), seconds(first));
            prop_assert!(received_later.is_none_or(|later| later >= due));
        }
    }

    #[test]
    fn periods_alternate_and_cover_the_time_asked_about_exactly(
        sample in sample(), from in early_minute(), length in 1_i64..2_000_000,
    ) {
        let calendar = sample.compile();
        let from = sample.minute(from);
        let until = from.plus(length);
        let periods = calendar.walk(from, until);
        prop_assert_eq!(periods.first().map(|period| period.from), Some(from));
        prop_assert_eq!(periods.last().map(|period| period.until), Some(until));
        for period in &periods {
            prop_assert!(period.from < period.until);
            let all = if period.open { period.until.since(period.from) } else { 0 };
            prop_assert_eq!(calendar.elapsed(period.from, period.until).seconds(), all);
        }
        for pair in periods.windows(2) {
            prop_assert_eq!(pair[0].until, pair[1].from);
            prop_assert_ne!(pair[0].open, pair[1].open);
        }
        prop_assert!(calendar.walk(until, from).is_empty());
    }

    #[test]
    fn a_closure_never_makes_due_earlier(
        sample in sample(), from in early_minute(), amount in 1_i64..200_000,
        closed in (0_i64..1_000_000, 1_i64..200_000),
    ) {
        let from = sample.minute(from);
        let before = sample.compile().add(from, seconds(amount));
        let mut closer = sample.clone();
        let closed_from = sample.start.plus(closed.0);
        closer.spec.closures.push(Closure {
            from: closed_from,
            until: closed_from.plus(closed.1),
            reason: "storm".to_owned(),
        });
        let after = closer.compile().add(from, seconds(amount));
        prop_assert!(after.is_none_or(|after| Some(after) >= before), "{:?} {:?}", before, after);
    }

    #[test]
    fn splitting_and_reordering_shifts_changes_nothing(sample in sample(), rotation in 0_usize..6) {
        let mut split = sample.clone();
        if let Hours::Weekly(weekly) = &mut split.spec.hours {
            // One entry a shift and day, halves apart, in another order.
            let mut apart: Vec<WeeklyShifts> = Vec::new();
            for entry in weekly.iter() {
                for shift in &entry.shifts {
                    for day in &entry.days {
                        apart.push(WeeklyShifts { days: vec![*day], shifts: halves(*shift) });
                    }
                }
            }
            apart.reverse();
            let length = apart.len().max(1);
            apart.rotate_left(rotation % length);
            *weekly = apart;
        }
        let lists = split.spec.exceptions.iter_mut().map(|each| &mut each.shifts);
        for shifts in lists.chain(split.holidays[0].entries.iter_mut().map(|each| &mut each.shifts)) {
            *shifts = shifts.iter().rev().flat_map(|shift| halves(*shift)).collect();
        }
        split.spec.closures.reverse();
        let (whole, split) = (sample.compile(), split.compile());
        prop_assert_eq!(whole.walk(sample.start, sample.end()), split.walk(sample.start, sample.end()));
        for day in 0..DAYS {
            let at = sample.minute(day * 1440);
            prop_assert_eq!(whole.open_day_close(at, 2), split.open_day_close(at, 2));
        }
    }

    #[test]
    fn the_compiled_years_change_no_answer(
        sample in sample(), from in early_minute(), amount in 0_i64..30_000_000, days in 0_u32..400,
        years in (-8_i64..8),
    ) {
        let here = sample.compile();
        let there = sample.compile_around(sample.start.plus(years * 366 * 86_400 + 40_000));
        let from = sample.minute(from);
        let until = from.plus(amount);
        prop_assert_eq!(here.is_open(from), there.is_open(from));
        prop_assert_eq!(here.elapsed(from, until), there.elapsed(from, until));
        prop_assert_eq!(here.add(from, seconds(amount)), there.add(from, seconds(amount)));
        prop_assert_eq!(here.next_open(from), there.next_open(from));
        prop_assert_eq!(here.next_close(from), there.next_close(from));
        prop_assert_eq!(here.open_day_close(from, days), there.open_day_close(from, days));
        prop_assert_eq!(here.open_day_same_time(from, days), there.open_day_same_time(from, days));
        prop_assert_eq!(here.walk(from, until.plus(1)), there.walk(from, until.plus(1)));
    }

    #[test]
    fn open_days_never_run_backwards(sample in sample(), from in early_minute(), later in early_minute(), days in 0_u32..6) {
        let calendar = sample.compile();
        let from = sample.minute(from);
        if let Some(close) = calendar.open_day_close(from, days) {
            prop_assert!(close > from);
            prop_assert!(calendar.is_open(close.plus(-1)));
            prop_assert!(calendar.open_day_close(from, days + 1).is_none_or(|next| next >= close));
            let received_later = calendar.open_day_close(from.plus(later * MINUTE), days);
            prop_assert!(received_later.is_none_or(|later| later >= close));
            let same_time = calendar.open_day_same_time(from, days).unwrap();
            prop_assert!(from <= same_time && same_time <= close, "{} <= {} <= {}", from, same_time, close);
            prop_assert!(calendar.is_open(same_time) || calendar.is_open(same_time.plus(-1)));
        }
    }

    #[test]
    fn what_is_written_down_reads_back_the_same(sample in sample()) {
        let text = serde_json::to_string(&sample.spec).unwrap();
        let read: domain::calendar::CalendarSpec = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&read, &sample.spec);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), text);
    }
}

/// The shift as two that overlap by a minute, or itself when there is nothing to split.
fn halves(shift: Shift) -> Vec<Shift> {
    let (start, end) = (shift.start.seconds(), shift.end.seconds());
    let middle = u32::midpoint(start, end) / 60 * 60;
    if shift.ends_next_day || middle <= start || middle + 60 > end {
        return vec![shift];
    }
    let wall = |second| WallTime::from_seconds(second).unwrap();
    vec![Shift { start: wall(middle), ..shift }, Shift { end: wall(middle + 60), ..shift }]
}

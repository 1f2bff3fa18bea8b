//! Quiet hours: when notices leave that wait for somebody's morning.

use domain::decide::{Setting, fire, put_off};
use domain::id::Ids;
use domain::message::Message;
use domain::policy::bundle::QuietAudience;
use domain::thread::Priority;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::{at, compiled, decide, june, message, policy, reference, sample, view, waiting};

#[test]
fn d1_a_notice_at_23_waits_until_the_window_ends_at_7_in_the_recipients_zone() {
    let mut whole = sample();
    whole["quietHours"][0]["shifts"] = json!([{"start": "22:00", "end": "07:00", "endsNextDay": true}]);
    let policy = compiled(&whole);
    let zone = domain::calendar::zone_named("America/Los_Angeles").unwrap();
    let quiet = |at, zone| policy.quiet_until(QuietAudience::Patient, zone, Priority::Routine, (at, at));
    let (night, morning) = (at("2026-06-19T23:00:00-07:00"), at("2026-06-20T07:00:00-07:00"));
    assert_eq!(quiet(night, Some(&zone)), morning);
    assert_eq!(quiet(june(19, "23:00"), None), june(20, "07:00"), "an unknown zone is the clinic's");
    assert_eq!(quiet(morning, Some(&zone)), morning, "the end of a window is outside it");
}

#[test]
fn d5_whoever_moves_during_the_hold_is_told_when_it_is_no_longer_quiet_where_they_are() {
    let policy = policy();
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let mut answer = message("Twice a day.");
    answer.sender = reference("Practitioner/nurse");
    let answered = decide(policy, june(19, "22:00"), &answer, Some(&view(&sent)));
    let row = answered.outbox.iter().find(|row| row.recipient.as_deref() == Some("Patient/p-1001")).unwrap();
    let morning = june(20, "08:00");
    assert_eq!(row.release_at, morning);
    assert_eq!(put_off(policy, &answered.thread, row, morning), None, "who has stayed is told");
    let mut thanks = message("Thank you.");
    let told = |zone: &str, message: &mut Message| {
        message.facts.zone = Some(zone.to_owned());
        decide(policy, june(19, "23:00"), message, Some(&view(&answered))).thread
    };
    let west = told("America/Los_Angeles", &mut thanks);
    let released = june(20, "11:00");
    assert_eq!(put_off(policy, &west, row, morning), Some(released), "8 in the morning where they are now");
    assert_eq!(put_off(policy, &west, row, released), None, "the longest hold is over, and the window too");
    let east = told("Europe/Lisbon", &mut thanks);
    assert_eq!(put_off(policy, &east, row, morning), None, "never earlier than the first window's end");
    assert_eq!(told("Mars/Olympus", &mut thanks).zone, None, "a zone that nobody knows says nothing");
}

#[test]
fn a_notice_whose_worker_comes_late_waits_for_the_next_morning_or_opening() {
    let policy = policy();
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let now = june(23, "12:00");
    let fired = fire(Setting { policy, now }, &view(&sent), waiting(&sent), &mut Ids::new(now, 2)).unwrap();
    let row = fired.outbox.iter().find(|row| row.recipient.is_some()).unwrap();
    let thread = &sent.thread;
    assert_eq!(put_off(policy, thread, row, row.release_at), None);
    assert_eq!(put_off(policy, thread, row, june(23, "23:00")), Some(june(24, "08:00")), "the team sleeps");
    assert_eq!(put_off(policy, thread, row, june(27, "12:00")), Some(june(29, "08:00")), "over a weekend too");
}

#[test]
fn d6_a_stat_message_is_told_in_quiet_hours() {
    let policy = policy();
    let night = june(19, "23:00");
    let quiet = |priority| policy.quiet_until(QuietAudience::Patient, None, priority, (night, night));
    assert_eq!(quiet(Priority::Stat), night);
    assert_eq!(quiet(Priority::Routine), june(20, "08:00"));
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let mut answer = message("Come in at once.");
    answer.sender = reference("Practitioner/nurse");
    for (priority, released) in [(Some(Priority::Stat), night), (None, june(20, "08:00"))] {
        answer.priority = priority;
        let answered = decide(policy, night, &answer, Some(&view(&sent)));
        let told = answered.outbox.iter().find(|row| row.recipient.as_deref() == Some("Patient/p-1001")).unwrap();
        assert_eq!(told.release_at, released, "{priority:?}");
        let passed = answered.record.effects.iter().find(|effect| effect.kind == "quiet-hours");
        let named = passed.map(|effect| (effect.what.as_str(), effect.suppressed.as_deref().unwrap()));
        let bypass = policy.bundle.quiet_hours.iter().find(|quiet| quiet.audience == QuietAudience::Patient).unwrap();
        assert_eq!(named, priority.map(|_| (bypass.id.as_str(), "its urgency is stat")), "which was passed, and why");
    }
}

#[test]
fn windows_of_two_entries_that_touch_are_waited_for_as_one() {
    let mut whole = sample();
    let entry = |id: &str, start: &str, end: &str| json!({"id": id, "audience": "patient", "windowsIn": "clinic-timezone", "shifts": [{"start": start, "end": end}]});
    whole["quietHours"] = json!([entry("supper", "18:00", "20:00"), entry("evening", "20:00", "22:00")]);
    let policy = compiled(&whole);
    let quiet = |at| policy.quiet_until(QuietAudience::Patient, None, Priority::Routine, (at, at));
    assert_eq!(quiet(june(19, "19:00")), june(19, "22:00"));
}

/// Zones, and dates on which their clocks change.
const CLOCK_CHANGES: &[(&str, &str)] = &[
    ("UTC", "2026-06-19"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Africa/Cairo", "2026-04-24"),
    ("America/Havana", "2026-11-01"),
    ("America/Santiago", "2026-09-06"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Antarctica/Troll", "2026-03-29"),
    ("Pacific/Apia", "2011-12-30"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_notice_leaves_at_the_first_moment_outside_quiet_hours_or_at_the_longest_hold(
        (zone, changes) in select(CLOCK_CHANGES.to_vec()),
        windows in prop::collection::vec((0_u32..1440, 1_u32..1000), 1..4), hold in 1_i64..30, minute in 0_i64..6000,
    ) {
        let length = |(start, length): &(u32, u32)| (*start, (*start + *length).min(*start + 1439));
        let midnight = at(&format!("{changes}T00:00:00Z")).plus(-2 * 86_400);
        let zone = domain::calendar::zone_named(zone).unwrap();
        // A window begins and ends when the clock first shows it: what it shows again, or skips, has been.
        let mut furthest = i64::MIN;
        let shown: Vec<i64> = (-1440..9000).map(|minute| {
            let now = midnight.plus(minute * 60);
            furthest = furthest.max((now.as_second() + i64::from(zone.to_offset(now.timestamp()).seconds())) / 60);
            furthest
        }).collect();
        let in_window = |minute: i64| {
            let of_day = u32::try_from(minute.rem_euclid(1440)).unwrap();
            windows.iter().map(length).any(|(start, end)| (start..end).contains(&of_day) || (start..end).contains(&(of_day + 1440)))
        };
        let quiet_at = |minute: i64| in_window(shown[usize::try_from(minute + 1440).unwrap()]);
        prop_assume!((0..1440).any(|minute| !in_window(minute)));
        let wall = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let shifts: Vec<Value> = windows.iter().map(length).map(|(start, end)| {
            let next = end > 1440;
            json!({"start": wall(start), "end": wall(if next { end - 1440 } else { end }), "endsNextDay": next})
        }).collect();
        let mut whole = sample();
        whole["quietHours"] = json!([{
            "id": "q", "audience": "patient", "windowsIn": "recipient-timezone", "shifts": shifts, "maxHold": format!("PT{hold}H"),
        }]);
        let policy = compiled(&whole);
        let now = midnight.plus(minute * 60);
        let released = policy.quiet_until(QuietAudience::Patient, Some(&zone), Priority::Routine, (now, now));
        let until = released.since(midnight) / 60;
        prop_assert!((minute..until).all(quiet_at), "an earlier moment was outside");
        prop_assert!(!quiet_at(until) || until - minute >= hold * 60, "neither outside nor held long enough");
        prop_assert!(quiet_at(minute) || released == now);
    }
}

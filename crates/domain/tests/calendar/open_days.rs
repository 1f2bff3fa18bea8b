//! Counting in open days.

use serde_json::json;

use super::{at, calendar, clinic, nights, office_hours};

#[test]
fn a26_two_open_days_from_friday_afternoon_are_tuesday_and_from_friday_evening_wednesday() {
    let clinic = clinic();
    assert_eq!(clinic.open_day_close(at("2026-06-19T20:00:00Z"), 2), Some(at("2026-06-23T21:00:00Z")));
    assert_eq!(clinic.open_day_close(at("2026-06-19T22:00:00Z"), 2), Some(at("2026-06-24T21:00:00Z")));
    // Exactly at the close, Friday is over.
    assert_eq!(clinic.open_day_close(at("2026-06-19T21:00:00Z"), 2), Some(at("2026-06-24T21:00:00Z")));
}

#[test]
fn no_open_days_are_the_close_of_the_day_that_is_open_or_opens_next() {
    let clinic = clinic();
    assert_eq!(clinic.open_day_close(at("2026-06-19T12:00:00Z"), 0), Some(at("2026-06-19T21:00:00Z")));
    assert_eq!(clinic.open_day_close(at("2026-06-20T12:00:00Z"), 0), Some(at("2026-06-22T21:00:00Z")));
}

#[test]
fn in_the_small_hours_day_0_is_the_date_on_which_the_night_shift_began() {
    let night_line = calendar(json!({ "weekly": nights() }), json!([]), "2026-06-01T00:00:00Z");
    let saturday_two_at_night = at("2026-06-20T06:00:00Z");
    assert_eq!(night_line.open_day_close(saturday_two_at_night, 0), Some(at("2026-06-20T11:00:00Z")));
    assert_eq!(night_line.open_day_close(saturday_two_at_night, 1), Some(at("2026-06-21T11:00:00Z")));
    assert_eq!(night_line.open_day_same_time(saturday_two_at_night, 1), Some(at("2026-06-21T06:00:00Z")));
}

#[test]
fn after_a_closure_the_close_is_what_remains() {
    let closed = |from: &str, until: &str| {
        let closures = json!([{ "from": from, "until": until, "reason": "snow" }]);
        calendar(json!({ "weekly": office_hours(), "closures": closures }), json!([]), "2026-01-01T00:00:00Z")
    };
    let monday_morning = at("2026-01-26T14:00:00Z");
    // Sent home at 11:00: Monday's close is 11:00.
    let early_close = closed("2026-01-26T16:00:00Z", "2026-01-27T15:00:00Z");
    assert_eq!(early_close.open_day_close(monday_morning, 0), Some(at("2026-01-26T16:00:00Z")));
    assert_eq!(early_close.open_day_close(monday_morning, 1), Some(at("2026-01-27T22:00:00Z")));
    // Closed all Monday: Monday is no open date.
    let all_day = closed("2026-01-26T05:00:00Z", "2026-01-27T05:00:00Z");
    assert_eq!(all_day.open_day_close(monday_morning, 0), Some(at("2026-01-27T22:00:00Z")));
}

#[test]
fn the_dates_of_an_always_open_calendar_close_at_local_midnight() {
    let always = calendar(json!({ "alwaysOpen": true }), json!([]), "2026-03-01T00:00:00Z");
    let saturday_evening = at("2026-03-08T01:00:00Z");
    assert_eq!(always.open_day_close(saturday_evening, 0), Some(at("2026-03-08T05:00:00Z")));
    assert_eq!(always.open_day_close(saturday_evening, 1), Some(at("2026-03-09T04:00:00Z")));
    assert_eq!(always.open_day_same_time(saturday_evening, 1), Some(at("2026-03-09T00:00:00Z")));
}

#[test]
fn the_same_time_two_open_days_on_is_clipped_to_open_time() {
    let shifts = json!([{ "start": "09:00", "end": "12:30" }, { "start": "13:00", "end": "17:00" }]);
    let weekly = json!([{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": shifts }]);
    let clinic = calendar(json!({ "weekly": weekly }), json!([]), "2026-06-01T00:00:00Z");
    for (received, due, why) in [
        ("2026-06-19T14:00:00Z", "2026-06-23T14:00:00Z", "while open: the same time"),
        ("2026-06-19T11:00:00Z", "2026-06-23T13:00:00Z", "before opening: the opening"),
        ("2026-06-19T16:45:00Z", "2026-06-23T17:00:00Z", "at lunch: the end of lunch"),
        ("2026-06-19T16:30:00Z", "2026-06-23T16:30:00Z", "as lunch begins: as lunch begins"),
        ("2026-06-19T22:00:00Z", "2026-06-24T21:00:00Z", "after the close: the close of a day later"),
        ("2026-06-20T15:00:00Z", "2026-06-24T15:00:00Z", "on a closed day: counted from the next open one"),
    ] {
        assert_eq!(clinic.open_day_same_time(at(received), 2), Some(at(due)), "{why}");
    }
}

#[test]
fn a_longer_term_never_ends_before_a_shift_that_still_runs() {
    let weekly = json!([
        { "days": ["fri"], "shifts": [{ "start": "22:00", "end": "21:00", "endsNextDay": true }] },
        { "days": ["sat"], "shifts": [{ "start": "08:00", "end": "12:00" }] },
    ]);
    let odd = calendar(json!({ "weekly": weekly }), json!([]), "2026-06-01T00:00:00Z");
    let friday_night = at("2026-06-20T03:00:00Z");
    let saturday_nine_at_night = Some(at("2026-06-21T01:00:00Z"));
    assert_eq!(odd.open_day_close(friday_night, 0), saturday_nine_at_night);
    assert_eq!(odd.open_day_close(friday_night, 1), saturday_nine_at_night);
}

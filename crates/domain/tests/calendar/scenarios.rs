//! What happened to people.

use domain::calendar::Calendar;
use serde_json::json;

use super::{at, calendar, clinic, nights, office_hours, seconds};

const HOUR: i64 = 3600;

fn always_open() -> Calendar {
    calendar(json!({ "alwaysOpen": true }), json!([]), "2026-03-01T00:00:00Z")
}

#[test]
fn a1_a_day_at_an_always_open_calendar_is_24_real_hours_across_a_clock_change() {
    let whole_week = json!([{
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "shifts": [{ "start": "00:00", "end": "24:00" }],
    }]);
    for calendar in [always_open(), calendar(json!({ "weekly": whole_week }), json!([]), "2026-03-01T00:00:00Z")] {
        let start = at("2026-03-08T04:59:30Z");
        assert_eq!(calendar.add(start, seconds(24 * HOUR)), Some(at("2026-03-09T04:59:30Z")));
        let periods = calendar.walk(calendar.compiled_from(), calendar.compiled_until());
        assert_eq!(periods.len(), 1, "one merged interval");
        assert_eq!(calendar.next_close(start), None);
    }
}

#[test]
fn a2_an_hour_from_friday_half_past_four_is_half_past_nine_on_monday() {
    assert_eq!(clinic().add(at("2026-06-19T20:30:00Z"), seconds(HOUR)), Some(at("2026-06-22T13:30:00Z")));
}

#[test]
fn a3_a_full_day_from_opening_is_due_at_that_day_s_close() {
    assert_eq!(clinic().add(at("2026-06-19T13:00:00Z"), seconds(8 * HOUR)), Some(at("2026-06-19T21:00:00Z")));
}

#[test]
fn a4_what_arrives_exactly_at_close_starts_at_the_next_opening() {
    assert_eq!(clinic().add(at("2026-06-19T21:00:00Z"), seconds(HOUR)), Some(at("2026-06-22T14:00:00Z")));
}

#[test]
fn a5_what_arrives_on_saturday_is_never_due_at_once() {
    assert_eq!(clinic().add(at("2026-06-20T15:00:00Z"), seconds(HOUR / 2)), Some(at("2026-06-22T13:30:00Z")));
    assert_eq!(clinic().add(at("2026-06-20T15:00:00Z"), seconds(0)), Some(at("2026-06-22T13:00:00Z")));
}

#[test]
fn a6_lunch_does_not_count() {
    let shifts = json!([{ "start": "09:00", "end": "12:30" }, { "start": "13:00", "end": "17:00" }]);
    let with_lunch =
        calendar(json!({ "weekly": [{ "days": ["wed"], "shifts": shifts }] }), json!([]), "2026-06-17T00:00:00Z");
    assert_eq!(with_lunch.add(at("2026-06-17T16:15:00Z"), seconds(HOUR)), Some(at("2026-06-17T17:45:00Z")));
    assert_eq!(with_lunch.next_close(at("2026-06-17T16:15:00Z")), Some(at("2026-06-17T16:30:00Z")));
    assert_eq!(with_lunch.next_close(at("2026-06-17T16:30:00Z")), Some(at("2026-06-17T21:00:00Z")));
}

#[test]
fn a7_a_night_shift_over_the_spring_change_is_an_hour_shorter() {
    let night_line = calendar(json!({ "weekly": nights() }), json!([]), "2026-03-01T00:00:00Z");
    assert_eq!(night_line.add(at("2026-03-08T03:00:00Z"), seconds(10 * HOUR)), Some(at("2026-03-14T01:00:00Z")));
}

#[test]
fn a8_a_night_shift_over_the_autumn_change_is_an_hour_longer() {
    let night_line = calendar(json!({ "weekly": nights() }), json!([]), "2026-10-01T00:00:00Z");
    let open = night_line.elapsed(at("2026-10-31T22:00:00Z"), at("2026-11-01T17:00:00Z"));
    assert_eq!(open, seconds(13 * HOUR));
}

#[test]
fn a10_a_shift_that_starts_in_the_skipped_hour_starts_at_the_change() {
    let early = json!([{ "days": ["sun"], "shifts": [{ "start": "02:30", "end": "06:00" }] }]);
    let early = calendar(json!({ "weekly": early }), json!([]), "2026-03-01T00:00:00Z");
    assert_eq!(early.next_open(at("2026-03-08T05:00:00Z")), Some(at("2026-03-08T07:00:00Z")));
    assert_eq!(early.elapsed(at("2026-03-08T05:00:00Z"), at("2026-03-08T16:00:00Z")), seconds(3 * HOUR));
}

#[test]
fn a_shift_wholly_inside_the_skipped_hour_is_no_time_and_no_open_date() {
    let lost = json!([{ "days": ["sun"], "shifts": [{ "start": "02:10", "end": "02:50" }] }]);
    let lost = calendar(json!({ "weekly": lost }), json!([]), "2026-03-01T00:00:00Z");
    assert_eq!(lost.elapsed(at("2026-03-08T00:00:00Z"), at("2026-03-09T00:00:00Z")), seconds(0));
    assert_eq!(lost.open_day_close(at("2026-03-02T00:00:00Z"), 0), Some(at("2026-03-15T06:50:00Z")));
}

#[test]
fn a_repeated_hour_counts_from_its_first_occurrence() {
    let early = json!([{ "days": ["sun"], "shifts": [{ "start": "01:00", "end": "01:30" }] }]);
    let early = calendar(json!({ "weekly": early }), json!([]), "2026-10-01T00:00:00Z");
    assert_eq!(early.elapsed(at("2026-11-01T00:00:00Z"), at("2026-11-02T00:00:00Z")), seconds(HOUR / 2));
    assert_eq!(early.next_open(at("2026-11-01T00:00:00Z")), Some(at("2026-11-01T05:00:00Z")));
}

#[test]
fn a13_a_half_hour_change_makes_a_sunday_of_24_and_a_half_hours() {
    let sundays = json!([{ "days": ["sun"], "shifts": [{ "start": "00:00", "end": "24:00" }] }]);
    let lord_howe = json!({ "timezone": "Australia/Lord_Howe", "weekly": sundays });
    let lord_howe = calendar(lord_howe, json!([]), "2026-04-01T00:00:00Z");
    assert_eq!(lord_howe.elapsed(at("2026-04-04T01:00:00Z"), at("2026-04-06T01:30:00Z")), seconds(88_200));
}

#[test]
fn a_date_that_a_country_skipped_is_not_open() {
    let samoa = json!({ "timezone": "Pacific/Apia", "alwaysOpen": true });
    let samoa = calendar(samoa, json!([]), "2011-12-01T00:00:00Z");
    // Thursday 29 December was followed by Saturday 31 December.
    let thursday_noon = at("2011-12-29T22:00:00Z");
    assert_eq!(samoa.open_day_close(thursday_noon, 0), Some(at("2011-12-30T10:00:00Z")));
    assert_eq!(samoa.open_day_close(thursday_noon, 1), Some(at("2011-12-31T10:00:00Z")));
    assert_eq!(samoa.elapsed(at("2011-12-29T10:00:00Z"), at("2012-01-01T10:00:00Z")), seconds(72 * HOUR));
}

#[test]
fn a16_a_half_day_before_a_holiday_carries_over_the_weekend() {
    let holidays = json!([{ "id": "us", "entries": [
        { "date": "2026-12-24", "name": "Eve", "shifts": [{ "start": "09:00", "end": "12:00" }], "confirmed": true },
        { "date": "2026-12-25", "name": "Day", "confirmed": true },
    ] }]);
    let members = json!({ "weekly": office_hours(), "holidaySets": ["us"] });
    let clinic = calendar(members, holidays, "2026-12-01T00:00:00Z");
    assert_eq!(clinic.add(at("2026-12-24T16:00:00Z"), seconds(2 * HOUR)), Some(at("2026-12-28T15:00:00Z")));
}

#[test]
fn a17_an_exception_over_new_year_closes_every_date_of_its_range() {
    let exceptions = json!([{ "from": "2026-12-24", "to": "2027-01-02", "shifts": [], "reason": "year's end" }]);
    let members = json!({ "weekly": office_hours(), "exceptions": exceptions });
    let clinic = calendar(members, json!([]), "2026-12-01T00:00:00Z");
    assert_eq!(clinic.add(at("2026-12-23T21:00:00Z"), seconds(2 * HOUR)), Some(at("2027-01-04T15:00:00Z")));
    assert_eq!(clinic.elapsed(at("2026-12-24T05:00:00Z"), at("2027-01-03T05:00:00Z")), seconds(0));
}

#[test]
fn a18_a_holiday_is_the_local_date_whatever_the_server_s_zone() {
    let holidays = json!([{ "id": "h", "entries": [{ "date": "2026-01-19", "name": "Monday", "confirmed": true }] }]);
    let all_day = json!([{ "days": ["sun", "mon", "tue"], "shifts": [{ "start": "00:00", "end": "24:00" }] }]);
    let members = json!({ "timezone": "America/Los_Angeles", "weekly": all_day, "holidaySets": ["h"] });
    let clinic = calendar(members, holidays, "2026-01-01T00:00:00Z");
    let closed = clinic.walk(at("2026-01-18T08:00:00Z"), at("2026-01-21T08:00:00Z"));
    let closed: Vec<_> = closed.iter().filter(|period| !period.open).collect();
    assert_eq!(closed.len(), 1);
    assert_eq!((closed[0].from, closed[0].until), (at("2026-01-19T08:00:00Z"), at("2026-01-20T08:00:00Z")));
}

#[test]
fn a20_overlapping_shifts_count_once() {
    let shifts = json!([{ "start": "09:00", "end": "13:00" }, { "start": "12:00", "end": "17:00" }]);
    let members = json!({ "weekly": [{ "days": ["mon"], "shifts": shifts }] });
    let mondays = calendar(members, json!([]), "2026-06-01T00:00:00Z");
    let open = mondays.elapsed(at("2026-06-15T00:00:00Z"), at("2026-06-16T00:00:00Z"));
    assert_eq!(open, seconds(8 * HOUR));
}

#[test]
fn a21_a_calendar_that_never_opens_says_so_and_has_no_due() {
    let never = calendar(json!({ "weekly": [] }), json!([]), "2026-06-01T00:00:00Z");
    let start = at("2026-06-01T12:00:00Z");
    assert!(!never.opens());
    assert_eq!(never.add(start, seconds(HOUR)), None);
    assert_eq!(never.add(start, seconds(0)), None);
    assert_eq!(never.next_close(start), None);
    assert_eq!(never.open_day_close(start, 0), None);
    assert_eq!(never.open_day_same_time(start, 0), None);
    assert_eq!(never.elapsed(start, at("2036-06-01T12:00:00Z")), seconds(0));
    assert!(clinic().opens());
}

#[test]
fn a_calendar_whose_open_time_lies_in_the_past_does_not_open() {
    let exceptions = json!([{ "from": "2026-01-05", "to": "2026-01-05", "shifts": [{ "start": "09:00", "end": "10:00" }], "reason": "x" }]);
    let past = calendar(json!({ "weekly": [], "exceptions": exceptions }), json!([]), "2026-06-01T00:00:00Z");
    assert!(!past.opens());
    assert_eq!(past.next_open(at("2026-01-01T00:00:00Z")), Some(at("2026-01-05T14:00:00Z")));
}

#[test]
fn a22_one_open_day_a_week_is_enough() {
    let tuesdays = json!([{ "days": ["tue"], "shifts": [{ "start": "08:00", "end": "17:00" }] }]);
    let tuesdays = calendar(json!({ "weekly": tuesdays }), json!([]), "2026-06-01T00:00:00Z");
    assert_eq!(tuesdays.add(at("2026-06-16T20:00:00Z"), seconds(2 * HOUR)), Some(at("2026-06-23T13:00:00Z")));
}

#[test]
fn a24_an_imported_holiday_has_no_effect_until_confirmed() {
    let with = |confirmed: bool| {
        let entry = json!({ "date": "2026-11-11", "name": "St. Martin", "confirmed": confirmed });
        let holidays = json!([{ "id": "feed", "source": "ical", "entries": [entry] }]);
        let members = json!({ "weekly": office_hours(), "holidaySets": ["feed"] });
        calendar(members, holidays, "2026-11-01T00:00:00Z").is_open(at("2026-11-11T15:00:00Z"))
    };
    assert!(with(false));
    assert!(!with(true));
}

#[test]
fn a25_seconds_are_counted() {
    let shifts = json!([{ "start": "09:00:01", "end": "17:00" }]);
    let members = json!({ "weekly": [{ "days": ["mon"], "shifts": shifts }] });
    let odd = calendar(members, json!([]), "2026-06-01T00:00:00Z");
    assert_eq!(odd.add(at("2026-06-15T13:00:01Z"), seconds(59)), Some(at("2026-06-15T13:01:00Z")));
    assert_eq!(odd.add(at("2026-06-15T12:00:00Z"), seconds(59)), Some(at("2026-06-15T13:01:00Z")));
}

#[test]
fn a27_a_provider_s_hours_within_the_clinic_s_and_a_night_line_beside_them() {
    let provider = json!([{ "days": ["mon", "fri"], "shifts": [{ "start": "13:00", "end": "20:00" }] }]);
    let provider = calendar(json!({ "weekly": provider }), json!([]), "2026-06-01T00:00:00Z");
    let both = clinic().intersection(&provider, "both");
    assert_eq!(both.id(), "both");
    let friday_noon = at("2026-06-19T16:00:00Z");
    assert_eq!(both.next_open(friday_noon), Some(at("2026-06-19T17:00:00Z")));
    assert_eq!(both.next_close(friday_noon), Some(at("2026-06-19T21:00:00Z")));
    assert_eq!(both.open_day_close(friday_noon, 1), Some(at("2026-06-22T21:00:00Z")));

    let night_line = calendar(json!({ "weekly": nights() }), json!([]), "2026-06-01T00:00:00Z");
    let either = clinic().union(&night_line, "either");
    assert_eq!(either.next_open(at("2026-06-19T22:00:00Z")), Some(at("2026-06-19T23:00:00Z")));
    // Friday's night shift is Friday's, also past midnight.
    assert_eq!(either.open_day_close(at("2026-06-20T06:00:00Z"), 0), Some(at("2026-06-20T11:00:00Z")));
    assert_eq!(either.open_day_close(friday_noon, 1), Some(at("2026-06-21T11:00:00Z")));

    let rest = clinic().minus(&provider, "rest");
    assert_eq!(rest.next_close(at("2026-06-19T13:00:00Z")), Some(at("2026-06-19T17:00:00Z")));
    assert_eq!(rest.open_day_close(at("2026-06-19T13:00:00Z"), 0), Some(at("2026-06-19T17:00:00Z")));
}

#[test]
fn a_later_exception_replaces_an_earlier_one_and_both_replace_holidays() {
    let holidays = json!([{ "id": "h", "entries": [{ "date": "2026-12-28", "name": "x", "confirmed": true }] }]);
    let exceptions = json!([
        { "from": "2026-12-24", "to": "9999-12-31", "shifts": [], "reason": "closing down" },
        { "from": "2026-12-28", "to": "2026-12-28", "shifts": [{ "start": "10:00", "end": "11:00" }], "reason": "collect" },
    ]);
    let members = json!({ "weekly": office_hours(), "holidaySets": ["h"], "exceptions": exceptions });
    let clinic = calendar(members, holidays, "2026-12-01T00:00:00Z");
    assert_eq!(clinic.next_open(at("2026-12-24T05:00:00Z")), Some(at("2026-12-28T15:00:00Z")));
    assert_eq!(clinic.next_open(at("2026-12-28T16:00:00Z")), None);
}

#[test]
fn time_long_before_and_after_the_compiled_years_is_worked_out_on_demand() {
    let clinic = clinic();
    assert!(clinic.is_open(at("1987-06-19T14:00:00Z")));
    assert!(clinic.is_open(at("2061-06-20T14:00:00Z")));
    // 2,000 hours a year and more: 2008 to 2026 inclusive of both ends' weekends.
    let eighteen_years = clinic.elapsed(at("2008-06-19T13:00:00Z"), at("2026-06-19T13:00:00Z"));
    let due = clinic.add(at("2008-06-19T13:00:00Z"), eighteen_years);
    assert_eq!(due, Some(at("2026-06-18T21:00:00Z")));
    assert_eq!(clinic.open_day_close(at("2040-06-15T13:00:00Z"), 5), Some(at("2040-06-22T21:00:00Z")));
    // Thirty years of open time are out of reach.
    assert_eq!(clinic.add(at("2026-06-19T13:00:00Z"), seconds(24 * 366 * 30 * HOUR)), None);
}

#[test]
fn instants_at_the_ends_of_time_have_answers() {
    use domain::time::Instant;
    let (first, last) = (Instant::from_second(i64::MIN), Instant::from_second(i64::MAX));
    for calendar in [clinic(), always_open()] {
        assert!(!calendar.is_open(first) && !calendar.is_open(last));
        assert_eq!(calendar.next_open(last), None);
        assert_eq!(calendar.add(last, seconds(HOUR)), None);
        assert_eq!(calendar.add(at("2026-06-19T13:00:00Z"), seconds(i64::MAX)), None);
        assert_eq!(calendar.open_day_close(at("2026-06-19T13:00:00Z"), u32::MAX), None);
        assert!(calendar.elapsed(first, last) > seconds(0));
        assert_eq!(calendar.walk(first, last).last().map(|period| period.until), Some(last));
    }
}

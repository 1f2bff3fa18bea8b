//! What is refused, where it is, and the bounds of what is accepted.

use domain::calendar::{
    Calendar, CalendarError, CalendarFault, CalendarSpec, HolidaySet, MAX_EXCEPTIONS, WallTime, tzdb_version,
};
use serde_json::{Value, json};

use super::{at, office_hours};

fn spec(members: &Value) -> CalendarSpec {
    let mut whole = json!({ "id": "c", "timezone": "America/New_York" });
    whole.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    serde_json::from_value(whole).unwrap()
}

fn error(members: &Value, holidays: &[HolidaySet]) -> CalendarError {
    Calendar::compile(&spec(members), holidays, at("2026-06-19T00:00:00Z")).unwrap_err()
}

fn one_shift(shift: &Value) -> Value {
    json!({ "weekly": [{ "days": ["mon"], "shifts": [{ "start": "09:00", "end": "10:00" }, shift] }] })
}

#[test]
fn each_fault_names_its_place_and_a_remedy() {
    let exception = |from: &str, to: &str| json!([{ "from": from, "to": to, "shifts": [], "reason": "x" }]);
    let closure = json!([{ "from": "2026-06-02T00:00:00Z", "until": "2026-06-02T00:00:00Z", "reason": "x" }]);
    let with = |name: &str, value: Value| {
        let mut members = json!({ "weekly": office_hours() });
        members[name] = value;
        members
    };
    for (members, pointer, fault) in [
        (with("timezone", json!("Mars/Olympus")), "/timezone", CalendarFault::UnknownZone),
        (with("timezone", json!("Etc/Unknown")), "/timezone", CalendarFault::UnknownZone),
        (one_shift(&json!({ "start": "19:00", "end": "07:00" })), "/weekly/0/shifts/1", CalendarFault::EndsBeforeStart),
        (one_shift(&json!({ "start": "09:00", "end": "09:00" })), "/weekly/0/shifts/1", CalendarFault::EndsBeforeStart),
        (
            one_shift(&json!({ "start": "09:00", "end": "09:01", "endsNextDay": true })),
            "/weekly/0/shifts/1",
            CalendarFault::TooLong,
        ),
        (
            one_shift(&json!({ "start": "24:00", "end": "07:00", "endsNextDay": true })),
            "/weekly/0/shifts/1",
            CalendarFault::StartsAtEndOfDay,
        ),
        (with("exceptions", exception("2026-06-02", "2026-06-01")), "/exceptions/0/to", CalendarFault::DatesReversed),
        (with("closures", closure), "/closures/0/until", CalendarFault::ClosureReversed),
        (with("holidaySets", json!(["nobody"])), "/holidaySets/0", CalendarFault::UnknownHolidaySet),
        (
            with("exceptions", vec![exception("2026-06-01", "2026-06-01")[0].clone(); MAX_EXCEPTIONS + 1].into()),
            "/exceptions",
            CalendarFault::TooMany(MAX_EXCEPTIONS),
        ),
    ] {
        let error = error(&members, &[]);
        assert_eq!((error.pointer.as_str(), error.fault, &error.holiday_set), (pointer, fault, &None));
        assert!(error.to_string().contains(fault.remedy()));
    }
}

#[test]
fn every_fault_is_found_at_once() {
    let members = json!({
        "timezone": "Nowhere/At_All",
        "weekly": [{ "days": ["mon"], "shifts": [{ "start": "10:00", "end": "09:00" }] }],
        "holidaySets": ["nobody"],
    });
    let faults = spec(&members).faults(&[]);
    let pointers: Vec<&str> = faults.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/timezone", "/weekly/0/shifts/0", "/holidaySets/0"]);
}

#[test]
fn a_fault_in_a_holiday_set_names_the_set() {
    let set = json!({ "id": "us", "entries": [
        { "date": "2026-12-24", "name": "Eve", "shifts": [{ "start": "12:00", "end": "09:00" }] },
    ] });
    let set: HolidaySet = serde_json::from_value(set).unwrap();
    let error = error(&json!({ "weekly": office_hours(), "holidaySets": ["us"] }), &[set]);
    assert_eq!((error.holiday_set.as_deref(), error.pointer.as_str()), (Some("us"), "/entries/0/shifts/0"));
}

#[test]
fn a_date_cut_into_too_many_stretches_is_refused_and_the_same_time_in_one_is_not() {
    let minutes = |step: u32, length: u32| {
        let wall = |minute: u32| WallTime::from_seconds(minute * 60).unwrap().to_string();
        let shift = |index: u32| json!({ "start": wall(index * step), "end": wall(index * step + length) });
        let entry = |part: u32| json!({ "days": ["mon"], "shifts": (part * 40..(part + 1) * 40).map(shift).collect::<Vec<_>>() });
        json!({ "weekly": [entry(0), entry(1)] })
    };
    assert_eq!(error(&minutes(10, 5), &[]).fault, CalendarFault::TooManyStretches);
    assert!(Calendar::compile(&spec(&minutes(10, 10)), &[], at("2026-06-19T00:00:00Z")).is_ok());
}

#[test]
fn a_calendar_reads_only_what_the_form_knows() {
    let base = json!({ "id": "c", "timezone": "America/New_York", "weekly": office_hours() });
    let with = |name: &str, value: Value| {
        let mut whole = base.clone();
        whole[name] = value;
        whole
    };
    let on = |date: &str| json!([{ "from": date, "to": date, "shifts": [], "reason": "x" }]);
    for bad in [
        with("alwaysOpen", json!(true)),
        with("color", json!("blue")),
        with("exceptions", on("2026-6-1")),
        with("exceptions", on("2026-06-01T00:00:00")),
        with("exceptions", on("2026-02-30")),
        with("weekly", json!([{ "days": ["monday"], "shifts": [] }])),
        with("weekly", json!([{ "days": ["mon"], "shifts": [{ "start": "9:00", "end": "17:00" }] }])),
        with("weekly", json!([{ "days": ["mon"], "shifts": [{ "start": "09:00", "end": "24:01" }] }])),
        json!({ "id": "c", "timezone": "America/New_York" }),
        json!({ "id": "c", "timezone": "America/New_York", "alwaysOpen": false }),
    ] {
        assert!(serde_json::from_value::<CalendarSpec>(bad.clone()).is_err(), "{bad}");
    }
}

#[test]
fn a_calendar_is_written_in_the_form_it_was_read_from() {
    for form in [
        json!({ "id": "always", "timezone": "America/New_York", "alwaysOpen": true }),
        json!({
            "id": "clinic", "timezone": "America/New_York",
            "weekly": [{ "days": ["fri", "sat"], "shifts": [{ "start": "19:00:30", "end": "07:00", "endsNextDay": true }] }],
            "holidaySets": ["us-2026"],
            "exceptions": [{ "from": "2026-07-06", "to": "2026-07-07", "shifts": [], "reason": "training" }],
            "closures": [{ "from": "2026-01-26T16:00:00Z", "until": "2026-01-27T15:00:00Z", "reason": "snow" }],
        }),
    ] {
        let spec: CalendarSpec = serde_json::from_value(form.clone()).unwrap();
        assert_eq!(serde_json::to_value(&spec).unwrap(), form);
    }
}

#[test]
fn wall_times_are_read_with_and_without_seconds() {
    for (text, seconds) in
        [("00:00", 0), ("09:30", 34_200), ("09:30:00", 34_200), ("09:30:05", 34_205), ("24:00", 86_400)]
    {
        assert_eq!(text.parse::<WallTime>().unwrap().seconds(), seconds, "{text}");
    }
    for bad in ["", "9:30", "09:60", "09:30:60", "24:00:01", "25:00", "09:30:00:00", "09.30", "+9:30", "09:3 "] {
        assert!(bad.parse::<WallTime>().is_err(), "{bad}");
    }
}

#[test]
fn the_zone_data_has_a_release_name() {
    let name = tzdb_version();
    assert!(
        name.len() == 5 && name.starts_with("20") && name.ends_with(|last: char| last.is_ascii_lowercase()),
        "{name}"
    );
}

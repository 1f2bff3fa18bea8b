//! Holidays kept beside the bundle: without effect until a person confirms them, and on the local date of the clinic.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::calendar::Holiday;
use domain::clock::ClockName;
use domain::decide::{Setting, send};
use domain::decision::Decision;
use domain::holiday::feed::Feed;
use domain::holiday::{HolidayChange, HolidaySource, KeptHoliday};
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::time::Instant;
use serde_json::{Value, json};

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The default bundle, whose calendar follows the set `public`, in a zone.
fn policy(zone: &str, holidays: Vec<KeptHoliday>) -> Policy {
    let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    document["clinic"]["timezone"] = json!(zone);
    document["calendars"][0]["timezone"] = json!(zone);
    document["calendars"][0]["holidaySets"] = json!(["public"]);
    document["holidaySets"] = json!([{"id": "public", "entries": []}]);
    let directory = Directory { holidays, ..Directory::default() };
    Policy::compile(Bundle::read(&document.to_string()).unwrap(), &directory, 1, at("2026-06-01T00:00:00Z")).unwrap()
}

fn kept(date: &str, name: &str, confirmed: bool) -> KeptHoliday {
    KeptHoliday {
        id: name.to_lowercase().parse().unwrap(),
        set: "public".to_owned(),
        holiday: Holiday { date: date.parse().unwrap(), name: name.to_owned(), shifts: vec![], confirmed },
        source: HolidaySource::Api,
    }
}

fn sent(policy: &Policy, now: Instant) -> Decision {
    let message = Message {
        patient: Some(reference("Patient/p-1001")),
        ..Message::new("m1".parse().unwrap(), reference("Patient/p-1001"), "A question.")
    };
    send(Setting { policy, now }, &message, None, &mut Ids::new(now, 1)).unwrap()
}

fn due(decision: &Decision) -> Instant {
    decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap().fold.due_at.unwrap()
}

#[test]
fn a24_an_imported_holiday_has_no_effect_until_confirmed_and_is_shown_in_the_explanation() {
    let feed = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:martin@example\r\nDTSTART;VALUE=DATE:20261111\r\n\
                DTEND;VALUE=DATE:20261112\r\nSUMMARY:St. Martin\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let tuesday = at("2026-11-10T09:00:00-05:00");
    let without = sent(&policy("America/New_York", vec![]), tuesday);
    let feed = Feed::read(feed, "2026-11-01".parse().unwrap()).unwrap();
    let changes = feed.merged("public", &[], &mut Ids::new(tuesday, 7)).unwrap();
    let [HolidayChange::Kept(martin)] = &changes[..] else { panic!("{changes:?}") };
    let imported = sent(&policy("America/New_York", vec![martin.clone()]), tuesday);
    assert_eq!(due(&imported), due(&without), "nobody has confirmed it");
    assert_eq!(due(&imported), at("2026-11-12T17:00:00-05:00"));
    let told = imported.record.paragraph();
    assert!(told.contains("Not a holiday until somebody confirms it: 2026-11-11 (St. Martin)."), "{told}");
    assert!(!without.record.paragraph().contains("Martin"));

    let mut confirmed = martin.clone();
    confirmed.holiday.confirmed = true;
    let closed = sent(&policy("America/New_York", vec![confirmed]), tuesday);
    assert_eq!(due(&closed), at("2026-11-13T17:00:00-05:00"));
    assert!(!closed.record.paragraph().contains("until somebody confirms"));
}

#[test]
fn a18_a_holiday_is_the_local_date_of_the_clinic_whatever_the_servers_zone() {
    // Labor Day in Los Angeles begins at 07:00 UTC on Monday and ends at 07:00 UTC on Tuesday.
    let policy = policy("America/Los_Angeles", vec![kept("2026-09-07", "Labor-Day", true)]);
    let calendar = policy.calendar(&policy.default_pool().calendar).unwrap();
    assert!(!calendar.is_open(at("2026-09-07T17:00:00Z")), "Monday morning there");
    assert!(!calendar.is_open(at("2026-09-07T23:59:59Z")), "Monday afternoon there");
    assert_eq!(calendar.next_open(at("2026-09-07T00:00:00Z")).unwrap(), at("2026-09-08T15:00:00Z"));
    assert!(calendar.is_open(at("2026-09-04T22:00:00Z")), "Friday, and no date is shifted");
}

#[test]
fn an_exception_of_the_calendar_counts_more_than_a_holiday() {
    let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    document["calendars"][0]["holidaySets"] = json!(["public"]);
    document["holidaySets"] = json!([{"id": "public", "entries": []}, {"id": "other", "entries": []}]);
    document["calendars"][0]["exceptions"] = json!([{"from": "2026-09-07", "to": "2026-09-07", "shifts": [{"start": "09:00", "end": "10:00"}], "reason": "x"}]);
    let bundle = Bundle::read(&document.to_string()).unwrap();
    let elsewhere = KeptHoliday { set: "other".to_owned(), ..kept("2026-09-08", "Other", true) };
    let directory = Directory { holidays: vec![kept("2026-09-07", "Day", true), elsewhere], ..Directory::default() };
    let policy = Policy::compile(bundle, &directory, 1, at("2026-06-01T00:00:00Z")).unwrap();
    let calendar = policy.calendar(&policy.default_pool().calendar).unwrap();
    assert!(calendar.is_open(at("2026-09-07T09:30:00-04:00")) && !calendar.is_open(at("2026-09-07T11:00:00-04:00")));
    assert!(calendar.is_open(at("2026-09-08T11:00:00-04:00")), "a holiday of a set that it does not follow");
}

#[test]
fn holidays_that_would_leave_a_calendar_without_hours_leave_it_as_the_bundle_has_it() {
    let first: jiff::civil::Date = "2025-01-01".parse().unwrap();
    let day = |number: i32| first.saturating_add(jiff::ToSpan::days(number));
    let many = (0..2_200).map(|number| kept(&day(number).to_string(), &format!("d{number}"), true)).collect();
    let policy = policy("America/New_York", many);
    let calendar = policy.calendar(&policy.default_pool().calendar).unwrap();
    assert!(calendar.is_open(at("2026-09-07T09:30:00-04:00")) && calendar.is_open(at("2030-01-02T09:30:00-05:00")));
}

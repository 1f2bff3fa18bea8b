use super::*;
use crate::time::Instant;

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn calendar(events: &[&str]) -> String {
    let events: String = events.iter().flat_map(|event| ["BEGIN:VEVENT\r\n", event, "\r\nEND:VEVENT\r\n"]).collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n{events}END:VCALENDAR\r\n")
}

fn read(events: &[&str]) -> Feed {
    Feed::read(&calendar(events), day("2026-06-19")).unwrap()
}

fn dates(feed: &Feed) -> Vec<String> {
    feed.holidays.keys().map(|(_, date)| date.to_string()).collect()
}

const MARTIN: &str = "UID:martin@x\r\nDTSTART;VALUE=DATE:20261111\r\nDTEND;VALUE=DATE:20261112\r\nSUMMARY:St. Martin";

#[test]
fn an_event_of_whole_days_gives_each_date_and_its_end_is_excluded() {
    let feed =
        read(&[MARTIN, "UID:c\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261227\r\nSUMMARY:Christmas"]);
    assert_eq!(dates(&feed), ["2026-12-24", "2026-12-25", "2026-12-26", "2026-11-11"]);
    assert_eq!(feed.holidays[&("martin@x".to_owned(), day("2026-11-11"))], "St. Martin");
    let lasting =
        read(&["UID:a\r\nDTSTART:20261224\r\nDURATION:P2D\r\nSUMMARY:x", "UID:b\r\nDTSTART:20260701\r\nSUMMARY:y"]);
    assert_eq!(dates(&lasting), ["2026-12-24", "2026-12-25", "2026-07-01"]);
}

#[test]
fn folded_lines_and_escapes_are_one_line_of_text() {
    let feed = read(&["UID:a\r\nDTSTART;VALUE=DATE:20261003\r\nSUMMARY:Day of\\, well\\; un\r\n ity\\nand so on"]);
    assert_eq!(feed.holidays.values().next().unwrap(), "Day of, well; unity and so on");
}

#[test]
fn a_yearly_event_is_followed_for_the_years_around_the_import() {
    let fixed = read(&["UID:a\r\nDTSTART;VALUE=DATE:20001225\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:x"]);
    assert_eq!(dates(&fixed), ["2025-12-25", "2026-12-25", "2027-12-25", "2028-12-25"]);
    let king = "UID:k\r\nDTSTART;VALUE=DATE:20000117\r\nRRULE:FREQ=YEARLY;BYMONTH=1;BYDAY=+3MO\r\nSUMMARY:x";
    assert_eq!(dates(&read(&[king])), ["2026-01-19", "2027-01-18", "2028-01-17", "2029-01-15"]);
    let memorial =
        "UID:m\r\nDTSTART;VALUE=DATE:20240527\r\nRRULE:FREQ=YEARLY;BYMONTH=5;BYDAY=-1MO;COUNT=4\r\nSUMMARY:x";
    assert_eq!(dates(&read(&[memorial])), ["2026-05-25", "2027-05-31"]);
    let ending = "UID:e\r\nDTSTART;VALUE=DATE:20250701\r\nRRULE:FREQ=YEARLY;UNTIL=20270701T000000Z\r\nEXDATE;VALUE=DATE:20260701\r\nSUMMARY:x";
    assert_eq!(dates(&read(&[ending])), ["2025-07-01", "2027-07-01"]);
    let leap = read(&["UID:l\r\nDTSTART;VALUE=DATE:20240229\r\nRRULE:FREQ=YEARLY\r\nSUMMARY:x"]);
    assert_eq!(dates(&leap), ["2028-02-29"], "a date that a year does not have is passed over");
}

#[test]
fn what_a_rule_repeats_and_how_long_ago_it_began_costs_nothing() {
    let repeated = |part: &str| vec![part; 50_000].join(",");
    for rule in [
        format!("BYMONTH={}", repeated("1")),
        format!("BYMONTHDAY={}", repeated("1")),
        format!("BYMONTH=1;BYDAY={}", repeated("1SA")),
    ] {
        let feed = read(&[&format!("UID:a\r\nDTSTART:00000101\r\nRRULE:FREQ=YEARLY;{rule}\r\nSUMMARY:x")]);
        assert_eq!(feed.skipped, []);
        assert!((3..=4).contains(&feed.holidays.len()) && feed.far <= 2, "{feed:?}");
    }
    let every_third = read(&["UID:a\r\nDTSTART:00010101\r\nRRULE:FREQ=YEARLY;INTERVAL=3\r\nSUMMARY:x"]);
    assert_eq!(dates(&every_third), ["2026-01-01", "2029-01-01"], "counted from the year in which it began");
    let months: Vec<String> = (1..=12).map(|month| month.to_string()).collect();
    let days: Vec<String> = (1..=31).map(|day| day.to_string()).collect();
    let (months, days) = (months.join(","), days.join(","));
    for refused in [
        "UID:a\r\nDTSTART:00000101\r\nRRULE:FREQ=YEARLY;COUNT=9999\r\nSUMMARY:x".to_owned(),
        format!("UID:a\r\nDTSTART:20260101\r\nRRULE:FREQ=YEARLY;BYMONTH={months};BYMONTHDAY={days}\r\nSUMMARY:x"),
    ] {
        assert_eq!(read(&[&refused]).skipped.len(), 1, "{refused}");
    }
}

#[test]
fn one_date_of_a_recurring_event_can_be_moved_or_cancelled() {
    let master = "UID:a\r\nDTSTART;VALUE=DATE:20260704\r\nRRULE:FREQ=YEARLY;COUNT=3\r\nSUMMARY:x";
    let moved = "UID:a\r\nRECURRENCE-ID;VALUE=DATE:20260704\r\nDTSTART;VALUE=DATE:20260703\r\nSUMMARY:x (observed)";
    let gone =
        "UID:a\r\nRECURRENCE-ID;VALUE=DATE:20270704\r\nDTSTART;VALUE=DATE:20270704\r\nSTATUS:CANCELLED\r\nSUMMARY:x";
    assert_eq!(dates(&read(&[moved, gone, master])), ["2026-07-03", "2028-07-04"]);
}

#[test]
fn what_cannot_be_kept_is_passed_over_and_told() {
    let feed = read(&[
        "UID:a\r\nDTSTART;TZID=Europe/Berlin:20261224T120000\r\nSUMMARY:half a day",
        "UID:b\r\nDTSTART;VALUE=DATE:20261224\r\nRRULE:FREQ=WEEKLY\r\nSUMMARY:x",
        "DTSTART;VALUE=DATE:20261224\r\nSUMMARY:nameless",
        "UID:d\r\nDTSTART;VALUE=DATE:20261224\r\nDTEND;VALUE=DATE:20261220\r\nSUMMARY:x",
        "UID:e\r\nDTSTART;VALUE=DATE:20261341\r\nSUMMARY:x",
        "UID:f\r\nDTSTART;VALUE=DATE:20991224\r\nSUMMARY:far away",
        "UID:g\r\nDTSTART;VALUE=DATE:20261224\r\nBEGIN:VALARM\r\nSUMMARY:not this\r\nEND:VALARM\r\nSUMMARY:x",
    ]);
    assert_eq!(feed.skipped.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    assert_eq!((feed.far, feed.holidays.len()), (1, 1));
    assert_eq!(feed.holidays.values().next().unwrap(), "x");
}

#[test]
fn what_is_no_calendar_or_too_large_is_refused_with_a_remedy() {
    let today = day("2026-06-19");
    for bad in [
        "",
        "hello",
        "<html></html>",
        "BEGIN:VCARD\r\nEND:VCARD\r\n",
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR",
    ] {
        assert_eq!(Feed::read(bad, today), Err(FeedError::NoCalendar), "{bad}");
    }
    assert_eq!(Feed::read(&"x".repeat(MAX_BYTES + 1), today), Err(FeedError::TooLong));
    let event = "UID:a\r\nDTSTART;VALUE=DATE:20261224\r\nSUMMARY:x";
    assert_eq!(Feed::read(&calendar(&vec![event; MAX_EVENTS + 1]), today), Err(FeedError::TooManyEvents));
}

#[test]
fn importing_again_changes_nothing_and_leaves_what_a_person_has_confirmed() {
    let mut ids = Ids::new(Instant::from_second(0), 1);
    let feed = read(&[MARTIN]);
    let changes = feed.merged("public", &[], &mut ids).unwrap();
    let [HolidayChange::Kept(kept)] = &changes[..] else { panic!("{changes:?}") };
    assert!(!kept.holiday.confirmed);
    assert_eq!(feed.merged("public", std::slice::from_ref(kept), &mut ids).unwrap(), []);

    let moved = read(&["UID:martin@x\r\nDTSTART;VALUE=DATE:20261112\r\nSUMMARY:St. Martin"]);
    let changes = moved.merged("public", std::slice::from_ref(kept), &mut ids).unwrap();
    assert!(matches!(&changes[..], [HolidayChange::Removed(gone), HolidayChange::Kept(_)] if *gone == kept.id));
    let mut confirmed = kept.clone();
    confirmed.holiday.confirmed = true;
    let changes = moved.merged("public", &[confirmed], &mut ids).unwrap();
    assert!(matches!(&changes[..], [HolidayChange::Kept(_)]), "{changes:?}");
    assert_eq!(feed.merged("other", std::slice::from_ref(kept), &mut ids).unwrap().len(), 1);
}

proptest::proptest! {
    #[test]
    fn no_feed_makes_reading_fail_or_last(text in "(BEGIN:VCALENDAR\r?\n|BEGIN:VEVENT\n|END:VEVENT\n|END:VCALENDAR\n|UID:a\n|SUMMARY:x\n|DTSTART;VALUE=DATE:20[0-9]{6}\n|DTEND:[0-9]{0,9}\n|RRULE:FREQ=YEARLY;(COUNT|UNTIL|INTERVAL|BYDAY|BYMONTH)=[-+0-9A-Z,]{0,6}\n|[\":;,\\\\a-z \n]{0,6}){0,24}") {
        if let Ok(feed) = Feed::read(&text, day("2026-06-19")) {
            let near = window(day("2026-06-19"));
            proptest::prop_assert!(feed.holidays.keys().all(|(_, date)| near.contains(date)));
        }
    }
}

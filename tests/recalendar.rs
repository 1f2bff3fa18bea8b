//! Hours that change while clocks run: every clock follows once, and what has ended stays byte for byte.

use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::house::{House, work};
use crate::people::{REFILL, engine, nurse, patient, refill, reply};
use crate::place::Place;
use crate::program::Program;

on_both!(house:
    b19_a_closure_fed_under_four_workers_moves_each_running_clock_once_and_leaves_what_has_ended,
    a_clock_that_is_answered_before_a_worker_comes_is_judged_by_the_hours_it_ran_under,
    the_review_of_a_held_message_follows_hours_that_change,
);

mod killed {
    on_both!(place: workers_that_are_killed_while_they_count_anew_leave_each_clock_moved_once);

    use super::workers_that_are_killed_while_they_count_anew_leave_each_clock_moved_once;
}

const PATH: &str = "/fhir/HealthcareService/refill-pool";

/// The refill pool's hours, closed on the day before the promise falls due.
pub fn closed(day: &str) -> Value {
    json!({
        "resourceType": "HealthcareService",
        "id": "refill-pool",
        "active": true,
        "name": "Riverside refills",
        "extension": [{ "url": fhir::canonical::TIMEZONE, "valueCode": "America/New_York" }],
        "availableTime": [{
            "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
            "availableStartTime": "08:00:00",
            "availableEndTime": "17:00:00"
        }],
        "notAvailable": [{ "description": "Stocktaking", "during": { "start": day, "end": day } }]
    })
}

/// Everything that is stored of the clocks with a condition, as texts.
fn stored(place: &Place, condition: &str) -> Vec<String> {
    let clocks = place.texts(&format!(
        "SELECT id || terms || fold || fired || revision AS value FROM clock WHERE {condition} ORDER BY id"
    ));
    let entries = place.texts(&format!(
        "SELECT clock || sequence || event AS value FROM clock_entry WHERE clock IN (SELECT id FROM clock WHERE {condition}) ORDER BY clock, sequence"
    ));
    clocks.into_iter().chain(entries).collect()
}

/// How many clocks have as many such entries in their ledgers.
fn ledgers_with(place: &Place, event: &str, times: i64) -> i64 {
    place.number(&format!(
        "SELECT count(*) AS value FROM (SELECT clock FROM clock_entry WHERE event LIKE '%{event}%' GROUP BY clock HAVING count(*) = {times}) AS found"
    ))
}

async fn b19_a_closure_fed_under_four_workers_moves_each_running_clock_once_and_leaves_what_has_ended(house: &House) {
    let mut threads = Vec::new();
    for number in 0..10 {
        let id = format!("p-{number}");
        threads.push(house.create(&patient(&id), &refill(&id, "Five left.")).await.is(201).id());
    }
    house.create(&nurse(), &reply("p-0", &threads[0], "Done.")).await.is(201);
    house.work().await;
    let ended = "state NOT IN ('running', 'paused')";
    let before = stored(&house.place, ended);
    assert!(before.len() >= 4);

    house.at(22, "12:00:00");
    let other = house.another().await;
    house.put(&engine(), PATH, &closed("2026-06-23")).await.is(200);
    let workers: Vec<_> =
        (0..4).map(|number| if number % 2 == 0 { house.service().worker() } else { other.service.worker() }).collect();
    let done = work(&workers).await;
    assert_eq!(done.recalendared.len(), 18, "two clocks of each of nine threads: {:?}", done.recalendared);
    assert!(done.recalendared.iter().all(|told| told.starts_with("hours: ")));
    assert_eq!((ledgers_with(&house.place, "recalendar", 1), ledgers_with(&house.place, "recalendar", 2)), (18, 0));
    assert_eq!(stored(&house.place, ended), before, "what has ended stays as it was");

    let task = house.task(&threads[1]).await;
    assert_eq!(task["restriction"]["period"]["end"], "2026-06-24T21:00:00Z", "an open day later");
    let told = task["extension"].as_array().unwrap();
    let promised = told.iter().find(|one| one["url"] == fhir::canonical::PROMISED).unwrap();
    assert_eq!(promised["valueInstant"], "2026-06-23T21:00:00Z", "what was promised stays");
    let notices = house.place.count("outbox", &format!("topic = 'due-after-promise' AND recipient = '{REFILL}'"));
    assert_eq!(notices, 9, "the pool is told once for each thread");
    for minute in 1..20 {
        house.pass(60 * minute);
        assert!(workers[0].tick().await.unwrap().recalendared.is_empty());
    }
    let kept =
        "SELECT count(DISTINCT calendar) AS value FROM clock_segment WHERE calendar NOT IN (SELECT key FROM calendar)";
    assert_eq!(house.place.number(kept), 0, "whatever counted is kept");
    other.stop().await;
}

async fn a_clock_that_is_answered_before_a_worker_comes_is_judged_by_the_hours_it_ran_under(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.at(22, "10:00:00");
    house.put(&engine(), PATH, &closed("2026-06-22")).await.is(200);
    house.create(&nurse(), &reply("p-1", &thread, "Done.")).await.is(201);
    house.work().await;
    let used = "SELECT CAST(sum(used_seconds) AS bigint) AS value FROM clock_segment WHERE clock IN (SELECT id FROM clock WHERE name = 'next-response')";
    assert_eq!(house.place.number(used), 9 * 3600, "seven hours of Friday, two of Monday");
    assert_eq!(house.task(&thread).await["businessStatus"]["coding"][0]["code"], "met");
}

async fn the_review_of_a_held_message_follows_hours_that_change(house: &House) {
    let limit = json!([{ "id": "one", "scope": "sender-new-threads", "max": 1, "window": "PT24H",
        "onExceed": "hold-for-review" }]);
    govern(house, |bundle| bundle["limits"] = limit).await;
    house.create(&patient("p-1"), &refill("p-1", "One.")).await.is(201);
    let held = house.create(&patient("p-1"), &refill("p-1", "Two.")).await.is(201).json();
    assert_eq!(held["status"], "on-hold");
    house.work().await;
    house.put(&engine(), PATH, &closed("2026-06-19")).await.is(200);
    let done = house.work().await;
    assert_eq!((done.recalendared.len(), done.elsewhere), (3, 0), "{done:?}");
    let moved = "SELECT count(*) AS value FROM clock_entry WHERE event LIKE '%recalendar%' AND clock IN (SELECT id FROM clock WHERE name = 'review')";
    assert_eq!(house.place.number(moved), 1);
}

async fn workers_that_are_killed_while_they_count_anew_leave_each_clock_moved_once(place: &Place) {
    use crate::house::Replica;
    use domain::time::TimeSource as _;
    use server::clock::{MovableTime, SystemTime};
    use std::sync::Arc;
    use std::time::Duration;

    let time = Arc::new(MovableTime::at(SystemTime.now()));
    let house = Replica::start(place, &time).await;
    let people: Vec<String> = (0..120).map(|n| format!("p-{n}")).collect();
    let send = async |id: &String| house.client.create(&patient(id), &refill(id, "Five left.")).await.is(201);
    futures_util::future::join_all(people.iter().map(send)).await;
    house.client.put(&engine(), PATH, &closed("2020-01-01")).await.is(201);
    house.stop().await;
    let running = place.count("clock", "state = 'running'");
    assert!(running >= 240);

    let mut programs = vec![Program::serve(place, &[])];
    for pause in [60, 20, 150, 40, 100] {
        programs.push(Program::serve(place, &[]));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        programs.remove(0).kill();
        place.forget_leases();
    }
    programs.remove(0).kill();
    place.forget_leases();
    let last = Replica::start(place, &time).await;
    work(&[last.service.worker(), last.service.worker()]).await;
    last.stop().await;
    assert_eq!(ledgers_with(place, "recalendar", 1), running);
    assert_eq!(ledgers_with(place, "recalendar", 2), 0);
}

//! Workers: what is due happens once, however many tick, however often.

use domain::store::{SaveError, Store as _};
use futures_util::future::join_all;
use serde_json::json;

use crate::house::{House, work};
use crate::people::{LEAD, following, nurse, patient, refill, reply};

on_both!(house:
    c1_eight_workers_of_two_services_fire_each_threshold_once,
    c4_a_hundred_ticks_do_no_more_than_one,
    c7_after_downtime_400_breaches_are_recorded_once_each_and_leave_as_one_digest_a_recipient,
    c3_an_answer_between_claim_and_firing_is_respected,
    a_firing_that_was_prepared_before_an_answer_is_not_saved,
    what_cannot_be_read_keeps_nothing_else_back,
    d5_a_notice_waits_for_the_morning_where_the_patient_is_when_it_is_about_to_leave,
    c7_a_worker_that_comes_back_at_night_wakes_nobody,
);

/// Sends one message for each of so many patients; the threads.
async fn sent(house: &House, count: usize) -> Vec<String> {
    let mut threads = Vec::new();
    for number in 0..count {
        let id = format!("p-{number}");
        threads.push(house.create(&patient(&id), &refill(&id, "Five left.")).await.is(201).id());
    }
    threads
}

async fn c1_eight_workers_of_two_services_fire_each_threshold_once(house: &House) {
    sent(house, 12).await;
    house.work().await;
    let other = house.another().await;
    let workers: Vec<_> =
        (0..8).map(|number| if number % 2 == 0 { house.service().worker() } else { other.service.worker() }).collect();
    let mut fired = 0;
    for (day, time) in [(19, "14:00:01"), (22, "12:30:00"), (23, "17:00:01"), (25, "12:00:00"), (30, "12:00:00")] {
        house.at(day, time);
        fired += work(&workers).await.fired.len();
    }
    let rows = house.place.count("firing", "1 = 1");
    assert_eq!(i64::try_from(fired).unwrap(), rows, "what the workers report is what is written");
    let per_clock = "SELECT count(*) AS value FROM (SELECT clock, threshold FROM firing GROUP BY clock, threshold HAVING count(*) > 1) AS twice";
    assert_eq!(house.place.number(per_clock), 0);
    let next_response = "clock IN (SELECT id FROM clock WHERE name = 'next-response')";
    for threshold in ["warn-50", "warn-80", "breach", "late"] {
        let fired = house.place.count("firing", &format!("threshold = '{threshold}' AND {next_response}"));
        assert_eq!(fired, 12, "{threshold}");
    }
    once_each(house);
    assert_eq!(house.place.count("clock", "state = 'running' AND next_at IS NOT NULL"), 0);
    other.stop().await;
}

/// Every notice is in exactly one delivery, and every delivery holds what it says.
fn once_each(house: &House) {
    let place = &house.place;
    let mut delivered: Vec<String> = Vec::new();
    for rows in place.texts("SELECT outbox AS value FROM delivery") {
        delivered.extend(serde_json::from_str::<Vec<String>>(&rows).unwrap());
    }
    let all = delivered.len();
    delivered.sort();
    delivered.dedup();
    assert_eq!(delivered.len(), all, "a notice left twice");
    let mut notices = place.texts("SELECT id AS value FROM outbox WHERE kind = 'notice' AND dispatched_at IS NOT NULL");
    notices.sort();
    assert_eq!(delivered, notices);
    assert_eq!(place.count("outbox", "dispatched_at IS NULL"), 0, "everything has left");
}

async fn c4_a_hundred_ticks_do_no_more_than_one(house: &House) {
    sent(house, 3).await;
    house.at(30, "12:00:00");
    let first = house.work().await;
    assert!(!first.fired.is_empty());
    let rows = |house: &House| {
        ["firing", "delivery", "outbox", "decision", "clock_entry", "resource_history"]
            .map(|table| house.place.count(table, "1 = 1"))
    };
    let before = rows(house);
    let worker = house.service().worker();
    for minute in 0..100 {
        house.pass(60 * minute);
        assert!(worker.tick().await.unwrap().is_idle(), "tick {minute}");
    }
    assert_eq!(rows(house), before);
}

async fn c7_after_downtime_400_breaches_are_recorded_once_each_and_leave_as_one_digest_a_recipient(house: &House) {
    for batch in 0..8 {
        let people: Vec<String> = (0..50).map(|number| format!("p-{batch}-{number}")).collect();
        let send = async |id: &String| house.create(&patient(id), &refill(id, "Five left.")).await.is(201);
        join_all(people.iter().map(send)).await;
    }
    // Everything leaves that was to leave before; then nobody ticks until six hours after due.
    house.at(23, "17:00:00");
    house.work().await;
    let before = house.place.count("delivery", "1 = 1");
    house.at(23, "23:00:00");
    let other = house.another().await;
    let mut workers = vec![house.service().worker(), other.service.worker()];
    workers.extend([house.service().worker(), other.service.worker()]);
    let report = work(&workers).await;
    let breaches = report.fired.iter().filter(|line| *line == "breach@2026-06-23T21:00:00Z").count();
    assert_eq!(breaches, 400, "each has the true instant, whenever it was noticed");
    assert_eq!(house.place.count("clock", "name = 'next-response' AND breached_at IS NOT NULL"), 400);
    assert_eq!(house.place.count("firing", "threshold = 'breach'"), 400);
    // The lead is told when the clinic opens, of all of them at once.
    house.at(24, "08:00:00");
    work(&workers).await;
    let digests = house.place.count("delivery", &format!("recipient = '{LEAD}' AND topics LIKE '%breach%'"));
    assert_eq!(digests, 1, "one digest of 400");
    assert!(house.place.count("delivery", "1 = 1") - before <= 3);
    once_each(house);
    other.stop().await;
}

async fn c3_an_answer_between_claim_and_firing_is_respected(house: &House) {
    let thread = sent(house, 1).await.remove(0);
    house.work().await;
    house.at(24, "09:00:00");
    let store = house.service().store();
    let now = house.time_now();
    let claimed = store.claim_clocks(now, domain::time::Span::from_seconds(5), 100).await.unwrap();
    assert!(!claimed.is_empty(), "somebody has claimed the clocks");
    house.create(&nurse(), &reply("p-0", &thread, "Done.")).await.is(201);
    house.pass(10);
    assert!(house.work().await.fired.is_empty(), "nothing fires for an answered thread");
    assert_eq!(house.place.count("firing", "1 = 1"), 0);
    assert_eq!(house.task(&thread).await["businessStatus"]["coding"][0]["code"], json!("met-late"));
}

async fn a_firing_that_was_prepared_before_an_answer_is_not_saved(house: &House) {
    let thread = sent(house, 1).await.remove(0);
    house.work().await;
    house.at(22, "16:00:00");
    let store = house.service().store().clone();
    let claimed = store.claim_clocks(house.time_now(), domain::time::Span::from_seconds(5), 1).await.unwrap();
    let before = claimed.into_iter().next().unwrap();
    house.create(&nurse(), &reply("p-0", &thread, "Done.")).await.is(201);
    // What the worker would have written, had it looked before the answer.
    let mut late = domain::change::Change::new(before.tenant.clone());
    late.clocks = vec![domain::clock::Clock { revision: before.clock.revision + 1, ..before.clock }];
    let lost = store.save(late).await;
    assert!(matches!(lost, Err(SaveError::Conflict { .. })), "{lost:?}");
    assert!(join_all((0..4).map(|_| house.work())).await.iter().all(|report| report.fired.is_empty()));
}

async fn what_cannot_be_read_keeps_nothing_else_back(house: &House) {
    let threads = sent(house, 3).await;
    house.work().await;
    house.at(23, "16:00:00");
    // A clock that is due; and one that is not, of a thread in which another is due.
    house.place.execute(&format!("UPDATE clock SET fold = 'torn' WHERE thread = '{}'", threads[0]));
    let other = format!("thread = '{}' AND name <> 'next-response'", threads[1]);
    house.get(&crate::people::engine(), "/fhir/HealthcareService").await.is(200);
    assert!(house.place.count("clock", &other) > 0);
    house
        .place
        .execute(&format!("UPDATE clock SET fold = 'torn', next_at = NULL, next_threshold = NULL WHERE {other}"));
    let report = work(&[house.service().worker()]).await;
    let warned = report.fired.iter().filter(|line| line.starts_with("warn-50@")).count();
    assert_eq!(warned, 1, "{report:?}");
    assert!(report.failed.iter().all(|failed| failed.starts_with("fire: ")) && !report.failed.is_empty(), "{report:?}");
    assert!(!report.delivered.is_empty(), "what comes after it is done: {report:?}");
    assert_eq!(house.place.count("audit", "sequence IS NULL"), 0, "to the last step");
    let figures = house.metrics().await;
    let figure = |name: &str| figures.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(!figure("postern_unreadable_rows").ends_with(" 0"), "{figures}");
    assert!(!figure("postern_worker_failures_total{step=\"fire\"}").ends_with(" 0"), "{figures}");
}

/// Whom the deliveries so far went to.
fn told(house: &House) -> Vec<String> {
    house.place.texts("SELECT recipient AS value FROM delivery ORDER BY at, recipient")
}

async fn d5_a_notice_waits_for_the_morning_where_the_patient_is_when_it_is_about_to_leave(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.work().await;
    house.at(19, "21:00:00");
    house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201);
    house.at(19, "22:00:00");
    let mut west = patient("p-1001");
    west.patient_zone = Some("America/Los_Angeles".to_owned());
    house.create(&west, &following(refill("p-1001", "Thank you."), &root)).await.is(201);
    let told_before = told(house);
    house.at(20, "08:00:00");
    house.work().await;
    assert_eq!(told(house), told_before, "5 in the morning where they are");
    house.at(20, "10:59:59");
    house.work().await;
    assert_eq!(told(house), told_before);
    house.at(20, "11:00:00");
    house.work().await;
    assert_eq!(told(house)[told_before.len()..], ["Patient/p-1001"]);
    house.at(20, "12:00:00");
    house.work().await;
    assert_eq!(told(house).len(), told_before.len() + 1, "once");
}

async fn c7_a_worker_that_comes_back_at_night_wakes_nobody(house: &House) {
    sent(house, 3).await;
    house.at(26, "23:00:00");
    let night = house.work().await;
    assert!(!night.fired.is_empty(), "what was due is recorded as soon as it is known");
    assert_eq!(told(house), Vec::<String>::new(), "and told to nobody who sleeps");
    house.at(29, "08:00:00");
    house.work().await;
    once_each(house);
    let mut told = told(house);
    let all = told.len();
    told.dedup();
    assert_eq!((told.len(), told.contains(&LEAD.to_owned())), (all, true), "one digest for each");
}

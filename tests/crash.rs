//! The real binary, killed at the worst moment: what was answered is kept, what was begun happens once.

use std::sync::Arc;
use std::time::Duration;

use domain::time::TimeSource as _;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use jiff::ToSpan as _;
use reqwest::Method;
use serde_json::Value;
use server::clinic::ZONE;
use server::clock::{MovableTime, SystemTime};

use crate::client::Reply;
use crate::house::{Replica, work};
use crate::people::{engine, patient, refill};
use crate::place::Place;
use crate::program::Program;

on_both!(place:
    two_hundred_answered_sends_survive_a_kill_right_after_their_answers,
    a_service_that_is_told_to_stop_answers_what_is_under_way_and_ends_well,
    c2_workers_that_are_killed_while_they_fire_leave_each_threshold_fired_once,
    workers_that_are_killed_while_they_send_what_was_scheduled_send_each_message_once,
);

async fn two_hundred_answered_sends_survive_a_kill_right_after_their_answers(place: &Place) {
    let program = Program::serve(place, &[]);
    let client = program.client();
    let bodies: Vec<(String, String)> =
        (0..200).map(|n| (format!("p-{n}"), refill(&format!("p-{n}"), &format!("Number {n}.")).to_string())).collect();
    let people: Vec<_> = bodies.iter().map(|(id, _)| patient(id)).collect();
    let mut sends: FuturesUnordered<_> = bodies
        .iter()
        .zip(&people)
        .map(|((_, body), who)| client.ask(Method::POST, "/fhir/Communication").by(who).fhir(body).try_send())
        .collect();
    let mut answered: Vec<Reply> = Vec::new();
    while let Some(reply) = sends.next().await {
        answered.push(reply.expect("nobody has killed it yet").is(201));
    }
    program.kill();
    drop(sends);

    assert_eq!(answered.len(), 200);
    kept(place, &answered).await;
    half_way(place).await;
}

/// Kills the service in the midst of two hundred sends: those that were answered are kept.
async fn half_way(place: &Place) {
    let program = Program::serve(place, &[]);
    let client = program.client();
    let sends = (0..200).map(|n| {
        let client = client.clone();
        actix_web::rt::spawn(async move {
            let id = format!("q-{n}");
            let ask = client.ask(Method::POST, "/fhir/Communication").by(&patient(&id));
            ask.fhir(&refill(&id, "In the midst.").to_string()).try_send().await.ok()
        })
    });
    let sends: Vec<_> = sends.collect();
    let mut sends: FuturesUnordered<_> = sends.into_iter().collect();
    let mut answered = Vec::new();
    let mut program = Some(program);
    while let Some(reply) = sends.next().await {
        answered.extend(reply.unwrap().filter(|reply| reply.status == 201));
        if answered.len() >= 60
            && let Some(program) = program.take()
        {
            program.kill();
        }
    }
    assert!(answered.len() >= 60);
    kept(place, &answered).await;
}

/// Starts the service anew: each message, its Task, its decision and its outbox rows are there.
async fn kept(place: &Place, answered: &[Reply]) {
    let program = Program::serve(place, &[]);
    let client = program.client();
    for made in answered {
        let id = made.id();
        let read = client.get(&engine(), &format!("/fhir/Communication/{id}")).await.is(200);
        assert_eq!(read.text, made.text);
    }
    let threads = |table: &str, column: &str| -> std::collections::BTreeSet<String> {
        place.texts(&format!("SELECT DISTINCT {column} AS value FROM {table}")).into_iter().collect()
    };
    let tasks = place.texts("SELECT thread AS value FROM resource WHERE kind = 'Task'");
    let (decided, leaving) = (threads("decision", "focus_id"), threads("outbox", "thread"));
    let (clocks, audited) = (threads("clock", "thread"), threads("audit WHERE action = 'C'", "focus_id"));
    for made in answered {
        let id = made.id();
        assert!(tasks.contains(&id) && decided.contains(&id) && leaving.contains(&id), "{id}");
        assert!(clocks.contains(&id) && audited.contains(&id), "{id}");
    }
    // All or nothing: no message of a person without its Task, whether or not it was answered.
    let halves = place.count(
        "resource AS message",
        "message.kind = 'Communication' AND message.id = message.thread AND NOT EXISTS \
         (SELECT 1 FROM resource AS task WHERE task.kind = 'Task' AND task.thread = message.id)",
    );
    assert_eq!(halves, 0);
    program.kill();
}

async fn a_service_that_is_told_to_stop_answers_what_is_under_way_and_ends_well(place: &Place) {
    let program = Program::serve(place, &[]);
    let client = program.client();
    client.ask(Method::GET, "/readyz").send().await.is(200);
    let sends: Vec<_> = (0..60)
        .map(|n| {
            let client = client.clone();
            actix_web::rt::spawn(async move {
                let id = format!("p-{n}");
                let ask = client.ask(Method::POST, "/fhir/Communication").by(&patient(&id));
                ask.fhir(&refill(&id, "On its way.").to_string()).try_send().await
            })
        })
        .collect();
    // Until the first is answered, the others are under way.
    let mut sends: FuturesUnordered<_> = sends.into_iter().collect();
    let mut answered = vec![sends.next().await.unwrap().unwrap().unwrap()];
    program.terminate();
    drop(client);
    while let Some(reply) = sends.next().await {
        // Whose request had not been read yet may find the connection closed, and nothing done.
        answered.extend(reply.unwrap().ok());
    }
    let (status, log) = program.ended();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("\"stopped\""), "{log}");
    assert!(
        answered.iter().all(|reply| reply.status == 201),
        "{:?}",
        answered.iter().map(|r| r.status).collect::<Vec<_>>()
    );
    let taken = place.count("thread", "1 = 1");
    assert_eq!(taken, i64::try_from(answered.len()).unwrap(), "what was taken was answered");
    kept(place, &answered).await;
}

async fn c2_workers_that_are_killed_while_they_fire_leave_each_threshold_fired_once(place: &Place) {
    // A month ago many wrote, and nobody has ticked since.
    let now = SystemTime.now();
    let time = Arc::new(MovableTime::at(now - jiff::SignedDuration::from_hours(30 * 24)));
    let house = Replica::start(place, &time).await;
    let people: Vec<String> = (0..150).map(|n| format!("p-{n}")).collect();
    let send = async |id: &String| house.client.create(&patient(id), &refill(id, "Five left.")).await.is(201);
    join_all(people.iter().map(send)).await;
    house.stop().await;
    let due = place.count("clock", "state = 'running' AND next_at IS NOT NULL");
    assert!(due >= 150);

    // Two at a time; the older one is killed in the midst of its work, again and again.
    let mut running = vec![Program::serve(place, &[])];
    for pause in [40, 150, 15, 250, 90, 5, 180] {
        running.push(Program::serve(place, &[]));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        running.remove(0).kill();
        // What it held is free again, as it is when its lease has passed.
        place.forget_leases();
    }
    running.remove(0).kill();
    assert!(place.count("firing", "1 = 1") > 0, "they were at work when they were killed");

    // At noon of a Wednesday to come: whenever this runs, whoever is told is awake and at work.
    let zone = domain::calendar::zone_named(ZONE).unwrap();
    let week = zone.to_datetime(SystemTime.now()).date().saturating_add(7.days());
    let noon = week.nth_weekday(1, jiff::civil::Weekday::Wednesday).unwrap().at(12, 0, 0, 0);
    time.set(zone.to_timestamp(noon).unwrap());
    let last = Replica::start(place, &time).await;
    work(&[last.service.worker(), last.service.worker()]).await;
    last.stop().await;
    assert_eq!(place.count("clock", "state = 'running' AND next_at IS NOT NULL"), 0);
    for threshold in ["warn-50", "warn-80", "breach", "late"] {
        let condition =
            format!("threshold = '{threshold}' AND clock IN (SELECT id FROM clock WHERE name = 'next-response')");
        assert_eq!(place.count("firing", &condition), 150, "{threshold}");
    }
    let breached = "SELECT count(*) AS value FROM (SELECT clock FROM clock_entry WHERE event LIKE '%breach%' GROUP BY clock HAVING count(*) > 1) AS twice";
    assert_eq!(place.number(breached), 0, "a breach is in the ledger once");
    let mut delivered: Vec<String> = Vec::new();
    for rows in place.texts("SELECT outbox AS value FROM delivery") {
        delivered.extend(serde_json::from_str::<Vec<Value>>(&rows).unwrap().iter().map(ToString::to_string));
    }
    let all = delivered.len();
    delivered.sort();
    delivered.dedup();
    assert_eq!(delivered.len(), all, "a notice left twice");
    assert_eq!(i64::try_from(all).unwrap(), place.count("outbox", "kind = 'notice'"));
    assert_eq!(place.count("outbox", "dispatched_at IS NULL"), 0);
}

async fn workers_that_are_killed_while_they_send_what_was_scheduled_send_each_message_once(place: &Place) {
    // Two days ago many were scheduled for yesterday, and nobody has ticked since.
    let time = Arc::new(MovableTime::at(SystemTime.now() - jiff::SignedDuration::from_hours(48)));
    let house = Replica::start(place, &time).await;
    let release_at = (SystemTime.now() - jiff::SignedDuration::from_hours(24)).to_string();
    let people: Vec<String> = (0..150).map(|n| format!("p-{n}")).collect();
    let send = async |id: &String| {
        let mut message = refill(id, "Five left.");
        message["status"] = "on-hold".into();
        message["extension"] = serde_json::json!([{ "url": fhir::canonical::RELEASE_AT, "valueInstant": release_at }]);
        house.client.create(&patient(id), &message).await.is(201)
    };
    join_all(people.iter().map(send)).await;
    house.stop().await;
    assert_eq!(place.count("scheduled_message", "ended_at IS NULL"), 150);

    let mut running = vec![Program::serve(place, &[])];
    for pause in [40, 150, 15, 250, 90] {
        running.push(Program::serve(place, &[]));
        tokio::time::sleep(Duration::from_millis(pause)).await;
        running.remove(0).kill();
    }
    running.remove(0).kill();
    time.set(SystemTime.now());
    let last = Replica::start(place, &time).await;
    work(&[last.service.worker(), last.service.worker()]).await;
    last.stop().await;
    assert_eq!(place.count("scheduled_message", "ended_at IS NULL"), 0);
    let twice = "kind = 'Communication' AND status = 'completed' AND version = 2";
    assert_eq!(place.count("resource", twice), 150, "each has the version that waited and the one that was sent");
    assert_eq!(place.count("audit", "interaction = 'release-scheduled'"), 150);
    assert_eq!(place.count("clock", "name = 'next-response'"), 150);
    assert_eq!(place.count("decision", "outcome = 'scheduled'"), 150);
}

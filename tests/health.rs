//! What the service says of itself: alive, ready, and in figures.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::house::{House, run};
use crate::people::{engine, nurse, patient, refill, reply};
use crate::place::{Database, Place};
use crate::program::Program;

on_both!(house:
    figures_count_requests_decisions_clocks_and_what_waits,
    a_thousand_ids_make_no_more_series_than_one,
    a_service_that_is_ready_says_so,
);

/// The value of a series of the page of figures; 0 when it is not there.
fn value(figures: &str, series: &str) -> f64 {
    let line = figures.lines().find(|line| line.starts_with(series) && line.as_bytes()[series.len()] == b' ');
    line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
}

#[expect(clippy::float_cmp, reason = "small counts are exact")]
async fn figures_count_requests_decisions_clocks_and_what_waits(house: &House) {
    house.at(19, "18:00:00");
    let sent = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.create(&patient("p-2002"), &refill("p-2002", "Two left.")).await.is(201);
    house.create(&nurse(), &reply("p-1001", &sent, "Done.")).await.is(201);
    house.ask(Method::GET, "/fhir/Task").send().await.is(401);
    let figures = house.metrics().await;
    let clocks = |state: &str| value(&figures, &format!("postern_clocks{{state=\"{state}\"}}"));
    assert!(clocks("running") >= 1.0 && !figures.contains("state=\"met\""), "{figures}");
    assert_eq!(value(&figures, "postern_decisions_total{outcome=\"delivered\"}"), 3.0, "{figures}");
    for series in ["queue", "outbox", "seconds_bucket{", "requests"] {
        assert!(figures.contains(series), "{series}: {figures}");
    }
    for line in figures.lines().filter(|line| line.starts_with("# HELP")) {
        assert!(line.split(' ').count() > 4, "{line}");
    }
}

async fn a_thousand_ids_make_no_more_series_than_one(house: &House) {
    house.get(&engine(), "/fhir/Communication/first").await.is(404);
    house.ask("BREW".parse().unwrap(), "/fhir/Communication/first").by(&engine()).send().await;
    let before = house.metrics().await.lines().count();
    for number in 0..1000 {
        house.get(&engine(), &format!("/fhir/Communication/m-{number}")).await.is(404);
    }
    for number in 0..100 {
        house.ask(format!("BREW{number}").parse().unwrap(), "/fhir/Communication/first").by(&engine()).send().await;
    }
    assert_eq!(house.metrics().await.lines().count(), before);
}

async fn a_service_that_is_ready_says_so(house: &House) {
    for path in ["/livez", "/readyz", "/openapi.json", "/fhir/metadata", "/docs", "/"] {
        let reply = house.ask(Method::GET, path).send().await;
        assert!(reply.status < 400, "{path}: {} {}", reply.status, reply.text);
    }
    // The browsable page needs nothing from elsewhere.
    let page = house.ask(Method::GET, "/docs/index.html").send().await.is(200);
    assert!(!page.text.contains("https://") && !page.text.contains("//cdn"), "{}", page.text);
    house.ask(Method::GET, "/metrics").send().await.is(401);
}

#[test]
fn a_database_that_is_gone_is_told_and_nothing_is_acknowledged() {
    run(Database::Postgres, async |house: &House| {
        house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
        house.place.vanish();
        house.ask(Method::GET, "/livez").send().await.is(200);
        house.ask(Method::GET, "/readyz").send().await.is(503);
        let refused = house.create(&patient("p-1001"), &refill("p-1001", "Four left.")).await.is(503);
        assert_eq!(refused.issues(), ["transient"]);
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
        assert!(!refused.text.contains("postern_door"), "{}", refused.text);
    });
}

#[test]
fn an_idle_connection_does_not_keep_a_service_from_ending() {
    crate::place::run(Database::Sqlite, async |place: &Place| {
        let program = Program::serve(place, &[]);
        let client = program.client();
        client.ask(Method::GET, "/readyz").send().await.is(200);
        let started = Instant::now();
        program.terminate();
        let (status, log) = program.ended();
        assert!(status.success(), "{log}");
        assert!(started.elapsed() < Duration::from_secs(10), "it took {:?}", started.elapsed());
        drop(client);
    });
}

//! Pools as their resources: what is fed governs the next promise, on every replica.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::client::Client;
use crate::house::House;
use crate::people::{REFILL, engine, patient, refill, scoped, staff};

on_both!(house:
    hours_without_a_zone_are_a_clear_error,
    new_hours_govern_the_next_promise_at_once_and_on_every_replica,
    an_absence_moves_the_next_promise,
    a_service_is_replaced_only_as_it_was_seen,
    hours_that_many_feed_at_once_are_all_kept,
    a_service_is_found_by_its_identifier,
    hours_are_patched_and_deleted,
    eight_feeds_of_one_identifier_make_one_service,
    one_service_is_changed_and_deleted_by_its_identifier,
);

fn service(start: &str, end: &str) -> Value {
    json!({
        "resourceType": "HealthcareService",
        "id": "refill-pool",
        "identifier": [{ "system": "urn:riverside:services", "value": "refill-pool" }],
        "active": true,
        "name": "Riverside refills",
        "extension": [{ "url": fhir::canonical::TIMEZONE, "valueCode": "America/New_York" }],
        "availableTime": [{
            "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
            "availableStartTime": start,
            "availableEndTime": end
        }]
    })
}

const PATH: &str = "/fhir/HealthcareService/refill-pool";

/// When a new message to the pool is due.
async fn due(house: &House, client: &Client) -> Value {
    let sent = client.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    house.task(&sent.id()).await["restriction"]["period"]["end"].clone()
}

async fn hours_without_a_zone_are_a_clear_error(house: &House) {
    let mut without = service("08:00:00", "17:00:00");
    without.as_object_mut().unwrap().remove("extension");
    let refused = house.put(&engine(), PATH, &without).await.is(422);
    assert!(refused.text.contains("timezone"), "{}", refused.text);
    assert_eq!(refused.issues(), ["required"]);
    let mut unknown = service("08:00:00", "17:00:00");
    unknown["extension"][0]["valueCode"] = json!("America/Springfield");
    house.put(&engine(), PATH, &unknown).await.is(422);
    without.as_object_mut().unwrap().remove("id");
    house.create(&engine(), &without).await.is(422);
    // What needs no zone needs none.
    without.as_object_mut().unwrap().remove("availableTime");
    house.create(&engine(), &without).await.is(201);
}

async fn new_hours_govern_the_next_promise_at_once_and_on_every_replica(house: &House) {
    let other = house.another().await;
    assert_eq!(due(house, house).await, "2026-06-23T21:00:00Z");
    assert_eq!(due(house, &other.client).await, "2026-06-23T21:00:00Z");
    for (end, expected) in [("15:00:00", "2026-06-23T19:00:00Z"), ("12:00:00", "2026-06-23T16:00:00Z")] {
        house.put(&engine(), PATH, &service("08:00:00", end)).await.is(200);
        // No worker ticks here: the save itself says that the decision was taken under old hours.
        assert_eq!(due(house, &other.client).await, expected, "the other replica");
        assert_eq!(due(house, house).await, expected);
    }
    let told = other.client.create(&patient("p-2002"), &refill("p-2002", "Mine.")).await.is(201).id();
    let automatic = house.automatic(&told).await;
    assert!(automatic[0].contains("Tuesday, June 23 at 12:00 PM EDT"), "{automatic:?}");
    other.stop().await;
}

async fn an_absence_moves_the_next_promise(house: &House) {
    let mut absent = service("08:00:00", "17:00:00");
    absent["notAvailable"] = json!([{
        "description": "Training",
        "during": { "start": "2026-06-22", "end": "2026-06-23" }
    }]);
    house.put(&engine(), PATH, &absent).await.is(200);
    assert_eq!(due(house, house).await, "2026-06-25T21:00:00Z", "Monday and Tuesday are closed");
}

async fn a_service_is_replaced_only_as_it_was_seen(house: &House) {
    let body = service("08:00:00", "16:00:00").to_string();
    let replace = async |version: Option<&str>, path: &str, body: &str| {
        let ask = house.ask(reqwest::Method::PUT, path).by(&engine()).fhir(body);
        match version {
            Some(version) => ask.header("if-match", version).send().await,
            None => ask.send().await,
        }
    };
    assert_eq!(replace(Some("W/\"1\""), PATH, &body).await.is(200).header("etag"), "W/\"2\"");
    assert_eq!(replace(Some("W/\"1\""), PATH, &body).await.is(412).issues(), ["conflict"]);
    assert_eq!(replace(None, PATH, &body).await.is(200).header("etag"), "W/\"3\"");
    replace(Some("W/\"1\""), "/fhir/HealthcareService/new", &body).await.is(400);
    let mut new = service("08:00:00", "16:00:00");
    new["id"] = json!("new");
    replace(Some("*"), "/fhir/HealthcareService/new", &new.to_string()).await.is(412);
    replace(None, "/fhir/HealthcareService/new", &new.to_string()).await.is(201);
    let versions = join_all((0..8).map(|_| replace(Some("W/\"3\""), PATH, &body))).await;
    let mut statuses: Vec<u16> = versions.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

async fn hours_that_many_feed_at_once_are_all_kept(house: &House) {
    let other = house.another().await;
    let bodies: Vec<Value> = (0..12)
        .map(|number| {
            let mut body = service("08:00:00", "17:00:00");
            body["id"] = json!(format!("s-{number}"));
            body
        })
        .collect();
    let who = engine();
    for expected in [201, 200, 200] {
        let feeds = bodies.iter().enumerate().map(|(number, body)| {
            let client = if number % 2 == 0 { &**house } else { &other.client };
            async move { client.put(&engine(), &format!("/fhir/HealthcareService/s-{number}"), body).await }
        });
        for reply in join_all(feeds).await {
            reply.is(expected);
        }
    }
    assert_eq!(house.get(&who, "/fhir/HealthcareService?_total=accurate").await.is(200).json()["total"], 14);
    other.stop().await;
}

async fn a_service_is_found_by_its_identifier(house: &House) {
    let find =
        async |query: &str| house.get(&engine(), &format!("/fhir/HealthcareService?{query}")).await.is(200).ids();
    assert_eq!(find("identifier=urn:riverside:services|refill-pool").await, ["refill-pool"]);
    assert_eq!(find("identifier=refill-pool").await, ["refill-pool"]);
    assert!(find("identifier=urn:other|refill-pool").await.is_empty());
    assert_eq!(find("active=true").await.len(), 2);
    let retired = {
        let mut body = service("08:00:00", "17:00:00");
        body["active"] = json!(false);
        body
    };
    house.put(&engine(), PATH, &retired).await.is(200);
    assert_eq!(find("active=false").await, ["refill-pool"]);
    assert_eq!(find(&format!("_id=refill-pool,{}", "family-medicine")).await.len(), 2);
    // Whoever may read it finds it; whoever may not change it does not.
    let reader = scoped(&staff("Practitioner/a", &[]), "user/HealthcareService.rs");
    house.get(&reader, &format!("/fhir/{REFILL}")).await.is(200);
    house.put(&reader, PATH, &retired).await.is(403);
    house.put(&patient("p-1001"), PATH, &retired).await.is(403);
}

async fn hours_are_patched_and_deleted(house: &House) {
    house.put(&engine(), PATH, &service("08:00:00", "17:00:00")).await;
    assert_eq!(due(house, house).await, "2026-06-23T21:00:00Z");
    let seen = house.get(&engine(), PATH).await.is(200);
    let patch = json!([{ "op": "replace", "path": "/availableTime/0/availableEndTime", "value": "15:00:00" }]);
    let ask = |version: &str| {
        let ask = house.ask(reqwest::Method::PATCH, PATH).by(&engine()).header("if-match", version);
        ask.header("content-type", "application/json-patch+json").body(patch.to_string().into_bytes())
    };
    ask("W/\"99\"").send().await.is(412);
    ask(seen.header("etag")).send().await.is(200);
    assert_eq!(due(house, house).await, "2026-06-23T19:00:00Z");
    let delete = |who: &api::auth::DevelopmentClaims| house.ask(reqwest::Method::DELETE, PATH).by(who).send();
    delete(&scoped(&patient("p-1001"), "patient/*.cruds")).await.is(403);
    delete(&scoped(&engine(), "system/*.crus")).await.is(403);
    delete(&engine()).await.is(204);
    house.get(&engine(), PATH).await.is(410);
    delete(&engine()).await.is(204);
    assert_eq!(due(house, house).await, "2026-06-23T21:00:00Z", "the policy's own hours again");
    // What was deleted may be fed again, and its history tells all of it.
    house.put(&engine(), PATH, &service("08:00:00", "16:00:00")).await.is(201);
    assert_eq!(due(house, house).await, "2026-06-23T20:00:00Z");
    let told = house.get(&engine(), &format!("{PATH}/_history")).await.is(200).came_about();
    assert_eq!(told[..2], ["PUT 201", "DELETE 204"]);
    assert_eq!(told.last().unwrap(), "PUT 201");
}

fn lab(name: &str) -> Value {
    json!({ "resourceType": "HealthcareService", "name": name, "identifier": [{ "system": "urn:lab", "value": "1" }] })
}

const LAB: &str = "/fhir/HealthcareService?identifier=urn:lab%7C1";

async fn eight_feeds_of_one_identifier_make_one_service(house: &House) {
    let replies = join_all((0..8).map(|number| {
        let ask = house.ask(reqwest::Method::PUT, LAB).by(&engine());
        ask.fhir(&lab(&format!("Lab {number}")).to_string()).send()
    }))
    .await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    // Who has lost a race against another change is told so, and may try again.
    assert!(statuses.iter().all(|status| matches!(status, 200 | 201 | 409)), "{statuses:?}");
    let found = house.get(&engine(), LAB).await.is(200);
    assert_eq!(found.ids().len(), 1);
    let again = house.put(&engine(), LAB, &lab("Lab again")).await.is(200);
    assert_eq!(again.id(), found.ids()[0]);
    let create = house.ask(reqwest::Method::POST, "/fhir/HealthcareService").by(&engine());
    let created = create.header("if-none-exist", "identifier=urn:lab|1").fhir(&lab("A third").to_string()).send().await;
    assert_eq!(created.is(200).id(), again.id());
}

async fn one_service_is_changed_and_deleted_by_its_identifier(house: &House) {
    let made = house.put(&engine(), LAB, &lab("Lab")).await.is(201);
    let patch = json!([{ "op": "replace", "path": "/name", "value": "Laboratory" }]).to_string();
    let patched = |address: &str| {
        let ask = house.ask(reqwest::Method::PATCH, address).by(&engine());
        ask.header("content-type", "application/json-patch+json").body(patch.clone().into_bytes()).send()
    };
    assert_eq!(patched(LAB).await.is(200).json()["name"], "Laboratory");
    patched("/fhir/HealthcareService?identifier=urn:lab%7C2").await.is(404);
    patched("/fhir/HealthcareService?active:missing=false").await.is(412);
    patched("/fhir/HealthcareService").await.is(400);
    patched("/fhir/HealthcareService?colour=blue").await.is(400);
    let mut moved = lab("Lab");
    moved["id"] = json!("another");
    house.put(&engine(), LAB, &moved).await.is(400);
    let stale = house.ask(reqwest::Method::PUT, LAB).by(&engine()).header("if-match", made.header("etag"));
    stale.fhir(&lab("Late").to_string()).send().await.is(412);
    // A condition is a search: it needs that right too, and sees no more.
    let blind = scoped(&engine(), "system/HealthcareService.cud");
    house.put(&blind, LAB, &lab("Blind")).await.is(403);
    let delete = || house.ask(reqwest::Method::DELETE, LAB).by(&engine()).send();
    delete().await.is(204);
    delete().await.is(404);
    house.get(&engine(), &format!("/fhir/HealthcareService/{}", made.id())).await.is(410);
    // It may be fed again under the same identifier.
    let fresh = house.put(&engine(), LAB, &lab("Lab")).await.is(201);
    assert_ne!(fresh.id(), made.id());
}

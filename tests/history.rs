//! Histories over HTTP.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{engine, nurse, patient, refill, reply, scoped};

on_both!(house:
    a_task_tells_each_of_its_versions,
    each_version_is_told_with_the_request_that_it_came_by,
    a_history_is_paged_and_asked_by_time,
    a_history_tells_nothing_that_the_caller_does_not_see,
);

fn versions(bundle: &Value) -> Vec<(String, String)> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let named = |entry: &Value| {
        let url = entry["fullUrl"].as_str().unwrap().rsplit('/').take(2).collect::<Vec<_>>();
        (format!("{}/{}", url[1], url[0]), entry["response"]["etag"].as_str().unwrap().to_owned())
    };
    entries.iter().map(named).collect()
}

async fn a_task_tells_each_of_its_versions(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.pass(60);
    let first = house.task(&root).await;
    house.claim(&nurse(), &first).await.is(200);
    house.pass(60);
    house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201);
    let id = first["id"].as_str().unwrap();
    let history = house.get(&nurse(), &format!("/fhir/Task/{id}/_history")).await.is(200);
    assert_eq!(history.came_about(), ["PUT 200", "PUT 200", "POST 201"]);
    let history = history.json();
    assert_eq!(history["type"], "history");
    let told = history["entry"].as_array().unwrap();
    let states: Vec<_> = told.iter().map(|entry| entry["resource"]["status"].as_str().unwrap()).collect();
    assert_eq!(states, ["completed", "accepted", "requested"]);
    for entry in told {
        let version = entry["resource"]["meta"]["versionId"].as_str().unwrap();
        let read = house.get(&nurse(), &format!("/fhir/Task/{id}/_history/{version}")).await.is(200);
        assert_eq!(read.json(), entry["resource"]);
        assert_eq!(read.header("etag"), entry["response"]["etag"].as_str().unwrap());
    }
    house.get(&nurse(), "/fhir/Task/no-such-task/_history").await.is(404);
    house.get(&nurse(), &format!("/fhir/Task/{id}/_history?_since=2027-01-01T00:00:00Z")).await.is(200);
    let wrong = house.ask(Method::POST, &format!("/fhir/Task/{id}/_history")).by(&nurse()).send().await.is(405);
    assert_eq!(wrong.header("allow"), "GET, HEAD");
}

/// How the versions of one resource came about, as the histories of it, of its type and of everything tell.
pub async fn told_of(house: &House, who: &DevelopmentClaims, key: &str) -> Vec<String> {
    let own = house.get(who, &format!("/fhir/{key}/_history")).await.is(200).came_about();
    let (kind, _) = key.split_once('/').unwrap();
    for address in [format!("/fhir/{kind}/_history?_count=200"), "/fhir/_history?_count=200".to_owned()] {
        let told = house.get(who, &address).await.is(200);
        let entries = told.json()["entry"].as_array().unwrap().clone();
        let named = entries.iter().map(|entry| entry["fullUrl"].as_str().unwrap().ends_with(&format!("/{key}")));
        let among: Vec<_> = told.came_about().into_iter().zip(named).filter(|(_, is_it)| *is_it).collect();
        assert_eq!(among.into_iter().map(|(told, _)| told).collect::<Vec<_>>(), own, "{address}");
    }
    for entry in house.get(who, &format!("/fhir/{key}/_history")).await.json()["entry"].as_array().unwrap() {
        let url = if entry["request"]["method"] == "POST" { kind } else { key };
        assert_eq!(entry["request"]["url"], url);
    }
    own
}

async fn each_version_is_told_with_the_request_that_it_came_by(house: &House) {
    let patch = async |who: &DevelopmentClaims, key: &str, place: &str, value: &str| {
        let changes = json!([{ "op": "replace", "path": place, "value": value }]);
        house.patch(who, &format!("/fhir/{key}"), &changes).await.is(200);
    };
    let delete = async |who: &DevelopmentClaims, key: &str| {
        house.ask(Method::DELETE, &format!("/fhir/{key}")).by(who).send().await.is(204);
    };
    let team = |name: &str| json!({ "resourceType": "CareTeam", "id": "night", "name": name });
    let key = "CareTeam/night";
    for status in [201, 200] {
        house.put(&engine(), &format!("/fhir/{key}"), &team("Night")).await.is(status);
    }
    patch(&engine(), key, "/name", "Late").await;
    delete(&engine(), key).await;
    house.put(&engine(), &format!("/fhir/{key}"), &team("Night")).await.is(201);
    patch(&engine(), key, "/name", "Later").await;
    let told = ["PUT 200", "PUT 201", "DELETE 204", "PUT 200", "PUT 200", "PUT 201"];
    assert_eq!(told_of(house, &engine(), key).await, told);

    let made = house.create(&engine(), &team("Day")).await.is(201).id();
    assert_ne!(made, "night");
    let key = format!("CareTeam/{made}");
    patch(&engine(), &key, "/name", "Early").await;
    assert_eq!(told_of(house, &engine(), &key).await, ["PUT 200", "POST 201"]);

    // By a search in place of the id, and within a transaction.
    let lab = json!({ "resourceType": "HealthcareService", "identifier": [{ "system": "urn:lab", "value": "1" }] });
    let found = "HealthcareService?identifier=urn:lab%7C1";
    let made = house.put(&engine(), &format!("/fhir/{found}"), &lab).await.is(201).id();
    let role = json!({ "resourceType": "PractitionerRole", "id": "kim" });
    let entries = json!([
        { "resource": lab, "request": { "method": "PUT", "url": found } },
        { "resource": role, "request": { "method": "PUT", "url": "PractitionerRole/kim" } },
    ]);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    house.post(&engine(), "/fhir", &bundle.to_string()).await.is(200);
    assert_eq!(told_of(house, &engine(), &format!("HealthcareService/{made}")).await, ["PUT 200", "PUT 201"]);
    assert_eq!(told_of(house, &engine(), "PractitionerRole/kim").await, ["PUT 201"]);

    let who = patient("p-1001");
    let mut draft = refill("p-1001", "Five left.");
    draft["status"] = json!("preparation");
    let mut draft = house.create(&who, &draft).await.is(201).json();
    let key = format!("Communication/{}", draft["id"].as_str().unwrap());
    patch(&who, &key, "/payload/0/contentString", "Four left.").await;
    draft["status"] = json!("in-progress");
    house.put(&who, &format!("/fhir/{key}"), &draft).await.is(200);
    assert_eq!(told_of(house, &who, &key).await, ["PUT 200", "PUT 200", "POST 201"]);
    draft["status"] = json!("preparation");
    let key = format!("Communication/{}", house.create(&who, &draft).await.is(201).id());
    delete(&who, &key).await;
    assert_eq!(told_of(house, &who, &key).await, ["DELETE 204", "POST 201"]);
    let mut message = refill("p-1001", "Three left.");
    message["identifier"] = json!([{ "system": "urn:portal", "value": "7" }]);
    let made = house.put(&who, "/fhir/Communication?identifier=urn:portal%7C7", &message).await.is(201).id();
    assert_eq!(told_of(house, &who, &format!("Communication/{made}")).await, ["PUT 201"]);
}

async fn a_history_is_paged_and_asked_by_time(house: &House) {
    for number in 0..5 {
        house.pass(60);
        house.create(&patient("p-1001"), &refill("p-1001", &format!("Number {number}."))).await.is(201);
    }
    for address in ["/fhir/_history", "/fhir/Communication/_history"] {
        let whole = versions(&house.get(&engine(), &format!("{address}?_count=200")).await.is(200).json());
        assert!(whole.len() >= 10, "messages and replies at least: {whole:?}");
        let mut page = house.get(&engine(), &format!("{address}?_count=3")).await.is(200);
        let mut seen = versions(&page.json());
        while let Some(next) = page.link("next") {
            // What is written meanwhile belongs to a later page one.
            house.pass(1);
            house.create(&patient("p-2002"), &refill("p-2002", "In between.")).await.is(201);
            page = house.get(&engine(), &next).await.is(200);
            seen.extend(versions(&page.json()));
        }
        assert_eq!(seen, whole, "{address}");
    }
    let since = house.get(&engine(), "/fhir/Communication/_history?_since=2026-06-19T14:04:30Z&_at=2026-06-19").await;
    let some = versions(&since.is(200).json());
    let at = house.get(&engine(), "/fhir/Communication/_history?_at=2026-06-19T14:01:30Z").await.is(200);
    assert_eq!(versions(&at.json()).len(), 2, "the first message and its reply");
    assert!(!some.is_empty());
    for bad in ["_since=yesterday", "_count=0", "colour=blue", "_cursor=x", "_at=2026-13"] {
        house.get(&engine(), &format!("/fhir/Communication/_history?{bad}")).await.is(400);
    }
}

async fn a_history_tells_nothing_that_the_caller_does_not_see(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.claim(&nurse(), &house.task(&root).await).await.is(200);
    let other = house.create(&patient("p-2002"), &refill("p-2002", "Mine alone.")).await.is(201).id();
    house.get(&patient("p-1001"), &format!("/fhir/Communication/{other}/_history")).await.is(404);
    for address in ["/fhir/_history", "/fhir/Communication/_history", "/fhir/Task/_history"] {
        let own = house.get(&patient("p-1001"), address).await.is(200);
        assert!(!own.text.contains("p-2002") && !own.text.contains(&other), "{address}");
        assert!(!own.text.contains("nurse-ortiz") && !own.text.contains("businessStatus"), "{address}: {}", own.text);
    }
    // A type's history is a search, and an instance's is a read.
    let reader = scoped(&patient("p-1001"), "patient/Communication.r");
    house.get(&reader, &format!("/fhir/Communication/{root}/_history")).await.is(200);
    assert_eq!(house.get(&reader, "/fhir/Communication/_history").await.is(403).issues(), ["forbidden"]);
    assert_eq!(house.get(&reader, "/fhir/_history").await.is(403).issues(), ["forbidden"]);
    let searcher = scoped(&patient("p-1001"), "patient/Communication.s");
    house.get(&searcher, &format!("/fhir/Communication/{root}/_history")).await.is(403);
    let types = house.get(&searcher, "/fhir/_history").await.is(200);
    assert!(versions(&types.json()).iter().all(|(key, _)| key.starts_with("Communication/")));
}

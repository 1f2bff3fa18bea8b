//! Batches: each entry stands alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{entry, resource, sent, statuses, with};
use crate::house::House;
use crate::people::{REFILL, engine, nurse, patient, refill, scoped};

on_both!(house:
    each_entry_of_a_batch_is_answered_as_if_it_were_sent_alone,
    s14_each_entry_needs_its_own_rights_and_nobody_learns_of_anything_by_a_batch,
    entries_that_lead_elsewhere_or_hold_a_bundle_are_refused_alone,
    a_bundle_that_is_none_here_is_refused_whole,
    a_batch_is_done_in_the_order_of_its_methods_and_told_as_preferred,
    what_would_make_the_answer_too_long_is_refused_as_an_entry,
);

fn author() -> api::auth::DevelopmentClaims {
    scoped(&patient("p-1001"), "patient/*.cruds")
}

fn draft(text: &str) -> Value {
    let mut body = refill("p-1001", text);
    body["status"] = json!("preparation");
    body
}

async fn each_entry_of_a_batch_is_answered_as_if_it_were_sent_alone(house: &House) {
    let mut wrong = refill("p-1001", "Wrong.");
    wrong["colour"] = json!("blue");
    let mut elsewhere = refill("p-1001", "To nobody.");
    elsewhere["inResponseTo"] = json!([{ "reference": "Communication/none" }]);
    let before = house.create(&author(), &refill("p-1001", "Before.")).await.is(201).id();
    let reply = sent(
        house,
        &author(),
        "batch",
        &[
            with("POST", "Communication", &refill("p-1001", "Five left.")),
            with("POST", "Communication", &wrong),
            with("POST", "Communication", &elsewhere),
            entry("GET", &format!("Communication/{before}")),
            entry("GET", "Communication?patient=Patient/p-1001&_sort=sent&_count=2"),
            entry("GET", "Communication/none"),
            entry("GET", "Communication?colour=blue"),
            entry("GET", &format!("Communication/{before}/_history/1")),
        ],
    )
    .await
    .is(200);
    assert_eq!(reply.json()["type"], "batch-response");
    assert_eq!(statuses(&reply), ["201", "400", "422", "200", "200", "404", "400", "200"]);
    let made = &reply.json()["entry"][0];
    let id = made["resource"]["id"].as_str().unwrap().to_owned();
    assert_eq!(made["response"]["status"], "201 Created");
    assert_eq!(made["response"]["etag"], "W/\"1\"");
    assert_eq!(made["response"]["lastModified"], made["resource"]["meta"]["lastUpdated"]);
    assert!(made["response"]["location"].as_str().unwrap().ends_with(&format!("/fhir/Communication/{id}/_history/1")));
    assert!(made["fullUrl"].as_str().unwrap().ends_with(&format!("/fhir/Communication/{id}")));
    assert_eq!(house.task(&id).await["status"], "requested", "it was sent as any other");
    let outcome = &reply.json()["entry"][1]["response"]["outcome"];
    assert_eq!(outcome["issue"][0]["expression"][0], "Communication.colour");
    let outcome = &reply.json()["entry"][2]["response"]["outcome"];
    assert_eq!(outcome["issue"][0]["details"]["coding"][0]["code"], "unknown-message");
    let found = resource(&reply, 4);
    assert_eq!((&found["type"], found["entry"].as_array().unwrap().len()), (&json!("searchset"), 2));
    let next = found["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next").unwrap();
    house.get(&author(), next["url"].as_str().unwrap()).await.is(200);
    // What is given out is what is stored, byte for byte.
    let alone = house.get(&author(), &format!("/fhir/Communication/{before}")).await;
    assert!(reply.text.contains(&alone.text));
    // Under one condition there is one message, whoever asks how.
    let mut once = with("POST", "Communication", &refill("p-1001", "Once."));
    once["request"]["ifNoneExist"] = json!("identifier=urn:x|1");
    let twice = sent(house, &author(), "batch", &[once.clone(), once]).await.is(200);
    assert_eq!(statuses(&twice), ["201", "200"]);
    assert_eq!(resource(&twice, 0)["id"], resource(&twice, 1)["id"]);
    assert!(sent(house, &author(), "batch", &[]).await.is(200).json().get("entry").is_none());
}

async fn s14_each_entry_needs_its_own_rights_and_nobody_learns_of_anything_by_a_batch(house: &House) {
    let theirs = house.create(&patient("p-2002"), &refill("p-2002", "Mine.")).await.is(201).id();
    let entries = [
        with("POST", "Communication", &refill("p-1001", "Five left.")),
        with("POST", "Communication", &refill("p-2002", "In another's name.")),
        entry("GET", &format!("Communication/{theirs}")),
        entry("GET", "Communication/no-such"),
        entry("GET", "Communication"),
        entry("GET", "Task"),
        with("PUT", "HealthcareService/mine", &json!({ "resourceType": "HealthcareService", "id": "mine" })),
        entry("DELETE", &format!("Communication/{theirs}")),
        entry("GET", "_history"),
    ];
    let writer = scoped(&patient("p-1001"), "patient/Communication.cr");
    let reply = sent(house, &writer, "batch", &entries).await.is(200);
    assert_eq!(statuses(&reply), ["201", "403", "404", "404", "403", "403", "403", "403", "403"]);
    let outcome = |at: usize| reply.json()["entry"][at]["response"]["outcome"].clone();
    assert_eq!(outcome(2), outcome(3), "theirs and nobody's are told alike");
    let none = scoped(&patient("p-1001"), "openid");
    assert_eq!(statuses(&sent(house, &none, "batch", &entries[..1]).await.is(200)), ["403"]);
    let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries }).to_string();
    house.ask(reqwest::Method::POST, "/fhir").fhir(&bundle).send().await.is(401);
    // Each access stands in the trail, as alone.
    assert_eq!(house.place.count("audit", "interaction = 'create' AND outcome = '0'"), 2);
}

async fn entries_that_lead_elsewhere_or_hold_a_bundle_are_refused_alone(house: &House) {
    let inner = json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry("GET", "Task")] });
    let base = format!("{}/fhir", house.base());
    let good = [entry("GET", "metadata"), entry("GET", &format!("{base}/Task"))];
    let bad = [
        with("POST", "/", &inner),
        with("POST", "?a=b", &inner),
        entry("GET", "../metrics"),
        entry("GET", "Task/../../api/v1/bundles"),
        entry("GET", "https://elsewhere.example/fhir/Task"),
        entry("GET", "//elsewhere.example/fhir/Task"),
        entry("GET", "Task/%2e%2e/x"),
        entry("HEAD", "Task"),
    ];
    let both: Vec<Value> = good.iter().chain(&bad).cloned().collect();
    let reply = sent(house, &engine(), "batch", &both).await.is(200);
    let expected: Vec<&str> = ["200"; 2].into_iter().chain(["400"; 8]).collect();
    assert_eq!(statuses(&reply), expected, "{}", reply.text);
    let place = &reply.json()["entry"][4]["response"]["outcome"]["issue"][0]["expression"][0];
    assert_eq!(*place, "Bundle.entry[4].request.url");
    // What is no address is answered as no address, and what takes another method as that.
    let reply = sent(
        house,
        &engine(),
        "batch",
        &[
            with("POST", "Bundle", &inner),
            entry("GET", "Patient/1"),
            entry("DELETE", "Task/1"),
            entry("GET", "Communication/_search"),
        ],
    )
    .await
    .is(200);
    assert_eq!(statuses(&reply), ["404", "404", "405", "405"]);
}

async fn a_bundle_that_is_none_here_is_refused_whole(house: &House) {
    let post = async |body: &str| house.post(&engine(), "/fhir", body).await;
    for (body, code) in [
        (json!({ "resourceType": "Bundle", "type": "searchset" }), "value"),
        (json!({ "resourceType": "Bundle", "type": "message" }), "invariant"),
        (json!({ "resourceType": "Bundle" }), "required"),
        (json!({ "resourceType": "Bundle", "type": "batch", "entry": [{ "fullUrl": "urn:a" }] }), "invariant"),
        (json!({ "resourceType": "Task" }), "structure"),
        (json!({ "resourceType": "Bundle", "type": "batch", "colour": 1 }), "structure"),
        (
            json!({ "resourceType": "Bundle", "type": "batch", "entry": [{ "request": { "method": "LOOK", "url": "Task" } }] }),
            "value",
        ),
    ] {
        assert_eq!(post(&body.to_string()).await.is(400).issues()[0], code, "{body}");
    }
    post("{").await.is(400);
    let many = vec![entry("GET", "Task"); fhir::bundle::MAX_ENTRIES + 1];
    assert_eq!(sent(house, &engine(), "batch", &many).await.is(422).issues(), ["too-costly"]);
    let long = json!({ "resourceType": "Bundle", "type": "batch", "language": "x".repeat(2 << 20) }).to_string();
    assert_eq!(post(&long).await.is(413).issues(), ["too-long"]);
    house.ask(reqwest::Method::GET, "/fhir").by(&engine()).send().await.is(405);
}

async fn a_batch_is_done_in_the_order_of_its_methods_and_told_as_preferred(house: &House) {
    let kept = house.create(&author(), &draft("Perhaps.")).await.is(201).id();
    let gone = house.create(&author(), &draft("Gone.")).await.is(201).id();
    let patch = json!([{ "op": "replace", "path": "/payload/0/contentString", "value": "Five left." }]).to_string();
    let binary = json!({ "resourceType": "Binary", "contentType": "application/json-patch+json", "data": STANDARD.encode(patch) });
    let other = json!({ "resourceType": "Binary", "contentType": "application/xml", "data": "PGEvPg==" });
    let paths = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "add" }, { "name": "path", "valueString": "Communication" },
        { "name": "name", "valueString": "priority" }, { "name": "value", "valueCode": "urgent" },
    ] }] });
    let mut stale = with("PUT", &format!("Communication/{kept}"), &draft("Stale."));
    stale["request"]["ifMatch"] = json!("W/\"77\"");
    let mut had = entry("GET", &format!("HealthcareService/{}", REFILL.split_once('/').unwrap().1));
    had["request"]["ifNoneMatch"] = json!("W/\"1\"");
    let mut since = had.clone();
    since["request"].as_object_mut().unwrap().remove("ifNoneMatch");
    since["request"]["ifModifiedSince"] = json!("2030-01-01T00:00:00Z");
    let entries = [
        entry("GET", &format!("Communication/{gone}")),
        entry("GET", "Communication?status=preparation"),
        with("PATCH", &format!("Communication/{kept}"), &binary),
        with("PATCH", &format!("Communication/{kept}"), &paths),
        with("PATCH", &format!("Communication/{kept}"), &other),
        stale,
        had,
        since,
        entry("DELETE", &format!("Communication/{gone}")),
    ];
    let reply = sent(house, &author(), "batch", &entries).await.is(200);
    assert_eq!(statuses(&reply), ["410", "200", "200", "200", "415", "412", "304", "304", "204"]);
    let drafts = resource(&reply, 1)["entry"].as_array().unwrap().clone();
    assert_eq!(drafts.len(), 1, "the other one was gone before");
    assert_eq!(drafts[0]["resource"]["payload"][0]["contentString"], "Five left.");
    assert_eq!(drafts[0]["resource"]["priority"], "urgent");
    let location = reply.json()["entry"][2]["response"]["location"].clone();
    assert!(location.as_str().unwrap().ends_with(&format!("/Communication/{kept}/_history/2")), "{location}");
    let body = json!({ "resourceType": "Bundle", "type": "batch",
        "entry": [with("POST", "Communication", &refill("p-1001", "Again."))] })
    .to_string();
    let told = async |prefer: &str| {
        let ask = house.ask(reqwest::Method::POST, "/fhir").by(&author()).header("prefer", prefer);
        ask.fhir(&body).send().await.is(200).json()["entry"][0].clone()
    };
    let minimal = told("return=minimal").await;
    assert!(minimal.get("resource").is_none() && minimal["response"]["etag"] == "W/\"1\"", "{minimal}");
    assert_eq!(minimal["response"]["lastModified"], "2026-06-19T14:00:00.000Z");
    let outcome = told("return=OperationOutcome").await;
    assert_eq!(outcome["response"]["outcome"]["resourceType"], "OperationOutcome");
    assert_eq!(statuses(&sent(house, &nurse(), "batch", &[entry("GET", "Task")]).await), ["200"]);
}

async fn what_would_make_the_answer_too_long_is_refused_as_an_entry(house: &House) {
    let long =
        json!({ "resourceType": "HealthcareService", "id": "long", "name": "Long", "comment": "x".repeat(1_000_000) });
    house.put(&engine(), "/fhir/HealthcareService/long", &long).await.is(201);
    let entries = vec![entry("GET", "HealthcareService/long"); 40];
    let reply = sent(house, &engine(), "batch", &entries).await.is(200);
    let statuses = statuses(&reply);
    assert_eq!(statuses.iter().filter(|status| *status == "200").count(), 34, "32 MiB and the one that reaches them");
    assert!(statuses[34..].iter().all(|status| status == "413"), "{statuses:?}");
    let outcome = &reply.json()["entry"][39]["response"]["outcome"]["issue"][0];
    assert_eq!(outcome["code"], "too-costly", "{outcome}");
    let mut all = entries;
    all.push(with("PUT", REFILL, &json!({ "resourceType": "HealthcareService", "id": "refill-pool" })));
    let refused = sent(house, &engine(), "transaction", &all).await.is(413);
    assert_eq!(refused.issues(), ["too-costly"]);
    assert_eq!(refused.json()["issue"][0]["expression"][0], "Bundle.entry[34]");
}

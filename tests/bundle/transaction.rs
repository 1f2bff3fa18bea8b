//! Transactions: kept whole or not at all.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{entry, known, resource, sent, statuses, with};
use crate::house::House;
use crate::people::{REFILL, engine, following, nurse, patient, refill, reply as answer, scoped};

on_both!(house:
    a_transaction_is_kept_whole_and_its_entries_know_each_other,
    of_a_transaction_that_fails_nothing_is_kept,
    refusals_within_are_recorded_once_nobody_waits_for_them,
    messages_of_one_thread_are_decided_one_after_the_other,
    conditions_are_looked_for_before_and_within,
    a_transaction_that_says_two_things_of_one_resource_is_refused,
    what_is_fed_in_a_transaction_governs_what_comes_after_it,
    eight_transactions_under_one_condition_make_one_message,
    messages_that_answer_each_other_in_a_circle_are_refused,
    what_is_put_or_patched_is_there_before_it_is_answered,
    what_would_keep_others_from_writing_for_longer_than_it_must_is_refused,
);

fn author() -> api::auth::DevelopmentClaims {
    scoped(&patient("p-1001"), "patient/*.cruds")
}

/// How many rows a table has.
fn counts(house: &House) -> Vec<i64> {
    let tables = ["resource", "resource_history", "thread", "clock", "clock_entry", "outbox", "decision", "unique_key"];
    tables.iter().map(|table| house.place.count(table, "1 = 1")).collect()
}

fn service(id: &str) -> Value {
    json!({ "resourceType": "HealthcareService", "id": id, "name": id,
        "identifier": [{ "system": "urn:riverside:services", "value": id }] })
}

async fn a_transaction_is_kept_whole_and_its_entries_know_each_other(house: &House) {
    let mut root = refill("p-1001", "Five left.");
    root["about"] = json!([{ "reference": "urn:uuid:b" }, { "reference": "Encounter/1" }, { "reference": "#c" }]);
    root["contained"] = json!([{ "resourceType": "Basic", "id": "c", "code": { "text": "x" }, "subject": { "reference": "urn:uuid:a" } }]);
    let mut second = refill("p-1001", "And one more thing.");
    second["inResponseTo"] = json!([{ "reference": "urn:uuid:a" }]);
    second["about"] = json!([{ "reference": "urn:uuid:a" }]);
    second["extension"] = json!([{ "url": "http://e/x", "valueReference": { "reference": "urn:uuid:b" } },
        { "url": "http://e/y", "valueUri": "urn:uuid:a" }]);
    second["extension"]
        .as_array_mut()
        .unwrap()
        .extend([json!({ "url": "http://e/z", "valueCanonical": "urn:uuid:a" })]);
    second["instantiatesCanonical"] = json!(["urn:uuid:a"]);
    second["text"] = json!({ "status": "additional", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:a\">urn:uuid:a</a></div>" });
    second["identifier"] = json!([{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:a" }]);
    // The answer stands before what it answers, and both refer to each other.
    let reply = sent(
        house,
        &author(),
        "transaction",
        &[
            known("urn:uuid:b", with("POST", "Communication", &second)),
            entry("GET", "Communication?identifier=urn:ietf:rfc:3986|urn:uuid:a&_total=accurate"),
            known("urn:uuid:a", with("POST", "Communication", &root)),
        ],
    )
    .await
    .is(200);
    assert_eq!(reply.json()["type"], "transaction-response");
    assert_eq!(statuses(&reply), ["201", "200", "201"]);
    let (second, root) = (resource(&reply, 0), resource(&reply, 2));
    let [a, b] = [&root, &second].map(|one| format!("Communication/{}", one["id"].as_str().unwrap()));
    assert_eq!(second["inResponseTo"][0]["reference"], json!(a));
    assert_eq!(second["partOf"][0]["reference"], json!(a));
    assert_eq!(second["extension"][0]["valueReference"]["reference"], json!(b));
    assert_eq!(second["extension"][1]["valueUri"], json!(a));
    assert_eq!(second["identifier"][0]["value"], "urn:uuid:a", "what is no address stays");
    assert_eq!(root["about"], json!([{ "reference": b }, { "reference": "Encounter/1" }, { "reference": "#c" }]));
    assert_eq!(root["contained"][0]["subject"]["reference"], json!(a), "what is contained refers to the same");
    assert_eq!(second["extension"][2]["valueCanonical"], "urn:uuid:a", "a canonical is the name of a definition");
    assert_eq!(second["instantiatesCanonical"][0], "urn:uuid:a");
    let div = second["text"]["div"].as_str().unwrap();
    assert!(div.contains(&format!("<a href=\"{a}\">urn:uuid:a</a>")), "{div}");
    assert_eq!(resource(&reply, 1)["total"], 1, "it is seen within already");
    for one in [&a, &b] {
        let stored = house.get(&author(), &format!("/fhir/{one}")).await.is(200).json();
        assert_eq!(stored, if *one == a { root.clone() } else { second.clone() });
    }
    assert_eq!(house.place.count("thread", "1 = 1"), 1);
    assert_eq!(house.task(root["id"].as_str().unwrap()).await["status"], "requested");
}

async fn refusals_within_are_recorded_once_nobody_waits_for_them(house: &House) {
    let refused =
        [with("POST", "Communication", &refill("p-1001", "Kept by nobody.")), entry("GET", "Communication/nobodys")];
    let entries = || house.place.count("audit", "outcome = '4' AND interaction LIKE 'GET %'");
    let (author, message) = (author(), refill("p-1001", "Beside it."));
    let all = async {
        let (one, other, beside) = tokio::join!(
            sent(house, &author, "transaction", &refused),
            sent(house, &author, "transaction", &refused),
            house.create(&author, &message)
        );
        one.is(404);
        other.is(404);
        beside.is(201);
    };
    // A turn at the writer ends by itself after ten seconds: nobody may wait for that.
    tokio::time::timeout(Duration::from_secs(9), all).await.expect("no turn runs out");
    assert_eq!(entries(), 2, "each refusal is recorded, once");
}

async fn of_a_transaction_that_fails_nothing_is_kept(house: &House) {
    let kept = house.create(&author(), &refill("p-1001", "Before.")).await.is(201).id();
    let before = counts(house);
    let good = || with("POST", "Communication", &refill("p-1001", "Five left."));
    let mut wrong = refill("p-1001", "Wrong.");
    wrong["colour"] = json!("blue");
    wrong["status"] = json!("colour");
    let mut nowhere = refill("p-1001", "To nobody.");
    nowhere["inResponseTo"] = json!([{ "reference": "Communication/none" }]);
    let mut dangling = refill("p-1001", "To nobody.");
    dangling["about"] = json!([{ "reference": "urn:uuid:nobody" }]);
    let mut stale = with("PUT", &format!("Communication/{kept}"), &refill("p-1001", "Other."));
    stale["request"]["ifMatch"] = json!("W/\"9\"");
    for (last, status, place) in [
        (with("POST", "Communication", &wrong), 400, "Bundle.entry[1].resource.status"),
        (with("POST", "Communication", &nowhere), 422, "Bundle.entry[1].resource.inResponseTo"),
        (with("POST", "Communication", &dangling), 400, "Bundle.entry[1].resource.about[0].reference"),
        (with("POST", "Communication", &refill("p-2002", "Not mine.")), 403, "Bundle.entry[1].resource.sender"),
        (stale, 412, "Bundle.entry[1]"),
        (entry("DELETE", &format!("Communication/{kept}")), 422, "Bundle.entry[1].resource.status"),
        (entry("GET", "Communication/none"), 404, "Bundle.entry[1]"),
        (entry("GET", "Communication?colour=blue"), 400, "Bundle.entry[1].request.url"),
        (with("POST", "Patient", &json!({ "resourceType": "Patient" })), 404, "Bundle.entry[1]"),
        (entry("POST", "Task/1/$claim"), 400, "Bundle.entry[1].request.url"),
        (entry("POST", "Communication/_search"), 400, "Bundle.entry[1].request.url"),
        (entry("GET", "../metrics"), 400, "Bundle.entry[1].request.url"),
        (with("PUT", "HealthcareService/x", &service("x")), 403, "Bundle.entry[1]"),
        (
            with("PATCH", &format!("Communication/{kept}"), &json!({ "resourceType": "Parameters" })),
            400,
            "Bundle.entry[1].resource.parameter",
        ),
    ] {
        let reply = sent(house, &author(), "transaction", &[good(), last.clone()]).await.is(status);
        let told = reply.json()["issue"][0]["expression"][0].clone();
        assert_eq!(told, place, "{last}");
        assert_eq!(counts(house), before, "{last}");
    }
    // What is wrong with the resources is told at once, for all of them.
    let wrong = with("POST", "Communication", &wrong);
    let all = sent(house, &author(), "transaction", &[wrong.clone(), good(), wrong]).await.is(400).json();
    let places: Vec<_> =
        all["issue"].as_array().unwrap().iter().map(|issue| issue["expression"][0].as_str().unwrap()).collect();
    let at = |n: usize, name: &str| format!("Bundle.entry[{n}].resource.{name}");
    for place in [at(0, "status"), at(0, "colour"), at(2, "status"), at(2, "colour")] {
        assert!(places.contains(&place.as_str()), "{places:?}");
    }
    assert_eq!(counts(house), before);
    // Nobody was told of what never was, and the service goes on.
    assert!(house.metrics().await.contains("postern_decisions_total"), "figures are there");
    house.create(&author(), &refill("p-1001", "After.")).await.is(201);
}

async fn messages_of_one_thread_are_decided_one_after_the_other(house: &House) {
    let alone = house.create(&patient("p-2002"), &refill("p-2002", "One.")).await.is(201).id();
    for text in ["Two.", "Three."] {
        house.create(&patient("p-2002"), &following(refill("p-2002", text), &alone)).await.is(201);
    }
    let message = |url: &str, text: &str| known(url, with("POST", "Communication", &refill("p-1001", text)));
    let next = |text: &str| {
        let mut body = refill("p-1001", text);
        body["inResponseTo"] = json!([{ "reference": "urn:uuid:1" }]);
        with("POST", "Communication", &body)
    };
    let entries = [message("urn:uuid:1", "One."), next("Two."), next("Three.")];
    let reply = sent(house, &author(), "transaction", &entries).await.is(200);
    assert_eq!(statuses(&reply), ["201", "201", "201"]);
    let together = resource(&reply, 0)["id"].as_str().unwrap().to_owned();
    // The same thread, clocks, Task and records as those that were sent one by one.
    let path = |id: &str| format!("/api/v1/clocks?thread={id}");
    let admin = scoped(&engine(), "postern/admin.read");
    let told = async |id: &str| {
        let clocks = house.get(&admin, &path(id)).await.is(200).json()["clocks"].clone();
        let facts = |clock: &Value| {
            let entries = clock["ledger"].as_array().map_or(0, Vec::len);
            (clock["name"].clone(), clock["state"].clone(), clock["dueAt"].clone(), entries)
        };
        clocks.as_array().unwrap().iter().map(facts).collect::<Vec<_>>()
    };
    assert_eq!(told(&together).await, told(&alone).await);
    let (one, other) = (house.task(&alone).await, house.task(&together).await);
    assert_eq!(one["meta"]["versionId"], other["meta"]["versionId"]);
    assert_eq!(one["restriction"], other["restriction"]);
    assert_eq!(house.automatic(&together).await.len(), house.automatic(&alone).await.len());
    let records = |id: &str| house.place.count("decision", &format!("thread = '{id}'"));
    assert_eq!(records(&together), records(&alone));
    assert_eq!(
        house.place.count("audit", "interaction = 'create' AND outcome = '0' AND focus_kind = 'Communication'"),
        6
    );
    // The nurse answers and closes within one transaction as well.
    let replied =
        sent(house, &nurse(), "transaction", &[with("POST", "Communication", &answer("p-1001", &together, "Done."))])
            .await;
    assert_eq!(statuses(&replied.is(200)), ["201"]);
    assert_eq!(house.task(&together).await["status"], "completed");
}

async fn conditions_are_looked_for_before_and_within(house: &House) {
    let under = |criteria: &str, text: &str| {
        let mut entry = with("POST", "Communication", &refill("p-1001", text));
        entry["resource"]["identifier"] = json!([{ "system": "urn:x", "value": "1" }]);
        entry["request"]["ifNoneExist"] = json!(criteria);
        known("urn:uuid:1", entry)
    };
    let mut next = refill("p-1001", "And more.");
    next["inResponseTo"] = json!([{ "reference": "urn:uuid:1" }]);
    let next = with("POST", "Communication", &next);
    let first =
        sent(house, &author(), "transaction", &[under("identifier=urn:x|1", "One."), next.clone()]).await.is(200);
    assert_eq!(statuses(&first), ["201", "201"]);
    let id = resource(&first, 0)["id"].clone();
    // The retry finds it, and what refers to it refers to that one.
    let retry =
        sent(house, &author(), "transaction", &[next.clone(), under("identifier=urn:x|1", "One.")]).await.is(200);
    assert_eq!(statuses(&retry), ["201", "200"]);
    assert_eq!(resource(&retry, 1)["id"], id);
    assert_eq!(resource(&retry, 0)["partOf"][0]["reference"], format!("Communication/{}", id.as_str().unwrap()));
    // Two entries whose conditions find each other's.
    let fresh = |criteria: &str| {
        let mut entry = with("POST", "Communication", &refill("p-1001", "New."));
        entry["resource"]["identifier"] = json!([{ "system": "urn:x", "value": "2" }]);
        entry["request"]["ifNoneExist"] = json!(criteria);
        entry
    };
    let before = counts(house);
    let both = [fresh("identifier=urn:x|2"), fresh("identifier=2")];
    assert_eq!(sent(house, &author(), "transaction", &both).await.is(409).issues(), ["conflict"]);
    let same = [fresh("identifier=urn:x|2"), fresh("identifier=urn:x|2")];
    let told = sent(house, &author(), "transaction", &same).await.is(400);
    assert_eq!(told.json()["issue"][0]["expression"][0], "Bundle.entry[1].request.ifNoneExist");
    // References by a search.
    let to = |reference: &str| {
        let mut body = refill("p-1001", "To a pool.");
        body["recipient"] = json!([{ "reference": reference }]);
        with("POST", "Communication", &body)
    };
    let who = scoped(&author(), "patient/Communication.crs user/HealthcareService.rs patient/HealthcareService.rs");
    let pool = "HealthcareService?identifier=urn:riverside:services|refill-pool";
    let reply = sent(house, &who, "transaction", &[to(pool)]).await.is(200);
    assert_eq!(resource(&reply, 0)["recipient"][0]["reference"], REFILL);
    let place = "Bundle.entry[0].resource.recipient[0].reference";
    for (reference, status, code) in [
        ("HealthcareService?identifier=urn:riverside:services|none", 412, "not-found"),
        ("HealthcareService?active=true", 412, "multiple-matches"),
        ("Practitioner?identifier=urn:x|1", 400, "not-supported"),
        ("HealthcareService?colour=blue", 400, "not-supported"),
    ] {
        let told = sent(house, &who, "transaction", &[to(reference)]).await.is(status);
        assert_eq!(told.issues(), [code], "{reference}");
        if status == 400 {
            assert_eq!(told.json()["issue"][0]["expression"][0], place, "{reference}");
        }
    }
    // A search needs its right, also in a reference and in a condition.
    let blind = scoped(&patient("p-1001"), "patient/Communication.cr");
    sent(house, &blind, "transaction", &[to(pool)]).await.is(403);
    sent(house, &blind, "transaction", &[fresh("identifier=9")]).await.is(403);
    assert_eq!(counts(house)[2], before[2] + 1, "one new thread: the one to the pool");
}

async fn a_transaction_that_says_two_things_of_one_resource_is_refused(house: &House) {
    let before = counts(house);
    let put = |url: &str, name: &str| with("PUT", url, &service(name));
    for (entries, place) in [
        (vec![put("HealthcareService/a", "a"), entry("DELETE", "HealthcareService/a")], "Bundle.entry[1].request.url"),
        (
            vec![
                put("HealthcareService/refill-pool", "refill-pool"),
                put("HealthcareService?identifier=refill-pool", "refill-pool"),
            ],
            "Bundle.entry[1].request.url",
        ),
        (
            vec![
                known("urn:uuid:1", put("HealthcareService/a", "a")),
                known("urn:uuid:1", put("HealthcareService/b", "b")),
            ],
            "Bundle.entry[1].fullUrl",
        ),
    ] {
        let told = sent(house, &engine(), "transaction", &entries).await.is(400);
        assert_eq!(told.json()["issue"][0]["expression"][0], place);
        assert_eq!(told.issues(), [if place.ends_with("fullUrl") { "invariant" } else { "duplicate" }]);
    }
    assert_eq!(counts(house), before);
}

async fn what_is_fed_in_a_transaction_governs_what_comes_after_it(house: &House) {
    let mut hours = service("refill-pool");
    hours["extension"] = json!([{ "url": fhir::canonical::TIMEZONE, "valueCode": "America/New_York" }]);
    hours["availableTime"] = json!([{ "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
        "availableStartTime": "08:00:00", "availableEndTime": "12:00:00" }]);
    // A pool that is made is known to what is sent after it.
    let mut lab = service("lab");
    lab.as_object_mut().unwrap().remove("id");
    let reply = sent(
        house,
        &engine(),
        "transaction",
        &[
            known("urn:uuid:lab", with("POST", "HealthcareService", &lab)),
            with("PUT", "HealthcareService/refill-pool", &hours),
            with("PUT", "HealthcareService?identifier=urn:riverside:services|new", &service("new")),
            entry("GET", "HealthcareService?identifier=lab,new,refill-pool&_total=accurate"),
        ],
    )
    .await
    .is(200);
    assert_eq!(statuses(&reply), ["201", "200", "201", "200"]);
    assert_eq!(resource(&reply, 3)["total"], 3);
    let made = house.create(&author(), &refill("p-1001", "Five left.")).await.is(201).id();
    assert_eq!(house.task(&made).await["restriction"]["period"]["end"], "2026-06-23T16:00:00Z", "the new hours govern");
    // Within one transaction the messages come before the feeds, and each is decided under what is in force then.
    hours["availableTime"][0]["availableEndTime"] = json!("10:00:00");
    let mut about = refill("p-1001", "Mine.");
    about["about"] = json!([{ "reference": "urn:uuid:hours" }]);
    let mixed = sent(
        house,
        &engine(),
        "transaction",
        &[
            known("urn:uuid:hours", with("PUT", "HealthcareService/refill-pool", &hours)),
            with("POST", "HealthcareService", &lab),
            with("POST", "Communication", &about),
        ],
    )
    .await
    .is(200);
    assert_eq!(statuses(&mixed), ["200", "201", "201"]);
    assert_eq!(resource(&mixed, 2)["about"][0]["reference"], REFILL);
    let id = resource(&mixed, 2)["id"].as_str().unwrap().to_owned();
    assert_eq!(house.task(&id).await["restriction"]["period"]["end"], "2026-06-23T16:00:00Z");
    let after = house.create(&author(), &refill("p-1001", "After.")).await.is(201).id();
    assert_eq!(house.task(&after).await["restriction"]["period"]["end"], "2026-06-24T14:00:00Z");
}

async fn eight_transactions_under_one_condition_make_one_message(house: &House) {
    let other = house.another().await;
    let mut entry = with("POST", "Communication", &refill("p-1001", "Once."));
    entry["resource"]["identifier"] = json!([{ "system": "urn:x", "value": "1" }]);
    entry["request"]["ifNoneExist"] = json!("identifier=urn:x|1");
    let body = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] }).to_string();
    let engine = engine();
    let replies = join_all((0..8).map(|number| {
        let client = if number % 2 == 0 { &**house } else { &other.client };
        client.post(&engine, "/fhir", &body)
    }))
    .await;
    let made = replies.iter().filter(|reply| reply.status == 200 && statuses(reply) == ["201"]).count();
    assert_eq!(made, 1);
    // The others find it, or are told that somebody was faster.
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{replies:?}");
    assert_eq!(house.place.count("thread", "1 = 1"), 1);
    let retry =
        sent(house, &engine, "transaction", &[serde_json::from_str::<Value>(&body).unwrap()["entry"][0].clone()]).await;
    assert_eq!(statuses(&retry.is(200)), ["200"]);
    other.stop().await;
}

async fn messages_that_answer_each_other_in_a_circle_are_refused(house: &House) {
    let to = |url: &str| {
        let mut body = refill("p-1001", "Round.");
        body["inResponseTo"] = json!([{ "reference": url }]);
        with("POST", "Communication", &body)
    };
    let circle = [known("urn:uuid:1", to("urn:uuid:2")), known("urn:uuid:2", to("urn:uuid:1"))];
    let told = sent(house, &author(), "transaction", &circle).await.is(422);
    assert_eq!(told.json()["issue"][0]["details"]["coding"][0]["code"], "unknown-message");
    assert_eq!(house.place.count("resource", "kind = 'Communication'"), 0);
}

async fn what_is_put_or_patched_is_there_before_it_is_answered(house: &House) {
    let draft = async |text: &str| {
        let mut body = refill("p-1001", text);
        body["status"] = json!("preparation");
        house.create(&author(), &body).await.is(201).json()
    };
    let answering = |id: &str| {
        let mut body = refill("p-1001", "And more.");
        body["inResponseTo"] = json!([{ "reference": format!("Communication/{id}") }]);
        body
    };
    let (mut one, mut two, three) = (draft("One.").await, draft("Two.").await, draft("Three.").await);
    let name = |own: &Value| own["id"].as_str().unwrap().to_owned();
    let (first, second, third) = (name(&one), name(&two), name(&three));
    for own in [&mut one, &mut two] {
        own["status"] = json!("in-progress");
    }
    two["inResponseTo"] = json!([{ "reference": format!("Communication/{first}") }]);
    let patch = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "Communication.status" },
        { "name": "value", "valueCode": "in-progress" } ] }] });
    // Each stands before what it answers.
    let entries = [
        with("POST", "Communication", &answering(&second)),
        with("POST", "Communication", &answering(&third)),
        with("PUT", &format!("Communication/{second}"), &two),
        with("PUT", &format!("Communication/{first}"), &one),
        with("PATCH", &format!("Communication/{third}"), &patch),
    ];
    let reply = sent(house, &author(), "transaction", &entries).await.is(200);
    assert_eq!(statuses(&reply), ["201", "201", "200", "200", "200"]);
    let root = |at: usize| resource(&reply, at)["partOf"][0]["reference"].clone();
    assert_eq!(root(0), format!("Communication/{first}"));
    assert_eq!(root(1), format!("Communication/{third}"));
    assert_eq!(root(2), format!("Communication/{first}"));
}

async fn what_would_keep_others_from_writing_for_longer_than_it_must_is_refused(house: &House) {
    let who = scoped(&author(), "patient/Communication.cruds user/HealthcareService.rs patient/HealthcareService.rs");
    let good = || with("POST", "Communication", &refill("p-1001", "Five left."));
    let before = counts(house);
    let read = entry("GET", REFILL);
    let told = sent(house, &who, "transaction", &[read.clone(), read.clone()]).await.is(400);
    assert!(told.text.contains("send it as a batch") && told.text.contains("Bundle.type"), "{}", told.text);
    assert_eq!(statuses(&sent(house, &who, "batch", &[read.clone(), read.clone()]).await.is(200)), ["200", "200"]);
    let mut under = good();
    under["request"]["ifNoneExist"] = json!("subject=Patient/p-1001");
    for (slow, place) in [
        (entry("GET", "Communication?subject:missing=false"), "url"),
        (entry("GET", "Communication?identifier=urn:x|1&_revinclude=Task:focus"), "url"),
        (entry("GET", "Communication?identifier:text=x"), "url"),
        (entry("GET", "Communication"), "url"),
        (entry("GET", "Communication/_history"), "url"),
        (entry("GET", "_history"), "url"),
        (entry("DELETE", "Communication?status=preparation"), "url"),
        (under, "ifNoneExist"),
    ] {
        let told = sent(house, &who, "transaction", &[good(), slow.clone()]).await.is(400);
        assert_eq!(told.json()["issue"][0]["expression"][0], format!("Bundle.entry[1].request.{place}"), "{slow}");
        assert_eq!(told.issues(), ["not-supported"], "{slow}");
    }
    assert_eq!(counts(house), before);
    let referring = |count: usize| {
        let mut body = refill("p-1001", "To many.");
        let to = |number: usize| json!({ "reference": format!("HealthcareService?identifier=refill-pool,x{number}") });
        body["about"] = (0..count).map(to).collect();
        with("POST", "Communication", &body)
    };
    let told = sent(house, &who, "transaction", &[referring(201)]).await.is(400);
    assert_eq!(told.issues(), ["too-costly"]);
    assert_eq!(told.json()["issue"][0]["expression"][0], "Bundle.entry[0].resource.about[200].reference");
    let whole = [referring(200), read, entry("GET", "Communication?_id=a,b&_total=accurate")];
    assert_eq!(statuses(&sent(house, &who, "transaction", &whole).await.is(200)), ["201", "200", "200"]);
}

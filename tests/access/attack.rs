//! Writing about somebody else, conditions and parameters as oracles, versions that were not seen, other methods in a
//! header.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{engine, patient, refill, scoped};

on_both!(house:
    s11_nobody_writes_about_to_or_over_somebody_else,
    s13_a_condition_finds_nothing_of_anothers_and_needs_the_right_to_search,
    d9_no_parameter_sort_or_value_is_sql,
    d14_a_version_that_was_not_seen_is_not_overwritten,
    api3_what_the_service_sets_is_not_the_callers_to_change,
    api5_a_method_in_a_header_means_nothing,
);

fn draft(patient: &str) -> Value {
    let mut draft = refill(patient, "Not yet.");
    draft["status"] = json!("preparation");
    draft["identifier"] = json!([{ "system": "urn:portal", "value": format!("draft-of-{patient}") }]);
    draft
}

async fn s11_nobody_writes_about_to_or_over_somebody_else(house: &House) {
    let (one, two) = (patient("p-1001"), patient("p-2002"));
    let mine = house.create(&one, &draft("p-1001")).await.is(201);
    let theirs = house.create(&two, &draft("p-2002")).await.is(201);
    let path = format!("/fhir/Communication/{}", mine.id());
    let other = json!({ "reference": "Patient/p-2002" });
    for (place, value) in [("subject", other.clone()), ("sender", other.clone()), ("recipient", json!([other]))] {
        let mut moved = mine.json();
        moved[place] = value.clone();
        house.put(&one, &path, &moved).await.is(403);
        let moving = json!([{ "op": "add", "path": format!("/{place}"), "value": value }]).to_string();
        let ask = house.ask(Method::PATCH, &path).by(&one).header("content-type", "application/json-patch+json");
        ask.body(moving.into_bytes()).send().await.is(403);
        let mut new = refill("p-1001", "New.");
        new[place] = value;
        house.create(&one, &new).await.is(403);
    }
    // Over somebody else's, under their id: it is not there, as nothing is under an id that nothing has.
    let nowhere = "019ee000-0000-7000-8000-000000000000";
    for id in [theirs.id(), nowhere.to_owned()] {
        let mut over = mine.json();
        over["id"] = json!(id);
        let path = format!("/fhir/Communication/{id}");
        house.put(&one, &path, &over).await.is(404);
        house.ask(Method::DELETE, &path).by(&one).send().await.is(404);
    }
    assert_eq!(
        house.get(&two, &format!("/fhir/Communication/{}", theirs.id())).await.is(200).header("etag"),
        "W/\"1\""
    );
    // What a resource contains is nobody whom the service knows.
    let mut contained = refill("p-1001", "Contained.");
    contained["contained"] = json!([{ "resourceType": "Patient", "id": "p-2002" }]);
    contained["subject"] = json!({ "reference": "#p-2002" });
    house.create(&one, &contained).await.is(400);
    assert_eq!(house.get(&two, "/fhir/Communication?category=refill").await.is(200).ids(), [theirs.id()]);
}

async fn s13_a_condition_finds_nothing_of_anothers_and_needs_the_right_to_search(house: &House) {
    let (one, two) = (patient("p-1001"), patient("p-2002"));
    let narrow = scoped(&one, "patient/Communication.crud");
    let theirs = house.create(&two, &draft("p-2002")).await.is(201).id();
    let condition = "identifier=urn:portal|draft-of-p-2002";
    let address = format!("/fhir/Communication?{condition}");
    let absent = "/fhir/Communication?identifier=urn:portal|nobodys";
    let patch = json!([{ "op": "replace", "path": "/priority", "value": "urgent" }]).to_string();
    let outcome = async |method: Method, who, address: &str| {
        let ask = house.ask(method.clone(), address).by(who);
        let ask = match method {
            Method::DELETE => ask,
            _ => ask.header("content-type", "application/json-patch+json").body(patch.clone().into_bytes()),
        };
        let reply = ask.send().await;
        (reply.status, reply.text)
    };
    for method in [Method::PATCH, Method::DELETE] {
        let found = outcome(method.clone(), &one, &address).await;
        assert_eq!(found, outcome(method.clone(), &one, absent).await, "{method}: no telling whether it matches");
        assert_eq!(found.0, 404);
        assert_eq!(outcome(method, &narrow, &address).await.0, 403, "a condition is a search");
    }
    let conditional = async |who, body: &Value| {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(who).header("if-none-exist", condition);
        ask.fhir(&body.to_string()).send().await
    };
    conditional(&narrow, &refill("p-1001", "Mine.")).await.is(403);
    let made = conditional(&one, &refill("p-1001", "Mine.")).await.is(201).id();
    assert_ne!(made, theirs, "what another has is no reason not to send");
    let put = house.put(&one, &format!("{address}&status=preparation"), &refill("p-1001", "Mine too.")).await;
    assert!(matches!(put.status, 200 | 201) && put.id() != theirs, "{}", put.text);
    let seen = house.get(&two, &format!("/fhir/Communication/{theirs}")).await.is(200);
    assert_eq!(seen.header("etag"), "W/\"1\"");
}

async fn d9_no_parameter_sort_or_value_is_sql(house: &House) {
    let who = patient("p-1001");
    let id = house.create(&who, &refill("p-1001", "Five left.")).await.is(201).id();
    for words in [
        "'",
        "' OR '1'='1",
        "x'; DROP TABLE resource; --",
        "\") OR 1=1 --",
        "%",
        "_",
        "$.a[*]",
        "\\",
        "1) UNION SELECT 1",
    ] {
        let encoded = words.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
        for query in [
            format!("_sort={encoded}"),
            format!("{encoded}=x"),
            format!("category:{encoded}=x"),
            format!("_count={encoded}"),
        ] {
            let refused = house.get(&who, &format!("/fhir/Communication?{query}")).await.is(400);
            assert!(!refused.text.contains("DROP") && !refused.text.contains("UNION"), "{}", refused.text);
        }
        let ask = house.ask(Method::GET, &format!("/fhir/Communication?{encoded}=x&_total=accurate")).by(&who);
        let passed_over = ask.header("prefer", "handling=lenient").send().await.is(200);
        assert_eq!(passed_over.json()["total"], 2, "an unknown parameter is passed over when that is asked for");
        assert!(!passed_over.link("self").unwrap().contains(&encoded), "and not in the address of what was done");
        for name in ["identifier", "category", "_id", "patient", "thread", "sender"] {
            let reply = house.get(&who, &format!("/fhir/Communication?{name}={encoded}")).await;
            assert!(matches!(reply.status, 200 | 400), "{name}={words}: {}", reply.text);
            assert!(reply.status == 400 || reply.ids().is_empty(), "{name}={words} finds {}", reply.text);
        }
    }
    house.get(&who, "/fhir/Communication?identifier=%00").await.is(400);
    house.get(&who, &format!("/fhir/Communication/{id}")).await.is(200);
}

async fn d14_a_version_that_was_not_seen_is_not_overwritten(house: &House) {
    let who = patient("p-1001");
    let kept = house.create(&who, &draft("p-1001")).await.is(201);
    let path = format!("/fhir/Communication/{}", kept.id());
    let body = kept.json().to_string();
    let put = async |condition: &str| {
        house.ask(Method::PUT, &path).by(&who).header("if-match", condition).fhir(&body).send().await
    };
    for wrong in ["W/\"9\"", "\"0\"", "W/\"x\"", "x", "W/\"\"", "W/\"-1\""] {
        put(wrong).await.is(412);
    }
    assert_eq!(put("W/\"1\"").await.is(200).header("etag"), "W/\"2\"");
    put("W/\"1\"").await.is(412);
    assert_eq!(put("\"2\"").await.is(200).header("etag"), "W/\"3\"", "strong or weak is one");
    assert_eq!(put("*").await.is(200).header("etag"), "W/\"4\"", "whichever is current");
    let delete = house.ask(Method::DELETE, &path).by(&who).header("if-match", "W/\"3\"");
    delete.send().await.is(412);
    let late = house.ask(Method::PATCH, &path).by(&who).header("if-match", "W/\"3\"");
    late.header("content-type", "application/json-patch+json").body(b"[]".to_vec()).send().await.is(412);
    assert_eq!(house.get(&who, &path).await.is(200).header("etag"), "W/\"4\"");
}

async fn api5_a_method_in_a_header_means_nothing(house: &House) {
    let who = patient("p-1001");
    let path = format!("/fhir/Communication/{}", house.create(&who, &draft("p-1001")).await.is(201).id());
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        house.ask(Method::GET, &path).by(&who).header(name, "DELETE").send().await.is(200);
        house.ask(Method::POST, &path).by(&who).header(name, "DELETE").fhir("{}").send().await.is(405);
        let asked = house.ask(Method::GET, &format!("{path}?_method=DELETE")).by(&who).header(name, "PUT").send().await;
        assert!(matches!(asked.status, 200 | 400), "{}", asked.text);
        house.ask(Method::GET, "/api/v1/bundles").by(&engine()).header(name, "POST").send().await.is(200);
    }
    house.get(&who, &path).await.is(200);
}

async fn api3_what_the_service_sets_is_not_the_callers_to_change(house: &House) {
    let who = patient("p-1001");
    let mut claimed = refill("p-1001", "Five left.");
    claimed["id"] = json!("chosen-by-a-client");
    claimed["meta"] = json!({ "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z",
        "security": [{ "system": fhir::canonical::SECURITY_LABEL, "code": "internal" }] });
    claimed["sent"] = json!("2001-01-01T00:00:00Z");
    let sent = house.create(&who, &claimed).await.is(201);
    let body = sent.json();
    assert_ne!(sent.id(), "chosen-by-a-client");
    assert_eq!(body["meta"]["versionId"], "1");
    assert!(body["sent"] != claimed["sent"] && !sent.text.contains("\"internal\""), "{}", sent.text);
    let path = format!("/fhir/Communication/{}", sent.id());
    for (place, value) in [
        ("sent", json!("2020-01-01T00:00:00Z")),
        ("received", json!("2020-01-01T00:00:00Z")),
        ("status", json!("on-hold")),
        ("partOf", json!([{ "reference": "Communication/other" }])),
        ("extension", json!([{ "url": "urn:mine", "valueString": "x" }])),
        ("payload", json!([{ "contentString": "Something else." }])),
    ] {
        let mut changed = body.clone();
        changed[place] = value;
        house.put(&who, &path, &changed).await.is(422);
    }
    assert_eq!(house.get(&who, &path).await.is(200).json(), body);
}

//! Updates and patches of Tasks: what they may say is what an operation does.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{FAMILY, LEAD, REFILL, engine, nurse, patient, refill, staff};

on_both!(house:
    an_update_of_the_owner_claims_routes_and_gives_back,
    an_update_of_the_status_pauses_resumes_and_waives,
    an_update_that_is_no_operation_is_refused_by_its_element,
    a_patch_says_what_an_update_says,
    a_task_is_updated_by_those_alone_who_may_operate_on_it,
    a_parameter_that_an_operation_does_not_have_is_refused,
);

async fn task(house: &House) -> Value {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.task(&id).await
}

fn path(task: &Value) -> String {
    format!("/fhir/Task/{}", task["id"].as_str().unwrap())
}

async fn put(house: &House, who: &DevelopmentClaims, task: &Value) -> Reply {
    let version = format!("W/\"{}\"", task["meta"]["versionId"].as_str().unwrap());
    let ask = house.ask(Method::PUT, &path(task)).by(who).header("if-match", &version);
    ask.fhir(&task.to_string()).send().await
}

fn with(task: &Value, changes: &[(&str, Value)]) -> Value {
    let mut task = task.clone();
    for (name, value) in changes {
        task[*name] = value.clone();
    }
    task
}

fn owner(who: &str) -> (&'static str, Value) {
    ("owner", json!({ "reference": who }))
}

fn why(code: &str) -> (&'static str, Value) {
    ("statusReason", json!({ "coding": [{ "code": code }] }))
}

async fn an_update_of_the_owner_claims_routes_and_gives_back(house: &House) {
    let open = task(house).await;
    let unchanged = put(house, &nurse(), &open).await.is(200);
    assert_eq!(unchanged.json(), open, "nothing is asked for");
    let claimed = with(&open, &[owner("Practitioner/nurse-ortiz"), ("status", json!("accepted"))]);
    let mine = put(house, &nurse(), &claimed).await.is(200);
    assert_eq!((mine.header("etag"), &mine.json()["status"]), ("W/\"2\"", &json!("accepted")));
    assert_eq!(mine.json()["restriction"], open["restriction"]);
    assert_eq!(put(house, &nurse(), &claimed).await.is(412).issues(), ["conflict"]);
    let mine = mine.json();
    let other = staff("Practitioner/ann", &["refill"]);
    let taken = put(house, &other, &with(&mine, &[owner("Practitioner/ann")])).await.is(422);
    assert!(taken.text.contains("claimed-by-other"), "{}", taken.text);
    let free = put(house, &nurse(), &with(&mine, &[owner(REFILL)])).await.is(200).json();
    assert_eq!((&free["owner"]["reference"], &free["status"]), (&json!(REFILL), &json!("requested")));
    let asked = put(house, &nurse(), &with(&free, &[owner(LEAD)])).await.is(422);
    assert_eq!(asked.json()["issue"][0]["expression"][0], "Task.statusReason", "a hand-over has a reason");
    let asked = put(house, &nurse(), &with(&free, &[owner(LEAD), why("needs-expertise")])).await.is(200).json();
    assert_eq!((&asked["owner"]["reference"], &asked["status"]), (&json!(LEAD), &json!("requested")));
    let moved = put(house, &nurse(), &with(&asked, &[owner(FAMILY), why("wrong-pool")])).await.is(200).json();
    assert_eq!(moved["owner"]["reference"], FAMILY);
    assert_eq!(moved["restriction"], open["restriction"], "what the patient waits for is due as before");
    // The one that changed nothing is recorded as the look at the Task that it was.
    let recorded = |action| {
        let which = format!("interaction = 'update' AND focus_kind = 'Task' AND outcome = '0' AND action = '{action}'");
        house.place.count("audit", &which)
    };
    assert_eq!((recorded("U"), recorded("R")), (4, 1));
}

async fn an_update_of_the_status_pauses_resumes_and_waives(house: &House) {
    let open = task(house).await;
    let unsaid = put(house, &nurse(), &with(&open, &[("status", json!("on-hold"))])).await.is(422);
    assert_eq!(unsaid.json()["issue"][0]["expression"][0], "Task.statusReason");
    assert!(unsaid.text.contains("waiting-on-patient"), "{}", unsaid.text);
    let rests = with(&open, &[("status", json!("on-hold")), why("waiting-on-patient")]);
    let rests = put(house, &nurse(), &rests).await.is(200).json();
    assert_eq!(
        (&rests["status"], &rests["businessStatus"]["coding"][0]["code"]),
        (&json!("on-hold"), &json!("paused"))
    );
    let goes_on = put(house, &nurse(), &with(&rests, &[("status", json!("in-progress"))])).await.is(200).json();
    assert_eq!(goes_on["status"], "requested");
    let unfit = with(&goes_on, &[("status", json!("cancelled")), why("thanks-only")]);
    assert!(put(house, &nurse(), &unfit).await.is(422).text.contains("reason-unfit"));
    let waived = with(&goes_on, &[("status", json!("cancelled")), why("answered-by-phone")]);
    let waived = put(house, &nurse(), &waived).await.is(200).json();
    assert_eq!(
        (&waived["status"], &waived["businessStatus"]["coding"][0]["code"]),
        (&json!("completed"), &json!("waived"))
    );
    let over = put(house, &nurse(), &with(&waived, &[owner("Practitioner/nurse-ortiz")])).await.is(422);
    assert!(over.text.contains("obligation-over"), "{}", over.text);
    assert_eq!(house.place.count("obligation_override", "kind = 'waive'"), 1, "it is an override like any other");
}

async fn an_update_that_is_no_operation_is_refused_by_its_element(house: &House) {
    let open = task(house).await;
    for (name, value) in [
        ("restriction", json!({ "period": { "end": "2030-01-01T00:00:00Z" } })),
        ("priority", json!("stat")),
        ("for", json!({ "reference": "Patient/p-2002" })),
        ("focus", json!({ "reference": "Communication/other" })),
        ("businessStatus", json!({ "text": "met" })),
        ("description", json!("mine")),
        ("status", json!("completed")),
        ("status", json!("rejected")),
        ("status", json!("in-progress")),
        ("statusReason", json!({ "text": "because" })),
        ("owner", json!({ "reference": "Patient/p-1001" })),
        ("owner", json!({ "display": "me" })),
        ("lastModified", json!("2030-01-01T00:00:00Z")),
    ] {
        let refused = put(house, &nurse(), &with(&open, &[(name, value)])).await.is(422);
        assert_eq!(refused.json()["issue"][0]["expression"][0], format!("Task.{name}"), "{}", refused.text);
        assert_eq!(refused.json()["issue"][0]["details"]["coding"][0]["code"], "not-by-update");
        assert!(refused.text.contains('$'), "an operation is named: {}", refused.text);
    }
    let both =
        with(&open, &[owner("Practitioner/nurse-ortiz"), ("status", json!("on-hold")), why("waiting-on-patient")]);
    assert_eq!(put(house, &nurse(), &both).await.is(422).json()["issue"][0]["expression"][0], "Task.status");
    let tagged = with(&open, &[("meta", json!({ "versionId": "1", "tag": [{ "code": "x" }] }))]);
    assert_eq!(put(house, &nurse(), &tagged).await.is(422).json()["issue"][0]["expression"][0], "Task.meta.tag");
    put(house, &nurse(), &with(&open, &[("colour", json!("blue"))])).await.is(400);
    assert_eq!(house.get(&nurse(), &path(&open)).await.is(200).json(), open);
}

async fn a_patch_says_what_an_update_says(house: &House) {
    let open = task(house).await;
    let patch = async |kind: &str, body: &Value| {
        let ask = house.ask(Method::PATCH, &path(&open)).by(&nurse()).header("content-type", kind);
        ask.body(body.to_string().into_bytes()).send().await
    };
    let json = "application/json-patch+json";
    let mine = json!([{ "op": "replace", "path": "/owner/reference", "value": "Practitioner/nurse-ortiz" }]);
    assert_eq!(patch(json, &mine).await.is(200).json()["status"], "accepted");
    let part = |name: &str, kind: &str, value: &str| json!({ "name": name, kind: value });
    let paths = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "operation", "part": [
            part("type", "valueCode", "replace"), part("path", "valueString", "Task.status"), part("value", "valueCode", "on-hold") ] },
        { "name": "operation", "part": [
            part("type", "valueCode", "add"), part("path", "valueString", "Task"), part("name", "valueString", "statusReason"),
            { "name": "value", "valueCodeableConcept": { "coding": [{ "code": "waiting-on-third-party" }] } } ] },
    ] });
    assert_eq!(patch("application/fhir+json", &paths).await.is(200).json()["status"], "on-hold");
    let due = json!([{ "op": "replace", "path": "/restriction/period/end", "value": "2030-01-01T00:00:00Z" }]);
    assert_eq!(patch(json, &due).await.is(422).json()["issue"][0]["expression"][0], "Task.restriction");
}

async fn a_task_is_updated_by_those_alone_who_may_operate_on_it(house: &House) {
    let open = task(house).await;
    let claimed = with(&open, &[owner("Practitioner/far")]);
    put(house, &staff("Practitioner/far", &["family"]), &claimed).await.is(404);
    put(house, &engine(), &with(&open, &[owner(LEAD), why("workload")])).await.is(403);
    let theirs = crate::people::scoped(&patient("p-1001"), "patient/*.cruds");
    put(house, &theirs, &with(&open, &[("status", json!("cancelled")), why("answered-by-phone")])).await.is(403);
    let probe =
        house.ask(Method::PATCH, &path(&open)).by(&theirs).header("content-type", "application/json-patch+json");
    let test = json!([{ "op": "test", "path": "/priority", "value": "stat" }]);
    probe.body(test.to_string().into_bytes()).send().await.is(403);
    assert_eq!(house.get(&nurse(), &path(&open)).await.is(200).json(), open);
}

async fn a_parameter_that_an_operation_does_not_have_is_refused(house: &House) {
    let open = task(house).await;
    let thread = open["focus"]["reference"].as_str().unwrap().to_owned();
    let other =
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "colour", "valueString": "blue" }] }).to_string();
    let claim = format!("{}/$claim", path(&open));
    let message = format!("/fhir/{thread}");
    let plain = [
        claim.clone(),
        format!("{}/$release", path(&open)),
        format!("{message}/$mark-read"),
        format!("{message}/$mark-unread"),
    ];
    for address in plain.iter().chain(&[format!("{message}/$thread"), "/fhir/Communication/$inbox".to_owned()]) {
        let by_query = house.ask(Method::POST, &format!("{address}?colour=blue")).by(&nurse()).send().await;
        assert_eq!(by_query.is(400).issues(), ["not-supported"], "{address}");
        assert_eq!(house.post(&nurse(), address, &other).await.is(400).issues(), ["not-supported"], "{address}");
        let lenient = house.ask(Method::POST, address).by(&nurse()).header("prefer", "handling=lenient").fhir(&other);
        lenient.send().await.is(200);
    }
    for address in &plain {
        let resource = house.post(&nurse(), address, &open.to_string()).await.is(400);
        assert_eq!(resource.issues(), ["structure"], "{address}");
    }
    let preflight = "/fhir/Communication/$preflight?colour=blue";
    let body = refill("p-1001", "Five left.").to_string();
    assert_eq!(house.post(&patient("p-1001"), preflight, &body).await.is(400).issues(), ["not-supported"]);
}

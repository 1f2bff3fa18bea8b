//! Drafts: changed, sent and deleted by their author alone.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Ask, Client};
use crate::house::House;
use crate::people::{engine, patient, refill, scoped};

on_both!(house:
    a_draft_is_changed_and_sent_by_its_author_and_then_stays,
    a_draft_is_deleted_and_leaves_its_history_to_its_author,
    a_patch_changes_what_it_names_and_not_a_byte_more,
    a_draft_that_is_sent_twice_at_once_is_sent_once,
    what_was_to_be_made_new_is_not_put_over_what_is_there,
);

fn author() -> api::auth::DevelopmentClaims {
    scoped(&patient("p-1001"), "patient/*.cruds")
}

fn draft(text: &str) -> Value {
    let mut body = refill("p-1001", text);
    body["status"] = json!("preparation");
    body
}

fn put<'c>(client: &'c Client, id: &str, body: &Value, version: &str) -> Ask<'c> {
    let ask = client.ask(Method::PUT, &format!("/fhir/Communication/{id}")).by(&author());
    ask.header("if-match", version).fhir(&body.to_string())
}

fn patched<'c>(client: &'c Client, id: &str, patch: &Value) -> Ask<'c> {
    let ask = client.ask(Method::PATCH, &format!("/fhir/Communication/{id}")).by(&author());
    ask.header("content-type", "application/json-patch+json").body(patch.to_string().into_bytes())
}

async fn a_draft_is_changed_and_sent_by_its_author_and_then_stays(house: &House) {
    let mut body = house.create(&author(), &draft("Perhaps.")).await.is(201).json();
    let id = body["id"].as_str().unwrap().to_owned();
    body["payload"][0]["contentString"] = json!("Five left.");
    let second = put(house, &id, &body, "W/\"1\"").send().await.is(200);
    assert_eq!((second.header("etag"), &second.json()["status"]), ("W/\"2\"", &json!("preparation")));
    assert_eq!(put(house, &id, &body, "W/\"1\"").send().await.is(412).issues(), ["conflict"]);
    for other in [patient("p-2002"), crate::people::nurse()] {
        let other = scoped(&other, "patient/*.cruds user/*.cruds");
        house.put(&other, &format!("/fhir/Communication/{id}"), &body).await.is(404);
        house.ask(Method::DELETE, &format!("/fhir/Communication/{id}")).by(&other).send().await.is(404);
    }
    let mut foreign = body.clone();
    foreign["id"] = json!("another");
    put(house, &id, &foreign, "*").send().await.is(400);
    foreign["id"] = json!(id);
    foreign["subject"]["reference"] = json!("Patient/p-2002");
    put(house, &id, &foreign, "*").send().await.is(403);
    assert_eq!(house.place.count("resource", "kind = 'Task'"), 0, "nothing is owed for a draft");

    house.pass(600);
    body["status"] = json!("in-progress");
    let sent = put(house, &id, &body, "W/\"2\"").send().await.is(200);
    let message = sent.json();
    assert_eq!((&message["status"], sent.header("etag")), (&json!("completed"), "W/\"3\""));
    assert_eq!(message["sent"], "2026-06-19T14:10:00.000Z");
    assert_eq!(message["payload"][0]["contentString"], "Five left.");
    assert_eq!(house.task(&id).await["status"], "requested");
    let seen = house.get(&crate::people::nurse(), &format!("/fhir/Communication/{id}")).await.is(200);
    assert_eq!(seen.json(), message);
    house.get(&crate::people::nurse(), &format!("/fhir/Communication/{id}/_history/1")).await.is(404);

    // From now on it stays, also what the service has set in it.
    put(house, &id, &message, "W/\"3\"").send().await.is(200);
    for (name, value) in [
        ("sent", json!("2026-06-20T00:00:00Z")),
        ("received", json!("2026-06-20T00:00:00Z")),
        ("status", json!("in-progress")),
        ("instantiatesUri", json!(["urn:mine"])),
        ("payload", json!([{ "contentString": "Something else." }])),
    ] {
        let mut moved = message.clone();
        moved[name] = value;
        let refused = put(house, &id, &moved, "*").send().await.is(422);
        assert_eq!(refused.issues(), ["business-rule"]);
        assert_eq!(refused.json()["issue"][0]["expression"][0], format!("Communication.{name}"));
    }
    for (name, value) in
        [("tag", json!([{ "code": "x" }])), ("profile", json!(["urn:p"])), ("security", json!([{ "code": "R" }]))]
    {
        for status in ["completed", "entered-in-error"] {
            let mut labelled = message.clone();
            labelled["meta"][name] = value.clone();
            labelled["status"] = json!(status);
            let refused = put(house, &id, &labelled, "*").send().await.is(422);
            assert_eq!(refused.json()["issue"][0]["expression"][0], format!("Communication.meta.{name}"));
        }
    }
    let mut bare = message.clone();
    bare.as_object_mut().unwrap().remove("meta");
    assert_eq!(
        put(house, &id, &bare, "*").send().await.is(200).header("etag"),
        "W/\"3\"",
        "who sends none asks for nothing"
    );
    let refused = house.ask(Method::DELETE, &format!("/fhir/Communication/{id}")).by(&author()).send().await.is(422);
    assert_eq!(refused.json()["issue"][0]["details"]["coding"][0]["code"], "message-sent");
    assert_eq!(house.get(&engine(), &format!("/fhir/Communication/{id}")).await.header("etag"), "W/\"3\"");
}

async fn a_draft_is_deleted_and_leaves_its_history_to_its_author(house: &House) {
    let id = house.create(&author(), &draft("Perhaps.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    let delete =
        async |version: &str| house.ask(Method::DELETE, &path).by(&author()).header("if-match", version).send().await;
    delete("W/\"2\"").await.is(412);
    let reader = scoped(&author(), "patient/*.crus");
    assert_eq!(house.ask(Method::DELETE, &path).by(&reader).send().await.is(403).issues(), ["forbidden"]);
    assert!(delete("W/\"1\"").await.is(204).text.is_empty());
    assert_eq!(house.get(&author(), &path).await.is(410).issues(), ["deleted"]);
    for again in ["W/\"1\"", "*"] {
        assert!(delete(again).await.is(204).text.is_empty(), "it is deleted already");
    }
    assert_eq!(house.place.count("resource_history", &format!("id = '{id}'")), 1, "and by that no more");
    put(house, &id, &draft("Again."), "*").send().await.is(410);
    assert!(house.get(&author(), "/fhir/Communication?status=preparation").await.is(200).ids().is_empty());
    let told = house.get(&author(), &format!("{path}/_history")).await.is(200).came_about();
    assert_eq!(told, ["DELETE 204", "POST 201"]);
    house.get(&patient("p-2002"), &format!("{path}/_history")).await.is(404);
    house.get(&patient("p-2002"), &path).await.is(404);
}

async fn a_patch_changes_what_it_names_and_not_a_byte_more(house: &House) {
    let mut body = draft("Perhaps.");
    body["extension"] = json!([{ "url": "urn:dose", "valueDecimal": 0 }]);
    let text = body.to_string().replace("\"valueDecimal\":0", "\"valueDecimal\":5.10");
    let made = house.post(&author(), "/fhir/Communication", &text).await.is(201);
    let id = made.id();
    let patch = json!([
        { "op": "test", "path": "/status", "value": "preparation" },
        { "op": "replace", "path": "/payload/0/contentString", "value": "Five left." },
    ]);
    let second = patched(house, &id, &patch).send().await.is(200);
    let expected = made.text.replace("Perhaps.", "Five left.").replace("\"versionId\":\"1\"", "\"versionId\":\"2\"");
    assert_eq!(second.text, expected);
    // Generated clients call a patch what they call everything.
    let plain = house.ask(Method::PATCH, &format!("/fhir/Communication/{id}")).by(&author());
    let add = json!([{ "op": "add", "path": "/payload/-", "value": { "contentString": "Soon." } }]);
    plain.header("content-type", "application/json").body(add.to_string().into_bytes()).send().await.is(200);
    for (patch, status) in [
        (json!([{ "op": "test", "path": "/status", "value": "completed" }]), 422),
        (json!([{ "op": "remove", "path": "/nothing" }]), 422),
        (json!([{ "op": "remove", "path": "/status" }]), 400),
        (json!([{ "op": "add", "path": "/colour", "value": "blue" }]), 400),
        (json!([{ "op": "replace", "path": "/id", "value": "another" }]), 400),
        (json!([{ "op": "replace", "path": "/subject/reference", "value": "Patient/p-2002" }]), 403),
        (json!([{ "op": "colour" }]), 400),
        (json!({}), 400),
    ] {
        assert_eq!(patched(house, &id, &patch).send().await.status, status, "{patch}");
    }
    let wrong = house.ask(Method::PATCH, &format!("/fhir/Communication/{id}")).by(&author());
    let wrong = wrong.header("content-type", "application/xml-patch+xml").body(b"<diff/>".to_vec());
    assert_eq!(wrong.send().await.is(415).issues(), ["not-supported"]);
    let sent =
        patched(house, &id, &json!([{ "op": "replace", "path": "/status", "value": "in-progress" }])).send().await;
    assert_eq!(sent.is(200).json()["status"], "completed");
    assert_eq!(house.task(&id).await["status"], "requested");
}

async fn a_draft_that_is_sent_twice_at_once_is_sent_once(house: &House) {
    let mut body = house.create(&author(), &draft("Five left.")).await.is(201).json();
    let id = body["id"].as_str().unwrap().to_owned();
    body["status"] = json!("in-progress");
    let replies = join_all((0..6).map(|_| put(house, &id, &body, "W/\"1\"").send())).await;
    let sent = replies.iter().filter(|reply| reply.status == 200).count();
    let lost = replies.iter().filter(|reply| reply.status == 412).count();
    assert_eq!((sent, lost), (1, 5), "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    assert_eq!(house.place.count("resource", "kind = 'Task'"), 1);
    assert_eq!(house.place.count("thread", "1 = 1"), 1);
}

async fn what_was_to_be_made_new_is_not_put_over_what_is_there(house: &House) {
    let body = house.create(&author(), &draft("Perhaps.")).await.is(201).json();
    let path = format!("/fhir/Communication/{}", body["id"].as_str().unwrap());
    let put = house.ask(Method::PUT, &path).by(&author()).header("if-none-match", "*");
    assert_eq!(put.fhir(&body.to_string()).send().await.is(412).issues(), ["conflict"]);
    let service = json!({ "resourceType": "HealthcareService", "id": "lab", "name": "Lab" });
    let entry = json!({ "resource": service, "request": { "method": "PUT", "url": "HealthcareService/lab", "ifNoneMatch": "*" } });
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [entry] }).to_string();
    house.post(&engine(), "/fhir", &bundle).await.is(200);
    house.post(&engine(), "/fhir", &bundle).await.is(412);
    let lab = "/fhir/HealthcareService/lab";
    for _ in 0..2 {
        house.ask(Method::DELETE, lab).by(&engine()).send().await.is(204);
    }
    let again = house.ask(Method::PUT, lab).by(&engine()).header("if-none-match", "*");
    again.fhir(&service.to_string()).send().await.is(201);
}

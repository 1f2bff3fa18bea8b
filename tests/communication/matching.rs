//! Messages named by a search in place of an id, and patched by paths.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{by_paths, operation};
use crate::house::House;
use crate::people::{engine, patient, refill, scoped};

on_both!(house:
    a_message_is_put_by_its_identifier_once_however_often_it_is_put,
    eight_puts_of_one_identifier_make_one_message,
    a_draft_is_patched_and_deleted_by_its_identifier,
    what_others_have_does_not_match,
    a_condition_is_free_again_once_what_it_made_is_deleted,
    a_draft_is_patched_by_paths_and_sent_by_them,
);

const ADDRESS: &str = "/fhir/Communication?identifier=urn:portal%7C1";

fn numbered(patient: &str, text: &str) -> Value {
    let mut body = refill(patient, text);
    body["identifier"] = json!([{ "system": "urn:portal", "value": "1" }]);
    body
}

fn draft(patient: &str, text: &str) -> Value {
    let mut body = numbered(patient, text);
    body["status"] = json!("preparation");
    body
}

fn author() -> api::auth::DevelopmentClaims {
    scoped(&patient("p-1001"), "patient/*.cruds")
}

async fn a_message_is_put_by_its_identifier_once_however_often_it_is_put(house: &House) {
    let mut named = numbered("p-1001", "Five left.");
    named["id"] = json!("mine");
    assert_eq!(
        house.put(&author(), ADDRESS, &named).await.is(400).json()["issue"][0]["expression"][0],
        "Communication.id"
    );
    let body = numbered("p-1001", "Five left.");
    let made = house.put(&author(), ADDRESS, &body).await.is(201);
    assert_eq!((made.json()["status"].as_str(), made.header("etag")), (Some("completed"), "W/\"1\""));
    assert!(made.header("location").ends_with(&format!("/Communication/{}/_history/1", made.id())));
    let again = house.put(&author(), ADDRESS, &body).await.is(200);
    assert_eq!((again.id(), again.header("etag")), (made.id(), "W/\"1\""));
    let other = house.put(&author(), ADDRESS, &numbered("p-1001", "Six left.")).await.is(422);
    assert_eq!(other.json()["issue"][0]["details"]["coding"][0]["code"], "message-sent");
    assert_eq!(house.place.count("resource", "kind = 'Task'"), 1);
    // Two that match are two too many.
    house.create(&author(), &numbered("p-1001", "A second.")).await.is(201);
    for method in [Method::PUT, Method::DELETE] {
        let ask = house.ask(method, ADDRESS).by(&author()).fhir(&body.to_string());
        assert_eq!(ask.send().await.is(412).issues(), ["multiple-matches"]);
    }
    let stale = house.ask(Method::PUT, "/fhir/Communication?identifier=urn:portal%7C2").by(&author());
    stale.header("if-match", "W/\"1\"").fhir(&body.to_string()).send().await.is(412);
    // Without a condition, or under one that is not known, nothing is meant.
    house.put(&author(), "/fhir/Communication", &body).await.is(400);
    house.put(&author(), "/fhir/Communication?colour=blue", &body).await.is(400);
    // A condition is a search, and what it does not find is created: each needs its right.
    for scope in ["patient/Communication.cru", "patient/Communication.crs", "patient/Communication.us"] {
        let fresh = "/fhir/Communication?identifier=urn:portal%7C3";
        house.put(&scoped(&author(), scope), fresh, &body).await.is(403);
    }
}

async fn a_condition_is_free_again_once_what_it_made_is_deleted(house: &House) {
    let create = async |text: &str| {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(&author());
        let ask = ask.header("if-none-exist", "identifier=urn:portal|1");
        ask.fhir(&draft("p-1001", text).to_string()).send().await
    };
    let delete = async |path: &str| house.ask(Method::DELETE, path).by(&engine()).send().await.is(204);
    let first = create("One.").await.is(201).id();
    assert_eq!(create("One.").await.is(200).id(), first);
    for number in 0..2 {
        delete(&format!("/fhir/Communication/{}", create("One.").await.is(200).id())).await;
        let again =
            if number == 0 { create("Two.").await } else { house.put(&author(), ADDRESS, &draft("p-1001", "3")).await };
        assert_ne!(again.is(201).id(), first);
    }
    let service = json!({ "resourceType": "HealthcareService", "name": "Lab",
        "identifier": [{ "system": "urn:s", "value": "lab" }] });
    let address = "/fhir/HealthcareService?identifier=urn:s%7Clab";
    for _ in 0..3 {
        let made = house.put(&engine(), address, &service).await.is(201).id();
        delete(&format!("/fhir/HealthcareService/{made}")).await;
        let ask = house.ask(Method::POST, "/fhir/HealthcareService").by(&engine());
        let ask = ask.header("if-none-exist", "identifier=urn:s|lab").fhir(&service.to_string());
        delete(&format!("/fhir/HealthcareService/{}", ask.send().await.is(201).id())).await;
    }
}

async fn eight_puts_of_one_identifier_make_one_message(house: &House) {
    let body = numbered("p-1001", "Five left.");
    let engine = engine();
    let replies = join_all((0..8).map(|_| house.put(&engine, ADDRESS, &body))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
    assert!(replies.iter().all(|reply| reply.id() == replies[0].id()));
    assert_eq!(house.place.count("thread", "1 = 1"), 1);
}

async fn a_draft_is_patched_and_deleted_by_its_identifier(house: &House) {
    let made = house.put(&author(), ADDRESS, &draft("p-1001", "Perhaps.")).await.is(201);
    let second = house.put(&author(), ADDRESS, &draft("p-1001", "Five left.")).await.is(200);
    assert_eq!((second.id(), second.header("etag")), (made.id(), "W/\"2\""));
    let patch = json!([{ "op": "replace", "path": "/payload/0/contentString", "value": "Four left." }]);
    assert_eq!(house.patch(&author(), ADDRESS, &patch).await.is(200).header("etag"), "W/\"3\"");
    house.patch(&author(), "/fhir/Communication?identifier=urn:portal%7C2", &patch).await.is(404);
    house.patch(&author(), "/fhir/Communication", &patch).await.is(400);
    let delete = |who: api::auth::DevelopmentClaims| house.ask(Method::DELETE, ADDRESS).by(&who).send();
    delete(scoped(&author(), "patient/Communication.crud")).await.is(403);
    delete(scoped(&author(), "patient/Communication.crus")).await.is(403);
    delete(author()).await.is(204);
    delete(author()).await.is(404);
    house.get(&author(), &format!("/fhir/Communication/{}", made.id())).await.is(410);
    // What was sent is not deleted by a condition either.
    house.create(&author(), &numbered("p-1001", "Five left.")).await.is(201);
    delete(author()).await.is(422);
}

async fn what_others_have_does_not_match(house: &House) {
    let theirs = scoped(&patient("p-2002"), "patient/*.cruds");
    let kept = house.create(&theirs, &draft("p-2002", "Mine.")).await.is(201);
    let patch = json!([{ "op": "replace", "path": "/status", "value": "in-progress" }]);
    let absent = "/fhir/Communication?identifier=urn:portal%7C9";
    // The same answer whether somebody else has such a message or nobody has.
    for address in [ADDRESS, absent] {
        let told = house.patch(&author(), address, &patch).await.is(404);
        assert_eq!(told.issues(), ["not-found"]);
        house.ask(Method::DELETE, address).by(&author()).send().await.is(404);
    }
    let about = "/fhir/Communication?identifier=urn:portal%7C1&patient=Patient/p-2002";
    house.patch(&author(), about, &patch).await.is(404);
    // Somebody else's identifier does not stand in the way of one's own.
    let own = house.put(&author(), ADDRESS, &numbered("p-1001", "Five left.")).await.is(201);
    assert_ne!(own.id(), kept.id());
    let still = house.get(&theirs, &format!("/fhir/Communication/{}", kept.id())).await.is(200);
    assert_eq!(still.header("etag"), "W/\"1\"");
}

async fn a_draft_is_patched_by_paths_and_sent_by_them(house: &House) {
    let made = house.create(&author(), &draft("p-1001", "Perhaps.")).await.is(201);
    let address = format!("/fhir/Communication/{}", made.id());
    let replace =
        |path: &str, name: &str, value: &str| operation("replace", path, &json!([{ "name": "value", name: value }]));
    let content = "Communication.payload[0].content";
    let both = by_paths(&json!([
        replace(content, "valueString", "Five left."),
        operation(
            "add",
            "Communication",
            &json!([
                { "name": "name", "valueString": "payload" },
                { "name": "value", "part": [{ "name": "content", "valueString": "By Friday." }] },
            ])
        ),
    ]));
    let changed = house.patch(&author(), &address, &both).await.is(200);
    assert_eq!(
        changed.json()["payload"],
        json!([{ "contentString": "Five left." }, { "contentString": "By Friday." }])
    );
    for (operations, status, expression) in [
        (json!([replace("Communication.colour", "valueString", "x")]), 400, "Parameters.parameter[0]"),
        (json!([replace("Communication.payload.skip(1)", "valueString", "x")]), 400, "Parameters.parameter[0]"),
        (json!([replace("Communication.note.text", "valueString", "x")]), 422, "Parameters.parameter[0]"),
        (
            json!([replace(content, "valueString", "x"), operation("delete", "Communication.payload", &json!([]))]),
            422,
            "Parameters.parameter[1]",
        ),
        (json!([operation("delete", "Communication.status", &json!([]))]), 400, "Communication.status"),
        (json!([replace("Communication.status", "valueCode", "colour")]), 400, "Communication.status"),
        (
            json!([replace("Communication.subject.reference", "valueString", "Patient/p-2002")]),
            403,
            "Communication.subject",
        ),
    ] {
        let refused = house.patch(&author(), &address, &by_paths(&operations)).await.is(status);
        assert_eq!(refused.json()["issue"][0]["expression"][0], expression, "{operations}");
    }
    assert_eq!(house.get(&author(), &address).await.header("etag"), "W/\"2\"", "nothing of it was made");
    let send = by_paths(&json!([replace("Communication.status", "valueCode", "in-progress")]));
    assert_eq!(house.patch(&author(), &address, &send).await.is(200).json()["status"], "completed");
    assert_eq!(house.task(&made.id()).await["status"], "requested");
}

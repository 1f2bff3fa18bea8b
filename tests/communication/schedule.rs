//! Messages that are to be sent at an instant: their author's alone until then, and sent once.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::{House, work};
use crate::people::{engine, nurse, patient, proxy, refill, reply, scoped, staff};

on_both!(house:
    a_scheduled_answer_is_its_authors_alone_and_is_sent_once_at_its_instant,
    a_scheduled_message_is_moved_sent_and_cancelled_by_its_author,
    an_instant_is_ahead_and_said_where_it_belongs,
    words_of_danger_are_not_kept_for_later,
    what_was_accepted_is_sent_whatever_the_policy_says_by_then,
);

const MONDAY: &str = "2026-06-22T08:00:00-04:00";

fn at(mut message: Value, release_at: &str) -> Value {
    message["status"] = json!("on-hold");
    message["extension"] = json!([{ "url": fhir::canonical::RELEASE_AT, "valueInstant": release_at }]);
    message
}

async fn put(house: &House, id: &str, body: &Value) -> Reply {
    let ask =
        house.ask(Method::PUT, &format!("/fhir/Communication/{id}")).by(&scoped(&patient("p-1001"), "patient/*.cruds"));
    ask.fhir(&body.to_string()).send().await
}

async fn a_scheduled_answer_is_its_authors_alone_and_is_sent_once_at_its_instant(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let waits = house.create(&nurse(), &at(reply("p-1001", &root, "It is ready."), MONDAY)).await.is(201);
    let id = waits.id();
    let path = format!("/fhir/Communication/{id}");
    let shown = waits.json();
    assert_eq!(
        (&shown["status"], &shown["statusReason"]["coding"][0]["code"]),
        (&json!("on-hold"), &json!("scheduled"))
    );
    assert!(shown.get("sent").is_none() && shown.get("received").is_none());
    let nobody = [patient("p-1001"), proxy("rp-1", "p-1001"), staff("Practitioner/ann", &["refill"])];
    for who in &nobody {
        house.get(who, &path).await.is(404);
        let all = house.get(who, "/fhir/Communication/_history").await.is(200);
        assert!(!all.text.contains("It is ready."), "{}", all.text);
        for probe in [format!("_id={id}"), "status=on-hold".to_owned(), format!("in-response-to={root}")] {
            assert!(
                house
                    .get(who, &format!("/fhir/Communication?{probe}"))
                    .await
                    .is(200)
                    .ids()
                    .iter()
                    .all(|one| *one != id)
            );
        }
    }
    assert_eq!(house.task(&root).await["status"], "requested", "nobody has answered yet");
    house.at(22, "07:59:59");
    assert_eq!(house.work().await.sent, 0);

    house.at(22, "08:00:00");
    let replica = house.another().await;
    let report = work(&[house.service().worker(), replica.service.worker(), house.service().worker()]).await;
    assert_eq!(report.sent, 1);
    let sent = house.get(&patient("p-1001"), &path).await.is(200);
    assert_eq!(sent.header("etag"), "W/\"2\"");
    let message = sent.json();
    assert_eq!((&message["status"], &message["sent"]), (&json!("completed"), &json!("2026-06-22T12:00:00.000Z")));
    assert!(message.get("statusReason").is_none() && !sent.text.contains("release-at"), "{}", sent.text);
    assert_eq!(message["partOf"][0]["reference"], format!("Communication/{root}"));
    house.get(&patient("p-1001"), &format!("{path}/_history/1")).await.is(404);
    let task = house.task(&root).await;
    assert_eq!(task["businessStatus"]["coding"][0]["code"], "met");
    assert_eq!(task["executionPeriod"]["end"], "2026-06-22T12:00:00Z");
    assert_eq!(house.place.count("audit", "interaction = 'release-scheduled'"), 1);
    assert_eq!(house.work().await.sent, 0);
    replica.stop().await;
}

async fn a_scheduled_message_is_moved_sent_and_cancelled_by_its_author(house: &House) {
    let waits = house.create(&patient("p-1001"), &at(refill("p-1001", "One."), MONDAY)).await.is(201);
    let (id, mut body) = (waits.id(), waits.json());
    for other in [nurse(), patient("p-2002")] {
        house.put(&other, &format!("/fhir/Communication/{id}"), &body).await.is(404);
    }
    // It becomes no draft again, and is not deleted.
    body["status"] = json!("preparation");
    assert_eq!(put(house, &id, &body).await.is(422).json()["issue"][0]["expression"][0], "Communication.status");
    house.ask(Method::DELETE, &format!("/fhir/Communication/{id}")).by(&patient("p-1001")).send().await.is(422);
    // To another instant, with other words.
    body["status"] = json!("on-hold");
    body["extension"][0]["valueInstant"] = json!("2026-06-23T08:00:00-04:00");
    body["payload"][0]["contentString"] = json!("Two.");
    body = put(house, &id, &body).await.is(200).json();
    house.at(22, "09:00:00");
    assert_eq!(house.work().await.sent, 0, "it was moved");
    // Now, after all.
    body["status"] = json!("in-progress");
    put(house, &id, &body).await.is(400);
    body.as_object_mut().unwrap().remove("extension");
    let sent = put(house, &id, &body).await.is(200).json();
    assert_eq!((&sent["status"], &sent["payload"][0]["contentString"]), (&json!("completed"), &json!("Two.")));
    assert_eq!(house.task(&id).await["status"], "requested");

    let cancelled =
        house.create(&patient("p-1001"), &at(refill("p-1001", "Three."), "2026-06-23T08:00:00-04:00")).await.is(201);
    let (other, mut body) = (cancelled.id(), cancelled.json());
    body["status"] = json!("stopped");
    body["payload"][0]["contentString"] = json!("Four.");
    assert_eq!(put(house, &other, &body).await.is(422).json()["issue"][0]["expression"][0], "Communication.payload");
    let patch = json!([{ "op": "replace", "path": "/status", "value": "stopped" }]);
    let ask = house.ask(Method::PATCH, &format!("/fhir/Communication/{other}")).by(&patient("p-1001"));
    let ask = ask.header("content-type", "application/json-patch+json").body(patch.to_string().into_bytes());
    let stopped = ask.send().await.is(200).json();
    assert_eq!((&stopped["status"], &stopped["payload"][0]["contentString"]), (&json!("stopped"), &json!("Three.")));
    let retracted =
        house.create(&patient("p-1001"), &at(refill("p-1001", "Five."), "2026-06-23T08:00:00-04:00")).await.is(201);
    let (third, mut body) = (retracted.id(), retracted.json());
    body["status"] = json!("entered-in-error");
    put(house, &third, &body).await.is(200);
    house.at(24, "12:00:00");
    assert_eq!(house.work().await.sent, 0, "what was sent, cancelled or retracted waits no more");
    for gone in [&other, &third] {
        house.get(&nurse(), &format!("/fhir/Communication/{gone}")).await.is(404);
    }
    for status in ["on-hold", "in-progress", "preparation"] {
        let mut again = stopped.clone();
        again["status"] = json!(status);
        put(house, &other, &again).await.is(422);
    }
    assert_eq!(house.place.count("scheduled_message", "ended_at IS NULL"), 0);
}

async fn an_instant_is_ahead_and_said_where_it_belongs(house: &House) {
    let create = async |body: &Value| house.create(&patient("p-1001"), body).await;
    for (instant, reason) in [("2026-06-19T10:00:00-04:00", "not-ahead"), ("2027-07-01T00:00:00Z", "not-ahead")] {
        let refused = create(&at(refill("p-1001", "One."), instant)).await.is(422);
        assert!(refused.text.contains(reason) && refused.text.contains("release-at"), "{}", refused.text);
    }
    let mut without = refill("p-1001", "One.");
    without["status"] = json!("on-hold");
    let refused = create(&without).await.is(400);
    assert!(refused.text.contains("release-at"), "{}", refused.text);
    let mut now = at(refill("p-1001", "One."), MONDAY);
    now["status"] = json!("in-progress");
    create(&now).await.is(400);
    let mut words = at(refill("p-1001", "One."), MONDAY);
    words["extension"][0] = json!({ "url": fhir::canonical::RELEASE_AT, "valueString": "Monday" });
    create(&words).await.is(400);
    // Only what could be sent is kept for later.
    create(&at(refill("p-1001", &"long ".repeat(400)), MONDAY)).await.is(422);
    create(&at(refill("p-2002", "One."), MONDAY)).await.is(403);
    assert_eq!(house.place.count("resource", "kind = 'Communication'"), 0);
}

async fn words_of_danger_are_not_kept_for_later(house: &House) {
    let flagged = at(refill("p-1001", "I think I am having a stroke."), MONDAY);
    let sent = house.create(&patient("p-1001"), &flagged).await.is(201).json();
    assert_eq!(sent["status"], "completed", "it is sent now");
    let id = sent["id"].as_str().unwrap();
    assert!(
        house.get(&nurse(), &format!("/fhir/Communication/{id}")).await.is(200).json().get("statusReason").is_none()
    );
    assert_eq!(house.task(id).await["restriction"]["period"]["end"], "2026-06-19T14:30:00Z");
    // Also when they are put into what waits already.
    let waits = house.create(&patient("p-1001"), &at(refill("p-1001", "One."), MONDAY)).await.is(201);
    let mut body = waits.json();
    body["payload"][0]["contentString"] = json!("I think I am having a stroke.");
    assert_eq!(put(house, &waits.id(), &body).await.is(200).json()["status"], "completed");
    house.at(23, "12:00:00");
    assert_eq!(house.work().await.sent, 0);
}

async fn what_was_accepted_is_sent_whatever_the_policy_says_by_then(house: &House) {
    let waits =
        house.create(&patient("p-1001"), &at(refill("p-1001", &"word ".repeat(100)), MONDAY)).await.is(201).id();
    crate::boundaries::govern(house, |bundle| {
        bundle["length"]["limit"] = json!(40);
        bundle["length"]["notice"] = json!(30);
    })
    .await;
    house.create(&patient("p-2002"), &refill("p-2002", &"word ".repeat(100))).await.is(422);
    house.at(22, "08:00:00");
    assert_eq!(house.work().await.sent, 1);
    let seen = house.get(&nurse(), &format!("/fhir/Communication/{waits}")).await.is(200).json();
    assert_eq!(seen["status"], "completed");
    assert_eq!(house.place.count("thread", "needs_review"), 1, "a person must look");
    let why = house.get(&engine(), &format!("/api/v1/decisions?focus=Communication/{waits}")).await.is(200).text;
    assert!(why.contains("it was accepted when it was scheduled"), "{why}");
}

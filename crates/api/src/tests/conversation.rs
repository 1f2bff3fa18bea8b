//! What people and engines do, from beginning to end.

use serde_json::{Value, json};

use super::*;

#[actix_web::test]
async fn a_message_is_sent_read_found_and_answered() {
    let house = House::new();
    let (patient, nurse) = (house.patient("p-1"), house.nurse());
    let sent = house.send(&patient, "/fhir/Communication", &message("p-1")).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let id = sent.id();
    assert_eq!(sent.header("etag"), "W/\"1\"");
    assert_eq!(sent.header("location"), format!("{BASE}/Communication/{id}/_history/1"));
    assert_eq!(sent.header("last-modified"), "Fri, 19 Jun 2026 21:30:00 GMT");
    assert_eq!(sent.header("content-type"), "application/fhir+json; fhirVersion=4.0; charset=utf-8");
    let read = house.get(&patient, &format!("/fhir/Communication/{id}")).await;
    assert_eq!((read.status, &read.text), (200, &sent.text));
    let old = house.get(&patient, &format!("/fhir/Communication/{id}/_history/1")).await;
    assert_eq!((old.status, &old.text), (200, &sent.text));
    let found = house.get(&patient, "/fhir/Communication?patient=p-1").await.json();
    assert_eq!(found["entry"].as_array().unwrap().len(), 2, "the message and the automatic reply");
    let tasks = house.get(&nurse, "/fhir/Task?status=requested").await.json();
    let task = &tasks["entry"][0]["resource"];
    let task_id = task["id"].as_str().unwrap();
    let claim = format!("/fhir/Task/{task_id}/$claim");
    let early = house.ask(with(TestRequest::post(), &nurse).uri(&claim).insert_header(("If-Match", "W/\"7\""))).await;
    assert_eq!(early.status, 412);
    let claimed = house.ask(with(TestRequest::post(), &nurse).uri(&claim).insert_header(("If-Match", "W/\"1\""))).await;
    assert_eq!(claimed.status, 200, "{}", claimed.text);
    assert_eq!(claimed.json()["owner"]["reference"], "Practitioner/nurse");
    let again = house.ask(with(TestRequest::post(), &nurse).uri(&claim)).await;
    assert_eq!((again.status, again.header("etag")), (200, "W/\"2\""));
    let seen = house.get(&patient, &format!("/fhir/Task/{task_id}")).await;
    assert!(seen.status == 200 && !seen.text.contains("nurse"), "{}", seen.text);
    let reply = json!({ "resourceType": "Communication", "status": "in-progress", "inResponseTo": [{ "reference": format!("Communication/{id}") }],
        "subject": { "reference": "Patient/p-1" }, "sender": { "reference": "Practitioner/nurse" }, "recipient": [{ "reference": "Patient/p-1" }],
        "payload": [{ "contentString": "It is renewed." }] });
    let replied = house.send(&nurse, "/fhir/Communication", &reply).await;
    assert_eq!(replied.status, 201, "{}", replied.text);
    assert_eq!(replied.json()["partOf"][0]["reference"], format!("Communication/{id}"));
    let done = house.get(&nurse, &format!("/fhir/Task/{task_id}")).await.json();
    assert_eq!(done["status"], "completed");
    let over = house.ask(with(TestRequest::post(), &nurse).uri(&claim)).await;
    assert_eq!((over.status, over.json()["issue"][0]["code"].as_str()), (422, Some("business-rule")));
    let clocks = house.get(&house.machine(), &format!("/api/v1/clocks?thread={id}")).await.json();
    assert!(clocks["clocks"].as_array().unwrap().iter().any(|clock| clock["state"] == "met"), "{clocks}");
    let decisions = house.get(&house.machine(), &format!("/api/v1/decisions?focus=Communication/{id}")).await.json();
    let decision = decisions["decisions"][0]["id"].as_str().unwrap();
    assert_eq!(house.get(&house.machine(), &format!("/api/v1/decisions/{decision}")).await.status, 200);
    let rows = house.store.0.lock().unwrap();
    let done: Vec<_> = rows.audit.iter().map(|row| row.interaction.as_ref()).collect();
    for interaction in ["create", "read", "vread", "search-type", "$claim", "list-clocks", "read-decision"] {
        assert!(done.contains(&interaction), "{interaction} is not in {done:?}");
    }
}

#[actix_web::test]
async fn a_staff_reply_without_a_subject_reaches_the_patient_of_the_conversation() {
    let house = House::new();
    let (patient, nurse) = (house.patient("p-1"), house.nurse());
    let id = house.send(&patient, "/fhir/Communication", &message("p-1")).await.id();
    let reply = json!({ "resourceType": "Communication", "status": "in-progress", "sender": { "reference": "Practitioner/nurse" },
        "inResponseTo": [{ "reference": format!("Communication/{id}") }], "payload": [{ "contentString": "Done." }] });
    let replied = house.send(&nurse, "/fhir/Communication", &reply).await;
    assert_eq!(replied.status, 201, "{}", replied.text);
    assert_eq!(house.get(&patient, &format!("/fhir/Communication/{}", replied.id())).await.status, 200);
}

#[actix_web::test]
async fn a_retry_under_a_condition_sends_nothing_twice() {
    let house = House::new();
    let token = house.patient("p-1");
    let mut body = message("p-1");
    body["identifier"] = json!([{ "system": "urn:portal", "value": "42" }]);
    let conditional =
        |criteria: &str| post(&token, "/fhir/Communication", &body).insert_header(("If-None-Exist", criteria));
    let first = house.ask(conditional("identifier=urn:portal%7C42")).await;
    assert_eq!(first.status, 201, "{}", first.text);
    let second = house.ask(conditional("identifier=urn:portal%7C42")).await;
    assert_eq!((second.status, second.id()), (200, first.id()));
    assert_eq!(house.ask(conditional("")).await.status, 400);
    assert_eq!(house.ask(conditional("nothing=1")).await.status, 400);
    assert_eq!(
        house.send(&token, "/fhir/Communication", &body).await.status,
        201,
        "without the condition it is another"
    );
    let several = house.ask(conditional("identifier=urn:portal%7C42&patient=p-1")).await;
    assert_eq!((several.status, several.json()["issue"][0]["code"].as_str()), (412, Some("multiple-matches")));
}

#[actix_web::test]
async fn a_pools_hours_change_what_is_decided_from_then_on() {
    let house = House::new();
    let machine = house.machine();
    let service = json!({ "resourceType": "HealthcareService", "name": "Refills",
        "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/timezone", "valueCode": "America/New_York" }],
        "availableTime": [{ "daysOfWeek": ["mon"], "availableStartTime": "08:00:00", "availableEndTime": "17:00:00" }] });
    let made = house.send(&machine, "/fhir/HealthcareService", &service).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut zoneless = service.clone();
    zoneless["extension"] = json!([{ "url": "urn:x", "valueCode": "y" }]);
    let refused = house.send(&machine, "/fhir/HealthcareService", &zoneless).await;
    assert!(refused.status == 422 && refused.text.contains("time zone"), "{}", refused.text);
    let path = format!("/fhir/HealthcareService/{}", made.id());
    let put = |body: &Value, version: &str| {
        let typed = with(TestRequest::put(), &machine).uri(&path).insert_header(("Content-Type", "application/json"));
        typed.insert_header(("If-Match", version)).set_payload(body.to_string())
    };
    assert_eq!(house.ask(put(&service, "W/\"1\"")).await.status, 400, "the id is missing");
    let mut named = service.clone();
    named["id"] = made.id().into();
    assert_eq!(house.ask(put(&named, "W/\"9\"")).await.status, 412);
    let replaced = house.ask(put(&named, "W/\"1\"")).await;
    assert_eq!((replaced.status, replaced.header("etag")), (200, "W/\"2\""));
    assert_eq!(house.send(&house.patient("p-1"), "/fhir/HealthcareService", &service).await.status, 403);
    let feed = |id: &str| {
        let mut body = service.clone();
        body["id"] = id.into();
        let request = with(TestRequest::put(), &machine).uri(&format!("/fhir/HealthcareService/{id}"));
        request.insert_header(("Content-Type", "application/fhir+json")).set_payload(body.to_string())
    };
    let absent = house.ask(feed("refill").insert_header(("If-Match", "W/\"1\""))).await;
    assert_eq!(absent.status, 412);
    assert_eq!(house.ask(feed("refill")).await.status, 201, "an engine names what it feeds");
    let schema = house.get(&machine, "/api/v1/policy-bundle.schema.json").await;
    assert_eq!((schema.status, schema.json()["title"].is_string()), (200, true));
    let found = house.get(&house.patient("p-1"), "/fhir/HealthcareService").await.json();
    assert_eq!(found["entry"].as_array().unwrap().len(), 2, "patients see the directory");
    let sent = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await;
    assert_eq!(sent.status, 201, "decided under the new generation");
}

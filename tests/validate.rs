//! `$validate`: what is wrong with a resource, and whether something could be done with it; nothing is stored.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{engine, nurse, patient, refill, scoped};
use api::auth::DevelopmentClaims;

on_both!(house:
    a_resource_is_looked_at_and_everything_wrong_is_told_with_its_place,
    a_resource_is_held_to_its_type_and_to_no_other_profile,
    an_empty_array_is_an_error_here_and_nowhere_else,
    what_is_meant_to_be_sent_is_decided_about_and_not_stored,
    what_is_stored_is_looked_at_under_its_id_and_hidden_from_others,
    what_could_be_deleted_is_told,
    what_the_operation_does_not_take_is_refused_by_its_place,
);

async fn validated(house: &House, who: &DevelopmentClaims, path: &str, body: &Value) -> Reply {
    house.post(who, &format!("/fhir/{path}"), &body.to_string()).await
}

/// The severities, places and codes of an OperationOutcome.
fn told(reply: &Reply) -> Vec<(String, String, String)> {
    let outcome = reply.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let issues = outcome["issue"].as_array().unwrap().iter();
    issues.map(|issue| (text(&issue["severity"]), text(&issue["expression"][0]), text(&issue["code"]))).collect()
}

fn error(place: &str, code: &str) -> (String, String, String) {
    ("error".to_owned(), place.to_owned(), code.to_owned())
}

async fn a_resource_is_held_to_its_type_and_to_no_other_profile(house: &House) {
    let ask = async |profile: &str| {
        let path = format!("Communication/$validate?profile={profile}");
        validated(house, &patient("p-1001"), &path, &refill("p-1001", "Five left.")).await
    };
    ask("http://hl7.org/fhir/StructureDefinition/Communication").await.is(200);
    for other in ["http://hl7.org/fhir/StructureDefinition/Task", "urn:profile"] {
        assert_eq!(ask(other).await.is(400).issues(), ["not-supported"]);
    }
}

async fn a_resource_is_looked_at_and_everything_wrong_is_told_with_its_place(house: &House) {
    let fine = validated(house, &patient("p-1001"), "Communication/$validate", &refill("p-1001", "Five left.")).await;
    assert_eq!(told(&fine.is(200))[0].0, "information");
    let mut wrong = refill("p-1001", "Five left.");
    wrong["sent"] = json!("yesterday");
    wrong["colour"] = json!("blue");
    for body in [
        wrong.clone(),
        json!({ "resourceType": "Parameters", "parameter": [{ "name": "resource", "resource": wrong }] }),
    ] {
        let found = told(&validated(house, &patient("p-1001"), "Communication/$validate", &body).await.is(200));
        assert!(found.contains(&error("Communication.sent", "value")), "{found:?}");
        assert!(found.contains(&error("Communication.colour", "structure")), "{found:?}");
    }
    let service = json!({ "resourceType": "HealthcareService", "availableTime": [{ "daysOfWeek": ["mon"] }] });
    let found = told(&validated(house, &engine(), "HealthcareService/$validate", &service).await.is(200));
    assert_eq!(found[0].0, "error", "hours without a zone");
    let role = json!({ "resourceType": "PractitionerRole", "availableTime": [{ "daysOfWeek": ["mon"] }] });
    let found = told(&validated(house, &engine(), "PractitionerRole/$validate", &role).await.is(200));
    assert_eq!(found[0].0, "error", "hours without a zone");
    assert_eq!(house.place.count("thread", "1 = 1"), 0);
}

async fn an_empty_array_is_an_error_here_and_nowhere_else(house: &House) {
    let mut message = refill("p-1001", "Five left.");
    message["note"] = json!([]);
    let found = told(&validated(house, &patient("p-1001"), "Communication/$validate", &message).await.is(200));
    assert!(found.iter().any(|(severity, place, _)| severity == "error" && place == "Communication.note"), "{found:?}");
    house.create(&patient("p-1001"), &message).await.is(201);
}

async fn what_is_meant_to_be_sent_is_decided_about_and_not_stored(house: &House) {
    let message = refill("p-1001", &"x".repeat(20_000));
    let path = "Communication/$validate?mode=create";
    let found = told(&validated(house, &patient("p-1001"), path, &message).await.is(200));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.as_str(), found[0].2.as_str()), ("error", "business-rule"));
    let others = told(&validated(house, &patient("p-2002"), path, &refill("p-1001", "Hello.")).await.is(200));
    assert_eq!(others, [error("Communication.sender", "forbidden")]);
    let fine = told(&validated(house, &patient("p-1001"), path, &refill("p-1001", "Hello.")).await.is(200));
    assert_eq!(fine[0].0, "information");
    let task = json!({ "resourceType": "Task", "status": "requested", "intent": "order" });
    let found = told(&validated(house, &nurse(), "Task/$validate?mode=create", &task).await.is(200));
    assert_eq!(found, [error("Task", "not-supported")]);
    assert_eq!((house.place.count("thread", "1 = 1"), house.place.count("outbox", "1 = 1")), (0, 0));
    assert_eq!(house.place.count("audit", "interaction = '$validate'"), 4);
}

async fn what_is_stored_is_looked_at_under_its_id_and_hidden_from_others(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}/$validate");
    let fine = house.ask(Method::POST, &path).by(&patient("p-1001")).send().await.is(200);
    assert_eq!(told(&fine)[0].0, "information");
    let hidden = house.ask(Method::POST, &path).by(&patient("p-2002")).send().await.is(404);
    let never =
        house.ask(Method::POST, "/fhir/Communication/none/$validate").by(&patient("p-2002")).send().await.is(404);
    assert_eq!(hidden.text, never.text);
    let update = format!("Communication/{id}/$validate?mode=update");
    let found = told(&validated(house, &patient("p-1001"), &update, &refill("p-1001", "Six.")).await.is(200));
    assert_eq!(found, [error("Communication.id", "value")]);
}

async fn what_could_be_deleted_is_told(house: &House) {
    let sent = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let mut draft = refill("p-1001", "Six");
    draft["status"] = json!("preparation");
    let draft = house.create(&patient("p-1001"), &draft).await.is(201).id();
    let asked = async |id: &str| {
        let path = format!("/fhir/Communication/{id}/$validate?mode=delete");
        told(&house.ask(Method::POST, &path).by(&patient("p-1001")).send().await.is(200))
    };
    assert_eq!(asked(&sent).await, [error("Communication.status", "business-rule")]);
    assert_eq!(asked(&draft).await[0].0, "information");
}

async fn what_the_operation_does_not_take_is_refused_by_its_place(house: &House) {
    let message = refill("p-1001", "Five left.");
    let given = |parameter: Value| json!({ "resourceType": "Parameters", "parameter": [parameter] });
    for (path, body, place) in [
        (
            "Communication/$validate",
            given(json!({ "name": "colour", "valueUri": "http://x.example" })),
            "Parameters.parameter[0]",
        ),
        ("Communication/$validate", given(json!({ "name": "mode" })), "Parameters.parameter[0]"),
        ("Communication/$validate?mode=improve", message.clone(), ""),
        ("Communication/$validate?mode=delete", message.clone(), ""),
        ("Communication/$validate?colour=blue", message.clone(), ""),
        ("Communication/$validate", json!({ "resourceType": "Parameters" }), ""),
    ] {
        let reply = validated(house, &patient("p-1001"), path, &body).await.is(400);
        assert_eq!(told(&reply)[0].1, place, "{path} {body}");
    }
    let narrow = scoped(&patient("p-1001"), "patient/Task.r");
    validated(house, &narrow, "Communication/$validate", &message).await.is(403);
}

//! Two organisations in one database, each with an issuer of its own, and nothing between them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{FAMILY, engine, message, patient};

on_both!(house: another_organisation_lives_in_another_world, an_issuer_speaks_for_its_own_tenant_alone);

fn machine() -> Value {
    json!({ "sub": "engine", "client_id": "engine", "scope": "system/*.cruds postern/admin.read" })
}

async fn theirs(house: &House, claims: &Value, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let token = house.issuer.token(claims, domain::time::TimeSource::now(&*house.time));
    let ask = house.ask(method, path).bearer(&token);
    match body {
        Some(body) => ask.fhir(&body.to_string()).send().await,
        None => ask.send().await,
    }
}

async fn another_organisation_lives_in_another_world(house: &House) {
    let mut body = message("p-1001", FAMILY, "form", "Form", "Please sign.");
    body["identifier"] = json!([{ "system": "urn:portal", "value": "m-1" }]);
    let ours = house.create(&patient("p-1001"), &body).await.is(201).id();
    let task = house.task(&ours).await["id"].as_str().unwrap().to_owned();
    let get = async |path: String| theirs(house, &machine(), Method::GET, &path, None).await;
    for hidden in [format!("/fhir/Communication/{ours}"), format!("/fhir/Task/{task}"), format!("/fhir/{FAMILY}")] {
        let reply = get(hidden.clone()).await.is(404);
        let none = get(hidden.rsplit_once('/').unwrap().0.to_owned() + "/none").await.is(404);
        assert_eq!(reply.text, none.text);
    }
    for search in ["Communication", "Task", "HealthcareService"] {
        let found = get(format!("/fhir/{search}?_total=accurate")).await.is(200);
        assert_eq!(found.json()["total"], 0, "{search}");
    }
    assert!(get("/api/v1/deliveries".to_owned()).await.is(200).json()["deliveries"].as_array().unwrap().is_empty());
    assert!(get("/api/v1/decisions".to_owned()).await.is(200).json()["decisions"].as_array().unwrap().is_empty());
    assert_eq!(get(format!("/api/v1/clocks?thread={ours}")).await.is(200).json()["clocks"], json!([]));
    let bundles = get("/api/v1/bundles".to_owned()).await.is(200);
    assert!(!bundles.text.contains("riverside"), "{}", bundles.text);

    // The same names over there are other things: the same patient, condition and service.
    let claims = json!({ "sub": "p", "client_id": "portal", "scope": "patient/*.cruds", "patient": "p-1001", "fhirUser": "Patient/p-1001" });
    let mine = theirs(house, &claims, Method::POST, "/fhir/Communication", Some(&body)).await.is(201);
    assert_eq!(
        theirs(house, &claims, Method::GET, "/fhir/Communication?category=form", None).await.is(200).ids(),
        [mine.id()]
    );
    house.get(&engine(), &format!("/fhir/Communication/{}", mine.id())).await.is(404);
    let mut service = json!({ "resourceType": "HealthcareService", "id": "family-medicine", "name": "Other" });
    theirs(house, &machine(), Method::PUT, &format!("/fhir/{FAMILY}"), Some(&service)).await.is(201);
    service["name"] = json!("Still ours");
    let kept = house.get(&engine(), &format!("/fhir/{FAMILY}")).await.is(200);
    assert_eq!((&kept.json()["name"], kept.header("etag")), (&json!("Riverside family medicine"), "W/\"1\""));
    assert_eq!(house.get(&engine(), "/fhir/Communication?category=form").await.is(200).ids(), [ours]);
}

async fn an_issuer_speaks_for_its_own_tenant_alone(house: &House) {
    // What a token says of a tenant counts for nothing: the issuer's configuration does.
    let mut claims = machine();
    claims["tenant"] = json!("default");
    let found = theirs(house, &claims, Method::GET, "/fhir/HealthcareService?_total=accurate", None).await.is(200);
    assert_eq!(found.json()["total"], 0);
    // A key of one issuer signs nothing of another.
    let forged = crate::issuer::Issuer::publish(&house.place.folder);
    let token = forged.token(&machine(), domain::time::TimeSource::now(&*house.time));
    house.ask(Method::GET, "/fhir/Task").bearer(&token).send().await.is(401);
}

//! One patient against another and one tenant against another, at every address that there is.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhir::interaction::SERVED;

use super::*;

/// An interface for two tenants, told apart by the client of a token.
fn house() -> House {
    let mut house = House::new();
    let mut config = house.issuer.config(&TenantId::new("default"));
    config.tenant_claims = vec!["/client_id".to_owned()];
    config.tenants = BTreeMap::from([("test", "default"), ("elsewhere", "other")].map(|(a, b)| (a.into(), b.into())));
    let authenticator = Authenticator::new(vec![config], BASE, house.clock.clone()).unwrap();
    let mut state = house.state();
    state.authenticator = Arc::new(authenticator);
    house.shared = Shared::new(Arc::new(state));
    house
}

fn elsewhere(house: &House, user: Option<&str>, patient: Option<&str>, scope: &str) -> String {
    let claims = DevelopmentClaims {
        sub: user.unwrap_or("machine").to_owned(),
        client_id: "elsewhere".to_owned(),
        scope: scope.to_owned(),
        patient: patient.map(str::to_owned),
        fhir_user: user.map(str::to_owned),
        pools: vec!["default".to_owned()],
        ..DevelopmentClaims::default()
    };
    house.issuer.mint(&claims, house.clock.now(), 3600).unwrap()
}

/// Every operation of the OpenAPI document that needs a token, with a body that it would take.
fn operations() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    let mut operations = vec![];
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if operation.get("security").is_some() {
                operations.push((Method::from_bytes(method.to_uppercase().as_bytes()).unwrap(), path.clone()));
            }
        }
    }
    operations
}

fn request(token: &str, method: &Method, uri: &str, version: &str) -> TestRequest {
    let request = with(TestRequest::default().method(method.clone()), token).uri(uri);
    match *method {
        Method::GET | Method::DELETE => request,
        _ if uri.ends_with("_search") => {
            request.insert_header(("Content-Type", "application/x-www-form-urlencoded")).set_payload("_count=50")
        }
        _ => request
            .insert_header(("Content-Type", "application/fhir+json"))
            .insert_header(("If-Match", format!("W/\"{version}\"")))
            .set_payload("{}"),
    }
}

#[actix_web::test]
async fn s19_every_operation_hides_one_patients_rows_from_another_and_one_tenants_from_another() {
    let house = house();
    let sent = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await;
    assert_eq!(sent.status, 201);
    let message_id = sent.id();
    let tasks = house.get(&house.nurse(), "/fhir/Task").await.json();
    let task_id = tasks["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    let everything = "patient/*.cruds user/*.cruds postern/admin.read postern/admin.write";
    let strangers = [
        ("another patient", house.token(Some("Patient/p-2"), Some("p-2"), &[], "patient/*.cruds user/*.cruds")),
        ("a proxy of another", house.token(Some("RelatedPerson/r"), Some("p-2"), &[], "patient/*.cruds")),
        ("the same patient elsewhere", elsewhere(&house, Some("Patient/p-1"), Some("p-1"), everything)),
        ("a nurse elsewhere", elsewhere(&house, Some("Practitioner/nurse"), None, everything)),
        ("a machine elsewhere", elsewhere(&house, None, None, "system/*.cruds postern/admin.read postern/admin.write")),
    ];
    let ids = [&message_id, &task_id];
    let absent = "00000000-0000-7000-8000-000000000000";
    let ask = house.open().await;
    let mut asked = 0;
    for (who, token) in &strangers {
        // What administration reads is not kept by tenant in memory: there it is tried on the databases themselves.
        // The audit trail tells a machine what it has asked for itself, ids included.
        let own = |path: &str| path.starts_with("/api/v1/") || path.starts_with("/fhir/AuditEvent");
        let here = |path: &str| !(who.ends_with("elsewhere") && own(path));
        for (method, path) in operations().into_iter().filter(|(_, path)| here(path)) {
            for id in ids {
                let at = |id: &str| path.replace("{id}", id).replace("{version}", "1");
                let answered = ask(request(token, &method, &at(id), "1")).await;
                let there = [&message_id, &task_id].iter().any(|id| answered.text.contains(id.as_str()));
                assert!(!there, "{who}: {method} {path} shows it: {}", answered.text);
                assert!(!answered.text.contains("inhaler"), "{who}: {method} {path}");
                if path.contains("{id}") && path.starts_with("/fhir/") {
                    let missing = ask(request(token, &method, &at(absent), "1")).await;
                    let same = (answered.status, answered.text) == (missing.status, missing.text);
                    assert!(same, "{who}: {method} {path} tells that it exists");
                }
                asked += 1;
            }
        }
    }
    assert!(asked > 200, "{asked}");
    let one = house.get(&house.patient("p-1"), &format!("/fhir/Communication/{message_id}")).await;
    assert_eq!((one.status, one.json()["meta"]["versionId"].as_str()), (200, Some("1")), "and nobody changed it");
}

#[actix_web::test]
async fn s6_a_search_counts_and_finds_the_callers_own_rows_alone() {
    let house = house();
    for patient in ["p-1", "p-1", "p-2"] {
        assert_eq!(house.send(&house.patient(patient), "/fhir/Communication", &message(patient)).await.status, 201);
    }
    let token = house.patient("p-2");
    let hidden = house.get(&house.patient("p-1"), "/fhir/Communication").await.json();
    let hidden = hidden["entry"][0]["resource"]["id"].as_str().unwrap().to_owned();
    for query in [
        String::new(),
        "patient=p-1".to_owned(),
        "patient=Patient/p-1".to_owned(),
        "subject=Patient/p-1,Patient/p-2".to_owned(),
        "patient:not=p-1".to_owned(),
        "subject:Patient.identifier=x".to_owned(),
        format!("_id={hidden}"),
        "_filter=patient eq p-1".replace(' ', "%20"),
        "_query=everything".to_owned(),
        "_summary=count".to_owned(),
        "_total=accurate".to_owned(),
        "_include=Communication:patient".to_owned(),
        "_revinclude=Task:focus".to_owned(),
        "_include=*".to_owned(),
        "_content=inhaler".to_owned(),
        "_text=inhaler".to_owned(),
    ] {
        let got = house.get(&token, &format!("/fhir/Communication?{query}")).await;
        let form = with(TestRequest::post(), &token).uri("/fhir/Communication/_search");
        let form = form.insert_header(("Content-Type", "application/x-www-form-urlencoded")).set_payload(query.clone());
        for answered in [got, house.ask(form).await] {
            assert!(matches!(answered.status, 200 | 400), "{query}: {}", answered.text);
            assert!(!answered.text.contains("\"Patient/p-1\""), "{query}: {}", answered.text);
            if answered.status == 200 {
                let total = answered.json()["total"].as_u64().unwrap_or(0);
                assert!(total <= 1, "{query}: {total}");
            }
        }
    }
}

#[test]
fn every_type_that_is_served_is_among_the_operations_that_are_walked() {
    let walked = operations();
    for served in SERVED {
        for route in served.routes() {
            let path = format!("/fhir{}", route.path);
            assert!(walked.iter().any(|(method, own)| *method == route.method && *own == path), "{path}");
        }
    }
}

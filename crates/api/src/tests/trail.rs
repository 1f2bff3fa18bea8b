//! What is recorded, of what was done and of what was refused.

use domain::change::{AuditAction, AuditOutcome, AuditRow};

use super::*;

fn from(request: TestRequest) -> TestRequest {
    request.peer_addr("192.0.2.7:4711".parse().unwrap())
}

impl House {
    /// What one request leaves behind.
    async fn left(&self, request: TestRequest, status: u16) -> AuditRow {
        let before = self.store.0.lock().unwrap().audit.len();
        let answered = self.ask(from(request)).await;
        assert_eq!(answered.status, status, "{}", answered.text);
        let rows = self.store.0.lock().unwrap();
        assert_eq!(rows.audit.len(), before + 1, "one row for one request");
        let row = rows.audit.last().unwrap().clone();
        assert_eq!(row.source.as_deref(), Some("192.0.2.7"));
        assert_eq!(row.request, answered.header("x-request-id"));
        row
    }
}

#[actix_web::test]
async fn a1_every_access_and_every_refusal_leaves_one_row() {
    let house = House::new();
    let (one, two) = (house.patient("p-1"), house.patient("p-2"));
    let id = house.send(&one, "/fhir/Communication", &message("p-1")).await.id();
    let path = format!("/fhir/Communication/{id}");
    let read = house.left(with(TestRequest::get(), &one).uri(&path), 200).await;
    assert_eq!((read.interaction.as_ref(), read.outcome, read.action), ("read", AuditOutcome::Done, AuditAction::Read));
    assert_eq!((read.client.as_str(), read.agent.unwrap().to_string().as_str()), ("test", "Patient/p-1"));
    assert_eq!((read.focus.unwrap().id.as_str(), read.version.unwrap().0), (id.as_str(), 1));
    let found = house.left(with(TestRequest::get(), &one).uri("/fhir/Communication?patient=p-1"), 200).await;
    assert_eq!((found.interaction.as_ref(), found.count), ("search-type", 2), "the message and its automatic reply");
    assert!(found.query.is_some_and(|query| !query.contains("p-1")), "the query is kept in base64");

    let hidden = house.left(with(TestRequest::get(), &two).uri(&path), 404).await;
    assert_eq!(
        (hidden.outcome, hidden.interaction.as_ref()),
        (AuditOutcome::Refused, "GET /fhir/Communication/{id} 404")
    );
    assert_eq!(hidden.focus.unwrap().id.as_str(), id);
    assert_eq!(hidden.agent.unwrap().to_string(), "Patient/p-2");
    let narrow = house.token(Some("Patient/p-2"), Some("p-2"), &[], "patient/Task.r");
    let denied = house.left(with(TestRequest::get(), &narrow).uri("/fhir/Communication?subject=Mrs+Canary"), 403).await;
    assert_eq!(denied.interaction.as_ref(), "GET /fhir/Communication 403");
    assert!(denied.query.is_none() && denied.focus.is_none());
    let foreign = house.left(post(&two, "/fhir/Communication", &message("p-1")), 403).await;
    assert_eq!((foreign.action, foreign.outcome), (AuditAction::Create, AuditOutcome::Refused));
    let broken = house.left(post(&one, "/fhir/Communication", &json!({ "resourceType": "Communication" })), 400).await;
    assert_eq!((broken.outcome, broken.interaction.as_ref()), (AuditOutcome::Refused, "POST /fhir/Communication 400"));
    let typed = with(TestRequest::post(), &one).uri("/fhir/Communication").insert_header(("Content-Type", "text/html"));
    assert_eq!(house.left(typed.set_payload("x"), 415).await.subject.as_deref(), Some("Patient/p-1"));
    let stale = with(TestRequest::delete(), &house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/*.d"));
    house.left(stale.uri(&path).insert_header(("If-Match", "W/\"7\"")), 412).await;
    let nowhere = house.left(with(TestRequest::get(), &two).uri("/fhir/Canary/Mrs"), 404).await;
    assert_eq!(nowhere.interaction.as_ref(), "GET unmatched 404");

    for token in ["x", "a.b.c"] {
        let stranger = house.left(with(TestRequest::get(), token).uri(&path), 401).await;
        assert_eq!((stranger.client.as_str(), stranger.outcome), ("unknown", AuditOutcome::Refused));
        assert!(stranger.agent.is_none() && stranger.patient.is_none());
    }
    let before = house.store.0.lock().unwrap().audit.len();
    for public in ["/livez", "/fhir/metadata", "/openapi.json"] {
        assert_eq!(house.ask(from(TestRequest::get().uri(public))).await.status, 200);
    }
    assert_eq!(house.store.0.lock().unwrap().audit.len(), before, "what is public is nobody's access");
}

#[actix_web::test]
async fn a2_what_cannot_be_recorded_is_not_given_out() {
    let house = House::new();
    let token = house.patient("p-1");
    let id = house.send(&token, "/fhir/Communication", &message("p-1")).await.id();
    house.store.0.lock().unwrap().deaf = true;
    for path in [format!("/fhir/Communication/{id}"), "/fhir/Communication".to_owned(), "/fhir/Task".to_owned()] {
        let answered = house.get(&token, &path).await;
        assert_eq!(answered.status, 503, "{path}");
        assert!(!answered.text.contains("inhaler"), "{path}");
    }
    assert_eq!(house.send(&token, "/fhir/Communication", &message("p-1")).await.status, 503);
    assert_eq!(house.get("x", "/fhir/Communication").await.status, 401, "a refusal gives nothing away");
    house.store.0.lock().unwrap().deaf = false;
    assert_eq!(house.get(&token, "/fhir/Communication").await.json()["entry"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a5_the_trail_is_changed_by_nobody_over_the_interface() {
    let house = House::new();
    for token in [house.machine(), house.nurse(), house.patient("p-1")] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            for path in ["/fhir/AuditEvent", "/fhir/AuditEvent/x"] {
                let request = with(TestRequest::default().method(method.clone()), &token).uri(path);
                let request = request.insert_header(("Content-Type", "application/fhir+json")).set_payload("{}");
                let status = house.ask(request).await.status;
                assert!(matches!(status, 403..=405), "{method} {path}: {status}");
            }
        }
    }
}

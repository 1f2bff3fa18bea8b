//! Overrides through the door.

use super::*;

/// A conversation with an open Task: the ids of both.
async fn begun(house: &House) -> (String, String) {
    let id = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await.id();
    let clocks = house.get(&house.machine(), &format!("/api/v1/clocks?thread={id}")).await.json();
    let task = clocks["clocks"].as_array().unwrap().iter().find_map(|clock| clock["task"].as_str()).unwrap().to_owned();
    (id, task)
}

fn waive(thread: &str) -> Value {
    json!({ "kind": "waive", "reason": "answered-by-phone", "thread": thread, "note": "flu-season" })
}

const PATH: &str = "/api/v1/overrides";

#[actix_web::test]
async fn a_member_of_the_pool_overrides_and_it_is_kept_listed_and_audited() {
    let house = House::new();
    let (thread, task) = begun(&house).await;
    let extend = json!({ "kind": "extend", "reason": "staffing", "task": task, "amount": "PT4H" });
    let made = house.ask(post(&house.nurse(), PATH, &extend).insert_header(("If-Match", "W/\"1\""))).await;
    assert_eq!((made.status, made.header("etag")), (201, "W/\"2\""), "{}", made.text);
    let told = made.json();
    assert_eq!((told["agent"].as_str(), told["amount"].as_str()), (Some("Practitioner/nurse"), Some("PT4H")));
    assert!(told["clocks"][0]["dueAt"].as_str() > told["clocks"][0]["promisedAt"].as_str(), "{}", made.text);
    let record = format!("/api/v1/decisions/{}", told["decision"].as_str().unwrap());
    assert_eq!(house.get(&house.machine(), &record).await.json()["outcome"], "overridden");
    let second = house.send(&house.nurse(), PATH, &waive(&thread)).await;
    assert_eq!(second.status, 201, "{}", second.text);
    let seen = house.get(&house.nurse(), &format!("/fhir/Task/{task}")).await.json();
    assert_eq!(seen["businessStatus"]["coding"][0]["code"], "waived");
    let listed = house.get(&house.nurse(), &format!("{PATH}?thread={thread}")).await.json();
    let kinds: Vec<_> =
        listed["overrides"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds, ["extend", "waive"]);
    let rows = house.store.0.lock().unwrap();
    assert_eq!(rows.audit.iter().filter(|row| row.interaction == "override").count(), 2);
}

#[actix_web::test]
async fn another_version_of_the_task_is_not_overridden() {
    let house = House::new();
    let (thread, _) = begun(&house).await;
    let stale = post(&house.nurse(), PATH, &waive(&thread)).insert_header(("If-Match", "W/\"7\""));
    assert_eq!(house.ask(stale).await.status, 412);
}

#[actix_web::test]
async fn who_does_not_answer_for_the_pool_overrides_nothing() {
    let house = House::new();
    let (thread, _) = begun(&house).await;
    let stranger = house.token(Some("Practitioner/other"), None, &["refill"], "user/*.crus");
    let reader = house.token(Some("Practitioner/nurse"), None, &["default"], "user/*.rs");
    let patient = house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/*.crus");
    let machine = house.token(None, None, &[], "system/*.crus");
    for token in [stranger, reader, patient, machine] {
        let refused = house.send(&token, PATH, &waive(&thread)).await;
        assert_eq!(refused.status, 403, "{}", refused.text);
        assert_eq!(refused.header("content-type"), "application/problem+json");
    }
    let administrator = house.token(None, None, &[], "postern/admin.write");
    assert_eq!(house.send(&administrator, PATH, &waive("nobody")).await.status, 404);
    assert_eq!(house.send(&administrator, PATH, &waive(&thread)).await.status, 201);
}

#[actix_web::test]
async fn a_refused_override_names_its_reason_and_a_remedy() {
    let house = House::new();
    let (thread, task) = begun(&house).await;
    let nurse = house.nurse();
    let cases = [
        (json!({ "kind": "extend", "reason": "staffing", "thread": thread }), 422, Some("amount-unfit")),
        (json!({ "kind": "waive", "reason": "thanks-only", "thread": thread }), 422, Some("reason-unfit")),
        (json!({ "kind": "resume", "reason": "patient-answered", "task": task }), 422, Some("not-paused")),
        (json!({ "kind": "forget", "reason": "staffing", "thread": thread }), 422, None),
        (json!({ "kind": "waive", "reason": "staffing", "thread": thread, "who": "Mrs Canary" }), 422, None),
    ];
    for (body, status, reason) in cases {
        let refused = house.send(&nurse, PATH, &body).await;
        assert_eq!(refused.status, status, "{}", refused.text);
        assert_eq!(refused.json()["issues"][0]["reason"].as_str(), reason, "{}", refused.text);
        assert!(!refused.text.contains("Canary"), "{}", refused.text);
    }
    for (body, pointer) in [
        (json!({ "kind": "forget", "reason": "staffing", "thread": thread }), "/kind"),
        (json!({ "kind": "extend", "reason": "staffing", "thread": thread, "amount": "Mrs Canary" }), "/amount"),
        (json!({ "kind": "waive", "reason": "staffing" }), ""),
        (json!({ "kind": "waive", "reason": "staffing", "thread": thread, "task": task }), "/task"),
        (json!({ "kind": "waive", "reason": "staffing", "thread": thread, "note": "Mrs Canary" }), "/note"),
    ] {
        let refused = house.send(&nurse, PATH, &body).await;
        let issue = refused.json()["issues"][0].clone();
        assert_eq!((refused.status, &issue["pointer"]), (422, &json!(pointer)), "{}", refused.text);
        assert!(issue["remedy"].is_string() && !refused.text.contains("Canary"), "{}", refused.text);
    }
    assert_eq!(house.send(&nurse, PATH, &waive(&thread)).await.status, 201);
    let over = house.send(&nurse, PATH, &waive(&thread)).await;
    assert_eq!((over.status, over.json()["issues"][0]["reason"].as_str()), (422, Some("obligation-over")));
}

//! The life of a bundle over the interface.

use domain::policy::DEFAULT_BUNDLE;

use super::*;

const ALL: &str = "system/*.crus postern/admin.read postern/admin.write";

impl House {
    fn operations(&self) -> String {
        self.token(None, None, &[], ALL)
    }

    /// Stores a version of the default bundle with the given target of routine messages, and moves it on.
    async fn put(&self, version: i32, days: u32, step: &str) -> Answered {
        let stored = self.send(&self.operations(), "/api/v1/bundles", &bundle(version, days)).await;
        assert_eq!(stored.status, 201, "{}", stored.text);
        let moved = self.step(version, step).await;
        assert_eq!(moved.status, 200, "{}", moved.text);
        moved
    }

    async fn step(&self, version: i32, step: &str) -> Answered {
        let path = format!("/api/v1/bundles/default/{version}/{step}");
        self.ask(with(TestRequest::post(), &self.operations()).uri(&path)).await
    }

    async fn states(&self) -> Vec<(i64, String)> {
        let listed = self.get(&self.operations(), "/api/v1/bundles").await.json();
        let state = |row: &Value| (row["version"].as_i64().unwrap(), row["state"].as_str().unwrap().to_owned());
        listed["bundles"].as_array().unwrap().iter().map(state).collect()
    }

    async fn clocks(&self, thread: &str) -> Value {
        let found = self.get(&self.operations(), &format!("/api/v1/clocks?thread={thread}")).await;
        found.json()["clocks"][0].clone()
    }
}

fn bundle(version: i32, days: u32) -> Value {
    let mut bundle: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    bundle["version"] = version.into();
    retarget(&mut bundle["turnaround"], days);
    bundle
}

/// Every target of routine messages, wherever it stands.
fn retarget(value: &mut Value, days: u32) {
    if value.get("priority").is_some_and(|priority| priority == "routine") && value.get("count").is_some() {
        value["count"] = "open-days".into();
        value["amount"] = format!("P{days}D").into();
    }
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| retarget(element, days)),
        Value::Object(members) => members.values_mut().for_each(|member| retarget(member, days)),
        _ => {}
    }
}

fn pairs(states: &[(i64, String)]) -> Vec<(i64, &str)> {
    states.iter().map(|(version, state)| (*version, state.as_str())).collect()
}

#[actix_web::test]
async fn a_bundle_goes_from_draft_to_shadow_to_active_to_retired() {
    let house = House::new();
    let token = house.operations();
    let stored = house.send(&token, "/api/v1/bundles", &bundle(1, 2)).await;
    assert_eq!(stored.status, 201, "{}", stored.text);
    assert_eq!(stored.header("location"), "http://localhost:8080/api/v1/bundles/default/1");
    let told = stored.json();
    assert_eq!((told["state"].as_str(), told["hash"].as_str().unwrap().len()), (Some("draft"), 64));
    assert!(told["findings"].as_array().unwrap().iter().all(|finding| finding["severity"] == "warning"));
    let read = house.get(&token, "/api/v1/bundles/default/1").await.json();
    assert_eq!((&read["hash"], &read["bundle"]), (&told["hash"], &told["bundle"]));

    assert_eq!(house.send(&token, "/api/v1/bundles", &bundle(1, 3)).await.status, 201, "a draft is replaced");
    assert_eq!(house.step(1, "shadow").await.json()["state"], "shadow");
    assert_eq!(house.step(1, "activate").await.json()["state"], "active");
    assert_eq!(house.step(1, "activate").await.status, 200, "what is in force stays so");
    house.put(2, 4, "activate").await;
    assert_eq!(pairs(&house.states().await), [(1, "retired"), (2, "active")]);
    assert_eq!(house.step(1, "activate").await.status, 200, "the way back is open");
    assert_eq!(pairs(&house.states().await), [(1, "active"), (2, "retired")]);

    let audit = house.store.0.lock().unwrap();
    let count = |name: &str| audit.audit.iter().filter(|row| row.interaction == name).count();
    assert_eq!((count("create-bundle"), count("shadow-bundle"), count("activate-bundle")), (3, 1, 4));
}

#[actix_web::test]
async fn what_the_life_of_a_bundle_does_not_allow_is_told_with_a_remedy() {
    let house = House::new();
    let token = house.operations();
    house.put(1, 2, "activate").await;
    house.put(2, 2, "shadow").await;
    house.send(&token, "/api/v1/bundles", &bundle(3, 2)).await;
    let refused = [
        house.step(1, "retire").await,
        house.step(1, "shadow").await,
        house.step(3, "shadow").await,
        house.send(&token, "/api/v1/bundles", &bundle(1, 3)).await,
        house.send(&token, "/api/v1/bundles", &bundle(2, 3)).await,
    ];
    for answered in refused {
        assert_eq!((answered.status, answered.header("content-type")), (409, "application/problem+json"));
        assert!(answered.json()["issues"][0]["remedy"].as_str().unwrap().len() > 10, "{}", answered.text);
    }
    assert_eq!(house.step(9, "activate").await.status, 404);
    assert_eq!(house.step(2, "retire").await.json()["state"], "retired");
    assert_eq!(house.step(3, "retire").await.json()["state"], "retired");
    let nosy = house.machine();
    for path in ["/api/v1/bundles", "/api/v1/bundles/default/3/activate"] {
        assert_eq!(house.send(&nosy, path, &json!({})).await.status, 403, "reading is not changing");
    }
    assert_eq!(pairs(&house.states().await), [(1, "active"), (2, "retired"), (3, "retired")]);
}

#[actix_web::test]
async fn every_error_of_a_bundle_is_told_with_its_pointer_and_a_remedy() {
    let house = House::new();
    let token = house.operations();
    let mut wrong = bundle(0, 2);
    wrong["clinic"]["timezone"] = "Mars/Olympus".into();
    let refused = house.send(&token, "/api/v1/bundles", &wrong).await;
    assert_eq!(refused.status, 422);
    let problem = refused.json();
    let issues = problem["issues"].as_array().unwrap();
    let at = |pointer: &str| issues.iter().find(|issue| issue["pointer"] == pointer).unwrap();
    assert!(at("/version")["remedy"].is_string() && at("/clinic/timezone")["message"].is_string());
    let validated = house.send(&house.machine(), "/api/v1/bundles/validate", &wrong).await;
    assert_eq!(validated.status, 200);
    assert_eq!(validated.json()["findings"].as_array().unwrap().len(), issues.len());
    let shape = house.send(&token, "/api/v1/bundles", &json!({ "id": null })).await;
    assert_eq!((shape.status, shape.json()["issues"][0]["pointer"].as_str()), (422, Some("/id")));
    let none = house.ask(post(&token, "/api/v1/bundles", &json!(1)).set_payload("{")).await;
    assert_eq!(none.status, 422);
    assert_eq!(house.ask(post(&token, "/api/v1/bundles", &json!("x".repeat(1 << 20)))).await.status, 413);
    assert_eq!(house.states().await, []);
}

#[actix_web::test]
async fn versions_are_compared_place_by_place() {
    let house = House::new();
    let token = house.operations();
    house.put(1, 2, "activate").await;
    house.send(&token, "/api/v1/bundles", &bundle(2, 5)).await;
    let told = house.get(&token, "/api/v1/bundles/default/2/diff").await.json();
    assert_eq!((&told["bundle"], &told["against"]), (&json!("default/2"), &json!("default/1")));
    let all = told["differences"].as_array().unwrap();
    assert!(all.contains(&json!({ "kind": "changed", "pointer": "/version", "before": 1, "after": 2 })), "{all:?}");
    let amount = all.iter().find(|one| one["pointer"].as_str().unwrap().ends_with("/amount")).unwrap();
    assert_eq!((&amount["before"], &amount["after"]), (&json!("P2D"), &json!("P5D")));
    let none = house.get(&token, "/api/v1/bundles/default/2/diff?against=default/2").await.json();
    assert_eq!(none["differences"], json!([]));
    assert_eq!(house.get(&token, "/api/v1/bundles/default/2/diff?against=default/7").await.status, 404);
}

#[actix_web::test]
async fn a_clock_that_runs_keeps_the_terms_it_began_with() {
    let house = House::new();
    house.put(1, 2, "activate").await;
    let patient = house.patient("p-1");
    let before = house.send(&patient, "/fhir/Communication", &message("p-1")).await.id();
    let running = house.clocks(&before).await;
    let records = house.store.0.lock().unwrap().decisions.clone();
    house.put(2, 5, "activate").await;
    let after = house.send(&patient, "/fhir/Communication", &message("p-1")).await.id();

    assert_eq!(house.clocks(&before).await, running, "nothing that was promised or used is written anew");
    let next = house.clocks(&after).await;
    assert_ne!(running["target"], next["target"]);
    assert!(next["dueAt"].as_str() > running["dueAt"].as_str());
    assert_eq!(house.store.0.lock().unwrap().decisions[..records.len()], records[..]);
    let reply = json!({ "resourceType": "Communication", "status": "completed",
        "inResponseTo": [{ "reference": format!("Communication/{before}") }],
        "subject": { "reference": "Patient/p-1" }, "recipient": [{ "reference": "Patient/p-1" }],
        "sender": { "reference": "Practitioner/nurse" }, "payload": [{ "contentString": "Done." }] });
    assert_eq!(house.send(&house.nurse(), "/fhir/Communication", &reply).await.status, 201);
    let met = house.clocks(&before).await;
    assert_eq!(
        (&met["state"], &met["terms"], &met["promisedAt"]),
        (&json!("met"), &running["terms"], &running["promisedAt"])
    );
}

#[actix_web::test]
async fn an_instant_to_come_is_waited_for_and_one_that_has_passed_is_refused() {
    let house = House::new();
    let token = house.operations();
    house.put(1, 2, "activate").await;
    house.send(&token, "/api/v1/bundles", &bundle(2, 5)).await;
    let path = "/api/v1/bundles/default/2/activate";
    let later = house.clock.now().checked_add(jiff::SignedDuration::from_hours(5)).unwrap();
    let waits = house.send(&token, path, &json!({ "effectiveFrom": later.to_string() })).await;
    assert_eq!((waits.status, waits.json()["state"].as_str()), (200, Some("scheduled")), "{}", waits.text);
    assert_eq!(pairs(&house.states().await), [(1, "active"), (2, "scheduled")]);
    for (body, pointer) in [
        (json!({ "effectiveFrom": "2020-01-01T00:00:00Z" }), "/effectiveFrom"),
        (json!({ "effectiveFrom": "soon" }), "/effectiveFrom"),
        (json!({ "cancelRunning": "because" }), "/cancelRunning"),
        (json!({ "from": 1 }), ""),
        (json!([]), ""),
    ] {
        let refused = house.send(&token, path, &body).await;
        assert_eq!((refused.status, refused.json()["issues"][0]["pointer"].as_str()), (422, Some(pointer)), "{body}");
    }
    assert_eq!(house.step(2, "retire").await.json()["state"], "retired", "taken back");
}

#[actix_web::test]
async fn a_bundle_in_shadow_is_recorded_beside_the_live_one_and_has_no_other_effect() {
    let (plain, house) = (House::new(), House::new());
    plain.put(1, 2, "activate").await;
    house.put(1, 2, "activate").await;
    house.put(2, 5, "shadow").await;
    for house in [&plain, &house] {
        let sent = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await;
        assert_eq!(sent.status, 201);
    }
    let told = |house: &House| {
        let rows = house.store.0.lock().unwrap();
        rows.decisions.iter().map(|row| serde_json::from_str(&row.body).unwrap()).collect::<Vec<Value>>()
    };
    let (alone, both) = (told(&plain), told(&house));
    assert_eq!((alone.len(), both.len()), (1, 2));
    assert_eq!((&both[0]["mode"], &both[0]["bundle"]), (&json!("live"), &json!("default/1")));
    assert_eq!((&both[1]["mode"], &both[1]["bundle"]), (&json!("shadow"), &json!("default/2")));
    assert_eq!(both[0]["focus"], both[1]["focus"]);
    assert_ne!(both[0]["id"], both[1]["id"]);
    assert!(both[1]["clocks"][0]["dueAt"].as_str() > both[0]["clocks"][0]["dueAt"].as_str());
    for (place, mode) in ["live", "shadow"].into_iter().enumerate() {
        let listed = house.get(&house.machine(), &format!("/api/v1/decisions?mode={mode}")).await.json();
        assert_eq!(listed["decisions"], json!([both[place]]));
        let path = format!("/api/v1/decisions/{}/explain", both[place]["id"].as_str().unwrap());
        let english = house.get(&house.machine(), &path).await.json();
        assert!(english["text"].as_str().unwrap().starts_with("Received "), "{english}");
        assert_eq!(english["detail"].as_str().unwrap().contains("in shadow"), mode == "shadow");
        let spanish = house.get(&house.machine(), &format!("{path}?language=es-MX")).await.json();
        assert_eq!(spanish["language"], "es");
        let asked = with(TestRequest::get(), &house.machine()).uri(&path).insert_header(("accept-language", "es, en"));
        assert_eq!(house.ask(asked).await.json()["text"], spanish["text"]);
    }
    assert_eq!(house.get(&house.machine(), "/api/v1/decisions?mode=dark").await.status, 400);
    let thread = both[0]["focus"]["id"].as_str().unwrap();
    let clocks = house.clocks(thread).await;
    assert_eq!(clocks["dueAt"], both[0]["clocks"][0]["dueAt"], "what is owed is owed under the one in force");
    let count = |house: &House| house.store.0.lock().unwrap().sizes();
    assert_eq!(count(&plain), count(&house), "the same rows otherwise");
}

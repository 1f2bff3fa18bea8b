//! The whole interface over a store in memory, with real tokens.

mod memory;

use std::sync::Arc;

use actix_web::body::MessageBody as _;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use domain::id::TenantId;
use domain::time::TimeSource as _;
use serde_json::{Value, json};

use self::memory::Memory;
use crate::auth::forge::MovableClock;
use crate::auth::{Authenticator, DevelopmentClaims, DevelopmentIssuer};
use crate::serve::{Shared, app};
use crate::state::AppState;

const BASE: &str = "http://localhost:8080/fhir";

/// The interface, its store and its issuer.
struct House {
    shared: Shared,
    store: Arc<Memory>,
    issuer: DevelopmentIssuer,
    clock: Arc<MovableClock>,
}

/// An answer taken apart.
struct Answered {
    status: u16,
    headers: actix_web::http::header::HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

impl House {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("postern-interface-{}-{number}.key", std::process::id()));
        let issuer = DevelopmentIssuer::load_or_create(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let (store, clock) = (Arc::new(Memory::default()), MovableClock::friday());
        let state = Arc::new(state(&issuer, store.clone(), clock.clone()));
        Self { shared: Shared::new(state), store, issuer, clock }
    }

    fn state(&self) -> AppState {
        state(&self.issuer, self.store.clone(), self.clock.clone())
    }

    fn token(&self, user: Option<&str>, patient: Option<&str>, pools: &[&str], scope: &str) -> String {
        let claims = DevelopmentClaims {
            sub: user.unwrap_or("machine").to_owned(),
            client_id: "test".to_owned(),
            scope: scope.to_owned(),
            patient: patient.map(str::to_owned),
            fhir_user: user.map(str::to_owned),
            pools: pools.iter().map(|pool| (*pool).to_owned()).collect(),
            ..DevelopmentClaims::default()
        };
        self.issuer.mint(&claims, self.clock.now(), 3600).unwrap()
    }

    fn patient(&self, id: &str) -> String {
        self.token(Some(&format!("Patient/{id}")), Some(id), &[], "patient/*.crs")
    }

    fn nurse(&self) -> String {
        self.token(Some("Practitioner/nurse"), None, &["default"], "user/*.crus")
    }

    fn machine(&self) -> String {
        self.token(None, None, &[], "system/*.crus postern/admin.read")
    }

    async fn ask(&self, request: TestRequest) -> Answered {
        let service = init_service(app(self.shared.clone())).await;
        let answered: ServiceResponse = match actix_web::test::try_call_service(&service, request.to_request()).await {
            Ok(answered) => answered.map_into_boxed_body(),
            // As the server itself does with what falls through every layer.
            Err(error) => {
                let answer = error.as_response_error().error_response();
                ServiceResponse::new(TestRequest::default().to_http_request(), answer)
            }
        };
        let (status, headers) = (answered.status().as_u16(), answered.headers().clone());
        let body: Bytes = actix_web::body::to_bytes(answered.into_body().boxed()).await.unwrap();
        Answered { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, token: &str, path: &str) -> Answered {
        self.ask(with(TestRequest::get(), token).uri(path)).await
    }

    async fn send(&self, token: &str, path: &str, body: &Value) -> Answered {
        self.ask(post(token, path, body)).await
    }
}

fn state(issuer: &DevelopmentIssuer, store: Arc<Memory>, clock: Arc<MovableClock>) -> AppState {
    let issuers = vec![issuer.config(&TenantId::new("default"))];
    let authenticator = Authenticator::new(issuers, BASE, clock.clone()).unwrap();
    AppState::new(store, clock, authenticator, BASE)
}

fn with(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {token}")))
}

fn post(token: &str, path: &str, body: &Value) -> TestRequest {
    let typed = with(TestRequest::post(), token).uri(path).insert_header(("Content-Type", "application/fhir+json"));
    typed.set_payload(body.to_string())
}

fn message(patient: &str) -> Value {
    json!({ "resourceType": "Communication", "status": "in-progress", "subject": { "reference": format!("Patient/{patient}") },
        "sender": { "reference": format!("Patient/{patient}") }, "payload": [{ "contentString": "Please renew my inhaler." }] })
}

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
    let done: Vec<_> = rows.audit.iter().map(|row| row.interaction).collect();
    for interaction in ["create", "read", "vread", "search-type", "$claim", "list-clocks", "read-decision"] {
        assert!(done.contains(&interaction), "{interaction} is not in {done:?}");
    }
}

#[actix_web::test]
async fn every_route_but_the_public_ones_asks_for_a_token() {
    let house = House::new();
    let document: Value = serde_json::from_str(&crate::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let uri = path.replace("{id}", "x").replace("{version}", "1");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            for token in [None, Some("Bearer x.y.z"), Some("Basic eDp5")] {
                let request = TestRequest::with_uri(&uri).method(method.clone());
                let request =
                    token.into_iter().fold(request, |request, token| request.insert_header(("Authorization", token)));
                let answered = house.ask(request).await;
                if operation.get("security").is_some() {
                    assert_eq!(answered.status, 401, "{method} {uri}");
                    assert!(answered.header("www-authenticate").starts_with("Bearer"));
                } else {
                    assert_eq!(answered.status, 200, "{method} {uri}");
                }
            }
        }
    }
    for (method, uri) in [
        ("GET", "/nowhere"),
        ("OPTIONS", "/fhir/Communication"),
        ("HEAD", "/fhir/Communication"),
        ("GET", "//fhir"),
        ("GET", "/fhir/../api/v1/bundles"),
        ("GET", "/%2e%2e/fhir"),
        ("GET", "/metrics"),
        ("POST", "/livez"),
        ("DELETE", "/fhir/metadata"),
    ] {
        let request = TestRequest::with_uri(uri).method(Method::from_bytes(method.as_bytes()).unwrap());
        assert_eq!(house.ask(request).await.status, 401, "{method} {uri}");
    }
}

#[actix_web::test]
async fn whatever_is_wrong_is_told_in_the_words_of_the_interface() {
    let house = House::new();
    let token = house.machine();
    let told = |answered: &Answered, status: u16, code: &str| {
        assert_eq!(
            (answered.status, answered.json()["issue"][0]["code"].as_str()),
            (status, Some(code)),
            "{}",
            answered.text
        );
        assert_eq!(answered.header("x-content-type-options"), "nosniff");
        assert_eq!(answered.header("cache-control"), "no-store");
        assert!(answered.header("content-security-policy").contains("default-src 'none'"));
        assert_eq!(answered.header("referrer-policy"), "no-referrer");
        assert!(!answered.headers.contains_key("server") && answered.headers.contains_key("x-request-id"));
    };
    told(&house.get(&token, "/fhir/Patient/1").await, 404, "not-found");
    told(&house.get(&token, "/fhir/Communication/none").await, 404, "not-found");
    told(&house.get(&token, "/fhir/Communication/a%20b").await, 404, "not-found");
    told(&house.get(&token, "/fhir/Communication/none/_history/x").await, 404, "not-found");
    told(&house.get(&token, "/fhir/Communication?nothing=1").await, 400, "not-supported");
    told(&house.get(&token, "/fhir/Communication?access_token=x").await, 400, "login");
    told(&house.get(&token, "/fhir/Communication?_format=xml").await, 406, "not-supported");
    let method = house.ask(with(TestRequest::delete(), &token).uri("/fhir/Communication/x")).await;
    told(&method, 405, "not-supported");
    assert_eq!(method.header("allow"), "GET, HEAD");
    told(&house.ask(post(&token, "/fhir/Communication", &json!({ "resourceType": "Task" }))).await, 400, "structure");
    told(&house.ask(post(&token, "/fhir/Communication", &json!(1)).set_payload("{")).await, 400, "structure");
    told(
        &house.ask(post(&token, "/fhir/Communication", &json!({})).insert_header(("Content-Type", "text/xml"))).await,
        415,
        "not-supported",
    );
    told(
        &house.ask(post(&token, "/fhir/Communication", &json!({})).insert_header(("Content-Encoding", "gzip"))).await,
        415,
        "not-supported",
    );
    told(&house.ask(post(&token, "/fhir/Communication", &json!("x".repeat(1 << 20)))).await, 413, "too-long");
    let encodings =
        with(TestRequest::get(), &token).uri("/fhir/Communication").insert_header(("Accept-Encoding", "identity;q=0"));
    told(&house.ask(encodings).await, 406, "not-supported");
    house.store.0.lock().unwrap().down = true;
    let down = house.get(&token, "/fhir/Communication/x").await;
    told(&down, 503, "transient");
    assert!(down.headers.contains_key("retry-after") && !down.text.contains("gone"));
    let unready = house.ask(TestRequest::get().uri("/readyz")).await;
    assert_eq!((unready.status, unready.json()["checks"]["store"].as_str()), (503, Some("failing")));
    let problem = house.get(&token, "/api/v1/nothing").await;
    assert_eq!((problem.status, problem.header("content-type")), (404, "application/problem+json"));
    for bad in ["/api/v1/decisions?limit=x", "/api/v1/decisions?other=1", "/api/v1/clocks"] {
        assert_eq!(house.get(&token, bad).await.status, 400, "{bad}");
    }
}

#[actix_web::test]
async fn a_panic_is_an_answer_like_any_other() {
    let house = House::new();
    house.store.0.lock().unwrap().bursts = true;
    let burst = house.get(&house.machine(), "/fhir/Communication/x").await;
    assert_eq!((burst.status, burst.json()["issue"][0]["code"].as_str()), (500, Some("exception")));
    assert!(!burst.text.contains("Canary") && burst.headers.contains_key("x-request-id"));
    assert_eq!(burst.header("x-content-type-options"), "nosniff");
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
async fn a_body_that_drips_is_cut_off_and_the_server_drains() {
    use std::io::{Read as _, Write as _};
    let house = House::new();
    let mut state = house.state();
    state.limits.time = std::time::Duration::from_millis(200);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = crate::server(Arc::new(state), listener, 1).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    let token = house.machine();
    let answered = tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /fhir/Communication HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; 4096];
        let length = stream.read(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).into_owned()
    });
    let answer = answered.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    handle.stop(true).await;
    assert!(std::net::TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[actix_web::test]
async fn nobody_writes_or_reads_in_anothers_name() {
    let house = House::new();
    let (one, two) = (house.patient("p-1"), house.patient("p-2"));
    let id = house.send(&one, "/fhir/Communication", &message("p-1")).await.id();
    let missing = house.get(&two, "/fhir/Communication/00000000-0000-7000-8000-000000000000").await;
    for path in [format!("/fhir/Communication/{id}"), format!("/fhir/Communication/{id}/_history/1")] {
        let hidden = house.get(&two, &path).await;
        assert_eq!((hidden.status, &hidden.text), (404, &missing.text));
    }
    assert!(house.get(&two, "/fhir/Communication?patient=p-1").await.json().get("entry").is_none());
    assert_eq!(house.send(&two, "/fhir/Communication", &message("p-1")).await.status, 403);
    let mut foreign = message("p-2");
    foreign["subject"]["reference"] = "Patient/p-1".into();
    assert_eq!(house.send(&two, "/fhir/Communication", &foreign).await.status, 403);
    foreign["subject"]["reference"] = "Patient/p-2".into();
    foreign["recipient"] = json!([{ "reference": "Patient/p-1" }]);
    assert_eq!(house.send(&two, "/fhir/Communication", &foreign).await.status, 403);
    let mut intruding = message("p-2");
    intruding["inResponseTo"] = json!([{ "reference": format!("Communication/{id}") }]);
    let mut lost = message("p-2");
    lost["inResponseTo"] = json!([{ "reference": "Communication/none" }]);
    let (intruded, astray) = (
        house.send(&two, "/fhir/Communication", &intruding).await,
        house.send(&two, "/fhir/Communication", &lost).await,
    );
    assert_eq!((intruded.status, &intruded.text), (422, &astray.text), "there is no telling whether it exists");
    assert_eq!(house.get(&one, "/api/v1/decisions").await.status, 403);
    let curious = house.get(&one, "/fhir/Task?business-status=on-track").await;
    assert_eq!(curious.status, 400, "the team's part of a Task is not searched by patients");
    let narrow = house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/Communication.s");
    assert_eq!(house.get(&narrow, &format!("/fhir/Communication/{id}")).await.status, 403);
    assert_eq!(house.get(&narrow, "/fhir/Communication/none").await.status, 403, "scopes come before existence");
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

#[actix_web::test]
async fn clients_say_what_they_have_and_what_they_want() {
    let house = House::new();
    let token = house.patient("p-1");
    let asked = |prefer: &str| {
        post(&token, "/fhir/Communication", &message("p-1")).insert_header(("Prefer", prefer.to_owned()))
    };
    let minimal = house.ask(asked("return=minimal")).await;
    assert_eq!((minimal.status, minimal.text.as_str()), (201, ""));
    let outcome = house.ask(asked("return=OperationOutcome")).await;
    assert_eq!((outcome.status, outcome.json()["resourceType"].as_str()), (201, Some("OperationOutcome")));
    let id = house.ask(asked("return=representation")).await.id();
    let path = format!("/fhir/Communication/{id}");
    let same = house.ask(with(TestRequest::get(), &token).uri(&path).insert_header(("If-None-Match", "W/\"1\""))).await;
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", "W/\"1\""));
    let alias =
        house.ask(with(TestRequest::get(), &token).uri(&path).insert_header(("Accept", "application/json"))).await;
    assert_eq!((alias.status, alias.header("content-type")), (200, "application/json; charset=utf-8"));
    let form = with(TestRequest::post(), &token).uri("/fhir/Communication/_search");
    let form =
        form.insert_header(("Content-Type", "application/x-www-form-urlencoded")).set_payload("patient=p-1&_count=1");
    let found = house.ask(form).await;
    assert_eq!((found.status, found.json()["entry"].as_array().map(Vec::len)), (200, Some(1)), "{}", found.text);
    let lenient = with(TestRequest::get(), &token)
        .uri("/fhir/Communication?nothing=1")
        .insert_header(("Prefer", "handling=lenient"));
    assert_eq!(house.ask(lenient).await.status, 200);
    let head = house.ask(with(TestRequest::default().method(Method::HEAD), &token).uri(&path)).await;
    assert_eq!((head.status, head.header("etag")), (200, "W/\"1\""));
    let capability = house.ask(TestRequest::get().uri("/fhir/metadata")).await;
    let tag = capability.header("etag").to_owned();
    let known = house.ask(TestRequest::get().uri("/fhir/metadata").insert_header(("If-None-Match", tag))).await;
    assert_eq!((capability.status, known.status), (200, 304));
    let named = house.ask(TestRequest::get().uri("/livez").insert_header(("X-Request-Id", "abc-1"))).await;
    assert_eq!(named.header("x-request-id"), "abc-1");
    let page = house.ask(TestRequest::get().uri("/docs/swagger-initializer.js")).await;
    assert!(page.status == 200 && page.text.contains("/openapi.json"));
}

//! What is refused, and in which words.

use serde_json::{Value, json};

use super::*;

#[actix_web::test]
async fn j20_every_route_but_the_public_ones_asks_for_a_token() {
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
        ("GET", "/fhir/$everything"),
        ("GET", "/fhir//metadata"),
        ("POST", "/livez"),
        ("DELETE", "/fhir/metadata"),
    ] {
        let request = TestRequest::with_uri(uri).method(Method::from_bytes(method.as_bytes()).unwrap());
        assert_eq!(house.ask(request).await.status, 401, "{method} {uri}");
    }
}

#[actix_web::test]
async fn j17_a_token_counts_in_the_authorization_header_alone() {
    let house = House::new();
    let token = house.machine();
    let query = TestRequest::get().uri(&format!("/fhir/Communication?access_token={token}"));
    assert_eq!(house.ask(query).await.status, 400);
    let both = with(TestRequest::get(), &token).uri(&format!("/fhir/Communication?access_token={token}"));
    assert_eq!(house.ask(both).await.status, 400);
    let form = |request: TestRequest| {
        let typed = request.insert_header(("Content-Type", "application/x-www-form-urlencoded"));
        typed.uri("/fhir/Communication/_search").set_payload(format!("access_token={token}"))
    };
    assert_eq!(house.ask(form(TestRequest::post())).await.status, 401);
    assert_eq!(house.ask(form(with(TestRequest::post(), &token))).await.status, 400, "not a parameter of searches");
    let cookie = TestRequest::get().uri("/fhir/Communication");
    let cookie = cookie.insert_header(("Cookie", format!("access_token={token}; Authorization=Bearer {token}")));
    assert_eq!(house.ask(cookie).await.status, 401);
    let twice = with(TestRequest::get(), &token).append_header(("Authorization", format!("Bearer {token}")));
    assert_eq!(house.ask(twice.uri("/fhir/Communication")).await.status, 400);
    for scheme in ["bearer", "BEARER"] {
        let request = TestRequest::get().uri("/fhir/Communication");
        let request = request.insert_header(("Authorization", format!("{scheme}  {token}")));
        assert_eq!(house.ask(request).await.status, 200, "{scheme}");
    }
}

#[actix_web::test]
async fn j1_whoever_is_refused_is_not_told_why() {
    let house = House::new();
    let good = house.machine();
    let (signed, _) = good.rsplit_once('.').unwrap();
    let expired = {
        let token = house.machine();
        house.clock.advance(7200);
        token
    };
    let mut answers = vec![];
    for token in ["x", "a.b.c", &format!("{signed}."), &format!("{signed}.AAAA"), &expired] {
        let answered = house.get(token, "/fhir/Communication").await;
        assert_eq!(answered.status, 401, "{token}");
        assert_eq!(answered.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        answers.push(answered.text);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "the same words whatever is wrong: {answers:?}");
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
    let method = house.ask(with(TestRequest::delete(), &token).uri("/fhir/Task/x")).await;
    told(&method, 405, "not-supported");
    assert_eq!(method.header("allow"), "GET, PUT, PATCH, HEAD");
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
async fn s5_nobody_writes_or_reads_in_anothers_name() {
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

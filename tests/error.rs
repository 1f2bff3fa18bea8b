//! Errors: one table, in the words of the interface that was asked, the framework's own included.

mod malformed;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::client::Reply;
use crate::house::House;
use crate::people::{engine, patient, refill};

on_both!(house:
    every_error_of_the_fhir_interface_is_an_operation_outcome,
    every_error_of_the_administration_is_a_problem_document,
    an_unknown_address_is_told_only_to_those_who_may_ask,
    every_answer_carries_the_headers_that_keep_browsers_from_harm,
    what_is_no_http_is_refused_and_the_connection_closed,
    d11_no_second_request_is_smuggled_behind_the_first,
    d10_whoever_is_slow_is_cut_off_and_keeps_nobody_waiting,
    d10_idle_connections_and_readers_who_do_not_read_keep_nobody_waiting,
);

/// Panics unless the answer is an OperationOutcome with that status and first issue code.
#[track_caller]
fn outcome(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("application/fhir+json"), "{}", reply.header("content-type"));
    let issues = reply.issues();
    assert_eq!(issues.first().map(String::as_str), Some(code), "{}", reply.text);
    let remedy = reply.json()["issue"][0]["diagnostics"]
        .as_str()
        .or(reply.json()["issue"][0]["details"]["text"].as_str())
        .map(str::len);
    assert!(remedy.is_some_and(|length| length > 10), "a remedy: {}", reply.text);
}

#[track_caller]
fn problem(reply: &Reply, status: u16) {
    assert_eq!(reply.status, status, "{}", reply.text);
    assert!(reply.header("content-type").starts_with("application/problem+json"), "{}", reply.header("content-type"));
    assert_eq!(reply.json()["status"], status);
}

async fn every_error_of_the_fhir_interface_is_an_operation_outcome(house: &House) {
    let who = patient("p-1001");
    let good = refill("p-1001", "Five left.").to_string();
    let id = house.post(&who, "/fhir/Communication", &good).await.is(201).id();
    for (method, path, status, code) in [
        (Method::GET, "/fhir/Communication/none", 404, "not-found"),
        (Method::GET, "/fhir/Communication/not%20an%20id", 404, "not-found"),
        (Method::GET, "/fhir/Communication/%FF%FE", 404, "not-found"),
        (Method::GET, "/fhir/Communication/a/_history/b", 404, "not-found"),
        (Method::GET, "/fhir/Communication?colour=blue", 400, "not-supported"),
        (Method::GET, "/fhir/Communication?_id=%FF", 400, "invalid"),
        (Method::GET, "/fhir/Communication?_id=%zz", 400, "invalid"),
        (Method::GET, "/fhir/Patient", 404, "not-found"),
        (Method::GET, "/fhir", 405, "not-supported"),
        (Method::GET, "/fhir/", 404, "not-found"),
        (Method::GET, "/fhir/Communication/", 404, "not-found"),
        (Method::DELETE, "/fhir/Communication", 400, "required"),
        (Method::DELETE, "/fhir/Task", 405, "not-supported"),
        (Method::DELETE, "/fhir/Task/x", 405, "not-supported"),
        (Method::GET, "/fhir/Task/x/$claim", 405, "not-supported"),
        (Method::POST, "/fhir/Task", 405, "not-supported"),
        (Method::POST, "/fhir/Task/none/$claim", 403, "forbidden"),
    ] {
        let reply = house.ask(method.clone(), path).by(&crate::people::scoped(&who, "patient/*.crds")).send().await;
        outcome(&reply, status, code);
        if status == 405 {
            assert!(!reply.header("allow").is_empty(), "{method} {path} says what is allowed");
        }
    }
    let allowed = house.ask(Method::DELETE, "/fhir/Task").by(&who).send().await;
    assert_eq!(allowed.header("allow"), "GET, HEAD");
    let ask = |body: Vec<u8>, type_: &str| {
        house.ask(Method::POST, "/fhir/Communication").by(&who).header("content-type", type_).body(body)
    };
    outcome(&ask(vec![b' '; 3 << 20], "application/fhir+json").send().await, 413, "too-long");
    for type_ in [
        "text/html",
        "application/fhir+xml",
        "multipart/form-data; boundary=x",
        "application/fhir+json; charset=utf-16",
        "application/fhir+json; fhirVersion=5.0",
    ] {
        outcome(&ask(good.clone().into_bytes(), type_).send().await, 415, "not-supported");
    }
    let untyped = house.ask(Method::POST, "/fhir/Communication").by(&who).body(good.clone().into_bytes()).send().await;
    outcome(&untyped, 415, "not-supported");
    let packed = ask(vec![0x1f, 0x8b, 8, 0], "application/fhir+json").header("content-encoding", "gzip").send().await;
    outcome(&packed, 415, "not-supported");
    for accept in ["application/fhir+xml", "text/html", "application/fhir+json;q=0"] {
        let reply = house.ask(Method::GET, &format!("/fhir/Communication/{id}")).by(&who).header("accept", accept);
        outcome(&reply.send().await, 406, "not-supported");
    }
    outcome(&house.ask(Method::GET, "/fhir/Communication").send().await, 401, "login");
    let narrow = crate::people::scoped(&who, "patient/Communication.r");
    outcome(&house.get(&narrow, "/fhir/Communication").await, 403, "forbidden");
}

async fn every_error_of_the_administration_is_a_problem_document(house: &House) {
    problem(&house.ask(Method::GET, "/api/v1/decisions").send().await, 401);
    problem(&house.get(&patient("p-1001"), "/api/v1/decisions").await, 403);
    problem(&house.get(&engine(), "/api/v1/decisions/none").await, 404);
    problem(&house.get(&engine(), "/api/v1/decisions?limit=many").await, 400);
    problem(&house.get(&engine(), "/api/v1/decisions?colour=blue").await, 400);
    problem(&house.get(&engine(), "/api/v1/decisions?focus=x").await, 400);
    let lost = house.get(&engine(), "/api/v1/decisions?outcome=lost").await;
    problem(&lost, 400);
    assert!(lost.text.contains("outcome is one of delivered, ") && lost.text.contains(", blocked."), "{}", lost.text);
    problem(&house.get(&engine(), "/api/v1/clocks").await, 400);
    problem(&house.get(&engine(), "/api/v1/nothing").await, 404);
    problem(&house.ask(Method::POST, "/api/v1/decisions").by(&engine()).send().await, 405);
    problem(&house.ask(Method::POST, "/livez").by(&engine()).send().await, 405);
    problem(&house.get(&engine(), "/nothing").await, 404);
}

async fn an_unknown_address_is_told_only_to_those_who_may_ask(house: &House) {
    for path in ["/fhir/Patient", "/fhir/Communication", "/api/v1/nothing", "/nothing", "/fhir/%6detadata", "/metrics"]
    {
        for method in [Method::GET, Method::POST, Method::OPTIONS, Method::HEAD] {
            let reply = house.ask(method, path).send().await;
            assert_eq!(reply.status, 401, "{path}: {}", reply.text);
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    house.ask(Method::POST, "/fhir/metadata").send().await.is(401);
}

async fn every_answer_carries_the_headers_that_keep_browsers_from_harm(house: &House) {
    let who = patient("p-1001");
    let replies = [
        house.create(&who, &refill("p-1001", "Five left.")).await.is(201),
        house.get(&who, "/fhir/Communication").await.is(200),
        house.get(&who, "/fhir/Communication/none").await.is(404),
        house.ask(Method::GET, "/fhir/Task").send().await.is(401),
        house.ask(Method::GET, "/livez").send().await.is(200),
        house.get(&engine(), "/api/v1/nothing").await.is(404),
        house.ask(Method::DELETE, "/fhir/Task").by(&who).send().await.is(405),
    ];
    for reply in &replies {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("server"), "");
        assert!(!reply.header("x-request-id").is_empty());
    }
    let named = house.ask(Method::GET, "/livez").header("x-request-id", "trace-7").send().await;
    assert_eq!(named.header("x-request-id"), "trace-7");
}

/// Says those bytes on a connection of its own; what comes back until it is closed or, after an answer, falls silent.
fn raw(house: &House, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(house.service().address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; 4096];
    let begun = stream.read(&mut answer).unwrap_or_default();
    answer.truncate(begun);
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let _silent = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

async fn what_is_no_http_is_refused_and_the_connection_closed(house: &House) {
    let both = "POST /fhir/Communication HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let twice = "POST /fhir/Communication HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd";
    for request in [both, twice, "GARBAGE\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let answer = raw(house, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 401"), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "one answer: {answer}");
    }
    house.ask(Method::GET, "/livez").send().await.is(200);
}

/// A POST with that framing, behind whose body stands another request.
fn smuggling(framing: &str, body: &str) -> String {
    let second = "GET /fhir/canary-smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    format!("POST /fhir/Communication HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n{body}{second}")
}

async fn d11_no_second_request_is_smuggled_behind_the_first(house: &House) {
    let chunked = "0\r\n\r\n";
    for (what, request) in [
        ("a length and chunks", smuggling("Content-Length: 5\r\nTransfer-Encoding: chunked", chunked)),
        ("chunks and a length", smuggling("Transfer-Encoding: chunked\r\nContent-Length: 5", chunked)),
        ("two encodings", smuggling("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", chunked)),
        ("an encoding that is none", smuggling("Transfer-Encoding: xchunked", chunked)),
        ("a space before the colon", smuggling("Transfer-Encoding : chunked", chunked)),
        ("a folded encoding", smuggling("Transfer-Encoding:\r\n chunked", chunked)),
        ("a vertical tab in it", smuggling("Transfer-Encoding: \u{b}chunked", chunked)),
        ("two lengths", smuggling("Content-Length: 0\r\nContent-Length: 5", "")),
        ("a list of lengths", smuggling("Content-Length: 0, 5", "")),
        ("a signed length", smuggling("Content-Length: +0", "")),
        ("a length that is none", smuggling("Content-Length: 0x0", "")),
        ("a chunk's length that is none", smuggling("Transfer-Encoding: chunked", "g\r\nabc\r\n0\r\n\r\n")),
        (
            "a chunk's length beyond all bounds",
            smuggling("Transfer-Encoding: chunked", "ffffffffffffffffff\r\nabc\r\n"),
        ),
        (
            "lines that end in LF alone",
            "GET /fhir/Task HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n0\n\n".to_owned(),
        ),
    ] {
        let answer = raw(house, request.as_bytes());
        // What goes wrong within a body ends the connection, whether or not there was an answer before.
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{what}: at most one answer: {answer}");
        let refused = answer.starts_with("HTTP/1.1 400") || answer.starts_with("HTTP/1.1 401");
        assert!(refused || answer.is_empty(), "{what}: {answer}");
    }
    // What says plainly where it ends may be followed by another: each is answered by itself, and no body is a request.
    let extended = smuggling("Transfer-Encoding: chunked", "3;name=value\r\nabc\r\n0\r\n\r\n");
    let plain = smuggling("Content-Length: 27", "GET /inner HTTP/1.1\r\nHost:x");
    for (what, request) in [("a chunk's extension", extended), ("a body like a request", plain)] {
        let answer = raw(house, request.as_bytes());
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 2 && answer.matches("HTTP/1.1 4").count() == answers, "{what}: {answer}");
    }
    house.ask(Method::GET, "/livez").send().await.is(200);
}

async fn d10_whoever_is_slow_is_cut_off_and_keeps_nobody_waiting(house: &House) {
    let address = house.service().address();
    let token = house.token(&patient("p-1001"));
    let starts = [
        "GET /fhir/Task HTTP/1.1\r\nHost: x\r\nX-Slow: ".to_owned(),
        "GET".to_owned(),
        format!("GET /fhir/Task HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX-Slow: "),
    ];
    let drip = move |start: String| {
        std::thread::spawn(move || {
            let began = std::time::Instant::now();
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
            stream.write_all(start.as_bytes()).unwrap();
            let mut answer = Vec::new();
            let mut buffer = [0; 1024];
            while began.elapsed() < Duration::from_secs(20) {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => answer.extend_from_slice(&buffer[..read]),
                    Err(error)
                        if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) =>
                    {
                        if stream.write_all(b"a").is_err() {
                            break;
                        }
                    }
                    Err(_) => break,
                }
            }
            (began.elapsed(), String::from_utf8_lossy(&answer).into_owned())
        })
    };
    let slow: Vec<_> = starts.into_iter().map(drip).collect();
    // Meanwhile others are answered.
    for _ in 0..20 {
        house.get(&patient("p-1001"), "/fhir/Communication").await.is(200);
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    for slow in slow {
        let joined = actix_web::rt::task::spawn_blocking(move || slow.join().unwrap());
        let (took, answer) = joined.await.unwrap();
        assert!(took < Duration::from_secs(15), "{took:?}: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

async fn d10_idle_connections_and_readers_who_do_not_read_keep_nobody_waiting(house: &House) {
    let address = house.service().address();
    let idle: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(address).unwrap()).collect();
    // Whoever asks for much and reads nothing of it.
    let page = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50);
    let deaf: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
            let _as_far_as_it_is_taken = stream.write_all(page.as_bytes());
            stream
        })
        .collect();
    let began = std::time::Instant::now();
    for _ in 0..10 {
        house.ask(Method::GET, "/livez").send().await.is(200);
        house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    drop((idle, deaf));
}

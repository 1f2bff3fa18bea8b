//! No person's words, names or identifiers in logs and figures, not even at the most talkative level.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::people::{engine, nurse, patient, refill, reply, scoped, staff};
use crate::place::Place;
use crate::program::Program;

on_both!(place: what_people_write_is_in_no_log_no_trace_and_no_figure);

async fn what_people_write_is_in_no_log_no_trace_and_no_figure(place: &Place) {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let program = Program::serve(place, &[("POSTERN_LOG", "trace"), ("POSTERN_OTLP_ENDPOINT", &endpoint)]);
    let client = program.client();
    let who = patient("canary-patient");
    let mut body = refill("canary-patient", "canary-text: chest pain");
    body["topic"]["text"] = json!("canary-topic");
    body["identifier"] = json!([{ "system": "urn:mrn", "value": "canary-mrn" }]);
    body["subject"]["display"] = json!("canary-name");
    body["payload"] = json!([
        body["payload"][0].clone(),
        { "contentAttachment": { "contentType": "image/png", "url": "Binary/b-1", "title": "canary-title.png" } }
    ]);
    let sent = client.create(&who, &body).await.is(201).id();
    client.get(&who, &format!("/fhir/Communication/{sent}")).await.is(200);
    client.get(&engine(), "/fhir/Communication?identifier=urn:mrn|canary-mrn").await.is(200);
    client.get(&engine(), "/fhir/Communication?patient=canary-patient&colour=canary-parameter").await.is(400);
    client
        .ask(Method::POST, "/fhir/Communication/_search")
        .by(&engine())
        .form("patient=canary-patient")
        .send()
        .await
        .is(200);
    client.create(&nurse(), &reply("canary-patient", &sent, "canary-answer")).await.is(201);
    let conditional =
        client.ask(Method::POST, "/fhir/Communication").by(&who).header("if-none-exist", "identifier=canary-mrn");
    conditional.fhir(&body.to_string()).send().await.is(200);
    // What goes wrong is the likeliest to be repeated.
    for bad in [
        "{\"canary-member\": \"canary-value\"".to_owned(),
        body.to_string().replace("in-progress", "canary-status"),
        body.to_string().replace("\"topic\"", "\"canary-element\""),
        body.to_string().replace("Patient/canary-patient", "canary reference"),
        format!("\"{}\"", "canary-long ".repeat(100)),
    ] {
        let refused = client.post(&who, "/fhir/Communication", &bad).await.is(400);
        assert!(!refused.text.contains("canary-value") && !refused.text.contains("canary-status"), "{}", refused.text);
    }
    client.get(&who, "/fhir/Communication/canary-path").await.is(404);
    client.get(&who, "/fhir/canary-type").await.is(404);
    client.ask(Method::GET, "/fhir/Task?x=canary-query").header("x-request-id", "canary request").send().await.is(401);
    client
        .ask(Method::GET, "/fhir/Task")
        .bearer("canary-token.b.c")
        .header("user-agent", "canary-agent")
        .send()
        .await
        .is(401);
    changed_and_looked_at(&client, &body, &sent).await;
    // One token that is known to the letter, so that it can be looked for.
    let token = client.token(&who);
    client.ask(Method::GET, "/fhir/Communication").bearer(&token).send().await.is(200);
    // The database's own words hold what stands in the statement.
    place.execute("ALTER TABLE search_value RENAME TO search_value_away");
    let failed = client.get(&engine(), "/fhir/Communication?identifier=urn:mrn|canary-mrn").await.is(500);
    assert!(!failed.text.contains("canary"), "{}", failed.text);
    let failed = client.create(&who, &body).await;
    assert!(failed.status >= 500 && !failed.text.contains("canary"), "{}", failed.text);
    place.execute("ALTER TABLE search_value_away RENAME TO search_value");
    let figures = client.ask(Method::GET, &format!("http://{}/metrics", program.metrics)).send().await.is(200).text;
    drop(client);
    program.terminate();
    let (status, log) = program.ended();
    assert!(status.success());
    assert!(log.contains("\"answered\"") && log.len() > 10_000, "the log is there to be looked at");
    let traces = collector.received();
    assert!(traces.contains("/fhir/Communication/{id}"), "the traces are there to be looked at");
    let audit_key = std::fs::read_to_string(place.audit_key()).unwrap();
    let signature = token.rsplit('.').next().unwrap();
    for (where_, text) in [("the log", &log), ("the figures", &figures), ("the traces", &traces)] {
        for secret in ["canary", signature, audit_key.trim()] {
            let found: Vec<&str> = text.lines().filter(|line| line.contains(secret)).take(3).collect();
            assert!(found.is_empty(), "{where_}: {found:#?}");
        }
    }
    for series in ["postern_", "route="] {
        assert!(figures.contains(series), "{figures}");
    }
    assert!(figures.contains("/fhir/Communication/{id}") && !figures.contains(&sent), "templates, never ids");
}

/// The ways in which a message is changed, looked at and sent along with others.
async fn changed_and_looked_at(client: &Client, body: &Value, sent: &str) {
    let who = patient("canary-patient");
    let mut draft = body.clone();
    draft["status"] = json!("preparation");
    draft["identifier"][0]["value"] = json!("canary-draft");
    let kept = client.create(&who, &draft).await.is(201);
    let path = format!("/fhir/Communication/{}", kept.id());
    let mut next = kept.json();
    next["payload"][0]["contentString"] = json!("canary-next");
    client.put(&who, &path, &next).await.is(200);
    let edits = json!([{ "op": "replace", "path": "/payload/0/contentString", "value": "canary-patched" }]);
    let ask = client.ask(Method::PATCH, &path).by(&who).header("content-type", "application/json-patch+json");
    ask.body(edits.to_string().into_bytes()).send().await.is(200);
    let edits = json!([{ "op": "test", "path": "/canary-pointer", "value": "canary-tested" }]);
    let ask = client.ask(Method::PATCH, &path).by(&who).header("content-type", "application/json-patch+json");
    let refused = ask.body(edits.to_string().into_bytes()).send().await;
    assert!(matches!(refused.status, 400 | 422) && !refused.text.contains("canary-tested"), "{}", refused.text);
    client.get(&who, &format!("{path}/_history")).await.is(200);
    client.get(&nurse(), "/fhir/_history?_since=2020-01-01T00:00:00Z").await.is(200);
    client.get(&nurse(), "/fhir/Communication/$inbox").await.is(200);
    client.get(&who, &format!("/fhir/Communication/{sent}/$thread")).await.is(200);
    let glass = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "patient", "valueString": "Patient/canary-patient" }, { "name": "reason", "valueCode": "danger" }
    ] });
    let far = staff("Practitioner/canary-doctor", &[]);
    let seen = client.post(&far, "/fhir/Communication/$break-glass", &glass.to_string()).await.is(200);
    assert!(seen.text.contains("canary-text"));
    client.post(&who, "/fhir/Communication/$preflight", &body.to_string()).await.is(200);
    client.post(&who, "/fhir/Communication/$validate", &body.to_string()).await.is(200);
    for (kind, url) in
        [("batch", "Communication?identifier=canary-batch"), ("transaction", "Communication?identifier=canary-other")]
    {
        let mut another = body.clone();
        another["identifier"][0]["value"] = json!(format!("canary-{kind}"));
        let entries = json!([
            { "fullUrl": "urn:uuid:3f6c3d55-5b7e-4f3e-9a52-2f6a3b1c0001", "resource": another,
              "request": { "method": "POST", "url": "Communication" } },
            { "request": { "method": "GET", "url": url } },
        ]);
        let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
        client.post(&who, "/fhir", &bundle.to_string()).await.is(200);
    }
    let administrator = scoped(&engine(), "postern/admin.read postern/admin.write");
    let mut policy: Value = serde_json::from_str(&server::clinic::bundle().unwrap().canonical()).unwrap();
    policy["version"] = json!(2);
    policy["canary-member"] = json!("canary-policy");
    let refused = client.post(&administrator, "/api/v1/bundles", &policy.to_string()).await;
    assert!(matches!(refused.status, 400 | 422) && !refused.text.contains("canary-policy"), "{}", refused.text);
}

/// A collector of traces: it takes what is sent and keeps it.
struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Collector {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(vec![]));
        let keep = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (Ok(mut stream), keep) = (stream, Arc::clone(&keep)) else { break };
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
                    let (mut request, mut buffer) = (vec![], vec![0; 65536]);
                    while let Ok(read) = stream.read(&mut buffer) {
                        if read == 0 {
                            break;
                        }
                        request.extend_from_slice(&buffer[..read]);
                        keep.lock().unwrap().extend_from_slice(&buffer[..read]);
                        if is_whole(&request) {
                            request.clear();
                            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").unwrap();
                        }
                    }
                });
            }
        });
        Self { address, received }
    }

    fn received(&self) -> String {
        String::from_utf8_lossy(&self.received.lock().unwrap()).into_owned()
    }
}

/// Whether a request has come to its end, by the length that it says.
fn is_whole(request: &[u8]) -> bool {
    let Some(head) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    request.len() >= head + 4 + length.unwrap_or(0)
}

//! No person's words, names or identifiers in logs and figures, not even at the most talkative level.

use reqwest::Method;
use serde_json::json;

use crate::people::{engine, nurse, patient, refill, reply};
use crate::place::Place;
use crate::program::Program;

on_both!(place: what_people_write_is_in_no_log_and_no_figure);

async fn what_people_write_is_in_no_log_and_no_figure(place: &Place) {
    let program = Program::serve(place, &[("POSTERN_LOG", "trace")]);
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
    let figures = client.ask(Method::GET, &format!("http://{}/metrics", program.metrics)).send().await.is(200).text;
    drop(client);
    program.terminate();
    let (status, log) = program.ended();
    assert!(status.success());
    assert!(log.contains("\"answered\"") && log.len() > 10_000, "the log is there to be looked at");
    for (where_, text) in [("the log", &log), ("the figures", &figures)] {
        let found: Vec<&str> = text.lines().filter(|line| line.contains("canary")).take(3).collect();
        assert!(found.is_empty(), "{where_}: {found:#?}");
    }
    for series in ["postern_", "route="] {
        assert!(figures.contains(series), "{figures}");
    }
    assert!(figures.contains("/fhir/Communication/{id}") && !figures.contains(&sent), "templates, never ids");
}

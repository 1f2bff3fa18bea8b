//! Messages that were not meant: retracted by whoever may, hidden from whoever has no right to what they said.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::client::Reply;
use crate::house::House;
use crate::people::{LEAD, engine, following, nurse, patient, proxy, refill, reply, staff};

on_both!(house:
    b26_what_a_message_in_error_began_falls_away_and_its_words_are_hidden_everywhere,
    only_the_author_a_lead_and_a_machine_may_retract,
    a_red_flag_stays_owed_until_a_person_of_the_team_lets_it_go,
    an_answer_that_is_retracted_is_owed_again_as_promised,
    what_another_message_waits_for_stays_owed,
    what_waits_in_a_merged_conversation_is_nothing_that_a_retraction_takes_away,
    what_was_answered_in_another_way_while_it_was_held_waits_for_nothing,
    a_retraction_changes_the_status_and_nothing_else,
);

const SECRET: &str = "Zanzibar";

fn lead() -> DevelopmentClaims {
    staff(LEAD, &["refill", "family"])
}

async fn retract(house: &House, who: &DevelopmentClaims, id: &str) -> Reply {
    let patch = json!([
        { "op": "replace", "path": "/status", "value": "entered-in-error" },
        { "op": "add", "path": "/statusReason", "value": { "coding": [{ "code": "wrong-patient" }] } },
    ]);
    let ask = house.ask(Method::PATCH, &format!("/fhir/Communication/{id}")).by(who);
    ask.header("content-type", "application/json-patch+json").body(patch.to_string().into_bytes()).send().await
}

/// How many versions somebody sees.
async fn versions(house: &House, who: &DevelopmentClaims, path: &str) -> usize {
    let history = house.get(who, &format!("{path}/_history")).await.is(200).json();
    history["entry"].as_array().map_or(0, Vec::len)
}

/// A message of which every member that may hold words does.
fn secret() -> Value {
    let mut body = refill("p-1001", &format!("I am in {SECRET}."));
    body["topic"] = json!({ "text": format!("{SECRET} topic") });
    body["note"] = json!([{ "text": format!("{SECRET} note") }]);
    body["sender"]["display"] = json!(SECRET);
    body["reasonCode"] = json!([{ "text": SECRET }]);
    body["identifier"] = json!([{ "system": "urn:portal", "value": "77" }]);
    let file = json!({ "title": format!("{SECRET}.txt"), "contentType": "text/plain", "data": "QQ==" });
    body["payload"].as_array_mut().unwrap().push(json!({ "contentAttachment": file }));
    body
}

async fn b26_what_a_message_in_error_began_falls_away_and_its_words_are_hidden_everywhere(house: &House) {
    house.at(19, "17:30:00");
    let id = house.create(&patient("p-1001"), &secret()).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    let task = house.task(&id).await;
    assert_eq!(task["status"], "requested");
    assert!(house.get(&nurse(), &path).await.is(200).text.contains(SECRET));

    house.pass(60);
    let gone = retract(house, &patient("p-1001"), &id).await.is(200);
    assert_eq!((gone.header("etag"), &gone.json()["status"]), ("W/\"2\"", &json!("entered-in-error")));
    assert_eq!(gone.json()["statusReason"]["coding"][0]["code"], "wrong-patient");
    let after = house.task(&id).await;
    assert_eq!(
        (&after["status"], &after["businessStatus"]["coding"][0]["code"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
    let clocks = house.get(&engine(), &format!("/api/v1/clocks?thread={id}")).await.is(200).text;
    assert!(clocks.contains("entered-in-error"), "{clocks}");

    // Nobody of the pool finds a word of it, on any way.
    let everywhere = [
        path.clone(),
        format!("{path}/_history"),
        "/fhir/Communication/_history".to_owned(),
        "/fhir/_history".to_owned(),
        format!("/fhir/Communication?_id={id}"),
        format!("/fhir/Communication?thread={id}&_include=*"),
        format!("/fhir/Communication?thread={id}&_revinclude=Task:focus"),
        "/fhir/Task?_include=Task:focus".to_owned(),
        format!("/fhir/Communication?part-of={id}&_include=Communication:part-of"),
    ];
    for who in [nurse(), proxy("rp-1", "p-1001")] {
        for address in &everywhere {
            let seen = house.get(&who, address).await.is(200);
            assert!(!seen.text.contains(SECRET) && !seen.text.contains("QQ=="), "{address}: {}", seen.text);
        }
        house.get(&who, &format!("{path}/_history/1")).await.is(404);
        assert_eq!(house.get(&who, &path).await.is(200).json(), gone.json(), "that it was there is no secret");
        assert_eq!(versions(house, &who, &path).await, 1);
    }
    // Nor by asking for words that it had.
    for probe in [format!("topic:text={SECRET}"), format!("sender:text={SECRET}")] {
        let found = house.get(&nurse(), &format!("/fhir/Communication?{probe}")).await;
        assert!(found.status == 400 || found.is(200).ids().is_empty(), "{probe}");
    }
    // Who wrote it, who leads the pool and the engine see what was written where they saw it before.
    for who in [patient("p-1001"), lead(), engine()] {
        assert!(house.get(&who, &format!("{path}/_history/1")).await.is(200).text.contains(SECRET));
        assert_eq!(versions(house, &who, &path).await, 2);
    }
    // It goes on being found by what identifies it, and a retry of the engine finds it.
    assert_eq!(
        house.get(&nurse(), "/fhir/Communication?identifier=urn:portal|77").await.is(200).ids(),
        std::slice::from_ref(&id)
    );

    // On Monday nobody is told of it, and nothing fires.
    house.at(25, "12:00:00");
    let report = house.work().await;
    assert!(report.delivered.is_empty() && report.fired.is_empty(), "{report:?}");
    assert_eq!(house.place.count("retracted_message", "decision IS NOT NULL"), 1);
    assert_eq!(house.place.count("audit", "interaction = 'patch'"), 1);
}

async fn only_the_author_a_lead_and_a_machine_may_retract(house: &House) {
    for who in [lead(), engine()] {
        let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
        let refused = retract(house, &nurse(), &id).await.is(403);
        assert!(refused.issues() == ["forbidden"] && refused.text.contains("not-the-author"), "{}", refused.text);
        assert!(retract(house, &proxy("rp-1", "p-1001"), &id).await.is(403).text.contains("not-the-author"));
        retract(house, &patient("p-2002"), &id).await.is(404);
        retract(house, &staff("Practitioner/far", &["family"]), &id).await.is(404);
        let reader = crate::people::scoped(&patient("p-1001"), "patient/*.crs");
        retract(house, &reader, &id).await.is(403);
        assert_eq!(house.get(&engine(), &format!("/fhir/Communication/{id}")).await.header("etag"), "W/\"1\"");
        retract(house, &who, &id).await.is(200);
        assert_eq!(house.task(&id).await["status"], "cancelled");
    }
    let mut note = reply("p-1001", "x", "Ask again.");
    note.as_object_mut().unwrap().remove("inResponseTo");
    note["status"] = json!("preparation");
    let draft = house.create(&nurse(), &note).await.is(201).id();
    retract(house, &lead(), &draft).await.is(404);
    let gone = retract(house, &nurse(), &draft).await.is(200).json();
    assert_eq!((&gone["status"], &gone["payload"]), (&json!("entered-in-error"), &Value::Null));
    house.get(&lead(), &format!("/fhir/Communication/{draft}")).await.is(404);
    house.get(&patient("p-1001"), &format!("/fhir/Communication/{draft}")).await.is(404);
}

async fn a_red_flag_stays_owed_until_a_person_of_the_team_lets_it_go(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "I think I am having a stroke.")).await.is(201).id();
    retract(house, &patient("p-1001"), &id).await.is(200);
    let task = house.task(&id).await;
    assert_eq!(task["status"], "requested", "somebody looks at it all the same");
    let record = house.get(&engine(), &format!("/api/v1/decisions?focus=Communication/{id}")).await.is(200).text;
    assert!(record.contains("a red flag is looked at by a person of the team all the same"), "{record}");
    // A lead sees what was written, and may let it go.
    assert!(house.get(&lead(), &format!("/fhir/Communication/{id}/_history/1")).await.is(200).text.contains("stroke"));

    let other = house.create(&patient("p-2002"), &refill("p-2002", "I think I am having a stroke.")).await.is(201).id();
    retract(house, &lead(), &other).await.is(200);
    assert_eq!(house.task(&other).await["status"], "cancelled");
}

async fn an_answer_that_is_retracted_is_owed_again_as_promised(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let before = house.task(&id).await;
    house.at(22, "08:05:00");
    let answer = house.create(&nurse(), &reply("p-1001", &id, "Meant for somebody else.")).await.is(201).id();
    assert_eq!(house.task(&id).await["businessStatus"]["coding"][0]["code"], "met");
    house.pass(60);
    retract(house, &nurse(), &answer).await.is(200);
    let tasks =
        house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{id}&status=requested,accepted")).await.is(200);
    let again = tasks.resources();
    assert_eq!(again.len(), 1, "{}", tasks.text);
    assert_eq!(
        again[0]["restriction"]["period"]["end"], before["restriction"]["period"]["end"],
        "no later than promised"
    );
    assert_ne!(again[0]["id"], before["id"], "what was met stays met");
    let seen = house.get(&patient("p-1001"), &format!("/fhir/Communication/{answer}")).await.is(200);
    assert!(!seen.text.contains("somebody else"), "{}", seen.text);
    house.get(&patient("p-1001"), &format!("/fhir/Communication/{answer}/_history/1")).await.is(404);
    house.create(&nurse(), &reply("p-1001", &id, "Yours is ready.")).await.is(201);
    let over =
        house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{id}&status=requested,accepted")).await.is(200);
    assert!(over.resources().is_empty());
}

async fn what_another_message_waits_for_stays_owed(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let more = house.create(&patient("p-1001"), &following(refill("p-1001", "Four."), &id)).await.is(201).id();
    retract(house, &patient("p-1001"), &id).await.is(200);
    assert_eq!(house.task(&id).await["status"], "requested");
    house.at(22, "08:00:00");
    assert!(!house.work().await.delivered.is_empty(), "the team is told of the other");
    retract(house, &patient("p-1001"), &more).await.is(200);
    assert_eq!(house.task(&id).await["status"], "cancelled");
    // The conversation goes on.
    house.create(&patient("p-1001"), &following(refill("p-1001", "Three."), &more)).await.is(201);
    let open = house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{id}&status=requested")).await.is(200);
    assert_eq!(open.resources().len(), 1, "{}", open.text);
}

async fn a_retraction_changes_the_status_and_nothing_else(house: &House) {
    let made = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).json();
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/fhir/Communication/{id}");
    let put = async |body: &Value, version: &str| {
        let ask = house.ask(Method::PUT, &path).by(&patient("p-1001"));
        ask.header("if-match", version).fhir(&body.to_string()).send().await
    };
    let mut wanted = made.clone();
    wanted["status"] = json!("entered-in-error");
    wanted["payload"][0]["contentString"] = json!("Another.");
    let refused = put(&wanted, "*").await.is(422);
    assert_eq!(refused.json()["issue"][0]["expression"][0], "Communication.payload");
    wanted["payload"] = made["payload"].clone();
    assert_eq!(put(&wanted, "W/\"2\"").await.is(412).issues(), ["conflict"]);
    for illegal in ["preparation", "in-progress", "on-hold", "stopped", "not-done", "unknown"] {
        let mut other = made.clone();
        other["status"] = json!(illegal);
        let refused = put(&other, "*").await.is(422);
        assert_eq!(refused.json()["issue"][0]["expression"][0], "Communication.status", "{illegal}");
    }
    let gone = put(&wanted, "W/\"1\"").await.is(200).json();
    // Told again, nothing changes; nothing brings it back.
    assert_eq!(put(&gone, "W/\"2\"").await.is(200).header("etag"), "W/\"2\"");
    let mut back = gone.clone();
    back["status"] = json!("completed");
    put(&back, "*").await.is(422);
    house.ask(Method::DELETE, &path).by(&patient("p-1001")).send().await.is(422);
}

async fn what_waits_in_a_merged_conversation_is_nothing_that_a_retraction_takes_away(house: &House) {
    let asked = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.pass(60);
    let danger = house.create(&patient("p-1001"), &refill("p-1001", "I have chest pain.")).await.is(201).id();
    house.pass(60);
    house.create(&nurse(), &reply("p-1001", &asked, "Yours is ready.")).await.is(201);
    let merged = json!({ "into": asked, "reason": "same-matter" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{danger}/merge"), &merged).await.is(200);
    house.pass(60);
    retract(house, &patient("p-1001"), &asked).await.is(200);
    let owed = format!("thread = '{asked}' AND name = 'next-response' AND state = 'running'");
    assert_eq!(house.place.count("clock", &owed), 1);
    assert_eq!(house.place.count("thread", &format!("id = '{asked}' AND task IS NOT NULL")), 1);
    // What is taken back where it was written ends what it began where that goes on.
    house.pass(60);
    retract(house, &lead(), &danger).await.is(200);
    assert_eq!(house.place.count("clock", &owed), 0);
    assert_eq!(house.place.count("thread", &format!("id = '{asked}' AND task IS NULL")), 1);
}

async fn what_was_answered_in_another_way_while_it_was_held_waits_for_nothing(house: &House) {
    govern(house, |bundle| {
        bundle["limits"] = json!([{ "id": "one", "scope": "sender-thread", "max": 1, "window": "PT24H",
            "onExceed": "hold-for-review" }]);
    })
    .await;
    let root = house.create(&patient("p-1"), &refill("p-1", "One.")).await.is(201).id();
    house.at(19, "11:00:00");
    let last = house.create(&patient("p-1"), &following(refill("p-1", "Two."), &root)).await.is(201).id();
    house.pass(60);
    let review = json!({ "outcome": "answered", "reason": "answered-by-phone" });
    house.post(&staff(LEAD, &[]), &format!("/api/v1/holds/{last}/release"), &review.to_string()).await.is(200);
    let mut late = reply("p-1", &root, "All of it is ready.");
    late["extension"] = json!([{ "url": fhir::canonical::OCCURRED_AT, "valueInstant": "2026-06-19T10:30:00-04:00" }]);
    house.pass(60);
    house.create(&engine(), &late).await.is(201);
    assert_eq!(house.place.count("clock", "name = 'next-response'"), 1);
    assert_eq!(house.place.count("thread", "task IS NULL AND state = 'answered'"), 1);
}

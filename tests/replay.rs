//! Replay: from its bundle and its inputs every stored decision comes out again, byte for byte.

mod again;

use api::auth::DevelopmentClaims;
use domain::access::PatientFacts;
use domain::decision::{Outcome, Record};
use reqwest::Method;
use serde_json::{Value, json};
use server::month::Month;

use crate::boundaries::govern;
use crate::house::House;
use crate::people::{LEAD, nurse, patient, refill, reply, staff};

use again::Replay;

on_both!(house:
    a_seeded_month_of_decisions_replays_to_the_same_bytes,
    what_was_merged_released_and_taken_back_replays_to_the_same_bytes,
);

/// How many messages patients write in this month; their answers and what time fires come on top.
const MESSAGES: usize = 900;

/// The records that are kept, with their bytes, in the order in which they were decided.
fn kept(house: &House) -> Vec<(Record, String)> {
    let bodies = house.place.texts("SELECT body AS value FROM decision").into_iter();
    let mut records: Vec<(Record, String)> = bodies.map(|body| (serde_json::from_str(&body).unwrap(), body)).collect();
    // In one second the workers look before messages are sent, at holds first; of a conversation nothing else falls into
    // one second.
    let rank = |record: &Record| match record.outcome {
        Outcome::Released => 0,
        Outcome::Fired => 1,
        _ => 2,
    };
    records.sort_by_key(|(record, _)| (record.at, rank(record), record.id.clone()));
    records
}

/// Decides all of them again.
async fn replays(house: &House, records: &[(Record, String)]) {
    let mut replay = Replay::of(house).await;
    for (kept, bytes) in records {
        assert_eq!(replay.decide(kept).row(None).body, *bytes);
    }
}

async fn a_seeded_month_of_decisions_replays_to_the_same_bytes(house: &House) {
    house.at(26, "12:00:00");
    let month = Month::new(house.plain(), house.time.clone(), house.service().worker(), house.time_now());
    let seeded = month.run(MESSAGES).await.unwrap();
    // What only a patient's own token says.
    let mut known = patient("p-1");
    known.patient_age = Some(71);
    known.patient_language = Some("es".to_owned());
    known.patient_zone = Some("America/Chicago".to_owned());
    known.patient_tags = vec!["complex-care".to_owned()];
    let mut asked = refill("p-1", "Me quedan cinco.");
    asked["extension"] = json!([{ "url": fhir::canonical::AUTO_GENERATED, "valueBoolean": true }]);
    let one = house.create(&known, &asked).await.is(201).id();
    house.pass(600);
    house.create(&nurse(), &reply("p-1", &one, "Listo.")).await.is(201);
    // What people do without a message.
    house.pass(600);
    let other = house.create(&known, &refill("p-1", "Me quedan cuatro.")).await.is(201).id();
    house.pass(600);
    house.post(&nurse(), &format!("/api/v1/threads/{other}/open"), "{}").await.is(200);
    house.pass(600);
    let routed = json!({ "pool": "family", "reason": "wrong-pool" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{other}/route"), &routed).await.is(200);
    house.pass(600);
    let task = house.task(&other).await["id"].as_str().unwrap().to_owned();
    house.post(&nurse(), &format!("/fhir/Task/{task}/$claim"), "{\"resourceType\":\"Parameters\"}").await.is(200);

    let records = kept(house);
    let fired = records.iter().filter(|(record, _)| record.outcome == Outcome::Fired).count();
    assert_eq!(records.len(), seeded.messages + 3 + 3 + fired, "messages, what people did, and what time did");
    assert!(fired > MESSAGES / 10, "time has fired {fired} times");
    replays(house, &records).await;
    let facts = records.iter().find_map(|(record, _)| record.message.as_ref()?.facts.clone()).unwrap();
    assert_eq!(
        facts,
        PatientFacts {
            age_years: Some(71),
            language: Some("es".into()),
            zone: Some("America/Chicago".into()),
            tags: vec!["complex-care".into()]
        }
    );
}

/// Sends three messages of a patient, each in a conversation of its own; the last is held.
async fn held(house: &House, person: &str) -> String {
    let mut last = Value::Null;
    for text in ["One.", "Two.", "Three."] {
        house.pass(60);
        last = house.create(&patient(person), &refill(person, text)).await.is(201).json();
    }
    assert_eq!(last["status"], "on-hold");
    last["id"].as_str().unwrap().to_owned()
}

async fn retract(house: &House, who: &DevelopmentClaims, id: &str) {
    house.pass(60);
    let patch = json!([{ "op": "replace", "path": "/status", "value": "entered-in-error" }]).to_string();
    let ask = house.ask(Method::PATCH, &format!("/fhir/Communication/{id}")).by(who);
    ask.header("content-type", "application/json-patch+json").body(patch.into_bytes()).send().await.is(200);
}

async fn what_was_merged_released_and_taken_back_replays_to_the_same_bytes(house: &House) {
    govern(house, |bundle| {
        bundle["limits"] = json!([{ "id": "two", "scope": "sender", "max": 2, "window": "PT1H",
            "onExceed": "hold-for-review", "longestHold": "PT5H" }]);
    })
    .await;
    // Taken back: a question before and after its answer, the answer, and a message that waits for a review.
    let alone = house.create(&patient("p-1"), &refill("p-1", "By mistake.")).await.is(201).id();
    retract(house, &patient("p-1"), &alone).await;
    house.pass(60);
    let asked = house.create(&patient("p-2"), &refill("p-2", "Five left.")).await.is(201).id();
    house.pass(60);
    let answer = house.create(&nurse(), &reply("p-2", &asked, "For somebody else.")).await.is(201).id();
    retract(house, &nurse(), &answer).await;
    house.pass(60);
    house.create(&nurse(), &reply("p-2", &asked, "Yours is ready.")).await.is(201);
    retract(house, &patient("p-2"), &asked).await;
    let danger = house.create(&patient("p-2"), &refill("p-2", "I think I am having a stroke.")).await.is(201).id();
    retract(house, &patient("p-2"), &danger).await;
    let waits = held(house, "p-3").await;
    retract(house, &patient("p-3"), &waits).await;
    // Merged, with something owed in both.
    house.pass(60);
    let from = house.create(&patient("p-4"), &refill("p-4", "One.")).await.is(201).id();
    house.pass(60);
    let into = house.create(&patient("p-4"), &refill("p-4", "Two.")).await.is(201).id();
    house.pass(60);
    let merged = json!({ "into": into, "reason": "same-matter" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{from}/merge"), &merged).await.is(200);
    // Released by a lead, as answered by one, and by nobody.
    let lead = staff(LEAD, &[]);
    for (person, review) in [
        ("p-5", json!({ "reason": "reviewed" })),
        ("p-6", json!({ "outcome": "answered", "reason": "answered-by-phone" })),
    ] {
        let id = held(house, person).await;
        house.pass(60);
        house.post(&lead, &format!("/api/v1/holds/{id}/release"), &review.to_string()).await.is(200);
    }
    held(house, "p-7").await;
    house.at(19, "16:30:00");
    assert_eq!(house.work().await.released, 1);

    let records = kept(house);
    let of = |outcome: Outcome| records.iter().filter(|(record, _)| record.outcome == outcome).count();
    assert_eq!([of(Outcome::Retracted), of(Outcome::Merged), of(Outcome::Released)], [5, 2, 3]);
    replays(house, &records).await;
}

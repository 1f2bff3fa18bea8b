//! Answers that the patient's side does not read: their author is told, once, and only then.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::house::{House, work};
use crate::people::{engine, following, nurse, patient, proxy, refill, reply, staff};

on_both!(house:
    an_author_is_told_once_in_a_digest_that_answers_are_unread,
    of_what_the_patients_side_has_read_nobody_is_told,
    whoever_writes_on_has_read_wherever_the_conversation_goes_on,
    an_answer_that_is_retracted_is_nobodys_to_read,
    many_workers_tell_an_author_once,
    a_cover_is_told_in_the_place_of_an_author_who_is_away,
);

const TOLD: &str = "Practitioner/nurse-ortiz: unread-by-patient";

/// An answer to a new message of a patient; that message, and the answer. It awaits the patient, or does not.
async fn answered(house: &House, person: &str, awaits: bool) -> (String, String) {
    let asked = house.create(&patient(person), &refill(person, "Five left.")).await.is(201).id();
    let mut answer = reply(person, &asked, "Which pharmacy?");
    if awaits {
        answer["extension"] = json!([{ "url": fhir::canonical::AWAITS, "valueCode": "patient" }]);
    }
    let answer = house.create(&nurse(), &answer).await.is(201).id();
    house.work().await;
    (asked, answer)
}

async fn mark(house: &House, who: &DevelopmentClaims, id: &str, name: &str) {
    house.ask(Method::POST, &format!("/fhir/Communication/{id}/${name}")).by(who).send().await.is(200);
}

/// How many notices of unread answers wait, left and were dropped.
fn notices(house: &House) -> [i64; 3] {
    let of = |how: &str| house.place.count("outbox", &format!("topic = 'unread-by-patient' AND {how}"));
    [of("dispatched_at IS NULL"), of("delivery IS NOT NULL"), of("dispatched_at IS NOT NULL AND delivery IS NULL")]
}

async fn an_author_is_told_once_in_a_digest_that_answers_are_unread(house: &House) {
    answered(house, "p-1001", true).await;
    answered(house, "p-2002", true).await;
    let (_, other) = answered(house, "p-1003", false).await;
    let explained = house.get(&engine(), &format!("/api/v1/decisions?focus=Communication/{other}")).await.is(200).text;
    assert!(explained.contains("unread-by-patient"), "{explained}");
    // Three open days after Friday end on Wednesday at five; the author is told when they are there again.
    house.at(24, "16:59:59");
    assert!(house.work().await.delivered.is_empty());
    house.at(24, "17:00:00");
    assert!(house.work().await.delivered.is_empty());
    house.at(25, "08:00:00");
    assert_eq!(house.work().await.delivered, [format!("{TOLD}, unread-by-patient")]);
    // Of the other after seven days, which end at midnight on Friday.
    house.at(26, "17:00:00");
    assert!(house.work().await.delivered.is_empty());
    house.at(29, "08:00:00");
    assert_eq!(house.work().await.delivered, [TOLD]);
    assert_eq!(notices(house), [0, 3, 0]);
    let seen = house.get(&engine(), "/api/v1/deliveries?limit=2").await.is(200);
    assert!(seen.text.contains("unread-by-patient") && !seen.text.contains("pharmacy"), "{}", seen.text);
    house.at(30, "17:00:00");
    assert!(house.work().await.delivered.is_empty(), "once");
}

async fn of_what_the_patients_side_has_read_nobody_is_told(house: &House) {
    let (_, read) = answered(house, "p-1001", true).await;
    mark(house, &patient("p-1001"), &read, "mark-read").await;
    // A proxy reads what is for them.
    let mut asked = refill("p-2002", "Four left.");
    asked["sender"] = json!({ "reference": "RelatedPerson/rp-1" });
    let asked = house.create(&proxy("rp-1", "p-2002"), &asked).await.is(201).id();
    let mut answer = reply("p-2002", &asked, "Come by.");
    answer["recipient"] = json!([{ "reference": "RelatedPerson/rp-1" }]);
    let answer = house.create(&nurse(), &answer).await.is(201).id();
    mark(house, &proxy("rp-1", "p-2002"), &answer, "mark-read").await;
    house.at(29, "12:00:00");
    assert!(house.work().await.delivered.iter().all(|told| !told.contains("unread")));
    assert_eq!(notices(house), [0, 0, 2]);

    // Colleagues who read prove nothing, and what is marked as unread again is unread.
    let (_, unread) = answered(house, "p-1003", true).await;
    mark(house, &staff("Practitioner/nurse-ortiz", &["refill"]), &unread, "mark-read").await;
    mark(house, &patient("p-1003"), &unread, "mark-read").await;
    mark(house, &patient("p-1003"), &unread, "mark-unread").await;
    house.time.set("2026-07-07T12:00:00-04:00".parse().unwrap());
    assert_eq!(house.work().await.delivered, [TOLD]);
    assert_eq!(notices(house), [0, 1, 2]);
}

async fn whoever_writes_on_has_read_wherever_the_conversation_goes_on(house: &House) {
    let (asked, _) = answered(house, "p-1001", true).await;
    house.pass(3600);
    let more = house.create(&patient("p-1001"), &following(refill("p-1001", "The one in Main Street."), &asked)).await;
    let more = more.is(201).id();
    house.create(&nurse(), &reply("p-1001", &more, "Done.")).await.is(201);
    // A conversation that is merged into another is read where it goes on.
    let (ended, _) = answered(house, "p-2002", true).await;
    house.pass(60);
    let goes_on = house.create(&patient("p-2002"), &refill("p-2002", "Again.")).await.is(201).id();
    house.pass(60);
    house.create(&nurse(), &reply("p-2002", &goes_on, "Yes.")).await.is(201);
    let merged = json!({ "into": goes_on, "reason": "same-matter" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{ended}/merge"), &merged).await.is(200);
    house.pass(60);
    house.create(&patient("p-2002"), &following(refill("p-2002", "Main Street."), &ended)).await.is(201);
    house.at(25, "12:00:00");
    assert!(house.work().await.delivered.iter().all(|told| !told.contains("unread")));
    assert_eq!(notices(house), [2, 0, 2], "two answers are still to be read");
    // Of the last answer to each, the first is unread and the other is not.
    house.at(29, "12:00:00");
    let told = house.work().await.delivered;
    let told: Vec<&String> = told.iter().filter(|told| told.contains("unread")).collect();
    assert_eq!(told, [TOLD]);
    assert_eq!(notices(house), [0, 1, 3]);
}

async fn an_answer_that_is_retracted_is_nobodys_to_read(house: &House) {
    let (_, answer) = answered(house, "p-1001", true).await;
    house.pass(60);
    let patch = json!([{ "op": "replace", "path": "/status", "value": "entered-in-error" }]);
    let ask = house.ask(Method::PATCH, &format!("/fhir/Communication/{answer}")).by(&nurse());
    let ask = ask.header("content-type", "application/json-patch+json");
    ask.body(patch.to_string().into_bytes()).send().await.is(200);
    assert_eq!(notices(house), [0, 0, 1]);
    house.at(29, "12:00:00");
    assert!(house.work().await.delivered.iter().all(|told| !told.contains("unread")));
}

async fn many_workers_tell_an_author_once(house: &House) {
    for person in ["p-1001", "p-2002", "p-1003"] {
        answered(house, person, true).await;
    }
    let other = house.another().await;
    let workers: Vec<_> =
        (0..8).map(|number| if number % 2 == 0 { house.service().worker() } else { other.service.worker() }).collect();
    house.at(29, "12:00:00");
    let report = work(&workers).await;
    assert_eq!(report.delivered, [format!("{TOLD}, unread-by-patient, unread-by-patient")]);
    assert_eq!(notices(house), [0, 3, 0]);
    assert_eq!(house.place.count("delivery", "topics LIKE '%unread-by-patient%'"), 1);
    other.stop().await;
}

async fn a_cover_is_told_in_the_place_of_an_author_who_is_away(house: &House) {
    govern(house, |bundle| {
        bundle["unreadByPatient"] = json!({ "otherwise": { "amount": "P1D", "count": "open-days" } });
        bundle["absence"] =
            json!({ "covers": [{ "person": "Practitioner/nurse-ortiz", "by": "Practitioner/dr-lee" }] });
    })
    .await;
    answered(house, "p-1001", false).await;
    let away: Value = json!({ "person": "Practitioner/nurse-ortiz", "reason": "vacation",
        "from": "2026-06-22T08:00:00-04:00", "until": "2026-06-24T08:00:00-04:00" });
    let operations = DevelopmentClaims {
        sub: "operations".to_owned(),
        client_id: "console".to_owned(),
        scope: "postern/admin.read postern/admin.write".to_owned(),
        ..DevelopmentClaims::default()
    };
    house.post(&operations, "/api/v1/absences", &away.to_string()).await.is(201);
    house.at(23, "08:00:00");
    assert_eq!(house.work().await.delivered, ["Practitioner/dr-lee: unread-by-patient"]);
}

//! What was written is what is read.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::example::{
    EVERYTHING_KEPT, PATIENT_REFILL, PROXY_WITH_PHOTO, RED_FLAG_IN_BILLING, STAFF_REPLY, THREAD_HEADER, unchanged,
};
use crate::house::House;
use crate::people::{engine, patient, proxy, refill, staff};

on_both!(house:
    the_six_examples_come_back_as_they_were_written,
    a_red_flag_in_capitals_with_a_no_break_space_is_found_in_a_billing_message_at_night,
    an_element_that_fhir_does_not_know_is_refused_by_name,
    what_the_server_sets_cannot_be_said_by_a_client,
);

/// Sends, reads and searches a message and holds all three to what was written.
async fn round_trip(house: &House, who: &DevelopmentClaims, text: &str) -> Value {
    let made = house.post(who, "/fhir/Communication", text).await.is(201);
    unchanged(text, &made.text);
    let id = made.id();
    let read = house.get(who, &format!("/fhir/Communication/{id}")).await.is(200);
    assert_eq!(read.text, made.text);
    let vread = house.get(who, &format!("/fhir/Communication/{id}/_history/1")).await.is(200);
    assert_eq!(vread.text, made.text);
    let found = house.get(who, &format!("/fhir/Communication?_id={id}")).await.is(200);
    assert!(found.text.contains(&made.text), "a search gives the resource byte for byte: {}", found.text);
    made.json()
}

async fn the_six_examples_come_back_as_they_were_written(house: &House) {
    let (one, two, three) = (patient("p-1001"), proxy("rp-17", "p-2002"), patient("p-3003"));
    let refill = round_trip(house, &one, PATIENT_REFILL).await;
    round_trip(house, &two, PROXY_WITH_PHOTO).await;
    round_trip(house, &three, RED_FLAG_IN_BILLING).await;
    round_trip(house, &staff("PractitionerRole/dr-lee", &["family"]), THREAD_HEADER).await;
    let kept = house.post(&one, "/fhir/Communication", EVERYTHING_KEPT).await.is(201);
    assert!(kept.text.contains("5.10") && kept.text.contains("_status") && kept.text.contains("Potassium"));
    round_trip(house, &one, EVERYTHING_KEPT).await;
    let answer = STAFF_REPLY.replace("REPLACED-BY-THE-TEST", refill["id"].as_str().unwrap());
    let nurse = staff("PractitionerRole/nurse-ortiz", &["refill"]);
    let reply = round_trip(house, &nurse, &answer).await;
    let root = json!([{ "reference": format!("Communication/{}", refill["id"].as_str().unwrap()) }]);
    assert_eq!(reply["partOf"], root);
}

async fn a_red_flag_in_capitals_with_a_no_break_space_is_found_in_a_billing_message_at_night(house: &House) {
    assert!(RED_FLAG_IN_BILLING.contains("CHEST\u{a0}PAIN"));
    house.at(20, "23:10:00");
    let sent = house.post(&patient("p-3003"), "/fhir/Communication", RED_FLAG_IN_BILLING).await.is(201);
    let task = house.task(&sent.id()).await;
    assert_eq!(task["restriction"]["period"]["end"], "2026-06-21T03:40:00Z", "30 minutes of elapsed time");
    assert_eq!(task["priority"], "stat");
    let told = house.automatic(&sent.id()).await;
    assert!(told.len() == 1 && told[0].contains("911"), "{told:?}");
    let report = house.work().await;
    assert!(
        report.delivered.iter().any(|line| line.contains("red-flag") && line.contains("HealthcareService/")),
        "{report:?}"
    );
    assert!(report.delivered.iter().any(|line| line.starts_with("Patient/p-3003")), "{report:?}");
    let decisions = house.get(&engine(), &format!("/api/v1/decisions?focus=Communication/{}", sent.id())).await.is(200);
    assert!(!decisions.json()["decisions"][0]["redFlags"].as_array().unwrap().is_empty(), "{}", decisions.text);
}

async fn an_element_that_fhir_does_not_know_is_refused_by_name(house: &House) {
    let mut unknown = refill("p-1001", "hello");
    unknown["urgency"] = json!("high");
    unknown["payload"][0]["markdown"] = json!("**x**");
    let refused = house.create(&patient("p-1001"), &unknown).await.is(400);
    let issues = refused.json()["issue"].clone();
    for element in ["Communication.urgency", "Communication.payload[0].markdown"] {
        let named = issues.as_array().unwrap().iter().any(|issue| issue["expression"][0] == element);
        assert!(named, "{element}: {issues}");
    }
    let found = house.get(&engine(), "/fhir/Communication?patient=Patient/p-1001").await.is(200);
    assert!(found.resources().is_empty(), "nothing was stored");
}

async fn what_the_server_sets_cannot_be_said_by_a_client(house: &House) {
    let mut forged = refill("p-1001", "hello");
    forged["id"] = json!("mine");
    forged["meta"] = json!({ "versionId": "77", "lastUpdated": "2001-01-01T00:00:00Z" });
    forged["received"] = json!("2001-01-01T00:00:00Z");
    let made = house.create(&patient("p-1001"), &forged).await.is(201).json();
    assert_ne!(made["id"], "mine");
    assert_eq!(made["meta"]["versionId"], "1");
    assert_eq!(made["meta"]["lastUpdated"], "2026-06-19T14:00:00.000Z");
    assert_eq!(made["received"], made["meta"]["lastUpdated"]);
    let path = "/fhir/Communication/mine";
    house.ask(Method::GET, path).by(&patient("p-1001")).send().await.is(404);
}

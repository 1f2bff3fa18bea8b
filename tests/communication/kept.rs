//! What was written is what is read.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::example::{
    EVERYTHING_KEPT, PATIENT_REFILL, PROXY_WITH_PHOTO, RED_FLAG_IN_BILLING, STAFF_REPLY, THREAD_HEADER, unchanged,
};
use crate::house::House;
use crate::people::{engine, patient, proxy, refill, scoped, staff};

on_both!(house:
    the_six_examples_come_back_as_they_were_written,
    a_red_flag_in_capitals_with_a_no_break_space_is_found_in_a_billing_message_at_night,
    an_element_that_fhir_does_not_know_is_refused_by_name,
    what_the_server_sets_cannot_be_said_by_a_client,
    what_is_not_sent_yet_says_nothing_of_having_been,
    a_part_of_a_resource_does_not_take_the_place_of_the_whole,
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
    let mut claimed = refill("p-1001", "hello");
    claimed["instantiatesUri"] = json!(["urn:mine", format!("{}/forged|9", fhir::canonical::POLICY), "urn:also"]);
    claimed["_instantiatesUri"] = json!([{ "id": "a" }, { "id": "b" }, { "id": "c" }]);
    claimed["extension"] = json!([
        { "url": fhir::canonical::CLIENT_SENT, "valueDateTime": "2001-01-01" },
        { "url": fhir::canonical::DECISION, "valueUri": "urn:forged" },
    ]);
    let made = house.create(&patient("p-1001"), &claimed).await.is(201);
    assert!(!made.text.contains("forged") && !made.text.contains("2001-01-01"), "{}", made.text);
    let uris = made.json()["instantiatesUri"].clone();
    assert_eq!((&uris[0], &uris[1]), (&json!("urn:mine"), &json!("urn:also")));
    assert!(uris[2].as_str().unwrap().starts_with(fhir::canonical::POLICY), "{uris}");
    assert_eq!(made.json()["_instantiatesUri"], json!([{ "id": "a" }, { "id": "c" }, null]));
    let path = "/fhir/Communication/mine";
    house.ask(Method::GET, path).by(&patient("p-1001")).send().await.is(404);
}

async fn what_is_not_sent_yet_says_nothing_of_having_been(house: &House) {
    let who = scoped(&patient("p-1001"), "patient/*.cruds");
    let later = json!({ "url": fhir::canonical::RELEASE_AT, "valueInstant": "2026-06-19T16:00:00Z" });
    let ours = |url: &str| json!({ "url": url, "valueUri": "urn:forged" });
    for status in ["preparation", "on-hold"] {
        let mut body = refill("p-1001", "hello");
        body["status"] = json!(status);
        body["sent"] = json!("2001-01-01T00:00:00Z");
        body["received"] = json!("2001-01-01T00:00:00Z");
        body["instantiatesUri"] = json!([format!("{}/forged|9", fhir::canonical::POLICY)]);
        body["extension"] = json!([ours(fhir::canonical::DECISION), ours(fhir::canonical::CLIENT_SENT)]);
        if status == "on-hold" {
            body["extension"].as_array_mut().unwrap().push(later.clone());
        }
        let kept = house.create(&who, &body).await.is(201);
        assert_eq!(kept.json()["status"], status);
        assert!(!kept.text.contains("2001-01-01") && !kept.text.contains("forged"), "{}", kept.text);
        let path = format!("/fhir/Communication/{}", kept.id());
        assert_eq!(house.get(&who, &path).await.is(200).text, kept.text);
        let mut sent = kept.json();
        sent["status"] = json!("in-progress");
        sent["sent"] = json!("2026-06-19T13:59:58Z");
        sent.as_object_mut().unwrap().remove("extension");
        let sent = house.put(&who, &path, &sent).await.is(200).json();
        assert_eq!((&sent["sent"], &sent["received"]), (&sent["meta"]["lastUpdated"], &sent["sent"]));
        let stated =
            sent["extension"].as_array().unwrap().iter().find(|one| one["url"] == fhir::canonical::CLIENT_SENT);
        assert_eq!(stated.unwrap()["valueDateTime"], "2026-06-19T13:59:58Z");
    }
}

async fn a_part_of_a_resource_does_not_take_the_place_of_the_whole(house: &House) {
    let who = scoped(&patient("p-1001"), "patient/*.cruds");
    let mut draft = refill("p-1001", "hello");
    draft["status"] = json!("preparation");
    let id = house.create(&who, &draft).await.is(201).id();
    let part =
        house.get(&who, &format!("/fhir/Communication?_id={id}&_summary=true")).await.is(200).resources().remove(0);
    assert_eq!(part["payload"], Value::Null);
    let refused = |reply: crate::client::Reply, kind: &str| {
        let told = reply.is(422).json();
        assert_eq!(told["issue"][0]["expression"][0], format!("{kind}.meta.tag"));
        assert_eq!(told["issue"][0]["details"]["coding"][0]["code"], "subsetted");
    };
    refused(house.put(&who, &format!("/fhir/Communication/{id}"), &part).await, "Communication");
    refused(
        house
            .put(&who, "/fhir/Communication?identifier=urn:x%7C1", &{
                let mut part = part.clone();
                part.as_object_mut().unwrap().remove("id");
                part
            })
            .await,
        "Communication",
    );
    refused(house.create(&who, &part).await, "Communication");
    let whole = house.get(&who, &format!("/fhir/Communication/{id}")).await.is(200).json();
    assert_eq!(whole["payload"][0]["contentString"], "hello");
    let service = json!({ "resourceType": "HealthcareService", "id": "lab", "meta": { "tag": part["meta"]["tag"] } });
    refused(house.put(&engine(), "/fhir/HealthcareService/lab", &service).await, "HealthcareService");
}

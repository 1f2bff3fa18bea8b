//! Blocks: what a blocked person writes is held, and answered with another way to reach care.

use reqwest::Method;
use serde_json::{Value, json};

use super::{lead, operations, post};
use crate::house::House;
use crate::people::{nurse, patient, refill, staff};

on_both!(house:
    what_a_blocked_person_writes_is_held_and_answered_at_once_until_the_block_ends,
    a_block_takes_a_lead_a_reason_and_an_end_within_90_days,
    a_lead_ends_a_block_before_its_time,
);

const BLOCKS: &str = "/api/v1/blocks";

fn block(pool: Option<&str>, until: &str) -> Value {
    let mut asked = json!({ "sender": "Patient/p-1001", "reason": "abuse", "until": until });
    if let Some(pool) = pool {
        asked["pool"] = json!(pool);
    }
    asked
}

async fn write(house: &House, text: &str) -> Value {
    house.create(&patient("p-1001"), &refill("p-1001", text)).await.is(201).json()
}

async fn what_a_blocked_person_writes_is_held_and_answered_at_once_until_the_block_ends(house: &House) {
    let made = post(house, &lead(), BLOCKS, &block(Some("refill"), "2026-06-20T14:00:00Z")).await.is(201);
    assert!(made.header("location").contains("/api/v1/blocks/"));
    let held = write(house, "You again.").await;
    assert_eq!(held["status"], "on-hold");
    let told = house.automatic(held["id"].as_str().unwrap()).await;
    assert!(told.len() == 1 && told[0].contains("+1 212 555 0100"), "{told:?}");
    assert_eq!(write(house, "It may be a stroke.").await["status"], "completed", "a red flag passes");
    let waiting = house.get(&lead(), "/api/v1/holds").await.is(200).json();
    assert_eq!((&waiting["holds"][0]["cause"], &waiting["holds"][0]["rule"]), (&json!("block"), &made.json()["id"]));
    house.at(20, "10:00:00");
    assert_eq!(write(house, "Hello again.").await["status"], "completed");
    let listed = house.get(&lead(), BLOCKS).await.is(200).json();
    assert_eq!(listed["blocks"], json!([]), "it has come to its end");
}

async fn a_block_takes_a_lead_a_reason_and_an_end_within_90_days(house: &House) {
    let soon = "2026-06-20T14:00:00Z";
    for who in [nurse(), patient("p-1001"), staff("Practitioner/other", &[])] {
        post(house, &who, BLOCKS, &block(Some("refill"), soon)).await.is(403);
    }
    post(house, &lead(), BLOCKS, &block(None, soon)).await.is(403);
    post(house, &lead(), BLOCKS, &block(Some("refill"), "2026-10-01T00:00:00Z")).await.is(422);
    post(house, &lead(), BLOCKS, &block(Some("refill"), "2026-06-18T00:00:00Z")).await.is(422);
    let mut unfit = block(Some("refill"), soon);
    unfit["contact"] = json!("nothing");
    post(house, &lead(), BLOCKS, &unfit).await.is(422);
    unfit["contact"] = json!("red-flag");
    unfit["sender"] = json!("Practitioner/nurse-ortiz");
    post(house, &lead(), BLOCKS, &unfit).await.is(422);
    unfit["reason"] = json!("dislike");
    let refused = post(house, &lead(), BLOCKS, &unfit).await.is(422).json();
    assert_eq!(refused["issues"][0]["pointer"], "/reason");
    let everywhere = post(house, &operations(), BLOCKS, &block(None, soon)).await.is(201).json();
    assert!(everywhere.get("pool").is_none());
    assert_eq!(house.get(&lead(), BLOCKS).await.is(200).json()["blocks"], json!([]), "it is no block of their pools");
    assert_eq!(house.get(&operations(), BLOCKS).await.is(200).json()["blocks"].as_array().unwrap().len(), 1);
}

async fn a_lead_ends_a_block_before_its_time(house: &House) {
    let made = post(house, &lead(), BLOCKS, &block(Some("refill"), "2026-06-30T14:00:00Z")).await.is(201).json();
    let path = format!("{BLOCKS}/{}", made["id"].as_str().unwrap());
    let end = async |who| house.ask(Method::DELETE, &path).by(&who).send().await;
    end(nurse()).await.is(404);
    end(patient("p-1001")).await.is(403);
    let ended = end(lead()).await.is(200).json();
    assert_eq!((&ended["inForce"], &ended["endedBy"]), (&json!(false), &json!("Practitioner/dr-lee")));
    assert_eq!(write(house, "Hello.").await["status"], "completed");
    end(lead()).await.is(422);
}

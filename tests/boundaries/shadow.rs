//! A bundle in shadow is evaluated on all live traffic: what is scheduled, what is released, and limits of everybody.

use serde_json::{Value, json};

use super::{govern, lead, limit, operations, post};
use crate::house::House;
use crate::people::{patient, refill};

on_both!(house:
    what_is_sent_at_its_instant_and_what_is_released_is_tried_in_shadow,
    a_limit_of_everybody_can_be_tried_in_shadow,
);

/// Puts the third version of the clinic's bundle in shadow, changed.
async fn shadow(house: &House, change: impl FnOnce(&mut Value)) {
    let mut bundle: Value = serde_json::from_str(&server::clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(3);
    change(&mut bundle);
    post(house, &operations(), "/api/v1/bundles", &bundle).await.is(201);
    post(house, &operations(), "/api/v1/bundles/riverside/3/shadow", &json!({})).await.is(200);
}

/// What was decided about a message in shadow: the bundles and outcomes, the latest first.
async fn tried(house: &House, id: &str) -> Vec<(String, String)> {
    let path = format!("/api/v1/decisions?focus=Communication/{id}&mode=shadow");
    let records = house.get(&operations(), &path).await.is(200).json()["decisions"].as_array().unwrap().clone();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    records.iter().map(|one| (text(one, "bundle"), text(one, "outcome"))).collect()
}

async fn what_is_sent_at_its_instant_and_what_is_released_is_tried_in_shadow(house: &House) {
    govern(house, |bundle| bundle["limits"] = json!([limit("sender", 1, "PT24H")])).await;
    shadow(house, |bundle| bundle["length"] = json!({ "notice": 5, "limit": 10 })).await;
    let mut later = refill("p-2002", "Long enough to be refused.");
    later["status"] = json!("on-hold");
    later["extension"] = json!([{ "url": fhir::canonical::RELEASE_AT, "valueInstant": "2026-06-22T08:00:00-04:00" }]);
    let later = house.create(&patient("p-2002"), &later).await.is(201).id();
    assert!(tried(house, &later).await.is_empty(), "nothing is decided about it yet");
    house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201);
    house.pass(1200);
    let held = house.create(&patient("p-1001"), &refill("p-1001", "Two.")).await.is(201);
    assert_eq!(held.json()["status"], "on-hold");
    house.pass(60);
    let review = json!({ "outcome": "deliver", "reason": "reviewed" });
    post(house, &lead(), &format!("/api/v1/holds/{}/release", held.id()), &review).await.is(200);
    let of_three = |outcome: &str| ("riverside/3".to_owned(), outcome.to_owned());
    let both = tried(house, &held.id()).await;
    assert_eq!(both, [of_three("released"), of_three("delivered")], "its release, and that it came");
    house.at(22, "08:00:00");
    assert_eq!(house.work().await.sent, 1);
    assert_eq!(tried(house, &later).await, [of_three("refused")]);
    let sent = house.get(&operations(), &format!("/api/v1/decisions?focus=Communication/{later}&mode=live")).await;
    assert!(sent.is(200).text.contains("riverside/2"), "and the one in force has decided");
}

async fn a_limit_of_everybody_can_be_tried_in_shadow(house: &House) {
    shadow(house, |bundle| bundle["limits"] = json!([limit("tenant", 1, "PT24H")])).await;
    let first = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201);
    let second = house.create(&patient("p-2002"), &refill("p-2002", "Two.")).await.is(201);
    assert_eq!(second.json()["status"], "completed", "it has no effect");
    let outcome = async |id: &str| tried(house, id).await.remove(0).1;
    assert_eq!(outcome(&first.id()).await, "delivered");
    assert_eq!(outcome(&second.id()).await, "held-for-review");
}

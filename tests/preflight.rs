//! `$preflight`: what would become of a message, told before it is sent.

use api::auth::DevelopmentClaims;
use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::house::House;
use crate::people::{LEAD, REFILL, nurse, patient, refill, reply, scoped};

on_both!(house:
    a_patient_is_told_what_a_send_would_come_to_and_then_it_comes_to_that,
    the_team_finds_when_it_would_be_due_and_who_would_be_told,
    what_would_be_refused_or_held_is_told_with_its_reason,
    a_draft_is_taken_as_sent_and_nothing_of_it_is_stored,
    whoever_could_not_send_it_is_told_nothing,
);

async fn preflight(house: &House, who: &DevelopmentClaims, message: &Value) -> Vec<Value> {
    let reply = house.post(who, "/fhir/Communication/$preflight", &message.to_string()).await.is(200).json();
    assert_eq!(reply["resourceType"], "Parameters");
    reply["parameter"].as_array().unwrap().clone()
}

/// The parameters of a name.
fn named<'a>(told: &'a [Value], name: &str) -> Vec<&'a Value> {
    told.iter().filter(|parameter| parameter["name"] == name).collect()
}

fn rows(house: &House) -> [i64; 6] {
    ["thread", "clock", "outbox", "resource", "decision", "correspondent"]
        .map(|table| house.place.count(table, "1 = 1"))
}

async fn a_patient_is_told_what_a_send_would_come_to_and_then_it_comes_to_that(house: &House) {
    let (who, message) = (patient("p-1001"), refill("p-1001", "Five left."));
    let before = rows(house);
    let told = preflight(house, &who, &message).await;
    assert_eq!(rows(house), before, "nothing is stored");
    assert_eq!(house.place.count("audit", "interaction = '$preflight'"), 1);
    assert_eq!(named(&told, "outcome")[0]["valueCode"], "delivered");
    assert_eq!(named(&told, "pool")[0]["valueReference"]["reference"], REFILL);
    for hidden in ["due", "owner", "priority", "notice"] {
        assert!(named(&told, hidden).is_empty(), "{hidden} is the team's");
    }
    let root = house.create(&who, &message).await.is(201).id();
    let text = named(&told, "reply")[0]["part"][1]["valueString"].clone();
    assert_eq!(house.automatic(&root).await, [text.as_str().unwrap()]);
    let task = house.task(&root).await;
    assert_eq!(task["restriction"]["period"]["end"], named(&told, "promised")[0]["valueInstant"]);
    let explained = named(&told, "explanation")[0]["valueString"].as_str().unwrap();
    assert!(explained.contains("answer") && !explained.contains("Notice"), "{explained}");
}

async fn the_team_finds_when_it_would_be_due_and_who_would_be_told(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let told = preflight(house, &nurse(), &reply("p-1001", &root, "Done.")).await;
    let notices = named(&told, "notice");
    let told_to: Vec<_> = notices
        .iter()
        .map(|one| (&one["part"][0]["valueCode"], &one["part"][1]["valueReference"]["reference"]))
        .collect();
    let (patient, author) = (json!("Patient/p-1001"), json!("Practitioner/nurse-ortiz"));
    assert_eq!(told_to, [(&json!("reply-received"), &patient), (&json!("unread-by-patient"), &author)]);
    assert!(named(&told, "explanation")[0]["valueString"].as_str().unwrap().contains("Notice"));
    assert_eq!(house.task(&root).await["status"], "requested", "nothing was answered");
    let engine = crate::people::engine();
    let told = preflight(house, &engine, &refill("p-2002", "Five left.")).await;
    assert_eq!(named(&told, "due").len(), 1);
    assert_eq!(named(&told, "priority")[0]["valueCode"], "routine");
    assert!(named(&told, "notice").iter().all(|notice| notice["part"][0]["valueCode"] == "message-received"));
    assert!(!named(&told, "notice").is_empty());
}

async fn what_would_be_refused_or_held_is_told_with_its_reason(house: &House) {
    let told = preflight(house, &patient("p-1001"), &refill("p-1001", &"x".repeat(20_000))).await;
    assert_eq!(named(&told, "outcome")[0]["valueCode"], "refused");
    let issue = &named(&told, "issues")[0]["resource"]["issue"][0];
    assert_eq!(
        (&issue["code"], &issue["details"]["coding"][0]["code"]),
        (&json!("business-rule"), &json!("message-too-long"))
    );
    govern(house, |bundle| {
        bundle["limits"] = json!([{ "id": "one", "scope": "sender-new-threads", "max": 1, "window": "PT24H", "onExceed": "hold-for-review" }]);
    })
    .await;
    let message = refill("p-1001", "Five left.");
    house.create(&patient("p-1001"), &message).await.is(201);
    for _again in 0..2 {
        let told = preflight(house, &patient("p-1001"), &message).await;
        assert_eq!(named(&told, "outcome")[0]["valueCode"], "held-for-review");
        assert!(named(&told, "notice").iter().all(|notice| notice["part"][1]["valueReference"]["reference"] != LEAD));
    }
}

async fn a_draft_is_taken_as_sent_and_nothing_of_it_is_stored(house: &House) {
    let mut draft = refill("p-1001", "Five left.");
    draft["status"] = json!("preparation");
    let given = json!({ "resourceType": "Parameters", "parameter": [{ "name": "message", "resource": draft }] });
    for body in [draft, given] {
        let told = preflight(house, &patient("p-1001"), &body).await;
        assert_eq!(named(&told, "outcome")[0]["valueCode"], "delivered");
    }
    assert_eq!(rows(house)[0], 0);
}

async fn whoever_could_not_send_it_is_told_nothing(house: &House) {
    let message = refill("p-1001", "Five left.").to_string();
    let path = "/fhir/Communication/$preflight";
    house.post(&patient("p-2002"), path, &message).await.is(403);
    house.post(&scoped(&patient("p-1001"), "patient/Communication.rs"), path, &message).await.is(403);
    house.post(&patient("p-1001"), path, "{}").await.is(400);
    house.post(&patient("p-1001"), path, r#"{"resourceType":"Parameters"}"#).await.is(400);
}

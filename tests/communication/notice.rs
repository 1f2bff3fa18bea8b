//! What is told beside an answer: marks that the team finds, and what the sender finds on the message.

use reqwest::Method;
use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::client::Reply;
use crate::house::House;
use crate::people::{following, nurse, patient, refill, reply};

on_both!(house:
    what_nobody_reviewed_is_found_by_the_team_until_somebody_has_looked,
    a_visit_is_suggested_on_the_message_and_on_the_task,
    a_long_answer_is_called_long_to_its_author,
);

fn marks(task: &Value) -> Vec<&str> {
    let tags = task["meta"]["tag"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().map(|tag| tag["code"].as_str().unwrap()).collect()
}

fn notices(message: &Value) -> Vec<String> {
    let all = message["extension"].as_array().cloned().unwrap_or_default();
    let ours = all.iter().filter(|one| one["url"] == fhir::canonical::SENDER_NOTICE);
    ours.map(|one| one["valueCoding"]["code"].as_str().unwrap().to_owned()).collect()
}

async fn needing_review(house: &House) -> Reply {
    let tag = format!("{}%7Cneeds-review", fhir::canonical::MARK);
    house.get(&nurse(), &format!("/fhir/Task?_tag={tag}")).await.is(200)
}

/// The line of the figures that counts what needs a review.
async fn counted(house: &House) -> String {
    let figures = house.metrics().await;
    figures.lines().find(|line| line.starts_with("postern_threads_needing_review ")).unwrap().to_owned()
}

async fn what_nobody_reviewed_is_found_by_the_team_until_somebody_has_looked(house: &House) {
    govern(house, |bundle| {
        bundle["limits"] = json!([{ "id": "one", "scope": "sender", "max": 1, "window": "PT1H",
            "onExceed": "hold-for-review", "longestHold": "PT2H" }]);
    })
    .await;
    let root = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    house.pass(1200);
    let held = following(refill("p-1001", "Two."), &root);
    assert_eq!(house.create(&patient("p-1001"), &held).await.is(201).json()["status"], "on-hold");
    assert!(needing_review(house).await.ids().is_empty());
    house.pass(3 * 3600);
    assert_eq!(house.work().await.released, 1);
    let found = needing_review(house).await;
    let task = found.resources().remove(0);
    assert_eq!((found.ids().len(), marks(&task)), (1, vec!["needs-review"]));
    assert_eq!(counted(house).await, "postern_threads_needing_review 1");
    let inbox = house.get(&nurse(), "/fhir/Communication/$inbox").await.is(200).text;
    assert!(inbox.contains(r#"{"url":"mark","valueCode":"needs-review"}"#), "{inbox}");
    // Whether the team still has to look is not the patient's.
    let id = task["id"].as_str().unwrap();
    for path in [format!("/fhir/Task/{id}"), format!("/fhir/Task/{id}/_history"), "/fhir/Communication/$inbox".into()] {
        let theirs = house.get(&patient("p-1001"), &path).await.is(200).text;
        assert!(!theirs.contains("needs-review"), "{theirs}");
    }
    let tag = format!("{}%7Cneeds-review", fhir::canonical::MARK);
    let probed = house.get(&patient("p-1001"), &format!("/fhir/Task?_tag={tag}")).await;
    assert!(probed.status == 400 || probed.ids().is_empty(), "{}", probed.text);
    let claimed = house.post(&nurse(), &format!("/fhir/Task/{id}/$claim"), "{\"resourceType\":\"Parameters\"}").await;
    assert!(marks(&claimed.is(200).json()).is_empty());
    assert!(needing_review(house).await.ids().is_empty());
    assert_eq!(counted(house).await, "postern_threads_needing_review 0");
}

async fn a_visit_is_suggested_on_the_message_and_on_the_task(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201);
    assert!(notices(&root.json()).is_empty());
    let root = root.id();
    house.create(&patient("p-1001"), &following(refill("p-1001", "Two."), &root)).await.is(201);
    let mut third = following(refill("p-1001", &format!("Three: {}", "word ".repeat(250))), &root);
    // A client does not say what the service tells.
    third["extension"] = json!([{ "url": fhir::canonical::SENDER_NOTICE,
        "valueCoding": { "system": fhir::canonical::NOTICE, "code": "reply-long" } }]);
    let foreseen = house.post(&patient("p-1001"), "/fhir/Communication/$preflight", &third.to_string()).await.is(200);
    for code in ["visit-suggested", "message-long"] {
        assert!(foreseen.text.contains(&format!("\"code\":\"{code}\"")), "{}", foreseen.text);
    }
    let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-1001"));
    let told = ask.header("prefer", "return=OperationOutcome").fhir(&third.to_string()).send().await.is(201).json();
    let said: Vec<_> =
        told["issue"].as_array().unwrap().iter().map(|issue| issue["severity"].as_str().unwrap()).collect();
    assert_eq!(said, ["information"; 2], "{told}");
    house.pass(60);
    let fourth = house.create(&patient("p-1001"), &following(refill("p-1001", "Four."), &root)).await.is(201);
    assert_eq!(notices(&fourth.json()), ["visit-suggested"]);
    let read = house.get(&patient("p-1001"), &format!("/fhir/Communication/{}", fourth.id())).await.is(200);
    assert_eq!(notices(&read.json()), ["visit-suggested"]);
    assert_eq!(marks(&house.task(&root).await), ["visit-suggested"]);
    assert_eq!(house.automatic(&root).await.len(), 1, "it is no second reply");
    let theirs = house.get(&patient("p-1001"), &format!("/fhir/Task?focus=Communication/{root}")).await.is(200).text;
    assert!(!theirs.contains("visit-suggested"), "{theirs}");
}

async fn a_long_answer_is_called_long_to_its_author(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    let answer = house.create(&nurse(), &reply("p-1001", &root, &"word ".repeat(61))).await.is(201);
    assert_eq!(notices(&answer.json()), ["reply-long"]);
    assert_eq!(house.task(&root).await["status"], "completed", "it is sent all the same");
}

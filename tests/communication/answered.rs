//! A conversation goes back and forth: each answer ends a cycle, each further question begins the next.

use serde_json::{Value, json};

use crate::house::House;
use crate::people::{REFILL, engine, following, message, nurse, patient, refill, reply, staff};

on_both!(house:
    an_answer_joins_the_thread_and_completes_the_task,
    the_next_question_opens_the_next_cycle,
    neither_a_note_nor_a_machine_completes_a_task,
    an_answer_to_nothing_is_refused_without_saying_what_exists,
    a_message_that_is_too_long_is_refused_with_the_way_out,
);

async fn an_answer_joins_the_thread_and_completes_the_task(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five tablets left.")).await.is(201).id();
    let further = following(refill("p-1001", "Four, in fact."), &root);
    let second = house.create(&patient("p-1001"), &further).await.is(201);
    assert_eq!(second.json()["partOf"], json!([{ "reference": format!("Communication/{root}") }]));
    let before = house.task(&root).await;
    assert_eq!(state(&before), ("requested", "on-track"));

    house.pass(3600);
    // The root is named even though a later message is answered.
    let answer = house.create(&nurse(), &reply("p-1001", &second.id(), "Done.")).await.is(201).json();
    assert_eq!(answer["partOf"], json!([{ "reference": format!("Communication/{root}") }]));
    assert_eq!(answer["inResponseTo"], json!([{ "reference": format!("Communication/{}", second.id()) }]));
    let after = house.task(&root).await;
    assert_eq!((&after["id"], state(&after)), (&before["id"], ("completed", "met")));
    assert_eq!(after["executionPeriod"]["end"], "2026-06-19T15:00:00Z");
    assert_eq!(after["owner"]["reference"], "Practitioner/nurse-ortiz");
    let parts = format!("/fhir/Communication?part-of=Communication/{root}&_sort=sent");
    let parts = house.get(&patient("p-1001"), &parts).await.is(200);
    assert!(parts.ids().contains(&second.id()) && parts.text.contains("Done."), "{}", parts.text);
    assert!(house.work().await.fired.is_empty());
    house.at(30, "12:00:00");
    assert!(house.work().await.fired.is_empty(), "an answered thread has no timers left");
}

async fn the_next_question_opens_the_next_cycle(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five tablets left.")).await.is(201).id();
    let first = house.task(&root).await;
    let answer = house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201).id();
    house.at(22, "09:00:00");
    house.create(&patient("p-1001"), &following(refill("p-1001", "Not there yet."), &answer)).await.is(201);
    let path = format!("/fhir/Task?focus=Communication/{root}&_sort=_lastUpdated");
    let tasks = house.get(&engine(), &path).await.is(200).resources();
    assert_eq!(tasks.len(), 2);
    assert_eq!(tasks[0]["id"], first["id"]);
    assert_eq!(state(&tasks[0]), ("completed", "met"));
    assert_eq!(state(&tasks[1]), ("requested", "on-track"));
    assert_eq!(tasks[1]["restriction"]["period"]["end"], "2026-06-24T21:00:00Z", "two open days after Monday");
    assert_eq!(tasks[1]["owner"]["reference"], REFILL);
    assert_eq!(house.automatic(&root).await.len(), 2, "each cycle has its promise");
}

async fn neither_a_note_nor_a_machine_completes_a_task(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five tablets left.")).await.is(201).id();
    let mut note = reply("p-1001", &root, "Is this one ours?");
    note["category"] = json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    house.create(&nurse(), &note).await.is(201);
    let mut machine = reply("p-1001", &root, "We have received your request.");
    machine["sender"] = json!({ "reference": "Device/bot" });
    house.create(&engine(), &machine).await.is(201);
    assert_eq!(state(&house.task(&root).await), ("requested", "on-track"));
}

async fn an_answer_to_nothing_is_refused_without_saying_what_exists(house: &House) {
    let theirs = house.create(&patient("p-2002"), &refill("p-2002", "Mine.")).await.is(201).id();
    let mut texts = Vec::new();
    for before in [theirs.as_str(), "no-such-message"] {
        let refused = house.create(&patient("p-1001"), &following(refill("p-1001", "And?"), before)).await.is(422);
        assert_eq!(refused.issues(), ["business-rule"]);
        texts.push(refused.text);
    }
    assert_eq!(texts[0], texts[1], "another patient's message is as unknown as none");
    // The same goes for staff of another pool.
    let answer = reply("p-2002", &theirs, "Hello");
    let mut stranger = answer.clone();
    stranger["sender"] = json!({ "reference": "Practitioner/dr-far" });
    let refused = house.create(&staff("Practitioner/dr-far", &[]), &stranger).await.is(422);
    assert_eq!(refused.text, texts[0]);
}

async fn a_message_that_is_too_long_is_refused_with_the_way_out(house: &House) {
    // Scalar values after normalization: each e with its accent is one.
    let fits = message("p-1001", REFILL, "refill", "Long", &"e\u{301}".repeat(1500));
    house.create(&patient("p-1001"), &fits).await.is(201);
    let long = message("p-1001", REFILL, "refill", "Long", &"é".repeat(1501));
    let refused = house.create(&patient("p-1001"), &long).await.is(422);
    assert!(refused.text.contains("message-too-long") && refused.text.contains("send it in parts"), "{}", refused.text);
    let urgent = format!("I have chest pain. {}", "x".repeat(1500));
    house.create(&patient("p-1001"), &message("p-1001", REFILL, "refill", "Long", &urgent)).await.is(201);
}

fn state(task: &Value) -> (&str, &str) {
    (task["status"].as_str().unwrap(), task["businessStatus"]["coding"][0]["code"].as_str().unwrap())
}

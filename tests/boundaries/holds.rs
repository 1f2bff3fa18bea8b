//! What exceeds a limit is held, seen by its author and the leads, and never lost.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{govern, lead, limit, operations, post};
use crate::house::House;
use crate::people::{REFILL, following, message, nurse, patient, refill, reply, staff};
use crate::recalendar::closed;

on_both!(house:
    d16_of_25_messages_at_once_from_one_patient_the_excess_is_held_nothing_is_lost_and_red_flags_pass,
    sixty_four_people_who_write_at_once_under_a_limit_of_the_tenant_are_all_heard,
    a_held_message_is_its_authors_and_the_leads_alone_until_it_is_released,
    a_release_needs_a_lead_a_reason_and_the_version_that_was_seen,
    a_message_that_was_answered_in_another_way_is_delivered_and_asks_for_nothing,
    what_nobody_reviews_is_escalated_and_delivered_once_by_two_workers,
    a_review_goes_by_the_pools_hours_as_they_change,
    an_exemption_is_an_override_with_an_end,
    a_held_message_that_is_retracted_is_reviewed_and_delivered_no_more,
    what_is_held_in_a_conversation_that_is_merged_away_is_owed_where_that_went,
);

fn text(house_message: &Value) -> &str {
    house_message["payload"][0]["contentString"].as_str().unwrap_or_default()
}

async fn d16_of_25_messages_at_once_from_one_patient_the_excess_is_held_nothing_is_lost_and_red_flags_pass(
    house: &House,
) {
    govern(house, |bundle| bundle["limits"] = json!([limit("sender", 10, "PT1H")])).await;
    let who = patient("p-1001");
    let replica = house.another().await;
    let sends = (0..25).map(|number| {
        let words = if number % 5 == 4 { format!("{number}: it may be a stroke") } else { format!("{number}: hello") };
        let client = if number % 2 == 0 { &**house } else { &replica.client };
        let who = &who;
        async move { client.create(who, &refill("p-1001", &words)).await.is(201).json() }
    });
    let sent = join_all(sends).await;
    let (held, through): (Vec<_>, Vec<_>) = sent.iter().partition(|one| one["status"] == "on-hold");
    let flagged = |one: &&&Value| text(one).contains("stroke");
    assert_eq!(held.iter().filter(flagged).count(), 0, "red flags pass");
    assert_eq!((through.iter().filter(flagged).count(), through.len(), held.len()), (5, 15, 10), "exact at once");
    assert_eq!(held[0]["statusReason"]["coding"][0]["code"], "held-for-review");
    // The patient finds all of them, the pool what went through, the lead what waits.
    let all = house.get(&who, "/fhir/Communication?sender=Patient/p-1001&_count=200").await.is(200);
    assert_eq!(all.resources().len(), 25);
    let seen = house.get(&nurse(), "/fhir/Communication?sender=Patient/p-1001&_count=200").await.is(200);
    assert_eq!(seen.resources().len(), 15);
    let waiting = house.get(&lead(), "/api/v1/holds").await.is(200).json();
    assert_eq!(waiting["holds"].as_array().unwrap().len(), 10);
    replica.stop().await;
}

async fn sixty_four_people_who_write_at_once_under_a_limit_of_the_tenant_are_all_heard(house: &House) {
    govern(house, |bundle| bundle["limits"] = json!([limit("tenant", 60, "PT1H")])).await;
    let replica = house.another().await;
    let people: Vec<String> = (0..64).map(|number| format!("p-{number}")).collect();
    let sends = people.iter().enumerate().map(|(number, id)| {
        let client = if number % 2 == 0 { &**house } else { &replica.client };
        async move { client.create(&patient(id), &refill(id, "Five left.")).await.is(201).json() }
    });
    let sent = join_all(sends).await;
    assert_eq!(sent.iter().filter(|one| one["status"] == "on-hold").count(), 4, "exact at once");
    replica.stop().await;
}

/// The Task of the answer that is owed, as the pool sees it.
async fn owed(house: &House, id: &str) -> Value {
    let found = house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{id}")).await.is(200);
    assert_eq!(found.resources().len(), 1, "{}", found.text);
    found.resources().remove(0)
}

/// One conversation that went through, and a second that is held: its id.
async fn held(house: &House) -> String {
    govern(house, |bundle| bundle["limits"] = json!([limit("sender-new-threads", 1, "PT24H")])).await;
    house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201);
    let second = house.create(&patient("p-1001"), &refill("p-1001", "Two.")).await.is(201);
    assert_eq!(second.json()["status"], "on-hold", "{}", second.text);
    second.id()
}

async fn a_held_message_is_its_authors_and_the_leads_alone_until_it_is_released(house: &House) {
    let id = held(house).await;
    let path = format!("/fhir/Communication/{id}");
    house.get(&patient("p-1001"), &path).await.is(200);
    let seen = house.get(&lead(), &path).await.is(200).json();
    assert_eq!(text(&seen), "Two.");
    for stranger in [nurse(), staff("Practitioner/other", &["refill"]), patient("p-2002")] {
        house.get(&stranger, &path).await.is(404);
        let found = house.get(&stranger, &format!("/fhir/Communication?_id={id}")).await.is(200);
        assert!(found.resources().is_empty());
    }
    let told = house.automatic(&id).await;
    assert!(told.len() == 1 && told[0].contains("a person will look at it"), "{told:?}");
    // The review is a Task of the lead's, which nobody else sees.
    let tasks = house.get(&lead(), "/fhir/Task?owner=Practitioner/dr-lee").await.is(200).resources();
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["focus"]["reference"], format!("Communication/{id}"));
    assert_eq!(tasks[0]["code"]["coding"][0]["code"], "approve");
    // It is found by the message that is held and by what it is for; nobody is to answer yet.
    for (query, expected) in [
        (format!("focus=Communication/{id}"), 1),
        ("code=approve".to_owned(), 1),
        ("code=http://hl7.org/fhir/CodeSystem/task-code%7Capprove".to_owned(), 1),
        ("code=fulfill&owner=Practitioner/dr-lee".to_owned(), 0),
        ("code:not=fulfill".to_owned(), 1),
        ("code:not=approve&owner=Practitioner/dr-lee".to_owned(), 0),
        ("code=approve,fulfill&owner=Practitioner/dr-lee".to_owned(), 1),
        ("code:missing=true".to_owned(), 0),
    ] {
        assert_eq!(house.get(&lead(), &format!("/fhir/Task?{query}")).await.is(200).ids().len(), expected, "{query}");
    }
    let of_messages = async |query: &str| house.get(&lead(), &format!("/fhir/Communication?{query}")).await.is(200);
    assert_eq!(of_messages("_has:Task:focus:code=approve").await.ids(), std::slice::from_ref(&id));
    let along = of_messages(&format!("_id={id}&_revinclude=Task:focus")).await;
    assert!(along.text.contains(&format!(
        "\"fullUrl\":\"{}/fhir/Task/{}\"",
        house.base(),
        tasks[0]["id"].as_str().unwrap()
    )));
    assert_eq!(seen["received"], Value::Null, "nobody has received it");
    assert_eq!(seen["sent"], "2026-06-19T14:00:00.000Z");
    let task = format!("/fhir/Task/{}", tasks[0]["id"].as_str().unwrap());
    house.get(&nurse(), &task).await.is(404);
    house.get(&patient("p-1001"), &task).await.is(404);
    // The author goes on in it; that is held too.
    let more = following(refill("p-1001", "And more."), &id);
    let more = house.create(&patient("p-1001"), &more).await.is(201).json();
    assert_eq!(more["status"], "on-hold", "it is no way around the limit");

    house.at(19, "11:30:00");
    let released = post(house, &lead(), &format!("/api/v1/holds/{id}/release"), &json!({ "reason": "reviewed" })).await;
    let released = released.is(200);
    assert_eq!(released.header("etag"), "W/\"2\"");
    let seen = house.get(&nurse(), &path).await.is(200).json();
    assert_eq!((&seen["status"], text(&seen)), (&json!("completed"), "Two."));
    assert!(seen.get("statusReason").is_none());
    assert_eq!(seen["received"], "2026-06-19T15:30:00.000Z", "as it is released");
    assert_eq!(seen["sent"], "2026-06-19T14:00:00.000Z");
    let owed = owed(house, &id).await;
    assert_eq!(owed["restriction"]["period"]["end"], "2026-06-23T21:00:00Z", "two open days from receipt");
    let review = house.get(&lead(), &task).await.is(200).json();
    assert_eq!(review["businessStatus"]["coding"][0]["code"], "met");
    let events = house.get(&operations(), &format!("/api/v1/decisions?focus=Communication/{id}")).await.is(200);
    let outcomes: Vec<_> =
        events.json()["decisions"].as_array().unwrap().iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["released", "held-for-review"], "{}", events.text);
    let path = format!("/api/v1/decisions?outcome=held-for-review&mode=live&focus=Communication/{id}");
    let held = house.get(&operations(), &path).await.is(200).json();
    assert_eq!(held["decisions"], json!([events.json()["decisions"][1]]));
    let released = house.get(&operations(), "/api/v1/decisions?outcome=released").await.is(200).json();
    assert_eq!(released["decisions"], json!([events.json()["decisions"][0]]));
}

async fn a_release_needs_a_lead_a_reason_and_the_version_that_was_seen(house: &House) {
    let id = held(house).await;
    let path = format!("/api/v1/holds/{id}/release");
    let good = json!({ "reason": "reviewed" });
    for (who, status) in [(nurse(), 403), (patient("p-1001"), 403), (staff("Practitioner/other", &["refill"]), 403)] {
        post(house, &who, &path, &good).await.is(status);
        house.get(&who, "/api/v1/holds").await.is(403);
    }
    post(house, &lead(), &path, &json!({ "reason": "matter-closed" })).await.is(422);
    let refused = post(house, &lead(), &path, &json!({ "reason": "reviewed", "why": "words" })).await.is(422).json();
    assert_eq!(refused["issues"][0]["pointer"], "/why");
    post(house, &lead(), "/api/v1/holds/none/release", &good).await.is(404);
    let stale = house.ask(Method::POST, &path).by(&lead()).header("if-match", "W/\"2\"");
    let typed = stale.header("content-type", "application/json").body(good.to_string().into_bytes());
    typed.send().await.is(412);
    let elsewhere = json!({ "reason": "clinical-judgement", "pool": "family" });
    let released = post(house, &operations(), &path, &elsewhere).await.is(200).json();
    assert_eq!(released["state"], "released");
    assert_eq!(owed(house, &id).await["owner"]["reference"], crate::people::FAMILY);
    post(house, &lead(), &path, &good).await.is(422);
    let listed = house.get(&operations(), "/api/v1/holds?state=released").await.is(200).json();
    assert_eq!(listed["holds"][0]["message"], id);
}

async fn a_message_that_was_answered_in_another_way_is_delivered_and_asks_for_nothing(house: &House) {
    let id = held(house).await;
    let answered = json!({ "outcome": "answered", "reason": "answered-by-phone" });
    let done = post(house, &lead(), &format!("/api/v1/holds/{id}/release"), &answered).await.is(200).json();
    assert_eq!(done["state"], "answered");
    assert_eq!(house.get(&nurse(), &format!("/fhir/Communication/{id}")).await.is(200).json()["status"], "completed");
    let owed = house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{id}")).await.is(200);
    assert!(owed.resources().is_empty(), "{}", owed.text);
}

async fn what_nobody_reviews_is_escalated_and_delivered_once_by_two_workers(house: &House) {
    let id = held(house).await;
    house.at(19, "14:00:01");
    let fired = house.work().await.fired;
    let names: Vec<&str> = fired.iter().map(|one| one.split('@').next().unwrap()).collect();
    assert!(names.contains(&"review-due-soon") && names.contains(&"review-overdue"), "{names:?}");
    let replica = house.another().await;
    house.at(22, "09:59:59");
    assert_eq!(house.work().await.released, 0);
    house.at(22, "10:00:00");
    let workers = [house.service().worker(), replica.service.worker()];
    let report = crate::house::work(&workers).await;
    assert_eq!(report.released, 1, "once");
    let seen = house.get(&nurse(), &format!("/fhir/Communication/{id}")).await.is(200).json();
    assert_eq!(seen["status"], "completed");
    assert_eq!(owed(house, &id).await["owner"]["reference"], REFILL, "an answer is owed");
    replica.stop().await;
}

async fn a_review_goes_by_the_pools_hours_as_they_change(house: &House) {
    held(house).await;
    house.work().await;
    house.put(&crate::people::engine(), "/fhir/HealthcareService/refill-pool", &closed("2026-06-22")).await.is(200);
    house.work().await;
    let moved = "clock IN (SELECT id FROM clock WHERE name = 'review') AND event LIKE '%recalendar%'";
    assert_eq!(house.place.count("clock_entry", moved), 1);
    let task = house.get(&lead(), "/fhir/Task?owner=Practitioner/dr-lee").await.is(200).resources().remove(0);
    assert_eq!((&task["code"]["coding"][0]["code"], &task["meta"]["versionId"]), (&json!("approve"), &json!("2")));
}

async fn an_exemption_is_an_override_with_an_end(house: &House) {
    let id = held(house).await;
    let path = format!("/api/v1/holds/{id}/release");
    post(house, &lead(), &path, &json!({ "reason": "reviewed" })).await.is(200);
    let asked = |until: &str| {
        json!({ "kind": "exempt-limit", "reason": "clinical-judgement", "thread": id, "sender": "Patient/p-1001",
            "until": until })
    };
    post(
        house,
        &nurse(),
        "/api/v1/overrides",
        &json!({ "kind": "exempt-limit", "reason": "clinical-judgement",
        "thread": id }),
    )
    .await
    .is(422);
    post(house, &patient("p-1001"), "/api/v1/overrides", &asked("2026-06-20T14:00:00Z")).await.is(403);
    let made = post(house, &nurse(), "/api/v1/overrides", &asked("2026-06-19T16:00:00Z")).await.is(201).json();
    assert_eq!((&made["sender"], &made["until"]), (&json!("Patient/p-1001"), &json!("2026-06-19T16:00:00Z")));
    let another = || message("p-1001", REFILL, "refill", "Refill", "Another.");
    let passed = house.create(&patient("p-1001"), &another()).await.is(201);
    assert_eq!(passed.json()["status"], "completed");
    house.at(19, "12:00:00");
    let over = house.create(&patient("p-1001"), &another()).await.is(201);
    assert_eq!(over.json()["status"], "on-hold");
    let quiet = json!({ "kind": "exempt-quiet", "reason": "patient-agreed", "thread": id,
        "until": "2026-06-20T14:00:00Z" });
    post(house, &nurse(), "/api/v1/overrides", &quiet).await.is(201);
    let listed = house.get(&nurse(), &format!("/api/v1/overrides?thread={id}")).await.is(200).json();
    let kinds: Vec<_> = listed["overrides"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["exempt-limit", "exempt-quiet"]);
}

async fn a_held_message_that_is_retracted_is_reviewed_and_delivered_no_more(house: &House) {
    let id = held(house).await;
    let path = format!("/fhir/Communication/{id}");
    let mut gone = house.get(&patient("p-1001"), &path).await.is(200).json();
    gone["status"] = json!("entered-in-error");
    let gone = house.put(&patient("p-1001"), &path, &gone).await.is(200).json();
    assert_eq!((&gone["status"], &gone["payload"]), (&json!("entered-in-error"), &Value::Null));
    let tasks = house.get(&lead(), "/fhir/Task?owner=Practitioner/dr-lee").await.is(200).resources();
    assert_eq!((tasks.len(), &tasks[0]["status"]), (1, &json!("cancelled")));
    let over = house.get(&lead(), "/api/v1/holds?state=retracted").await.is(200).json();
    assert_eq!((over["holds"].as_array().unwrap().len(), &over["holds"][0]["reason"]), (1, &json!("entered-in-error")));
    let refused = post(house, &lead(), &format!("/api/v1/holds/{id}/release"), &json!({ "reason": "reviewed" })).await;
    assert!(refused.is(422).text.contains("not-held"));
    // Its longest hold passes: the lead knows what it was, and nobody else gets it.
    house.at(26, "12:00:00");
    assert_eq!(house.work().await.released, 0);
    assert_eq!(text(&house.get(&lead(), &format!("{path}/_history/1")).await.is(200).json()), "Two.");
    house.get(&nurse(), &path).await.is(404);
}

async fn what_is_held_in_a_conversation_that_is_merged_away_is_owed_where_that_went(house: &House) {
    govern(house, |bundle| bundle["limits"] = json!([limit("sender-thread", 1, "PT24H")])).await;
    let who = patient("p-1001");
    let gone = house.create(&who, &refill("p-1001", "One.")).await.is(201).id();
    house.at(19, "11:00:00");
    let second = house.create(&who, &following(refill("p-1001", "Two."), &gone)).await.is(201);
    assert_eq!(second.json()["status"], "on-hold", "{}", second.text);
    let stays = house.create(&who, &refill("p-1001", "Three.")).await.is(201).id();
    let merge = json!({ "into": stays, "reason": "same-matter" });
    post(house, &nurse(), &format!("/api/v1/threads/{gone}/merge"), &merge).await.is(200);
    house.create(&nurse(), &reply("p-1001", &stays, "Done.")).await.is(201);
    let release = format!("/api/v1/holds/{}/release", second.id());
    post(house, &lead(), &release, &json!({ "reason": "reviewed" })).await.is(200);
    let states = async |thread: &str| {
        let listed = house.get(&operations(), &format!("/api/v1/threads/{thread}/clocks")).await.is(200).json();
        let clocks = listed["clocks"].as_array().unwrap().clone();
        let state = |clock: &Value| format!("{} {}", clock["name"].as_str().unwrap(), clock["state"].as_str().unwrap());
        clocks.iter().map(state).collect::<Vec<_>>()
    };
    let (before, after) = (states(&gone).await, states(&stays).await);
    assert!(before.iter().all(|state| !state.ends_with("running")), "nothing is owed where nobody looks: {before:?}");
    assert!(before.contains(&"review met".to_owned()), "{before:?}");
    assert!(after.contains(&"next-response running".to_owned()), "{after:?}");
    let read = house.get(&nurse(), &format!("/fhir/Communication/{}", second.id())).await.is(200).json();
    assert_eq!(read["status"], "completed");
}

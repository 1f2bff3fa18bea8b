//! Tasks: what is due, who takes it, and how little of it a patient sees.

mod operation;
mod update;

use futures_util::future::join;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{REFILL, engine, following, message, nurse, patient, refill, reply, staff};

on_both!(house:
    what_is_due_first_is_listed_first,
    a_claim_makes_the_task_the_callers,
    of_two_claims_on_two_replicas_one_wins_and_the_other_is_told,
    who_claims_what_is_there_is_not_told_that_the_patient_was_faster,
    only_members_of_the_pool_may_claim,
    a_patient_sees_the_promise_and_nothing_of_the_team,
    a_task_is_nobody_elses_to_see,
);

async fn what_is_due_first_is_listed_first(house: &House) {
    let mut urgent = refill("p-2002", "None left since yesterday.");
    urgent["priority"] = json!("urgent");
    let routine = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.pass(60);
    let urgent = house.create(&patient("p-2002"), &urgent).await.is(201).id();
    let elsewhere = message("p-3003", crate::people::FAMILY, "form", "Form", "Please sign.");
    house.create(&patient("p-3003"), &elsewhere).await.is(201);
    let due = house.get(&nurse(), &format!("/fhir/Task?owner={REFILL}&status=requested&_sort=due")).await.is(200);
    let threads: Vec<String> =
        due.resources().iter().map(|task| task["focus"]["reference"].as_str().unwrap().to_owned()).collect();
    assert_eq!(threads, [format!("Communication/{urgent}"), format!("Communication/{routine}")]);
    let ends: Vec<Value> = due.resources().iter().map(|task| task["restriction"]["period"]["end"].clone()).collect();
    assert_eq!(ends, ["2026-06-19T18:01:00Z", "2026-06-23T21:00:00Z"], "4 open hours; two open days by close");
    let soon = house.get(&nurse(), "/fhir/Task?due=lt2026-06-20").await.is(200);
    assert_eq!(soon.resources().len(), 1, "{}", soon.text);
}

async fn a_claim_makes_the_task_the_callers(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let task = house.task(&root).await;
    let claimed = house.claim(&nurse(), &task).await.is(200);
    assert_eq!(claimed.header("etag"), "W/\"2\"");
    let now = claimed.json();
    assert_eq!((&now["owner"]["reference"], &now["status"]), (&json!("Practitioner/nurse-ortiz"), &json!("accepted")));
    assert_eq!(now["restriction"], task["restriction"], "a claim moves no due");
    let mine = house.get(&nurse(), "/fhir/Task?owner=Practitioner/nurse-ortiz").await.is(200);
    assert_eq!(mine.resources(), std::slice::from_ref(&now));
    let of_pool = house.get(&nurse(), &format!("/fhir/Task?pool={REFILL}")).await.is(200);
    assert_eq!(of_pool.resources(), std::slice::from_ref(&now), "the pool is kept while a person owns it");
    // The version that was claimed is past; the same person's claim of the present one is no error.
    house.claim(&nurse(), &task).await.is(412);
    house.claim(&nurse(), &now).await.is(200);
    house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201);
    let over = house.task(&root).await;
    let refused = house.claim(&nurse(), &over).await.is(422);
    assert!(refused.text.contains("obligation-over"), "{}", refused.text);
}

async fn of_two_claims_on_two_replicas_one_wins_and_the_other_is_told(house: &House) {
    let replica = house.another().await;
    for round in 0..5 {
        let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
        let task = house.task(&root).await;
        let (ann, bob) = (staff("Practitioner/ann", &["refill"]), staff("Practitioner/bob", &["refill"]));
        let (one, two) = join(house.claim(&ann, &task), replica.client.claim(&bob, &task)).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412], "round {round}: {} {}", one.text, two.text);
        let winner = if one.status == 200 { "Practitioner/ann" } else { "Practitioner/bob" };
        assert_eq!(house.task(&root).await["owner"]["reference"], winner);
        let lost = if one.status == 200 { two } else { one };
        assert_eq!(lost.issues(), ["conflict"]);
    }
    replica.stop().await;
}

async fn who_claims_what_is_there_is_not_told_that_the_patient_was_faster(house: &House) {
    let replica = house.another().await;
    for round in 0..5 {
        let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
        let claim = format!("/fhir/Task/{}/$claim", house.task(&root).await["id"].as_str().unwrap());
        let further = following(refill("p-1001", "Three left."), &root);
        let (nurse, patient) = (nurse(), patient("p-1001"));
        let claimed = house.ask(Method::POST, &claim).by(&nurse).send();
        let (claimed, sent) = join(claimed, replica.client.create(&patient, &further)).await;
        assert_eq!((claimed.status, sent.status), (200, 201), "round {round}: {} {}", claimed.text, sent.text);
        assert_eq!(house.task(&root).await["owner"]["reference"], "Practitioner/nurse-ortiz");
    }
    replica.stop().await;
}

async fn only_members_of_the_pool_may_claim(house: &House) {
    let mut asked = refill("p-1001", "Five left.");
    asked["recipient"] = json!([{ "reference": REFILL }, { "reference": "Practitioner/dr-known" }]);
    let root = house.create(&patient("p-1001"), &asked).await.is(201).id();
    let task = house.task(&root).await;
    // Takes part in the thread, so sees the Task, but does not answer for the pool.
    let refused = house.claim(&staff("Practitioner/dr-known", &["family"]), &task).await.is(403);
    assert!(refused.issues() == ["forbidden"] && refused.text.contains("not-a-member"), "{}", refused.text);
    house.claim(&staff("Practitioner/dr-far", &["family"]), &task).await.is(404);
    // A machine is no person.
    assert!(house.claim(&engine(), &task).await.is(403).text.contains("not-a-person"));
    let by_patient = house.claim(&patient("p-1001"), &task).await;
    assert_eq!(by_patient.status, 403, "{}", by_patient.text);
    let owned = house.claim(&staff("Practitioner/ann", &["refill"]), &task).await.is(200).json();
    let refused = house.claim(&nurse(), &owned).await.is(422);
    assert!(refused.text.contains("claimed-by-other"), "{}", refused.text);
}

async fn a_patient_sees_the_promise_and_nothing_of_the_team(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let task = house.task(&root).await;
    house.claim(&nurse(), &task).await.is(200);
    house.at(23, "12:30:00");
    house.work().await;
    let id = task["id"].as_str().unwrap();
    let seen = house.get(&patient("p-1001"), &format!("/fhir/Task/{id}")).await.is(200);
    let found = house.get(&patient("p-1001"), "/fhir/Task").await.is(200);
    assert_eq!(found.resources(), [seen.json()]);
    let shown = seen.json();
    assert_eq!(shown["restriction"]["period"], json!({ "end": "2026-06-23T21:00:00Z" }));
    assert_eq!((&shown["status"], &shown["owner"]["reference"]), (&json!("requested"), &json!(REFILL)));
    for secret in ["nurse-ortiz", "at-risk", "businessStatus", "start"] {
        assert!(!seen.text.contains(secret), "{secret}: {}", seen.text);
    }
    for version in 1..=3 {
        let earlier = house.get(&patient("p-1001"), &format!("/fhir/Task/{id}/_history/{version}")).await.is(200);
        assert!(!earlier.text.contains("nurse-ortiz") && !earlier.text.contains("businessStatus"), "{}", earlier.text);
    }
    // Nor by searching for it.
    for probe in ["owner=Practitioner/nurse-ortiz", "business-status=at-risk", "due=gt2026-01-01", "_sort=due"] {
        house.get(&patient("p-1001"), &format!("/fhir/Task?{probe}")).await.is(400);
    }
    let taken = house.get(&patient("p-1001"), "/fhir/Task?status=accepted").await.is(200);
    assert!(taken.resources().is_empty(), "{}", taken.text);
    assert_eq!(house.get(&patient("p-1001"), "/fhir/Task?status=requested").await.is(200).resources().len(), 1);
}

async fn a_task_is_nobody_elses_to_see(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let id = house.task(&root).await["id"].as_str().unwrap().to_owned();
    for stranger in [patient("p-2002"), staff("Practitioner/a", &["family"])] {
        let hidden = house.get(&stranger, &format!("/fhir/Task/{id}")).await.is(404);
        let none = house.get(&stranger, "/fhir/Task/none").await.is(404);
        assert_eq!(hidden.text, none.text);
        assert!(house.get(&stranger, "/fhir/Task").await.is(200).resources().is_empty());
    }
    house.ask(Method::DELETE, &format!("/fhir/Task/{id}")).by(&engine()).send().await.is(405);
}

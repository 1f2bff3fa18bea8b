//! What the team does with a Task beside claiming it, as FHIR operations.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{FAMILY, LEAD, REFILL, engine, nurse, patient, refill, staff};

on_both!(house:
    a_task_goes_back_to_its_pool_by_its_owner_or_a_lead,
    a_task_is_handed_to_another_pool_and_is_due_as_before,
    somebody_of_the_pool_is_asked_to_take_a_task,
    a_task_is_waived_once_and_for_a_reason,
    a_task_rests_and_goes_on,
    an_operation_says_what_it_takes,
);

fn lead() -> DevelopmentClaims {
    staff(LEAD, &["refill"])
}

async fn sent(house: &House) -> Value {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.task(&id).await
}

fn parameters(given: &[(&str, &str, &str)]) -> String {
    let one = |(name, kind, value): &(&str, &str, &str)| {
        let value = if *kind == "valueReference" { json!({ "reference": value }) } else { json!(value) };
        json!({ "name": name, *kind: value })
    };
    json!({ "resourceType": "Parameters", "parameter": given.iter().map(one).collect::<Vec<_>>() }).to_string()
}

async fn operate(house: &House, who: &DevelopmentClaims, task: &Value, name: &str, body: &str) -> Reply {
    let path = format!("/fhir/Task/{}/${name}", task["id"].as_str().unwrap());
    let version = format!("W/\"{}\"", task["meta"]["versionId"].as_str().unwrap());
    let ask = house.ask(Method::POST, &path).by(who).header("if-match", &version);
    if body.is_empty() { ask.send().await } else { ask.fhir(body).send().await }
}

async fn a_task_goes_back_to_its_pool_by_its_owner_or_a_lead(house: &House) {
    let task = sent(house).await;
    let mine = house.claim(&nurse(), &task).await.is(200).json();
    let other = staff("Practitioner/ann", &["refill"]);
    assert!(operate(house, &other, &mine, "release", "").await.is(422).text.contains("claimed-by-other"));
    assert_eq!(operate(house, &nurse(), &task, "release", "").await.is(412).issues(), ["conflict"]);
    for (who, pools) in [(patient("p-1001"), 403), (engine(), 403), (staff("Practitioner/far", &["family"]), 404)] {
        operate(house, &who, &mine, "release", "").await.is(pools);
    }
    let free = operate(house, &nurse(), &mine, "release", "").await.is(200);
    assert_eq!((free.header("etag"), &free.json()["owner"]["reference"]), ("W/\"3\"", &json!(REFILL)));
    assert_eq!((&free.json()["status"], &free.json()["restriction"]), (&json!("requested"), &task["restriction"]));
    // Told again, nothing changes.
    assert_eq!(operate(house, &nurse(), &free.json(), "release", "").await.is(200).header("etag"), "W/\"3\"");
    let taken = house.claim(&other, &free.json()).await.is(200).json();
    operate(house, &lead(), &taken, "release", "").await.is(200);
    assert_eq!(house.place.count("audit", "interaction = '$release'"), 3);
    assert_eq!(
        house.place.count("outbox", "topic = 'task-released' AND recipient = 'HealthcareService/refill-pool'"),
        2
    );
}

async fn a_task_is_handed_to_another_pool_and_is_due_as_before(house: &House) {
    let task = sent(house).await;
    let to = |pool: &str| parameters(&[("pool", "valueString", pool), ("reason", "valueCode", "wrong-pool")]);
    assert!(operate(house, &nurse(), &task, "route", &to("refill")).await.is(422).text.contains("same-pool"));
    assert!(operate(house, &nurse(), &task, "route", &to("nowhere")).await.is(422).text.contains("unknown-pool"));
    let moved = operate(house, &nurse(), &task, "route", &to("family")).await.is(200).json();
    assert_eq!((&moved["owner"]["reference"], &moved["restriction"]), (&json!(FAMILY), &task["restriction"]));
    house
        .get(&staff("Practitioner/ann", &["refill"]), &format!("/fhir/Task/{}", task["id"].as_str().unwrap()))
        .await
        .is(404);
    let back = operate(house, &nurse(), &moved, "route", &to(REFILL)).await.is(200).json();
    assert_eq!(back["owner"]["reference"], REFILL);
}

async fn somebody_of_the_pool_is_asked_to_take_a_task(house: &House) {
    let task = sent(house).await;
    let to =
        |person: &str| parameters(&[("person", "valueReference", person), ("reason", "valueCode", "needs-expertise")]);
    let unknown = operate(house, &nurse(), &task, "route", &to("Practitioner/stranger")).await.is(422);
    assert!(unknown.text.contains("not-of-the-pool"), "{}", unknown.text);
    let asked = operate(house, &nurse(), &task, "route", &to(LEAD)).await.is(200).json();
    assert_eq!(
        (&asked["owner"]["reference"], &asked["status"]),
        (&json!(LEAD), &json!("requested")),
        "asked, not taken"
    );
    let taken = house.claim(&lead(), &asked).await.is(200).json();
    assert_eq!(taken["status"], "accepted");
    let mine = operate(house, &nurse(), &taken, "route", &to("Practitioner/nurse-ortiz")).await.is(200).json();
    assert_eq!(mine["owner"]["reference"], "Practitioner/nurse-ortiz");
}

async fn a_task_is_waived_once_and_for_a_reason(house: &House) {
    let task = sent(house).await;
    let why = |reason: &str| parameters(&[("reason", "valueCode", reason)]);
    operate(house, &nurse(), &task, "waive", "").await.is(400);
    operate(house, &nurse(), &task, "waive", &why("bored")).await.is(400);
    assert!(operate(house, &nurse(), &task, "waive", &why("thanks-only")).await.is(422).text.contains("reason-unfit"));
    let waived = operate(house, &nurse(), &task, "waive", &why("answered-by-phone")).await.is(200).json();
    assert_eq!(
        (&waived["status"], &waived["businessStatus"]["coding"][0]["code"]),
        (&json!("completed"), &json!("waived"))
    );
    assert!(
        operate(house, &nurse(), &waived, "waive", &why("answered-by-phone"))
            .await
            .is(422)
            .text
            .contains("obligation-over")
    );
    // It is the override that is listed with the others.
    let thread = task["focus"]["reference"].as_str().unwrap().strip_prefix("Communication/").unwrap();
    let listed = house.get(&nurse(), &format!("/api/v1/overrides?thread={thread}")).await.is(200).json();
    assert_eq!(
        (&listed["overrides"][0]["kind"], &listed["overrides"][0]["reason"]),
        (&json!("waive"), &json!("answered-by-phone"))
    );
}

async fn a_task_rests_and_goes_on(house: &House) {
    crate::boundaries::govern(house, |bundle| {
        for policy in bundle["turnaround"].as_array_mut().unwrap() {
            for clock in policy["clocks"].as_array_mut().unwrap() {
                if clock["id"] == "next-response" {
                    clock["pausesWhile"] = json!(["waiting-on-patient"]);
                }
            }
        }
    })
    .await;
    let task = sent(house).await;
    let why = |reason: &str| parameters(&[("reason", "valueCode", reason)]);
    assert!(operate(house, &nurse(), &task, "resume", "").await.is(422).text.contains("not-paused"));
    assert!(
        operate(house, &nurse(), &task, "pause", &why("waiting-on-third-party"))
            .await
            .is(422)
            .text
            .contains("nothing-rests")
    );
    let rests = operate(house, &nurse(), &task, "pause", &why("waiting-on-patient")).await.is(200).json();
    assert_eq!(
        (&rests["status"], &rests["businessStatus"]["coding"][0]["code"]),
        (&json!("on-hold"), &json!("paused"))
    );
    let goes_on = operate(house, &nurse(), &rests, "resume", "").await.is(200).json();
    assert_eq!((&goes_on["status"], &goes_on["restriction"]), (&json!("requested"), &task["restriction"]));
}

async fn an_operation_says_what_it_takes(house: &House) {
    let task = sent(house).await;
    let both = parameters(&[
        ("pool", "valueString", "family"),
        ("person", "valueReference", LEAD),
        ("reason", "valueCode", "cover"),
    ]);
    let unknown = parameters(&[("reason", "valueCode", "cover"), ("colour", "valueString", "red")]);
    let twice = parameters(&[("reason", "valueCode", "cover"), ("reason", "valueCode", "cover")]);
    for (body, place) in
        [(both, "Parameters.parameter"), (unknown, "Parameters.parameter[1]"), (twice, "Parameters.parameter[1]")]
    {
        let refused = operate(house, &nurse(), &task, "route", &body).await.is(400);
        assert_eq!(refused.json()["issue"][0]["expression"][0], place, "{}", refused.text);
    }
    let not_parameters = operate(house, &nurse(), &task, "route", &task.to_string()).await.is(400);
    assert_eq!(not_parameters.json()["resourceType"], "OperationOutcome");
    assert_eq!(
        house.task(task["focus"]["reference"].as_str().unwrap().strip_prefix("Communication/").unwrap()).await,
        task
    );
}

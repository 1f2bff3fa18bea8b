//! Simulations over the interface: what they find, who may ask, what becomes of them, and that they do nothing else.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};
use server::clinic;
use server::month::Month;
use server::worker::{Report, Simulated};
use tokio::sync::watch;

use crate::house::House;
use crate::people::{FAMILY, engine, message, nurse, patient, refill, reply, scoped};

on_both!(house:
    the_active_bundle_against_itself_differs_in_nothing,
    a_candidate_is_told_apart_with_both_explanations_and_no_word_of_a_message,
    a_simulation_has_no_effect_but_its_own_row_and_audit,
    a_simulation_that_was_cancelled_runs_no_further,
    a_simulation_of_a_dead_worker_is_taken_up_by_another,
    what_cannot_be_simulated_is_told_with_a_pointer_and_a_remedy,
    only_administrators_simulate,
);

/// Every table but that of simulations.
const TABLES: [&str; 16] = [
    "resource",
    "resource_history",
    "search_value",
    "unique_key",
    "thread",
    "clock",
    "clock_entry",
    "clock_segment",
    "firing",
    "outbox",
    "delivery",
    "decision",
    "bundle",
    "catalogue_generation",
    "obligation_override",
    "audit",
];

/// A word that no report may hold.
const CANARY: &str = "zanzibarquux";

fn operations() -> DevelopmentClaims {
    scoped(&engine(), "postern/admin.read postern/admin.write")
}

/// June 2026 under the active bundle and a candidate.
fn june(candidate: &Value) -> Value {
    json!({ "candidate": candidate, "from": "2026-06-01T00:00:00-04:00", "to": "2026-07-01T00:00:00-04:00" })
}

/// The clinic's bundle with another version and something changed.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut bundle: Value = serde_json::from_str(&clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(2);
    change(&mut bundle);
    bundle
}

/// Every message in a week: answered, unanswered, by a machine, with a red flag.
async fn correspondence(house: &House) {
    let one = house.create(&patient("p-1"), &refill("p-1", CANARY)).await.is(201).id();
    house.pass(1_800);
    house.create(&nurse(), &reply("p-1", &one, "It is ready.")).await.is(201);
    for (number, category) in ["form", "billing", "referral", "refill"].into_iter().enumerate() {
        house.pass(3_600);
        let id = format!("p-{}", number + 2);
        house.create(&patient(&id), &message(&id, FAMILY, category, "A question", CANARY)).await.is(201);
    }
    house.pass(3_600);
    let flagged = message("p-9", FAMILY, "billing", "Invoice", "Also I have chest pain on stairs.");
    house.create(&patient("p-9"), &flagged).await.is(201);
    let mut draft = message("p-9", FAMILY, "billing", "Invoice", "Not yet");
    draft["status"] = json!("preparation");
    house.create(&patient("p-9"), &draft).await.is(201);
    house.work().await;
    house.at(26, "12:00:00");
    house.work().await;
}

async fn asked(house: &House, body: &Value) -> String {
    let answered = house.post(&operations(), "/api/v1/simulations", &body.to_string()).await.is(202);
    let told = answered.json();
    assert_eq!((&told["state"], told["progress"]["processed"].as_i64()), (&json!("queued"), Some(0)));
    let id = told["id"].as_str().unwrap().to_owned();
    assert!(answered.header("location").ends_with(&format!("/api/v1/simulations/{id}")));
    id
}

async fn run(house: &House) -> Simulated {
    let (_keep, stop) = watch::channel(false);
    house.service().worker().simulate(&stop).await.unwrap()
}

async fn told(house: &House, id: &str) -> Value {
    house.get(&operations(), &format!("/api/v1/simulations/{id}")).await.is(200).json()
}

/// Asks, runs and reads the report.
async fn found(house: &House, body: &Value) -> Value {
    let id = asked(house, body).await;
    assert_eq!(run(house).await, Simulated::Ended(id.clone()));
    assert_eq!(run(house).await, Simulated::Nothing);
    let told = told(house, &id).await;
    assert_eq!(told["state"], "done", "{told}");
    assert_eq!(told["progress"]["processed"], told["progress"]["total"]);
    told["report"].clone()
}

async fn the_active_bundle_against_itself_differs_in_nothing(house: &House) {
    house.at(26, "12:00:00");
    let month = Month::new(house.plain(), house.time.clone(), house.service().worker(), house.time_now());
    let seeded = month.run(60).await.unwrap();
    let body = json!({ "candidate": "riverside/1", "from": "2026-05-20T00:00:00Z", "to": "2026-06-27T00:00:00Z" });
    let report = found(house, &body).await;
    assert_eq!(report["messages"], json!(seeded.messages), "{report}");
    assert_eq!((&report["different"], &report["differences"]), (&json!(0), &json!([])), "{report}");
    assert_eq!(report["baseline"], report["candidate"]);
    assert_eq!(report["due"]["distribution"], json!([]));
    assert!(report["baseline"]["thresholds"]["warn-50"].as_u64().is_some_and(|fired| fired > 0), "{report}");
    let by_hour =
        |side: &str| report[side]["noticesByHour"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>();
    let by_day =
        report["baseline"]["noticesByWeekday"].as_array().unwrap().iter().filter_map(Value::as_u64).sum::<u64>();
    assert_eq!((by_hour("baseline"), by_hour("candidate")), (by_day, by_day));
}

async fn a_candidate_is_told_apart_with_both_explanations_and_no_word_of_a_message(house: &House) {
    correspondence(house).await;
    let slower = changed(|bundle| {
        for policy in bundle["turnaround"].as_array_mut().unwrap() {
            for target in policy["clocks"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .flat_map(|clock| clock["targets"].as_array_mut().unwrap())
            {
                if target["priority"] == "routine" && target["count"] == "open-days" {
                    target["amount"] = json!("P6D");
                }
            }
        }
        bundle["routing"] = json!([]);
    });
    let report = found(house, &june(&slower)).await;
    assert_eq!(report["messages"], 7, "six of patients and an answer; neither drafts nor what the service wrote");
    assert_eq!(report["pools"], json!({ "refill -> family": 1 }));
    assert!(report["due"]["later"].as_u64().unwrap() >= 2, "{report}");
    assert!(
        report["due"]["distribution"].as_array().unwrap().iter().any(|band| band["moved"] == "more than 3 days later")
    );
    let first = &report["differences"][0];
    let recorded = format!("about LIKE '%Communication/{}%'", first["thread"].as_str().unwrap());
    assert_eq!(house.place.count("audit", &format!("interaction = 'read-simulation' AND {recorded}")), 1);
    assert!(first["dueShiftSeconds"].as_i64().unwrap() > 0);
    assert!(first["baseline"].as_str().unwrap().contains("is due by"), "{first}");
    assert_ne!(first["baseline"], first["candidate"]);
    assert!(!report.to_string().contains(CANARY));
    let read = house.get(&engine(), &format!("/fhir/Communication/{}", first["message"].as_str().unwrap())).await;
    read.is(200);
}

async fn a_simulation_has_no_effect_but_its_own_row_and_audit(house: &House) {
    correspondence(house).await;
    let rows = || TABLES.map(|table| house.place.count(table, "1 = 1"));
    let states = || house.place.texts("SELECT id || state || revision || fold AS value FROM clock ORDER BY id");
    let (before, clocks) = (rows(), states());
    let id = asked(house, &june(&changed(|bundle| bundle["routing"] = json!([])))).await;
    assert_eq!(run(house).await, Simulated::Ended(id));
    let rest = Report { sealed: 0, ..house.work().await };
    assert!(rest.is_idle(), "no worker has more to do than before, but to seal: {rest:?}");
    let mut after = rows();
    after[TABLES.len() - 1] -= 1;
    assert_eq!(after, before, "one audit row, of asking");
    assert_eq!(states(), clocks);
    assert_eq!(house.place.count("simulation", "state = 'done'"), 1);
    assert_eq!(house.place.count("audit", "interaction = 'create-simulation'"), 1);
}

async fn a_simulation_that_was_cancelled_runs_no_further(house: &House) {
    correspondence(house).await;
    let id = asked(house, &june(&json!("riverside/1"))).await;
    let store = house.service().store();
    let (tenant, held) = domain::store::Store::claim_simulation(store, house.time_now(), domain::time::Span::hours(1))
        .await
        .unwrap()
        .unwrap();
    let path = format!("/api/v1/simulations/{id}/cancel");
    let cancelled = house.ask(Method::POST, &path).by(&operations()).send().await.is(200).json();
    assert_eq!(cancelled["state"], "cancelled");
    let mut change = domain::change::Change::new(tenant);
    change.simulations = vec![held.advanced(500, None)];
    let lost = domain::store::Store::save(store, change).await;
    assert!(matches!(lost, Err(domain::store::SaveError::Conflict { .. })), "its worker is told: {lost:?}");
    assert_eq!(run(house).await, Simulated::Nothing);
    let again = house.ask(Method::POST, &path).by(&operations()).send().await.is(409).json();
    assert!(again["issues"][0]["remedy"].is_string(), "{again}");
    assert_eq!(told(house, &id).await["state"], "cancelled");
}

async fn a_simulation_of_a_dead_worker_is_taken_up_by_another(house: &House) {
    correspondence(house).await;
    let id = asked(house, &june(&json!("riverside/1"))).await;
    let lease = domain::time::Span::from_seconds(30);
    let claim = || domain::store::Store::claim_simulation(house.service().store(), house.time_now(), lease);
    assert!(claim().await.unwrap().is_some(), "somebody takes it, and dies");
    assert_eq!(run(house).await, Simulated::Nothing, "it is held");
    house.pass(31);
    let other = house.another().await;
    let (_keep, stop) = watch::channel(false);
    assert_eq!(other.service.worker().simulate(&stop).await.unwrap(), Simulated::Ended(id.clone()));
    other.stop().await;
    assert_eq!(told(house, &id).await["report"]["different"], 0);

    // One that stops gives it back at once.
    let id = asked(house, &june(&json!("riverside/1"))).await;
    let (_keep, stopped) = watch::channel(true);
    assert_eq!(house.service().worker().simulate(&stopped).await.unwrap(), Simulated::Left);
    assert_eq!(told(house, &id).await["state"], "running");
    assert_eq!(run(house).await, Simulated::Ended(id));
}

async fn what_cannot_be_simulated_is_told_with_a_pointer_and_a_remedy(house: &House) {
    let (from, to) = ("2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z");
    let broken = changed(|bundle| bundle["defaultPool"] = json!("nobody"));
    for (body, pointer) in [
        (json!({ "candidate": "riverside/9", "from": from, "to": to }), "/candidate"),
        (json!({ "candidate": "riverside/1", "baseline": "x/1", "from": from, "to": to }), "/baseline"),
        (json!({ "candidate": "riverside/1", "from": to, "to": from }), "/to"),
        (json!({ "candidate": "riverside/1", "from": "2020-01-01T00:00:00Z", "to": to }), "/to"),
        (json!({ "candidate": broken, "from": from, "to": to }), "/candidate/defaultPool"),
        (json!({ "candidate": 7, "from": from, "to": to }), "/candidate"),
        (json!({ "candidate": "riverside/1", "from": from, "to": to, "text": true }), ""),
    ] {
        let refused = house.post(&operations(), "/api/v1/simulations", &body.to_string()).await.is(422).json();
        let issue = &refused["issues"][0];
        assert_eq!(issue["pointer"], pointer, "{refused}");
        assert!(issue["remedy"].as_str().unwrap().len() > 10, "{refused}");
    }
    for _ in 0..20 {
        asked(house, &june(&json!("riverside/1"))).await;
    }
    house.post(&operations(), "/api/v1/simulations", &june(&json!("riverside/1")).to_string()).await.is(409);
    let listed = house.get(&operations(), "/api/v1/simulations?limit=5").await.is(200).json();
    assert_eq!(listed["simulations"].as_array().unwrap().len(), 5);
    house.get(&operations(), "/api/v1/simulations/none").await.is(404);
}

async fn only_administrators_simulate(house: &House) {
    let id = asked(house, &june(&json!("riverside/1"))).await;
    let reader = scoped(&engine(), "postern/admin.read");
    let body = june(&json!("riverside/1")).to_string();
    for who in [&patient("p-1"), &nurse(), &scoped(&engine(), "system/*.cruds"), &reader] {
        house.post(who, "/api/v1/simulations", &body).await.is(403);
        house.ask(Method::POST, &format!("/api/v1/simulations/{id}/cancel")).by(who).send().await.is(403);
    }
    for who in [&patient("p-1"), &nurse(), &scoped(&engine(), "system/*.cruds")] {
        house.get(who, "/api/v1/simulations").await.is(403);
        house.get(who, &format!("/api/v1/simulations/{id}")).await.is(403);
    }
    house.get(&reader, &format!("/api/v1/simulations/{id}")).await.is(200);
}

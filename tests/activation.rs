//! Bundles that come into force: once, whoever wants it and however many workers look.

use api::auth::DevelopmentClaims;
use futures_util::future::join_all;
use serde_json::{Value, json};
use server::clinic;
use server::worker::Report;

use crate::house::{House, work};
use crate::people::{engine, patient, refill, scoped};
use crate::practitioner_role::{fed, role};

on_both!(house:
    a_scheduled_bundle_comes_into_force_once_under_eight_workers_of_two_services,
    of_two_activations_at_the_same_time_one_wins_and_the_other_is_told,
    nobody_is_refused_by_what_is_no_longer_in_force_anywhere,
);

fn operations() -> DevelopmentClaims {
    scoped(&engine(), "postern/admin.read postern/admin.write")
}

async fn stored(house: &House, version: u32) {
    let mut bundle: Value = serde_json::from_str(&clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(version);
    house.post(&operations(), "/api/v1/bundles", &bundle.to_string()).await.is(201);
}

async fn states(house: &House) -> Vec<(i64, String)> {
    let listed = house.get(&operations(), "/api/v1/bundles").await.is(200).json();
    let state = |row: &Value| (row["version"].as_i64().unwrap(), row["state"].as_str().unwrap().to_owned());
    listed["bundles"].as_array().unwrap().iter().map(state).collect()
}

async fn a_scheduled_bundle_comes_into_force_once_under_eight_workers_of_two_services(house: &House) {
    stored(house, 2).await;
    let from = json!({ "effectiveFrom": "2026-06-22T08:00:00-04:00" }).to_string();
    let told = house.post(&operations(), "/api/v1/bundles/riverside/2/activate", &from).await.is(200).json();
    assert_eq!(told["state"], "scheduled");
    let other = house.another().await;
    let workers: Vec<_> =
        (0..8).map(|number| if number % 2 == 0 { house.service().worker() } else { other.service.worker() }).collect();
    house.at(22, "07:59:59");
    assert_eq!(work(&workers).await.activated, Vec::<String>::new());
    assert_eq!(states(house).await, [(2, "scheduled".to_owned()), (1, "active".to_owned())]);
    house.at(22, "08:00:00");
    assert_eq!(work(&workers).await.activated, ["riverside/2"], "once, whoever did it");
    assert_eq!(states(house).await, [(2, "active".to_owned()), (1, "retired".to_owned())]);
    assert_eq!(house.place.count("audit", "interaction = 'activate-bundle' AND client = 'postern'"), 1);
    let rest = Report { sealed: 0, ..work(&workers).await };
    assert!(rest.is_idle(), "nothing is left but to seal what was looked at: {rest:?}");
    other.stop().await;
}

async fn of_two_activations_at_the_same_time_one_wins_and_the_other_is_told(house: &House) {
    stored(house, 2).await;
    stored(house, 3).await;
    let other = house.another().await;
    let mut lost = 0;
    for round in 0.. {
        house.post(&operations(), "/api/v1/bundles/riverside/1/activate", "").await.is(200);
        let (who, paths) = (operations(), ["riverside/2", "riverside/3"]);
        let asks = paths.iter().enumerate().map(|(place, name)| {
            let client = if place == 0 { &**house } else { &other.client };
            let path = format!("/api/v1/bundles/{name}/activate");
            let who = &who;
            async move { client.post(who, &path, "").await }
        });
        let answers = join_all(asks).await;
        let won = answers.iter().filter(|answer| answer.status == 200).count();
        assert!(won >= 1 && answers.iter().all(|answer| [200, 409].contains(&answer.status)), "round {round}");
        lost += answers.len() - won;
        let active: Vec<_> = states(house).await.into_iter().filter(|(_, state)| state == "active").collect();
        assert_eq!(active.len(), 1, "round {round}");
        // Two that did not meet are both told 200, one after the other.
        if lost > 0 {
            break;
        }
        assert!(round < 100, "two that are asked for at once never meet");
    }
    other.stop().await;
}

async fn nobody_is_refused_by_what_is_no_longer_in_force_anywhere(house: &House) {
    let mut short: Value = serde_json::from_str(&clinic::bundle().unwrap().canonical()).unwrap();
    short["version"] = json!(2);
    short["length"] = json!({ "notice": 5, "limit": 10 });
    house.post(&operations(), "/api/v1/bundles", &short.to_string()).await.is(201);
    house.post(&operations(), "/api/v1/bundles/riverside/2/activate", "").await.is(200);
    let other = house.another().await;
    let long = refill("p-1001", "More than ten characters.");
    other.client.create(&patient("p-1001"), &long).await.is(422);
    // What another replica has changed is known at once: no worker has looked since.
    house.post(&operations(), "/api/v1/bundles/riverside/1/activate", "").await.is(200);
    other.client.create(&patient("p-1001"), &long).await.is(201);
    fed(house, &role("ray", "Practitioner/ray")).await;
    let absence = json!({
        "person": "Practitioner/dr-lee", "cover": "Practitioner/ray", "reason": "vacation",
        "from": "2026-06-20T00:00:00-04:00", "until": "2026-06-22T00:00:00-04:00",
    });
    other.client.post(&operations(), "/api/v1/absences", &absence.to_string()).await.is(201);
    other.stop().await;
}

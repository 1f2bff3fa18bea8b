//! Teams, as engines feed them: who is in a team that is a pool answers for it.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{engine, message, nurse, patient, scoped, staff};
use crate::practitioner_role::{fed, role};

on_both!(house:
    a_team_that_cannot_be_meant_is_refused,
    what_policy_is_not_made_of_leaves_it_as_it_is,
    teams_are_found_by_each_parameter,
    who_is_in_a_team_that_is_a_pool_sees_and_claims_what_it_has,
    the_members_of_a_team_count_when_it_is_asked_whether_anybody_is_there,
    a_team_about_a_patient_is_for_that_patient_and_the_staff,
    machines_feed_teams_and_nobody_else_does,
);

const TEAM: &str = "CareTeam/refills";
const FOUND: &str = "/fhir/CareTeam?identifier=urn:teams%7Crefills";

/// The refill team with these members.
pub fn team(members: &[&str]) -> Value {
    let member = |reference: &&str| json!({ "member": { "reference": reference } });
    json!({
        "resourceType": "CareTeam",
        "id": "refills",
        "identifier": [{ "system": "urn:teams", "value": "refills" }],
        "status": "active",
        "name": "Riverside refills",
        "participant": members.iter().map(member).collect::<Vec<_>>(),
    })
}

async fn put(house: &House, team: &Value) {
    let reply = house.put(&engine(), "/fhir/CareTeam/refills", team).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
}

/// The clinic's policy with the team in place of the refill pool.
async fn pool_is_the_team(house: &House) {
    let admin = scoped(&engine(), "postern/admin.read postern/admin.write");
    let mut bundle: Value = serde_json::from_str(&server::clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(2);
    bundle["pools"][1]["reference"] = json!(TEAM);
    house.post(&admin, "/api/v1/bundles", &bundle.to_string()).await.is(201);
    house.post(&admin, "/api/v1/bundles/riverside/2/activate", "").await.is(200);
}

/// A new message of a patient to the team.
async fn sent(house: &House, from: &str) -> String {
    house.create(&patient(from), &message(from, TEAM, "refill", "Refill", "Five left.")).await.is(201).id()
}

async fn what_policy_is_not_made_of_leaves_it_as_it_is(house: &House) {
    let generation = || house.place.number("SELECT value FROM catalogue_generation WHERE tenant = 'default'");
    let theirs = |id: &str| {
        let mut theirs = team(&["Practitioner/ray"]);
        (theirs["id"], theirs["subject"]) = (json!(id), json!({ "reference": "Patient/p-1001" }));
        theirs
    };
    let before = generation();
    put(house, &team(&["Practitioner/ray"])).await;
    house.put(&engine(), "/fhir/CareTeam/theirs", &theirs("theirs")).await.is(201);
    let service = house.get(&engine(), "/fhir/HealthcareService/refill-pool").await.is(200).json();
    let again = house.put(&engine(), "/fhir/HealthcareService/refill-pool", &service).await.is(200);
    assert_eq!((again.json()["meta"]["versionId"].as_str(), generation()), (Some("2"), before), "nothing was compiled");
    pool_is_the_team(house).await;
    let before = generation();
    house.ask(Method::DELETE, "/fhir/CareTeam/theirs").by(&engine()).send().await.is(204);
    put(house, &team(&["Practitioner/ray"])).await;
    assert_eq!(generation(), before);
    put(house, &team(&["Practitioner/kim"])).await;
    let mut closed = service.clone();
    closed["active"] = json!(false);
    house.put(&engine(), "/fhir/HealthcareService/refill-pool", &closed).await.is(200);
    house.ask(Method::DELETE, "/fhir/CareTeam/refills").by(&engine()).send().await.is(204);
    assert_eq!(generation(), before + 3, "each of these says something else than before");
}

async fn sees(house: &House, who: &DevelopmentClaims, thread: &str) -> bool {
    house.get(who, &format!("/fhir/Communication/{thread}")).await.status == 200
}

async fn a_team_that_cannot_be_meant_is_refused(house: &House) {
    let unknown = json!({ "resourceType": "CareTeam", "participant": [{ "membre": {} }] });
    assert_eq!(house.create(&engine(), &unknown).await.is(400).issues()[0], "structure");
    let mut nowhere = team(&[]);
    nowhere["extension"] = json!([{ "url": fhir::canonical::TIMEZONE, "valueCode": "America/Springfield" }]);
    house.put(&engine(), "/fhir/CareTeam/refills", &nowhere).await.is(422);
}

async fn teams_are_found_by_each_parameter(house: &House) {
    let mut one = team(&["Practitioner/ray"]);
    one["category"] = json!([{ "coding": [{ "system": "urn:c", "code": "pool" }] }]);
    one["subject"] = json!({ "reference": "Patient/p-1001", "identifier": { "system": "urn:mrn", "value": "77" } });
    one["encounter"] = json!({ "reference": "Encounter/e-1" });
    one["period"] = json!({ "start": "2026-06-01" });
    one["meta"] = json!({ "tag": [{ "system": "urn:t", "code": "x" }], "profile": ["urn:p"],
        "security": [{ "system": "urn:s", "code": "y" }] });
    put(house, &one).await;
    let mut other = team(&["Practitioner/kim"]);
    other["id"] = json!("other");
    other["identifier"][0]["value"] = json!("other");
    other["status"] = json!("suspended");
    other["name"] = json!("Family");
    other["period"] = json!({ "end": "2026-01-01" });
    house.put(&engine(), "/fhir/CareTeam/other", &other).await.is(201);
    for query in [
        "_id=refills",
        "_lastUpdated=ge2000&_id=refills",
        "_tag=urn:t%7Cx",
        "_security=y",
        "_profile=urn:p",
        "identifier=urn:teams%7Crefills",
        "status=active",
        "category=urn:c%7Cpool",
        "name=riverside",
        "participant=Practitioner/ray",
        "patient:identifier=urn:mrn%7C77",
        "subject:identifier=77",
        "participant:missing=false&status:not=suspended",
        "patient=p-1001",
        "subject=Patient/p-1001",
        "encounter=e-1",
        "date=ge2026-06-19",
    ] {
        let found = house.get(&engine(), &format!("/fhir/CareTeam?{query}")).await.is(200).ids();
        assert_eq!(found, ["refills"], "{query}");
    }
}

async fn who_is_in_a_team_that_is_a_pool_sees_and_claims_what_it_has(house: &House) {
    fed(house, &role("kim", "Practitioner/kim")).await;
    let mut now = team(&["Practitioner/ray", "PractitionerRole/kim"]);
    put(house, &now).await;
    let [ray, kim] = ["Practitioner/ray", "Practitioner/kim"].map(|who| staff(who, &[]));
    let before = sent(house, "p-3003").await;
    assert!(!sees(house, &ray, &before).await, "a team that is no pool says nothing of who sees what");
    pool_is_the_team(house).await;
    let thread = sent(house, "p-1001").await;
    let task = house.task(&thread).await;
    assert_eq!(task["owner"]["reference"], TEAM);
    assert!(sees(house, &ray, &thread).await && sees(house, &kim, &thread).await);
    assert!(sees(house, &staff("PractitionerRole/kim", &[]), &thread).await);
    assert!(sees(house, &staff("Practitioner/ola", &["refill"]), &thread).await, "a token may name the pool too");
    assert!(!sees(house, &staff("Practitioner/ola", &[]), &thread).await);
    house.claim(&staff("Practitioner/ola", &[]), &task).await.is(404);
    house.claim(&ray, &task).await.is(200);
    // Who has left sees no more of what comes.
    now["participant"][0]["period"] = json!({ "end": "2026-06-18" });
    put(house, &now).await;
    let later = sent(house, "p-2002").await;
    assert!(!sees(house, &ray, &later).await && sees(house, &kim, &later).await);
    house.ask(Method::DELETE, "/fhir/CareTeam/refills").by(&engine()).send().await.is(204);
    let last = sent(house, "p-4004").await;
    assert!(!sees(house, &kim, &last).await);
    assert_eq!(house.task(&last).await["owner"]["reference"], TEAM, "the pool stays one without members");
}

async fn the_members_of_a_team_count_when_it_is_asked_whether_anybody_is_there(house: &House) {
    pool_is_the_team(house).await;
    put(house, &team(&["PractitionerRole/kim"])).await;
    let mut away = role("kim", "Practitioner/kim");
    away["notAvailable"] = json!([{ "description": "Away", "during": { "start": "2026-06-19", "end": "2026-06-21" } }]);
    fed(house, &away).await;
    let to_kim = message("p-1001", "Practitioner/kim", "form", "A form", "Please sign.");
    let thread = house.create(&patient("p-1001"), &to_kim).await.is(201).id();
    // Whoever is away is not asked: the pool answers.
    assert_ne!(house.task(&thread).await["owner"]["reference"], "Practitioner/kim");
    fed(house, &role("kim", "Practitioner/kim")).await;
    let to_kim = message("p-2002", "Practitioner/kim", "form", "A form", "Please sign.");
    let thread = house.create(&patient("p-2002"), &to_kim).await.is(201).id();
    assert_eq!(house.task(&thread).await["owner"]["reference"], "Practitioner/kim");
}

async fn a_team_about_a_patient_is_for_that_patient_and_the_staff(house: &House) {
    put(house, &team(&["Practitioner/ray"])).await;
    let mut theirs = team(&["Practitioner/ray"]);
    theirs["id"] = json!("theirs");
    theirs["subject"] = json!({ "reference": "Patient/p-1001" });
    house.put(&engine(), "/fhir/CareTeam/theirs", &theirs).await.is(201);
    let found = async |who: &DevelopmentClaims| {
        let who = scoped(who, &who.scope.replace("Communication", "CareTeam"));
        let mut ids = house.get(&who, "/fhir/CareTeam").await.is(200).ids();
        ids.sort();
        (ids, house.get(&who, "/fhir/CareTeam/theirs").await.status)
    };
    let all = vec!["refills".to_owned(), "theirs".to_owned()];
    let with = |who: DevelopmentClaims, scope: &str| scoped(&who, scope);
    assert_eq!(found(&with(nurse(), "user/CareTeam.rs")).await, (all.clone(), 200));
    assert_eq!(found(&with(patient("p-1001"), "patient/CareTeam.rs")).await, (all, 200));
    assert_eq!(found(&with(patient("p-2002"), "patient/CareTeam.rs")).await, (vec!["refills".to_owned()], 404));
}

async fn machines_feed_teams_and_nobody_else_does(house: &House) {
    let body = team(&["Practitioner/ray"]);
    for who in [staff("Practitioner/ray", &["refill"]), scoped(&patient("p-1001"), "patient/*.cruds")] {
        house.put(&who, "/fhir/CareTeam/refills", &body).await.is(403);
        house.create(&who, &body).await.is(403);
        house.put(&who, FOUND, &body).await.is(403);
        house.ask(Method::DELETE, FOUND).by(&who).send().await.is(403);
    }
}

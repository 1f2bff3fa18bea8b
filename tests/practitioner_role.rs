//! Who answers where, as engines feed it: served as any resource is, and what it says governs who sees and answers.

use serde_json::{Value, json};

use crate::house::House;
use crate::people::{FAMILY, REFILL, engine, message, patient, refill, scoped, staff};

on_both!(house:
    a_role_is_created_read_replaced_and_found,
    roles_are_found_by_each_parameter,
    a_role_with_hours_and_no_zone_is_a_clear_error,
    machines_feed_roles_and_nobody_else_does,
    a_role_makes_a_member_who_sees_and_claims_what_the_pool_has,
    a_message_to_a_person_goes_to_their_pool_and_asks_them,
);

/// A role in the refill pool.
pub fn role(id: &str, practitioner: &str) -> Value {
    json!({
        "resourceType": "PractitionerRole",
        "id": id,
        "identifier": [{ "system": "urn:riverside:roles", "value": id }],
        "active": true,
        "practitioner": { "reference": practitioner },
        "healthcareService": [{ "reference": REFILL }],
        "code": [{ "coding": [{ "system": "urn:roles", "code": "nurse" }] }],
        "extension": [{ "url": fhir::canonical::TIMEZONE, "valueCode": "America/New_York" }]
    })
}

/// Feeds a role as an engine does.
pub async fn fed(house: &House, role: &Value) {
    let path = format!("/fhir/PractitionerRole/{}", role["id"].as_str().unwrap());
    let reply = house.put(&engine(), &path, role).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
}

async fn a_role_is_created_read_replaced_and_found(house: &House) {
    let mut new = role("x", "Practitioner/ray");
    new.as_object_mut().unwrap().remove("id");
    let made = house.create(&engine(), &new).await.is(201);
    assert_eq!(made.header("etag"), "W/\"1\"");
    let path = format!("/fhir/PractitionerRole/{}", made.id());
    assert_eq!(house.get(&engine(), &path).await.is(200).json()["practitioner"]["reference"], "Practitioner/ray");
    let mut next = made.json();
    next["active"] = json!(false);
    house.put(&engine(), &path, &next).await.is(200);
    assert_eq!(house.get(&engine(), &format!("{path}/_history/1")).await.is(200).json()["active"], true);
    fed(house, &role("kim", "Practitioner/kim")).await;
    let find = async |query: &str| house.get(&engine(), &format!("/fhir/PractitionerRole?{query}")).await.is(200).ids();
    assert_eq!(find("practitioner=Practitioner/kim").await, ["kim"]);
    assert_eq!(find("identifier=urn:riverside:roles|kim&active=true").await, ["kim"]);
    assert_eq!(find(&format!("service={REFILL}")).await.len(), 2);
    assert_eq!(find("role=urn:roles|nurse&active=false").await, [made.id()]);
    let unknown = json!({"resourceType": "PractitionerRole", "practioner": {"reference": "Practitioner/kim"}});
    assert_eq!(house.create(&engine(), &unknown).await.is(400).issues(), ["structure"]);
}

async fn roles_are_found_by_each_parameter(house: &House) {
    let mut kim = role("kim", "Practitioner/kim");
    kim["organization"] = json!({ "reference": "Organization/o" });
    kim["location"] = json!([{ "reference": "Location/l" }]);
    kim["specialty"] = json!([{ "coding": [{ "system": "urn:s", "code": "c" }] }]);
    fed(house, &kim).await;
    let mut other = role("ray", "Practitioner/ray");
    other["active"] = json!(false);
    other["healthcareService"][0]["reference"] = json!(FAMILY);
    other["code"] = json!([{ "coding": [{ "system": "urn:roles", "code": "desk" }] }]);
    fed(house, &other).await;
    for query in [
        "_id=kim",
        "_lastUpdated=ge2000&_id=kim",
        "identifier=urn:riverside:roles%7Ckim",
        "active=true",
        "practitioner=kim",
        &format!("service={REFILL}"),
        "organization=o",
        "location=Location/l",
        "role=nurse",
        "specialty=urn:s%7Cc",
    ] {
        let found = house.get(&engine(), &format!("/fhir/PractitionerRole?{query}")).await.is(200).ids();
        assert_eq!(found, ["kim"], "{query}");
    }
}

async fn a_role_with_hours_and_no_zone_is_a_clear_error(house: &House) {
    let mut without = role("ray", "Practitioner/ray");
    without.as_object_mut().unwrap().remove("extension");
    without["availableTime"] = json!([{ "allDay": true }]);
    let refused = house.put(&engine(), "/fhir/PractitionerRole/ray", &without).await.is(422);
    assert_eq!(refused.issues(), ["required"]);
    assert!(
        refused.text.contains("timezone") && refused.text.contains("PractitionerRole.extension"),
        "{}",
        refused.text
    );
}

async fn machines_feed_roles_and_nobody_else_does(house: &House) {
    let body = role("ray", "Practitioner/ray");
    for who in [staff("Practitioner/ray", &["refill"]), patient("p-1001")] {
        house.put(&who, "/fhir/PractitionerRole/ray", &body).await.is(403);
        house.create(&who, &body).await.is(403);
    }
    fed(house, &body).await;
    let colleague = scoped(&staff("Practitioner/kim", &[]), "user/PractitionerRole.rs");
    house.get(&colleague, "/fhir/PractitionerRole/ray").await.is(200);
    assert_eq!(house.get(&colleague, "/fhir/PractitionerRole").await.is(200).ids(), ["ray"]);
    house.get(&patient("p-1001"), "/fhir/PractitionerRole/ray").await.is(403);
    house.get(&patient("p-1001"), "/fhir/PractitionerRole").await.is(403);
}

async fn a_role_makes_a_member_who_sees_and_claims_what_the_pool_has(house: &House) {
    let thread = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let task = house.task(&thread).await;
    let ray = staff("Practitioner/ray", &[]);
    let seen = format!("/fhir/Communication/{thread}");
    house.get(&ray, &seen).await.is(404);
    fed(house, &role("ray", "Practitioner/ray")).await;
    // A save learns at once that the directory has changed; a look only once somebody has learned it.
    house.create(&patient("p-3003"), &refill("p-3003", "Ten left.")).await.is(201);
    house.get(&ray, &seen).await.is(200);
    house.claim(&ray, &task).await.is(200);
    let mut elsewhere = role("ray", "Practitioner/ray");
    elsewhere["healthcareService"][0]["reference"] = json!(FAMILY);
    fed(house, &elsewhere).await;
    let another = house.create(&patient("p-2002"), &refill("p-2002", "Mine.")).await.is(201).id();
    house.get(&ray, &format!("/fhir/Communication/{another}")).await.is(404);
}

async fn a_message_to_a_person_goes_to_their_pool_and_asks_them(house: &House) {
    fed(house, &role("ray", "Practitioner/ray")).await;
    let to_ray = message("p-1001", "Practitioner/ray", "form", "A form", "Please sign.");
    let thread = house.create(&patient("p-1001"), &to_ray).await.is(201).id();
    let task = house.task(&thread).await;
    assert_eq!((&task["status"], &task["owner"]["reference"]), (&json!("requested"), &json!("Practitioner/ray")));
    let pool = task["extension"].as_array().unwrap().iter().find(|one| one["url"] == fhir::canonical::POOL).unwrap();
    assert_eq!(pool["valueReference"]["reference"], REFILL);
    let found = house.get(&engine(), "/fhir/Task?owner=Practitioner/ray").await.is(200).ids();
    assert_eq!(found, [task["id"].as_str().unwrap()]);
    let report = house.work().await;
    assert!(report.delivered.iter().any(|line| line.starts_with("Practitioner/ray: ")), "{:?}", report.delivered);
    // Somebody else of the pool may take it all the same.
    house.claim(&staff("Practitioner/kim", &["refill"]), &task).await.is(200);
}

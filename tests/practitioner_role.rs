//! Who answers where, as engines feed it: served as any resource is, and what it says governs who sees and answers.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{FAMILY, REFILL, engine, message, nurse, patient, refill, scoped, staff};

on_both!(house:
    a_role_is_created_read_replaced_and_found,
    roles_are_found_by_each_parameter,
    a_role_with_hours_and_no_zone_is_a_clear_error,
    machines_feed_roles_and_nobody_else_does,
    a_role_makes_a_member_who_sees_and_claims_what_the_pool_has,
    who_answers_for_a_pool_by_a_role_alone_does_all_that_its_members_and_leads_do,
    somebody_writes_in_a_role_of_theirs_and_in_nobody_elses,
    a_message_to_a_person_goes_to_their_pool_and_asks_them,
    a_role_is_fed_patched_and_deleted_by_its_identifier_and_keeps_its_versions,
    a_patch_of_a_role_changes_its_absences,
    a_role_that_is_deleted_takes_its_absences_its_cover_and_its_membership_along,
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

async fn who_answers_for_a_pool_by_a_role_alone_does_all_that_its_members_and_leads_do(house: &House) {
    fed(house, &role("kim-nurse", "Practitioner/kim")).await;
    fed(house, &role("lee-doctor", "Practitioner/dr-lee")).await;
    house.work().await;
    let kim = staff("Practitioner/kim", &[]);
    let [older, newer] = [
        house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id(),
        house.create(&patient("p-1"), &message("p-1", REFILL, "refill", "Refill", "Two left.")).await.is(201).id(),
    ];
    // No pool stands in the token: the role says it, wherever it is asked for.
    house.post(&kim, &format!("/api/v1/threads/{older}/open"), "{}").await.is(200);
    let merged = json!({ "into": newer, "reason": "duplicate" }).to_string();
    house.post(&kim, &format!("/api/v1/threads/{older}/merge"), &merged).await.is(200);
    // The lead, who is known by the role here, blocks as a lead does.
    let blocked = json!({ "sender": "Patient/p-1", "pool": "refill", "reason": "other-way-agreed",
        "until": "2026-06-20T14:00:00Z" });
    let lead = staff("PractitionerRole/lee-doctor", &[]);
    house.post(&kim, "/api/v1/blocks", &blocked.to_string()).await.is(403);
    house.post(&lead, "/api/v1/blocks", &blocked.to_string()).await.is(201);
    let listed = house.get(&lead, "/api/v1/blocks").await.is(200).json();
    assert_eq!(listed["blocks"].as_array().unwrap().len(), 1);
}

async fn somebody_writes_in_a_role_of_theirs_and_in_nobody_elses(house: &House) {
    fed(house, &role("ortiz-nurse", "Practitioner/nurse-ortiz")).await;
    fed(house, &role("kim-nurse", "Practitioner/kim")).await;
    house.work().await;
    let asked = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    let mut answer = crate::people::reply("p-1", &asked, "Done.");
    answer["sender"] = json!({ "reference": "PractitionerRole/kim-nurse" });
    assert_eq!(house.create(&nurse(), &answer).await.is(403).issues(), ["forbidden"]);
    answer["sender"] = json!({ "reference": "PractitionerRole/ortiz-nurse" });
    let answered = house.create(&nurse(), &answer).await.is(201).id();
    assert_eq!(house.task(&asked).await["status"], "completed", "a person of the team has answered");
    answer["status"] = json!("preparation");
    let draft = house.create(&nurse(), &answer).await.is(201).id();
    house.get(&nurse(), &format!("/fhir/Communication/{draft}")).await.is(200);
    let unread = house.get(&nurse(), &format!("/fhir/Communication/{asked}/$thread")).await.is(200);
    assert_eq!(unread.ids().len(), 3, "the question, the automatic reply and the answer");
    let wrong = json!([{ "op": "replace", "path": "/status", "value": "entered-in-error" }]).to_string();
    let ask = house.ask(Method::PATCH, &format!("/fhir/Communication/{answered}")).by(&nurse());
    ask.header("content-type", "application/json-patch+json").body(wrong.into_bytes()).send().await.is(200);
}

async fn roles_are_found_by_each_parameter(house: &House) {
    let mut kim = role("kim", "Practitioner/kim");
    kim["organization"] = json!({ "reference": "Organization/o" });
    kim["location"] = json!([{ "reference": "Location/l" }]);
    kim["specialty"] = json!([{ "coding": [{ "system": "urn:s", "code": "c" }] }]);
    kim["meta"] = json!({ "tag": [{ "system": "urn:t", "code": "x" }], "profile": ["urn:p"],
        "security": [{ "system": "urn:s", "code": "y" }] });
    fed(house, &kim).await;
    let mut other = role("ray", "Practitioner/ray");
    other["active"] = json!(false);
    other["healthcareService"][0]["reference"] = json!(FAMILY);
    other["code"] = json!([{ "coding": [{ "system": "urn:roles", "code": "desk" }] }]);
    fed(house, &other).await;
    for query in [
        "_id=kim",
        "_lastUpdated=ge2000&_id=kim",
        "_tag=urn:t%7Cx",
        "_security=y",
        "_profile=urn:p",
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

const RAYS: &str = "/fhir/PractitionerRole?identifier=urn:riverside:roles%7Cray";

async fn a_role_is_fed_patched_and_deleted_by_its_identifier_and_keeps_its_versions(house: &House) {
    let mut ray = role("ray", "Practitioner/ray");
    ray.as_object_mut().unwrap().remove("id");
    let who = engine();
    let replies = join_all((0..8).map(|_| house.put(&who, RAYS, &ray))).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    let [id] = &house.get(&engine(), RAYS).await.is(200).ids()[..] else { panic!("there is one") };
    let path = format!("/fhir/PractitionerRole/{id}");
    let known = || {
        let ask = house.ask(Method::POST, "/fhir/PractitionerRole").by(&engine());
        ask.header("if-none-exist", "identifier=urn:riverside:roles|ray").fhir(&ray.to_string()).send()
    };
    assert_eq!(known().await.is(200).id(), *id);
    let idle = json!([{ "op": "replace", "path": "/active", "value": false }]);
    assert_eq!(house.patch(&engine(), RAYS, &idle).await.is(200).json()["active"], false);
    house.patch(&engine(), "/fhir/PractitionerRole?identifier=urn:riverside:roles%7Cola", &idle).await.is(404);
    house.patch(&engine(), &path, &json!([{ "op": "remove", "path": "/nothing" }])).await.is(422);
    house.ask(Method::DELETE, RAYS).by(&engine()).header("if-match", "W/\"1\"").send().await.is(412);
    house.ask(Method::DELETE, RAYS).by(&engine()).send().await.is(204);
    house.get(&engine(), &path).await.is(410);
    let told = house.get(&engine(), &format!("{path}/_history")).await.is(200).came_about();
    assert_eq!((told[0].as_str(), told.last().unwrap().as_str()), ("DELETE 204", "PUT 201"), "{told:?}");
    let of_type = house.get(&engine(), "/fhir/PractitionerRole/_history").await.is(200).json();
    assert_eq!(of_type["entry"].as_array().unwrap().len(), told.len());
    for who in [staff("Practitioner/ray", &["refill"]), patient("p-1001")] {
        house.ask(Method::DELETE, RAYS).by(&who).send().await.is(403);
        house.ask(Method::DELETE, &path).by(&who).send().await.is(403);
    }
    house.get(&patient("p-1001"), &format!("{path}/_history")).await.is(403);
    house.get(&patient("p-1001"), "/fhir/PractitionerRole/_history").await.is(403);
}

/// Who is asked to answer a new message to Ray.
async fn asked(house: &House, from: &str) -> String {
    let to_ray = message(from, "Practitioner/ray", "form", "A form", "Please sign.");
    let thread = house.create(&patient(from), &to_ray).await.is(201).id();
    house.task(&thread).await["owner"]["reference"].as_str().unwrap().to_owned()
}

async fn absences(house: &House) -> usize {
    let admin = scoped(&engine(), "postern/admin.read");
    house.get(&admin, "/api/v1/absences").await.is(200).json()["absences"].as_array().unwrap().len()
}

/// Away until Monday, while Kim covers.
fn away() -> Value {
    json!({
        "extension": [{ "url": fhir::canonical::COVERED_BY, "valueReference": { "reference": "PractitionerRole/kim" } }],
        "description": "Away",
        "during": { "start": "2026-06-19", "end": "2026-06-22" },
    })
}

async fn a_patch_of_a_role_changes_its_absences(house: &House) {
    for name in ["ray", "kim"] {
        fed(house, &role(name, &format!("Practitioner/{name}"))).await;
    }
    assert_eq!(asked(house, "p-1").await, "Practitioner/ray");
    let leave = json!([{ "op": "add", "path": "/notAvailable", "value": [away()] }]);
    house.patch(&engine(), "/fhir/PractitionerRole/ray", &leave).await.is(200);
    assert_eq!((asked(house, "p-2").await.as_str(), absences(house).await), ("PractitionerRole/kim", 1));
    let mut wrong = away();
    wrong["during"]["end"] = json!("2026-06-18");
    let wrong = json!([{ "op": "add", "path": "/notAvailable/-", "value": wrong }]);
    let refused = house.patch(&engine(), "/fhir/PractitionerRole/ray", &wrong).await.is(400);
    assert!(refused.text.contains("PractitionerRole.notAvailable[1].during"), "{}", refused.text);
    house
        .patch(&engine(), "/fhir/PractitionerRole/ray", &json!([{ "op": "remove", "path": "/notAvailable" }]))
        .await
        .is(200);
    assert_eq!((asked(house, "p-3").await.as_str(), absences(house).await), ("Practitioner/ray", 0));
}

async fn a_role_that_is_deleted_takes_its_absences_its_cover_and_its_membership_along(house: &House) {
    let mut ray = role("ray", "Practitioner/ray");
    ray["notAvailable"] = json!([away()]);
    fed(house, &ray).await;
    fed(house, &role("kim", "Practitioner/kim")).await;
    assert_eq!((asked(house, "p-1").await.as_str(), absences(house).await), ("PractitionerRole/kim", 1));
    let delete = async |name: &str| {
        let path = format!("/fhir/PractitionerRole/{name}");
        house.ask(Method::DELETE, &path).by(&engine()).send().await.is(204);
    };
    // Nobody covers who does not answer for the pool any more: it answers itself.
    delete("kim").await;
    assert_eq!(asked(house, "p-2").await, REFILL);
    delete("ray").await;
    assert_eq!(absences(house).await, 0);
    let thread = house.create(&patient("p-3"), &refill("p-3", "Five left.")).await.is(201).id();
    house.get(&staff("Practitioner/ray", &[]), &format!("/fhir/Communication/{thread}")).await.is(404);
    // Fed again, it is there again.
    fed(house, &ray).await;
    fed(house, &role("kim", "Practitioner/kim")).await;
    assert_eq!((asked(house, "p-4").await.as_str(), absences(house).await), ("PractitionerRole/kim", 1));
}

//! What is not everybody's: drafts, notes among staff, other people's conversations.

use serde_json::json;

use crate::house::House;
use crate::people::{engine, message, nurse, patient, proxy, refill, reply, staff};

on_both!(house:
    a_draft_is_its_authors_alone,
    a_note_among_staff_is_never_a_patients,
    staff_see_what_is_their_pools_or_what_they_take_part_in,
    nobody_writes_in_anothers_name,
    a_patient_cannot_write_notes_among_staff,
    what_claims_to_be_written_by_a_machine_is_seen_by_the_pool_it_was_written_to,
);

/// Paths by which a message could be seen.
fn ways(id: &str) -> [String; 2] {
    [format!("/fhir/Communication/{id}"), format!("/fhir/Communication/{id}/_history/1")]
}

async fn a_draft_is_its_authors_alone(house: &House) {
    let mut draft = refill("p-1001", "My knee");
    draft["status"] = json!("preparation");
    let id = house.create(&patient("p-1001"), &draft).await.is(201).id();
    for way in ways(&id) {
        let own = house.get(&patient("p-1001"), &way).await.is(200).json();
        assert_eq!((&own["status"], &own["sent"]), (&json!("preparation"), &json!(null)));
        for other in [patient("p-2002"), proxy("rp-17", "p-1001"), nurse()] {
            house.get(&other, &way).await.is(404);
        }
    }
    assert_eq!(house.get(&patient("p-1001"), "/fhir/Communication?status=preparation").await.is(200).ids(), [id]);
    for other in [proxy("rp-17", "p-1001"), nurse()] {
        let found = house.get(&other, "/fhir/Communication?patient=Patient/p-1001&_total=accurate").await.is(200);
        assert_eq!(found.json()["total"], 0, "{}", found.text);
    }
    let tasks = house.get(&engine(), "/fhir/Task").await.is(200);
    assert!(tasks.resources().is_empty() && house.work().await.delivered.is_empty(), "a draft moves nobody");
}

async fn a_note_among_staff_is_never_a_patients(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let mut by_category = reply("p-1001", &root, "Repeat the sample?");
    by_category["category"] =
        json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    let mut by_label = reply("p-1001", &root, "Ask the lead first?");
    by_label["meta"] = json!({ "security": [{ "system": fhir::canonical::SECURITY_LABEL, "code": "internal" }] });
    for note in [by_category, by_label] {
        let made = house.create(&nurse(), &note).await.is(201);
        assert_eq!(made.json()["meta"]["security"][0]["code"], "internal", "{}", made.text);
        for way in ways(&made.id()) {
            house.get(&nurse(), &way).await.is(200);
            house.get(&patient("p-1001"), &way).await.is(404);
            house.get(&proxy("rp-17", "p-1001"), &way).await.is(404);
        }
        let found = house.get(&patient("p-1001"), &format!("/fhir/Communication?_id={}", made.id())).await.is(200);
        assert!(found.resources().is_empty());
        let answers = format!("/fhir/Communication?part-of=Communication/{root}&sender=Practitioner/nurse-ortiz");
        let found = house.get(&patient("p-1001"), &format!("{answers}&_total=accurate")).await.is(200);
        assert_eq!(found.json()["total"], 0);
    }
    let told = house.work().await.delivered;
    assert!(!told.iter().any(|line| line.starts_with("Patient/")), "{told:?}");
}

async fn staff_see_what_is_their_pools_or_what_they_take_part_in(house: &House) {
    let mut asked = message("p-1001", crate::people::FAMILY, "medical-advice", "Knee", "It hurts on stairs.");
    asked["recipient"] = json!([
        { "reference": crate::people::FAMILY }, { "reference": "Practitioner/dr-known" }
    ]);
    let id = house.create(&patient("p-1001"), &asked).await.is(201).id();
    let [read, _] = ways(&id);
    house.get(&staff("Practitioner/a", &["family"]), &read).await.is(200);
    house.get(&staff("Practitioner/a", &[crate::people::FAMILY]), &read).await.is(200);
    house.get(&staff("Practitioner/dr-known", &[]), &read).await.is(200);
    for stranger in
        [staff("Practitioner/a", &["refill"]), staff("Practitioner/a", &[]), staff("Practitioner/a", &["x"])]
    {
        house.get(&stranger, &read).await.is(404);
        assert!(house.get(&stranger, "/fhir/Communication").await.is(200).resources().is_empty());
    }
}

async fn nobody_writes_in_anothers_name(house: &House) {
    let as_other = refill("p-2002", "I am not p-1001.");
    house.create(&patient("p-1001"), &as_other).await.is(403);
    let mut about_other = refill("p-1001", "About somebody else.");
    about_other["subject"] = json!({ "reference": "Patient/p-2002" });
    house.create(&patient("p-1001"), &about_other).await.is(403);
    let mut to_other = refill("p-1001", "To another patient.");
    to_other["recipient"] = json!([{ "reference": "Patient/p-2002" }]);
    house.create(&patient("p-1001"), &to_other).await.is(403);
    let mut as_nurse = refill("p-1001", "As the nurse.");
    as_nurse["sender"] = json!({ "reference": "Practitioner/nurse-ortiz" });
    house.create(&patient("p-1001"), &as_nurse).await.is(403);
    house.create(&proxy("rp-17", "p-1001"), &refill("p-1001", "A proxy is not the patient.")).await.is(403);
    house.create(&staff("Practitioner/a", &["refill"]), &as_nurse).await.is(403);
    house.create(&engine(), &as_nurse).await.is(201);
}

async fn a_patient_cannot_write_notes_among_staff(house: &House) {
    let mut by_category = refill("p-1001", "Among ourselves?");
    by_category["category"] =
        json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    let mut by_label = refill("p-1001", "Among ourselves?");
    by_label["meta"] = json!({ "security": [{ "system": fhir::canonical::SECURITY_LABEL, "code": "internal" }] });
    for message in [by_category, by_label] {
        // It is a message as any other: kept from nobody, answered in time.
        let id = house.create(&patient("p-1001"), &message).await.is(201).id();
        house.get(&patient("p-1001"), &format!("/fhir/Communication/{id}")).await.is(200);
        assert_eq!(house.task(&id).await["status"], "requested");
        assert_eq!(house.automatic(&id).await.len(), 1);
    }
}

async fn what_claims_to_be_written_by_a_machine_is_seen_by_the_pool_it_was_written_to(house: &House) {
    let mut message = refill("p-1001", "I am away until Monday.");
    message["extension"] = json!([{ "url": fhir::canonical::AUTO_GENERATED, "valueBoolean": true }]);
    let id = house.create(&engine(), &message).await.is(201).id();
    // A machine is neither promised nor told anything; but nothing that was accepted is hidden from its recipients.
    let tasks = house.get(&engine(), &format!("/fhir/Task?focus=Communication/{id}")).await.is(200);
    assert!(tasks.ids().is_empty() && house.automatic(&id).await.is_empty());
    for who in [nurse(), patient("p-1001")] {
        house.get(&who, &format!("/fhir/Communication/{id}")).await.is(200);
    }
    // A patient's own token is not believed to be a machine's: somebody will answer.
    let id = house.create(&patient("p-1001"), &message).await.is(201).id();
    assert_eq!(house.task(&id).await["status"], "requested");
}

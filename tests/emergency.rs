//! What somebody reads in an emergency without having a part in it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{LEAD, engine, following, nurse, patient, refill, scoped, staff};

on_both!(house: whoever_breaks_the_glass_reads_with_a_reason_and_the_leads_are_told);

async fn breaks(house: &House, token: &str, patient: &str, reason: &str) -> Reply {
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "patient", "valueString": patient }, { "name": "reason", "valueCode": reason }
    ] });
    let asked = house.ask(Method::POST, "/fhir/Communication/$break-glass").bearer(token);
    asked.fhir(&parameters.to_string()).send().await
}

async fn whoever_breaks_the_glass_reads_with_a_reason_and_the_leads_are_told(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let mut draft = following(refill("p-1001", "Not yet."), &message);
    draft["status"] = json!("preparation");
    let draft = house.create(&patient("p-1001"), &draft).await.is(201).id();
    house.create(&patient("p-2002"), &refill("p-2002", "Another's.")).await.is(201);
    house.work().await;

    let far = staff("Practitioner/dr-far", &[]);
    house.at(19, "23:30:00");
    let token = house.token(&far);
    house.get(&far, &format!("/fhir/Communication/{message}")).await.is(404);
    let bundle = breaks(house, &token, "Patient/p-1001", "emergency-treatment").await.is(200);
    let ids = bundle.ids();
    assert!(ids.contains(&message) && !ids.contains(&draft), "{}", bundle.text);
    assert!(!bundle.text.contains("Another's"));
    house.get(&far, &format!("/fhir/Communication/{message}")).await.is(404);

    let event = house.get(&engine(), "/fhir/AuditEvent?agent=Practitioner/dr-far&action=R&outcome=0").await.is(200);
    let event: Value = event.resources().remove(0);
    assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "BTG");
    assert_eq!(event["subtype"][0]["code"], "$break-glass");
    assert_eq!(event["entity"][0]["what"]["reference"], "Patient/p-1001");
    let told = house.work().await.delivered;
    assert!(told.iter().any(|one| one == &format!("{LEAD}: break-glass")), "at night too: {told:?}");

    for (who, reason, status) in [
        (&far, "curiosity", 400),
        (&patient("p-1001"), "danger", 403),
        (&engine(), "danger", 403),
        (&scoped(&nurse(), "user/Communication.s user/Task.r"), "danger", 403),
    ] {
        breaks(house, &house.token(who), "Patient/p-1001", reason).await.is(status);
    }
    let nobody = breaks(house, &token, "p-9999", "danger").await.is(200);
    assert_eq!(nobody.ids().len(), 0, "there is no telling whether there is such a patient");
}

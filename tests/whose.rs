//! Whose a resource is, however it is referred to: what cannot be told is nobody's to see by accident.

use api::auth::DevelopmentClaims;
use serde_json::{Value, json};

use crate::bundle::{sent, statuses, with};
use crate::care_team::team;
use crate::consent::{consent, rule};
use crate::house::House;
use crate::people::{engine, following, nurse, patient, proxy, refill, reply, scoped};

on_both!(house:
    a_message_is_refused_that_names_its_patient_by_an_address_or_an_identifier,
    a_patients_message_goes_to_nobody_by_an_address,
    a_team_about_a_patient_who_cannot_be_told_is_no_patients_to_see,
    a_consent_is_refused_that_does_not_say_plainly_whose_it_is,
    a_patient_who_acts_for_another_sees_what_they_wrote,
    a_proxy_is_not_carried_by_a_merge_into_what_they_may_not_see,
    what_a_consent_hides_is_hidden_where_it_goes_on_after_a_merge,
    a_condition_that_no_header_holds_is_refused_alone,
);

fn by_address(house: &House, reference: &str) -> Value {
    json!({ "reference": format!("{}/{reference}", house.base()) })
}

async fn a_message_is_refused_that_names_its_patient_by_an_address_or_an_identifier(house: &House) {
    let unknown = json!({ "identifier": { "system": "urn:mrn", "value": "77" } });
    for subject in
        [by_address(house, "Patient/p-2002"), json!({ "reference": "https://ehr.example/Patient/9" }), unknown]
    {
        let mut asked = refill("p-1001", "Five left.");
        asked["subject"] = subject.clone();
        for who in [patient("p-1001"), engine()] {
            let refused = house.create(&who, &asked).await.is(400);
            assert_eq!(refused.json()["issue"][0]["expression"][0], "Communication.subject", "{subject}");
        }
    }
    assert_eq!(house.get(&engine(), "/fhir/Communication?patient=p-2002").await.is(200).ids().len(), 0);
}

async fn a_patients_message_goes_to_nobody_by_an_address(house: &House) {
    let mut asked = refill("p-1001", "Five left.");
    asked["recipient"] = json!([by_address(house, "Patient/p-2002")]);
    house.create(&patient("p-1001"), &asked).await.is(403);
}

async fn a_team_about_a_patient_who_cannot_be_told_is_no_patients_to_see(house: &House) {
    let unknown = json!({ "identifier": { "system": "urn:mrn", "value": "77" } });
    for subject in [by_address(house, "Patient/p-2002"), unknown, json!({ "reference": "Group/g" })] {
        let mut theirs = team(&["Practitioner/ray"]);
        theirs["id"] = json!("theirs");
        theirs["subject"] = subject;
        house.put(&engine(), "/fhir/CareTeam/theirs", &theirs).await;
        for who in [patient("p-1001"), patient("p-2002")] {
            let who = scoped(&who, "patient/CareTeam.rs");
            house.get(&who, "/fhir/CareTeam/theirs").await.is(404);
            assert!(house.get(&who, "/fhir/CareTeam").await.is(200).ids().is_empty());
        }
        house.get(&scoped(&nurse(), "user/CareTeam.rs"), "/fhir/CareTeam/theirs").await.is(200);
        house.get(&engine(), "/fhir/CareTeam/theirs").await.is(200);
    }
}

async fn a_consent_is_refused_that_does_not_say_plainly_whose_it_is(house: &House) {
    for whose in [Some(by_address(house, "Patient/p-1001")), Some(json!({ "display": "Jane" })), None] {
        let mut theirs = consent(&rule("deny", &[]));
        match &whose {
            Some(whose) => theirs["patient"] = whose.clone(),
            None => drop(theirs.as_object_mut().unwrap().remove("patient")),
        }
        let refused = house.put(&engine(), "/fhir/Consent/mother", &theirs).await.is(422);
        assert_eq!(refused.json()["issue"][0]["expression"][0], "Consent.patient", "{whose:?}");
    }
}

async fn a_patient_who_acts_for_another_sees_what_they_wrote(house: &House) {
    let secret = house.create(&patient("p-1001"), &refill("p-1001", "For me alone.")).await.is(201).id();
    let me = "Patient/p-2002".to_owned();
    let mother = DevelopmentClaims { fhir_user: Some(me.clone()), patient_age: Some(15), ..patient("p-1001") };
    let mut asked = refill("p-1001", "Her mother asks.");
    asked["sender"] = json!({ "reference": me });
    let own = house.create(&mother, &asked).await.is(201).id();
    house.get(&mother, &format!("/fhir/Communication/{own}")).await.is(200);
    let answer = house.create(&nurse(), &reply("p-1001", &own, "Tomorrow.")).await.is(201).id();
    house.create(&mother, &following(asked, &answer)).await.is(201);
    house.get(&mother, &format!("/fhir/Communication/{secret}")).await.is(404);
    // Nor does anybody see it who acts for nobody.
    house.get(&patient("p-2002"), &format!("/fhir/Communication/{own}")).await.is(404);
}

/// A conversation that the mother began, and one of the child's that she may not see, merged into one.
async fn merged(house: &House, mother: &DevelopmentClaims) -> (String, String) {
    let mut asked = refill("p-1001", "Her mother asks.");
    asked["sender"] = json!({ "reference": "RelatedPerson/rp-17" });
    let own = house.create(mother, &asked).await.is(201).id();
    house.pass(60);
    let secret = house.create(&patient("p-1001"), &refill("p-1001", "For me alone.")).await.is(201).id();
    let merge = json!({ "into": secret, "reason": "same-matter" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{own}/merge"), &merge).await.is(200);
    (own, secret)
}

async fn a_proxy_is_not_carried_by_a_merge_into_what_they_may_not_see(house: &House) {
    let mother = DevelopmentClaims { patient_age: Some(15), ..proxy("rp-17", "p-1001") };
    let (own, secret) = merged(house, &mother).await;
    let mut further = following(refill("p-1001", "Is it done?"), &own);
    further["sender"] = json!({ "reference": "RelatedPerson/rp-17" });
    // It is accepted and answered, in a conversation of its own.
    let made = house.create(&mother, &further).await.is(201).id();
    house.get(&mother, &format!("/fhir/Communication/{made}")).await.is(200);
    assert_ne!(house.task(&made).await["focus"]["reference"], format!("Communication/{secret}"));
    house.get(&mother, &format!("/fhir/Communication/{secret}")).await.is(404);
    assert!(!house.get(&mother, "/fhir/Communication?_count=100").await.is(200).ids().contains(&secret));
    // The patient is heard where it goes on.
    let heard = house.create(&patient("p-1001"), &following(refill("p-1001", "And?"), &own)).await.is(201).json();
    assert_eq!(heard["partOf"][0]["reference"], format!("Communication/{secret}"));
}

async fn what_a_consent_hides_is_hidden_where_it_goes_on_after_a_merge(house: &House) {
    let mother = DevelopmentClaims { patient_age: Some(8), ..proxy("rp-17", "p-1001") };
    let (own, on) = merged(house, &mother).await;
    house.get(&mother, &format!("/fhir/Communication/{on}")).await.is(200);
    let denied = consent(&rule("deny", &[&own]));
    house.put(&engine(), "/fhir/Consent/mother", &denied).await.is(201);
    for hidden in [&own, &on] {
        house.get(&mother, &format!("/fhir/Communication/{hidden}")).await.is(404);
    }
}

async fn a_condition_that_no_header_holds_is_refused_alone(house: &House) {
    let message = || refill("p-1001", "Five left.");
    let mut conditional = with("POST", "Communication", &message());
    conditional["request"]["ifNoneExist"] = json!("identifier=urn:x|Müller");
    let entries = [with("POST", "Communication", &message()), conditional];
    let author = scoped(&patient("p-1001"), "patient/*.cruds");
    let told = sent(house, &author, "batch", &entries).await.is(200);
    assert_eq!(statuses(&told), ["201", "400"], "{}", told.text);
}

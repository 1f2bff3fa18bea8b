//! What proxies see of a patient, by the patient's age.

use api::auth::DevelopmentClaims;
use serde_json::json;

use crate::house::House;
use crate::people::{nurse, patient, proxy, refill, reply, scoped};

on_both!(house:
    a_proxy_of_somebody_older_sees_their_own_conversations_alone,
    whoever_is_not_the_patient_is_a_proxy_whatever_they_are_called,
);

async fn a_proxy_of_somebody_older_sees_their_own_conversations_alone(house: &House) {
    let aged = |age| DevelopmentClaims { patient_age: age, ..proxy("rp-17", "p-1001") };
    let (child, young, unknown) = (aged(Some(11)), aged(Some(15)), aged(None));
    let secret = house.create(&patient("p-1001"), &refill("p-1001", "For me alone.")).await.is(201).id();
    let mut own = refill("p-1001", "Her mother asks.");
    own["sender"] = json!({ "reference": "RelatedPerson/rp-17" });
    let own = house.create(&young, &own).await.is(201).id();
    let answer = house.create(&nurse(), &reply("p-1001", &own, "Tomorrow.")).await.is(201).id();

    let found = async |who: &DevelopmentClaims| {
        house.get(who, "/fhir/Communication?category:not=automatic&_total=accurate").await.is(200)
    };
    assert!(found(&child).await.ids().contains(&secret));
    house.get(&child, &format!("/fhir/Communication/{secret}")).await.is(200);
    for who in [&young, &unknown] {
        let seen = found(who).await;
        let ids = seen.ids();
        assert!(!ids.contains(&secret) && ids.contains(&own) && ids.contains(&answer), "{}", seen.text);
        assert_eq!(seen.json()["total"], 2);
        for path in ["", "/_history", "/_history/1"] {
            house.get(who, &format!("/fhir/Communication/{secret}{path}")).await.is(404);
        }
        let tasks = house.get(who, "/fhir/Task").await.is(200);
        assert!(!tasks.text.contains(&secret) && tasks.text.contains(&own), "{}", tasks.text);
        assert!(!house.get(who, "/fhir/_history").await.is(200).text.contains(&secret));
    }
    assert!(found(&patient("p-1001")).await.ids().contains(&secret), "the patient sees all of it");
}

async fn whoever_is_not_the_patient_is_a_proxy_whatever_they_are_called(house: &House) {
    let secret = house.create(&patient("p-1001"), &refill("p-1001", "For me alone.")).await.is(201).id();
    let mother = |user: &str, scope: &str, age| DevelopmentClaims {
        fhir_user: Some(user.to_owned()),
        patient_age: age,
        ..scoped(&patient("p-1001"), scope)
    };
    for scope in ["patient/*.cruds", "user/*.cruds"] {
        for age in [Some(15), None] {
            let who = mother("Patient/p-2002", scope, age);
            house.get(&who, &format!("/fhir/Communication/{secret}")).await.is(404);
            assert_eq!(house.get(&who, "/fhir/Communication?category=refill").await.is(200).ids().len(), 0);
        }
        let who = mother("Patient/p-2002", scope, Some(8));
        house.get(&who, &format!("/fhir/Communication/{secret}")).await.is(200);
    }
    house
        .get(&mother("Patient/p-1001", "patient/*.cruds", None), &format!("/fhir/Communication/{secret}"))
        .await
        .is(200);
}

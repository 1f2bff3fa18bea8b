//! Claims: for whom, until when, of which kind, and what they grant.

use domain::access::{Denied, Permission, Visibility};
use domain::id::TenantId;
use serde_json::{Value, json};

use super::*;

#[actix_web::test]
async fn j8_issuers_are_exact_and_keys_are_looked_up_per_issuer() {
    let (ours, theirs) = (Signer::p256(), Signer::p256());
    let mut other = config(&[theirs.jwk(Some("k"), None)]);
    other.issuer = "https://other.example/".to_owned();
    other.tenant = "other".to_owned();
    let issuers = vec![config(&[ours.jwk(Some("k"), None)]), other];
    let both = Authenticator::new(issuers, "http://x/fhir", MovableClock::friday()).unwrap();
    for issuer in
        ["https://issuer.example/", "https://ISSUER.example", "http://issuer.example", "https://other.example", ""]
    {
        refused(&both, &token(&ours, &header("ES256"), &with(json!({ "iss": issuer }))), issuer).await;
    }
    refused(&both, &token(&ours, &header("ES256"), &without("iss")), "no iss").await;
    refused(&both, &token(&ours, &header("ES256"), &with(json!({ "iss": [ISSUER] }))), "a list of issuers").await;
    let mixed = with(json!({ "iss": "https://other.example/" }));
    refused(&both, &token(&ours, &header("ES256"), &mixed), "another issuer's name over the first one's key").await;
    let caller = both.authenticate(&token(&theirs, &header("ES256"), &mixed)).await.unwrap();
    assert_eq!(caller.tenant, TenantId::new("other"));
    let twice = vec![config(&[ours.jwk(None, None)]), config(&[ours.jwk(None, None)])];
    assert!(Authenticator::new(twice, "http://x/fhir", MovableClock::friday()).is_err());
}

#[actix_web::test]
async fn j9_one_audience_must_be_ours_to_the_letter() {
    let (authenticator, signer) = usual();
    for good in [json!(AUDIENCE), json!([AUDIENCE]), json!(["https://issuer.example/userinfo", AUDIENCE])] {
        let token = token(&signer, &header("ES256"), &with(json!({ "aud": good })));
        assert!(authenticator.authenticate(&token).await.is_ok(), "{good}");
    }
    for bad in [
        json!("account"),
        json!(format!("{AUDIENCE}/")),
        json!("https://fhir.example"),
        json!(AUDIENCE.to_uppercase()),
        json!(format!("{AUDIENCE} x")),
        json!([]),
        json!(["a", "b"]),
        json!([[AUDIENCE]]),
        json!([AUDIENCE, 7]),
        json!({ "a": AUDIENCE }),
        Value::Null,
        json!(""),
        json!(["portal", AUDIENCE]),
    ] {
        refused(&authenticator, &token(&signer, &header("ES256"), &with(json!({ "aud": bad }))), &bad.to_string())
            .await;
    }
    refused(&authenticator, &token(&signer, &header("ES256"), &without("aud")), "no aud").await;
}

#[actix_web::test]
async fn j10_times_are_whole_seconds_judged_by_our_own_clock() {
    let (authenticator, signer) = usual();
    let (leeway, day) = (30, 24 * 3600);
    for good in [
        json!({ "exp": NOW - leeway + 1 }),
        json!({ "nbf": NOW + leeway }),
        json!({ "iat": NOW + leeway }),
        json!({ "iat": NOW, "exp": NOW + day }),
    ] {
        let answer = authenticator.authenticate(&token(&signer, &header("ES256"), &with(good.clone()))).await;
        assert!(answer.is_ok(), "{good}: {answer:?}");
    }
    for bad in [
        json!({ "exp": NOW - leeway }),
        json!({ "exp": 0 }),
        json!({ "exp": -1 }),
        json!({ "exp": "9999999999" }),
        json!({ "exp": NOW as f64 + 300.5 }),
        json!({ "exp": 1e30 }),
        json!({ "exp": null }),
        json!({ "exp": u64::MAX }),
        json!({ "exp": true }),
        json!({ "nbf": NOW + leeway + 1 }),
        json!({ "nbf": "0" }),
        json!({ "iat": NOW + leeway + 1 }),
        json!({ "iat": NOW, "exp": NOW + day + 1 }),
        json!({ "iat": -5 }),
        json!({ "exp": i64::MAX }),
    ] {
        refused(&authenticator, &token(&signer, &header("ES256"), &with(bad.clone())), &bad.to_string()).await;
    }
    refused(&authenticator, &token(&signer, &header("ES256"), &without("exp")), "no exp").await;
    let mut endless = with(json!({ "exp": NOW + day + 1 }));
    endless.as_object_mut().unwrap().remove("iat");
    refused(&authenticator, &token(&signer, &header("ES256"), &endless), "too long, without iat").await;
}

#[actix_web::test]
async fn j11_other_kinds_of_tokens_are_not_access_tokens() {
    let (authenticator, signer) = usual();
    for claim in [
        json!({ "nonce": "n" }),
        json!({ "at_hash": "h" }),
        json!({ "c_hash": "h" }),
        json!({ "typ": "Refresh" }),
        json!({ "typ": "ID" }),
        json!({ "typ": "Offline" }),
        json!({ "typ": "Logout" }),
        json!({ "typ": 1 }),
        json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": {} } }),
        json!({ "token_use": "id" }),
        json!({ "epic.tokentype": "launch" }),
        json!({ "cnf": { "jkt": "x" } }),
        json!({ "aud": ["portal", AUDIENCE] }),
    ] {
        refused(&authenticator, &token(&signer, &header("ES256"), &with(claim.clone())), &claim.to_string()).await;
    }
    for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "id_token", "JOSE", "", "application/logout+jwt"] {
        let header = json!({ "alg": "ES256", "kid": "k", "typ": typ });
        refused(&authenticator, &token(&signer, &header, &claims()), typ).await;
    }
    for typ in ["AT+JWT", "application/at+jwt", "jwt"] {
        let header = json!({ "alg": "ES256", "kid": "k", "typ": typ });
        assert!(authenticator.authenticate(&token(&signer, &header, &claims())).await.is_ok(), "{typ}");
    }
    let keycloak = with(json!({ "typ": "Bearer" }));
    assert!(authenticator.authenticate(&token(&signer, &header("ES256"), &keycloak)).await.is_ok());
}

#[actix_web::test]
async fn s4_a_claim_that_is_not_understood_grants_nothing() {
    let (authenticator, signer) = usual();
    let see = async |changes: Value| {
        let caller = authenticator.authenticate(&token(&signer, &header("ES256"), &with(changes))).await.unwrap();
        caller.visibility("Communication", Permission::Read, &[])
    };
    for patient in ["p-1001", "Patient/p-1001", "http://localhost:8080/fhir/Patient/p-1001"] {
        assert!(matches!(see(json!({ "patient": patient })).await, Ok(Visibility::Patient { .. })), "{patient}");
    }
    let all = "patient/*.rs user/*.rs system/*.rs";
    for patient in [
        json!(""),
        json!("*"),
        json!(["p-1001", "p-2002"]),
        json!("https://elsewhere.example/fhir/Patient/p-1001"),
        json!("Practitioner/p-1001"),
        json!("p-1001,p-2002"),
        json!(7),
        json!({}),
    ] {
        assert_eq!(see(json!({ "scope": all, "patient": patient })).await, Err(Denied::Scope), "{patient}");
    }
    for user in [json!(""), json!("Device/1"), json!("https://elsewhere.example/Practitioner/1"), json!([])] {
        assert_eq!(see(json!({ "scope": all, "fhirUser": user })).await, Err(Denied::Scope), "{user}");
    }
    assert_eq!(see(json!({ "patient": null })).await, Err(Denied::Context));
}

#[actix_web::test]
async fn s4_where_it_is_asked_for_a_token_says_who_looks_at_the_patient() {
    let signer = Signer::p256();
    let config = IssuerConfig { require_fhir_user: true, ..config(&[signer.jwk(Some("k"), None)]) };
    let authenticator = authenticator(config);
    let see = async |changes: Value| {
        let caller = authenticator.authenticate(&token(&signer, &header("ES256"), &with(changes))).await.unwrap();
        caller.visibility("Communication", Permission::Read, &[])
    };
    let all = "patient/*.rs user/*.rs system/*.rs";
    assert_eq!(see(json!({ "scope": all, "patient": "p-1", "fhirUser": null })).await, Err(Denied::Scope));
    let named = see(json!({ "scope": "patient/*.rs", "patient": "p-1", "fhirUser": "Patient/p-1" })).await;
    assert!(matches!(named, Ok(Visibility::Patient { .. })));
    let machine = see(json!({ "scope": "system/*.rs", "patient": null, "fhirUser": null })).await;
    assert_eq!(machine, Ok(Visibility::Everything), "a machine looks at nobody in particular");
}

#[actix_web::test]
async fn claims_are_found_where_the_configuration_says() {
    let signer = Signer::p256();
    let mut config = config(&[signer.jwk(Some("k"), None)]);
    config.scope_claims = vec!["/nowhere".to_owned(), "/realm_access/roles".to_owned()];
    config.client_id_claims = vec!["/azp".to_owned()];
    config.patient_claims = vec!["/https:~1~1portal.example~1patient".to_owned()];
    config.fhir_bases = vec!["https://ehr.example/fhir/".to_owned()];
    let claims = json!({ "iss": ISSUER, "aud": [AUDIENCE], "sub": "u", "azp": "app", "iat": NOW, "exp": NOW + 60,
        "realm_access": { "roles": ["offline_access", "user/Communication.rs"] }, "patient_age": 71,
        "https://portal.example/patient": "p-9", "fhirUser": "https://ehr.example/fhir/RelatedPerson/r-1",
        "pools": ["refill", "HealthcareService/front desk"], "patient_tags": "complex-care vip" });
    let caller = authenticator(config).authenticate(&token(&signer, &header("ES256"), &claims)).await.unwrap();
    assert_eq!((caller.client.as_str(), caller.patient.as_ref().unwrap().as_str()), ("app", "p-9"));
    assert_eq!(caller.user.as_ref().unwrap().to_string(), "RelatedPerson/r-1");
    assert_eq!((caller.scopes.len(), caller.pools.len()), (1, 2));
    assert_eq!((caller.facts.age_years, caller.facts.tags.len()), (Some(71), 2));
}

#[actix_web::test]
async fn a_token_without_client_or_subject_is_refused() {
    let (authenticator, signer) = usual();
    for name in ["client_id", "sub"] {
        refused(&authenticator, &token(&signer, &header("ES256"), &without(name)), name).await;
    }
}

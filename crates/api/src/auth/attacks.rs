//! Attacks on tokens, with real keys.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use domain::access::{Denied, Permission, Visibility};
use domain::id::TenantId;
use domain::time::TimeSource as _;
use serde_json::{Value, json};

use super::fetch::{FLOOR, FRESH, STALE};
use super::forge::{KeyServer, MovableClock, Signer, token, unsigned};
use super::*;

const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "https://fhir.example/fhir";
const NOW: i64 = MovableClock::FRIDAY;

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "client_id": "portal", "iat": NOW, "exp": NOW + 300,
        "scope": "openid patient/Communication.rs", "patient": "p-1001" })
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    if let (Value::Object(claims), Value::Object(changes)) = (&mut claims, changes) {
        claims.extend(changes);
    }
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn header(algorithm: &str) -> Value {
    json!({ "alg": algorithm, "kid": "k", "typ": "at+jwt" })
}

fn config(keys: &[Value]) -> IssuerConfig {
    IssuerConfig::new(ISSUER, KeySource::Inline(json!({ "keys": keys })), vec![AUDIENCE.to_owned()])
}

fn authenticator(config: IssuerConfig) -> Authenticator {
    Authenticator::new(vec![config], "http://localhost:8080/fhir", MovableClock::friday()).unwrap()
}

/// An authenticator with one P-256 key, and the key.
fn usual() -> (Authenticator, Signer) {
    let signer = Signer::p256();
    (authenticator(config(&[signer.jwk(Some("k"), Some("ES256"))])), signer)
}

async fn refused(authenticator: &Authenticator, token: &str, why: &str) {
    let answer = authenticator.authenticate(token).await;
    assert!(matches!(answer, Err(Refused::Token(_))), "{why}: {answer:?}");
}

#[actix_web::test]
async fn every_configured_algorithm_is_verified_with_its_own_key() {
    let cases = [
        ("RS256", Signer::rsa()),
        ("RS384", Signer::rsa()),
        ("PS256", Signer::rsa()),
        ("ES256", Signer::p256()),
        ("ES384", Signer::p384()),
        ("EdDSA", Signer::ed()),
    ];
    for (algorithm, signer) in cases {
        let authenticator = authenticator(config(&[signer.jwk(Some("k"), Some(algorithm))]));
        let caller = authenticator.authenticate(&token(&signer, &header(algorithm), &claims())).await.unwrap();
        assert_eq!(caller.patient.as_ref().unwrap().as_str(), "p-1001", "{algorithm}");
        let mut forged = token(&signer, &header(algorithm), &claims());
        let last = forged.pop().unwrap();
        forged.push(if last == 'A' { 'Q' } else { 'A' });
        refused(&authenticator, &forged, algorithm).await;
    }
}

#[actix_web::test]
async fn a_token_without_signature_or_algorithm_is_refused() {
    let (authenticator, signer) = usual();
    for algorithm in ["none", "None", "nOnE", "NONE", ""] {
        let signed = unsigned(&header(algorithm), &claims());
        for signature in ["", "e30", "AA"] {
            refused(&authenticator, &format!("{signed}.{signature}"), algorithm).await;
        }
    }
    refused(&authenticator, &token(&signer, &json!({ "kid": "k", "typ": "at+jwt" }), &claims()), "no alg").await;
    refused(&authenticator, &token(&signer, &json!({ "alg": 7, "kid": "k" }), &claims()), "a number as alg").await;
    let signed = unsigned(&header("ES256"), &claims());
    refused(&authenticator, &format!("{signed}."), "empty signature").await;
}

#[actix_web::test]
async fn a_public_key_is_never_a_shared_secret() {
    let signer = Signer::rsa();
    let authenticator = authenticator(config(&[signer.jwk(Some("k"), None)]));
    for (name, algorithm) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        for secret in signer.public_forms() {
            let signed = unsigned(&header(name), &claims());
            let tag = hmac::sign(&hmac::Key::new(algorithm, &secret), signed.as_bytes());
            refused(&authenticator, &format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag)), name).await;
        }
    }
    let symmetric = json!({ "kty": "oct", "kid": "k", "k": "c2VjcmV0", "alg": "HS256" });
    let refused = Authenticator::new(vec![config(&[symmetric])], "http://x/fhir", MovableClock::friday());
    assert!(refused.is_err(), "a key set of shared secrets holds no usable key");
    let text = r#"{"issuer":"i","jwks":{"url":"https://i/jwks"},"audiences":["a"],"algorithms":["HS256"]}"#;
    assert!(serde_json::from_str::<IssuerConfig>(text).is_err(), "shared secrets cannot be configured");
}

#[actix_web::test]
async fn the_algorithm_is_the_keys_not_the_tokens() {
    let rsa = Signer::rsa();
    let named = authenticator(config(&[rsa.jwk(Some("k"), Some("RS384"))]));
    refused(&named, &token(&rsa, &header("RS256"), &claims()), "RS256 against a key for RS384").await;
    refused(&named, &token(&rsa, &header("PS256"), &claims()), "PS256 against a key for RS384").await;
    let unnamed = authenticator(config(&[rsa.jwk(Some("k"), None)]));
    assert!(unnamed.authenticate(&token(&rsa, &header("PS256"), &claims())).await.is_ok());
    let mut narrow = config(&[rsa.jwk(Some("k"), None)]);
    narrow.algorithms = vec![SigningAlgorithm::RS256];
    refused(&authenticator(narrow), &token(&rsa, &header("PS256"), &claims()), "not configured").await;
    let p384 = Signer::p384();
    let curve = authenticator(config(&[p384.jwk(Some("k"), None)]));
    refused(&curve, &token(&p384, &header("ES256"), &claims()), "ES256 with a P-384 key").await;
    let p256 = Signer::p256();
    let mixed = authenticator(config(&[rsa.jwk(Some("k"), None), p256.jwk(Some("e"), None)]));
    refused(&mixed, &token(&p256, &header("ES256"), &claims()), "an EC token with the id of an RSA key").await;
}

#[actix_web::test]
async fn a_key_id_is_a_name_in_the_key_set_and_nothing_else() {
    let signer = Signer::p256();
    let one = authenticator(config(&[signer.jwk(Some("k"), None)]));
    let long = "k".repeat(10_000);
    for id in ["../../dev/null", "/dev/null", "k' OR '1'='1", "k\n", "k\u{0}", "", "K", " k", &long] {
        let header = json!({ "alg": "ES256", "kid": id, "typ": "JWT" });
        refused(&one, &token(&signer, &header, &claims()), &id[..id.len().min(20)]).await;
    }
    refused(&one, &token(&signer, &json!({ "alg": "ES256", "kid": 1 }), &claims()), "a number as kid").await;
    let nameless = json!({ "alg": "ES256", "typ": "JWT" });
    assert!(one.authenticate(&token(&signer, &nameless, &claims())).await.is_ok(), "one key: no doubt");
    let two = authenticator(config(&[signer.jwk(Some("k"), None), Signer::p256().jwk(Some("l"), None)]));
    refused(&two, &token(&signer, &nameless, &claims()), "two keys and no id").await;
}

#[actix_web::test]
async fn keys_that_a_token_brings_along_are_neither_fetched_nor_used() {
    let (authenticator, _) = usual();
    let attacker = Signer::p256();
    let server = KeyServer::start(&[attacker.jwk(Some("k"), None)]);
    for (name, value) in [
        ("jku", json!(server.address)),
        ("x5u", json!(server.address)),
        ("jwk", attacker.jwk(Some("k"), None)),
        ("x5c", json!(["MIIB"])),
    ] {
        let mut header = header("ES256");
        header[name] = value;
        refused(&authenticator, &token(&attacker, &header, &claims()), name).await;
    }
    assert_eq!(server.hits(), 0);
}

#[actix_web::test]
async fn a_header_that_changes_what_is_signed_is_refused() {
    let (authenticator, signer) = usual();
    for (name, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
    ] {
        let mut header = header("ES256");
        header[name] = value;
        refused(&authenticator, &token(&signer, &header, &claims()), name).await;
    }
}

#[actix_web::test]
async fn only_three_parts_of_unpadded_base64url_are_a_token() {
    let (authenticator, signer) = usual();
    let good = token(&signer, &header("ES256"), &claims());
    assert!(authenticator.authenticate(&good).await.is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    let padded = format!("{}.{}.{}==", parts[0], parts[1], parts[2]);
    let repadded = format!("{}.{}.{}", URL_SAFE.encode(header("ES256").to_string()), parts[1], parts[2]);
    let standard = good.replace('-', "+").replace('_', "/");
    let mut cases = vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{}.{}", parts[0], parts[1]),
        format!("{good}.e30"),
        format!("{good}.e30.e30"),
        format!("{good}\n"),
        format!(" {good}"),
        format!("{good} "),
        padded,
        format!("e30.e30.{}", parts[2]),
        format!("W10.W10.{}", parts[2]),
        format!("%.{}.{}", parts[1], parts[2]),
    ];
    if repadded.contains('=') {
        cases.push(repadded);
    }
    if standard != good {
        cases.push(standard);
    }
    for case in &cases {
        refused(&authenticator, case, case).await;
    }
}

#[actix_web::test]
async fn a_claim_said_twice_is_refused() {
    let (authenticator, signer) = usual();
    let head = URL_SAFE_NO_PAD.encode(header("ES256").to_string());
    for (from, to) in [(r#""patient":"#, r#""patient":"p-2002","patient":"#), (r#""exp":"#, r#""exp":1,"exp":"#)] {
        let body = URL_SAFE_NO_PAD.encode(claims().to_string().replace(from, to));
        let signed = format!("{head}.{body}");
        let signature = URL_SAFE_NO_PAD.encode(signer.sign("ES256", signed.as_bytes()));
        refused(&authenticator, &format!("{signed}.{signature}"), from).await;
    }
    let doubled = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k","typ":"at+jwt","alg":"ES256"}"#);
    let signed = format!("{doubled}.{}", URL_SAFE_NO_PAD.encode(claims().to_string()));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign("ES256", signed.as_bytes()));
    refused(&authenticator, &format!("{signed}.{signature}"), "alg twice").await;
}

#[actix_web::test]
async fn issuers_are_exact_and_keys_are_looked_up_per_issuer() {
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
async fn one_audience_must_be_ours_to_the_letter() {
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
async fn times_are_whole_seconds_judged_by_our_own_clock() {
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
async fn other_kinds_of_tokens_are_not_access_tokens() {
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
async fn a_long_token_is_refused_before_it_is_read() {
    let (authenticator, signer) = usual();
    for size in [20_000, 100_000, 1_000_000] {
        let long = with(json!({ "scope": "patient/Communication.rs ".repeat(size / 25) }));
        let answer = authenticator.authenticate(&token(&signer, &header("ES256"), &long)).await;
        assert_eq!(answer, Err(Refused::Token("too-long")), "{size}");
    }
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let body = claims().to_string().replace(r#""sub":"#, &format!(r#""x":{deep},"sub":"#));
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header("ES256").to_string()), URL_SAFE_NO_PAD.encode(body));
    let signature = URL_SAFE_NO_PAD.encode(signer.sign("ES256", signed.as_bytes()));
    refused(&authenticator, &format!("{signed}.{signature}"), "200 deep").await;
}

#[actix_web::test]
async fn a_flood_of_unknown_key_ids_causes_one_fetch_per_floor() {
    let signer = Signer::p256();
    let server = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let good = token(&signer, &header("ES256"), &claims());
    assert!(authenticator.authenticate(&good).await.is_ok());
    assert_eq!(server.hits(), 1);
    clock.advance(FLOOR);
    let flood: Vec<String> = (0..1000)
        .map(|n| token(&signer, &json!({ "alg": "ES256", "kid": format!("x{n}"), "typ": "JWT" }), &claims()))
        .collect();
    let answers = futures_util::future::join_all(flood.iter().map(|token| authenticator.authenticate(token))).await;
    assert!(answers.iter().all(Result::is_err));
    assert_eq!(server.hits(), 2, "one look for a thousand tokens");
    let another = token(&signer, &header("ES256"), &with(json!({ "jti": "2" })));
    assert!(authenticator.authenticate(&another).await.is_ok(), "good tokens go on working");
    assert_eq!(server.hits(), 2);
}

#[actix_web::test]
async fn a_new_key_is_found_and_a_dropped_key_is_believed_no_longer() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk(Some("old"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let long = with(json!({ "exp": NOW + 20 * 3600 }));
    let by_old = token(&old, &json!({ "alg": "ES256", "kid": "old", "typ": "JWT" }), &long);
    let by_new = token(&new, &json!({ "alg": "ES256", "kid": "new", "typ": "JWT" }), &long);
    assert!(authenticator.authenticate(&by_old).await.is_ok());
    server.publish(&[new.jwk(Some("new"), None)]);
    refused(&authenticator, &by_new, "within the floor of the first look").await;
    clock.advance(FLOOR);
    assert!(authenticator.authenticate(&by_new).await.is_ok(), "after one look");
    assert_eq!(server.hits(), 2);
    refused(&authenticator, &by_old, "its key is gone, and so is the remembered token").await;
}

#[actix_web::test]
async fn keys_serve_while_their_server_is_down_until_they_are_stale() {
    let signer = Signer::p256();
    let server = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    assert!(authenticator.ready().is_err(), "no keys yet");
    authenticator.warm_up().await;
    assert!(authenticator.ready().is_ok());
    server.fall_silent();
    let fresh = |clock: &MovableClock| {
        let now = clock.now().as_second();
        token(&signer, &header("ES256"), &with(json!({ "iat": now, "exp": now + 60 })))
    };
    clock.advance(FRESH + 1);
    assert!(authenticator.authenticate(&fresh(&clock)).await.is_ok(), "old keys go on serving");
    clock.advance(STALE);
    assert_eq!(authenticator.authenticate(&fresh(&clock)).await, Err(Refused::KeysUnavailable));
    assert!(authenticator.ready().is_err());
    server.publish(&[signer.jwk(Some("k"), None)]);
    clock.advance(FLOOR);
    assert!(authenticator.authenticate(&fresh(&clock)).await.is_ok(), "and again when the server is back");
}

#[actix_web::test]
async fn a_remembered_token_expires_by_our_clock() {
    let signer = Signer::p256();
    let clock = MovableClock::friday();
    let issuers = vec![config(&[signer.jwk(Some("k"), None)])];
    let authenticator = Authenticator::new(issuers, "http://x/fhir", clock.clone()).unwrap();
    let short = token(&signer, &header("ES256"), &with(json!({ "exp": NOW + 10 })));
    assert!(authenticator.authenticate(&short).await.is_ok());
    clock.advance(39);
    assert!(authenticator.authenticate(&short).await.is_ok(), "within the leeway");
    clock.advance(1);
    refused(&authenticator, &short, "expired since").await;
}

#[actix_web::test]
async fn a_claim_that_is_not_understood_grants_nothing() {
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

#[test]
fn an_issuer_that_cannot_be_trusted_is_not_configured() {
    let usual =
        || IssuerConfig::new(ISSUER, KeySource::Url("https://i.example/jwks".to_owned()), vec![AUDIENCE.to_owned()]);
    let build = |config| Authenticator::new(vec![config], "http://x/fhir", MovableClock::friday()).map(|_| ());
    assert_eq!(build(usual()), Ok(()));
    for address in [
        "http://i.example/jwks",
        "file:///etc/passwd",
        "http://10.0.0.1/",
        "ftp://127.0.0.1/",
        "x",
        "https://a:b@i.example/",
    ] {
        assert!(build(IssuerConfig { jwks: KeySource::Url(address.to_owned()), ..usual() }).is_err(), "{address}");
    }
    assert!(build(IssuerConfig { leeway: 61, ..usual() }).is_err());
    assert!(build(IssuerConfig { audiences: vec![], ..usual() }).is_err());
    assert!(build(IssuerConfig { scope_claims: vec!["scope".to_owned()], ..usual() }).is_err());
}

#[actix_web::test]
async fn the_development_issuer_keeps_its_key_to_itself() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("postern-development-{}", std::process::id()));
    let path = folder.join("issuer.key");
    let first = DevelopmentIssuer::load_or_create(&path).unwrap();
    let second = DevelopmentIssuer::load_or_create(&path).unwrap();
    assert_eq!(first.jwks(), second.jwks());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let clock = MovableClock::friday();
    let issuers = vec![first.config(&TenantId::new("default"))];
    let authenticator = Authenticator::new(issuers, "http://x/fhir", clock.clone()).unwrap();
    let claims = DevelopmentClaims {
        sub: "dev".into(),
        client_id: "cli".into(),
        scope: "user/*.cruds".into(),
        fhir_user: Some("Practitioner/n-1".into()),
        ..DevelopmentClaims::default()
    };
    let token = second.mint(&claims, clock.now(), 60).unwrap();
    assert_eq!(
        authenticator.authenticate(&token).await.unwrap().user.as_ref().unwrap().to_string(),
        "Practitioner/n-1"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(DevelopmentIssuer::load_or_create(&path), Err(DevelopmentKeyError::Exposed { .. })));
    std::fs::remove_dir_all(folder).unwrap();
}

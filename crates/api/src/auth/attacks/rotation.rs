//! Keys that come and go, and issuers that are configured.

use domain::id::TenantId;
use domain::time::TimeSource as _;
use serde_json::json;

use super::*;
use crate::audit::AuditKey;
use crate::auth::fetch::{FLOOR, FRESH, STALE, WAITED_FOR};
use crate::auth::forge::KeyServer;
use crate::auth::{DevelopmentClaims, DevelopmentIssuer, DevelopmentKeyError};

#[actix_web::test]
async fn j14_a_flood_of_unknown_key_ids_causes_one_fetch_per_floor() {
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
async fn j15_a_new_key_is_found_and_a_dropped_key_is_believed_no_longer() {
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
async fn j15_a_key_that_was_dropped_is_believed_no_longer_than_keys_are_fresh() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk(Some("old"), None), new.jwk(Some("new"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let by_old = |jti: &str| {
        let claims = with(json!({ "exp": NOW + 20 * 3600, "jti": jti }));
        token(&old, &json!({ "alg": "ES256", "kid": "old", "typ": "JWT" }), &claims)
    };
    assert!(authenticator.authenticate(&by_old("1")).await.is_ok());
    server.publish(&[new.jwk(Some("new"), None)]);
    clock.advance(FRESH);
    assert!(authenticator.authenticate(&by_old("2")).await.is_ok(), "the keys at hand are fresh");
    clock.advance(1);
    // This one makes the keys be looked at; the next does not pass.
    let _the_last = authenticator.authenticate(&by_old("3")).await;
    let looked = async {
        while authenticator.authenticate(&by_old("4")).await.is_ok() {
            actix_web::rt::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    actix_web::rt::time::timeout(std::time::Duration::from_secs(20), looked).await.unwrap();
    refused(&authenticator, &by_old("1"), "not even when it is remembered").await;
}

#[actix_web::test]
async fn j15_after_quiet_hours_the_first_token_of_a_dropped_key_is_refused() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let server = KeyServer::start(&[old.jwk(Some("old"), None), new.jwk(Some("new"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let claims = with(json!({ "exp": NOW + 20 * 3600 }));
    let signed = |by: &Signer, kid: &str| token(by, &json!({ "alg": "ES256", "kid": kid, "typ": "JWT" }), &claims);
    assert!(authenticator.authenticate(&signed(&old, "old")).await.is_ok());
    server.publish(&[new.jwk(Some("new"), None)]);
    clock.advance(WAITED_FOR + 1);
    refused(&authenticator, &signed(&old, "old"), "nobody is judged by keys of last night").await;
    assert!(authenticator.authenticate(&signed(&new, "new")).await.is_ok());
    assert_eq!(server.hits(), 2, "one look for both");
}

#[actix_web::test]
async fn j15_an_issuer_that_takes_all_its_keys_back_is_believed_no_longer() {
    let signer = Signer::p256();
    let server = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    let clock = MovableClock::friday();
    let config = IssuerConfig::new(ISSUER, KeySource::Url(server.address.clone()), vec![AUDIENCE.to_owned()]);
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let good = token(&signer, &header("ES256"), &with(json!({ "exp": NOW + 20 * 3600 })));
    assert!(authenticator.authenticate(&good).await.is_ok());
    server.publish(&[]);
    clock.advance(FLOOR);
    authenticator.warm_up().await;
    refused(&authenticator, &good, "its key was taken back").await;
    assert!(authenticator.ready().is_err());
}

#[actix_web::test]
async fn j15_keys_serve_while_their_server_is_down_until_they_are_stale() {
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
async fn j10_a_remembered_token_expires_by_our_clock() {
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

#[test]
fn p7_keys_are_not_printed() {
    let folder = std::env::temp_dir().join(format!("postern-printed-{}", std::process::id()));
    let (key, seal) = (folder.join("issuer.key"), folder.join("audit-key"));
    let issuer = DevelopmentIssuer::load_or_create(&key).unwrap();
    let audit = AuditKey::load_or_create(&seal).unwrap();
    assert!(format!("{issuer:?}").contains("***"));
    assert_eq!(format!("{audit:?}"), "AuditKey(***)");
    std::fs::remove_dir_all(folder).unwrap();
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

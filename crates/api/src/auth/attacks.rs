//! Attacks on tokens, with real keys.

mod configured;
mod meaning;
mod rotation;
mod signature;

use serde_json::{Value, json};

use super::forge::{MovableClock, Signer, token};
use super::{Authenticator, IssuerConfig, KeySource, Refused};

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

//! Signatures, algorithms and the form of tokens.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;
use crate::auth::SigningAlgorithm;
use crate::auth::forge::{KeyServer, unsigned};

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
async fn j1_a_token_without_signature_or_algorithm_is_refused() {
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
async fn j2_a_public_key_is_never_a_shared_secret() {
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
async fn j3_the_algorithm_is_the_keys_not_the_tokens() {
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
async fn j4_a_key_id_is_a_name_in_the_key_set_and_nothing_else() {
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
async fn j5_keys_that_a_token_brings_along_are_neither_fetched_nor_used() {
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
async fn j6_a_header_that_changes_what_is_signed_is_refused() {
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
async fn j6_only_three_parts_of_unpadded_base64url_are_a_token() {
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
async fn j6_a_claim_said_twice_is_refused() {
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
async fn j13_a_long_token_is_refused_before_it_is_read() {
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

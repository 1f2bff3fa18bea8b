//! What an operator configures: where claims are, whose metadata is believed, which tokens are taken back.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use domain::access::{Level, Permission, Scope};
use domain::id::TenantId;
use serde_json::{Value, json};

use super::*;
use crate::auth::denied::LOOK;
use crate::auth::fetch::FLOOR;
use crate::auth::forge::KeyServer;

/// An issuer as its configuration file says it, over that key.
fn written(signer: &Signer, settings: Value) -> IssuerConfig {
    let mut said = json!({ "issuer": ISSUER, "audiences": [AUDIENCE],
        "jwks": { "inline": { "keys": [signer.jwk(Some("k"), None)] } } });
    if let (Value::Object(said), Value::Object(settings)) = (&mut said, settings) {
        said.extend(settings);
    }
    serde_json::from_value(said).unwrap()
}

#[test]
fn no_issuer_speaks_for_the_services_own_tenant() {
    let signer = Signer::p256();
    for settings in [
        json!({ "tenant": "system" }),
        json!({ "tenant_claims": ["/org"], "tenants": { "a": "north", "b": "system" } }),
    ] {
        assert_eq!(written(&signer, settings).check().unwrap_err().setting, "tenant and tenants");
    }
}

async fn read(signer: &Signer, settings: Value, claims: Value) -> Arc<domain::access::Caller> {
    let algorithm = if matches!(signer, Signer::Rsa(_)) { "RS256" } else { "ES256" };
    let mut said = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "u-1", "iat": NOW, "exp": NOW + 300 });
    if let (Value::Object(said), Value::Object(claims)) = (&mut said, claims) {
        said.extend(claims);
    }
    let header = json!({ "alg": algorithm, "kid": "k", "typ": "JWT" });
    authenticator(written(signer, settings)).authenticate(&token(signer, &header, &said)).await.unwrap()
}

fn scopes(texts: &[&str]) -> Vec<Scope> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[actix_web::test]
async fn a_preset_knows_where_each_kind_of_server_puts_its_claims() {
    let (rsa, ec) = (Signer::rsa(), Signer::p256());
    let smart = read(
        &ec,
        json!({ "preset": "smart" }),
        json!({ "client_id": "app", "scope": "launch openid patient/Communication.rs",
            "ext": { "patient": "p-7", "fhirUser": "Patient/p-7" } }),
    );
    let smart = smart.await;
    assert_eq!((smart.patient.as_ref().unwrap().as_str(), smart.scopes.len()), ("p-7", 1));
    let keycloak = read(
        &rsa,
        json!({ "preset": "keycloak", "role_map": { "clinic-nurse": ["user/Communication.crs", "user/Task.rus"] } }),
        json!({ "typ": "Bearer", "azp": "portal", "aud": ["account", AUDIENCE], "scope": "openid profile email",
            "realm_access": { "roles": ["offline_access", "clinic-nurse"] }, "fhirUser": "Practitioner/n-1" }),
    );
    let keycloak = keycloak.await;
    assert_eq!(keycloak.client, "portal");
    assert_eq!(keycloak.scopes, scopes(&["user/Communication.crs", "user/Task.rus"]));
    let delegated = read(
        &rsa,
        json!({ "preset": "entra" }),
        json!({ "azp": "app", "oid": "o-1", "tid": "t", "ver": "2.0", "fhirUser": "Practitioner/n-1",
            "scp": "user.Communication.rs user$all.read User.Read", "roles": ["Nurse"] }),
    );
    let delegated = delegated.await;
    assert_eq!((delegated.subject.as_str(), delegated.client.as_str()), ("o-1", "app"));
    assert_eq!(delegated.scopes, scopes(&["user/Communication.rs", "user/*.read"]));
    let application = read(
        &rsa,
        json!({ "preset": "entra" }),
        json!({ "appid": "engine", "oid": "o-2", "roles": ["system.all.all", "Directory.Read.All"] }),
    );
    assert_eq!(application.await.scopes, scopes(&["system/*.*"]));
    let okta = read(
        &rsa,
        json!({ "preset": "okta" }),
        json!({ "ver": 1, "cid": "0oa1", "uid": "00u1", "sub": "someone@clinic.example",
            "scp": ["openid", "patient/Communication.rs"], "patient": "Patient/p-7" }),
    );
    let okta = okta.await;
    assert_eq!((okta.client.as_str(), okta.subject.as_str(), okta.scopes.len()), ("0oa1", "00u1", 1));
    let auth0 = read(
        &rsa,
        json!({ "preset": "auth0", "role_map": { "read:messages": ["system/Communication.rs"] } }),
        json!({ "azp": "m2m", "sub": "m2m@clients", "gty": "client-credentials",
            "aud": [AUDIENCE, "https://clinic.auth0.example/userinfo"], "permissions": ["read:messages", "other"] }),
    );
    assert_eq!(auth0.await.scopes, scopes(&["system/Communication.rs"]));
}

#[actix_web::test]
async fn what_is_said_wins_over_a_preset_and_what_is_misspelt_is_refused() {
    let config = written(&Signer::p256(), json!({ "preset": "okta", "scope_claims": ["/scope"], "leeway": 5 }));
    assert_eq!((config.scope_claims, config.client_id_claims), (vec!["/scope".to_owned()], vec!["/cid".to_owned()]));
    assert_eq!((config.subject_claims.len(), config.leeway), (2, 5));
    for wrong in [
        json!({ "preset": "other" }),
        json!({ "scope_claim": ["/scope"] }),
        json!({ "preset": "smart", "sub_claims": [] }),
        json!({ "algorithms": ["HS256"] }),
        json!({ "audiences": "x" }),
    ] {
        let mut said = json!({ "issuer": ISSUER, "audiences": [AUDIENCE] });
        said.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        assert!(serde_json::from_value::<IssuerConfig>(said).is_err(), "{wrong}");
    }
    let least = json!({ "issuer": ISSUER, "audiences": [AUDIENCE] });
    let config: IssuerConfig = serde_json::from_value(least).unwrap();
    assert!(matches!(config.jwks, KeySource::Discovery), "keys are discovered unless said");
}

#[actix_web::test]
async fn scopes_are_read_in_each_form_and_what_maps_to_nothing_grants_nothing() {
    let signer = Signer::p256();
    let said = async |settings: Value, claims: Value| {
        let mut claims = claims;
        claims["client_id"] = "app".into();
        read(&signer, settings, claims).await.scopes.clone()
    };
    let one = scopes(&["user/Communication.rs"]);
    for form in [
        json!("openid user/Communication.rs"),
        json!(["user/Communication.rs", "user/Communication.rs"]),
        json!([{ "scope": "user/Communication.rs" }]),
        json!([{ "rsname": "messages", "scopes": ["user/Communication.rs", 7] }, "x", 3]),
    ] {
        assert_eq!(said(json!({}), json!({ "scope": form })).await, one, "{form}");
    }
    for nothing in [
        json!({ "scope": { "user/Communication.rs": true } }),
        json!({ "scope": 7 }),
        json!({ "scope": "user.Communication.rs" }),
        json!({ "scope": "user/all.rs" }),
        json!({ "scope": "User/Communication.rs USER/*.rs user/communication.rs user/Communication.sr" }),
        json!({ "roles": ["nurse"], "realm_access": { "roles": ["nurse"] } }),
        json!({ "scope": [["user/Communication.rs"]] }),
        json!({}),
    ] {
        assert_eq!(said(json!({}), nothing.clone()).await, [], "{nothing}");
    }
    let roles = json!({ "role_claims": ["/resource_access/our-api/roles", "/https:~1~1clinic.example~1roles"],
        "role_map": { "nurse": ["user/Communication.rs"], "*": ["system/*.cruds"] } });
    let both = json!({ "resource_access": { "our-api": { "roles": ["porter"] }, "other": { "roles": ["nurse"] } } });
    assert_eq!(said(roles.clone(), both).await, [], "a role of another service, and one that is not mapped");
    let far = json!({ "https://clinic.example/roles": ["nurse"], "resource_access": { "our-api": { "roles": [] } } });
    assert_eq!(said(roles, far).await, one);
    let many: Vec<String> = (0..10_000).map(|n| format!("user/T{}.rs", "x".repeat(n % 7))).collect();
    let settings = json!({ "max_token_bytes": 1_000_000 });
    assert!(said(settings, json!({ "scope": many })).await.len() <= 500, "ten thousand scopes cost little");
}

#[actix_web::test]
async fn a_tenant_is_named_by_a_claim_or_nobody_gets_in() {
    let signer = Signer::p256();
    let settings = json!({ "tenant_claims": ["/tid"], "tenants": { "7f": "north", "8a": "south" } });
    let both = authenticator(written(&signer, settings));
    for (tenant, name) in [("7f", "north"), ("8a", "south")] {
        let good = token(&signer, &header("ES256"), &with(json!({ "tid": tenant })));
        assert_eq!(both.authenticate(&good).await.unwrap().tenant, TenantId::new(name));
    }
    for bad in [json!("9b"), json!("north"), json!(""), json!(["7f"]), json!(null), json!(7)] {
        refused(&both, &token(&signer, &header("ES256"), &with(json!({ "tid": bad }))), &bad.to_string()).await;
    }
    refused(&both, &token(&signer, &header("ES256"), &claims()), "no tenant").await;
}

#[actix_web::test]
async fn j9_a_token_without_audience_is_taken_only_where_that_is_said() {
    let signer = Signer::p256();
    let lax = authenticator(written(&signer, json!({ "require_aud": false })));
    assert!(lax.authenticate(&token(&signer, &header("ES256"), &without("aud"))).await.is_ok());
    for bad in [json!("account"), json!([]), json!(null), json!("")] {
        refused(&lax, &token(&signer, &header("ES256"), &with(json!({ "aud": bad }))), &bad.to_string()).await;
    }
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("postern-{name}-{}", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

#[actix_web::test]
async fn j18_a_token_that_was_taken_back_is_refused_though_it_is_remembered() {
    let signer = Signer::p256();
    let list = file("denied", "a-0\n\n");
    let clock = MovableClock::friday();
    let config = written(&signer, json!({ "denied_jti": list }));
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let named = |id: &str| token(&signer, &header("ES256"), &with(json!({ "jti": id })));
    refused(&authenticator, &named("a-0"), "it was on the list at the start").await;
    refused(&authenticator, &token(&signer, &header("ES256"), &claims()), "it does not say which it is").await;
    assert!(authenticator.authenticate(&named("a-1")).await.is_ok());
    std::fs::write(&list, "a-0\na-1\n").unwrap();
    clock.advance(LOOK);
    refused(&authenticator, &named("a-1"), "it was remembered, and is on the list now").await;
    assert!(authenticator.authenticate(&named("a-2")).await.is_ok());
    std::fs::remove_file(&list).unwrap();
    clock.advance(LOOK);
    refused(&authenticator, &named("a-1"), "the list is gone; what it held is refused").await;
    let gone = written(&signer, json!({ "denied_jti": list }));
    assert!(Authenticator::new(vec![gone], "http://x/fhir", clock).is_err(), "a list that is not there refuses nobody");
}

#[actix_web::test]
async fn keys_are_discovered_from_metadata_that_is_the_issuers_own() {
    let signer = Signer::p256();
    let server = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    let base = server.address.trim_end_matches("/jwks").to_owned();
    let at = |issuer: &str| {
        let config = IssuerConfig::new(issuer, KeySource::Discovery, vec![AUDIENCE.to_owned()]);
        let clock = MovableClock::friday();
        (Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap(), clock)
    };
    let (realm, slash) = (format!("{base}/realms/clinic"), format!("{base}/auth0/"));
    let metadata = |issuer: &str| json!({ "issuer": issuer, "jwks_uri": format!("{base}/keys") });
    server.publish_at("/realms/clinic/.well-known/openid-configuration", &metadata(&realm));
    server.publish_at("/auth0/.well-known/openid-configuration", &metadata(&slash));
    for issuer in [&realm, &slash] {
        let said = with(json!({ "iss": issuer }));
        assert!(at(issuer).0.authenticate(&token(&signer, &header("ES256"), &said)).await.is_ok(), "{issuer}");
    }
    for (name, metadata) in [
        ("another", metadata("https://elsewhere.example")),
        ("slashed", metadata(&format!("{base}/slashed/"))),
        ("none", json!({ "issuer": format!("{base}/none") })),
        ("file", json!({ "issuer": format!("{base}/file"), "jwks_uri": "file:///etc/passwd" })),
        ("open", json!({ "issuer": format!("{base}/open"), "jwks_uri": "http://keys.example/jwks" })),
        ("list", json!([])),
    ] {
        server.publish_at(&format!("/{name}/.well-known/openid-configuration"), &metadata);
        let issuer = format!("{base}/{name}");
        let said = with(json!({ "iss": issuer }));
        let answer = at(&issuer).0.authenticate(&token(&signer, &header("ES256"), &said)).await;
        assert_eq!(answer, Err(Refused::KeysUnavailable), "{name}");
    }
    let refuse = |issuer: &str| {
        let config = IssuerConfig::new(issuer, KeySource::Discovery, vec![AUDIENCE.to_owned()]);
        assert!(Authenticator::new(vec![config], "http://x/fhir", MovableClock::friday()).is_err(), "{issuer}");
    };
    for issuer in ["urn:clinic", "http://i.example", "https://i.example/?x=1", "https://i.example/#x", "clinic"] {
        refuse(issuer);
    }
}

#[actix_web::test]
async fn metadata_of_oauth_serves_where_that_of_openid_is_missing() {
    let signer = Signer::p256();
    let server = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    let base = server.address.trim_end_matches("/jwks").to_owned();
    let issuer = format!("{base}/tenant/a");
    let metadata = json!({ "issuer": issuer, "jwks_uri": server.address });
    server.fall_silent();
    let config = IssuerConfig::new(issuer.as_str(), KeySource::Discovery, vec![AUDIENCE.to_owned()]);
    let clock = MovableClock::friday();
    let authenticator = Authenticator::new(vec![config], "http://x/fhir", clock.clone()).unwrap();
    let said = token(&signer, &header("ES256"), &with(json!({ "iss": issuer })));
    assert_eq!(authenticator.authenticate(&said).await, Err(Refused::KeysUnavailable));
    server.publish_at("/.well-known/oauth-authorization-server/tenant/a", &metadata);
    server.publish_at("/jwks", &json!({ "keys": [signer.jwk(Some("k"), None)] }));
    clock.advance(FLOOR);
    let caller = authenticator.authenticate(&said).await.unwrap();
    assert!(caller.scopes.iter().any(|scope| scope.level == Level::Patient));
    assert!(caller.visibility("Communication", Permission::Read, &[]).is_ok());
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let signer = Signer::p256();
    for wrong in [
        json!({ "tenant_claims": ["/tid"] }),
        json!({ "tenants": { "a": "b" } }),
        json!({ "tenant_claims": ["/tid"], "tenants": { "a": "" } }),
        json!({ "scope_separators": [] }),
        json!({ "scope_separators": ["x"] }),
        json!({ "role_map": { "nurse": ["user/Communication.rs"] } }),
        json!({ "role_map": { "nurse": ["read everything"] }, "role_claims": ["/roles"] }),
        json!({ "role_claims": ["roles"] }),
        json!({ "max_lifetime": 0 }),
    ] {
        assert!(written(&signer, wrong.clone()).check().is_err(), "{wrong}");
    }
}

#[actix_web::test]
async fn x3_an_issuer_that_sends_elsewhere_is_not_followed() {
    let signer = Signer::p256();
    let elsewhere = KeyServer::start(&[signer.jwk(Some("k"), None)]);
    for status in [301, 302, 303, 307, 308] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let target = elsewhere.address.clone();
        let redirecting = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).unwrap();
            write!(stream, "HTTP/1.1 {status} Elsewhere\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n").unwrap();
        });
        let config = IssuerConfig::new(ISSUER, KeySource::Url(address), vec![AUDIENCE.to_owned()]);
        let authenticator = Authenticator::new(vec![config], "http://x/fhir", MovableClock::friday()).unwrap();
        let answer = authenticator.authenticate(&token(&signer, &header("ES256"), &with(json!({})))).await;
        redirecting.join().unwrap();
        assert_eq!(answer, Err(Refused::KeysUnavailable), "{status}");
        assert_eq!(elsewhere.hits(), 0, "{status}");
    }
}

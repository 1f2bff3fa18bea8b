//! Issuers that others have written give the tokens: oidc-provider to machines that prove a key, and glewlwyd to machines
//! that know a secret. `scripts/issuers.sh` runs both and names their folder in `POSTERN_TEST_ISSUERS`.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::time::TimeSource as _;
use reqwest::Method;
use serde_json::{Value, json};
use server::clock::{MovableTime, SystemTime};

use crate::client::Reply;
use crate::house::Replica;
use crate::people::refill;
use crate::place::Place;

on_both!(place:
    a_machine_that_proves_its_key_to_oidc_provider_sends_and_finds,
    a_patient_of_oidc_provider_sees_their_own_alone,
    a_token_of_oidc_provider_for_somebody_else_is_refused,
    a_machine_of_glewlwyd_sends_and_finds_in_its_own_tenant,
);

const HERE: &str = "https://messages.example/fhir";

/// A service and the folder in which the issuers say where they are.
struct Issuers {
    folder: PathBuf,
    replica: Replica,
}

/// A service that believes both, at the present time: their tokens know no other.
async fn open(place: &Place) -> Issuers {
    let folder = env::var_os("POSTERN_TEST_ISSUERS").map(PathBuf::from).expect(
        "POSTERN_TEST_ISSUERS must name the folder of scripts/issuers.sh, such as: scripts/issuers.sh cargo test; \
         `make test` does so",
    );
    let url = |name: &str| {
        fs::read_to_string(folder.join(format!("{name}.url")))
            .unwrap_or_else(|_| panic!("{name} does not run: scripts/issuers.sh has said why"))
    };
    let config = format!(
        "[[issuers]]\nissuer = \"{}\"\naudiences = [\"{HERE}\", \"https://messages.example/rsa\"]\n\
         [[issuers]]\nissuer = \"{}\"\ntenant = \"second\"\naudiences = [\"{HERE}\"]\n",
        url("oidc-provider"),
        url("glewlwyd")
    );
    fs::write(place.folder.join("postern.toml"), config).unwrap();
    let time = Arc::new(MovableTime::at(SystemTime.now()));
    Issuers { folder, replica: Replica::start(place, &time).await }
}

impl Issuers {
    fn url(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(format!("{name}.url"))).unwrap()
    }

    /// Asks oidc-provider for a token, as a client that proves its key
    /// (<https://hl7.org/fhir/smart-app-launch/client-confidential-asymmetric.html>).
    async fn proven(&self, client: &str, scope: &str, resource: &str) -> Reply {
        let issuer = self.url("oidc-provider");
        let now = SystemTime.now();
        let said = json!({
            "iss": client, "sub": client, "aud": issuer, "jti": format!("{}", now.as_nanosecond()),
            "iat": now.as_second(), "exp": now.as_second() + 60,
        });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "alg": "ES384", "typ": "JWT", "kid": "client" });
        let signed = format!("{}.{}", part(&header), part(&said));
        let secret = fs::read(self.folder.join("client.p8")).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &secret).unwrap();
        let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        let form = format!(
            "grant_type=client_credentials&scope={scope}&resource={resource}\
             &client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
             &client_assertion={signed}.{}",
            URL_SAFE_NO_PAD.encode(signature)
        );
        self.replica.client.ask(Method::POST, &format!("{issuer}/token")).form(&form).send().await
    }

    /// Asks glewlwyd for a token, as a client that knows its secret.
    async fn secret(&self, more: &str) -> Reply {
        let known = STANDARD.encode("engine:a secret of tests");
        let form = format!("grant_type=client_credentials&scope=system/Communication.crs{more}");
        let asked = self.replica.client.ask(Method::POST, &format!("{}/token", self.url("glewlwyd")));
        asked.header("authorization", &format!("Basic {known}")).form(&form).send().await
    }

    async fn send(&self, token: &str, patient: &str) -> Reply {
        let body = refill(patient, "Five left.").to_string();
        self.replica.client.ask(Method::POST, "/fhir/Communication").bearer(token).fhir(&body).send().await
    }

    async fn found(&self, token: &str) -> Vec<Value> {
        let asked = self.replica.client.ask(Method::GET, "/fhir/Communication?category:not=automatic").bearer(token);
        asked.send().await.is(200).resources()
    }
}

fn token(answered: Reply) -> String {
    answered.is(200).json()["access_token"].as_str().unwrap().to_owned()
}

async fn a_machine_that_proves_its_key_to_oidc_provider_sends_and_finds(place: &Place) {
    let issuers = open(place).await;
    for (resource, algorithm) in [(HERE, "ES384"), ("https://messages.example/rsa", "RS384")] {
        let token = token(issuers.proven("engine", "system/Communication.crs", resource).await);
        let header = token.split('.').next().map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let header: Value = serde_json::from_slice(&header).unwrap();
        assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some(algorithm), Some("at+jwt")));
        issuers.send(&token, "p-1001").await.is(201);
        assert!(!issuers.found(&token).await.is_empty());
        let narrow = issuers.replica.client.ask(Method::GET, "/fhir/Task").bearer(&token).send().await;
        assert_eq!(narrow.is(403).header("www-authenticate"), "Bearer error=\"insufficient_scope\"");
    }
    let smart = issuers.replica.client.ask(Method::GET, "/fhir/.well-known/smart-configuration").send().await;
    assert_eq!(smart.is(200).json()["capabilities"][0], "permission-patient");
    issuers.replica.stop().await;
}

async fn a_patient_of_oidc_provider_sees_their_own_alone(place: &Place) {
    let issuers = open(place).await;
    let engine = token(issuers.proven("engine", "system/Communication.crs", HERE).await);
    let theirs = issuers.send(&engine, "p-1001").await.is(201).id();
    let others = issuers.send(&engine, "p-2002").await.is(201).id();
    let portal = token(issuers.proven("portal", "patient/Communication.crs", HERE).await);
    let found: Vec<_> = issuers.found(&portal).await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(found, [json!(theirs)]);
    let hidden = issuers.replica.client.ask(Method::GET, &format!("/fhir/Communication/{others}")).bearer(&portal);
    hidden.send().await.is(404);
    issuers.send(&portal, "p-1001").await.is(201);
    issuers.send(&portal, "p-2002").await.is(403);
    issuers.replica.stop().await;
}

async fn a_token_of_oidc_provider_for_somebody_else_is_refused(place: &Place) {
    let issuers = open(place).await;
    let asked = issuers.proven("engine", "system/Communication.crs", "https://elsewhere.example/fhir").await;
    let refused = issuers.send(&token(asked), "p-1001").await.is(401);
    assert_eq!(refused.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    issuers.replica.stop().await;
}

async fn a_machine_of_glewlwyd_sends_and_finds_in_its_own_tenant(place: &Place) {
    let issuers = open(place).await;
    let second = token(issuers.secret(&format!("&resource={HERE}")).await);
    let sent = issuers.send(&second, "p-1001").await.is(201).id();
    let found: Vec<_> = issuers.found(&second).await.iter().map(|one| one["id"].clone()).collect();
    assert_eq!(found, [json!(sent)]);
    let first = token(issuers.proven("engine", "system/Communication.crs", HERE).await);
    assert_eq!(issuers.found(&first).await, Vec::<Value>::new(), "another organisation's");
    // Without a resource it names its scopes as the audience.
    issuers.send(&token(issuers.secret("").await), "p-1001").await.is(401);
    issuers.replica.stop().await;
}

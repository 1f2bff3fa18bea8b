//! An issuer of another organisation: a key of its own, published in a file, its tokens signed by hand.

use std::fs;
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};

/// The tenant that it speaks for.
pub const TENANT: &str = "other";

const ISSUER: &str = "https://login.other.example";
const AUDIENCE: &str = "urn:other:messages";

/// The issuer.
pub struct Issuer {
    pair: EcdsaKeyPair,
}

impl Issuer {
    /// A new issuer. Its keys and the configuration that trusts it are written into that folder.
    pub fn publish(folder: &Path) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let point = pair.public_key().as_ref();
        let coordinate = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point[range]);
        let jwks = json!({ "keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "other-1",
            "x": coordinate(1..33), "y": coordinate(33..65)
        }] });
        let keys = folder.join("other-keys.json");
        fs::write(&keys, jwks.to_string()).unwrap();
        let config = format!(
            "[[issuers]]\nissuer = \"{ISSUER}\"\ntenant = \"{TENANT}\"\naudiences = [\"{AUDIENCE}\"]\n\
             jwks = {{ file = \"{}\" }}\n",
            keys.display()
        );
        fs::write(folder.join("postern.toml"), config).unwrap();
        Self { pair }
    }

    /// A token with these claims beside the issuer's own.
    pub fn token(&self, claims: &Value, now: Timestamp) -> String {
        let mut said = claims.clone();
        said["iss"] = json!(ISSUER);
        said["aud"] = json!(AUDIENCE);
        said["iat"] = json!(now.as_second());
        said["exp"] = json!(now.as_second() + 600);
        let header = json!({ "alg": "ES256", "typ": "JWT", "kid": "other-1" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&said));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

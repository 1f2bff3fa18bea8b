//! The issuer of tokens for development: its key is made at first run and kept in a file that only its owner reads.
//!
//! Whoever can read that file can be anybody, so the server accepts these tokens in development mode only.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::TenantId;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::config::{IssuerConfig, KeySource, SigningAlgorithm};

/// Why the development key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DevelopmentKeyError {
    /// The file cannot be read or written.
    #[error("the development key {path}: {source}")]
    File {
        /// The file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// Others may read the file.
    #[error(
        "the development key {path} can be read by others; run chmod 600 on it, or remove it to have a new one made"
    )]
    Exposed {
        /// The file.
        path: String,
    },
    /// The file holds something else.
    #[error("the development key {path} is not a P-256 key in PKCS#8; remove it to have a new one made")]
    Malformed {
        /// The file.
        path: String,
    },
    /// The cryptography library failed.
    #[error("the development key could not be used")]
    Cryptography,
}

/// The development issuer.
pub struct DevelopmentIssuer {
    pair: EcdsaKeyPair,
    key_id: String,
}

impl fmt::Debug for DevelopmentIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevelopmentIssuer").field("key_id", &self.key_id).field("pair", &"***").finish()
    }
}

/// What a development token says. Absent facts are left out of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct DevelopmentClaims {
    /// The subject.
    pub sub: String,
    /// The OAuth client.
    pub client_id: String,
    /// Scopes, separated by spaces.
    pub scope: String,
    /// The patient in context, without its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The person behind the token, such as `Practitioner/n-1`.
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub fhir_user: Option<String>,
    /// The pools of a member of staff.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<String>,
    /// The patient's age in whole years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_age: Option<u16>,
    /// The patient's IANA zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_zone: Option<String>,
    /// The patient's language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_language: Option<String>,
    /// The portal's tags on the patient.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patient_tags: Vec<String>,
}

impl DevelopmentIssuer {
    /// The `iss` of development tokens.
    pub const ISSUER: &'static str = "urn:postern:development";

    /// The `aud` of development tokens.
    pub const AUDIENCE: &'static str = "urn:postern:fhir";

    /// How long development tokens live unless said otherwise, in seconds.
    pub const LIFETIME: i64 = 12 * 3600;

    /// The issuer whose key is in that file; a file that does not exist is made, readable by its owner alone. Two
    /// processes that start at once end up with the same key.
    pub fn load_or_create(path: &Path) -> Result<Self, DevelopmentKeyError> {
        let failed = |source| DevelopmentKeyError::File { path: path.display().to_string(), source };
        match fs::metadata(path) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                Err(DevelopmentKeyError::Exposed { path: path.display().to_string() })
            }
            Ok(_) => Self::from_pkcs8(&fs::read(path).map_err(failed)?)
                .map_err(|_| DevelopmentKeyError::Malformed { path: path.display().to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path)?;
                Self::from_pkcs8(&fs::read(path).map_err(failed)?)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Result<Self, DevelopmentKeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes)
            .map_err(|_| DevelopmentKeyError::Cryptography)?;
        let (x, y) = coordinates(&pair).ok_or(DevelopmentKeyError::Cryptography)?;
        // The thumbprint of RFC 7638: the same key has the same id everywhere.
        let thumbprint = Sha256::digest(format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
        Ok(Self { key_id: URL_SAFE_NO_PAD.encode(thumbprint), pair })
    }

    /// The public half, as a key set.
    pub fn jwks(&self) -> serde_json::Value {
        let (x, y) = coordinates(&self.pair).unwrap_or_default();
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.key_id, "x": x, "y": y }] })
    }

    /// This issuer as one to be accepted, speaking for that tenant.
    pub fn config(&self, tenant: &TenantId) -> IssuerConfig {
        let mut config =
            IssuerConfig::new(Self::ISSUER, KeySource::Inline(self.jwks()), vec![Self::AUDIENCE.to_owned()]);
        tenant.as_str().clone_into(&mut config.tenant);
        config.algorithms = vec![SigningAlgorithm::ES256];
        config.allowed_typ = vec!["at+jwt".to_owned()];
        config
    }

    /// A token with these claims, valid from `now` for so many seconds (at most a day).
    pub fn mint(
        &self,
        claims: &DevelopmentClaims,
        now: Timestamp,
        lifetime: i64,
    ) -> Result<String, DevelopmentKeyError> {
        let mut said = serde_json::to_value(claims).map_err(|_| DevelopmentKeyError::Cryptography)?;
        said["iss"] = json!(Self::ISSUER);
        said["aud"] = json!(Self::AUDIENCE);
        said["iat"] = json!(now.as_second());
        said["exp"] = json!(now.as_second().saturating_add(lifetime));
        let header = json!({ "alg": "ES256", "typ": "at+jwt", "kid": self.key_id });
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(said.to_string()));
        let signature =
            self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| DevelopmentKeyError::Cryptography)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Writes a new key beside its place and links it there: it appears whole, and whoever came first wins.
fn create(path: &Path) -> Result<(), DevelopmentKeyError> {
    let failed = |source| DevelopmentKeyError::File { path: path.display().to_string(), source };
    let pair =
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| DevelopmentKeyError::Cryptography)?;
    let document = pair.to_pkcs8v1().map_err(|_| DevelopmentKeyError::Cryptography)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(failed)?;
    let linked = file.write_all(document.as_ref()).and_then(|()| file.sync_all()).and_then(|()| {
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    });
    fs::remove_file(&draft).map_err(failed)?;
    linked.map_err(failed)
}

/// The coordinates of the public point, in base64url.
fn coordinates(pair: &EcdsaKeyPair) -> Option<(String, String)> {
    let point = pair.public_key().as_ref();
    match point {
        [4, coordinates @ ..] if coordinates.len() == 64 => {
            Some((URL_SAFE_NO_PAD.encode(&coordinates[..32]), URL_SAFE_NO_PAD.encode(&coordinates[32..])))
        }
        _ => None,
    }
}

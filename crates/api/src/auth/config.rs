//! What is configured about an issuer of tokens.

use std::path::PathBuf;

use jsonwebtoken::Algorithm;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One issuer whose tokens are accepted, as written in the configuration file.
///
/// Claims are named by [JSON Pointers](https://www.rfc-editor.org/rfc/rfc6901), so that names with dots, colons and
/// slashes (`/https:~1~1portal.example~1patient`) can be said; of several, the first that is present counts. What is
/// not found is not granted.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerConfig {
    /// The `iss` of its tokens, exactly, trailing slash included.
    pub issuer: String,
    /// The tenant it speaks for.
    #[serde(default = "default_tenant")]
    pub tenant: String,
    /// Where its keys are.
    pub jwks: KeySource,
    /// The audiences of which a token must name one, exactly.
    pub audiences: Vec<String>,
    /// The algorithms it may sign with; a key that names its own is used with that one only.
    #[serde(default = "default_algorithms")]
    pub algorithms: Vec<SigningAlgorithm>,
    /// The `typ` headers accepted; a token without one counts as `JWT`.
    #[serde(default = "default_typ")]
    pub allowed_typ: Vec<String>,
    /// FHIR bases, beside this service's own, whose absolute references in claims mean the same as relative ones:
    /// the EHR that keeps patients and practitioners.
    #[serde(default)]
    pub fhir_bases: Vec<String>,
    /// Where the scopes are: a string of words or an array of strings.
    #[serde(default = "default_scope")]
    pub scope_claims: Vec<String>,
    /// Where the OAuth client is.
    #[serde(default = "default_client_id")]
    pub client_id_claims: Vec<String>,
    /// Where the subject is.
    #[serde(default = "default_subject")]
    pub subject_claims: Vec<String>,
    /// Where the patient in context is: `123`, `Patient/123` or an absolute URL under a known base.
    #[serde(default = "default_patient")]
    pub patient_claims: Vec<String>,
    /// Where the person behind the token is: `Practitioner/123` or an absolute URL under a known base.
    #[serde(default = "default_fhir_user")]
    pub fhir_user_claims: Vec<String>,
    /// Where the caller's pools are: a string or an array of strings.
    #[serde(default = "default_pools")]
    pub pool_claims: Vec<String>,
    /// Where the patient's age in whole years is.
    #[serde(default = "default_age")]
    pub age_claims: Vec<String>,
    /// Where the patient's IANA zone is.
    #[serde(default = "default_zone")]
    pub zone_claims: Vec<String>,
    /// Where the patient's language is.
    #[serde(default = "default_language")]
    pub language_claims: Vec<String>,
    /// Where the portal's tags on the patient are: a string of words or an array of strings.
    #[serde(default = "default_tags")]
    pub tags_claims: Vec<String>,
    /// How far the issuer's clock may be off, in seconds; at most 60.
    #[serde(default = "default_leeway")]
    pub leeway: u32,
    /// The longest token looked at, in bytes.
    #[serde(default = "default_max_token_bytes")]
    pub max_token_bytes: usize,
    /// The longest time from issue to expiry, in seconds.
    #[serde(default = "default_max_lifetime")]
    pub max_lifetime: u32,
}

/// Where an issuer's keys are published (<https://www.rfc-editor.org/rfc/rfc7517#section-5>).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum KeySource {
    /// An address: https, or http on this machine.
    Url(String),
    /// A file, read again when keys are looked for again.
    File(PathBuf),
    /// The key set itself.
    Inline(Value),
}

/// The signature algorithms that can be configured: asymmetric ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum SigningAlgorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

impl SigningAlgorithm {
    pub(super) const ALL: [Self; 9] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];

    /// The name in headers and keys.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The library's name for it.
    pub(super) const fn library(self) -> Algorithm {
        match self {
            Self::RS256 => Algorithm::RS256,
            Self::RS384 => Algorithm::RS384,
            Self::RS512 => Algorithm::RS512,
            Self::PS256 => Algorithm::PS256,
            Self::PS384 => Algorithm::PS384,
            Self::PS512 => Algorithm::PS512,
            Self::ES256 => Algorithm::ES256,
            Self::ES384 => Algorithm::ES384,
            Self::EdDSA => Algorithm::EdDSA,
        }
    }
}

/// A configured issuer that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("issuers: {setting}: {remedy}")]
pub struct InvalidIssuer {
    /// The setting.
    pub setting: &'static str,
    /// What to do about it.
    pub remedy: String,
}

impl InvalidIssuer {
    pub(super) fn new(setting: &'static str, remedy: impl Into<String>) -> Self {
        Self { setting, remedy: remedy.into() }
    }
}

impl IssuerConfig {
    /// The configuration of an issuer with every other setting at its default.
    pub fn new(issuer: impl Into<String>, jwks: KeySource, audiences: Vec<String>) -> Self {
        Self {
            issuer: issuer.into(),
            tenant: default_tenant(),
            jwks,
            audiences,
            algorithms: default_algorithms(),
            allowed_typ: default_typ(),
            fhir_bases: vec![],
            scope_claims: default_scope(),
            client_id_claims: default_client_id(),
            subject_claims: default_subject(),
            patient_claims: default_patient(),
            fhir_user_claims: default_fhir_user(),
            pool_claims: default_pools(),
            age_claims: default_age(),
            zone_claims: default_zone(),
            language_claims: default_language(),
            tags_claims: default_tags(),
            leeway: default_leeway(),
            max_token_bytes: default_max_token_bytes(),
            max_lifetime: default_max_lifetime(),
        }
    }

    /// Whether the settings make sense, naming the first that does not.
    pub fn check(&self) -> Result<(), InvalidIssuer> {
        let refuse = |setting, remedy: &str| Err(InvalidIssuer::new(setting, remedy));
        if self.issuer.is_empty() {
            return refuse("issuer", "say the `iss` of its tokens");
        }
        if self.tenant.is_empty() {
            return refuse("tenant", "say which tenant it speaks for, or leave it out");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return refuse(
                "audiences",
                "say at least one audience: a token for somebody else must not be accepted here",
            );
        }
        if self.algorithms.is_empty() {
            return refuse("algorithms", "say at least one, such as RS256 or ES256");
        }
        if self.allowed_typ.is_empty() {
            return refuse("allowed_typ", "say at least one, such as at+jwt or JWT");
        }
        if self.leeway > 60 {
            return refuse("leeway", "60 seconds is the most; set the clocks instead");
        }
        if self.max_token_bytes == 0 || self.max_lifetime == 0 {
            return refuse("max_token_bytes and max_lifetime", "must be more than zero");
        }
        let pointers = [
            &self.scope_claims,
            &self.client_id_claims,
            &self.subject_claims,
            &self.patient_claims,
            &self.fhir_user_claims,
            &self.pool_claims,
            &self.age_claims,
            &self.zone_claims,
            &self.language_claims,
            &self.tags_claims,
        ];
        if pointers.into_iter().flatten().any(|pointer| !pointer.starts_with('/')) {
            return refuse("claims", "are JSON Pointers and begin with a slash, such as /scope or /realm_access/roles");
        }
        Ok(())
    }
}

fn default_tenant() -> String {
    domain::id::TenantId::DEFAULT.to_owned()
}

fn default_algorithms() -> Vec<SigningAlgorithm> {
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, RS256, RS384};
    vec![RS256, RS384, PS256, ES256, ES384, EdDSA]
}

fn default_typ() -> Vec<String> {
    vec!["at+jwt".to_owned(), "JWT".to_owned()]
}

macro_rules! pointers {
    ($($name:ident = $($pointer:literal)+;)+) => {
        $(fn $name() -> Vec<String> { vec![$($pointer.to_owned()),+] })+
    };
}
pointers! {
    default_scope = "/scope" "/scp";
    default_client_id = "/client_id" "/azp" "/cid" "/appid";
    default_subject = "/sub";
    default_patient = "/patient";
    default_fhir_user = "/fhirUser";
    default_pools = "/pools";
    default_age = "/patient_age";
    default_zone = "/patient_zone";
    default_language = "/patient_language";
    default_tags = "/patient_tags";
}

fn default_leeway() -> u32 {
    30
}

fn default_max_token_bytes() -> usize {
    16 * 1024
}

fn default_max_lifetime() -> u32 {
    24 * 3600
}

//! What is configured about an issuer of tokens.

mod algorithm;
mod preset;

use std::collections::BTreeMap;
use std::path::PathBuf;

use domain::id::TenantId;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

pub use self::algorithm::SigningAlgorithm;
pub use self::preset::Preset;

/// One issuer whose tokens are accepted, as written in the configuration file.
///
/// Claims are named by [JSON Pointers](https://www.rfc-editor.org/rfc/rfc6901), so that names with dots, colons and
/// slashes (`/https:~1~1portal.example~1patient`) can be said; of several, the first that is present counts. What is
/// not found is not granted. A setting that is not said has the preset's value, or else the default.
#[derive(Clone, Debug, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct IssuerConfig {
    /// The `iss` of its tokens, exactly, trailing slash included.
    pub issuer: String,
    /// The kind of server it is: where such servers put what is asked for.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// The tenant it speaks for, unless a claim says.
    #[serde(default = "default_tenant")]
    pub tenant: String,
    /// Where the claim is that says for which tenant a token speaks; none: all speak for `tenant`.
    #[serde(default)]
    pub tenant_claims: Vec<String>,
    /// The tenant that each value of that claim stands for. A token with another value, or none, is refused.
    #[serde(default)]
    pub tenants: BTreeMap<String, String>,
    /// Where its keys are.
    #[serde(default)]
    pub jwks: KeySource,
    /// Where people are sent to sign in: told to clients that look for it.
    #[serde(default)]
    pub authorization_endpoint: Option<String>,
    /// Where clients get tokens: told to clients that look for it.
    #[serde(default)]
    pub token_endpoint: Option<String>,
    /// The audiences of which a token must name one, exactly.
    pub audiences: Vec<String>,
    /// Whether a token must name an audience at all.
    #[serde(default = "default_require_aud")]
    pub require_aud: bool,
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
    /// Where the scopes are: a string of words, an array of strings, or an array of objects with `scope` or `scopes`.
    #[serde(default = "default_scope")]
    pub scope_claims: Vec<String>,
    /// What stands between the level and the type of a scope: one character each.
    #[serde(default = "default_separators")]
    pub scope_separators: Vec<char>,
    /// Other words for a scope's type or permissions, such as `all` for `*`.
    #[serde(default)]
    pub scope_aliases: BTreeMap<String, String>,
    /// Where roles are: an array of strings or a string of words; all that are present count.
    #[serde(default)]
    pub role_claims: Vec<String>,
    /// The scopes that a role stands for; other roles stand for nothing.
    #[serde(default)]
    pub role_map: BTreeMap<String, Vec<String>>,
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
    /// Whether a token that names a patient must say who asks; without it whoever does not is taken for the patient.
    #[serde(default)]
    pub require_fhir_user: bool,
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
    /// Where the purpose of use is: a code, a Coding or a list of either; recorded, and never a right.
    #[serde(default = "default_purpose")]
    pub purpose_claims: Vec<String>,
    /// A file of the `jti` of tokens that are refused, one a line; a token without one is refused too.
    #[serde(default)]
    pub denied_jti: Option<PathBuf>,
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

impl<'de> Deserialize<'de> for IssuerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut said = Map::deserialize(deserializer)?;
        if let Some(preset) = said.get("preset") {
            let preset = Preset::deserialize(preset).map_err(D::Error::custom)?;
            for (name, value) in preset.settings() {
                said.entry(name).or_insert(value);
            }
        }
        Self::deserialize(Value::Object(said)).map_err(D::Error::custom)
    }
}

/// Where an issuer's keys are published (<https://www.rfc-editor.org/rfc/rfc7517#section-5>).
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum KeySource {
    /// Where the issuer's own metadata says (<https://openid.net/specs/openid-connect-discovery-1_0.html>,
    /// <https://www.rfc-editor.org/rfc/rfc8414>).
    #[default]
    Discovery,
    /// An address: https, or http on this machine.
    Url(String),
    /// A file, read again when keys are looked for again.
    File(PathBuf),
    /// The key set itself.
    Inline(Value),
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
            preset: None,
            tenant: default_tenant(),
            tenant_claims: vec![],
            tenants: BTreeMap::new(),
            jwks,
            authorization_endpoint: None,
            token_endpoint: None,
            audiences,
            require_aud: default_require_aud(),
            algorithms: default_algorithms(),
            allowed_typ: default_typ(),
            fhir_bases: vec![],
            scope_claims: default_scope(),
            scope_separators: default_separators(),
            scope_aliases: BTreeMap::new(),
            role_claims: vec![],
            role_map: BTreeMap::new(),
            client_id_claims: default_client_id(),
            subject_claims: default_subject(),
            patient_claims: default_patient(),
            fhir_user_claims: default_fhir_user(),
            require_fhir_user: false,
            pool_claims: default_pools(),
            age_claims: default_age(),
            zone_claims: default_zone(),
            language_claims: default_language(),
            tags_claims: default_tags(),
            purpose_claims: default_purpose(),
            denied_jti: None,
            leeway: default_leeway(),
            max_token_bytes: default_max_token_bytes(),
            max_lifetime: default_max_lifetime(),
        }
    }

    /// The tenants for which its tokens may speak.
    pub fn speaks_for(&self) -> Vec<&str> {
        if self.tenant_claims.is_empty() {
            vec![&self.tenant]
        } else {
            self.tenants.values().map(String::as_str).collect()
        }
    }

    /// Whether the settings make sense, naming the first that does not.
    pub fn check(&self) -> Result<(), InvalidIssuer> {
        let rules: [(bool, &'static str, &str); 13] = [
            (self.issuer.is_empty(), "issuer", "say the `iss` of its tokens"),
            (
                self.speaks_for().contains(&""),
                "tenant and tenants",
                "say which tenant it speaks for, or leave `tenant` out",
            ),
            (
                self.speaks_for().contains(&TenantId::SYSTEM),
                "tenant and tenants",
                "`system` is the service's own tenant, of what concerns nobody in particular: name another",
            ),
            (
                self.tenant_claims.is_empty() != self.tenants.is_empty(),
                "tenant_claims and tenants",
                "say both: where the claim is, and the tenant that each of its values stands for",
            ),
            (
                self.audiences.is_empty() || self.audiences.iter().any(String::is_empty),
                "audiences",
                "say at least one audience: a token for somebody else must not be accepted here",
            ),
            (self.algorithms.is_empty(), "algorithms", "say at least one, such as RS256 or ES256"),
            (self.allowed_typ.is_empty(), "allowed_typ", "say at least one, such as at+jwt or JWT"),
            (
                self.scope_separators.is_empty() || self.scope_separators.iter().any(char::is_ascii_alphanumeric),
                "scope_separators",
                "say what stands between `patient` and the type, such as / or . or $",
            ),
            (
                self.role_map.values().flatten().any(|scope| scope.parse::<domain::access::Scope>().is_err()),
                "role_map",
                "maps roles to scopes such as user/Communication.rs or postern/admin.read",
            ),
            (
                !self.role_map.is_empty() && self.role_claims.is_empty(),
                "role_claims",
                "say where the roles of role_map are, such as /realm_access/roles",
            ),
            (self.leeway > 60, "leeway", "60 seconds is the most; set the clocks instead"),
            (
                self.max_token_bytes == 0 || self.max_lifetime == 0,
                "max_token_bytes and max_lifetime",
                "must be more than zero",
            ),
            (
                self.pointers().into_iter().flatten().any(|pointer| !pointer.starts_with('/')),
                "claims",
                "are JSON Pointers and begin with a slash, such as /scope or /realm_access/roles",
            ),
        ];
        match rules.into_iter().find(|(broken, ..)| *broken) {
            Some((_, setting, remedy)) => Err(InvalidIssuer::new(setting, remedy)),
            None => Ok(()),
        }
    }

    fn pointers(&self) -> [&Vec<String>; 13] {
        [
            &self.tenant_claims,
            &self.scope_claims,
            &self.role_claims,
            &self.client_id_claims,
            &self.subject_claims,
            &self.patient_claims,
            &self.fhir_user_claims,
            &self.pool_claims,
            &self.age_claims,
            &self.zone_claims,
            &self.language_claims,
            &self.tags_claims,
            &self.purpose_claims,
        ]
    }
}

fn default_tenant() -> String {
    TenantId::DEFAULT.to_owned()
}

fn default_require_aud() -> bool {
    true
}

fn default_algorithms() -> Vec<SigningAlgorithm> {
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, RS256, RS384};
    vec![RS256, RS384, PS256, ES256, ES384, EdDSA]
}

fn default_typ() -> Vec<String> {
    vec!["at+jwt".to_owned(), "JWT".to_owned()]
}

fn default_separators() -> Vec<char> {
    vec!['/']
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
    default_purpose = "/purpose_of_use" "/extensions/ihe_iua/purpose_of_use";
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

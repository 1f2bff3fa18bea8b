//! Claims: which tokens are meant for this service now, and what they say about the caller.

use domain::access::{Caller, PatientFacts, Scope};
use domain::id::{Reference, ResourceId, TenantId};
use serde_json::{Map, Value};

use super::Refused;
use super::config::IssuerConfig;

/// The most scopes read from one token.
const MAX_SCOPES: usize = 500;

/// Claims that only other kinds of tokens carry: id tokens, logout tokens, tokens bound to a key that a plain bearer
/// does not prove to hold.
const FOREIGN: [&str; 7] = ["nonce", "at_hash", "c_hash", "s_hash", "events", "cnf", "_claim_sources"];

/// Refuses whatever is not an access token: id tokens, refresh tokens, logout tokens, sender-constrained tokens.
pub(super) fn check_kind(claims: &Map<String, Value>) -> Result<(), Refused> {
    if FOREIGN.iter().any(|name| claims.contains_key(*name)) {
        return Err(Refused::Token("not-an-access-token"));
    }
    // Keycloak says the kind in the payload's `typ`, Cognito in `token_use`, Epic in `epic.tokentype`.
    let kinds: [(&str, &[&str]); 3] =
        [("typ", &["bearer", "at+jwt", "jwt"]), ("token_use", &["access"]), ("epic.tokentype", &["access"])];
    for (name, accepted) in kinds {
        let fits = match claims.get(name) {
            None => true,
            Some(Value::String(kind)) => accepted.contains(&kind.to_ascii_lowercase().as_str()),
            Some(_) => false,
        };
        if !fits {
            return Err(Refused::Token("not-an-access-token"));
        }
    }
    Ok(())
}

/// Judges `exp`, `nbf`, `iat` and the lifetime by `now` of the service's own clock; answers when the token expires.
pub(super) fn check_times(claims: &Map<String, Value>, config: &IssuerConfig, now: i64) -> Result<i64, Refused> {
    let leeway = i64::from(config.leeway);
    let expires = seconds(claims, "exp")?.ok_or(Refused::Token("no-expiry"))?.saturating_add(leeway);
    if now >= expires {
        return Err(Refused::Token("expired"));
    }
    if seconds(claims, "nbf")?.is_some_and(|from| now.saturating_add(leeway) < from) {
        return Err(Refused::Token("not-yet-valid"));
    }
    let issued = seconds(claims, "iat")?;
    if issued.is_some_and(|at| now.saturating_add(leeway) < at) {
        return Err(Refused::Token("issued-in-future"));
    }
    let lifetime = expires.saturating_sub(leeway).saturating_sub(issued.unwrap_or(now));
    if lifetime > i64::from(config.max_lifetime) {
        return Err(Refused::Token("lives-too-long"));
    }
    Ok(expires)
}

/// A time claim: whole seconds, written as such.
fn seconds(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Refused> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_i64() {
            Some(seconds) if seconds >= 0 => Ok(Some(seconds)),
            _ => Err(Refused::Token("bad-time")),
        },
    }
}

/// Whether one of the token's audiences is, to the letter, one of the configured. A token whose audience is its own
/// client is an id token in all but name.
pub(super) fn check_audience(claims: &Map<String, Value>, config: &IssuerConfig) -> Result<(), Refused> {
    let named: Vec<&str> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect::<Option<_>>().unwrap_or_default(),
        _ => vec![],
    };
    if !named.iter().any(|name| config.audiences.iter().any(|ours| ours == name)) {
        return Err(Refused::Token("wrong-audience"));
    }
    match first(claims, &config.client_id_claims).and_then(Value::as_str) {
        Some(client) if named.contains(&client) => Err(Refused::Token("not-an-access-token")),
        _ => Ok(()),
    }
}

/// How the claims of one issuer are read.
pub(super) struct Mapping {
    tenant: TenantId,
    bases: Vec<String>,
}

impl Mapping {
    pub(super) fn new(config: &IssuerConfig, base: &str) -> Self {
        let bases = config.fhir_bases.iter().map(String::as_str).chain([base]);
        let bases = bases.map(|base| format!("{}/", base.trim_end_matches('/'))).collect();
        Self { tenant: TenantId::new(config.tenant.clone()), bases }
    }

    /// The caller of a verified token. A token that names a patient or a user in a way that is not understood grants
    /// nothing at all: taken for absent, it could open more than it says.
    pub(super) fn caller(&self, claims: &Map<String, Value>, config: &IssuerConfig) -> Result<Caller, Refused> {
        let client = text(first(claims, &config.client_id_claims)).ok_or(Refused::Token("no-client"))?;
        let subject = text(first(claims, &config.subject_claims)).ok_or(Refused::Token("no-subject"))?;
        let patient = first(claims, &config.patient_claims).map(|value| self.patient(value));
        let user = first(claims, &config.fhir_user_claims).map(|value| self.user(value));
        let understood = !matches!(patient, Some(None)) && !matches!(user, Some(None));
        let scopes = if understood { scopes(first(claims, &config.scope_claims)) } else { vec![] };
        Ok(Caller {
            tenant: self.tenant.clone(),
            client,
            subject,
            user: user.flatten(),
            patient: patient.flatten(),
            pools: words(first(claims, &config.pool_claims), false),
            scopes,
            facts: PatientFacts {
                age_years: first(claims, &config.age_claims)
                    .and_then(Value::as_u64)
                    .and_then(|age| age.try_into().ok()),
                language: text(first(claims, &config.language_claims)),
                zone: text(first(claims, &config.zone_claims)),
                tags: words(first(claims, &config.tags_claims), true),
            },
        })
    }

    fn patient(&self, value: &Value) -> Option<ResourceId> {
        let relative = self.relative(value.as_str()?);
        match relative.parse::<Reference>() {
            Ok(reference) if reference.is("Patient") => Some(reference.id().clone()),
            Ok(_) => None,
            Err(_) => relative.parse().ok(),
        }
    }

    fn user(&self, value: &Value) -> Option<Reference> {
        const KINDS: [&str; 4] = ["Patient", "RelatedPerson", "Practitioner", "PractitionerRole"];
        let reference: Reference = self.relative(value.as_str()?).parse().ok()?;
        KINDS.contains(&reference.kind()).then_some(reference)
    }

    fn relative<'v>(&self, text: &'v str) -> &'v str {
        self.bases.iter().find_map(|base| text.strip_prefix(base.as_str())).unwrap_or(text)
    }
}

/// The first claim of the list that is present and not null.
fn first<'c>(claims: &'c Map<String, Value>, pointers: &[String]) -> Option<&'c Value> {
    pointers.iter().find_map(|pointer| look_up(claims, pointer)).filter(|value| !value.is_null())
}

/// Follows a JSON Pointer from the claims (<https://www.rfc-editor.org/rfc/rfc6901>).
fn look_up<'c>(claims: &'c Map<String, Value>, pointer: &str) -> Option<&'c Value> {
    let path = pointer.strip_prefix('/')?;
    let (head, rest) = path.split_once('/').map_or((path, None), |(head, rest)| (head, Some(rest)));
    let value = claims.get(&head.replace("~1", "/").replace("~0", "~"))?;
    match rest {
        Some(rest) => value.pointer(&format!("/{rest}")),
        None => Some(value),
    }
}

fn text(value: Option<&Value>) -> Option<String> {
    value.and_then(Value::as_str).filter(|text| !text.is_empty() && text.len() <= 512).map(str::to_owned)
}

/// A list of words: an array of strings, or one string, taken apart at spaces where its words cannot hold any.
fn words(value: Option<&Value>, split: bool) -> Vec<String> {
    match value {
        Some(Value::String(text)) if split => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Some(Value::String(text)) if !text.is_empty() => vec![text.clone()],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    }
}

/// The scopes that mean something here; others (`openid`, `profile`) are nobody's business.
fn scopes(value: Option<&Value>) -> Vec<Scope> {
    let mut scopes: Vec<Scope> = vec![];
    for scope in words(value, true).iter().take(MAX_SCOPES).filter_map(|word| word.parse().ok()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

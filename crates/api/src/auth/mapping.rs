//! What the claims of a verified token say about the caller, found where the configuration of its issuer says.

use std::collections::BTreeMap;

use domain::access::{Caller, Mandate, PatientFacts, Scope};
use domain::id::{Reference, ResourceId, TenantId};
use serde_json::{Map, Value};

use super::Refused;
use super::config::IssuerConfig;

/// The most scopes read from one token.
const MAX_SCOPES: usize = 500;

/// The levels that scopes here can have.
const LEVELS: [&str; 4] = ["patient", "user", "system", "postern"];

/// How the claims of one issuer are read.
pub(super) struct Mapping {
    bases: Vec<String>,
}

impl Mapping {
    pub(super) fn new(config: &IssuerConfig, base: &str) -> Self {
        let bases = config.fhir_bases.iter().map(String::as_str).chain([base]);
        Self { bases: bases.map(|base| format!("{}/", base.trim_end_matches('/'))).collect() }
    }

    /// The caller of a verified token. A token that names a patient or a user in a way that is not understood grants
    /// nothing at all: taken for absent, it could open more than it says.
    pub(super) fn caller(&self, claims: &Map<String, Value>, config: &IssuerConfig) -> Result<Caller, Refused> {
        let client = text(first(claims, &config.client_id_claims)).ok_or(Refused::Token("no-client"))?;
        let subject = text(first(claims, &config.subject_claims)).ok_or(Refused::Token("no-subject"))?;
        let patient = first(claims, &config.patient_claims).map(|value| self.patient(value));
        let user = first(claims, &config.fhir_user_claims).map(|value| self.user(value));
        let understood = !matches!(patient, Some(None)) && !matches!(user, Some(None));
        let understood = understood && !(config.require_fhir_user && patient.is_some() && user.is_none());
        let scopes = if understood { scopes(claims, config) } else { vec![] };
        Ok(Caller {
            tenant: tenant(claims, config)?,
            client,
            issuer: config.issuer.clone(),
            subject,
            user: user.flatten(),
            patient: patient.flatten(),
            pools: words(first(claims, &config.pool_claims), false),
            scopes,
            purpose: purpose(first(claims, &config.purpose_claims)),
            facts: PatientFacts {
                age_years: first(claims, &config.age_claims)
                    .and_then(Value::as_u64)
                    .and_then(|age| age.try_into().ok()),
                language: text(first(claims, &config.language_claims)),
                zone: text(first(claims, &config.zone_claims)),
                tags: words(first(claims, &config.tags_claims), true),
            },
            mandate: Mandate::default(),
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

/// The tenant that a token speaks for.
fn tenant(claims: &Map<String, Value>, config: &IssuerConfig) -> Result<TenantId, Refused> {
    if config.tenant_claims.is_empty() {
        return Ok(TenantId::new(config.tenant.clone()));
    }
    let said = first(claims, &config.tenant_claims).and_then(Value::as_str);
    let tenant = said.and_then(|said| config.tenants.get(said)).ok_or(Refused::Token("unknown-tenant"))?;
    Ok(TenantId::new(tenant.clone()))
}

/// The first claim of the list that is present and not null.
pub(super) fn first<'c>(claims: &'c Map<String, Value>, pointers: &[String]) -> Option<&'c Value> {
    pointers.iter().find_map(|pointer| look_up(claims, pointer).filter(|value| !value.is_null()))
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

/// A purpose of use: a code, or the code of the first Coding of a list.
fn purpose(value: Option<&Value>) -> Option<String> {
    let said = match value? {
        Value::Array(items) => items.first()?,
        other => other,
    };
    text(said.get("code").or(Some(said))).filter(|code| code.len() <= 64 && !code.chars().any(char::is_control))
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

/// The scopes that mean something here, those of the caller's roles included; others (`openid`, `profile`) are nobody's
/// business.
fn scopes(claims: &Map<String, Value>, config: &IssuerConfig) -> Vec<Scope> {
    let said = said(first(claims, &config.scope_claims));
    let said = said.iter().filter_map(|word| spelled(word, &config.scope_separators, &config.scope_aliases));
    let roles = config.role_claims.iter().flat_map(|pointer| words(look_up(claims, pointer), true));
    let granted = roles.filter_map(|role| config.role_map.get(&role)).flatten().cloned();
    let mut scopes: Vec<Scope> = vec![];
    for scope in said.chain(granted).take(MAX_SCOPES).filter_map(|word| word.parse().ok()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    scopes
}

/// The words of a scope claim: a string of words, an array of strings, or an array of objects that hold either as
/// `scope` or `scopes`.
fn said(value: Option<&Value>) -> Vec<String> {
    let Some(Value::Array(items)) = value else { return words(value, true) };
    let of = |item: &Value| match item {
        Value::Object(object) => ["scope", "scopes"].iter().flat_map(|name| words(object.get(*name), true)).collect(),
        Value::String(text) => vec![text.clone()],
        _ => vec![],
    };
    items.iter().flat_map(of).collect()
}

/// A scope in SMART's own spelling: a slash after the level, and no other words for its parts.
fn spelled(word: &str, separators: &[char], aliases: &BTreeMap<String, String>) -> Option<String> {
    let (level, rest) = LEVELS.into_iter().find_map(|level| {
        let rest = word.strip_prefix(level)?.strip_prefix(|c| separators.contains(&c))?;
        Some((level, rest))
    })?;
    let (scope, query) = rest.split_once('?').map_or((rest, None), |(scope, query)| (scope, Some(query)));
    let (kind, access) = scope.split_once('.')?;
    let plain = |part: &str| aliases.get(part).map_or_else(|| part.to_owned(), Clone::clone);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Some(format!("{level}/{}.{}{query}", plain(kind), plain(access)))
}

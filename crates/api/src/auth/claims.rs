//! Claims: which tokens are access tokens, meant for this service, now.

use serde_json::{Map, Value};

use super::Refused;
use super::config::IssuerConfig;
use super::mapping::first;

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
        None if !config.require_aud => return Ok(()),
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

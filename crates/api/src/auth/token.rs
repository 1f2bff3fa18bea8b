//! The compact form of a signed token (<https://www.rfc-editor.org/rfc/rfc7515>), read strictly.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::config::IssuerConfig;
use super::{Refused, json};

/// The longest key id that is looked at.
const MAX_KEY_ID: usize = 256;

/// Header parameters that bring keys along or change what is signed: a token with one of them is refused unread, so
/// nothing it points to is ever fetched (<https://www.rfc-editor.org/rfc/rfc8725>).
const FORBIDDEN: [&str; 8] = ["crit", "jku", "jwk", "x5u", "x5c", "b64", "zip", "enc"];

/// A token taken apart. Nothing in it is to be believed before its signature is verified.
pub(super) struct Compact<'a> {
    /// What is signed: header and claims as they were sent.
    pub(super) signed: &'a str,
    /// The signature, in base64url.
    pub(super) signature: &'a str,
    /// The header's algorithm: compared with the key's, never used to choose.
    pub(super) algorithm: String,
    /// The header's key id.
    pub(super) key_id: Option<String>,
    typ: Option<String>,
    /// The claims.
    pub(super) claims: Map<String, Value>,
}

impl<'a> Compact<'a> {
    /// Takes a token apart: three parts of base64url without padding, objects without duplicate names.
    pub(super) fn parse(token: &'a str) -> Result<Self, Refused> {
        let mut parts = token.split('.');
        let (Some(head), Some(body), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Refused::Token("not-three-parts"));
        };
        if signature.is_empty() || URL_SAFE_NO_PAD.decode(signature).is_err() {
            return Err(Refused::Token("malformed"));
        }
        let header = part(head)?;
        let claims = part(body)?;
        if FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
            return Err(Refused::Token("forbidden-header"));
        }
        let algorithm = text(&header, "alg")?.ok_or(Refused::Token("no-algorithm"))?;
        let key_id = text(&header, "kid")?;
        if key_id.as_ref().is_some_and(|id| id.is_empty() || id.len() > MAX_KEY_ID || id.chars().any(char::is_control))
        {
            return Err(Refused::Token("bad-key-id"));
        }
        let typ = text(&header, "typ")?;
        if text(&header, "cty")?.is_some() {
            return Err(Refused::Token("nested"));
        }
        Ok(Self { signed: &token[..head.len() + 1 + body.len()], signature, algorithm, key_id, typ, claims })
    }

    /// The issuer that the token claims to be from.
    pub(super) fn issuer(&self) -> Result<&str, Refused> {
        self.claims.get("iss").and_then(Value::as_str).ok_or(Refused::Token("no-issuer"))
    }

    /// Whether the issuer's configuration takes tokens of this `typ`. The prefix `application/` may be left out
    /// (<https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9>); a token without `typ` is a plain `JWT`.
    pub(super) fn check_type(&self, config: &IssuerConfig) -> Result<(), Refused> {
        let bare = |typ: &str| typ.to_ascii_lowercase().trim_start_matches("application/").to_owned();
        let typ = bare(self.typ.as_deref().unwrap_or("JWT"));
        if config.allowed_typ.iter().any(|allowed| bare(allowed) == typ) {
            Ok(())
        } else {
            Err(Refused::Token("wrong-typ"))
        }
    }
}

fn part(encoded: &str) -> Result<Map<String, Value>, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Refused::Token("malformed"))?;
    json::object(&bytes).ok_or(Refused::Token("malformed"))
}

fn text(header: &Map<String, Value>, name: &str) -> Result<Option<String>, Refused> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Refused::Token("malformed")),
    }
}

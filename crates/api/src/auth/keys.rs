//! An issuer's published keys (<https://www.rfc-editor.org/rfc/rfc7517>), and signatures judged by them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::config::SigningAlgorithm;
use super::json;
use super::token::Compact;

/// The shortest RSA modulus accepted, in bytes (2048 bits, <https://www.rfc-editor.org/rfc/rfc7518#section-3.3>).
const MIN_MODULUS: usize = 256;

/// What a key ring has to say about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The signature is right.
    Genuine,
    /// It is not, or the key may not be used so.
    Forged,
    /// The token names a key that is not here: it may be newer than this ring.
    UnknownKey,
}

/// The usable keys of one issuer.
pub(super) struct KeyRing {
    keys: Vec<Key>,
    fingerprint: [u8; 32],
}

struct Key {
    id: Option<String>,
    /// The algorithms it may be used with: its own `alg`, else those of the issuer that fit its type.
    algorithms: Vec<SigningAlgorithm>,
    public: DecodingKey,
}

impl KeyRing {
    /// Reads a key set. Keys that are symmetric, weak, for encryption or of an unknown kind are left out; `None` when
    /// the document is not a key set at all.
    pub(super) fn read(document: &[u8], allowed: &[SigningAlgorithm]) -> Option<Self> {
        let set = json::object(document)?;
        let keys = set.get("keys")?.as_array()?.iter().filter_map(|key| Key::read(key, allowed)).collect();
        Some(Self { keys, fingerprint: Sha256::digest(document).into() })
    }

    /// Whether there is any key to verify with.
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether both were read from the same document.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }

    /// Judges a token. One without a key id is judged only when there is exactly one key it could mean.
    pub(super) fn judge(&self, token: &Compact<'_>) -> Verdict {
        let named: Vec<&Key> = match &token.key_id {
            Some(id) => self.keys.iter().filter(|key| key.id.as_ref() == Some(id)).collect(),
            None if self.keys.len() == 1 => self.keys.iter().collect(),
            None => return Verdict::Forged,
        };
        if named.is_empty() {
            return Verdict::UnknownKey;
        }
        if named.iter().any(|key| key.verifies(token)) { Verdict::Genuine } else { Verdict::Forged }
    }
}

impl Key {
    fn read(value: &Value, allowed: &[SigningAlgorithm]) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        if jwk.common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
            return None;
        }
        if jwk.common.key_operations.as_ref().is_some_and(|uses| !uses.contains(&KeyOperations::Verify)) {
            return None;
        }
        let own = match value.get("alg") {
            None => None,
            Some(name) => Some(SigningAlgorithm::ALL.into_iter().find(|known| name == known.as_str())?),
        };
        let fitting = fitting(&jwk.algorithm)?;
        let algorithms: Vec<_> = allowed
            .iter()
            .copied()
            .filter(|algorithm| fitting.contains(algorithm) && own.is_none_or(|own| own == *algorithm))
            .collect();
        if algorithms.is_empty() {
            return None;
        }
        let public = DecodingKey::from_jwk(&jwk).ok()?;
        Some(Self { id: jwk.common.key_id, algorithms, public })
    }

    fn verifies(&self, token: &Compact<'_>) -> bool {
        let Some(algorithm) = self.algorithms.iter().find(|own| own.as_str() == token.algorithm) else { return false };
        jsonwebtoken::crypto::verify(token.signature, token.signed.as_bytes(), &self.public, algorithm.library())
            .unwrap_or(false)
    }
}

/// The algorithms that a key of this type and size can be used with; `None` for keys that must not be used.
fn fitting(parameters: &AlgorithmParameters) -> Option<&'static [SigningAlgorithm]> {
    use SigningAlgorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    let length = |text: &str| URL_SAFE_NO_PAD.decode(text).map(|bytes| bytes.len()).ok();
    match parameters {
        AlgorithmParameters::RSA(rsa) if length(&rsa.n)? >= MIN_MODULUS => {
            Some(&[RS256, RS384, RS512, PS256, PS384, PS512])
        }
        AlgorithmParameters::EllipticCurve(ec) => match (&ec.curve, length(&ec.x)?, length(&ec.y)?) {
            (EllipticCurve::P256, 32, 32) => Some(&[ES256]),
            (EllipticCurve::P384, 48, 48) => Some(&[ES384]),
            _ => None,
        },
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 && length(&pair.x)? == 32 => {
            Some(&[EdDSA])
        }
        _ => None,
    }
}

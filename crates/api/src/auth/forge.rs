//! What the tests of tokens need: real keys of every kind, tokens made by hand, a key server that counts, a clock that
//! is moved.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::time::TimeSource;
use jiff::Timestamp;
use serde_json::{Value, json};

/// A clock that stands where it is put.
pub(crate) struct MovableClock(AtomicI64);

impl MovableClock {
    /// Friday 2026-06-19 17:30 in New York.
    pub(crate) const FRIDAY: i64 = 1_781_904_600;

    pub(crate) fn friday() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Self::FRIDAY)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl TimeSource for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

pub(crate) enum Signer {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    pub(crate) fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn p384() -> Self {
        Self::P384(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap())
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    /// Signs in the way the algorithm says, whatever the published key says.
    pub(crate) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
                    "RS384" => &RSA_PKCS1_SHA384,
                    "PS256" => &RSA_PSS_SHA256,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::P256(pair) | Self::P384(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public key, published under that id; with `algorithm` when the key is to name its own.
    pub(crate) fn jwk(&self, id: Option<&str>, algorithm: Option<&str>) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match self {
            Self::Rsa(pair) => {
                let key = pair.public_key();
                json!({ "kty": "RSA",
                    "n": text(key.modulus().big_endian_without_leading_zero()),
                    "e": text(key.exponent().big_endian_without_leading_zero()) })
            }
            Self::P256(pair) | Self::P384(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": if x.len() == 32 { "P-256" } else { "P-384" }, "x": text(x), "y": text(y) })
            }
            Self::Ed(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref()) }),
        };
        if let Some(id) = id {
            jwk["kid"] = id.into();
        }
        if let Some(algorithm) = algorithm {
            jwk["alg"] = algorithm.into();
        }
        jwk
    }

    /// The public key in the forms that a confused verifier might take for a shared secret.
    pub(crate) fn public_forms(&self) -> Vec<Vec<u8>> {
        let Self::Rsa(pair) = self else { return vec![] };
        let der = pair.public_key().as_der().unwrap().as_ref().to_vec();
        let body = base64::engine::general_purpose::STANDARD.encode(&der);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        vec![
            der,
            pem.clone().into_bytes(),
            pem.trim_end().as_bytes().to_vec(),
            self.jwk(Some("k"), None).to_string().into_bytes(),
        ]
    }
}

/// The two signed parts of a token.
pub(crate) fn unsigned(header: &Value, claims: &Value) -> String {
    format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// A token with these parts, signed as its header's `alg` says.
pub(crate) fn token(signer: &Signer, header: &Value, claims: &Value) -> String {
    let content = unsigned(header, claims);
    let signature = signer.sign(header["alg"].as_str().unwrap_or_default(), content.as_bytes());
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A server on this machine that answers every request with the same document, or not at all, and counts.
pub(crate) struct KeyServer {
    pub(crate) address: String,
    document: Arc<Mutex<Option<String>>>,
    named: Arc<Mutex<HashMap<String, String>>>,
    hits: Arc<AtomicUsize>,
}

impl KeyServer {
    pub(crate) fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/jwks", listener.local_addr().unwrap());
        let document = Arc::new(Mutex::new(Some(json!({ "keys": keys }).to_string())));
        let hits = Arc::new(AtomicUsize::new(0));
        let named = Arc::new(Mutex::new(HashMap::<String, String>::new()));
        let (served, counted, at) = (Arc::clone(&document), Arc::clone(&hits), Arc::clone(&named));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                let head = BufReader::new(stream.try_clone().unwrap());
                let head: Vec<String> =
                    head.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
                let path = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
                let found = at.lock().unwrap().get(&path).cloned();
                if let Some(body) = found.or_else(|| served.lock().unwrap().clone()) {
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                    stream.write_all(answer.as_bytes()).unwrap();
                }
            }
        });
        Self { address, document, named, hits }
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        *self.document.lock().unwrap() = Some(json!({ "keys": keys }).to_string());
    }

    /// Answers requests for that path with this document instead.
    pub(crate) fn publish_at(&self, path: &str, document: &Value) {
        self.named.lock().unwrap().insert(path.to_owned(), document.to_string());
    }

    pub(crate) fn fall_silent(&self) {
        *self.document.lock().unwrap() = None;
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }
}

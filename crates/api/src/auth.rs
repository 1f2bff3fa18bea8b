//! Who is calling: bearer tokens of configured issuers, verified and read as a [`Caller`].
//!
//! The algorithm comes from the key, never from the token; keys are looked up per issuer; times are judged by the
//! service's own clock. A token that fails any check is refused without saying which one: the reason is for the log.

mod cache;
mod claims;
mod config;
mod denied;
mod development;
mod fetch;
mod json;
mod keys;
mod mapping;
mod source;
mod token;

#[cfg(test)]
mod attacks;
#[cfg(test)]
pub(crate) mod forge;

use std::collections::HashMap;
use std::sync::{Arc, Once};

use domain::access::Caller;
use domain::time::TimeSource;

use self::cache::{Digest, TokenCache};
pub use self::config::{InvalidIssuer, IssuerConfig, KeySource, Preset, SigningAlgorithm};
use self::denied::Denied;
pub use self::development::{DevelopmentClaims, DevelopmentIssuer, DevelopmentKeyError};
use self::fetch::KeyStore;
use self::mapping::Mapping;
use self::token::Compact;

/// Why a token was refused. Clients are told `invalid_token` and nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The token is not acceptable; the text is a fixed reason for logs and metrics, free of anything the token says.
    #[error("the token is refused: {0}")]
    Token(&'static str),
    /// The issuer's keys cannot be had, so nothing can be said about the token.
    #[error("the issuer's keys are not available")]
    KeysUnavailable,
}

impl Refused {
    /// The reason as a short code for logs.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Token(reason) => reason,
            Self::KeysUnavailable => "keys-unavailable",
        }
    }
}

/// Where clients are told to go for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// The issuer.
    pub issuer: String,
    /// Where people sign in; a server for machines alone has no such place.
    pub authorization_endpoint: Option<String>,
    /// Where clients get tokens.
    pub token_endpoint: String,
    /// Where others ask what a token says.
    pub introspection_endpoint: Option<String>,
    /// Where clients give tokens back.
    pub revocation_endpoint: Option<String>,
    /// How clients prove who they are; none: the issuer does not say.
    pub token_endpoint_auth_methods: Vec<String>,
}

/// Verifies tokens of the configured issuers.
pub struct Authenticator {
    issuers: HashMap<String, Issuer>,
    /// The issuers' names in the order of the configuration.
    order: Vec<String>,
    time: Arc<dyn TimeSource>,
    cache: TokenCache,
}

struct Issuer {
    config: IssuerConfig,
    mapping: Mapping,
    keys: Arc<KeyStore>,
    denied: Option<Denied>,
}

impl Issuer {
    /// Where clients are told to go for its tokens: what the configuration says, else its own metadata.
    fn announced(&self) -> Option<Announced> {
        let metadata = self.keys.metadata();
        let said = |name: &str| Some(metadata.as_ref()?.get(name)?.as_str()?.to_owned());
        let methods =
            metadata.as_ref().and_then(|metadata| metadata.get("token_endpoint_auth_methods_supported")?.as_array());
        let methods = methods.into_iter().flatten().filter_map(|method| method.as_str().map(str::to_owned));
        let configured = |own: &Option<String>, name: &str| own.clone().or_else(|| said(name));
        Some(Announced {
            issuer: self.config.issuer.clone(),
            authorization_endpoint: configured(&self.config.authorization_endpoint, "authorization_endpoint"),
            token_endpoint: configured(&self.config.token_endpoint, "token_endpoint")?,
            introspection_endpoint: said("introspection_endpoint"),
            revocation_endpoint: said("revocation_endpoint"),
            token_endpoint_auth_methods: methods.collect(),
        })
    }

    /// Which keys and which list of refused tokens are in use: whatever is remembered of a token holds as long as this.
    fn epoch(&self, keys: u64) -> u64 {
        // Both only grow, so their sum is the same only while both are.
        keys + self.denied.as_ref().map_or(0, Denied::epoch)
    }
}

impl Authenticator {
    /// An authenticator for these issuers. `base` is this service's FHIR base: references under it, in claims, count
    /// as relative ones. Keys are fetched when first needed, or by [`Authenticator::warm_up`].
    pub fn new(issuers: Vec<IssuerConfig>, base: &str, time: Arc<dyn TimeSource>) -> Result<Self, InvalidIssuer> {
        install_cryptography();
        let order = issuers.iter().map(|config| config.issuer.clone()).collect();
        let mut known = HashMap::new();
        for config in issuers {
            config.check()?;
            let keys = Arc::new(KeyStore::new(&config, Arc::clone(&time))?);
            let denied = Denied::new(&config, time.now().as_second())?;
            let mapping = Mapping::new(&config, base);
            let name = config.issuer.clone();
            if known.insert(name, Issuer { config, mapping, keys, denied }).is_some() {
                return Err(InvalidIssuer::new("issuer", "the same issuer is configured twice; keep one of them"));
            }
        }
        Ok(Self { issuers: known, order, time, cache: TokenCache::default() })
    }

    /// Who calls with a token that was verified a moment ago, and still holds.
    pub async fn remembered(&self, token: &str) -> Option<Arc<Caller>> {
        let now = self.time.now().as_second();
        for denied in self.issuers.values().filter_map(|issuer| issuer.denied.as_ref()) {
            denied.look(now).await;
        }
        self.cache.get(&Digest::of(token), now, |issuer| self.epoch(issuer))
    }

    /// Verifies a token and says who is calling.
    pub async fn authenticate(&self, token: &str) -> Result<Arc<Caller>, Refused> {
        if let Some(caller) = self.remembered(token).await {
            return Ok(caller);
        }
        let now = self.time.now().as_second();
        let digest = Digest::of(token);
        let longest = self.issuers.values().map(|issuer| issuer.config.max_token_bytes).max().unwrap_or(0);
        if token.len() > longest {
            return Err(Refused::Token("too-long"));
        }
        let compact = Compact::parse(token)?;
        let name = compact.issuer()?;
        let issuer = self.issuers.get(name).ok_or(Refused::Token("unknown-issuer"))?;
        if token.len() > issuer.config.max_token_bytes {
            return Err(Refused::Token("too-long"));
        }
        compact.check_type(&issuer.config)?;
        claims::check_kind(&compact.claims)?;
        let lifetime = claims::check_times(&compact.claims, &issuer.config, now)?;
        claims::check_audience(&compact.claims, &issuer.config)?;
        // Taken before the list is asked: a list that changes meanwhile makes what is remembered void.
        let epoch = issuer.epoch(issuer.keys.verify(&compact).await?);
        if let Some(denied) = &issuer.denied {
            denied.check(&compact.claims)?;
        }
        let caller = Arc::new(issuer.mapping.caller(&compact.claims, &issuer.config)?);
        self.cache.put(digest, Arc::clone(&caller), (&issuer.config.issuer, epoch), now, lifetime);
        Ok(caller)
    }

    /// Where clients are told to go for tokens: the first issuer of which that is known, by its configuration or by its
    /// metadata as it was last read.
    pub fn announced(&self) -> Option<Announced> {
        self.order.iter().find_map(|name| self.issuers.get(name)?.announced())
    }

    /// Fetches the keys of every issuer, so that the first request need not wait for them.
    pub async fn warm_up(&self) {
        for issuer in self.issuers.values() {
            issuer.keys.refresh().await;
        }
    }

    /// Whether keys of every issuer are at hand; otherwise the names of the issuers without.
    pub fn ready(&self) -> Result<(), Vec<String>> {
        let missing: Vec<_> =
            self.issuers.iter().filter(|(_, issuer)| !issuer.keys.usable()).map(|(name, _)| name.clone()).collect();
        if missing.is_empty() { Ok(()) } else { Err(missing) }
    }

    fn epoch(&self, issuer: &str) -> Option<u64> {
        self.issuers.get(issuer).map(|issuer| issuer.epoch(issuer.keys.epoch()))
    }
}

/// Installs the one cryptography provider of the process; without it the first verification could panic.
pub(crate) fn install_cryptography() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error says that the program has installed one already, which is as good.
        let _already = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    });
}

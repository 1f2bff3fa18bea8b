//! Where the keys of an issuer come from: the issuer's own metadata, an address or a file.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::{Map, Value};

use super::config::{InvalidIssuer, IssuerConfig, KeySource};
use super::json;

/// The longest document read, in bytes.
const MAX_DOCUMENT: usize = 256 * 1024;

/// What an issuer publishes.
pub(super) struct Published {
    /// Its key set.
    pub(super) keys: Vec<u8>,
    /// What it says of itself, where that is looked at.
    pub(super) metadata: Option<Map<String, Value>>,
}

/// Where to look for keys.
pub(super) enum Source {
    /// Where one of these addresses of metadata says.
    Discovery {
        /// What asks.
        client: Client,
        /// The issuer, which the metadata must name.
        issuer: String,
        /// The address of `OpenID` Connect, then that of `OAuth`.
        addresses: [Url; 2],
    },
    /// At this address.
    Url(Client, Url),
    /// In this file.
    File(PathBuf),
}

impl Source {
    /// The source of a configured issuer; `None` when the configuration holds the keys themselves.
    pub(super) fn new(config: &IssuerConfig) -> Result<Option<Self>, InvalidIssuer> {
        Ok(match &config.jwks {
            KeySource::Discovery => {
                let refuse = || {
                    let remedy = "discovery needs an issuer with an https address (http is for this machine only) \
                                  without query; else say `jwks`";
                    InvalidIssuer::new("issuer", remedy)
                };
                let url = acceptable(&config.issuer).ok_or_else(refuse)?;
                let addresses = well_known(&url).ok_or_else(refuse)?;
                Some(Self::Discovery { client: client(&url)?, issuer: config.issuer.clone(), addresses })
            }
            KeySource::Url(address) => {
                let remedy = "give an https address; http is for this machine only";
                let url = acceptable(address).ok_or_else(|| InvalidIssuer::new("jwks.url", remedy))?;
                Some(Self::Url(client(&url)?, url))
            }
            KeySource::File(path) => Some(Self::File(path.clone())),
            KeySource::Inline(_) => None,
        })
    }

    /// The key set as it is published now.
    pub(super) async fn document(&self) -> Result<Published, &'static str> {
        let keys = match self {
            Self::Discovery { client, issuer, addresses } => {
                let [first, second] = addresses;
                let metadata = match download(client, first.clone()).await {
                    Ok(metadata) => metadata,
                    Err(_) => download(client, second.clone()).await?,
                };
                let metadata = json::object(&metadata).ok_or("the issuer's metadata is not a JSON object")?;
                let keys = download(client, keys_address(&metadata, issuer, first)?).await?;
                return Ok(Published { keys, metadata: Some(metadata) });
            }
            Self::Url(client, url) => download(client, url.clone()).await,
            Self::File(path) => {
                let path = path.clone();
                // A file system may keep one waiting, and whoever waits here serves others too.
                let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
                read.ok().and_then(Result::ok).ok_or("the file cannot be read")
            }
        };
        Ok(Published { keys: keys?, metadata: None })
    }
}

/// The addresses of an issuer's metadata: `OpenID` Connect puts the well-known name behind its path
/// (<https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfig>), OAuth before it
/// (<https://www.rfc-editor.org/rfc/rfc8414#section-3.1>).
fn well_known(issuer: &Url) -> Option<[Url; 2]> {
    if issuer.query().is_some() || issuer.fragment().is_some() {
        return None;
    }
    let path = issuer.path().trim_end_matches('/').to_owned();
    let (mut openid, mut oauth) = (issuer.clone(), issuer.clone());
    openid.set_path(&format!("{path}/.well-known/openid-configuration"));
    oauth.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    Some([openid, oauth])
}

/// The address of the keys, from metadata that must be the issuer's own
/// (<https://www.rfc-editor.org/rfc/rfc8414#section-3.3>) and may not lead from an encrypted address to an open one.
fn keys_address(metadata: &Map<String, Value>, issuer: &str, from: &Url) -> Result<Url, &'static str> {
    if metadata.get("issuer").and_then(Value::as_str) != Some(issuer) {
        return Err("the metadata names another issuer");
    }
    let address = metadata.get("jwks_uri").and_then(Value::as_str).ok_or("the metadata names no keys")?;
    acceptable(address)
        .filter(|url| url.scheme() == from.scheme() || url.scheme() == "https")
        .ok_or("the metadata names keys at an address that is not encrypted")
}

/// Keys decide who is believed, so they travel encrypted or not at all off this machine.
fn acceptable(address: &str) -> Option<Url> {
    let url = Url::parse(address).ok()?;
    let local = url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    });
    let safe = url.scheme() == "https" || (url.scheme() == "http" && local);
    (safe && url.username().is_empty() && url.password().is_none()).then_some(url)
}

fn client(url: &Url) -> Result<Client, InvalidIssuer> {
    Client::builder()
        .redirect(Policy::none())
        .https_only(url.scheme() == "https")
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(5))
        // Each worker runs its own reactor; a connection kept by one would be dead to the others.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|_| InvalidIssuer::new("jwks", "TLS could not be set up; are certificate authorities installed?"))
}

async fn download(client: &Client, url: Url) -> Result<Vec<u8>, &'static str> {
    let mut response = client.get(url).send().await.map_err(|error| {
        if error.is_timeout() { "the issuer did not answer in time" } else { "the issuer could not be reached" }
    })?;
    if response.status() != reqwest::StatusCode::OK {
        return Err("the issuer answered with another status than 200");
    }
    let mut document = vec![];
    while let Some(chunk) = response.chunk().await.map_err(|_| "the issuer's answer broke off")? {
        if document.len() + chunk.len() > MAX_DOCUMENT {
            return Err("the issuer's answer is too long");
        }
        document.extend_from_slice(&chunk);
    }
    Ok(document)
}

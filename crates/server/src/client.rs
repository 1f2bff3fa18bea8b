//! A client of the service for the seed and the demo: real HTTP, with real tokens by the movable clock.

use std::sync::Arc;

use api::auth::{DevelopmentClaims, DevelopmentIssuer};
use domain::time::TimeSource;
use reqwest::Method;
use serde_json::Value;

/// What the service answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The `ETag`, if there is one.
    pub etag: Option<String>,
    /// The body, `null` when there is none.
    pub body: Value,
}

impl Reply {
    /// The `id` of the resource in the body.
    pub fn id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_default()
    }

    /// The resources of a searchset, in order.
    pub fn resources(&self) -> impl Iterator<Item = &Value> {
        self.body["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
    }
}

/// Why there was no answer, or not the one expected.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The request could not be made.
    #[error("the request failed")]
    Http(#[from] reqwest::Error),
    /// The token could not be made.
    #[error(transparent)]
    Token(#[from] api::auth::DevelopmentKeyError),
    /// The body is not JSON.
    #[error("the answer is not JSON")]
    Json(#[from] serde_json::Error),
    /// Another status than expected.
    #[error("{method} {path} was answered {status}, not {expected}: {body}")]
    Status {
        /// The method.
        method: Method,
        /// The path.
        path: String,
        /// What was answered.
        status: u16,
        /// What was expected.
        expected: u16,
        /// The body.
        body: Value,
    },
}

/// A client for plain HTTP on this machine. It needs no certificates, which a small container may not have.
pub fn plain() -> reqwest::ClientBuilder {
    reqwest::Client::builder().tls_certs_only([])
}

/// A client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    issuer: Arc<DevelopmentIssuer>,
    time: Arc<dyn TimeSource>,
}

impl Client {
    /// A client of the service at that address, which is on this machine.
    pub fn new(base: String, issuer: Arc<DevelopmentIssuer>, time: Arc<dyn TimeSource>) -> Result<Self, ClientError> {
        Ok(Self { http: plain().build()?, base, issuer, time })
    }

    /// Makes a request as somebody and expects a status.
    pub async fn ask(
        &self,
        who: &DevelopmentClaims,
        method: Method,
        path: &str,
        body: Option<&Value>,
        if_match: Option<&str>,
        expected: u16,
    ) -> Result<Reply, ClientError> {
        let token = self.issuer.mint(who, self.time.now(), DevelopmentIssuer::LIFETIME)?;
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base)).bearer_auth(token);
        if let Some(body) = body {
            request = request.header("content-type", "application/fhir+json").body(body.to_string());
        }
        if let Some(version) = if_match {
            request = request.header("if-match", version);
        }
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = answer.text().await?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
        if status == expected {
            Ok(Reply { status, etag, body })
        } else {
            Err(ClientError::Status { method, path: path.to_owned(), status, expected, body })
        }
    }

    /// Creates a resource.
    pub async fn create(&self, who: &DevelopmentClaims, body: &Value) -> Result<Reply, ClientError> {
        let kind = body["resourceType"].as_str().unwrap_or_default();
        self.ask(who, Method::POST, &format!("/fhir/{kind}"), Some(body), None, 201).await
    }

    /// Reads something.
    pub async fn get(&self, who: &DevelopmentClaims, path: &str) -> Result<Reply, ClientError> {
        self.ask(who, Method::GET, path, None, None, 200).await
    }
}

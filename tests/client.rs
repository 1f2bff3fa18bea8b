//! A client that says exactly what a test means, and answers with everything that came back.

use std::sync::Arc;

use api::auth::{DevelopmentClaims, DevelopmentIssuer};
use domain::time::TimeSource;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

/// A client of one service.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    issuer: Arc<DevelopmentIssuer>,
    time: Arc<dyn TimeSource>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// A request that is being put together.
pub struct Ask<'c> {
    client: &'c Client,
    request: RequestBuilder,
}

/// A FHIRPath Patch of these operations.
pub fn by_paths(operations: &Value) -> Value {
    json!({ "resourceType": "Parameters", "parameter": operations })
}

/// An operation of one: what it does, where, and the parts that it needs besides.
pub fn operation(kind: &str, path: &str, more: &Value) -> Value {
    let mut parts = vec![json!({ "name": "type", "valueCode": kind }), json!({ "name": "path", "valueString": path })];
    parts.extend(more.as_array().cloned().unwrap_or_default());
    json!({ "name": "operation", "part": parts })
}

impl Client {
    pub fn new(base: impl Into<String>, issuer: Arc<DevelopmentIssuer>, time: Arc<dyn TimeSource>) -> Self {
        Self { http: reqwest::Client::new(), base: base.into(), issuer, time }
    }

    /// A client as the service's own commands use.
    pub fn plain(&self) -> server::client::Client {
        server::client::Client::new(self.base.clone(), Arc::clone(&self.issuer), Arc::clone(&self.time)).unwrap()
    }

    /// The service's address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A token for somebody, valid now by the service's clock.
    pub fn token(&self, who: &DevelopmentClaims) -> String {
        self.issuer.mint(who, self.time.now(), 3600).unwrap()
    }

    /// A request without a token.
    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        Ask { client: self, request: self.http.request(method, url) }
    }

    pub async fn get(&self, who: &DevelopmentClaims, path: &str) -> Reply {
        self.ask(Method::GET, path).by(who).send().await
    }

    /// Posts a resource to its type's address.
    pub async fn create(&self, who: &DevelopmentClaims, resource: &Value) -> Reply {
        let kind = resource["resourceType"].as_str().unwrap();
        self.post(who, &format!("/fhir/{kind}"), &resource.to_string()).await
    }

    pub async fn post(&self, who: &DevelopmentClaims, path: &str, body: &str) -> Reply {
        self.ask(Method::POST, path).by(who).fhir(body).send().await
    }

    pub async fn put(&self, who: &DevelopmentClaims, path: &str, resource: &Value) -> Reply {
        self.ask(Method::PUT, path).by(who).fhir(&resource.to_string()).send().await
    }

    /// Patches a resource by a JSON Patch or, as Parameters say it, by paths.
    pub async fn patch(&self, who: &DevelopmentClaims, path: &str, changes: &Value) -> Reply {
        self.ask(Method::PATCH, path).by(who).changes(changes).send().await
    }

    /// Claims a Task as it was seen in that version.
    pub async fn claim(&self, who: &DevelopmentClaims, task: &Value) -> Reply {
        let id = task["id"].as_str().unwrap();
        let version = format!("W/\"{}\"", task["meta"]["versionId"].as_str().unwrap());
        let path = format!("/fhir/Task/{id}/$claim");
        self.ask(Method::POST, &path).by(who).header("if-match", &version).send().await
    }

    /// The one Task of a thread, as the integration engine sees it.
    pub async fn task(&self, thread: &str) -> Value {
        let path = format!("/fhir/Task?focus=Communication/{thread}&_sort=-_lastUpdated");
        let found = self.get(&server::clinic::engine(), &path).await.is(200);
        found.resources().into_iter().next().expect("the thread has a Task")
    }
}

impl Ask<'_> {
    pub fn by(self, who: &DevelopmentClaims) -> Self {
        let token = self.client.token(who);
        self.bearer(&token)
    }

    pub fn bearer(self, token: &str) -> Self {
        Self { request: self.request.bearer_auth(token), ..self }
    }

    pub fn header(self, name: &str, value: &str) -> Self {
        Self { request: self.request.header(name, value), ..self }
    }

    pub fn fhir(self, body: &str) -> Self {
        self.header("content-type", "application/fhir+json").body(body.as_bytes().to_vec())
    }

    /// The body of a patch: a JSON Patch, or Parameters.
    pub fn changes(self, changes: &Value) -> Self {
        let kind = if changes.is_array() { "application/json-patch+json" } else { "application/fhir+json" };
        self.header("content-type", kind).body(changes.to_string().into_bytes())
    }

    pub fn form(self, body: &str) -> Self {
        self.header("content-type", "application/x-www-form-urlencoded").body(body.as_bytes().to_vec())
    }

    pub fn body(self, body: Vec<u8>) -> Self {
        Self { request: self.request.body(body), ..self }
    }

    pub async fn send(self) -> Reply {
        self.try_send().await.expect("the service answers")
    }

    /// The answer, or why there is none, for services that are killed.
    pub async fn try_send(self) -> Result<Reply, reqwest::Error> {
        let answer = self.request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Reply { status, headers, text: answer.text().await? })
    }
}

impl Reply {
    /// The reply itself, once its status is the expected one.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header's value, empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The id of the resource in the body.
    #[track_caller]
    pub fn id(&self) -> String {
        self.json()["id"].as_str().expect("a resource with an id").to_owned()
    }

    /// The resources that a search found, in order.
    #[track_caller]
    pub fn resources(&self) -> Vec<Value> {
        let found = |entry: &Value| (entry["search"]["mode"] == "match").then(|| entry["resource"].clone());
        self.json()["entry"].as_array().into_iter().flatten().filter_map(found).collect()
    }

    /// Their ids.
    #[track_caller]
    pub fn ids(&self) -> Vec<String> {
        self.resources().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The address of a link of a searchset.
    #[track_caller]
    /// How each version of a history came about, the latest first: `PUT 200`.
    pub fn came_about(&self) -> Vec<String> {
        let entries = self.json()["entry"].as_array().cloned().unwrap_or_default();
        let told = |entry: &Value| {
            let [method, status] = ["/request/method", "/response/status"].map(|place| entry.pointer(place).unwrap());
            format!("{} {}", method.as_str().unwrap(), status.as_str().unwrap())
        };
        entries.iter().map(told).collect()
    }

    pub fn link(&self, relation: &str) -> Option<String> {
        let links = self.json()["link"].as_array().cloned().unwrap_or_default();
        links.iter().find(|link| link["relation"] == relation).map(|link| link["url"].as_str().unwrap().to_owned())
    }

    /// The issue codes of an OperationOutcome, in order.
    #[track_caller]
    pub fn issues(&self) -> Vec<String> {
        let body = self.json();
        assert_eq!(body["resourceType"], "OperationOutcome", "{}", self.text);
        body["issue"].as_array().unwrap().iter().map(|issue| issue["code"].as_str().unwrap().to_owned()).collect()
    }
}

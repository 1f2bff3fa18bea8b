//! Bundles that are worked through: batches and transactions.

mod batch;
mod transaction;

use api::auth::DevelopmentClaims;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;

/// An entry of a Bundle.
fn entry(method: &str, url: &str) -> Value {
    json!({ "request": { "method": method, "url": url } })
}

/// An entry that writes a resource.
pub fn with(method: &str, url: &str, resource: &Value) -> Value {
    json!({ "resource": resource, "request": { "method": method, "url": url } })
}

/// An entry that others know by that address.
fn known(url: &str, mut entry: Value) -> Value {
    entry["fullUrl"] = json!(url);
    entry
}

pub async fn sent(house: &House, who: &DevelopmentClaims, kind: &str, entries: &[Value]) -> Reply {
    let bundle = json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
    house.post(who, "/fhir", &bundle.to_string()).await
}

/// The statuses of the entries of an answer.
pub fn statuses(reply: &Reply) -> Vec<String> {
    let entries = reply.json()["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["response"]["status"].as_str().unwrap()[..3].to_owned()).collect()
}

/// The resource of an entry of an answer.
fn resource(reply: &Reply, position: usize) -> Value {
    reply.json()["entry"][position]["resource"].clone()
}

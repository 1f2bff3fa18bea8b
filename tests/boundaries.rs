//! Limits, holds, blocks, exemptions and automatic replies, over HTTP.

mod blocks;
mod holds;
mod replies;
mod shadow;

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{LEAD, staff};

/// Who leads both pools, and answers for none.
fn lead() -> DevelopmentClaims {
    staff(LEAD, &[])
}

/// Who runs the service.
fn operations() -> DevelopmentClaims {
    DevelopmentClaims {
        sub: "operations".to_owned(),
        client_id: "console".to_owned(),
        scope: "postern/admin.read postern/admin.write".to_owned(),
        ..DevelopmentClaims::default()
    }
}

async fn post(house: &House, who: &DevelopmentClaims, path: &str, body: &Value) -> Reply {
    let asked = house.ask(Method::POST, path).by(who).header("content-type", "application/json");
    asked.body(body.to_string().into_bytes()).send().await
}

/// Puts the clinic's bundle in force with some places changed.
/// Puts a bundle in force that differs from the clinic's by that.
pub async fn govern(house: &House, change: impl FnOnce(&mut Value)) {
    let mut bundle: Value = serde_json::from_str(&server::clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(2);
    change(&mut bundle);
    post(house, &operations(), "/api/v1/bundles", &bundle).await.is(201);
    post(house, &operations(), "/api/v1/bundles/riverside/2/activate", &json!({})).await.is(200);
}

fn limit(scope: &str, max: u32, window: &str) -> Value {
    json!({ "id": format!("{scope}-{max}"), "scope": scope, "max": max, "window": window,
        "onExceed": "hold-for-review" })
}

//! Administration under `/api/v1`: policies and what came of them, never message text.

pub mod blocks;
pub mod bundles;
pub mod clocks;
pub mod decisions;
pub mod deliveries;
pub mod holds;
pub mod overrides;
pub mod simulations;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use domain::access::Permission;
use domain::change::{AuditAction, AuditRow};
use serde_json::Value;

use crate::context::Context;
use crate::error::Failure;

/// How many rows a list has when the query does not say, and at most.
const ROWS: (u16, u16) = (50, 500);

/// The number of rows that a query asks for.
fn limit(asked: Option<u16>) -> u16 {
    asked.unwrap_or(ROWS.0).clamp(1, ROWS.1)
}

/// Allows reading to administrators and records that they did.
async fn reading(context: &Context, interaction: &'static str, count: usize) -> Result<(), Failure> {
    let audit =
        AuditRow { count: i32::try_from(count).unwrap_or(i32::MAX), ..context.audit(AuditAction::Read, interaction) };
    context.record(audit).await
}

/// Refuses whoever is no administrator, before anything is looked for.
fn administrator(context: &Context) -> Result<(), Failure> {
    context.administer(Permission::Read)
}

fn json(body: &Value) -> HttpResponse {
    text(body.to_string())
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(body)
}

/// Where something of this interface is found, as clients see it.
fn location(context: &Context, path: &str) -> String {
    let base = &context.state.base_url;
    format!("{}/api/v1/{path}", base.strip_suffix("/fhir").unwrap_or(base))
}

/// A record as it was stored; its text is JSON of the service's own making.
fn record(body: &str) -> Result<Value, Failure> {
    serde_json::from_str(body).map_err(|_| Failure::Internal("a stored record is not JSON".to_owned()))
}

/// Adds the members that exist: a generated client need not know `null`.
fn present<const N: usize>(told: &mut Value, optional: [(&str, Option<Value>); N]) {
    for (name, value) in optional {
        if let Some(value) = value {
            told[name] = value;
        }
    }
}

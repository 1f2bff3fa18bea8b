//! Policy bundles and the schema they follow.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, get};
use serde_json::{Value, json};

use super::{administrator, reading, record};
use crate::context::Context;
use crate::error::Answer;
use crate::openapi::schema;

/// The schema of bundles, as it is published with the documentation.
const SCHEMA: &str = include_str!("../../../../docs/policy-bundle.schema.json");

/// Lists the policy bundles of the tenant, newest version first, with their content.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listBundles",
    responses((status = 200, description = "The bundles.", body = schema::PolicyBundles, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/bundles")]
pub(crate) async fn list(context: Context) -> Answer {
    administrator(&context)?;
    let bundles = context.state.store.bundles(context.caller.tenant.clone()).await?;
    reading(&context, "list-bundles", bundles.len()).await?;
    let told = bundles.iter().map(|bundle| {
        Ok(json!({
            "id": bundle.id,
            "version": bundle.version,
            "hash": bundle.hash,
            "state": bundle.state.as_str(),
            "effectiveFrom": bundle.effective_from,
            "bundle": record(&bundle.body)?,
        }))
    });
    let told = told.collect::<Result<Vec<Value>, crate::error::Failure>>()?;
    Ok(super::json(&json!({ "bundles": told })))
}

/// Reads the JSON Schema of policy bundles. Any token will do: it says nothing about anybody.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readBundleSchema",
    responses((status = 200, description = "The JSON Schema.", body = schema::JsonSchema, content_type = "application/schema+json"), schema::ProblemErrors),
    security(("bearer" = []))
)]
#[get("/api/v1/policy-bundle.schema.json")]
pub(crate) async fn bundle_schema() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/schema+json")).body(SCHEMA)
}

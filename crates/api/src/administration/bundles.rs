//! Policy bundles.

use actix_web::get;
use serde_json::{Value, json};

use super::{administrator, reading, record};
use crate::context::Context;
use crate::error::Answer;
use crate::openapi::schema;

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

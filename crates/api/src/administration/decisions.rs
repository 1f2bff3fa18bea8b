//! Decision records: why something happened.

use actix_web::get;
use actix_web::web::{Path, Query};
use domain::id::{Key, Reference};
use fhir::issue::IssueCode;
use serde::Deserialize;
use serde_json::json;

use super::{administrator, limit, reading, record, text};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::openapi::schema;

/// What to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// What was decided about, such as `Communication/018f...`; without it the latest of all.
    #[param(nullable = false, example = "Communication/019ee0f0-3c6e-7000-8000-000000000000")]
    focus: Option<String>,
    /// How many: 50 unless said, 500 at most.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists decision records, newest first.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listDecisions",
    params(Asked),
    responses((status = 200, description = "The records.", body = schema::Decisions, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/decisions")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    administrator(&context)?;
    let focus = asked.focus.as_deref().map(focus).transpose()?;
    let rows = context.state.store.decisions(context.caller.tenant.clone(), focus, limit(asked.limit)).await?;
    reading(&context, "list-decisions", rows.len()).await?;
    let records = rows.iter().map(|row| record(&row.body)).collect::<Result<Vec<_>, _>>()?;
    Ok(super::json(&json!({ "decisions": records })))
}

/// Reads a decision record, byte for byte as it was written.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readDecision",
    params(("id" = String, Path, description = "The record's id.")),
    responses((status = 200, description = "The record.", body = schema::Decision, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/decisions/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    administrator(&context)?;
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    let row = context.state.store.decision(context.caller.tenant.clone(), id).await?.ok_or(Failure::NotFound)?;
    reading(&context, "read-decision", 1).await?;
    Ok(text(row.body))
}

fn focus(asked: &str) -> Result<Key, Failure> {
    let refuse =
        || Failure::invalid(IssueCode::Value, "focus names a resource of this service, such as Communication/[id].");
    let reference: Reference = asked.parse().map_err(|_| refuse())?;
    let kind = reference.kind().parse().map_err(|_| refuse())?;
    Ok(Key::new(kind, reference.id().clone()))
}

//! Decision records: why something happened.

use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, get};
use domain::decision::{Mode, Outcome, Record, spoken};
use domain::id::{Key, Reference};
use fhir::issue::IssueCode;
use serde::Deserialize;
use serde_json::json;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use super::{administrator, limit, named, reading_of, record, text};
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
    /// Of one mode: `live`, or `shadow` for what a bundle in shadow would have decided. Those of a `simulation` are told
    /// in its report and not kept. Without it all.
    #[param(nullable = false, example = "shadow")]
    mode: Option<String>,
    #[param(schema_with = outcomes)]
    outcome: Option<String>,
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
    let unknown = || Failure::invalid(IssueCode::Value, "mode is live, shadow or simulation.");
    let mode = asked.mode.as_deref().map(|code| Mode::from_code(code).ok_or_else(unknown)).transpose()?;
    let outcome = asked.outcome.as_deref().map(outcome).transpose()?;
    let tenant = context.caller.tenant.clone();
    let rows = context.state.store.decisions(tenant, focus, mode, outcome, limit(asked.limit)).await?;
    reading_of(&context, "list-decisions", rows.len(), rows.iter().map(|row| named(&row.focus))).await?;
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
    reading_of(&context, "read-decision", 1, [named(&row.focus)]).await?;
    Ok(text(row.body))
}

/// The language in which to tell.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telling {
    /// A BCP 47 tag; what `Accept-Language` names first unless it is said. English and Spanish have words.
    #[param(nullable = false, example = "es")]
    language: Option<String>,
}

/// Tells a decision in plain words: `text` as its patient would understand it, in the language asked for when there are
/// words in it and else in English, and `detail` for the team.
#[utoipa::path(
    tag = "Administration",
    operation_id = "explainDecision",
    params(("id" = String, Path, description = "The record's id."), Telling),
    responses((status = 200, description = "The decision in plain words.", body = schema::DecisionExplanation, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/decisions/{id}/explain")]
pub(crate) async fn explain(context: Context, request: HttpRequest, id: Path<String>, asked: Query<Telling>) -> Answer {
    administrator(&context)?;
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    let row = context.state.store.decision(context.caller.tenant.clone(), id).await?.ok_or(Failure::NotFound)?;
    let record: Record =
        serde_json::from_str(&row.body).map_err(|_| Failure::Internal("a stored record cannot be read".to_owned()))?;
    reading_of(&context, "explain-decision", 1, [named(&row.focus)]).await?;
    let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let language = spoken(asked.language.as_deref().or(accepted).unwrap_or_default());
    let told = json!({
        "decision": record.id,
        "language": language,
        "text": record.told(language),
        "detail": record.paragraph(),
    });
    Ok(super::json(&told))
}

/// The outcomes that records have, as the interface tells them.
fn outcomes() -> Object {
    let codes = Outcome::ALL.map(Outcome::as_str);
    let text = ObjectBuilder::new().schema_type(SchemaType::new(Type::String)).enum_values(Some(codes));
    text.description(Some("Of one outcome; without it all.")).build()
}

fn outcome(asked: &str) -> Result<Outcome, Failure> {
    let codes = || Outcome::ALL.map(Outcome::as_str).join(", ");
    let unknown = || Failure::invalid(IssueCode::Value, format!("outcome is one of {}.", codes()));
    Outcome::from_code(asked).ok_or_else(unknown)
}

fn focus(asked: &str) -> Result<Key, Failure> {
    let refuse =
        || Failure::invalid(IssueCode::Value, "focus names a resource of this service, such as Communication/[id].");
    let reference: Reference = asked.parse().map_err(|_| refuse())?;
    let kind = reference.kind().parse().map_err(|_| refuse())?;
    Ok(Key::new(kind, reference.id().clone()))
}

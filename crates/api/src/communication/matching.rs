//! Messages named by a search in place of an id (<https://hl7.org/fhir/R4/http.html#cud>). The search sees what the caller
//! may find, so nobody learns of what they do not see by whether it matches.

use actix_web::{HttpRequest, delete, patch, put};
use domain::access::Permission;
use domain::change::Stored;
use fhir::issue::{Issue, IssueCode};
use fhir::resource::Document;
use serde_json::Value;

use super::draft::Current;
use super::sending::{Sending, Sent};
use super::{KIND, may_write, read_message, sent};
use crate::conditional::Condition;
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::{PatchBody, ResourceBody};
use crate::openapi::schema;

/// What the service says of a message, which whoever sends it again does not know.
const SERVICES_OWN: [&str; 8] = ["id", "meta", "status", "sent", "received", "partOf", "instantiatesUri", "extension"];

/// Changes or sends the one draft that matches, or sends a message when none does: a retry finds what the first attempt
/// made. What was sent stays as it is.
#[utoipa::path(
    tag = "Communication",
    operation_id = "updateMatchingDraft",
    params(schema::CommunicationSearch, schema::IfMatch, schema::Prefer),
    request_body(content((schema::Communication = "application/fhir+json"), (schema::Communication = "application/json"))),
    responses(
        (status = 200, description = "The next version, or the message as it was sent before.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 201, description = "Sent, or kept as a draft.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.cus"]))
)]
#[put("/fhir/Communication")]
pub(crate) async fn update(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    context.visibility(KIND, Permission::Update).await?;
    let condition = Condition::in_address(&context, &request, KIND).await?;
    if let Some(found) = condition.existing(&context).await? {
        return replace(&context, &found, &body.0).await;
    }
    let visibility = context.visibility(KIND, Permission::Create).await?;
    if context.manners.if_match.is_some() {
        return Err(Failure::Precondition);
    }
    let message = read_message(&body.0)?;
    if message.document().get("id").is_some() {
        let text = "No message matches, and a new one gets its id from the service: leave the id out.";
        return Err(Failure::Invalid(vec![Issue::error(IssueCode::Value, text).at("Communication.id")]));
    }
    may_write(&context, &message, &visibility).await?;
    match Sending::new(&context, &message, &visibility, Some(&condition)).by_update().save().await? {
        Sent::Now(write) => Ok(sent(&context, &message, &write)),
        Sent::Before(found) => replace(&context, &found, &body.0).await,
    }
}

/// Changes the one draft that matches by a JSON Patch or a FHIRPath Patch, or sends it by one.
#[utoipa::path(
    tag = "Communication",
    operation_id = "patchMatchingDraft",
    params(schema::CommunicationSearch, schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
    responses(
        (status = 200, description = "The next version.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.us"]))
)]
#[patch("/fhir/Communication")]
pub(crate) async fn patch(context: Context, request: HttpRequest, changes: PatchBody) -> Answer {
    let current = matching(&context, &request, Permission::Update).await?;
    let text = changes.applied(&current.stored.body, context.state.limits.bytes)?;
    current.replace(&context, text.as_bytes(), "patch").await
}

/// Deletes the one draft that matches. What was sent is kept.
#[utoipa::path(
    tag = "Communication",
    operation_id = "deleteMatchingDraft",
    params(schema::CommunicationSearch, schema::IfMatch),
    responses((status = 204, description = "Deleted."), schema::ChangeErrors),
    security(("bearer" = ["patient/Communication.ds"]))
)]
#[delete("/fhir/Communication")]
pub(crate) async fn delete(context: Context, request: HttpRequest) -> Answer {
    matching(&context, &request, Permission::Delete).await?.delete(&context).await
}

/// The one that the address finds, in the version that `If-Match` names.
async fn matching(context: &Context, request: &HttpRequest, permission: Permission) -> Result<Current, Failure> {
    context.visibility(KIND, permission).await?;
    let condition = Condition::in_address(context, request, KIND).await?;
    let found = condition.matching(context).await?.ok_or(Failure::NotFound)?;
    Current::of(context, found.key.id.as_str(), permission).await
}

/// Replaces what a condition has found. A message that was sent and is sent again, as a retry does, is answered.
async fn replace(context: &Context, found: &Stored, body: &[u8]) -> Answer {
    let current = Current::of(context, found.key.id.as_str(), Permission::Update).await?;
    let document = Document::parse(body, KIND)?;
    if document.get("id").is_some() {
        return current.replace(context, body, "update").await;
    }
    if !current.is_draft()? && is_the_same(&current.stored.body, document.text()) {
        return current.unchanged(context, "update", "It was sent before; nothing was sent.").await;
    }
    let named = document.edit().set_text("id", found.key.id.as_str()).finish();
    current.replace(context, named.as_bytes(), "update").await
}

/// Whether a text says of a stored message what was said when it was sent: all but what the service has set.
fn is_the_same(stored: &str, sent: &str) -> bool {
    let members = |text: &str| {
        let mut read: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(members) = read.as_object_mut() {
            members.retain(|name, _| !SERVICES_OWN.contains(&name.trim_start_matches('_')));
        }
        read
    };
    let sends = |own: &Value| own["status"] == "in-progress" || own["status"] == "completed";
    let is_sent = |text: &str| serde_json::from_str::<Value>(text).is_ok_and(|own| sends(&own));
    is_sent(sent) && members(stored) == members(sent)
}

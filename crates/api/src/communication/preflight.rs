//! `$preflight`: what would become of a message. It is decided about as a send would be, and nothing is stored.

use actix_web::{HttpRequest, post};
use domain::access::{Narrowed, Permission, Visibility};
use domain::change::{AuditAction, OutboxKind, OutboxRow};
use domain::clock::ClockName;
use domain::decision::Decision;
use fhir::category::within;
use fhir::communication::{Communication, notice_coding};
use fhir::issue::{Issue, IssueCode};
use fhir::operation::operations;
use fhir::outcome::Outcome;
use serde_json::{Value, json};

use super::sending::Sending;
use super::{KIND, may_write};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::given::Given;
use crate::manners::body::ResourceBody;
use crate::openapi::schema;
use crate::validating::told;

/// Tells what would become of a message if it were sent now: whether it would be delivered, held or refused, by when it
/// would be answered, by whom, and who would be told. A patient finds what would be said to them; the team also finds
/// when it would be due, how urgent it would be, and every notice.
#[utoipa::path(
    tag = "Communication",
    operation_id = "preflightMessage",
    request_body(content((schema::Communication = "application/fhir+json"), (schema::Parameters = "application/fhir+json"))),
    responses(
        (status = 200, description = "What would become of it.", body = schema::Parameters, content_type = "application/fhir+json"),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.c"]))
)]
#[post("/fhir/Communication/$preflight")]
pub(crate) async fn preflight(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    let row = operations(KIND).iter().find(|operation| operation.name == "preflight");
    let row = row.ok_or_else(|| Failure::Internal("no row for $preflight".to_owned()))?;
    let given = Given::read(row, &context, request.query_string(), Some(&body.0))?;
    let text = given.resource.ok_or_else(|| {
        Failure::invalid(IssueCode::Required, "Send the message, by itself or as the parameter message.")
    })?;
    let Narrowed { visibility, .. } = context.narrowed(KIND, Permission::Create).await?;
    let patient = Communication::parse(text.as_bytes()).ok().and_then(|message| message.patient());
    let told = match foreseen(&context, text.as_bytes()).await {
        Ok(decision) => said(&decision, &visibility),
        Err(Failure::Business(issues)) => vec![
            json!({ "name": "outcome", "valueCode": "refused" }),
            json!({ "name": "issues", "resource": Outcome::new(issues).to_value() }),
        ],
        Err(failure) => return Err(failure),
    };
    let mut audit = context.audit(AuditAction::Execute, "$preflight");
    audit.patient = patient;
    audit.count = 1;
    context.record(audit).await?;
    Ok(context.manners.present(json!({ "resourceType": "Parameters", "parameter": told }).to_string()))
}

/// Why a message could not be sent.
pub(crate) async fn obstacles(context: &Context, body: &[u8]) -> Result<Vec<Issue>, Failure> {
    match foreseen(context, body).await {
        Ok(_) => Ok(vec![]),
        Err(failure) => told(failure),
    }
}

/// The decision about a message as if it were sent now; a draft is taken as sent.
async fn foreseen(context: &Context, body: &[u8]) -> Result<Decision, Failure> {
    let Narrowed { visibility, categories } = context.narrowed(KIND, Permission::Create).await?;
    let mut message = Communication::parse(body)?;
    if message.is_draft() {
        let text = message.document().edit().set_text("status", "in-progress").finish();
        message = Communication::parse(text.as_bytes())?;
    }
    may_write(context, &message, &visibility).await?;
    if !within(message.document(), &categories) {
        return Err(super::beyond_the_token());
    }
    Sending::new(context, &message, &visibility, None).foresee().await
}

/// What a decision would come to, as far as the caller may know it.
fn said(decision: &Decision, visibility: &Visibility) -> Vec<Value> {
    let own = match visibility {
        Visibility::Patient { me, .. } => Some(me.to_string()),
        Visibility::Everything | Visibility::Staff { .. } => None,
    };
    let is_team = own.is_none();
    let record = &decision.record;
    let waits = decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse);
    let language = record.message.as_ref().and_then(|message| message.facts.as_ref()?.language.clone());
    let explanation = if is_team { record.paragraph() } else { record.told(language.as_deref().unwrap_or_default()) };
    let reference = |name: &str, to: &str| json!({ "name": name, "valueReference": { "reference": to } });
    let mut told = vec![json!({ "name": "outcome", "valueCode": record.outcome.as_str() })];
    if let Some(promised) = waits.and_then(|clock| clock.promised_at) {
        told.push(json!({ "name": "promised", "valueInstant": promised.to_string() }));
    }
    if let Some(due) = waits.and_then(|clock| clock.fold.due_at).filter(|_| is_team) {
        told.push(json!({ "name": "due", "valueInstant": due.to_string() }));
    }
    if let Some(pool) = &decision.thread.pool_reference {
        told.push(reference("pool", &pool.to_string()));
    }
    if let Some(owner) = decision.thread.answerer().filter(|_| is_team) {
        told.push(reference("owner", &owner.to_string()));
    }
    if let Some(priority) = record.priority.filter(|_| is_team) {
        told.push(json!({ "name": "priority", "valueCode": priority.as_str() }));
    }
    if let Some(reply) = &decision.reply {
        told.push(json!({ "name": "reply", "part": [
            { "name": "template", "valueCode": reply.template }, { "name": "text", "valueString": reply.text },
        ]}));
    }
    for notice in record.sender_notices() {
        told.push(json!({ "name": "sender-notice", "valueCoding": notice_coding(notice) }));
    }
    let is_theirs = |row: &&OutboxRow| is_team || own.is_some() && row.recipient == own;
    for row in decision.outbox.iter().filter(|row| row.kind == OutboxKind::Notice).filter(is_theirs) {
        let Some(recipient) = &row.recipient else { continue };
        told.push(json!({ "name": "notice", "part": [
            { "name": "topic", "valueCode": row.topic },
            reference("recipient", recipient),
            { "name": "release", "valueInstant": row.release_at.to_string() },
        ]}));
    }
    told.push(json!({ "name": "explanation", "valueString": explanation }));
    told
}

//! The audit trail, for those who may read it. Reading it is recorded too.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Denied, Permission, Visibility};
use domain::audit::TrailQuery;
use domain::change::AuditAction;
use fhir::audit_event::{KIND, bundle, parse, resource};

use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::FormBody;
use crate::openapi::schema;

/// Reads one event.
#[utoipa::path(
    tag = "AuditEvent",
    operation_id = "readAuditEvent",
    params(("id" = String, Path, description = "The event's id.")),
    responses(
        (status = 200, description = "The event.", body = schema::AuditEvent, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["system/AuditEvent.r"]))
)]
#[get("/fhir/AuditEvent/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    may_read(&context, Permission::Read)?;
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    let asked = TrailQuery { id: Some(id), ..TrailQuery::new(context.caller.tenant.clone(), 1) };
    let row = context.state.store.trail(asked).await?.pop().ok_or(Failure::NotFound)?;
    let mut audit = context.audit(AuditAction::Read, "read-audit-event");
    audit.count = 1;
    context.record(audit).await?;
    Ok(answer(&context, resource(&row).to_string()))
}

/// Finds events, the latest first.
#[utoipa::path(
    tag = "AuditEvent",
    operation_id = "searchAuditEvents",
    params(schema::AuditEventSearch),
    responses(
        (status = 200, description = "A page of events.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["system/AuditEvent.s"]))
)]
#[get("/fhir/AuditEvent")]
pub(crate) async fn search(context: Context, request: HttpRequest) -> Answer {
    find(&context, request.query_string(), "").await
}

/// Finds events by parameters in the body.
#[utoipa::path(
    tag = "AuditEvent",
    operation_id = "searchAuditEventsByForm",
    request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page of events.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["system/AuditEvent.s"]))
)]
#[post("/fhir/AuditEvent/_search")]
pub(crate) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
    find(&context, request.query_string(), &form.0).await
}

async fn find(context: &Context, query: &str, form: &str) -> Answer {
    may_read(context, Permission::Search)?;
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let base = &context.state.base_url;
    let asked = parse(&both, context.caller.tenant.clone(), base)?;
    let rows = context.state.store.trail(asked.trail.clone()).await?;
    let mut audit = context.audit(AuditAction::Execute, "search-audit-event");
    audit.query = Some(STANDARD.encode(format!("{KIND}?{both}")));
    audit.patient.clone_from(&asked.trail.patient);
    audit.count = rows.len() as i32;
    context.record(audit).await?;
    Ok(answer(context, bundle(base, &asked, &rows)))
}

fn answer(context: &Context, text: String) -> HttpResponse {
    context.manners.present(text)
}

/// The trail is for machines with a scope for it, and for persons who administer besides: it tells who looked at whom.
fn may_read(context: &Context, permission: Permission) -> Result<(), Failure> {
    match context.caller.visibility(KIND, permission, &[])? {
        Visibility::Everything => Ok(()),
        Visibility::Staff { about: None, .. } if context.caller.administers(Permission::Read) => Ok(()),
        Visibility::Staff { .. } | Visibility::Patient { .. } => Err(Denied::Scope.into()),
    }
}

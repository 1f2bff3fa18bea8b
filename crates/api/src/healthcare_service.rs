//! Pools as their resources: hours, zone and absences, fed by whoever keeps the directory.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Change, Stored};
use domain::id::{Key, ResourceType, Version};
use domain::search::Read;
use domain::store::SaveError;
use domain::time::Instant;
use fhir::healthcare_service::Availability;
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::{FormBody, PatchBody, ResourceBody};
use crate::openapi::schema;
use crate::read::unreadable;
use crate::{read as reading, search as searching};

const KIND: ResourceType = ResourceType::HealthcareService;

/// Creates a pool's resource. Hours need the standard extension `timezone`.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "createService",
    request_body(content((schema::HealthcareService = "application/fhir+json"), (schema::HealthcareService = "application/json"))),
    params(schema::Prefer),
    responses(
        (status = 201, description = "Created.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/HealthcareService.c"]))
)]
#[post("/fhir/HealthcareService")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    may_feed(&context, Permission::Create)?;
    let document = parse(&body.0)?;
    let id = context.state.ids(Instant::from(context.now())).next_id();
    feed(&context, &document, &Key::new(KIND, id), None, "create").await
}

/// Reads the current version of a pool's resource.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "readService",
    params(("id" = String, Path, description = "The service's id."), schema::Conditional),
    responses(
        (status = 200, description = "The service.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/HealthcareService.r"]))
)]
#[get("/fhir/HealthcareService/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    reading::read(&context, KIND, &id).await
}

/// Reads a version of a pool's resource.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "readServiceVersion",
    params(("id" = String, Path, description = "The service's id."), ("version" = String, Path, description = "The version's number."), schema::Conditional),
    responses(
        (status = 200, description = "That version of the service.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/HealthcareService.r"]))
)]
#[get("/fhir/HealthcareService/{id}/_history/{version}")]
pub(crate) async fn vread(context: Context, path: Path<(String, String)>) -> Answer {
    reading::vread(&context, KIND, &path.0, &path.1).await
}

/// Replaces a pool's resource, or creates it under the engine's own id. With `If-Match` only that version is replaced.
/// Decisions follow the new hours from then on.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "updateService",
    params(("id" = String, Path, description = "The service's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::HealthcareService = "application/fhir+json"), (schema::HealthcareService = "application/json"))),
    responses(
        (status = 200, description = "Replaced.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 201, description = "Created.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/HealthcareService.u"]))
)]
#[put("/fhir/HealthcareService/{id}")]
pub(crate) async fn update(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    may_feed(&context, Permission::Update)?;
    let key = key(KIND, &id).map_err(|_| {
        Failure::invalid(IssueCode::Value, "The address has no legal id: 1 to 64 letters, digits, hyphens and dots.")
    })?;
    let document = parse(&body.0)?;
    named(&document, &key)?;
    let current = current(&context, &key).await?;
    let condition = context.manners.if_match.as_ref();
    match &current {
        Some(current) if condition.is_some_and(|condition| !condition.admits(current.version)) => {
            Err(Failure::Precondition)
        }
        // What was deleted may be fed again.
        Some(current) => feed(&context, &document, &key, Some(current), "update").await,
        None if context.manners.if_match.is_some() => Err(Failure::Precondition),
        // Engines name what they feed, so that bundles and messages can refer to a pool before it is here.
        None => {
            may_feed(&context, Permission::Create)?;
            feed(&context, &document, &key, None, "update").await
        }
    }
}

/// Changes a pool's resource by a JSON Patch.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "patchService",
    params(("id" = String, Path, description = "The service's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::JsonPatch = "application/json"))),
    responses(
        (status = 200, description = "The next version.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/HealthcareService.u"]))
)]
#[patch("/fhir/HealthcareService/{id}")]
pub(crate) async fn patch(context: Context, id: Path<String>, changes: PatchBody) -> Answer {
    may_feed(&context, Permission::Update)?;
    let (key, current) = existing(&context, &id).await?;
    let text = changes.applied(&current.body, context.state.limits.bytes)?;
    let document = parse(text.as_bytes())?;
    named(&document, &key)?;
    feed(&context, &document, &key, Some(&current), "patch").await
}

/// Deletes a pool's resource: its hours are those of the policy from then on.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "deleteService",
    params(("id" = String, Path, description = "The service's id."), schema::IfMatch),
    responses((status = 204, description = "Deleted."), schema::ChangeErrors),
    security(("bearer" = ["system/HealthcareService.d"]))
)]
#[delete("/fhir/HealthcareService/{id}")]
pub(crate) async fn delete(context: Context, id: Path<String>) -> Answer {
    may_feed(&context, Permission::Delete)?;
    let (key, current) = existing(&context, &id).await?;
    let document = unreadable(Document::stored(current.body.clone(), KIND))?;
    let write = unreadable(fhir::write::fed(&document, &key.id, current.version.next(), context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    let mut audit = context.audit(AuditAction::Delete, "delete");
    audit.focus = Some(key);
    audit.version = Some(write.version);
    audit.count = 1;
    change.audit = vec![audit];
    change.resources = vec![fhir::write::deleted(write)];
    save(&context, change).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Finds pools' resources.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "searchServices",
    params(schema::HealthcareServiceSearch, schema::Paging),
    responses(
        (status = 200, description = "A page of services.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/HealthcareService.s"]))
)]
#[get("/fhir/HealthcareService")]
pub(crate) async fn search(context: Context, request: HttpRequest) -> Answer {
    searching::search(&context, KIND, request.query_string(), "").await
}

/// Finds pools' resources by parameters in the body.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "searchServicesByForm",
    request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page of services.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/HealthcareService.s"]))
)]
#[post("/fhir/HealthcareService/_search")]
pub(crate) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
    searching::search(&context, KIND, request.query_string(), &form.0).await
}

/// Hours decide when people are answered: a patient's token never changes them, whatever its scopes say.
fn may_feed(context: &Context, permission: Permission) -> Result<(), Failure> {
    match context.caller.visibility(KIND.as_str(), permission, &[])? {
        Visibility::Everything | Visibility::Staff { .. } => Ok(()),
        Visibility::Patient { .. } => Err(domain::access::Denied::Scope.into()),
    }
}

/// A valid resource whose hours can be kept.
fn parse(body: &[u8]) -> Result<Document, Failure> {
    let document = Document::parse(body, KIND)?;
    Availability::read(&document).map_err(Failure::Business)?;
    Ok(document)
}

/// Writes the next version; policy is made anew from it.
async fn feed(
    context: &Context,
    document: &Document,
    key: &Key,
    current: Option<&Stored>,
    interaction: &'static str,
) -> Answer {
    let version = current.map_or(Version::FIRST, |current| current.version.next());
    let new = current.is_none_or(|current| current.deleted);
    let write = unreadable(fhir::write::fed(document, &key.id, version, context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    let action = if new { AuditAction::Create } else { AuditAction::Update };
    let mut audit = context.audit(action, interaction);
    audit.focus = Some(key.clone());
    audit.version = Some(version);
    audit.count = 1;
    change.audit = vec![audit];
    let made = stored(&write);
    change.resources = vec![write];
    save(context, change).await?;
    let outcome = Outcome::new(document.warnings().to_vec());
    Ok(context.manners.made(&made, &context.state.base_url, new, &outcome))
}

async fn save(context: &Context, change: Change) -> Result<(), Failure> {
    context.save(change).await.map_err(|error| match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    })
}

/// The resource as it is now, deleted or not; a directory is everybody's.
async fn current(context: &Context, key: &Key) -> Result<Option<Stored>, Failure> {
    let tenant = context.caller.tenant.clone();
    let wanted = Read { tenant, key: key.clone(), version: None, visibility: Visibility::Everything };
    Ok(context.state.store.read(wanted).await?)
}

/// The resource that a path names, in the version that `If-Match` names.
async fn existing(context: &Context, id: &str) -> Result<(Key, Stored), Failure> {
    let key = key(KIND, id)?;
    let current = current(context, &key).await?.ok_or(Failure::NotFound)?;
    if current.deleted {
        return Err(Failure::Gone);
    }
    let condition = context.manners.if_match.as_ref();
    if condition.is_some_and(|condition| !condition.admits(current.version)) {
        return Err(Failure::Precondition);
    }
    Ok((key, current))
}

/// The resource must be the one of the address.
fn named(document: &Document, key: &Key) -> Result<(), Failure> {
    if document.id().as_ref() == Some(&key.id) {
        return Ok(());
    }
    let issue = Issue::error(IssueCode::Value, "The resource's id must be the address's.").at("HealthcareService.id");
    Err(Failure::Invalid(vec![issue]))
}

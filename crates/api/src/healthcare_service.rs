//! Pools as their resources: hours, zone and absences, fed by whoever keeps the directory.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post, put};
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
use crate::manners::body::{FormBody, ResourceBody};
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
    let document = parse(&body)?;
    let id = context.state.ids(Instant::from(context.now())).next_id();
    feed(&context, &document, &Key::new(KIND, id), None).await
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
    let document = parse(&body)?;
    if document.id().as_ref() != Some(&key.id) {
        let issue =
            Issue::error(IssueCode::Value, "The resource's id must be the address's.").at("HealthcareService.id");
        return Err(Failure::Invalid(vec![issue]));
    }
    let wanted = Read {
        tenant: context.caller.tenant.clone(),
        key: key.clone(),
        version: None,
        visibility: Visibility::Everything,
    };
    let current = context.state.store.read(wanted).await?;
    let condition = context.manners.if_match.as_ref();
    match &current {
        Some(current) if condition.is_some_and(|condition| !condition.admits(current.version)) => {
            Err(Failure::Precondition)
        }
        Some(current) if current.deleted => Err(Failure::Gone),
        Some(current) => feed(&context, &document, &key, Some(current)).await,
        None if context.manners.if_match.is_some() => Err(Failure::Precondition),
        // Engines name what they feed, so that bundles and messages can refer to a pool before it is here.
        None => {
            may_feed(&context, Permission::Create)?;
            feed(&context, &document, &key, None).await
        }
    }
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
fn parse(body: &ResourceBody) -> Result<Document, Failure> {
    let document = Document::parse(&body.0, KIND)?;
    Availability::read(&document).map_err(Failure::Business)?;
    Ok(document)
}

/// Writes the next version; policy is made anew from it.
async fn feed(context: &Context, document: &Document, key: &Key, current: Option<&Stored>) -> Answer {
    let version = current.map_or(Version::FIRST, |current| current.version.next());
    let new = current.is_none();
    let write = unreadable(fhir::write::fed(document, &key.id, version, context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    let (action, interaction) = if new { (AuditAction::Create, "create") } else { (AuditAction::Update, "update") };
    let mut audit = context.audit(action, interaction);
    audit.focus = Some(key.clone());
    audit.version = Some(version);
    audit.count = 1;
    change.audit = vec![audit];
    let made = stored(&write);
    change.resources = vec![write];
    context.save(change).await.map_err(|error| match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    })?;
    let outcome = Outcome::new(document.warnings().to_vec());
    Ok(context.manners.made(&made, &context.state.base_url, new, &outcome))
}

//! Pools as their resources: hours, zone and absences, fed by whoever keeps the directory.

mod feed;

use actix_web::web::Path;
use actix_web::{HttpRequest, delete, get, patch, post, put};
use domain::access::Permission;
use domain::id::{Key, ResourceType};
use domain::time::Instant;
use fhir::issue::IssueCode;

use self::feed::{current, deleted, existing, feed, matching, may_feed, named, parse, patched, replace};
use crate::conditional::Condition;
use crate::context::{Context, key};
use crate::error::{Answer, Failure};
use crate::manners::body::{FormBody, PatchBody, ResourceBody};
use crate::openapi::schema;
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
    feed(&context, &document, &Key::new(KIND, id), None, "create", None).await
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
        Some(current) => feed(&context, &document, &key, Some(current), "update", None).await,
        None if context.manners.if_match.is_some() => Err(Failure::Precondition),
        // Engines name what they feed, so that bundles and messages can refer to a pool before it is here.
        None => {
            may_feed(&context, Permission::Create)?;
            feed(&context, &document, &key, None, "update", None).await
        }
    }
}

/// Replaces the one pool's resource that matches, or creates it: with the body's id, or with one of the service's.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "updateMatchingService",
    params(schema::HealthcareServiceSearch, schema::IfMatch, schema::Prefer),
    request_body(content((schema::HealthcareService = "application/fhir+json"), (schema::HealthcareService = "application/json"))),
    responses(
        (status = 200, description = "Replaced.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 201, description = "Created.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/HealthcareService.us"]))
)]
#[put("/fhir/HealthcareService")]
pub(crate) async fn update_matching(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    may_feed(&context, Permission::Update)?;
    let condition = Condition::in_address(&context, &request, KIND).await?;
    let document = parse(&body.0)?;
    if let Some(matching) = condition.matching(&context).await? {
        return replace(&context, &document, &matching).await;
    }
    may_feed(&context, Permission::Create)?;
    if context.manners.if_match.is_some() {
        return Err(Failure::Precondition);
    }
    let id = document.id().unwrap_or_else(|| context.state.ids(Instant::from(context.now())).next_id());
    let key = Key::new(KIND, id);
    // Of several that find none at once, one makes it.
    let unique = Some(condition.unique(key.clone()));
    let known = current(&context, &key).await?;
    match feed(&context, &document, &key, known.as_ref(), "update", unique).await {
        Err(Failure::Duplicate) => match condition.matching(&context).await? {
            Some(matching) => replace(&context, &document, &matching).await,
            // What was made under the condition before has gone another way since.
            None => feed(&context, &document, &key, known.as_ref(), "update", None).await,
        },
        made => made,
    }
}

/// Changes the one pool's resource that matches by a JSON Patch or a FHIRPath Patch.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "patchMatchingService",
    params(schema::HealthcareServiceSearch, schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
    responses(
        (status = 200, description = "The next version.", body = schema::HealthcareService, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/HealthcareService.us"]))
)]
#[patch("/fhir/HealthcareService")]
pub(crate) async fn patch_matching(context: Context, request: HttpRequest, changes: PatchBody) -> Answer {
    may_feed(&context, Permission::Update)?;
    let matching = matching(&context, &request).await?;
    patched(&context, &changes, &matching).await
}

/// Deletes the one pool's resource that matches.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "deleteMatchingService",
    params(schema::HealthcareServiceSearch, schema::IfMatch),
    responses((status = 204, description = "Deleted."), schema::ChangeErrors),
    security(("bearer" = ["system/HealthcareService.ds"]))
)]
#[delete("/fhir/HealthcareService")]
pub(crate) async fn delete_matching(context: Context, request: HttpRequest) -> Answer {
    may_feed(&context, Permission::Delete)?;
    let matching = matching(&context, &request).await?;
    deleted(&context, &matching).await
}

/// Changes a pool's resource by a JSON Patch or a FHIRPath Patch.
#[utoipa::path(
    tag = "HealthcareService",
    operation_id = "patchService",
    params(("id" = String, Path, description = "The service's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
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
    patched(&context, &changes, &existing(&context, &id).await?).await
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
    deleted(&context, &existing(&context, &id).await?).await
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

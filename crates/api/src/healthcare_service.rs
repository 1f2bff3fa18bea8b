//! Pools as their resources: hours, zone and absences, fed by whoever keeps the directory.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post, put};
use domain::id::ResourceType;

use crate::context::Context;
use crate::error::Answer;
use crate::manners::body::{FormBody, ResourceBody};
use crate::openapi::schema;
use crate::{feeding, read as reading, search as searching};

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
    feeding::create(&context, KIND, &body).await
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
    feeding::update(&context, KIND, &id, &body).await
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

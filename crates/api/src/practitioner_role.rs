//! Who answers where, at which hours and when they are away, fed by whoever keeps the directory.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post, put};
use domain::id::ResourceType;

use crate::context::Context;
use crate::error::Answer;
use crate::manners::body::{FormBody, ResourceBody};
use crate::openapi::schema;
use crate::{feeding, read as reading, search as searching};

const KIND: ResourceType = ResourceType::PractitionerRole;

/// Creates a role: who answers for which pools. Hours and absences need the standard extension `timezone`; the extension
/// `covered-by` names who answers meanwhile.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "createRole",
    request_body(content((schema::PractitionerRole = "application/fhir+json"), (schema::PractitionerRole = "application/json"))),
    params(schema::Prefer),
    responses(
        (status = 201, description = "Created.", body = schema::PractitionerRole, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/PractitionerRole.c"]))
)]
#[post("/fhir/PractitionerRole")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    feeding::create(&context, KIND, &body).await
}

/// Reads the current version of a role.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "readRole",
    params(("id" = String, Path, description = "The role's id."), schema::Conditional),
    responses(
        (status = 200, description = "The role.", body = schema::PractitionerRole, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/PractitionerRole.r"]))
)]
#[get("/fhir/PractitionerRole/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    reading::read(&context, KIND, &id).await
}

/// Reads a version of a role.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "readRoleVersion",
    params(("id" = String, Path, description = "The role's id."), ("version" = String, Path, description = "The version's number."), schema::Conditional),
    responses(
        (status = 200, description = "That version of the role.", body = schema::PractitionerRole, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/PractitionerRole.r"]))
)]
#[get("/fhir/PractitionerRole/{id}/_history/{version}")]
pub(crate) async fn vread(context: Context, path: Path<(String, String)>) -> Answer {
    reading::vread(&context, KIND, &path.0, &path.1).await
}

/// Replaces a role, or creates it under the engine's own id. With `If-Match` only that version is replaced. Decisions
/// follow its pools, hours and absences from then on.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "updateRole",
    params(("id" = String, Path, description = "The role's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::PractitionerRole = "application/fhir+json"), (schema::PractitionerRole = "application/json"))),
    responses(
        (status = 200, description = "Replaced.", body = schema::PractitionerRole, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        (status = 201, description = "Created.", body = schema::PractitionerRole, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["system/PractitionerRole.u"]))
)]
#[put("/fhir/PractitionerRole/{id}")]
pub(crate) async fn update(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    feeding::update(&context, KIND, &id, &body).await
}

/// Finds roles.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "searchRoles",
    params(schema::PractitionerRoleSearch, schema::Paging),
    responses(
        (status = 200, description = "A page of roles.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/PractitionerRole.s"]))
)]
#[get("/fhir/PractitionerRole")]
pub(crate) async fn search(context: Context, request: HttpRequest) -> Answer {
    searching::search(&context, KIND, request.query_string(), "").await
}

/// Finds roles by parameters in the body.
#[utoipa::path(
    tag = "PractitionerRole",
    operation_id = "searchRolesByForm",
    request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page of roles.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/PractitionerRole.s"]))
)]
#[post("/fhir/PractitionerRole/_search")]
pub(crate) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
    searching::search(&context, KIND, request.query_string(), &form.0).await
}

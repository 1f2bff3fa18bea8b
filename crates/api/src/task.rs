//! Tasks: one awaited answer each. They are read, and changed as their operations do; the service
//! writes them.

pub(crate) mod operation;
pub(crate) mod update;

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post};
use domain::id::ResourceType;

use self::operation::Asked;
use crate::context::Context;
use crate::error::Answer;
use crate::manners::body::{FormBody, OptionalBody};
use crate::openapi::schema;
use crate::{read as reading, search as searching};

/// Reads the current version of a Task. Patients see its state, its pool and what they were promised.
#[utoipa::path(
    tag = "Task",
    operation_id = "readTask",
    params(("id" = String, Path, description = "The Task's id."), schema::Conditional),
    responses(
        (status = 200, description = "The Task.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/Task.r"]))
)]
#[get("/fhir/Task/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    reading::read(&context, ResourceType::Task, &id).await
}

/// Reads a version of a Task.
#[utoipa::path(
    tag = "Task",
    operation_id = "readTaskVersion",
    params(("id" = String, Path, description = "The Task's id."), ("version" = String, Path, description = "The version's number."), schema::Conditional),
    responses(
        (status = 200, description = "That version of the Task.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/Task.r"]))
)]
#[get("/fhir/Task/{id}/_history/{version}")]
pub(crate) async fn vread(context: Context, path: Path<(String, String)>) -> Answer {
    reading::vread(&context, ResourceType::Task, &path.0, &path.1).await
}

/// Finds Tasks, such as those of a pool that are due.
#[utoipa::path(
    tag = "Task",
    operation_id = "searchTasks",
    params(schema::TaskSearch, schema::Paging),
    responses(
        (status = 200, description = "A page of Tasks.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/Task.s"]))
)]
#[get("/fhir/Task")]
pub(crate) async fn search(context: Context, request: HttpRequest) -> Answer {
    searching::search(&context, ResourceType::Task, request.query_string(), "").await
}

/// Finds Tasks by parameters in the body, which keeps them out of addresses and logs.
#[utoipa::path(
    tag = "Task",
    operation_id = "searchTasksByForm",
    request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page of Tasks.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/Task.s"]))
)]
#[post("/fhir/Task/_search")]
pub(crate) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
    searching::search(&context, ResourceType::Task, request.query_string(), &form.0).await
}

/// Takes a Task: the caller, a member of the pool that answers, becomes its owner. With `If-Match` only that version is
/// taken; without it whoever is first has it. Claiming one's own Task again changes nothing.
#[utoipa::path(
    tag = "Task",
    operation_id = "claimTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    responses(
        (status = 200, description = "The Task, owned by the caller.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$claim")]
pub(crate) async fn claim(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    operation::given(&context, (&request, &body), "claim").await?;
    operation::operate(&context, &id, "$claim", &Asked::Claim).await
}

//! Tasks: one awaited answer each. They are read and claimed; the service writes them.

pub(crate) mod operation;

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post};
use domain::access::Permission;
use domain::change::{AuditAction, Stored};
use domain::decide::{self, Refusal, Setting};
use domain::id::ResourceType;
use domain::search::Read;
use domain::store::{SaveError, ThreadView};
use domain::time::Instant;
use fhir::decided::{self, Frame};
use fhir::outcome::Outcome;

use crate::communication::refused;
use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::FormBody;
use crate::openapi::schema;
use crate::read::unreadable;
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
pub(crate) async fn claim(context: Context, id: Path<String>) -> Answer {
    let visibility = context.visibility(ResourceType::Task, Permission::Update).await?;
    let key = key(ResourceType::Task, &id)?;
    let tenant = context.caller.tenant.clone();
    let wanted = Read { tenant: tenant.clone(), key, version: None, visibility: visibility.clone() };
    let task = context.state.store.read(wanted).await?.filter(|task| !task.deleted).ok_or(Failure::NotFound)?;
    let conditional = context.manners.if_match.as_ref();
    if conditional.is_some_and(|wanted| !wanted.admits(task.version)) {
        return Err(Failure::Precondition);
    }
    let thread = task.thread.clone().ok_or_else(|| Failure::Internal("a Task without a thread".to_owned()))?;
    let view = context.state.store.thread_of(tenant, thread).await?.ok_or(Failure::NotFound)?;
    let claimed = taken(&context, &task, view).await.map_err(|error| match error {
        Lost::Race => Failure::lost(conditional.is_some()),
        Lost::Failure(failure) => failure,
    })?;
    Ok(context.changed(&claimed, &visibility, &Outcome::all_well("The Task is yours.")).await)
}

/// Why a claim came to nothing.
enum Lost {
    Race,
    Failure(Failure),
}

impl From<Failure> for Lost {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// Decides about the claim and saves it; anew when the policy has changed meanwhile.
async fn taken(context: &Context, task: &Stored, view: ThreadView) -> Result<Stored, Lost> {
    let open = view.task.as_ref().filter(|open| open.key == task.key).ok_or_else(|| refused(&Refusal::Over))?;
    if open.version != task.version {
        return Err(Lost::Race);
    }
    let tenant = &context.caller.tenant;
    let now = context.now();
    let mut policy = context.state.policies.current(tenant).await.map_err(Failure::from)?;
    for _attempt in 0..3 {
        let pools = policy.pools_of(&context.caller.pools, context.caller.user.as_ref(), Instant::from(now));
        let setting = Setting { policy: &policy, now: Instant::from(now) };
        let mut ids = context.state.ids(setting.now);
        let decision = decide::claim(setting, &view, context.caller.user.as_ref(), &pools, &mut ids)
            .map_err(|refusal| refused(&refusal))?;
        let frame = Frame { tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::decided(&frame, Some(&view), decision))?;
        let written = change.resources.iter().find(|write| write.key == task.key).map(stored);
        let claimed = written.unwrap_or_else(|| task.clone());
        let mut audit = context.audit(AuditAction::Execute, "$claim");
        audit.focus = Some(claimed.key.clone());
        audit.version = Some(claimed.version);
        audit.patient.clone_from(&view.thread.patient);
        audit.count = 1;
        change.audit.push(audit);
        match context.save(change).await {
            Ok(()) => return Ok(claimed),
            Err(SaveError::StaleCatalogue) => {
                policy = context.state.policies.renewed(tenant, &policy).await.map_err(Failure::from)?;
            }
            Err(SaveError::Conflict { .. }) => return Err(Lost::Race),
            Err(error) => return Err(Failure::from(error).into()),
        }
    }
    Err(Failure::from(SaveError::StaleCatalogue).into())
}

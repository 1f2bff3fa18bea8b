//! What the team does with a Task: each is a decision that the domain knows, asked for as a FHIR
//! operation or by an update that says the same.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, post};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Stored};
use domain::decide::{self, Actor, Refusal, RouteReason, Setting};
use domain::decision::Decision;
use domain::id::{Ids, Key, Reference, ResourceType};
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::Policy;
use domain::search::Read;
use domain::store::ThreadView;
use domain::time::Instant;
use fhir::decided::{self, Frame};
use fhir::issue::{Issue, IssueCode};
use fhir::operation::operations;
use fhir::outcome::Outcome;

use crate::administration::overrides::row;
use crate::communication::refused;
use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::given::Given;
use crate::manners::body::OptionalBody;
use crate::openapi::schema;
use crate::read::unreadable;

/// What is to be done with a Task.
#[derive(Debug)]
pub(super) enum Asked {
    /// The caller takes it.
    Claim,
    /// It goes back to its pool.
    GiveBack,
    /// Another pool answers, named by its id in the policy or by its reference.
    Pool(String, RouteReason),
    /// Somebody of the pool is asked to take it.
    Person(Reference, RouteReason),
    /// The policy is overridden.
    Override(Override),
}

impl Asked {
    /// An override that takes no amount and no instant but, of a pause, its end.
    pub(super) fn overriding(kind: OverrideKind, reason: OverrideReason, until: Option<Instant>) -> Self {
        Self::Override(Override { kind, reason, amount: None, due: None, until, sender: None, note: None })
    }

    fn decide(
        &self,
        setting: Setting<'_>,
        view: &ThreadView,
        actor: Actor<'_>,
        ids: &mut Ids,
    ) -> Result<Decision, Refusal> {
        match self {
            Self::Claim => decide::claim(setting, view, actor.person, actor.pools, ids),
            Self::GiveBack => decide::give_back(setting, view, actor, ids),
            Self::Pool(pool, reason) => {
                let policy = setting.policy;
                let by_reference = || pool.parse().ok().and_then(|reference| policy.pool_of(&reference));
                let to = policy.pool(pool).or_else(by_reference).ok_or(Refusal::UnknownPool)?;
                decide::route(setting, view, to, *reason, actor, ids)
            }
            Self::Person(person, reason) => decide::assign(setting, view, (person, *reason), actor, ids),
            Self::Override(asked) => decide::overrule(setting, view, asked, actor, ids),
        }
    }
}

/// Gives a Task back to its pool: for its owner, the leads of the pool and administrators. The pool is told.
#[utoipa::path(
    tag = "Task",
    operation_id = "releaseTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    responses(
        (status = 200, description = "The Task, owned by its pool.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$release")]
pub(crate) async fn release(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    given(&context, (&request, &body), "release").await?;
    operate(&context, &id, "$release", &Asked::GiveBack).await
}

/// Hands a Task to another pool, or asks somebody of its pool to take it. What the patient waits for is due as before.
#[utoipa::path(
    tag = "Task",
    operation_id = "routeTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "The Task as it is then.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$route")]
pub(crate) async fn route(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    let given = given(&context, (&request, &body), "route").await?;
    let reason = given.code("reason")?.unwrap_or(RouteReason::WrongPool);
    let asked = match (given.value("pool"), given.parsed("person")?) {
        (Some(pool), None) => Asked::Pool(pool.to_owned(), reason),
        (None, Some(person)) => Asked::Person(person, reason),
        _ => {
            let text = "Name a pool or a person, one of them.";
            return Err(Failure::Invalid(vec![Issue::error(IssueCode::Required, text).at("Parameters.parameter")]));
        }
    };
    operate(&context, &id, "$route", &asked).await
}

/// Lets a Task rest while the team waits for somebody, until the cap of the policy at the latest.
#[utoipa::path(
    tag = "Task",
    operation_id = "pauseTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "The Task, on hold.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$pause")]
pub(crate) async fn pause(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    let given = given(&context, (&request, &body), "pause").await?;
    let reason = given.code("reason")?.unwrap_or(OverrideReason::WaitingOnPatient);
    let asked = Asked::overriding(OverrideKind::Pause, reason, given.parsed("until")?);
    operate(&context, &id, "$pause", &asked).await
}

/// Lets a Task go on that rests.
#[utoipa::path(
    tag = "Task",
    operation_id = "resumeTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "The Task, due later by as long as it has rested.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$resume")]
pub(crate) async fn resume(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    let reason =
        given(&context, (&request, &body), "resume").await?.code("reason")?.unwrap_or(OverrideReason::NoLongerWaiting);
    operate(&context, &id, "$resume", &Asked::overriding(OverrideKind::Resume, reason, None)).await
}

/// Lets a Task go: it is shown as waived, and never counted as met.
#[utoipa::path(
    tag = "Task",
    operation_id = "waiveTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "The Task, completed and waived.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/fhir/Task/{id}/$waive")]
pub(crate) async fn waive(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    let reason =
        given(&context, (&request, &body), "waive").await?.code("reason")?.unwrap_or(OverrideReason::ClinicalJudgement);
    operate(&context, &id, "$waive", &Asked::overriding(OverrideKind::Waive, reason, None)).await
}

/// What an operation is given. Whoever may not ask for it is told so before anything of what they sent is looked at.
pub(super) async fn given(
    context: &Context,
    (request, body): (&HttpRequest, &OptionalBody),
    name: &str,
) -> Result<Given, Failure> {
    reach(context).await?;
    let operation = operations(ResourceType::Task).iter().find(|operation| operation.name == name);
    let operation = operation.ok_or_else(|| Failure::Internal(format!("${name} is not in the table")))?;
    Given::read(operation, context, request.query_string(), body.0.as_deref())?.complete(operation)
}

/// The Tasks that the caller may ask something of: what they see, and what is of the pools that they lead; everything
/// for administrators. What they may do with it is decided later.
pub(super) async fn reach(context: &Context) -> Result<Visibility, Failure> {
    if context.caller.administers(Permission::Update) {
        return Ok(Visibility::Everything);
    }
    Ok(match context.visibility(ResourceType::Task, Permission::Update).await? {
        Visibility::Staff { me, mut pools, leads, about } => {
            pools.extend(leads.iter().cloned());
            Visibility::Staff { me, pools, leads, about }
        }
        other => other,
    })
}

/// A Task as the caller sees it, in the version that `If-Match` names, with its thread.
pub(super) async fn current(context: &Context, id: &str) -> Result<(Stored, ThreadView), Failure> {
    let tenant = context.caller.tenant.clone();
    let visibility = reach(context).await?;
    let wanted = Read { tenant: tenant.clone(), key: key(ResourceType::Task, id)?, version: None, visibility };
    let task = context.state.store.read(wanted).await?.filter(|task| !task.deleted).ok_or(Failure::NotFound)?;
    context.manners.admit(&task)?;
    let thread = task.thread.clone().ok_or_else(|| Failure::Internal("a Task without a thread".to_owned()))?;
    let view = context.state.store.thread_of(tenant, thread).await?.ok_or(Failure::NotFound)?;
    Ok((task, view))
}

/// The answer with a Task: a token that may only change it is told the version alone.
pub(super) async fn told(context: &Context, task: &Stored, outcome: &Outcome) -> HttpResponse {
    match context.visibility(ResourceType::Task, Permission::Update).await {
        Ok(seen) => context.changed(task, &seen, outcome).await,
        // Administrators need no scope on Tasks.
        Err(_) => context.manners.made(task, &context.state.base_url, false, outcome),
    }
}

/// Decides and saves. What was asked of another version of the Task than the one that is open is refused.
pub(super) async fn operate(context: &Context, id: &str, interaction: &'static str, asked: &Asked) -> Answer {
    let tenant = &context.caller.tenant;
    let decided = async |policy: &Policy| {
        let (task, view) = current(context, id).await?;
        let open = view.task.as_ref().filter(|open| open.key == task.key).ok_or_else(|| refused(&Refusal::Over))?;
        // Somebody may have been faster between the two reads: it is this version that is decided about.
        context.manners.admit(open)?;
        let now = context.now();
        let pools = context.pools_under(policy);
        let setting = Setting { policy, now: Instant::from(now) };
        let mut ids = context.state.ids(setting.now);
        let actor = context.actor(&pools, Permission::Update);
        let decision = asked.decide(setting, &view, actor, &mut ids).map_err(|refusal| refused(&refusal))?;
        let overridden = match asked {
            Asked::Override(asked) => Some(row(context, asked, &decision, Some(open), ids.next_id())),
            _ => None,
        };
        let frame = Frame { tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::decided(&frame, Some(&view), decision))?;
        let written = change.resources.iter().find(|write| write.key == task.key).map(stored);
        let done = written.unwrap_or_else(|| open.clone());
        let action = if interaction.starts_with('$') { AuditAction::Execute } else { AuditAction::Update };
        let mut audit = context.audit(action, interaction);
        audit.focus = Some(Key::clone(&done.key));
        audit.version = Some(done.version);
        audit.patient.clone_from(&view.thread.patient);
        audit.count = 1;
        change.audit.push(audit);
        change.overrides.extend(overridden);
        Ok((change, done))
    };
    let done = context.settle(None, decided).await?;
    let outcome = Outcome::all_well("Done.");
    Ok(told(context, &done, &outcome).await)
}

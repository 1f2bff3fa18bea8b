//! Overrides: an authorised person lets something happen to an obligation against the policy, and says why.

use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::web::Query;
use actix_web::{HttpResponse, get, post};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Stored};
use domain::clock::Clock;
use domain::correspondent::Who;
use domain::decide::{self, Refusal, Setting};
use domain::decision::Decision;
use domain::id::{Key, Reference, ResourceId, ResourceType};
use domain::overrides::{Override, OverrideKind, OverrideReason, OverrideRow};
use domain::policy::Policy;
use domain::search::Read;
use domain::store::ThreadView;
use domain::time::{Instant, Span};
use fhir::decided::{self, Frame};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{conversation, document, fault, json as answer, present};
use crate::communication::refused;
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;
use crate::read::unreadable;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    kind: OverrideKind,
    reason: OverrideReason,
    thread: Option<ResourceId>,
    task: Option<ResourceId>,
    amount: Option<Span>,
    due: Option<Instant>,
    until: Option<Instant>,
    sender: Option<Reference>,
    note: Option<String>,
}

/// Overrides what the policy asks of an obligation. For members and leads of the pool that answers, with the scope to
/// update Tasks, and for administrators (`postern/admin.write`). Due may move; what the patient was promised never
/// moves later. With `If-Match` only that version of the Task is overridden.
#[utoipa::path(
    tag = "Administration",
    operation_id = "createOverride",
    params(schema::IfMatch),
    request_body(content = schema::OverrideRequest, content_type = "application/json"),
    responses(
        (status = 201, description = "What was overridden; the ETag is that of the Task.", body = schema::Override,
            content_type = "application/json", headers(("ETag" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/overrides")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    // Who may not is told so before anything of what they sent is looked at.
    let visibility = visibility(&context, Permission::Update).await?;
    let wanted = read(&body.0)?;
    let meant = meant(&wanted)?;
    let asked = Override {
        kind: wanted.kind,
        reason: wanted.reason,
        amount: wanted.amount,
        due: wanted.due,
        until: wanted.until,
        sender: wanted.sender,
        note: wanted.note,
    };
    let now = context.now();
    let overridden = async |policy: &Policy| {
        let tenant = &context.caller.tenant;
        let view = found(&context, meant.clone(), visibility.clone()).await?;
        let open = view.task.as_ref();
        let conditional = context.manners.if_match.as_ref();
        if conditional.is_some_and(|wanted| !open.is_some_and(|open| wanted.admits(open.version))) {
            return Err(Failure::Precondition);
        }
        if wanted.task.as_ref().is_some_and(|task| open.is_none_or(|open| open.key.id != *task)) {
            return Err(refused(&Refusal::Over));
        }
        let pools = context.pools_under(policy);
        let setting = Setting { policy, now: Instant::from(now) };
        let mut ids = context.state.ids(setting.now);
        let actor = context.actor(&pools, Permission::Update);
        let decision = if asked.kind.exempts() {
            let sender = match asked.sender.clone() {
                Some(sender) => Some(context.state.store.correspondent(tenant.clone(), Who::Sender(sender)).await?),
                None => None,
            };
            decide::exempt(setting, &view, &asked, actor, sender.as_ref(), &mut ids)
        } else {
            decide::overrule(setting, &view, &asked, actor, &mut ids)
        };
        let decision = decision.map_err(|refusal| refused(&refusal))?;
        let row = row(&context, &asked, &decision, open, ids.next_id());
        let clocks: Vec<Value> = decision.clocks.iter().map(clock).collect();
        let frame = Frame { tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::decided(&frame, Some(&view), decision))?;
        let version = change.resources.first().map(|task| task.version);
        let mut audit = context.audit(AuditAction::Execute, "override");
        audit.focus = Some(
            open.map_or_else(|| Key::new(ResourceType::Communication, view.thread.id.clone()), |open| open.key.clone()),
        );
        audit.version = version;
        audit.patient.clone_from(&view.thread.patient);
        audit.count = 1;
        change.audit.push(audit);
        change.overrides.push(row.clone());
        let mut told = tell(&row);
        told["clocks"] = Value::Array(clocks);
        Ok((change, (told, version)))
    };
    let (told, version) = context.settle(None, overridden).await?;
    let mut made = HttpResponse::Created();
    made.insert_header((CONTENT_TYPE, "application/json"));
    if let Some(version) = version {
        made.insert_header((ETAG, format!("W/\"{version}\"")));
    }
    Ok(made.body(told.to_string()))
}

/// Whose overrides.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The thread: the id of the conversation's first message.
    #[param(value_type = String)]
    thread: ResourceId,
}

/// Lists the overrides in a thread, oldest first: for staff who see the thread and for administrators.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listOverrides",
    params(Asked),
    responses((status = 200, description = "The overrides.", body = schema::Overrides, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["user/Task.r"]))
)]
#[get("/api/v1/overrides")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    let visibility = visibility(&context, Permission::Read).await?;
    if visibility != Visibility::Everything {
        seen(&context, Key::new(ResourceType::Communication, asked.thread.clone()), visibility).await?;
    }
    let rows = context.state.store.overrides(context.caller.tenant.clone(), asked.thread.clone()).await?;
    super::reading_of(&context, "list-overrides", rows.len(), [conversation(&asked.thread)]).await?;
    Ok(answer(&json!({ "overrides": rows.iter().map(tell).collect::<Vec<_>>() })))
}

/// The rows that the caller may override: everything for administrators; for staff what they see, and what is of the
/// pools that they lead. It is nothing for patients.
pub(super) async fn visibility(context: &Context, permission: Permission) -> Result<Visibility, Failure> {
    if context.caller.administers(permission) {
        return Ok(Visibility::Everything);
    }
    match context.visibility(ResourceType::Task, permission).await? {
        Visibility::Staff { me, mut pools, leads, about } => {
            pools.extend(leads.iter().cloned());
            Ok(Visibility::Staff { me, pools, leads, about })
        }
        Visibility::Everything if permission == Permission::Read => Ok(Visibility::Everything),
        Visibility::Patient { .. } | Visibility::Everything => Err(refused(&Refusal::NotAPerson)),
    }
}

/// The body, read strictly.
fn read(body: &[u8]) -> Result<Wanted, Failure> {
    let wanted: Wanted = document(body, "OverrideRequest")?;
    match (&wanted.thread, &wanted.task) {
        (None, None) => {
            return Err(fault("", "says neither the thread nor the task", "name what is meant as thread or as task"));
        }
        (Some(_), Some(_)) => {
            return Err(fault("/task", "stands beside the thread", "name the thread or the task, one of them"));
        }
        _ => {}
    }
    let code = |note: &String| {
        (1..=64).contains(&note.len())
            && note.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if !wanted.note.as_ref().is_none_or(code) {
        let remedy = "write up to 64 lower-case letters, digits and hyphens, or leave it out";
        return Err(fault("/note", "is no code; a note never holds free text", remedy));
    }
    Ok(wanted)
}

/// What is meant.
fn meant(wanted: &Wanted) -> Result<Key, Failure> {
    match (&wanted.thread, &wanted.task) {
        (_, Some(task)) => Ok(Key::new(ResourceType::Task, task.clone())),
        (Some(thread), None) => Ok(Key::new(ResourceType::Communication, thread.clone())),
        (None, None) => Err(Failure::NotFound),
    }
}

/// The thread of a message or a Task, if the caller may know of it.
pub(super) async fn found(context: &Context, key: Key, visibility: Visibility) -> Result<ThreadView, Failure> {
    let thread = seen(context, key, visibility).await?.thread.ok_or(Failure::NotFound)?;
    context.state.store.thread_of(context.caller.tenant.clone(), thread).await?.ok_or(Failure::NotFound)
}

async fn seen(context: &Context, key: Key, visibility: Visibility) -> Result<Stored, Failure> {
    let read = Read { tenant: context.caller.tenant.clone(), key, version: None, visibility };
    context.state.store.read(read).await?.filter(|found| !found.deleted).ok_or(Failure::NotFound)
}

/// The row of an override that was decided.
pub(crate) fn row(
    context: &Context,
    asked: &Override,
    decision: &Decision,
    task: Option<&Stored>,
    id: ResourceId,
) -> OverrideRow {
    let paused = decision.clocks.iter().find_map(|clock| clock.fold.paused_until);
    let until = paused.or(asked.until.filter(|_| asked.kind.exempts()));
    OverrideRow {
        id,
        at: decision.record.at,
        thread: decision.thread.id.clone(),
        task: task.map(|task| task.key.id.clone()),
        decision: decision.record.id.clone(),
        kind: asked.kind.as_str().to_owned(),
        reason: asked.reason.as_str().to_owned(),
        amount: asked.amount,
        due: asked.due,
        until,
        sender: asked.sender.clone(),
        note: asked.note.clone(),
        agent: context.caller.user.clone(),
        client: context.caller.client.clone(),
    }
}

/// Absent members are left out: a generated client need not know `null`.
fn tell(row: &OverrideRow) -> Value {
    let mut told = json!({
        "id": row.id, "at": row.at, "thread": row.thread, "decision": row.decision,
        "kind": row.kind, "reason": row.reason, "client": row.client,
    });
    let optional = [
        ("task", row.task.as_ref().map(|task| json!(task))),
        ("amount", row.amount.map(|amount| json!(amount))),
        ("due", row.due.map(|due| json!(due))),
        ("until", row.until.map(|until| json!(until))),
        ("sender", row.sender.as_ref().map(|sender| json!(sender.to_string()))),
        ("note", row.note.as_ref().map(|note| json!(note))),
        ("agent", row.agent.as_ref().map(|agent| json!(agent.to_string()))),
    ];
    present(&mut told, optional);
    told
}

/// What became of a clock.
pub(super) fn clock(clock: &Clock) -> Value {
    let mut told = json!({ "id": clock.id, "name": clock.name, "cycle": clock.cycle, "state": clock.fold.state });
    let optional = [
        ("dueAt", clock.fold.due_at.map(|at| json!(at))),
        ("promisedAt", clock.promised_at.map(|at| json!(at))),
        ("pausedUntil", clock.fold.paused_until.map(|at| json!(at))),
    ];
    present(&mut told, optional);
    told
}

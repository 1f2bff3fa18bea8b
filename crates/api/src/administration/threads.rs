//! What the team does with a whole thread: says that it was opened, hands it over, merges it with another.

use actix_web::post;
use actix_web::web::Path;
use domain::access::Permission;
use domain::change::{AuditAction, AuditRow, Change};
use domain::decide::{self, Actor, MergeReason, Refusal, RouteReason, Setting};
use domain::decision::Decision;
use domain::id::{Key, ResourceId, ResourceType};
use domain::policy::Policy;
use domain::store::ThreadView;
use domain::time::Instant;
use fhir::decided::{self, Frame};
use serde::Deserialize;
use serde_json::{Value, json};

use super::overrides::{found, visibility};
use super::{document, json as answer};
use crate::communication::refused;
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;
use crate::read::unreadable;

/// Says that a person of the pool that answers has opened the thread: it stops the clock until somebody has looked. To
/// claim and to answer say so too; to read does not, because a program reads ahead. To say it again changes nothing.
#[utoipa::path(
    tag = "Administration",
    operation_id = "openThread",
    params(("id" = String, Path, description = "The thread: the id of the conversation's first message.")),
    responses((status = 200, description = "How the thread stands.", body = schema::ThreadState, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/threads/{id}/open")]
pub(crate) async fn open(context: Context, id: Path<String>) -> Answer {
    changed(&context, &id, "open-thread", |policy, view, actor, now| {
        let setting = Setting { policy, now };
        let mut ids = context.state.ids(now);
        decide::open(setting, view, actor, &mut ids)
    })
    .await
}

/// To which pool, and why.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Routing {
    pool: String,
    reason: RouteReason,
}

/// Hands a thread to another pool, by its id in the policy or its reference. What the patient waits for is due and
/// promised as before: handing over never resets a clock. The new pool is told, and its own clock begins where the
/// policy has one.
#[utoipa::path(
    tag = "Administration",
    operation_id = "routeThread",
    params(("id" = String, Path, description = "The thread: the id of the conversation's first message.")),
    request_body(content = schema::RouteRequest, content_type = "application/json"),
    responses((status = 200, description = "How the thread stands.", body = schema::ThreadState, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/threads/{id}/route")]
pub(crate) async fn route(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    let asked: Routing = document(&body.0, "RouteRequest")?;
    changed(&context, &id, "route-thread", |policy, view, actor, now| {
        let named = || asked.pool.parse().ok().and_then(|reference| policy.pool_of(&reference));
        let to = policy.pool(&asked.pool).or_else(named).ok_or(Refusal::UnknownPool)?;
        let setting = Setting { policy, now };
        let mut ids = context.state.ids(now);
        decide::route(setting, view, to, asked.reason, actor, &mut ids)
    })
    .await
}

/// Into which thread, and why.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Merging {
    into: ResourceId,
    reason: MergeReason,
}

/// Merges a thread into another of the same patient, for people who answer in both. What is owed here falls away with
/// a link; there the earlier of the two is due and promised. Both stay readable, and whoever goes on writing here is
/// heard there.
#[utoipa::path(
    tag = "Administration",
    operation_id = "mergeThread",
    params(("id" = String, Path, description = "The thread that ends: the id of the conversation's first message.")),
    request_body(content = schema::MergeRequest, content_type = "application/json"),
    responses((status = 200, description = "How the thread stands that goes on.", body = schema::ThreadState, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/threads/{id}/merge")]
pub(crate) async fn merge(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    let asked: Merging = document(&body.0, "MergeRequest")?;
    let merged = async |policy: &Policy| {
        let from = view(&context, &id).await?;
        let into = view(&context, asked.into.as_str()).await?;
        let now = context.now();
        let pools = context.pools_under(policy);
        let setting = Setting { policy, now: Instant::from(now) };
        let mut ids = context.state.ids(setting.now);
        let mut ledgers = Vec::new();
        for clock in &from.clocks {
            let (tenant, id) = (context.caller.tenant.clone(), clock.id.clone());
            ledgers.extend(context.state.store.ledger(tenant, id).await?);
        }
        let by = context.actor(&pools, Permission::Update);
        let (kept, ended) = decide::merge(setting, &into, (&from, &ledgers), asked.reason, by, &mut ids)
            .map_err(|refusal| refused(&refusal))?;
        let told = tell(&kept);
        let frame = Frame { tenant: &context.caller.tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::decided(&frame, Some(&into), kept))?;
        let other = unreadable(decided::decided(&frame, Some(&from), ended))?;
        join(&mut change, other);
        change.audit = vec![audit(&context, "merge-thread", &from), audit(&context, "merge-thread", &into)];
        Ok((change, told))
    };
    Ok(answer(&context.settle(None, merged).await?))
}

/// Decides about one thread and saves it; anew when it or the policy has moved on meanwhile.
async fn changed(
    context: &Context,
    id: &str,
    interaction: &'static str,
    decide: impl Fn(&Policy, &ThreadView, Actor<'_>, Instant) -> Result<Decision, Refusal>,
) -> Answer {
    let decided = async |policy: &Policy| {
        let view = view(context, id).await?;
        let now = context.now();
        let pools = context.pools_under(policy);
        let decision = decide(policy, &view, context.actor(&pools, Permission::Update), Instant::from(now))
            .map_err(|refusal| refused(&refusal))?;
        let told = tell(&decision);
        let frame = Frame { tenant: &context.caller.tenant, generation: policy.generation, now };
        let mut change = unreadable(decided::decided(&frame, Some(&view), decision))?;
        change.audit = vec![audit(context, interaction, &view)];
        Ok((change, told))
    };
    Ok(answer(&context.settle(None, decided).await?))
}

/// The thread, if the caller may know of it.
async fn view(context: &Context, id: &str) -> Result<ThreadView, Failure> {
    let visibility = visibility(context, Permission::Update).await?;
    let id: ResourceId = id.parse().map_err(|_| Failure::NotFound)?;
    found(context, Key::new(ResourceType::Communication, id), visibility).await
}

fn audit(context: &Context, interaction: &'static str, view: &ThreadView) -> AuditRow {
    AuditRow {
        focus: Some(Key::new(ResourceType::Communication, view.thread.id.clone())),
        patient: view.thread.patient.clone(),
        count: 1,
        ..context.audit(AuditAction::Execute, interaction)
    }
}

/// One transaction of two decisions.
fn join(change: &mut Change, other: Change) {
    change.resources.extend(other.resources);
    change.threads.extend(other.threads);
    change.clocks.extend(other.clocks);
    change.ledger.extend(other.ledger);
    change.outbox.extend(other.outbox);
    change.decisions.extend(other.decisions);
}

/// How the thread stands after a decision, with the clocks that it has changed.
fn tell(decision: &Decision) -> Value {
    let thread = &decision.thread;
    let mut told = json!({
        "thread": thread.id,
        "state": thread.state,
        "marks": thread.marks().collect::<Vec<_>>(),
        "decision": decision.record.id,
        "clocks": decision.clocks.iter().map(super::overrides::clock).collect::<Vec<_>>(),
    });
    let optional = [
        ("pool", thread.pool.as_ref().map(|pool| json!(pool))),
        ("task", thread.task.as_ref().map(|task| json!(task))),
    ];
    super::present(&mut told, optional);
    told
}

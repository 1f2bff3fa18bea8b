//! Blocks: a lead or administrator has somebody's messages held for review, with a reason and an end.

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, delete, get, post};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Change};
use domain::correspondent::Who;
use domain::decide::{self, Actor, BlockAsked, Blocked, Refusal, Setting};
use domain::hold::{Block, BlockReason};
use domain::id::{Reference, ResourceId, ResourceType};
use domain::policy::Policy;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{document, json as answer, limit, location, present};
use crate::communication::refused;
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    sender: Reference,
    pool: Option<String>,
    reason: BlockReason,
    until: Instant,
    contact: Option<String>,
}

/// Has somebody's messages to a pool, or to every pool, held for review until an instant. Nothing is refused: what they
/// write is stored, answered at once with another way to reach care, and reviewed; red flags pass. For those who lead
/// the pool, with the scope to update Tasks, and for administrators (`postern/admin.write`).
#[utoipa::path(
    tag = "Administration",
    operation_id = "createBlock",
    request_body(content = schema::BlockRequest, content_type = "application/json"),
    responses(
        (status = 201, description = "The block.", body = schema::Block, content_type = "application/json",
            headers(("Location" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/blocks")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    team(&context, Permission::Update).await?;
    let wanted: Wanted = document(&body.0, "BlockRequest")?;
    let asked = BlockAsked {
        sender: wanted.sender,
        pool: wanted.pool,
        reason: wanted.reason,
        until: wanted.until,
        contact: wanted.contact,
    };
    let block = saved(&context, "create-block", asked.sender.clone(), async |setting, actor, sender| {
        let mut ids = context.state.ids(setting.now);
        let by = (actor, context.caller.client.as_str());
        decide::block(setting, &asked, by, &sender, &mut ids)
    })
    .await?;
    let path = location(&context, &format!("blocks/{}", block.id));
    let mut made = HttpResponse::Created();
    made.insert_header((CONTENT_TYPE, "application/json")).insert_header((LOCATION, path));
    Ok(made.body(tell(&block, Instant::from(context.now())).to_string()))
}

/// How many blocks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// How many at most.
    limit: Option<u16>,
}

/// Lists the blocks that have not come to their end by themselves, newest first, also those that a person has ended: for
/// those who lead their pool and for administrators.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listBlocks",
    params(Asked),
    responses((status = 200, description = "The blocks.", body = schema::Blocks, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["user/Task.r"]))
)]
#[get("/api/v1/blocks")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    team(&context, Permission::Read).await?;
    let now = Instant::from(context.now());
    let tenant = context.caller.tenant.clone();
    let everybody = context.caller.administers(Permission::Read);
    let pools = if everybody { None } else { Some(context.led().await?) };
    let found = context.state.store.blocks(tenant, pools, now, limit(asked.limit)).await?;
    super::reading_of(&context, "list-blocks", found.len(), found.iter().map(|block| block.sender.clone())).await?;
    let told: Vec<Value> = found.iter().map(|block| tell(block, now)).collect();
    Ok(answer(&json!({ "blocks": told })))
}

/// Ends a block before its time. What is held already stays held until it is reviewed.
#[utoipa::path(
    tag = "Administration",
    operation_id = "endBlock",
    params(("id" = String, Path, description = "The block's id.")),
    responses(
        (status = 200, description = "The block as it ended.", body = schema::Block, content_type = "application/json"),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[delete("/api/v1/blocks/{id}")]
pub(crate) async fn unblock(context: Context, id: Path<String>) -> Answer {
    team(&context, Permission::Update).await?;
    let id: ResourceId = id.parse().map_err(|_| Failure::NotFound)?;
    let found = context.state.store.block(context.caller.tenant.clone(), id).await?.ok_or(Failure::NotFound)?;
    let block = saved(&context, "end-block", found.sender.clone(), async |setting, actor, sender| {
        decide::unblock(setting, &found, actor, &sender)
    })
    .await
    // Whoever does not lead its pool is not to know that it is there.
    .map_err(|failure| if matches!(failure, Failure::NotAllowed(_)) { Failure::NotFound } else { failure })?;
    Ok(answer(&tell(&block, Instant::from(context.now()))))
}

/// Refuses whoever is neither of the team nor an administrator, before anything is looked at.
async fn team(context: &Context, permission: Permission) -> Result<(), Failure> {
    if context.caller.administers(permission) {
        return Ok(());
    }
    match context.visibility(ResourceType::Task, permission).await? {
        Visibility::Staff { about: None, .. } => Ok(()),
        Visibility::Staff { .. } | Visibility::Patient { .. } | Visibility::Everything => {
            Err(refused(&Refusal::NotALead))
        }
    }
}

/// Decides and saves; anew when the policy or what is remembered of the sender has changed meanwhile.
async fn saved(
    context: &Context,
    interaction: &'static str,
    sender: Reference,
    decided: impl AsyncFn(Setting<'_>, Actor<'_>, domain::correspondent::Correspondent) -> Result<Blocked, Refusal>,
) -> Result<Block, Failure> {
    let now = Instant::from(context.now());
    let blocked = async |policy: &Policy| {
        let (tenant, who) = (context.caller.tenant.clone(), Who::Sender(sender.clone()));
        let known = context.state.store.correspondent(tenant, who).await?;
        let pools = context.pools_under(policy);
        let setting = Setting { policy, now };
        let blocked = decided(setting, context.actor(&pools, Permission::Update), known)
            .await
            .map_err(|refusal| refused(&refusal))?;
        let mut change = change(context, interaction, policy, &blocked);
        change.blocks = vec![blocked.block.clone()];
        change.correspondents = vec![blocked.correspondent];
        Ok((change, blocked.block))
    };
    context.settle(None, blocked).await
}

fn change(context: &Context, interaction: &'static str, policy: &Policy, blocked: &Blocked) -> Change {
    let mut change = Change::new(context.caller.tenant.clone());
    change.generation = Some(policy.generation);
    let mut audit = context.audit(AuditAction::Execute, interaction);
    audit.patient = Some(blocked.block.sender.clone()).filter(|sender| sender.is("Patient"));
    audit.count = 1;
    change.audit = vec![audit];
    change
}

/// Absent members are left out: a generated client need not know `null`.
fn tell(block: &Block, now: Instant) -> Value {
    let mut told = json!({
        "id": block.id, "at": block.at, "sender": block.sender.to_string(), "reason": block.reason,
        "until": block.until, "client": block.client, "inForce": block.is_in_force(now),
    });
    let ended = block.ended.as_ref();
    let optional = [
        ("pool", block.pool.as_ref().map(|pool| json!(pool))),
        ("poolReference", block.pool_reference.as_ref().map(|pool| json!(pool.to_string()))),
        ("contact", block.contact.as_ref().map(|contact| json!(contact))),
        ("agent", block.agent.as_ref().map(|agent| json!(agent.to_string()))),
        ("endedAt", ended.map(|end| json!(end.at))),
        ("endedBy", ended.and_then(|end| end.agent.as_ref()).map(|agent| json!(agent.to_string()))),
    ];
    present(&mut told, optional);
    told
}

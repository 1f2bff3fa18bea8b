//! Messages held for review: listed, and released by those who lead the pool that is to answer.

use std::collections::BTreeMap;

use actix_web::http::header::{CONTENT_TYPE, ETAG};
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, get, post};
use domain::access::{Permission, Visibility};
use domain::change::AuditAction;
use domain::decide::{self, Refusal, Setting};
use domain::hold::{Hold, HoldState, Review, ReviewOutcome};
use domain::id::{Key, ResourceId, ResourceType, Version};
use domain::overrides::OverrideReason;
use domain::policy::Policy;
use domain::search::{Filter, Search};
use domain::time::Instant;
use fhir::decided::{self, Frame};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{conversation, document, json as answer, limit, present};
use crate::communication::refused;
use crate::context::{Context, led};
use crate::error::{Answer, Failure};
use crate::held::Held;
use crate::manners::body::ResourceBody;
use crate::openapi::schema;
use crate::read::unreadable;

/// Which holds.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Where they stand: `held` unless said otherwise, `released`, `answered`, `delivered` or `retracted`.
    #[param(value_type = Option<String>)]
    state: Option<HoldState>,
    /// How many at most.
    limit: Option<u16>,
}

/// Lists the messages held for review, the oldest first: for those who lead a pool that is to answer, and for
/// administrators. No text is among them.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listHolds",
    params(Asked),
    responses((status = 200, description = "The holds.", body = schema::Holds, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["user/Task.r"]))
)]
#[get("/api/v1/holds")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    let pools = match reach(&context, Permission::Read).await? {
        Visibility::Staff { leads, .. } => Some(leads),
        _ => None,
    };
    let tenant = context.caller.tenant.clone();
    let state = asked.state.unwrap_or(HoldState::Held);
    let holds = context.state.store.holds(tenant, pools, state, limit(asked.limit)).await?;
    let versions = versions(&context, &holds).await?;
    let version = |hold: &Hold| versions.get(&hold.message).copied();
    let missing = || Failure::Internal("a hold without its message".to_owned());
    let told = holds.iter().map(|hold| Ok(tell(hold, version(hold).ok_or_else(missing)?)));
    let told = told.collect::<Result<Vec<Value>, Failure>>()?;
    let about = holds.iter().flat_map(|hold| hold.patient.clone().into_iter().chain([conversation(&hold.message)]));
    super::reading_of(&context, "list-holds", holds.len(), about).await?;
    Ok(answer(&json!({ "holds": told })))
}

/// What a reviewer asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    outcome: ReviewOutcome,
    reason: OverrideReason,
    pool: Option<String>,
}

/// Ends a hold: the message is delivered. What is owed is counted from its receipt, and nothing that the patient was
/// told moves later. With `outcome` `answered` it is delivered and asks for no answer. For those who lead the pool that
/// is to answer, with the scope to update Tasks, and for administrators (`postern/admin.write`). With `If-Match` only
/// that version of the message is released.
#[utoipa::path(
    tag = "Administration",
    operation_id = "releaseHold",
    params(("message" = String, Path, description = "The held message's id."), schema::IfMatch),
    request_body(content = schema::ReviewRequest, content_type = "application/json"),
    responses(
        (status = 200, description = "The hold as it ended; the ETag is that of the message.", body = schema::Hold,
            content_type = "application/json", headers(("ETag" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[post("/api/v1/holds/{message}/release")]
pub(crate) async fn release(context: Context, message: Path<String>, body: ResourceBody) -> Answer {
    let reach = reach(&context, Permission::Update).await?;
    let tenant = context.caller.tenant.clone();
    let id: ResourceId = message.parse().map_err(|_| Failure::NotFound)?;
    let found = context.state.store.hold(tenant.clone(), id).await?.ok_or(Failure::NotFound)?;
    // Whoever does not review it is not to know that it is there.
    if matches!(&reach, Visibility::Staff { leads, .. } if !leads.contains(&found.pool_reference)) {
        return Err(Failure::NotFound);
    }
    let review = read(&body.0)?;
    let now = context.now();
    let held_back = Key::new(ResourceType::Communication, found.message.clone());
    let released = async |policy: &Policy| {
        let held = Held::read(&context.state, &tenant, found.clone()).await?;
        context.manners.admit(&held.stored)?;
        let pools = context.pools_under(policy);
        let actor = context.actor(&pools, Permission::Update);
        let setting = Setting { policy, now: Instant::from(now) };
        let mut ids = context.state.ids(setting.now);
        let by = (actor, context.caller.client.as_str());
        let shadow = held.shadow(&context.state, (&tenant, policy), (setting.now, &ids), |setting, ids| {
            decide::release(setting, held.message(), held.known(), &review, by, ids).ok()
        });
        let decision = decide::release(setting, held.message(), held.known(), &review, by, &mut ids)
            .map_err(|refusal| refused(&refusal))?;
        let ended = decision.hold.clone().ok_or_else(|| Failure::Internal("a release without a hold".to_owned()))?;
        let frame = Frame { tenant: &tenant, generation: policy.generation, now };
        let rows = (&held.stored, held.review.as_ref());
        let mut change = unreadable(decided::released(&frame, &held.view, rows, decision))?;
        change.shadows = shadow;
        let version = held.stored.version.next();
        let mut audit = context.audit(AuditAction::Execute, "release-hold");
        audit.focus = Some(held.stored.key.clone());
        audit.version = Some(version);
        audit.patient.clone_from(&held.hold.patient);
        audit.count = 1;
        change.audit.push(audit);
        Ok((change, (ended, version)))
    };
    let (ended, version) = context.settle(Some(&held_back), released).await?;
    let mut made = HttpResponse::Ok();
    made.insert_header((CONTENT_TYPE, "application/json"));
    made.insert_header((ETAG, format!("W/\"{version}\"")));
    Ok(made.body(tell(&ended, version).to_string()))
}

/// Whose holds the caller may see: an administrator's are all; those of the staff are of the pools they lead; a patient
/// has none.
async fn reach(context: &Context, permission: Permission) -> Result<Visibility, Failure> {
    if context.caller.administers(permission) {
        return Ok(Visibility::Everything);
    }
    match context.visibility(ResourceType::Task, permission).await? {
        Visibility::Staff { me, pools, about: None, .. } => {
            let policy = context.state.policies.current(&context.caller.tenant).await?;
            let leads = led(&policy, &context.caller, &pools);
            if leads.is_empty() {
                return Err(refused(&Refusal::NotALead));
            }
            Ok(Visibility::Staff { me, pools, leads, about: None })
        }
        Visibility::Staff { .. } | Visibility::Patient { .. } | Visibility::Everything => {
            Err(refused(&Refusal::NotALead))
        }
    }
}

/// The versions in which the messages of holds are stored.
async fn versions(context: &Context, holds: &[Hold]) -> Result<BTreeMap<ResourceId, Version>, Failure> {
    let mut search = Search {
        tenant: context.caller.tenant.clone(),
        kind: ResourceType::Communication,
        filters: vec![Filter::Id(holds.iter().map(|hold| hold.message.clone()).collect())],
        sort: vec![],
        count: u16::try_from(holds.len()).unwrap_or(u16::MAX),
        after: None,
        total: false,
        visibility: Visibility::Everything,
    };
    let mut found = BTreeMap::new();
    loop {
        let page = context.state.store.search(search.clone()).await?;
        found.extend(page.rows.into_iter().map(|row| (row.key.id, row.version)));
        search.after = page.next;
        if search.after.is_none() {
            return Ok(found);
        }
    }
}

/// The body, read strictly.
fn read(body: &[u8]) -> Result<Review, Failure> {
    let wanted: Wanted = document(body, "ReviewRequest")?;
    Ok(Review { outcome: wanted.outcome, reason: wanted.reason, pool: wanted.pool })
}

/// Absent members are left out: a generated client need not know `null`.
fn tell(hold: &Hold, version: Version) -> Value {
    let mut told = json!({
        "message": hold.message, "version": version, "thread": hold.thread, "sender": hold.sender.to_string(),
        "pool": hold.pool, "poolReference": hold.pool_reference.to_string(), "cause": hold.cause, "rule": hold.rule,
        "task": hold.task, "receivedAt": hold.received_at, "until": hold.until, "state": hold.state,
    });
    let ended = hold.ended.as_ref();
    let optional = [
        ("patient", hold.patient.as_ref().map(|patient| json!(patient.to_string()))),
        ("endedAt", ended.map(|end| json!(end.at))),
        ("reason", ended.map(|end| json!(end.reason))),
        ("decision", ended.map(|end| json!(end.decision))),
        ("agent", ended.and_then(|end| end.agent.as_ref()).map(|agent| json!(agent.to_string()))),
        ("client", ended.map(|end| json!(end.client))),
    ];
    present(&mut told, optional);
    told
}

//! Clocks with their ledgers: how the time of an obligation was counted.

use actix_web::get;
use actix_web::web::Query;
use domain::clock::{Clock, LedgerEntry};
use domain::id::ResourceId;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{administrator, json, reading};
use crate::context::Context;
use crate::error::Answer;
use crate::openapi::schema;

/// Whose clocks.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The thread: the id of the conversation's first message.
    #[param(value_type = String)]
    thread: ResourceId,
}

/// Lists the clocks of a thread, of all cycles, with their ledgers.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listClocks",
    params(Asked),
    responses((status = 200, description = "The clocks.", body = schema::Clocks, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/clocks")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    administrator(&context)?;
    let tenant = &context.caller.tenant;
    let clocks = context.state.store.clocks(tenant.clone(), asked.thread.clone()).await?;
    let mut told = Vec::with_capacity(clocks.len());
    for clock in &clocks {
        let ledger = context.state.store.ledger(tenant.clone(), clock.id.clone()).await?;
        told.push(tell(clock, &ledger));
    }
    reading(&context, "list-clocks", told.len()).await?;
    Ok(json(&json!({ "clocks": told })))
}

/// Absent instants are left out: a generated client need not know `null`.
fn tell(clock: &Clock, ledger: &[LedgerEntry]) -> Value {
    let mut told = json!({
        "id": clock.id,
        "thread": clock.thread,
        "name": clock.name,
        "cycle": clock.cycle,
        "state": clock.fold.state,
        "calendar": clock.fold.calendar,
        "terms": clock.terms,
        "fired": clock.fired,
        "allowance": clock.fold.allowance,
        "used": clock.fold.used,
        "segments": clock.fold.segments,
        "ledger": ledger.iter().map(|entry| json!({ "at": entry.at, "sequence": entry.sequence, "event": entry.event })).collect::<Vec<_>>(),
        "revision": clock.revision,
    });
    let optional = [
        ("task", clock.task.as_ref().map(|task| json!(task))),
        ("target", clock.fold.target.as_ref().map(|target| json!(target))),
        ("startedAt", clock.fold.started_at.map(|at| json!(at))),
        ("dueAt", clock.fold.due_at.map(|at| json!(at))),
        ("lastDueAt", clock.fold.last_due_at.map(|at| json!(at))),
        ("promisedAt", clock.promised_at.map(|at| json!(at))),
        ("pausedUntil", clock.fold.paused_until.map(|at| json!(at))),
        ("stoppedAt", clock.fold.stopped_at.map(|at| json!(at))),
        ("breachedAt", clock.fold.breached_at.map(|at| json!(at))),
        ("next", clock.next.as_ref().map(|next| json!({ "id": next.id, "at": next.at }))),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            told[name] = value;
        }
    }
    told
}

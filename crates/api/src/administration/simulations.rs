//! Simulations: the stored messages of a time replayed under two bundles, and what differs.

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, get, post};
use domain::access::Permission;
use domain::change::{AuditAction, BundleRow, BundleState, Change};
use domain::policy::bundle::Bundle;
use domain::policy::lint::{Finding, Severity};
use domain::simulate::{Compared, LONGEST, SimulationRow, SimulationState, WAITING};
use domain::store::SaveError;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::bundles::readable;
use super::{administrator, conversation, fault, limit, reading, reading_of, record};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;

/// What is asked of a simulation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<'a> {
    /// One side, as `id/version`; the active bundle unless it is said.
    #[serde(default)]
    baseline: Option<String>,
    /// The other: `id/version`, or a bundle itself.
    #[serde(borrow)]
    candidate: &'a RawValue,
    /// The first instant of the messages.
    from: Instant,
    /// The first instant after them.
    to: Instant,
}

/// Asks for a simulation: the messages stored between two instants are replayed under a baseline, the active bundle
/// unless it is said, and a candidate, which is a stored bundle by its `id/version` or a bundle itself. Nothing is sent,
/// and nothing is written but the simulation. A worker takes it up; its address tells how far it is.
#[utoipa::path(
    tag = "Administration",
    operation_id = "createSimulation",
    request_body(content = schema::SimulationRequest, content_type = "application/json"),
    responses(
        (status = 202, description = "It waits for a worker.", body = schema::Simulation, content_type = "application/json",
            headers(("Location" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/simulations")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    context.administer(Permission::Update)?;
    let now = Instant::from(context.now());
    let wanted: Wanted<'_> = serde_json::from_slice(&body.0).map_err(|_| {
        let message = "the document is not what is asked for";
        fault("", message, "send candidate, from and to, and baseline if it is not the active bundle; nothing else")
    })?;
    check(&wanted)?;
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let bundles = store.bundles(tenant.clone()).await?;
    let row = SimulationRow {
        id: context.state.ids(now).next_id(),
        created_at: now,
        baseline: baseline(&bundles, wanted.baseline.as_deref(), wanted.to)?,
        candidate: candidate(&bundles, wanted.candidate, wanted.to)?,
        from: wanted.from,
        to: wanted.to,
        state: SimulationState::Queued,
        processed: 0,
        total: store.count_messages(tenant.clone(), wanted.from, wanted.to).await?,
        report: None,
        error: None,
        ended_at: None,
        claimed_until: None,
        revision: 1,
    };
    let latest = store.simulations(tenant.clone(), super::ROWS.1).await?;
    if latest.iter().filter(|row| !row.state.is_over()).count() >= WAITING {
        let what = format!("{WAITING} simulations wait or run");
        return Err(Failure::NotNow(what, "wait until one is done, or cancel one that nobody needs"));
    }
    let mut change = Change::new(tenant.clone());
    change.audit = vec![context.audit(AuditAction::Create, "create-simulation")];
    change.simulations = vec![row.clone()];
    context.save(change).await?;
    Ok(HttpResponse::Accepted()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((LOCATION, super::location(&context, &format!("simulations/{}", row.id))))
        .body(tell(&row)?.to_string()))
}

/// How many to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// How many: 50 unless said, 500 at most.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists simulations, newest first, without their reports.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listSimulations",
    params(Asked),
    responses((status = 200, description = "The simulations.", body = schema::Simulations, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/simulations")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    administrator(&context)?;
    let rows = context.state.store.simulations(context.caller.tenant.clone(), limit(asked.limit)).await?;
    reading(&context, "list-simulations", rows.len()).await?;
    let told = rows.iter().map(tell).collect::<Result<Vec<Value>, Failure>>()?;
    Ok(super::json(&json!({ "simulations": told })))
}

/// Reads a simulation: how far it is and, once it is done, its report.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readSimulation",
    params(("id" = String, Path, description = "The simulation's id.")),
    responses((status = 200, description = "The simulation.", body = schema::Simulation, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/simulations/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    administrator(&context)?;
    let row = found(&context, &id).await?;
    let told = tell(&row)?;
    let differences = told["report"]["differences"].as_array().into_iter().flatten();
    let threads = differences.filter_map(|difference| difference["thread"].as_str()?.parse().ok());
    reading_of(&context, "read-simulation", 1, threads.map(|thread| conversation(&thread))).await?;
    Ok(super::json(&told))
}

/// Cancels a simulation that waits or runs. A worker that runs it stops within a second.
#[utoipa::path(
    tag = "Administration",
    operation_id = "cancelSimulation",
    params(("id" = String, Path, description = "The simulation's id.")),
    responses((status = 200, description = "The simulation, cancelled.", body = schema::Simulation, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/simulations/{id}/cancel")]
pub(crate) async fn cancel(context: Context, id: Path<String>) -> Answer {
    context.administer(Permission::Update)?;
    loop {
        let row = found(&context, &id).await?;
        let cancelled = row.cancelled(context.now().into()).map_err(|over| {
            Failure::NotNow(over.to_string(), "nothing is to be done: its address tells how it ended")
        })?;
        let mut change = Change::new(context.caller.tenant.clone());
        change.audit = vec![context.audit(AuditAction::Update, "cancel-simulation")];
        change.simulations = vec![cancelled.clone()];
        match context.save(change).await {
            Ok(()) => return Ok(super::json(&tell(&cancelled)?)),
            // Its worker has said meanwhile how far it is, once a second at most, or that it is done.
            Err(SaveError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

async fn found(context: &Context, id: &str) -> Result<SimulationRow, Failure> {
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    context.state.store.simulation(context.caller.tenant.clone(), id).await?.ok_or(Failure::NotFound)
}

fn tell(row: &SimulationRow) -> Result<Value, Failure> {
    let side = |side: &Compared| json!({ "bundle": side.name, "hash": side.hash });
    let mut told = json!({
        "id": row.id,
        "state": row.state.as_str(),
        "createdAt": row.created_at,
        "baseline": side(&row.baseline),
        "candidate": side(&row.candidate),
        "from": row.from,
        "to": row.to,
        "progress": { "processed": row.processed, "total": row.total },
    });
    if let Some(at) = row.ended_at {
        told["endedAt"] = json!(at);
    }
    if let Some(error) = &row.error {
        told["error"] = json!(error);
    }
    if let Some(report) = &row.report {
        told["report"] = record(report)?;
    }
    Ok(told)
}

fn check(wanted: &Wanted<'_>) -> Result<(), Failure> {
    if wanted.to <= wanted.from {
        return Err(fault("/to", "is not later than from", "name an instant after from"));
    }
    if wanted.to.since(wanted.from) > LONGEST {
        return Err(fault("/to", "lies more than 366 days after from", "ask for a year at a time"));
    }
    Ok(())
}

fn baseline(bundles: &[BundleRow], name: Option<&str>, around: Instant) -> Result<Compared, Failure> {
    let remedy = "name a stored version as id/version, or activate a bundle and leave baseline out";
    let row = match name {
        Some(name) => bundles.iter().find(|row| row.name() == name),
        None => bundles.iter().find(|row| row.state == BundleState::Active),
    };
    let row = row.ok_or_else(|| fault("/baseline", "there is no such bundle", remedy))?;
    stored(row, "/baseline", around)
}

fn candidate(bundles: &[BundleRow], asked: &RawValue, around: Instant) -> Result<Compared, Failure> {
    const POINTER: &str = "/candidate";
    if let Ok(name) = serde_json::from_str::<String>(asked.get()) {
        let row = bundles.iter().find(|row| row.name() == name);
        let remedy = "name a stored version as id/version, or give the bundle itself";
        return stored(row.ok_or_else(|| fault(POINTER, "there is no such bundle", remedy))?, POINTER, around);
    }
    let bundle = faultless(asked.get(), POINTER, around)?;
    let row = BundleRow::draft(&bundle, around);
    Ok(Compared { name: row.name(), hash: row.hash, body: row.body })
}

fn stored(row: &BundleRow, pointer: &str, around: Instant) -> Result<Compared, Failure> {
    faultless(&row.body, pointer, around)?;
    Ok(Compared { name: row.name(), hash: row.hash.clone(), body: row.body.clone() })
}

/// A bundle without errors; those of another are told by where they stand in the request.
fn faultless(text: &str, pointer: &str, around: Instant) -> Result<Bundle, Failure> {
    let within = |findings: Vec<Finding>| {
        let placed = |finding: Finding| Finding { pointer: format!("{pointer}{}", finding.pointer), ..finding };
        Failure::Findings(findings.into_iter().map(placed).collect())
    };
    let bundle = readable(text.as_bytes()).map_err(|finding| within(vec![finding]))?;
    let findings = bundle.lint(around);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(within(findings));
    }
    Ok(bundle)
}

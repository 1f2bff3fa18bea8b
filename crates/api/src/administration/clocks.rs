//! Clocks with their ledgers: how the time of an obligation was counted, and why.

use std::collections::BTreeMap;

use actix_web::http::header::ACCEPT_LANGUAGE;
use actix_web::web::{Path, Query};
use actix_web::{HttpRequest, HttpResponse, get};
use domain::calendar::Calendar;
use domain::clock::{Calendars, Clock, Explanation, Language, LedgerEntry};
use domain::id::ResourceId;
use domain::policy::Policy;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{administrator, conversation, json, reading_of};
use crate::context::Context;
use crate::error::{Answer, Failure};
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
    listed(&context, asked.thread.clone()).await
}

/// Lists the clocks of a thread, of all cycles, with their ledgers.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listThreadClocks",
    params(("id" = String, Path, description = "The thread: the id of the conversation's first message.")),
    responses((status = 200, description = "The clocks.", body = schema::Clocks, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/threads/{id}/clocks")]
pub(crate) async fn of_thread(context: Context, id: Path<String>) -> Answer {
    listed(&context, id.parse().map_err(|_| Failure::NotFound)?).await
}

async fn listed(context: &Context, thread: ResourceId) -> Answer {
    administrator(context)?;
    let tenant = &context.caller.tenant;
    let clocks = context.state.store.clocks(tenant.clone(), thread).await?;
    let mut told = Vec::with_capacity(clocks.len());
    for clock in &clocks {
        let ledger = context.state.store.ledger(tenant.clone(), clock.id.clone()).await?;
        told.push(tell(clock, &ledger));
    }
    let about = clocks.iter().map(|clock| conversation(&clock.thread));
    reading_of(context, "list-clocks", told.len(), about).await?;
    Ok(json(&json!({ "clocks": told })))
}

/// Reads a clock with its ledger.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readClock",
    params(("id" = String, Path, description = "The clock's id.")),
    responses((status = 200, description = "The clock.", body = schema::Clock, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/clocks/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    let clock = found(&context, &id).await?;
    let ledger = context.state.store.ledger(context.caller.tenant.clone(), clock.id.clone()).await?;
    reading_of(&context, "read-clock", 1, [conversation(&clock.thread)]).await?;
    Ok(json(&tell(&clock, &ledger)))
}

/// Explains a clock: its ledger step by step, the open and closed time it ran through, where its thresholds stand and
/// which have fired, and the same as a paragraph, in English or Spanish as `Accept-Language` asks.
#[utoipa::path(
    tag = "Administration",
    operation_id = "explainClock",
    params(("id" = String, Path, description = "The clock's id."), schema::AcceptLanguage),
    responses((status = 200, description = "Why it stands where it stands.", body = schema::ClockExplanation, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/clocks/{id}/explain")]
pub(crate) async fn explain(context: Context, id: Path<String>, request: HttpRequest) -> Answer {
    let clock = found(&context, &id).await?;
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let ledger = store.ledger(tenant.clone(), clock.id.clone()).await?;
    let firings = store.firings(tenant.clone(), clock.id.clone()).await?;
    let policy = context.state.policies.current(tenant).await?;
    let mut keys: Vec<String> = clock.fold.segments.iter().map(|segment| segment.calendar.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    let around = clock.fold.started_at.unwrap_or_else(|| Instant::from(context.now()));
    let kept = store.calendars(tenant.clone(), keys).await?;
    let counted = kept.iter().filter_map(|kept| Some((kept.key.clone(), kept.compile(around).ok()?)));
    let known = Known { counted: counted.collect(), policy: &policy };
    let asked = request.headers().get(ACCEPT_LANGUAGE).and_then(|header| header.to_str().ok()).unwrap_or_default();
    let language = wanted(asked).or_else(|| Language::of(&policy.bundle.clinic.language)).unwrap_or_default();
    let told = Explanation::of(&clock, &ledger, &firings, &known, context.now().into(), language);
    reading_of(&context, "explain-clock", 1, [conversation(&clock.thread)]).await?;
    let body = serde_json::to_string(&told)
        .map_err(|_| Failure::Internal("an explanation could not be written".to_owned()))?;
    let mut response = HttpResponse::Ok();
    response.insert_header(("Content-Type", "application/json")).insert_header(("Content-Language", language.tag()));
    Ok(response.body(body))
}

async fn found(context: &Context, id: &str) -> Result<Clock, Failure> {
    administrator(context)?;
    let id = id.parse().map_err(|_| Failure::NotFound)?;
    context.state.store.clock(context.caller.tenant.clone(), id).await?.ok_or(Failure::NotFound)
}

/// The calendars that a ledger names: those that were kept, and else those in force.
struct Known<'a> {
    counted: BTreeMap<String, Calendar>,
    policy: &'a Policy,
}

impl Calendars for Known<'_> {
    fn calendar(&self, key: &str) -> Option<&Calendar> {
        self.counted.get(key).or_else(|| self.policy.calendar(key))
    }
}

/// The language that weighs most among those with words (RFC 9110, 12.5.4); of equal ones the first.
fn wanted(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for part in header.split(',') {
        let (tag, weight) =
            part.split_once(";q=").map_or((part, 1.0), |(tag, q)| (tag, q.trim().parse().unwrap_or(0.0)));
        if let Some(language) = Language::of(tag)
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_that_weighs_most_is_told() {
        for (header, language) in [
            ("es", Some(Language::Spanish)),
            ("es-MX,en;q=0.8", Some(Language::Spanish)),
            ("de, en;q=0.2, es;q=0.7", Some(Language::Spanish)),
            ("en;q=0, fr", None),
            ("ß", None),
            ("", None),
        ] {
            assert_eq!(wanted(header), language, "{header}");
        }
    }
}

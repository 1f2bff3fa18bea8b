//! Administration under `/api/v1`: policies and what came of them, never message text.

pub mod absences;
pub mod blocks;
pub mod bundles;
pub mod clocks;
pub mod decisions;
pub mod deliveries;
pub mod holds;
pub mod holidays;
pub mod overrides;
pub mod simulations;
pub mod threads;

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;
use domain::access::Permission;
use domain::change::{AuditAction, AuditRow, Change};
use domain::id::{Key, Reference, ResourceId, ResourceType};
use domain::policy::Policy;
use domain::policy::document::first_nul;
use domain::policy::lint::Finding;
use serde_json::Value;

use crate::context::Context;
use crate::error::Failure;

/// How many rows a list has when the query does not say, and at most.
const ROWS: (u16, u16) = (50, 500);

/// The number of rows that a query asks for.
fn limit(asked: Option<u16>) -> u16 {
    asked.unwrap_or(ROWS.0).clamp(1, ROWS.1)
}

/// Records that something was read.
async fn reading(context: &Context, interaction: &'static str, count: usize) -> Result<(), Failure> {
    reading_of(context, interaction, count, []).await
}

/// Records that something was read, and of what or whom it tells.
async fn reading_of(
    context: &Context,
    interaction: &'static str,
    count: usize,
    about: impl IntoIterator<Item = Reference>,
) -> Result<(), Failure> {
    let about: BTreeSet<Reference> = about.into_iter().collect();
    let count = i32::try_from(count).unwrap_or(i32::MAX);
    let audit = context.audit(AuditAction::Read, interaction);
    context.record(AuditRow { count, about: about.into_iter().collect(), ..audit }).await
}

/// A resource as the trail names it.
fn named(key: &Key) -> Reference {
    Reference::new(key.kind.as_str(), key.id.clone())
}

/// A conversation as the trail names it.
fn conversation(thread: &ResourceId) -> Reference {
    Reference::new(ResourceType::Communication.as_str(), thread.clone())
}

/// Refuses whoever is no administrator, before anything is looked for.
fn administrator(context: &Context) -> Result<(), Failure> {
    context.administer(Permission::Read)
}

/// Saves a change of what policy is made from, decided under the policy in force, and starts the next generation with
/// it. Of two at once the second is decided anew, with the first in force: what they must not be together they are not.
async fn revise<T>(
    context: &Context,
    interaction: &'static str,
    action: AuditAction,
    decide: impl AsyncFn(&Policy) -> Result<(Change, T), Failure>,
) -> Result<T, Failure> {
    let decided = async |policy: &Policy| {
        let (mut change, made) = decide(policy).await?;
        change.generation = Some(policy.generation);
        change.new_generation = true;
        change.audit = vec![AuditRow { count: 1, ..context.audit(action, interaction) }];
        Ok((change, made))
    };
    context.settle(None, decided).await
}

/// A document of this interface, read strictly. What is wrong is told by its place alone: a value may be a person's.
fn document<T: serde::de::DeserializeOwned>(body: &[u8], schema: &str) -> Result<T, Failure> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| Finding {
        message: format!("is not as the schema {schema} tells it"),
        remedy: "compare with the schema in /openapi.json".to_owned(),
        ..Finding::unreadable(&error)
    });
    let whole = read.and_then(|read| reader.end().map(|()| read).map_err(|error| Finding::not_json(&error)));
    let kept = whole.and_then(|read| match serde_json::from_slice(body).ok().as_ref().and_then(first_nul) {
        Some(pointer) => Err(Finding::nul(pointer)),
        None => Ok(read),
    });
    kept.map_err(|finding| Failure::Findings(vec![finding]))
}

/// Something in a document of this interface that cannot be as it is: its place, what is wrong, and what to do.
fn fault(pointer: &str, message: &str, remedy: &str) -> Failure {
    Failure::Findings(vec![Finding::error(pointer.to_owned(), message, remedy)])
}

fn json(body: &Value) -> HttpResponse {
    text(body.to_string())
}

fn text(body: String) -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/json")).body(body)
}

/// Where something of this interface is found, as clients see it.
fn location(context: &Context, path: &str) -> String {
    let base = &context.state.base_url;
    format!("{}/api/v1/{path}", base.strip_suffix("/fhir").unwrap_or(base))
}

/// A record as it was stored; its text is JSON of the service's own making.
fn record(body: &str) -> Result<Value, Failure> {
    serde_json::from_str(body).map_err(|_| Failure::Internal("a stored record is not JSON".to_owned()))
}

/// Adds the members that exist: a generated client need not know `null`.
fn present<const N: usize>(told: &mut Value, optional: [(&str, Option<Value>); N]) {
    for (name, value) in optional {
        if let Some(value) = value {
            told[name] = value;
        }
    }
}

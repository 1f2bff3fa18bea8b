//! A transaction: its entries are done one after the other over a store that nobody else sees, and kept at once.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_LOCATION, LOCATION};
use actix_web::web::Data;
use fhir::bundle::{Entry, Told};
use fhir::issue::Issue;
use serde_json::{Value, json};

use super::plan::{Plan, Planned, within};
use super::{Inside, Length, Stopped, entry_told, header, text};
use crate::audit;
use crate::context::Context;
use crate::error::{Failure, Style};
use crate::state::{AppState, HeldBack};

/// Does all of it, or nothing. The transaction has ended, kept or undone, before anything else is saved: everybody else
/// who writes waits for that.
pub(super) async fn all(
    context: &Context,
    inside: &Inside,
    entries: Vec<Result<Entry, Issue>>,
) -> Result<Vec<Told>, Stopped> {
    let plan = Plan::of(context, entries).await?;
    let transaction = context.state.store.begin().await?;
    let state = Data::new(context.state.within(transaction.store()));
    let done = one_by_one(context, inside, &state, plan).await;
    let HeldBack { outcomes, refusals } = state.held_back();
    drop(state);
    let done = match done {
        Ok(answers) => transaction.commit().await.map(|()| answers).map_err(Stopped::from),
        Err(stopped) => {
            if let Err(error) = transaction.undo().await {
                // With its connection or its time over it is undone all the same.
                tracing::warn!(%error, "a transaction had ended before it was undone");
            }
            Err(stopped)
        }
    };
    audit::refused_within(&context.state, refusals).await;
    if done.is_ok() {
        context.state.decided(outcomes);
    }
    done
}

/// The entries in their order, up to the first that fails.
async fn one_by_one(
    context: &Context,
    inside: &Inside,
    state: &Data<AppState>,
    plan: Plan,
) -> Result<Vec<Told>, Stopped> {
    let mut answers: Vec<Option<Told>> = vec![None; plan.entries.len()];
    let mut length = Length::default();
    for position in plan.order {
        if let Err(failure) = length.check() {
            return Err(stopped(position, failure.respond(Style::Fhir)).await);
        }
        let planned = &plan.entries[position];
        let assigned = planned.key.as_ref().filter(|_| planned.is_new).map(|key| &key.id);
        let answer = inside.answer(context, state, &planned.entry, assigned).await?;
        let status = answer.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(stopped(position, answer).await);
        }
        if !is_as_planned(planned, &answer) {
            // Another entry, or another client, has made what its condition finds: the others would refer to nothing.
            return Err(stopped(position, Failure::Conflict.respond(Style::Fhir)).await);
        }
        let told = entry_told(context, answer).await?;
        length.add(&told);
        answers[position] = Some(told);
    }
    Ok(answers.into_iter().flatten().collect())
}

/// Whether the resource that was written is the one that the others refer to.
fn is_as_planned(planned: &Planned, answer: &HttpResponse) -> bool {
    let location = [LOCATION, CONTENT_LOCATION].iter().find_map(|name| header(answer.headers(), name));
    match (&planned.key, location) {
        (Some(key), Some(location)) => location.contains(&format!("/{key}/")),
        // What was taken away is nowhere.
        _ => true,
    }
}

/// The answer of a transaction that one entry has stopped: that one's, with its place in the Bundle.
pub(super) async fn stopped(position: usize, answer: HttpResponse) -> Stopped {
    let (status, headers) = (answer.status(), answer.headers().clone());
    let told = match text(answer).await {
        Ok(told) => told,
        Err(failure) => return Stopped::Whole(failure),
    };
    let mut outcome: Value = serde_json::from_str(&told).unwrap_or_default();
    for issue in outcome["issue"].as_array_mut().into_iter().flatten() {
        let place = match issue["expression"][0].as_str() {
            Some(place) if place.starts_with("Bundle.") => place.to_owned(),
            Some(place) if place.starts_with(|first: char| first.is_ascii_uppercase()) => within(position, place),
            _ => format!("Bundle.entry[{position}]"),
        };
        issue["expression"] = json!([place]);
    }
    if outcome["issue"].is_null() {
        return Stopped::Whole(Failure::Internal("an entry of a Bundle has failed without a reason".to_owned()));
    }
    let mut response = HttpResponse::build(status);
    for (name, value) in &headers {
        response.insert_header((name.clone(), value.clone()));
    }
    Stopped::At(response.body(outcome.to_string()))
}

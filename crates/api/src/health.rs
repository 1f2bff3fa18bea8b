//! Whether the process lives and whether it can serve.

use std::time::{Duration, Instant};

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use domain::store::Store;
use serde_json::json;
use tokio::sync::Mutex;

use crate::state::AppState;

/// For how long an answer of the store counts: anybody may ask, as often as they like.
const FRESH: Duration = Duration::from_secs(1);

/// Whether the store was ready when it was asked last.
#[derive(Debug, Default)]
pub struct Readiness(Mutex<Option<(Instant, bool)>>);

impl Readiness {
    /// Whether the store is ready. One asks; whoever comes meanwhile or soon after gets the same answer.
    pub async fn of(&self, store: &dyn Store) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, ready)) = last.filter(|(asked, _)| asked.elapsed() < FRESH) {
            return ready;
        }
        let ready = store.ready().await.inspect_err(|error| tracing::warn!(%error, "the store is not ready")).is_ok();
        *last = Some((Instant::now(), ready));
        ready
    }
}

/// The process runs. Says nothing about the database: a restart would not help it.
#[utoipa::path(tag = "Operation", operation_id = "isAlive", responses((status = 200, description = "The process runs.", content_type = "application/json")))]
#[get("/livez")]
pub(crate) async fn livez() -> HttpResponse {
    answer(true, &json!({ "status": "alive" }))
}

/// Requests can be served: the database answers and is migrated, the keys of every issuer are at hand, the workers of the
/// process work, and it is not about to stop. What is wrong in detail is in the log.
#[utoipa::path(
    tag = "Operation",
    operation_id = "isReady",
    responses(
        (status = 200, description = "Requests can be served.", content_type = "application/json"),
        (status = 503, description = "Not now; the body says which check fails.", content_type = "application/json"),
    )
)]
#[get("/readyz")]
pub(crate) async fn readyz(state: Data<AppState>) -> HttpResponse {
    let store = state.readiness.of(&*state.store).await;
    let keys = state.authenticator.ready();
    if let Err(issuers) = &keys {
        tracing::warn!(?issuers, "issuers without usable keys");
    }
    let works = state.pulse.is_well();
    let stays = !state.is_draining();
    let said = |well: bool| if well { "ok" } else { "failing" };
    let ready = store && keys.is_ok() && works && stays;
    let body = json!({
        "status": if ready { "ready" } else { "unready" },
        "checks": { "store": said(store), "keys": said(keys.is_ok()), "workers": said(works), "running": said(stays) },
    });
    answer(ready, &body)
}

fn answer(well: bool, body: &serde_json::Value) -> HttpResponse {
    let mut response = if well { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CONTENT_TYPE, "application/json")).body(body.to_string())
}

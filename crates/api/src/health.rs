//! Whether the process lives and whether it can serve.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use serde_json::json;

use crate::state::AppState;

/// The process runs. Says nothing about the database: a restart would not help it.
#[utoipa::path(tag = "Operation", operation_id = "isAlive", responses((status = 200, description = "The process runs.", content_type = "application/json")))]
#[get("/livez")]
pub(crate) async fn livez() -> HttpResponse {
    answer(true, &json!({ "status": "alive" }))
}

/// Requests can be served: the database answers and is migrated, the keys of every issuer are at hand, and the process
/// is not about to stop. What is wrong in detail is in the log.
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
    let store = state.store.ready().await;
    if let Err(error) = &store {
        tracing::warn!(%error, "the store is not ready");
    }
    let keys = state.authenticator.ready();
    if let Err(issuers) = &keys {
        tracing::warn!(?issuers, "issuers without usable keys");
    }
    let stays = !state.is_draining();
    let said = |well: bool| if well { "ok" } else { "failing" };
    let ready = store.is_ok() && keys.is_ok() && stays;
    let body = json!({
        "status": if ready { "ready" } else { "unready" },
        "checks": { "store": said(store.is_ok()), "keys": said(keys.is_ok()), "running": said(stays) },
    });
    answer(ready, &body)
}

fn answer(well: bool, body: &serde_json::Value) -> HttpResponse {
    let mut response = if well { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    response.insert_header((CONTENT_TYPE, "application/json")).body(body.to_string())
}

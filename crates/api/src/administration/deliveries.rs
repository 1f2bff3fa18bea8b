//! Deliveries: what was put together for whom, and when.

use actix_web::get;
use actix_web::web::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{administrator, json, limit, reading_of};
use crate::context::Context;
use crate::error::Answer;
use crate::openapi::schema;

/// How many to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// How many: 50 unless said, 500 at most.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u16>,
}

/// Lists deliveries, newest first: single notices and digests of several.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listDeliveries",
    params(Asked),
    responses((status = 200, description = "The deliveries.", body = schema::Deliveries, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/deliveries")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    administrator(&context)?;
    let deliveries = context.state.store.deliveries(context.caller.tenant.clone(), limit(asked.limit)).await?;
    let told_whom = deliveries.iter().filter_map(|delivery| delivery.recipient.parse().ok());
    reading_of(&context, "list-deliveries", deliveries.len(), told_whom).await?;
    let told: Vec<Value> = deliveries
        .iter()
        .map(|delivery| {
            json!({
                "id": delivery.id,
                "recipient": delivery.recipient,
                "at": delivery.at,
                "outbox": delivery.outbox,
                "topics": delivery.topics,
            })
        })
        .collect();
    Ok(json(&json!({ "deliveries": told })))
}

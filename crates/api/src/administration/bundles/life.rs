//! A bundle on its way: into shadow, into force, out of it.

use actix_web::web::{Bytes, Path};
use actix_web::{HttpResponse, post};
use domain::access::Permission;
use domain::change::{AuditAction, BundleRow, CancelReason, Change};
use domain::policy::bundle::Bundle;
use domain::policy::life;
use domain::policy::lint::{Finding, Severity};
use domain::store::SaveError;
use domain::time::Instant;
use fhir::issue::IssueCode;
use serde_json::Value;

use super::{lint, named, tell};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::OptionalBody;
use crate::openapi::schema;

/// How often a move is tried anew when nothing but pools' hours has changed meanwhile.
const ATTEMPTS: usize = 8;

/// Puts a version in force, at once or at an instant to come: the one that is asked for, else the version's own
/// `effective.from`; outside its `effective` it is refused. The one before retires in the same change, and what is
/// decided from then on is decided under the new one; clocks that run keep the terms they began with, unless
/// `cancelRunning` says why they fall away: then each conversation in which a patient waits needs a person's look, and
/// nobody is warned any more. Of two activations at the same time one is 200 and the other 409. An instant to come makes
/// the version `scheduled` until then; `retire` takes that back.
#[utoipa::path(
    tag = "Administration",
    operation_id = "activateBundle",
    request_body(content = schema::Activation, content_type = "application/json"),
    params(("id" = String, Path, description = "The bundle's id."), ("version" = String, Path, description = "Its version, a whole number.")),
    responses((status = 200, description = "The version in its new state.", body = schema::PolicyBundleVersion, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/bundles/{id}/{version}/activate")]
pub(crate) async fn activate(context: Context, path: Path<(String, String)>, body: OptionalBody) -> Answer {
    context.administer(Permission::Update)?;
    let now = Instant::from(context.now());
    let asked = body.0.as_ref().map(asked).transpose()?.unwrap_or_default();
    if asked.from.is_some_and(|from| from < now) {
        return Err(fault("/effectiveFrom", "lies in the past", "leave it out for now, or name an instant to come"));
    }
    moved(&context, &path, "activate-bundle", |known, bundle| {
        // What was without errors as a draft need not be so under a newer program or years later.
        let read = Bundle::read(&bundle.body).map_err(|finding| Failure::Findings(vec![finding]))?;
        let from = read.comes_into_force(asked.from, now).map_err(|finding| Failure::Findings(vec![finding]))?;
        lint(&read, from)?;
        let bundle = BundleRow { cancels: asked.cancels, ..bundle.clone() };
        Ok(life::activated(known, &bundle, from, now)?)
    })
    .await
}

/// Puts a version in shadow: each message is decided under it too, and that decision's record, of mode `shadow`, is kept
/// beside the live one and has no other effect. One version at most is in shadow.
#[utoipa::path(
    tag = "Administration",
    operation_id = "shadowBundle",
    params(("id" = String, Path, description = "The bundle's id."), ("version" = String, Path, description = "Its version, a whole number.")),
    responses((status = 200, description = "The version in its new state.", body = schema::PolicyBundleVersion, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/bundles/{id}/{version}/shadow")]
pub(crate) async fn shadow(context: Context, path: Path<(String, String)>) -> Answer {
    context.administer(Permission::Update)?;
    let now = Instant::from(context.now());
    moved(&context, &path, "shadow-bundle", |known, bundle| {
        let read = Bundle::read(&bundle.body).map_err(|finding| Failure::Findings(vec![finding]))?;
        lint(&read, now)?;
        Ok(life::shadowed(known, bundle, now)?)
    })
    .await
}

/// Retires a version: a draft is put away, a shadow or scheduled one is used no longer. The active one is refused with
/// 409: activate the one that is to follow it. A retired version can be activated again.
#[utoipa::path(
    tag = "Administration",
    operation_id = "retireBundle",
    params(("id" = String, Path, description = "The bundle's id."), ("version" = String, Path, description = "Its version, a whole number.")),
    responses((status = 200, description = "The version in its new state.", body = schema::PolicyBundleVersion, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/bundles/{id}/{version}/retire")]
pub(crate) async fn retire(context: Context, path: Path<(String, String)>) -> Answer {
    context.administer(Permission::Update)?;
    moved(&context, &path, "retire-bundle", |_, bundle| Ok(life::retired(bundle)?)).await
}

/// Moves a version on. The catalogue's generation is read before the bundles and compared on save, so that of two moves
/// at the same time one is saved; the other is a lost race, unless only the pools' hours had changed.
async fn moved(
    context: &Context,
    path: &(String, String),
    interaction: &'static str,
    decide: impl Fn(&[BundleRow], &BundleRow) -> Result<Vec<BundleRow>, Failure>,
) -> Answer {
    let (store, tenant) = (&context.state.store, &context.caller.tenant);
    let audit = context.audit(AuditAction::Update, interaction);
    let mut seen: Option<Vec<BundleRow>> = None;
    for _ in 0..ATTEMPTS {
        let generation = store.generation(tenant.clone()).await?;
        let known = store.bundles(tenant.clone()).await?;
        if seen.as_ref().is_some_and(|seen| *seen != known) {
            return Err(Failure::Conflict);
        }
        let bundle = named(&known, path)?;
        let rows = decide(&known, bundle)?;
        let now = rows.last().unwrap_or(bundle).clone();
        let mut change = Change::new(tenant.clone());
        change.audit = vec![audit.clone()];
        if !rows.is_empty() {
            change.generation = Some(generation);
            change.new_generation = true;
            change.bundles = rows;
        }
        match context.save(change).await {
            Ok(()) => return told(&now),
            Err(SaveError::StaleCatalogue) => seen = Some(known),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Failure::Conflict)
}

fn told(row: &BundleRow) -> Result<HttpResponse, Failure> {
    Ok(super::super::json(&tell(row)?))
}

fn fault(pointer: &str, message: &str, remedy: &str) -> Failure {
    Failure::Findings(vec![Finding {
        severity: Severity::Error,
        pointer: pointer.to_owned(),
        message: message.to_owned(),
        remedy: remedy.to_owned(),
    }])
}

/// What the body of an activation asks for.
#[derive(Clone, Copy, Default)]
struct Asked {
    from: Option<Instant>,
    cancels: Option<CancelReason>,
}

fn asked(body: &Bytes) -> Result<Asked, Failure> {
    let whole: Value =
        serde_json::from_slice(body).map_err(|_| Failure::invalid(IssueCode::Structure, "The body is not JSON."))?;
    let members =
        whole.as_object().ok_or_else(|| fault("", "is not an object", "send {\"effectiveFrom\": instant}"))?;
    if members.keys().any(|name| name != "effectiveFrom" && name != "cancelRunning") {
        return Err(fault("", "has a member that is not known", "send effectiveFrom and cancelRunning, or no body"));
    }
    let instant = |value: &Value| value.as_str().and_then(|text| text.parse::<Instant>().ok());
    let wrong = || fault("/effectiveFrom", "is no instant", "write it as 2026-07-01T00:00:00-04:00");
    let from = members.get("effectiveFrom").map(|value| instant(value).ok_or_else(wrong)).transpose()?;
    let reason = |value: &Value| value.as_str().and_then(CancelReason::from_code);
    let named = CancelReason::ALL.map(CancelReason::as_str).join(", ");
    let wrong =
        || fault("/cancelRunning", "is no reason of the list", &format!("give one of {named}, or leave it out"));
    let cancels = members.get("cancelRunning").map(|value| reason(value).ok_or_else(wrong)).transpose()?;
    Ok(Asked { from, cancels })
}

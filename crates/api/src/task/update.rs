//! Updates and patches of a Task. What they may say is what an operation does: that is decided and done, and nothing else.

use actix_web::web::Path;
use actix_web::{patch, put};
use domain::access::Visibility;
use domain::change::{AuditAction, Stored};
use domain::decide::{Refusal, RouteReason};
use domain::id::{Reference, ResourceType};
use domain::overrides::{OverrideKind, OverrideReason};
use fhir::canonical;
use fhir::issue::{Issue, IssueCode};
use fhir::json::Value;
use fhir::outcome::Outcome;
use fhir::resource::Document;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::operation::{Asked, current, operate, reach, told};
use crate::communication::refused;
use crate::context::Context;
use crate::difference::changed;
use crate::error::{Answer, Failure};
use crate::manners::body::{PatchBody, ResourceBody, whole};
use crate::openapi::schema;
use crate::read::unreadable;

const KIND: ResourceType = ResourceType::Task;

/// Changes a Task as its operations do, and in no other way: a new `owner` claims it, gives it back to its pool or routes
/// it, `status` `on-hold` lets it rest, `in-progress` lets it go on, `cancelled` waives it; `statusReason` says why.
#[utoipa::path(
    tag = "Task",
    operation_id = "updateTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Task = "application/fhir+json"), (schema::Task = "application/json"))),
    responses(
        (status = 200, description = "The Task as it is then.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[put("/fhir/Task/{id}")]
pub(crate) async fn update(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    let task = theirs(&context, &id).await?;
    replaced(&context, &task, &body.0, "update").await
}

/// The same by a JSON Patch or a FHIRPath Patch.
#[utoipa::path(
    tag = "Task",
    operation_id = "patchTask",
    params(("id" = String, Path, description = "The Task's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
    responses(
        (status = 200, description = "The Task as it is then.", body = schema::Task, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Task.u"]))
)]
#[patch("/fhir/Task/{id}")]
pub(crate) async fn patch(context: Context, id: Path<String>, changes: PatchBody) -> Answer {
    let task = theirs(&context, &id).await?;
    let text = changes.applied(&task.body, context.state.limits.bytes)?;
    replaced(&context, &task, text.as_bytes(), "patch").await
}

/// The Task that a path names, in the version that `If-Match` names. Patients change none, nor do they see all that stands
/// in one.
async fn theirs(context: &Context, id: &str) -> Result<Stored, Failure> {
    let (task, _) = current(context, id).await?;
    match reach(context).await? {
        Visibility::Patient { .. } => Err(refused(&Refusal::NotAMember)),
        Visibility::Everything | Visibility::Staff { .. } => Ok(task),
    }
}

async fn replaced(context: &Context, task: &Stored, body: &[u8], interaction: &'static str) -> Answer {
    let document = Document::parse(body, KIND)?;
    whole(&document)?;
    let before = unreadable(Document::stored(task.body.clone(), KIND))?;
    let Some(asked) = asked(&before, &document, context.caller.user.as_ref())? else {
        // It is recorded as the look at the Task that it is.
        let mut audit = context.audit(AuditAction::Read, interaction);
        audit.gives([task]);
        audit.focus = Some(task.key.clone());
        audit.version = Some(task.version);
        context.record(audit).await?;
        let outcome = Outcome::all_well("Nothing was changed.");
        return Ok(told(context, task, &outcome).await);
    };
    operate(context, task.key.id.as_str(), interaction, &asked).await
}

/// What the difference between a Task and what is sent in its place asks for; `None` when there is none.
fn asked(before: &Document, after: &Document, me: Option<&Reference>) -> Result<Option<Asked>, Failure> {
    let changed = changed(before.text(), after.text());
    let has = |name: &str| changed.iter().any(|own| own == name);
    if let Some(other) = changed.iter().find(|name| !["owner", "status", "statusReason"].contains(&name.as_str())) {
        let text = "The service keeps this itself. An update changes the owner ($claim, $release, $route) or the status \
                    ($pause, $resume, $waive) with its statusReason; administrators move what is due by an override.";
        return Err(unlike_any(other, text));
    }
    let status = |document: &Document| document.root().text("status").unwrap_or_default().into_owned();
    let (was, is) = (status(before), status(after));
    let open = ["requested", "accepted", "in-progress"];
    if has("owner") {
        if has("status") && !open.contains(&is.as_str()) {
            return Err(unlike_any(
                "status",
                "Change the owner and the status one after the other: each is a decision.",
            ));
        }
        return Ok(Some(handed(before, after, me)?));
    }
    if has("status") {
        return Ok(Some(match is.as_str() {
            "on-hold" => Asked::overriding(OverrideKind::Pause, overriding(after, OverrideKind::Pause)?, None),
            "cancelled" => Asked::overriding(OverrideKind::Waive, overriding(after, OverrideKind::Waive)?, None),
            next if was == "on-hold" && open.contains(&next) => {
                let reason = reason(after).unwrap_or(OverrideReason::NoLongerWaiting);
                Asked::overriding(OverrideKind::Resume, reason, None)
            }
            _ => {
                let text = "A Task is put on-hold ($pause), from there in-progress ($resume), or cancelled ($waive). To take \
                            it, make yourself its owner ($claim); to complete it, answer the message.";
                return Err(unlike_any("status", text));
            }
        }));
    }
    if has("statusReason") {
        return Err(unlike_any(
            "statusReason",
            "It says why the owner or the status changes: change one of them with it ($route, $pause, $waive).",
        ));
    }
    Ok(None)
}

/// Who is to have the Task.
fn handed(before: &Document, after: &Document, me: Option<&Reference>) -> Result<Asked, Failure> {
    let pool = before.root().extension_value(canonical::POOL).and_then(Value::local_reference);
    let Some(to) = after.reference("owner") else {
        return match after.get("owner") {
            None => Ok(Asked::GiveBack),
            Some(_) => Err(unlike_any(
                "owner",
                "Name the owner as a literal reference, such as Practitioner/[id] ($claim, $route).",
            )),
        };
    };
    if Some(&to) == me {
        return Ok(Asked::Claim);
    }
    if Some(&to) == pool.as_ref() {
        return Ok(Asked::GiveBack);
    }
    let is_pool = to.is("HealthcareService") || to.is("CareTeam");
    if !is_pool && !to.is("Practitioner") && !to.is("PractitionerRole") {
        return Err(unlike_any(
            "owner",
            "Name yourself ($claim), the pool ($release), or another pool or person ($route).",
        ));
    }
    let reason: RouteReason = reason(after).ok_or_else(|| {
        let text = "Say why it is handed over, in statusReason.coding.code: wrong-pool, needs-expertise, workload, cover or \
                    patient-asked.";
        unlike_any("statusReason", text)
    })?;
    Ok(if is_pool { Asked::Pool(to.to_string(), reason) } else { Asked::Person(to, reason) })
}

/// Why a Task is to rest or to be let go, which must be said.
fn overriding(document: &Document, kind: OverrideKind) -> Result<OverrideReason, Failure> {
    reason(document).ok_or_else(|| {
        let codes: Vec<&str> = kind.reasons().iter().map(|reason| reason.as_str()).collect();
        unlike_any("statusReason", &format!("Say why, in statusReason.coding.code: {}.", codes.join(", ")))
    })
}

/// The first code of the reason that is one of a closed list.
fn reason<T: DeserializeOwned>(document: &Document) -> Option<T> {
    let codings = document.root().get("statusReason")?.codings();
    codings.filter_map(|coding| coding.code).find_map(|code| serde_json::from_value(Json::from(code.as_ref())).ok())
}

/// The refusal of a change that no operation makes.
fn unlike_any(element: &str, text: &str) -> Failure {
    let issue = Issue::error(IssueCode::BusinessRule, text).at(format!("Task.{element}"));
    Failure::Business(vec![issue.because("not-by-update")])
}

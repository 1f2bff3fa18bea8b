//! Absences: somebody who answers is away, and who covers meanwhile.

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Path, Query};
use actix_web::{HttpResponse, delete, get, post};
use domain::absence::{self, Absence, AbsenceChange, AbsenceReason, AbsenceSource};
use domain::access::{Denied, Permission, Visibility};
use domain::change::{AuditAction, Change};
use domain::id::{Reference, ResourceId};
use domain::policy::Policy;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{document, json as answer, location, revise};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;

/// What a client asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    person: Reference,
    from: Instant,
    until: Instant,
    cover: Option<Reference>,
    #[serde(default)]
    reason: AbsenceReason,
}

/// Declares that somebody is away. For the person themself and the leads of their pools, with `PractitionerRole.u`, and
/// for administrators. What is addressed to them meanwhile goes to the cover, who must answer for one of the same pools;
/// without a cover it is the pool's.
#[utoipa::path(
    tag = "Administration",
    operation_id = "createAbsence",
    request_body(content = schema::AbsenceRequest, content_type = "application/json"),
    responses(
        (status = 201, description = "Declared.", body = schema::Absence, content_type = "application/json", headers(("Location" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["user/PractitionerRole.u"]))
)]
#[post("/api/v1/absences")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    let who = authority(&context, Permission::Update)?;
    let wanted: Wanted = document(&body.0, "AbsenceRequest")?;
    let now = Instant::from(context.now());
    let absence = Absence {
        id: context.state.ids(now).next_id(),
        person: wanted.person,
        from: wanted.from,
        until: wanted.until,
        cover: wanted.cover,
        reason: wanted.reason,
        source: AbsenceSource::Api,
    };
    revise(&context, "declare-absence", AuditAction::Create, async |policy| {
        declares(who.as_ref(), policy, &absence.person, now)?;
        let faults = absence::faults(&absence, policy, now);
        if !faults.is_empty() {
            return Err(Failure::Findings(faults));
        }
        Ok((with(&context, AbsenceChange::Declared(absence.clone())), ()))
    })
    .await?;
    Ok(HttpResponse::Created()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((LOCATION, location(&context, &format!("absences/{}", absence.id))))
        .body(tell(&absence).to_string()))
}

/// Which absences.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Those of one person or role, as a reference.
    #[param(value_type = Option<String>, nullable = false, example = "Practitioner/dr-lee")]
    person: Option<Reference>,
    /// Those that end after this instant; after now unless it is said.
    #[param(value_type = Option<String>, nullable = false, format = DateTime)]
    since: Option<Instant>,
}

/// Lists absences, by person and time: all for administrators and machines; for staff their own and those of people in
/// their pools.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listAbsences",
    params(Asked),
    responses((status = 200, description = "The absences.", body = schema::Absences, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["user/PractitionerRole.r"]))
)]
#[get("/api/v1/absences")]
pub(crate) async fn list(context: Context, asked: Query<Asked>) -> Answer {
    let who = authority(&context, Permission::Read)?;
    let now = Instant::from(context.now());
    let tenant = context.caller.tenant.clone();
    let policy = context.state.policies.current(&tenant).await?;
    let pools = context.pools().await?;
    let mut absences = context.state.store.absences(tenant, asked.since.unwrap_or(now)).await?;
    absences.retain(|absence| {
        asked.person.as_ref().is_none_or(|person| *person == absence.person)
            && who.as_ref().is_none_or(|me| absence::may_see(&policy, &pools, me, &absence.person, now))
    });
    let people = absences.iter().flat_map(|absence| [Some(absence.person.clone()), absence.cover.clone()]).flatten();
    super::reading_of(&context, "list-absences", absences.len(), people).await?;
    Ok(answer(&json!({ "absences": absences.iter().map(tell).collect::<Vec<_>>() })))
}

/// Withdraws an absence that was declared here: the person is there again. One that a PractitionerRole says is changed
/// with that resource.
#[utoipa::path(
    tag = "Administration",
    operation_id = "deleteAbsence",
    params(("id" = String, Path, description = "The absence's id.")),
    responses((status = 204, description = "Withdrawn."), schema::ProblemChangeErrors),
    security(("bearer" = ["user/PractitionerRole.u"]))
)]
#[delete("/api/v1/absences/{id}")]
pub(crate) async fn remove(context: Context, id: Path<String>) -> Answer {
    let who = authority(&context, Permission::Update)?;
    let id: ResourceId = id.parse().map_err(|_| Failure::NotFound)?;
    let now = Instant::from(context.now());
    revise(&context, "withdraw-absence", AuditAction::Delete, async |policy| {
        let tenant = context.caller.tenant.clone();
        let absence = context.state.store.absence(tenant, id.clone()).await?.ok_or(Failure::NotFound)?;
        // Nobody learns of absences that they could not have declared.
        declares(who.as_ref(), policy, &absence.person, now).map_err(|_| Failure::NotFound)?;
        match absence.source {
            AbsenceSource::Api => Ok((with(&context, AbsenceChange::Withdrawn(id.clone())), ())),
            AbsenceSource::Resource(_) => Err(Failure::NotNow(
                "a PractitionerRole says this absence".to_owned(),
                "take it out of the notAvailable of that resource",
            )),
        }
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who asks: the person, or nobody in particular where the token is enough.
fn authority(context: &Context, permission: Permission) -> Result<Option<Reference>, Failure> {
    if context.caller.administers(permission) {
        return Ok(None);
    }
    match context.caller.visibility("PractitionerRole", permission, &[])? {
        Visibility::Everything => Ok(None),
        Visibility::Staff { me, about: None, .. } => Ok(Some(me)),
        Visibility::Staff { .. } | Visibility::Patient { .. } => Err(Denied::Scope.into()),
    }
}

fn declares(who: Option<&Reference>, policy: &Policy, person: &Reference, now: Instant) -> Result<(), Failure> {
    match who {
        Some(who) if !absence::may_declare(policy, who, person, now) => Err(Denied::Scope.into()),
        _ => Ok(()),
    }
}

fn with(context: &Context, what: AbsenceChange) -> Change {
    let mut change = Change::new(context.caller.tenant.clone());
    change.absences = vec![what];
    change
}

/// Absent members are left out: a generated client need not know `null`.
fn tell(absence: &Absence) -> Value {
    let mut told = json!({
        "id": absence.id, "person": absence.person, "from": absence.from, "until": absence.until,
        "reason": absence.reason, "source": absence.source.as_str(),
    });
    if let Some(cover) = &absence.cover {
        told["cover"] = json!(cover);
    }
    if let AbsenceSource::Resource(role) = &absence.source {
        told["role"] = json!(format!("PractitionerRole/{role}"));
    }
    told
}

//! Read and vread, alike for every type.

use actix_web::HttpResponse;
use domain::access::{Narrowed, Permission};
use domain::change::{AuditAction, Stored};
use domain::id::{ResourceType, Version};
use domain::search::Read;
use fhir::category::within;
use fhir::resource::Document;
use fhir::search::general;

use crate::communication::viewing::marked;
use crate::context::{Context, key, patient_of};
use crate::error::{Answer, Failure};

/// The current version.
pub(crate) async fn read(context: &Context, kind: ResourceType, id: &str) -> Answer {
    show(context, kind, id, None).await
}

/// A version by its number.
pub(crate) async fn vread(context: &Context, kind: ResourceType, id: &str, version: &str) -> Answer {
    let digits = (1..=9).contains(&version.len()) && version.bytes().all(|b| b.is_ascii_digit());
    let version = version.parse().ok().filter(|_| digits).ok_or(Failure::NotFound)?;
    show(context, kind, id, Some(Version(version))).await
}

async fn show(context: &Context, kind: ResourceType, id: &str, version: Option<Version>) -> Answer {
    let Narrowed { visibility, categories } = context.narrowed(kind, Permission::Read).await?;
    let shape = general(kind, &context.query, context.manners.handling())?;
    let key = key(kind, id)?;
    let for_patient = patient_of(&visibility).cloned();
    let read =
        Read { tenant: context.caller.tenant.clone(), key: key.clone(), version, visibility: visibility.clone() };
    let mut stored = context.state.store.read(read).await?.ok_or(Failure::NotFound)?;
    if !categories.is_empty() && !within(&unreadable(Document::stored(stored.body.clone(), kind))?, &categories) {
        return Err(Failure::NotFound);
    }
    let mut audit = context.audit(AuditAction::Read, if version.is_some() { "vread" } else { "read" });
    audit.focus = Some(key);
    audit.version = Some(stored.version);
    audit.patient.clone_from(&stored.patient);
    audit.count = 1;
    if version.is_none() && !stored.deleted {
        marked(context, &visibility, std::slice::from_mut(&mut stored)).await?;
    }
    context.record(audit).await?;
    if stored.deleted {
        return Err(Failure::Gone);
    }
    if for_patient.is_some() {
        stored = as_patients_see(stored)?;
    }
    if !shape.is_whole() {
        stored.body = unreadable(shape.of(kind, &stored.body))?;
    }
    Ok::<HttpResponse, Failure>(context.manners.show(&stored))
}

/// A row as patients see it: of a Task, what they were promised and nothing of the team.
pub(crate) fn as_patients_see(stored: Stored) -> Result<Stored, Failure> {
    if stored.key.kind != ResourceType::Task {
        return Ok(stored);
    }
    let document = unreadable(Document::stored(stored.body.clone(), ResourceType::Task))?;
    Ok(Stored { body: fhir::task::for_patient(&document), ..stored })
}

/// What the service itself has written or stored and cannot read is a fault of its own.
pub(crate) fn unreadable<T>(result: Result<T, Vec<fhir::issue::Issue>>) -> Result<T, Failure> {
    result.map_err(|issues| {
        let first = issues.into_iter().next().map(|issue| issue.message).unwrap_or_default();
        Failure::Internal(format!("a text of the service's own cannot be read: {first}"))
    })
}

//! What becomes of a pool's resource: written anew, patched, deleted, and policy made anew from it.

use actix_web::{HttpRequest, HttpResponse};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Change, Stored, UniqueKey};
use domain::id::{Key, Version};
use domain::search::Read;
use domain::store::SaveError;
use fhir::healthcare_service::Availability;
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use super::KIND;
use crate::conditional::Condition;
use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::PatchBody;
use crate::read::unreadable;

/// Hours decide when people are answered: a patient's token never changes them, whatever its scopes say.
pub(super) fn may_feed(context: &Context, permission: Permission) -> Result<(), Failure> {
    match context.caller.visibility(KIND.as_str(), permission, &[])? {
        Visibility::Everything | Visibility::Staff { .. } => Ok(()),
        Visibility::Patient { .. } => Err(domain::access::Denied::Scope.into()),
    }
}

/// A valid resource whose hours can be kept.
pub(super) fn parse(body: &[u8]) -> Result<Document, Failure> {
    let document = Document::parse(body, KIND)?;
    Availability::read(&document).map_err(Failure::Business)?;
    Ok(document)
}

/// Writes the next version; policy is made anew from it.
pub(super) async fn feed(
    context: &Context,
    document: &Document,
    key: &Key,
    current: Option<&Stored>,
    interaction: &'static str,
    unique: Option<UniqueKey>,
) -> Answer {
    let version = current.map_or(Version::FIRST, |current| current.version.next());
    let new = current.is_none_or(|current| current.deleted);
    let write = unreadable(fhir::write::fed(document, &key.id, version, context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    change.unique = unique.into_iter().collect();
    let action = if new { AuditAction::Create } else { AuditAction::Update };
    let mut audit = context.audit(action, interaction);
    audit.focus = Some(key.clone());
    audit.version = Some(version);
    audit.count = 1;
    change.audit = vec![audit];
    let made = stored(&write);
    change.resources = vec![write];
    save(context, change).await?;
    let outcome = Outcome::new(document.warnings().to_vec());
    Ok(context.manners.made(&made, &context.state.base_url, new, &outcome))
}

async fn save(context: &Context, change: Change) -> Result<(), Failure> {
    context.save(change).await.map_err(|error| match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    })
}

/// The resource as it is now, deleted or not; a directory is everybody's.
pub(super) async fn current(context: &Context, key: &Key) -> Result<Option<Stored>, Failure> {
    let tenant = context.caller.tenant.clone();
    let wanted = Read { tenant, key: key.clone(), version: None, visibility: Visibility::Everything };
    Ok(context.state.store.read(wanted).await?)
}

/// The resource that a path names, in the version that `If-Match` names.
pub(super) async fn existing(context: &Context, id: &str) -> Result<Stored, Failure> {
    let key = key(KIND, id)?;
    let current = current(context, &key).await?.ok_or(Failure::NotFound)?;
    if current.deleted {
        return Err(Failure::Gone);
    }
    admitted(context, &current)?;
    Ok(current)
}

fn admitted(context: &Context, current: &Stored) -> Result<(), Failure> {
    let condition = context.manners.if_match.as_ref();
    if condition.is_some_and(|condition| !condition.admits(current.version)) {
        Err(Failure::Precondition)
    } else {
        Ok(())
    }
}

/// The resource must be the one of the address.
pub(super) fn named(document: &Document, key: &Key) -> Result<(), Failure> {
    if document.id().as_ref() == Some(&key.id) {
        return Ok(());
    }
    let issue = Issue::error(IssueCode::Value, "The resource's id must be the address's.").at("HealthcareService.id");
    Err(Failure::Invalid(vec![issue]))
}

/// Replaces what a condition has found, which may not be moved to another id.
pub(super) async fn replace(context: &Context, document: &Document, matching: &Stored) -> Answer {
    admitted(context, matching)?;
    if document.id().is_some() {
        named(document, &matching.key)?;
    }
    feed(context, document, &matching.key, Some(matching), "update", None).await
}

/// The one that the address finds, in the version that `If-Match` names.
pub(super) async fn matching(context: &Context, request: &HttpRequest) -> Result<Stored, Failure> {
    let condition = Condition::in_address(context, request, KIND).await?;
    let matching = condition.matching(context).await?.ok_or(Failure::NotFound)?;
    admitted(context, &matching)?;
    Ok(matching)
}

pub(super) async fn patched(context: &Context, changes: &PatchBody, current: &Stored) -> Answer {
    let text = changes.applied(&current.body, context.state.limits.bytes)?;
    let document = parse(text.as_bytes())?;
    named(&document, &current.key)?;
    feed(context, &document, &current.key, Some(current), "patch", None).await
}

pub(super) async fn deleted(context: &Context, current: &Stored) -> Answer {
    let key = &current.key;
    let document = unreadable(Document::stored(current.body.clone(), KIND))?;
    let write = unreadable(fhir::write::fed(&document, &key.id, current.version.next(), context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    let mut audit = context.audit(AuditAction::Delete, "delete");
    audit.focus = Some(key.clone());
    audit.version = Some(write.version);
    audit.count = 1;
    change.audit = vec![audit];
    change.resources = vec![fhir::write::deleted(write)];
    save(context, change).await?;
    Ok(HttpResponse::NoContent().finish())
}

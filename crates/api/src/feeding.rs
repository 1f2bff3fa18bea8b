//! What engines feed, alike for every type: resources that policy is made from. Whoever keeps the directory names them, so
//! that bundles and messages can refer to them before they are here.

use domain::absence::AbsenceChange;
use domain::access::{Denied, Permission, Visibility};
use domain::change::{AuditAction, Change, Stored};
use domain::id::{Key, ResourceType, Version};
use domain::search::Read;
use domain::store::SaveError;
use domain::time::Instant;
use fhir::healthcare_service::Availability;
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::practitioner_role::Working;
use fhir::resource::Document;

use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::read::unreadable;

/// Creates a resource under an id of ours.
pub(crate) async fn create(context: &Context, kind: ResourceType, body: &ResourceBody) -> Answer {
    may_feed(context, kind, Permission::Create)?;
    let id = context.state.ids(Instant::from(context.now())).next_id();
    let key = Key::new(kind, id);
    let (document, absences) = parse(context, body, &key)?;
    feed(context, &document, absences, &key, None).await
}

/// Replaces a resource, or creates it under the engine's own id. With `If-Match` only that version is replaced.
pub(crate) async fn update(context: &Context, kind: ResourceType, id: &str, body: &ResourceBody) -> Answer {
    may_feed(context, kind, Permission::Update)?;
    let key = key(kind, id).map_err(|_| {
        Failure::invalid(IssueCode::Value, "The address has no legal id: 1 to 64 letters, digits, hyphens and dots.")
    })?;
    let (document, absences) = parse(context, body, &key)?;
    if document.id().as_ref() != Some(&key.id) {
        let issue = Issue::error(IssueCode::Value, "The resource's id must be the address's.").at(format!("{kind}.id"));
        return Err(Failure::Invalid(vec![issue]));
    }
    let wanted = Read {
        tenant: context.caller.tenant.clone(),
        key: key.clone(),
        version: None,
        visibility: Visibility::Everything,
    };
    let current = context.state.store.read(wanted).await?;
    let condition = context.manners.if_match.as_ref();
    match &current {
        Some(current) if condition.is_some_and(|condition| !condition.admits(current.version)) => {
            Err(Failure::Precondition)
        }
        Some(current) if current.deleted => Err(Failure::Gone),
        Some(current) => feed(context, &document, absences, &key, Some(current)).await,
        None if context.manners.if_match.is_some() => Err(Failure::Precondition),
        None => {
            may_feed(context, kind, Permission::Create)?;
            feed(context, &document, absences, &key, None).await
        }
    }
}

/// Hours decide when people are answered: a patient's token never changes them, whatever its scopes say. A role decides
/// whose conversations a person sees: no person's token changes it.
fn may_feed(context: &Context, kind: ResourceType, permission: Permission) -> Result<(), Failure> {
    match context.caller.visibility(kind.as_str(), permission, &[])? {
        Visibility::Everything => Ok(()),
        Visibility::Staff { .. } if kind == ResourceType::HealthcareService => Ok(()),
        Visibility::Staff { .. } | Visibility::Patient { .. } => Err(Denied::Scope.into()),
    }
}

/// A valid resource whose hours can be kept, with the absences that it says.
fn parse(context: &Context, body: &ResourceBody, key: &Key) -> Result<(Document, Vec<AbsenceChange>), Failure> {
    let document = Document::parse(&body.0, key.kind)?;
    if key.kind != ResourceType::PractitionerRole {
        Availability::read(&document).map_err(Failure::Business)?;
        return Ok((document, vec![]));
    }
    let working = Working::read(&document).map_err(Failure::Business)?;
    let mut ids = context.state.ids(Instant::from(context.now()));
    let absences = AbsenceChange::Projected(key.id.clone(), working.absences(key, &mut ids));
    Ok((document, vec![absences]))
}

/// Writes the next version; policy is made anew from it.
async fn feed(
    context: &Context,
    document: &Document,
    absences: Vec<AbsenceChange>,
    key: &Key,
    current: Option<&Stored>,
) -> Answer {
    let version = current.map_or(Version::FIRST, |current| current.version.next());
    let new = current.is_none();
    let write = unreadable(fhir::write::fed(document, &key.id, version, context.now()))?;
    let mut change = Change::new(context.caller.tenant.clone());
    change.new_generation = true;
    change.absences = absences;
    let (action, interaction) = if new { (AuditAction::Create, "create") } else { (AuditAction::Update, "update") };
    let mut audit = context.audit(action, interaction);
    audit.focus = Some(key.clone());
    audit.version = Some(version);
    audit.count = 1;
    change.audit = vec![audit];
    let made = stored(&write);
    change.resources = vec![write];
    context.save(change).await.map_err(|error| match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    })?;
    let outcome = Outcome::new(document.warnings().to_vec());
    Ok(context.manners.made(&made, &context.state.base_url, new, &outcome))
}

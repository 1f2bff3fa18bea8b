//! What engines feed: resources that policy is made from. One flow for every type; a [`Feed`] says what differs.
//!
//! Engines name what they feed, so that bundles and messages can refer to a resource before it is here; what was deleted
//! may be fed again. Each version is stored as received, and policy is made anew from it.

pub(crate) mod routes;

use actix_web::{HttpRequest, HttpResponse};
use domain::absence::AbsenceChange;
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Change, ResourceWrite, Stored, UniqueKey};
use domain::id::{Ids, Key, ResourceId, ResourceType, Version};
use domain::search::Read;
use domain::store::SaveError;
use domain::time::Instant;
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use crate::conditional::Condition;
use crate::context::{Context, key, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::{PatchBody, ResourceBody, whole};
use crate::read::unreadable;

/// What a resource does to the absences that are known.
pub(crate) type Meaning = fn(&Document, &Key, &mut Ids) -> Result<Vec<AbsenceChange>, Vec<Issue>>;

/// A type that engines feed.
#[derive(Debug)]
pub(crate) struct Feed {
    /// The type.
    pub(crate) kind: ResourceType,
    /// Whether a resource can be kept as it is meant, and what it does to the absences that are known.
    pub(crate) meaning: Meaning,
    /// What it does to the absences that are known when it is deleted.
    pub(crate) gone: fn(&ResourceId) -> Vec<AbsenceChange>,
    /// Whether policy is made of both alike.
    pub(crate) alike: fn(&Document, &Document) -> bool,
    /// Of which resources of the type policy is made.
    pub(crate) governing: Governing,
}

/// Of which resources of a type policy is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Governing {
    /// Of each.
    All,
    /// Of those that are pools.
    Pools,
    /// Of none.
    None,
}

/// What a write does to the policy in force.
enum Effect {
    /// It is made anew.
    Anew,
    /// Nothing: what was written says what was said before.
    None,
    /// Nothing as long as that generation is in force, of which the resource is no part.
    NoneOf(i64),
}

/// A valid resource that can be kept.
struct Meant {
    document: Document,
    absences: Vec<AbsenceChange>,
}

/// How the next version of a resource comes about.
struct Next<'a> {
    current: Option<&'a Stored>,
    interaction: &'static str,
    unique: Option<UniqueKey>,
}

impl Feed {
    /// Creates a resource under an id of ours; under `If-None-Exist` only when nothing matches.
    pub(crate) async fn create(&self, context: &Context, request: &HttpRequest, body: &ResourceBody) -> Answer {
        self.allows(context, Permission::Create)?;
        let condition = Condition::if_none_exist(context, request, self.kind).await?;
        let key = Key::new(self.kind, new_id(context));
        let meant = self.meant(context, &body.0, &key)?;
        let Some(condition) = condition else {
            return self
                .write(context, &meant, &key, Next { current: None, interaction: "create", unique: None })
                .await;
        };
        if let Some(existing) = condition.existing(context).await? {
            return condition.found(context, &existing).await;
        }
        let next = Next { current: None, interaction: "create", unique: Some(condition.unique(key.clone())) };
        match self.write(context, &meant, &key, next).await {
            Err(Failure::Duplicate) => {
                let first = condition.first(context).await?.ok_or(Failure::Duplicate)?;
                condition.found(context, &first).await
            }
            made => made,
        }
    }

    /// Replaces a resource, or creates it under the engine's own id. With `If-Match` only that version is replaced.
    pub(crate) async fn update(&self, context: &Context, id: &str, body: &ResourceBody) -> Answer {
        self.allows(context, Permission::Update)?;
        let key = key(self.kind, id).map_err(|_| {
            let text = "The address has no legal id: 1 to 64 letters, digits, hyphens and dots.";
            Failure::invalid(IssueCode::Value, text)
        })?;
        let meant = self.meant(context, &body.0, &key)?;
        named(&meant.document, &key)?;
        let current = self.current(context, &key).await?;
        match &current {
            Some(current) => context.manners.admit(current)?,
            None if context.manners.if_match.is_some() => return Err(Failure::Precondition),
            None => self.allows(context, Permission::Create)?,
        }
        self.write(context, &meant, &key, Next { current: current.as_ref(), interaction: "update", unique: None }).await
    }

    /// Replaces the one that the address finds, or creates it: with the body's id, or with one of ours.
    pub(crate) async fn update_matching(
        &self,
        context: &Context,
        request: &HttpRequest,
        body: &ResourceBody,
    ) -> Answer {
        self.allows(context, Permission::Update)?;
        let condition = Condition::in_address(context, request, self.kind).await?;
        let document = unmeant(self.kind, &body.0)?;
        if let Some(matching) = condition.matching(context).await? {
            return self.replace(context, document, &matching).await;
        }
        self.allows(context, Permission::Create)?;
        if context.manners.if_match.is_some() {
            return Err(Failure::Precondition);
        }
        let key = Key::new(self.kind, document.id().unwrap_or_else(|| new_id(context)));
        let meant = self.of(context, document, &key)?;
        let known = self.current(context, &key).await?;
        // Of several that find none at once, one makes it.
        let unique = Some(condition.unique(key.clone()));
        let next = Next { current: known.as_ref(), interaction: "update", unique };
        let made = self.write(context, &meant, &key, next).await;
        if !matches!(made, Err(Failure::Duplicate)) {
            return made;
        }
        if let Some(matching) = condition.matching(context).await? {
            return self.replace(context, meant.document, &matching).await;
        }
        // What was made under the condition before has gone another way since.
        let next = Next { current: known.as_ref(), interaction: "update", unique: None };
        self.write(context, &meant, &key, next).await
    }

    /// Changes a resource by a JSON Patch.
    pub(crate) async fn patch(&self, context: &Context, id: &str, changes: &PatchBody) -> Answer {
        self.allows(context, Permission::Update)?;
        let current = self.existing(context, id).await?;
        self.patched(context, changes, &current).await
    }

    /// Changes the one that the address finds by a JSON Patch.
    pub(crate) async fn patch_matching(&self, context: &Context, request: &HttpRequest, changes: &PatchBody) -> Answer {
        self.allows(context, Permission::Update)?;
        let matching = self.matching(context, request).await?;
        self.patched(context, changes, &matching).await
    }

    /// Deletes a resource: policy is made without it.
    pub(crate) async fn delete(&self, context: &Context, id: &str) -> Answer {
        self.allows(context, Permission::Delete)?;
        match self.existing(context, id).await {
            // Whoever asks again wants what is so already.
            Err(Failure::Gone) => Ok(HttpResponse::NoContent().finish()),
            current => self.deleted(context, &current?).await,
        }
    }

    /// Deletes the one that the address finds.
    pub(crate) async fn delete_matching(&self, context: &Context, request: &HttpRequest) -> Answer {
        self.allows(context, Permission::Delete)?;
        let matching = self.matching(context, request).await?;
        self.deleted(context, &matching).await
    }

    fn allows(&self, context: &Context, permission: Permission) -> Result<(), Failure> {
        context.caller.visibility(self.kind.as_str(), permission, &[])?.of(self.kind, permission)?;
        Ok(())
    }

    fn meant(&self, context: &Context, body: &[u8], key: &Key) -> Result<Meant, Failure> {
        self.of(context, unmeant(self.kind, body)?, key)
    }

    fn of(&self, context: &Context, document: Document, key: &Key) -> Result<Meant, Failure> {
        let mut ids = context.state.ids(Instant::from(context.now()));
        let absences = (self.meaning)(&document, key, &mut ids).map_err(Failure::Business)?;
        Ok(Meant { document, absences })
    }

    /// Writes the next version.
    async fn write(&self, context: &Context, meant: &Meant, key: &Key, next: Next<'_>) -> Answer {
        let version = next.current.map_or(Version::FIRST, |current| current.version.next());
        let new = next.current.is_none_or(|current| current.deleted);
        let mut write = unreadable(fhir::write::fed(&meant.document, &key.id, version, context.now()))?;
        write.made_by_update = new && next.interaction == "update";
        let made = stored(&write);
        let action = if new { AuditAction::Create } else { AuditAction::Update };
        let mut change = changed(context, write, action, next.interaction);
        let effect = self.effect(context, key, next.current, Some(&meant.document)).await?;
        if !matches!(effect, Effect::None) {
            change.absences.clone_from(&meant.absences);
        }
        change.unique = next.unique.into_iter().collect();
        save(context, change, &effect).await?;
        let outcome = Outcome::new(meant.document.warnings().to_vec());
        if new {
            return Ok(context.manners.made(&made, &context.state.base_url, true, &outcome));
        }
        Ok(context.changed(&made, &Visibility::Everything, &outcome).await)
    }

    /// Replaces what a condition has found, which may not be moved to another id.
    async fn replace(&self, context: &Context, document: Document, matching: &Stored) -> Answer {
        context.manners.admit(matching)?;
        if document.id().is_some() {
            named(&document, &matching.key)?;
        }
        let meant = self.of(context, document, &matching.key)?;
        let next = Next { current: Some(matching), interaction: "update", unique: None };
        self.write(context, &meant, &matching.key, next).await
    }

    async fn patched(&self, context: &Context, changes: &PatchBody, current: &Stored) -> Answer {
        let text = changes.applied(&current.body, context.state.limits.bytes)?;
        let meant = self.meant(context, text.as_bytes(), &current.key)?;
        named(&meant.document, &current.key)?;
        let next = Next { current: Some(current), interaction: "patch", unique: None };
        self.write(context, &meant, &current.key, next).await
    }

    async fn deleted(&self, context: &Context, current: &Stored) -> Answer {
        let key = &current.key;
        let document = unreadable(Document::stored(current.body.clone(), self.kind))?;
        let write = unreadable(fhir::write::fed(&document, &key.id, current.version.next(), context.now()))?;
        let mut change = changed(context, fhir::write::deleted(write), AuditAction::Delete, "delete");
        change.absences = (self.gone)(&key.id);
        let effect = self.effect(context, key, Some(current), None).await?;
        save(context, change, &effect).await?;
        Ok(HttpResponse::NoContent().finish())
    }

    /// What it does to the policy in force that a resource says this from now on, or is there no more.
    async fn effect(
        &self,
        context: &Context,
        key: &Key,
        before: Option<&Stored>,
        after: Option<&Document>,
    ) -> Result<Effect, Failure> {
        let before = before.filter(|before| !before.deleted).map(|before| before.body.clone());
        if let (Some(before), Some(after)) = (before, after) {
            let before = unreadable(Document::stored(before, self.kind))?;
            if (self.alike)(&before, after) {
                return Ok(Effect::None);
            }
        }
        match self.governing {
            Governing::All => return Ok(Effect::Anew),
            Governing::None => return Ok(Effect::None),
            Governing::Pools => {}
        }
        let tenant = &context.caller.tenant;
        let policies = &context.state.policies;
        let known = policies.current(tenant).await?;
        let policy = policies.newer(tenant, &known).await?.unwrap_or(known);
        let shadow = policies.shadow(tenant, &policy);
        let reference = key.reference();
        let is_pool = shadow.iter().chain([&policy]).any(|policy| policy.pool_of(&reference).is_some());
        Ok(if is_pool { Effect::Anew } else { Effect::NoneOf(policy.generation) })
    }

    /// The resource as it is now, deleted or not; whoever feeds a directory knows all of it.
    async fn current(&self, context: &Context, key: &Key) -> Result<Option<Stored>, Failure> {
        let tenant = context.caller.tenant.clone();
        let wanted = Read { tenant, key: key.clone(), version: None, visibility: Visibility::Everything };
        Ok(context.state.store.read(wanted).await?)
    }

    /// The resource that a path names, in the version that `If-Match` names.
    async fn existing(&self, context: &Context, id: &str) -> Result<Stored, Failure> {
        let current = self.current(context, &key(self.kind, id)?).await?.ok_or(Failure::NotFound)?;
        if current.deleted {
            return Err(Failure::Gone);
        }
        context.manners.admit(&current)?;
        Ok(current)
    }

    /// The one that the address finds, in the version that `If-Match` names.
    async fn matching(&self, context: &Context, request: &HttpRequest) -> Result<Stored, Failure> {
        let condition = Condition::in_address(context, request, self.kind).await?;
        let matching = condition.matching(context).await?.ok_or(Failure::NotFound)?;
        context.manners.admit(&matching)?;
        Ok(matching)
    }
}

fn new_id(context: &Context) -> ResourceId {
    context.new_id(&mut context.state.ids(Instant::from(context.now())))
}

/// A valid resource of which nobody has asked yet what it means.
fn unmeant(kind: ResourceType, body: &[u8]) -> Result<Document, Failure> {
    let document = Document::parse(body, kind)?;
    whole(&document)?;
    Ok(document)
}

/// A version and its audit row.
fn changed(context: &Context, write: ResourceWrite, action: AuditAction, interaction: &'static str) -> Change {
    let mut audit = context.audit(action, interaction);
    audit.focus = Some(write.key.clone());
    audit.version = Some(write.version);
    audit.patient.clone_from(&write.patient);
    audit.count = 1;
    let mut change = Change::new(context.caller.tenant.clone());
    change.audit = vec![audit];
    change.resources = vec![write];
    change
}

async fn save(context: &Context, mut change: Change, effect: &Effect) -> Result<(), Failure> {
    match effect {
        Effect::Anew => change.new_generation = true,
        Effect::None => {}
        Effect::NoneOf(generation) => change.generation = Some(*generation),
    }
    let saved = match context.save(change.clone()).await {
        // Another policy has come into force meanwhile, of which it may be a part.
        Err(SaveError::StaleCatalogue) if change.generation.take().is_some() => {
            change.new_generation = true;
            context.save(change).await
        }
        saved => saved,
    };
    saved.map_err(|error| match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    })
}

/// The resource must be the one of the address.
fn named(document: &Document, key: &Key) -> Result<(), Failure> {
    if document.id().as_ref() == Some(&key.id) {
        return Ok(());
    }
    let place = format!("{}.id", key.kind);
    Err(Failure::Invalid(vec![Issue::error(IssueCode::Value, "The resource's id must be the address's.").at(place)]))
}

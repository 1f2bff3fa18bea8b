//! Drafts, and messages that wait for their instant: changed, sent, cancelled and deleted by their author. What was sent
//! stays as it is.

use actix_web::HttpResponse;
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Change, Stored};
use domain::id::Key;
use domain::message::Standing;
use domain::schedule::ScheduleChange;
use domain::search::Read;
use domain::store::SaveError;
use fhir::canonical;
use fhir::communication::{self, Communication, standing, wanted};
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use super::sending::{Sending, Sent};
use super::{KIND, may_write};
use crate::context::{Context, key, stored};
use crate::difference::changed;
use crate::error::{Answer, Failure};
use crate::manners::body::whole;
use crate::read::unreadable;

/// A message as it is now, with what the caller may see of such.
pub(super) struct Current {
    pub(super) stored: Stored,
    pub(super) visibility: Visibility,
}

impl Current {
    /// The message that a path names, in the version that `If-Match` names.
    pub(super) async fn of(context: &Context, id: &str, permission: Permission) -> Result<Self, Failure> {
        let visibility = context.visibility(KIND, permission).await?;
        let tenant = context.caller.tenant.clone();
        let read = Read { tenant, key: key(KIND, id)?, version: None, visibility: visibility.clone() };
        let stored = context.state.store.read(read).await?.ok_or(Failure::NotFound)?;
        if stored.deleted {
            return Err(Failure::Gone);
        }
        context.manners.admit(&stored)?;
        Ok(Self { stored, visibility })
    }

    /// Where the message stands.
    pub(super) fn standing(&self) -> Result<Standing, Failure> {
        let document = unreadable(Document::stored(self.stored.body.clone(), KIND))?;
        Ok(standing(&document))
    }

    /// Whether it may still be changed.
    pub(super) fn is_draft(&self) -> Result<bool, Failure> {
        Ok(self.standing()? == Standing::Draft)
    }

    /// Writes the next version, which may be the one that is sent.
    pub(super) async fn replace(&self, context: &Context, body: &[u8], interaction: &'static str) -> Answer {
        let standing = self.standing()?;
        let document = Document::parse(body, KIND)?;
        named(&document, &self.stored.key)?;
        whole(&document)?;
        let wanted = wanted(&document).filter(|next| standing.may_become(*next));
        match wanted {
            Some(Standing::Retracted) => {
                if standing != Standing::Draft {
                    self.nothing_but(&document, &["status", "statusReason"])?;
                }
                return self.retract(context, &document, interaction).await;
            }
            Some(Standing::Stopped) => {
                self.nothing_but(&document, &["status", "statusReason"])?;
                return self.stop(context, &document, interaction).await;
            }
            Some(_) => {}
            None => {
                self.nothing_but(&document, &[])?;
                return self.unchanged(context, interaction, "Nothing was changed.").await;
            }
        }
        let message = Communication::of(document)?;
        may_write(context, &message, &self.visibility).await?;
        let sending = Sending::draft(context, &message, (&self.stored, standing), &self.visibility, interaction);
        let Sent::Now(write) = sending.save().await? else {
            return Err(Failure::Internal(
                "a draft was sent before under a condition that it does not have".to_owned(),
            ));
        };
        let outcome = Outcome::new(message.document().warnings().to_vec());
        Ok(context.changed(&stored(&write), &self.visibility, &outcome).await)
    }

    /// Answers a change that changes nothing: it is recorded as the look at the message that it is.
    pub(super) async fn unchanged(&self, context: &Context, interaction: &'static str, why: &str) -> Answer {
        let mut audit = context.audit(AuditAction::Read, interaction);
        audit.focus = Some(self.stored.key.clone());
        audit.version = Some(self.stored.version);
        audit.patient.clone_from(&self.stored.patient);
        audit.count = 1;
        context.record(audit).await?;
        Ok(context.changed(&self.stored, &self.visibility, &Outcome::all_well(why)).await)
    }

    /// What was sent stays as it is: given back unchanged, or with changes of these members alone, it passes. What else
    /// would be changed is refused by its name.
    fn nothing_but(&self, document: &Document, may: &[&str]) -> Result<(), Failure> {
        // Who has read it is shown beside it, and is no part of it.
        let text = document.edit().extension(canonical::READ_STATE, None).finish();
        let mut changed = changed(&self.stored.body, &text).into_iter().filter(|name| !may.contains(&name.as_str()));
        let Some(element) = changed.next() else { return Ok(()) };
        let text = if self.standing()?.is_private() {
            "A message that waits for its instant or was cancelled does not become that: send it (in-progress), change it \
             (on-hold), cancel it (stopped) or retract it (entered-in-error), the last two changing nothing else."
        } else {
            "A message that was sent stays as it is, with what the service has set in it. Send another one, or retract \
             it: change its status to entered-in-error and nothing else."
        };
        let issue = Issue::error(IssueCode::BusinessRule, text).at(format!("Communication.{element}"));
        Err(Failure::Business(vec![issue.because("message-sent")]))
    }

    /// Cancels a message that waits for its instant.
    async fn stop(&self, context: &Context, document: &Document, interaction: &'static str) -> Answer {
        let (key, version) = (&self.stored.key, self.stored.version.next());
        let reason = document.get("statusReason").map(|reason| reason.raw().to_owned());
        let write = unreadable(communication::stopped(&self.stored, reason.as_deref(), version, context.now()))?;
        let mut change = Change::new(context.caller.tenant.clone());
        change.schedules = vec![ScheduleChange::Ended { message: key.id.clone(), at: context.now().into() }];
        let mut audit = context.audit(AuditAction::Update, interaction);
        audit.focus = Some(key.clone());
        audit.version = Some(version);
        audit.patient.clone_from(&write.patient);
        audit.count = 1;
        change.resources = vec![write.clone()];
        change.audit = vec![audit];
        context.save(change).await.map_err(|error| lost(context, error))?;
        let outcome = Outcome::all_well("The message is cancelled; it is not sent.");
        Ok(context.changed(&stored(&write), &self.visibility, &outcome).await)
    }

    /// Deletes a draft.
    pub(super) async fn delete(&self, context: &Context) -> Answer {
        if !self.is_draft()? {
            let text = "A message that was sent is kept. Only a draft can be deleted; what is to be sent later is \
                        cancelled: change its status to stopped.";
            let issue = Issue::error(IssueCode::BusinessRule, text).at("Communication.status");
            return Err(Failure::Business(vec![issue.because("message-sent")]));
        }
        let draft = unreadable(Communication::stored(&self.stored))?;
        let (key, version) = (&self.stored.key, self.stored.version.next());
        let mut change = Change::new(context.caller.tenant.clone());
        change.resources = vec![unreadable(draft.deleted(&key.id, version, context.now()))?];
        let mut audit = context.audit(AuditAction::Delete, "delete");
        audit.focus = Some(key.clone());
        audit.version = Some(version);
        audit.patient = draft.patient();
        audit.count = 1;
        change.audit = vec![audit];
        context.save(change).await.map_err(|error| lost(context, error))?;
        Ok(HttpResponse::NoContent().finish())
    }
}

/// What it means that the change of a message was not saved.
fn lost(context: &Context, error: SaveError) -> Failure {
    match error {
        SaveError::Conflict { .. } => Failure::lost(context.manners.if_match.is_some()),
        other => other.into(),
    }
}

/// The resource must be the one of the address.
fn named(document: &Document, key: &Key) -> Result<(), Failure> {
    if document.id().as_ref() == Some(&key.id) {
        return Ok(());
    }
    let issue = Issue::error(IssueCode::Value, "The resource's id must be the address's.").at("Communication.id");
    Err(Failure::Invalid(vec![issue]))
}

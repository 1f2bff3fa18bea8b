//! Messages: sent, read, found.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, AuditRow, Change, ResourceWrite, Stored};
use domain::decide::{self, Setting};
use domain::id::{Ids, Reference, ResourceId, ResourceType};
use domain::policy::Policy;
use domain::search::Read;
use domain::store::{SaveError, ThreadView};
use domain::time::Instant;
use fhir::communication::Communication;
use fhir::decided::{self, Frame};
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use jiff::Timestamp;

use crate::conditional::IfNoneExist;
use crate::context::{Context, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::{FormBody, ResourceBody};
use crate::openapi::schema;
use crate::read::unreadable;
use crate::{read as reading, search as searching};

const KIND: ResourceType = ResourceType::Communication;

/// How often a message is decided about anew when its thread or the policy moves on meanwhile.
const ATTEMPTS: usize = 8;

/// Sends a message, or keeps a draft (`status` `preparation`). A message without `inResponseTo` begins a conversation.
///
/// The message is stored as sent, with `id`, `meta`, `status`, `sent`, `received`, `partOf` and the service's
/// extensions set. An automatic reply, the Task of the answer that is owed and everything that must follow are written
/// in the same transaction: once this answers, they are durable.
#[utoipa::path(
    tag = "Communication",
    operation_id = "sendMessage",
    request_body(content((schema::Communication = "application/fhir+json"), (schema::Communication = "application/json"))),
    params(schema::Prefer, schema::IfNoneExist),
    responses(
        (status = 200, description = "If-None-Exist finds this one, and nothing was sent.", body = schema::Communication, content_type = "application/fhir+json"),
        (status = 201, description = "Sent, or kept as a draft.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.c"]))
)]
#[post("/fhir/Communication")]
pub(crate) async fn create(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    let visibility = context.visibility(KIND, Permission::Create).await?;
    let condition = IfNoneExist::of(&context, &request, KIND).await?;
    let message = Communication::parse(&body.0)?;
    may_write(&message, &visibility)?;
    if let Some(condition) = &condition
        && let Some(existing) = condition.existing(&context).await?
    {
        return found(&context, &existing).await;
    }
    let sending = Sending::new(&context, &message, &visibility, condition.as_ref());
    let write = match sending.save().await? {
        Sent::Now(write) => write,
        Sent::Before(existing) => return found(&context, &existing).await,
    };
    let outcome = Outcome::new(message.document().warnings().to_vec());
    Ok(context.manners.made(&stored(&write), &context.state.base_url, true, &outcome))
}

/// A conditional create that found what it would have made: 200, and the access is recorded as the read that it is.
async fn found(context: &Context, existing: &Stored) -> Answer {
    let mut audit = context.audit(AuditAction::Read, "create");
    audit.focus = Some(existing.key.clone());
    audit.version = Some(existing.version);
    audit.count = 1;
    context.record(audit).await?;
    let outcome = Outcome::all_well("There is one already; nothing was sent.");
    Ok(context.manners.made(existing, &context.state.base_url, false, &outcome))
}

/// Reads the current version of a message.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readMessage",
    params(("id" = String, Path, description = "The message's id."), schema::Conditional),
    responses(
        (status = 200, description = "The message.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.r"]))
)]
#[get("/fhir/Communication/{id}")]
pub(crate) async fn read(context: Context, id: Path<String>) -> Answer {
    reading::read(&context, KIND, &id).await
}

/// Reads a version of a message.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readMessageVersion",
    params(("id" = String, Path, description = "The message's id."), ("version" = String, Path, description = "The version's number."), schema::Conditional),
    responses(
        (status = 200, description = "That version of the message.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.r"]))
)]
#[get("/fhir/Communication/{id}/_history/{version}")]
pub(crate) async fn vread(context: Context, path: Path<(String, String)>) -> Answer {
    reading::vread(&context, KIND, &path.0, &path.1).await
}

/// Finds messages. Parameters that are not known are refused, unless `Prefer: handling=lenient` asks to pass them over.
#[utoipa::path(
    tag = "Communication",
    operation_id = "searchMessages",
    params(schema::CommunicationSearch, schema::Paging),
    responses(
        (status = 200, description = "A page of messages.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[get("/fhir/Communication")]
pub(crate) async fn search(context: Context, request: HttpRequest) -> Answer {
    searching::search(&context, KIND, request.query_string(), "").await
}

/// Finds messages by parameters in the body, which keeps them out of addresses and logs.
#[utoipa::path(
    tag = "Communication",
    operation_id = "searchMessagesByForm",
    request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A page of messages.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[post("/fhir/Communication/_search")]
pub(crate) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
    searching::search(&context, KIND, request.query_string(), &form.0).await
}

/// Whether the caller may write in that name, about that patient, to those people.
fn may_write(message: &Communication, visibility: &Visibility) -> Result<(), Failure> {
    let refuse = |place: &str, text: &str| {
        Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).at(format!("Communication.{place}"))]))
    };
    match visibility {
        Visibility::Everything => Ok(()),
        Visibility::Staff { me, .. } if message.sender() != me => {
            refuse("sender", "The sender must be the person whom the token names.")
        }
        Visibility::Staff { .. } => Ok(()),
        Visibility::Patient { me, .. } if message.sender() != me => {
            refuse("sender", "The sender must be the person whom the token names.")
        }
        Visibility::Patient { patient, .. } => {
            let foreign = |reference: &Reference| reference.is("Patient") && reference != patient;
            let recipients = message.document().root();
            if message.patient().as_ref() != Some(patient) {
                return refuse("subject", "The subject must be the patient whom the token names.");
            }
            let any =
                recipients.each("recipient").filter_map(fhir::json::Value::local_reference).any(|one| foreign(&one));
            if any {
                refuse("recipient", "A patient's message cannot be addressed to another patient.")
            } else {
                Ok(())
            }
        }
    }
}

/// A message on its way into the store.
struct Sending<'a> {
    context: &'a Context,
    condition: Option<&'a IfNoneExist>,
    message: &'a Communication,
    visibility: &'a Visibility,
    now: Timestamp,
    /// The identifiers of the decision begin here, however often it is taken anew.
    ids: Ids,
    audit: AuditRow,
}

/// What came of it.
enum Sent {
    Now(ResourceWrite),
    /// An attempt before this one has sent it.
    Before(Stored),
}

impl<'a> Sending<'a> {
    fn new(
        context: &'a Context,
        message: &'a Communication,
        visibility: &'a Visibility,
        condition: Option<&'a IfNoneExist>,
    ) -> Self {
        let now = context.now();
        let ids = context.state.ids(Instant::from(now));
        let mut audit = context.audit(AuditAction::Create, "create");
        audit.patient = message.patient();
        audit.count = 1;
        Self { context, condition, message, visibility, now, ids, audit }
    }

    /// Decides and saves; anew when the thread or the policy has moved on meanwhile, which is nobody's fault.
    async fn save(&self) -> Result<Sent, Failure> {
        let tenant = &self.context.caller.tenant;
        let mut policy = self.context.state.policies.current(tenant).await?;
        let mut attempt = 1;
        loop {
            let mut ids = self.ids.clone();
            let id = ids.next_id();
            let view = self.continued().await?;
            let mut change = self.decide(&policy, &id, view.as_ref(), &mut ids)?;
            let write = change
                .resources
                .first()
                .cloned()
                .ok_or_else(|| Failure::Internal("a message without a text".to_owned()))?;
            change.audit.push(AuditRow {
                focus: Some(write.key.clone()),
                version: Some(write.version),
                ..self.audit.clone()
            });
            change.unique.extend(self.condition.map(|condition| condition.unique(write.key.clone())));
            match self.context.save(change).await {
                Ok(()) => return Ok(Sent::Now(write)),
                Err(SaveError::NotUnique { .. }) => return self.before().await,
                Err(error) if attempt == ATTEMPTS => return Err(error.into()),
                Err(SaveError::StaleCatalogue) => policy = self.context.state.policies.renewed(tenant, &policy).await?,
                Err(SaveError::Conflict { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            attempt += 1;
        }
    }

    /// What the one that was faster under the same condition has sent.
    async fn before(&self) -> Result<Sent, Failure> {
        let condition = self.condition.ok_or(Failure::Duplicate)?;
        condition.first(self.context).await?.map(Sent::Before).ok_or(Failure::Duplicate)
    }

    fn decide(
        &self,
        policy: &Policy,
        id: &ResourceId,
        view: Option<&ThreadView>,
        ids: &mut Ids,
    ) -> Result<Change, Failure> {
        let caller = &self.context.caller;
        let setting = Setting { policy, now: Instant::from(self.now) };
        let message = self.message.message(id, &caller.facts);
        if self.message.is_draft() {
            let mut change = Change::new(caller.tenant.clone());
            change.resources = vec![unreadable(self.message.drafted(id, self.now))?];
            change.decisions = vec![decide::draft(setting, &message, ids).row(None)];
            return Ok(change);
        }
        let decision = decide::send(setting, &message, view, ids).map_err(|refusal| refused(&refusal))?;
        let frame = Frame { tenant: &caller.tenant, generation: policy.generation, now: self.now };
        unreadable(decided::sent(&frame, self.message, id, view, decision))
    }

    /// The thread that the message continues, if the caller may see it.
    async fn continued(&self) -> Result<Option<ThreadView>, Failure> {
        let tenant = &self.context.caller.tenant;
        let mut found: Option<ThreadView> = None;
        for id in self.message.continues().map_err(|issue| vec![issue])? {
            let key = domain::id::Key::new(KIND, id.clone());
            let wanted = Read { tenant: tenant.clone(), key, version: None, visibility: self.visibility.clone() };
            let seen = self.context.state.store.read(wanted).await?.filter(|message| !message.deleted);
            let view = match seen {
                Some(_) => self.context.state.store.thread_of(tenant.clone(), id).await?,
                None => None,
            };
            // The same words whether there is no such message or it is not theirs to know.
            let view = view.ok_or_else(|| misplaced("unknown-message", "There is no such message to answer."))?;
            match &found {
                Some(known) if known.thread.id != view.thread.id => {
                    return Err(misplaced("several-threads", "A message belongs to one conversation."));
                }
                _ => found = Some(view),
            }
        }
        let (theirs, ours) = (found.as_ref().and_then(|view| view.thread.patient.as_ref()), self.message.patient());
        if theirs.is_some() && ours.is_some() && theirs != ours.as_ref() {
            return Err(misplaced("other-patient", "The conversation is about another patient."));
        }
        Ok(found)
    }
}

fn misplaced(code: &str, text: &str) -> Failure {
    Failure::Business(vec![Issue::error(IssueCode::BusinessRule, text).at("Communication.inResponseTo").because(code)])
}

/// A refusal with its reason, its remedy and its code.
pub(crate) fn refused(refusal: &decide::Refusal) -> Failure {
    let text = format!("{refusal}: {}.", refusal.remedy());
    match refusal {
        decide::Refusal::NotAMember | decide::Refusal::NotAPerson => {
            Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).because(refusal.code())])
        }
        _ => Failure::Business(vec![Issue::error(IssueCode::BusinessRule, text).because(refusal.code())]),
    }
}

//! Messages: sent, read, found.

mod draft;
pub(crate) mod emergency;
pub(crate) mod matching;
pub(crate) mod preflight;
mod retract;
mod sending;
pub(crate) mod standing;
pub(crate) mod viewing;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put};
use domain::access::{Denied, Narrowed, Permission, Visibility};
use domain::change::ResourceWrite;
use domain::decide;
use domain::id::{Reference, ResourceType};
use fhir::category::within;
use fhir::communication::{Communication, notice_words, notices};
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use self::draft::Current;
use self::sending::{Sending, Sent};
use crate::conditional::Condition;
use crate::context::{Context, stored};
use crate::error::{Answer, Failure};
use crate::manners::body::{FormBody, PatchBody, ResourceBody, whole};
use crate::openapi::schema;
use crate::{read as reading, search as searching};

const KIND: ResourceType = ResourceType::Communication;

/// Sends a message, keeps a draft (`status` `preparation`), or keeps a message until its instant (`on-hold`, with the
/// extension release-at). A message without `inResponseTo` begins a conversation.
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
    let Narrowed { visibility, categories } = context.narrowed(KIND, Permission::Create).await?;
    let condition = Condition::if_none_exist(&context, &request, KIND).await?;
    let message = read_message(&body.0)?;
    may_write(&context, &message, &visibility).await?;
    if !within(message.document(), &categories) {
        return Err(beyond_the_token());
    }
    if let Some(condition) = &condition
        && let Some(existing) = condition.existing(&context).await?
    {
        return condition.found(&context, &existing).await;
    }
    let sending = Sending::new(&context, &message, &visibility, condition.as_ref());
    let write = match (sending.save().await?, &condition) {
        (Sent::Now(write), _) => write,
        (Sent::Before(existing), Some(condition)) => return condition.found(&context, &existing).await,
        (Sent::Before(_), None) => return Err(Failure::Duplicate),
    };
    Ok(sent(&context, &message, &write))
}

/// A message that is to be stored.
fn read_message(body: &[u8]) -> Result<Communication, Failure> {
    let document = Document::parse(body, KIND)?;
    whole(&document)?;
    Ok(Communication::of(document)?)
}

/// The refusal of a message whose category the token does not reach.
fn beyond_the_token() -> Failure {
    let text = "The token allows messages of certain categories only. Send one of them.";
    Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).at("Communication.category")])
}

/// The answer to a message that was sent, or kept as a draft, just now.
fn sent(context: &Context, message: &Communication, write: &ResourceWrite) -> HttpResponse {
    let mut issues = message.document().warnings().to_vec();
    // What its sender is told stands on it; here it is said in words.
    let told = Document::stored(write.body.clone(), KIND).map(|document| notices(&document)).unwrap_or_default();
    issues.extend(told.into_iter().map(|notice| Issue::information(IssueCode::Informational, notice_words(notice))));
    let outcome = Outcome::new(issues);
    context.manners.made(&stored(write), &context.state.base_url, true, &outcome)
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

/// Changes a draft or a scheduled message, sends it (`status` `in-progress` or `completed`) as a create would, or cancels
/// what is scheduled (`stopped`). What was sent stays as it is:
/// given back unchanged it is answered, changed it is refused. With `status` `entered-in-error`, and nothing else changed
/// but `statusReason`, its author, a lead of the pool or a machine retracts it: what it said is hidden from then on.
#[utoipa::path(
    tag = "Communication",
    operation_id = "updateDraft",
    params(("id" = String, Path, description = "The draft's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::Communication = "application/fhir+json"), (schema::Communication = "application/json"))),
    responses(
        (status = 200, description = "The next version.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.u"]))
)]
#[put("/fhir/Communication/{id}")]
pub(crate) async fn update(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
    Current::of(&context, &id, Permission::Update).await?.replace(&context, &body.0, "update").await
}

/// Changes a draft by a JSON Patch or a FHIRPath Patch, sends it by one, or retracts a message (`status`
/// `entered-in-error`).
#[utoipa::path(
    tag = "Communication",
    operation_id = "patchDraft",
    params(("id" = String, Path, description = "The draft's id."), schema::IfMatch, schema::Prefer),
    request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
    responses(
        (status = 200, description = "The next version.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.u"]))
)]
#[patch("/fhir/Communication/{id}")]
pub(crate) async fn patch(context: Context, id: Path<String>, changes: PatchBody) -> Answer {
    let current = Current::of(&context, &id, Permission::Update).await?;
    let text = changes.applied(&current.stored.body, context.state.limits.bytes)?;
    current.replace(&context, text.as_bytes(), "patch").await
}

/// Deletes a draft; again, it is deleted as before. What was sent is kept.
#[utoipa::path(
    tag = "Communication",
    operation_id = "deleteDraft",
    params(("id" = String, Path, description = "The draft's id."), schema::IfMatch),
    responses((status = 204, description = "Deleted."), schema::ChangeErrors),
    security(("bearer" = ["patient/Communication.d"]))
)]
#[delete("/fhir/Communication/{id}")]
pub(crate) async fn delete(context: Context, id: Path<String>) -> Answer {
    match Current::of(&context, &id, Permission::Delete).await {
        // Whoever asks again wants what is so already.
        Err(Failure::Gone) => Ok(HttpResponse::NoContent().finish()),
        current => current?.delete(&context).await,
    }
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
async fn may_write(context: &Context, message: &Communication, visibility: &Visibility) -> Result<(), Failure> {
    let refuse = |place: &str, text: &str| {
        Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).at(format!("Communication.{place}"))]))
    };
    match visibility {
        Visibility::Staff { me, .. } if message.sender() != me && !context.has_role(message.sender()).await? => {
            refuse("sender", "The sender must be the person whom the token names, or a role of theirs.")
        }
        Visibility::Patient { me, .. } if message.sender() != me => {
            refuse("sender", "The sender must be the person whom the token names.")
        }
        Visibility::Staff { about: Some(patient), .. } if message.patient().as_ref() != Some(patient) => {
            refuse("subject", "The subject must be the patient whom the token names.")
        }
        Visibility::Everything | Visibility::Staff { .. } => Ok(()),
        Visibility::Patient { patient, sees, .. } => {
            // What its own sender would not see is not begun.
            if !sees.mandate.lets_begin() && message.continues().is_ok_and(|before| before.is_empty()) {
                return Err(Denied::Consent.into());
            }
            let foreign = |reference: &Reference| reference.is("Patient") && reference != patient;
            let recipients = message.document().root();
            if message.patient().as_ref() != Some(patient) {
                return refuse("subject", "The subject must be the patient whom the token names.");
            }
            // An address names nobody whom we know; it might name anybody.
            let addressed = |recipient: fhir::json::Value<'_>| match recipient.local_reference() {
                Some(one) => foreign(&one),
                None => recipient.reference().is_some_and(|literal| literal.contains(':')),
            };
            if recipients.each("recipient").any(addressed) {
                refuse("recipient", "A patient's message cannot be addressed to another patient.")
            } else {
                Ok(())
            }
        }
    }
}

/// A refusal with its reason, its remedy and its code.
pub(crate) fn refused(refusal: &decide::Refusal) -> Failure {
    let text = format!("{refusal}: {}.", refusal.remedy());
    match refusal {
        decide::Refusal::NotAMember
        | decide::Refusal::NotAPerson
        | decide::Refusal::NotALead
        | decide::Refusal::NotTheAuthor => {
            Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).because(refusal.code())])
        }
        _ => Failure::Business(vec![Issue::error(IssueCode::BusinessRule, text).because(refusal.code())]),
    }
}

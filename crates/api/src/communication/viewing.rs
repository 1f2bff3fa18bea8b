//! Who has read what, whole conversations, and what somebody has to look at.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Denied, Narrowed, Permission, Visibility};
use domain::change::{AuditAction, Change, Mark, Stored};
use domain::clock::ClockName;
use domain::decide::{self, Actor, Setting};
use domain::id::{Key, Reference, ResourceType};
use domain::inbox::Inbox;
use domain::policy::Policy;
use domain::search::Read;
use domain::store::ThreadView;
use domain::time::Instant;
use fhir::communication::{standing, with_marks};
use fhir::decided::{self, Frame};
use fhir::issue::{Issue, IssueCode};
use fhir::operation::{Operation, operations};
use fhir::outcome::Outcome;
use fhir::resource::Document;

use super::KIND;
use crate::context::{Context, key, patient_of};
use crate::error::{Answer, Failure};
use crate::given::Given;
use crate::manners::body::OptionalBody;
use crate::openapi::schema;
use crate::read::unreadable;
use crate::search as searching;

/// How many conversations a page of the inbox has when nothing is said, and at most.
const PAGE: (u16, u16) = (50, 200);

/// Says that the caller has read a message. It changes no version of it. For somebody of the pool that answers it also
/// stops the clock until somebody has looked.
#[utoipa::path(
    tag = "Communication",
    operation_id = "markMessageRead",
    params(("id" = String, Path, description = "The message's id."), schema::IfMatch, schema::Prefer),
    responses(
        (status = 200, description = "The message, with who has read it.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.r"]))
)]
#[post("/fhir/Communication/{id}/$mark-read")]
pub(crate) async fn mark_read(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
    mark(&context, &id, (request.query_string(), &body, "mark-read", "$mark-read"), true).await
}

/// Says that the caller has not read a message after all.
#[utoipa::path(
    tag = "Communication",
    operation_id = "markMessageUnread",
    params(("id" = String, Path, description = "The message's id."), schema::IfMatch, schema::Prefer),
    responses(
        (status = 200, description = "The message, with who has read it.", body = schema::Communication, content_type = "application/fhir+json",
            headers(("ETag" = String), ("Last-Modified" = String))),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["patient/Communication.r"]))
)]
#[post("/fhir/Communication/{id}/$mark-unread")]
pub(crate) async fn mark_unread(
    context: Context,
    id: Path<String>,
    request: HttpRequest,
    body: OptionalBody,
) -> Answer {
    mark(&context, &id, (request.query_string(), &body, "mark-unread", "$mark-unread"), false).await
}

/// The whole conversation that a message belongs to, as far as the caller sees it, in the order in which it was sent: the
/// pages of a search for it.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readThread",
    params(("id" = String, Path, description = "The id of any message of the conversation."), schema::Paging),
    responses(
        (status = 200, description = "A page of its messages.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[get("/fhir/Communication/{id}/$thread")]
pub(crate) async fn thread(context: Context, id: Path<String>, request: HttpRequest) -> Answer {
    conversation(&context, &id, request.query_string(), None).await
}

/// The same, asked for by POST.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readThreadByPost",
    params(("id" = String, Path, description = "The id of any message of the conversation.")),
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "A page of its messages.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[post("/fhir/Communication/{id}/$thread")]
pub(crate) async fn thread_by_post(
    context: Context,
    id: Path<String>,
    request: HttpRequest,
    body: OptionalBody,
) -> Answer {
    conversation(&context, &id, request.query_string(), body.0.as_deref()).await
}

/// The caller's conversations: for the team those in which an answer is owed, the most urgent first and of these the one
/// that is due first, then the others, where somebody wrote last first; for patients where somebody wrote last first. Each
/// is told by its first message with, beside it, how much the caller has not read, when an answer is due and when somebody
/// last wrote.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readInbox",
    params(
        ("_count" = Option<u16>, Query, description = "How many at most: 50 unless it is said, 200 at most."),
        ("count" = Option<u16>, Query, description = "The same."),
        ("cursor" = Option<String>, Query, description = "Where the page begins or ends. Opaque: take it from a next or previous link."),
    ),
    responses(
        (status = 200, description = "A page of conversations.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[get("/fhir/Communication/$inbox")]
pub(crate) async fn inbox(context: Context, request: HttpRequest) -> Answer {
    conversations(&context, request.query_string(), None).await
}

/// The same, asked for by POST.
#[utoipa::path(
    tag = "Communication",
    operation_id = "readInboxByPost",
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "A page of conversations.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["patient/Communication.s"]))
)]
#[post("/fhir/Communication/$inbox")]
pub(crate) async fn inbox_by_post(context: Context, request: HttpRequest, body: OptionalBody) -> Answer {
    conversations(&context, request.query_string(), body.0.as_deref()).await
}

fn row(name: &str) -> Result<&'static Operation, Failure> {
    let found = operations(KIND).iter().find(|operation| operation.name == name);
    found.ok_or_else(|| Failure::Internal(format!("${name} is not in the table")))
}

async fn conversation(context: &Context, id: &str, query: &str, body: Option<&[u8]>) -> Answer {
    let Narrowed { visibility, .. } = context.narrowed(KIND, Permission::Search).await?;
    let given = Given::read(row("thread")?, context, query, body)?;
    let tenant = context.caller.tenant.clone();
    let read = Read { tenant, key: key(KIND, id)?, version: None, visibility };
    let stored = context.state.store.read(read).await?.filter(|one| !one.deleted).ok_or(Failure::NotFound)?;
    // A draft, and what waits for its instant, are in no conversation yet.
    let root = stored.thread.ok_or(Failure::NotFound)?;
    let count = given.value("_count").map(|count| format!("&_count={count}")).unwrap_or_default();
    searching::search(context, KIND, &format!("thread=Communication/{root}&_sort=sent{count}"), "").await
}

async fn conversations(context: &Context, query: &str, body: Option<&[u8]>) -> Answer {
    let Narrowed { visibility, categories } = context.narrowed(KIND, Permission::Search).await?;
    if !categories.is_empty() {
        // How much is unread, and when it is due, would tell of what the scope hides.
        return Err(Denied::Scope.into());
    }
    let given = Given::read(row("inbox")?, context, query, body)?;
    let wrong = |name: &str| Failure::invalid(IssueCode::Value, format!("The value of {name} cannot be read."));
    let count =
        given.value("_count").map(|count| ("_count", count)).or(given.value("count").map(|count| ("count", count)));
    let count = count.map(|(name, count)| count.parse::<u16>().map_err(|_| wrong(name))).transpose()?;
    let count = count.unwrap_or(PAGE.0).clamp(1, PAGE.1);
    let at = given.value("cursor").map(|at| fhir::inbox::place(at).ok_or_else(|| wrong("cursor"))).transpose()?;
    let patient = patient_of(&visibility).cloned();
    let said =
        ["_count", "count", "cursor"].into_iter().filter_map(|name| Some(format!("{name}={}", given.value(name)?)));
    let said: Vec<String> = said.collect();
    let (tenant, reader) = (context.caller.tenant.clone(), reader(&visibility));
    let backward = at.as_ref().is_some_and(|at| at.backward);
    let after = at.as_ref().map(|at| at.place.clone());
    let asked = Inbox { tenant, reader, visibility, count, after, backward };
    let page = context.state.store.inbox(asked).await?;
    let mut audit = context.audit(AuditAction::Execute, "$inbox");
    audit.query = Some(STANDARD.encode(format!("{KIND}/$inbox?{}", said.join("&"))));
    audit.patient.clone_from(&patient);
    audit.gives(page.rows.iter().map(|row| &row.root));
    context.record(audit).await?;
    Ok(context.manners.present(fhir::inbox::bundle(
        &context.state.base_url,
        &page,
        (count, at.as_ref()),
        patient.is_some(),
    )))
}

/// Who reads; a machine reads for nobody.
fn reader(visibility: &Visibility) -> Option<Reference> {
    match visibility {
        Visibility::Patient { me, .. } | Visibility::Staff { me, .. } => Some(me.clone()),
        Visibility::Everything => None,
    }
}

async fn mark(
    context: &Context,
    id: &str,
    (query, body, name, interaction): (&str, &OptionalBody, &str, &'static str),
    is_read: bool,
) -> Answer {
    let visibility = context.visibility(KIND, Permission::Read).await?;
    Given::read(row(name)?, context, query, body.0.as_deref())?;
    let tenant = context.caller.tenant.clone();
    let read = Read { tenant: tenant.clone(), key: key(KIND, id)?, version: None, visibility: visibility.clone() };
    let stored = context.state.store.read(read).await?.ok_or(Failure::NotFound)?;
    if stored.deleted {
        return Err(Failure::Gone);
    }
    context.manners.admit(&stored)?;
    let Some(reader) = reader(&visibility) else {
        let text = "Only a person reads: use a token whose fhirUser is one.";
        return Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text).because("not-a-person")]));
    };
    let noted = async |policy: &Policy| {
        let mut change = if is_read { opened((context, policy), &visibility, &stored).await? } else { None }
            .unwrap_or_else(|| Change::new(tenant.clone()));
        let read_at = is_read.then(|| context.now());
        change.marks = vec![Mark { message: stored.key.id.clone(), reader: reader.clone(), read_at }];
        let mut audit = context.audit(AuditAction::Execute, interaction);
        audit.focus = Some(stored.key.clone());
        audit.version = Some(stored.version);
        audit.patient.clone_from(&stored.patient);
        audit.count = 1;
        change.audit.push(audit);
        Ok((change, ()))
    };
    context.settle(None, noted).await?;
    let mut rows = vec![stored];
    marked(context, &visibility, &mut rows).await?;
    let shown = rows.pop().ok_or_else(|| Failure::Internal("a message went missing".to_owned()))?;
    Ok(context.manners.made(&shown, &context.state.base_url, false, &Outcome::all_well("Noted.")))
}

/// Somebody of the pool who says that they have read what the patient wrote has opened it.
async fn opened(
    (context, policy): (&Context, &Policy),
    visibility: &Visibility,
    stored: &Stored,
) -> Result<Option<Change>, Failure> {
    let (Visibility::Staff { .. }, Some(_)) = (visibility, &stored.thread) else { return Ok(None) };
    let (tenant, now) = (&context.caller.tenant, context.now());
    let view = context.state.store.thread_of(tenant.clone(), stored.key.id.clone()).await?;
    let waits = |view: &ThreadView| {
        view.thread.needs_review || view.clocks.iter().any(|clock| clock.name == ClockName::FirstOpened)
    };
    let Some(view) = view.filter(waits) else { return Ok(None) };
    let pools = context.pools_under(policy);
    let actor = Actor { administrator: false, ..context.actor(&pools, Permission::Read) };
    let setting = Setting { policy, now: Instant::from(now) };
    // Whoever takes part without answering for the pool has read it all the same; for the pool nobody has.
    let Ok(decision) = decide::open(setting, &view, actor, &mut context.state.ids(setting.now)) else {
        return Ok(None);
    };
    let frame = Frame { tenant, generation: policy.generation, now };
    unreadable(decided::decided(&frame, Some(&view), decision)).map(Some)
}

/// Shows beside messages who has read them: to patients that they have themselves, to the team everybody.
pub(crate) async fn marked(context: &Context, visibility: &Visibility, rows: &mut [Stored]) -> Result<(), Failure> {
    let messages: Vec<_> =
        rows.iter().filter(|row| row.key.kind == ResourceType::Communication).map(|row| row.key.id.clone()).collect();
    if messages.is_empty() {
        return Ok(());
    }
    let mut marks = context.state.store.marks(context.caller.tenant.clone(), messages).await?;
    if let Visibility::Patient { me, .. } = visibility {
        marks.retain(|mark| mark.reader == *me);
    }
    if marks.is_empty() {
        return Ok(());
    }
    for row in rows.iter_mut().filter(|row| row.key.kind == ResourceType::Communication) {
        let of_it = |mark: &&Mark| Key::new(ResourceType::Communication, mark.message.clone()) == row.key;
        let own: Vec<&Mark> = marks.iter().filter(of_it).collect();
        if !own.is_empty() && !is_private(row) {
            row.body = unreadable(with_marks(row, own.into_iter()))?;
        }
    }
    Ok(())
}

fn is_private(row: &Stored) -> bool {
    Document::stored(row.body.clone(), KIND).is_ok_and(|document| standing(&document).is_private())
}

//! Batches and transactions (<https://hl7.org/fhir/R4/http.html#transaction>): each entry is a request of its own, which
//! meets the handlers, the rights and the rules that it would meet alone.

mod inside;
mod plan;
mod transaction;

use std::time::SystemTime;

use actix_web::http::header::{CONTENT_LOCATION, ETAG, HeaderMap, HeaderName, HttpDate, LAST_MODIFIED, LOCATION};
use actix_web::{HttpRequest, HttpResponse, body, post};
use fhir::bundle::{Asked, Entry, Together, Told, told};
use fhir::issue::{Issue, IssueCode};
use serde_json::Value;

pub(crate) use self::inside::{Assigned, Inside};
use crate::context::Context;
use crate::error::{Answer, Failure, Style};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;

/// Works through a batch, of which each entry stands alone, or a transaction, which is done whole or not at all.
///
/// Entries are done in the order DELETE, POST, PUT and PATCH, GET; a message after the ones that it answers. Each needs
/// the rights that it needs alone. The answer has an entry for each, in the order in which they were sent. Of a transaction
/// in which one fails nothing is stored, and the answer is that one's, with its place in the Bundle.
#[utoipa::path(
    tag = "Bundle",
    operation_id = "processBundle",
    request_body(content((schema::Bundle = "application/fhir+json"), (schema::Bundle = "application/json"))),
    params(schema::Prefer),
    responses(
        (status = 200, description = "What came of each entry.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/*.cruds"]))
)]
#[post("/fhir")]
pub(crate) async fn process(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    at_the_base(context, request, body).await
}

/// The same for clients that write the base address with a slash at its end.
pub(crate) async fn at_the_base(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    let inside = request.app_data::<Inside>().ok_or_else(|| Failure::Internal("nothing works within".to_owned()))?;
    let asked = Asked::read(&body.0, &context.state.base_url).map_err(|issues| {
        let many = issues.iter().any(|issue| issue.code == IssueCode::TooCostly);
        if many { Failure::Business(issues) } else { Failure::Invalid(issues) }
    })?;
    let entries = match asked.together {
        Together::Each => each(&context, inside, asked.entries).await?,
        Together::All => match transaction::all(&context, inside, asked.entries).await {
            Ok(entries) => entries,
            Err(Stopped::Whole(failure)) => return Err(failure),
            Err(Stopped::At(answer)) => return Ok(answer),
        },
    };
    Ok(context.manners.present(told(asked.together, &entries)))
}

/// Why a transaction came to nothing.
enum Stopped {
    /// For itself.
    Whole(Failure),
    /// For one of its entries, with that one's answer.
    At(HttpResponse),
}

impl<F: Into<Failure>> From<F> for Stopped {
    fn from(failure: F) -> Self {
        Self::Whole(failure.into())
    }
}

/// What the answers of the entries may come to, in bytes: with the one that reaches it the Bundle ends.
const ANSWERS: usize = 32 << 20;

/// How long the answers to a Bundle have become.
#[derive(Default)]
struct Length(usize);

impl Length {
    fn add(&mut self, told: &Told) {
        self.0 += [&told.resource, &told.outcome].into_iter().flatten().map(String::len).sum::<usize>();
    }

    /// Whether there is an answer to another entry: one that is not answered is not done either.
    fn check(&self) -> Result<(), Failure> {
        if self.0 < ANSWERS {
            return Ok(());
        }
        let mib = ANSWERS >> 20;
        Err(Failure::too_costly(format!(
            "The answers to the entries before come to {mib} MiB, and this one was not looked at: send it in a Bundle of \
             its own, or ask for less of each resource."
        )))
    }
}

/// Each entry alone, in the order of their methods.
async fn each(context: &Context, inside: &Inside, entries: Vec<Result<Entry, Issue>>) -> Result<Vec<Told>, Failure> {
    let mut answers: Vec<Option<Told>> = vec![None; entries.len()];
    let mut order: Vec<usize> = (0..entries.len()).collect();
    let turn = |entry: &Result<Entry, Issue>| entry.as_ref().map_or(0, |entry| entry.method.turn());
    order.sort_by_key(|position| turn(&entries[*position]));
    let mut length = Length::default();
    for position in order {
        let answer = match (&entries[position], length.check()) {
            (Err(issue), _) => Failure::Invalid(vec![issue.clone()]).respond(Style::Fhir),
            (_, Err(failure)) => failure.respond(Style::Fhir),
            (Ok(entry), Ok(())) => inside.answer(context, &context.state, entry, None).await?,
        };
        let told = entry_told(context, answer).await?;
        length.add(&told);
        answers[position] = Some(told);
    }
    Ok(answers.into_iter().flatten().collect())
}

/// What an answer says, as the entry of a Bundle.
async fn entry_told(context: &Context, answer: HttpResponse) -> Result<Told, Failure> {
    let status = answer.status();
    let words = status.canonical_reason().unwrap_or_default();
    let headers = answer.headers().clone();
    let text = text(answer).await?;
    let mut told = Told {
        status: format!("{} {words}", status.as_u16()).trim_end().to_owned(),
        location: header(&headers, &LOCATION).or_else(|| header(&headers, &CONTENT_LOCATION)),
        etag: header(&headers, &ETAG),
        last_modified: last_modified(&headers),
        ..Told::default()
    };
    if text.is_empty() {
        return Ok(told);
    }
    let body: Value = serde_json::from_str(&text)
        .map_err(|_| Failure::Internal("an answer within a Bundle is no JSON".to_owned()))?;
    if body["resourceType"] == "OperationOutcome" {
        told.outcome = Some(text);
        return Ok(told);
    }
    if let (Some(kind), Some(id)) = (body["resourceType"].as_str(), body["id"].as_str()) {
        told.full_url = Some(format!("{}/{kind}/{id}", context.state.base_url));
    }
    if let Some(written) = body["meta"]["lastUpdated"].as_str().filter(|_| told.last_modified.is_some()) {
        told.last_modified = Some(written.to_owned());
    }
    told.resource = Some(text);
    Ok(told)
}

/// When HTTP says that a version was written, as FHIR writes an instant: HTTP knows whole seconds alone.
fn last_modified(headers: &HeaderMap) -> Option<String> {
    let at: SystemTime = header(headers, &LAST_MODIFIED)?.parse::<HttpDate>().ok()?.into();
    Some(fhir::write::instant(at.try_into().ok()?))
}

async fn text(answer: HttpResponse) -> Result<String, Failure> {
    let unreadable = || Failure::Internal("an answer within a Bundle cannot be read".to_owned());
    let bytes = body::to_bytes(answer.into_body()).await.map_err(|_| unreadable())?;
    String::from_utf8(bytes.to_vec()).map_err(|_| unreadable())
}

fn header(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}

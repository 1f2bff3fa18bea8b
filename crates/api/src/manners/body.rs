//! Bodies: read whole, within a limit and a time, and only when their media type is taken.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use fhir::issue::IssueCode;
use fhir::resource::Document;
use futures_util::StreamExt as _;

use super::negotiation;
use crate::error::Failure;
use crate::state::AppState;

/// How long bodies may be and how long they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, in bytes.
    pub bytes: usize,
    /// The longest time from the first to the last byte.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 1 << 20, time: Duration::from_secs(10) }
    }
}

/// A resource as it was sent.
#[derive(Clone, Debug)]
pub struct ResourceBody(pub Bytes);

/// A document that may be left out.
#[derive(Clone, Debug)]
pub struct OptionalBody(pub Option<Bytes>);

/// A patch as it was sent: a JSON Patch, or a FHIRPath Patch in a Parameters resource.
#[derive(Clone, Debug)]
pub struct PatchBody(pub Bytes);

impl PatchBody {
    /// The text with the patch made.
    ///
    /// # Errors
    /// The patch is none, or cannot be made; then nothing of it is.
    pub fn applied(&self, text: &str, limit: usize) -> Result<String, Failure> {
        let applied = if fhir::patch::is_patch(&self.0) {
            fhir::patch::apply(text, &self.0, limit)
        } else {
            fhir::patch::apply_parameters(text, &self.0, limit)
        };
        applied.map_err(|issues| match issues.first().map(|issue| issue.code) {
            Some(IssueCode::Processing) => Failure::Business(issues),
            Some(IssueCode::TooLong) => Failure::TooLarge(limit),
            Some(IssueCode::TooCostly) => Failure::TooCostly(issues),
            _ => Failure::Invalid(issues),
        })
    }
}

/// A resource that is to be stored is all of it.
///
/// # Errors
/// It says that parts of it are left out.
pub(crate) fn whole(document: &Document) -> Result<(), Failure> {
    fhir::write::whole(document).map_err(|issue| Failure::Business(vec![issue]))
}

/// A form as it was sent, which is written as a query is.
#[derive(Clone, Debug)]
pub struct FormBody(pub String);

/// An iCalendar feed as it was sent.
#[derive(Clone, Debug)]
pub struct FeedBody(pub String);

/// What a reader of a request answers, in its own time.
type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

impl FromRequest for ResourceBody {
    type Error = Failure;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            negotiation::check_resource(one(&request, &CONTENT_TYPE), one(&request, &CONTENT_ENCODING))?;
            read(&request, payload).await.map(Self)
        })
    }
}

impl FromRequest for PatchBody {
    type Error = Failure;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let plain = negotiation::check_patch(one(&request, &CONTENT_TYPE), one(&request, &CONTENT_ENCODING))?;
            let bytes = read(&request, payload).await?;
            // Generated clients call every body application/json: what is an array there can only be a JSON Patch, and
            // what is none is a resource.
            if !plain && !fhir::patch::is_patch(&bytes) {
                return Err(Failure::invalid(IssueCode::Structure, "A JSON Patch is an array of operations."));
            }
            Ok(Self(bytes))
        })
    }
}

impl FromRequest for OptionalBody {
    type Error = Failure;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = read(&request, payload).await?;
            if bytes.is_empty() {
                return Ok(Self(None));
            }
            negotiation::check_resource(one(&request, &CONTENT_TYPE), one(&request, &CONTENT_ENCODING))?;
            Ok(Self(Some(bytes)))
        })
    }
}

impl FromRequest for FormBody {
    type Error = Failure;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let announced = one(&request, &CONTENT_LENGTH).is_none_or(|length| length != "0");
            let typed = request.headers().contains_key(CONTENT_TYPE);
            // A search without a body is one without conditions of its own.
            if announced || typed {
                negotiation::check_form(one(&request, &CONTENT_TYPE), one(&request, &CONTENT_ENCODING))?;
            }
            let bytes = read(&request, payload).await?;
            let form = std::str::from_utf8(&bytes)
                .map_err(|_| Failure::invalid(IssueCode::Structure, "The form is not UTF-8."))?;
            Ok(Self(form.to_owned()))
        })
    }
}

impl FromRequest for FeedBody {
    type Error = Failure;
    type Future = Reading<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            negotiation::check_feed(one(&request, &CONTENT_TYPE), one(&request, &CONTENT_ENCODING))?;
            let bytes = read(&request, payload).await?;
            let feed = std::str::from_utf8(&bytes)
                .map_err(|_| Failure::invalid(IssueCode::Structure, "The feed is not UTF-8."))?;
            Ok(Self(feed.to_owned()))
        })
    }
}

fn one<'r>(request: &'r HttpRequest, name: &HeaderName) -> Option<&'r str> {
    request.headers().get(name)?.to_str().ok()
}

async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Failure> {
    let limits = request.app_data::<Data<AppState>>().map(|state| state.limits).unwrap_or_default();
    let announced = one(request, &CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok()).unwrap_or(0);
    if announced > limits.bytes {
        return Err(Failure::TooLarge(limits.bytes));
    }
    let reading = async {
        let mut body = BytesMut::with_capacity(announced.min(limits.bytes));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Failure::invalid(IssueCode::Structure, "The body broke off."))?;
            if body.len() + chunk.len() > limits.bytes {
                return Err(Failure::TooLarge(limits.bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(limits.time, reading).await.unwrap_or(Err(Failure::Timeout))
}

//! FHIR's manners over HTTP (<https://hl7.org/fhir/R4/http.html>): what headers ask for and how answers look.

pub mod body;
pub mod conditional;
pub mod headers;
pub mod negotiation;
pub mod prefer;

use actix_web::dev::Payload;
use actix_web::http::header::{ACCEPT, CONTENT_LOCATION, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use domain::change::Stored;
use fhir::search::Handling;
use fhir::text::indented;
use jiff::Timestamp;
use std::future::{Ready, ready};

use self::conditional::{IfMatch, Unmodified};
use self::negotiation::Format;
use self::prefer::{Prefer, Return};
use crate::error::Failure;

/// What a request asks for beside its address and body.
#[derive(Clone, Debug)]
pub struct Manners {
    /// The media type that answers have.
    pub format: Format,
    /// Whether answers are indented for people.
    pub pretty: bool,
    /// What `Prefer` says.
    pub prefer: Prefer,
    /// The versions that `If-Match` names.
    pub if_match: Option<IfMatch>,
    /// What the client has already.
    pub unmodified: Unmodified,
}

impl FromRequest for Manners {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Manners {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let asked = |name: &str| asked(request.query_string(), name);
        let parameter = asked("_format");
        Ok(Self {
            format: Format::negotiate(parameter.as_deref(), &text(request, &ACCEPT))?,
            pretty: pretty(request.query_string()),
            prefer: Prefer::read(&text(request, &HeaderName::from_static("prefer"))),
            if_match: IfMatch::of(request),
            unmodified: Unmodified::of(request),
        })
    }

    /// Whether what is to be changed is of the version that `If-Match` names, and of none that `If-None-Match` does.
    ///
    /// # Errors
    /// It is of another, or there where nothing was to be.
    pub fn admit(&self, stored: &Stored) -> Result<(), Failure> {
        let expected = self.if_match.as_ref().is_none_or(|wanted| wanted.admits(stored.version));
        if expected && (stored.deleted || !self.unmodified.names(&conditional::etag(stored.version))) {
            Ok(())
        } else {
            Err(Failure::Precondition)
        }
    }

    /// What becomes of a parameter that is not offered.
    pub fn handling(&self) -> Handling {
        if self.prefer.lenient { Handling::Lenient } else { Handling::Strict }
    }

    /// The same for a request whose parameters stand in a form as well: it says in which form the answer comes.
    ///
    /// # Errors
    /// The format that it asks for is not served.
    pub fn in_form(&self, form: &str) -> Result<Self, Failure> {
        let asked = |name: &str| asked(form, name);
        let format = match asked("_format") {
            Some(format) => Format::negotiate(Some(&format), "")?,
            None => self.format,
        };
        let pretty = asked("_pretty").map_or(self.pretty, |value| value == "true");
        Ok(Self { format, pretty, ..self.clone() })
    }

    /// A version of a resource, or 304 when the client has it.
    pub fn show(&self, stored: &Stored) -> HttpResponse {
        self.show_tagged(&conditional::etag(stored.version), stored.last_updated, || stored.body.clone())
    }

    /// What has that tag and is since then as it is, or 304 when the client has it.
    pub(crate) fn show_tagged(&self, tag: &str, since: Timestamp, text: impl FnOnce() -> String) -> HttpResponse {
        if self.unmodified.holds(tag, since) {
            return tagged(HttpResponse::NotModified(), tag, since).finish();
        }
        tagged(HttpResponse::Ok(), tag, since)
            .insert_header((CONTENT_TYPE, self.format.content_type()))
            .body(self.told(text()))
    }

    /// A change that was made: 201 with `Location` for something new, 200 with `Content-Location` otherwise, with the body
    /// that `Prefer` asks for. `outcome` is told when an OperationOutcome is preferred.
    pub fn made(&self, stored: &Stored, base: &str, new: bool, outcome: &fhir::outcome::Outcome) -> HttpResponse {
        let start = if new { HttpResponse::Created() } else { HttpResponse::Ok() };
        let mut response = tagged(start, &conditional::etag(stored.version), stored.last_updated);
        let place = if new { LOCATION } else { CONTENT_LOCATION };
        response.insert_header((place, format!("{base}/{}/_history/{}", stored.key, stored.version)));
        match self.prefer.returns {
            Return::Minimal => response.finish(),
            Return::Representation => {
                response.insert_header((CONTENT_TYPE, self.format.content_type())).body(self.told(stored.body.clone()))
            }
            Return::Outcome => {
                response.insert_header((CONTENT_TYPE, self.format.content_type())).body(self.told(outcome.to_json()))
            }
        }
    }

    /// As the client asks, but without the resource itself.
    #[must_use]
    pub fn without_body(&self) -> Self {
        let returns = match self.prefer.returns {
            Return::Representation => Return::Minimal,
            other => other,
        };
        Self { prefer: Prefer { returns, ..self.prefer }, ..self.clone() }
    }

    /// A resource without versions, such as a Bundle of results.
    pub fn present(&self, body: String) -> HttpResponse {
        HttpResponse::Ok().insert_header((CONTENT_TYPE, self.format.content_type())).body(self.told(body))
    }

    /// A text as it is asked for.
    pub(crate) fn told(&self, text: String) -> String {
        if self.pretty { indented(&text) } else { text }
    }
}

/// An answer's head with what is said of a version.
fn tagged(mut response: HttpResponseBuilder, tag: &str, since: Timestamp) -> HttpResponseBuilder {
    response.insert_header((ETAG, tag)).insert_header((LAST_MODIFIED, http_date(since)));
    response
}

/// An instant as HTTP says it.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// All values of a header, joined as HTTP allows; a value that is not ASCII counts as absent.
pub(crate) fn text(request: &HttpRequest, name: &HeaderName) -> String {
    let values: Vec<_> = request.headers().get_all(name).filter_map(|value| value.to_str().ok()).collect();
    values.join(", ")
}

/// Whether a query asks for an answer that is indented for people.
pub(crate) fn pretty(query: &str) -> bool {
    asked(query, "_pretty").is_some_and(|value| value == "true")
}

/// The value of a parameter of a query.
fn asked(query: &str, wanted: &str) -> Option<String> {
    if !query.contains(wanted) {
        return None;
    }
    parameters(query).into_iter().find_map(|(name, value)| (name == wanted).then_some(value))
}

/// A query or form, decoded: every pair in its order.
pub(crate) fn parameters(query: &str) -> Vec<(String, String)> {
    actix_web::web::Query::<Vec<(String, String)>>::from_query(query)
        .map(actix_web::web::Query::into_inner)
        .unwrap_or_default()
}

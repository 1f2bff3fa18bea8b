//! The one table from causes to HTTP: status, issue code and what the client is told.
//!
//! Under `/fhir` an error is an OperationOutcome, elsewhere a problem document
//! ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)). Clients get a remedy; the log gets the chain. Neither repeats
//! what a person wrote.

mod style;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use domain::access::Denied;
use domain::policy::{life, lint::Finding};
use domain::store::{SaveError, StoreError};
use domain::time::Span;
use fhir::issue::{Issue, IssueCode};

pub use self::style::Style;
use crate::auth::Refused;

/// How long an address may be, its query included, in bytes. Longer questions are asked by POST.
pub const MAX_ADDRESS: usize = 16_384;

/// What a handler answers.
pub type Answer = Result<HttpResponse, Failure>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The body, a parameter or a header is not valid: all issues found. 400.
    #[error("the request is not valid")]
    Invalid(Vec<Issue>),
    /// No credentials, or none that are accepted; why is for the log. 401.
    #[error("no acceptable credentials: {0}")]
    Unauthenticated(&'static str),
    /// Credentials in more than one place, or in one where they do not belong. 400.
    #[error("credentials are sent in an unacceptable way")]
    Credentials,
    /// The token does not allow it, whatever exists. 403.
    #[error("not allowed: {0}")]
    Forbidden(#[from] Denied),
    /// The caller may not do this to what they may see, or in that name. 403.
    #[error("not allowed")]
    NotAllowed(Vec<Issue>),
    /// There is no such resource, or none that the caller may know of. 404.
    #[error("not found")]
    NotFound,
    /// There is no such address. 404.
    #[error("no such address")]
    NoRoute,
    /// The address does not take the method. 405 with `Allow`.
    #[error("the method is not allowed here")]
    Method(String),
    /// No acceptable format. 406.
    #[error("no acceptable format")]
    NotAcceptable,
    /// The body did not arrive in time. 408.
    #[error("the body did not arrive in time")]
    Timeout,
    /// A race was lost. 409.
    #[error("a race was lost")]
    Conflict,
    /// There is one with this key already. 409.
    #[error("a key is taken")]
    Duplicate,
    /// The resource was deleted. 410.
    #[error("deleted")]
    Gone,
    /// `If-Match` names another version, or `If-None-Match` this one. 412.
    #[error("another version is current")]
    Precondition,
    /// The condition of a create finds more than one. 412.
    #[error("several match the condition")]
    SeveralMatch,
    /// A reference by a search finds none. 412.
    #[error("none matches the reference")]
    NoneMatches,
    /// The address is longer than is taken, in bytes. 414.
    #[error("the address is longer than {0} bytes")]
    LongAddress(usize),
    /// The body is longer than is taken, in bytes. 413.
    #[error("the body is longer than {0} bytes")]
    TooLarge(usize),
    /// It asks for more work, or a longer answer, than one request gets. 413.
    #[error("it asks for too much at once")]
    TooCostly(Vec<Issue>),
    /// The body's media type, charset or encoding is not taken. 415.
    #[error("the media type is not supported")]
    MediaType(&'static str),
    /// A rule of the practice, or the life cycle of the resource, refuses it. 422.
    #[error("a rule refuses it")]
    Business(Vec<Issue>),
    /// A policy document has errors: each with its place and a remedy. 422.
    #[error("the document has errors")]
    Findings(Vec<Finding>),
    /// Where something is in its life does not allow it: what is so, and what to do instead. 409.
    #[error("{0}")]
    NotNow(String, &'static str),
    /// Too many requests. 429 with `Retry-After`.
    #[error("too many requests")]
    Throttled(Span),
    /// The store cannot take it now. 503 with `Retry-After`.
    #[error("not available: {0}")]
    Unavailable(String, Span),
    /// A fault of the service. 500, with nothing said to the client.
    #[error("internal: {0}")]
    Internal(String),
}

impl Failure {
    /// An invalid request with a single issue.
    pub fn invalid(code: IssueCode, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Issue::error(code, message)])
    }

    /// It asks for too much: what is too much, and what to do instead.
    pub fn too_costly(text: impl Into<String>) -> Self {
        Self::TooCostly(vec![Issue::error(IssueCode::TooCostly, text)])
    }

    /// What a lost compare-and-set is called: whoever said which version they meant is told that it has passed.
    pub const fn lost(if_match: bool) -> Self {
        if if_match { Self::Precondition } else { Self::Conflict }
    }

    /// A failure of the framework's own, such as a path that cannot be decoded: its text may repeat what was sent, so
    /// nothing but the status is kept.
    pub fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            404 => Self::NoRoute,
            405 => Self::Method(String::new()),
            406 => Self::NotAcceptable,
            408 => Self::Timeout,
            413 => Self::TooLarge(0),
            414 => Self::LongAddress(MAX_ADDRESS),
            415 => Self::MediaType("Send application/fhir+json or application/json in UTF-8."),
            400..=499 => {
                Self::invalid(IssueCode::Structure, "The request could not be read. Check its address and headers.")
            }
            503 => Self::Unavailable("the framework refused the request".to_owned(), Span::from_seconds(1)),
            _ => Self::Internal("the framework failed".to_owned()),
        }
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Invalid(_) | Self::Credentials => StatusCode::BAD_REQUEST,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::NotAllowed(_) => StatusCode::FORBIDDEN,
            Self::NotFound | Self::NoRoute => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict | Self::Duplicate | Self::NotNow(..) => StatusCode::CONFLICT,
            Self::Gone => StatusCode::GONE,
            Self::Precondition | Self::SeveralMatch | Self::NoneMatches => StatusCode::PRECONDITION_FAILED,
            Self::TooLarge(_) | Self::TooCostly(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::LongAddress(_) => StatusCode::URI_TOO_LONG,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Business(_) | Self::Findings(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(..) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the client is told.
    pub fn issues(&self) -> Vec<Issue> {
        let (code, text) = match self {
            Self::Invalid(issues) | Self::Business(issues) | Self::NotAllowed(issues) | Self::TooCostly(issues) => {
                return issues.clone();
            }
            Self::Findings(findings) => {
                let issue = |finding: &Finding| Issue::error(IssueCode::Invalid, finding.to_string());
                return findings.iter().map(issue).collect();
            }
            Self::NotNow(what, remedy) => (IssueCode::Conflict, format!("{what}: {remedy}").into()),
            Self::Unauthenticated(_) => {
                (IssueCode::Login, "Send a valid access token in the Authorization header.".into())
            }
            Self::Credentials => {
                (IssueCode::Login, "Send one access token, in one Authorization header and nowhere else.".into())
            }
            Self::Forbidden(Denied::Scope) => (IssueCode::Forbidden, "The token's scopes do not allow this.".into()),
            Self::Forbidden(Denied::Context) => {
                (IssueCode::Forbidden, "The token names no patient or user for the scopes it carries.".into())
            }
            Self::Forbidden(Denied::Consent) => {
                (IssueCode::Forbidden, "A Consent of the patient denies it. The practice can tell more.".into())
            }
            Self::NotFound => (IssueCode::NotFound, "There is no such resource.".into()),
            Self::NoRoute => {
                (IssueCode::NotFound, "There is nothing at this address; /openapi.json lists what there is.".into())
            }
            Self::Method(_) => {
                (IssueCode::NotSupported, "This address does not take the method; see the Allow header.".into())
            }
            Self::NotAcceptable => (
                IssueCode::NotSupported,
                "Only JSON is served: ask for application/fhir+json or application/json (FHIR 4.0).".into(),
            ),
            Self::Timeout => (IssueCode::Timeout, "The request's body did not arrive in time. Send it again.".into()),
            Self::Conflict => (IssueCode::Conflict, "Somebody else was faster. Read it again and decide anew.".into()),
            Self::Duplicate => (IssueCode::Duplicate, "There is one with this key already.".into()),
            Self::Gone => (IssueCode::Deleted, "The resource was deleted.".into()),
            Self::Precondition => (
                IssueCode::Conflict,
                "The current version is not the one that If-Match or If-None-Match asks for. Read it again and decide anew."
                    .into(),
            ),
            Self::SeveralMatch => (
                IssueCode::MultipleMatches,
                "Several resources match the condition. Ask for one, such as by its identifier.".into(),
            ),
            Self::NoneMatches => (
                IssueCode::NotFound,
                "No resource matches the search in this reference. Refer to one that there is.".into(),
            ),
            Self::LongAddress(limit) => {
                let text = format!("The address may have {limit} bytes at most: search by POST [type]/_search instead.");
                (IssueCode::TooLong, text.into())
            }
            Self::TooLarge(0) => (IssueCode::TooLong, "The request is too long.".into()),
            Self::TooLarge(limit) => {
                (IssueCode::TooLong, format!("The request's body may have {limit} bytes at most.").into())
            }
            Self::MediaType(remedy) => (IssueCode::NotSupported, (*remedy).into()),
            Self::Throttled(_) => (IssueCode::Throttled, "Too many requests. Wait as Retry-After says.".into()),
            Self::Unavailable(..) => {
                (IssueCode::Transient, "Not possible at this moment. Try again as Retry-After says.".into())
            }
            Self::Internal(_) => {
                (IssueCode::Exception, "The service failed. Quote the X-Request-Id when you report it.".into())
            }
        };
        let text: std::borrow::Cow<'static, str> = text;
        vec![Issue::error(code, text.into_owned())]
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { retry_after } => Self::Unavailable("the store is busy".to_owned(), retry_after),
            StoreError::Unavailable(why) => Self::Unavailable(why, Span::from_seconds(5)),
            StoreError::Internal(why) => Self::Internal(why),
        }
    }
}

impl From<SaveError> for Failure {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Conflict { .. } | SaveError::AlreadyFired => Self::Conflict,
            SaveError::NotUnique { .. } => Self::Duplicate,
            SaveError::StaleCatalogue => {
                Self::Unavailable("the policy kept changing while deciding".to_owned(), Span::from_seconds(1))
            }
            SaveError::Store(error) => error.into(),
        }
    }
}

impl From<life::Refusal> for Failure {
    fn from(refusal: life::Refusal) -> Self {
        Self::NotNow(refusal.to_string(), refusal.remedy())
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Token(reason) => Self::Unauthenticated(reason),
            Refused::KeysUnavailable => {
                Self::Unavailable("an issuer's keys are not available".to_owned(), Span::from_seconds(30))
            }
        }
    }
}

impl From<Vec<Issue>> for Failure {
    fn from(issues: Vec<Issue>) -> Self {
        // What is not allowed is told before what is wrong: who may not ask learns nothing about the question.
        if issues.iter().any(|issue| issue.code == IssueCode::Forbidden) {
            Self::NotAllowed(issues.into_iter().filter(|issue| issue.code == IssueCode::Forbidden).collect())
        } else {
            Self::Invalid(issues)
        }
    }
}

#[cfg(test)]
mod tests;

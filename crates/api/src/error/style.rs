//! How a failure is told: as an OperationOutcome under `/fhir`, elsewhere as a problem document.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use fhir::issue::{Issue, IssueCode};
use fhir::outcome::Outcome;
use serde_json::{Value, json};

use super::Failure;
use crate::manners::headers;
use crate::manners::negotiation::FHIR_JSON;

/// How an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// An OperationOutcome.
    Fhir,
    /// A problem document.
    Problem,
}

impl Style {
    /// The style of the interface that a path belongs to.
    pub fn of(path: &str) -> Self {
        if path == "/fhir" || path.starts_with("/fhir/") { Self::Fhir } else { Self::Problem }
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fhir => FHIR_JSON,
            Self::Problem => "application/problem+json",
        })
    }
}

impl Failure {
    /// The issues as a problem document tells them.
    fn told(&self, issues: &[Issue]) -> Vec<Value> {
        match self {
            Self::Findings(findings) => findings
                .iter()
                .map(|finding| {
                    json!({
                        "code": IssueCode::Invalid.as_str(),
                        "pointer": finding.pointer,
                        "message": finding.message,
                        "remedy": finding.remedy,
                    })
                })
                .collect(),
            Self::TooLarge(_) => issues
                .iter()
                .map(|issue| {
                    json!({
                        "code": issue.code.as_str(),
                        "pointer": "",
                        "message": issue.message,
                        "remedy": "shorten the longest list or text of the document, or send it in parts",
                    })
                })
                .collect(),
            Self::NotNow(what, remedy) => {
                vec![json!({ "code": IssueCode::Conflict.as_str(), "message": what, "remedy": remedy })]
            }
            _ => issues
                .iter()
                .map(|issue| {
                    let mut told = json!({ "code": issue.code.as_str(), "message": issue.message });
                    // Left out rather than null: generated clients do not bear null where a string may be.
                    if let Some(expression) = &issue.expression {
                        told["expression"] = json!(expression);
                    }
                    if let Some(reason) = &issue.reason {
                        told["reason"] = json!(reason.code);
                    }
                    told
                })
                .collect(),
        }
    }

    /// The answer in that style.
    pub fn respond(&self, style: Style) -> HttpResponse {
        let status = self.status();
        let issues = self.issues();
        let mut response = match style {
            Style::Fhir => HttpResponse::build(status)
                .insert_header((CONTENT_TYPE, FHIR_JSON))
                .body(Outcome::new(issues).to_json()),
            Style::Problem => {
                let problem = json!({
                    "type": "about:blank",
                    "title": status.canonical_reason().unwrap_or("Error"),
                    "status": status.as_u16(),
                    "detail": issues.first().map(|issue| issue.message.as_str()).unwrap_or_default(),
                    "issues": self.told(&issues),
                });
                HttpResponse::build(status)
                    .insert_header((CONTENT_TYPE, "application/problem+json"))
                    .body(problem.to_string())
            }
        };
        let extra = match self {
            // Nothing was sent: the client is only told how. Something was: it is told that it is no good, and no more.
            Self::Unauthenticated("missing") => Some((WWW_AUTHENTICATE, "Bearer".to_owned())),
            Self::Unauthenticated(_) => Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".to_owned())),
            Self::Credentials => Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_request\"".to_owned())),
            Self::Forbidden(_) => Some((WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"".to_owned())),
            Self::Method(allow) => Some((ALLOW, allow.clone())),
            Self::Throttled(wait) | Self::Unavailable(_, wait) => {
                Some((RETRY_AFTER, wait.seconds().max(1).to_string()))
            }
            _ => None,
        };
        if let Some((name, value)) = extra.and_then(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))) {
            response.headers_mut().insert(name, value);
        }
        headers::harden(response.headers_mut());
        response
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.respond(Style::Fhir)
    }
}

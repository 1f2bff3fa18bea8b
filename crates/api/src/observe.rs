//! What is seen of every request from outside: its id, span, log line and figures, and an answer that is always in
//! order, even after a panic.
//!
//! Routes are named by their template. Addresses, queries and bodies never appear: they can hold a person's data.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _};
use fhir::text::indented;
use futures_util::FutureExt as _;
use opentelemetry::propagation::Extractor;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::error::{Failure, Style};
use crate::manners::headers::{REQUEST_ID, acceptable_request_id, harden};
use crate::manners::negotiation::FHIR_JSON;
use crate::manners::pretty;
use crate::state::{AppState, random};

/// What the request and its answer are known by.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The outermost layer of the interface.
pub async fn observe(
    state: Data<AppState>,
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = acceptable_request_id(request.headers().get(REQUEST_ID)).unwrap_or_else(|| format!("{:032x}", random()));
    let method = method_label(request.method());
    let style = Style::of(request.path());
    let pretty = style == Style::Fhir && pretty(request.query_string());
    let origins = state.origins.allow(request.path(), request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    // Whatever answers GET answers HEAD; the server leaves the body out by itself.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let span = span(request.headers(), method, &id);
    let mut origins = Some(origins);
    let mut tell = |headers: &mut HeaderMap| origins.take().into_iter().for_each(|origins| origins.tell(headers));
    let answered = AssertUnwindSafe(next.call(request).instrument(span.clone())).catch_unwind().await;
    let (response, route) = match answered {
        Ok(Ok(response)) => {
            let route = response.request().match_pattern().unwrap_or_else(|| "unmatched".to_owned());
            let response = in_order(response.map_into_boxed_body(), style);
            let failed = response.status().is_client_error() || response.status().is_server_error();
            (Ok(if pretty && failed { for_people(response) } else { response }), route)
        }
        Ok(Err(error)) => (Err(error), "unmatched".to_owned()),
        Err(_panic) => {
            // The request went down with the handler, so this answer leaves as an error that knows its own form.
            let failure = Failure::Internal("a handler panicked".to_owned());
            tracing::error!(parent: &span, error = %failure, "a request failed");
            let mut answer = failure.respond(style);
            identify(answer.headers_mut(), &id);
            tell(answer.headers_mut());
            (Err(InternalError::from_response("panicked", answer).into()), "panicked".to_owned())
        }
    };
    let status = match &response {
        Ok(response) => response.status(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let took = started.elapsed();
    state.metrics.answered(&route, method, status.as_u16(), took);
    span.record("otel.name", format!("{method} {route}"));
    span.record("http.route", route.as_str());
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let microseconds = took.as_micros() as u64;
    tracing::info!(target: "postern::access", parent: &span, method, route, status = status.as_u16(), microseconds, request = id, "answered");
    let mut response = response?;
    identify(response.headers_mut(), &id);
    tell(response.headers_mut());
    harden(response.headers_mut());
    Ok(response)
}

fn identify(headers: &mut HeaderMap, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, value);
    }
}

/// Errors leave in the words of the interface they belong to, whoever made them.
pub(crate) fn in_order(response: ServiceResponse<BoxBody>, style: Style) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let written = match response.response().error().map(|error| (error, error.as_error::<Failure>())) {
        Some((_, Some(failure))) => {
            if status.is_server_error() {
                tracing::error!(error = %failure, "a request failed");
            }
            Some(failure.respond(style))
        }
        // The framework's own texts may repeat what was sent, so only the status is taken over.
        Some((_, None)) => Some(Failure::of_status(status).respond(style)),
        None if (status.is_client_error() || status.is_server_error()) && !is_ours(response.headers()) => {
            Some(Failure::of_status(status).respond(style))
        }
        None => None,
    };
    match written {
        Some(written) => ServiceResponse::new(response.into_parts().0, written),
        None => response,
    }
}

/// The answer with its text indented. Handlers do so themselves; what fails may have reached none.
fn for_people(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    response.map_body(|_, body| match body.try_into_bytes() {
        Ok(bytes) => match std::str::from_utf8(&bytes) {
            Ok(text) => BoxBody::new(indented(text)),
            Err(_) => BoxBody::new(bytes),
        },
        Err(body) => body,
    })
}

fn is_ours(headers: &HeaderMap) -> bool {
    const OURS: [&str; 3] = [FHIR_JSON, "application/problem+json", "application/json"];
    headers.get(CONTENT_TYPE).is_some_and(|found| OURS.iter().any(|known| found == known))
}

fn span(headers: &HeaderMap, method: &'static str, id: &str) -> Span {
    let span = tracing::info_span!(
        "request",
        otel.name = Empty,
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        request = id,
    );
    let parent = opentelemetry::global::get_text_map_propagator(|propagator| propagator.extract(&Headers(headers)));
    // Without a layer that exports traces there is nothing to belong to.
    let _unless_traced = span.set_parent(parent);
    span
}

/// The methods that exist; others are counted together, so that nobody can make series at will.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(actix_web::http::header::HeaderName::as_str).collect()
    }
}

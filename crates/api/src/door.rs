//! The door: whatever is not on the short public list needs an accepted token, before anything else is looked at.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};
use domain::access::Caller;
use domain::time::Span;
use fhir::issue::{Issue, IssueCode};

use crate::audit;
use crate::error::{Failure, MAX_ADDRESS};
use crate::mandate;
use crate::rate::Who;
use crate::route;
use crate::state::AppState;

/// The caller of a request that came through the door.
#[derive(Clone, Debug)]
pub struct Authenticated(pub Arc<Caller>);

impl Deref for Authenticated {
    type Target = Caller;
    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl FromRequest for Authenticated {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().cloned().ok_or(Failure::Unauthenticated("missing")))
    }
}

/// The layer that lets requests in.
pub async fn door(
    state: Data<AppState>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if let Some(answer) = state.origins.preflight(&request) {
        return Ok(request.into_response(answer));
    }
    let length = request.uri().path().len() + request.query_string().len();
    if length > MAX_ADDRESS {
        return Ok(request.error_response(Failure::LongAddress(MAX_ADDRESS)));
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if !(reads && route::is_public(request.path())) {
        match authenticate(&state, &request).await {
            Ok(caller) => {
                let who = Who::Caller(&caller.tenant, &caller.client, &caller.subject);
                if let Some(wait) = state.rates.take(who, caller.is_system()) {
                    return Ok(request.error_response(Failure::Throttled(wait)));
                }
                if let Some(allowed) = route::misplaced(request.method(), request.path()) {
                    return Ok(request.error_response(Failure::Method(allowed)));
                }
                // What keeps the service from looking is no fault of a caller whose token is good.
                match mandate::mandated(&state, caller).await {
                    Ok(caller) => drop(request.extensions_mut().insert(Authenticated(caller))),
                    Err(error) => return Ok(request.error_response(Failure::from(error))),
                }
            }
            Err(failure @ Failure::Throttled(_)) => return Ok(request.error_response(failure)),
            Err(failure) => {
                if let Failure::Unauthenticated(reason) = failure {
                    state.metrics.refused(reason);
                    tracing::info!(reason, "credentials were refused");
                }
                // Whoever tries tokens is slowed down by the address; whoever has one never is.
                let wait = stranger(&state, &request);
                if wait.is_none() {
                    audit::stranger(&state, request.request(), &failure).await;
                }
                return Ok(request.error_response(wait.map_or(failure, Failure::Throttled)));
            }
        }
    }
    let answered = next.call(request).await?.map_into_boxed_body();
    audit::refusal(&state, answered.request(), answered.status()).await;
    Ok(answered)
}

async fn authenticate(state: &AppState, request: &ServiceRequest) -> Result<Arc<Caller>, Failure> {
    if request.query_string().contains("access_token=") {
        return Err(Failure::Credentials);
    }
    let token = bearer(request.headers())?;
    if state.base_url.starts_with("https://")
        && request.peer_addr().is_some_and(|peer| state.trusted_proxies.is_exposed(peer.ip(), request.headers()))
    {
        let text = "A token travels over https alone, and this one did not: give it up, and ask the https address.";
        return Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Security, text)]));
    }
    if let Some(caller) = state.authenticator.remembered(token).await {
        return Ok(caller);
    }
    // Judging signatures is work: from one address no more of it than a client that acts for itself may ask for.
    if let Some(address) = state.source(request.request())
        && let Some(wait) = state.rates.take(Who::Unverified(address), true)
    {
        return Err(Failure::Throttled(wait));
    }
    Ok(state.authenticator.authenticate(token).await?)
}

/// How long a stranger has to wait, when too many requests without an accepted token came from there.
fn stranger(state: &AppState, request: &ServiceRequest) -> Option<Span> {
    let address = state.source(request.request())?;
    state.rates.take(Who::Stranger(address), false)
}

/// The token of the `Authorization` header (<https://www.rfc-editor.org/rfc/rfc6750#section-2.1>).
fn bearer(headers: &HeaderMap) -> Result<&str, Failure> {
    let mut values = headers.get_all(AUTHORIZATION);
    let (value, more) = (values.next(), values.next());
    if more.is_some() {
        return Err(Failure::Credentials);
    }
    let value = value.ok_or(Failure::Unauthenticated("missing"))?;
    let text = value.to_str().map_err(|_| Failure::Unauthenticated("malformed"))?;
    let (scheme, token) = text.split_once(' ').ok_or(Failure::Unauthenticated("malformed"))?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Failure::Unauthenticated("not-bearer"));
    }
    Ok(token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn j17_a_token_comes_in_one_authorization_header() {
        let read = |values: &[&str]| {
            let start = TestRequest::default();
            let request = values.iter().fold(start, |request, value| request.append_header((AUTHORIZATION, *value)));
            bearer(request.to_http_request().headers()).map(str::to_owned).map_err(|failure| failure.status().as_u16())
        };
        for good in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c"] {
            assert_eq!(read(&[good]), Ok("a.b.c".to_owned()), "{good}");
        }
        for bad in ["Basic a.b.c", "Bearer", "a.b.c", "Bearera.b.c", ""] {
            assert_eq!(read(&[bad]), Err(401), "{bad}");
        }
        assert_eq!(read(&[]), Err(401));
        assert_eq!(read(&["Bearer a", "Bearer a"]), Err(400));
    }
}

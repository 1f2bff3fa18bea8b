//! The interface as the entries of a Bundle meet it: the same routes and handlers, within the request that brought them.

use std::net::SocketAddr;
use std::rc::Rc;

use actix_http::Request;
use actix_service::{IntoServiceFactory, Service as _, ServiceFactory};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, ServiceResponse};
use actix_web::http::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
};
use actix_web::http::{Method, Uri};
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage as _, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::ResourceId;
use fhir::bundle::Entry;
use fhir::issue::{Issue, IssueCode};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::audit;
use crate::context::Context;
use crate::error::{Failure, Style};
use crate::manners::http_date;
use crate::observe::in_order;
use crate::rate::Who;
use crate::route;
use crate::serve::{Shared, routes};
use crate::state::AppState;

/// What answers one request.
type Dispatch = Box<dyn Fn(Request) -> LocalBoxFuture<'static, Result<ServiceResponse<BoxBody>, Error>>>;

/// The id that a new resource gets, where it was given before the resource was made.
#[derive(Clone, Debug)]
pub(crate) struct Assigned(pub(crate) ResourceId);

/// The routes of one worker, without the door and the layers that its requests have passed already. Made when first
/// needed.
pub(crate) struct Inside {
    shared: Shared,
    dispatch: OnceCell<Dispatch>,
}

impl Inside {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared, dispatch: OnceCell::new() }
    }

    /// The answer to an entry, over that state, in the name of whoever has sent the Bundle.
    pub(super) async fn answer(
        &self,
        context: &Context,
        state: &Data<AppState>,
        entry: &Entry,
        assigned: Option<&ResourceId>,
    ) -> Result<HttpResponse, Failure> {
        let (content_type, body) = match body(entry) {
            Ok(found) => found,
            Err(failure) => return Ok(failure.respond(Style::Fhir)),
        };
        let who = Who::Caller(&context.caller.tenant, &context.caller.client, &context.caller.subject);
        if let Some(wait) = context.state.rates.take(who, context.caller.is_system()) {
            return Ok(Failure::Throttled(wait).respond(Style::Fhir));
        }
        let method = Method::from_bytes(entry.method.as_str().as_bytes()).unwrap_or(Method::GET);
        let path = format!("/fhir/{}", entry.path);
        if let Some(allowed) = route::misplaced(&method, &path) {
            return Ok(Failure::Method(allowed).respond(Style::Fhir));
        }
        let mark = if entry.query.is_empty() { "" } else { "?" };
        let Ok(uri) = format!("{path}{mark}{}", entry.query).parse::<Uri>() else {
            return Ok(Failure::NoRoute.respond(Style::Fhir));
        };
        let mut request = Request::with_payload(Bytes::from(body).into());
        let head = request.head_mut();
        (head.method, head.uri) = (method, uri);
        head.peer_addr = context.source().map(|address| SocketAddr::new(address, 0));
        match headers(context, entry, content_type) {
            Ok(headers) => head.headers = headers,
            // It concerns this entry alone: what stands before it in a batch may be done already.
            Err(failure) => return Ok(failure.respond(Style::Fhir)),
        }
        introduce(&request, context, state, assigned);
        let failed = |()| Failure::Internal("the routes within a Bundle were not made".to_owned());
        let dispatch = self.dispatch.get_or_try_init(|| made(routes(self.shared.clone()))).await.map_err(failed)?;
        let answer = dispatch(request).await;
        let answer = answer.map_err(|_| Failure::Internal("an entry of a Bundle got no answer".to_owned()))?;
        // Whoever is refused is recorded as such, whatever becomes of the rest of the Bundle.
        audit::refusal(state, answer.request(), answer.status()).await;
        Ok(in_order(answer, Style::Fhir).into_parts().1)
    }
}

/// Who asks, over which state, and under which id something new is made.
fn introduce(request: &Request, context: &Context, state: &Data<AppState>, assigned: Option<&ResourceId>) {
    let mut with = request.extensions_mut();
    with.insert(context.caller.clone());
    with.insert(context.request_id());
    with.insert(Data::clone(state));
    if let Some(id) = assigned {
        with.insert(Assigned(id.clone()));
    }
}

async fn made<A, S>(app: A) -> Result<Dispatch, ()>
where
    A: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig, Response = ServiceResponse<BoxBody>, Error = Error, InitError = ()>,
    S::Service: 'static,
{
    let service = Rc::new(app.into_factory().new_service(AppConfig::default()).await?);
    Ok(Box::new(move |request| {
        let service = Rc::clone(&service);
        async move { service.call(request).await }.boxed_local()
    }))
}

fn headers(context: &Context, entry: &Entry, content_type: &str) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let since = |at: &String| at.parse().map(http_date).unwrap_or_default();
    let said = [
        (CONTENT_TYPE, Some(content_type.to_owned())),
        (IF_MATCH, entry.if_match.clone()),
        (IF_NONE_MATCH, entry.if_none_match.clone()),
        (IF_MODIFIED_SINCE, entry.if_modified_since.as_ref().map(since)),
        (HeaderName::from_static("if-none-exist"), entry.if_none_exist.clone()),
        (HeaderName::from_static("prefer"), Some(context.manners.prefer.to_string())),
    ];
    for (name, value) in said {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(&value).map_err(|_| {
            Failure::invalid(IssueCode::Value, "A condition of an entry holds characters that a header may not.")
        })?;
        headers.insert(name, value);
    }
    Ok(headers)
}

/// The body of an entry and its type. A JSON Patch comes in a Binary, for it is no resource.
fn body(entry: &Entry) -> Result<(&'static str, Vec<u8>), Failure> {
    const RESOURCE: &str = "application/fhir+json";
    const PATCH: &str = "application/json-patch+json";
    let Some(text) = &entry.resource else { return Ok((RESOURCE, vec![])) };
    if entry.method != fhir::bundle::Method::Patch {
        return Ok((RESOURCE, text.clone().into_bytes()));
    }
    let read: Value = serde_json::from_str(text).unwrap_or_default();
    if read["resourceType"] != "Binary" {
        return Ok((RESOURCE, text.clone().into_bytes()));
    }
    if read["contentType"] != PATCH {
        return Err(Failure::MediaType(crate::manners::negotiation::PATCH));
    }
    let data = read["data"].as_str().and_then(|data| STANDARD.decode(data).ok()).ok_or_else(|| {
        let issue = Issue::error(IssueCode::Value, "The Binary's data is the JSON Patch in base64.");
        Failure::Invalid(vec![issue.at("Binary.data")])
    })?;
    Ok((PATCH, data))
}

//! Pages of other origins (<https://fetch.spec.whatwg.org/#http-cors-protocol>): those on a list may call and read the
//! answers, whatever they are. No credentials are ever allowed: a token is sent by the page itself.

use std::collections::BTreeSet;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderValue,
    ORIGIN, VARY,
};

use crate::route;

/// What pages may send.
const HEADERS: &str = "Authorization, Content-Type, Accept, Prefer, If-Match, If-None-Match, If-None-Exist, If-Modified-Since, X-Request-Id";

/// What pages may read beside the body.
const EXPOSED: &str = "ETag, Location, Content-Location, Last-Modified, Retry-After, X-Request-Id";

/// How pages may call.
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// The origins whose pages may call.
#[derive(Clone, Debug, Default)]
pub struct Origins(BTreeSet<String>);

/// An origin that cannot be on the list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("say each origin in full, such as https://portal.example.org: no path, no star, and never null")]
pub struct InvalidOrigin;

impl Origins {
    /// The origins of a list separated by commas. Each is a scheme, a host and perhaps a port, compared to the letter.
    pub fn read(list: &str) -> Result<Self, InvalidOrigin> {
        let named = list.split(',').map(str::trim).filter(|origin| !origin.is_empty());
        let origins: Result<_, _> = named.map(|origin| checked(origin).ok_or(InvalidOrigin)).collect();
        Ok(Self(origins?))
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What an answer to this request says about origins.
    pub(crate) fn allow(&self, path: &str, headers: &HeaderMap) -> Allowed {
        if route::is_for_everybody(path) {
            return Allowed { origin: Some(HeaderValue::from_static("*")), varies: false };
        }
        let asked = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
        let known = asked.filter(|origin| self.0.contains(*origin));
        Allowed { origin: known.and_then(|origin| HeaderValue::from_str(origin).ok()), varies: !self.is_empty() }
    }

    /// The answer to a page that asks whether it may call; `None` for whoever is not on the list, and for requests that
    /// ask nothing of the kind.
    pub(crate) fn preflight(&self, request: &ServiceRequest) -> Option<HttpResponse> {
        let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || self.allow(request.path(), request.headers()).origin.is_none() {
            return None;
        }
        let mut answer = HttpResponse::NoContent();
        answer
            .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
            .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
            .insert_header((ACCESS_CONTROL_MAX_AGE, "600"));
        Some(answer.finish())
    }
}

fn checked(origin: &str) -> Option<String> {
    if origin.contains('*') {
        return None;
    }
    let url = reqwest::Url::parse(origin).ok()?;
    let tuple = url.origin();
    (tuple.is_tuple() && tuple.ascii_serialization() == origin).then(|| origin.to_owned())
}

/// What an answer says about origins.
pub(crate) struct Allowed {
    origin: Option<HeaderValue>,
    varies: bool,
}

impl Allowed {
    /// Says it.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        if let Some(origin) = self.origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_said_in_full_or_not_at_all() {
        let list = " https://portal.example.org, http://localhost:3000 ,";
        assert_eq!(Origins::read(list).unwrap().0.len(), 2);
        assert!(Origins::read("").unwrap().is_empty());
        for bad in [
            "*",
            "null",
            "https://*.example.org",
            "https://portal.example.org/",
            "https://portal.example.org:443",
            "https://Portal.example.org",
            "portal.example.org",
            "file://",
            "https://a@portal.example.org",
            "https://a.example, *",
        ] {
            assert!(Origins::read(bad).is_err(), "{bad}");
        }
    }
}

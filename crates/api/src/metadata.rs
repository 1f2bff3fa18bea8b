//! What the service says of itself: the CapabilityStatement, the OpenAPI document and the browsable page.

use std::io::Write as _;
use std::sync::{Arc, OnceLock};

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, Encoding,
    Header as _, LOCATION, VARY,
};
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::capability::{Installation, statement};
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::error::{Answer, Failure};
use crate::manners::Manners;
use crate::openapi::{self, schema};
use crate::smart;
use crate::state::AppState;

/// A document made once, with the tag it is known by.
#[derive(Debug)]
pub struct Document {
    text: Bytes,
    tag: String,
    /// Its compressed form, once somebody has asked for it: made anew for each of them it would cost what anybody may ask
    /// for without a token.
    compressed: OnceLock<Bytes>,
}

impl Document {
    fn new(text: String) -> Self {
        let digest = Sha256::digest(&text);
        let tag = URL_SAFE_NO_PAD.encode(&digest[..9]);
        Self { text: text.into(), tag: format!("W/\"{tag}\""), compressed: OnceLock::new() }
    }

    fn compressed(&self) -> Bytes {
        let made = self.compressed.get_or_init(|| {
            let mut encoder = GzEncoder::new(vec![], Compression::default());
            let made = encoder.write_all(&self.text).and_then(|()| encoder.finish());
            made.expect("a vector takes all that is written").into()
        });
        made.clone()
    }

    /// The document, or 304 when the client has it.
    fn show(&self, request: &HttpRequest, manners: &Manners, content_type: &str) -> HttpResponse {
        let had = manners.unmodified.names(&self.tag);
        let mut response = if had { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        // There is nothing about anybody in it, so it may be kept if it is asked about.
        response.insert_header((ETAG, self.tag.as_str())).insert_header((CACHE_CONTROL, "no-cache"));
        if had {
            response.finish()
        } else {
            response.insert_header((CONTENT_TYPE, content_type));
            if manners.pretty {
                return response.body(manners.told(String::from_utf8_lossy(&self.text).into_owned()));
            }
            if takes_gzip(request) {
                // What says that it is encoded is not encoded again.
                response.insert_header((CONTENT_ENCODING, "gzip")).insert_header((VARY, "accept-encoding"));
                return response.body(self.compressed());
            }
            response.body(self.text.clone())
        }
    }
}

/// Whether a client that may choose its answer's encoding gets gzip.
fn takes_gzip(request: &HttpRequest) -> bool {
    let accepted = AcceptEncoding::parse(request).ok();
    let offered = [Encoding::identity(), Encoding::gzip(), Encoding::deflate()];
    accepted.is_some_and(|accepted| accepted.negotiate(offered.iter()) == Some(Encoding::gzip()))
}

/// The documents that are served from memory.
#[derive(Debug)]
pub struct Documents {
    /// Since when the service says of itself what it says.
    pub(crate) since: Timestamp,
    capability: Document,
    smart: Document,
    openapi: Document,
}

impl Documents {
    /// The documents of a service that begins now.
    pub fn new(state: &AppState) -> Self {
        let since = state.time.now();
        let announced = state.authenticator.announced();
        let installation = Installation {
            base_url: &state.base_url,
            version: env!("CARGO_PKG_VERSION"),
            date: &since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            authorize_url: announced.as_ref().and_then(|issuer| issuer.authorization_endpoint.as_deref()),
            token_url: announced.as_ref().map(|issuer| issuer.token_endpoint.as_str()),
            has_cors: !state.origins.is_empty(),
        };
        Self {
            since,
            capability: Document::new(statement(&installation)),
            smart: Document::new(smart::configuration(announced.as_ref())),
            openapi: Document::new(openapi::openapi()),
        }
    }
}

/// What the FHIR interface offers.
#[utoipa::path(
    tag = "Service",
    operation_id = "readCapabilities",
    responses((status = 200, description = "The CapabilityStatement.", body = schema::CapabilityStatement, content_type = "application/fhir+json",
        headers(("ETag" = String)))),
)]
#[get("/fhir/metadata")]
pub(crate) async fn capabilities(documents: Data<Documents>, manners: Manners, request: HttpRequest) -> Answer {
    Ok(documents.capability.show(&request, &manners, manners.format.content_type()))
}

/// Where SMART clients go for a token, and which scopes mean something here
/// (<https://hl7.org/fhir/smart-app-launch/conformance.html>).
#[utoipa::path(
    tag = "Service",
    operation_id = "readSmartConfiguration",
    responses((status = 200, description = "What SMART App Launch clients need to know.", body = schema::SmartConfiguration, content_type = "application/json",
        headers(("ETag" = String)))),
)]
#[get("/fhir/.well-known/smart-configuration")]
pub(crate) async fn smart_configuration(documents: Data<Documents>, manners: Manners, request: HttpRequest) -> Answer {
    Ok(documents.smart.show(&request, &manners, "application/json"))
}

/// This document.
#[utoipa::path(
    tag = "Service",
    operation_id = "readOpenApi",
    responses((status = 200, description = "The OpenAPI document.", body = schema::OpenApiDocument, content_type = "application/json", headers(("ETag" = String)))),
)]
#[get("/openapi.json")]
pub(crate) async fn openapi_document(documents: Data<Documents>, manners: Manners, request: HttpRequest) -> Answer {
    Ok(documents.openapi.show(&request, &manners, "application/json"))
}

/// The way to the browsable page.
#[get("/")]
pub(crate) async fn home() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/docs/")).finish()
}

/// The way to the browsable page, from its address without the slash.
#[get("/docs")]
pub(crate) async fn docs() -> HttpResponse {
    HttpResponse::SeeOther().insert_header((LOCATION, "/docs/")).finish()
}

/// The browsable page and its assets, which are part of the binary.
#[get("/docs/{file:.*}")]
pub(crate) async fn page(file: Path<String>, config: Data<utoipa_swagger_ui::Config<'static>>) -> Answer {
    let config: Arc<utoipa_swagger_ui::Config<'static>> = config.into_inner();
    let served = utoipa_swagger_ui::serve(&file, config)
        .map_err(|_| Failure::Internal("the browsable page could not be made".to_owned()))?
        .ok_or(Failure::NoRoute)?;
    let mut response = HttpResponse::Ok();
    // The page styles itself in place and shows images it carries as data; it loads nothing from elsewhere.
    let policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
    response
        .insert_header((CONTENT_TYPE, served.content_type))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((CACHE_CONTROL, "no-cache"));
    if served.gzpipped {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response.body(served.bytes.into_owned()))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::FromRequest as _;
    use actix_web::body::MessageBody as _;
    use actix_web::test::TestRequest;
    use flate2::read::GzDecoder;

    use super::*;

    #[actix_web::test]
    async fn a_document_is_compressed_once_for_all_who_take_it_so() {
        let document = Document::new("{}".to_owned());
        let ask = async |accepted: Option<&str>| {
            let request = TestRequest::default();
            let request = match accepted {
                Some(accepted) => request.insert_header(("Accept-Encoding", accepted)),
                None => request,
            };
            let request = request.to_http_request();
            let manners = Manners::extract(&request).await.unwrap();
            let answer = document.show(&request, &manners, "application/json");
            let is_compressed = answer.headers().get(CONTENT_ENCODING).is_some_and(|own| own == "gzip");
            (is_compressed, answer.into_body().try_into_bytes().unwrap())
        };
        for plain in [None, Some("identity"), Some("deflate"), Some("gzip;q=0, identity")] {
            assert_eq!(ask(plain).await, (false, Bytes::from_static(b"{}")), "{plain:?}");
        }
        let (is_compressed, first) = ask(Some("gzip, deflate, br")).await;
        let mut text = String::new();
        GzDecoder::new(&*first).read_to_string(&mut text).unwrap();
        assert_eq!((is_compressed, text.as_str()), (true, "{}"));
        let (_, second) = ask(Some("gzip")).await;
        assert_eq!(first.as_ptr(), second.as_ptr(), "it was not made again");
    }
}

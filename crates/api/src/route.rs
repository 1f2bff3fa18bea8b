//! The routing table: every address there is, and what becomes of those there are not.

use std::sync::LazyLock;

use actix_web::dev::ResourceDef;
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::post;
use actix_web::{HttpRequest, HttpResponse};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::administration::{
    absences, blocks, bundles, clocks, decisions, deliveries, holds, holidays, overrides, simulations, threads,
};
use crate::door::Authenticated;
use crate::error::Failure;
use crate::{
    audit_event, bundle, care_team, communication, conformance, consent, health, healthcare_service, history, metadata,
    openapi, practitioner_role, task, validating,
};

/// What answers without a token, to GET and HEAD alone. Everything else needs one.
pub const PUBLIC: &[&str] =
    &["/", "/docs", "/fhir/.well-known/smart-configuration", "/fhir/metadata", "/livez", "/openapi.json", "/readyz"];

/// Whether pages of every origin may read what is at a path: what a client must know before it can have a token.
pub(crate) fn is_for_everybody(path: &str) -> bool {
    matches!(path, "/fhir/metadata" | "/fhir/.well-known/smart-configuration")
}

/// Whether a path answers without a token. Paths are compared as they were sent: whoever writes one in another way is
/// asked for a token.
pub fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path) || path.starts_with("/docs/")
}

/// The routes. Fixed names come before those that hold an id.
pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(history::everything)
        .service(history::messages)
        .service(history::message)
        .service(history::tasks)
        .service(history::task)
        .service(history::services)
        .service(history::service)
        .service(history::roles)
        .service(history::role)
        .service(history::teams)
        .service(history::team)
        .service(history::consents)
        .service(history::consent)
        .service(communication::preflight::preflight)
        .service(validating::communication::of_type)
        .service(validating::communication::of_one)
        .service(validating::task::of_type)
        .service(validating::task::of_one)
        .service(validating::healthcare_service::of_type)
        .service(validating::healthcare_service::of_one)
        .service(validating::practitioner_role::of_type)
        .service(validating::practitioner_role::of_one)
        .service(validating::care_team::of_type)
        .service(validating::care_team::of_one)
        .service(validating::consent::of_type)
        .service(validating::consent::of_one)
        .service(bundle::process)
        .service(communication::search)
        .service(communication::create)
        .service(communication::search_by_form)
        .service(communication::matching::update)
        .service(communication::matching::patch)
        .service(communication::matching::delete)
        .service(communication::viewing::inbox)
        .service(communication::viewing::inbox_by_post)
        .service(communication::viewing::thread)
        .service(communication::viewing::thread_by_post)
        .service(communication::viewing::mark_read)
        .service(communication::viewing::mark_unread)
        .service(communication::emergency::break_glass)
        .service(communication::read)
        .service(communication::update)
        .service(communication::patch)
        .service(communication::delete)
        .service(communication::vread)
        .service(task::search)
        .service(task::search_by_form)
        .service(task::read)
        .service(task::vread)
        .service(task::update::update)
        .service(task::update::patch)
        .service(task::claim)
        .service(task::operation::release)
        .service(task::operation::route)
        .service(task::operation::pause)
        .service(task::operation::resume)
        .service(task::operation::waive)
        .configure(healthcare_service::configure)
        .configure(practitioner_role::configure)
        .configure(care_team::configure)
        .configure(consent::configure)
        .configure(conformance::configure)
        .service(audit_event::search)
        .service(audit_event::search_by_form)
        .service(audit_event::read)
        .configure(administration)
        .service(metadata::capabilities)
        .service(metadata::smart_configuration)
        .service(metadata::openapi_document)
        .service(health::livez)
        .service(health::readyz)
        // The base address once more, as some clients write it.
        .map(|config| config.route("/fhir/", post().to(bundle::at_the_base)))
        // Pages for people are not operations.
        .map(|config| config.service(metadata::home).service(metadata::docs).service(metadata::page));
}

/// The routes of the administration.
fn administration(config: &mut ServiceConfig<'_>) {
    config
        .service(decisions::list)
        .service(decisions::read)
        .service(decisions::explain)
        .service(clocks::list)
        .service(clocks::read)
        .service(clocks::explain)
        .service(clocks::of_thread)
        .service(threads::open)
        .service(threads::route)
        .service(threads::merge)
        .service(deliveries::list)
        .service(overrides::create)
        .service(overrides::list)
        .service(absences::list)
        .service(absences::create)
        .service(absences::remove)
        .service(holidays::list)
        .service(holidays::create)
        .service(holidays::import)
        .service(holidays::confirm)
        .service(holidays::remove)
        .service(holds::list)
        .service(holds::release)
        .service(blocks::create)
        .service(blocks::list)
        .service(blocks::unblock)
        .service(bundles::list)
        .service(bundles::create)
        .service(bundles::validate)
        .service(bundles::read)
        .service(bundles::diff)
        .service(bundles::life::activate)
        .service(bundles::life::shadow)
        .service(bundles::life::retire)
        .service(bundles::bundle_schema)
        .service(simulations::list)
        .service(simulations::create)
        .service(simulations::read)
        .service(simulations::cancel);
}

/// The methods of an address, when it is one that takes others than the one asked with.
fn methods(path: &str) -> Option<String> {
    static TABLE: LazyLock<Vec<(ResourceDef, Vec<String>)>> = LazyLock::new(|| {
        let document = openapi::document();
        let mut table: Vec<_> = document
            .paths
            .paths
            .iter()
            .map(|(path, item)| {
                let taken = [
                    ("GET", &item.get),
                    ("POST", &item.post),
                    ("PUT", &item.put),
                    ("PATCH", &item.patch),
                    ("DELETE", &item.delete),
                ];
                let mut methods: Vec<String> = taken
                    .into_iter()
                    .filter(|(_, operation)| operation.is_some())
                    .map(|(method, _)| method.to_owned())
                    .collect();
                if methods.iter().any(|method| method == "GET") {
                    methods.push("HEAD".to_owned());
                }
                (ResourceDef::new(path.as_str()), methods)
            })
            .collect();
        let page = || vec!["GET".to_owned(), "HEAD".to_owned()];
        table.extend(["/", "/docs", "/docs/{file:.*}"].map(|path| (ResourceDef::new(path), page())));
        table
    });
    // Fixed names sort before those that hold an id, for braces come after letters.
    TABLE.iter().find(|(address, _)| address.is_match(path)).map(|(_, methods)| methods.join(", "))
}

/// The methods of an address of which only the last part tells it from one that holds an id, when it does not take the
/// one asked with: no id begins with an underscore or a dollar sign, so no resource is meant.
pub(crate) fn misplaced(method: &Method, path: &str) -> Option<String> {
    if *method == Method::OPTIONS || (!path.contains("/_") && !path.contains("/$")) {
        return None;
    }
    methods(path).filter(|allowed| !allowed.split(", ").any(|own| own == method.as_str()))
}

/// What no route takes: a method that the address does not take, or no address at all. `OPTIONS` asks which it takes. The door has asked for a token
/// before, so nobody learns the addresses by trying.
pub(crate) async fn otherwise(request: HttpRequest, _caller: Option<Authenticated>) -> Result<HttpResponse, Failure> {
    match methods(request.path()) {
        Some(allowed) if request.method() == Method::OPTIONS => {
            Ok(HttpResponse::NoContent().insert_header((ALLOW, format!("{allowed}, OPTIONS"))).finish())
        }
        found => Err(found.map_or(Failure::NoRoute, Failure::Method)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_by_its_methods() {
        assert_eq!(methods("/fhir/Communication").unwrap(), "GET, POST, PUT, PATCH, DELETE, HEAD");
        assert_eq!(methods("/fhir/HealthcareService/a-1").unwrap(), "GET, PUT, PATCH, DELETE, HEAD");
        assert_eq!(methods("/fhir/Task/a-1/$claim").unwrap(), "POST");
        assert_eq!(methods("/fhir/Task/_search").unwrap(), "POST");
        for unknown in ["/fhir/", "/fhir/Patient", "//fhir/Communication", "/fhir/Communication/", "/metrics"] {
            assert_eq!(methods(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn only_the_short_list_is_public() {
        for private in
            ["/fhir/Communication", "/fhir/%6detadata", "/fhir/metadata/", "/docs2", "/api/v1/bundles", "/metrics", ""]
        {
            assert!(!is_public(private), "{private}");
        }
        assert!(is_public("/docs/index.html") && is_public("/readyz"));
    }
}

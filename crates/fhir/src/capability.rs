//! The [CapabilityStatement](https://hl7.org/fhir/R4/capabilitystatement.html), written from the tables that the service
//! is served from.

use domain::id::ResourceType;
use serde_json::{Value, json};

use crate::audit_event;
use crate::conformance::{Defined, DefinedParameter};
use crate::interaction::{SERVED, Served, SystemInteraction};
use crate::operation::{Operation, operations};
use crate::search::{Parameter, parameters};

/// The version of FHIR that is spoken.
pub const FHIR_VERSION: &str = "4.0.1";

/// The extension by which SMART clients find the authorization server
/// (<http://hl7.org/fhir/smart-app-launch/1.0.0/conformance/index.html>).
const OAUTH_URIS: &str = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris";

/// What only the installation knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Installation<'a> {
    /// The service's own address, without a slash at its end.
    pub base_url: &'a str,
    /// The version of the software.
    pub version: &'a str,
    /// Since when the statement says what it says, as a FHIR dateTime: mostly when the service was started.
    pub date: &'a str,
    /// Where clients send users to log in.
    pub authorize_url: Option<&'a str>,
    /// Where clients get tokens.
    pub token_url: Option<&'a str>,
    /// Whether browsers of other origins may call.
    pub has_cors: bool,
}

/// The CapabilityStatement as JSON text.
pub fn statement(installation: &Installation<'_>) -> String {
    json!({
        "resourceType": "CapabilityStatement",
        "url": format!("{}/metadata", installation.base_url.trim_end_matches('/')),
        "version": installation.version,
        "name": "Postern",
        "title": "Postern: secure messages between patients and care teams",
        "status": "active",
        "date": installation.date,
        "kind": "instance",
        "software": { "name": "Postern", "version": installation.version },
        "implementation": {
            "description": "Secure messages between patients and care teams, with answers owed in time",
            "url": installation.base_url.trim_end_matches('/'),
        },
        "fhirVersion": FHIR_VERSION,
        "format": ["json", "application/fhir+json"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json"],
        "rest": [{
            "mode": "server",
            "security": security(installation),
            "resource": SERVED.iter().map(resource).chain(Defined::ALL.into_iter().map(defined)).chain([audit_event::capability()]).collect::<Vec<_>>(),
            "interaction": SystemInteraction::ALL.iter().map(|own| json!({ "code": own.as_str() })).collect::<Vec<_>>(),
        }],
    })
    .to_string()
}

fn security(installation: &Installation<'_>) -> Value {
    let mut security = json!({
        "cors": installation.has_cors,
        "service": [{
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
                "display": "SMART-on-FHIR",
            }],
            "text": "OAuth 2 access tokens with SMART App Launch 2 scopes",
        }],
        "description": "Every request but the one for this statement needs a bearer token of a trusted issuer. Scopes are \
                        those of SMART App Launch 2, such as patient/Communication.crs; what a caller may not see does \
                        not exist for them.",
    });
    let endpoints = [("authorize", installation.authorize_url), ("token", installation.token_url)];
    let endpoints: Vec<_> = endpoints
        .into_iter()
        .filter_map(|(name, url)| url.map(|url| json!({ "url": name, "valueUri": url })))
        .collect();
    if !endpoints.is_empty() {
        security["extension"] = json!([{ "url": OAUTH_URIS, "extension": endpoints }]);
    }
    security
}

fn resource(served: &Served) -> Value {
    let kind = served.kind;
    let interactions = served.interactions.iter().map(|interaction| json!({ "code": interaction.as_str() }));
    let mut resource = json!({
        "type": kind.as_str(),
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
        "documentation": served.documentation,
        "interaction": interactions.collect::<Vec<_>>(),
        "versioning": "versioned",
        "readHistory": true,
        "updateCreate": served.creates_on_update,
        "conditionalCreate": served.has_conditional_create,
        "conditionalRead": "full-support",
        "conditionalUpdate": served.has_conditional_changes,
        "conditionalDelete": if served.has_conditional_changes { "single" } else { "not-supported" },
        "referencePolicy": ["literal"],
        "searchInclude": includes(kind),
        "searchRevInclude": reverse_includes(kind),
        "searchParam": parameters(kind).iter().map(|parameter| search_parameter(served, parameter)).collect::<Vec<_>>(),
    });
    if !operations(kind).is_empty() {
        let operation = |operation: &Operation| {
            json!({
                "name": operation.name,
                "definition": operation.definition(kind),
                "documentation": operation.documentation,
            })
        };
        resource["operation"] = operations(kind).iter().map(operation).collect();
    }
    resource
}

/// What is served of a type of definitions.
fn defined(kind: Defined) -> Value {
    let parameter = |own: &DefinedParameter| {
        json!({
            "name": own.name,
            "definition": own.definition(),
            "type": own.kind.as_str(),
            "documentation": own.documentation,
        })
    };
    json!({
        "type": kind.as_str(),
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{}", kind.as_str()),
        "documentation": kind.documentation(),
        "interaction": Defined::INTERACTIONS.map(|own| json!({ "code": own.as_str() })),
        "versioning": "versioned",
        "readHistory": false,
        "conditionalRead": "full-support",
        "searchParam": kind.parameters().map(parameter).collect::<Vec<_>>(),
    })
}

/// `*` and the references of a type to stored ones.
fn includes(kind: ResourceType) -> Vec<String> {
    let named = references(kind).map(|parameter| format!("{kind}:{}", parameter.name));
    std::iter::once("*".to_owned()).chain(named).collect()
}

/// The references of stored types to this one.
fn reverse_includes(kind: ResourceType) -> Vec<String> {
    let to_it = |parameter: &&Parameter| parameter.stored_targets().any(|target| target == kind);
    let of = |own: ResourceType| {
        references(own).filter(to_it).map(move |parameter| format!("{own}:{}", parameter.name)).collect::<Vec<_>>()
    };
    ResourceType::ALL.iter().flat_map(|own| of(*own)).collect()
}

fn references(kind: ResourceType) -> impl Iterator<Item = &'static Parameter> {
    parameters(kind).iter().filter(|parameter| parameter.stored_targets().next().is_some())
}

fn search_parameter(served: &Served, parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "definition": parameter.definition(served.kind),
        "type": parameter.kind.as_str(),
        "documentation": parameter.documentation,
    })
}

#[cfg(test)]
mod tests;

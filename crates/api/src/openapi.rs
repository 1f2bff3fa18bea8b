//! The OpenAPI document, made from the routes that are served: what is not in one is not in the other.

pub(crate) mod schema;

use actix_web::App;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Required, ServerBuilder,
};
use utoipa_actix_web::AppExt as _;

use crate::route;

/// The document as indented JSON; the same text for the same build.
pub fn openapi() -> String {
    let mut text = document().to_pretty_json().expect("a document of strings and numbers is JSON");
    text.push('\n');
    text
}

/// The document.
pub(crate) fn document() -> OpenApi {
    let mut document =
        App::new().into_utoipa_app().openapi(described()).configure(route::configure).split_for_parts().1;
    // The macro knows bodies that may be left out only as ones that may be null, which no client should send.
    let activate = document.paths.paths.get_mut("/api/v1/bundles/{id}/{version}/activate");
    if let Some(RefOr::T(body)) = activate.and_then(|item| item.post.as_mut()?.request_body.as_mut()) {
        body.required = Some(Required::False);
    }
    document
}

/// Everything but the routes.
fn described() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Postern")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Secure messages between patients and care teams, with answers owed in time. The FHIR interface speaks R4 \
             (4.0.1) in JSON; `application/json` means the same as `application/fhir+json` in both directions. Elements \
             that are not listed here are kept and given out unchanged.",
        ))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").description(Some(
        "An OAuth 2 access token of a trusted issuer. Each operation names a SMART App Launch 2 scope that opens it for \
         one level; the same letters at `patient/`, `user/` or `system/` open it for the patient in context, for what the \
         user may see, or for a machine. Administration needs \
         `postern/admin.read`, or `postern/admin.write` for what changes something.",
    ));
    let tag = |name: &str, text: &str| TagBuilder::new().name(name).description(Some(text)).build();
    OpenApiBuilder::new()
        .info(info)
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some([
            tag("Communication", "Messages: send, read, find."),
            tag("Task", "Awaited answers: read, find, claim."),
            tag("HealthcareService", "Pools with their hours and absences."),
            tag("PractitionerRole", "Who answers where, their hours and absences."),
            tag("CareTeam", "Teams and who is in them."),
            tag("Consent", "Who acts for a patient and sees which conversations."),
            tag("Definition", "What the service itself defines: extensions, codes, search parameters, operations."),
            tag("AuditEvent", "Who did what, for those who may know."),
            tag("Administration", "Policies and what came of them; never message text."),
            tag("Service", "What the service says of itself."),
            tag("Operation", "Whether the service lives and can serve."),
        ]))
        .components(Some(
            ComponentsBuilder::new()
                .schemas_from_iter(schema::all().clone())
                .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
                .build(),
        ))
        .build()
}

#[cfg(test)]
mod tests;

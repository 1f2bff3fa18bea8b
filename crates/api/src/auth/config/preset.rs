//! Where well-known kinds of servers put what a token says.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A kind of authorization server. What it sets are defaults: a setting that the configuration says itself wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// A server of a record system that copies the launch context of SMART App Launch into its tokens
    /// (<https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html>).
    Smart,
    /// Keycloak: the client is `azp`, roles are those of the realm, attributes come by mappers.
    Keycloak,
    /// Microsoft Entra ID: no slash and no star can stand in a scope's name, so `patient.all.rs` means `patient/*.rs`;
    /// permissions of applications are roles.
    Entra,
    /// Okta, a custom authorization server: scopes are the array `scp`, the client is `cid`.
    Okta,
    /// Auth0: permissions of its role based access control stand beside the scopes.
    Auth0,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Smart, Self::Keycloak, Self::Entra, Self::Okta, Self::Auth0];

    /// The settings, by their names in the configuration.
    pub(super) fn settings(self) -> Map<String, Value> {
        let settings = match self {
            Self::Smart => json!({
                "client_id_claims": ["/client_id", "/azp"],
                "patient_claims": ["/patient", "/launch_response_patient", "/patient_id", "/ext/patient"],
                "fhir_user_claims": ["/fhirUser", "/ext/fhirUser"],
            }),
            Self::Keycloak => json!({
                "allowed_typ": ["JWT", "at+jwt"],
                "scope_claims": ["/scope"],
                "role_claims": ["/realm_access/roles"],
                "client_id_claims": ["/azp", "/client_id", "/clientId"],
                "patient_claims": ["/patient", "/patient_id"],
            }),
            Self::Entra => json!({
                "algorithms": ["RS256"],
                "allowed_typ": ["JWT"],
                "scope_claims": ["/scp", "/roles"],
                "scope_separators": ["/", ".", "$"],
                "scope_aliases": { "all": "*" },
                "role_claims": ["/roles"],
                "client_id_claims": ["/azp", "/appid"],
                "subject_claims": ["/oid", "/sub"],
            }),
            Self::Okta => json!({
                "algorithms": ["RS256"],
                "scope_claims": ["/scp"],
                "client_id_claims": ["/cid"],
                "subject_claims": ["/uid", "/sub"],
            }),
            Self::Auth0 => json!({
                "scope_claims": ["/scope"],
                "role_claims": ["/permissions"],
                "client_id_claims": ["/azp", "/client_id"],
            }),
        };
        match settings {
            Value::Object(settings) => settings,
            _ => Map::new(),
        }
    }
}

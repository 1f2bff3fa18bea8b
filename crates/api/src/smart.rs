//! The document by which SMART App Launch clients find their way
//! (<https://hl7.org/fhir/smart-app-launch/conformance.html>).

use domain::access::{Permission, Sees, Visibility};
use domain::id::{Reference, ResourceType};
use fhir::interaction::SERVED;
use fhir::operation::operations;
use serde_json::json;

use crate::auth::Announced;

/// The document as JSON text. Where tokens come from stands in it when the configuration says so; what else the issuer
/// can do is for the issuer's own metadata to say.
pub(crate) fn configuration(announced: Option<&Announced>) -> String {
    let mut capabilities = vec!["permission-patient", "permission-user", "permission-v1", "permission-v2"];
    let methods = announced.map(|issuer| issuer.token_endpoint_auth_methods.as_slice()).unwrap_or_default();
    let client = |capability: &'static str, by: &[&str]| {
        methods.iter().any(|method| by.contains(&method.as_str())).then_some(capability)
    };
    capabilities.extend(client("client-public", &["none"]));
    capabilities.extend(client("client-confidential-symmetric", &["client_secret_basic", "client_secret_post"]));
    capabilities.extend(client("client-confidential-asymmetric", &["private_key_jwt"]));
    let mut document = json!({ "capabilities": capabilities, "scopes_supported": scopes() });
    if let Some(announced) = announced {
        document["issuer"] = json!(announced.issuer);
        document["token_endpoint"] = json!(announced.token_endpoint);
        document["grant_types_supported"] = json!(["client_credentials"]);
        if !methods.is_empty() {
            document["token_endpoint_auth_methods_supported"] = json!(methods);
        }
        for (name, place) in [
            ("introspection_endpoint", &announced.introspection_endpoint),
            ("revocation_endpoint", &announced.revocation_endpoint),
        ] {
            if let Some(place) = place {
                document[name] = json!(place);
            }
        }
        if let Some(authorize) = &announced.authorization_endpoint {
            document["authorization_endpoint"] = json!(authorize);
            document["grant_types_supported"] = json!(["authorization_code", "client_credentials"]);
            document["response_types_supported"] = json!(["code"]);
            document["code_challenge_methods_supported"] = json!(["S256"]);
        }
    }
    document.to_string()
}

/// The widest scopes that mean something here: of each type the letters of what is served of it to a level.
fn scopes() -> Vec<String> {
    let levels = ["patient", "user", "system"];
    let of = |level: &str| {
        let scope = |served: &fhir::interaction::Served| {
            let granted = served.interactions.iter().map(|interaction| interaction.permission());
            let granted: Vec<_> = granted.chain(operations(served.kind).iter().map(|own| own.permission)).collect();
            let letter = |(letter, permission): &(char, Permission)| {
                (granted.contains(permission) && means(level, served.kind, *permission)).then_some(*letter)
            };
            let letters: String = Permission::LETTERS.iter().filter_map(letter).collect();
            (!letters.is_empty()).then(|| format!("{level}/{}.{letters}", served.kind))
        };
        SERVED.iter().filter_map(scope).collect::<Vec<_>>()
    };
    let administration = ["postern/admin.read".to_owned(), "postern/admin.write".to_owned()];
    let trail = [format!("system/{}.rs", fhir::audit_event::KIND)];
    levels.iter().flat_map(|level| of(level)).chain(trail).chain(administration).collect()
}

/// Whether a scope of a level ever lets anybody do this to a type.
fn means(level: &str, kind: ResourceType, permission: Permission) -> bool {
    let reads = matches!(permission, Permission::Read | Permission::Search);
    let somebody = |text: &str| text.parse::<Reference>().ok();
    let view = match level {
        // Tasks are worked on by people of the team.
        "patient" | "system" if kind == ResourceType::Task && !reads => None,
        "patient" => somebody("Patient/x").map(|me| Visibility::Patient { patient: me.clone(), me, sees: Sees::ALL }),
        "user" => {
            somebody("Practitioner/x").map(|me| Visibility::Staff { me, pools: vec![], leads: vec![], about: None })
        }
        _ => Some(Visibility::Everything),
    };
    view.is_some_and(|view| view.of(kind, permission).is_ok())
}

#[cfg(test)]
mod tests {
    use domain::access::Scope;
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_scope_that_is_offered_means_something() {
        let document: Value = serde_json::from_str(&configuration(None)).unwrap();
        let offered = document["scopes_supported"].as_array().unwrap();
        assert!(offered.iter().all(|scope| scope.as_str().unwrap().parse::<Scope>().is_ok()), "{offered:?}");
        assert!(offered.iter().any(|scope| scope == "user/Task.rus"), "{offered:?}");
        let never = [
            "patient/PractitionerRole",
            "patient/HealthcareService.c",
            "patient/Task.ru",
            "system/Task.ru",
            "user/CareTeam.c",
        ];
        for scope in offered.iter().map(|scope| scope.as_str().unwrap()) {
            assert!(!never.iter().any(|never| scope.starts_with(never)), "{scope} is granted to nobody");
        }
        assert!(offered.iter().any(|scope| scope == "patient/HealthcareService.rs"), "{offered:?}");
        assert!(document.get("token_endpoint").is_none(), "nobody is sent where there is nothing");
    }

    #[test]
    fn a_server_for_machines_alone_sends_nobody_to_sign_in() {
        let mut announced = Announced {
            issuer: "https://i.example".to_owned(),
            authorization_endpoint: None,
            token_endpoint: "https://i.example/token".to_owned(),
            introspection_endpoint: None,
            revocation_endpoint: Some("https://i.example/revoke".to_owned()),
            token_endpoint_auth_methods: ["private_key_jwt", "none"].map(str::to_owned).to_vec(),
        };
        let read = |announced: &Announced| -> Value { serde_json::from_str(&configuration(Some(announced))).unwrap() };
        assert_eq!(read(&announced)["grant_types_supported"], json!(["client_credentials"]));
        announced.authorization_endpoint = Some("https://i.example/authorize".to_owned());
        let document = read(&announced);
        assert_eq!(document["authorization_endpoint"], "https://i.example/authorize");
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["private_key_jwt", "none"]));
        assert_eq!(document["revocation_endpoint"], "https://i.example/revoke");
        assert!(document.get("introspection_endpoint").is_none());
        let capabilities = document["capabilities"].as_array().unwrap();
        for (name, said) in [
            ("client-confidential-asymmetric", true),
            ("client-public", true),
            ("client-confidential-symmetric", false),
        ] {
            assert_eq!(capabilities.iter().any(|own| own == name), said, "{name}");
        }
    }
}

//! The document by which SMART App Launch clients find their way
//! (<https://hl7.org/fhir/smart-app-launch/conformance.html>).

use domain::access::Permission;
use fhir::interaction::SERVED;
use fhir::operation::operations;
use serde_json::json;

use crate::auth::Announced;

/// The document as JSON text. Where tokens come from stands in it when the configuration says so; what else the issuer
/// can do is for the issuer's own metadata to say.
pub(crate) fn configuration(announced: Option<&Announced>) -> String {
    let mut document = json!({
        "capabilities": ["permission-patient", "permission-user", "permission-v1", "permission-v2"],
        "scopes_supported": scopes(),
    });
    if let Some(announced) = announced {
        document["issuer"] = json!(announced.issuer);
        document["token_endpoint"] = json!(announced.token_endpoint);
        document["grant_types_supported"] = json!(["client_credentials"]);
        if let Some(authorize) = &announced.authorization_endpoint {
            document["authorization_endpoint"] = json!(authorize);
            document["grant_types_supported"] = json!(["authorization_code", "client_credentials"]);
            document["response_types_supported"] = json!(["code"]);
            document["code_challenge_methods_supported"] = json!(["S256"]);
        }
    }
    document.to_string()
}

/// The widest scopes that mean something here: of each type the letters of what is served of it, for each level.
fn scopes() -> Vec<String> {
    let levels = ["patient", "user", "system"];
    let of = |level: &str| {
        let scope = |served: &fhir::interaction::Served| {
            let granted = served.interactions.iter().map(|interaction| interaction.permission());
            let granted: Vec<_> = granted.chain(operations(served.kind).iter().map(|own| own.permission)).collect();
            let letter = |(letter, permission): &(char, Permission)| granted.contains(permission).then_some(*letter);
            let letters: String = Permission::LETTERS.iter().filter_map(letter).collect();
            format!("{level}/{}.{letters}", served.kind)
        };
        SERVED.iter().map(scope).collect::<Vec<_>>()
    };
    let administration = ["postern/admin.read".to_owned(), "postern/admin.write".to_owned()];
    let trail = [format!("system/{}.rs", fhir::audit_event::KIND)];
    levels.iter().flat_map(|level| of(level)).chain(trail).chain(administration).collect()
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
        assert!(document.get("token_endpoint").is_none(), "nobody is sent where there is nothing");
    }

    #[test]
    fn a_server_for_machines_alone_sends_nobody_to_sign_in() {
        let mut announced = Announced {
            issuer: "https://i.example".to_owned(),
            authorization_endpoint: None,
            token_endpoint: "https://i.example/token".to_owned(),
        };
        let read = |announced: &Announced| -> Value { serde_json::from_str(&configuration(Some(announced))).unwrap() };
        assert_eq!(read(&announced)["grant_types_supported"], json!(["client_credentials"]));
        announced.authorization_endpoint = Some("https://i.example/authorize".to_owned());
        let document = read(&announced);
        assert_eq!(document["authorization_endpoint"], "https://i.example/authorize");
        assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    }
}

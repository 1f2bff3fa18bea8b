use serde_json::Value;

use super::*;
use crate::json::Tree;
use crate::validate::{Options, validate};

const INSTALLATION: Installation<'static> = Installation {
    base_url: "https://clinic.example/fhir",
    version: "0.1.0",
    date: "2026-06-19T21:30:00Z",
    authorize_url: Some("https://login.example/authorize"),
    token_url: Some("https://login.example/token"),
    has_cors: true,
};

/// The statement, after it was found to be valid FHIR.
fn read(installation: &Installation<'_>) -> Value {
    let text = statement(installation);
    let tree = Tree::read(text.as_bytes()).unwrap();
    let issues = validate(&tree, "CapabilityStatement", Options { refuse_empty_arrays: true });
    assert!(issues.is_empty(), "{issues:?}");
    serde_json::from_str(&text).unwrap()
}

fn resource(statement: &Value, kind: &str) -> Value {
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    resources.iter().find(|own| own["type"] == kind).unwrap().clone()
}

fn all(of: &Value, member: &str) -> Vec<String> {
    of.as_array().unwrap().iter().map(|own| own[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_statement_says_what_is_served_of_each_type() {
    let statement = read(&INSTALLATION);
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let communication = resource(&statement, "Communication");
    assert_eq!(
        all(&communication["interaction"], "code"),
        ["create", "read", "vread", "update", "patch", "delete", "history-instance", "history-type", "search-type"]
    );
    assert_eq!(all(&statement["rest"][0]["interaction"], "code"), ["history-system", "batch", "transaction"]);
    assert_eq!(communication["conditionalCreate"], true);
    assert_eq!(communication["updateCreate"], false);
    let parameters = all(&communication["searchParam"], "name");
    for name in "_id _lastUpdated patient subject sender recipient participant part-of status category sent identifier"
        .split(' ')
    {
        assert!(parameters.iter().any(|own| own == name), "{name}");
    }
    let task = resource(&statement, "Task");
    assert_eq!(all(&task["operation"], "name"), ["validate", "claim", "release", "route", "pause", "resume", "waive"]);
    let parameters = all(&task["searchParam"], "name");
    for name in "_id _lastUpdated owner patient status business-status due focus pool".split(' ') {
        assert!(parameters.iter().any(|own| own == name), "{name}");
    }
    assert_eq!(all(&resource(&statement, "HealthcareService")["operation"], "name"), ["validate"]);
    let listed = |of: &Value, member: &str, name: &str| of[member].as_array().unwrap().iter().any(|own| own == name);
    assert!(listed(&task, "searchInclude", "Task:focus") && listed(&task, "searchInclude", "*"));
    assert!(listed(&communication, "searchRevInclude", "Task:focus"));
    assert!(
        !listed(&communication, "searchInclude", "Communication:encounter"),
        "what is not stored never comes along"
    );
}

#[test]
fn smart_clients_find_the_authorization_server_when_there_is_one() {
    let statement = read(&INSTALLATION);
    let extension = &statement["rest"][0]["security"]["extension"][0];
    assert_eq!(extension["url"], OAUTH_URIS);
    assert_eq!(all(&extension["extension"], "url"), ["authorize", "token"]);
    assert_eq!(extension["extension"][1]["valueUri"], "https://login.example/token");
    let without = read(&Installation { authorize_url: None, token_url: None, ..INSTALLATION });
    assert!(without["rest"][0]["security"].get("extension").is_none());
}

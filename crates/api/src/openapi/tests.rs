use std::collections::BTreeSet;

use serde_json::Value;

use crate::error::Style;

use super::*;

fn operations() -> Vec<(String, String, Value)> {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().clone();
    let methods = |(path, item): (String, Value)| {
        let item = item.as_object().unwrap().clone();
        item.into_iter()
            .map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation))
            .collect::<Vec<_>>()
    };
    paths.into_iter().flat_map(methods).collect()
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(openapi(), openapi());
    assert!(openapi().starts_with("{\n  \"openapi\": \"3.1.0\""));
}

#[test]
fn the_document_in_the_repository_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi/postern.json");
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == openapi(), "openapi/postern.json is out of date: run `make openapi`");
}

#[test]
fn schemas_are_told_as_they_are_written() {
    let written: Value = serde_json::from_str(include_str!("schemas.json")).unwrap();
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let told = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in written.as_object().unwrap() {
        assert_eq!(&told[name], schema, "{name}");
    }
    let text = document.to_string();
    let named = text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap());
    for name in named {
        assert!(told.contains_key(name), "{name} is named and not there");
    }
}

fn walk(value: &Value, at: &str) {
    if let Value::Object(map) = value {
        assert_ne!(map.get("type"), Some(&Value::from("null")), "{at}");
        assert!(!map.get("type").is_some_and(Value::is_array), "several types at {at}");
        if let Some(Value::Object(properties)) = map.get("properties") {
            assert!(!properties.keys().any(|name| name.starts_with('_')), "{at}");
        }
        for (name, value) in map {
            walk(value, &format!("{at}/{name}"));
        }
    }
    if let Value::Array(items) = value {
        for item in items {
            walk(item, at);
        }
    }
}

#[test]
fn generated_clients_find_nothing_they_cannot_bear() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    walk(&document, "");
    let resource = &document["components"]["schemas"]["BundleEntry"]["properties"]["resource"];
    assert_eq!((&resource["type"], &resource["additionalProperties"]), (&Value::from("object"), &Value::from(true)));
}

#[test]
fn every_operation_has_a_name_of_its_own_a_tag_and_told_errors() {
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{name} twice");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
        let secured = operation.get("security").is_some();
        assert_ne!(secured, route::is_public(&path), "{method} {path}");
        if secured {
            let kind = if path.starts_with("/fhir") { "application/fhir+json" } else { "application/problem+json" };
            assert!(operation["responses"]["401"]["content"][kind].is_object(), "{method} {path}");
        }
    }
}

#[test]
fn the_capability_statement_and_the_routes_say_the_same() {
    let routes: BTreeSet<(String, String)> = operations()
        .into_iter()
        .filter(|(path, ..)| Style::of(path) == Style::Fhir && !route::is_public(path))
        .map(|(path, method, _)| (method, path))
        .collect();
    let stated: BTreeSet<_> = fhir::interaction::routes()
        .into_iter()
        .map(|route| (route.method.to_owned(), format!("/fhir{}", route.path)))
        .collect();
    assert_eq!(routes, stated);
}

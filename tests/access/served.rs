//! What is served, what the document says and what the CapabilityStatement says are the same.

use std::collections::BTreeSet;

use api::route::PUBLIC;
use fhir::conformance::Defined;
use reqwest::Method;

use super::{filled, operations};
use crate::house::House;
use crate::people::engine;

on_both!(house: routes_document_and_capability_statement_say_the_same);

async fn routes_document_and_capability_statement_say_the_same(house: &House) {
    let documented: BTreeSet<(String, String)> = operations(house)
        .await
        .into_iter()
        .filter(|(_, path, _)| (path == "/fhir" || path.starts_with("/fhir/")) && !PUBLIC.contains(&path.as_str()))
        .map(|(method, path, _)| (method.to_string(), path))
        .collect();
    let table: BTreeSet<(String, String)> = fhir::interaction::routes()
        .into_iter()
        .map(|route| (route.method.to_owned(), format!("/fhir{}", route.path)))
        .collect();
    assert_eq!(documented, table);

    let statement = house.ask(Method::GET, "/fhir/metadata").send().await.is(200).json();
    assert_eq!((&statement["fhirVersion"], &statement["kind"]), (&"4.0.1".into(), &"instance".into()));
    let mut said = BTreeSet::new();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = resource["type"].as_str().unwrap();
        for interaction in resource["interaction"].as_array().unwrap() {
            said.insert(format!("{kind} {}", interaction["code"].as_str().unwrap()));
        }
        for operation in resource["operation"].as_array().into_iter().flatten() {
            said.insert(format!("{kind} ${}", operation["name"].as_str().unwrap()));
        }
        // Every parameter that is declared is taken.
        for parameter in resource["searchParam"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            let value = match parameter["type"].as_str().unwrap() {
                "date" => "2026-06-19",
                "token" if name == "active" => "true",
                "reference" => "Patient/x",
                _ => "x",
            };
            let reply = house.get(&engine(), &format!("/fhir/{kind}?{name}={value}")).await;
            assert!(!reply.text.contains("not-supported"), "{kind} {name}: {}", reply.text);
        }
    }
    let served: BTreeSet<String> = fhir::interaction::SERVED
        .iter()
        .flat_map(|served| {
            let interactions = served.interactions.iter().map(|one| format!("{} {}", served.kind, one.as_str()));
            interactions.chain(
                fhir::operation::operations(served.kind).iter().map(|one| format!("{} ${}", served.kind, one.name)),
            )
        })
        .chain(Defined::ALL.into_iter().flat_map(|kind| {
            Defined::INTERACTIONS.into_iter().map(move |one| format!("{} {}", kind.as_str(), one.as_str()))
        }))
        .collect();
    let trail = fhir::audit_event::INTERACTIONS.map(|one| format!("AuditEvent {}", one.as_str()));
    assert_eq!(said, served.into_iter().chain(trail).collect());

    // What is documented answers; other methods of the same addresses do not.
    let all = operations(house).await;
    // An import stands where an id could: other methods there ask for something of that name.
    for (_, path, _) in all.iter().filter(|(_, path, _)| !path.ends_with("/holidays/import")) {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let taken = all.iter().any(|(own, other, _)| (own, other) == (&method, path));
            let reply = house.ask(method.clone(), &filled(path, "x")).by(&engine()).send().await;
            assert_eq!(reply.status == 405, !taken, "{method} {path}: {}", reply.text);
        }
    }
}

use std::collections::BTreeSet;

use super::*;
use crate::issue::IssueCode;
use crate::json::Tree;
use crate::search::Handling;
use crate::validate::{Options, validate};

#[test]
fn every_definition_is_valid_and_is_defined_once() {
    let mut urls = BTreeSet::new();
    for own in definitions() {
        let text = own.resource.to_string();
        let tree = Tree::read(text.as_bytes()).unwrap();
        let issues = validate(&tree, own.kind.as_str(), Options { refuse_empty_arrays: true });
        assert!(issues.is_empty(), "{}: {issues:?}", own.url);
        fhir_model::check(own.kind.as_str(), &text).unwrap();
        assert!(urls.insert(&own.url), "{} twice", own.url);
        assert_eq!(own.resource["meta"]["versionId"], own.version.as_str());
        assert_eq!(own.url, format!("{}/{}/{}", crate::canonical::BASE, own.kind.as_str(), own.id));
        assert!(own.id.parse::<domain::id::ResourceId>().is_ok(), "{}", own.id);
    }
    for kind in Defined::ALL {
        assert!(definitions().iter().any(|own| own.kind == kind), "{}", kind.as_str());
    }
}

fn found(kind: Defined, query: &str) -> Vec<String> {
    let bundle = find(kind, query, Handling::Strict, "https://clinic.example/fhir").unwrap().bundle;
    let bundle: Value = serde_json::from_str(&bundle).unwrap();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn definitions_are_found_by_each_parameter() {
    let url = format!("url={}", crate::canonical::POOL);
    assert_eq!(found(Defined::StructureDefinition, &url), ["pool"]);
    assert_eq!(found(Defined::StructureDefinition, "type=Extension&_id=pool"), ["pool"]);
    assert_eq!(found(Defined::SearchParameter, "code=pool&base=Task"), ["Task-pool"]);
    assert_eq!(found(Defined::SearchParameter, "name=taskPo&type=reference,date"), ["Task-pool"]);
    assert_eq!(found(Defined::OperationDefinition, "code=claim&status=active"), ["Task-claim"]);
    assert_eq!(found(Defined::CodeSystem, "_id=reason,none"), ["reason"]);
    assert_eq!(found(Defined::ValueSet, "version=0").len(), 0);
    // As in every search: a code's system is the one that its definition implies, and backslashes escape.
    let active = "http://hl7.org/fhir/publication-status";
    for query in [
        format!("_id=reason&status={active}%7Cactive"),
        format!("_id=reason&status={active}%7C"),
        "_id=reason&status=%7Cactive".to_owned(),
        "_id=%7Creason".to_owned(),
        "_id=reason&name=REAS".to_owned(),
        r"name=a\,b,Reason".to_owned(),
    ] {
        assert_eq!(found(Defined::CodeSystem, &query), ["reason"], "{query}");
    }
    for query in ["status=urn:other%7Cactive", "_id=urn:x%7Creason", r"_id=reason\,none", r"name=rea\|son"] {
        assert_eq!(found(Defined::CodeSystem, query), [""; 0], "{query}");
    }
    let base = "base=http://hl7.org/fhir/resource-types%7CTask&type=http://hl7.org/fhir/search-param-type%7Creference";
    assert_eq!(found(Defined::SearchParameter, &format!("code=pool&{base}")), ["Task-pool"]);
    let all = found(Defined::SearchParameter, "");
    assert_eq!(found(Defined::SearchParameter, &format!("version={}", env!("CARGO_PKG_VERSION"))), all);
}

#[test]
fn pages_lead_on_to_the_end() {
    let mut query = "_count=2".to_owned();
    let mut ids = vec![];
    loop {
        let bundle = find(Defined::CodeSystem, &query, Handling::Strict, "b").unwrap().bundle;
        let bundle: Value = serde_json::from_str(&bundle).unwrap();
        ids.extend(bundle["entry"].as_array().unwrap().iter().map(|own| own["resource"]["id"].to_string()));
        let next = bundle["link"].as_array().unwrap().iter().find(|link| link["relation"] == "next");
        let Some(next) = next else { break };
        query = next["url"].as_str().unwrap().split_once('?').unwrap().1.to_owned();
    }
    assert_eq!(ids.len(), found(Defined::CodeSystem, "").len());
}

#[test]
fn what_is_not_offered_is_refused_by_name_unless_leniency_is_preferred() {
    let refused = find(Defined::ValueSet, "colour=blue&_count=x", Handling::Strict, "b").unwrap_err();
    assert_eq!(refused.iter().map(|one| one.expression.as_deref().unwrap()).collect::<Vec<_>>(), ["colour", "_count"]);
    for (query, code) in [
        ("_id=", IssueCode::Value),
        ("_id=a,", IssueCode::Value),
        (r"_id=a\b", IssueCode::Value),
        ("status=a%7Cb%7Cc", IssueCode::Value),
        ("status=%7C", IssueCode::Value),
        (&format!("name={}", "a,".repeat(200)), IssueCode::TooCostly),
        (&format!("url={}", "a".repeat(2001)), IssueCode::TooLong),
    ] {
        let refused = find(Defined::ValueSet, query, Handling::Lenient, "b").unwrap_err();
        assert_eq!(refused.iter().map(|one| one.code).collect::<Vec<_>>(), [code], "{query}");
    }
    let lenient = find(Defined::ValueSet, "colour=blue&_id=reason", Handling::Lenient, "b").unwrap();
    assert_eq!(lenient.count, 1);
    assert!(lenient.bundle.contains("OperationOutcome") && !lenient.bundle.contains("blue"));
}

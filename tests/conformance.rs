//! What the service itself defines: what is said of it, read and found, each valid by the service's own measure.

use reqwest::Method;
use serde_json::Value;

use crate::house::House;
use crate::people::{engine, nurse, patient};

on_both!(house:
    what_the_statement_refers_to_is_read_and_found_by_anybody_with_a_token,
    definitions_are_found_as_other_resources_are,
);

const OURS: &str = "http://postern.example/fhir/";

/// Every address of our own in a value.
fn addresses(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with(OURS) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| addresses(item, found)),
        Value::Object(members) => members.values().for_each(|member| addresses(member, found)),
        _ => {}
    }
}

async fn what_the_statement_refers_to_is_read_and_found_by_anybody_with_a_token(house: &House) {
    let statement = house.ask(Method::GET, "/fhir/metadata").send().await.is(200).json();
    let mut found = vec![];
    addresses(&statement["rest"], &mut found);
    assert!(found.len() > 10, "{found:?}");
    for url in found {
        let path = url.strip_prefix(OURS).unwrap();
        let read = house.get(&patient("p-1001"), &format!("/fhir/{path}")).await.is(200);
        assert!(read.header("content-type").starts_with("application/fhir+json"));
        assert_eq!(read.json()["url"], url);
        let (kind, id) = path.split_once('/').unwrap();
        assert_eq!(house.get(&nurse(), &format!("/fhir/{kind}?url={url}")).await.is(200).ids(), [id]);
        house.ask(Method::GET, &format!("/fhir/{path}")).send().await.is(401);
    }
}

async fn definitions_are_found_as_other_resources_are(house: &House) {
    let get = async |path: &str| house.get(&engine(), path).await;
    let by_form = house.ask(Method::POST, "/fhir/StructureDefinition/_search").by(&engine());
    assert_eq!(by_form.form("name=cover").send().await.is(200).ids(), ["covered-by"]);
    let reasons = get("/fhir/CodeSystem/reason").await.is(200).json();
    let codes: Vec<_> = reasons["concept"].as_array().unwrap().iter().map(|one| one["code"].clone()).collect();
    assert!(codes.contains(&"not-a-member".into()), "{codes:?}");
    assert_eq!(reasons["valueSet"], "http://postern.example/fhir/ValueSet/reason");
    let page = get("/fhir/SearchParameter?_count=2").await.is(200);
    assert_eq!(page.ids().len(), 2);
    let next = page.link("next").unwrap();
    assert_eq!(get(&next).await.is(200).ids().len(), 2);
    assert_eq!(get("/fhir/ValueSet/none").await.is(404).issues(), ["not-found"]);
    assert_eq!(get("/fhir/ValueSet?colour=blue").await.is(400).issues(), ["not-supported"]);
    let lenient = house.ask(Method::GET, "/fhir/ValueSet?colour=blue&_id=reason").by(&engine());
    assert_eq!(lenient.header("prefer", "handling=lenient").send().await.is(200).ids(), ["reason"]);
    house.ask(Method::DELETE, "/fhir/ValueSet/reason").by(&engine()).send().await.is(405);
    let claim = get("/fhir/OperationDefinition?code=claim").await.is(200);
    assert_eq!(claim.resources()[0]["instance"], true);
}

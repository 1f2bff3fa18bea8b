//! What the service itself defines: what is said of it, read and found, each valid by the service's own measure.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use fhir::validate::{Options, read};
use reqwest::Method;
use serde_json::Value;

use crate::house::House;
use crate::people::{engine, nurse, patient, scoped};

on_both!(house:
    what_the_statement_refers_to_is_read_and_found_by_anybody_with_a_token,
    definitions_are_found_as_other_resources_are,
    a_definition_has_a_version_and_is_not_sent_to_who_has_it,
    the_published_scripts_pass_against_the_service,
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
    assert_eq!(statement["url"], format!("{}/fhir/metadata", house.base()));
    assert_eq!(statement["patchFormat"], serde_json::json!(["application/json-patch+json", "application/fhir+json"]));
    for name in ["name", "title", "version"] {
        assert!(statement[name].is_string(), "{name}");
    }
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

async fn a_definition_has_a_version_and_is_not_sent_to_who_has_it(house: &House) {
    for path in ["CodeSystem/reason", "ValueSet/reason", "SearchParameter/Task-pool", "OperationDefinition/Task-claim"]
    {
        let path = format!("/fhir/{path}");
        let read = house.get(&nurse(), &path).await.is(200);
        let version = read.json()["meta"]["versionId"].as_str().unwrap().to_owned();
        let (tag, since) = (read.header("etag"), read.header("last-modified"));
        assert_eq!(tag, format!("W/\"{version}\""));
        assert_eq!(since, "Fri, 19 Jun 2026 14:00:00 GMT", "since when the service runs");
        let versioned = format!("{path}/_history/{version}");
        assert_eq!(house.get(&nurse(), &versioned).await.is(200).text, read.text);
        assert_eq!(house.get(&nurse(), &format!("{path}/_history/0")).await.is(404).issues(), ["not-found"]);
        for path in [&path, &versioned] {
            let had = async |name: &str, value: &str| {
                let answer = house.ask(Method::GET, path).by(&nurse()).header(name, value).send().await;
                assert_eq!((answer.header("etag"), answer.header("last-modified")), (tag, since));
                assert_eq!(answer.text.is_empty(), answer.status == 304);
                answer.status
            };
            assert_eq!((had("if-none-match", tag).await, had("if-none-match", "W/\"1\"").await), (304, 200));
            assert_eq!(had("if-modified-since", since).await, 304);
            assert_eq!(had("if-modified-since", "Fri, 19 Jun 2026 13:59:59 GMT").await, 200);
        }
    }
    // Another that runs since later says the same.
    house.pass(60);
    let other = house.another().await;
    let reason = "/fhir/CodeSystem/reason";
    let there = other.client.get(&engine(), reason).await.is(200);
    assert_eq!(house.get(&engine(), reason).await.header("etag"), there.header("etag"));
    other.stop().await;
    let found = house.get(&engine(), "/fhir/CodeSystem?status=http://hl7.org/fhir/publication-status%7Cactive").await;
    let all = house.get(&engine(), "/fhir/CodeSystem").await.is(200).ids();
    assert_eq!(found.is(200).ids(), all);
    assert_eq!(house.get(&engine(), r"/fhir/CodeSystem?_id=reason\,none").await.is(200).ids(), [""; 0]);
}

fn scripts() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect()
}

#[test]
fn the_published_scripts_are_valid() {
    let all = scripts();
    assert_eq!(all.len(), 3);
    for path in all {
        // As it is once each variable has a value.
        let mut text = fs::read_to_string(&path).unwrap();
        let script: Value = serde_json::from_str(&text).unwrap();
        for variable in script["variable"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            text = text.replace(&format!("${{{name}}}"), variable["defaultValue"].as_str().unwrap_or("x"));
        }
        let issues = read(text.as_bytes(), "TestScript", Options { refuse_empty_arrays: true }).1;
        assert!(issues.is_empty(), "{}: {issues:#?}", path.display());
    }
}

async fn the_published_scripts_pass_against_the_service(house: &House) {
    let runner = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../scripts/conformance.py");
    let mut command = Command::new("python3");
    command.arg(runner).arg(format!("{}/fhir", house.base()));
    let tokens = [
        ("patientToken", scoped(&patient("p-1001"), "patient/*.cruds")),
        ("otherToken", scoped(&patient("p-2002"), "patient/*.cruds")),
        ("staffToken", scoped(&nurse(), "user/*.cruds")),
    ];
    for (name, who) in tokens {
        command.arg("--set").arg(format!("{name}={}", house.token(&who)));
    }
    let ran = actix_web::rt::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let (told, wrong) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}{wrong}");
    assert!(told.lines().filter(|line| line.starts_with("ok ")).count() >= 10, "{told}");
}

//! The page about the interface lists what the tables say, and each row names a test that there is.

use std::collections::BTreeSet;
use std::fs;

use domain::id::ResourceType;
use fhir::audit_event;
use fhir::conformance::{Defined, definitions};
use fhir::history;
use fhir::interaction::{SERVED, SystemInteraction};
use fhir::operation::{Direction, Level, operations};
use fhir::search::{RESULT_PARAMETERS, parameters};

use super::root;

/// A row of a table: what is listed, and the tests that hold it, by file and name.
struct Row {
    listed: String,
    tests: Vec<(String, String)>,
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join("docs/fhir.md")).unwrap();
    page.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

fn row(line: &str) -> Row {
    let listed = line.split('`').nth(1).unwrap().to_owned();
    let cell = line.trim_end_matches('|').rsplit('|').next().unwrap();
    let links = cell.split("[`").skip(1).map(|link| {
        let (name, rest) = link.split_once("`](../").unwrap_or_else(|| panic!("no link to a test: {line}"));
        (rest.split_once(')').unwrap().0.to_owned(), name.to_owned())
    });
    Row { tests: links.collect(), listed }
}

fn expected() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for served in SERVED {
        let kind = served.kind;
        all.extend(served.interactions.iter().map(|interaction| format!("{kind} {}", interaction.as_str())));
        all.extend(served.conditional().map(|interaction| format!("{kind} conditional {}", interaction.as_str())));
        for operation in operations(kind) {
            let address = |level: &Level| level.path(kind, operation.name).replace("{id}", "[id]");
            all.extend(operation.levels.iter().map(|level| address(level).trim_start_matches('/').to_owned()));
            // What an operation is given is listed once for each operation of that name.
            let given = operation.parameters.iter().filter(|own| own.direction == Direction::In);
            all.extend(given.map(|own| format!("${}({})", operation.name, own.name)));
        }
        if served.has_conditional_create {
            all.insert(format!("{kind} conditional create"));
        }
    }
    for kind in Defined::ALL {
        let interactions = Defined::INTERACTIONS.iter();
        all.extend(interactions.map(|interaction| format!("{} {}", kind.as_str(), interaction.as_str())));
        all.extend(kind.parameters().map(|parameter| format!("{}?{}", kind.as_str(), parameter.name)));
    }
    all.extend(audit_event::INTERACTIONS.map(|interaction| format!("AuditEvent {}", interaction.as_str())));
    all.extend(audit_event::PARAMETERS.iter().map(|(name, ..)| format!("AuditEvent?{name}")));
    all.extend(SystemInteraction::ALL.iter().map(|interaction| interaction.as_str().to_owned()));
    for kind in ResourceType::ALL {
        for parameter in parameters(*kind) {
            all.insert(format!("{kind}?{}", parameter.name));
            all.extend(parameter.kind.modifiers().iter().map(|modifier| format!(":{modifier}")));
        }
    }
    all.extend(history::PARAMETERS.map(|name| format!("_history?{name}")));
    all.extend(RESULT_PARAMETERS.iter().map(|parameter| parameter.name.to_owned()));
    all.extend(["eq ne gt ge lt le sa eb", "ap", "_has", "chains"].map(str::to_owned));
    all
}

#[test]
fn the_page_lists_what_the_tables_say() {
    let listed: BTreeSet<String> = rows().into_iter().map(|row| row.listed).collect();
    let expected = expected();
    let missing: Vec<_> = expected.difference(&listed).collect();
    let beyond: Vec<_> = listed.difference(&expected).collect();
    assert!(missing.is_empty() && beyond.is_empty(), "missing: {missing:#?}, not in the tables: {beyond:#?}");
}

#[test]
fn each_row_of_the_page_names_a_test_that_there_is() {
    for Row { listed, tests } in rows() {
        assert!(!tests.is_empty(), "{listed} names no test");
        for (path, name) in tests {
            let source = fs::read_to_string(root().join(&path)).unwrap_or_else(|_| panic!("{listed}: no {path}"));
            assert!(source.contains(&format!("fn {name}(")), "{listed}: {path} has no {name}");
        }
    }
}

/// The text of every source file of the crates but tests and the definitions themselves.
fn sources() -> String {
    let mut waiting = vec![root().join("crates")];
    let mut text = String::new();
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let is_source = path.extension().is_some_and(|kind| kind == "rs");
            if path.is_dir() {
                waiting.extend((name != "tests" && name != "conformance").then_some(path));
            } else if is_source && name != "canonical.rs" && name != "tests.rs" {
                let source = fs::read_to_string(&path).unwrap();
                text += source.split("#[cfg(test)]").next().unwrap();
            }
        }
    }
    text
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    text.split(before).skip(1).map(|rest| rest.split(after).next().unwrap()).collect()
}

#[test]
fn every_address_of_our_own_that_is_used_is_defined_and_served() {
    let page = fs::read_to_string(root().join("crates/fhir/src/canonical.rs")).unwrap();
    let sources = sources();
    let words: BTreeSet<&str> = sources.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let defined: BTreeSet<&str> = definitions().iter().map(|own| own.url.as_str()).collect();
    let mut seen = 0;
    for line in page.lines() {
        let Some((name, path)) = line.trim().trim_end_matches(';').split_once(" = ") else { continue };
        let path = path.trim_matches('"');
        if path.starts_with("/CodeSystem/") || path.starts_with("/StructureDefinition/") {
            let url = format!("{}{path}", fhir::canonical::BASE);
            assert_eq!(words.contains(name), defined.contains(url.as_str()), "{name} is defined when it is used");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn every_reason_that_is_given_is_defined_and_the_reverse() {
    let sources = sources();
    let refusals = fs::read_to_string(root().join("crates/domain/src/decide.rs")).unwrap();
    let codes = between(&refusals, "pub const fn code(&self)", "/// What to do instead.");
    let mut given: BTreeSet<&str> = between(codes[0], "=> \"", "\"").into_iter().collect();
    given.extend(between(&sources, "because(\"", "\""));
    given.extend(between(&sources, "misplaced(\"", "\""));
    let system = definitions().iter().find(|own| own.url == fhir::canonical::REASON).unwrap();
    let concepts = system.resource["concept"].as_array().unwrap();
    let defined: BTreeSet<&str> = concepts.iter().map(|concept| concept["code"].as_str().unwrap()).collect();
    assert_eq!(given, defined);
}

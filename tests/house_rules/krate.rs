//! Crates know their neighbours alone.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::root;

/// What cargo says about the workspace.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let said = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// The crates of the house, each with those it depends on outside its tests.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let said: Value =
        serde_json::from_str(&cargo(&["metadata", "--no-deps", "--offline", "--format-version=1"])).unwrap();
    let packages = said["packages"].as_array().unwrap();
    let names: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let depends = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let outside_tests = dependencies.filter(|dependency| dependency["kind"] != "dev");
        let ours =
            outside_tests.filter_map(|dependency| dependency["name"].as_str()).filter(|name| names.contains(name));
        ours.map(str::to_owned).collect()
    };
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), depends(package))).collect()
}

#[test]
fn arrows_between_crates_point_where_the_architecture_says() {
    let mut found = arrows();
    for dependencies in found.values_mut() {
        dependencies.sort();
    }
    for (name, allowed) in [
        ("domain", &[][..]),
        ("fhir-model", &[]),
        ("fhir", &["domain", "fhir-model"]),
        ("persistence", &["domain"]),
        ("api", &["domain", "fhir"]),
    ] {
        let beyond: Vec<&String> = found[name].iter().filter(|other| !allowed.contains(&other.as_str())).collect();
        assert!(beyond.is_empty(), "{name} may depend on {allowed:?}, not on {beyond:?}");
    }
    let knows_all: Vec<&String> = found
        .iter()
        .filter(|(_, others)| ["api", "persistence"].iter().all(|one| others.iter().any(|o| o == one)))
        .map(|(name, _)| name)
        .collect();
    assert!(
        knows_all.iter().all(|name| ["server", "bench", "postern-bench"].contains(&name.as_str())),
        "{knows_all:?}"
    );
}

#[test]
fn the_domain_has_no_clock_randomness_runtime_database_or_web() {
    let tree = cargo(&[
        "tree",
        "--offline",
        "--package=domain",
        "--edges=normal,build",
        "--prefix=none",
        "--format={p} [{f}]",
    ]);
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains(&"domain") && names.contains(&"jiff"), "{tree}");
    let forbidden = [
        "tokio",
        "actix-web",
        "diesel",
        "rand",
        "getrandom",
        "fastrand",
        "chrono",
        "reqwest",
        "mio",
        "async-std",
        "libsqlite3-sys",
        "pq-sys",
        "fhir-sdk",
        "uuid",
    ];
    for name in forbidden {
        assert!(!names.contains(&name), "domain depends on {name}");
    }
    let jiff = tree.lines().find(|line| line.starts_with("jiff v")).unwrap();
    let features = jiff.split('[').nth(1).unwrap().trim_end_matches(']');
    assert!(
        !features.split(',').any(|feature| feature == "std"),
        "jiff's feature std brings the system's clock: {features}"
    );
}

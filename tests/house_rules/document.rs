//! Documents that are checked in say what the program says.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::root;

#[test]
fn the_example_environment_names_exactly_the_variables_that_are_read() {
    let text = fs::read_to_string(root().join("deploy/.env.example")).unwrap();
    let assigned = text.lines().map(|line| line.trim_start_matches(['#', ' '])).filter_map(|line| line.split_once('='));
    let named: BTreeSet<&str> =
        assigned.map(|(name, _)| name).filter(|name| name.starts_with("POSTERN_") && !name.contains(' ')).collect();
    let read: BTreeSet<&str> = server::config::VARIABLES.iter().copied().collect();
    assert_eq!(named, read);
}

#[test]
fn the_checked_in_openapi_document_is_the_one_that_is_served() {
    let path = root().join("openapi/postern.json");
    let checked_in = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in.trim_end() == api::openapi().trim_end(),
        "{} differs: run `make openapi` and look at what has changed",
        path.display()
    );
}

#[test]
fn links_between_documents_lead_somewhere() {
    let checked = Command::new(root().join("scripts/links.sh")).output().unwrap();
    assert!(
        checked.status.success(),
        "{}{}",
        String::from_utf8_lossy(&checked.stdout),
        String::from_utf8_lossy(&checked.stderr)
    );
}

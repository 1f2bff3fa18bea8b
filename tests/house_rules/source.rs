//! What sources may not say.

use std::fs;

use super::{files, root};

/// The lines of every source under a folder that a test finds, as `path:line: text`.
fn lines(under: &str, find: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in files(under, ".rs") {
        let shown = path.strip_prefix(root()).unwrap().display().to_string();
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            if find(line) {
                found.push(format!("{shown}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    found
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

#[test]
fn rows_are_written_by_the_writer_and_by_claims_alone() {
    let raw = ["INSERT INTO", "UPDATE ", "DELETE FROM"];
    let built = ["insert_into(", "diesel::update(", "diesel::delete(", "replace_into("];
    let writes = |line: &str| {
        !is_comment(line)
            && (raw.iter().any(|word| line.contains(word)) || built.iter().any(|word| line.contains(word)))
    };
    // The statements of a group, the claims of workers, and the migrations' own book-keeping.
    let allowed =
        ["crates/persistence/src/sql/", "crates/persistence/src/migration.rs", "crates/persistence/tests/", "bench/"];
    let elsewhere: Vec<String> = lines("crates", writes)
        .into_iter()
        .filter(|line| !allowed.iter().any(|place| line.starts_with(place)))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    // Within persistence: a group writes, and claims do, of clocks, of the outbox and of simulations.
    let callers = lines("crates/persistence/src", |line| {
        !is_comment(line) && (line.contains("::write(") || line.contains("group::save"))
    });
    let beyond: Vec<&String> = callers
        .iter()
        .filter(|line| {
            !["sql/group.rs", "sql/clock.rs", "sql/outbox.rs", "sql/simulation.rs", "store.rs"]
                .iter()
                .any(|file| line.starts_with(&format!("crates/persistence/src/{file}")))
        })
        .collect();
    assert!(beyond.is_empty(), "{beyond:#?}");
}

#[test]
fn no_test_is_ignored_and_no_lint_is_silenced_without_a_reason() {
    let ignored = ["#[ig", "nore"].concat();
    let silenced = ["#[al", "low("].concat();
    for folder in ["crates", "tests", "bench"] {
        assert_eq!(lines(folder, |line| line.contains(&ignored)), Vec::<String>::new());
        assert_eq!(lines(folder, |line| line.contains(&silenced)), Vec::<String>::new());
    }
}

#[test]
fn the_clock_of_the_system_is_read_in_one_place() {
    let reads = ["Timestamp::now()", "SystemTime::now()", "Zoned::now()"];
    let found = lines("crates", |line| !is_comment(line) && reads.iter().any(|read| line.contains(read)));
    assert!(found.iter().all(|line| line.starts_with("crates/server/src/clock.rs")), "{found:#?}");
}

#[test]
fn modules_have_names_of_their_own() {
    for folder in ["crates", "tests", "bench"] {
        for path in files(folder, ".rs") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let vague = ["mod.rs", "utils.rs", "util.rs", "helpers.rs", "common.rs", "manager.rs", "prelude.rs"];
            assert!(!vague.contains(&name.as_str()), "{}", path.display());
        }
    }
}

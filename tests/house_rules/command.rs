//! The commands of the binary.

use crate::house::variables;
use crate::place::Place;
use crate::program::command;

use super::root;

on_both!(program: the_demo_keeps_the_story, a_second_migration_changes_nothing);

fn the_demo_keeps_the_story(place: &Place) {
    let played = command(&["demo", "--database-url", &place.url], &[]);
    let said = String::from_utf8_lossy(&played.stdout).into_owned();
    assert!(played.status.success(), "{said}{}", String::from_utf8_lossy(&played.stderr));
    assert!(said.contains("The story was kept."), "{said}");
}

fn a_second_migration_changes_nothing(place: &Place) {
    let variables = variables(place);
    // What is not migrated is not served, on PostgreSQL; the embedded database belongs to the program.
    if place.url.starts_with("postgres") {
        let refused = command(&["serve"], &variables);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("postern migrate"), "{refused:?}");
    }
    let first = command(&["migrate"], &variables);
    assert!(first.status.success(), "{first:?}");
    let second = command(&["migrate"], &variables);
    assert!(second.status.success() && !String::from_utf8_lossy(&second.stdout).contains("applied"), "{second:?}");
    let seeded = command(&["seed"], &variables);
    assert!(seeded.status.success(), "{seeded:?}");
    let again = command(&["seed"], &variables);
    assert!(String::from_utf8_lossy(&again.stdout).contains("there already"), "{again:?}");
    assert!(place.count("thread", "1 = 1") >= 6);
}

#[test]
fn the_golden_calendar_cases_come_out_as_they_should() {
    let file = root().join("crates/domain/tests/vectors/calendar.json");
    let checked = command(&["policy", "check-vectors", file.to_str().unwrap()], &[]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let lines = String::from_utf8(checked.stdout).unwrap();
    let cases: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let count = cases.as_array().unwrap().len();
    assert!(
        count > 10 && lines.lines().count() == count && lines.lines().all(|line| line.contains("\"ok\":true")),
        "{lines}"
    );
}

#[test]
fn the_sample_bundle_has_no_errors_and_a_broken_one_has() {
    let sample = root().join("docs/policy-bundle.sample.json");
    let linted = command(&["policy", "lint", sample.to_str().unwrap()], &[]);
    assert!(linted.status.success(), "{}", String::from_utf8_lossy(&linted.stdout));
    let place = Place::new(crate::place::Database::Sqlite);
    let broken = place.folder.join("broken.json");
    let text = std::fs::read_to_string(&sample).unwrap().replacen("\"defaultPool\"", "\"defaultPoll\"", 1);
    std::fs::write(&broken, text).unwrap();
    let linted = command(&["policy", "lint", broken.to_str().unwrap()], &[]);
    assert!(!linted.status.success());
    for line in String::from_utf8(linted.stdout).unwrap().lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).unwrap()["severity"].is_string(), "{line}");
    }
}

#[test]
fn the_health_check_asks_the_service_that_runs_here() {
    crate::place::run(crate::place::Database::Sqlite, async |place: &Place| {
        let program = crate::program::Program::serve(place, &[]);
        let asking = [("POSTERN_LISTEN".to_owned(), program.address.to_string())];
        assert!(command(&["healthcheck"], &asking).status.success());
        program.kill();
        assert!(!command(&["healthcheck"], &asking).status.success());
    });
}

#[test]
fn a_token_and_nothing_else_is_printed() {
    let place = Place::new(crate::place::Database::Sqlite);
    let printed = command(&["token", "--patient", "p-1001"], &variables(&place));
    assert!(printed.status.success());
    let token = String::from_utf8(printed.stdout).unwrap();
    assert_eq!((token.trim_end().split('.').count(), token.lines().count()), (3, 1), "{token}");
    assert!(!command(&["token"], &variables(&place)).status.success());
}

#[test]
fn nobody_serves_who_could_not_tell_who_is_calling() {
    let place = Place::new(crate::place::Database::Sqlite);
    let without: Vec<_> = variables(&place).into_iter().filter(|(name, _)| name != "POSTERN_DEV").collect();
    let refused = command(&["serve"], &without);
    assert!(
        !refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("POSTERN_CONFIG"),
        "{refused:?}"
    );
    let mut open = variables(&place);
    open.retain(|(name, _)| name != "POSTERN_LISTEN");
    open.push(("POSTERN_LISTEN".to_owned(), "0.0.0.0:0".to_owned()));
    let refused = command(&["serve"], &open);
    assert!(
        !refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("POSTERN_DEV"),
        "{refused:?}"
    );
    let mistyped = [("POSTERN_LISTNE".to_owned(), "x".to_owned())];
    assert!(String::from_utf8_lossy(&command(&["serve"], &mistyped).stderr).contains("POSTERN_LISTNE"));
}

//! The page on security names tests that exist, for every attack that it is to speak of.

use std::collections::BTreeSet;
use std::fs;

use super::{files, root};

/// The attacks: tokens, scopes, audit, privacy, the service as a caller, input, transport, the OWASP API Security Top 10
/// and others.
const ATTACKS: &[(&str, &[u8])] = &[
    ("J", &[1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 17, 18, 20]),
    ("S", &[1, 2, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 20]),
    ("A", &[1, 2, 3, 4, 5]),
    ("P", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("X", &[1, 3, 5, 6, 7, 8, 9]),
    ("D", &[1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, 16]),
    ("T", &[2, 3, 4, 5, 6, 7, 8]),
    ("API", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    ("O", &[1, 2, 3, 4]),
];

fn page() -> String {
    fs::read_to_string(root().join("docs/security.md")).unwrap()
}

/// The names of the functions that are tests, or stories that `on_both!` and its like run.
fn tests() -> BTreeSet<String> {
    let sources = ["crates", "tests", "bench"].iter().flat_map(|under| files(under, ".rs"));
    sources
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            text.lines()
                .filter_map(|line| {
                    let rest = line.trim_start().trim_start_matches("pub ").trim_start_matches("async ");
                    Some(rest.strip_prefix("fn ")?.split(['(', '<']).next()?.to_owned())
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn each_attack_has_a_row_with_a_test_or_a_reason() {
    let (page, known) = (page(), tests());
    let rows: Vec<(Vec<&str>, &str)> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let (ids, held) = (cells.next()?, cells.last()?);
            Some((ids.split(", ").collect(), held))
        })
        .collect();
    for (letter, numbers) in ATTACKS {
        for number in *numbers {
            let id = format!("{letter}{number}");
            let held: Vec<&str> =
                rows.iter().filter(|(ids, _)| ids.contains(&id.as_str())).map(|(_, held)| *held).collect();
            assert!(!held.is_empty(), "{id} has a row");
            for held in held {
                let named = held.split('`').skip(1).step_by(2).any(|word| known.contains(word));
                assert!(
                    named || held.contains("not tested: "),
                    "{id} names a test, or says `not tested:` and why: {held}"
                );
            }
        }
    }
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let (page, tests) = (page(), tests());
    let quoted = page.split('`').skip(1).step_by(2);
    // A sentence of at least four words, as tests are named here.
    let named: Vec<&str> = quoted
        .filter(|word| {
            word.split('_').count() > 3 && word.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        })
        .collect();
    assert!(named.len() > 80, "{}", named.len());
    let missing: Vec<_> = named.into_iter().filter(|name| !tests.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

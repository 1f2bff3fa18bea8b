use domain::access::Visibility;
use domain::change::Stored;
use domain::id::{Key, ResourceType, TenantId, Version};
use domain::search::Cursor;
use serde_json::Value;

use super::*;
use crate::json::Tree;
use crate::search::{Asker, Handling, parse};
use crate::validate::{Options, validate};

const BASE: &str = "https://clinic.example/fhir";
const KIND: ResourceType = ResourceType::Communication;

fn parsed(query: &str) -> Parsed {
    let sees = ResourceType::ALL.iter().map(|kind| (*kind, Visibility::Everything)).collect();
    let now = "2026-06-19T21:30:00Z".parse().unwrap();
    let tenant = TenantId::new("t");
    parse(KIND, query, &Asker { handling: Handling::Lenient, base_url: BASE, tenant, now, sees }).unwrap()
}

fn stored(id: &str, body: &str) -> Stored {
    Stored {
        key: Key::new(KIND, id.parse().unwrap()),
        version: Version::FIRST,
        last_updated: "2026-06-19T21:30:00Z".parse().unwrap(),
        date: "2026-06-19T21:30:00Z".parse().unwrap(),
        deleted: false,
        made_by_update: false,
        thread: None,
        patient: None,
        body: body.to_owned(),
    }
}

fn page(rows: Vec<Stored>) -> Page {
    Page { rows, next: None, previous: None, total: None }
}

/// The Bundle, after it was found to be valid FHIR.
fn read(text: &str) -> Value {
    let tree = Tree::read(text.as_bytes()).unwrap();
    let issues = validate(&tree, "Bundle", Options { refuse_empty_arrays: true });
    assert!(issues.is_empty(), "{issues:?}");
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_resources_stand_in_the_bundle_as_they_are_stored() {
    let body = include_str!("../../tests/examples/everything-kept.json");
    let found = page(vec![stored("c-1", body), stored("c-2", body)]);
    let text = searchset(BASE, &parsed("patient=p-1001"), &found, &[]).unwrap();
    assert_eq!(text.matches(body).count(), 2);
    assert!(text.contains("5.10"));
    let bundle = read(&text);
    assert_eq!(bundle["entry"][1]["fullUrl"], "https://clinic.example/fhir/Communication/c-2");
    assert_eq!(bundle["entry"][1]["search"]["mode"], "match");
    assert_eq!(bundle["link"][0]["relation"], "self");
    assert_eq!(bundle["link"][0]["url"], "https://clinic.example/fhir/Communication?patient=p-1001");
    assert_eq!(bundle["link"].as_array().unwrap().len(), 1);
    assert!(bundle.get("total").is_none());
}

#[test]
fn nothing_found_is_a_bundle_without_entries() {
    let bundle =
        read(&searchset(&format!("{BASE}/"), &parsed(""), &Page { total: Some(0), ..page(vec![]) }, &[]).unwrap());
    assert_eq!(bundle["total"], 0);
    assert!(bundle.get("entry").is_none());
    assert_eq!(bundle["link"][0]["url"], "https://clinic.example/fhir/Communication");
}

#[test]
fn the_next_link_leads_to_the_next_page_of_the_same_search() {
    let first = parsed(r"category=urn:a%7Cb%5C,c&_sort=sent&_count=1000");
    let at = vec!["2026-06-19T21:30:00.5Z".parse().unwrap()];
    let cursor = Cursor { at, id: "c-1".parse().unwrap(), backward: false };
    let body = r#"{"resourceType":"Communication","id":"c-1","status":"completed"}"#;
    let found = Page { next: Some(cursor.clone()), ..page(vec![stored("c-1", body)]) };
    let bundle = read(&searchset(BASE, &first, &found, &[]).unwrap());
    assert_eq!(bundle["link"][1]["relation"], "next");
    let url = bundle["link"][1]["url"].as_str().unwrap();
    let second = parsed(url.split_once('?').unwrap().1);
    assert_eq!(second.search.after, Some(cursor));
    assert_eq!(second.search.filters, first.search.filters);
    assert_eq!((&second.search.sort, second.search.count), (&first.search.sort, 200));
    let back = Cursor { backward: true, ..second.search.after.clone().unwrap() };
    let bundle = read(&searchset(BASE, &second, &Page { previous: Some(back.clone()), ..page(vec![]) }, &[]).unwrap());
    assert_eq!(bundle["link"][0]["url"], url, "the page that was asked for is the one that is shown");
    assert_eq!(bundle["link"][1]["relation"], "previous");
    let url = bundle["link"][1]["url"].as_str().unwrap();
    assert_eq!(parsed(url.split_once('?').unwrap().1).search.after, Some(back));
}

#[test]
fn what_was_ignored_is_told_after_the_matches() {
    let body = r#"{"resourceType":"Communication","id":"c-1","status":"completed"}"#;
    for rows in [vec![], vec![stored("c-1", body)]] {
        let matches = rows.len();
        let bundle = read(&searchset(BASE, &parsed("foo=1"), &page(rows), &[]).unwrap());
        let entry = &bundle["entry"][matches];
        assert_eq!(entry["search"]["mode"], "outcome");
        assert_eq!(entry["resource"]["issue"][0]["severity"], "warning");
        assert!(entry["resource"]["issue"][0]["diagnostics"].as_str().unwrap().contains("foo"));
    }
}

#[test]
fn what_comes_along_stands_behind_the_matches_and_whole() {
    let body = r#"{"resourceType":"Communication","id":"c-1","status":"completed","topic":{"text":"t"}}"#;
    let query = parsed("_elements=sent&_include=Communication:part-of");
    let text = searchset(BASE, &query, &page(vec![stored("c-2", body)]), &[stored("c-1", body)]).unwrap();
    let bundle = read(&text);
    let modes: Vec<_> = bundle["entry"].as_array().unwrap().iter().map(|own| own["search"]["mode"].clone()).collect();
    assert_eq!(modes, ["match", "include"]);
    assert!(bundle["entry"][0]["resource"].get("topic").is_none(), "less was asked for");
    assert_eq!(bundle["entry"][0]["resource"]["meta"]["tag"][0]["code"], "SUBSETTED");
    assert_eq!(bundle["entry"][1]["resource"]["topic"]["text"], "t");
}

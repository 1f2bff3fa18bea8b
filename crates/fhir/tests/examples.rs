//! Real messages go in and come out as they were, but for what the server sets.

use domain::id::ResourceType;
use fhir::json::Tree;
use fhir::resource::Document;

const EXAMPLES: &[(&str, &str)] = &[
    ("everything-kept", include_str!("examples/everything-kept.json")),
    ("patient-refill", include_str!("examples/patient-refill.json")),
    ("proxy-with-photo", include_str!("examples/proxy-with-photo.json")),
    ("red-flag-in-billing", include_str!("examples/red-flag-in-billing.json")),
    ("staff-reply", include_str!("examples/staff-reply.json")),
    ("thread-header", include_str!("examples/thread-header.json")),
];

fn parse(name: &str, text: &str) -> Document {
    Document::parse(text.as_bytes(), ResourceType::Communication).unwrap_or_else(|issues| panic!("{name}: {issues:#?}"))
}

#[test]
fn every_example_is_valid_and_comes_out_as_it_went_in() {
    for (name, text) in EXAMPLES {
        let document = parse(name, text);
        assert!(document.warnings().is_empty(), "{name}");
        assert_eq!(document.text(), *text, "{name}");
        assert_eq!(document.edit().finish(), *text, "{name}");
    }
}

#[test]
fn the_server_fields_change_no_other_byte() {
    for (name, text) in EXAMPLES {
        let document = parse(name, text);
        let edited = document.edit().set_text("id", "c-1").meta(1, "2026-06-19T21:30:00Z", &["internal"]).finish();
        let stored = parse(name, &edited);
        assert_eq!(stored.id().unwrap().to_string(), "c-1");
        for member in document.root().members().filter(|member| !member.is_named("meta")) {
            let kept = stored.get(&member.name()).unwrap_or_else(|| panic!("{name}: {} is gone", member.name()));
            assert_eq!(kept.raw(), member.raw(), "{name}");
        }
        let order =
            |tree: &Document| -> Vec<String> { tree.root().members().map(|own| own.name().into_owned()).collect() };
        assert_eq!(order(&stored)[..3], ["resourceType", "id", "meta"], "{name}");
        let rest =
            |names: Vec<String>| names.into_iter().filter(|own| own != "id" && own != "meta").collect::<Vec<_>>();
        assert_eq!(rest(order(&stored)), rest(order(&document)), "{name}");
    }
}

#[test]
fn decimals_companions_and_contained_resources_survive() {
    let (name, text) = EXAMPLES[0];
    let edited = parse(name, text).edit().set_text("id", "c-1").meta(2, "2026-06-19T21:30:00Z", &[]).finish();
    let tree = Tree::read(edited.as_bytes()).unwrap();
    let observation = tree.root().each("contained").next().unwrap();
    assert_eq!(observation.at("valueQuantity.value").unwrap().as_number(), Some("5.10"));
    assert!(tree.root().get("_status").unwrap().is_object());
    let tag = tree.root().at("meta.tag").unwrap();
    assert_eq!(tag.items().next().unwrap().text("code").as_deref(), Some("imported"));
    assert_eq!(tree.root().text("meta.versionId").as_deref(), Some("2"));
}

//! Whatever is valid comes out as it went in: members in their order, decimals, escapes, companions and blanks included.

#![expect(clippy::unwrap_used, reason = "all of this is tests; clippy knows only functions marked as such")]

use domain::id::{ResourceType, Version};
use fhir::json::Tree;
use fhir::resource::Document;
use fhir::write::fed;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

mod made;
mod sent;

use made::{blank, extension, string};

/// A team with members in any order.
fn team() -> impl Strategy<Value = String> {
    let members = (string(), proptest::collection::vec(extension(), 1..4), string(), blank()).prop_map(
        |(name, extensions, note, blank)| {
            vec![
                format!("\"name\"{blank}:{name}"),
                format!("\"extension\":{blank}[{}]", extensions.join(",")),
                "\"_status\":{\"id\":\"a1\"}".to_owned(),
                "\"status\":\"active\"".to_owned(),
                format!("\"note\":[{{\"text\":{note}}}]"),
                "\"contained\":[{\"resourceType\":\"Condition\",\"id\":\"o\",\"subject\":{\"reference\":\"Patient/a\"},\
                 \"onsetRange\":{\"low\":{\"value\":5.10}}}]"
                    .to_owned(),
                "\"reasonReference\":[{\"reference\":\"#o\"}]".to_owned(),
                "\"participant\":[{\"member\":{\"reference\":\"Practitioner/a\",\"display\":\"A\"}}]".to_owned(),
            ]
        },
    );
    (members.prop_shuffle(), blank()).prop_map(|(members, blank)| {
        format!("{{\"resourceType\":\"CareTeam\",{blank}{}}}", members.join(&format!(",{blank}")))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1000)))]

    #[test]
    fn whatever_is_valid_comes_out_as_it_went_in(text in team()) {
        // What FHIR does not allow in the text of a string is refused, and never changed.
        let Ok(document) = Document::parse(text.as_bytes(), ResourceType::CareTeam) else {
            let (tree, _) = Tree::read_all(text.as_bytes());
            prop_assert!(tree.root().is_object());
            return Ok(());
        };
        let now = "2026-06-19T21:30:00Z".parse().unwrap();
        let write = fed(&document, &"team".parse().unwrap(), Version::FIRST, now).unwrap();
        let kept = Document::stored(write.body, ResourceType::CareTeam).unwrap();
        let members = |document: &Document| {
            let all = document.root().members().filter(|own| !own.is_named("id") && !own.is_named("meta"));
            all.map(|own| (own.name().into_owned(), own.raw().to_owned())).collect::<Vec<_>>()
        };
        prop_assert_eq!(members(&document), members(&kept));
    }
}

#[test]
fn most_of_what_is_made_here_is_valid() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let made = (0..200).map(|_| {
        let text = team().new_tree(&mut runner).unwrap().current();
        Document::parse(text.as_bytes(), ResourceType::CareTeam).map(drop).map_err(|issues| (issues, text))
    });
    let wrong: Vec<_> = made.filter_map(Result::err).collect();
    assert!(wrong.len() < 50, "{} of 200, such as {:#?}", wrong.len(), wrong.first());
}

//! Whatever is valid comes out as it went in: members in their order, decimals, escapes, companions and blanks included.

use domain::id::{ResourceType, Version};
use fhir::json::Tree;
use fhir::resource::Document;
use fhir::write::fed;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

/// The text of a JSON string, some of it escaped.
fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zA-Z0-9 .,:;{}\\[\\]/-]{1,12}",
        Just("\\\"".to_owned()),
        Just("\\\\".to_owned()),
        Just("\\u00e9".to_owned()),
        Just("\\/".to_owned()),
        Just("ü😀漢".to_owned()),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| format!("\"x{}\"", pieces.concat()))
}

/// A number as it is written: zeros at its end and exponents are kept.
fn decimal() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,12})?([eE][+-]?[0-9]{1,2})?"
}

fn blank() -> impl Strategy<Value = String> {
    "[ \n\t]{0,3}"
}

/// An extension with a value, or with extensions of its own.
fn extension() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        string().prop_map(|text| format!("\"valueString\":{text}")),
        decimal().prop_map(|number| format!("\"valueDecimal\":{number}")),
        any::<bool>().prop_map(|own| format!("\"valueBoolean\" : {own}")),
        string().prop_map(|text| format!("\"valueCoding\":{{\"system\":\"urn:x\",\"display\":{text}}}")),
        Just("\"_valueString\":{\"extension\":[{\"url\":\"urn:why\",\"valueCode\":\"unknown\"}]}".to_owned()),
    ];
    let leaf = (value, blank()).prop_map(|(value, blank)| format!("{{{blank}\"url\":\"urn:e\",{value}{blank}}}"));
    leaf.prop_recursive(3, 12, 3, |inner| {
        proptest::collection::vec(inner, 1..3)
            .prop_map(|inner| format!("{{\"extension\":[{}],\"url\":\"urn:tree\"}}", inner.join(" , ")))
    })
}

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

use proptest::prelude::*;
use serde_json::Value as Oracle;

use super::*;

/// The first problem of a text.
fn problem(text: &str) -> Problem {
    Tree::read(text.as_bytes()).unwrap_err().remove(0)
}

#[test]
fn what_is_not_json_is_refused_where_it_goes_wrong() {
    for (text, offset) in [
        ("", 0),
        (" ", 1),
        ("{", 1),
        ("[1,]", 3),
        ("[1 2]", 3),
        ("{\"a\"}", 4),
        ("{\"a\":}", 5),
        ("{\"a\":1,}", 7),
        ("{a:1}", 1),
        ("'a'", 0),
        ("\"a", 2),
        ("\"\\x\"", 1),
        ("\"\\u12g4\"", 1),
        ("\"a\nb\"", 2),
        ("01", 1),
        ("-", 1),
        ("1.", 2),
        ("1e", 2),
        (".5", 0),
        ("+1", 0),
        ("tru", 0),
        ("nul", 0),
        ("NaN", 0),
        ("1 2", 2),
        ("[1]]", 3),
        ("{}{}", 2),
        ("[}", 1),
        ("{]", 1),
        ("1x", 1),
        ("\u{a0}1", 0),
    ] {
        let found = problem(text);
        assert!(found.kind.ends_reading(), "{text}");
        assert_eq!(found.offset, offset, "{text}: {found}");
    }
}

#[test]
fn what_json_allows_and_the_service_does_not_is_refused() {
    assert_eq!(problem("\u{feff}{}").kind, ProblemKind::ByteOrderMark);
    assert_eq!(problem("{\"a\":1,\"b\":2,\"a\":3}").kind, ProblemKind::DuplicateName);
    assert_eq!(problem("{\"a\":1,\"\\u0061\":3}").kind, ProblemKind::DuplicateName);
    assert_eq!(problem("\"\\u0000\"").kind, ProblemKind::NulCharacter);
    for lone in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\ud800\\udc00\"", "\"\\ud800x\""] {
        assert_eq!(problem(lone).kind, ProblemKind::LoneSurrogate, "{lone}");
    }
    assert_eq!(
        Tree::read(b"\"\xff\"").unwrap_err()[0],
        Problem { kind: ProblemKind::NotUtf8, offset: 1, path: String::new(), node: 0 }
    );
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Tree::read(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)).kind, ProblemKind::TooDeep);
    assert_eq!(problem(&"[".repeat(1_000_000)).kind, ProblemKind::TooDeep);
}

#[test]
fn reading_goes_on_after_what_does_not_end_it_and_each_problem_has_its_place() {
    let problems =
        Tree::read(br#"{"a":[{"b":"\u0000"},{"c":1,"c":2}],"free words":"\ud800","d":1,"d":2}"#).unwrap_err();
    let places: Vec<_> = problems.iter().map(|problem| (problem.kind, problem.path.as_str())).collect();
    assert_eq!(
        places,
        [
            (ProblemKind::NulCharacter, "a[0].b"),
            (ProblemKind::DuplicateName, "a[1].c"),
            (ProblemKind::LoneSurrogate, ""),
            (ProblemKind::DuplicateName, "d"),
        ]
    );
}

#[test]
fn many_members_are_searched_for_duplicates_too() {
    let member = |number: usize| format!("\"m{number}\":0");
    let mut members: Vec<String> = (0..1000).map(member).collect();
    assert!(Tree::read(format!("{{{}}}", members.join(",")).as_bytes()).is_ok());
    members.push(member(3));
    assert_eq!(problem(&format!("{{{}}}", members.join(","))).path, "m3");
}

#[test]
fn a_problem_is_told_without_the_words_that_stood_there() {
    let found = problem("{\"note\": \"I have a rash\" oops}");
    assert!(!found.to_string().contains("rash") && !found.to_string().contains("oops"), "{found}");
}

#[test]
fn values_are_what_was_written() {
    let tree = Tree::read(
        r#" {"n": 5.10, "s": "a\n\u00e9\ud83d\ude00\/", "t": true, "z": null, "l": [1, [], {}]} "#.as_bytes(),
    )
    .unwrap();
    let root = tree.root();
    assert_eq!(root.get("n").unwrap().as_number(), Some("5.10"));
    assert_eq!(root.get("s").unwrap().as_str().unwrap(), "a\né😀/");
    assert_eq!(root.get("t").unwrap().as_bool(), Some(true));
    assert!(root.get("z").unwrap().is_null() && root.get("y").is_none());
    let items: Vec<_> = root.get("l").unwrap().items().map(Value::raw).collect();
    assert_eq!(items, ["1", "[]", "{}"]);
    assert_eq!(root.members().map(|member| member.name().into_owned()).collect::<String>(), "nstzl");
    assert_eq!(root.get("l").unwrap().get("n").map(Value::raw), None);
}

/// The tree as the oracle would have it, decimals left out of the comparison: the oracle rounds them.
fn same(value: Value<'_>, oracle: &Oracle) -> bool {
    match oracle {
        Oracle::Null => value.is_null(),
        Oracle::Bool(own) => value.as_bool() == Some(*own),
        Oracle::Number(_) => value.as_number().is_some(),
        Oracle::String(own) => value.as_str().is_some_and(|text| text == *own),
        Oracle::Array(own) => value.items().count() == own.len() && value.items().zip(own).all(|(a, b)| same(a, b)),
        Oracle::Object(own) => {
            value.members().count() == own.len()
                && own.iter().all(|(name, member)| value.get(name).is_some_and(|value| same(value, member)))
        }
    }
}

fn json() -> impl Strategy<Value = Oracle> {
    let leaf = prop_oneof![
        Just(Oracle::Null),
        any::<bool>().prop_map(Oracle::from),
        any::<i64>().prop_map(Oracle::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Oracle::from),
        any::<String>().prop_filter("without U+0000", |text| !text.contains('\0')).prop_map(Oracle::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Oracle::from),
            prop::collection::btree_map("[^\u{0}]{0,6}", inner, 0..8)
                .prop_map(|members| Oracle::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_document_reads_as_serde_json_reads_it(document in json(), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let tree = Tree::read(text.as_bytes()).unwrap();
        prop_assert!(same(tree.root(), &document));
        prop_assert_eq!(tree.text(), text);
    }

    #[test]
    fn anything_is_accepted_exactly_when_serde_json_accepts_it_and_no_stricter_rule_speaks(
        text in r#"([\[\]{},:"\\ \n]|[0-9eE+.-]|true|null|"[a-c\\u0d8]{0,4}"|\\u[0d][0-9a-f]{3}|é){0,24}"#
    ) {
        let own = Tree::read(text.as_bytes());
        let stricter = |problems: &[Problem]| problems.iter().all(|problem| matches!(
            problem.kind, ProblemKind::DuplicateName | ProblemKind::NulCharacter | ProblemKind::LoneSurrogate
        ));
        match (own, serde_json::from_str::<Oracle>(&text)) {
            (Ok(tree), Ok(oracle)) => prop_assert!(same(tree.root(), &oracle)),
            (Err(_), Err(_)) => {}
            (Err(problems), Ok(_)) => prop_assert!(stricter(&problems), "{text}: {problems:?}"),
            // The oracle refuses numbers that a binary fraction can not hold.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("number out of range"), "{text}: {error}"),
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let (tree, problems) = Tree::read_all(&bytes);
        for problem in problems {
            prop_assert!(problem.offset <= bytes.len());
        }
        prop_assert!(tree.values().count() > 0);
    }
}

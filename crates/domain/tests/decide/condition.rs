//! What holds for any condition that rules are written with.

use domain::policy::rule::{Condition, Fact, Field, Trace};
use domain::text::{Found, Phrases, Words};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

/// A fact of every kind for some fields, none for others.
fn facts<'a>(field: Field, tags: &'a [String], found: &'a Found) -> Option<Fact<'a>> {
    match field {
        Field::MessageCategory => Some(Fact::Text("refill".into())),
        Field::MessageTextLength => Some(Fact::Number(120)),
        Field::CalendarOpen => Some(Fact::Flag(true)),
        Field::PatientTag => Some(Fact::List(tags)),
        Field::MessageText => Some(Fact::Words(found)),
        _ => None,
    }
}

/// Any condition that can be read, whether its tests make sense or not.
fn any_condition() -> impl Strategy<Value = Value> {
    let fields = vec![
        "message.category",
        "message.textLength",
        "calendar.open",
        "patient.tag",
        "message.text",
        "patient.ageYears",
        "thread.owner",
        "recipient.absent",
    ];
    let ops = vec!["eq", "ne", "in", "lt", "le", "gt", "ge", "contains", "anyWord", "is"];
    let value = prop_oneof![
        select(vec!["refill", "a", "", "chest"]).prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|flag| json!(flag)),
        subsequence(vec!["refill", "a", "", "chest hurts"], 0..=4).prop_map(|list| json!(list)),
    ];
    let test = (select(fields), select(ops), value)
        .prop_map(|(field, op, value)| json!({"field": field, "op": op, "value": value}));
    test.prop_recursive(6, 60, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| json!({"all": all})),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_condition_comes_to_an_answer_and_unknown_facts_are_noted(written in any_condition()) {
        let condition: Condition = serde_json::from_value(written.clone()).unwrap();
        prop_assert_eq!(&serde_json::to_value(&condition).unwrap(), &written);
        let mut trace = Trace::default();
        let phrases = Phrases::new(condition.phrases().iter().map(String::as_str));
        let (tags, found) = (["a".to_owned()], phrases.found_in(&Words::of("my chest hurts")));
        let ready = condition.ready(&phrases);
        let facts = |field| facts(field, &tags, &found);
        let held = ready.holds(&facts, &mut trace);
        prop_assert!(condition.constant().is_none_or(|constant| Some(constant) == held));
        prop_assert!(trace.unknown.iter().all(|field| facts(*field).is_none()));
        let mut nothing_known = Trace::default();
        ready.holds(&|_| None, &mut nothing_known);
        let mut faultless = true;
        condition.tests("", &mut |_, test| faultless &= test.fault().is_none());
        let mut inner = Vec::new();
        condition.tests("/when", &mut |pointer, _| inner.push(pointer.to_owned()));
        let whole = json!({"when": written});
        prop_assert!(inner.iter().all(|pointer| whole.pointer(pointer).is_some_and(|node| node.get("field").is_some())));
        prop_assert!(nothing_known.unknown.len() <= inner.len() && (faultless || !inner.is_empty()));
    }
}

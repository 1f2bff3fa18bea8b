//! What a message is found by is what a query for it asks: the grammar and the index agree.

use domain::access::Visibility;
use domain::id::{ResourceType, TenantId};
use domain::search::{DateMatch, Filter, Indexed, Prefix, SearchValue, TokenMatch};
use domain::time::Instant;
use fhir::resource::Document;
use fhir::search::{Asker, Handling, parse, values};
use proptest::prelude::*;

const BASE: &str = "https://clinic.example/fhir";

const EXAMPLES: &[&str] = &[
    include_str!("examples/everything-kept.json"),
    include_str!("examples/patient-refill.json"),
    include_str!("examples/proxy-with-photo.json"),
    include_str!("examples/red-flag-in-billing.json"),
    include_str!("examples/staff-reply.json"),
    include_str!("examples/thread-header.json"),
];

fn index(text: &str) -> Vec<SearchValue> {
    let document = Document::stored(text, ResourceType::Communication);
    values(&document.unwrap_or_else(|issues| panic!("{issues:?}")))
}

fn filter(name: &str, value: &str) -> Filter {
    let encoded: Vec<_> = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let sees = ResourceType::ALL.iter().map(|kind| (*kind, Visibility::Everything)).collect();
    let now = Instant::from_second(1_781_904_600).timestamp();
    let asker = Asker { handling: Handling::Strict, base_url: BASE, tenant: TenantId::new("t"), now, sees };
    let parsed = parse(ResourceType::Communication, &format!("{name}={}", encoded.concat()), &asker);
    parsed.unwrap_or_else(|issues| panic!("{name}={value}: {issues:?}")).search.filters.remove(0)
}

/// The plainest reading of what a condition means.
fn is_found(values: &[SearchValue], filter: &Filter) -> bool {
    match filter {
        Filter::Any(any) => return any.iter().any(|own| is_found(values, own)),
        // Whether the row knows the patient is no matter of its values.
        Filter::Patient(_) => return false,
        Filter::Text { param, any } => {
            let begins = |own: &str| any.iter().any(|asked| own.starts_with(asked.as_str()));
            let of = values.iter().filter(|value| value.param == *param);
            return of.clone().any(|value| matches!(&value.value, Indexed::Text(own) if begins(own)));
        }
        Filter::Identifier { param, any } => {
            return values.iter().any(|value| match &value.value {
                Indexed::Identifier { system, value: own } => {
                    value.param == *param
                        && any.iter().any(|asked| asked.code.as_ref() == Some(own) && asked.system == *system)
                }
                _ => false,
            });
        }
        _ => {}
    }
    let (Filter::Token { param, .. } | Filter::Reference { param, .. } | Filter::Date { param, .. }) = filter else {
        panic!("{filter:?} is about the row")
    };
    values.iter().filter(|value| value.param == *param).any(|value| match (&value.value, filter) {
        (Indexed::Token { system, code }, Filter::Token { any, .. }) => any.iter().any(|asked: &TokenMatch| {
            asked.code.as_ref().is_none_or(|asked| asked == code)
                && asked.system.as_ref().is_none_or(|asked| asked == system.as_deref().unwrap_or_default())
        }),
        (Indexed::Reference(to), Filter::Reference { any, .. }) => any.contains(to),
        (Indexed::Date { low, high }, Filter::Date { any, .. }) => any.iter().any(|asked: &DateMatch| {
            let is_within = asked.low <= *low && *high <= asked.high;
            match asked.prefix {
                Prefix::Eq => is_within,
                Prefix::Ne => !is_within,
                Prefix::Gt => *high > asked.high,
                Prefix::Ge => *high > asked.high || is_within,
                Prefix::Lt => *low < asked.low,
                Prefix::Le => *low < asked.low || is_within,
                Prefix::Sa => *low >= asked.high,
                Prefix::Eb => *high <= asked.low,
                Prefix::Overlap => *low < asked.high && asked.low < *high,
            }
        }),
        (Indexed::Text(_) | Indexed::Identifier { .. }, _) => false,
        (value, filter) => panic!("{value:?} is never compared with {filter:?}"),
    })
}

fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|char| ['\\', ',', '|', '$'].contains(&char).then_some('\\').into_iter().chain([char]))
        .collect()
}

#[test]
fn every_example_is_found_by_each_of_its_values() {
    for text in EXAMPLES {
        let values = index(text);
        assert!(values.len() > 4);
        for value in &values {
            let (modifier, query) = match &value.value {
                Indexed::Token { system: None, code } => ("", format!("|{}", escape(code))),
                Indexed::Token { system: Some(system), code } => ("", format!("{}|{}", escape(system), escape(code))),
                Indexed::Reference(to) => ("", escape(to)),
                Indexed::Date { low, .. } => ("", low.to_string()),
                Indexed::Text(text) => (":text", escape(text)),
                Indexed::Identifier { system, value } => {
                    let system = escape(system.as_deref().unwrap_or_default());
                    (":identifier", format!("{system}|{}", escape(value)))
                }
            };
            let name = format!("{}{modifier}", value.param);
            assert!(is_found(&values, &filter(&name, &query)), "{name} {query}");
        }
    }
}

#[test]
fn a_message_is_found_by_the_day_month_and_year_in_which_it_was_sent() {
    let values = index(EXAMPLES[1]);
    for (asked, expected) in [
        ("2026-06-19", true),
        ("2026-06", true),
        ("2026", true),
        ("2026-06-19T20:29", true),
        ("2026-06-19T16:29:58-04:00", true),
        ("2026-06-20", false),
        ("ne2026-06-19", false),
        ("gt2026-06-19", false),
        ("ge2026-06-19", true),
        ("gt2026-06-18", true),
        ("le2026-06-19", true),
        ("lt2026-06-19", false),
        ("sa2026-06-18", true),
        ("eb2026-06-20", true),
        ("eb2026-06-19", false),
    ] {
        assert_eq!(is_found(&values, &filter("sent", asked)), expected, "{asked}");
    }
}

#[test]
fn a_reference_stored_with_the_address_of_the_service_is_found_without_it() {
    let text = format!(r#"{{"resourceType":"Communication","subject":{{"reference":"{BASE}/Patient/p-1"}}}}"#);
    // One that is local is known to the row itself.
    assert!(index(r#"{"resourceType":"Communication","subject":{"reference":"Patient/p-1"}}"#).is_empty());
    let values = index(&text);
    for query in ["p-1", "Patient/p-1", &format!("{BASE}/Patient/p-1")] {
        assert!(is_found(&values, &filter("patient", query)), "{query}");
    }
    assert!(!is_found(&values, &filter("patient", "https://ehr.example/Patient/p-1")));
}

proptest! {
    #[test]
    fn an_identifier_is_found_whatever_characters_it_has(system in "[^\0]{1,40}", code in "[^\0]{1,40}") {
        let text = serde_json::json!({
            "resourceType": "Communication",
            "identifier": [{ "system": system, "value": code }],
        });
        let values = index(&text.to_string());
        for query in [escape(&code), format!("{}|{}", escape(&system), escape(&code)), format!("{}|", escape(&system))] {
            prop_assert!(is_found(&values, &filter("identifier", &query)), "{}", query);
        }
        for query in [format!("|{}", escape(&code)), format!("{}x", escape(&code)), format!("{}x|", escape(&system))] {
            prop_assert!(!is_found(&values, &filter("identifier", &query)), "{}", query);
        }
    }
}

use proptest::prelude::*;

use super::*;
use crate::issue::IssueCode::{Invariant, Required, Structure, Value};

/// Each: what is invalid about a message, the code and the place. The body is a Communication's members.
const INVALID: &[(&str, IssueCode, &str)] = &[
    // Structure.
    (r#""status":"completed","sttus":"x""#, Structure, "Communication.sttus"),
    (r#""status":"completed","free words":"x""#, Structure, "Communication"),
    (r#""status":"completed","topic":{"txt":"x"}"#, Structure, "Communication.topic.txt"),
    (r#""status":"completed","recipient":{"reference":"Patient/1"}"#, Structure, "Communication.recipient"),
    (r#""status":"completed","subject":[{"reference":"Patient/1"}]"#, Structure, "Communication.subject"),
    (r#""status":"completed","subject":"Patient/1""#, Structure, "Communication.subject"),
    (r#""status":{"value":"completed"}"#, Structure, "Communication.status"),
    (r#""status":["completed"]"#, Structure, "Communication.status"),
    (r#""status":"completed","priority":null"#, Structure, "Communication.priority"),
    (r#""status":"completed","note":[null]"#, Structure, "Communication.note[0]"),
    (r#""status":"completed","topic":{}"#, Structure, "Communication.topic"),
    (r#""status":"completed","topic":{"id":"a"}"#, Structure, "Communication.topic"),
    (r#""status":"completed","topic":{"coding":[]}"#, Structure, "Communication.topic"),
    (r#""status":"completed","payload":[{"contentString":"a"},{}]"#, Structure, "Communication.payload[1]"),
    (r#""status":"completed","payload":[["a"]]"#, Structure, "Communication.payload[0]"),
    (r#""status":"completed","status":"completed""#, Structure, "Communication.status"),
    (
        r#""status":"completed","payload":[{"contentString":"a","contentReference":{"display":"b"}}]"#,
        Structure,
        "Communication.payload[0].content",
    ),
    (
        r#""status":"completed","payload":[{"contentString":"a","_contentReference":{"id":"b"}}]"#,
        Structure,
        "Communication.payload[0].content",
    ),
    (r#""status":"completed","payload":[{"content":"a"}]"#, Structure, "Communication.payload[0].content"),
    (
        r#""status":"completed","payload":[{"contentQuantity":{"value":1}}]"#,
        Structure,
        "Communication.payload[0].contentQuantity",
    ),
    (r#""status":"completed","_status":"x""#, Structure, "Communication.status"),
    (r#""status":"completed","_status":null"#, Structure, "Communication.status"),
    (r#""status":"completed","_status":{}"#, Structure, "Communication.status"),
    (r#""status":"completed","_priority":{"id":"a"}"#, Structure, "Communication.priority"),
    (r#""status":"completed","_topic":{"id":"a"}"#, Structure, "Communication.topic"),
    (r#""status":"completed","instantiatesUri":["a",null]"#, Structure, "Communication.instantiatesUri[1]"),
    (
        r#""status":"completed","instantiatesUri":["a","b"],"_instantiatesUri":[{"id":"x"}]"#,
        Structure,
        "Communication.instantiatesUri",
    ),
    (
        r#""status":"completed","instantiatesUri":["a",null],"_instantiatesUri":[{"id":"x"},null]"#,
        Structure,
        "Communication.instantiatesUri[1]",
    ),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"id":"a"}]"##,
        Structure,
        "Communication.contained[0].resourceType",
    ),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Nothing","id":"a"}]"##,
        Structure,
        "Communication.contained[0].resourceType",
    ),
    (
        r#""status":"completed","topic":{"resourceType":"CodeableConcept","text":"a"}"#,
        Structure,
        "Communication.topic.resourceType",
    ),
    // Required.
    (r#""topic":{"text":"a"}"#, Required, "Communication.status"),
    (r#""_status":{"id":"a","extension":[]}"#, Required, "Communication.status"),
    (
        r#""status":"completed","payload":[{"id":"a","extension":[{"url":"u","valueCode":"x"}]}]"#,
        Required,
        "Communication.payload[0].content",
    ),
    (r#""status":"completed","note":[{"time":"2026"}]"#, Required, "Communication.note[0].text"),
    (r#""status":"completed","extension":[{"valueCode":"x"}]"#, Required, "Communication.extension[0].url"),
    (r#""status":"completed","text":{"status":"generated"}"#, Required, "Communication.text.`div`"),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Observation","id":"a","status":"final"}]"##,
        Required,
        "Communication.contained[0].code",
    ),
    (r#""status":"completed","contained":[{"resourceType":"Patient"}]"#, Required, "Communication.contained[0].id"),
    // Values.
    (r#""status":"sent""#, Value, "Communication.status"),
    (r#""status":"Completed""#, Value, "Communication.status"),
    (r#""status":5"#, Value, "Communication.status"),
    (r#""status":"""#, Value, "Communication.status"),
    (r#""status":"completed","language":" en""#, Value, "Communication.language"),
    (r#""status":"completed","id":"a b""#, Value, "Communication.id"),
    (r#""status":"completed","sent":"2026-06-19T17:30:00""#, Value, "Communication.sent"),
    (r#""status":"completed","sent":"2026-02-29""#, Value, "Communication.sent"),
    (r#""status":"completed","sent":"2026-06-19 17:30:00Z""#, Value, "Communication.sent"),
    (r#""status":"completed","meta":{"lastUpdated":"2026-06-19"}"#, Value, "Communication.meta.lastUpdated"),
    (r#""status":"completed","implicitRules":"a b""#, Value, "Communication.implicitRules"),
    (r#""status":"completed","topic":{"text":"a\u0000b"}"#, Value, "Communication.topic.text"),
    (r#""status":"completed","topic":{"text":"a\u0007b"}"#, Value, "Communication.topic.text"),
    (r#""status":"completed","topic":{"text":"\ud83d"}"#, Value, "Communication.topic.text"),
    (
        r#""status":"completed","topic":{"coding":[{"userSelected":"true"}]}"#,
        Value,
        "Communication.topic.coding[0].userSelected",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"size":-1}}]"#,
        Value,
        "Communication.payload[0].content.size",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"size":1.0}}]"#,
        Value,
        "Communication.payload[0].content.size",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"size":2147483648}}]"#,
        Value,
        "Communication.payload[0].content.size",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"hash":"abc","url":"x"}}]"#,
        Value,
        "Communication.payload[0].content.hash",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"contentType":"jpeg"}}]"#,
        Value,
        "Communication.payload[0].content.contentType",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueDecimal":1e400}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueDecimal":"1.0"}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valuePositiveInt":0}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueUuid":"urn:uuid:C757873D-EC9A-4326-A141-556F43239520"}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueOid":"urn:oid:3.1"}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueTime":"24:00:00"}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueInteger":-2147483649}]"#,
        Value,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","_status":{"extension":[{"url":"u","valueDate":"19-06-2026"}]}"#,
        Value,
        "Communication.status.extension[0].value",
    ),
    (r#""status":"completed","identifier":[{"use":"primary","value":"1"}]"#, Value, "Communication.identifier[0].use"),
    (
        r#""status":"completed","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>x</script></div>"}"#,
        Value,
        "Communication.text.`div`",
    ),
    // References.
    (r#""status":"completed","subject":{"reference":"Practitioner/1"}"#, Value, "Communication.subject.reference"),
    (
        r#""status":"completed","subject":{"reference":"https://ehr.example/fhir/Device/1"}"#,
        Value,
        "Communication.subject.reference",
    ),
    (r#""status":"completed","subject":{"type":"Device","display":"x"}"#, Value, "Communication.subject.type"),
    (
        r#""status":"completed","subject":{"type":"Group","reference":"Patient/1"}"#,
        Value,
        "Communication.subject.reference",
    ),
    (r#""status":"completed","subject":{"reference":"Maria Lopez"}"#, Value, "Communication.subject.reference"),
    (r#""status":"completed","subject":{"reference":"Patient/"}"#, Value, "Communication.subject.reference"),
    (r#""status":"completed","subject":{"reference":"../Patient/1"}"#, Value, "Communication.subject.reference"),
    (r##""status":"completed","about":[{"reference":"#a"}]"##, Value, "Communication.about[0].reference"),
    (
        r##""status":"completed","subject":{"reference":"#a"},"contained":[{"resourceType":"Device","id":"a"}]"##,
        Value,
        "Communication.subject.reference",
    ),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Device","id":"a"},{"resourceType":"Device","id":"a"}]"##,
        Value,
        "Communication.contained[1].id",
    ),
    // Rules between elements.
    (r#""status":"completed","extension":[{"url":"u"}]"#, Invariant, "Communication.extension[0]"),
    (
        r#""status":"completed","extension":[{"url":"u","valueCode":"x","extension":[{"url":"v","valueCode":"x"}]}]"#,
        Invariant,
        "Communication.extension[0]",
    ),
    (
        r#""status":"completed","payload":[{"contentAttachment":{"data":"aGk="}}]"#,
        Invariant,
        "Communication.payload[0].content.contentType",
    ),
    (
        r#""status":"completed","identifier":[{"period":{"start":"2027","end":"2026-12-31"}}]"#,
        Invariant,
        "Communication.identifier[0].period",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueQuantity":{"value":1,"code":"mg"}}]"#,
        Invariant,
        "Communication.extension[0].value.system",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueContactPoint":{"value":"1"}}]"#,
        Invariant,
        "Communication.extension[0].value.system",
    ),
    (
        r#""status":"completed","extension":[{"url":"u","valueRatio":{"numerator":{"value":1}}}]"#,
        Invariant,
        "Communication.extension[0].value",
    ),
    (
        r#""status":"completed","contained":[{"resourceType":"Device","id":"a"}]"#,
        Invariant,
        "Communication.contained[0]",
    ),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Device","id":"a","meta":{"versionId":"1"}}]"##,
        Invariant,
        "Communication.contained[0].meta.versionId",
    ),
    (
        r##""status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Device","id":"a","contained":[{"resourceType":"Patient","id":"b"}]}]"##,
        Invariant,
        "Communication.contained[0].contained",
    ),
];

/// What is unusual and valid all the same.
const VALID: &[&str] = &[
    r#""status":"completed""#,
    r#""_status":{"extension":[{"url":"u","valueCode":"masked"}]}"#,
    r#""status":"completed","_status":{"id":"a"}"#,
    r#""status":"completed","instantiatesUri":["a",null],"_instantiatesUri":[null,{"extension":[{"url":"u","valueCode":"x"}]}]"#,
    r#""status":"completed","_instantiatesUri":[{"extension":[{"url":"u","valueCode":"x"}]}]"#,
    r#""status":"completed","sent":"2026","received":"2026-06""#,
    r#""status":"completed","subject":{"reference":"https://ehr.example/fhir/Patient/1/_history/2","type":"Patient"}"#,
    r#""status":"completed","subject":{"reference":"urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}"#,
    r#""status":"completed","subject":{"identifier":{"system":"urn:x","value":"1"}}"#,
    r#""status":"completed","about":[{"reference":"https://example.org/some/page.html"}]"#,
    r##""status":"completed","subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","name":[{"family":"x","_given":[null,{"extension":[{"url":"u","valueCode":"x"}]}],"given":["y",null]}]}]"##,
    r##""status":"completed","contained":[{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"partOf":[{"reference":"#"}]}]"##,
    r#""status":"completed","payload":[{"contentString":" "},{"contentAttachment":{"contentType":"text/plain; charset=UTF-8","data":"aGk="}}]"#,
    r#""status":"completed","payload":[{"_contentString":{"extension":[{"url":"u","valueCode":"masked"}]}}]"#,
    r#""status":"completed","extension":[{"url":"u","valueDecimal":-0.00010e-3}]"#,
    r#""status":"completed","extension":[{"url":"u","extension":[{"url":"v","valueTiming":{"repeat":{"boundsPeriod":{"start":"2026"}}}}]}]"#,
    r##""status":"completed","instantiatesUri":["#d"],"contained":[{"resourceType":"Device","id":"d"}]"##,
];

fn body(members: &str) -> String {
    format!("{{\"resourceType\":\"Communication\",{members}}}")
}

fn issues(text: &str) -> Vec<Issue> {
    read(text.as_bytes(), "Communication", Options::default()).1
}

#[test]
fn each_invalid_message_is_refused_with_its_code_and_its_place() {
    for (members, code, expression) in INVALID {
        let found: Vec<Issue> = issues(&body(members)).into_iter().filter(Issue::is_error).collect();
        let named = found.iter().any(|issue| issue.code == *code && issue.expression.as_deref() == Some(*expression));
        assert!(named, "{members}\n asks for {code} at {expression}, got {found:#?}");
        assert_eq!(found.len(), 1, "{members}: {found:#?}");
    }
}

#[test]
fn what_is_unusual_but_valid_is_welcome() {
    for members in VALID {
        assert_eq!(issues(&body(members)), [], "{members}");
    }
}

#[test]
fn another_resource_or_none_is_refused() {
    for (text, expression) in [
        (r#"{"resourceType":"Patient"}"#, "Patient.resourceType"),
        (r#"{"resourceType":"Nothing"}"#, "resourceType"),
        (r#"{"resourceType":7}"#, "resourceType"),
        (r#"{"status":"completed"}"#, "resourceType"),
    ] {
        let found = issues(text);
        assert_eq!(
            (found.len(), found[0].code, found[0].expression.as_deref()),
            (1, Structure, Some(expression)),
            "{text}"
        );
    }
    for text in ["[]", "null", "\"x\"", "1", "", "{", "\u{feff}{}"] {
        let found = issues(text);
        assert_eq!((found.len(), found[0].code, found[0].expression.as_deref()), (1, Structure, None), "{text}");
    }
}

#[test]
fn a_breach_of_the_grammar_is_told_with_the_place_that_was_reached() {
    let found = issues(r#"{"resourceType":"Communication","payload":[{"contentString":"a","#);
    assert_eq!(found[0].expression.as_deref(), Some("Communication.payload[0]"));
    assert_eq!(found[0].severity, Severity::Fatal);
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_not_without_end() {
    let found = issues(&body(r#""status":"x","sttus":1,"sent":"y","topic":{}"#));
    let places: Vec<_> = found.iter().map(|issue| issue.expression.as_deref().unwrap()).collect();
    assert_eq!(places, ["Communication.status", "Communication.sttus", "Communication.sent", "Communication.topic"]);
    let many: Vec<String> = (0..10_000).map(|number| format!("\"x{number}\":1")).collect();
    assert_eq!(issues(&body(&many.join(","))).len(), MAX_ISSUES);
}

#[test]
fn no_number_of_warnings_hides_an_error() {
    let empty = vec![r#"{"text":"a","coding":[]}"#; 2 * MAX_ISSUES].join(",");
    let found = issues(&body(&format!(r#""category":[{empty}],"status":"x""#)));
    assert_eq!(found[0].expression.as_deref(), Some("Communication.status"));
    assert_eq!(found.len(), 1 + MAX_ISSUES);
}

#[test]
fn no_issue_repeats_what_a_person_wrote() {
    let secret = "Maria Lopez has a rash";
    for (members, ..) in INVALID {
        for issue in issues(&body(&members.replace("free words", secret).replace("\"x\"", &format!("\"{secret}\"")))) {
            let told = format!("{issue:?}");
            assert!(!told.contains("Maria") && !told.contains("rash"), "{told}");
        }
    }
}

#[test]
fn a_resource_in_a_bundle_has_contained_resources_of_its_own() {
    let bundle = r##"{"resourceType":"Bundle","type":"collection","entry":[
        {"resource":{"resourceType":"Communication","status":"completed","about":[{"reference":"#a"}],"contained":[{"resourceType":"Device","id":"a"}]}},
        {"resource":{"resourceType":"Communication","status":"completed","about":[{"reference":"#a"}]}}]}"##;
    let found = read(bundle.as_bytes(), "Bundle", Options::default()).1;
    let places: Vec<_> = found.iter().map(|issue| issue.expression.as_deref().unwrap()).collect();
    assert_eq!(places, ["Bundle.entry[1].resource.about[0].reference"]);
}

#[test]
fn depth_is_bounded_and_no_stack_overflows() {
    let deep = |open: &str, close: &str| format!("{}{}{}", open.repeat(20_000), "1", close.repeat(20_000));
    for text in [
        deep("[", "]"),
        deep("{\"extension\":[", "]}"),
        deep("{\"resourceType\":\"Communication\",\"contained\":[", "]}"),
    ] {
        assert!(!issues(&text).is_empty());
    }
    let mut extension = r#"{"url":"u","valueCode":"x"}"#.to_owned();
    for _ in 0..28 {
        extension = format!(r#"{{"url":"u","extension":[{extension}]}}"#);
    }
    assert_eq!(issues(&body(&format!(r#""status":"completed","extension":[{extension}]"#))), []);
}

const EXAMPLES: [&str; 3] = [
    include_str!("../../tests/examples/everything-kept.json"),
    include_str!("../../tests/examples/proxy-with-photo.json"),
    include_str!("../../tests/examples/staff-reply.json"),
];

proptest! {
    #[test]
    fn no_change_of_an_example_makes_it_panic(
        which in 0..EXAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, prop::sample::select(br#"{}[]":,0 a\_#"#.to_vec())), 1..6)
    ) {
        let mut bytes = EXAMPLES[which].as_bytes().to_vec();
        for (at, how, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => { bytes.remove(at); }
                _ => bytes.truncate(at.max(1)),
            }
        }
        let (tree, found) = read(&bytes, "Communication", Options::default());
        if !found.iter().any(Issue::is_error) {
            let edited = crate::text::Edit::new(&tree).set_text("id", "x").meta(1, "2026-06-19T21:30:00Z", &[]).finish();
            let again = read(edited.as_bytes(), "Communication", Options::default()).1;
            prop_assert!(!again.iter().any(Issue::is_error), "{edited}: {again:#?}");
        }
    }

    #[test]
    fn a_value_of_another_kind_at_any_place_never_panics(
        which in 0..EXAMPLES.len(),
        place in any::<prop::sample::Index>(),
        value in prop::sample::select(vec!["null", "[]", "{}", "[null]", "\"\"", "0", "true", "[[]]", "[{}]", "{\"id\":\"a\"}", "{\"resourceType\":\"Patient\"}"])
    ) {
        let tree = Tree::read(EXAMPLES[which].as_bytes()).unwrap();
        let spans: Vec<_> = tree.values().map(crate::json::Value::span).collect();
        let span = spans[place.index(spans.len())].clone();
        let text = format!("{}{value}{}", &tree.text()[..span.start], &tree.text()[span.end..]);
        let _ = crate::resource::Document::parse(text.as_bytes(), domain::id::ResourceType::Communication);
    }
}

use crate::issue::IssueCode;
use crate::validate::{Options, read};

fn issues(kind: &str, body: &str) -> Vec<(IssueCode, String)> {
    let text = format!(r#"{{"resourceType":"{kind}",{body}}}"#);
    let (_, issues) = read(text.as_bytes(), kind, Options::default());
    issues.into_iter().map(|issue| (issue.code, issue.expression.unwrap_or_default())).collect()
}

/// An extension's value, where a Communication may hold any type.
fn valued(value: &str) -> String {
    format!(r#""status":"completed","extension":[{{"url":"u",{value}}}]"#)
}

#[test]
fn amounts_have_the_units_and_the_signs_of_their_kinds() {
    const UCUM: &str = r#""system":"http://unitsofmeasure.org""#;
    for good in [
        format!(r#""valueAge":{{"value":3,{UCUM},"code":"a"}}"#),
        format!(r#""valueCount":{{"value":3,{UCUM},"code":"1"}}"#),
        format!(r#""valueDuration":{{"value":3,{UCUM},"code":"h"}}"#),
        r#""valueDuration":{"value":3}"#.to_owned(),
        format!(r#""valueDistance":{{"value":-3.5,{UCUM},"code":"m"}}"#),
        r#""valueQuantity":{"value":3,"unit":"tablets","comparator":"<"}"#.to_owned(),
        r#""valueRange":{"low":{"value":1.50,"unit":"g"},"high":{"value":1.5,"unit":"g"}}"#.to_owned(),
        r#""valueRange":{"low":{"value":5,"unit":"mg"},"high":{"value":1,"unit":"g"}}"#.to_owned(),
    ] {
        assert_eq!(issues("Communication", &valued(&good)), [], "{good}");
    }
    let here = "Communication.extension[0].value";
    for (bad, place) in [
        (format!(r#""valueAge":{{"value":0,{UCUM},"code":"a"}}"#), here.to_owned()),
        (r#""valueAge":{"value":3}"#.to_owned(), here.to_owned()),
        (r#""valueAge":{"value":3,"system":"urn:x","code":"a"}"#.to_owned(), here.to_owned()),
        (r#""valueAge":{"code":"a"}"#.to_owned(), format!("{here}.system")),
        (format!(r#""valueCount":{{"value":3,{UCUM},"code":"2"}}"#), here.to_owned()),
        (format!(r#""valueCount":{{"value":3.0,{UCUM},"code":"1"}}"#), here.to_owned()),
        (format!(r#""valueDuration":{{{UCUM},"code":"h"}}"#), here.to_owned()),
        (r#""valueDistance":{"value":3}"#.to_owned(), here.to_owned()),
        (r#""valueQuantity":{"value":3,"code":"mg"}"#.to_owned(), format!("{here}.system")),
        (r#""valueRange":{"low":{"value":2},"high":{"value":1}}"#.to_owned(), here.to_owned()),
        (r#""valueRange":{"low":{"value":2,"comparator":"<"}}"#.to_owned(), format!("{here}.low.comparator")),
    ] {
        assert_eq!(issues("Communication", &valued(&bad)), [(IssueCode::Invariant, place)], "{bad}");
    }
}

#[test]
fn what_repeats_says_how() {
    let repeat = |body: &str| valued(&format!(r#""valueTiming":{{"repeat":{{{body}}}}}"#));
    for good in [
        r#""frequency":2,"period":1,"periodUnit":"d""#,
        r#""duration":0,"durationUnit":"h","durationMax":2"#,
        r#""when":["HS"],"offset":30"#,
        r#""when":["CM"]"#,
        r#""timeOfDay":["08:00:00"]"#,
    ] {
        assert_eq!(issues("Communication", &repeat(good)), [], "{good}");
    }
    for (bad, place) in [
        (r#""duration":1"#, ".durationUnit"),
        (r#""period":1"#, ".periodUnit"),
        (r#""periodMax":1"#, ".period"),
        (r#""durationMax":1"#, ".duration"),
        (r#""countMax":1"#, ".count"),
        (r#""offset":1"#, ".when"),
        (r#""duration":-1,"durationUnit":"h""#, ".duration"),
        (r#""period":-1,"periodUnit":"h""#, ".period"),
        (r#""when":["HS","CM"],"offset":30"#, ".when[1]"),
        (r#""when":["HS"],"timeOfDay":["08:00:00"]"#, ""),
    ] {
        let place = format!("Communication.extension[0].value.repeat{place}");
        assert_eq!(issues("Communication", &repeat(bad)), [(IssueCode::Invariant, place)], "{bad}");
    }
}

#[test]
fn a_bundle_holds_what_its_type_allows() {
    let task = r#""resource":{"resourceType":"Basic","code":{"text":"x"}}"#;
    let request = r#""request":{"method":"GET","url":"Task"}"#;
    let response = r#""response":{"status":"200"}"#;
    for good in [
        format!(r#""type":"batch","entry":[{{{request}}}]"#),
        format!(r#""type":"searchset","total":1,"entry":[{{{task},"search":{{"mode":"match"}}}}]"#),
        format!(
            r#""type":"history","total":1,"entry":[{{"fullUrl":"urn:a",{request},{response}}},{{"fullUrl":"urn:a",{request},{response}}}]"#
        ),
        format!(r#""type":"batch-response","entry":[{{{response}}}]"#),
        format!(r#""type":"collection","entry":[{{"fullUrl":"urn:a",{task}}},{{"fullUrl":"urn:b",{task}}}]"#),
    ] {
        assert_eq!(issues("Bundle", &good), [], "{good}");
    }
    for (bad, place) in [
        (r#""type":"batch","total":1"#.to_owned(), "Bundle.total"),
        (format!(r#""type":"collection","entry":[{{{task},"search":{{"mode":"match"}}}}]"#), "Bundle.entry[0].search"),
        (format!(r#""type":"batch","entry":[{{{task}}}]"#), "Bundle.entry[0]"),
        (format!(r#""type":"searchset","entry":[{{{task},{request}}}]"#), "Bundle.entry[0].request"),
        (format!(r#""type":"transaction-response","entry":[{{{task}}}]"#), "Bundle.entry[0]"),
        (format!(r#""type":"batch","entry":[{{{request},{response}}}]"#), "Bundle.entry[0].response"),
        (r#""type":"collection","entry":[{"fullUrl":"urn:a"}]"#.to_owned(), "Bundle.entry[0]"),
        (
            format!(r#""type":"collection","entry":[{{"fullUrl":"http://a/Task/1/_history/1",{task}}}]"#),
            "Bundle.entry[0].fullUrl",
        ),
        (
            format!(r#""type":"collection","entry":[{{"fullUrl":"urn:a",{task}}},{{"fullUrl":"urn:a",{task}}}]"#),
            "Bundle.entry[1].fullUrl",
        ),
        (format!(r#""type":"document","entry":[{{{task}}}]"#), "Bundle"),
        (format!(r#""type":"message","entry":[{{{task}}}]"#), "Bundle"),
    ] {
        assert_eq!(issues("Bundle", &bad), [(IssueCode::Invariant, place.to_owned())], "{bad}");
    }
}

#[test]
fn a_parameter_says_one_thing_and_a_member_stands_for_one() {
    for good in [
        r#""parameter":[{"name":"a","valueString":"x"},{"name":"b","part":[{"name":"c","valueCode":"d"}]}]"#,
        r#""parameter":[{"name":"a","resource":{"resourceType":"Basic","code":{"text":"x"}}}]"#,
    ] {
        assert_eq!(issues("Parameters", good), [], "{good}");
    }
    for (bad, place) in [
        (r#""parameter":[{"name":"a"}]"#, "Parameters.parameter[0]"),
        (
            r#""parameter":[{"name":"a","valueString":"x","part":[{"name":"b","valueCode":"c"}]}]"#,
            "Parameters.parameter[0]",
        ),
        (r#""parameter":[{"name":"a","part":[{"name":"b"}]}]"#, "Parameters.parameter[0].part[0]"),
    ] {
        assert_eq!(issues("Parameters", bad), [(IssueCode::Invariant, place.to_owned())], "{bad}");
    }
    let member = |reference: &str| {
        format!(
            r#""participant":[{{"member":{{"reference":"{reference}"}},"onBehalfOf":{{"reference":"Organization/1"}}}}]"#
        )
    };
    assert_eq!(issues("CareTeam", &member("Practitioner/1")), []);
    let refused = issues("CareTeam", &member("Patient/1"));
    assert_eq!(refused, [(IssueCode::Invariant, "CareTeam.participant[0].onBehalfOf".to_owned())]);
    let consent = |more: &str| format!(r#""status":"active","scope":{{"text":"s"}},"category":[{{"text":"c"}}]{more}"#);
    assert_eq!(issues("Consent", &consent(r#","policyRule":{"text":"r"}"#)), []);
    assert_eq!(issues("Consent", &consent("")), [(IssueCode::Invariant, "Consent".to_owned())]);
}

use super::*;
use crate::json::Tree;

fn tree(text: &str) -> Tree {
    Tree::read(text.as_bytes()).unwrap()
}

#[test]
fn without_a_change_the_text_is_the_same() {
    let text = " {\"b\" : 1 ,\n\"resourceType\":\"X\" } ";
    assert_eq!(Edit::new(&tree(text)).finish(), text);
}

#[test]
fn what_the_server_sets_comes_first_and_the_rest_keeps_its_bytes() {
    let tree = tree("{\n  \"status\": \"final\",\n  \"id\" : \"old\",\n  \"resourceType\": \"X\",\n  \"n\": 5.10\n}");
    let edited = Edit::new(&tree).set_text("id", "new").meta(3, "2026-06-19T21:30:00Z", &[]).finish();
    assert_eq!(
        edited,
        "{\n  \"resourceType\": \"X\",\n  \"id\" : \"new\",\n  \"meta\":{\"versionId\":\"3\",\"lastUpdated\":\"2026-06-19T21:30:00Z\"},\n  \"status\": \"final\",\n  \"n\": 5.10\n}"
    );
}

#[test]
fn the_clients_meta_stays_but_for_what_is_the_servers() {
    let tree = tree(
        r#"{"resourceType":"X","meta":{"tag":[{"code":"a"}],"versionId":"9","_versionId":{"id":"z"},"security":[{"system":"http://postern.example/fhir/CodeSystem/security-label","code":"forged"},{"system":"s","code":"R"}]}}"#,
    );
    let edited = Edit::new(&tree).meta(1, "2026-06-19T21:30:00Z", &["internal"]).finish();
    assert_eq!(
        edited,
        r#"{"resourceType":"X","meta":{"versionId":"1","lastUpdated":"2026-06-19T21:30:00Z","tag":[{"code":"a"}],"security":[{"system":"s","code":"R"},{"system":"http://postern.example/fhir/CodeSystem/security-label","code":"internal"}]}}"#
    );
}

#[test]
fn a_forged_label_that_stood_alone_takes_its_array_along() {
    let tree = tree(
        r#"{"resourceType":"X","meta":{"security":[{"system":"http://postern.example/fhir/CodeSystem/security-label","code":"forged"}]}}"#,
    );
    let edited = Edit::new(&tree).meta(1, "2026-06-19T21:30:00Z", &[]).finish();
    assert_eq!(edited, r#"{"resourceType":"X","meta":{"versionId":"1","lastUpdated":"2026-06-19T21:30:00Z"}}"#);
}

#[test]
fn arrays_grow_shrink_come_and_go() {
    let tree = tree(r#"{"resourceType":"X","extension":[ {"url":"a"}, {"url":"b"} ],"uri":["u"],"_uri":[{"id":"1"}]}"#);
    let pushed =
        Edit::new(&tree).push("extension", r#"{"url":"c"}"#).push("uri", "\"v\"").push("partOf", "{}").finish();
    assert_eq!(
        pushed,
        r#"{"resourceType":"X","extension":[ {"url":"a"}, {"url":"b"},{"url":"c"} ],"uri":["u","v"],"_uri":[{"id":"1"},null],"partOf":[{}]}"#
    );
    let replaced = Edit::new(&tree).extension("a", Some(r#"{"url":"a","valueCode":"x"}"#)).finish();
    assert_eq!(
        replaced,
        r#"{"resourceType":"X","extension":[ {"url":"b"},{"url":"a","valueCode":"x"} ],"uri":["u"],"_uri":[{"id":"1"}]}"#
    );
    let emptied = Edit::new(&tree).remove_items("extension", |_| true).remove("uri").finish();
    assert_eq!(emptied, r#"{"resourceType":"X"}"#);
}

#[test]
fn blanks_stay_where_they_are() {
    let tree = tree("{ \"resourceType\" : \"X\" ,\n\"a\":[ 1 , {} ,\t3 ] , \"b\":2 }");
    let edited = Edit::new(&tree).push("a", "4").remove_items("a", crate::json::Value::is_object).finish();
    assert_eq!(edited, "{ \"resourceType\" : \"X\" ,\n\"a\":[ 1 ,\t3,4 ] , \"b\":2 }");
}

#[test]
fn what_stands_beside_no_value_is_not_put_beside_a_new_one() {
    let tree = tree(r#"{"resourceType":"X","_uri":[{"id":"1"},{"id":"2"}]}"#);
    let pushed = Edit::new(&tree).push("uri", "\"v\"").finish();
    let expected = r#"{"resourceType":"X","_uri":[{"id":"1"},{"id":"2"},null],"uri":[null,null,"v"]}"#;
    assert_eq!(pushed, expected);
    assert_eq!(Edit::new(&tree).remove_items("uri", |_| true).finish(), tree.text());
}

#[test]
fn what_is_within_a_member_comes_and_goes_and_all_else_in_it_stays() {
    let ours = |item: crate::json::Value<'_>| item.get("system").is_some_and(|own| own.is_str("s"));
    let within = |text: &str, json: Option<&str>| {
        let tree = tree(text);
        Edit::new(&tree).replace_within("reason", "coding", ours, json.map(str::to_owned)).finish()
    };
    let own = r#"{"reason":{ "n" : 5.10 , "coding":[ {"code":"a"} , {"system":"s"} ] , "text":"x" }}"#;
    let new = r#"{"reason":{ "n" : 5.10 , "coding":[ {"code":"a"} ,{"system":"s","code":"b"} ] , "text":"x" }}"#;
    assert_eq!(within(own, Some(r#"{"system":"s","code":"b"}"#)), new);
    assert_eq!(within("{}", Some("1")), r#"{"reason":{"coding":[1]}}"#);
    for gone in [r#"{"reason":{"coding":[{"system":"s"}]}}"#, r#"{"reason":{"id":"1","coding":[{"system":"s"}]}}"#] {
        assert_eq!(within(gone, None), "{}");
    }
}

#[test]
fn removing_an_extension_that_is_not_there_changes_nothing() {
    let text = r#"{ "extension":[{"url":"b"}], "resourceType":"X"}"#;
    assert_eq!(Edit::new(&tree(text)).extension("a", None).finish(), text);
}

#[test]
fn a_member_whose_value_is_set_loses_its_companion() {
    let tree = tree(r#"{"_status":{"id":"1"},"resourceType":"X","status":"a"}"#);
    assert_eq!(Edit::new(&tree).set_text("status", "b").finish(), r#"{"resourceType":"X","status":"b"}"#);
}

#[test]
fn empty_arrays_go_with_their_commas_and_nothing_else() {
    for (text, without) in [
        ("{\"a\":[]}", "{}"),
        ("{\"a\":[],\"b\":1}", "{\"b\":1}"),
        ("{ \"a\" : [ ] , \"b\":[], \"c\":1 }", "{ \"c\":1 }"),
        ("{\"b\":1,\"a\":[]}", "{\"b\":1}"),
        ("{\"b\":1, \"a\":[], \"c\":[]\n, \"d\":2}", "{\"b\":1\n, \"d\":2}"),
        ("{\"b\":{\"a\":[],\"x\":[{\"y\":[]},{\"z\":1}]},\"e\":[]}", "{\"b\":{\"x\":[{},{\"z\":1}]}}"),
    ] {
        assert_eq!(without_empty_arrays(&tree(text)).as_deref(), Some(without), "{text}");
    }
    assert_eq!(without_empty_arrays(&tree("{\"a\":[[]],\"b\":\"[]\"}")), None);
}

//! Bodies that no resource is: all issues are told, nothing that was written is repeated, nothing is stored.

use crate::house::House;
use crate::people::{patient, refill};

on_both!(house: a_body_that_is_no_resource_is_refused_without_repeating_it, every_issue_is_told_at_once);

const CANARY: &str = "canary-4711";

/// Bodies and the code that they are refused with.
fn bodies() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let good = refill("p-1001", CANARY).to_string();
    let open =
        |deep: usize| format!("{{\"resourceType\":\"Communication\",\"{CANARY}\":{}", "[".repeat(deep)).into_bytes();
    let with = |member: &str| good.replacen('{', &format!("{{{member},"), 1).into_bytes();
    let mut latin = good.clone().into_bytes();
    latin[good.find(CANARY).unwrap()] = 0xE9;
    let mut marked = vec![0xEF, 0xBB, 0xBF];
    marked.extend(good.bytes());
    let wide: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let nested = format!("{}{}", "{\"url\":\"urn:x\",\"extension\":[".repeat(300), "]}".repeat(300));
    vec![
        ("empty", Vec::new(), "structure"),
        ("not JSON", format!("<{CANARY}>").into_bytes(), "structure"),
        ("cut short", good.as_bytes()[..good.len() - 3].to_vec(), "structure"),
        ("more after the end", format!("{good}{good}").into_bytes(), "structure"),
        ("an array", format!("[{good}]").into_bytes(), "structure"),
        ("a string", format!("\"{CANARY}\"").into_bytes(), "structure"),
        ("a hundred thousand deep", open(100_000), "structure"),
        ("extensions three hundred deep", with(&format!("\"extension\":[{nested}]")), "structure"),
        ("invalid UTF-8", latin, "structure"),
        ("UTF-16", wide, "structure"),
        ("a byte order mark", marked, "structure"),
        ("a name twice", with("\"status\":\"completed\""), "structure"),
        ("another type", good.replacen("Communication", "Task", 1).into_bytes(), "structure"),
        ("U+0000", good.replace(CANARY, "canary-4711\\u0000").into_bytes(), "value"),
        ("half a surrogate pair", good.replace(CANARY, "canary-4711\\ud800").into_bytes(), "value"),
        ("null", with("\"language\":null"), "structure"),
        ("an empty object", with("\"topic2\":{}"), "structure"),
        ("an empty string", with("\"language\":\"\""), "value"),
        ("a number for a text", with("\"language\":5"), "value"),
        ("a code outside its set", good.replace("in-progress", CANARY).into_bytes(), "value"),
        ("a date that is none", with(&format!("\"sent\":\"{CANARY}\"")), "value"),
        ("a number beyond all bounds", with("\"language\":1e999999999"), "value"),
    ]
}

async fn a_body_that_is_no_resource_is_refused_without_repeating_it(house: &House) {
    for (what, body, code) in bodies() {
        let ask = house.ask(reqwest::Method::POST, "/fhir/Communication").by(&patient("p-1001"));
        let refused = ask.header("content-type", "application/fhir+json").body(body).send().await;
        assert_eq!(refused.status, 400, "{what}: {}", refused.text);
        assert!(refused.issues().iter().any(|found| found == code), "{what}: {}", refused.text);
        assert!(!refused.text.contains(CANARY), "{what}: {}", refused.text);
    }
    assert_eq!(house.place.count("resource", "kind = 'Communication'"), 0);
}

async fn every_issue_is_told_at_once(house: &House) {
    let mut body = refill("p-1001", "x");
    body["status"] = "sent".into();
    body["urgency"] = "high".into();
    body["priority"] = serde_json::json!(["routine"]);
    body["payload"][0]["contentReference"] = serde_json::json!({ "reference": "Binary/1" });
    let refused = house.create(&patient("p-1001"), &body).await.is(400);
    let places: Vec<String> = refused.json()["issue"]
        .as_array()
        .unwrap()
        .iter()
        .map(|issue| issue["expression"][0].as_str().unwrap_or_default().to_owned())
        .collect();
    for place in ["Communication.status", "Communication.urgency", "Communication.priority", "Communication.payload[0]"]
    {
        assert!(places.iter().any(|found| found.starts_with(place)), "{place}: {places:?}");
    }
}

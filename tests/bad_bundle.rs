//! Bundles that are no good: over the interface and by the command, one clear answer each, soon.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::clinic;

use crate::house;
use crate::people::{engine, scoped};
use crate::place::{Database, Place};
use crate::program::command;

/// An answer that comes later than this is late, however busy the machine of the tests is.
const SOON: Duration = Duration::from_secs(20);

/// What is wrong, the text, where the finding points and what its remedy mentions.
struct Bad {
    name: &'static str,
    text: String,
    pointer: &'static str,
    remedy: &'static str,
}

fn changed(change: impl FnOnce(&mut Value)) -> String {
    let mut bundle: Value = serde_json::from_str(&clinic::bundle().unwrap().canonical()).unwrap();
    bundle["version"] = json!(2);
    change(&mut bundle);
    bundle.to_string()
}

fn quiet(start: &str, end: &str) -> String {
    changed(|bundle| {
        bundle["quietHours"][0]["shifts"] = json!([{ "start": start, "end": end }]);
    })
}

/// Everything but what is too long to be sent at all.
fn table() -> Vec<Bad> {
    let bad = |name, text, pointer, remedy| Bad { name, text, pointer, remedy };
    let rule = |number: usize| {
        json!({ "id": format!("r-{number}"), "order": number, "do": [{ "type": "stop" }],
            "when": { "field": "message.category", "op": "eq", "value": "form" } })
    };
    let nested = |depth: usize| {
        let test = json!({ "field": "message.category", "op": "eq", "value": "form" });
        let when = (0..depth).fold(test, |inner, _| json!({ "not": inner }));
        changed(|bundle| bundle["routing"][0]["when"] = when)
    };
    let deep = format!("{}{}", "{\"not\":".repeat(1_000), "1").to_owned() + &"}".repeat(1_000);
    let deepest = changed(|bundle| bundle["routing"][0]["when"] = json!("HERE")).replace("\"HERE\"", &deep);
    vec![
        bad("a thousand levels", deepest, "", ""),
        bad("more levels than a rule may have", nested(20), "/routing/0/when", "split"),
        bad(
            "five thousand rules",
            changed(|bundle| bundle["routing"] = (0..5_000).map(rule).collect()),
            "/routing",
            "",
        ),
        bad(
            "a calendar that never opens",
            changed(|bundle| bundle["calendars"][0]["weekly"] = json!([])),
            "/calendars/0",
            "",
        ),
        bad(
            "a zone that does not exist",
            changed(|bundle| bundle["calendars"][0]["timezone"] = json!("America/Riverside")),
            "/calendars/0/timezone",
            "",
        ),
        bad("a quiet window of no length", quiet("20:00", "20:00"), "/quietHours/0/shifts/0", "leave some time"),
        bad(
            "quiet hours that leave no time together",
            changed(|bundle| {
                let day = json!({ "id": "day", "audience": "patient", "windowsIn": "recipient-timezone",
                    "shifts": [{ "start": "07:00", "end": "21:00" }] });
                bundle["quietHours"].as_array_mut().unwrap().push(day);
            }),
            "/quietHours",
            "leave some time",
        ),
        bad(
            "covers that go in a circle",
            changed(|bundle| {
                let cover = |person: &str, by: &str| json!({ "person": format!("Practitioner/{person}"), "by": format!("Practitioner/{by}") });
                bundle["absence"] = json!({ "covers": [cover("a", "b"), cover("b", "c"), cover("c", "a")] });
            }),
            "/absence/covers/0/by",
            "break the circle",
        ),
        bad("an unknown member", changed(|bundle| bundle["qiuetHours"] = json!([])), "/qiuetHours", ""),
        bad(
            "an unknown fact",
            changed(|bundle| bundle["routing"][0]["when"]["field"] = json!("message.mood")),
            "/routing/0/when",
            "",
        ),
        bad(
            "U+0000",
            changed(|bundle| bundle["clinic"]["name"] = json!("a\0b")),
            "/clinic/name",
            "leave the character",
        ),
        bad("no JSON", "{\"id\": ".to_owned(), "", ""),
    ]
}

fn seen(bad: &Bad, finding: &Value) {
    let (pointer, remedy) = (finding["pointer"].as_str().unwrap(), finding["remedy"].as_str().unwrap());
    assert!(pointer.starts_with(bad.pointer), "{}: {finding}", bad.name);
    assert!(remedy.len() > 10 && remedy.contains(bad.remedy), "{}: {finding}", bad.name);
}

#[test]
fn each_bad_bundle_gets_one_clear_answer_over_the_interface() {
    house::run(Database::Sqlite, async |house: &house::House| {
        let who = scoped(&engine(), "postern/admin.read postern/admin.write");
        let before = house.place.count("bundle", "1 = 1");
        for bad in table() {
            let began = Instant::now();
            let refused = house.post(&who, "/api/v1/bundles", &bad.text).await.is(422);
            assert!(refused.text.len() < 20_000, "{}: {} bytes", bad.name, refused.text.len());
            seen(&bad, &refused.json()["issues"][0]);
            let checked = house.post(&who, "/api/v1/bundles/validate", &bad.text).await.is(200);
            seen(&bad, &checked.json()["findings"][0]);
            let body = format!(
                "{{\"candidate\": {}, \"from\": \"2026-06-01T00:00:00Z\", \"to\": \"2026-06-02T00:00:00Z\"}}",
                bad.text
            );
            house.post(&who, "/api/v1/simulations", &body).await.is(422);
            assert!(began.elapsed() < SOON, "{}: {:?}", bad.name, began.elapsed());
        }
        let huge = changed(|bundle| bundle["clinic"]["name"] = json!("x".repeat(10 << 20)));
        let many = changed(|bundle| {
            bundle["routing"] = (0..10_000).map(|number| json!({ "id": format!("rule-{number:0120}") })).collect();
        });
        for text in [huge, many] {
            let refused = house.post(&who, "/api/v1/bundles", &text).await.is(413);
            let issue = refused.json()["issues"][0].clone();
            assert_eq!(issue["pointer"], "", "the whole document: {}", refused.text);
            assert!(issue["message"].as_str().unwrap().contains("bytes"), "{}", refused.text);
            assert!(issue["remedy"].as_str().unwrap().contains("longest list"), "{}", refused.text);
        }
        assert_eq!(house.place.count("bundle", "1 = 1"), before, "nothing was stored");
    });
}

#[test]
fn each_bad_bundle_gets_one_clear_answer_by_the_command() {
    let place = Place::new(Database::Sqlite);
    let file = place.folder.join("bundle.json");
    let mut all = table();
    let big = |name, text, pointer| Bad { name, text, pointer, remedy: "longest list" };
    all.push(big("ten megabytes", changed(|bundle| bundle["clinic"]["name"] = json!("x".repeat(10 << 20))), "/clinic"));
    let rule = |number: usize| {
        json!({ "id": format!("r-{number}"), "order": number, "do": [{ "type": "stop" }],
            "when": { "field": "message.category", "op": "eq", "value": "form" } })
    };
    all.push(big(
        "ten thousand rules",
        changed(|bundle| bundle["routing"] = (0..10_000).map(rule).collect()),
        "/routing",
    ));
    for bad in all {
        std::fs::write(&file, &bad.text).unwrap();
        let began = Instant::now();
        let linted = command(&["policy", "lint", file.to_str().unwrap()], &[]);
        assert!(!linted.status.success() && began.elapsed() < SOON, "{}: {:?}", bad.name, began.elapsed());
        let said = String::from_utf8(linted.stdout).unwrap();
        let first: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
        seen(&bad, &first);
        assert!(said.len() < 20_000 && said.lines().count() < 100, "{}: {} lines", bad.name, said.lines().count());
    }
}

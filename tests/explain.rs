//! `postern policy explain`: decided as a service would, without one.

use serde_json::{Value, json};
use server::clinic;

use crate::people::{following, refill};
use crate::place::{Database, Place};
use crate::program::command;

/// What is printed about a message after a conversation.
fn explained(place: &Place, bundle: &Value, earlier: &[Value], message: &Value) -> Value {
    let file = |name: &str, what: &Value| {
        let path = place.folder.join(name);
        std::fs::write(&path, what.to_string()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let entries: Vec<Value> = earlier.iter().map(|one| json!({ "resource": one })).collect();
    let thread = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let files = [file("bundle.json", bundle), file("message.json", message), file("thread.json", &thread)];
    let mut asked = vec!["policy", "explain", "--bundle", &files[0], "--message", &files[1]];
    asked.extend(["--at", "2026-06-20T10:00:00-04:00"]);
    if !earlier.is_empty() {
        asked.extend(["--thread", &files[2]]);
    }
    let done = command(&asked, &[]);
    assert!(done.status.success() && done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn bundle(change: impl FnOnce(&mut Value)) -> Value {
    let mut bundle: Value = serde_json::from_str(&clinic::bundle().unwrap().canonical()).unwrap();
    change(&mut bundle);
    bundle
}

fn said(text: &str, id: &str, at: &str) -> Value {
    let mut message = refill("p-1001", text);
    message["id"] = json!(id);
    message["sent"] = json!(at);
    message
}

#[test]
fn what_was_written_before_counts_for_limits_and_closures_as_it_does_in_a_service() {
    let place = Place::new(Database::Sqlite);
    let limited = bundle(|bundle| {
        bundle["limits"] = json!([{ "id": "one", "scope": "sender", "max": 1, "window": "PT24H",
            "onExceed": "hold-for-review" }]);
    });
    let before = [said("One.", "m-1", "2026-06-20T09:00:00-04:00")];
    let message = following(refill("p-1001", "Two."), "m-1");
    assert_eq!(explained(&place, &limited, &[], &message)["outcome"], "delivered");
    let held = explained(&place, &limited, &before, &message);
    assert_eq!((&held["outcome"], &held["limits"][0]["count"]), (&json!("held-for-review"), &json!(1)), "{held}");
    // On a Saturday the clinic is closed: it has said so once.
    let closing = bundle(|bundle| {
        let text = json!({ "id": "closed", "version": 1, "texts": { "en": "We are closed." } });
        bundle["templates"].as_array_mut().unwrap().push(text);
        bundle["awayReplies"] = json!([{ "id": "closed", "when": "calendar-closed", "template": "closed" }]);
    });
    let again = explained(&place, &closing, &before, &message).to_string();
    assert!(again.contains("one per sender and closure"), "{again}");
}

#[test]
fn a_refusal_is_a_record_like_any_other() {
    let place = Place::new(Database::Sqlite);
    let refused = explained(&place, &bundle(|_| {}), &[], &refill("p-1001", &"long ".repeat(400)));
    assert_eq!(refused["outcome"], "refused");
    let effect = &refused["effects"][0];
    assert_eq!(effect["what"], "message-too-long");
    assert!(effect["suppressed"].as_str().unwrap().contains("send it in parts"), "{effect}");
}

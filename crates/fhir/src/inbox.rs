//! Somebody's conversations as a Bundle: the first message of each, with how it stands beside it.

use domain::inbox::{InboxPage, InboxPlace, InboxRow, Pressing};
use serde_json::json;

use crate::canonical;
use crate::search::{encode, seal, unseal};
use crate::text::quote;

/// The list that the tokens of a page belong to.
const LIST: &[u8] = b"$inbox";

/// The place at which a page of an inbox begins, or ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The conversation next to it.
    pub place: InboxPlace,
    /// Whether the page ends before that conversation instead of beginning after it.
    pub backward: bool,
}

/// A page of an inbox as JSON text, in its order. `at` is where it began. To patients what they were promised is when an
/// answer is due, and how urgent the team finds it is not shown.
pub fn bundle(base_url: &str, page: &InboxPage, (count, at): (u16, Option<&At>), for_patient: bool) -> String {
    let link = |relation: &str, at: Option<&At>| {
        let count = count.to_string();
        let cursor = at.map(token);
        let query = encode([("_count", count.as_str())].into_iter().chain(cursor.as_deref().map(|at| ("cursor", at))));
        json!({ "relation": relation, "url": format!("{base_url}/Communication/$inbox?{query}") })
    };
    let mut links = vec![link("self", at)];
    for (relation, place, backward) in [("previous", &page.previous, true), ("next", &page.next, false)] {
        links.extend(place.clone().map(|place| link(relation, Some(&At { place, backward }))));
    }
    let entries: Vec<String> = page.rows.iter().map(|row| entry(base_url, row, for_patient)).collect();
    // FHIR has no empty arrays.
    let entries = if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    let links = serde_json::Value::Array(links);
    format!(r#"{{"resourceType":"Bundle","type":"searchset","link":{links}{entries}}}"#)
}

fn entry(base_url: &str, row: &InboxRow, for_patient: bool) -> String {
    let due = if for_patient { row.promised_at } else { row.due_at };
    let mut parts = vec![json!({ "url": "lastActivity", "valueInstant": row.thread.last_activity_at.to_string() })];
    parts.extend(row.unread.map(|unread| json!({ "url": "unread", "valueUnsignedInt": unread })));
    parts.extend(due.map(|due| json!({ "url": "due", "valueInstant": due.to_string() })));
    if !for_patient {
        parts.push(json!({ "url": "priority", "valueCode": row.thread.priority.as_str() }));
        parts.push(json!({ "url": "state", "valueCode": row.thread.state.as_str() }));
        parts.extend(row.thread.marks().map(|mark| json!({ "url": "mark", "valueCode": mark })));
        let owner = row.thread.answerer().or(row.thread.pool_reference.as_ref());
        parts
            .extend(owner.map(|owner| json!({ "url": "owner", "valueReference": { "reference": owner.to_string() } })));
    }
    let extension = json!([{ "url": canonical::INBOX, "extension": parts }]);
    format!(
        r#"{{"extension":{extension},"fullUrl":{},"resource":{},"search":{{"mode":"match"}}}}"#,
        quote(&format!("{base_url}/{}", row.root.key)),
        row.root.body
    )
}

/// A place as clients carry it.
fn token(at: &At) -> String {
    let place = &at.place;
    let pressing = Pressing::ALL.iter().position(|own| *own == place.pressing).unwrap_or_default() as u8;
    let mut bytes = vec![u8::from(at.backward), pressing];
    bytes.extend(place.at.as_nanosecond().to_be_bytes());
    bytes.extend(place.id.as_str().bytes());
    seal(LIST, &bytes)
}

/// The place that a client carries; `None` for what is none, or was altered.
pub fn place(token: &str) -> Option<At> {
    let bytes = unseal(LIST, token)?;
    let ([backward, pressing], rest) = bytes.split_first_chunk::<2>()?;
    let (at, id) = rest.split_first_chunk::<16>()?;
    let place = InboxPlace {
        pressing: *Pressing::ALL.get(usize::from(*pressing))?,
        at: jiff::Timestamp::from_nanosecond(i128::from_be_bytes(*at)).ok()?,
        id: std::str::from_utf8(id).ok()?.parse().ok()?,
    };
    Some(At { place, backward: *backward == 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let place = InboxPlace {
            pressing: Pressing::Urgent,
            at: "2026-06-19T18:00:00.5Z".parse().unwrap(),
            id: "a.b-1".parse().unwrap(),
        };
        for backward in [false, true] {
            let there = At { place: place.clone(), backward };
            let token = token(&there);
            assert_eq!(super::place(&token), Some(there));
            for at in 0..token.len() {
                let mut altered = token.clone().into_bytes();
                altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
                assert_eq!(super::place(std::str::from_utf8(&altered).unwrap()), None, "{at}");
            }
        }
        for none in ["", "urgent", "urgent.1.a", "===="] {
            assert_eq!(super::place(none), None, "{none}");
        }
    }
}

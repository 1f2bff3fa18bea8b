//! Somebody's conversations as a Bundle: the first message of each, with how it stands beside it.

use domain::inbox::{InboxPage, InboxPlace, InboxRow, Pressing};
use serde_json::json;

use crate::canonical;
use crate::search::encode;
use crate::text::quote;

/// What separates the parts of a place.
const SEPARATOR: char = '.';

/// A page of an inbox as JSON text, in its order. To patients what they were promised is when an answer is due, and how
/// urgent the team finds it is not shown.
pub fn bundle(base_url: &str, page: &InboxPage, count: u16, for_patient: bool) -> String {
    let address = |place: Option<&InboxPlace>| {
        let count = count.to_string();
        let cursor = place.map(token);
        let query = encode([("count", count.as_str())].into_iter().chain(cursor.as_deref().map(|at| ("cursor", at))));
        quote(&format!("{base_url}/Communication/$inbox?{query}"))
    };
    let next = page.next.as_ref().map(|next| format!(r#",{{"relation":"next","url":{}}}"#, address(Some(next))));
    let entries: Vec<String> = page.rows.iter().map(|row| entry(base_url, row, for_patient)).collect();
    // FHIR has no empty arrays.
    let entries = if entries.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, entries.join(",")) };
    format!(
        r#"{{"resourceType":"Bundle","type":"searchset","link":[{{"relation":"self","url":{}}}{}]{entries}}}"#,
        address(None),
        next.unwrap_or_default(),
    )
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
fn token(place: &InboxPlace) -> String {
    format!("{}{SEPARATOR}{}{SEPARATOR}{}", place.pressing.as_str(), place.at.as_microsecond(), place.id)
}

/// The place that a client carries; `None` for what is none.
pub fn place(token: &str) -> Option<InboxPlace> {
    let mut parts = token.splitn(3, SEPARATOR);
    let (pressing, at, id) = (parts.next()?, parts.next()?, parts.next()?);
    Some(InboxPlace {
        pressing: Pressing::from_code(pressing)?,
        at: jiff::Timestamp::from_microsecond(at.parse().ok()?).ok()?,
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_written_and_nothing_else_is_one() {
        let there = InboxPlace {
            pressing: Pressing::Urgent,
            at: "2026-06-19T18:00:00.5Z".parse().unwrap(),
            id: "a.b-1".parse().unwrap(),
        };
        assert_eq!(place(&token(&there)), Some(there));
        for none in ["", "urgent", "urgent.x.a", "hasty.1.a", "urgent.1.", "urgent.99999999999999999999.a"] {
            assert_eq!(place(none), None, "{none}");
        }
    }
}

//! The opaque token that says where a page begins.
//!
//! It holds the keys of the last row of the page before and the order that they belong to. It is no secret and grants
//! nothing, for what a caller may see is part of every query; its check sum finds tokens that were cut or altered and
//! those of another search.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{ResourceId, ResourceType};
use domain::search::{Cursor, Sort, SortBy};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Changes when the form does, so that tokens of an older form are refused instead of misread.
const FORM: u8 = 2;

/// Longer than the longest token.
const MAX_TOKEN: usize = 240;

const CHECK: usize = 6;

/// The token for the page that begins after `cursor`, or ends before it.
pub(crate) fn token(kind: ResourceType, sort: &[Sort], cursor: &Cursor) -> String {
    let mut bytes = vec![u8::from(cursor.backward)];
    for at in &cursor.at {
        bytes.extend(at.as_nanosecond().to_be_bytes());
    }
    bytes.extend(cursor.id.as_str().as_bytes());
    seal(&of(kind, sort), &bytes)
}

/// The position that a token says; nothing when it was not made for this type and order.
pub(super) fn position(kind: ResourceType, sort: &[Sort], token: &str) -> Option<Cursor> {
    let bytes = unseal(&of(kind, sort), token)?;
    let (backward, mut rest) = bytes.split_first()?;
    let mut at = Vec::new();
    for _ in sort.iter().filter(|key| key.by != SortBy::Id) {
        let (moment, after) = rest.split_first_chunk::<16>()?;
        at.push(Timestamp::from_nanosecond(i128::from_be_bytes(*moment)).ok()?);
        rest = after;
    }
    let id: ResourceId = std::str::from_utf8(rest).ok()?.parse().ok()?;
    Some(Cursor { at, id, backward: *backward == 1 })
}

/// A token that says these bytes, and is only good for that list.
pub(crate) fn seal(list: &[u8], bytes: &[u8]) -> String {
    let mut said = vec![FORM];
    said.extend(bytes);
    let check = check(list, &said);
    said.extend(check);
    URL_SAFE_NO_PAD.encode(said)
}

/// What a token says; nothing when it was altered or made for another list.
pub(crate) fn unseal(list: &[u8], token: &str) -> Option<Vec<u8>> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (said, found) = bytes.split_last_chunk::<CHECK>()?;
    let is_ours = check(list, said) == *found && said.first() == Some(&FORM);
    is_ours.then(|| said[1..].to_vec())
}

/// What a list is known by: its type and its order.
fn of(kind: ResourceType, sort: &[Sort]) -> Vec<u8> {
    kind.as_str().bytes().chain([0]).chain(sort.iter().map(|key| code(*key))).collect()
}

fn code(sort: Sort) -> u8 {
    let by = match sort.by {
        SortBy::LastUpdated => 0,
        SortBy::Date => 2,
        SortBy::LastActivity => 4,
        SortBy::Id => 6,
    };
    by + u8::from(sort.descending)
}

fn check(list: &[u8], bytes: &[u8]) -> [u8; CHECK] {
    let length = (list.len() as u64).to_be_bytes();
    let digest = Sha256::new().chain_update(length).chain_update(list).chain_update(bytes).finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEWEST: Sort = Sort { by: SortBy::LastUpdated, descending: true };
    const SENT: Sort = Sort { by: SortBy::Date, descending: false };
    const ID: Sort = Sort { by: SortBy::Id, descending: false };

    fn cursor() -> Cursor {
        let at = vec!["2026-06-19T21:30:00.123456Z".parse().unwrap()];
        Cursor { at, id: "0190-a.B".parse().unwrap(), backward: false }
    }

    proptest! {
        #[test]
        fn a_token_says_the_position_it_was_made_from(
            nanoseconds in proptest::collection::vec(Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond(), 2),
            id in "[A-Za-z0-9.-]{1,64}",
            backward: bool,
        ) {
            let at = nanoseconds.into_iter().map(|own| Timestamp::from_nanosecond(own).unwrap()).collect();
            let cursor = Cursor { at, id: id.parse().unwrap(), backward };
            let order = [SENT, ID, NEWEST];
            let token = token(ResourceType::Task, &order, &cursor);
            prop_assert!(token.len() <= MAX_TOKEN);
            prop_assert_eq!(position(ResourceType::Task, &order, &token), Some(cursor));
        }
    }

    #[test]
    fn an_altered_or_cut_token_is_no_position() {
        let token = token(ResourceType::Task, &[NEWEST], &cursor());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(position(ResourceType::Task, &[NEWEST], &altered), None, "{at}");
            assert_eq!(position(ResourceType::Task, &[NEWEST], &token[..at]), None, "{at}");
        }
        for bad in ["", "A", "====", "ü", &"A".repeat(5000)] {
            assert_eq!(position(ResourceType::Task, &[NEWEST], bad), None);
        }
    }

    #[test]
    fn a_token_belongs_to_its_type_and_order() {
        let token = token(ResourceType::Task, &[NEWEST], &cursor());
        assert_eq!(position(ResourceType::Communication, &[NEWEST], &token), None);
        for other in [&[Sort { descending: false, ..NEWEST }][..], &[SENT], &[NEWEST, ID], &[NEWEST, NEWEST], &[]] {
            assert_eq!(position(ResourceType::Task, other, &token), None);
        }
    }
}

//! The opaque token that says where a page begins.
//!
//! It holds the key of the last row of the page before and the order that it belongs to. It is no secret and grants
//! nothing, for what a caller may see is part of every query; its check sum finds tokens that were cut or altered and
//! those of another search.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{ResourceId, ResourceType};
use domain::search::{Cursor, Sort, SortBy};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// Changes when the form does, so that tokens of an older form are refused instead of misread.
const FORM: u8 = 1;

/// Longer than the longest token.
const MAX_TOKEN: usize = 160;

const CHECK: usize = 6;

/// The token for the page that begins after `cursor`.
pub(crate) fn token(kind: ResourceType, sort: Sort, cursor: &Cursor) -> String {
    let mut bytes = vec![FORM, code(sort)];
    bytes.extend(cursor.at.as_nanosecond().to_be_bytes());
    bytes.extend(cursor.id.as_str().as_bytes());
    let check = check(kind, &bytes);
    bytes.extend(check);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The position that a token says; nothing when it was not made for this type and order.
pub(super) fn position(kind: ResourceType, sort: Sort, token: &str) -> Option<Cursor> {
    if token.len() > MAX_TOKEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (said, found) = bytes.split_last_chunk::<CHECK>()?;
    if check(kind, said) != *found {
        return None;
    }
    let ([form, order], rest) = said.split_first_chunk::<2>()?;
    let (at, id) = rest.split_first_chunk::<16>()?;
    if *form != FORM || *order != code(sort) {
        return None;
    }
    let at = Timestamp::from_nanosecond(i128::from_be_bytes(*at)).ok()?;
    let id: ResourceId = std::str::from_utf8(id).ok()?.parse().ok()?;
    Some(Cursor { at, id })
}

fn code(sort: Sort) -> u8 {
    let by = match sort.by {
        SortBy::LastUpdated => 0,
        SortBy::Date => 2,
    };
    by | u8::from(sort.descending)
}

fn check(kind: ResourceType, bytes: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::new().chain_update(kind.as_str()).chain_update(bytes).finalize();
    let mut check = [0; CHECK];
    check.copy_from_slice(&digest[..CHECK]);
    check
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NEWEST: Sort = Sort { by: SortBy::LastUpdated, descending: true };

    fn cursor() -> Cursor {
        Cursor { at: "2026-06-19T21:30:00.123456Z".parse().unwrap(), id: "0190-a.B".parse().unwrap() }
    }

    proptest! {
        #[test]
        fn a_token_says_the_position_it_was_made_from(
            nanosecond in Timestamp::MIN.as_nanosecond()..=Timestamp::MAX.as_nanosecond(),
            id in "[A-Za-z0-9.-]{1,64}",
        ) {
            let cursor = Cursor { at: Timestamp::from_nanosecond(nanosecond).unwrap(), id: id.parse().unwrap() };
            let token = token(ResourceType::Task, NEWEST, &cursor);
            prop_assert!(token.len() <= MAX_TOKEN);
            prop_assert_eq!(position(ResourceType::Task, NEWEST, &token), Some(cursor));
        }
    }

    #[test]
    fn an_altered_or_cut_token_is_no_position() {
        let token = token(ResourceType::Task, NEWEST, &cursor());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(position(ResourceType::Task, NEWEST, &altered), None, "{at}");
            assert_eq!(position(ResourceType::Task, NEWEST, &token[..at]), None, "{at}");
        }
        for bad in ["", "A", "====", "ü", &"A".repeat(5000)] {
            assert_eq!(position(ResourceType::Task, NEWEST, bad), None);
        }
    }

    #[test]
    fn a_token_belongs_to_its_type_and_order() {
        let token = token(ResourceType::Task, NEWEST, &cursor());
        assert_eq!(position(ResourceType::Communication, NEWEST, &token), None);
        assert_eq!(position(ResourceType::Task, Sort { descending: false, ..NEWEST }, &token), None);
        assert_eq!(position(ResourceType::Task, Sort { by: SortBy::Date, ..NEWEST }, &token), None);
    }
}

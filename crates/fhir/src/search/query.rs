//! Queries and forms as pairs of names and values
//! (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>), read strictly: what cannot be decoded is refused
//! instead of replaced.

use std::fmt::Write;

use super::{MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES};
use crate::issue::{Issue, IssueCode};

/// The pairs of a query in their order.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Issue> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == MAX_PARAMETERS {
            let message = format!("A search may have {MAX_PARAMETERS} parameters at most. Ask in several searches.");
            return Err(Issue::error(IssueCode::TooCostly, message));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        // All that one parameter may hold; what is longer need not be decoded to be refused.
        if pair.len() > 3 * (MAX_VALUE_BYTES + 1) * (MAX_VALUES + 1) {
            return Err(Issue::error(IssueCode::TooLong, "A parameter of the search is too long."));
        }
        pairs.push((decode(name)?, decode(value)?));
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String, Issue> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let half = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
                let (Some(high), Some(low)) = (half(bytes.next()), half(bytes.next())) else {
                    let message =
                        "The query has a percent sign without two hexadecimal digits after it: write it as %25.";
                    return Err(Issue::error(IssueCode::Invalid, message));
                };
                (high * 16 + low) as u8
            }
            plain => plain,
        });
    }
    match String::from_utf8(decoded) {
        Ok(text) if text.contains('\0') => {
            Err(Issue::error(IssueCode::Invalid, "The query holds the character U+0000, which no value can have."))
        }
        Ok(text) => Ok(text),
        Err(_) => Err(Issue::error(IssueCode::Invalid, "The query is not UTF-8: percent-encode the bytes of UTF-8.")),
    }
}

/// A query of these pairs.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        push_encoded(&mut query, name);
        query.push('=');
        push_encoded(&mut query, value);
    }
    query
}

/// Leaves legible what a query may hold as it is.
fn push_encoded(query: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte) {
            query.push(char::from(byte));
        } else {
            let _ = write!(query, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded_to_the_same(name in "[^\0]{1,20}", value in "[^\0]{0,60}") {
            let query = encode([(name.as_str(), value.as_str())]);
            prop_assert!(query.is_ascii());
            prop_assert_eq!(pairs(&query).unwrap(), vec![(name, value)]);
        }
    }

    #[test]
    fn pairs_are_separated_decoded_and_kept_in_order() {
        let query = "&_id=1&category=a%7Cb+c&_id=2&&flag&x=y=z";
        let found = pairs(query).unwrap();
        let expected = [("_id", "1"), ("category", "a|b c"), ("_id", "2"), ("flag", ""), ("x", "y=z")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(pairs("").unwrap(), []);
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        for bad in ["a=%", "a=%4", "a=%zz", "%=1", "a=%ff", "a=%c3", "a=%00", "a=x%00y", "%00=1"] {
            assert_eq!(pairs(bad).unwrap_err().code, IssueCode::Invalid, "{bad}");
        }
        assert_eq!(pairs(&"a=1&".repeat(65)).unwrap_err().code, IssueCode::TooCostly);
        assert!(pairs(&"a=1&".repeat(64)).is_ok());
        assert_eq!(pairs(&format!("a={}", "1,".repeat(1_000_000))).unwrap_err().code, IssueCode::TooLong);
    }
}

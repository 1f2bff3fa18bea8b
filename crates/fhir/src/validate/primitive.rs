//! The formats of the primitive types (<https://hl7.org/fhir/R4/datatypes.html#primitive>), checked by hand instead of
//! by regular expressions: they are few, and the calendar is in none of the expressions.

use super::when::{Moment, clock_time};
use super::xhtml;
use crate::definitions::{Primitive, r4};
use crate::json::{Kind, Value};

/// The longest string, in bytes (<https://hl7.org/fhir/R4/datatypes.html#string>).
const MAX_STRING: usize = 1 << 20;

/// How many digits a decimal may have: what every database and language here can keep exactly.
const MAX_DIGITS: usize = 34;

/// How far a decimal's exponent may go either way.
const MAX_EXPONENT: u32 = 300;

/// Above this many codes a message names the value set instead.
const MAX_LISTED: usize = 12;

/// Checks a value that is not null.
///
/// # Errors
/// What is asked for instead, as the end of a sentence that begins with the element's name: `must be ...`.
pub(super) fn check(primitive: Primitive, value: Value<'_>) -> Result<(), String> {
    match primitive {
        Primitive::Boolean => kind(value, Kind::Bool, "must be true or false, without quotes"),
        Primitive::Integer => integer(value, i64::from(i32::MIN)),
        Primitive::UnsignedInt => integer(value, 0),
        Primitive::PositiveInt => integer(value, 1),
        Primitive::Decimal => decimal(value),
        _ => {
            let Some(text) = value.as_str() else { return Err("must be a JSON string".to_owned()) };
            if text.is_empty() {
                return Err("must not be empty: leave the element out instead".to_owned());
            }
            // The reader has told of U+0000 already.
            if text.contains('\0') { Ok(()) } else { string(primitive, &text) }
        }
    }
}

fn kind(value: Value<'_>, kind: Kind, remedy: &str) -> Result<(), String> {
    if value.kind() == kind { Ok(()) } else { Err(remedy.to_owned()) }
}

fn integer(value: Value<'_>, least: i64) -> Result<(), String> {
    let fits = |number: &i64| (least..=i64::from(i32::MAX)).contains(number);
    match value.as_i64().filter(fits) {
        Some(_) => Ok(()),
        None => {
            Err(format!("must be a whole number from {least} to {} written in plain digits without quotes", i32::MAX))
        }
    }
}

fn decimal(value: Value<'_>) -> Result<(), String> {
    let Some(text) = value.as_number() else { return Err("must be a JSON number, without quotes".to_owned()) };
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let exponent = exponent.trim_start_matches(['+', '-']).parse::<u32>();
    if digits <= MAX_DIGITS && exponent.is_ok_and(|exponent| exponent <= MAX_EXPONENT) {
        Ok(())
    } else {
        Err(format!("must have at most {MAX_DIGITS} digits and an exponent of at most {MAX_EXPONENT}"))
    }
}

fn string(primitive: Primitive, text: &str) -> Result<(), String> {
    let remedy = match primitive {
        Primitive::Bound(list) => return bound(list, text),
        Primitive::Xhtml => return xhtml::check(text).map_err(str::to_owned),
        Primitive::String | Primitive::Markdown if text.len() > MAX_STRING => "must not be longer than 1 MB",
        Primitive::String | Primitive::Markdown if text.bytes().all(|byte| byte >= b' ' || is_layout(byte)) => {
            return Ok(());
        }
        Primitive::String | Primitive::Markdown => "must not hold control characters other than tab and line breaks",
        Primitive::Code if is_code(text) => return Ok(()),
        Primitive::Code => "must be a code: no white space at its ends, single spaces within",
        Primitive::MediaType if is_media_type(text) => return Ok(()),
        Primitive::MediaType => "must be a media type such as image/jpeg",
        Primitive::Currency if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) => return Ok(()),
        Primitive::Currency => "must be an ISO 4217 currency such as USD",
        Primitive::Id if is_id(text) => return Ok(()),
        Primitive::Id => "must be an id: 1 to 64 of the characters A-Z a-z 0-9 - .",
        Primitive::Uri | Primitive::Url | Primitive::Canonical if is_uri(text) => return Ok(()),
        Primitive::Uri | Primitive::Url | Primitive::Canonical => "must be an address without white space",
        Primitive::Oid if is_oid(text) => return Ok(()),
        Primitive::Oid => "must be an OID such as urn:oid:1.2.3",
        Primitive::Uuid if is_uuid(text) => return Ok(()),
        Primitive::Uuid => "must be a UUID in lower case such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
        Primitive::Base64Binary if is_base64(text) => return Ok(()),
        Primitive::Base64Binary => "must be base64 with padding",
        Primitive::Date
            if matches!(Moment::parse(text), Some(Moment::Year(_) | Moment::Month(..) | Moment::Day(_))) =>
        {
            return Ok(());
        }
        Primitive::Date => "must be a date that exists, such as 2026-06-19, 2026-06 or 2026",
        Primitive::DateTime if Moment::parse(text).is_some() => return Ok(()),
        Primitive::DateTime => {
            "must be a date or a time that exists, with seconds and zone, such as 2026-06-19T17:30:00-04:00"
        }
        Primitive::Instant if matches!(Moment::parse(text), Some(Moment::Instant(..))) => return Ok(()),
        Primitive::Instant => "must be a time with seconds and zone, such as 2026-06-19T17:30:00-04:00",
        Primitive::Time if clock_time(text).is_some() => return Ok(()),
        Primitive::Time => "must be a time of day such as 08:00:00, without a zone",
        Primitive::Boolean
        | Primitive::Integer
        | Primitive::UnsignedInt
        | Primitive::PositiveInt
        | Primitive::Decimal => {
            unreachable!("checked before strings are")
        }
    };
    Err(remedy.to_owned())
}

fn bound(list: crate::definitions::ListId, text: &str) -> Result<(), String> {
    let list = r4().list(list);
    if list.codes.binary_search(&text).is_ok() {
        return Ok(());
    }
    Err(if list.codes.len() <= MAX_LISTED {
        format!("must be one of: {}", list.codes.join(", "))
    } else {
        format!("must be a code of http://hl7.org/fhir/ValueSet/{}", list.name)
    })
}

fn is_layout(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r')
}

fn is_code(text: &str) -> bool {
    let mut spaced = true;
    for char in text.chars() {
        let is_space = char.is_whitespace();
        if is_space && spaced || char.is_control() {
            return false;
        }
        spaced = is_space;
    }
    !spaced
}

/// `type/subtype` of RFC 6838, with parameters perhaps.
fn is_media_type(text: &str) -> bool {
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&byte))
    };
    let plain = text.split(';').next().unwrap_or(text).trim_end();
    is_code(text) && text.is_ascii() && plain.split_once('/').is_some_and(|(kind, sub)| is_token(kind) && is_token(sub))
}

/// Whether the text is a FHIR id.
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

fn is_uri(text: &str) -> bool {
    !text.chars().any(|char| char.is_whitespace() || char.is_control())
}

fn is_oid(text: &str) -> bool {
    let Some(arcs) = text.strip_prefix("urn:oid:") else { return false };
    let is_number = |arc: &str| {
        !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
    };
    let mut arcs = arcs.split('.');
    let first = arcs.next().is_some_and(|arc| matches!(arc, "0" | "1" | "2"));
    let mut more = 0;
    first
        && arcs.all(|arc| {
            more += 1;
            is_number(arc)
        })
        && more > 0
}

fn is_uuid(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("urn:uuid:") else { return false };
    uuid.len() == 36
        && uuid.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Base64 of RFC 4648 with padding; white space between the characters is allowed.
fn is_base64(text: &str) -> bool {
    let (mut count, mut padding) = (0_usize, 0_usize);
    for byte in text.bytes() {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return false,
        }
        count += 1;
    }
    count > 0 && count.is_multiple_of(4) && padding <= 2
}

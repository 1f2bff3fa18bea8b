//! Headers of every answer, whatever it is.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

/// What a request and its answer are known by in logs and reports.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Sets what keeps browsers and proxies from doing harm. A handler that has set one of them knows better.
pub fn harden(headers: &mut HeaderMap) {
    let wanted = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in wanted {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// The client's own request id, when it is a harmless word of 1 to 64 characters.
pub fn acceptable_request_id(value: Option<&HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?;
    let harmless = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    harmless.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_harmless_word() {
        let accepted = |text: &str| acceptable_request_id(HeaderValue::from_str(text).ok().as_ref()).is_some();
        assert!(accepted("018f-a_b.c"));
        for bad in ["", "a b", "a\tb", "{}", "\"", &"x".repeat(65)] {
            assert!(!accepted(bad), "{bad}");
        }
    }
}

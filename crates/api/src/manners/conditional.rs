//! Versions in headers: `ETag`, `If-Match`, `If-None-Match`, `If-Modified-Since`
//! (<https://hl7.org/fhir/R4/http.html#concurrency>).

use actix_web::HttpRequest;
use actix_web::http::header::{HttpDate, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use domain::id::Version;
use jiff::Timestamp;

use super::text;

/// The `ETag` of a version.
pub fn etag(version: Version) -> String {
    format!("W/\"{version}\"")
}

/// The versions that a client means. A tag that none of ours could be means no version at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: whichever is current.
    Any,
    /// One of these.
    Versions(Vec<Version>),
}

impl IfMatch {
    /// What the request's `If-Match` says.
    pub fn of(request: &HttpRequest) -> Option<Self> {
        request.headers().contains_key(IF_MATCH).then(|| Self::read(&text(request, &IF_MATCH)))
    }

    fn read(value: &str) -> Self {
        if value.trim() == "*" { Self::Any } else { Self::Versions(versions(value)) }
    }

    /// Whether a version is one of those meant.
    pub fn admits(&self, version: Version) -> bool {
        match self {
            Self::Any => true,
            Self::Versions(named) => named.contains(&version),
        }
    }
}

/// What a client has of a resource already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmodified {
    if_none_match: Option<String>,
    since: Option<i64>,
}

impl Unmodified {
    /// What the request's `If-None-Match` and `If-Modified-Since` say.
    pub fn of(request: &HttpRequest) -> Self {
        let named = request.headers().contains_key(IF_NONE_MATCH);
        let since = text(request, &IF_MODIFIED_SINCE).parse::<HttpDate>().ok().map(|date| {
            let at: std::time::SystemTime = date.into();
            at.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
        });
        Self { if_none_match: named.then(|| text(request, &IF_NONE_MATCH)), since }
    }

    /// Whether the client has what has this tag; that counts more than since when it is as it is
    /// (<https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2>).
    pub fn holds(&self, tag: &str, last_updated: Timestamp) -> bool {
        match (&self.if_none_match, self.since) {
            (Some(_), _) => self.names(tag),
            (None, Some(since)) => last_updated.as_second() <= since,
            (None, None) => false,
        }
    }

    /// Whether `If-None-Match` names this tag.
    pub fn names(&self, tag: &str) -> bool {
        let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        self.if_none_match.as_ref().is_some_and(|named| {
            named.trim() == "*" || named.split(',').any(|one| !one.trim().is_empty() && bare(one) == bare(tag))
        })
    }
}

fn versions(list: &str) -> Vec<Version> {
    let number = |tag: &str| {
        let quoted = tag.trim().trim_start_matches("W/");
        let digits = quoted.strip_prefix('"')?.strip_suffix('"')?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok().map(Version)).flatten()
    };
    list.split(',').filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn if_match_names_versions_weak_or_strong() {
        for (value, version, admitted) in [
            ("W/\"3\"", 3, true),
            ("\"3\"", 3, true),
            ("W/\"2\", W/\"3\"", 3, true),
            ("*", 9, true),
            ("W/\"3\"", 4, false),
            ("3", 3, false),
            ("", 3, false),
            ("W/\"x\"", 3, false),
            ("W/\"+3\"", 3, false),
            ("\"99999999999\"", 3, false),
        ] {
            assert_eq!(IfMatch::read(value).admits(Version(version)), admitted, "{value}");
        }
        assert_eq!(IfMatch::of(&TestRequest::default().to_http_request()), None);
    }

    #[test]
    fn a_tag_counts_more_than_a_date() {
        let at: Timestamp = "2026-06-19T21:30:00.5Z".parse().unwrap();
        let request = |headers: &[(&str, &str)]| {
            let start = TestRequest::default();
            let built = headers.iter().fold(start, |request, header| request.insert_header(*header));
            Unmodified::of(&built.to_http_request()).holds(&etag(Version(2)), at)
        };
        let (same, older) = ("Fri, 19 Jun 2026 21:30:00 GMT", "Fri, 19 Jun 2026 21:29:59 GMT");
        assert!(request(&[("If-None-Match", "W/\"2\"")]) && !request(&[("If-None-Match", "W/\"1\"")]));
        assert!(request(&[("If-Modified-Since", same)]) && !request(&[("If-Modified-Since", older)]));
        assert!(!request(&[("If-None-Match", "W/\"1\""), ("If-Modified-Since", same)]));
        assert!(!request(&[("If-Modified-Since", "yesterday")]) && !request(&[]));
    }
}

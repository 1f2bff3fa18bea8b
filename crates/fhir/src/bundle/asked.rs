//! A Bundle that is sent to be worked through: a batch or a transaction
//! (<https://hl7.org/fhir/R4/http.html#transaction>).

use std::fmt::Write as _;

use crate::issue::{Issue, IssueCode, Severity};
use crate::json::Value;
use crate::validate::{self, Options};

/// How many entries a Bundle may have.
pub const MAX_ENTRIES: usize = 200;

/// How long an address of an entry may be, in bytes.
const MAX_ADDRESS: usize = 4000;

/// How the entries of a Bundle belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// Each stands alone: `batch`.
    Each,
    /// All or none: `transaction`.
    All,
}

/// A Bundle that is sent to be worked through.
#[derive(Debug)]
pub struct Asked {
    /// How its entries belong together.
    pub together: Together,
    /// Its entries in their order; what is wrong with one that cannot be worked through.
    pub entries: Vec<Result<Entry, Issue>>,
}

/// What is asked of one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The address that other entries know the resource by.
    pub full_url: Option<String>,
    /// The resource as it was sent.
    pub resource: Option<String>,
    /// The HTTP method.
    pub method: Method,
    /// The path under the base address, without a slash before it.
    pub path: String,
    /// The query, encoded; empty without one.
    pub query: String,
    /// `If-Match`
    pub if_match: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`, as FHIR writes an instant.
    pub if_modified_since: Option<String>,
    /// `If-None-Exist`
    pub if_none_exist: Option<String>,
}

/// What is done, in the order in which it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// Takes away.
    Delete,
    /// Makes.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Looks.
    #[default]
    Get,
}

impl Method {
    /// The method as HTTP says it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
        }
    }

    fn read(code: &str) -> Option<Self> {
        [Self::Delete, Self::Post, Self::Put, Self::Patch, Self::Get].into_iter().find(|own| own.as_str() == code)
    }

    /// Its turn among the methods of a Bundle.
    pub const fn turn(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Post => 1,
            Self::Put | Self::Patch => 2,
            Self::Get => 3,
        }
    }
}

impl Asked {
    /// Reads a Bundle. Of its resources no more is asked than that they are JSON: each is validated where it is worked on.
    /// `base_url` is the service's own address, without a slash at its end.
    ///
    /// # Errors
    /// It is no Bundle that can be worked through; too many entries are [`IssueCode::TooCostly`].
    pub fn read(bytes: &[u8], base_url: &str) -> Result<Self, Vec<Issue>> {
        let (tree, mut issues) = validate::read(bytes, "Bundle", Options::default());
        issues.retain(|issue| issue.is_error() && (issue.severity == Severity::Fatal || !is_of_resource(issue)));
        let root = tree.root();
        let together = match root.text("type").as_deref() {
            Some("batch") => Together::Each,
            Some("transaction") => Together::All,
            _ if !issues.is_empty() => return Err(issues),
            _ => {
                let text = "A Bundle that is sent here is a batch or a transaction.";
                return Err(vec![Issue::error(IssueCode::Value, text).at("Bundle.type")]);
            }
        };
        if !issues.is_empty() {
            return Err(issues);
        }
        let entries: Vec<Value<'_>> = root.each("entry").collect();
        if entries.len() > MAX_ENTRIES {
            let text = format!("A Bundle may have {MAX_ENTRIES} entries: send these in several Bundles.");
            return Err(vec![Issue::error(IssueCode::TooCostly, text).at("Bundle.entry")]);
        }
        let read = |(position, entry): (usize, &Value<'_>)| {
            Entry::read(*entry, base_url)
                .map_err(|(place, issue)| issue.at(format!("Bundle.entry[{position}].{place}")))
        };
        Ok(Self { together, entries: entries.iter().enumerate().map(read).collect() })
    }
}

/// Whether an issue is about what stands within an entry's resource.
fn is_of_resource(issue: &Issue) -> bool {
    let place = issue.expression.as_deref().unwrap_or_default();
    let rest = place.strip_prefix("Bundle.entry[").and_then(|rest| rest.split_once(']'));
    rest.is_some_and(|(_, rest)| rest.starts_with(".resource"))
}

impl Entry {
    fn read(entry: Value<'_>, base_url: &str) -> Result<Self, (&'static str, Issue)> {
        let wrong = |place: &'static str, code, text: &str| (place, Issue::error(code, text));
        let request = entry.get("request").ok_or_else(|| {
            wrong("request", IssueCode::Required, "Each entry says what is asked: request with method and url.")
        })?;
        let text = |name: &str| request.text(name).map(std::borrow::Cow::into_owned);
        let method = text("method").and_then(|method| Method::read(&method)).ok_or_else(|| {
            let text = "Within a Bundle there are GET, POST, PUT, PATCH and DELETE.";
            wrong("request.method", IssueCode::NotSupported, text)
        })?;
        let (path, query) =
            address(&text("url").unwrap_or_default(), base_url).map_err(|issue| ("request.url", issue))?;
        let resource = entry.get("resource").map(|resource| resource.raw().to_owned());
        if resource.is_none() && matches!(method, Method::Put | Method::Patch) {
            let text = "There is no resource to write, or no Parameters or Binary to patch by.";
            return Err(wrong("resource", IssueCode::Required, text));
        }
        Ok(Self {
            full_url: entry.text("fullUrl").map(std::borrow::Cow::into_owned),
            resource,
            method,
            path,
            query,
            if_match: text("ifMatch"),
            if_none_match: text("ifNoneMatch"),
            if_modified_since: text("ifModifiedSince"),
            if_none_exist: text("ifNoneExist"),
        })
    }
}

/// The path and the query of an address under the service's own: nothing that could lead out of it.
fn address(url: &str, base_url: &str) -> Result<(String, String), Issue> {
    let refuse = |text: &str| Err(Issue::error(IssueCode::Value, text));
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let path = match path.strip_prefix(base_url).and_then(|rest| rest.strip_prefix('/')) {
        Some(relative) => relative,
        None if path.contains("://") || path.starts_with("//") => {
            return refuse("An address within a Bundle is relative, or begins with this service's own.");
        }
        None => path.strip_prefix('/').unwrap_or(path),
    };
    if path.is_empty() {
        return refuse("An entry names a resource type: a Bundle within a Bundle is not taken.");
    }
    let plain = |part: &str| {
        let legal = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'$'));
        legal && !part.is_empty() && !part.bytes().all(|b| b == b'.')
    };
    if url.len() > MAX_ADDRESS || path.split('/').count() > 5 || !path.split('/').all(plain) {
        return refuse("That is no address of this service: [type], [type]/[id], [type]?[parameters].");
    }
    Ok((path.to_owned(), encoded(query)))
}

/// A query in which nothing stands that a URI may not hold.
fn encoded(query: &str) -> String {
    query.bytes().fold(String::with_capacity(query.len()), |mut out, byte| {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'#' | b'`' | b'{' | b'}' | b'\\' | b'^') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BASE: &str = "https://here.example/fhir";

    fn asked(entries: &serde_json::Value) -> Result<Asked, Vec<Issue>> {
        let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
        Asked::read(bundle.to_string().as_bytes(), BASE)
    }

    #[test]
    fn an_address_leads_nowhere_but_here() {
        for (url, path, query) in [
            ("Task", "Task", ""),
            ("/Task/a-1", "Task/a-1", ""),
            ("https://here.example/fhir/Task/1/_history/2", "Task/1/_history/2", ""),
            ("Task?identifier=http://a|b c", "Task", "identifier=http://a|b%20c"),
            ("Task/1/$claim", "Task/1/$claim", ""),
            ("Communication?topic=ä", "Communication", "topic=%C3%A4"),
        ] {
            assert_eq!(address(url, BASE).unwrap(), (path.to_owned(), query.to_owned()), "{url}");
        }
        for url in [
            "",
            "/",
            "?x=y",
            "//elsewhere/Task",
            "https://elsewhere.example/fhir/Task",
            "https://here.example/fhirs/Task",
            "https://here.example/fhir",
            "http://here.example/fhir/Task",
            "Task/../metrics",
            "../metrics",
            "Task/./1",
            "Task//1",
            "Task/",
            "Task%2f..%2fx",
            "Task\\..",
            "Task#a",
            "a/b/c/d/e/f",
        ] {
            assert!(address(url, BASE).is_err(), "{url}");
        }
    }

    #[test]
    fn an_entry_is_read_with_its_conditions_and_its_resource_as_it_stands() {
        let entry = json!({ "fullUrl": "urn:uuid:1", "resource": { "resourceType": "Task", "wrong": 1.10 }, "request": {
            "method": "PUT", "url": "Task/1", "ifMatch": "W/\"1\"", "ifNoneMatch": "W/\"2\"",
            "ifModifiedSince": "2026-06-19T14:00:00Z", "ifNoneExist": "a=b" } });
        let asked = asked(&json!([entry])).unwrap();
        let read = asked.entries[0].as_ref().unwrap();
        assert_eq!(read.resource.as_deref(), Some(&*entry["resource"].to_string()));
        assert_eq!((read.method, read.full_url.as_deref()), (Method::Put, Some("urn:uuid:1")));
        assert_eq!(read.if_match.as_deref(), Some("W/\"1\""));
        assert_eq!(read.if_none_exist.as_deref(), Some("a=b"));
    }

    #[test]
    fn what_is_wrong_with_an_entry_is_told_by_its_place_and_what_is_wrong_with_the_bundle_before_all() {
        let entries = json!([
            { "request": { "method": "HEAD", "url": "Task/1" } },
            { "request": { "method": "PUT", "url": "Task/1" } },
            { "request": { "method": "GET", "url": "../x" } },
        ]);
        let asked = asked(&entries).unwrap();
        let places: Vec<_> =
            asked.entries.iter().map(|entry| entry.as_ref().unwrap_err().expression.clone().unwrap()).collect();
        assert_eq!(
            places,
            ["Bundle.entry[0].request.method", "Bundle.entry[1].resource", "Bundle.entry[2].request.url"]
        );
        let first = |text: &str| Asked::read(text.as_bytes(), BASE).unwrap_err().remove(0);
        assert_eq!(first(r#"{"resourceType":"Bundle","type":"searchset"}"#).expression.as_deref(), Some("Bundle.type"));
        assert_eq!(first(r#"{"resourceType":"Bundle"}"#).code, IssueCode::Required);
        assert_eq!(first(r#"{"resourceType":"Task"}"#).code, IssueCode::Structure);
        assert_eq!(
            first(r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"a"}}]}"#).severity,
            Severity::Fatal
        );
        assert!(first(r#"{"resourceType":"Bundle","type":"batch","entry":[{"colour":1}]}"#).message.contains("colour"));
        let silent =
            first(r#"{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Task"}}]}"#);
        assert_eq!(silent.expression.as_deref(), Some("Bundle.entry[0]"));
        let many = json!(vec![json!({ "request": { "method": "GET", "url": "Task/1" } }); MAX_ENTRIES + 1]);
        assert_eq!(self::asked(&many).unwrap_err()[0].code, IssueCode::TooCostly);
    }
}

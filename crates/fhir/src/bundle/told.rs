//! The Bundle that answers a batch or a transaction.

use super::Together;
use crate::text::quote;

/// What came of one entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The resource's own address.
    pub full_url: Option<String>,
    /// The resource, as JSON text.
    pub resource: Option<String>,
    /// The HTTP status with its words, such as `201 Created`.
    pub status: String,
    /// The address of the version.
    pub location: Option<String>,
    /// The version as a tag.
    pub etag: Option<String>,
    /// When the version was written, as FHIR writes an instant.
    pub last_modified: Option<String>,
    /// An `OperationOutcome`, as JSON text.
    pub outcome: Option<String>,
}

/// The answer, as JSON text: one entry for each that was asked, in the same order. The resources stand in it byte for
/// byte as they were given.
pub fn told(together: Together, entries: &[Told]) -> String {
    let kind = match together {
        Together::Each => "batch-response",
        Together::All => "transaction-response",
    };
    let written: Vec<String> = entries.iter().map(Told::written).collect();
    // FHIR has no empty arrays.
    let entries = if written.is_empty() { String::new() } else { format!(r#","entry":[{}]"#, written.join(",")) };
    format!(r#"{{"resourceType":"Bundle","type":"{kind}"{entries}}}"#)
}

impl Told {
    fn written(&self) -> String {
        let text =
            |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(r#""{name}":{}"#, quote(value)));
        let json = |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(r#""{name}":{value}"#));
        let response = [
            Some(format!(r#""status":{}"#, quote(&self.status))),
            text("location", &self.location),
            text("etag", &self.etag),
            text("lastModified", &self.last_modified),
            json("outcome", &self.outcome),
        ];
        let response = response.into_iter().flatten().collect::<Vec<_>>().join(",");
        let entry = [
            text("fullUrl", &self.full_url),
            json("resource", &self.resource),
            Some(format!(r#""response":{{{response}}}"#)),
        ];
        format!("{{{}}}", entry.into_iter().flatten().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::validate::{Options, read};

    #[test]
    fn an_answer_is_a_valid_bundle() {
        let resource =
            r#"{"resourceType":"HealthcareService","id":"a","extension":[{"url":"http://e","valueDecimal":1.10}]}"#;
        let full = Told {
            full_url: Some("http://here/fhir/HealthcareService/a".to_owned()),
            resource: Some(resource.to_owned()),
            status: "201 Created".to_owned(),
            location: Some("http://here/fhir/HealthcareService/a/_history/1".to_owned()),
            etag: Some("W/\"1\"".to_owned()),
            last_modified: Some("2026-06-19T14:00:00.000Z".to_owned()),
            outcome: Some(crate::outcome::Outcome::default().to_json()),
        };
        let bare = Told { status: "204 No Content".to_owned(), ..Told::default() };
        for (together, entries) in [(Together::All, vec![full, bare]), (Together::Each, vec![])] {
            let text = told(together, &entries);
            assert_eq!(read(text.as_bytes(), "Bundle", Options { refuse_empty_arrays: true }).1, [], "{text}");
            assert_eq!(text.contains(resource), !entries.is_empty());
        }
    }
}

//! The [Bundle](https://hl7.org/fhir/R4/bundle.html): that answers a search, and that is sent to be worked through.

mod asked;
mod link;
mod told;

use std::borrow::Cow;

use domain::change::Stored;
use domain::search::{Cursor, Page};

use crate::issue::Issue;
use crate::outcome::Outcome;
use crate::search::{Parsed, cursor_token, encode};
use crate::text::quote;

pub use asked::{Asked, Entry, MAX_ENTRIES, Method, Together};
pub use link::{Link, LinkKind, links, narrated, relinked};
pub use told::{Told, told};

/// The searchset of a page and what comes along with it, as JSON text. Unless less is asked for, the resources stand in
/// it byte for byte as they are stored.
///
/// `base_url` is the service's own address without a slash at its end. What was ignored of the query is told in an
/// OperationOutcome after the matches, which counts towards nothing.
///
/// # Errors
/// A stored text is not JSON: the store is damaged.
pub fn searchset(base_url: &str, parsed: &Parsed, page: &Page, included: &[Stored]) -> Result<String, Vec<Issue>> {
    let base = base_url.trim_end_matches('/');
    let bodies: usize = page.rows.iter().chain(included).map(|row| row.body.len() + 200).sum();
    let mut bundle = String::with_capacity(bodies + 1000);
    bundle.push_str(r#"{"resourceType":"Bundle","type":"searchset""#);
    if let Some(total) = page.total {
        bundle.push_str(r#","total":"#);
        bundle.push_str(&total.to_string());
    }
    bundle.push_str(r#","link":["#);
    bundle.push_str(&link("self", base, parsed, parsed.search.after.as_ref()));
    for (relation, cursor) in [("previous", &page.previous), ("next", &page.next)] {
        if cursor.is_some() {
            bundle.push(',');
            bundle.push_str(&link(relation, base, parsed, cursor.as_ref()));
        }
    }
    bundle.push(']');
    // FHIR has no empty arrays: the first entry opens this one.
    let mut separator = r#","entry":["#;
    let mut push = |row: &Stored, body: &str, mode: &str| {
        bundle.push_str(std::mem::replace(&mut separator, ","));
        bundle.push_str(r#"{"fullUrl":"#);
        bundle.push_str(&quote(&format!("{base}/{}", row.key)));
        bundle.push_str(r#","resource":"#);
        bundle.push_str(body);
        bundle.push_str(r#","search":{"mode":""#);
        bundle.push_str(mode);
        bundle.push_str(r#""}}"#);
    };
    for row in &page.rows {
        let shape = &parsed.shape;
        let body =
            if shape.is_whole() { Cow::Borrowed(&row.body) } else { Cow::Owned(shape.of(row.key.kind, &row.body)?) };
        push(row, &body, "match");
    }
    for row in included {
        push(row, &row.body, "include");
    }
    if !parsed.ignored.is_empty() {
        bundle.push_str(std::mem::replace(&mut separator, ","));
        bundle.push_str(r#"{"resource":"#);
        bundle.push_str(&Outcome::new(parsed.ignored.clone()).to_json());
        bundle.push_str(r#","search":{"mode":"outcome"}}"#);
    }
    bundle.push_str(if separator == "," { "]}" } else { "}" });
    Ok(bundle)
}

/// A link to the page of the search that begins after a row, or ends before it.
fn link(relation: &str, base: &str, parsed: &Parsed, after: Option<&Cursor>) -> String {
    let search = &parsed.search;
    let cursor = after.map(|cursor| cursor_token(search.kind, &search.sort, cursor));
    let applied = parsed.applied.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let query = encode(applied.chain(cursor.as_deref().map(|cursor| ("_cursor", cursor))));
    let mark = if query.is_empty() { "" } else { "?" };
    let url = quote(&format!("{base}/{}{mark}{query}", search.kind));
    format!(r#"{{"relation":"{relation}","url":{url}}}"#)
}

#[cfg(test)]
mod tests;

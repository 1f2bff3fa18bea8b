//! The [Bundle](https://hl7.org/fhir/R4/bundle.html) that answers a search.

use domain::search::Page;

use crate::outcome::Outcome;
use crate::search::{Parsed, cursor_token, encode};
use crate::text::quote;

/// The searchset of a page as JSON text. The resources stand in it byte for byte as they are stored.
///
/// `base_url` is the service's own address without a slash at its end. What was ignored of the query is told in an
/// OperationOutcome after the matches, which counts towards nothing.
pub fn searchset(base_url: &str, parsed: &Parsed, page: &Page) -> String {
    let base = base_url.trim_end_matches('/');
    let bodies: usize = page.rows.iter().map(|row| row.body.len() + 200).sum();
    let mut bundle = String::with_capacity(bodies + 500);
    bundle.push_str(r#"{"resourceType":"Bundle","type":"searchset""#);
    if let Some(total) = page.total {
        bundle.push_str(&format!(r#","total":{total}"#));
    }
    let search = &parsed.search;
    let here = search.after.as_ref();
    let links = [("self", Some(here)), ("next", page.next.as_ref().map(Some))];
    let links = links.into_iter().filter_map(|(relation, after)| after.map(|after| (relation, after)));
    let links: Vec<_> = links
        .map(|(relation, after)| {
            let cursor = after.map(|cursor| cursor_token(search.kind, search.sort, cursor));
            let applied = parsed.applied.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let query = encode(applied.chain(cursor.as_deref().map(|cursor| ("_cursor", cursor))));
            let mark = if query.is_empty() { "" } else { "?" };
            let url = quote(&format!("{base}/{}{mark}{query}", search.kind));
            format!(r#"{{"relation":"{relation}","url":{url}}}"#)
        })
        .collect();
    bundle.push_str(&format!(r#","link":[{}]"#, links.join(",")));
    let mut separator = r#","entry":["#;
    for row in &page.rows {
        let url = quote(&format!("{base}/{}", row.key));
        bundle.push_str(separator);
        bundle.push_str(&format!(r#"{{"fullUrl":{url},"resource":"#));
        bundle.push_str(&row.body);
        bundle.push_str(r#","search":{"mode":"match"}}"#);
        separator = ",";
    }
    if !parsed.ignored.is_empty() {
        let outcome = Outcome::new(parsed.ignored.clone()).to_json();
        bundle.push_str(separator);
        bundle.push_str(&format!(r#"{{"resource":{outcome},"search":{{"mode":"outcome"}}}}"#));
        separator = ",";
    }
    // FHIR has no empty arrays: without an entry there is no member to close.
    if separator == "," {
        bundle.push(']');
    }
    bundle.push('}');
    bundle
}

#[cfg(test)]
mod tests;

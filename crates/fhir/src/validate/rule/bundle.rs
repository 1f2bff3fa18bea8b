//! The rules of resources that hold others: <https://hl7.org/fhir/R4/bundle.html#invs> and
//! <https://hl7.org/fhir/R4/parameters.html#invs>.

use std::collections::HashSet;

use super::has;
use crate::issue::IssueCode;
use crate::json::Value;
use crate::validate::walk::Walk;

/// bdl-1 to bdl-4 and bdl-7 to bdl-12.
pub(super) fn check<'t>(walk: &mut Walk<'t>, bundle: Value<'t>) {
    let kind = bundle.get("type").and_then(Value::as_str).unwrap_or_default();
    let is = |names: &[&str]| names.contains(&&*kind);
    let mut refuse = |at: Value<'t>, message: &str| walk.issues.error(at, IssueCode::Invariant, message);
    if let Some(total) = bundle.get("total").filter(|_| !is(&["searchset", "history"])) {
        refuse(total, "total is for searches and histories alone");
    }
    let asks = is(&["batch", "transaction", "history"]);
    let answers = is(&["batch-response", "transaction-response", "history"]);
    let mut known = HashSet::new();
    for entry in bundle.get("entry").into_iter().flat_map(Value::items) {
        if let Some(search) = entry.get("search").filter(|_| !is(&["searchset"])) {
            refuse(search, "search is for the entries of searches alone");
        }
        match entry.get("request") {
            Some(request) if !asks => refuse(request, "request is for batches, transactions and histories alone"),
            None if asks => refuse(entry, "each entry of a batch, a transaction or a history needs a request"),
            _ => {}
        }
        match entry.get("response") {
            Some(response) if !answers => refuse(response, "response is for answers and histories alone"),
            None if answers => refuse(entry, "each entry of an answer or a history needs a response"),
            _ => {}
        }
        let Some(url) = entry.get("fullUrl") else { continue };
        let address = url.as_str().unwrap_or_default();
        if address.contains("/_history/") {
            refuse(url, "fullUrl names a resource, not one of its versions");
        }
        let version = entry.get("resource").and_then(|resource| resource.get("meta")?.get("versionId")?.as_str());
        if !is(&["history"]) && !known.insert((address, version)) {
            refuse(url, "another entry has this fullUrl: give each its own");
        }
    }
    let first = |name: &str| {
        let first = bundle.get("entry").and_then(|entries| entries.items().next()?.get("resource"));
        first.and_then(|first| first.get("resourceType")).is_some_and(|kind| kind.is_str(name))
    };
    let identified = bundle.get("identifier").is_some_and(|own| has(own, "system") && has(own, "value"));
    if is(&["document"]) && !(identified && has(bundle, "timestamp") && first("Composition")) {
        refuse(bundle, "a document has an identifier with system and value, a timestamp, and a Composition first");
    }
    if is(&["message"]) && !first("MessageHeader") {
        refuse(bundle, "a message has a MessageHeader first");
    }
}

/// bdl-5: an entry says something.
pub(super) fn entry<'t>(walk: &mut Walk<'t>, entry: Value<'t>) {
    if !["resource", "request", "response"].iter().any(|name| has(entry, name)) {
        walk.issues.error(entry, IssueCode::Invariant, "an entry has a resource, a request or a response");
    }
}

/// inv-1 of Parameters: a value, a resource or parts, and no two of them.
pub(super) fn parameter<'t>(walk: &mut Walk<'t>, parameter: Value<'t>) {
    let has_value = parameter.members().any(|member| member.name().trim_start_matches('_').starts_with("value"));
    let given = [has_value, has(parameter, "resource"), has(parameter, "part")];
    if given.iter().filter(|own| **own).count() != 1 {
        let message = "a parameter has a value, a resource or parts: one of them";
        walk.issues.error(parameter, IssueCode::Invariant, message);
    }
}

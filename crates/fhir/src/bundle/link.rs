//! What a resource refers to by an address, so that it can be given another: the entries of a transaction know each
//! other by addresses of their own, until each has its place.

use std::ops::Range;

use crate::json::{Tree, Value};
use crate::text::quote;
use crate::validate::expression;

/// The names under which addresses stand: references, and primitives that are addresses.
const NAMES: [&str; 8] =
    ["reference", "url", "valueUri", "valueUrl", "valueUuid", "valueOid", "valueCanonical", "instantiatesUri"];

/// An address in a resource's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it stands, quotes included.
    pub span: Range<usize>,
    /// The address.
    pub address: String,
    /// Whether it is a literal reference, which must lead somewhere.
    pub is_reference: bool,
    /// Where it is, as FHIRPath from the resource's type on.
    pub expression: String,
}

/// The addresses in a resource, also in its extensions; what it contains is left alone, and so are the addresses that say
/// what an extension is.
pub fn links(resource: &str) -> Vec<Link> {
    let Ok(tree) = Tree::read(resource.as_bytes()) else { return vec![] };
    let contained = tree.root().get("contained").map_or(0..0, Value::span);
    let mut found = vec![];
    for value in tree.values().filter(|value| !contained.contains(&value.span().start)) {
        let Some(name) = NAMES.iter().find(|name| value.is_named(name)) else { continue };
        let is_reference = *name == "reference";
        let each = if value.is_array() { value.items().collect() } else { vec![value] };
        found.extend(each.into_iter().filter_map(|one| {
            let address = one.as_str()?.into_owned();
            Some(Link { span: one.span(), address, is_reference, expression: expression(&tree, one.index()) })
        }));
    }
    found
}

/// The resource with other addresses at some places, which are in their order.
pub fn relinked(resource: &str, changes: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(resource.len());
    let mut copied = 0;
    for (at, address) in changes {
        out.push_str(&resource[copied..at.start]);
        out.push_str(&quote(address));
        copied = at.end;
    }
    out.push_str(&resource[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"{ "resourceType":"Communication",
 "contained":[{"resourceType":"Task","id":"t","focus":{"reference":"urn:uuid:1"}}],
 "extension":[{"url":"http://e/about","valueReference":{"reference":"urn:uuid:2","display":"urn:uuid:2"}}],
 "identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
 "inResponseTo":[{"reference":"urn:uuid:1"},{"reference":"#t"}],
 "instantiatesUri":["urn:uuid:3"],
 "payload":[{"contentString":"urn:uuid:1"},{"contentAttachment":{"url":"urn:uuid:4"}}] }"##;

    #[test]
    fn addresses_are_found_wherever_they_are_meant_as_such() {
        let found = links(TEXT);
        let told: Vec<_> =
            found.iter().map(|link| (link.address.as_str(), link.is_reference, link.expression.as_str())).collect();
        assert_eq!(
            told,
            [
                ("http://e/about", false, "Communication.extension[0].url"),
                ("urn:uuid:2", true, "Communication.extension[0].value.reference"),
                ("urn:uuid:1", true, "Communication.inResponseTo[0].reference"),
                ("#t", true, "Communication.inResponseTo[1].reference"),
                ("urn:uuid:3", false, "Communication.instantiatesUri[0]"),
                ("urn:uuid:4", false, "Communication.payload[1].content.url"),
            ]
        );
        assert_eq!(links("{"), []);
    }

    #[test]
    fn what_is_relinked_changes_there_and_nowhere_else() {
        let changes: Vec<_> = links(TEXT)
            .into_iter()
            .filter(|link| link.address == "urn:uuid:1")
            .map(|link| (link.span, "Communication/a".to_owned()))
            .collect();
        let expected = TEXT.replace("[{\"reference\":\"urn:uuid:1\"}", "[{\"reference\":\"Communication/a\"}");
        assert_eq!(relinked(TEXT, &changes), expected);
        assert_eq!(relinked(TEXT, &[]), TEXT);
    }
}

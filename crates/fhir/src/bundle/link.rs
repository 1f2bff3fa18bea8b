//! What a resource refers to by an address, so that it can be given another: the entries of a transaction know each
//! other by addresses of their own, until each has its place (<https://hl7.org/fhir/R4/http.html#trules>).

use std::ops::Range;

use crate::definitions::{Primitive, Shape, TypeId, r4};
use crate::json::{Tree, Value};
use crate::text::quote;
use crate::validate::expression;

/// An address in a resource's text, or a narrative that may hold some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it stands, quotes included.
    pub span: Range<usize>,
    /// The address, or the narrative.
    pub text: String,
    /// What it is.
    pub kind: LinkKind,
    /// Where it is, as FHIRPath from the resource's type on.
    pub expression: String,
}

/// What an address is to whoever follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A literal reference, which must lead somewhere.
    Reference,
    /// An element of type uri or url.
    Address,
    /// XHTML, with the addresses of its links and pictures.
    Narrative,
}

/// The addresses in a resource, also in its extensions and in what it contains. A canonical address is the name of a
/// definition and no place, and so is the address that says what an extension is; an oid or a uuid could not hold the place
/// of what is stored.
pub fn links(resource: &str) -> Vec<Link> {
    let Ok(tree) = Tree::read(resource.as_bytes()) else { return vec![] };
    let mut found = vec![];
    collect(tree.root(), own_type(tree.root()), &mut found);
    found.into_iter().filter_map(|(value, kind)| link(&tree, value, kind)).collect()
}

fn link(tree: &Tree, value: Value<'_>, kind: LinkKind) -> Option<Link> {
    let text = value.as_str()?.into_owned();
    Some(Link { span: value.span(), text, kind, expression: expression(tree, value.index()) })
}

fn own_type(resource: Value<'_>) -> Option<TypeId> {
    r4().resource(&resource.text("resourceType")?)
}

fn collect<'t>(object: Value<'t>, kind: Option<TypeId>, found: &mut Vec<(Value<'t>, LinkKind)>) {
    let Some(kind) = kind.map(|kind| r4().get(kind)) else { return };
    for member in object.members() {
        let name = member.name();
        let plain = name.strip_prefix('_').unwrap_or(&name);
        let Some(shape) = kind.member(plain).map(|member| member.shape) else { continue };
        let each: Vec<Value<'t>> = if member.is_array() { member.items().collect() } else { vec![member] };
        for value in each {
            match shape {
                Shape::Primitive(_) | Shape::Attribute(_) if plain.len() < name.len() => {
                    collect(value, r4().type_id("Element"), found);
                }
                Shape::Primitive(of) | Shape::Attribute(of) => {
                    found.extend(address(kind.name, plain, of).map(|kind| (value, kind)));
                }
                Shape::Object(kind) | Shape::Reference(kind, _) => collect(value, Some(kind), found),
                Shape::AnyResource => collect(value, own_type(value), found),
            }
        }
    }
}

/// What an element of a primitive type is an address as.
fn address(parent: &str, name: &str, of: Primitive) -> Option<LinkKind> {
    match (parent, name, of) {
        ("Extension", "url", _) => None,
        ("Reference", "reference", _) => Some(LinkKind::Reference),
        (_, _, Primitive::Uri | Primitive::Url) => Some(LinkKind::Address),
        (_, _, Primitive::Xhtml) => Some(LinkKind::Narrative),
        _ => None,
    }
}

/// The resource with other texts at some places, which are in their order.
pub fn relinked(resource: &str, changes: &[(Range<usize>, String)]) -> String {
    let changes: Vec<_> = changes.iter().map(|(at, text)| (at.clone(), quote(text))).collect();
    replaced(resource, &changes)
}

/// A narrative whose links (`<a href>`) and pictures (`<img src>`) lead elsewhere; nothing when none of them does.
pub fn narrated(div: &str, to: impl Fn(&str) -> Option<String>) -> Option<String> {
    let mut changes = vec![];
    let mut from = 0;
    while let Some(open) = div[from..].find('<').map(|at| from + at + 1) {
        from = open + tag_length(&div[open..]);
        let tag = &div[open..from];
        let attribute = match tag.split(|c: char| c.is_ascii_whitespace() || c == '/').next() {
            Some("a") => "href",
            Some("img") => "src",
            _ => continue,
        };
        let Some(at) = value_of(tag, attribute) else { continue };
        let place = open + at.start..open + at.end;
        changes.extend(to(&div[place.clone()].replace("&amp;", "&")).map(|address| (place, address)));
    }
    (!changes.is_empty()).then(|| replaced(div, &changes))
}

/// How long a tag is, from its name to the bracket that closes it.
fn tag_length(rest: &str) -> usize {
    let mut quoted = None;
    for (at, char) in rest.char_indices() {
        match quoted {
            Some(quote) if char == quote => quoted = None,
            None if char == '"' || char == '\'' => quoted = Some(char),
            None if char == '>' => return at,
            _ => {}
        }
    }
    rest.len()
}

/// Where the value of an attribute stands in a tag.
fn value_of(tag: &str, attribute: &str) -> Option<Range<usize>> {
    let mut from = 0;
    loop {
        let equals = from + tag[from..].find('=')?;
        let name = tag[from..equals].split_ascii_whitespace().next_back()?;
        let quote = equals + 1 + tag[equals + 1..].find(['"', '\''])?;
        let end = quote + 1 + tag[quote + 1..].find(&tag[quote..=quote])?;
        if name == attribute {
            return Some(quote + 1..end);
        }
        from = end + 1;
    }
}

fn replaced(text: &str, changes: &[(Range<usize>, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (at, new) in changes {
        out.push_str(&text[copied..at.start]);
        out.push_str(new);
        copied = at.end;
    }
    out.push_str(&text[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"{ "resourceType":"Communication",
 "text":{"status":"additional","div":"<div>x</div>"},
 "contained":[{"resourceType":"Task","id":"t","focus":{"reference":"urn:uuid:1"}}],
 "extension":[{"url":"http://e/about","valueReference":{"reference":"urn:uuid:2","display":"urn:uuid:2"}},
  {"url":"http://e/canonical","valueCanonical":"urn:uuid:2"}],
 "identifier":[{"system":"urn:ietf:rfc:3986","value":"urn:uuid:1"}],
 "instantiatesCanonical":["urn:uuid:3"],
 "instantiatesUri":["urn:uuid:3"],
 "inResponseTo":[{"reference":"urn:uuid:1"},{"reference":"#t"}],
 "_status":{"extension":[{"url":"http://e/x","valueUri":"urn:uuid:1"}]},
 "payload":[{"contentString":"urn:uuid:1"},{"contentAttachment":{"url":"urn:uuid:4"}}] }"##;

    #[test]
    fn addresses_are_found_wherever_they_are_meant_as_such() {
        use LinkKind::{Address, Narrative, Reference};
        let found = links(TEXT);
        let told: Vec<_> = found.iter().map(|link| (link.text.as_str(), link.kind, link.expression.as_str())).collect();
        assert_eq!(
            told,
            [
                ("<div>x</div>", Narrative, "Communication.text.`div`"),
                ("urn:uuid:1", Reference, "Communication.contained[0].focus.reference"),
                ("urn:uuid:2", Reference, "Communication.extension[0].value.reference"),
                ("urn:ietf:rfc:3986", Address, "Communication.identifier[0].system"),
                ("urn:uuid:3", Address, "Communication.instantiatesUri[0]"),
                ("urn:uuid:1", Reference, "Communication.inResponseTo[0].reference"),
                ("#t", Reference, "Communication.inResponseTo[1].reference"),
                ("urn:uuid:1", Address, "Communication.status.extension[0].value"),
                ("urn:uuid:4", Address, "Communication.payload[1].content.url"),
            ]
        );
        assert_eq!(links("{"), []);
    }

    #[test]
    fn what_is_relinked_changes_there_and_nowhere_else() {
        let changes: Vec<_> = links(TEXT)
            .into_iter()
            .filter(|link| link.text == "urn:uuid:1" && link.expression.contains("inResponseTo"))
            .map(|link| (link.span, "Communication/a".to_owned()))
            .collect();
        let expected = TEXT.replace("[{\"reference\":\"urn:uuid:1\"}", "[{\"reference\":\"Communication/a\"}");
        assert_eq!(relinked(TEXT, &changes), expected);
        assert_eq!(relinked(TEXT, &[]), TEXT);
    }

    #[test]
    fn the_links_and_pictures_of_a_narrative_lead_to_what_is_stored() {
        let to = |address: &str| (address == "urn:uuid:1").then(|| "Communication/a".to_owned());
        let div = "<div title=\"urn:uuid:1\"><a title='x > y' href=\"urn:uuid:1\">urn:uuid:1</a><br/>\
                   <img src = 'urn:uuid:1' alt=\"urn:uuid:1\"/><a name=\"urn:uuid:1\"/><abbr href=\"urn:uuid:1\"/></div>";
        let expected = div
            .replace("href=\"urn:uuid:1\">urn", "href=\"Communication/a\">urn")
            .replace("src = 'urn:uuid:1'", "src = 'Communication/a'");
        assert_eq!(narrated(div, to).unwrap(), expected);
        for nothing in ["", "<", "<a", "<a href", "<a href=", "<a href=\"", "<a href=\"urn:uuid:2\">", "<div>a</div>"] {
            assert_eq!(narrated(nothing, to), None, "{nothing}");
        }
    }
}

//! The attributes of a narrative's elements, and what they may say.

use super::Checked;

/// Attributes that say how text looks or what it is, but never do anything.
const ATTRIBUTES: &[&str] = &[
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "border",
    "cellhalign",
    "cellpadding",
    "cellspacing",
    "cellvalign",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "colspan",
    "compact",
    "coords",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "idref",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
    "xml:space",
    "xmlns",
];

const NAMESPACE: &str = "http://www.w3.org/1999/xhtml";

/// Checks an attribute whose value has its entities replaced.
pub(super) fn check(element: &str, name: &str, value: &str) -> Checked<()> {
    if !ATTRIBUTES.contains(&name) {
        return Err("must hold only the attributes that FHIR allows in a narrative");
    }
    match name {
        "xmlns" if value != NAMESPACE => Err("must be in the namespace http://www.w3.org/1999/xhtml"),
        "style" if !is_harmless_style(value) => Err("must not load or run anything from a style"),
        "src" if element != "img" || !is_inline_picture(value) => {
            Err("must take its pictures from the resource (#id), from Binary/ or from data: with a type of image")
        }
        "href" if element != "a" || !is_harmless_link(value) => {
            Err("must link only by http, https, mailto, tel or within the resource")
        }
        "longdesc" | "cite" if !is_harmless_link(value) => {
            Err("must link only by http, https, mailto, tel or within the resource")
        }
        _ => Ok(()),
    }
}

/// The address as a browser reads it: without the white space and control characters that it passes over.
fn squeezed(value: &str) -> String {
    value.chars().filter(|char| !char.is_whitespace() && !char.is_control()).flat_map(char::to_lowercase).collect()
}

fn scheme(value: &str) -> Option<&str> {
    let (scheme, _) = value.split_once(':')?;
    // A colon after a slash, a question mark or a hash belongs to the path.
    (!scheme.contains(['/', '?', '#'])).then_some(scheme)
}

fn is_harmless_link(value: &str) -> bool {
    let value = squeezed(value);
    scheme(&value).is_none_or(|scheme| matches!(scheme, "http" | "https" | "mailto" | "tel"))
}

fn is_inline_picture(value: &str) -> bool {
    let value = squeezed(value);
    let is_image = |kind: &str| value.starts_with(&format!("data:image/{kind};base64,"));
    value.starts_with('#') || value.starts_with("binary/") || ["png", "jpeg", "gif", "webp"].into_iter().any(is_image)
}

/// No backslash and no comment either, which can hide the other words.
fn is_harmless_style(value: &str) -> bool {
    let value = squeezed(value);
    [
        "url(",
        "image(",
        "image-set(",
        "expression(",
        "javascript:",
        "@",
        "behavior",
        "-moz-binding",
        "\\",
        "/*",
        "position:fixed",
    ]
    .iter()
    .all(|word| !value.contains(word))
}

//! The narrative: a `div` of plain XHTML (<https://hl7.org/fhir/R4/narrative.html>) that does nothing and loads nothing.
//!
//! Browsers forgive what XML does not, so the check is an allow list: the elements and attributes that FHIR lists, five
//! entities, no markup of any other sort. Stricter than FHIR: pictures come from the resource itself or inline, because
//! a picture fetched from elsewhere tells that place who reads what and when; and a style may not load anything.

mod attribute;

/// Elements of HTML 4.0, chapters 7 to 11 (without 9.4) and 15, with `a` and `img`.
const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "kbd",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];

/// How deep elements may be nested.
const MAX_DEPTH: usize = 100;

type Checked<T> = Result<T, &'static str>;

/// Checks a narrative.
///
/// # Errors
/// What is asked for instead, as the end of a sentence that begins with `div`.
pub(super) fn check(text: &str) -> Checked<()> {
    let mut markup = Markup { rest: text.trim(), open: Vec::new(), has_content: false };
    if !markup.rest.starts_with("<div") {
        return Err("must be one div element");
    }
    if !markup.tag()? {
        return Err("must have the attribute xmlns=\"http://www.w3.org/1999/xhtml\"");
    }
    while !markup.open.is_empty() {
        markup.content()?;
    }
    if !markup.rest.is_empty() {
        return Err("must be one div element with nothing after it");
    }
    if markup.has_content { Ok(()) } else { Err("must have some text or a picture in it") }
}

struct Markup<'t> {
    rest: &'t str,
    open: Vec<&'t str>,
    has_content: bool,
}

impl<'t> Markup<'t> {
    /// The text up to the next markup, and the markup.
    fn content(&mut self) -> Checked<()> {
        let at = self.rest.find('<').ok_or("must close every element that it opens")?;
        let (text, rest) = self.rest.split_at(at);
        check_characters(text)?;
        self.has_content |= !text.trim().is_empty();
        self.rest = rest;
        if let Some(comment) = rest.strip_prefix("<!--") {
            let (inside, rest) = comment.split_once("-->").ok_or("must close every comment")?;
            if inside.contains("--") || inside.starts_with(['>', '-', '[']) || inside.ends_with('-') {
                return Err("must have only plain comments");
            }
            self.rest = rest;
            Ok(())
        } else if let Some(closing) = rest.strip_prefix("</") {
            let (name, rest) = closing.split_once('>').ok_or("must be well-formed XML")?;
            if self.open.pop() != Some(name.trim_end()) {
                return Err("must close its elements in the order in which they were opened");
            }
            self.rest = rest;
            Ok(())
        } else {
            self.tag().map(drop)
        }
    }

    /// An opening tag, with its attributes; tells whether it names its namespace.
    fn tag(&mut self) -> Checked<bool> {
        self.rest = self.rest.strip_prefix('<').ok_or("must be well-formed XML")?;
        let name = self.name()?;
        if !ELEMENTS.contains(&name) {
            return Err("must hold only the elements that FHIR allows in a narrative");
        }
        let mut seen: Vec<&str> = Vec::new();
        loop {
            let spaced = self.skip_space();
            if let Some(rest) = self.rest.strip_prefix("/>") {
                self.rest = rest;
                break;
            }
            if let Some(rest) = self.rest.strip_prefix('>') {
                self.rest = rest;
                if self.open.len() == MAX_DEPTH {
                    return Err("must not nest its elements so deeply");
                }
                self.open.push(name);
                break;
            }
            let attribute = self.attribute(name)?;
            if !spaced || seen.contains(&attribute) {
                return Err("must be well-formed XML");
            }
            seen.push(attribute);
        }
        self.has_content |= name == "img";
        Ok(seen.contains(&"xmlns"))
    }

    fn attribute(&mut self, element: &str) -> Checked<&'t str> {
        let name = self.name()?;
        self.skip_space();
        self.rest = self.rest.strip_prefix('=').ok_or("must be well-formed XML")?;
        self.skip_space();
        let quote =
            self.rest.chars().next().filter(|char| matches!(char, '"' | '\'')).ok_or("must be well-formed XML")?;
        let (value, rest) = self.rest[1..].split_once(quote).ok_or("must be well-formed XML")?;
        self.rest = rest;
        if value.contains('<') {
            return Err("must be well-formed XML");
        }
        check_characters(value)?;
        attribute::check(element, name, &unescape(value))?;
        Ok(name)
    }

    fn name(&mut self) -> Checked<&'t str> {
        let end =
            self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == ':' || c == '-')).unwrap_or(self.rest.len());
        if end == 0 {
            return Err("must be well-formed XML");
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Ok(name)
    }

    fn skip_space(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.len() < before
    }
}

/// Text holds only the entities of XML and no control characters.
fn check_characters(text: &str) -> Checked<()> {
    if text.chars().any(|char| char < ' ' && !matches!(char, '\t' | '\n' | '\r')) || text.contains("]]>") {
        return Err("must be well-formed XML");
    }
    for part in text.split('&').skip(1) {
        let entity = part.split_once(';').map(|(entity, _)| entity);
        if entity.is_none_or(|entity| decode(entity).is_none()) {
            return Err(
                "must use only the entities lt, gt, amp, quot, apos and numbers: write other characters as they are",
            );
        }
    }
    Ok(())
}

/// The character of an entity.
fn decode(entity: &str) -> Option<char> {
    match entity {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix('x') {
                Some(hex) if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => u32::from_str_radix(hex, 16).ok()?,
                None if number.bytes().all(|byte| byte.is_ascii_digit()) => number.parse().ok()?,
                _ => return None,
            };
            char::from_u32(code).filter(|char| *char >= ' ' || matches!(char, '\t' | '\n' | '\r'))
        }
    }
}

fn unescape(value: &str) -> String {
    let mut parts = value.split('&');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (entity, rest) = part.split_once(';').unwrap_or((part, ""));
        plain.extend(decode(entity));
        plain.push_str(rest);
    }
    plain
}

#[cfg(test)]
mod tests;

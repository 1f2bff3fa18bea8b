//! A value in a tree and the ways to walk on from it.

use std::borrow::Cow;
use std::ops::Range;

use super::{Node, Tree};

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`
    Null,
    /// `true` or `false`
    Bool,
    /// A number, as written.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A value in a [`Tree`]: a cheap handle, valid as long as the tree.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t> {
    tree: &'t Tree,
    index: u32,
}

impl<'t> Value<'t> {
    pub(super) fn new(tree: &'t Tree, index: u32) -> Self {
        Self { tree, index }
    }

    /// The position of the value in document order.
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// The tree that holds the value.
    pub fn tree(self) -> &'t Tree {
        self.tree
    }

    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// What the value is.
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Whether the value is an object.
    pub fn is_object(self) -> bool {
        self.kind() == Kind::Object
    }

    /// Whether the value is an array.
    pub fn is_array(self) -> bool {
        self.kind() == Kind::Array
    }

    /// Whether the value is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether the value is an array or an object with nothing in it.
    pub fn is_empty(self) -> bool {
        matches!(self.kind(), Kind::Array | Kind::Object) && self.node().next == self.index + 1
    }

    /// The bytes of the text that the value takes up.
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The value as it stands in the text.
    pub fn raw(self) -> &'t str {
        &self.tree.text[self.span()]
    }

    /// The bytes that the member takes up: its name with the quotes, the colon and the value.
    pub(crate) fn member_span(self) -> Range<usize> {
        let node = self.node();
        let start = if node.name_end == 0 { node.start } else { node.name_start - 1 };
        start as usize..node.end as usize
    }

    /// The name under which the value stands in its object; empty for all that stands in none.
    pub fn name(self) -> Cow<'t, str> {
        let node = self.node();
        if node.name_end == 0 {
            return Cow::Borrowed("");
        }
        let raw = &self.tree.text[node.name_start as usize..node.name_end as usize];
        if node.name_escaped { Cow::Owned(decode(raw)) } else { Cow::Borrowed(raw) }
    }

    /// Whether the value stands in its object under that name.
    pub fn is_named(self, name: &str) -> bool {
        let node = self.node();
        if node.name_escaped {
            return self.name() == name;
        }
        node.name_end != 0
            && self.tree.text.as_bytes()[node.name_start as usize..node.name_end as usize] == *name.as_bytes()
    }

    /// The string that the value is.
    pub fn as_str(self) -> Option<Cow<'t, str>> {
        let node = self.node();
        if node.kind != Kind::String {
            return None;
        }
        let raw = &self.tree.text[node.start as usize + 1..node.end as usize - 1];
        Some(if node.escaped { Cow::Owned(decode(raw)) } else { Cow::Borrowed(raw) })
    }

    /// Whether the value is that string.
    pub fn is_str(self, text: &str) -> bool {
        self.as_str().is_some_and(|own| own == text)
    }

    /// The truth value that the value is.
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The number that the value is, as written.
    pub fn as_number(self) -> Option<&'t str> {
        (self.kind() == Kind::Number).then(|| self.raw())
    }

    /// The whole number that the value is, when it is written without fraction and exponent and fits.
    pub fn as_i64(self) -> Option<i64> {
        self.as_number()?.parse().ok()
    }

    /// The member of that name, when the value is an object that has one.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        self.members().find(|member| member.is_named(name))
    }

    /// The members of an object in their order; none for all else.
    pub fn members(self) -> Members<'t> {
        Members(if self.is_object() { self.children() } else { self.nothing() })
    }

    /// The items of an array in their order; none for all else.
    pub fn items(self) -> Items<'t> {
        if self.is_array() { self.children() } else { self.nothing() }
    }

    /// The value and all that is in it, in document order.
    pub(crate) fn within(self) -> impl Iterator<Item = Value<'t>> {
        let tree = self.tree;
        (self.index..self.node().next).map(move |index| Value { tree, index })
    }

    /// No items.
    pub(crate) fn nothing(self) -> Items<'t> {
        Items { tree: self.tree, at: 0, end: 0 }
    }

    /// What the array or the object holds.
    pub(crate) fn children(self) -> Items<'t> {
        Items { tree: self.tree, at: self.index + 1, end: self.node().next }
    }
}

/// The items of an array.
#[derive(Clone, Debug)]
pub struct Items<'t> {
    tree: &'t Tree,
    at: u32,
    end: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        if self.at >= self.end {
            return None;
        }
        let value = Value { tree: self.tree, index: self.at };
        self.at = self.tree.next(self.at);
        Some(value)
    }
}

/// The members of an object: their values, which know their names.
#[derive(Clone, Debug)]
pub struct Members<'t>(Items<'t>);

impl<'t> Iterator for Members<'t> {
    type Item = Value<'t>;

    fn next(&mut self) -> Option<Value<'t>> {
        self.0.next()
    }
}

/// The string behind the escapes. The reader has proved their grammar; a half surrogate pair becomes U+FFFD.
pub(super) fn decode(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (char, used) = match escape.as_bytes().first() {
            Some(b'u') => decode_unit(&escape[1..]),
            Some(b'b') => ('\u{8}', 1),
            Some(b'f') => ('\u{c}', 1),
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(&plain) => (char::from(plain), 1),
            None => break,
        };
        text.push(char);
        rest = &escape[used..];
    }
    text.push_str(rest);
    text
}

/// The character of the four hexadecimal digits after `\u`, with the second half of its pair; and how much that was,
/// counted from the `u`.
fn decode_unit(digits: &str) -> (char, usize) {
    let unit = |digits: &str| digits.get(..4).and_then(|four| u32::from_str_radix(four, 16).ok());
    let first = unit(digits).unwrap_or(0xfffd);
    if (0xd800..0xdc00).contains(&first) {
        let second = digits.get(4..).and_then(|rest| rest.strip_prefix("\\u")).and_then(unit);
        if let Some(second) = second.filter(|second| (0xdc00..0xe000).contains(second)) {
            let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 11);
        }
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 5)
}

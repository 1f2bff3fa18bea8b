//! A strict reader of JSON ([RFC 8259](https://www.rfc-editor.org/rfc/rfc8259)) that keeps the text.
//!
//! Resources are stored as they were received, so the service needs from a reader what `serde_json::Value` does not
//! have: where every member lies in the text (to replace one member and leave the other bytes alone), numbers as they
//! were written (`5.10` is not `5.1`), members in their order, names that occur twice, and a path to whatever is wrong.
//! The tree is one flat vector in document order, made in one pass without recursion; text is decoded when asked for.
//!
//! Stricter than the RFC asks: no byte order mark, no name twice in one object, nesting of at most [`MAX_DEPTH`], no
//! U+0000 and no half surrogate pair in a string, at most [`MAX_BYTES`] bytes.
//!
//! Nothing that went wrong is ever described by the words that stood there: they may be a patient's.

mod problem;
mod reader;
mod value;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use problem::{Problem, ProblemKind};
pub use value::{Items, Kind, Members, Value};

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 64;

/// How long a text may be, in bytes. The interface has limits of its own, far below this one.
pub const MAX_BYTES: usize = 64 << 20;

/// How many problems are kept of one text.
pub const MAX_PROBLEMS: usize = 100;

/// One value in the flat tree. Its content follows it directly; what comes after it begins at `next`.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// First byte of the value.
    start: u32,
    /// First byte after the value.
    end: u32,
    /// First byte of the name, after its quote.
    name_start: u32,
    /// The quote that ends the name; 0 for what has no name.
    name_end: u32,
    /// The first node that is not part of this value.
    next: u32,
    kind: Kind,
    /// Whether the text of the string has escapes.
    escaped: bool,
    /// Whether the name has escapes.
    name_escaped: bool,
}

/// A JSON text and where its values lie.
#[derive(Clone, Debug)]
pub struct Tree {
    text: String,
    nodes: Vec<Node>,
}

impl Tree {
    /// Reads one JSON text.
    ///
    /// # Errors
    /// All problems that could be found: a breach of the grammar ends the reading, the others do not.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<Problem>> {
        let (tree, problems) = Self::read_all(bytes);
        if problems.is_empty() { Ok(tree) } else { Err(problems) }
    }

    /// Reads one JSON text and returns what could be read along with the problems. After a breach of the grammar the
    /// tree holds what came before it.
    pub fn read_all(bytes: &[u8]) -> (Self, Vec<Problem>) {
        reader::read(bytes)
    }

    /// The text, byte for byte as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Gives the text back.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The outermost value.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// Every value in document order.
    pub(crate) fn values(&self) -> impl Iterator<Item = Value<'_>> {
        (0..self.nodes.len() as u32).map(|index| Value::new(self, index))
    }

    /// The way from the outermost value down to the node.
    pub(crate) fn steps(&self, node: u32) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let mut at = self.root();
        while at.index() != node {
            let inside = at.children().enumerate().find(|(_, child)| node < self.next(child.index()));
            let Some((position, child)) = inside.filter(|(_, child)| child.index() <= node) else { break };
            steps.push(if at.kind() == Kind::Array { Step::Index(position) } else { Step::Member(child.name()) });
            at = child;
        }
        steps
    }

    /// The way to the node as a path of names and positions, such as `name[0].given`. A name that is not a plain
    /// identifier ends it, for it may hold anything.
    pub(crate) fn path(&self, node: u32) -> String {
        let mut path = String::new();
        for step in self.steps(node) {
            match step {
                Step::Index(position) => {
                    let _ = write!(path, "[{position}]");
                }
                Step::Member(name) if is_plain_name(&name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(&name);
                }
                Step::Member(_) => break,
            }
        }
        path
    }

    fn next(&self, node: u32) -> u32 {
        self.nodes[node as usize].next
    }
}

/// One step down a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step<'t> {
    /// To the member of that name.
    Member(Cow<'t, str>),
    /// To the item at that position.
    Index(usize),
}

/// Whether a name may be repeated in a message: a short identifier, not free text.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    first && name.len() <= 64 && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests;

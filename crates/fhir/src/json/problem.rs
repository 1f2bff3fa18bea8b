//! What can be wrong with a JSON text.

use std::fmt;

/// What is wrong with a JSON text, and where. It never repeats the text itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// The byte at which it shows, counted from 0.
    pub offset: usize,
    /// The way to the value concerned, such as `payload[0].contentString`; empty for the outermost value.
    pub path: String,
    /// The node concerned.
    pub(crate) node: u32,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (byte {})", self.kind, self.offset)
    }
}

impl std::error::Error for Problem {}

/// The ways in which a JSON text can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// There are more than [`super::MAX_BYTES`] bytes.
    TooLong,
    /// The bytes are not UTF-8.
    NotUtf8,
    /// The text begins with a byte order mark.
    ByteOrderMark,
    /// Arrays and objects are nested deeper than [`super::MAX_DEPTH`].
    TooDeep,
    /// The grammar asks for something else; the text says for what.
    Expected(&'static str),
    /// Something follows the outermost value.
    TrailingData,
    /// The object has a member of that name already.
    DuplicateName,
    /// The string holds U+0000.
    NulCharacter,
    /// The string holds one half of a surrogate pair.
    LoneSurrogate,
}

impl ProblemKind {
    /// Whether reading ends here, because what follows can not be told.
    pub fn ends_reading(self) -> bool {
        !matches!(self, Self::DuplicateName | Self::NulCharacter | Self::LoneSurrogate)
    }
}

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "the text is longer than {} bytes: send less at once", super::MAX_BYTES),
            Self::NotUtf8 => f.write_str("the text is not UTF-8: encode it as UTF-8"),
            Self::ByteOrderMark => f.write_str("the text begins with a byte order mark: send it without one"),
            Self::TooDeep => write!(f, "the nesting is deeper than {} levels: flatten it", super::MAX_DEPTH),
            Self::Expected(what) => write!(f, "not JSON: {what} is expected here"),
            Self::TrailingData => f.write_str("something follows the JSON value: send one value alone"),
            Self::DuplicateName => f.write_str("the object has a member of this name already: send it once"),
            Self::NulCharacter => f.write_str("the string holds the character U+0000: remove it"),
            Self::LoneSurrogate => f.write_str("the string holds one half of a surrogate pair: send whole characters"),
        }
    }
}

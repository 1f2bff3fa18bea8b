//! The pass over the text that makes the tree.

use super::problem::{Problem, ProblemKind};
use super::value::{Kind, decode};
use super::{MAX_BYTES, MAX_DEPTH, MAX_PROBLEMS, Node, Tree};

/// Up to this many members are compared each with each for a name that occurs twice; more are hashed.
const FEW_MEMBERS: usize = 24;

/// Reads as much as can be read, and tells what is wrong.
pub(super) fn read(bytes: &[u8]) -> (Tree, Vec<Problem>) {
    let text = match admit(bytes) {
        Ok(text) => text,
        Err((kind, offset)) => {
            return (empty(), vec![Problem { kind, offset, path: String::new(), node: 0 }]);
        }
    };
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        nodes: Vec::with_capacity(16 + bytes.len() / 16),
        open: Vec::new(),
        found: Vec::new(),
    };
    if let Err(kind) = reader.document() {
        let innermost = reader.open.last().copied().unwrap_or(0);
        reader.found.push((kind, reader.at, innermost));
        reader.close_all();
    }
    let Reader { nodes, found, .. } = reader;
    let tree = if nodes.is_empty() { empty() } else { Tree { text: text.to_owned(), nodes } };
    let problem = |(kind, offset, node)| Problem { kind, offset, path: tree.path(node), node };
    let problems = found.into_iter().map(problem).collect();
    (tree, problems)
}

/// The bytes as text, when they can be JSON at all.
fn admit(bytes: &[u8]) -> Result<&str, (ProblemKind, usize)> {
    if bytes.len() > MAX_BYTES {
        return Err((ProblemKind::TooLong, MAX_BYTES));
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err((ProblemKind::ByteOrderMark, 0));
    }
    std::str::from_utf8(bytes).map_err(|error| (ProblemKind::NotUtf8, error.valid_up_to()))
}

/// What stands for a text of which nothing could be read.
fn empty() -> Tree {
    let node = Node {
        start: 0,
        end: 4,
        name_start: 0,
        name_end: 0,
        next: 1,
        kind: Kind::Null,
        escaped: false,
        name_escaped: false,
    };
    Tree { text: "null".to_owned(), nodes: vec![node] }
}

/// The name of a member about to be read.
#[derive(Clone, Copy, Default)]
struct Name {
    start: u32,
    end: u32,
    escaped: bool,
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    nodes: Vec<Node>,
    /// The arrays and objects that are not closed yet, outermost first.
    open: Vec<u32>,
    found: Vec<(ProblemKind, usize, u32)>,
}

impl Reader<'_> {
    fn document(&mut self) -> Result<(), ProblemKind> {
        self.skip_space();
        self.value(Name::default())?;
        while let Some(&container) = self.open.last() {
            self.skip_space();
            let is_object = self.nodes[container as usize].kind == Kind::Object;
            let is_first = self.nodes.len() == container as usize + 1;
            match self.peek() {
                Some(b'}') if is_object => self.close(container),
                Some(b']') if !is_object => self.close(container),
                Some(b',') if !is_first => {
                    self.at += 1;
                    self.skip_space();
                    self.element(is_object)?;
                }
                Some(_) if is_first => self.element(is_object)?,
                _ if is_object => return Err(ProblemKind::Expected("a comma or a closing brace")),
                _ => return Err(ProblemKind::Expected("a comma or a closing bracket")),
            }
        }
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(ProblemKind::TrailingData) }
    }

    /// One item of an array or one member of an object.
    fn element(&mut self, is_object: bool) -> Result<(), ProblemKind> {
        let mut name = Name::default();
        if is_object {
            if self.peek() != Some(b'"') {
                return Err(ProblemKind::Expected("a member's name in double quotes"));
            }
            let start = self.at + 1;
            let escaped = self.string()?;
            name = Name { start: start as u32, end: self.at as u32 - 1, escaped };
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(ProblemKind::Expected("a colon"));
            }
            self.at += 1;
            self.skip_space();
        }
        self.value(name)
    }

    /// One value; an array or an object is only opened.
    fn value(&mut self, name: Name) -> Result<(), ProblemKind> {
        let start = self.at;
        let (kind, escaped) = match self.peek() {
            Some(b'"') => (Kind::String, self.string()?),
            Some(b'{') => (Kind::Object, false),
            Some(b'[') => (Kind::Array, false),
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                (Kind::Number, false)
            }
            Some(b't') => (self.word(b"true", Kind::Bool)?, false),
            Some(b'f') => (self.word(b"false", Kind::Bool)?, false),
            Some(b'n') => (self.word(b"null", Kind::Null)?, false),
            _ => return Err(ProblemKind::Expected("a value")),
        };
        if matches!(kind, Kind::Object | Kind::Array) {
            if self.open.len() == MAX_DEPTH {
                return Err(ProblemKind::TooDeep);
            }
            self.open.push(self.nodes.len() as u32);
            self.at += 1;
        }
        self.nodes.push(Node {
            start: start as u32,
            end: self.at as u32,
            name_start: name.start,
            name_end: name.end,
            next: self.nodes.len() as u32 + 1,
            kind,
            escaped,
            name_escaped: name.escaped,
        });
        Ok(())
    }

    fn close(&mut self, container: u32) {
        self.at += 1;
        self.open.pop();
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[container as usize];
        node.end = self.at as u32;
        node.next = next;
        if node.kind == Kind::Object {
            self.find_duplicates(container);
        }
    }

    /// Ends what is open, so that what was read so far can be walked.
    fn close_all(&mut self) {
        let next = self.nodes.len() as u32;
        while let Some(container) = self.open.pop() {
            let node = &mut self.nodes[container as usize];
            node.end = self.at as u32;
            node.next = next;
        }
    }

    fn find_duplicates(&mut self, container: u32) {
        let end = self.nodes[container as usize].next;
        let (mut count, mut plain) = (0_usize, true);
        let mut at = container + 1;
        while at < end {
            plain &= !self.nodes[at as usize].name_escaped;
            count += 1;
            at = self.nodes[at as usize].next;
        }
        if count > FEW_MEMBERS || !plain {
            self.find_duplicates_by_hash(container, end);
            return;
        }
        let mut later = container + 1;
        while later < end {
            let mut earlier = container + 1;
            while earlier < later {
                if self.raw_name(earlier) == self.raw_name(later) {
                    self.note(ProblemKind::DuplicateName, self.nodes[later as usize].name_start as usize, later);
                    break;
                }
                earlier = self.nodes[earlier as usize].next;
            }
            later = self.nodes[later as usize].next;
        }
    }

    fn find_duplicates_by_hash(&mut self, container: u32, end: u32) {
        let mut seen = std::collections::HashSet::new();
        let mut twice = Vec::new();
        let mut at = container + 1;
        while at < end {
            let node = &self.nodes[at as usize];
            // A name is a slice of a text that was proved to be UTF-8, between two quotes.
            let raw = String::from_utf8_lossy(self.raw_name(at));
            let name = if node.name_escaped { decode(&raw).into() } else { raw };
            if !seen.insert(name) {
                twice.push((node.name_start as usize, at));
            }
            at = node.next;
        }
        for (offset, node) in twice {
            self.note(ProblemKind::DuplicateName, offset, node);
        }
    }

    fn raw_name(&self, node: u32) -> &[u8] {
        let node = &self.nodes[node as usize];
        &self.bytes[node.name_start as usize..node.name_end as usize]
    }

    fn note(&mut self, kind: ProblemKind, offset: usize, node: u32) {
        if self.found.len() < MAX_PROBLEMS {
            self.found.push((kind, offset, node));
        }
    }

    /// Reads a string from its opening quote to after its closing one; tells whether it has escapes.
    fn string(&mut self) -> Result<bool, ProblemKind> {
        self.at += 1;
        let mut escaped = false;
        loop {
            while self.peek().is_some_and(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(ProblemKind::Expected("an escape in place of a control character")),
                None => return Err(ProblemKind::Expected("the string's closing quote")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), ProblemKind> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => self.unit(),
            _ => Err(ProblemKind::Expected("a known escape")),
        }
    }

    /// Reads `\uXXXX`, and its second half when it is the first of a pair.
    fn unit(&mut self) -> Result<(), ProblemKind> {
        let (start, node) = (self.at, self.nodes.len() as u32);
        let first = self.hex(start).ok_or(ProblemKind::Expected("four hexadecimal digits"))?;
        self.at += 6;
        match first {
            0 => self.note(ProblemKind::NulCharacter, start, node),
            0xd800..=0xdbff => match self.hex(self.at) {
                Some(0xdc00..=0xdfff) => self.at += 6,
                _ => self.note(ProblemKind::LoneSurrogate, start, node),
            },
            0xdc00..=0xdfff => self.note(ProblemKind::LoneSurrogate, start, node),
            _ => {}
        }
        Ok(())
    }

    /// The value of the `\uXXXX` that stands at that byte.
    fn hex(&self, at: usize) -> Option<u32> {
        let digits = self.bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
    }

    fn number(&mut self) -> Result<(), ProblemKind> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        // `01` and `1x` would otherwise be refused a step later, with a remedy that misleads.
        if self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.') {
            return Err(ProblemKind::Expected("the end of the number"));
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), ProblemKind> {
        if !self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(ProblemKind::Expected("a digit"));
        }
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, word: &'static [u8], kind: Kind) -> Result<Kind, ProblemKind> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(ProblemKind::Expected("a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

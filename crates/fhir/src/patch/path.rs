//! The paths of a FHIRPath Patch: the simple subset of [FHIRPath](http://hl7.org/fhirpath/N1/) that names places, with
//! the conditions that real patches need.

use std::str::Chars;

use super::parameters::Fault;
use crate::issue::IssueCode;

/// How long a path may be, in bytes.
const MAX_LENGTH: usize = 500;

/// How many steps and conditions a path may have.
const MAX_STEPS: usize = 50;

/// A path from the resource to places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path(pub(super) Vec<Step>);

/// One step of a path, over all places found so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The elements of that name; a choice's is without its type.
    Element(String),
    /// `[n]`: the place of that number.
    Index(usize),
    /// `first()`
    First,
    /// `last()`
    Last,
    /// `ofType(X)` and `as(X)`
    OfType(String),
    /// `extension('url')`
    Extension(String),
    /// `where(…)`: all these hold.
    Where(Vec<Condition>),
}

/// A condition within `where`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Where to look, from the place itself.
    pub(super) path: Path,
    /// What must be so there.
    pub(super) test: Test,
}

/// What must be so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    /// `exists()`
    Exists,
    /// One of the places is that string.
    Text(String),
    /// One of the places is that number, `true` or `false`, as JSON writes it.
    Plain(String),
}

/// Reads a path that may begin with the name of the resource's type.
pub(super) fn read(text: &str, kind: &str) -> Result<Path, Fault> {
    if text.len() > MAX_LENGTH {
        return Err(grammar());
    }
    let mut reader = Reader { rest: text.chars(), steps: 0 };
    let mut path = reader.path()?;
    reader.space();
    if !reader.rest.as_str().is_empty() {
        return Err(reader.beyond());
    }
    let names_type = |step: &Step| matches!(step, Step::Element(name) if [kind, "Resource", "DomainResource"].contains(&name.as_str()));
    if path.0.first().is_some_and(names_type) {
        path.0.remove(0);
    }
    Ok(path)
}

fn grammar() -> Fault {
    Fault::new(
        IssueCode::Value,
        "has a path that cannot be read. A path names elements as Communication.payload[0].content does.",
    )
}

fn unsupported(what: &str) -> Fault {
    let named = if crate::json::is_plain_name(what) {
        format!("uses {what} in its path")
    } else {
        "has a path with an operator".to_owned()
    };
    Fault::new(
        IssueCode::NotSupported,
        format!(
            "{named}, which a patch does not take here: there are element names, [n], first(), last(), ofType(), \
             extension('url') and where() with = and exists(), joined by and."
        ),
    )
}

struct Reader<'p> {
    rest: Chars<'p>,
    steps: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.rest.next();
        }
    }

    /// Takes a character when it is the next.
    fn takes(&mut self, expected: char) -> bool {
        self.space();
        let there = self.peek() == Some(expected);
        if there {
            self.rest.next();
        }
        there
    }

    fn needs(&mut self, expected: char) -> Result<(), Fault> {
        if self.takes(expected) { Ok(()) } else { Err(self.beyond()) }
    }

    /// Why what comes next cannot stand there.
    fn beyond(&self) -> Fault {
        let rest = self.rest.as_str().trim_start();
        let word: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        if rest.is_empty() || rest.starts_with(['\'', ')', ']', '.']) { grammar() } else { unsupported(&word) }
    }

    fn path(&mut self) -> Result<Path, Fault> {
        let mut path = Path::default();
        loop {
            self.step(&mut path)?;
            while self.takes('[') {
                let index = self.digits().parse().map_err(|_| grammar())?;
                self.push(&mut path, Step::Index(index))?;
                self.needs(']')?;
            }
            if !self.takes('.') {
                return Ok(path);
            }
        }
    }

    fn push(&mut self, path: &mut Path, step: Step) -> Result<(), Fault> {
        self.steps += 1;
        path.0.push(step);
        if self.steps > MAX_STEPS { Err(grammar()) } else { Ok(()) }
    }

    fn step(&mut self, path: &mut Path) -> Result<(), Fault> {
        let name = self.name()?;
        if !self.takes('(') {
            return if name == "$this" { Ok(()) } else { self.push(path, Step::Element(name)) };
        }
        let step = match name.as_str() {
            "first" => Step::First,
            "last" => Step::Last,
            "ofType" | "as" => {
                let mut kind = self.name()?;
                // `FHIR.string` is `string`.
                if kind == "FHIR" && self.takes('.') {
                    kind = self.name()?;
                }
                Step::OfType(kind)
            }
            "extension" => Step::Extension(self.string()?),
            "where" => Step::Where(self.conditions()?),
            other => return Err(unsupported(other)),
        };
        self.push(path, step)?;
        self.needs(')')
    }

    fn conditions(&mut self) -> Result<Vec<Condition>, Fault> {
        let mut all = vec![];
        loop {
            self.steps += 1;
            all.push(self.condition()?);
            self.space();
            if self.rest.as_str().starts_with("and ") {
                self.rest.nth(3);
            } else {
                return Ok(all);
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let mut path = Path::default();
        loop {
            let before = self.rest.clone();
            if self.name()? == "exists" && self.takes('(') {
                self.needs(')')?;
                return Ok(Condition { path, test: Test::Exists });
            }
            self.rest = before;
            self.step(&mut path)?;
            while self.takes('[') {
                let index = self.digits().parse().map_err(|_| grammar())?;
                self.push(&mut path, Step::Index(index))?;
                self.needs(']')?;
            }
            if !self.takes('.') {
                break;
            }
        }
        self.needs('=')?;
        self.space();
        let test = if self.peek() == Some('\'') { Test::Text(self.string()?) } else { Test::Plain(self.plain()?) };
        Ok(Condition { path, test })
    }

    fn digits(&mut self) -> String {
        self.space();
        let mut digits = String::new();
        while let Some(digit) = self.peek().filter(char::is_ascii_digit) {
            digits.push(digit);
            self.rest.next();
        }
        self.space();
        digits
    }

    /// A name, which may stand in backticks.
    fn name(&mut self) -> Result<String, Fault> {
        self.space();
        let quoted = self.takes('`');
        let mut name = String::new();
        while let Some(char) = self.peek() {
            let first = char.is_ascii_alphabetic() || char == '_' || (char == '$' && !quoted);
            if !(first || (!name.is_empty() && char.is_ascii_digit())) {
                break;
            }
            name.push(char);
            self.rest.next();
        }
        if name.is_empty() || (quoted && !self.takes('`')) { Err(self.beyond()) } else { Ok(name) }
    }

    /// A number, `true` or `false`.
    fn plain(&mut self) -> Result<String, Fault> {
        let mut plain = String::new();
        while let Some(char) = self.peek().filter(|char| char.is_ascii_alphanumeric() || matches!(char, '-' | '.')) {
            plain.push(char);
            self.rest.next();
        }
        let known = matches!(plain.as_str(), "true" | "false") || plain.parse::<f64>().is_ok();
        if known { Ok(plain) } else { Err(self.beyond()) }
    }

    /// A string in quotes with its escapes (<http://hl7.org/fhirpath/N1/#string>).
    fn string(&mut self) -> Result<String, Fault> {
        self.needs('\'')?;
        let mut text = String::new();
        loop {
            match self.rest.next().ok_or_else(grammar)? {
                '\'' => return Ok(text),
                '\\' => text.push(self.escaped().ok_or_else(grammar)?),
                char => text.push(char),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.rest.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            'u' => {
                let digits: String = self.rest.by_ref().take(4).collect();
                char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?
            }
            plain @ ('\'' | '"' | '`' | '\\' | '/') => plain,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str) -> Step {
        Step::Element(name.to_owned())
    }

    #[test]
    fn a_path_is_read_with_its_conditions() {
        let read = |text| read(text, "Communication").unwrap().0;
        assert_eq!(read("Communication"), []);
        assert_eq!(read("Communication.payload[2].content"), [element("payload"), Step::Index(2), element("content")]);
        assert_eq!(read("payload.first().content.ofType(FHIR.string)")[3], Step::OfType("string".to_owned()));
        assert_eq!(read("text.`div`"), [element("text"), element("div")]);
        let Step::Where(conditions) =
            &read("identifier . where( system = 'urn:a\\'b' and value.exists() and use = 5 )")[1]
        else {
            panic!("there is a condition");
        };
        assert_eq!(conditions[0].test, Test::Text("urn:a'b".to_owned()));
        assert_eq!(conditions[1], Condition { path: Path(vec![element("value")]), test: Test::Exists });
        assert_eq!(conditions[2].test, Test::Plain("5".to_owned()));
        assert_eq!(read("extension('http://a').value")[0], Step::Extension("http://a".to_owned()));
    }

    #[test]
    fn what_is_no_path_here_is_told_by_what_it_uses() {
        for (text, code, named) in [
            ("", IssueCode::Value, "cannot be read"),
            ("payload[", IssueCode::Value, "cannot be read"),
            ("payload[x]", IssueCode::Value, "cannot be read"),
            ("payload.where(a = 'b", IssueCode::Value, "cannot be read"),
            ("payload.", IssueCode::Value, "cannot be read"),
            ("payload.skip(1)", IssueCode::NotSupported, "skip"),
            ("payload.where(a != 'b')", IssueCode::NotSupported, "operator"),
            ("payload.where(a = 'b' or c = 'd')", IssueCode::NotSupported, "uses or"),
            ("payload | note", IssueCode::NotSupported, "operator"),
            ("payload.where(a = @2026)", IssueCode::NotSupported, "operator"),
            ("resolve()", IssueCode::NotSupported, "resolve"),
        ] {
            let fault = read(text, "Communication").unwrap_err();
            assert_eq!(fault.code(), code, "{text}");
            assert!(fault.message().contains(named), "{text}: {}", fault.message());
        }
        assert!(read(&"a.".repeat(400), "Communication").is_err());
        assert!(read(&format!("a{}", "[0]".repeat(100)), "Communication").is_err());
    }
}

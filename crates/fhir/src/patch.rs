//! JSON Patch (<https://www.rfc-editor.org/rfc/rfc6902>, <https://hl7.org/fhir/R4/http.html#patch>) on a resource's text:
//! values are cut out and put in where they lie, and every other byte stays as the client once sent it. Beside it stands
//! the FHIRPath Patch of [`apply_parameters`].

mod parameters;
mod path;
mod place;

use std::ops::Range;

use crate::issue::{Issue, IssueCode};
use crate::json::{Tree, Value};
use crate::text::quote;

pub use parameters::apply as apply_parameters;

/// How many operations a patch may have.
pub const MAX_OPERATIONS: usize = 100;

/// How many bytes of a resource the operations of a patch may go through together: each reads the whole of it.
pub const MAX_WORK: usize = 16 << 20;

/// What the operations of a patch have gone through.
#[derive(Default)]
struct Work(usize);

impl Work {
    /// Refuses an operation over a text when those before it have gone through as much as all may.
    fn begin(&mut self, place: usize, text: &str) -> Result<(), Vec<Issue>> {
        self.0 += text.len();
        if self.0 <= MAX_WORK {
            return Ok(());
        }
        let message = format!(
            "Operation {place} is one too many for a resource of {} bytes. Send fewer operations at once, or the whole \
             resource by an update. Nothing was changed.",
            text.len()
        );
        Err(vec![Issue::error(IssueCode::TooCostly, message)])
    }
}

/// The text with all operations of a patch made. `limit` is how long it may become, in bytes.
///
/// # Errors
/// The patch is no JSON Patch ([`IssueCode::Structure`]), or one of its operations cannot be made
/// ([`IssueCode::Processing`]), or there are more than the resource's length bears ([`IssueCode::TooCostly`]): then none
/// is.
pub fn apply(text: &str, patch: &[u8], limit: usize) -> Result<String, Vec<Issue>> {
    let patch = Tree::read(patch).map_err(|problems| {
        let told = problems.iter().map(|problem| Issue::error(IssueCode::Structure, problem.to_string()));
        told.collect::<Vec<_>>()
    })?;
    let operations = read(patch.root())?;
    let (mut text, mut work) = (text.to_owned(), Work::default());
    for (place, operation) in operations.iter().enumerate() {
        work.begin(place, &text)?;
        let done = operation.apply(&text).map_err(|fault| vec![fault.told(place)])?;
        if done.len() > limit {
            let message = format!("Operation {place} makes the resource longer than {limit} bytes.");
            return Err(vec![Issue::error(IssueCode::TooLong, message)]);
        }
        text = done;
    }
    Ok(text)
}

/// One operation of a patch.
#[derive(Debug)]
enum Operation<'p> {
    Add { path: Pointer, value: &'p str },
    Remove { path: Pointer },
    Replace { path: Pointer, value: &'p str },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: &'p str },
}

/// The unescaped steps of a JSON Pointer (<https://www.rfc-editor.org/rfc/rfc6901>).
type Pointer = Vec<String>;

/// Why an operation cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// There is nothing at the place.
    Missing,
    /// The value at the place is another one.
    Differs,
    /// The whole resource cannot go away.
    Whole,
}

impl Fault {
    fn told(self, place: usize) -> Issue {
        let what = match self {
            Self::Missing => "names a place that the resource does not have",
            Self::Differs => "tests a value that is another one in the resource",
            Self::Whole => "takes the resource itself away, which only a delete can",
        };
        let message = format!("Operation {place} {what}. Read the resource again; nothing was changed.");
        Issue::error(IssueCode::Processing, message)
    }
}

fn read(patch: Value<'_>) -> Result<Vec<Operation<'_>>, Vec<Issue>> {
    let wrong = |message: String| vec![Issue::error(IssueCode::Structure, message)];
    if !patch.is_array() {
        return Err(wrong("A JSON Patch is an array of operations.".to_owned()));
    }
    let items: Vec<_> = patch.items().collect();
    if items.len() > MAX_OPERATIONS {
        return Err(wrong(format!(
            "A patch may have {MAX_OPERATIONS} operations at most. Update the resource instead."
        )));
    }
    let mut operations = vec![];
    for (place, item) in items.into_iter().enumerate() {
        let operation = operation(item).ok_or_else(|| {
            wrong(format!(
                "Operation {place} is none: it has op (add, remove, replace, move, copy or test), path and what the op \
                 needs (value or from). A path is a JSON Pointer such as /payload/0."
            ))
        })?;
        operations.push(operation);
    }
    Ok(operations)
}

fn operation(item: Value<'_>) -> Option<Operation<'_>> {
    let member = |name: &str| item.get(name);
    let path = pointer(&member("path")?.as_str()?)?;
    let value = || member("value").map(Value::raw);
    let from = || pointer(&member("from")?.as_str()?);
    Some(match &*member("op")?.as_str()? {
        "add" => Operation::Add { path, value: value()? },
        "remove" => Operation::Remove { path },
        "replace" => Operation::Replace { path, value: value()? },
        "move" => Operation::Move { from: from()?, path },
        "copy" => Operation::Copy { from: from()?, path },
        "test" => Operation::Test { path, value: value()? },
        _ => return None,
    })
}

fn pointer(text: &str) -> Option<Pointer> {
    if text.is_empty() {
        return Some(vec![]);
    }
    let steps = text.strip_prefix('/')?.split('/').map(|step| {
        let bytes = step.as_bytes();
        let is_escape = |at: usize| matches!(bytes.get(at + 1), Some(b'0' | b'1'));
        let legal = (0..bytes.len()).all(|at| bytes[at] != b'~' || is_escape(at));
        legal.then(|| step.replace("~1", "/").replace("~0", "~"))
    });
    steps.collect()
}

impl Operation<'_> {
    fn apply(&self, text: &str) -> Result<String, Fault> {
        let tree = reread(text)?;
        match self {
            Self::Add { path, value } => add(&tree, path, value),
            Self::Remove { path } => remove(&tree, path),
            Self::Replace { path, value } => {
                let at = find(tree.root(), path)?.span();
                Ok(spliced(text, at, value))
            }
            Self::Move { from, path } if from == path => find(tree.root(), from).map(|_| text.to_owned()),
            // A value cannot be moved into itself.
            Self::Move { from, path } if path.starts_with(from) => Err(Fault::Missing),
            Self::Move { from, path } => {
                let value = find(tree.root(), from)?.raw();
                add(&reread(&remove(&tree, from)?)?, path, value)
            }
            Self::Copy { from, path } => add(&tree, path, find(tree.root(), from)?.raw()),
            Self::Test { path, value } => {
                if same(find(tree.root(), path)?.raw(), value) {
                    Ok(text.to_owned())
                } else {
                    Err(Fault::Differs)
                }
            }
        }
    }
}

/// What one operation leaves is JSON, unless it has put a member in twice, which none does.
fn reread(text: &str) -> Result<Tree, Fault> {
    Tree::read(text.as_bytes()).map_err(|_| Fault::Missing)
}

fn find<'t>(root: Value<'t>, path: &[String]) -> Result<Value<'t>, Fault> {
    path.iter().map(String::as_str).try_fold(root, child).ok_or(Fault::Missing)
}

fn child<'t>(at: Value<'t>, step: &str) -> Option<Value<'t>> {
    if at.is_array() { at.items().nth(index(step)?) } else { at.get(step) }
}

/// A position in an array: digits without a zero before them.
fn index(step: &str) -> Option<usize> {
    let plain = step.bytes().all(|byte| byte.is_ascii_digit()) && (step.len() == 1 || !step.starts_with('0'));
    step.parse().ok().filter(|_| plain)
}

fn add(tree: &Tree, path: &[String], value: &str) -> Result<String, Fault> {
    let text = tree.text();
    let Some((last, parents)) = path.split_last() else { return Ok(value.to_owned()) };
    let parent = find(tree.root(), parents)?;
    if parent.is_object() {
        return Ok(match parent.get(last) {
            Some(old) => spliced(text, old.span(), value),
            None => appended(text, parent, parent.members().last(), &format!("{}:{value}", quote(last))),
        });
    }
    if !parent.is_array() {
        return Err(Fault::Missing);
    }
    let count = parent.items().count();
    let at = if last == "-" { count } else { index(last).filter(|at| *at <= count).ok_or(Fault::Missing)? };
    match parent.items().nth(at) {
        Some(next) => Ok(spliced(text, next.span().start..next.span().start, &format!("{value},"))),
        None => Ok(appended(text, parent, parent.items().last(), value)),
    }
}

/// The text with something put behind the last part of an object or array.
fn appended(text: &str, parent: Value<'_>, last: Option<Value<'_>>, new: &str) -> String {
    match last {
        Some(last) => spliced(text, last.span().end..last.span().end, &format!(",{new}")),
        None => spliced(text, parent.span().start + 1..parent.span().end - 1, new),
    }
}

fn remove(tree: &Tree, path: &[String]) -> Result<String, Fault> {
    let gone = find(tree.root(), path)?;
    let Some((_, parents)) = path.split_last() else { return Err(Fault::Whole) };
    let parent = find(tree.root(), parents)?;
    let parts: Vec<_> = if parent.is_array() { parent.items().collect() } else { parent.members().collect() };
    let at = parts.iter().position(|part| part.index() == gone.index()).ok_or(Fault::Missing)?;
    // The comma before it goes with it; that of the first is the one behind.
    let cut = match (at.checked_sub(1).map(|before| parts[before]), parts.get(at + 1)) {
        (Some(before), _) => before.span().end..gone.span().end,
        (None, Some(next)) => gone.member_span().start..next.member_span().start,
        (None, None) => gone.member_span(),
    };
    Ok(spliced(tree.text(), cut, ""))
}

fn spliced(text: &str, at: Range<usize>, new: &str) -> String {
    format!("{}{new}{}", &text[..at.start], &text[at.end..])
}

/// Whether two texts say the same value: members in any order, numbers as numbers.
fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    read(one).is_some_and(|one| read(other) == Some(one))
}

/// Whether a body is meant as a patch, whatever its media type says: generated clients send all as `application/json`.
pub fn is_patch(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TEXT: &str = r#"{ "a" : 1.10, "b":[1, 2 ,3], "c":{ "d~/e":null, "f":"x" }, "g": [] }"#;

    fn patched(patch: &serde_json::Value) -> Result<String, Issue> {
        apply(TEXT, patch.to_string().as_bytes(), 10_000).map_err(|mut issues| issues.remove(0))
    }

    #[test]
    fn an_operation_changes_its_place_and_nothing_else() {
        for (operation, expected) in [
            (json!({"op":"replace","path":"/b/1","value":9}), TEXT.replace(" 2 ", " 9 ")),
            (json!({"op":"add","path":"/b/0","value":0}), TEXT.replace("[1,", "[0,1,")),
            (json!({"op":"add","path":"/b/3","value":4}), TEXT.replace(",3]", ",3,4]")),
            (json!({"op":"add","path":"/b/-","value":4}), TEXT.replace(",3]", ",3,4]")),
            (json!({"op":"add","path":"/g/-","value":{}}), TEXT.replace("[] }", "[{}] }")),
            (json!({"op":"add","path":"/c/h","value":"y"}), TEXT.replace("\"x\" }", "\"x\",\"h\":\"y\" }")),
            (json!({"op":"add","path":"/c/f","value":"y"}), TEXT.replace("\"x\"", "\"y\"")),
            (json!({"op":"remove","path":"/c/d~0~1e"}), TEXT.replace("\"d~/e\":null, ", "")),
            (json!({"op":"remove","path":"/b/2"}), TEXT.replace(" ,3", "")),
            (json!({"op":"remove","path":"/g"}), TEXT.replace(", \"g\": []", "")),
            (json!({"op":"copy","from":"/a","path":"/g/0"}), TEXT.replace("[] }", "[1.10] }")),
            (json!({"op":"move","from":"/b/0","path":"/b/2"}), TEXT.replace("1, 2 ,3", "2 ,3,1")),
            (
                json!({"op":"move","from":"/c/f","path":"/f"}),
                TEXT.replace(", \"f\":\"x\"", "").replace("[] }", "[],\"f\":\"x\" }"),
            ),
            (json!({"op":"test","path":"/a","value":1.1}), TEXT.to_owned()),
            (json!({"op":"test","path":"/c","value":{"f":"x","d~/e":null}}), TEXT.to_owned()),
        ] {
            assert_eq!(patched(&json!([operation])).unwrap(), expected, "{operation}");
        }
    }

    #[test]
    fn what_cannot_be_made_is_told_by_its_place_in_the_patch_and_nothing_is_made() {
        for operation in [
            json!({"op":"test","path":"/a","value":2}),
            json!({"op":"remove","path":"/z"}),
            json!({"op":"remove","path":""}),
            json!({"op":"replace","path":"/z","value":1}),
            json!({"op":"add","path":"/b/4","value":1}),
            json!({"op":"add","path":"/b/01","value":1}),
            json!({"op":"add","path":"/a/x","value":1}),
            json!({"op":"move","from":"/c","path":"/c/f"}),
            json!({"op":"copy","from":"/z","path":"/y"}),
        ] {
            let issue = patched(&json!([{"op":"remove","path":"/a"}, operation])).unwrap_err();
            assert_eq!(issue.code, IssueCode::Processing, "{operation}");
            assert!(issue.message.contains("Operation 1"), "{}", issue.message);
        }
        for patch in [
            json!({}),
            json!([1]),
            json!([{"op":"add","path":"/a"}]),
            json!([{"op":"add","path":"a","value":1}]),
            json!([{"op":"add","path":"/~2","value":1}]),
            json!([{"op":"merge","path":"/a","value":1}]),
            json!([{"op":"move","path":"/a"}]),
        ] {
            assert_eq!(patched(&patch).unwrap_err().code, IssueCode::Structure, "{patch}");
        }
        let many = vec![json!({"op":"test","path":"/a","value":1.1}); MAX_OPERATIONS + 1];
        assert_eq!(patched(&json!(many)).unwrap_err().code, IssueCode::Structure);
        let doubling = vec![json!({"op":"copy","from":"","path":"/g/-"}); 20];
        assert_eq!(patched(&json!(doubling)).unwrap_err().code, IssueCode::TooLong);
        assert!(apply(TEXT, b"[", 100).is_err() && is_patch(b" \n[{") && !is_patch(b"{") && !is_patch(b""));
    }

    #[test]
    fn many_operations_on_a_long_resource_are_refused() {
        let long = json!({ "a": 1, "b": "x".repeat(1 << 20) }).to_string();
        let tests = |count: usize| json!(vec![json!({"op":"test","path":"/a","value":1}); count]).to_string();
        assert_eq!(apply(&long, tests(15).as_bytes(), usize::MAX).unwrap(), long);
        let refused = apply(&long, tests(16).as_bytes(), usize::MAX).unwrap_err().remove(0);
        assert_eq!(refused.code, IssueCode::TooCostly);
        assert!(refused.message.contains("Operation 15") && refused.message.contains("update"), "{}", refused.message);
        assert!(apply(TEXT, tests(0).as_bytes(), 1000).is_ok());
        // What an operation makes long counts from then on.
        let grown = json!([{"op":"add","path":"/b","value":"x".repeat(9 << 20)}, {"op":"remove","path":"/a"},
            {"op":"remove","path":"/g"}]);
        assert_eq!(apply(TEXT, grown.to_string().as_bytes(), usize::MAX).unwrap_err()[0].code, IssueCode::TooCostly);
    }

    /// The plainest reading of an addition or a removal, on values.
    fn plainly(mut value: serde_json::Value, path: &str, new: Option<&serde_json::Value>) -> Option<serde_json::Value> {
        let (parent, last) = path.rsplit_once('/')?;
        match (value.pointer_mut(parent)?, new) {
            (serde_json::Value::Object(members), Some(new)) => {
                members.insert(last.to_owned(), new.clone());
            }
            (serde_json::Value::Object(members), None) => {
                members.remove(last)?;
            }
            (serde_json::Value::Array(items), Some(new)) => {
                let at = if last == "-" { items.len() } else { index(last).filter(|at| *at <= items.len())? };
                items.insert(at, new.clone());
            }
            (serde_json::Value::Array(items), None) => {
                items.remove(index(last).filter(|at| *at < items.len())?);
            }
            _ => return None,
        }
        Some(value)
    }

    fn documents() -> impl Strategy<Value = serde_json::Value> {
        let leaf =
            prop_oneof![Just(json!(null)), Just(json!(true)), (0..9).prop_map(|n| json!(n)), Just(json!("é\"\\"))];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::Array),
                prop::collection::hash_map("[a-c]", inner, 0..4)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_patch_on_the_text_is_a_patch_on_the_value(
            document in documents(),
            path in "(/[a-c0-3-]){1,3}",
            new in prop::option::of(documents()),
        ) {
            let operation = match &new {
                Some(new) => json!([{"op":"add","path":path,"value":new}]),
                None => json!([{"op":"remove","path":path}]),
            };
            let text = serde_json::to_string_pretty(&document).unwrap();
            let done = apply(&text, operation.to_string().as_bytes(), 100_000).ok();
            let done = done.map(|text| serde_json::from_str::<serde_json::Value>(&text).unwrap());
            prop_assert_eq!(done, plainly(document, &path, new.as_ref()));
        }

        #[test]
        fn no_patch_makes_the_reader_panic(patch in "\\PC{0,120}") {
            let _ = apply(TEXT, patch.as_bytes(), 10_000);
        }
    }
}

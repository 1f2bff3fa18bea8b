//! FHIRPath Patch (<http://hl7.org/fhir/R4/fhirpatch.html>): a Parameters resource whose operations add, insert, delete,
//! replace and move what their paths find. What they come to is done to the text as a JSON Patch does it.

use super::path::{self, Path, Step};
use super::place::{Defined, Place, find, one, pointer, several};
use super::{MAX_OPERATIONS, Pointer, Work, add, remove, reread, spliced};
use crate::definitions::{Shape, TypeId};
use crate::issue::{Issue, IssueCode};
use crate::json::{Tree, Value};
use crate::text::quote;
use crate::validate::{self, Options};

/// Why an operation cannot be read or made; its message goes on after the operation's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    code: IssueCode,
    message: String,
}

impl Fault {
    pub(super) fn new(code: IssueCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The operation is one, but cannot be made on this resource.
    pub(super) fn processing(message: &str) -> Self {
        Self::new(IssueCode::Processing, message)
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> IssueCode {
        self.code
    }

    #[cfg(test)]
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    fn told(self, place: usize) -> Vec<Issue> {
        let message = format!("Operation {place} {} Nothing was changed.", self.message);
        vec![Issue::error(self.code, message).at(format!("Parameters.parameter[{place}]"))]
    }
}

impl From<super::Fault> for Fault {
    fn from(_: super::Fault) -> Self {
        Self::processing("names a place that the resource does not have.")
    }
}

/// The text with all operations of a FHIRPath Patch made. `limit` is how long it may become, in bytes.
///
/// # Errors
/// The Parameters are not valid or hold no operations that are known (every other [`IssueCode`]), or an operation cannot
/// be made on this resource ([`IssueCode::Processing`]), or there are more than the resource's length bears
/// ([`IssueCode::TooCostly`]): then none is.
pub fn apply(text: &str, parameters: &[u8], limit: usize) -> Result<String, Vec<Issue>> {
    let (tree, issues) = validate::read(parameters, "Parameters", Options::default());
    if issues.iter().any(Issue::is_error) {
        return Err(issues);
    }
    let items: Vec<Value<'_>> = tree.root().each("parameter").collect();
    if items.is_empty() || items.len() > MAX_OPERATIONS {
        let message = format!("A FHIRPath Patch has 1 to {MAX_OPERATIONS} parameters named operation.");
        return Err(vec![Issue::error(IssueCode::Structure, message).at("Parameters.parameter")]);
    }
    let kind = Tree::read(text.as_bytes()).ok().and_then(|tree| Some(tree.root().text("resourceType")?.into_owned()));
    let kind = kind.unwrap_or_default();
    let mut operations = vec![];
    for (place, item) in items.into_iter().enumerate() {
        operations.push(Operation::read(item, &kind).map_err(|fault| fault.told(place))?);
    }
    let (mut text, mut work) = (text.to_owned(), Work::default());
    for (place, operation) in operations.iter().enumerate() {
        work.begin(place, &text)?;
        text = operation.apply(&text).map_err(|fault| fault.told(place))?;
        if text.len() > limit {
            let message = format!("Operation {place} makes the resource longer than {limit} bytes.");
            return Err(vec![Issue::error(IssueCode::TooLong, message)]);
        }
    }
    Ok(text)
}

/// One operation of a patch.
#[derive(Debug)]
enum Operation<'p> {
    Add { path: Path, name: String, value: Given<'p> },
    Insert { list: List, index: usize, value: Given<'p> },
    Delete { path: Path },
    Replace { path: Path, value: Given<'p> },
    Move { list: List, source: usize, destination: usize },
}

/// The part that gives an operation its value: a `value[x]`, a resource, or parts that are the elements of a structure.
#[derive(Clone, Copy, Debug)]
struct Given<'p>(Value<'p>);

/// An element that repeats: where it is, and its name there.
#[derive(Debug)]
struct List {
    parent: Path,
    name: String,
}

impl List {
    fn of(mut path: Path) -> Result<Self, Fault> {
        match path.0.pop() {
            Some(Step::Element(name)) => Ok(Self { parent: path, name }),
            _ => Err(Fault::new(IssueCode::Value, "needs a path that ends with the name of an element that repeats.")),
        }
    }

    /// The object that holds the list, and what is said of the element.
    fn at<'t>(&self, tree: &'t Tree) -> Result<(Place<'t>, TypeId, Defined<'static>), Fault> {
        let parent = one(tree, &self.parent)?;
        let kind = parent.kind.ok_or_else(primitive)?;
        let defined = Defined::of(kind, &self.name)?;
        if defined.element.is_many {
            Ok((parent, kind, defined))
        } else {
            Err(Fault::new(IssueCode::Value, "has the path of an element that does not repeat."))
        }
    }
}

fn primitive() -> Fault {
    Fault::new(IssueCode::Value, "has the path of a value that has no elements.")
}

impl<'p> Operation<'p> {
    fn read(item: Value<'p>, kind: &str) -> Result<Self, Fault> {
        let part = |name: &str| item.each("part").find(|part| part.get("name").is_some_and(|own| own.is_str(name)));
        let text = |name: &str| {
            let value = part(name)?.members().find(|member| member.name().starts_with("value"))?;
            value.as_str().map(std::borrow::Cow::into_owned)
        };
        let shape = || {
            let text = "is none: a parameter named operation has the parts type (add, insert, delete, replace or move), \
                        path, and what the type needs (name, value, index, source, destination).";
            Fault::new(IssueCode::Structure, text)
        };
        if !item.get("name").is_some_and(|name| name.is_str("operation")) {
            return Err(shape());
        }
        let number = |name: &str| {
            let value = part(name)?.get("valueInteger")?.as_i64()?;
            usize::try_from(value).ok()
        };
        let path = path::read(&text("path").ok_or_else(shape)?, kind)?;
        let value = || part("value").map(Given).ok_or_else(shape);
        Ok(match text("type").ok_or_else(shape)?.as_str() {
            "add" => Self::Add { path, name: text("name").ok_or_else(shape)?, value: value()? },
            "insert" => {
                Self::Insert { list: List::of(path)?, index: number("index").ok_or_else(shape)?, value: value()? }
            }
            "delete" => Self::Delete { path },
            "replace" => Self::Replace { path, value: value()? },
            "move" => Self::Move {
                list: List::of(path)?,
                source: number("source").ok_or_else(shape)?,
                destination: number("destination").ok_or_else(shape)?,
            },
            _ => return Err(shape()),
        })
    }

    fn apply(&self, text: &str) -> Result<String, Fault> {
        let tree = reread(text)?;
        match self {
            Self::Add { path, name, value } => {
                let parent = one(&tree, path)?;
                let kind = parent.kind.ok_or_else(primitive)?;
                let defined = Defined::of(kind, name)?;
                let (member, json) = value.json(defined)?;
                match (defined.element.is_many, defined.member(parent.value)) {
                    (true, Some(list)) => Ok(add(&tree, &child(pointer(list), "-"), &json)?),
                    (true, None) => Ok(add(&tree, &child(parent.pointer(), &member), &format!("[{json}]"))?),
                    (false, None) => Ok(add(&tree, &child(parent.pointer(), &member), &json)?),
                    (false, Some(_)) => {
                        Err(Fault::processing("adds an element that is there already and does not repeat: replace it."))
                    }
                }
            }
            Self::Insert { list, index, value } => {
                let (parent, _, defined) = list.at(&tree)?;
                let (member, json) = value.json(defined)?;
                match defined.member(parent.value) {
                    Some(list) => Ok(add(&tree, &child(pointer(list), &index.to_string()), &json)?),
                    None if *index == 0 => Ok(add(&tree, &child(parent.pointer(), &member), &format!("[{json}]"))?),
                    None => Err(super::Fault::Missing.into()),
                }
            }
            Self::Delete { path } => {
                let mut found = find(&tree, path)?;
                match (found.pop(), found.is_empty()) {
                    (None, _) => Ok(text.to_owned()),
                    (Some(place), true) => deleted(&tree, place.pointer()),
                    (Some(_), false) => Err(several()),
                }
            }
            Self::Replace { path, value } => replaced(&tree, path, *value),
            Self::Move { list, source, destination } => {
                let (parent, _, defined) = list.at(&tree)?;
                let list = defined.member(parent.value).ok_or(super::Fault::Missing)?;
                let item = list.items().nth(*source).ok_or(super::Fault::Missing)?;
                let without = reread(&remove(&tree, &pointer(item))?)?;
                Ok(add(&without, &child(pointer(list), &destination.to_string()), item.raw())?)
            }
        }
    }
}

fn child(mut pointer: Pointer, name: &str) -> Pointer {
    pointer.push(name.to_owned());
    pointer
}

/// The text without what is at a place, without what stood beside a primitive there, and without what is left empty.
fn deleted(tree: &Tree, mut at: Pointer) -> Result<String, Fault> {
    let mut text = remove(tree, &at)?;
    let name = at.pop().ok_or(super::Fault::Whole)?;
    let companion = child(at.clone(), &format!("_{name}"));
    let rest = reread(&text)?;
    if super::find(rest.root(), &companion).is_ok() {
        text = remove(&rest, &companion)?;
    }
    let rest = reread(&text)?;
    // FHIR has no empty arrays and objects.
    if !at.is_empty() && super::find(rest.root(), &at)?.is_empty() { deleted(&rest, at) } else { Ok(text) }
}

fn replaced(tree: &Tree, path: &Path, value: Given<'_>) -> Result<String, Fault> {
    let place = one(tree, path)?;
    let Some(parent) = place.parent else {
        return Err(Fault::processing("replaces the resource itself, which an update does."));
    };
    let mut at = place.pointer();
    // The element is named by the last step that is no position.
    let named = at.iter().rposition(|step| step.parse::<usize>().is_err()).ok_or(super::Fault::Missing)?;
    let defined = Defined::under(parent, &at[named]).ok_or(super::Fault::Missing)?;
    let (member, json) = value.json(defined)?;
    if member == at[named] {
        return Ok(spliced(tree.text(), place.value.span(), &json));
    }
    // Another type of a choice has another name.
    let without = reread(&remove(tree, &at)?)?;
    at.truncate(named);
    Ok(add(&without, &child(at, &member), &json)?)
}

impl Given<'_> {
    /// The JSON of the value and the name under which it stands as that element.
    fn json(self, defined: Defined<'_>) -> Result<(String, String), Fault> {
        let given = self.0;
        if given.members().any(|member| member.name().starts_with("_value")) {
            let text = "gives a primitive with an id or extensions, which an update does.";
            return Err(Fault::new(IssueCode::NotSupported, text));
        }
        if let Some(value) = given.members().find(|member| member.name().starts_with("value")) {
            let (name, _) = defined.named(&value.name()["value".len()..])?;
            return Ok((name, value.raw().to_owned()));
        }
        let (name, shape) = defined.named("")?;
        match (given.get("resource"), shape) {
            (Some(resource), Shape::AnyResource) => Ok((name, resource.raw().to_owned())),
            (None, Shape::Object(kind) | Shape::Reference(kind, _)) => Ok((name, structure(given, kind)?)),
            _ => Err(Fault::new(IssueCode::Structure, "has a value that is empty or of another form.")),
        }
    }
}

/// A structure whose elements are parts: repeated parts of one name are the items of one list.
fn structure(given: Value<'_>, kind: TypeId) -> Result<String, Fault> {
    let mut members: Vec<(String, bool, Vec<String>)> = vec![];
    for part in given.each("part") {
        let name = part.text("name").unwrap_or_default();
        let defined = Defined::of(kind, &name)?;
        let (member, json) = Given(part).json(defined)?;
        match members.iter_mut().find(|(known, ..)| *known == member) {
            Some((_, true, items)) => items.push(json),
            Some(_) => return Err(Fault::new(IssueCode::Structure, "gives an element twice that does not repeat.")),
            None => members.push((member, defined.element.is_many, vec![json])),
        }
    }
    if members.is_empty() {
        return Err(Fault::new(IssueCode::Structure, "has a value that is empty."));
    }
    let written = members.into_iter().map(|(name, is_many, items)| {
        let value = items.join(",");
        if is_many { format!("{}:[{value}]", quote(&name)) } else { format!("{}:{value}", quote(&name)) }
    });
    Ok(format!("{{{}}}", written.collect::<Vec<_>>().join(",")))
}

#[cfg(test)]
mod tests;

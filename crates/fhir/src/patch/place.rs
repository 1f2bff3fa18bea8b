//! Places in a resource's text, found by a path and known by their types.

use super::Pointer;
use super::parameters::Fault;
use super::path::{Condition, Path, Step, Test};
use crate::definitions::{Element, Member, Shape, Type, TypeId, r4};
use crate::issue::IssueCode;
use crate::json::{self, Kind, Tree, Value};

/// A value with what the definitions say of it.
#[derive(Clone, Debug)]
pub(super) struct Place<'t> {
    /// The value.
    pub(super) value: Value<'t>,
    /// Its type, when it is an object.
    pub(super) kind: Option<TypeId>,
    /// The type of the object that holds it; the resource itself is in none.
    pub(super) parent: Option<TypeId>,
    /// The type that stands in a choice's name, such as `String` of `contentString`.
    choice: Option<String>,
}

/// What a type says of one of its elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defined<'d> {
    kind: &'d Type,
    /// Its position in the type.
    at: usize,
    /// The element.
    pub(super) element: &'d Element,
}

impl<'d> Defined<'d> {
    /// The element of that name, if the type has one.
    pub(super) fn of(kind: TypeId, name: &str) -> Result<Self, Fault> {
        let kind = r4().get(kind);
        let at = kind.elements.iter().position(|element| element.name == name);
        at.map(|at| Self { kind, at, element: &kind.elements[at] }).ok_or_else(|| {
            let known = if json::is_plain_name(name) { name } else { "such" };
            Fault::new(IssueCode::Value, format!("names an element {known}, which {} does not have.", kind.name))
        })
    }

    /// The element that stands under a JSON name, if the type has one.
    pub(super) fn under(kind: TypeId, member: &str) -> Option<Self> {
        let kind = r4().get(kind);
        let at = usize::from(kind.member(member)?.element);
        Some(Self { kind, at, element: &kind.elements[at] })
    }

    /// Whether a member's name is one of the element's.
    fn is_at(self, member: &str) -> Option<&'d Member> {
        self.kind.member(member).filter(|own| usize::from(own.element) == self.at)
    }

    /// The name under which a value of that type stands in JSON, and its shape. The type is the part of a name behind
    /// `value`, such as `CodeableConcept`, and counts for choices alone.
    pub(super) fn named(self, suffix: &str) -> Result<(String, Shape), Fault> {
        let name = if self.element.is_choice {
            format!("{}{suffix}", self.element.name)
        } else {
            self.element.name.to_owned()
        };
        let found = self.is_at(&name).ok_or_else(|| {
            Fault::new(
                IssueCode::Value,
                format!("gives {} a value of a type that it does not take.", self.element.name),
            )
        })?;
        Ok((name, found.shape))
    }

    /// The member that holds the element in an object.
    pub(super) fn member(self, object: Value<'_>) -> Option<Value<'_>> {
        object.members().find(|member| self.is_at(&member.name()).is_some())
    }
}

/// The resource itself.
fn root(tree: &Tree) -> Option<Place<'_>> {
    let value = tree.root();
    Some(Place { value, kind: Some(own_type(value)?), parent: None, choice: None })
}

/// All places that a path finds.
pub(super) fn find<'t>(tree: &'t Tree, path: &Path) -> Result<Vec<Place<'t>>, Fault> {
    let root = root(tree).ok_or_else(|| Fault::new(IssueCode::Structure, "meets a resource of no known type."))?;
    walk(vec![root], path)
}

/// The one place that a path finds.
pub(super) fn one<'t>(tree: &'t Tree, path: &Path) -> Result<Place<'t>, Fault> {
    let mut found = find(tree, path)?;
    match (found.pop(), found.is_empty()) {
        (Some(place), true) => Ok(place),
        (None, _) => Err(Fault::processing("has a path that finds nothing in the resource.")),
        (Some(_), false) => Err(several()),
    }
}

/// A path that finds more than one place where one is meant.
pub(super) fn several() -> Fault {
    Fault::processing("has a path that finds several places: name one of them, by [n] or by where().")
}

impl Place<'_> {
    /// The steps to it.
    pub(super) fn pointer(&self) -> Pointer {
        pointer(self.value)
    }
}

/// The steps to a value.
pub(super) fn pointer(value: Value<'_>) -> Pointer {
    let step = |step: json::Step<'_>| match step {
        json::Step::Member(name) => name.into_owned(),
        json::Step::Index(at) => at.to_string(),
    };
    value.tree().steps(value.index()).into_iter().map(step).collect()
}

fn walk<'t>(from: Vec<Place<'t>>, path: &Path) -> Result<Vec<Place<'t>>, Fault> {
    path.0.iter().try_fold(from, |found, step| {
        Ok(match step {
            Step::Element(name) => {
                let each: Result<Vec<_>, _> = found.iter().map(|place| children(place, name)).collect();
                each?.concat()
            }
            Step::Index(at) => found.into_iter().skip(*at).take(1).collect(),
            Step::First => found.into_iter().take(1).collect(),
            Step::Last => found.into_iter().next_back().into_iter().collect(),
            Step::OfType(kind) => found.into_iter().filter(|place| place.is(kind)).collect(),
            Step::Extension(url) => {
                let each: Result<Vec<_>, _> = found.iter().map(|place| children(place, "extension")).collect();
                each?
                    .concat()
                    .into_iter()
                    .filter(|own| own.value.get("url").is_some_and(|own| own.is_str(url)))
                    .collect()
            }
            Step::Where(conditions) => {
                let mut kept = vec![];
                for place in found {
                    if holds(&place, conditions)? {
                        kept.push(place);
                    }
                }
                kept
            }
        })
    })
}

fn children<'t>(place: &Place<'t>, name: &str) -> Result<Vec<Place<'t>>, Fault> {
    let Some(kind) = place.kind else {
        let text = "looks into a value that has no elements. What stands beside a primitive is changed by an update.";
        return Err(Fault::new(IssueCode::NotSupported, text));
    };
    let defined = Defined::of(kind, name)?;
    let mut found = vec![];
    for member in place.value.members() {
        let own = member.name();
        let Some(known) = defined.is_at(&own) else { continue };
        let choice = defined.element.is_choice.then(|| own[name.len()..].to_owned());
        let placed = |value: Value<'t>| Place {
            value,
            kind: type_of(known.shape, value),
            parent: Some(kind),
            choice: choice.clone(),
        };
        if member.is_array() {
            found.extend(member.items().map(placed));
        } else {
            found.push(placed(member));
        }
    }
    Ok(found)
}

/// The type of a value of that shape.
fn type_of(shape: Shape, value: Value<'_>) -> Option<TypeId> {
    match shape {
        Shape::Object(kind) | Shape::Reference(kind, _) => Some(kind),
        Shape::AnyResource => own_type(value),
        Shape::Primitive(_) | Shape::Attribute(_) => None,
    }
}

fn own_type(value: Value<'_>) -> Option<TypeId> {
    r4().resource(&value.get("resourceType")?.as_str()?)
}

impl Place<'_> {
    fn is(&self, kind: &str) -> bool {
        match (&self.choice, self.kind) {
            (Some(choice), _) => choice.eq_ignore_ascii_case(kind),
            (None, Some(own)) => r4().get(own).name == kind,
            (None, None) => false,
        }
    }
}

fn holds(place: &Place<'_>, conditions: &[Condition]) -> Result<bool, Fault> {
    for Condition { path, test } in conditions {
        let found = walk(vec![place.clone()], path)?;
        let so = found.iter().any(|own| match test {
            Test::Exists => true,
            Test::Text(text) => own.value.is_str(text),
            Test::Plain(plain) => match own.value.kind() {
                Kind::Bool => own.value.raw() == plain,
                Kind::Number => own.value.raw().parse::<f64>().ok() == plain.parse().ok(),
                _ => false,
            },
        });
        if !so {
            return Ok(false);
        }
    }
    Ok(true)
}

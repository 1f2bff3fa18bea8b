//! The walk itself.

use super::issues::Issues;
use super::reference::Scope;
use super::{Options, primitive, rule};
use crate::definitions::{Class, Definitions, Element, Primitive, Shape, Type, TypeId, r4};
use crate::issue::{Issue, IssueCode};
use crate::json::{Kind, Tree, Value, is_plain_name};

/// Validates a tree whose reading has found `found` already.
pub(super) fn validate(tree: &Tree, expected: &str, options: Options, found: Vec<Issue>) -> Vec<Issue> {
    let scope = Scope::new(tree.root());
    let mut walk = Walk { definitions: r4(), options, issues: Issues::new(tree, found), scope };
    walk.root(tree.root(), expected);
    walk.issues.finish()
}

pub(super) struct Walk<'t> {
    pub(super) definitions: &'static Definitions,
    options: Options,
    pub(super) issues: Issues<'t>,
    /// The resource whose contained resources can be referred to.
    pub(super) scope: Scope<'t>,
}

/// The object whose members are being looked at.
struct Parent<'t> {
    value: Value<'t>,
    kind: &'static Type,
    /// Whether a member's name begins with `_`.
    has_companions: bool,
}

impl<'t> Walk<'t> {
    fn root(&mut self, value: Value<'t>, expected: &str) {
        if !value.is_object() {
            self.issues.error(value, IssueCode::Structure, format!("a {expected} must be a JSON object"));
            return;
        }
        match value.get("resourceType") {
            Some(named) if named.is_str(expected) => {}
            Some(_) => {
                let message =
                    format!("resourceType must be {expected} here: send the resource to the address of its own type");
                self.issues.missing(value, "resourceType", IssueCode::Structure, message);
                return;
            }
            None => {
                let message = format!("resourceType is missing: it must be {expected} here");
                self.issues.missing(value, "resourceType", IssueCode::Structure, message);
                return;
            }
        }
        if let Some(kind) = self.definitions.resource(expected) {
            self.resource(value, kind);
        } else {
            let message = format!("{expected} is no resource type of FHIR R4");
            self.issues.error(value, IssueCode::NotSupported, message);
        }
    }

    fn resource(&mut self, value: Value<'t>, kind: TypeId) {
        self.object(value, kind);
        self.check_contained();
    }

    /// A resource within another: contained, in a Bundle's entry or in a parameter.
    fn inner_resource(&mut self, value: Value<'t>, is_contained: bool) {
        if !value.is_object() {
            self.issues.error(value, IssueCode::Structure, "a resource must be a JSON object");
            return;
        }
        let kind = value.get("resourceType").and_then(Value::as_str).and_then(|name| self.definitions.resource(&name));
        let Some(kind) = kind else {
            self.issues.missing(
                value,
                "resourceType",
                IssueCode::Structure,
                "resourceType must name a resource type of FHIR R4",
            );
            return;
        };
        if is_contained {
            self.object(value, kind);
            self.check_as_contained(value);
        } else {
            let outer = std::mem::replace(&mut self.scope, Scope::new(value));
            self.resource(value, kind);
            self.scope = outer;
        }
    }

    fn object(&mut self, value: Value<'t>, kind: TypeId) {
        if !value.is_object() {
            self.issues.error(value, IssueCode::Structure, "a JSON object is expected here");
            return;
        }
        let kind = self.definitions.get(kind);
        let is_resource = kind.class == Class::Resource;
        let has_companions = value.members().any(|member| member.name().starts_with('_'));
        let parent = Parent { value, kind, has_companions };
        let (mut seen, mut has_content) = (0_u128, is_resource);
        for member in value.members() {
            if self.issues.is_full() {
                return;
            }
            let name = member.name();
            if is_resource && name == "resourceType" {
                continue;
            }
            let is_empty_array = member.is_array() && member.is_empty();
            has_content |= name != "id" && !is_empty_array;
            let is_companion = name.starts_with('_');
            let plain = if is_companion { &name[1..] } else { &*name };
            let found = kind.member(plain).filter(|found| !is_companion || matches!(found.shape, Shape::Primitive(_)));
            let Some(found) = found else {
                // What was meant as a choice is not reported as missing too.
                seen |= choice_meant(kind, plain).map_or(0, |at| 1 << at);
                self.unknown(&parent, member, &name);
                continue;
            };
            let element = kind.element(found);
            let bit = 1_u128 << found.element;
            if element.is_choice && seen & bit != 0 {
                self.check_choice(&parent, member, plain, found.element);
            }
            // A companion without a value is an issue of its own, unless it stands for the value.
            seen |= if is_empty_array { 0 } else { bit };
            if is_companion {
                self.companion(&parent, member, plain, element);
            } else {
                self.element(&parent, member, element, found.shape);
            }
        }
        if !has_content {
            self.issues.error(value, IssueCode::Structure, "the object says nothing: give it content or leave it out");
            return;
        }
        for (at, element) in kind.elements.iter().enumerate() {
            if element.is_required && seen & (1 << at) == 0 {
                self.missing(value, element);
            }
        }
        rule::check(self, value, kind.name);
    }

    fn missing(&mut self, value: Value<'t>, element: &Element) {
        let message = format!("{} is required here", element.name);
        self.issues.missing(value, element.name, IssueCode::Required, message);
    }

    fn unknown(&mut self, parent: &Parent<'t>, member: Value<'t>, name: &str) {
        let kind = parent.kind.name;
        let plain = name.strip_prefix('_').unwrap_or(name);
        let message = if name == "resourceType" {
            format!("{kind} is no resource and has no resourceType")
        } else if !is_plain_name(name) {
            format!("{kind} has no element of such a name: remove it")
        } else if parent.kind.member(plain).is_some() {
            format!("{name} can not stand here: {plain} takes no such companion")
        } else if let Some(choice) = choice_meant(parent.kind, plain) {
            let choice = parent.kind.elements[choice].name;
            format!("{kind} has no element {name}: {choice} must be followed by the name of one of its types")
        } else {
            format!("{kind} has no element {name} in FHIR R4: remove it, or send it as an extension")
        };
        self.issues.error(member, IssueCode::Structure, message);
    }

    /// A choice was seen before: it must have been the same one, or its companion.
    fn check_choice(&mut self, parent: &Parent<'t>, member: Value<'t>, plain: &str, element: u8) {
        let is_other = |earlier: Value<'t>| {
            let name = earlier.name();
            let name = name.strip_prefix('_').unwrap_or(&name);
            name != plain && parent.kind.member(name).is_some_and(|own| own.element == element)
        };
        let mut earlier = parent.value.members().take_while(|earlier| earlier.index() < member.index());
        if earlier.any(is_other) {
            let name = parent.kind.elements[usize::from(element)].name;
            let message = format!("{name} is given in more than one type: keep one of them");
            self.issues.error(member, IssueCode::Structure, message);
        }
    }

    fn element(&mut self, parent: &Parent<'t>, member: Value<'t>, element: &Element, shape: Shape) {
        if !element.is_many {
            if member.is_array() {
                if member.is_empty() {
                    self.empty_array(member, element.name);
                } else {
                    self.issues.error(member, IssueCode::Structure, format!("{} must not be an array", element.name));
                }
            } else if member.is_null() {
                self.null(member, element.name);
            } else {
                self.single(member, element, shape);
            }
            return;
        }
        if !member.is_array() {
            self.issues.error(member, IssueCode::Structure, format!("{} must be an array", element.name));
            return;
        }
        if member.is_empty() {
            self.empty_array(member, element.name);
            return;
        }
        let companion = if parent.has_companions { companion_of(parent, member) } else { None };
        let mut companions = companion.into_iter().flat_map(Value::items);
        for item in member.items() {
            if self.issues.is_full() {
                return;
            }
            let beside = companions.next();
            if !item.is_null() {
                self.single(item, element, shape);
            } else if !beside.is_some_and(Value::is_object) {
                self.null(item, element.name);
            }
        }
    }

    fn null(&mut self, at: Value<'t>, name: &str) {
        self.issues.error(at, IssueCode::Structure, format!("{name} must not be null: leave it out instead"));
    }

    fn empty_array(&mut self, at: Value<'t>, name: &str) {
        let message = format!("{name} is an empty array, which says nothing: leave it out");
        if self.options.refuse_empty_arrays {
            self.issues.error(at, IssueCode::Structure, message);
        } else {
            self.issues.warning(at, IssueCode::Structure, format!("{message}. It was removed."));
        }
    }

    /// One value of an element, not null.
    fn single(&mut self, value: Value<'t>, element: &Element, shape: Shape) {
        match shape {
            Shape::Primitive(primitive) | Shape::Attribute(primitive) => self.primitive(value, element.name, primitive),
            Shape::Object(kind) => self.object(value, kind),
            Shape::Reference(kind, targets) => {
                self.object(value, kind);
                self.check_reference(value, targets);
            }
            Shape::AnyResource => self.inner_resource(value, element.name == "contained"),
        }
    }

    fn primitive(&mut self, value: Value<'t>, name: &str, primitive: Primitive) {
        if matches!(value.kind(), Kind::Object | Kind::Array) {
            self.issues.error(value, IssueCode::Structure, format!("{name} must be a single value"));
        } else if let Err(remedy) = primitive::check(primitive, value) {
            self.issues.error(value, IssueCode::Value, format!("{name} {remedy}"));
        } else if matches!(primitive, Primitive::Uri | Primitive::Url | Primitive::Canonical) {
            self.scope.note_fragment(value);
        }
    }

    /// The companion of a primitive: its id and extensions.
    fn companion(&mut self, parent: &Parent<'t>, member: Value<'t>, plain: &str, element: &Element) {
        let beside = parent.value.get(plain);
        if !element.is_many {
            self.companion_object(member, element, beside.is_some());
            return;
        }
        if !member.is_array() {
            self.issues.error(member, IssueCode::Structure, format!("_{plain} must be an array, as {plain} is"));
            return;
        }
        if member.is_empty() {
            self.empty_array(member, &format!("_{plain}"));
            return;
        }
        let beside = beside.filter(|beside| beside.is_array() && !beside.is_empty());
        if beside.is_some_and(|beside| beside.items().count() != member.items().count()) {
            let message = format!("{plain} and _{plain} must be of one length: fill the gaps with null");
            self.issues.error(member, IssueCode::Structure, message);
        }
        let mut values = beside.into_iter().flat_map(Value::items);
        for item in member.items() {
            if self.issues.is_full() {
                return;
            }
            let has_value = values.next().is_some_and(|value| !value.is_null());
            if !item.is_null() {
                self.companion_object(item, element, has_value);
            } else if beside.is_none() {
                self.null(item, element.name);
            }
        }
    }

    fn companion_object(&mut self, value: Value<'t>, element: &Element, has_value: bool) {
        let name = element.name;
        if !value.is_object() {
            let message = format!("what stands beside {name} must be an object with its id and extensions");
            self.issues.error(value, IssueCode::Structure, message);
            return;
        }
        if !has_value && !has_extension(value) {
            let message = format!("{name} has neither a value nor an extension: give it one or leave it out");
            let code = if element.is_required { IssueCode::Required } else { IssueCode::Structure };
            self.issues.error(value, code, message);
            return;
        }
        if let Some(element) = self.definitions.type_id("Element") {
            // An id alone is content here, for there is a value beside it.
            if value.members().all(|member| member.is_named("id")) && !value.is_empty() {
                for id in value.members() {
                    self.primitive_id(id);
                }
            } else {
                self.object(value, element);
            }
        }
    }

    fn primitive_id(&mut self, id: Value<'t>) {
        if id.is_null() {
            self.null(id, "id");
        } else {
            self.primitive(id, "id", Primitive::String);
        }
    }
}

/// The choice element that an unknown name seems to mean.
fn choice_meant(kind: &Type, name: &str) -> Option<usize> {
    kind.elements.iter().position(|own| own.is_choice && name.starts_with(own.name))
}

/// The `_` companion of a member.
fn companion_of<'t>(parent: &Parent<'t>, member: Value<'t>) -> Option<Value<'t>> {
    let name = member.name();
    parent.value.members().find(|own| own.name().strip_prefix('_') == Some(&*name)).filter(|own| own.is_array())
}

/// Whether a companion carries an extension.
fn has_extension(companion: Value<'_>) -> bool {
    companion.get("extension").is_some_and(|extensions| !extensions.is_empty())
}

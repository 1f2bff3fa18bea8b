//! What FHIR R4 allows in each type: the table in `definitions/r4.txt`, read once.
//!
//! The file is written by `scripts/fhir-definitions.py` from the official definitions and explains its own form. A
//! mistake in it is a mistake in the program, so reading it panics; a test reads all of it.

mod load;

use std::collections::HashMap;
use std::sync::LazyLock;

static R4: LazyLock<Definitions> = LazyLock::new(|| load::load(include_str!("definitions/r4.txt")));

/// The definitions of FHIR R4.
pub(crate) fn r4() -> &'static Definitions {
    &R4
}

/// All types.
#[derive(Debug)]
pub(crate) struct Definitions {
    types: Vec<Type>,
    by_name: HashMap<&'static str, TypeId>,
    lists: Vec<CodeList>,
    targets: Vec<Vec<&'static str>>,
}

/// The position of a type in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TypeId(u16);

/// The position of a list of codes in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListId(u16);

/// The position of a list of reference targets in the table; 0 allows every type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TargetsId(u16);

/// What sort of type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Only a base of others.
    Abstract,
    /// A resource.
    Resource,
    /// A data type.
    Datatype,
    /// A part of a resource, named by its path.
    Part,
}

/// A type and its elements, those of its bases included.
#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    pub(crate) class: Class,
    pub(crate) elements: Vec<Element>,
    /// The names under which the elements stand in JSON, sorted; a choice has one for each of its types.
    members: Vec<Member>,
}

/// An element of a type.
#[derive(Clone, Debug)]
pub(crate) struct Element {
    /// Its name in FHIRPath: a choice's without its type.
    pub(crate) name: &'static str,
    pub(crate) is_required: bool,
    pub(crate) is_many: bool,
    pub(crate) is_choice: bool,
}

/// A JSON name of an element.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    name: Box<str>,
    /// The element's position in its type.
    pub(crate) element: u8,
    pub(crate) shape: Shape,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A primitive, which may have a companion with id and extensions.
    Primitive(Primitive),
    /// A primitive that may have no companion.
    Attribute(Primitive),
    /// An object of that type.
    Object(TypeId),
    /// A Reference to one of those types.
    Reference(TypeId, TargetsId),
    /// Any resource.
    AnyResource,
}

/// The primitive types (<https://hl7.org/fhir/R4/datatypes.html#primitive>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    /// A code from a list.
    Bound(ListId),
    /// A code that is a media type.
    MediaType,
    /// A code that is an ISO 4217 currency.
    Currency,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// The codes that a required binding allows.
#[derive(Debug)]
pub(crate) struct CodeList {
    /// The value set's name.
    pub(crate) name: &'static str,
    /// Sorted.
    pub(crate) codes: Vec<&'static str>,
}

impl Definitions {
    /// The type of that name.
    pub(crate) fn type_id(&self, name: &str) -> Option<TypeId> {
        self.by_name.get(name).copied()
    }

    /// The resource type of that name.
    pub(crate) fn resource(&self, name: &str) -> Option<TypeId> {
        self.type_id(name).filter(|id| self.get(*id).class == Class::Resource)
    }

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        &self.types[usize::from(id.0)]
    }

    pub(crate) fn list(&self, id: ListId) -> &CodeList {
        &self.lists[usize::from(id.0)]
    }

    /// The types that a reference may point to; empty when it may point to any.
    pub(crate) fn targets(&self, id: TargetsId) -> &[&'static str] {
        &self.targets[usize::from(id.0)]
    }
}

impl Type {
    /// The element that stands in JSON under that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        let at = self.members.binary_search_by(|member| (*member.name).cmp(name)).ok()?;
        Some(&self.members[at])
    }

    pub(crate) fn element(&self, member: &Member) -> &Element {
        &self.elements[usize::from(member.element)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_table_can_be_read() {
        let definitions = r4();
        let resources = definitions.types.iter().filter(|own| own.class == Class::Resource).count();
        assert_eq!(resources, 146);
        for own in &definitions.types {
            assert!(own.elements.len() <= 128, "{}: a walk counts elements in 128 bits", own.name);
            assert!(own.members.is_sorted_by(|a, b| a.name < b.name), "{}", own.name);
        }
    }

    #[test]
    fn a_choice_stands_under_one_name_for_each_of_its_types() {
        let definitions = r4();
        let payload = definitions.get(definitions.type_id("Communication.payload").unwrap());
        let text = payload.member("contentString").unwrap();
        assert_eq!(text.shape, Shape::Primitive(Primitive::String));
        assert_eq!(payload.element(text).name, "content");
        assert!(payload.element(text).is_required && payload.element(text).is_choice);
        assert!(payload.member("content").is_none() && payload.member("contentQuantity").is_none());
        assert!(payload.member("modifierExtension").is_some() && payload.member("id").is_some());
    }

    #[test]
    fn a_binding_lists_its_codes_and_a_reference_its_targets() {
        let definitions = r4();
        let communication = definitions.get(definitions.resource("Communication").unwrap());
        let Shape::Primitive(Primitive::Bound(list)) = communication.member("status").unwrap().shape else { panic!() };
        assert!(definitions.list(list).codes.contains(&"in-progress"));
        let Shape::Reference(_, targets) = communication.member("subject").unwrap().shape else { panic!() };
        assert_eq!(definitions.targets(targets), ["Patient", "Group"]);
        let Shape::Reference(_, targets) = communication.member("about").unwrap().shape else { panic!() };
        assert!(definitions.targets(targets).is_empty());
    }
}

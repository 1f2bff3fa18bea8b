//! Search (<https://hl7.org/fhir/R4/search.html>): which parameters there are, what a resource is found by and what a
//! query asks for.
//!
//! One table, [`parameters`], says all of it: the grammar reads it ([`parse()`]), the values that a resource is found by
//! are taken from the places it names ([`values`]), and the CapabilityStatement and the OpenAPI document are written from
//! it. What a query asks is a [`domain::search::Search`]; how it is answered is the store's business.
//!
//! Repeated parameters must all hold, values joined by commas are alternatives, `\,` `\|` `\$` and `\\` stand for the
//! characters themselves. Dates are compared as intervals of their own precision; a date or time without a zone is in
//! UTC. Chains and `_has` reach one reference far and no further than the caller sees. What is not offered is refused by
//! name, unless the client prefers lenient handling: then unknown parameters are ignored and told. An unsupported
//! modifier is always refused, as FHIR asks: to ignore it would turn the meaning of the query around.

mod condition;
mod cursor;
mod date;
mod include;
mod index;
mod parse;
mod query;
mod result;
mod shape;
mod sort;
mod table;
mod value;

use domain::id::ResourceType;
use domain::search::SortBy;

use crate::canonical;

pub use include::{Include, MAX_INCLUDED};
pub use index::values;
pub use parse::{Asker, Handling, Parsed, general, parse};
pub use result::{DEFAULT_COUNT, MAX_COUNT, RESULT_PARAMETERS, ResultParameter};
pub use shape::Shape;

pub(crate) use cursor::{seal, token as cursor_token, unseal};
pub(crate) use date::Interval;
pub(crate) use query::{encode, pairs};
pub(crate) use value::{Asked, Refused, split, unescape};

/// How many parameters a query may have.
pub const MAX_PARAMETERS: usize = 64;

/// How many values all parameters of a query may have together.
pub const MAX_VALUES: usize = 200;

/// How long one value may be, in bytes.
pub const MAX_VALUE_BYTES: usize = 2000;

/// A search parameter of a resource type.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name in a query.
    pub name: &'static str,
    /// How values are compared.
    pub kind: ParameterKind,
    /// What is compared.
    pub source: Source,
    /// Whether FHIR defines it or this service does.
    pub origin: Origin,
    /// What results are ordered by when they are sorted by this parameter; `None`: they cannot be.
    pub sort: Option<SortBy>,
    /// What it is to patients and their proxies, who do not see all of what staff see.
    pub for_patients: ForPatients,
    /// What it finds, for people.
    pub documentation: &'static str,
}

/// The types of search parameters (<https://hl7.org/fhir/R4/search.html#ptypes>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// `[code]`, `[system]|[code]`, `|[code]`, `[system]|`
    Token(TokenOf),
    /// `[type]/[id]`, `[id]` or an address; to one of these types, or to any when none is named.
    Reference(&'static [&'static str]),
    /// The canonical address of a definition of one of these types, with or without its version.
    Canonical(&'static [&'static str]),
    /// An address, compared as a whole.
    Uri,
    /// The beginning of a text, whatever its case and accents.
    Text,
    /// A date with its prefix.
    Date,
}

impl ParameterKind {
    /// The code of the type (<https://hl7.org/fhir/R4/valueset-search-param-type.html>).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Reference(_) | Self::Canonical(_) => "reference",
            Self::Uri => "uri",
            Self::Text => "string",
            Self::Date => "date",
        }
    }

    /// The resource types that a reference may be to; none for other types of parameters.
    pub const fn targets(self) -> &'static [&'static str] {
        match self {
            Self::Reference(targets) | Self::Canonical(targets) => targets,
            Self::Token(_) | Self::Uri | Self::Text | Self::Date => &[],
        }
    }

    /// The modifiers that it takes; `[type]` stands for the name of a type.
    pub const fn modifiers(self) -> &'static [&'static str] {
        match self {
            Self::Token(TokenOf::Concept | TokenOf::ConceptOf(_) | TokenOf::Coding | TokenOf::Identifier) => {
                &["missing", "not", "text"]
            }
            Self::Token(_) => &["missing", "not"],
            Self::Reference(_) => &["missing", "identifier", "[type]"],
            Self::Canonical(_) | Self::Uri | Self::Text | Self::Date => &["missing"],
        }
    }

    /// The stored types that a reference may be to, of which a chain may ask more.
    pub fn stored_targets(self) -> impl Iterator<Item = ResourceType> + Clone {
        let (is_reference, targets) = match self {
            Self::Reference(targets) => (true, targets),
            _ => (false, [].as_slice()),
        };
        let may_be =
            move |kind: &ResourceType| is_reference && (targets.is_empty() || targets.contains(&kind.as_str()));
        ResourceType::ALL.iter().copied().filter(may_be)
    }
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOf {
    /// The logical id.
    Id,
    /// An element of type `code`, whose system its binding implies: asked with or without it.
    Code(&'static str),
    /// `true` or `false`, asked with or without the system of special values.
    Boolean,
    /// The codings of a `CodeableConcept`.
    Concept,
    /// A Coding.
    Coding,
    /// The codings of a `CodeableConcept`, where these systems are names of one and the same.
    ConceptOf(&'static [&'static str]),
    /// An Identifier: its value within its system.
    Identifier,
}

/// Where a parameter's values come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The resource's id.
    RowId,
    /// When the version was written.
    RowLastUpdated,
    /// When anybody last wrote in the resource's thread.
    LastActivity,
    /// Who has not read it, which no version of it says.
    UnreadBy,
    /// The patient whom the resource is about, which its row knows; in these places, where another than a patient of
    /// this address space may stand.
    Patient(&'static [Place]),
    /// The root of the resource's thread, which its row knows; these places say it too.
    Thread(&'static [Place]),
    /// Elements of the resource.
    Elements(&'static [Place]),
    /// The values of all these other parameters and, which no version says, who is to answer in the resource's thread.
    Party(&'static [&'static str]),
    /// This code of this system, unless these places say another: only that is kept. The system is empty when the
    /// element's definition implies it.
    Usually(&'static [Place], &'static str, &'static str),
}

/// A place in a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The elements at a path of names joined by dots; all items of repeated ones.
    Element(&'static str),
    /// Of the references at a path those to a type.
    ReferenceTo(&'static str, &'static str),
    /// The value of the outermost extension of that address.
    Extension(&'static str),
}

/// What a parameter is to patients and their proxies: what they are not shown must not be found by them either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForPatients {
    /// The same as to everyone.
    Same,
    /// Not offered.
    Hidden,
    /// A token of which they are shown `shown` for each of the codes in `stored`.
    Folded {
        /// The code that they see.
        shown: &'static str,
        /// The codes that it stands for, itself among them.
        stored: &'static [&'static str],
    },
}

/// Who has defined a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// FHIR, for every resource.
    Resource,
    /// FHIR, for this type.
    Type,
    /// FHIR, for this and other clinical types.
    Clinical,
    /// This service.
    Ours,
}

/// The parameters by which resources of a type are found.
pub fn parameters(kind: ResourceType) -> &'static [Parameter] {
    table::of(kind)
}

/// The parameter of that name.
pub fn parameter(kind: ResourceType, name: &str) -> Option<&'static Parameter> {
    parameters(kind).iter().find(|parameter| parameter.name == name)
}

impl Parameter {
    /// The stored types that values of the parameter refer to; what no version says refers to nothing.
    pub fn stored_targets(&self) -> impl Iterator<Item = ResourceType> + Clone + use<> {
        let says = self.source != Source::UnreadBy;
        self.kind.stored_targets().filter(move |_| says)
    }

    /// The address of the `SearchParameter` resource that defines it.
    pub fn definition(&self, kind: ResourceType) -> String {
        match self.origin {
            Origin::Resource => {
                format!("http://hl7.org/fhir/SearchParameter/Resource-{}", self.name.trim_start_matches('_'))
            }
            Origin::Type => format!("http://hl7.org/fhir/SearchParameter/{kind}-{}", self.name),
            Origin::Clinical => format!("http://hl7.org/fhir/SearchParameter/clinical-{}", self.name),
            Origin::Ours => format!("{}/SearchParameter/{kind}-{}", canonical::BASE, self.name),
        }
    }

    /// What is compared, as FHIRPath; nothing when no element says it.
    pub fn expression(&self, kind: ResourceType) -> Option<String> {
        match self.source {
            Source::RowId => Some("Resource.id".to_owned()),
            Source::RowLastUpdated if self.origin == Origin::Type => Some(format!("{kind}.lastModified")),
            Source::RowLastUpdated => Some("Resource.meta.lastUpdated".to_owned()),
            Source::LastActivity | Source::UnreadBy => None,
            _ => {
                let expressions: Vec<_> = self.places(kind).into_iter().map(|place| place.expression(kind)).collect();
                Some(expressions.join(" | "))
            }
        }
    }

    /// The places in a resource where its values stand.
    fn places(&self, kind: ResourceType) -> Vec<Place> {
        match self.source {
            Source::RowId | Source::RowLastUpdated | Source::LastActivity | Source::UnreadBy => vec![],
            Source::Patient(places)
            | Source::Thread(places)
            | Source::Elements(places)
            | Source::Usually(places, ..) => places.to_vec(),
            Source::Party(names) => {
                names.iter().filter_map(|name| parameter(kind, name)).flat_map(|own| own.places(kind)).collect()
            }
        }
    }

    /// The names under which its values are kept: its own, or those of the parameters that it is made of.
    fn indexed(&self) -> Vec<&'static str> {
        match self.source {
            Source::Party(names) => names.to_vec(),
            _ => vec![self.name],
        }
    }
}

impl Place {
    fn expression(self, kind: ResourceType) -> String {
        match self {
            Self::Element(path) => format!("{kind}.{path}"),
            Self::ReferenceTo(path, target) => format!("{kind}.{path}.where(resolve() is {target})"),
            Self::Extension(url) => format!("{kind}.extension.where(url = '{url}').value"),
        }
    }
}

#[cfg(test)]
mod tests;

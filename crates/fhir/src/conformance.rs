//! What the service itself defines, as resources that are served to be read and found: its extensions, code systems,
//! search parameters and operations. Each is made from the table by which it is served, so that neither can say what the
//! other does not.

mod code_system;
mod extension;
mod find;
mod made;

use std::sync::LazyLock;

use serde_json::Value;

use crate::interaction::{Interaction, Route};
use crate::search::{ParameterKind, TokenOf};

pub use find::{Found, find};

/// A type of resource that defines something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Defined {
    /// <https://hl7.org/fhir/R4/codesystem.html>
    CodeSystem,
    /// <https://hl7.org/fhir/R4/valueset.html>
    ValueSet,
    /// <https://hl7.org/fhir/R4/searchparameter.html>
    SearchParameter,
    /// <https://hl7.org/fhir/R4/operationdefinition.html>
    OperationDefinition,
    /// <https://hl7.org/fhir/R4/structuredefinition.html>
    StructureDefinition,
}

/// What definitions are found by.
#[derive(Debug)]
pub struct DefinedParameter {
    /// Its name in a query.
    pub name: &'static str,
    /// How values are compared.
    pub kind: ParameterKind,
    /// The member that is compared; each item of an array.
    pub member: &'static str,
    /// The id of FHIR's own definition of it.
    definition: &'static str,
    /// What it finds, for people.
    pub documentation: &'static str,
}

/// What definitions of every type are found by.
const OF_EVERY: &[DefinedParameter] = &[
    DefinedParameter { member: "id", ..parameter("_id", CODE, "Resource-id", "The logical id.") },
    parameter("url", ParameterKind::Uri, "conformance-url", "The canonical address."),
    parameter("version", CODE, "conformance-version", "The version, which is the software's."),
    parameter("name", ParameterKind::Text, "conformance-name", "The beginning of the name."),
    parameter("status", ParameterKind::Token(STATUS), "conformance-status", "The state: always active."),
];

const OF_SEARCH_PARAMETERS: &[DefinedParameter] = &[
    parameter("code", CODE, "SearchParameter-code", "The name of the parameter in a query."),
    parameter("base", ParameterKind::Token(BASE), "SearchParameter-base", "The type that is found by it."),
    parameter("type", ParameterKind::Token(TYPE), "SearchParameter-type", "How values are compared."),
];

const OF_OPERATIONS: &[DefinedParameter] =
    &[parameter("code", CODE, "OperationDefinition-code", "The name by which it is invoked, without the dollar sign.")];

const OF_STRUCTURES: &[DefinedParameter] =
    &[parameter("type", ParameterKind::Uri, "StructureDefinition-type", "What is constrained: always Extension.")];

/// A code of no system.
const CODE: ParameterKind = ParameterKind::Token(TokenOf::Id);

const STATUS: TokenOf = TokenOf::Code("http://hl7.org/fhir/publication-status");
const BASE: TokenOf = TokenOf::Code("http://hl7.org/fhir/resource-types");
const TYPE: TokenOf = TokenOf::Code("http://hl7.org/fhir/search-param-type");

/// A parameter that compares the member of its name.
const fn parameter(
    name: &'static str,
    kind: ParameterKind,
    definition: &'static str,
    documentation: &'static str,
) -> DefinedParameter {
    DefinedParameter { name, kind, member: name, definition, documentation }
}

impl Defined {
    /// Every type.
    pub const ALL: [Self; 5] =
        [Self::CodeSystem, Self::ValueSet, Self::SearchParameter, Self::OperationDefinition, Self::StructureDefinition];

    /// What is served of each.
    pub const INTERACTIONS: [Interaction; 3] = [Interaction::Read, Interaction::Vread, Interaction::SearchType];

    /// The FHIR name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CodeSystem => "CodeSystem",
            Self::ValueSet => "ValueSet",
            Self::SearchParameter => "SearchParameter",
            Self::OperationDefinition => "OperationDefinition",
            Self::StructureDefinition => "StructureDefinition",
        }
    }

    /// What is served of the type, for people.
    pub const fn documentation(self) -> &'static str {
        match self {
            Self::CodeSystem => "The code systems of the service.",
            Self::ValueSet => "The codes of each of the service's code systems.",
            Self::SearchParameter => "The search parameters that the service has beside those of FHIR.",
            Self::OperationDefinition => "The operations that the service has beside those of FHIR.",
            Self::StructureDefinition => "The extensions of the service.",
        }
    }

    /// What resources of the type are found by.
    pub fn parameters(self) -> impl Iterator<Item = &'static DefinedParameter> {
        let own = match self {
            Self::CodeSystem | Self::ValueSet => &[],
            Self::SearchParameter => OF_SEARCH_PARAMETERS,
            Self::OperationDefinition => OF_OPERATIONS,
            Self::StructureDefinition => OF_STRUCTURES,
        };
        OF_EVERY.iter().chain(own)
    }

    /// The methods and paths under the base address: read, vread and search.
    pub fn routes(self) -> Vec<Route> {
        let name = self.as_str();
        let read = format!("/{name}/{{id}}");
        vec![
            Route::new("GET", format!("{read}/_history/{{version}}")),
            Route::new("GET", read),
            Route::new("GET", format!("/{name}")),
            Route::new("POST", format!("/{name}/_search")),
        ]
    }
}

impl DefinedParameter {
    /// The address of FHIR's own definition of it.
    pub fn definition(&self) -> String {
        format!("http://hl7.org/fhir/SearchParameter/{}", self.definition)
    }
}

/// A resource that defines something.
#[derive(Clone, Debug)]
pub struct Definition {
    /// Its type.
    pub kind: Defined,
    /// Its id.
    pub id: String,
    /// Its canonical address.
    pub url: String,
    /// Its version, which is a digest of what it says: releases say different things, and a number would have to be kept.
    pub version: String,
    /// The resource.
    pub resource: Value,
}

/// Everything that the service defines, in the order of types and ids.
pub fn definitions() -> &'static [Definition] {
    static ALL: LazyLock<Vec<Definition>> = LazyLock::new(|| {
        let mut all: Vec<Definition> = code_system::all()
            .chain(extension::all())
            .chain(made::search_parameters())
            .chain(made::operations())
            .collect();
        all.sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
        all
    });
    &ALL
}

/// The definition of a type with that id.
pub fn definition(kind: Defined, id: &str) -> Option<&'static Definition> {
    definitions().iter().find(|own| own.kind == kind && own.id == id)
}

#[cfg(test)]
mod tests;

//! The operations that are served (<https://hl7.org/fhir/R4/operations.html>): the routes, the CapabilityStatement and
//! each `OperationDefinition` are made from these rows.

mod table;

use domain::access::Permission;
use domain::id::ResourceType;

use crate::interaction::Route;

/// An operation on resources of a type.
#[derive(Debug)]
pub struct Operation {
    /// Its name, without the dollar sign.
    pub name: &'static str,
    /// On what it is invoked.
    pub levels: &'static [Level],
    /// What a token must allow on the type.
    pub permission: Permission,
    /// Whether anything is changed by it.
    pub affects_state: bool,
    /// What it is given and what it answers with.
    pub parameters: &'static [OperationParameter],
    /// What it does, for people.
    pub documentation: &'static str,
}

/// On what an operation is invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The type as a whole: `[type]/$name`.
    Type,
    /// One resource: `[type]/[id]/$name`.
    Instance,
}

impl Level {
    /// The path under the base address of an operation on a type at this level, with `{id}` where an id stands.
    pub fn path(self, kind: ResourceType, name: &str) -> String {
        match self {
            Self::Type => format!("/{kind}/${name}"),
            Self::Instance => format!("/{kind}/{{id}}/${name}"),
        }
    }
}

/// A parameter of an operation.
#[derive(Debug)]
pub struct OperationParameter {
    /// Its name; `return` is the one that is the whole answer.
    pub name: &'static str,
    /// Whether it is given or answered.
    pub direction: Direction,
    /// How often it is there at least.
    pub min: u8,
    /// How often it is there at most: a number or `*`.
    pub max: &'static str,
    /// Its FHIR type, such as `string` or `Bundle`; `None` for one that consists of parts.
    pub kind: Option<&'static str>,
    /// What it consists of, when it has no type.
    pub parts: &'static [OperationParameter],
    /// What it says, for people.
    pub documentation: &'static str,
}

/// Which way a parameter goes (<https://hl7.org/fhir/R4/valueset-operation-parameter-use.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the service.
    In,
    /// From it.
    Out,
}

impl Operation {
    /// The address of the `OperationDefinition` that defines it: ours, or the one that the specification gives every type.
    pub fn definition(&self, kind: ResourceType) -> String {
        if self.is_standard() {
            return format!("http://hl7.org/fhir/OperationDefinition/Resource-{}", self.name);
        }
        format!("{}/OperationDefinition/{kind}-{}", crate::canonical::BASE, self.name)
    }

    /// Whether the specification defines it, for every type alike.
    pub fn is_standard(&self) -> bool {
        self.name == table::VALIDATE.name
    }

    /// The methods and paths by which it is invoked: always POST, and GET as well where nothing changes and all that it
    /// is given fits an address.
    pub fn routes(&self, kind: ResourceType) -> Vec<Route> {
        let given = self.parameters.iter().filter(|parameter| parameter.direction == Direction::In);
        let fits = |parameter: &OperationParameter| {
            parameter.kind.is_some_and(|kind| kind.starts_with(|first: char| first.is_ascii_lowercase()))
        };
        let is_safe = !self.affects_state && given.into_iter().all(fits);
        let methods = ["POST"].into_iter().chain(is_safe.then_some("GET"));
        let of = |method| self.levels.iter().map(move |level| Route::new(method, level.path(kind, self.name)));
        methods.flat_map(of).collect()
    }
}

/// The operations of a type.
pub const fn operations(kind: ResourceType) -> &'static [Operation] {
    match kind {
        ResourceType::Task => table::TASK,
        ResourceType::Communication => table::COMMUNICATION,
        ResourceType::HealthcareService
        | ResourceType::PractitionerRole
        | ResourceType::CareTeam
        | ResourceType::Consent => table::EVERY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_nothing_and_fits_an_address_is_asked_for_by_get_as_well() {
        let given = |kind| OperationParameter {
            name: "given",
            direction: Direction::In,
            min: 0,
            max: "1",
            kind: Some(kind),
            parts: &[],
            documentation: "",
        };
        let simple: &'static [OperationParameter] = Box::leak(Box::new([given("string")]));
        let resource: &'static [OperationParameter] = Box::leak(Box::new([given("Communication")]));
        let methods = |affects_state, parameters| {
            let levels = &[Level::Type];
            let operation = Operation {
                name: "o",
                levels,
                permission: Permission::Read,
                affects_state,
                parameters,
                documentation: "",
            };
            let routes = operation.routes(ResourceType::Task);
            assert!(routes.iter().all(|route| route.path == "/Task/$o"));
            routes.into_iter().map(|route| route.method).collect::<Vec<_>>()
        };
        assert_eq!(methods(false, simple), ["POST", "GET"]);
        assert_eq!(methods(false, resource), ["POST"]);
        assert_eq!(methods(true, simple), ["POST"]);
    }
}

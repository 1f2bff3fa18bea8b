//! What an operation is given: a resource by itself, or `Parameters` and the address's query together
//! (<https://hl7.org/fhir/R4/operations.html#request>).

use std::str::FromStr;

use fhir::issue::{Issue, IssueCode};
use fhir::json::{Tree, Value};
use fhir::operation::{Direction, Operation, OperationParameter};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::context::Context;
use crate::error::Failure;
use crate::manners::parameters;

/// Parameters of an address that are the interface's own, whatever is asked there.
const MANNERS: &[&str] = &["_format", "_pretty"];

/// What an operation is given, read by its row of the table.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The resource, as text.
    pub resource: Option<String>,
    values: Vec<(&'static str, String)>,
}

impl Given {
    /// Reads what stands in an address's query and in a body.
    ///
    /// # Errors
    /// A parameter that the operation does not have, unless leniency is preferred, or one that is there twice or without what it says.
    pub fn read(operation: &Operation, context: &Context, query: &str, body: Option<&[u8]>) -> Result<Self, Failure> {
        let lenient = context.manners.prefer.lenient;
        let mut given = Self::default();
        for (name, value) in parameters(query) {
            if MANNERS.contains(&name.as_str()) {
                continue;
            }
            let parameter = named(operation, &name).filter(|parameter| !is_resource(parameter));
            let Some(parameter) = parameter else {
                passed_over(operation, lenient).map_err(|issue| vec![issue])?;
                continue;
            };
            given.take(parameter, value).map_err(|issue| vec![issue])?;
        }
        let Some(body) = body else { return Ok(given) };
        // What is wrong within a resource is told by whoever looks at it; here it is only found.
        let (tree, _) = Tree::read_all(body);
        let root = tree.root();
        if root.text("resourceType").as_deref() != Some("Parameters") {
            if !operation.parameters.iter().any(|own| own.direction == Direction::In && is_resource(own)) {
                let text = format!("${} takes no resource: send Parameters, or no body.", operation.name);
                return Err(Failure::invalid(IssueCode::Structure, text));
            }
            given.resource = Some(String::from_utf8_lossy(body).into_owned());
            return Ok(given);
        }
        for (place, item) in root.each("parameter").enumerate() {
            given
                .parameter(operation, item, lenient)
                .map_err(|issue| vec![issue.at(format!("Parameters.parameter[{place}]"))])?;
        }
        Ok(given)
    }

    /// What a parameter says.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    /// What a parameter says, read as something.
    ///
    /// # Errors
    /// It cannot be read so.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        self.value(name).map(|value| value.parse().map_err(|_| unread(name))).transpose()
    }

    /// What a parameter says, as one of the codes of a closed list.
    ///
    /// # Errors
    /// It is none of them.
    pub fn code<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let read = |value: &str| serde_json::from_value(Json::String(value.to_owned())).map_err(|_| unread(name));
        self.value(name).map(read).transpose()
    }

    /// What is given, with all that the operation needs.
    ///
    /// # Errors
    /// A value that it needs is not there.
    pub fn complete(self, operation: &Operation) -> Result<Self, Failure> {
        let inward = operation.parameters.iter().filter(|own| own.direction == Direction::In && !is_resource(own));
        let missing = inward.filter(|own| own.min > 0 && self.value(own.name).is_none());
        let issues: Vec<Issue> = missing.map(|own| nothing(own, "value").at("Parameters.parameter")).collect();
        if issues.is_empty() { Ok(self) } else { Err(Failure::Invalid(issues)) }
    }

    fn parameter(&mut self, operation: &Operation, item: Value<'_>, lenient: bool) -> Result<(), Issue> {
        let name = item.text("name").unwrap_or_default();
        let Some(parameter) = named(operation, &name) else { return passed_over(operation, lenient) };
        if is_resource(parameter) {
            let resource = item.get("resource").ok_or_else(|| nothing(parameter, "resource"))?;
            if self.resource.replace(resource.raw().to_owned()).is_some() {
                return Err(twice(parameter));
            }
            return Ok(());
        }
        let value = item.members().find(|member| member.name().starts_with("value"));
        // Numbers and truth values say what they are written as.
        let value = value.and_then(|value| match value.as_str().or_else(|| value.reference()) {
            None if !value.is_object() => Some(value.raw().into()),
            said => said,
        });
        let value = value.ok_or_else(|| nothing(parameter, "value"))?;
        self.take(parameter, value.into_owned())
    }

    fn take(&mut self, parameter: &'static OperationParameter, value: String) -> Result<(), Issue> {
        if self.value(parameter.name).is_some() {
            return Err(twice(parameter));
        }
        self.values.push((parameter.name, value));
        Ok(())
    }
}

/// The parameter of that name that an operation is given.
fn named(operation: &Operation, name: &str) -> Option<&'static OperationParameter> {
    operation.parameters.iter().find(|own| own.direction == Direction::In && own.name == name)
}

/// Whether a parameter holds a resource: the name of its type begins with a capital letter.
fn is_resource(parameter: &OperationParameter) -> bool {
    parameter.kind.is_some_and(|kind| kind.starts_with(|first: char| first.is_ascii_uppercase()) && kind != "Reference")
}

fn unread(name: &str) -> Failure {
    let text = format!("What {name} says cannot be read, or is not one of its codes.");
    Failure::Invalid(vec![Issue::error(IssueCode::Value, text).at("Parameters.parameter")])
}

/// What an operation does not have is refused, unless the client prefers that it be passed over.
fn passed_over(operation: &Operation, lenient: bool) -> Result<(), Issue> {
    if lenient { Ok(()) } else { Err(unknown(operation)) }
}

fn unknown(operation: &Operation) -> Issue {
    let inward = operation.parameters.iter().filter(|own| own.direction == Direction::In);
    let names: Vec<&str> = inward.map(|own| own.name).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let text = format!("${} has no such parameter; it takes {names}.", operation.name);
    Issue::error(IssueCode::NotSupported, text)
}

fn nothing(parameter: &OperationParameter, member: &str) -> Issue {
    Issue::error(IssueCode::Required, format!("{} says nothing: give it a {member}.", parameter.name))
}

fn twice(parameter: &OperationParameter) -> Issue {
    Issue::error(IssueCode::Structure, format!("{} is there more than once: leave one.", parameter.name))
}

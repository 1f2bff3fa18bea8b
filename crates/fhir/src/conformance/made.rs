//! Definitions made from the tables of search parameters and of operations, and what all definitions say alike.

use domain::id::ResourceType;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{Defined, Definition};
use crate::canonical::BASE;
use crate::capability::FHIR_VERSION;
use crate::operation::{Direction, Level, Operation, OperationParameter, operations as operations_of};
use crate::search::{Origin, Parameter, ParameterKind, parameters};

/// A definition with what all of them say. `text` is its description, `rest` what its type says.
pub(super) fn definition(kind: Defined, id: &str, text: &str, rest: Value) -> Definition {
    let url = format!("{BASE}/{}/{id}", kind.as_str());
    let mut resource = Map::new();
    for (name, value) in [
        ("resourceType", json!(kind.as_str())),
        ("id", json!(id)),
        ("url", json!(url)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("name", json!(name(id))),
        ("status", json!("active")),
        ("experimental", json!(false)),
        ("publisher", json!("Postern")),
        ("description", json!(text)),
    ] {
        resource.insert(name.to_owned(), value);
    }
    if let Value::Object(rest) = rest {
        resource.extend(rest);
    }
    let digest = Sha256::digest(Value::Object(resource.clone()).to_string());
    let version = format!("{:016x}", digest[..8].iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)));
    resource.shift_insert(2, "meta".to_owned(), json!({ "versionId": version }));
    Definition { kind, id: id.to_owned(), url, version, resource: Value::Object(resource) }
}

/// A name as programs like it: `Task-pool` is `TaskPool`.
pub(super) fn name(id: &str) -> String {
    let capital = |part: &str| {
        let mut letters = part.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    id.split('-').map(capital).collect()
}

/// The search parameters of our own.
pub(super) fn search_parameters() -> impl Iterator<Item = Definition> {
    let ours = |kind: ResourceType| parameters(kind).iter().filter(|own| own.origin == Origin::Ours);
    ResourceType::ALL.iter().flat_map(move |kind| ours(*kind).map(|own| search_parameter(*kind, own)))
}

fn search_parameter(kind: ResourceType, parameter: &Parameter) -> Definition {
    let modifier = |own: &&str| if *own == "[type]" { "type".to_owned() } else { (*own).to_owned() };
    let mut rest = json!({
        "code": parameter.name,
        "base": [kind.as_str()],
        "type": parameter.kind.as_str(),
        "multipleOr": true,
        "multipleAnd": true,
        "modifier": parameter.kind.modifiers().iter().map(modifier).collect::<Vec<_>>(),
    });
    if let Some(expression) = parameter.expression(kind) {
        rest["expression"] = json!(expression);
    }
    if !parameter.kind.targets().is_empty() {
        rest["target"] = json!(parameter.kind.targets());
    }
    if parameter.kind == ParameterKind::Date {
        rest["comparator"] = json!(["eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"]);
    }
    definition(Defined::SearchParameter, &format!("{kind}-{}", parameter.name), parameter.documentation, rest)
}

/// The operations of our own.
pub(super) fn operations() -> impl Iterator<Item = Definition> {
    let ours =
        |kind: ResourceType| operations_of(kind).iter().filter(move |own| own.definition(kind).starts_with(BASE));
    ResourceType::ALL.iter().flat_map(move |kind| ours(*kind).map(|own| operation(*kind, own)))
}

fn operation(kind: ResourceType, operation: &Operation) -> Definition {
    let mut rest = json!({
        "kind": "operation",
        "affectsState": operation.affects_state,
        "code": operation.name,
        "resource": [kind.as_str()],
        "system": false,
        "type": operation.levels.contains(&Level::Type),
        "instance": operation.levels.contains(&Level::Instance),
    });
    if !operation.parameters.is_empty() {
        rest["parameter"] = operation.parameters.iter().map(parameter).collect();
    }
    definition(Defined::OperationDefinition, &format!("{kind}-{}", operation.name), operation.documentation, rest)
}

fn parameter(own: &OperationParameter) -> Value {
    let mut told = json!({
        "name": own.name,
        "use": match own.direction { Direction::In => "in", Direction::Out => "out" },
        "min": own.min,
        "max": own.max,
        "documentation": own.documentation,
    });
    if let Some(kind) = own.kind {
        told["type"] = json!(kind);
    }
    if !own.parts.is_empty() {
        told["part"] = own.parts.iter().map(parameter).collect();
    }
    told
}

/// What every `StructureDefinition` of ours says of itself.
pub(super) fn structure(context: &[&str], elements: &Value) -> Value {
    let context: Vec<Value> = context.iter().map(|path| json!({ "type": "element", "expression": path })).collect();
    json!({
        "fhirVersion": FHIR_VERSION,
        "kind": "complex-type",
        "abstract": false,
        "context": context,
        "type": "Extension",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Extension",
        "derivation": "constraint",
        "differential": { "element": elements },
    })
}

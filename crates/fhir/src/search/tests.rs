use std::collections::HashSet;

use domain::id::ResourceType;

use super::*;
use crate::definitions::{Shape, r4};

const COMMUNICATION: ResourceType = ResourceType::Communication;
const TASK: ResourceType = ResourceType::Task;

#[test]
fn the_table_names_places_that_the_types_have() {
    let definitions = r4();
    for kind in ResourceType::ALL {
        let mut names = HashSet::new();
        for parameter in parameters(*kind) {
            assert!(names.insert(parameter.name), "{kind} {}", parameter.name);
            for place in parameter.places(*kind) {
                let (Place::Element(path) | Place::ReferenceTo(path, _)) = place else { continue };
                let mut own = definitions.resource(kind.as_str()).unwrap();
                let path = &path;
                let mut last = None;
                for name in path.split('.') {
                    let shape = definitions.get(own).member(name).unwrap_or_else(|| panic!("{kind}.{path}")).shape;
                    if let Shape::Object(next) | Shape::Reference(next, _) = shape {
                        own = next;
                    }
                    last = Some(shape);
                }
                let fits = match (parameter.kind, last.unwrap()) {
                    (ParameterKind::Reference(targets), Shape::Reference(_, allowed)) => {
                        let allowed = definitions.targets(allowed);
                        allowed.is_empty()
                            || targets.iter().all(|target| allowed.contains(target))
                            || parameter.origin == Origin::Ours
                    }
                    (
                        ParameterKind::Date
                        | ParameterKind::Text
                        | ParameterKind::Uri
                        | ParameterKind::Canonical(_)
                        | ParameterKind::Token(TokenOf::Code(_) | TokenOf::Boolean),
                        Shape::Primitive(_),
                    ) => true,
                    (ParameterKind::Date, Shape::Object(own)) => definitions.get(own).name == "Period",
                    (ParameterKind::Token(of), Shape::Object(own)) => {
                        let expected = match of {
                            TokenOf::Identifier => "Identifier",
                            TokenOf::Coding => "Coding",
                            _ => "CodeableConcept",
                        };
                        definitions.get(own).name == expected
                    }
                    _ => false,
                };
                assert!(fits, "{kind}.{path} is not a {:?}", parameter.kind);
            }
        }
    }
}

#[test]
fn a_parameter_says_where_it_looks_and_who_has_defined_it() {
    let own = |kind, name| parameter(kind, name).unwrap();
    assert_eq!(
        own(COMMUNICATION, "patient").expression(COMMUNICATION),
        Some("Communication.subject.where(resolve() is Patient)".to_owned())
    );
    assert_eq!(
        own(COMMUNICATION, "participant").expression(COMMUNICATION),
        Some("Communication.sender | Communication.recipient".to_owned())
    );
    assert_eq!(
        own(TASK, "pool").expression(TASK),
        Some("Task.extension.where(url = 'http://postern.example/fhir/StructureDefinition/pool').value".to_owned())
    );
    assert_eq!(own(TASK, "_lastUpdated").definition(TASK), "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated");
    assert_eq!(own(TASK, "focus").definition(TASK), "http://hl7.org/fhir/SearchParameter/Task-focus");
    assert_eq!(own(TASK, "due").definition(TASK), "http://postern.example/fhir/SearchParameter/Task-due");
}

#[test]
fn every_parameter_that_fhir_defines_for_a_type_is_there() {
    for (kind, names) in [
        (
            COMMUNICATION,
            "based-on category encounter identifier instantiates-canonical instantiates-uri medium part-of patient \
             received recipient sender sent status subject",
        ),
        (
            TASK,
            "authored-on based-on business-status code encounter focus group-identifier identifier intent modified \
             owner part-of patient performer period priority requester status subject",
        ),
        (
            ResourceType::HealthcareService,
            "active characteristic coverage-area endpoint identifier location name organization program \
             service-category service-type specialty",
        ),
    ] {
        for name in names.split_whitespace().chain("_id _lastUpdated _tag _security _profile".split(' ')) {
            let found = parameter(kind, name).unwrap_or_else(|| panic!("{kind} {name}"));
            assert_ne!(found.origin, Origin::Ours, "{kind} {name}");
        }
    }
}

#[test]
fn what_the_store_keeps_in_columns_is_a_code_without_a_system_and_once() {
    for kind in ResourceType::ALL {
        for name in ["status", "priority"] {
            let Some(found) = parameter(*kind, name) else { continue };
            assert!(matches!(found.kind, ParameterKind::Token(TokenOf::Code(_))), "{kind} {name}");
            assert!(matches!(found.source, Source::Elements([_])), "{kind} {name}");
        }
    }
}

#[test]
fn the_documentation_says_the_size_of_a_page() {
    let count = RESULT_PARAMETERS.iter().find(|parameter| parameter.name == "_count").unwrap();
    for size in [DEFAULT_COUNT, MAX_COUNT] {
        assert!(count.documentation.contains(&size.to_string()), "{size}");
    }
}

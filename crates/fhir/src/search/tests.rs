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
            let Source::Elements(places) = parameter.source else { continue };
            for place in places {
                let (Place::Element(path) | Place::ReferenceTo(path, _)) = place else { continue };
                let mut own = definitions.resource(kind.as_str()).unwrap();
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
                        ParameterKind::Date | ParameterKind::Token(TokenOf::Code(_) | TokenOf::Boolean),
                        Shape::Primitive(_),
                    ) => true,
                    (ParameterKind::Token(of), Shape::Object(own)) => {
                        let expected = if of == TokenOf::Identifier { "Identifier" } else { "CodeableConcept" };
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
        "Communication.subject.where(resolve() is Patient)"
    );
    assert_eq!(
        own(COMMUNICATION, "participant").expression(COMMUNICATION),
        "Communication.sender | Communication.recipient"
    );
    assert_eq!(
        own(TASK, "pool").expression(TASK),
        "Task.extension.where(url = 'http://postern.example/fhir/StructureDefinition/pool').value"
    );
    assert_eq!(own(TASK, "_lastUpdated").definition(TASK), "http://hl7.org/fhir/SearchParameter/Resource-lastUpdated");
    assert_eq!(own(TASK, "focus").definition(TASK), "http://hl7.org/fhir/SearchParameter/Task-focus");
    assert_eq!(own(TASK, "due").definition(TASK), "http://postern.example/fhir/SearchParameter/Task-due");
}

#[test]
fn the_documentation_says_the_size_of_a_page() {
    let count = RESULT_PARAMETERS.iter().find(|parameter| parameter.name == "_count").unwrap();
    for size in [DEFAULT_COUNT, MAX_COUNT] {
        assert!(count.documentation.contains(&size.to_string()), "{size}");
    }
}

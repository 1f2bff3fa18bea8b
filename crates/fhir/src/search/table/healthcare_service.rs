//! What pools' resources are found by (<https://hl7.org/fhir/R4/healthcareservice.html#search>).

use super::super::Place::Element;
use super::super::{ParameterKind, TokenOf};
use super::{identifier, standard};

parameters![
    identifier("A business identifier of the service."),
    standard(
        "active",
        ParameterKind::Token(TokenOf::Boolean),
        &[Element("active")],
        "Whether the service is in use: true or false.",
    ),
    standard("name", ParameterKind::Text, &[Element("name")], "The beginning of the service's name."),
    standard(
        "organization",
        ParameterKind::Reference(&["Organization"]),
        &[Element("providedBy")],
        "The organization that provides the service.",
    ),
    standard(
        "location",
        ParameterKind::Reference(&["Location"]),
        &[Element("location")],
        "Where the service is provided.",
    ),
    standard(
        "coverage-area",
        ParameterKind::Reference(&["Location"]),
        &[Element("coverageArea")],
        "The area that the service is for.",
    ),
    standard(
        "endpoint",
        ParameterKind::Reference(&["Endpoint"]),
        &[Element("endpoint")],
        "A technical endpoint of the service.",
    ),
    standard(
        "service-category",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("category")],
        "The broad kind of service.",
    ),
    standard("service-type", ParameterKind::Token(TokenOf::Concept), &[Element("type")], "The kind of service."),
    standard("specialty", ParameterKind::Token(TokenOf::Concept), &[Element("specialty")], "The specialties."),
    standard(
        "characteristic",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("characteristic")],
        "What is special about the service.",
    ),
    standard(
        "program",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("program")],
        "The programs that the service belongs to.",
    ),
];

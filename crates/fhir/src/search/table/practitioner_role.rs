//! What a `PractitionerRole` is found by.

use super::super::Place::Element;
use super::super::{ParameterKind, TokenOf};
use super::{identifier, standard};

parameters![
    identifier("A business identifier of the role."),
    standard(
        "active",
        ParameterKind::Token(TokenOf::Boolean),
        &[Element("active")],
        "Whether the role is in use: true or false.",
    ),
    standard(
        "practitioner",
        ParameterKind::Reference(&["Practitioner"]),
        &[Element("practitioner")],
        "The person in the role.",
    ),
    standard(
        "service",
        ParameterKind::Reference(&["HealthcareService"]),
        &[Element("healthcareService")],
        "The pools in which the role answers.",
    ),
    standard(
        "organization",
        ParameterKind::Reference(&["Organization"]),
        &[Element("organization")],
        "The organization for which the role is.",
    ),
    standard(
        "location",
        ParameterKind::Reference(&["Location"]),
        &[Element("location")],
        "Where the person works in the role.",
    ),
    standard("role", ParameterKind::Token(TokenOf::Concept), &[Element("code")], "What the person does in the role."),
    standard(
        "specialty",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("specialty")],
        "The specialty of the person in the role.",
    ),
];

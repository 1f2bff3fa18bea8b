//! What Consents are found by (<https://hl7.org/fhir/R4/consent.html#search>).

use super::super::Place::{Element, ReferenceTo};
use super::super::{ParameterKind, Source, TokenOf};
use super::{clinical, from, identifier, standard};

const STATUS: TokenOf = TokenOf::Code("http://hl7.org/fhir/consent-state-codes");

const ACTORS: &[&str] =
    &["Device", "Group", "CareTeam", "Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole"];

const CONSENTORS: &[&str] = &["Organization", "Patient", "Practitioner", "RelatedPerson", "PractitionerRole"];

parameters![
    clinical(identifier("A business identifier of the Consent.")),
    standard(
        "status",
        ParameterKind::Token(STATUS),
        &[Element("status")],
        "The state: draft, proposed, active, rejected, inactive, entered-in-error.",
    ),
    standard("scope", ParameterKind::Token(TokenOf::Concept), &[Element("scope")], "What the Consent is about."),
    standard("category", ParameterKind::Token(TokenOf::Concept), &[Element("category")], "The kind of Consent."),
    from(
        clinical(standard("patient", ParameterKind::Reference(&["Patient"]), &[], "The patient who consents.")),
        Source::Patient(&[ReferenceTo("patient", "Patient")]),
    ),
    clinical(standard("date", ParameterKind::Date, &[Element("dateTime")], "When the Consent was given.")),
    standard(
        "consentor",
        ParameterKind::Reference(CONSENTORS),
        &[Element("performer")],
        "Who gave the Consent for the patient.",
    ),
    standard(
        "actor",
        ParameterKind::Reference(ACTORS),
        &[Element("provision.actor.reference"), Element("provision.provision.actor.reference")],
        "Whom its provision, or one within it, is about.",
    ),
    standard(
        "data",
        ParameterKind::Reference(&["Communication"]),
        &[Element("provision.data.reference"), Element("provision.provision.data.reference")],
        "What its provision, or one within it, is about.",
    ),
    standard("period", ParameterKind::Date, &[Element("provision.period")], "When the Consent holds."),
];

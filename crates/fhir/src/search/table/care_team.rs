//! What teams are found by (<https://hl7.org/fhir/R4/careteam.html#search>).

use super::super::Place::{Element, ReferenceTo};
use super::super::{ParameterKind, Source, TokenOf};
use super::{clinical, from, identifier, ours, standard};

const STATUS: TokenOf = TokenOf::Code("http://hl7.org/fhir/care-team-status");

const PARTICIPANTS: &[&str] =
    &["Practitioner", "PractitionerRole", "RelatedPerson", "Patient", "Organization", "CareTeam"];

parameters![
    clinical(identifier("A business identifier of the team.")),
    standard(
        "status",
        ParameterKind::Token(STATUS),
        &[Element("status")],
        "The state of the team: proposed, active, suspended, inactive, entered-in-error.",
    ),
    standard(
        "category",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("category")],
        "The kind of team, such as one for an episode of care.",
    ),
    ours("name", ParameterKind::Text, &[Element("name")], "The beginning of the team's name."),
    standard(
        "participant",
        ParameterKind::Reference(PARTICIPANTS),
        &[Element("participant.member")],
        "Who is in the team.",
    ),
    from(
        clinical(standard("patient", ParameterKind::Reference(&["Patient"]), &[], "The patient whom the team is for.")),
        Source::Patient(&[ReferenceTo("subject", "Patient")]),
    ),
    from(
        standard(
            "subject",
            ParameterKind::Reference(&["Patient", "Group"]),
            &[],
            "The patient or the group whom the team is for.",
        ),
        Source::Patient(&[Element("subject")]),
    ),
    standard(
        "encounter",
        ParameterKind::Reference(&["Encounter"]),
        &[Element("encounter")],
        "The encounter in which the team came about.",
    ),
    clinical(standard("date", ParameterKind::Date, &[Element("period")], "When the team is together.")),
];

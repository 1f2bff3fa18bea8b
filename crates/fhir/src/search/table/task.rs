//! What Tasks are found by (<https://hl7.org/fhir/R4/task.html#search>).

use super::super::Place::{Element, Extension, ReferenceTo};
use super::super::{ForPatients, Parameter, ParameterKind, Source, TokenOf};
use super::{ID, LAST_UPDATED, PROFILE, SECURITY, TAG, from, identifier, of_the_team, ours, sorting, standard};
use crate::canonical;

/// Who can own a Task.
const OWNERS: &[&str] = &[
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "CareTeam",
    "Organization",
    "Patient",
    "RelatedPerson",
    "Device",
];

const REQUESTERS: &[&str] = &["Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device"];

/// Whether somebody has taken a Task is the team's.
const TAKEN: ForPatients =
    ForPatients::Folded { shown: "requested", stored: &["requested", "accepted", "in-progress"] };

pub(super) static PARAMETERS: &[Parameter] = &[
    ID,
    LAST_UPDATED,
    of_the_team(Parameter {
        documentation: "A mark of the conversation: needs-review, visit-suggested, and those that rules give. Not for \
                        patients.",
        ..TAG
    }),
    SECURITY,
    PROFILE,
    of_the_team(standard(
        "owner",
        ParameterKind::Reference(OWNERS),
        &[Element("owner")],
        "Who is to answer: the pool until claimed. Not for patients.",
    )),
    from(
        standard(
            "patient",
            ParameterKind::Reference(&["Patient"]),
            &[],
            "The patient whose message waits for an answer.",
        ),
        Source::Patient(&[ReferenceTo("for", "Patient")]),
    ),
    from(
        standard(
            "subject",
            ParameterKind::Reference(&["Patient"]),
            &[],
            "The patient whose message waits for an answer, as for patient.",
        ),
        Source::Patient(&[Element("for")]),
    ),
    Parameter {
        for_patients: TAKEN,
        ..standard(
            "status",
            ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/task-status")),
            &[Element("status")],
            "The state of the obligation: requested, accepted, in-progress, on-hold, completed, cancelled.",
        )
    },
    of_the_team(standard(
        "business-status",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("businessStatus")],
        "How it stands against its due time: on-track, at-risk, overdue, paused, met, met-late, cancelled, waived. Not \
         for patients.",
    )),
    of_the_team(standard(
        "priority",
        ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/request-priority")),
        &[Element("priority")],
        "The urgency that was asked for or found: routine, urgent, asap, stat. Not for patients.",
    )),
    of_the_team(sorting(ours(
        "due",
        ParameterKind::Date,
        &[Element("restriction.period.end")],
        "When the answer is due. Not for patients, who see what they were promised.",
    ))),
    standard(
        "focus",
        ParameterKind::Reference(&["Communication"]),
        &[Element("focus")],
        "The root message of the thread that waits for an answer or, of a review, the message that is held.",
    ),
    ours(
        "pool",
        ParameterKind::Reference(&["HealthcareService", "CareTeam"]),
        &[Extension(canonical::POOL)],
        "The pool that answers, also while a person owns the Task.",
    ),
    standard("authored-on", ParameterKind::Date, &[Element("authoredOn")], "When the obligation began."),
    of_the_team(from(
        standard("modified", ParameterKind::Date, &[], "When the Task was last changed. Not for patients."),
        Source::RowLastUpdated,
    )),
    of_the_team(standard(
        "period",
        ParameterKind::Date,
        &[Element("executionPeriod")],
        "From when to when the obligation lasted, once it is over. Not for patients.",
    )),
    from(
        standard(
            "code",
            ParameterKind::Token(TokenOf::Concept),
            &[],
            "What the Task is for: an answer (fulfill) or the review of a message that is held (approve).",
        ),
        Source::Usually(&[Element("code")], "http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
    ),
    from(
        standard(
            "intent",
            ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/request-intent")),
            &[],
            "How far it binds: always order.",
        ),
        Source::Usually(&[Element("intent")], "", "order"),
    ),
    of_the_team(identifier("A business identifier. The service gives its Tasks none.")),
    of_the_team(standard(
        "group-identifier",
        ParameterKind::Token(TokenOf::Identifier),
        &[Element("groupIdentifier")],
        "The identifier of a group of Tasks. The service gives its Tasks none.",
    )),
    of_the_team(standard(
        "based-on",
        ParameterKind::Reference(&[]),
        &[Element("basedOn")],
        "The request that the Task fulfils. The service names the message as focus.",
    )),
    of_the_team(standard(
        "part-of",
        ParameterKind::Reference(&["Task"]),
        &[Element("partOf")],
        "The Task that it is part of. The service's Tasks stand alone.",
    )),
    of_the_team(standard(
        "encounter",
        ParameterKind::Reference(&["Encounter"]),
        &[Element("encounter")],
        "The encounter that the Task belongs to. The service names none.",
    )),
    of_the_team(standard(
        "requester",
        ParameterKind::Reference(REQUESTERS),
        &[Element("requester")],
        "Who asks for it. The service names the message as focus.",
    )),
    of_the_team(standard(
        "performer",
        ParameterKind::Token(TokenOf::Concept),
        &[Element("performerType")],
        "What kind of performer is asked for. The service names the pool.",
    )),
];

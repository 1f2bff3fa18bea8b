//! The table of search parameters.

mod practitioner_role;

use domain::id::ResourceType;
use domain::search::SortBy;

use super::Place::{Element, Extension, ReferenceTo};
use super::{ForPatients, Origin, Parameter, ParameterKind, Place, Source, TokenOf};
use crate::canonical;

/// Whom a message can come from or go to.
const PARTICIPANTS: &[&str] = &[
    "Patient",
    "RelatedPerson",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "CareTeam",
    "Organization",
    "Group",
    "Device",
];

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

const SENDERS: &[&str] =
    &["Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "HealthcareService", "Organization", "Device"];

const ID: Parameter = Parameter {
    name: "_id",
    kind: ParameterKind::Token(TokenOf::Id),
    source: Source::RowId,
    origin: Origin::Resource,
    sort: None,
    for_patients: ForPatients::Same,
    documentation: "The logical id.",
};

const LAST_UPDATED: Parameter = Parameter {
    name: "_lastUpdated",
    kind: ParameterKind::Date,
    source: Source::RowLastUpdated,
    origin: Origin::Resource,
    sort: Some(SortBy::LastUpdated),
    for_patients: ForPatients::Same,
    documentation: "When the current version was written.",
};

const fn standard(
    name: &'static str,
    kind: ParameterKind,
    places: &'static [Place],
    documentation: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        source: Source::Elements(places),
        origin: Origin::Type,
        sort: None,
        for_patients: ForPatients::Same,
        documentation,
    }
}

const fn ours(
    name: &'static str,
    kind: ParameterKind,
    places: &'static [Place],
    documentation: &'static str,
) -> Parameter {
    Parameter { origin: Origin::Ours, ..standard(name, kind, places, documentation) }
}

const fn sorting(parameter: Parameter) -> Parameter {
    Parameter { sort: Some(SortBy::Date), ..parameter }
}

const fn of_the_team(parameter: Parameter) -> Parameter {
    Parameter { for_patients: ForPatients::Hidden, ..parameter }
}

/// Whether somebody has taken a Task is the team's.
const TAKEN: ForPatients =
    ForPatients::Folded { shown: "requested", stored: &["requested", "accepted", "in-progress"] };

static COMMUNICATION: &[Parameter] = &[
    ID,
    LAST_UPDATED,
    standard(
        "patient",
        ParameterKind::Reference(&["Patient"]),
        &[ReferenceTo("subject", "Patient")],
        "The patient whom the message is about.",
    ),
    standard(
        "subject",
        ParameterKind::Reference(&["Patient", "Group"]),
        &[Element("subject")],
        "The patient or the group whom the message is about.",
    ),
    standard("sender", ParameterKind::Reference(SENDERS), &[Element("sender")], "Who has sent the message."),
    standard(
        "recipient",
        ParameterKind::Reference(PARTICIPANTS),
        &[Element("recipient")],
        "Who the message is for: persons or the pool that answers.",
    ),
    ours(
        "participant",
        ParameterKind::Reference(PARTICIPANTS),
        &[Element("sender"), Element("recipient")],
        "Who has sent the message or is to receive it.",
    ),
    standard(
        "part-of",
        ParameterKind::Reference(&["Communication"]),
        &[Element("partOf")],
        "The root message of the thread that the message belongs to; the root itself is part of nothing.",
    ),
    standard(
        "status",
        ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/event-status")),
        &[Element("status")],
        "The state of the message: preparation, in-progress, on-hold, completed, stopped, entered-in-error.",
    ),
    standard(
        "category",
        ParameterKind::Token(TokenOf::ConceptOf(canonical::MESSAGE_CATEGORY_SYSTEMS)),
        &[Element("category")],
        "What the message is about, such as refill or billing.",
    ),
    sorting(standard(
        "sent",
        ParameterKind::Date,
        &[Element("sent")],
        "When the message was sent, by the service's clock.",
    )),
    standard(
        "identifier",
        ParameterKind::Token(TokenOf::Identifier),
        &[Element("identifier")],
        "A business identifier, such as the message's number in the sending system.",
    ),
];

static TASK: &[Parameter] = &[
    ID,
    LAST_UPDATED,
    of_the_team(standard(
        "owner",
        ParameterKind::Reference(OWNERS),
        &[Element("owner")],
        "Who is to answer: the pool until claimed. Not for patients.",
    )),
    standard(
        "patient",
        ParameterKind::Reference(&["Patient"]),
        &[ReferenceTo("for", "Patient")],
        "The patient whose message waits for an answer.",
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
        "The root message of the thread that waits for an answer.",
    ),
    ours(
        "pool",
        ParameterKind::Reference(&["HealthcareService", "CareTeam"]),
        &[Extension(canonical::POOL)],
        "The pool that answers, also while a person owns the Task.",
    ),
];

static HEALTHCARE_SERVICE: &[Parameter] = &[
    ID,
    LAST_UPDATED,
    standard(
        "identifier",
        ParameterKind::Token(TokenOf::Identifier),
        &[Element("identifier")],
        "A business identifier of the service.",
    ),
    standard(
        "active",
        ParameterKind::Token(TokenOf::Boolean),
        &[Element("active")],
        "Whether the service is in use: true or false.",
    ),
    standard(
        "organization",
        ParameterKind::Reference(&["Organization"]),
        &[Element("providedBy")],
        "The organization that provides the service.",
    ),
];

pub(super) fn of(kind: ResourceType) -> &'static [Parameter] {
    match kind {
        ResourceType::Communication => COMMUNICATION,
        ResourceType::Task => TASK,
        ResourceType::HealthcareService => HEALTHCARE_SERVICE,
        ResourceType::PractitionerRole => practitioner_role::PARAMETERS,
    }
}

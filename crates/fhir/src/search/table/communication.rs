//! What messages are found by (<https://hl7.org/fhir/R4/communication.html#search>).

use domain::search::SortBy;

use super::super::Place::{Element, ReferenceTo};
use super::super::{Parameter, ParameterKind, Source, TokenOf};
use super::{PARTICIPANTS, from, identifier, ours, sorting, standard};
use crate::canonical;

const SENDERS: &[&str] =
    &["Patient", "RelatedPerson", "Practitioner", "PractitionerRole", "HealthcareService", "Organization", "Device"];

parameters![
    from(
        standard(
            "patient",
            ParameterKind::Reference(&["Patient"]),
            &[],
            "The patient whom the message is about; one that names no subject is about the patient of its conversation.",
        ),
        Source::Patient(&[ReferenceTo("subject", "Patient")]),
    ),
    from(
        standard(
            "subject",
            ParameterKind::Reference(&["Patient", "Group"]),
            &[],
            "The patient or the group whom the message is about, as for patient.",
        ),
        Source::Patient(&[Element("subject")]),
    ),
    standard("sender", ParameterKind::Reference(SENDERS), &[Element("sender")], "Who has sent the message."),
    standard(
        "recipient",
        ParameterKind::Reference(PARTICIPANTS),
        &[Element("recipient")],
        "Who the message is for: persons or the pool that answers.",
    ),
    from(
        ours(
            "participant",
            ParameterKind::Reference(PARTICIPANTS),
            &[],
            "Who has sent the message or is to receive it and, for the team, who answers in its conversation, such as who \
             covers for the one it was sent to.",
        ),
        Source::Party(&["sender", "recipient"]),
    ),
    standard(
        "part-of",
        ParameterKind::Reference(&[]),
        &[Element("partOf")],
        "The root message of the thread that the message belongs to; the root itself is part of nothing.",
    ),
    ours(
        "in-response-to",
        ParameterKind::Reference(&["Communication"]),
        &[Element("inResponseTo")],
        "The message that this one answers.",
    ),
    from(
        ours(
            "thread",
            ParameterKind::Reference(&["Communication"]),
            &[],
            "The root message of the thread that the message belongs to, which finds the root itself too.",
        ),
        Source::Thread(&[Element("partOf")]),
    ),
    Parameter {
        source: Source::LastActivity,
        sort: Some(SortBy::LastActivity),
        ..ours(
            "last-activity",
            ParameterKind::Date,
            &[],
            "When anybody last wrote in the message's thread, notes among staff aside. Drafts are in none.",
        )
    },
    from(
        ours(
            "unread-by",
            ParameterKind::Reference(&["Patient", "RelatedPerson", "Practitioner", "PractitionerRole"]),
            &[],
            "Who has neither written the message nor marked it as read. Patients ask for themselves alone.",
        ),
        Source::UnreadBy,
    ),
    standard(
        "status",
        ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/event-status")),
        &[Element("status")],
        "The state of the message: preparation, on-hold, completed, stopped, entered-in-error.",
    ),
    ours(
        "priority",
        ParameterKind::Token(TokenOf::Code("http://hl7.org/fhir/request-priority")),
        &[Element("priority")],
        "The urgency that the sender has asked for: routine, urgent, asap, stat.",
    ),
    standard(
        "category",
        ParameterKind::Token(TokenOf::ConceptOf(canonical::MESSAGE_CATEGORY_SYSTEMS)),
        &[Element("category")],
        "What the message is about, such as refill or billing.",
    ),
    ours("topic", ParameterKind::Token(TokenOf::Concept), &[Element("topic")], "What the sender calls the subject."),
    standard("medium", ParameterKind::Token(TokenOf::Concept), &[Element("medium")], "How the message was written."),
    sorting(standard(
        "sent",
        ParameterKind::Date,
        &[Element("sent")],
        "When the message was sent, by the service's clock.",
    )),
    standard(
        "received",
        ParameterKind::Date,
        &[Element("received")],
        "When the message was first delivered to a person or a pool, by the service's clock.",
    ),
    identifier("A business identifier, such as the message's number in the sending system."),
    standard("based-on", ParameterKind::Reference(&[]), &[Element("basedOn")], "The request that the message fulfils."),
    standard(
        "encounter",
        ParameterKind::Reference(&["Encounter"]),
        &[Element("encounter")],
        "The encounter that the message belongs to.",
    ),
    standard(
        "instantiates-canonical",
        ParameterKind::Canonical(&[
            "PlanDefinition",
            "ActivityDefinition",
            "Measure",
            "OperationDefinition",
            "Questionnaire",
        ]),
        &[Element("instantiatesCanonical")],
        "The definition that the message follows.",
    ),
    standard(
        "instantiates-uri",
        ParameterKind::Uri,
        &[Element("instantiatesUri")],
        "The version of the practice's policy that governed the message, and other protocols that it follows.",
    ),
];

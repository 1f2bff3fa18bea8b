//! The rows.

use domain::access::Permission;

use super::{Direction, Level, Operation, OperationParameter};

const fn given(
    name: &'static str,
    (min, max): (u8, &'static str),
    kind: &'static str,
    documentation: &'static str,
) -> OperationParameter {
    OperationParameter { name, direction: Direction::In, min, max, kind: Some(kind), parts: &[], documentation }
}

const fn answered(
    name: &'static str,
    (min, max): (u8, &'static str),
    kind: &'static str,
    documentation: &'static str,
) -> OperationParameter {
    OperationParameter { direction: Direction::Out, ..given(name, (min, max), kind, documentation) }
}

/// `$validate` (<https://hl7.org/fhir/R4/resource-operation-validate.html>), which every type has.
pub(super) const VALIDATE: Operation = Operation {
    name: "validate",
    levels: &[Level::Type, Level::Instance],
    permission: Permission::Read,
    affects_state: false,
    parameters: &[
        given("resource", (0, "1"), "Resource", "What is to be looked at; on an instance without it, the stored one."),
        given(
            "profile",
            (0, "1"),
            "uri",
            "What it is held to: the type as FHIR defines it, which is the one there is.",
        ),
        given("mode", (0, "1"), "code", "What it is meant for: create, update or delete; the last two on an instance."),
        answered("return", (1, "1"), "OperationOutcome", "Everything that is wrong, with the element and a remedy."),
    ],
    documentation: "Tells what is wrong with a resource, and with mode whether that could be done with it. Nothing is \
                    stored. An empty array, which is tolerated elsewhere, is an error here.",
};

pub(super) static COMMUNICATION: &[Operation] = &[
    VALIDATE,
    Operation {
        name: "preflight",
        levels: &[Level::Type],
        permission: Permission::Create,
        affects_state: false,
        parameters: &[
            given("message", (1, "1"), "Communication", "The message as it would be sent; a draft is taken as sent."),
            answered("outcome", (1, "1"), "code", "What would become of it: delivered, held-for-review, refused, ..."),
            answered("promised", (0, "1"), "instant", "By when the patient would be told to have an answer."),
            answered("due", (0, "1"), "instant", "When the answer would be due. For the team."),
            answered("pool", (0, "1"), "Reference", "The pool that would answer."),
            answered(
                "owner",
                (0, "1"),
                "Reference",
                "Who would be asked to answer, where it is not the pool. For the team.",
            ),
            answered("priority", (0, "1"), "code", "The urgency that it would have. For the team."),
            OperationParameter {
                name: "reply",
                direction: Direction::Out,
                min: 0,
                max: "1",
                kind: None,
                parts: &[
                    answered("template", (1, "1"), "code", "The id of the text in the policy."),
                    answered("text", (1, "1"), "string", "The text."),
                ],
                documentation: "The automatic reply.",
            },
            answered(
                "sender-notice",
                (0, "*"),
                "Coding",
                "What its sender would be told on it: that a visit is suggested, that it is long.",
            ),
            OperationParameter {
                name: "notice",
                direction: Direction::Out,
                min: 0,
                max: "*",
                kind: None,
                parts: &[
                    answered("topic", (1, "1"), "code", "What it would be about."),
                    answered("recipient", (0, "1"), "Reference", "Who would be told."),
                    answered("release", (0, "1"), "instant", "When it would leave."),
                ],
                documentation: "Who would be told. For the team; a patient finds their own.",
            },
            answered("explanation", (0, "1"), "string", "The decision in plain words."),
            answered("issues", (0, "1"), "OperationOutcome", "Why it would be refused, with other ways to reach care."),
        ],
        documentation: "Decides about a message as if it were sent now, and stores nothing.",
    },
    Operation {
        name: "mark-read",
        levels: &[Level::Instance],
        permission: Permission::Read,
        affects_state: true,
        parameters: &[answered("return", (1, "1"), "Communication", "The message, with who has read it.")],
        documentation: "Says that the caller has read the message, which changes no version of it. For somebody of the \
                        pool it also stops the clock until somebody has looked.",
    },
    Operation {
        name: "break-glass",
        levels: &[Level::Type],
        permission: Permission::Read,
        affects_state: true,
        parameters: &[
            given("patient", (1, "1"), "string", "About whom: Patient/[id]."),
            given("reason", (1, "1"), "code", "Why: emergency-treatment, danger or nobody-reachable."),
            answered("return", (1, "1"), "Bundle", "The latest messages about the patient, without drafts."),
        ],
        documentation: "Lets a member of the staff read in an emergency what they have no part in. It is recorded with \
                        its reason, and the leads of the pools that answer are told at once.",
    },
    Operation {
        name: "mark-unread",
        levels: &[Level::Instance],
        permission: Permission::Read,
        affects_state: true,
        parameters: &[answered("return", (1, "1"), "Communication", "The message, with who has read it.")],
        documentation: "Says that the caller has not read the message after all.",
    },
    Operation {
        name: "thread",
        levels: &[Level::Instance],
        permission: Permission::Search,
        affects_state: false,
        parameters: &[
            given("_count", (0, "1"), "integer", "How many on a page: 50 unless it is said, 200 at most."),
            answered("return", (1, "1"), "Bundle", "A page of the conversation, in the order in which it was sent."),
        ],
        documentation: "The whole conversation that a message belongs to, as far as the caller sees it.",
    },
    Operation {
        name: "inbox",
        levels: &[Level::Type],
        permission: Permission::Search,
        affects_state: false,
        parameters: &[
            given("_count", (0, "1"), "integer", "How many on a page: 50 unless it is said, 200 at most."),
            given("count", (0, "1"), "integer", "The same."),
            given(
                "cursor",
                (0, "1"),
                "string",
                "Where the page begins or ends. Opaque: take it from a next or previous link.",
            ),
            answered("return", (1, "1"), "Bundle", "A page of first messages, with how each conversation stands."),
        ],
        documentation: "The caller's conversations. For the team those in which an answer is owed, the most urgent first \
                        and of these the one that is due first, then the others, where somebody wrote last first; for \
                        patients where somebody wrote last first.",
    },
];

/// The operations of a type that has none of its own.
pub(super) static EVERY: &[Operation] = &[VALIDATE];

/// An operation that changes a Task and answers with it.
const fn changing(
    name: &'static str,
    parameters: &'static [OperationParameter],
    documentation: &'static str,
) -> Operation {
    Operation {
        name,
        levels: &[Level::Instance],
        permission: Permission::Update,
        affects_state: true,
        parameters,
        documentation,
    }
}

const TASK_AFTER: OperationParameter = answered("return", (1, "1"), "Task", "The Task as it is then.");

pub(super) static TASK: &[Operation] = &[
    VALIDATE,
    changing(
        "claim",
        &[answered("return", (1, "1"), "Task", "The Task as it is then, with the caller as its owner.")],
        "Makes the caller the owner of the Task. If-Match names the version that the caller has seen.",
    ),
    changing(
        "release",
        &[TASK_AFTER],
        "Gives the Task back to its pool, which is told: for its owner and the leads of the pool.",
    ),
    changing(
        "route",
        &[
            given("pool", (0, "1"), "string", "The pool that is to answer, by its id in the policy or its reference."),
            given("person", (0, "1"), "Reference", "Who of the pool is asked to answer, in place of another pool."),
            given("reason", (1, "1"), "code", "Why: wrong-pool, needs-expertise, workload, cover or patient-asked."),
            TASK_AFTER,
        ],
        "Hands the Task to another pool, or asks somebody of its pool to take it. What the patient waits for is due as \
         before.",
    ),
    changing(
        "pause",
        &[
            given("reason", (1, "1"), "code", "For whom the team waits: waiting-on-patient or waiting-on-third-party."),
            given("until", (0, "1"), "instant", "When the pause ends at the latest; the policy's cap may be earlier."),
            TASK_AFTER,
        ],
        "Lets the Task rest while the team waits for somebody, where its policy knows such pauses.",
    ),
    changing(
        "resume",
        &[
            given(
                "reason",
                (0, "1"),
                "code",
                "Why: patient-answered, third-party-answered or, unless it is said, no-longer-waiting.",
            ),
            TASK_AFTER,
        ],
        "Lets a Task that rests go on.",
    ),
    changing(
        "waive",
        &[
            given(
                "reason",
                (1, "1"),
                "code",
                "Why: clinical-judgement, answered-by-phone, answered-in-person, staffing or technical-failure.",
            ),
            TASK_AFTER,
        ],
        "Lets the Task go: it is shown as waived, and never counted as met.",
    ),
];

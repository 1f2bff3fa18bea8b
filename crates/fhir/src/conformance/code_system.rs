//! The code systems of our own, each with the value set of all its codes.

use serde_json::{Value, json};

use super::made::definition;
use super::{Defined, Definition};
use crate::canonical;

/// A code system, and what each of its codes means.
struct CodeSystem {
    url: &'static str,
    text: &'static str,
    codes: &'static [(&'static str, &'static str)],
}

static SYSTEMS: &[CodeSystem] = &[
    CodeSystem {
        url: canonical::MESSAGE_CATEGORY,
        text: "What a message is about: one code for each kind of request that a policy can tell apart.",
        codes: &[
            ("medical-advice", "A question about symptoms, a condition or care."),
            ("medication-question", "A question about a medicine."),
            ("refill", "A prescription is to be renewed."),
            ("test-result", "About the result of a test."),
            ("appointment", "About an appointment."),
            ("referral", "About a referral."),
            ("form", "A form is to be filled in or signed."),
            ("billing", "About a bill."),
            ("records", "Records are asked for."),
            ("thanks", "Thanks that ask nothing."),
            ("internal", "A note among the staff, which no patient sees."),
            ("automatic", "Written by the service."),
            ("other", "Anything else."),
        ],
    },
    CodeSystem {
        url: canonical::REASON,
        text: "Why the service refused something, beside the issue code of an OperationOutcome.",
        codes: &[
            ("message-too-long", "The message is longer than the policy takes at once."),
            ("reply-window-closed", "The conversation is too old to go on."),
            ("obligation-over", "What was owed has been answered or closed."),
            ("claimed-by-other", "Somebody else has claimed it."),
            ("not-a-member", "The caller does not answer for the pool."),
            ("not-a-person", "No person stands behind the caller."),
            ("member-misplaced", "A member does not belong to this kind of request."),
            ("reason-unfit", "The reason is none of those for this kind of request."),
            ("amount-unfit", "There is no amount of time that could be added."),
            ("not-ahead", "An instant is missing, past or too far ahead."),
            ("nothing-rests", "No clock rests for that reason."),
            ("not-paused", "Nothing rests."),
            ("same-pool", "That pool answers already."),
            ("unknown-pool", "The policy knows no such pool."),
            ("same-thread", "A conversation cannot be merged into itself."),
            ("other-patient", "The conversation is about another patient."),
            ("merged", "The conversation goes on elsewhere."),
            ("occurred-unfit", "When it was written is not within the last seven days."),
            ("not-held", "The message has been reviewed or delivered already."),
            ("not-a-lead", "The caller does not lead the pool."),
            ("no-such-pool", "The policy knows no such pool."),
            ("no-such-template", "The policy knows no such text."),
            ("not-a-sender", "It is nobody who writes from outside the team."),
            ("too-many-blocks", "The sender is blocked as often as can be kept."),
            ("not-of-the-pool", "The person does not answer for the pool, as far as is known."),
            ("person-away", "The person is away."),
            ("not-the-author", "The caller is neither the author nor a lead of the pool."),
            ("block-too-long", "The block would end too late, or has ended."),
            ("block-over", "The block has ended already."),
            ("subsetted", "Parts of the resource were left out when it was read."),
            ("not-by-update", "An update of a Task says what no operation does."),
            ("message-sent", "The message was sent, and stays as it is."),
            ("unknown-message", "What it answers is not there, or not the caller's to know."),
            ("several-threads", "It answers messages of several conversations."),
        ],
    },
    CodeSystem {
        url: canonical::STATUS_REASON,
        text: "Why a message is not delivered yet.",
        codes: &[
            ("held-for-review", "A limit or a block keeps it until somebody has looked at it."),
            ("scheduled", "It waits for the instant that its author has set."),
        ],
    },
    CodeSystem {
        url: canonical::MARK,
        text: "Marks of a conversation, as tags of its Task. Rules of a policy give others of the site's own.",
        codes: &[
            ("needs-review", "A person must look: the policy could not be evaluated in full, or nobody reviewed it."),
            ("visit-suggested", "A visit has been suggested to both sides."),
        ],
    },
    CodeSystem {
        url: canonical::NOTICE,
        text: "What the sender of a message is told on it.",
        codes: &[
            ("visit-suggested", "A visit may serve better than further messages."),
            ("message-long", "The message is longer than people like to read."),
            ("reply-long", "An answer of the team is longer than people like to read."),
        ],
    },
    CodeSystem {
        url: canonical::BUSINESS_STATUS,
        text: "How an obligation stands against its due time.",
        codes: &[
            ("on-track", "It is in time."),
            ("at-risk", "A warning has been given."),
            ("overdue", "Its due time has passed."),
            ("unbounded", "Nobody can say by when: the calendar that counts does not open for long enough."),
            ("paused", "It rests."),
            ("met", "It was answered in time."),
            ("met-late", "It was answered late."),
            ("cancelled", "It fell away."),
            ("waived", "An authorised person has let it go."),
        ],
    },
    CodeSystem {
        url: canonical::SECURITY_LABEL,
        text: "The labels that the service puts on resources itself; a client's are ignored.",
        codes: &[("internal", "A note among the staff, which no patient sees.")],
    },
];

pub(super) fn all() -> impl Iterator<Item = Definition> {
    SYSTEMS.iter().flat_map(|own| {
        let id = own.url.rsplit('/').next().unwrap_or_default();
        let display = |code: &str| {
            let mut letters = code.replace('-', " ");
            letters[..1].make_ascii_uppercase();
            letters
        };
        let concept =
            |(code, text): &(&str, &str)| json!({ "code": code, "display": display(code), "definition": text });
        let system = json!({
            "caseSensitive": true,
            "valueSet": format!("{}/ValueSet/{id}", canonical::BASE),
            // Rules add marks of a site's own.
            "content": if own.url == canonical::MARK { "fragment" } else { "complete" },
            "count": own.codes.len(),
            "concept": own.codes.iter().map(concept).collect::<Vec<Value>>(),
        });
        let set = json!({ "compose": { "include": [{ "system": own.url }] } });
        [definition(Defined::CodeSystem, id, own.text, system), definition(Defined::ValueSet, id, own.text, set)]
    })
}

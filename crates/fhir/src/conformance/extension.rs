//! The extensions of our own.

use serde_json::{Value, json};

use super::made::{definition, structure};
use super::{Defined, Definition};
use crate::canonical;

/// An extension: where it stands, and what its value is.
struct Extension {
    url: &'static str,
    context: &'static [&'static str],
    /// The FHIR type of its value.
    value: &'static str,
    /// What the value refers to, where it is a reference.
    targets: &'static [&'static str],
    /// The extensions that it consists of in place of a value: their names, the FHIR types of their values, and how
    /// often each may be there.
    parts: &'static [(&'static str, &'static str, &'static str)],
    text: &'static str,
}

const fn extension(
    url: &'static str,
    context: &'static [&'static str],
    value: &'static str,
    text: &'static str,
) -> Extension {
    Extension { url, context, value, targets: &[], parts: &[], text }
}

static EXTENSIONS: &[Extension] = &[
    extension(
        canonical::CLIENT_SENT,
        &["Communication"],
        "dateTime",
        "The time of sending that the client stated: sent is the service's own. Set by the service.",
    ),
    extension(
        canonical::DECISION,
        &["Communication"],
        "uri",
        "The record of the decision that governed the message. Set by the service.",
    ),
    extension(
        canonical::SENDER_NOTICE,
        &["Communication"],
        "Coding",
        "What the sender is told beside the automatic reply, once for each code: that a visit is suggested, that the \
         message is long. Set by the service.",
    ),
    extension(
        canonical::AUTO_GENERATED,
        &["Communication"],
        "boolean",
        "A machine has written the message: it starts, stops and answers nothing. Taken from machines and staff.",
    ),
    extension(
        canonical::AWAITS,
        &["Communication"],
        "code",
        "On an answer of the team: for whom it waits from then on, patient or third-party.",
    ),
    extension(
        canonical::OCCURRED_AT,
        &["Communication"],
        "instant",
        "On a message that an engine delivers late: when it was written, within the last seven days.",
    ),
    extension(
        canonical::RELEASE_AT,
        &["Communication"],
        "instant",
        "On a message that waits (on-hold, scheduled): when it is to be sent.",
    ),
    Extension {
        parts: &[("reader", "Reference", "1"), ("readAt", "instant", "1")],
        ..extension(
            canonical::READ_STATE,
            &["Communication"],
            "",
            "Who has read the message, as they have said by $mark-read. Shown by the service, and in no version.",
        )
    },
    Extension {
        parts: &[
            ("lastActivity", "instant", "1"),
            ("unread", "unsignedInt", "1"),
            ("due", "instant", "1"),
            ("priority", "code", "1"),
            ("state", "code", "1"),
            ("mark", "code", "*"),
            ("owner", "Reference", "1"),
        ],
        ..extension(
            canonical::INBOX,
            &["Bundle.entry"],
            "",
            "On an entry of an inbox: how the conversation stands that the message has begun. Set by the service.",
        )
    },
    Extension {
        targets: &["HealthcareService", "CareTeam"],
        ..extension(
            canonical::POOL,
            &["Task"],
            "Reference",
            "The pool that answers, also while a person owns the Task. Set by the service.",
        )
    },
    extension(
        canonical::PROMISED,
        &["Task"],
        "instant",
        "Until when the patient was promised an answer; it never moves later. Set by the service.",
    ),
    Extension {
        targets: &["Practitioner", "PractitionerRole"],
        ..extension(
            canonical::COVERED_BY,
            &["PractitionerRole", "PractitionerRole.notAvailable"],
            "Reference",
            "Who answers meanwhile: on an entry of notAvailable for that absence, on the role for all that name nobody.",
        )
    },
];

pub(super) fn all() -> impl Iterator<Item = Definition> {
    EXTENSIONS.iter().map(|own| {
        let id = own.url.rsplit('/').next().unwrap_or_default();
        let targets = own.targets.iter().map(|kind| format!("http://hl7.org/fhir/StructureDefinition/{kind}"));
        let mut value = json!({ "code": own.value });
        if !own.targets.is_empty() {
            value["targetProfile"] = targets.collect();
        }
        let elements = if own.parts.is_empty() { single(own, &value) } else { composed(own) };
        definition(Defined::StructureDefinition, id, own.text, structure(own.context, &elements))
    })
}

/// An extension with a value.
fn single(own: &Extension, value: &Value) -> Value {
    json!([
        { "id": "Extension", "path": "Extension", "definition": own.text, "min": 0, "max": "1" },
        { "id": "Extension.extension", "path": "Extension.extension", "max": "0" },
        { "id": "Extension.url", "path": "Extension.url", "fixedUri": own.url },
        { "id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [value] },
    ])
}

/// An extension that consists of others.
fn composed(own: &Extension) -> Value {
    let mut elements = vec![
        json!({ "id": "Extension", "path": "Extension", "definition": own.text, "min": 0, "max": "*" }),
        json!({ "id": "Extension.extension", "path": "Extension.extension",
            "slicing": { "discriminator": [{ "type": "value", "path": "url" }], "rules": "closed" } }),
    ];
    for (name, kind, max) in own.parts {
        let id = format!("Extension.extension:{name}");
        elements.extend([
            json!({ "id": id, "path": "Extension.extension", "sliceName": name, "max": max }),
            json!({ "id": format!("{id}.url"), "path": "Extension.extension.url", "fixedUri": name }),
            json!({ "id": format!("{id}.value[x]"), "path": "Extension.extension.value[x]", "min": 1,
                "type": [{ "code": kind }] }),
        ]);
    }
    elements.push(json!({ "id": "Extension.url", "path": "Extension.url", "fixedUri": own.url }));
    elements.push(json!({ "id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0" }));
    Value::Array(elements)
}

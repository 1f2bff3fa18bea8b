//! The extensions of our own.

use serde_json::json;

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
    text: &'static str,
}

const fn extension(
    url: &'static str,
    context: &'static [&'static str],
    value: &'static str,
    text: &'static str,
) -> Extension {
    Extension { url, context, value, targets: &[], text }
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
        let elements = json!([
            { "id": "Extension", "path": "Extension", "definition": own.text, "min": 0, "max": "1" },
            { "id": "Extension.extension", "path": "Extension.extension", "max": "0" },
            { "id": "Extension.url", "path": "Extension.url", "fixedUri": own.url },
            { "id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [value] },
        ]);
        definition(Defined::StructureDefinition, id, own.text, structure(own.context, &elements))
    })
}

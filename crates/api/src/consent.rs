//! Consents: who acts for a patient and sees which conversations, fed by whoever keeps the patient's record. What comes
//! of them is told by [`crate::mandate`].

use domain::id::ResourceType;

use crate::feeding::routes::fed;
use crate::feeding::{Feed, Governing};

// A Consent says who sees what, and nothing of how messages are answered.
static FEED: Feed = Feed {
    kind: ResourceType::Consent,
    meaning: |consent, _, _| fhir::consent::whose(consent).map(|()| vec![]),
    gone: |_| vec![],
    alike: |_, _| false,
    governing: Governing::None,
};

fed! {
    FEED: Consent, "Consent", "a Consent", found by ConsentSearch,
    "/fhir/Consent" "/fhir/Consent/_search" "/fhir/Consent/{id}" "/fhir/Consent/{id}/_history/{version}",
    "While it is active and about privacy, its provisions say which conversations of the patient those whom they name see."
}

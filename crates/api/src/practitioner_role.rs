//! Who answers where, at which hours and when they are away, fed by whoever keeps the directory.

use domain::absence::AbsenceChange;
use domain::id::ResourceType;
use fhir::practitioner_role::Working;

use crate::feeding::routes::fed;
use crate::feeding::{Feed, Governing};

static FEED: Feed = Feed {
    kind: ResourceType::PractitionerRole,
    meaning: |role, key, ids| {
        let absences = Working::read(role)?.absences(key, ids);
        Ok(vec![AbsenceChange::Projected(key.id.clone(), absences)])
    },
    gone: |id| vec![AbsenceChange::Projected(id.clone(), vec![])],
    alike: |before, after| Working::read(before) == Working::read(after),
    governing: Governing::All,
};

fed! {
    FEED: PractitionerRole, "Role", "a role", found by PractitionerRoleSearch,
    "/fhir/PractitionerRole" "/fhir/PractitionerRole/_search"
    "/fhir/PractitionerRole/{id}" "/fhir/PractitionerRole/{id}/_history/{version}",
    "Who answers for which pools. Hours and absences need the standard extension `timezone`; the extension `covered-by` \
     names who answers meanwhile."
}

//! Teams and who is in them, fed by whoever keeps the directory: the participants of a team that is a pool answer for it.

use domain::id::ResourceType;
use fhir::care_team::Membership;

use crate::feeding::routes::fed;
use crate::feeding::{Feed, Governing};

static FEED: Feed = Feed {
    kind: ResourceType::CareTeam,
    meaning: |team, _, _| Membership::read(team).map(|_| vec![]),
    gone: |_| vec![],
    alike: |before, after| Membership::read(before) == Membership::read(after),
    governing: Governing::Pools,
};

fed! {
    FEED: CareTeam, "Team", "a team", found by CareTeamSearch,
    "/fhir/CareTeam" "/fhir/CareTeam/_search" "/fhir/CareTeam/{id}" "/fhir/CareTeam/{id}/_history/{version}",
    "Its participants who are a Practitioner or a PractitionerRole answer for the pool that the policy makes of it."
}

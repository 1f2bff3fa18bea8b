//! Pools as their resources: hours, zone and absences, fed by whoever keeps the directory.

use domain::id::ResourceType;
use fhir::healthcare_service::Availability;

use crate::feeding::routes::fed;
use crate::feeding::{Feed, Governing};

static FEED: Feed = Feed {
    kind: ResourceType::HealthcareService,
    meaning: |service, _, _| Availability::read(service).map(|_| vec![]),
    gone: |_| vec![],
    alike: |before, after| Availability::read(before) == Availability::read(after),
    governing: Governing::All,
};

fed! {
    FEED: HealthcareService, "Service", "a pool's resource", found by HealthcareServiceSearch,
    "/fhir/HealthcareService" "/fhir/HealthcareService/_search"
    "/fhir/HealthcareService/{id}" "/fhir/HealthcareService/{id}/_history/{version}",
    "Hours need the standard extension `timezone`."
}

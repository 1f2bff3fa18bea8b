//! Riverside, a small made-up clinic: its policy, its pools' hours and a few conversations in every state.
//!
//! Everything goes through the same doors as a client's requests do; only the clock is moved to the past.

use std::sync::Arc;

use api::auth::DevelopmentClaims;
use domain::change::{BundleRow, Change};
use domain::id::{Reference, ResourceId, TenantId};
use domain::policy::bundle::{Bundle, PoolSpec};
use domain::policy::rule::{Action, Condition, Field, Op, Rule, Test};
use domain::policy::{DEFAULT_BUNDLE, life, lint::Finding};
use domain::store::{SaveError, Store};
use domain::time::Instant;
use serde_json::{Value, json};

/// The pool that answers by default.
pub const FAMILY: &str = "HealthcareService/family-medicine";
/// The pool that answers requests for refills.
pub const REFILL: &str = "HealthcareService/refill-pool";
/// Whom the latest escalation reaches.
pub const SUPERVISORS: &str = "HealthcareService/supervisors";
/// Who leads both pools.
pub const LEAD: &str = "Practitioner/dr-lee";
/// The clinic's zone.
pub const ZONE: &str = "America/New_York";

/// Why a bundle could not be put in force.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The bundle itself.
    #[error("the bundle cannot be used: {0}")]
    Finding(Finding),
    /// The store.
    #[error(transparent)]
    Save(#[from] SaveError),
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a literal reference")
}

/// The clinic's policy: the default bundle with its names, two pools, and a rule that sends refills to theirs.
pub fn bundle() -> Result<Bundle, Finding> {
    let mut bundle = Bundle::read(DEFAULT_BUNDLE)?;
    "riverside".clone_into(&mut bundle.id);
    "Riverside Clinic".clone_into(&mut bundle.clinic.name);
    "+1 212 555 0100".clone_into(&mut bundle.clinic.phone);
    ZONE.clone_into(&mut bundle.clinic.timezone);
    let pool = |id: &str, service: &str| PoolSpec {
        id: id.to_owned(),
        reference: reference(service),
        leads: vec![reference(LEAD)],
        supervisors: Some(reference(SUPERVISORS)),
        calendar: "clinic".to_owned(),
    };
    bundle.pools = vec![pool("family", FAMILY), pool("refill", REFILL)];
    "family".clone_into(&mut bundle.default_pool);
    "family".clone_into(&mut bundle.red_flags.pool);
    bundle.routing = vec![Rule {
        id: "refills".to_owned(),
        order: 10,
        when: Condition::Test(Test { field: Field::MessageCategory, op: Op::Eq, value: json!("refill") }),
        actions: vec![Action::RouteToPool { to: "refill".to_owned() }],
        enabled: true,
    }];
    Ok(bundle)
}

/// Puts a bundle in force, unless the tenant has one of that id and version or, for the default, any at all.
pub async fn activate(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    bundle: &Bundle,
    now: Instant,
) -> Result<bool, BundleError> {
    let known = store.bundles(tenant.clone()).await.map_err(SaveError::from)?;
    if known.iter().any(|row| row.id == bundle.id && row.version == bundle.version) {
        return Ok(false);
    }
    let mut change = Change::new(tenant.clone());
    change.new_generation = true;
    change.bundles = life::activated(&known, &BundleRow::draft(bundle, now), now, now).unwrap_or_default();
    store.save(change).await?;
    Ok(true)
}

/// Gives a tenant without any bundle the one that ships with the binary.
pub async fn ensure_bundle(store: &Arc<dyn Store>, tenant: &TenantId, now: Instant) -> Result<(), BundleError> {
    if store.bundles(tenant.clone()).await.map_err(SaveError::from)?.is_empty() {
        let bundle = Bundle::read(DEFAULT_BUNDLE).map_err(BundleError::Finding)?;
        match activate(store, tenant, &bundle, now).await {
            // Another process did it at the same moment.
            Ok(_) | Err(BundleError::Save(SaveError::Conflict { .. } | SaveError::NotUnique { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The clinic's pools, as an integration engine feeds them.
pub fn services() -> Vec<Value> {
    let service = |id: &str, name: &str, start: &str, end: &str| {
        json!({
            "resourceType": "HealthcareService",
            "identifier": [{ "system": "urn:riverside:services", "value": id }],
            "active": true,
            "name": name,
            "extension": [{ "url": fhir::canonical::TIMEZONE, "valueCode": ZONE }],
            "availableTime": [{
                "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
                "availableStartTime": start,
                "availableEndTime": end
            }]
        })
    };
    vec![
        service("family-medicine", "Riverside family medicine", "08:00:00", "17:00:00"),
        service("refill-pool", "Riverside refills", "08:00:00", "17:00:00"),
    ]
}

/// One of the clinic's people, as the development issuer names them.
pub fn patient(id: &str) -> DevelopmentClaims {
    DevelopmentClaims {
        sub: format!("Patient/{id}"),
        client_id: "portal".to_owned(),
        scope: "patient/*.cruds".to_owned(),
        patient: Some(id.to_owned()),
        fhir_user: Some(format!("Patient/{id}")),
        ..DevelopmentClaims::default()
    }
}

/// A nurse who answers for both pools.
pub fn nurse() -> DevelopmentClaims {
    DevelopmentClaims {
        sub: "Practitioner/nurse-ortiz".to_owned(),
        client_id: "ehr".to_owned(),
        scope: "user/*.cruds".to_owned(),
        fhir_user: Some("Practitioner/nurse-ortiz".to_owned()),
        pools: vec!["family".to_owned(), "refill".to_owned()],
        ..DevelopmentClaims::default()
    }
}

/// The health system's integration engine.
pub fn engine() -> DevelopmentClaims {
    DevelopmentClaims {
        sub: "engine".to_owned(),
        client_id: "engine".to_owned(),
        scope: "system/*.cruds postern/admin.read".to_owned(),
        ..DevelopmentClaims::default()
    }
}

/// A message of a patient to a pool.
pub fn message(patient: &str, pool: &str, category: &str, topic: &str, text: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "in-progress",
        "category": [{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": category }] }],
        "subject": { "reference": format!("Patient/{patient}") },
        "topic": { "text": topic },
        "recipient": [{ "reference": pool }],
        "sender": { "reference": format!("Patient/{patient}") },
        "payload": [{ "contentString": text }]
    })
}

/// The nurse's answer to a message.
pub fn answer(patient: &str, to: &ResourceId, text: &str) -> Value {
    json!({
        "resourceType": "Communication",
        "status": "completed",
        "inResponseTo": [{ "reference": format!("Communication/{to}") }],
        "subject": { "reference": format!("Patient/{patient}") },
        "recipient": [{ "reference": format!("Patient/{patient}") }],
        "sender": { "reference": "Practitioner/nurse-ortiz" },
        "payload": [{ "contentString": text }]
    })
}

//! The compiled policy of each tenant: made once for a generation of the catalogue and shared by everyone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use domain::calendar::zone_named;
use domain::change::Change;
use domain::id::TenantId;
use domain::policy::bundle::Bundle;
use domain::policy::people::{Role, Team};
use domain::policy::{Directory, Policy, ServiceHours};
use domain::store::{Catalogue, SaveError, Service, Store, StoreError};
use domain::time::{Instant, TimeSource};
use fhir::care_team::Membership;
use fhir::healthcare_service::Availability;
use fhir::practitioner_role::Working;
use fhir::resource::Document;
use jiff::tz::TimeZone;

/// A policy compiled longer ago than this is compiled again: calendars are made for the years around it.
const REMAKE_AFTER: i64 = 90 * 86_400;

/// The policies in force.
pub struct Policies {
    store: Arc<dyn Store>,
    time: Arc<dyn TimeSource>,
    held: RwLock<HashMap<TenantId, Held>>,
    /// Of each tenant one at a time compiles; the others find it done.
    compiling: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
}

#[derive(Clone)]
struct Held {
    policy: Arc<Policy>,
    shadow: Option<Arc<Policy>>,
    around: Instant,
}

impl Policies {
    /// Policies read from that store when first asked for.
    pub fn new(store: Arc<dyn Store>, time: Arc<dyn TimeSource>) -> Self {
        Self { store, time, held: RwLock::default(), compiling: Mutex::default() }
    }

    /// The same policies as far as they are known, over the store of a transaction, in which they may change.
    pub(crate) fn within(&self, store: Arc<dyn Store>) -> Self {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self { store, time: Arc::clone(&self.time), held: RwLock::new(held), compiling: Mutex::default() }
    }

    /// The policy in force, as far as is known here: a save says when it has changed since.
    pub async fn current(&self, tenant: &TenantId) -> Result<Arc<Policy>, StoreError> {
        match self.held(tenant) {
            Some(held) => Ok(held.policy),
            None => self.newer_than(tenant, None).await,
        }
    }

    /// The policy after `stale` was found to be no longer in force.
    pub async fn renewed(&self, tenant: &TenantId, stale: &Policy) -> Result<Arc<Policy>, StoreError> {
        self.newer_than(tenant, Some(stale.generation)).await
    }

    /// The policy in force when that one is no longer it. What is refused is saved nowhere, and no save says that it was
    /// refused by what held before.
    pub async fn newer(&self, tenant: &TenantId, known: &Policy) -> Result<Option<Arc<Policy>>, StoreError> {
        if self.store.generation(tenant.clone()).await? == known.generation {
            return Ok(None);
        }
        self.renewed(tenant, known).await.map(Some)
    }

    /// The bundle that is evaluated beside a policy, while that one is in force as far as is known here.
    pub fn shadow(&self, tenant: &TenantId, policy: &Policy) -> Option<Arc<Policy>> {
        self.held(tenant).filter(|held| held.policy.generation == policy.generation)?.shadow
    }

    /// Whether the messages of everybody together are counted: by that policy, or by the bundle in shadow beside it.
    pub fn count_everyone(&self, tenant: &TenantId, policy: &Policy) -> bool {
        policy.counts_everyone() || self.shadow(tenant, policy).is_some_and(|shadow| shadow.counts_everyone())
    }

    /// Looks whether another generation is in force anywhere, for a periodic check; answers how many were remade.
    pub async fn refresh_if_changed(&self) -> Result<usize, StoreError> {
        let tenants: Vec<TenantId> = self.held.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        let (mut remade, mut failed) = (0, None);
        for tenant in tenants {
            match self.refresh(&tenant).await {
                Ok(newer) => remade += usize::from(newer),
                // What one tenant's cannot be made of says nothing about the others'.
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(remade), Err)
    }

    async fn refresh(&self, tenant: &TenantId) -> Result<bool, StoreError> {
        let known = self.held(tenant).map(|held| held.policy.generation);
        if known.is_some() && known == Some(self.store.generation(tenant.clone()).await?) {
            return Ok(false);
        }
        self.newer_than(tenant, known).await?;
        Ok(true)
    }

    /// What is held, unless its calendars were made for another time.
    fn held(&self, tenant: &TenantId) -> Option<Held> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()?;
        let age = Instant::from(self.time.now()).since(held.around);
        (age.abs() <= REMAKE_AFTER).then_some(held)
    }

    fn compiling(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>> {
        self.compiling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn newer_than(&self, tenant: &TenantId, stale: Option<i64>) -> Result<Arc<Policy>, StoreError> {
        let compiling = Arc::clone(self.compiling().entry(tenant.clone()).or_default());
        let _one_at_a_time = compiling.lock().await;
        // Somebody may have done it while this one waited.
        if let Some(held) = self.held(tenant).filter(|held| Some(held.policy.generation) != stale) {
            return Ok(held.policy);
        }
        let around = Instant::from(self.time.now());
        let catalogue = self.store.catalogue(tenant.clone(), around).await?;
        let policy = Arc::new(compile(&catalogue, around));
        self.keep(tenant, &policy).await?;
        if let Some(reason) = &policy.degraded {
            tracing::error!(%tenant, reason, "the bundle in force cannot be used; the built-in one stands in for it");
        }
        let shadow = catalogue.shadow.as_ref().and_then(|shadow| {
            made(&shadow.body, &catalogue, around)
                .inspect_err(|reason| tracing::warn!(%tenant, reason, "the bundle in shadow cannot be used"))
                .ok()
        });
        let held = Held { policy: Arc::clone(&policy), shadow: shadow.map(Arc::new), around };
        self.held.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone(), held);
        Ok(policy)
    }
}

impl Policies {
    /// Keeps the calendars before anything is decided by them: a clock is counted by what its ledger names, whatever
    /// becomes of the bundle and of the pools' hours.
    async fn keep(&self, tenant: &TenantId, policy: &Policy) -> Result<(), StoreError> {
        let mut change = Change::new(tenant.clone());
        change.calendars = policy.kept().cloned().collect();
        self.store.save(change).await.map_err(|error| match error {
            SaveError::Store(error) => error,
            other => StoreError::Internal(other.to_string()),
        })
    }
}

/// The policy of a catalogue. A bundle that cannot be read or has errors is replaced by the built-in one with its pools, as
/// far as they can be read, so that messages are still accepted, promised and delivered to people who exist; every
/// decision then says that a person must look. That time has passed is no error.
pub fn compile(catalogue: &Catalogue, around: Instant) -> Policy {
    let text = catalogue.bundle.as_ref().map_or(domain::policy::DEFAULT_BUNDLE, |bundle| bundle.body.as_str());
    let stand_in = |reason| {
        let bundle = Bundle::standing_in(text);
        let directory = directory(catalogue, &bundle);
        Policy::fallback(bundle, &directory, catalogue.generation, around, reason)
    };
    made(text, catalogue, around).unwrap_or_else(stand_in).remembering(&catalogue.calendars, around)
}

/// A bundle's text compiled with the hours of a catalogue.
fn made(text: &str, catalogue: &Catalogue, around: Instant) -> Result<Policy, String> {
    let bundle = Bundle::read(text).map_err(|finding| finding.to_string())?;
    let directory = directory(catalogue, &bundle);
    Policy::in_force(bundle, &directory, catalogue.generation, around)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// What a catalogue says beside its bundle.
fn directory(catalogue: &Catalogue, bundle: &Bundle) -> Directory {
    Directory {
        services: hours(&catalogue.services, bundle),
        roles: roles(&catalogue.roles),
        teams: teams(&catalogue.teams, bundle),
        absences: catalogue.absences.clone(),
        holidays: catalogue.holidays.clone(),
    }
}

/// The hours that pools' own resources say. A resource with absences alone keeps the bundle's hours less its absences.
fn hours(services: &[Service], bundle: &Bundle) -> Vec<ServiceHours> {
    let read = |service: &Service| {
        let reference = service.key.reference();
        let document = Document::stored(service.body.clone(), service.key.kind).ok()?;
        let available = Availability::read(&document)
            .inspect_err(
                |_| tracing::warn!(service = %service.key, "a service's hours cannot be read; the bundle's count"),
            )
            .ok()
            .filter(|available| available.is_active)?;
        let named = |id: &str| bundle.pools.iter().find(|pool| pool.id == id);
        let pool = bundle.pools.iter().find(|pool| pool.reference == reference).or_else(|| named(&bundle.default_pool));
        let fallback = pool.and_then(|pool| bundle.calendars.iter().find(|calendar| calendar.id == pool.calendar));
        let calendar = available.calendar(&reference.to_string(), fallback);
        Some(ServiceHours { reference, version: service.version, name: available.name, calendar })
    };
    services.iter().filter_map(read).collect()
}

/// Who works where, as their resources say.
fn roles(found: &[Service]) -> Vec<Role> {
    let read = |role: &Service| {
        let document = Document::stored(role.body.clone(), role.key.kind).ok()?;
        Working::read(&document)
            .inspect_err(|_| tracing::warn!(role = %role.key, "a role cannot be read; nobody is taken to be in it"))
            .ok()?
            .role(&role.key, role.version)
    };
    found.iter().filter_map(read).collect()
}

/// Who is in which team, as their resources say.
fn teams(found: &[Service], bundle: &Bundle) -> Vec<Team> {
    let clinic = zone_named(&bundle.clinic.timezone).unwrap_or(TimeZone::UTC);
    let read = |team: &Service| {
        let document = Document::stored(team.body.clone(), team.key.kind).ok()?;
        Membership::read(&document)
            .inspect_err(|_| tracing::warn!(team = %team.key, "a team cannot be read; nobody is taken to be in it"))
            .ok()?
            .team(&team.key, &clinic)
    };
    found.iter().filter_map(read).collect()
}

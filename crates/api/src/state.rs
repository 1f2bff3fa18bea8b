//! What every worker of the interface shares.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::HttpRequest;
use domain::access::ProxyAccess;
use domain::change::Change;
use domain::id::{Ids, TenantId};
use domain::store::{Store, StoreError};
use domain::time::{Instant, TimeSource};
use tokio::sync::Notify;

use crate::audit::AuditKey;
use crate::auth::Authenticator;
use crate::cors::Origins;
use crate::forwarded::TrustedProxies;
use crate::health::Readiness;
use crate::manners::body::Limits;
use crate::metrics::Metrics;
use crate::policies::Policies;
use crate::pulse::Pulse;
use crate::rate::Rates;
use crate::turn::Turns;

/// What the interface needs from the rest of the service, and what it keeps for itself.
pub struct AppState {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The clock that governs everything.
    pub time: Arc<dyn TimeSource>,
    /// Who is believed.
    pub authenticator: Arc<Authenticator>,
    /// The policies in force.
    pub policies: Policies,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The address of the FHIR interface as clients see it, without a slash at its end: `http://localhost:8080/fhir`.
    pub base_url: String,
    /// Whether the service runs in development mode.
    pub development: bool,
    /// How long bodies may be and how long they may take.
    pub limits: Limits,
    /// The key under which the audit trail is sealed; without one it is not.
    pub audit_key: Option<AuditKey>,
    /// What proxies see, by the patient's age.
    pub proxies: ProxyAccess,
    /// The origins whose pages may call.
    pub origins: Origins,
    /// The proxies that are believed about whom they speak for.
    pub trusted_proxies: TrustedProxies,
    /// How many requests callers may make.
    pub rates: Rates,
    /// Told after every change, so that a worker need not wait for its next tick.
    pub nudge: Arc<Notify>,
    /// Whether the store was ready when it was asked last.
    pub readiness: Arc<Readiness>,
    /// Whether the workers still work.
    pub pulse: Arc<Pulse>,
    /// Who has lost a race waits here for their turn.
    pub(crate) turns: Turns,
    draining: AtomicBool,
    /// Within a transaction: what is told once it has ended.
    held_back: Option<Mutex<HeldBack>>,
}

/// What a transaction leaves to be told.
#[derive(Default)]
pub(crate) struct HeldBack {
    /// The outcomes of decisions; they are none when it is not kept.
    pub(crate) outcomes: Vec<String>,
    /// Who was refused; that stands, whatever becomes of the rest.
    pub(crate) refusals: Vec<Change>,
}

impl AppState {
    /// The state of an interface over that store, clock and those issuers, at that address.
    pub fn new(store: Arc<dyn Store>, time: Arc<dyn TimeSource>, authenticator: Authenticator, base_url: &str) -> Self {
        let policies = Policies::new(Arc::clone(&store), Arc::clone(&time));
        Self {
            store,
            time,
            authenticator: Arc::new(authenticator),
            policies,
            metrics: Arc::new(Metrics::new()),
            base_url: base_url.trim_end_matches('/').to_owned(),
            development: false,
            limits: Limits::default(),
            audit_key: None,
            proxies: ProxyAccess::default(),
            origins: Origins::default(),
            trusted_proxies: TrustedProxies::default(),
            rates: Rates::default(),
            nudge: Arc::new(Notify::new()),
            readiness: Arc::default(),
            pulse: Arc::default(),
            turns: Turns::default(),
            draining: AtomicBool::new(false),
            held_back: None,
        }
    }

    /// The state of what is done within a transaction, over its store: policies that are made anew are made from that one,
    /// and nobody is told of decisions before they are kept.
    pub(crate) fn within(&self, store: Arc<dyn Store>) -> Self {
        Self {
            policies: self.policies.within(Arc::clone(&store)),
            store,
            time: Arc::clone(&self.time),
            authenticator: Arc::clone(&self.authenticator),
            metrics: Arc::clone(&self.metrics),
            base_url: self.base_url.clone(),
            development: self.development,
            limits: self.limits,
            audit_key: self.audit_key.clone(),
            proxies: self.proxies.clone(),
            origins: self.origins.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            rates: Rates::default(),
            nudge: Arc::clone(&self.nudge),
            readiness: Arc::clone(&self.readiness),
            pulse: Arc::clone(&self.pulse),
            // Whoever waits for a turn outside may wait for this transaction.
            turns: Turns::default(),
            draining: AtomicBool::new(false),
            held_back: Some(Mutex::default()),
        }
    }

    /// Counts decisions that are kept and tells the workers; within a transaction that is put off.
    pub(crate) fn decided(&self, outcomes: Vec<String>) {
        if let Some(held_back) = &self.held_back {
            held_back.lock().unwrap_or_else(PoisonError::into_inner).outcomes.extend(outcomes);
            return;
        }
        for outcome in outcomes {
            self.metrics.decided(&outcome);
        }
        self.nudge.notify_one();
    }

    /// Keeps a refusal until the transaction has ended; outside of one it comes back, to be recorded at once.
    pub(crate) fn put_off(&self, refusal: Change) -> Option<Change> {
        let Some(held_back) = &self.held_back else { return Some(refusal) };
        held_back.lock().unwrap_or_else(PoisonError::into_inner).refusals.push(refusal);
        None
    }

    /// What was put off.
    pub(crate) fn held_back(&self) -> HeldBack {
        let held_back = self.held_back.as_ref();
        held_back
            .map(|held| std::mem::take(&mut *held.lock().unwrap_or_else(PoisonError::into_inner)))
            .unwrap_or_default()
    }

    /// The present moment in whole seconds, for policies.
    pub fn now(&self) -> Instant {
        self.time.now().into()
    }

    /// New identifiers for something decided at `now`.
    pub fn ids(&self, now: Instant) -> Ids {
        Ids::new(now, random())
    }

    /// The address that a request came from, by the proxies that are trusted.
    pub fn source(&self, request: &HttpRequest) -> Option<IpAddr> {
        Some(self.trusted_proxies.source(request.peer_addr()?.ip(), request.headers()))
    }

    /// Says that the service is about to stop: `/readyz` answers no from now on, so that no new work is sent here.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether the service is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// The pools a caller answers for, as references under the policy in force: those of the token, and those of the
    /// person's roles.
    pub async fn pools_of(&self, caller: &domain::access::Caller) -> Result<Vec<domain::id::Reference>, StoreError> {
        let staff = caller.user.as_ref().filter(|user| user.is("Practitioner") || user.is("PractitionerRole"));
        if caller.pools.is_empty() && staff.is_none() {
            return Ok(vec![]);
        }
        Ok(self.policies.current(&caller.tenant).await?.pools_of(&caller.pools, staff, self.now()))
    }

    /// The tenant of what concerns no tenant in particular.
    pub fn system_tenant() -> TenantId {
        TenantId::new(TenantId::SYSTEM)
    }
}

/// A number that nobody can foresee.
pub(crate) fn random() -> u128 {
    let mut bytes = [0_u8; 16];
    // The library fails only when the operating system has no randomness, and then nothing may go on.
    aws_lc_rs::rand::fill(&mut bytes).expect("the operating system gives randomness");
    u128::from_be_bytes(bytes)
}

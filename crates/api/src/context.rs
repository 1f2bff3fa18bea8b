//! One request through the door: who asks, in which manner, over which store.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use domain::access::{Caller, Narrowed, Permission, Visibility};
use domain::change::{AuditAction, AuditOutcome, AuditRow, Change, ResourceWrite, Stored};
use domain::decide::Actor;
use domain::id::{Ids, Key, Reference, ResourceId, ResourceType};
use domain::policy::Policy;
use domain::store::SaveError;
use domain::time::Instant;
use fhir::outcome::Outcome;
use jiff::Timestamp;

use crate::bundle::Assigned;
use crate::door::Authenticated;
use crate::error::Failure;
use crate::manners::Manners;
use crate::observe::RequestId;
use crate::state::AppState;

/// What a handler of the FHIR interface works with.
pub struct Context {
    /// What everyone shares.
    pub state: Data<AppState>,
    /// Who asks.
    pub caller: Authenticated,
    /// How they ask.
    pub manners: Manners,
    /// The query of the address, as it was sent.
    pub(crate) query: String,
    request: String,
    source: Option<String>,
    /// The id that a new resource gets, when it has one before it is made.
    assigned: Option<ResourceId>,
}

impl FromRequest for Context {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let of = |request: &HttpRequest, payload: &mut Payload| {
            let caller = Authenticated::from_request(request, payload).into_inner()?;
            let manners = Manners::from_request(request, payload).into_inner()?;
            // What stands within a transaction brings a state of its own.
            let within = request.extensions().get::<Data<AppState>>().cloned();
            let state = within.or_else(|| request.app_data::<Data<AppState>>().cloned());
            let state = state.ok_or_else(|| Failure::Internal("the interface has no state".to_owned()))?;
            let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
            let source = state.source(request).map(|address| address.to_string());
            let assigned = request.extensions().get::<Assigned>().map(|assigned| assigned.0.clone());
            let query = request.query_string().to_owned();
            Ok(Self { state, caller, manners, query, request: id, source, assigned })
        };
        ready(of(request, payload))
    }
}

impl Context {
    /// The rows of a type on which the caller has a permission; asked before anything is looked for.
    pub async fn visibility(&self, kind: ResourceType, permission: Permission) -> Result<Visibility, Failure> {
        // Scopes first: what a token may not do costs no look at the policy either.
        self.caller.visibility(kind.as_str(), permission, &[])?;
        let pools = self.pools().await?;
        let mut visibility = self.caller.visibility(kind.as_str(), permission, &pools)?;
        if matches!(visibility, Visibility::Staff { .. }) {
            let policy = self.state.policies.current(&self.caller.tenant).await?;
            visibility = visibility.leading(|_| led(&policy, &self.caller, &pools));
        }
        let visibility = visibility.as_proxy(&self.state.proxies, &self.caller)?;
        Ok(visibility.of(kind, permission)?)
    }

    /// As [`Context::visibility`], for whoever keeps to the categories that come with it.
    pub async fn narrowed(&self, kind: ResourceType, permission: Permission) -> Result<Narrowed, Failure> {
        let narrowed = self.caller.narrowed(kind.as_str(), permission, &[])?;
        if narrowed.categories.is_empty() {
            return Ok(Narrowed { visibility: self.visibility(kind, permission).await?, ..narrowed });
        }
        let pools = self.pools().await?;
        let Narrowed { visibility, categories } = self.caller.narrowed(kind.as_str(), permission, &pools)?;
        let visibility = visibility.as_proxy(&self.state.proxies, &self.caller)?;
        Ok(Narrowed { visibility, categories })
    }

    /// The caller's pools, as references under the policy in force.
    pub async fn pools(&self) -> Result<Vec<Reference>, Failure> {
        Ok(self.state.pools_of(&self.caller).await?)
    }

    /// The pools that the caller leads, as references under the policy in force.
    pub async fn led(&self) -> Result<Vec<Reference>, Failure> {
        let policy = self.state.policies.current(&self.caller.tenant).await?;
        Ok(led(&policy, &self.caller, &self.pools().await?))
    }

    /// The pools that the caller answers for under a policy: those of the token, and those of the person's roles and teams.
    pub fn pools_under(&self, policy: &Policy) -> Vec<Reference> {
        policy.pools_of(&self.caller.pools, self.caller.user.as_ref(), Instant::from(self.now()))
    }

    /// Whether the caller has that role now.
    pub async fn has_role(&self, role: &Reference) -> Result<bool, Failure> {
        let Some(me) = self.caller.user.as_ref().filter(|_| role.is("PractitionerRole")) else { return Ok(false) };
        let policy = self.state.policies.current(&self.caller.tenant).await?;
        Ok(policy.people().has_role(me, role, Instant::from(self.now())))
    }

    /// Who asks for a decision, with those pools.
    pub fn actor<'a>(&'a self, pools: &'a [Reference], permission: Permission) -> Actor<'a> {
        let administrator = self.caller.administers(permission);
        Actor { person: self.caller.user.as_ref(), pools, administrator }
    }

    /// Allows what only administrators may do.
    pub fn administer(&self, permission: Permission) -> Result<(), Failure> {
        if self.caller.administers(permission) { Ok(()) } else { Err(domain::access::Denied::Scope.into()) }
    }

    /// The id of a new resource: the one that it was given before it was made, or the next of these.
    pub fn new_id(&self, ids: &mut Ids) -> ResourceId {
        // The next is taken in either case, so that what follows is the same.
        let next = ids.next_id();
        self.assigned.clone().unwrap_or(next)
    }

    /// The address that the request came from.
    pub fn source(&self) -> Option<IpAddr> {
        self.source.as_ref()?.parse().ok()
    }

    /// What the request is known by.
    pub fn request_id(&self) -> RequestId {
        RequestId(self.request.clone())
    }

    /// The present moment.
    pub fn now(&self) -> Timestamp {
        self.state.time.now()
    }

    /// The audit row of what is done now; the rest of it is filled by who does it.
    pub fn audit(&self, action: AuditAction, interaction: &'static str) -> AuditRow {
        let now = self.now();
        AuditRow {
            id: self.state.ids(Instant::from(now)).next_id(),
            at: now,
            client: self.caller.client.clone(),
            subject: Some(self.caller.subject.clone()),
            issuer: Some(self.caller.issuer.clone()),
            agent: self.caller.user.clone().or_else(|| self.caller.subject_patient()),
            action,
            interaction: interaction.into(),
            focus: None,
            version: None,
            patient: None,
            about: vec![],
            query: None,
            count: 0,
            request: self.request.clone(),
            outcome: AuditOutcome::Done,
            source: self.source.clone(),
            purpose: self.caller.purpose.clone(),
        }
    }

    /// The answer to a change that made nothing new. A token that may only change is told the version alone: what else
    /// stands in the resource is for who may read it.
    pub async fn changed(&self, stored: &Stored, seen: &Visibility, outcome: &Outcome) -> HttpResponse {
        let reads = self.visibility(stored.key.kind, Permission::Read).await.is_ok_and(|reads| reads == *seen);
        let manners = if reads { self.manners.clone() } else { self.manners.without_body() };
        manners.made(stored, &self.state.base_url, false, outcome)
    }

    /// Records an access that changes nothing. The answer is given out only once that is written.
    pub async fn record(&self, audit: AuditRow) -> Result<(), Failure> {
        let mut change = Change::new(self.caller.tenant.clone());
        change.audit = vec![audit];
        Ok(self.state.store.save(change).await?)
    }

    /// Saves a change and tells the workers.
    pub async fn save(&self, change: Change) -> Result<(), SaveError> {
        let outcomes: Vec<String> = change.decisions.iter().map(|decision| decision.outcome.clone()).collect();
        self.state.store.save(change).await?;
        self.state.decided(outcomes);
        Ok(())
    }
}

/// The pools that a caller leads under a policy, as references.
pub(crate) fn led(policy: &Policy, caller: &Caller, pools: &[Reference]) -> Vec<Reference> {
    let actor = Actor { person: caller.user.as_ref(), pools, administrator: false };
    policy.pools().iter().filter(|pool| actor.leads(policy.people(), pool)).map(|pool| pool.reference.clone()).collect()
}

/// A version that was just written, as a read would give it.
pub(crate) fn stored(write: &ResourceWrite) -> Stored {
    Stored {
        key: write.key.clone(),
        version: write.version,
        last_updated: write.last_updated,
        date: write.date,
        deleted: write.deleted,
        made_by_update: write.made_by_update,
        thread: write.thread.clone(),
        patient: write.patient.clone(),
        body: write.body.clone(),
    }
}

/// The key that a path names; an id that none of ours could be is nobody's.
pub(crate) fn key(kind: ResourceType, id: &str) -> Result<Key, Failure> {
    Ok(Key::new(kind, id.parse().map_err(|_| Failure::NotFound)?))
}

/// The patient whose view a visibility is.
pub(crate) fn patient_of(visibility: &Visibility) -> Option<&Reference> {
    match visibility {
        Visibility::Patient { patient, .. } => Some(patient),
        Visibility::Everything | Visibility::Staff { .. } => None,
    }
}

//! What patients' Consents say of those who act for them, as it stands at this moment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::access::{Caller, Mandate, Threads, Visibility};
use domain::change::Stored;
use domain::id::{Reference, ResourceId, ResourceType, TenantId};
use domain::search::{Cursor, Filter, Search, Sort, SortBy, TokenMatch};
use domain::store::StoreError;
use fhir::consent::Directive;
use fhir::resource::Document;

use crate::state::AppState;

/// How many rows are looked at at once.
const PAGE: u16 = 200;

/// The caller with what Consents say, when they act for a patient who is not themselves: the patient for whom they act,
/// if the token does not name one, and which of that patient's conversations they see.
///
/// # Errors
/// The store does not answer; without knowing what a patient denies nothing is shown.
pub(crate) async fn mandated(state: &AppState, caller: Arc<Caller>) -> Result<Arc<Caller>, StoreError> {
    let Some(me) = caller.user.as_ref().filter(|user| user.is("RelatedPerson") || caller.acts_for_another()) else {
        return Ok(caller);
    };
    let asking = Asking { state, tenant: &caller.tenant, me };
    let patient = match caller.subject_patient() {
        Some(patient) => Some(patient),
        None => asking.patient().await?,
    };
    // Of whom nobody says for whom they act nothing is known: their token opens what it opens without a patient.
    let Some(patient) = patient else { return Ok(caller) };
    let mandate = asking.mandate(&patient).await?;
    let patient = Some(patient.id().clone());
    Ok(Arc::new(Caller { patient, mandate, ..(*caller).clone() }))
}

/// Whether a patient's Consents deny one of the patient's conversations to somebody who acts for the patient. The patient
/// themselves and the team are denied nothing by them.
///
/// # Errors
/// The store does not answer.
pub async fn denies(
    state: &AppState,
    tenant: &TenantId,
    (patient, who): (&Reference, &Reference),
    thread: &ResourceId,
) -> Result<bool, StoreError> {
    if !(who.is("RelatedPerson") || (who.is("Patient") && who != patient)) {
        return Ok(false);
    }
    Ok(Asking { state, tenant, me: who }.mandate(patient).await?.hidden.contains(thread))
}

struct Asking<'a> {
    state: &'a AppState,
    tenant: &'a TenantId,
    me: &'a Reference,
}

impl Asking<'_> {
    /// The patient whose Consents permit the caller something. A related person is one patient's: of several none is meant.
    async fn patient(&self) -> Result<Option<Reference>, StoreError> {
        let naming = Filter::Reference { param: "actor", any: vec![self.me.to_string()] };
        let mut patients = BTreeSet::new();
        for (patient, mandate) in self.said(naming).await? {
            if mandate.permits() {
                patients.insert(patient);
            }
        }
        let mut patients = patients.into_iter();
        Ok(patients.next().filter(|_| patients.next().is_none()))
    }

    async fn mandate(&self, patient: &Reference) -> Result<Mandate, StoreError> {
        let said = self.said(Filter::Patient(vec![patient.clone()])).await?;
        let mut mandate = said.into_values().fold(Mandate::default(), |all, one| all.and(&one));
        // What is written on in a conversation that was merged stands in the one that goes on: it is hidden as well.
        let mut merged: Vec<ResourceId> = match &mandate.hidden {
            Threads::Only(these) => these.iter().cloned().collect(),
            Threads::AllBut(_) => vec![],
        };
        while !merged.is_empty() {
            let threads = self.state.store.threads(self.tenant.clone(), merged).await?;
            let into = threads.into_iter().filter_map(|thread| thread.merged_into);
            merged = into.filter(|into| !mandate.hidden.contains(into)).collect();
            mandate.hidden = mandate.hidden.or(&Threads::Only(merged.iter().cloned().collect()));
        }
        Ok(mandate)
    }

    /// What those active Consents say about the caller, by patient.
    async fn said(&self, which: Filter) -> Result<BTreeMap<Reference, Mandate>, StoreError> {
        let active = TokenMatch { system: None, code: Some("active".to_owned()) };
        let active = Filter::Token { param: "status", any: vec![active] };
        let consents = self.all(ResourceType::Consent, vec![which, active]).await?;
        let mut directives = Vec::new();
        for consent in consents {
            let text = Document::stored(consent.body, ResourceType::Consent);
            let text = text.map_err(|_| StoreError::Internal(format!("{} cannot be read", consent.key)))?;
            directives.extend(Directive::read(&text));
        }
        let named: BTreeSet<ResourceId> = directives.iter().flat_map(Directive::messages).collect();
        let mut messages = vec![];
        if !named.is_empty() {
            messages = self.all(ResourceType::Communication, vec![Filter::Id(named.into_iter().collect())]).await?;
        }
        let threads: BTreeMap<ResourceId, ResourceId> =
            messages.into_iter().filter_map(|message| Some((message.key.id, message.thread?))).collect();
        let thread = |message: &ResourceId| threads.get(message).unwrap_or(message).clone();
        let policy = self.state.policies.current(self.tenant).await?;
        let mut said: BTreeMap<Reference, Mandate> = BTreeMap::new();
        for directive in directives {
            let mandate = directive.mandate(self.me, self.state.now(), &policy.zone, &thread);
            let all = said.entry(directive.patient).or_default();
            *all = all.and(&mandate);
        }
        Ok(said)
    }

    async fn all(&self, kind: ResourceType, filters: Vec<Filter>) -> Result<Vec<Stored>, StoreError> {
        let (mut found, mut after): (Vec<Stored>, Option<Cursor>) = (vec![], None);
        loop {
            let asked = Search {
                tenant: self.tenant.clone(),
                kind,
                filters: filters.clone(),
                sort: vec![Sort { by: SortBy::Id, descending: false }],
                count: PAGE,
                after: after.take(),
                total: false,
                visibility: Visibility::Everything,
            };
            let page = self.state.store.search(asked).await?;
            found.extend(page.rows);
            after = page.next;
            if after.is_none() {
                return Ok(found);
            }
        }
    }
}

//! Conditions in the words of a search: on a create, so that a retry gets what the first attempt made
//! (<https://hl7.org/fhir/R4/http.html#ccreate>), and in place of an id (<https://hl7.org/fhir/R4/http.html#cud>).

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Stored, UniqueKey};
use domain::id::{Key, ResourceType};
use domain::search::{Read, Search};
use fhir::issue::IssueCode;
use fhir::outcome::Outcome;
use fhir::search::{Handling, parse};
use sha2::{Digest as _, Sha256};

use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::text;
use crate::search::asker;

/// A condition: a search that is to find one resource, or none.
pub(crate) struct Condition {
    search: Search,
    namespace: &'static str,
    key: String,
}

impl Condition {
    /// What the request's `If-None-Exist` says.
    pub(crate) async fn if_none_exist(
        context: &Context,
        request: &HttpRequest,
        kind: ResourceType,
    ) -> Result<Option<Self>, Failure> {
        let name = HeaderName::from_static("if-none-exist");
        if !request.headers().contains_key(&name) {
            return Ok(None);
        }
        let criteria = text(request, &name);
        let criteria = criteria.trim().trim_start_matches('?');
        Self::of(context, criteria, kind, "If-None-Exist").await.map(Some)
    }

    /// What the request's address says in place of an id.
    pub(crate) async fn in_address(
        context: &Context,
        request: &HttpRequest,
        kind: ResourceType,
    ) -> Result<Self, Failure> {
        Self::of(context, request.query_string(), kind, "An address without an id").await
    }

    /// It is a search, so it needs the right to search, and it sees what the caller sees. `place` is where it stands, for
    /// whom it lacks a parameter.
    pub(crate) async fn of(
        context: &Context,
        criteria: &str,
        kind: ResourceType,
        place: &str,
    ) -> Result<Self, Failure> {
        context.visibility(kind, Permission::Search).await?;
        let parsed = parse(kind, criteria, &asker(context, Handling::Strict).await?)?;
        if parsed.search.filters.is_empty() {
            let text = format!("{place} needs at least one search parameter, such as identifier=[system]|[value].");
            return Err(Failure::invalid(IssueCode::Required, text));
        }
        let mut said = parsed.applied;
        said.sort();
        // The same words about what another caller sees are another condition; who sees everything, sees the same.
        let whose = match &parsed.search.visibility {
            Visibility::Everything => None,
            _ => Some((&context.caller.client, &context.caller.user, &context.caller.patient)),
        };
        let digest = Sha256::digest(format!("{whose:?}{said:?}"));
        let search = Search { count: 2, total: false, after: None, ..parsed.search };
        Ok(Self { search, namespace: namespace(kind), key: URL_SAFE_NO_PAD.encode(digest) })
    }

    /// The one resource that matches now.
    pub(crate) async fn matching(&self, context: &Context) -> Result<Option<Stored>, Failure> {
        let mut page = context.state.store.search(self.search.clone()).await?;
        match page.rows.len() {
            0 | 1 if page.next.is_none() => Ok(page.rows.pop()),
            _ => Err(Failure::SeveralMatch),
        }
    }

    /// The resource that the condition finds already, or has found before.
    pub(crate) async fn existing(&self, context: &Context) -> Result<Option<Stored>, Failure> {
        match self.matching(context).await? {
            None => self.first(context).await,
            found => Ok(found),
        }
    }

    /// What an earlier attempt under the same condition has made, whether or not the condition finds it.
    pub(crate) async fn first(&self, context: &Context) -> Result<Option<Stored>, Failure> {
        let tenant = context.caller.tenant.clone();
        let owner = context.state.store.owner_of(tenant.clone(), self.namespace, self.key.clone()).await?;
        let Some(key) = owner else { return Ok(None) };
        let read = Read { tenant, key, version: None, visibility: self.search.visibility.clone() };
        Ok(context.state.store.read(read).await?.filter(|stored| !stored.deleted))
    }

    /// A conditional create that found what it would have made: 200, and the access is recorded as the read that it is.
    pub(crate) async fn found(&self, context: &Context, existing: &Stored) -> Answer {
        let mut audit = context.audit(AuditAction::Read, "create");
        audit.focus = Some(existing.key.clone());
        audit.version = Some(existing.version);
        audit.patient.clone_from(&existing.patient);
        audit.count = 1;
        context.record(audit).await?;
        let outcome = Outcome::all_well("There is one already; nothing was made.");
        Ok(context.manners.made(existing, &context.state.base_url, false, &outcome))
    }

    /// The key that only one create under this condition can take.
    pub(crate) fn unique(&self, owner: Key) -> UniqueKey {
        UniqueKey { namespace: self.namespace, key: self.key.clone(), owner }
    }
}

const fn namespace(kind: ResourceType) -> &'static str {
    match kind {
        ResourceType::Communication => "If-None-Exist:Communication",
        ResourceType::Task => "If-None-Exist:Task",
        ResourceType::HealthcareService => "If-None-Exist:HealthcareService",
        ResourceType::PractitionerRole => "If-None-Exist:PractitionerRole",
        ResourceType::CareTeam => "If-None-Exist:CareTeam",
        ResourceType::Consent => "If-None-Exist:Consent",
    }
}

//! Searches, alike for every type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Permission, Visibility};
use domain::change::AuditAction;
use domain::id::ResourceType;
use domain::search::{Page, SortBy};
use fhir::bundle::searchset;
use fhir::issue::{Issue, IssueCode};
use fhir::search::{Handling, Parsed, parse};

use crate::context::{Context, patient_of};
use crate::error::{Answer, Failure};
use crate::read::as_patients_see;

/// By what patients may look for Tasks: whatever else a Task says is the team's, and a search would tell it.
const PATIENTS_ASK_TASKS_BY: [&str; 8] =
    ["_id", "_lastUpdated", "_sort", "_count", "_total", "patient", "focus", "pool"];

/// A page of what matches the query and the form, as far as the caller may see it.
pub(crate) async fn search(context: &Context, kind: ResourceType, query: &str, form: &str) -> Answer {
    let visibility = context.visibility(kind, Permission::Search).await?;
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let handling = if context.manners.prefer.lenient { Handling::Lenient } else { Handling::Strict };
    let base = &context.state.base_url;
    let tenant = context.caller.tenant.clone();
    let parsed = parse(kind, &both, handling, base, tenant, visibility.clone())?;
    if kind == ResourceType::Task && patient_of(&visibility).is_some() {
        only_what_patients_know(&parsed)?;
    }
    let page = seen(context.state.store.search(parsed.search.clone()).await?, &visibility)?;
    let mut audit = context.audit(AuditAction::Execute, "search-type");
    audit.query = Some(STANDARD.encode(format!("{kind}?{both}")));
    audit.patient = patient_of(&visibility).cloned();
    audit.count = page.rows.len() as i32;
    context.record(audit).await?;
    Ok(context.manners.present(searchset(base, &parsed, &page)))
}

fn seen(page: Page, visibility: &Visibility) -> Result<Page, Failure> {
    if patient_of(visibility).is_none() {
        return Ok(page);
    }
    let rows = page.rows.into_iter().map(as_patients_see).collect::<Result<_, _>>()?;
    Ok(Page { rows, ..page })
}

fn only_what_patients_know(parsed: &Parsed) -> Result<(), Failure> {
    let unknown = |name: &str| !PATIENTS_ASK_TASKS_BY.contains(&name.split(':').next().unwrap_or_default());
    let sorted = parsed.search.sort.by != SortBy::LastUpdated;
    if sorted || parsed.applied.iter().any(|(name, _)| unknown(name)) {
        let text =
            "A patient's token finds Tasks by _id, _lastUpdated, patient, focus and pool, sorted by _lastUpdated.";
        return Err(Failure::NotAllowed(vec![Issue::error(IssueCode::Forbidden, text)]));
    }
    Ok(())
}

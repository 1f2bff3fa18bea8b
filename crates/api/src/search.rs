//! Searches, alike for every type.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Permission, Visibility};
use domain::change::AuditAction;
use domain::id::ResourceType;
use domain::search::Page;
use fhir::bundle::searchset;
use fhir::search::{Handling, parse};

use crate::context::{Context, patient_of};
use crate::error::{Answer, Failure};
use crate::read::as_patients_see;

/// A page of what matches the query and the form, as far as the caller may see it.
pub(crate) async fn search(context: &Context, kind: ResourceType, query: &str, form: &str) -> Answer {
    let visibility = context.visibility(kind, Permission::Search).await?;
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let handling = if context.manners.prefer.lenient { Handling::Lenient } else { Handling::Strict };
    let base = &context.state.base_url;
    let tenant = context.caller.tenant.clone();
    let parsed = parse(kind, &both, handling, base, tenant, visibility.clone())?;
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

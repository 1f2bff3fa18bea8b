//! `$break-glass`: what a member of the staff reads in an emergency without having a part in it.

use std::collections::BTreeSet;

use actix_web::{HttpRequest, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Denied, Permission, Visibility};
use domain::change::{AuditAction, Change};
use domain::decide::emergency::{EmergencyReason, looked};
use domain::id::{Reference, ResourceId};
use domain::time::Instant;
use fhir::bundle::searchset;
use fhir::issue::{Issue, IssueCode};
use fhir::operation::operations;
use fhir::search::{Handling, parse};

use super::KIND;
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::given::Given;
use crate::manners::body::ResourceBody;
use crate::openapi::schema;
use crate::read::unreadable;
use crate::search::asker;

/// The purpose under which it is recorded (<https://terminology.hl7.org/CodeSystem-v3-ActReason.html>).
const PURPOSE: &str = "BTG";

/// Gives a member of the staff the latest messages about a patient in an emergency, whoever answers them: at most 200,
/// notes among staff included, nobody's drafts. It needs a reason (`emergency-treatment`, `danger`, `nobody-reachable`),
/// is recorded as what it is, and the leads of the pools are told at once.
#[utoipa::path(
    tag = "Communication",
    operation_id = "breakGlass",
    request_body(content((schema::Parameters = "application/fhir+json"), (schema::Parameters = "application/json"))),
    responses(
        (status = 200, description = "The messages, the latest first.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ChangeErrors,
    ),
    security(("bearer" = ["user/Communication.r"]))
)]
#[post("/fhir/Communication/$break-glass")]
pub(crate) async fn break_glass(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
    let visibility = context.visibility(KIND, Permission::Read).await?;
    let (patient, reason) = asked(&context, request.query_string(), &body.0)?;
    let Visibility::Staff { me, about: None, .. } = visibility else { return Err(Denied::Scope.into()) };
    let (state, tenant) = (&context.state, &context.caller.tenant);
    let policy = state.policies.current(tenant).await?;
    let pools = policy.pools().iter().map(|pool| pool.reference.clone()).collect();
    let mut asker = asker(&context, Handling::Strict).await?;
    asker.sees.insert(KIND, Visibility::Staff { me, pools, leads: vec![], about: None });
    let parsed = parse(KIND, &format!("patient={patient}&_sort=-sent&_count=200"), &asker)?;
    let mut page = state.store.search(parsed.search.clone()).await?;
    // Another page would be another look.
    page.next = None;

    let threads: BTreeSet<ResourceId> = page.rows.iter().filter_map(|row| row.thread.clone()).collect();
    let seen = state.store.threads(tenant.clone(), threads.into_iter().collect()).await?;
    let now = Instant::from(context.now());
    let mut audit = context.audit(AuditAction::Read, "$break-glass");
    audit.purpose = Some(PURPOSE.to_owned());
    audit.query = Some(STANDARD.encode(format!("{KIND}/$break-glass?patient={patient}&reason={}", reason.as_str())));
    audit.patient = Some(patient);
    audit.gives(&page.rows);
    let mut change = Change::new(tenant.clone());
    change.outbox = looked(&policy, &seen, now, &mut state.ids(now));
    change.audit = vec![audit];
    context.save(change).await?;
    Ok(context.manners.present(unreadable(searchset(&state.base_url, &parsed, &page, &[]))?))
}

/// About whom, and why.
fn asked(context: &Context, query: &str, body: &[u8]) -> Result<(Reference, EmergencyReason), Failure> {
    let row = operations(KIND).iter().find(|operation| operation.name == "break-glass");
    let row = row.ok_or_else(|| Failure::Internal("no row for $break-glass".to_owned()))?;
    let given = Given::read(row, context, query, Some(body))?;
    let patient = given.value("patient").and_then(|text| match text.parse::<Reference>() {
        Ok(reference) => reference.is("Patient").then_some(reference),
        Err(_) => text.parse().ok().map(|id| Reference::new("Patient", id)),
    });
    let reason = given.value("reason").and_then(EmergencyReason::from_code);
    let wrong =
        |text: String| Failure::Invalid(vec![Issue::error(IssueCode::Required, text).at("Parameters.parameter")]);
    let patient = patient.ok_or_else(|| wrong("patient must name the patient, such as Patient/[id].".to_owned()))?;
    let codes = EmergencyReason::ALL.map(EmergencyReason::as_str).join(", ");
    Ok((patient, reason.ok_or_else(|| wrong(format!("reason must say why: {codes}.")))?))
}

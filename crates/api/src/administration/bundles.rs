//! Policy bundles: stored, checked, compared, moved through their life; and the schema they follow.

pub(crate) mod life;

use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::web::{Bytes, Path, Query};
use actix_web::{HttpResponse, get, post};
use domain::access::Permission;
use domain::change::{AuditAction, BundleRow, BundleState, Change};
use domain::policy::bundle::Bundle;
use domain::policy::difference::differences;
use domain::policy::lint::{Finding, Severity};
use domain::store::SaveError;
use domain::time::Instant;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{administrator, reading, record};
use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::ResourceBody;
use crate::openapi::schema;

/// The schema of bundles, as it is published with the documentation.
const SCHEMA: &str = include_str!("../../../../docs/policy-bundle.schema.json");

/// Lists the policy bundles of the tenant, newest version first, with their content.
#[utoipa::path(
    tag = "Administration",
    operation_id = "listBundles",
    responses((status = 200, description = "The bundles.", body = schema::PolicyBundles, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/bundles")]
pub(crate) async fn list(context: Context) -> Answer {
    administrator(&context)?;
    let bundles = context.state.store.bundles(context.caller.tenant.clone()).await?;
    reading(&context, "list-bundles", bundles.len()).await?;
    let told = bundles.iter().map(tell).collect::<Result<Vec<Value>, Failure>>()?;
    Ok(super::json(&json!({ "bundles": told })))
}

/// Stores a bundle as a draft, when lint finds no error in it. A draft of the same id and version is replaced; once a
/// version is no draft any more its text is fixed, and that is 409. Nothing is decided under a draft.
#[utoipa::path(
    tag = "Administration",
    operation_id = "createBundle",
    request_body(content = schema::PolicyBundle, content_type = "application/json"),
    responses(
        (status = 201, description = "Stored as a draft, with what lint warns of.", body = schema::PolicyBundleStored, content_type = "application/json",
            headers(("Location" = String))),
        schema::ProblemChangeErrors,
    ),
    security(("bearer" = ["postern/admin.write"]))
)]
#[post("/api/v1/bundles")]
pub(crate) async fn create(context: Context, body: ResourceBody) -> Answer {
    context.administer(Permission::Update)?;
    let now = Instant::from(context.now());
    let (bundle, findings) = checked(&body.0, now)?;
    let tenant = &context.caller.tenant;
    let known = context.state.store.bundles(tenant.clone()).await?;
    let draft = domain::policy::life::drafted(&known, BundleRow::draft(&bundle, now))?;
    let mut change = Change::new(tenant.clone());
    change.audit = vec![context.audit(AuditAction::Create, "create-bundle")];
    change.bundles = vec![draft.clone()];
    match context.save(change).await {
        Ok(()) => {}
        // It came into another state since it was looked at.
        Err(SaveError::Conflict { .. }) => return Err(domain::policy::life::Refusal::Fixed.into()),
        Err(error) => return Err(error.into()),
    }
    let mut told = tell(&draft)?;
    told["findings"] = json!(findings);
    let location = super::location(&context, &format!("bundles/{}", draft.name()));
    Ok(HttpResponse::Created()
        .insert_header((CONTENT_TYPE, "application/json"))
        .insert_header((LOCATION, location))
        .body(told.to_string()))
}

/// Checks a bundle and stores nothing: everything lint finds, errors and warnings.
#[utoipa::path(
    tag = "Administration",
    operation_id = "validateBundle",
    request_body(content = schema::PolicyBundle, content_type = "application/json"),
    responses((status = 200, description = "What lint finds.", body = schema::PolicyFindings, content_type = "application/json"), schema::ProblemChangeErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[post("/api/v1/bundles/validate")]
pub(crate) async fn validate(context: Context, body: ResourceBody) -> Answer {
    administrator(&context)?;
    let findings = match readable(&body.0) {
        Ok(bundle) => bundle.lint(context.now().into()),
        Err(finding) => vec![finding],
    };
    reading(&context, "validate-bundle", 0).await?;
    Ok(super::json(&json!({ "findings": findings })))
}

/// Reads a version of a bundle.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readBundle",
    params(("id" = String, Path, description = "The bundle's id."), ("version" = String, Path, description = "Its version, a whole number.")),
    responses((status = 200, description = "The version.", body = schema::PolicyBundleVersion, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/bundles/{id}/{version}")]
pub(crate) async fn read(context: Context, path: Path<(String, String)>) -> Answer {
    administrator(&context)?;
    let (id, version) = path.into_inner();
    let version = version.parse().map_err(|_| Failure::NotFound)?;
    if id.contains('\0') {
        // No bundle is called so, and PostgreSQL cannot be asked for it.
        return Err(Failure::NotFound);
    }
    let found = context.state.store.bundle(context.caller.tenant.clone(), id, version).await?;
    let told = tell(&found.ok_or(Failure::NotFound)?)?;
    reading(&context, "read-bundle", 1).await?;
    Ok(super::json(&told))
}

/// What to compare with.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Against {
    /// The older version, as `id/version`; the active one unless it is said.
    #[param(nullable = false, example = "riverside/1")]
    against: Option<String>,
}

/// Tells where a version differs from another, the active one unless it is said: JSON pointers with both values. Entries
/// that have an `id` are compared by it, wherever they stand in their list.
#[utoipa::path(
    tag = "Administration",
    operation_id = "compareBundles",
    params(("id" = String, Path, description = "The bundle's id."), ("version" = String, Path, description = "Its version, a whole number."), Against),
    responses((status = 200, description = "The differences.", body = schema::PolicyDifferences, content_type = "application/json"), schema::ProblemErrors),
    security(("bearer" = ["postern/admin.read"]))
)]
#[get("/api/v1/bundles/{id}/{version}/diff")]
pub(crate) async fn diff(context: Context, path: Path<(String, String)>, asked: Query<Against>) -> Answer {
    administrator(&context)?;
    let bundles = context.state.store.bundles(context.caller.tenant.clone()).await?;
    let after = named(&bundles, &path)?;
    let before = match &asked.against {
        None => bundles.iter().find(|row| row.state == BundleState::Active).ok_or(Failure::NotFound)?,
        Some(name) => bundles.iter().find(|row| row.name() == *name).ok_or(Failure::NotFound)?,
    };
    reading(&context, "compare-bundles", 2).await?;
    let found = differences(&record(&before.body)?, &record(&after.body)?);
    Ok(super::json(&json!({ "bundle": after.name(), "against": before.name(), "differences": found })))
}

/// Reads the JSON Schema of policy bundles. Any token will do: it says nothing about anybody.
#[utoipa::path(
    tag = "Administration",
    operation_id = "readBundleSchema",
    responses((status = 200, description = "The JSON Schema.", body = schema::JsonSchema, content_type = "application/schema+json"), schema::ProblemErrors),
    security(("bearer" = []))
)]
#[get("/api/v1/policy-bundle.schema.json")]
pub(crate) async fn bundle_schema() -> HttpResponse {
    HttpResponse::Ok().insert_header((CONTENT_TYPE, "application/schema+json")).body(SCHEMA)
}

fn tell(row: &BundleRow) -> Result<Value, Failure> {
    let mut told = json!({
        "id": row.id,
        "version": row.version,
        "hash": row.hash,
        "state": row.state.as_str(),
        "effectiveFrom": row.effective_from,
        "bundle": record(&row.body)?,
    });
    if let Some(reason) = row.cancels {
        told["cancelRunning"] = json!(reason);
    }
    Ok(told)
}

/// The version that a path names.
fn named<'a>(bundles: &'a [BundleRow], (id, version): &(String, String)) -> Result<&'a BundleRow, Failure> {
    bundles.iter().find(|row| row.id == *id && row.version.to_string() == *version).ok_or(Failure::NotFound)
}

pub(super) fn readable(body: &[u8]) -> Result<Bundle, Finding> {
    let text = std::str::from_utf8(body).map_err(|_| Finding {
        severity: Severity::Error,
        pointer: String::new(),
        message: "the document is not UTF-8".to_owned(),
        remedy: "send it in UTF-8".to_owned(),
    })?;
    Bundle::read(text)
}

/// A bundle without errors, and what lint warns of.
pub(super) fn checked(body: &Bytes, around: Instant) -> Result<(Bundle, Vec<Finding>), Failure> {
    let bundle = readable(body).map_err(|finding| Failure::Findings(vec![finding]))?;
    let findings = lint(&bundle, around)?;
    Ok((bundle, findings))
}

/// What lint warns of; its errors are a refusal.
fn lint(bundle: &Bundle, around: Instant) -> Result<Vec<Finding>, Failure> {
    let findings = bundle.lint(around);
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Failure::Findings(findings));
    }
    Ok(findings)
}

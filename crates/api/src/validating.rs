//! `$validate` (<https://hl7.org/fhir/R4/resource-operation-validate.html>): what is wrong with a resource, and whether
//! something could be done with it. The answer is an `OperationOutcome` whatever it says.

use actix_web::web::Path;
use actix_web::{HttpRequest, post};
use domain::access::{Permission, Visibility};
use domain::change::{AuditAction, Stored};
use domain::id::{Key, ResourceType};
use domain::search::Read;
use fhir::care_team::Membership;
use fhir::healthcare_service::Availability;
use fhir::issue::{Issue, IssueCode, Severity};
use fhir::operation::operations;
use fhir::outcome::Outcome;
use fhir::practitioner_role::Working;
use fhir::resource::Document;
use fhir::validate::Options;

use crate::communication::{preflight, standing};
use crate::context::{Context, key};
use crate::error::{Answer, Failure};
use crate::given::Given;
use crate::manners::body::OptionalBody;
use crate::openapi::schema;

/// What a resource is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    Delete,
}

impl Mode {
    fn read(code: &str) -> Result<Self, Failure> {
        match code {
            "create" => Ok(Self::Create),
            "update" => Ok(Self::Update),
            "delete" => Ok(Self::Delete),
            _ => Err(Failure::invalid(IssueCode::Value, "mode is create, update or delete.")),
        }
    }
}

/// Looks at a resource of a type, or at what stands under an id.
async fn validate(
    context: &Context,
    kind: ResourceType,
    id: Option<&str>,
    (request, body): (&HttpRequest, &OptionalBody),
) -> Answer {
    let visibility = context.visibility(kind, Permission::Read).await?;
    let row = operations(kind).iter().find(|operation| operation.is_standard());
    let row = row.ok_or_else(|| Failure::Internal("a type without $validate".to_owned()))?;
    let given = Given::read(row, context, request.query_string(), body.0.as_deref())?;
    if given
        .value("profile")
        .is_some_and(|profile| profile != format!("http://hl7.org/fhir/StructureDefinition/{kind}"))
    {
        let text =
            format!("A {kind} is held to http://hl7.org/fhir/StructureDefinition/{kind}: no other profile is known.");
        return Err(Failure::invalid(IssueCode::NotSupported, text));
    }
    let mode = given.value("mode").map(Mode::read).transpose()?;
    if id.is_none() && matches!(mode, Some(Mode::Update | Mode::Delete)) {
        let text = "What is to be changed or deleted is there already: ask [type]/[id]/$validate.";
        return Err(Failure::invalid(IssueCode::Value, text));
    }
    let current = match id {
        Some(id) => Some(stored(context, key(kind, id)?, visibility).await?),
        None => None,
    };
    let mut audit = context.audit(AuditAction::Execute, "$validate");
    if let Some(current) = &current {
        audit.focus = Some(current.key.clone());
        audit.version = Some(current.version);
        audit.patient.clone_from(&current.patient);
    }
    audit.count = i32::from(current.is_some());
    context.record(audit).await?;
    let issues = match (mode, current) {
        (Some(Mode::Delete), Some(current)) => kept(kind, &current.body),
        (mode, current) => {
            let (key, body) = current.map(|current| (current.key, current.body)).unzip();
            let sent = given.resource.or(body).ok_or_else(|| {
                Failure::invalid(IssueCode::Required, "Send the resource, by itself or as the parameter resource.")
            })?;
            looked_at(context, (kind, key.as_ref()), sent.as_bytes(), mode).await?
        }
    };
    let outcome = if issues.is_empty() { Outcome::all_well("Nothing is wrong with it.") } else { Outcome::new(issues) };
    Ok(context.manners.present(outcome.to_json()))
}

/// What stands under an id, for who may see it.
async fn stored(context: &Context, key: Key, visibility: Visibility) -> Result<Stored, Failure> {
    let tenant = context.caller.tenant.clone();
    let stored = context.state.store.read(Read { tenant, key, version: None, visibility }).await?;
    let stored = stored.ok_or(Failure::NotFound)?;
    if stored.deleted { Err(Failure::Gone) } else { Ok(stored) }
}

/// Everything that is wrong with a resource that is sent to be created, to replace the one under a key, or just so.
async fn looked_at(
    context: &Context,
    (kind, key): (ResourceType, Option<&Key>),
    body: &[u8],
    mode: Option<Mode>,
) -> Result<Vec<Issue>, Failure> {
    let document = match Document::parse_with(body, kind, Options { refuse_empty_arrays: true }) {
        Ok(document) => document,
        Err(issues) => return Ok(issues),
    };
    let mut issues = document.warnings().to_vec();
    if mode == Some(Mode::Update) && document.id().as_ref() != key.map(|key| &key.id) {
        issues
            .push(Issue::error(IssueCode::Value, "The resource's id must be the address's.").at(format!("{kind}.id")));
    }
    let further = match (kind, mode) {
        (ResourceType::Communication, Some(Mode::Create)) => preflight::obstacles(context, body).await,
        (ResourceType::Communication, Some(Mode::Update)) => standing::obstacles(body),
        (ResourceType::Task, Some(Mode::Create)) => {
            let text = "The service writes Tasks itself: one for each answer that is owed.";
            Ok(vec![Issue::error(IssueCode::NotSupported, text).at("Task")])
        }
        (ResourceType::HealthcareService, _) => Ok(Availability::read(&document).err().unwrap_or_default()),
        (ResourceType::PractitionerRole, _) => Ok(Working::read(&document).err().unwrap_or_default()),
        (ResourceType::CareTeam, _) => Ok(Membership::read(&document).err().unwrap_or_default()),
        (ResourceType::Communication | ResourceType::Task | ResourceType::Consent, _) => Ok(vec![]),
    };
    issues.extend(further?);
    Ok(issues)
}

/// Why what is stored cannot be deleted.
fn kept(kind: ResourceType, body: &str) -> Vec<Issue> {
    let refused = |text: &str| vec![Issue::error(IssueCode::BusinessRule, text).at(format!("{kind}.status"))];
    match kind {
        ResourceType::Communication if standing::is_draft(body) => vec![],
        ResourceType::Communication => refused("A message that was sent is kept. Only a draft can be deleted."),
        ResourceType::Task => refused("Tasks are kept: they end with the answer."),
        ResourceType::HealthcareService
        | ResourceType::PractitionerRole
        | ResourceType::CareTeam
        | ResourceType::Consent => vec![],
    }
}

/// The issues of a failure that says what is wrong with a resource; any other stays a failure.
pub(crate) fn told(failure: Failure) -> Result<Vec<Issue>, Failure> {
    match failure {
        Failure::Invalid(issues) | Failure::Business(issues) | Failure::NotAllowed(issues) => {
            Ok(issues.into_iter().filter(|issue| issue.severity > Severity::Information).collect())
        }
        other => Err(other),
    }
}

/// The two handlers of a type.
macro_rules! validates {
    ($module:ident, $kind:ident, $type:literal, $instance:literal, $scope:literal, $of_type:literal, $of_one:literal) => {
        pub(crate) mod $module {
            use super::*;

            /// Tells everything that is wrong with a resource, by itself or as the parameter `resource` of Parameters; with
            /// `mode` also whether that could be done with it. Nothing is stored.
            #[utoipa::path(
                tag = stringify!($kind),
                operation_id = $of_type,
                params(schema::Mode),
                request_body(content((schema::$kind = "application/fhir+json"), (schema::Parameters = "application/fhir+json"))),
                responses((status = 200, description = "What is wrong, if anything.", body = schema::OperationOutcome, content_type = "application/fhir+json"), schema::ChangeErrors),
                security(("bearer" = [$scope]))
            )]
            #[post($type)]
            pub(crate) async fn of_type(context: Context, request: HttpRequest, body: OptionalBody) -> Answer {
                validate(&context, ResourceType::$kind, None, (&request, &body)).await
            }

            /// The same for what stands under an id, or for what is sent to replace it (`mode` `update`); with `mode`
            /// `delete` it tells whether it could be deleted.
            #[utoipa::path(
                tag = stringify!($kind),
                operation_id = $of_one,
                params(("id" = String, Path, description = "The resource's id."), schema::Mode),
                request_body(content((schema::$kind = "application/fhir+json"), (schema::Parameters = "application/fhir+json"))),
                responses((status = 200, description = "What is wrong, if anything.", body = schema::OperationOutcome, content_type = "application/fhir+json"), schema::ChangeErrors),
                security(("bearer" = [$scope]))
            )]
            #[post($instance)]
            pub(crate) async fn of_one(context: Context, id: Path<String>, request: HttpRequest, body: OptionalBody) -> Answer {
                validate(&context, ResourceType::$kind, Some(id.as_str()), (&request, &body)).await
            }
        }
    };
}

validates!(
    communication,
    Communication,
    "/fhir/Communication/$validate",
    "/fhir/Communication/{id}/$validate",
    "patient/Communication.r",
    "validateMessage",
    "validateStoredMessage"
);
validates!(
    task,
    Task,
    "/fhir/Task/$validate",
    "/fhir/Task/{id}/$validate",
    "user/Task.r",
    "validateTask",
    "validateStoredTask"
);
validates!(
    healthcare_service,
    HealthcareService,
    "/fhir/HealthcareService/$validate",
    "/fhir/HealthcareService/{id}/$validate",
    "user/HealthcareService.r",
    "validateService",
    "validateStoredService"
);
validates!(
    practitioner_role,
    PractitionerRole,
    "/fhir/PractitionerRole/$validate",
    "/fhir/PractitionerRole/{id}/$validate",
    "user/PractitionerRole.r",
    "validateRole",
    "validateStoredRole"
);
validates!(
    care_team,
    CareTeam,
    "/fhir/CareTeam/$validate",
    "/fhir/CareTeam/{id}/$validate",
    "user/CareTeam.r",
    "validateTeam",
    "validateStoredTeam"
);
validates!(
    consent,
    Consent,
    "/fhir/Consent/$validate",
    "/fhir/Consent/{id}/$validate",
    "system/Consent.r",
    "validateConsent",
    "validateStoredConsent"
);

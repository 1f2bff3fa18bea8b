//! Histories, alike for every type (<https://hl7.org/fhir/R4/http.html#history>).

use actix_web::web::Path;
use actix_web::{HttpRequest, get};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::{Denied, Permission, Visibility};
use domain::change::AuditAction;
use domain::id::ResourceType;
use domain::search::{HistoryPage, Read};
use fhir::history::{Scope, bundle, parse};

use crate::context::{Context, key, patient_of};
use crate::error::{Answer, Failure};
use crate::openapi::schema;
use crate::read::{as_patients_see, unreadable};

macro_rules! histories {
    ($($kind:ident: $instance:ident $instance_name:literal $instance_path:literal,
        $of_type:ident $type_name:literal $type_path:literal, $tag:literal, $scopes:expr;)+) => {
        $(
            /// The versions of one, the latest first.
            #[utoipa::path(
                tag = $tag,
                operation_id = $instance_name,
                params(("id" = String, Path, description = "Its id."), schema::Historic),
                responses(
                    (status = 200, description = "A page of its versions.", body = schema::Bundle, content_type = "application/fhir+json"),
                    schema::ReadErrors,
                ),
                security(("bearer" = $scopes))
            )]
            #[get($instance_path)]
            pub(crate) async fn $instance(context: Context, id: Path<String>, request: HttpRequest) -> Answer {
                of_instance(&context, ResourceType::$kind, &id, request.query_string()).await
            }

            /// The versions of all of the type that the caller may see, the latest first.
            #[utoipa::path(
                tag = $tag,
                operation_id = $type_name,
                params(schema::Historic),
                responses(
                    (status = 200, description = "A page of versions.", body = schema::Bundle, content_type = "application/fhir+json"),
                    schema::ReadErrors,
                ),
                security(("bearer" = $scopes))
            )]
            #[get($type_path)]
            pub(crate) async fn $of_type(context: Context, request: HttpRequest) -> Answer {
                of_kind(&context, ResourceType::$kind, request.query_string()).await
            }
        )+
    };
}

histories! {
    Communication: message "readMessageHistory" "/fhir/Communication/{id}/_history",
        messages "readMessagesHistory" "/fhir/Communication/_history", "Communication", ["patient/Communication.rs"];
    Task: task "readTaskHistory" "/fhir/Task/{id}/_history",
        tasks "readTasksHistory" "/fhir/Task/_history", "Task", ["user/Task.rs"];
    HealthcareService: service "readServiceHistory" "/fhir/HealthcareService/{id}/_history",
        services "readServicesHistory" "/fhir/HealthcareService/_history", "HealthcareService",
        ["user/HealthcareService.rs"];
    PractitionerRole: role "readRoleHistory" "/fhir/PractitionerRole/{id}/_history",
        roles "readRolesHistory" "/fhir/PractitionerRole/_history", "PractitionerRole", ["user/PractitionerRole.rs"];
    CareTeam: team "readTeamHistory" "/fhir/CareTeam/{id}/_history",
        teams "readTeamsHistory" "/fhir/CareTeam/_history", "CareTeam", ["user/CareTeam.rs"];
    Consent: consent "readConsentHistory" "/fhir/Consent/{id}/_history",
        consents "readConsentsHistory" "/fhir/Consent/_history", "Consent", ["system/Consent.rs"];
}

/// The versions of everything that the caller may see, of the types that the token allows to search; the latest first.
#[utoipa::path(
    tag = "Service",
    operation_id = "readHistory",
    params(schema::Historic),
    responses(
        (status = 200, description = "A page of versions.", body = schema::Bundle, content_type = "application/fhir+json"),
        schema::ReadErrors,
    ),
    security(("bearer" = ["user/*.s"]))
)]
#[get("/fhir/_history")]
pub(crate) async fn everything(context: Context, request: HttpRequest) -> Answer {
    let mut of = vec![];
    for kind in ResourceType::ALL {
        match context.visibility(*kind, Permission::Search).await {
            Ok(visibility) => of.push((*kind, visibility)),
            Err(Failure::Forbidden(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    if of.is_empty() {
        return Err(Denied::Scope.into());
    }
    show(&context, Scope::System, request.query_string(), of, "history-system").await
}

async fn of_instance(context: &Context, kind: ResourceType, id: &str, query: &str) -> Answer {
    let visibility = context.visibility(kind, Permission::Read).await?;
    let scope = Scope::Instance(key(kind, id)?);
    show(context, scope, query, vec![(kind, visibility)], "history-instance").await
}

async fn of_kind(context: &Context, kind: ResourceType, query: &str) -> Answer {
    let visibility = context.visibility(kind, Permission::Search).await?;
    show(context, Scope::Type(kind), query, vec![(kind, visibility)], "history-type").await
}

async fn show(
    context: &Context,
    scope: Scope,
    query: &str,
    of: Vec<(ResourceType, Visibility)>,
    interaction: &'static str,
) -> Answer {
    let patient = of.iter().find_map(|(_, visibility)| patient_of(visibility)).cloned();
    let asked = parse(scope, query, context.caller.tenant.clone(), of, context.manners.handling())?;
    let mut page: HistoryPage = context.state.store.history(asked.history.clone()).await?;
    if page.rows.is_empty() {
        exists(context, &asked.scope, &asked.history.of).await?;
    }
    if patient.is_some() {
        page.rows = page.rows.into_iter().map(as_patients_see).collect::<Result<_, _>>()?;
    }
    let mut audit = context.audit(AuditAction::Execute, interaction);
    let mark = if query.is_empty() { "" } else { "?" };
    audit.query = Some(STANDARD.encode(format!("{}{mark}{query}", asked.scope.path())));
    audit.patient = patient;
    audit.gives(&page.rows);
    if let Scope::Instance(key) = &asked.scope {
        audit.focus = Some(key.clone());
    }
    context.record(audit).await?;
    Ok(context.manners.present(unreadable(bundle(&context.state.base_url, &asked, &page))?))
}

/// A resource of which nothing was written in the time asked for has an empty history; one that is not there, or not
/// theirs to know, has none.
async fn exists(context: &Context, scope: &Scope, of: &[(ResourceType, Visibility)]) -> Result<(), Failure> {
    let (Scope::Instance(key), [(_, visibility)]) = (scope, of) else { return Ok(()) };
    let tenant = context.caller.tenant.clone();
    let read = Read { tenant, key: key.clone(), version: None, visibility: visibility.clone() };
    context.state.store.read(read).await?.map(drop).ok_or(Failure::NotFound)
}

//! What the service itself defines, to be read and found. Any token will do: it says nothing about anybody.

use actix_web::web::Path;
use actix_web::{HttpRequest, get, post};
use fhir::conformance::{Defined, definition, find};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::FormBody;
use crate::openapi::schema;

macro_rules! definitions {
    ($($module:ident: $kind:ident, $base:literal $form:literal $instance:literal;)+) => {
        /// The routes of every type. Fixed names come before those that hold an id.
        pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
            $(config.service($module::search).service($module::search_by_form).service($module::read);)+
        }

        $(mod $module {
            use super::*;

            #[utoipa::path(
                tag = "Definition",
                operation_id = concat!("read", stringify!($kind)),
                summary = concat!("Reads a ", stringify!($kind), " of the service's own."),
                params(("id" = String, Path, description = "Its id.")),
                responses(
                    (status = 200, description = "The definition.", body = schema::Definition, content_type = "application/fhir+json"),
                    schema::ReadErrors,
                ),
                security(("bearer" = []))
            )]
            #[get($instance)]
            pub(super) async fn read(context: Context, id: Path<String>) -> Answer {
                super::read(&context, Defined::$kind, &id)
            }

            #[utoipa::path(
                tag = "Definition",
                operation_id = concat!("search", stringify!($kind), "s"),
                summary = concat!("Finds each ", stringify!($kind), " of the service's own that matches."),
                params(schema::Defining),
                responses(
                    (status = 200, description = "A page of definitions.", body = schema::Bundle, content_type = "application/fhir+json"),
                    schema::ReadErrors,
                ),
                security(("bearer" = []))
            )]
            #[get($base)]
            pub(super) async fn search(context: Context, request: HttpRequest) -> Answer {
                super::search(&context, Defined::$kind, request.query_string(), "")
            }

            #[utoipa::path(
                tag = "Definition",
                operation_id = concat!("search", stringify!($kind), "sByForm"),
                summary = concat!("Finds each ", stringify!($kind), " of the service's own by parameters in the body."),
                request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
                responses(
                    (status = 200, description = "A page of definitions.", body = schema::Bundle, content_type = "application/fhir+json"),
                    schema::ReadErrors,
                ),
                security(("bearer" = []))
            )]
            #[post($form)]
            pub(super) async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
                super::search(&context, Defined::$kind, request.query_string(), &form.0)
            }
        })+
    };
}

definitions! {
    code_system: CodeSystem, "/fhir/CodeSystem" "/fhir/CodeSystem/_search" "/fhir/CodeSystem/{id}";
    value_set: ValueSet, "/fhir/ValueSet" "/fhir/ValueSet/_search" "/fhir/ValueSet/{id}";
    search_parameter: SearchParameter,
        "/fhir/SearchParameter" "/fhir/SearchParameter/_search" "/fhir/SearchParameter/{id}";
    operation_definition: OperationDefinition,
        "/fhir/OperationDefinition" "/fhir/OperationDefinition/_search" "/fhir/OperationDefinition/{id}";
    structure_definition: StructureDefinition,
        "/fhir/StructureDefinition" "/fhir/StructureDefinition/_search" "/fhir/StructureDefinition/{id}";
}

fn read(context: &Context, kind: Defined, id: &str) -> Answer {
    let found = definition(kind, id).ok_or(Failure::NotFound)?;
    Ok(context.manners.present(found.resource.to_string()))
}

fn search(context: &Context, kind: Defined, query: &str, form: &str) -> Answer {
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let manners = context.manners.in_form(form)?;
    let found = find(kind, &both, manners.handling(), &context.state.base_url)?;
    Ok(manners.present(found.bundle))
}

//! What the service itself defines, to be read and found. Any token will do: it says nothing about anybody.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use fhir::conformance::{Defined, definition, find};
use utoipa_actix_web::service_config::ServiceConfig;

use crate::context::Context;
use crate::error::{Answer, Failure};
use crate::manners::body::FormBody;
use crate::metadata::Documents;
use crate::openapi::schema;

macro_rules! definitions {
    ($($module:ident: $kind:ident, $base:literal $form:literal $instance:literal $version:literal;)+) => {
        /// The routes of every type. Fixed names come before those that hold an id.
        pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
            $(config
                .service($module::search)
                .service($module::search_by_form)
                .service($module::read)
                .service($module::vread);)+
        }

        $(mod $module {
            use super::*;

            #[utoipa::path(
                tag = "Definition",
                operation_id = concat!("read", stringify!($kind)),
                summary = concat!("Reads a ", stringify!($kind), " of the service's own."),
                params(("id" = String, Path, description = "Its id."), schema::Conditional),
                responses(
                    (status = 200, description = "The definition.", body = schema::Definition, content_type = "application/fhir+json",
                        headers(("ETag" = String), ("Last-Modified" = String))),
                    schema::ReadErrors,
                ),
                security(("bearer" = []))
            )]
            #[get($instance)]
            pub(super) async fn read(context: Context, documents: Data<Documents>, id: Path<String>) -> Answer {
                super::read(&context, &documents, Defined::$kind, &id, None)
            }

            #[utoipa::path(
                tag = "Definition",
                operation_id = concat!("read", stringify!($kind), "Version"),
                summary = concat!("Reads a ", stringify!($kind), " of the service's own in the version that it has."),
                params(
                    ("id" = String, Path, description = "Its id."),
                    ("version" = String, Path, description = "Its version, as its meta says: that of another release is not there."),
                    schema::Conditional,
                ),
                responses(
                    (status = 200, description = "The definition.", body = schema::Definition, content_type = "application/fhir+json",
                        headers(("ETag" = String), ("Last-Modified" = String))),
                    schema::ReadErrors,
                ),
                security(("bearer" = []))
            )]
            #[get($version)]
            pub(super) async fn vread(context: Context, documents: Data<Documents>, path: Path<(String, String)>) -> Answer {
                super::read(&context, &documents, Defined::$kind, &path.0, Some(&path.1))
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
    code_system: CodeSystem,
        "/fhir/CodeSystem" "/fhir/CodeSystem/_search" "/fhir/CodeSystem/{id}" "/fhir/CodeSystem/{id}/_history/{version}";
    value_set: ValueSet,
        "/fhir/ValueSet" "/fhir/ValueSet/_search" "/fhir/ValueSet/{id}" "/fhir/ValueSet/{id}/_history/{version}";
    search_parameter: SearchParameter,
        "/fhir/SearchParameter" "/fhir/SearchParameter/_search" "/fhir/SearchParameter/{id}" "/fhir/SearchParameter/{id}/_history/{version}";
    operation_definition: OperationDefinition,
        "/fhir/OperationDefinition" "/fhir/OperationDefinition/_search" "/fhir/OperationDefinition/{id}" "/fhir/OperationDefinition/{id}/_history/{version}";
    structure_definition: StructureDefinition,
        "/fhir/StructureDefinition" "/fhir/StructureDefinition/_search" "/fhir/StructureDefinition/{id}" "/fhir/StructureDefinition/{id}/_history/{version}";
}

fn read(context: &Context, documents: &Documents, kind: Defined, id: &str, version: Option<&str>) -> Answer {
    let found = definition(kind, id).filter(|own| version.is_none_or(|asked| own.version == asked));
    let found = found.ok_or(Failure::NotFound)?;
    let tag = format!("W/\"{}\"", found.version);
    Ok(context.manners.show_tagged(&tag, documents.since, || found.resource.to_string()))
}

fn search(context: &Context, kind: Defined, query: &str, form: &str) -> Answer {
    let both = [query, form].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    let manners = context.manners.in_form(form)?;
    let found = find(kind, &both, manners.handling(), &context.state.base_url)?;
    Ok(manners.present(found.bundle))
}

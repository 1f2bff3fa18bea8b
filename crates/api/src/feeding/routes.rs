//! The addresses of a type that engines feed, the same for each: what differs is said where the type is.

/// The handlers of a type that engines feed: `Noun` names it in the names of operations, `$one` in texts.
macro_rules! fed {
    ($feed:ident: $kind:ident, $noun:literal, $one:literal, found by $search:ident,
        $base:literal $form:literal $instance:literal $version:literal, $note:literal) => {
        use actix_web::HttpRequest;
        use actix_web::web::Path;
        use actix_web::{delete, get, patch, post, put};
        use utoipa_actix_web::service_config::ServiceConfig;

        use crate::context::Context;
        use crate::error::Answer;
        use crate::manners::body::{FormBody, PatchBody, ResourceBody};
        use crate::openapi::schema;

        /// The routes of the type. Fixed names come before those that hold an id.
        pub(crate) fn configure(config: &mut ServiceConfig<'_>) {
            config
                .service(search)
                .service(create)
                .service(search_by_form)
                .service(update_matching)
                .service(patch_matching)
                .service(delete_matching)
                .service(read)
                .service(update)
                .service(patch)
                .service(delete)
                .service(vread);
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("create", $noun),
            summary = concat!("Creates ", $one, "."),
            description = $note,
            params(schema::Prefer, schema::IfNoneExist),
            request_body(content((schema::$kind = "application/fhir+json"), (schema::$kind = "application/json"))),
            responses(
                (status = 200, description = "If-None-Exist finds this one, and nothing was made.", body = schema::$kind, content_type = "application/fhir+json"),
                (status = 201, description = "Created.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
                schema::ChangeErrors,
            ),
            security(("bearer" = [concat!("system/", stringify!($kind), ".c")]))
        )]
        #[post($base)]
        async fn create(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
            $feed.create(&context, &request, &body).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("read", $noun),
            summary = concat!("Reads the current version of ", $one, "."),
            params(("id" = String, Path, description = "Its id."), schema::Conditional),
            responses(
                (status = 200, description = "The current version.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                schema::ReadErrors,
            ),
            security(("bearer" = [concat!("user/", stringify!($kind), ".r")]))
        )]
        #[get($instance)]
        async fn read(context: Context, id: Path<String>) -> Answer {
            crate::read::read(&context, $feed.kind, &id).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("read", $noun, "Version"),
            summary = concat!("Reads a version of ", $one, "."),
            params(("id" = String, Path, description = "Its id."), ("version" = String, Path, description = "The version's number."), schema::Conditional),
            responses(
                (status = 200, description = "That version.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                schema::ReadErrors,
            ),
            security(("bearer" = [concat!("user/", stringify!($kind), ".r")]))
        )]
        #[get($version)]
        async fn vread(context: Context, path: Path<(String, String)>) -> Answer {
            crate::read::vread(&context, $feed.kind, &path.0, &path.1).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("update", $noun),
            summary = concat!("Replaces ", $one, ", or creates it under the engine's own id."),
            description = "With `If-Match` only that version is replaced. Decisions follow it from then on.",
            params(("id" = String, Path, description = "Its id."), schema::IfMatch, schema::Prefer),
            request_body(content((schema::$kind = "application/fhir+json"), (schema::$kind = "application/json"))),
            responses(
                (status = 200, description = "Replaced.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                (status = 201, description = "Created.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
                schema::ChangeErrors,
            ),
            security(("bearer" = [concat!("system/", stringify!($kind), ".u")]))
        )]
        #[put($instance)]
        async fn update(context: Context, id: Path<String>, body: ResourceBody) -> Answer {
            $feed.update(&context, &id, &body).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("updateMatching", $noun),
            summary = concat!("Replaces ", $one, " that matches, or creates it."),
            description = "One may match. What is created has the body's id, or one of the service's.",
            params(schema::$search, schema::IfMatch, schema::Prefer),
            request_body(content((schema::$kind = "application/fhir+json"), (schema::$kind = "application/json"))),
            responses(
                (status = 200, description = "Replaced.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                (status = 201, description = "Created.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String), ("Location" = String))),
                schema::ChangeErrors,
            ),
            security(("bearer" = [concat!("system/", stringify!($kind), ".us")]))
        )]
        #[put($base)]
        async fn update_matching(context: Context, request: HttpRequest, body: ResourceBody) -> Answer {
            $feed.update_matching(&context, &request, &body).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("patchMatching", $noun),
            summary = concat!("Changes ", $one, " that matches by a JSON Patch or a FHIRPath Patch."),
            description = "One must match.",
            params(schema::$search, schema::IfMatch, schema::Prefer),
            request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
            responses(
                (status = 200, description = "The next version.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                schema::ChangeErrors,
            ),
            security(("bearer" = [concat!("system/", stringify!($kind), ".us")]))
        )]
        #[patch($base)]
        async fn patch_matching(context: Context, request: HttpRequest, changes: PatchBody) -> Answer {
            $feed.patch_matching(&context, &request, &changes).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("deleteMatching", $noun),
            summary = concat!("Deletes ", $one, " that matches."),
            description = "One must match.",
            params(schema::$search, schema::IfMatch),
            responses((status = 204, description = "Deleted."), schema::ChangeErrors),
            security(("bearer" = [concat!("system/", stringify!($kind), ".ds")]))
        )]
        #[delete($base)]
        async fn delete_matching(context: Context, request: HttpRequest) -> Answer {
            $feed.delete_matching(&context, &request).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("patch", $noun),
            summary = concat!("Changes ", $one, " by a JSON Patch or a FHIRPath Patch."),
            params(("id" = String, Path, description = "Its id."), schema::IfMatch, schema::Prefer),
            request_body(content((schema::JsonPatch = "application/json-patch+json"), (schema::Parameters = "application/fhir+json"), (schema::JsonPatch = "application/json"))),
            responses(
                (status = 200, description = "The next version.", body = schema::$kind, content_type = "application/fhir+json",
                    headers(("ETag" = String), ("Last-Modified" = String))),
                schema::ChangeErrors,
            ),
            security(("bearer" = [concat!("system/", stringify!($kind), ".u")]))
        )]
        #[patch($instance)]
        async fn patch(context: Context, id: Path<String>, changes: PatchBody) -> Answer {
            $feed.patch(&context, &id, &changes).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("delete", $noun),
            summary = concat!("Deletes ", $one, "."),
            description = "Decisions are made without it from then on.",
            params(("id" = String, Path, description = "Its id."), schema::IfMatch),
            responses((status = 204, description = "Deleted."), schema::ChangeErrors),
            security(("bearer" = [concat!("system/", stringify!($kind), ".d")]))
        )]
        #[delete($instance)]
        async fn delete(context: Context, id: Path<String>) -> Answer {
            $feed.delete(&context, &id).await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("search", $noun, "s"),
            summary = concat!("Finds what matches, each ", $one, "."),
            params(schema::$search, schema::Paging),
            responses(
                (status = 200, description = "A page of what matches.", body = schema::Bundle, content_type = "application/fhir+json"),
                schema::ReadErrors,
            ),
            security(("bearer" = [concat!("user/", stringify!($kind), ".s")]))
        )]
        #[get($base)]
        async fn search(context: Context, request: HttpRequest) -> Answer {
            crate::search::search(&context, $feed.kind, request.query_string(), "").await
        }

        #[utoipa::path(
            tag = stringify!($kind),
            operation_id = concat!("search", $noun, "sByForm"),
            summary = concat!("Finds what matches by parameters in the body, each ", $one, "."),
            request_body(content = schema::SearchForm, content_type = "application/x-www-form-urlencoded"),
            responses(
                (status = 200, description = "A page of what matches.", body = schema::Bundle, content_type = "application/fhir+json"),
                schema::ReadErrors,
            ),
            security(("bearer" = [concat!("user/", stringify!($kind), ".s")]))
        )]
        #[post($form)]
        async fn search_by_form(context: Context, request: HttpRequest, form: FormBody) -> Answer {
            crate::search::search(&context, $feed.kind, request.query_string(), &form.0).await
        }
    };
}
pub(crate) use fed;

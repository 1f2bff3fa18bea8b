//! Schemas, parameters and answers that operations name. The schemas are written by hand: FHIR's own shapes, without
//! the `_` companions and nulls that generated clients cannot bear.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use domain::id::ResourceType;
use fhir::audit_event;
use fhir::search::{ParameterKind, RESULT_PARAMETERS, parameters};
use serde_json::Value;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{IntoParams, IntoResponses, PartialSchema, ToSchema};

/// The schemas as they are written.
const WRITTEN: &str = include_str!("schemas.json");

/// Every schema by its name.
pub(crate) fn all() -> &'static BTreeMap<String, RefOr<Schema>> {
    static ALL: LazyLock<BTreeMap<String, RefOr<Schema>>> =
        LazyLock::new(|| serde_json::from_str(WRITTEN).expect("the hand-written schemas are read in a test"));
    &ALL
}

macro_rules! schemas {
    ($($name:ident),+ $(,)?) => {
        $(
            #[doc = concat!("The schema `", stringify!($name), "`.")]
            pub(crate) struct $name;

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    all()[stringify!($name)].clone()
                }
            }

            impl ToSchema for $name {}
        )+
    };
}

schemas!(
    AuditEvent,
    Absence,
    AbsenceRequest,
    Absences,
    Activation,
    Block,
    BlockRequest,
    Blocks,
    Bundle,
    CapabilityStatement,
    CareTeam,
    Clock,
    ClockExplanation,
    Clocks,
    Communication,
    Consent,
    Decision,
    Definition,
    DecisionExplanation,
    Decisions,
    Deliveries,
    HealthcareService,
    Holiday,
    HolidayImport,
    HolidayRequest,
    Holidays,
    Hold,
    Holds,
    JsonPatch,
    JsonSchema,
    MergeRequest,
    OpenApiDocument,
    OperationOutcome,
    PolicyBundle,
    PolicyBundleStored,
    PolicyBundleVersion,
    Override,
    OverrideRequest,
    Overrides,
    Parameters,
    PolicyBundles,
    PolicyDifferences,
    PolicyFindings,
    PractitionerRole,
    RouteRequest,
    ReviewRequest,
    SearchForm,
    Simulation,
    SimulationRequest,
    Simulations,
    SmartConfiguration,
    Task,
    ThreadState,
);

/// Answers of the FHIR interface that are errors.
fn outcomes(statuses: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    errors(statuses, "OperationOutcome", "application/fhir+json")
}

fn errors(statuses: &[(u16, &str)], schema: &str, content_type: &str) -> BTreeMap<String, RefOr<Response>> {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
    let response = |text: &str| ResponseBuilder::new().description(text).content(content_type, content()).build();
    statuses.iter().map(|(status, text)| (status.to_string(), RefOr::T(response(text)))).collect()
}

const READING: [(u16, &str); 8] = [
    (400, "The request is not valid."),
    (401, "No token, or none that is accepted."),
    (403, "The token does not allow it."),
    (404, "There is none, or none that the caller may know of."),
    (406, "No acceptable format."),
    (410, "It was deleted."),
    (500, "The service failed."),
    (503, "Not at this moment; try again as Retry-After says."),
];

const CHANGING: [(u16, &str); 6] = [
    (408, "The body did not arrive in time."),
    (409, "A race was lost, or the key is taken."),
    (412, "If-Match names another version, or several match If-None-Exist."),
    (413, "The body is too long."),
    (415, "The body's media type is not taken."),
    (422, "A rule of the practice or the life cycle refuses it."),
];

/// Errors of reads and searches.
pub(crate) struct ReadErrors;

impl IntoResponses for ReadErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        outcomes(&READING)
    }
}

/// Errors of changes.
pub(crate) struct ChangeErrors;

impl IntoResponses for ChangeErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = outcomes(&READING);
        all.extend(outcomes(&CHANGING));
        all
    }
}

/// Errors of administration.
pub(crate) struct ProblemErrors;

impl IntoResponses for ProblemErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let told = READING.into_iter().filter(|(status, _)| !matches!(status, 406 | 410)).collect::<Vec<_>>();
        errors(&told, "Problem", "application/problem+json")
    }
}

/// Errors of changes by administration.
pub(crate) struct ProblemChangeErrors;

impl IntoResponses for ProblemChangeErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let mut all = ProblemErrors::responses();
        let told = [
            (408, "The body did not arrive in time."),
            (409, "A race was lost, or where it is in its life does not allow it; the remedy says what to do."),
            (413, "The body is too long."),
            (415, "The body's media type is not taken."),
            (422, "The document has errors: each with its JSON pointer and a remedy."),
        ];
        all.extend(errors(&told, "Problem", "application/problem+json"));
        all
    }
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(Type::String))
}

fn header(name: &str, text: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(Schema::from(schema.build())))
        .build()
}

macro_rules! headers {
    ($($(#[$doc:meta])+ $name:ident = $parameters:expr;)+) => {
        $(
            $(#[$doc])+
            pub(crate) struct $name;

            impl IntoParams for $name {
                fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                    $parameters
                }
            }
        )+
    };
}

headers! {
    /// `Prefer` on changes.
    Prefer = vec![header(
        "Prefer",
        "What the answer carries: the resource unless said otherwise.",
        string().enum_values(Some(["return=minimal", "return=representation", "return=OperationOutcome"])),
    )];
    /// `If-Match` on changes.
    IfMatch = vec![header("If-Match", "The version that is meant, as its ETag: W/\"3\". Another current one is 412.", string())];
    /// `If-None-Exist` on creates.
    IfNoneExist = vec![header(
        "If-None-Exist",
        "A search, such as identifier=[system]|[value]: when it finds one, that one is the answer and nothing is made. A retry gets what the first attempt made.",
        string(),
    )];
    /// The language of texts for people.
    AcceptLanguage = vec![header("Accept-Language", "The language of texts: en or es; the clinic's own when neither is asked for.", string())];
    /// What a client has already.
    Conditional = vec![
        header("If-None-Match", "The ETag of what the client has; 304 when it is still current.", string()),
        header("If-Modified-Since", "When the client has read it; 304 when it has not changed since.", string()),
        query("_summary", "How much of it is given out: true, text, data or false.", string().into()),
        query("_elements", "The elements that are given out beside those that must be there, joined by commas.", string().into()),
    ];
    /// Parameters that shape a page.
    Paging = RESULT_PARAMETERS.iter().map(|parameter| {
        let kind = match parameter.schema {
            "integer" => Type::Integer,
            "boolean" => Type::Boolean,
            _ => Type::String,
        };
        query(parameter.name, parameter.documentation, ObjectBuilder::new().schema_type(SchemaType::new(kind)).into())
    }).collect();
    /// What a resource is meant for, when it is validated.
    Mode = vec![
        query(
            "mode",
            "Whether that could be done with it: create, or update and delete of what is stored.",
            string().enum_values(Some(["create", "update", "delete"])).into(),
        ),
        query("profile", "What it is held to: the type as FHIR defines it, which is the one there is.", string().into()),
    ];
    /// What definitions are found by.
    Defining = DEFINED.iter().map(|(name, text)| query(name, text, string().into())).collect();
    /// Parameters of a history.
    Historic = vec![
        query("_since", "Only what was written at that instant or later.", string().into()),
        query("_at", "Only what was current at some moment of that date or time.", string().into()),
        query("_count", "How many versions a page has: 50 unless said, 200 at most.",
            ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer)).into()),
        query("_summary", "How much of each resource is given out: true, text, data or false.", string().into()),
        query("_elements", "The elements that are given out beside those that must be there, joined by commas.", string().into()),
        query("_cursor", "Where the page begins. Opaque: take it from a next link.", string().into()),
    ];
    /// What events of the audit trail are found by.
    AuditEventSearch = audit_event::PARAMETERS.iter().map(|(name, _, text)| query(name, text, string().into())).chain([
        query("_count", "How many events a page has: 50 unless said, 200 at most.",
            ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer)).into()),
        query("_cursor", "Where the page begins. Opaque: take it from a next link.", string().into()),
    ]).collect();
    /// What messages are found by.
    CommunicationSearch = found_by(ResourceType::Communication);
    /// What Tasks are found by.
    TaskSearch = found_by(ResourceType::Task);
    /// What pools' resources are found by.
    HealthcareServiceSearch = found_by(ResourceType::HealthcareService);
    /// What roles are found by.
    PractitionerRoleSearch = found_by(ResourceType::PractitionerRole);
    /// What teams are found by.
    CareTeamSearch = found_by(ResourceType::CareTeam);
    /// What Consents are found by.
    ConsentSearch = found_by(ResourceType::Consent);
}

/// What every type of definitions is found by, and the length of a page.
const DEFINED: [(&str, &str); 6] = [
    ("_id", "The logical id."),
    ("url", "The canonical address."),
    ("version", "The version, which is the software's."),
    ("name", "The beginning of the name."),
    ("status", "The state: always active."),
    ("_count", "How many definitions a page has: 50 unless said, 200 at most."),
];

fn query(name: &str, text: &str, schema: Schema) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
        .build()
}

/// The parameters of a type. Each may be repeated, and then all must hold; commas join alternatives.
fn found_by(kind: ResourceType) -> Vec<Parameter> {
    let item = |kind: ParameterKind| match kind {
        ParameterKind::Date => string().examples([Value::from("ge2026-06-19")]),
        ParameterKind::Reference(targets) => {
            string().examples(targets.first().map(|target| Value::from(format!("{target}/1"))))
        }
        ParameterKind::Token(_) | ParameterKind::Canonical(_) | ParameterKind::Uri | ParameterKind::Text => string(),
    };
    parameters(kind)
        .iter()
        .map(|parameter| {
            let schema = utoipa::openapi::ArrayBuilder::new().items(item(parameter.kind)).build();
            query(parameter.name, parameter.documentation, Schema::Array(schema))
        })
        .collect()
}

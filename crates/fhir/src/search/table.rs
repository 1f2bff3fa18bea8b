//! The table of search parameters.

/// The parameters of a type: those of every resource, and its own.
macro_rules! parameters {
    ($($own:expr),+ $(,)?) => {
        pub(super) static PARAMETERS: &[super::super::Parameter] =
            &[super::ID, super::LAST_UPDATED, super::TAG, super::SECURITY, super::PROFILE, $($own),+];
    };
}

mod care_team;
mod communication;
mod consent;
mod healthcare_service;
mod practitioner_role;
mod task;

use domain::id::ResourceType;
use domain::search::SortBy;

use super::Place::Element;
use super::{ForPatients, Origin, Parameter, ParameterKind, Place, Source, TokenOf};

/// Whom a message can come from or go to.
const PARTICIPANTS: &[&str] = &[
    "Patient",
    "RelatedPerson",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "CareTeam",
    "Organization",
    "Group",
    "Device",
];

const ID: Parameter = Parameter {
    name: "_id",
    kind: ParameterKind::Token(TokenOf::Id),
    source: Source::RowId,
    origin: Origin::Resource,
    sort: Some(SortBy::Id),
    for_patients: ForPatients::Same,
    documentation: "The logical id.",
};

const LAST_UPDATED: Parameter = Parameter {
    name: "_lastUpdated",
    kind: ParameterKind::Date,
    source: Source::RowLastUpdated,
    origin: Origin::Resource,
    sort: Some(SortBy::LastUpdated),
    for_patients: ForPatients::Same,
    documentation: "When the current version was written.",
};

const TAG: Parameter = of_every(
    "_tag",
    ParameterKind::Token(TokenOf::Coding),
    &[Element("meta.tag")],
    "A tag, as whoever sent the resource has put it there.",
);

const SECURITY: Parameter = of_every(
    "_security",
    ParameterKind::Token(TokenOf::Coding),
    &[Element("meta.security")],
    "A security label, such as the service's own for notes among staff.",
);

const PROFILE: Parameter = of_every(
    "_profile",
    ParameterKind::Uri,
    &[Element("meta.profile")],
    "A profile that the resource says it follows.",
);

const fn of_every(
    name: &'static str,
    kind: ParameterKind,
    places: &'static [Place],
    documentation: &'static str,
) -> Parameter {
    Parameter { origin: Origin::Resource, ..standard(name, kind, places, documentation) }
}

const fn standard(
    name: &'static str,
    kind: ParameterKind,
    places: &'static [Place],
    documentation: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        source: Source::Elements(places),
        origin: Origin::Type,
        sort: None,
        for_patients: ForPatients::Same,
        documentation,
    }
}

const fn identifier(documentation: &'static str) -> Parameter {
    standard("identifier", ParameterKind::Token(TokenOf::Identifier), &[Element("identifier")], documentation)
}

const fn ours(
    name: &'static str,
    kind: ParameterKind,
    places: &'static [Place],
    documentation: &'static str,
) -> Parameter {
    Parameter { origin: Origin::Ours, ..standard(name, kind, places, documentation) }
}

const fn from(parameter: Parameter, source: Source) -> Parameter {
    Parameter { source, ..parameter }
}

const fn clinical(parameter: Parameter) -> Parameter {
    Parameter { origin: Origin::Clinical, ..parameter }
}

const fn sorting(parameter: Parameter) -> Parameter {
    Parameter { sort: Some(SortBy::Date), ..parameter }
}

const fn of_the_team(parameter: Parameter) -> Parameter {
    Parameter { for_patients: ForPatients::Hidden, ..parameter }
}

pub(super) fn of(kind: ResourceType) -> &'static [Parameter] {
    match kind {
        ResourceType::Communication => communication::PARAMETERS,
        ResourceType::Task => task::PARAMETERS,
        ResourceType::HealthcareService => healthcare_service::PARAMETERS,
        ResourceType::PractitionerRole => practitioner_role::PARAMETERS,
        ResourceType::CareTeam => care_team::PARAMETERS,
        ResourceType::Consent => consent::PARAMETERS,
    }
}

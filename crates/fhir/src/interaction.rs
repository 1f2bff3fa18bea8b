//! What is served: the interactions of each resource type. Its operations have a table of their own ([`operations`]).
//!
//! The CapabilityStatement is written from this table and the routes are compared with it, so neither can say what the
//! other does not.

use std::collections::BTreeSet;

use domain::access::Permission;
use domain::id::ResourceType;

use crate::audit_event;
use crate::conformance::Defined;
use crate::operation::operations;

/// An interaction with a resource type over HTTP (<https://hl7.org/fhir/R4/http.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interaction {
    /// A new resource, which the service gives its id.
    Create,
    /// The current version.
    Read,
    /// A certain version.
    Vread,
    /// A new version of a resource that exists.
    Update,
    /// A new version, told as changes to the one before.
    Patch,
    /// No current version any more.
    Delete,
    /// The versions of one resource.
    HistoryInstance,
    /// The versions of all resources of the type.
    HistoryType,
    /// The resources that match.
    SearchType,
}

impl Interaction {
    /// The FHIR code (<https://hl7.org/fhir/R4/valueset-type-restful-interaction.html>).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Read => "read",
            Self::Vread => "vread",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::HistoryInstance => "history-instance",
            Self::HistoryType => "history-type",
            Self::SearchType => "search-type",
        }
    }

    /// What a token must allow.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Create => Permission::Create,
            Self::Read | Self::Vread | Self::HistoryInstance => Permission::Read,
            Self::Update | Self::Patch => Permission::Update,
            Self::Delete => Permission::Delete,
            Self::SearchType | Self::HistoryType => Permission::Search,
        }
    }

    /// The methods and paths under the base address by which it is asked for; `{id}` and `{version}` stand for what
    /// varies.
    pub fn routes(self, kind: ResourceType) -> Vec<Route> {
        match self {
            Self::Create => vec![Route::new("POST", format!("/{kind}"))],
            Self::Read => vec![Route::new("GET", format!("/{kind}/{{id}}"))],
            Self::Vread => vec![Route::new("GET", format!("/{kind}/{{id}}/_history/{{version}}"))],
            Self::Update => vec![Route::new("PUT", format!("/{kind}/{{id}}"))],
            Self::Patch => vec![Route::new("PATCH", format!("/{kind}/{{id}}"))],
            Self::Delete => vec![Route::new("DELETE", format!("/{kind}/{{id}}"))],
            Self::HistoryInstance => vec![Route::new("GET", format!("/{kind}/{{id}}/_history"))],
            Self::HistoryType => vec![Route::new("GET", format!("/{kind}/_history"))],
            Self::SearchType => {
                vec![Route::new("GET", format!("/{kind}")), Route::new("POST", format!("/{kind}/_search"))]
            }
        }
    }
}

/// A method and the path that it is served under.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path under the base address.
    pub path: String,
}

impl Route {
    pub(crate) const fn new(method: &'static str, path: String) -> Self {
        Self { method, path }
    }
}

/// What is served of a resource type.
#[derive(Debug)]
pub struct Served {
    /// The type.
    pub kind: ResourceType,
    /// Its interactions.
    pub interactions: &'static [Interaction],
    /// Whether a create with `If-None-Exist` answers with what exists.
    pub has_conditional_create: bool,
    /// Whether an update, patch or delete takes a search that finds one resource in place of an id.
    pub has_conditional_changes: bool,
    /// Whether an update creates what does not exist, under the client's id.
    pub creates_on_update: bool,
    /// The type's part in the service, for people.
    pub documentation: &'static str,
}

impl Served {
    /// Every route of the type.
    pub fn routes(&self) -> Vec<Route> {
        let interactions = self.interactions.iter().flat_map(|interaction| interaction.routes(self.kind));
        let operations = operations(self.kind).iter().flat_map(|operation| operation.routes(self.kind));
        let conditional = self.conditional().map(|interaction| {
            let method = interaction.routes(self.kind).into_iter().next().map_or("PUT", |route| route.method);
            Route::new(method, format!("/{}", self.kind))
        });
        interactions.chain(operations).chain(conditional).collect()
    }

    /// The interactions that take a search in place of an id.
    pub fn conditional(&self) -> impl Iterator<Item = Interaction> + use<> {
        let (has, interactions) = (self.has_conditional_changes, self.interactions);
        let changes = [Interaction::Update, Interaction::Patch, Interaction::Delete];
        changes.into_iter().filter(move |interaction| has && interactions.contains(interaction))
    }
}

const EVERY: &[Interaction] = &[
    Interaction::Create,
    Interaction::Read,
    Interaction::Vread,
    Interaction::Update,
    Interaction::Patch,
    Interaction::Delete,
    Interaction::HistoryInstance,
    Interaction::HistoryType,
    Interaction::SearchType,
];

/// What is served, by type.
pub static SERVED: &[Served] = &[
    Served {
        kind: ResourceType::Communication,
        interactions: EVERY,
        has_conditional_create: true,
        has_conditional_changes: true,
        creates_on_update: false,
        documentation: "A message, and the root of a thread of messages. To create one is to send it: the practice's \
                        policy decides who gets it, by when it is answered and what is said at once. A message that \
                        repeats the identifier named by If-None-Exist is not sent twice. Drafts are their author's to change, to send \
                        and to delete; what was sent stays as it is.",
    },
    Served {
        kind: ResourceType::Task,
        interactions: &[
            Interaction::Read,
            Interaction::Vread,
            Interaction::Update,
            Interaction::Patch,
            Interaction::HistoryInstance,
            Interaction::HistoryType,
            Interaction::SearchType,
        ],
        has_conditional_create: false,
        has_conditional_changes: false,
        creates_on_update: false,
        documentation: "An awaited answer: who owes it, by when, and how it stands. Written by the service; an update or \
                        a patch may say what one of the operations does, and nothing else.",
    },
    Served {
        kind: ResourceType::HealthcareService,
        interactions: EVERY,
        has_conditional_create: true,
        has_conditional_changes: true,
        creates_on_update: true,
        documentation: "A pool that answers messages, with its hours and absences. Its local times are in the zone that \
                        the standard timezone extension names.",
    },
    Served {
        kind: ResourceType::PractitionerRole,
        interactions: EVERY,
        has_conditional_create: true,
        has_conditional_changes: true,
        creates_on_update: true,
        documentation: "Somebody who answers: in which pools, at which hours, and when they are away. Its local times \
                        are in the zone that the standard timezone extension names; the extension covered-by names \
                        who answers during an absence. Fed by machines, since it says whose conversations a person \
                        sees; not for patients.",
    },
    Served {
        kind: ResourceType::CareTeam,
        interactions: EVERY,
        has_conditional_create: true,
        has_conditional_changes: true,
        creates_on_update: true,
        documentation: "A team. Where the policy makes a pool of it, its participants who are a Practitioner or a \
                        PractitionerRole answer for that pool, each in their own period within the team's. Fed by \
                        machines, since it says whose conversations a person sees. One that is about a patient is not \
                        for other patients.",
    },
    Served {
        kind: ResourceType::Consent,
        interactions: EVERY,
        has_conditional_create: true,
        has_conditional_changes: true,
        creates_on_update: true,
        documentation: "What a patient permits and denies those who act for them. While it is active and its scope is \
                        patient-privacy, its provisions say which conversations a RelatedPerson sees: all, or those of \
                        the messages that data names. Fed by machines; read by them and by the patient.",
    },
];

/// An interaction with the service as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemInteraction {
    /// The versions of all resources of all types.
    HistorySystem,
    /// Several requests at once, each alone.
    Batch,
    /// Several requests at once, all of them or none.
    Transaction,
}

impl SystemInteraction {
    /// Those that are served.
    pub const ALL: &'static [Self] = &[Self::HistorySystem, Self::Batch, Self::Transaction];

    /// The FHIR code (<https://hl7.org/fhir/R4/valueset-system-restful-interaction.html>).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HistorySystem => "history-system",
            Self::Batch => "batch",
            Self::Transaction => "transaction",
        }
    }

    /// The method and path under the base address.
    pub fn route(self) -> Route {
        match self {
            Self::HistorySystem => Route::new("GET", "/_history".to_owned()),
            // Which of them it is, the Bundle says.
            Self::Batch | Self::Transaction => Route::new("POST", String::new()),
        }
    }
}

/// Every route under the base address that needs a token.
pub fn routes() -> Vec<Route> {
    let whole: BTreeSet<Route> = SystemInteraction::ALL.iter().map(|interaction| interaction.route()).collect();
    let defined = Defined::ALL.into_iter().flat_map(Defined::routes);
    SERVED.iter().flat_map(Served::routes).chain(defined).chain(audit_event::routes()).chain(whole).collect()
}

/// What is served of a type.
pub fn served(kind: ResourceType) -> Option<&'static Served> {
    SERVED.iter().find(|served| served.kind == kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_type_is_served_once_and_can_be_read() {
        for kind in ResourceType::ALL {
            let found: Vec<_> = SERVED.iter().filter(|served| served.kind == *kind).collect();
            assert_eq!(found.len(), 1, "{kind}");
            assert!(found[0].interactions.contains(&Interaction::Read), "{kind}");
        }
    }

    #[test]
    fn no_two_interactions_share_a_route() {
        let mut routes = routes();
        let all = routes.len();
        routes.sort();
        routes.dedup();
        assert_eq!(routes.len(), all);
        assert!(routes.contains(&Route::new("POST", "/Task/{id}/$claim".to_owned())));
    }
}

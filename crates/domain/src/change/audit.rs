//! The rows of the audit trail.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::change::Stored;
use crate::id::{Key, Reference, ResourceId, Version};

/// One access or decision: who did what, for the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its identifier.
    pub id: ResourceId,
    /// When.
    pub at: Timestamp,
    /// The client.
    pub client: String,
    /// The token's subject, unique within its issuer: who it was when the token names no person of the directory.
    pub subject: Option<String>,
    /// The token's issuer.
    pub issuer: Option<String>,
    /// The person behind it, if any.
    pub agent: Option<Reference>,
    /// `C`, `R`, `U`, `D` or `E` (<https://hl7.org/fhir/R4/valueset-audit-event-action.html>).
    pub action: AuditAction,
    /// The interaction, such as `read`, `search-type`, `$claim`; of a refusal the method and the route's template.
    pub interaction: Cow<'static, str>,
    /// The resource, when it is one.
    pub focus: Option<Key>,
    /// Its version.
    pub version: Option<Version>,
    /// The patient concerned.
    pub patient: Option<Reference>,
    /// What else was given out: of several resources each, and each patient whom they are about, the patients first.
    pub about: Vec<Reference>,
    /// A search's query in base64; never shown to those who may not see the audit.
    pub query: Option<String>,
    /// How many resources were given out.
    pub count: i32,
    /// The request it belongs to.
    pub request: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The network address that the request came from.
    pub source: Option<String>,
    /// What for, as the token says it.
    pub purpose: Option<String>,
}

impl AuditRow {
    /// What it is found by: its patient, its resource and what else was given out.
    pub fn found_by(&self) -> BTreeSet<String> {
        let own = self.patient.iter().chain(&self.about).map(ToString::to_string);
        own.chain(self.focus.as_ref().map(ToString::to_string)).collect()
    }

    /// Names what is given out: each resource, and each patient whom they are about.
    pub fn gives<'a>(&mut self, rows: impl IntoIterator<Item = &'a Stored>) {
        let rows: Vec<&Stored> = rows.into_iter().collect();
        let patients = rows.iter().filter_map(|row| row.patient.clone());
        let resources = rows.iter().map(|row| Reference::new(row.key.kind.as_str(), row.key.id.clone()));
        let mut known = BTreeSet::new();
        self.about = patients.chain(resources).filter(|one| known.insert(one.clone())).collect();
        self.count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
    }
}

/// How an access ended (<https://hl7.org/fhir/R4/valueset-audit-event-outcome.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Done,
    /// It was refused: not who they say, not allowed, or not there for them.
    Refused,
    /// The service failed.
    Failed,
}

impl AuditOutcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// The code of the FHIR value set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "0",
            Self::Refused => "4",
            Self::Failed => "8",
        }
    }
}

/// The action code of an `AuditEvent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditAction {
    /// Something new.
    Create,
    /// Something seen.
    Read,
    /// Something changed.
    Update,
    /// Something deleted.
    Delete,
    /// An operation or a decision of the service itself.
    Execute,
}

impl AuditAction {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Read, Self::Update, Self::Delete, Self::Execute];

    /// The code of the FHIR value set.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "C",
            Self::Read => "R",
            Self::Update => "U",
            Self::Delete => "D",
            Self::Execute => "E",
        }
    }
}

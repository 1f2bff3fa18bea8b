//! Policy bundles as they are stored, and where in their life they are.

use crate::policy::bundle::Bundle;
use crate::time::Instant;

/// A policy bundle as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleRow {
    /// The bundle's id.
    pub id: String,
    /// Its version.
    pub version: i32,
    /// SHA-256 of its canonical text, in hex.
    pub hash: String,
    /// Where in its life it is.
    pub state: BundleState,
    /// From when it is in force.
    pub effective_from: Instant,
    /// Its JSON text.
    pub body: String,
    /// Why what is owed under the bundle before it falls away when it comes into force; `None`: that is finished under
    /// its own terms.
    pub cancels: Option<CancelReason>,
}

/// Why what is owed under a bundle falls away when it retires: a closed list, so that it can be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CancelReason {
    /// The clinic answers no more.
    ClinicCloses,
    /// What is owed is answered in another system from now on.
    AnsweredElsewhere,
    /// The bundle promised what nobody meant.
    BundleFaulty,
}

impl CancelReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::ClinicCloses, Self::AnsweredElsewhere, Self::BundleFaulty];

    /// The code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClinicCloses => "clinic-closes",
            Self::AnsweredElsewhere => "answered-elsewhere",
            Self::BundleFaulty => "bundle-faulty",
        }
    }

    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }
}

impl BundleRow {
    /// A bundle as a draft of its own text.
    pub fn draft(bundle: &Bundle, now: Instant) -> Self {
        Self {
            id: bundle.id.clone(),
            version: bundle.version,
            hash: bundle.hash(),
            state: BundleState::Draft,
            effective_from: now,
            body: bundle.canonical(),
            cancels: None,
        }
    }

    /// Its name in records and URLs: `id/version`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.id, self.version)
    }
}

/// The life of a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BundleState {
    /// May still be edited.
    Draft,
    /// Evaluated beside the active one, without effects: at most one per tenant.
    Shadow,
    /// Comes into force at its instant; the active one stays in force until then.
    Scheduled,
    /// In force: exactly one per tenant.
    Active,
    /// No longer in force.
    Retired,
}

impl BundleState {
    /// The stored code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Shadow => "shadow",
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    /// The state of a stored code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Draft, Self::Shadow, Self::Scheduled, Self::Active, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == code)
    }
}

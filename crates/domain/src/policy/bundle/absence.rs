//! Absences: what becomes of messages to somebody who is away.

use serde::{Deserialize, Serialize};

use crate::id::Reference;

/// What happens while somebody is away, and afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AbsencePolicy {
    /// Whose is what came meanwhile, once the person is back.
    #[serde(default)]
    pub on_return: OnReturn,
    /// Who covers for whom when an absence names nobody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub covers: Vec<StandingCover>,
}

impl AbsencePolicy {
    /// Whether it says nothing that would not hold without it.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whose is what came while somebody was away, once they are back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnReturn {
    /// It stays with who covered.
    #[default]
    Stay,
    /// It is the person's again, unless somebody has claimed it.
    Return,
}

/// Who covers for somebody in every absence that names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StandingCover {
    /// Who is away.
    pub person: Reference,
    /// Who covers.
    pub by: Reference,
}

//! Texts to patients and what they may say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text to patients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Template {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: i32,
    /// The variables it may use.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The text by language.
    pub texts: BTreeMap<String, String>,
    /// The longest text by channel, in characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub max_length: BTreeMap<String, u32>,
}

/// What a template may say beside its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Variable {
    /// The clinic's name.
    #[serde(rename = "clinic.name")]
    ClinicName,
    /// The clinic's telephone number.
    #[serde(rename = "clinic.phone")]
    ClinicPhone,
    /// When the pool opens next, in the patient's zone and words.
    #[serde(rename = "nextOpen.local")]
    NextOpenLocal,
    /// By when an answer is promised, in the patient's zone and words.
    #[serde(rename = "due.local")]
    DueLocal,
    /// Who stands in.
    #[serde(rename = "cover.displayName")]
    CoverDisplayName,
    /// The patient's given name.
    #[serde(rename = "patient.givenName")]
    PatientGivenName,
    /// The number to call in an emergency.
    #[serde(rename = "emergency.number")]
    EmergencyNumber,
}

impl Variable {
    /// Every variable.
    pub const ALL: [Self; 7] = [
        Self::ClinicName,
        Self::ClinicPhone,
        Self::NextOpenLocal,
        Self::DueLocal,
        Self::CoverDisplayName,
        Self::PatientGivenName,
        Self::EmergencyNumber,
    ];

    /// The name between braces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClinicName => "clinic.name",
            Self::ClinicPhone => "clinic.phone",
            Self::NextOpenLocal => "nextOpen.local",
            Self::DueLocal => "due.local",
            Self::CoverDisplayName => "cover.displayName",
            Self::PatientGivenName => "patient.givenName",
            Self::EmergencyNumber => "emergency.number",
        }
    }
}

//! The typed FHIR model: the only crate that names `fhir-sdk`.
//!
//! Every serializer and deserializer type that meets the model makes the compiler generate code for all of it, minutes
//! of it. So this crate has no generic function, exactly one reader (`serde_json::from_str` into `Resource`) and no
//! writer, and changes seldom. Keep it so.
//!
//! The model is a vocabulary, not the truth: it drops what it does not know and keeps decimals as binary numbers. It
//! reads resources that were validated before, off the hot path, and serves as a second opinion in tests. Its `r4b` is
//! the release nearest to R4 that it has; for what is read here both are the same.

mod healthcare_service;

use fhir_sdk::r4b::resources::Resource;

pub use healthcare_service::{
    AvailableTime, NotAvailable, RoleHours, ServiceHours, TimeOfDay, Weekday, When, role_hours, service_hours,
};

/// Why the model can not read a text. It says nothing of the text itself, which may hold a person's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// The text is no resource to the model.
    #[error("the typed model can not read the resource (line {line}, column {column})")]
    Unreadable {
        /// The line at which reading ended, from 1; 0 where that is not known.
        line: usize,
        /// The column at which reading ended, from 1; 0 where that is not known.
        column: usize,
    },
    /// The text is a resource of another type than was asked for.
    #[error("the resource is of another type")]
    OtherType,
}

/// Whether the model can read the text as a resource of the type named `kind`.
///
/// # Errors
/// It can not, or the resource is of another type.
pub fn check(kind: &str, text: &str) -> Result<(), ModelError> {
    let resource = read(text)?;
    if resource.resource_type().as_str() == kind { Ok(()) } else { Err(ModelError::OtherType) }
}

/// The one place where the model meets a reader.
fn read(text: &str) -> Result<Resource, ModelError> {
    serde_json::from_str(text).map_err(|error| ModelError::Unreadable { line: error.line(), column: error.column() })
}

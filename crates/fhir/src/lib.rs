//! FHIR R4 on the wire: reading, validating and editing resources without losing a byte of what a client sent.

pub mod bundle;
pub mod canonical;
pub mod capability;
pub mod interaction;
pub mod issue;
pub mod json;
pub mod outcome;
pub mod resource;
pub mod search;
pub mod text;
pub mod validate;

mod definitions;

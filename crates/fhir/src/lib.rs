//! FHIR R4 on the wire: reading, validating and editing resources without losing a byte of what a client sent.

pub mod audit_event;
pub mod bundle;
pub mod canonical;
pub mod capability;
pub mod care_team;
pub mod category;
pub mod communication;
pub mod conformance;
pub mod consent;
pub mod decided;
pub mod healthcare_service;
pub mod history;
pub mod inbox;
pub mod interaction;
pub mod issue;
pub mod json;
pub mod operation;
pub mod outcome;
pub mod patch;
pub mod practitioner_role;
pub mod resource;
pub mod search;
pub mod task;
pub mod text;
pub mod validate;
pub mod write;

mod definitions;
mod period;

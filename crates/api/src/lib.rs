//! The HTTP side of Postern: the routing table, FHIR's manners, OAuth, errors and the OpenAPI document.

pub mod auth;
pub mod door;
pub mod error;
pub mod health;
pub mod manners;
pub mod metrics;
pub mod observe;
pub mod policies;
pub mod route;
pub mod state;

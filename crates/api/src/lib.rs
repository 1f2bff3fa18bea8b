//! The HTTP side of Postern: the routing table, FHIR's manners, OAuth, errors and the OpenAPI document.
//!
//! A request passes [`observe`] (id, span, log line, figures), [`door`] (a token, or the short public list) and a
//! handler, which reads, decides and saves. [`serve`] makes a server of it all.

mod administration;
pub mod audit;
mod audit_event;
pub mod auth;
mod bundle;
mod care_team;
mod communication;
mod conditional;
mod conformance;
mod consent;
mod context;
pub mod cors;
mod difference;
pub mod door;
pub mod error;
mod feeding;
pub mod forwarded;
mod given;
pub mod health;
mod healthcare_service;
pub mod held;
mod history;
pub mod mandate;
pub mod manners;
pub mod metadata;
pub mod metrics;
pub mod observe;
mod openapi;
pub mod policies;
mod practitioner_role;
pub mod pulse;
pub mod rate;
mod read;
pub mod route;
pub mod scheduled;
mod search;
mod seen;
pub mod serve;
mod settle;
mod smart;
pub mod state;
mod task;
mod turn;
pub mod unread;
mod validating;

#[cfg(test)]
mod tests;

pub use openapi::openapi;
pub use serve::{metrics_server, server};

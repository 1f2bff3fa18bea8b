//! The HTTP side of Postern: the routing table, FHIR's manners, OAuth, errors and the OpenAPI document.

pub mod auth;

//! The routing table.

/// What answers without a token, to GET alone. Everything else needs one.
pub const PUBLIC: &[&str] = &["/", "/docs", "/fhir/metadata", "/livez", "/openapi.json", "/readyz"];

/// Whether a path answers without a token. Paths are compared as they were sent: whoever writes one in another way is
/// asked for a token.
pub fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path) || path.starts_with("/docs/")
}

//! Editing a resource's text without touching what is not meant: members are replaced where they lie, all other bytes
//! stay as the client sent them.

mod edit;
mod indent;
mod rewrite;

pub use edit::Edit;
pub use indent::indented;
pub(crate) use rewrite::without_empty_arrays;

/// The text as a JSON string, quotes and escapes included.
pub fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests;

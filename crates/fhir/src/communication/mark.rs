//! Who has read a message, shown beside what its versions say.

use domain::change::{Mark, Stored};
use domain::id::ResourceType;
use serde_json::json;

use crate::canonical;
use crate::issue::Issue;
use crate::resource::Document;
use crate::write::instant;

/// The text of a message with who has read it, as the extension read-state. Its version stays what it is.
///
/// # Errors
/// The stored text is not JSON: the store is damaged.
pub fn with_marks<'m>(stored: &Stored, marks: impl Iterator<Item = &'m Mark>) -> Result<String, Vec<Issue>> {
    let document = Document::stored(stored.body.clone(), ResourceType::Communication)?;
    let mut edit = document.edit();
    for mark in marks {
        let Some(read_at) = mark.read_at else { continue };
        let shown = json!({
            "url": canonical::READ_STATE,
            "extension": [
                { "url": "reader", "valueReference": { "reference": mark.reader.to_string() } },
                { "url": "readAt", "valueInstant": instant(read_at) },
            ],
        });
        edit = edit.push("extension", shown.to_string());
    }
    Ok(edit.finish())
}

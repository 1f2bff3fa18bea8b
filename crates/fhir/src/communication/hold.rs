//! A message while it is held for review, and once it is not any more.

use domain::change::{Audience, ResourceWrite, Stored};
use domain::hold::Hold;
use domain::id::{Reference, ResourceType};
use serde_json::json;

use super::sent::decision;
use super::{Communication, Stamp, notice};
use crate::canonical;
use crate::issue::Issue;
use crate::json::Value;
use crate::resource::Document;
use crate::text::Edit;
use crate::write::{Filing, filed, instant};

/// Why a message is on hold, as its `statusReason` says it.
pub(super) const HELD: (&str, &str) = ("held-for-review", "Held for review");

/// The edit by which the client's own status reason says ours beside it, or nothing of ours any more.
pub(super) fn because<'t>(edit: Edit<'t>, reason: Option<(&str, &str)>) -> Edit<'t> {
    let ours = reason.map(|(code, display)| {
        json!({ "system": canonical::STATUS_REASON, "code": code, "display": display }).to_string()
    });
    let is_ours = |own: Value<'_>| own.get("system").is_some_and(|system| system.is_str(canonical::STATUS_REASON));
    edit.replace_within("statusReason", "coding", is_ours, ours)
}

/// Whether a message is on hold because it is to be reviewed.
pub(super) fn is_held(root: Value<'_>) -> bool {
    let codings = root.get("statusReason").into_iter().flat_map(|reason| reason.codings().collect::<Vec<_>>());
    codings.into_iter().any(|coding| {
        coding.system.as_deref() == Some(canonical::STATUS_REASON) && coding.code.as_deref() == Some(HELD.0)
    })
}

impl Communication {
    /// A message as the service has stored it.
    ///
    /// # Errors
    /// The text cannot be read, or says no sender: the store is damaged.
    pub fn stored(stored: &Stored) -> Result<Self, Vec<Issue>> {
        let document = Document::stored(stored.body.clone(), ResourceType::Communication)?;
        let sender: Option<Reference> = document.reference("sender");
        let missing = || vec![Issue::error(crate::issue::IssueCode::Exception, "A stored message says no sender.")];
        Ok(Self { sender: sender.ok_or_else(missing)?, document })
    }
}

/// The next version of a held message: delivered, seen by whoever sees its thread, and received from now on.
///
/// # Errors
/// The text that was made cannot be read: a fault of ours.
pub fn released(stored: &Stored, hold: &Hold, stamp: &Stamp<'_>) -> Result<ResourceWrite, Vec<Issue>> {
    let document = Document::stored(stored.body.clone(), ResourceType::Communication)?;
    let version = stamp.version;
    let mut edit = document
        .edit()
        .meta(version, &instant(stamp.now), &[])
        .set_text("status", "completed")
        .set_text("received", &instant(stamp.now))
        .extension(canonical::DECISION, Some(&decision(&stamp.record.id)));
    edit = notice::told(edit, stamp.record);
    if let Some(companion) = document.root().get("_status") {
        edit = edit.set("_status", companion.raw());
    }
    edit = because(edit, None);
    let filing = Filing {
        version,
        last_updated: stamp.now,
        date: stored.date,
        thread: Some(hold.thread.clone()),
        patient: hold.patient.clone(),
        author: Some(hold.sender.clone()),
        audience: Audience::Thread,
    };
    filed(stored.key.clone(), edit.finish(), filing)
}

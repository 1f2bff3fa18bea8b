//! A message while it is held for review, and once it is not any more.

use domain::change::{Audience, ResourceWrite, Stored};
use domain::hold::Hold;
use domain::id::{Reference, ResourceType};
use serde_json::{Value as Json, json};

use super::{Communication, Stamp, decision, notice};
use crate::canonical;
use crate::issue::Issue;
use crate::json::Value;
use crate::resource::Document;
use crate::write::{Filing, filed, instant};

/// Why a message is on hold, as its `statusReason` says it.
pub(super) const HELD: (&str, &str) = ("held-for-review", "Held for review");

/// The status reason of a message on hold: the client's own, if any, with the service's beside it.
pub(super) fn reason(root: Value<'_>, (code, display): (&str, &str)) -> String {
    let own = own_reason(root).and_then(|own| serde_json::from_str::<Json>(&own).ok());
    let mut reason = own.filter(Json::is_object).unwrap_or_else(|| json!({}));
    let ours = json!({ "system": canonical::STATUS_REASON, "code": code, "display": display });
    match reason.get_mut("coding").and_then(Json::as_array_mut) {
        Some(codings) => codings.push(ours),
        None => reason["coding"] = json!([ours]),
    }
    reason.to_string()
}

/// Whether a message is on hold because it is to be reviewed.
pub(super) fn is_held(root: Value<'_>) -> bool {
    let codings = root.get("statusReason").into_iter().flat_map(|reason| reason.codings().collect::<Vec<_>>());
    codings.into_iter().any(|coding| {
        coding.system.as_deref() == Some(canonical::STATUS_REASON) && coding.code.as_deref() == Some(HELD.0)
    })
}

/// The client's own status reason, without ours; `None` when nothing of it is left.
pub(super) fn own_reason(root: Value<'_>) -> Option<String> {
    let mut reason: Json = serde_json::from_str(root.get("statusReason")?.raw()).ok()?;
    if let Some(codings) = reason.get_mut("coding").and_then(Json::as_array_mut) {
        codings.retain(|coding| coding["system"] != canonical::STATUS_REASON);
        if codings.is_empty() {
            reason.as_object_mut()?.remove("coding");
        }
    }
    reason.as_object().filter(|members| !members.is_empty())?;
    Some(reason.to_string())
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
    edit = match own_reason(document.root()) {
        Some(own) => edit.set("statusReason", own),
        None => edit.remove("statusReason"),
    };
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

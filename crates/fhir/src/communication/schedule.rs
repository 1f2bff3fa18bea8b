//! A message while it waits for its instant, and once its author has cancelled it.

use domain::change::{Audience, ResourceWrite, Stored};
use domain::id::{ResourceId, ResourceType, Version};
use domain::time::Instant;
use jiff::Timestamp;

use super::Communication;
use super::hold::because;
use crate::canonical;
use crate::issue::{Issue, IssueCode};
use crate::resource::Document;
use crate::write::instant;

/// Why a message is on hold, as its `statusReason` says it.
const SCHEDULED: (&str, &str) = ("scheduled", "Scheduled");

impl Communication {
    /// When it is to be sent, where it is to be kept until then.
    pub fn release_at(&self) -> Option<Instant> {
        let waits = self.document.root().text("status").is_some_and(|status| status == "on-hold");
        release_at(&self.document).filter(|_| waits)
    }

    /// A version of a message that waits for its instant, which its author alone sees.
    ///
    /// # Errors
    /// The text that was made cannot be read: a fault of ours.
    pub fn scheduled(&self, id: &ResourceId, version: Version, now: Timestamp) -> Result<ResourceWrite, Vec<Issue>> {
        let body = because(self.unsent(id, version, now), Some(SCHEDULED)).finish();
        self.filed(id, version, now, body, None, Audience::Author)
    }

    /// A scheduled message as it is sent when its instant has come: what said that it waits is gone.
    ///
    /// # Errors
    /// The text that was made cannot be read: a fault of ours.
    pub fn let_go(self) -> Result<Self, Vec<Issue>> {
        let edit = because(self.document.edit().extension(canonical::RELEASE_AT, None), None);
        Ok(Self { document: Document::stored(edit.finish(), ResourceType::Communication)?, sender: self.sender })
    }
}

/// The version that says that a scheduled message was cancelled. Its author alone sees it.
///
/// # Errors
/// The text that was made cannot be read: a fault of ours.
pub fn stopped(
    stored: &Stored,
    reason: Option<&str>,
    version: Version,
    now: Timestamp,
) -> Result<ResourceWrite, Vec<Issue>> {
    let message = Communication::stored(stored)?;
    let edit = message.document.edit().meta(version, &instant(now), &[]).set_text("status", "stopped");
    let body = match reason {
        Some(reason) => edit.set("statusReason", reason),
        None => edit.remove("statusReason"),
    };
    message.filed(&stored.key.id, version, now, body.finish(), None, Audience::Author)
}

/// What is wrong with the instant of a message, or with its being there.
pub(super) fn issues(document: &Document) -> Vec<Issue> {
    let place = || format!("Communication.extension.where(url='{}')", canonical::RELEASE_AT);
    let root = document.root();
    let there = root.extension(canonical::RELEASE_AT).is_some();
    let read = release_at(document).is_some();
    let (code, message) = match &*root.text("status").unwrap_or_default() {
        "on-hold" if !there => {
            (IssueCode::Required, "A message that is to wait (on-hold) says until when: add the extension release-at.")
        }
        "in-progress" | "completed" if there => {
            (IssueCode::BusinessRule, "A message that is sent now has no release-at: leave it out, or use on-hold.")
        }
        "on-hold" if root.extension(canonical::OCCURRED_AT).is_some() => {
            (IssueCode::BusinessRule, "What is to be sent later was not written before: leave occurred-at out.")
        }
        _ if there && !read => {
            (IssueCode::Value, "Say when it is to be sent as a valueInstant, such as 2026-06-22T08:00:00-04:00.")
        }
        _ => return vec![],
    };
    vec![Issue::error(code, message).at(place())]
}

fn release_at(document: &Document) -> Option<Instant> {
    document.root().extension_value(canonical::RELEASE_AT)?.as_str()?.parse().ok()
}

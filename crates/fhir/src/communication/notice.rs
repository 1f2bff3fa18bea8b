//! What the sender of a message is told on the message itself.

use domain::decision::{Record, SenderNotice};
use serde_json::json;

use crate::canonical;
use crate::resource::Document;
use crate::text::Edit;

/// The edit with what a decision tells the sender, and with nothing of what a client or an earlier decision said so.
pub(super) fn told<'t>(edit: Edit<'t>, record: &Record) -> Edit<'t> {
    let edit = edit.extension(canonical::SENDER_NOTICE, None);
    // Codes alone: a message has no words but its author's.
    let extension = |notice: SenderNotice| json!({ "url": canonical::SENDER_NOTICE, "valueCoding": coding(notice) });
    record.sender_notices().fold(edit, |edit, notice| edit.push("extension", extension(notice).to_string()))
}

/// A notice as a Coding.
pub fn coding(notice: SenderNotice) -> serde_json::Value {
    json!({ "system": canonical::NOTICE, "code": notice.as_str() })
}

/// What the sender of a stored message was told on it.
pub fn notices(document: &Document) -> Vec<SenderNotice> {
    let ours = document
        .root()
        .each("extension")
        .filter(|own| own.text("url").is_some_and(|url| url == canonical::SENDER_NOTICE));
    let codes: Vec<_> = ours.filter_map(|own| own.at("valueCoding")?.text("code")).collect();
    SenderNotice::ALL.into_iter().filter(|notice| codes.iter().any(|code| code == notice.as_str())).collect()
}

/// What a notice says, for a client without words of its own.
pub const fn words(notice: SenderNotice) -> &'static str {
    match notice {
        SenderNotice::VisitSuggested => "A visit may serve better than further messages.",
        SenderNotice::MessageLong => "The message is long: shorter ones are answered more easily.",
        SenderNotice::ReplyLong => "The reply is long: shorter ones are understood more easily.",
    }
}

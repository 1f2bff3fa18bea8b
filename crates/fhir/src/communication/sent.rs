//! How versions of a message are written: what a client has sent, with what the service says of it.

use domain::change::{Audience, ResourceWrite};
use domain::decision::{AutomaticReply, Record};
use domain::id::{Key, Reference, ResourceId, ResourceType, Version};
use domain::thread::Thread;
use jiff::Timestamp;
use serde_json::json;

use super::{AUTOMATIC, Communication, INTERNAL, hold, notice};
use crate::canonical;
use crate::issue::Issue;
use crate::json::Value;
use crate::text::{Edit, quote};
use crate::write::{Filing, filed, instant};

/// What the service says about a message that it stores.
#[derive(Clone, Debug)]
pub struct Stamp<'a> {
    /// The message's id.
    pub id: &'a ResourceId,
    /// The version that is written: the first, unless a draft is sent or a held message delivered.
    pub version: Version,
    /// When that happens: `meta.lastUpdated`, of what is sent also `sent` and, once it is delivered, `received`.
    pub now: Timestamp,
    /// The thread it belongs to.
    pub thread: &'a Thread,
    /// The decision about it.
    pub record: &'a Record,
    /// The message it answers, as literal reference, when it is an answer.
    pub part_of: Option<&'a ResourceId>,
}

impl Communication {
    /// The first version of the message, sent: stored as received, with what the service sets. One that is held for
    /// review is its author's and the reviewers' alone.
    ///
    /// # Errors
    /// The text that was made cannot be read: a fault of ours.
    pub fn sent(&self, stamp: &Stamp<'_>) -> Result<ResourceWrite, Vec<Issue>> {
        let held = stamp.record.outcome == domain::decision::Outcome::HeldForReview;
        let root = self.document.root();
        let now = instant(stamp.now);
        let labels: &[&str] = if self.is_internal() { &[INTERNAL] } else { &[] };
        let mut edit = self
            .document
            .edit()
            .set_text("id", stamp.id.as_str())
            .meta(stamp.version, &now, labels)
            .set_text("sent", &now);
        let status = if held { "on-hold" } else { "completed" };
        edit = if held {
            // Nobody has received what is still to be reviewed.
            hold::because(edit.remove("received"), Some(hold::HELD))
        } else {
            edit.set_text("received", &now)
        };
        if root.text("status").is_none_or(|own| own != status) {
            edit = edit.set_text("status", status);
            // The companion holds the client's own extensions: they survive the service's status.
            if let Some(companion) = root.get("_status") {
                edit = edit.set("_status", companion.raw());
            }
        }
        if let Some(part_of) = stamp.part_of {
            let literal = format!("Communication/{part_of}");
            if !root.each("partOf").any(|part| part.reference().is_some_and(|own| own == literal)) {
                edit = edit.push("partOf", json!({ "reference": literal }).to_string());
            }
        }
        edit = without_our_words(edit).extension(canonical::CLIENT_SENT, stated(root).as_deref());
        edit = edit.extension(canonical::DECISION, Some(&decision(&stamp.record.id)));
        edit = notice::told(edit, stamp.record);
        edit = edit.push("instantiatesUri", quote(&governing(stamp.record)));
        let audience = match (held, self.is_internal()) {
            (true, _) => Audience::Author,
            (false, true) => Audience::Staff,
            (false, false) => Audience::Thread,
        };
        let thread = Some(stamp.thread.id.clone());
        self.filed(stamp.id, stamp.version, stamp.now, edit.finish(), thread, audience)
    }

    /// A version of a draft, which its author alone sees.
    ///
    /// # Errors
    /// The text that was made cannot be read: a fault of ours.
    pub fn drafted(&self, id: &ResourceId, version: Version, now: Timestamp) -> Result<ResourceWrite, Vec<Issue>> {
        let body = self.unsent(id, version, now).finish();
        self.filed(id, version, now, body, None, Audience::Author)
    }

    /// The text of a message that is not sent yet. What the service alone says of one that is, it does not say.
    pub(super) fn unsent(&self, id: &ResourceId, version: Version, now: Timestamp) -> Edit<'_> {
        let edit = self.document.edit().set_text("id", id.as_str()).meta(version, &instant(now), &[]);
        without_our_words(edit).remove("sent").remove("received")
    }

    /// The last version of a draft, which says that it is deleted.
    ///
    /// # Errors
    /// The text that was made cannot be read: a fault of ours.
    pub fn deleted(&self, id: &ResourceId, version: Version, now: Timestamp) -> Result<ResourceWrite, Vec<Issue>> {
        let write = self.drafted(id, version, now)?;
        Ok(crate::write::deleted(write))
    }

    /// The row of a text of the message.
    pub(super) fn filed(
        &self,
        id: &ResourceId,
        version: Version,
        now: Timestamp,
        body: String,
        thread: Option<ResourceId>,
        audience: Audience,
    ) -> Result<ResourceWrite, Vec<Issue>> {
        let filing = Filing {
            version,
            last_updated: now,
            date: now,
            thread,
            patient: self.patient(),
            author: Some(self.sender.clone()),
            audience,
        };
        filed(Key::new(ResourceType::Communication, id.clone()), body, filing)
    }
}

/// The automatic reply to a message, as a message of the same thread.
///
/// # Errors
/// The text that was made cannot be read: a fault of ours.
pub fn automatic(reply: &AutomaticReply, to: &ResourceId, stamp: &Stamp<'_>) -> Result<ResourceWrite, Vec<Issue>> {
    let now = instant(stamp.now);
    let root = &stamp.thread.id;
    let says = |reference: &Reference| json!({ "reference": reference.to_string() });
    let extensions = format!(
        "[{},{}]",
        json!({ "url": canonical::AUTO_GENERATED, "valueBoolean": true }),
        decision(&stamp.record.id)
    );
    let mut members = vec![
        ("resourceType", json!("Communication").to_string()),
        ("id", json!(reply.id.as_str()).to_string()),
        ("meta", json!({ "versionId": "1", "lastUpdated": now }).to_string()),
        ("language", json!(reply.language).to_string()),
        ("extension", extensions),
        ("instantiatesUri", json!([governing(stamp.record)]).to_string()),
        ("partOf", json!([{ "reference": format!("Communication/{root}") }]).to_string()),
        ("inResponseTo", json!([{ "reference": format!("Communication/{to}") }]).to_string()),
        ("status", json!("completed").to_string()),
        ("category", json!([{ "coding": [{ "system": canonical::MESSAGE_CATEGORY, "code": AUTOMATIC }] }]).to_string()),
        ("priority", json!(stamp.thread.priority.as_str()).to_string()),
    ];
    members.extend(stamp.thread.patient.as_ref().map(|patient| ("subject", says(patient).to_string())));
    members.extend([
        ("sent", json!(now).to_string()),
        ("received", json!(now).to_string()),
        ("recipient", json!([says(&reply.recipient)]).to_string()),
        ("sender", says(&reply.sender).to_string()),
        ("payload", json!([{ "contentString": reply.text }]).to_string()),
    ]);
    let members: Vec<String> = members.into_iter().map(|(name, value)| format!("{}:{value}", quote(name))).collect();
    let filing = Filing {
        version: Version::FIRST,
        last_updated: stamp.now,
        date: stamp.now,
        thread: Some(root.clone()),
        patient: stamp.thread.patient.clone(),
        author: Some(reply.sender.clone()),
        audience: Audience::Thread,
    };
    filed(Key::new(ResourceType::Communication, reply.id.clone()), format!("{{{}}}", members.join(",")), filing)
}

/// Without what the service alone says of a message, whoever has written it there.
fn without_our_words(edit: Edit<'_>) -> Edit<'_> {
    let ours = |uri: Value<'_>| uri.as_str().is_some_and(|uri| uri.strip_prefix(canonical::POLICY).is_some_and(within));
    let edit = edit.remove_items("instantiatesUri", ours);
    [canonical::READ_STATE, canonical::DECISION, canonical::CLIENT_SENT]
        .into_iter()
        .fold(edit, |edit, url| edit.extension(url, None))
}

/// Whether an address goes on below another.
fn within(rest: &str) -> bool {
    rest.starts_with('/')
}

/// What the client says of when it was sent, with what stands beside that, as an extension.
fn stated(root: Value<'_>) -> Option<String> {
    let members = [("sent", "valueDateTime"), ("_sent", "_valueDateTime")].into_iter().filter_map(|(from, to)| {
        let own = root.get(from)?;
        Some(format!(",\"{to}\":{}", own.raw()))
    });
    let members = members.collect::<String>();
    (!members.is_empty()).then(|| format!("{{\"url\":{}{members}}}", quote(canonical::CLIENT_SENT)))
}

/// The extension that names a decision record.
pub(super) fn decision(id: &ResourceId) -> String {
    json!({ "url": canonical::DECISION, "valueUri": format!("{}/{id}", canonical::DECISIONS) }).to_string()
}

fn governing(record: &Record) -> String {
    let (id, version) = record.bundle.rsplit_once('/').unwrap_or((&record.bundle, "0"));
    canonical::policy(id, version)
}

#[cfg(test)]
mod tests {
    use domain::access::PatientFacts;
    use domain::decide::{Setting, send};
    use domain::id::Ids;
    use domain::policy::bundle::Bundle;
    use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};

    use super::*;
    use crate::resource::Document;

    const KEPT: &str = include_str!("../../tests/examples/everything-kept.json");
    const FLAGGED: &str = include_str!("../../tests/examples/red-flag-in-billing.json");

    fn now() -> Timestamp {
        "2026-06-19T21:30:00Z".parse().unwrap()
    }

    fn sent(text: &str) -> (ResourceWrite, domain::decision::Decision) {
        let communication = Communication::parse(text.as_bytes()).unwrap();
        let policy =
            Policy::compile(Bundle::read(DEFAULT_BUNDLE).unwrap(), &Directory::default(), 1, now().into()).unwrap();
        let id: ResourceId = "m1".parse().unwrap();
        let message = communication.message(&id, &PatientFacts::default());
        let setting = Setting { policy: &policy, now: now().into() };
        let decision = send(setting, &message, None, &mut Ids::new(now().into(), 1)).unwrap();
        let stamp = Stamp {
            id: &id,
            version: Version::FIRST,
            now: now(),
            thread: &decision.thread,
            record: &decision.record,
            part_of: None,
        };
        (communication.sent(&stamp).unwrap(), decision)
    }

    #[test]
    fn what_a_client_sent_survives_the_services_own_members() {
        let (write, _) = sent(KEPT);
        let before: serde_json::Value = serde_json::from_str(KEPT).unwrap();
        let after: serde_json::Value = serde_json::from_str(&write.body).unwrap();
        for (name, value) in before.as_object().unwrap() {
            match name.as_str() {
                "status" => assert_eq!(after[name], "completed"),
                "sent" => assert_eq!(after[name], "2026-06-19T21:30:00.000Z"),
                "meta" => assert_eq!(after["meta"]["tag"], value["tag"]),
                "extension" => assert_eq!(after[name][0], value[0]),
                _ => assert_eq!(after[name], *value, "{name}"),
            }
        }
        assert!(write.body.contains("5.10"), "decimals keep their digits");
        let kept =
            after["extension"].as_array().unwrap().iter().find(|one| one["url"] == canonical::CLIENT_SENT).unwrap();
        assert_eq!(kept["valueDateTime"], before["sent"]);
        Document::parse(write.body.as_bytes(), ResourceType::Communication).unwrap();
    }

    #[test]
    fn the_automatic_reply_is_a_valid_message_of_the_thread() {
        let (_, decision) = sent(FLAGGED);
        assert!(!decision.record.red_flags.is_empty());
        let reply = decision.reply.as_ref().unwrap();
        let id: ResourceId = "m1".parse().unwrap();
        let stamp = Stamp {
            id: &id,
            version: Version::FIRST,
            now: now(),
            thread: &decision.thread,
            record: &decision.record,
            part_of: None,
        };
        let write = automatic(reply, &id, &stamp).unwrap();
        let document = Document::parse(write.body.as_bytes(), ResourceType::Communication).unwrap();
        assert!(document.warnings().is_empty(), "{:?}", document.warnings());
        let reread = Communication::parse(write.body.as_bytes()).unwrap();
        assert!(reread.message(&id, &PatientFacts::default()).machine_generated);
    }
}

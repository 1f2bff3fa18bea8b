//! Messages: what policy needs to know of a Communication, and how its versions are written
//! (<https://hl7.org/fhir/R4/communication.html>).

mod hold;
mod mark;
mod notice;
mod retract;
mod schedule;

use std::borrow::Cow;

use domain::access::PatientFacts;
use domain::change::{Audience, ResourceWrite};
use domain::decision::{AutomaticReply, Record};
use domain::id::{Key, Reference, ResourceId, ResourceType, Version};
use domain::message::{Message, Side, Standing};
use domain::policy::turnaround::PauseReason;
use domain::thread::Thread;
use domain::time::Instant;
use jiff::Timestamp;
use serde_json::json;

use crate::canonical;
use crate::issue::{Issue, IssueCode};
use crate::json::Value;
use crate::resource::Document;
use crate::text::{Edit, quote};
use crate::write::{Filing, filed, instant};

pub use hold::released;
pub use mark::with_marks;
pub use notice::{coding as notice_coding, notices, words as notice_words};
pub use retract::{Retraction, retracted};
pub use schedule::stopped;

/// The label of notes among staff, which no patient sees.
const INTERNAL: &str = "internal";

/// The category of what a machine sends, the service itself too.
const AUTOMATIC: &str = "automatic";

/// A Communication that a client sends.
#[derive(Clone, Debug)]
pub struct Communication {
    document: Document,
    sender: Reference,
}

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
    /// Reads a message as a client sends it: valid FHIR, with a sender, in a state that a client may ask for.
    ///
    /// # Errors
    /// Every issue, with the element and a remedy.
    pub fn parse(bytes: &[u8]) -> Result<Self, Vec<Issue>> {
        Self::of(Document::parse(bytes, ResourceType::Communication)?)
    }

    /// The message that a valid document is, as for [`Self::parse`].
    ///
    /// # Errors
    /// Every issue, with the element and a remedy.
    pub fn of(document: Document) -> Result<Self, Vec<Issue>> {
        let mut issues = Vec::new();
        let status = document.root().text("status").unwrap_or_default();
        if !matches!(&*status, "preparation" | "in-progress" | "completed" | "on-hold") {
            let message = "A new message is a draft (preparation), is sent (in-progress or completed), or waits for its \
                           instant (on-hold): use one of these.";
            issues.push(Issue::error(IssueCode::BusinessRule, message).at("Communication.status"));
        }
        let sender = document.reference("sender");
        if sender.is_none() {
            let message = "Say who writes, as a literal reference such as Patient/123.";
            issues.push(Issue::error(IssueCode::Required, message).at("Communication.sender"));
        }
        issues.extend(unread_extensions(&document));
        issues.extend(schedule::issues(&document));
        match sender {
            Some(sender) if issues.is_empty() => Ok(Self { document, sender }),
            _ => Err(issues),
        }
    }

    /// Reads a message as it is stored, to be decided about again. `None` when nothing was ever decided about it: a
    /// draft, what waits for its instant or was cancelled, what was entered in error, and what the service wrote itself.
    ///
    /// # Errors
    /// The text is not that of a message: the store is damaged.
    pub fn received(body: &str) -> Result<Option<Self>, Vec<Issue>> {
        let document = Document::stored(body, ResourceType::Communication)?;
        let missing = || vec![Issue::error(IssueCode::Required, "A stored message has no sender.")];
        let sender = document.reference("sender").ok_or_else(missing)?;
        let message = Self { document, sender };
        let standing = standing(&message.document);
        let sent = !standing.is_private() && standing != Standing::Retracted;
        Ok((sent && !message.is_automatic()).then_some(message))
    }

    /// Whether the service wrote it, in the name of a pool.
    fn is_automatic(&self) -> bool {
        let pool = self.sender.is("HealthcareService") || self.sender.is("CareTeam");
        pool && self.category().as_deref() == Some(AUTOMATIC)
    }

    /// The resource as received.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Who writes.
    pub fn sender(&self) -> &Reference {
        &self.sender
    }

    /// The patient it is about: the subject or, without one, a sender who is a patient.
    pub fn patient(&self) -> Option<Reference> {
        let subject = self.document.reference("subject").filter(|subject| subject.is("Patient"));
        subject.or_else(|| self.sender.is("Patient").then(|| self.sender.clone()))
    }

    /// Whether it is kept as a draft rather than sent.
    pub fn is_draft(&self) -> bool {
        self.document.root().text("status").is_some_and(|status| status == "preparation")
    }

    /// Whether it is a note among staff. Patients and proxies write none: what they send is always theirs to see.
    pub fn is_internal(&self) -> bool {
        let from_patient = matches!(Side::of(&self.sender), Side::Patient | Side::Proxy);
        let labelled = || {
            self.document.root().at("meta").is_some_and(|meta| {
                meta.each("security").any(|label| {
                    label.text("system").is_some_and(|system| system == canonical::SECURITY_LABEL)
                        && label.text("code").is_some_and(|code| code == INTERNAL)
                })
            })
        };
        !from_patient && (self.category().as_deref() == Some(INTERNAL) || labelled())
    }

    /// Whether its extension says that a machine wrote it.
    fn says_automatic(&self) -> bool {
        let said = self.document.root().extension_value(canonical::AUTO_GENERATED);
        said.and_then(Value::as_bool).unwrap_or(false)
    }

    /// The messages it continues: those it answers and those it says it is part of.
    ///
    /// # Errors
    /// A reference that is not a literal one to a Communication of this service.
    pub fn continues(&self) -> Result<Vec<ResourceId>, Issue> {
        let root = self.document.root();
        let mut found = Vec::new();
        for (name, only) in [("inResponseTo", true), ("partOf", false)] {
            for (place, reference) in root.each(name).enumerate() {
                match reference.local_reference() {
                    Some(reference) if reference.is("Communication") => found.push(reference.id().clone()),
                    Some(_) if !only => {}
                    _ => {
                        let message = "Refer to a message of this service as Communication/[id].";
                        let expression = format!("Communication.{name}[{place}]");
                        return Err(Issue::error(IssueCode::Value, message).at(expression));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The category's code in our code system.
    pub fn category(&self) -> Option<String> {
        let concepts = || self.document.root().each("category");
        canonical::MESSAGE_CATEGORY_SYSTEMS
            .iter()
            .find_map(|system| concepts().find_map(|concept| concept.code_from(system)))
            .map(Cow::into_owned)
    }

    /// The message as policy sees it.
    pub fn message(&self, id: &ResourceId, facts: &PatientFacts) -> Message {
        let root = self.document.root();
        let payload = |name: &'static str| root.each("payload").filter_map(move |part| part.get(name));
        let strings: Vec<String> = payload("contentString").filter_map(Value::as_str).map(Cow::into_owned).collect();
        Message {
            id: id.clone(),
            sender: self.sender.clone(),
            patient: self.patient(),
            recipients: root.each("recipient").filter_map(Value::local_reference).collect(),
            category: self.category(),
            priority: root.text("priority").and_then(|code| code.parse().ok()),
            channel: root
                .each("medium")
                .find_map(|medium| medium.codings().find_map(|coding| coding.code))
                .map(Cow::into_owned),
            texts: self.texts(),
            body: strings.join("\n"),
            has_payload: root.each("payload").next().is_some(),
            has_attachment: payload("contentAttachment").next().is_some(),
            language: root.text("language").map(Cow::into_owned),
            machine_generated: self.says_automatic(),
            marked_automatic: self.says_automatic() || self.category().as_deref() == Some(AUTOMATIC),
            internal: self.is_internal(),
            facts: facts.clone(),
            awaits: self.awaits(),
            occurred_at: self.occurred_at(),
        }
    }

    /// For whom the team waits from this answer on.
    pub fn awaits(&self) -> Option<PauseReason> {
        awaited(&self.document)
    }

    /// When it was written, where an engine says so.
    pub fn occurred_at(&self) -> Option<Instant> {
        occurred(&self.document)
    }

    /// Everything that a person may have written: every string of the resource but codes, addresses and references.
    fn texts(&self) -> Vec<String> {
        const WRITTEN: &[&str] =
            &["contentString", "text", "title", "display", "valueString", "valueMarkdown", "div", "url"];
        let mut texts = Vec::new();
        collect(self.document.root(), &mut |name, value| {
            let ours = || name == "url" && value.as_str().is_some_and(|url| url.starts_with(canonical::BASE));
            // The addresses of the service's own extensions are nobody's words: a message is read alike before and after
            // it is stored.
            if WRITTEN.contains(&name) && !ours() {
                texts
                    .extend(value.as_str().map(|text| if name == "div" { untagged(&text) } else { text.into_owned() }));
            }
        });
        texts
    }

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
    fn unsent(&self, id: &ResourceId, version: Version, now: Timestamp) -> Edit<'_> {
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

    fn filed(
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

/// Where a client wants a message to stand; `None` when it names no place to which a client could bring one.
pub fn wanted(document: &Document) -> Option<Standing> {
    match &*document.root().text("status")? {
        "preparation" => Some(Standing::Draft),
        "on-hold" => Some(Standing::Scheduled),
        "in-progress" | "completed" => Some(Standing::Sent),
        "stopped" => Some(Standing::Stopped),
        "entered-in-error" => Some(Standing::Retracted),
        _ => None,
    }
}

/// Where a stored message stands.
pub fn standing(document: &Document) -> Standing {
    let root = document.root();
    match &*root.text("status").unwrap_or_default() {
        "preparation" => Standing::Draft,
        "on-hold" if hold::is_held(root) => Standing::Held,
        "on-hold" => Standing::Scheduled,
        "stopped" => Standing::Stopped,
        "entered-in-error" => Standing::Retracted,
        _ => Standing::Sent,
    }
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

fn decision(id: &ResourceId) -> String {
    json!({ "url": canonical::DECISION, "valueUri": format!("{}/{id}", canonical::DECISIONS) }).to_string()
}

fn governing(record: &Record) -> String {
    let (id, version) = record.bundle.rsplit_once('/').unwrap_or((&record.bundle, "0"));
    canonical::policy(id, version)
}

fn awaited(document: &Document) -> Option<PauseReason> {
    match &*document.root().extension_value(canonical::AWAITS)?.as_str()? {
        "patient" => Some(PauseReason::WaitingOnPatient),
        "third-party" => Some(PauseReason::WaitingOnThirdParty),
        _ => None,
    }
}

fn occurred(document: &Document) -> Option<Instant> {
    document.root().extension_value(canonical::OCCURRED_AT)?.as_str()?.parse().ok()
}

/// Extensions of ours that are there and cannot be read: what somebody asks for is not passed over.
fn unread_extensions(document: &Document) -> Vec<Issue> {
    let place = |url: &str| format!("Communication.extension.where(url='{url}').value");
    let there = |url: &str| document.root().extension(url).is_some();
    let mut issues = Vec::new();
    if there(canonical::AWAITS) && awaited(document).is_none() {
        let message = "Say for whom the team waits as a valueCode: patient or third-party.";
        issues.push(Issue::error(IssueCode::Value, message).at(place(canonical::AWAITS)));
    }
    if there(canonical::OCCURRED_AT) && occurred(document).is_none() {
        let message = "Say when it was written as a valueInstant, such as 2026-06-19T17:30:00-04:00.";
        issues.push(Issue::error(IssueCode::Value, message).at(place(canonical::OCCURRED_AT)));
    }
    issues
}

/// Visits every string with the name of the member that holds it.
fn collect<'t>(value: Value<'t>, visit: &mut impl FnMut(&str, Value<'t>)) {
    for member in value.members() {
        visit(&member.name(), member);
        collect(member, visit);
    }
    for item in value.items() {
        collect(item, visit);
    }
}

/// The words of a narrative without its tags.
fn untagged(html: &str) -> String {
    let mut inside = false;
    html.chars()
        .map(|c| {
            let kept = !inside && c != '<';
            inside = if inside { c != '>' } else { c == '<' };
            if kept { c } else { ' ' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::decide::{Setting, send};
    use domain::id::Ids;
    use domain::policy::bundle::Bundle;
    use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};

    use super::*;

    const KEPT: &str = include_str!("../tests/examples/everything-kept.json");
    const FLAGGED: &str = include_str!("../tests/examples/red-flag-in-billing.json");

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
    fn a_patient_cannot_hide_a_message_as_a_note_among_staff() {
        let internal = FLAGGED.replace("\"billing\"", "\"internal\"");
        assert!(internal != FLAGGED && !Communication::parse(internal.as_bytes()).unwrap().is_internal());
        let staff = internal.replace(
            "\"sender\": {\n    \"reference\": \"Patient/p-3003\"",
            "\"sender\": {\n    \"reference\": \"Practitioner/n\"",
        );
        assert!(staff != internal && Communication::parse(staff.as_bytes()).unwrap().is_internal());
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

//! Messages: what policy needs to know of a Communication (<https://hl7.org/fhir/R4/communication.html>). How its versions
//! are written stands in the parts.

mod hold;
mod mark;
mod notice;
mod retract;
mod schedule;
mod sent;

use std::borrow::Cow;

use domain::access::PatientFacts;
use domain::id::{Reference, ResourceId, ResourceType};
use domain::message::{Message, Side, Standing};
use domain::policy::turnaround::PauseReason;
use domain::time::Instant;

use crate::canonical;
use crate::issue::{Issue, IssueCode};
use crate::json::Value;
use crate::resource::Document;

pub use hold::released;
pub use mark::with_marks;
pub use notice::{coding as notice_coding, notices, words as notice_words};
pub use retract::{Retraction, retracted};
pub use schedule::stopped;
pub use sent::{Stamp, automatic};

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
        if document.root().get("subject").is_some() && document.reference("subject").is_none() {
            let message = "Say whose it is as a relative reference, Patient/[id]: who sees a message follows from it.";
            issues.push(Issue::error(IssueCode::Value, message).at("Communication.subject"));
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
    use super::*;

    const FLAGGED: &str = include_str!("../tests/examples/red-flag-in-billing.json");

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
}

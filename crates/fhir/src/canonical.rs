//! The canonical addresses of what the service itself defines.

use std::fmt;

/// What all of them begin with. It is a name, not the address of a server.
pub const BASE: &str = "http://postern.example/fhir";

macro_rules! under_base {
    ($($(#[$doc:meta])+ $name:ident = $path:literal;)+) => {
        $($(#[$doc])+ pub const $name: &str = concat!("http://postern.example/fhir", $path);)+
    };
}

under_base! {
    /// What a message is about: one code for each kind of request that a policy can tell apart.
    MESSAGE_CATEGORY = "/CodeSystem/message-category";
    /// Why the service refused or changed something; `details.coding` of an OperationOutcome.
    REASON = "/CodeSystem/reason";
    /// Why a message is not delivered yet: `scheduled`, `held-for-review`.
    STATUS_REASON = "/CodeSystem/status-reason";
    /// Marks of a conversation, on its Task: the service's own and those of rules.
    MARK = "/CodeSystem/mark";
    /// What the sender of a message is told on it.
    NOTICE = "/CodeSystem/notice";
    /// How an obligation stands against its due time.
    BUSINESS_STATUS = "/CodeSystem/business-status";
    /// The labels that the service puts on resources itself; a client's are ignored.
    SECURITY_LABEL = "/CodeSystem/security-label";
    /// On a message: the `sent` that the client stated, since `sent` is the server's clock.
    CLIENT_SENT = "/StructureDefinition/client-sent";
    /// On a message: the record of the decision that governed it.
    DECISION = "/StructureDefinition/decision";
    /// What the address of every decision record begins with; its id follows.
    DECISIONS = "/decision";
    /// On a message: what its sender is told beside the automatic reply.
    SENDER_NOTICE = "/StructureDefinition/sender-notice";
    /// On a message: the service wrote it.
    AUTO_GENERATED = "/StructureDefinition/auto-generated";
    /// On an answer of the team: for whom it waits from then on, `patient` or `third-party`.
    AWAITS = "/StructureDefinition/awaits";
    /// On a message that an engine delivers late: when it was written.
    OCCURRED_AT = "/StructureDefinition/occurred-at";
    /// On a message: when a scheduled or held message is let go.
    RELEASE_AT = "/StructureDefinition/release-at";
    /// On a message: who has read it.
    READ_STATE = "/StructureDefinition/read-state";
    /// On an entry of an inbox: how the conversation stands.
    INBOX = "/StructureDefinition/inbox";
    /// On a Task: the pool, also while a person owns the Task.
    POOL = "/StructureDefinition/pool";
    /// On a Task: the instant that was promised to the patient.
    PROMISED = "/StructureDefinition/promised";
    /// On a HealthcareService or PractitionerRole: who stands in during an absence.
    COVERED_BY = "/StructureDefinition/covered-by";
    /// On an attachment: the SHA-256 of its content, beside FHIR's SHA-1 `hash`.
    SHA256 = "/StructureDefinition/sha256";
    /// What every policy bundle's address begins with; its id and version follow.
    POLICY = "/policy";
}

/// The zone of a resource's local times (<http://hl7.org/fhir/R4/extension-timezone.html>).
pub const TIMEZONE: &str = "http://hl7.org/fhir/StructureDefinition/timezone";

/// The systems under which a message category is understood: ours, and the address that the service's first published
/// examples used for the same codes.
pub const MESSAGE_CATEGORY_SYSTEMS: &[&str] =
    &[MESSAGE_CATEGORY, "https://postern.example/CodeSystem/message-category"];

/// The address of one version of a policy bundle, as messages name it in `instantiatesUri`.
pub fn policy(id: &str, version: impl fmt::Display) -> String {
    format!("{POLICY}/{id}|{version}")
}

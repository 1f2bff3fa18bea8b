//! A [Consent](https://hl7.org/fhir/R4/consent.html) as what it says about people who act for its patient.
//!
//! An active Consent about privacy permits and denies: its provision to whom it names, each provision within to fewer or
//! to other conversations, as an exception to the one around it. Of provisions side by side one that denies prevails.
//! What is not understood never shows more: a provision that permits under conditions unknown here permits nothing, one
//! that denies denies whatever else it says.

use std::collections::BTreeSet;

use domain::access::{Mandate, Threads};
use domain::id::{Reference, ResourceId};
use domain::time::Instant;
use jiff::tz::TimeZone;

use crate::issue::{Issue, IssueCode};
use crate::json::Value;
use crate::period::Period;
use crate::resource::Document;

/// Consents about what may be seen (<https://hl7.org/fhir/R4/valueset-consent-scope.html>).
const PRIVACY: &str = "patient-privacy";

/// What a provision may be limited by that is not understood here.
const LIMITS: [&str; 5] = ["securityLabel", "purpose", "class", "code", "dataPeriod"];

/// Whether it is plain whose a Consent is. One that named its patient in words that are not understood here would deny
/// nothing, and show everybody what it hides.
///
/// # Errors
/// The element, with the remedy.
pub fn whose(consent: &Document) -> Result<(), Vec<Issue>> {
    if consent.reference("patient").is_some_and(|patient| patient.is("Patient")) {
        return Ok(());
    }
    let text = "Say whose it is as a relative reference, Patient/[id]: who sees what follows from it.";
    Err(vec![Issue::error(IssueCode::Value, text).at("Consent.patient")])
}

/// What a Consent says about who sees the conversations of a patient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// The patient.
    pub patient: Reference,
    provision: Provision,
}

/// One rule, with its exceptions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Provision {
    /// Whether it permits or denies; one that says neither only holds others.
    permits: Option<bool>,
    period: Period,
    /// Whom it is about, when it says so.
    actors: Vec<Reference>,
    /// Messages of the conversations that it is about; none said: all of them.
    about: Option<BTreeSet<ResourceId>>,
    /// Whether there is nothing else that would have to hold.
    is_understood: bool,
    within: Vec<Provision>,
}

impl Directive {
    /// What a valid Consent says; `None` for one that is not in force or not about privacy, or names no patient.
    pub fn read(consent: &Document) -> Option<Self> {
        let root = consent.root();
        let is_active = root.text("status").is_some_and(|status| status == "active");
        let is_privacy = root.get("scope").is_some_and(|scope| {
            scope.each("coding").any(|coding| coding.text("code").is_some_and(|code| code == PRIVACY))
        });
        let patient = root.get("patient").and_then(Value::local_reference).filter(|patient| patient.is("Patient"))?;
        let provision = Provision::read(root.get("provision")?);
        (is_active && is_privacy).then_some(Self { patient, provision })
    }

    /// The messages by which it names conversations.
    pub fn messages(&self) -> BTreeSet<ResourceId> {
        let mut named = BTreeSet::new();
        self.provision.messages(&mut named);
        named
    }

    /// What it says about somebody at an instant. `thread` is the conversation that a message is in; `clinic` is the zone
    /// of dates.
    pub fn mandate(
        &self,
        actor: &Reference,
        at: Instant,
        clinic: &TimeZone,
        thread: &dyn Fn(&ResourceId) -> ResourceId,
    ) -> Mandate {
        Asking { actor, at, clinic, thread }.of(&self.provision, &Threads::ALL, &[])
    }
}

impl Provision {
    fn read(provision: Value<'_>) -> Self {
        let actors = provision.each("actor").filter_map(|actor| actor.get("reference")?.local_reference());
        let sees = |action: Value<'_>| {
            action.each("coding").any(|coding| coding.text("code").is_some_and(|code| code == "access"))
        };
        let actions: Vec<bool> = provision.each("action").map(sees).collect();
        let data: Vec<_> = provision.each("data").map(message).collect();
        let is_limited = LIMITS.iter().any(|name| provision.get(name).is_some());
        let permits = provision.text("type").map(|kind| kind == "permit");
        let is_understood =
            !is_limited && data.iter().all(Option::is_some) && (actions.is_empty() || actions.contains(&true));
        Self {
            permits,
            period: Period::of(provision),
            actors: actors.collect(),
            // Of what it denies nothing is left out for not being understood.
            about: (!data.is_empty() && data.iter().all(Option::is_some)).then(|| data.into_iter().flatten().collect()),
            is_understood,
            within: provision.each("provision").map(Self::read).collect(),
        }
    }

    fn messages(&self, named: &mut BTreeSet<ResourceId>) {
        named.extend(self.about.iter().flatten().cloned());
        for one in &self.within {
            one.messages(named);
        }
    }
}

/// The message by which data of a provision names a conversation.
fn message(data: Value<'_>) -> Option<ResourceId> {
    let is_of_it = data.text("meaning").is_some_and(|meaning| meaning != "authoredby");
    let reference = data.get("reference").and_then(Value::local_reference)?;
    (is_of_it && reference.is("Communication")).then(|| reference.id().clone())
}

/// What is asked of a Consent.
struct Asking<'a> {
    actor: &'a Reference,
    at: Instant,
    clinic: &'a TimeZone,
    thread: &'a dyn Fn(&ResourceId) -> ResourceId,
}

impl Asking<'_> {
    /// What a provision says within what the one around it is about.
    fn of(&self, provision: &Provision, around: &Threads, named_around: &[Reference]) -> Mandate {
        if !provision.period.contains(self.at, self.clinic) {
            return Mandate::default();
        }
        let named = if provision.actors.is_empty() { named_around } else { &provision.actors };
        let about = match &provision.about {
            Some(messages) => around.and(&Threads::Only(messages.iter().map(self.thread).collect())),
            None => around.clone(),
        };
        let is_meant = named.contains(self.actor);
        let own = match provision.permits {
            // Nobody is shown anything without being named.
            Some(true) if is_meant && provision.is_understood => Mandate { shown: about.clone(), ..Mandate::default() },
            Some(false) if is_meant || named.is_empty() => Mandate { hidden: about.clone(), ..Mandate::default() },
            _ => Mandate::default(),
        };
        let within = provision.within.iter().map(|one| self.of(one, &about, named));
        let exceptions = within.fold(Mandate::default(), |all, one| all.and(&one));
        let shown = exceptions.shown.without(&exceptions.hidden);
        Mandate {
            shown: own.shown.without(&exceptions.hidden).or(&shown),
            hidden: own.hidden.without(&shown).or(&exceptions.hidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::ResourceType;
    use serde_json::{Value as Json, json};

    use super::*;

    const MOTHER: &str = "RelatedPerson/mother";

    fn consent(provision: &Json) -> Json {
        let category = json!([{ "coding": [{ "system": "http://loinc.org", "code": "59284-0" }] }]);
        let scope =
            json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": PRIVACY }] });
        let rule =
            json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN" }] });
        json!({ "resourceType": "Consent", "status": "active", "scope": scope, "category": category, "policyRule": rule,
            "patient": { "reference": "Patient/ana" }, "provision": provision })
    }

    fn actor(reference: &str) -> Json {
        json!([{ "role": { "text": "proxy" }, "reference": { "reference": reference } }])
    }

    fn about(messages: &[&str]) -> Json {
        let one =
            |id: &&str| json!({ "meaning": "related", "reference": { "reference": format!("Communication/{id}") } });
        messages.iter().map(one).collect()
    }

    fn read(consent: &Json) -> Option<Directive> {
        let text = consent.to_string();
        Directive::read(
            &Document::parse(text.as_bytes(), ResourceType::Consent).unwrap_or_else(|all| panic!("{all:?}")),
        )
    }

    /// What the mother is shown and denied of the conversations a and b, and of any other: `s`, `h` or `-` for each.
    fn said(provision: &Json) -> String {
        let directive = read(&consent(provision)).unwrap();
        let at = Instant::from("2026-06-19T12:00:00Z".parse::<jiff::Timestamp>().unwrap());
        let thread = |message: &ResourceId| message.as_str().trim_end_matches('2').parse().unwrap();
        let mandate = directive.mandate(&MOTHER.parse().unwrap(), at, &TimeZone::UTC, &thread);
        let of = |id: &str| {
            let id = id.parse().unwrap();
            match (mandate.hidden.contains(&id), mandate.shown.contains(&id)) {
                (true, _) => 'h',
                (false, true) => 's',
                (false, false) => '-',
            }
        };
        ["a", "b", "other"].map(of).into_iter().collect()
    }

    #[test]
    fn a_provision_permits_or_denies_those_whom_it_names_and_those_within_are_its_exceptions() {
        let mother = actor(MOTHER);
        assert_eq!(said(&json!({ "type": "permit", "actor": mother })), "sss");
        assert_eq!(said(&json!({ "type": "deny", "actor": mother })), "hhh");
        assert_eq!(said(&json!({ "type": "permit", "actor": actor("RelatedPerson/father") })), "---");
        assert_eq!(
            said(&json!({ "type": "permit", "actor": mother, "data": about(&["a2"]) })),
            "s--",
            "by any message"
        );
        let but = |kind: &str, inner: &Json| json!({ "type": kind, "actor": mother, "provision": [inner] });
        assert_eq!(said(&but("permit", &json!({ "type": "deny", "data": about(&["a"]) }))), "hss");
        assert_eq!(said(&but("deny", &json!({ "type": "permit", "data": about(&["a"]) }))), "shh");
        let twice = json!({ "type": "deny", "data": about(&["a", "b"]),
            "provision": [{ "type": "permit", "data": about(&["b", "other"]) }] });
        assert_eq!(said(&but("permit", &twice)), "hss", "an exception reaches no further than what it is one of");
        let side = json!({ "actor": mother, "provision": [
            { "type": "permit", "data": about(&["a", "b"]) }, { "type": "deny", "data": about(&["a"]) }] });
        assert_eq!(said(&side), "hs-");
    }

    #[test]
    fn what_is_not_understood_never_shows_more() {
        let mother = actor(MOTHER);
        let with = |kind: &str, name: &str, value: Json| {
            let mut provision = json!({ "type": kind, "actor": mother });
            provision[name] = value;
            said(&provision)
        };
        let class = json!([{ "system": "urn:ietf:bcp:13", "code": "application/hl7-cda+xml" }]);
        let foreign = json!([{ "meaning": "instance", "reference": { "reference": "Observation/1" } }]);
        let action = |code: &str| json!([{ "coding": [{ "code": code }] }]);
        assert_eq!(with("permit", "class", class.clone()), "---");
        assert_eq!(with("deny", "class", class), "hhh");
        assert_eq!(with("permit", "data", foreign.clone()), "---");
        assert_eq!(with("deny", "data", foreign), "hhh");
        assert_eq!(with("permit", "action", action("correct")), "---");
        assert_eq!(with("permit", "action", action("access")), "sss");
        assert_eq!(said(&json!({ "type": "permit" })), "---", "nobody is shown anything without being named");
        assert_eq!(said(&json!({ "type": "deny" })), "hhh");
    }

    #[test]
    fn it_holds_for_its_time_and_while_it_is_active_and_about_privacy() {
        let with = |period: Json| said(&json!({ "type": "permit", "actor": actor(MOTHER), "period": period }));
        assert_eq!(with(json!({ "start": "2026", "end": "2026-06-19" })), "sss", "the last day is one of them");
        assert_eq!(with(json!({ "end": "2026-06-18" })), "---");
        assert_eq!(with(json!({ "start": "2026-06-20" })), "---");
        let mut given = consent(&json!({ "type": "permit" }));
        assert!(read(&given).is_some());
        given["status"] = json!("inactive");
        assert_eq!(read(&given), None);
        given["status"] = json!("active");
        given["scope"]["coding"][0]["code"] = json!("research");
        assert_eq!(read(&given), None);
    }
}

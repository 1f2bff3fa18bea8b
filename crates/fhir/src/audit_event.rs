//! The audit trail as [AuditEvents](https://hl7.org/fhir/R4/auditevent.html): read and found by those who may, and
//! written by nobody but the service. Its rows are kept in a table of their own, so that it has no versions.

use domain::audit::TrailQuery;
use domain::change::{AuditAction, AuditOutcome, AuditRow};
use domain::id::{Key, Reference, ResourceId, TenantId};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::canonical;
use crate::interaction::{Interaction, Route};
use crate::issue::{Issue, IssueCode};
use crate::search::{DEFAULT_COUNT, Interval, MAX_COUNT, encode, pairs, seal, unseal};
use crate::write::instant;

/// The type's name.
pub const KIND: &str = "AuditEvent";

/// What the trail is found by: name, type of parameter, and what it means.
pub const PARAMETERS: &[(&str, &str, &str)] = &[
    ("_id", "token", "The event's id."),
    ("action", "token", "What was done: C, R, U, D or E."),
    ("agent", "reference", "The person behind the access."),
    ("date", "date", "When it happened."),
    ("entity", "reference", "The resource that was asked for, such as Communication/[id]."),
    ("outcome", "token", "How it ended: 0 done, 4 refused, 8 failed."),
    ("patient", "reference", "The patient concerned."),
];

/// The interactions that are served.
pub const INTERACTIONS: [Interaction; 2] = [Interaction::Read, Interaction::SearchType];

/// The routes under the base address.
pub fn routes() -> Vec<Route> {
    vec![
        Route::new("GET", format!("/{KIND}/{{id}}")),
        Route::new("GET", format!("/{KIND}")),
        Route::new("POST", format!("/{KIND}/_search")),
    ]
}

/// Its part of the CapabilityStatement.
pub(crate) fn capability() -> Value {
    let parameter = |(name, kind, documentation): &(&str, &str, &str)| {
        let definition = match *name {
            "_id" => "http://hl7.org/fhir/SearchParameter/Resource-id".to_owned(),
            name => format!("http://hl7.org/fhir/SearchParameter/{KIND}-{name}"),
        };
        json!({ "name": name, "definition": definition, "type": kind, "documentation": documentation })
    };
    json!({
        "type": KIND,
        "profile": format!("http://hl7.org/fhir/StructureDefinition/{KIND}"),
        "documentation": "Who did what: one event for each access, refusal and change. For machines with a scope of \
                          their own and for administrators; written by the service alone.",
        "interaction": INTERACTIONS.map(|interaction| json!({ "code": interaction.as_str() })),
        "versioning": "no-version",
        "searchParam": PARAMETERS.iter().map(parameter).collect::<Vec<_>>(),
    })
}

/// A search of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which rows.
    pub trail: TrailQuery,
    applied: Vec<(String, String)>,
}

/// Reads a query. What is not known is refused: an ignored condition would give out too much.
///
/// # Errors
/// Everything that is wrong with the query; parameters are named, values are not repeated.
pub fn parse(query: &str, tenant: TenantId, base_url: &str) -> Result<Asked, Vec<Issue>> {
    let mut trail = TrailQuery::new(tenant, DEFAULT_COUNT);
    let (mut applied, mut errors) = (vec![], vec![]);
    let base = format!("{}/", base_url.trim_end_matches('/'));
    for (name, value) in pairs(query).map_err(|issue| vec![issue])? {
        let reference = value.strip_prefix(base.as_str()).unwrap_or(&value);
        let read = match name.as_str() {
            "_id" => once(&mut trail.id, value.parse().ok()),
            "action" => once(&mut trail.action, AuditAction::ALL.into_iter().find(|own| own.as_str() == value)),
            "outcome" => once(&mut trail.outcome, AuditOutcome::ALL.into_iter().find(|own| own.as_str() == value)),
            "agent" => once(&mut trail.agent, reference.parse().ok()),
            "patient" => once(&mut trail.patient, patient(reference)),
            "entity" => once(&mut trail.entity, key(reference)),
            "date" => date(&mut trail, &value),
            "_count" => count(&value).map(|count| trail.count = count),
            "_cursor" => place(&value).map(|place| trail.after = Some(place)),
            "_format" | "_pretty" => continue,
            _ => {
                let known: Vec<_> = PARAMETERS.iter().map(|(name, ..)| *name).collect();
                let message =
                    format!("The audit trail is found by {}; _count and _format are taken.", known.join(", "));
                errors.push(Issue::error(IssueCode::NotSupported, message));
                continue;
            }
        };
        match read {
            Some(()) if name == "_cursor" => {}
            Some(()) => applied.push((name, value)),
            None => {
                let text =
                    format!("{name} cannot be read here: it takes one value, of its own form, and but for date once.");
                errors.push(Issue::error(IssueCode::Value, text));
            }
        }
    }
    if errors.is_empty() { Ok(Asked { trail, applied }) } else { Err(errors) }
}

/// Sets what is not set yet.
fn once<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    let value = value.filter(|_| place.is_none())?;
    *place = Some(value);
    Some(())
}

fn patient(text: &str) -> Option<Reference> {
    match text.parse::<Reference>() {
        Ok(reference) => reference.is("Patient").then_some(reference),
        Err(_) => text.parse().ok().map(|id| Reference::new("Patient", id)),
    }
}

fn key(text: &str) -> Option<Key> {
    let (kind, id) = text.split_once('/')?;
    Some(Key::new(kind.parse().ok()?, id.parse().ok()?))
}

/// Narrows the time: an event is a moment, and lies in the interval that is asked for, before it or after it.
fn date(trail: &mut TrailQuery, value: &str) -> Option<()> {
    let split = value.char_indices().find(|(_, c)| !c.is_ascii_lowercase()).map_or(0, |(at, _)| at);
    let (prefix, rest) = value.split_at(split);
    let asked = Interval::asked(rest)?;
    let (from, until) = match prefix {
        "" | "eq" => (Some(asked.low), Some(asked.high)),
        "ge" => (Some(asked.low), None),
        "gt" | "sa" => (Some(asked.high), None),
        "le" => (None, Some(asked.high)),
        "lt" | "eb" => (None, Some(asked.low)),
        _ => return None,
    };
    trail.from = trail.from.max(from);
    trail.until = match (trail.until, until) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    Some(())
}

fn count(value: &str) -> Option<u16> {
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let count = value.parse::<u16>().unwrap_or(MAX_COUNT).min(MAX_COUNT);
    (digits && count > 0).then_some(count)
}

fn token(row: &AuditRow) -> String {
    let mut bytes = row.at.as_nanosecond().to_be_bytes().to_vec();
    bytes.extend(row.id.as_str().bytes());
    seal(KIND.as_bytes(), &bytes)
}

fn place(token: &str) -> Option<(Timestamp, ResourceId)> {
    let bytes = unseal(KIND.as_bytes(), token)?;
    let (at, id) = bytes.split_first_chunk::<16>()?;
    let at = Timestamp::from_nanosecond(i128::from_be_bytes(*at)).ok()?;
    Some((at, std::str::from_utf8(id).ok()?.parse().ok()?))
}

/// The Bundle of a page as JSON text.
pub fn bundle(base_url: &str, asked: &Asked, rows: &[AuditRow]) -> String {
    let base = base_url.trim_end_matches('/');
    let link = |relation: &str, token: Option<&str>| {
        let applied = asked.applied.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let query = encode(applied.chain(token.map(|token| ("_cursor", token))));
        let mark = if query.is_empty() { "" } else { "?" };
        json!({ "relation": relation, "url": format!("{base}/{KIND}{mark}{query}") })
    };
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "link": [link("self", None)] });
    if let (true, Some(last), Some(links)) =
        (rows.len() >= usize::from(asked.trail.count), rows.last(), bundle["link"].as_array_mut())
    {
        links.push(link("next", Some(&token(last))));
    }
    if !rows.is_empty() {
        let entry = |row: &AuditRow| json!({ "fullUrl": format!("{base}/{KIND}/{}", row.id), "resource": resource(row), "search": { "mode": "match" } });
        bundle["entry"] = rows.iter().map(entry).collect();
    }
    bundle.to_string()
}

/// A row as an `AuditEvent`.
pub fn resource(row: &AuditRow) -> Value {
    let mut event = json!({
        "resourceType": KIND,
        "id": row.id.as_str(),
        "type": { "system": "http://terminology.hl7.org/CodeSystem/audit-event-type", "code": "rest" },
        "subtype": [{ "system": subtype(&row.interaction), "code": row.interaction }],
        "action": row.action.as_str(),
        "recorded": instant(row.at),
        "outcome": row.outcome.as_str(),
        "agent": agents(row),
        "source": { "observer": { "display": "Postern" } },
    });
    if let Some(purpose) = &row.purpose {
        let coding = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": purpose });
        event["purposeOfEvent"] = json!([{ "coding": [coding] }]);
    }
    let entities = entities(row);
    if !entities.is_empty() {
        event["entity"] = Value::Array(entities);
    }
    event
}

/// What FHIR has a code for is an interaction of FHIR, the rest the service's own.
fn subtype(interaction: &str) -> String {
    let fhir =
        ["read", "vread", "create", "update", "patch", "delete", "search-type", "history-instance", "history-type"];
    if fhir.contains(&interaction) || interaction == "history-system" {
        "http://hl7.org/fhir/restful-interaction".to_owned()
    } else {
        format!("{}/CodeSystem/interaction", canonical::BASE)
    }
}

/// The person, and the client that they used; without a person the client acts for itself.
fn agents(row: &AuditRow) -> Vec<Value> {
    let login = row.subject.as_ref().map(|subject| {
        let mut login = json!({ "value": subject });
        if let Some(issuer) = &row.issuer {
            login["system"] = json!(issuer);
        }
        login
    });
    let person = row.agent.as_ref().map(|who| {
        let mut who = json!({ "reference": who.to_string() });
        if let Some(login) = &login {
            who["identifier"] = login.clone();
        }
        json!({ "who": who, "requestor": true })
    });
    // A subject without a person of the directory may be a machine's, or that of somebody whom only the issuer knows.
    let person = person.or_else(|| login.map(|login| json!({ "who": { "identifier": login }, "requestor": true })));
    let mut client = json!({
        "type": { "coding": [{ "system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110150", "display": "Application" }] },
        "who": { "identifier": { "value": row.client } },
        "requestor": person.is_none(),
    });
    if let Some(address) = &row.source {
        client["network"] = json!({ "address": address, "type": "2" });
    }
    person.into_iter().chain([client]).collect()
}

fn entities(row: &AuditRow) -> Vec<Value> {
    let role = |code: &str| json!({ "system": "http://terminology.hl7.org/CodeSystem/object-role", "code": code });
    let what = row.focus.as_ref().map(|focus| {
        let version = row.version.map(|version| format!("/_history/{}", version.0)).unwrap_or_default();
        json!({ "what": { "reference": format!("{focus}{version}") }, "role": role("4") })
    });
    let patient =
        row.patient.as_ref().map(|patient| json!({ "what": { "reference": patient.to_string() }, "role": role("1") }));
    let query = row.query.as_ref().map(|query| {
        let given = json!({ "type": "resources", "valueString": row.count.to_string() });
        json!({ "role": role("24"), "query": query, "detail": [given] })
    });
    let request = (!row.request.is_empty()).then(|| {
        let coding = json!({ "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType", "code": "XrequestId" });
        json!({ "what": { "identifier": { "value": row.request } }, "type": coding })
    });
    let about = row.about.iter().filter(|one| row.patient.as_ref() != Some(one)).map(|one| {
        json!({ "what": { "reference": one.to_string() }, "role": role(if one.is("Patient") { "1" } else { "4" }) })
    });
    [what, patient, query, request].into_iter().flatten().chain(about).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<TrailQuery, Vec<Issue>> {
        parse(query, TenantId::new("t"), "http://x/fhir").map(|asked| asked.trail)
    }

    fn row() -> AuditRow {
        AuditRow {
            id: "019ee000-0000-7000-8000-000000000001".parse().unwrap(),
            at: "2026-06-19T21:30:00Z".parse().unwrap(),
            client: "portal".into(),
            subject: Some("3f2a".into()),
            issuer: Some("https://issuer.example".into()),
            agent: Some("RelatedPerson/mother".parse().unwrap()),
            action: AuditAction::Execute,
            interaction: "search-type".into(),
            focus: Some(
                "Communication/m-1"
                    .split_once('/')
                    .map(|(kind, id)| Key::new(kind.parse().unwrap(), id.parse().unwrap()))
                    .unwrap(),
            ),
            version: Some(domain::id::Version(2)),
            patient: Some("Patient/ana".parse().unwrap()),
            about: ["Patient/ana", "Patient/ben", "Communication/m-2"].map(|one| one.parse().unwrap()).to_vec(),
            query: Some("Q29tbXVuaWNhdGlvbj8=".into()),
            count: 3,
            request: "r-1".into(),
            outcome: AuditOutcome::Done,
            source: Some("192.0.2.1".into()),
            purpose: Some("TREAT".into()),
        }
    }

    #[test]
    fn an_event_is_an_audit_event_of_fhir() {
        let mut rows = vec![row()];
        rows.push(AuditRow {
            agent: None,
            subject: None,
            issuer: None,
            about: vec![],
            focus: None,
            patient: None,
            query: None,
            source: None,
            purpose: None,
            interaction: "GET /fhir/Communication/{id} 404".into(),
            outcome: AuditOutcome::Refused,
            request: String::new(),
            ..row()
        });
        for row in &rows {
            assert_eq!(fhir_model::check(KIND, &resource(row).to_string()), Ok(()));
        }
        let event = resource(&rows[0]);
        assert_eq!(event["agent"][0]["who"]["reference"], "RelatedPerson/mother");
        assert_eq!(
            event["agent"][0]["who"]["identifier"],
            json!({ "value": "3f2a", "system": "https://issuer.example" })
        );
        assert_eq!(event["entity"][0]["what"]["reference"], "Communication/m-1/_history/2");
        let named: Vec<_> = event["entity"].as_array().unwrap().iter().map(|one| &one["what"]["reference"]).collect();
        assert_eq!(named[1], "Patient/ana");
        assert_eq!(named[4..], [&json!("Patient/ben"), &json!("Communication/m-2")], "each once");
        let bundle: Value =
            serde_json::from_str(&bundle("http://x/fhir", &parse("_count=2", TenantId::new("t"), "").unwrap(), &rows))
                .unwrap();
        assert_eq!(bundle["link"][1]["relation"], "next");
        let next = bundle["link"][1]["url"].as_str().unwrap().split_once('?').unwrap().1;
        assert_eq!(asked(next).unwrap().after, Some((rows[1].at, rows[1].id.clone())));
    }

    #[test]
    fn a_day_is_asked_for_by_its_interval() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let day = asked("date=2026-06-19").unwrap();
        assert_eq!((day.from, day.until), (at("2026-06-19T00:00:00Z"), at("2026-06-20T00:00:00Z")));
        let span = asked("date=ge2026-06-19&date=lt2026-06-21&patient=http://x/fhir/Patient/ana").unwrap();
        assert_eq!((span.from, span.until), (at("2026-06-19T00:00:00Z"), at("2026-06-21T00:00:00Z")));
        assert_eq!(span.patient, Some("Patient/ana".parse().unwrap()));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in [
            "date=soon",
            "date=ap2026",
            "action=X",
            "action=C,R",
            "outcome=12",
            "patient=Practitioner/n",
            "entity=x",
            "entity=Observation/1",
            "_id=a b",
            "_count=0",
            "_cursor=x",
            "agent-name=Canary",
            "_sort=date",
            "patient=a&patient=b",
            "patient:not=a",
        ] {
            let issues = asked(bad).unwrap_err();
            assert!(!issues[0].message.contains("Canary"), "{bad}");
        }
    }
}

//! The Task that mirrors an obligation, as FHIR (<https://hl7.org/fhir/R4/task.html>).

use domain::change::{Audience, ResourceWrite};
use domain::id::{Key, ResourceType, Version};
use domain::task::Task;
use domain::time::Instant;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::canonical;
use crate::issue::Issue;
use crate::resource::Document;
use crate::text::quote;
use crate::write::{Filing, filed, instant};

/// FHIR's codes of what a Task is for.
const TASK_CODE: &str = "http://hl7.org/fhir/CodeSystem/task-code";

/// The next version of the Task. It says what its thread and clock say, and nothing of an earlier version stays.
pub fn written(task: &Task, version: Version, now: Timestamp) -> Result<ResourceWrite, Vec<Issue>> {
    let filing = Filing {
        version,
        last_updated: now,
        date: task.due.or(task.start).map_or(now, Instant::timestamp),
        thread: Some(task.thread.clone()),
        patient: task.patient.clone(),
        author: None,
        // A review is between the leads and the service.
        audience: if task.review { Audience::Author } else { Audience::Thread },
    };
    filed(Key::new(ResourceType::Task, task.id.clone()), text(task, version, now), filing)
}

/// Members in FHIR's own order; an absent one is left out.
fn text(task: &Task, version: Version, now: Timestamp) -> String {
    let says = |reference: &domain::id::Reference| json!({ "reference": reference.to_string() });
    let at = |moment: Instant| json!(moment.to_string());
    let pool = task.pool.as_ref().map(|pool| json!({ "url": canonical::POOL, "valueReference": says(pool) }));
    let promised =
        task.promised.map(|promised| json!({ "url": canonical::PROMISED, "valueInstant": promised.to_string() }));
    let extensions: Vec<Value> = pool.into_iter().chain(promised).collect();
    let mut period = serde_json::Map::new();
    period.extend(task.start.map(|start| ("start".to_owned(), at(start))));
    period.extend(task.due.map(|due| ("end".to_owned(), at(due))));
    let mut execution = serde_json::Map::new();
    execution.extend(task.start.map(|start| ("start".to_owned(), at(start))));
    execution.extend(task.stopped.map(|stopped| ("end".to_owned(), at(stopped))));
    let members: [(&str, Option<Value>); 17] = [
        ("resourceType", Some(json!("Task"))),
        ("id", Some(json!(task.id.as_str()))),
        ("meta", Some(meta(task, version, now))),
        ("extension", (!extensions.is_empty()).then(|| Value::Array(extensions))),
        ("status", Some(json!(task.status.as_str()))),
        ("businessStatus", Some(concept(canonical::BUSINESS_STATUS, task.business.as_str()))),
        ("intent", Some(json!("order"))),
        ("priority", Some(json!(task.priority.as_str()))),
        ("code", Some(concept(TASK_CODE, if task.review { "approve" } else { "fulfill" }))),
        ("focus", Some(json!({ "reference": format!("Communication/{}", task.focus) }))),
        ("for", task.patient.as_ref().map(says)),
        ("executionPeriod", task.stopped.map(|_| Value::Object(execution))),
        ("authoredOn", task.start.map(at)),
        ("lastModified", Some(json!(instant(now)))),
        ("owner", task.owner.as_ref().or(task.pool.as_ref()).map(says)),
        ("reasonCode", task.category.as_ref().map(|code| concept(canonical::MESSAGE_CATEGORY, code))),
        ("restriction", (!period.is_empty()).then(|| json!({ "period": period }))),
    ];
    object(members)
}

/// Its version, and the marks of the conversation as tags.
fn meta(task: &Task, version: Version, now: Timestamp) -> Value {
    let mut meta = json!({ "versionId": version.to_string(), "lastUpdated": instant(now) });
    if !task.marks.is_empty() {
        meta["tag"] = task.marks.iter().map(|code| json!({ "system": canonical::MARK, "code": code })).collect();
    }
    meta
}

fn concept(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": system, "code": code }] })
}

fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> String {
    let members: Vec<String> =
        members.into_iter().filter_map(|(name, value)| value.map(|value| format!("{}:{value}", quote(name)))).collect();
    format!("{{{}}}", members.join(","))
}

/// What a patient sees of a Task: its state, its pool, and by when an answer was promised. Due as the team counts it,
/// warnings, marks and owners are the team's.
pub fn for_patient(document: &Document) -> String {
    let root = document.root();
    let raw = |name: &str| root.get(name).and_then(|value| serde_json::from_str::<Value>(value.raw()).ok());
    let extension = |url: &str| root.extension(url).and_then(|value| serde_json::from_str::<Value>(value.raw()).ok());
    let mut meta = raw("meta");
    if let Some(members) = meta.as_mut().and_then(Value::as_object_mut) {
        members.remove("tag");
    }
    let pool = extension(canonical::POOL);
    let owner = pool.as_ref().map(|pool| pool["valueReference"].clone());
    let promised = root
        .extension_value(canonical::PROMISED)
        .and_then(crate::json::Value::as_str)
        .map(std::borrow::Cow::into_owned);
    let extensions: Vec<Value> = pool.into_iter().chain(extension(canonical::PROMISED)).collect();
    let status = root.text("status").map(|status| match &*status {
        // Whether somebody has taken it is the team's.
        "accepted" | "in-progress" => "requested".to_owned(),
        other => other.to_owned(),
    });
    object([
        ("resourceType", Some(json!("Task"))),
        ("id", raw("id")),
        ("meta", meta),
        ("extension", (!extensions.is_empty()).then(|| Value::Array(extensions))),
        ("status", status.map(Value::String)),
        ("intent", raw("intent")),
        ("code", raw("code")),
        ("focus", raw("focus")),
        ("for", raw("for")),
        ("authoredOn", raw("authoredOn")),
        ("owner", owner),
        ("restriction", promised.map(|end| json!({ "period": { "end": end } }))),
    ])
}

#[cfg(test)]
mod tests {
    use domain::task::{Business, Status};
    use domain::thread::Priority;

    use super::*;

    fn task() -> Task {
        Task {
            id: "t1".parse().unwrap(),
            thread: "m1".parse().unwrap(),
            focus: "m1".parse().unwrap(),
            review: false,
            patient: "Patient/p-1001".parse().ok(),
            pool: "HealthcareService/refill".parse().ok(),
            owner: "Practitioner/nurse".parse().ok(),
            category: Some("refill".into()),
            marks: vec!["needs-review".into(), "overdue".into()],
            priority: Priority::Routine,
            status: Status::Accepted,
            business: Business::AtRisk,
            start: "2026-06-19T21:30:00Z".parse().ok(),
            due: "2026-06-24T21:00:00Z".parse().ok(),
            promised: "2026-06-24T20:00:00Z".parse().ok(),
            clock: "c1".parse().unwrap(),
            cycle: 1,
            stopped: None,
        }
    }

    fn document(write: &ResourceWrite) -> Document {
        Document::parse(write.body.as_bytes(), ResourceType::Task).unwrap()
    }

    #[test]
    fn the_task_of_an_obligation_is_valid_fhir() {
        let now = "2026-06-22T12:05:00.5Z".parse().unwrap();
        let task = document(&written(&task(), Version(2), now).unwrap());
        assert_eq!(task.root().text("restriction.period.end").unwrap(), "2026-06-24T21:00:00Z");
        assert_eq!(task.root().text("meta.lastUpdated").unwrap(), "2026-06-22T12:05:00.500Z");
        assert_eq!(task.reference("owner").unwrap().to_string(), "Practitioner/nurse");
        assert!(task.warnings().is_empty(), "{:?}", task.warnings());
        let tag = task.root().at("meta").unwrap().each("tag").next().unwrap();
        assert_eq!(
            (tag.text("system").unwrap(), tag.text("code").unwrap()),
            (canonical::MARK.into(), "needs-review".into())
        );
    }

    #[test]
    fn a_patient_sees_the_promise_and_nothing_of_the_team() {
        let now = "2026-06-22T12:05:00Z".parse().unwrap();
        let text = for_patient(&document(&written(&task(), Version(2), now).unwrap()));
        let seen = Document::parse(text.as_bytes(), ResourceType::Task).unwrap();
        assert_eq!(seen.root().text("restriction.period.end").unwrap(), "2026-06-24T20:00:00Z");
        assert!(
            !text.contains("nurse")
                && !text.contains("needs-review")
                && !text.contains("at-risk")
                && !text.contains("21:00:00Z"),
            "{text}"
        );
    }
}

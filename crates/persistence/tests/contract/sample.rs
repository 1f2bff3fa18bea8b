//! Made-up values to save.

use domain::access::Visibility;
use domain::change::{Audience, Change, Delivery, Dispatched, Hours, OutboxKind, OutboxRow, ResourceWrite, UniqueKey};
use domain::clock::{Clock, ClockName, ClockState, Firing, Fold, NextThreshold, Segment, Terms};
use domain::id::{Key, Reference, ResourceId, ResourceType, TenantId, Version};
use domain::policy::turnaround::Rest;
use domain::search::{Indexed, Read, SearchValue};
use domain::thread::{Priority, Thread, ThreadState};
use domain::time::{Instant, Span};
use jiff::Timestamp;

pub fn tenant() -> TenantId {
    TenantId::new("t")
}

pub fn id(text: &str) -> ResourceId {
    text.parse().unwrap()
}

pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

pub fn communication(name: &str) -> Key {
    Key::new(ResourceType::Communication, id(name))
}

pub fn task(name: &str) -> Key {
    Key::new(ResourceType::Task, id(name))
}

pub fn at(second: i64) -> Instant {
    Instant::from_second(1_781_904_600 + second)
}

pub fn moment(second: i64) -> Timestamp {
    at(second).timestamp()
}

/// A version of a resource about nobody, in no thread.
pub fn version(key: Key, version: i32) -> ResourceWrite {
    ResourceWrite {
        body: format!(
            r#"{{"resourceType":"{}","id":"{}","meta":{{"versionId":"{version}"}},"n":5.10}}"#,
            key.kind, key.id
        ),
        key,
        version: Version(version),
        last_updated: moment(version.into()),
        date: moment(0),
        deleted: false,
        made_by_update: false,
        thread: None,
        patient: None,
        author: None,
        audience: Audience::Thread,
        values: vec![],
    }
}

pub fn change(resources: impl IntoIterator<Item = ResourceWrite>) -> Change {
    Change { resources: resources.into_iter().collect(), ..Change::new(tenant()) }
}

pub fn unique(key: &str, owner: Key) -> UniqueKey {
    UniqueKey { namespace: "If-None-Exist:Communication", key: key.to_owned(), owner }
}

pub fn token(param: &'static str, system: Option<&str>, code: &str) -> SearchValue {
    SearchValue { param, value: Indexed::Token { system: system.map(Into::into), code: code.into() } }
}

pub fn refers(param: &'static str, to: &str) -> SearchValue {
    SearchValue { param, value: Indexed::Reference(to.into()) }
}

pub fn date(param: &'static str, low: i64, high: i64) -> SearchValue {
    SearchValue { param, value: Indexed::Date { low: moment(low), high: moment(high) } }
}

pub fn read(key: Key) -> Read {
    Read { tenant: tenant(), key, version: None, visibility: Visibility::Everything }
}

pub fn thread(name: &str, revision: i32) -> Thread {
    Thread {
        id: id(name),
        patient: Some(reference("Patient/p-1")),
        pool: Some("refill".into()),
        pool_reference: Some(reference("HealthcareService/refill")),
        assigned: None,
        tags: vec!["seen".to_owned()],
        owner: None,
        category: Some("refill".into()),
        priority: Priority::Urgent,
        state: ThreadState::AwaitingTeam,
        opened_at: at(0),
        last_activity_at: at(revision.into()),
        last_staff_at: None,
        patient_messages: 1,
        cycle: 1,
        task: None,
        handed_cycle: 0,
        replied_cycle: 0,
        needs_review: false,
        merged_into: None,
        limits_lifted_until: None,
        quiet_lifted_until: None,
        zone: Some("America/Chicago".into()),
        revision,
    }
}

pub fn clock(name: &str, of: &str, next: Option<i64>) -> Clock {
    Clock {
        id: id(name),
        thread: id(of),
        name: ClockName::NextResponse,
        cycle: 1,
        task: Some(id("task-1")),
        terms: Terms {
            bundle: "default/1".into(),
            policy: "routine".into(),
            pool: "refill".into(),
            calendar: "clinic".into(),
            counted_by: "HealthcareService/refill".into(),
            priority: Priority::Routine,
            thresholds: vec![],
            known_from: None,
            rests: Rest::shipped(),
            review: None,
            author: None,
        },
        fold: Fold {
            state: ClockState::Running,
            target: None,
            calendar: "clinic".into(),
            started_at: Some(at(0)),
            due_at: Some(at(100)),
            last_due_at: None,
            paused_until: None,
            stopped_at: None,
            breached_at: None,
            retargeted_at: None,
            allowance: Span::hours(27),
            used: Span::default(),
            segments: vec![Segment {
                from: at(0),
                until: None,
                running: true,
                calendar: "clinic".into(),
                used: Span::default(),
            }],
        },
        promised_at: Some(at(100)),
        fired: vec!["warn-50".into()],
        next: next.map(|second| NextThreshold { id: "warn-80".into(), at: at(second) }),
        entries: 1,
        revision: 1,
    }
}

pub fn firing(clock: &str) -> Firing {
    Firing { clock: id(clock), cycle: 1, threshold: "warn-80".into(), at: at(10), fired_at: at(11), cause: None }
}

pub fn outbox(name: &str, recipient: Option<&str>, release: i64) -> OutboxRow {
    OutboxRow {
        id: id(name),
        kind: if recipient.is_some() { OutboxKind::Notice } else { OutboxKind::Event },
        topic: "warn-80".into(),
        recipient: recipient.map(Into::into),
        thread: Some(id("root")),
        focus: Some(task("task-1")),
        occurred_at: at(0),
        release_at: at(release),
        hours: Hours::Team,
        priority: Priority::Urgent,
    }
}

pub fn dispatched(row: &str, delivery: Option<&str>) -> Dispatched {
    Dispatched { outbox: id(row), delivery: delivery.map(id), at: at(20) }
}

pub fn delivery(name: &str, rows: &[&str]) -> Delivery {
    Delivery {
        id: id(name),
        recipient: "HealthcareService/refill".into(),
        at: at(20),
        outbox: rows.iter().map(|row| id(row)).collect(),
        topics: rows.iter().map(|_| "warn-80".to_owned()).collect(),
    }
}

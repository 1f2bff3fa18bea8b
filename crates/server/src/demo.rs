//! The story as a program: a Friday evening message, the promise, a silent weekend, one digest, an answer in time; and a
//! second thread that nobody answers, with each warning, the breach and the late notice once, at their instants.
//!
//! The real server runs in this process over real HTTP with real tokens; only its clock is moved by hand. Two workers
//! tick side by side. Whatever differs from the story ends it.

use std::sync::Arc;

use domain::calendar::zone_named;
use domain::decision::Record;
use domain::policy::template::local;
use domain::time::Instant;
use jiff::tz::TimeZone;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, ClientError};
use crate::clinic::{LEAD, REFILL, SUPERVISORS, ZONE, answer, engine, message, nurse, patient, services};
use crate::clock::MovableTime;
use crate::worker::{Report, Worker};

/// What differs from the story.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The service could not be asked.
    #[error(transparent)]
    Client(Box<ClientError>),
    /// A worker failed.
    #[error("a worker failed")]
    Worker(#[from] domain::store::StoreError),
    /// Something differs.
    #[error("the story differs: {what}: expected {expected}, got {got}")]
    Differs {
        /// What.
        what: String,
        /// What the story says.
        expected: String,
        /// What happened.
        got: String,
    },
}

impl From<ClientError> for DemoError {
    fn from(error: ClientError) -> Self {
        Self::Client(Box::new(error))
    }
}

/// The story on its way.
pub struct Demo {
    client: Client,
    time: Arc<MovableTime>,
    workers: [Worker; 2],
    zone: TimeZone,
}

/// An instant of the story: a date of June 2026 and a wall time in New York.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}-04:00").parse().expect("an instant of the story")
}

impl Demo {
    /// A story through that client, by that clock, with two workers of the service's own kind.
    pub fn new(client: Client, time: Arc<MovableTime>, workers: [Worker; 2]) -> Self {
        Self { client, time, workers, zone: zone_named(ZONE).unwrap_or(TimeZone::UTC) }
    }

    /// Plays it.
    pub async fn play(&self) -> Result<(), DemoError> {
        self.at("Thursday, the engine feeds the pool's hours", june(18, "09:00:00"));
        for service in services() {
            let id = service["identifier"][0]["value"].as_str().unwrap_or_default().to_owned();
            let mut named = service;
            named["id"] = Value::String(id.clone());
            let path = format!("/fhir/HealthcareService/{id}");
            self.client.ask(&engine(), Method::PUT, &path, Some(&named), None, 201).await?;
            println!("PUT {path} -> 201");
        }
        let (answered, unanswered) = self.friday().await?;
        self.weekend().await?;
        self.monday(&answered).await?;
        self.escalate(&unanswered).await
    }

    async fn friday(&self) -> Result<(String, String), DemoError> {
        self.at("Friday 17:30, half an hour after closing, two patients write", june(19, "17:30:00"));
        let mut sent = Vec::new();
        for (id, text) in
            [("p-1001", "I have five tablets of lisinopril left."), ("p-2002", "My inhaler is nearly empty.")]
        {
            let body = message(id, REFILL, "refill", "Refill", text);
            let reply = self.client.create(&patient(id), &body).await?;
            println!(
                "POST /fhir/Communication as Patient/{id} -> {} {}",
                reply.status,
                reply.etag.as_deref().unwrap_or("-")
            );
            let thread = reply.id().to_owned();
            self.decision(&reply.body).await?;
            let found =
                self.client.get(&patient(id), &format!("/fhir/Communication?part-of=Communication/{thread}")).await?;
            let texts: Vec<&str> =
                found.resources().filter_map(|one| one["payload"][0]["contentString"].as_str()).collect();
            same("automatic replies", &1, &texts.len())?;
            println!("  the patient is told: {}", texts[0]);
            for words in ["Wednesday, June 24 at 5:00 PM EDT", "911"] {
                same(&format!("the reply says {words:?}"), &true, &texts[0].contains(words))?;
            }
            let task = self.task(&thread).await?;
            same(
                "due",
                &june(24, "17:00:00").to_string().as_str(),
                &task["restriction"]["period"]["end"].as_str().unwrap_or("-"),
            )?;
            same("status", &"requested on-track", &state(&task).as_str())?;
            sent.push(thread);
        }
        self.quiet("right after").await?;
        let unanswered = sent.pop().unwrap_or_default();
        Ok((sent.pop().unwrap_or_default(), unanswered))
    }

    async fn weekend(&self) -> Result<(), DemoError> {
        for (day, time) in [(19, "20:00:00"), (20, "09:00:00"), (20, "17:00:00"), (21, "12:00:00"), (22, "07:59:59")] {
            self.at("the weekend", june(day, time));
            self.quiet("staff are off").await?;
        }
        self.at("Monday 08:00, the pool opens", june(22, "08:00:00"));
        self.once(&[], &[format!("{REFILL}: message-received, message-received")]).await
    }

    async fn monday(&self, thread: &str) -> Result<(), DemoError> {
        self.at("Monday 08:05, a nurse looks at what is due", june(22, "08:05:00"));
        let due = self.client.get(&nurse(), &format!("/fhir/Task?owner={REFILL}&status=requested&_sort=due")).await?;
        println!("GET /fhir/Task?owner={REFILL}&status=requested&_sort=due -> {} tasks", due.resources().count());
        same("tasks waiting", &2, &due.resources().count())?;
        let task = self.task(thread).await?;
        let id = task["id"].as_str().unwrap_or_default().to_owned();
        let version = format!("W/\"{}\"", task["meta"]["versionId"].as_str().unwrap_or_default());
        let path = format!("/fhir/Task/{id}/$claim");
        let claimed = self.client.ask(&nurse(), Method::POST, &path, None, Some(&version), 200).await?;
        println!("POST {path} If-Match {version} -> {} owner {}", claimed.status, claimed.body["owner"]["reference"]);
        self.client.ask(&nurse(), Method::POST, &path, None, Some(&version), 412).await?;
        println!("POST {path} If-Match {version} again -> 412");
        let root = thread.parse().map_err(|_| differs("the thread's id", "an id", thread))?;
        let text = "Done: 90 days, ready after 3 PM today. No need to reply.";
        let reply = self.client.create(&nurse(), &answer("p-1001", &root, text)).await?;
        println!("POST /fhir/Communication as the nurse -> {}", reply.status);
        self.decision(&reply.body).await?;
        same(
            "the answer is part of the thread",
            &format!("Communication/{thread}").as_str(),
            &reply.body["partOf"][0]["reference"].as_str().unwrap_or("-"),
        )?;
        same("the answered Task", &"completed met", &state(&self.task(thread).await?).as_str())?;
        self.once(&[], &["Patient/p-1001: reply-received".to_owned()]).await?;
        self.at(
            "Monday 18:00, the patient reads the answer, so that its author need not be told",
            june(22, "18:00:00"),
        );
        let path = format!("/fhir/Communication/{}/$mark-read", reply.id());
        let read = self.client.ask(&patient("p-1001"), Method::POST, &path, None, None, 200).await?;
        println!("POST {path} -> {}", read.status);
        self.quiet("it is read").await
    }

    async fn escalate(&self, thread: &str) -> Result<(), DemoError> {
        let due = june(24, "17:00:00");
        let late = june(25, "12:00:00");
        let (half, most) = (june(23, "12:30:00"), june(24, "11:36:00"));
        for (name, at, fired, told) in [
            ("50 % of the open time", half, format!("warn-50@{half}"), Some(format!("{REFILL}: warn-50"))),
            ("80 % of the open time", most, format!("warn-80@{most}"), Some(format!("{LEAD}: warn-80"))),
            ("due has passed", due.plus(1), format!("breach@{due}"), None),
            ("late", late, format!("late@{late}"), Some(format!("{SUPERVISORS}: late"))),
        ] {
            if name == "late" {
                self.at("Thursday 08:00, the lead hears of the breach", june(25, "08:00:00"));
                self.once(&[], &[format!("{LEAD}: breach")]).await?;
            }
            self.at("a second before", at.plus(-1));
            self.quiet("not yet").await?;
            self.at(name, at);
            self.once(&[fired], &told.into_iter().collect::<Vec<_>>()).await?;
            let task = self.task(thread).await?;
            println!("  the Task is {}", state(&task));
        }
        same("the unanswered Task", &"requested overdue", &state(&self.task(thread).await?).as_str())?;
        self.at("a week later", june(30, "12:00:00"));
        self.quiet("everything has been said").await?;
        let told = self.client.get(&engine(), "/api/v1/deliveries").await?;
        let count = told.body["deliveries"].as_array().or_else(|| told.body.as_array()).map_or(0, Vec::len);
        println!("GET /api/v1/deliveries -> {count} in all");
        same("deliveries in all", &6, &count)?;
        println!("\nThe story was kept.");
        Ok(())
    }

    fn at(&self, what: &str, at: Instant) {
        self.time.set(at.timestamp());
        println!("\n-- {}: {what}", local(at, &self.zone, "en"));
    }

    /// Both workers tick at once, three times; the reports together say what was done.
    async fn ticks(&self) -> Result<Report, DemoError> {
        let mut all = Report::default();
        for _ in 0..3 {
            let [one, two] = self.workers.each_ref().map(|worker| Box::pin(worker.tick()));
            let (one, two) = tokio::join!(one, two);
            for report in [one?, two?] {
                all.fired.extend(report.fired);
                all.delivered.extend(report.delivered);
            }
        }
        Ok(all)
    }

    async fn quiet(&self, why: &str) -> Result<(), DemoError> {
        self.once(&[], &[]).await?;
        println!("  nobody is told ({why})");
        Ok(())
    }

    async fn once(&self, fired: &[String], told: &[String]) -> Result<(), DemoError> {
        let report = self.ticks().await?;
        for line in report.fired.iter().map(|line| format!("fired {line}")).chain(report.delivered.iter().cloned()) {
            println!("  {line}");
        }
        same("thresholds fired", &fired, &report.fired.as_slice())?;
        same("deliveries", &told, &report.delivered.as_slice())
    }

    async fn task(&self, thread: &str) -> Result<Value, DemoError> {
        let found = self.client.get(&engine(), &format!("/fhir/Task?focus=Communication/{thread}")).await?;
        found.resources().next().cloned().ok_or_else(|| differs("Tasks of the thread", "1", "0"))
    }

    /// Prints the decision about a message as a paragraph.
    async fn decision(&self, message: &Value) -> Result<(), DemoError> {
        let extensions = message["extension"].as_array().into_iter().flatten();
        let url = extensions
            .filter(|extension| extension["url"] == fhir::canonical::DECISION)
            .find_map(|extension| extension["valueUri"].as_str());
        let id = url
            .and_then(|url| url.rsplit('/').next())
            .ok_or_else(|| differs("the decision's address", "one", "none"))?;
        let found = self.client.get(&engine(), &format!("/api/v1/decisions/{id}")).await?;
        let record: Record = serde_json::from_value(found.body)
            .map_err(|error| differs("the decision record", "a record", &error.to_string()))?;
        println!("  {}", record.paragraph());
        Ok(())
    }
}

fn state(task: &Value) -> String {
    let business = task["businessStatus"]["coding"][0]["code"].as_str().unwrap_or("-");
    format!("{} {business}", task["status"].as_str().unwrap_or("-"))
}

fn differs(what: &str, expected: &str, got: &str) -> DemoError {
    DemoError::Differs { what: what.to_owned(), expected: expected.to_owned(), got: got.to_owned() }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: &T, got: &T) -> Result<(), DemoError> {
    if expected == got { Ok(()) } else { Err(differs(what, &format!("{expected:?}"), &format!("{got:?}"))) }
}

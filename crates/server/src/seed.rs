//! The seed: a few made-up conversations in every state, sent through the real interface with the clock in the past.

use std::sync::Arc;

use api::auth::DevelopmentClaims;
use domain::id::ResourceId;
use domain::time::{Instant, TimeSource as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, ClientError};
use crate::clinic::{self, FAMILY, REFILL, answer, engine, message, nurse, patient};
use crate::clock::MovableTime;

/// The clinic, being filled.
pub struct Seed {
    client: Client,
    time: Arc<MovableTime>,
    now: Instant,
}

/// What was made.
#[derive(Clone, Debug, Default)]
pub struct Seeded {
    /// How many conversations.
    pub threads: usize,
    /// How many messages, automatic ones not counted.
    pub messages: usize,
}

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

impl Seed {
    /// A seed through that client, ending at `now`.
    pub fn new(client: Client, time: Arc<MovableTime>, now: Instant) -> Self {
        Self { client, time, now }
    }

    fn back(&self, seconds: i64) {
        self.time.set(self.now.plus(-seconds).timestamp());
    }

    async fn send(
        &self,
        who: &DevelopmentClaims,
        body: &Value,
        seeded: &mut Seeded,
    ) -> Result<ResourceId, ClientError> {
        let reply = self.client.create(who, body).await?;
        seeded.messages += 1;
        seeded.threads += usize::from(body["inResponseTo"].is_null());
        // The service made the id: it is one.
        Ok(reply.id().parse().expect("the service answers with an id"))
    }

    /// Feeds the pools' resources, so many days ago.
    pub async fn open(&self, days: i64) -> Result<(), ClientError> {
        self.back(days * DAY);
        for service in clinic::services() {
            // Engines name what they feed: the id is theirs.
            let id = service["identifier"][0]["value"].as_str().unwrap_or_default().to_owned();
            let mut named = service.clone();
            named["id"] = json!(id);
            self.client
                .ask(&engine(), Method::PUT, &format!("/fhir/HealthcareService/{id}"), Some(&named), None, 201)
                .await?;
        }
        Ok(())
    }

    /// Fills the clinic with conversations, from the oldest to the newest.
    pub async fn run(&self) -> Result<Seeded, ClientError> {
        let mut seeded = Seeded::default();
        let seeded = &mut seeded;
        // Answered late.
        self.back(12 * DAY);
        let one = patient("p-1001");
        let asked =
            message("p-1001", FAMILY, "form", "School form", "Could you fill in the school form from last week?");
        let late = self.send(&one, &asked, seeded).await?;
        self.back(3 * DAY);
        self.send(&nurse(), &answer("p-1001", &late, "It is ready at the front desk."), seeded).await?;

        // Unanswered for long: overdue.
        self.back(9 * DAY);
        let two = patient("p-2002");
        let asked = message("p-2002", FAMILY, "referral", "Eye doctor", "You said I would hear about the eye doctor.");
        self.send(&two, &asked, seeded).await?;

        // Answered in time, and a second round waits.
        self.back(5 * DAY);
        let asked =
            message("p-1001", REFILL, "refill", "Blood pressure tablets", "I have five tablets of lisinopril left.");
        let refill = self.send(&one, &asked, seeded).await?;
        self.back(5 * DAY - 2 * HOUR);
        let answered =
            self.send(&nurse(), &answer("p-1001", &refill, "Done: 90 days, ready after 3 PM."), seeded).await?;
        self.back(HOUR);
        let mut again =
            message("p-1001", REFILL, "refill", "Blood pressure tablets", "The pharmacy does not have it yet.");
        again["inResponseTo"] = json!([{ "reference": format!("Communication/{answered}") }]);
        self.send(&one, &again, seeded).await?;

        // Claimed, with a note among staff.
        self.back(26 * HOUR);
        let three = patient("p-3003");
        let asked = message("p-3003", FAMILY, "test-result", "Potassium", "Is a potassium of 5.1 normal?");
        let claimed = self.send(&three, &asked, seeded).await?;
        self.back(25 * HOUR);
        self.claim(&claimed).await?;
        let mut note = answer("p-3003", &claimed, "Repeat the sample before answering?");
        note["category"] = json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
        self.send(&nurse(), &note, seeded).await?;

        // A proxy writes, in Spanish.
        self.back(5 * HOUR);
        let mut proxy = patient("p-2002");
        proxy.fhir_user = Some("RelatedPerson/rp-17".to_owned());
        let mut asked =
            message("p-2002", FAMILY, "medical-advice", "Erupción", "La erupción del brazo es más grande que ayer.");
        asked["sender"] = json!({ "reference": "RelatedPerson/rp-17" });
        asked["language"] = json!("es");
        self.send(&proxy, &asked, seeded).await?;

        // A red flag where nobody expects one.
        self.back(10 * 60);
        let asked = message(
            "p-4004",
            FAMILY,
            "billing",
            "Invoice 8841",
            "The invoice charges two visits. Also I have chest pain when I climb the stairs.",
        );
        self.send(&patient("p-4004"), &asked, seeded).await?;

        // Nobody but its author sees a draft.
        self.back(60);
        let mut draft = message("p-1001", FAMILY, "medical-advice", "Knee", "My knee");
        draft["status"] = json!("preparation");
        self.send(&one, &draft, seeded).await?;
        self.time.set(self.now.timestamp());
        debug_assert!(self.time.now() <= self.now.timestamp());
        Ok(seeded.clone())
    }

    async fn claim(&self, thread: &ResourceId) -> Result<(), ClientError> {
        let found =
            self.client.get(&nurse(), &format!("/fhir/Task?focus=Communication/{thread}&status=requested")).await?;
        for task in found.resources() {
            let id = task["id"].as_str().unwrap_or_default();
            let version = format!("W/\"{}\"", task["meta"]["versionId"].as_str().unwrap_or_default());
            self.client
                .ask(&nurse(), Method::POST, &format!("/fhir/Task/{id}/$claim"), None, Some(&version), 200)
                .await?;
        }
        Ok(())
    }
}

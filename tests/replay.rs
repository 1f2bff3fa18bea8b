//! Replay: from its bundle and its inputs every stored decision comes out again, byte for byte.

use std::collections::HashMap;

use api::policies::compile;
use domain::access::PatientFacts;
use domain::decide::{Actor, Setting, claim, fire, open, route, send};
use domain::decision::{Outcome, Record};
use domain::id::{Ids, Reference, ResourceId, TenantId};
use domain::policy::Policy;
use domain::store::{Store as _, ThreadView};
use fhir::communication::Communication;
use serde_json::json;
use server::month::Month;

use crate::house::House;
use crate::people::{nurse, patient, refill, reply};

on_both!(house: a_seeded_month_of_decisions_replays_to_the_same_bytes);

/// How many messages patients write in this month; their answers and what time fires come on top.
const MESSAGES: usize = 900;

/// Conversations as they stand, decision by decision.
struct Replay {
    policy: Policy,
    /// Every stored message: its thread and its text.
    messages: HashMap<ResourceId, (ResourceId, String)>,
    threads: HashMap<ResourceId, ThreadView>,
}

impl Replay {
    async fn of(house: &House) -> Self {
        let tenant = TenantId::new(TenantId::DEFAULT);
        let catalogue = house.service().store().catalogue(tenant, house.time_now()).await.unwrap();
        let rows = house.place.texts(
            "SELECT id || ' ' || coalesce(thread, id) || ' ' || body AS value FROM resource WHERE kind = 'Communication'",
        );
        let message = |row: &String| {
            let (id, rest) = row.split_once(' ').unwrap();
            let (thread, body) = rest.split_once(' ').unwrap();
            (id.parse().unwrap(), (thread.parse().unwrap(), body.to_owned()))
        };
        let policy = compile(&catalogue, house.time_now());
        Self { policy, messages: rows.iter().map(message).collect(), threads: HashMap::new() }
    }

    /// Decides again what somebody of the team did to a conversation: the record names who, and why.
    fn by_person(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        let setting = Setting { policy: &self.policy, now: kept.at };
        let of =
            |view: &&ThreadView| view.thread.id == kept.focus.id || view.thread.task.as_ref() == Some(&kept.focus.id);
        let view = self.threads.values().find(of).unwrap();
        let effect = kept.effects.iter().find(|effect| effect.to.is_some()).unwrap();
        let person: Reference = effect.to.as_ref().unwrap().parse().unwrap();
        let pools: Vec<Reference> = self.policy.pools().iter().map(|pool| pool.reference.clone()).collect();
        let actor = Actor { person: Some(&person), pools: &pools, administrator: false };
        let decision = match kept.outcome {
            Outcome::Opened => open(setting, view, actor, ids),
            Outcome::Claimed => claim(setting, view, Some(&person), &pools, ids),
            _ => {
                let to = self.policy.pool(kept.pool.as_ref().unwrap()).unwrap();
                route(setting, view, to, serde_json::from_value(json!(effect.what)).unwrap(), actor, ids)
            }
        };
        let decision = decision.unwrap();
        let next = ThreadView::after(Some(view), &decision);
        self.threads.insert(next.thread.id.clone(), next);
        decision.record
    }

    /// Decides again what a record tells, from what it names.
    fn decide(&mut self, kept: &Record) -> Record {
        let setting = Setting { policy: &self.policy, now: kept.at };
        let mut ids = Ids::new(kept.at, u128::from_str_radix(&kept.seed, 16).unwrap());
        if matches!(kept.outcome, Outcome::Opened | Outcome::Claimed | Outcome::HandedOver) {
            return self.by_person(kept, &mut ids);
        }
        if kept.outcome == Outcome::Fired {
            let clock = &kept.clocks[0].id;
            let view = self.threads.values_mut().find(|view| view.clocks.iter().any(|one| one.id == *clock)).unwrap();
            let place = view.clocks.iter().position(|one| one.id == *clock).unwrap();
            let fired = fire(setting, view, &view.clocks[place], &mut ids).unwrap();
            view.clocks[place] = fired.clock;
            view.thread = fired.thread.unwrap_or_else(|| view.thread.clone());
            return fired.record;
        }
        // The message's own name is the first of the decision.
        let id = ids.next_id();
        assert_eq!(id, kept.focus.id);
        let (thread, body) = &self.messages[&id];
        let said = kept.message.as_ref().unwrap();
        let communication = Communication::received(body).unwrap().unwrap();
        let mut message = communication.message(&id, &said.facts.clone().unwrap_or_default());
        message.machine_generated &= said.side == "machine";
        let view = self.threads.get(thread);
        let decision = send(setting, &message, view, &mut ids).unwrap();
        let next = ThreadView::after(view, &decision);
        self.threads.insert(thread.clone(), next);
        decision.record
    }
}

async fn a_seeded_month_of_decisions_replays_to_the_same_bytes(house: &House) {
    house.at(26, "12:00:00");
    let month = Month::new(house.plain(), house.time.clone(), house.service().worker(), house.time_now());
    let seeded = month.run(MESSAGES).await.unwrap();
    // What only a patient's own token says.
    let mut known = patient("p-1");
    known.patient_age = Some(71);
    known.patient_language = Some("es".to_owned());
    known.patient_zone = Some("America/Chicago".to_owned());
    known.patient_tags = vec!["complex-care".to_owned()];
    let mut asked = refill("p-1", "Me quedan cinco.");
    asked["extension"] = json!([{ "url": fhir::canonical::AUTO_GENERATED, "valueBoolean": true }]);
    let one = house.create(&known, &asked).await.is(201).id();
    house.pass(600);
    house.create(&nurse(), &reply("p-1", &one, "Listo.")).await.is(201);
    // What people do without a message.
    house.pass(600);
    let other = house.create(&known, &refill("p-1", "Me quedan cuatro.")).await.is(201).id();
    house.pass(600);
    house.post(&nurse(), &format!("/api/v1/threads/{other}/open"), "{}").await.is(200);
    house.pass(600);
    let routed = json!({ "pool": "family", "reason": "wrong-pool" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{other}/route"), &routed).await.is(200);
    house.pass(600);
    let task = house.task(&other).await["id"].as_str().unwrap().to_owned();
    house.post(&nurse(), &format!("/fhir/Task/{task}/$claim"), "{\"resourceType\":\"Parameters\"}").await.is(200);

    let mut records: Vec<(Record, String)> = house
        .place
        .texts("SELECT body AS value FROM decision")
        .into_iter()
        .map(|body| (serde_json::from_str(&body).unwrap(), body))
        .collect();
    // In one second the workers look before messages are sent; of a conversation nothing else falls into one second.
    records.sort_by_key(|(record, _)| (record.at, record.outcome != Outcome::Fired, record.id.clone()));
    let fired = records.iter().filter(|(record, _)| record.outcome == Outcome::Fired).count();
    assert_eq!(records.len(), seeded.messages + 3 + 3 + fired, "messages, what people did, and what time did");
    assert!(fired > MESSAGES / 10, "time has fired {fired} times");
    let mut replay = Replay::of(house).await;
    for (kept, bytes) in &records {
        assert_eq!(replay.decide(kept).row(None).body, *bytes);
    }
    let facts = records.iter().find_map(|(record, _)| record.message.as_ref()?.facts.clone()).unwrap();
    assert_eq!(
        facts,
        PatientFacts {
            age_years: Some(71),
            language: Some("es".into()),
            zone: Some("America/Chicago".into()),
            tags: vec!["complex-care".into()]
        }
    );
}

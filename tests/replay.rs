//! Replay: from its bundle and its inputs every stored decision comes out again, byte for byte.

use std::collections::HashMap;

use api::policies::compile;
use domain::access::PatientFacts;
use domain::correspondent::{Correspondent, Who};
use domain::decide::{Known, Setting, fire, send};
use domain::decision::{Outcome, Record};
use domain::id::{Ids, ResourceId, TenantId};
use domain::policy::Policy;
use domain::store::{Store as _, ThreadView};
use domain::time::Span;
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
    correspondents: HashMap<Who, Correspondent>,
}

impl Replay {
    async fn of(house: &House) -> Self {
        let tenant = TenantId::new(TenantId::DEFAULT);
        let catalogue = house.service().store().catalogue(tenant).await.unwrap();
        let rows = house.place.texts(
            "SELECT id || ' ' || coalesce(thread, id) || ' ' || body AS value FROM resource WHERE kind = 'Communication'",
        );
        let message = |row: &String| {
            let (id, rest) = row.split_once(' ').unwrap();
            let (thread, body) = rest.split_once(' ').unwrap();
            (id.parse().unwrap(), (thread.parse().unwrap(), body.to_owned()))
        };
        let policy = compile(&catalogue, house.time_now());
        Self {
            policy,
            messages: rows.iter().map(message).collect(),
            threads: HashMap::new(),
            correspondents: HashMap::new(),
        }
    }

    /// Decides again what a record tells, from what it names.
    fn decide(&mut self, kept: &Record) -> Record {
        let setting = Setting { policy: &self.policy, now: kept.at };
        let mut ids = Ids::new(kept.at, u128::from_str_radix(&kept.seed, 16).unwrap());
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
        let known = Known {
            thread: view,
            sender: self.correspondents.get(&Who::Sender(message.sender.clone())),
            everyone: self.correspondents.get(&Who::Everyone),
            remember: Span::default(),
        };
        let decision = send(setting, &message, known, &mut ids).unwrap();
        self.correspondents.extend(decision.correspondents.iter().map(|own| (own.who.clone(), own.clone())));
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

    let mut records: Vec<(Record, String)> = house
        .place
        .texts("SELECT body AS value FROM decision")
        .into_iter()
        .map(|body| (serde_json::from_str(&body).unwrap(), body))
        .collect();
    // In one second the workers look before messages are sent; of a conversation nothing else falls into one second.
    records.sort_by_key(|(record, _)| (record.at, record.outcome != Outcome::Fired, record.id.clone()));
    let fired = records.iter().filter(|(record, _)| record.outcome == Outcome::Fired).count();
    assert_eq!(records.len(), seeded.messages + 2 + fired);
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

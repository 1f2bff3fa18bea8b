//! Decisions taken again, one after the other, from what their records name and what is stored.

use std::collections::{BTreeMap, HashMap};

use api::policies::compile;
use domain::change::OutboxRow;
use domain::clock::{Clock, LedgerEntry};
use domain::correspondent::{Correspondent, Who};
use domain::decide::{
    Actor, HeldMessage, History, Known, Ledgered, Retracted, Said, Setting, Voice, claim, expire, fire, merge, open,
    release, retract, route, send,
};
use domain::decision::{Decision, Outcome, Record};
use domain::hold::{Hold, Review, ReviewOutcome};
use domain::id::{Ids, Reference, ResourceId, TenantId};
use domain::message::Message;
use domain::policy::Policy;
use domain::store::{Store as _, ThreadView};
use domain::time::Instant;
use fhir::communication::Communication;
use serde_json::from_value;

use crate::house::House;

/// Conversations as they stand, decision by decision.
pub struct Replay {
    policy: Policy,
    /// Every stored message: its thread and its text.
    messages: HashMap<ResourceId, (ResourceId, String)>,
    threads: HashMap<ResourceId, ThreadView>,
    /// Every clock as it last stood, with its ledger.
    clocks: BTreeMap<ResourceId, Ledgered>,
    /// What people have sent: when, in which conversation, and whether somebody is to answer it.
    said: HashMap<ResourceId, (Instant, ResourceId, Option<Voice>)>,
    /// The holds of messages.
    holds: HashMap<ResourceId, Hold>,
    /// What is remembered of those who write.
    correspondents: HashMap<Who, Correspondent>,
    /// Notices that nobody has let go.
    waiting: Vec<OutboxRow>,
    /// Records of what was decided with another, until they are asked for.
    beside: HashMap<ResourceId, Record>,
}

/// The word that an effect of a record gives for something.
fn what(kept: &Record, kind: &str) -> String {
    kept.effects.iter().find(|effect| effect.kind == kind).unwrap().what.clone()
}

/// The person of the team whom a record names.
fn person(kept: &Record) -> Option<Reference> {
    kept.effects.iter().find_map(|effect| effect.to.as_ref()).map(|to| to.parse().unwrap())
}

impl Replay {
    pub async fn of(house: &House) -> Self {
        let tenant = TenantId::new(TenantId::DEFAULT);
        let catalogue = house.service().store().catalogue(tenant, house.time_now()).await.unwrap();
        // As they were sent: of one that has changed since, its first version.
        let rows = ["resource", "resource_history"].into_iter().flat_map(|table| {
            house.place.texts(&format!(
                "SELECT id || ' ' || coalesce(thread, id) || ' ' || body AS value FROM {table} \
                 WHERE kind = 'Communication' AND version = 1"
            ))
        });
        let message = |row: String| {
            let (id, rest) = row.split_once(' ').unwrap();
            let (thread, body) = rest.split_once(' ').unwrap();
            (id.parse().unwrap(), (thread.parse().unwrap(), body.to_owned()))
        };
        let policy = compile(&catalogue, house.time_now());
        Self {
            policy,
            messages: rows.map(message).collect(),
            threads: HashMap::new(),
            clocks: BTreeMap::new(),
            said: HashMap::new(),
            holds: HashMap::new(),
            correspondents: HashMap::new(),
            waiting: vec![],
            beside: HashMap::new(),
        }
    }

    /// Keeps what a decision about a conversation comes to.
    fn keep(&mut self, decision: Decision) -> Record {
        let before = self.threads.get(&decision.thread.id);
        let next = ThreadView::after(before, &decision);
        self.threads.insert(next.thread.id.clone(), next);
        self.count(decision.clocks, decision.ledger);
        self.holds.extend(decision.hold.map(|hold| (hold.message.clone(), hold)));
        self.correspondents.extend(decision.correspondents.into_iter().map(|own| (own.who.clone(), own)));
        self.waiting.extend(decision.outbox.into_iter().filter(|row| row.recipient.is_some()));
        self.waiting.sort_by(|a, b| (a.release_at, &a.id).cmp(&(b.release_at, &b.id)));
        decision.record
    }

    fn count(&mut self, clocks: Vec<Clock>, ledger: Vec<LedgerEntry>) {
        for clock in clocks {
            let entries = self.clocks.remove(&clock.id).map(|known| known.entries).unwrap_or_default();
            self.clocks.insert(clock.id.clone(), Ledgered { clock, entries });
        }
        for entry in ledger {
            self.clocks.get_mut(&entry.clock).unwrap().entries.push(entry);
        }
    }

    /// The message of a record, as it was sent, with its conversation.
    fn message(&self, kept: &Record) -> (ResourceId, Message) {
        let (thread, body) = &self.messages[&kept.focus.id];
        let communication = Communication::received(body).unwrap().unwrap();
        let facts = kept.message.as_ref().and_then(|said| said.facts.clone());
        let mut message = communication.message(&kept.focus.id, &facts.unwrap_or_default());
        message.machine_generated &= kept.message.as_ref().is_some_and(|said| said.side == "machine");
        (thread.clone(), message)
    }

    /// Decides again how a hold ended: by somebody's review, or because nobody has reviewed it.
    fn released(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        let (thread, message) = self.message(kept);
        let setting = Setting { policy: &self.policy, now: kept.at };
        let (hold, view) = (&self.holds[&message.id], &self.threads[&thread]);
        let reviewed = HeldMessage { hold, message: &message, view };
        let sender = self.correspondents.get(&Who::Sender(message.sender.clone()));
        let known = Known { thread: Some(view), sender, ..Known::default() };
        let decision = match (what(kept, "release").as_str(), person(kept)) {
            ("delivered", _) => expire(setting, reviewed, known, ids).unwrap(),
            (state, person) => {
                let outcome = if state == "answered" { ReviewOutcome::Answered } else { ReviewOutcome::Deliver };
                let review =
                    Review { outcome, reason: from_value(what(kept, "release-reason").into()).unwrap(), pool: None };
                let actor = Actor { person: person.as_ref(), pools: &[], administrator: false };
                release(setting, reviewed, known, &review, (actor, "any"), ids).unwrap()
            }
        };
        let answered = what(kept, "release") == "answered";
        let voice = Voice::of(&message).filter(|_| !answered);
        self.said.insert(message.id, (self.holds[&kept.focus.id].received_at, thread, voice));
        self.keep(decision)
    }

    /// Decides again about a message that was taken back.
    fn retracted(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        let (thread, message) = self.message(kept);
        let setting = Setting { policy: &self.policy, now: kept.at };
        let (received_at, _, _) = self.said.remove(&message.id).unwrap();
        let said = self.said.values().filter(|(_, other, _)| *other == thread);
        let clocks = self.clocks.values().filter(|known| known.clock.thread == thread);
        let history = History {
            said: said.filter_map(|(at, _, by)| Some(Said { at: *at, by: (*by)? })).collect(),
            clocks: clocks.cloned().collect(),
            ..History::default()
        };
        let waiting: Vec<OutboxRow> =
            self.waiting.iter().filter(|row| row.thread.as_ref() == Some(&thread)).cloned().collect();
        let (agent, hold) = (person(kept), self.holds.get(&message.id));
        let retracted =
            Retracted { message: &message, hold, received_at, agent: agent.as_ref(), client: "any", waiting: &waiting };
        let (decision, dropped) = retract(setting, &self.threads[&thread], &retracted, &history, ids);
        self.waiting.retain(|row| dropped.iter().all(|gone| gone.outbox != row.id));
        self.keep(decision)
    }

    /// Decides again about two conversations that became one, which is one decision with two records.
    fn merged(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        if let Some(other) = self.beside.remove(&kept.id) {
            return other;
        }
        let link = kept.path.last().unwrap().rsplit('/').next().unwrap().parse().unwrap();
        // The record of the one that goes on is named first.
        let goes_on = ids.clone().next_id() == kept.id;
        let (into, from) = if goes_on { (&kept.focus.id, &link) } else { (&link, &kept.focus.id) };
        let (into, from) = (&self.threads[into], &self.threads[from]);
        let ledgers: Vec<LedgerEntry> =
            from.clocks.iter().flat_map(|clock| self.clocks[&clock.id].entries.clone()).collect();
        let pools: Vec<Reference> = self.policy.pools().iter().map(|pool| pool.reference.clone()).collect();
        let person = person(kept);
        let actor = Actor { person: person.as_ref(), pools: &pools, administrator: false };
        let setting = Setting { policy: &self.policy, now: kept.at };
        let (into, from) =
            merge(setting, into, (from, &ledgers), from_value(what(kept, "merge").into()).unwrap(), actor, ids)
                .unwrap();
        let records = (self.keep(into), self.keep(from));
        let (own, other) = if goes_on { records } else { (records.1, records.0) };
        self.beside.insert(other.id.clone(), other);
        own
    }

    /// Decides again what somebody of the team did to a conversation: the record names who, and why.
    fn by_person(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        let setting = Setting { policy: &self.policy, now: kept.at };
        let of =
            |view: &&ThreadView| view.thread.id == kept.focus.id || view.thread.task.as_ref() == Some(&kept.focus.id);
        let view = self.threads.values().find(of).unwrap();
        let person = person(kept).unwrap();
        let pools: Vec<Reference> = self.policy.pools().iter().map(|pool| pool.reference.clone()).collect();
        let actor = Actor { person: Some(&person), pools: &pools, administrator: false };
        let decision = match kept.outcome {
            Outcome::Opened => open(setting, view, actor, ids),
            Outcome::Claimed => claim(setting, view, Some(&person), &pools, ids),
            _ => {
                let to = self.policy.pool(kept.pool.as_ref().unwrap()).unwrap();
                route(setting, view, to, from_value(what(kept, "hand-over").into()).unwrap(), actor, ids)
            }
        };
        let decision = decision.unwrap();
        self.keep(decision)
    }

    /// Fires again what had come.
    fn fired(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        let setting = Setting { policy: &self.policy, now: kept.at };
        let clock = &kept.clocks[0].id;
        let view = self.threads.values_mut().find(|view| view.clocks.iter().any(|one| one.id == *clock)).unwrap();
        let place = view.clocks.iter().position(|one| one.id == *clock).unwrap();
        let fired = fire(setting, view, &view.clocks[place], ids).unwrap();
        view.clocks[place] = fired.clock.clone();
        view.thread = fired.thread.unwrap_or_else(|| view.thread.clone());
        self.count(vec![fired.clock], fired.ledger);
        fired.record
    }

    /// Decides again about a message that was sent: its own name is the first of the decision.
    fn sent(&mut self, kept: &Record, ids: &mut Ids) -> Record {
        assert_eq!(ids.next_id(), kept.focus.id);
        let (thread, message) = self.message(kept);
        let setting = Setting { policy: &self.policy, now: kept.at };
        let sender = self.correspondents.get(&Who::Sender(message.sender.clone()));
        let known = Known { thread: self.threads.get(&thread), sender, ..Known::default() };
        let decision = send(setting, &message, known, ids).unwrap();
        let voice = Voice::of(&message).filter(|_| decision.hold.is_none());
        self.said.insert(message.id, (kept.at, thread, voice));
        self.keep(decision)
    }

    /// Decides again what a record tells, from what it names.
    pub fn decide(&mut self, kept: &Record) -> Record {
        let mut ids = Ids::new(kept.at, u128::from_str_radix(&kept.seed, 16).unwrap());
        match kept.outcome {
            Outcome::Opened | Outcome::Claimed | Outcome::HandedOver => self.by_person(kept, &mut ids),
            Outcome::Fired => self.fired(kept, &mut ids),
            Outcome::Merged => self.merged(kept, &mut ids),
            Outcome::Released => self.released(kept, &mut ids),
            Outcome::Retracted => self.retracted(kept, &mut ids),
            _ => self.sent(kept, &mut ids),
        }
    }
}

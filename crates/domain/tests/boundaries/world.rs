//! A small clinic that remembers what decisions change, as a store would.

use std::collections::BTreeMap;

use domain::clock::{Clock, ClockName};
use domain::correspondent::{Correspondent, Who};
use domain::decide::{Actor, BlockAsked, HeldMessage, Known, Refusal, Setting, block, exempt, expire, release, send};
use domain::decision::Decision;
use domain::hold::{BlockReason, Hold, Review, ReviewOutcome};
use domain::id::{Ids, Reference, ResourceId};
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Policy};
use domain::store::ThreadView;
use domain::time::{Instant, Span};
use serde_json::{Value, json};

pub const LEAD: &str = "Practitioner/lead";
pub const PATIENT: &str = "Patient/p-1001";

pub fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in June 2026.
pub fn june(day: u8, time: &str) -> Instant {
    at(&format!("2026-06-{day:02}T{time}:00-04:00"))
}

pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

pub fn limit(scope: &str, max: u32, window: &str) -> Value {
    json!({ "id": format!("{scope}-{max}"), "scope": scope, "max": max, "window": window,
        "onExceed": "hold-for-review" })
}

/// The bundle that ships, with a lead and supervisors, changed.
pub fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    let mut whole: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    whole["pools"][0]["leads"] = json!([LEAD]);
    whole["pools"][0]["supervisors"] = json!("CareTeam/supervisors");
    let mut other = whole["pools"][0].clone();
    other["id"] = json!("billing");
    other["reference"] = json!("HealthcareService/billing");
    other["leads"] = json!(["Practitioner/billing-lead"]);
    whole["pools"].as_array_mut().unwrap().push(other);
    change(&mut whole);
    let bundle = Bundle::read(&whole.to_string()).unwrap();
    Policy::compile(bundle, &domain::policy::Directory::default(), 1, june(1, "00:00")).unwrap()
}

pub fn message(sender: &str, text: &str) -> Message {
    Message { patient: Some(reference(PATIENT)), ..Message::new("m0".parse().unwrap(), reference(sender), text) }
}

#[derive(Clone)]
pub struct World {
    pub policy: Policy,
    pub threads: BTreeMap<ResourceId, ThreadView>,
    pub memories: BTreeMap<Who, Correspondent>,
    pub held: BTreeMap<ResourceId, (Hold, Message)>,
    names: u32,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        Self { policy, threads: BTreeMap::new(), memories: BTreeMap::new(), held: BTreeMap::new(), names: 0 }
    }

    fn ids(&mut self, now: Instant) -> Ids {
        self.names += 1;
        Ids::new(now, u128::from(self.names))
    }

    fn keep(&mut self, message: Option<&Message>, decision: &Decision) {
        let before = self.threads.get(&decision.thread.id);
        let next = ThreadView::after(before, decision);
        self.threads.insert(decision.thread.id.clone(), next);
        for own in &decision.correspondents {
            let known = self.memories.get(&own.who).map_or(0, |known| known.revision);
            assert_eq!(own.revision, known + 1, "one state after the other");
            self.memories.insert(own.who.clone(), own.clone());
        }
        if let (Some(hold), Some(message)) = (&decision.hold, message) {
            self.held.insert(hold.message.clone(), (hold.clone(), message.clone()));
        }
    }

    /// Sends a message, in a thread or beginning one.
    pub fn send(&mut self, now: Instant, mut message: Message, thread: Option<&ResourceId>) -> Decision {
        let mut ids = self.ids(now);
        message.id = ids.next_id();
        let known = Known {
            thread: thread.map(|id| &self.threads[id]),
            sender: self.memories.get(&Who::Sender(message.sender.clone())),
            everyone: self.memories.get(&Who::Everyone),
            remember: Span::default(),
        };
        let setting = Setting { policy: &self.policy, now };
        let decision = send(setting, &message, known, &mut ids).unwrap();
        self.keep(Some(&message), &decision);
        decision
    }

    /// Tries to send, for messages that may be refused.
    pub fn refused(&mut self, now: Instant, message: &Message, thread: Option<&ResourceId>) -> Option<Refusal> {
        let known = Known {
            thread: thread.map(|id| &self.threads[id]),
            sender: self.memories.get(&Who::Sender(message.sender.clone())),
            ..Known::default()
        };
        send(Setting { policy: &self.policy, now }, message, known, &mut Ids::new(now, 0)).err()
    }

    /// A new conversation of the patient.
    pub fn begin(&mut self, now: Instant, text: &str) -> Decision {
        self.send(now, message(PATIENT, text), None)
    }

    /// Reviews a held message as somebody.
    pub fn review(&mut self, now: Instant, id: &ResourceId, by: &str, review: &Review) -> Result<Decision, Refusal> {
        let mut ids = self.ids(now);
        let person = reference(by);
        let (kept, message) = self.held[id].clone();
        let held = HeldMessage { hold: &kept, message: &message, view: &self.threads[&kept.thread] };
        let known = Known {
            thread: Some(held.view),
            sender: self.memories.get(&Who::Sender(kept.sender.clone())),
            ..Known::default()
        };
        let actor = Actor { person: Some(&person), pools: &[], administrator: false };
        let setting = Setting { policy: &self.policy, now };
        let decision = release(setting, held, known, review, (actor, "ehr"), &mut ids)?;
        self.keep(Some(&message), &decision);
        Ok(decision)
    }

    /// Lets what has been held for longest be delivered.
    pub fn expire(&mut self, now: Instant, id: &ResourceId) -> Option<Decision> {
        let mut ids = self.ids(now);
        let (kept, message) = self.held[id].clone();
        let held = HeldMessage { hold: &kept, message: &message, view: &self.threads[&kept.thread] };
        let setting = Setting { policy: &self.policy, now };
        let known = Known {
            thread: Some(held.view),
            sender: self.memories.get(&Who::Sender(kept.sender.clone())),
            ..Known::default()
        };
        let decision = expire(setting, held, known, &mut ids)?;
        self.keep(Some(&message), &decision);
        Some(decision)
    }

    /// Blocks the patient as the lead.
    pub fn block(&mut self, now: Instant, pool: &str, until: Instant) {
        let mut ids = self.ids(now);
        let person = reference(LEAD);
        let who = Who::Sender(reference(PATIENT));
        let known = self.memories.get(&who).cloned().unwrap_or_else(|| Correspondent::unknown(who.clone()));
        let asked = BlockAsked {
            sender: reference(PATIENT),
            pool: Some(pool.to_owned()),
            reason: BlockReason::Abuse,
            until,
            contact: None,
        };
        let actor = Actor { person: Some(&person), pools: &[], administrator: false };
        let setting = Setting { policy: &self.policy, now };
        let blocked = block(setting, &asked, (actor, "ehr"), &known, &mut ids).unwrap();
        self.memories.insert(who, blocked.correspondent);
    }

    /// Lifts a boundary for a thread, or for a sender, as the lead.
    pub fn exempt(
        &mut self,
        now: Instant,
        kind: OverrideKind,
        thread: &ResourceId,
        sender: Option<&str>,
        until: Instant,
    ) {
        let mut ids = self.ids(now);
        let person = reference(LEAD);
        let asked = Override {
            kind,
            reason: OverrideReason::ClinicalJudgement,
            amount: None,
            due: None,
            until: Some(until),
            sender: sender.map(reference),
            note: None,
        };
        let actor = Actor { person: Some(&person), pools: &[], administrator: false };
        let known = sender.and_then(|sender| self.memories.get(&Who::Sender(reference(sender))));
        let setting = Setting { policy: &self.policy, now };
        let view = &self.threads[thread];
        let decision = exempt(setting, view, &asked, actor, known, &mut ids).unwrap();
        self.keep(None, &decision);
    }
}

pub fn delivering() -> Review {
    Review { outcome: ReviewOutcome::Deliver, reason: OverrideReason::Reviewed, pool: None }
}

pub fn clock(decision: &Decision, name: ClockName) -> Option<&Clock> {
    decision.clocks.iter().find(|clock| clock.name == name)
}

pub fn is_held(decision: &Decision) -> bool {
    decision.hold.is_some()
}

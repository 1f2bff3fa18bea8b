//! The order of evaluation: rules see the message as it came, and what they ask for is done to what is delivered.

use domain::clock::ClockName;
use domain::decide::{Actor, RouteReason, Setting, route};
use domain::decision::{Decision, Outcome};
use domain::id::{Ids, ResourceId, Version};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy, ServiceHours};
use domain::store::ThreadView;
use serde_json::{Value, json};

use crate::world::*;

fn form(text: &str) -> Message {
    Message { category: Some("form".into()), ..message(PATIENT, text) }
}

fn rule(id: &str, order: i32, when: &Value, actions: &Value) -> Value {
    json!({ "id": id, "order": order, "when": when, "do": actions })
}

fn forms(actions: &Value) -> Value {
    rule("forms", 1, &json!({ "field": "message.category", "op": "eq", "value": "form" }), actions)
}

fn did<'a>(decision: &'a Decision, kind: &str) -> Vec<&'a str> {
    let done = decision.record.effects.iter().filter(|effect| effect.kind == kind && effect.suppressed.is_none());
    done.map(|effect| effect.what.as_str()).collect()
}

#[test]
fn no_rule_sees_what_another_has_done() {
    let moves = forms(&json!([{ "type": "route-to-pool", "to": "billing" }]));
    let pool = json!({ "field": "thread.pool", "op": "eq", "value": "billing" });
    let open = json!({ "field": "calendar.open", "op": "is", "value": false });
    let mut world = World::new(policy(|whole| {
        let mut never = whole["calendars"][0].clone();
        never["id"] = json!("mondays");
        never["weekly"] = json!([{ "days": ["mon"], "shifts": [{ "start": "08:00", "end": "12:00" }] }]);
        whole["calendars"].as_array_mut().unwrap().push(never);
        whole["pools"][1]["calendar"] = json!("mondays");
        whole["routing"] = json!([
            moves,
            rule("pool", 2, &pool, &json!([{ "type": "add-tag", "value": "triggered" }])),
            rule("open", 3, &open, &json!([{ "type": "set-priority", "value": "stat" }])),
        ]);
    }));
    let sent = world.send(june(19, "10:00"), form("A form."), None);
    assert_eq!(sent.thread.pool.as_deref(), Some("billing"));
    let held: Vec<bool> = sent.record.tried.iter().take(3).map(|tried| tried.held).collect();
    assert_eq!(held, [true, false, false]);
    assert!(sent.thread.tags.is_empty() && sent.record.priority == Some(domain::thread::Priority::Routine));
}

#[test]
fn what_rules_ask_for_neither_passes_a_limit_nor_is_done_to_a_message_that_is_held() {
    let actions = json!([{ "type": "set-priority", "value": "urgent" }, { "type": "add-tag", "value": "forms" },
        { "type": "suggest-visit" }]);
    let mut once = limit("sender-new-threads", 1, "PT24H");
    once["neverBlocks"] = json!(["red-flag", "urgent"]);
    let mut world = World::new(policy(|whole| {
        whole["routing"] = json!([forms(&actions)]);
        whole["limits"] = json!([once]);
    }));
    let first = world.send(june(18, "09:00"), form("One."), None);
    assert_eq!((did(&first, "tag"), did(&first, "sender-notice")), (vec!["forms"], vec!["visit-suggested"]));
    let held = world.send(june(18, "10:00"), form("Two."), None);
    assert!(is_held(&held), "the rule's urgency is not the sender's");
    assert!(did(&held, "tag").is_empty() && did(&held, "sender-notice").is_empty() && held.thread.tags.is_empty());
    let kept = held.hold.unwrap().message;
    let released = world.review(june(18, "11:00"), &kept, LEAD, &delivering()).unwrap();
    let marks: Vec<&str> = released.thread.marks().collect();
    assert_eq!((did(&released, "tag"), marks), (vec!["forms"], vec!["forms", "visit-suggested"]));
    assert_eq!(released.record.priority, Some(domain::thread::Priority::Urgent));
    let mut urgent = form("Three.");
    urgent.priority = Some(domain::thread::Priority::Urgent);
    assert!(!is_held(&world.send(june(18, "12:00"), urgent, None)));
}

#[test]
fn a_hand_over_by_a_person_stays_until_the_next_cycle_whatever_rules_say() {
    let moves = forms(&json!([{ "type": "route-to-pool", "to": "billing" }]));
    let mut world = World::new(policy(|whole| whole["routing"] = json!([moves])));
    let thread: ResourceId = world.send(june(18, "09:00"), form("One."), None).thread.id;
    assert_eq!(world.threads[&thread].thread.pool.as_deref(), Some("billing"));
    let lead = reference(LEAD);
    let actor = Actor { person: Some(&lead), pools: &[], administrator: true };
    let (setting, to) =
        (Setting { policy: &world.policy, now: june(18, "10:00") }, world.policy.pool("default").unwrap());
    let before = &world.threads[&thread];
    let handed = route(setting, before, to, RouteReason::WrongPool, actor, &mut Ids::new(setting.now, 9)).unwrap();
    let after = ThreadView::after(Some(before), &handed);
    world.threads.insert(thread.clone(), after);
    let more = world.send(june(18, "11:00"), form("Two."), Some(&thread));
    assert_eq!(more.thread.pool.as_deref(), Some("default"), "a person has said who answers");
    let left = more.record.effects.iter().find(|effect| effect.kind == "route").unwrap();
    assert_eq!(left.suppressed.as_deref(), Some("a person has said who answers"));
    let danger = world.clone().send(june(18, "11:30"), form("chest pain"), Some(&thread));
    assert_eq!(danger.thread.pool.as_deref(), Some("default"), "the pool for red flags");
    world.send(june(18, "12:00"), message("Practitioner/nurse", "An answer."), Some(&thread));
    let next = world.send(june(18, "13:00"), form("Three."), Some(&thread));
    assert_eq!(next.thread.pool.as_deref(), Some("billing"), "the next cycle is routed anew");
}

/// Billing is open for two hours more, and never again.
fn ending(default_too: bool) -> Policy {
    let open = json!({ "id": "own", "timezone": "America/New_York", "weekly": [],
        "exceptions": [{ "from": "2026-06-18", "to": "2026-06-18", "reason": "the last day", "shifts": [{ "start": "08:00", "end": "10:00" }] }] });
    let hours = |id: &str| ServiceHours {
        reference: reference(&format!("HealthcareService/{id}")),
        version: Version(1),
        name: None,
        calendar: Some(serde_json::from_value(open.clone()).unwrap()),
    };
    let mut services = vec![hours("billing")];
    services.extend(default_too.then(|| hours("default")));
    let mut whole: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    let mut billing = whole["pools"][0].clone();
    billing["id"] = json!("billing");
    billing["reference"] = json!("HealthcareService/billing");
    whole["pools"].as_array_mut().unwrap().push(billing);
    let bundle = Bundle::read(&whole.to_string()).unwrap();
    Policy::compile(bundle, &Directory { services, ..Directory::default() }, 1, june(1, "00:00")).unwrap()
}

fn bill(text: &str) -> Message {
    Message { recipients: vec![reference("HealthcareService/billing")], ..message(PATIENT, text) }
}

#[test]
fn a21_what_a_calendar_cannot_say_by_when_goes_to_the_default_pool_and_a_person_must_look() {
    let mut world = World::new(ending(false));
    let sent = world.send(june(18, "09:00"), bill("A bill."), None);
    assert_eq!((sent.thread.pool.as_deref(), sent.record.outcome), (Some("default"), Outcome::NeedsReview));
    assert!(sent.thread.needs_review);
    let waiting = clock(&sent, ClockName::NextResponse).unwrap();
    assert_eq!((waiting.terms.pool.as_str(), waiting.fold.due_at), ("default", Some(june(22, "17:00"))));
    assert!(waiting.next.is_some(), "somebody is warned");
    assert_eq!(sent.record.path.last().unwrap(), "could not be evaluated: default");
    let told: Vec<_> = sent.outbox.iter().filter_map(|row| row.recipient.as_deref()).collect();
    assert_eq!(told, ["HealthcareService/default"]);
    assert!(sent.reply.unwrap().text.contains("Monday, June 22"));
}

#[test]
fn a21_a_clock_that_no_calendar_bounds_says_so() {
    let mut world = World::new(ending(true));
    let sent = world.send(june(18, "09:00"), bill("A bill."), None);
    assert!(sent.thread.needs_review && sent.reply.is_none());
    let waiting = clock(&sent, ClockName::NextResponse).unwrap();
    assert_eq!((waiting.fold.due_at, waiting.fold.standing(june(19, "09:00"))), (None, "unbounded"));
    let task = sent.tasks.iter().find(|task| !task.review).unwrap();
    assert_eq!((task.business.as_str(), task.due), ("unbounded", None));
    let language = domain::clock::Language::English;
    let explained =
        domain::clock::Explanation::of(waiting, &sent.ledger[1..], &[], &world.policy, june(19, "09:00"), language);
    assert_eq!(explained.state, "unbounded");
    assert!(explained.text.contains("No due time can be found"), "{}", explained.text);
}

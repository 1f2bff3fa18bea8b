//! Decisions: what they do to clocks, when notices leave, and what holds for any message.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::sync::LazyLock;

use domain::clock::{Clock, ClockName, ClockState, Event};
use domain::decide::{Setting, fire, send};
use domain::decision::Decision;
use domain::id::{Ids, Reference};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::{Directory, Policy};
use domain::store::ThreadView;
use domain::thread::Priority;
use domain::time::Instant;
use serde_json::{Value, json};

mod condition;
mod properties;
mod quiet;

const SAMPLE: &str = include_str!("../../../../docs/policy-bundle.sample.json");

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

fn june(day: u8, time: &str) -> Instant {
    at(&format!("2026-06-{day:02}T{time}:00-04:00"))
}

fn compiled(document: &Value) -> Policy {
    let bundle = Bundle::read(&document.to_string()).unwrap();
    Policy::compile(bundle, &Directory::default(), 1, june(1, "00:00")).unwrap()
}

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// The sample, compiled once for all cases.
fn policy() -> &'static Policy {
    static COMPILED: LazyLock<Policy> = LazyLock::new(|| compiled(&sample()));
    &COMPILED
}

fn message(text: &str) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        ..Message::new("m1".parse().unwrap(), reference("Patient/p-1001"), text)
    }
}

fn decide(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> Decision {
    send(Setting { policy, now }, message, view, &mut Ids::new(now, 1)).unwrap()
}

fn view(decision: &Decision) -> ThreadView {
    ThreadView { thread: decision.thread.clone(), clocks: decision.clocks.clone(), task: None }
}

fn waiting(decision: &Decision) -> &Clock {
    decision.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap()
}

#[test]
fn a27_an_answer_is_due_in_the_time_in_which_both_calendars_are_open() {
    let due = |combined: Value| {
        let mut document = sample();
        document["calendars"][0]["combined"] = combined;
        let mut urgent = message("Please call.");
        urgent.priority = Some(Priority::Urgent);
        let decision = decide(&compiled(&document), june(19, "09:30"), &urgent, None);
        waiting(&decision).fold.due_at.unwrap()
    };
    assert_eq!(due(json!([])), june(19, "13:30"));
    let both = json!([{"how": "intersection", "with": "refills"}]);
    assert_eq!(due(both), june(19, "14:00"), "the other is closed at noon");
    assert_eq!(due(json!([{"how": "minus", "with": "refills"}])), june(30, "13:00"), "eight noons");
}

#[test]
fn b5_a_priority_raised_past_its_target_breaches_once_and_says_why() {
    let policy = policy();
    let mut urgent = message("Please call.");
    urgent.priority = Some(Priority::Urgent);
    let sent = decide(policy, june(19, "09:00"), &urgent, None);
    let noon = june(19, "12:00");
    let mut stat = message("Now it is worse.");
    stat.priority = Some(Priority::Stat);
    let raised = decide(policy, noon, &stat, Some(&view(&sent)));
    let clock = waiting(&raised);
    assert_eq!((clock.fold.due_at, clock.fold.used.to_string()), (Some(noon), "PT3H".to_owned()));
    let now = noon.plus(1);
    let fired = fire(Setting { policy, now }, &view(&raised), clock, &mut Ids::new(now, 2)).unwrap();
    let breaches: Vec<_> = fired.firings.iter().filter(|firing| firing.threshold == "breach").collect();
    assert_eq!(breaches.len(), 1);
    assert_eq!(breaches[0].cause.as_deref(), Some("target-changed"));
    assert!(fire(Setting { policy, now }, &view(&raised), &fired.clock, &mut Ids::new(now, 3)).is_none());
}

#[test]
fn a_red_flags_clock_that_runs_out_is_late_for_silence_and_not_for_the_change() {
    let policy = policy();
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let flagged = decide(policy, june(19, "10:00"), &message("chest pain"), Some(&view(&sent)));
    let now = june(19, "10:30").plus(1);
    let fired = fire(Setting { policy, now }, &view(&flagged), waiting(&flagged), &mut Ids::new(now, 2)).unwrap();
    let breach = fired.firings.iter().find(|firing| firing.threshold == "breach").unwrap();
    assert_eq!((breach.at, breach.cause.as_deref()), (june(19, "10:30"), None));
}

#[test]
fn a_red_flag_wakes_a_clock_that_rests_and_warns_those_who_answer_now() {
    let policy = policy();
    let mut refill = message("A refill, please.");
    refill.category = Some("refill".into());
    let mut resting = view(&decide(policy, june(19, "09:00"), &refill, None));
    for clock in &mut resting.clocks {
        clock.record(june(19, "10:00"), Event::Pause { reason: "waiting-on-third-party".into(), until: None }, policy);
    }
    let now = june(20, "23:00");
    let flagged = decide(policy, now, &message("chest pain"), Some(&resting));
    let clock = waiting(&flagged);
    assert_eq!((clock.fold.state, clock.fold.due_at), (ClockState::Running, Some(now.plus(1800))));
    assert_eq!(clock.terms.pool, "family", "the pool for red flags answers, and is warned");
}

//! Simulations: the same messages under two policies.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::id::Reference;
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::turnaround::PauseReason;
use domain::policy::{Directory, Policy};
use domain::simulate::{Arrival, Comparison, Simulation, Totals};
use domain::time::Instant;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../docs/policy-bundle.sample.json");

fn start() -> Instant {
    "2026-06-01T09:00:00-04:00".parse().unwrap()
}

fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    let mut document: Value = serde_json::from_str(SAMPLE).unwrap();
    change(&mut document);
    let bundle = Bundle::read(&document.to_string()).unwrap();
    Policy::compile(bundle, &Directory::default(), 1, start()).unwrap()
}

/// A policy that lets each sender begin one conversation in an hour.
fn strict() -> Policy {
    policy(|bundle| {
        bundle["limits"] = json!([{
            "id": "one", "scope": "sender-new-threads", "max": 1, "window": "PT1H", "onExceed": "hold-for-review",
        }]);
    })
}

/// What somebody writes so many minutes after the start, in the conversation of that number.
fn arrival(number: usize, minute: i64, thread: usize, sender: &str, text: &str) -> Arrival {
    let sender: Reference = sender.parse().unwrap();
    let message = Message {
        patient: Some("Patient/p-1".parse().unwrap()),
        ..Message::new(format!("m-{number}").parse().unwrap(), sender, text)
    };
    Arrival { at: start().plus(minute * 60), thread: format!("t-{thread}").parse().unwrap(), message }
}

fn compared(baseline: &Policy, candidate: &Policy, arrivals: &[Arrival]) -> Comparison {
    let mut simulation = Simulation::new(baseline, candidate);
    for arrival in arrivals {
        simulation.take(arrival);
        simulation.forget(arrival.at);
    }
    simulation.finish(start().plus(60 * 86_400))
}

#[test]
fn what_a_candidate_holds_is_delivered_when_its_longest_hold_is_over_and_runs_its_clock() {
    let arrivals: Vec<_> =
        (0..3).map(|n| arrival(n, 5 + i64::try_from(n).unwrap(), n, "Patient/p-1", "Hello.")).collect();
    let (sample, strict) = (policy(|_| {}), strict());
    let found = compared(&sample, &strict, &arrivals);
    assert_eq!((found.baseline.held, found.baseline.released), (0, 0));
    assert_eq!((found.candidate.held, found.candidate.released), (2, 2));
    assert_eq!(found.candidate.thresholds["review-overdue"], 2, "nobody reviews in a simulation");
    let breaches = |side: &Totals| side.thresholds["breach"];
    assert_eq!((breaches(&found.baseline), breaches(&found.candidate)), (3, 3), "what was held is owed all the same");
}

#[test]
fn a_pause_that_ends_by_itself_ends_for_the_conversation_too() {
    let resting = |bundle: &mut Value| {
        for turnaround in bundle["turnaround"].as_array_mut().unwrap() {
            let targets = turnaround["clocks"][0]["targets"].clone();
            turnaround["clocks"].as_array_mut().unwrap().push(json!({ "id": "resolve", "starts": "thread-opened",
                "stops": "thread-resolved", "pausesWhile": ["waiting-on-patient"], "targets": targets,
                "calendar": { "of": "answering-pool" } }));
        }
    };
    let waiting = json!([{ "id": "waiting", "order": 90, "do": [{ "type": "set-priority", "value": "urgent" }],
        "when": { "field": "thread.status", "op": "eq", "value": "waiting-on-patient" } }]);
    let candidate = policy(|bundle| {
        resting(bundle);
        bundle["routing"] = waiting;
    });
    let baseline = policy(|bundle| {
        resting(bundle);
        bundle["routing"] = json!([]);
    });
    let days = |number: i64| number * 24 * 60;
    let mut asked = arrival(1, 60, 0, "Practitioner/nurse", "Which pharmacy?");
    asked.message.awaits = Some(PauseReason::WaitingOnPatient);
    let asks = [arrival(0, 0, 0, "Patient/p-1", "Hello."), asked];
    let soon = arrival(2, days(1), 0, "Patient/p-1", "This one.");
    let late = arrival(2, days(14), 0, "Patient/p-1", "This one.");
    let different = |last: Arrival| compared(&baseline, &candidate, &[&asks[..], &[last]].concat()).different;
    assert_eq!((different(soon), different(late)), (1, 0), "after five open days nobody is waited for");
}

fn arrivals() -> impl Strategy<Value = Vec<Arrival>> {
    let one = (
        0_i64..300,
        0_usize..6,
        select(vec!["Patient/p-1", "Patient/p-2", "Practitioner/nurse"]),
        select(vec!["Hello.", "My chest hurts, chest pain.", "Thanks."]),
    );
    prop::collection::vec(one, 1..25).prop_map(|all| {
        let mut minute = 0;
        let mut arrivals = Vec::new();
        for (number, (gap, thread, sender, text)) in all.into_iter().enumerate() {
            minute += gap;
            arrivals.push(arrival(number, minute, thread, sender, text));
        }
        arrivals
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn a_policy_against_itself_differs_in_nothing(arrivals in arrivals()) {
        let strict = strict();
        let found = compared(&strict, &strict, &arrivals);
        prop_assert_eq!(found.different, 0);
        prop_assert_eq!(&found.baseline, &found.candidate);
        prop_assert!(found.differences.is_empty());
        prop_assert_eq!(found.due.earlier + found.due.later + found.due.one_sided, 0);
        prop_assert_eq!(found.candidate.held, found.candidate.released, "nothing that is held is lost");
    }
}

/// Nobody knows who would have read what: that is left out of the figures, and told of the answers themselves.
#[test]
fn an_answer_whose_author_would_be_told_otherwise_differs_and_counts_no_notice() {
    let (shipped, never) =
        (policy(|_| {}), policy(|bundle| bundle["unreadByPatient"] = json!({ "otherwise": "never" })));
    let arrivals =
        [arrival(0, 5, 0, "Patient/p-1", "Hello."), arrival(1, 10, 0, "Practitioner/nurse", "Good morning.")];
    let comparison = compared(&shipped, &never, &arrivals);
    assert_eq!((comparison.different, comparison.differences.len()), (1, 1));
    assert!(comparison.differences[0].baseline.contains("nobody on the patient's side has read it"));
    assert_eq!(comparison.baseline, comparison.candidate);
    let same = compared(&shipped, &policy(|_| {}), &arrivals);
    assert_eq!((same.different, same.baseline), (0, comparison.baseline));
}

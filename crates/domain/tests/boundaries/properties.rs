//! What holds for any sequence of messages.

use domain::clock::ClockName;
use domain::id::ResourceId;
use domain::thread::Priority;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use crate::world::*;

/// One message of one of two patients: how long after the one before, in which of the threads so far, and how.
#[derive(Clone, Debug)]
struct Step {
    gap: i64,
    sender: &'static str,
    thread: Option<prop::sample::Index>,
    flagged: bool,
    priority: Option<Priority>,
    automatic: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (
        0_i64..20_000,
        select(vec![PATIENT, "RelatedPerson/mother", "Patient/other"]),
        prop::option::of(any::<prop::sample::Index>()),
        prop::bool::weighted(0.15),
        prop::option::weighted(0.2, select(vec![Priority::Urgent, Priority::Stat])),
        prop::bool::weighted(0.1),
    )
        .prop_map(|(gap, sender, thread, flagged, priority, automatic)| Step {
            gap,
            sender,
            thread,
            flagged,
            priority,
            automatic,
        })
}

fn strict() -> domain::policy::Policy {
    policy(|whole| {
        let mut urgent = limit("sender-new-threads", 2, "PT24H");
        urgent["neverBlocks"] = json!(["stat"]);
        whole["limits"] = json!([urgent, limit("sender", 4, "P3D"), limit("tenant", 9, "PT12H")]);
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_accepted_message_is_lost_and_red_flags_are_never_limited(
        steps in prop::collection::vec(step(), 1..40), blocked in any::<bool>(),
    ) {
        let mut world = World::new(strict());
        let mut now = june(15, "08:00");
        if blocked {
            world.block(now, "default", now.plus(2 * 86_400));
        }
        let mut threads: Vec<ResourceId> = vec![];
        for step in &steps {
            now = now.plus(step.gap);
            let text = if step.flagged { "there is severe bleeding" } else { "a question" };
            let mut sent = message(step.sender, text);
            sent.priority = step.priority;
            sent.marked_automatic = step.automatic;
            let thread = step.thread.as_ref().filter(|_| !threads.is_empty()).map(|place| place.get(&threads).clone());
            let decision = world.send(now, sent, thread.as_ref());
            let waits = |name| decision.clocks.iter().any(|clock| clock.name == name);
            match &decision.hold {
                Some(hold) => {
                    prop_assert!(!step.flagged, "a red flag is never held");
                    prop_assert!(hold.until > now, "it is delivered some time whatever happens");
                    prop_assert!(waits(ClockName::Review), "somebody is asked to review it");
                    prop_assert!(decision.outbox.iter().any(|row| row.recipient.as_deref() == Some(LEAD)));
                }
                None => prop_assert!(waits(ClockName::NextResponse), "somebody owes an answer"),
            }
            prop_assert!(decision.record.errors.is_empty(), "{:?}", decision.record.errors);
            threads.push(decision.thread.id.clone());
        }
        // What nobody reviews is delivered in the end, and then an answer is owed.
        for id in world.held.keys().cloned().collect::<Vec<_>>() {
            let until = world.held[&id].0.until.max(now);
            let delivered = world.expire(until, &id).unwrap();
            prop_assert!(delivered.clocks.iter().any(|clock| clock.name == ClockName::NextResponse));
        }
    }

    #[test]
    fn two_autoresponders_terminate(
        delay in 0_i64..3600, new_threads in any::<bool>(), start in 0_i64..400_000, limited in any::<bool>(),
        marked in any::<bool>(), blocked in any::<bool>(),
    ) {
        let policy = policy(|whole| {
            whole["templates"].as_array_mut().unwrap().push(json!({
                "id": "closed", "version": 1, "texts": { "en": "We are closed." },
            }));
            let replies = whole["awayReplies"].as_array_mut().unwrap();
            replies.push(json!({ "id": "closed", "when": "calendar-closed", "template": "closed" }));
            if limited {
                whole["limits"] = json!([limit("sender", 2, "PT24H")]);
            }
        });
        let mut world = World::new(policy);
        let mut now = june(15, "08:00").plus(start);
        if blocked {
            world.block(now, "default", now.plus(86_400));
        }
        let first = world.begin(now, "A question.");
        let (thread, mut reply, mut replies) = (first.thread.id, first.reply, 0);
        // The other side answers whatever it gets, in the same thread or a new one, and may not say that it is a machine.
        while reply.is_some() {
            replies += 1;
            prop_assert!(replies <= 10, "each reply is answered for ever");
            now = now.plus(delay);
            let mut away = message(PATIENT, "I am on holiday.");
            away.marked_automatic = marked;
            reply = world.send(now, away, (!new_threads).then_some(&thread)).reply;
        }
        prop_assert!(!marked || replies == 1, "what says that it is a machine gets no reply at all");
    }
}

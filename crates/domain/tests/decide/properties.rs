//! What holds for any message, whoever writes it and whenever.

use std::sync::LazyLock;

use domain::access::PatientFacts;
use domain::clock::{ClockName, Event};
use domain::decide::{Setting, fire, send, shadow};
use domain::decision::{Mode, TriedKind};
use domain::id::{Ids, ResourceId};
use domain::message::Message;
use domain::policy::Policy;
use domain::policy::turnaround::Target;
use domain::thread::Priority;
use domain::time::Instant;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

use crate::{at, compiled, decide, june, message, policy, reference, sample, view, waiting};

/// A word that no record may hold.
const CANARY: &str = "zanzibarquux";

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-zA-Z áéñ',.!?\u{a0}\u{200b}]{0,80}".prop_map(|text| format!("{text} {CANARY} {text}")),
        1 => "\\PC{0,60}".prop_map(|text| format!("{text}{CANARY}")),
        1 => (0_usize..2200).prop_map(|length| CANARY.repeat(length / CANARY.len())),
    ]
}

fn any_priority() -> impl Strategy<Value = Option<Priority>> {
    select(vec![None, Some(Priority::Routine), Some(Priority::Urgent), Some(Priority::Asap), Some(Priority::Stat)])
}

prop_compose! {
    /// Any message: of any side, with any of its members.
    fn any_message()(
        text in text(),
        sender in select(vec![
            "Patient/p-1001", "RelatedPerson/mother", "Practitioner/nurse", "PractitionerRole/dr-lee", "Device/robot",
            "Organization/lab",
        ]),
        recipients in subsequence(
            vec!["HealthcareService/family-medicine", "HealthcareService/refill-pool", "HealthcareService/other",
                "Practitioner/dr-lee", "Patient/p-1001"], 0..=3),
        category in prop::option::of(select(vec!["refill", "form", "billing", "medication-question", "unheard-of"])),
        priority in any_priority(),
        (has_payload, has_attachment, machine_generated, internal) in
            (prop::bool::weighted(0.9), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.1)),
        patient in any::<bool>(),
        age_years in prop::option::of(0_u16..120),
        tags in subsequence(vec!["complex-care".to_owned(), "vip".to_owned()], 0..=2),
        zone in prop::option::of(select(vec!["Asia/Tokyo", "Not/AZone"])),
        language in prop::option::of(select(vec!["es", "en-US", "zz"])),
    ) -> Message {
        Message {
            sender: reference(sender),
            patient: patient.then(|| reference("Patient/p-1001")),
            recipients: recipients.into_iter().map(reference).collect(),
            category: category.map(str::to_owned),
            priority,
            language: language.map(str::to_owned),
            has_payload, has_attachment, machine_generated, internal,
            facts: PatientFacts { age_years, language: None, zone: zone.map(str::to_owned), tags },
            ..message(&text)
        }
    }
}

/// Some instant of June, July, or November with its clock change.
fn any_instant() -> impl Strategy<Value = Instant> {
    (select(vec![june(1, "00:00"), june(19, "17:30"), at("2026-10-30T12:00:00Z")]), 0_i64..1_500_000)
        .prop_map(|(base, seconds)| base.plus(seconds))
}

/// Bundles that a site might try in shadow, from the mildest to one that refuses nearly everything.
fn others() -> &'static [Policy] {
    static COMPILED: LazyLock<Vec<Policy>> = LazyLock::new(|| {
        let changed = |change: fn(&mut Value)| {
            let mut whole = sample();
            whole["version"] = json!(99);
            change(&mut whole);
            compiled(&whole)
        };
        vec![
            changed(|_| {}),
            changed(|whole| whole["routing"] = json!([])),
            changed(|whole| whole["length"] = json!({"notice": 1, "limit": 2})),
            changed(|whole| whole["redFlags"]["lists"][0]["phrases"] = json!(["a", "e", "i"])),
            changed(|whole| whole["quietHours"] = json!([])),
        ]
    });
    &COMPILED
}

/// What a worker, a clinic and time do to a clock.
#[derive(Clone, Debug)]
enum Step {
    Fire,
    Pause,
    Resume,
    Due(i64),
}

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let step = prop_oneof![
        6 => Just(Step::Fire),
        1 => Just(Step::Pause),
        2 => Just(Step::Resume),
        1 => (-50_000_i64..200_000).prop_map(Step::Due),
    ];
    prop::collection::vec((0_i64..60_000, step), 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_one_turnaround_policy_governs_each_message_that_waits(message in any_message(), now in any_instant()) {
        let policy = policy();
        let Ok(decision) = send(Setting { policy, now }, &message, None, &mut Ids::new(now, 1)) else {
            return Ok(());
        };
        let tried: Vec<bool> =
            decision.record.tried.iter().filter(|tried| tried.kind == TriedKind::Turnaround).map(|tried| tried.held).collect();
        let waits = decision.clocks.iter().any(|clock| clock.name == ClockName::NextResponse);
        prop_assert_eq!(tried.iter().filter(|held| **held).count(), usize::from(waits));
        prop_assert_eq!(tried.last().copied().unwrap_or_default(), waits, "nothing is tried after the one that holds");
        prop_assert_eq!(waits, message.from_patient() && (message.has_payload || !decision.record.red_flags.is_empty()));
    }

    #[test]
    fn the_same_inputs_give_the_same_bytes_and_no_word_of_the_message_is_among_them(
        first in any_message(), second in any_message(), now in any_instant(), gap in 0_i64..300_000
    ) {
        let policy = policy();
        let later = now.plus(gap);
        let play = || {
            let setting = Setting { policy, now };
            let one = send(setting, &first, None, &mut Ids::new(now, 7)).ok()?;
            let setting = Setting { policy, now: later };
            let two = send(setting, &second, Some(&view(&one)), &mut Ids::new(later, 8)).ok();
            Some((one, two))
        };
        let played = play();
        prop_assert_eq!(&played, &play());
        for decision in played.iter().flat_map(|(one, two)| [Some(one), two.as_ref()]).flatten() {
            let record = serde_json::to_string(&decision.record).unwrap();
            prop_assert!(!record.contains(CANARY), "{}", record);
            let leaving = format!("{:?}", decision.outbox);
            prop_assert!(!leaving.contains(CANARY), "{}", leaving);
            prop_assert!(decision.reply.iter().all(|reply| !reply.text.contains(CANARY) && !reply.text.contains("{{")));
        }
    }

    #[test]
    fn a_red_flag_is_never_refused_never_quieted_and_never_slower(
        mut message in any_message(), before in any_message(), now in any_instant(), gap in 0_i64..9_000_000,
        phrase in select(vec!["chest pain", "CHEST\u{a0}PAIN", "can\u{2019}t breathe", "No puedo respirar", "overdose"]),
        continued in any::<bool>(),
    ) {
        let policy = policy();
        message.texts.push(format!("{} ,{phrase}. {}", message.body, message.body));
        message.body = message.texts[1].repeat(3);
        let later = now.plus(gap);
        let first = send(Setting { policy, now }, &before, None, &mut Ids::new(now, 7)).ok();
        let view = first.as_ref().filter(|_| continued).map(view);
        let decision = send(Setting { policy, now: later }, &message, view.as_ref(), &mut Ids::new(later, 8));
        prop_assert!(decision.is_ok(), "{:?}", decision);
        let decision = decision.unwrap();
        prop_assert!(!decision.record.red_flags.is_empty());
        if message.from_patient() {
            prop_assert!(decision.outbox.iter().all(|row| row.release_at == later));
            prop_assert_eq!(decision.thread.priority, Priority::Stat);
            prop_assert!(waiting(&decision).fold.due_at.unwrap() <= later.plus(1800));
            prop_assert!(decision.reply.is_some());
            prop_assert_eq!(decision.thread.pool.as_deref(), Some("family"));
        } else if message.machine_generated {
            prop_assert!(decision.outbox.iter().all(|row| row.release_at == later));
        }
    }

    #[test]
    fn a_bundle_in_shadow_has_no_effect_whatever_it_says(
        before in any_message(), message in any_message(), now in any_instant(), other in 0_usize..5
    ) {
        let (policy, other) = (policy(), &others()[other]);
        let sent = send(Setting { policy, now }, &before, None, &mut Ids::new(now, 1)).ok().map(|decision| view(&decision));
        let setting = Setting { policy, now: now.plus(60) };
        let mut ids = Ids::new(setting.now, 2);
        let alone = send(setting, &message, sent.as_ref(), &mut ids.clone());
        let record = shadow(Setting { policy: other, ..setting }, &message, sent.as_ref(), &mut ids.beside());
        prop_assert_eq!(&send(setting, &message, sent.as_ref(), &mut ids), &alone, "the live decision is the same");
        prop_assert_eq!((record.mode, &record.bundle), (Mode::Shadow, &other.name()));
        prop_assert!(!record.row(None).body.contains(CANARY));
        if let Ok(decision) = alone {
            let ours = |id: &ResourceId| *id == decision.record.id || decision.clocks.iter().any(|clock| clock.id == *id);
            let fresh = record.clocks.iter().filter(|clock| clock.event == "activate");
            prop_assert!(!ours(&record.id) && fresh.map(|clock| &clock.id).all(|id| !ours(id)), "no name is taken twice");
        }
    }

    #[test]
    fn each_threshold_fires_once_at_most_and_never_before_its_instant(steps in steps(), start in any_instant()) {
        let policy = policy();
        let sent = decide(policy, start, &message("A question."), None);
        let thread = view(&sent);
        let mut clock = waiting(&sent).clone();
        let mut now = start;
        let mut fired: Vec<String> = Vec::new();
        let mut breaches = 0;
        for (gap, step) in steps {
            now = now.plus(gap);
            match step {
                Step::Pause => drop(clock.record(now, Event::Pause { reason: "waiting-on-patient".into(), until: None }, policy)),
                Step::Resume => drop(clock.record(now, Event::Resume, policy)),
                Step::Due(offset) => {
                    let target = Target::Manual { due: now.plus(offset) };
                    drop(clock.record(now, Event::Retarget { target, due: None, reason: "set-due".into() }, policy));
                }
                Step::Fire => {
                    let next = clock.next.clone();
                    let outcome = fire(Setting { policy, now }, &thread, &clock, &mut Ids::new(now, 9));
                    let come = next.is_some_and(|next| next.at <= now);
                    prop_assert_eq!(outcome.is_some(), come, "it fires exactly when the next threshold has come");
                    if let Some(outcome) = outcome {
                        for firing in &outcome.firings {
                            prop_assert!(firing.at <= now && firing.fired_at == now);
                            prop_assert!(!fired.contains(&firing.threshold), "{} fired twice", firing.threshold);
                            fired.push(firing.threshold.clone());
                        }
                        breaches += outcome.ledger.iter().filter(|entry| entry.event == Event::Breach).count();
                        clock = outcome.clock;
                    }
                }
            }
        }
        prop_assert!(breaches <= 1);
        prop_assert_eq!(breaches == 1, clock.fold.breached_at.is_some());
    }
}

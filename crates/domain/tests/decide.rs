//! Decisions: what holds for any message, and the boundaries of the people concerned.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use std::sync::LazyLock;

use domain::access::PatientFacts;
use domain::clock::{Clock, ClockName, ClockState, Event};
use domain::decide::{Setting, fire, put_off, send, shadow};
use domain::decision::{Decision, Mode, TriedKind};
use domain::id::{Ids, Reference, ResourceId};
use domain::message::Message;
use domain::policy::bundle::{Bundle, QuietAudience};
use domain::policy::rule::{Condition, Fact, Field, Trace};
use domain::policy::turnaround::Target;
use domain::policy::{Directory, Policy};
use domain::store::ThreadView;
use domain::text::{Found, Phrases, Words};
use domain::thread::Priority;
use domain::time::Instant;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("../../../docs/policy-bundle.sample.json");

/// A word that no record may hold.
const CANARY: &str = "zanzibarquux";

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

#[test]
fn d1_a_notice_at_23_waits_until_the_window_ends_at_7_in_the_recipients_zone() {
    let mut whole = sample();
    whole["quietHours"][0]["shifts"] = json!([{"start": "22:00", "end": "07:00", "endsNextDay": true}]);
    let policy = compiled(&whole);
    let zone = domain::calendar::zone_named("America/Los_Angeles").unwrap();
    let quiet = |at, zone| policy.quiet_until(QuietAudience::Patient, zone, Priority::Routine, (at, at));
    let (night, morning) = (at("2026-06-19T23:00:00-07:00"), at("2026-06-20T07:00:00-07:00"));
    assert_eq!(quiet(night, Some(&zone)), morning);
    assert_eq!(quiet(june(19, "23:00"), None), june(20, "07:00"), "an unknown zone is the clinic's");
    assert_eq!(quiet(morning, Some(&zone)), morning, "the end of a window is outside it");
}

#[test]
fn d5_whoever_moves_during_the_hold_is_told_when_it_is_no_longer_quiet_where_they_are() {
    let policy = policy();
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let mut answer = message("Twice a day.");
    answer.sender = reference("Practitioner/nurse");
    let answered = decide(policy, june(19, "22:00"), &answer, Some(&view(&sent)));
    let row = answered.outbox.iter().find(|row| row.recipient.as_deref() == Some("Patient/p-1001")).unwrap();
    let morning = june(20, "08:00");
    assert_eq!(row.release_at, morning);
    assert_eq!(put_off(policy, &answered.thread, row, morning), None, "who has stayed is told");
    let mut thanks = message("Thank you.");
    let told = |zone: &str, message: &mut Message| {
        message.facts.zone = Some(zone.to_owned());
        decide(policy, june(19, "23:00"), message, Some(&view(&answered))).thread
    };
    let west = told("America/Los_Angeles", &mut thanks);
    let released = june(20, "11:00");
    assert_eq!(put_off(policy, &west, row, morning), Some(released), "8 in the morning where they are now");
    assert_eq!(put_off(policy, &west, row, released), None, "the longest hold is over, and the window too");
    let east = told("Europe/Lisbon", &mut thanks);
    assert_eq!(put_off(policy, &east, row, morning), None, "never earlier than the first window's end");
    assert_eq!(told("Mars/Olympus", &mut thanks).zone, None, "a zone that nobody knows says nothing");
}

#[test]
fn a_notice_whose_worker_comes_late_waits_for_the_next_morning_or_opening() {
    let policy = policy();
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let now = june(23, "12:00");
    let fired = fire(Setting { policy, now }, &view(&sent), waiting(&sent), &mut Ids::new(now, 2)).unwrap();
    let row = fired.outbox.iter().find(|row| row.recipient.is_some()).unwrap();
    let thread = &sent.thread;
    assert_eq!(put_off(policy, thread, row, row.release_at), None);
    assert_eq!(put_off(policy, thread, row, june(23, "23:00")), Some(june(24, "08:00")), "the team sleeps");
    assert_eq!(put_off(policy, thread, row, june(27, "12:00")), Some(june(29, "08:00")), "over a weekend too");
}

#[test]
fn d6_a_stat_message_is_told_in_quiet_hours() {
    let policy = policy();
    let night = june(19, "23:00");
    let quiet = |priority| policy.quiet_until(QuietAudience::Patient, None, priority, (night, night));
    assert_eq!(quiet(Priority::Stat), night);
    assert_eq!(quiet(Priority::Routine), june(20, "08:00"));
    let sent = decide(policy, june(19, "09:00"), &message("A question."), None);
    let mut answer = message("Come in at once.");
    answer.sender = reference("Practitioner/nurse");
    for (priority, released) in [(Some(Priority::Stat), night), (None, june(20, "08:00"))] {
        answer.priority = priority;
        let answered = decide(policy, night, &answer, Some(&view(&sent)));
        let told = answered.outbox.iter().find(|row| row.recipient.as_deref() == Some("Patient/p-1001")).unwrap();
        assert_eq!(told.release_at, released, "{priority:?}");
        let passed = answered.record.effects.iter().find(|effect| effect.kind == "quiet-hours");
        let named = passed.map(|effect| (effect.what.as_str(), effect.suppressed.as_deref().unwrap()));
        let bypass = policy.bundle.quiet_hours.iter().find(|quiet| quiet.audience == QuietAudience::Patient).unwrap();
        assert_eq!(named, priority.map(|_| (bypass.id.as_str(), "its urgency is stat")), "which was passed, and why");
    }
}

#[test]
fn windows_of_two_entries_that_touch_are_waited_for_as_one() {
    let mut whole = sample();
    let entry = |id: &str, start: &str, end: &str| json!({"id": id, "audience": "patient", "windowsIn": "clinic-timezone", "shifts": [{"start": start, "end": end}]});
    whole["quietHours"] = json!([entry("supper", "18:00", "20:00"), entry("evening", "20:00", "22:00")]);
    let policy = compiled(&whole);
    let quiet = |at| policy.quiet_until(QuietAudience::Patient, None, Priority::Routine, (at, at));
    assert_eq!(quiet(june(19, "19:00")), june(19, "22:00"));
}

/// Zones, and dates on which their clocks change.
const CLOCK_CHANGES: &[(&str, &str)] = &[
    ("UTC", "2026-06-19"),
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Africa/Cairo", "2026-04-24"),
    ("America/Havana", "2026-11-01"),
    ("America/Santiago", "2026-09-06"),
    ("Australia/Lord_Howe", "2026-04-05"),
    ("Antarctica/Troll", "2026-03-29"),
    ("Pacific/Apia", "2011-12-30"),
];

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

/// A fact of every kind for some fields, none for others.
fn facts<'a>(field: Field, tags: &'a [String], found: &'a Found) -> Option<Fact<'a>> {
    match field {
        Field::MessageCategory => Some(Fact::Text("refill".into())),
        Field::MessageTextLength => Some(Fact::Number(120)),
        Field::CalendarOpen => Some(Fact::Flag(true)),
        Field::PatientTag => Some(Fact::List(tags)),
        Field::MessageText => Some(Fact::Words(found)),
        _ => None,
    }
}

/// Any condition that can be read, whether its tests make sense or not.
fn any_condition() -> impl Strategy<Value = Value> {
    let fields = vec![
        "message.category",
        "message.textLength",
        "calendar.open",
        "patient.tag",
        "message.text",
        "patient.ageYears",
        "thread.owner",
        "recipient.absent",
    ];
    let ops = vec!["eq", "ne", "in", "lt", "le", "gt", "ge", "contains", "anyWord", "is"];
    let value = prop_oneof![
        select(vec!["refill", "a", "", "chest"]).prop_map(|text| json!(text)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(|flag| json!(flag)),
        subsequence(vec!["refill", "a", "", "chest hurts"], 0..=4).prop_map(|list| json!(list)),
    ];
    let test = (select(fields), select(ops), value)
        .prop_map(|(field, op, value)| json!({"field": field, "op": op, "value": value}));
    test.prop_recursive(6, 60, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|all| json!({"all": all})),
            prop::collection::vec(inner.clone(), 0..4).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
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
    fn any_condition_comes_to_an_answer_and_unknown_facts_are_noted(written in any_condition()) {
        let condition: Condition = serde_json::from_value(written.clone()).unwrap();
        prop_assert_eq!(&serde_json::to_value(&condition).unwrap(), &written);
        let mut trace = Trace::default();
        let phrases = Phrases::new(condition.phrases().iter().map(String::as_str));
        let (tags, found) = (["a".to_owned()], phrases.found_in(&Words::of("my chest hurts")));
        let ready = condition.ready(&phrases);
        let facts = |field| facts(field, &tags, &found);
        let held = ready.holds(&facts, &mut trace);
        prop_assert!(condition.constant().is_none_or(|constant| Some(constant) == held));
        prop_assert!(trace.unknown.iter().all(|field| facts(*field).is_none()));
        let mut nothing_known = Trace::default();
        ready.holds(&|_| None, &mut nothing_known);
        let mut faultless = true;
        condition.tests("", &mut |_, test| faultless &= test.fault().is_none());
        let mut inner = Vec::new();
        condition.tests("/when", &mut |pointer, _| inner.push(pointer.to_owned()));
        let whole = json!({"when": written});
        prop_assert!(inner.iter().all(|pointer| whole.pointer(pointer).is_some_and(|node| node.get("field").is_some())));
        prop_assert!(nothing_known.unknown.len() <= inner.len() && (faultless || !inner.is_empty()));
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

    #[test]
    fn a_notice_leaves_at_the_first_moment_outside_quiet_hours_or_at_the_longest_hold(
        (zone, changes) in select(CLOCK_CHANGES.to_vec()),
        windows in prop::collection::vec((0_u32..1440, 1_u32..1000), 1..4), hold in 1_i64..30, minute in 0_i64..6000,
    ) {
        let length = |(start, length): &(u32, u32)| (*start, (*start + *length).min(*start + 1439));
        let midnight = at(&format!("{changes}T00:00:00Z")).plus(-2 * 86_400);
        let zone = domain::calendar::zone_named(zone).unwrap();
        // A window begins and ends when the clock first shows it: what it shows again, or skips, has been.
        let mut furthest = i64::MIN;
        let shown: Vec<i64> = (-1440..9000).map(|minute| {
            let now = midnight.plus(minute * 60);
            furthest = furthest.max((now.as_second() + i64::from(zone.to_offset(now.timestamp()).seconds())) / 60);
            furthest
        }).collect();
        let in_window = |minute: i64| {
            let of_day = u32::try_from(minute.rem_euclid(1440)).unwrap();
            windows.iter().map(length).any(|(start, end)| (start..end).contains(&of_day) || (start..end).contains(&(of_day + 1440)))
        };
        let quiet_at = |minute: i64| in_window(shown[usize::try_from(minute + 1440).unwrap()]);
        prop_assume!((0..1440).any(|minute| !in_window(minute)));
        let wall = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
        let shifts: Vec<Value> = windows.iter().map(length).map(|(start, end)| {
            let next = end > 1440;
            json!({"start": wall(start), "end": wall(if next { end - 1440 } else { end }), "endsNextDay": next})
        }).collect();
        let mut whole = sample();
        whole["quietHours"] = json!([{
            "id": "q", "audience": "patient", "windowsIn": "recipient-timezone", "shifts": shifts, "maxHold": format!("PT{hold}H"),
        }]);
        let policy = compiled(&whole);
        let now = midnight.plus(minute * 60);
        let released = policy.quiet_until(QuietAudience::Patient, Some(&zone), Priority::Routine, (now, now));
        let until = released.since(midnight) / 60;
        prop_assert!((minute..until).all(quiet_at), "an earlier moment was outside");
        prop_assert!(!quiet_at(until) || until - minute >= hold * 60, "neither outside nor held long enough");
        prop_assert!(quiet_at(minute) || released == now);
    }
}

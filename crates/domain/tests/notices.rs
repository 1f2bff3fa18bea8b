//! What is told beside an answer: marks for the team, notices for the sender, and when whom a threshold tells is told.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::calendar::CalendarSpec;
use domain::clock::{Clock, ClockName};
use domain::decide::{Actor, Fired, RouteReason, Setting, assign, claim, fire, open, overrule, put_off, route, send};
use domain::decision::{Decision, Outcome, SenderNotice};
use domain::id::{Ids, Reference, Version};
use domain::message::Message;
use domain::overrides::{Override, OverrideKind, OverrideReason};
use domain::policy::bundle::Bundle;
use domain::policy::people::Role;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy, ServiceHours};
use domain::store::ThreadView;
use domain::thread::{NEEDS_REVIEW, VISIT_SUGGESTED};
use domain::time::Instant;
use serde_json::{Value, json};

const PATIENT: &str = "Patient/p-1001";
const PROXY: &str = "RelatedPerson/mother";
const NURSE: &str = "Practitioner/nurse";
const POOL: &str = "HealthcareService/default";

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in the summer of 2026; the 19th of June is a Friday.
fn june(day: u8, time: &str) -> Instant {
    format!("2026-06-{day:02}T{time}:00-04:00").parse().unwrap()
}

/// The default bundle with two pools, led and supervised, changed.
fn bundle(change: impl FnOnce(&mut Value)) -> Bundle {
    let mut whole: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    let pool = |id: &str| {
        json!({ "id": id, "reference": format!("HealthcareService/{id}"), "leads": ["Practitioner/lead"],
            "supervisors": "HealthcareService/night", "calendar": "clinic" })
    };
    whole["pools"] = json!([pool("default"), pool("other")]);
    change(&mut whole);
    Bundle::read(&whole.to_string()).unwrap()
}

fn policy(change: impl FnOnce(&mut Value)) -> Policy {
    compiled(&bundle(change), &Directory::default())
}

fn compiled(bundle: &Bundle, directory: &Directory) -> Policy {
    Policy::compile(bundle.clone(), directory, 1, june(1, "00:00")).unwrap()
}

/// The clocks of everything else warn at half of their time, and do nothing else.
fn at_half(whole: &mut Value, actions: &Value) {
    let fallback =
        whole["turnaround"].as_array_mut().unwrap().iter_mut().find(|one| one.get("when").is_none()).unwrap();
    for clock in fallback["clocks"].as_array_mut().unwrap() {
        let due = json!({ "id": "breach", "at": { "due": true }, "do": [{ "type": "notify", "to": "pool-lead" }] });
        let is_next = clock["id"] == "next-response";
        let half = json!({ "id": "half", "at": { "percent": 50 }, "do": actions });
        clock["thresholds"] = if is_next { json!([half, due]) } else { json!([]) };
    }
}

fn message(sender: &str, text: &str) -> Message {
    Message {
        patient: Some(reference(PATIENT)),
        recipients: vec![reference(POOL)],
        ..Message::new("m1".parse().unwrap(), reference(sender), text)
    }
}

fn answer(text: &str) -> Message {
    Message { recipients: vec![reference(PATIENT)], ..message(NURSE, text) }
}

fn sent(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> (Decision, ThreadView) {
    let seed = u128::try_from(now.as_second()).unwrap();
    let decision = send(Setting { policy, now }, message, view, &mut Ids::new(now, seed)).unwrap();
    let view = ThreadView::after(view, &decision);
    (decision, view)
}

fn waiting(view: &ThreadView) -> &Clock {
    view.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap()
}

fn fired(policy: &Policy, now: Instant, view: &ThreadView) -> Fired {
    fire(Setting { policy, now }, view, waiting(view), &mut Ids::new(now, 7)).unwrap()
}

#[test]
fn what_needs_review_is_marked_on_its_task_until_a_person_of_the_team_has_looked() {
    let mut policy = policy(|_| {});
    policy.degraded = Some("the bundle in force cannot be used".into());
    let (first, view) = sent(&policy, june(19, "09:00"), &message(PATIENT, "Refill?"), None);
    assert_eq!(
        (first.record.outcome, first.tasks[0].marks.as_slice()),
        (Outcome::NeedsReview, &[NEEDS_REVIEW.into()][..])
    );
    let (person, pools) = (reference(NURSE), [reference(POOL)]);
    let now = june(19, "10:00");
    let setting = Setting { policy: &policy, now };
    let ids = || Ids::new(now, 5);
    let actor = Actor { person: Some(&person), pools: &pools, administrator: false };
    let waive = Override {
        kind: OverrideKind::NoReplyNeeded,
        reason: OverrideReason::ThanksOnly,
        amount: None,
        due: None,
        until: None,
        sender: None,
        note: None,
    };
    let to = policy.pool("other").unwrap();
    let looked = [
        claim(setting, &view, Some(&person), &pools, &mut ids()).unwrap(),
        open(setting, &view, actor, &mut ids()).unwrap(),
        route(setting, &view, to, RouteReason::WrongPool, actor, &mut ids()).unwrap(),
        assign(setting, &view, (&person, RouteReason::Workload), actor, &mut ids()).unwrap(),
        overrule(setting, &view, &waive, actor, &mut ids()).unwrap(),
        sent(&policy, now, &answer("Done."), Some(&view)).0,
    ];
    for decision in looked {
        let outcome = decision.record.outcome;
        assert!(!decision.thread.needs_review, "{outcome:?}");
        let task = decision.tasks.iter().find(|task| Some(&task.id) == view.thread.task.as_ref());
        assert_eq!(task.unwrap().marks, [""; 0], "{outcome:?}: the Task says so too");
        assert_eq!(decision.thread.revision, view.thread.revision + 1, "{outcome:?}");
    }
    // Whoever says once more that they have opened it changes nothing.
    let opened = open(setting, &view, actor, &mut ids()).unwrap();
    let after = ThreadView::after(Some(&view), &opened);
    assert!(open(setting, &after, actor, &mut ids()).unwrap().clocks.is_empty());
}

#[test]
fn a_visit_is_suggested_to_both_sides_from_the_third_message_or_by_a_rule() {
    let policy = policy(|whole| {
        whole["routing"] = json!([{ "id": "imaging", "order": 1,
            "when": { "field": "message.text", "op": "anyWord", "value": ["MRI"] }, "do": [{ "type": "suggest-visit" }] }]);
    });
    let told = |decision: &Decision| decision.record.sender_notices().collect::<Vec<_>>();
    let (first, mut view) = sent(&policy, june(19, "09:00"), &message(PATIENT, "One."), None);
    assert_eq!((told(&first), first.record.outcome), (vec![], Outcome::Delivered));
    let (second, after) = sent(&policy, june(19, "09:10"), &message(PATIENT, "Two."), Some(&view));
    assert!(told(&second).is_empty() && second.tasks[0].marks.is_empty());
    view = after;
    for hour in ["09:20", "09:30"] {
        let (more, after) = sent(&policy, june(19, hour), &message(PATIENT, "Three: an MRI?"), Some(&view));
        assert_eq!(told(&more), [SenderNotice::VisitSuggested], "the sender, once in a message");
        assert_eq!(more.tasks[0].marks, [VISIT_SUGGESTED], "the team, once in a conversation");
        assert_eq!(more.record.outcome, Outcome::DeliveredWithNotice);
        assert!(more.reply.is_none(), "it is no second reply");
        view = after;
    }
    let (by_rule, _) = sent(&policy, june(19, "10:00"), &message(PATIENT, "When is my MRI?"), None);
    assert_eq!(
        (told(&by_rule), by_rule.thread.tags),
        (vec![SenderNotice::VisitSuggested], vec![VISIT_SUGGESTED.into()])
    );
}

#[test]
fn the_bundle_that_ships_suggests_a_visit_for_what_is_better_seen() {
    let policy = policy(|_| {});
    let told = |category: &str, text: &str| {
        let asked = Message { category: Some(category.into()), ..message(PATIENT, text) };
        sent(&policy, june(19, "09:00"), &asked, None).0.record.sender_notices().next()
    };
    for (category, text) in [
        ("form", "Please sign this."),
        ("referral", "An eye doctor, please."),
        ("other", "I have a NEW PROBLEM with my knee."),
        ("medication-question", "Could I get a new medication?"),
        ("test-result", "When is my MRI?"),
        ("other", "Tengo un nuevo sintoma."),
    ] {
        assert_eq!(told(category, text), Some(SenderNotice::VisitSuggested), "{category}: {text}");
    }
    for (category, text) in [("refill", "Five are left."), ("appointment", "Is Monday free?"), ("other", "No problem.")]
    {
        assert_eq!(told(category, text), None, "{category}: {text}");
    }
}

#[test]
fn whoever_writes_at_length_is_told_and_nothing_is_blocked() {
    let policy = policy(|_| {});
    let told = |decision: &Decision| decision.record.sender_notices().collect::<Vec<_>>();
    let (short, view) = sent(&policy, june(19, "09:00"), &message(PATIENT, &"a".repeat(1000)), None);
    assert!(told(&short).is_empty());
    let (long, _) = sent(&policy, june(19, "09:00"), &message(PATIENT, &"a".repeat(1001)), None);
    assert_eq!(told(&long), [SenderNotice::MessageLong]);
    let (brief, _) = sent(&policy, june(19, "10:00"), &answer(&"word ".repeat(60)), Some(&view));
    assert!(told(&brief).is_empty());
    let (wordy, _) = sent(&policy, june(19, "10:00"), &answer(&"word ".repeat(61)), Some(&view));
    assert_eq!(told(&wordy), [SenderNotice::ReplyLong]);
    assert!(wordy.clocks.iter().all(|clock| clock.fold.stopped_at.is_some()), "it is an answer like any other");
}

#[test]
fn a_threshold_tells_the_author_and_the_patient_outside_their_own_quiet_hours() {
    let policy = policy(|whole| {
        at_half(whole, &json!([{ "type": "notify", "to": "author" }, { "type": "notify", "to": "patient" }]));
        // Written Friday at 8, half of it has passed on Monday at 14:30, which is half past 8 in the evening in Kyiv.
    });
    let mut asked = message(PROXY, "Refill?");
    asked.facts.zone = Some("Europe/Kyiv".into());
    let (_, view) = sent(&policy, june(19, "08:00"), &asked, None);
    let half = waiting(&view).next.as_ref().unwrap().at;
    let night = half.max(june(22, "14:30"));
    let fired = fired(&policy, night, &view);
    let rows: Vec<_> = fired.outbox.iter().filter(|row| row.recipient.is_some()).collect();
    let told: Vec<&str> = rows.iter().filter_map(|row| row.recipient.as_deref()).collect();
    assert_eq!(told, [PROXY, PATIENT], "the author is who wrote");
    for row in rows {
        assert_eq!(row.release_at, june(23, "01:00"), "eight in the morning where they are");
        let evening = june(22, "18:00");
        assert_eq!(put_off(&policy, &view.thread, row, evening), Some(june(23, "01:00")), "looked at again");
    }
}

#[test]
fn a_threshold_may_tell_a_patient_at_once_and_the_pool_where_no_patient_is_known() {
    let policy = policy(|whole| at_half(whole, &json!([{ "type": "notify", "to": "patient" }])));
    let unknown = Message { patient: None, ..message("RelatedPerson/somebody", "Hello?") };
    let (_, view) = sent(&policy, june(19, "08:00"), &unknown, None);
    let half = waiting(&view).next.as_ref().unwrap().at;
    let told = fired(&policy, half, &view);
    let to: Vec<_> = told.outbox.iter().filter_map(|row| row.recipient.clone()).collect();
    assert_eq!(to, [POOL]);
}

/// Hours of the clinic's zone, every day.
fn hours(start: &str, end: &str) -> CalendarSpec {
    serde_json::from_value(json!({ "id": "own", "timezone": "America/New_York", "weekly": [
        { "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "shifts": [{ "start": start, "end": end }] }
    ] }))
    .unwrap()
}

#[test]
fn what_waits_for_an_opening_waits_for_that_of_whom_it_is_for() {
    let lead = Role {
        reference: reference("PractitionerRole/lead"),
        version: Version::FIRST,
        practitioner: Some(reference("Practitioner/lead")),
        services: vec![reference(POOL)],
        from: None,
        until: None,
        calendar: Some(hours("13:00", "16:00")),
    };
    let night = ServiceHours {
        reference: reference("HealthcareService/night"),
        version: Version::FIRST,
        name: None,
        calendar: Some(hours("17:00", "24:00")),
    };
    let directory = Directory { roles: vec![lead], services: vec![night], ..Directory::default() };
    let bundle = bundle(|whole| {
        whole["quietHours"] = json!([]);
        let told = ["pool", "pool-lead", "supervisors"].map(|to| json!({ "type": "notify", "to": to }));
        at_half(whole, &json!(told));
    });
    let policy = compiled(&bundle, &directory);
    let (_, view) = sent(&policy, june(17, "08:00"), &message(PATIENT, "Refill?"), None);
    let now = waiting(&view).next.as_ref().unwrap().at.max(june(19, "09:00"));
    let fired = fired(&policy, now, &view);
    let leaves = |to: &str| {
        let row = fired.outbox.iter().find(|row| row.recipient.as_deref() == Some(to)).unwrap();
        assert_eq!(put_off(&policy, &view.thread, row, row.release_at), None, "{to}");
        let asleep = june(20, "03:00");
        (row.release_at, put_off(&policy, &view.thread, row, asleep).unwrap())
    };
    assert_eq!(leaves(POOL), (now, june(22, "08:00")), "the pool is open, and closed on Saturday");
    assert_eq!(leaves("Practitioner/lead"), (june(19, "13:00"), june(20, "13:00")));
    assert_eq!(leaves("HealthcareService/night"), (june(19, "17:00"), june(20, "17:00")));
}

#[test]
fn a_threshold_marks_a_conversation_and_lets_another_pool_answer() {
    let policy = policy(|whole| {
        at_half(whole, &json!([{ "type": "add-tag", "value": "slow" }, { "type": "route-to-pool", "to": "other" }]));
        let fallback = whole["turnaround"].as_array_mut().unwrap().last_mut().unwrap();
        let targets = fallback["clocks"][0]["targets"].clone();
        fallback["clocks"].as_array_mut().unwrap().push(json!({ "id": "team", "starts": "handed-to-pool",
            "stops": "human-reply", "calendar": { "of": "answering-pool" }, "targets": targets }));
    });
    let (_, view) = sent(&policy, june(19, "08:00"), &message(PATIENT, "Refill?"), None);
    let before = waiting(&view).clone();
    let now = before.next.as_ref().unwrap().at;
    let done = fired(&policy, now, &view);
    let thread = done.thread.as_ref().unwrap();
    assert_eq!((thread.pool.as_deref(), thread.tags.as_slice()), (Some("other"), &["slow".to_owned()][..]));
    assert_eq!((thread.revision, done.clock.revision), (view.thread.revision + 1, before.revision + 1));
    assert_eq!(
        (&done.clock.fold.due_at, done.clock.promised_at, done.clock.terms.pool.as_str()),
        (&before.fold.due_at, before.promised_at, "other"),
        "handing over resets nothing"
    );
    let names: Vec<ClockName> = done.beside.iter().map(|clock| clock.name).collect();
    assert_eq!(names, [ClockName::FirstOpened, ClockName::Team], "and the new team is measured from now on");
    assert_eq!(done.tasks[0].pool, Some(reference("HealthcareService/other")));
    assert_eq!(done.tasks[0].marks, ["slow"]);
    let told: Vec<_> =
        done.outbox.iter().filter_map(|row| Some((row.topic.as_str(), row.recipient.as_deref()?))).collect();
    assert_eq!(told, [("handed-over", "HealthcareService/other")]);
    assert_eq!(done.record.pool.as_deref(), Some("other"));
    // What has fired once does so no more.
    let mut after = ThreadView { thread: thread.clone(), ..view };
    after.clocks = done.beside.iter().cloned().chain([done.clock.clone()]).collect();
    assert!(fire(Setting { policy: &policy, now }, &after, &done.clock, &mut Ids::new(now, 8)).is_none());
}

#[test]
fn a_bundle_comes_into_force_when_it_says_unless_somebody_says_later() {
    let (from, until, now) = (june(10, "00:00"), june(20, "00:00"), june(1, "00:00"));
    let effective =
        bundle(|whole| whole["effective"] = json!({ "from": from.to_string(), "until": until.to_string() }));
    assert_eq!(effective.comes_into_force(None, now), Ok(from));
    assert_eq!(effective.comes_into_force(None, june(12, "00:00")), Ok(june(12, "00:00")));
    assert_eq!(effective.comes_into_force(Some(june(15, "00:00")), now), Ok(june(15, "00:00")));
    let refused = |asked, now| effective.comes_into_force(asked, now).unwrap_err().pointer;
    assert_eq!(refused(Some(june(9, "00:00")), now), "/effective/from");
    assert_eq!(refused(Some(until), now), "/effective/until");
    assert_eq!(refused(None, until), "/effective/until");
    let always = bundle(|_| {});
    assert_eq!(always.comes_into_force(None, now), Ok(now));
}

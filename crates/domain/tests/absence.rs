//! Absences: to whom a message goes while somebody is away, who is told, and that covers end.

#![expect(clippy::unwrap_used, reason = "what a test has written itself is well-formed, or the test must fail")]

use domain::absence::{Absence, AbsenceReason, AbsenceSource, faults, may_declare};
use domain::clock::ClockName;
use domain::decide::{Attendance, Refusal, Setting, claim, fire, released, send};
use domain::decision::Decision;
use domain::id::{Ids, Reference, Version};
use domain::message::Message;
use domain::policy::bundle::Bundle;
use domain::policy::people::{MAX_COVERS, Member, Role, Team};
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::store::ThreadView;
use domain::time::Instant;
use proptest::prelude::*;
use serde_json::{Value, json};

const POOL: &str = "HealthcareService/family";

fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// The instant of a wall time in New York in June 2026; the 22nd is a Monday.
fn june(day: u8, time: &str) -> Instant {
    at(&format!("2026-06-{day:02}T{time}:00-04:00"))
}

fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

/// The default bundle with two pools of which one is led by `Practitioner/lead`, and with `members`.
fn bundle(members: &Value) -> Bundle {
    let mut document: Value = serde_json::from_str(DEFAULT_BUNDLE).unwrap();
    document["pools"] = json!([
        {"id": "default", "reference": "HealthcareService/default", "leads": [], "calendar": "clinic"},
        {"id": "family", "reference": POOL, "leads": ["Practitioner/lead"], "supervisors": "Practitioner/chief",
         "calendar": "clinic"},
    ]);
    for (name, value) in members.as_object().unwrap() {
        document[name] = value.clone();
    }
    Bundle::read(&document.to_string()).unwrap()
}

fn role(id: &str, practitioner: &str, service: &str) -> Role {
    Role {
        reference: reference(&format!("PractitionerRole/{id}")),
        version: Version::FIRST,
        practitioner: Some(reference(practitioner)),
        services: vec![reference(service)],
        from: None,
        until: None,
        calendar: None,
    }
}

/// Dr Lee, Ray, Kim and Ola, all of the family pool.
fn roles() -> Vec<Role> {
    ["lee", "ray", "kim", "ola"].map(|name| role(name, &format!("Practitioner/{name}"), POOL)).to_vec()
}

fn away(person: &str, (from, until): (Instant, Instant), cover: Option<&str>) -> Absence {
    Absence {
        id: format!("{}-{}", person.replace('/', "-"), from.as_second()).parse().unwrap(),
        person: reference(person),
        from,
        until,
        cover: cover.map(reference),
        reason: AbsenceReason::Vacation,
        source: AbsenceSource::Api,
    }
}

/// A week from Monday the 22nd.
fn week() -> (Instant, Instant) {
    (june(22, "00:00"), june(27, "00:00"))
}

fn compiled(members: &Value, absences: Vec<Absence>) -> Policy {
    let directory = Directory { roles: roles(), absences, ..Directory::default() };
    Policy::compile(bundle(members), &directory, 1, june(1, "00:00")).unwrap()
}

fn policy(absences: Vec<Absence>) -> Policy {
    compiled(&json!({}), absences)
}

fn message(to: &[&str]) -> Message {
    Message {
        patient: Some(reference("Patient/p-1001")),
        recipients: to.iter().map(|to| reference(to)).collect(),
        ..Message::new("m1".parse().unwrap(), reference("Patient/p-1001"), "A question.")
    }
}

fn decide(policy: &Policy, now: Instant, message: &Message, view: Option<&ThreadView>) -> Decision {
    send(Setting { policy, now }, message, view, &mut Ids::new(now, 1)).unwrap()
}

fn told(decision: &Decision) -> Vec<String> {
    decision.outbox.iter().filter_map(|row| row.recipient.clone()).collect()
}

#[test]
fn a_message_to_a_person_goes_to_their_pool_with_them_asked_to_answer() {
    let policy = policy(vec![]);
    for to in ["Practitioner/lee", "PractitionerRole/lee"] {
        let sent = decide(&policy, june(22, "09:00"), &message(&[to]), None);
        assert_eq!(sent.thread.pool.as_deref(), Some("family"));
        assert_eq!(sent.thread.assigned.as_ref().unwrap().to_string(), to);
        assert_eq!(sent.thread.owner, None, "nobody has claimed it");
        assert_eq!(sent.tasks[0].owner.as_ref().unwrap().to_string(), to);
        assert_eq!(told(&sent), [to]);
    }
    let lead = decide(&policy, june(22, "09:00"), &message(&["Practitioner/lead"]), None);
    assert_eq!(lead.thread.pool.as_deref(), Some("family"), "whoever leads a pool is written to there");
}

#[test]
fn a_message_to_somebody_unknown_goes_to_the_clinics_default() {
    let sent = decide(&policy(vec![]), june(22, "09:00"), &message(&["Practitioner/stranger"]), None);
    assert_eq!((sent.thread.pool.as_deref(), &sent.thread.assigned), (Some("default"), &None));
    assert!(sent.record.path.iter().any(|step| step.contains("does not answer")), "{:?}", sent.record.path);
}

#[test]
fn a_message_to_somebody_who_is_away_goes_to_the_cover_and_the_record_says_how() {
    let absences = vec![
        away("Practitioner/lee", week(), Some("Practitioner/ray")),
        away("PractitionerRole/ray", week(), Some("Practitioner/kim")),
    ];
    let sent = decide(&policy(absences), june(22, "09:00"), &message(&["Practitioner/lee"]), None);
    assert_eq!(sent.thread.assigned, Some(reference("Practitioner/kim")));
    assert_eq!(told(&sent), ["Practitioner/kim"]);
    let expected = [
        "recipient's pool: family",
        "person: Practitioner/lee",
        "absent: Practitioner/lee",
        "cover: Practitioner/ray",
        "absent: Practitioner/ray",
        "cover: Practitioner/kim",
    ];
    assert_eq!(sent.record.path, expected);
}

#[test]
fn without_a_cover_who_may_answer_the_pool_has_the_message() {
    let circle = vec![
        away("Practitioner/lee", week(), Some("Practitioner/ray")),
        away("Practitioner/ray", week(), Some("PractitionerRole/lee")),
    ];
    let stranger = vec![away("Practitioner/lee", week(), Some("Practitioner/stranger"))];
    let long = vec![
        away("Practitioner/lee", week(), Some("Practitioner/ray")),
        away("Practitioner/ray", week(), Some("Practitioner/kim")),
        away("Practitioner/kim", week(), Some("Practitioner/ola")),
        away("Practitioner/ola", week(), Some("Practitioner/lead")),
    ];
    for absences in [vec![away("Practitioner/lee", week(), None)], circle, stranger, long] {
        let sent = decide(&policy(absences.clone()), june(22, "09:00"), &message(&["Practitioner/lee"]), None);
        assert_eq!((sent.thread.pool.as_deref(), &sent.thread.assigned), (Some("family"), &None), "{absences:?}");
        assert_eq!(told(&sent), [POOL], "the pool is told: {absences:?}");
        assert_eq!(sent.record.path.last().unwrap(), "pool: family");
    }
}

#[test]
fn a_person_with_two_roles_is_away_from_the_pool_of_the_one_that_is() {
    let mut roles = roles();
    roles.push(role("lee-default", "Practitioner/lee", "HealthcareService/default"));
    let absences = vec![away("PractitionerRole/lee", week(), None)];
    let directory = Directory { roles, absences, ..Directory::default() };
    let policy = Policy::compile(bundle(&json!({})), &directory, 1, june(1, "00:00")).unwrap();
    let lee = reference("Practitioner/lee");
    let now = june(22, "09:00");
    assert!(policy.people().away(&lee, &reference(POOL), now).is_some());
    assert!(policy.people().away(&lee, &reference("HealthcareService/default"), now).is_none());
    let sent = decide(&policy, now, &message(&["HealthcareService/default", "Practitioner/lee"]), None);
    assert_eq!(sent.thread.assigned, Some(lee));
}

#[test]
fn the_members_of_a_team_answer_for_the_pool_that_it_is_and_for_no_other() {
    let member = |person: &str, until| Member { person: reference(person), from: None, until };
    let team = |id: &str| Team {
        reference: reference(&format!("CareTeam/{id}")),
        name: Some(id.to_owned()),
        members: vec![member("PractitionerRole/kim", None), member("Practitioner/ola", Some(june(22, "12:00")))],
    };
    let pools = json!({"pools": [
        {"id": "default", "reference": "HealthcareService/default", "leads": [], "calendar": "clinic"},
        {"id": "team", "reference": "CareTeam/night", "leads": [], "calendar": "clinic"},
    ]});
    let teams = vec![team("night"), team("elsewhere")];
    let absences = vec![away("Practitioner/kim", week(), None), away("PractitionerRole/ola", week(), None)];
    let directory = |absences| Directory { roles: roles(), teams: teams.clone(), absences, ..Directory::default() };
    let compiled = |absences| Policy::compile(bundle(&pools), &directory(absences), 1, june(1, "00:00")).unwrap();
    let policy = compiled(vec![]);
    let pool = policy.pool("team").unwrap();
    assert_eq!(pool.name.as_deref(), Some("night"));
    let of = |who: &str, at| policy.pools_of(&[], Some(&reference(who)), at);
    let morning = june(22, "09:00");
    let night = reference("CareTeam/night");
    for who in ["Practitioner/kim", "PractitionerRole/kim", "Practitioner/ola", "PractitionerRole/ola"] {
        assert!(of(who, morning).contains(&night), "{who}");
        assert!(policy.people().belongs(&reference(who), pool, morning), "{who}");
    }
    let elsewhere = reference("CareTeam/elsewhere");
    assert!(!of("Practitioner/kim", morning).contains(&elsewhere), "no pool of the policy");
    assert!(!of("Practitioner/ola", june(22, "12:00")).contains(&night), "it has ended");
    assert!(!of("Practitioner/ray", morning).contains(&night));
    assert_eq!(policy.people().unstaffed_until(&night, morning), None);
    // Kim is away altogether, Ola in the only role there is.
    assert_eq!(compiled(absences.clone()).people().unstaffed_until(&night, morning), Some(week().1));
    assert_eq!(compiled(absences[..1].to_vec()).people().unstaffed_until(&night, morning), None);
}

#[test]
fn c11_an_escalation_target_absent_with_no_cover_goes_to_the_lead_then_to_the_clinics_default_and_is_never_dropped() {
    let now = june(22, "09:00");
    let warned = |absences: Vec<Absence>| {
        let policy = policy(absences);
        let sent = decide(&policy, now, &message(&["Practitioner/lee"]), None);
        let mut view = ThreadView { thread: sent.thread, clocks: sent.clocks.clone(), task: None };
        view.thread.owner = Some(reference("Practitioner/lee"));
        let waiting = sent.clocks.iter().find(|clock| clock.name == ClockName::NextResponse).unwrap();
        let at = june(24, "17:30");
        let fired = fire(Setting { policy: &policy, now: at }, &view, waiting, &mut Ids::new(at, 2)).unwrap();
        let to = |topic: &str| {
            let rows = fired.outbox.iter().filter(|row| row.topic == topic);
            rows.filter_map(|row| row.recipient.clone()).collect::<Vec<_>>()
        };
        [to("warn-50"), to("warn-80"), to("breach")]
    };
    let [owner, lead, breach] = warned(vec![]);
    assert_eq!((&owner[..], &lead[..]), (&[POOL.to_owned()][..], &["Practitioner/lead".to_owned()][..]));
    assert_eq!(breach, ["Practitioner/lead"]);
    let [_, lead, _] = warned(vec![away("Practitioner/lead", week(), Some("Practitioner/kim"))]);
    assert_eq!(lead, ["Practitioner/kim"]);
    let [_, lead, breach] = warned(vec![away("Practitioner/lead", week(), None)]);
    assert_eq!(lead, ["HealthcareService/default"]);
    assert_eq!(breach, ["HealthcareService/default"]);
}

#[test]
fn a_notice_for_an_owner_who_is_away_goes_to_their_cover_or_the_lead() {
    let later = (june(24, "00:00"), june(27, "00:00"));
    for (cover, expected) in [(Some("Practitioner/ray"), "Practitioner/ray"), (None, "Practitioner/lead")] {
        let policy = policy(vec![away("Practitioner/lee", later, cover)]);
        let sent = decide(&policy, june(22, "09:00"), &message(&["Practitioner/lee"]), None);
        let view = ThreadView { thread: sent.thread.clone(), clocks: sent.clocks, task: None };
        assert_eq!(view.thread.assigned, Some(reference("Practitioner/lee")), "there when it came");
        let more = decide(&policy, june(25, "09:00"), &message(&[POOL]), Some(&view));
        assert_eq!(told(&more), [expected]);
        let why = more.record.effects.iter().find_map(|effect| effect.suppressed.clone()).unwrap();
        assert!(why.starts_with("absent: Practitioner/lee"), "{why}");
    }
}

#[test]
fn a_notice_that_was_held_finds_who_is_there_when_it_leaves() {
    let (policy, now) = (policy(vec![away("Practitioner/lee", week(), Some("Practitioner/ray"))]), june(22, "09:00"));
    let pool = policy.pool("family").unwrap();
    assert_eq!(released(&policy, &reference("Practitioner/lee"), pool, now), Some(reference("Practitioner/ray")));
    assert_eq!(released(&policy, &reference("Practitioner/lee"), pool, june(19, "09:00")), None);
    assert_eq!(released(&policy, &reference(POOL), pool, now), None);
    // What is written on Friday and held until Monday is for whoever is there on Monday.
    let sent = decide(&policy, june(19, "18:00"), &message(&["Practitioner/lee"]), None);
    assert_eq!(sent.thread.assigned, Some(reference("Practitioner/lee")));
    assert_eq!(told(&sent), ["Practitioner/ray"]);
}

#[test]
fn d15_what_came_during_an_absence_stays_with_the_cover_or_returns_by_policy_and_nobody_is_told_twice() {
    for (on_return, kept_by) in [("stay", "Practitioner/ray"), ("return", "Practitioner/lee")] {
        let absences = vec![away("Practitioner/lee", week(), Some("Practitioner/ray"))];
        let policy = compiled(&json!({"absence": {"onReturn": on_return}}), absences);
        let sent = decide(&policy, june(22, "09:00"), &message(&["Practitioner/lee"]), None);
        assert_eq!(told(&sent), ["Practitioner/ray"], "{on_return}: one notice, to who is there");
        assert_eq!(sent.thread.assigned, Some(reference(kept_by)));
        let view = ThreadView { thread: sent.thread, clocks: sent.clocks, task: None };
        let mut back = message(&[POOL]);
        back.id = "m2".parse().unwrap();
        let more = decide(&policy, june(29, "09:00"), &back, Some(&view));
        assert_eq!(told(&more), [kept_by], "{on_return}: still open when the absence has ended");
    }
}

#[test]
fn what_somebody_away_has_claimed_can_be_taken_over_and_nothing_else_can() {
    let later = (june(24, "00:00"), june(27, "00:00"));
    let policy = policy(vec![away("Practitioner/lee", later, Some("Practitioner/ray"))]);
    let sent = decide(&policy, june(22, "09:00"), &message(&["Practitioner/lee"]), None);
    let view = ThreadView { thread: sent.thread, clocks: sent.clocks, task: None };
    let pools = [reference(POOL)];
    let take = |view: &ThreadView, who: &str, now: Instant| {
        claim(Setting { policy: &policy, now }, view, Some(&reference(who)), &pools, &mut Ids::new(now, 3))
    };
    let claimed = take(&view, "Practitioner/lee", june(22, "10:00")).unwrap();
    let view = ThreadView { thread: claimed.thread, ..view };
    assert_eq!(take(&view, "Practitioner/kim", june(23, "10:00")).unwrap_err(), Refusal::ClaimedByOther);
    let taken = take(&view, "Practitioner/kim", june(25, "10:00")).unwrap();
    assert_eq!(taken.thread.owner, Some(reference("Practitioner/kim")));
}

#[test]
fn rules_assign_mark_and_ask_whether_somebody_is_away() {
    let routing = json!([
        {"id": "forms", "order": 1, "when": {"field": "message.category", "op": "eq", "value": "form"},
         "do": [{"type": "route-to-pool", "to": "family"}, {"type": "assign", "to": "Practitioner/kim"},
                {"type": "add-tag", "value": "paper"}]},
        {"id": "marked", "order": 2, "when": {"field": "thread.tag", "op": "contains", "value": "paper"},
         "do": [{"type": "add-tag", "value": "paper-again"}]},
        {"id": "away", "order": 3, "when": {"field": "recipient.absent", "op": "is", "value": true},
         "do": [{"type": "add-tag", "value": "away"}]},
        {"id": "closed", "order": 4, "when": {"field": "calendar.open", "op": "is", "value": false},
         "do": [{"type": "add-tag", "value": "closed"}]},
    ]);
    let policy = compiled(&json!({"routing": routing}), vec![away("Practitioner/lee", week(), None)]);
    let mut form = message(&[]);
    form.category = Some("form".into());
    let sent = decide(&policy, june(22, "09:00"), &form, None);
    assert_eq!(sent.thread.assigned, Some(reference("Practitioner/kim")));
    assert_eq!(sent.thread.tags, ["paper"], "no rule triggers another");
    let away = sent.record.tried.iter().find(|tried| tried.id == "away").unwrap();
    assert!(!away.held && !away.unknown.is_empty(), "written to nobody in particular: not known, and noted");
    let view = ThreadView { thread: sent.thread, clocks: sent.clocks, task: None };
    let more = decide(&policy, june(22, "19:00"), &form, Some(&view));
    assert_eq!(more.thread.tags, ["paper", "paper-again", "closed"]);
    let to_lee = decide(&policy, june(22, "09:00"), &message(&["Practitioner/lee"]), None);
    assert_eq!(to_lee.thread.tags, ["away"]);
}

#[test]
fn a_pool_is_unstaffed_when_all_its_known_members_are_away() {
    let everybody = ["lee", "ray", "kim", "ola"].map(|name| away(&format!("Practitioner/{name}"), week(), None));
    let some = policy(everybody[..3].to_vec());
    let all = policy(everybody.to_vec());
    let attendance = |policy: &Policy, pool: &str| {
        Attendance::of(policy, Some(&reference("Practitioner/lee")), policy.pool(pool).unwrap(), june(22, "09:00"))
    };
    let until = Some(week().1);
    let there = Attendance { person_absent: Some(true), pool_unstaffed: false, until };
    assert_eq!(attendance(&some, "family"), there);
    assert_eq!(attendance(&all, "family"), Attendance { pool_unstaffed: true, ..there });
    assert!(!attendance(&all, "default").pool_unstaffed, "nobody is known of it: it counts as staffed");
}

#[test]
fn an_absence_that_cannot_be_meant_is_refused_with_its_place_and_a_remedy() {
    let known = vec![
        away("Practitioner/ray", week(), Some("Practitioner/kim")),
        away("Practitioner/kim", week(), Some("Practitioner/ola")),
    ];
    let policy = policy(known);
    let now = june(19, "09:00");
    let pointers = |absence: &Absence| {
        faults(absence, &policy, now).into_iter().map(|found| (found.pointer, found.message)).collect::<Vec<_>>()
    };
    let one = |absence: &Absence, pointer: &str, says: &str| {
        let found = pointers(absence);
        assert!(found.len() == 1 && found[0].0 == pointer && found[0].1.contains(says), "{says}: {found:?}");
    };
    let (from, until) = week();
    assert_eq!(pointers(&away("Practitioner/lee", week(), Some("Practitioner/ola"))), []);
    one(&away("Patient/p", week(), None), "/person", "cannot be away");
    one(&away("Practitioner/lee", (until, from), None), "/until", "not later");
    one(&away("Practitioner/lee", (june(1, "00:00"), june(2, "00:00")), None), "/until", "passed");
    one(&away("Practitioner/lee", (from, from.plus(3 * 366 * 86_400)), None), "/until", "two years");
    one(&away("Practitioner/lee", week(), Some("PractitionerRole/lee")), "/cover", "themself");
    one(&away("Practitioner/lee", week(), Some("Practitioner/stranger")), "/cover", "no access");
    one(&away("Practitioner/ola", week(), Some("PractitionerRole/ray")), "/cover", "in the same time");
    assert_eq!(pointers(&away("Practitioner/lee", week(), Some("Practitioner/ray"))), []);
}

#[test]
fn a_chain_of_more_than_three_covers_is_refused_at_either_end_and_not_in_another_week() {
    let policy = policy(vec![
        away("Practitioner/lee", week(), Some("Practitioner/ray")),
        away("Practitioner/ray", week(), Some("Practitioner/kim")),
        away("Practitioner/kim", week(), Some("Practitioner/ola")),
    ]);
    let found = |absence: &Absence| faults(absence, &policy, june(19, "09:00"));
    for (person, cover) in [("Practitioner/lead", "Practitioner/lee"), ("Practitioner/ola", "Practitioner/lead")] {
        let found = found(&away(person, week(), Some(cover)));
        assert!(found.len() == 1 && found[0].message.contains("more than 3"), "{found:?}");
    }
    let another = (june(29, "00:00"), june(30, "00:00"));
    assert_eq!(found(&away("Practitioner/ola", another, Some("Practitioner/lead"))), []);
}

#[test]
fn only_the_person_and_the_leads_of_their_pools_declare_an_absence() {
    let policy = policy(vec![]);
    let may = |who: &str| may_declare(&policy, &reference(who), &reference("Practitioner/lee"), june(19, "09:00"));
    assert!(may("Practitioner/lee") && may("PractitionerRole/lee") && may("Practitioner/lead"));
    assert!(!may("Practitioner/ray") && !may("Patient/p"));
}

const NAMES: [&str; 6] = ["lee", "ray", "kim", "ola", "lead", "stranger"];

proptest! {
    /// Whatever absences there are, and however covers point at each other.
    #[test]
    fn cover_terminates_and_never_yields_an_absent_or_unauthorised_person(
        chains in proptest::collection::vec((0..6_usize, 0..7_usize, any::<bool>(), 0..4_i64, 1..5_i64), 0..16),
        asked in 0..5_usize,
        day in 0..6_i64,
    ) {
        let name = |place: usize, in_role: bool| {
            let kind = if in_role && place < 4 { "PractitionerRole" } else { "Practitioner" };
            format!("{kind}/{}", NAMES[place])
        };
        let start = june(20, "00:00");
        let absences: Vec<Absence> = chains
            .iter()
            .enumerate()
            .map(|(number, (person, cover, in_role, from, days))| {
                let from = start.plus(from * 86_400);
                let cover = (*cover < 6).then(|| name(*cover, !in_role));
                let absence = away(&name(*person, *in_role), (from, from.plus(days * 86_400)), cover.as_deref());
                Absence { id: format!("a{number}").parse().unwrap(), ..absence }
            })
            .collect();
        let policy = policy(absences);
        let (pool, now) = (policy.pool("family").unwrap(), start.plus(day * 86_400 + 3600));
        let person = reference(&name(asked, false));
        let reached = policy.people().reach(&person, pool, now);
        prop_assert!(reached.path.iter().filter(|step| step.starts_with("absent")).count() <= MAX_COVERS + 1);
        if let Some(there) = &reached.person {
            prop_assert!(policy.people().away(there, &pool.reference, now).is_none());
            prop_assert!(policy.people().belongs(there, pool, now));
        }
        let sent = decide(&policy, now, &message(&[&person.to_string()]), None);
        prop_assert!(!told(&sent).is_empty(), "somebody is always told");
        for row in sent.outbox.iter().filter(|row| row.recipient.is_some()) {
            let to = reference(row.recipient.as_ref().unwrap());
            prop_assert!(policy.people().away(&to, &pool.reference, row.release_at).is_none(), "{to}");
        }
    }
}

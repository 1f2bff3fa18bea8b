//! Which rows exist for whom.

use domain::access::{Around, Conversations, Mandate, Row, Sees, Threads, Visibility};
use domain::change::{Audience, Change, ResourceWrite, Retraction};
use domain::id::{Key, ResourceId, ResourceType, Version};
use domain::search::{History, Read, Search, Sort, SortBy};
use domain::store::Store;
use domain::thread::Thread;

use crate::boundaries::hold;
use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn patient(who: &str, me: &str) -> Visibility {
    Visibility::Patient { patient: reference(who), me: reference(me), sees: Sees::ALL }
}

fn staff(me: &str, pools: &[&str]) -> Visibility {
    Visibility::Staff {
        me: reference(me),
        pools: pools.iter().map(|pool| reference(pool)).collect(),
        leads: vec![],
        about: None,
    }
}

fn message(name: &str, thread: &str, patient: Option<&str>, author: &str, audience: Audience) -> ResourceWrite {
    let mut write = version(communication(name), 1);
    write.thread = Some(id(thread));
    write.patient = patient.map(reference);
    write.author = Some(reference(author));
    write.audience = audience;
    write.values = vec![refers("sender", author)];
    write
}

/// The ids that a caller finds and, one by one, reads: both ways must agree.
async fn seen(store: &Fresh, visibility: &Visibility) -> String {
    let mut found = vec![];
    for kind in [ResourceType::Communication, ResourceType::HealthcareService] {
        let search = Search {
            tenant: tenant(),
            kind,
            filters: vec![],
            sort: vec![Sort { by: SortBy::Date, descending: false }],
            count: 100,
            after: None,
            total: true,
            visibility: visibility.clone(),
        };
        let page = store.search(search).await.unwrap();
        assert_eq!(page.total, Some(page.rows.len() as u64));
        found.extend(page.rows.into_iter().map(|row| row.key));
    }
    let everything =
        ["draft", "father", "letter", "note", "other", "question", "reply", "staff-only"].map(communication);
    for key in everything.into_iter().chain([Key::new(ResourceType::HealthcareService, id("refill"))]) {
        let mut asked = read(key.clone());
        asked.visibility = visibility.clone();
        assert_eq!(store.read(asked).await.unwrap().is_some(), found.contains(&key), "{key}");
    }
    found.iter().map(|key| key.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn messages() -> [ResourceWrite; 9] {
    let (ana, bo) = (Some("Patient/ana"), Some("Patient/bo"));
    [
        message("question", "question", ana, "Patient/ana", Audience::Thread),
        message("reply", "question", ana, "Practitioner/nurse", Audience::Thread),
        message("note", "question", ana, "Practitioner/doctor", Audience::Staff),
        message("draft", "question", ana, "RelatedPerson/ana-mother", Audience::Author),
        message("father", "fathers", ana, "RelatedPerson/ana-father", Audience::Thread),
        message("other", "other", bo, "Patient/bo", Audience::Thread),
        message("letter", "other", bo, "Practitioner/nurse", Audience::Author),
        message("staff-only", "staff-only", None, "Practitioner/doctor", Audience::Thread),
        version(Key::new(ResourceType::HealthcareService, id("refill")), 1),
    ]
}

/// What is of other types, or waits for a review: a message that is held, and the Task of its review.
fn beyond_messages() -> [ResourceWrite; 6] {
    let (ana, bo) = (Some("Patient/ana"), Some("Patient/bo"));
    let of = |kind, name, patient: Option<&str>, thread: Option<&str>, audience| ResourceWrite {
        patient: patient.map(reference),
        thread: thread.map(id),
        audience,
        ..version(Key::new(kind, id(name)), 1)
    };
    [
        message("held", "question", ana, "Patient/ana", Audience::Author),
        of(ResourceType::Task, "held-task", ana, Some("question"), Audience::Author),
        of(ResourceType::Task, "task", ana, Some("question"), Audience::Thread),
        of(ResourceType::CareTeam, "team-of-bo", bo, None, Audience::Thread),
        of(ResourceType::CareTeam, "team-of-pool", None, None, Audience::Thread),
        of(ResourceType::PractitionerRole, "role", None, None, Audience::Thread),
    ]
}

fn threads() -> Vec<Thread> {
    let mut other = thread("other", 1);
    other.pool_reference = Some(reference("HealthcareService/lab"));
    other.owner = Some(reference("Practitioner/owner"));
    vec![thread("question", 1), other]
}

async fn store_two_threads(store: &Fresh) {
    store.save(Change { threads: threads(), ..change(messages()) }).await.unwrap();
}

/// A row as the plain function knows it. Whoever but the patient has sent something in a thread
/// takes part in it.
fn known(write: &ResourceWrite, all: &[ResourceWrite]) -> Row {
    let around = |thread: &ResourceId| {
        let found = threads().into_iter().find(|own| own.id == *thread);
        let theirs = all.iter().filter(|own| own.thread.as_ref() == Some(thread) && own.audience != Audience::Author);
        Around {
            id: thread.clone(),
            pool: found.as_ref().and_then(|own| own.pool_reference.clone()),
            owner: found.and_then(|own| own.owner),
            participants: theirs.filter_map(|own| own.author.clone()).filter(|who| !who.is("Patient")).collect(),
        }
    };
    Row {
        patient: write.patient.clone(),
        author: write.author.clone(),
        audience: write.audience,
        thread: write.thread.as_ref().map(around),
        review: write.key.id.as_str().starts_with("held").then(|| reference("HealthcareService/refill")),
    }
}

/// What Consents can say: nothing, some or all of it permitted, some or all but some of it denied.
fn mandates() -> Vec<Mandate> {
    let some = || [id("question")].into();
    let permitted = [Threads::NONE, Threads::Only(some()), Threads::ALL];
    let denied = [Threads::NONE, Threads::Only(some()), Threads::AllBut(some())];
    let with = |shown: Threads| denied.clone().map(|hidden| Mandate { shown: shown.clone(), hidden });
    permitted.into_iter().flat_map(with).collect()
}

async fn queries_show_what_the_plain_function_shows(store: Fresh) {
    store_two_threads(&store).await;
    let beyond = change(beyond_messages());
    store.save(Change { holds: vec![hold("held", "HealthcareService/refill", 50)], ..beyond }).await.unwrap();
    let people = ["nurse", "doctor", "owner", "x"].map(|who| format!("Practitioner/{who}"));
    let pools: [&[&str]; 4] =
        [&[], &["HealthcareService/refill"], &["HealthcareService/lab"], &["HealthcareService/x"]];
    let mut views = vec![Visibility::Everything];
    views.extend(people.iter().flat_map(|me| pools.map(|pools| staff(me, pools))));
    for leads in [&["HealthcareService/refill"][..], &["HealthcareService/lab"]] {
        views.extend(
            views.clone().into_iter().map(|view| view.leading(|_| leads.iter().copied().map(reference).collect())),
        );
    }
    for patient in ["Patient/ana", "Patient/bo", "Patient/x"] {
        views.extend(views.clone().into_iter().filter_map(|view| match view {
            Visibility::Staff { me, pools, leads, about: None } => {
                Some(Visibility::Staff { me, pools, leads, about: Some(reference(patient)) })
            }
            _ => None,
        }));
    }
    for who in ["Patient/ana", "Patient/bo", "Patient/x"] {
        for me in [who, "RelatedPerson/ana-mother", "RelatedPerson/ana-father", "Practitioner/doctor"] {
            let Visibility::Patient { patient, me, .. } = patient(who, me) else { continue };
            let view = |sees| Visibility::Patient { patient: patient.clone(), me: me.clone(), sees };
            for usually in [Conversations::All, Conversations::Own] {
                views.extend(mandates().into_iter().map(|mandate| view(Sees { usually, mandate })));
            }
        }
    }
    let all: Vec<ResourceWrite> = messages().into_iter().chain(beyond_messages()).collect();
    for view in views {
        for write in &all {
            let asked = Read { visibility: view.clone(), ..read(write.key.clone()) };
            let found = store.read(asked).await.unwrap().is_some();
            assert_eq!(found, view.shows(&known(write, &all)), "{view:?}: {}", write.key);
        }
    }
}

async fn everyone_sees_exactly_what_is_theirs(store: Fresh) {
    store_two_threads(&store).await;
    assert_eq!(
        seen(&store, &Visibility::Everything).await,
        "draft father letter note other question reply staff-only refill"
    );
    assert_eq!(seen(&store, &patient("Patient/ana", "Patient/ana")).await, "father question reply refill");
    assert_eq!(
        seen(&store, &patient("Patient/ana", "RelatedPerson/ana-mother")).await,
        "draft father question reply refill"
    );
    assert_eq!(seen(&store, &patient("Patient/bo", "Patient/bo")).await, "other refill");
    assert_eq!(seen(&store, &staff("Practitioner/x", &[])).await, "refill");
    assert_eq!(
        seen(&store, &staff("Practitioner/x", &["HealthcareService/refill"])).await,
        "note question reply refill"
    );
    assert_eq!(
        seen(&store, &staff("Practitioner/x", &["HealthcareService/refill", "HealthcareService/lab"])).await,
        "note other question reply refill"
    );
    assert_eq!(seen(&store, &staff("Practitioner/owner", &[])).await, "other refill");
    // The nurse took part in one thread; their own draft in the other is theirs, the rest of it is not.
    assert_eq!(seen(&store, &staff("Practitioner/nurse", &[])).await, "letter note question reply refill");
    assert_eq!(seen(&store, &staff("Practitioner/doctor", &[])).await, "note question reply staff-only refill");
}

async fn what_was_retracted_is_shown_as_the_plain_function_says(store: Fresh) {
    store_two_threads(&store).await;
    let first = message("question", "question", Some("Patient/ana"), "Patient/ana", Audience::Thread);
    let pool = reference("HealthcareService/refill");
    let retraction = Retraction {
        message: id("question"),
        at: at(5),
        pool: Some(pool.clone()),
        decision: None,
        agent: Some(reference("Patient/ana")),
        client: "app".into(),
    };
    let second = ResourceWrite { version: Version(2), last_updated: moment(2), ..first.clone() };
    store.save(Change { retractions: vec![retraction], ..change([second]) }).await.unwrap();
    let pools = ["HealthcareService/refill"];
    let member =
        |leads: &[&str]| staff("Practitioner/x", &pools).leading(|_| leads.iter().copied().map(reference).collect());
    let mut shown = 0;
    for view in [
        Visibility::Everything,
        patient("Patient/ana", "Patient/ana"),
        patient("Patient/ana", "RelatedPerson/ana-mother"),
        patient("Patient/bo", "Patient/bo"),
        member(&[]),
        member(&["HealthcareService/refill"]),
        member(&["HealthcareService/lab"]),
        staff("Practitioner/x", &[]),
    ] {
        let seen = view.shows(&known(&first, &messages()));
        let earlier = seen && view.shows_retracted(first.author.as_ref(), Some(&pool));
        for (number, expected) in [(1, earlier), (2, seen)] {
            let asked = Read { visibility: view.clone(), version: Some(Version(number)), ..read(first.key.clone()) };
            assert_eq!(store.read(asked).await.unwrap().is_some(), expected, "{view:?}: {number}");
        }
        let of = vec![(ResourceType::Communication, view.clone())];
        let asked =
            History { tenant: tenant(), of, id: Some(id("question")), since: None, at: None, count: 9, after: None };
        let versions = store.history(asked).await.unwrap().rows.len();
        assert_eq!(versions, usize::from(seen) + usize::from(earlier), "{view:?}");
        shown += usize::from(earlier);
    }
    assert_eq!(shown, 3, "its author, a lead and a machine");
}

async fn an_old_version_is_judged_by_its_own_audience(store: Fresh) {
    let mut draft = message("m", "m", Some("Patient/ana"), "Practitioner/nurse", Audience::Author);
    store.save(change([draft.clone()])).await.unwrap();
    draft.version = Version(2);
    draft.audience = Audience::Thread;
    store.save(Change { threads: vec![thread("m", 1)], ..change([draft]) }).await.unwrap();

    let sees = async |visibility: Visibility, version: i32| {
        let mut asked = read(communication("m"));
        asked.visibility = visibility;
        asked.version = Some(Version(version));
        store.read(asked).await.unwrap().is_some()
    };
    assert!(sees(patient("Patient/ana", "Patient/ana"), 2).await);
    assert!(!sees(patient("Patient/ana", "Patient/ana"), 1).await, "what was a draft stays one");
    assert!(!sees(staff("Practitioner/x", &["HealthcareService/refill"]), 1).await);
    assert!(sees(staff("Practitioner/x", &["HealthcareService/refill"]), 2).await);
    assert!(sees(staff("Practitioner/nurse", &[]), 1).await);
}

on_both!(
    everyone_sees_exactly_what_is_theirs,
    queries_show_what_the_plain_function_shows,
    what_was_retracted_is_shown_as_the_plain_function_says,
    an_old_version_is_judged_by_its_own_audience,
);

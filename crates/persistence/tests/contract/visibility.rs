//! Which rows exist for whom.

use domain::access::{Around, Conversations, Mandate, Row, Sees, Threads, Visibility};
use domain::change::{Audience, Change, ResourceWrite};
use domain::id::{Key, ResourceId, ResourceType, Version};
use domain::search::{Read, Search, Sort, SortBy};
use domain::store::Store;
use domain::thread::Thread;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn patient(who: &str, me: &str) -> Visibility {
    Visibility::Patient { patient: reference(who), me: reference(me), sees: Sees::ALL }
}

fn staff(me: &str, pools: &[&str]) -> Visibility {
    Visibility::Staff { me: reference(me), pools: pools.iter().map(|pool| reference(pool)).collect(), leads: vec![] }
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
        review: None,
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
    let people = ["nurse", "doctor", "owner", "x"].map(|who| format!("Practitioner/{who}"));
    let pools: [&[&str]; 4] =
        [&[], &["HealthcareService/refill"], &["HealthcareService/lab"], &["HealthcareService/x"]];
    let mut views = vec![Visibility::Everything];
    views.extend(people.iter().flat_map(|me| pools.map(|pools| staff(me, pools))));
    for who in ["Patient/ana", "Patient/bo", "Patient/x"] {
        for me in [who, "RelatedPerson/ana-mother", "RelatedPerson/ana-father", "Practitioner/doctor"] {
            let Visibility::Patient { patient, me, .. } = patient(who, me) else { continue };
            let view = |sees| Visibility::Patient { patient: patient.clone(), me: me.clone(), sees };
            for usually in [Conversations::All, Conversations::Own] {
                views.extend(mandates().into_iter().map(|mandate| view(Sees { usually, mandate })));
            }
        }
    }
    let all = messages();
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
    an_old_version_is_judged_by_its_own_audience,
);

//! Saving changes: versions, revisions, keys and firings.

use domain::change::{AuditAction, AuditOutcome, AuditRow, Change, DecisionRow};
use domain::clock::{Event, LedgerEntry};
use domain::id::Version;
use domain::store::{SaveError, Store};
use domain::thread::Thread;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

async fn a_version_follows_the_one_before_it_or_is_refused(store: Fresh) {
    let key = communication("a");
    store.save(change([version(key.clone(), 1)])).await.unwrap();
    store.save(change([version(key.clone(), 2)])).await.unwrap();
    for wrong in [1, 2, 4] {
        let refused = store.save(change([version(key.clone(), wrong)])).await;
        assert_eq!(refused, Err(SaveError::Conflict { key: Some(key.clone()) }), "{wrong}");
    }
    let absent = communication("b");
    let refused = store.save(change([version(communication("c"), 1), version(absent.clone(), 2)])).await;
    assert_eq!(refused, Err(SaveError::Conflict { key: Some(absent) }));
    assert_eq!(store.read(read(communication("c"))).await.unwrap(), None, "all of a change or nothing");
    assert_eq!(store.read(read(key)).await.unwrap().unwrap().version, Version(2));
}

async fn of_two_updates_of_one_version_one_is_saved(store: Fresh) {
    let key = communication("a");
    store.save(change([version(key.clone(), 1)])).await.unwrap();
    let other = store.another(|_| {});
    let attempts = (0..20).map(|n| {
        let store = if n % 2 == 0 { (*store).clone() } else { other.clone() };
        let key = key.clone();
        tokio::spawn(async move { store.save(change([version(key, 2)])).await })
    });
    let mut saved = 0;
    for one in attempts.collect::<Vec<_>>() {
        match one.await.unwrap() {
            Ok(()) => saved += 1,
            Err(error) => assert_eq!(error, SaveError::Conflict { key: Some(key.clone()) }),
        }
    }
    assert_eq!(saved, 1);
}

async fn a_thread_and_a_clock_are_compared_by_revision(store: Fresh) {
    let save = |thread: Option<i32>, clock_revision: Option<i32>| {
        let mut change = Change::new(tenant());
        change.threads.extend(thread.map(|revision| crate::sample::thread("root", revision)));
        change.clocks.extend(clock_revision.map(|revision| {
            let mut clock = clock("clock", "root", Some(10));
            clock.revision = revision;
            clock
        }));
        store.save(change)
    };
    save(Some(1), Some(1)).await.unwrap();
    save(Some(2), Some(2)).await.unwrap();
    let conflict = Err(SaveError::Conflict { key: None });
    assert_eq!(save(Some(2), None).await, conflict);
    assert_eq!(save(Some(4), None).await, conflict);
    assert_eq!(save(None, Some(2)).await, conflict);
    assert_eq!(save(Some(3), Some(4)).await, conflict);
    save(Some(3), Some(3)).await.unwrap();
}

async fn what_was_merged_into_a_thread_is_found_by_it(store: Fresh) {
    let merged = |name: &str, into: &str| Thread { merged_into: Some(id(into)), ..thread(name, 1) };
    let threads = vec![thread("root", 1), merged("two", "root"), merged("one", "root"), merged("three", "one")];
    store.save(Change { threads, ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.merged(tenant(), id("root")).await.unwrap(), [id("one"), id("two")]);
    assert_eq!(store.merged(tenant(), id("one")).await.unwrap(), [id("three")]);
    assert!(store.merged(tenant(), id("two")).await.unwrap().is_empty());
    assert!(store.merged(domain::id::TenantId::new("elsewhere"), id("root")).await.unwrap().is_empty());
}

async fn what_is_saved_of_a_thread_is_read_again(store: Fresh) {
    let root = communication("root");
    let mut message = version(root.clone(), 1);
    message.thread = Some(root.id.clone());
    let mut reply = version(communication("reply"), 1);
    reply.thread = Some(root.id.clone());
    let mut thread = thread("root", 1);
    thread.task = Some(id("task-1"));
    thread.owner = Some(reference("Practitioner/n"));
    thread.last_staff_at = Some(at(-5));
    let running = clock("c1", "root", Some(10));
    let mut over = clock("c2", "root", None);
    over.fold.state = domain::clock::ClockState::Met;
    let entries = [
        LedgerEntry { clock: id("c1"), sequence: 1, at: at(7), event: Event::Resume },
        LedgerEntry {
            clock: id("c1"),
            sequence: 0,
            at: at(7),
            event: Event::Pause { reason: "lab".into(), until: None },
        },
        LedgerEntry { clock: id("c1"), sequence: 2, at: at(3), event: Event::Breach },
    ];
    let mut all = change([message, reply, version(task("task-1"), 1)]);
    all.threads = vec![thread.clone()];
    all.clocks = vec![running.clone(), over.clone()];
    all.ledger = entries.to_vec();
    store.save(all).await.unwrap();

    for message in ["root", "reply"] {
        let view = store.thread_of(tenant(), id(message)).await.unwrap().unwrap();
        assert_eq!(view.thread, thread);
        assert_eq!(view.clocks, std::slice::from_ref(&running), "only those that are not over");
        assert_eq!(view.task.unwrap().key, task("task-1"));
    }
    assert_eq!(store.thread_of(tenant(), id("nothing")).await.unwrap(), None);
    assert_eq!(store.clocks(tenant(), id("root")).await.unwrap(), [running, over]);
    let [resume, pause, breach] = entries;
    assert_eq!(store.ledger(tenant(), id("c1")).await.unwrap(), [breach, pause, resume]);
}

async fn a_unique_key_is_taken_once_and_its_owner_is_told(store: Fresh) {
    let take = |name: &str| {
        let mut change = change([version(communication(name), 1)]);
        change.unique = vec![unique("digest", communication(name))];
        store.save(change)
    };
    take("a").await.unwrap();
    assert_eq!(take("b").await, Err(SaveError::NotUnique { owner: Some(communication("a")) }));
    assert_eq!(store.read(read(communication("b"))).await.unwrap(), None);
    let owner = |key: &str| store.owner_of(tenant(), "If-None-Exist:Communication", key.to_owned());
    assert_eq!(owner("digest").await.unwrap(), Some(communication("a")));
    assert_eq!(owner("other").await.unwrap(), None);
}

async fn a_threshold_fires_once(store: Fresh) {
    store.save(Change { clocks: vec![clock("c", "root", Some(10))], ..Change::new(tenant()) }).await.unwrap();
    let fire = || {
        let mut fired = clock("c", "root", None);
        fired.revision = 2;
        let outbox = vec![outbox("notice", Some("HealthcareService/refill"), 0)];
        Change { clocks: vec![fired], firings: vec![firing("c")], outbox, ..Change::new(tenant()) }
    };
    let saves: Vec<_> = (0..8)
        .map(|_| {
            let store = (*store).clone();
            let change = fire();
            tokio::spawn(async move { store.save(change).await })
        })
        .collect();
    let mut fired = 0;
    for one in saves {
        match one.await.unwrap() {
            Ok(()) => fired += 1,
            Err(error) => assert_eq!(error, SaveError::AlreadyFired),
        }
    }
    assert_eq!(fired, 1);
    let mut other_cycle = fire();
    other_cycle.clocks.clear();
    other_cycle.outbox.clear();
    other_cycle.firings[0].cycle = 2;
    store.save(other_cycle).await.unwrap();
}

async fn records_are_found_by_id_and_by_what_they_are_about(store: Fresh) {
    let decision = |name: &str, second: i64, about: &str| DecisionRow {
        id: id(name),
        at: at(second),
        focus: communication(about),
        thread: Some(id("root")),
        outcome: "delivered".into(),
        mode: domain::decision::Mode::Live,
        bundle: "hash".into(),
        body: r#"{"b":1,"a":1.50}"#.into(),
    };
    let rows = [decision("d1", 1, "a"), decision("d2", 2, "b"), decision("d3", 3, "a")];
    let audit = AuditRow {
        id: id("e1"),
        at: moment(0),
        client: "app".into(),
        subject: Some("s".into()),
        issuer: Some("https://issuer.example".into()),
        agent: Some(reference("Practitioner/n")),
        action: AuditAction::Create,
        interaction: "create".into(),
        focus: Some(communication("a")),
        version: Some(Version::FIRST),
        patient: None,
        about: vec![reference("Patient/p"), reference("Communication/b")],
        query: None,
        count: 1,
        request: "r-1".into(),
        outcome: AuditOutcome::Done,
        source: None,
        purpose: None,
    };
    let change = Change { decisions: rows.to_vec(), audit: vec![audit], ..Change::new(tenant()) };
    store.save(change).await.unwrap();
    let [one, two, three] = rows;
    assert_eq!(store.decision(tenant(), id("d1")).await.unwrap(), Some(one.clone()));
    assert_eq!(store.decision(tenant(), id("d9")).await.unwrap(), None);
    assert_eq!(store.decisions(tenant(), None, None, None, 2).await.unwrap(), [three.clone(), two]);
    assert_eq!(store.decisions(tenant(), Some(communication("a")), None, None, 9).await.unwrap(), [three, one]);
}

async fn tenants_do_not_meet(store: Fresh) {
    let other = domain::id::TenantId::new("other");
    let mut theirs = change([version(communication("a"), 1)]);
    theirs.unique = vec![unique("digest", communication("a"))];
    let mut ours = theirs.clone();
    ours.tenant = other.clone();
    store.save(theirs).await.unwrap();
    store.save(ours).await.unwrap();
    let mut asked = read(communication("a"));
    asked.tenant = other;
    assert!(store.read(asked).await.unwrap().is_some());
}

on_both!(
    a_version_follows_the_one_before_it_or_is_refused,
    of_two_updates_of_one_version_one_is_saved,
    a_thread_and_a_clock_are_compared_by_revision,
    what_is_saved_of_a_thread_is_read_again,
    what_was_merged_into_a_thread_is_found_by_it,
    a_unique_key_is_taken_once_and_its_owner_is_told,
    a_threshold_fires_once,
    records_are_found_by_id_and_by_what_they_are_about,
    tenants_do_not_meet,
);

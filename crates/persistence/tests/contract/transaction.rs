//! Several changes that are kept together or not at all.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use domain::access::Visibility;
use domain::change::Change;
use domain::id::ResourceType;
use domain::search::{Filter, Search, Sort, SortBy, TokenMatch};
use domain::store::{SaveError, Store, StoreError};
use persistence::Url;
use tokio::time::{sleep, timeout};

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

async fn what_is_saved_within_is_read_within_at_once_and_outside_once_it_is_committed(store: Fresh) {
    store.save(change([version(communication("old"), 1)])).await.unwrap();
    let transaction = store.begin().await.unwrap();
    let within = transaction.store();
    let mut first = version(communication("new"), 1);
    first.thread = Some(id("new"));
    first.values = vec![token("status", None, "sent")];
    let mut begun = change([first]);
    begun.threads = vec![thread("new", 1)];
    within.save(begun).await.unwrap();
    within
        .save(Change { threads: vec![thread("new", 2)], ..change([version(communication("old"), 2)]) })
        .await
        .unwrap();
    assert!(within.read(read(communication("new"))).await.unwrap().is_some());
    let search = Search {
        tenant: tenant(),
        kind: ResourceType::Communication,
        filters: vec![Filter::Token {
            param: "status",
            any: vec![TokenMatch { system: None, code: Some("sent".into()) }],
        }],
        sort: vec![Sort { by: SortBy::LastUpdated, descending: false }],
        count: 10,
        after: None,
        total: true,
        visibility: Visibility::Everything,
    };
    assert_eq!(within.search(search.clone()).await.unwrap().total, Some(1));
    assert_eq!(within.thread_of(tenant(), id("new")).await.unwrap().unwrap().thread.revision, 2);
    assert!(store.read(read(communication("new"))).await.unwrap().is_none(), "nobody else sees it yet");
    assert_eq!(store.search(search.clone()).await.unwrap().total, Some(0));
    transaction.commit().await.unwrap();
    assert_eq!(store.search(search).await.unwrap().total, Some(1));
    let old = store.read(read(communication("old"))).await.unwrap().unwrap();
    assert_eq!(old.version.0, 2);
    // What has ended takes no more.
    assert!(within.read(read(communication("old"))).await.is_err());
}

async fn a_transaction_that_is_dropped_never_was(store: Fresh) {
    let transaction = store.begin().await.unwrap();
    transaction.store().save(change([version(communication("a"), 1)])).await.unwrap();
    drop(transaction);
    store.save(change([version(communication("a"), 1)])).await.unwrap();
}

async fn a_transaction_that_is_undone_lets_others_write_though_its_store_is_still_held(store: Fresh) {
    let one = store.another(|config| config.writers = 1);
    let transaction = one.begin().await.unwrap();
    let held = transaction.store();
    held.save(change([version(communication("a"), 1)])).await.unwrap();
    transaction.undo().await.unwrap();
    one.save(change([version(communication("a"), 1)])).await.unwrap();
    assert!(held.read(read(communication("a"))).await.is_err(), "what has ended takes no more");
}

async fn a_change_that_is_refused_within_leaves_what_was_saved_before_it(store: Fresh) {
    let mut first = change([version(communication("a"), 1)]);
    first.unique = vec![unique("key", communication("a"))];
    store.save(first).await.unwrap();
    let transaction = store.begin().await.unwrap();
    let within = transaction.store();
    within.save(change([version(communication("b"), 1)])).await.unwrap();
    let mut second = change([version(communication("c"), 1)]);
    second.unique = vec![unique("key", communication("c"))];
    assert_eq!(within.save(second).await, Err(SaveError::NotUnique { owner: Some(communication("a")) }));
    let stale = change([version(communication("a"), 1)]);
    assert_eq!(within.save(stale).await, Err(SaveError::Conflict { key: Some(communication("a")) }));
    let mut other = change([version(communication("d"), 1)]);
    other.generation = Some(77);
    assert_eq!(within.save(other).await, Err(SaveError::StaleCatalogue));
    transaction.commit().await.unwrap();
    assert!(store.read(read(communication("b"))).await.unwrap().is_some());
    for refused in ["c", "d"] {
        assert!(store.read(read(communication(refused))).await.unwrap().is_none(), "{refused}");
    }
}

async fn catalogues_change_several_times_within_and_what_follows_knows(store: Fresh) {
    let transaction = store.begin().await.unwrap();
    let within = transaction.store();
    for expected in 1..=3 {
        let mut fed = change([]);
        fed.new_generation = true;
        within.save(fed).await.unwrap();
        assert_eq!(within.generation(tenant()).await.unwrap(), expected);
    }
    let mut decided = change([version(communication("a"), 1)]);
    decided.generation = Some(3);
    within.save(decided).await.unwrap();
    assert_eq!(store.generation(tenant()).await.unwrap(), 0);
    transaction.commit().await.unwrap();
    assert_eq!(store.generation(tenant()).await.unwrap(), 3);
}

async fn others_wait_for_a_transaction_and_are_saved_after_it(store: Fresh) {
    let one = store.another(|config| config.writers = 1);
    let transaction = one.begin().await.unwrap();
    transaction.store().save(change([version(communication("a"), 1)])).await.unwrap();
    let other = one.clone();
    let waiting = tokio::spawn(async move { other.save(change([version(communication("b"), 1)])).await });
    sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished(), "the writer has one turn at a time");
    // A second transaction waits for the first, and none begins within another.
    assert!(timeout(Duration::from_millis(100), one.begin()).await.is_err());
    assert!(matches!(transaction.store().begin().await.err(), Some(StoreError::Internal(_))));
    transaction.commit().await.unwrap();
    waiting.await.unwrap().unwrap();
    let next = one.begin().await.unwrap();
    assert!(next.store().read(read(communication("b"))).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_within_is_given_up_when_the_turn_is_over_and_others_write() {
    let fresh = Fresh::postgres();
    let store = fresh.another(|config| (config.writers, config.turn) = (1, Duration::from_millis(500)));
    let Url::Postgres(address) = fresh.url() else { panic!("it is PostgreSQL") };
    let transaction = store.begin().await.unwrap();
    let mut other = PgConnection::establish(address).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE resource IN ACCESS EXCLUSIVE MODE").unwrap();
    // The lock is held until it is answered: without an end of its own it never would be.
    assert!(matches!(transaction.store().read(read(communication("a"))).await, Err(StoreError::Busy { .. })));
    other.batch_execute("ROLLBACK").unwrap();
    store.save(change([version(communication("a"), 1)])).await.unwrap();
}

on_both!(
    what_is_saved_within_is_read_within_at_once_and_outside_once_it_is_committed,
    a_transaction_that_is_dropped_never_was,
    a_transaction_that_is_undone_lets_others_write_though_its_store_is_still_held,
    a_change_that_is_refused_within_leaves_what_was_saved_before_it,
    catalogues_change_several_times_within_and_what_follows_knows,
    others_wait_for_a_transaction_and_are_saved_after_it,
);

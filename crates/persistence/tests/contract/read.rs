//! Reading versions.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use domain::id::Version;
use domain::store::{Store, StoreError};
use persistence::Url;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

async fn every_version_is_read_as_it_was_written(store: Fresh) {
    let key = communication("a");
    let mut versions: Vec<_> = (1..=3).map(|number| version(key.clone(), number)).collect();
    versions[0].body = "{\"resourceType\":\"Communication\",\"text\":\"5.10  \u{a0}é😀\"}".into();
    versions[0].thread = Some(id("root"));
    for write in &versions {
        store.save(change([write.clone()])).await.unwrap();
    }
    assert_eq!(store.read(read(key.clone())).await.unwrap().unwrap().version, Version(3));
    for write in versions {
        let mut asked = read(key.clone());
        asked.version = Some(write.version);
        let found = store.read(asked).await.unwrap().unwrap();
        assert_eq!((found.key, found.version, found.body), (write.key, write.version, write.body));
        assert_eq!((found.last_updated, found.date), (write.last_updated, write.date));
        assert_eq!((found.thread, found.deleted), (write.thread, write.deleted));
    }
    let mut asked = read(key.clone());
    asked.version = Some(Version(4));
    assert_eq!(store.read(asked).await.unwrap(), None);
    assert_eq!(store.read(read(task("a"))).await.unwrap(), None, "another type's id");
}

async fn a_deleted_resource_is_answered_as_such_and_may_come_back(store: Fresh) {
    let key = communication("a");
    store.save(change([version(key.clone(), 1)])).await.unwrap();
    let mut gone = version(key.clone(), 2);
    gone.deleted = true;
    store.save(change([gone])).await.unwrap();
    assert!(store.read(read(key.clone())).await.unwrap().unwrap().deleted);
    let mut asked = read(key.clone());
    asked.version = Some(Version::FIRST);
    assert!(!store.read(asked).await.unwrap().unwrap().deleted);
    store.save(change([version(key.clone(), 3)])).await.unwrap();
    assert!(!store.read(read(key)).await.unwrap().unwrap().deleted);
}

async fn instants_at_the_ends_of_time_and_finer_than_a_second_are_kept(store: Fresh) {
    let mut write = version(communication("a"), 1);
    write.date = "9999-12-30T21:59:59.123456Z".parse().unwrap();
    write.last_updated = "1969-12-31T23:59:59.999999Z".parse().unwrap();
    store.save(change([write.clone()])).await.unwrap();
    let found = store.read(read(communication("a"))).await.unwrap().unwrap();
    assert_eq!((found.date, found.last_updated), (write.date, write.last_updated));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_takes_too_long_is_given_up_and_readiness_is_told_meanwhile() {
    let fresh = Fresh::postgres();
    let store = fresh.another(|config| (config.readers, config.read_timeout) = (1, Duration::from_millis(500)));
    let Url::Postgres(address) = fresh.url() else { panic!("it is PostgreSQL") };
    let mut other = PgConnection::establish(address).unwrap();
    other.batch_execute("BEGIN; LOCK TABLE resource IN ACCESS EXCLUSIVE MODE").unwrap();
    let waits = tokio::spawn({
        let store = store.clone();
        async move { store.read(read(communication("a"))).await }
    });
    assert_eq!(store.ready().await, Ok(()), "it has a connection of its own");
    assert!(matches!(waits.await.unwrap(), Err(StoreError::Busy { .. })));
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(store.read(read(communication("a"))).await, Ok(None), "the connection is as good as before");
}

on_both!(
    every_version_is_read_as_it_was_written,
    a_deleted_resource_is_answered_as_such_and_may_come_back,
    instants_at_the_ends_of_time_and_finer_than_a_second_are_kept,
);

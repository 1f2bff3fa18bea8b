//! The writer: many changes at once, full queues, lost connections, other processes, the end.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use domain::store::{SaveError, Store, StoreError};
use persistence::Url;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

async fn two_hundred_concurrent_saves_are_all_found_by_another_store(store: Fresh) {
    let mut saves = JoinSet::new();
    for n in 0..200 {
        let store = (*store).clone();
        let mut change = change([version(communication(&format!("m{n}")), 1), version(task(&format!("t{n}")), 1)]);
        change.threads = vec![thread(&format!("m{n}"), 1)];
        saves.spawn(async move { store.save(change).await });
    }
    assert!(saves.join_all().await.iter().all(Result::is_ok));
    let other = store.another(|_| {});
    for n in 0..200 {
        assert!(other.read(read(communication(&format!("m{n}")))).await.unwrap().is_some());
        assert!(other.read(read(task(&format!("t{n}")))).await.unwrap().is_some());
    }
}

async fn a_bad_change_fails_alone_and_its_neighbours_are_saved(store: Fresh) {
    let mut first = change([version(communication("owner"), 1)]);
    first.unique = vec![unique("taken", communication("owner"))];
    store.save(first).await.unwrap();
    store.save(change([version(communication("old"), 1)])).await.unwrap();
    // One writer and a slow start make them wait together.
    let one_writer = store.another(|config| config.writers = 1);
    let blocker = Blocker::new(&store);
    let mut asked = vec![];
    for n in 0..40 {
        let mut change = change([version(communication(&format!("m{n}")), 1)]);
        match n % 10 {
            3 => change.unique = vec![unique("taken", communication("x"))],
            5 => change.resources.push(version(communication("old"), 7)),
            7 => change.unique = vec![unique("fresh", communication(&format!("m{n}")))],
            _ => {}
        }
        asked.push(waiting(one_writer.save(change)).await);
    }
    drop(blocker);
    let mut fresh = vec![];
    for (n, saving) in asked.into_iter().enumerate() {
        let saved = saving.await;
        match n % 10 {
            3 => assert_eq!(saved, Err(SaveError::NotUnique { owner: Some(communication("owner")) })),
            5 => assert_eq!(saved, Err(SaveError::Conflict { key: Some(communication("old")) })),
            7 => fresh.push((n, saved.clone())),
            _ => assert_eq!(saved, Ok(()), "{n}"),
        }
        let found = store.read(read(communication(&format!("m{n}")))).await.unwrap();
        assert_eq!(found.is_some(), saved.is_ok(), "{n}");
    }
    let winners: Vec<_> = fresh.iter().filter(|(_, saved)| saved.is_ok()).map(|(n, _)| *n).collect();
    let [winner] = winners[..] else { panic!("one gets the key: {fresh:?}") };
    for (_, saved) in fresh.iter().filter(|(n, _)| *n != winner) {
        assert_eq!(saved, &Err(SaveError::NotUnique { owner: Some(communication(&format!("m{winner}"))) }));
    }
}

/// What was asked for and waits for its answer.
async fn waiting<F: Future + Unpin>(mut asked: F) -> F {
    assert!(at_once(&mut asked).await.is_pending());
    asked
}

/// The answer to what is asked, if it comes at once.
async fn at_once<F: Future + Unpin>(asked: &mut F) -> Poll<F::Output> {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *asked).poll(context))).await
}

/// Keeps everybody from writing until dropped, as another process might.
enum Blocker {
    Postgres(#[expect(dead_code, reason = "its transaction ends with it")] PgConnection),
    Sqlite(#[expect(dead_code, reason = "its transaction ends with it")] SqliteConnection),
}

impl Blocker {
    fn new(store: &Fresh) -> Self {
        match store.url() {
            Url::Postgres(url) => {
                let mut conn = PgConnection::establish(url).unwrap();
                conn.batch_execute("BEGIN; LOCK TABLE resource IN EXCLUSIVE MODE").unwrap();
                Self::Postgres(conn)
            }
            Url::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                conn.batch_execute("BEGIN IMMEDIATE").unwrap();
                Self::Sqlite(conn)
            }
        }
    }
}

async fn a_full_queue_refuses_at_once_and_says_when_to_come_back(store: Fresh) {
    let small = store.another(|config| {
        config.writers = 1;
        config.write_queue = 3;
        config.group = 1;
    });
    let blocker = Blocker::new(&store);
    let save = |name: &str| small.save(change([version(communication(name), 1)]));
    let queued = async || small.gauges(at(0)).await.unwrap().write_queue;
    let first = waiting(save("first")).await;
    while queued().await > 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let mut others = vec![];
    for name in ["w0", "w1", "w2"] {
        others.push(waiting(save(name)).await);
    }
    assert_eq!(queued().await, 3);
    let Poll::Ready(refused) = at_once(&mut save("over")).await else { panic!("it waits") };
    assert!(matches!(refused, Err(SaveError::Store(StoreError::Busy { retry_after })) if retry_after.seconds() > 0));
    assert!(small.read(read(communication("over"))).await.unwrap().is_none(), "reads go on");
    drop(blocker);
    assert_eq!(first.await, Ok(()));
    for other in others {
        assert_eq!(other.await, Ok(()));
    }
}

async fn what_was_taken_is_saved_before_the_store_closes(store: Fresh) {
    let closing = store.another(|_| {});
    let attempts: Vec<_> = (0..50)
        .map(|n| {
            let store = closing.clone();
            tokio::spawn(async move { store.save(change([version(communication(&format!("m{n}")), 1)])).await })
        })
        .collect();
    sleep(Duration::from_millis(1)).await;
    closing.close();
    for (n, attempt) in attempts.into_iter().enumerate() {
        let saved = attempt.await.unwrap();
        assert!(matches!(saved, Ok(()) | Err(SaveError::Store(StoreError::Unavailable(_)))), "{saved:?}");
        let found = store.read(read(communication(&format!("m{n}")))).await.unwrap();
        assert_eq!(found.is_some(), saved.is_ok());
    }
    assert!(matches!(closing.read(read(communication("m0"))).await, Err(StoreError::Unavailable(_))));
}

async fn several_stores_share_one_database(store: Fresh) {
    let stores: Vec<_> = (0..3).map(|_| store.another(|_| {})).collect();
    let mut saves = JoinSet::new();
    for n in 0..90 {
        let store = stores[n % 3].clone();
        saves.spawn(async move { store.save(change([version(communication(&format!("m{n}")), 1)])).await });
    }
    assert!(saves.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_replaced_without_losing_an_answer() {
    let store = Fresh::postgres();
    let Url::Postgres(url) = store.url().clone() else { panic!("this is PostgreSQL") };
    store.save(change([version(communication("a"), 1)])).await.unwrap();
    store.read(read(communication("a"))).await.unwrap();
    let mut conn = PgConnection::establish(&url).unwrap();
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    conn.batch_execute(others).unwrap();
    store.save(change([version(communication("b"), 1)])).await.unwrap();
    assert!(store.read(read(communication("b"))).await.unwrap().is_some());
    // Within a transaction the connection goes too; nothing was written, so the change is written again.
    let blocker = Blocker::new(&store);
    let saving = (*store).clone();
    let save = tokio::spawn(async move { saving.save(change([version(communication("c"), 1)])).await });
    sleep(Duration::from_millis(200)).await;
    conn.batch_execute(others).unwrap();
    drop(blocker);
    assert_eq!(save.await.unwrap(), Ok(()));
    assert!(store.read(read(communication("c"))).await.unwrap().is_some());
}

on_both!(
    two_hundred_concurrent_saves_are_all_found_by_another_store,
    a_bad_change_fails_alone_and_its_neighbours_are_saved,
    a_full_queue_refuses_at_once_and_says_when_to_come_back,
    what_was_taken_is_saved_before_the_store_closes,
    several_stores_share_one_database,
);

//! Overrides: kept with their change, and listed by thread.

use domain::change::Change;
use domain::overrides::OverrideRow;
use domain::store::{SaveError, Store};
use domain::time::Span;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn row(name: &str, second: i64) -> OverrideRow {
    OverrideRow {
        id: id(name),
        at: at(second),
        thread: id("root"),
        task: Some(id("task-1")),
        decision: id("d1"),
        kind: "extend".into(),
        reason: "staffing".into(),
        amount: Some(Span::hours(4)),
        due: None,
        until: None,
        sender: None,
        note: Some("flu-season".into()),
        agent: Some(reference("Practitioner/nurse")),
        client: "app".into(),
    }
}

async fn overrides_are_listed_by_thread_oldest_first(store: Fresh) {
    let bare = OverrideRow {
        task: None,
        kind: "pause".into(),
        amount: None,
        due: Some(at(7)),
        until: Some(at(9)),
        note: None,
        agent: None,
        ..row("o1", 2)
    };
    let elsewhere = OverrideRow { thread: id("other"), ..row("o3", 1) };
    let overrides = vec![bare.clone(), row("o2", 1), elsewhere];
    store.save(Change { overrides, ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.overrides(tenant(), id("root")).await.unwrap(), [row("o2", 1), bare]);
    assert!(store.overrides(tenant(), id("nowhere")).await.unwrap().is_empty());
}

async fn an_override_is_written_with_its_change_or_not_at_all(store: Fresh) {
    let late = Change { overrides: vec![row("o1", 1)], threads: vec![thread("root", 2)], ..Change::new(tenant()) };
    assert!(matches!(store.save(late).await, Err(SaveError::Conflict { .. })));
    assert!(store.overrides(tenant(), id("root")).await.unwrap().is_empty());
}

on_both!(overrides_are_listed_by_thread_oldest_first, an_override_is_written_with_its_change_or_not_at_all);

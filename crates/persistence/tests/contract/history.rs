//! Histories, compared with looking at every version in turn.

use domain::access::Visibility;
use domain::change::{Audience, ResourceWrite};
use domain::id::ResourceType;
use domain::search::{History, HistoryPage, Place};
use domain::store::Store;
use jiff::Timestamp;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;
use crate::search::LONG;

const TYPES: [ResourceType; 2] = [ResourceType::Communication, ResourceType::Task];

fn asked(of: &[ResourceType], visibility: &Visibility) -> History {
    History {
        tenant: tenant(),
        of: of.iter().map(|kind| (*kind, visibility.clone())).collect(),
        id: None,
        since: None,
        at: None,
        count: 200,
        after: None,
    }
}

async fn found(store: &Fresh, mut history: History) -> Vec<String> {
    let (mut all, mut longest) = (vec![], 0);
    loop {
        let page = store.history(history.clone()).await.unwrap();
        longest = longest.max(page.rows.len());
        all.extend(page.rows.iter().map(|row| format!("{}#{}", row.key.id, row.version)));
        history.after = page.next;
        if history.after.is_none() {
            assert!(longest <= usize::from(history.count));
            return all;
        }
        assert_eq!(page.rows.len(), usize::from(history.count), "only the last page is short");
    }
}

/// Five resources with one to four versions; many share an instant.
async fn archive(store: &Fresh) -> Vec<ResourceWrite> {
    let mut writes = vec![];
    for version_number in 1..=4 {
        let mut group = vec![];
        for n in 0..5 {
            if version_number > 1 + n % 4 {
                continue;
            }
            let key = if n % 2 == 0 { communication(&format!("m{n}")) } else { task(&format!("t{n}")) };
            let mut write = version(key, version_number);
            write.last_updated = moment(i64::from(version_number * 10 + n / 2));
            write.patient = Some(reference(if n < 3 { "Patient/a" } else { "Patient/b" }));
            write.author = Some(reference("Practitioner/x"));
            write.audience = if version_number == 1 && n == 2 { Audience::Author } else { Audience::Thread };
            write.deleted = version_number == 4;
            write.made_by_update = version_number == 1 && n % 2 == 1;
            group.push(write);
        }
        store.save(change(group.clone())).await.unwrap();
        writes.extend(group);
    }
    writes
}

async fn a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there(store: Fresh) {
    let mut expected = vec![];
    for number in 1..=10 {
        let mut group = [version(communication("m"), number), version(task("t"), number)];
        for write in &mut group {
            write.last_updated = moment(i64::from(number));
            write.body.clone_from(&LONG);
        }
        store.save(change(group)).await.unwrap();
        expected.extend([format!("m#{number}"), format!("t#{number}")]);
    }
    expected.reverse();
    let (mut history, mut pages, mut all) = (asked(&TYPES, &Visibility::Everything), vec![], vec![]);
    loop {
        let page = store.history(history.clone()).await.unwrap();
        pages.push(page.rows.len());
        all.extend(page.rows.iter().map(|row| format!("{}#{}", row.key.id, row.version)));
        history.after = page.next;
        if history.after.is_none() {
            break;
        }
    }
    assert_eq!(pages, [8, 8, 4]);
    assert_eq!(all, expected);
}

fn expected<'w>(writes: impl IntoIterator<Item = &'w ResourceWrite>) -> Vec<String> {
    let mut rows: Vec<&ResourceWrite> = writes.into_iter().collect();
    let place =
        |write: &ResourceWrite| Place { at: write.last_updated, key: write.key.clone(), version: write.version };
    rows.sort_by_key(|write| std::cmp::Reverse(place(write)));
    rows.into_iter().map(|write| format!("{}#{}", write.key.id, write.version)).collect()
}

/// From when to when a version was current.
fn current(write: &ResourceWrite, writes: &[ResourceWrite]) -> (Timestamp, Timestamp) {
    let next = writes.iter().find(|other| other.key == write.key && other.version == write.version.next());
    (write.last_updated, next.map_or(Timestamp::MAX, |next| next.last_updated))
}

async fn a_history_holds_every_version_once_the_latest_first(store: Fresh) {
    let writes = archive(&store).await;
    let everything = Visibility::Everything;
    for count in [1, 2, 3, 200] {
        let all = History { count, ..asked(&TYPES, &everything) };
        assert_eq!(found(&store, all).await, expected(&writes), "{count} a page");
        let tasks = History { count, ..asked(&TYPES[1..], &everything) };
        let of_tasks = writes.iter().filter(|write| write.key.kind == ResourceType::Task);
        assert_eq!(found(&store, tasks).await, expected(of_tasks));
    }
    let one = History { id: Some(id("t3")), ..asked(&TYPES[1..], &everything) };
    assert_eq!(found(&store, one).await, ["t3#4", "t3#3", "t3#2", "t3#1"]);
    let page = store.history(History { id: Some(id("t3")), ..asked(&TYPES[1..], &everything) }).await.unwrap();
    assert_eq!(page.rows.iter().map(|row| row.deleted).collect::<Vec<_>>(), [true, false, false, false]);
    let made = |page: &HistoryPage| page.rows.iter().map(|row| row.made_by_update).collect::<Vec<_>>();
    assert_eq!(made(&page), [false, false, false, true]);
    // What was deleted is made once more; a version keeps how it came about when the next one is written over it.
    for (number, made_by_update) in [(5, true), (6, false)] {
        let last_updated = moment(i64::from(number * 10));
        let again = ResourceWrite { last_updated, made_by_update, ..version(task("t3"), number) };
        store.save(change([again])).await.unwrap();
        let read = store.read(read(task("t3"))).await.unwrap().unwrap();
        assert_eq!((read.version.0, read.made_by_update), (number, made_by_update));
    }
    let page = store.history(History { id: Some(id("t3")), ..asked(&TYPES[1..], &everything) }).await.unwrap();
    assert_eq!(made(&page), [false, true, false, false, false, true]);
}

async fn a_history_may_begin_at_a_moment_or_show_what_was_current_then(store: Fresh) {
    let writes = archive(&store).await;
    for second in 9..45 {
        let since = moment(second);
        let later = writes.iter().filter(|write| write.last_updated >= since);
        let asked_since = History { since: Some(since), ..asked(&TYPES, &Visibility::Everything) };
        assert_eq!(found(&store, asked_since).await, expected(later), "since {second}");
        for length in [1, 5, 20] {
            let (from, until) = (moment(second), moment(second + length));
            let then = writes.iter().filter(|write| {
                let (begins, ends) = current(write, &writes);
                begins < until && ends > from
            });
            let asked_then = History { at: Some((from, until)), count: 2, ..asked(&TYPES, &Visibility::Everything) };
            assert_eq!(found(&store, asked_then).await, expected(then), "{second} for {length}");
        }
    }
}

async fn a_history_shows_each_version_to_those_who_may_see_it(store: Fresh) {
    let writes = archive(&store).await;
    let patient = Visibility::Patient {
        patient: reference("Patient/a"),
        me: reference("Patient/a"),
        sees: domain::access::Sees::ALL,
    };
    let theirs = writes
        .iter()
        .filter(|write| write.patient == Some(reference("Patient/a")) && write.audience == Audience::Thread);
    let theirs = expected(theirs);
    assert_eq!(found(&store, History { count: 2, ..asked(&TYPES, &patient) }).await, theirs);
    assert!(!theirs.contains(&"m2#1".to_owned()), "what was a draft stays its author's");
    let one = History { id: Some(id("m2")), ..asked(&TYPES[..1], &patient) };
    assert_eq!(found(&store, one).await, ["m2#3", "m2#2"]);
    let other = History { id: Some(id("m4")), ..asked(&TYPES[..1], &patient) };
    assert!(found(&store, other).await.is_empty());
}

on_both!(
    a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there,
    a_history_holds_every_version_once_the_latest_first,
    a_history_may_begin_at_a_moment_or_show_what_was_current_then,
    a_history_shows_each_version_to_those_who_may_see_it,
);

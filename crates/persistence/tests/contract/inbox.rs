//! Inboxes, page by page.

use domain::access::Visibility;
use domain::change::Change;
use domain::id::{Reference, ResourceId, TenantId};
use domain::inbox::{Inbox, InboxPlace, Pressing};
use domain::store::Store;
use domain::thread::Thread;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;
use crate::search::LONG;

/// A page as it is asked for.
fn asked(visibility: &Visibility, after: Option<InboxPlace>, backward: bool) -> Inbox {
    Inbox { tenant: tenant(), visibility: visibility.clone(), reader: None, count: 2, after, backward }
}

/// All conversations, page by page to the last; on the way back they must be the same.
async fn everything(store: &Fresh, visibility: &Visibility) -> Vec<String> {
    let (mut all, mut after) = (vec![], None);
    let mut pages: Vec<Vec<String>> = vec![];
    loop {
        let found = store.inbox(asked(visibility, after, false)).await.unwrap();
        assert!(found.rows.iter().all(|row| row.place.pressing == Pressing::Nothing));
        let ids: Vec<String> = found.rows.iter().map(|row| row.root.key.id.to_string()).collect();
        assert_eq!(found.previous.is_some(), !pages.is_empty());
        all.extend(ids.clone());
        pages.push(ids);
        if found.next.is_some() {
            after = found.next;
            continue;
        }
        let mut before = found.previous;
        for page in pages.iter().rev().skip(1) {
            let found = store.inbox(asked(visibility, before, true)).await.unwrap();
            assert_eq!(found.rows.iter().map(|row| row.root.key.id.to_string()).collect::<Vec<_>>(), *page);
            before = found.previous;
        }
        assert!(before.is_none(), "nothing is before the first page");
        return all;
    }
}

async fn where_nothing_is_owed_threads_come_by_their_last_activity_however_many_others_lie_between(store: Fresh) {
    let (mine, me) = (reference("HealthcareService/mine"), reference("Practitioner/me"));
    let mut change = change([]);
    for number in 0..400 {
        let name = format!("t{number:03}");
        let mut root = version(communication(&name), 1);
        root.thread = Some(id(&name));
        let pool_reference = Some(if number % 90 == 7 { mine.clone() } else { reference("HealthcareService/others") });
        let owner = (number == 200).then(|| me.clone());
        // Two at a time are of one instant: then the id decides.
        let last_activity_at = at(number / 2);
        change.resources.push(root);
        change.threads.push(Thread { pool_reference, owner, last_activity_at, ..thread(&name, 1) });
    }
    store.save(change).await.unwrap();
    let staff =
        |pools: &[Reference]| Visibility::Staff { me: me.clone(), pools: pools.to_vec(), leads: vec![], about: None };
    let of_mine = ["t367", "t277", "t200", "t187", "t097", "t007"];
    assert_eq!(everything(&store, &staff(&[mine])).await, of_mine);
    assert_eq!(everything(&store, &staff(&[])).await, ["t200"]);
    let all = everything(&store, &Visibility::Everything).await;
    assert_eq!((all.len(), &all[..3]), (400, &["t398".to_owned(), "t399".to_owned(), "t396".to_owned()][..]));
}

async fn a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there(store: Fresh) {
    let mut expected = vec![];
    for number in (0..20).rev() {
        let name = format!("t{number:02}");
        let mut root = version(communication(&name), 1);
        root.thread = Some(id(&name));
        root.patient = Some(reference("Patient/a"));
        root.body.clone_from(&LONG);
        let thread = Thread { last_activity_at: at(number), ..thread(&name, 1) };
        store.save(Change { threads: vec![thread], ..change([root]) }).await.unwrap();
        expected.push(name);
    }
    let patient = Visibility::Patient {
        patient: reference("Patient/a"),
        me: reference("Patient/a"),
        sees: domain::access::Sees::ALL,
    };
    for visibility in [Visibility::Everything, patient] {
        let (mut all, mut pages) = (vec![], vec![]);
        let mut inbox = Inbox { count: 100, ..asked(&visibility, None, false) };
        loop {
            let page = store.inbox(inbox.clone()).await.unwrap();
            pages.push(page.rows.len());
            all.extend(page.rows.iter().map(|row| row.root.key.id.to_string()));
            inbox.after = page.next;
            if inbox.after.is_none() {
                break;
            }
        }
        assert_eq!((all, pages), (expected.clone(), vec![8, 8, 4]));
    }
}

async fn threads_are_read_together_and_those_that_are_not_there_are_left_out(store: Fresh) {
    let threads = vec![thread("a", 1), thread("b", 1)];
    store.save(Change { threads: threads.clone(), ..Change::new(tenant()) }).await.unwrap();
    let ids = |names: &[&str]| names.iter().map(|name| id(name)).collect::<Vec<ResourceId>>();
    assert_eq!(store.threads(tenant(), ids(&["b", "none", "a"])).await.unwrap(), threads);
    assert_eq!(store.threads(TenantId::new("other"), ids(&["a"])).await.unwrap(), []);
}

on_both!(
    a_page_ends_where_it_grows_too_long_and_the_next_begins_exactly_there,
    where_nothing_is_owed_threads_come_by_their_last_activity_however_many_others_lie_between,
    threads_are_read_together_and_those_that_are_not_there_are_left_out,
);

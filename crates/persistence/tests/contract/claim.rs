//! Claims: work is taken once, and comes back when whoever took it is gone.

use std::collections::BTreeSet;

use domain::calendar::Kept;
use domain::change::{Change, OutboxRow, PutOff};
use domain::clock::ClockState;
use domain::id::TenantId;
use domain::store::{ClaimedClock, ClaimedOutbox, CountedBy, SaveError, Store};
use domain::time::Span;
use tokio::task::JoinSet;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

const LEASE: Span = Span::from_seconds(30);

async fn eight_workers_claim_each_clock_once(store: Fresh) {
    let clocks = (0..100).map(|n| clock(&format!("c{n}"), "root", Some(n))).collect();
    store.save(Change { clocks, ..Change::new(tenant()) }).await.unwrap();
    let other = store.another(|_| {});
    let mut workers = JoinSet::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { (*store).clone() } else { other.clone() };
        workers.spawn(async move {
            let mut mine = vec![];
            loop {
                let claimed = store.claim_clocks(at(1000), LEASE, 7).await.unwrap();
                if claimed.is_empty() {
                    break mine;
                }
                assert!(claimed.len() <= 7);
                mine.extend(claimed.into_iter().map(|one| one.clock.id));
            }
        });
    }
    let all: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
    // A worker that finds others' rows locked may stop early; what it left is nobody's yet.
    let rest: Vec<_> =
        store.claim_clocks(at(1000), LEASE, 100).await.unwrap().into_iter().map(|one| one.clock.id).collect();
    assert_eq!(all.len() + rest.len(), 100);
    assert_eq!(all.into_iter().chain(rest).collect::<BTreeSet<_>>().len(), 100);
}

async fn c12_ten_thousand_timers_are_taken_oldest_first_in_batches_and_no_tenant_starves(store: Fresh) {
    let few = TenantId::new("few");
    for batch in 0..10 {
        let clocks = (0..1000).map(|n| clock(&format!("c{}", batch * 1000 + n), "root", Some(batch * 1000 + n)));
        store.save(Change { clocks: clocks.collect(), ..Change::new(tenant()) }).await.unwrap();
    }
    // Another tenant's are the youngest of all.
    let clocks = (0..30).map(|n| clock(&format!("f{n}"), "root", Some(20_000 + n))).collect();
    store.save(Change { clocks, ..Change::new(few.clone()) }).await.unwrap();
    let mut taken: Vec<ClaimedClock> = vec![];
    let mut batches = 0;
    loop {
        let claimed = store.claim_clocks(at(30_000), Span::hours(1), 100).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        assert!(claimed.len() <= 100, "a batch is bounded");
        batches += 1;
        if batches == 1 {
            let theirs = claimed.iter().filter(|one| one.tenant == few).count();
            assert_eq!((claimed.len(), theirs), (100, 30), "the few are in the first batch");
        }
        taken.extend(claimed);
    }
    assert_eq!((taken.len(), batches), (10_030, 101));
    let due = |one: &ClaimedClock| one.clock.next.as_ref().unwrap().at;
    let ours: Vec<_> = taken.iter().filter(|one| one.tenant == tenant()).map(due).collect();
    assert!(ours.is_sorted(), "the oldest first, from batch to batch");
}

async fn clocks_are_taken_by_what_they_are_counted_by(store: Fresh) {
    let mut other = clock("other", "root", Some(1));
    other.fold.calendar = "clinic@2".into();
    let mut over = clock("over", "root", None);
    over.fold.state = ClockState::Met;
    let clocks = vec![clock("one", "root", Some(3)), clock("two", "root", None), other, over];
    store.save(Change { clocks, ..Change::new(tenant()) }).await.unwrap();
    let by = |calendar: &str| CountedBy { counted_by: "HealthcareService/refill".into(), calendar: calendar.into() };
    assert_eq!(store.counted_by(tenant()).await.unwrap(), [by("clinic"), by("clinic@2")]);
    assert_eq!(store.counted_by(TenantId::new("none")).await.unwrap(), []);
    let take = async |second: i64| -> Vec<String> {
        let claimed = store.claim_counted(tenant(), by("clinic"), at(second), LEASE, 10).await.unwrap();
        claimed.into_iter().map(|one| one.clock.id.to_string()).collect()
    };
    assert_eq!(take(0).await.len(), 2, "with a next threshold or without, and only those that are not over");
    assert_eq!(take(1).await, Vec::<String>::new());
    assert_eq!(take(40).await.len(), 2, "the lease has ended");
    assert_eq!(store.generations().await.unwrap(), [(tenant(), 0)]);
}

async fn a_calendar_is_kept_as_it_was_first_kept(store: Fresh) {
    let kept = |timezone: &str| Kept {
        key: "clinic@1.2.2026a".into(),
        rules: serde_json::from_value(serde_json::json!({"id": "clinic", "timezone": timezone, "alwaysOpen": true}))
            .unwrap(),
        holidays: vec![],
        with: vec![],
    };
    for timezone in ["America/New_York", "UTC"] {
        store.save(Change { calendars: vec![kept(timezone)], ..Change::new(tenant()) }).await.unwrap();
    }
    let found = store.calendars(tenant(), vec!["clinic@1.2.2026a".into(), "none".into()]).await.unwrap();
    assert_eq!(found, [kept("America/New_York")]);
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap().calendars, [], "no clock is counted by it");
    let mut counted = clock("one", "root", None);
    counted.fold.calendar = "clinic@1.2.2026a".into();
    store.save(Change { clocks: vec![counted.clone()], ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.catalogue(tenant(), at(0)).await.unwrap().calendars, found);
    assert_eq!(store.clock(tenant(), counted.id.clone()).await.unwrap(), Some(counted.clone()));
    assert_eq!(store.clock(TenantId::new("none"), counted.id.clone()).await.unwrap(), None);
    store.save(Change { firings: vec![firing("one")], ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.firings(tenant(), counted.id).await.unwrap(), [firing("one")]);
}

async fn a_claimed_clock_comes_back_when_its_lease_ends_or_it_is_saved(store: Fresh) {
    let mut over = clock("over", "root", Some(1));
    over.fold.state = ClockState::Met;
    let clocks =
        vec![clock("late", "root", Some(2)), clock("early", "root", Some(1)), clock("far", "root", Some(99)), over];
    store.save(Change { clocks: clocks.clone(), ..Change::new(tenant()) }).await.unwrap();
    let claim = async |second: i64| -> Vec<String> {
        let claimed = store.claim_clocks(at(second), LEASE, 10).await.unwrap();
        claimed.into_iter().map(|one| one.clock.id.to_string()).collect()
    };
    assert_eq!(claim(0).await, Vec::<String>::new());
    assert_eq!(claim(5).await, ["early", "late"]);
    assert_eq!(claim(6).await, Vec::<String>::new());
    let mut saved = clocks[0].clone();
    saved.revision = 2;
    store.save(Change { clocks: vec![saved.clone()], ..Change::new(tenant()) }).await.unwrap();
    let again = store.claim_clocks(at(7), LEASE, 10).await.unwrap();
    assert_eq!(again.len(), 1);
    assert_eq!((&again[0].clock, &again[0].tenant), (&saved, &tenant()));
    assert_eq!(claim(36).await, ["early"]);
    assert_eq!(claim(99).await, ["early", "late", "far"]);
}

async fn a_clock_that_rests_is_claimed_when_its_pause_ends(store: Fresh) {
    let mut resting = clock("resting", "root", Some(5));
    resting.fold.state = ClockState::Paused;
    resting.fold.due_at = None;
    resting.fold.paused_until = Some(at(5));
    let mut without_end = clock("without-end", "root", None);
    without_end.fold.state = ClockState::Paused;
    store.save(Change { clocks: vec![resting.clone(), without_end], ..Change::new(tenant()) }).await.unwrap();
    assert!(store.claim_clocks(at(4), LEASE, 10).await.unwrap().is_empty());
    let claimed = store.claim_clocks(at(5), LEASE, 10).await.unwrap();
    assert_eq!(claimed.into_iter().map(|one| one.clock).collect::<Vec<_>>(), [resting.clone()]);
    resting.revision = 2;
    let went_on = Change { clocks: vec![resting], ..Change::new(tenant()) };
    let (one, two) = tokio::join!(store.save(went_on.clone()), store.save(went_on));
    assert!(one.is_ok() != two.is_ok(), "it goes on once: {one:?} {two:?}");
}

fn ids(claimed: &[ClaimedOutbox]) -> Vec<&str> {
    claimed.iter().map(|one| one.row.id.as_str()).collect()
}

async fn everything_that_waits_for_a_recipient_is_taken_together(store: Fresh) {
    let rows = vec![
        outbox("n1", Some("HealthcareService/refill"), 1),
        outbox("e1", None, 2),
        outbox("n2", Some("HealthcareService/refill"), 3),
        outbox("n3", Some("HealthcareService/refill"), 50),
        outbox("n4", Some("Practitioner/lead"), 4),
        outbox("e2", None, 5),
    ];
    store.save(Change { outbox: rows.clone(), ..Change::new(tenant()) }).await.unwrap();
    let first = store.claim_outbox(at(10), LEASE, 2).await.unwrap();
    assert_eq!(ids(&first), ["n1", "e1", "n2"], "two taken, and the rest of a recipient's");
    assert_eq!(first[0].row, rows[0]);
    assert_eq!(first[1].row, rows[1]);
    assert_eq!(ids(&store.claim_outbox(at(11), LEASE, 9).await.unwrap()), ["n4", "e2"]);
    assert_eq!(ids(&store.claim_outbox(at(12), LEASE, 9).await.unwrap()), Vec::<&str>::new());
    assert_eq!(ids(&store.claim_outbox(at(55), LEASE, 1).await.unwrap()), ["n1", "n2", "n3"], "the lease has ended");
}

async fn two_workers_never_split_what_waits_for_one_recipient(store: Fresh) {
    let rows = (0..60).map(|n| outbox(&format!("n{n}"), Some(&format!("Practitioner/{}", n % 3)), n)).collect();
    store.save(Change { outbox: rows, ..Change::new(tenant()) }).await.unwrap();
    let other = store.another(|_| {});
    let mut workers = JoinSet::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { (*store).clone() } else { other.clone() };
        workers.spawn(async move { store.claim_outbox(at(100), LEASE, 1).await.unwrap() });
    }
    let mut sizes: Vec<usize> = workers.join_all().await.iter().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [0, 0, 0, 0, 0, 20, 20, 20]);
}

async fn an_outbox_row_is_dispatched_once(store: Fresh) {
    let rows = vec![outbox("n1", Some("HealthcareService/refill"), 0), outbox("e1", None, 0)];
    store.save(Change { outbox: rows, ..Change::new(tenant()) }).await.unwrap();
    let digest = Change {
        dispatched: vec![dispatched("n1", Some("d1")), dispatched("e1", None)],
        deliveries: vec![delivery("d1", &["n1"])],
        ..Change::new(tenant())
    };
    let mut again = digest.clone();
    again.deliveries = vec![delivery("d2", &["n1"])];
    store.save(digest).await.unwrap();
    assert_eq!(store.save(again).await, Err(SaveError::Conflict { key: None }));
    assert_eq!(store.deliveries(tenant(), 9).await.unwrap(), [delivery("d1", &["n1"])]);
    assert!(store.claim_outbox(at(1000), LEASE, 9).await.unwrap().is_empty());
}

async fn an_outbox_row_that_is_put_off_is_claimed_when_its_time_comes_and_never_once_it_has_left(store: Fresh) {
    let row = outbox("n1", Some("HealthcareService/refill"), 0);
    store.save(Change { outbox: vec![row.clone()], ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.claim_outbox(at(10), LEASE, 9).await.unwrap()[0].row, row);
    let later = Change { put_off: vec![PutOff { outbox: row.id.clone(), until: at(50) }], ..Change::new(tenant()) };
    store.save(later.clone()).await.unwrap();
    assert!(store.claim_outbox(at(49), LEASE, 9).await.unwrap().is_empty());
    let claimed = store.claim_outbox(at(50), LEASE, 9).await.unwrap();
    assert_eq!(claimed[0].row, OutboxRow { release_at: at(50), ..row });
    store.save(Change { dispatched: vec![dispatched("n1", None)], ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.save(later).await, Err(SaveError::Conflict { key: None }));
}

async fn gauges_tell_clocks_by_state_and_the_oldest_row_that_waits(store: Fresh) {
    let mut met = clock("met", "root", None);
    met.fold.state = ClockState::Met;
    let change = Change {
        clocks: vec![clock("a", "root", Some(1)), clock("b", "root", None), met],
        outbox: vec![outbox("e1", None, 30), outbox("e2", None, 20), outbox("e3", None, 10)],
        ..Change::new(tenant())
    };
    store.save(change).await.unwrap();
    store.save(Change { dispatched: vec![dispatched("e3", None)], ..Change::new(tenant()) }).await.unwrap();
    let gauges = store.gauges(at(25)).await.unwrap();
    let counted: Vec<(&str, i64)> = gauges.clocks.iter().map(|(state, count)| (state.as_str(), *count)).collect();
    assert_eq!(counted, [("pending", 0), ("running", 2), ("paused", 0)], "those that are over are not counted");
    assert_eq!(gauges.oldest_outbox_release_at, Some(at(20)));
    assert_eq!(store.gauges(at(15)).await.unwrap().oldest_outbox_release_at, None);
    assert_eq!(gauges.write_queue, 0);
}

on_both!(
    eight_workers_claim_each_clock_once,
    c12_ten_thousand_timers_are_taken_oldest_first_in_batches_and_no_tenant_starves,
    clocks_are_taken_by_what_they_are_counted_by,
    a_calendar_is_kept_as_it_was_first_kept,
    a_claimed_clock_comes_back_when_its_lease_ends_or_it_is_saved,
    a_clock_that_rests_is_claimed_when_its_pause_ends,
    everything_that_waits_for_a_recipient_is_taken_together,
    two_workers_never_split_what_waits_for_one_recipient,
    an_outbox_row_is_dispatched_once,
    an_outbox_row_that_is_put_off_is_claimed_when_its_time_comes_and_never_once_it_has_left,
    gauges_tell_clocks_by_state_and_the_oldest_row_that_waits,
);

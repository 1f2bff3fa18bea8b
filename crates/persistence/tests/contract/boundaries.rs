//! Memories of those who write, holds and blocks: each state follows the one before, and an end comes once.

use domain::access::{PatientFacts, Visibility};
use domain::change::{Audience, Change};
use domain::correspondent::{Barred, Correspondent, Who};
use domain::hold::{Block, BlockEnd, BlockReason, Hold, HoldCause, HoldEnd, HoldState};
use domain::search::Read;
use domain::store::{SaveError, Store};
use domain::time::Span;

use crate::fresh::Fresh;
use crate::on_both;
use crate::sample::*;

fn remembering(own: Correspondent) -> Change {
    Change { correspondents: vec![own], ..Change::new(tenant()) }
}

async fn a_memory_is_kept_and_of_two_states_after_one_the_second_is_refused(store: Fresh) {
    let who = Who::Sender(reference("Patient/p-1"));
    let unknown = store.correspondent(tenant(), who.clone()).await.unwrap();
    assert_eq!(unknown, Correspondent::unknown(who.clone()));
    let mut next = unknown.clone();
    next.count(&id("root"), true, at(0));
    next.bar(Barred { id: id("b"), pool: None, until: at(900), contact: Some("closed".into()) });
    next.exempt(at(60));
    let next = next.kept(Span::hours(1), Span::hours(1), at(0));
    for mut twin in [next.clone(), next.clone()] {
        twin.revision = 1;
        let saved = store.save(remembering(twin)).await;
        assert!(saved.is_ok() || matches!(saved, Err(SaveError::Conflict { .. })), "{saved:?}");
    }
    assert_eq!(store.correspondent(tenant(), who.clone()).await.unwrap(), next);
    let second = next.clone().kept(Span::hours(1), Span::hours(1), at(1));
    store.save(remembering(second.clone())).await.unwrap();
    let lost = store.save(remembering(second.clone())).await;
    assert!(matches!(lost, Err(SaveError::Conflict { .. })), "{lost:?}");
    assert_eq!(store.correspondent(tenant(), who).await.unwrap(), second);
    let everyone = store.correspondent(tenant(), Who::Everyone).await.unwrap();
    assert_eq!(everyone.revision, 0, "another memory");
}

pub fn hold(message: &str, pool: &str, until: i64) -> Hold {
    Hold {
        message: id(message),
        thread: id("root"),
        sender: reference("Patient/p-1"),
        patient: Some(reference("Patient/p-1")),
        pool: "refill".into(),
        pool_reference: reference(pool),
        cause: HoldCause::Limit,
        rule: "a-day".into(),
        clock: id("review"),
        task: id(&format!("{message}-task")),
        received_at: at(0),
        until: at(until),
        facts: PatientFacts { age_years: Some(44), zone: Some("Asia/Tokyo".into()), ..PatientFacts::default() },
        state: HoldState::Held,
        ended: None,
    }
}

async fn a_hold_ends_once_and_waits_in_the_order_of_its_end(store: Fresh) {
    let (first, second) = (hold("m1", "HealthcareService/refill", 50), hold("m2", "HealthcareService/family", 40));
    store.save(Change { holds: vec![first.clone(), second.clone()], ..Change::new(tenant()) }).await.unwrap();
    assert_eq!(store.hold(tenant(), id("m1")).await.unwrap(), Some(first.clone()));
    assert_eq!(store.hold(tenant(), id("m9")).await.unwrap(), None);
    let due = store.due_holds(at(50), 10).await.unwrap();
    assert_eq!(due, [(tenant(), second.clone()), (tenant(), first.clone())]);
    assert_eq!(store.due_holds(at(39), 10).await.unwrap(), []);
    let refill = Some(vec![reference("HealthcareService/refill")]);
    let listed = store.holds(tenant(), refill.clone(), HoldState::Held, 10).await.unwrap();
    assert_eq!(listed, std::slice::from_ref(&first));
    assert_eq!(store.holds(tenant(), None, HoldState::Held, 10).await.unwrap().len(), 2);

    let end = HoldEnd {
        at: at(30),
        reason: "reviewed".into(),
        decision: id("d1"),
        agent: Some(reference("Practitioner/lead")),
        client: "ehr".into(),
    };
    let ended = Hold { state: HoldState::Released, ended: Some(end), ..first };
    let change = Change { holds: vec![ended.clone()], ..Change::new(tenant()) };
    store.save(change.clone()).await.unwrap();
    assert!(matches!(store.save(change).await, Err(SaveError::Conflict { .. })));
    assert_eq!(store.hold(tenant(), id("m1")).await.unwrap(), Some(ended.clone()));
    assert_eq!(store.due_holds(at(50), 10).await.unwrap().len(), 1);
    assert_eq!(store.holds(tenant(), refill, HoldState::Released, 10).await.unwrap(), [ended]);
}

async fn a_held_message_and_its_review_are_seen_by_the_leads_of_its_pool(store: Fresh) {
    let mut held = version(communication("m1"), 1);
    held.thread = Some(id("root"));
    held.patient = Some(reference("Patient/p-1"));
    held.author = Some(reference("Patient/p-1"));
    held.audience = Audience::Author;
    let mut review = version(task("m1-task"), 1);
    review.thread = Some(id("root"));
    review.patient = Some(reference("Patient/p-1"));
    review.audience = Audience::Author;
    let mut change = change([held, review]);
    change.threads = vec![thread("root", 1)];
    change.holds = vec![hold("m1", "HealthcareService/refill", 50)];
    store.save(change).await.unwrap();
    let staff = |leads: &[&str]| Visibility::Staff {
        me: reference("Practitioner/lead"),
        pools: vec![reference("HealthcareService/refill")],
        leads: leads.iter().map(|pool| reference(pool)).collect(),
        about: None,
    };
    let author = Visibility::Patient {
        patient: reference("Patient/p-1"),
        me: reference("Patient/p-1"),
        sees: domain::access::Sees::ALL,
    };
    let proxy = Visibility::Patient {
        patient: reference("Patient/p-1"),
        me: reference("RelatedPerson/r"),
        sees: domain::access::Sees::ALL,
    };
    let seen = async |visibility: &Visibility| {
        let of = |key| Read { tenant: tenant(), key, version: None, visibility: visibility.clone() };
        let message = store.read(of(communication("m1"))).await.unwrap().is_some();
        (message, store.read(of(task("m1-task"))).await.unwrap().is_some())
    };
    assert_eq!(seen(&staff(&["HealthcareService/refill"])).await, (true, true));
    assert_eq!(seen(&staff(&["HealthcareService/family"])).await, (false, false));
    assert_eq!(seen(&staff(&[])).await, (false, false), "members of the pool do not");
    assert_eq!(seen(&author).await, (true, false));
    assert_eq!(seen(&proxy).await, (false, false));
}

async fn a_block_is_listed_until_its_end_and_ends_once(store: Fresh) {
    let block = Block {
        id: id("b1"),
        at: at(0),
        sender: reference("Patient/p-1"),
        pool: Some("refill".into()),
        pool_reference: Some(reference("HealthcareService/refill")),
        reason: BlockReason::OtherWayAgreed,
        until: at(100),
        contact: None,
        agent: Some(reference("Practitioner/lead")),
        client: "ehr".into(),
        ended: None,
    };
    let saving = |block: &Block| Change { blocks: vec![block.clone()], ..Change::new(tenant()) };
    store.save(saving(&block)).await.unwrap();
    assert_eq!(store.block(tenant(), id("b1")).await.unwrap(), Some(block.clone()));
    let ended = Block { ended: Some(BlockEnd { at: at(9), agent: None }), ..block };
    store.save(saving(&ended)).await.unwrap();
    assert!(matches!(store.save(saving(&ended)).await, Err(SaveError::Conflict { .. })));
    let listed = async |pools: Option<&str>, since: i64, limit: u16| {
        let pools = pools.map(|pool| vec![reference(pool)]);
        store.blocks(tenant(), pools, at(since), limit).await.unwrap()
    };
    assert_eq!(listed(None, 99, 10).await, std::slice::from_ref(&ended));
    assert_eq!(listed(None, 100, 10).await, []);
    // Others' later blocks do not crowd out the only one of a pool.
    for number in 2..5 {
        let pool = Some(reference("HealthcareService/other"));
        let other =
            Block { id: id(&format!("b{number}")), at: at(number), pool_reference: pool, ended: None, ..ended.clone() };
        store.save(saving(&other)).await.unwrap();
    }
    assert_eq!(listed(Some("HealthcareService/refill"), 99, 2).await, [ended]);
    assert_eq!(listed(Some("HealthcareService/other"), 99, 2).await.len(), 2);
}

on_both!(
    a_memory_is_kept_and_of_two_states_after_one_the_second_is_refused,
    a_hold_ends_once_and_waits_in_the_order_of_its_end,
    a_held_message_and_its_review_are_seen_by_the_leads_of_its_pool,
    a_block_is_listed_until_its_end_and_ends_once,
);

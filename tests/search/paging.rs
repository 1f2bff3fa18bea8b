//! Pages: every message once, in order, while others are being sent.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::client::Client;
use crate::house::House;
use crate::people::{engine, patient, refill};

on_both!(house:
    pages_have_neither_gaps_nor_repetitions_while_messages_are_sent,
    a_page_is_as_long_as_was_asked_and_no_longer_than_is_given,
    a_place_in_a_list_is_only_good_for_that_list,
);

/// Follows `next` to the end; the ids of each page.
async fn walk(client: &Client, first: &str, mut between: impl AsyncFnMut(usize)) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = client.get(&engine(), first).await.is(200);
    loop {
        assert!(page.link("self").is_some());
        pages.push(page.ids());
        between(pages.len()).await;
        match page.link("next") {
            Some(next) => page = client.get(&engine(), &next).await.is(200),
            None => return pages,
        }
    }
}

async fn pages_have_neither_gaps_nor_repetitions_while_messages_are_sent(house: &House) {
    let mut sent = Vec::new();
    for number in 0..23 {
        // Some share an instant: their ids decide.
        house.pass(i64::from(number % 3 == 0));
        sent.push(house.create(&patient("p-1001"), &refill("p-1001", &format!("Number {number}."))).await.is(201).id());
    }
    for sort in ["sent", "-sent", "_lastUpdated", "-_lastUpdated"] {
        let first = format!("/fhir/Communication?category=refill&_sort={sort}&_count=4");
        let pages = walk(house, &first, async |page| {
            if page < 6 {
                // Newer ones, and at the same instant as the last.
                house.pass(i64::from(page % 2 == 0));
                house.create(&patient("p-2002"), &refill("p-2002", "In between.")).await.is(201);
            }
        })
        .await;
        let seen: Vec<&String> = pages.iter().flatten().collect();
        let once: BTreeSet<&String> = seen.iter().copied().collect();
        assert_eq!(once.len(), seen.len(), "{sort}: a message twice");
        assert!(sent.iter().all(|id| once.contains(id)), "{sort}: a message is missing");
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == 4), "{sort}: {pages:?}");
    }
    let ordered = house.get(&engine(), "/fhir/Communication?patient=p-1001&category=refill&_sort=sent").await.is(200);
    let times: Vec<String> = ordered.resources().iter().map(|one| one["sent"].as_str().unwrap().to_owned()).collect();
    assert!(times.is_sorted(), "{times:?}");
    let reversed = house.get(&engine(), "/fhir/Communication?patient=p-1001&category=refill&_sort=-sent").await.is(200);
    assert_eq!(reversed.ids(), ordered.ids().into_iter().rev().collect::<Vec<_>>());
}

async fn a_page_is_as_long_as_was_asked_and_no_longer_than_is_given(house: &House) {
    let texts: Vec<_> = (0..5).map(|number| refill("p-1001", &format!("Number {number}."))).collect();
    let who = patient("p-1001");
    for reply in join_all(texts.iter().map(|body| house.create(&who, body))).await {
        reply.is(201);
    }
    let page = house.get(&engine(), "/fhir/Communication?category=refill&_count=3&_total=accurate").await.is(200);
    assert_eq!((page.ids().len(), &page.json()["total"]), (3, &serde_json::json!(5)));
    assert!(page.link("next").is_some() && page.link("self").unwrap().contains("_count=3"));
    let none = house.get(&engine(), "/fhir/Communication?category=refill&_count=0&_total=accurate").await.is(200);
    assert_eq!((none.ids().len(), &none.json()["total"]), (0, &serde_json::json!(5)));
    let whole = house.get(&engine(), "/fhir/Communication?category=refill&_count=5").await.is(200);
    assert!(whole.ids().len() == 5 && whole.link("next").is_none());
    let capped = house.get(&engine(), "/fhir/Communication?_count=1000000000").await.is(200);
    assert!(!capped.link("self").unwrap().contains("1000000000"), "{:?}", capped.link("self"));
    // Next shows the same conditions.
    let next = page.link("next").unwrap();
    assert!(next.starts_with(&format!("{}/fhir/Communication?", house.base())) && next.contains("category=refill"));
}

async fn a_place_in_a_list_is_only_good_for_that_list(house: &House) {
    for _ in 0..3 {
        house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    }
    let page = house.get(&engine(), "/fhir/Communication?_sort=sent&_count=1").await.is(200);
    let next = page.link("next").unwrap();
    let cursor = next.split("_cursor=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    assert!(!cursor.contains("2026"), "a place says nothing that a client could build on: {cursor}");
    house.get(&engine(), &format!("/fhir/Communication?_sort=-sent&_cursor={cursor}")).await.is(400);
    house.get(&engine(), &format!("/fhir/Task?_cursor={cursor}")).await.is(400);
    // Another caller's world begins where theirs does.
    let other = house.get(&patient("p-2002"), &next).await.is(200);
    assert!(other.ids().is_empty());
}

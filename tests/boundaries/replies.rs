//! Automatic replies as a patient finds them.

use serde_json::json;

use super::govern;
use crate::house::House;
use crate::people::{FAMILY, following, nurse, patient, refill, reply};

on_both!(house:
    a_clinic_that_is_closed_says_when_it_opens_once_a_closure,
    budgets_hold_across_replicas,
);

async fn closing(house: &House) {
    govern(house, |bundle| {
        bundle["templates"].as_array_mut().unwrap().push(json!({
            "id": "closed", "version": 1, "variables": ["nextOpen.local"],
            "texts": { "en": "We open {{nextOpen.local}}." },
        }));
        let closed = json!({ "id": "closed", "when": "calendar-closed", "template": "closed" });
        bundle["awayReplies"].as_array_mut().unwrap().insert(0, closed);
    })
    .await;
}

async fn a_clinic_that_is_closed_says_when_it_opens_once_a_closure(house: &House) {
    closing(house).await;
    house.at(19, "17:30:00");
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    assert_eq!(house.automatic(&root).await, ["We open Monday, June 22 at 8:00 AM EDT."]);
    house.pass(60);
    house.create(&patient("p-1001"), &following(refill("p-1001", "Four left."), &root)).await.is(201);
    assert_eq!(house.automatic(&root).await.len(), 1);
    // What the team itself writes while it is closed is answered by nobody.
    house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201);
    assert_eq!(house.automatic(&root).await.len(), 1);
    let other = refill("p-2002", "Hello.");
    let other = house.create(&patient("p-2002"), &other).await.is(201).id();
    assert_eq!(house.automatic(&other).await, ["We open Monday, June 22 at 8:00 AM EDT."]);
}

async fn budgets_hold_across_replicas(house: &House) {
    let replica = house.another().await;
    let mut threads = vec![];
    for number in 0..14 {
        let client = if number % 2 == 0 { &**house } else { &replica.client };
        let asked = crate::people::message("p-1001", FAMILY, "form", "Form", "Please sign.");
        threads.push(client.create(&patient("p-1001"), &asked).await.is(201).id());
    }
    let mut replies = 0;
    for thread in &threads {
        replies += house.automatic(thread).await.len();
    }
    assert_eq!(replies, 10, "ten a day to one person");
    let flagged = refill("p-1001", "It may be a stroke.");
    let flagged = house.create(&patient("p-1001"), &flagged).await.is(201).id();
    assert_eq!(house.automatic(&flagged).await.len(), 1, "outside every budget");
    replica.stop().await;
}

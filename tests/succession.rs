//! What becomes of pools, clocks and warnings when time passes over a bundle, or another follows it.

use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::house::{House, work};
use crate::people::{FAMILY, LEAD, REFILL, engine, message, nurse, patient, refill, scoped, staff};

on_both!(house:
    a_calendar_that_ends_leaves_the_other_pools_and_a_person_looks_at_what_it_cannot_bound,
    under_what_stands_in_for_a_bundle_the_pools_stay_and_no_clock_is_moved,
    a_conversation_whose_pool_is_no_more_is_handed_over_once_by_many_workers,
    a_pool_that_is_called_otherwise_keeps_its_people_and_its_warnings,
    a_warning_that_waits_for_the_morning_does_not_leave_once_its_clock_is_cancelled,
);

const REFILL_PATH: &str = "/fhir/HealthcareService/refill-pool";

/// The refill pool's resource without hours of its own, so that the bundle's calendar counts.
async fn without_hours(house: &House) {
    let bare = json!({ "resourceType": "HealthcareService", "id": "refill-pool", "active": true,
        "name": "Riverside refills" });
    house.put(&engine(), REFILL_PATH, &bare).await.is(200);
}

fn other(text: &str) -> Value {
    message("p-2", FAMILY, "other", "Question", text)
}

async fn a_calendar_that_ends_leaves_the_other_pools_and_a_person_looks_at_what_it_cannot_bound(house: &House) {
    without_hours(house).await;
    govern(house, |bundle| {
        let mut season = bundle["calendars"][0].clone();
        season["id"] = json!("season");
        season["weekly"] = json!([]);
        season["exceptions"] = json!([{ "from": "2026-06-01", "to": "2026-06-25", "reason": "the season",
            "shifts": [{ "start": "08:00", "end": "17:00" }] }]);
        bundle["calendars"].as_array_mut().unwrap().push(season);
        bundle["pools"][1]["calendar"] = json!("season");
    })
    .await;
    let before = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.work().await;
    house.at(29, "10:00:00");
    let restarted = house.another().await;
    let usual = restarted.client.create(&patient("p-2"), &other("What now?")).await.is(201).id();
    let row = |id: &str, column: &str| {
        let select = format!("SELECT coalesce({column}, '') AS value FROM thread WHERE id = '{id}'");
        house.place.texts(&select).remove(0)
    };
    assert_eq!(row(&usual, "pool_reference"), FAMILY);
    let marked = |id: &str| house.place.count("thread", &format!("id = '{id}' AND needs_review"));
    assert_eq!(marked(&usual), 0, "nothing is wrong with this pool");
    let unbounded = restarted.client.create(&patient("p-1"), &refill("p-1", "None left.")).await.is(201).id();
    assert_eq!(marked(&unbounded), 1, "a person must look");
    for thread in [&before, &usual, &unbounded] {
        restarted.client.get(&nurse(), &format!("/fhir/Communication/{thread}")).await.is(200);
    }
    let family = staff("Practitioner/other", &["family"]);
    let seen = restarted.client.get(&family, &format!("/fhir/Communication/{unbounded}")).await.is(200);
    assert_eq!(seen.json()["status"], "completed");
    let done = work(&[restarted.service.worker()]).await;
    assert_eq!((done.recalendared.len(), done.adopted.len(), done.failed.len()), (0, 0, 0), "{done:?}");
    restarted.stop().await;
}

async fn under_what_stands_in_for_a_bundle_the_pools_stay_and_no_clock_is_moved(house: &House) {
    without_hours(house).await;
    govern(house, |bundle| {
        let mut late = bundle["calendars"][0].clone();
        late["id"] = json!("late");
        late["weekly"][0]["shifts"] = json!([{ "start": "13:00", "end": "22:00" }]);
        bundle["calendars"].as_array_mut().unwrap().push(late);
        bundle["pools"][1]["calendar"] = json!("late");
    })
    .await;
    let before = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.work().await;
    let due = house.task(&before).await["restriction"]["period"]["end"].clone();
    house.place.execute("UPDATE bundle SET body = replace(body, '\"turnaround\":', '\"turnarounds\":')");
    let restarted = house.another().await;
    let sent = restarted.client.create(&patient("p-2"), &message("p-2", REFILL, "other", "Pills", "Two left.")).await;
    let sent = sent.is(201).id();
    let marked = format!("id = '{sent}' AND needs_review AND pool_reference = '{REFILL}'");
    assert_eq!(house.place.count("thread", &marked), 1);
    let members = staff("Practitioner/other", &["refill"]);
    for thread in [&before, &sent] {
        restarted.client.get(&members, &format!("/fhir/Communication/{thread}")).await.is(200);
    }
    let done = work(&[restarted.service.worker()]).await;
    assert_eq!((done.recalendared.len(), done.adopted.len(), done.failed.len()), (0, 0, 0), "{done:?}");
    assert_eq!(house.task(&before).await["restriction"]["period"]["end"], due);
    restarted.stop().await;
}

async fn a_conversation_whose_pool_is_no_more_is_handed_over_once_by_many_workers(house: &House) {
    let mut threads = vec![];
    for number in 0..6 {
        let id = format!("p-{number}");
        threads.push(house.create(&patient(&id), &refill(&id, "Five left.")).await.is(201).id());
    }
    house.work().await;
    let due = house.task(&threads[0]).await["restriction"]["period"]["end"].clone();
    let family = staff("Practitioner/other", &["family"]);
    house.get(&family, &format!("/fhir/Communication/{}", threads[0])).await.is(404);
    govern(house, |bundle| {
        bundle["pools"].as_array_mut().unwrap().pop();
        bundle["routing"] = json!([]);
    })
    .await;
    let other = house.another().await;
    let workers: Vec<_> =
        (0..4).map(|number| if number % 2 == 0 { house.service().worker() } else { other.service.worker() }).collect();
    let done = work(&workers).await;
    assert_eq!((done.adopted.len(), done.failed.len()), (6, 0), "{done:?}");
    assert!(done.adopted.iter().all(|told| told.starts_with("refill: ")));
    assert_eq!(house.place.count("thread", &format!("needs_review AND pool_reference = '{FAMILY}'")), 6);
    assert_eq!(house.place.count("audit", "interaction = 'hand-over' AND client = 'postern'"), 6);
    let told = house.place.count("outbox", &format!("topic = 'handed-over' AND recipient = '{FAMILY}'"));
    assert_eq!(told, 6, "once for each");
    for thread in &threads {
        house.get(&family, &format!("/fhir/Communication/{thread}")).await.is(200);
    }
    let task = house.get(&family, &format!("/fhir/Task?focus=Communication/{}", threads[0])).await.is(200).resources();
    assert_eq!((&task[0]["owner"]["reference"], &task[0]["restriction"]["period"]["end"]), (&json!(FAMILY), &due));
    assert!(work(&workers).await.adopted.is_empty());
    other.stop().await;
}

async fn a_pool_that_is_called_otherwise_keeps_its_people_and_its_warnings(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    govern(house, |bundle| {
        bundle["pools"][0]["leads"] = json!(["Practitioner/family-lead"]);
        bundle["pools"][1]["id"] = json!("refills");
        bundle["routing"][0]["do"][0]["to"] = json!("refills");
    })
    .await;
    assert!(house.work().await.adopted.is_empty());
    house.get(&staff("Practitioner/other", &["refills"]), &format!("/fhir/Communication/{thread}")).await.is(200);
    house.at(23, "17:00:01");
    house.work().await;
    let told = |who: &str| house.place.count("outbox", &format!("topic = 'breach' AND recipient = '{who}'"));
    assert!(told(LEAD) > 0 && told("Practitioner/family-lead") == 0);
}

async fn a_warning_that_waits_for_the_morning_does_not_leave_once_its_clock_is_cancelled(house: &House) {
    house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201);
    house.work().await;
    house.at(23, "17:00:01");
    house.work().await;
    let waiting = "topic = 'breach' AND recipient IS NOT NULL AND dispatched_at IS NULL";
    assert!(house.place.count("outbox", waiting) > 0, "the lead is told in the morning");
    house.at(23, "20:00:00");
    let mut next = server::clinic::bundle().unwrap();
    next.version += 1;
    let operations = scoped(&engine(), "postern/admin.read postern/admin.write");
    house.post(&operations, "/api/v1/bundles", &next.canonical()).await.is(201);
    let path = format!("/api/v1/bundles/{}/{}/activate", next.id, next.version);
    house.post(&operations, &path, &json!({ "cancelRunning": "clinic-closes" }).to_string()).await.is(200);
    let cancelled = house.work().await.cancelled.len();
    assert!(cancelled > 0);
    assert_eq!(house.place.count("outbox", waiting), 0);
    let noted = house.place.count("audit", "interaction = 'withdraw' AND client = 'postern'");
    assert_eq!(noted, i64::try_from(cancelled).unwrap());
    house.at(24, "08:00:00");
    let morning = house.work().await;
    assert!(morning.delivered.iter().all(|told| !told.contains("breach")), "{morning:?}");
}

//! What the team does with whole threads, over HTTP: opened, handed over, merged, answered while waiting, told late.

use jiff::ToSpan as _;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{FAMILY, engine, following, nurse, patient, refill, reply, scoped, staff};

on_both!(house:
    b8_a_hand_over_moves_the_task_and_the_warnings_and_leaves_due_and_promise,
    b17_two_threads_are_merged_and_the_earliest_unanswered_wins,
    b4_an_answer_that_waits_for_the_patient_is_met_and_the_thread_waits,
    b25_messages_that_an_engine_delivers_out_of_order_end_alike,
    b25_a_late_answer_meets_an_overdue_request_and_its_breach_stays,
    a_late_answer_after_a_merge_meets_what_was_taken_over_and_the_conversation_goes_on,
    what_a_portal_marks_as_a_machines_is_owed_also_when_something_comes_late,
    b18_clocks_that_run_when_their_bundle_retires_finish_under_it,
    b18_clocks_are_cancelled_with_their_bundle_when_its_successor_says_why_and_a_person_looks,
    what_a_message_says_of_its_time_is_believed_of_an_engine_alone,
    a_clock_is_explained_in_the_language_that_is_asked_for,
);

/// The clocks of a thread, as administrators read them.
async fn clocks(house: &House, thread: &str) -> Vec<Value> {
    let listed = house.get(&engine(), &format!("/api/v1/threads/{thread}/clocks")).await.is(200).json();
    listed["clocks"].as_array().unwrap().clone()
}

async fn clock(house: &House, thread: &str, name: &str) -> Value {
    clocks(house, thread).await.into_iter().rev().find(|clock| clock["name"] == name).unwrap()
}

fn colleague() -> api::auth::DevelopmentClaims {
    staff("Practitioner/both", &["refill", "family"])
}

async fn b8_a_hand_over_moves_the_task_and_the_warnings_and_leaves_due_and_promise(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    let before = clock(house, &thread, "next-response").await;
    let path = format!("/api/v1/threads/{thread}/route");
    let asked = json!({ "pool": "family", "reason": "needs-expertise" });
    house.post(&patient("p-1"), &path, &asked.to_string()).await.is(403);
    house.post(&staff("Practitioner/x", &["family"]), &path, &asked.to_string()).await.is(404);
    house.post(&nurse(), &path, &json!({ "pool": "lunar", "reason": "workload" }).to_string()).await.is(422);
    let refused =
        house.post(&nurse(), &path, &json!({ "pool": "family", "reason": "because" }).to_string()).await.is(422);
    assert_eq!(refused.json()["issues"][0]["pointer"], "/reason", "{}", refused.text);
    let handed = house.post(&colleague(), &path, &asked.to_string()).await.is(200).json();
    assert_eq!(handed["pool"], "family");
    let after = clock(house, &thread, "next-response").await;
    for member in ["dueAt", "promisedAt", "startedAt", "used", "segments", "cycle", "ledger"] {
        assert_eq!(after[member], before[member], "{member}");
    }
    let task = house.task(&thread).await;
    assert_eq!(task["owner"]["reference"], FAMILY);
    house.work().await;
    assert_eq!(house.place.count("delivery", &format!("recipient = '{FAMILY}' AND topics LIKE '%handed-over%'")), 1);
    house.post(&colleague(), &path, &asked.to_string()).await.is(422);
    assert_eq!(house.place.count("audit", "interaction = 'route-thread'"), 1);
}

async fn b17_two_threads_are_merged_and_the_earliest_unanswered_wins(house: &House) {
    let older = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.at(22, "09:00:00");
    let newer = house.create(&patient("p-1"), &refill("p-1", "Four left.")).await.is(201).id();
    let foreign = house.create(&patient("p-2"), &refill("p-2", "None left.")).await.is(201).id();
    let (first, second) = (clock(house, &older, "next-response").await, clock(house, &newer, "next-response").await);
    assert!(first["dueAt"].as_str() < second["dueAt"].as_str());
    let path = format!("/api/v1/threads/{older}/merge");
    let asked = |into: &str| json!({ "into": into, "reason": "same-matter" });
    house.post(&nurse(), &path, &asked(&foreign).to_string()).await.is(422);
    house.post(&nurse(), &path, &asked(&older).to_string()).await.is(422);
    house.post(&patient("p-1"), &path, &asked(&newer).to_string()).await.is(403);
    house.post(&nurse(), &path, &asked(&newer).to_string()).await.is(200);
    let kept = clock(house, &newer, "next-response").await;
    assert_eq!((&kept["id"], &kept["dueAt"]), (&second["id"], &first["dueAt"]));
    assert_eq!(kept["promisedAt"], first["promisedAt"], "never later than either was told");
    let ended = clock(house, &older, "next-response").await;
    assert_eq!(ended["state"], "cancelled");
    let link = format!("merged-into Communication/{newer}");
    assert!(
        ended["ledger"].as_array().unwrap().iter().any(|entry| entry["event"]["reason"] == link.as_str()),
        "{ended}"
    );
    assert_eq!(house.task(&newer).await["restriction"]["period"]["end"], first["dueAt"]);
    house.post(&nurse(), &path, &asked(&newer).to_string()).await.is(422);
    // Both stay readable, and what is written to the one is heard in the other.
    house.get(&patient("p-1"), &format!("/fhir/Communication/{older}")).await.is(200);
    let late = following(refill("p-1", "Three left."), &older);
    let heard = house.create(&patient("p-1"), &late).await.is(201).json();
    assert!(heard["partOf"].to_string().contains(&newer), "{heard}");
    house.create(&nurse(), &reply("p-1", &newer, "Done.")).await.is(201);
    house.at(30, "12:00:00");
    assert!(
        house.work().await.fired.iter().all(|line| !line.starts_with("breach")) || {
            // The stranger's thread alone is late.
            house.place.count("clock", &format!("breached_at IS NOT NULL AND thread <> '{foreign}'")) == 0
        }
    );
    assert_eq!(house.place.count("audit", "interaction = 'merge-thread'"), 2);
}

fn awaiting(patient: &str, thread: &str) -> Value {
    let mut message = reply(patient, thread, "Which pharmacy?");
    message["extension"] = json!([{ "url": fhir::canonical::AWAITS, "valueCode": "patient" }]);
    message
}

async fn b4_an_answer_that_waits_for_the_patient_is_met_and_the_thread_waits(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.post(&nurse(), &format!("/api/v1/threads/{thread}/open"), &json!({}).to_string()).await.is(200);
    assert_eq!(clock(house, &thread, "first-opened").await["state"], "met");
    let mut unknown = awaiting("p-1", &thread);
    unknown["extension"][0]["valueCode"] = json!("godot");
    house.create(&nurse(), &unknown).await.is(400);
    house.at(19, "11:00:00");
    house.create(&nurse(), &awaiting("p-1", &thread)).await.is(201);
    let met = clock(house, &thread, "next-response").await;
    assert_eq!((met["state"].as_str(), met["used"].as_str()), (Some("met"), Some("PT1H")));
    assert_eq!(house.place.count("thread", "state = 'waiting-on-patient' AND task IS NULL"), 1);
    house.at(22, "09:00:00");
    house.create(&patient("p-1"), &following(refill("p-1", "The one in Main Street."), &thread)).await.is(201);
    let next = clock(house, &thread, "next-response").await;
    assert_eq!((next["cycle"].as_i64(), next["state"].as_str()), (Some(2), Some("running")));
}

/// A message with the moment at which it was written.
fn written(mut message: Value, at: &str) -> Value {
    message["extension"] = json!([{ "url": fhir::canonical::OCCURRED_AT, "valueInstant": at }]);
    message
}

/// What became of a thread's clocks, without what names and numbers them.
async fn came(house: &House, thread: &str) -> Vec<String> {
    let clocks = clocks(house, thread).await;
    let told = |clock: &Value| {
        ["name", "state", "startedAt", "stoppedAt", "lastDueAt", "used"]
            .map(|member| clock[member].to_string())
            .join(" ")
    };
    let mut told: Vec<String> = clocks.iter().map(told).collect();
    told.sort();
    told
}

async fn b25_messages_that_an_engine_delivers_out_of_order_end_alike(house: &House) {
    let mut ends = Vec::new();
    for (who, order) in [("p-1", [0, 1, 2, 3]), ("p-2", [3, 1, 2, 0]), ("p-3", [1, 0, 3, 2])] {
        house.at(19, "10:00:00");
        let mut begun = reply(who, "none", "How are you?");
        begun.as_object_mut().unwrap().remove("inResponseTo");
        let thread = house.create(&nurse(), &begun).await.is(201).id();
        house.at(23, "12:00:00");
        let messages = [
            written(following(refill(who, "Not well."), &thread), "2026-06-22T09:00:00-04:00"),
            written(reply(who, &thread, "Come in."), "2026-06-22T10:00:00-04:00"),
            written(following(refill(who, "When?"), &thread), "2026-06-22T11:00:00-04:00"),
            written(following(refill(who, "Tomorrow?"), &thread), "2026-06-22T12:00:00-04:00"),
        ];
        for place in order {
            house.create(&engine(), &messages[place]).await.is(201);
        }
        ends.push(came(house, &thread).await);
    }
    assert_eq!(ends[0].len(), 4, "{:?}", ends[0]);
    assert_eq!(ends[1], ends[0]);
    assert_eq!(ends[2], ends[0]);
}

async fn a_late_answer_after_a_merge_meets_what_was_taken_over_and_the_conversation_goes_on(house: &House) {
    let asked = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    let other = house.create(&patient("p-1"), &refill("p-1", "Four left.")).await.is(201).id();
    house.pass(60);
    house.create(&nurse(), &reply("p-1", &asked, "Yours is ready.")).await.is(201);
    house.pass(60);
    let merged = json!({ "into": asked, "reason": "same-matter" }).to_string();
    house.post(&nurse(), &format!("/api/v1/threads/{other}/merge"), &merged).await.is(200);
    house.at(19, "11:00:00");
    let late = written(reply("p-1", &asked, "Both are."), "2026-06-19T10:30:00-04:00");
    house.create(&engine(), &late).await.is(201);
    assert_eq!(house.place.count("clock", "name = 'next-response' AND state = 'running'"), 0);
    // Whatever comes next is heard, danger first of all.
    house.create(&patient("p-1"), &following(refill("p-1", "I have chest pain."), &asked)).await.is(201);
    house.create(&nurse(), &reply("p-1", &asked, "Call 911.")).await.is(201);
    assert_eq!(house.place.count("clock", "name = 'next-response' AND state = 'running'"), 0);
}

async fn what_a_portal_marks_as_a_machines_is_owed_also_when_something_comes_late(house: &House) {
    let mut marked = refill("p-1", "Five left.");
    marked["extension"] = json!([{ "url": fhir::canonical::AUTO_GENERATED, "valueBoolean": true }]);
    let asked = house.create(&patient("p-1"), &marked).await.is(201).id();
    assert_eq!(house.task(&asked).await["status"], "requested");
    house.at(19, "11:00:00");
    let late = written(reply("p-1", &asked, "We write to all."), "2026-06-19T09:00:00-04:00");
    house.create(&engine(), &late).await.is(201);
    assert_eq!(house.task(&asked).await["status"], "requested");
    assert_eq!(house.place.count("thread", "task IS NOT NULL AND state = 'awaiting-team'"), 1);
    // What an engine marks so is a machine's, and stays that.
    let robot = following(marked.clone(), &asked);
    house.create(&nurse(), &reply("p-1", &asked, "Done.")).await.is(201);
    house.pass(60);
    house.create(&engine(), &robot).await.is(201);
    house.at(19, "12:00:00");
    let late = written(reply("p-1", &asked, "Once more."), "2026-06-19T10:30:00-04:00");
    house.create(&engine(), &late).await.is(201);
    assert_eq!(house.place.count("clock", "name = 'next-response' AND state = 'running'"), 0);
    assert_eq!(house.place.count("clock", "name = 'next-response'"), 1);
}

async fn b25_a_late_answer_meets_an_overdue_request_and_its_breach_stays(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.at(23, "18:00:00");
    house.work().await;
    assert_eq!(house.task(&thread).await["businessStatus"]["coding"][0]["code"], "overdue");
    let late = written(reply("p-1", &thread, "Done."), "2026-06-22T10:00:00-04:00");
    house.create(&engine(), &late).await.is(201);
    let met = clock(house, &thread, "next-response").await;
    assert_eq!((met["state"].as_str(), met["stoppedAt"].as_str()), (Some("met"), Some("2026-06-22T14:00:00Z")));
    assert_eq!(met["breachedAt"], "2026-06-23T22:00:00Z", "what was recorded stays");
    assert_eq!(house.place.count("firing", "threshold = 'breach'"), 1);
    assert_eq!(house.task(&thread).await["businessStatus"]["coding"][0]["code"], "met");
    house.at(30, "12:00:00");
    assert!(house.work().await.fired.is_empty());
}

async fn what_a_message_says_of_its_time_is_believed_of_an_engine_alone(house: &House) {
    let stated = |who: &str, at: &str| written(refill(who, "Five left."), at);
    let day = "2026-06-18T10:00:00-04:00";
    for who in [patient("p-1"), staff("Practitioner/n", &["refill"])] {
        let mut message = stated("p-1", day);
        if let Some(user) = who.fhir_user.as_deref().filter(|user| user.starts_with("Practitioner")) {
            message["sender"]["reference"] = json!(user);
        }
        let refused = house.create(&who, &message).await.is(403);
        assert!(refused.text.contains("occurred-at"), "{}", refused.text);
    }
    let now = house.time_now().timestamp();
    for unfit in [now + 1.second(), now - 169.hours()] {
        let refused = house.create(&engine(), &stated("p-1", &unfit.to_string())).await.is(422);
        assert!(refused.text.contains("seven days"), "{}", refused.text);
    }
    house.create(&engine(), &stated("p-1", "yesterday")).await.is(400);
    house.create(&scoped(&engine(), "system/Communication.r"), &stated("p-1", day)).await.is(403);
    let thread = house.create(&engine(), &stated("p-1", day)).await.is(201).id();
    let clock = clock(house, &thread, "next-response").await;
    assert_eq!(clock["startedAt"], "2026-06-18T14:00:00Z");
    let decisions =
        house.get(&engine(), &format!("/api/v1/decisions?focus=Communication/{thread}")).await.is(200).json();
    assert_eq!(decisions["decisions"][0]["occurredAt"], "2026-06-18T14:00:00Z");
}

async fn b18_clocks_that_run_when_their_bundle_retires_finish_under_it(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    let before = clock(house, &thread, "next-response").await;
    let mut next = server::clinic::bundle().unwrap();
    next.version += 1;
    for clock in next.turnaround.iter_mut().flat_map(|turnaround| &mut turnaround.clocks) {
        clock.thresholds.retain(|threshold| !threshold.id.starts_with("warn"));
    }
    let operations = scoped(&engine(), "postern/admin.read postern/admin.write");
    let body: Value = serde_json::from_str(&next.canonical()).unwrap();
    house.post(&operations, "/api/v1/bundles", &body.to_string()).await.is(201);
    house
        .post(&operations, &format!("/api/v1/bundles/{}/{}/activate", next.id, next.version), &json!({}).to_string())
        .await
        .is(200);
    house.work().await;
    let after = clock(house, &thread, "next-response").await;
    assert_eq!((&after["terms"], &after["dueAt"]), (&before["terms"], &before["dueAt"]));
    house.at(22, "15:00:00");
    let fired = house.work().await.fired;
    assert!(fired.iter().any(|line| line.starts_with("warn-50@")), "the old bundle's warnings are given: {fired:?}");
    let newer = house.create(&patient("p-2"), &refill("p-2", "Five left.")).await.is(201).id();
    assert_eq!(clock(house, &newer, "next-response").await["terms"]["bundle"], format!("{}/{}", next.id, next.version));
}

async fn b18_clocks_are_cancelled_with_their_bundle_when_its_successor_says_why_and_a_person_looks(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    let mut next = server::clinic::bundle().unwrap();
    next.version += 1;
    let operations = scoped(&engine(), "postern/admin.read postern/admin.write");
    house.post(&operations, "/api/v1/bundles", &next.canonical()).await.is(201);
    let path = format!("/api/v1/bundles/{}/{}/activate", next.id, next.version);
    house.post(&operations, &path, &json!({ "cancelRunning": "because" }).to_string()).await.is(422);
    // It may also come into force later, and what begins meanwhile falls away with the rest.
    let asked = json!({ "effectiveFrom": "2026-06-19T16:00:00-04:00", "cancelRunning": "answered-elsewhere" });
    let told = house.post(&operations, &path, &asked.to_string()).await.is(200).json();
    assert_eq!((&told["state"], &told["cancelRunning"]), (&json!("scheduled"), &json!("answered-elsewhere")));
    assert!(house.work().await.cancelled.is_empty(), "not yet");
    house.at(19, "16:00:00");
    let done = house.work().await;
    assert_eq!(done.cancelled.len(), 2, "whoever was to open it and to answer it: {:?}", done.cancelled);
    assert!(done.cancelled.iter().all(|told| told.starts_with("answered-elsewhere: ")));
    let ended = clock(house, &thread, "next-response").await;
    assert_eq!(ended["state"], "cancelled");
    assert!(ended["ledger"].to_string().contains("bundle-retired answered-elsewhere"), "{ended}");
    let task =
        house.get(&nurse(), &format!("/fhir/Task?focus=Communication/{thread}")).await.is(200).resources().remove(0);
    assert_eq!(task["status"], "cancelled");
    assert_eq!(house.place.count("thread", "needs_review"), 1, "the patient waits: a person must look");
    // Under the new bundle the patient is owed an answer again as soon as they write, and that stays.
    house.at(19, "16:30:00");
    let more = following(refill("p-1", "Four left."), &thread);
    house.create(&patient("p-1"), &more).await.is(201);
    assert_eq!(clock(house, &thread, "next-response").await["state"], "running");
    house.at(30, "12:00:00");
    let later = house.work().await;
    assert!(later.cancelled.is_empty() && later.fired.iter().any(|line| line.starts_with("breach@")), "{later:?}");
    let old = house.place.count("firing", &format!("clock = '{}'", ended["id"].as_str().unwrap()));
    assert_eq!(old, 0, "nobody is warned of what was cancelled");
    house.post(&operations, &path, &json!({ "cancelRunning": "bundle-faulty" }).to_string()).await.is(409);
}

async fn a_clock_is_explained_in_the_language_that_is_asked_for(house: &House) {
    let thread = house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id();
    house.at(22, "12:30:00");
    house.work().await;
    let id = clock(house, &thread, "next-response").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/clocks/{id}");
    let read = house.get(&engine(), &path).await.is(200).json();
    assert_eq!((&read["thread"], read["ledger"].as_array().unwrap().len()), (&json!(thread), 1));
    let told = house.get(&engine(), &format!("{path}/explain")).await.is(200).json();
    assert_eq!((told["state"].as_str(), told["used"].as_str()), (Some("running"), Some("PT11H30M")));
    let walk = told["segments"][0]["walk"].as_array().unwrap();
    assert_eq!(walk.iter().map(|one| one["open"].as_bool().unwrap()).collect::<Vec<_>>(), [true, false, true]);
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("It is due by Tuesday, June 23 at 5:00 PM EDT."), "{text}");
    let spanish = house
        .ask(reqwest::Method::GET, &format!("{path}/explain"))
        .by(&engine())
        .header("Accept-Language", "es-MX, en;q=0.5");
    let text = spanish.send().await.is(200).json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Vence el martes 23 de junio"), "{text}");
    house.get(&nurse(), &path).await.is(403);
    house.get(&engine(), "/api/v1/clocks/none").await.is(404);
    assert_eq!(told["thresholds"].as_array().unwrap().len(), 4);
}

//! Who has read what, whole conversations, and what somebody has to look at.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{LEAD, REFILL, engine, following, message, nurse, patient, proxy, refill, reply, staff};

on_both!(house:
    a_message_is_marked_as_read_by_each_person_and_its_version_stays,
    what_somebody_has_not_read_is_found_and_patients_ask_for_themselves,
    a_conversation_is_told_in_order_as_far_as_the_caller_sees_it,
    an_inbox_goes_by_urgency_and_due_time_and_counts_what_is_unread,
    an_inbox_is_read_page_by_page_and_nobody_finds_what_is_not_theirs,
);

async fn mark(house: &House, who: &DevelopmentClaims, id: &str, name: &str) -> Reply {
    house.ask(Method::POST, &format!("/fhir/Communication/{id}/${name}")).by(who).send().await
}

/// Who has read a message, as it is shown.
fn readers(message: &Value) -> Vec<String> {
    let marks = message["extension"].as_array().into_iter().flatten();
    let marks = marks.filter(|one| one["url"] == fhir::canonical::READ_STATE);
    marks.map(|one| one["extension"][0]["valueReference"]["reference"].as_str().unwrap().to_owned()).collect()
}

async fn a_message_is_marked_as_read_by_each_person_and_its_version_stays(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    let before = house.get(&nurse(), &path).await.is(200);
    assert!(readers(&before.json()).is_empty());
    let opened = |state: &str| format!("name = 'first-opened' AND state = '{state}'");
    assert_eq!(house.place.count("clock", &opened("running")), 1);
    let marked = mark(house, &nurse(), &id, "mark-read").await.is(200);
    assert_eq!(
        (readers(&marked.json()), marked.header("etag")),
        (vec!["Practitioner/nurse-ortiz".to_owned()], "W/\"1\"")
    );
    assert_eq!(house.place.count("clock", &opened("met")), 1, "somebody of the pool has looked");
    assert_eq!(house.task(&id).await["status"], "requested", "and has not answered");
    mark(house, &staff(LEAD, &["refill"]), &id, "mark-read").await.is(200);
    mark(house, &proxy("rp-1", "p-1001"), &id, "mark-read").await.is(200);
    let seen = house.get(&nurse(), &path).await.is(200);
    assert_eq!((readers(&seen.json()).len(), seen.header("etag")), (3, "W/\"1\""));
    let found = house.get(&engine(), &format!("/fhir/Communication?_id={id}")).await.is(200);
    assert_eq!(readers(&found.resources()[0]).len(), 3);
    // Patients see their own marks, and nothing of who of the team has read it.
    assert_eq!(readers(&house.get(&proxy("rp-1", "p-1001"), &path).await.is(200).json()), ["RelatedPerson/rp-1"]);
    assert!(readers(&house.get(&patient("p-1001"), &path).await.is(200).json()).is_empty());
    // No version says so, and what was read back is given back without harm.
    assert!(!house.get(&nurse(), &format!("{path}/_history/1")).await.is(200).text.contains("read-state"));
    let given_back = house.get(&proxy("rp-1", "p-1001"), &path).await.is(200).json();
    house.put(&proxy("rp-1", "p-1001"), &path, &given_back).await.is(200);
    let stale = house.ask(Method::POST, &format!("{path}/$mark-read")).by(&nurse()).header("if-match", "W/\"9\"");
    assert_eq!(stale.send().await.is(412).issues(), ["conflict"]);
    // Twice is once, and it is taken back.
    mark(house, &nurse(), &id, "mark-read").await.is(200);
    assert_eq!(house.place.count("read_mark", "1 = 1"), 3);
    mark(house, &nurse(), &id, "mark-unread").await.is(200);
    assert_eq!(readers(&house.get(&nurse(), &path).await.is(200).json()).len(), 2);
    // Nobody marks what they do not see, and a machine reads nothing.
    mark(house, &patient("p-2002"), &id, "mark-read").await.is(404);
    mark(house, &staff("Practitioner/far", &["family"]), &id, "mark-unread").await.is(404);
    assert!(mark(house, &engine(), &id, "mark-read").await.is(403).text.contains("not-a-person"));
    // A client does not say who has read a message that it sends.
    let mut claimed = refill("p-1001", "More.");
    claimed["extension"] = json!([{ "url": fhir::canonical::READ_STATE, "extension": [
        { "url": "reader", "valueReference": { "reference": "Practitioner/nurse-ortiz" } } ] }]);
    let sent = house.create(&patient("p-1001"), &claimed).await.is(201);
    assert!(!sent.text.contains("read-state"), "{}", sent.text);
}

async fn what_somebody_has_not_read_is_found_and_patients_ask_for_themselves(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let answer = house.create(&nurse(), &reply("p-1001", &root, "Done.")).await.is(201).id();
    let unread = async |who: &DevelopmentClaims, by: &str| {
        let mut found =
            house.get(who, &format!("/fhir/Communication?unread-by={by}&category:not=automatic")).await.is(200).ids();
        found.sort();
        found
    };
    assert_eq!(
        unread(&nurse(), "Practitioner/nurse-ortiz").await,
        std::slice::from_ref(&root),
        "not what one has written"
    );
    assert_eq!(
        unread(&nurse(), "Patient/p-1001").await,
        std::slice::from_ref(&answer),
        "the team sees what the patient has read"
    );
    assert_eq!(unread(&patient("p-1001"), "Patient/p-1001").await, std::slice::from_ref(&answer));
    assert!(unread(&patient("p-1001"), "Practitioner/nurse-ortiz").await.is_empty(), "not theirs to know");
    mark(house, &patient("p-1001"), &answer, "mark-read").await.is(200);
    assert!(unread(&patient("p-1001"), "Patient/p-1001").await.is_empty());
    assert!(unread(&nurse(), "Patient/p-1001").await.is_empty());
    let both = unread(&nurse(), "Practitioner/dr-lee,Practitioner/nurse-ortiz").await;
    assert_eq!(both.len(), 2, "either of them");
}

async fn a_conversation_is_told_in_order_as_far_as_the_caller_sees_it(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "One.")).await.is(201).id();
    house.pass(60);
    let answer = house.create(&nurse(), &reply("p-1001", &root, "Two.")).await.is(201).id();
    house.pass(60);
    let mut note = reply("p-1001", &root, "Three.");
    note["category"] = json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    house.create(&nurse(), &note).await.is(201);
    house.pass(60);
    let mut draft = following(refill("p-1001", "Four."), &answer);
    draft["status"] = json!("preparation");
    let draft = house.create(&patient("p-1001"), &draft).await.is(201).id();
    house.create(&patient("p-1001"), &following(refill("p-1001", "Five."), &answer)).await.is(201);
    let texts = |reply: &Reply| -> Vec<String> {
        let all = reply.resources();
        let said = all.iter().filter(|one| one["sender"]["reference"] != REFILL);
        said.map(|one| one["payload"][0]["contentString"].as_str().unwrap().to_owned()).collect()
    };
    let told =
        async |who: &DevelopmentClaims, id: &str| house.get(who, &format!("/fhir/Communication/{id}/$thread")).await;
    assert_eq!(texts(&told(&nurse(), &answer).await.is(200)), ["One.", "Two.", "Three.", "Five."]);
    assert_eq!(
        texts(&told(&patient("p-1001"), &root).await.is(200)),
        ["One.", "Two.", "Five."],
        "no note, and no draft"
    );
    told(&patient("p-2002"), &root).await.is(404);
    told(&patient("p-1001"), &draft).await.is(404);
    let body = json!({ "resourceType": "Parameters", "parameter": [{ "name": "_count", "valueInteger": 2 }] });
    let first = house.post(&nurse(), &format!("/fhir/Communication/{root}/$thread"), &body.to_string()).await.is(200);
    assert_eq!(first.resources().len(), 2);
    assert!(!first.link("next").unwrap().is_empty());
    house.get(&nurse(), &format!("/fhir/Communication/{root}/$thread?colour=red")).await.is(400);
}

/// What stands beside a conversation in an inbox.
fn beside(entry: &Value, name: &str) -> Value {
    let parts = entry["extension"][0]["extension"].as_array().unwrap();
    let part = parts.iter().find(|part| part["url"] == name).cloned().unwrap_or_default();
    part.as_object()
        .into_iter()
        .flatten()
        .find(|(key, _)| key.starts_with("value"))
        .map(|(_, value)| value.clone())
        .unwrap_or_default()
}

fn conversations(inbox: &Value) -> Vec<(String, Value)> {
    let entries = inbox["entry"].as_array().cloned().unwrap_or_default();
    entries.into_iter().map(|entry| (entry["resource"]["id"].as_str().unwrap().to_owned(), entry)).collect()
}

async fn an_inbox_goes_by_urgency_and_due_time_and_counts_what_is_unread(house: &House) {
    let first = house.create(&patient("p-1001"), &refill("p-1001", "Routine, first.")).await.is(201).id();
    house.pass(60);
    let answered = house.create(&patient("p-2002"), &refill("p-2002", "Answered.")).await.is(201).id();
    house.pass(60);
    let mut urgent = refill("p-3003", "Urgent.");
    urgent["priority"] = json!("urgent");
    let urgent = house.create(&patient("p-3003"), &urgent).await.is(201).id();
    house.pass(60);
    let flagged =
        house.create(&patient("p-4004"), &refill("p-4004", "I think I am having a stroke.")).await.is(201).id();
    house.pass(60);
    house.create(&nurse(), &reply("p-2002", &answered, "Done.")).await.is(201);
    let inbox = house.get(&nurse(), "/fhir/Communication/$inbox").await.is(200).json();
    let found = conversations(&inbox);
    let order: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(order, [flagged.as_str(), &urgent, &first, &answered], "acuity, then due, then what is owed to nobody");
    let (_, entry) = &found[2];
    assert_eq!((beside(entry, "priority"), beside(entry, "state")), (json!("routine"), json!("awaiting-team")));
    assert_eq!(beside(entry, "due"), json!("2026-06-23T21:00:00Z"));
    assert_eq!(beside(entry, "unread"), json!(2), "the message and the automatic reply");
    assert_eq!(beside(&found[3].1, "lastActivity"), json!("2026-06-19T14:04:00Z"));
    assert_eq!(beside(&found[3].1, "due"), Value::Null);
    mark(house, &nurse(), &first, "mark-read").await.is(200);
    let again =
        house.post(&nurse(), "/fhir/Communication/$inbox", &json!({ "resourceType": "Parameters" }).to_string()).await;
    assert_eq!(beside(&conversations(&again.is(200).json())[2].1, "unread"), json!(1));
    // The patient finds what was promised, and not how urgent the team finds it.
    let mine = house.get(&patient("p-4004"), "/fhir/Communication/$inbox").await.is(200);
    let own = conversations(&mine.json());
    assert_eq!((own.len(), &own[0].0, beside(&own[0].1, "unread")), (1, &flagged, json!(1)));
    for hidden in ["\"priority\",", "\"state\"", "\"owner\""] {
        assert!(!mine.text.contains(&format!("\"url\":{hidden}")), "{hidden}: {}", mine.text);
    }
}

async fn an_inbox_is_read_page_by_page_and_nobody_finds_what_is_not_theirs(house: &House) {
    let mut sent = vec![];
    for round in 0..7 {
        let body =
            message("p-1001", if round % 2 == 0 { REFILL } else { crate::people::FAMILY }, "form", "Form", "Please.");
        sent.push(house.create(&patient("p-1001"), &body).await.is(201).id());
        house.pass(60);
    }
    let mut draft = refill("p-1001", "Not yet.");
    draft["status"] = json!("preparation");
    house.create(&patient("p-1001"), &draft).await.is(201);
    for (who, order) in [(nurse(), sent.clone()), (patient("p-1001"), sent.iter().rev().cloned().collect())] {
        let ids = |page: &Reply| conversations(&page.json()).into_iter().map(|(id, _)| id).collect::<Vec<_>>();
        let mut pages = vec![house.get(&who, "/fhir/Communication/$inbox?_count=2").await.is(200)];
        while let Some(next) = pages[pages.len() - 1].link("next") {
            pages.push(house.get(&who, &next).await.is(200));
        }
        let found: Vec<String> = pages.iter().flat_map(ids).collect();
        assert_eq!(found, order, "each once, in its order");
        assert!(pages[0].link("previous").is_none());
        for (at, page) in pages.iter().enumerate().skip(1).rev() {
            let again = house.get(&who, &page.link("self").unwrap()).await.is(200);
            assert_eq!(ids(&again), ids(page), "a page's own address is its own");
            let back = house.get(&who, &page.link("previous").unwrap()).await.is(200);
            assert_eq!(ids(&back), ids(&pages[at - 1]));
            assert_eq!(back.link("previous").is_some(), at > 1);
            assert_eq!(ids(&house.get(&who, &back.link("next").unwrap()).await.is(200)), ids(page));
        }
    }
    assert_eq!(conversations(&house.get(&nurse(), "/fhir/Communication/$inbox?count=3").await.is(200).json()).len(), 3);
    let refills = house.get(&staff("Practitioner/ann", &["refill"]), "/fhir/Communication/$inbox").await.is(200).json();
    assert_eq!(conversations(&refills).len(), 4);
    let mine = house.get(&patient("p-1001"), "/fhir/Communication/$inbox").await.is(200).json();
    assert_eq!(conversations(&mine).len(), 7, "drafts are in no conversation");
    let nobody = house.get(&patient("p-2002"), "/fhir/Communication/$inbox").await.is(200).json();
    assert!(nobody.get("entry").is_none());
    house.get(&nurse(), "/fhir/Communication/$inbox?cursor=there").await.is(400);
    house.get(&nurse(), "/fhir/Communication/$inbox?count=many").await.is(400);
}

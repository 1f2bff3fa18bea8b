//! How far a search reaches: chains, what comes along, and how much of it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{REFILL, engine, nurse, patient, refill, reply, scoped, staff};

on_both!(house:
    what_the_matches_refer_to_comes_along_as_far_as_the_caller_sees,
    what_a_patient_does_not_see_does_not_come_along_either,
    a_chain_reaches_no_farther_than_the_caller_sees,
    less_of_each_resource_is_given_when_less_is_asked_for,
    pages_lead_forth_and_back_under_several_keys,
    a_thread_is_found_by_its_last_activity,
    an_address_that_takes_a_form_alone_says_so,
);

/// A conversation with its answer: the root's id and the answer's.
async fn conversation(house: &House, who: &str) -> (String, String) {
    let root = house.create(&patient(who), &refill(who, "Five left.")).await.is(201).id();
    house.pass(60);
    let answer = house.create(&nurse(), &reply(who, &root, "Done.")).await.is(201).id();
    house.pass(60);
    (root, answer)
}

fn modes(bundle: &Value) -> Vec<(String, String)> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let named = |entry: &Value| {
        let kind = entry["resource"]["resourceType"].as_str().unwrap().to_owned();
        (kind, entry["search"]["mode"].as_str().unwrap().to_owned())
    };
    entries.iter().map(named).collect()
}

fn along(bundle: &Value, kind: &str) -> usize {
    modes(bundle).iter().filter(|(own, mode)| own == kind && mode == "include").count()
}

async fn what_the_matches_refer_to_comes_along_as_far_as_the_caller_sees(house: &House) {
    let (root, answer) = conversation(house, "p-1001").await;
    let asking =
        async |query: &str| house.get(&engine(), &format!("/fhir/{query}&_total=accurate")).await.is(200).json();
    let found = asking(&format!("Communication?_id={answer}&_include=Communication:part-of")).await;
    assert_eq!((found["total"].clone(), along(&found, "Communication")), (json!(1), 1));
    assert_eq!(found["entry"][1]["resource"]["id"], root.as_str());
    let found = asking(&format!("Communication?_id={root}&_revinclude=Task:focus")).await;
    assert_eq!(along(&found, "Task"), 1);
    let found = asking(&format!("Communication?_id={root}&_revinclude=Communication:part-of")).await;
    assert_eq!(along(&found, "Communication"), 2, "the answer and the automatic reply");
    // From the Task to its message, and from there to the pool that it was sent to.
    let once = asking("Task?_include=Task:focus&_include=Communication:recipient").await;
    assert_eq!((along(&once, "Communication"), along(&once, "HealthcareService")), (1, 0));
    let on = asking("Task?_include=Task:focus&_include:iterate=Communication:recipient").await;
    assert_eq!((along(&on, "Communication"), along(&on, "HealthcareService")), (1, 1));
    // A circle ends where it began.
    let round = asking("Task?_include:iterate=Task:focus&_revinclude:iterate=Task:focus").await;
    assert_eq!(modes(&round).len(), 2);
    // Somebody of another pool finds nothing, and nothing comes along.
    let other = staff("Practitioner/elsewhere", &["family"]);
    let none = house.get(&other, "/fhir/HealthcareService?_id=refill-pool&_revinclude=Task:pool").await.is(200);
    assert_eq!(modes(&none.json()), [("HealthcareService".to_owned(), "match".to_owned())]);
    // What the token does not allow to search does not come along, whether or not there is any.
    let narrow = scoped(&engine(), "system/Communication.rs");
    for id in [root.as_str(), "no-such-message"] {
        let asked = house.get(&narrow, &format!("/fhir/Communication?_id={id}&_revinclude=Task:focus")).await;
        assert_eq!(asked.is(403).issues(), ["forbidden"]);
    }
    let all = house.get(&narrow, &format!("/fhir/Communication?_id={root}&_include=*")).await.is(200);
    assert_eq!(along(&all.json(), "HealthcareService"), 0);
}

async fn what_a_patient_does_not_see_does_not_come_along_either(house: &House) {
    let (root, _) = conversation(house, "p-1001").await;
    conversation(house, "p-2002").await;
    let waiting = house.create(&patient("p-1001"), &refill("p-1001", "And another.")).await.is(201).id();
    house.claim(&nurse(), &house.task(&waiting).await).await.is(200);
    for query in [
        "Communication?_revinclude=Task:focus".to_owned(),
        "HealthcareService?_revinclude=Task:pool&_revinclude:iterate=Communication:recipient".to_owned(),
        format!("Communication?_id={root}&_revinclude=Task:focus&_include:iterate=Task:pool"),
    ] {
        let found = house.get(&patient("p-1001"), &format!("/fhir/{query}")).await.is(200);
        assert!(along(&found.json(), "Task") > 0, "{query}: {}", found.text);
        assert!(!found.text.contains("nurse-ortiz") || query.contains("recipient") || query.contains("Communication?"));
        for entry in found.json()["entry"].as_array().unwrap() {
            let own = &entry["resource"];
            if own["resourceType"] == "Task" {
                assert!(own.get("businessStatus").is_none() && own["status"] != "accepted", "{own}");
                assert_ne!(own["owner"]["reference"], "Practitioner/nurse-ortiz", "{own}");
            }
            assert!(!own.to_string().contains("p-2002"), "{query}: {own}");
        }
    }
    house.get(&patient("p-1001"), "/fhir/Task?_include=Task:owner").await.is(400);
}

async fn a_chain_reaches_no_farther_than_the_caller_sees(house: &House) {
    let (root, answer) = conversation(house, "p-1001").await;
    let ids = async |who: &api::auth::DevelopmentClaims, query: &str| {
        house.get(who, &format!("/fhir/{query}")).await.is(200).ids()
    };
    let task = house.task(&root).await["id"].as_str().unwrap().to_owned();
    assert_eq!(ids(&engine(), "Task?focus.category=refill").await, [task.as_str()]);
    assert_eq!(ids(&engine(), "Task?focus:Communication.sender=Patient/p-1001").await, [task.as_str()]);
    assert!(ids(&engine(), "Task?focus.category:not=refill").await.is_empty());
    assert_eq!(ids(&engine(), "Task?pool.name=riverside%20REFILL").await, [task.as_str()]);
    assert_eq!(ids(&engine(), "Communication?_has:Task:focus:business-status=met").await, [root.as_str()]);
    assert_eq!(
        ids(&engine(), "Communication?_has:Communication:part-of:sender=Practitioner/nurse-ortiz").await,
        [root.as_str()]
    );
    assert_eq!(
        ids(&patient("p-1001"), "Communication?part-of.status=completed&category:not=automatic").await,
        [answer.as_str()]
    );
    // A note that the patient does not see is nothing that they can ask about.
    let mut note = reply("p-1001", &root, "Careful.");
    note["category"] = json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    house.create(&nurse(), &note).await.is(201);
    let about = "Communication?_has:Communication:part-of:category=internal";
    assert_eq!(ids(&engine(), about).await, [root.as_str()]);
    assert!(ids(&patient("p-1001"), about).await.is_empty());
    assert!(ids(&patient("p-2002"), "Task?focus.category=refill").await.is_empty());
    let narrow = scoped(&engine(), "system/Task.rs");
    assert_eq!(house.get(&narrow, "/fhir/Task?focus.category=refill").await.is(403).issues(), ["forbidden"]);
    for far in
        ["Task?focus.part-of.status=completed", "Task?focus.colour=blue", "Communication?_has:Task:owner:status=x"]
    {
        house.get(&engine(), &format!("/fhir/{far}")).await.is(400);
    }
}

async fn less_of_each_resource_is_given_when_less_is_asked_for(house: &House) {
    let (root, _) = conversation(house, "p-1001").await;
    let one = async |query: &str| {
        let found = house.get(&engine(), &format!("/fhir/Communication?_id={root}&{query}")).await.is(200);
        found.resources().remove(0)
    };
    let some = one("_elements=sent,payload").await;
    assert!(some["sent"].is_string() && some["payload"].is_array() && some["status"].is_string());
    assert!(some.get("category").is_none() && some["meta"]["tag"][0]["code"] == "SUBSETTED", "{some}");
    let summary = one("_summary=true").await;
    assert!(summary["subject"].is_object() && summary.get("payload").is_none());
    assert_eq!(one("_summary=false").await, house.get(&engine(), &format!("/fhir/Communication/{root}")).await.json());
    let counted = house.get(&engine(), &format!("/fhir/Communication?_id={root}&_summary=count")).await.is(200).json();
    assert_eq!((&counted["total"], counted.get("entry")), (&json!(1), None));
    house.get(&engine(), "/fhir/Communication?_elements=colour").await.is(400);
}

async fn pages_lead_forth_and_back_under_several_keys(house: &House) {
    for number in 0..9 {
        house.pass(i64::from(number % 2));
        house.create(&patient("p-1001"), &refill("p-1001", &format!("Number {number}."))).await.is(201);
    }
    let first = "/fhir/Communication?category=refill&_sort=-sent,_id&_count=4";
    let mut pages = vec![house.get(&engine(), first).await.is(200)];
    while let Some(next) = pages[pages.len() - 1].link("next") {
        pages.push(house.get(&engine(), &next).await.is(200));
    }
    assert_eq!(pages.iter().map(|page| page.ids().len()).collect::<Vec<_>>(), [4, 4, 1]);
    assert!(pages[0].link("previous").is_none());
    for at in (1..pages.len()).rev() {
        let back = house.get(&engine(), &pages[at].link("previous").unwrap()).await.is(200);
        assert_eq!(back.ids(), pages[at - 1].ids());
        assert_eq!(back.link("previous").is_some(), at > 1);
    }
    let keys: Vec<(String, String)> = pages
        .iter()
        .flat_map(|page| page.resources())
        .map(|one| (one["sent"].as_str().unwrap().to_owned(), one["id"].as_str().unwrap().to_owned()))
        .collect();
    let mut sorted = keys.clone();
    sorted.sort_by(|(sent, id), (other, other_id)| other.cmp(sent).then(id.cmp(other_id)));
    assert_eq!(keys, sorted);
}

async fn a_thread_is_found_by_its_last_activity(house: &House) {
    let first = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    house.pass(3600);
    let second = house.create(&patient("p-2002"), &refill("p-2002", "Four left.")).await.is(201).id();
    house.pass(3600);
    house.create(&nurse(), &reply("p-1001", &first, "Done.")).await.is(201);
    let ids = async |query: &str| {
        house.get(&engine(), &format!("/fhir/Communication?part-of:missing=true&{query}")).await.is(200).ids()
    };
    assert_eq!(ids("last-activity=ge2026-06-19T16:00:00Z").await, std::slice::from_ref(&first));
    assert_eq!(ids("last-activity=lt2026-06-19T15:30:00Z").await, std::slice::from_ref(&second));
    assert_eq!(ids("_sort=-last-activity").await, [first.clone(), second.clone()]);
    assert_eq!(ids("_sort=last-activity").await, [second.clone(), first.clone()]);
    // A note among staff, which patients do not see, leaves no trace in what they find and sort by.
    house.pass(3600);
    let mut note = reply("p-2002", &second, "Between us.");
    note["category"] = json!([{ "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "internal" }] }]);
    let note = house.create(&nurse(), &note).await.is(201).id();
    house.get(&patient("p-2002"), &format!("/fhir/Communication/{note}")).await.is(404);
    assert_eq!(ids("_sort=last-activity").await, [second.clone(), first.clone()]);
    let later = house.get(&patient("p-2002"), "/fhir/Communication?last-activity=gt2026-06-19T15:30:00Z").await.is(200);
    assert!(later.ids().is_empty(), "{}", later.text);
    let inbox = house.get(&patient("p-2002"), "/fhir/Communication/$inbox").await.is(200);
    assert!(
        inbox.text.contains("2026-06-19T15:00:00Z") && !inbox.text.contains("2026-06-19T17:00:00Z"),
        "{}",
        inbox.text
    );
    let thread = house.get(&engine(), &format!("/fhir/Communication?thread={first}&_sort=sent")).await.is(200);
    assert_eq!(thread.ids().len(), 3, "the root, the automatic reply and the answer");
    assert!(thread.ids()[..2].contains(&first), "sent with its automatic reply");
    assert_eq!(thread.resources()[2]["recipient"][0]["reference"], "Patient/p-1001");
    let sent =
        house.get(&engine(), &format!("/fhir/Communication?recipient={REFILL}&received=2026-06-19")).await.is(200);
    assert_eq!(sent.ids().len(), 2);
}

async fn an_address_that_takes_a_form_alone_says_so(house: &House) {
    for kind in ["Communication", "Task", "HealthcareService"] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let asked = house.ask(method.clone(), &format!("/fhir/{kind}/_search")).by(&engine()).send().await.is(405);
            assert_eq!(asked.header("allow"), "POST", "{method} {kind}");
        }
    }
    house.get(&engine(), "/fhir/Task/a-1/$claim").await.is(405);
    house.get(&engine(), "/fhir/Task/$colour").await.is(404);
}

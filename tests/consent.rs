//! What a patient's Consents say of those who act for them: fed by engines, and enforced wherever anything is seen.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{engine, following, nurse, patient, proxy, refill, reply, scoped, staff};

on_both!(house:
    a_consent_without_what_fhir_requires_is_refused_by_its_places,
    consents_are_found_by_each_parameter,
    machines_feed_consents_and_the_patient_reads_them,
    what_a_consent_permits_a_proxy_sees_and_what_it_denies_is_gone,
    a_consent_shows_single_conversations_and_hides_single_ones,
    a_proxy_whose_token_names_no_patient_acts_by_consent_alone,
    a_proxy_who_would_not_see_it_begins_no_conversation,
    everything_denied_is_everything_refused,
    of_an_answer_that_a_consent_hides_from_a_proxy_the_patient_hears_in_their_place,
);

const MOTHER: &str = "RelatedPerson/rp-17";
const FOUND: &str = "/fhir/Consent?identifier=urn:consents%7Cmother";

/// What patient p-1001 consents to about the mother.
pub fn consent(provision: &Value) -> Value {
    json!({
        "resourceType": "Consent",
        "id": "mother",
        "identifier": [{ "system": "urn:consents", "value": "mother" }],
        "status": "active",
        "scope": { "coding": [
            { "system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy" }] },
        "category": [{ "coding": [{ "system": "http://loinc.org", "code": "59284-0" }] }],
        "patient": { "reference": "Patient/p-1001" },
        "policyRule": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "OPTIN" }] },
        "provision": provision,
    })
}

/// A rule about the mother; `about` names conversations by messages of theirs.
pub fn rule(kind: &str, about: &[&str]) -> Value {
    let mut rule = json!({ "type": kind,
        "actor": [{ "role": { "text": "mother" }, "reference": { "reference": MOTHER } }] });
    if !about.is_empty() {
        let one =
            |id: &&str| json!({ "meaning": "related", "reference": { "reference": format!("Communication/{id}") } });
        rule["data"] = about.iter().map(one).collect();
    }
    rule
}

async fn put(house: &House, provision: &Value) {
    let reply = house.put(&engine(), "/fhir/Consent/mother", &consent(provision)).await;
    assert!(matches!(reply.status, 200 | 201), "{}", reply.text);
}

/// The mother, of whose child nothing is known but who it is: without a Consent she sees what she takes part in.
fn mother() -> DevelopmentClaims {
    DevelopmentClaims { patient_age: None, ..proxy("rp-17", "p-1001") }
}

/// What of these conversations somebody sees: read, found, in histories, in the inbox and by their Tasks alike.
async fn sees(house: &House, who: &DevelopmentClaims, threads: &[&str]) -> Vec<bool> {
    let found = house.get(who, "/fhir/Communication?_count=100").await.is(200).ids();
    let inbox = house.get(who, "/fhir/Communication/$inbox").await.is(200).text;
    let past = house.get(who, "/fhir/_history?_count=100").await.is(200).text;
    let tasks = house.get(who, "/fhir/Task?_count=100").await.is(200).text;
    let mut seen = vec![];
    for thread in threads {
        let read = house.get(who, &format!("/fhir/Communication/{thread}")).await;
        assert!(matches!(read.status, 200 | 404), "{}", read.text);
        let there = read.status == 200;
        assert_eq!(found.iter().any(|id| id == thread), there, "found {thread}");
        let full = format!("/fhir/Communication/{thread}\"");
        assert_eq!(inbox.contains(&full), there, "in the inbox {thread}");
        assert_eq!(past.contains(&full), there, "in the history {thread}");
        assert_eq!(tasks.contains(&format!("\"Communication/{thread}\"")), there, "Task of {thread}");
        seen.push(there);
    }
    seen
}

async fn sent(house: &House, text: &str) -> String {
    house.create(&patient("p-1001"), &refill("p-1001", text)).await.is(201).id()
}

async fn a_consent_without_what_fhir_requires_is_refused_by_its_places(house: &House) {
    let bare = json!({ "resourceType": "Consent", "status": "active" });
    let refused = house.create(&engine(), &bare).await.is(400);
    for place in ["Consent.scope", "Consent.category"] {
        assert!(refused.text.contains(place), "{place}: {}", refused.text);
    }
}

async fn consents_are_found_by_each_parameter(house: &House) {
    let thread = sent(house, "Five left.").await;
    let mut one = consent(&rule("permit", &[&thread]));
    one["dateTime"] = json!("2026-06-01");
    one["performer"] = json!([{ "reference": "Patient/p-1001" }]);
    one["provision"]["period"] = json!({ "start": "2026-06-01" });
    one["meta"] = json!({ "tag": [{ "system": "urn:t", "code": "x" }], "profile": ["urn:p"],
        "security": [{ "system": "urn:s", "code": "y" }] });
    house.put(&engine(), "/fhir/Consent/mother", &one).await.is(201);
    let mut other = consent(&json!({ "type": "deny" }));
    other["id"] = json!("other");
    other["identifier"][0]["value"] = json!("other");
    other["status"] = json!("inactive");
    other["scope"] = json!({ "coding": [{ "code": "research" }] });
    other["category"] = json!([{ "text": "another" }]);
    other["patient"] = json!({ "reference": "Patient/p-2002" });
    other["dateTime"] = json!("2020");
    house.put(&engine(), "/fhir/Consent/other", &other).await.is(201);
    let data = format!("data=Communication/{thread}");
    for query in [
        "_id=mother",
        "_lastUpdated=ge2000&_id=mother",
        "_tag=urn:t%7Cx",
        "_security=y",
        "_profile=urn:p",
        "identifier=urn:consents%7Cmother",
        "status=active",
        "scope=patient-privacy",
        "category=http://loinc.org%7C59284-0",
        "patient=p-1001",
        "date=ge2026",
        "consentor=Patient/p-1001",
        "actor=RelatedPerson/rp-17",
        &data,
        "period=ge2026-06-19",
    ] {
        let found = house.get(&engine(), &format!("/fhir/Consent?{query}")).await.is(200).ids();
        assert_eq!(found, ["mother"], "{query}");
    }
}

async fn machines_feed_consents_and_the_patient_reads_them(house: &House) {
    put(house, &rule("deny", &[])).await;
    let body = consent(&rule("permit", &[]));
    let own = scoped(&patient("p-1001"), "patient/*.cruds");
    for who in [staff("Practitioner/ray", &["refill"]), own.clone(), scoped(&mother(), "patient/*.cruds")] {
        house.put(&who, "/fhir/Consent/mother", &body).await.is(403);
        house.create(&who, &body).await.is(403);
        house.ask(Method::DELETE, FOUND).by(&who).send().await.is(403);
    }
    assert_eq!(house.get(&own, "/fhir/Consent").await.is(200).ids(), ["mother"]);
    house.get(&own, "/fhir/Consent/mother/_history").await.is(200);
    let other = scoped(&patient("p-2002"), "patient/*.cruds");
    assert!(house.get(&other, "/fhir/Consent").await.is(200).ids().is_empty());
    house.get(&other, "/fhir/Consent/mother").await.is(404);
    // It names what it hides: neither the proxy nor the staff read it.
    for who in [scoped(&mother(), "patient/*.cruds"), nurse()] {
        house.get(&who, "/fhir/Consent/mother").await.is(403);
        house.get(&who, "/fhir/Consent").await.is(403);
    }
}

async fn what_a_consent_permits_a_proxy_sees_and_what_it_denies_is_gone(house: &House) {
    let secret = sent(house, "For me alone.").await;
    let mut own = refill("p-1001", "Her mother asks.");
    own["sender"] = json!({ "reference": MOTHER });
    let own = house.create(&mother(), &own).await.is(201).id();
    let both = [secret.as_str(), own.as_str()];
    assert_eq!(sees(house, &mother(), &both).await, [false, true]);
    put(house, &rule("permit", &[])).await;
    assert_eq!(sees(house, &mother(), &both).await, [true, true], "whatever the child's age");
    let father = DevelopmentClaims { fhir_user: Some("RelatedPerson/father".to_owned()), ..mother() };
    assert_eq!(sees(house, &father, &both).await, [false, false], "a Consent is about those whom it names");
    let mut ended = consent(&rule("permit", &[]));
    ended["status"] = json!("inactive");
    house.put(&engine(), "/fhir/Consent/mother", &ended).await.is(200);
    assert_eq!(sees(house, &mother(), &both).await, [false, true]);
    // What is denied prevails over what the age would show, and over having taken part.
    put(house, &rule("deny", &[&own])).await;
    let child = proxy("rp-17", "p-1001");
    assert_eq!(sees(house, &child, &both).await, [true, false]);
    assert_eq!(sees(house, &patient("p-1001"), &both).await, [true, true], "a Consent limits proxies");
    let mut further = following(refill("p-1001", "Is it done?"), &own);
    further["sender"] = json!({ "reference": MOTHER });
    house.create(&child, &further).await.is(422);
}

async fn a_consent_shows_single_conversations_and_hides_single_ones(house: &House) {
    let (one, other, third) = (sent(house, "One.").await, sent(house, "Other.").await, sent(house, "Third.").await);
    let all = [one.as_str(), other.as_str(), third.as_str()];
    let answer = house.create(&nurse(), &reply("p-1001", &one, "Tomorrow.")).await.is(201).id();
    put(house, &rule("permit", &[&answer, &other])).await;
    assert_eq!(sees(house, &mother(), &all).await, [true, true, false], "any message names its conversation");
    let mut but = rule("permit", &[]);
    but["provision"] = json!([rule("deny", &[&answer])]);
    put(house, &but).await;
    assert_eq!(sees(house, &mother(), &all).await, [false, true, true]);
    house.get(&mother(), &format!("/fhir/Communication/{answer}")).await.is(404);
    house.get(&mother(), &format!("/fhir/Communication/{answer}/$thread")).await.is(404);
    // A second Consent that denies prevails over the first.
    let mut second = consent(&rule("deny", &[&third]));
    second["id"] = json!("second");
    second["identifier"][0]["value"] = json!("second");
    house.put(&engine(), "/fhir/Consent/second", &second).await.is(201);
    assert_eq!(sees(house, &mother(), &all).await, [false, true, false]);
}

async fn a_proxy_whose_token_names_no_patient_acts_by_consent_alone(house: &House) {
    let secret = sent(house, "For me alone.").await;
    let alone = DevelopmentClaims { patient: None, scope: "user/*.cruds".to_owned(), ..mother() };
    house.get(&alone, "/fhir/Communication").await.is(403);
    put(house, &rule("permit", &[])).await;
    assert_eq!(sees(house, &alone, &[&secret]).await, [true]);
    let mut asks = refill("p-1001", "Her mother asks.");
    asks["sender"] = json!({ "reference": MOTHER });
    house.create(&alone, &asks).await.is(201);
    let mut about_another = refill("p-2002", "Somebody else's.");
    about_another["sender"] = json!({ "reference": MOTHER });
    house.create(&alone, &about_another).await.is(403);
    // A related person is one patient's: who is said to be two patients' is nobody's.
    let mut second = consent(&rule("permit", &[]));
    second["id"] = json!("second");
    second["patient"] = json!({ "reference": "Patient/p-2002" });
    house.put(&engine(), "/fhir/Consent/second", &second).await.is(201);
    house.get(&alone, "/fhir/Communication").await.is(403);
    house.ask(Method::DELETE, "/fhir/Consent/second").by(&engine()).send().await.is(204);
    house.get(&alone, "/fhir/Communication").await.is(200);
    house.ask(Method::DELETE, "/fhir/Consent/mother").by(&engine()).send().await.is(204);
    house.get(&alone, "/fhir/Communication").await.is(403);
}

async fn a_proxy_who_would_not_see_it_begins_no_conversation(house: &House) {
    let one = sent(house, "One.").await;
    let mut only = rule("deny", &[]);
    only["provision"] = json!([rule("permit", &[&one])]);
    put(house, &only).await;
    assert_eq!(sees(house, &mother(), &[&one]).await, [true]);
    let mut new = refill("p-1001", "Something else.");
    new["sender"] = json!({ "reference": MOTHER });
    house.create(&mother(), &new).await.is(403);
    new["status"] = json!("preparation");
    house.create(&mother(), &new).await.is(403);
    let mut within = following(refill("p-1001", "And this?"), &one);
    within["sender"] = json!({ "reference": MOTHER });
    house.create(&mother(), &within).await.is(201);
}

async fn everything_denied_is_everything_refused(house: &House) {
    sent(house, "One.").await;
    put(house, &rule("deny", &[])).await;
    let child = proxy("rp-17", "p-1001");
    for path in ["/fhir/Communication", "/fhir/Communication/$inbox", "/fhir/Task", "/fhir/_history"] {
        house.get(&child, path).await.is(403);
    }
    let mut new = refill("p-1001", "Something else.");
    new["sender"] = json!({ "reference": MOTHER });
    house.create(&child, &new).await.is(403);
    house.get(&patient("p-1001"), "/fhir/Communication").await.is(200);
}

async fn of_an_answer_that_a_consent_hides_from_a_proxy_the_patient_hears_in_their_place(house: &House) {
    let mut asked = refill("p-1001", "Her mother asks.");
    asked["sender"] = json!({ "reference": MOTHER });
    let thread = house.create(&mother(), &asked).await.is(201).id();
    let answered = async || {
        let mut answer = reply("p-1001", &thread, "Tomorrow.");
        answer["recipient"] = json!([{ "reference": MOTHER }]);
        house.create(&nurse(), &answer).await.is(201);
        let told = house.work().await.delivered.into_iter();
        told.filter(|line| line.ends_with(": reply-received")).collect::<Vec<_>>()
    };
    assert_eq!(answered().await, [format!("{MOTHER}: reply-received")]);
    put(house, &rule("deny", &[&thread])).await;
    assert_eq!(answered().await, ["Patient/p-1001: reply-received"]);
}

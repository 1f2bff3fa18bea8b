//! Absences over the interface: who may declare them, and to whom messages and notices go meanwhile.

use serde_json::{Value, json};

use crate::boundaries::govern;
use crate::client::Reply;
use crate::house::House;
use crate::people::{LEAD, engine, message, patient, refill, scoped, staff};
use crate::practitioner_role::{fed, role};
use api::auth::DevelopmentClaims;

on_both!(house:
    an_absence_sends_messages_to_the_cover_until_it_ends_or_is_withdrawn,
    what_a_role_says_is_an_absence_too,
    an_absence_that_cannot_be_meant_is_told_by_pointer_and_remedy,
    only_the_person_their_leads_and_administrators_declare,
    two_absences_that_would_make_a_circle_do_not_both_pass,
    a_notice_held_over_the_weekend_finds_who_is_there_on_monday,
    who_writes_to_somebody_away_is_told_so_once_and_also_when_nobody_is_there,
);

const PATH: &str = "/api/v1/absences";

/// Ray, Kim and Ola of the refill pool, which Dr Lee leads.
async fn team(house: &House) {
    for name in ["ray", "kim", "ola"] {
        fed(house, &role(name, &format!("Practitioner/{name}"))).await;
    }
}

fn person(name: &str) -> DevelopmentClaims {
    staff(&format!("Practitioner/{name}"), &[])
}

fn absence(person: &str, days: (u8, u8), cover: Option<&str>) -> Value {
    let at = |day: u8| format!("2026-06-{day:02}T00:00:00-04:00");
    let mut body = json!({
        "person": format!("Practitioner/{person}"), "from": at(days.0), "until": at(days.1), "reason": "vacation",
    });
    if let Some(cover) = cover {
        body["cover"] = json!(format!("Practitioner/{cover}"));
    }
    body
}

async fn declare(house: &House, who: &DevelopmentClaims, body: &Value) -> Reply {
    house
        .ask(reqwest::Method::POST, PATH)
        .by(who)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .send()
        .await
}

/// A new message to Ray.
async fn sent(house: &House, from: &str) -> String {
    let sent = message(from, "Practitioner/ray", "form", "A form", "Please sign.");
    house.create(&patient(from), &sent).await.is(201).id()
}

/// Who is asked to answer a new message to Ray.
async fn asked(house: &House, from: &str) -> String {
    let thread = sent(house, from).await;
    house.task(&thread).await["owner"]["reference"].as_str().unwrap().to_owned()
}

async fn an_absence_sends_messages_to_the_cover_until_it_ends_or_is_withdrawn(house: &House) {
    team(house).await;
    assert_eq!(asked(house, "p-1").await, "Practitioner/ray");
    let made = declare(house, &person("ray"), &absence("ray", (19, 23), Some("kim"))).await.is(201);
    assert_eq!(made.json()["source"], "api");
    let other = house.another().await;
    assert_eq!(asked(house, "p-2").await, "Practitioner/kim");
    let focus = format!("/api/v1/decisions?focus=Communication/{}", sent(house, "p-7").await);
    let decision = house.get(&operations(), &focus).await.is(200).json();
    let path = decision["decisions"][0]["path"].to_string();
    assert!(path.contains("absent: Practitioner/ray") && path.contains("cover: Practitioner/kim"), "{path}");
    let report = house.work().await;
    assert!(report.delivered.iter().any(|line| line.starts_with("Practitioner/kim: ")), "{:?}", report.delivered);

    let listed = other.client.get(&person("kim"), PATH).await.is(200).json();
    assert_eq!(listed["absences"][0]["id"], made.json()["id"], "who shares a pool sees it");
    other.stop().await;
    house.at(23, "09:00:00");
    assert_eq!(asked(house, "p-3").await, "Practitioner/ray", "it has ended");
    assert_eq!(house.get(&operations(), PATH).await.is(200).json()["absences"], json!([]));
    let since = house.get(&operations(), &format!("{PATH}?since=2026-06-22T00:00:00Z")).await.is(200).json();
    assert_eq!(since["absences"].as_array().unwrap().len(), 1);

    let again = declare(house, &person("ray"), &absence("ray", (23, 27), Some("kim"))).await.is(201).id();
    assert_eq!(asked(house, "p-4").await, "Practitioner/kim");
    let delete = async |who: &DevelopmentClaims| {
        house.ask(reqwest::Method::DELETE, &format!("{PATH}/{again}")).by(who).send().await
    };
    delete(&person("ola")).await.is(404);
    delete(&person("ray")).await.is(204);
    delete(&person("ray")).await.is(404);
    assert_eq!(asked(house, "p-5").await, "Practitioner/ray");
}

fn operations() -> DevelopmentClaims {
    scoped(&engine(), "postern/admin.read postern/admin.write")
}

async fn what_a_role_says_is_an_absence_too(house: &House) {
    team(house).await;
    let mut away = role("ray", "Practitioner/ray");
    away["notAvailable"] = json!([{
        "extension": [{ "url": fhir::canonical::COVERED_BY, "valueReference": { "reference": "PractitionerRole/ola" } }],
        "description": "Conference",
        "during": { "start": "2026-06-19", "end": "2026-06-22" }
    }]);
    fed(house, &away).await;
    assert_eq!(asked(house, "p-1").await, "PractitionerRole/ola");
    let listed = house.get(&operations(), PATH).await.is(200);
    let told = &listed.json()["absences"][0];
    assert_eq!((&told["source"], &told["role"]), (&json!("resource"), &json!("PractitionerRole/ray")));
    assert_eq!(told["until"], "2026-06-23T04:00:00Z");
    assert!(!listed.text.contains("Conference"), "a reason in words is the person's");
    let path = format!("{PATH}/{}", told["id"].as_str().unwrap());
    let refused = house.ask(reqwest::Method::DELETE, &path).by(&operations()).send().await.is(409);
    assert!(refused.text.contains("notAvailable"), "{}", refused.text);
    fed(house, &role("ray", "Practitioner/ray")).await;
    assert_eq!(house.get(&operations(), PATH).await.is(200).json()["absences"], json!([]));
    assert_eq!(asked(house, "p-2").await, "Practitioner/ray");
}

async fn an_absence_that_cannot_be_meant_is_told_by_pointer_and_remedy(house: &House) {
    team(house).await;
    let pointers = async |body: &Value| {
        let refused = declare(house, &operations(), body).await.is(422);
        assert_eq!(refused.header("content-type"), "application/problem+json");
        let issues = refused.json()["issues"].as_array().unwrap().clone();
        assert!(issues.iter().all(|issue| issue["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty())));
        issues.iter().map(|issue| issue["pointer"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pointers(&absence("ray", (23, 22), None)).await, ["/until"]);
    assert_eq!(pointers(&absence("ray", (1, 2), None)).await, ["/until"], "it has passed");
    assert_eq!(pointers(&absence("ray", (22, 23), Some("ray"))).await, ["/cover"]);
    assert_eq!(pointers(&absence("ray", (22, 23), Some("stranger"))).await, ["/cover"]);
    let mut unknown = absence("ray", (22, 23), None);
    unknown["reason"] = json!("Mrs Canary");
    assert_eq!(pointers(&unknown).await, ["/reason"]);
    let refused = declare(house, &operations(), &unknown).await.is(422);
    assert!(!refused.text.contains("Canary"), "{}", refused.text);
    // A chain of three covers stands; a fourth does not.
    for (away, cover) in [("ray", "kim"), ("kim", "ola")] {
        declare(house, &operations(), &absence(away, (22, 23), Some(cover))).await.is(201);
    }
    assert_eq!(pointers(&absence("ola", (22, 23), Some("ray"))).await, ["/cover"], "a circle");
    declare(house, &operations(), &absence("ola", (22, 23), Some("dr-lee"))).await.is(201);
    fed(house, &role("max", "Practitioner/max")).await;
    assert_eq!(pointers(&absence("max", (22, 23), Some("ray"))).await, ["/cover"], "too long a chain");
}

async fn only_the_person_their_leads_and_administrators_declare(house: &House) {
    team(house).await;
    let body = absence("ray", (22, 23), None);
    declare(house, &person("kim"), &body).await.is(403);
    declare(house, &patient("p-1001"), &body).await.is(403);
    declare(house, &scoped(&person("ray"), "user/Communication.cruds"), &body).await.is(403);
    for who in [person("ray"), staff(LEAD, &[]), operations()] {
        declare(house, &who, &body).await.is(201);
    }
    let seen =
        async |who: &DevelopmentClaims| house.get(who, PATH).await.is(200).json()["absences"].as_array().unwrap().len();
    assert_eq!((seen(&person("kim")).await, seen(&person("stranger")).await), (3, 0));
    house.get(&patient("p-1001"), PATH).await.is(403);
    assert_eq!(house.place.count("audit", "interaction = 'declare-absence'"), 3);
}

async fn two_absences_that_would_make_a_circle_do_not_both_pass(house: &House) {
    team(house).await;
    let other = house.another().await;
    for (day, attempt) in (1..=5_u8).map(|attempt| (20 + attempt, attempt)) {
        let (one, two) = (absence("ray", (day, day + 1), Some("kim")), absence("kim", (day, day + 1), Some("ray")));
        let who = operations();
        let second = other.client.ask(reqwest::Method::POST, PATH).by(&who).header("content-type", "application/json");
        let (one, two) =
            futures_util::future::join(declare(house, &who, &one), second.body(two.to_string().into()).send()).await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "attempt {attempt}: {} {}", one.text, two.text);
    }
    other.stop().await;
}

async fn a_notice_held_over_the_weekend_finds_who_is_there_on_monday(house: &House) {
    team(house).await;
    house.at(19, "18:00:00");
    assert_eq!(asked(house, "p-1").await, "Practitioner/ray");
    // Ray falls ill on Sunday; the notice has been held since Friday.
    house.at(21, "20:00:00");
    declare(house, &person("ray"), &absence("ray", (22, 27), Some("kim"))).await.is(201);
    house.at(22, "08:00:00");
    let report = house.work().await;
    let told = |who: &str| report.delivered.iter().filter(|line| line.starts_with(&format!("{who}: "))).count();
    assert_eq!((told("Practitioner/ray"), told("Practitioner/kim")), (0, 1), "{:?}", report.delivered);
}

async fn who_writes_to_somebody_away_is_told_so_once_and_also_when_nobody_is_there(house: &House) {
    govern(house, |bundle| {
        for (id, when) in [("away", "person-absent"), ("unstaffed", "pool-unstaffed")] {
            let template = json!({ "id": id, "version": 1, "texts": { "en": format!("It is {id}.") } });
            bundle["templates"].as_array_mut().unwrap().push(template);
            let reply = json!({ "id": id, "when": when, "template": id });
            bundle["awayReplies"].as_array_mut().unwrap().insert(0, reply);
        }
    })
    .await;
    team(house).await;
    declare(house, &person("ray"), &absence("ray", (19, 23), Some("kim"))).await.is(201);
    let first = sent(house, "p-1").await;
    assert_eq!(house.automatic(&first).await, ["It is away."]);
    let again = sent(house, "p-1").await;
    assert_eq!(house.automatic(&again).await.len(), 1);
    assert!(!house.automatic(&again).await[0].contains("away"), "once for each sender and absence");
    for name in ["kim", "ola"] {
        declare(house, &person(name), &absence(name, (19, 22), None)).await.is(201);
    }
    let nobody = house.create(&patient("p-2"), &refill("p-2", "Five left.")).await.is(201).id();
    assert_eq!(house.automatic(&nobody).await, ["It is unstaffed."]);
}

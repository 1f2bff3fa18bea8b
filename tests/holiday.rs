//! Holidays kept beside the bundle: entered, imported from a feed, confirmed, and only then in force.

use serde_json::{Value, json};

use crate::client::Reply;
use crate::house::House;
use crate::people::{REFILL, engine, patient, refill, scoped};
use api::auth::DevelopmentClaims;

on_both!(house:
    an_imported_holiday_counts_once_it_is_confirmed_and_on_every_replica,
    importing_again_keeps_what_is_there,
    what_cannot_be_imported_is_told,
    holidays_are_entered_listed_and_removed,
);

const PATH: &str = "/api/v1/holidays";

fn operations() -> DevelopmentClaims {
    scoped(&engine(), "postern/admin.read postern/admin.write")
}

/// The clinic's bundle with a holiday set that its calendar follows, and pools without hours of their own.
async fn clinic(house: &House) {
    let bundles = house.get(&operations(), "/api/v1/bundles").await.is(200).json();
    let mut bundle = bundles["bundles"][0]["bundle"].clone();
    bundle["version"] = json!(2);
    bundle["holidaySets"] = json!([{ "id": "public", "entries": [] }]);
    bundle["calendars"][0]["holidaySets"] = json!(["public"]);
    send(house, "/api/v1/bundles", "application/json", &bundle.to_string()).await.is(201);
    send(house, "/api/v1/bundles/riverside/2/activate", "application/json", "").await.is(200);
    let plain = json!({ "resourceType": "HealthcareService", "id": "refill-pool", "name": "Riverside refills" });
    house.put(&engine(), &format!("/fhir/{REFILL}"), &plain).await.is(200);
}

async fn send(house: &House, path: &str, kind: &str, body: &str) -> Reply {
    let ask = house.ask(reqwest::Method::POST, path).by(&operations());
    if body.is_empty() { ask.send().await } else { ask.header("content-type", kind).body(body.into()).send().await }
}

fn feed(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

const FOUNDERS: &str = "BEGIN:VEVENT\r\nUID:founders@example\r\nDTSTART;VALUE=DATE:20260622\r\n\
    DTEND;VALUE=DATE:20260623\r\nSUMMARY:Founders' Day\r\nEND:VEVENT\r\n";

async fn import(house: &House, text: &str) -> Reply {
    send(house, &format!("{PATH}/import?set=public"), "text/calendar", text).await
}

async fn due(house: &House) -> Value {
    sent(house).await.1
}

/// A new message's id, and when it is due.
async fn sent(house: &House) -> (String, Value) {
    let thread = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let due = house.task(&thread).await["restriction"]["period"]["end"].clone();
    (thread, due)
}

async fn an_imported_holiday_counts_once_it_is_confirmed_and_on_every_replica(house: &House) {
    clinic(house).await;
    let other = house.another().await;
    let tuesday = json!("2026-06-23T21:00:00Z");
    assert_eq!(due(house).await, tuesday);
    let imported = import(house, &feed(FOUNDERS)).await.is(200).json();
    let holiday = &imported["holidays"][0];
    assert_eq!((&holiday["confirmed"], &holiday["date"]), (&json!(false), &json!("2026-06-22")));
    let (thread, due_at) = sent(house).await;
    assert_eq!(due_at, tuesday, "nobody has confirmed it");
    let record =
        house.get(&operations(), &format!("/api/v1/decisions?focus=Communication/{thread}")).await.is(200).text;
    assert!(record.contains("Founders' Day"), "shown in the explanation: {record}");
    let id = holiday["id"].as_str().unwrap();
    let confirmed = send(house, &format!("{PATH}/{id}/confirm"), "", "").await.is(200).json();
    assert_eq!(confirmed["confirmed"], true);
    let wednesday = json!("2026-06-24T21:00:00Z");
    assert_eq!(due(house).await, wednesday, "Monday is closed");
    let sent = other.client.create(&patient("p-2002"), &refill("p-2002", "Mine.")).await.is(201).id();
    assert_eq!(house.task(&sent).await["restriction"]["period"]["end"], wednesday);
    other.stop().await;
    house.ask(reqwest::Method::DELETE, &format!("{PATH}/{id}")).by(&operations()).send().await.is(204);
    assert_eq!(due(house).await, tuesday, "a day like others");
    send(house, &format!("{PATH}/{id}/confirm"), "", "").await.is(404);
}

async fn importing_again_keeps_what_is_there(house: &House) {
    clinic(house).await;
    let id = import(house, &feed(FOUNDERS)).await.is(200).json()["holidays"][0]["id"].clone();
    send(house, &format!("{PATH}/{}/confirm", id.as_str().unwrap()), "", "").await.is(200);
    let again =
        import(house, &feed(&format!("{FOUNDERS}{}", FOUNDERS.replace("founders@", "other@")))).await.is(200).json();
    assert_eq!((again["unchanged"].clone(), again["holidays"].as_array().unwrap().len()), (json!(1), 1));
    let listed = house.get(&operations(), &format!("{PATH}?confirmed=true")).await.is(200).json();
    assert_eq!(listed["holidays"].as_array().unwrap().len(), 1);
    assert_eq!(listed["holidays"][0]["id"], id);
}

async fn what_cannot_be_imported_is_told(house: &House) {
    clinic(house).await;
    let timed = FOUNDERS.replace("DTSTART;VALUE=DATE:20260622", "DTSTART:20260622T090000Z");
    let told = import(house, &feed(&timed)).await.is(200).json();
    assert_eq!(told["skipped"][0]["event"], 0);
    assert!(told["skipped"][0]["reason"].as_str().unwrap().contains("time of day"), "{told}");
    let refused = import(house, "hello").await.is(422).json();
    assert!(refused["issues"][0]["remedy"].as_str().unwrap().contains("text/calendar"), "{refused}");
    let json = send(house, &format!("{PATH}/import?set=public"), "application/json", "{}").await;
    json.is(415);
    let zero = import(house, &feed(&FOUNDERS.replace("founders@", "founders\0@"))).await.is(422).json();
    assert!(zero["issues"][0]["message"].as_str().unwrap().contains("U+0000"), "{zero}");
    let elsewhere = send(house, &format!("{PATH}/import?set=nowhere"), "text/calendar", &feed(FOUNDERS)).await.is(422);
    assert_eq!(elsewhere.json()["issues"][0]["pointer"], "/set");
    let reader = scoped(&engine(), "postern/admin.read system/*.cruds");
    let ask = house.ask(reqwest::Method::POST, &format!("{PATH}/import?set=public")).by(&reader);
    ask.header("content-type", "text/calendar").body(feed(FOUNDERS).into()).send().await.is(403);
}

async fn holidays_are_entered_listed_and_removed(house: &House) {
    clinic(house).await;
    let body = json!({ "holidays": [
        { "set": "public", "date": "2026-06-22", "name": "Founders' Day", "confirmed": true },
        { "set": "public", "date": "2026-06-23", "name": "Half a day", "shifts": [{ "start": "08:00", "end": "12:00" }],
          "confirmed": true },
    ]});
    let made = send(house, PATH, "application/json", &body.to_string()).await.is(201).json();
    assert_eq!(made["holidays"].as_array().unwrap().len(), 2);
    assert_eq!(due(house).await, "2026-06-24T21:00:00Z");
    let refused = send(house, PATH, "application/json", &body.to_string()).await.is(422).json();
    assert_eq!(refused["issues"][0]["pointer"], "/holidays/0/date", "kept already: {refused}");
    let wrong = json!({ "holidays": [
        { "set": "nowhere", "date": "2026-13-01", "name": " ", "shifts": [{ "start": "12:00", "end": "08:00" }] },
    ]});
    let refused = send(house, PATH, "application/json", &wrong.to_string()).await.is(422).json();
    let pointers: Vec<&str> =
        refused["issues"].as_array().unwrap().iter().map(|issue| issue["pointer"].as_str().unwrap()).collect();
    let expected = ["/holidays/0/set", "/holidays/0/date", "/holidays/0/name", "/holidays/0/shifts/0"];
    assert_eq!(pointers, expected);
    let zero = json!({ "holidays": [{ "set": "public", "date": "2026-06-26", "name": "a\0b" }]});
    let refused = send(house, PATH, "application/json", &zero.to_string()).await.is(422).json();
    assert_eq!(refused["issues"][0]["pointer"], "/holidays/0/name", "no database need keep it: {refused}");
    house.get(&operations(), "/api/v1/bundles/a%00b/1").await.is(404);
    let listed = house.get(&operations(), &format!("{PATH}?set=public")).await.is(200).json();
    assert_eq!(listed["holidays"].as_array().unwrap().len(), 2);
    house.get(&patient("p-1001"), PATH).await.is(403);
}

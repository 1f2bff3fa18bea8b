//! Some hundreds of broken requests from a seed: none is answered with a fault of the service's own, and each that is
//! refused is told why. `make fuzz` makes many more, from another seed each time.

use std::env;

use reqwest::Method;
use serde_json::{Value, json};

use crate::example;
use crate::house::House;
use crate::people::{engine, patient, refill, scoped};

on_both!(house: whatever_is_sent_is_answered_and_a_refusal_says_why);

/// How many requests are made: as many as in every run of the tests, unless the environment names another number.
fn requests() -> u32 {
    env::var("POSTERN_FUZZ_REQUESTS").map_or(600, |number| number.parse().unwrap())
}

/// What the requests are made of.
fn seed() -> u64 {
    env::var("POSTERN_FUZZ_SEED").map_or(0x9e37_79b9_7f4a_7c15, |seed| seed.parse().unwrap())
}

/// Numbers from a seed (xorshift): the same in each run, so that what fails once fails again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }
}

const STRANGE: &[&str] = &[
    "null",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-1e400",
    "true",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[[[[]]]]",
    "\"2026-13-45\"",
    "{\"reference\":\"Patient/../x\"}",
    "\"<script>\"",
    "1e999999",
    "\"ü\"",
];

/// A text of which a value is another one, a member is gone or some bytes are others.
fn broken(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut value: Value = serde_json::from_str(text).unwrap();
    match dice.below(6) {
        0 => {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..=dice.below(4) {
                let at = dice.below(bytes.len());
                match dice.below(3) {
                    0 => bytes[at] = b"{}[]\":,\\ \xff"[dice.below(10)],
                    1 => drop(bytes.remove(at)),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            bytes
        }
        // Now and then a good one: what it leaves behind is in the way of others.
        1 => text.as_bytes().to_vec(),
        2 => {
            // The depth, the count or the length of things.
            let depth = 1 + dice.below(400);
            let kind = &value["resourceType"];
            format!("{{\"resourceType\":{kind},\"extension\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
        }
        _ => {
            let strange = dice.pick(STRANGE);
            replace(&mut value, dice);
            value.to_string().replacen("\"HERE\"", strange, 1).into_bytes()
        }
    }
}

/// Marks a place somewhere in a value, or takes it away.
fn replace(value: &mut Value, dice: &mut Dice) {
    let deeper = dice.below(3) > 0;
    let mut within: Vec<&mut Value> = match value {
        Value::Object(members) if !members.is_empty() => {
            if !deeper && dice.below(4) == 0 {
                let name = members.keys().nth(dice.below(members.len())).unwrap().clone();
                members.remove(&name);
                return;
            }
            members.values_mut().collect()
        }
        Value::Array(items) => items.iter_mut().collect(),
        _ => vec![],
    };
    if within.is_empty() {
        *value = json!("HERE");
        return;
    }
    let at = dice.below(within.len());
    let next = &mut *within[at];
    if deeper { replace(next, dice) } else { *next = json!("HERE") }
}

fn query(dice: &mut Dice) -> String {
    const NAMES: &[&str] = &[
        "_id",
        "_lastUpdated",
        "sent",
        "status",
        "category",
        "subject",
        "sender:missing",
        "identifier",
        "_sort",
        "_count",
        "_include",
        "_revinclude",
        "_has:Task:focus:status",
        "recipient:HealthcareService.name",
        "_summary",
        "_cursor",
        "_elements",
        "_total",
        "status:not",
        "participant",
        "colour",
        "",
        ":",
        "_since",
        "_at",
        "url",
        "name",
    ];
    const VALUES: &[&str] = &[
        "",
        "x",
        "%00",
        "%FF",
        "ge2026",
        "ap9999-99",
        "a|b|c",
        "%7C",
        "\\",
        ",",
        "-1",
        "999999999999999999999",
        "true",
        "Patient/x",
        "../../x",
        "'%20OR%201=1--",
        "*",
        "Task:focus",
        "_lastUpdated,-sent",
        "%F0%9F%92%8A",
        "2026-02-30",
        "A",
        "eyJhIjoxfQ",
    ];
    let pairs = (0..=dice.below(3)).map(|_| format!("{}={}", dice.pick(NAMES), dice.pick(VALUES)));
    pairs.collect::<Vec<_>>().join("&")
}

const KINDS: &[&str] = &[
    "Communication",
    "Task",
    "HealthcareService",
    "PractitionerRole",
    "CareTeam",
    "CodeSystem",
    "StructureDefinition",
];

async fn whatever_is_sent_is_answered_and_a_refusal_says_why(house: &House) {
    let who = scoped(&engine(), "system/*.cruds");
    let team = json!({ "resourceType": "CareTeam", "status": "active", "name": "T",
        "participant": [{ "member": { "reference": "Practitioner/a" }, "period": { "start": "2026" } }] });
    let role = crate::practitioner_role::role("ray", "Practitioner/ray");
    let hours = server::clinic::services()[0].clone();
    let bodies = [
        example::PATIENT_REFILL.to_owned(),
        example::STAFF_REPLY.to_owned(),
        example::EVERYTHING_KEPT.to_owned(),
        team.to_string(),
        role.to_string(),
        hours.to_string(),
    ];
    let change = json!([{ "op": "replace", "path": "/name", "value": "x" }]).to_string();
    let by_path = json!({ "resourceType": "Parameters", "parameter": [{ "name": "operation", "part": [
        { "name": "type", "valueCode": "replace" }, { "name": "path", "valueString": "CareTeam.name" },
        { "name": "value", "valueString": "x" }] }] })
    .to_string();
    let given = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "reason", "valueCode": "workload" }, { "name": "pool", "valueString": "family" },
        { "name": "until", "valueInstant": "2026-06-23T21:00:00Z" },
        { "name": "resource", "resource": serde_json::from_str::<Value>(example::PATIENT_REFILL).unwrap() }] })
    .to_string();
    let task = house.task(&house.create(&patient("p-1"), &refill("p-1", "Five left.")).await.is(201).id()).await;
    let task = task["id"].as_str().unwrap();
    let together = |kind: &str, searched: &str| {
        let created = |body: &str| {
            let resource: Value = serde_json::from_str(body).unwrap();
            let url = resource["resourceType"].clone();
            json!({ "fullUrl": "urn:uuid:6f2c9b1e-58a5-4d0a-9d65-0e7f5fd5f1aa", "resource": resource,
                "request": { "method": "POST", "url": url, "ifNoneExist": "identifier=urn:x|1" } })
        };
        json!({ "resourceType": "Bundle", "type": kind, "entry": [
            created(&bodies[0]), created(&bodies[3]),
            { "request": { "method": "GET", "url": searched } },
            { "request": { "method": "DELETE", "url": "CareTeam/x" } },
            { "request": { "method": "PATCH", "url": "CareTeam/x", "ifMatch": "W/\"1\"" },
                "resource": serde_json::from_str::<Value>(&by_path).unwrap() }] })
        .to_string()
    };
    let bundles = [
        together("transaction", "Task?identifier=urn:x|1"),
        together("batch", "Task?status=requested&_include=Task:focus"),
    ];
    let operations = ["claim", "release", "route", "pause", "resume", "waive", "validate"];
    let seed = seed();
    let mut dice = Dice(seed);
    let (mut taken, mut refused) = (0, 0);
    for number in 0..requests() {
        let body = &bodies[dice.below(bodies.len())];
        let kind = if dice.below(3) == 0 {
            dice.pick(KINDS).to_owned()
        } else {
            serde_json::from_str::<Value>(body).unwrap()["resourceType"].as_str().unwrap().to_owned()
        };
        let id =
            dice.pick(&["x", "refill-pool", "..", "%2e%2e", "_history", "%FF", "a b", "-", &"a".repeat(65)]).to_owned();
        let resource = |path: String, body: &str, dice: &mut Dice| {
            (Method::POST, path, "application/fhir+json", broken(body, dice))
        };
        let (method, path, type_, body) = match dice.below(12) {
            0 => resource(format!("/fhir/{kind}"), body, &mut dice),
            1 => (Method::PUT, format!("/fhir/{kind}/{id}"), "application/fhir+json", broken(body, &mut dice)),
            2 => {
                let address = format!("/fhir/{kind}?{}", query(&mut dice));
                (Method::PUT, address, "application/fhir+json", broken(body, &mut dice))
            }
            3 => {
                (Method::PATCH, format!("/fhir/{kind}/{id}"), "application/json-patch+json", broken(&change, &mut dice))
            }
            4 => (Method::PATCH, format!("/fhir/{kind}/{id}"), "application/fhir+json", broken(&by_path, &mut dice)),
            5 => (
                Method::POST,
                format!("/fhir/{kind}/_search"),
                "application/x-www-form-urlencoded",
                query(&mut dice).into(),
            ),
            6 => (Method::GET, format!("/fhir/{kind}/{id}/_history?{}", query(&mut dice)), "", vec![]),
            7 => resource("/fhir".to_owned(), &bundles[dice.below(2)], &mut dice),
            8 => resource(format!("/fhir/Task/{task}/${}", dice.pick(&operations)), &given, &mut dice),
            9 => resource(format!("/fhir/{kind}/$validate"), body, &mut dice),
            10 => resource(
                format!("/fhir/Communication/${}", dice.pick(&["preflight", "inbox"])),
                if dice.below(2) == 0 { &given } else { body },
                &mut dice,
            ),
            _ => (Method::GET, format!("/fhir/{kind}?{}", query(&mut dice)), "", vec![]),
        };
        let ask = house.ask(method.clone(), &path).by(&who);
        let ask = if type_.is_empty() { ask } else { ask.header("content-type", type_).body(body.clone()) };
        let reply = ask.send().await;
        let told =
            || format!("seed {seed}, {number}: {method} {path} {}: {}", String::from_utf8_lossy(&body), reply.text);
        assert!(reply.status < 500, "{}", told());
        if reply.status < 400 {
            taken += 1;
            let told_of_each: Value = serde_json::from_str(&reply.text).unwrap_or_default();
            for entry in told_of_each["entry"].as_array().into_iter().flatten() {
                assert!(!entry["response"]["status"].as_str().unwrap_or_default().starts_with('5'), "{}", told());
            }
            continue;
        }
        refused += 1;
        let outcome: Value = serde_json::from_str(&reply.text).unwrap_or_else(|error| panic!("{error}: {}", told()));
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", told());
        for issue in outcome["issue"].as_array().unwrap() {
            assert!(issue["diagnostics"].as_str().is_some_and(|text| text.len() > 5), "{}", told());
        }
    }
    // Of much that is broken most is refused, and not all of it.
    assert!(taken > requests() / 20 && refused > requests() / 4, "{taken} taken, {refused} refused");
    house.get(&engine(), "/fhir/Communication").await.is(200);
}

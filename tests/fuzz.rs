//! Some hundreds of broken requests from a seed: none is answered with a fault of the service's own, and each that is
//! refused is told why.

use reqwest::Method;
use serde_json::{Value, json};

use crate::example;
use crate::house::House;
use crate::people::{engine, scoped};

on_both!(house: whatever_is_sent_is_answered_and_a_refusal_says_why);

/// How many requests are made of the seed.
const REQUESTS: u32 = 400;

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

/// A text of which a value is another one, a member is gone or doubled, or some bytes are others.
fn broken(text: &str, dice: &mut Dice) -> Vec<u8> {
    let mut value: Value = serde_json::from_str(text).unwrap();
    match dice.below(5) {
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
            format!("{{\"resourceType\":\"Communication\",\"extension\":{}{}}}", "[".repeat(depth), "]".repeat(depth))
                .into_bytes()
        }
        _ => {
            let strange = dice.pick(STRANGE);
            let members = value.as_object_mut().unwrap();
            let name = members.keys().nth(dice.below(members.len())).unwrap().clone();
            if dice.below(4) == 0 {
                members.remove(&name);
                return value.to_string().into_bytes();
            }
            members.insert(name, json!("HERE"));
            value.to_string().replacen("\"HERE\"", strange, 1).into_bytes()
        }
    }
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
    let change = json!({ "op": "replace", "path": "/name", "value": "x" }).to_string();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut taken, mut refused) = (0, 0);
    for number in 0..REQUESTS {
        let body = &bodies[dice.below(bodies.len())];
        let kind = if dice.below(3) == 0 {
            dice.pick(KINDS).to_owned()
        } else {
            serde_json::from_str::<Value>(body).unwrap()["resourceType"].as_str().unwrap().to_owned()
        };
        let id =
            dice.pick(&["x", "refill-pool", "..", "%2e%2e", "_history", "%FF", "a b", "-", &"a".repeat(65)]).to_owned();
        let (method, path, type_, body) = match dice.below(7) {
            0 => (Method::POST, format!("/fhir/{kind}"), "application/fhir+json", broken(body, &mut dice)),
            1 => (Method::PUT, format!("/fhir/{kind}/{id}"), "application/fhir+json", broken(body, &mut dice)),
            2 => {
                let address = format!("/fhir/{kind}?{}", query(&mut dice));
                (Method::PUT, address, "application/fhir+json", broken(body, &mut dice))
            }
            3 => {
                let changes = format!("[{}]", String::from_utf8_lossy(&broken(&change, &mut dice))).into_bytes();
                (Method::PATCH, format!("/fhir/{kind}/{id}"), "application/json-patch+json", changes)
            }
            4 => (
                Method::POST,
                format!("/fhir/{kind}/_search"),
                "application/x-www-form-urlencoded",
                query(&mut dice).into(),
            ),
            5 => (Method::GET, format!("/fhir/{kind}/{id}/_history?{}", query(&mut dice)), "", vec![]),
            _ => (Method::GET, format!("/fhir/{kind}?{}", query(&mut dice)), "", vec![]),
        };
        let ask = house.ask(method.clone(), &path).by(&who);
        let ask = if type_.is_empty() { ask } else { ask.header("content-type", type_).body(body.clone()) };
        let reply = ask.send().await;
        let told = || format!("{number}: {method} {path} {}: {}", String::from_utf8_lossy(&body), reply.text);
        assert!(reply.status < 500, "{}", told());
        if reply.status < 400 {
            taken += 1;
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
    assert!(taken > 20 && refused > 150, "{taken} taken, {refused} refused");
    house.get(&engine(), "/fhir/Communication").await.is(200);
}

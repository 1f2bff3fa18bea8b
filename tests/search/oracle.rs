//! Random queries over random messages, compared with whoever reads every resource and thinks for themselves.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::house::House;
use crate::people::{FAMILY, REFILL, engine, message, nurse, patient, reply};

on_both!(house: random_queries_find_what_reading_everything_finds);

/// A sequence of numbers that looks random and is always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.roll(from.len() as u64) as usize].clone()
    }
}

/// Whether a resource fulfils a condition; all resources are there to follow references.
type Holds = Box<dyn Fn(&Value, &[Value]) -> bool>;

const CATEGORIES: [&str; 3] = ["refill", "billing", "medical-advice"];
const PATIENTS: [&str; 3] = ["p-1", "p-2", "p-3"];

async fn random_queries_find_what_reading_everything_finds(house: &House) {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    write(house, &mut dice).await;
    for caller in [engine(), nurse(), patient("p-1")] {
        let mut all = everything(house, &caller, "Communication").await;
        all.extend(everything(house, &caller, "Task").await);
        let is_patient = caller.patient.is_some();
        let mut found = 0;
        for _ in 0..60 {
            let kind =
                if is_patient { "Communication" } else { dice.pick(&["Communication", "Communication", "Task"]) };
            let conditions: Vec<_> = (0..=dice.roll(2)).map(|_| condition(&mut dice, kind, is_patient)).collect();
            let query: Vec<_> = conditions.iter().map(|(query, _)| query.clone()).collect();
            let query = format!("/fhir/{kind}?{}&_total=accurate&_count=7", query.join("&"));
            let expected: BTreeSet<String> = all
                .iter()
                .filter(|own| own["resourceType"] == kind && conditions.iter().all(|(_, holds)| holds(own, &all)))
                .map(id)
                .collect();
            let mut page = house.get(&caller, &query).await.is(200);
            assert_eq!(page.json()["total"], expected.len(), "{query}");
            let mut ids = page.ids();
            while let Some(next) = page.link("next") {
                page = house.get(&caller, &next).await.is(200);
                ids.extend(page.ids());
            }
            assert_eq!(ids.len(), expected.len(), "{query}: each once");
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected, "{query}");
            found += usize::from(!expected.is_empty());
        }
        assert!(found >= 20, "most queries should find something: {found}");
    }
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

/// Conversations, some of them answered, and drafts.
async fn write(house: &House, dice: &mut Dice) {
    for number in 0..24 {
        house.pass(dice.roll(40_000) as i64);
        let who = dice.pick(&PATIENTS);
        let mut body = message(who, dice.pick(&[FAMILY, REFILL]), dice.pick(&CATEGORIES), "About", "Five left.");
        if dice.roll(3) == 0 {
            body["category"][0]["text"] = json!(dice.pick(&["Ärger", "argument", "other"]));
        }
        if dice.roll(3) == 0 {
            body["identifier"] = json!([{ "system": dice.pick(&["urn:a", "urn:b"]), "value": dice.pick(&["1", "2"]) }]);
        }
        if dice.roll(2) == 0 {
            body["priority"] = json!(dice.pick(&["routine", "urgent"]));
        }
        if dice.roll(4) == 0 {
            body["meta"] = json!({ "tag": [{ "system": "urn:t", "code": dice.pick(&["x", "y"]) }] });
        }
        if dice.roll(6) == 0 {
            body["status"] = json!("preparation");
        }
        if dice.roll(8) == 0 {
            body.as_object_mut().unwrap().remove("subject");
        }
        let sent = house.create(&engine(), &body).await.is(201).json();
        if number % 3 == 0 && sent["status"] == "completed" {
            house.pass(60);
            house.create(&nurse(), &reply(who, &id(&sent), "Done.")).await.is(201);
        }
    }
}

/// Everything that a caller may see of a type.
async fn everything(house: &House, caller: &api::auth::DevelopmentClaims, kind: &str) -> Vec<Value> {
    let mut page = house.get(caller, &format!("/fhir/{kind}?_count=200")).await.is(200);
    let mut all = page.resources();
    while let Some(next) = page.link("next") {
        page = house.get(caller, &next).await.is(200);
        all.extend(page.resources());
    }
    all
}

fn condition(dice: &mut Dice, kind: &str, is_patient: bool) -> (String, Holds) {
    let (query, holds) = match (kind, dice.roll(if is_patient { 10 } else { 12 })) {
        (_, 0) => day(dice, if kind == "Task" { "authored-on" } else { "sent" }),
        ("Task", 1..=3) => token(dice, "business-status", &["on-track", "met", "overdue"], |own| {
            own["businessStatus"]["coding"].as_array().cloned().unwrap_or_default()
        }),
        ("Task", 4..=6) => {
            let code = dice.pick(&CATEGORIES);
            let holds = move |own: &Value, all: &[Value]| root(own, all).is_some_and(|root| has_category(root, code));
            (format!("focus.category={code}"), Box::new(holds) as Holds)
        }
        ("Task", 7) => ("focus:missing=true".to_owned(), Box::new(|_: &Value, _: &[Value]| false) as Holds),
        ("Task", _) => {
            let who = dice.pick(&PATIENTS);
            let holds = move |own: &Value, _: &[Value]| own["for"]["reference"] == format!("Patient/{who}");
            (format!("patient={who}"), Box::new(holds) as Holds)
        }
        (_, 1 | 2) => token(dice, "category", &CATEGORIES, |own| {
            let concepts = own["category"].as_array().cloned().unwrap_or_default();
            concepts.iter().flat_map(|concept| concept["coding"].as_array().cloned().unwrap_or_default()).collect()
        }),
        (_, 3) => token(dice, "_tag", &["x", "y"], |own| own["meta"]["tag"].as_array().cloned().unwrap_or_default()),
        (_, 4) => token(dice, "priority", &["routine", "urgent", "stat"], |own| {
            own["priority"].as_str().map(|code| json!({ "code": code })).into_iter().collect()
        }),
        (_, 5) => {
            let holds = |own: &Value, _: &[Value]| {
                let texts = own["category"].as_array().into_iter().flatten().filter_map(|one| one["text"].as_str());
                texts.map(|text| text.to_lowercase().replace('ä', "a")).any(|text| text.starts_with("arg"))
            };
            ("category:text=%C3%84RG".to_owned(), Box::new(holds) as Holds)
        }
        (_, 6) => {
            let who = dice.pick(&["Patient/p-1", "Practitioner/nurse-ortiz", FAMILY]).to_owned();
            let query = format!("participant={who}");
            let holds = move |own: &Value, _: &[Value]| {
                own["sender"]["reference"] == who.as_str()
                    || own["recipient"].as_array().into_iter().flatten().any(|to| to["reference"] == who.as_str())
            };
            (query, Box::new(holds) as Holds)
        }
        (_, 7) => {
            let holds = |own: &Value, _: &[Value]| own["partOf"].is_null();
            ("part-of:missing=true".to_owned(), Box::new(holds) as Holds)
        }
        (_, 8) => {
            let (system, value) = (dice.pick(&["urn:a", "urn:b"]), dice.pick(&["1", "2"]));
            let holds = move |own: &Value, _: &[Value]| {
                let own = own["identifier"].as_array().cloned().unwrap_or_default();
                own.iter().any(|one| one["system"] == system && one["value"] == value)
            };
            (format!("identifier={system}%7C{value}"), Box::new(holds) as Holds)
        }
        (_, 9) => {
            let status = dice.pick(&["completed", "requested"]);
            let holds = move |own: &Value, all: &[Value]| {
                let focus = format!("Communication/{}", id(own));
                all.iter().any(|task| task["focus"]["reference"] == focus.as_str() && task["status"] == status)
            };
            (format!("_has:Task:focus:status={status}"), Box::new(holds) as Holds)
        }
        (_, 10) => {
            let code = dice.pick(&CATEGORIES);
            let holds = move |own: &Value, all: &[Value]| {
                let of = own["partOf"].as_array().into_iter().flatten().filter_map(|one| one["reference"].as_str());
                of.filter_map(|one| find(one, all)).any(|root| has_category(root, code))
            };
            (format!("part-of.category={code}"), Box::new(holds) as Holds)
        }
        _ => {
            let status = dice.pick(&["completed", "preparation"]);
            let holds = move |own: &Value, _: &[Value]| own["status"] != status;
            (format!("status:not={status}"), Box::new(holds) as Holds)
        }
    };
    (query, holds)
}

fn has_category(own: &Value, code: &str) -> bool {
    own["category"].as_array().into_iter().flatten().any(|one| one["coding"][0]["code"] == code)
}

fn find<'v>(reference: &str, all: &'v [Value]) -> Option<&'v Value> {
    let (kind, wanted) = reference.split_once('/')?;
    all.iter().find(|own| own["resourceType"] == kind && own["id"] == wanted)
}

fn root<'v>(task: &Value, all: &'v [Value]) -> Option<&'v Value> {
    find(task["focus"]["reference"].as_str()?, all)
}

/// A condition on codes: one or two of them, or none of them, or whether there are any.
fn token(dice: &mut Dice, name: &str, codes: &[&'static str], codings: fn(&Value) -> Vec<Value>) -> (String, Holds) {
    let any: Vec<&'static str> = (0..=dice.roll(2)).map(|_| dice.pick(codes)).collect();
    let asked = any.join(",");
    let has = move |own: &Value| codings(own).iter().any(|coding| any.iter().any(|code| coding["code"] == *code));
    match dice.roll(4) {
        0 => (format!("{name}:not={asked}"), Box::new(move |own: &Value, _: &[Value]| !has(own))),
        1 => {
            let missing = dice.roll(2) == 0;
            let holds = move |own: &Value, _: &[Value]| codings(own).is_empty() == missing;
            (format!("{name}:missing={missing}"), Box::new(holds))
        }
        _ => (format!("{name}={asked}"), Box::new(move |own: &Value, _: &[Value]| has(own))),
    }
}

/// A condition on a moment: a day, compared in one of the ways there are.
fn day(dice: &mut Dice, name: &str) -> (String, Holds) {
    let member = if name == "sent" { "sent" } else { "authoredOn" };
    let low: Timestamp = format!("2026-06-{}T00:00:00Z", 19 + dice.roll(6)).parse().unwrap();
    let high = low + SignedDuration::from_hours(24);
    let prefix = dice.pick(&["", "eq", "ne", "gt", "ge", "lt", "le", "sa", "eb"]);
    let compares = move |at: Timestamp| match prefix {
        "ne" => at < low || at >= high,
        "gt" | "sa" => at >= high,
        "ge" => at >= low,
        "lt" | "eb" => at < low,
        "le" => at < high,
        _ => low <= at && at < high,
    };
    let holds = move |own: &Value, _: &[Value]| own[member].as_str().is_some_and(|at| compares(at.parse().unwrap()));
    (format!("{name}={prefix}{}", &low.to_string()[..10]), Box::new(holds))
}

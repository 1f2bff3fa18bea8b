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
    feed(house, &mut dice).await;
    let now = house.time_now().timestamp();
    for caller in [engine(), nurse(), patient("p-1")] {
        let mut all = everything(house, &caller, "Communication").await;
        all.extend(everything(house, &caller, "Task").await);
        let is_patient = caller.patient.is_some();
        let is_engine = caller.scope.starts_with("system");
        if is_engine {
            for kind in FED {
                all.extend(everything(house, &caller, kind).await);
            }
        }
        let asker = Asking { is_patient, now, roots: roots(&all) };
        let mut found = 0;
        for round in 0..if is_engine { 150 } else { 90 } {
            let kind = match round % 5 {
                _ if is_patient => "Communication",
                0 if is_engine => dice.pick(&FED),
                1 => "Task",
                _ => "Communication",
            };
            let conditions: Vec<_> = (0..=dice.roll(2)).map(|_| asker.condition(&mut dice, kind)).collect();
            let query: Vec<_> = conditions.iter().map(|(query, _)| query.clone()).collect();
            let (order, key, backward) = sorting(&mut dice, kind);
            let query = format!("/fhir/{kind}?{}&_total=accurate&_count=7&_sort={order}", query.join("&"));
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
            let mut sorted: Vec<_> = ids.iter().map(|own| (key(with_id(own, kind, &all), &all), own.clone())).collect();
            let given = sorted.clone();
            sorted.sort();
            if backward {
                sorted.reverse();
            }
            assert_eq!(given, sorted, "{query}: in its order");
            assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected, "{query}");
            found += usize::from(!expected.is_empty());
        }
        assert!(found >= 20, "most queries should find something: {found}");
    }
}

/// The types that engines feed.
const FED: [&str; 3] = ["HealthcareService", "PractitionerRole", "CareTeam"];

/// Who asks, and when.
struct Asking {
    is_patient: bool,
    now: Timestamp,
    /// The first messages of conversations.
    roots: Vec<String>,
}

fn roots(all: &[Value]) -> Vec<String> {
    let is_root = |own: &&Value| own["resourceType"] == "Communication" && own["status"] != "preparation";
    all.iter().filter(is_root).filter(|own| own["partOf"].is_null()).map(id).collect()
}

fn with_id<'v>(wanted: &str, kind: &str, all: &'v [Value]) -> &'v Value {
    all.iter().find(|own| own["resourceType"] == kind && own["id"] == wanted).unwrap()
}

/// When a resource stands in an order.
type Key = Box<dyn Fn(&Value, &[Value]) -> Option<Timestamp>>;

fn sorting(dice: &mut Dice, kind: &str) -> (String, Key, bool) {
    let name = match kind {
        "Communication" => dice.pick(&["sent", "last-activity", "_lastUpdated", "_id"]),
        "Task" => dice.pick(&["due", "_lastUpdated", "_id"]),
        _ => dice.pick(&["_lastUpdated", "_id"]),
    };
    let key: Key = Box::new(move |own: &Value, all: &[Value]| {
        let written = || moment(own, "/meta/lastUpdated");
        match name {
            "sent" => moment(own, "/sent").or_else(written),
            "due" => moment(own, "/restriction/period/end"),
            "last-activity" => activity(own, all).or_else(written),
            "_lastUpdated" => written(),
            _ => None,
        }
    });
    let backward = dice.roll(2) == 0;
    (format!("{}{name}", if backward { "-" } else { "" }), key, backward)
}

fn moment(own: &Value, place: &str) -> Option<Timestamp> {
    own.pointer(place)?.as_str()?.parse().ok()
}

/// The first message of the conversation that a message belongs to; drafts belong to none.
fn thread(own: &Value) -> Option<String> {
    let part = own["partOf"][0]["reference"].as_str().map(|one| one.trim_start_matches("Communication/").to_owned());
    part.or_else(|| (own["status"] != "preparation").then(|| id(own)))
}

/// When somebody last wrote in a message's conversation.
fn activity(own: &Value, all: &[Value]) -> Option<Timestamp> {
    let of = thread(own)?;
    let messages = all.iter().filter(|one| one["resourceType"] == "Communication");
    messages.filter(|one| thread(one).as_ref() == Some(&of)).filter_map(|one| moment(one, "/sent")).max()
}

/// Pools, roles and teams as engines feed them.
async fn feed(house: &House, dice: &mut Dice) {
    for number in 0..18 {
        house.pass(dice.roll(5_000) as i64);
        let kind = FED[number % 3];
        let name = dice.pick(&["Réfill", "Refuge", "Labor"]);
        let mut body = json!({ "resourceType": kind, "id": format!("fed-{number}") });
        if kind != "PractitionerRole" {
            body["name"] = json!(name);
        }
        if dice.roll(2) == 0 {
            body["identifier"] = json!([{ "system": dice.pick(&["urn:a", "urn:b"]), "value": dice.pick(&["1", "2"]) }]);
        }
        if kind == "CareTeam" {
            body["status"] = json!(dice.pick(&["active", "inactive"]));
            body["participant"] =
                json!([{ "member": { "reference": dice.pick(&["Practitioner/a", "Practitioner/b"]) } }]);
            if dice.roll(2) == 0 {
                body["subject"] = json!({ "reference": "Patient/p-1",
                    "identifier": { "system": "urn:mrn", "value": dice.pick(&["1", "2"]) } });
            }
        } else if dice.roll(3) > 0 {
            body["active"] = json!(dice.roll(2) == 0);
        }
        if kind == "PractitionerRole" {
            body["practitioner"] = json!({ "reference": dice.pick(&["Practitioner/a", "Practitioner/b"]) });
        } else {
            body["category"] = json!([{ "coding": [{ "system": "urn:s", "code": dice.pick(&["x", "y"]) }] }]);
        }
        house.put(&engine(), &format!("/fhir/{kind}/fed-{number}"), &body).await.is(201);
    }
}

/// Whether an identifier stands among those at a place.
fn identified(dice: &mut Dice, name: &str, systems: &[&'static str], at: fn(&Value) -> Vec<Value>) -> (String, Holds) {
    let (system, value) = (dice.pick(systems), dice.pick(&["1", "2"]));
    let holds =
        move |own: &Value, _: &[Value]| at(own).iter().any(|one| one["system"] == system && one["value"] == value);
    (format!("{name}={system}%7C{value}"), Box::new(holds))
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
        if dice.roll(3) == 0 && body["subject"].is_object() {
            body["subject"]["identifier"] = json!({ "system": "urn:mrn", "value": dice.pick(&["1", "2"]) });
        }
        let sent = house.create(&engine(), &body).await.is(201).json();
        if sent["status"] == "completed" && dice.roll(3) == 0 {
            let reader = dice.pick(&[nurse(), patient(who)]);
            let path = format!("/fhir/Communication/{}/$mark-read", id(&sent));
            let marked = house.ask(reqwest::Method::POST, &path).by(&reader).send().await;
            assert!(matches!(marked.status, 200 | 404), "the nurse does not see every pool's: {}", marked.text);
        }
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

impl Asking {
    fn condition(&self, dice: &mut Dice, kind: &'static str) -> (String, Holds) {
        match kind {
            "Communication" | "Task" if dice.roll(3) > 0 => condition(dice, kind, self.is_patient),
            "HealthcareService" | "PractitionerRole" | "CareTeam" => fed(dice, kind, self.now),
            "Task" => day(dice, "_lastUpdated", "/meta/lastUpdated", self.now),
            _ => self.conversing(dice),
        }
    }

    /// Conditions that look at what stands around a message.
    fn conversing(&self, dice: &mut Dice) -> (String, Holds) {
        match dice.roll(6) {
            0 => {
                let name = dice.pick(&["patient:identifier", "subject:identifier"]);
                identified(dice, name, &["urn:mrn"], |own| vec![own["subject"]["identifier"].clone()])
            }
            1 => day(dice, "_lastUpdated", "/meta/lastUpdated", self.now),
            2 => {
                let (query, at) = day(dice, "last-activity", "/at", self.now);
                let holds = move |own: &Value, all: &[Value]| {
                    activity(own, all).is_some_and(|last| at(&json!({ "at": last.to_string() }), all))
                };
                (query, Box::new(holds))
            }
            3 => {
                let wanted: Vec<String> = (0..=dice.roll(3)).map(|_| dice.pick(&self.roots)).collect();
                let query = format!("thread={}", wanted.join(","));
                (query, Box::new(move |own: &Value, _: &[Value]| thread(own).is_some_and(|own| wanted.contains(&own))))
            }
            4 => {
                let who = if self.is_patient { "Patient/p-1" } else { "Practitioner/nurse-ortiz" };
                let holds = move |own: &Value, _: &[Value]| {
                    let extensions = own["extension"].as_array().into_iter().flatten();
                    let mut marks = extensions.filter(|one| one["url"] == fhir::canonical::READ_STATE);
                    let has_read = marks.any(|one| one["extension"][0]["valueReference"]["reference"] == who);
                    thread(own).is_some() && own["sender"]["reference"] != who && !has_read
                };
                (format!("unread-by={who}"), Box::new(holds))
            }
            _ => day(dice, "sent", "/sent", self.now),
        }
    }
}

/// Conditions on what engines feed.
fn fed(dice: &mut Dice, kind: &'static str, now: Timestamp) -> (String, Holds) {
    match dice.roll(6) {
        0 => identified(dice, "identifier", &["urn:a", "urn:b"], |own| {
            own["identifier"].as_array().cloned().unwrap_or_default()
        }),
        1 => day(dice, "_lastUpdated", "/meta/lastUpdated", now),
        2 if kind != "PractitionerRole" => {
            let begins = dice.pick(&["ref", "REFI", "lab"]).to_owned();
            let query = format!("name={begins}");
            let holds = move |own: &Value, _: &[Value]| {
                let name = own["name"].as_str().unwrap_or_default().to_lowercase().replace('é', "e");
                name.starts_with(&begins.to_lowercase())
            };
            (query, Box::new(holds))
        }
        3 if kind == "CareTeam" => {
            identified(dice, "patient:identifier", &["urn:mrn"], |own| vec![own["subject"]["identifier"].clone()])
        }
        4 if kind != "HealthcareService" => {
            let who = dice.pick(&["Practitioner/a", "Practitioner/b"]);
            let name = if kind == "CareTeam" { "participant" } else { "practitioner" };
            let holds = move |own: &Value, _: &[Value]| {
                own["practitioner"]["reference"] == who || own["participant"][0]["member"]["reference"] == who
            };
            (format!("{name}={who}"), Box::new(holds))
        }
        _ if kind == "CareTeam" => token(dice, "status", &["active", "inactive"], |own| {
            own["status"].as_str().map(|code| json!({ "code": code })).into_iter().collect()
        }),
        _ => token(dice, "active", &["true", "false"], |own| {
            own["active"].as_bool().map(|is| json!({ "code": is.to_string() })).into_iter().collect()
        }),
    }
}

fn condition(dice: &mut Dice, kind: &str, is_patient: bool) -> (String, Holds) {
    let (query, holds) = match (kind, dice.roll(if is_patient { 10 } else { 12 })) {
        (_, 0) => {
            let (name, place) = if kind == "Task" { ("authored-on", "/authoredOn") } else { ("sent", "/sent") };
            day(dice, name, place, Timestamp::UNIX_EPOCH)
        }
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
            let holds = move |own: &Value, all: &[Value]| {
                own["sender"]["reference"] == who.as_str()
                    || (!is_patient && who.starts_with("Practitioner/") && answers(&who, own, all))
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

/// Whether somebody owns, or is asked to own, a Task of the conversation that a message belongs to.
fn answers(who: &str, own: &Value, all: &[Value]) -> bool {
    let root =
        own["partOf"][0]["reference"].as_str().map_or_else(|| format!("Communication/{}", id(own)), str::to_owned);
    all.iter().any(|task| task["focus"]["reference"] == root.as_str() && task["owner"]["reference"] == who)
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

/// A condition on a moment: a day, compared in one of the ways there are; approximately, when now is given.
fn day(dice: &mut Dice, name: &str, place: &'static str, now: Timestamp) -> (String, Holds) {
    let low: Timestamp = format!("2026-06-{}T00:00:00Z", 19 + dice.roll(6)).parse().unwrap();
    let high = low + SignedDuration::from_hours(24);
    let prefixes = ["", "eq", "ne", "gt", "ge", "lt", "le", "sa", "eb", "ap"];
    let prefix = dice.pick(&prefixes[..if now == Timestamp::UNIX_EPOCH { 9 } else { 10 }]);
    let gap = if now < low { low.duration_since(now) } else { now.duration_since(high).max(SignedDuration::ZERO) };
    let compares = move |at: Timestamp| match prefix {
        "ne" => at < low || at >= high,
        "gt" | "sa" => at >= high,
        "ge" => at >= low,
        "lt" | "eb" => at < low,
        "le" => at < high,
        "ap" => low - gap / 10 <= at && at < high + gap / 10,
        _ => low <= at && at < high,
    };
    let holds = move |own: &Value, _: &[Value]| moment(own, place).is_some_and(compares);
    (format!("{name}={prefix}{}", &low.to_string()[..10]), Box::new(holds))
}

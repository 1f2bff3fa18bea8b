//! What the micro-benchmarks work on: policies of two sizes, a calendar and a message.

use domain::calendar::{CalendarSpec, HolidaySet};
use domain::policy::bundle::Bundle;
use domain::policy::{DEFAULT_BUNDLE, Directory, Policy};
use domain::time::Instant;
use serde_json::{Value, json};

/// The Friday evening at which everything here takes place.
pub fn friday_evening() -> Instant {
    "2026-06-19T21:30:00Z".parse().expect("a literal instant")
}

/// The bundle that ships with the service.
pub fn default_bundle() -> Bundle {
    Bundle::read(DEFAULT_BUNDLE).expect("the default bundle is tested where it is kept")
}

/// A large site's bundle: 20 calendars with holidays, 20 pools, and 100 rules over categories, texts and lengths, of
/// which the last but one applies.
pub fn large_bundle() -> Bundle {
    let mut bundle: Value = serde_json::from_str(DEFAULT_BUNDLE).expect("the default bundle is JSON");
    bundle["id"] = json!("large");
    bundle["holidaySets"] = json!([holidays()]);
    bundle["calendars"][0]["holidaySets"] = json!(["holidays"]);
    let calendar = bundle["calendars"][0].clone();
    let pool = bundle["pools"][0].clone();
    let zones = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"];
    for number in 0..19 {
        let mut calendar = calendar.clone();
        calendar["id"] = json!(format!("calendar-{number}"));
        calendar["timezone"] = json!(zones[number % zones.len()]);
        calendar["holidaySets"] = json!(["holidays"]);
        let mut pool = pool.clone();
        pool["id"] = json!(format!("pool-{number}"));
        pool["reference"] = json!(format!("HealthcareService/pool-{number}"));
        pool["calendar"] = calendar["id"].clone();
        for (name, value) in [("calendars", calendar), ("pools", pool)] {
            if let Some(list) = bundle[name].as_array_mut() {
                list.push(value);
            }
        }
    }
    bundle["routing"] = (0..100).map(rule).collect();
    Bundle::read(&bundle.to_string()).expect("a bundle made here is well-formed")
}

fn rule(number: usize) -> Value {
    let category = json!({ "field": "message.category", "op": "eq", "value": "refill" });
    let when = match number {
        98 => json!({ "all": [category, { "field": "sender.kind", "op": "eq", "value": "patient" }] }),
        _ => match number % 4 {
            0 => json!({ "field": "message.category", "op": "in", "value": [format!("c-{number}"), "school"] }),
            1 => json!({ "all": [category, { "field": "message.text", "op": "anyWord",
                "value": [format!("word{number}"), "two words", "renewal of contract"] }] }),
            2 => json!({ "any": [{ "field": "message.textLength", "op": "gt", "value": 1_400 + number },
                { "field": "message.hasAttachment", "op": "is", "value": true }] }),
            _ => json!({ "not": { "field": "sender.kind", "op": "in", "value": ["patient", "proxy"] } }),
        },
    };
    let pool = format!("pool-{}", number % 19);
    json!({ "id": format!("rule-{number}"), "order": number, "when": when, "do": [{ "type": "route-to-pool", "to": pool }] })
}

/// Forty holidays: ten a year for four years.
pub fn holidays() -> HolidaySet {
    let dates = ["01-01", "01-19", "02-16", "05-25", "06-19", "07-03", "09-07", "10-12", "11-26", "12-25"];
    let entries: Vec<Value> = (2025..2029)
        .flat_map(|year| {
            dates.map(|date| json!({ "date": format!("{year}-{date}"), "name": "A holiday", "confirmed": true }))
        })
        .collect();
    serde_json::from_value(json!({ "id": "holidays", "entries": entries })).expect("a set made here is well-formed")
}

/// A clinic's hours with holidays.
pub fn calendar() -> CalendarSpec {
    let spec = json!({
        "id": "clinic",
        "timezone": "America/New_York",
        "weekly": [{ "days": ["mon", "tue", "wed", "thu", "fri"], "shifts": [
            { "start": "08:00", "end": "12:00" }, { "start": "13:00", "end": "17:00" }
        ] }],
        "holidaySets": ["holidays"]
    });
    serde_json::from_value(spec).expect("a calendar made here is well-formed")
}

/// A bundle made ready.
pub fn compiled(bundle: Bundle) -> Policy {
    Policy::compile(bundle, &Directory::default(), 1, friday_evening()).expect("a bundle made here has no errors")
}

/// A patient's message of about 1.6 KB, as portals write them.
pub fn message() -> String {
    let text =
        "I have five tablets of lisinopril left. Could you send the refill to the usual pharmacy on Main Street? \
                Last month it took four days, and I would rather not run out of them again. "
            .repeat(5);
    let message = json!({
        "resourceType": "Communication",
        "identifier": [{ "system": "urn:ietf:rfc:3986", "value": "urn:uuid:6f1c2a52-1f0e-4f0f-9c0e-0f7b8a3d5a11" }],
        "status": "in-progress",
        "category": [{
            "coding": [{ "system": fhir::canonical::MESSAGE_CATEGORY, "code": "refill" }],
            "text": "Medication refill"
        }],
        "priority": "routine",
        "subject": { "reference": "Patient/p-1001" },
        "topic": { "text": "Blood pressure tablets" },
        "recipient": [{ "reference": "HealthcareService/default" }],
        "sender": { "reference": "Patient/p-1001" },
        "payload": [{ "contentString": text.trim_end() }]
    });
    serde_json::to_string_pretty(&message).expect("a value is written without fail")
}

/// A transaction of so many such messages.
pub fn bundle(messages: usize) -> String {
    let resource = message();
    let entry = |number| {
        let request = r#""request":{"method":"POST","url":"Communication"}"#;
        format!(r#"{{"fullUrl":"urn:uuid:6f1c2a52-1f0e-4f0f-9c0e-{number:012}","resource":{resource},{request}}}"#)
    };
    let entries: Vec<String> = (0..messages).map(entry).collect();
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_site_has_the_size_that_is_measured() {
        let bundle = large_bundle();
        assert_eq!((bundle.routing.len(), bundle.calendars.len(), bundle.pools.len()), (100, 20, 20));
        assert!(compiled(bundle).rules().len() == 100);
        assert_eq!(compiled(default_bundle()).rules().len(), 1);
    }

    #[test]
    fn the_message_has_the_size_that_is_measured() {
        let length = message().len();
        assert!((1_500..1_700).contains(&length), "{length} bytes");
    }
}

//! Every operation of the document, asked by those who have no business there: with a token that grants nothing, with
//! another patient's, with another organisation's. Nobody finds anything, learns of anything or changes anything.

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::{Value, json};

use super::operations;
use crate::boundaries::govern;
use crate::care_team::team;
use crate::client::Reply;
use crate::house::House;
use crate::people::{engine, nurse, patient, refill, scoped};
use crate::practitioner_role::{fed, role};

on_both!(house:
    s19_nobody_finds_or_changes_what_is_another_patients_or_another_organisations,
    a_token_that_grants_nothing_opens_nothing,
);

/// What is in no answer to anybody else.
const CANARY: &str = "canary-words";

/// An id that nothing has.
const NOWHERE: &str = "019ee000-0000-7000-8000-000000000000";

/// Whoever runs the service.
fn administrator() -> DevelopmentClaims {
    scoped(&engine(), "postern/admin.read postern/admin.write system/*.cruds")
}

/// One of everything, by the beginning of the addresses that lead to it.
struct Everything(Vec<(&'static str, String)>);

impl Everything {
    async fn make(house: &House) -> Self {
        govern(house, |bundle| {
            bundle["limits"] = json!([{ "id": "one", "scope": "sender-new-threads", "max": 1, "window": "PT24H",
                "onExceed": "hold-for-review" }]);
            bundle["holidaySets"] = json!([{ "id": "public", "entries": [] }]);
            bundle["calendars"][0]["holidaySets"] = json!(["public"]);
        })
        .await;
        let who = patient("p-1001");
        let message = house.create(&who, &refill("p-1001", CANARY)).await.is(201).id();
        let held = house.create(&who, &refill("p-1001", CANARY)).await.is(201);
        assert_eq!(held.json()["status"], "on-hold");
        fed(house, &role("ray", "Practitioner/ray")).await;
        let mut pool = team(&["Practitioner/ray"]);
        pool["subject"] = json!({ "reference": "Patient/p-1001" });
        house.put(&engine(), "/fhir/CareTeam/refills", &pool).await.is(201);
        let asked = async |path: &str, body: Value| {
            let ask = house.ask(Method::POST, path).by(&administrator()).header("content-type", "application/json");
            let reply = ask.body(body.to_string().into_bytes()).send().await;
            assert!(matches!(reply.status, 200..=202), "{path}: {}", reply.text);
            reply.json()
        };
        let of = |made: &Value| made["id"].as_str().unwrap().to_owned();
        let times = |mut body: Value| {
            (body["from"], body["until"]) = (json!("2026-07-01T00:00:00-04:00"), json!("2026-07-05T00:00:00-04:00"));
            body
        };
        let absence = asked("/api/v1/absences", times(json!({ "person": "Practitioner/ray", "reason": "vacation" })));
        let absence = of(&absence.await);
        let block = json!({ "sender": "Patient/p-3003", "reason": "abuse", "until": "2026-06-25T14:00:00Z" });
        let block = of(&asked("/api/v1/blocks", block).await);
        let holiday =
            json!({ "holidays": [{ "set": "public", "date": "2026-07-03", "name": "Bridge", "confirmed": false }] });
        let holiday = of(&asked("/api/v1/holidays", holiday).await["holidays"][0]);
        let bundle: Value = serde_json::from_str(&server::clinic::bundle().unwrap().canonical()).unwrap();
        let june =
            json!({ "candidate": bundle, "from": "2026-06-01T00:00:00-04:00", "to": "2026-07-01T00:00:00-04:00" });
        let simulation = of(&asked("/api/v1/simulations", june).await);
        house.at(22, "09:00:00");
        house.work().await;
        let task = house.task(&message).await["id"].as_str().unwrap().to_owned();
        let waived = json!({ "kind": "waive", "reason": "answered-by-phone", "thread": message });
        let ask = house.ask(Method::POST, "/api/v1/overrides").by(&nurse());
        let overridden =
            ask.header("content-type", "application/json").body(waived.to_string().into_bytes()).send().await;
        assert!(matches!(overridden.status, 200..=201), "{}", overridden.text);
        let listed = async |path: &str, name: &str| {
            let rows = house.get(&administrator(), path).await.is(200).json();
            of(&rows[name][0])
        };
        let clock = listed(&format!("/api/v1/threads/{message}/clocks"), "clocks").await;
        let decision = listed(&format!("/api/v1/decisions?focus=Communication/{message}"), "decisions").await;
        let event = house.get(&engine(), "/fhir/AuditEvent?patient=p-1001").await.is(200).ids().remove(0);
        Self(vec![
            ("/api/v1/absences", absence),
            ("/api/v1/blocks", block),
            ("/api/v1/bundles", "riverside".to_owned()),
            ("/api/v1/clocks", clock),
            ("/api/v1/decisions", decision),
            ("/api/v1/deliveries", listed("/api/v1/deliveries", "deliveries").await),
            ("/api/v1/holds", held.id()),
            ("/api/v1/holidays", holiday),
            ("/api/v1/overrides", overridden.json()["id"].as_str().unwrap().to_owned()),
            ("/api/v1/simulations", simulation),
            ("/api/v1/threads", message.clone()),
            ("/fhir/AuditEvent", event),
            ("/fhir/CareTeam", "refills".to_owned()),
            ("/fhir/Communication", message),
            ("/fhir/HealthcareService", "refill-pool".to_owned()),
            ("/fhir/PractitionerRole", "ray".to_owned()),
            ("/fhir/Task", task),
        ])
    }

    /// What an address is about.
    fn of(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|(under, _)| path.starts_with(under)).map(|(_, id)| id.as_str())
    }

    /// Whether an answer tells of any of it.
    fn is_told(&self, path: &str, reply: &Reply) -> bool {
        if path.starts_with("/fhir/AuditEvent") {
            // Whoever may read their own trail finds in it what they have asked for themselves.
            let event = self.of(path).unwrap_or(NOWHERE);
            return reply.text.contains(CANARY) || reply.text.contains(event);
        }
        reply.text.contains(CANARY) || self.0.iter().any(|(_, id)| id.len() > 10 && reply.text.contains(id.as_str()))
    }
}

fn filled(path: &str, id: &str) -> String {
    let version = if path.contains("/bundles/") { "2" } else { "1" };
    path.replace("{id}", id).replace("{message}", id).replace("{version}", version)
}

async fn ask(house: &House, token: &str, method: &Method, path: &str) -> Reply {
    let ask = house.ask(method.clone(), path).bearer(token);
    match *method {
        Method::GET | Method::DELETE => ask.send().await,
        _ if path.ends_with("_search") => ask.form("_count=50").send().await,
        _ => ask.fhir("{}").send().await,
    }
}

/// How many rows the organisation has of everything that is not a record of who asked.
fn rows(house: &House) -> Vec<i64> {
    [
        "resource",
        "resource_history",
        "thread",
        "clock",
        "clock_entry",
        "bundle",
        "catalogue_generation",
        "obligation_override",
        "held_message",
        "sender_block",
        "simulation",
        "absence",
        "holiday",
        "read_mark",
    ]
    .map(|table| house.place.count(table, "tenant = 'default'"))
    .to_vec()
}

async fn s19_nobody_finds_or_changes_what_is_another_patients_or_another_organisations(house: &House) {
    let everything = Everything::make(house).await;
    let before = rows(house);
    let all = "patient/*.cruds user/*.cruds system/*.cruds postern/admin.read postern/admin.write";
    let theirs = |mut claims: Value| {
        claims["client_id"] = json!("app");
        claims["scope"] = json!(all);
        house.issuer.token(&claims, house.time_now().timestamp())
    };
    let strangers = [
        ("another patient", house.token(&scoped(&patient("p-2002"), all))),
        ("a machine elsewhere", theirs(json!({ "sub": "engine" }))),
        ("staff elsewhere", theirs(json!({ "sub": "n", "fhirUser": "Practitioner/nurse-ortiz", "pools": ["refill"] }))),
        (
            "the same patient elsewhere",
            theirs(json!({ "sub": "p", "fhirUser": "Patient/p-1001", "patient": "p-1001" })),
        ),
    ];
    let mut asked = 0;
    for (who, token) in &strangers {
        let mut operations = operations(house).await;
        operations.retain(|(_, _, secured)| *secured);
        // The trail tells whoever may read it what they themselves have asked for, so it comes first.
        operations.sort_by_key(|(_, path, _)| !path.starts_with("/fhir/AuditEvent"));
        for (method, path, _) in operations {
            let directory = *who == "another patient"
                && (path.starts_with("/fhir/HealthcareService") || path.starts_with("/fhir/_history"));
            let Some(id) = everything.of(&path).or(Some(NOWHERE)) else { continue };
            let reply = ask(house, token, &method, &filled(&path, id)).await;
            assert!(directory || !everything.is_told(&path, &reply), "{who}: {method} {path} tells: {}", reply.text);
            let definition = everything.of(&path).is_none();
            if path.contains('{') && !definition && !directory {
                let changes = method != Method::GET && !path.ends_with("$thread");
                assert!(!changes || !matches!(reply.status, 200..=299), "{who}: {method} {path}: {}", reply.text);
                let none = ask(house, token, &method, &filled(&path, NOWHERE)).await;
                let same = (reply.status, reply.text.replace(id, NOWHERE)) == (none.status, none.text.clone());
                assert!(same, "{who}: {method} {path} tells that it is there: {} and {}", reply.text, none.text);
            }
            asked += 1;
        }
    }
    assert!(asked > 400, "{asked}");
    assert_eq!(rows(house), before, "and nothing was changed");
    let own = house.get(&administrator(), "/api/v1/decisions").await.is(200);
    assert!(own.text.contains(everything.of("/fhir/Communication").unwrap()), "those who may find it");
}

async fn a_token_that_grants_nothing_opens_nothing(house: &House) {
    let everything = Everything::make(house).await;
    let before = rows(house);
    // Definitions, and the schema of policies, are the service's own: any token reads them. Of a Bundle each entry asks.
    let open = ["CodeSystem", "OperationDefinition", "SearchParameter", "StructureDefinition", "ValueSet"];
    let open: Vec<String> = open.iter().map(|kind| format!("/fhir/{kind}")).collect();
    for who in
        [scoped(&nurse(), "openid"), scoped(&engine(), "launch"), scoped(&patient("p-1001"), "user/Nothing.cruds")]
    {
        let token = house.token(&who);
        for (method, path, secured) in operations(house).await {
            let own = open.iter().any(|open| path.starts_with(open)) || path == "/api/v1/policy-bundle.schema.json";
            if !secured || own || path == "/fhir" {
                continue;
            }
            let id = everything.of(&path).unwrap_or(NOWHERE);
            let reply = ask(house, &token, &method, &filled(&path, id)).await;
            // Of administration, parameters and bodies may be read before the scope: they are the caller's own.
            let unlike = reply.status == 422 && reply.text.contains("is not as the schema");
            let unread = path.starts_with("/api/v1/") && (matches!(reply.status, 400 | 415) || unlike);
            assert!(reply.status == 403 || unread, "{method} {path}: {} {}", reply.status, reply.text);
            assert!(!everything.is_told(&path, &reply), "{method} {path}: {}", reply.text);
        }
        let entry = json!({ "request": { "method": "GET", "url": format!("Communication/{}", everything.of("/fhir/Communication").unwrap()) } });
        let batch = json!({ "resourceType": "Bundle", "type": "batch", "entry": [entry] });
        let reply = house.ask(Method::POST, "/fhir").bearer(&token).fhir(&batch.to_string()).send().await.is(200);
        let status = reply.json()["entry"][0]["response"]["status"].clone();
        assert!(status.as_str().unwrap().starts_with("403"), "{}", reply.text);
    }
    assert_eq!(rows(house), before);
}

//! Scopes against interactions: what is allowed is allowed exactly as the table says, and the rest is refused before
//! anything is looked for.

use domain::access::{Level, Permission, Scope};
use domain::id::ResourceType;
use fhir::interaction::SERVED;
use fhir::operation::operations;

use super::*;

/// Who asks with the scopes of a level.
fn token(house: &House, level: &str, scope: &str) -> String {
    match level {
        "patient" => house.token(Some("Patient/p-1"), Some("p-1"), &[], scope),
        "user" => house.token(Some("Practitioner/nurse"), None, &["default"], scope),
        _ => house.token(None, None, &[], scope),
    }
}

/// Every route of the interface with the permission that it needs.
fn routes() -> Vec<(ResourceType, &'static str, String, Permission)> {
    let mut routes = vec![];
    for served in SERVED {
        for interaction in served.interactions {
            for route in interaction.routes(served.kind) {
                routes.push((served.kind, route.method, route.path, interaction.permission()));
            }
        }
        for operation in operations(served.kind) {
            for route in operation.routes(served.kind) {
                routes.push((served.kind, route.method, route.path, operation.permission));
            }
        }
    }
    routes
}

/// Whether an interaction is there for a level at all: directories are written by whom they concern, whatever a token
/// says, and why somebody is away is no business of patients.
fn is_for(kind: ResourceType, needed: Permission, level: &str) -> bool {
    let writes = !matches!(needed, Permission::Read | Permission::Search);
    match kind {
        ResourceType::HealthcareService if writes => level != "patient",
        ResourceType::PractitionerRole | ResourceType::CareTeam | ResourceType::Consent if writes => level == "system",
        // It names what it hides from others than the patient.
        ResourceType::Consent => level != "user",
        ResourceType::PractitionerRole => level != "patient",
        _ => true,
    }
}

fn asking(token: &str, method: &str, path: &str) -> TestRequest {
    let uri = format!("/fhir{}", path.replace("{id}", "none").replace("{version}", "1"));
    let request = with(TestRequest::default(), token).uri(&uri).method(Method::from_bytes(method.as_bytes()).unwrap());
    match method {
        "GET" | "DELETE" => request,
        _ if path.ends_with("_search") => request.insert_header(("Content-Type", "application/x-www-form-urlencoded")),
        "PATCH" => request.insert_header(("Content-Type", "application/json-patch+json")).set_payload("[]"),
        _ => request.insert_header(("Content-Type", "application/fhir+json")).set_payload("{}"),
    }
}

#[actix_web::test]
async fn s1_each_letter_of_a_scope_opens_exactly_its_interactions() {
    let house = House::new();
    let ask = house.open().await;
    let mut seen = 0;
    for (letter, granted) in Permission::LETTERS {
        for level in ["patient", "user", "system"] {
            for (kind, method, path, needed) in routes() {
                for (scope, opens) in [
                    (format!("{level}/{kind}.{letter}"), granted == needed),
                    (format!("{level}/*.{letter}"), granted == needed),
                    (format!("{level}/Observation.{letter}"), false),
                    (format!("{level}/{kind}.{letter}?category=refill"), false),
                ] {
                    let token = token(&house, level, &scope);
                    let status = ask(asking(&token, method, &path)).await.status;
                    let narrow = scope.contains('?') && kind == ResourceType::Communication && granted == needed;
                    if !narrow {
                        let opens = opens && is_for(kind, needed, level);
                        assert_eq!(status != 403, opens, "{scope}: {method} {path} answered {status}");
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[actix_web::test]
async fn s2_reading_is_not_finding_and_finding_is_not_reading() {
    let house = House::new();
    let id = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await.id();
    let (read, search) = (
        house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/Communication.r"),
        house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/Communication.s"),
    );
    let one = format!("/fhir/Communication/{id}");
    assert_eq!(house.get(&read, &one).await.status, 200);
    assert_eq!(house.get(&read, "/fhir/Communication").await.status, 403);
    assert_eq!(house.get(&search, &one).await.status, 403);
    assert_eq!(house.get(&search, "/fhir/Communication").await.status, 200);
}

#[test]
fn names_of_the_first_version_mean_the_letters_of_the_second() {
    let letters = |text: &str| text.parse::<Scope>().unwrap().permissions;
    for (old, new) in [("read", "rs"), ("write", "cud"), ("*", "cruds")] {
        assert_eq!(letters(&format!("user/Task.{old}")), letters(&format!("user/Task.{new}")));
    }
    assert_eq!("system/*.*".parse::<Scope>().unwrap().level, Level::System);
}

#[actix_web::test]
async fn s10_a_token_without_the_type_learns_nothing_of_what_exists() {
    let house = House::new();
    let id = house.send(&house.patient("p-1"), "/fhir/Communication", &message("p-1")).await.id();
    let token = house.token(Some("Patient/p-1"), Some("p-1"), &[], "patient/Task.rs");
    let (there, not) = (
        house.get(&token, &format!("/fhir/Communication/{id}")).await,
        house.get(&token, "/fhir/Communication/none").await,
    );
    assert_eq!((there.status, &there.text), (403, &not.text));
    for query in [format!("_id={id}"), "_id=none".to_owned(), "nonsense=1".to_owned()] {
        assert_eq!(house.get(&token, &format!("/fhir/Communication?{query}")).await.text, there.text, "{query}");
    }
}

#[actix_web::test]
async fn s15_a_granular_scope_is_a_filter_of_the_query_and_limits_what_is_sent() {
    let house = House::new();
    let with_category = |code: &str| {
        let mut body = message("p-1");
        body["category"] = json!([{ "coding": [{ "system": "http://kinds.example", "code": code }] }]);
        body
    };
    let all = house.patient("p-1");
    let refill = house.send(&all, "/fhir/Communication", &with_category("refill")).await.id();
    let billing = house.send(&all, "/fhir/Communication", &with_category("billing")).await.id();
    let plain = house.send(&all, "/fhir/Communication", &message("p-1")).await.id();
    let narrow = |scope: &str| house.token(Some("Patient/p-1"), Some("p-1"), &[], scope);
    let one = narrow("patient/Communication.crs?category=http://kinds.example|refill");
    let path = |id: &str| format!("/fhir/Communication/{id}");
    assert_eq!(house.get(&one, &path(&refill)).await.status, 200);
    let missing = house.get(&one, "/fhir/Communication/00000000-0000-7000-8000-000000000000").await;
    for hidden in [&billing, &plain] {
        for path in [path(hidden), format!("{}/_history/1", path(hidden))] {
            let answered = house.get(&one, &path).await;
            assert_eq!((answered.status, &answered.text), (404, &missing.text));
        }
    }
    let sent =
        async |token: &str, code: &str| house.send(token, "/fhir/Communication", &with_category(code)).await.status;
    assert_eq!((sent(&one, "refill").await, sent(&one, "billing").await), (201, 403));
    assert_eq!(house.send(&one, "/fhir/Communication", &message("p-1")).await.status, 403);
    let two =
        narrow("patient/Communication.r?category=http://kinds.example|refill patient/Communication.r?category=billing");
    let seen = [house.get(&two, &path(&refill)).await.status, house.get(&two, &path(&billing)).await.status];
    assert_eq!((seen, house.get(&two, &path(&plain)).await.status), ([200, 200], 404));
    for nothing in ["category:not=billing", "status=completed", "category.code=refill", "category:missing=true"] {
        let token = narrow(&format!("patient/Communication.rs?{nothing}"));
        assert_eq!(house.get(&token, &path(&refill)).await.status, 403, "{nothing}");
    }
    let condition = post(&one, "/fhir/Communication", &with_category("refill"));
    let condition = condition.insert_header(("If-None-Exist", "category=billing"));
    assert_eq!(house.ask(condition).await.status, 403, "a condition could tell what the scope hides");
}

#[actix_web::test]
async fn s20_a_machines_scope_is_nothing_to_a_person_and_the_reverse() {
    let house = House::new();
    let person = house.token(Some("Practitioner/nurse"), None, &["default"], "system/*.cruds");
    let patient = house.token(None, Some("p-1"), &[], "system/*.cruds");
    for token in [person, patient] {
        assert_eq!(house.get(&token, "/fhir/Communication").await.status, 403);
    }
    let machine = house.token(None, None, &[], "user/*.cruds patient/*.cruds");
    assert_eq!(house.get(&machine, "/fhir/Communication").await.status, 403);
    for path in ["/api/v1/decisions", "/api/v1/bundles"] {
        for scope in ["system/*.cruds", "user/*.cruds", "postern/admin.write"] {
            let token = house.token(None, None, &[], scope);
            assert_eq!(house.get(&token, path).await.status, 403, "{scope} {path}");
        }
    }
}

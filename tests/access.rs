//! Who may do what: every operation of the document is asked without a token, with another's, with too little.

mod attack;
mod served;
mod tenant;
mod walk;

use api::auth::DevelopmentClaims;
use reqwest::Method;
use serde_json::Value;

use crate::client::{Client, Reply};
use crate::house::House;
use crate::people::{engine, nurse, patient, refill, scoped, staff};

on_both!(house:
    every_operation_asks_for_a_token_but_the_public_ones,
    another_patients_token_finds_what_is_not_there,
    scopes_narrow_what_a_token_may_do,
    a_scope_without_its_context_opens_nothing,
    a_token_comes_in_one_header_and_nowhere_else,
);

/// The operations of the service's own document: method, path with its placeholders, and whether it declares security.
pub async fn operations(client: &Client) -> Vec<(Method, String, bool)> {
    let document = client.ask(Method::GET, "/openapi.json").send().await.is(200).json();
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let secured = operation["security"].as_array().is_some_and(|needs| !needs.is_empty());
            found.push((method, path.clone(), secured));
        }
    }
    found
}

/// The path with every placeholder filled.
pub fn filled(path: &str, id: &str) -> String {
    path.replace("{id}", id).replace("{version}", "1")
}

async fn every_operation_asks_for_a_token_but_the_public_ones(house: &House) {
    let operations = operations(house).await;
    assert!(operations.len() > 20, "{operations:?}");
    for (method, path, secured) in &operations {
        let reply = house.ask(method.clone(), &filled(path, "x")).send().await;
        let public = api::route::PUBLIC.contains(&path.as_str());
        assert_eq!(*secured, !public, "{method} {path} declares what it does");
        if public {
            reply.is(200);
        } else {
            assert_eq!(reply.status, 401, "{method} {path}");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
        if *secured {
            let forged = house.ask(method.clone(), &filled(path, "x")).bearer("a.b.c").send().await.is(401);
            assert_eq!(forged.header("www-authenticate"), "Bearer error=\"invalid_token\"");
        }
    }
    let mut public: Vec<&str> = api::route::PUBLIC.to_vec();
    public.sort_unstable();
    assert_eq!(
        public,
        ["/", "/docs", "/fhir/.well-known/smart-configuration", "/fhir/metadata", "/livez", "/openapi.json", "/readyz"],
        "a checked list"
    );
}

async fn another_patients_token_finds_what_is_not_there(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let task = house.task(&message).await["id"].as_str().unwrap().to_owned();
    let bare = |reply: Reply| (reply.status, reply.text);
    for (method, path, _) in operations(house).await {
        let id = if path.contains("/Task/") { &task } else { &message };
        if method != Method::GET
            || !path.contains("{id}")
            || !(path.contains("/Task/") || path.contains("/Communication/"))
        {
            continue;
        }
        house.get(&patient("p-1001"), &filled(&path, id)).await.is(200);
        for stranger in [patient("p-2002"), staff("Practitioner/dr-far", &["family"])] {
            let theirs = bare(house.get(&stranger, &filled(&path, id)).await);
            let none = bare(house.get(&stranger, &filled(&path, "019ee000-0000-7000-8000-000000000000")).await);
            assert_eq!(theirs, none, "{path}");
            assert_eq!(theirs.0, 404, "{path}");
        }
    }
    for query in [
        format!("_id={message}"),
        "patient=p-1001".to_owned(),
        "patient=p-1001,p-2002".to_owned(),
        "subject=Patient/p-1001".to_owned(),
        "participant=Patient/p-1001".to_owned(),
        format!("part-of=Communication/{message}"),
        String::new(),
    ] {
        let found =
            house.get(&patient("p-2002"), &format!("/fhir/Communication?{query}&_total=accurate")).await.is(200);
        assert_eq!((found.ids().len(), found.json()["total"].clone()), (0, Value::from(0)), "{query}");
    }
}

async fn scopes_narrow_what_a_token_may_do(house: &House) {
    let message = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let task = house.task(&message).await;
    let body = refill("p-1001", "More.").to_string();
    let letters = |who: &DevelopmentClaims, level: &str, kind: &str, granted: &str| {
        scoped(who, &format!("{level}/{kind}.{granted}"))
    };
    for granted in ["c", "r", "u", "d", "s", "cr", "rs", "us", "crud", "cruds"] {
        let may = |letter: char| granted.contains(letter);
        let who = letters(&patient("p-1001"), "patient", "Communication", granted);
        let status = |reply: Reply, letter: char, good: u16| {
            let expected = if may(letter) { good } else { 403 };
            assert_eq!(reply.status, expected, "{granted}, {letter}: {}", reply.text);
        };
        status(house.get(&who, &format!("/fhir/Communication/{message}")).await, 'r', 200);
        status(house.get(&who, &format!("/fhir/Communication/{message}/_history/1")).await, 'r', 200);
        // Scopes come before what exists.
        status(house.get(&who, "/fhir/Communication/none").await, 'r', 404);
        status(house.get(&who, "/fhir/Communication").await, 's', 200);
        status(house.ask(Method::POST, "/fhir/Communication/_search").by(&who).form("").send().await, 's', 200);
        status(house.post(&who, "/fhir/Communication", &body).await, 'c', 201);
        // The other types are not granted at all.
        house.get(&who, "/fhir/Task").await.is(403);
        // The first claim makes a new version, which the others do not name.
        let member = letters(&nurse(), "user", "Task", granted);
        let good = if house.task(&message).await["meta"]["versionId"] == "1" { 200 } else { 412 };
        status(house.claim(&member, &task).await, 'u', good);
    }
    for wrong in ["patient/Communication.sr", "Patient/Communication.r", "patient/communication.r", "*", ""] {
        let who = scoped(&patient("p-1001"), wrong);
        let reply = house.get(&DevelopmentClaims { patient: None, ..who }, "/fhir/Communication").await;
        assert_eq!(reply.status, 403, "{wrong:?}: {}", reply.text);
    }
    for administrator in ["postern/admin.write", "system/*.cruds", "postern/admin.*"] {
        house.get(&scoped(&engine(), administrator), "/api/v1/decisions").await.is(403);
    }
    // An administrator reads policies and reports, not messages.
    let administrator = scoped(&engine(), "postern/admin.read");
    house.get(&administrator, "/api/v1/decisions").await.is(200);
    house.get(&administrator, &format!("/fhir/Communication/{message}")).await.is(403);
}

async fn a_scope_without_its_context_opens_nothing(house: &House) {
    house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    let nobody = DevelopmentClaims { sub: "x".to_owned(), client_id: "app".to_owned(), ..DevelopmentClaims::default() };
    for scope in ["patient/*.cruds", "user/*.cruds"] {
        house.get(&scoped(&nobody, scope), "/fhir/Communication").await.is(403);
    }
    house.get(&scoped(&patient("p-1001"), "system/*.cruds"), "/fhir/Communication").await.is(403);
    house.get(&scoped(&nurse(), "system/*.cruds"), "/fhir/Communication").await.is(403);
    let two = DevelopmentClaims { patient: Some("p-1001,p-2002".to_owned()), fhir_user: None, ..patient("p-1001") };
    let reply = house.get(&two, "/fhir/Communication").await;
    assert!(matches!(reply.status, 401 | 403), "{}", reply.text);
}

async fn a_token_comes_in_one_header_and_nowhere_else(house: &House) {
    let token = house.token(&patient("p-1001"));
    let path = "/fhir/Communication";
    house.ask(Method::GET, path).header("authorization", &format!("bearer {token}")).send().await.is(200);
    house.ask(Method::GET, path).header("authorization", &format!("Basic {token}")).send().await.is(401);
    house.ask(Method::GET, path).header("cookie", &format!("access_token={token}")).send().await.is(401);
    let in_query = house.ask(Method::GET, &format!("{path}?access_token={token}")).send().await;
    assert!(matches!(in_query.status, 400 | 401), "{}", in_query.text);
    let beside = house.ask(Method::GET, &format!("{path}?access_token={token}")).bearer(&token).send().await;
    assert_eq!(beside.status, 400, "{}", beside.text);
    let doubled = house.ask(Method::GET, path).bearer(&token).bearer(&token).send().await;
    assert_eq!(doubled.status, 400, "{}", doubled.text);
    let mut changed = token.clone();
    changed.pop();
    house.ask(Method::GET, path).bearer(&changed).send().await.is(401);
    // A day later it is old.
    house.pass(24 * 3600);
    house.ask(Method::GET, path).bearer(&token).send().await.is(401);
}

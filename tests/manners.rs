//! FHIR's manners: versions, preferences, conditions.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::house::House;
use crate::people::{engine, patient, refill};

on_both!(house:
    a_create_says_where_which_version_and_when,
    a_client_that_has_the_version_gets_no_body,
    a_version_is_read_by_its_number,
    an_answer_carries_what_was_preferred,
    eight_creates_under_one_condition_make_one_message,
    a_condition_that_finds_several_is_refused,
    answers_come_in_the_type_that_was_asked_for,
    what_cannot_be_read_or_given_is_refused_with_what_can,
    an_answer_is_indented_when_that_is_asked_for,
    an_address_tells_its_methods,
    an_address_that_is_too_long_is_refused_as_such,
    less_of_a_resource_is_read_when_less_is_asked_for,
    machines_that_see_everything_make_one_under_one_condition,
    what_answers_get_answers_head_and_may_be_compressed,
);

async fn a_create_says_where_which_version_and_when(house: &House) {
    let made = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    let expected = format!("{}/fhir/Communication/{}/_history/1", house.base(), made.id());
    assert_eq!(made.header("location"), expected);
    assert_eq!(made.header("etag"), "W/\"1\"");
    assert_eq!(made.header("last-modified"), "Fri, 19 Jun 2026 14:00:00 GMT");
    let read = house.get(&patient("p-1001"), made.header("location")).await.is(200);
    assert_eq!((read.header("etag"), read.header("last-modified")), ("W/\"1\"", "Fri, 19 Jun 2026 14:00:00 GMT"));
    assert!(read.header("content-type").starts_with("application/fhir+json"));
}

async fn a_client_that_has_the_version_gets_no_body(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    let having = async |name: &str, value: &str| {
        house.ask(Method::GET, &path).by(&patient("p-1001")).header(name, value).send().await
    };
    for (name, value, status) in [
        ("if-none-match", "W/\"1\"", 304),
        ("if-none-match", "\"1\"", 304),
        ("if-none-match", "W/\"2\", W/\"1\"", 304),
        ("if-none-match", "*", 304),
        ("if-none-match", "W/\"2\"", 200),
        ("if-modified-since", "Fri, 19 Jun 2026 14:00:00 GMT", 304),
        ("if-modified-since", "Fri, 19 Jun 2026 13:59:59 GMT", 200),
    ] {
        let answer = having(name, value).await.is(status);
        assert_eq!(answer.text.is_empty(), status == 304, "{name}: {value}");
        assert_eq!(answer.header("etag"), "W/\"1\"");
    }
}

async fn a_version_is_read_by_its_number(house: &House) {
    let root = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let first = house.task(&root).await;
    let nurse = crate::people::nurse();
    house.claim(&nurse, &first).await.is(200);
    let id = first["id"].as_str().unwrap();
    let path = |version: &str| format!("/fhir/Task/{id}/_history/{version}");
    assert_eq!(house.get(&nurse, &path("1")).await.is(200).json(), first);
    let second = house.get(&nurse, &path("2")).await.is(200);
    assert_eq!(second.json()["owner"]["reference"], "Practitioner/nurse-ortiz");
    assert_eq!(second.text, house.get(&nurse, &format!("/fhir/Task/{id}")).await.is(200).text);
    for never in ["0", "3", "01x", "-1", "99999999999999999999", "%2e%2e"] {
        house.get(&nurse, &path(never)).await.is(404);
    }
}

async fn an_answer_carries_what_was_preferred(house: &House) {
    let body = refill("p-1001", "Five left.").to_string();
    let preferring = async |prefer: &str| {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-1001"));
        ask.header("prefer", prefer).fhir(&body).send().await.is(201)
    };
    let minimal = preferring("return=minimal").await;
    assert!(minimal.text.is_empty() && !minimal.header("location").is_empty());
    assert_eq!(preferring("return=representation").await.json()["resourceType"], "Communication");
    assert_eq!(preferring("return=OperationOutcome").await.json()["resourceType"], "OperationOutcome");
}

async fn eight_creates_under_one_condition_make_one_message(house: &House) {
    let mut body = refill("p-1001", "Five left.");
    body["identifier"] = json!([{ "system": "urn:portal", "value": "m-1" }]);
    let body = body.to_string();
    let create = || {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-1001"));
        ask.header("if-none-exist", "identifier=urn:portal|m-1").fhir(&body).send()
    };
    let replies = join_all((0..8).map(|_| create())).await;
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    let found = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!((made, found), (1, 7), "{:?}", replies.iter().map(|reply| reply.status).collect::<Vec<_>>());
    assert!(replies.iter().all(|reply| reply.id() == replies[0].id()));
    let again = create().await.is(200);
    assert_eq!(again.id(), replies[0].id());
    assert_eq!(house.place.count("resource", "kind = 'Communication' AND body LIKE '%urn:portal%'"), 1);
    assert_eq!(house.place.count("resource", "kind = 'Task'"), 1, "and one Task");
    // Another patient's condition in the same words is another condition.
    let mut other = refill("p-2002", "Mine.");
    other["identifier"] = json!([{ "system": "urn:portal", "value": "m-1" }]);
    let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-2002"));
    ask.header("if-none-exist", "identifier=urn:portal|m-1").fhir(&other.to_string()).send().await.is(201);
}

async fn a_condition_that_finds_several_is_refused(house: &House) {
    let body = refill("p-1001", "Five left.");
    house.create(&patient("p-1001"), &body).await.is(201);
    house.create(&patient("p-1001"), &body).await.is(201);
    let under = async |condition: &str| {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-1001"));
        ask.header("if-none-exist", condition).fhir(&body.to_string()).send().await
    };
    assert_eq!(under("category=refill").await.is(412).issues(), ["multiple-matches"]);
    under("").await.is(400);
    under("identifer=x").await.is(400);
}

async fn answers_come_in_the_type_that_was_asked_for(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    for (accept, type_) in [
        ("application/json", "application/json"),
        ("application/fhir+json", "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", "application/fhir+json"),
        ("*/*", "application/fhir+json"),
    ] {
        let answer = house.ask(Method::GET, &path).by(&patient("p-1001")).header("accept", accept).send().await.is(200);
        assert!(answer.header("content-type").starts_with(type_), "{accept}: {}", answer.header("content-type"));
    }
    let asked = house.get(&patient("p-1001"), &format!("{path}?_format=json")).await.is(200);
    assert!(asked.header("content-type").contains("json"));
    house.get(&patient("p-1001"), &format!("{path}?_format=xml")).await.is(406);
    let head = house.ask(Method::HEAD, &path).by(&patient("p-1001")).send().await.is(200);
    assert!(head.text.is_empty() && head.header("etag") == "W/\"1\"");
    let ask = house.ask(Method::POST, "/fhir/Communication").by(&patient("p-1001"));
    let plain = ask.header("content-type", "application/json").body(refill("p-1001", "x").to_string().into_bytes());
    plain.send().await.is(201);
}

async fn what_cannot_be_read_or_given_is_refused_with_what_can(house: &House) {
    let get = |accept: &str| {
        house.ask(Method::GET, "/fhir/Communication").by(&patient("p-1001")).header("accept", accept).send()
    };
    for accept in ["application/fhir+xml", "text/turtle", "application/fhir+json; fhirVersion=5.0", "image/png"] {
        let refused = get(accept).await.is(406);
        assert_eq!(refused.issues(), ["not-supported"], "{accept}");
        assert!(refused.text.contains("application/fhir+json"), "{accept}: {}", refused.text);
    }
    for accept in
        ["application/fhir+xml, application/json;q=0.2", "application/fhir+json;fhirVersion=4.0", "text/*, */*;q=0.1"]
    {
        get(accept).await.is(200);
    }
    for format in ["json", "application/json", "application/fhir%2Bjson", "application/fhir+json", "text/json"] {
        house.get(&patient("p-1001"), &format!("/fhir/Communication?_format={format}")).await.is(200);
    }
    for format in ["xml", "ttl", "text/html"] {
        house.get(&patient("p-1001"), &format!("/fhir/Communication?_format={format}")).await.is(406);
    }
    let post = |path: &str, type_: &str| {
        let ask = house.ask(Method::POST, path).by(&patient("p-1001")).header("content-type", type_);
        ask.body(refill("p-1001", "Five left.").to_string().into_bytes()).send()
    };
    for type_ in [
        "application/fhir+xml",
        "text/plain",
        "application/fhir+json; fhirVersion=5.0",
        "application/json; charset=latin1",
    ] {
        let refused = post("/fhir/Communication", type_).await.is(415);
        assert!(refused.text.contains("application/fhir+json"), "{type_}: {}", refused.text);
    }
    let refused = post("/fhir/Communication/_search", "application/json").await.is(415);
    assert!(refused.text.contains("application/x-www-form-urlencoded"), "{}", refused.text);
}

async fn an_answer_is_indented_when_that_is_asked_for(house: &House) {
    let sent = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201);
    let path = format!("/fhir/Communication/{}", sent.id());
    let plain = house.get(&patient("p-1001"), &path).await.is(200);
    let pretty = house.get(&patient("p-1001"), &format!("{path}?_pretty=true")).await.is(200);
    assert!(pretty.text.starts_with("{\n  \"resourceType\": \"Communication\",\n"), "{}", pretty.text);
    assert_eq!(pretty.json(), plain.json());
    assert_eq!(house.get(&patient("p-1001"), &format!("{path}?_pretty=false")).await.is(200).text, plain.text);
    let found = house.get(&patient("p-1001"), "/fhir/Communication?_pretty=true&_count=1").await.is(200);
    assert!(found.text.contains("\n  \"entry\": [\n"), "{}", found.text);
    // Also what is known to everybody, what failed, and what was asked for in a form.
    for (path, status) in [
        ("/fhir/metadata?_pretty=true", 200),
        ("/fhir/ValueSet/reason?_pretty=true", 200),
        ("/fhir/Communication/none?_pretty=true", 404),
        ("/fhir/nowhere?_pretty=true", 404),
        ("/fhir/Communication?colour=blue&_pretty=true", 400),
    ] {
        let told = house.get(&engine(), path).await.is(status);
        assert!(told.text.starts_with("{\n  \""), "{path}: {}", told.text);
        assert!(!house.get(&engine(), &path.replace("true", "false")).await.text.contains("\n  "), "{path}");
    }
    let form = |form: &str| house.ask(Method::POST, "/fhir/Communication/_search").by(&engine()).form(form).send();
    assert!(form("_pretty=true").await.is(200).text.starts_with("{\n  \""));
    assert_eq!(
        form("_format=application/json").await.is(200).header("content-type"),
        "application/json; charset=utf-8"
    );
    assert_eq!(form("_format=xml").await.is(406).issues(), ["not-supported"]);
}

async fn an_address_tells_its_methods(house: &House) {
    let ask = |method: Method, path: &str| house.ask(method, path).by(&engine()).send();
    for (path, allowed) in [
        ("/fhir/Communication", "GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/fhir/CareTeam/x", "GET, PUT, PATCH, DELETE, HEAD, OPTIONS"),
        ("/fhir/Task/x/$claim", "POST, OPTIONS"),
        ("/fhir/ValueSet/x", "GET, HEAD, OPTIONS"),
        ("/fhir/metadata", "GET, HEAD, OPTIONS"),
    ] {
        assert_eq!(ask(Method::OPTIONS, path).await.is(204).header("allow"), allowed, "{path}");
    }
    assert_eq!(ask(Method::OPTIONS, "/fhir/Patient").await.is(404).issues(), ["not-found"]);
    for path in ["/fhir/Task", "/fhir/ValueSet/x", "/fhir/_history"] {
        let refused = ask(Method::DELETE, path).await.is(405);
        assert_eq!((refused.header("allow"), &refused.issues()[..]), ("GET, HEAD", &["not-supported".to_owned()][..]));
    }
}

async fn what_answers_get_answers_head_and_may_be_compressed(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    for path in [
        "/fhir/metadata".to_owned(),
        "/openapi.json".to_owned(),
        "/fhir/Communication".to_owned(),
        format!("/fhir/Communication/{id}"),
        format!("/fhir/Communication/{id}/_history"),
        format!("/fhir/Communication/{id}/_history/1"),
        "/fhir/_history".to_owned(),
        "/fhir/Task".to_owned(),
        "/fhir/HealthcareService/refill-pool".to_owned(),
        "/fhir/CodeSystem/reason".to_owned(),
    ] {
        let get = house.get(&engine(), &path).await.is(200);
        let head = house.ask(Method::HEAD, &path).by(&engine()).send().await.is(200);
        assert!(head.text.is_empty(), "{path}");
        for name in ["content-type", "etag", "last-modified"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
        let ask = house.ask(Method::GET, &path).by(&engine()).header("accept-encoding", "gzip");
        assert_eq!(ask.send().await.is(200).header("content-encoding"), "gzip", "{path}");
    }
    let missing = house.ask(Method::HEAD, "/fhir/Communication/none").by(&engine()).send().await.is(404);
    assert!(missing.text.is_empty());
}

async fn an_address_that_is_too_long_is_refused_as_such(house: &House) {
    let asked = |length: usize| format!("/fhir/Communication?identifier={}", "a".repeat(length));
    let refused = house.get(&engine(), &asked(17_000)).await.is(414);
    assert_eq!(
        (refused.issues(), refused.json()["resourceType"].as_str()),
        (vec!["too-long".to_owned()], Some("OperationOutcome"))
    );
    assert!(refused.text.contains("_search"), "it says what to do: {}", refused.text);
    house.ask(Method::GET, &asked(17_000)).send().await.is(414);
    house.get(&engine(), &asked(1_000)).await.is(200);
}

async fn less_of_a_resource_is_read_when_less_is_asked_for(house: &House) {
    let id = house.create(&patient("p-1001"), &refill("p-1001", "Five left.")).await.is(201).id();
    let path = format!("/fhir/Communication/{id}");
    let who = patient("p-1001");
    for address in [path.clone(), format!("{path}/_history/1")] {
        let some = house.get(&who, &format!("{address}?_elements=sent")).await.is(200);
        assert_eq!(some.header("etag"), "W/\"1\"");
        let some = some.json();
        assert!(some["sent"].is_string() && some["status"].is_string() && some.get("payload").is_none(), "{some}");
        assert_eq!(some["meta"]["tag"][0]["code"], "SUBSETTED");
        let summary = house.get(&who, &format!("{address}?_summary=true")).await.is(200).json();
        assert!(summary["subject"].is_object() && summary.get("payload").is_none());
        for wrong in ["_summary=count", "_summary=most", "_elements=colour", "colour=blue", "status=completed"] {
            let refused = house.get(&who, &format!("{address}?{wrong}")).await;
            assert_eq!(refused.is(400).json()["resourceType"], "OperationOutcome", "{wrong}");
        }
        let lenient = house.ask(Method::GET, &format!("{address}?colour=blue")).by(&who);
        lenient.header("prefer", "handling=lenient").send().await.is(200);
    }
    let task = house.task(&id).await["id"].as_str().unwrap().to_owned();
    let seen = house.get(&who, &format!("/fhir/Task/{task}?_elements=owner,businessStatus")).await.is(200).json();
    assert!(seen.get("businessStatus").is_none(), "what patients do not see they do not see by its name");
    for address in [format!("{path}/_history"), "/fhir/Communication/_history".to_owned(), "/fhir/_history".to_owned()]
    {
        let told = house.get(&engine(), &format!("{address}?_elements=sent,focus&_summary=false")).await;
        let told = if address.starts_with("/fhir/_") {
            told.is(200)
        } else {
            told.is(400);
            house.get(&engine(), &format!("{address}?_elements=sent")).await.is(200)
        };
        assert!(told.link("self").unwrap().contains("_elements="), "{}", told.text);
        for entry in told.json()["entry"].as_array().unwrap() {
            assert!(entry["resource"].get("payload").is_none(), "{entry}");
            assert_eq!(entry["resource"]["meta"]["tag"][0]["code"], "SUBSETTED", "{entry}");
        }
        let lenient = house.ask(Method::GET, &format!("{address}?colour=blue")).by(&engine());
        lenient.header("prefer", "handling=lenient").send().await.is(200);
    }
}

async fn machines_that_see_everything_make_one_under_one_condition(house: &House) {
    let mut body = refill("p-1001", "Five left.");
    body["identifier"] = json!([{ "system": "urn:portal", "value": "1" }]);
    let body = body.to_string();
    let machines: Vec<_> = (0..6)
        .map(|number| api::auth::DevelopmentClaims { client_id: format!("engine-{number}"), ..engine() })
        .collect();
    let replies = join_all(machines.iter().map(|who| {
        let ask = house.ask(Method::POST, "/fhir/Communication").by(who);
        ask.header("if-none-exist", "identifier=urn:portal|1").fhir(&body).send()
    }))
    .await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1, "{replies:?}");
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 5, "{replies:?}");
    assert_eq!(house.place.count("thread", "1 = 1"), 1);
}

//! What clients have and want.

use super::*;

#[actix_web::test]
async fn clients_say_what_they_have_and_what_they_want() {
    let house = House::new();
    let token = house.patient("p-1");
    let asked = |prefer: &str| {
        post(&token, "/fhir/Communication", &message("p-1")).insert_header(("Prefer", prefer.to_owned()))
    };
    let minimal = house.ask(asked("return=minimal")).await;
    assert_eq!((minimal.status, minimal.text.as_str()), (201, ""));
    let outcome = house.ask(asked("return=OperationOutcome")).await;
    assert_eq!((outcome.status, outcome.json()["resourceType"].as_str()), (201, Some("OperationOutcome")));
    let id = house.ask(asked("return=representation")).await.id();
    let path = format!("/fhir/Communication/{id}");
    let same = house.ask(with(TestRequest::get(), &token).uri(&path).insert_header(("If-None-Match", "W/\"1\""))).await;
    assert_eq!((same.status, same.text.as_str(), same.header("etag")), (304, "", "W/\"1\""));
    let alias =
        house.ask(with(TestRequest::get(), &token).uri(&path).insert_header(("Accept", "application/json"))).await;
    assert_eq!((alias.status, alias.header("content-type")), (200, "application/json; charset=utf-8"));
    let form = with(TestRequest::post(), &token).uri("/fhir/Communication/_search");
    let form =
        form.insert_header(("Content-Type", "application/x-www-form-urlencoded")).set_payload("patient=p-1&_count=1");
    let found = house.ask(form).await;
    assert_eq!((found.status, found.json()["entry"].as_array().map(Vec::len)), (200, Some(1)), "{}", found.text);
    let lenient = with(TestRequest::get(), &token)
        .uri("/fhir/Communication?nothing=1")
        .insert_header(("Prefer", "handling=lenient"));
    assert_eq!(house.ask(lenient).await.status, 200);
    let head = house.ask(with(TestRequest::default().method(Method::HEAD), &token).uri(&path)).await;
    assert_eq!((head.status, head.header("etag")), (200, "W/\"1\""));
    let capability = house.ask(TestRequest::get().uri("/fhir/metadata")).await;
    let tag = capability.header("etag").to_owned();
    let known = house.ask(TestRequest::get().uri("/fhir/metadata").insert_header(("If-None-Match", tag))).await;
    assert_eq!((capability.status, known.status), (200, 304));
    let named = house.ask(TestRequest::get().uri("/livez").insert_header(("X-Request-Id", "abc-1"))).await;
    assert_eq!(named.header("x-request-id"), "abc-1");
    for _ in 0..50 {
        assert_eq!(house.ask(TestRequest::get().uri("/readyz")).await.status, 200);
    }
    let asked = house.store.0.lock().unwrap().readied;
    assert!((1..50).contains(&asked), "what anybody may ask asks the database {asked} times");
    let page = house.ask(TestRequest::get().uri("/docs/swagger-initializer.js")).await;
    assert!(page.status == 200 && page.text.contains("/openapi.json"));
}

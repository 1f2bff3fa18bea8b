//! Pages of other origins, and how often anybody may call.

use super::*;
use crate::cors::Origins;
use crate::forwarded::TrustedProxies;
use crate::rate::{Rate, Rates};

const PORTAL: &str = "https://portal.example.org";

fn house() -> House {
    let mut house = House::new();
    let mut state = house.state();
    state.origins = Origins::read(PORTAL).unwrap();
    house.shared = Shared::new(Arc::new(state));
    house
}

fn from(request: TestRequest, origin: &str, path: &str) -> TestRequest {
    request.insert_header(("Origin", origin)).uri(path)
}

fn preflight(origin: &str, path: &str) -> TestRequest {
    let asked = TestRequest::default().method(Method::OPTIONS);
    from(asked, origin, path).insert_header(("Access-Control-Request-Method", "POST"))
}

const STRANGERS: [&str; 7] = [
    "https://elsewhere.example",
    "null",
    "https://portal.example.org.evil.example",
    "https://evilportal.example.org",
    "http://portal.example.org",
    "https://portal.example.org:8443",
    "HTTPS://PORTAL.EXAMPLE.ORG",
];

#[actix_web::test]
async fn t4_a_page_on_the_list_may_ask_without_a_token_and_others_may_not() {
    let house = house();
    let asked = house.ask(preflight(PORTAL, "/fhir/Communication")).await;
    assert_eq!((asked.status, asked.header("access-control-allow-origin")), (204, PORTAL));
    assert!(asked.header("vary").contains("Origin"));
    let (methods, headers) =
        (asked.header("access-control-allow-methods"), asked.header("access-control-allow-headers"));
    assert!(["GET", "POST", "PUT", "PATCH", "DELETE"].iter().all(|method| methods.contains(method)));
    for name in
        "Authorization Content-Type Accept Prefer If-Match If-None-Match If-Modified-Since X-Request-Id".split(' ')
    {
        assert!(headers.split(", ").any(|own| own == name), "{name}");
    }
    for origin in STRANGERS {
        let asked = house.ask(preflight(origin, "/fhir/Communication")).await;
        assert_eq!(asked.status, 401, "{origin}");
        assert!(!asked.headers.contains_key("access-control-allow-origin"), "{origin}");
        assert!(asked.header("vary").contains("Origin"));
    }
    let plain = TestRequest::default().method(Method::OPTIONS);
    assert_eq!(house.ask(from(plain, PORTAL, "/fhir/Communication")).await.status, 401, "that is no preflight");
}

#[actix_web::test]
async fn t4_every_answer_to_a_page_on_the_list_can_be_read_by_it() {
    let house = house();
    let (all, narrow) = (house.machine(), house.token(None, None, &[], "system/Task.r"));
    house.store.0.lock().unwrap().bursts = true;
    for (token, path, status) in [
        ("x", "/fhir/Communication", 401),
        (narrow.as_str(), "/fhir/Communication", 403),
        (all.as_str(), "/fhir/Nothing", 404),
        (all.as_str(), "/fhir/Communication/x", 500),
    ] {
        for (origin, readable) in [(PORTAL, true)].into_iter().chain(STRANGERS.map(|origin| (origin, false))) {
            let answered = house.ask(from(with(TestRequest::get(), token), origin, path)).await;
            assert_eq!(answered.status, status, "{path}");
            let told = answered.headers.get("access-control-allow-origin").map(|own| own.to_str().unwrap());
            assert_eq!(told, readable.then_some(PORTAL), "{path} to {origin}");
            assert!(!answered.headers.contains_key("access-control-allow-credentials"));
            if readable {
                let exposed = answered.header("access-control-expose-headers");
                for name in ["ETag", "Location", "Content-Location", "Last-Modified", "Retry-After", "X-Request-Id"] {
                    assert!(exposed.split(", ").any(|own| own == name), "{name}");
                }
            }
        }
    }
    for path in ["/fhir/metadata", "/fhir/.well-known/smart-configuration"] {
        for origin in [PORTAL, "https://elsewhere.example"] {
            let answered = house.ask(from(TestRequest::get(), origin, path)).await;
            assert_eq!((answered.status, answered.header("access-control-allow-origin")), (200, "*"), "{path}");
        }
    }
    let closed = House::new();
    let answered = closed.ask(from(with(TestRequest::get(), &all), PORTAL, "/fhir/Nothing")).await;
    assert!(!answered.headers.contains_key("access-control-allow-origin"), "nobody is on the list by itself");
}

#[actix_web::test]
async fn t5_the_headers_that_keep_browsers_from_harm_are_on_every_answer() {
    let house = House::new();
    let token = house.machine();
    house.store.0.lock().unwrap().bursts = true;
    for (token, path, status) in [
        ("", "/fhir/Communication", 401),
        (token.as_str(), "/fhir/Task?_count=1", 200),
        (token.as_str(), "/nowhere", 404),
        (token.as_str(), "/api/v1/nothing", 404),
        (token.as_str(), "/fhir/Communication/x", 500),
    ] {
        let answered = house.get(token, path).await;
        assert_eq!(answered.status, status, "{path}");
        assert_eq!(answered.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answered.header("cache-control"), "no-store", "{path}");
        assert_eq!(answered.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'", "{path}");
        assert_eq!(answered.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!answered.headers.contains_key("server") && !answered.headers.contains_key("x-powered-by"));
    }
}

#[actix_web::test]
async fn whoever_calls_too_often_waits_and_others_do_not() {
    let mut house = House::new();
    let mut state = house.state();
    state.rates = Rates::new(Rate { person: 1, system: 1 });
    house.shared = Shared::new(Arc::new(state));
    let (one, two) = (house.patient("p-1"), house.patient("p-2"));
    // Ten at once; and one more for every second that goes by meanwhile on a slow machine.
    let mut let_in = 0;
    let refused = loop {
        let answered = house.get(&one, "/fhir/Communication").await;
        if answered.status != 200 {
            break answered;
        }
        let_in += 1;
    };
    assert!(let_in >= 10, "{let_in}");
    assert_eq!((refused.status, refused.json()["issue"][0]["code"].as_str()), (429, Some("throttled")));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    assert_eq!(house.get(&two, "/fhir/Communication").await.status, 200);
    assert_eq!(house.ask(TestRequest::get().uri("/livez")).await.status, 200, "health is never refused");
}

#[actix_web::test]
async fn a_proxy_of_whom_it_cannot_be_read_what_they_may_see_comes_back_later_and_is_no_stranger() {
    let mut house = House::new();
    let mut state = house.state();
    state.rates = Rates::new(Rate { person: 1, system: 1000 });
    house.shared = Shared::new(Arc::new(state));
    let from = |token: &str| {
        with(TestRequest::get(), token).uri("/fhir/Communication").peer_addr("192.0.2.7:4711".parse().unwrap())
    };
    house.store.0.lock().unwrap().down = true;
    for proxy in ["RelatedPerson/r-1", "RelatedPerson/r-2"] {
        let token = house.token(Some(proxy), Some("p-1"), &[], "patient/*.rs");
        for _ in 0..8 {
            let answered = house.ask(from(&token)).await;
            assert_eq!((answered.status, answered.header("retry-after")), (503, "5"), "{}", answered.text);
        }
    }
    assert_eq!(house.ask(from("x")).await.status, 401, "nobody from there has tried tokens before");
}

#[actix_web::test]
async fn tokens_from_one_address_are_judged_only_so_often_and_those_that_are_known_pass() {
    let mut house = House::new();
    let mut state = house.state();
    state.rates = Rates::new(Rate { person: 1000, system: 1 });
    house.shared = Shared::new(Arc::new(state));
    let from = |token: &str| {
        with(TestRequest::get(), token).uri("/fhir/Communication").peer_addr("192.0.2.7:4711".parse().unwrap())
    };
    let known = house.patient("p-1");
    assert_eq!(house.ask(from(&known)).await.status, 200);
    let mut statuses = vec![];
    for n in 0..40 {
        statuses.push(house.ask(from(&format!("{n}.b.c"))).await.status);
    }
    assert!(statuses.contains(&429) && statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    assert_eq!(house.ask(from(&known)).await.status, 200, "it was judged before");
    let others = with(TestRequest::get(), &house.patient("p-2")).uri("/fhir/Communication");
    assert_eq!(house.ask(others.peer_addr("192.0.2.8:4711".parse().unwrap())).await.status, 200, "another address");
}

#[actix_web::test]
async fn t3_a_token_that_came_unencrypted_is_refused() {
    let mut house = House::new();
    let mut state = house.state();
    state.base_url = "https://messages.example.org/fhir".to_owned();
    state.trusted_proxies = TrustedProxies::read("10.0.0.0/8").unwrap();
    house.shared = Shared::new(Arc::new(state));
    let token = house.patient("p-1");
    let ask = async |peer: &str, said: &[(&'static str, &'static str)]| {
        let start = with(TestRequest::get(), &token)
            .uri("/fhir/Communication")
            .peer_addr(format!("{peer}:4711").parse().unwrap());
        house.ask(said.iter().fold(start, |request, header| request.insert_header(*header))).await
    };
    let (https, client) = (("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "198.51.100.9, 203.0.113.9"));
    assert_eq!(ask("10.0.0.5", &[https, client]).await.status, 200);
    assert_eq!(house.store.0.lock().unwrap().audit.last().unwrap().source.as_deref(), Some("203.0.113.9"));
    assert_eq!(ask("127.0.0.1", &[]).await.status, 200, "on this machine there is no network");
    for (peer, said) in
        [("10.0.0.5", &[][..]), ("10.0.0.5", &[("X-Forwarded-Proto", "http")]), ("198.51.100.7", &[https, client])]
    {
        let refused = ask(peer, said).await;
        assert_eq!((refused.status, refused.json()["issue"][0]["code"].as_str()), (403, Some("security")), "{peer}");
    }
    let last = house.store.0.lock().unwrap().audit.last().unwrap().clone();
    assert_eq!(last.source.as_deref(), Some("198.51.100.7"), "what a client says of itself is not believed");
    let health = TestRequest::get().uri("/livez").peer_addr("198.51.100.7:4711".parse().unwrap());
    assert_eq!(house.ask(health).await.status, 200, "what is public carries no token");
}

#[actix_web::test]
async fn strangers_are_slowed_down_and_whoever_has_a_token_is_not() {
    let mut house = House::new();
    let mut state = house.state();
    state.rates = Rates::new(Rate { person: 1, system: 1 });
    house.shared = Shared::new(Arc::new(state));
    let stranger = || TestRequest::get().uri("/fhir/Communication").peer_addr("192.0.2.7:4711".parse().unwrap());
    let mut statuses = vec![];
    for _ in 0..40 {
        statuses.push(house.ask(stranger()).await.status);
    }
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses.contains(&429) && statuses.iter().all(|status| matches!(status, 401 | 429)), "{statuses:?}");
    let known = with(stranger(), &house.patient("p-1"));
    assert_eq!(house.ask(known).await.status, 200, "the same address with a token");
}

//! The whole interface over a store in memory, with real tokens.

mod bundles;
mod conversation;
mod courtesy;
mod crossing;
mod memory;
mod origin;
mod overrides;
mod refusal;
mod scope;
mod trail;

use std::sync::Arc;

use actix_web::body::MessageBody as _;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::web::Bytes;
use domain::id::TenantId;
use domain::time::TimeSource as _;
use serde_json::{Value, json};

use self::memory::Memory;
use crate::auth::forge::MovableClock;
use crate::auth::{Authenticator, DevelopmentClaims, DevelopmentIssuer};
use crate::rate::{Rate, Rates};
use crate::serve::{Shared, app};
use crate::state::AppState;

const BASE: &str = "http://localhost:8080/fhir";

/// The interface, its store and its issuer.
struct House {
    shared: Shared,
    store: Arc<Memory>,
    issuer: DevelopmentIssuer,
    clock: Arc<MovableClock>,
}

/// An answer taken apart.
struct Answered {
    status: u16,
    headers: actix_web::http::header::HeaderMap,
    text: String,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }

    fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }
}

impl House {
    fn new() -> Self {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let path = std::env::temp_dir().join(format!("postern-interface-{}-{number}.key", std::process::id()));
        let issuer = DevelopmentIssuer::load_or_create(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let (store, clock) = (Arc::new(Memory::default()), MovableClock::friday());
        let state = Arc::new(state(&issuer, store.clone(), clock.clone()));
        Self { shared: Shared::new(state), store, issuer, clock }
    }

    fn state(&self) -> AppState {
        state(&self.issuer, self.store.clone(), self.clock.clone())
    }

    fn token(&self, user: Option<&str>, patient: Option<&str>, pools: &[&str], scope: &str) -> String {
        let claims = DevelopmentClaims {
            sub: user.unwrap_or("machine").to_owned(),
            client_id: "test".to_owned(),
            scope: scope.to_owned(),
            patient: patient.map(str::to_owned),
            fhir_user: user.map(str::to_owned),
            pools: pools.iter().map(|pool| (*pool).to_owned()).collect(),
            ..DevelopmentClaims::default()
        };
        self.issuer.mint(&claims, self.clock.now(), 3600).unwrap()
    }

    fn patient(&self, id: &str) -> String {
        self.token(Some(&format!("Patient/{id}")), Some(id), &[], "patient/*.crs")
    }

    fn nurse(&self) -> String {
        self.token(Some("Practitioner/nurse"), None, &["default"], "user/*.crus")
    }

    fn machine(&self) -> String {
        self.token(None, None, &[], "system/*.crus postern/admin.read")
    }

    async fn ask(&self, request: TestRequest) -> Answered {
        self.open().await(request).await
    }

    /// The interface, for whoever asks much of it: its routes are made once.
    async fn open(&self) -> impl AsyncFn(TestRequest) -> Answered {
        let service = init_service(app(self.shared.clone())).await;
        async move |request: TestRequest| {
            let answered = actix_web::test::try_call_service(&service, request.to_request()).await;
            let answered: ServiceResponse = match answered {
                Ok(answered) => answered.map_into_boxed_body(),
                // As the server itself does with what falls through every layer.
                Err(error) => {
                    let answer = error.as_response_error().error_response();
                    ServiceResponse::new(TestRequest::default().to_http_request(), answer)
                }
            };
            let (status, headers) = (answered.status().as_u16(), answered.headers().clone());
            let body: Bytes = actix_web::body::to_bytes(answered.into_body().boxed()).await.unwrap();
            Answered { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
        }
    }

    async fn get(&self, token: &str, path: &str) -> Answered {
        self.ask(with(TestRequest::get(), token).uri(path)).await
    }

    async fn send(&self, token: &str, path: &str, body: &Value) -> Answered {
        self.ask(post(token, path, body)).await
    }
}

fn state(issuer: &DevelopmentIssuer, store: Arc<Memory>, clock: Arc<MovableClock>) -> AppState {
    let issuers = vec![issuer.config(&TenantId::new("default"))];
    let authenticator = Authenticator::new(issuers, BASE, clock.clone()).unwrap();
    let mut state = AppState::new(store, clock, authenticator, BASE);
    // Tests ask more at once than anybody may.
    state.rates = Rates::new(Rate { person: 1_000_000, system: 1_000_000 });
    state
}

fn with(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header(("Authorization", format!("Bearer {token}")))
}

fn post(token: &str, path: &str, body: &Value) -> TestRequest {
    let typed = with(TestRequest::post(), token).uri(path).insert_header(("Content-Type", "application/fhir+json"));
    typed.set_payload(body.to_string())
}

fn message(patient: &str) -> Value {
    json!({ "resourceType": "Communication", "status": "in-progress", "subject": { "reference": format!("Patient/{patient}") },
        "sender": { "reference": format!("Patient/{patient}") }, "payload": [{ "contentString": "Please renew my inhaler." }] })
}

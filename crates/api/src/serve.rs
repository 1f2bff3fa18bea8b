//! The servers: one for the interface, one for its figures.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, Data};
use actix_web::{App, Error, HttpResponse, HttpServer};
use utoipa_actix_web::AppExt as _;

use crate::bundle::Inside;
use crate::door::door;
use crate::error::Answer;
use crate::metadata::Documents;
use crate::observe::observe;
use crate::route;
use crate::state::AppState;

/// How long a client may take for the head of its request (<https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9>).
const HEAD_TIME: Duration = Duration::from_secs(5);

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// How many connections one worker holds; more wait to be accepted.
const CONNECTIONS: usize = 10_000;

/// How long requests under way are waited for when the server stops, in seconds.
const DRAIN: u64 = 30;

/// What is made once for all workers.
#[derive(Clone)]
pub struct Shared {
    state: Data<AppState>,
    documents: Data<Documents>,
    page: Data<utoipa_swagger_ui::Config<'static>>,
}

impl Shared {
    /// What the workers of an interface share.
    pub fn new(state: Arc<AppState>) -> Self {
        let documents = Documents::new(&state);
        let page = utoipa_swagger_ui::Config::new(["/openapi.json"]).use_base_layout();
        Self { state: Data::from(state), documents: Data::new(documents), page: Data::new(page) }
    }
}

/// The application that one worker runs.
pub fn app(
    shared: Shared,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>> {
    let inside = Inside::new(shared.clone());
    routes(shared).app_data(inside).wrap(from_fn(door)).wrap(Compress::default()).wrap(from_fn(observe))
}

/// The routes with their handlers alone: what the entries of a Bundle meet within the layers of the Bundle's own request.
pub(crate) fn routes(
    shared: Shared,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>> {
    let Shared { state, documents, page } = shared;
    App::new()
        .app_data(state)
        .app_data(documents)
        .app_data(page)
        .into_utoipa_app()
        .configure(route::configure)
        .default_service(web::to(route::otherwise))
        .into_app()
}

/// The server of the interface on a listener that is open already. It stops when its handle says so, after the requests
/// under way are answered; signals are the program's business.
pub fn server(state: Arc<AppState>, listener: TcpListener, workers: usize) -> io::Result<Server> {
    let shared = Shared::new(state);
    let server = HttpServer::new(move || app(shared.clone()))
        .workers(workers.max(1))
        .max_connections(CONNECTIONS)
        .client_request_timeout(HEAD_TIME)
        .client_disconnect_timeout(Duration::from_secs(2))
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(DRAIN)
        .disable_signals()
        .listen(listener)?;
    Ok(server.run())
}

/// The server of `/metrics`, on a listener of its own that nobody but the monitoring reaches.
pub fn metrics_server(state: Arc<AppState>, listener: TcpListener) -> io::Result<Server> {
    let state = Data::from(state);
    let server =
        HttpServer::new(move || App::new().app_data(Data::clone(&state)).route("/metrics", web::get().to(metrics)))
            .workers(1)
            .client_request_timeout(HEAD_TIME)
            .shutdown_timeout(1)
            .disable_signals()
            .listen(listener)?;
    Ok(server.run())
}

async fn metrics(state: Data<AppState>) -> Answer {
    let now = state.now();
    let gauges =
        state.store.gauges(now).await.inspect_err(|error| tracing::warn!(%error, "the store gave no figures")).ok();
    state.metrics.idle(state.pulse.age());
    let text = state.metrics.render(gauges.as_ref(), now);
    Ok(HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text))
}

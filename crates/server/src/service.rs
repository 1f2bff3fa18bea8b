//! The running service: two listeners, the workers, and an orderly end.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::available_parallelism;

use actix_web::dev::ServerHandle;
use api::audit::{AuditKey, AuditKeyError};
use api::auth::{Authenticator, DevelopmentIssuer, DevelopmentKeyError, InvalidIssuer};
use api::rate::Rates;
use api::state::AppState;
use domain::id::TenantId;
use domain::store::{Store, StoreError};
use domain::time::TimeSource;
use persistence::SqlStore;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::clinic::{BundleError, ensure_bundle};
use crate::config::{Config, ConfigError};
use crate::supervise::supervise;
use crate::worker::Worker;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("{variable}: {address} cannot be listened on; choose another address or stop what uses it")]
    Listen {
        /// The variable.
        variable: &'static str,
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] persistence::OpenError),
    /// The database is not that of this version.
    #[error("POSTERN_DATABASE_URL: the database cannot be used yet")]
    Unready(#[from] StoreError),
    /// An issuer.
    #[error(transparent)]
    Issuer(#[from] InvalidIssuer),
    /// The development key.
    #[error(transparent)]
    DevelopmentKey(#[from] DevelopmentKeyError),
    /// The key of the audit trail.
    #[error(transparent)]
    AuditKey(#[from] AuditKeyError),
    /// The default bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The server.
    #[error("the server cannot start")]
    Server(#[source] io::Error),
}

/// A service that runs.
pub struct Service {
    state: Arc<AppState>,
    store: SqlStore,
    address: SocketAddr,
    metrics_address: SocketAddr,
    servers: Vec<(ServerHandle, JoinHandle<io::Result<()>>)>,
    workers: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

impl Service {
    /// Starts listening and `workers` workers. Port 0 means any free port.
    pub async fn start(config: &Config, time: Arc<dyn TimeSource>, workers: usize) -> Result<Self, StartError> {
        config.check_serving()?;
        let store = persistence::open(&config.store())?;
        store.ready().await?;
        let port: Arc<dyn Store> = Arc::new(store.clone());
        for tenant in config.tenants() {
            ensure_bundle(&port, &tenant, time.now().into()).await?;
        }
        // A trail goes on under the key that it was begun with: a fresh one would leave it unsealed from now on.
        let audit_key = if !AuditKey::exists(&config.audit_key)? && is_sealed(&port).await? {
            return Err(AuditKeyError::Missing(config.audit_key.display().to_string()).into());
        } else {
            AuditKey::load_or_create(&config.audit_key)?
        };
        let listener = listen("POSTERN_LISTEN", config.listen)?;
        let metrics_listener = listen("POSTERN_METRICS_LISTEN", config.metrics_listen)?;
        let address = listener.local_addr().map_err(StartError::Server)?;
        let metrics_address = metrics_listener.local_addr().map_err(StartError::Server)?;

        let mut issuers = config.issuers.clone();
        if config.development {
            let issuer = DevelopmentIssuer::load_or_create(&config.development_key)?;
            issuers.push(issuer.config(&TenantId::new(TenantId::DEFAULT)));
        }
        // With port 0 the address is known only now.
        let base = config.base_url.replace(&config.listen.to_string(), &address.to_string());
        let base_url = format!("{base}/fhir");
        let authenticator = Authenticator::new(issuers, &base_url, Arc::clone(&time))?;
        let mut state = AppState::new(port, time, authenticator, &base_url);
        state.development = config.development;
        state.audit_key = Some(audit_key);
        state.proxies = config.proxies.clone();
        state.origins = config.origins.clone();
        state.trusted_proxies = config.trusted_proxies.clone();
        state.rates = Rates::new(config.rate);
        let state = Arc::new(state);
        state.authenticator.warm_up().await;

        let threads = available_parallelism().map_or(2, std::num::NonZero::get);
        let interface = api::server(Arc::clone(&state), listener, threads).map_err(StartError::Server)?;
        let metrics = api::metrics_server(Arc::clone(&state), metrics_listener).map_err(StartError::Server)?;
        let servers = [interface, metrics].map(|server| (server.handle(), tokio::spawn(server))).into();
        let (stop, stopped) = watch::channel(false);
        let tasks = |_| {
            let worker = Worker::new(Arc::clone(&state));
            let (run, stops) = (worker.clone(), stopped.clone());
            let run = supervised(&state, &stopped, move || run.clone().run(stops.clone()));
            let stops = stopped.clone();
            let simulate = move || worker.clone().run_simulations(stops.clone());
            [run, supervised(&state, &stopped, simulate)]
        };
        let workers = (0..workers).flat_map(tasks).collect();
        Ok(Self { state, store, address, metrics_address, servers, workers, stop })
    }

    /// Where the FHIR interface listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` listens.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics_address
    }

    /// A worker over the service's own state, to be ticked by hand.
    pub fn worker(&self) -> Worker {
        Worker::new(Arc::clone(&self.state))
    }

    /// The store.
    pub fn store(&self) -> &SqlStore {
        &self.store
    }

    /// Stops in order: no new work, requests under way are answered, workers end their tick, the writer drains.
    pub async fn stop(self) {
        self.state.drain();
        for (server, running) in self.servers {
            server.stop(true).await;
            if let Ok(Err(error)) = running.await {
                tracing::warn!(%error, "a server ended with an error");
            }
        }
        // Nobody listens any more only when there are no workers.
        let _ = self.stop.send(true);
        for worker in self.workers {
            if let Err(error) = worker.await {
                tracing::warn!(%error, "a worker ended badly");
            }
        }
        self.store.close();
    }
}

/// A worker that is started again when it panics.
fn supervised<F>(
    state: &Arc<AppState>,
    stopped: &watch::Receiver<bool>,
    start: impl Fn() -> F + Send + 'static,
) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let state = Arc::clone(state);
    tokio::spawn(supervise(stopped.clone(), start, move || {
        tracing::error!("a worker panicked; it is started again");
        state.metrics.failed("worker");
    }))
}

/// Whether anybody's trail has been sealed.
async fn is_sealed(store: &Arc<dyn Store>) -> Result<bool, StoreError> {
    for tenant in store.audited().await? {
        if !store.last_sealed(tenant, 1).await?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn listen(variable: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|source| StartError::Listen { variable, address, source })
}

//! What each command does.

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::System;
use api::auth::DevelopmentIssuer;
use domain::id::TenantId;
use domain::store::Store;
use domain::time::{Instant, TimeSource};
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Client;
use crate::clock::{MovableTime, SystemTime};
use crate::config::Config;
use crate::demo::Demo;
use crate::month::{self, Month, MonthError};
use crate::seed::Seed;
use crate::service::Service;
use crate::{clinic, telemetry, token as tokens, welcome};

/// What a command ends with.
pub type Done = Result<ExitCode, Box<dyn Error>>;

/// Writes a line to standard output. Whoever reads it may have gone away: that is an error like any other, not a panic.
pub fn say(line: std::fmt::Arguments<'_>) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_fmt(line)?;
    out.write_all(b"\n")
}

/// Serves until told to stop.
pub fn serve(config: &Config) -> Done {
    config.check_serving()?;
    // Before the runtime: the exporter has a thread and a client of its own.
    let _telemetry = telemetry::start(config)?;
    if matches!(config.database_url, persistence::Url::Sqlite(_)) {
        // The embedded database belongs to this program: there is nobody else to migrate it.
        make_folder(config)?;
        persistence::migrate(&config.database_url)?;
    }
    System::new().block_on(async {
        let service = Service::start(config, Arc::new(SystemTime), 1).await?;
        tracing::info!(address = %service.address(), metrics = %service.metrics_address(), "serving");
        if config.development {
            say(format_args!("{}", welcome::text(config, service.address())?))?;
        }
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tracing::info!("stopping: requests under way are answered first");
        service.stop().await;
        tracing::info!("stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// Brings the database to this version.
pub fn migrate(config: &Config) -> Done {
    make_folder(config)?;
    let applied = persistence::migrate(&config.database_url)?;
    for name in &applied {
        say(format_args!("applied {name}"))?;
    }
    System::new().block_on(async {
        let store: Arc<dyn Store> =
            Arc::new(persistence::open(&persistence::Config::new(config.database_url.clone()))?);
        for tenant in config.tenants() {
            clinic::ensure_bundle(&store, &tenant, SystemTime.now().into()).await?;
        }
        say(format_args!("the database is ready"))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The embedded database's folder is made when it is not there.
fn make_folder(config: &Config) -> std::io::Result<()> {
    match &config.database_url {
        persistence::Url::Sqlite(path) => {
            path.parent().filter(|folder| !folder.as_os_str().is_empty()).map_or(Ok(()), std::fs::create_dir_all)
        }
        persistence::Url::Postgres(_) => Ok(()),
    }
}

/// Fills an empty database with the small clinic, and with a month in which patients write so many messages.
pub fn seed(config: &Config, messages: usize) -> Done {
    System::new().block_on(async {
        let tenant = TenantId::new(TenantId::DEFAULT);
        let now: Instant = SystemTime.now().into();
        let time = Arc::new(MovableTime::at(now.timestamp()));
        let store: Arc<dyn Store> =
            Arc::new(persistence::open(&persistence::Config::new(config.database_url.clone()))?);
        store.ready().await?;
        let bundle = clinic::bundle().map_err(clinic::BundleError::Finding)?;
        // The clinic opens before its first message.
        let open_days = if messages > 0 { month::DAYS + 6 } else { 14 };
        if !clinic::activate(&store, &tenant, &bundle, now.plus(-(open_days + 1) * 86_400)).await? {
            say(format_args!("the clinic is there already"))?;
            return Ok(ExitCode::SUCCESS);
        }
        drop(store);
        let (service, client) = inside(config, Arc::clone(&time)).await?;
        let filled = async {
            let seed = Seed::new(client.clone(), Arc::clone(&time), now);
            seed.open(open_days).await?;
            let month = Month::new(client, time, service.worker(), now).run(messages).await?;
            Ok::<_, MonthError>((month, seed.run().await?))
        };
        let filled = filled.await;
        service.stop().await;
        let (month, seeded) = filled?;
        say(format_args!(
            "seeded Riverside Clinic: 2 pools, {} conversations, {} messages",
            month.threads + seeded.threads,
            month.messages + seeded.messages
        ))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The real server in this process, on a free port, with a movable clock and no workers of its own.
async fn inside(config: &Config, time: Arc<MovableTime>) -> Result<(Service, Client), Box<dyn Error>> {
    let any = "127.0.0.1:0".parse()?;
    let config = Config {
        listen: any,
        metrics_listen: any,
        base_url: "http://127.0.0.1:0".to_owned(),
        development: true,
        ..config.clone()
    };
    let service = Service::start(&config, Arc::clone(&time) as Arc<dyn TimeSource>, 0).await?;
    let issuer = Arc::new(DevelopmentIssuer::load_or_create(&config.development_key)?);
    let client = Client::new(format!("http://{}", service.address()), issuer, time)?;
    Ok((service, client))
}

/// Prints a development token.
pub fn token(config: &Config, who: &tokens::For) -> Done {
    say(format_args!("{}", tokens::mint(config, who, &SystemTime)?))?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the OpenAPI document.
pub fn openapi() -> Done {
    say(format_args!("{}", api::openapi().trim_end()))?;
    Ok(ExitCode::SUCCESS)
}

/// Plays the story in a database of its own: an embedded one, or an empty one that is named.
pub fn demo(database_url: Option<String>) -> Done {
    let folder = std::env::temp_dir().join(format!("postern-demo-{}", std::process::id()));
    let played = play(&folder, database_url);
    if let Err(error) = std::fs::remove_dir_all(&folder) {
        eprintln!("postern: {} could not be removed: {error}", folder.display());
    }
    played
}

fn play(folder: &Path, database_url: Option<String>) -> Done {
    std::fs::create_dir_all(folder)?;
    let url = database_url.unwrap_or_else(|| format!("sqlite:{}", folder.join("demo.sqlite").display()));
    let mut variables = std::collections::BTreeMap::new();
    variables.insert("POSTERN_DATABASE_URL".to_owned(), url);
    variables.insert("POSTERN_DEV".to_owned(), "1".to_owned());
    variables.insert("POSTERN_DEV_KEY".to_owned(), folder.join("key.p8").display().to_string());
    variables.insert("POSTERN_AUDIT_KEY".to_owned(), folder.join("audit-key").display().to_string());
    let config = Config::from_variables(&variables)?;
    persistence::migrate(&config.database_url)?;
    System::new().block_on(async {
        let start: Timestamp = "2026-06-18T13:00:00Z".parse()?;
        let time = Arc::new(MovableTime::at(start));
        let store: Arc<dyn Store> =
            Arc::new(persistence::open(&persistence::Config::new(config.database_url.clone()))?);
        let bundle = clinic::bundle().map_err(clinic::BundleError::Finding)?;
        clinic::activate(&store, &TenantId::new(TenantId::DEFAULT), &bundle, start.into()).await?;
        drop(store);
        let (service, client) = inside(&config, Arc::clone(&time)).await?;
        let played = Demo::new(client, time, [service.worker(), service.worker()]).play().await;
        service.stop().await;
        played?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Asks the service whether it is ready.
pub fn healthcheck(config: &Config) -> Done {
    System::new().block_on(async {
        let mut address = config.listen;
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let client = crate::client::plain().timeout(Duration::from_secs(3)).build()?;
        let ready = client.get(format!("http://{address}/readyz")).send().await?.status();
        if ready.is_success() {
            Ok(ExitCode::SUCCESS)
        } else {
            Err(format!("http://{address}/readyz answered {ready}").into())
        }
    })
}

//! Simulation over stored messages: the bundle in force against another.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::rt::System;
use api::policies::compile;
use domain::access::{PatientFacts, Visibility};
use domain::change::{BundleRow, Stored};
use domain::id::{ResourceType, TenantId};
use domain::policy::bundle::Bundle;
use domain::policy::lint::Severity;
use domain::search::{DateMatch, Filter, Prefix, Search, Sort, SortBy};
use domain::simulate::{Arrival, Comparison, Simulation};
use domain::store::{Catalogue, Store, StoreError};
use domain::time::Instant;
use fhir::communication::Communication;

use crate::command::{Done, say};
use crate::config::Config;

/// How many messages are read at once.
const PAGE: u16 = 1000;

/// What `policy simulate` is asked.
#[derive(Clone, Debug, clap::Args)]
pub struct Simulate {
    /// The bundle to compare with the one in force.
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// The first instant of the messages to replay.
    #[arg(long, value_name = "INSTANT")]
    pub from: Instant,
    /// The first instant after them.
    #[arg(long, value_name = "INSTANT")]
    pub to: Instant,
}

/// Replays and prints the comparison as JSON.
pub fn run(config: &Config, asked: &Simulate) -> Done {
    let text =
        std::fs::read_to_string(&asked.bundle).map_err(|error| format!("{}: {error}", asked.bundle.display()))?;
    let bundle = Bundle::read(&text).map_err(|finding| finding.to_string())?;
    let errors: Vec<String> = bundle
        .lint(asked.to)
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    if !errors.is_empty() {
        return Err(errors.join("\n").into());
    }
    System::new().block_on(async {
        let store: Arc<dyn Store> =
            Arc::new(persistence::open(&persistence::Config::new(config.database_url.clone()))?);
        store.ready().await?;
        let comparison = compare(&store, &TenantId::new(TenantId::DEFAULT), &bundle, asked.from, asked.to).await?;
        say(format_args!("{}", serde_json::to_string_pretty(&comparison)?))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The messages of a time under the policy in force and under a candidate, with the pools' own hours on both sides.
pub async fn compare(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    candidate: &Bundle,
    from: Instant,
    to: Instant,
) -> Result<Comparison, StoreError> {
    let catalogue = store.catalogue(tenant.clone()).await?;
    let row = BundleRow::draft(candidate, from);
    let baseline = compile(&catalogue, from);
    let candidate = compile(&Catalogue { bundle: Some(row), ..catalogue }, from);
    let mut simulation = Simulation::new(&baseline, &candidate);
    let mut search = messages(tenant, from, to);
    loop {
        let page = store.search(search.clone()).await?;
        for stored in &page.rows {
            simulation.take(&arrival(stored)?);
        }
        match page.next {
            Some(next) => search.after = Some(next),
            None => return Ok(simulation.finish(to)),
        }
    }
}

/// The messages of a time, oldest first, without drafts and what the service wrote itself.
fn messages(tenant: &TenantId, from: Instant, to: Instant) -> Search {
    let instant = |prefix, at: Instant| DateMatch { prefix, low: at.timestamp(), high: at.timestamp() };
    Search {
        tenant: tenant.clone(),
        kind: ResourceType::Communication,
        filters: vec![
            Filter::Date { param: "sent", any: vec![instant(Prefix::Ge, from)] },
            Filter::Date { param: "sent", any: vec![instant(Prefix::Lt, to)] },
        ],
        sort: vec![Sort { by: SortBy::Date, descending: false }],
        count: PAGE,
        after: None,
        total: false,
        visibility: Visibility::Everything,
    }
}

fn arrival(stored: &Stored) -> Result<Arrival, StoreError> {
    let unreadable = |what: &str| StoreError::Internal(format!("{}: {what}", stored.key));
    let communication = Communication::stored(stored).map_err(|_| unreadable("not a message any more"))?;
    let message = communication.message(&stored.key.id, &PatientFacts::default());
    let thread = stored.thread.clone().unwrap_or_else(|| stored.key.id.clone());
    Ok(Arrival { at: stored.date.into(), thread, message })
}

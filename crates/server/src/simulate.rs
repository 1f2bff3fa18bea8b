//! Simulation over stored messages: the bundle in force against another.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::rt::System;
use api::policies::compile;
use domain::access::{PatientFacts, Visibility};
use domain::change::{BundleRow, Stored};
use domain::id::{ResourceType, TenantId};
use domain::policy::Policy;
use domain::policy::bundle::Bundle;
use domain::policy::lint::Severity;
use domain::search::{Cursor, Search, Sort, SortBy};
use domain::simulate::{Arrival, Comparison, Simulation};
use domain::store::{Catalogue, Store, StoreError};
use domain::time::Instant;
use fhir::communication::Communication;
use jiff::SignedDuration;

use crate::command::{Done, say};
use crate::config::Config;

/// How many messages are read at once.
const PAGE: u16 = 500;

/// An id that none comes after.
const LAST: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

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
        let candidate = BundleRow::draft(&bundle, asked.from);
        let tenant = TenantId::new(TenantId::DEFAULT);
        let comparison = compare(&store, &tenant, None, &candidate, asked.from, asked.to).await?;
        say(format_args!("{}", serde_json::to_string_pretty(&comparison)?))?;
        Ok(ExitCode::SUCCESS)
    })
}

/// The messages of a time under two policies, with the pools' own hours on both sides.
pub async fn compare(
    store: &Arc<dyn Store>,
    tenant: &TenantId,
    baseline: Option<&BundleRow>,
    candidate: &BundleRow,
    from: Instant,
    to: Instant,
) -> Result<Comparison, StoreError> {
    let sides = Sides::read(store, tenant, baseline, candidate, from).await?;
    let mut replay = Replay::new(store, tenant, &sides, from, to);
    while replay.page().await?.is_some() {}
    Ok(replay.finish())
}

/// Two policies ready to be compared.
pub struct Sides {
    baseline: Policy,
    candidate: Policy,
}

impl Sides {
    /// The two bundles with the hours that pools have now. Without a baseline it is what is in force.
    pub async fn read(
        store: &Arc<dyn Store>,
        tenant: &TenantId,
        baseline: Option<&BundleRow>,
        candidate: &BundleRow,
        around: Instant,
    ) -> Result<Self, StoreError> {
        let mut catalogue = store.catalogue(tenant.clone(), around).await?;
        let read = baseline.into_iter().chain([candidate]).filter_map(|row| Bundle::read(&row.body).ok());
        let teams = read.flat_map(|bundle| bundle.teams().cloned().collect::<Vec<_>>());
        catalogue.teams.extend(store.teams(tenant.clone(), teams.collect()).await?);
        catalogue.teams.sort_by(|a, b| a.key.cmp(&b.key));
        catalogue.teams.dedup();
        let with = |bundle: &BundleRow| Catalogue { bundle: Some(bundle.clone()), ..catalogue.clone() };
        let baseline = baseline.map_or_else(|| catalogue.clone(), with);
        Ok(Self { baseline: compile(&baseline, around), candidate: compile(&with(candidate), around) })
    }

    /// Why one of the two cannot be used, if so.
    pub fn fault(&self) -> Option<&str> {
        self.baseline.degraded.as_deref().or(self.candidate.degraded.as_deref())
    }
}

/// Stored messages on their way through two policies, page by page: no more than a page of them is held at once.
pub struct Replay<'s> {
    store: &'s Arc<dyn Store>,
    search: Search,
    simulation: Simulation<'s>,
    to: Instant,
    read: i64,
    over: bool,
}

impl<'s> Replay<'s> {
    /// Nothing read yet.
    pub fn new(store: &'s Arc<dyn Store>, tenant: &TenantId, sides: &'s Sides, from: Instant, to: Instant) -> Self {
        let simulation = Simulation::new(&sides.baseline, &sides.candidate);
        Self { store, search: messages(tenant, from), simulation, to, read: 0, over: false }
    }

    /// Replays the next page and answers how many stored messages have been read so far; `None` when none is left.
    pub async fn page(&mut self) -> Result<Option<i64>, StoreError> {
        if self.over {
            return Ok(None);
        }
        let page = self.store.search(self.search.clone()).await?;
        for stored in &page.rows {
            if Instant::from(stored.date) >= self.to {
                self.over = true;
                break;
            }
            self.read += 1;
            if let Some(arrival) = arrival(stored)? {
                self.simulation.take(&arrival);
            }
        }
        if let Some(last) = page.rows.last() {
            self.simulation.forget(last.date.into());
        }
        self.over |= page.next.is_none();
        self.search.after = page.next;
        Ok(Some(self.read))
    }

    /// What was found, with the thresholds that come until the end.
    pub fn finish(self) -> Comparison {
        self.simulation.finish(self.to)
    }
}

/// Messages from an instant on, oldest first, by the index of their dates.
fn messages(tenant: &TenantId, from: Instant) -> Search {
    // Whatever its id, a message of the microsecond before comes before those that are meant.
    let before = from.timestamp() - SignedDuration::from_micros(1);
    Search {
        tenant: tenant.clone(),
        kind: ResourceType::Communication,
        filters: vec![],
        sort: vec![Sort { by: SortBy::Date, descending: false }],
        count: PAGE,
        after: Some(Cursor { at: vec![before], id: LAST.parse().expect("a literal id"), backward: false }),
        total: false,
        visibility: Visibility::Everything,
    }
}

/// `None` for what nothing was decided about.
fn arrival(stored: &Stored) -> Result<Option<Arrival>, StoreError> {
    let unreadable = |_| StoreError::Internal(format!("{}: not a message any more", stored.key));
    let Some(communication) = Communication::received(&stored.body).map_err(unreadable)? else { return Ok(None) };
    let message = communication.message(&stored.key.id, &PatientFacts::default());
    let thread = stored.thread.clone().unwrap_or_else(|| stored.key.id.clone());
    Ok(Some(Arrival { at: stored.date.into(), thread, message }))
}

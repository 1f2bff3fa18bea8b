//! `postern audit`: the trail is followed from its beginning, and its ends are written down to be kept elsewhere.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::rt::System;
use api::audit::{AuditKey, AuditKeyError};
use clap::Subcommand;
use domain::audit::{Broken, Chain, Checkpoint};
use domain::id::TenantId;
use domain::store::{Store, StoreError};

use crate::command::{Done, say};
use crate::config::Config;

/// How many rows are read at once.
const PAGE: u16 = 1000;

/// What is asked about the audit trail.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Follow the trail of each tenant from its beginning; name the first sequence that is wrong, and fail.
    Verify {
        /// Ends of trails that were written down before by `postern audit checkpoint`: each must still be there.
        #[arg(long, value_name = "FILE")]
        checkpoints: Option<PathBuf>,
    },
    /// Print the end of each tenant's trail, to be kept where nobody who can change the database can change it.
    Checkpoint,
}

/// What a trail turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The tenant.
    pub tenant: TenantId,
    /// The end of what is whole.
    pub end: Checkpoint,
    /// Where it is broken, if it is.
    pub broken: Option<Broken>,
}

/// Does what is asked.
pub fn run(config: &Config, asked: &Audit) -> Done {
    if !AuditKey::exists(&config.audit_key)? {
        return Err(AuditKeyError::Missing(config.audit_key.display().to_string()).into());
    }
    let key = AuditKey::load_or_create(&config.audit_key)?;
    let known = match asked {
        Audit::Verify { checkpoints: Some(file) } => read(file)?,
        _ => vec![],
    };
    System::new().block_on(async {
        let store: Arc<dyn Store> =
            Arc::new(persistence::open(&persistence::Config::new(config.database_url.clone()))?);
        let found = verify(&store, &key, &known).await?;
        let whole = found.iter().all(|trail| trail.broken.is_none());
        for Found { tenant, end, broken } in found {
            match (asked, broken) {
                (_, Some(broken)) => say(format_args!("{tenant}: broken: {broken}"))?,
                (Audit::Verify { .. }, None) => say(format_args!("{tenant}: whole, {} rows", end.sequence))?,
                (Audit::Checkpoint, None) => say(format_args!("{tenant} {} {}", end.sequence, end.seal))?,
            }
        }
        Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    })
}

/// Follows the trail of every tenant, also of those that only a checkpoint remembers.
pub async fn verify(store: &Arc<dyn Store>, key: &AuditKey, known: &[Checkpoint]) -> Result<Vec<Found>, StoreError> {
    let mut tenants = store.audited().await?;
    tenants.extend(known.iter().map(|checkpoint| checkpoint.tenant.clone()));
    tenants.sort();
    tenants.dedup();
    let mut found = vec![];
    for tenant in tenants {
        found.push(follow(store, key, known, tenant).await?);
    }
    Ok(found)
}

async fn follow(
    store: &Arc<dyn Store>,
    key: &AuditKey,
    known: &[Checkpoint],
    tenant: TenantId,
) -> Result<Found, StoreError> {
    let mut chain = Chain::new(tenant.clone());
    let mut end = chain.checkpoint();
    let broken = 'trail: loop {
        let rows = store.sealed(tenant.clone(), chain.sequence(), PAGE).await?;
        for row in &rows {
            let followed = chain.follow(row, &|text| key.digest(text));
            let checked = followed.and_then(|()| known.iter().try_for_each(|checkpoint| chain.compare(checkpoint)));
            if let Err(broken) = checked {
                break 'trail Some(broken);
            }
            end = chain.checkpoint();
        }
        if rows.len() < usize::from(PAGE) {
            let beyond = known.iter().any(|known| known.tenant == tenant && known.sequence > end.sequence);
            break beyond.then_some(Broken::Missing(end.sequence + 1));
        }
    };
    Ok(Found { tenant, end, broken })
}

/// Reads checkpoints as they are printed: tenant, sequence and seal on a line.
fn read(file: &Path) -> Result<Vec<Checkpoint>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let line = |line: &str| {
        let mut parts = line.rsplitn(3, ' ');
        let (seal, sequence, tenant) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Checkpoint { tenant: TenantId::new(tenant), sequence: sequence.parse().ok()?, seal: seal.to_owned() })
    };
    let lines = text.lines().map(str::trim).filter(|text| !text.is_empty());
    let read: Option<Vec<_>> = lines.map(line).collect();
    Ok(read.ok_or_else(|| format!("{}: each line is a tenant, a sequence and a seal", file.display()))?)
}

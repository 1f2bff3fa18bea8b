//! Tokens that were taken back before their time: a file of their `jti`, one a line, which operators append to.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use serde_json::{Map, Value};

use super::Refused;
use super::config::{InvalidIssuer, IssuerConfig};

/// How long the file is believed without looking again, in seconds.
pub(super) const LOOK: i64 = 10;

/// The longest file read, in bytes.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// The tokens of one issuer that are refused though their signature is right.
pub(super) struct Denied {
    file: PathBuf,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    ids: HashSet<String>,
    looked_at: i64,
    epoch: u64,
}

impl Denied {
    /// The list of an issuer, if it has one. A file that cannot be read is an error: nobody would be refused by it.
    pub(super) fn new(config: &IssuerConfig, now: i64) -> Result<Option<Self>, InvalidIssuer> {
        let Some(file) = config.denied_jti.clone() else { return Ok(None) };
        let ids = read(&file).ok_or_else(|| {
            InvalidIssuer::new("denied_jti", "cannot be read; make the file, with the jti of one token on each line")
        })?;
        let state = RwLock::new(State { ids, looked_at: now, epoch: 0 });
        Ok(Some(Self { file, state }))
    }

    /// Looks at the file again when it was looked at some time ago; one does, and whoever comes meanwhile goes by what it
    /// held. While the file cannot be read, what it held goes on being refused.
    pub(super) async fn look(&self, now: i64) {
        if !self.is_due(now) {
            return;
        }
        let file = self.file.clone();
        // A file system may keep one waiting, and whoever waits here serves others too.
        let found = tokio::task::spawn_blocking(move || read(&file)).await.ok().flatten();
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        match found {
            Some(ids) if ids == state.ids => {}
            Some(ids) => {
                state.ids = ids;
                state.epoch += 1;
            }
            None => tracing::error!("the list of refused tokens cannot be read; what it held goes on being refused"),
        }
    }

    /// Whether it is time to look again; it is so for one.
    fn is_due(&self, now: i64) -> bool {
        let due = |state: &State| !(0..LOOK).contains(&(now - state.looked_at));
        if !due(&self.state.read().unwrap_or_else(PoisonError::into_inner)) {
            return false;
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let is_first = due(&state);
        state.looked_at = now;
        is_first
    }

    /// Which state of the list is in use.
    pub(super) fn epoch(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).epoch
    }

    /// Whether a token may be believed: it must say which one it is, or it could not be taken back.
    pub(super) fn check(&self, claims: &Map<String, Value>) -> Result<(), Refused> {
        let id = claims.get("jti").and_then(Value::as_str).ok_or(Refused::Token("no-jti"))?;
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        if state.ids.contains(id) { Err(Refused::Token("denied")) } else { Ok(()) }
    }
}

fn read(file: &PathBuf) -> Option<HashSet<String>> {
    if std::fs::metadata(file).ok()?.len() > MAX_FILE {
        return None;
    }
    let text = std::fs::read_to_string(file).ok()?;
    Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

//! Keys of an issuer as they come and go: fetched when first needed, again now and then, and when a token names a key
//! that is not known yet, but never more often than the floor allows, however many such tokens arrive.

use std::sync::{Arc, PoisonError, RwLock};

use domain::time::TimeSource;
use serde_json::{Map, Value};

use super::Refused;
use super::config::{InvalidIssuer, IssuerConfig, KeySource, SigningAlgorithm};
use super::keys::{KeyRing, Verdict};
use super::source::{Published, Source};
use super::token::Compact;

/// The shortest time between two looks at an issuer's keys, in seconds.
pub(super) const FLOOR: i64 = 30;

/// After this time keys are looked at again, in seconds; until that has succeeded the old ones go on serving.
pub(super) const FRESH: i64 = 600;

/// Until this time whoever comes is judged by the old keys while they are looked at; later, when nobody has come for long,
/// the first one waits for the look, in seconds.
pub(super) const WAITED_FOR: i64 = 2 * FRESH;

/// After this time without a successful look the keys are no longer believed, in seconds.
pub(super) const STALE: i64 = 24 * 3600;

/// The keys of one issuer.
pub(super) struct KeyStore {
    /// Where to look; `None` when the keys are fixed.
    source: Option<Source>,
    algorithms: Vec<SigningAlgorithm>,
    time: Arc<dyn TimeSource>,
    state: RwLock<State>,
    /// Held while keys are looked at: whoever waits for it finds them looked at.
    looking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct State {
    ring: Option<Arc<KeyRing>>,
    metadata: Option<Arc<Map<String, Value>>>,
    fetched_at: Option<i64>,
    attempted_at: Option<i64>,
    epoch: u64,
}

impl KeyStore {
    pub(super) fn new(config: &IssuerConfig, time: Arc<dyn TimeSource>) -> Result<Self, InvalidIssuer> {
        let mut state = State::default();
        if let KeySource::Inline(set) = &config.jwks {
            let ring = KeyRing::read(set.to_string().as_bytes(), &config.algorithms)
                .filter(|ring| !ring.is_empty())
                .ok_or_else(|| InvalidIssuer::new("jwks.inline", "holds no key that can be used"))?;
            state.ring = Some(Arc::new(ring));
        }
        let source = Source::new(config)?;
        let algorithms = config.algorithms.clone();
        Ok(Self { source, algorithms, time, state: RwLock::new(state), looking: tokio::sync::Mutex::default() })
    }

    /// Verifies a token's signature; answers the epoch of the keys that did.
    pub(super) async fn verify(self: &Arc<Self>, token: &Compact<'_>) -> Result<u64, Refused> {
        let mut state = self.current().await?;
        let mut verdict = judge(&state, token);
        if verdict == Verdict::UnknownKey {
            self.look().await;
            state = self.current().await?;
            verdict = judge(&state, token);
        }
        match verdict {
            Verdict::Genuine => Ok(state.epoch),
            Verdict::Forged => Err(Refused::Token("signature")),
            Verdict::UnknownKey => Err(Refused::Token("unknown-key")),
        }
    }

    /// Which generation of keys is in use; every change of keys starts the next.
    pub(super) fn epoch(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).epoch
    }

    /// Whether there are keys that are still believed.
    pub(super) fn usable(&self) -> bool {
        let state = self.snapshot();
        state.ring.as_ref().is_some_and(|ring| !ring.is_empty()) && self.age(&state) <= STALE
    }

    /// What the issuer says of itself, where its keys are found by it.
    pub(super) fn metadata(&self) -> Option<Arc<Map<String, Value>>> {
        self.snapshot().metadata
    }

    /// Looks at the issuer's keys, unless that was done a moment ago.
    pub(super) async fn refresh(self: &Arc<Self>) {
        self.look().await;
    }

    /// The keys to judge with now: old ones while a new look is under way, or has failed; none when they are too old.
    async fn current(self: &Arc<Self>) -> Result<State, Refused> {
        let state = self.snapshot();
        let age = self.age(&state);
        if state.ring.is_some() && age <= FRESH {
            return Ok(state);
        }
        if state.ring.is_some() && age <= WAITED_FOR {
            let this = Arc::clone(self);
            tokio::spawn(async move { this.look_alone().await });
            return Ok(state);
        }
        self.look().await;
        let state = self.snapshot();
        if state.ring.is_some() && self.age(&state) <= STALE { Ok(state) } else { Err(Refused::KeysUnavailable) }
    }

    /// Looks in a task of its own, so that a client that hangs up does not undo what others wait for.
    async fn look(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let looked = tokio::spawn(async move { this.look_alone().await }).await;
        if looked.is_err() {
            tracing::error!("looking for an issuer's keys ended early");
        }
    }

    async fn look_alone(&self) {
        let Some(source) = &self.source else { return };
        let _one_at_a_time = self.looking.lock().await;
        let now = self.now();
        {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if state.attempted_at.is_some_and(|at| elapsed(at, now) < FLOOR) {
                return;
            }
            state.attempted_at = Some(now);
        }
        match self.fetch(source).await {
            Ok((ring, metadata)) => self.install(ring, metadata, now),
            Err(reason) => tracing::warn!(reason, "an issuer's keys could not be fetched; those at hand go on serving"),
        }
    }

    async fn fetch(&self, source: &Source) -> Result<(KeyRing, Option<Map<String, Value>>), &'static str> {
        let Published { keys, metadata } = source.document().await?;
        let ring = KeyRing::read(&keys, &self.algorithms).ok_or("the document is no key set")?;
        if ring.is_empty() {
            // The issuer has taken its keys back: those at hand are no longer believed.
            tracing::error!("an issuer publishes no key that can be used; its tokens are refused");
        }
        Ok((ring, metadata))
    }

    fn install(&self, ring: KeyRing, metadata: Option<Map<String, Value>>, now: i64) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if !state.ring.as_ref().is_some_and(|old| old.is_same(&ring)) {
            state.epoch += 1;
            state.ring = Some(Arc::new(ring));
        }
        state.metadata = metadata.map(Arc::new);
        state.fetched_at = Some(now);
    }

    fn snapshot(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn age(&self, state: &State) -> i64 {
        match (&self.source, state.fetched_at) {
            (None, _) => 0,
            (_, Some(at)) => elapsed(at, self.now()),
            (_, None) => i64::MAX,
        }
    }

    fn now(&self) -> i64 {
        self.time.now().as_second()
    }
}

fn judge(state: &State, token: &Compact<'_>) -> Verdict {
    state.ring.as_ref().map_or(Verdict::UnknownKey, |ring| ring.judge(token))
}

/// Seconds from `at` to `now`. A moment that lies ahead was taken before the clock was set back, and counts as long ago.
fn elapsed(at: i64, now: i64) -> i64 {
    if now < at { i64::MAX } else { now - at }
}

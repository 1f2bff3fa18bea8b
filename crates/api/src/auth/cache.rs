//! Verified tokens, remembered for a short time: a digest instead of a signature check.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use domain::access::Caller;
use sha2::{Digest as _, Sha256};

/// How long a verified token is believed without looking again, in seconds.
const TRUST: i64 = 60;

/// How many tokens one generation holds. Two generations are kept, so memory is bounded and no scan is ever needed.
const GENERATION: usize = 8192;

/// The SHA-256 of a token: the token itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }
}

struct Entry {
    caller: Arc<Caller>,
    issuer: String,
    epoch: u64,
    from: i64,
    until: i64,
}

#[derive(Default)]
struct Generations {
    young: HashMap<Digest, Arc<Entry>>,
    old: HashMap<Digest, Arc<Entry>>,
}

/// The cache. An entry holds while the service's clock is within its time and the issuer's keys are those that
/// verified it: a rotation of keys makes every entry of that issuer void at once.
#[derive(Default)]
pub(super) struct TokenCache {
    generations: Mutex<Generations>,
}

impl TokenCache {
    /// The caller of a token that was verified not long ago. `epoch` says which keys an issuer has now.
    pub(super) fn get(&self, digest: &Digest, now: i64, epoch: impl Fn(&str) -> Option<u64>) -> Option<Arc<Caller>> {
        let entry = {
            let generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
            generations.young.get(digest).or_else(|| generations.old.get(digest)).map(Arc::clone)?
        };
        // A clock that was set back makes an entry as worthless as one that ran on.
        let holds = (entry.from..entry.until).contains(&now) && epoch(&entry.issuer) == Some(entry.epoch);
        holds.then(|| Arc::clone(&entry.caller))
    }

    /// Remembers a token verified at `now` with the keys of `epoch`, at most until `expires`.
    pub(super) fn put(&self, digest: Digest, caller: Arc<Caller>, keys: (&str, u64), now: i64, expires: i64) {
        let (issuer, epoch) = (keys.0.to_owned(), keys.1);
        let entry = Arc::new(Entry { caller, issuer, epoch, from: now, until: expires.min(now.saturating_add(TRUST)) });
        let mut generations = self.generations.lock().unwrap_or_else(PoisonError::into_inner);
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(digest, entry);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let generations = self.generations.lock().unwrap();
        generations.young.len() + generations.old.len()
    }
}

#[cfg(test)]
mod tests {
    use domain::access::{Mandate, PatientFacts};
    use domain::id::TenantId;

    use super::*;

    fn caller() -> Arc<Caller> {
        Arc::new(Caller {
            tenant: TenantId::new("t"),
            client: "c".into(),
            issuer: "i".into(),
            subject: "s".into(),
            user: None,
            patient: None,
            pools: vec![],
            scopes: vec![],
            purpose: None,
            facts: PatientFacts::default(),
            mandate: Mandate::default(),
        })
    }

    #[test]
    fn an_entry_holds_for_a_minute_at_most_and_not_before_it_was_made() {
        let cache = TokenCache::default();
        let (long, short) = (Digest::of("long"), Digest::of("short"));
        cache.put(long, caller(), ("i", 1), 1000, 9999);
        cache.put(short, caller(), ("i", 1), 1000, 1010);
        let held = |digest: &Digest, now| cache.get(digest, now, |_| Some(1)).is_some();
        assert!(held(&long, 1000) && held(&long, 1059) && !held(&long, 1060) && !held(&long, 999));
        assert!(held(&short, 1009) && !held(&short, 1010));
    }

    #[test]
    fn new_keys_make_every_entry_of_the_issuer_void() {
        let cache = TokenCache::default();
        let digest = Digest::of("token");
        cache.put(digest, caller(), ("i", 1), 0, 60);
        assert!(cache.get(&digest, 1, |_| Some(2)).is_none());
        assert!(cache.get(&digest, 1, |_| None).is_none());
    }

    #[test]
    fn the_cache_never_grows_beyond_two_generations() {
        let cache = TokenCache::default();
        for n in 0..5 * GENERATION {
            cache.put(Digest::of(&n.to_string()), caller(), ("i", 1), 0, 60);
        }
        assert!(cache.len() <= 2 * GENERATION);
    }
}

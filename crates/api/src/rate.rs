//! How many requests callers may make: a bucket for each, filled at a steady rate. It guards the interface against
//! floods, so real time counts here, and no policy.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::id::TenantId;
use domain::time::Span;

/// How many buckets are kept at most; beyond that, the fullest are forgotten, which costs nobody anything.
const KEPT: usize = 65_536;

/// Whose bucket.
#[derive(Clone, Copy, Debug)]
pub enum Who<'a> {
    /// A caller: tenant, client, subject.
    Caller(&'a TenantId, &'a str, &'a str),
    /// Whoever calls from that address without an accepted token.
    Stranger(IpAddr),
    /// Whoever calls from that address with a token that has to be verified.
    Unverified(IpAddr),
}

/// Requests a second, steadily.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Of a person and their app, and of strangers at one address.
    pub person: u32,
    /// Of a client that acts for itself, such as an engine.
    pub system: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { person: 50, system: 2000 }
    }
}

/// How long a burst may be: so many seconds' worth of requests at once.
const BURST: u32 = 10;

/// The buckets.
#[derive(Debug)]
pub struct Rates {
    rate: Rate,
    hasher: RandomState,
    start: Instant,
    /// When each bucket will be full again, after `start`: the generic cell rate algorithm keeps nothing else.
    full_at: Mutex<HashMap<u64, Duration>>,
}

impl Default for Rates {
    fn default() -> Self {
        Self::new(Rate::default())
    }
}

impl Rates {
    /// Buckets that are filled at these rates.
    pub fn new(rate: Rate) -> Self {
        Self { rate, hasher: RandomState::new(), start: Instant::now(), full_at: Mutex::default() }
    }

    /// Takes one request from a bucket, or says how long to wait until it holds one.
    pub fn take(&self, who: Who<'_>, is_system: bool) -> Option<Span> {
        self.take_at(who, is_system, self.start.elapsed())
    }

    fn take_at(&self, who: Who<'_>, is_system: bool, now: Duration) -> Option<Span> {
        let rate = if is_system { self.rate.system } else { self.rate.person };
        let each = Duration::from_secs(1) / rate.max(1);
        let longest = each * (rate.max(1) * BURST);
        let key = self.key(who);
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = full_at.get(&key).copied().unwrap_or_default().max(now) + each;
        if next > now + longest {
            let seconds = next.saturating_sub(now).saturating_sub(longest).as_secs_f64().ceil();
            return Some(Span::from_seconds((seconds as i64).max(1)));
        }
        full_at.insert(key, next);
        if full_at.len() > KEPT {
            full_at.retain(|_, full| *full > now);
        }
        if full_at.len() > KEPT {
            let mut times: Vec<Duration> = full_at.values().copied().collect();
            let (_, middle, _) = times.select_nth_unstable(KEPT / 2);
            let middle = *middle;
            full_at.retain(|_, full| *full > middle);
        }
        None
    }

    /// A digest of whose bucket it is, under a key of this process: nobody can make two fall together at will.
    fn key(&self, who: Who<'_>) -> u64 {
        match who {
            Who::Caller(tenant, client, subject) => self.hasher.hash_one((0_u8, tenant.as_str(), client, subject)),
            Who::Stranger(address) => self.hasher.hash_one((1_u8, network(address))),
            Who::Unverified(address) => self.hasher.hash_one((2_u8, network(address))),
        }
    }
}

/// Whose address it is; of version six, one customer commonly has a whole network of this size.
fn network(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(rates: &Rates, who: Who<'_>, milliseconds: u64) -> Option<i64> {
        rates.take_at(who, false, Duration::from_millis(milliseconds)).map(Span::seconds)
    }

    #[test]
    fn a_caller_has_a_burst_and_then_a_steady_rate_and_others_their_own() {
        let rates = Rates::new(Rate { person: 10, system: 100 });
        let tenant = TenantId::new("t");
        let (one, two) = (Who::Caller(&tenant, "app", "a"), Who::Caller(&tenant, "app", "b"));
        for _ in 0..100 {
            assert_eq!(at(&rates, one, 0), None);
        }
        assert_eq!(at(&rates, one, 0), Some(1), "ten seconds' worth were taken");
        assert_eq!(at(&rates, two, 0), None, "another subject of the same app");
        assert_eq!((at(&rates, one, 100), at(&rates, one, 100)), (None, Some(1)), "one more each tenth of a second");
        assert_eq!(at(&rates, one, 60_000), None);
        let machine = |n: u64| rates.take_at(Who::Caller(&tenant, "engine", "e"), true, Duration::from_millis(n));
        assert!((0..1000).all(|_| machine(0).is_none()) && machine(0).is_some() && machine(10).is_none());
    }

    #[test]
    fn strangers_are_counted_by_address_and_version_six_by_network() {
        let rates = Rates::new(Rate { person: 1, system: 1 });
        let from = |address: &str| at(&rates, Who::Stranger(address.parse().unwrap()), 0);
        assert!((0..10).all(|_| from("192.0.2.1").is_none()));
        assert_eq!((from("192.0.2.1"), from("192.0.2.2")), (Some(1), None));
        assert!((0..10).all(|n| from(&format!("2001:db8::{n}")).is_none()));
        assert_eq!((from("2001:db8::ffff"), from("2001:db8:0:1::1")), (Some(1), None));
    }

    #[test]
    fn the_buckets_never_take_more_than_their_room() {
        let rates = Rates::default();
        for n in 0..3 * KEPT as u32 {
            rates.take_at(Who::Stranger(IpAddr::V4(n.into())), false, Duration::ZERO);
            assert!(rates.full_at.lock().unwrap().len() <= KEPT + 1);
        }
    }
}

//! Where a request came from and whether it came encrypted, as proxies before the service say it. They are believed only
//! when they are on a list: anybody can write the headers.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use actix_web::http::header::{HeaderMap, HeaderName, X_FORWARDED_FOR, X_FORWARDED_PROTO};

/// The networks whose hosts are believed about whom they speak for.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<Network>);

/// A list of networks that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("say addresses or networks, separated by commas, such as 10.0.0.0/8, ::1")]
pub struct InvalidNetwork;

#[derive(Clone, Copy, Debug)]
struct Network {
    /// The address in sixteen bytes; of version four as it is mapped into version six.
    address: u128,
    /// How many leading bits of it count.
    bits: u32,
}

fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(longest), str::parse).map_err(|_| InvalidNetwork)?;
        if bits > longest {
            return Err(InvalidNetwork);
        }
        Ok(Self { address: mapped(address), bits: 128 - longest + bits })
    }
}

impl TrustedProxies {
    /// The networks of a list, such as `10.0.0.0/8, ::1`.
    pub fn read(list: &str) -> Result<Self, InvalidNetwork> {
        let named = list.split(',').map(str::trim).filter(|network| !network.is_empty());
        Ok(Self(named.map(str::parse).collect::<Result<_, _>>()?))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let differs =
            |network: &Network| (network.address ^ mapped(address)).checked_shr(128 - network.bits).unwrap_or(0);
        self.0.iter().any(|network| differs(network) == 0)
    }

    /// The address that a request came from: that of the connection or, behind proxies that are trusted, the last one of
    /// `X-Forwarded-For` that is not a proxy's. What clients have written before it counts for nothing.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer;
        for said in said(headers, &X_FORWARDED_FOR).into_iter().rev() {
            if !self.trusts(source) {
                break;
            }
            let with_port = || said.parse::<SocketAddr>().map(|address| address.ip());
            // Beyond what cannot be read nothing is believed.
            let Ok(before) = said.parse::<IpAddr>().or_else(|_| with_port()) else { break };
            source = before.to_canonical();
        }
        source
    }

    /// Whether a request came over a network unencrypted: a trusted proxy does not say that it came by https, or it came
    /// past every proxy. On this machine there is no network.
    pub fn is_exposed(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        if self.trusts(peer) {
            return said(headers, &X_FORWARDED_PROTO).last().is_none_or(|scheme| !scheme.eq_ignore_ascii_case("https"));
        }
        !peer.to_canonical().is_loopback()
    }
}

/// The values of a header that is a list, from the first proxy to the last.
fn said<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h str> {
    let values = headers.get_all(name).map(|value| value.to_str().unwrap_or_default());
    values.flat_map(|value| value.split(',')).map(str::trim).collect()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn headers(name: &HeaderName, values: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    fn from(list: &str, peer: &str, said: &[&'static str]) -> String {
        let proxies = TrustedProxies::read(list).unwrap();
        proxies.source(peer.parse().unwrap(), &headers(&X_FORWARDED_FOR, said)).to_string()
    }

    #[test]
    fn a1_the_source_is_the_last_address_that_no_trusted_proxy_has() {
        let own = "10.0.0.0/8, 192.0.2.1, 2001:db8::/32";
        assert_eq!(from("", "10.0.0.1", &["203.0.113.9"]), "10.0.0.1", "nobody is believed who is not on the list");
        assert_eq!(
            from(own, "198.51.100.7", &["203.0.113.9"]),
            "198.51.100.7",
            "a client that writes the header itself"
        );
        assert_eq!(from(own, "10.1.2.3", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from(own, "10.1.2.3", &["1.1.1.1, 203.0.113.9, 192.0.2.1"]), "203.0.113.9", "by two proxies");
        assert_eq!(from(own, "10.1.2.3", &["1.1.1.1, 203.0.113.9", "192.0.2.1"]), "203.0.113.9", "in two headers");
        assert_eq!(from(own, "10.1.2.3", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(from(own, "::ffff:10.1.2.3", &["[2001:db9::1]:80"]), "2001:db9::1");
        assert_eq!(from(own, "2001:db8::5", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(from(own, "10.1.2.3", &["203.0.113.9, unknown"]), "10.1.2.3", "what cannot be read ends it");
        assert_eq!(from(own, "10.1.2.3", &[]), "10.1.2.3");
        assert_eq!(from(own, "10.1.2.3", &["10.9.9.9"]), "10.9.9.9");
    }

    #[test]
    fn t3_only_a_trusted_proxy_says_that_a_request_came_encrypted() {
        let proxies = TrustedProxies::read("10.0.0.0/8").unwrap();
        let exposed = |peer: &str, said: &[&'static str]| {
            proxies.is_exposed(peer.parse().unwrap(), &headers(&X_FORWARDED_PROTO, said))
        };
        assert!(!exposed("10.0.0.1", &["https"]) && !exposed("10.0.0.1", &["HTTPS"]));
        for (peer, said) in [
            ("10.0.0.1", &["http"][..]),
            ("10.0.0.1", &[]),
            ("10.0.0.1", &["https, http"]),
            ("198.51.100.7", &["https"]),
            ("198.51.100.7", &[]),
        ] {
            assert!(exposed(peer, said), "{peer} {said:?}");
        }
        assert!(!exposed("127.0.0.1", &[]) && !exposed("::1", &[]), "on this machine there is no network");
    }

    #[test]
    fn a_network_is_said_in_full_or_not_at_all() {
        assert!(TrustedProxies::read("").unwrap().is_empty());
        assert!(TrustedProxies::read("0.0.0.0/0").unwrap().trusts("1.2.3.4".parse().unwrap()));
        assert!(TrustedProxies::read("::/0").unwrap().trusts("1.2.3.4".parse().unwrap()));
        assert!(!TrustedProxies::read("10.0.0.0/9").unwrap().trusts("10.128.0.0".parse().unwrap()));
        for bad in ["10.0.0.0/33", "::/129", "proxy", "10.0.0", "10.0.0.0/x", "10.0.0.0/-1", "*"] {
            assert!(TrustedProxies::read(bad).is_err(), "{bad}");
        }
    }
}

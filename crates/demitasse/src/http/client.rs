//! Whom requests come from, as far as limits for each client go.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// A client: an address, or a network of IPv6 in which one customer has all addresses (RFC 6177).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    /// The client at the other end of a connection; `None` for a proxy that is trusted: it stands for many.
    pub(crate) fn of_peer(peer: IpAddr, trusted: &[IpNet]) -> Option<Self> {
        let peer = peer.to_canonical();
        (!is_trusted(peer, trusted)).then(|| Self::at(peer))
    }

    /// The client of a request: the peer, or whom trusted proxies name. Each appends the one that it sees to
    /// `X-Forwarded-For`, so the last that is no proxy of ours counts, and what a client wrote there does not. `None` if the
    /// proxies name nobody.
    pub(crate) fn of_request(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Option<Self> {
        if let Some(client) = Self::of_peer(peer, trusted) {
            return Some(client);
        }
        let lines = headers.get_all("x-forwarded-for").into_iter().filter_map(|line| line.to_str().ok());
        let named: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        for name in named.into_iter().rev() {
            // What is no address was not written by a proxy; nothing before it can be believed.
            let address: IpAddr = name.parse().ok()?;
            if let Some(client) = Self::of_peer(address, trusted) {
                return Some(client);
            }
        }
        None
    }

    fn at(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(_) => address,
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                Ipv6Addr::from(network).into()
            }
        })
    }
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(address: &str) -> Option<Client> {
        Some(Client(address.parse().unwrap()))
    }

    fn behind_a_proxy(forwarded: &[&'static str]) -> Option<Client> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        Client::of_request("10.0.0.1".parse().unwrap(), &headers, &trusted)
    }

    #[test]
    fn a_trusted_proxy_names_the_client_and_nobody_else_does() {
        assert_eq!(behind_a_proxy(&["192.0.2.7"]), client("192.0.2.7"));
        assert_eq!(behind_a_proxy(&["192.0.2.7, 10.2.2.2"]), client("192.0.2.7"), "a chain of proxies");
        assert_eq!(behind_a_proxy(&["198.51.100.1, 192.0.2.7"]), client("192.0.2.7"), "a client's own words");
        assert_eq!(behind_a_proxy(&["198.51.100.1", "192.0.2.7"]), client("192.0.2.7"), "on two lines");
        assert_eq!(behind_a_proxy(&["192.0.2.7, unknown"]), None);
        assert_eq!(behind_a_proxy(&[]), None);
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("192.0.2.7"));
        let peer = "203.0.113.5".parse().unwrap();
        assert_eq!(Client::of_request(peer, &headers, &[]), client("203.0.113.5"));
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let of = |peer: &str| Client::of_peer(peer.parse().unwrap(), &[]);
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.7"), of("192.0.2.7"));
    }
}

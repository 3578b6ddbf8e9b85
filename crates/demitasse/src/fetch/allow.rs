//! What the operator permits beyond the public internet.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

/// One entry of `--fetch-allow`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FetchAllow {
    /// Addresses, as `10.1.0.0/16` or `10.1.2.3`, on the usual schemes and ports.
    Net(IpNet),
    /// A host by its name, whatever its addresses, on the usual schemes and ports.
    Host(String),
    /// A scheme, a host and a port together, as `http://hooks.internal:8080`.
    Origin(Url),
}

impl FetchAllow {
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Net(net) if net.contains(&address))
    }

    pub(super) fn names_host(&self, host: &Host<&str>) -> bool {
        matches!((self, host), (Self::Host(allowed), Host::Domain(name)) if allowed == without_dot(name))
    }

    pub(super) fn names_origin(&self, url: &Url) -> bool {
        matches!(self, Self::Origin(allowed) if allowed.scheme() == url.scheme()
            && allowed.port_or_known_default() == url.port_or_known_default()
            && allowed.host_str().map(without_dot) == url.host_str().map(without_dot))
    }
}

impl FromStr for FetchAllow {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Ok(net) = text.parse() {
            return Ok(Self::Net(net));
        }
        if let Ok(address) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Ok(Self::Net(address.into()));
        }
        let mistake = || {
            format!(
                "`{text}` is none of a network (10.1.0.0/16), an address, a host name (hooks.example.com) and an origin \
                 (http://hooks.internal:8080)"
            )
        };
        if text.contains("://") {
            let url = Url::parse(text).map_err(|_| mistake())?;
            let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty();
            let known = matches!(url.scheme(), "http" | "https");
            return if plain && known { Ok(Self::Origin(url)) } else { Err(mistake()) };
        }
        match Host::parse(text) {
            Ok(Host::Domain(name)) if !text.contains([':', '/', '*']) => {
                Ok(Self::Host(without_dot(&name).to_owned()))
            }
            _ => Err(mistake()),
        }
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

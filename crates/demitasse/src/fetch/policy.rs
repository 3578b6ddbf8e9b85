//! What may be fetched, and within which limits.

use std::net::IpAddr;
use std::time::Duration;

use url::{Host, Url};

use super::address::is_global;
use super::allow::FetchAllow;
use super::error::FetchError;

/// Endings of names that never lead to the public internet: RFC 6761, 6762, 7686, 8375, 9476 and ICANN's `internal`.
const PRIVATE_SUFFIXES: [&str; 8] =
    ["localhost", "local", "internal", "home.arpa", "onion", "test", "invalid", "alt"];

/// What may be fetched, and within which limits.
#[derive(Debug, Clone)]
pub struct FetchPolicy {
    /// Whether `http` is permitted beside `https`.
    pub http: bool,
    /// The ports that are connected to; an address that names none means its scheme's own.
    pub ports: Vec<u16>,
    /// The largest body, in bytes.
    pub max_bytes: u64,
    /// How many redirects are followed.
    pub max_redirects: usize,
    /// How long making a connection may take, the name's resolution included.
    pub connect_timeout: Duration,
    /// How long everything together may take, redirects and the body's last byte included.
    pub total_timeout: Duration,
    /// What the operator permits beyond that.
    pub allow: Vec<FetchAllow>,
}

/// How a URL may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// If its addresses pass the check.
    Public,
    /// Whatever its addresses: the operator named the host.
    Permitted,
}

impl Default for FetchPolicy {
    /// `https` on port 443, 32 MiB, 5 redirects, 10 s to connect, 30 s in all, nothing private.
    fn default() -> Self {
        Self {
            http: false,
            ports: vec![443],
            max_bytes: 32 << 20,
            max_redirects: 5,
            connect_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(30),
            allow: Vec::new(),
        }
    }
}

impl FetchPolicy {
    /// Judges one hop; the addresses behind a name are judged when it is resolved.
    pub(super) fn judge(&self, url: &Url) -> Result<Way, FetchError> {
        // `url` has brought the host into one form: lower case, ASCII, percent-decoded, and every notation of an IPv4
        // address (hexadecimal, octal, one number, fewer parts, full-width digits) as an address.
        let host = url.host().ok_or(FetchError::Scheme)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::UserInfo);
        }
        if self.allow.iter().any(|allow| allow.names_origin(url)) {
            return Ok(Way::Permitted);
        }
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            _ => return Err(FetchError::Scheme),
        }
        let port = url.port_or_known_default().ok_or(FetchError::Port)?;
        if !self.ports.contains(&port) {
            return Err(FetchError::Port);
        }
        if self.allow.iter().any(|allow| allow.names_host(&host)) {
            return Ok(Way::Permitted);
        }
        let permitted = match host {
            Host::Ipv4(address) => self.permits_address(address.into()),
            Host::Ipv6(address) => self.permits_address(address.into()),
            Host::Domain(name) => is_public_name(name),
        };
        if permitted { Ok(Way::Public) } else { Err(FetchError::Denied) }
    }

    /// Whether an address may be connected to that no host entry permits.
    pub(super) fn permits_address(&self, address: IpAddr) -> bool {
        is_global(address) || self.allow.iter().any(|allow| allow.has_address(address))
    }
}

/// Whether a name can be in the public DNS. A name without a dot is completed by the machine's search list.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let private =
        |suffix: &&str| name.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    name.contains('.') && !PRIVATE_SUFFIXES.iter().any(private)
}

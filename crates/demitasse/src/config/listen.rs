//! Where to listen, and whether that is safe.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Where a server listens that was told nothing.
pub(super) const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// The address to listen on: the flag's, else the original's `PORT` on loopback, else [`DEFAULT`].
pub(super) fn address(listen: Option<SocketAddr>, port: Option<u16>) -> SocketAddr {
    match (listen, port) {
        (Some(address), _) => address,
        (None, Some(port)) => SocketAddr::new(DEFAULT.ip(), port),
        (None, None) => DEFAULT,
    }
}

/// Refuses to serve everyone on the network by accident.
pub(super) fn guard(listen: SocketAddr, has_api_key: bool, insecure_open: bool) -> Result<(), String> {
    if listen.ip().to_canonical().is_loopback() || has_api_key || insecure_open {
        return Ok(());
    }
    Err(format!(
        "--listen {listen} can be reached from other machines and no API key is set: anyone could upload and read \
         images. Set --api-key (or DEMITASSE_API_KEY), listen on 127.0.0.1, or say --insecure-open if a proxy or a \
         private network guards the port"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_port_of_the_original() {
        let flag: SocketAddr = "127.0.0.1:9000".parse().unwrap();
        assert_eq!(address(Some(flag), Some(3000)), flag);
        assert_eq!(address(None, Some(3000)), "127.0.0.1:3000".parse().unwrap());
        assert_eq!(address(None, None), "127.0.0.1:8080".parse().unwrap());
    }

    #[test]
    fn beyond_loopback_a_key_or_an_explicit_word_is_needed() {
        for loopback in ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(guard(loopback.parse().unwrap(), false, false), Ok(()), "{loopback}");
        }
        for open in ["0.0.0.0:1", "[::]:1", "192.168.1.2:1", "[::ffff:10.0.0.1]:1"] {
            let open = open.parse().unwrap();
            assert!(guard(open, false, false).unwrap_err().contains("--api-key"));
            assert_eq!(guard(open, true, false), Ok(()));
            assert_eq!(guard(open, false, true), Ok(()));
        }
    }
}

//! A table of addresses, and a real server on loopback that misbehaves.

mod addresses;
mod answers;
mod names;
mod peer;

use std::time::Duration;

use super::{FetchPolicy, GuardedClient};
use peer::Peer;

/// A policy under which `peer` is reached by its address, and by names that resolve to it.
fn policy(peer: &Peer) -> FetchPolicy {
    FetchPolicy {
        http: true,
        ports: vec![443, peer.port],
        max_bytes: 1_000,
        max_redirects: 3,
        total_timeout: Duration::from_secs(20),
        allow: vec!["127.0.0.1".parse().unwrap()],
        ..FetchPolicy::default()
    }
}

fn client(peer: &Peer) -> GuardedClient {
    GuardedClient::new(policy(peer))
}

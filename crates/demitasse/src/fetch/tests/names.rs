use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::HeaderMap;
use bytes::Bytes;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::peer::{Peer, ok, redirect};
use super::policy;
use crate::fetch::{FetchError, GuardedClient};

/// Gives its answers one after the other, and the last for ever.
struct Answers {
    answers: Vec<&'static [&'static str]>,
    asked: AtomicUsize,
}

impl Answers {
    fn new(answers: &[&'static [&'static str]]) -> Arc<Self> {
        Arc::new(Self { answers: answers.to_vec(), asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolve for Answers {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[turn.min(self.answers.len() - 1)];
        Box::pin(async move {
            if answer.is_empty() {
                return Err("no such host".into());
            }
            let addresses = answer.iter().map(|text| SocketAddr::new(text.parse::<IpAddr>().unwrap(), 0));
            Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs)
        })
    }
}

fn url(peer: &Peer) -> String {
    format!("http://photos.example.com:{}/a.png", peer.port)
}

#[tokio::test]
async fn a_name_with_one_private_address_among_public_ones_is_refused() {
    let peer = Peer::saying(ok("picture")).await;
    for answer in [
        &["127.0.0.1", "10.0.0.1"] as &[_],
        &["10.0.0.1", "127.0.0.1"],
        &["127.0.0.1", "::1"],
        &["127.0.0.1", "169.254.169.254"],
        &["127.0.0.1", "::ffff:127.0.0.1"],
        &["127.0.0.1", "64:ff9b::7f00:1"],
        &["127.0.0.2"],
    ] {
        let client = GuardedClient::with_dns(policy(&peer), Answers::new(&[answer]));
        assert_eq!(client.get(&url(&peer)).await.unwrap_err(), FetchError::Denied, "{answer:?}");
        let posted = client.post(&url(&peer), HeaderMap::new(), Bytes::new()).await;
        assert_eq!(posted.unwrap_err(), FetchError::Denied, "{answer:?}");
    }
    assert_eq!(peer.connections(), 0, "nothing was connected to");
}

#[tokio::test]
async fn a_name_that_does_not_exist_reads_like_one_that_is_refused() {
    let peer = Peer::saying(ok("picture")).await;
    let unknown = GuardedClient::with_dns(policy(&peer), Answers::new(&[&[]]));
    let private = GuardedClient::with_dns(policy(&peer), Answers::new(&[&["10.0.0.1"]]));
    assert_eq!(
        unknown.get(&url(&peer)).await.unwrap_err().to_string(),
        private.get(&url(&peer)).await.unwrap_err().to_string()
    );
}

#[tokio::test]
async fn the_connection_is_made_to_the_address_that_was_checked() {
    let peer = Peer::saying(ok("picture")).await;
    // The second answer is what a rebinding name server would give to a second question.
    let dns = Answers::new(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let client = GuardedClient::with_dns(policy(&peer), dns.clone());
    assert_eq!(client.get(&url(&peer)).await.unwrap().bytes().await.unwrap(), b"picture");
    assert_eq!(dns.asked(), 1, "one question for one connection");
    assert_eq!(client.get(&url(&peer)).await.unwrap_err(), FetchError::Denied);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_name_is_checked_like_the_first_address() {
    let peer = Peer::start(|_| redirect("https://elsewhere.example.com/")).await;
    let dns = Answers::new(&[&["127.0.0.1"], &["192.168.1.1"]]);
    let client = GuardedClient::with_dns(policy(&peer), dns.clone());
    assert_eq!(client.get(&url(&peer)).await.unwrap_err(), FetchError::Denied);
    assert_eq!(dns.asked(), 2);
}

#[tokio::test]
async fn a_host_that_the_operator_named_may_resolve_to_anything() {
    let peer = Peer::saying(ok("picture")).await;
    let mut policy = policy(&peer);
    policy.allow = vec!["photos.example.com".parse().unwrap()];
    let client = GuardedClient::with_dns(policy, Answers::new(&[&["127.0.0.1"]]));
    assert_eq!(client.get(&url(&peer)).await.unwrap().bytes().await.unwrap(), b"picture");
    let other = format!("http://other.example.com:{}/", peer.port);
    assert_eq!(client.get(&other).await.unwrap_err(), FetchError::Denied);
}

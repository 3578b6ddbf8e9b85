use std::time::Duration;

use axum::http::HeaderMap;
use bytes::Bytes;

use super::peer::{Peer, Script, ok, redirect};
use super::{client, policy};
use crate::fetch::{FetchError, FetchPolicy, GuardedClient};

const HEAD: &str = "HTTP/1.1 200 OK\r\n";

async fn fetch(client: &GuardedClient, url: &str) -> Result<Vec<u8>, FetchError> {
    client.get(url).await?.bytes().await
}

#[tokio::test]
async fn an_answer_comes_with_its_address_and_type_and_can_be_saved() {
    let peer =
        Peer::start(|head| if head.starts_with("GET /old") { redirect("/new?x=1") } else { ok("picture") })
            .await;
    let fetched = client(&peer).get(&peer.url("/old")).await.unwrap();
    assert_eq!(fetched.url.as_str(), peer.url("/new?x=1"));
    assert_eq!(fetched.media_type.as_deref(), Some("image/png"));
    let mut file = Vec::new();
    assert_eq!(fetched.save(&mut file).await.unwrap(), 7);
    assert_eq!(file, b"picture");
}

#[tokio::test]
async fn a_redirect_into_the_private_net_is_refused() {
    for (target, cause) in [
        ("https://169.254.169.254/latest/meta-data/", FetchError::Denied),
        ("https://[::ffff:127.0.0.1]/", FetchError::Denied),
        ("https://0x7f.2/", FetchError::Denied),
        ("//10.0.0.1:443/", FetchError::Denied),
        ("https://localhost/", FetchError::Denied),
        ("http://127.0.0.1:1/", FetchError::Port),
        ("https://user@example.com/", FetchError::UserInfo),
        ("file:///etc/passwd", FetchError::Scheme),
        ("http://[", FetchError::Broken),
    ] {
        let peer = Peer::saying(redirect(target)).await;
        assert_eq!(fetch(&client(&peer), &peer.url("/")).await, Err(cause), "{target}");
    }
}

#[tokio::test]
async fn redirects_are_followed_so_often_and_no_more() {
    let loops = Peer::saying(redirect("/again")).await;
    let limit = policy(&loops).max_redirects;
    assert_eq!(fetch(&client(&loops), &loops.url("/")).await, Err(FetchError::TooManyRedirects { limit }));
    let steps = Peer::start(|head| match head.as_bytes()[5] {
        b'0' => ok("arrived"),
        digit => redirect(&format!("/{}", digit - b'0' - 1)),
    })
    .await;
    assert_eq!(fetch(&client(&steps), &steps.url("/3")).await.unwrap(), b"arrived");
    assert!(fetch(&client(&steps), &steps.url("/4")).await.is_err());
}

#[tokio::test]
async fn a_body_without_an_end_is_cut_off_at_the_limit() {
    let too_large = Err(FetchError::TooLarge { limit: 1_000 });
    let endless = Peer::saying(Script::Flood(format!("{HEAD}\r\n"))).await;
    assert_eq!(fetch(&client(&endless), &endless.url("/")).await, too_large);
    let announced = Peer::saying(Script::Hang(format!("{HEAD}Content-Length: 1001\r\n\r\n"))).await;
    assert_eq!(fetch(&client(&announced), &announced.url("/")).await, too_large);
    let exact = Peer::saying(ok(&"x".repeat(1_000))).await;
    assert_eq!(fetch(&client(&exact), &exact.url("/")).await.map(|body| body.len()), Ok(1_000));
}

#[tokio::test]
async fn a_length_that_lies_is_not_believed() {
    let short = Peer::saying(Script::Say(format!("{HEAD}Content-Length: 100\r\n\r\nshort"))).await;
    assert_eq!(fetch(&client(&short), &short.url("/")).await, Err(FetchError::Broken));
    let long = Peer::saying(Script::Flood(format!("{HEAD}Content-Length: 4\r\n\r\npictures"))).await;
    assert_eq!(fetch(&client(&long), &long.url("/")).await.unwrap(), b"pict");
    let two =
        Peer::saying(Script::Say(format!("{HEAD}Content-Length: 4\r\nContent-Length: 5\r\n\r\npicts"))).await;
    assert_eq!(fetch(&client(&two), &two.url("/")).await, Err(FetchError::Broken));
}

#[tokio::test]
async fn a_host_that_takes_its_time_is_given_up() {
    for script in [
        Script::Hang(String::new()),
        Script::Hang(format!("{HEAD}Content-Le")),
        Script::Hang(format!("{HEAD}Content-Length: 10\r\n\r\nslow")),
        Script::Hang(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n4\r\nslow\r\n")),
    ] {
        let peer = Peer::saying(script).await;
        let policy = FetchPolicy { total_timeout: Duration::from_millis(200), ..policy(&peer) };
        let client = GuardedClient::new(policy);
        assert_eq!(fetch(&client, &peer.url("/")).await, Err(FetchError::TooSlow));
    }
}

#[tokio::test]
async fn nothing_is_unpacked_and_nothing_packed_is_asked_for() {
    let peer = Peer::start(|head| {
        if head.contains("accept-encoding: identity\r\n") { ok("plain") } else { ok("asked for more") }
    })
    .await;
    assert_eq!(fetch(&client(&peer), &peer.url("/")).await.unwrap(), b"plain");
    let packed = Peer::saying(Script::Say(format!("{HEAD}Content-Encoding: gzip\r\n\r\nbomb"))).await;
    assert_eq!(fetch(&client(&packed), &packed.url("/")).await, Err(FetchError::Encoded));
}

#[tokio::test]
async fn what_is_no_success_is_told_by_its_status() {
    let peer = Peer::saying(Script::Say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".into())).await;
    assert_eq!(fetch(&client(&peer), &peer.url("/")).await, Err(FetchError::Status(404)));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let closed = GuardedClient::new(FetchPolicy { ports: vec![free], ..policy(&peer) });
    let url = format!("http://127.0.0.1:{free}/");
    assert_eq!(fetch(&closed, &url).await, Err(FetchError::Broken));
    let rubbish = Peer::saying(Script::Say("SSH-2.0-OpenSSH_9.2\r\n\r\n".into())).await;
    assert_eq!(fetch(&client(&rubbish), &rubbish.url("/")).await, Err(FetchError::Broken));
}

#[tokio::test]
async fn a_post_is_answered_whatever_the_status_and_goes_nowhere_else() {
    let gone = Peer::saying(Script::Say(
        "HTTP/1.1 410 Gone\r\nRetry-After: 7\r\nContent-Length: 7\r\n\r\nexpired".into(),
    ))
    .await;
    let body = Bytes::from_static(b"message");
    let answer = client(&gone).post(&gone.url("/"), HeaderMap::new(), body.clone()).await.unwrap();
    assert_eq!((answer.status, answer.body.as_ref()), (410, b"expired".as_ref()));
    assert_eq!(answer.headers["retry-after"], "7");
    let moved = Peer::saying(redirect("/elsewhere")).await;
    let answer = client(&moved).post(&moved.url("/"), HeaderMap::new(), body.clone()).await.unwrap();
    assert_eq!((answer.status, moved.connections()), (302, 1));
    let endless = Peer::saying(Script::Flood(format!("{HEAD}\r\n"))).await;
    let answer = client(&endless).post(&endless.url("/"), HeaderMap::new(), body).await.unwrap();
    assert_eq!(answer.body.len(), 16 * 1024);
}

#[test]
fn a_permanent_cause_is_not_tried_again() {
    assert!(FetchError::Status(503).is_retryable() && FetchError::Status(429).is_retryable());
    assert!(FetchError::TooSlow.is_retryable() && FetchError::Denied.is_retryable());
    assert!(!FetchError::Status(404).is_retryable() && !FetchError::Scheme.is_retryable());
}

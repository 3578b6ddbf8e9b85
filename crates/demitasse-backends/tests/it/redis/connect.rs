use std::net::TcpListener;

use demitasse_backends::redis::{RedisEvents, RedisQueue};
use demitasse_backends::{BackendUrls, ConnectError, connect};
use demitasse_core::EventBus;
use futures_util::StreamExt;

use super::{OwnServer, event, ticket, url};

#[tokio::test]
async fn events_reach_other_processes_and_their_subscribers_outlive_a_restart() {
    let mut server = OwnServer::start().await;
    let here = RedisEvents::connect(&server.url()).await.unwrap();
    let there = RedisEvents::connect(&server.url()).await.unwrap();
    let mut events = there.subscribe().await.unwrap();
    here.publish(event(1)).await.unwrap();
    assert_eq!(events.next().await, Some(event(1)));
    server.restart_empty().await;
    // Returns once the connection is there again, which the subscriber from before shares.
    let mut later = there.subscribe().await.unwrap();
    here.publish(event(2)).await.unwrap();
    assert_eq!(events.next().await, Some(event(2)));
    assert_eq!(later.next().await, Some(event(2)));
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_its_password() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("redis://scott:tiger@127.0.0.1:{port}");
    let error = RedisQueue::connect(&url).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .starts_with(&format!("the queue cannot be reached at redis://127.0.0.1:{port}/0: "))
    );
    assert!(!format!("{error} {error:?}").contains("tiger"), "{error:?}");
}

#[tokio::test]
async fn a_wrong_password_is_said_and_not_repeated() {
    let server = OwnServer::start().await;
    redis::cmd("CONFIG")
        .arg(&["SET", "requirepass", "lion"])
        .exec_async(&mut server.connection().await)
        .await
        .unwrap();
    let url = server.url().replace("redis://", "redis://:tiger@");
    let error = RedisEvents::connect(&url).await.err().unwrap();
    assert!(!format!("{error} {error:?}").contains("tiger"), "{error:?}");
    assert!(RedisEvents::connect(&url.replace("tiger", "lion")).await.is_ok());
}

#[tokio::test]
async fn tls_to_a_server_that_has_none_is_refused() {
    let server = OwnServer::start().await;
    let error = RedisQueue::connect(&server.url().replace("redis:", "rediss:")).await.err().unwrap();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_urls_of_queue_and_events_pick_redis() {
    let url = url();
    let urls = BackendUrls { queue: url.clone(), events: url.clone(), ..BackendUrls::memory() };
    let (api, worker) = (connect(&urls).await.unwrap(), connect(&urls).await.unwrap());
    for port in api.check().await {
        assert!(port.error.is_none(), "{port:?}");
    }
    assert!(!api.upload_enqueues);
    assert!(api.description.contains("queue redis://"), "{}", api.description);
    let mut events = worker.events.subscribe().await.unwrap();
    api.queue.enqueue(ticket(1)).await.unwrap();
    api.events.publish(event(1)).await.unwrap();
    assert_eq!(events.next().await, Some(event(1)));
    assert_eq!(worker.queue.depth().await.unwrap().ready, 1);
}

use std::time::Duration;

use demitasse_backends::redis::{RedisEvents, RedisQueue};
use demitasse_core::{Claim, ErrorKind, EventBus, JobQueue, StoreError};

use super::{LONG, NEW, OwnServer, claim, enqueue, event, held_by_nobody, ticket};

#[tokio::test]
async fn claims_of_a_flushed_server_are_lost_and_the_jobs_may_come_again() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    enqueue(&queue, 1..=3).await;
    let held = claim(&queue).await.unwrap();
    server.flush().await;
    held_by_nobody(&queue, held).await;
    assert!(claim(&queue).await.is_none());
    assert_eq!(queue.depth().await.unwrap(), Default::default());
    enqueue(&queue, 1..=3).await;
    for n in 1..=3 {
        let again = claim(&queue).await.unwrap();
        assert_eq!((again.job_id, again.deliveries), (ticket(n).job_id, 1));
        held_by_nobody(&queue, Claim { lease: held.lease, ..again }).await;
        assert!(queue.ack(again).await.unwrap());
    }
}

#[tokio::test]
async fn a_server_that_restarts_empty_is_used_again_at_once() {
    let mut server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    enqueue(&queue, 1..=2).await;
    let held = claim(&queue).await.unwrap();
    // Before each kind of call: each is the first to find the connection gone, and the script forgotten.
    server.restart_empty().await;
    assert!(!queue.heartbeat(held, LONG).await.unwrap());
    server.restart_empty().await;
    assert!(!queue.ack(held).await.unwrap());
    server.restart_empty().await;
    assert!(claim(&queue).await.is_none());
    server.restart_empty().await;
    assert_eq!(queue.depth().await.unwrap().ready, 0);
    server.restart_empty().await;
    enqueue(&queue, [1]).await;
    assert_eq!(claim(&queue).await.unwrap().job_id, ticket(1).job_id);
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable() {
    let mut server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let bus = RedisEvents::connect(&server.url()).await.unwrap();
    server.kill();
    let unavailable = |error: StoreError| assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    unavailable(queue.claim("tester", LONG).await.unwrap_err());
    unavailable(queue.enqueue(ticket(1)).await.unwrap_err());
    unavailable(bus.publish(event(1)).await.unwrap_err());
}

#[tokio::test]
async fn entries_without_a_record_are_handed_out_and_those_left_over_are_dropped() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, [1, 2]).await;
    let job = ticket(1).job_id.to_string();
    redis::cmd("HDEL").arg("{demitasse}:jobs").arg(&job).exec_async(&mut connection).await.unwrap();
    let found = claim(&queue).await.unwrap();
    assert_eq!((found.job_id, found.deliveries), (ticket(1).job_id, 1));
    let job = ticket(2).job_id.to_string();
    redis::cmd("XADD").arg(NEW).arg("*").arg("job").arg(&job).exec_async(&mut connection).await.unwrap();
    assert_eq!(claim(&queue).await.unwrap().job_id, ticket(2).job_id);
    assert!(claim(&queue).await.is_none(), "the second entry of the same job is not handed out");
}

#[tokio::test]
async fn a_destroyed_group_is_made_again() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, [1, 2]).await;
    let held = claim(&queue).await.unwrap();
    redis::cmd("XGROUP").arg("DESTROY").arg(NEW).arg("workers").exec_async(&mut connection).await.unwrap();
    assert!(!queue.heartbeat(held, LONG).await.unwrap());
    let again = claim(&queue).await.unwrap();
    assert_eq!((again.job_id, again.deliveries), (held.job_id, 2));
    assert!(queue.ack(again).await.unwrap());
    assert_eq!(claim(&queue).await.unwrap().job_id, ticket(2).job_id);
}

#[tokio::test]
async fn an_entry_that_vanished_from_its_stream_blocks_nobody() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, [1, 2]).await;
    queue.claim("crashed", Duration::ZERO).await.unwrap().unwrap();
    redis::cmd("XTRIM").arg(NEW).arg("MAXLEN").arg(1).exec_async(&mut connection).await.unwrap();
    assert_eq!(claim(&queue).await.unwrap().job_id, ticket(2).job_id);
    assert!(claim(&queue).await.is_none());
}

use std::time::Duration;

use demitasse_backends::redis::RedisQueue;
use demitasse_core::JobQueue;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamInfoGroupsReply;

use super::{BACK, LONG, NEW, OwnServer, claim, enqueue, ticket};

/// The lag that KEDA reads, of the normal priority: entries never handed out.
async fn lag(connection: &mut MultiplexedConnection, stream: &str) -> Option<usize> {
    let groups: StreamInfoGroupsReply =
        redis::cmd("XINFO").arg("GROUPS").arg(stream).query_async(connection).await.unwrap();
    groups.groups[0].lag
}

#[tokio::test]
async fn the_lag_is_right_whatever_happened_to_the_entries_before() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, 1..=20).await;
    assert_eq!(lag(&mut connection, NEW).await, Some(20));
    let held = [claim(&queue).await, claim(&queue).await, claim(&queue).await, claim(&queue).await]
        .map(Option::unwrap);
    // The last one handed out goes first, while older ones are held: the case in which Redis loses count.
    assert!(queue.ack(held[3]).await.unwrap());
    assert_eq!(lag(&mut connection, NEW).await, Some(16));
    assert!(queue.bury(held[1]).await.unwrap());
    assert_eq!(lag(&mut connection, NEW).await, Some(16));
    assert!(queue.nack(held[2], LONG).await.unwrap());
    assert!(queue.nack(held[0], Duration::ZERO).await.unwrap());
    assert_eq!((lag(&mut connection, NEW).await, lag(&mut connection, BACK).await), (Some(16), Some(1)));
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed, depth.claimed, depth.dead), (17, 1, 0, 1));
    // A cancelled job stays until it is claimed and found to be of no use. Two by two, the later one goes first.
    while let Some(first) = claim(&queue).await {
        if let Some(second) = claim(&queue).await {
            assert!(queue.ack(second).await.unwrap());
        }
        assert!(lag(&mut connection, NEW).await.is_some());
        assert!(queue.ack(first).await.unwrap());
        let ready = queue.depth().await.unwrap().ready;
        let lags = lag(&mut connection, NEW).await.zip(lag(&mut connection, BACK).await);
        assert_eq!(lags.map(|(new, back)| (new + back) as u64), Some(ready));
    }
    enqueue(&queue, 30..=33).await;
    assert_eq!((lag(&mut connection, NEW).await, lag(&mut connection, BACK).await), (Some(4), Some(0)));
    let length: usize = redis::cmd("XLEN").arg(NEW).query_async(&mut connection).await.unwrap();
    assert_eq!(length, 4, "nothing that is done with is left");
}

#[tokio::test]
async fn random_calls_leave_the_lag_known_and_the_counts_right() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    let mut state: u32 = 0x9e37_79b9;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    let (mut next, mut held, mut ready, mut dead) = (0, Vec::new(), 0, 0);
    for step in 0..2000 {
        match random(5) {
            0 => {
                queue.enqueue(ticket(next)).await.unwrap();
                (next, ready) = (next + 1, ready + 1);
            }
            1 => {
                let claim = claim(&queue).await;
                assert_eq!(claim.is_some(), ready > 0, "step {step}");
                ready -= u64::from(claim.is_some());
                held.extend(claim);
            }
            _ if held.is_empty() => {}
            2 => assert!(queue.ack(held.swap_remove(random(held.len()))).await.unwrap(), "step {step}"),
            3 => {
                assert!(queue.nack(held.swap_remove(random(held.len())), Duration::ZERO).await.unwrap());
                ready += 1;
            }
            _ => {
                assert!(queue.bury(held.swap_remove(random(held.len()))).await.unwrap());
                dead += 1;
            }
        }
        let depth = queue.depth().await.unwrap();
        let expected = (ready, 0, held.len() as u64, dead);
        assert_eq!((depth.ready, depth.delayed, depth.claimed, depth.dead), expected, "step {step}");
        let mut lags = 0;
        for stream in [NEW, BACK] {
            let exists: bool = redis::cmd("EXISTS").arg(stream).query_async(&mut connection).await.unwrap();
            if exists {
                lags += lag(&mut connection, stream).await.unwrap_or_else(|| panic!("no lag at step {step}"));
            }
        }
        assert_eq!(lags as u64, ready, "step {step}: no lease has ended, so the lag is all that is ready");
    }
}

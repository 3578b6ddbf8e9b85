use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use demitasse_backends::redis::RedisQueue;
use demitasse_core::JobQueue;
use redis::aio::MultiplexedConnection;
use redis::streams::StreamInfoConsumersReply;

use super::{LONG, NEW, OwnServer, claim, enqueue, own_queue, ticket, url};

#[tokio::test]
async fn sixty_four_workers_do_ten_thousand_jobs_once_each() {
    const JOBS: u32 = 10_000;
    let (queue, ()) = own_queue().await;
    let enqueued = (0..8).map(|part| {
        let queue = queue.clone();
        tokio::spawn(async move {
            for n in (0..JOBS).filter(|n| n % 8 == part) {
                queue.enqueue(ticket(n)).await.unwrap();
            }
        })
    });
    futures_util::future::join_all(enqueued).await;
    let workers = (0..64).map(|worker| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let mut done = Vec::new();
            while let Some(claim) = queue.claim(&format!("worker {worker}"), LONG).await.unwrap() {
                done.push(claim.job_id);
                assert!(queue.ack(claim).await.unwrap());
            }
            done
        })
    });
    let mut times: BTreeMap<_, u32> = BTreeMap::new();
    for done in futures_util::future::join_all(workers).await {
        for job in done.unwrap() {
            *times.entry(job).or_default() += 1;
        }
    }
    assert_eq!(times.len(), JOBS as usize);
    assert!(times.values().all(|times| *times == 1));
    assert_eq!(queue.depth().await.unwrap(), Default::default());
}

#[tokio::test]
async fn the_keys_of_other_prefixes_are_left_alone() {
    let ((one, ()), (other, ())) = (own_queue().await, own_queue().await);
    enqueue(&one, [1]).await;
    assert!(claim(&other).await.is_none());
    assert!(claim(&one).await.is_some());
}

#[tokio::test]
async fn a_delayed_entry_comes_when_it_is_due_with_its_deliveries() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, 1..=2).await;
    let held = claim(&queue).await.unwrap();
    assert!(queue.nack(held, LONG).await.unwrap());
    // Instead of waiting for an hour: the hour is over.
    let delayed = "{demitasse}:delayed";
    redis::cmd("ZADD")
        .arg(delayed)
        .arg(1)
        .arg(held.job_id.to_string())
        .exec_async(&mut connection)
        .await
        .unwrap();
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed), (2, 0));
    assert!(depth.oldest_ready > Some(LONG), "it has been due since 1970");
    let again = claim(&queue).await.unwrap();
    assert_eq!((again.job_id, again.deliveries), (held.job_id, 2));
}

#[tokio::test]
async fn no_more_dead_are_kept_than_the_newest_ten_thousand() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    let mut command = redis::cmd("ZADD");
    command.arg("{demitasse}:dead");
    for n in 0..10_000 {
        command.arg(n).arg(format!("old {n}"));
    }
    command.exec_async(&mut connection).await.unwrap();
    enqueue(&queue, [1]).await;
    assert!(queue.bury(claim(&queue).await.unwrap()).await.unwrap());
    assert_eq!(queue.depth().await.unwrap().dead, 10_000);
    let oldest: Vec<String> = redis::cmd("ZRANGE")
        .arg("{demitasse}:dead")
        .arg(0)
        .arg(0)
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(oldest, ["old 1"]);
}

#[tokio::test]
async fn workers_that_left_are_forgotten_unless_they_hold_something() {
    let server = OwnServer::start().await;
    let queue = RedisQueue::connect(&server.url()).await.unwrap();
    let mut connection = server.connection().await;
    enqueue(&queue, 1..=2).await;
    let held = queue.claim("holds a job", LONG).await.unwrap().unwrap();
    let done = queue.claim("is done", LONG).await.unwrap().unwrap();
    assert!(queue.ack(done).await.unwrap());
    let workers = async |connection: &mut MultiplexedConnection| {
        let mut command = redis::cmd("XINFO");
        command.arg(&["CONSUMERS", NEW, "workers"]);
        let found: StreamInfoConsumersReply = command.query_async(connection).await.unwrap();
        found.consumers.into_iter().map(|consumer| consumer.name).collect::<BTreeSet<_>>()
    };
    queue.forget_workers(LONG).await.unwrap();
    let both = BTreeSet::from(["holds a job".into(), "is done".into()]);
    assert_eq!(workers(&mut connection).await, both);
    queue.forget_workers(Duration::ZERO).await.unwrap();
    assert_eq!(workers(&mut connection).await, BTreeSet::from(["holds a job".into()]));
    assert!(queue.ack(held).await.unwrap());
}

#[tokio::test]
async fn waiting_ends_when_another_process_enqueues() {
    let url = url();
    let (worker, api) = (RedisQueue::connect(&url).await.unwrap(), RedisQueue::connect(&url).await.unwrap());
    // The first wait ends when the listener is connected, at the latest.
    worker.wait(LONG).await;
    let waiting = worker.wait(LONG);
    api.enqueue(ticket(1)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), waiting).await.unwrap();
    assert!(claim(&worker).await.is_some());
}

#[tokio::test]
async fn every_waiting_worker_gets_one_of_the_jobs_that_came_at_once() {
    let (queue, ()) = own_queue().await;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let queue = queue.clone();
            tokio::spawn(async move {
                loop {
                    if let Some(claim) = claim(&queue).await {
                        return claim.job_id;
                    }
                    queue.wait(LONG).await;
                }
            })
        })
        .collect();
    enqueue(&queue, 0..8).await;
    for worker in workers {
        tokio::time::timeout(Duration::from_secs(20), worker).await.unwrap().unwrap();
    }
}

//! Measures claims with 10,000 jobs queued: p50 and p99 of claim and of ack, jobs per second, at 1, 8 and 64 workers, and
//! from enqueue to claim with idle workers. On Redis with its memory, and on SQLite beside it.
//!
//! `cargo run --release -p demitasse-backends --example claims -- redis://127.0.0.1:6379?prefix=claims DIR`: the keys of
//! the prefix are used and left empty; DIR is on the disk to measure.

#![expect(clippy::print_stdout, reason = "it reports to a terminal")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails has no result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use demitasse_backends::redis::RedisQueue;
use demitasse_backends::sqlite::SqliteStore;
use demitasse_core::{Clock, JobId, JobQueue, Priority, Sequence, SystemClock, Ticket};
use futures_util::future::join_all;

const JOBS: usize = 10_000;
const PACED: usize = 500;
const LEASE: Duration = Duration::from_secs(60);

fn ticket(n: usize) -> Ticket {
    let job_id = JobId::generate(SystemClock.now()).unwrap();
    Ticket { job_id, sequence: Sequence(n as i64), priority: Priority::Normal }
}

/// Milliseconds below which lies the given share of the times.
fn percentile(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    let index = (times.len() as f64 * share) as usize;
    times[index.min(times.len() - 1)].as_secs_f64() * 1000.0
}

/// Empties a full queue: claim and ack, as fast as it goes.
async fn drain<Q: JobQueue>(name: &str, queue: &Arc<Q>, workers: usize) {
    let start = Instant::now();
    let (mut claims, mut acks) = (Vec::new(), Vec::new());
    let tasks = (0..workers).map(|worker| {
        let queue = queue.clone();
        tokio::spawn(async move {
            let (worker, mut times) = (format!("worker {worker}"), Vec::new());
            loop {
                let start = Instant::now();
                let Some(claim) = queue.claim(&worker, LEASE).await.unwrap() else { return times };
                let claimed = start.elapsed();
                assert!(queue.ack(claim).await.unwrap());
                times.push((claimed, start.elapsed() - claimed));
            }
        })
    });
    for times in join_all(tasks).await {
        for (claim, ack) in times.unwrap() {
            claims.push(claim);
            acks.push(ack);
        }
    }
    assert_eq!(claims.len(), JOBS);
    println!(
        "{name}, {workers} workers: claim p50 {:.2} ms, p99 {:.2} ms; ack p50 {:.2} ms, p99 {:.2} ms; {:.0} jobs/s",
        percentile(&mut claims, 0.5),
        percentile(&mut claims, 0.99),
        percentile(&mut acks, 0.5),
        percentile(&mut acks, 0.99),
        JOBS as f64 / start.elapsed().as_secs_f64()
    );
}

async fn fill(queue: &impl JobQueue) {
    for n in 0..JOBS {
        queue.enqueue(ticket(n)).await.unwrap();
    }
}

/// Jobs one by one, 4 ms apart, to workers that wait: the time from before the enqueue to after the claim.
async fn paced(queue: &Arc<RedisQueue>, url: &str, workers: usize) {
    let origin = Instant::now();
    let tasks: Vec<_> = (0..workers)
        .map(|worker| {
            let queue = queue.clone();
            tokio::spawn(async move {
                let (worker, mut seen) = (format!("worker {worker}"), Vec::new());
                let mut idle_since = Instant::now();
                while idle_since.elapsed() < Duration::from_secs(3) {
                    match queue.claim(&worker, LEASE).await.unwrap() {
                        Some(claim) => {
                            seen.push((claim.job_id, origin.elapsed()));
                            queue.ack(claim).await.unwrap();
                            idle_since = Instant::now();
                        }
                        None => queue.wait(Duration::from_secs(1)).await,
                    }
                }
                seen
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let api = RedisQueue::connect(url).await.unwrap();
    let mut sent = std::collections::HashMap::new();
    for n in 0..PACED {
        let ticket = ticket(n);
        sent.insert(ticket.job_id, origin.elapsed());
        api.enqueue(ticket).await.unwrap();
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    let mut times: Vec<Duration> = join_all(tasks)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .map(|(job, at)| at.saturating_sub(sent[&job]))
        .collect();
    assert_eq!(times.len(), PACED);
    println!(
        "redis, {workers} idle workers: enqueue to claim p50 {:.2} ms, p99 {:.2} ms",
        percentile(&mut times, 0.5),
        percentile(&mut times, 0.99)
    );
}

async fn memory(url: &str) -> String {
    let client = redis::Client::open(url.split('?').next().unwrap()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    info.lines().find_map(|line| line.strip_prefix("used_memory_human:")).unwrap().into()
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap();
    let dir = arguments.next().unwrap_or_else(|| "target/claims".into());
    let queue = Arc::new(RedisQueue::connect(&url).await.unwrap());
    for workers in [1, 8, 64] {
        let before = memory(&url).await;
        fill(&*queue).await;
        let full = memory(&url).await;
        drain("redis", &queue, workers).await;
        println!("redis: memory {before} empty, {full} with {JOBS} queued, {} after", memory(&url).await);
    }
    for workers in [1, 8, 64] {
        paced(&queue, &url, workers).await;
    }
    let path = std::path::Path::new(&dir).join("claims.db");
    let store = Arc::new(SqliteStore::open(&path, true).await.unwrap());
    for workers in [1, 8, 64] {
        fill(&*store).await;
        drain("sqlite", &store, workers).await;
    }
}

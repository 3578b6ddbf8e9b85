//! Measures claims with 10,000 jobs queued: p50 and p99 of claim and of ack, jobs per second, at 1, 8 and 64 workers, and
//! from enqueue to claim with idle workers.
//!
//! `cargo run --release -p demitasse-backends --example claims -- URL...`: of a queue of its own, as in
//! `redis://127.0.0.1:6379?prefix=claims` (whose memory is shown too), or of a metadata store, as in
//! `sqlite:DIR/claims.db` on the disk to measure. What is there already should be an empty queue, and is left so.

#![expect(clippy::print_stdout, reason = "it reports to a terminal")]
#![expect(clippy::unwrap_used, reason = "a measurement that fails has no result")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use demitasse_backends::{BackendUrls, connect};
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
async fn drain(name: &str, queue: &Arc<dyn JobQueue>, workers: usize) {
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

async fn fill(queue: &dyn JobQueue) {
    for n in 0..JOBS {
        queue.enqueue(ticket(n)).await.unwrap();
    }
}

/// Jobs one by one, 4 ms apart, to workers that wait: the time from before the enqueue to after the claim.
async fn paced(name: &str, queue: &Arc<dyn JobQueue>, api: &dyn JobQueue, workers: usize) {
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
        "{name}, {workers} idle workers: enqueue to claim p50 {:.2} ms, p99 {:.2} ms",
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

/// The queue at the URL, as one process has it.
async fn open(url: &str) -> Arc<dyn JobQueue> {
    let urls = if url.starts_with("redis") {
        BackendUrls { queue: url.into(), ..BackendUrls::memory() }
    } else {
        BackendUrls { metadata: url.into(), ..BackendUrls::memory() }
    };
    connect(&urls).await.unwrap().queue
}

async fn measure(url: &str) {
    let name = url.split(':').next().unwrap_or(url);
    let queue = open(url).await;
    for workers in [1, 8, 64] {
        let before = if name == "redis" { memory(url).await } else { String::new() };
        fill(&*queue).await;
        let full = if name == "redis" { memory(url).await } else { String::new() };
        drain(name, &queue, workers).await;
        if name == "redis" {
            println!("redis: memory {before} empty, {full} with {JOBS} queued, {} after", memory(url).await);
        }
    }
    // An embedded store serves one process, and has no news for idle workers.
    if name != "sqlite" {
        let api = open(url).await;
        for workers in [1, 8, 64] {
            paced(name, &queue, &*api, workers).await;
        }
    }
}

#[tokio::main]
async fn main() {
    for url in std::env::args().skip(1) {
        measure(&url).await;
    }
}

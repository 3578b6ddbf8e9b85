use std::time::Duration;

use demitasse_backends::redis::RedisQueue;
use demitasse_core::contract::sample;
use demitasse_core::{Claim, ErrorKind, JobQueue, Priority, Sequence, Ticket};
use redis::aio::MultiplexedConnection;
use redis::{FromRedisValue, Script};

use crate::services::required;

const LONG: Duration = Duration::from_secs(3600);
const HOUR: &str = "3600000";

/// A process of the version before: its scripts, and the keys that it gives them.
struct Before {
    connection: MultiplexedConnection,
    prefix: String,
}

impl Before {
    async fn run<T: FromRedisValue>(&mut self, script: &str, arguments: &[&str]) -> T {
        let script = Script::new(&format!("{}\n{script}", include_str!("fixtures/redis/prelude.lua")));
        let mut call = script.prepare_invoke();
        for name in [
            "jobs",
            "delayed",
            "dead",
            "handled",
            "queue:high",
            "queue:normal",
            "queue:low",
            "back:high",
            "back:normal",
            "back:low",
            "wake",
        ] {
            call.key(format!("{{{}}}:{name}", self.prefix));
        }
        call.arg(arguments).invoke_async(&mut self.connection).await.unwrap()
    }

    async fn enqueue(&mut self, n: u64, priority: Priority) {
        let stream = match priority {
            Priority::High => "1",
            Priority::Normal => "2",
            Priority::Low => "3",
        };
        let script = include_str!("fixtures/redis/enqueue.lua");
        assert_eq!(self.run::<u64>(script, &[&sample::job_id(n).to_string(), stream]).await, 1);
    }

    async fn claim(&mut self) -> Option<Claim> {
        let lease = sample::lease(1);
        let script = include_str!("fixtures/redis/claim.lua");
        let claimed: Option<(String, u32)> = self.run(script, &["host:1:1", &lease.to_string(), HOUR]).await;
        claimed.map(|(job, deliveries)| Claim { job_id: job.parse().unwrap(), lease, deliveries })
    }

    async fn held(&mut self, script: &str, claim: Claim, more: &[&str]) -> u64 {
        let (job, lease) = (claim.job_id.to_string(), claim.lease.to_string());
        self.run(script, &[&[job.as_str(), lease.as_str()], more].concat()).await
    }

    /// Ready, delayed, claimed, dead.
    async fn depth(&mut self) -> (u64, u64, u64, u64) {
        let (ready, delayed, claimed, dead, _): (u64, u64, u64, u64, i64) =
            self.run(include_str!("fixtures/redis/depth.lua"), &[]).await;
        (ready, delayed, claimed, dead)
    }
}

/// A queue of its own, and both versions at it.
async fn both() -> (RedisQueue, Before) {
    let server = required("TEST_REDIS_URL");
    let prefix = format!("test-upgrade-{:?}", std::thread::current().id()).replace(['(', ')'], "");
    let prefix = format!("{prefix}-{}", std::process::id());
    let queue = RedisQueue::connect(&format!("{server}?prefix={prefix}")).await.unwrap();
    let client = redis::Client::open(server).unwrap();
    (queue, Before { connection: client.get_multiplexed_async_connection().await.unwrap(), prefix })
}

fn ticket(n: u64, priority: Priority) -> Ticket {
    Ticket { job_id: sample::job_id(n), sequence: Sequence(n.cast_signed()), priority }
}

async fn claim(queue: &RedisQueue) -> Claim {
    queue.claim("host:2:1", LONG).await.unwrap().unwrap()
}

fn seen(claim: Claim) -> (demitasse_core::JobId, u32) {
    (claim.job_id, claim.deliveries)
}

#[tokio::test]
async fn what_one_version_enqueued_the_other_claims_in_the_same_order() {
    let (queue, mut before) = both().await;
    before.enqueue(1, Priority::Low).await;
    queue.enqueue(ticket(2, Priority::Normal)).await.unwrap();
    before.enqueue(3, Priority::High).await;
    queue.enqueue(ticket(4, Priority::Low)).await.unwrap();
    // Both know what is in the queue already.
    queue.enqueue(ticket(1, Priority::Low)).await.unwrap();
    assert_eq!(before.depth().await, (4, 0, 0, 0));
    assert_eq!(seen(claim(&queue).await), (sample::job_id(3), 1));
    assert_eq!(before.claim().await.map(seen), Some((sample::job_id(2), 1)));
    assert_eq!(seen(claim(&queue).await), (sample::job_id(1), 1));
    assert_eq!(before.claim().await.map(seen), Some((sample::job_id(4), 1)));
    assert_eq!(before.claim().await, None);
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.ready, depth.claimed), (0, 4));
}

#[tokio::test]
async fn each_version_ends_and_extends_what_the_other_claimed() {
    let (queue, mut before) = both().await;
    for n in 1..=6 {
        queue.enqueue(ticket(n, Priority::Normal)).await.unwrap();
    }
    let (ours, theirs) = (claim(&queue).await, before.claim().await.unwrap());
    assert_eq!(before.held(include_str!("fixtures/redis/heartbeat.lua"), ours, &[HOUR]).await, 1);
    assert!(queue.heartbeat(theirs, LONG).await.unwrap());
    assert_eq!(before.held(include_str!("fixtures/redis/ack.lua"), ours, &[]).await, 1);
    assert!(queue.ack(theirs).await.unwrap());
    assert!(!queue.ack(theirs).await.unwrap());

    let (ours, theirs) = (claim(&queue).await, before.claim().await.unwrap());
    assert_eq!(before.held(include_str!("fixtures/redis/nack.lua"), ours, &["0"]).await, 1);
    assert!(queue.nack(theirs, Duration::ZERO).await.unwrap());
    assert_eq!(before.claim().await.map(seen), Some((ours.job_id, 2)));
    assert_eq!(seen(claim(&queue).await), (theirs.job_id, 2));

    let (ours, theirs) = (claim(&queue).await, before.claim().await.unwrap());
    assert!(queue.nack(ours, LONG).await.unwrap());
    assert_eq!(before.held(include_str!("fixtures/redis/bury.lua"), theirs, &["10000"]).await, 1);
    assert_eq!(before.depth().await, (0, 1, 2, 1));
    let depth = queue.depth().await.unwrap();
    assert_eq!((depth.ready, depth.delayed, depth.claimed, depth.dead), (0, 1, 2, 1));
    before.run::<()>(include_str!("fixtures/redis/tidy.lua"), &["0"]).await;
}

#[tokio::test]
async fn what_a_version_lets_run_out_the_other_takes_over() {
    let (queue, mut before) = both().await;
    for n in 1..=2 {
        before.enqueue(n, Priority::Normal).await;
    }
    let ours = queue.claim("host:2:1", Duration::ZERO).await.unwrap().unwrap();
    assert_eq!(before.claim().await.map(seen), Some((ours.job_id, 2)));
    assert!(!queue.heartbeat(ours, LONG).await.unwrap());
    let theirs = before.claim().await.unwrap();
    assert_eq!(before.held(include_str!("fixtures/redis/heartbeat.lua"), theirs, &["0"]).await, 1);
    assert_eq!(seen(claim(&queue).await), (theirs.job_id, 2));
}

/// It would come from a version after the next: the next one writes what this one reads.
#[tokio::test]
async fn an_entry_that_names_no_job_is_refused() {
    let (queue, mut before) = both().await;
    let script = include_str!("fixtures/redis/enqueue.lua");
    assert_eq!(before.run::<u64>(script, &["no id", "2"]).await, 1);
    assert_eq!(queue.claim("host:2:1", LONG).await.unwrap_err().kind, ErrorKind::Invalid);
}

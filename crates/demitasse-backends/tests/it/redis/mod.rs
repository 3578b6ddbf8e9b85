use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use demitasse_backends::redis::{RedisEvents, RedisQueue};
use demitasse_core::contract::sample;
use demitasse_core::{
    Claim, Clock, Event, ImageId, JobQueue, JobState, OwnerId, Priority, Sequence, SystemClock, Ticket,
};
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// Between processes, over restarts, and what connecting says.
mod connect;

/// The number that an autoscaler reads.
mod lag;

/// A Redis that forgets, restarts or goes away, and keys that were tampered with.
mod loss;

/// The original service's list and topic.
mod original;

/// What the suite does not ask of every queue.
mod queue;

const LONG: Duration = Duration::from_secs(3600);

/// Streams of the default prefix.
const NEW: &str = "{demitasse}:queue:normal";
const BACK: &str = "{demitasse}:back:normal";

#[expect(clippy::disallowed_methods, reason = "tests are told by the environment where the servers are")]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run the tests through `scripts/services.sh run`, as `make test` does")
    })
}

/// The server of all tests, with keys that no other test has.
fn url() -> String {
    let unique = ImageId::generate(SystemClock.now()).unwrap();
    format!("{}?prefix=test-{unique}", variable("TEST_REDIS_URL"))
}

async fn own_queue() -> (Arc<RedisQueue>, ()) {
    (Arc::new(RedisQueue::connect(&url()).await.unwrap()), ())
}

async fn own_events() -> (Arc<RedisEvents>, ()) {
    (Arc::new(RedisEvents::connect(&url()).await.unwrap()), ())
}

mod queue_suite {
    demitasse_core::job_queue_contract!(super::own_queue);
}

mod events_suite {
    demitasse_core::event_bus_contract!(super::own_events);
}

/// A server that one test may flush and kill. It keeps nothing on disk, so that it restarts empty.
struct OwnServer {
    child: Child,
    port: u16,
    dir: TempDir,
}

impl OwnServer {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let dir = tempfile::tempdir().unwrap();
        let own = Self { child: Self::spawn(port, &dir), port, dir };
        own.connection().await;
        own
    }

    fn spawn(port: u16, dir: &TempDir) -> Child {
        Command::new(variable("TEST_REDIS_SERVER"))
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Waits until it answers.
    async fn connection(&self) -> MultiplexedConnection {
        let client = redis::Client::open(self.url()).unwrap();
        for _ in 0..500 {
            if let Ok(connection) = client.get_multiplexed_async_connection().await {
                return connection;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server does not start");
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn restart_empty(&mut self) {
        self.kill();
        self.child = Self::spawn(self.port, &self.dir);
        self.connection().await;
    }

    async fn flush(&self) {
        redis::cmd("FLUSHALL").exec_async(&mut self.connection().await).await.unwrap();
    }
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn ticket(n: u32) -> Ticket {
    Ticket { job_id: sample::job_id(n.into()), sequence: Sequence(n.into()), priority: Priority::Normal }
}

async fn enqueue(queue: &RedisQueue, numbers: impl IntoIterator<Item = u32>) {
    for n in numbers {
        queue.enqueue(ticket(n)).await.unwrap();
    }
}

async fn claim(queue: &RedisQueue) -> Option<Claim> {
    queue.claim("tester", LONG).await.unwrap()
}

async fn held_by_nobody(queue: &RedisQueue, claim: Claim) {
    assert!(!queue.heartbeat(claim, LONG).await.unwrap());
    assert!(!queue.nack(claim, Duration::ZERO).await.unwrap());
    assert!(!queue.bury(claim).await.unwrap());
    assert!(!queue.ack(claim).await.unwrap());
}

fn event(n: u64) -> Event {
    Event {
        owner: OwnerId::DEFAULT,
        job_id: sample::job_id(n),
        image_id: sample::image_id(n),
        state: JobState::Running,
    }
}

use demitasse_backends::OriginalUrl;
use demitasse_backends::redis::RedisOriginal;
use demitasse_core::{JobId, ResultMessage, ResultTopic, TakenMessage, TaskList, TaskMessage};
use futures_util::StreamExt;
use redis::AsyncCommands;

use super::*;

/// How long to look at a list that is expected to have something, or nothing.
const LOOK: Duration = Duration::from_millis(200);

/// The original's Redis: a list and a topic that no other test has, and a connection as its own processes have.
struct Original {
    at: OriginalUrl,
    connection: MultiplexedConnection,
}

impl Original {
    async fn new() -> Self {
        let unique = ImageId::generate(SystemClock.now()).unwrap();
        let redis = variable("TEST_REDIS_URL");
        let client = redis::Client::open(redis.as_str()).unwrap();
        let at = OriginalUrl {
            redis,
            list: format!("test-{unique}-image-queue"),
            topic: format!("test-{unique}-tasks-results"),
            works: false,
        };
        Self { at, connection: client.get_multiplexed_async_connection().await.unwrap() }
    }

    async fn ours(&self) -> RedisOriginal {
        RedisOriginal::connect(&self.at).await.unwrap()
    }

    /// As its API does.
    async fn push(&mut self, message: &str) {
        let () = self.connection.lpush(&self.at.list, message).await.unwrap();
    }

    /// As its worker does, but without waiting.
    async fn pop(&mut self) -> Option<String> {
        self.connection.lpop(&self.at.list, None).await.unwrap()
    }

    async fn dead(&mut self) -> Vec<String> {
        self.connection.lrange(format!("{}:dead", self.at.list), 0, -1).await.unwrap()
    }
}

fn task(n: u64) -> TaskMessage {
    TaskMessage {
        image_id: sample::image_id(n),
        job_id: sample::job_id(n),
        image_url: format!("https://res.cloudinary.com/demo/image/upload/v1/images/{n}.png"),
    }
}

fn json(task: &TaskMessage) -> String {
    let TaskMessage { image_id, job_id, image_url } = task;
    format!(r#"{{"imageId":"{image_id}","taskId":"{job_id}","imageUrl":"{image_url}"}}"#)
}

fn jobs(taken: &[TakenMessage]) -> Vec<JobId> {
    taken.iter().filter_map(|taken| Some(taken.task.as_ref()?.job_id)).collect()
}

#[tokio::test]
async fn its_apis_tasks_are_taken_oldest_first_and_stay_in_hand_until_they_are_settled() {
    let mut original = Original::new().await;
    let ours = original.ours().await;
    for n in 1..=3 {
        original.push(&json(&task(n))).await;
    }
    let first = ours.take(LOOK).await.unwrap().unwrap();
    let second = ours.take(LOOK).await.unwrap().unwrap();
    assert_eq!((first.task.clone(), second.task.clone()), (Some(task(1)), Some(task(2))));
    // A process that takes up what this one left.
    let other = original.ours().await;
    assert_eq!(other.in_hand().await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(other.waiting().await.unwrap(), [task(3).job_id]);
    for _ in 0..2 {
        ours.settle(&first).await.unwrap();
        assert_eq!(jobs(&other.in_hand().await.unwrap()), [task(2).job_id]);
    }
    assert_eq!(ours.take(LOOK).await.unwrap().unwrap().task, Some(task(3)));
    assert_eq!(ours.take(LOOK).await.unwrap(), None);
}

#[tokio::test]
async fn a_look_at_an_empty_list_ends_with_the_next_task() {
    let mut original = Original::new().await;
    let ours = original.ours().await;
    let message = json(&task(1));
    let (taken, ()) = tokio::join!(ours.take(LONG), original.push(&message));
    assert_eq!(taken.unwrap().unwrap().task, Some(task(1)));
    // A look that is given up holds nothing up.
    assert!(tokio::time::timeout(LOOK, ours.take(LONG)).await.is_err());
    original.push(&json(&task(2))).await;
    let again = ours.take(LOOK).await.unwrap();
    // Redis may have moved it for the look that was given up; then it is in hand.
    let in_hand = jobs(&ours.in_hand().await.unwrap());
    assert!(in_hand.contains(&task(2).job_id), "{again:?} {in_hand:?}");
}

#[tokio::test]
async fn what_is_no_task_is_put_aside_and_stops_nothing() {
    let mut original = Original::new().await;
    let ours = original.ours().await;
    original.push("{not json").await;
    original.push(&json(&task(1))).await;
    let nonsense = ours.take(LOOK).await.unwrap().unwrap();
    assert_eq!((nonsense.task.clone(), nonsense.raw.as_slice()), (None, &b"{not json"[..]));
    for _ in 0..2 {
        ours.bury(&nonsense).await.unwrap();
        assert_eq!(original.dead().await, ["{not json"]);
        assert_eq!(ours.in_hand().await.unwrap(), []);
    }
    assert_eq!(ours.take(LOOK).await.unwrap().unwrap().task, Some(task(1)));
}

#[tokio::test]
async fn its_worker_gets_our_tasks_in_their_order_each_once_and_none_that_was_withdrawn() {
    let mut original = Original::new().await;
    let ours = original.ours().await;
    for n in [1, 2, 2, 3, 4] {
        ours.give(&task(n)).await.unwrap();
    }
    assert!(ours.withdraw(task(3).job_id).await.unwrap());
    assert!(!ours.withdraw(task(3).job_id).await.unwrap());
    assert_eq!(ours.waiting().await.unwrap().len(), 3);
    for n in [1, 2, 4] {
        assert_eq!(original.pop().await, Some(json(&task(n))));
    }
    assert_eq!(original.pop().await, None);
}

#[tokio::test]
async fn results_are_told_in_its_words_and_heard_from_whoever_tells_them() {
    let mut original = Original::new().await;
    let (ours, other) = (original.ours().await, original.ours().await);
    let mut heard = other.results().await.unwrap();
    let result = |n| ResultMessage {
        image_id: sample::image_id(n),
        job_id: sample::job_id(n),
        compressed_url: format!("https://res.cloudinary.com/demo/image/upload/v1/compressed_images/{n}.jpg"),
    };
    let () = original.connection.publish(&original.at.topic, "nonsense").await.unwrap();
    let theirs = result(1);
    let message = format!(
        r#"{{"compressedUrl":"{}","imageId":"{}","taskId":"{}","more":1}}"#,
        theirs.compressed_url, theirs.image_id, theirs.job_id
    );
    let () = original.connection.publish(&original.at.topic, message).await.unwrap();
    ours.tell(&result(2)).await.unwrap();
    assert_eq!([heard.next().await, heard.next().await], [Some(theirs), Some(result(2))]);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_as_the_bridges() {
    let at = OriginalUrl { redis: "redis://".into(), list: "a".into(), topic: "b".into(), works: false };
    let error = RedisOriginal::connect(&at).await.err().unwrap();
    assert!(error.to_string().starts_with("the bridge URL cannot be used"), "{error}");
}

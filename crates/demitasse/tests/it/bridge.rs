use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{OriginalService, Server, Written, eventually, png};

/// Where a server of ours is reached: the original writes addresses down, so it must stay the same.
struct Ours {
    address: String,
    data: TempDir,
}

impl Ours {
    fn new() -> Self {
        // Nobody else takes the port that was free just now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Self { address: free.to_string(), data: TempDir::new().unwrap() }
    }

    /// Starts it beside the original, on a directory of its own.
    fn start(&self, original: &OriginalService, more: &[&str], failpoints: &str) -> Server {
        let (flags, url) = (original.flags(), format!("http://{}", self.address));
        let mut args: Vec<&str> = flags.iter().map(String::as_str).collect();
        args.extend(["--public-url", &url, "--sweep", "1", "--lease", "2"]);
        args.extend(more);
        Server::at(&self.address, self.data.path(), &args, failpoints)
    }
}

async fn ended(server: &Server, written: &Written) -> Value {
    let path = format!("/v1/tasks/{}", written.task);
    eventually("the task ends", || async {
        let task = server.json(&path).await;
        matches!(task["status"].as_str(), Some("succeeded" | "failed")).then_some(task)
    })
    .await
}

#[tokio::test]
async fn our_workers_do_what_its_api_accepts_oldest_first_and_it_hears_of_each_result() {
    let mut original = OriginalService::new().await;
    let mut written = Vec::new();
    for n in 1..=3 {
        written.push(original.upload(png(40, 30, n)).await);
    }
    let ours = Ours::new();
    let server = ours.start(&original, &["--workers", "1"], "");
    for upload in &written {
        let heard = original.hears().await;
        assert_eq!((&heard["imageId"], &heard["taskId"]), (&json!(upload.image), &json!(upload.task)));
        let task = ended(&server, upload).await;
        assert_eq!(heard["compressedUrl"], task["image"]["variant"]["url"], "{task}");
        assert_eq!(task["image"]["original"]["external"], false);
        assert_eq!(original.status(&upload.task).await.as_deref(), Some("completed"));
        let url = original.image_field(&upload.image, "compressedUrl").await.unwrap();
        assert_eq!(heard["compressedUrl"], url.as_str());
        let bytes = server.client.get(url).send().await.unwrap().error_for_status().unwrap();
        assert!(!bytes.bytes().await.unwrap().is_empty());
    }
    assert_eq!(original.messages().await, (0, 0));
    assert_eq!(server.metric("demitasse_bridge_messages_total{message=\"taken\"}").await, 3);
    let listed = server.json("/images").await;
    let ids: Vec<_> = listed.as_array().unwrap().iter().map(|image| image["id"].clone()).collect();
    assert_eq!(ids, written.iter().map(|upload| json!(upload.image)).collect::<Vec<_>>());
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test]
async fn its_worker_does_what_is_uploaded_here() {
    let mut original = OriginalService::new().await;
    let ours = Ours::new();
    let server = ours.start(&original, &["--workers", "0"], "");
    let bytes = png(40, 30, 1);
    let first = server.upload(bytes.clone()).await.unwrap();
    let second = server.upload(png(40, 30, 2)).await.unwrap();

    let message = original.takes().await.unwrap();
    assert_eq!(message["taskId"], first.as_str(), "in our order");
    let fetched = server.client.get(message["imageUrl"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    let url = "https://res.cloudinary.com/demo/image/upload/v1/compressed_images/1.jpg";
    original.does(&message, url).await;

    let task = server.ended(&first).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
    assert_eq!(task["image"]["external_variant_url"], url);
    let image = message["imageId"].as_str().unwrap();
    assert_eq!(server.json(&format!("/images/{image}")).await["compressedUrl"], url);
    assert_eq!(original.image_field(image, "compressedUrl").await.as_deref(), Some(url));

    // What nobody wants any more is not done.
    let cancel = format!("{}/v1/tasks/{second}/cancel", server.url);
    assert!(server.client.post(cancel).send().await.unwrap().status().is_success());
    assert_eq!(original.takes().await, None);
}

#[tokio::test]
async fn a_task_that_its_worker_has_lost_is_given_again_and_in_the_end_given_up() {
    let original = OriginalService::new().await;
    let ours = Ours::new();
    let flags = ["--workers", "0", "--bridge-patience", "1", "--max-attempts", "2"];
    let server = ours.start(&original, &flags, "");
    let id = server.upload(png(40, 30, 1)).await.unwrap();
    // Its worker takes it, and dies.
    let first = original.takes().await.unwrap();
    let again = takes(&original).await;
    assert_eq!(first, again);
    let task = server.ended(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(2)), "{task}");
    assert!(task["image"]["error"]["detail"].as_str().unwrap().contains("original service"), "{task}");
    assert_eq!(original.takes().await, None, "a task that has ended is not given");
    assert_eq!(original.status(&id).await.as_deref(), Some("failed"));
}

/// What its worker takes off the list as soon as something is there.
async fn takes(original: &OriginalService) -> Value {
    eventually("a task is given", || original.takes()).await
}

#[tokio::test]
async fn what_it_left_is_listed_where_it_is_and_what_it_lost_is_done() {
    let mut original = OriginalService::new().await;
    let done = original.record("https://a.example/1.png", "completed", Some("https://a.example/1.jpg")).await;
    // Its worker took the message and died.
    let lost = original.upload(png(40, 30, 1)).await;
    assert!(original.takes().await.is_some());
    let ours = Ours::new();
    let server = ours.start(&original, &["--workers", "1", "--bridge-patience", "1"], "");
    let task = ended(&server, &lost).await;
    assert_eq!(task["status"], "succeeded", "{task}");
    let listed = server.json("/images").await;
    let expected =
        json!({ "id": done.image, "imageUrl": done.url, "compressedUrl": "https://a.example/1.jpg" });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&listed[0][field], value, "{listed}");
    }
    assert_eq!(listed.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn an_image_that_cannot_be_had_fails_with_the_reason_and_stops_nothing() {
    let mut original = OriginalService::new().await;
    let missing = original.upload_at(format!("{}/images/9.png", image_origin(&original))).await;
    let text = original.upload(b"no image at all".to_vec()).await;
    let private = original.upload_at("http://127.0.0.1:9/a.png".into()).await;
    let good = original.upload(png(40, 30, 1)).await;
    let ours = Ours::new();
    let flags = ["--workers", "1", "--max-attempts", "2", "--retry-delay", "1"];
    let server = ours.start(&original, &flags, "");
    assert_eq!(ended(&server, &good).await["status"], "succeeded");
    for (upload, code, words) in [
        (missing, "fetch_failed", "404"),
        (text, "unsupported", ""),
        (private, "fetch_failed", "not permitted"),
    ] {
        let task = ended(&server, &upload).await;
        let error = &task["image"]["error"];
        assert_eq!((&task["status"], error["code"].as_str()), (&json!("failed"), Some(code)), "{task}");
        assert!(error["detail"].as_str().unwrap().contains(words), "{error}");
        assert_ne!(error["title"], "The server failed");
        assert_eq!(original.status(&upload.task).await.as_deref(), Some("failed"));
    }
}

fn image_origin(original: &OriginalService) -> String {
    original.flags().last().unwrap().clone()
}

#[cfg(feature = "failpoints")]
mod failpoints {
    use super::*;

    async fn survives_as_its_worker(point: &str) {
        let mut original = OriginalService::new().await;
        let written = original.upload(png(40, 30, 1)).await;
        let ours = Ours::new();
        let mut server = ours.start(&original, &["--workers", "1"], &format!("{point}=return(kill)"));
        assert_eq!(server.wait().await, None, "it dies at {point}");
        let server = ours.start(&original, &["--workers", "1"], "");
        assert_eq!(ended(&server, &written).await["status"], "succeeded", "{point}");
        assert_eq!(original.hears().await["taskId"], written.task.as_str());
        let listed = server.json("/images").await;
        assert_eq!(listed.as_array().unwrap().len(), 1);
        eventually("nothing is in hand", || async { (original.messages().await == (0, 0)).then_some(()) })
            .await;
    }

    #[tokio::test]
    async fn a_task_survives_a_death_after_it_was_taken() {
        survives_as_its_worker("bridge.taken").await;
    }

    #[tokio::test]
    async fn a_task_survives_a_death_after_its_rows_were_taken_in() {
        survives_as_its_worker("bridge.adopted").await;
    }

    #[tokio::test]
    async fn a_task_survives_a_death_after_it_was_enqueued() {
        survives_as_its_worker("bridge.enqueued").await;
    }

    #[tokio::test]
    async fn a_task_survives_a_death_after_its_image_was_fetched() {
        survives_as_its_worker("job.fetched").await;
    }

    #[tokio::test]
    async fn a_task_survives_a_death_after_its_image_was_stored() {
        survives_as_its_worker("job.attached").await;
    }

    #[tokio::test]
    async fn an_upload_survives_a_death_before_its_worker_was_told() {
        let mut original = OriginalService::new().await;
        let ours = Ours::new();
        let flags = ["--workers", "0", "--bridge-patience", "1"];
        let mut server = ours.start(&original, &flags, "bridge.lent=return(kill)");
        assert!(server.upload(png(40, 30, 1)).await.is_err());
        assert_eq!(server.wait().await, None);
        let server = ours.start(&original, &flags, "");
        let message = takes(&original).await;
        original.does(&message, "https://a.example/1.jpg").await;
        let task = server.ended(message["taskId"].as_str().unwrap()).await;
        assert_eq!(task["status"], "succeeded");
    }
}

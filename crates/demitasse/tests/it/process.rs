use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Server, command, eventually, noisy_png, png, spooled};

#[tokio::test]
async fn a_hundred_uploads_at_once_all_complete() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &[], "");
    let uploads = (0..100).map(|seed| server.upload(png(24, 24, seed)));
    let began = Instant::now();
    let tasks: Vec<String> = futures_util::future::try_join_all(uploads).await.unwrap();
    let accepted = began.elapsed();
    for id in &tasks {
        assert_eq!(server.ended(id).await["status"], "succeeded");
    }
    eprintln!("100 uploads: accepted in {accepted:?}, completed in {:?}", began.elapsed());
    assert_eq!(server.metric("demitasse_uploads_total").await, 100);
    assert_eq!(server.metric("demitasse_engine_runs_total").await, 100);
    assert_eq!(server.stop().await, Some(0));
}

#[tokio::test]
async fn the_same_bytes_at_once_are_compressed_once_however_many_workers_there_are() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "4"], "");
    let image = noisy_png(300, 200, 1);
    let uploads = (0..8).map(|_| server.upload(image.clone()));
    for id in futures_util::future::try_join_all(uploads).await.unwrap() {
        assert_eq!(server.ended(&id).await["status"], "succeeded");
    }
    assert_eq!(server.metric("demitasse_engine_runs_total").await, 1);
}

#[tokio::test]
async fn a_form_without_an_end_is_refused_long_before_it_fills_the_memory() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &[], "");
    for start in ["", "--cut\r\nContent-Disposition: "] {
        let mut socket = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
        let head = format!(
            "POST /images/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=cut\r\n\
             Content-Length: 90000000\r\n\r\n{start}"
        );
        socket.write_all(head.as_bytes()).unwrap();
        let piece = [b'A'; 65_536];
        // The answer comes after a few hundred kilobytes, and the connection ends: no 90 MB can be sent.
        let sent = (0..1373).take_while(|_| socket.write_all(&piece).is_ok()).count();
        assert!(sent < 1000, "{sent} pieces were taken");
    }
    let id = server.upload(png(8, 8, 1)).await.unwrap();
    assert_eq!(server.ended(&id).await["status"], "succeeded");
}

#[tokio::test]
async fn what_was_accepted_is_finished_by_the_next_start() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "0"], "");
    let id = server.upload(png(24, 24, 1)).await.unwrap();
    let image = server.json(&format!("/v1/tasks/{id}")).await["image"]["id"].clone();
    server.kill();
    let server = Server::start(data.path(), &[], "");
    let task = server.ended(&id).await;
    assert_eq!(
        (&task["status"], &task["attempt"], &task["image"]["id"]),
        (&json!("succeeded"), &json!(1), &image)
    );
}

#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let data = TempDir::new().unwrap();
    let _server = Server::start(data.path(), &[], "");
    let second =
        command().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("another process"), "{second:?}");
}

#[tokio::test]
async fn a_client_that_leaves_half_way_leaves_nothing() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &[], "");
    let address = server.url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let head = "POST /images/upload HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=cut\r\n\
                Content-Length: 1000000\r\n\r\n--cut\r\nContent-Disposition: form-data; name=\"image\"; \
                filename=\"a.png\"\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    socket.write_all(&[7; 200_000]).unwrap();
    let uploads = || spooled(data.path()).len();
    eventually("the upload begins", || async {
        (uploads() == 1 && server.metric("demitasse_spool_bytes").await > 0).then_some(())
    })
    .await;
    drop(socket);
    eventually("the spool is empty", || async { (uploads() == 0).then_some(()) }).await;
    assert_eq!(server.metric("demitasse_spool_bytes").await, 0);
    assert_eq!(server.metric("demitasse_pool_connections_max{pool=\"metadata_writer\"}").await, 1);
    assert_eq!(files_below(&data.path().join("blobs")), 0);
    assert_eq!(server.json("/images").await, json!([]));
    let id = server.upload(png(8, 8, 1)).await.unwrap();
    assert_eq!(server.ended(&id).await["status"], "succeeded");
}

fn files_below(folder: &std::path::Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_name() != ".lock" && entry.file_name() != "lock")
        .map(|entry| if entry.file_type().unwrap().is_dir() { files_below(&entry.path()) } else { 1 })
        .sum()
}

#[tokio::test]
async fn a_graceful_stop_lets_the_running_job_end() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "1"], "");
    let id = server.upload(noisy_png(400, 400, 1)).await.unwrap();
    let mut events = server.client.get(format!("{}/v1/events", server.url)).send().await.unwrap();
    eventually("the job runs", || async {
        (server.json(&format!("/v1/tasks/{id}")).await["status"] != "queued").then_some(())
    })
    .await;
    assert_eq!(server.stop().await, Some(0));
    // The stream of events did not hold the server up, and ended whole.
    while events.chunk().await.unwrap().is_some() {}

    let server = Server::start(data.path(), &["--workers", "0"], "");
    let task = server.json(&format!("/v1/tasks/{id}")).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
}

#[tokio::test]
async fn a_stop_without_grace_gives_the_job_back_uncounted() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "1", "--grace", "0"], "");
    let id = server.upload(noisy_png(1200, 1200, 1)).await.unwrap();
    eventually("the job runs", || async {
        (server.json(&format!("/v1/tasks/{id}")).await["status"] == "running").then_some(())
    })
    .await;
    assert_eq!(server.stop().await, Some(0));
    let server = Server::start(data.path(), &["--workers", "0"], "");
    let task = server.json(&format!("/v1/tasks/{id}")).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("queued"), &json!(0)), "{task}");
}

#[tokio::test]
async fn the_health_check_and_the_doctor_tell_good_from_bad() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &[], "");
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let healthy = || command().args(["healthcheck", "--listen", &address]).output().unwrap();
    assert_eq!(healthy().status.code(), Some(0));
    // The doctor finds the address taken and the data in use.
    let output =
        command().args(["doctor", "--listen", &address, "--data"]).arg(data.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), text.matches("FAIL").count()), (Some(2), 2), "{text}");

    assert_eq!(server.stop().await, Some(0));
    assert_eq!(healthy().status.code(), Some(1));
    let output =
        command().args(["doctor", "--listen", &address, "--data"]).arg(data.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!((output.status.code(), text.matches("FAIL").count()), (Some(0), 0), "{text}");
    let output = command()
        .args(["doctor", "--listen", &address, "--min-free-disk", "9EB", "--data"])
        .arg(data.path())
        .output()
        .unwrap();
    let low = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(low.contains("uploads are refused below"), "{low}");
    assert!(text.contains("a child process made"), "{text}");
}

#[tokio::test]
async fn what_needs_more_memory_than_a_job_may_have_is_refused_with_both_numbers() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "1", "--memory", "512"], "");
    let id = server.upload(png(5000, 5000, 1)).await.unwrap();
    let task = server.ended(&id).await;
    assert_eq!(
        (&task["status"], &task["error"]["code"]),
        (&json!("failed"), &json!("limit_exceeded")),
        "{task}"
    );
    let detail = task["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("needs about 691 MB of memory"), "{detail}");
    // The job beside it is none the worse.
    let id = server.upload(png(50, 50, 1)).await.unwrap();
    assert_eq!(server.ended(&id).await["status"], "succeeded");
}

#[test]
fn the_shells_and_the_manual_know_the_commands() {
    for args in [&["completions", "bash"][..], &["completions", "zsh"], &["completions", "fish"], &["man"]] {
        let output = command().args(args).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && text.contains("doctor"), "{args:?}");
        assert!(!text.contains("ENGINE-CHILD"), "{args:?}");
    }
}

#[test]
fn a_child_whose_parent_is_gone_ends() {
    let mut child = command()
        .args(["engine-child", "--max-bytes", "1000", "--memory", "4000000000", "--cpu-seconds", "10"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdin.take());
    let mut answer = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut answer).unwrap();
    assert!(answer.is_empty());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(feature = "failpoints")]
mod failpoints {
    use super::*;

    /// Dies at `point`, starts again, and gives the uploads that exist when all is quiet.
    async fn survives(point: &str, accepted: bool) {
        let data = TempDir::new().unwrap();
        let mut server = Server::start(data.path(), &["--workers", "1"], &format!("{point}=return(kill)"));
        let answer = server.upload(png(24, 24, 1)).await;
        assert_eq!(server.wait().await, None, "{point} was not reached");
        drop(answer);

        let server = Server::start(data.path(), &["--workers", "1", "--lease", "1"], "");
        let images = server.json("/v1/images").await["data"].as_array().unwrap().clone();
        assert_eq!(images.len(), usize::from(accepted), "{point}");
        for image in images {
            let task = server.ended(image["task_id"].as_str().unwrap()).await;
            assert_eq!(task["status"], "succeeded", "{point}: {task}");
            let variant = task["image"]["variant"]["url"].as_str().unwrap().to_owned();
            let bytes = server.client.get(variant).send().await.unwrap().error_for_status().unwrap();
            assert!(!bytes.bytes().await.unwrap().is_empty());
        }
        assert!(spooled(data.path()).is_empty(), "{point}");
        // A second look finds nothing left to do.
        eventually("the queue is empty", || async {
            let depth = server.metric("demitasse_queue_depth{state=\"ready\"}").await
                + server.metric("demitasse_queue_depth{state=\"claimed\"}").await;
            (depth == 0).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn killed_before_the_upload_is_recorded_it_was_never_accepted() {
        survives("upload.stored", false).await;
    }

    #[tokio::test]
    async fn killed_once_the_upload_is_recorded_it_is_finished() {
        survives("upload.recorded", true).await;
    }

    #[tokio::test]
    async fn killed_with_a_claim() {
        // The row does not know this lease yet, so the job waits until it runs out.
        survives_a_short_lease("job.claimed").await;
    }

    async fn survives_a_short_lease(point: &str) {
        let data = TempDir::new().unwrap();
        let failpoint = format!("{point}=return(kill)");
        let mut server = Server::start(data.path(), &["--workers", "1", "--lease", "1"], &failpoint);
        drop(server.upload(png(24, 24, 1)).await);
        assert_eq!(server.wait().await, None);
        let server = Server::start(data.path(), &["--workers", "1", "--lease", "1"], "");
        let image = server.json("/v1/images").await["data"][0].clone();
        let task = server.ended(image["task_id"].as_str().unwrap()).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)));
    }

    #[tokio::test]
    async fn killed_after_the_start() {
        survives("job.started", true).await;
    }

    #[tokio::test]
    async fn killed_after_the_compression() {
        survives("job.compressed", true).await;
    }

    #[tokio::test]
    async fn killed_after_the_variant_is_stored() {
        survives("job.stored", true).await;
    }

    #[tokio::test]
    async fn killed_after_the_variant_is_visible() {
        survives_a_short_lease("job.finished").await;
    }

    #[tokio::test]
    async fn killed_after_the_news() {
        survives_a_short_lease("job.published").await;
    }

    /// Dies at `point` of a deletion, starts again, and finds the image whole or gone.
    async fn deletes(point: &str, gone: bool) {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--sweep", "1"];
        let mut server = Server::start(data.path(), &args, &format!("{point}=return(kill)"));
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let task = server.ended(&id).await;
        let path = format!("/v1/images/{}", task["image"]["id"].as_str().unwrap());
        let answer = server.client.delete(format!("{}{path}", server.url)).send().await;
        assert_eq!(server.wait().await, None, "{point} was not reached");
        assert!(answer.is_err(), "{point}: nobody was told that it is done");

        let server = Server::start(data.path(), &args, "");
        let images = server.json("/v1/images").await["data"].as_array().unwrap().clone();
        assert_eq!(images.len(), usize::from(!gone), "{point}");
        for image in images {
            for blob in ["original", "variant"] {
                let url = image[blob]["url"].as_str().unwrap();
                server.client.get(url).send().await.unwrap().error_for_status().unwrap();
            }
        }
        let again = server.client.delete(format!("{}{path}", server.url)).send().await.unwrap();
        assert_eq!(again.status(), 204, "{point}");
        assert_eq!(server.json("/v1/images").await["data"], json!([]), "{point}");
    }

    #[tokio::test]
    async fn killed_before_the_rows_are_deleted_the_image_stays_whole() {
        deletes("delete.begun", false).await;
    }

    #[tokio::test]
    async fn killed_once_the_rows_are_deleted_the_image_stays_gone() {
        deletes("delete.deleted", true).await;
    }

    /// Removals without the times that protect those who are slow: nobody is, here.
    const AT_ONCE: &str = "removal.grace=return(0);removal.abandoned=return(0)";

    /// Dies at `point` of a removal, and the next start ends it; the same bytes can be uploaded again.
    async fn removes(point: &str) {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--sweep", "1"];
        let mut server = Server::start(data.path(), &args, &format!("{AT_ONCE};{point}=return(kill)"));
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let image = server.ended(&id).await["image"]["id"].as_str().unwrap().to_owned();
        server.client.delete(format!("{}/v1/images/{image}", server.url)).send().await.ok();
        assert_eq!(server.wait().await, None, "{point} was not reached");

        let server = Server::start(data.path(), &args, AT_ONCE);
        no_blobs(data.path()).await;
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let url = server.ended(&id).await["image"]["original"]["url"].as_str().unwrap().to_owned();
        let answer = server.client.get(url).send().await.unwrap();
        assert_eq!(answer.bytes().await.unwrap(), png(24, 24, 1), "{point}");
    }

    async fn no_blobs(data: &std::path::Path) {
        let blobs = ["original", "variant"].map(|kind| data.join("blobs").join(kind));
        eventually("no blob is left", || async {
            (blobs.iter().map(|dir| files_below(dir)).sum::<usize>() == 0).then_some(())
        })
        .await;
    }

    #[tokio::test]
    async fn killed_when_a_removal_was_begun_the_next_start_ends_it() {
        removes("removal.begun").await;
    }

    #[tokio::test]
    async fn killed_when_a_blob_was_deleted_the_next_start_ends_its_removal() {
        removes("removal.deleted").await;
    }

    #[tokio::test]
    async fn killed_between_the_bytes_and_the_row_the_bytes_go() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--sweep", "1"];
        let mut server = Server::start(data.path(), &args, "upload.stored=return(kill)");
        server.upload(png(24, 24, 1)).await.unwrap_err();
        assert_eq!(server.wait().await, None);
        assert_eq!(files_below(&data.path().join("blobs/original")), 1);
        let _server = Server::start(data.path(), &args, AT_ONCE);
        no_blobs(data.path()).await;
        assert!(spooled(data.path()).is_empty());
    }

    #[tokio::test]
    async fn killed_between_a_result_and_its_row_the_result_of_a_deleted_image_goes() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--sweep", "1"];
        let mut server = Server::start(data.path(), &args, "job.stored=return(kill)");
        server.upload(png(24, 24, 1)).await.ok();
        assert_eq!(server.wait().await, None);
        assert_eq!(files_below(&data.path().join("blobs/variant")), 1);
        let server = Server::start(data.path(), &["--workers", "0", "--sweep", "1"], AT_ONCE);
        let image = server.json("/v1/images").await["data"][0]["id"].as_str().unwrap().to_owned();
        server.client.delete(format!("{}/v1/images/{image}", server.url)).send().await.unwrap();
        no_blobs(data.path()).await;
    }

    #[tokio::test]
    async fn a_job_that_kills_the_server_each_time_is_given_up() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--max-attempts", "2"];
        let mut id = None;
        for attempt in 1..=2 {
            let mut server = Server::start(data.path(), &args, "job.started=return(kill)");
            if attempt == 1 {
                id = server.upload(png(24, 24, 1)).await.ok();
            }
            assert_eq!(server.wait().await, None);
        }
        let server = Server::start(data.path(), &args, "job.started=return(kill)");
        let images = server.json("/v1/images").await;
        let task_id = images["data"][0]["task_id"].as_str().unwrap();
        assert!(id.is_none_or(|id| id == task_id));
        let task = server.ended(task_id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(2)));
        assert_eq!(task["error"]["code"], "crashed");
        let dead = server.json("/v1/dead-letters").await;
        assert_eq!(dead["data"][0]["id"], task_id);
        assert_eq!(server.metric("demitasse_queue_depth{state=\"dead\"}").await, 1);
        server.stop().await;

        // The cause is gone: it is tried again, with every attempt.
        let server = Server::start(data.path(), &args, "");
        let retry = format!("{}/v1/tasks/{task_id}/retry", server.url);
        assert_eq!(server.client.post(retry).send().await.unwrap().status(), 200);
        let task = server.ended(task_id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
        assert_eq!(server.json("/v1/dead-letters").await["data"], json!([]));
        assert_eq!(server.metric("demitasse_queue_depth{state=\"dead\"}").await, 0);
    }

    #[tokio::test]
    async fn jobs_that_crash_each_time_hold_nobody_up() {
        let data = TempDir::new().unwrap();
        // The first three children die, and their jobs wait for the next attempt.
        let args = ["--workers", "1", "--retry-delay", "60000", "--max-attempts", "2"];
        let server = Server::start(data.path(), &args, "engine.spawned=3*return(kill_child)");
        let mut poison = Vec::new();
        for seed in 1..=3 {
            poison.push(server.upload(png(24, 24, seed)).await.unwrap());
        }
        let good = server.upload(png(24, 24, 4)).await.unwrap();
        assert_eq!(server.ended(&good).await["status"], "succeeded");
        for id in poison {
            let task = server.json(&format!("/v1/tasks/{id}")).await;
            assert_eq!((&task["status"], &task["attempt"]), (&json!("retrying"), &json!(1)), "{task}");
        }
    }

    #[tokio::test]
    async fn a_crash_in_the_child_costs_one_attempt() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--retry-delay", "1"];
        let server = Server::start(data.path(), &args, "engine.spawned=1*return(kill_child)");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(2)), "{task}");
    }

    #[tokio::test]
    async fn a_child_that_crashes_each_time_fails_the_job_with_the_cause() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--retry-delay", "1", "--max-attempts", "3"];
        let server = Server::start(data.path(), &args, "engine.child=return(abort)");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(3)), "{task}");
        assert_eq!(task["error"]["code"], "crashed");
        assert!(task["error"]["detail"].as_str().unwrap().contains("signal 6"), "{task}");
        assert_eq!(server.client.get(format!("{}/healthz", server.url)).send().await.unwrap().status(), 200);
    }

    #[tokio::test]
    async fn no_child_outlives_a_killed_server() {
        let data = TempDir::new().unwrap();
        let server = Server::start(data.path(), &["--workers", "1"], "engine.child=return(spin)");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let parent = server.id();
        let child = eventually("the child runs", || async { child_of(parent) }).await;
        server.kill();
        eventually("the child is gone", || async {
            (!std::path::Path::new(&format!("/proc/{child}/task/{child}")).exists() || is_zombie(child))
                .then_some(())
        })
        .await;
        drop(id);
    }

    fn child_of(parent: u32) -> Option<u32> {
        let children =
            std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let of_threads = std::fs::read_dir(format!("/proc/{parent}/task"))
            .ok()?
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        let all: String = of_threads.chain([children]).collect();
        all.split_whitespace().next()?.parse().ok()
    }

    fn is_zombie(pid: u32) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }

    #[tokio::test]
    async fn a_full_disk_refuses_the_upload_and_keeps_nothing() {
        for point in ["spool.write", "upload.put"] {
            let data = TempDir::new().unwrap();
            let server = Server::start(data.path(), &[], &format!("{point}=2*return(full)"));
            let send = async |path: &str| {
                let part = reqwest::multipart::Part::bytes(png(24, 24, 1)).file_name("a.png");
                let form = reqwest::multipart::Form::new().part("image", part);
                let answer =
                    server.client.post(format!("{}{path}", server.url)).multipart(form).send().await.unwrap();
                (answer.status().as_u16(), answer.json::<serde_json::Value>().await.unwrap())
            };
            let (status, body) = send("/images/upload").await;
            let words = "There is no room left on the server; nothing was kept.";
            assert_eq!((status, body), (507, json!({ "error": words })), "{point}");
            let (status, body) = send("/v1/images").await;
            assert_eq!((status, &body["code"]), (507, &json!("storage_full")), "{point}");
            assert_eq!(server.json("/images").await, json!([]));
            assert!(spooled(data.path()).is_empty());
            assert_eq!(files_below(&data.path().join("blobs")), 0);
            assert_eq!(send("/images/upload").await.0, 200, "{point}: there is room again");
        }
    }

    #[tokio::test]
    async fn no_room_for_a_result_is_tried_again() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--retry-delay", "1"];
        let server = Server::start(data.path(), &args, "job.put=1*return(full)");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(2)), "{task}");
    }
}

#[tokio::test]
async fn a_worker_on_stores_of_one_process_is_refused_with_a_sentence_for_each() {
    let data = tempfile::tempdir().unwrap();
    let output = command().args(["worker", "--data"]).arg(data.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in ["--metadata sqlite", "--storage file", "postgres://", "s3://"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[tokio::test]
async fn the_variables_of_the_original_are_read_and_their_placeholders_refused() {
    let output = command().arg("serve").env("MONGODB_URI", "<your_mongodb_uri>").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("MONGODB_URI") && said.contains("<your_mongodb_uri>"), "{said}");
}

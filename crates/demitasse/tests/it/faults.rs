use jiff::SignedDuration;
use serde_json::json;

use crate::support::{TestApp, noisy_png, png};

/// A week.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

#[tokio::test]
async fn a_clock_that_is_set_back_changes_neither_order_nor_results() {
    let app = TestApp::with(|config| config.space.retain_for = Some(WEEK.unsigned_abs())).await;
    let first = app.upload(&png(24, 24, 1)).await;
    app.clock.advance(-WEEK * 100);
    assert_eq!(app.app.delete_expired().await.unwrap(), 0, "nothing is old");
    let second = app.upload(&png(24, 24, 2)).await;
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&second).await["status"], "succeeded", "what comes now is done now");
    assert_eq!(app.task(&first).await["status"], "queued", "it was for a time that is not yet again");
    app.clock.advance(WEEK * 100);
    app.app.run_pending_jobs().await;
    for id in [&first, &second] {
        let task = app.task(id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
    }
    let images = app.get("/v1/images").await.json();
    let ids: Vec<_> = images["data"].as_array().unwrap().iter().map(|image| &image["task_id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)], "newest first, by acceptance");
}

#[tokio::test]
async fn a_clock_that_leaps_ahead_takes_a_job_from_its_worker_and_gives_it_to_another_once() {
    let app = TestApp::new().await;
    let id = app.upload(&noisy_png(64, 64, 1)).await;
    let lease = std::time::Duration::from_secs(30);
    let lost = app.backends.queue.claim("one that is slow", lease).await.unwrap().unwrap();
    assert!(app.backends.queue.claim("another", lease).await.unwrap().is_none());
    app.clock.advance(WEEK * 50);
    app.app.run_pending_jobs().await;
    let task = app.task(&id).await;
    assert_eq!(task["status"], "succeeded", "{task}");
    assert!(!app.backends.queue.ack(lost).await.unwrap(), "the first has nothing to say any more");
    app.clock.advance(-WEEK * 50);
    app.app.run_pending_jobs().await;
    assert_eq!(app.task(&id).await, task);
}

#[tokio::test]
async fn ids_of_one_moment_differ_and_those_of_an_earlier_one_are_no_obstacle() {
    let app = TestApp::new().await;
    let mut ids = std::collections::BTreeSet::new();
    for seed in 0..8 {
        ids.insert(app.upload(&png(24, 24, seed)).await);
        app.clock.advance(SignedDuration::from_secs(if seed % 2 == 0 { 0 } else { -3600 }));
    }
    assert_eq!(ids.len(), 8);
    app.app.run_pending_jobs().await;
}

#[cfg(target_os = "linux")]
mod real {
    use std::path::Path;

    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    use serde_json::json;
    use tempfile::TempDir;

    use crate::support::{Server, command, noisy_png, png, spooled};

    /// No file may grow beyond 512 kB, which is told by an error and not by a signal.
    const NARROW: [&str; 4] = ["sh", "-c", "trap '' XFSZ; ulimit -S -f 1024; exec \"$@\"", "sh"];

    #[tokio::test]
    async fn where_nothing_can_grow_uploads_are_refused_what_was_accepted_stays_and_room_ends_it() {
        let data = TempDir::new().unwrap();
        let server = Server::under(&NARROW, data.path(), &["--workers", "0"]);
        let (status, body) = server.try_upload(noisy_png(500, 500, 1)).await;
        assert_eq!((status, &body["code"]), (507, &json!("storage_full")), "{body}");
        assert!(spooled(data.path()).is_empty());

        // Small ones, until the database's log has no room.
        let mut accepted = Vec::new();
        let refused = loop {
            let (status, body) = server.try_upload(png(24, 24, accepted.len() as u8)).await;
            if status != 202 {
                break (status, body);
            }
            accepted.push(body["id"].as_str().unwrap().to_owned());
            assert!(accepted.len() < 200, "the limit is not felt");
        };
        // A log that is cut off by a limit is an error of the disk to SQLite, where half a page was written a full one.
        assert!(matches!(refused.0, 503 | 507), "{refused:?}");
        assert!(!refused.1.to_string().contains("sqlite"), "{refused:?}");
        assert!(spooled(data.path()).is_empty());
        for id in &accepted {
            assert_eq!(server.status(&format!("/v1/tasks/{id}")).await, 200, "reading goes on");
        }

        let unlimited = Rlimit { current: None, maximum: None };
        prlimit(Pid::from_raw(server.id().cast_signed()), Resource::Fsize, unlimited).unwrap();
        let (status, body) = server.try_upload(noisy_png(500, 500, 1)).await;
        assert_eq!(status, 202, "{body}");
        accepted.push(body["id"].as_str().unwrap().to_owned());
        drop(server);
        let server = Server::start(data.path(), &["--workers", "0"], "");
        for id in &accepted {
            assert_eq!(server.json(&format!("/v1/tasks/{id}")).await["status"], "queued");
        }
    }

    /// Under strace, calls of these names fail as on a disk that was made read-only.
    fn read_only(calls: &str) -> [String; 6] {
        let inject = format!("inject={calls}:error=EROFS");
        ["strace", "-f", "-I2", "-o/dev/null", "-e", &inject].map(str::to_owned)
    }

    #[tokio::test]
    async fn on_a_read_only_disk_uploads_are_told_to_come_again_and_reading_goes_on() {
        let data = TempDir::new().unwrap();
        let server = Server::start(data.path(), &["--workers", "1"], "");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let variant = server.ended(&id).await["image"]["variant"]["url"].as_str().unwrap().to_owned();
        let path = variant.strip_prefix(&server.url).unwrap().to_owned();
        assert_eq!(server.stop().await, Some(0));

        let wrapper = read_only("?link,?linkat,?rename,?renameat,?renameat2");
        let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        let server = Server::under(&wrapper, data.path(), &["--workers", "0"]);
        let (status, body) = server.try_upload(png(24, 24, 2)).await;
        assert_eq!((status, &body["code"]), (503, &json!("unavailable")), "{body}");
        assert!(spooled(data.path()).is_empty());
        assert_eq!(server.status(&path).await, 200);
        let ready = server.client.get(format!("{}/readyz", server.url)).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        drop(server);

        let server = Server::start(data.path(), &["--workers", "0"], "");
        assert_eq!(
            server.json("/v1/images").await["data"].as_array().unwrap().len(),
            1,
            "nothing of it was kept"
        );
        server.upload(png(24, 24, 2)).await.unwrap();
    }

    #[test]
    fn a_start_on_a_read_only_disk_is_refused_with_a_sentence() {
        let data = TempDir::new().unwrap();
        let wrapper = read_only("?mkdir,?mkdirat");
        let mut start = std::process::Command::new(&wrapper[0]);
        start.env_clear().args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_demitasse"));
        start.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path());
        let output = start.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("Read-only file system") && said.contains(data.path().to_str().unwrap()),
            "{said}"
        );
    }

    /// Breaks every page of the database that has `text` in it, the first page not counted; says how many.
    fn break_pages(database: &Path, text: &str) -> usize {
        const PAGE: usize = 4096;
        let mut bytes = std::fs::read(database).unwrap();
        let mut broken = 0;
        for page in bytes.chunks_mut(PAGE).skip(1) {
            if page.windows(text.len()).any(|window| window == text.as_bytes()) {
                page.fill(0xff);
                broken += 1;
            }
        }
        std::fs::write(database, bytes).unwrap();
        broken
    }

    fn doctor(data: &Path) -> (Option<i32>, String) {
        let doctor =
            command().args(["doctor", "--listen", "127.0.0.1:0", "--data"]).arg(data).output().unwrap();
        (doctor.status.code(), String::from_utf8_lossy(&doctor.stdout).into_owned())
    }

    #[tokio::test]
    async fn a_broken_page_is_an_error_without_internals_and_takes_the_server_out_of_service() {
        let original = TempDir::new().unwrap();
        let server = Server::start(original.path(), &["--workers", "1"], "");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let image = server.ended(&id).await["image"]["id"].as_str().unwrap().to_owned();
        // A copy that was put back has everything in the database, and nothing in its log.
        let copies = TempDir::new().unwrap();
        let (backup, data) = (copies.path().join("backup"), copies.path().join("data"));
        for (verb, to, from) in
            [("backup", &backup, original.path().to_owned()), ("restore", &backup, data.clone())]
        {
            let done = command().arg(verb).arg(to).arg("--data").arg(from).output().unwrap();
            assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        }
        drop(server);
        assert!(break_pages(&data.join("demitasse.db"), &image) > 0);

        let (code, said) = doctor(&data);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("pages of it are broken") && said.contains("restore a backup"), "{said}");

        let server = Server::start(&data, &["--workers", "0"], "");
        let answer = server.client.get(format!("{}/v1/images/{image}", server.url)).send().await.unwrap();
        assert_eq!(answer.status(), 500);
        let body: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(body["detail"], "The cause is in the server's log.", "{body}");
        assert_eq!(server.status("/readyz").await, 503);
    }

    #[test]
    fn a_database_that_is_none_is_refused_with_a_sentence() {
        let data = TempDir::new().unwrap();
        let path = data.path().join("demitasse.db");
        std::fs::write(&path, [0x5a; 8192]).unwrap();
        let output =
            command().args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(path.to_str().unwrap()) && said.contains("not a database"), "{said}");
        assert_eq!(std::fs::read(&path).unwrap(), [0x5a; 8192], "nothing was written over it");
    }
}

#[cfg(all(feature = "failpoints", unix))]
#[tokio::test]
async fn a_child_that_hangs_is_ended_at_the_deadline_and_costs_one_attempt() {
    let data = tempfile::TempDir::new().unwrap();
    let args = ["--workers", "1", "--deadline", "1", "--max-attempts", "1"];
    let server = crate::support::Server::start(data.path(), &args, "engine.child=return(spin)");
    let id = server.upload(png(24, 24, 1)).await.unwrap();
    let task = server.ended(&id).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)), "{task}");
    assert_eq!(task["error"]["code"], "deadline_exceeded");
    assert_eq!(server.status("/readyz").await, 200);
}

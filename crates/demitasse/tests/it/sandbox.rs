//! On a system that has the whole sandbox, as every Linux of the last years does; a container whose profile forbids it
//! fails here, as `--sandbox require` would.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use demitasse::config::SandboxMode;
use demitasse_engine::{Control, Format, Limits, OutputFormat, Request, compress};
use jiff::SignedDuration;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Server, TestApp, command, noisy_png, png};

/// How an attempt was stopped: by an error, or not at all. (3: it could not be made.)
const STOPPED: Option<i32> = Some(42);
const THROUGH: Option<i32> = Some(43);

/// The signal of who makes a system call that ends the process.
const SIGSYS: i32 = 31;

/// What became of `attempt` in `layers`: an exit code, or a signal.
fn tried(layers: &[&str], attempt: &str) -> (Option<i32>, Option<i32>) {
    let mut command = command();
    command.arg("sandbox-proof").args(layers.iter().flat_map(|layer| ["--layer", layer]));
    let output = command.args(["--attempt", attempt]).output().unwrap();
    (output.status.code(), output.status.signal())
}

#[test]
fn without_a_sandbox_everything_that_is_tried_gets_through() {
    for attempt in ["inherit", "open", "thread", "socket", "fork"] {
        assert_eq!(tried(&[], attempt), (THROUGH, None), "{attempt}");
    }
    // It became `demitasse --version`.
    assert_eq!(tried(&[], "exec"), (Some(0), None));
}

#[test]
fn each_layer_stops_by_itself_what_it_is_there_for() {
    for (layer, attempt, ended) in [
        ("limits", "open", (STOPPED, None)),
        ("limits", "socket", (STOPPED, None)),
        ("landlock", "open", (STOPPED, None)),
        ("landlock", "exec", (STOPPED, None)),
        // What is open stays open for all but the filter.
        ("limits", "inherit", (THROUGH, None)),
        ("landlock", "inherit", (THROUGH, None)),
        ("seccomp", "inherit", (STOPPED, None)),
        ("seccomp", "open", (STOPPED, None)),
        ("seccomp", "thread", (STOPPED, None)),
        ("seccomp", "socket", (None, Some(SIGSYS))),
        ("seccomp", "exec", (None, Some(SIGSYS))),
        ("seccomp", "fork", (None, Some(SIGSYS))),
    ] {
        assert_eq!(tried(&[layer], attempt), ended, "{layer}, {attempt}");
    }
}

#[tokio::test]
async fn what_is_in_force_is_said_by_the_server_and_by_the_doctor() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--sandbox", "require"], "");
    let full = json!({ "state": "full", "layers": ["limits", "landlock", "seccomp"] });
    assert_eq!(server.json("/readyz").await["sandbox"], full);
    assert_eq!(server.stop().await, Some(0));
    let doctor = doctor(&data, &[]);
    assert!(doctor.contains("sandbox         full: limits, landlock, seccomp"), "{doctor}");
    let server = Server::start(data.path(), &["--sandbox", "off"], "");
    assert_eq!(server.json("/readyz").await["sandbox"], json!({ "state": "off", "layers": [] }));
    let id = server.upload(png(24, 24, 1)).await.unwrap();
    assert_eq!(server.ended(&id).await["status"], "succeeded");
    drop(server);
    // Nothing is decoded here.
    let server = Server::start(data.path(), &["--workers", "0", "--sandbox", "require"], "");
    assert!(server.json("/readyz").await.get("sandbox").is_none());
}

fn doctor(data: &TempDir, args: &[&str]) -> String {
    let output =
        command().args(["doctor", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()).args(args).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

/// One of each format that is read, with the same picture; TIFF is decoded in Rust, as BMP is.
fn inputs() -> Vec<Vec<u8>> {
    let picture = noisy_png(48, 40, 1);
    let written = [Format::Jpeg, Format::Webp, Format::Avif].map(|format| {
        let request = Request::default().with_format(OutputFormat::of(format));
        compress(&picture, &request, &Limits::default(), &Control::new()).unwrap().bytes
    });
    let gif = b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec();
    let mut bmp = b"BM\x36\x03\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x10\0\0\0\x10\0\0\0\x01\0\x18\0".to_vec();
    bmp.resize(54, 0);
    bmp.resize(54 + 16 * 16 * 3, 90);
    let mut all = vec![picture, gif, bmp];
    all.extend(written);
    all
}

#[tokio::test]
async fn every_format_is_read_and_written_in_the_whole_sandbox() {
    let app = TestApp::with(|config| config.worker.sandbox = SandboxMode::Require).await;
    let mut ids = Vec::new();
    for (number, input) in inputs().iter().enumerate() {
        for query in [
            "format=keep",
            "format=jpeg",
            "format=png",
            "format=webp",
            "format=avif",
            "format=auto&effort=fast",
            "format=jpeg&quality=60&effort=fast",
            "format=webp&max_bytes=3000",
            "preset=lossless",
            "resize=fit&width=20&height=20&format=png",
        ] {
            // A GIF's pixels stay as they are.
            if number == 1 && query != "format=keep" {
                continue;
            }
            let answer = app.post(&format!("/v1/images?{query}"), "image", "a.png", input).await;
            ids.push((
                answer.json()["id"].as_str().unwrap_or_else(|| panic!("{query}: {answer:?}")).to_owned(),
                query,
            ));
        }
    }
    app.app.run_pending_jobs().await;
    for (id, query) in &ids {
        let task = app.task(id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{query}: {task}");
    }
    assert_eq!(ids.len(), 51);
}

#[tokio::test]
async fn children_beside_each_other_are_all_in_it() {
    let data = TempDir::new().unwrap();
    let server = Server::start(data.path(), &["--workers", "3", "--sandbox", "require"], "");
    let uploads = (0..12).map(|seed| server.upload(noisy_png(60, 60, seed)));
    for id in futures_util::future::try_join_all(uploads).await.unwrap() {
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
    }
}

#[cfg(feature = "failpoints")]
mod failpoints {
    use super::*;
    use crate::support::eventually;

    /// A program whose first child that compresses has another program's code in it, as far as the kernel can tell.
    fn taken_over_once(folder: &TempDir) -> std::path::PathBuf {
        let (program, marker) = (folder.path().join("demitasse"), folder.path().join("done"));
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = engine-child ] && [ ! -e '{marker}' ]; then\n  : > '{marker}'\n  \
             export FAILPOINTS='engine.child=return(socket)'\nfi\nexec '{binary}' \"$@\"\n",
            marker = marker.display(),
            binary = env!("CARGO_BIN_EXE_demitasse")
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        program
    }

    #[tokio::test]
    async fn a_child_that_tries_a_socket_costs_one_attempt_of_one_job() {
        let folder = TempDir::new().unwrap();
        let program = taken_over_once(&folder);
        let app = TestApp::with(|config| {
            config.worker.program = Some(program);
            config.worker.sandbox = SandboxMode::Require;
        })
        .await;
        let (hit, beside) = (app.upload(&png(24, 24, 1)).await, app.upload(&png(24, 24, 2)).await);
        app.app.run_pending_jobs().await;
        let task = app.task(&hit).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("retrying"), &json!(1)), "{task}");
        assert_eq!(app.task(&beside).await["status"], "succeeded");
        app.clock.advance(SignedDuration::from_secs(2));
        app.app.run_pending_jobs().await;
        let task = app.task(&hit).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(2)), "{task}");
    }

    #[tokio::test]
    async fn a_job_whose_child_is_ended_each_time_fails_with_the_cause() {
        let data = TempDir::new().unwrap();
        let args = ["--workers", "1", "--retry-delay", "1", "--max-attempts", "2", "--sandbox", "require"];
        let server = Server::start(data.path(), &args, "engine.child=return(socket)");
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        let task = server.ended(&id).await;
        assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(2)), "{task}");
        assert_eq!(task["error"]["code"], "crashed");
        assert!(task["error"]["detail"].as_str().unwrap().contains("ended by its sandbox"), "{task}");
        let alive = server.client.get(format!("{}/healthz", server.url)).send().await.unwrap();
        assert_eq!(alive.status(), 200);
    }

    const MISSING: &str = "engine.child.landlock=return(missing)";

    fn refused(command: &mut Command) -> Output {
        let output = command.env("FAILPOINTS", MISSING).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        output
    }

    #[test]
    fn where_a_layer_is_missing_require_refuses_with_its_name() {
        let data = TempDir::new().unwrap();
        let args = ["--listen", "127.0.0.1:0", "--sandbox", "require", "--data"];
        let output = refused(command().arg("serve").args(args).arg(data.path()));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("--sandbox require, and on this system it is partial: limits, seccomp"),
            "{text}"
        );
        assert!(text.contains("landlock: missing, says a test"), "{text}");
        let output = refused(command().arg("doctor").args(args).arg(data.path()));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("FAIL  sandbox"), "{text}");
    }

    #[tokio::test]
    async fn where_a_layer_is_missing_auto_works_in_the_others_and_says_so() {
        let data = TempDir::new().unwrap();
        let server = Server::start(data.path(), &["--workers", "1"], MISSING);
        let partial = json!({ "state": "partial", "layers": ["limits", "seccomp"] });
        let ready = server.json("/readyz").await;
        assert_eq!((&ready["sandbox"], &ready["ready"]), (&partial, &json!(true)));
        let id = server.upload(png(24, 24, 1)).await.unwrap();
        assert_eq!(server.ended(&id).await["status"], "succeeded");
    }

    #[test]
    fn a_child_that_cannot_have_a_layer_does_no_image() {
        let mut command = command();
        command.args([
            "engine-child",
            "--max-bytes",
            "1000",
            "--memory",
            "4000000000",
            "--cpu-seconds",
            "10",
        ]);
        let output = command.args(["--layer", "landlock"]).env("FAILPOINTS", MISSING).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(3), 0), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("landlock: missing"), "{output:?}");
    }

    #[tokio::test]
    async fn the_kernel_says_of_a_child_at_work_that_it_is_in_the_sandbox() {
        let data = TempDir::new().unwrap();
        let server = Server::start(data.path(), &["--workers", "1"], "engine.child=return(spin)");
        server.upload(png(24, 24, 1)).await.unwrap();
        let parent = server.id();
        // Between the start and the sandbox it is a program as any other.
        eventually("a child is in its sandbox", || async {
            let (status, score) = (of_child(parent, "status")?, of_child(parent, "oom_score_adj")?);
            let is = |line: &str| status.lines().any(|found| found.split_whitespace().eq(line.split(' ')));
            // Linux ends it first where memory runs out.
            let goes_first = score.trim() == "1000";
            (is("Seccomp: 2") && is("Seccomp_filters: 2") && is("NoNewPrivs: 1") && goes_first).then_some(())
        })
        .await;
    }

    /// What the kernel says of a child of `parent` in this file.
    fn of_child(parent: u32, file: &str) -> Option<String> {
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).ok()?;
        let mut children =
            tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("children")).ok());
        let child = children.find_map(|children| children.split_whitespace().next().map(str::to_owned))?;
        std::fs::read_to_string(format!("/proc/{child}/{file}")).ok()
    }
}

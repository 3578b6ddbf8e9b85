//! The real binary, on a free port and a directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::eventually;

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) client: reqwest::Client,
    child: Child,
    /// Asked to stop in the end, and not killed: who is killed leaves behind what it has started.
    is_wrapped: bool,
}

impl Server {
    /// Starts `demitasse serve` and waits for its line.
    pub(crate) fn start(data: &Path, args: &[&str], failpoints: &str) -> Self {
        Self::at("127.0.0.1:0", data, args, failpoints)
    }

    /// The same at an address of one's own choice.
    pub(crate) fn at(listen: &str, data: &Path, args: &[&str], failpoints: &str) -> Self {
        let mut command = command();
        command.args(["serve", "--listen", listen, "--data"]).arg(data).args(args);
        Self::spawn(command.env("FAILPOINTS", failpoints))
    }

    /// The same as a child of `wrapper`, a program with its options, which is told to stop in the end.
    #[cfg(target_os = "linux")]
    pub(crate) fn under(wrapper: &[&str], data: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(wrapper[0]);
        command.env_clear().args(&wrapper[1..]).arg(env!("CARGO_BIN_EXE_demitasse"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).args(args);
        let mut server = Self::spawn(&mut command);
        server.is_wrapped = true;
        server
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        // The log is shown by the test harness if the test fails.
        std::thread::spawn(move || {
            let mut log = String::new();
            stderr.read_to_string(&mut log).ok();
            eprintln!("{log}");
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url =
            line.trim().strip_prefix("Demitasse is ready: ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Self { url, client: reqwest::Client::new(), child, is_wrapped: false }
    }

    /// Uploads, and gives the answer's status and body.
    pub(crate) async fn try_upload(&self, bytes: Vec<u8>) -> (u16, Value) {
        let form = Form::new().part("image", Part::bytes(bytes).file_name("photo.png"));
        let answer =
            self.client.post(format!("{}/v1/images", self.url)).multipart(form).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn status(&self, path: &str) -> u16 {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().status().as_u16()
    }

    pub(crate) async fn upload(&self, bytes: Vec<u8>) -> reqwest::Result<String> {
        let form = Form::new().part("image", Part::bytes(bytes).file_name("photo.png"));
        let response = self.client.post(format!("{}/v1/images", self.url)).multipart(form).send().await?;
        let task: Value = response.error_for_status()?.json().await?;
        Ok(task["id"].as_str().unwrap().to_owned())
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        self.client.get(format!("{}{path}", self.url)).send().await.unwrap().json().await.unwrap()
    }

    /// Waits until the task has ended, and gives it.
    pub(crate) async fn ended(&self, id: &str) -> Value {
        eventually(&format!("task {id} ends"), || async {
            let task = self.json(&format!("/v1/tasks/{id}")).await;
            matches!(task["status"].as_str(), Some("succeeded" | "failed")).then_some(task)
        })
        .await
    }

    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text =
            self.client.get(format!("{}/metrics", self.url)).send().await.unwrap().text().await.unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or("0").parse().unwrap()
    }

    #[cfg(any(feature = "failpoints", target_os = "linux"))]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as an operator does, and gives the exit code.
    pub(crate) async fn stop(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.wait().await
    }

    /// Waits until it has ended by itself; `None` if a signal did it.
    pub(crate) async fn wait(&mut self) -> Option<i32> {
        let child = std::cell::RefCell::new(&mut self.child);
        eventually("the server ends", || {
            let ended = child.borrow_mut().try_wait().unwrap();
            async move { ended }
        })
        .await
        .code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.is_wrapped {
            let pid = rustix::process::Pid::from_child(&self.child);
            rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        } else {
            self.child.kill().ok();
        }
        self.child.wait().ok();
    }
}

/// The binary with none of our own environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demitasse"));
    command.env_clear();
    command
}

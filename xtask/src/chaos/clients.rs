//! Clients that upload whatever happens, and remember what they were promised.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::pictures::picture;
use super::random::Random;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// One in so many uploads repeats the bytes of an earlier one.
const REPEATS: u64 = 8;

/// An upload that was answered with a task.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    pub(super) task: String,
    pub(super) file_name: String,
    /// Of the bytes that were sent, in hex.
    pub(super) sha256: String,
}

/// Several clients of one server.
pub(super) struct Clients {
    pub(super) url: String,
    pub(super) http: reqwest::Client,
    pub(super) seed: u64,
    pub(super) accepted: Mutex<Vec<Accepted>>,
    /// Answered with an error.
    pub(super) refused: AtomicU64,
    /// Not answered; whether they were kept, nobody knows.
    pub(super) unanswered: AtomicU64,
    /// Tasks whose image was asked to be deleted, and whether that was answered.
    deletions: Mutex<BTreeMap<String, bool>>,
    numbers: AtomicU64,
}

impl Clients {
    #[expect(clippy::disallowed_methods, reason = "the server is one that this program started")]
    pub(super) fn new(url: String, seed: u64) -> Result<Self> {
        Ok(Self {
            url,
            http: reqwest::Client::builder().timeout(PATIENCE).build()?,
            seed,
            accepted: Mutex::default(),
            refused: 0.into(),
            unanswered: 0.into(),
            deletions: Mutex::default(),
            numbers: 1.into(),
        })
    }

    /// Waits until the server takes uploads.
    pub(super) async fn wait_until_ready(&self) -> Result<()> {
        let start = Instant::now();
        loop {
            let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "the server is not ready after a minute");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Uploads with a pause of about `pause` after each, until `enough` says so.
    pub(super) async fn upload_on(
        &self,
        client: u64,
        pause: Duration,
        enough: impl Fn() -> bool,
    ) -> Result<()> {
        let mut random = Random::new(self.seed, 1_000 + client);
        let pause = u64::try_from(pause.as_millis())?;
        while !enough() {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let subject = if number.is_multiple_of(REPEATS) { random.within(1, number) } else { number };
            let file_name = format!("chaos-{}-{number}", self.seed);
            let bytes = picture(self.seed, subject)?;
            let sha256 = hex::encode(Sha256::digest(&bytes));
            match self.upload(&file_name, bytes).await {
                Ok(Some(task)) => self.remember(Accepted { task, file_name, sha256 }),
                Ok(None) => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
                Err(_) => drop(self.unanswered.fetch_add(1, Ordering::Relaxed)),
            }
            tokio::time::sleep(random.millis(pause / 2, pause * 3 / 2 + 1)).await;
        }
        Ok(())
    }

    /// Deletes an accepted image after each pause, whatever state it is in; never ends.
    pub(super) async fn delete_on(&self, pause: Duration) {
        let mut random = Random::new(self.seed, 2_000);
        let pause = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        loop {
            tokio::time::sleep(random.millis(pause / 2, pause * 3 / 2 + 1)).await;
            let accepted = self.accepted();
            if accepted.is_empty() {
                continue;
            }
            let picked = &accepted[random.within(0, accepted.len() as u64) as usize];
            // Whoever does not get an answer tries again some day, or not: both must be good.
            let Ok(task) = self.json(&format!("/v1/tasks/{}", picked.task)).await else { continue };
            let Some(image) = task["image"]["id"].as_str() else { continue };
            self.note_deletion(&picked.task, false);
            let answer = self.http.delete(format!("{}/v1/images/{image}", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                self.note_deletion(&picked.task, true);
            }
        }
    }

    /// Whether the image's deletion was asked for, and answered.
    pub(super) fn deletion(&self, task: &str) -> Option<bool> {
        self.deletions.lock().unwrap_or_else(PoisonError::into_inner).get(task).copied()
    }

    fn note_deletion(&self, task: &str, answered: bool) {
        let mut deletions = self.deletions.lock().unwrap_or_else(PoisonError::into_inner);
        *deletions.entry(task.to_owned()).or_default() |= answered;
    }

    pub(super) fn accepted(&self) -> Vec<Accepted> {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the server answers, if it does.
    pub(super) async fn json(&self, path: &str) -> Result<Value> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// The bytes at `url`, wherever the server sends us.
    pub(super) async fn bytes(&self, url: &str) -> Result<Vec<u8>> {
        let answer = self.http.get(url).send().await?.error_for_status()?;
        Ok(answer.bytes().await?.into())
    }

    fn remember(&self, upload: Accepted) {
        self.accepted.lock().unwrap_or_else(PoisonError::into_inner).push(upload);
    }

    /// The task, or `None` if the server said no.
    async fn upload(&self, file_name: &str, bytes: Vec<u8>) -> Result<Option<String>> {
        let part = reqwest::multipart::Part::bytes(bytes).file_name(file_name.to_owned());
        let form = reqwest::multipart::Form::new().part("image", part);
        let answer = self.http.post(format!("{}/v1/images", self.url)).multipart(form).send().await?;
        if !answer.status().is_success() {
            return Ok(None);
        }
        let task: Value = answer.json().await?;
        Ok(Some(task["id"].as_str().context("no id in the answer")?.to_owned()))
    }
}

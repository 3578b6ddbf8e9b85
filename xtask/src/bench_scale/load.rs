//! Clients: as fast as they can, or one upload at a time with pauses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::task::JoinSet;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How an upload is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// Quality 70 of the encoder, by the native route: the original's takes presets only.
    Fixed,
    /// What is done unless something else is asked for, by the original's route.
    Balanced,
}

/// An upload that was accepted.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) task: String,
    /// When it began.
    pub(super) sent: Instant,
    /// When its answer was there, whole.
    pub(super) answered: Instant,
}

/// An image, as the server lists it.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) status: String,
    pub(super) created: f64,
}

impl Sent {
    /// How long the answer took, in seconds.
    pub(super) fn seconds(&self) -> f64 {
        self.answered.duration_since(self.sent).as_secs_f64()
    }
}

/// A client of one server.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Setting {
    pub(super) const ALL: [Self; 2] = [Self::Fixed, Self::Balanced];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Fixed => "quality 70",
            Self::Balanced => "balanced",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Fixed => "/v1/images?quality=70",
            Self::Balanced => "/images/upload",
        }
    }

    /// The same for `demitasse compress`.
    pub(super) fn options(self) -> &'static [&'static str] {
        match self {
            Self::Fixed => &["--quality", "70"],
            Self::Balanced => &["--preset", "balanced"],
        }
    }
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "the server is one that this program started")]
    pub(super) fn new(url: &str) -> Result<Self> {
        Ok(Self { http: reqwest::Client::builder().timeout(PATIENCE).build()?, url: url.to_owned() })
    }

    pub(super) async fn upload(&self, setting: Setting, photo: Vec<u8>) -> Result<Sent> {
        let sent = Instant::now();
        let part = reqwest::multipart::Part::bytes(photo).file_name("photo.jpg").mime_str("image/jpeg")?;
        let form = reqwest::multipart::Form::new().part("image", part);
        let request = self.http.post(format!("{}{}", self.url, setting.path())).multipart(form);
        let answer: Value = request.send().await?.error_for_status()?.json().await?;
        let answered = Instant::now();
        let task = answer["taskId"].as_str().or(answer["id"].as_str()).context("no task in the answer")?;
        Ok(Sent { task: task.to_owned(), sent, answered })
    }

    /// `clients` at once, each sending its next photo as soon as the one before is answered.
    pub(super) async fn burst(
        &self,
        setting: Setting,
        photos: Vec<Vec<u8>>,
        clients: usize,
    ) -> Result<Vec<Sent>> {
        let photos = Arc::new(Mutex::new(photos.into_iter()));
        let mut running = JoinSet::new();
        for _ in 0..clients {
            let (client, photos) = (self.clone(), photos.clone());
            running.spawn(async move {
                let mut sent = Vec::new();
                loop {
                    let next = photos.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(photo) = next else { return Ok(sent) };
                    sent.push(client.upload(setting, photo).await?);
                }
            });
        }
        let sent: Result<Vec<Vec<Sent>>> = running.join_all().await.into_iter().collect();
        Ok(sent?.concat())
    }

    /// One after the other, `every` so often.
    pub(super) async fn paced(
        &self,
        setting: Setting,
        photos: Vec<Vec<u8>>,
        every: Duration,
    ) -> Result<Vec<Sent>> {
        let mut clock = tokio::time::interval(every);
        let mut sent = Vec::new();
        for photo in photos {
            clock.tick().await;
            sent.push(self.upload(setting, photo).await?);
        }
        Ok(sent)
    }

    /// Every image, by its task.
    pub(super) async fn rows(&self) -> Result<HashMap<String, Row>> {
        let mut rows = HashMap::new();
        let mut path = "/v1/images?limit=200".to_owned();
        loop {
            let answer = self.http.get(format!("{}{path}", self.url)).send().await?;
            let page: Value = answer.error_for_status()?.json().await?;
            for image in page["data"].as_array().context("a page without data")? {
                let text = |name: &str| image[name].as_str().with_context(|| format!("no {name}"));
                let created = super::service::seconds_since_1970(text("created_at")?)?;
                rows.insert(text("task_id")?.to_owned(), Row { status: text("status")?.to_owned(), created });
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/images?limit=200&cursor={cursor}"),
                None => return Ok(rows),
            }
        }
    }
}

//! A client of the service under test.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use crate::server::Server;

/// No answer may take longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// A client of one service.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

/// What an upload was told.
pub(super) enum Told {
    /// It was accepted, after so long.
    Accepted(Duration),
    /// It may come again after so long.
    Later(Duration),
    /// Anything else.
    Error(String),
}

impl Client {
    #[expect(clippy::disallowed_methods, reason = "it talks to the service that this program started")]
    pub(super) fn new(server: &Server) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Self { http, url: server.url.clone() })
    }

    pub(super) async fn upload(&self, picture: Vec<u8>) -> Told {
        let form = Form::new().part("image", Part::bytes(picture).file_name("picture"));
        let began = Instant::now();
        let answer = self.http.post(format!("{}/v1/images", self.url)).multipart(form).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Told::Error(format!("{error:?}")),
        };
        let retry =
            answer.headers().get("retry-after").and_then(|seconds| seconds.to_str().ok()?.parse().ok());
        match (answer.status().as_u16(), retry) {
            (202, _) => Told::Accepted(began.elapsed()),
            (503, Some(seconds)) => Told::Later(Duration::from_secs(seconds)),
            (status, _) => Told::Error(format!("{status}: {}", answer.text().await.unwrap_or_default())),
        }
    }

    async fn json(&self, path: &str) -> Result<Value> {
        Ok(self.http.get(format!("{}{path}", self.url)).send().await?.error_for_status()?.json().await?)
    }

    /// How many tasks stand where.
    pub(super) async fn tasks(&self) -> Result<BTreeMap<String, u64>> {
        let mut tasks = BTreeMap::new();
        let mut path = "/v1/images?limit=200".to_owned();
        loop {
            let page = self.json(&path).await?;
            for image in page["data"].as_array().context("no page")? {
                *tasks.entry(image["status"].as_str().unwrap_or_default().to_owned()).or_insert(0) += 1;
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/v1/images?limit=200&cursor={cursor}"),
                None => return Ok(tasks),
            }
        }
    }

    /// The sum of a metric over its labels.
    pub(super) async fn metric(&self, name: &str) -> Result<u64> {
        let text = self.http.get(format!("{}/metrics", self.url)).send().await?.text().await?;
        let values = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let sum: f64 = values.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        Ok(sum as u64)
    }

    /// Waits until so many jobs have ended; attempts that are tried again do not occur in these runs.
    pub(super) async fn jobs_ended(&self, jobs: u64) -> Result<()> {
        while self.metric("demitasse_jobs_total").await? < jobs {
            tokio::time::sleep(PAUSE).await;
        }
        Ok(())
    }
}

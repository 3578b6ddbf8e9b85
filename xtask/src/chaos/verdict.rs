//! Compares what clients were promised with what the server shows once it is at rest.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use demitasse_engine::{Limits, inspect};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::clients::{Accepted, Clients};

/// Every unfinished task must end within this time after the last kill.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of the uploads. Each text names a task.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) succeeded: usize,
    pub(super) failed: Vec<String>,
    /// Accepted, and unknown, unlisted, unfinished, or without the bytes that its receipt describes.
    pub(super) lost: Vec<String>,
    /// More than one row or result for one upload.
    pub(super) doubled: Vec<String>,
    /// Rows of uploads that were not answered: kept, and worked on as well.
    pub(super) unasked: usize,
    pub(super) most_attempts: u64,
    /// From the last kill until the last task had ended.
    pub(super) settled_after: Duration,
    /// Left in the queue.
    pub(super) queued: u64,
}

/// Waits until all is at rest, then looks at everything.
pub(super) async fn judge(clients: &Clients) -> Result<Verdict> {
    let start = Instant::now();
    let images = settled(clients, start).await?;
    let mut verdict = Verdict { settled_after: start.elapsed(), ..Verdict::default() };
    let accepted = clients.accepted();
    let mut rows: HashMap<&str, Vec<&Value>> = HashMap::new();
    let mut names: HashMap<&str, usize> = HashMap::new();
    for image in &images {
        rows.entry(text(&image["task_id"])).or_default().push(image);
        *names.entry(text(&image["file_name"])).or_default() += 1;
    }
    for upload in &accepted {
        let rows = rows.remove(upload.task.as_str()).unwrap_or_default();
        verdict.look_at(clients, upload, &rows).await?;
    }
    verdict.unasked = rows.len();
    // Each attempt to upload has a name of its own.
    let twice = names.iter().filter(|(name, count)| **count > 1 && name.starts_with("chaos-"));
    verdict.doubled.extend(twice.map(|(name, count)| format!("{name} has {count} rows")));
    verdict.queued = drained(clients).await?;
    Ok(verdict)
}

impl Verdict {
    async fn look_at(&mut self, clients: &Clients, upload: &Accepted, rows: &[&Value]) -> Result<()> {
        let Accepted { task: id, file_name } = upload;
        match rows {
            [] => self.lost.push(format!("{id} is not listed")),
            [_] => {}
            _ => self.doubled.push(format!("{id} has {} rows", rows.len())),
        }
        let Ok(task) = clients.json(&format!("/v1/tasks/{id}")).await else {
            self.lost.push(format!("{id} is unknown"));
            return Ok(());
        };
        self.most_attempts = self.most_attempts.max(task["attempt"].as_u64().unwrap_or_default());
        let image = &task["image"];
        if text(&image["file_name"]) != file_name {
            self.lost.push(format!("{id} shows the image of another upload"));
        }
        if rows.iter().any(|row| row["variant"] != image["variant"] || row["status"] != task["status"]) {
            self.doubled.push(format!("{id} shows two results"));
        }
        match text(&task["status"]) {
            "succeeded" => match result(clients, &image["variant"]).await {
                Ok(()) => self.succeeded += 1,
                Err(error) => self.lost.push(format!("{id}: {error:#}")),
            },
            "failed" => self.failed.push(format!("{id}: {}", task["error"])),
            state => self.lost.push(format!("{id} is still {state}")),
        }
        Ok(())
    }
}

/// The bytes must be those of the receipt, and an image.
async fn result(clients: &Clients, variant: &Value) -> Result<()> {
    let url = variant["url"].as_str().context("there is no variant")?;
    let bytes = clients.http.get(url).send().await?.error_for_status()?.bytes().await?;
    let hash = hex::encode(Sha256::digest(&bytes));
    ensure!(hash == text(&variant["sha256"]), "the bytes at {url} hash to {hash}");
    let header = inspect(&bytes, &Limits::default())?;
    ensure!(header.format.media_type() == text(&variant["media_type"]), "the bytes at {url} are {header:?}");
    Ok(())
}

/// All images once no task is unfinished, or as they are when the patience ends.
async fn settled(clients: &Clients, start: Instant) -> Result<Vec<Value>> {
    loop {
        if let Ok(images) = images(clients).await {
            let ended =
                |image: &Value| matches!(text(&image["status"]), "succeeded" | "failed" | "cancelled");
            if images.iter().all(ended) || start.elapsed() > PATIENCE {
                return Ok(images);
            }
        }
        ensure!(start.elapsed() < PATIENCE * 2, "the server does not come back");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every row, newest first.
async fn images(clients: &Clients) -> Result<Vec<Value>> {
    let mut images = Vec::new();
    let mut path = "/v1/images?limit=200".to_owned();
    loop {
        let page = clients.json(&path).await?;
        images.extend(page["data"].as_array().context("a page without data")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/images?limit=200&cursor={cursor}"),
            None => return Ok(images),
        }
    }
}

/// Jobs in the queue once it has drained, or what is left after half a minute.
async fn drained(clients: &Clients) -> Result<u64> {
    let start = Instant::now();
    loop {
        let metrics = clients.http.get(format!("{}/metrics", clients.url)).send().await?.text().await?;
        let queued = depth(&metrics);
        if queued == 0 || start.elapsed() > Duration::from_secs(30) {
            return Ok(queued);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Ready, delayed and claimed jobs; dead ones are at rest.
fn depth(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("demitasse_queue_depth{"));
    let alive = lines.filter(|line| !line.contains("\"dead\""));
    alive.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>() as u64
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_no_longer_in_the_queue() {
        let metrics = "# TYPE demitasse_queue_depth gauge\ndemitasse_queue_depth{state=\"ready\"} 2\n\
                       demitasse_queue_depth{state=\"dead\"} 9\ndemitasse_queue_depth{state=\"claimed\"} 1\n";
        assert_eq!(depth(metrics), 3);
    }
}

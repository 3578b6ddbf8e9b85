//! Waits until all is at rest, and fetches everything that there is.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use demitasse_engine::{Limits, inspect};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::blobs::Blobs;
use super::clients::{Accepted, Clients};
use super::verdict::{Shown, Verdict, text};
use super::witness::{Ending, Witness};

/// How long the server may take to come back, and the queue to drain once every task has ended.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits at most `patience` for the last task to end, then looks at everything.
///
/// `blobs` is where the blobs can be looked for, and how long the sweeps may take to remove the last.
pub(super) async fn judge(
    clients: &Clients,
    witness: &Witness,
    patience: Duration,
    blobs: Option<(Blobs, Duration)>,
) -> Result<Verdict> {
    let start = Instant::now();
    let witnessed = witness.endings();
    let images = settled(clients, start, patience).await?;
    let mut verdict = Verdict { witnessed, settled_after: start.elapsed(), ..Verdict::default() };
    images.iter().for_each(|image| witness.note(image));
    verdict.doubled = witness.changed();
    verdict.look_for_namesakes(&images);
    let accepted = clients.accepted();
    let mut rows: HashMap<&str, Vec<&Value>> = HashMap::new();
    for image in &images {
        rows.entry(text(&image["task_id"])).or_default().push(image);
    }
    for upload in &accepted {
        let rows = rows.get(upload.task.as_str()).cloned().unwrap_or_default();
        let task = clients.json(&format!("/v1/tasks/{}", upload.task)).await.ok();
        let is_gone = rows.is_empty() && task.is_none();
        match clients.deletion(&upload.task) {
            Some(_) if is_gone => {
                verdict.deleted += 1;
                continue;
            }
            Some(true) => drop(verdict.undead.insert(upload.task.clone(), "is there still".into())),
            _ => {}
        }
        let bytes = match &task {
            Some(task) if text(&task["status"]) == "succeeded" => check_bytes(clients, upload, task).await,
            _ => Ok(()),
        };
        let bytes = bytes.map_err(|error| format!("{error:#}"));
        verdict.look_at(upload, &Shown { rows, task, bytes });
    }
    let answered: HashSet<_> = accepted.iter().map(|upload| upload.task.as_str()).collect();
    verdict.unasked = rows.keys().filter(|task| !answered.contains(*task)).count();
    verdict.queued = drained(clients).await?;
    if let Some((blobs, patience)) = blobs {
        verdict.orphans = orphans(&blobs, patience, async || self::images(clients).await).await?;
    }
    Ok(verdict)
}

/// The blobs that no row names, once the sweeps have removed what they will.
async fn orphans(
    blobs: &Blobs,
    patience: Duration,
    rows: impl AsyncFn() -> Result<Vec<Value>>,
) -> Result<Vec<String>> {
    let start = Instant::now();
    loop {
        // Blobs first: a row that comes meanwhile names one that is there already.
        let all = blobs.list().await?;
        let rows = rows().await?;
        let hashes = rows
            .iter()
            .flat_map(|image| [text(&image["original"]["sha256"]), text(&image["variant"]["sha256"])]);
        let named: HashSet<&str> = hashes.filter(|hash| !hash.is_empty()).collect();
        // Where none was found, nobody looked in the right place.
        ensure!(named.is_empty() || !all.is_empty(), "the store shows no blob at all");
        let unnamed = all.into_iter().filter(|(_, hash)| !named.contains(&**hash));
        let found: Vec<_> = unnamed.map(|(place, _)| place).collect();
        if found.is_empty() || start.elapsed() > patience {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The uploaded bytes must be there, and the result must be an image, and the one of its receipt, which must be of the
/// uploaded bytes.
async fn check_bytes(clients: &Clients, upload: &Accepted, task: &Value) -> Result<()> {
    let (image, report) = (&task["image"], &task["report"]);
    let url = image["original"]["url"].as_str().context("the original has no URL")?;
    ensure!(
        sha256(&clients.bytes(url).await?) == upload.sha256,
        "the bytes at {url} are not the uploaded ones"
    );
    let variant = &image["variant"];
    let url = variant["url"].as_str().context("there is no variant")?;
    let bytes = clients.bytes(url).await?;
    check_receipt(variant, report, upload, &bytes).with_context(|| format!("the bytes at {url}"))
}

fn check_receipt(variant: &Value, report: &Value, upload: &Accepted, bytes: &[u8]) -> Result<()> {
    let hash = sha256(bytes);
    let (input, output) = (&report["input"], &report["output"]);
    ensure!(hash == text(&variant["sha256"]), "hash to {hash}");
    ensure!(hash == text(&output["sha256"]), "are not those of the receipt");
    ensure!(
        output["bytes"].as_u64() == Some(bytes.len() as u64),
        "are {} and not as the receipt says",
        bytes.len()
    );
    ensure!(text(&input["sha256"]) == upload.sha256, "have the receipt of another upload");
    let header = inspect(bytes, &Limits::default())?;
    ensure!(header.format.media_type() == text(&variant["media_type"]), "are {header:?}");
    if bytes.starts_with(b"\x89PNG") {
        let mut image = png::Decoder::new(std::io::Cursor::new(bytes)).read_info()?;
        while image.next_row()?.is_some() {}
    }
    Ok(())
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// All images once no task is unfinished, or as they are when the patience ends.
async fn settled(clients: &Clients, start: Instant, patience: Duration) -> Result<Vec<Value>> {
    loop {
        if let Ok(images) = images(clients).await {
            let all_ended = images.iter().all(|image| Ending::of(image).is_some());
            if all_ended || start.elapsed() > patience {
                return Ok(images);
            }
        }
        ensure!(start.elapsed() < patience + PATIENCE, "the server does not come back");
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

/// Jobs in the queue once it has drained, or what is left when the patience ends.
async fn drained(clients: &Clients) -> Result<u64> {
    let start = Instant::now();
    loop {
        let metrics = clients.http.get(format!("{}/metrics", clients.url)).send().await?.text().await?;
        let queued = depth(&metrics);
        if queued == 0 || start.elapsed() > PATIENCE {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::pictures::picture;
    use super::*;

    #[tokio::test]
    async fn a_blob_that_no_row_names_is_found_and_a_store_without_any_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let (named, unnamed) = ("a1".repeat(32), "b2".repeat(32));
        let rows = async || Ok(vec![json!({ "original": { "sha256": named } })]);
        let found = async || orphans(&Blobs::Directory(folder.path().into()), Duration::ZERO, rows).await;
        found().await.unwrap_err();
        std::fs::write(folder.path().join(&named), "").unwrap();
        assert!(found().await.unwrap().is_empty());
        std::fs::write(folder.path().join(&unnamed), "").unwrap();
        assert_eq!(found().await.unwrap(), [folder.path().join(&unnamed).display().to_string()]);
    }

    #[test]
    fn the_dead_are_no_longer_in_the_queue() {
        let metrics = "# TYPE demitasse_queue_depth gauge\ndemitasse_queue_depth{state=\"ready\"} 2\n\
                       demitasse_queue_depth{state=\"dead\"} 9\ndemitasse_queue_depth{state=\"claimed\"} 1\n";
        assert_eq!(depth(metrics), 3);
    }

    #[test]
    fn bytes_must_be_those_of_the_receipt_and_the_receipt_that_of_the_upload() {
        let bytes = picture(1, 1).unwrap();
        let upload = Accepted { task: "t".into(), file_name: "cup".into(), sha256: "in".into() };
        let variant = json!({ "sha256": sha256(&bytes), "media_type": "image/png" });
        let report = |input: &str, bytes: &[u8]| {
            let output = json!({ "sha256": sha256(bytes), "bytes": bytes.len() });
            json!({ "input": { "sha256": input }, "output": output })
        };
        check_receipt(&variant, &report("in", &bytes), &upload, &bytes).unwrap();
        let cut = &bytes[..bytes.len() - 1];
        let of_cut = json!({ "sha256": sha256(cut), "media_type": "image/png" });
        let as_jpeg = json!({ "sha256": sha256(&bytes), "media_type": "image/jpeg" });
        for (variant, report, bytes) in [
            (&variant, report("in", &bytes), cut),
            (&of_cut, report("in", &bytes), cut),
            (&variant, report("another", &bytes), &bytes),
            (&as_jpeg, report("in", &bytes), &bytes),
        ] {
            check_receipt(variant, &report, &upload, bytes).unwrap_err();
        }
        let half = &bytes[..bytes.len() / 2];
        let of_half = json!({ "sha256": sha256(half), "media_type": "image/png" });
        check_receipt(&of_half, &report("in", half), &upload, half).unwrap_err();
    }
}

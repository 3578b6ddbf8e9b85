//! What the tests stand on.

mod app;
mod images;
mod nginx;
mod original_service;
mod process;
mod push_service;
mod slow_push_service;

use std::future::Future;
use std::time::{Duration, Instant};

pub(crate) use app::{Answer, TestApp, multipart};
pub(crate) use images::{crc, huge_header, noisy_png, png, truncated_png};
pub(crate) use nginx::{Nginx, SCRIPT};
pub(crate) use original_service::{OriginalService, Written};
pub(crate) use process::{Server, command};
pub(crate) use push_service::PushService;
pub(crate) use slow_push_service::SlowPushService;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until the answer is there; no test waits for a time, only for a condition.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The uploads in flight under a data directory, whichever process receives them: their lengths in bytes.
pub(crate) fn spooled(data: &std::path::Path) -> Vec<u64> {
    let processes = std::fs::read_dir(data.join("spool")).unwrap().map(|entry| entry.unwrap().path());
    let files = processes.flat_map(|process| std::fs::read_dir(process).unwrap()).map(Result::unwrap);
    let uploads = files.filter(|file| file.file_name().to_string_lossy().starts_with("upload-"));
    uploads.filter_map(|file| Some(file.metadata().ok()?.len())).collect()
}

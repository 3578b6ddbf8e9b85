use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{TestApp, noisy_png, png, truncated_png};

/// An application whose children note their process ids.
struct Watched {
    app: TestApp,
    folder: TempDir,
}

impl Watched {
    async fn new() -> Self {
        Self::with_images_per_process(64).await
    }

    async fn with_images_per_process(images: u32) -> Self {
        let folder = TempDir::new().unwrap();
        let (program, notes) = (folder.path().join("demitasse"), notes(&folder));
        let script = format!(
            // Those that prove the sandbox do no image.
            "#!/bin/sh\n[ \"$1\" != engine-child ] || echo $$ >> '{}'\nexec '{}' \"$@\"\n",
            notes.display(),
            env!("CARGO_BIN_EXE_demitasse")
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        let app = TestApp::with(|config| {
            config.worker.program = Some(program);
            config.worker.images_per_process = images;
        })
        .await;
        Self { app, folder }
    }

    /// The ids of all children so far, in the order of their starts.
    fn started(&self) -> Vec<String> {
        let notes = std::fs::read_to_string(notes(&self.folder)).unwrap_or_default();
        notes.lines().map(str::to_owned).collect()
    }

    /// Uploads, has it done in the quickest way, and gives what became of it.
    async fn compress(&self, bytes: &[u8]) -> serde_json::Value {
        let path = "/v1/images?format=jpeg&quality=50";
        let answer = self.app.post(path, "image", "photo.png", bytes).await;
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        self.app.app.run_pending_jobs().await;
        self.app.task(&id).await
    }
}

fn notes(folder: &TempDir) -> PathBuf {
    folder.path().join("started")
}

#[tokio::test]
async fn a_child_does_one_image_after_another() {
    let watched = Watched::new().await;
    for seed in 1..=6 {
        let task = watched.compress(&png(32, 32, seed)).await;
        assert_eq!(task["status"], "succeeded", "{task}");
    }
    // Fewer than images; a machine that stands still for seconds may cost one more.
    assert!(watched.started().len() < 3, "{:?}", watched.started());
}

#[tokio::test]
async fn with_one_image_per_process_no_child_gets_a_second() {
    let watched = Watched::with_images_per_process(1).await;
    for seed in 1..=3 {
        let task = watched.compress(&png(32, 32, seed)).await;
        assert_eq!(task["status"], "succeeded", "{task}");
    }
    assert_eq!(watched.started().len(), 3);
}

#[tokio::test]
async fn an_image_that_a_used_child_fails_on_is_tried_in_a_new_one() {
    let watched = Watched::new().await;
    watched.compress(&png(32, 32, 1)).await;
    let child = watched.started().pop().unwrap();
    // On a machine that stands still for seconds it has ended by itself, and the next is a new one anyway.
    Command::new("kill").args(["-9", &child]).status().unwrap();
    let task = watched.compress(&png(32, 32, 2)).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("succeeded"), &json!(1)), "{task}");
    assert_eq!(watched.started().len(), 2);
}

#[tokio::test]
async fn an_image_that_a_used_child_refuses_is_refused_by_a_new_one_too_and_neither_gets_another() {
    let watched = Watched::new().await;
    watched.compress(&png(32, 32, 1)).await;
    let task = watched.compress(&truncated_png()).await;
    assert_eq!((&task["status"], &task["attempt"]), (&json!("failed"), &json!(1)), "{task}");
    assert_eq!(watched.started().len(), 2);
    watched.compress(&png(32, 32, 2)).await;
    assert_eq!(watched.started().len(), 3);
}

#[tokio::test]
async fn a_large_image_has_a_child_of_its_own() {
    let watched = Watched::new().await;
    // 6.25 megapixels, and quickly decoded: every row is the same.
    let task = watched.compress(&png(2500, 2500, 1)).await;
    assert_eq!(task["status"], "succeeded", "{task}");
    watched.compress(&noisy_png(16, 16, 1)).await;
    assert_eq!(watched.started().len(), 2);
    watched.compress(&png(2500, 2500, 2)).await;
    assert_eq!(watched.started().len(), 3);
}

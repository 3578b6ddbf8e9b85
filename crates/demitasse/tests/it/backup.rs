use std::path::Path;
use std::process::Output;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, command, png};

fn run(words: &[&str], dir: &Path, data: &Path) -> Output {
    command().args(words).arg(dir).arg("--data").arg(data).output().unwrap()
}

fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The bytes at an address that a server gave, asked of this one.
async fn bytes(server: &Server, url: &Value) -> Vec<u8> {
    let path = url.as_str().unwrap().splitn(4, '/').last().unwrap().to_owned();
    let answer = server.client.get(format!("{}/{path}", server.url)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

#[tokio::test]
async fn a_backup_of_a_running_service_has_everything_that_was_accepted_and_is_put_back() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = Server::start(data.path(), &["--workers", "1"], "");
    let mut tasks = Vec::new();
    for seed in 1..=3 {
        let id = server.upload(png(32, 32, seed)).await.unwrap();
        tasks.push(server.ended(&id).await);
    }
    let backup = place.path().join("backup");
    // Uploads go on meanwhile.
    let uploads = async {
        let mut later = Vec::new();
        for seed in 10..30 {
            later.push(server.upload(png(32, 32, seed)).await.unwrap());
        }
        later
    };
    let copying = tokio::task::spawn_blocking({
        let (backup, data) = (backup.clone(), data.path().to_owned());
        move || run(&["backup"], &backup, &data)
    });
    let (later, copied) = tokio::join!(uploads, copying);
    let copied = copied.unwrap();
    assert_eq!(copied.status.code(), Some(0), "{copied:?}");
    assert!(String::from_utf8(copied.stdout).unwrap().starts_with("backed up: the database and "));
    server.stop().await;

    let new = place.path().join("new");
    let restored = run(&["restore"], &backup, &new);
    assert_eq!(restored.status.code(), Some(0), "{restored:?}");
    let server = Server::start(&new, &["--workers", "1"], "");
    for before in &tasks {
        let task = server.json(&format!("/v1/tasks/{}", before["id"].as_str().unwrap())).await;
        assert_eq!((&task["status"], &task["report"]), (&json!("succeeded"), &before["report"]));
        bytes(&server, &task["image"]["original"]["url"]).await;
        bytes(&server, &task["image"]["variant"]["url"]).await;
    }
    // Of those that came meanwhile the copy has the first ones or none, whole, and they are worked on.
    for id in later {
        let answer = server.client.get(format!("{}/v1/tasks/{id}", server.url)).send().await.unwrap();
        if answer.status() == StatusCode::OK {
            let task = server.ended(&id).await;
            assert_eq!(task["status"], "succeeded", "{task}");
            bytes(&server, &task["image"]["variant"]["url"]).await;
        }
    }
}

#[tokio::test]
async fn nothing_is_overwritten_and_what_is_no_backup_is_refused() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let backup = place.path().join("backup");
    let words = refusal(&run(&["backup"], &backup, data.path()));
    assert!(words.contains("is not there: is this the directory of --data?"), "{words}");

    let server = Server::start(data.path(), &["--workers", "1"], "");
    let id = server.upload(png(32, 32, 1)).await.unwrap();
    server.ended(&id).await;
    assert!(run(&["backup"], &backup, data.path()).status.success());
    for words in
        [refusal(&run(&["backup"], &backup, data.path())), refusal(&run(&["restore"], &backup, data.path()))]
    {
        assert!(words.contains("is there already; nothing is overwritten"), "{words}");
    }
    let words = refusal(&run(&["restore"], place.path(), &place.path().join("new")));
    assert!(words.contains("this is no backup"), "{words}");
    std::fs::rename(backup.join("demitasse.db"), backup.join("demitasse.db.unfinished")).unwrap();
    let words = refusal(&run(&["restore"], &backup, &place.path().join("new")));
    assert!(words.contains("this backup was cut off"), "{words}");
}

#[tokio::test]
async fn a_damaged_image_is_noticed_when_it_is_copied() {
    let (data, place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let server = Server::start(data.path(), &["--workers", "1"], "");
    let id = server.upload(png(32, 32, 1)).await.unwrap();
    let sha256 = server.ended(&id).await["image"]["original"]["sha256"].as_str().unwrap().to_owned();
    let blob = format!("blobs/original/{}/{}/{sha256}", &sha256[..2], &sha256[2..4]);
    let good = std::fs::read(data.path().join(&blob)).unwrap();
    std::fs::write(data.path().join(&blob), b"something else").unwrap();
    let words = refusal(&run(&["backup"], &place.path().join("first"), data.path()));
    assert!(words.contains("is damaged"), "{words}");
    std::fs::remove_file(data.path().join(&blob)).unwrap();
    let words = refusal(&run(&["backup"], &place.path().join("second"), data.path()));
    assert!(words.contains("the store has lost it"), "{words}");
    std::fs::write(data.path().join(&blob), good).unwrap();
    assert!(run(&["backup"], &place.path().join("third"), data.path()).status.success());
}

#[test]
fn a_store_with_tools_of_its_own_is_left_to_them() {
    let place = TempDir::new().unwrap();
    let output = command()
        .args(["backup", "--metadata", "postgres://user:secret@host/db"])
        .arg(place.path().join("backup"))
        .output()
        .unwrap();
    let words = refusal(&output);
    assert!(words.contains("the metadata is `postgres`, which has tools of its own"), "{words}");
    assert!(!words.contains("secret"), "{words}");
}

use std::collections::HashMap;
use std::path::Path;

use demitasse_core::Sha256;
use tempfile::TempDir;

use crate::support::{Server, png};

/// A system call that succeeded: its text, and when it began and had ended, in lines of the trace.
#[derive(Debug)]
struct Call {
    text: String,
    began: usize,
    ended: usize,
}

/// Reads what `strace -f -y` wrote. A call during which another thread made one is written in two pieces.
fn calls(trace: &str) -> Vec<Call> {
    let mut unfinished = HashMap::new();
    let mut calls = Vec::new();
    for (number, line) in trace.lines().enumerate() {
        let (thread, text) = line.trim_start().split_once(' ').unwrap_or((line, ""));
        let text = text.trim_start();
        let call = if let Some(start) = text.strip_suffix(" <unfinished ...>") {
            unfinished.insert(thread, (start, number));
            continue;
        } else if let Some((_, rest)) = text.split_once(" resumed>") {
            let Some((start, began)) = unfinished.remove(thread) else { continue };
            Call { text: format!("{start}{rest}"), began, ended: number }
        } else {
            Call { text: text.to_owned(), began: number, ended: number }
        };
        if !call.text.contains(" = -1 ") {
            calls.push(call);
        }
    }
    calls
}

/// The first of `calls` that begins after line `after` and whose name and text are these.
fn find<'c>(calls: &'c [Call], after: usize, names: &[&str], texts: &[&str]) -> &'c Call {
    let is_it = |call: &&Call| {
        let name = call.text.split('(').next().unwrap_or_default();
        call.began >= after && names.contains(&name) && texts.iter().all(|text| call.text.contains(text))
    };
    calls.iter().find(is_it).unwrap_or_else(|| panic!("no {names:?} of {texts:?} after line {after}"))
}

/// The answers to accepted uploads.
const ANSWER: [&str; 3] = ["write", "writev", "sendto"];
const SYNC: [&str; 2] = ["fsync", "fdatasync"];

#[tokio::test]
async fn an_upload_is_answered_when_its_file_its_directories_and_its_rows_are_synced() {
    let scratch = TempDir::new().unwrap();
    let (data, trace) = (scratch.path().join("data"), scratch.path().join("trace"));
    let what = "trace=write,writev,sendto,pwrite64,fsync,fdatasync,?link,?linkat";
    let trace_to = trace.to_str().unwrap();
    let wrapper = ["strace", "-f", "-y", "-I2", "-s", "64", "-e", what, "-o", trace_to, "--"];
    let server = Server::under(&wrapper, &data, &["--workers", "0"]);
    let image = png(24, 24, 1);
    server.upload(image.clone()).await.unwrap();
    server.upload(image.clone()).await.unwrap();
    assert_eq!(server.status("/healthz").await, 200);
    drop(server);

    let calls = calls(&std::fs::read_to_string(&trace).unwrap());
    let hash = Sha256::of(&image).to_string();
    let dir = data.join("blobs/original").join(&hash[..2]).join(&hash[2..4]);
    let blob = dir.join(&hash);
    let open = |path: &Path| format!("<{}>", path.display());
    let answer = find(&calls, 0, &ANSWER, &["HTTP/1.1 202"]);

    // The file: written, synced, named.
    let written = find(&calls, 0, &["write"], &["/upload-", "PNG"]);
    let synced = find(&calls, written.ended, &SYNC, &["/upload-"]);
    let named = find(&calls, synced.ended, &["link", "linkat"], &[blob.to_str().unwrap()]);
    // Its name, and those of the directories, which are new.
    let up = [&*dir, dir.parent().unwrap(), dir.ancestors().nth(2).unwrap()];
    let durable = up.map(|dir| find(&calls, named.ended, &SYNC, &[&open(dir)]).ended);
    let durable = durable.into_iter().max().unwrap();
    // The rows, which name it.
    let wal = open(&data.join("demitasse.db-wal"));
    let rows = find(&calls, durable, &["pwrite64"], &[&wal]);
    let committed = find(&calls, rows.ended, &SYNC, &[&wal]);
    assert!(committed.ended < answer.began, "{committed:?} {answer:?}");

    // The same bytes again: their name is synced again, for who has given it may not have got so far yet.
    let second = find(&calls, answer.ended + 1, &ANSWER, &["HTTP/1.1 202"]);
    let durable = find(&calls, answer.ended, &SYNC, &[&open(&dir)]);
    let committed = find(&calls, durable.ended, &SYNC, &[&wal]);
    assert!(committed.ended < second.began, "{committed:?} {second:?}");
}

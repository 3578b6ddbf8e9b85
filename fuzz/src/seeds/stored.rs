//! What stores and children say.

use demitasse_backends::fuzzing::{read_row, write_document};
use demitasse_core::Sha256;
use demitasse_engine::{
    Control, Effort, Limits, OutputFormat, Preset, Quality, Report, Request, Resize, ResizeMethod, Target,
    compress,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::files::tiny_png;
use super::{Seeds, named};

const ID: &str = "6553f1000707070707070707";

fn requests() -> [Request; 4] {
    let resize = Resize { method: ResizeMethod::Cover, width: Some(8), height: Some(8), enlarge: true };
    [
        Request::default(),
        Request::new(Target::Quality { quality: Quality(50.0) })
            .with_format(OutputFormat::Auto)
            .with_resize(resize),
        Request::new(Preset::Small.target()).with_effort(Effort::Fast),
        Request::new(Target::Lossless).with_salvage(true),
    ]
}

fn done(request: &Request) -> (Vec<u8>, Report) {
    let done = compress(&tiny_png(), request, &Limits::default(), &Control::new()).unwrap();
    (done.bytes, done.report)
}

/// Requests.
pub fn request() -> Seeds {
    named(requests().map(|request| ("a request", json_of(&request))))
}

/// Receipts.
pub fn receipt() -> Seeds {
    let [first, second, third, _] = requests();
    named([first, second, third].map(|request| ("a receipt", json_of(&done(&request).1))))
}

/// What a parent says to a child.
pub fn order() -> Seeds {
    let order = |request: &Request| {
        let head = json!({
            "request": request, "limits": Limits::default(), "deadline_ms": 1000, "reserved": 1 << 20, "most": 1 << 30,
        });
        wire(&head, &tiny_png())
    };
    named(requests().map(|request| ("an order", order(&request))))
}

/// What a child says to its parent.
pub fn answer() -> Seeds {
    let (bytes, report) = done(&Request::default());
    named([
        ("done", wire(&json!({ "done": report }), &bytes)),
        ("failed", wire(&json!({ "failed": { "code": "malformed", "detail": "it ends early" } }), &[])),
        ("short", wire(&json!({ "short": 1 << 20 }), &[])),
    ])
}

/// Rows of images with their jobs.
pub fn row() -> Seeds {
    let (bytes, report) = done(&Request::default());
    let mut row = json!({
        "id": ID, "image_id": ID, "sequence": 7, "owner": ID, "state": "succeeded", "attempt": 1, "max_attempts": 3,
        "request": json_text(&Request::default()), "request_key": Sha256::of(b"request").to_string(), "priority": 1,
        "trace": null, "lease": null, "failure_code": null, "failure_detail": null, "announcement": null,
        "created_at": 1_700_000_000_000_i64, "updated_at": 1_700_000_000_000_i64,
        "image_created_at": 1_700_000_000_000_i64, "file_name": "a.png", "media_type": "image/png", "bytes": 99,
        "sha256": Sha256::of(b"image").to_string(), "width": 9, "height": 7,
    });
    let waiting = json_of(&row);
    let more = json!({
        "variant_sha256": Sha256::of(&bytes).to_string(), "variant_bytes": bytes.len(), "variant_media_type": "image/png",
        "variant_width": 9, "variant_height": 7, "variant_outcome": "compressed", "variant_reason": "no_smaller",
        "variant_score": 71.5, "report": json_text(&report), "failure_code": "malformed", "failure_detail": "it ends early",
        "announcement": "pending", "announce_attempts": 1, "announce_at": 1_700_000_000_000_i64, "lease": ID,
    });
    if let (Value::Object(row), Value::Object(more)) = (&mut row, more) {
        row.extend(more);
    }
    named([("a job that waits", waiting), ("a job that is done", json_of(&row))])
}

/// The same as MongoDB has them.
pub fn document() -> Seeds {
    let documents = row().into_iter().map(|(name, row)| {
        let upload = read_row(&serde_json::from_slice(&row).unwrap()).unwrap();
        (name, write_document(&upload).unwrap())
    });
    documents.collect()
}

/// Messages of ours and of the original's.
pub fn message() -> Seeds {
    named([
        ("news", json_of(&json!({ "v": 1, "owner": ID, "job": ID, "image": ID, "state": "running" }))),
        ("a task", json_of(&json!({ "imageId": ID, "taskId": ID, "imageUrl": "https://a.example/b.png" }))),
        (
            "a result",
            json_of(&json!({ "compressedUrl": "https://a.example/c", "imageId": ID, "taskId": ID })),
        ),
    ])
}

fn wire(head: &Value, bytes: &[u8]) -> Vec<u8> {
    let head = json_of(head);
    [&(head.len() as u32).to_le_bytes(), &head[..], &(bytes.len() as u64).to_le_bytes(), bytes].concat()
}

fn json_of(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

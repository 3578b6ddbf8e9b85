//! A thousand hostile files, made from whole ones by rules: truncations, flipped bits, moved and repeated pieces, bombs of
//! each format. Each must be refused clearly, or give a result that its receipt is true of; none may harm the server.
//!
//! `HOSTILE_FILES` says how many (default [`FILES`]), `HOSTILE_SEED` which.

mod bombs;
mod seeds;

use std::collections::BTreeMap;

use axum::http::StatusCode;
use demitasse_engine::{Control, Limits, Report, verify_receipt};
use serde_json::Value;

use crate::support::TestApp;
use seeds::Seed;

/// Files in `make test`.
const FILES: usize = 1_000;

/// What a clear refusal of an image is called.
const CLEAR: [&str; 5] = ["malformed", "unsupported", "limit_exceeded", "empty_file", "invalid_request"];

/// Random numbers that are the same for the same seed (xorshift64*, Vigna 2016).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 16) as usize % end
    }
}

/// Makes a spoilt file of a whole one.
type Rule = fn(&mut Random, &[u8]) -> Vec<u8>;

/// How files are spoilt.
const RULES: [(&str, Rule); 8] = [
    ("cut off", |random, bytes| bytes[..random.below(bytes.len())].to_vec()),
    ("a bit flipped", |random, bytes| flipped(random, bytes, bytes.len(), 1)),
    ("bits of the head flipped", |random, bytes| flipped(random, bytes, bytes.len().min(160), 3)),
    ("many bits flipped", |random, bytes| flipped(random, bytes, bytes.len(), 40)),
    ("a piece overwritten", |random, bytes| {
        let (start, end) = piece(random, bytes);
        let filling = [0x00, 0xff, 0x7f, 0x80][random.below(4)];
        [&bytes[..start], &vec![filling; end - start], &bytes[end..]].concat()
    }),
    ("a piece lost", |random, bytes| {
        let (start, end) = piece(random, bytes);
        [&bytes[..start], &bytes[end..]].concat()
    }),
    ("a piece repeated", |random, bytes| {
        let (start, end) = piece(random, bytes);
        [&bytes[..end], &bytes[start..]].concat()
    }),
    ("a number made large", |random, bytes| {
        let at = random.below(bytes.len().saturating_sub(4).clamp(1, 400));
        let mut bytes = bytes.to_vec();
        let value = [0xffff_ffff_u32, 0x7fff_ffff, 0x8000_0000, 0x0000_ffff][random.below(4)];
        for (byte, new) in bytes.iter_mut().skip(at).zip(value.to_be_bytes()) {
            *byte = new;
        }
        bytes
    }),
];

fn flipped(random: &mut Random, bytes: &[u8], within: usize, times: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..times {
        bytes[random.below(within)] ^= 1 << random.below(8);
    }
    bytes
}

fn piece(random: &mut Random, bytes: &[u8]) -> (usize, usize) {
    let start = random.below(bytes.len());
    let end = start + 1 + random.below((bytes.len() - start).min(200));
    (start, end.min(bytes.len()))
}

/// So many files with the names of what was done to them: the bombs, and then each rule on each format in turn.
fn hostile_files(count: usize, seed: u64) -> Vec<(String, Vec<u8>)> {
    let seeds = seeds::seeds();
    let mut files = bombs::bombs(&seeds);
    let mut random = Random(seed | 1);
    let pairs = RULES.iter().flat_map(|rule| seeds.iter().map(move |seed| (rule, seed)));
    let pairs: Vec<_> = pairs.collect();
    for number in 0..count.saturating_sub(files.len()) {
        let ((rule, spoil), Seed { name, bytes }) = pairs[number % pairs.len()];
        files.push((format!("{name}, {rule}, number {number}"), spoil(&mut random, bytes)));
    }
    files.truncate(count);
    files
}

/// What became of one file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    RefusedAtUpload(String),
    RefusedByEngine(String),
    Unharmed,
    /// Neither: what it was.
    Bad(String),
}

/// Uploads the file; `Err` with its task if it was accepted.
async fn upload(app: &TestApp, bytes: &[u8]) -> Result<Ending, String> {
    let answer = app.post("/v1/images?quality=50&effort=fast", "image", "hostile", bytes).await;
    if answer.status == StatusCode::ACCEPTED {
        return Err(answer.json()["id"].as_str().unwrap().to_owned());
    }
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    let is_clear = answer.status.is_client_error() && CLEAR.contains(&code.as_str());
    Ok(if is_clear { Ending::RefusedAtUpload(code) } else { Ending::Bad(answer.text()) })
}

/// What became of the task of an accepted file.
async fn ending(app: &TestApp, task: &str, input: &[u8]) -> Ending {
    let task = app.task(task).await;
    let code = task["error"]["code"].as_str().unwrap_or_default();
    match task["status"].as_str() {
        Some("failed") if CLEAR.contains(&code) => Ending::RefusedByEngine(code.into()),
        Some("succeeded") => unharmed(app, &task, input).await,
        _ => Ending::Bad(task.to_string()),
    }
}

/// Whether the receipt is true of the two files.
async fn unharmed(app: &TestApp, task: &Value, input: &[u8]) -> Ending {
    let output = app.get(task["image"]["variant"]["url"].as_str().unwrap()).await.body;
    let report: Report = serde_json::from_value(task["report"].clone()).unwrap();
    match verify_receipt(&report, input, &output, &Limits::default(), &Control::new()) {
        Ok(verified) if verified.holds() => Ending::Unharmed,
        Ok(verified) => Ending::Bad(format!("the receipt is not true: {:?}; {task}", verified.checks)),
        Err(error) => Ending::Bad(format!("the receipt cannot be checked: {error}; {task}")),
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_files_are_refused_clearly_or_give_unharmed_results() {
    let (count, seed) = (setting("HOSTILE_FILES", FILES as u64), setting("HOSTILE_SEED", 20_261_127));
    let files = hostile_files(count as usize, seed);
    // One attempt: a second one would hide a crash.
    let app = TestApp::with(|config| {
        config.limits.max_pixels = 2_000_000;
        config.worker.max_attempts = 1;
    })
    .await;
    let mut endings = BTreeMap::new();
    let mut bad = Vec::new();
    let mut count_one = |name: &str, ending: Ending| {
        match &ending {
            Ending::Bad(what) => bad.push(format!("{name}: {what}")),
            _ => *endings.entry(format!("{ending:?}")).or_insert(0) += 1,
        };
    };
    for batch in files.chunks(100) {
        let mut accepted = Vec::new();
        for (name, bytes) in batch {
            match upload(&app, bytes).await {
                Ok(ending) => count_one(name, ending),
                Err(task) => accepted.push((name, bytes, task)),
            }
        }
        tokio::join!(app.app.run_pending_jobs(), app.app.run_pending_jobs());
        for (name, bytes, task) in accepted {
            count_one(name, ending(&app, &task, bytes).await);
        }
    }
    eprintln!("{} hostile files, seed {seed}: {endings:?}, neither: {}", files.len(), bad.len());
    assert!(bad.is_empty(), "{}", bad.join("\n"));
    assert_eq!(app.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(app.metric("demitasse_engine_memory_reserved_bytes").await, 0);
}

#[test]
fn the_same_seed_gives_the_same_files_and_another_seed_others() {
    let names_and_lengths = |seed| -> Vec<(String, usize)> {
        hostile_files(200, seed).into_iter().map(|(name, bytes)| (name, bytes.len())).collect()
    };
    assert_eq!(names_and_lengths(1), names_and_lengths(1));
    assert_ne!(names_and_lengths(1), names_and_lengths(3));
}

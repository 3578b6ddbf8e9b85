//! The run in `make test`: each target on its seeds, on what was found before, and on so many spoilt files.
//!
//! A binary of its own, and not `it`, so that it builds alone: `cargo nextest run --workspace --all-features --test bounded`.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod bombs;
mod seeds;

use std::fs;
use std::path::{Path, PathBuf};

use demitasse_fuzz::each_target;
use demitasse_fuzz::mutate::{Random, mutate};
use demitasse_fuzz::targets::{Target, target};
use demitasse_fuzz::watch;

/// A test of each target, by its name.
macro_rules! tests {
    ($($name:ident: $run:path, $seeds:path, $runs:literal;)*) => {
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

each_target!(tests);

/// Longest file that is tried, in bytes.
const LONGEST: usize = 1 << 16;

/// Of every run.
const SEED: u64 = 20_261_127;

/// Runs the target of this name.
fn check(name: &str) {
    let target = target(name).unwrap();
    let seeds = (target.seeds)();
    let regressions = regressions(target);
    assert!(!seeds.is_empty(), "{name} has nothing to begin with");
    let known = seeds.iter().chain(&regressions);
    known.for_each(|(what, bytes)| try_one(target, what, bytes));
    let mut random = Random::new(SEED);
    for number in 0..target.runs as usize {
        let (what, bytes) = &seeds[number % seeds.len()];
        let (_, other) = &seeds[random.below(seeds.len())];
        let spoilt = mutate(&mut random, bytes, other, LONGEST);
        try_one(target, &format!("{what}, spoilt, number {number}"), &spoilt);
    }
}

fn try_one(target: &Target, what: &str, bytes: &[u8]) {
    let Err(found) = watch::run(target, bytes) else { return };
    // The hook of `watch` says nothing.
    drop(std::panic::take_hook());
    let kept = std::env::temp_dir().join(format!("finding-{}", target.name));
    fs::write(&kept, bytes).unwrap();
    panic!("{}, {what}: {found} (the file is {})", target.name, kept.display());
}

/// What was found before, by the name of its file.
fn regressions(target: &Target) -> Vec<(String, Vec<u8>)> {
    let folder = folder().join(target.name);
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

#[test]
fn every_folder_of_regressions_belongs_to_a_target() {
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "README.md" || target(&name).is_some(), "{name}");
    }
}

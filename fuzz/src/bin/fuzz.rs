//! Targets led by coverage (libFuzzer): `fuzz [OPTION]... FOLDER` fuzzes the target that the folder is named after, whose corpus
//! it is, and begins with the seeds; `fuzz FILE` tries one file, whose folder is named so. `fuzz list` prints the targets.

#![no_main]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{abort, exit};
use std::sync::OnceLock;

use demitasse_fuzz::mutate::{Random, mutate};
use demitasse_fuzz::png;
use demitasse_fuzz::targets::{TARGETS, Target, target};
use demitasse_fuzz::watch::{self, MAX_TIME};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

static TARGET: OnceLock<&Target> = OnceLock::new();

fuzz_target!(init: begin(), |bytes: &[u8]| {
    let Some(target) = TARGET.get() else { abort() };
    let found = match watch::run(target, bytes) {
        Ok(took) if took <= MAX_TIME => return,
        Ok(took) => format!("it took {took:?} of processor time"),
        Err(found) => found,
    };
    say(&format!("FINDING {}: {found}", target.name));
    abort();
});

// Every other change is one of ours, which knows numbers at which readers break; checksums are mended after both.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed.is_multiple_of(2) {
        let size = fuzzer_mutate(data, size, max_size);
        png::repair(&mut data[..size]);
        return size;
    }
    let changed = mutate(&mut Random::new(seed.into()), &data[..size], &data[..size], max_size);
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
});

/// Finds out which target is meant, and puts its seeds into the corpus.
fn begin() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.iter().find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let Some(path) = path else { fail("name a folder or a file, or `list`") };
    if path.as_os_str() == "list" {
        TARGETS.iter().for_each(|target| say(target.name));
        exit(0);
    }
    let folder = if path.is_dir() { Some(&*path) } else { path.parent() };
    let name = folder.and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    let Some(found) = target(name) else { fail(&format!("no target is called {name:?}")) };
    TARGET.get_or_init(|| found);
    if path.is_dir() {
        for (number, (_, bytes)) in (found.seeds)().into_iter().enumerate() {
            if let Err(error) = fs::write(path.join(format!("seed-{number:03}")), bytes) {
                fail(&error.to_string());
            }
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program for people and scripts")]
fn say(text: &str) {
    println!("{text}");
}

fn fail(why: &str) -> ! {
    say(&format!("error: {why}"));
    exit(2)
}

//! Rebuilds a release when the web UI was built anew, for a release carries it; a debug build reads it from disk.

fn main() {
    let is_release = std::env::var_os("PROFILE").is_some_and(|profile| profile == "release");
    // A path that is missing counts as changed each time, so a UI that appears later is noticed.
    println!("cargo::rerun-if-changed={}", if is_release { "../../web/dist" } else { "build.rs" });
}

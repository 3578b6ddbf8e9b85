//! `demitasse compress`, `demitasse inspect` and `demitasse verify`, by the real binary, on images made here.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a picture in it.
struct Desk {
    dir: TempDir,
}

impl Desk {
    fn new() -> Self {
        let desk = Self { dir: tempfile::tempdir().unwrap() };
        fs::write(desk.path("a.png"), picture(0)).unwrap();
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn picture(&self, name: &str, seed: u32) -> Vec<u8> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let bytes = picture(seed);
        fs::write(path, &bytes).unwrap();
        bytes
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demitasse"));
        command.current_dir(self.dir.path()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The names in the folder and below, in order.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = walkdir::WalkDir::new(self.dir.path())
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_type().is_file())
            .map(|entry| entry.path().strip_prefix(self.dir.path()).unwrap().display().to_string())
            .collect();
        names.sort();
        names
    }
}

/// A PNG of 48 x 40 pixels with few enough colours, badly compressed, so that there is something to gain.
fn picture(seed: u32) -> Vec<u8> {
    let (width, height) = (48, 40);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    let pixel = |index: u32| {
        let (x, y) = (index % width, index / width);
        [(x * 5) as u8, (y * 6) as u8, (seed * 40 + (x + y) / 8 * 8) as u8]
    };
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    bytes
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_png(path: &Path) -> bool {
    fs::read(path).unwrap().starts_with(b"\x89PNG")
}

#[test]
fn an_output_is_written_beside_the_input_and_is_smaller() {
    let desk = Desk::new();
    let output = desk.run(&["compress", "a.png", "--lossless"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(desk.names(), ["a-compressed.png", "a.png"]);
    let size = |name| fs::metadata(desk.path(name)).unwrap().len();
    assert!(size("a-compressed.png") < size("a.png"));
    assert_eq!(fs::read(desk.path("a.png")).unwrap(), picture(0));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.starts_with("FILE") && table.contains("a.png"), "{table}");
}

#[test]
fn nothing_is_overwritten_without_force() {
    let desk = Desk::new();
    fs::write(desk.path("b.png"), "precious").unwrap();
    let refused = desk.run(&["compress", "a.png", "-o", "b.png", "--lossless"]);
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert_eq!(fs::read(desk.path("b.png")).unwrap(), b"precious");
    let forced = desk.run(&["compress", "a.png", "-o", "b.png", "--lossless", "--force"]);
    assert_eq!(code(&forced), 0, "{}", stderr(&forced));
    assert!(is_png(&desk.path("b.png")));
}

#[test]
fn in_place_replaces_the_input_and_leaves_nothing_else() {
    let desk = Desk::new();
    let before = fs::metadata(desk.path("a.png")).unwrap().len();
    assert_eq!(code(&desk.run(&["compress", "a.png", "--in-place", "--lossless"])), 0);
    assert_eq!(desk.names(), ["a.png"]);
    let once = fs::read(desk.path("a.png")).unwrap();
    assert!((once.len() as u64) < before);
    assert_eq!(code(&desk.run(&["compress", "a.png", "--in-place", "--lossless"])), 0);
    assert_eq!(fs::read(desk.path("a.png")).unwrap(), once);
}

#[test]
fn in_place_never_turns_a_file_into_another_format() {
    let desk = Desk::new();
    let bmp = bmp(64, 64);
    fs::write(desk.path("scan"), &bmp).unwrap();
    let refused = desk.run(&["compress", "scan", "--in-place"]);
    assert_eq!(code(&refused), 1);
    assert!(stderr(&refused).contains("choose another name"), "{}", stderr(&refused));
    assert_eq!(fs::read(desk.path("scan")).unwrap(), bmp);
}

/// A BMP of one colour, 24 bits a pixel; `width` is a multiple of four.
fn bmp(width: u32, height: u32) -> Vec<u8> {
    let pixels = width * height * 3;
    let mut file = b"BM".to_vec();
    for number in [54 + pixels, 0, 54, 40, width, height, 24 << 16 | 1, 0, pixels, 0, 0, 0, 0] {
        file.extend(number.to_le_bytes());
    }
    file.resize(file.len() + pixels as usize, 77);
    file
}

#[test]
fn a_folder_keeps_its_tree_and_what_is_no_image_is_passed_over() {
    let desk = Desk::new();
    desk.picture("in/one.png", 1);
    desk.picture("in/sub/one.png", 2);
    fs::write(desk.path("in/notes.txt"), "text").unwrap();
    let output = desk.run(&["compress", "in", "--out-dir", "out", "--lossless"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let written: Vec<_> = desk.names().into_iter().filter(|name| name.starts_with("out")).collect();
    assert_eq!(written, ["out/one.png", "out/sub/one.png"]);
    assert!(stderr(&output).contains("passed over in folders: 1"), "{}", stderr(&output));
}

#[test]
fn two_inputs_with_one_output_are_refused_before_anything_is_written() {
    let desk = Desk::new();
    desk.picture("x/a.png", 1);
    let output = desk.run(&["compress", "a.png", "x/a.png", "--out-dir", "out"]);
    assert_eq!(code(&output), 2);
    assert!(!desk.path("out").exists());
}

#[test]
fn one_bad_input_does_not_stop_the_others() {
    let desk = Desk::new();
    fs::write(desk.path("bad.png"), "no image").unwrap();
    let output = desk.run(&["compress", "bad.png", "missing.png", "a.png", "--lossless", "--json"]);
    assert_eq!(code(&output), 1);
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let codes: Vec<_> = lines.iter().map(|line| line["error"]["code"].as_str()).collect();
    assert_eq!(codes, [Some("unsupported"), Some("io"), None]);
    assert_eq!(lines[2]["output"], "a-compressed.png");
    assert_eq!(lines[2]["report"]["version"], 2);
    assert!(desk.path("a-compressed.png").exists());
}

#[test]
fn standard_input_goes_to_standard_output_and_nothing_else_does() {
    let desk = Desk::new();
    let mut child = desk
        .command(&["compress", "-", "--lossless"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&picture(0)).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(output.stdout.starts_with(b"\x89PNG") && output.stdout.ends_with(b"IEND\xaeB`\x82"));
    assert!(stderr(&output).starts_with("FILE"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
#[test]
fn a_name_that_is_not_unicode_is_no_obstacle() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let name = |bytes: &[u8]| desk.dir.path().join(std::ffi::OsStr::from_bytes(bytes));
    fs::rename(desk.path("a.png"), name(b"caf\xe9.png")).unwrap();
    let output = desk.command(&["compress", "--lossless"]).arg(name(b"caf\xe9.png")).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(name(b"caf\xe9-compressed.png").exists());
}

#[test]
fn targets_that_contradict_each_other_are_refused() {
    let desk = Desk::new();
    for args in [["--target", "80", "--lossless", ""], ["--preset", "high", "--quality", "50"]] {
        let args: Vec<_> =
            ["compress", "a.png"].into_iter().chain(args.into_iter().filter(|arg| !arg.is_empty())).collect();
        assert_eq!(code(&desk.run(&args)), 2, "{args:?}");
    }
    assert_eq!(code(&desk.run(&["compress", "a.png", "--target", "101"])), 2);
    assert_eq!(desk.names(), ["a.png"]);
}

#[test]
fn what_is_asked_for_and_cannot_be_is_refused() {
    let desk = Desk::new();
    for (line, hint) in [
        ("--max-bytes 1kB --target 80", "cannot be used with"),
        ("--max-bytes 1kB --preset high", "cannot be used with"),
        ("--max-bytes many", "200kB"),
        ("--max-bytes 0", "max_bytes"),
        ("--floor 50", "--max-bytes"),
        ("--format gif", "jpeg"),
        ("--format auto -o a.webp", "contradict"),
        ("--format auto --in-place", "--in-place"),
        ("--effort slow", "balanced"),
        ("--thumb 8", "8"),
    ] {
        let args: Vec<_> = ["compress", "a.png"].into_iter().chain(line.split_whitespace()).collect();
        let output = desk.run(&args);
        assert_eq!(code(&output), 2, "{line}");
        assert!(stderr(&output).contains(hint), "{line}: {}", stderr(&output));
    }
    assert_eq!(desk.names(), ["a.png"]);
}

fn line(output: &Output) -> Value {
    assert_eq!(code(output), 0, "{}", stderr(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn json_says_which_format_and_effort_and_whether_a_limit_was_kept() {
    let desk = Desk::new();
    let impossible = line(&desk.run(&["compress", "a.png", "-o", "b.png", "--max-bytes", "1", "--json"]));
    assert_eq!((&impossible["format"], &impossible["effort"]), (&"png".into(), &"balanced".into()));
    assert_eq!(impossible["within_max_bytes"], false);
    let easy = line(&desk.run(&["compress", "a.png", "-o", "c.png", "--max-bytes", "1MB", "--json"]));
    assert_eq!(easy["within_max_bytes"], true);
    let unasked = line(&desk.run(&["compress", "a.png", "-o", "d.png", "--lossless", "--json"]));
    assert!(unasked.get("within_max_bytes").is_none());
}

#[test]
fn the_table_says_that_a_limit_could_not_be_kept() {
    let desk = Desk::new();
    let output = desk.run(&["compress", "a.png", "--max-bytes", "1"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let table = String::from_utf8(output.stdout).unwrap();
    assert!(table.contains("could not: over 1 bytes") && table.contains("balanced"), "{table}");
}

#[test]
fn an_output_has_the_name_of_the_format_that_was_chosen() {
    let desk = Desk::new();
    let done = line(&desk.run(&["compress", "a.png", "--format", "auto", "--json"]));
    let format: demitasse_engine::Format = serde_json::from_value(done["format"].clone()).unwrap();
    let output = PathBuf::from(done["output"].as_str().unwrap());
    assert_eq!(output.extension().unwrap(), format.extension());
    assert!(desk.path(done["output"].as_str().unwrap()).exists());
}

#[test]
fn inspect_tells_what_the_header_says() {
    let desk = Desk::new();
    let output = desk.run(&["inspect", "a.png", "--json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&found["format"], &found["width"], &found["height"]),
        (&"png".into(), &48.into(), &40.into())
    );
    assert_eq!(code(&desk.run(&["inspect", "missing.png"])), 1);
}

#[test]
fn verify_says_whether_a_receipt_is_true_of_two_files() {
    let desk = Desk::new();
    desk.picture("b.png", 3);
    let receipts = desk.run(&["compress", "a.png", "b.png", "--lossless", "--json"]);
    assert_eq!(code(&receipts), 0, "{}", stderr(&receipts));
    fs::write(desk.path("receipts"), &receipts.stdout).unwrap();
    for name in ["a", "b"] {
        let (input, out) = (format!("{name}.png"), format!("{name}-compressed.png"));
        let output = desk.run(&["verify", "receipts", &input, &out, "--json"]);
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(found["holds"], true, "{found}");
    }
    let output = desk.run(&["verify", "receipts", "b.png", "a-compressed.png"]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(text.contains("NO   ") && text.ends_with("The receipt is not true of these files.\n"), "{text}");
    let line = String::from_utf8(receipts.stdout).unwrap().lines().next().unwrap().to_owned();
    let report = serde_json::from_str::<Value>(&line).unwrap()["report"].to_string();
    let mut child = desk
        .command(&["verify", "-", "a.png", "a-compressed.png"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(report.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 0, "{}", String::from_utf8(output.stdout).unwrap());
}

#[test]
fn verify_without_a_receipt_or_a_file_is_a_mistake_of_usage() {
    let desk = Desk::new();
    fs::write(desk.path("none"), "{}").unwrap();
    fs::write(desk.path("failed"), r#"{"input":"a.png","error":{"code":"malformed"}}"#).unwrap();
    for args in [
        ["verify", "missing", "a.png", "a.png"],
        ["verify", "a.png", "a.png", "a.png"],
        ["verify", "none", "a.png", "a.png"],
        ["verify", "failed", "a.png", "a.png"],
        ["verify", "-", "-", "a.png"],
    ] {
        assert_eq!(code(&desk.command(&args).stdin(Stdio::null()).output().unwrap()), 2, "{args:?}");
    }
}

#[test]
fn the_help_is_as_reviewed() {
    let desk = Desk::new();
    for command in ["compress", "inspect", "verify"] {
        let output = desk.command(&[command, "--help"]).env("COLUMNS", "100").output().unwrap();
        insta::assert_snapshot!(format!("{command}_help"), String::from_utf8(output.stdout).unwrap());
    }
}

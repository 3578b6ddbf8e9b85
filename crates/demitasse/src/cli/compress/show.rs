//! What people and programs see: a progress bar, a table, JSON lines, complaints.

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use demitasse_engine::{Outcome, Report, Target};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::collect::{Skipped, Source};
use super::run::{Done, Written};

/// Says on standard error what is wrong.
pub(super) fn complain(what: &dyn Display) {
    let _ = writeln!(io::stderr(), "error: {what}");
}

/// A progress bar on standard error, if that is a terminal. It has no colours, so `NO_COLOR` asks for nothing.
pub(super) struct Progress(Option<ProgressBar>);

impl Progress {
    pub(super) fn new(images: usize) -> Self {
        if !io::stderr().is_terminal() || images < 2 {
            return Self(None);
        }
        let bar = ProgressBar::new(images as u64);
        let style = ProgressStyle::with_template("{pos}/{len} [{bar:30}] {eta} left  {wide_msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "));
        Self(Some(bar))
    }

    pub(super) fn start(&self, source: &Source) {
        if let Some(bar) = &self.0 {
            bar.set_message(name(source));
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.inc(1);
        }
    }

    pub(super) fn clear(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Shows everything: on standard output, or on standard error where the image itself has standard output.
pub(super) fn results(done: &[Done], as_json: bool, stdout_is_taken: bool) {
    let text = if as_json { json_lines(done) } else { table(done) };
    // A reader that went away, `head` say, is no failure of ours.
    let _ = if stdout_is_taken {
        io::stderr().write_all(text.as_bytes())
    } else {
        io::stdout().write_all(text.as_bytes())
    };
    for done in done {
        if let Err(failure) = &done.result {
            complain(&format_args!("{}: {}", name(&done.source), printable(&failure.message)));
        }
    }
}

/// Says on standard error what was not taken from folders.
pub(super) fn passed_over(skipped: Skipped, earlier_outputs: usize) {
    if let Some(note) = passed_over_note(skipped, earlier_outputs) {
        let _ = writeln!(io::stderr(), "{note}");
    }
}

fn passed_over_note(skipped: Skipped, earlier_outputs: usize) -> Option<String> {
    let counts = [
        (skipped.other, "not an image that is read here"),
        (skipped.links, "symbolic links"),
        (skipped.unreadable, "unreadable"),
        (earlier_outputs, "outputs of an earlier run"),
    ];
    let counts: Vec<_> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    (!counts.is_empty()).then(|| format!("passed over in folders: {}", counts.join(", ")))
}

fn name(source: &Source) -> String {
    match source {
        Source::Stdin => "-".to_owned(),
        Source::File { path, .. } => printable(&path.display().to_string()),
    }
}

/// Without control characters, which could play tricks on a terminal.
pub(in crate::cli) fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, letter| {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
        shown
    })
}

/// One line an image that was written, and a last line of totals.
pub(super) fn table(done: &[Done]) -> String {
    let mut rows = vec![["FILE", "BEFORE", "AFTER", "SAVED", "SCORE", "EFFORT", "RESULT"].map(str::to_owned)];
    let (mut before, mut after, mut count) = (0, 0, 0);
    for done in done {
        if let Ok(Written { report, .. }) = &done.result {
            rows.push(row(done, report));
            before += report.input.bytes;
            after += report.output.bytes;
            count += 1;
        }
    }
    if count == 0 {
        return String::new();
    }
    if count > 1 {
        let total = format!("{count} images");
        let [score, effort, result] = [const { String::new() }; 3];
        rows.push([total, digits(before), digits(after), saved(before, after), score, effort, result]);
    }
    align(&rows)
}

fn row(done: &Done, report: &Report) -> Row {
    let score = match &report.score {
        Some(score) => format!("{:.1}", score.value.0),
        None if report.lossless => "same".to_owned(),
        None => "-".to_owned(),
    };
    let (before, after) = (report.input.bytes, report.output.bytes);
    let effort = report.request.effort.to_string();
    [name(&done.source), digits(before), digits(after), saved(before, after), score, effort, result(report)]
}

/// The format that came out or why the original stayed, another size, and whether a limit of bytes was kept.
fn result(report: &Report) -> String {
    let mut text = match (report.outcome, &report.reason) {
        (Outcome::Compressed, _) => report.output.format.to_string(),
        (Outcome::KeptOriginal, Some(reason)) => format!("kept: {}", printable(&reason.detail)),
        (Outcome::KeptOriginal, None) => "kept".to_owned(),
    };
    if report.request.resize.is_some() {
        let _ = write!(text, ", {}x{}", report.output.width, report.output.height);
    }
    if let Target::MaxBytes { max_bytes, .. } = report.request.target {
        let relation = if is_within(report, max_bytes) { "within" } else { "could not: over" };
        let _ = write!(text, ", {relation} {} bytes", digits(max_bytes));
    }
    text
}

fn is_within(report: &Report, max_bytes: u64) -> bool {
    report.output.bytes <= max_bytes
}

const COLUMNS: usize = 7;

type Row = [String; COLUMNS];

/// Columns two spaces apart; the numbers to the right.
fn align(rows: &[Row]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for column in 1..COLUMNS - 2 {
            let _ = write!(line, "  {:>width$}", row[column], width = widths[column]);
        }
        let _ =
            write!(line, "  {:<width$}  {}", row[COLUMNS - 2], row[COLUMNS - 1], width = widths[COLUMNS - 2]);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `1234567`: `1,234,567`.
fn digits(number: u64) -> String {
    let plain = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The part of the bytes that is gone, in percent.
fn saved(before: u64, after: u64) -> String {
    if before == 0 {
        return "-".to_owned();
    }
    format!("{:.1}%", 100.0 * (1.0 - after as f64 / before as f64))
}

/// One object a line: `input`, then `output`, `format`, `effort`, with --max-bytes `within_max_bytes`, and `report`; or
/// `error`.
fn json_lines(done: &[Done]) -> String {
    done.iter().map(|done| format!("{}\n", json_line(done))).collect()
}

fn json_line(done: &Done) -> Value {
    let mut line = json!({});
    match &done.source {
        Source::Stdin => line["input"] = json!("-"),
        Source::File { path, .. } => put_path(&mut line, "input", path),
    }
    match &done.result {
        Ok(written) => {
            match &written.output {
                Some(path) => put_path(&mut line, "output", path),
                None => line["output"] = json!("-"),
            }
            let report = &written.report;
            line["format"] = json!(report.output.format);
            line["effort"] = json!(report.request.effort);
            if let Target::MaxBytes { max_bytes, .. } = report.request.target {
                line["within_max_bytes"] = json!(is_within(report, max_bytes));
            }
            line["report"] = json!(report);
        }
        Err(failure) => line["error"] = json!({ "code": failure.code, "message": failure.message }),
    }
    line
}

/// JSON is Unicode and file names need not be: such a name is shown as well as can be, and given in full as the
/// hexadecimal digits of its bytes.
fn put_path(line: &mut Value, key: &str, path: &Path) {
    line[key] = json!(path.display().to_string());
    if path.to_str().is_none() {
        line[format!("{key}_hex")] = json!(hex::encode(path.as_os_str().as_encoded_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 12, 123, 1234, 1_234_567].map(digits), ["0", "12", "123", "1,234", "1,234,567"]);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb\u{fc}"), "a\\u{1b}[2J\\nb\u{fc}");
    }

    #[test]
    fn saved_is_a_share_of_the_input() {
        assert_eq!([saved(1000, 250), saved(3, 3), saved(0, 0)], ["75.0%", "0.0%", "-"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_is_given_in_full() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(std::ffi::OsStr::from_bytes(b"caf\xe9.jpg"));
        let mut line = json!({});
        put_path(&mut line, "input", path);
        assert_eq!(line["input"], "caf\u{fffd}.jpg");
        assert_eq!(line["input_hex"], "636166e92e6a7067");
    }

    #[test]
    fn what_was_passed_over_is_told() {
        let skipped = Skipped { other: 2, links: 0, unreadable: 1 };
        let note = "passed over in folders: 2 not an image that is read here, 1 unreadable";
        assert_eq!(passed_over_note(skipped, 0).as_deref(), Some(note));
        assert_eq!(passed_over_note(Skipped::default(), 0), None);
    }
}
